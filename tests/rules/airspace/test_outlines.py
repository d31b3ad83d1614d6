"""The kernels of outlines against geodesics: frames, distances, insides, and the bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from awkward import GEOD, go, rng
from awkward_volumes import go_one, polygon, regular, star
from skypact.airspace import Circle, Labels, Polygon, Volume4D, Volumes, earth, outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WGS84 = Geodesic.WGS84
kernel = numba.njit(error_model="numpy")
"""As the product compiles its kernels, but not kept: a cache does not see when a callee changes."""
PLACES = [(0.0, 0.0), (52.0, 5.0), (-33.0, 179.95), (89.9, 100.0), (90.0, 0.0), (-75.0, -30.0)]


@kernel
def _to_ring(points: Any, ring: Any, lo: int, hi: int, out: Any, nearest: Any) -> None:
    for k in range(points.shape[0]):
        out[k], nearest[k, 0], nearest[k, 1], nearest[k, 2] = outlines.point_to_ring(
            points[k, 0], points[k, 1], points[k, 2], ring, lo, hi
        )


@kernel
def _ring_to_ring(one: Any, cut: Any, ball: Any, work: Any, reach_m: float, out: Any) -> None:
    out[0], out[1], out[2], out[3] = outlines.ring_to_ring(
        one, cut[0], cut[1], ball[0], one, cut[1], cut[2], ball[1], work, reach_m
    )


@kernel
def _images(frame_at: Any, points: Any, there: Any, back: Any) -> None:
    frame = outlines.frame_at(frame_at[0], frame_at[1], frame_at[2])
    for k in range(points.shape[0]):
        x, y = outlines.into_frame(frame, points[k, 0], points[k, 1], points[k, 2])
        there[k, 0], there[k, 1] = x, y
        back[k, 0], back[k, 1], back[k, 2] = outlines.out_of_frame(frame, x, y)


@kernel
def _feet(points: Any, out: Any) -> None:
    for k in range(points.shape[0]):
        out[k, 0], out[k, 1], out[k, 2] = outlines.foot_of(points[k, 0], points[k, 1], points[k, 2])


@kernel
def _onwards(points: Any, towards: Any, metres: Any, out: Any) -> None:
    for k in range(points.shape[0]):
        out[k, 0], out[k, 1], out[k, 2] = outlines.onward(
            points[k, 0], points[k, 1], points[k, 2], towards[k, 0], towards[k, 1], towards[k, 2], metres[k]
        )


def laid_out(*shapes: Circle | Polygon) -> Volumes:
    """Outlines as volumes."""
    return Volumes.of(Labels.of([str(k) for k in range(len(shapes))]), [Volume4D(s) for s in shapes])


def to_ring(shape: Polygon, lat: Any, lng: Any) -> tuple[Floats, Floats]:
    """Distances of places to a ring by the kernel, and the nearest points."""
    held = laid_out(shape).outlines
    points = earth.surface_points(lat, lng)
    out, nearest = np.empty(points.shape[0]), np.empty((points.shape[0], 3))
    _to_ring(points, held.point, 0, int(held.offsets[1]), out, nearest)
    return out, nearest


def rings_apart(one: Polygon, two: Polygon, reach_m: float = 1e7) -> tuple[float, Floats]:
    """Distance of two rings by the kernel, and the point."""
    held = laid_out(one, two).outlines
    out = np.empty(4)
    work = np.empty((12, int(np.diff(held.offsets).max())))
    _ring_to_ring(held.point, held.offsets, held.ball, work, reach_m, out)
    return float(out[0]), out[1:]


def dense(shape: Polygon, step_m: float) -> tuple[Floats, Floats]:
    """Points of a polygon's geodesic edges, no further apart than a step."""
    lats, lngs = [], []
    for (a, b), (c, d) in zip(shape.vertices, shape.vertices[1:] + shape.vertices[:1], strict=True):
        azimuth, _, metres = GEOD.inv(b, a, d, c)
        n = max(2, int(np.ceil(metres / step_m)) + 1)
        lat, lng, _ = go(a, b, azimuth, np.linspace(0.0, metres, n))
        lats.append(lat)
        lngs.append(lng)
    return np.concatenate(lats), np.concatenate(lngs)


