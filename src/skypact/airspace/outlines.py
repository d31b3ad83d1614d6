"""Outlines on the earth: is a point inside, how far apart are two, where does a leg come near.

Law: these kernels decide everything horizontal about volumes; they know nothing of height or time. They see surface points
(:mod:`skypact.airspace.earth`) and **legs**: outlines are rings of points whose edges were cut to at most
:data:`~skypact.airspace.earth.LEG_MAX_M`.

How it works. A **tangent frame** at a surface point O projects the surface onto the plane that touches it there, from the centre
of curvature below O. On a sphere this is the gnomonic projection, in which geodesics are straight; on the ellipsoid a leg of
length L at a distance d from O bends by ``L^2 / 8R`` times the angle between the normal and the line to the centre, at most
``0.0034 d / R`` (:func:`outline_bound`): 0.3 mm for 25 km at 50 km. The frame decides what crosses what. How far apart two things
are is never read off a frame, which stretches lengths by ``(d / R)^2``: the nearest points are lifted back to the surface and measured there,
and since the nearest points of two edges include an end of one, the last word is had in frames at those ends, where it is exact.

Known limits: an outline must lie within :data:`RADIUS_MAX_M` of its own middle, so that every frame sees all of it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from skypact.airspace.earth import (
    A_M,
    B_M,
    R_MIN_M,
    arc_of_chord,
    normal_of,
)
from skypact.airspace.jit import inlined, kernel

RADIUS_MAX_M: Final = 4_000_000.0
"""No outline reaches further from its middle than this (chord): frames at any two of its points see all of it."""
TOUCHING_M: Final = 1e-6
"""Outlines nearer than this touch: rounding of metres of the earth's size in binary."""

_INV_A2: Final = 1.0 / A_M**2
_INV_B2: Final = 1.0 / B_M**2
# places in a frame's tuple
_E, _F, _N, _C, _R = 0, 3, 6, 9, 12


@inlined
def outline_bound(leg_m: float, distance_m: float) -> float:
    """Bound in metres on how far a leg of that length lies off its straight image, at that distance from the frame's origin.

    Twice the leading term ``(L^2 / 8R) (0.0034 d / R)``, and rounding; measured in ``docs/soundness.md``.
    """
    return TOUCHING_M + leg_m * leg_m * (distance_m + leg_m) * (0.0068 / 8.0) / (R_MIN_M * R_MIN_M)


@inlined
def foot_of(x: float, y: float, z: float) -> tuple[float, float, float]:
    """The surface point below or above a point, along the normal: two Newton steps, exact for points within 100 km of the surface."""
    for _ in range(3):
        gx, gy, gz = x * _INV_A2, y * _INV_A2, z * _INV_B2
        f = x * gx + y * gy + z * gz - 1.0
        step = -0.5 * f / (gx * gx + gy * gy + gz * gz)
        x, y, z = x + step * gx, y + step * gy, z + step * gz
    return x, y, z


@inlined
def frame_towards(x: float, y: float, z: float, dx: float, dy: float, dz: float) -> Any:
    """The tangent frame at a surface point, with its first axis along d: (e, f, n, centre, radius), 13 numbers."""
    nx, ny, nz = normal_of(x, y, z)
    down = dx * nx + dy * ny + dz * nz
    ex, ey, ez = dx - down * nx, dy - down * ny, dz - down * nz
    size = np.sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / size, ey / size, ez / size
    fx, fy, fz = ny * ez - nz * ey, nz * ex - nx * ez, nx * ey - ny * ex
    gx, gy, gz = x * _INV_A2, y * _INV_A2, z * _INV_B2
    radius = A_M * A_M * B_M * (gx * gx + gy * gy + gz * gz)  # the Gaussian radius of curvature
    return (
        ex, ey, ez, fx, fy, fz, nx, ny, nz, x - radius * nx, y - radius * ny, z - radius * nz, radius,
    )  # fmt: skip


@inlined
def frame_at(x: float, y: float, z: float) -> Any:
    """The tangent frame at a surface point, with its first axis along no direction in particular."""
    if z * z < 0.8 * (x * x + y * y + z * z):
        return frame_towards(x, y, z, -y, x, 0.0)
    return frame_towards(x, y, z, 1.0, 0.0, 0.0)


