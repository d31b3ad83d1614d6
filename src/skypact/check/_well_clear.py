"""Well clear: the WCV_TAUMOD definition of DO-365, for states in flat space and for live states on the earth.

Law: this file decides violation of well clear, and nothing else does. The definition is the standard's, so
its sets are closed: at a threshold is in violation, unlike minima, where at the minimum is separated. It
knows nothing of an agreement's rules and nothing of what was alerted before: M of N, hysteresis and early
alerting need a memory, and belong to the watch.

The definition. With s and v the intruder's relative position and velocity, h for horizontal and z for
vertical, a pair violates the volume (DTHR, ZTHR, TTHR, TCOA) at an instant when both hold:

* horizontally: ``|s_h| <= DTHR``, or the two converge, ``tau_mod = (DTHR^2 - |s_h|^2) / (s_h . v_h) <=
  TTHR``, and the distance at their closest approach is at most DTHR;
* vertically: ``|s_z| <= ZTHR``, or they converge and reach the same altitude within TCOA.

How it works. Count time from the closest approach, where the distance is d. Then ``|s_h|^2 = d^2 + (v t)^2``
and ``s_h . v_h = v^2 t``, and ``tau_mod <= TTHR`` is a quadratic in t alone. So for ``d <= DTHR`` the
instants of horizontal violation are one interval about the closest approach::

    [ -TTHR/2 - sqrt(TTHR^2/4 + k),  sqrt(k) ]      with k = (DTHR^2 - d^2) / v^2

in which no difference of large numbers occurs. The vertical ones are an interval too, and a violation is
where both overlap.

On the earth a pair is judged in its own flat frame (``airspace/cartesian.py``), made at its closest approach
within the look-ahead, where it matters most and bends least. What the frame may be off there is added to the
thresholds (:func:`_widened`); a verdict that owes itself to it is marked. Pairs are found by a grid over
balls that hold all of a thing's future (:func:`_pairs`).

Known limits: sensor uncertainty by z-scores (the SUM variant) is not covered. Relative speeds below a
nanometre a second are none.

Sources: Munoz, Narkawicz, Chamberlain, Consiglio, Upchurch, *A Family of Well-Clear Boundary Models for the
Integration of UAS in the NAS*, AIAA 2014-2412; RTCA DO-365B, its parameters as published in the
configurations of NASA's DAIDALUS 2.0.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import earth, jit
from skypact.airspace.cartesian import bending, relative
from skypact.airspace.earth import R_MIN_M
from skypact.airspace.jit import inlined, kernel
from skypact.airspace.labels import Labels
from skypact.check import _sweep as sweep
from skypact.check.findings import Reason, Unchecked
from skypact.errors import InputError, UsageError
from skypact.instants import format_instant
from skypact.units import FT_M, NM_M

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

    from skypact.airspace.moving import States

LOOKAHEAD_S: Final = 180.0
"""How far ahead a violation is looked for unless the caller says otherwise: DAIDALUS's ``lookahead_time``."""
LOOKAHEAD_LIMIT_S: Final = 3600.0
"""A straight line is no prediction beyond an hour: longer look-aheads, and older states, are refused."""
_TIME_LIMIT_S: Final = 600.0
_LENGTH_LIMIT_M: Final = 100_000.0

NOT_KNOWN: Final = -1
"""The alert level of a pair whose altitudes cannot be compared."""


# -- the parameters ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One well-clear volume: DTHR, ZTHR in metres; TTHR (on modified tau), TCOA (to co-altitude) in s."""

    dthr_m: float
    zthr_m: float
    tthr_s: float
    tcoa_s: float

    def __post_init__(self) -> None:
        for name, value, least, limit in (
            ("dthr_m", self.dthr_m, 0.01, _LENGTH_LIMIT_M),
            ("zthr_m", self.zthr_m, 0.01, _LENGTH_LIMIT_M),
            ("tthr_s", self.tthr_s, 0.0, _TIME_LIMIT_S),
            ("tcoa_s", self.tcoa_s, 0.0, _TIME_LIMIT_S),
        ):
            if not (math.isfinite(value) and least <= value <= limit):
                raise InputError(
                    "not a well-clear threshold", where=name, found=value, expected=f"{least:g} to {limit:g}"
                )


@dataclass(frozen=True, slots=True)
class AlertLevel:
    """One alert: its word, the volume it guards, and how long before a violation of it it is given."""

    word: str
    volume: Thresholds
    alerting_time_s: float


@dataclass(frozen=True, slots=True)
class WellClear:
    """A set of parameters: the well-clear volume, and alerts, if any, from the least to the most severe."""

    name: str
    volume: Thresholds
    levels: tuple[AlertLevel, ...] = ()
    source: str = ""


_WORDS = ("preventive", "corrective", "warning")
_365B = "RTCA DO-365B, as in DO_365B_no_SUM.conf of NASA DAIDALUS 2.0.4"
_228 = "RTCA SC-228 with buffers, as in Buffered_DWC_SC_228_nom_a.conf of NASA DAIDALUS 2.0.4"

# fmt: off
_TABLE: Final = (
    # name, source, alerter: DTHR in metres, TTHR and TCOA in seconds; by level, ZTHR in feet and alerting
    # time in seconds
    ("DO-365B Phase I", _365B, "DWC_Phase_I",
     0.66 * NM_M, 35.0, 0.0, (700.0, 450.0, 450.0), (55.0, 55.0, 25.0)),
    ("DO-365B Phase II", _365B, "DWC_Phase_II",
     1500.0 * FT_M, 0.0, 0.0, (450.0, 450.0, 450.0), (45.0, 45.0, 45.0)),
    ("DO-365B non-cooperative", _365B, "DWC_Non_Coop",
     2200.0 * FT_M, 0.0, 0.0, (450.0, 450.0, 450.0), (55.0, 55.0, 25.0)),
    ("DO-365 Phase I buffered", _228, "Buffered_DWC_Phase_I",
     1.0 * NM_M, 35.0, 20.0, (750.0, 450.0, 450.0), (60.0, 60.0, 30.0)),
)
# fmt: on


