"""Things that move: columns checked where they are made, and legs that are the geodesic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import awkward as aw
from skypact.airspace import AltitudeReference, DataMode, Labels, States, Trajectories, earth
from skypact.airspace.moving import Legs, first_bad_position, legs
from skypact.errors import GeometryError, ModeError
from skypact.instants import EVER, FOREVER

S = 1_000_000


def two(**changes: Any) -> dict[str, Any]:
    """Two sound trajectories, of two samples and one, with some columns changed."""
    columns: dict[str, Any] = {
        "labels": Labels.of(["first", "second"]),
        "offsets": [0, 2, 3],
        "time_us": [0, 10 * S, 5 * S],
        "lat_deg": [50.0, 50.1, 51.0],
        "lng_deg": [4.0, 4.1, 5.0],
        "altitude_m": [9000.0, 9100.0, np.nan],
    }
    return columns | changes


# -- trajectories -----------------------------------------------------------------------------------------


def test_sound_columns_are_kept() -> None:
    """What was given is what is there, one value standing for all where it may."""
    tracks = Trajectories.of(**two(altitude_m=9000.0, horizontal_uncertainty_m=[5.0, 0.0]))
    assert len(tracks) == 2
    assert tracks.altitude_m.tolist() == [9000.0] * 3
    assert tracks.reference.tolist() == [AltitudeReference.STD] * 2
    assert tracks.horizontal_uncertainty_m.tolist() == [5.0, 0.0]
    assert tracks.vertical_uncertainty_m.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"offsets": [0, 3]},
            r"offsets: trajectories need rising offsets, from 0.*2 offsets for 2 trajectories",
        ),
        ({"offsets": [0, 3, 3]}, "offsets: trajectories need rising offsets"),
        ({"offsets": [1, 2, 3]}, "offsets: trajectories need rising offsets"),
        ({"time_us": [0, 1]}, r"time_us: one value a sample is needed; found \(2,\); expected \(3,\)"),
        ({"lat_deg": [1.0]}, r"lat_deg: one value a sample is needed"),
        ({"altitude_m": [[1.0]]}, r"altitude_m: one value a sample is needed"),
        (
            {"lat_deg": [50.0, 91.0, 51.0]},
            r"trajectory 'first', sample 1, latitude: not a latitude; found 91\.0",
        ),
        (
            {"lat_deg": [50.0, 50.0, np.nan]},
            r"trajectory 'second', sample 0, latitude: not a latitude; found nan",
        ),
        (
            {"lng_deg": [4.0, 361.0, 5.0]},
            r"trajectory 'first', sample 1, longitude: not a longitude; found 361",
        ),
        ({"lng_deg": [4.0, np.inf, 5.0]}, r"sample 1, longitude: not a longitude; found inf"),
        (
            {"altitude_m": [0.0, np.inf, 0.0]},
            r"trajectory 'first', sample 1, altitude: not an altitude; found inf",
        ),
        ({"altitude_m": [0.0, 0.0, -2e6]}, r"trajectory 'second', sample 0, altitude: not an altitude"),
        (
            {"time_us": [10 * S, 0, 5 * S]},
            r"'first', sample 1, time: time runs backwards; found '1970-01-01T00:00:00Z'; expected .*:10Z",
        ),
        ({"time_us": [0, FOREVER, 0]}, r"trajectory 'first', sample 1, time: not an instant"),
        ({"time_us": [EVER, 0, 0]}, r"trajectory 'first', sample 0, time: not an instant"),
        ({"reference": [0, 9]}, r"reference: not an altitude reference a row"),
        ({"reference": [0, 1, 2]}, r"reference: not an altitude reference a row"),
        (
            {"horizontal_uncertainty_m": [1.0, -1.0]},
            r"horizontal_uncertainty_m\[1\]: not a bound on an error; found -1",
        ),
        (
            {"vertical_uncertainty_m": np.nan},
            r"vertical_uncertainty_m\[0\]: not a bound on an error; found nan",
        ),
    ],
)
def test_unsound_columns_are_refused(changes: dict[str, Any], message: str) -> None:
    """A column that is not one names the trajectory, the sample, the field and the value."""
    with pytest.raises(GeometryError, match=message):
        Trajectories.of(**two(**changes))


def test_time_may_stand_still_and_restart_with_the_next_trajectory() -> None:
    """Equal instants within a trajectory are kept, and the next trajectory may start earlier."""
    tracks = Trajectories.of(**two(time_us=[5 * S, 5 * S, 0]))
    assert tracks.time_us.tolist() == [5 * S, 5 * S, 0]


def test_no_trajectories_are_trajectories_too() -> None:
    """An empty set is sound, and lays out as nothing."""
    none = Trajectories.of(Labels.of([]), [0], [], [], [], [])
    assert len(none) == 0
    laid = legs(none, max_gap_s=60.0)
    assert laid.owner.shape == laid.t_s.shape == laid.joined.shape == laid.gap_owner.shape == (0,)


def test_taking_some_and_joining_again() -> None:
    """Taken in another order and put together, every trajectory keeps its samples and its facts."""
    tracks = Trajectories.of(**two(reference=[0, 1], vertical_uncertainty_m=[1.0, 2.0]))
    turned = tracks.take(np.array([1, 0]))
    assert turned.labels.ids == ["second", "first"]
    assert turned.offsets.tolist() == [0, 1, 3]
    assert turned.time_us.tolist() == [5 * S, 0, 10 * S]
    assert turned.reference.tolist() == [1, 0]
    assert turned.vertical_uncertainty_m.tolist() == [2.0, 1.0]
    joined = Trajectories.concat([turned, tracks])
    assert joined.labels.ids == ["second", "first", "first", "second"]
    assert joined.offsets.tolist() == [0, 1, 3, 5, 6]
    assert joined.lat_deg.tolist() == [51.0, 50.0, 50.1, 50.0, 50.1, 51.0]
    nobody = tracks.take(np.array([], np.intp))
    assert len(nobody) == 0
    assert nobody.time_us.shape == (0,)


def test_joining_keeps_data_modes_apart() -> None:
    """Recorded and simulated trajectories are not put together."""
    real = aw.track("a", [0], [0.0], [0.0])
    other = Trajectories.one(
        "b", [0], [0.0], [0.0], [0.0], labels=Labels.of(["b"], data_mode=DataMode.SIMULATED)
    )
    with pytest.raises(ModeError, match="data modes would be mixed"):
        Trajectories.concat([real, other])


@pytest.mark.parametrize(
    ("lat", "lng", "bad"),
    [
        ([0.0, 90.0, -90.0], [360.0, -360.0, 180.0], None),
        ([0.0, 90.0000001], [0.0, 0.0], (1, "latitude", 90.0000001)),
        ([0.0, 0.0], [0.0, -360.5], (1, "longitude", -360.5)),
    ],
)
def test_what_is_a_position(lat: list[float], lng: list[float], bad: tuple[int, str, float] | None) -> None:
    """Latitude is within 90 degrees, longitude within 360, ends included; the first that is not is named."""
    assert first_bad_position(np.array(lat), np.array(lng)) == bad


# -- states -----------------------------------------------------------------------------------------------


def states(**changes: Any) -> States:
    """Two sound states with some columns changed."""
    columns: dict[str, Any] = {
        "labels": Labels.of(["first", "second"]),
        "time_us": 0,
        "lat_deg": 50.0,
        "lng_deg": 4.0,
        "altitude_m": np.nan,
        "ground_speed_m_s": 100.0,
        "track_rad": 0.0,
    }
    return States.of(**(columns | changes))


def test_one_value_stands_for_every_state() -> None:
    """A single value of any column holds for all states."""
    some = states(reference=AltitudeReference.AMSL)
    assert len(some) == 2
    assert some.time_us.tolist() == [0, 0]
    assert some.vertical_rate_m_s.tolist() == [0.0, 0.0]
    assert some.reference.tolist() == [AltitudeReference.AMSL] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_us": [0]}, "time_us: one value a state is needed"),
        ({"track_rad": [0.0]}, "track_rad: one value a sample is needed"),
        ({"lat_deg": [0.0, -90.5]}, r"state 'second', latitude: not a latitude; found -90\.5"),
        ({"lng_deg": [np.nan, 0.0]}, "state 'first', longitude: not a longitude; found nan"),
        ({"time_us": [0, EVER]}, "state 'second', time: not a time"),
        ({"altitude_m": [0.0, np.inf]}, "state 'second', altitude: not a altitude; found inf"),
        ({"ground_speed_m_s": [0.0, -1.0]}, r"state 'second', ground speed: not a ground speed; found -1\.0"),
        ({"ground_speed_m_s": np.nan}, "state 'first', ground speed: not a ground speed; found nan"),
        ({"ground_speed_m_s": 20_000.0}, "state 'first', ground speed: not a ground speed"),
        ({"track_rad": np.inf}, "state 'first', track: not a track"),
        ({"vertical_rate_m_s": np.nan}, "state 'first', vertical rate: not a vertical rate"),
        ({"horizontal_uncertainty_m": -1.0}, r"horizontal_uncertainty_m\[0\]: not a bound"),
    ],
)
def test_unsound_states_are_refused(changes: dict[str, Any], message: str) -> None:
    """A state that is not one names the row, the field and the value."""
    with pytest.raises(GeometryError, match=message):
        states(**changes)


# -- legs -------------------------------------------------------------------------------------------------


def runs(laid: Legs) -> list[list[float]]:
    """The instants of each run of joined nodes."""
    out: list[list[float]] = [[]]
    for k in range(laid.t_s.shape[0]):
        out[-1].append(float(laid.t_s[k]))
        if not laid.joined[k]:
            out.append([])
    return out[:-1]


def test_a_gap_is_no_leg() -> None:
    """Samples further apart than the gap are not joined but listed; exactly at the gap they are joined."""
    track = aw.track("t", [0, 60, 120.000001, 130], [0.0, 0.1, 0.2, 0.3], [0.0] * 4)
    laid = legs(track, max_gap_s=60.0)
    assert runs(laid) == [[0.0, 60.0], [120.000001, 130.0]]
    assert laid.gap_owner.tolist() == [0]
    assert laid.gap_start_us.tolist() == [aw.BASE_US + 60 * S]
    assert laid.gap_end_us.tolist() == [aw.BASE_US + 120_000_001]
    plan = legs(track, max_gap_s=None)
    assert len(runs(plan)) == 1
    assert plan.gap_owner.shape == (0,)


def test_two_samples_at_one_instant_are_not_joined() -> None:
    """A thing at two places at once is at both and nowhere between: no leg leads from one to the other."""
    track = aw.track("t", [0, 30, 30, 60], [34.0, 34.1, 44.0, 44.1], [38.0] * 4)
    laid = legs(track, max_gap_s=60.0)
    assert runs(laid) == [[0.0, 30.0], [30.0, 60.0]]
    assert laid.gap_owner.shape == (0,)
    round_the_world = aw.track("t", [0, 0], [10.0, -10.0], [0.0, 180.0])
    assert runs(legs(round_the_world, max_gap_s=None)) == [[0.0], [0.0]]


def test_trajectories_are_not_joined_to_each_other() -> None:
    """The last sample of one and the first of the next make no leg, even where time and place would fit."""
    tracks = Trajectories.concat(
        [aw.track("a", [0, 10], [0.0, 0.1], [0.0, 0.0]), aw.track("b", [10, 20], [0.1, 0.2], [0.0, 0.0])]
    )
    laid = legs(tracks, max_gap_s=None)
    assert runs(laid) == [[0.0, 10.0], [10.0, 20.0]]
    assert laid.owner.tolist() == [0, 0, 1, 1]


def test_seconds_count_from_the_instant_asked_for() -> None:
    """Seconds count from the earliest sample, or from the instant given."""
    track = aw.track("t", [5, 6], [0.0, 0.0], [0.0, 0.0])
    assert legs(track, max_gap_s=None).base_us == aw.BASE_US + 5 * S
    laid = legs(track, max_gap_s=None, base_us=aw.BASE_US)
    assert laid.t_s.tolist() == [5.0, 6.0]


@given(
    st.floats(-89.0, 89.0),
    st.floats(-180.0, 180.0),
    st.floats(0.0, 360.0),
    st.floats(30_000.0, 15_000_000.0),
)
def test_long_legs_are_cut_at_points_of_their_geodesic(
    lat: float, lng: float, azimuth: float, metres: float
) -> None:
    """No leg stays longer than 25 km; new nodes lie on the geodesic at their share of way, time, climb."""
    far_lat, far_lng, _ = aw.go(lat, lng, azimuth, metres)
    track = aw.track("t", [0, 1000], [lat, float(far_lat)], [lng, float(far_lng)], [1000.0, 3000.0])
    laid = legs(track, max_gap_s=None)
    steps = np.linalg.norm(np.diff(laid.point, axis=0), axis=1)
    assert steps.max() <= earth.LEG_MAX_M
    assert laid.joined.tolist() == [True] * (len(steps)) + [False]
    share = laid.t_s / 1000.0
    np.testing.assert_allclose(laid.altitude_m, 1000.0 + 2000.0 * share, rtol=0.0, atol=1e-9)
    out, _, length = aw.GEOD.inv(lng, lat, float(far_lng), float(far_lat))
    at_lat, at_lng, _ = aw.go(lat, lng, out, share * length)
    off = np.linalg.norm(laid.point - earth.surface_points(at_lat, at_lng), axis=1)
    assert off.max() < 2e-8


def test_a_leg_to_the_other_side_of_the_earth_is_refused() -> None:
    """Where the shortest path is not unique the leg is an error that names it, unless it is a gap."""
    track = aw.track("t", [0, 30, 4000], [0.0, 0.0, 0.1], [0.0, 0.1, 179.95])
    with pytest.raises(
        GeometryError, match=r"trajectory 't', sample 1: a leg to the other side of the earth"
    ):
        legs(track, max_gap_s=None)
    assert legs(track, max_gap_s=60.0).gap_owner.tolist() == [0]


@pytest.mark.parametrize("name", sorted(aw.TRACKS))
def test_awkward_tracks_lay_out(name: str) -> None:
    """Every awkward track becomes nodes on the ellipsoid's surface, in order of time, none lost."""
    track = aw.TRACKS[name]
    laid = legs(track, max_gap_s=60.0)
    assert laid.t_s.shape[0] >= track.time_us.shape[0]
    assert np.all(np.diff(laid.t_s) >= 0.0)
    x, y, z = laid.point.T
    np.testing.assert_allclose((x * x + y * y) / earth.A_M**2 + z * z / earth.B_M**2, 1.0, atol=1e-14)
