"""The grid of UTM: from metres of a zone to degrees.

Law: WGS 84, a zone's own central meridian, and northings that are negative south of the equator, so that no
hemisphere has to be named. Which zone holds a position, and how a square of the grid is written, is not
known here.

Source: NGA.SIG.0012, *The Universal Grids and the Transverse Mercator and Polar Stereographic Map
Projections*, 2014; computed by PROJ (``utm``), to a nanometre within a zone and its neighbours.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyproj import Proj

SCALE_MIN: Final = 0.9996
"""The least scale of the grid, at a central meridian: a metre of the ground is never less of the grid."""


def utm_position(zone: int, easting_m: float, northing_m: float) -> tuple[float, float]:
    """Latitude and longitude, degrees, of a point of the grid.

    Parameters
    ----------
    zone
        1 to 60.
    easting_m
        With the false easting of 500 km.
    northing_m
        From the equator, negative to the south: without the false northing of 10,000 km.
    """
    lng, lat = _projection(zone)(easting_m, northing_m, inverse=True)
    return float(lat), float(lng)


@cache
def _projection(zone: int) -> Proj:
    from pyproj import Proj

    return Proj(proj="utm", zone=zone, ellps="WGS84")
