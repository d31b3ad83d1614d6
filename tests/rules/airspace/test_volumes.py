"""Volumes: what is refused and how it is said, and what columns keep."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import awkward
from awkward import BASE_US, GEOD, box, rng
from awkward_volumes import go_one, polygon, regular, star
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    DataMode,
    Kind,
    Labels,
    Polygon,
    Volume4D,
    Volumes,
    Zones,
)
from skypact.airspace.volumes import RING_MAX, VERTICES_MAX
from skypact.errors import GeometryError, InputError, ModeError
from skypact.instants import EVER, FOREVER

AMSL, W84, STD, AGL = (
    AltitudeReference.AMSL,
    AltitudeReference.W84,
    AltitudeReference.STD,
    AltitudeReference.AGL,
)
SQUARE = box(34.0, 38.0, 34.2, 38.2)


def made(outline: Circle | Polygon, **rest: Any) -> Volumes:
    """One volume as columns, second in its set so that a message must count."""
    return Volumes.of(
        Labels.of(["sound", "tried"]), [Volume4D(Circle(0.0, 0.0, 1.0)), Volume4D(outline, **rest)]
    )


def refusal(outline: Circle | Polygon, **rest: Any) -> str:
    """What the error says."""
    with pytest.raises(GeometryError) as caught:
        made(outline, **rest)
    return str(caught.value)


# -- what is refused ----------------------------------------------------------------------------------------


def test_every_awkward_volume_is_accepted() -> None:
    """The nasty but sound volumes are all taken, each under its own name."""
    volumes = Volumes.of(Labels.of(list(awkward.VOLUMES)), list(awkward.VOLUMES.values()))
    assert len(volumes) == len(awkward.VOLUMES)
    assert list(volumes.labels.ids) == list(awkward.VOLUMES)


@pytest.mark.parametrize("name", sorted(awkward.BAD_OUTLINES))
def test_every_bad_outline_is_refused_by_row_and_name(name: str) -> None:
    """An outline that is none is refused, and the message names the volume and its row."""
    assert refusal(awkward.BAD_OUTLINES[name]).startswith("volume 'tried' (row 1), ")


@pytest.mark.parametrize(
    ("name", "field", "what", "value"),
    [
        ("two vertices", "outline", "three distinct points", "2"),
        ("two distinct vertices", "outline", "three distinct points", "2"),
        ("one point thrice", "outline", "three distinct points", "2"),
        ("no area", "outline", "no area", "in a line"),
        ("NaN", "vertex 1, latitude", "not a latitude", "nan"),
        ("latitude 91", "vertex 1, latitude", "not a latitude", "91.0"),
        ("radius 0", "radius", "not a radius", "0 m"),
        ("radius over 1,000 km", "radius", "not a radius", "1e+06 m"),
        ("radius NaN", "radius", "not a radius", "nan m"),
        ("crosses itself", "edges from vertex 0 and from vertex 2", "crosses itself", "34.200000, 38.000000"),
    ],
)
def test_a_refusal_names_field_value_and_vertex(name: str, field: str, what: str, value: str) -> None:
    """The message says which field of which vertex, what is wrong, and what stands there."""
    said = refusal(awkward.BAD_OUTLINES[name])
    assert field in said
    assert what in said
    assert value in said


@pytest.mark.parametrize(
    ("outline", "field", "value"),
    [
        (Polygon(((34.0, 38.0), (34.1, 361.0), (34.2, 38.2))), "vertex 1, longitude", "361.0"),
        (Polygon(((34.0, 38.0), (34.1, float("nan")), (34.2, 38.2))), "vertex 1, longitude", "nan"),
        (Polygon(((34.0, 38.0), (34.1, 38.2), (float("inf"), 38.2))), "vertex 2, latitude", "inf"),
        (Circle(-91.0, 38.0, 10.0), "centre, latitude", "-91.0"),
        (Circle(0.0, 400.0, 10.0), "centre, longitude", "400.0"),
        (Circle(0.0, 0.0, -5.0), "radius", "-5 m"),
        (Circle(0.0, 0.0, float("inf")), "radius", "inf m"),
        (Polygon(()), "outline", "0"),
    ],
)
def test_positions_and_radii_that_are_none_are_refused(
    outline: Circle | Polygon, field: str, value: str
) -> None:
    """A place that is not on earth, a radius that is no length, and an outline of no points."""
    said = refusal(outline)
    assert f"volume 'tried' (row 1), {field}" in said
    assert value in said


@pytest.mark.parametrize(
    ("rest", "field", "value"),
    [
        ({"lower": Altitude(10.0, AMSL), "upper": Altitude(9.0, AMSL)}, "upper altitude", "9 m AMSL"),
        ({"lower": Altitude(500.0, W84), "upper": Altitude(400.0, AMSL)}, "upper altitude", "400 m AMSL"),
        ({"lower": Altitude(500.0, AMSL), "upper": Altitude(390.0, W84)}, "upper altitude", "390 m W84"),
        ({"lower": Altitude(float("nan"), AMSL)}, "lower altitude", "nan"),
        ({"upper": Altitude(float("nan"), AMSL)}, "upper altitude", "nan"),
        ({"lower": Altitude(float("inf"), AMSL)}, "lower altitude", "inf"),
        ({"upper": Altitude(float("-inf"), AMSL)}, "upper altitude", "-inf"),
        ({"upper": Altitude(2e6, AMSL)}, "upper altitude", "2000000.0"),
        ({"start_us": BASE_US, "end_us": BASE_US}, "end", "2017-06-08T12:00:00Z"),
        ({"start_us": BASE_US, "end_us": BASE_US - 1}, "end", "2017-06-08T11:59:59.999999Z"),
        ({"start_us": FOREVER, "end_us": FOREVER + 5}, "start", str(FOREVER)),
        ({"start_us": EVER - 5, "end_us": EVER}, "end", str(EVER)),
    ],
)
def test_bands_and_windows_that_are_none_are_refused(rest: dict[str, Any], field: str, value: str) -> None:
    """A ceiling below its floor, an altitude that is none, a window that ends as it starts or before."""
    said = refusal(SQUARE, **rest)
    assert f"volume 'tried' (row 1), {field}" in said
    assert value in said


def test_references_that_do_not_compare_have_no_order() -> None:
    """A ceiling of another reference is only refused where no geoid could lift it over the floor."""
    for lower, upper in (
        (Altitude(100.0, AGL), Altitude(50.0, AMSL)),
        (Altitude(100.0, STD), Altitude(50.0, W84)),
        (Altitude(180.0, W84), Altitude(100.0, AMSL)),
        (Altitude(100.0, AMSL), Altitude(0.0, W84)),
    ):
        assert len(made(SQUARE, lower=lower, upper=upper)) == 2


def test_the_word_of_the_caller_stands_before_the_field() -> None:
    """``where`` names a row's place in the words of whoever read it."""
    with pytest.raises(GeometryError, match=r"^a\.json: \$\.volumes\[0\], radius: not a radius"):
        Volumes.of(Labels.of(["x"]), [Volume4D(Circle(0.0, 0.0, 0.0))], where=["a.json: $.volumes[0]"])


