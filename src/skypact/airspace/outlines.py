"""Outlines on the earth: is a point inside, how far apart are two, where does a leg come near.

Law: these kernels decide everything horizontal about volumes; they know nothing of height or time. They see
surface points (:mod:`skypact.airspace.earth`) and **legs**: outlines are rings of points whose edges were cut
to at most :data:`~skypact.airspace.earth.LEG_MAX_M`. A point is inside a ring if a ray from it crosses the
ring an odd number of times.

How it works. A **tangent frame** at a surface point O projects the surface onto the plane that touches it
there, from the centre of curvature below O. On a sphere this is the gnomonic projection, in which geodesics
are straight; on the ellipsoid a leg of length L at a distance d from O bends by ``L^2 / 8R`` times the angle
between the normal and the line to the centre, at most ``0.0034 d / R`` (:func:`outline_bound`): 0.3 mm for 25
km at 50 km. The frame decides what crosses what. How far apart two things are is never read off a frame,
which stretches lengths by ``(d / R)^2``, and not alike in all directions (:func:`unsure_m`): the frame only
names the edges that may be nearest. These are measured in frames at the points they are measured from, where
a straight line is a geodesic, and along the ground. The nearest points of two edges that do not cross include
an end of one of them, so measuring from the vertices of both rings is enough.

Rings of many points are looked at in runs of :data:`RUN` edges with a rectangle round each, so that two rings
of 10,000 points cost about what their rectangles that overlap cost.

Known limits: an outline must lie within :data:`RADIUS_MAX_M` of its own middle, so that every frame sees all
of it.
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
    surface_of,
)
from skypact.airspace.jit import inlined, kernel

RADIUS_MAX_M: Final = 4_000_000.0
"""No outline reaches further from its middle than this (chord): a frame at any point of it sees all."""
TOUCHING_M: Final = 1e-6
"""Outlines nearer than this touch: rounding of metres of the earth's size in binary."""
RUN: Final = 16
"""So many edges are looked at together."""

_INV_A2: Final = 1.0 / A_M**2
_INV_B2: Final = 1.0 / B_M**2


@inlined
def outline_bound(leg_m: float, distance_m: float) -> float:
    """Bound in metres on how far a leg lies off its straight image in a frame, seen from that distance.

    Twice the leading term ``(L^2 / 8R) (0.0034 d / R)``, and rounding; measured in ``docs/soundness.md``.
    """
    return TOUCHING_M + leg_m * leg_m * (distance_m + leg_m) * (0.0068 / 8.0) / (R_MIN_M * R_MIN_M)


@inlined
def unsure_m(image_m: float) -> float:
    """By how much a frame may be mistaken about which of two things is nearer to its origin.

    The image of a distance s differs by ``0.0034 s^3 / 6 R^2`` between the directions in which the surface is
    bent most and least; this is four times that.
    """
    return TOUCHING_M + image_m * image_m * image_m * 0.0023 / (R_MIN_M * R_MIN_M)


@inlined
def foot_of(x: float, y: float, z: float) -> tuple[float, float, float]:
    """The surface point below or above a point: three Newton steps along the gradient.

    The foot of the normal for points within 100 km of the surface; further down, some surface point near it.
    """
    for _ in range(3):
        gx, gy, gz = x * _INV_A2, y * _INV_A2, z * _INV_B2
        f = x * gx + y * gy + z * gz - 1.0
        step = -0.5 * f / (gx * gx + gy * gy + gz * gz)
        x, y, z = x + step * gx, y + step * gy, z + step * gz
    return x, y, z


