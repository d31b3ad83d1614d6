"""What is put to the engine, and what is kept of its answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_report import MINUTE_US, NOON_US, answer, findings, labels
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import States, Trajectories
from skypact.check.findings import Reason, Unchecked, Unobserved
from skypact.cli.questions import Things, among, cut_at_gaps, fresh, kept
from skypact.errors import ModeError
from skypact.formats.contents import Contents

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SECOND_US = 1_000_000


def tracks(*seconds: list[int], mode: DataMode = DataMode.REAL) -> Trajectories:
    """A track for each list of seconds after noon, going north from its own place."""
    offsets = np.cumsum([0, *map(len, seconds)])
    flat = np.concatenate([np.array(one) for one in seconds])
    names = [f"t{k}" for k in range(len(seconds))]
    return Trajectories.of(
        Labels.of(names, data_mode=mode),
        offsets,
        NOON_US + flat * SECOND_US,
        30.0 + flat / 3600,
        np.repeat(np.arange(len(seconds), dtype=np.float64), np.diff(offsets)),
        1000.0,
    )


def states(*ages_s: int) -> States:
    """States of these ages at noon."""
    names = [f"s{k}" for k in range(len(ages_s))]
    times = NOON_US - np.array(ages_s) * SECOND_US
    return States.of(Labels.of(names, party="red"), times, 30.0, np.arange(len(ages_s)), 1000.0, 100.0, 0.0)


def test_a_track_without_gaps_is_left_alone() -> None:
    """Nothing is copied where nothing is cut; exactly the greatest gap is no gap."""
    whole = tracks([0, 60, 120], [5])
    assert cut_at_gaps(whole, 60.0) is whole


def test_a_gap_makes_two_rows_of_one_body() -> None:
    """The pieces keep the id and the samples, and nothing spans the gap."""
    cut = cut_at_gaps(tracks([0, 10, 100, 110], [0, 1]), 60.0)
    assert cut.labels.ids == ["t0", "t0", "t1"]
    assert cut.offsets.tolist() == [0, 2, 4, 6]
    assert cut.labels.body_of(0) == cut.labels.body_of(1) == "t0"


@given(st.lists(st.lists(st.integers(0, 1000), min_size=1, max_size=8).map(sorted), min_size=1, max_size=6))
def test_cutting_keeps_every_sample_and_no_gap(seconds: list[list[int]]) -> None:
    """Samples stay in order, owners stay the same, and within a piece no step is over the greatest gap."""
    whole = tracks(*seconds)
    cut = cut_at_gaps(whole, 60.0)
    assert (cut.time_us == whole.time_us).all()
    for piece in range(len(cut)):
        times = cut.time_us[cut.offsets[piece] : cut.offsets[piece + 1]]
        assert times.shape[0] >= 1
        assert (np.diff(times) <= 60 * SECOND_US).all()
    owners = [name for row, name in enumerate(whole.labels.ids) for _ in range(len(seconds[row]))]
    pieces = [name for row, name in enumerate(cut.labels.ids) for _ in range(int(np.diff(cut.offsets)[row]))]
    assert pieces == owners


def test_old_states_are_not_predicted_from() -> None:
    """A state older than the greatest gap is set aside by name; the rest predict from the latest instant."""
    young, old, now = fresh(states(0, 60, 61, 7200), 60.0)
    assert now == NOON_US
    assert list(young.labels.ids) == ["s0", "s1"]
    assert [(s.id, s.party, s.kind, (now - s.last_us) // SECOND_US) for s in old] == [
        ("s2", "red", Kind.CREWED, 61),
        ("s3", "red", Kind.CREWED, 7200),
    ]


def test_states_that_are_all_fresh_stay_as_they_are() -> None:
    """Nothing is copied where nothing is set aside."""
    given_states = states(0, 1)
    young, old, _ = fresh(given_states, 60.0)
    assert young is given_states
    assert old == []


def test_states_count_only_where_nothing_else_moves_or_a_prediction_is_asked() -> None:
    """The last states of a recording are not predictions unless somebody asks."""
    recording = Contents("a", "csv", tracks=tracks([0, 1]), states=states(0))
    live = Contents("b", "csv", states=states(0, 0))
    assert Things.of([recording], [], predict=False).states is None
    both = Things.of([recording, live], [], predict=True).states
    assert both is not None
    assert len(both) == 3
    alone = Things.of([recording, live], [], predict=False).states
    assert alone is not None
    assert list(alone.labels.ids) == ["s0", "s1"]


def test_a_picture_of_one_moment_is_predicted_from() -> None:
    """A file of one sample with a velocity each is live states; with a second sample it is a recording."""
    picture = Contents("a", "csv", tracks=tracks([0], [3]), states=states(0, 3))
    things = Things.of([picture], [], predict=False)
    assert things.tracks is None
    assert things.states is not None
    for other in (
        Contents("b", "csv", tracks=tracks([0], [3, 4]), states=states(0, 3)),
        Contents("c", "csv", tracks=tracks([0], [3]), states=states(0)),
        Contents("d", "csv", tracks=tracks([0], [3])),
    ):
        things = Things.of([other], [], predict=False)
        assert things.tracks is not None
        assert things.states is None


def test_nothing_is_put_together_from_nothing() -> None:
    """Empty files make no things, and zones alone are nothing that could meet."""
    things = Things.of([Contents("a", "csv")], [], predict=True)
    assert (things.tracks, things.plans, things.states, things.volumes, things.zones) == (None,) * 3 + (
        [],
        [],
    )
    assert things.moving_or_claimed == 0


def test_modes_never_meet() -> None:
    """Tracks of two data modes cannot be put together."""
    two = [
        Contents("a", "csv", tracks=tracks([0])),
        Contents("b", "csv", tracks=tracks([0], mode=DataMode.EXERCISE)),
    ]
    with pytest.raises(ModeError, match="real and exercise"):
        Things.of(two, [], predict=False)


WHO = labels("red-1", "blue-2", "red-3")
ROWS = [(0, 1, 0, 1.0, 1.0), (0, 2, 1, 2.0, 2.0), (1, 2, 2, 3.0, 3.0)]


def named(name: str) -> Callable[[Labels], NDArray[np.bool_]]:
    """Whether a row has this id."""
    return lambda made: np.array([one == name for one in made.ids])


def party(name: str) -> Callable[[Labels], NDArray[np.bool_]]:
    """Whether a row is of this party."""
    return lambda made: np.array([made.party_of(row) == name for row in range(len(made))])


def test_only_one_thing() -> None:
    """What concerns an id, on either side."""
    (only,) = among([answer(findings(WHO, ROWS))], named("blue-2"))
    assert only.findings.a.tolist() == [0, 1]
    assert only.findings.horizontal_m.tolist() == [1.0, 3.0]


def test_between_two_parties_either_way_round() -> None:
    """One side of one party and the other of the other, in any order; never two of one."""
    (both,) = among([answer(findings(WHO, ROWS))], party("blue"), party("red"))
    assert list(zip(both.findings.a.tolist(), both.findings.b.tolist(), strict=True)) == [(0, 1), (1, 2)]


def test_what_was_not_decided_is_chosen_likewise() -> None:
    """Undecided pairs and gaps of others are left out, and the number of pairs without a rule follows."""
    zero, one, two = np.array([0]), np.array([1]), np.array([2])
    left = Unchecked(
        np.array([0, 0]),
        np.array([1, 2]),
        np.array([0, 0]),
        np.array([1, 1]),
        np.array([Reason.NO_RULE, Reason.NO_RULE], np.int8),
        2,
    )
    gaps = Unobserved(np.array([0, 2]), np.array([0, 0]), np.array([9, 9]))
    made = answer(findings(WHO, ROWS, unchecked=left, unobserved=gaps))
    (only,) = among([made], named("red-3"))
    assert only.findings.unchecked.b.tolist() == two.tolist()
    assert only.findings.unchecked.no_rule_pairs == 1
    assert only.findings.unobserved.who.tolist() == [2]
    (between,) = among(
        [made],
        named("red-1"),
        named("blue-2"),
    )
    assert (between.findings.unchecked.a.tolist(), between.findings.unchecked.b.tolist()) == (
        zero.tolist(),
        one.tolist(),
    )
    assert between.findings.unobserved.who.tolist() == [0]


def test_a_number_that_is_more_than_the_list_stays_as_a_bound() -> None:
    """Where only some pairs without a rule are listed, their number is not cut down to those seen."""
    left = Unchecked(
        np.array([0]), np.array([1]), np.array([0]), np.array([1]), np.array([Reason.NO_RULE], np.int8), 5000
    )
    (only,) = among([answer(findings(WHO, ROWS, unchecked=left))], lambda who: np.zeros(len(who), np.bool_))
    assert len(only.findings) == 0
    assert only.findings.unchecked.no_rule_pairs == 5000


def test_keeping_all_rows_copies_nothing() -> None:
    """A filter that keeps everything gives the same findings back."""
    made = replace(findings(WHO, ROWS), now_us=NOON_US + MINUTE_US)
    assert kept(made, np.ones(3, np.bool_)) is made
    assert len(kept(made, np.array([True, False, True]))) == 2
