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
SPREAD: Final = 2
"""A volume is at home on the finest level on which it lies in at most so many cells each way."""
_POLAR_DEG: Final = 80.0
_BULGE_M: Final = 100.0
"""More than a leg of 25 km bulges to the pole at 80 degrees: ``L^2 tan(lat) / 8 R``, 70 m; and a rounding."""
_M_PER_DEG: Final = 110_574.0
"""The least length of a degree of latitude, at the equator; rounded down."""


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
    middle_lat, middle_lng = earth.positions(_on_surface(shape.ball[:, :3]))
    boxes = []
    for i in range(len(volumes)):
        reach_m = float(shape.ball[i, 3]) * 1.01 + _BULGE_M
        lat, lng = float(middle_lat[i]), float(middle_lng[i])
        reach = reach_m / _M_PER_DEG
        if volumes.radius_m[i] != 0.0 or abs(lat) + reach > _POLAR_DEG:
            boxes.append(_around(lat, lng, reach))
            continue
        points = shape.point[shape.offsets[i] : shape.offsets[i + 1]]
        lats, lngs = earth.positions(np.ascontiguousarray(points))
        turn = (lngs - lng + 180.0) % 360.0 - 180.0
        slack = _BULGE_M / _M_PER_DEG
        wide = slack / np.cos(np.radians(_POLAR_DEG))
        west, east = lng + float(turn.min()) - wide, lng + float(turn.max()) + wide
        boxes.append((float(lats.min()) - slack, float(lats.max()) + slack, west, east - west))
    return boxes


def _on_surface(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where rays from the earth's centre through the points leave it."""
    scaled = points / np.array([earth.A_M, earth.A_M, earth.B_M])
    return np.ascontiguousarray(points / np.linalg.norm(scaled, axis=1, keepdims=True))


def _around(lat: float, lng: float, reach: float) -> tuple[float, float, float, float]:
    south, north = lat - reach, lat + reach
    if south <= -90.0 or north >= 90.0:
        return max(south, -90.0), min(north, 90.0), -180.0, 360.0
    sine = np.sin(np.radians(reach)) / np.cos(np.radians(lat))
    if sine >= 1.0:
        return south, north, -180.0, 360.0
    wide = float(np.degrees(np.arcsin(sine)))
    return south, north, lng - wide, 2.0 * wide


def _cover(south: float, north: float, west: float, width: float) -> Cover:
    home: tuple[int, ...] = ()
    above: list[int] = []
    for level in range(LEVELS - 1, -1, -1):
        size = WIDEST_DEG / RATIO**level
        around = round(360.0 / size)
        last_row = round(180.0 / size) - 1
        first = max(int(np.floor((south + 90.0) / size)), 0)
        last = min(int(np.floor((north + 90.0) / size)), last_row)
        left = int(np.floor((west + 180.0) / size))
        right = int(np.floor((west + width + 180.0) / size))
        across = min(right - left + 1, around)
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
