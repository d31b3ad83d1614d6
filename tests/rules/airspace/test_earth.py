"""The frame and its arithmetic against two exact solvers: Karney's through pyproj, and geographiclib.

Every figure that a docstring of ``earth.py`` states is asserted here.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skypact.airspace import earth

Column = NDArray[np.float64]

ROUNDING_M = 1e-8
"""Noise of a difference of two metre coordinates of the earth's size, and of the solver's own degrees."""

unhurried = settings(deadline=None, max_examples=60)  # the first example may compile a kernel
latitudes = st.floats(-90.0, 90.0)
longitudes = st.floats(-180.0, 180.0)


def anywhere(n: int, seed: int) -> tuple[Column, Column, Column]:
    """Positions spread evenly over the sphere with some at awkward places, and a direction for each."""
    random = np.random.default_rng(seed)
    lat = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, n)))
    lng = random.uniform(-180.0, 180.0, n)
    awkward = (
        (90.0, 0.0),
        (-90.0, 77.0),
        (89.9999, -10.0),
        (0.0, 180.0),
        (0.0, -180.0),
        (52.0, 179.9999),
        (0.0, 0.0),
    )
    for k, (a, b) in enumerate(awkward):
        lat[k::50], lng[k::50] = a, b
    return lat, lng, random.uniform(-180.0, 180.0, n)


def pairs(n: int, length_m: float, seed: int = 1) -> tuple[Column, Column]:
    """Surface points of n pairs a geodesic of the given length apart."""
    lat, lng, azimuth = anywhere(n, seed)
    far_lng, far_lat, _ = earth.geod().fwd(lng, lat, azimuth, np.full(n, length_m))
    return earth.surface_points(lat, lng), earth.surface_points(far_lat, far_lng)


def velocity(lat_deg: float, lng_deg: float, azimuth_deg: float, speed_m_s: float) -> Column:
    """A tangent vector of the given direction and length."""
    ex, ey, nx, ny, nz = earth.east_north(lat_deg, lng_deg)
    s, c = math.sin(math.radians(azimuth_deg)) * speed_m_s, math.cos(math.radians(azimuth_deg)) * speed_m_s
    return np.array([s * ex + c * nx, s * ey + c * ny, c * nz])


def advance(point: Column, v: Column, seconds: float) -> tuple[float, ...]:
    """:func:`earth.advance` of a point and a velocity."""
    return earth.advance(point[0], point[1], point[2], v[0], v[1], v[2], seconds)


# -- degrees and the frame --------------------------------------------------------------------------------


def test_radii() -> None:
    """The ellipsoid is WGS 84's, and its smallest radius of curvature is the meridian's at the equator."""
    assert pytest.approx(6356752.3142, abs=1e-4) == earth.B_M
    assert pytest.approx(6.69437999014e-3, abs=1e-14) == earth.E2
    assert pytest.approx(earth.A_M * (1.0 - earth.E2), abs=1e-8) == earth.R_MIN_M
    assert earth.geod().a == earth.A_M
    assert earth.geod() is earth.geod()


def test_surface_points_lie_on_the_ellipsoid() -> None:
    """A surface point satisfies the ellipsoid's equation, and its normal is the latitude's."""
    lat, lng, _ = anywhere(2000, 3)
    p = earth.surface_points(lat, lng)
    form = (p[:, 0] ** 2 + p[:, 1] ** 2) / earth.A_M**2 + p[:, 2] ** 2 / earth.B_M**2
    assert np.abs(form - 1.0).max() < 1e-15 * 4
    normals = np.array([earth.normal_of(*point) for point in p.tolist()])
    f, g = np.radians(lat), np.radians(lng)
    expected = np.stack([np.cos(f) * np.cos(g), np.cos(f) * np.sin(g), np.sin(f)], axis=1)
    assert np.abs(normals - expected).max() < 1e-14


@unhurried
@given(latitudes, longitudes)
@example(90.0, 0.0)
@example(-90.0, 123.0)
@example(0.0, 180.0)
@example(5e-324, -180.0)
def test_positions_round_trip(lat: float, lng: float) -> None:
    """A position comes back from its surface point to a nanometre, at the poles and the antimeridian too."""
    back_lat, back_lng = earth.positions(earth.surface_points(lat, lng))
    assert abs(float(back_lat[0]) - lat) < 1e-13
    turn = abs(float(back_lng[0]) - lng) % 360.0
    assert min(turn, 360.0 - turn) * math.cos(math.radians(lat)) < 1e-13


def test_positions_of_points_off_the_surface() -> None:
    """Some hundred metres above or below the surface the latitude is still good to a nanodegree."""
    lat, lng, _ = anywhere(2000, 4)
    p = earth.surface_points(lat, lng)
    normals = np.array([earth.normal_of(*point) for point in p.tolist()])
    for height_m in (-500.0, 500.0, 15_000.0):
        back, _ = earth.positions(p + height_m * normals)
        assert np.abs(back - lat).max() < 1e-9


def test_longitude_180_is_minus_180() -> None:
    """Both names of the antimeridian are one surface point, to a nanometre."""
    assert np.abs(earth.surface_points([17.0], [180.0]) - earth.surface_points([17.0], [-180.0])).max() < 2e-9


@unhurried
@given(latitudes, longitudes)
@example(90.0, 30.0)
@example(-90.0, -60.0)
def test_east_and_north_are_a_frame(lat: float, lng: float) -> None:
    """East, north and up are orthogonal unit vectors, right-handed, at a pole by the longitude given."""
    ex, ey, nx, ny, nz = earth.east_north(lat, lng)
    east, north = np.array([ex, ey, 0.0]), np.array([nx, ny, nz])
    up = np.array(earth.normal_of(*earth.surface_points(lat, lng)[0].tolist()))
    assert np.abs(np.cross(east, north) - up).max() < 1e-14
    assert abs(east @ east - 1.0) < 1e-15 * 4


# -- arcs and legs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length_m", "bound_m"),
    [
        (0.03, ROUNDING_M),
        (99.9, ROUNDING_M),
        (100.1, ROUNDING_M),
        (999.9, ROUNDING_M),
        (9_260.0, ROUNDING_M),
        (25_000.0, ROUNDING_M),
        (100_000.0, 0.5e-6),
        (1_000_000.0, 0.030),
        (5_000_000.0, 100.0),
    ],
)
def test_arc_of_chord(length_m: float, bound_m: float) -> None:
    """The arc from the chord is the geodesic within the figures its docstring states."""
    one, two = pairs(5000, length_m)
    arcs = np.array([earth.arc_of_chord(*p, *q) for p, q in zip(one.tolist(), two.tolist(), strict=True)])
    assert np.abs(arcs - length_m).max() < bound_m


def test_arc_of_chord_against_geographiclib() -> None:
    """A second solver agrees on the arc: 0.1 mm at 100 km, 10 m at 1,000 km."""
    lat, lng, azimuth = anywhere(300, 5)
    for length_m, bound_m in ((100_000.0, 1e-4), (1_000_000.0, 10.0)):
        for a, b, c in zip(lat.tolist(), lng.tolist(), azimuth.tolist(), strict=True):
            far = Geodesic.WGS84.Direct(a, b, c, length_m)
            p, q = earth.surface_points([a, far["lat2"]], [b, far["lon2"]]).tolist()
            assert abs(earth.arc_of_chord(*p, *q) - length_m) < bound_m


def test_arc_is_never_less_than_the_chord() -> None:
    """Whatever the distance, up to the antipode, the arc is at least the straight line."""
    lat, lng, azimuth = anywhere(4000, 6)
    length = np.random.default_rng(6).uniform(0.0, 20_003_931.0, 4000)
    far_lng, far_lat, _ = earth.geod().fwd(lng, lat, azimuth, length)
    one, two = earth.surface_points(lat, lng), earth.surface_points(far_lat, far_lng)
    chord = np.linalg.norm(two - one, axis=1)
    arcs = np.array([earth.arc_of_chord(*p, *q) for p, q in zip(one.tolist(), two.tolist(), strict=True)])
    assert np.all(arcs >= chord * (1.0 - 1e-15))


def test_arc_between_antipodes_is_half_way_round() -> None:
    """Antipodes, which have no middle to look at, are still far apart and finite."""
    p, q = earth.surface_points([12.0], [34.0])[0], earth.surface_points([-12.0], [-146.0])[0]
    assert earth.arc_of_chord(*p.tolist(), *q.tolist()) == pytest.approx(math.pi * earth.B_M)


@pytest.mark.parametrize("length_m", [1.0, 1000.0, 10_000.0, 25_000.0, 30_000.0, 100_000.0])
def test_on_leg_follows_the_geodesic(length_m: float) -> None:
    """The cubic keeps within L^4 / 384 R^3 of the geodesic at constant speed, anywhere on earth."""
    n = 3000
    lat, lng, azimuth = anywhere(n, 7)
    one, two = pairs(n, length_m, 7)
    bound = 1.05 * length_m**4 / (384.0 * earth.R_MIN_M**3) + ROUNDING_M
    for u in (0.1, 0.25, 0.5, 0.8):
        mid_lng, mid_lat, _ = earth.geod().fwd(lng, lat, azimuth, np.full(n, u * length_m))
        exact = earth.surface_points(mid_lat, mid_lng)
        found = np.array([earth.on_leg(u, *p, *q) for p, q in zip(one.tolist(), two.tolist(), strict=True)])
        assert np.linalg.norm(found - exact, axis=1).max() < bound


def test_on_leg_of_30_km_to_a_hundredth_of_a_millimetre() -> None:
    """The figure of the module's docstring: 0.01 mm over a leg of 30 km."""
    assert 1.05 * 30_000.0**4 / (384.0 * earth.R_MIN_M**3) < 1e-5


