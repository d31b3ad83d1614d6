"""Rings as documents draw them: straight lines followed, cuts joined, arcs on the safe side."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from skypact.airspace import rings
from skypact.errors import GeometryError

GEOD = Geod(ellps="WGS84")


def off_geodesic_m(lat: float, lng: float, lat2: float, lng2: float, n: int = 33) -> float:
    """How far a line straight in longitude and latitude lies from the geodesic between its ends, at most."""
    azimuth, _, length = GEOD.inv(lng, lat, lng2, lat2)
    if length == 0.0:
        return 0.0
    t = np.linspace(0.0, 1.0, n)
    lats, lngs = lat + t * (lat2 - lat), lng + t * (lng2 - lng)
    out, _, metres = GEOD.inv(np.full(n, lng), np.full(n, lat), lngs, lats)
    along = metres * np.cos(np.radians(out - azimuth))
    for _ in range(3):
        foot_lng, foot_lat, _ = GEOD.fwd(np.full(n, lng), np.full(n, lat), np.full(n, azimuth), along)
        to, _, off = GEOD.inv(foot_lng, foot_lat, lngs, lats)
        here = GEOD.inv(foot_lng, foot_lat, np.full(n, lng2), np.full(n, lat2))[0]
        along += off * np.cos(np.radians(to - here))
    return float(np.max(off))


def ring(*points: tuple[float, float]) -> rings.Ring:
    """A ring of (latitude, longitude) rows."""
    return np.array(points, np.float64)


# -- straight lines ---------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    st.floats(-90.0, 90.0),
    st.floats(-40.0, 40.0),
    st.floats(-170.0, 170.0),
    st.floats(-180.0, 180.0),
    st.data(),
)
def test_every_piece_of_a_straight_line_stays_within_the_tolerance(
    lat: float, rise: float, step: float, lng: float, data: st.DataObject
) -> None:
    """Geodesics between the points of a line lie within 1 cm of it, measured with an exact solver."""
    end = min(max(lat + rise, -90.0), 90.0)
    _, fraction, lats, _, kept = rings.straight(
        np.array([lat, end]), np.array([lng, lng + step]), closed=False, most=10**7
    )
    assert kept == rings.DRAWN_M
    pieces = lats.shape[0] - 1
    k = data.draw(st.integers(0, pieces - 1))
    ends = [(lat + f * (end - lat), lng + f * step) for f in (fraction[k], fraction[k + 1])]
    assert off_geodesic_m(*ends[0], *ends[1]) <= 1.001 * rings.DRAWN_M


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0)), min_size=2, max_size=4),
    st.floats(1e-4, 1.0),
    st.booleans(),
)
def test_small_rings_are_judged_as_large_ones(
    corners: list[tuple[float, float]], size: float, closed: bool
) -> None:
    """The short cut for few vertices and the arrays for many agree on what needs no point."""
    middle = corners[0]
    small = ring(
        *[
            (
                min(max(middle[0] + size * (a - middle[0]) / 90.0, -90.0), 90.0),
                middle[1] + size * (b - middle[1]) / 90.0,
            )
            for a, b in corners
        ]
    )
    short = rings.straight(small[:, 0], small[:, 1], closed=closed, most=10**6)
    many = np.vstack([small, np.repeat(small[-1:], 100, axis=0)])  # zero-length edges need no points
    long = rings.straight(many[:, 0], many[:, 1], closed=closed, most=10**6)
    assert short[2].shape[0] == long[2].shape[0] - 100


def test_the_bound_on_the_bend_is_close_to_the_truth() -> None:
    """100 km along the parallel of 52 degrees bend by 251 m; the bound is at most 5 percent more."""
    step = 100_000.0 / GEOD.inv(0.0, 52.0, 1.0, 52.0)[2]
    bound = float(rings.bend_m(np.array([52.0]), np.array([52.0]), np.array([step]))[0])
    truth = off_geodesic_m(52.0, 0.0, 52.0, step, 257)
    assert 240.0 < truth <= bound <= 1.05 * truth


@pytest.mark.parametrize(
    ("lats", "lngs"),
    [((10.0, 40.0), (5.0, 5.0)), ((0.0, 0.0), (5.0, 44.0)), ((7.0, 7.0), (3.0, 3.0))],
    ids=["meridian", "equator", "point"],
)
def test_meridians_and_the_equator_are_left_as_they_are(
    lats: tuple[float, float], lngs: tuple[float, float]
) -> None:
    """A line that is a geodesic already gets no further points."""
    _, _, lat, lng, _ = rings.straight(np.array(lats), np.array(lngs), closed=False, most=100)
    assert (lat.tolist(), lng.tolist()) == (list(lats), list(lngs))


def test_the_vertices_of_a_ring_are_kept_bit_for_bit() -> None:
    """Points are added between the vertices, which stay."""
    drawn = ring((51.123456789, 0.1), (51.2, 1.7), (52.3, 0.9))
    leg, fraction, lat, lng, _ = rings.straight(drawn[:, 0], drawn[:, 1], closed=True, most=10_000)
    own = fraction == 0.0
    assert np.array_equal(np.column_stack([lat, lng])[own], drawn)
    assert leg[own].tolist() == [0, 1, 2]


def test_the_tolerance_is_widened_where_the_vertices_would_not_fit() -> None:
    """A ring too large for 1 cm with 200 vertices is drawn with fewer, and the tolerance is told."""
    drawn = ring((50.0, 0.0), (50.0, 30.0), (60.0, 15.0))
    _, _, lat, _, kept = rings.straight(drawn[:, 0], drawn[:, 1], closed=True, most=200)
    assert lat.shape[0] <= 200
    assert kept > 100 * rings.DRAWN_M


def test_a_path_of_one_point_stays_one() -> None:
    """A single position is a path."""
    leg, fraction, lat, lng, _ = rings.straight(np.array([1.0]), np.array([2.0]), closed=False, most=10)
    assert (leg.tolist(), fraction.tolist(), lat.tolist(), lng.tolist()) == ([0], [0.0], [1.0], [2.0])


def test_an_edge_over_the_antimeridian_goes_the_short_way() -> None:
    """From 170 east to 170 west is 20 degrees, whichever way the numbers run."""
    assert rings.steps_deg(np.array([170.0, -170.0, 170.0]), np.zeros(3)).tolist() == [20.0, -20.0]
    _, _, _, lng, _ = rings.straight(
        np.array([60.0, 60.0]), np.array([170.0, -170.0]), closed=False, most=10**6
    )
    assert np.abs(lng).min() >= 170.0
    assert np.abs(lng).max() <= 180.0


@pytest.mark.parametrize(
    ("lngs", "steps"),
    [
        ([-180.0, 180.0, 180.0, -180.0, -180.0], [360.0, 0.0, -360.0, 0.0]),
        ([170.0, 180.0, -180.0, -170.0, 170.0], [10.0, 0.0, 10.0, -20.0]),
        ([-170.0, -180.0, 180.0, 180.0, -170.0], [-10.0, 0.0, 0.0, 10.0]),
    ],
    ids=["round the earth", "eastward", "westward"],
)
def test_a_position_repeated_on_the_antimeridian_is_no_loop(lngs: list[float], steps: list[float]) -> None:
    """From 180 to -180 is round the earth, unless the path goes on in the same direction."""
    assert rings.steps_deg(np.array(lngs), np.full(len(lngs), 60.0)).tolist() == steps


def test_a_line_never_goes_round_the_earth_in_one_edge() -> None:
    """Where a line repeats its position on the antimeridian, nothing is between."""
    _, _, lat, _, _ = rings.straight(np.full(2, 60.0), np.array([180.0, -180.0]), closed=False, most=100)
    assert lat.tolist() == [60.0, 60.0]


# -- cut at 180 degrees -----------------------------------------------------------------------------------


def cycle(rows: rings.Ring) -> list[tuple[float, float]]:
    """A ring's rows from its smallest on, -180 written as 180, so that rings compare."""
    points = [(lat, 180.0 if lng == -180.0 else lng) for lat, lng in rows.tolist()]
    start = points.index(min(points))
    return points[start:] + points[:start]


