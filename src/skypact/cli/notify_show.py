"""What ``skypact notify check`` found, for people and as JSON.

Law: the table and JSON say the same. The data mode stands in front, what is doubtful stands before what was
found, and the last sentence says what none of it means.
"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skypact.cli import visible
from skypact.cli.notify_check import MEANING
from skypact.cli.output import standard_output
from skypact.cli.table import write_table as write_report
from skypact.formats.findings_json import write_list
from skypact.formats.report import counted, plain
from skypact.instants import FOREVER, format_instant
from skypact.notify.filing import Movement, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skypact.cli.notify_check import Checked, Held

WIDTH: Final = 80


def write_table(checked: Checked) -> None:
    """For people: the filings, what is remarked on, and the engine's table."""
    with standard_output():
        for line in _lines(checked):
            sys.stdout.write(visible(line).rstrip() + "\n")
        sys.stdout.write("\n")
        write_report(checked.report, sys.stdout)
        sys.stdout.writelines(f"{line}\n" for line in _wrapped(MEANING, "", "  "))


def _lines(checked: Checked) -> Iterator[str]:
    mode = checked.report.data_mode.upper()
    yield f"{mode} DATA  {counted(len(checked.held), 'filing')} checked"
    for held in checked.held:
        yield from _of_filing(held)
    if checked.remarks:
        yield ""
        yield "REMARKS"
        for remark in checked.remarks:
            yield from _wrapped(str(remark), "  ", "    ")


def _of_filing(held: Held) -> Iterator[str]:
    filing = held.filing
    window = filing.window
    until = "without an end" if window.end_us == FOREVER else f"to {format_instant(window.end_us)}"
    yield from _wrapped(f"{filing.filing.value}  {filing.title}", "  ", "    ")
    yield from _wrapped(f"{format_instant(window.start_us)} {until}; {_where(held)}", "    ", "    ")
    if held.notice:
        yield from _wrapped(held.notice, "    ", "    ")


def _where(held: Held) -> str:
    filing, subject = held.filing, held.filing.subject
    texts = [position.text for _, position in filing.positions()]
    if isinstance(subject, Movement):
        number = counted(sum(entry.count for entry in subject.vehicles), "vehicle")
        return f"{texts[0]} to {texts[-1]}, {counted(len(texts), 'stop')}, {number}"
    if isinstance(subject, Site):
        return f"{texts[0]} ({filing.positions()[0][1].notation.text})"
    return texts[0] if len(texts) == 1 else f"{len(texts)} corners, the first {texts[0]}"


def _wrapped(text: str, first: str, then: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False)


def write_json(checked: Checked) -> None:
    """As one JSON object: the members of ``skypact check --format json`` and those of filings."""
    report = checked.report
    with standard_output():
        out = sys.stdout.buffer
        out.write(b"{")
        members: dict[str, Any] = {
            **report.heading(),
            "filings": [_as_json(held) for held in checked.held],
            "remarks": [
                {"severity": remark.severity.value, "place": remark.place, "text": remark.text}
                for remark in checked.remarks
            ],
            "missing": [{"filer": gap.filer, "first": gap.first, "last": gap.last} for gap in checked.gaps],
            "replaced": list(checked.replaced),
        }
        for key, value in members.items():
            out.write(msgspec.json.encode(key) + b": " + msgspec.json.encode(value) + b",\n ")
        for key, rows in (("conflicts", report.records()), ("unchecked", report.unchecked_records())):
            write_list(key, rows, out)
            out.write(b",\n ")
        write_list("unobserved", report.unobserved_records(), out)
        end = {"summary": report.summary(), "meaning": MEANING}
        for key, value in end.items():
            out.write(b",\n " + msgspec.json.encode(key) + b": " + msgspec.json.encode(value))
        out.write(b"}\n")


def _as_json(held: Held) -> dict[str, Any]:
    filing = held.filing
    window = filing.window
    return {
        "ref": filing.ref,
        "name": filing.name,
        "class": filing.filing.value,
        "source": plain(held.source),
        "opens": format_instant(window.opens_us),
        "closes": None if window.closes_us == FOREVER else format_instant(window.closes_us),
        "notice": held.notice or None,
    }
