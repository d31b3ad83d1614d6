"""Boxes: what meets is found, wherever on earth, however large."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.airspace import Circle, Labels, Polygon, Volume4D, Volumes, earth
from skypact.airspace.boxes import LatLngBox, boxes
from skypact.airspace.labels import DataMode, Kind
from skypact.check import conflicts
from skypact.errors import GeometryError

if TYPE_CHECKING:
    from collections.abc import Sequence

PLACES = [
    (90.0, 0.0),
    (-90.0, 17.0),
    (89.99, -120.0),
    (80.0, 30.0),
    (79.9, 179.999),
    (-79.999, -180.0),
    (65.0, 180.0),
    (50.0, 5.0),
    (0.0, -180.0),
    (0.0, 0.0),
    (-0.001, 179.9999),
    (22.5, -45.0),
    (45.0, 90.0),
]
"""Poles, the edge of the polar cap, the antimeridian, the equator."""


def volumes_of(outlines: Sequence[Circle | Polygon]) -> Volumes:
    """Each a volume of its own, without limits of altitude or time."""
    labels = Labels.of(
        [f"v{k}" for k in range(len(outlines))], party="p", kind=Kind.UNCREWED, data_mode=DataMode.EXERCISE
    )
    return Volumes.of(labels, [Volume4D(outline) for outline in outlines])


def box_of(outline: Circle | Polygon) -> LatLngBox:
    """The box of one outline."""
    return boxes(volumes_of([outline]))[0]


def turned(box: LatLngBox) -> list[LatLngBox]:
    """A box in each of the ways to write its longitudes."""
    return [box._replace(west=box.west + t, east=box.east + t) for t in (-360.0, 0.0, 360.0)]


def meets(one: LatLngBox, two: LatLngBox) -> bool:
    """Whether two boxes share a point."""
    across = any(one.west <= b.east and b.west <= one.east for b in turned(two))
    return across and one.south <= two.north and two.south <= one.north


def holds(outer: LatLngBox, inner: LatLngBox) -> bool:
    """Whether one box lies in another."""
    across = any(outer.west <= b.west and b.east <= outer.east for b in turned(inner))
    return across and outer.south <= inner.south and inner.north <= outer.north


def moved(lat: float, lng: float, bearing: float, metres: float) -> tuple[float, float]:
    """A place so far away."""
    far_lng, far_lat, _ = earth.geod().fwd(lng, lat, bearing, metres)
    return float(far_lat), float(far_lng)


def ring(lat: float, lng: float, radius_m: float, rng: np.random.Generator, n: int) -> Polygon:
    """A polygon around a place, a star that does not cross itself; a sliver now and then."""
    flat = 0.02 if rng.random() < 0.3 else 1.0
    bearings = np.sort(rng.uniform(0.0, 360.0, n))
    reach = radius_m * rng.uniform(0.3, 1.0, n)
    reach *= np.hypot(flat * np.cos(np.radians(bearings)), np.sin(np.radians(bearings)))
    return Polygon(tuple(moved(lat, lng, float(b), float(r)) for b, r in zip(bearings, reach, strict=True)))


def crowd(lat: float, lng: float, size_m: float, seed: int) -> Volumes:
    """Some outlines about a place, of sizes up to a hundred times different, many of which meet."""
    rng = np.random.default_rng(seed)
    outlines: list[Circle | Polygon] = []
    while len(outlines) < 14:
        radius_m = min(size_m * 10.0 ** rng.uniform(-2.0, 0.0), 1_000_000.0)
        at = moved(lat, lng, float(rng.uniform(0.0, 360.0)), float(rng.uniform(0.0, 1.5)) * size_m)
        outline = (
            Circle(*at, radius_m) if rng.random() < 0.4 else ring(*at, radius_m, rng, int(rng.integers(3, 9)))
        )
        try:
            volumes_of([outline])
        except GeometryError:
            continue
        outlines.append(outline)
    return volumes_of(outlines)


def missed(volumes: Volumes) -> list[str]:
    """Pairs that the engine finds to meet and the boxes do not."""
    found = conflicts(volumes)
    of = boxes(volumes)
    return [
        f"{a} and {b}: {of[a]} {of[b]}"
        for a, b in zip(found.a.tolist(), found.b.tolist(), strict=True)
        if not meets(of[a], of[b])
    ]


@pytest.mark.unmeasured
@given(
    place=st.sampled_from(PLACES),
    power=st.floats(0.0, 6.0),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=120)
def test_what_meets_is_found_by_boxes(place: tuple[float, float], power: float, seed: int) -> None:
    """Any two volumes that the engine finds to meet have boxes that share a point."""
    volumes = crowd(*place, 10.0**power, seed)
    assert missed(volumes) == []


@pytest.mark.unmeasured
@given(
    lat=st.floats(-90.0, 90.0),
    lng=st.floats(-180.0, 180.0),
    power=st.floats(0.0, 6.0),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=80)
def test_boxes_hold_the_points_of_their_outlines(lat: float, lng: float, power: float, seed: int) -> None:
    """Every point of an outline, and of a circle's edge, lies in its box."""
    volumes = crowd(lat, lng, 10.0**power, seed)
    for i, box in enumerate(boxes(volumes)):
        if volumes.radius_m[i]:
            centre = float(volumes.lat_deg[volumes.offsets[i]]), float(volumes.lng_deg[volumes.offsets[i]])
            points = [moved(*centre, b, float(volumes.radius_m[i])) for b in range(0, 360, 15)]
        else:
            rings = volumes.outlines
            lats, lngs = earth.positions(rings.point[rings.offsets[i] : rings.offsets[i + 1]])
            points = list(zip(lats.tolist(), lngs.tolist(), strict=True))
        for at in points:
            assert box.south <= at[0] <= box.north
            assert any(box.west <= at[1] + turn <= box.east for turn in (-360.0, 0.0, 360.0))
        assert -180.0 <= box.west <= 180.0
        assert box.east <= box.west + 360.0


