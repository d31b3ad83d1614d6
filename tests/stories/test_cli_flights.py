"""A flight from the terminal: filed, listed, refused, ended; and what a person reads when it goes wrong."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from server.running import Node, node
from shell import Ended, skypact
from skypact.cli.end import meant
from skypact.cli.flights import shortest, table
from skypact.errors import UsageError
from skypact.instants import SECOND_US, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAN = "examples/wildfire/mapping-drone.plan"
START = ("--start", "2030-06-01T10:00:00Z")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    """A node of this machine, and its data directory."""
    folder = tmp_path_factory.mktemp("node") / "data"
    with node("--data", folder, "--listen", "127.0.0.1:0") as made:
        made.await_listening()
        made.await_ready()
        yield made, folder


def run(running: tuple[Node, Path], *arguments: str | Path) -> Ended:
    """A verb, against that node."""
    made, folder = running
    return skypact(*arguments, "--url", f"http://127.0.0.1:{made.port}", "--data", folder)


def volumes(folder: Path, lat: float, **more: Any) -> Path:
    """A file with a volume of F3548-21 from a quarter of an hour ahead."""
    start_us = time.time_ns() // 1_000 + 900 * SECOND_US
    times = {
        name: {"value": format_instant(at_us), "format": "RFC3339"}
        for name, at_us in (("time_start", start_us), ("time_end", start_us + 1_800 * SECOND_US))
    }
    corners = [(lat, 8.0), (lat, 8.01), (lat + 0.01, 8.01), (lat + 0.01, 8.0)]
    shape = {
        "outline_polygon": {"vertices": [{"lat": a, "lng": b} for a, b in corners]},
        "altitude_lower": {"value": 500.0, "reference": "W84", "units": "M"},
        "altitude_upper": {"value": 600.0, "reference": "W84", "units": "M"},
    }
    path = folder / f"volumes-{lat}.json"
    path.write_text(json.dumps({"extents": [{"volume": shape, **times}], **more}), encoding="utf-8")
    return path


def narrow(ended: Ended) -> bool:
    """Whether every line fits a terminal of 80 columns."""
    return all(len(line) <= 80 for line in (ended.out + ended.err).splitlines())


def test_a_flight_is_filed_listed_refused_and_ended(running: tuple[Node, Path], tmp_path: Path) -> None:
    """The whole of a flight from the terminal, each answer within 80 columns and with its exit status."""
    filed = run(running, "file", volumes(tmp_path, 46.0), "--name", "survey", "--priority", "7")
    assert (filed.status, filed.err) == (0, ""), filed.out
    assert "Accepted, priority 7" in filed.out
    assert "1 volume" in filed.out
    listed = run(running, "flights")
    assert listed.status == 0
    (line,) = [row for row in listed.out.splitlines() if "survey" in row]
    short = line.split()[0]
    assert (len(short), "Accepted" in line) == (8, True)
    refused = run(running, "file", volumes(tmp_path, 46.005), "--name", "late")
    assert refused.status == 1
    assert "in the way:" in refused.out
    assert "the volumes overlap near 46." in " ".join(refused.out.split())
    answer = run(running, "file", volumes(tmp_path, 46.005), "--json")
    assert (answer.status, len(answer.json["stands_in_the_way"])) == (1, 1)
    ended = run(running, "end", short)
    assert (ended.status, ended.out.split()[0]) == (0, "ended")
    assert "survey" in ended.out
    again = run(running, "end", "survey")
    assert (again.status, "no flight is called" in again.err) == (2, True)
    every = run(running, "flights", "--ended", "--json")
    assert [flight["phase"] for flight in json.loads(every.out)] == ["Ended"]
    assert all(narrow(answer) for answer in (filed, listed, refused, ended))


def test_a_plan_needs_a_start_and_not_too_far_ahead(running: tuple[Node, Path]) -> None:
    """A plan without a start, and one years ahead, are refused with what would be right."""
    without = run(running, "file", PLAN)
    assert without.status == 2
    assert "start" in without.err
    far = run(running, "file", PLAN, *START)
    assert far.status == 2
    assert "too far ahead" in far.err
    assert "30 days" in far.err
    assert "Traceback" not in without.err + far.err


def test_the_log_of_a_flight_is_exported(running: tuple[Node, Path], tmp_path: Path) -> None:
    """What was entered about a flight is in the export, which appears as a whole file."""
    filed = run(running, "file", volumes(tmp_path, 47.0), "--json")
    ident = filed.json["id"]
    target = tmp_path / "log.json"
    done = run(running, "logs", ident, "--output", str(target))
    assert done.status == 0
    (entered,) = json.loads(target.read_text(encoding="utf-8"))["operator_inputs"]
    assert entered["operational_intent_id"] == ident
    span = run(running, "logs", "2026-01-01T00:00:00Z--2029-01-01T00:00:00Z")
    assert (span.status, span.json["operator_inputs"].count(entered)) == (0, 1)
    wrong = run(running, "logs", "yesterday")
    assert (wrong.status, "no log set is called so" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("flights", "--url", "http://127.0.0.1:9", "--token", "x"), "no node answers at http://127.0.0.1:9"),
        (("flights", "--url", "ftp://x", "--token", "x"), "--url: not the URL of a node"),
        (("flights", "--url", "http://", "--token", "x"), "--url: not the URL of a node"),
        (("flights", "--token", "two words"), "--token: no bearer token"),
        (("flights", "--token", "caf\u00e9"), "--token: no bearer token"),
        (("file", "missing.plan"), "missing.plan: no such file"),
        (("file", "x.plan", "--above", "12"), "--above"),
        (("end",), "ID"),
    ],
)
def test_what_is_wrong_on_this_side_is_one_line(arguments: tuple[str, ...], text: str) -> None:
    """Faults before any node is reached are told in one line with status 2."""
    ended = skypact(*arguments)
    assert ended.status == 2
    assert text in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_token_that_is_none_is_told_with_the_correlation(running: tuple[Node, Path]) -> None:
    """The node's refusal is shown in one line with the id under which its log has it."""
    made, _ = running
    ended = skypact("flights", "--url", f"http://127.0.0.1:{made.port}", "--token", "nonsense")
    assert ended.status == 2
    assert "correlation" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_flight_is_meant_by_one_name_alone() -> None:
    """An id, the beginning of one, or a name that only one flight has; never a guess between two."""
    flights = [
        {"id": "61c5258e-aaac-474b-a30f-3dd0323c6fbb", "name": "one"},
        {"id": "61c5258e-aaac-474b-a30f-3dd0323c6fbc", "name": "two"},
        {"id": "70000000-aaac-474b-a30f-3dd0323c6fbc", "name": ""},
    ]
    assert meant(flights, "two") is flights[1]
    assert meant(flights, "7000") is flights[2]
    assert meant(flights, flights[0]["id"].upper()) is flights[0]
    for text in ("61c5258e", "700", "", "three"):
        with pytest.raises(UsageError):
            meant(flights, text)


def test_the_table_of_flights_fits_whatever_they_are_called() -> None:
    """Long names lose their middle, ids that begin alike are shown as far as they differ, none is wide."""
    one = {
        "phase": "Nonconforming",
        "priority": 100,
        "start": "2026-06-01T10:00:00.123Z",
        "end": "2026-06-01T11:00:00Z",
        "operator": "ops",
    }
    flights = [
        {**one, "id": "61c5258e-aaac-474b-a30f-3dd0323c6fbb", "name": "n" * 200},
        {**one, "id": "61c5258e-aaad-474b-a30f-3dd0323c6fbb", "name": "\x1b[31mred"},
        {**one, "id": "70000000-aaad-474b-a30f-3dd0323c6fbb", "name": ""},
    ]
    lines = list(table(flights))
    assert shortest([str(f["id"]) for f in flights]) == 13
    assert all(len(line) <= 80 and "\x1b" not in line for line in lines)
    assert list(table([])) == ["no flights"]
