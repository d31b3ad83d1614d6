"""Cells: where a volume lies, coarsely, as whole numbers that any database can index.

Law: a cover may name a cell too many, never one too few. Two volumes that share a point share a cell name
between the *entry* of one and the *question* of the other; whether they meet is not decided here.

How it works. The earth is cut into squares of latitude and longitude on seven levels, each a quarter of the
width of the last, from 45 degrees to 0.011 (1.2 km of latitude). A volume is entered on the finest level on
which it lies in at most :data:`SPREAD` by :data:`SPREAD` cells, and again in the cells of every coarser level
that lie above these, so that a question of any size needs to look at few cells: it looks

- on its own level at all entries there, those that were entered for finer volumes too, and
- on every coarser level, in the cells above, at those entries only that are at home there
  (:attr:`Cover.home`).

A volume's extent is taken from the points of its outline (legs of at most 25 km) and widened by what a
geodesic bulges between two of them; from its ball where it comes near a pole or is a circle.

Known limits: near a pole a volume lies in all cells around it, of a coarse level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import earth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.airspace.volumes import Volumes

LEVELS: Final = 7
WIDEST_DEG: Final = 45.0
RATIO: Final = 4
_SIZES: Final = tuple(WIDEST_DEG / RATIO**level for level in range(LEVELS))
_AROUND: Final = tuple(round(360.0 / size) for size in _SIZES)
SPREAD: Final = 2
"""A volume is at home on the finest level on which it lies in at most so many cells each way."""
_POLAR_DEG: Final = 80.0
_SMALL_M: Final = 100_000.0
"""Within so many metres of its middle, and with every vertex below 80 degrees, a ring is far from a pole."""
_M_PER_DEG: Final = 110_574.0
"""The least length of a degree of latitude, at the equator; rounded down."""
_R_LEAST_M: Final = 6_335_000.0
"""The least radius of curvature of a geodesic, a meridian's at the equator; rounded down."""
_BULGE_A_M2: Final = 1.2e-7
"""``tan(80.5 deg) / 8 R``, rounded up: metres that a leg bulges to the pole, for each metre of it squared."""
_WIDE_DEG: Final = 1e-4
"""More than the rounding below in longitude at 80 degrees."""
_ROUNDING_M: Final = 1.0
_ROUNDING_DEG: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Cover:
    """The box of one volume, and its cells.

    Attributes
    ----------
    south, north, west, east
        Degrees; never too small. ``west`` is in [-180, 180), ``east`` at most 360 more than it.
    home
        Cells of the level where it is at home.
    above
        Cells of all coarser levels.
    """

    south: float
    north: float
    west: float
    east: float
    home: tuple[int, ...]
    above: tuple[int, ...]

    def meets(self, other: Cover) -> bool:
        """Whether the two boxes share a point."""
        if self.south > other.north or other.south > self.north:
            return False
        return any(
            self.west <= other.east + turn and other.west + turn <= self.east for turn in (-360.0, 0.0, 360.0)
        )

    def holds(self, other: Cover) -> bool:
        """Whether the other box lies in this one."""
        if not (self.south <= other.south and other.north <= self.north):
            return False
        return any(
            self.west <= other.west + turn and other.east + turn <= self.east for turn in (-360.0, 0.0, 360.0)
        )


def _name(level: int, row: int, column: int) -> int:
    return (level << 34) | (row << 17) | column


def covers(volumes: Volumes) -> list[Cover]:
    """The cover of each volume, in order."""
    return [_cover(*box) for box in _boxes(volumes)]


def _boxes(volumes: Volumes) -> list[tuple[float, float, float, float]]:
    """South, north, west and width in degrees of each volume, never too small."""
    shape = volumes.outlines
    vertices, points = volumes.offsets.tolist(), shape.offsets.tolist()
    radii, balls = volumes.radius_m.tolist(), shape.ball[:, 3].tolist()
    legs = shape.leg_m.tolist()
    boxes = []
    for i in range(len(volumes)):
        own = slice(vertices[i], vertices[i + 1])
        if radii[i] != 0.0:
            centre = float(volumes.lat_deg[own.start]), float(volumes.lng_deg[own.start])
            boxes.append(_around(*centre, (radii[i] + _ROUNDING_M) / _M_PER_DEG))
            continue
        uncut = points[i + 1] - points[i] == own.stop - own.start
        lats, lngs = volumes.lat_deg[own].tolist(), volumes.lng_deg[own].tolist()
        if not (uncut and balls[i] <= _SMALL_M and min(lats) >= -_POLAR_DEG and max(lats) <= _POLAR_DEG):
            ring = np.ascontiguousarray(shape.point[points[i] : points[i + 1]])
            lat, lng, reach = _disc(ring, shape.ball[i, :3])
            if abs(lat) + reach > _POLAR_DEG:
                boxes.append(_around(lat, lng, reach))
                continue
            lats, lngs = (column.tolist() for column in earth.positions(ring))
            boxes.append(_ring_box(lats, lngs, lng, legs[i]))
            continue
        boxes.append(_ring_box(lats, lngs, lngs[0], legs[i]))
    return boxes


