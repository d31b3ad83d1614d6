"""Kernels for volumes: do two volumes meet, when is a leg inside one.

Law: this file decides what meets a volume, and nothing else does but the oracle ``check/reference.py``, which
shares no code with it. It sees pairs that the broad phase (``check/_boxes.py``) named. ``NaN`` altitude means
*not known*, and what that leaves undecided is emitted as such; a sample whose altitude is known is decided
for its instant, whatever the legs beside it.

Volumes are closed in space: two that touch meet. With a buffer, what is nearer than the buffer meets too,
horizontally and vertically at once; exactly at the buffer is separated. Windows of volumes are half-open,
tracks are closed in time.

A volume against a volume: the windows, in whole microseconds, then the bands, then the outlines
(:func:`~skypact.airspace.outlines.ring_to_ring`; a circle is its centre with a reach).

A leg against a volume: the instants at which the altitude is in the band and the window is open are an
interval; what is left of the leg is a straight stretch in the tangent frame at its middle. It is near an edge
of the outline for an interval (a straight line meets a stadium in one piece) and inside between crossings;
the union of these is the answer, whatever the outline's shape. Where there is a buffer, the frame's stretch
makes two intervals of each edge, one in which it is surely within the buffer and one in which it may be;
where the second reaches beyond all that is sure, its ends are moved to where the distance on the ground
equals the buffer.

A track's altitude is compared in the volume's own references, converted where the track is. Two volumes of
different references are compared over the ellipsoid, and the geoid's slope over both is added to the bound.

Known limits: ``docs/soundness.md``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from skypact.airspace.earth import LEG_MAX_M, arc_of_chord, end_tangents, hermite, on_leg
from skypact.airspace.jit import inlined, kernel
from skypact.airspace.outlines import (
    foot_of,
    frame_towards,
    into_frame,
    onward,
    outline_bound,
    point_to_edge,
    point_to_ring,
    ring_to_ring,
    unsure_m,
)
from skypact.check._sweep import (
    ALT,
    ALTITUDE_INCOMPARABLE,
    ALTITUDE_UNKNOWN,
    FLAG,
    FOUND,
    INCOMPARABLE,
    MARGIN,
    MARGINAL,
    RAW_COLUMNS,
    ROUNDING_M,
    SAME_REFERENCE,
    T0,
    T1,
    TC,
    A,
    B,
    H,
    V,
    X,
    Y,
    Z,
    _grown,
    _slope,
    frame_bound,
    lone,
    undecided,
)

HOVER_M: Final = 1e-6
"""A leg shorter than this is no motion, but rounding: metres of the earth's size are spaced a nanometre."""
GEOID_SLOPE: Final = 5e-4
"""Steeper than any slope of the geoid (100 seconds of arc): how far its height may differ, metre by metre."""
GEOID_RANGE_M: Final = 193.0
"""From the geoid's lowest point (-107 m, south of India) to its highest (86 m, New Guinea)."""


@inlined
def _over(low_m: float, high_m: float, compare: int, low_w_m: float, high_w_m: float) -> float:
    """How far the first altitude lies over the second: in their reference, else over the ellipsoid, else NaN.

    An open bound (infinite) compares with anything.
    """
    if np.isinf(low_m) or np.isinf(high_m):
        return -np.inf
    if compare == SAME_REFERENCE:
        return low_m - high_m
    if compare == INCOMPARABLE:
        return np.nan
    return low_w_m - high_w_m


@inlined
def separated(distance_m: float, buffer_m: float, slack_m: float) -> bool:
    """Whether two bands at that distance are separated by the buffer: at it or beyond it, and not touching.

    ``slack_m`` is by how much the distance may be too large; :data:`ROUNDING_M` beside the buffer is at it.
    """
    return distance_m > slack_m + ROUNDING_M and distance_m >= buffer_m + slack_m - ROUNDING_M


