"""Awkward pairs of volumes, and tracks beside volumes: seeded, built to lie at a chosen distance.

Law: as in ``awkward.py``: what several tests need is made here from a seed, and every pair is built about
the place where it meets or just does not. The distance aimed at is a nudge beside a buffer; what it is, the
oracle says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import awkward
from awkward import BASE_US, GEOD, go
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    Labels,
    Polygon,
    Trajectories,
    Volume4D,
    Volumes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Shape = Circle | Polygon
S = 1_000_000
"""A second in microseconds."""
NUDGES_M = (0.0, 1e-4, 1e-3, 1e-2, 1.0, 30.0)
"""How far beside a buffer edges lie, either way."""

PLACES: dict[str, Callable[[np.random.Generator, int], tuple[Floats, Floats]]] = {
    "anywhere": awkward._anywhere,
    "antimeridian": awkward._by_the_antimeridian,
    "pole": awkward._by_a_pole,
    "equator": awkward._on_the_equator,
}


def go_one(lat: float, lng: float, azimuth_deg: float, metres: float) -> tuple[float, float, float]:
    """Go along one geodesic: latitude, longitude and direction there, degrees."""
    far_lng, far_lat, back = GEOD.fwd(lng, lat, azimuth_deg, metres)
    return float(far_lat), float(far_lng), float(back) + 180.0


def polygon(lat: ArrayLike, lng: ArrayLike) -> Polygon:
    """A polygon of columns."""
    return Polygon(tuple(zip(np.asarray(lat).tolist(), np.asarray(lng).tolist(), strict=True)))


def star(
    random: np.random.Generator, lat: float, lng: float, radius_m: float, n: int, *, rough: float = 0.6
) -> Polygon:
    """A polygon of n vertices round a place, none of them further than ``radius_m``; either winding."""
    azimuth = (np.arange(n) + random.uniform(0.1, 0.9, n)) * (360.0 / n) + random.uniform(0.0, 360.0)
    far = radius_m * (1.0 - rough * random.random(n))
    if random.random() < 0.5:
        azimuth = azimuth[::-1]
    return polygon(*go(lat, lng, azimuth, far)[:2])


def regular(lat: float, lng: float, radius_m: float, n: int) -> Polygon:
    """A regular polygon."""
    return polygon(*go(lat, lng, np.arange(n) * (360.0 / n), radius_m)[:2])


def outward(shape: Polygon, random: np.random.Generator) -> tuple[float, float, float]:
    """A point on an edge, and the direction at right angles to it away from the inside."""
    vertices = np.array(shape.vertices)
    k = int(random.integers(0, len(vertices)))
    (lat, lng), (lat2, lng2) = vertices[k], vertices[(k + 1) % len(vertices)]
    azimuth, _, metres = GEOD.inv(lng, lat, lng2, lat2)
    lat, lng, heading = go_one(lat, lng, azimuth, float(random.uniform(0.05, 0.95)) * metres)
    area, _ = GEOD.polygon_area_perimeter(vertices[:, 1], vertices[:, 0])
    # counter-clockwise has its inside on the left, so outside is on the right
    return lat, lng, heading + (90.0 if area > 0 else -90.0)


def beside(random: np.random.Generator, shape: Shape, apart_m: float, size_m: float) -> Shape:
    """An outline that points with a vertex at another one, or lies with its rim to it, ``apart_m`` off it."""
    if isinstance(shape, Circle):
        azimuth = float(random.uniform(0.0, 360.0))
        lat, lng, heading = go_one(shape.lat_deg, shape.lng_deg, azimuth, shape.radius_m)
    else:
        lat, lng, heading = outward(shape, random)
    lat, lng, heading = go_one(lat, lng, heading, apart_m)
    if random.random() < 0.3:
        lat, lng, _ = go_one(lat, lng, heading, size_m)
        return Circle(lat, lng, size_m)
    n = int(random.integers(2, 5))
    spread = (np.arange(n) + random.uniform(0.1, 0.9, n)) * (120.0 / n) - 60.0
    far = random.uniform(0.3, 1.0, n) * size_m
    return polygon(*go(lat, lng, heading + np.array([0.0, *spread]), np.array([0.0, *far]))[:2])


@dataclass(frozen=True, slots=True)
class Pair:
    """Two outlines and the buffer that they are tried with."""

    one: Shape
    two: Shape
    buffer_m: float = 0.0


def size_of(random: np.random.Generator, most_m: float, least_m: float = 20.0) -> float:
    """A size between two, small ones as likely as large ones."""
    return float(np.exp(random.uniform(np.log(least_m), np.log(most_m))))


def shape_at(random: np.random.Generator, lat: float, lng: float, size_m: float) -> Shape:
    """A circle or a polygon."""
    if random.random() < 0.3:
        return Circle(lat, lng, size_m)
    return star(random, lat, lng, size_m, int(random.integers(3, 12)))


def nudged_pairs(
    random: np.random.Generator,
    n: int,
    place: str = "anywhere",
    *,
    most_m: float = 50_000.0,
    buffers_m: tuple[float, ...] = (0.0,),
) -> list[Pair]:
    """Pairs whose edges are a nudge beside a buffer apart, either way."""
    lat, lng = PLACES[place](random, n)
    pairs = []
    for k in range(n):
        buffer_m = float(random.choice(buffers_m))
        one = shape_at(random, float(lat[k]), float(lng[k]), size_of(random, most_m))
        apart = buffer_m + float(random.choice(NUDGES_M)) * float(random.choice([-1.0, 1.0]))
        two = beside(random, one, apart, size_of(random, most_m))
        pairs.append(Pair(one, two, buffer_m) if random.random() < 0.5 else Pair(two, one, buffer_m))
    return pairs


def _on_an_edge(random: np.random.Generator, shape: Polygon) -> Polygon:
    """A triangle that has an edge of the polygon for its own, outside of it."""
    vertices = shape.vertices
    at = int(random.integers(0, len(vertices)))
    p, q = vertices[at], vertices[(at + 1) % len(vertices)]
    azimuth, _, metres = GEOD.inv(p[1], p[0], q[1], q[0])
    area, _ = GEOD.polygon_area_perimeter([v[1] for v in vertices], [v[0] for v in vertices])
    lat, lng, _ = go_one(p[0], p[1], azimuth + (40.0 if area > 0 else -40.0), 0.7 * metres)
    return Polygon((q, p, (lat, lng)))


def mixed_pairs(
    random: np.random.Generator, n: int, place: str = "anywhere", *, most_m: float = 50_000.0
) -> list[Pair]:
    """Pairs anyhow near each other: overlapping, one in the other, apart, the same, with a common edge."""
    lat, lng = PLACES[place](random, n)
    pairs = []
    for k in range(n):
        size = size_of(random, most_m)
        one = shape_at(random, float(lat[k]), float(lng[k]), size)
        other = min(size * float(np.exp(random.normal(0.0, 1.0))), most_m)
        off = float(random.uniform(0.0, 1.3)) * (size + other)
        a, b, _ = go_one(float(lat[k]), float(lng[k]), float(random.uniform(0.0, 360.0)), off)
        two: Shape = shape_at(random, a, b, other)
        how = random.random()
        if isinstance(one, Polygon) and how < 0.1:
            two = Polygon(one.vertices[1:] + one.vertices[:1])
        elif isinstance(one, Polygon) and how < 0.25:
            two = _on_an_edge(random, one)
        pairs.append(Pair(one, two))
    return pairs


Change = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Couples:
    """Volumes that are tried in couples, row k against row k, each couple in a window of its own."""

    pairs: list[Pair]
    solid: list[tuple[Volume4D, Volume4D]]
    one: Volumes
    two: Volumes


def couples(pairs: list[Pair], changes: list[tuple[Change, Change]] | None = None) -> Couples:
    """Lay pairs out as volumes; ``changes`` says what is other than open, or than the couple's own window."""
    solid = []
    for k, pair in enumerate(pairs):
        window: Change = {"start_us": BASE_US + 10 * k * S, "end_us": BASE_US + (10 * k + 5) * S}
        more: tuple[Change, Change] = ({}, {}) if changes is None else changes[k]
        solid.append((Volume4D(pair.one, **(window | more[0])), Volume4D(pair.two, **(window | more[1]))))
    one = Volumes.of(Labels.of([f"a{k}" for k in range(len(pairs))]), [a for a, _ in solid])
    two = Volumes.of(Labels.of([f"b{k}" for k in range(len(pairs))]), [b for _, b in solid])
    return Couples(pairs, solid, one, two)