def _from_table(
    name: str,
    source: str,
    alerter: str,
    dthr_m: float,
    tthr_s: float,
    tcoa_s: float,
    zthr_ft: tuple[float, ...],
    alerting_s: tuple[float, ...],
) -> WellClear:
    levels = tuple(
        AlertLevel(word, Thresholds(dthr_m, ft * FT_M, tthr_s, tcoa_s), time_s)
        for word, ft, time_s in zip(_WORDS, zthr_ft, alerting_s, strict=True)
    )
    return WellClear(name, levels[-1].volume, levels, f"{source}, alerter {alerter}")


WELL_CLEAR_SETS: Final[Mapping[str, WellClear]] = MappingProxyType(
    {row[0]: _from_table(*row) for row in _TABLE}
)
"""The parameter sets of DAIDALUS's published configurations, by name; well clear is the last alert's."""
DEFAULT_SET: Final = "DO-365B Phase I"


def _parameters(given: WellClear | Thresholds | str) -> WellClear:
    if isinstance(given, WellClear):
        return given
    if isinstance(given, Thresholds):
        return WellClear("thresholds given", given)
    found = WELL_CLEAR_SETS.get(given)
    if found is None:
        raise UsageError(f"no well-clear parameters {given[:60]!r}; known: {', '.join(WELL_CLEAR_SETS)}")
    return found


def _lookahead(lookahead_s: float) -> float:
    if not (math.isfinite(lookahead_s) and 0.0 <= lookahead_s <= LOOKAHEAD_LIMIT_S):
        raise UsageError(f"a look-ahead is 0 to {LOOKAHEAD_LIMIT_S:g} s; found {lookahead_s}")
    return float(lookahead_s)


# -- the definition, in flat space ------------------------------------------------------------------------

_STILL2: Final = 1e-18
"""Square of the relative speed under which two things are still: a nanometre a second."""
_LEVEL: Final = 1e-12
"""Relative vertical rates below this are none: a tenth of a micrometre a day."""


@inlined
def _horizontal(
    s2: float, sv: float, v2: float, cross: float, disc2: float, tau2: float, half: float
) -> tuple[float, float, float, float]:
    """The interval of horizontal violation, the time to closest approach, the square of the distance then.

    ``s2, sv, v2`` are s.s, s.v, v.v and ``cross`` is s x v, all horizontal; ``half`` is TTHR/2. DTHR is used
    twice, as the radius of the disc that is never entered and in modified tau, and comes twice, squared:
    ``disc2 <= tau2``. No violation is inf to -inf.
    """
    moving = v2 > _STILL2
    inv = 1.0 / (v2 if moving else 1.0)
    tcpa = -sv * inv if moving else 0.0
    d2 = cross * cross * inv if moving else s2
    near = max(0.0, (disc2 - d2) * inv)
    far = max(0.0, (tau2 - d2) * inv)
    start = tcpa - half - np.sqrt(half * half + far) if moving else -np.inf
    end = tcpa + np.sqrt(near) if moving else np.inf
    # inside the disc now is a violation now, whatever the rounding above
    inside = s2 <= disc2
    start = 0.0 if inside & (start > 0.0) else start
    end = 0.0 if inside & (end < 0.0) else end
    never = (d2 > disc2) & (s2 > disc2)
    return np.inf if never else start, -np.inf if never else end, tcpa, d2


@inlined
def _vertical(sz: float, vz: float, zthr: float, tcoa: float, pad: float) -> tuple[float, float]:
    """The interval of vertical violation; ``pad`` widens the thresholds. None is inf to -inf."""
    rate = vz if vz > 0.0 else -vz
    height = sz if vz > 0.0 else -sz  # so that it grows: closing while negative
    moving = rate > _LEVEL
    inv = 1.0 / (rate if moving else 1.0)
    reach = max(zthr, rate * tcoa)
    start = (-reach - pad - height) * inv
    end = (zthr + pad - height) * inv
    inside = (sz <= zthr + pad) & (sz >= -zthr - pad)
    start = start if moving else -np.inf
    end = end if moving else np.inf
    never = (not moving) & (not inside)
    return np.inf if never else start, -np.inf if never else end


# columns of a block: three of position, three of velocity; and what comes out
_BLOCK: Final = 512
IN, OUT, TCPA, DCPA, TAU, RANGE = range(6)


@kernel
def _block(x: Any, y: Any, dthr: float, zthr: float, tthr: float, tcoa: float, last_s: float) -> None:
    """The definition on :data:`_BLOCK` pairs without a branch, so that an instruction serves four pairs.

    Columns lie at fixed distances in one array, which is what lets the compiler see that they do not overlap.
    """
    d2, half = dthr * dthr, 0.5 * tthr
    for i in range(_BLOCK):
        sx, sy, sz = x[i], x[_BLOCK + i], x[2 * _BLOCK + i]
        vx, vy, vz = x[3 * _BLOCK + i], x[4 * _BLOCK + i], x[5 * _BLOCK + i]
        s2, sv, v2 = sx * sx + sy * sy, sx * vx + sy * vy, vx * vx + vy * vy
        start, end, tcpa, _ = _horizontal(s2, sv, v2, sx * vy - sy * vx, d2, d2, half)
        above, below = _vertical(sz, vz, zthr, tcoa, 0.0)
        start, end = max(start, above, 0.0), min(end, below, last_s)
        unknown = (s2 + v2 + sz + vz) * 0.0  # zero, or NaN where anything is not a number
        none = start > end
        y[i] = (np.inf if none else start) + unknown
        y[_BLOCK + i] = (-np.inf if none else end) + unknown
        ahead = max(0.0, tcpa)
        y[2 * _BLOCK + i] = ahead + unknown
        cx, cy = sx + ahead * vx, sy + ahead * vy
        y[3 * _BLOCK + i] = np.sqrt(cx * cx + cy * cy)
        converging = (sv < 0.0) & (s2 > d2)
        tau = (d2 - s2) / (sv if converging else 1.0)
        y[4 * _BLOCK + i] = tau if converging else np.nan
        y[5 * _BLOCK + i] = np.sqrt(s2)


