"""``skypact logs``: the log that F3548-21 asks for, as its USSLogSet, of the node that runs here.

Law: what is exported is whole. A span with more than one answer holds is asked for in halves, and put
together; one that cannot be halved is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from skypact.cli import OK
from skypact.cli.calling import Refusal, ask, options
from skypact.cli.output import binary
from skypact.cli.parsing import Parser

if TYPE_CHECKING:
    import argparse

SCOPE: Final = "skypact.logs"
SHORTEST_US: Final = 1_000_000

_DESCRIPTION = """\
Export logs as F3548-21 has them (USSLogSet): of one flight or constraint by its
id, or of a span of time, START--END in RFC 3339."""
_EPILOG = """\
  skypact logs 2026-06-01T00:00:00Z--2026-06-02T00:00:00Z --output june-1.json

Exit status: 0 exported, 2 bad usage, or no node answers."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact logs``."""
    p = Parser("logs", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("set", metavar="SET", help="an id, or START--END")
    p.add_argument("--output", metavar="FILE", help="write there instead of standard output (-)")
    options(p)
    return p


def run(given: argparse.Namespace) -> int:
    """Export them."""
    import msgspec

    found = exported(given, given.set)
    text = msgspec.json.format(msgspec.json.encode(found)) + b"\n"
    with binary(None if given.output in {None, "-"} else Path(given.output)) as stream:
        stream.write(text)
    return OK


def exported(given: argparse.Namespace, name: str) -> dict[str, Any]:
    """One log set, whole."""
    try:
        return dict(ask(given, "GET", f"/uss/v1/log_sets/{quote(name, safe='')}", scope=SCOPE)[1])
    except Refusal as error:
        halves = _halves(name) if error.status == 413 else None
        if halves is None:
            raise
    first, second = (exported(given, half) for half in halves)
    return {key: _joined(key, first.get(key, []), second.get(key, [])) for key in {*first, *second}}


def _halves(name: str) -> tuple[str, str] | None:
    from skypact.instants import format_instant, parse_instant

    start, dashes, end = name.partition("--")
    if not dashes:
        return None
    start_us, end_us = parse_instant(start), parse_instant(end)
    if end_us - start_us < 2 * SHORTEST_US:
        return None
    middle = format_instant((start_us + end_us) // 2)
    return f"{start}--{middle}", f"{middle}--{end}"


def _joined(key: str, first: list[Any], second: list[Any]) -> list[Any]:
    """Two parts of one log: what is of things and not of instants is in both, and listed once."""
    if key == "operational_intent_positions":
        flights: dict[str, list[Any]] = {}
        for part in (*first, *second):
            flights.setdefault(part["operational_intent_id"], []).extend(part.get("positions", []))
        return [{"operational_intent_id": ident, "positions": rows} for ident, rows in flights.items()]
    if key in {"operator_associations", "constraint_provider_associations"}:
        return [*first, *(item for item in second if item not in first)]
    return [*first, *second]
