"""The kernels of volumes as plain Python: small sets of awkward things, against the oracle.

Run with ``NUMBA_DISABLE_JIT=1`` (``make kernels`` does), so that coverage sees inside.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import awkward
from agree_volumes import couples_disagree, passes_disagree
from awkward import BASE_US, box, rng, track
from awkward_volumes import PLACES, S, couples, go_one, mixed_pairs, nudged_pairs, passes, polygon, regular
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    Labels,
    Minima,
    Polygon,
    Rule,
    Separation,
    Trajectories,
    Volume4D,
    Volumes,
    earth,
)
from skypact.airspace.earth import surface_points
from skypact.check import Index, Reason, conflicts, inside
from skypact.check import _boxes as boxes
from skypact.check import _solid as solid
from skypact.errors import GeometryError

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("NUMBA_DISABLE_JIT") != "1", reason="measures kernels: run with NUMBA_DISABLE_JIT=1"
    ),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered:RuntimeWarning"),
]

AMSL, STD, W84, AGL = (
    AltitudeReference.AMSL,
    AltitudeReference.STD,
    AltitudeReference.W84,
    AltitudeReference.AGL,
)
SQUARE = box(34.0, 38.0, 34.2, 38.2)


def volumes(*solid: Volume4D, prefix: str = "v") -> Volumes:
    """Volumes v0, v1 ..."""
    return Volumes.of(Labels.of([f"{prefix}{k}" for k in range(len(solid))]), list(solid))


@pytest.mark.parametrize("place", sorted(PLACES))
def test_couples_agree_with_the_oracle(place: str) -> None:
    """Anyhow, nearly touching, and at buffers."""
    assert couples_disagree(couples(mixed_pairs(rng(1), 25, place))) == []
    assert couples_disagree(couples(nudged_pairs(rng(2), 25, place))) == []
    pairs = nudged_pairs(rng(3), 25, place, buffers_m=(30.0, 9260.0, 100_000.0))
    assert couples_disagree(couples(pairs)) == []


@pytest.mark.parametrize(("buffer_m", "height_m"), [(0.0, 0.0), (30.0, 10.0), (9260.0, 304.8)])
def test_passes_agree_with_the_oracle(buffer_m: float, height_m: float) -> None:
    """Tracks past volumes, with and without a buffer."""
    tried = passes(rng(4), 12, buffer_m=buffer_m, height_m=height_m, most_m=8_000.0)
    minima = Minima(buffer_m, height_m) if buffer_m else None
    assert passes_disagree(tried, conflicts(tried.tracks, tried.volumes, separation=minima)) == []


def test_awkward_volumes_meet_each_other_as_they_should() -> None:
    """All of them against all, and the pairs that touch among them."""
    held = Volumes.of(Labels.of(list(awkward.VOLUMES)), list(awkward.VOLUMES.values()))
    found = conflicts(held)
    pairs = {(found.labels_a.ids[row.a], found.labels_b.ids[row.b]) for row in found}
    for name in (
        "touches plain's east edge",
        "touches plain's corner",
        "touches plain's ceiling",
        "inside plain",
    ):
        assert ("plain", name) in pairs
    assert ("plain", "begins as plain ends") not in pairs


def test_outlines_that_are_none_are_told_apart() -> None:
    """Crossings, hidden crossings, lines, points, and what only touches itself."""
    for outline in (
        *awkward.BAD_OUTLINES.values(),
        Polygon(((0.0, 0.0), (0.0, 1.0), (1.0, 1.0)) * 2),
        Polygon(((-1.0, 0.0), (1.0, 0.0), (0.5, 1.0), (0.0, 0.0), (0.5, -1.0))),
        Polygon(((10.0, 20.0), (11.0, 20.0), (12.0, 20.0), (11.5, 20.0))),
        Polygon(((34.0, 38.0), (34.0, 38.0 + 1e-14), (34.0, 38.0 + 2e-14))),
        Polygon(((34.0, 38.0), (34.0, 38.00000001), (34.00000001, 38.0), (34.0, 38.0), (34.0, 38.00000001))),
        Polygon(((0.0, 0.0), (0.0, 100.0), (80.0, 50.0))),
    ):
        with pytest.raises(GeometryError):
            volumes(Volume4D(outline))
    spike = Polygon(((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 2.0), (1.0, 1.0), (1.0, 0.0)))
    twice = Polygon(((0.0, 0.0), (0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 1.0)))
    assert len(volumes(Volume4D(spike), Volume4D(twice), Volume4D(regular(52.0, 5.0, 1000.0, 70)))) == 2 + 1


def test_altitudes_compare_or_are_listed() -> None:
    """Same, convertible and incomparable references; known gaps that settle unknown ones; no altitude."""
    bands = [
        (Altitude(0.0, AMSL), Altitude(100.0, AMSL)),
        (Altitude(250.0, W84), Altitude(300.0, W84)),
        (Altitude(90.0, W84), Altitude(300.0, W84)),
        (Altitude(0.0, STD), Altitude(100.0, STD)),
        (Altitude(0.0, STD), Altitude(100.0, AMSL)),
        (Altitude(100.001, AMSL), Altitude(250.0, AGL)),
        (None, Altitude(50.0, AMSL)),
        (Altitude(100.0, AMSL), None),
    ]
    found = conflicts(volumes(*(Volume4D(SQUARE, *band) for band in bands)), separation=Minima(0.0, 30.0))
    pairs = {(row.a, row.b) for row in found}
    assert {(0, 2), (4, 5), (0, 6), (0, 7)} <= pairs
    turned = conflicts(
        volumes(Volume4D(SQUARE, *bands[5]), Volume4D(SQUARE, *bands[4])), separation=Minima(0.0, 30.0)
    )
    assert turned.vertical_m.tolist() == pytest.approx([1e-3])
    assert (0, 1) not in pairs
    assert (0, 3) in set(zip(found.unchecked.a.tolist(), found.unchecked.b.tolist(), strict=True))
    paths = [
        track("w84", [0, 60], [34.1] * 2, [38.1, 38.11], [0.0, 300.0], reference=W84),
        track("amsl", [0, 60], [34.1] * 2, [38.1, 38.11], [400.0, 0.0], reference=AMSL),
        track("lost", [0, 30, 60], [34.1] * 3, [38.1] * 3, [50.0, np.nan, 50.0], reference=AMSL),
        track("std", [0], [34.1], [38.1], 50.0),
    ]
    tracks = Trajectories.concat(paths)
    seen = conflicts(tracks, volumes(*(Volume4D(SQUARE, *band) for band in bands)))
    named = {(seen.labels_a.ids[row.a], row.b) for row in seen}
    assert {("w84", 0), ("w84", 1), ("amsl", 0), ("amsl", 1), ("std", 3)} <= named
    reasons = set(seen.unchecked.reason.tolist())
    assert reasons == {Reason.ALTITUDE_UNKNOWN, Reason.ALTITUDE_INCOMPARABLE}


def test_rules_leave_pairs_of_tracks_unchecked_and_bodies_alone() -> None:
    """Nothing meets its own body; what no rule covers is met without a buffer, or listed."""
    rules = Separation((Rule("drones", ("uncrewed", "uncrewed"), Minima(50.0, 15.0)),))
    held, path = volumes(Volume4D(SQUARE), Volume4D(SQUARE)), track("v0", [0, 60], [34.1] * 2, [38.1] * 2)
    found = conflicts([held, path], separation=rules)
    assert {(row.a, row.b) for row in found} == {(0, 1), (1, 2)}
    index = Index(rules)
    index.insert(path)
    assert index.query(track("t", [0], [34.1], [38.1]))[0].unchecked.no_rule_pairs == 1
    own = inside(track("v0", [0, 60], [34.1] * 2, [38.1, 38.3]), held, max_gap_s=None)
    assert own.horizontal_m[0] == pytest.approx(9_200.0, rel=0.01)


def test_far_and_wide_outlines_are_measured_edge_by_edge() -> None:
    """A claw whose tips are nearly equally far; saws side by side; many edges within a buffer."""
    azimuths = np.array([0.0, 3.0, 45.0, 87.0, 90.0, 80.0, 45.0, 10.0])
    metres = np.array([898_000.0, 1.26e6, 1.44e6, 1.26e6, 900_000.0, 1.1e6, 1.2e6, 1.1e6])
    far = [go_one(0.0, 0.0, float(a), float(m)) for a, m in zip(azimuths, metres, strict=True)]
    claw = polygon([p[0] for p in far], [p[1] for p in far])
    found = conflicts(
        volumes(Volume4D(claw), Volume4D(Circle(0.0, 0.0, 500_000.0))), separation=Minima(450_000.0, 0.0)
    )
    assert found.horizontal_m[0] == pytest.approx(398_000.0, abs=0.1)
    rings = volumes(Volume4D(regular(52.0, 5.0, 5_000.0, 40)), Volume4D(regular(52.0, 5.2, 5_000.0, 40)))
    for reach, expected in ((3_000.0, 0), (5_000.0, 1)):
        assert len(conflicts(rings, separation=Minima(reach, 0.0))) == expected
    path = track("t", [0, 60], [52.0, 52.001], [5.0, 5.001])
    assert conflicts(path, rings, separation=Minima(9260.0, 300.0)).horizontal_m.tolist()[0] == 0.0
    # one window from two lobes, whose spans are joined out of order
    lobes = polygon([0.0, 0.0, 0.3, 0.3, 0.05, 0.05, 0.3, 0.3], [0.0, 0.6, 0.6, 0.35, 0.35, 0.25, 0.25, 0.0])
    two = conflicts(
        track("t", [0, 900], [0.34, 0.34], [-0.3, 0.9]),
        volumes(Volume4D(lobes)),
        separation=Minima(4_600.0, 0.0),
    )
    assert len(two) == 2


def some_boxes(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes at the poles, about the antimeridian, and everywhere; huge, tiny and timeless ones."""
    random = rng(seed)
    lat = random.choice([90.0, -90.0, 89.999, 0.0, 34.0], n) * random.choice([1.0, 0.999], n)
    lng = random.choice([180.0, -180.0, 0.0, 12.0, 179.99], n)
    box_of = np.empty((n, boxes.BOX_COLUMNS))
    box_of[:, : boxes.R] = surface_points(lat, lng)
    box_of[:, boxes.R] = random.choice([0.0, 1.0, 500.0, 40_000.0, 3e6], n)
    box_of[:, boxes.LOW], box_of[:, boxes.HIGH] = random.choice([-np.inf, 0.0, 500.0], n), 600.0
    box_of[:, boxes.T0] = random.choice([-np.inf, 0.0, 1e6], n)
    box_of[:, boxes.T1] = random.choice([np.inf, 1e6 + 16.0, 2e6], n)
    return box_of, random.choice([-1, 0, 1], n).astype(np.int8)