def test_leg_ends_are_kept_bit_for_bit() -> None:
    """At 0 and 1 a leg gives its own ends, unrounded."""
    one, two = pairs(500, 20_000.0, 8)
    for p, q in zip(one.tolist(), two.tolist(), strict=True):
        assert earth.on_leg(0.0, *p, *q) == tuple(p)
        assert earth.on_leg(1.0, *p, *q) == tuple(q)


def test_end_tangents_are_the_geodesics() -> None:
    """Over 25 km the tangents point along the geodesic within 10^-9 rad and have the length of the arc."""
    n, length_m = 2000, 25_000.0
    lat, lng, azimuth = anywhere(n, 9)
    lat = np.clip(lat, -89.0, 89.0)  # where an azimuth still has nine digits
    far_lng, far_lat, back = earth.geod().fwd(lng, lat, azimuth, np.full(n, length_m))
    one, two = earth.surface_points(lat, lng), earth.surface_points(far_lat, far_lng)
    for k in range(n):
        d = np.array(earth.end_tangents(*one[k].tolist(), *two[k].tolist()))
        start = velocity(float(lat[k]), float(lng[k]), float(azimuth[k]), length_m)
        end = velocity(float(far_lat[k]), float(far_lng[k]), float(back[k]) + 180.0, length_m)
        assert np.linalg.norm(d[:3] - start) < 1e-9 * length_m
        assert np.linalg.norm(d[3:] - end) < 1e-9 * length_m


