"""The table: what a tired duty officer reads at three in the morning, in 80 columns.

Law: most urgent first. What was found comes first, then what was *not* decided and not observed, then the
assumptions, and at the end one line that sums up; none of them is ever left out, and none says that
anything is clear. Distances are rounded towards danger: nearness down, how far outside up. Colour only
repeats what words say.

A finding is two lines: who and how close; against whom and of what minima. Aircraft are measured in NM and
ft; where the minima in question are less than one nautical mile (drones), in metres.
"""

from __future__ import annotations

import math
import os
import shutil
import textwrap
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import numpy as np

from skypact.airspace.labels import Kind, Labels
from skypact.check.findings import Conflict, FindingKind, Reason
from skypact.cli import visible
from skypact.formats.report import GROUPS, PREDICTED, Answer, Report, counted
from skypact.instants import EVER, FOREVER, format_instant
from skypact.units import FT_M, NM_M

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN: Final = 40
"""Findings beyond these are counted, not shown."""
NARROWEST: Final = 80
WIDEST: Final = 110
_NUMBER = 4
_CLOSE = 31
_LISTED = 3

_HEADINGS = dict(
    zip(
        GROUPS,
        (
            "PREDICTED, soonest first",
            "SEPARATION, least of the minima left first",
            "ZONES, in order of time",
            "OUTSIDE OWN VOLUMES, furthest out first",
            "AGREED PROXIMITY, shown and not alarmed",
        ),
        strict=True,
    )
)
_STYLES = dict(zip(GROUPS, ("bold red", "bold red", "bold yellow", "bold yellow", "bold"), strict=True))


def write_table(
    report: Report, stream: IO[str], *, colour: bool | None = None, width: int | None = None
) -> None:
    """Write the report for people.

    Parameters
    ----------
    report
        What to write.
    stream
        Where to.
    colour
        True: always; False: never; None: on a terminal, unless ``NO_COLOR`` is set.
    width
        Columns; None: the terminal's, between 80 and 110; 80 elsewhere.
    """
    terminal = stream.isatty()
    if width is None:
        columns = shutil.get_terminal_size((NARROWEST, 24)).columns if terminal else NARROWEST
        width = min(max(columns, NARROWEST), WIDEST)
    lines = _Table(report, width).lines()
    if colour or (colour is None and terminal and not os.environ.get("NO_COLOR")):
        _write_coloured(lines, stream, forced=bool(colour))
        return
    for line in lines:
        stream.write("".join(text for text, _ in line).rstrip() + "\n")


def _write_coloured(lines: Iterator[Line], stream: IO[str], *, forced: bool) -> None:
    """To a terminal, through rich, which knows what it can show; rich is not imported for a pipe."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, force_terminal=forced or None, highlight=False, markup=False, emoji=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)


Line = list[tuple[str, str]]
"""A line of the table: pieces of text, each with its style."""


def cell_len(text: str) -> int:
    """How many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len as wide

    return wide(text)