def test_the_grid_names_every_pair_that_could_meet() -> None:
    """Against all pairs, while boxes come and go and the grid grows."""
    (one, ref), (two, other) = some_boxes(70, 1), some_boxes(90, 2)

    def must(a: np.ndarray, ref_a: np.ndarray, b: np.ndarray, ref_b: np.ndarray) -> set[tuple[int, int]]:
        pairs = set()
        for i in range(len(a)):
            for j in range(len(b)):
                near = np.linalg.norm(a[i, :3] - b[j, :3]) <= 10.0 + a[i, boxes.R] + b[j, boxes.R]
                together = a[i, boxes.T0] <= b[j, boxes.T1] and b[j, boxes.T0] <= a[i, boxes.T1]
                level = (
                    a[i, boxes.LOW] <= b[j, boxes.HIGH] + 5.0 and b[j, boxes.LOW] <= a[i, boxes.HIGH] + 5.0
                )
                if near and together and (level or ref_a[i] != ref_b[j] or ref_a[i] == boxes.MIXED):
                    pairs.add((i, j))
        return pairs

    def named(pairs: np.ndarray) -> set[tuple[int, int]]:
        return {(int(i), int(j)) for i, j in pairs}

    assert named(boxes.pairs_between(one, ref, two, other, 10.0, 5.0)) == must(one, ref, two, other)
    assert named(boxes.pairs_between(two, other, one, ref, 10.0, 5.0)) == must(two, other, one, ref)
    within = {(i, j) for i, j in must(one, ref, one, ref) if i < j}
    assert named(boxes.pairs_within(one, ref, 10.0, 5.0)) == within
    grid = boxes.BoxGrid(10.0)
    slots = grid.insert(one, ref)
    grid.remove(slots[::2])
    slots = np.concatenate([slots[1::2], grid.insert(two, other)])
    there, refs = np.concatenate([one[1::2], two]), np.concatenate([ref[1::2], other])
    found = named(grid.near(one, ref, 10.0, 5.0))
    assert found == {(i, int(slots[j])) for i, j in must(one, ref, there, refs)}
    tiny = np.repeat(one[:1], 3_000, axis=0)
    tiny[:, : boxes.R] = surface_points(np.linspace(-89.9, 89.9, 3_000), np.linspace(-180.0, 180.0, 3_000))
    tiny[:, boxes.R :] = 10.0, 0.0, 1.0, 0.0, 16.0
    flat = np.zeros(3_000, np.int8)
    assert len(boxes.pairs_within(tiny, flat, 1.0, 0.0)) == 0