@pytest.mark.parametrize("step_deg", [0.0, 5e-324, 1e-165, 1e-160, 1e-15, 1e-12])
def test_hovering_has_no_direction_and_no_fault(step_deg: float) -> None:
    """A leg of no length, or of less than rounding, stays where it is; nothing becomes NaN."""
    p, q = earth.surface_points([0.0, step_deg], [0.0, 0.0]).tolist()
    assert np.all(np.isfinite(earth.end_tangents(*p, *q)))
    assert np.linalg.norm(np.array(earth.on_leg(0.5, *p, *q)) - p) < 1e-6


# -- advancing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speed_m_s", "seconds", "bound_m"),
    [
        (0.0, 300.0, ROUNDING_M),
        (250.0, 0.0, ROUNDING_M),
        (300.0, 300.0, 4e-5),
        (300.0, -300.0, 4e-5),
        (300.0, 3600.0, 1e-3),
    ],
)
def test_advance(speed_m_s: float, seconds: float, bound_m: float) -> None:
    """Position and velocity after a time are the geodesic's, within the figures its docstring states."""
    n = 1500
    lat, lng, azimuth = anywhere(n, 10)
    lat = np.clip(lat, -89.9, 89.9)
    far_lng, far_lat, back = earth.geod().fwd(lng, lat, azimuth, np.full(n, speed_m_s * seconds))
    start, exact = earth.surface_points(lat, lng), earth.surface_points(far_lat, far_lng)
    for k in range(n):
        v = velocity(float(lat[k]), float(lng[k]), float(azimuth[k]), speed_m_s)
        moved = np.array(advance(start[k], v, seconds))
        assert np.linalg.norm(moved[:3] - exact[k]) < bound_m
        assert abs(float(np.linalg.norm(moved[3:])) - speed_m_s) < 1e-6
        if abs(far_lat[k]) < 89.0:
            onward = velocity(float(far_lat[k]), float(far_lng[k]), float(back[k]) + 180.0, speed_m_s)
            assert np.linalg.norm(moved[3:] - onward) < 1e-6


