"""Conformance: when a track is outside its own volumes, by how much, and what is not judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from awkward import BASE_US, GEOD, box, rng, track
from awkward_volumes import S, go_one, star
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    DataMode,
    Labels,
    Trajectories,
    Volume4D,
    Volumes,
)
from skypact.airspace import altitude as alt
from skypact.check import FindingKind, Findings, Reason, inside
from skypact.check import reference as oracle
from skypact.check._zones import NONE_IN_FORCE, OUTSIDE_RULE
from skypact.errors import ModeError

if TYPE_CHECKING:
    from skypact.airspace import Polygon

AMSL, STD, W84 = AltitudeReference.AMSL, AltitudeReference.STD, AltitudeReference.W84


def own(name: str, *solid: Volume4D, **more: Any) -> Volumes:
    """The volumes of one flight."""
    n = len(solid)
    return Volumes.of(Labels.of([f"{name}/{k}" for k in range(n)], body=[name] * n, **more), list(solid))


def windows(found: Findings) -> list[tuple[Any, Any]]:
    """Windows outside in seconds."""
    return [((row.start_us - BASE_US) * 1e-6, (row.end_us - BASE_US) * 1e-6) for row in found]


CORRIDOR = box(33.9, 38.0, 34.1, 39.0)


def test_a_track_inside_its_volumes_has_no_finding_but_assumptions() -> None:
    """Nothing found says how it was judged, and that all had a volume."""
    found = inside(track("f", [0, 60], [34.0, 34.0], [38.1, 38.2]), own("f", Volume4D(CORRIDOR)))
    assert found.kind is FindingKind.OUTSIDE
    assert len(found) == len(found.unchecked) == 0
    assert found.rules == (OUTSIDE_RULE, NONE_IN_FORCE)
    assert found.assumptions["tracks without a volume"] == "0 not judged"
    assert found.assumptions["gaps"] == "over 60 s unobserved"
    assert "closed volumes" in found.assumptions["conformance"]


def test_a_track_that_leaves_is_outside_from_the_edge_on() -> None:
    """Out at the east edge: from when, how far at worst, where then, and of which volume."""
    path = track("f", [0, 1000], [34.0, 34.0], [38.5, 39.5])
    found = inside(path, own("f", Volume4D(CORRIDOR), Volume4D(Circle(34.0, 38.5, 100.0))), max_gap_s=None)
    assert len(found) == 1
    assert windows(found)[0] == (pytest.approx(500.0, abs=0.05), 1000.0)
    assert found.closest_us[0] == BASE_US + 1000 * S
    edge = furthest(path, CORRIDOR, BASE_US + 999 * S, BASE_US + 1000 * S)
    assert found.horizontal_m[0] == pytest.approx(edge, abs=1e-3)
    assert found.vertical_m[0] == 0.0
    assert found.margin_m[0] == pytest.approx(found.horizontal_m[0])
    assert (found.lat_deg[0], found.lng_deg[0]) == (pytest.approx(34.0), pytest.approx(39.5))
    assert (found.a[0], found.b[0]) == (0, 0)
    assert found[0].rule == OUTSIDE_RULE


def test_several_own_volumes_make_one_inside() -> None:
    """From box to box over a common edge nothing is outside; over a gap of 3 km it is while that takes."""
    west, east = box(33.9, 38.0, 34.1, 38.5), box(33.9, 38.5, 34.1, 39.0)
    path = track("f", [0, 1000], [34.0, 34.0], [38.1, 38.9])
    assert len(inside(path, own("f", Volume4D(west), Volume4D(east)), max_gap_s=None)) == 0
    apart = box(33.9, 38.54, 34.1, 39.0)
    found = inside(path, own("f", Volume4D(west), Volume4D(apart)), max_gap_s=None)
    assert windows(found) == [(pytest.approx(500.0, abs=0.01), pytest.approx(550.0, abs=0.01))]
    half = 0.5 * GEOD.inv(38.5, 34.0, 38.54, 34.0)[2]
    # the middle is furthest from both; found to 1/500 of the window
    assert found.horizontal_m[0] == pytest.approx(half, rel=0.01)


def test_above_the_ceiling_is_outside_vertically() -> None:
    """Climbing through the ceiling at 10 m/s: outside since then, by what it has climbed."""
    banded = own("f", Volume4D(CORRIDOR, Altitude(100.0, AMSL), Altitude(1000.0, AMSL)))
    path = track("f", [0, 200], [34.0, 34.0], [38.1, 38.2], [0.0, 2000.0], reference=AMSL)
    found = inside(path, banded, max_gap_s=None)
    assert windows(found) == [(0.0, pytest.approx(10.0)), (pytest.approx(100.0), 200.0)]
    assert found.vertical_m.tolist() == [pytest.approx(100.0), pytest.approx(1000.0)]
    assert found.horizontal_m.tolist() == [0.0, 0.0]
    assert found.margin_m.tolist() == [pytest.approx(100.0), pytest.approx(1000.0)]
    assert found.altitude_m.tolist() == [pytest.approx(0.0), pytest.approx(2000.0)]


def test_vertical_distance_over_the_geoid_is_taken_where_the_track_is() -> None:
    """A GNSS track over a ceiling above the sea: by how much is said in the ceiling's own reference."""
    banded = own("f", Volume4D(CORRIDOR, None, Altitude(1000.0, AMSL)))
    at = float(alt.convert([1050.0], AMSL, W84, [34.0], [38.1])[0][0])
    path = track("f", [0, 10], [34.0, 34.0], [38.1, 38.1], at, reference=W84)
    found = inside(path, banded)
    assert found.vertical_m[0] == pytest.approx(50.0, abs=0.1)
    assert len(inside(track("f", [0, 10], [34.0] * 2, [38.1] * 2, at - 51.0, reference=W84), banded)) == 0


