"""Local Cartesian frames: two things on the earth as one relative position and velocity in a plane.

Law: rules written for flat space (well clear, time to closest approach) get their flat space here, and
nowhere else. The frame of a pair is the pair's own: its first axis is the geodesic from a to b. Velocities
are carried along that geodesic, so a length, an angle and a rate of closure in the frame are those on the
ellipsoid; there is no projection, no pole and no antimeridian.

A frame is exact at the instant it is made for. Constant velocity in it departs from motion along two
geodesics as those bend towards each other; :func:`bending` bounds by how much.

Known limits: the direction of a geodesic is taken from its chord, off by ``e^2 / 12 (s / R)^2`` radians: 0.06
mm/s in a velocity of 300 m/s over 100 km. Two things nearer than a millimetre have a distance, but no
direction worth the name.

Sources: do Carmo, *Riemannian Geometry*, ch. 5 (Jacobi's equation: two geodesics part with acceleration K v^2
s, K the curvature).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from skypact.airspace.earth import A_M, R_MIN_M, arc_of_chord, normal_of
from skypact.airspace.jit import inlined

CURVATURE: Final = 1.0 / (R_MIN_M * A_M)
"""The ellipsoid's greatest Gaussian curvature in 1/m^2, at the equator."""


@inlined
def relative(
    ax: float,
    ay: float,
    az: float,
    ux: float,
    uy: float,
    uz: float,
    bx: float,
    by: float,
    bz: float,
    wx: float,
    wy: float,
    wz: float,
) -> tuple[float, float, float]:
    """Where b is, seen from a, and how it moves: (range, rate along, rate across).

    Parameters
    ----------
    ax, ay, az, bx, by, bz
        Surface points, metres ECEF.
    ux, uy, uz, wx, wy, wz
        Velocities of a and b, tangent to the surface, m/s.

    Returns
    -------
    range, along, across
        b's position in the frame is ``(range, 0)``, its velocity relative to a ``(along, across)``; metres
        and m/s. ``along`` is the rate at which the range grows. The frame's hand is that of the surface seen
        from above. Two things at one place have the whole of their relative velocity across.
    """
    dx, dy, dz = bx - ax, by - ay, bz - az
    if dx == 0.0 and dy == 0.0 and dz == 0.0:
        px, py, pz = wx - ux, wy - uy, wz - uz
        return 0.0, 0.0, np.sqrt(px * px + py * py + pz * pz)
    nx, ny, nz = normal_of(ax, ay, az)
    down = dx * nx + dy * ny + dz * nz
    tx, ty, tz = dx - down * nx, dy - down * ny, dz - down * nz
    unit = 1.0 / np.sqrt(tx * tx + ty * ty + tz * tz)
    a_along = (ux * tx + uy * ty + uz * tz) * unit
    a_across = (ux * (ny * tz - nz * ty) + uy * (nz * tx - nx * tz) + uz * (nx * ty - ny * tx)) * unit
    nx, ny, nz = normal_of(bx, by, bz)
    down = dx * nx + dy * ny + dz * nz
    tx, ty, tz = dx - down * nx, dy - down * ny, dz - down * nz
    unit = 1.0 / np.sqrt(tx * tx + ty * ty + tz * tz)
    b_along = (wx * tx + wy * ty + wz * tz) * unit
    b_across = (wx * (ny * tz - nz * ty) + wy * (nz * tx - nx * tz) + wz * (nx * ty - ny * tx)) * unit
    return arc_of_chord(ax, ay, az, bx, by, bz), b_along - a_along, b_across - a_across


@inlined
def bending(speed_m_s: float, range_m: float, after_s: float) -> tuple[float, float]:
    """How far constant velocity in a frame may be off, some time before or after the instant it was made for.

    Parameters
    ----------
    speed_m_s
        The faster of the two over the ground.
    range_m
        The widest they are apart meanwhile.
    after_s
        How long before or after, not negative.

    Returns
    -------
    metres, m_s
        Bounds on the error of the relative position and of the relative velocity. The first terms are
        Jacobi's equation with the greatest curvature, and a tenth for its higher orders; the second the
        frame's own direction; the third rounding.
    """
    bend = 1.1 * CURVATURE * speed_m_s * speed_m_s * range_m * after_s
    tilt = 1.5e-3 * speed_m_s * (range_m / R_MIN_M) * (range_m / R_MIN_M)
    return (0.5 * bend + tilt + 1e-8) * after_s + 1e-6, bend + tilt + 1e-8