def to_edges(shape: Polygon, lat: float, lng: float) -> float:
    """Distance of a place to a polygon's edges: dense points, then golden sections round the nearest."""
    best = np.inf
    for (a, b), (c, d) in zip(shape.vertices, shape.vertices[1:] + shape.vertices[:1], strict=True):
        azimuth, _, length = GEOD.inv(b, a, d, c)
        along = np.linspace(0.0, length, 65)

        def apart(x: Floats, a: float = a, b: float = b, azimuth: float = azimuth) -> Floats:
            p, q, _ = go(a, b, azimuth, x)
            return np.asarray(GEOD.inv(q, p, np.full(p.shape, lng), np.full(p.shape, lat))[2])

        k = int(np.argmin(apart(along)))
        lo, hi = float(along[max(k - 1, 0)]), float(along[min(k + 1, 64)])
        for _ in range(60):
            x = np.array([lo + (hi - lo) * 0.381966, lo + (hi - lo) * 0.618034])
            left, right = apart(x)
            lo, hi = (lo, float(x[1])) if left < right else (float(x[0]), hi)
        best = min(best, float(apart(np.array([0.0, 0.5 * (lo + hi), length])).min()))
    return best


# -- frames -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_what_goes_into_a_frame_comes_out_of_it(place: tuple[float, float]) -> None:
    """Round trips of points up to 80 degrees away, to tens of nanometres."""
    random = rng(1)
    far = np.concatenate([[0.0, 1e-3], 10.0 ** random.uniform(0.0, 6.94, 200)])
    lat, lng, _ = go(*place, random.uniform(0.0, 360.0, far.shape[0]), far)
    points = earth.surface_points(lat, lng)
    there, back = np.empty((far.shape[0], 2)), np.empty((far.shape[0], 3))
    _images(earth.surface_points(*place)[0], points, there, back)
    assert np.linalg.norm(back - points, axis=1).max() < 1e-7
    # near the middle the image is as far as the point is, further out it is further
    image = np.hypot(there[:, 0], there[:, 1])
    near = far < 1000.0
    assert np.abs(image[near] - far[near]).max() < 1e-4
    assert (image[~near] > far[~near]).all()


@pytest.mark.parametrize("place", PLACES)
def test_an_image_tells_how_far_a_point_is_but_for_what_it_is_unsure_of(place: tuple[float, float]) -> None:
    """Of two points equally far in different directions, the images differ by less than the stated doubt."""
    azimuth = np.arange(0.0, 360.0, 5.0)
    for far in (1e3, 1e4, 1e5, 5e5, 1.5e6):
        lat, lng, _ = go(*place, azimuth, far)
        there, back = np.empty((azimuth.shape[0], 2)), np.empty((azimuth.shape[0], 3))
        _images(earth.surface_points(*place)[0], earth.surface_points(lat, lng), there, back)
        image = np.hypot(there[:, 0], there[:, 1])
        assert np.ptp(image) <= float(outlines.unsure_m(float(image.min())))


def test_the_foot_of_a_point_is_on_the_surface_below_it() -> None:
    """From some kilometres over and under the surface, the foot is where the normal says."""
    random = rng(2)
    lat, lng = random.uniform(-90.0, 90.0, 200), random.uniform(-180.0, 180.0, 200)
    surface = earth.surface_points(lat, lng)
    normal = surface * np.array([1.0, 1.0, (earth.A_M / earth.B_M) ** 2])
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    for height in (-10_000.0, -100.0, 0.0, 1_000.0, 100_000.0):
        out = np.empty((200, 3))
        _feet(surface + height * normal, out)
        # along the gradient instead of the normal: second order in the height
        assert np.linalg.norm(out - surface, axis=1).max() < 1e-6 + 2e-9 * height**2
        assert np.abs((out**2) @ [1 / earth.A_M**2, 1 / earth.A_M**2, 1 / earth.B_M**2] - 1.0).max() < 1e-12


