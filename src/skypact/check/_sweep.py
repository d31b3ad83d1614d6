"""Kernels for things that move: which pairs come inside minima, when, and how close.

Law: this file decides loss of separation, and nothing else does but the oracle ``check/reference.py``, which
shares no code with it. It sees arrays only. ``NaN`` altitude means *not known*, and what it leaves undecided
is emitted as such: a leg's altitude is known if it is at both ends. An end at which it is known is decided
for its instant, whatever the legs beside it.

How it works. Time is cut into slabs. In each slab a thing that moves is a **piece**: a run of its legs, with
a bounding ball and an altitude band. Pieces are sorted by slab and by cell of an earth-centred grid whose
cells are as wide as the widest reach of two pieces, so that every pair that could meet stands in one cell or
in neighbouring ones, three of which are one run in memory. A pair of pieces passes three tests, each surer
and dearer than the last:

1. balls and bands: could they meet at all?
2. the chords' relative motion, a quadratic in time, against the minimum widened by the chord's bound
   (:func:`_chord_slack`);
3. the geodesic motion itself (a cubic, :func:`skypact.airspace.earth.hermite`), by Newton steps: the closest
   point and both ends of the window, against the minimum widened by :func:`frame_bound`.

What comes out are raw windows, one a pair of legs and slab; :func:`merge` joins those that touch.

Known limits: distances are exact to :func:`frame_bound`; times to a microsecond; a window shorter than that
may be an instant. Where two things fly side by side and the distance arches over the minimum in the middle of
a leg, by at most ``d L^2 / 8 R^2`` (18 mm at 5 NM over 25 km), both ends of the leg are inside and the window
is not cut in two.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from skypact.airspace.earth import R_MIN_M, arc_of_chord, end_tangents
from skypact.airspace.jit import inlined, kernel

ROUNDING_M: Final = 1e-6
"""Vertical distances this near to a minimum are equal to it.