EAST = ring((10, 170), (10, 180), (20, 180), (20, 170))
WEST = ring((10, -180), (10, -170), (20, -170), (20, -180))


@pytest.mark.parametrize("turned", [False, True])
def test_two_halves_of_a_cut_become_one_ring(turned: bool) -> None:
    """What RFC 7946 cuts at 180 degrees is joined, whatever the winding of the halves."""
    joined, holes = rings.rejoined([EAST[::-1] if turned else EAST, WEST])
    assert holes == 0
    assert [cycle(r) for r in joined] == [
        [(10, -170), (20, -170), (20, 180), (20, 170), (10, 170), (10, 180)]
    ]


def test_halves_that_share_only_a_part_of_the_meridian_are_joined_there() -> None:
    """The border that is not shared stays a border."""
    tall = ring((5, -180), (5, -170), (20, -170), (20, -180))
    joined, _ = rings.rejoined([EAST, tall])
    assert len(joined) == 1
    corners = [(5, -170), (20, -170), (20, 180), (20, 170), (10, 170), (10, 180), (5, 180)]
    assert cycle(joined[0]) == corners


def test_rings_off_the_antimeridian_are_returned_as_they_are() -> None:
    """Nothing is touched where nothing was cut."""
    own = ring((10, 1), (10, 2), (11, 2))
    joined, holes = rings.rejoined([own])
    assert joined[0] is own
    assert holes == 0