@kernel
def _flat(
    s: Any,
    v: Any,
    dthr: float,
    zthr: float,
    tthr: float,
    tcoa: float,
    last_s: float,
    out: Any,
    lo: int,
    hi: int,
) -> None:
    """Pairs ``lo..hi``, block by block."""
    x, y = np.zeros(6 * _BLOCK), np.empty(6 * _BLOCK)
    for first in range(lo, hi, _BLOCK):
        last = min(first + _BLOCK, hi)
        ours, theirs = s[first:last], v[first:last]
        for i in range(last - first):
            x[i], x[_BLOCK + i], x[2 * _BLOCK + i] = ours[i, 0], ours[i, 1], ours[i, 2]
            x[3 * _BLOCK + i], x[4 * _BLOCK + i], x[5 * _BLOCK + i] = theirs[i, 0], theirs[i, 1], theirs[i, 2]
        _block(x, y, dthr, zthr, tthr, tcoa, last_s)
        for c in range(6):
            column = out[c, first:last]
            for i in range(last - first):
                column[i] = y[c * _BLOCK + i]


@dataclass(frozen=True, slots=True, eq=False)
class FlatWindows:
    """What :func:`well_clear_flat` answers for n pairs: columns of shape (n,), times in seconds from now.

    Attributes
    ----------
    in_s, out_s
        First and last instant of violation within the look-ahead; inf and -inf where there is none, NaN where
        a number given was none: an unknown position gives an unknown answer.
    tcpa_s, dcpa_m
        Time to the closest horizontal approach, zero once it is past, and the horizontal distance then.
    tau_mod_s
        Modified tau now; NaN unless the pair converges from outside DTHR.
    horizontal_m
        The horizontal distance now.
    """

    in_s: NDArray[np.float64]
    out_s: NDArray[np.float64]
    tcpa_s: NDArray[np.float64]
    dcpa_m: NDArray[np.float64]
    tau_mod_s: NDArray[np.float64]
    horizontal_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.in_s)


def well_clear_flat(
    position_m: ArrayLike,
    velocity_m_s: ArrayLike,
    *,
    volume: Thresholds | WellClear | str = DEFAULT_SET,
    lookahead_s: float = LOOKAHEAD_S,
) -> FlatWindows:
    """Violations of one well-clear volume in flat space: WCV_TAUMOD for n pairs.

    Parameters
    ----------
    position_m, velocity_m_s
        One thing's state relative to the other's, in any local Cartesian frame with z up: shape (n, 3),
        metres and m/s. Which of the two is taken from which does not matter.
    volume
        The thresholds; of a parameter set, or its name, the well-clear volume.
    lookahead_s
        Up to when violations are looked for.

    Raises
    ------
    InputError
        The arrays are not (n, 3).
    UsageError
        The parameter set is not known, or the look-ahead is not one.
    """
    thresholds = _parameters(volume).volume
    last_s = _lookahead(lookahead_s)
    s, v = (np.ascontiguousarray(values, dtype=np.float64) for values in (position_m, velocity_m_s))
    if s.ndim != 2 or s.shape[1] != 3 or s.shape != v.shape:
        raise InputError(
            "a position and a velocity of three numbers a pair are needed",
            where="position_m, velocity_m_s",
            found=f"shapes {s.shape} and {v.shape}",
            expected="(n, 3) twice",
        )
    n = s.shape[0]
    out = np.empty((6, n))
    t = thresholds
    jit.spread(
        lambda lo, hi: _flat(s, v, t.dthr_m, t.zthr_m, t.tthr_s, t.tcoa_s, last_s, out, lo, hi),
        n,
        least=20_000,
    )
    return FlatWindows(*out)


# -- the definition, on the earth -------------------------------------------------------------------------

ROUNDING_M: Final = 1e-6
"""Heights this near a threshold are at it: 33,450 ft less 33,000 ft is 450 ft, but not in binary metres."""

# columns of a state: at the middle of the look-ahead, what does not change, and now
MX, MY, MZ, MU, MV, MW, NX, NY, NZ, MID_ALT, CLIMB, SPEED, BLUR_H, BLUR_V, PX, PY, PZ, U, V, W, ALT = range(
    21
)
STATE_COLUMNS: Final = 21
# columns of a ball
BX, BY, BZ, BALL, BAND_MID, BAND = range(6)
BALL_COLUMNS: Final = 6
# columns of a decided pair, and after them those of each volume: the first instant of violation were the
# frame exact; the first and the last with its bound
FLAG, CPA_S, CPA_M, TAU_S, NOW_M, GAP, CLOSURE, AT, AT_M, AT_GAP, MARGIN = range(11)
PAIR_COLUMNS: Final = 11
EXACT_IN, BOUND_IN, BOUND_OUT = range(3)
VOLUME_COLUMNS: Final = 3

DECIDED: Final = 0.0
ALTITUDE_UNKNOWN: Final = 1.0
ALTITUDE_INCOMPARABLE: Final = 2.0


@kernel
def _lay(given: Any, half_s: float, out: Any, lo: int, hi: int) -> None:
    """Lay states ``lo..hi`` out: moved along their geodesics to now, and to the middle of the look-ahead."""
    for i in range(lo, hi):
        lat, lng, speed, track = given[i, 0], given[i, 1], given[i, 3], given[i, 4]
        climb, age = given[i, 5], given[i, 8]
        east_x, east_y, north_x, north_y, north_z = earth.east_north(lat, lng)
        s, c = np.sin(track), np.cos(track)
        x, y, z = earth.surface_of(lat, lng)
        u = speed * (s * east_x + c * north_x)
        v = speed * (s * east_y + c * north_y)
        w = speed * c * north_z
        x, y, z, u, v, w = earth.advance(x, y, z, u, v, w, age)
        out[i, PX], out[i, PY], out[i, PZ], out[i, U], out[i, V], out[i, W] = x, y, z, u, v, w
        out[i, ALT] = given[i, 2] + climb * age
        x, y, z, u, v, w = earth.advance(x, y, z, u, v, w, half_s)
        out[i, MX], out[i, MY], out[i, MZ], out[i, MU], out[i, MV], out[i, MW] = x, y, z, u, v, w
        out[i, NX], out[i, NY], out[i, NZ] = earth.normal_of(x, y, z)
        out[i, MID_ALT] = out[i, ALT] + climb * half_s
        out[i, CLIMB] = climb
        out[i, SPEED] = speed
        out[i, BLUR_H] = given[i, 6]
        out[i, BLUR_V] = given[i, 7]


