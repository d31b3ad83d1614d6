"""Findings joined by the bodies that meet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import filings
from skypact import check
from skypact.airspace.labels import Labels
from skypact.airspace.separation import Minima, Separation
from skypact.airspace.volumes import Circle, Volume4D, Volumes
from skypact.check.findings import Findings, Unchecked
from skypact.notify.claimed import volumes_of

DISC = st.tuples(st.integers(0, 4), st.integers(0, 8), st.integers(1, 4))


def side(rows: list[tuple[int, int, int]], letter: str) -> Volumes:
    """Circles of a kilometre on one meridian, of four bodies: where, from when, how long."""
    labels = Labels.of([letter] * len(rows), body=[f"{letter}{k % 4}" for k in range(len(rows))])
    return Volumes.of(
        labels,
        [Volume4D(Circle(0.01 * at, 0.0, 1_000.0), start_us=t, end_us=t + n) for at, t, n in rows],
    )


def touching(findings: Findings) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """The union of the windows of each pair of bodies, by looking at every instant."""
    instants: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in findings:
        pair = findings.labels_a.body_of(row.a), findings.labels_b.body_of(row.b)
        instants[pair] |= set(range(2 * row.start_us, 2 * row.end_us + 1))
    unions = {}
    for pair, times in instants.items():
        firsts = sorted(t for t in times if t - 1 not in times)
        lasts = sorted(t for t in times if t + 1 not in times)
        unions[pair] = [(a // 2, b // 2) for a, b in zip(firsts, lasts, strict=True)]
    return unions


@pytest.mark.unmeasured
@settings(max_examples=60, deadline=None)
@given(st.lists(DISC, min_size=1, max_size=12), st.lists(DISC, min_size=1, max_size=12))
def test_a_pair_has_a_row_for_each_window_in_which_it_meets(
    one: list[tuple[int, int, int]], two: list[tuple[int, int, int]]
) -> None:
    """The windows are the unions of what touches, the distances the least of each, the order the engine's."""
    rule = Separation.uniform(Minima(500.0, 100.0, 60.0))
    every = check.conflicts(side(one, "a"), side(two, "b"), separation=rule)
    joined = check.meetings(every)
    made: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for row in joined:
        pair = joined.labels_a.body_of(row.a), joined.labels_b.body_of(row.b)
        made[pair].append((row.start_us, row.end_us))
        own = [
            r.horizontal_m
            for r in every
            if (every.labels_a.body_of(r.a), every.labels_b.body_of(r.b)) == pair
            and row.start_us <= r.start_us <= row.end_us
        ]
        assert row.horizontal_m == min(own)
    assert dict(made) == touching(every)
    assert joined.start_us.tolist() == sorted(joined.start_us.tolist())
    assert len(check.meetings(joined)) == len(joined)


def test_a_convoy_and_an_activity_meet_once() -> None:
    """Seventeen pieces that meet are one meeting, from the first to the last."""
    found = check.conflicts(volumes_of([filings.movement()]), volumes_of([filings.activity(serial=2)]))
    joined = check.meetings(found)
    assert len(found) > 10
    assert len(joined) == 1
    assert int(joined.start_us[0]) == int(found.start_us.min())
    assert int(joined.end_us[0]) == int(found.end_us.max())
    assert float(joined.horizontal_m[0]) == float(found.horizontal_m.min())


def test_a_meeting_is_marginal_only_where_all_of_it_is() -> None:
    """One row that does not owe itself to the bound is enough."""
    found = check.conflicts(volumes_of([filings.movement()]), volumes_of([filings.activity(serial=2)]))
    all_but_one = np.arange(len(found)) > 0
    assert not check.meetings(replace(found, marginal=all_but_one)).marginal[0]
    assert check.meetings(replace(found, marginal=np.ones(len(found), np.bool_))).marginal[0]


def test_what_was_not_decided_is_joined_by_its_reason() -> None:
    """Pairs of bodies, windows that touch, and the number of pairs without a rule as it was."""
    found = check.conflicts(side([(0, 0, 1)] * 6, "a"), side([(4, 0, 1)] * 6, "b"))
    column = np.array([0, 4, 0, 1, 0], np.int64)
    start, end = np.array([0, 2, 9, 0, 0], np.int64), np.array([2, 5, 10, 1, 1], np.int64)
    left = Unchecked(column, column * 0, start, end, np.array([1, 1, 1, 1, 2], np.int8), 7)
    joined = check.meetings(replace(found, unchecked=left)).unchecked
    columns = (joined.a, joined.start_us, joined.end_us, joined.reason)
    rows = sorted(zip(*(column.tolist() for column in columns), strict=True))
    assert rows == [(0, 0, 1, 2), (0, 0, 5, 1), (0, 9, 10, 1), (1, 0, 1, 1)]
    assert joined.no_rule_pairs == 7
    assert len(check.meetings(found).unchecked) == 0