# -- tracks beside volumes --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Passes:
    """Tracks, and volumes that they pass: row k beside row k, each couple in a window of its own."""

    tracks: Trajectories
    solid: list[Volume4D]
    buffer_m: float
    height_m: float

    def __len__(self) -> int:
        return len(self.solid)

    @property
    def volumes(self) -> Volumes:
        """The volumes as columns."""
        return Volumes.of(Labels.of([f"v{k}" for k in range(len(self))]), self.solid)


def _path(
    random: np.random.Generator, shape: Shape, apart_m: float, leg_m: float, how: int
) -> tuple[Floats, Floats]:
    """Three places on the way past an outline: the middle one ``apart_m`` off its edge, or off a vertex."""
    if isinstance(shape, Circle):
        lat, lng, out = go_one(
            shape.lat_deg, shape.lng_deg, float(random.uniform(0.0, 360.0)), shape.radius_m
        )
    elif how == 0:
        lat, lng = shape.vertices[int(random.integers(0, len(shape.vertices)))]
        out = float(random.uniform(0.0, 360.0))
    else:
        lat, lng, out = outward(shape, random)
    lat, lng, out = go_one(lat, lng, out, apart_m)
    turn = float(random.choice([90.0, -90.0])) if how < 2 else float(random.uniform(0.0, 360.0))
    ahead, back = random.uniform(0.2, 1.0, 2) * leg_m
    bend = 0.0 if random.random() < 0.5 else float(random.uniform(-90.0, 90.0))
    a = go_one(lat, lng, out + turn, float(ahead))
    b = go_one(lat, lng, out + turn + 180.0 + bend, float(back))
    return np.array([a[0], lat, b[0]]), np.array([a[1], lng, b[1]])