@dataclass(frozen=True)
class _Table:
    report: Report
    width: int

    def lines(self) -> Iterator[Line]:
        """Every line, in order."""
        yield from self._header()
        yield from self._found()
        yield from self._undecided()
        yield from self._assumed()
        yield []
        style = "bold red" if self.report.found else "bold"
        yield from self._wrapped(self.report.statement, style=style)
        if self.report.unchecked or self.report.unobserved:
            parts = [
                text
                for number, text in (
                    (self.report.unchecked, f"{counted(self.report.unchecked, 'pair')} not decided"),
                    (
                        self.report.unobserved,
                        f"{counted(self.report.unobserved, 'stretch', 'stretches')} not observed",
                    ),
                )
                if number
            ]
            yield from self._wrapped(f"Not part of this answer: {', '.join(parts)} (above).")

    # -- what it is about

    def _header(self) -> Iterator[Line]:
        report = self.report
        mode = f"{report.data_mode.upper()} DATA"
        line = [(mode, "bold reverse" if report.data_mode != "real" else "bold")]
        if report.pact is not None:
            pact = visible(f"  pact {report.pact.id}: {report.pact.title}")
            line.append((elided(pact, self.width - len(mode)), ""))
        yield line
        read: dict[str, int] = {}
        for contents in report.inputs:
            for noun, number in contents.counts.items():
                read[noun] = read.get(noun, 0) + number
        nouns = [
            *(noun for noun in _COUNTED if noun in read),
            *(noun for noun in read if noun not in _COUNTED),
        ]
        counts = ", ".join(_number_of(noun, read[noun]) for noun in nouns if read[noun])
        yield from self._wrapped(
            f"Read {counted(len(report.inputs), 'file')}: {counts or 'nothing'}. "
            f"All times are UTC{self._date_note()}."
        )
        for contents in report.inputs:
            for text in contents.ignored:
                yield from self._wrapped(f"Note on {contents.path}: {text}", indent=2)
        for note in report.notes:
            yield from self._wrapped(note)

    def _dates(self) -> set[str]:
        days = set()
        for answer, row in self.report.rows(SHOWN):
            f = answer.findings
            days |= {
                format_instant(int(at))[:10] for at in (f.start_us[row], f.end_us[row]) if EVER < at < FOREVER
            }
        return days

    def _date_cut(self) -> int:
        """How many characters of ``2017-06-08 14:00:00`` all rows share: the date, the year, or none."""
        days = self._dates()
        return 11 if len(days) <= 1 else 5 if len({day[:4] for day in days}) == 1 else 0

    def _date_note(self) -> str:
        days = self._dates()
        cut = self._date_cut()
        return f", {days.pop()[: cut - 1]}" if days and cut else ""

    # -- what was found

    def _found(self) -> Iterator[Line]:
        cut = self._date_cut()
        when = 19 - cut
        who = self.width - _NUMBER - when - 2 - 2 - _CLOSE
        last = -1
        order = self.report.order
        standing: dict[str, str] = {}
        for k, (answer, row) in enumerate(self.report.rows(SHOWN)):
            group = int(order[k, 2])
            if group != last:
                yield from self._standing(standing)
                standing = {}
                last = group
                name = GROUPS[group]
                total = int((order[:, 2] == group).sum())
                yield []
                yield [(f"{_HEADINGS[name]} ({total:,})", _STYLES[name])]
            if answer.effect is not None:
                zone = int(answer.findings.b[row])
                standing[answer.findings.labels_b.ids[zone]] = _meaning(answer, zone)
            yield from self._finding(k + 1, answer, row, when, who)
        yield from self._standing(standing)
        more = order.shape[0] - SHOWN
        if more > 0:
            yield []
            yield [(f"… and {more:,} more (use --format csv)", "bold")]

    def _standing(self, standing: dict[str, str]) -> Iterator[Line]:
        for zone, text in standing.items():
            yield from self._wrapped(f"zone {zone}: {text}", indent=_NUMBER)

    def _finding(self, number: int, answer: Answer, row: int, when: int, who: int) -> Iterator[Line]:
        c = answer.findings[row]
        labels_a, labels_b = answer.findings.labels_a, answer.findings.labels_b
        near, of = _closeness(answer, row)
        marks = "  marginal" if c.marginal else ""
        second = clock(c.end_us, when)
        if answer.basis == PREDICTED and answer.findings.now_us is not None:
            second = _time_to(c.start_us - answer.findings.now_us)
        for text, at, name, right, style in (
            (f"{number:>3} ", clock(c.start_us, when), _who(labels_a, c.a, who), near, "bold"),
            ("    ", second, _who(labels_b, c.b, who), of + marks, ""),
        ):
            yield [
                (text + padded(at, when) + "  ", ""),
                (padded(name, who) + "  ", style),
                (elided(right, _CLOSE).rstrip(), style or ("yellow" if marks else "")),
            ]

    # -- what was not

    def _undecided(self) -> Iterator[Line]:
        report = self.report
        if report.unchecked:
            yield []
            yield [(f"NOT DECIDED: {counted(report.unchecked, 'pair')}", "bold magenta")]
            for answer in report.answers:
                for reason in Reason:
                    yield from self._unchecked(answer, reason)
        if report.unobserved:
            yield []
            number = counted(report.unobserved, "stretch", "stretches")
            yield [(f"NOT OBSERVED: {number} of time", "bold magenta")]
            yield from self._unobserved()

    def _unchecked(self, answer: Answer, reason: Reason) -> Iterator[Line]:
        f = answer.findings
        left = f.unchecked
        rows = np.nonzero(left.reason == reason)[0]
        total = max(left.no_rule_pairs, rows.shape[0]) if reason is Reason.NO_RULE else rows.shape[0]
        if not total:
            return
        yield from self._wrapped(f"{answer.question}, {counted(total, 'pair')}: {reason.text}", indent=2)
        for row in rows[:_LISTED].tolist():
            a, b = _who(f.labels_a, int(left.a[row]), 34), _who(f.labels_b, int(left.b[row]), 34)
            span = _span(int(left.start_us[row]), int(left.end_us[row]))
            yield from self._wrapped(f"{a} and {b}, {span}", indent=4)
        more = total - min(_LISTED, rows.shape[0])
        if more > 0:
            yield from self._wrapped(f"… and {more:,} more (use --format json)", indent=4)

    def _unobserved(self) -> Iterator[Line]:
        gaps = sorted(self.report.gaps(), key=lambda gap: gap[2] - gap[3])
        if gaps:
            owners = {(labels.ids[row], labels.source_of(row)) for labels, row, _, _ in gaps}
            total = _lasting(sum(end - start for _, _, start, end in gaps))
            yield from self._wrapped(
                f"{counted(len(gaps), 'gap')} between samples in {counted(len(owners), 'track')}, "
                f"{total} in all; the longest:",
                indent=2,
            )
            for labels, row, start, end in gaps[:_LISTED]:
                yield from self._wrapped(
                    f"{_who(labels, row, 40)}, {_full(start)} to {_full(end)} ({_lasting(end - start)})",
                    indent=4,
                )
        if self.report.stale:
            number = len(self.report.stale)
            yield from self._wrapped(
                f"{counted(number, 'state')} too old to predict from; the oldest:", indent=2
            )
            for s in sorted(self.report.stale, key=lambda s: s.last_us)[:_LISTED]:
                yield from self._wrapped(
                    f"{_named(s.id, s.party, 40)}, last seen {_full(s.last_us)}", indent=4
                )

    def _assumed(self) -> Iterator[Line]:
        yield []
        yield [("ASSUMPTIONS", "bold")]
        for name, text in self.report.assumptions.items():
            yield from self._wrapped(f"{name}: {text}", indent=2)

    def _wrapped(self, text: str, *, indent: int = 0, style: str = "") -> Iterator[Line]:
        for line in textwrap.wrap(
            visible(text),
            self.width,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 2),
            break_on_hyphens=False,
        ):
            yield [(line, style)]