@inlined
def frame_towards(x: float, y: float, z: float, dx: float, dy: float, dz: float) -> Any:
    """The tangent frame at a surface point, its first axis along d: (e, f, n, centre, radius), 13 numbers."""
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
    """A surface point's image in a frame, metres; points beyond some 84 degrees are held at that distance."""
    dx, dy, dz = x - frame[9], y - frame[10], z - frame[11]
    up = dx * frame[6] + dy * frame[7] + dz * frame[8]
    scale = frame[12] / max(up, 0.1 * frame[12])
    east = dx * frame[0] + dy * frame[1] + dz * frame[2]
    north = dx * frame[3] + dy * frame[4] + dz * frame[5]
    return east * scale, north * scale


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
def onward(
    x: float, y: float, z: float, tx: float, ty: float, tz: float, metres: float
) -> tuple[float, float, float]:
    """The surface point so far from one towards another, to 0.1 m over 200 km; the first if both are one."""
    dx, dy, dz = tx - x, ty - y, tz - z
    if dx * dx + dy * dy + dz * dz < TOUCHING_M * TOUCHING_M:
        return x, y, z
    frame = frame_towards(x, y, z, dx, dy, dz)
    return out_of_frame(frame, frame[12] * np.tan(metres / frame[12]), 0.0)


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
def _to_edge(
    frame: Any, x: float, y: float, z: float, ring: Any, j: int, k: int
) -> tuple[float, float, float, float]:
    """Distance along the ground from a point, where the frame is, to the edge j-k, and the edge's point."""
    ax, ay = into_frame(frame, ring[j, 0], ring[j, 1], ring[j, 2])
    bx, by = into_frame(frame, ring[k, 0], ring[k, 1], ring[k, 2])
    _, qx, qy = _nearest_on(0.0, 0.0, ax, ay, bx, by)
    px, py, pz = out_of_frame(frame, qx, qy)
    return arc_of_chord(x, y, z, px, py, pz), px, py, pz


@inlined
def point_to_edge(x: float, y: float, z: float, ring: Any, j: int, k: int) -> float:
    """Distance in metres along the ground from a surface point to the edge from ring point j to k."""
    d, _, _, _ = _to_edge(frame_at(x, y, z), x, y, z, ring, j, k)
    return d