def test_a_time_without_a_volume_in_force_is_outside_by_nothing_known() -> None:
    """Before a window opens and after it closes there is no volume to be near to: NaN, by its own rule."""
    timed = own("f", Volume4D(CORRIDOR, None, None, BASE_US + 100 * S, BASE_US + 200 * S))
    found = inside(track("f", [0, 300], [34.0, 34.0], [38.1, 38.2]), timed, max_gap_s=None)
    assert windows(found) == [(0.0, 100.0), (200.0, 300.0)]
    early = track("f", [0, 50], [34.0, 34.0], [38.1, 38.2])
    found = inside(early, timed)
    assert windows(found) == [(0.0, 50.0)]
    assert np.isnan(found.horizontal_m[0])
    assert np.isnan(found.vertical_m[0])
    assert found[0].rule == NONE_IN_FORCE


def test_tracks_without_a_volume_are_not_judged_but_counted() -> None:
    """Own is who shares a body, not who is near; the others are counted in the assumptions."""
    paths = Trajectories.concat([track(name, [0, 60], [50.0, 50.0], [8.0, 8.1]) for name in ("f", "g", "h")])
    found = inside(paths, own("g", Volume4D(CORRIDOR)))
    assert found.a.tolist() == [1]
    assert found.assumptions["tracks without a volume"] == "2 not judged"
    none = inside(paths, Volumes.of(Labels.of([]), []))
    assert len(none) == 0
    assert none.assumptions["tracks without a volume"] == "3 not judged"


def test_gaps_are_neither_inside_nor_outside() -> None:
    """Outside before and after a gap: two windows that end and begin with the samples beside it."""
    path = track("f", [0, 30, 630, 660], [35.0] * 4, [38.1, 38.2, 38.3, 38.4])
    found = inside(path, own("f", Volume4D(CORRIDOR)))
    assert windows(found) == [(0.0, 30.0), (630.0, 660.0)]
    assert len(found.unobserved) == 1
    plan = inside(path, own("f", Volume4D(CORRIDOR)), max_gap_s=None)
    assert windows(plan) == [(0.0, 660.0)]
    assert "gaps" not in plan.assumptions


