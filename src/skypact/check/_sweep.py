"""Kernels for things that move: which pairs come inside minima, when, and how close.

Law: this file decides loss of separation, and nothing else does but the oracle ``check/reference.py``, which shares no code
with it. It sees arrays only. ``NaN`` altitude means *not known*, and what it leaves undecided is emitted as such.

How it works. Time is cut into slabs. In each slab a thing that moves is a **piece**: a run of its legs, with a bounding
ball and an altitude band. Pieces are hashed by slab and by cell of an earth-centred grid whose cells are as wide as the widest
reach of two pieces, so that every pair that could meet stands in one cell or in neighbouring ones. A pair of pieces
passes three tests, each surer and dearer than the last:

1. balls and bands: could they meet at all?
2. the chords' relative motion, a quadratic in time, against the minimum widened by the chord's bound (:func:`_chord_slack`);
3. the geodesic motion itself (:func:`skypact.airspace.earth.hermite`), by Newton steps: the closest point and both ends
   of the window, against the minimum widened by :func:`frame_bound`.

What comes out are raw windows, one a pair of legs and slab; :func:`merge` joins those that touch.

Known limits: distances are exact to :func:`frame_bound`; times to a microsecond; a window shorter than that may be an instant.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from skypact.airspace.earth import R_MIN_M, arc_of_chord, end_tangents, hermite
from skypact.airspace.jit import inlined, kernel

ROUNDING_M: Final = 1e-6
"""Vertical distances this near to a minimum are equal to it: 36,000 ft less 35,000 ft is exactly 1,000 ft on the day,
but not in binary metres."""
INSTANT_S: Final = 1e-6
"""Windows nearer than this touch."""

# columns of a raw window
A, B, T0, T1, TC, H, V, X, Y, Z, ALT, MARGIN, FLAG = range(13)
RAW_COLUMNS: Final = 13

# flags of a raw window: found, found within the bound only, or undecided and why
FOUND: Final = 0.0
MARGINAL: Final = 1.0
ALTITUDE_UNKNOWN: Final = 2.0
ALTITUDE_INCOMPARABLE: Final = 3.0

# columns of a piece
CX, CY, CZ, R, LOW, HIGH = range(6)
PIECE_COLUMNS: Final = 6

# how the altitudes of two references are compared
SAME_REFERENCE: Final = 0
BOTH_ELLIPSOIDAL: Final = 1
INCOMPARABLE: Final = 2


@inlined
def frame_bound(leg_m: float, distance_m: float) -> float:
    """Bound in metres on the error of a computed horizontal distance.

    Two terms, each the leading term of its error with a factor that covers the rest (``docs/soundness.md``): the cubic
    through a leg of length L against its geodesic, ``3 L^4 / 384 R^3`` for two legs; the arc from its chord,
    ``d^5 e^2 / 200 R^4``; and rounding of metres of the earth's size in binary.
    """
    q = leg_m / R_MIN_M
    d = distance_m / R_MIN_M
    return 1e-8 + 0.008 * q * q * q * leg_m + 5e-5 * d * d * d * d * distance_m


@inlined
def _chord_slack(leg_m: float, distance_m: float) -> tuple[float, float]:
    """How far the distance of two chords may be off the distance of two geodesics: (metres, metres of depth).

    A chord of length L lies up to ``L^2 / 8 R`` under the surface: two chords differ in depth by at most that, and scale
    distances by depth over R; along the chord, constant speed is off by at most ``L^3 / 60 R^2``.
    """
    sag = leg_m * leg_m / (8.0 * R_MIN_M)
    along = leg_m * leg_m * leg_m / (30.0 * R_MIN_M * R_MIN_M)
    bend = distance_m * distance_m * distance_m / (20.0 * R_MIN_M * R_MIN_M)
    return 1e-3 + along + bend + 2.0 * distance_m * sag / R_MIN_M, sag


@kernel
def count_pieces(t_s: Any, joined: Any, slab_s: float) -> int:
    """How many pieces :func:`make_pieces` will make."""
    n = t_s.shape[0]
    total = 0
    k = 0
    while k < n:
        last = k
        while joined[last]:
            last += 1
        total += int(np.floor(t_s[last] / slab_s)) - int(np.floor(t_s[k] / slab_s)) + 1
        k = last + 1
    return total


@kernel
def make_pieces(
    t_s: Any,
    point: Any,
    low_m: Any,
    high_m: Any,
    joined: Any,
    owner: Any,
    slab_s: float,
    box: Any,
    first: Any,
    last: Any,
    slab: Any,
    who: Any,
) -> None:
    """Cut runs of joined nodes into one piece a slab: nodes ``first..last``, ball and altitude band.

    The legs that reach over a slab's border belong to the pieces on both sides. ``low_m`` and ``high_m`` are the nodes' altitude
    bands; not known is -inf to inf.
    """
    n = t_s.shape[0]
    k = 0
    piece = 0
    while k < n:
        end = k
        while joined[end]:
            end += 1
        s = int(np.floor(t_s[k] / slab_s))
        s_end = int(np.floor(t_s[end] / slab_s))
        i = k
        while s <= s_end:
            # from the last node before the slab's start (or the first one on it) to the first on or after its end; of several
            # nodes at one instant all are taken, since the thing is at all of them
            while i < end and t_s[i] < s * slab_s and t_s[i + 1] <= s * slab_s:
                i += 1
            j = i
            while j < end and t_s[j] < (s + 1) * slab_s:
                j += 1
            while j < end and t_s[j + 1] == t_s[j]:
                j += 1
            x0 = x1 = point[i, 0]
            y0 = y1 = point[i, 1]
            z0 = z1 = point[i, 2]
            lo, hi = low_m[i], high_m[i]
            longest = 0.0
            for m in range(i + 1, j + 1):
                x, y, z = point[m, 0], point[m, 1], point[m, 2]
                dx, dy, dz = x - point[m - 1, 0], y - point[m - 1, 1], z - point[m - 1, 2]
                longest = max(longest, dx * dx + dy * dy + dz * dz)
                x0, x1 = min(x0, x), max(x1, x)
                y0, y1 = min(y0, y), max(y1, y)
                z0, z1 = min(z0, z), max(z1, z)
                lo, hi = min(lo, low_m[m]), max(hi, high_m[m])
            dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
            box[piece, CX] = 0.5 * (x0 + x1)
            box[piece, CY] = 0.5 * (y0 + y1)
            box[piece, CZ] = 0.5 * (z0 + z1)
            # the geodesic bulges over its chord by the sag: the ball must hold it
            box[piece, R] = 0.5 * np.sqrt(dx * dx + dy * dy + dz * dz) + longest / (8.0 * R_MIN_M) + 1e-3
            box[piece, LOW] = lo
            box[piece, HIGH] = hi
            first[piece] = i
            last[piece] = j
            slab[piece] = s
            who[piece] = owner[k]
            piece += 1
            s += 1
        k = end + 1


@inlined
def _code(slab: int, ix: int, iy: int, iz: int) -> int:
    """A 64-bit name of a slab's cell. Two cells of one name would cost time, never a pair."""
    h = (
        slab * -7046029254386353131
        + ix * -4417276706812531889
        + iy * 1609587929392839161
        + iz * 8796714831421723037
    )
    h ^= (h >> 29) & 0x7FFFFFFFF
    h *= -4658895280553007687
    return h ^ ((h >> 32) & 0xFFFFFFFF)