36,000 ft less 35,000 ft is exactly 1,000 ft on the day, but not in binary metres.
"""
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
# columns of a piece as a join walks through them: its ball, and half its chord
HX, HY, HZ = 4, 5, 6
WALK_COLUMNS: Final = 8

# how the altitudes of two references are compared
SAME_REFERENCE: Final = 0
BOTH_ELLIPSOIDAL: Final = 1
INCOMPARABLE: Final = 2


@inlined
def frame_bound(leg_m: float, distance_m: float) -> float:
    """Bound in metres on the error of a computed horizontal distance.

    The sum of (``docs/soundness.md``, where each is measured): rounding of metres of the earth's size; the
    cubics through two legs of length L against their geodesics, along and across, ``e^2 L^4 / 42 R^3``; their
    depth, ``u = 2 L^4 / 384 R^3``, which lengthens a distance d by at most u, by ``u^2 / 2d`` where that is
    less, and by the stretch ``u d / R``; the arc from its chord, ``e^2 d^5 / 134 R^4``.
    """
    q = leg_m / R_MIN_M
    d = distance_m / R_MIN_M
    q3 = q * q * q * leg_m
    depth = 0.0055 * q3
    return (
        1e-8
        + 1.6e-4 * q3
        + depth * (depth / (depth + 2.0 * distance_m + 1e-300) + d)
        + 5e-5 * d * d * d * d * distance_m
    )


@inlined
def _chord_slack(leg_m: float, distance_m: float) -> tuple[float, float]:
    """How far the distance of two chords may be off the distance of two geodesics: (metres, metres of depth).

    A chord of length L lies up to ``L^2 / 8 R`` under the surface: two chords differ in depth by at most
    that, and scale distances by depth over R; along the chord, constant speed is off by at most ``L^3 / 60
    R^2``.
    """
    sag = leg_m * leg_m / (8.0 * R_MIN_M)
    along = leg_m * leg_m * leg_m / (30.0 * R_MIN_M * R_MIN_M)
    bend = distance_m * distance_m * distance_m / (20.0 * R_MIN_M * R_MIN_M)
    return 1e-3 + along + bend + 2.0 * distance_m * sag / R_MIN_M, sag


@kernel
def speed_most(t_s: Any, point: Any, joined: Any) -> float:
    """The highest speed of any leg that takes time, in metres a second."""
    most = 0.0
    for k in range(t_s.shape[0]):
        if joined[k] and t_s[k + 1] > t_s[k]:
            dx, dy, dz = (
                point[k + 1, 0] - point[k, 0],
                point[k + 1, 1] - point[k, 1],
                point[k + 1, 2] - point[k, 2],
            )
            most = max(most, np.sqrt(dx * dx + dy * dy + dz * dz) / (t_s[k + 1] - t_s[k]))
    return most


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
def longest_leg(point: Any, joined: Any) -> float:
    """The longest leg (its chord), in metres."""
    most = 0.0
    for k in range(joined.shape[0]):
        if joined[k]:
            dx, dy, dz = (
                point[k + 1, 0] - point[k, 0],
                point[k + 1, 1] - point[k, 1],
                point[k + 1, 2] - point[k, 2],
            )
            most = max(most, dx * dx + dy * dy + dz * dz)
    return np.sqrt(most)


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
    until_s: float,
    half: Any,
) -> None:
    """Cut runs of joined nodes into one piece a slab: nodes ``first..last``, ball and altitude band.

    The legs that reach over a slab's border belong to the pieces on both sides. ``low_m`` and ``high_m`` are
    the nodes' altitude bands; not known is -inf to inf. ``half``, unless it is empty, has half the chord of
    each piece that is one leg over the whole of its slab, or as much of it as is before ``until_s``; else
    NaN.
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
            # from the last node before the slab's start (or the first one on it) to the first on or after its
            # end; of several nodes at one instant all are taken
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
            if half.shape[0]:
                whole = j == i + 1 and t_s[i] == s * slab_s and t_s[j] == min((s + 1) * slab_s, until_s)
                whole = whole and t_s[j] > t_s[i]
                for c in range(3):
                    half[piece, c] = 0.5 * (point[j, c] - point[i, c]) if whole else np.nan
            first[piece] = i
            last[piece] = j
            slab[piece] = s
            who[piece] = owner[k]
            piece += 1
            s += 1
        k = end + 1


@inlined
def _code(slab: int, ix: int, iy: int, iz: int) -> int:
    """The name of a slab's cell: linear, so that the cells of a column along z have consecutive names.

    Cells whose names differ by a fixed number lie at a fixed distance in memory, too, and a walk through all
    pieces reads as many streams as a cell has columns beside it. Two cells of one name (a thousand cells
    apart) cost time, never a pair: neighbours' names differ.
    """
    return (int(slab) & 0x7FFFFFFF) * 1_327_217_885 + ix * 1_022_117 + iy * 1_009 + iz


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
    """Counting sort of pieces by bucket ``code & mask``.

    ``start`` has a bucket's first place, one entry more than buckets.
    """
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
def gather_pieces(
    order: Any, code: Any, box: Any, half: Any, code_out: Any, walk_out: Any, band_out: Any, lo: int, hi: int
) -> None:
    """Lay cell names, balls with chords, and bands out in bucket order; the bands alone, to be read fast."""
    for i in range(lo, hi):
        k = order[i]
        code_out[i] = code[k]
        for c in range(R + 1):
            walk_out[i, c] = box[k, c]
        for c in range(3):
            walk_out[i, HX + c] = half[k, c]
        band_out[i, 0], band_out[i, 1] = box[k, LOW], box[k, HIGH]


@inlined
def _grown(out: Any, used: int) -> Any:
    """``out``, with room for another row."""
    if used < out.shape[0]:
        return out
    bigger = np.empty((2 * out.shape[0], out.shape[1]))
    for row in range(used):  # a slice would bring in numba's shape checks, four seconds of compiling
        for c in range(out.shape[1]):
            bigger[row, c] = out[row, c]
    return bigger