@pytest.mark.parametrize(
    ("seconds", "outside", "expected"),
    [
        ([0, 600, 1200], [600], [(600.0, 600.0)]),
        ([0, 600, 1200], [0], [(0.0, 0.0)]),
        ([0, 600, 1200], [1200], [(1200.0, 1200.0)]),
        ([0, 600, 1200], [0, 600, 1200], [(0.0, 0.0), (600.0, 600.0), (1200.0, 1200.0)]),
        ([0, 30, 600], [600], [(600.0, 600.0)]),
        ([0, 600, 630], [0], [(0.0, 0.0)]),
        ([0], [0], [(0.0, 0.0)]),
    ],
)
def test_a_lone_sample_outside_between_two_gaps_is_seen(
    seconds: list[int], outside: list[int], expected: list[tuple[float, float]]
) -> None:
    """However short the time it was seen, it was seen outside."""
    lat = [35.0 if second in outside else 34.0 for second in seconds]
    found = inside(track("f", seconds, lat, [38.1] * len(seconds)), own("f", Volume4D(CORRIDOR)))
    assert windows(found) == expected


def test_on_the_edge_is_inside_and_a_hair_beyond_is_not() -> None:
    """Volumes are closed; a track along the edge is in it, a centimetre off is outside by a centimetre."""
    equator = box(-1.0, 0.0, 0.0, 1.0)
    held = own("f", Volume4D(equator, None, Altitude(100.0, STD)))
    assert len(inside(track("f", [0, 60], [0.0, 0.0], [0.1, 0.2], 100.0), held)) == 0
    off = 0.01 / 110_574.0
    found = inside(track("f", [0, 60], [off, off], [0.1, 0.2], 100.0), held)
    assert found.horizontal_m[0] == pytest.approx(0.01, abs=1e-4)


def test_uncertainty_is_on_the_tracks_side() -> None:
    """A track known to 500 m may be inside while it is no further out than that."""
    path = Trajectories.of(
        Labels.of(["f"]),
        [0, 2],
        [BASE_US, BASE_US + 1000 * S],
        [34.0, 34.0],
        [38.5, 39.5],
        0.0,
        horizontal_uncertainty_m=500.0,
    )
    found = inside(path, own("f", Volume4D(CORRIDOR)), max_gap_s=None)
    speed = GEOD.inv(38.5, 34.0, 39.5, 34.0)[2] / 1000.0
    assert windows(found)[0][0] == pytest.approx(500.0 + 500.0 / speed, abs=0.05)


def test_unknown_altitudes_are_undecided_where_near_and_outside_where_far() -> None:
    """Horizontally inside with an altitude that cannot be compared: unchecked; horizontally out: outside."""
    banded = own("f", Volume4D(CORRIDOR, Altitude(0.0, AMSL), Altitude(1000.0, AMSL)))
    path = track("f", [0, 1000], [34.0, 34.0], [38.5, 39.5], 500.0)
    found = inside(path, banded, max_gap_s=None)
    assert found.unchecked.reason.tolist() == [Reason.ALTITUDE_INCOMPARABLE]
    assert windows(found) == [(pytest.approx(500.0, abs=0.05), 1000.0)]
    assert np.isnan(found.vertical_m[0])
    assert found.margin_m[0] == pytest.approx(found.horizontal_m[0])
    lost = track("f", [0, 60], [34.0, 34.0], [38.1, 38.2], np.nan, reference=AMSL)
    found = inside(lost, banded)
    assert (len(found), found.unchecked.reason.tolist()) == (0, [Reason.ALTITUDE_UNKNOWN])


def furthest(path: Trajectories, shape: Polygon | Circle, start_us: int, end_us: int) -> float:
    """The furthest out in a window, by dense samples."""
    bits = oracle._bits_of_tracks(path, None)
    outline = oracle._outline(shape)
    worst = 0.0
    for k in range(bits.owner.shape[0]):
        at = np.linspace(max(bits.start_us[k], start_us), min(bits.end_us[k], end_us), 400).astype(np.int64)
        at = at[(at >= start_us) & (at <= end_us)]
        if at.shape[0] and bits.start_us[k] <= end_us and bits.end_us[k] >= start_us:
            lat, lng, _ = bits.at(np.full(at.shape[0], k), at, np.zeros(at.shape[0]))
            worst = max(worst, float(oracle._beyond(lat, lng, outline).max()))
    return worst