@kernel
def volumes_meet(
    pairs: Any,
    lo: int,
    hi: int,
    ring_a: Any,
    point_a: Any,
    ball_a: Any,
    leg_a: Any,
    radius_a: Any,
    band_a: Any,
    band_ref_a: Any,
    start_a: Any,
    end_a: Any,
    body_a: Any,
    klass_a: Any,
    ring_b: Any,
    point_b: Any,
    ball_b: Any,
    leg_b: Any,
    radius_b: Any,
    band_b: Any,
    band_ref_b: Any,
    start_b: Any,
    end_b: Any,
    body_b: Any,
    klass_b: Any,
    rule: Any,
    D_of: Any,
    H_of: Any,
    compare: Any,
    geoid_bound_m: float,
) -> Any:
    """Raw rows for the pairs ``lo..hi`` that meet; times are the caller's to take from the windows.

    ``band`` has floor and ceiling in their own references and over the ellipsoid, shape (n, 4). A pair that
    no rule fits is checked with no buffer.
    """
    out = np.empty((256, RAW_COLUMNS))
    used: Any = np.int64(0)  # a literal 0 would be a type of its own, and all that takes it compiled twice
    work = np.empty((12, 64))
    for k in range(lo, hi):
        a, b = pairs[k, 0], pairs[k, 1]
        if body_a[a] == body_b[b] or max(start_a[a], start_b[b]) >= min(end_a[a], end_b[b]):
            continue
        D, Hm = 0.0, 0.0
        if rule[klass_a[a], klass_b[b]] >= 0:
            D, Hm = D_of[klass_a[a], klass_b[b]], H_of[klass_a[a], klass_b[b]]
        # heights: each floor over the other's ceiling
        way_up, way_down = (
            compare[band_ref_a[a, 0], band_ref_b[b, 1]],
            compare[band_ref_b[b, 0], band_ref_a[a, 1]],
        )
        up = _over(band_a[a, 0], band_b[b, 1], way_up, band_a[a, 2], band_b[b, 3])
        down = _over(band_b[b, 0], band_a[a, 1], way_down, band_b[b, 2], band_a[a, 3])
        slope = geoid_bound_m + min(GEOID_SLOPE * (ball_a[a, 3] + ball_b[b, 3]), GEOID_RANGE_M)
        slack_up = 0.0 if way_up == SAME_REFERENCE else slope
        slack_down = 0.0 if way_down == SAME_REFERENCE else slope
        # NaN compares false: what is not known separates nothing
        if separated(up, Hm, slack_up) or separated(down, Hm, slack_down):
            continue
        # a floor over the other's ceiling is over its floor too, whatever that is measured from
        if np.isnan(up) and down > slack_down:
            up = -np.inf
        if np.isnan(down) and up > slack_up:
            down = -np.inf
        flag = FOUND
        gap = max(up, down)
        if gap <= ROUNDING_M:
            gap = 0.0
        if np.isnan(up) or np.isnan(down):
            flag = ALTITUDE_INCOMPARABLE
            gap = np.nan
        # outlines
        first, last = ring_a[a], ring_a[a + 1]
        second, last_b = ring_b[b], ring_b[b + 1]
        if radius_a[a] > 0.0 and radius_b[b] > 0.0:
            apart = arc_of_chord(
                ball_a[a, 0], ball_a[a, 1], ball_a[a, 2], ball_b[b, 0], ball_b[b, 1], ball_b[b, 2]
            )
            reach = D + ROUNDING_M + frame_bound(0.0, apart)
            d = max(0.0, apart - radius_a[a] - radius_b[b])
            x, y, z = onward(
                ball_a[a, 0],
                ball_a[a, 1],
                ball_a[a, 2],
                ball_b[b, 0],
                ball_b[b, 1],
                ball_b[b, 2],
                min(radius_a[a], apart),
            )
        elif radius_a[a] > 0.0:
            apart, x, y, z = point_to_ring(ball_a[a, 0], ball_a[a, 1], ball_a[a, 2], point_b, second, last_b)
            reach = D + outline_bound(leg_b[b], apart) + frame_bound(0.0, apart)
            d = max(0.0, apart - radius_a[a])
            if d > 0.0:
                x, y, z = onward(ball_a[a, 0], ball_a[a, 1], ball_a[a, 2], x, y, z, radius_a[a])
        elif radius_b[b] > 0.0:
            apart, x, y, z = point_to_ring(ball_b[b, 0], ball_b[b, 1], ball_b[b, 2], point_a, first, last)
            reach = D + outline_bound(leg_a[a], apart) + frame_bound(0.0, apart)
            d = max(0.0, apart - radius_b[b])
        else:
            longer = max(last - first, last_b - second)
            if longer > work.shape[1]:
                work = np.empty((12, 2 * longer))
            reach = D + outline_bound(max(leg_a[a], leg_b[b]), max(min(ball_a[a, 3], ball_b[b, 3]), D))
            reach += frame_bound(0.0, D)
            d, x, y, z = ring_to_ring(
                point_a, first, last, ball_a[a], point_b, second, last_b, ball_b[b], work, reach
            )
        if d >= reach:
            continue
        if d <= ROUNDING_M:
            d = 0.0
        if flag == FOUND and ((d > 0.0 and d >= D) or (gap > 0.0 and gap >= Hm - ROUNDING_M)):
            flag = MARGINAL
        out = _grown(out, used)
        out[used, A], out[used, B] = a, b
        out[used, T0], out[used, T1], out[used, TC] = 0.0, 0.0, 0.0
        out[used, H], out[used, V] = d, gap
        out[used, X], out[used, Y], out[used, Z] = x, y, z
        out[used, ALT] = (
            max(band_a[a, 0], band_b[b, 0]) if band_ref_a[a, 0] == band_ref_b[b, 0] else band_a[a, 0]
        )
        out[used, MARGIN] = max(d - D, gap - Hm) if not np.isnan(gap) else d - D
        out[used, FLAG] = flag
        used += 1
    return out[:used]