FLOOR_M, CEILING_M = 1000.0, 2000.0


def _heights(random: np.random.Generator, n: int, height_m: float) -> Floats:
    """Altitudes of samples: level inside, level at the buffer's edge, or climbing through."""
    if random.random() < 0.5:
        return np.full(n, 1500.0)
    if random.random() < 0.3:
        return np.full(n, CEILING_M + height_m + float(random.choice([0.0, -1e-3, 1e-3, -1.0, 1.0])))
    room = 2.0 * height_m + 300.0
    return random.uniform(FLOOR_M - room, CEILING_M + room, n)


def passes(
    random: np.random.Generator,
    n: int,
    place: str = "anywhere",
    *,
    buffer_m: float = 0.0,
    height_m: float = 0.0,
    most_m: float = 50_000.0,
    legs_m: tuple[float, ...] = (300.0, 5_000.0, 30_000.0),
) -> Passes:
    """Tracks of one to three samples that pass outlines a nudge beside the buffer, or anyhow."""
    lat, lng = PLACES[place](random, n)
    columns: list[list[float]] = [[], [], [], []]
    sizes, solid = [0], []
    for k in range(n):
        size = size_of(random, most_m)
        shape = shape_at(random, float(lat[k]), float(lng[k]), size)
        how = int(random.integers(0, 4))
        # exactly at a buffer, the oracle would list every flicker of the last binary digit as a window
        nudges = NUDGES_M if buffer_m == 0.0 else NUDGES_M[1:]
        apart = buffer_m + float(random.choice(nudges)) * float(random.choice([-1.0, 1.0]))
        if how == 3:
            apart = float(random.uniform(-1.0, 1.0)) * (size + buffer_m)
        leg = float(random.choice(legs_m))
        a, b = _path(random, shape, apart, leg, how)
        seconds = np.cumsum([0.0, *(1.0 + leg / random.uniform(20.0, 300.0, 2))])
        kind = random.random()
        if kind < 0.1:  # a single sample, beside the edge
            a, b, seconds = a[1:2], b[1:2], seconds[:1]
        elif kind < 0.2:  # hovering there
            a, b = np.full(3, a[1]), np.full(3, b[1])
        elif kind < 0.3:  # two samples at once
            seconds[1] = seconds[0]
        start = BASE_US + 1_000_000 * k * S
        window = [start - S, start + 500_000 * S]
        if random.random() < 0.3:
            window = [start + round(x * S) for x in np.sort(random.uniform(0.0, float(seconds[-1]) + 1.0, 2))]
            window[1] += 1
        elif random.random() < 0.1:
            window[1] = start + round(float(seconds[-1]) * S)  # the last sample is when it closes
        lower = Altitude(FLOOR_M, AltitudeReference.STD) if random.random() < 0.9 else None
        upper = Altitude(CEILING_M, AltitudeReference.STD) if random.random() < 0.9 else None
        solid.append(Volume4D(shape, lower, upper, window[0], window[1]))
        sizes.append(a.shape[0])
        high = _heights(random, a.shape[0], height_m)
        for column, values in zip(columns, (start + np.rint(seconds * S), a, b, high), strict=True):
            column.extend(values.tolist())
    tracks = Trajectories.of(
        Labels.of([f"t{k}" for k in range(n)]),
        np.cumsum(sizes),
        np.array(columns[0]).astype(np.int64),
        columns[1],
        columns[2],
        columns[3],
        reference=AltitudeReference.STD,
    )
    return Passes(tracks, solid, buffer_m, height_m)
