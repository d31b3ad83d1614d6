"""``skypact incident extract``: what a party's ledger says of its hotline, for the report of an incident.

Law: from an export it needs the files, the log's key and the pact, and no network or database. What was not
used is told on standard error. Tracks and the pact are named in the extract, from its own folder; they are
not copied.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from skypact.cli import OK, complain
from skypact.cli.incident import say
from skypact.cli.output import binary
from skypact.cli.pact_signing import chain_of
from skypact.cli.progress import Progress
from skypact.desk import extract
from skypact.errors import UsageError
from skypact.formats.incident_record import write_record
from skypact.incident import values
from skypact.pact.signatures import digest_of
from skypact.record.checkpoint import Policy
from skypact.record.note import verifier_key

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path


def of_export(options: argparse.Namespace) -> int:
    """Make an extract of an export of a ledger."""
    if not (options.export and options.bodies and options.log and options.pact):
        raise UsageError(
            "'skypact incident extract' needs --export DIR, --bodies FILE, --log VKEY and --pact FILE; "
            "or --node, for the record of a node"
        )
    witnesses = tuple(verifier_key(text, where="--witness") for text in options.witness or ())
    quorum = len(witnesses) if options.quorum is None else options.quorum
    policy = Policy(verifier_key(options.log, where="--log"), witnesses, quorum)
    others = [verifier_key(text, where="--other-log") for text in options.other_log or ()]
    chain = chain_of(options.pact, [])
    pacts = {digest_of(edition.text): edition.pact for edition in chain}
    progress = Progress(quiet=False)
    found = progress.run(
        lambda: extract.of_export(
            options.export, options.bodies, policy, pacts, logs=others, tell=progress.step
        )
    )
    return finish(options, write_record(found.book, chain[-1].pact.data_mode), found.left_out)


def finish(options: argparse.Namespace, said: dict[str, Any], left_out: Iterable[str]) -> int:
    """Write an extract, with the event and the files beside that it names."""
    if options.event is not None:
        said["event"] = values.period(options.event, where="--event").text
    if options.track:
        said["tracks"] = [_from(options.output, path) for path in options.track]
    if options.pact is not None:
        said["pact"] = _from(options.output, options.pact)
    with binary(options.output) as stream:
        stream.write(json.dumps(said, indent=1, ensure_ascii=False).encode() + b"\n")
    for each in left_out:
        complain(f"left out: {each}")
    if options.output is not None:
        many = len(said["messages"])
        ledger = said.get("ledger", "no leaf was used")
        say([f"{options.output}: {many} messages of the record of {said['holder']}", f"  {ledger}"])
        say([f"  {fork}" for fork in said.get("forks", ())])
    return OK


def _from(output: Path | None, path: Path) -> str:
    """A file's path as it is found from the folder of the extract."""
    folder = "." if output is None else output.resolve().parent
    return os.path.relpath(path.resolve(), folder)