def _meaning(answer: Answer, zone: int) -> str:
    """What entry into a zone means to whom."""
    effect = "" if answer.effect is None else answer.effect[zone]
    standing = "" if answer.standing is None else answer.standing[zone]
    return (effect or "what entry means is not stated") + (f" ({standing})" if standing else "")


_COUNTED = ("tracks", "plans", "states", "volumes", "zones", "points", "parties")


def _number_of(nouns: str, number: int) -> str:
    """``3 zones``, ``1 zone``, ``1 party``: the readers count in plurals."""
    if number == 1:
        nouns = nouns[:-3] + "y" if nouns.endswith("ies") else nouns.removesuffix("s")
    return f"{number:,} {nouns}"


# -- words ------------------------------------------------------------------------------------------------


def _closeness(answer: Answer, row: int) -> tuple[str, str]:
    """How close a finding is, and of what: the right-hand cells of its two lines."""
    c = answer.findings[row]
    lasting = f"for {_lasting(c.end_us - c.start_us)}"
    if c.kind is FindingKind.ENTRY:
        now_us = answer.findings.now_us
        return ("inside" if now_us is None or c.start_us <= now_us else "predicted to enter"), lasting
    rule = int(answer.findings.rule[row])
    minimum_h, minimum_v = float(answer.horizontal_m[rule]), float(answer.vertical_m[rule])
    metric = _in_metres(answer, c, minimum_h)
    if c.kind is FindingKind.OUTSIDE:
        if not math.isfinite(c.horizontal_m):
            return "no volume of its own then", lasting
        return "out by " + _distances(c.horizontal_m, c.vertical_m, metric, up=True).lstrip(), lasting
    if minimum_h == 0.0 and minimum_v == 0.0:
        return "they meet", "(no minima)"
    near = _distances(c.horizontal_m, c.vertical_m, metric)
    return "   " + near, "of " + _distances(minimum_h, minimum_v, metric, exact=True)