def test_windows_of_volumes_cut_legs() -> None:
    """A leg before, across and after a window; instants at its ends."""
    timed = volumes(Volume4D(SQUARE, None, None, BASE_US + 10 * S, BASE_US + 20 * S))
    for seconds, expected in (
        ([0, 5], 0),
        ([0, 15], 1),
        ([20, 30], 0),
        ([10], 1),
        ([20], 0),
        ([0, 5, 5, 12], 1),
    ):
        n = len(seconds)
        assert len(conflicts(track("t", seconds, [34.1] * n, [38.1] * n), timed)) == expected


def test_a_stadium_is_met_in_one_piece_whatever_its_edge() -> None:
    """Edges of no length, at right angles to the stretch, along it, beside it and beyond it."""
    spans = solid._span_of_edge(5.0, 0.5, 5.0, 0.5, 0.0, 10.0, 1.0)
    assert spans == pytest.approx((5.0 - 0.75**0.5, 5.0 + 0.75**0.5, 0.5, 5.0))
    assert solid._span_of_edge(5.0, 2.0, 5.0, 2.0, 0.0, 10.0, 1.0)[0] == 1.0
    assert solid._span_of_edge(5.0, -3.0, 5.0, 4.0, 0.0, 10.0, 1.0) == pytest.approx((4.0, 6.0, 0.0, 5.0))
    assert solid._span_of_edge(5.0, 2.0, 5.0, 4.0, 0.0, 10.0, 1.0)[:2] == (1.0, 0.0)
    assert solid._span_of_edge(2.0, 0.5, 8.0, 0.5, 0.0, 10.0, 0.5) == pytest.approx((2.0, 8.0, 0.5, 2.0))
    assert solid._span_of_edge(2.0, 1.5, 8.0, 1.5, 0.0, 10.0, 0.5)[:2] == (1.0, 0.0)
    assert solid._span_of_edge(12.0, -1.0, 11.0, 3.0, 0.0, 10.0, 3.0)[3] == 10.0