def _ring_box(
    lats: list[float], lngs: list[float], middle: float, leg_m: float
) -> tuple[float, float, float, float]:
    """The box of a ring that is far from the poles and less than half way round from its middle.

    A leg of length L bulges ``L^2 tan(lat) / 8 R`` to the pole; it is nowhere further east or west than at
    its ends.
    """
    turns = [(lng - middle + 180.0) % 360.0 - 180.0 for lng in lngs]
    west, east = middle + min(turns) - _WIDE_DEG, middle + max(turns) + _WIDE_DEG
    slack = (leg_m * leg_m * _BULGE_A_M2 + _ROUNDING_M) / _M_PER_DEG
    return min(lats) - slack, max(lats) + slack, west, east - west


def _disc(ring: NDArray[np.float64], middle: NDArray[np.float64]) -> tuple[float, float, float]:
    """A disc that holds a ring and its inside: the degrees of its centre, and its reach in degrees.

    A disc under a quarter of the way round is convex, so what holds the points holds edges and inside too.
    A geodesic is nowhere bent more than a meridian at the equator, of radius ``R_MIN_M``: the arc over a
    chord is at most that circle's.
    """
    scaled = middle / np.array([earth.A_M, earth.A_M, earth.B_M])
    centre = middle / math.sqrt(float(scaled @ scaled))
    lat, lng = earth.positions(np.ascontiguousarray(centre[np.newaxis]))
    chord_m = float(np.sqrt(((ring - centre) ** 2).sum(axis=1).max())) + _ROUNDING_M
    arc_m = 2.0 * _R_LEAST_M * math.asin(min(chord_m / (2.0 * _R_LEAST_M), 1.0))
    return float(lat[0]), float(lng[0]), arc_m / _M_PER_DEG


def _around(lat: float, lng: float, reach: float) -> tuple[float, float, float, float]:
    """The box of a disc; ``reach`` is in degrees of the shortest metres, so that it is a sphere's that holds.

    The ellipsoid's degrees, of latitude and longitude alike, are nowhere shorter than ``_M_PER_DEG`` times
    what they would be on the unit sphere: what is near on the ellipsoid is at least as near on that sphere.
    """
    south, north = lat - reach, lat + reach
    if south <= -90.0 or north >= 90.0:
        return max(south, -90.0), min(north, 90.0), -180.0, 360.0
    sine = math.sin(math.radians(reach)) / math.cos(math.radians(lat))  # under 1: no pole is in reach
    wide = math.degrees(math.asin(min(sine, 1.0))) + _ROUNDING_DEG
    return south, north, lng - wide, 2.0 * wide


def _cover(south: float, north: float, west: float, width: float) -> Cover:
    home: tuple[int, ...] = ()
    above: list[int] = []
    for level in range(LEVELS - 1, -1, -1):
        size = _SIZES[level]
        around = _AROUND[level]
        first = max(math.floor((south + 90.0) / size), 0)
        last = min(math.floor((north + 90.0) / size), around // 2 - 1)
        left = math.floor((west + 180.0) / size)
        across = min(math.floor((west + width + 180.0) / size) - left + 1, around)
        if not home and level > 0 and (last - first + 1 > SPREAD or across > SPREAD):
            continue
        cells = [
            _name(level, row, (left + step) % around)
            for row in range(first, last + 1)
            for step in range(across)
        ]
        if not home:
            home = tuple(cells)
        else:
            above += cells
    west = (west + 180.0) % 360.0 - 180.0
    return Cover(south, north, west, west + min(width, 360.0), home, tuple(above))