@pytest.mark.unmeasured
def test_windows_outside_are_what_the_oracle_leaves_over() -> None:
    """Random walks about polygons: outside is the time less the oracle's stays, as far as samples are."""
    random = rng(71)
    seen = 0
    for _ in range(12):
        lat, lng = float(random.uniform(-80.0, 80.0)), float(random.uniform(-180.0, 180.0))
        shape = star(random, lat, lng, 10_000.0, 6, rough=0.3)
        places = [
            go_one(lat, lng, float(random.uniform(0, 360)), float(random.uniform(0, 14_000)))
            for _ in range(6)
        ]
        path = track("f", np.arange(6) * 50, [p[0] for p in places], [p[1] for p in places])
        found = inside(path, own("f", Volume4D(shape)))
        stays = oracle.trajectory_in_volume_reference(path, 0, Volume4D(shape))
        edges = [BASE_US, *(t for s in stays for t in (s.start_us, s.end_us)), BASE_US + 250 * S]
        left = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 2000]
        assert len(found) == len(left)
        for row, (start, end) in zip(found, left, strict=True):
            assert abs(row.start_us - start) <= 1000
            assert abs(row.end_us - end) <= 1000
            assert row.horizontal_m == pytest.approx(furthest(path, shape, start, end), rel=2e-3, abs=0.05)
            seen += 1
    assert seen > 10


def test_many_samples_and_volumes_are_judged_in_bounded_memory() -> None:
    """20,000 samples against 200 volumes of its own: chunks of a million distances at a time."""
    n = 20_000
    lng = 38.0 + 2.0 * np.arange(n) / n
    path = track("f", np.arange(n), np.full(n, 34.0), lng)
    stations = [Volume4D(Circle(34.05, 38.0 + 0.01 * k, 1000.0)) for k in range(200)]
    found = inside(path, own("f", *stations))
    # the last samples are beyond the last station
    furthest_station = GEOD.inv(lng[-1], 34.0, 39.99, 34.05)[2] - 1000.0
    assert found.b.tolist() == [199]
    assert found.horizontal_m[0] == pytest.approx(furthest_station, abs=0.1)


def test_positions_of_many_tracks_over_many_years_are_exact() -> None:
    """Samples of 50 tracks spread over 100 years: each position is its own, to the millimetre."""
    rows = []
    for k in range(50):
        start = -1_000_000_000 + 60_000_000 * k
        rows.append(track(f"f{k}", [start, start + 60], [35.0, 35.0], [38.0 + 0.01 * k, 38.005 + 0.01 * k]))
    paths = Trajectories.concat(rows)
    held = Volumes.concat([own(f"f{k}", Volume4D(CORRIDOR)) for k in range(50)])
    found = inside(paths, held)
    assert found.a.tolist() == list(range(50))
    for row in found:
        u = (row.closest_us - int(paths.time_us[2 * row.a])) / (60 * S)
        azimuth, _, metres = GEOD.inv(38.0 + 0.01 * row.a, 35.0, 38.005 + 0.01 * row.a, 35.0)
        lat, lng, _ = go_one(35.0, 38.0 + 0.01 * row.a, azimuth, u * metres)
        assert GEOD.inv(lng, lat, row.lng_deg, row.lat_deg)[2] < 1e-3


def test_data_modes_do_not_mix() -> None:
    """A simulated flight is not judged by real volumes."""
    with pytest.raises(ModeError):
        inside(track("f", [0], [34.0], [38.1]), own("f", Volume4D(CORRIDOR), data_mode=DataMode.EXERCISE))


def test_no_tracks_have_no_findings() -> None:
    """An empty set is answered too."""
    none = Trajectories.of(Labels.of([]), [0], [], [], [], [])
    assert len(inside(none, own("f", Volume4D(CORRIDOR)))) == 0