def test_rings_that_touch_the_antimeridian_apart_stay_apart() -> None:
    """Two rings that share no edge are two."""
    far = ring((40, -180), (40, -170), (50, -170))
    joined, _ = rings.rejoined([EAST, far])
    assert len(joined) == 2


def test_a_hole_over_the_antimeridian_is_found_and_left_out() -> None:
    """Two halves that leave a gap between them have a hole once they are joined."""
    east = ring((0, 160), (0, 180), (10, 180), (10, 170), (20, 170), (20, 180), (30, 180), (30, 160))
    west = ring((0, -180), (0, -160), (30, -160), (30, -180), (20, -180), (20, -170), (10, -170), (10, -180))
    joined, holes = rings.rejoined([east, west])
    assert (len(joined), holes) == (1, 1)
    assert joined[0][:, 0].min() == 0.0
    assert joined[0][:, 0].max() == 30.0


def test_a_pole_drawn_as_an_edge_disappears() -> None:
    """A cap drawn down to the edge of the map becomes a ring round the pole."""
    cap = ring((-90, -180), (-90, 180), (-84, 180), (-80, 90), (-84, 0), (-82, -90), (-84, -180))
    joined, _ = rings.rejoined([cap])
    assert len(joined) == 1
    assert sorted(joined[0][:, 0].tolist()) == [-84.0, -84.0, -82.0, -80.0]


def test_a_cap_drawn_as_a_rectangle_becomes_its_parallel() -> None:
    """An edge from -180 to 180 on one parallel goes round the earth, not nowhere."""
    joined, _ = rings.rejoined([ring((60, -180), (60, 180), (90, 180), (90, -180))])
    assert sorted(joined[0][:, 1].tolist()) == [-90.0, 0.0, 90.0, 180.0]
    assert set(joined[0][:, 0].tolist()) == {60.0}


def test_a_wedge_up_to_the_pole_keeps_both_its_meridians() -> None:
    """A pole that is reached on one meridian and left on another is two vertices."""
    wedge = ring((80, 90), (80, 180), (90, 180), (90, 90))
    joined, _ = rings.rejoined([wedge])
    assert {tuple(row) for row in joined[0].tolist()} == {(80, 90), (80, 180), (90, 180), (90, 90)}


def test_a_ring_drawn_round_a_pole_without_a_cut_passes() -> None:
    """Nobody knows which side of such a ring is meant; the smaller is, as everywhere."""
    loop = ring((80, 0), (80, 120), (80, 240))
    joined, _ = rings.rejoined([loop])
    assert sorted(joined[0][:, 1].tolist()) == [-120.0, 0.0, 120.0]


@pytest.mark.parametrize(
    "drawn",
    [
        ring((-90, -180), (-90, 180), (90, 180), (90, -180)),
        ring((50, -180), (50, 180), (60, 180), (60, -180)),
        ring((-30, -180), (-30, 180), (90, 180), (90, -180)),
        ring((30, -180), (30, 180), (-90, 180), (-90, -180)),
    ],
    ids=["earth", "band", "north and more", "south and more"],
)
def test_an_outline_all_round_the_earth_is_refused(drawn: rings.Ring) -> None:
    """The whole earth, a band round it, or more than half of it is no outline with a smaller side."""
    with pytest.raises(GeometryError, match="outline"):
        rings.rejoined([drawn])


