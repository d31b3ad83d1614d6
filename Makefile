# Skypact's two commands are `make run` and `make test`; `make help` lists the rest.
# Everything is installed into .venv from hashed lock files; nothing outside this folder is touched, except that
# `make test`, when it may (root on Debian), installs the browser and the PostgreSQL server that tests need.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    := out
# numba's compiled kernels live beside the sources; the first run compiles them once

# our own modules are compiled once too: without that, each process that a test starts takes twice as long
unexport PYTHONDONTWRITEBYTECODE

PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# a file stays with one worker, for its fixtures; tests/conftest.py puts the longest first
PYTEST := pytest --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run test lint types imports warm kernels unit fmt bench soak lock clean browser postgres migration

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "skypact needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 run"; exit 2; }
	@echo "setting up $(VENV) (once, about half a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 2; }
	@$(PIP) --require-hashes --requirement requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "setting up the test tools (once)"
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@touch $@

run: $(VENV)/.run ## check the al-Tanf example, draw its map, and tell its story between two nodes
	@mkdir -p $(OUT)
	@$(BIN)/skypact check examples/al-tanf --map $(OUT)/al-tanf.html; code=$$?; [ $$code -le 1 ] || exit $$code
	@echo
	@echo "The map: $(OUT)/al-tanf.html (opens in any browser, offline)."
	@echo
	@echo "Now the story, between two nodes on this machine, about a minute. Ctrl-C stops both."
	@$(BIN)/python examples/stories/al_tanf.py --out $(OUT)/al-tanf
	@echo
	@echo "Next:    $(BIN)/python examples/stories/relief.py   three parties, a convoy and a list of hospitals"
	@echo "         $(BIN)/skypact check examples/wildfire --start 2025-08-12T18:05:00Z --mode simulated"
	@echo "         $(BIN)/skypact check YOUR-TRACKS.csv --map map.html"
	@echo "         $(BIN)/skypact up                 a node; README.md has what then"
	@echo "         $(BIN)/skypact --help"

test: ## the whole suite: lint, types, import contracts, tests, browser
	@# the kernels compile for a minute on one core: on the other, the tools are set up and the types checked
	@$(MAKE) --no-print-directory --jobs=2 warm lint imports types kernels browser postgres
	@$(MAKE) --no-print-directory unit

lint: $(VENV)/.dev ## ruff, all rules on
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy --strict
	$(BIN)/mypy

imports: $(VENV)/.dev ## the floor plan
	$(BIN)/lint-imports

warm: $(VENV)/.run
	@echo "compiling kernels, where they are not compiled yet"
	@$(BIN)/python -c 'from skypact.node.kernels import warm; warm()'
	@$(BIN)/skypact check examples/al-tanf --quiet >/dev/null; [ $$? -le 1 ]

kernels: $(VENV)/.dev ## the kernels with the compiler off, on a small set, with their coverage
	NUMBA_DISABLE_JIT=1 COVERAGE_FILE=.coverage.kernels $(BIN)/coverage run --rcfile=tests/kernels/coverage.toml -m pytest -q tests/kernels
	COVERAGE_FILE=.coverage.kernels $(BIN)/coverage combine --quiet --rcfile=tests/kernels/coverage.toml
	COVERAGE_FILE=.coverage.kernels $(BIN)/coverage report --rcfile=tests/kernels/coverage.toml

unit: $(VENV)/.dev browser postgres ## tests, with branch coverage of the rules
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST) -n 2 -m measured tests/rules
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	@# what runs services, processes and databases is not measured: that would double its time;
	@# it often waits, so that three at a time keep two cores busy
	$(BIN)/python -m $(PYTEST) -n 3 -m "not measured and not soak" --ignore tests/kernels

browser:
	@if ! command -v chromium >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing chromium for the browser tests"; \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
	      || echo "WARNING: chromium could not be installed: THE BROWSER TESTS WILL BE SKIPPED"; \
	  else echo "WARNING: no chromium, and no right to install it: THE BROWSER TESTS WILL BE SKIPPED"; fi; fi

postgres: | browser
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "installing PostgreSQL for the tests of the store"; \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null 2>&1 \
	      || echo "WARNING: PostgreSQL could not be installed: HALF OF THE STORE'S TESTS WILL BE SKIPPED"; \
	  else echo "WARNING: no PostgreSQL, and no right to install it: HALF OF THE STORE'S TESTS WILL BE SKIPPED"; fi; fi

migration: $(VENV)/.dev ## draft the next step of the tables: make migration NAME="what changes"
	$(BIN)/python tools/new_migration.py "$(NAME)"

fmt: $(VENV)/.dev ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## the benchmarks, peers beside us in the same run
	$(BIN)/python bench/run.py
	$(BIN)/python bench/exchange.py
	$(BIN)/python bench/hotline.py

soak: $(VENV)/.dev ## millions of pairs against the oracle; minutes
	$(BIN)/python -m pytest -m soak -s

lock: $(VENV)/.dev ## resolve the dependencies anew into the hashed lock files
	$(BIN)/uv pip compile pyproject.toml --group build --universal --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --group test --group lint --group lock --group build --universal --generate-hashes --no-emit-index-url --no-header --quiet --constraint requirements/run.txt --output-file requirements/dev.txt

clean: ## remove what was set up and compiled
	rm -rf $(VENV) .bench-venv $(OUT) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find src tests -name __pycache__ -prune -exec rm -rf {} +
