"""A report: the answers to everything one check asked, ready to be written.

Law: this file puts several :class:`~skypact.check.findings.Findings` into one order and gives each row the
words and numbers that every writer shares, so that the table, JSON, CSV and GeoJSON never tell different
stories. What was not decided and what was not observed are part of the report as much as what was found.

The order is *most urgent first*: what is predicted, soonest first; then separation, the pair with the
smallest part of its minima left first; then zones, by time; then things outside their own volumes, furthest
out first; last, what an agreed proximity covers. Ties go by time, then by position. The same question gives
the same order.

Numbers are rounded to the millimetre and to 1e-7 degrees on the way out. What is not a finite number is
written as null.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import Kind, Labels
from skypact.check.findings import FindingKind, Findings, Reason
from skypact.instants import EVER, FOREVER, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from skypact.formats.contents import Contents
    from skypact.pact import Pact

RECORDED: Final = "recorded"
PLANNED: Final = "planned"
PREDICTED: Final = "predicted"

GROUPS: Final = ("predicted", "separation", "zones", "outside own volumes", "agreed proximity")
"""The groups of the order, most urgent first; :attr:`Report.group` numbers them."""
_PREDICTED, _SEPARATION, _ZONES, _OUTSIDE, _AGREED = range(len(GROUPS))

_NOUNS = {
    FindingKind.LOSS: ("loss of separation", "losses of separation"),
    FindingKind.ENCOUNTER: ("predicted loss of separation", "predicted losses of separation"),
    FindingKind.CONFLICT: ("conflict of volumes or plans", "conflicts of volumes or plans"),
    FindingKind.ENTRY: ("zone entry", "zone entries"),
    FindingKind.OUTSIDE: ("stretch outside own volumes", "stretches outside own volumes"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the engine answered to one question.

    Attributes
    ----------
    question
        What was asked, for people: ``recorded tracks against each other``.
    basis
        ``recorded``, ``planned`` or ``predicted``: on what the findings rest.
    findings
        The engine's answer, filtered where the report says so.
    horizontal_m, vertical_m
        The minima of each of ``findings.rules``, metres; zero for a rule that is no more than touching.
    effect
        What entry means, in the words of who declared the zone, for each row of ``labels_b``; None where b
        are no zones.
    standing
        Who declared the zone and what each party says of it, likewise; "" where only its file is known.
    reference
        :class:`~skypact.airspace.altitude.AltitudeReference` of each row of ``labels_a`` (int8), -1 where
        it has none.
    """

    question: str
    basis: str
    findings: Findings
    horizontal_m: NDArray[np.float64]
    vertical_m: NDArray[np.float64]
    effect: Sequence[str] | None = None
    standing: Sequence[str] | None = None
    reference: NDArray[np.int8] | None = None

    def left(self) -> NDArray[np.float64]:
        """The parts of the minima left at the closest point, 0 to 1, the larger first; shape (k, 2).

        The larger of the two, horizontal and vertical, counts first: either alone keeps a pair apart. Without
        minima, and where a distance is not known, a part is 0.
        """
        f = self.findings
        parts = np.zeros((len(f), 2))
        for k, (distance, minima) in enumerate(
            ((f.horizontal_m, self.horizontal_m), (f.vertical_m, self.vertical_m))
        ):
            own = minima[f.rule] if minima.shape[0] else np.zeros(len(f))
            known = (own > 0.0) & np.isfinite(distance)
            parts[known, k] = np.clip(distance[known] / own[known], 0.0, 1.0)
        return -np.sort(-parts, axis=1)

    def group(self) -> NDArray[np.int8]:
        """Index into :data:`GROUPS` of each row."""
        f = self.findings
        if self.basis == PREDICTED:
            own = _PREDICTED
        elif f.kind is FindingKind.OUTSIDE:
            own = _OUTSIDE
        elif self.effect is not None:
            own = _ZONES
        else:
            own = _SEPARATION
        return np.where(f.agreed, _AGREED, own).astype(np.int8)

    def urgency(self) -> NDArray[np.float64]:
        """What rows of one group are ordered by, least first; shape (k, 2). Equal ones go by time."""
        group, f = self.group(), self.findings
        urgency = np.zeros((len(f), 2))
        predicted = group == _PREDICTED
        urgency[predicted, 0] = f.start_us[predicted]
        urgency[predicted, 1] = self.left()[predicted, 0]
        measured = (group == _SEPARATION) | (group == _AGREED)
        urgency[measured] = self.left()[measured]
        out = group == _OUTSIDE
        far = np.fmax(f.horizontal_m[out], f.vertical_m[out])
        urgency[out, 0] = -np.where(
            np.isnan(far), np.inf, far
        )  # no volume of its own in force: nothing is further
        return urgency