# -- legs and volumes -------------------------------------------------------------------------------------


@inlined
def _while_over(height: float, rate: float, least: float, t0: float, t1: float) -> tuple[float, float]:
    """The part of [t0, t1] in which ``height + rate (t - t0)`` is at least ``least``; else (1, 0)."""
    if rate == 0.0:
        if height >= least:
            return t0, t1
        return 1.0, 0.0
    if rate < 0.0 and height < least:  # said here, because far from the base t0 + a nanosecond is t0
        return 1.0, 0.0
    cross = t0 + (least - height) / rate
    if rate > 0.0:
        return max(t0, cross), t1
    return t0, min(t1, cross)


@inlined
def _span_of_edge(
    ax: float, ay: float, bx: float, by: float, x0: float, x1: float, radius: float
) -> tuple[float, float, float, float]:
    """Where on the stretch [x0, x1] of the x axis the edge a-b is within ``radius``: (from, to, least, at x).

    From is after to where it is not. The stadium round an edge is convex, so the answer is one piece.
    """
    near, far = np.inf, -np.inf
    if abs(ay) <= radius:
        w = np.sqrt(radius * radius - ay * ay)
        near, far = min(near, ax - w), max(far, ax + w)
    if abs(by) <= radius:
        w = np.sqrt(radius * radius - by * by)
        near, far = min(near, bx - w), max(far, bx + w)
    dx, dy = bx - ax, by - ay
    length = np.sqrt(dx * dx + dy * dy)
    if length > 0.0:
        # where the foot on the edge lies within it: linear in x; and where the line is within the radius:
        # linear too
        s0, s1 = -np.inf, np.inf
        if dx != 0.0:
            # foot parameter ((x - ax) dx - ay dy) / length^2 between 0 and 1
            p, q = ax + ay * dy / dx, ax + (length * length + ay * dy) / dx
            s0, s1 = min(p, q), max(p, q)
        elif not (0.0 <= -ay * dy <= length * length):
            s0, s1 = 1.0, 0.0
        if dy != 0.0:
            # distance |dx ay + (x - ax) dy| / length at most radius
            p, q = ax + (-radius * length - dx * ay) / dy, ax + (radius * length - dx * ay) / dy
            s0, s1 = max(s0, min(p, q)), min(s1, max(p, q))
        elif abs(ay) > radius:
            s0, s1 = 1.0, 0.0
        if s0 <= s1:
            near, far = min(near, s0), max(far, s1)
    near, far = max(near, x0), min(far, x1)
    if near > far:
        return 1.0, 0.0, np.inf, x0
    # the nearest: a crossing, or an end of the one against the other
    if (ay > 0.0) != (by > 0.0):
        cross = ax - ay * dx / dy
        if x0 <= cross <= x1:
            return near, far, 0.0, cross
    best, at = np.inf, x0
    for k in range(2):
        px, py = (ax, ay) if k == 0 else (bx, by)
        c = min(max(px, x0), x1)
        d2 = (px - c) * (px - c) + py * py
        if d2 < best or (d2 == best and c < at):
            best, at = d2, c
    for k in range(2):
        c = x0 if k == 0 else x1
        s = 0.0
        if length > 0.0:
            s = min(max(((c - ax) * dx - ay * dy) / (length * length), 0.0), 1.0)
        qx, qy = ax + s * dx, ay + s * dy
        d2 = (c - qx) * (c - qx) + qy * qy
        if d2 < best or (d2 == best and c < at):
            best, at = d2, c
    return near, far, np.sqrt(best), at


# spans of a leg: rows of (from, to, least distance, where that is), fractions of the leg
@inlined
def _put(spans: Any, n: int, start: float, end: float, least: float, at: float) -> Any:
    """``spans`` with one more row, number ``n``."""
    if n >= spans.shape[0]:
        bigger = np.empty((2 * spans.shape[0], 4))
        for row in range(n):  # slices would bring in numba's shape checks, and seconds of compiling
            for c in range(4):
                bigger[row, c] = spans[row, c]
        spans = bigger
    spans[n, 0], spans[n, 1], spans[n, 2], spans[n, 3] = start, end, least, at
    return spans


@inlined
def _in_order(spans: Any, n: int) -> None:
    """Sort rows by their first column, in place (Shell's sort)."""
    gap = 1
    while 3 * gap < n:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            a, b, c, d = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
            j = i
            while j >= gap and spans[j - gap, 0] > a:
                for column in range(4):
                    spans[j, column] = spans[j - gap, column]
                j -= gap
            spans[j, 0], spans[j, 1], spans[j, 2], spans[j, 3] = a, b, c, d
        gap //= 3


