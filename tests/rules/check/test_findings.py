"""Findings: rows and columns say the same, and what was not decided stands beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import awkward as aw
from skypact.airspace import Trajectories
from skypact.check import FindingKind, Findings, Reason, Unchecked, Unobserved, encounters, losses

S = 1_000_000


def some() -> Findings:
    """Losses of a small crowd: several pairs, one of which meets twice."""
    lng = [0.0, 0.5, 0.0]
    return losses(
        Trajectories.concat(
            [
                aw.track("hover", [0, 60, 120], [0.0] * 3, [0.0] * 3),
                aw.track("there and back", [0, 60, 120], [0.0] * 3, lng),
                aw.track("late", [100, 120], [0.0, 0.0], [0.01, 0.01]),
            ]
        )
    )


def test_a_row_is_a_view_of_the_columns() -> None:
    """Each row has the values of the columns at its place, and the rule by its name."""
    found = some()
    rows = list(found)
    assert len(rows) == len(found) == 4
    for k, row in enumerate(rows):
        assert row == found[k]
        assert (row.a, row.b, row.start_us, row.end_us) == (
            found.a[k],
            found.b[k],
            found.start_us[k],
            found.end_us[k],
        )
        assert (row.horizontal_m, row.vertical_m) == (found.horizontal_m[k], found.vertical_m[k])
        assert (row.lat_deg, row.lng_deg, row.altitude_m) == (
            found.lat_deg[k],
            found.lng_deg[k],
            found.altitude_m[k],
        )
        assert row.rule == found.rules[found.rule[k]]
        assert (row.marginal, row.agreed, row.kind) == (found.marginal[k], found.agreed[k], FindingKind.LOSS)
        assert row.margin_m == max(row.horizontal_m - 9260.0, row.vertical_m - 304.8)
    assert found[-1] == rows[-1]


@pytest.mark.parametrize("row", [4, -5, 10**9])
def test_a_row_that_is_not_there_is_an_error(row: int) -> None:
    """Beyond the last row, and before the first counted from the end, there is none."""
    with pytest.raises(IndexError):
        some()[row]


def test_rows_are_in_order_of_start_then_pair() -> None:
    """Rows are ordered by start, then by a, then by b, whatever order they were found in."""
    found = some()
    order = np.lexsort((found.b, found.a, found.start_us))
    assert order.tolist() == list(range(len(found)))


def test_pairs_and_durations() -> None:
    """A pair that meets twice is one pair and two rows; durations are seconds."""
    found = some()
    assert found.pairs == 3
    assert found.duration_s.tolist() == ((found.end_us - found.start_us) * 1e-6).tolist()
    assert found.time_to_s.tolist() == [0.0] * 4


def test_pairs_of_two_sets_are_not_mixed_up() -> None:
    """Pairs are counted right where the second set is larger than the first."""
    one = aw.track("a", [0], [0.0], [0.0])
    three = Trajectories.concat([aw.track(f"b{k}", [0], [0.0], [0.01 * k]) for k in range(3)])
    assert losses(one, three).pairs == 3
    assert losses(three, one).pairs == 3


def test_time_to_a_loss_counts_from_now() -> None:
    """For predictions the time to each window counts from the instant of prediction."""
    pairs = aw.meeting_states(aw.rng(1), 50)
    found = encounters(pairs.states, now_us=pairs.now_us)
    assert len(found) > 10
    assert found.time_to_s.tolist() == ((found.start_us - pairs.now_us) * 1e-6).tolist()
    assert found.time_to_s.min() >= 0.0


@pytest.mark.parametrize("kind", list(FindingKind))
def test_a_kind_is_one_lower_case_word(kind: FindingKind) -> None:
    """The word of a finding's kind is lower case, as it is written in files."""
    assert kind.word.isalpha()
    assert kind.word == kind.name.lower()


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_text_of_its_own(reason: Reason) -> None:
    """Each reason for not deciding reads as a sentence's part, and no two alike."""
    assert len(reason.text) > 10
    assert sum(other.text == reason.text for other in Reason) == 1


def test_nothing_undecided_is_empty() -> None:
    """Where everything was decided and observed, the lists beside the findings are empty."""
    assert len(Unchecked.none()) == len(Unobserved.none()) == 0
    assert Unchecked.none().no_rule_pairs == 0
    found = some()
    assert len(found.unchecked) == len(found.unobserved) == 0


def test_every_unobserved_stretch_is_listed() -> None:
    """Each gap that is too long is listed with its ends, in order of track and time, and no other."""
    tracks = Trajectories.concat(
        [
            aw.track("a", [0, 61, 100, 200], [0.0] * 4, [0.0] * 4),
            aw.track("b", [0, 60], [0.0] * 2, [0.0] * 2),
            aw.track("c", [5, 500], [0.0] * 2, [0.0] * 2),
        ]
    )
    seen = losses(tracks).unobserved
    assert seen.who.tolist() == [0, 0, 2]
    assert ((seen.start_us - aw.BASE_US) // S).tolist() == [0, 100, 5]
    assert ((seen.end_us - aw.BASE_US) // S).tolist() == [61, 200, 500]
    assert len(losses(tracks, max_gap_s=None).unobserved) == 0
    assert len(losses(tracks, max_gap_s=495.0).unobserved) == 0


def test_the_same_question_gives_the_same_answer() -> None:
    """Asked twice, every column is the same to the last bit."""
    tracks = aw.crossing(aw.rng(2), 500).tracks
    one, two = losses(tracks), losses(tracks)
    for name in (
        "a",
        "b",
        "start_us",
        "end_us",
        "closest_us",
        "horizontal_m",
        "vertical_m",
        "lat_deg",
        "margin_m",
    ):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert replace(one, now_us=5).now_us == 5