def test_onward_goes_as_far_as_it_says() -> None:
    """So many metres, to the millimetre over 10 km, 20 m over 1,000 km; its direction to 20 microradians."""
    random = rng(3)
    n = 200
    lat, lng = random.uniform(-89.0, 89.0, n), random.uniform(-180.0, 180.0, n)
    azimuth = random.uniform(0.0, 360.0, n)
    for metres, tolerance in ((0.0, 1e-8), (10_000.0, 1e-3), (200_000.0, 0.2), (1e6, 20.0)):
        to_lat, to_lng, _ = go(lat, lng, azimuth, 1.1e6)
        expected_lat, expected_lng, _ = go(lat, lng, azimuth, metres)
        out = np.empty((n, 3))
        _onwards(
            earth.surface_points(lat, lng), earth.surface_points(to_lat, to_lng), np.full(n, metres), out
        )
        got_lat, got_lng = earth.positions(out)
        off = np.asarray(GEOD.inv(lng, lat, got_lng, got_lat)[2])
        assert np.abs(off - metres).max() <= tolerance
        beside = np.asarray(GEOD.inv(expected_lng, expected_lat, got_lng, got_lat)[2])
        assert beside.max() <= tolerance + 2e-5 * metres
    same = earth.surface_points(lat, lng)
    out = np.empty((n, 3))
    _onwards(same, same, np.full(n, 500.0), out)
    assert np.array_equal(out, same)


# -- distances ----------------------------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", PLACES)
def test_distances_to_a_ring_are_geodesic(place: tuple[float, float]) -> None:
    """From outside a ring of 50 km: within 2 mm of a dense search by pyproj, and the point is there."""
    random = rng(4)
    shape = star(random, *place, 50_000.0, 9)
    far = 10.0 ** random.uniform(4.75, 5.3, 12)
    lat, lng, _ = go(*place, random.uniform(0.0, 360.0, 12), far)
    got, nearest = to_ring(shape, lat, lng)
    at_lat, at_lng = earth.positions(nearest)
    for k in range(12):
        expected = to_edges(shape, float(lat[k]), float(lng[k]))
        assert got[k] == pytest.approx(expected, abs=2e-3)
        apart = WGS84.Inverse(float(lat[k]), float(lng[k]), float(at_lat[k]), float(at_lng[k]))["s12"]
        assert got[k] == pytest.approx(apart, abs=2e-3)


def test_the_nearest_of_far_vertices_is_found_though_the_frame_is_mistaken() -> None:
    """A claw round a corner, one tip nearer by 2 m than the other, where images of the nearer are longer."""
    for place in ((0.0, 0.0), (45.0, 10.0)):
        for far in (300_000.0, 900_000.0):
            less = 2.0 * (far / 900_000.0) ** 3
            for first, second in ((far - less, far), (far, far - less)):
                azimuths = [0.0, 3.0, 45.0, 87.0, 90.0, 80.0, 45.0, 10.0]
                metres = [first, 1.4 * far, 1.6 * far, 1.4 * far, second, 1.25 * far, 1.35 * far, 1.25 * far]
                claw = polygon(*go(*place, np.array(azimuths), np.array(metres))[:2])
                got, _ = to_ring(claw, [place[0]], [place[1]])
                assert got[0] == pytest.approx(far - less, abs=0.02)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("winding", [1, -1])
def test_inside_is_the_smaller_side_whatever_the_winding(place: tuple[float, float], winding: int) -> None:
    """Points in a star and outside of it, as geographiclib's azimuths say."""
    random = rng(5)
    shape = star(random, *place, 80_000.0, 7, rough=0.8)
    shape = Polygon(shape.vertices[::winding])
    far = random.uniform(0.0, 100_000.0, 60)
    lat, lng, _ = go(*place, random.uniform(0.0, 360.0, 60), far)
    got, _ = to_ring(shape, lat, lng)
    for k in range(60):
        expected = _holds(shape.vertices, (float(lat[k]), float(lng[k])))
        assert (got[k] == 0.0) == expected, k
    across = go_one(*place, 0.0, 15_000_000.0)
    assert to_ring(shape, [across[0]], [across[1]])[0][0] > 0.0


