"""What all tests share: hypothesis without deadlines, what is begun first, where recorded data are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# the first example of a test may have to wait for a compiler: no deadline; the same examples for everybody
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

pytest_plugins = ["databases"]
"""Fixtures of databases, for every suite."""

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "tests" / "rules"

LONGEST = (
    "stories/test_schemathesis.py",
    "stories/test_node_up.py",
    "stories/test_cli_errors.py",
    "record/test_cli_record.py",
    "crash/test_store_kill.py",
    "stories/test_exchange.py",
    "browser/test_html_map.py",
    "stories/test_documents.py",
    "stories/test_cli_check.py",
    "record/test_served.py",
    "stories/test_cli_db.py",
    "dss/test_invariant.py",
    "store/test_ledger.py",
    "stories/test_cli_flights.py",
    "rules/check/test_losses.py",
    "rules/airspace/test_outlines.py",
    "rules/formats/test_html_map.py",
    "rules/check/test_conflicts_oracle.py",
    "rules/check/test_well_clear.py",
    "rules/formats/test_pact_terms.py",
    "rules/check/test_regressions.py",
    "rules/check/test_conflicts.py",
)
"""Files that take the longest, begun first: a worker that gets one last is waited for by the others."""


@pytest.hookimpl(tryfirst=True)  # before marks select
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, all else in its order; mark what is measured."""
    rank = {ROOT / "tests" / name: at for at, name in enumerate(LONGEST)}
    if gone := [path.name for path in rank if not path.is_file()]:
        raise pytest.UsageError(f"{Path(__file__)}: LONGEST names files that are not there: {gone}")
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
    for item in items:
        if RULES in item.path.parents and item.get_closest_marker("unmeasured") is None:
            item.add_marker("measured")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded data, beside the repository or where SKYPACT_SHARED says.

    Tests that need it skip without it.
    """
    folder = Path(os.environ.get("SKYPACT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no recorded data: {folder} is not there (set SKYPACT_SHARED)")
    return folder