# -- drawing ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.floats(-80.0, 80.0), st.floats(-180.0, 180.0), st.floats(0.01, 4.0), st.integers(3, 9))
def test_what_is_drawn_follows_the_geodesics_and_reads_back(
    lat: float, lng: float, size: float, n: int
) -> None:
    """Drawn edges lie within the tolerance of the geodesics, and what was cut joins again."""
    azimuths = np.arange(n) * 360.0 / n
    lngs, lats, _ = GEOD.fwd(np.full(n, lng), np.full(n, lat), azimuths, np.full(n, size * 111_000.0))
    outline = np.column_stack([lats, rings.within_180(np.asarray(lngs))])
    pieces = rings.drawn(outline, most=10_000)
    for piece in pieces:
        assert np.abs(piece[:, 1]).max() <= 180.0
        area = np.sum(piece[:, 1] * np.roll(piece[:, 0], -1) - np.roll(piece[:, 1], -1) * piece[:, 0])
        assert area > 0.0
    joined, holes = rings.rejoined(pieces)
    assert (len(joined), holes) == (1, 0)
    back = joined[0]
    for own in outline.tolist():
        metres = GEOD.inv(np.full(len(back), own[1]), np.full(len(back), own[0]), back[:, 1], back[:, 0])[2]
        assert np.min(metres) < 1e-3
    assert np.all(
        rings.bend_m(
            back[:, 0],
            np.roll(back[:, 0], -1),
            rings.steps_deg(np.append(back[:, 1], back[0, 1]), np.append(back[:, 0], back[0, 0])),
        )
        <= rings.DRAWN_M * 1.001
    )


def test_an_outline_round_the_pole_is_drawn_with_an_edge_along_it() -> None:
    """It becomes one box-wide polygon, and comes back as a ring round the pole."""
    outline = ring((80, 10), (75, 130), (78, -110))
    pieces = rings.drawn(outline, most=10_000)
    assert sum(np.count_nonzero(piece[:, 0] == 90.0) for piece in pieces) >= 2
    joined, holes = rings.rejoined(pieces)
    assert (len(joined), holes) == (1, 0)
    assert joined[0][:, 0].max() < 90.0
    assert {(80.0, 10.0), (75.0, 130.0), (78.0, -110.0)} <= {tuple(row) for row in joined[0].tolist()}


def test_an_outline_round_the_south_pole_is_drawn_down_to_it() -> None:
    """The pole of the smaller side is the one that is drawn."""
    pieces = rings.drawn(ring((-80, 10), (-75, -110), (-78, 130)), most=10_000)
    assert min(piece[:, 0].min() for piece in pieces) == -90.0


def test_an_outline_with_a_vertex_at_the_pole_is_drawn_with_both_meridians() -> None:
    """A three-quarter wedge stays three quarters."""
    wedge = ring((80, 0), (80, 90), (80, 180), (80, -90), (90, 0))
    pieces = rings.drawn(wedge, most=10_000)
    joined, _ = rings.rejoined(pieces)
    assert len(joined) == 1
    covered = sum(
        abs(np.sum(p[:, 1] * np.roll(p[:, 0], -1) - np.roll(p[:, 1], -1) * p[:, 0])) / 2 for p in pieces
    )
    assert 2_000.0 < covered < 2_300.0  # 270 by 10 degrees, less what geodesics cut off; 2,870 with the gap


def test_a_drawing_with_too_few_points_allowed_is_coarser() -> None:
    """The tolerance is widened until the drawing fits."""
    outline = ring((50, 0), (50, 60), (70, 30))
    pieces = rings.drawn(outline, most=50)
    assert pieces[0].shape[0] <= 50