def _holds(vertices: Sequence[tuple[float, float]], at: tuple[float, float]) -> bool:
    """Whether a polygon holds a place: seen from it, the vertices go round once."""
    turns = 0.0
    for p, q in zip(vertices, (*vertices[1:], vertices[0]), strict=True):
        one = WGS84.Inverse(*at, *p)["azi1"]
        two = WGS84.Inverse(*at, *q)["azi1"]
        turns += (two - one + 180.0) % 360.0 - 180.0
    return abs(turns) > 180.0


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", PLACES)
def test_rings_are_as_far_apart_as_their_nearest_points(place: tuple[float, float]) -> None:
    """Within 2 mm of vertices against dense edges, either way round; the point is the first one's."""
    random = rng(6)
    for k in range(6):
        one = star(random, *place, 30_000.0, 6)
        off = go_one(*place, 60.0 * k, float(random.uniform(70_000.0, 150_000.0)))
        two = star(random, off[0], off[1], 35_000.0, 5)
        both = ((two, one), (one, two))
        expected = min(to_edges(shape, *vertex) for shape, other in both for vertex in other.vertices)
        for a, b in ((one, two), (two, one)):
            got, point = rings_apart(a, b)
            assert got == pytest.approx(expected, abs=2e-3)
            lat, lng = earth.positions(point[None])
            assert to_edges(a, float(lat[0]), float(lng[0])) < 2e-3
            assert to_edges(b, float(lat[0]), float(lng[0])) == pytest.approx(expected, abs=4e-3)


def test_rings_are_not_looked_at_beyond_the_reach() -> None:
    """Further apart than asked is infinitely far, or no less than it is; nearer is exact, also just."""
    one, two = regular(52.0, 5.0, 10_000.0, 8), regular(52.0, 5.5, 10_000.0, 8)
    apart, _ = rings_apart(one, two)
    assert 10_000.0 < apart < 20_000.0
    assert rings_apart(one, two, apart - 0.01)[0] >= apart
    assert rings_apart(one, two, 0.9 * apart)[0] == np.inf
    assert rings_apart(one, two, apart + 1e-3)[0] == pytest.approx(apart, abs=1e-9)


@pytest.mark.parametrize("n", [3, 15, 16, 17, 31, 32, 33, 100])
def test_runs_of_edges_lose_none(n: int) -> None:
    """Rings of lengths about the length of a run: edge by edge, a probe outside it is as far as it is."""
    ring = regular(52.0, 5.0, 20_000.0, n)
    for k in range(n):
        (a, b), (c, d) = ring.vertices[k], ring.vertices[(k + 1) % n]
        azimuth, _, metres = GEOD.inv(b, a, d, c)
        lat, lng, heading = go_one(a, b, azimuth, 0.5 * metres)
        tip = go_one(lat, lng, heading - 90.0, 7.0)
        probe = polygon(
            *go(tip[0], tip[1], heading - 90.0 + np.array([0.0, -20.0, 20.0]), [0.0, 5.0, 5.0])[:2]
        )
        for one, two in ((ring, probe), (probe, ring)):
            assert rings_apart(one, two)[0] == pytest.approx(7.0, abs=1e-3)


def test_crossing_and_holding_rings_are_zero_apart() -> None:
    """Crossings without a vertex inside, one in the other either way round, and the same ring."""
    one = Polygon(((0.0, 0.0), (0.0, 1.0), (0.1, 1.0), (0.1, 0.0)))
    cross = Polygon(((-0.5, 0.4), (-0.5, 0.5), (0.5, 0.5), (0.5, 0.4)))
    inner = Polygon(((0.04, 0.4), (0.04, 0.5), (0.05, 0.45)))
    for a, b in ((one, cross), (cross, one), (one, inner), (inner, one), (one, one)):
        got, point = rings_apart(a, b)
        assert got == pytest.approx(0.0, abs=1e-6)
        lat, lng = earth.positions(point[None])
        for shape in (a, b):
            assert to_ring(shape, lat, lng)[0][0] < 1e-3


# -- the bound ----------------------------------------------------------------------------------------------


def off_the_line(place: tuple[float, float], leg_m: float, far_m: float, azimuths: int = 24) -> float:
    """How far the middle of a leg lies off its straight image, in a frame so far away: the most, metres."""
    worst = 0.0
    for away in np.linspace(0.0, 360.0, azimuths, endpoint=False):
        lat, lng, _ = go_one(*place, float(away), far_m)
        heading = np.linspace(0.0, 180.0, azimuths, endpoint=False)
        a_lat, a_lng, _ = go(lat, lng, heading, 0.5 * leg_m)
        b_lat, b_lng, _ = go(lat, lng, heading + 180.0, 0.5 * leg_m)
        there, back = np.empty((azimuths, 2)), np.empty((azimuths, 3))
        origin = earth.surface_points(*place)[0]
        _images(origin, earth.surface_points(a_lat, a_lng), there, back)
        middle = there.copy()
        _images(origin, earth.surface_points(b_lat, b_lng), there, back)
        line = there - middle
        _images(origin, earth.surface_points(lat, lng), there[:1], back[:1])
        off = line[:, 0] * (there[0, 1] - middle[:, 1]) - line[:, 1] * (there[0, 0] - middle[:, 0])
        worst = max(worst, float(np.abs(off / np.hypot(line[:, 0], line[:, 1])).max()))
    # the image is stretched across by 1 / cos(angle) and along by its square: on the ground it is less
    return worst


