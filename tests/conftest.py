"""What all tests share: hypothesis without deadlines, and where the recorded data are."""

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


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded data, beside the repository or where SKYPACT_SHARED says.

    Tests that need it skip without it.
    """
    folder = Path(os.environ.get("SKYPACT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no recorded data: {folder} is not there (set SKYPACT_SHARED)")
    return folder