def _in_metres(answer: Answer, c: Conflict, minimum_h: float) -> bool:
    """Whether to count in metres: minima under a nautical mile; without minima, drones and vehicles."""
    if minimum_h > 0.0:
        return minimum_h < NM_M
    kinds = {int(answer.findings.labels_a.kind[c.a]), int(answer.findings.labels_b.kind[c.b])}
    return bool(kinds & {Kind.UNCREWED, Kind.GROUND})


def _distances(
    horizontal_m: float, vertical_m: float, metric: bool, *, up: bool = False, exact: bool = False
) -> str:
    """Both distances with their units, in columns of their own."""
    if metric:
        units = ((horizontal_m, 1.0, "m ", 0), (vertical_m, 1.0, "m", 0))
    else:
        units = ((horizontal_m, NM_M, "NM", 2), (vertical_m, FT_M, "ft", 0))
    return "  ".join(
        f"{f'{value / unit:g}' if exact else _rounded(value / unit, digits, up=up):>5} {name}"
        for value, unit, name, digits in units
    )


def _rounded(value: float, digits: int, *, up: bool) -> str:
    """The number rounded down, or up: it never looks better than it is."""
    if not math.isfinite(value):
        return "?"
    scaled = value * 10**digits
    nearest = round(scaled)
    exact = abs(scaled - nearest) < 1e-6  # metres of a whole number of feet, in binary
    whole = nearest if exact else math.ceil(scaled) if up else math.floor(scaled)
    return f"{whole / 10**digits:.{digits}f}"


def _who(labels: Labels, row: int, width: int) -> str:
    return _named(labels.ids[row], labels.party_of(row), width)


def _named(name: str, party: str, width: int) -> str:
    """``id (party)`` within ``width`` columns: the id loses its middle, the party keeps a third at most."""
    tail = f" ({elided(visible(party), max(4, width // 3))})" if party else ""
    return elided(visible(name), width - cell_len(tail)) + tail


def elided(text: str, width: int) -> str:
    """The text in at most ``width`` columns; its middle goes first: the ends of an id tell it apart."""
    if cell_len(text) <= width:
        return text
    head, tail = "", ""
    left, right = 0, len(text)
    while left < right:
        if cell_len(head) <= cell_len(tail):
            grown = head + text[left], tail
        else:
            grown = head, text[right - 1] + tail
        if cell_len(grown[0]) + cell_len(grown[1]) + 1 > width:
            break
        left, right = (left + 1, right) if grown[0] != head else (left, right - 1)
        head, tail = grown
    return f"{head}…{tail}"


def padded(text: str, width: int) -> str:
    """The text filled up with spaces to ``width`` columns."""
    return text + " " * max(0, width - cell_len(text))


def clock(at_us: int, width: int) -> str:
    """The last ``width`` characters of ``2017-06-08 14:00:00``; ``open`` for an open end."""
    if at_us <= EVER or at_us >= FOREVER:
        return "open"
    return format_instant(at_us)[:19].replace("T", " ")[19 - width :]


def _full(at_us: int) -> str:
    return clock(at_us, 19)


def _span(start_us: int, end_us: int) -> str:
    return "time open" if start_us <= EVER and end_us >= FOREVER else f"{_full(start_us)} to {_full(end_us)}"


def _time_to(us: int) -> str:
    """How soon, in at most eight columns."""
    if us <= 0:
        return "now"
    seconds = us // 1_000_000
    minutes, rest = divmod(seconds, 60)
    if seconds < 60:
        return f"in {seconds}s"
    if seconds < 600:
        return f"in {minutes}m{rest:02}s"
    return f"in {minutes}m" if minutes < 60 else f"in {minutes // 60}h{minutes % 60:02}m"


def _lasting(us: int) -> str:
    """A length of time in at most two units: ``45 s``, ``11 min 35 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if us >= FOREVER:
        return "an open time"
    seconds = us / 1e6
    if 0 < seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    for unit, size, below, less in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            big, rest = divmod(whole, size)
            small = rest // less
            return f"{big} {unit} {small} {below}" if small else f"{big} {unit}"
    return f"{whole} s"