CHUNK: Final = 512
"""So many pieces have their bands looked at in one go."""


@inlined
def _columns(
    slab: int, ix: int, iy: int, iz: int, start: Any, mask: int, itself: bool, name: Any, begin: Any, end: Any
) -> int:
    """The runs of pieces, in bucket order, of a cell and its neighbours; returns how many.

    A run is three cells of a column along z, whose first has ``name``, or what is left of them: in a join
    with itself the cell's own column begins at the cell, and is the first run, and four of the other eight
    columns are left out. A column that wraps round the last bucket is two runs.
    """
    runs = 0
    for k in range(9):
        place = (k + 4) % 9  # the cell's own column first
        if itself and place < 4:
            continue
        first = _code(slab, ix + place // 3 - 1, iy + place % 3 - 1, iz - 1)
        bucket = first & mask
        last = bucket + 2
        if itself and place == 4:
            bucket += 1
        if bucket <= mask:
            name[runs], begin[runs], end[runs] = first, start[bucket], start[min(last, mask) + 1]
            runs += int(begin[runs] < end[runs])
        if last > mask:
            name[runs], begin[runs], end[runs] = first, start[max(bucket - mask - 1, 0)], start[last - mask]
            runs += int(begin[runs] < end[runs])
    return runs


@inlined
def _same_height(band: Any, begin: int, end: int, above: float, below: float, found: Any) -> int:
    """Which of the pieces ``begin..end`` have bands that reach between two heights; returns how many.

    Without a branch: nearly all are elsewhere, but which ones cannot be foretold.
    """
    n = 0
    for j in range(begin, end):
        found[n] = j
        n += int(band[j, 0] <= above) & int(band[j, 1] >= below)
    return n


@inlined
def _near(walk_a: Any, i: int, walk_b: Any, j: int, reach_m: float) -> bool:
    """Test 1.

    May two pieces meet, by their balls, within the widest minima? (Their bands were looked at before.)
    """
    dx = walk_a[i, CX] - walk_b[j, CX]
    dy = walk_a[i, CY] - walk_b[j, CY]
    dz = walk_a[i, CZ] - walk_b[j, CZ]
    reach = reach_m + walk_a[i, R] + walk_b[j, R]
    return dx * dx + dy * dy + dz * dz <= reach * reach


@inlined
def _chords_far(walk_a: Any, i: int, walk_b: Any, j: int, reach_m: float) -> bool:
    """Test 2 at once, for two pieces of one leg each over the same time (NaN, and so False, if they are not).

    Do even their chords stay out of the widest reach?

    Predicted paths are such pieces, nearly all of which end here. The middle of a leg's box is that of its
    chord; the millimetre in the slack is far more than the rounding of both.
    """
    wx, wy, wz = (
        walk_a[i, CX] - walk_b[j, CX],
        walk_a[i, CY] - walk_b[j, CY],
        walk_a[i, CZ] - walk_b[j, CZ],
    )
    ax, ay, az = walk_a[i, HX], walk_a[i, HY], walk_a[i, HZ]
    bx, by, bz = walk_b[j, HX], walk_b[j, HY], walk_b[j, HZ]
    vx, vy, vz = ax - bx, ay - by, az - bz
    v2 = vx * vx + vy * vy + vz * vz
    u = 0.0
    if v2 > 0.0:
        u = min(max(-(wx * vx + wy * vy + wz * vz) / v2, -1.0), 1.0)
    wx, wy, wz = wx + u * vx, wy + u * vy, wz + u * vz
    leg = 2.0 * np.sqrt(max(ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz))
    slack, depth = _chord_slack(leg, reach_m)
    return wx * wx + wy * wy + wz * wz > (reach_m + slack) * (reach_m + slack) + depth * depth


@inlined
def _cubic(
    u: float, inv: float, p0: float, p1: float, d0: float, d1: float
) -> tuple[float, float, float, float]:
    """One coordinate of a leg (``earth.hermite``) as a cubic in the seconds since fraction u of it."""
    c2, c3 = 3.0 * (p1 - p0) - 2.0 * d0 - d1, d0 + d1 - 2.0 * (p1 - p0)
    return (
        p0 + u * (d0 + u * (c2 + u * c3)),
        (d0 + u * (2.0 * c2 + 3.0 * u * c3)) * inv,
        (c2 + 3.0 * u * c3) * inv * inv,
        c3 * inv * inv * inv,
    )


@inlined
def _path(
    ax: float, ay: float, az: float, bx: float, by: float, bz: float, u: float, inv: float
) -> tuple[Any, Any, Any]:
    """The leg from a to b as three cubics in the seconds since fraction u of it.

    ``inv``: 1 / its duration.
    """
    dx, dy, dz, ex, ey, ez = end_tangents(ax, ay, az, bx, by, bz)
    return _cubic(u, inv, ax, bx, dx, ex), _cubic(u, inv, ay, by, dy, ey), _cubic(u, inv, az, bz, dz, ez)


@inlined
def _less(p: Any, q: Any) -> Any:
    """The difference of two cubics."""
    return p[0] - q[0], p[1] - q[1], p[2] - q[2], p[3] - q[3]


@inlined
def _value(p: Any, s: float) -> float:
    """A cubic at s."""
    return p[0] + s * (p[1] + s * (p[2] + s * p[3]))


@inlined
def _rate(p: Any, s: float) -> float:
    """Its first derivative."""
    return p[1] + s * (2.0 * p[2] + 3.0 * s * p[3])


@inlined
def _apart(w: Any, a: Any, s: float) -> tuple[float, float, float]:
    """Distance on the ground at s, how fast it opens, the chord; w: motion of a relative to b, a: its own."""
    wx, wy, wz = _value(w[0], s), _value(w[1], s), _value(w[2], s)
    x, y, z = _value(a[0], s), _value(a[1], s), _value(a[2], s)
    opening = wx * _rate(w[0], s) + wy * _rate(w[1], s) + wz * _rate(w[2], s)
    chord = np.sqrt(wx * wx + wy * wy + wz * wz)
    return arc_of_chord(x, y, z, x - wx, y - wy, z - wz), opening / chord if chord > 0.0 else 0.0, chord


@inlined
def _nearest(w: Any, s: float, length: float, bend_m_s: float) -> float:
    """Where, from 0 to ``length``, the relative motion w is nearest to nothing: Newton on W.W' = 0 from s.

    Where the distance is flat or arches over (things that fly side by side) it stays: an end is nearest then.
    ``bend_m_s``: how much faster than the chord the arc grows, the earth not being equally round everywhere.
    """
    for _ in range(12):
        wx, wy, wz = _value(w[0], s), _value(w[1], s), _value(w[2], s)
        vx, vy, vz = _rate(w[0], s), _rate(w[1], s), _rate(w[2], s)
        bend = (
            wx * (w[0][2] + 3.0 * s * w[0][3])
            + wy * (w[1][2] + 3.0 * s * w[1][3])
            + wz * (w[2][2] + 3.0 * s * w[2][3])
        )
        slope = vx * vx + vy * vy + vz * vz + 2.0 * bend
        if slope <= 0.0:
            break
        pull = wx * vx + wy * vy + wz * vz + bend_m_s * np.sqrt(wx * wx + wy * wy + wz * wz)
        moved = min(max(s - pull / slope, 0.0), length)
        if abs(moved - s) < 1e-7:
            return moved
        s = moved
    return s


@inlined
def _crossing(w: Any, a: Any, least: float, outside: float, inside: float, guess: float) -> float:
    """The instant between ``outside`` and ``inside`` at which the distance is ``least``.

    Safeguarded Newton from a guess.
    """
    s = guess if min(outside, inside) < guess < max(outside, inside) else outside
    for _ in range(60):
        distance, opening, _ = _apart(w, a, s)
        f = distance - least
        if abs(f) < 1e-9:
            return s
        if f < 0.0:
            inside = s
        else:
            outside = s
        if abs(inside - outside) < 1e-7:
            break
        step = s - f / opening if opening != 0.0 else outside
        s = step if min(outside, inside) < step < max(outside, inside) else 0.5 * (outside + inside)
    return inside


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
    drift: float,
    drift_m: float,
    out: Any,
    used: int,
) -> tuple[Any, int]:
    """Tests 2 and 3 on one leg of each; appends a raw window if they come inside minima in the slab.

    Legs are nodes ``i..i2`` and ``j..j2``; ``i == i2`` is an instant. Positions are uncertain by ``drift``
    times ``drift_m`` and the way that both could have come since the start.
    """
    t0 = max(ta[i], tb[j], slab_from)
    t1 = min(ta[i2], tb[j2], slab_to)
    if t0 > t1:
        return out, used
    span_a, span_b = ta[i2] - ta[i], tb[j2] - tb[j]
    inv_a = 1.0 / span_a if span_a > 0.0 else 0.0
    inv_b = 1.0 / span_b if span_b > 0.0 else 0.0

    # the vertical window first: it is exact and cheap
    flag = FOUND
    strict0, strict1 = t0, t1
    if incomparable:
        flag = ALTITUDE_INCOMPARABLE
    else:
        rate_a, rate_b = (za[i2] - za[i]) * inv_a, (zb[j2] - zb[j]) * inv_b
        gap0 = (za[i] + rate_a * (t0 - ta[i])) - (zb[j] + rate_b * (t0 - tb[j]))
        rate = rate_a - rate_b
        if not (np.isfinite(gap0) and np.isfinite(rate)):
            flag = ALTITUDE_UNKNOWN
        else:
            least = Hm + vertical_blur - ROUNDING_M
            from_s, to_s = _while_within(gap0, rate, least, t1 - t0)
            if from_s > to_s:
                return out, used
            strict0, strict1 = t0 + from_s, t0 + to_s
            if vertical_blur > 0.0:
                strict_from, strict_to = _while_within(gap0, rate, Hm - ROUNDING_M, t1 - t0)
                strict0, strict1 = t0 + strict_from, t0 + strict_to
            t0, t1 = t0 + from_s, t0 + to_s

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
    leg_a, leg_b = np.sqrt(ax * ax + ay * ay + az * az), np.sqrt(bx * bx + by * by + bz * bz)
    leg = max(leg_a, leg_b)
    wander = drift * (drift_m + t1 * (leg_a * inv_a + leg_b * inv_b))
    slack, depth = _chord_slack(leg, D)
    slack += wander
    if c2 > (D + slack) * (D + slack) + depth * depth:
        return out, used

    # test 3: the geodesics themselves, as cubics in the seconds since t0
    least_h = D + frame_bound(leg, D) + wander
    path = _path(pa[i, 0], pa[i, 1], pa[i, 2], pa[i2, 0], pa[i2, 1], pa[i2, 2], ua, inv_a)
    other = _path(pb[j, 0], pb[j, 1], pb[j, 2], pb[j2, 0], pb[j2, 1], pb[j2, 2], ub, inv_b)
    w = _less(path[0], other[0]), _less(path[1], other[1]), _less(path[2], other[2])
    length = t1 - t0
    s = _nearest(w, dt, length, 0.0)
    h, _, c = _apart(w, path, s)
    # both ends of the window: they may be nearer, and the minimum may be crossed before them
    h_begin, _, c_begin = _apart(w, path, 0.0)
    h_end, _, c_end = _apart(w, path, length)
    if c > 20_000.0 and length > 0.0:
        # the chord is nearest at s, the arc a little beside: an arc is longer by its chord cubed times a
        # curvature, which is known at both ends
        bend = ((h_end - c_end) / c_end**3 - (h_begin - c_begin) / c_begin**3) * c**3 / length
        s = _nearest(w, s, length, bend)
        h, _, _ = _apart(w, path, s)
    if h_begin < h:
        h, s = h_begin, 0.0
    if h_end < h:
        h, s = h_end, length
    if h >= least_h:
        return out, used
    half = np.sqrt((least_h * least_h - h * h) / v2) if v2 > 0.0 else length
    begin = 0.0 if h_begin < least_h else _crossing(w, path, least_h, 0.0, s, s - half)
    end = length if h_end < least_h else _crossing(w, path, least_h, length, s, s + half)
    gap = np.nan
    if flag == FOUND:
        gap = abs(_altitude(za, i, i2, inv_a, t0 + s - ta[i]) - _altitude(zb, j, j2, inv_b, t0 + s - tb[j]))
        h_strict = h
        if strict0 > strict1:
            h_strict = np.inf
        elif t0 + s < strict0 or t0 + s > strict1:
            h_strict, _, _ = _apart(w, path, min(max(s, strict0 - t0), strict1 - t0))
        if h_strict >= D:
            flag = MARGINAL
    out = _grown(out, used)
    out[used, A] = a
    out[used, B] = b
    out[used, T0] = t0 + begin
    out[used, T1] = t0 + end
    out[used, TC] = t0 + s
    out[used, H] = h
    out[used, V] = gap
    out[used, X], out[used, Y], out[used, Z] = _value(path[0], s), _value(path[1], s), _value(path[2], s)
    out[used, ALT] = _altitude(za, i, i2, inv_a, t0 + s - ta[i])
    out[used, MARGIN] = max(h - D, gap - Hm)
    out[used, FLAG] = flag
    return out, used + 1


