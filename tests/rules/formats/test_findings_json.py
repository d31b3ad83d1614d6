"""The JSON object: its keys are a contract."""

from __future__ import annotations

import io
import json
from typing import Any, cast

from sample_report import MINUTE_US, NOON_US, full, report
from skypact.airspace.labels import Kind
from skypact.formats.contents import Contents
from skypact.formats.findings_json import write_findings
from skypact.formats.report import Report, Stale


def written(made: Report) -> dict[str, Any]:
    """The object as a strict reader sees it: NaN and Infinity are refused."""
    stream = io.BytesIO()
    write_findings(made, stream)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return cast("dict[str, Any]", json.loads(stream.getvalue().decode("utf-8"), parse_constant=refuse))


def test_the_keys_of_the_object() -> None:
    """Nothing of the contract is missing, and findings come before what was not decided."""
    assert list(written(full())) == [
        "skypact",
        "data_mode",
        "pact",
        "assumptions",
        "inputs",
        "notes",
        "conflicts",
        "unobserved",
        "unchecked",
        "summary",
    ]


def test_the_keys_of_a_finding() -> None:
    """A finding says who, when, how close, where, of what minima, and what it is worth."""
    first = written(full())["conflicts"][1]
    assert first == {
        "kind": "loss",
        "basis": "recorded",
        "data_mode": "simulated",
        "a": {"id": "red-1", "party": "red", "source": "day.csv", "kind": "crewed"},
        "b": {"id": "blue-2", "party": "blue", "source": "day.csv", "kind": "crewed"},
        "start": "2017-06-08T12:00:00Z",
        "end": "2017-06-08T12:02:00Z",
        "closest": {
            "time": "2017-06-08T12:01:00Z",
            "horizontal_m": 1000.0,
            "vertical_m": 100.0,
            "lat": 33.5,
            "lng": 38.6,
            "altitude_m": 3000.0,
            "altitude_reference": "STD",
        },
        "margin_m": -204.8,
        "marginal": False,
        "agreed": False,
        "rule": "rule one",
        "effect": None,
        "standing": None,
    }


def test_what_is_not_known_is_null() -> None:
    """So are an altitude and its reference, a party that is not stated, an open end."""
    made = written(full())
    unknown = made["conflicts"][2]
    assert unknown["closest"]["altitude_m"] is None
    assert unknown["closest"]["altitude_reference"] is None
    assert unknown["marginal"] is True
    assert made["unchecked"][0]["b"]["party"] is None
    assert (made["unchecked"][1]["start"], made["unchecked"][1]["end"]) == (None, None)


def test_a_zone_says_what_entry_means() -> None:
    """The effect and who stands behind it are shown as they were declared."""
    entry = next(row for row in written(full())["conflicts"] if row["kind"] == "entry")
    assert (entry["effect"], entry["standing"]) == ("entry by notice", "declared by zone")


def test_the_summary_counts_each_question() -> None:
    """Every question that was asked is there with what it found, nothing included."""
    summary = written(full())["summary"]
    assert [check["found"] for check in summary["checks"]] == [2, 1, 1, 1]
    assert summary["found"] == 5
    assert summary["agreed"] == 1
    assert summary["unchecked"] == 18


def test_an_empty_report_is_one_object_too() -> None:
    """Nothing found gives empty lists and the assumptions, never an empty file."""
    made = written(report())
    assert made["conflicts"] == made["unobserved"] == made["unchecked"] == []
    assert made["assumptions"] == {"minima": "as told"}
    assert made["inputs"] == [
        {
            "path": "day.csv",
            "format": "csv",
            "counts": {"points": 12, "tracks": 3},
            "ignored": ["2 rows without a time"],
        }
    ]


def test_a_state_too_old_is_listed_as_unobserved() -> None:
    """What could not be predicted from is said, with when it was last seen."""
    old = Stale("red-9", "", "day.csv", Kind.CREWED, NOON_US, NOON_US + 5 * MINUTE_US)
    (row,) = written(report(stale=[old]))["unobserved"]
    assert (row["id"], row["party"]) == ("red-9", None)
    assert (row["start"], row["end"]) == ("2017-06-08T12:00:00Z", "2017-06-08T12:05:00Z")
    assert row["reason"] == "last seen too long ago to predict from"


def test_names_in_any_script_and_stray_bytes() -> None:
    """UTF-8 goes through; bytes of a path that are none become U+FFFD."""
    made = written(report(inputs=[Contents("/日本/caf\udce9.csv", "csv")], notes=["“”"]))
    assert made["inputs"][0]["path"] == "/日本/caf\ufffd.csv"
    assert made["notes"] == ["“”"]