@inlined
def _merged(spans: Any, n: int) -> int:
    """Sort spans and join those that touch, in place; how many are left."""
    _in_order(spans, n)
    m = 0
    for c in range(n):
        if m > 0 and spans[c, 0] <= spans[m - 1, 1]:
            spans[m - 1, 1] = max(spans[m - 1, 1], spans[c, 1])
            if spans[c, 2] < spans[m - 1, 2] or (
                spans[c, 2] == spans[m - 1, 2] and spans[c, 3] < spans[m - 1, 3]
            ):
                spans[m - 1, 2], spans[m - 1, 3] = spans[c, 2], spans[c, 3]
        else:
            for column in range(4):
                spans[m, column] = spans[c, column]
            m += 1
    return m


@inlined
def _at(u: float, p: Any, i: int, i2: int, tangent: Any) -> tuple[float, float, float]:
    """The surface point a fraction u along a leg."""
    return (
        hermite(u, p[i, 0], p[i2, 0], tangent[0], tangent[3]),
        hermite(u, p[i, 1], p[i2, 1], tangent[1], tangent[4]),
        hermite(u, p[i, 2], p[i2, 2], tangent[2], tangent[5]),
    )


@inlined
def _distance_at(
    u: float, p: Any, i: int, i2: int, tangent: Any, ring: Any, j: int, k: int, radius_m: float
) -> float:
    """Distance on the ground from a leg's point to the edge j-k, or to the circle round j (below 0 inside).

    Inside a circle it keeps falling: a distance that stays 0 there would stop a search for the edge anywhere.
    """
    x, y, z = _at(u, p, i, i2, tangent)
    if radius_m > 0.0:
        return arc_of_chord(x, y, z, ring[j, 0], ring[j, 1], ring[j, 2]) - radius_m
    return point_to_edge(x, y, z, ring, j, k)


@inlined
def _edge_of(
    outside: float,
    inside: float,
    reach: float,
    p: Any,
    i: int,
    i2: int,
    tangent: Any,
    ring: Any,
    j: int,
    k: int,
    radius_m: float,
) -> float:
    """The fraction between ``outside`` and ``inside`` at which the distance is ``reach``, by secants."""
    f_out = _distance_at(outside, p, i, i2, tangent, ring, j, k, radius_m) - reach
    f_in = _distance_at(inside, p, i, i2, tangent, ring, j, k, radius_m) - reach
    if f_out <= 0.0:
        return outside
    if f_in > 0.0:
        return inside
    for _ in range(60):
        if abs(inside - outside) < 1e-12:
            break
        guess = outside + (inside - outside) * f_out / (f_out - f_in)
        room = 0.05 * (inside - outside)
        if (guess - outside) * (inside - outside) < room * (inside - outside):
            guess = outside + room
        elif (inside - guess) * (inside - outside) < room * (inside - outside):
            guess = inside - room
        f = _distance_at(guess, p, i, i2, tangent, ring, j, k, radius_m) - reach
        if abs(f) < 1e-6:
            return guess
        if f < 0.0:
            inside, f_in = guess, f
        else:
            outside, f_out = guess, f
    return inside


@inlined
def _foot_on_leg(
    x: float, y: float, z: float, u0: float, u1: float, p: Any, i: int, i2: int, tangent: Any
) -> float:
    """The fraction in [u0, u1] at which a leg is nearest to a surface point: Newton from the middle."""
    u = 0.5 * (u0 + u1)
    for _ in range(6):
        gx, gy, gz = _at(u, p, i, i2, tangent)
        gx, gy, gz = gx - x, gy - y, gz - z
        sx = _slope(u, p[i, 0], p[i2, 0], tangent[0], tangent[3])
        sy = _slope(u, p[i, 1], p[i2, 1], tangent[1], tangent[4])
        sz = _slope(u, p[i, 2], p[i2, 2], tangent[2], tangent[5])
        s2 = sx * sx + sy * sy + sz * sz
        if s2 == 0.0:
            return u0
        moved = min(max(u - (gx * sx + gy * sy + gz * sz) / s2, u0), u1)
        if abs(moved - u) < 1e-12:
            return moved
        u = moved
    return u