@inlined
def _altitude(z: Any, i: int, i2: int, inv: float, since_s: float) -> float:
    """Altitude on the leg ``i..i2``, ``since_s`` seconds after node i."""
    return z[i] + (z[i2] - z[i]) * inv * since_s


@inlined
def _while_within(gap: float, rate: float, least: float, length: float) -> tuple[float, float]:
    """When, from 0 to ``length``, ``gap + rate s`` is within ``least`` of zero.

    The end before the start: never.
    """
    if least < 0.0:
        return 1.0, 0.0
    if rate == 0.0 or length == 0.0:
        return (0.0, length) if abs(gap) <= least else (1.0, 0.0)
    one, two = (-least - gap) / rate, (least - gap) / rate
    return max(0.0, min(one, two)), min(length, max(one, two))


@inlined
def _slope(u: float, p0: float, p1: float, d0: float, d1: float) -> float:
    """Derivative of :func:`skypact.airspace.earth.hermite` by u."""
    return 6.0 * u * (1.0 - u) * (p1 - p0) + (1.0 - u) * (1.0 - 3.0 * u) * d0 + u * (3.0 * u - 2.0) * d1


@inlined
def lone(i: int, first: int, last: int, t: Any, z: Any) -> bool:
    """Whether the altitude is known at node i of a piece, but on no leg of the piece that the node is on.

    Such a node is on no leg that can be decided, and has to be asked as an instant. (A node that is on no leg
    that lasts is asked as one anyhow.)
    """
    if not np.isfinite(z[i]):
        return False
    begins, ends = i < last and t[i + 1] > t[i], i > first and t[i] > t[i - 1]
    if not (begins or (ends and i == last)):
        return False
    return not ((begins and np.isfinite(z[i + 1])) or (ends and np.isfinite(z[i - 1])))