@inlined
def into_frame(frame: Any, x: float, y: float, z: float) -> tuple[float, float]:
    """A surface point's image in a frame, in metres; points beyond some 84 degrees are held at that distance."""
    dx, dy, dz = x - frame[9], y - frame[10], z - frame[11]
    up = dx * frame[6] + dy * frame[7] + dz * frame[8]
    scale = frame[12] / max(up, 0.1 * frame[12])
    return (dx * frame[0] + dy * frame[1] + dz * frame[2]) * scale, (
        dx * frame[3] + dy * frame[4] + dz * frame[5]
    ) * scale


@inlined
def out_of_frame(frame: Any, x: float, y: float) -> tuple[float, float, float]:
    """The surface point whose image is (x, y)."""
    dx = x * frame[0] + y * frame[3] + frame[12] * frame[6]
    dy = x * frame[1] + y * frame[4] + frame[12] * frame[7]
    dz = x * frame[2] + y * frame[5] + frame[12] * frame[8]
    a = (dx * dx + dy * dy) * _INV_A2 + dz * dz * _INV_B2
    b = (dx * frame[9] + dy * frame[10]) * _INV_A2 + dz * frame[11] * _INV_B2
    c = (frame[9] * frame[9] + frame[10] * frame[10]) * _INV_A2 + frame[11] * frame[11] * _INV_B2 - 1.0
    s = (-b + np.sqrt(max(b * b - a * c, 0.0))) / a
    return frame[9] + s * dx, frame[10] + s * dy, frame[11] + s * dz