@inlined
def _window_of_edge(
    u0: float,
    u1: float,
    at: float,
    p: Any,
    i: int,
    i2: int,
    tangent: Any,
    ring: Any,
    j: int,
    k: int,
    reach: float,
) -> tuple[float, float, float, float]:
    """The fractions in [u0, u1] at which a leg is within ``reach`` of an edge: (from, to, least, where).

    Measured on the ground.     From is after to where it never is. The nearest points include an end of the
    stretch, or an end of the edge and its foot on the leg.
    """
    best = _distance_at(at, p, i, i2, tangent, ring, j, k, 0.0)
    for side in range(4):
        u = u0 if side == 0 else u1
        if side > 1:
            v = j if side == 2 else k
            u = _foot_on_leg(ring[v, 0], ring[v, 1], ring[v, 2], u0, u1, p, i, i2, tangent)
        d = _distance_at(u, p, i, i2, tangent, ring, j, k, 0.0)
        if d < best:
            best, at = d, u
    if best >= reach:
        return 1.0, 0.0, np.inf, u0
    start = _edge_of(u0, at, reach, p, i, i2, tangent, ring, j, k, 0.0)
    end = _edge_of(u1, at, reach, p, i, i2, tangent, ring, j, k, 0.0)
    return start, end, best, at


@inlined
def _fraction(x: float, R: float, turn0: float, scale: float, u0: float, u1: float) -> float:
    """The fraction of a leg at x in the frame at its middle, held to [u0, u1]."""
    u: float = min(max((np.arctan(x / R) - turn0) * scale, u0), u1)
    return u


@inlined
def _spans_in_ring(
    p: Any,
    i: int,
    i2: int,
    tangent: Any,
    u0: float,
    u1: float,
    ring: Any,
    lo: int,
    hi: int,
    reach: float,
    exact: bool,
    spans: Any,
    marks: Any,
) -> tuple[Any, Any, int]:
    """Spans of fractions in [u0, u1] at which a leg is within ``reach`` of a ring, or in it; in order, apart.

    ``exact``: the reach is a buffer, and not only the frame's bound, so that ends are measured on the ground.
    Distances of spans that are nowhere inside are the frame's.
    """
    n = 0
    px, py, pz = p[i, 0], p[i, 1], p[i, 2]
    qx, qy, qz = p[i2, 0], p[i2, 1], p[i2, 2]
    # a chord of a few roundings of the earth's size has no direction: the thing hovers
    if (qx - px) * (qx - px) + (qy - py) * (qy - py) + (qz - pz) * (qz - pz) < HOVER_M * HOVER_M:
        d, _, _, _ = point_to_ring(px, py, pz, ring, lo, hi)
        if d < reach:
            spans = _put(spans, 0, u0, u1, d, u0)
            n = 1
        return spans, marks, n
    ox, oy, oz = foot_of(0.5 * (px + qx), 0.5 * (py + qy), 0.5 * (pz + qz))
    frame = frame_towards(ox, oy, oz, qx - px, qy - py, qz - pz)
    R = frame[12]
    from_x, _ = into_frame(frame, px, py, pz)
    to_x, _ = into_frame(frame, qx, qy, qz)
    turn0, turn1 = np.arctan(from_x / R), np.arctan(to_x / R)
    scale = 1.0 / (turn1 - turn0)
    x0, x1 = R * np.tan(turn0 + u0 * (turn1 - turn0)), R * np.tan(turn0 + u1 * (turn1 - turn0))
    # what is within reach on the ground lies within this in the stretched plane
    away = (max(abs(x0), abs(x1)) + reach) / R
    radius = reach * (1.0 + 2.0 * away * away) + unsure_m(reach)
    sure = reach if exact else radius
    ax, ay = into_frame(frame, ring[hi - 1, 0], ring[hi - 1, 1], ring[hi - 1, 2])
    left = False
    crossings = 0
    for k in range(lo, hi):
        bx, by = into_frame(frame, ring[k, 0], ring[k, 1], ring[k, 2])
        if (ay > 0.0) != (by > 0.0):
            cross = ax - ay * (bx - ax) / (by - ay)
            if cross < x0:
                left = not left
            elif cross <= x1:
                marks = _put(marks, crossings, cross, cross, 0.0, cross)
                crossings += 1
        if not (
            min(ay, by) > sure or max(ay, by) < -sure or min(ax, bx) > x1 + sure or max(ax, bx) < x0 - sure
        ):
            near, far, d, at = _span_of_edge(ax, ay, bx, by, x0, x1, sure)
            if near <= far:
                spans = _put(
                    spans,
                    n,
                    _fraction(near, R, turn0, scale, u0, u1),
                    _fraction(far, R, turn0, scale, u0, u1),
                    d,
                    _fraction(at, R, turn0, scale, u0, u1),
                )
                n += 1
        ax, ay = bx, by
    # inside between crossings
    _in_order(marks, crossings)
    start = x0
    for c in range(crossings + 1):
        end = marks[c, 0] if c < crossings else x1
        if left:
            f = _fraction(start, R, turn0, scale, u0, u1)
            spans = _put(spans, n, f, _fraction(end, R, turn0, scale, u0, u1), 0.0, f)
            n += 1
        left = not left
        start = end
    n = _merged(spans, n)
    if not exact:
        return spans, marks, n
    # edges that may be within reach beyond what is sure
    sures = n
    j = hi - 1
    ax, ay = into_frame(frame, ring[j, 0], ring[j, 1], ring[j, 2])
    for k in range(lo, hi):
        bx, by = into_frame(frame, ring[k, 0], ring[k, 1], ring[k, 2])
        if not (
            min(ay, by) > radius
            or max(ay, by) < -radius
            or min(ax, bx) > x1 + radius
            or max(ax, bx) < x0 - radius
        ):
            near, far, _, at = _span_of_edge(ax, ay, bx, by, x0, x1, radius)
            if near <= far:
                f0, f1 = _fraction(near, R, turn0, scale, u0, u1), _fraction(far, R, turn0, scale, u0, u1)
                covered = False
                for c in range(sures):
                    covered = covered or (spans[c, 0] <= f0 and spans[c, 1] >= f1)
                if not covered:
                    f = _fraction(at, R, turn0, scale, u0, u1)
                    f0, f1, d, f = _window_of_edge(f0, f1, f, p, i, i2, tangent, ring, j, k, reach)
                    if f0 <= f1:
                        spans = _put(spans, n, f0, f1, d, f)
                        n += 1
        j = k
        ax, ay = bx, by
    return spans, marks, _merged(spans, n)