@dataclass(frozen=True, slots=True)
class Stale:
    """A state too old to predict from: who, from where, and when it was last seen."""

    id: str
    party: str
    source: str
    kind: Kind
    last_us: int
    now_us: int


@dataclass(frozen=True, eq=False)
class Report:
    """Everything one check has to say.

    Attributes
    ----------
    version
        The version of Skypact that made it.
    data_mode
        The one data mode of all records in it.
    inputs
        What was read, in the order read.
    answers
        One for every question that was asked.
    assumptions
        Under what the answers hold, name to text.
    pact
        The agreement whose minima and zones were used; None if there was none.
    stale
        States that were too old to predict from.
    notes
        What a reader should know about how the inputs were taken: files passed over, a pact found in a
        directory.
    """

    version: str
    data_mode: str
    inputs: Sequence[Contents]
    answers: Sequence[Answer]
    assumptions: Mapping[str, str]
    pact: Pact | None = None
    pact_path: str = ""
    stale: Sequence[Stale] = ()
    notes: Sequence[str] = field(default=())

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Answer, row in it and group of every finding, most urgent first; shape (k, 3)."""
        parts = [
            np.column_stack([np.full(len(a.findings), k), np.arange(len(a.findings)), a.group()]).astype(
                np.int64
            )
            for k, a in enumerate(self.answers)
        ]
        if not parts:
            return np.zeros((0, 3), np.int64)
        rows = np.concatenate(parts)
        urgency = np.concatenate([a.urgency() for a in self.answers])
        start = np.concatenate([a.findings.start_us for a in self.answers])
        return rows[np.lexsort((rows[:, 1], rows[:, 0], start, urgency[:, 1], urgency[:, 0], rows[:, 2]))]

    @property
    def found(self) -> int:
        """How many findings are not covered by an agreed proximity: what the exit status rests on."""
        return sum(int((~a.findings.agreed).sum()) for a in self.answers)

    @property
    def agreed(self) -> int:
        """How many findings an agreed proximity covers."""
        return sum(int(a.findings.agreed.sum()) for a in self.answers)

    @property
    def marginal(self) -> int:
        """How many findings owe themselves to the error bound."""
        return sum(int(a.findings.marginal.sum()) for a in self.answers)

    @property
    def unchecked(self) -> int:
        """How many pairs were not decided; all that no rule covers, though only some of them are listed."""
        total = 0
        for answer in self.answers:
            left = answer.findings.unchecked
            total += int((left.reason != Reason.NO_RULE).sum()) + max(
                left.no_rule_pairs, int((left.reason == Reason.NO_RULE).sum())
            )
        return total

    @property
    def unobserved(self) -> int:
        """How many stretches of tracks were not observed, states too old to predict from included."""
        return len(self.gaps()) + len(self.stale)

    def gaps(self) -> list[tuple[Labels, int, int, int]]:
        """Every unobserved stretch once, however many questions were asked: labels, row, from, to."""
        seen: dict[tuple[str, str, int, int], tuple[Labels, int, int, int]] = {}
        for answer in self.answers:
            gaps, labels = answer.findings.unobserved, answer.findings.labels_a
            for who, start, end in zip(
                gaps.who.tolist(), gaps.start_us.tolist(), gaps.end_us.tolist(), strict=True
            ):
                seen.setdefault(
                    (labels.ids[who], labels.source_of(who), start, end), (labels, who, start, end)
                )
        return list(seen.values())

    def counts(self) -> dict[str, int]:
        """Findings by kind, in words, agreed ones left out; kinds that did not occur are not in it."""
        counts: dict[str, int] = {}
        for answer in self.answers:
            number = int((~answer.findings.agreed).sum())
            if number:
                word = answer.findings.kind.word
                counts[word] = counts.get(word, 0) + number
        return counts

    @property
    def statement(self) -> str:
        """The one sentence that sums up. It never says that anything is clear."""
        if self.found:
            kinds = ", ".join(
                counted(n, *_NOUNS[FindingKind[word.upper()]]) for word, n in self.counts().items()
            )
            text = f"{counted(self.found, 'conflict')} found: {kinds}"
        elif self.compared:
            text = "No conflict found under these assumptions"
        else:
            text = "No conflict found, and nothing was there to be compared"
        if self.agreed:
            text += f"; {self.agreed} more under an agreed proximity"
        return text + "."

    @property
    def compared(self) -> bool:
        """Whether any question had two things in it."""
        return any(
            len(a.findings.labels_a) > (1 if a.findings.labels_b is a.findings.labels_a else 0)
            and len(a.findings.labels_b) > 0
            for a in self.answers
        )

    def rows(self, first: int | None = None) -> Iterator[tuple[Answer, int]]:
        """The findings, most urgent first: the answer and the row in it; at most ``first`` of them."""
        for answer, row in self.order[:first, :2].tolist():
            yield self.answers[answer], row

    def records(self) -> Iterator[dict[str, Any]]:
        """The findings as ``--format json`` writes them, most urgent first; rows share their sides."""
        things = [(_Things(a.findings.labels_a), _Things(a.findings.labels_b)) for a in self.answers]
        for first in range(0, self.order.shape[0], _AT_ONCE):
            part = self.order[first : first + _AT_ONCE]
            made: dict[int, dict[str, Any]] = {}
            for k in np.unique(part[:, 0]).tolist():
                places = np.nonzero(part[:, 0] == k)[0]
                rows = records(self.answers[k], part[places, 1], self.data_mode, *things[k])
                made.update(zip(places.tolist(), rows, strict=True))
            yield from (made[place] for place in range(part.shape[0]))

    def unobserved_records(self) -> Iterator[dict[str, Any]]:
        """The unobserved stretches as ``--format json`` writes them."""
        for labels, who, start, end in self.gaps():
            yield {
                **thing(labels, who),
                "start": instant(start),
                "end": instant(end),
                "reason": "no sample for longer than the greatest gap",
            }
        for stale in self.stale:
            yield {
                "id": stale.id,
                "party": stale.party or None,
                "source": plain(stale.source),
                "kind": stale.kind.word,
                "start": instant(stale.last_us),
                "end": instant(stale.now_us),
                "reason": "last seen too long ago to predict from",
            }

    def unchecked_records(self) -> Iterator[dict[str, Any]]:
        """The undecided pairs as ``--format json`` writes them."""
        for answer in self.answers:
            f = answer.findings
            left = f.unchecked
            for a, b, start, end, reason in zip(
                left.a.tolist(),
                left.b.tolist(),
                left.start_us.tolist(),
                left.end_us.tolist(),
                left.reason.tolist(),
                strict=True,
            ):
                yield {
                    "a": thing(f.labels_a, a),
                    "b": thing(f.labels_b, b),
                    "start": instant(start),
                    "end": instant(end),
                    "reason": Reason(reason).text,
                }

    def heading(self) -> dict[str, Any]:
        """What stands before the findings in a file: version, data mode, pact, assumptions, inputs, notes."""
        pact = None
        if self.pact is not None:
            pact = {"id": self.pact.id, "title": self.pact.title, "path": plain(self.pact_path)}
        return {
            "skypact": self.version,
            "data_mode": self.data_mode,
            "pact": pact,
            "assumptions": dict(self.assumptions),
            "inputs": [
                {
                    "path": plain(c.path),
                    "format": c.format,
                    "counts": dict(c.counts),
                    "ignored": [plain(text) for text in c.ignored],
                }
                for c in self.inputs
            ],
            "notes": [plain(text) for text in self.notes],
        }

    def summary(self) -> dict[str, Any]:
        """The closing object of a file."""
        return {
            "statement": self.statement,
            "found": self.found,
            "by_kind": self.counts(),
            "agreed": self.agreed,
            "marginal": self.marginal,
            "unobserved": self.unobserved,
            "unchecked": self.unchecked,
            "checks": [
                {
                    "question": a.question,
                    "basis": a.basis,
                    "kind": a.findings.kind.word,
                    "a": len(a.findings.labels_a),
                    "b": len(a.findings.labels_b),
                    "found": int((~a.findings.agreed).sum()),
                    "agreed": int(a.findings.agreed.sum()),
                    "pairs": a.findings.pairs,
                }
                for a in self.answers
            ],
        }


def is_report(head: bytes) -> bool:
    """Whether a file that begins so was written from a report, as JSON, GeoJSON or CSV."""
    return head.startswith(_BEGINNINGS)


_BEGINNINGS = (
    b'{"skypact": ',
    b'{"type": "FeatureCollection",\n "skypact": {',
    b"record,kind,basis,data_mode,",
)


_AT_ONCE: Final = 8192
"""So many findings are made into text at once: enough to be quick, few enough to be small."""


class _Things(dict[int, dict[str, Any]]):
    """Who each row of some labels is, made when it is asked for."""

    def __init__(self, labels: Labels) -> None:
        super().__init__()
        self._labels = labels

    def __missing__(self, row: int) -> dict[str, Any]:
        return self.setdefault(row, thing(self._labels, row))


def records(
    answer: Answer, rows: NDArray[np.int64], data_mode: str, things_a: _Things, things_b: _Things
) -> Iterator[dict[str, Any]]:
    """Some findings of one answer, in the order given, as ``--format json`` writes them."""
    f = answer.findings
    a, b = f.a[rows], f.b[rows]
    references: list[str | None] = [None] * rows.shape[0]
    if answer.reference is not None:
        references = [_REFERENCES.get(code) for code in answer.reference[a].tolist()]
    for (
        i,
        j,
        start,
        end,
        closest,
        horizontal,
        vertical,
        lat,
        lng,
        high,
        margin,
        marginal,
        agreed,
        rule,
        of,
    ) in zip(
        a.tolist(),
        b.tolist(),
        f.start_us[rows].tolist(),
        f.end_us[rows].tolist(),
        f.closest_us[rows].tolist(),
        numbers(f.horizontal_m[rows]),
        numbers(f.vertical_m[rows]),
        numbers(f.lat_deg[rows], 7),
        numbers(f.lng_deg[rows], 7),
        numbers(f.altitude_m[rows]),
        numbers(f.margin_m[rows]),
        f.marginal[rows].tolist(),
        f.agreed[rows].tolist(),
        f.rule[rows].tolist(),
        references,
        strict=True,
    ):
        yield {
            "kind": f.kind.word,
            "basis": answer.basis,
            "data_mode": data_mode,
            "a": things_a[i],
            "b": things_b[j],
            "start": instant(start),
            "end": instant(end),
            "closest": {
                "time": instant(closest),
                "horizontal_m": horizontal,
                "vertical_m": vertical,
                "lat": lat,
                "lng": lng,
                "altitude_m": high,
                "altitude_reference": None if high is None else of,
            },
            "margin_m": margin,
            "marginal": marginal,
            "agreed": agreed,
            "rule": f.rules[rule],
            "effect": None if answer.effect is None else plain(answer.effect[j]),
            "standing": None if answer.standing is None else plain(answer.standing[j]) or None,
        }


_REFERENCES = {int(reference): reference.name for reference in AltitudeReference}


def thing(labels: Labels, row: int) -> dict[str, Any]:
    """Who one side is: id, party (null: not stated), source, kind."""
    return {
        "id": plain(labels.ids[row]),
        "party": plain(labels.party_of(row)) or None,
        "source": plain(labels.source_of(row)),
        "kind": Kind(int(labels.kind[row])).word,
    }


def numbers(values: NDArray[np.float64], digits: int = 3) -> list[float | None]:
    """The numbers rounded, and None for what is no finite number: JSON has no NaN, and there is no -0."""
    rounded: list[float | None] = (np.round(values, digits) + 0.0).tolist()
    for row in np.nonzero(~np.isfinite(values))[0].tolist():
        rounded[row] = None
    return rounded


def instant(value_us: int) -> str | None:
    """RFC 3339, or None for an open end."""
    return None if value_us <= EVER or value_us >= FOREVER else format_instant(value_us)


_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of a pair of surrogates that stand for no byte of a file name."""


def plain(text: str) -> str:
    """Text that UTF-8 can write: a file name may hold bytes that are none, and they become U+FFFD."""
    if text.isascii():
        return text
    return _LONE.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def counted(n: int, noun: str, plural: str = "") -> str:
    """``1 track``, ``2 tracks``, ``1,244 tracks``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
