"""The earth: positions on the WGS 84 ellipsoid, and one frame that is good everywhere on it.

Law: every kernel of Skypact works on **surface points**: earth-centred earth-fixed coordinates (x, y, z in
metres) of a position's foot on the WGS 84 ellipsoid (height zero). The height lives apart, in its own
reference. The frame has no pole, no antimeridian and no zone border, so none of these is a case.

How it works. The straight chord ``c`` between two surface points and the geodesic ``s`` between them differ
by ``c^3 / 24 R^2``, 0.8 mm over 5 NM, where R is the radius of the normal section, itself a quotient of two
quadratic forms (:func:`arc_of_chord`). Motion between two samples is the geodesic at constant ground speed; a
cubic through both ends with the geodesic's tangents (:func:`end_tangents`, :func:`hermite`) follows it to
``L^4 / 384 R^3``, 0.01 mm over a leg of 30 km. A state's future is the geodesic's own differential equation,
integrated with a fourth-order step (:func:`advance`). Below a hundredth of a micrometre all of them are
rounding: metres of the earth's size have a spacing of a nanometre in binary.

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
def arc_of_chord(px: float, py: float, pz: float, qx: float, qy: float, qz: float) -> float:
    """Geodesic distance in metres between two surface points, from their chord.

    The chord subtends an arc of the circle that osculates the surface halfway: its curvature is the second
    fundamental form of ``x^2/a^2 + y^2/a^2 + z^2/b^2 = 1`` over the first, where the ray through the chord's
    middle leaves the ellipsoid, along the chord.

    Within 0.5 micrometre of the exact geodesic up to 100 km, 30 mm up to 1,000 km, 100 m up to 5,000 km, and
    never less than the chord (measured against Karney's solver, ``tests/rules/airspace/test_earth.py``).
    """
    dx, dy, dz = qx - px, qy - py, qz - pz
    c2 = dx * dx + dy * dy + dz * dz
    c: float = np.sqrt(c2)
    if c2 < 1e4:  # under 100 m the correction is a nanometre
        return c
    mx, my, mz = 0.5 * (px + qx), 0.5 * (py + qy), 0.5 * (pz + qz)
    gx, gy, gz = mx * _INV_A2, my * _INV_A2, mz * _INV_B2
    lift = mx * gx + my * gy + mz * gz  # 1 on the surface, 0 at the centre: a form of second degree
    if lift < 1e-12:  # antipodes: no middle to look at; roughly half the way round
        return np.pi * B_M
    k: float = (
        ((dx * dx + dy * dy) * _INV_A2 + dz * dz * _INV_B2)
        / c2
        * np.sqrt(lift / (gx * gx + gy * gy + gz * gz))
    )
    arc: float = 2.0 * np.arcsin(min(1.0, 0.5 * c * k)) / k
    return arc


@inlined
def hermite(u: float, p0: float, p1: float, d0: float, d1: float) -> float:
    """One coordinate of the cubic with end values p and end derivatives d (by u), at u in [0, 1]."""
    v = 1.0 - u
    return p0 * v * v * (1.0 + 2.0 * u) + p1 * u * u * (1.0 + 2.0 * v) + u * v * (d0 * v - d1 * u)


@inlined
def _tangent(
    dx: float,
    dy: float,
    dz: float,
    nx: float,
    ny: float,
    nz: float,
    mx: float,
    my: float,
    mz: float,
    length: float,
) -> tuple[float, float, float]:
    """The geodesic's tangent where the normal is n; d is the chord, m the normal at the other end."""
    down = dx * nx + dy * ny + dz * nz
    tx, ty, tz = dx - down * nx, dy - down * ny, dz - down * nz
    # the part of m across the way: what is left without its parts along n and along the way
    up = mx * nx + my * ny + mz * nz
    along = (mx * tx + my * ty + mz * tz) / (tx * tx + ty * ty + tz * tz)
    turn = down / 3.0
    tx -= turn * (mx - up * nx - along * tx)
    ty -= turn * (my - up * ny - along * ty)
    tz -= turn * (mz - up * nz - along * tz)
    scale = length / np.sqrt(tx * tx + ty * ty + tz * tz)
    return tx * scale, ty * scale, tz * scale


@inlined
def end_tangents(
    px: float, py: float, pz: float, qx: float, qy: float, qz: float
) -> tuple[float, float, float, float, float, float]:
    """Derivatives at both ends, by the fraction of the way, of the geodesic leg from p to q.

    The chord laid into the tangent plane at each end, turned by the geodesic's torsion and drawn out to the
    length of the arc. The turn is what tells a geodesic from a normal section: a curve of curvature k and
    torsion t leaves its osculating plane by ``k t L^3 / 6``, and both factors are seen in how the far normal
    and the chord lie to the near normal. Without it the cubic would be 0.02 mm off over 25 km, five times as
    much as it is.
    """
    dx, dy, dz = qx - px, qy - py, qz - pz
    length = arc_of_chord(px, py, pz, qx, qy, qz)
    if length < 1e-6:  # hovering: the chord is as good, and no quotient of vanishing numbers is formed
        return dx, dy, dz, dx, dy, dz
    nx, ny, nz = normal_of(px, py, pz)
    mx, my, mz = normal_of(qx, qy, qz)
    ax, ay, az = _tangent(dx, dy, dz, nx, ny, nz, mx, my, mz, length)
    bx, by, bz = _tangent(dx, dy, dz, mx, my, mz, nx, ny, nz, length)
    return ax, ay, az, bx, by, bz


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

    Fourth-order Runge-Kutta steps of at most 100 km: 0.04 mm over 300 s and 1 mm over an hour at airline
    speeds (300 m/s), measured. ``t`` may be negative. Returns the new point and velocity.
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
    columns = np.broadcast_arrays(lat_a_deg, lng_a_deg, lat_b_deg, lng_b_deg)
    lat_a, lng_a, lat_b, lng_b = (np.ascontiguousarray(column, dtype=np.float64) for column in columns)
    _, _, metres = geod().inv(lng_a, lat_a, lng_b, lat_b)
    return np.asarray(metres, dtype=np.float64).reshape(columns[0].shape)


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
