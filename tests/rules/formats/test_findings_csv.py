"""Findings as CSV: flat, complete, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from sample_report import answer, findings, full, labels, report
from skypact.formats.findings_csv import COLUMNS, write_findings

if TYPE_CHECKING:
    from skypact.formats.report import Report


def written(made: Report) -> list[dict[str, str]]:
    """The rows as a CSV reader sees them."""
    stream = io.BytesIO()
    write_findings(made, stream)
    assert not stream.closed
    return list(csv.DictReader(io.StringIO(stream.getvalue().decode("utf-8"), newline="")))


def test_everything_of_the_report_is_a_row() -> None:
    """Findings, gaps, undecided pairs, assumptions and the closing sentence are all there, in that order."""
    rows = written(full())
    assert [row["record"] for row in rows] == [
        *["finding"] * 6,
        "unobserved",
        *["unchecked"] * 2,
        "assumption",
        "summary",
    ]
    assert {row["data_mode"] for row in rows} == {"simulated"}
    assert all(list(row) == list(COLUMNS) for row in rows)


def test_a_finding_has_its_numbers_in_named_units() -> None:
    """The columns of a finding carry what the JSON carries."""
    row = written(full())[1]
    assert (row["a_id"], row["a_party"], row["b_id"]) == ("red-1", "red", "blue-2")
    assert (row["horizontal_m"], row["vertical_m"], row["margin_m"]) == ("1000.0", "100.0", "-204.8")
    assert (row["start"], row["closest_time"]) == ("2017-06-08T12:00:00Z", "2017-06-08T12:01:00Z")
    assert (row["marginal"], row["agreed"], row["altitude_reference"]) == ("false", "false", "STD")


def test_what_is_not_known_is_empty() -> None:
    """An unknown altitude is an empty cell, never nan."""
    row = written(full())[2]
    assert (row["altitude_m"], row["marginal"]) == ("", "true")


def test_undecided_pairs_keep_their_names_and_reason() -> None:
    """Who could not be compared, and why."""
    row = next(row for row in written(full()) if row["record"] == "unchecked")
    assert (row["a_id"], row["b_id"], row["b_party"]) == ("red-1", "lone", "")
    assert row["note"] == "no separation rule covers this pair"


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx"])
def test_text_that_begins_like_a_formula_is_marked_as_text(name: str) -> None:
    """An id comes from another party's file and must not run in a spreadsheet."""
    (row,) = (
        row
        for row in written(report(answer(findings(labels(name, "b"), [(0, 1, 0, 1.0, 1.0)]))))
        if row["record"] == "finding"
    )
    assert row["a_id"] == "'" + name


def test_quotes_commas_and_lines_survive() -> None:
    """RFC 4180 quoting: an awkward id comes back as it was."""
    name = 'a,"b"\r\nc'
    rows = written(report(answer(findings(labels(name, "b"), [(0, 1, 0, 1.0, 1.0)]))))
    assert rows[0]["a_id"] == name
