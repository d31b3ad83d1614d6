"""Boxes of latitude and longitude: where a volume lies, coarsely, so that what cannot meet it is passed over.

Law: a box may be too large, never too small. Two volumes that share a point have boxes that do; whether they
meet is not decided here.

How it works. A volume's extent is taken from the points of its outline (legs of at most 25 km) and widened by
what a geodesic bulges between two of them; from its ball where it comes near a pole or is a circle.

Known limits: near a pole a box goes all the way round.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from skypact.airspace import earth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.airspace.volumes import Volumes

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


class LatLngBox(NamedTuple):
    """A box of latitude and longitude, degrees; never too small.

    Attributes
    ----------
    south, north
        In [-90, 90].
    west, east
        ``west`` is in [-180, 180), ``east`` at most 360 more than it.
    """

    south: float
    north: float
    west: float
    east: float


def boxes(volumes: Volumes) -> list[LatLngBox]:
    """The box of each volume, in order."""
    return [_normal(*box) for box in _boxes(volumes)]


def _boxes(volumes: Volumes) -> list[tuple[float, float, float, float]]:
    """South, north, west and width in degrees of each volume, never too small."""
    shape = volumes.outlines
    vertices, points = volumes.offsets.tolist(), shape.offsets.tolist()
    radii, balls = volumes.radius_m.tolist(), shape.ball[:, 3].tolist()
    legs = shape.leg_m.tolist()
    found = []
    for i in range(len(volumes)):
        own = slice(vertices[i], vertices[i + 1])
        if radii[i] != 0.0:
            centre = float(volumes.lat_deg[own.start]), float(volumes.lng_deg[own.start])
            found.append(_around(*centre, (radii[i] + _ROUNDING_M) / _M_PER_DEG))
            continue
        uncut = points[i + 1] - points[i] == own.stop - own.start
        lats, lngs = volumes.lat_deg[own].tolist(), volumes.lng_deg[own].tolist()
        if not (uncut and balls[i] <= _SMALL_M and min(lats) >= -_POLAR_DEG and max(lats) <= _POLAR_DEG):
            ring = np.ascontiguousarray(shape.point[points[i] : points[i + 1]])
            lat, lng, reach = _disc(ring, shape.ball[i, :3])
            if abs(lat) + reach > _POLAR_DEG:
                found.append(_around(lat, lng, reach))
                continue
            lats, lngs = (column.tolist() for column in earth.positions(ring))
            found.append(_ring_box(lats, lngs, lng, legs[i]))
            continue
        found.append(_ring_box(lats, lngs, lngs[0], legs[i]))
    return found


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


def _normal(south: float, north: float, west: float, width: float) -> LatLngBox:
    west = (west + 180.0) % 360.0 - 180.0
    return LatLngBox(max(south, -90.0), min(north, 90.0), west, west + min(width, 360.0))