# -- arcs -------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-85.0, 85.0),
    st.floats(-180.0, 180.0),
    st.floats(50.0, 300_000.0),
    st.floats(0.0, 360.0),
    st.floats(-360.0, 360.0).filter(lambda sweep: abs(sweep) > 0.5),
    st.booleans(),
)
def test_an_arc_stays_on_its_side_of_the_circle(
    lat: float, lng: float, radius: float, start: float, sweep: float, outside: bool
) -> None:
    """Tangents come no nearer than the radius, chords go no further, both stay within the tolerance."""
    between = rings.arc(lat, lng, radius, start, sweep, outside=outside)
    ends = [rings.at_bearing(lat, lng, azimuth, radius) for azimuth in (start, start + sweep)]
    path = np.vstack([[ends[0]], between, [ends[1]]])
    for a, b in zip(path[:-1].tolist(), path[1:].tolist(), strict=True):
        azimuth, _, length = GEOD.inv(a[1], a[0], b[1], b[0])
        part = np.linspace(0.0, 1.0, 9) * length
        lngs, lats, _ = GEOD.fwd(np.full(9, a[1]), np.full(9, a[0]), np.full(9, azimuth), part)
        metres = np.asarray(GEOD.inv(np.full(9, lng), np.full(9, lat), lngs, lats)[2])
        if outside:
            assert metres.min() >= radius - 1e-3
            assert metres.max() <= radius + 1.1 * rings.ARC_M
        else:
            assert metres.max() <= radius + 1e-3
            assert metres.min() >= radius - 1.1 * rings.ARC_M


def test_a_bearing_and_its_way_back_agree() -> None:
    """Going the distance at the azimuth leads there."""
    azimuth, metres = rings.bearing(50.0, 10.0, 51.0, 12.0)
    assert rings.at_bearing(50.0, 10.0, azimuth, metres) == pytest.approx((51.0, 12.0), abs=1e-9)


# -- hulls and corridors ----------------------------------------------------------------------------------


def test_a_hull_holds_both_lobes_of_a_bow_tie() -> None:
    """The hull of an outline that crosses itself has all its corners."""
    bow = ring((50, 0), (51, 1), (50, 1), (51, 0))
    assert {tuple(row) for row in rings.hull(bow).tolist()} == {(50, 0), (51, 1), (50, 1), (51, 0)}


def test_a_hull_leaves_out_what_lies_within() -> None:
    """Vertices that do not stand out are dropped, also near a pole and over the antimeridian."""
    around = ring((88, 0), (88, 90), (88, 180), (88, -90), (89.9, 45))
    assert rings.hull(around).shape == (4, 2)
    crossing = ring((0, 179), (0, -179), (1, -179), (0.5, 180), (1, 179))
    assert {tuple(row) for row in rings.hull(crossing).tolist()} == {(0, 179), (0, -179), (1, -179), (1, 179)}


@pytest.mark.parametrize(
    "points",
    [
        ring((0, 0), (0, 1), (0, 2)),
        ring((0, 0), (0, 120), (0, -120)),
        ring((0, 0), (80, 90), (80, -90), (-80, 90)),
    ],
    ids=["line", "round the earth", "beyond the horizon"],
)
def test_what_has_no_hull_is_refused(points: rings.Ring) -> None:
    """A line has no area, and what goes round the earth no inside."""
    with pytest.raises(GeometryError):
        rings.hull(points)


def test_a_corridor_holds_everything_within_half_its_width() -> None:
    """Points beside the legs and round the bend lie in an outline, those further out in none."""
    import shapely

    lat, lng = np.array([44.0, 44.5, 44.4]), np.array([5.0, 5.4, 6.2])
    half = 2_000.0
    corners = rings.corridor(lat, lng, half)
    assert len(corners) == 2
    shapes = [shapely.Polygon(c[:, ::-1]) for c in corners]
    for k in range(2):
        azimuth, _, length = GEOD.inv(lng[k], lat[k], lng[k + 1], lat[k + 1])
        for part in (0.0, 0.3, 1.0):
            at_lng, at_lat, back = GEOD.fwd(lng[k], lat[k], azimuth, part * length)
            for side in (90.0, -90.0):
                x, y, _ = GEOD.fwd(at_lng, at_lat, back + 180.0 + side, 0.95 * half)
                assert any(shape.covers(shapely.Point(x, y)) for shape in shapes)
    x, y, _ = GEOD.fwd(lng[0], lat[0], azimuth + 180.0, 3.0 * half)
    assert not any(shape.covers(shapely.Point(x, y)) for shape in shapes)


def test_longitudes_within_180_are_untouched() -> None:
    """Only what runs beyond is turned back."""
    inside = np.array([-180.0, 12.3, 180.0])
    assert rings.within_180(inside) is inside
    assert rings.within_180(np.array([190.0, -190.0, 350.0])).tolist() == [-170.0, 170.0, -10.0]
    assert math.isclose(rings.within_180(np.array([359.5]))[0], -0.5)