@inlined
def undecided(out: Any, before: int, used: int) -> bool:
    """Whether a raw window from ``before`` on waits for an altitude."""
    for row in range(before, used):  # noqa: SIM110 -- kernels know no generators
        if out[row, FLAG] == ALTITUDE_UNKNOWN:
            return True
    return False


@inlined
def _end_of(i: int, first: int, last: int, t: Any) -> int:
    """The other node of what is asked at node i: of its leg; i itself for an instant; -1 for nothing."""
    if i < last and t[i + 1] > t[i]:
        return i + 1
    return -1 if i == last and i > first and t[i] > t[i - 1] else i


@inlined
def _lone_nodes(
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
    tb: Any,
    pb: Any,
    zb: Any,
    D: float,
    Hm: float,
    blur: float,
    drift: float,
    drift_m: float,
    out: Any,
    used: int,
) -> tuple[Any, int]:
    """Test every lone node of either piece, as an instant, against wherever the other thing is then."""
    for i in range(i_first, i_last + 1):
        lone_a = lone(i, i_first, i_last, ta, za)
        for j in range(j_first, j_last + 1):
            if tb[j] > ta[min(i + 1, i_last)]:
                break
            lone_b = lone(j, j_first, j_last, tb, zb)
            # a's node against b's leg, a's leg against b's node, node against node
            for which in range(3):
                if (which != 1 and not lone_a) or (which != 0 and not lone_b):
                    continue
                i2 = i if which != 1 else _end_of(i, i_first, i_last, ta)
                j2 = j if which != 0 else _end_of(j, j_first, j_last, tb)
                if i2 < 0 or j2 < 0 or tb[j] > ta[i2] or tb[j2] < ta[i]:
                    continue
                out, used = _pair_of_legs(
                    a,
                    b,
                    i,
                    i2,
                    j,
                    j2,
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
                    False,
                    drift,
                    drift_m,
                    out,
                    used,
                )
    return out, used


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
    drift: float,
    drift_m: float,
    out: Any,
    used: int,
) -> tuple[Any, int]:
    """Walk along the legs of both pieces in time, and test each pair of legs that share an instant."""
    if compare == BOTH_ELLIPSOIDAL:
        za, zb = ga, gb
    blur = geoid_bound_m if compare == BOTH_ELLIPSOIDAL else 0.0
    before = used
    for i in range(i_first, i_last + 1):
        # a leg, if it lasts; else an instant. The last node is one only where no leg that lasts leads to it
        i2 = i + 1 if i < i_last and ta[i + 1] > ta[i] else i
        if i == i_last and i > i_first and ta[i] > ta[i - 1]:
            break
        for j in range(j_first, j_last + 1):
            j2 = j + 1 if j < j_last and tb[j + 1] > tb[j] else j
            if tb[j] > ta[i2]:
                break
            if tb[j2] < ta[i] or (j == j_last and j > j_first and tb[j] > tb[j - 1]):
                continue
            out, used = _pair_of_legs(
                a,
                b,
                i,
                i2,
                j,
                j2,
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
                drift,
                drift_m,
                out,
                used,
            )
    # a leg of unknown altitude is inside where its end is: where nothing was left undecided no lone node is
    # inside, so that this costs nothing where altitudes are known
    if undecided(out, before, used):
        out, used = _lone_nodes(
            a,
            b,
            i_first,
            i_last,
            j_first,
            j_last,
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
            drift,
            drift_m,
            out,
            used,
        )
    return out, used


