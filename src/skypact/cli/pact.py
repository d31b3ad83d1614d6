"""``skypact pact``: what is doubtful in an agreement, who has signed it, what changed in it.

Law: an error is what makes the pact unusable; a warning is what it probably does not mean to say; a note is
a fact to know. That there is no error, or no signature missing, says nothing about what the parties think of
it. A pact is read and its signatures are written; the text of a pact is never written.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skypact.cli import FOUND, OK, visible
from skypact.cli.parsing import Parser
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

LIMIT_BYTES: Final = 16 * 1024 * 1024
"""A larger file is no pact that anybody agreed on."""

ACTIONS: Final = {
    "lint": ("FILE", ()),
    "sign": ("FILE", ("key", "party", "previous")),
    "verify": ("FILE", ("previous", "format")),
    "fingerprint": ("FILE", ("heard", "format")),
    "diff": ("OLD NEW", ("party", "format")),
}
"""What can be done, the files that it takes, and the options."""

_DESCRIPTION = """\
Read an agreement (TOML), sign it, say who has signed it and what changed.

  lint FILE         what is wrong, doubtful or worth knowing in it
  sign FILE         sign it for a party: writes, or extends, FILE.sigs
  verify FILE       who has signed it, who is missing, whether it holds
  fingerprint FILE  of a key, or of a pact and its keys, to be read aloud
  diff OLD NEW      in words, what changed for whom"""
_EPILOG = """\
Exit status: 0 no errors, or complete, or the same; 1 errors, signatures
missing, or differences; 2 bad usage or input, or a signature that does not
fit: the text was changed, or it was never what was signed."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact pact``."""
    p = Parser("pact", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="ACTION", choices=ACTIONS, help="one of the above")
    p.add_argument("files", metavar="FILE", type=Path, nargs="+", help="the pact, or a public key in PEM")
    p.add_argument(
        "--key", metavar="FILE", type=Path, help="of sign: the party's secret key (PEM, mode 0600)"
    )
    p.add_argument("--party", metavar="NAME", help="of sign: for whom; of diff: whose reading comes first")
    p.add_argument(
        "--previous",
        metavar="FILE",
        type=Path,
        action="append",
        help="a version that it supersedes; found by itself in the same folder",
    )
    p.add_argument("--heard", metavar="DIGITS", help="of fingerprint: what the other side read out")
    p.add_argument("--format", choices=("table", "json"), help="of the answer (table)")
    return p


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from skypact.cli import pact_diff, pact_signing

    action: str = options.action
    files, allowed = ACTIONS[action]
    if len(options.files) != len(files.split()):
        raise UsageError(f"'skypact pact {action}' takes {files}; found {len(options.files)} files")
    for name in ("key", "party", "previous", "heard", "format"):
        if getattr(options, name) is not None and name not in allowed:
            raise UsageError(f"--{name} is not an option of 'skypact pact {action}'")
    now_us = time.time_ns() // 1000  # the terminal is one of the places where the clock enters
    path: Path = options.files[0]
    as_json = options.format == "json"
    if action == "lint":
        return _lint(path, now_us)
    if action == "sign":
        if options.key is None or options.party is None:
            raise UsageError("'skypact pact sign' needs --key FILE and --party NAME")
        return pact_signing.sign(path, options.key, options.party, options.previous or [], now_us)
    if action == "verify":
        return pact_signing.verify(path, options.previous or [], now_us, as_json=as_json)
    if action == "fingerprint":
        return pact_signing.fingerprint(path, options.heard, as_json=as_json)
    return pact_diff.diff(path, options.files[1], options.party, as_json=as_json)


def _lint(path: Path, now_us: int) -> int:
    """Print the remarks, most serious first; 1 if one of them is an error."""
    from skypact.cli.output import standard_output
    from skypact.formats.pact_toml import lint
    from skypact.formats.source import Source

    with Source(path) as source:
        data = source.read_bytes(LIMIT_BYTES)
    remarks = sorted(
        lint(data, str(path), now_us=now_us), key=lambda remark: _ORDER.index(remark.severity.value)
    )
    counts = Counter(remark.severity.value for remark in remarks)
    with standard_output():
        for remark in remarks:
            line = f" (line {remark.line})" if remark.line else ""
            sys.stdout.write(f"{visible(str(remark))}{line}\n")
        listed = ", ".join(
            f"{counts[word]} {word}{'s' if counts[word] > 1 else ''}" for word in _ORDER if counts[word]
        )
        end = "" if counts["error"] else " No error says nothing of what the parties think of it."
        sys.stdout.write(f"{visible(str(path))}: {listed or 'no remarks'}.{end}\n")
    return FOUND if counts["error"] else OK


_ORDER: Final = ("error", "warning", "note")