@inlined
def _nearest_in_span(
    u0: float, u1: float, at: float, p: Any, i: int, i2: int, tangent: Any, ring: Any, lo: int, hi: int
) -> tuple[float, float]:
    """Least distance on the ground from a stretch of a leg to an outline it does not enter, and the fraction.

    The nearest points include an end of the stretch, or a vertex and its foot on the leg.
    """
    best = np.inf
    for place in range(3):
        u = at if place == 0 else (u0 if place == 1 else u1)
        x, y, z = _at(u, p, i, i2, tangent)
        d, _, _, _ = point_to_ring(x, y, z, ring, lo, hi)
        if d < best:
            best, nearest = d, u
    mx, my, mz = 0.5 * (p[i, 0] + p[i2, 0]), 0.5 * (p[i, 1] + p[i2, 1]), 0.5 * (p[i, 2] + p[i2, 2])
    hx, hy, hz = p[i2, 0] - mx, p[i2, 1] - my, p[i2, 2] - mz
    half = np.sqrt(hx * hx + hy * hy + hz * hz) + 100.0  # more than a leg's sag
    for k in range(lo, hi):
        dx, dy, dz = ring[k, 0] - mx, ring[k, 1] - my, ring[k, 2] - mz
        if dx * dx + dy * dy + dz * dz > (half + best) * (half + best):
            continue
        u = _foot_on_leg(ring[k, 0], ring[k, 1], ring[k, 2], u0, u1, p, i, i2, tangent)
        x, y, z = _at(u, p, i, i2, tangent)
        d = arc_of_chord(x, y, z, ring[k, 0], ring[k, 1], ring[k, 2])
        if d < best:
            best, nearest = d, u
    return best, nearest


@inlined
def _spans_in_circle(
    p: Any,
    i: int,
    i2: int,
    tangent: Any,
    u0: float,
    u1: float,
    ring: Any,
    lo: int,
    radius_m: float,
    reach: float,
    spans: Any,
) -> tuple[Any, int]:
    """The one span of fractions in [u0, u1] where a leg is within ``reach`` of a circle: a disc is convex."""
    first = _distance_at(u0, p, i, i2, tangent, ring, lo, lo, radius_m)
    last = _distance_at(u1, p, i, i2, tangent, ring, lo, lo, radius_m)
    best, at = first, u0
    if first > 0.0 or last > 0.0:
        foot = _foot_on_leg(ring[lo, 0], ring[lo, 1], ring[lo, 2], u0, u1, p, i, i2, tangent)
        d = _distance_at(foot, p, i, i2, tangent, ring, lo, lo, radius_m)
        if d < best:
            best, at = d, foot
        if last < best:
            best, at = last, u1
    if best >= reach:
        return spans, 0
    start = _edge_of(u0, at, reach, p, i, i2, tangent, ring, lo, lo, radius_m)
    end = _edge_of(u1, at, reach, p, i, i2, tangent, ring, lo, lo, radius_m)
    if best <= 0.0:  # the first instant inside, which is not the first within reach
        at = _edge_of(start, at, ROUNDING_M, p, i, i2, tangent, ring, lo, lo, radius_m)
    return _put(spans, 0, start, end, max(best, 0.0), at), 1