@kernel
def hash_pieces(box: Any, slab: Any, cell_m: float, code: Any, lo: int, hi: int) -> None:
    """Name the cell of pieces ``lo`` to ``hi``."""
    for i in range(lo, hi):
        code[i] = _code(
            slab[i],
            int(np.floor(box[i, CX] / cell_m)),
            int(np.floor(box[i, CY] / cell_m)),
            int(np.floor(box[i, CZ] / cell_m)),
        )


@kernel
def bucket_pieces(code: Any, mask: int, start: Any, order: Any) -> None:
    """Counting sort of pieces by bucket ``code & mask``; ``start`` has a bucket's first place, one entry more than buckets."""
    n = code.shape[0]
    start[:] = 0
    for i in range(n):
        start[(code[i] & mask) + 1] += 1
    for b in range(1, start.shape[0]):
        start[b] += start[b - 1]
    for i in range(n):
        b = code[i] & mask
        order[start[b]] = i
        start[b] += 1
    for b in range(start.shape[0] - 1, 0, -1):
        start[b] = start[b - 1]
    start[0] = 0


@kernel
def gather_pieces(order: Any, code: Any, box: Any, code_out: Any, box_out: Any, lo: int, hi: int) -> None:
    """Lay boxes and cell names out in bucket order."""
    for i in range(lo, hi):
        k = order[i]
        code_out[i] = code[k]
        for c in range(PIECE_COLUMNS):
            box_out[i, c] = box[k, c]