@inlined
def _nearest_on(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> tuple[float, float, float]:
    """Squared distance from (x, y) to the segment a-b in a plane, and the nearest point of it."""
    dx, dy = bx - ax, by - ay
    d2 = dx * dx + dy * dy
    s = 0.0
    if d2 > 0.0:
        s = min(max(((x - ax) * dx + (y - ay) * dy) / d2, 0.0), 1.0)
    qx, qy = ax + s * dx, ay + s * dy
    return (x - qx) * (x - qx) + (y - qy) * (y - qy), qx, qy


@inlined
def point_to_ring(
    x: float, y: float, z: float, ring: Any, lo: int, hi: int
) -> tuple[float, float, float, float]:
    """Distance in metres from a surface point to an outline (0 inside), and the nearest point of the outline's edge.

    ``ring[lo:hi]`` are the surface points of a closed ring. Inside, the distance is 0 and the point is the given one.
    """
    frame = frame_at(x, y, z)
    ax, ay = into_frame(frame, ring[hi - 1, 0], ring[hi - 1, 1], ring[hi - 1, 2])
    best, qx, qy = np.inf, 0.0, 0.0
    inside = False
    for k in range(lo, hi):
        bx, by = into_frame(frame, ring[k, 0], ring[k, 1], ring[k, 2])
        d2, nx, ny = _nearest_on(0.0, 0.0, ax, ay, bx, by)
        if d2 < best:
            best, qx, qy = d2, nx, ny
        if (ay > 0.0) != (by > 0.0) and ax - ay * (bx - ax) / (by - ay) > 0.0:
            inside = not inside
        ax, ay = bx, by
    if inside or best == 0.0:
        return 0.0, x, y, z
    px, py, pz = out_of_frame(frame, qx, qy)
    return arc_of_chord(x, y, z, px, py, pz), px, py, pz


@inlined
def ring_depth(x: float, y: float, z: float, ring: Any, lo: int, hi: int) -> float:
    """Distance in metres from a surface point to an outline's edge, wherever the point is."""
    frame = frame_at(x, y, z)
    ax, ay = into_frame(frame, ring[hi - 1, 0], ring[hi - 1, 1], ring[hi - 1, 2])
    best, qx, qy = np.inf, 0.0, 0.0
    for k in range(lo, hi):
        bx, by = into_frame(frame, ring[k, 0], ring[k, 1], ring[k, 2])
        d2, nx, ny = _nearest_on(0.0, 0.0, ax, ay, bx, by)
        if d2 < best:
            best, qx, qy = d2, nx, ny
        ax, ay = bx, by
    px, py, pz = out_of_frame(frame, qx, qy)
    return arc_of_chord(x, y, z, px, py, pz)


@inlined
def _holds(xs: Any, ys: Any, n: int, x: float, y: float) -> bool:
    """Whether the plane ring (xs, ys)[:n] holds a point, by crossings of a ray."""
    inside = False
    j = n - 1
    for k in range(n):
        if (ys[j] > y) != (ys[k] > y) and xs[j] + (y - ys[j]) * (xs[k] - xs[j]) / (ys[k] - ys[j]) > x:
            inside = not inside
        j = k
    return inside


@inlined
def _rings_in_frame(
    frame: Any, one: Any, lo: int, hi: int, two: Any, lo2: int, hi2: int, work: Any, reach: float
) -> tuple[float, float, float, float, float]:
    """Plane distance of two rings (0 if they meet) and the nearest points; looks no further than ``reach``.

    ``work`` has shape (4, k), k at least the longer ring.
    """
    xa, ya, xb, yb = work[0], work[1], work[2], work[3]
    n, m = hi - lo, hi2 - lo2
    bx0, bx1, by0, by1 = np.inf, -np.inf, np.inf, -np.inf
    for k in range(m):
        x, y = into_frame(frame, two[lo2 + k, 0], two[lo2 + k, 1], two[lo2 + k, 2])
        xb[k], yb[k] = x, y
        bx0, bx1, by0, by1 = min(bx0, x), max(bx1, x), min(by0, y), max(by1, y)
    for k in range(n):
        xa[k], ya[k] = into_frame(frame, one[lo + k, 0], one[lo + k, 1], one[lo + k, 2])
    best = reach
    px = py = qx = qy = np.nan
    i = n - 1
    for k in range(n):
        ax, ay, cx, cy = xa[i], ya[i], xa[k], ya[k]
        i = k
        ex0, ex1, ey0, ey1 = min(ax, cx), max(ax, cx), min(ay, cy), max(ay, cy)
        if ex0 > bx1 + best or ex1 < bx0 - best or ey0 > by1 + best or ey1 < by0 - best:
            continue
        dx, dy = cx - ax, cy - ay
        j = m - 1
        for o in range(m):
            sx, sy, tx, ty = xb[j], yb[j], xb[o], yb[o]
            j = o
            if (
                min(sx, tx) > ex1 + best
                or max(sx, tx) < ex0 - best
                or min(sy, ty) > ey1 + best
                or max(sy, ty) < ey0 - best
            ):
                continue
            # do they cross? the signs of four turns
            s1 = dx * (sy - ay) - dy * (sx - ax)
            s2 = dx * (ty - ay) - dy * (tx - ax)
            gx, gy = tx - sx, ty - sy
            s3 = gx * (ay - sy) - gy * (ax - sx)
            s4 = gx * (cy - sy) - gy * (cx - sx)
            if s1 * s2 < 0.0 and s3 * s4 < 0.0:
                r = s3 / (s3 - s4)
                return 0.0, ax + r * dx, ay + r * dy, ax + r * dx, ay + r * dy
            if best == 0.0:
                continue
            d2, nx, ny = _nearest_on(ax, ay, sx, sy, tx, ty)
            if d2 < best * best:
                best, px, py, qx, qy = np.sqrt(d2), ax, ay, nx, ny
            d2, nx, ny = _nearest_on(cx, cy, sx, sy, tx, ty)
            if d2 < best * best:
                best, px, py, qx, qy = np.sqrt(d2), cx, cy, nx, ny
            d2, nx, ny = _nearest_on(sx, sy, ax, ay, cx, cy)
            if d2 < best * best:
                best, px, py, qx, qy = np.sqrt(d2), nx, ny, sx, sy
            d2, nx, ny = _nearest_on(tx, ty, ax, ay, cx, cy)
            if d2 < best * best:
                best, px, py, qx, qy = np.sqrt(d2), nx, ny, tx, ty
    if _holds(xb, yb, m, xa[0], ya[0]):
        return 0.0, xa[0], ya[0], xa[0], ya[0]
    if _holds(xa, ya, n, xb[0], yb[0]):
        return 0.0, xb[0], yb[0], xb[0], yb[0]
    if best == reach:
        return np.inf, px, py, qx, qy
    return best, px, py, qx, qy


@inlined
def ring_to_ring(
    one: Any,
    lo: int,
    hi: int,
    ball_a: Any,
    two: Any,
    lo2: int,
    hi2: int,
    ball_b: Any,
    work: Any,
    reach_m: float,
) -> tuple[float, float, float, float]:
    """Distance in metres between two outlines (0 if they meet), if it is less than ``reach_m``, else inf; a point of it.

    ``ball`` is centre and radius of an outline. The point lies in both outlines, or is the nearest point of the first.
    """
    if ball_a[3] < ball_b[3]:
        ox, oy, oz = foot_of(ball_a[0], ball_a[1], ball_a[2])
    else:
        ox, oy, oz = foot_of(ball_b[0], ball_b[1], ball_b[2])
    frame = frame_at(ox, oy, oz)
    # the frame stretches: what is within reach on the ground may be this much further in the plane
    far = min(ball_a[3], ball_b[3]) + reach_m
    stretch = 1.0 + 3.0 * (far / R_MIN_M) * (far / R_MIN_M)
    d, px, py, qx, qy = _rings_in_frame(
        frame, one, lo, hi, two, lo2, hi2, work, reach_m * stretch + TOUCHING_M
    )
    if d == 0.0:
        x, y, z = out_of_frame(frame, px, py)
        return 0.0, x, y, z
    if d == np.inf:
        return np.inf, np.nan, np.nan, np.nan
    ax, ay, az = out_of_frame(frame, px, py)
    bx, by, bz = out_of_frame(frame, qx, qy)
    metres = arc_of_chord(ax, ay, az, bx, by, bz)
    # found in a stretched plane, so another two points may be a little nearer. On the earth, as on any surface curved that way,
    # the nearest points of two edges that do not cross include an end of one, and from a point distances are exact.
    for k in range(lo, hi):
        if _within(ball_b, one[k, 0], one[k, 1], one[k, 2], metres):
            d, x, y, z = point_to_ring(one[k, 0], one[k, 1], one[k, 2], two, lo2, hi2)
            if d < metres:
                metres, ax, ay, az = d, x, y, z
    for k in range(lo2, hi2):
        if _within(ball_a, two[k, 0], two[k, 1], two[k, 2], metres):
            d, x, y, z = point_to_ring(two[k, 0], two[k, 1], two[k, 2], one, lo, hi)
            if d < metres:
                metres, ax, ay, az = d, x, y, z
    return metres, ax, ay, az


@inlined
def _within(ball: Any, x: float, y: float, z: float, reach: float) -> bool:
    """Whether a point may be within reach of what a ball holds."""
    dx, dy, dz = x - ball[0], y - ball[1], z - ball[2]
    return dx * dx + dy * dy + dz * dz <= (ball[3] + reach) * (ball[3] + reach)


# -- outlines as they are made ----------------------------------------------------------------------------


@kernel
def balls(point: Any, offsets: Any, radius_m: Any, ball: Any, lo: int, hi: int) -> None:
    """The ball that holds each outline ``lo..hi``, its edges and all that lies inside: centre and radius, shape (n, 4)."""
    for v in range(lo, hi):
        first, last = offsets[v], offsets[v + 1]
        if radius_m[v] > 0.0:
            ball[v, 0], ball[v, 1], ball[v, 2] = point[first, 0], point[first, 1], point[first, 2]
            ball[v, 3] = radius_m[v] + 1e-3
            continue
        cx = cy = cz = 0.0
        for k in range(first, last):
            cx, cy, cz = cx + point[k, 0], cy + point[k, 1], cz + point[k, 2]
        size = 1.0 / (last - first)
        cx, cy, cz = cx * size, cy * size, cz * size
        far2 = longest2 = 0.0
        j = last - 1
        for k in range(first, last):
            dx, dy, dz = point[k, 0] - cx, point[k, 1] - cy, point[k, 2] - cz
            far2 = max(far2, dx * dx + dy * dy + dz * dz)
            dx, dy, dz = point[k, 0] - point[j, 0], point[k, 1] - point[j, 1], point[k, 2] - point[j, 2]
            longest2 = max(longest2, dx * dx + dy * dy + dz * dz)
            j = k
        ball[v, 0], ball[v, 1], ball[v, 2] = cx, cy, cz
        ball[v, 3] = np.sqrt(far2) + longest2 / (8.0 * R_MIN_M) + 1e-3


SOUND: Final = 0
TOO_WIDE: Final = 1
NO_AREA: Final = 2
CROSSES: Final = 3


@kernel
def examine(
    point: Any,
    offsets: Any,
    radius_m: Any,
    ball: Any,
    fault: Any,
    first_edge: Any,
    second_edge: Any,
    lo: int,
    hi: int,
) -> None:
    """Look for what no outline may be: too wide, without area, self-crossing; ``fault`` gets a code, the edges where it crosses.

    Edges are numbered by the ring point they start from. Edges that only touch do not cross. The cost is quadratic
    in the ring's points, 0.1 s for 10,000.
    """
    most = 1
    for v in range(lo, hi):
        most = max(most, offsets[v + 1] - offsets[v])
    xs, ys = np.empty(most), np.empty(most)
    for v in range(lo, hi):
        fault[v] = SOUND
        if radius_m[v] > 0.0:
            continue
        if ball[v, 3] > RADIUS_MAX_M:
            fault[v] = TOO_WIDE
            continue
        first = offsets[v]
        n = offsets[v + 1] - first
        ox, oy, oz = foot_of(ball[v, 0], ball[v, 1], ball[v, 2])
        frame = frame_at(ox, oy, oz)
        for k in range(n):
            xs[k], ys[k] = into_frame(frame, point[first + k, 0], point[first + k, 1], point[first + k, 2])
        area = perimeter = 0.0
        j = n - 1
        for k in range(n):
            area += (xs[j] - xs[0]) * (ys[k] - ys[0]) - (xs[k] - xs[0]) * (ys[j] - ys[0])
            perimeter += np.hypot(xs[k] - xs[j], ys[k] - ys[j])
            j = k
        # the crossing first: a symmetrical figure of eight has no area either, and "it crosses" says more
        for i in range(n):
            i2 = i + 1 if i + 1 < n else 0
            ax, ay, bx, by = xs[i], ys[i], xs[i2], ys[i2]
            x0, x1, y0, y1 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
            dx, dy = bx - ax, by - ay
            for k in range(i + 2, n):
                k2 = k + 1 if k + 1 < n else 0
                cx, cy, ex, ey = xs[k], ys[k], xs[k2], ys[k2]
                if min(cx, ex) > x1 or max(cx, ex) < x0 or min(cy, ey) > y1 or max(cy, ey) < y0:
                    continue
                s1 = dx * (cy - ay) - dy * (cx - ax)
                s2 = dx * (ey - ay) - dy * (ex - ax)
                gx, gy = ex - cx, ey - cy
                s3 = gx * (ay - cy) - gy * (ax - cx)
                s4 = gx * (by - cy) - gy * (bx - cx)
                # a micrometre off the line is on it: rounding must not make a touch a crossing
                near_1, near_2 = TOUCHING_M * np.hypot(dx, dy), TOUCHING_M * np.hypot(gx, gy)
                if (
                    ((s1 > near_1 and s2 < -near_1) or (s1 < -near_1 and s2 > near_1))
                    and ((s3 > near_2 and s4 < -near_2) or (s3 < -near_2 and s4 > near_2))
                ):  # fmt: skip
                    fault[v] = CROSSES
                    first_edge[v], second_edge[v] = i, k
                    break
            if fault[v] != SOUND:
                break
        if fault[v] == SOUND and abs(area) <= 2.0 * 1e-3 * perimeter:
            fault[v] = NO_AREA
