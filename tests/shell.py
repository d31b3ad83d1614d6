"""The command as a process of its own, as a person at a terminal has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "skypact")
TIMEOUT_S = 240
"""Long enough for kernels that are not compiled yet."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as one JSON object, without NaN or Infinity."""

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        return cast("dict[str, Any]", json.loads(self.out, parse_constant=refuse))


def environment(**more: str) -> dict[str, str]:
    """A plain environment: UTF-8, no colour forced, 80 columns."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "SKYPACT_DEBUG", "PYTHONIOENCODING"}
    }
    return kept | {"PYTHONUTF8": "1"} | more


def skypact(
    *arguments: str | Path, stdin: bytes | None = None, cwd: Path | None = None, **environ: str
) -> Ended:
    """Run ``skypact`` with these arguments to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        cwd=cwd,
        env=environment(**environ),
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))
