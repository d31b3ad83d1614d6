"""``skypact pact diff``: in words, what changed for whom.

Law: every change is listed. Whose reading it is decides the order alone: what touches that party first, then
what touches all, then what changed among the others. Neither version needs to be signed, or to be in force.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from skypact.cli import FOUND, OK, visible
from skypact.cli.output import standard_output
from skypact.errors import UsageError
from skypact.formats.pact_toml import SIZE_MAX, read_pact
from skypact.formats.source import Source
from skypact.pact.statements import Change, differences, for_party

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.pact import Pact


def diff(old_path: Path, new_path: Path, party: str | None, *, as_json: bool) -> int:
    """Print what changed from one version to another; 1 where anything did."""
    old, new = _pact(old_path), _pact(new_path)
    known = [each.id for each in (*old.parties, *new.parties)]
    if party is not None and party not in known:
        raise UsageError(
            f"--party: {party!r} is a party of neither; expected {', '.join(dict.fromkeys(known))}"
        )
    changes = differences(old, new)
    with standard_output():
        if as_json:
            text = json.dumps([_as_json(change) for change in changes], indent=2, ensure_ascii=False)
            sys.stdout.write(text + "\n")
        else:
            sys.stdout.writelines(f"{visible(line)}\n" for line in _lines(changes, party))
    return FOUND if changes else OK


def _lines(changes: tuple[Change, ...], party: str | None) -> list[str]:
    if not changes:
        return ["Nothing that the pact says has changed."]
    if party is None:
        return [_line(change) for change in changes]
    lines = []
    headings = (f"What touches {party}:", "What touches all alike:", "What changed among others:")
    for heading, tier in zip(headings, for_party(changes, party), strict=True):
        if tier:
            lines += [heading, *(f"  {_line(change)}" for change in tier)]
    return lines


def _line(change: Change) -> str:
    whom = f" [{', '.join(change.touches)}]" if change.touches else ""
    return f"{change}{whom}"


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "subject": change.subject,
        "term": change.term,
        "was": change.was,
        "now": change.now,
        "touches": list(change.touches),
        "words_of": [name for name in dict.fromkeys((change.was_by, change.now_by)) if name],
        "text": str(change),
    }


def _pact(path: Path) -> Pact:
    with Source(path) as source:
        pact = read_pact(source.read_bytes(SIZE_MAX), str(path)).pact
    assert pact is not None  # noqa: S101  # read_pact gives one or raises
    return pact