@inlined
def _grown(out: Any, used: int) -> Any:
    """``out``, with room for another row."""
    if used < out.shape[0]:
        return out
    bigger = np.empty((2 * out.shape[0], out.shape[1]))
    bigger[:used] = out[:used]
    return bigger


@inlined
def _near(box_a: Any, i: int, box_b: Any, j: int, reach_m: float, height_m: float) -> bool:
    """Test 1: may two pieces meet, by their balls and bands, within the widest minima?"""
    if box_a[i, LOW] - box_b[j, HIGH] > height_m or box_b[j, LOW] - box_a[i, HIGH] > height_m:
        return False
    dx = box_a[i, CX] - box_b[j, CX]
    dy = box_a[i, CY] - box_b[j, CY]
    dz = box_a[i, CZ] - box_b[j, CZ]
    reach = reach_m + box_a[i, R] + box_b[j, R]
    return dx * dx + dy * dy + dz * dz <= reach * reach


@inlined
def _pair_of_legs(
    a: int,
    b: int,
    i: int,
    i2: int,
    j: int,
    j2: int,
    slab_from: float,
    slab_to: float,
    ta: Any,
    pa: Any,
    za: Any,
    tb: Any,
    pb: Any,
    zb: Any,
    D: float,
    Hm: float,
    vertical_blur: float,
    incomparable: bool,
    out: Any,
    used: int,
) -> tuple[Any, int]:
    """Tests 2 and 3 on one leg of each; appends a raw window if they come inside minima in the slab.

    Legs are nodes ``i..i2`` and ``j..j2``; ``i == i2`` is an instant.
    """
    t0 = max(max(ta[i], tb[j]), slab_from)
    t1 = min(min(ta[i2], tb[j2]), slab_to)
    if t0 > t1:
        return out, used
    span_a, span_b = ta[i2] - ta[i], tb[j2] - tb[j]
    inv_a = 1.0 / span_a if span_a > 0.0 else 0.0
    inv_b = 1.0 / span_b if span_b > 0.0 else 0.0

    # the vertical window first: it is exact and cheap
    flag = FOUND
    if incomparable:
        flag = ALTITUDE_INCOMPARABLE
    else:
        rate_a, rate_b = (za[i2] - za[i]) * inv_a, (zb[j2] - zb[j]) * inv_b
        gap0 = (za[i] + rate_a * (t0 - ta[i])) - (zb[j] + rate_b * (t0 - tb[j]))
        rate = rate_a - rate_b
        least = Hm + vertical_blur - ROUNDING_M
        if not (np.isfinite(gap0) and np.isfinite(rate)):
            flag = ALTITUDE_UNKNOWN
        elif rate == 0.0 or t0 == t1:
            if abs(gap0) > least or least < 0.0:
                return out, used
        else:
            ta_in, tb_in = t0 + (-least - gap0) / rate, t0 + (least - gap0) / rate
            if ta_in > tb_in:
                ta_in, tb_in = tb_in, ta_in
            t0v, t1v = max(t0, ta_in), min(t1, tb_in)
            if t0v > t1v or least < 0.0:
                return out, used
            t0, t1 = t0v, t1v

    # test 2: chords
    ax, ay, az = pa[i2, 0] - pa[i, 0], pa[i2, 1] - pa[i, 1], pa[i2, 2] - pa[i, 2]
    bx, by, bz = pb[j2, 0] - pb[j, 0], pb[j2, 1] - pb[j, 1], pb[j2, 2] - pb[j, 2]
    ua, ub = (t0 - ta[i]) * inv_a, (t0 - tb[j]) * inv_b
    wx = pa[i, 0] + ua * ax - pb[j, 0] - ub * bx
    wy = pa[i, 1] + ua * ay - pb[j, 1] - ub * by
    wz = pa[i, 2] + ua * az - pb[j, 2] - ub * bz
    vx, vy, vz = ax * inv_a - bx * inv_b, ay * inv_a - by * inv_b, az * inv_a - bz * inv_b
    v2 = vx * vx + vy * vy + vz * vz
    wv = wx * vx + wy * vy + wz * vz
    dt = 0.0
    if v2 > 0.0:
        dt = min(max(-wv / v2, 0.0), t1 - t0)
    w2 = wx * wx + wy * wy + wz * wz
    c2 = w2 + dt * (2.0 * wv + dt * v2)
    leg2 = max(ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz)
    leg = np.sqrt(leg2)
    slack, depth = _chord_slack(leg, D)
    if c2 > (D + slack) * (D + slack) + depth * depth:
        return out, used

    # test 3: the geodesics themselves
    bound = frame_bound(leg, D)
    least_h = D + bound
    adx, ady, adz, aex, aey, aez = end_tangents(pa[i, 0], pa[i, 1], pa[i, 2], pa[i2, 0], pa[i2, 1], pa[i2, 2])
    bdx, bdy, bdz, bex, bey, bez = end_tangents(pb[j, 0], pb[j, 1], pb[j, 2], pb[j2, 0], pb[j2, 1], pb[j2, 2])
    t = t0 + dt
    for _ in range(3):  # Newton on W.W' = 0, whose derivative is V.V to the order of the curvature
        ua, ub = (t - ta[i]) * inv_a, (t - tb[j]) * inv_b
        gx = hermite(ua, pa[i, 0], pa[i2, 0], adx, aex) - hermite(ub, pb[j, 0], pb[j2, 0], bdx, bex)
        gy = hermite(ua, pa[i, 1], pa[i2, 1], ady, aey) - hermite(ub, pb[j, 1], pb[j2, 1], bdy, bey)
        gz = hermite(ua, pa[i, 2], pa[i2, 2], adz, aez) - hermite(ub, pb[j, 2], pb[j2, 2], bdz, bez)
        sx = (
            _slope(ua, pa[i, 0], pa[i2, 0], adx, aex) * inv_a
            - _slope(ub, pb[j, 0], pb[j2, 0], bdx, bex) * inv_b
        )
        sy = (
            _slope(ua, pa[i, 1], pa[i2, 1], ady, aey) * inv_a
            - _slope(ub, pb[j, 1], pb[j2, 1], bdy, bey) * inv_b
        )
        sz = (
            _slope(ua, pa[i, 2], pa[i2, 2], adz, aez) * inv_a
            - _slope(ub, pb[j, 2], pb[j2, 2], bdz, bez) * inv_b
        )
        s2 = sx * sx + sy * sy + sz * sz
        if s2 < 1e-12:  # nearly equal velocities: under a micrometre a second, the distance does not change
            break
        step = -(gx * sx + gy * sy + gz * sz) / s2
        moved = min(max(t + step, t0), t1)
        if abs(moved - t) < 1e-9:
            t = moved
            break
        t = moved
    ua, ub = (t - ta[i]) * inv_a, (t - tb[j]) * inv_b
    px = hermite(ua, pa[i, 0], pa[i2, 0], adx, aex)
    py = hermite(ua, pa[i, 1], pa[i2, 1], ady, aey)
    pz = hermite(ua, pa[i, 2], pa[i2, 2], adz, aez)
    h = arc_of_chord(
        px,
        py,
        pz,
        hermite(ub, pb[j, 0], pb[j2, 0], bdx, bex),
        hermite(ub, pb[j, 1], pb[j2, 1], bdy, bey),
        hermite(ub, pb[j, 2], pb[j2, 2], bdz, bez),
    )
    # both ends of the window may be nearer, where the distance is flat and Newton has no slope
    start, end = t0, t1
    for side in range(2):
        edge = t0 if side == 0 else t1
        ue, uf = (edge - ta[i]) * inv_a, (edge - tb[j]) * inv_b
        ex = hermite(ue, pa[i, 0], pa[i2, 0], adx, aex)
        ey = hermite(ue, pa[i, 1], pa[i2, 1], ady, aey)
        ez = hermite(ue, pa[i, 2], pa[i2, 2], adz, aez)
        he = arc_of_chord(
            ex,
            ey,
            ez,
            hermite(uf, pb[j, 0], pb[j2, 0], bdx, bex),
            hermite(uf, pb[j, 1], pb[j2, 1], bdy, bey),
            hermite(uf, pb[j, 2], pb[j2, 2], bdz, bez),
        )
        if he < h:
            h, t = he, edge
            px, py, pz = ex, ey, ez
        if he < least_h or h >= least_h or he <= h:
            continue
        # the instant the minimum is crossed, between the edge (outside) and t (inside): chords first, then halving and secant
        outer, inner, f_outer, f_inner = edge, t, he - least_h, h - least_h
        for _ in range(60):
            if abs(inner - outer) < 1e-7:
                break
            guess = outer + (inner - outer) * f_outer / (f_outer - f_inner)
            room = 0.02 * (inner - outer)
            if (guess - outer) * (inner - outer) < room * (inner - outer):
                guess = outer + room
            elif (inner - guess) * (inner - outer) < room * (inner - outer):
                guess = inner - room
            ug, uh = (guess - ta[i]) * inv_a, (guess - tb[j]) * inv_b
            f = (
                arc_of_chord(
                    hermite(ug, pa[i, 0], pa[i2, 0], adx, aex),
                    hermite(ug, pa[i, 1], pa[i2, 1], ady, aey),
                    hermite(ug, pa[i, 2], pa[i2, 2], adz, aez),
                    hermite(uh, pb[j, 0], pb[j2, 0], bdx, bex),
                    hermite(uh, pb[j, 1], pb[j2, 1], bdy, bey),
                    hermite(uh, pb[j, 2], pb[j2, 2], bdz, bez),
                )
                - least_h
            )
            if abs(f) < 1e-7:
                outer = inner = guess
            elif f < 0.0:
                inner, f_inner = guess, f
            else:
                outer, f_outer = guess, f
        if side == 0:
            start = inner
        else:
            end = inner
    if h >= least_h:
        return out, used
    gap = np.nan
    if flag == FOUND:
        gap = abs(
            (za[i] + (za[i2] - za[i]) * inv_a * (t - ta[i]))
            - (zb[j] + (zb[j2] - zb[j]) * inv_b * (t - tb[j]))
        )
        gap_start = (za[i] + (za[i2] - za[i]) * inv_a * (start - ta[i])) - (
            zb[j] + (zb[j2] - zb[j]) * inv_b * (start - tb[j])
        )
        gap_end = (za[i] + (za[i2] - za[i]) * inv_a * (end - ta[i])) - (
            zb[j] + (zb[j2] - zb[j]) * inv_b * (end - tb[j])
        )
        least_gap = 0.0 if gap_start * gap_end < 0.0 else min(abs(gap_start), abs(gap_end))
        if h >= D or least_gap >= Hm:
            flag = MARGINAL
    out = _grown(out, used)
    out[used, A] = a
    out[used, B] = b
    out[used, T0] = start
    out[used, T1] = end
    out[used, TC] = t
    out[used, H] = h
    out[used, V] = gap
    out[used, X] = px
    out[used, Y] = py
    out[used, Z] = pz
    out[used, ALT] = za[i] + (za[i2] - za[i]) * inv_a * (t - ta[i]) if span_a > 0.0 else za[i]
    out[used, MARGIN] = max(h - D, gap - Hm)
    out[used, FLAG] = flag
    return out, used + 1


