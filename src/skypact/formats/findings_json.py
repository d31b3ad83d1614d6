"""Findings as JSON: one object, whose keys are a contract (``docs/cli.md``).

Law: rows are written as they come, so that a million findings need no million dictionaries at once. There
is no NaN in JSON: what is not known is null. The text is UTF-8, one finding a line, so that two answers can
be compared line by line.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skypact.formats.report import Report


def write_findings(report: Report, stream: IO[bytes]) -> None:
    """Write the report as one JSON object."""
    stream.write(b"{")
    for key, value in report.heading().items():
        stream.write(_pair(key, value) + b",\n ")
    for key, rows in (
        ("conflicts", report.records()),
        ("unobserved", report.unobserved_records()),
        ("unchecked", report.unchecked_records()),
    ):
        write_list(key, rows, stream)
        stream.write(b",\n ")
    stream.write(_pair("summary", report.summary()) + b"}\n")


def write_list(key: str, rows: Iterable[dict[str, Any]], stream: IO[bytes]) -> None:
    """Write ``"key": [...]``, a row a line."""
    stream.write(msgspec.json.encode(key) + b": [")
    before = b"\n  "
    for row in rows:
        stream.write(before + msgspec.json.encode(row))
        before = b",\n  "
    stream.write(b"]" if before == b"\n  " else b"\n ]")


def _pair(key: str, value: object) -> bytes:
    return msgspec.json.encode(key) + b": " + msgspec.json.encode(value)