@kernel
def join(
    lo: int,
    hi: int,
    code_a: Any,
    walk_a: Any,
    band_a: Any,
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
    walk_b: Any,
    band_b: Any,
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
    shared: bool,
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
    drift: float,
    drift_m: float,
) -> Any:
    """All raw windows between pieces ``lo..hi`` of a (in bucket order) and the pieces of b.

    ``shared``: both are pieces of the same things, all columns alike; then a is the lower number. ``itself``:
    they are the same pieces. Every pair of pieces that passes test 1 is met once: in a join with itself a
    piece looks into its own cell, forward, and into 13 of its 26 neighbours; else into all 27
    (:func:`_columns`).
    """
    out = np.empty((1024, RAW_COLUMNS))
    used: Any = np.int64(0)  # a literal 0 would be a type of its own, and all that takes it compiled twice
    name = np.empty(18, np.int64)
    begin = np.empty(18, np.int64)
    end = np.empty(18, np.int64)
    found = np.empty(CHUNK, np.int64)
    runs = 0
    seen = code_a[lo] - 1 if hi > lo else 0
    for i in range(lo, hi):
        ki = order_a[i]
        if i == lo or code_a[i] != seen:
            seen = code_a[i]
            runs = _columns(
                slab_a[ki],
                int(np.floor(walk_a[i, CX] / cell_m)),
                int(np.floor(walk_a[i, CY] / cell_m)),
                int(np.floor(walk_a[i, CZ] / cell_m)),
                start_b,
                mask_b,
                itself,
                name,
                begin,
                end,
            )
        above, below = band_a[i, 1] + height_m, band_a[i, 0] - height_m
        for k in range(runs):
            least = name[k]
            at = begin[k]
            if itself and k == 0:  # forward; and of the own column's first cell nothing
                at, least = i + 1, least + 1
            most = name[k] + 2
            while at < end[k]:
                stop = min(at + CHUNK, end[k])
                there = _same_height(band_b, at, stop, above, below, found)
                at = stop
                for m in range(there):
                    j = found[m]
                    if not (least <= code_b[j] <= most) or not _near(walk_a, i, walk_b, j, reach_m):
                        continue
                    if _chords_far(walk_a, i, walk_b, j, reach_m):
                        continue
                    kj = order_b[j]
                    a, b = who_a[ki], who_b[kj]
                    if body_a[a] == body_b[b] or rule[klass_a[a], klass_b[b]] < 0:
                        continue
                    swap = shared and who_a[ki] > who_b[kj]
                    p, q = (kj, ki) if swap else (ki, kj)
                    a, b = who_a[p], who_b[q]
                    D = D_of[klass_a[a], klass_b[b]] + blur_ha[a] + blur_hb[b]
                    Hm = H_of[klass_a[a], klass_b[b]] + blur_va[a] + blur_vb[b]
                    slab_from = slab_a[ki] * slab_s
                    slab_to = min(slab_from + slab_s, horizon_of[klass_a[a], klass_b[b]])
                    out, used = _pair_of_pieces(
                        a,
                        b,
                        first_a[p],
                        last_a[p],
                        first_b[q],
                        last_b[q],
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
                        drift,
                        drift_m,
                        out,
                        used,
                    )
    return out[:used]


