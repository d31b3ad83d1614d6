"""Faults that were here once, each with the numbers that showed it."""

from __future__ import annotations

import numpy as np
import pytest

from skypact.airspace import (
    EN_ROUTE,
    Circle,
    Kind,
    Labels,
    Polygon,
    Rule,
    Separation,
    States,
    Trajectories,
    Volume4D,
    Volumes,
)
from skypact.check import conflicts, entries, inside

SECOND_US = 1_000_000
EQUATOR_M = 111_319.4908
"""A degree of longitude at the equator, on the ellipsoid."""
millisecond = 1e-3


def eastward(seconds: tuple[float, ...], lng: tuple[float, ...], name: str = "d") -> Trajectories:
    """A track along the equator."""
    n = len(seconds)
    time = np.array([s * SECOND_US for s in seconds], np.int64)
    return Trajectories.of(Labels.of([name]), [0, n], time, np.zeros(n), lng, np.zeros(n))


@pytest.mark.parametrize("seconds", [(0, 50, 100), (0, 100), tuple(range(0, 101, 10))])
def test_a_circle_is_entered_and_left_when_its_edge_is_crossed(seconds: tuple[float, ...]) -> None:
    """However the track is sampled, a circle is entered and left at the instants worked out by hand."""
    track = eastward(seconds, tuple(s * 1e-4 for s in seconds))
    circle = Volumes.of(Labels.of(["c"], kind=Kind.STATIC), [Volume4D(Circle(0.0, 0.005, 100.0))])
    found = entries(track, circle, max_gap_s=None)
    half_s = 100.0 / (EQUATOR_M * 1e-4)
    assert len(found) == 1
    assert found.start_us[0] / SECOND_US == pytest.approx(50.0 - half_s, abs=millisecond)
    assert found.end_us[0] / SECOND_US == pytest.approx(50.0 + half_s, abs=millisecond)


def test_entry_into_a_circle_is_predicted_in_time() -> None:
    """At 100 m/s, a circle whose edge is 1,113 m ahead is entered after 11.1 s."""
    state = States.of(Labels.of(["s"]), 0, [0.0], [-0.015], [0.0], [100.0], [np.pi / 2])
    circle = Volumes.of(Labels.of(["c"], kind=Kind.STATIC), [Volume4D(Circle(0.0, 0.0, 556.6))])
    found = entries(state, circle)
    assert found.time_to_s[0] == pytest.approx((0.015 * EQUATOR_M - 556.6) / 100.0, abs=millisecond)
    assert found.duration_s[0] == pytest.approx(2 * 556.6 / 100.0, abs=millisecond)


def test_a_pair_without_a_rule_names_no_rule() -> None:
    """Two overlapping volumes that no rule covers are found as touching, not under the pact's first rule."""
    square = Polygon(((0.0, 0.0), (0.0, 0.1), (0.1, 0.1), (0.1, 0.0)))
    volumes = Volumes.of(Labels.of(["a", "b"], kind=Kind.UNCREWED), [Volume4D(square), Volume4D(square)])
    rules = Separation((Rule("crewed/crewed", ("crewed", "crewed"), EN_ROUTE),))
    found = conflicts(volumes, separation=rules)
    assert [row.rule for row in found] == ["volumes: touching is meeting"]


def test_flying_on_after_the_window_is_outside_of_everything() -> None:
    """A track that flies on when its own volume's window has ended has no volume in force, at no distance."""
    track = eastward((0, 50, 100), (0.0, 0.005, 0.01))
    own = Volumes.of(
        Labels.of(["v"], body=["d"]),
        [Volume4D(Circle(0.0, 0.005, 5_000.0), start_us=0, end_us=50 * SECOND_US)],
    )
    found = inside(track, own, max_gap_s=None)
    assert [(row.start_us, row.end_us) for row in found] == [(50 * SECOND_US, 100 * SECOND_US)]
    assert found[0].rule == "inside a volume of its own that is in force"
    assert np.isnan(found.horizontal_m[0])


def test_a_volume_has_no_altitude_of_its_own() -> None:
    """Where the volume comes first, the altitude of a finding is not that of the track."""
    track = eastward((0, 100), (0.0, 0.01))
    circle = Volumes.of(Labels.of(["c"]), [Volume4D(Circle(0.0, 0.005, 100.0))])
    assert np.isnan(conflicts(circle, track).altitude_m).all()
    assert conflicts(track, circle).altitude_m.tolist() == [0.0]
    assert np.isnan(conflicts([circle, track]).altitude_m).all()