@inlined
def _slope(u: float, p0: float, p1: float, d0: float, d1: float) -> float:
    """Derivative of :func:`skypact.airspace.earth.hermite` by u."""
    return 6.0 * u * (1.0 - u) * (p1 - p0) + (1.0 - u) * (1.0 - 3.0 * u) * d0 + u * (3.0 * u - 2.0) * d1


@inlined
def _pair_of_pieces(
    a: int,
    b: int,
    i_first: int,
    i_last: int,
    j_first: int,
    j_last: int,
    slab_from: float,
    slab_to: float,
    ta: Any,
    pa: Any,
    za: Any,
    ga: Any,
    tb: Any,
    pb: Any,
    zb: Any,
    gb: Any,
    D: float,
    Hm: float,
    compare: int,
    geoid_bound_m: float,
    out: Any,
    used: int,
) -> tuple[Any, int]:
    """Walk along the legs of both pieces in time, and test each pair of legs that share an instant."""
    if compare == BOTH_ELLIPSOIDAL:
        za, zb = ga, gb
    blur = geoid_bound_m if compare == BOTH_ELLIPSOIDAL else 0.0
    i = i_first
    while True:
        i2 = min(i + 1, i_last)
        # a leg of no duration has two places at one instant: each is tested
        twice_a = i2 > i and ta[i2] == ta[i]
        j = j_first
        while True:
            j2 = min(j + 1, j_last)
            if tb[j] > ta[i2]:
                break
            if tb[j2] >= ta[i]:
                twice_b = j2 > j and tb[j2] == tb[j]
                for ka in range(2 if twice_a else 1):
                    for kb in range(2 if twice_b else 1):
                        out, used = _pair_of_legs(
                            a,
                            b,
                            i2 if twice_a and ka == 1 else i,
                            i if twice_a and ka == 0 else i2,
                            j2 if twice_b and kb == 1 else j,
                            j if twice_b and kb == 0 else j2,
                            slab_from,
                            slab_to,
                            ta,
                            pa,
                            za,
                            tb,
                            pb,
                            zb,
                            D,
                            Hm,
                            blur,
                            compare == INCOMPARABLE,
                            out,
                            used,
                        )
            j += 1
            if j >= j_last:
                break
        i += 1
        if i >= i_last:
            break
    return out, used


