"""Kernels for volumes: do two volumes meet, when is a leg inside one.

Law: this file decides what meets a volume, and nothing else does but the oracle ``check/reference.py``, which shares no code with it. It
sees pairs that the broad phase (``check/_boxes.py``) named. ``NaN`` altitude means *not known*, and what that leaves undecided is
emitted as such.

Volumes are closed in space: two that touch meet. With a buffer, what is nearer than the buffer meets too, horizontally and
vertically at once; exactly at the buffer is separated. Windows of volumes are half-open, tracks are closed in time.

A volume against a volume: the windows, then the bands, then the outlines (:func:`~skypact.airspace.outlines.ring_to_ring`; a circle is its
centre with a reach).

A leg against a volume: the instants at which the altitude is in the band and the window is open are an interval; what is left
of the leg is a straight stretch in the tangent frame at its middle. It is near an edge of the outline for an interval (a straight line
meets a stadium in one piece) and inside between crossings; the union of these is the answer, whatever the outline's shape. Where there
is a buffer, both ends of the window are then moved to where the distance on the ground equals it.

Known limits: ``docs/soundness.md``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from skypact.airspace.earth import arc_of_chord, end_tangents, hermite
from skypact.airspace.jit import inlined, kernel
from skypact.airspace.outlines import (
    foot_of,
    frame_towards,
    into_frame,
    outline_bound,
    out_of_frame,
    point_to_ring,
    ring_to_ring,
)
from skypact.check._sweep import (
    A,
    ALT,
    ALTITUDE_INCOMPARABLE,
    ALTITUDE_UNKNOWN,
    B,
    FLAG,
    FOUND,
    H,
    INCOMPARABLE,
    MARGIN,
    MARGINAL,
    RAW_COLUMNS,
    ROUNDING_M,
    SAME_REFERENCE,
    T0,
    T1,
    TC,
    V,
    X,
    Y,
    Z,
    _grown,
    _slope,
    frame_bound,
)

GEOID_SLOPE: Final = 5e-4
"""Steeper than any slope of the geoid (100 seconds of arc): how far its height may differ across a volume, a metre a metre."""


@inlined
def _over(low_m: float, high_m: float, compare: int, low_w_m: float, high_w_m: float) -> float:
    """How far the first altitude lies over the second: in their reference, over the ellipsoid, or NaN if it cannot be said.

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
    """Whether two closed sets at that distance are separated by the buffer: at it or beyond it, and not touching."""
    return distance_m > slack_m and distance_m >= buffer_m + slack_m - ROUNDING_M


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
    window_a: Any,
    body_a: Any,
    klass_a: Any,
    ring_b: Any,
    point_b: Any,
    ball_b: Any,
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
    uncovered: bool,
    compare: Any,
    geoid_bound_m: float,
) -> Any:
    """Raw rows for the pairs ``lo..hi`` that meet; times are the pair's common window in seconds.

    ``band`` has floor and ceiling in their own references and over the ellipsoid, shape (n, 4). ``uncovered``: whether a pair that no
    rule fits is checked, with no buffer.
    """
    out = np.empty((256, RAW_COLUMNS))
    used = 0
    work = np.empty((4, 64))
    for k in range(lo, hi):
        a, b = pairs[k, 0], pairs[k, 1]
        if body_a[a] == body_b[b]:
            continue
        t0, t1 = max(window_a[a, 0], window_b[b, 0]), min(window_a[a, 1], window_b[b, 1])
        if t0 >= t1:
            continue
        D, Hm = 0.0, 0.0
        if rule[klass_a[a], klass_b[b]] >= 0:
            D, Hm = D_of[klass_a[a], klass_b[b]], H_of[klass_a[a], klass_b[b]]
        elif not uncovered:
            continue
        # heights: each floor over the other's ceiling
        up = _over(
            band_a[a, 0],
            band_b[b, 1],
            compare[band_ref_a[a, 0], band_ref_b[b, 1]],
            band_a[a, 2],
            band_b[b, 3],
        )
        down = _over(
            band_b[b, 0],
            band_a[a, 1],
            compare[band_ref_b[b, 0], band_ref_a[a, 1]],
            band_b[b, 2],
            band_a[a, 3],
        )
        slack = ROUNDING_M
        mixed = (
            compare[band_ref_a[a, 0], band_ref_b[b, 1]] != SAME_REFERENCE
            or compare[band_ref_b[b, 0], band_ref_a[a, 1]] != SAME_REFERENCE
        )
        if mixed:
            slack += geoid_bound_m + GEOID_SLOPE * (ball_a[a, 3] + ball_b[b, 3])
        # NaN compares false: what is not known separates nothing
        if (up > 0.0 and separated(up, Hm, slack)) or (down > 0.0 and separated(down, Hm, slack)):
            continue
        flag = FOUND
        gap = max(up, down)
        if gap <= ROUNDING_M:
            gap = 0.0
        if np.isnan(up) or np.isnan(down):
            flag = ALTITUDE_INCOMPARABLE
            gap = np.nan
        # outlines
        reach = max(D, 0.0) + outline_bound(max(leg_a[a], leg_b[b]), min(ball_a[a, 3], ball_b[b, 3]))
        first, second = ring_a[a], ring_b[b]
        if radius_a[a] > 0.0 and radius_b[b] > 0.0:
            d = arc_of_chord(
                ball_a[a, 0], ball_a[a, 1], ball_a[a, 2], ball_b[b, 0], ball_b[b, 1], ball_b[b, 2]
            )
            x, y, z = _towards(ball_a, a, ball_b[b, 0], ball_b[b, 1], ball_b[b, 2], radius_a[a], d)
            reach = D + frame_bound(0.0, d)
            d = max(0.0, d - radius_a[a] - radius_b[b])
        elif radius_a[a] > 0.0:
            d, x, y, z = point_to_ring(
                ball_a[a, 0], ball_a[a, 1], ball_a[a, 2], point_b, second, ring_b[b + 1]
            )
            reach += frame_bound(0.0, d)
            d = max(0.0, d - radius_a[a])
        elif radius_b[b] > 0.0:
            d, x, y, z = point_to_ring(
                ball_b[b, 0], ball_b[b, 1], ball_b[b, 2], point_a, first, ring_a[a + 1]
            )
            reach += frame_bound(0.0, d)
            d = max(0.0, d - radius_b[b])
        else:
            longer = max(ring_a[a + 1] - first, ring_b[b + 1] - second)
            if longer > work.shape[1]:
                work = np.empty((4, 2 * longer))
            d, x, y, z = ring_to_ring(
                point_a,
                first,
                ring_a[a + 1],
                ball_a[a],
                point_b,
                second,
                ring_b[b + 1],
                ball_b[b],
                work,
                reach,
            )
        if d >= reach:
            continue
        if flag == FOUND and ((d > 0.0 and d >= D) or (gap > 0.0 and gap >= Hm)):
            flag = MARGINAL
        out = _grown(out, used)
        out[used, A], out[used, B] = a, b
        out[used, T0], out[used, T1], out[used, TC] = t0, t1, t0
        out[used, H], out[used, V] = d, gap
        out[used, X], out[used, Y], out[used, Z] = x, y, z
        out[used, ALT] = (
            max(band_a[a, 0], band_b[b, 0]) if band_ref_a[a, 0] == band_ref_b[b, 0] else band_a[a, 0]
        )
        out[used, MARGIN] = max(d - D, gap - Hm) if not np.isnan(gap) else d - D
        out[used, FLAG] = flag
        used += 1
    return out[:used]