@kernel
def legs_meet(
    pairs: Any,
    lo: int,
    hi: int,
    first: Any,
    last: Any,
    who: Any,
    from_s: Any,
    to_s: Any,
    t: Any,
    p: Any,
    z_own: Any,
    z_other: Any,
    ref: Any,
    blur_h: Any,
    blur_v: Any,
    body_a: Any,
    klass_a: Any,
    ring_b: Any,
    point_b: Any,
    leg_b: Any,
    radius_b: Any,
    band_b: Any,
    band_ref_b: Any,
    window_b: Any,
    body_b: Any,
    klass_b: Any,
    rule: Any,
    D_of: Any,
    H_of: Any,
    same_body: bool,
    compare: Any,
    geoid_bound_m: float,
    geoid_leg_bound_m: float,
    drift: float,
    drift_m: float,
) -> Any:
    """Raw windows in which pieces ``pairs[lo:hi, 0]`` are in volumes ``pairs[lo:hi, 1]`` or the buffer.

    ``z_other`` is the nodes' height in that of the references W84 and AMSL which is not their own.
    ``same_body``: pair things with their own volumes only, else with all but their own. Positions are
    uncertain by ``drift`` times ``drift_m`` and the way that a thing could have come since second 0.
    """
    out = np.empty((256, RAW_COLUMNS))
    used: Any = np.int64(0)  # a literal 0 would be a type of its own, and all that takes it compiled twice
    spans = np.empty((64, 4))
    marks = np.empty((64, 4))
    for k in range(lo, hi):
        piece, b = pairs[k, 0], pairs[k, 1]
        a = who[piece]
        if (body_a[a] == body_b[b]) != same_body:
            continue
        D, Hm = 0.0, 0.0
        if rule[klass_a[a], klass_b[b]] >= 0:
            D, Hm = D_of[klass_a[a], klass_b[b]], H_of[klass_a[a], klass_b[b]]
        D, Hm = D + blur_h[a], Hm + blur_v[a]
        low, high = band_b[b, 0], band_b[b, 1]
        c_low, c_high = compare[ref[a], band_ref_b[b, 0]], compare[ref[a], band_ref_b[b, 1]]
        lo_b, hi_b = ring_b[b], ring_b[b + 1]
        before = used
        nodes = last[piece] + 1 - first[piece]
        for step in range(2 * nodes):
            if step == nodes and not undecided(out, before, used):
                break
            i = first[piece] + step % nodes
            # a leg; a single sample, or the first of two at one instant, is an instant of its own; so is, in
            # a second round where a leg was left undecided, a sample of known altitude on legs of none
            i2 = i
            if step >= nodes:
                if not lone(i, first[piece], last[piece], t, z_own):
                    continue
            elif i < last[piece] and t[i + 1] > t[i]:
                i2 = i + 1
            elif i == last[piece] and i > first[piece] and t[i - 1] < t[i]:
                continue
            t0 = max(t[i], from_s[piece], window_b[b, 0])
            t1 = min(t[i2], to_s[piece], window_b[b, 1])
            if t0 > t1 or t0 >= window_b[b, 1]:
                continue
            span = t[i2] - t[i]
            inv = 1.0 / span if span > 0.0 else 0.0
            dx, dy, dz = p[i2, 0] - p[i, 0], p[i2, 1] - p[i, 1], p[i2, 2] - p[i, 2]
            leg = np.sqrt(dx * dx + dy * dy + dz * dz)
            # the altitude's part: above the floor, below the ceiling, each where it can be said
            flag = FOUND
            gap_low, rate_low, gap_high, rate_high = -np.inf, 0.0, -np.inf, 0.0
            converted = geoid_bound_m + (geoid_leg_bound_m - geoid_bound_m) * (leg / LEG_MAX_M) * (
                leg / LEG_MAX_M
            )
            if not np.isinf(low):
                if c_low == INCOMPARABLE:
                    flag = max(flag, ALTITUDE_INCOMPARABLE)
                else:
                    za, zb = (z_own[i], z_own[i2]) if c_low == SAME_REFERENCE else (z_other[i], z_other[i2])
                    gap_low, rate_low = low - za, (za - zb) * inv
                    if np.isfinite(gap_low) and np.isfinite(rate_low):
                        slack = 0.0 if c_low == SAME_REFERENCE else converted
                        t0, t1 = _while_over(
                            -(gap_low + rate_low * (t0 - t[i])), -rate_low, _least(Hm, slack), t0, t1
                        )
                    else:
                        flag = max(flag, ALTITUDE_UNKNOWN)
            if t0 <= t1 and not np.isinf(high):
                if c_high == INCOMPARABLE:
                    flag = max(flag, ALTITUDE_INCOMPARABLE)
                else:
                    za, zb = (z_own[i], z_own[i2]) if c_high == SAME_REFERENCE else (z_other[i], z_other[i2])
                    gap_high, rate_high = za - high, (zb - za) * inv
                    if np.isfinite(gap_high) and np.isfinite(rate_high):
                        slack = 0.0 if c_high == SAME_REFERENCE else converted
                        t0, t1 = _while_over(
                            -(gap_high + rate_high * (t0 - t[i])), -rate_high, _least(Hm, slack), t0, t1
                        )
                    else:
                        flag = max(flag, ALTITUDE_UNKNOWN)
            if t0 > t1 or t0 >= window_b[b, 1]:
                continue
            u0, u1 = (t0 - t[i]) * inv, (t1 - t[i]) * inv
            tangent = end_tangents(p[i, 0], p[i, 1], p[i, 2], p[i2, 0], p[i2, 1], p[i2, 2])
            wander = drift * (drift_m + max(abs(t[i]), abs(t[i2])) * leg * inv)
            if radius_b[b] > 0.0:
                reach = D + ROUNDING_M + frame_bound(leg, radius_b[b] + D) + wander
                spans, n = _spans_in_circle(
                    p, i, i2, tangent, u0, u1, point_b, lo_b, radius_b[b], reach, spans
                )
            else:
                reach = D + outline_bound(max(leg, leg_b[b]), leg + D) + frame_bound(leg, D) + wander
                spans, marks, n = _spans_in_ring(
                    p, i, i2, tangent, u0, u1, point_b, lo_b, hi_b, reach, D > 0.0, spans, marks
                )
            for s in range(n):
                start, end, d, at = spans[s, 0], spans[s, 1], spans[s, 2], spans[s, 3]
                if radius_b[b] == 0.0 and d > 0.0:
                    d, at = _nearest_in_span(start, end, at, p, i, i2, tangent, point_b, lo_b, hi_b)
                    if d >= reach:
                        continue
                if d <= ROUNDING_M:
                    d = 0.0
                x, y, z = _at(at, p, i, i2, tangent)
                gap = 0.0
                mark = flag
                if flag == FOUND:
                    gap = max(0.0, gap_low + rate_low * at * span, gap_high + rate_high * at * span)
                    if gap <= ROUNDING_M:
                        gap = 0.0
                    if (d > 0.0 and d >= D) or (gap > 0.0 and gap >= Hm):
                        mark = MARGINAL
                else:
                    gap = np.nan
                out = _grown(out, used)
                out[used, A], out[used, B] = a, b
                out[used, T0], out[used, T1] = t[i] + start * span, t[i] + end * span
                out[used, TC] = t[i] + at * span
                out[used, H], out[used, V] = d, gap
                out[used, X], out[used, Y], out[used, Z] = x, y, z
                out[used, ALT] = z_own[i] + (z_own[i2] - z_own[i]) * at
                out[used, MARGIN] = max(d - D, gap - Hm) if not np.isnan(gap) else d - D
                out[used, FLAG] = mark
                used += 1
    return out[:used]