def test_the_inside_of_a_wide_ring_around_a_pole_is_in_its_box() -> None:
    """A ring of 3,800 km about a pole holds the pole, though its middle lies deep under the ground."""
    wide = Polygon(tuple((56.0, lng) for lng in range(-180, 180, 15)))
    off_centre = Polygon(tuple(moved(75.0, 10.0, float(b), 3_000_000.0) for b in range(0, 360, 20)))
    for outline in (wide, off_centre):
        box = box_of(outline)
        assert box.north == 90.0
        assert box.east - box.west == 360.0
        volumes = volumes_of([outline, Circle(90.0, 0.0, 10.0), Circle(89.0, 170.0, 10.0)])
        assert missed(volumes) == []


def test_a_leg_that_bulges_to_the_pole_is_in_the_box() -> None:
    """The middle of a leg of 1,000 km along a parallel lies kilometres north of it; the box knows."""
    box = box_of(Polygon(((70.0, 0.0), (70.0, 26.0), (69.9, 13.0))))
    assert box.north > 70.3
    short = box_of(Polygon(((79.0, 0.0), (79.0, 1.1), (78.9, 0.5))))
    middle = moved(79.0, 0.0, earth.geod().inv(0.0, 79.0, 1.1, 79.0)[0], 11_700.0)
    assert short.north >= middle[0] > 79.0


def test_antimeridian_boxes_are_one() -> None:
    """A polygon across the antimeridian has a narrow box, written either way."""
    there = box_of(Polygon(((10.0, 179.9), (10.0, -179.9), (10.1, 180.0))))
    assert there.west == pytest.approx(179.9, abs=0.01)
    assert there.east == pytest.approx(180.1, abs=0.01)
    east_of_it = box_of(Circle(10.05, -179.95, 100.0))
    west_of_it = box_of(Circle(10.05, 179.95, 100.0))
    far = box_of(Circle(10.05, 0.0, 100.0))
    assert meets(there, east_of_it)
    assert meets(east_of_it, there)
    assert meets(there, west_of_it)
    assert not meets(there, far)
    assert holds(there, east_of_it)
    assert holds(there, west_of_it)
    assert not holds(there, far)
    assert not holds(east_of_it, there)


def test_neighbours_are_not_everybody() -> None:
    """Boxes two diameters apart do not meet, nor those above or below each other."""
    here = box_of(Circle(50.0, 5.0, 1_000.0))
    assert not meets(here, box_of(Circle(*moved(50.0, 5.0, 90.0, 4_000.0), 1_000.0)))
    assert not meets(here, box_of(Circle(*moved(50.0, 5.0, 0.0, 4_000.0), 1_000.0)))
    assert not meets(box_of(Circle(*moved(50.0, 5.0, 0.0, 4_000.0), 1_000.0)), here)
    assert not holds(here, box_of(Circle(50.02, 5.0, 1_000.0)))


def test_a_box_is_not_much_too_large() -> None:
    """The box of a drone's polygon is at most some hundred metres wider than it."""
    box = box_of(Polygon(((50.0, 5.0), (50.0, 5.01), (50.01, 5.01), (50.01, 5.0))))
    assert box.south == pytest.approx(50.0, abs=0.001)
    assert box.north == pytest.approx(50.01, abs=0.001)
    assert box.west == pytest.approx(5.0, abs=0.006)
    assert box.east == pytest.approx(5.01, abs=0.006)


def test_all_the_earth_can_be_in_a_box() -> None:
    """The box of a disc about the pole goes all the way round, and ends at the pole."""
    box = box_of(Circle(89.0, 0.0, 900_000.0))
    assert (box.north, box.east - box.west) == (90.0, 360.0)
    wide = box_of(Circle(84.0, 0.0, 640_000.0))
    assert wide.north < 90.0
    assert wide.east - wide.west < 180.0
    assert math.isclose((wide.west + wide.east) / 2.0, 0.0, abs_tol=1e-6)