@inlined
def _towards(
    ball: Any, a: int, x: float, y: float, z: float, reach_m: float, far_m: float
) -> tuple[float, float, float]:
    """The surface point on the way from a ball's middle to another, at most ``reach_m`` along."""
    u = min(1.0, reach_m / far_m) if far_m > 0.0 else 0.0
    return foot_of(
        ball[a, 0] + u * (x - ball[a, 0]),
        ball[a, 1] + u * (y - ball[a, 1]),
        ball[a, 2] + u * (z - ball[a, 2]),
    )


# -- legs and volumes -------------------------------------------------------------------------------------


@inlined
def _while_over(height: float, rate: float, least: float, t0: float, t1: float) -> tuple[float, float]:
    """The part of [t0, t1] in which ``height + rate (t - t0)`` is at least ``least``; empty if the first is after the second."""
    if rate == 0.0:
        if height >= least:
            return t0, t1
        return 1.0, 0.0
    cross = t0 + (least - height) / rate
    if rate > 0.0:
        return max(t0, cross), t1
    return t0, min(t1, cross)


@inlined
def _span_of_edge(
    ax: float, ay: float, bx: float, by: float, x0: float, x1: float, radius: float
) -> tuple[float, float, float, float]:
    """Where on the stretch [x0, x1] of the x axis the edge a-b is within ``radius``: (from, to, least distance, at x).

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
        # where the foot on the edge lies within it: linear in x; and where the line is within the radius: linear too
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


@inlined
def _more(spans: Any, n: int) -> Any:
    if n < spans.shape[0]:
        return spans
    bigger = np.empty((2 * spans.shape[0], 4))
    for k in range(n):  # an assignment of slices would cost seconds of compiling
        for c in range(4):
            bigger[k, c] = spans[k, c]
    return bigger


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
    u: float, p: Any, i: int, i2: int, tangent: Any, ring: Any, lo: int, hi: int, radius_m: float
) -> float:
    """Distance on the ground from a leg's point to an outline; 0 inside."""
    x, y, z = _at(u, p, i, i2, tangent)
    if radius_m > 0.0:
        return max(0.0, arc_of_chord(x, y, z, ring[lo, 0], ring[lo, 1], ring[lo, 2]) - radius_m)
    d, _, _, _ = point_to_ring(x, y, z, ring, lo, hi)
    return d


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
    lo: int,
    hi: int,
    radius_m: float,
) -> float:
    """The fraction between ``outside`` and ``inside`` at which the distance to the outline is ``reach``, by halving and secant."""
    f_out = _distance_at(outside, p, i, i2, tangent, ring, lo, hi, radius_m) - reach
    f_in = _distance_at(inside, p, i, i2, tangent, ring, lo, hi, radius_m) - reach
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
        f = _distance_at(guess, p, i, i2, tangent, ring, lo, hi, radius_m) - reach
        if abs(f) < 1e-6:
            return guess
        if f < 0.0:
            inside, f_in = guess, f
        else:
            outside, f_out = guess, f
    return inside


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
    spans: Any,
) -> tuple[Any, int]:
    """Spans (from, to, least distance, at) of fractions in [u0, u1] at which a leg is within ``reach`` of a ring, or in it; sorted."""
    n = 0
    px, py, pz = p[i, 0], p[i, 1], p[i, 2]
    qx, qy, qz = p[i2, 0], p[i2, 1], p[i2, 2]
    if px == qx and py == qy and pz == qz:
        d, _, _, _ = point_to_ring(px, py, pz, ring, lo, hi)
        if d < reach:
            spans[0, 0], spans[0, 1], spans[0, 2], spans[0, 3] = u0, u1, d, u0
            n = 1
        return spans, n
    ox, oy, oz = foot_of(0.5 * (px + qx), 0.5 * (py + qy), 0.5 * (pz + qz))
    frame = frame_towards(ox, oy, oz, qx - px, qy - py, qz - pz)
    R = frame[12]
    from_x, _ = into_frame(frame, px, py, pz)
    to_x, _ = into_frame(frame, qx, qy, qz)
    turn0, turn1 = np.arctan(from_x / R), np.arctan(to_x / R)
    x0, x1 = R * np.tan(turn0 + u0 * (turn1 - turn0)), R * np.tan(turn0 + u1 * (turn1 - turn0))
    # what is within reach on the ground lies within this in the stretched plane
    away = (max(abs(x0), abs(x1)) + reach) / R
    radius = reach * (1.0 + 2.0 * away * away)
    ax, ay = into_frame(frame, ring[hi - 1, 0], ring[hi - 1, 1], ring[hi - 1, 2])
    left = False
    for k in range(lo, hi):
        bx, by = into_frame(frame, ring[k, 0], ring[k, 1], ring[k, 2])
        if (ay > 0.0) != (by > 0.0):
            cross = ax - ay * (bx - ax) / (by - ay)
            if cross < x0:
                left = not left
            elif cross <= x1:
                # a crossing within the stretch: kept with a mark, turned into spans below
                spans = _more(spans, n)
                spans[n, 0], spans[n, 1], spans[n, 2], spans[n, 3] = cross, cross, -1.0, cross
                n += 1
        if not (
            min(ay, by) > radius
            or max(ay, by) < -radius
            or min(ax, bx) > x1 + radius
            or max(ax, bx) < x0 - radius
        ):
            near, far, d, at = _span_of_edge(ax, ay, bx, by, x0, x1, radius)
            if near <= far:
                spans = _more(spans, n)
                spans[n, 0], spans[n, 1], spans[n, 2], spans[n, 3] = near, far, d, at
                n += 1
        ax, ay = bx, by
    if n == 0:
        if left:
            spans[0, 0], spans[0, 1], spans[0, 2], spans[0, 3] = u0, u1, 0.0, u0
            n = 1
        return spans, n
    # walk along in order: inside between crossings, within reach of edges
    order = np.argsort(spans[:n, 0])
    done = np.empty((n + 1, 4))
    m = 0
    within = left
    if within:
        done[0, 0], done[0, 1], done[0, 2], done[0, 3] = x0, x1, 0.0, x0
        m = 1
    # first the inside spans, by parity
    for c in range(n):
        row = order[c]
        if spans[row, 2] >= 0.0:
            continue
        if within:
            done[m - 1, 1] = spans[row, 0]
        else:
            done[m, 0], done[m, 1], done[m, 2], done[m, 3] = spans[row, 0], x1, 0.0, spans[row, 0]
            m += 1
        within = not within
    for c in range(n):
        if spans[c, 2] >= 0.0:
            if m == done.shape[0]:
                done = _more(done, m)
            done[m] = spans[c]
            m += 1
    order = np.argsort(done[:m, 0])
    spans = _more(spans, m)
    n = 0
    scale = 1.0 / (turn1 - turn0)
    last = 0.0
    for c in range(m):
        row = done[order[c]]
        if n > 0 and row[0] <= last:
            last = max(last, row[1])
            if row[2] < spans[n - 1, 2]:
                spans[n - 1, 2], spans[n - 1, 3] = row[2], (np.arctan(row[3] / R) - turn0) * scale
        else:
            spans[n, 0], spans[n, 2] = (np.arctan(row[0] / R) - turn0) * scale, row[2]
            spans[n, 3] = (np.arctan(row[3] / R) - turn0) * scale
            last = row[1]
            n += 1
        spans[n - 1, 1] = (np.arctan(last / R) - turn0) * scale
    for c in range(n):
        for d in (0, 1, 3):
            spans[c, d] = min(max(spans[c, d], u0), u1)
    return spans, n