@inlined
def _widened(dthr: float, tthr: float, w: float, off_m: float, off_m_s: float) -> tuple[float, float]:
    """DTHR squared, as the disc's radius and in modified tau, widened so that no violation is missed.

    ``w`` is the relative speed; ``off_m`` and ``off_m_s``, here p and q, bound the errors of the relative
    position and velocity. In a violation the two are at most ``reach = DTHR + TTHR w`` apart, since ``s.s <=
    DTHR^2 - TTHR s.v``. So ``s.s + TTHR s.v`` is off by at most ``2 reach p + p^2 + TTHR (w p + reach q)``.

    The distance d at the closest approach, t later, is off by at most ``p + q t``, and ``t <= TTHR +
    sqrt(DTHR^2 - d^2) / w``: it exceeds DTHR by at most ``p + q TTHR + DTHR (q / w)^2 / 2``. Where that says
    little, w being hardly more than q, the disc of radius ``reach + p`` holds them already.
    """
    swerve = tthr * (w + off_m_s)
    if w > 2.0 * off_m_s:
        turn = off_m_s / (w - off_m_s)
        swerve = min(swerve, tthr * off_m_s + 0.5 * dthr * turn * turn)
    w += off_m_s
    reach = dthr + tthr * w
    disc = dthr + off_m + swerve
    tau2 = dthr * dthr + off_m * (2.0 * reach + off_m) + tthr * (w * off_m + reach * off_m_s)
    return disc * disc, max(tau2, disc * disc)


@inlined
def _may_violate(state: Any, i: int, j: int, half_s: float, widest: Any, same_altitude: bool) -> bool:
    """Whether a pair might violate the widest volume: in the plane halfway between, with a generous bound."""
    dx, dy, dz = state[j, MX] - state[i, MX], state[j, MY] - state[i, MY], state[j, MZ] - state[i, MZ]
    u, v, w = state[j, MU] - state[i, MU], state[j, MV] - state[i, MV], state[j, MW] - state[i, MW]
    nx, ny, nz = state[i, NX] + state[j, NX], state[i, NY] + state[j, NY], state[i, NZ] + state[j, NZ]
    n2 = nx * nx + ny * ny + nz * nz
    if n2 < 3.0:  # more than a sixth of the globe apart: no plane is near both
        return True
    sn, vn = dx * nx + dy * ny + dz * nz, u * nx + v * ny + w * nz
    s2 = max(dx * dx + dy * dy + dz * dz - sn * sn / n2, 0.0)
    v2 = max(u * u + v * v + w * w - vn * vn / n2, 0.0)
    sv = dx * u + dy * v + dz * w - sn * vn / n2
    r, rate = np.sqrt(s2), np.sqrt(v2)
    dthr, zthr, tthr, tcoa = widest[0], widest[1], widest[2], widest[3]
    speed = max(state[i, SPEED], state[j, SPEED])
    blur = state[i, BLUR_H] + state[j, BLUR_H]
    off_m, off_m_s = bending(speed, r + dthr + tthr * rate + blur, half_s)
    # the plane is not the pair's own frame: lengths fall short by r^3 / 12 R^2, velocities by (r / 2 R)^2 / 2
    q = r / R_MIN_M
    tilt = speed * q * q
    disc2, tau2 = _widened(dthr, tthr, rate, off_m + blur + 0.125 * q * q * r + tilt * half_s, off_m_s + tilt)
    cross = np.sqrt(max(s2 * v2 - sv * sv, 0.0))
    start, end, _, _ = _horizontal(s2, sv, v2, cross, disc2, tau2, 0.5 * tthr)
    start, end = max(start, -half_s), min(end, half_s)
    if same_altitude:
        gap, climb = state[j, MID_ALT] - state[i, MID_ALT], state[j, CLIMB] - state[i, CLIMB]
        above, below = _vertical(gap, climb, zthr, tcoa, state[i, BLUR_V] + state[j, BLUR_V] + ROUNDING_M)
        start, end = max(start, above), min(end, below)
    return start <= end + 1e-6


@inlined
def _cell(level: int, cx: int, cy: int, cz: int) -> int:
    """A 64-bit name of a tier's cell. Two cells of one name would cost time, never a pair."""
    low = 0x7FFFFFFFFFFFFFFF
    h = (
        level * -7046029254386353131
        + cx * -4417276706812531889
        + cy * 1609587929392839161
        + cz * 8796714831421723037
    ) & low
    h = ((h ^ (h >> 29)) * -4658895280553007687) & low
    return h ^ (h >> 32)


@kernel
def _name_cells(ball: Any, tier: Any, code: Any, lo: int, hi: int) -> None:
    """Name the cell of balls ``lo..hi``."""
    for i in range(lo, hi):
        cell = 2.0 ** (tier[i] + 1)
        code[i] = _cell(
            int(tier[i]),
            int(np.floor(ball[i, BX] / cell)),
            int(np.floor(ball[i, BY] / cell)),
            int(np.floor(ball[i, BZ] / cell)),
        )


@inlined
def _doubled(rows: Any) -> Any:
    """``rows`` with room for as many again; element by element, as a slice would compile for seconds."""
    out = np.empty((2 * rows.shape[0], 2), np.int64)
    for k in range(rows.shape[0]):
        out[k, 0], out[k, 1] = rows[k, 0], rows[k, 1]
    return out


