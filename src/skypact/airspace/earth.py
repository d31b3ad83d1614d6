"""The earth: positions on the WGS 84 ellipsoid, and one frame that is good everywhere on it.

Law: every kernel of Skypact works on **surface points**: earth-centred earth-fixed coordinates (x, y, z in
metres) of a position's foot on the WGS 84 ellipsoid (height zero). The height lives apart, in its own
reference. The frame has no pole, no antimeridian and no zone border, so none of these is a case.

How it works. The straight chord ``c`` between two surface points and the geodesic ``s`` between them differ by
``c^3 / 24 R^2``, 0.8 mm over 5 NM, where R is the radius of the normal section, itself a quotient of two
quadratic forms (:func:`normal_curvature`). Motion between two samples is the geodesic at constant ground
speed; a cubic through both ends with the geodesic's tangents (:func:`hermite`) follows it to ``L^4 / 384 R^3``,
0.01 mm over a leg of 30 km. A state's future is the geodesic's own differential equation, integrated with a
fourth-order step (:func:`advance`).

Known limits, proved in ``docs/soundness.md``: legs are cut to :data:`LEG_MAX_M` before they reach a kernel;
legs of more than 19,000 km, whose shortest path may not be unique, are refused.

Sources: Karney, *Algorithms for geodesics*, J. Geodesy 87 (2013) 43-55, through pyproj's Geod; do Carmo,
*Differential Geometry of Curves and Surfaces*, sec. 4-4 (geodesic equation of an implicit surface).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace.jit import inlined, kernel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from pyproj import Geod

A_M: Final = 6378137.0
"""WGS 84 equatorial radius in metres (NIMA TR8350.2, table 3.1)."""
F: Final = 1.0 / 298.257223563
"""WGS 84 flattening (the same table)."""
B_M: Final = A_M * (1.0 - F)
E2: Final = F * (2.0 - F)
_A2_OVER_B2: Final = (A_M / B_M) ** 2
_INV_A2: Final = 1.0 / A_M**2
_INV_B2: Final = 1.0 / B_M**2

R_MIN_M: Final = B_M * B_M / A_M
"""The smallest radius of curvature of the ellipsoid (the meridian at the equator), 6,335,439 m."""
LEG_MAX_M: Final = 25_000.0
"""Longest leg that a kernel sees; longer ones are cut at points of the geodesic."""
LEG_REFUSED_M: Final = 19_000_000.0
"""Legs longer than this are refused: near the antipode the shortest path is not unique."""


@cache
def geod() -> Geod:
    """The exact geodesic solver, WGS 84 (pyproj); made once, since making it costs milliseconds."""
    from pyproj import Geod

    return Geod(ellps="WGS84")


# -- between degrees and the frame ------------------------------------------------------------------------


@inlined
def surface_of(lat_deg: float, lng_deg: float) -> tuple[float, float, float]:
    """The surface point of one position in degrees."""
    lat, lng = np.radians(lat_deg), np.radians(lng_deg)
    sin_lat, cos_lat = np.sin(lat), np.cos(lat)
    n = A_M / np.sqrt(1.0 - E2 * sin_lat * sin_lat)
    return n * cos_lat * np.cos(lng), n * cos_lat * np.sin(lng), n * (1.0 - E2) * sin_lat


@kernel
def _to_surface(lat_deg: Any, lng_deg: Any, out: Any) -> None:
    for i in range(lat_deg.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = surface_of(lat_deg[i], lng_deg[i])


def surface_points(lat_deg: ArrayLike, lng_deg: ArrayLike) -> NDArray[np.float64]:
    """Surface points of positions: degrees of WGS 84, shape (n,), to metres ECEF, shape (n, 3)."""
    lat = np.ascontiguousarray(np.atleast_1d(lat_deg), dtype=np.float64)
    lng = np.ascontiguousarray(np.atleast_1d(lng_deg), dtype=np.float64)
    out = np.empty((lat.shape[0], 3))
    _to_surface(lat, lng, out)
    return out


@inlined
def lat_lng_of(x: float, y: float, z: float) -> tuple[float, float]:
    """Latitude and longitude in degrees of a point within some hundred metres of the surface.

    Bowring's formula (1976), one step: below a nanodegree at these heights.
    """
    p = np.sqrt(x * x + y * y)
    u = np.arctan2(z * A_M, p * B_M)
    su, cu = np.sin(u), np.cos(u)
    lat = np.arctan2(z + E2 * _A2_OVER_B2 * B_M * su * su * su, p - E2 * A_M * cu * cu * cu)
    return np.degrees(lat), np.degrees(np.arctan2(y, x))


@kernel
def _to_degrees(points: Any, lat_deg: Any, lng_deg: Any) -> None:
    for i in range(points.shape[0]):
        lat_deg[i], lng_deg[i] = lat_lng_of(points[i, 0], points[i, 1], points[i, 2])


def positions(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude in degrees, each shape (n,), of points near the surface, shape (n, 3)."""
    points = np.ascontiguousarray(points, dtype=np.float64)
    lat, lng = np.empty(points.shape[0]), np.empty(points.shape[0])
    _to_degrees(points, lat, lng)
    return lat, lng