def test_advance_over_a_pole() -> None:
    """From a pole a track angle follows the longitude given with it, and a flight across one is no case."""
    p = earth.surface_points([90.0], [30.0])[0]
    moved = advance(p, velocity(90.0, 30.0, 180.0, 200.0), 500.0)
    lat, lng = earth.lat_lng_of(*moved[:3])
    far_lng, far_lat, _ = earth.geod().fwd(30.0, 90.0, 180.0, 100_000.0)
    assert (lat, lng) == pytest.approx((far_lat, far_lng), abs=1e-9)
    near = earth.surface_points([89.8], [-70.0])[0]
    over = advance(near, velocity(89.8, -70.0, 0.0, 200.0), 500.0)
    lat, lng = earth.lat_lng_of(*over[:3])
    far_lng, far_lat, _ = earth.geod().fwd(-70.0, 89.8, 0.0, 100_000.0)
    assert (lat, lng) == pytest.approx((far_lat, far_lng), abs=1e-8)


@unhurried
@given(latitudes, longitudes, st.floats(0.0, 360.0), st.floats(0.0, 900.0), st.floats(0.0, 600.0))
def test_advance_there_and_back(lat: float, lng: float, azimuth: float, speed: float, seconds: float) -> None:
    """Time run forwards and backwards again leads home to 10 micrometres for every hundred kilometres."""
    p = earth.surface_points(lat, lng)[0]
    there = np.array(advance(p, velocity(lat, lng, azimuth, speed), seconds))
    back = advance(there[:3], there[3:], -seconds)
    assert np.linalg.norm(back[:3] - p) < 1e-8 + 1e-10 * speed * seconds


# -- whole arrays -----------------------------------------------------------------------------------------


def test_distances_broadcast() -> None:
    """One place against many, in the shape of the many, as geographiclib has them."""
    lat, lng, _ = anywhere(50, 11)
    found = earth.distances_m(10.0, 20.0, lat.reshape(5, 10), lng.reshape(5, 10))
    assert found.shape == (5, 10)
    exact = [
        Geodesic.WGS84.Inverse(10.0, 20.0, a, b)["s12"]
        for a, b in zip(lat.tolist(), lng.tolist(), strict=True)
    ]
    assert np.abs(found.reshape(-1) - exact).max() < 1e-6


def test_distance_to_itself_is_zero() -> None:
    """The same place under two names is no distance away."""
    assert float(earth.distances_m(5.0, 180.0, 5.0, -180.0)) == 0.0
    assert float(earth.distances_m(90.0, 10.0, 90.0, -110.0)) == pytest.approx(0.0, abs=1e-9)


def test_cut_legs() -> None:
    """No leg stays too long, cut points lie evenly on the old geodesic, old vertices are kept bit for bit."""
    lat = np.array([50.0, 50.1, 50.1, 89.5, 60.0, -10.0])
    lng = np.array([179.0, -179.0, -179.0, 10.0, -170.0, 175.0])
    longest = 25_000.0
    leg, fraction, fine_lat, fine_lng = earth.cut_legs(lat, lng, longest)
    kept = np.nonzero(fraction % 1.0 == 0.0)[0]
    assert fine_lat[kept].tolist() == lat.tolist()
    assert fine_lng[kept].tolist() == lng.tolist()
    assert (leg[-1], fraction[-1]) == (lat.shape[0] - 2, 1.0)
    steps = earth.distances_m(fine_lat[:-1], fine_lng[:-1], fine_lat[1:], fine_lng[1:])
    assert steps.max() <= longest + 1e-6
    whole = earth.distances_m(lat[:-1], lng[:-1], lat[1:], lng[1:])
    for k in range(lat.shape[0] - 1):
        own = steps[leg[:-1] == k]
        assert np.abs(own - whole[k] / own.shape[0]).max() < 1e-6
        at = np.nonzero(leg[:-1] == k)[0]
        covered = earth.distances_m(lat[k], lng[k], fine_lat[at], fine_lng[at])
        assert np.abs(covered - fraction[at] * whole[k]).max() < 1e-6


@pytest.mark.parametrize("n", [0, 1])
def test_cut_legs_of_less_than_a_leg(n: int) -> None:
    """A path of one place, or none, has nothing to cut."""
    place = np.full(n, 7.0)
    leg, fraction, lat, lng = earth.cut_legs(place, place, 1000.0)
    assert leg.tolist() == [0] * n
    assert fraction.tolist() == [0.0] * n
    assert lat.tolist() == lng.tolist() == place.tolist()


def test_cut_legs_leaves_short_legs_alone() -> None:
    """Where no leg is too long the path comes back as it was."""
    lat, lng = np.array([1.0, 1.01, 1.02]), np.array([5.0, 5.0, 5.0])
    leg, fraction, fine_lat, fine_lng = earth.cut_legs(lat, lng, 25_000.0)
    assert (leg.tolist(), fraction.tolist()) == ([0, 1, 1], [0.0, 0.0, 1.0])
    assert (fine_lat.tolist(), fine_lng.tolist()) == (lat.tolist(), lng.tolist())
