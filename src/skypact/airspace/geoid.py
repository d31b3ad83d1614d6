"""The geoid: how high mean sea level lies above the WGS 84 ellipsoid, by EGM96.

Law: one table, packaged with the product, read on first need; one interpolation; its error stated. Mean sea
level *is* EGM96 in Skypact. How far the sea, or an altimeter, is from EGM96 is not this file's to say.

How it works. EGM96 is a series of spherical harmonics to degree 360, so its shortest wave is one degree long.
The table has its height every 15 arc minutes, in whole centimetres. In between, the polynomial of degree 5
through the six nearest nodes along each axis is followed. Beyond a pole the table goes on with the meridian
on the other side; in longitude it is closed. So no place on earth is a case of its own.

Known limits, measured against the series itself on a grid of 3.75 arc minutes (1.7 * 10^7 points), at 10^6
random points and around the worst of them: the largest error is 0.038 m (root mean square 0.003 m), of which
rounding to centimetres is 0.005 m. The same table read bilinearly, as many programs do, is up to 1.15 m from
the series (root mean square 0.04 m), cubic interpolation up to 0.16 m: two programs that both say "EGM96" may
differ by that much.

Sources: Lemoine et al., *The Development of the Joint NASA GSFC and NIMA Geopotential Model EGM96*,
NASA/TP-1998-206861 (the model); NGA's 15-minute grid as PROJ distributes it (the table,
``docs/decisions/0002-egm96-grid.md``); the harmonic synthesis of NIMA's program F477 (the authority measured
against: it gives the table's nodes to 0.2 mm).
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace.jit import inlined, kernel, spread
from skypact.errors import GeometryError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ROWS: Final = 721
_COLUMNS: Final = 1440
_PER_DEGREE: Final = 4.0
_BEFORE: Final = 2  # nodes that the stencil of six reaches before the cell's own corner, and after it
_AFTER: Final = 3
_SPREAD_LEAST: Final = 50_000  # fewer points than this are done before a thread has started


def decode(packed: bytes) -> NDArray[np.int16]:
    """The table in a packaged file: centimetres, rows from the south, columns from longitude 0, (721, 1440).

    The layout is described, and written, in ``tools/build_egm96.py``.
    """
    planes = np.frombuffer(zlib.decompress(packed[packed.index(b"\n") + 1 :]), np.uint8).reshape(2, -1)
    folded = (planes[0] | planes[1].astype(np.uint16) << 8).reshape(_ROWS, _COLUMNS)
    table: NDArray[np.int16] = (folded >> 1).astype(np.int16) ^ -(folded & 1).astype(np.int16)
    for axis in (1, 1, 0):
        table = np.cumsum(table, axis=axis, dtype=np.int16)
    return table


@cache
def _table() -> NDArray[np.int16]:
    """The packaged table, bordered by 2 nodes before and 3 after it, over the poles and round the world."""
    packed = resources.files("skypact.airspace").joinpath("data", "egm96_15min.z").read_bytes()
    table = decode(packed)
    opposite = np.roll(table, _COLUMNS // 2, axis=1)
    rows = np.concatenate([opposite[_BEFORE:0:-1], table, opposite[-2 : -2 - _AFTER : -1]])
    return np.ascontiguousarray(np.concatenate([rows[:, -_BEFORE:], rows, rows[:, :_AFTER]], axis=1))


@inlined
def _weights(x: float) -> tuple[float, float, float, float, float, float]:
    """Lagrange's weights at x of six nodes, at -2, -1, 0, 1, 2 and 3."""
    a, b, c, d, e, f = x + 2.0, x + 1.0, x, x - 1.0, x - 2.0, x - 3.0
    return (
        b * c * d * e * f / -120.0,
        a * c * d * e * f / 24.0,
        a * b * d * e * f / -12.0,
        a * b * c * e * f / 12.0,
        a * b * c * d * f / -24.0,
        a * b * c * d * e / 120.0,
    )


@kernel
def _interpolate(table: Any, lat_deg: Any, lng_deg: Any, out: Any) -> None:
    for k in range(lat_deg.shape[0]):
        y = (lat_deg[k] + 90.0) * _PER_DEGREE
        x = (lng_deg[k] % 360.0) * _PER_DEGREE
        row = min(int(y), _ROWS - 2)  # the north pole is the end of the last cell
        column = min(int(x), _COLUMNS - 1)  # a whisker west of Greenwich, % gives 360 itself
        v0, v1, v2, v3, v4, v5 = _weights(y - row)
        w0, w1, w2, w3, w4, w5 = _weights(x - column)
        total = 0.0
        for i, v in enumerate((v0, v1, v2, v3, v4, v5)):
            r = table[row + i]
            total += v * (
                w0 * r[column]
                + w1 * r[column + 1]
                + w2 * r[column + 2]
                + w3 * r[column + 3]
                + w4 * r[column + 4]
                + w5 * r[column + 5]
            )
        out[k] = 0.01 * total


def undulation_m(lat_deg: ArrayLike, lng_deg: ArrayLike) -> NDArray[np.float64]:
    """Height of the EGM96 geoid above the WGS 84 ellipsoid in metres, to 5 cm.

    The bound is :data:`~skypact.airspace.altitude.EGM96_INTERPOLATION_ERROR_M`.

    Parameters
    ----------
    lat_deg, lng_deg
        WGS 84 degrees, any shapes that broadcast; latitude within 90, longitude within 360 either way.

    Raises
    ------
    GeometryError
        A value is no position on earth; it names the field, the (flat) index and the value.
    """
    lat, lng = np.broadcast_arrays(np.asarray(lat_deg, np.float64), np.asarray(lng_deg, np.float64))
    for column, field, limit in ((lat, "lat_deg", 90.0), (lng, "lng_deg", 360.0)):
        bad = np.flatnonzero(~(np.abs(column) <= limit))  # NaN compares false, so it is bad
        if bad.shape[0]:
            raise GeometryError(
                "not a position on earth",
                where=f"{field}[{bad[0]}]",
                found=float(column.flat[bad[0]]),
                expected=f"degrees within {limit:g} either way",
            )
    table, out = _table(), np.empty(lat.size)
    lat_flat, lng_flat = (np.ascontiguousarray(column).reshape(-1) for column in (lat, lng))

    def run(first: int, last: int) -> None:
        _interpolate(table, lat_flat[first:last], lng_flat[first:last], out[first:last])

    spread(run, lat.size, least=_SPREAD_LEAST)
    return out.reshape(lat.shape)