def test_spans_grow_sort_and_join() -> None:
    """More than there is room for, out of order, touching and apart; of equals the first is the nearest."""
    spans = np.empty((2, 4))
    starts = [7.0, 1.0, 3.0, 5.0, 2.0, 9.0]
    for n, start in enumerate(starts):
        spans = solid._put(spans, n, start, start + 1.0, 4.0, start + 0.5)
    assert solid._merged(spans, len(starts)) == 4
    assert spans[:4, 0].tolist() == [1.0, 5.0, 7.0, 9.0]
    assert spans[0].tolist() == [1.0, 4.0, 4.0, 1.5]


def test_where_a_distance_is_reached_along_a_leg() -> None:
    """Inside already, never inside, and in between; a foot on a leg that does not move."""
    point = surface_points([0.0, 0.0, 0.0], [0.0, 0.1, 0.3])
    tangent = earth.end_tangents(*point[0], *point[1])
    rim = (point, 0, 1, tangent, point, 2, 2, 15_000.0)
    assert solid._edge_of(0.0, 1.0, 30_000.0, *rim) == 0.0
    assert solid._edge_of(0.0, 1.0, 1.0, *rim) == 1.0
    at = solid._edge_of(0.0, 1.0, 10_000.0, *rim)
    assert (0.3 - 0.1 * at) * np.pi / 180.0 * 6_378_137.0 == pytest.approx(25_000.0, abs=1e-3)
    still = earth.end_tangents(*point[0], *point[0])
    x, y, z = point[2].tolist()
    assert solid._foot_on_leg(x, y, z, 0.25, 0.75, point, 0, 0, still) == 0.25


def test_legs_beside_outlines_by_hairs() -> None:
    """On the edge, a micrometre off, two, and hovering near; circles from within, towards and past."""
    south = volumes(Volume4D(Polygon(((0.0, 0.0), (0.0, 0.002), (-0.001, 0.001)))))
    for metres, expected in ((0.0, 1), (0.5e-6, 1), (1.7e-6, 0), (1.0, 0)):
        lat = metres / 110_574.0
        assert len(conflicts(track("t", [0, 60], [lat, lat], [0.0005, 0.0015]), south)) == expected
        assert len(conflicts(track("t", [0, 60], [lat, lat], [0.001, 0.001]), south)) == expected
    circle = volumes(Volume4D(Circle(0.0, 0.0, 10_000.0)))
    for lng, minima, seconds in (
        ([0.01, 0.02], None, [60.0]),
        ([0.2, 0.1], Minima(3_000.0, 0.0), [10.0]),
        ([-0.2, 0.2], None, [27.0]),
        ([0.2, 0.3], Minima(3_000.0, 0.0), []),
    ):
        found = conflicts(track("t", [0, 60], [0.0, 0.0], lng), circle, separation=minima)
        assert found.duration_s.tolist() == pytest.approx(seconds, abs=1.0)
    own = inside(track("v0", [0, 60], [0.0, 0.0], [0.0, 0.2]), circle, max_gap_s=None)
    assert own.horizontal_m[0] == pytest.approx(12_263.0, abs=2.0)


def test_circles_of_one_middle_and_edges_of_no_length() -> None:
    """Concentric circles have their middle in common; a vertex said twice is an edge of no length."""
    found = conflicts(volumes(Volume4D(Circle(52.0, 5.0, 100.0)), Volume4D(Circle(52.0, 5.0, 200.0))))
    assert (found.lat_deg[0], found.lng_deg[0]) == (pytest.approx(52.0), pytest.approx(5.0))
    twice = Polygon((SQUARE.vertices[0], *SQUARE.vertices))
    assert len(conflicts(volumes(Volume4D(twice), Volume4D(Circle(34.1, 38.25, 5_000.0))))) == 1