@kernel
def _pairs(
    state: Any,
    reference: Any,
    body: Any,
    side: Any,
    two_sided: bool,
    order: Any,
    ball: Any,
    tier: Any,
    code: Any,
    start: Any,
    mask: int,
    tiers: Any,
    half_s: float,
    widest: Any,
    lo: int,
    hi: int,
) -> Any:
    """Pairs that might violate, of things ``lo..hi`` in the grid's order with all: (k, 2), lesser first.

    A ball stands in the grid of its tier, whose cells are as wide as two of the tier's widest balls. It looks
    into the 27 cells about its centre in each wider tier, and in its own tier only forward: so each pair is
    met once, and slow things do not meet one another in the wide cells of fast ones.
    """
    out = np.empty((1024, 2), np.int64)
    used = 0
    for p in range(lo, hi):
        i = order[p]
        for k in range(tiers.shape[0]):
            level = int(tiers[k])
            if level < tier[p]:
                continue
            own = level == tier[p]
            cell = 2.0 ** (level + 1)
            cx, cy, cz = (
                int(np.floor(ball[p, BX] / cell)),
                int(np.floor(ball[p, BY] / cell)),
                int(np.floor(ball[p, BZ] / cell)),
            )
            for neighbour in range(13 if own else 0, 27):
                name = _cell(
                    level, cx + neighbour // 9 - 1, cy + neighbour // 3 % 3 - 1, cz + neighbour % 3 - 1
                )
                bucket = name & mask
                for q in range(start[bucket], start[bucket + 1]):
                    if code[q] != name or (own and neighbour == 13 and q <= p):
                        continue
                    dx, dy, dz = (
                        ball[q, BX] - ball[p, BX],
                        ball[q, BY] - ball[p, BY],
                        ball[q, BZ] - ball[p, BZ],
                    )
                    reach = ball[p, BALL] + ball[q, BALL]
                    if dx * dx + dy * dy + dz * dz > reach * reach:
                        continue
                    j = order[q]
                    same = reference[i] == reference[j]
                    gap = ball[q, BAND_MID] - ball[p, BAND_MID]
                    if same and abs(gap) > ball[p, BAND] + ball[q, BAND]:  # NaN, not known, is never beyond
                        continue
                    if body[i] == body[j] or (two_sided and side[i] == side[j]):
                        continue
                    if not _may_violate(state, i, j, half_s, widest, same and np.isfinite(gap)):
                        continue
                    if used == out.shape[0]:
                        out = _doubled(out)
                    out[used, 0], out[used, 1] = min(i, j), max(i, j)
                    used += 1
    return out[:used]


@kernel
def _decide(
    pair: Any, state: Any, reference: Any, volumes: Any, last_s: float, out: Any, lo: int, hi: int
) -> None:
    """Judge pairs ``lo..hi``, each in the frame of its closest approach within the look-ahead, from now."""
    for k in range(lo, hi):
        i, j = pair[k, 0], pair[k, 1]
        ax, ay, az = state[i, PX], state[i, PY], state[i, PZ]
        au, av, aw = state[i, U], state[i, V], state[i, W]
        bx, by, bz = state[j, PX], state[j, PY], state[j, PZ]
        bu, bv, bw = state[j, U], state[j, V], state[j, W]
        now_m, along, across = relative(ax, ay, az, au, av, aw, bx, by, bz, bu, bv, bw)
        dthr = volumes[0, 0]
        out[k, NOW_M] = now_m
        out[k, CLOSURE] = -along
        out[k, TAU_S] = np.nan
        if along < 0.0 and now_m > dthr:
            out[k, TAU_S] = (dthr * dthr - now_m * now_m) / (now_m * along)

        # the frame: made at the closest approach, as the frame of now sees it
        r, at = now_m, 0.0
        v2 = along * along + across * across
        if v2 > _STILL2:
            at = min(max(-now_m * along / v2, 0.0), last_s)
        if at > 0.0:
            ax, ay, az, au, av, aw = earth.advance(ax, ay, az, au, av, aw, at)
            bx, by, bz, bu, bv, bw = earth.advance(bx, by, bz, bu, bv, bw, at)
            r, along, across = relative(ax, ay, az, au, av, aw, bx, by, bz, bu, bv, bw)
            v2 = along * along + across * across
        w = np.sqrt(v2)
        moving = v2 > _STILL2
        tcpa = at - r * along / v2 if moving else at
        dcpa = r * abs(across) / w if moving else r
        out[k, CPA_S] = max(tcpa, 0.0)
        out[k, CPA_M] = dcpa if tcpa > 0.0 else now_m

        flag = DECIDED
        gap, climb = state[j, ALT] - state[i, ALT], state[j, CLIMB] - state[i, CLIMB]
        if reference[i] != reference[j]:
            flag, gap = ALTITUDE_INCOMPARABLE, np.nan
        elif not np.isfinite(gap):
            flag, gap = ALTITUDE_UNKNOWN, np.nan
        out[k, FLAG] = flag
        out[k, GAP] = abs(gap)
        pad = state[i, BLUR_V] + state[j, BLUR_V] + ROUNDING_M
        blur = state[i, BLUR_H] + state[j, BLUR_H]
        speed = max(state[i, SPEED], state[j, SPEED])

        # how far the frame may be off: first over the whole look-ahead, then over what a violation leaves of
        # it
        after = max(at, last_s - at)
        first = last = 0.0
        for narrowed in range(2):
            first, last = np.inf, -np.inf
            for n in range(volumes.shape[0]):
                column = PAIR_COLUMNS + VOLUME_COLUMNS * n
                dthr, zthr, tthr, tcoa = volumes[n, 0], volumes[n, 1], volumes[n, 2], volumes[n, 3]
                above, below = -np.inf, np.inf
                if flag == DECIDED:
                    above, below = _vertical(gap, climb, zthr, tcoa, pad)
                off_m, off_m_s = bending(speed, max(r, dthr + tthr * w + blur), after)
                out[k, column + EXACT_IN] = np.inf
                for bound in range(1 - narrowed, 2):
                    disc2, tau2 = _widened(dthr, tthr, w, blur + bound * off_m, bound * off_m_s)
                    start, end, _, _ = _horizontal(r * r, r * along, v2, r * across, disc2, tau2, 0.5 * tthr)
                    start, end = max(at + start, 0.0, above), min(at + end, last_s, below)
                    if start > end:
                        start, end = np.inf, -np.inf
                    if bound == 0:
                        out[k, column + EXACT_IN] = start
                    else:
                        out[k, column + BOUND_IN], out[k, column + BOUND_OUT] = start, end
                        first, last = min(first, start), max(last, end)
            if first > last:
                break
            after = max(abs(first - at), abs(last - at))

        # the closest point of the window: the well-clear volume's, else that of the alerts', else the
        # look-ahead
        found = first <= last
        if out[k, PAIR_COLUMNS + BOUND_IN] <= out[k, PAIR_COLUMNS + BOUND_OUT]:
            first, last = out[k, PAIR_COLUMNS + BOUND_IN], out[k, PAIR_COLUMNS + BOUND_OUT]
        elif not found:
            first, last = 0.0, last_s
        t = min(max(tcpa, first), last)
        x, y = r + along * (t - at), across * (t - at)
        out[k, AT] = t
        out[k, AT_M] = np.sqrt(x * x + y * y)
        out[k, AT_GAP] = abs(gap + climb * t)
        out[k, MARGIN] = np.nan
        if found and flag == DECIDED:
            t = max(tcpa, first)
            x, y = r + along * (t - at), across * (t - at)
            one, two = gap + climb * first, gap + climb * last
            least = 0.0 if one * two < 0.0 else min(abs(one), abs(two))
            out[k, MARGIN] = max(
                np.sqrt(x * x + y * y) - volumes[0, 0], least - max(volumes[0, 1], abs(climb) * volumes[0, 3])
            )