@inlined
def point_to_ring(
    x: float, y: float, z: float, ring: Any, lo: int, hi: int
) -> tuple[float, float, float, float]:
    """Distance in metres from a surface point to an outline (0 inside), and the nearest point of its edge.

    ``ring[lo:hi]`` are the surface points of a closed ring. Inside, the distance is 0 and the point is the
    given one.
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
    d = arc_of_chord(x, y, z, px, py, pz)
    image = np.sqrt(best)
    unsure = unsure_m(image)
    if unsure > 2.0 * TOUCHING_M:
        # far off, the frame cannot tell which of several edges is nearest: measure all that may be
        limit = (image + unsure) * (image + unsure)
        j = hi - 1
        ax, ay = into_frame(frame, ring[j, 0], ring[j, 1], ring[j, 2])
        for k in range(lo, hi):
            bx, by = into_frame(frame, ring[k, 0], ring[k, 1], ring[k, 2])
            d2, nx, ny = _nearest_on(0.0, 0.0, ax, ay, bx, by)
            if d2 <= limit:
                ex, ey, ez = out_of_frame(frame, nx, ny)
                metres = arc_of_chord(x, y, z, ex, ey, ez)
                if metres < d:
                    d, px, py, pz = metres, ex, ey, ez
            ax, ay = bx, by
    return d, px, py, pz


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
def _runs(xs: Any, ys: Any, n: int, runs: Any) -> int:
    """The rectangle (x from, to, y from, to) round each run of edges of a plane ring; how many runs.

    Edge k leads from point k - 1 to point k; edge 0 from the last.
    """
    count = (n + RUN - 1) // RUN
    for r in range(count):
        first = r * RUN
        j = first - 1 if first > 0 else n - 1
        x0 = x1 = xs[j]
        y0 = y1 = ys[j]
        for k in range(first, min(first + RUN, n)):
            x0, x1 = min(x0, xs[k]), max(x1, xs[k])
            y0, y1 = min(y0, ys[k]), max(y1, ys[k])
        runs[0, r], runs[1, r], runs[2, r], runs[3, r] = x0, x1, y0, y1
    return count


@inlined
def _in_plane(frame: Any, ring: Any, lo: int, n: int, xs: Any, ys: Any) -> None:
    for k in range(n):
        xs[k], ys[k] = into_frame(frame, ring[lo + k, 0], ring[lo + k, 1], ring[lo + k, 2])


@inlined
def _nearest_in_plane(work: Any, n: int, m: int, reach: float) -> tuple[float, float, float, float, float]:
    """Plane distance of two rings (0 if they meet; inf if not within ``reach``), and the nearest points."""
    xa, ya, runs_a, xb, yb, runs_b = work[0], work[1], work[2:6], work[6], work[7], work[8:12]
    best = reach
    px = py = qx = qy = np.nan
    for ra in range((n + RUN - 1) // RUN):
        a0, a1, a2, a3 = runs_a[0, ra], runs_a[1, ra], runs_a[2, ra], runs_a[3, ra]
        for rb in range((m + RUN - 1) // RUN):
            b0, b1, b2, b3 = runs_b[0, rb], runs_b[1, rb], runs_b[2, rb], runs_b[3, rb]
            if a0 > b1 + best or a1 < b0 - best or a2 > b3 + best or a3 < b2 - best:
                continue
            i = ra * RUN - 1 if ra > 0 else n - 1
            for k in range(ra * RUN, min(ra * RUN + RUN, n)):
                ax, ay, cx, cy = xa[i], ya[i], xa[k], ya[k]
                i = k
                ex0, ex1, ey0, ey1 = min(ax, cx), max(ax, cx), min(ay, cy), max(ay, cy)
                if ex0 > b1 + best or ex1 < b0 - best or ey0 > b3 + best or ey1 < b2 - best:
                    continue
                dx, dy = cx - ax, cy - ay
                j = rb * RUN - 1 if rb > 0 else m - 1
                for o in range(rb * RUN, min(rb * RUN + RUN, m)):
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
def _from_vertices(
    one: Any,
    lo: int,
    xs: Any,
    ys: Any,
    n: int,
    two: Any,
    lo2: int,
    xs2: Any,
    ys2: Any,
    runs: Any,
    m: int,
    metres: float,
    stretch: float,
) -> tuple[float, float, float, float, float, float, float]:
    """The least distance on the ground from a vertex of one ring to an edge of another, if under ``metres``.

    Returns it, the vertex and the edge's point; the vertex is NaN where there is none nearer.
    """
    vx = vy = vz = qx = qy = qz = np.nan
    within = metres * stretch + TOUCHING_M
    for i in range(n):
        x, y = xs[i], ys[i]
        for r in range((m + RUN - 1) // RUN):
            if (
                x > runs[1, r] + within
                or x < runs[0, r] - within
                or y > runs[3, r] + within
                or y < runs[2, r] - within
            ):
                continue
            px, py, pz = one[lo + i, 0], one[lo + i, 1], one[lo + i, 2]
            frame = frame_at(px, py, pz)
            j = r * RUN - 1 if r > 0 else m - 1
            for k in range(r * RUN, min(r * RUN + RUN, m)):
                d2, _, _ = _nearest_on(x, y, xs2[j], ys2[j], xs2[k], ys2[k])
                if d2 <= within * within:
                    d, ex, ey, ez = _to_edge(frame, px, py, pz, two, lo2 + j, lo2 + k)
                    if d < metres:
                        metres, vx, vy, vz, qx, qy, qz = d, px, py, pz, ex, ey, ez
                        within = metres * stretch + TOUCHING_M
                j = k
    return metres, vx, vy, vz, qx, qy, qz


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
    """Distance in metres between two outlines (0 if they meet), inf beyond ``reach_m``; and a point of it.

    ``ball`` is centre and radius of an outline; ``work`` has shape (12, k), k at least the longer ring. The
    point lies in both outlines, or is the nearest point of the first.
    """
    if ball_a[3] < ball_b[3]:
        ox, oy, oz = foot_of(ball_a[0], ball_a[1], ball_a[2])
    else:
        ox, oy, oz = foot_of(ball_b[0], ball_b[1], ball_b[2])
    frame = frame_at(ox, oy, oz)
    n, m = hi - lo, hi2 - lo2
    _in_plane(frame, one, lo, n, work[0], work[1])
    _in_plane(frame, two, lo2, m, work[6], work[7])
    _runs(work[0], work[1], n, work[2:6])
    _runs(work[6], work[7], m, work[8:12])
    # the frame stretches: what is within reach on the ground may be this much further in the plane
    far = min(ball_a[3], ball_b[3]) + reach_m
    stretch = 1.0 + 3.0 * (far / R_MIN_M) * (far / R_MIN_M)
    d, px, py, qx, qy = _nearest_in_plane(work, n, m, reach_m * stretch + TOUCHING_M)
    if d == 0.0:
        x, y, z = out_of_frame(frame, px, py)
        return 0.0, x, y, z
    if d == np.inf:
        return np.inf, np.nan, np.nan, np.nan
    ax, ay, az = out_of_frame(frame, px, py)
    bx, by, bz = out_of_frame(frame, qx, qy)
    metres = arc_of_chord(ax, ay, az, bx, by, bz)
    if metres <= TOUCHING_M:
        return metres, ax, ay, az
    # found in a stretched plane: another two points may be nearer, and neither need lie where the edges do
    limit = metres * (1.0 + 1e-3) + outline_bound(25_000.0, far)
    d, vx, vy, vz, _, _, _ = _from_vertices(
        one, lo, work[0], work[1], n, two, lo2, work[6], work[7], work[8:12], m, limit, stretch
    )
    if d < limit:
        metres, ax, ay, az = d, vx, vy, vz
        limit = d
    d, _, _, _, bx, by, bz = _from_vertices(
        two, lo2, work[6], work[7], m, one, lo, work[0], work[1], work[2:6], n, limit, stretch
    )
    if d < limit:
        metres, ax, ay, az = d, bx, by, bz
    return metres, ax, ay, az


# -- outlines as they are made ----------------------------------------------------------------------------


@kernel
def balls(point: Any, offsets: Any, radius_m: Any, ball: Any, lo: int, hi: int) -> None:
    """The ball that holds each outline ``lo..hi``, with its edges and its inside.

    Centre and radius in metres, shape (n, 4).     A ring's centre is the mean of its points, so that a ball
    of radius r has its centre at most ``r^2`` (over twice the earth's radius) deep: the broad phase counts on
    it.
    """
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


@inlined
def _first_crossing(xs: Any, ys: Any, n: int, runs: Any) -> tuple[int, int]:
    """Two edges of a plane ring that cross, by the points they lead to; (-1, -1) if none do."""
    count = _runs(xs, ys, n, runs)
    for p in range(count):
        for q in range(p, count):
            if (
                runs[0, p] > runs[1, q]
                or runs[1, p] < runs[0, q]
                or runs[2, p] > runs[3, q]
                or runs[3, p] < runs[2, q]
            ):
                continue
            i0 = p * RUN - 1 if p > 0 else n - 1
            for i in range(p * RUN, min(p * RUN + RUN, n)):
                ax, ay, bx, by = xs[i0], ys[i0], xs[i], ys[i]
                i0 = i
                x0, x1, y0, y1 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
                if x0 > runs[1, q] or x1 < runs[0, q] or y0 > runs[3, q] or y1 < runs[2, q]:
                    continue
                dx, dy = bx - ax, by - ay
                for k in range(max(i + 2, q * RUN), min(q * RUN + RUN, n)):
                    cx, cy, ex, ey = xs[k - 1], ys[k - 1], xs[k], ys[k]
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
                        return i, k
    return -1, -1


@inlined
def _first_touch(xs: Any, ys: Any, n: int) -> tuple[int, int]:
    """A point of a plane ring on an edge that is not its own: (edge that leads to the point, that edge)."""
    for i in range(n):
        for k in range(n):
            j = k - 1 if k > 0 else n - 1
            if i in (j, k):
                continue
            d2, _, _ = _nearest_on(xs[i], ys[i], xs[j], ys[j], xs[k], ys[k])
            if d2 <= TOUCHING_M * TOUCHING_M:
                return i, k
    return 0, 0


@inlined
def _goes_round_once(xs: Any, ys: Any, n: int) -> bool:
    """Whether the edges of a plane ring turn through one whole turn.

    Those of any ring do that does not cross itself. An edge that turns right back may have turned either way.
    """
    ux = uy = size = 0.0
    turn = 0.0
    backs = 0
    j = n - 1
    started = False
    for step in range(2 * n):
        k = step % n
        dx, dy = xs[k] - xs[j], ys[k] - ys[j]
        j = k
        length = np.hypot(dx, dy)
        if length > TOUCHING_M:
            if started and step >= n:
                side, along = ux * dy - uy * dx, ux * dx + uy * dy
                if along < 0.0 and abs(side) <= TOUCHING_M * max(size, length):
                    backs += 1
                else:
                    turn += np.arctan2(side, along)
            ux, uy, size = dx, dy, length
            started = True
    halves = int(np.rint(turn / np.pi))
    for whole in (2, -2):
        left = abs(whole - halves)
        if left <= backs and (left - backs) % 2 == 0:
            return True
    return False


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
    """Look for what no outline may be: too wide, without area, self-crossing.

    ``fault`` gets a code, ``first_edge`` and ``second_edge`` where it crosses.     Edges are numbered by the
    ring point they start from. Edges that only touch do not cross, but a ring that crosses itself in a
    vertex, or is drawn twice over, does: its edges turn round no time, or twice.
    """
    most = 1
    for v in range(lo, hi):
        most = max(most, offsets[v + 1] - offsets[v])
    xs, ys = np.empty(most), np.empty(most)
    runs = np.empty((4, most // RUN + 1))
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
        _in_plane(frame, point, first, n, xs, ys)
        # the crossing first: a symmetrical figure of eight has no area either, and "it crosses" says more
        i, k = _first_crossing(xs, ys, n, runs)
        if i < 0:
            area = perimeter = 0.0
            j = n - 1
            for k in range(n):
                area += (xs[j] - xs[0]) * (ys[k] - ys[0]) - (xs[k] - xs[0]) * (ys[j] - ys[0])
                perimeter += np.hypot(xs[k] - xs[j], ys[k] - ys[j])
                j = k
            if _goes_round_once(xs, ys, n):
                if abs(area) <= 2.0 * 1e-3 * perimeter:
                    fault[v] = NO_AREA
                continue
            if perimeter <= 2.0 * n * TOUCHING_M or _flat(xs, ys, n):
                fault[v] = NO_AREA
                continue
            i, k = _first_touch(xs, ys, n)
        fault[v] = CROSSES
        first_edge[v], second_edge[v] = (i - 1 if i > 0 else n - 1), (k - 1 if k > 0 else n - 1)


@inlined
def _flat(xs: Any, ys: Any, n: int) -> bool:
    """Whether all points of a plane ring lie within 2 mm of one line."""
    far2, at = 0.0, 0
    for k in range(n):
        d2 = (xs[k] - xs[0]) * (xs[k] - xs[0]) + (ys[k] - ys[0]) * (ys[k] - ys[0])
        if d2 > far2:
            far2, at = d2, k
    if far2 == 0.0:
        return True
    dx, dy, size = xs[at] - xs[0], ys[at] - ys[0], np.sqrt(far2)
    most = 0.0
    for k in range(n):
        most = max(most, abs(dx * (ys[k] - ys[0]) - dy * (xs[k] - xs[0])))
    flat: bool = most <= 2e-3 * size
    return flat


@kernel
def few(
    offsets: Any, lat_deg: Any, lng_deg: Any, leg_max_m: float, point: Any, ball: Any, leg_m: Any
) -> bool:
    """Make a few small polygons at once: their points, balls and longest legs; whether all are sound.

    No leg may need a cut: none is longer than ``leg_max_m``. What is not sound is to be looked at again, one
    thing after the other, for what to say about it.
    """
    n = offsets.shape[0] - 1
    for k in range(lat_deg.shape[0]):
        point[k, 0], point[k, 1], point[k, 2] = surface_of(lat_deg[k], lng_deg[k])
    for v in range(n):
        longest2 = 0.0
        j = offsets[v + 1] - 1
        for k in range(offsets[v], offsets[v + 1]):
            dx, dy, dz = point[k, 0] - point[j, 0], point[k, 1] - point[j, 1], point[k, 2] - point[j, 2]
            longest2 = max(longest2, dx * dx + dy * dy + dz * dz)
            j = k
        leg_m[v] = np.sqrt(longest2)
        if not leg_m[v] <= leg_max_m:
            return False
    radius, fault = np.zeros(n), np.zeros(n, np.int8)
    one, two = np.zeros(n, np.int64), np.zeros(n, np.int64)
    balls(point, offsets, radius, ball, 0, n)
    examine(point, offsets, radius, ball, fault, one, two, 0, n)
    sound: bool = fault.max() == SOUND
    return sound
