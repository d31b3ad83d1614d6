"""``skypact end``: a flight of the node that runs here, ended.

Law: which flight is meant is never guessed: an id, its beginning, or a name, if it is one flight's alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from skypact.cli import FOUND, OK, visible
from skypact.cli.calling import ask, options
from skypact.cli.flights import every
from skypact.cli.output import standard_output
from skypact.cli.parsing import Parser
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

SCOPE: Final = "skypact.flights"
LEAST: Final = 4
"""Characters that the beginning of an id must have."""

_DESCRIPTION = """\
End a flight of the node that runs here: by its id, the beginning of its id, or
its name. Everybody who was told of it is told that it is over."""
_EPILOG = """\
  skypact end 61c5258e
  skypact end survey

Exit status: 0 ended, 1 not known yet, 2 no such flight, or bad usage."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact end``."""
    p = Parser("end", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("flight", metavar="ID", help="which flight")
    options(p)
    return p


def run(given: argparse.Namespace) -> int:
    """End it."""
    flight = meant(every(given, ended=False), given.flight)
    status, answer = ask(given, "POST", f"/api/v1/flights/{flight['id']}/end", scope=SCOPE)
    name = f"  {visible(flight['name'])}" if flight["name"] else ""
    with standard_output():
        if status == 202:
            sys.stdout.write(f"not known yet: {flight['id']}{name}\n  {visible(answer.get('why', ''))}\n")
            return FOUND
        sys.stdout.write(f"ended  {flight['id']}{name}\n")
    return OK


def meant(flights: list[dict[str, Any]], text: str) -> dict[str, Any]:
    """The one flight that a person means.

    Raises
    ------
    UsageError
        It is none's, or several flights'.
    """
    lower = text.lower()
    found = [f for f in flights if f["id"] == lower]
    found = found or [f for f in flights if f["name"] and f["name"] == text]
    if not found and len(text) >= LEAST:
        found = [f for f in flights if f["id"].startswith(lower)]
    if not found:
        raise UsageError(f"no flight is called {text[:60]!r}; 'skypact flights' lists them")
    if len(found) > 1:
        listed = ", ".join(f["id"] for f in found[:4])
        raise UsageError(f"{text[:60]!r} is {len(found)} flights; say which: {listed}")
    return found[0]
