"""``skypact pact lint``: what a careful reader would remark on in an agreement.

Law: an error is what makes the pact unusable; a warning is what it probably does not mean to say; a note is
a fact to know. Exit status 1 means errors. That there is none says nothing about what the parties think of
it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skypact.cli import FOUND, OK, visible
from skypact.cli.parsing import Parser

if TYPE_CHECKING:
    import argparse

LIMIT_BYTES: Final = 16 * 1024 * 1024
"""A larger file is no pact that anybody agreed on."""

_DESCRIPTION = "Say what is wrong, doubtful or worth knowing in a pact (TOML)."
_EPILOG = """\
Exit status: 0 no errors (warnings and notes do not count), 1 errors,
2 the file cannot be read."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact pact``."""
    p = Parser("pact", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="lint", choices=("lint",), help="the one action there is so far")
    p.add_argument("file", metavar="FILE", type=Path, help="the pact")
    return p


def run(options: argparse.Namespace) -> int:
    """Print the remarks, most serious first; 1 if one of them is an error, 2 if it is not even TOML."""
    from skypact.cli.output import standard_output
    from skypact.formats.pact_toml import lint
    from skypact.formats.source import Source

    path: Path = options.file
    with Source(path) as source:
        data = source.read_bytes(LIMIT_BYTES)
    now_us = time.time_ns() // 1000  # the terminal is one of the two places where the clock enters
    remarks = sorted(
        lint(data, str(path), now_us=now_us), key=lambda remark: _ORDER.index(remark.severity.value)
    )
    counts = Counter(remark.severity.value for remark in remarks)
    with standard_output():
        for remark in remarks:
            sys.stdout.write(visible(str(remark)) + "\n")
        listed = ", ".join(
            f"{counts[word]} {word}{'s' if counts[word] > 1 else ''}" for word in _ORDER if counts[word]
        )
        end = "" if counts["error"] else " No error says nothing of what the parties think of it."
        sys.stdout.write(f"{visible(str(path))}: {listed or 'no remarks'}.{end}\n")
    return FOUND if counts["error"] else OK


_ORDER: Final = ("error", "warning", "note")