@inlined
def _least(buffer_m: float, slack_m: float) -> float:
    """The least height over a bound at which a thing is within the buffer; on it counts without a buffer."""
    return -slack_m - ROUNDING_M if buffer_m == 0.0 else ROUNDING_M - buffer_m - slack_m


@kernel
def points_on_legs(
    first: Any,
    last: Any,
    at_s: Any,
    t: Any,
    p: Any,
    z: Any,
    z_other: Any,
    joined: Any,
    point: Any,
    high: Any,
    other: Any,
) -> None:
    """Where things of nodes ``first..last`` are at instants: on the leg from the last node passed."""
    for k in range(first.shape[0]):
        i, beyond = first[k], last[k] + 1
        while beyond - i > 1:
            middle = (i + beyond) // 2
            # an instant is a whole microsecond, and rounded
            if t[middle] <= at_s[k] + 5e-7:
                i = middle
            else:
                beyond = middle
        j = i + 1 if joined[i] else i
        span = t[j] - t[i]
        u = min(max((at_s[k] - t[i]) / span, 0.0), 1.0) if span > 0.0 else 0.0
        point[k, 0], point[k, 1], point[k, 2] = on_leg(
            u, p[i, 0], p[i, 1], p[i, 2], p[j, 0], p[j, 1], p[j, 2]
        )
        high[k], other[k] = z[i] + u * (z[j] - z[i]), z_other[i] + u * (z_other[j] - z_other[i])


@kernel
def distances_to(
    rows: Any, point: Any, ring: Any, outline: Any, radius_m: Any, out: Any, lo: int, hi: int
) -> None:
    """Distance on the ground from points ``lo..hi`` to the outlines numbered by ``rows`` (0 inside)."""
    for k in range(lo, hi):
        v = rows[k]
        first, last = ring[v], ring[v + 1]
        if radius_m[v] > 0.0:
            d = arc_of_chord(
                point[k, 0], point[k, 1], point[k, 2], outline[first, 0], outline[first, 1], outline[first, 2]
            )
            out[k] = max(0.0, d - radius_m[v])
        else:
            out[k], _, _, _ = point_to_ring(point[k, 0], point[k, 1], point[k, 2], outline, first, last)
