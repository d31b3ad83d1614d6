"""How kernels are compiled, and what becomes of machine code whose sources have changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import skypact
from shell import environment

if TYPE_CHECKING:
    import pytest

CALLED = """from skypact.airspace.jit import inlined
@inlined
def called() -> float:
    return {value}
"""
CALLER = """from skypact.airspace._called import called
from skypact.airspace.jit import kernel
@kernel
def caller() -> float:
    return called()
print(caller(), sum(caller.stats.cache_hits.values()))
"""


def test_machine_code_of_changed_sources_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel compiles anew when a function that it calls in another file has changed, and only then."""
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    package = tmp_path / "skypact"
    shutil.copytree(
        Path(skypact.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "formats", "cli")
    )
    called = package / "airspace" / "_called.py"
    (package / "check" / "_caller.py").write_text(CALLER, encoding="utf-8")

    def run() -> list[str]:
        code = "import runpy, sys; sys.path.insert(0, sys.argv[1]); import skypact.check._caller"
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            capture_output=True,
            text=True,
            # Python's own cache goes by a file's time and size, of which this test keeps both
            env=environment(PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
            check=True,
        )
        return done.stdout.split()

    called.write_text(CALLED.format(value="1.0"), encoding="utf-8")
    before = called.stat()
    assert run() == ["1.0", "0"]
    assert run() == ["1.0", "1"]
    called.write_text(CALLED.format(value="2.0"), encoding="utf-8")
    os.utime(called, ns=(before.st_atime_ns, before.st_mtime_ns))  # nor do the file's times decide
    assert run() == ["2.0", "0"]
    assert run() == ["2.0", "1"]
