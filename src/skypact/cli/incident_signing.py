"""``skypact incident sign`` and ``verify``: a party's signature under the lines of an incident's file.

Law: the incident's file is read and never written; signatures lie beside it, written whole or not at all.
Nobody signs beside a signature that does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skypact.cli import BAD, FOUND, OK, complain
from skypact.cli.hotline import pact_of
from skypact.cli.incident import print_json, say
from skypact.cli.output import binary
from skypact.errors import UsageError
from skypact.formats.incident_file import load
from skypact.formats.incident_report import signatures as told
from skypact.formats.incident_signatures import SIZE_MAX, SUFFIX, read_signatures, write_signatures
from skypact.formats.source import Source
from skypact.incident import signatures
from skypact.instants import format_instant
from skypact.node.keys import secret_key

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from skypact.formats.incident_file import Kept
    from skypact.incident.signatures import Signature, Standing


def sign(options: argparse.Namespace, at_us: int) -> int:
    """Sign the last line of a file, and with it all that stands above."""
    if not (options.pact and options.key):
        raise UsageError("'skypact incident sign' needs --pact FILE and --key FILE")
    pact, _, mark = pact_of(options.pact)
    kept, there = load(options.file), _beside(options.file)
    made = signatures.sign(secret_key(options.key, "--key"), kept.case, kept.lines, pact, at_us)
    known = signatures.standing(kept.case, kept.lines, there, pact)
    for fault in known.faults:
        raise fault
    beside = options.file.with_name(options.file.name + SUFFIX)
    under = f"; the pact is an {mark.lower()}" if mark else ""
    if any(each.party == made.party and each.number == made.number for each in known.good):
        say([f"{beside}: {made.party} has signed this line already; nothing was written"])
        return OK
    with binary(beside) as stream:
        stream.write(write_signatures((*there, made)))
    say([f"{beside}: {made.party} signed up to line {made.number + 1}, head {made.digest}{under}"])
    return OK


def verify(options: argparse.Namespace) -> int:
    """Say which lines are signed by who wrote them."""
    if options.pact is None:
        raise UsageError("'skypact incident verify' needs --pact FILE: it has the parties' keys")
    if options.format == "html":
        raise UsageError("'skypact incident verify' is a table or JSON")
    kept = load(options.file)
    known = standing(options, kept)
    assert known is not None  # noqa: S101  # there is a pact
    if options.format == "json":
        print_json(_as_signed(kept, known))
    else:
        say(list(_signed_lines(kept, known)))
    for fault in known.faults:
        complain(f"error: {fault}")
    return BAD if known.faults else FOUND if known.unsigned else OK


def standing(options: argparse.Namespace, kept: Kept) -> Standing | None:
    """What the signatures beside a file say of it, with the keys of the pact that is given."""
    if options.pact is None:
        return None
    pact, _, _ = pact_of(options.pact)
    return signatures.standing(kept.case, kept.lines, _beside(options.file), pact)


def _beside(path: Path) -> tuple[Signature, ...]:
    beside = path.with_name(path.name + SUFFIX)
    if not beside.exists():
        return ()
    with Source(beside) as source:
        return read_signatures(source.read_bytes(SIZE_MAX), str(beside))


def _signed_lines(kept: Kept, known: Standing) -> Iterator[str]:
    yield f"{len(kept.digests)} entries verified, head {kept.head}"
    for number, (entry, mark) in enumerate(zip(kept.case.entries, known.marks, strict=True)):
        yield f"  {number + 1:>4}  {mark.value:<8}  {entry.what.kind}, by {entry.by} ({entry.post})"
    for each in known.good:
        yield f"signed up to line {each.number + 1} by {each.party}, {format_instant(each.at_us)}"
    many = len(known.unsigned)
    yield (
        f"{known.mark}: {many} of {len(known.marks)} lines are not signed by the party they were written for."
        if many
        else "Each line is signed by the party that it was written for. That says nothing of who is right."
    )


def _as_signed(kept: Kept, known: Standing) -> dict[str, Any]:
    marks = [
        {"n": number, "by": entry.by, "entry": entry.what.kind, "mark": mark.value}
        for number, (entry, mark) in enumerate(zip(kept.case.entries, known.marks, strict=True))
    ]
    return {"entries": len(kept.digests), "head": kept.head, "lines": marks, **told(known)}
