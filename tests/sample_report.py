"""Reports with known contents, made without the engine, for tests of what writes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skypact.airspace.labels import Kind, Labels
from skypact.check.findings import FindingKind, Findings, Reason, Unchecked, Unobserved
from skypact.formats.contents import Contents
from skypact.formats.report import Answer, Report
from skypact.instants import parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON_US = parse_instant("2017-06-08T12:00:00Z")
MINUTE_US = 60_000_000


def labels(*names: str, kinds: tuple[Kind, ...] | None = None) -> Labels:
    """Labels of things by name; the party is what stands before the first dash."""
    return Labels.of(
        list(names),
        party=[name.partition("-")[0] if "-" in name else "" for name in names],
        kind=Kind.CREWED if kinds is None else list(kinds),
        source="day.csv",
    )


def findings(
    who: Labels,
    rows: Sequence[tuple[int, int, float, float, float]],
    *,
    others: Labels | None = None,
    kind: FindingKind = FindingKind.LOSS,
    minima: tuple[float, float] = (9260.0, 304.8),
    **columns: Any,
) -> Findings:
    """Findings of rows (a, b, minutes after noon, horizontal m, vertical m), each two minutes long."""
    n = len(rows)
    column = np.array(rows, np.float64).reshape(n, 5)
    start = NOON_US + (column[:, 2] * MINUTE_US).astype(np.int64)
    made = Findings(
        kind,
        who,
        who if others is None else others,
        column[:, 0].astype(np.int64),
        column[:, 1].astype(np.int64),
        start,
        start + 2 * MINUTE_US,
        start + MINUTE_US,
        column[:, 3],
        column[:, 4],
        np.full(n, 33.5),
        np.full(n, 38.6),
        np.full(n, 3000.0),
        np.maximum(column[:, 3] - minima[0], column[:, 4] - minima[1]),
        np.zeros(n, np.bool_),
        np.zeros(n, np.int32),
        np.zeros(n, np.bool_),
        ("rule one",),
        Unchecked.none(),
        Unobserved.none(),
        {"minima": "as told"},
    )
    return replace(made, **columns)


def answer(
    found: Findings, *, basis: str = "recorded", minima: tuple[float, float] = (9260.0, 304.8), **more: Any
) -> Answer:
    """An answer with one rule of the minima given."""
    return Answer("a question", basis, found, np.array([minima[0]]), np.array([minima[1]]), **more)


def report(*answers: Answer, **more: Any) -> Report:
    """A simulated report with one input."""
    contents = Contents(
        "day.csv", "csv", counts={"points": 12, "tracks": 3}, ignored=("2 rows without a time",)
    )
    given: dict[str, Any] = {"inputs": [contents], "assumptions": {"minima": "as told"}} | more
    return Report("9.9.9", "simulated", answers=answers, **given)


def full() -> Report:
    """One of everything: loss, agreed, marginal, entry, outside, prediction, gap, undecided pairs."""
    who = labels(
        "red-1", "blue-2", "red-3", "lone", kinds=(Kind.CREWED, Kind.CREWED, Kind.UNCREWED, Kind.GROUND)
    )
    zone = labels("zone-x", kinds=(Kind.STATIC,))
    losses = findings(
        who,
        [(0, 1, 0, 1000.0, 100.0), (0, 2, 5, 9259.9999, 0.0), (1, 2, 9, 50.0, 10.0)],
        marginal=np.array([False, True, False]),
        agreed=np.array([False, False, True]),
        altitude_m=np.array([3000.0, np.nan, 3000.0]),
        unchecked=Unchecked(
            np.array([0, 1]),
            np.array([3, 3]),
            np.array([NOON_US, -(2**62)]),
            np.array([NOON_US + MINUTE_US, 2**62]),
            np.array([Reason.NO_RULE, Reason.ALTITUDE_UNKNOWN], np.int8),
            17,
        ),
        unobserved=Unobserved(np.array([0]), np.array([NOON_US]), np.array([NOON_US + 10 * MINUTE_US])),
    )
    entry = findings(who, [(2, 0, 3, 0.0, 0.0)], others=zone, kind=FindingKind.ENTRY, rules=("zone",))
    outside = findings(who, [(1, 2, 4, 120.4, 3.0)], kind=FindingKind.OUTSIDE)
    ahead = findings(who, [(0, 1, 3, 500.0, 50.0)], kind=FindingKind.ENCOUNTER, now_us=NOON_US)
    return report(
        answer(losses, reference=np.array([2, 2, 0, 1], np.int8)),
        answer(entry, minima=(0.0, 0.0), effect=["entry by notice"], standing=["declared by zone"]),
        answer(outside, minima=(0.0, 0.0)),
        answer(ahead, basis="predicted"),
    )