# -- the surface's own geometry ---------------------------------------------------------------------------


@inlined
def normal_of(x: float, y: float, z: float) -> tuple[float, float, float]:
    """The outward unit normal at a surface point."""
    gz = z * _A2_OVER_B2
    r = 1.0 / np.sqrt(x * x + y * y + gz * gz)
    return x * r, y * r, gz * r


@inlined
def normal_curvature(x: float, y: float, z: float, tx: float, ty: float, tz: float) -> float:
    """Curvature in 1/m of the normal section at a surface point along the unit tangent t.

    The second fundamental form of ``x^2/a^2 + y^2/a^2 + z^2/b^2 = 1`` over the first.
    """
    gx, gy, gz = x * _INV_A2, y * _INV_A2, z * _INV_B2
    return ((tx * tx + ty * ty) * _INV_A2 + tz * tz * _INV_B2) / np.sqrt(gx * gx + gy * gy + gz * gz)


@inlined
def arc_of_chord(px: float, py: float, pz: float, qx: float, qy: float, qz: float) -> float:
    """Geodesic distance in metres between two surface points, from their chord.

    Within 0.1 mm of the exact geodesic up to 100 km and within 10 m up to 1,000 km (measured against
    Karney's solver, ``tests/rules/airspace/test_earth.py``).
    """
    dx, dy, dz = qx - px, qy - py, qz - pz
    c2 = dx * dx + dy * dy + dz * dz
    if c2 < 1e6:  # under 1 km the correction is below 1e-6 m
        return np.sqrt(c2)
    c = np.sqrt(c2)
    k = normal_curvature(0.5 * (px + qx), 0.5 * (py + qy), 0.5 * (pz + qz), dx / c, dy / c, dz / c)
    half = 0.5 * c * k
    if half >= 1.0:
        half = 1.0
    return 2.0 * np.arcsin(half) / k


@inlined
def hermite(u: float, p0: float, p1: float, d0: float, d1: float) -> float:
    """One coordinate of the cubic with end values p and end derivatives d (by u), at u in [0, 1]."""
    v = 1.0 - u
    return p0 * v * v * (1.0 + 2.0 * u) + p1 * u * u * (1.0 + 2.0 * v) + u * v * (d0 * v - d1 * u)


@inlined
def end_tangents(
    px: float, py: float, pz: float, qx: float, qy: float, qz: float
) -> tuple[float, float, float, float, float, float]:
    """Derivatives at both ends, by the fraction of the way, of the geodesic leg from p to q.

    The chord laid into the tangent planes and drawn out to the length of the arc.
    """
    dx, dy, dz = qx - px, qy - py, qz - pz
    length = arc_of_chord(px, py, pz, qx, qy, qz)
    if length == 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    nx, ny, nz = normal_of(px, py, pz)
    down = dx * nx + dy * ny + dz * nz
    ax, ay, az = dx - down * nx, dy - down * ny, dz - down * nz
    ka = length / np.sqrt(ax * ax + ay * ay + az * az)
    nx, ny, nz = normal_of(qx, qy, qz)
    down = dx * nx + dy * ny + dz * nz
    bx, by, bz = dx - down * nx, dy - down * ny, dz - down * nz
    kb = length / np.sqrt(bx * bx + by * by + bz * bz)
    return ax * ka, ay * ka, az * ka, bx * kb, by * kb, bz * kb


@inlined
def on_leg(
    u: float, px: float, py: float, pz: float, qx: float, qy: float, qz: float
) -> tuple[float, float, float]:
    """The surface point a fraction u of the way along the geodesic leg from p to q."""
    ax, ay, az, bx, by, bz = end_tangents(px, py, pz, qx, qy, qz)
    return hermite(u, px, qx, ax, bx), hermite(u, py, qy, ay, by), hermite(u, pz, qz, az, bz)


@inlined
def _pull(x: float, y: float, z: float, vx: float, vy: float, vz: float) -> float:
    """The factor k of the geodesic equation p'' = -k (x/a^2, y/a^2, z/b^2) for velocity v."""
    gx, gy, gz = x * _INV_A2, y * _INV_A2, z * _INV_B2
    return ((vx * vx + vy * vy) * _INV_A2 + vz * vz * _INV_B2) / (gx * gx + gy * gy + gz * gz)


