"""The house keeps its own rules: front doors, imports, documents."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import skypact

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MODULES = sorted(
    m.name for m in pkgutil.walk_packages(skypact.__path__, "skypact.") if not m.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    """Each module opens with a docstring of its own."""
    doc = importlib.import_module(name).__doc__
    assert doc is not None
    assert len(doc.strip()) > 20


@pytest.mark.parametrize("name", ["skypact.airspace", "skypact.check", "skypact.formats", "skypact.pact"])
def test_front_doors_open_on_what_they_promise(name: str) -> None:
    """Every name in ``__all__`` exists, is listed once and in order, and has a docstring or a value."""
    module = importlib.import_module(name)
    names = getattr(module, "__all__", None)
    if names is None:
        pytest.fail(f"{name} has no __all__")
    assert sorted(set(names)) == sorted(names)
    for item in names:
        assert getattr(module, item) is not None


def test_every_test_says_in_one_sentence_what_holds() -> None:
    """Each test function's docstring is one sentence of its own."""
    wrong = []
    for path in TESTS:
        seen: dict[str, str] = {}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                doc = (ast.get_docstring(node) or "").strip()
                first = doc.split("\n\n")[0]
                if not first or not first.endswith(".") or len(first) < 15:
                    wrong.append(f"{path.name}:{node.lineno} {node.name}: {first!r}")
                elif first in seen:
                    wrong.append(f"{path.name}:{node.lineno} {node.name} says what {seen[first]} says")
                seen[first] = node.name
    assert wrong == []


def test_no_test_asserts_nothing() -> None:
    """Each test function has an assertion, an expected error, or a call that checks."""
    idle = []
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test_")):
                continue
            text = ast.unparse(node)
            if not any(mark in text for mark in ("assert", "pytest.raises", "pytest.fail", "survives(")):
                idle.append(f"{path.name}:{node.lineno} {node.name}")
    assert idle == []


def test_help_needs_none_of_the_heavy_libraries() -> None:
    """``skypact --help`` imports no compiler, no geometry and no columns."""
    code = (
        "import sys\n"
        "from skypact.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numba', 'numpy', 'pyproj', 'shapely', 'pyarrow', 'msgspec'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "heavy: []" in done.stdout


def test_nothing_names_a_registry_or_this_machine() -> None:
    """No tracked text names a package registry's host or a path of somebody's machine."""
    forbidden = (
        "pypi" + ".org",
        "registry.npm" + "js",
        "files.python" + "hosted",
        "/wor" + "k/",
        "/ro" + "ot/",
    )
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: there is no list of tracked files")
    found = []
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".z", ".npz", ".gz", ".parquet", ".bin"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{name}: {mark}" for mark in forbidden if mark in text]
    assert found == []