@pytest.mark.parametrize("lat", [0.0, 30.0, 52.0, 65.0, 89.0])
@pytest.mark.parametrize("far_m", [10_000.0, 50_000.0, 100_000.0, 500_000.0])
def test_legs_lie_within_the_bound_of_their_straight_images(lat: float, far_m: float) -> None:
    """At every distance and latitude, for legs of 5 and of 25 km."""
    for leg in (5_000.0, 25_000.0):
        assert off_the_line((lat, 10.0), leg, far_m, 12) <= float(outlines.outline_bound(leg, far_m))


def test_the_bound_is_a_centimetre_for_outlines_of_a_hundred_kilometres() -> None:
    """F3548-21's precision, for the longest legs; and no more than three times what is really seen."""
    bound = float(outlines.outline_bound(earth.LEG_MAX_M, 100_000.0))
    assert bound < 0.01
    seen = max(off_the_line((lat, 10.0), earth.LEG_MAX_M, 100_000.0) for lat in (0.0, 30.0, 45.0, 60.0, 80.0))
    assert seen <= bound <= 3.0 * seen
    assert float(outlines.outline_bound(earth.LEG_MAX_M, 500_000.0)) < 0.01


@pytest.mark.parametrize(("extent_m", "tolerance_m"), [(100_000.0, 2e-3), (500_000.0, 1e-2)])
@pytest.mark.parametrize("lat", [0.0, 33.0, 52.0, 65.0, 85.0])
def test_a_point_beside_a_long_edge_is_on_its_side(extent_m: float, tolerance_m: float, lat: float) -> None:
    """Points a hair to either side of the edges of an outline of 100 and 500 km are inside and outside."""
    random = rng(round(lat))
    shape = star(random, lat, 20.0, 0.5 * extent_m, 5, rough=0.4)
    area, _ = GEOD.polygon_area_perimeter([v[1] for v in shape.vertices], [v[0] for v in shape.vertices])
    out = 90.0 if area > 0 else -90.0
    for (a, b), (c, d) in zip(shape.vertices, shape.vertices[1:] + shape.vertices[:1], strict=True):
        azimuth, _, metres = GEOD.inv(b, a, d, c)
        on_lat, on_lng, heading = go(a, b, azimuth, np.linspace(0.02, 0.98, 30) * metres)
        for side, inside in ((out, False), (-out, True)):
            lat_beside, lng_beside, _ = go(on_lat, on_lng, heading + side, tolerance_m)
            got, _ = to_ring(shape, lat_beside, lng_beside)
            assert ((got == 0.0) == inside).all()
            if not inside:
                assert np.abs(got - tolerance_m).max() < 0.5 * tolerance_m


@given(
    st.floats(-90.0, 90.0),
    st.floats(-180.0, 180.0),
    st.floats(0.0, 360.0),
    st.floats(1.0, 6.0),
    st.integers(0, 100),
)
def test_distance_to_a_ring_never_exceeds_that_to_its_vertices(
    lat: float, lng: float, azimuth: float, magnitude: float, seed: int
) -> None:
    """Anywhere, from anywhere within 1,000 km: never more than to the nearest vertex, never below zero."""
    shape = star(rng(seed), lat, lng, 20_000.0, 5)
    at = go_one(lat, lng, azimuth, 10.0**magnitude)
    got, _ = to_ring(shape, [at[0]], [at[1]])
    vertices = np.array(shape.vertices)
    apart = np.asarray(GEOD.inv(vertices[:, 1], vertices[:, 0], np.full(5, at[1]), np.full(5, at[0]))[2])
    assert 0.0 <= got[0] <= apart.min() + 0.05