@inlined
def advance(
    x: float, y: float, z: float, vx: float, vy: float, vz: float, t: float
) -> tuple[float, float, float, float, float, float]:
    """Move along the geodesic from a surface point with tangent velocity v (m/s) for t seconds.

    Runge-Kutta-Nystroem steps of at most 100 km: under 0.1 mm an hour at airline speeds. ``t`` may be negative.
    Returns the new point and velocity.
    """
    speed = np.sqrt(vx * vx + vy * vy + vz * vz)
    steps = int(speed * abs(t) / 100_000.0) + 1
    h = t / steps
    for _ in range(steps):
        k = _pull(x, y, z, vx, vy, vz)
        ax1, ay1, az1 = -k * x * _INV_A2, -k * y * _INV_A2, -k * z * _INV_B2
        hh = 0.5 * h
        xm, ym, zm = (
            x + hh * (vx + 0.5 * hh * ax1),
            y + hh * (vy + 0.5 * hh * ay1),
            z + hh * (vz + 0.5 * hh * az1),
        )
        wx, wy, wz = vx + hh * ax1, vy + hh * ay1, vz + hh * az1
        k = _pull(xm, ym, zm, wx, wy, wz)
        ax2, ay2, az2 = -k * xm * _INV_A2, -k * ym * _INV_A2, -k * zm * _INV_B2
        wx, wy, wz = vx + hh * ax2, vy + hh * ay2, vz + hh * az2
        k = _pull(xm, ym, zm, wx, wy, wz)
        ax3, ay3, az3 = -k * xm * _INV_A2, -k * ym * _INV_A2, -k * zm * _INV_B2
        xe, ye, ze = x + h * (vx + hh * ax3), y + h * (vy + hh * ay3), z + h * (vz + hh * az3)
        wx, wy, wz = vx + h * ax3, vy + h * ay3, vz + h * az3
        k = _pull(xe, ye, ze, wx, wy, wz)
        ax4, ay4, az4 = -k * xe * _INV_A2, -k * ye * _INV_A2, -k * ze * _INV_B2
        x += h * (vx + h * (ax1 + ax2 + ax3) / 6.0)
        y += h * (vy + h * (ay1 + ay2 + ay3) / 6.0)
        z += h * (vz + h * (az1 + az2 + az3) / 6.0)
        vx += h * (ax1 + 2.0 * ax2 + 2.0 * ax3 + ax4) / 6.0
        vy += h * (ay1 + 2.0 * ay2 + 2.0 * ay3 + ay4) / 6.0
        vz += h * (az1 + 2.0 * az2 + 2.0 * az3 + az4) / 6.0
    return x, y, z, vx, vy, vz


@inlined
def east_north(lat_deg: float, lng_deg: float) -> tuple[float, float, float, float, float]:
    """East (ex, ey; its z is 0) and north (nx, ny, nz) unit vectors at a position.

    At a pole they follow the longitude given with it, so a track angle there still has its meaning.
    """
    lat, lng = np.radians(lat_deg), np.radians(lng_deg)
    sl, cl = np.sin(lng), np.cos(lng)
    sf, cf = np.sin(lat), np.cos(lat)
    return -sl, cl, -sf * cl, -sf * sl, cf


# -- exact, for whole arrays ------------------------------------------------------------------------------


def distances_m(
    lat_a_deg: ArrayLike, lng_a_deg: ArrayLike, lat_b_deg: ArrayLike, lng_b_deg: ArrayLike
) -> NDArray[np.float64]:
    """Exact geodesic distances in metres between positions, elementwise with broadcasting (Karney)."""
    lat_a, lng_a, lat_b, lng_b = (
        np.ascontiguousarray(column, dtype=np.float64)
        for column in np.broadcast_arrays(lat_a_deg, lng_a_deg, lat_b_deg, lng_b_deg)
    )
    _, _, metres = geod().inv(lng_a, lat_a, lng_b, lat_b)
    return np.asarray(metres, dtype=np.float64)


def cut_legs(
    lat_deg: NDArray[np.float64], lng_deg: NDArray[np.float64], longest_m: float
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Cut a path's geodesic legs so that none is longer than ``longest_m``.

    Parameters
    ----------
    lat_deg, lng_deg
        Vertices of one path, shape (n,).
    longest_m
        The longest leg that may remain, in metres.

    Returns
    -------
    leg, fraction, lat_deg, lng_deg
        For every vertex of the finer path: the leg of the old one it lies on (the last vertex: leg n - 2,
        fraction 1), how far along it, and its position. Old vertices are kept bit for bit.
    """
    n = lat_deg.shape[0]
    if n < 2:
        return np.zeros(n, np.intp), np.zeros(n), lat_deg, lng_deg
    azimuth, _, length = geod().inv(lng_deg[:-1], lat_deg[:-1], lng_deg[1:], lat_deg[1:])
    parts = np.maximum(np.ceil(np.asarray(length) / longest_m).astype(np.intp), 1)
    leg = np.repeat(np.arange(n - 1), parts)
    step = np.arange(leg.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)
    fraction = step / parts[leg]
    lat, lng = lat_deg[leg].copy(), lng_deg[leg].copy()
    new = np.nonzero(step)[0]
    if new.shape[0]:
        at = leg[new]
        far_lng, far_lat, _ = geod().fwd(
            lng_deg[at], lat_deg[at], np.asarray(azimuth)[at], fraction[new] * np.asarray(length)[at]
        )
        lat[new], lng[new] = far_lat, far_lng
    return (
        np.append(leg, n - 2),
        np.append(fraction, 1.0),
        np.append(lat, lat_deg[-1]),
        np.append(lng, lng_deg[-1]),
    )