@kernel
def _places(who: Any, after_s: Any, state: Any, lat_deg: Any, lng_deg: Any, altitude_m: Any) -> None:
    """Where states are, some seconds from now."""
    for k in range(who.shape[0]):
        i = who[k]
        x, y, z, _, _, _ = earth.advance(
            state[i, PX], state[i, PY], state[i, PZ], state[i, U], state[i, V], state[i, W], after_s[k]
        )
        lat_deg[k], lng_deg[k] = earth.lat_lng_of(x, y, z)
        altitude_m[k] = state[i, ALT] + state[i, CLIMB] * after_s[k]


# -- the answer -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WellClearPair:
    """One row of :class:`WellClearTable`: a view, in the units of the columns."""

    a: int
    b: int
    level: int
    word: str
    time_in_s: float
    time_out_s: float
    tcpa_s: float
    dcpa_m: float
    tau_mod_s: float
    horizontal_m: float
    vertical_m: float
    closure_m_s: float
    margin_m: float
    marginal: bool


@dataclass(frozen=True, slots=True, eq=False)
class WellClearTable:
    """k pairs in columns, each of shape (k,); times are seconds from ``now_us``.

    Without ``pairs`` in the question, the rows are the pairs that violate any volume of the parameters within
    the look-ahead, ordered by the first instant they do, then ``a``, then ``b``. With ``pairs``, there is one
    row for each, in that order. That a pair has no row, or no window, is no clearance: :attr:`unchecked` and
    :attr:`assumptions` belong to the answer.

    Attributes
    ----------
    labels_a, labels_b
        Whom ``a`` and ``b`` number; the same object when a set was checked against itself.
    a, b
        Positions in the labels, int64. In a self-check without ``pairs``, ``a < b``.
    level
        The most severe alert whose volume is violated within its alerting time, int8: 0 is none, 1 the first
        of the parameters; :data:`NOT_KNOWN` where altitudes cannot be compared. It has no memory: hysteresis
        and M of N are for the watch.
    time_in_s, time_out_s
        First and last instant within the look-ahead at which the well-clear volume is violated; NaN where it
        never is.
    level_in_s, level_out_s
        The same for each alert's volume, shape (k, levels).
    tcpa_s, dcpa_m
        Time to the closest horizontal approach, 0 once it is past; the horizontal distance then.
    tau_mod_s
        Modified tau now; NaN unless the pair converges from outside DTHR.
    horizontal_m, vertical_m, closure_m_s
        The distances now, and the rate at which the horizontal one falls. Geodesic metres on WGS 84; vertical
        metres in the common reference, NaN where there is none.
    closest_s, closest_horizontal_m, closest_vertical_m
        Within the window of violation, the instant of the least horizontal distance, and the distances then.
        The window is the well-clear volume's, else that of the alerts; the whole look-ahead for a pair that
        has none.
    lat_deg, lng_deg, altitude_m
        Where ``a`` is at ``closest_s``.
    margin_m
        The larger of ``distance at closest approach - DTHR`` and ``least vertical distance in the window -
        vertical threshold``, of the well-clear volume: below zero, by as much as the pair would have to be
        moved apart. NaN without a window.
    marginal
        The verdict (found, violated now, level) owes itself to the frame's error bound.
    parameters
        What was asked.
    unchecked
        Pairs that violate horizontally, but whose altitudes are not known or cannot be compared.
    assumptions
        Under what this answer holds: name to text, for people.
    lookahead_s, now_us
        Up to when was looked, and the instant it was looked from.
    """

    labels_a: Labels
    labels_b: Labels
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    level: NDArray[np.int8]
    time_in_s: NDArray[np.float64]
    time_out_s: NDArray[np.float64]
    level_in_s: NDArray[np.float64]
    level_out_s: NDArray[np.float64]
    tcpa_s: NDArray[np.float64]
    dcpa_m: NDArray[np.float64]
    tau_mod_s: NDArray[np.float64]
    horizontal_m: NDArray[np.float64]
    vertical_m: NDArray[np.float64]
    closure_m_s: NDArray[np.float64]
    closest_s: NDArray[np.float64]
    closest_horizontal_m: NDArray[np.float64]
    closest_vertical_m: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    lng_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    margin_m: NDArray[np.float64]
    marginal: NDArray[np.bool_]
    parameters: WellClear
    unchecked: Unchecked
    assumptions: Mapping[str, str]
    lookahead_s: float
    now_us: int

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, row: int) -> WellClearPair:
        """One row as a :class:`WellClearPair`."""
        row = range(len(self))[row]
        level = int(self.level[row])
        return WellClearPair(
            int(self.a[row]),
            int(self.b[row]),
            level,
            self.word_of(level),
            float(self.time_in_s[row]),
            float(self.time_out_s[row]),
            float(self.tcpa_s[row]),
            float(self.dcpa_m[row]),
            float(self.tau_mod_s[row]),
            float(self.horizontal_m[row]),
            float(self.vertical_m[row]),
            float(self.closure_m_s[row]),
            float(self.margin_m[row]),
            bool(self.marginal[row]),
        )

    def __iter__(self) -> Iterator[WellClearPair]:
        return (self[row] for row in range(len(self)))

    def word_of(self, level: int) -> str:
        """The word of an alert level: that of the parameters, ``none`` or ``not known``."""
        if level == NOT_KNOWN:
            return "not known"
        return self.parameters.levels[level - 1].word if level else "none"

    @property
    def violated(self) -> NDArray[np.bool_]:
        """Whether the well-clear volume is violated now, shape (k,)."""
        return self.time_in_s <= 0.0


