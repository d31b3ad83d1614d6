"""Findings as CSV (RFC 4180): one flat table with what was found, what was not decided and what was assumed.

Law: a CSV file is opened far from the command that made it, so nothing may be lost: the column ``record``
says what a row is (``finding``, ``unobserved``, ``unchecked``, ``assumption``, ``summary``), and
``data_mode`` stands in every row. Empty is not known or not stated. Units stand in the column names.

Spreadsheets run text that begins like a formula. An id comes from another party's file, so such text is
written with an apostrophe in front (``'=...``), which spreadsheets take for *this is text*.
"""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from skypact.formats.report import Report

COLUMNS: Final = (
    "record",
    "kind",
    "basis",
    "data_mode",
    "a_id",
    "a_party",
    "a_kind",
    "a_source",
    "b_id",
    "b_party",
    "b_kind",
    "b_source",
    "start",
    "end",
    "closest_time",
    "horizontal_m",
    "vertical_m",
    "lat",
    "lng",
    "altitude_m",
    "altitude_reference",
    "margin_m",
    "marginal",
    "agreed",
    "rule",
    "effect",
    "standing",
    "note",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_findings(report: Report, stream: IO[bytes]) -> None:
    """Write the report as CSV with a header line, UTF-8."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    try:
        out = csv.writer(text, lineterminator="\r\n")
        out.writerow(COLUMNS)
        for row in report.records():
            at = row.pop("closest")
            at["closest_time"] = at.pop("time")
            out.writerow(_line("finding", row | at))
        for row in report.unobserved_records():
            who = {key: row[key] for key in ("id", "party", "source", "kind")}
            out.writerow(
                _line(
                    "unobserved",
                    {"a": who, "start": row["start"], "end": row["end"], "note": row["reason"]},
                    report.data_mode,
                )
            )
        for row in report.unchecked_records():
            row["note"] = row.pop("reason")
            out.writerow(_line("unchecked", row, report.data_mode))
        for name, value in report.assumptions.items():
            out.writerow(_line("assumption", {"note": f"{name}: {value}"}, report.data_mode))
        out.writerow(_line("summary", {"note": report.statement}, report.data_mode))
    finally:
        text.detach()


def _line(what: str, row: dict[str, Any], data_mode: str = "") -> list[str]:
    flat: dict[str, Any] = {"data_mode": data_mode} | row | {"record": what}
    for side in ("a", "b"):
        flat |= {f"{side}_{key}": value for key, value in (flat.pop(side, None) or {}).items()}
    return [_cell(flat.get(name)) for name in COLUMNS]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value if value.startswith(_FORMULA) else value
    return str(value)
