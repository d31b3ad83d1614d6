"""``skypact flights``: the flights of the node that runs here.

Law: a line a flight, within 80 columns; an id is shown by its first eight characters, which ``skypact end``
takes, unless two begin alike.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from skypact.cli import OK
from skypact.cli.calling import ask, instant, options
from skypact.cli.output import standard_output
from skypact.cli.parsing import Parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

SCOPE: Final = "skypact.read"
SHORT: Final = 8
_NAME: Final = 18

_DESCRIPTION = "List the flights of the node that runs here. Times are UTC."
_EPILOG = "Exit status: 0 listed, 2 bad usage, or no node answers."


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact flights``."""
    p = Parser("flights", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("--ended", action="store_true", help="those that are over too")
    p.add_argument("--json", action="store_true", help="print them as JSON")
    options(p)
    return p


def run(given: argparse.Namespace) -> int:
    """List them."""
    flights = every(given, ended=given.ended)
    with standard_output():
        if given.json:
            import msgspec

            sys.stdout.write(msgspec.json.format(msgspec.json.encode(flights)).decode() + "\n")
        else:
            for line in table(flights):
                sys.stdout.write(line + "\n")
    return OK


def every(given: argparse.Namespace, *, ended: bool) -> list[dict[str, Any]]:
    """All flights, page by page, by their start."""
    found: list[dict[str, Any]] = []
    query = {"limit": "1000", "ended": str(ended).lower()}
    while True:
        _, page = ask(given, "GET", "/api/v1/flights", scope=SCOPE, query=query)
        found += page["flights"]
        if "next" not in page:
            return sorted(found, key=lambda flight: (flight["start"], flight["id"]))
        query["after"] = page["next"]


def table(flights: list[dict[str, Any]]) -> Iterator[str]:
    """Flights as lines of at most 80 columns."""
    from skypact.cli import visible
    from skypact.cli.table import elided, padded

    if not flights:
        yield "no flights"
        return
    short = shortest([flight["id"] for flight in flights])
    room = max(8, _NAME - (short - SHORT))
    yield f"{'id':<{short}}  {'phase':<13} {'prio':>4}  {'from':<14}  {'to':<14}  name"
    for flight in flights:
        name = elided(visible(flight["name"] or f"({flight['operator']})"), room)
        yield (
            f"{flight['id'][:short]}  {padded(flight['phase'], 13)} {flight['priority']:>4}  "
            f"{instant(flight['start'])}  {instant(flight['end'])}  {name}"
        ).rstrip()


def shortest(idents: list[str]) -> int:
    """How many characters tell these ids apart: at least eight."""
    length = SHORT
    while length < 36 and len({ident[:length] for ident in idents}) < len(set(idents)):
        length += 1
    return length