@inlined
def _after(raw: Any, r: int, s: int) -> bool:
    """Whether a raw window is of the same pair, as much decided, and begins later than another."""
    return bool(
        raw[r, T0] > raw[s, T0]
        and raw[r, A] == raw[s, A]
        and raw[r, B] == raw[s, B]
        and max(raw[r, FLAG], MARGINAL) == max(raw[s, FLAG], MARGINAL)
    )


@kernel
def merge(raw: Any, order: Any) -> Any:
    """Join raw windows of one pair that touch; ``order`` sorts them by pair and by decided or not.

    Within these they are sorted by their start here. The closest point of the joined window is the nearest of
    its parts', the earliest among equals; it is marginal only if every part is.
    """
    for position in range(1, order.shape[0]):
        r = order[position]
        at = position
        while at > 0 and _after(raw, order[at - 1], r):
            order[at] = order[at - 1]
            at -= 1
        order[at] = r
    out = np.empty((raw.shape[0], RAW_COLUMNS))
    k = -1
    for position in range(raw.shape[0]):
        r = order[position]
        same = (
            k >= 0
            and out[k, A] == raw[r, A]
            and out[k, B] == raw[r, B]
            and raw[r, T0] <= out[k, T1] + INSTANT_S
        )
        if same and (out[k, FLAG] >= ALTITUDE_UNKNOWN or raw[r, FLAG] >= ALTITUDE_UNKNOWN):
            same = out[k, FLAG] == raw[r, FLAG]
        if not same:
            k += 1
            for c in range(RAW_COLUMNS):
                out[k, c] = raw[r, c]
            continue
        out[k, T1] = max(out[k, T1], raw[r, T1])
        if raw[r, H] < out[k, H]:
            for c in (TC, H, V, X, Y, Z, ALT, MARGIN):
                out[k, c] = raw[r, c]
        out[k, FLAG] = min(out[k, FLAG], raw[r, FLAG])
    return out[: k + 1]