@kernel
def join(
    lo: int,
    hi: int,
    code_a: Any,
    box_a: Any,
    order_a: Any,
    first_a: Any,
    last_a: Any,
    slab_a: Any,
    who_a: Any,
    ta: Any,
    pa: Any,
    za: Any,
    ga: Any,
    klass_a: Any,
    body_a: Any,
    ref_a: Any,
    blur_ha: Any,
    blur_va: Any,
    code_b: Any,
    box_b: Any,
    order_b: Any,
    first_b: Any,
    last_b: Any,
    who_b: Any,
    start_b: Any,
    mask_b: int,
    tb: Any,
    pb: Any,
    zb: Any,
    gb: Any,
    klass_b: Any,
    body_b: Any,
    ref_b: Any,
    blur_hb: Any,
    blur_vb: Any,
    itself: bool,
    cell_m: float,
    slab_s: float,
    reach_m: float,
    height_m: float,
    rule: Any,
    D_of: Any,
    H_of: Any,
    horizon_of: Any,
    compare: Any,
    geoid_bound_m: float,
) -> Any:
    """All raw windows between pieces ``lo..hi`` of a (in bucket order) and the pieces of b; a is b when ``itself``.

    Every pair of pieces that passes test 1 is met once: in a self-join a piece looks into its own cell, forward, and into
    13 of its 26 neighbours; else into all 27.
    """
    out = np.empty((1024, RAW_COLUMNS))
    used = 0
    neighbour_code = np.empty(27, np.int64)
    neighbour_from = np.empty(27, np.int64)
    neighbour_to = np.empty(27, np.int64)
    neighbours = 0
    seen = code_a[lo] - 1 if hi > lo else 0
    for i in range(lo, hi):
        ki = order_a[i]
        if i == lo or code_a[i] != seen:
            seen = code_a[i]
            neighbours = 0
            ix = int(np.floor(box_a[i, CX] / cell_m))
            iy = int(np.floor(box_a[i, CY] / cell_m))
            iz = int(np.floor(box_a[i, CZ] / cell_m))
            for place in range(27):
                if itself and place < 13:
                    continue
                name = _code(slab_a[ki], ix + place // 9 - 1, iy + (place // 3) % 3 - 1, iz + place % 3 - 1)
                bucket = name & mask_b
                if start_b[bucket] < start_b[bucket + 1]:
                    neighbour_code[neighbours] = name
                    neighbour_from[neighbours] = start_b[bucket]
                    neighbour_to[neighbours] = start_b[bucket + 1]
                    neighbours += 1
        a = who_a[ki]
        for k in range(neighbours):
            name = neighbour_code[k]
            begin = i + 1 if itself and name == seen else neighbour_from[k]
            for j in range(begin, neighbour_to[k]):
                if not _near(box_a, i, box_b, j, reach_m, height_m) or code_b[j] != name:
                    continue
                kj = order_b[j]
                b = who_b[kj]
                if body_a[a] == body_b[b] or rule[klass_a[a], klass_b[b]] < 0:
                    continue
                D = D_of[klass_a[a], klass_b[b]] + blur_ha[a] + blur_hb[b]
                Hm = H_of[klass_a[a], klass_b[b]] + blur_va[a] + blur_vb[b]
                slab_from = slab_a[ki] * slab_s
                slab_to = min(slab_from + slab_s, horizon_of[klass_a[a], klass_b[b]])
                out, used = _pair_of_pieces(
                    a,
                    b,
                    first_a[ki],
                    last_a[ki],
                    first_b[kj],
                    last_b[kj],
                    slab_from,
                    slab_to,
                    ta,
                    pa,
                    za,
                    ga,
                    tb,
                    pb,
                    zb,
                    gb,
                    D,
                    Hm,
                    compare[ref_a[a], ref_b[b]],
                    geoid_bound_m,
                    out,
                    used,
                )
    return out[:used]


@kernel
def merge(raw: Any, order: Any) -> Any:
    """Join raw windows of one pair that touch; ``order`` sorts them by pair, by decided or not, by start.

    The closest point of the joined window is the nearest of its parts', the earliest among equals; it is marginal only if
    every part is.
    """
    out = np.empty((raw.shape[0], RAW_COLUMNS))
    k = -1
    for position in range(raw.shape[0]):
        row = raw[order[position]]
        same = k >= 0 and out[k, A] == row[A] and out[k, B] == row[B] and row[T0] <= out[k, T1] + INSTANT_S
        if same and (out[k, FLAG] >= ALTITUDE_UNKNOWN or row[FLAG] >= ALTITUDE_UNKNOWN):
            same = out[k, FLAG] == row[FLAG]
        if not same:
            k += 1
            out[k] = row
            continue
        out[k, T1] = max(out[k, T1], row[T1])
        if row[H] < out[k, H]:
            for c in (TC, H, V, X, Y, Z, ALT, MARGIN):
                out[k, c] = row[c]
        out[k, FLAG] = min(out[k, FLAG], row[FLAG])
    return out[: k + 1]