def well_clear(
    states: States,
    others: States | None = None,
    *,
    parameters: WellClear | Thresholds | str = DEFAULT_SET,
    lookahead_s: float = LOOKAHEAD_S,
    now_us: int | None = None,
    pairs: tuple[ArrayLike, ArrayLike] | None = None,
) -> WellClearTable:
    """Predict violations of well clear between live states, and the alerts they call for (DO-365).

    Each thing is moved from its own instant along the geodesic of its track at constant ground speed and
    climb. Uncertainties of the states are bounds on positions: they widen the volumes so that no true
    violation within them is missed.

    Parameters
    ----------
    states
        The states; each against each other, or against ``others`` where given.
    others
        A second set; then only pairs of one from each are checked.
    parameters
        A set of :data:`WELL_CLEAR_SETS` by name, one of your own, or bare thresholds without alerts.
    lookahead_s
        Up to when violations are looked for, at most an hour.
    now_us
        The instant to predict from, microseconds since 1970 UTC; by default the latest instant of any state.
    pairs
        Rows of ``states`` and rows of ``others`` (or ``states``): judge these pairs and no others, one row of
        the answer each.

    Raises
    ------
    ModeError
        The two sets are of different data modes.
    UsageError
        The parameter set is not known, or the look-ahead is not one.
    InputError
        A state is more than an hour from ``now_us``; ``pairs`` are not rows, are not as many on both sides,
        or pair an aircraft with itself.
    """
    chosen = _parameters(parameters)
    last_s = _lookahead(lookahead_s)
    sets = [states] if others is None else [states, others]
    labels = states.labels if others is None else Labels.concat([s.labels for s in sets])
    now = int(max([s.time_us.max() for s in sets if len(s)], default=0)) if now_us is None else now_us
    distinct = list(dict.fromkeys([chosen.volume, *(level.volume for level in chosen.levels)]))
    volumes = np.array([(t.dthr_m, t.zthr_m, t.tthr_s, t.tcoa_s) for t in distinct])

    state = _columns(sets, now, 0.5 * last_s)
    reference = np.concatenate([s.reference for s in sets])
    split = 0 if others is None else len(states)
    pair = _found(state, reference, labels, split, volumes, 0.5 * last_s) if pairs is None else None
    if pair is None:
        pair = _asked(pairs, labels, len(states), split)
    raw = np.empty((pair.shape[0], PAIR_COLUMNS + VOLUME_COLUMNS * len(distinct)))
    jit.spread(
        lambda lo, hi: _decide(pair, state, reference, volumes, last_s, raw, lo, hi), pair.shape[0], least=500
    )
    return _table(
        states, others, chosen, distinct, pair, raw, state, split, last_s, now, every=pairs is not None
    )


def _columns(sets: list[States], now_us: int, half_s: float) -> NDArray[np.float64]:
    """The state columns of one or two sets, one after the other."""
    for s in sets:
        stale = np.nonzero(np.abs(now_us - s.time_us) > LOOKAHEAD_LIMIT_S * 1e6)[0]
        if stale.shape[0]:
            row = int(stale[0])
            raise InputError(
                "a state that is not of now",
                where=f"state {s.labels.ids[row]!r}, time",
                found=format_instant(int(s.time_us[row])),
                expected=f"within an hour of {format_instant(now_us)}",
            )
    given = np.concatenate(
        [
            np.stack(
                [
                    s.lat_deg,
                    s.lng_deg,
                    s.altitude_m,
                    s.ground_speed_m_s,
                    s.track_rad,
                    s.vertical_rate_m_s,
                    s.horizontal_uncertainty_m,
                    s.vertical_uncertainty_m,
                    (now_us - s.time_us) * 1e-6,
                ],
                axis=1,
            )
            for s in sets
        ]
    )
    out = np.empty((given.shape[0], STATE_COLUMNS))
    jit.spread(lambda lo, hi: _lay(given, half_s, out, lo, hi), given.shape[0], least=5_000)
    return out


def _found(
    state: NDArray[np.float64],
    reference: NDArray[np.int8],
    labels: Labels,
    split: int,
    volumes: NDArray[np.float64],
    half_s: float,
) -> NDArray[np.int64]:
    """All pairs that might violate.

    A pair in violation is at most ``DTHR + TTHR (va + vb)`` apart at an instant at most half the look-ahead
    from its middle. So the balls about both places at the middle, of radius ``DTHR/2 + (TTHR + look-ahead/2)
    v``, meet; chords are shorter than geodesics.
    """
    n = state.shape[0]
    widest = volumes.max(axis=0)
    ball = np.empty((n, BALL_COLUMNS))
    ball[:, BX : BZ + 1] = state[:, MX : MZ + 1]
    ball[:, BALL] = 0.5 * widest[0] + (widest[2] + half_s) * state[:, SPEED] + state[:, BLUR_H] + 1.0
    ball[:, BAND_MID] = state[:, MID_ALT]
    ball[:, BAND] = 0.5 * widest[1] + (widest[3] + half_s) * np.abs(state[:, CLIMB]) + state[:, BLUR_V] + 1.0
    tier = np.ceil(np.log2(ball[:, BALL])).astype(np.int64)
    code, order = np.empty(n, np.int64), np.empty(n, np.int64)
    _name_cells(ball, tier, code, 0, n)
    mask = (1 << max(4, math.ceil(math.log2(max(n, 1))))) - 1
    start = np.empty(mask + 2, np.int64)
    sweep.bucket_pieces(code, mask, start, order)
    ball, tier, code = ball[order], tier[order], code[order]
    side = np.arange(n) >= split
    tiers = np.unique(tier)
    parts = jit.spread(
        lambda lo, hi: _pairs(
            state,
            reference,
            labels.body,
            side,
            split > 0,
            order,
            ball,
            tier,
            code,
            start,
            mask,
            tiers,
            half_s,
            widest,
            lo,
            hi,
        ),
        n,
        least=500,
    )
    return np.concatenate(parts)