TWISTED = {
    "through a vertex": ((0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (1.0, 1.0), (0.0, 2.0)),
    "through a vertex, on a meridian": ((-1.0, 0.0), (1.0, 0.0), (0.5, 1.0), (0.0, 0.0), (0.5, -1.0)),
    "drawn twice over": ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0)) * 2,
    "drawn thrice over": ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0)) * 3,
    "an eight with one waist": ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (-1.0, -1.0), (0.0, -1.0)),
    "the last edge": ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (-0.5, 0.5)),
    "across the antimeridian": ((0.0, 179.9), (0.2, -179.9), (0.2, 179.9), (0.0, -179.9)),
    "over a pole": ((89.9, 0.0), (89.9, 180.0), (89.9, 90.0), (89.9, -90.0)),
}


@pytest.mark.parametrize("name", sorted(TWISTED))
def test_what_crosses_itself_is_refused(name: str) -> None:
    """Crossings between edges, crossings that hide in a vertex, and rings drawn over more than once."""
    said = refusal(Polygon(TWISTED[name]))
    assert "crosses itself" in said
    assert "edges from vertex" in said


TOUCHING = {
    "pinched at a vertex": ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (0.0, -1.0), (-1.0, -1.0)),
    "a vertex on an edge": ((-1.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0), (-1.0, 1.0)),
    "a hole on a bridge": (
        *((0.0, 0.0), (0.0, 4.0), (4.0, 4.0), (4.0, 0.0), (0.0, 0.0)),
        *((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0), (1.0, 1.0)),
    ),
    "a spike out": ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 2.0), (1.0, 1.0), (1.0, 0.0)),
    "a spike in": ((0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (1.0, 1.0), (2.0, 2.0), (2.0, 0.0)),
    "vertices said twice": ((0.0, 0.0), (0.0, 0.0), (0.0, 1.0), (0.0, 1.0), (1.0, 1.0), (1.0, 1.0)),
    "in one line, and back": ((0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (0.0, 1.0), (1.0, 1.0)),
}


@pytest.mark.parametrize("name", sorted(TOUCHING))
def test_what_only_touches_itself_is_accepted(name: str) -> None:
    """Edges that meet without crossing leave no doubt about the inside."""
    assert len(made(Polygon(TOUCHING[name]))) == 2


@pytest.mark.parametrize(
    "vertices",
    [
        ((0.0, 38.0), (0.0, 38.1), (0.0, 38.2)),
        ((0.0, 38.0), (0.0, 38.2), (0.0, 38.1)),
        ((10.0, 20.0), (11.0, 20.0), (12.0, 20.0), (11.5, 20.0)),
        ((90.0, 0.0), (88.0, 0.0), (89.0, 180.0)),
        ((34.0, 38.0), (34.0, 38.00000001), (34.00000001, 38.0)),
    ],
)
def test_outlines_without_area_are_refused(vertices: tuple[tuple[float, float], ...]) -> None:
    """All vertices on one geodesic (the equator, a meridian, over a pole), or within a millimetre."""
    assert "has no area" in refusal(Polygon(vertices))


def test_points_that_hardly_differ_are_not_three() -> None:
    """Vertices within a micrometre are one point: the count says so."""
    near = Polygon(((34.0, 38.0), (34.0, 38.1), (34.0, 38.1 + 1e-13), (34.0 + 1e-13, 38.0)))
    said = refusal(near)
    assert "three distinct points; found 2" in said
    assert "three distinct points; found 1" in refusal(Polygon(((1.0, 2.0),) * 9 + ((1.0, 2.0 + 1e-14),) * 2))


def test_a_sliver_of_a_centimetre_has_an_area() -> None:
    """Thin is not flat."""
    assert len(made(Polygon(((34.0, 38.0), (34.0, 39.0), (34.0000001, 39.0))))) == 2


@pytest.mark.parametrize(
    ("outline", "what"),
    [
        (Polygon(((0.0, 0.0), (0.0, 100.0), (80.0, 50.0))), "at most 4000 km"),
        (Polygon(((10.0, 0.0), (10.0, 120.0), (10.0, 240.0))), "at most 4000 km"),
        (Polygon(((0.0, 0.0), (0.0, 179.9), (1.0, 90.0))), "edge from vertex 0: an edge to the other side"),
        (Polygon(((1.0, 90.0), (0.0, 0.0), (0.0, 179.9))), "edge from vertex 1: an edge to the other side"),
    ],
)
def test_outlines_too_wide_for_an_inside_are_refused(outline: Polygon, what: str) -> None:
    """Half the earth has no smaller side that all would agree on, and antipodes no shortest path."""
    assert what in refusal(outline)


def _round(n: int) -> Polygon:
    angle = np.linspace(0.0, 2.0 * np.pi, n, endpoint=False)
    return polygon(50.0 + 0.1 * np.sin(angle), 5.0 + 0.1 * np.cos(angle))


@pytest.mark.parametrize("n", [10_001, 100_000])
def test_too_many_vertices_are_refused_at_once(n: int) -> None:
    """10,001 vertices and 100,000 alike, before anything is computed with them."""
    made(SQUARE)  # compiled
    outline = _round(n)
    begin = time.process_time()
    said = refusal(outline)
    assert time.process_time() - begin < 2.0
    assert f"too many vertices; found {n}" in said
    assert "at most 10,000" in said


def test_the_most_vertices_are_accepted_quickly() -> None:
    """10,000 vertices, and 10,000 with the first said again at the end."""
    made(SQUARE)
    outline = _round(VERTICES_MAX)
    begin = time.process_time()
    closed = Polygon((*outline.vertices, outline.vertices[0]))
    for shape in (outline, closed):
        assert np.diff(made(shape).offsets).tolist() == [1, VERTICES_MAX]
    assert time.process_time() - begin < 5.0


def test_an_outline_of_endless_length_is_refused_before_it_is_cut() -> None:
    """10,000 edges of 500 km would be 200,000 legs: refused, and quickly."""
    up = np.arange(VERTICES_MAX // 2) * 2e-4
    zigzag = polygon(np.repeat(up, 2), np.tile([0.0, 5.0, 5.0, 0.0], VERTICES_MAX // 4))
    begin = time.process_time()
    said = refusal(zigzag)
    assert "the outline is too long" in said
    assert f"at most {RING_MAX:,} pieces" in said
    assert time.process_time() - begin < 2.0


def test_a_comb_of_the_greatest_length_is_examined_in_time() -> None:
    """Near the limit, all pairs of legs would be billions; rectangles round runs of them make it seconds."""
    made(SQUARE)
    teeth = 1_900
    up = np.arange(teeth) * 1e-3
    lat, lng = np.repeat(up, 2), np.tile([0.0, 10.0, 10.0, 0.0], teeth // 2)
    comb = polygon([*lat, up[-1] + 0.5, -0.5], [*lng, -1.0, -1.0])
    begin = time.process_time()
    volumes = made(comb)
    assert volumes.outlines.point.shape[0] > 80_000
    assert time.process_time() - begin < 10.0


def test_a_thousand_spikes_from_one_middle_are_examined_in_time() -> None:
    """A star whose spikes all cross one another's rectangles."""
    made(SQUARE)
    n = 2_000
    angle = np.linspace(0.0, 2.0 * np.pi, n, endpoint=False)
    far = np.where(np.arange(n) % 2, 9.0, 1.0)
    begin = time.process_time()
    assert len(made(polygon(far * np.sin(angle), far * np.cos(angle)))) == 2
    assert time.process_time() - begin < 10.0


@given(st.lists(st.tuples(st.floats(-90.0, 90.0), st.floats(-360.0, 360.0)), max_size=9), st.booleans())
def test_anything_is_either_a_volume_or_a_refusal(vertices: list[tuple[float, float]], doubled: bool) -> None:
    """No list of places ends in anything but a volume or an error that says why not."""
    outline = Polygon(tuple(vertices + vertices[::-1] if doubled else vertices))
    said, volumes = "", None
    try:
        volumes = Volumes.of(Labels.of(["x"]), [Volume4D(outline)])
    except GeometryError as error:
        said = str(error)
    if volumes is None:
        assert "volume 'x' (row 0), " in said
    else:
        assert np.isfinite(volumes.outlines.point).all()
        assert np.isfinite(volumes.outlines.ball).all()


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_any_circle_is_either_a_volume_or_a_refusal(lat: float, lng: float, radius_m: float) -> None:
    """The same of circles, with every kind of number."""
    sound = abs(lat) <= 90.0 and abs(lng) <= 360.0 and 0.0 < radius_m <= 1e6
    if sound:
        assert len(made(Circle(lat, lng, radius_m))) == 2
    else:
        assert "(row 1), " in refusal(Circle(lat, lng, radius_m))


# -- what is kept -------------------------------------------------------------------------------------------


def test_a_last_vertex_that_repeats_the_first_is_dropped() -> None:
    """Also where it is written as -180 for 180, or one turn on."""
    outlines = [
        Polygon((*SQUARE.vertices, SQUARE.vertices[0])),
        Polygon(((0.0, 180.0), (0.0, 179.0), (1.0, 179.5), (0.0, -180.0))),
        Polygon(((0.0, 10.0), (0.0, 11.0), (1.0, 10.5), (0.0, -350.0))),
        SQUARE,
    ]
    volumes = Volumes.of(Labels.of(list("abcd")), [Volume4D(o) for o in outlines])
    assert np.diff(volumes.offsets).tolist() == [4, 3, 3, 4]
    assert volumes.lat_deg.shape == volumes.lng_deg.shape == (14,)


@pytest.mark.parametrize(
    ("outline", "centre", "radius_m"),
    [
        (Polygon(((85.0, 0.0), (85.0, 90.0), (85.0, 180.0), (85.0, -90.0))), (90.0, 0.0), 558_411.0),
        (Polygon(((-85.0, 0.0), (-85.0, 90.0), (-85.0, 180.0), (-85.0, -90.0))), (-90.0, 0.0), 558_411.0),
        (Polygon(((10.0, 179.5), (10.0, -179.5), (11.0, -179.5), (11.0, 179.5))), (10.5, 180.0), 78_000.0),
        (Polygon(((10.0, 179.5), (10.0, 180.5), (11.0, 180.5), (11.0, 179.5))), (10.5, 180.0), 78_000.0),
        (box(-1.0, 20.0, 1.0, 22.0), (0.0, 21.0), 157_000.0),
        (Circle(90.0, 12.0, 5_000.0), (90.0, 0.0), 5_000.0),
        (Circle(0.0, -180.0, 5_000.0), (0.0, 180.0), 5_000.0),
    ],
)
def test_the_ball_of_an_outline_is_where_it_is(
    outline: Circle | Polygon, centre: tuple[float, float], radius_m: float
) -> None:
    """Poles, antimeridian and equator: the ball's middle is over the outline's, and about as wide."""
    from skypact.airspace.earth import distances_m, positions

    ball = made(outline).outlines.ball[1]
    scale = 6_370_000.0 / np.linalg.norm(ball[:3])
    lat, lng = positions((ball[:3] * scale)[None])
    assert distances_m(lat, lng, *centre)[0] < 5_000.0
    assert ball[3] == pytest.approx(radius_m, rel=0.02)


@pytest.mark.parametrize("place", [(52.0, 5.0), (89.5, 10.0), (-0.2, 179.9), (-90.0, 0.0)])
@pytest.mark.parametrize("size_m", [50.0, 40_000.0, 900_000.0])
def test_balls_hold_their_outlines_with_all_that_is_inside(place: tuple[float, float], size_m: float) -> None:
    """Points of edges and inside lie in the ball; its middle is no deeper than the broad phase assumes."""
    from skypact.airspace.earth import R_MIN_M, surface_points

    random = rng(7)
    shapes: list[Circle | Polygon] = [
        star(random, *place, size_m, 7),
        regular(*place, size_m, 5),
        Circle(*place, size_m),
    ]
    volumes = Volumes.of(Labels.of(["a", "b", "c"]), [Volume4D(s) for s in shapes])
    for row, shape in enumerate(shapes):
        lat, lng = [place[0]], [place[1]]
        if isinstance(shape, Circle):
            rim = [go_one(*place, float(azimuth), size_m) for azimuth in range(0, 360, 10)]
        else:
            rim = []
            for (a, b), (c, d) in zip(shape.vertices, shape.vertices[1:] + shape.vertices[:1], strict=True):
                azimuth, _, metres = GEOD.inv(b, a, d, c)
                rim += [go_one(a, b, azimuth, float(f) * metres) for f in np.linspace(0.0, 1.0, 21)]
        lat += [p[0] for p in rim]
        lng += [p[1] for p in rim]
        ball = volumes.outlines.ball[row]
        far = np.linalg.norm(surface_points(lat, lng) - ball[:3], axis=1)
        assert far.max() <= ball[3]
        assert np.linalg.norm(ball[:3]) >= np.sqrt(R_MIN_M**2 - ball[3] ** 2)


def test_long_edges_are_cut_at_points_of_their_geodesics() -> None:
    """No leg is over 25 km, the vertices stay, and every point lies on its edge."""
    from skypact.airspace.earth import LEG_MAX_M, positions

    outline = Polygon(((50.0, 0.0), (50.0, 30.0), (49.0, 15.0)))
    volumes = Volumes.of(Labels.of(["x", "small"]), [Volume4D(outline), Volume4D(SQUARE)])
    ring = volumes.outlines.point[: volumes.outlines.offsets[1]]
    legs = np.linalg.norm(np.diff(ring, axis=0, append=ring[:1]), axis=1)
    assert legs.max() <= LEG_MAX_M
    assert volumes.outlines.leg_m[0] <= LEG_MAX_M
    assert volumes.outlines.leg_m[1] == pytest.approx(22_180.0, rel=0.01)
    lat, lng = positions(ring)
    azimuth, _, length = GEOD.inv(0.0, 50.0, 30.0, 50.0)
    along = np.array([GEOD.inv(0.0, 50.0, float(b), float(a))[2] for a, b in zip(lat, lng, strict=True)])
    on_first = along <= length + 1e-6
    for a, b, metres in zip(lat[on_first][:50], lng[on_first][:50], along[on_first][:50], strict=True):
        c, d, _ = go_one(50.0, 0.0, azimuth, float(metres))
        if abs(c - a) < 0.1:  # the first edge only; others pass at that distance too
            assert GEOD.inv(b, a, d, c)[2] < 1e-6


@given(st.integers(0, 2**31), st.floats(-360.0, 180.0))
def test_a_turn_of_longitude_changes_nothing(seed: int, lng: float) -> None:
    """Longitudes that count on past 180 name the same points."""
    shape = star(rng(seed), 20.0, lng, 30_000.0, 6)
    turned = Polygon(tuple((a, b + 360.0 if b < 0.0 else b - 360.0) for a, b in shape.vertices))
    one, two = (Volumes.of(Labels.of(["x"]), [Volume4D(s)]).outlines for s in (shape, turned))
    assert np.abs(one.point - two.point).max() < 1e-6
    assert np.abs(one.ball - two.ball).max() < 1e-6


def test_columns_and_volumes_say_the_same() -> None:
    """``of`` is ``from_columns`` of the same things; a single value stands for all rows."""
    one = Volumes.of(
        Labels.of(["a", "b"]),
        [
            Volume4D(SQUARE, Altitude(1.0, AMSL), Altitude(2.0, STD), BASE_US, BASE_US + 5),
            Volume4D(Circle(1.0, 2.0, 3.0), Altitude(1.0, AMSL), Altitude(2.0, STD), BASE_US, BASE_US + 5),
        ],
    )
    lat, lng = np.array([*SQUARE.vertices, (1.0, 2.0)]).T
    two = Volumes.from_columns(
        Labels.of(["a", "b"]), [0, 4, 5], lat, lng, [0.0, 3.0], 1.0, AMSL, 2.0, STD, BASE_US, BASE_US + 5
    )
    for name in ("offsets", "lat_deg", "lng_deg", "radius_m", "lower_m", "upper_m", "start_us", "end_us"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert two.lower_reference.dtype == np.int8
    assert two.lower_reference.tolist() == [AMSL, AMSL]
    assert two.upper_reference.tolist() == [STD, STD]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"offsets": [0, 3]}, "offsets need|rising offsets"),
        ({"offsets": [1, 3, 4]}, "rising offsets"),
        ({"offsets": [0, 4, 3]}, "rising offsets"),
        ({"lat_deg": [0.0, 0.0]}, "lat_deg: one value a row"),
        ({"radius_m": [0.0, 1.0, 2.0]}, "radius_m: one value a row"),
        ({"lower_reference": 300}, "lower altitude: not an altitude reference; found 300"),
        ({"upper_reference": [0, -1]}, "upper altitude: not an altitude reference; found -1"),
        ({"start_us": [0.5, 1.0]}, "start_us: whole numbers"),
        ({"start_us": np.array([0, 2**63], np.uint64)}, "start_us: whole numbers"),
        ({"end_us": [np.nan, 1.0]}, "end_us: whole numbers"),
        ({"radius_m": [0.0, 0.0]}, "row 1.*outline: an outline needs three"),
        ({"radius_m": [5.0, 5.0]}, "row 0.*centre: a circle has one centre; found '3 points'"),
    ],
)
def test_columns_that_do_not_fit_are_refused(change: dict[str, Any], what: str) -> None:
    """Wrong lengths, wrong kinds of number, and references that there are not."""
    columns: dict[str, Any] = {
        "offsets": [0, 3, 4],
        "lat_deg": [0.0, 0.0, 1.0, 5.0],
        "lng_deg": [0.0, 1.0, 0.5, 5.0],
        "radius_m": [0.0, 10.0],
        "lower_m": -np.inf,
        "lower_reference": 0,
        "upper_m": np.inf,
        "upper_reference": 0,
        "start_us": EVER,
        "end_us": FOREVER,
    }
    assert len(Volumes.from_columns(Labels.of(["a", "b"]), **columns)) == 2
    with pytest.raises(GeometryError, match=what):
        Volumes.from_columns(Labels.of(["a", "b"]), **(columns | change))


def test_no_volumes_are_a_set_too() -> None:
    """A set of none, taken from, put together, and made into zones."""
    none = Volumes.of(Labels.of([]), [])
    assert len(none) == 0
    assert len(Volumes.concat([none, none])) == 0
    assert len(none.take(np.zeros(0, np.intp))) == 0
    assert len(Zones.of(none)) == 0


# -- taken and put together ---------------------------------------------------------------------------------


def everything() -> Volumes:
    """All the awkward volumes, of two parties and three kinds, two of one body."""
    n = len(awkward.VOLUMES)
    bodies = [f"b{k // 2}" for k in range(n)]
    labels = Labels.of(
        list(awkward.VOLUMES),
        party=["one" if k % 2 else "two" for k in range(n)],
        kind=np.arange(n) % 3,
        body=bodies,
        source="a file",
        data_mode=DataMode.SIMULATED,
    )
    return Volumes.of(labels, list(awkward.VOLUMES.values()))


def same(one: Volumes, two: Volumes) -> bool:
    """Whether two sets are the same, column for column."""
    columns = (
        *("offsets", "lat_deg", "lng_deg", "radius_m", "lower_m", "lower_reference", "upper_m"),
        *("upper_reference", "start_us", "end_us"),
    )
    rings = ("offsets", "point", "ball", "leg_m")
    names = [
        (v.labels.ids[k], v.labels.party_of(k), v.labels.body_of(k))
        for v in (one, two)
        for k in range(len(v))
    ]
    return (
        all(np.array_equal(getattr(one, c), getattr(two, c)) for c in columns)
        and all(np.array_equal(getattr(one.outlines, c), getattr(two.outlines, c)) for c in rings)
        and names[: len(one)] == names[len(one) :]
    )


@given(st.data())
def test_what_is_taken_and_put_together_again_is_the_same(data: st.DataObject) -> None:
    """Any rows in any order, as columns, are the volumes of these rows; two parts make the whole."""
    volumes = everything()
    rows = data.draw(st.lists(st.integers(0, len(volumes) - 1), max_size=8))
    taken = volumes.take(np.array(rows, np.intp))
    for k, row in enumerate(rows):
        assert same(taken.take(np.array([k])), volumes.take(np.array([row])))
    cut = data.draw(st.integers(0, len(volumes)))
    parts = [volumes.take(np.arange(cut)), volumes.take(np.arange(cut, len(volumes)))]
    assert same(Volumes.concat(parts), volumes)


@given(
    lat=st.floats(-89.0, 89.0),
    lng=st.floats(-181.0, 181.0),
    size=st.floats(1e-5, 1.0),
    sides=st.integers(3, 9),
    turned=st.booleans(),
    open_above=st.booleans(),
)
def test_a_few_small_polygons_are_what_many_are(
    lat: float, lng: float, size: float, sides: int, *, turned: bool, open_above: bool
) -> None:
    """One request's few polygons come out as the same polygons among many do, or are refused alike."""
    angles = 2.0 * np.pi * np.arange(sides) / sides * (-1.0 if turned else 1.0)
    corners = tuple(
        zip((lat + size * np.sin(angles)).tolist(), (lng + size * np.cos(angles)).tolist(), strict=True)
    )
    top = None if open_above else Altitude(100.0, W84)
    volume = Volume4D(Polygon(corners), Altitude(0.0, W84), top, 1, 2)
    try:
        many = Volumes.of(Labels.of(["x"] * 17), [volume] * 17)
    except GeometryError as error:
        with pytest.raises(GeometryError, match=str(error).partition(",")[0][:12]):
            Volumes.of(Labels.of(["x"]), [volume])
        return
    few = Volumes.of(Labels.of(["x", "x"]), [volume] * 2)
    first = many.take(np.arange(2))
    for name in ("offsets", "lat_deg", "lng_deg", "radius_m", "lower_m", "upper_m", "start_us", "end_us"):
        assert np.array_equal(getattr(few, name), getattr(first, name)), name
        assert getattr(few, name).dtype == getattr(first, name).dtype
    assert few.lower_reference.dtype == first.lower_reference.dtype == few.upper_reference.dtype
    for name in ("offsets", "point", "ball", "leg_m"):
        np.testing.assert_allclose(getattr(few.outlines, name), getattr(first.outlines, name), rtol=1e-12)


def test_data_modes_do_not_mix_in_one_set() -> None:
    """Sets of two data modes cannot be put together."""
    real = Volumes.of(Labels.of(["x"]), [Volume4D(SQUARE)])
    with pytest.raises(ModeError):
        Volumes.concat([real, everything()])


def test_labels_taken_keep_names_and_bodies() -> None:
    """A few rows carry the bodies they name, all rows all of them; the order is the one asked for."""
    labels = everything().labels
    few = labels.take(np.array([5, 0, 4]))
    assert [few.body_of(k) for k in range(3)] == ["b2", "b0", "b2"]
    assert sorted(few.bodies) == ["b0", "b2"]
    assert list(few.ids) == [labels.ids[k] for k in (5, 0, 4)]
    assert [few.party_of(k) for k in range(3)] == ["one", "two", "two"]
    assert [few.source_of(k) for k in range(3)] == ["a file"] * 3
    assert few.kind.tolist() == [2, 0, 1]
    assert few.data_mode is DataMode.SIMULATED
    every = labels.take(np.arange(len(labels))[::-1])
    assert [every.body_of(k) for k in range(len(labels))] == [labels.body_of(k) for k in range(len(labels))][
        ::-1
    ]
    assert len(labels.take(np.zeros(0, np.intp))) == 0


# -- zones --------------------------------------------------------------------------------------------------


def test_zones_apply_to_the_kinds_named() -> None:
    """By default to all; otherwise to those named for each row."""
    volumes = everything().take(np.arange(3))
    assert Zones.of(volumes).applies.all()
    assert Zones.of(volumes).effect == ("", "", "")
    zones = Zones.of(
        volumes,
        applies_to=[(Kind.CREWED,), (), (Kind.GROUND, Kind.UNCREWED)],
        effect=["keep out", "", "call"],
    )
    assert len(zones) == 3
    assert zones.applies.tolist() == [
        [True, False, False, False],
        [False, False, False, False],
        [False, True, True, False],
    ]
    assert zones.effect == ("keep out", "", "call")


@pytest.mark.parametrize("change", [{"applies_to": [()]}, {"effect": ["a", "b", "c", "d"]}])
def test_zones_want_one_value_a_row(change: dict[str, Any]) -> None:
    """Too few kinds or too many effects are refused, not stretched."""
    with pytest.raises(InputError, match="one value a row is needed"):
        Zones.of(everything().take(np.arange(3)), **change)
