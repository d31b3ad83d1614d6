"""``skypact file``: a flight filed with the party's own node, from a file.

Law: the file goes to the node as it is; what it claims is said back. A flight that others stand in the way of
is not filed, and each of them is named: status 1.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skypact.cli import FOUND, OK, visible
from skypact.cli.calling import Refusal, ask, instant, options
from skypact.cli.output import standard_output
from skypact.cli.parsing import Parser, ahead_us, duration_s, length_m
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

SCOPE: Final = "skypact.flights"
LARGEST: Final = 64 * 1024 * 1024
_WIDTH: Final = 80

_DESCRIPTION = """\
File a flight with the node that runs here: a QGroundControl .plan, volumes as
GeoJSON or F3548-21 JSON. A planned path becomes a tube of volumes around it.
The node checks it against all others before anybody is told."""
_EPILOG = """\
  skypact file survey.plan --start 2026-06-01T10:00:00Z --name survey
  skypact file volumes.json --activate

Exit status: 0 filed, 1 not filed: others stand in the way, or it is not known
yet, 2 bad usage or input."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact file``."""
    p = Parser("file", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("path", metavar="FILE", type=Path, help="what to file")
    p.add_argument(
        "--start", metavar="TIME", type=ahead_us, help="when a plan without times begins: +10min, or as above"
    )
    p.add_argument("--name", metavar="NAME", help="what to call it")
    p.add_argument("--operator", metavar="NAME", help="who is told of what concerns it")
    p.add_argument("--priority", metavar="N", type=int, default=0, help="its priority (0)")
    p.add_argument("--activate", action="store_true", help="begin to use it at once")
    p.add_argument(
        "--half-width", metavar="LENGTH", type=length_m, help="claimed to each side of a path (30m)"
    )
    p.add_argument("--above", metavar="LENGTH", type=length_m, help="and above it (15m)")
    p.add_argument("--below", metavar="LENGTH", type=length_m, help="and below it (15m)")
    p.add_argument("--early", metavar="DURATION", type=duration_s, help="and before it is there (15s)")
    p.add_argument("--late", metavar="DURATION", type=duration_s, help="and after it (15s)")
    p.add_argument("--json", action="store_true", help="print the node's answer as JSON")
    options(p)
    return p


def run(given: argparse.Namespace) -> int:
    """File it, and say what came of it."""
    from skypact.instants import format_instant

    query = {
        name: str(value)
        for name, value in (
            ("name", given.name),
            ("operator", given.operator),
            ("priority", given.priority),
            ("phase", "Activated" if given.activate else "Accepted"),
            ("start", None if given.start is None else format_instant(given.start)),
            ("half_width_m", given.half_width),
            ("above_m", given.above),
            ("below_m", given.below),
            ("early_s", given.early),
            ("late_s", given.late),
        )
        if value is not None
    }
    if given.path.is_dir():
        raise UsageError(f"{given.path}: is a folder; name a file")
    if given.path.stat().st_size > LARGEST:
        raise UsageError(f"{given.path}: larger than {LARGEST // 2**20} MiB; no flight is")
    try:
        status, answer = ask(
            given, "POST", "/api/v1/flights/document", scope=SCOPE, query=query, body=given.path.read_bytes()
        )
    except Refusal as error:
        return _refused(given, error)
    with standard_output():
        _say(given, answer, filed(answer))
    return FOUND if status == 202 or answer.get("stands_in_the_way") else OK


def _refused(given: argparse.Namespace, error: Refusal) -> int:
    """Others stand in the way: told in full; anything else is an error."""
    if error.status != 409 or "stands_in_the_way" not in error.problem:
        raise error
    with standard_output():
        _say(given, error.problem, not_filed(error.problem))
    return FOUND


def _say(given: argparse.Namespace, answer: Any, lines: Iterator[str]) -> None:
    if given.json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
        return
    for line in lines:
        sys.stdout.write(visible(line) + "\n")


def filed(answer: dict[str, Any]) -> Iterator[str]:
    """What came of a filing, for a terminal of 80 columns."""
    if answer["ending"] == "unsettled":
        yield f"not known yet: {answer['id']}"
        yield from wrapped(f"{answer.get('why', '')}; the node goes on to find out: skypact flights", 2)
        return
    flight = answer["flight"]
    yield f"filed  {answer['id']}  {flight['phase']}, priority {flight['priority']}"
    if flight["name"]:
        yield f"name   {flight['name']}"
    number = len(flight.get("volumes", ()))
    yield (
        f"from   {instant(flight['start'])} to {instant(flight['end'])} UTC, "
        f"{number} volume{'' if number == 1 else 's'}"
    )
    if answer.get("why") and not answer.get("stands_in_the_way"):
        yield from wrapped(f"note   {answer['why']}", 7)
    yield from _meetings("IT IS FILED, AND IN CONFLICT WITH:", answer.get("stands_in_the_way", []))
    yield from _meetings("it meets:", answer["meets"])


def not_filed(problem: dict[str, Any] | Any) -> Iterator[str]:
    """Why a flight was not filed."""
    phase = problem.get("phase", "None")
    yield "not filed" if phase == "None" else f"not done: the flight stays {phase}"
    if problem["stands_in_the_way"]:
        yield from _meetings("in the way:", problem["stands_in_the_way"])
    else:
        yield from wrapped(str(problem.get("detail", "")), 2)
    yield from _meetings("it also meets, and might:", problem.get("meets", []))


def _meetings(title: str, meetings: list[dict[str, Any]]) -> Iterator[str]:
    if not meetings:
        return
    yield title
    for meeting in meetings:
        yield from wrapped(f"- {meeting['text']}", 2)


def wrapped(text: str, indent: int) -> list[str]:
    """A sentence in lines of 80 columns, the first as far left as it says."""
    first = "" if text[:1] == "-" or text[:4] == "note" else " " * indent
    return textwrap.wrap(
        visible(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
