"""Squares of the Military Grid Reference System: letters and digits to the centre of a square.

Law: **a reference names a square, not a point.** What is read is its centre; half its diagonal on the ground
is how far the place that was meant may be from it. A reference whose square does not touch its zone is
refused, since one letter or digit of it is wrong. The polar squares (UPS: A, B, Y and Z, beyond 80 degrees
south and 84 north) are refused by name.

How it works. The columns' letters repeat every three zones, the rows' every 2,000 km; of the rows with one
letter that one is meant which lies in the latitude band. So there is no table of northings, only the bounds
of zones, with Norway's and Svalbard's exceptions. A square that a zone's edge cuts keeps the centre that it
has whole: the place that was meant is within half the diagonal of it all the same.

Source: NGA.STND.0037, *Universal Grids and Grid Reference Systems*, 2014, chapter 3 (the lettering for WGS
84).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from skypact.airspace.grid import SCALE_MIN, utm_position
from skypact.airspace.rings import bearing
from skypact.errors import GeometryError
from skypact.notify.positions import NDEG, Notation, Position

if TYPE_CHECKING:
    from collections.abc import Mapping

_BANDS: Final = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS: Final = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS: Final = "ABCDEFGHJKLMNPQRSTUV"
_SQUARE_M: Final = 100_000.0
_CYCLE_M: Final = 2_000_000.0
_MERIDIANS: Final[Mapping[tuple[int, str], tuple[float, float]]] = {
    (31, "V"): (0.0, 3.0),
    (32, "V"): (3.0, 12.0),
    (31, "X"): (0.0, 9.0),
    (33, "X"): (9.0, 21.0),
    (35, "X"): (21.0, 33.0),
    (37, "X"): (33.0, 42.0),
}
"""West and east of the zones that are not 6 degrees wide: south-western Norway, Svalbard."""
_NONE: Final = frozenset({(32, "X"), (34, "X"), (36, "X")})
"""Zones that Svalbard does not have."""
_EXPECTED: Final = "a reference like 37SDT6284506790: zone, band, two letters of the square, digits in pairs"


class Reference(NamedTuple):
    """A reference taken apart: ``37 S DT 62845 06790``."""

    zone: int
    band: str
    column: str
    row: str
    east: str
    north: str


def read_reference(reference: Reference, text: str, *, where: str) -> Position:
    """The centre of the square that a reference names.

    Parameters
    ----------
    reference
        Its parts, in capitals; ``east`` and ``north`` of equal length, at most five digits.
    text
        As it was written.

    Raises
    ------
    GeometryError
        There is no such zone, or no such square in it.
    """
    zone, band, column, row, east, north = reference
    cell = _cell(zone, band)
    if cell is None:
        raise GeometryError(
            f"there is no zone {zone}{band}", where=where, found=text, expected=f"1C to 60X; {_EXPECTED}"
        )
    columns = _COLUMNS[(zone - 1) % 3]
    if column not in columns or row not in _ROWS:
        raise GeometryError(
            f"there is no square {column}{row} in zone {zone}",
            where=where,
            found=text,
            expected=f"a first letter of {columns}, a second of {_ROWS}",
        )
    side = _SQUARE_M / 10 ** len(east)
    easting = _SQUARE_M * (columns.index(column) + 1) + side * (int(east or 0) + 0.5)
    first_row = _ROWS.index(row) - (0 if zone % 2 else 5)
    northing = _SQUARE_M * (first_row % len(_ROWS)) + side * (int(north or 0) + 0.5)
    reach_m = side * math.sqrt(0.5) / SCALE_MIN
    outside_m, lat, lng = min(_candidates(zone, cell, easting, northing))
    if outside_m > reach_m:
        raise GeometryError(
            f"the square {column}{row} is not in zone {zone}{band}",
            where=where,
            found=text,
            expected=f"a square that reaches into {_shown(cell)}; a letter or a digit is wrong",
        )
    lng = (lng + 180.0) % 360.0 - 180.0
    return Position(text, Notation.MGRS, round(lat * NDEG), round(lng * NDEG), math.ceil(reach_m * 1_000.0))


class _Cell(NamedTuple):
    """What of the earth a zone of one band is, degrees."""

    south: float
    north: float
    west: float
    east: float


def _cell(zone: int, band: str) -> _Cell | None:
    if not 1 <= zone <= 60 or band not in _BANDS or (zone, band) in _NONE:
        return None
    south = -80.0 + 8.0 * _BANDS.index(band)
    west = -180.0 + 6.0 * (zone - 1)
    west, east = _MERIDIANS.get((zone, band), (west, west + 6.0))
    return _Cell(south, south + (12.0 if band == "X" else 8.0), west, east)


def _candidates(zone: int, cell: _Cell, easting: float, northing: float) -> list[tuple[float, float, float]]:
    """For each row of that letter near the band: how far outside of the cell its point is, and where."""
    middle_m = (cell.south + cell.north) / 2.0 * _DEGREE_M
    nearest = round((middle_m - northing) / _CYCLE_M)
    found = []
    for cycle in (nearest - 1, nearest, nearest + 1):
        up = northing + cycle * _CYCLE_M
        if abs(up) < _POLE_M:
            lat, lng = utm_position(zone, easting, up)
            near_lat = min(max(lat, cell.south), cell.north)
            near_lng = min(max(_towards(lng, cell.west), cell.west), cell.east)
            found.append((bearing(lat, lng, near_lat, near_lng)[1], lat, lng))
    return found


_DEGREE_M: Final = 111_000.0
_POLE_M: Final = 9_990_000.0


def _towards(lng: float, west: float) -> float:
    """The longitude as it is written within half the earth of a meridian."""
    return lng + 360.0 * round((west - lng) / 360.0)


def _shown(cell: _Cell) -> str:
    return f"{cell.south:g} to {cell.north:g} north and {cell.west:g} to {cell.east:g} east"