@inlined
def _foot_on_leg(
    x: float, y: float, z: float, u0: float, u1: float, p: Any, i: int, i2: int, tangent: Any
) -> float:
    """The fraction in [u0, u1] at which a leg is nearest to a surface point: Newton from the chord's foot."""
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
def _nearest_in_span(
    u0: float, u1: float, at: float, p: Any, i: int, i2: int, tangent: Any, ring: Any, lo: int, hi: int
) -> tuple[float, float]:
    """Least distance on the ground between a stretch of a leg and an outline it does not enter, and the fraction where.

    The nearest points include an end of the stretch, or a vertex and its foot on the leg.
    """
    best = _distance_at(at, p, i, i2, tangent, ring, lo, hi, 0.0)
    for k in range(2):
        u = u0 if k == 0 else u1
        d = _distance_at(u, p, i, i2, tangent, ring, lo, hi, 0.0)
        if d < best:
            best, at = d, u
    for k in range(lo, hi):
        u = _foot_on_leg(ring[k, 0], ring[k, 1], ring[k, 2], u0, u1, p, i, i2, tangent)
        x, y, z = _at(u, p, i, i2, tangent)
        d = arc_of_chord(x, y, z, ring[k, 0], ring[k, 1], ring[k, 2])
        if d < best:
            best, at = d, u
    return best, at


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
    """The one span of fractions in [u0, u1] at which a leg is within ``reach`` of a circle: a disc is convex."""
    first = _distance_at(u0, p, i, i2, tangent, ring, lo, lo + 1, radius_m)
    last = _distance_at(u1, p, i, i2, tangent, ring, lo, lo + 1, radius_m)
    best, at = first, u0
    if first > 0.0 or last > 0.0:
        foot = _foot_on_leg(ring[lo, 0], ring[lo, 1], ring[lo, 2], u0, u1, p, i, i2, tangent)
        d = _distance_at(foot, p, i, i2, tangent, ring, lo, lo + 1, radius_m)
        if d < best:
            best, at = d, foot
        if last < best:
            best, at = last, u1
    if best >= reach:
        return spans, 0
    start = _edge_of(u0, at, reach, p, i, i2, tangent, ring, lo, lo + 1, radius_m)
    end = _edge_of(u1, at, reach, p, i, i2, tangent, ring, lo, lo + 1, radius_m)
    spans[0, 0], spans[0, 1], spans[0, 2] = start, end, best
    spans[0, 3] = start if best == 0.0 else at
    return spans, 1


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
    z_w: Any,
    ref: Any,
    blur_h: Any,
    blur_v: Any,
    body_a: Any,
    klass_a: Any,
    ring_b: Any,
    point_b: Any,
    ball_b: Any,
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
    uncovered: bool,
    same_body: bool,
    compare: Any,
    geoid_bound_m: float,
) -> Any:
    """Raw windows in which the pieces of trajectories of ``pairs[lo:hi, 0]`` are inside the volumes ``pairs[lo:hi, 1]``, or within the buffer.

    ``same_body``: pair things with their own volumes only, else with all but their own.
    """
    out = np.empty((256, RAW_COLUMNS))
    used = 0
    spans = np.empty((64, 4))
    for k in range(lo, hi):
        piece, b = pairs[k, 0], pairs[k, 1]
        a = who[piece]
        if (body_a[a] == body_b[b]) != same_body:
            continue
        D, Hm = 0.0, 0.0
        if rule[klass_a[a], klass_b[b]] >= 0:
            D, Hm = D_of[klass_a[a], klass_b[b]], H_of[klass_a[a], klass_b[b]]
        elif not uncovered:
            continue
        D, Hm = D + blur_h[a], Hm + blur_v[a]
        low, high, low_w, high_w = band_b[b, 0], band_b[b, 1], band_b[b, 2], band_b[b, 3]
        c_low, c_high = compare[ref[a], band_ref_b[b, 0]], compare[ref[a], band_ref_b[b, 1]]
        lo_b, hi_b = ring_b[b], ring_b[b + 1]
        for i in range(first[piece], last[piece] + 1):
            # a leg; a single sample, or the first of two at one instant, is an instant of its own
            i2 = i
            if i < last[piece] and t[i + 1] > t[i]:
                i2 = i + 1
            elif i == last[piece] and i > first[piece] and t[i - 1] < t[i]:
                continue
            t0 = max(max(t[i], from_s[piece]), window_b[b, 0])
            t1 = min(min(t[i2], to_s[piece]), window_b[b, 1])
            if t0 <= t1 and t0 < window_b[b, 1]:
                span = t[i2] - t[i]
                inv = 1.0 / span if span > 0.0 else 0.0
                # the altitude's part: above the floor, below the ceiling, each where it can be said
                flag = FOUND
                slack = ROUNDING_M
                if not np.isinf(low):
                    if c_low == INCOMPARABLE:
                        flag = max(flag, ALTITUDE_INCOMPARABLE)
                    else:
                        za, zb, least = z_own[i], z_own[i2], low
                        if c_low != SAME_REFERENCE:
                            za, zb, least = z_w[i], z_w[i2], low_w
                            slack = ROUNDING_M + geoid_bound_m + GEOID_SLOPE * ball_b[b, 3]
                        rate = (zb - za) * inv
                        height = za + rate * (t0 - t[i])
                        if np.isfinite(height) and np.isfinite(rate):
                            t0, t1 = _while_over(height, rate, _least(least, Hm, slack), t0, t1)
                        else:
                            flag = max(flag, ALTITUDE_UNKNOWN)
                if t0 <= t1 and not np.isinf(high):
                    if c_high == INCOMPARABLE:
                        flag = max(flag, ALTITUDE_INCOMPARABLE)
                    else:
                        za, zb, most = z_own[i], z_own[i2], high
                        if c_high != SAME_REFERENCE:
                            za, zb, most = z_w[i], z_w[i2], high_w
                            slack = ROUNDING_M + geoid_bound_m + GEOID_SLOPE * ball_b[b, 3]
                        rate = (zb - za) * inv
                        height = za + rate * (t0 - t[i])
                        if np.isfinite(height) and np.isfinite(rate):
                            t0, t1 = _while_over(-height, -rate, _least(-most, Hm, slack), t0, t1)
                        else:
                            flag = max(flag, ALTITUDE_UNKNOWN)
                if t0 <= t1 and t0 < window_b[b, 1]:
                    u0, u1 = (t0 - t[i]) * inv, (t1 - t[i]) * inv
                    tangent = end_tangents(p[i, 0], p[i, 1], p[i, 2], p[i2, 0], p[i2, 1], p[i2, 2])
                    dx, dy, dz = p[i2, 0] - p[i, 0], p[i2, 1] - p[i, 1], p[i2, 2] - p[i, 2]
                    leg = np.sqrt(dx * dx + dy * dy + dz * dz)
                    if radius_b[b] > 0.0:
                        reach = D + frame_bound(leg, radius_b[b] + D)
                        spans, n = _spans_in_circle(
                            p, i, i2, tangent, u0, u1, point_b, lo_b, radius_b[b], reach, spans
                        )
                    else:
                        reach = D + outline_bound(max(leg, leg_b[b]), leg + D)
                        spans, n = _spans_in_ring(
                            p, i, i2, tangent, u0, u1, point_b, lo_b, hi_b, reach, spans
                        )
                    for s in range(n):
                        start, end, d, at = spans[s, 0], spans[s, 1], spans[s, 2], spans[s, 3]
                        if radius_b[b] == 0.0 and d > 0.0:
                            if D > 0.0:
                                d, at = _nearest_in_span(
                                    start, end, at, p, i, i2, tangent, point_b, lo_b, hi_b
                                )
                            else:
                                d = _distance_at(at, p, i, i2, tangent, point_b, lo_b, hi_b, 0.0)
                            if d >= reach:
                                continue
                        if radius_b[b] == 0.0 and D > 0.0:
                            # the plane was stretched: move both ends to where the ground says
                            if start > u0:
                                start = _edge_of(
                                    start, at, reach, p, i, i2, tangent, point_b, lo_b, hi_b, 0.0
                                )
                            if end < u1:
                                end = _edge_of(end, at, reach, p, i, i2, tangent, point_b, lo_b, hi_b, 0.0)
                            at = min(max(at, start), end)
                        tc = t[i] + at * span
                        x, y, z = _at(at, p, i, i2, tangent)
                        height = z_own[i] + (z_own[i2] - z_own[i]) * at
                        gap = 0.0
                        mark = flag
                        if flag == FOUND:
                            if not np.isinf(low):
                                gap = max(
                                    gap,
                                    low - height
                                    if c_low == SAME_REFERENCE
                                    else low_w - z_w[i] - (z_w[i2] - z_w[i]) * at,
                                )
                            if not np.isinf(high):
                                gap = max(
                                    gap,
                                    height - high
                                    if c_high == SAME_REFERENCE
                                    else z_w[i] + (z_w[i2] - z_w[i]) * at - high_w,
                                )
                            if gap <= ROUNDING_M:
                                gap = 0.0
                            if (d > 0.0 and d >= D) or (gap > 0.0 and gap >= Hm):
                                mark = MARGINAL
                        else:
                            gap = np.nan
                        out = _grown(out, used)
                        out[used, A], out[used, B] = a, b
                        out[used, T0], out[used, T1], out[used, TC] = (
                            t[i] + start * span,
                            t[i] + end * span,
                            tc,
                        )
                        if span == 0.0:
                            out[used, T0], out[used, T1], out[used, TC] = t[i], t[i], t[i]
                        out[used, H], out[used, V] = d, gap
                        out[used, X], out[used, Y], out[used, Z] = x, y, z
                        out[used, ALT] = height
                        out[used, MARGIN] = max(d - D, gap - Hm) if not np.isnan(gap) else d - D
                        out[used, FLAG] = mark
                        used += 1
    return out[:used]


@inlined
def _least(bound_m: float, buffer_m: float, slack_m: float) -> float:
    """The altitude from which on a thing is inside a floor, or within the buffer below it: strictly with a buffer, closed without."""
    return (
        bound_m - buffer_m - slack_m if buffer_m == 0.0 else bound_m - buffer_m - slack_m + 2.0 * ROUNDING_M
    )


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