def _asked(
    pairs: tuple[ArrayLike, ArrayLike] | None, labels: Labels, rows: int, split: int
) -> NDArray[np.int64]:
    """The pairs that were asked for, checked, as rows of both sets together."""
    one, two = (np.asarray(side) for side in pairs or ((), ()))
    if (
        one.ndim != 1
        or one.shape != two.shape
        or not all(np.issubdtype(side.dtype, np.integer) or not side.size for side in (one, two))
    ):
        raise InputError(
            "pairs are two arrays of row numbers, equally long",
            where="pairs",
            found=f"{one.dtype} {one.shape} and {two.dtype} {two.shape}",
        )
    for name, side, count in (("pairs[0]", one, rows), ("pairs[1]", two, len(labels) - split)):
        wrong = np.nonzero((side < 0) | (side >= count))[0]
        if wrong.shape[0]:
            raise InputError(
                "not a row",
                where=f"{name}[{wrong[0]}]",
                found=int(side[wrong[0]]),
                expected=f"0 to {count - 1}",
            )
    pair = np.stack([one, two + split], axis=1).astype(np.int64)
    itself = np.nonzero(labels.body[pair[:, 0]] == labels.body[pair[:, 1]])[0]
    if itself.shape[0]:
        row = int(itself[0])
        raise InputError(
            "an aircraft is not paired with itself",
            where=f"pairs[{row}]",
            found=labels.ids[int(pair[row, 0])],
        )
    return pair


def _table(
    states: States,
    others: States | None,
    chosen: WellClear,
    distinct: list[Thresholds],
    pair: NDArray[np.int64],
    raw: NDArray[np.float64],
    state: NDArray[np.float64],
    split: int,
    last_s: float,
    now_us: int,
    *,
    every: bool,
) -> WellClearTable:
    """Sort the decided pairs from the undecided, and lay the answer out."""
    base = PAIR_COLUMNS + VOLUME_COLUMNS * np.arange(len(distinct))
    first, last = raw[:, base + BOUND_IN].min(axis=1), raw[:, base + BOUND_OUT].max(axis=1)
    decided, found = raw[:, FLAG] == DECIDED, first <= last
    left = np.nonzero(~decided & found)[0]
    left = left[np.lexsort((pair[left, 1], pair[left, 0], first[left]))]
    unchecked = Unchecked(
        pair[left, 0],
        pair[left, 1] - split,
        now_us + np.rint(first[left] * 1e6).astype(np.int64),
        now_us + np.rint(last[left] * 1e6).astype(np.int64),
        np.where(
            raw[left, FLAG] == ALTITUDE_UNKNOWN, Reason.ALTITUDE_UNKNOWN, Reason.ALTITUDE_INCOMPARABLE
        ).astype(np.int8),
    )
    if every:
        rows = np.arange(pair.shape[0])
    else:
        rows = np.nonzero(decided & found)[0]
        rows = rows[np.lexsort((pair[rows, 1], pair[rows, 0], first[rows]))]
    raw, pair, decided = raw[rows], pair[rows], decided[rows]

    def column(which: int) -> NDArray[np.float64]:
        return np.ascontiguousarray(raw[:, which])

    def window(which: int | NDArray[np.intp]) -> NDArray[np.float64]:
        values = raw[:, which]
        return np.where(
            np.isfinite(values) & decided.reshape((-1,) + (1,) * (values.ndim - 1)), values, np.nan
        )

    number = base[[distinct.index(level.volume) for level in chosen.levels]] if chosen.levels else base[:0]

    def alert(instants: NDArray[np.float64]) -> NDArray[np.int8]:
        level = np.zeros(rows.shape[0], np.int8)
        for k, one in enumerate(chosen.levels):
            level[instants[:, k] <= one.alerting_time_s] = k + 1
        level[~decided] = NOT_KNOWN
        return level

    level = alert(raw[:, number + BOUND_IN])
    exact = raw[:, base + EXACT_IN].min(axis=1)
    marginal = decided & (
        (np.isfinite(exact) != found[rows])
        | ((column(base[0] + EXACT_IN) <= 0.0) != (column(base[0] + BOUND_IN) <= 0.0))
        | (alert(raw[:, number + EXACT_IN]) != level)
    )
    a = np.ascontiguousarray(pair[:, 0])
    lat, lng, altitude = (np.empty(rows.shape[0]) for _ in range(3))
    _places(a, column(AT), state, lat, lng, altitude)
    return WellClearTable(
        states.labels,
        states.labels if others is None else others.labels,
        a,
        pair[:, 1] - split,
        level,
        window(int(base[0] + BOUND_IN)),
        window(int(base[0] + BOUND_OUT)),
        window(number + BOUND_IN),
        window(number + BOUND_OUT),
        column(CPA_S),
        column(CPA_M),
        column(TAU_S),
        column(NOW_M),
        column(GAP),
        column(CLOSURE),
        column(AT),
        column(AT_M),
        column(AT_GAP),
        lat,
        lng,
        altitude,
        column(MARGIN),
        marginal,
        chosen,
        unchecked,
        _assumptions(chosen, last_s, now_us),
        last_s,
        now_us,
    )


def _assumptions(chosen: WellClear, last_s: float, now_us: int) -> dict[str, str]:
    t = chosen.volume
    return {
        "well clear": f"{chosen.name}: DTHR {t.dthr_m:.2f} m, ZTHR {t.zthr_m:.2f} m, "
        f"TTHR {t.tthr_s:g} s, TCOA {t.tcoa_s:g} s" + (f" ({chosen.source})" if chosen.source else ""),
        "alerts": "; ".join(
            f"{level.word} {level.alerting_time_s:g} s before {level.volume.zthr_m / FT_M:g} ft are violated"
            for level in chosen.levels
        )
        or "none",
        "motion": "each state's geodesic at constant ground speed and climb",
        "now": format_instant(now_us),
        "look-ahead": f"{last_s:g} s",
        "distances": "WGS 84 geodesics; altitudes compared within one reference",
        "not covered": "sensor uncertainty by z-scores (SUM); alerts have no memory: "
        "no M of N, hysteresis or early alerting",
    }
