"""The oracle: the questions that the kernels answer, asked slowly and plainly a second time.

Law: nothing of the kernels is used here, neither their code nor their frame: no earth-centred points, no
chords, no cubics, no grid. Every position and every distance is Karney's geodesic on the WGS 84 ellipsoid, by
pyproj, to some 10 nanometres. Only the types of the domain are shared, and the conversion of altitudes
between two references.

How it works. A thing that moves is a list of *bits*, each a stretch of one geodesic at constant speed with
altitude linear in time. Where a bit of one thing and a bit of another share time they make a *span*. In a
span the altitudes are compared in closed form; then the distance is sampled densely, and between two samples
where it stops falling and starts rising the least distance is found by bracketing, as are the instants at
which it crosses the minimum. The rate at which a geodesic distance changes is known exactly (the first
variation of arc length): each end's speed along the geodesic that joins them.

Known limits: times are whole microseconds; a stretch that dips below a minimum and comes back twice between
two samples (they are at most 4 km apart on the ground) is seen once; outlines more than 9,000 km across are
not for it. Cost: some 100 geodesics for each span, and all pairs unless told which.

Source: Karney, *Algorithms for geodesics*, J. Geodesy 87 (2013) 43-55.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import altitude as alt
from skypact.airspace.altitude import AltitudeReference, Comparability
from skypact.airspace.labels import Kind
from skypact.airspace.moving import States
from skypact.airspace.separation import ANY, EN_ROUTE, Minima, Separation
from skypact.airspace.volumes import Circle
from skypact.check.findings import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray
    from pyproj import Geod

    from skypact.airspace.altitude import Altitude
    from skypact.airspace.labels import Labels
    from skypact.airspace.moving import Trajectories
    from skypact.airspace.volumes import Polygon, Volume4D

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

EQUAL_M: Final = 1e-6
"""Vertical distances this near to a minimum are equal to it: 36,000 ft is 1,000 ft over 35,000 ft."""
FAR_M: Final = 10_000.0
"""Pairs further apart than their minimum by this are not looked at closely."""
_SAMPLE_M: Final = 4_000.0
_SAMPLES_LEAST: Final = 9
_GEOID_STEP_M: Final = 1_000.0
_SEARCH_MOST: Final = 20_000
_DECIDED: Final = -1


@cache
def _geod() -> Geod:
    from pyproj import Geod

    return Geod(ellps="WGS84")


# -- geodesics --------------------------------------------------------------------------------------------


def _inverse(lat_a: Any, lng_a: Any, lat_b: Any, lng_b: Any) -> tuple[Floats, Floats, Floats]:
    """From a to b: azimuth at a, azimuth of the same direction at b (both degrees), metres; elementwise."""
    lat_a, lng_a, lat_b, lng_b = (
        np.ascontiguousarray(x, np.float64) for x in np.broadcast_arrays(lat_a, lng_a, lat_b, lng_b)
    )
    out, back, metres = _geod().inv(lng_a, lat_a, lng_b, lat_b)
    return np.asarray(out), np.asarray(back) + 180.0, np.asarray(metres)


def _direct(lat: Any, lng: Any, azimuth: Any, metres: Any) -> tuple[Floats, Floats, Floats]:
    """Go along a geodesic: latitude, longitude and direction of travel at its end, degrees; elementwise."""
    lat, lng, azimuth, metres = (
        np.ascontiguousarray(x, np.float64) for x in np.broadcast_arrays(lat, lng, azimuth, metres)
    )
    far_lng, far_lat, back = _geod().fwd(lng, lat, azimuth, metres)
    return np.asarray(far_lat), np.asarray(far_lng), np.asarray(back) + 180.0


def _roots(f: Callable[[NDArray[np.intp], Floats], Floats], lo: Floats, hi: Floats) -> Floats:
    """Where f changes sign between ``lo`` and ``hi``, elementwise: secants, and now and then halves.

    ``f(rows, x)`` gives the values of the functions number ``rows`` at x. Of the last bracket (1e-11) the end
    is returned that is at or below zero, so that a window's end is still inside.
    """
    rows = np.arange(lo.shape[0])
    lo, hi = lo.astype(float).copy(), hi.astype(float).copy()
    f_lo, f_hi = f(rows, lo), f(rows, hi)
    weight_lo, weight_hi = f_lo.copy(), f_hi.copy()
    active = rows[(np.abs(hi - lo) > 1e-11) & (f_lo != 0.0) & (f_hi != 0.0)]
    for step in range(200):  # pragma: no branch  # halving alone needs a third of it
        if not active.shape[0]:
            break
        a, b = lo[active], hi[active]
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = a - weight_lo[active] * (b - a) / (weight_hi[active] - weight_lo[active])
        middle = 0.5 * (a + b)
        guess = np.where(np.isfinite(guess) & (step % 4 != 3), guess, middle)
        guess = np.clip(guess, np.minimum(a, b), np.maximum(a, b))
        value = f(active, guess)
        with_lo = np.sign(value) == np.sign(f_lo[active])
        one, two = active[with_lo], active[~with_lo]
        lo[one], f_lo[one], weight_lo[one] = guess[with_lo], value[with_lo], value[with_lo]
        weight_hi[one] *= 0.5
        hi[two], f_hi[two], weight_hi[two] = guess[~with_lo], value[~with_lo], value[~with_lo]
        weight_lo[two] *= 0.5
        exact = active[value == 0.0]
        lo[exact] = hi[exact] = guess[value == 0.0]
        f_lo[exact] = f_hi[exact] = 0.0
        active = active[(np.abs(hi[active] - lo[active]) > 1e-11) & (value != 0.0)]
    return np.where(f_lo <= 0.0, lo, hi)


# -- what moves, as bits of geodesics ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Bits:
    """Stretches of geodesics, in order of owner and time: from ``start_us`` to ``end_us`` (both included)."""

    owner: Ints
    start_us: Ints
    end_us: Ints
    from_us: Ints
    """When the thing is at lat, lng, altitude: the start of a leg, the own instant of a state."""
    lat: Floats
    lng: Floats
    azimuth: Floats
    speed: Floats
    altitude: Floats
    climb: Floats

    def at(self, bit: Ints, since_us: Ints, more_s: Floats) -> tuple[Floats, Floats, Floats]:
        """Latitude, longitude and direction ``more_s`` after the instants ``since_us``."""
        elapsed = (since_us - self.from_us[bit]) * 1e-6 + more_s
        return _direct(self.lat[bit], self.lng[bit], self.azimuth[bit], self.speed[bit] * elapsed)

    def altitude_at(self, bit: Ints, since_us: Ints, more_s: Floats) -> Floats:
        """Altitude in the owner's reference, metres."""
        return self.altitude[bit] + self.climb[bit] * ((since_us - self.from_us[bit]) * 1e-6 + more_s)


def unobserved_reference(tracks: Trajectories, max_gap_s: float | None) -> list[tuple[int, int, int]]:
    """The stretches without a sample for longer than ``max_gap_s``: (trajectory, from, to), microseconds."""
    if max_gap_s is None:
        return []
    return [
        (row, int(tracks.time_us[k]), int(tracks.time_us[k + 1]))
        for row in range(len(tracks))
        for k in range(int(tracks.offsets[row]), int(tracks.offsets[row + 1]) - 1)
        if tracks.time_us[k + 1] - tracks.time_us[k] > round(max_gap_s * 1e6)
    ]


def _bits_of_tracks(tracks: Trajectories, max_gap_s: float | None) -> _Bits:
    """Every observed leg that lasts, and every sample that is the end of none.

    As well every sample whose altitude is known, though on none of the legs beside it: that
    instant can be decided, and the legs cannot.
    """
    m = tracks.time_us.shape[0]
    owner = np.repeat(np.arange(len(tracks)), np.diff(tracks.offsets))
    step_us = np.diff(tracks.time_us)
    leg = (owner[1:] == owner[:-1]) & (step_us > 0)
    if max_gap_s is not None:
        leg &= step_us <= round(max_gap_s * 1e6)
    of_leg = np.zeros(m, np.bool_)
    of_leg[:-1] |= leg
    of_leg[1:] |= leg
    known = np.isfinite(tracks.altitude_m)
    of_known = np.zeros(m, np.bool_)
    of_known[:-1] |= leg & known[1:]
    of_known[1:] |= leg & known[:-1]
    first, alone = np.nonzero(leg)[0], np.nonzero(~of_leg | (known & ~of_known))[0]
    azimuth, _, metres = _inverse(
        tracks.lat_deg[first], tracks.lng_deg[first], tracks.lat_deg[first + 1], tracks.lng_deg[first + 1]
    )
    seconds = step_us[first] * 1e-6
    still = np.zeros(alone.shape[0])
    # an instant comes before the leg that begins with it, so that bits are in order of their ends too
    sample = np.concatenate([alone, first])
    order = np.argsort(sample, kind="stable")
    sample = sample[order]
    end = np.concatenate([alone, first + 1])[order]
    return _Bits(
        owner[sample],
        tracks.time_us[sample],
        tracks.time_us[end],
        tracks.time_us[sample],
        tracks.lat_deg[sample],
        tracks.lng_deg[sample],
        np.concatenate([still, azimuth])[order],
        np.concatenate([still, metres / seconds])[order],
        tracks.altitude_m[sample],
        np.concatenate([still, (tracks.altitude_m[first + 1] - tracks.altitude_m[first]) / seconds])[order],
    )


def _bits_of_states(states: States, now_us: int, lookahead_s: float) -> _Bits:
    n = len(states)
    return _Bits(
        np.arange(n),
        np.full(n, now_us),
        np.full(n, now_us + round(lookahead_s * 1e6)),
        states.time_us,
        states.lat_deg,
        states.lng_deg,
        np.degrees(states.track_rad),
        states.ground_speed_m_s,
        states.altitude_m,
        states.vertical_rate_m_s,
    )


# -- which pairs, under which rule ------------------------------------------------------------------------


def _sides(labels: Labels, row: int) -> tuple[str, str, str, str]:
    return ANY, Kind(int(labels.kind[row])).word, labels.party_of(row), labels.ids[row]


def rule_reference(separation: Separation, labels_a: Labels, a: int, labels_b: Labels, b: int) -> int:
    """Which rule holds for a pair: the first that fits, either way round; -1 if none does."""
    one, two = _sides(labels_a, a), _sides(labels_b, b)
    for number, rule in enumerate(separation.rules):
        first, second = rule.between
        if (first in one and second in two) or (first in two and second in one):
            return number
    return -1


@dataclass(frozen=True, slots=True, eq=False)
class Approaches:
    """The oracle's answer about pairs of things that move.

    Attributes
    ----------
    a, b
        The pairs that were looked at and that a rule covers, shape (p,).
    rule, horizontal_m, vertical_m
        Each pair's rule and minima, uncertainties included, shape (p,).
    closest_m
        The least horizontal distance while vertically less than the minimum apart; NaN if never; inf if
        certainly more than 10 km beyond the minimum. Shape (p,).
    no_rule
        Pairs that no rule covers, shape (q, 2).
    pair
        To which of the pairs each window belongs, shape (k,). Windows are in order of pair, then start.
    start_us, end_us, closest_us
        First, last and closest instant of each window inside minima, shape (k,).
    window_m, vertical_gap_m, lat_deg, lng_deg, altitude_m
        The horizontal and vertical distance at the closest instant, and where a is then, shape (k,).
    reason
        -1 for a window that is decided, else the :class:`Reason` why altitudes were not compared, shape (k,).
    """

    a: Ints
    b: Ints
    rule: Ints
    horizontal_m: Floats
    vertical_m: Floats
    closest_m: Floats
    no_rule: Ints
    pair: Ints
    start_us: Ints
    end_us: Ints
    closest_us: Ints
    window_m: Floats
    vertical_gap_m: Floats
    lat_deg: Floats
    lng_deg: Floats
    altitude_m: Floats
    reason: Ints


def _asked(
    labels_a: Labels, labels_b: Labels | None, pairs: ArrayLike | None, separation: Separation
) -> tuple[Ints, Ints, Ints]:
    """The pairs of different bodies, a before b in one set; those with a rule (and it), those without."""
    other = labels_a if labels_b is None else labels_b
    if pairs is None:
        a, b = (
            x.ravel() for x in np.meshgrid(np.arange(len(labels_a)), np.arange(len(other)), indexing="ij")
        )
        wanted = np.stack([a, b], axis=1)[a < b] if labels_b is None else np.stack([a, b], axis=1)
    else:
        wanted = np.asarray(pairs, np.int64).reshape(-1, 2)
        if labels_b is None:
            wanted = np.sort(wanted, axis=1)
    names_a, names_b = np.array(labels_a.bodies, object), np.array(other.bodies, object)
    same = names_a[labels_a.body[wanted[:, 0]]] == names_b[other.body[wanted[:, 1]]]
    wanted = wanted[~same.astype(bool)]
    rules = np.array(
        [rule_reference(separation, labels_a, a, other, b) for a, b in wanted.tolist()], np.int64
    )
    return wanted[rules >= 0], rules[rules >= 0], wanted[rules < 0]


def _separation(separation: Separation | Minima | None) -> Separation:
    if separation is None:
        separation = EN_ROUTE
    return Separation.uniform(separation) if isinstance(separation, Minima) else separation


# -- where two bits share time ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Times in which a pair is on one bit each: from ``x0`` to ``x1`` seconds after ``since_us``."""

    pair: Ints
    bit_a: Ints
    bit_b: Ints
    since_us: Ints
    x0: Floats
    x1: Floats
    gap: Floats
    """Altitude of a less that of b at ``since_us``, and its rate; NaN where it cannot be known."""
    gap_rate: Floats
    reason: Ints

    def take(self, rows: NDArray[Any]) -> _Spans:
        """Some of the spans."""
        return _Spans(*(getattr(self, name)[rows] for name in self.__slots__))


def _meeting_bits(one: _Bits, two: _Bits, a: Ints, b: Ints) -> tuple[Ints, Ints, Ints]:
    """For pairs of owners, which bits share at least an instant: (pair, bit of a, bit of b)."""
    instants = np.unique(np.concatenate([one.start_us, one.end_us, two.start_us, two.end_us]))

    def key(owner: Ints, time_us: Ints) -> Ints:
        ordered: Ints = owner * instants.shape[0] + np.searchsorted(instants, time_us)
        return ordered

    def runs(first: Ints, count: Ints) -> tuple[Ints, Ints]:
        which = np.repeat(np.arange(first.shape[0]), count)
        return which, np.arange(which.shape[0]) - np.repeat(np.cumsum(count) - count, count) + first[which]

    first = np.searchsorted(one.owner, a)
    pair, bit_a = runs(first, np.searchsorted(one.owner, a, side="right") - first)
    # b's bits that end at or after this one's start, up to those that start at or before its end
    from_b = np.searchsorted(key(two.owner, two.end_us), key(b[pair], one.start_us[bit_a]))
    to_b = np.searchsorted(key(two.owner, two.start_us), key(b[pair], one.end_us[bit_a]), side="right")
    which, bit_b = runs(from_b, np.maximum(to_b - from_b, 0))
    return pair[which], bit_a[which], bit_b


def _spans(
    one: _Bits,
    two: _Bits,
    reference_a: NDArray[np.int8],
    reference_b: NDArray[np.int8],
    a: Ints,
    b: Ints,
    until_us: Ints | None,
) -> _Spans:
    pair, bit_a, bit_b = _meeting_bits(one, two, a, b)
    since = np.maximum(one.start_us[bit_a], two.start_us[bit_b])
    end = np.minimum(one.end_us[bit_a], two.end_us[bit_b])
    if until_us is not None:
        end = np.minimum(end, until_us[pair])
    kept = since <= end
    pair, bit_a, bit_b, since, end = (x[kept] for x in (pair, bit_a, bit_b, since, end))
    zero = np.zeros(pair.shape[0])
    high_a, high_b = one.altitude_at(bit_a, since, zero), two.altitude_at(bit_b, since, zero)
    how = np.array(
        [[alt.comparable(p, q) for q in AltitudeReference] for p in AltitudeReference], np.int64
    ).reshape(len(AltitudeReference), -1)
    compare = how[reference_a[one.owner[bit_a]], reference_b[two.owner[bit_b]]]
    gap, rate = high_a - high_b, one.climb[bit_a] - two.climb[bit_b]
    known = np.isfinite(gap) & np.isfinite(rate)
    reason = np.where(known, _DECIDED, int(Reason.ALTITUDE_UNKNOWN))
    reason[compare == Comparability.UNKNOWN] = int(Reason.ALTITUDE_INCOMPARABLE)
    undecided = reason != _DECIDED
    gap[undecided] = rate[undecided] = np.nan
    seconds = np.asarray((end - since) * 1e-6, np.float64)
    spans = _Spans(pair, bit_a, bit_b, since, zero, seconds, gap, rate, reason)
    converted = ~undecided & (compare == Comparability.CONVERTIBLE)
    if not converted.any():
        return spans
    cut = _over_the_geoid(spans.take(converted), one, two, reference_a, reference_b)
    return _Spans(
        *(np.concatenate([getattr(spans, name)[~converted], getattr(cut, name)]) for name in spans.__slots__)
    )


def _over_the_geoid(
    spans: _Spans, one: _Bits, two: _Bits, reference_a: NDArray[np.int8], reference_b: NDArray[np.int8]
) -> _Spans:
    """Cut spans to steps of 1 km, over which the geoid is a plane, and compare heights over the ellipsoid."""
    reach = np.maximum(one.speed[spans.bit_a], two.speed[spans.bit_b]) * spans.x1
    parts = np.maximum(np.ceil(reach / _GEOID_STEP_M).astype(np.int64), 1)
    row = np.repeat(np.arange(parts.shape[0]), parts)
    step = np.arange(row.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)
    fine = spans.take(row)
    x0, x1 = fine.x1 * step / parts[row], fine.x1 * (step + 1) / parts[row]

    def height(bits: _Bits, bit: Ints, reference: NDArray[np.int8], x: Floats) -> Floats:
        lat, lng, _ = bits.at(bit, fine.since_us, x)
        own = bits.altitude_at(bit, fine.since_us, x)
        sea = reference[bits.owner[bit]] == AltitudeReference.AMSL
        own[sea], _ = alt.convert(own[sea], AltitudeReference.AMSL, AltitudeReference.W84, lat[sea], lng[sea])
        return own

    gap0, gap1 = (
        height(one, fine.bit_a, reference_a, x) - height(two, fine.bit_b, reference_b, x) for x in (x0, x1)
    )
    long = x1 > x0
    rate = np.where(long, (gap1 - gap0) / np.where(long, x1 - x0, 1.0), 0.0)
    return _Spans(
        fine.pair, fine.bit_a, fine.bit_b, fine.since_us, x0, x1, gap0 - rate * x0, rate, fine.reason
    )


def _vertically_inside(spans: _Spans, vertical_m: Floats) -> _Spans:
    """Spans cut to where the altitudes are less than the minimum apart; those that never are fall away."""
    least = vertical_m[spans.pair] - EQUAL_M
    steady = (spans.gap_rate == 0.0) | (spans.x0 == spans.x1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        one, two = (-least - spans.gap) / spans.gap_rate, (least - spans.gap) / spans.gap_rate
    x0 = np.maximum(spans.x0, np.where(steady, -np.inf, np.minimum(one, two)))
    x1 = np.minimum(spans.x1, np.where(steady, np.inf, np.maximum(one, two)))
    inside = (
        (x0 <= x1) & (~steady | (np.abs(spans.gap + spans.gap_rate * spans.x0) <= least)) & (least >= 0.0)
    )
    undecided = spans.reason != _DECIDED
    kept = inside | undecided
    x0, x1 = np.where(undecided, spans.x0, x0), np.where(undecided, spans.x1, x1)
    return _Spans(
        spans.pair,
        spans.bit_a,
        spans.bit_b,
        spans.since_us,
        x0,
        x1,
        spans.gap,
        spans.gap_rate,
        spans.reason,
    ).take(kept)


# -- how near, and when -----------------------------------------------------------------------------------


def _apart(spans: _Spans, one: _Bits, two: _Bits, row: NDArray[np.intp], x: Floats) -> tuple[Floats, Floats]:
    """Horizontal distance of spans ``row`` at x, and distance times its rate of change."""
    a, b = spans.bit_a[row], spans.bit_b[row]
    lat_a, lng_a, heading_a = one.at(a, spans.since_us[row], x)
    lat_b, lng_b, heading_b = two.at(b, spans.since_us[row], x)
    leaving, arriving, metres = _inverse(lat_a, lng_a, lat_b, lng_b)
    opening = two.speed[b] * np.cos(np.radians(heading_b - arriving)) - one.speed[a] * np.cos(
        np.radians(heading_a - leaving)
    )
    return metres, metres * opening


def _near_spans(spans: _Spans, one: _Bits, two: _Bits, limit_m: Floats) -> NDArray[np.bool_]:
    """Which spans may come within ``limit_m``: distance at the middle, less what both travel from there."""
    middle = 0.5 * (spans.x0 + spans.x1)
    metres, _ = _apart(spans, one, two, np.arange(middle.shape[0]), middle)
    travel = 0.5 * (spans.x1 - spans.x0) * (one.speed[spans.bit_a] + two.speed[spans.bit_b])
    near: NDArray[np.bool_] = metres - travel <= limit_m
    return near


def _search(
    one: _Bits, two: _Bits, spans: _Spans, horizontal_m: Floats, pairs: int
) -> tuple[Floats, dict[str, Any]]:
    """The closest distance of each pair, and the windows of each span inside the minimum."""
    closest = np.full(pairs, np.nan)
    decided = spans.reason == _DECIDED
    closest[spans.pair[decided]] = np.inf
    spans = spans.take(_near_spans(spans, one, two, horizontal_m[spans.pair] + FAR_M))
    minimum = horizontal_m[spans.pair]

    # dense samples, ends included
    travel = (spans.x1 - spans.x0) * np.maximum(one.speed[spans.bit_a], two.speed[spans.bit_b])
    count = np.maximum(np.ceil(travel / _SAMPLE_M).astype(np.int64) + 1, _SAMPLES_LEAST)
    count[spans.x0 == spans.x1] = 1
    row = np.repeat(np.arange(count.shape[0]), count)
    step = np.arange(row.shape[0]) - np.repeat(np.cumsum(count) - count, count)
    x = spans.x0[row] + (spans.x1 - spans.x0)[row] * (step / np.maximum(count - 1, 1)[row])
    x = np.minimum(x, spans.x1[row])
    metres, slope = _apart(spans, one, two, row, x)

    # between two samples, wherever the distance stops falling and starts to rise, or the other way: its turn
    turns = np.nonzero((row[1:] == row[:-1]) & (slope[:-1] * slope[1:] < 0.0))[0]
    turn = _roots(lambda k, at: _apart(spans, one, two, row[turns[k]], at)[1], x[turns], x[turns + 1])
    turn_m, _ = _apart(spans, one, two, row[turns], turn)
    row, x, metres = (np.concatenate(both) for both in ((row, row[turns]), (x, turn), (metres, turn_m)))
    order = np.lexsort((x, row))
    row, x, metres = row[order], x[order], metres[order]
    of_decided = spans.reason[row] == _DECIDED
    np.fmin.at(closest, spans.pair[row[of_decided]], metres[of_decided])

    # runs of points inside, their ends moved out to where the minimum is crossed
    inside = metres < minimum[row]
    same = np.concatenate([[False], row[1:] == row[:-1]]) if row.shape[0] else np.zeros(0, np.bool_)
    before = np.concatenate([[False], inside[:-1]])[: row.shape[0]] & same
    begins = np.nonzero(inside & ~before)[0]
    follows = np.concatenate([same[1:], [False]])[: row.shape[0]]
    after = np.concatenate([inside[1:], [False]])[: row.shape[0]] & follows
    finishes = np.nonzero(inside & ~after)[0]

    def beyond(at: NDArray[np.intp]) -> Callable[[NDArray[np.intp], Floats], Floats]:
        return lambda k, t: _apart(spans, one, two, row[at[k]], t)[0] - minimum[row[at[k]]]

    start, end = x[begins].copy(), x[finishes].copy()
    crossing = np.nonzero(same[begins])[0]
    at = begins[crossing]
    start[crossing] = _roots(beyond(at), x[at - 1], x[at])
    crossing = np.nonzero(follows[finishes])[0]
    at = finishes[crossing]
    end[crossing] = _roots(beyond(at), x[at + 1], x[at])
    nearest = np.array(
        [
            i + int(np.argmin(metres[i : j + 1]))
            for i, j in zip(begins.tolist(), finishes.tolist(), strict=True)
        ],
        np.int64,
    )
    of = row[begins]
    return closest, {
        "spans": spans,
        "span": of,
        "start": start,
        "end": end,
        "closest": x[nearest],
        "metres": metres[nearest],
    }


def _approaches(
    one: _Bits,
    two: _Bits,
    references: tuple[NDArray[np.int8], NDArray[np.int8]],
    blurs: tuple[Floats, Floats, Floats, Floats],
    labels: tuple[Labels, Labels | None],
    pairs: ArrayLike | None,
    separation: Separation,
    now_us: int | None,
) -> Approaches:
    wanted, rule, no_rule = _asked(labels[0], labels[1], pairs, separation)
    a, b = wanted[:, 0], wanted[:, 1]
    table = np.array(
        [(r.minima.horizontal_m, r.minima.vertical_m, r.minima.lookahead_s) for r in separation.rules]
    ).reshape(-1, 3)
    horizontal = table[rule, 0] + blurs[0][a] + blurs[1][b]
    vertical = table[rule, 1] + blurs[2][a] + blurs[3][b]
    until = None if now_us is None else now_us + np.rint(table[rule, 2] * 1e6).astype(np.int64)
    spans = _vertically_inside(_spans(one, two, *references, a, b, until), vertical)
    closest, found = _search(one, two, spans, horizontal, a.shape[0])
    spans, of = found["spans"], found["span"]
    pair, reason = spans.pair[of], spans.reason[of]
    since = spans.since_us[of]
    start, end, at = (since + np.rint(found[k] * 1e6).astype(np.int64) for k in ("start", "end", "closest"))
    lat, lng, _ = one.at(spans.bit_a[of], since, found["closest"])
    gap = np.abs(spans.gap[of] + spans.gap_rate[of] * found["closest"])
    high = one.altitude_at(spans.bit_a[of], since, found["closest"])

    # windows that touch are one
    joined: list[list[Any]] = []
    for k in np.lexsort((start, reason, pair)).tolist():
        this = [
            pair[k],
            start[k],
            end[k],
            at[k],
            found["metres"][k],
            gap[k],
            lat[k],
            lng[k],
            high[k],
            reason[k],
        ]
        last = joined[-1] if joined else None
        if last is None or last[0] != this[0] or last[9] != this[9] or this[1] > last[2] + 1:
            joined.append(this)
            continue
        last[2] = max(last[2], this[2])
        if this[4] < last[4]:
            last[3:9] = this[3:9]
    columns = [np.array(column) for column in zip(*joined, strict=True)] or [np.zeros(0)] * 10
    numbers = {0: np.int64, 1: np.int64, 2: np.int64, 3: np.int64, 9: np.int64}
    columns = [column.astype(numbers.get(k, np.float64)) for k, column in enumerate(columns)]
    return Approaches(a, b, rule, horizontal, vertical, closest, no_rule, *columns)


def losses_reference(
    tracks: Trajectories,
    others: Trajectories | None = None,
    *,
    separation: Separation | Minima | None = None,
    max_gap_s: float | None = 60.0,
    pairs: ArrayLike | None = None,
) -> Approaches:
    """What :func:`skypact.check.losses` has to find.

    Parameters
    ----------
    tracks, others, separation, max_gap_s
        As there.
    pairs
        The pairs to look at, shape (p, 2), rows of ``tracks`` and of ``others`` or ``tracks``; all by
        default, which is slow.
    """
    two = tracks if others is None else others
    bits = _bits_of_tracks(tracks, max_gap_s)
    return _approaches(
        bits,
        bits if others is None else _bits_of_tracks(others, max_gap_s),
        (tracks.reference, two.reference),
        (
            tracks.horizontal_uncertainty_m,
            two.horizontal_uncertainty_m,
            tracks.vertical_uncertainty_m,
            two.vertical_uncertainty_m,
        ),
        (tracks.labels, None if others is None else others.labels),
        pairs,
        _separation(separation),
        None,
    )


def encounters_reference(
    states: States,
    others: States | None = None,
    *,
    separation: Separation | Minima | None = None,
    lookahead_s: float | None = None,
    now_us: int | None = None,
    pairs: ArrayLike | None = None,
) -> Approaches:
    """What :func:`skypact.check.encounters` has to find; ``pairs`` as in :func:`losses_reference`."""
    two = states if others is None else others
    rules = _separation(separation)
    if lookahead_s is not None:
        rules = Separation(
            tuple(
                type(r)(
                    r.name,
                    r.between,
                    Minima(
                        r.minima.horizontal_m, r.minima.vertical_m, min(r.minima.lookahead_s, lookahead_s)
                    ),
                )
                for r in rules.rules
            )
        )
    if now_us is None:
        now_us = int(np.concatenate([states.time_us, two.time_us]).max(initial=0))
    ahead = max((r.minima.lookahead_s for r in rules.rules), default=0.0)
    return _approaches(
        _bits_of_states(states, now_us, ahead),
        _bits_of_states(two, now_us, ahead),
        (states.reference, two.reference),
        (
            states.horizontal_uncertainty_m,
            two.horizontal_uncertainty_m,
            states.vertical_uncertainty_m,
            two.vertical_uncertainty_m,
        ),
        (states.labels, None if others is None else others.labels),
        pairs,
        rules,
        now_us,
    )


def apart_reference(
    tracks: Trajectories | States,
    others: Trajectories | States | None,
    a: ArrayLike,
    b: ArrayLike,
    at_us: ArrayLike,
) -> Floats:
    """Horizontal distance of rows of two sets, or of one, at instants; NaN where one is not there.

    Gaps are flown through. What is at several places at an instant is taken to be at the last of them.
    """
    at = np.asarray(at_us, np.int64)
    places = [_place(of, np.asarray(rows, np.int64), at) for of, rows in ((tracks, a), (others or tracks, b))]
    there = np.isfinite(places[0][0]) & np.isfinite(places[1][0])
    out = np.full(at.shape[0], np.nan)
    _, _, out[there] = _inverse(*(column[there] for place in places for column in place))
    return out


def _place(of: Trajectories | States, rows: Ints, at: Ints) -> tuple[Floats, Floats]:
    """Where rows are at instants: latitude and longitude, NaN where they are not."""
    n = rows.shape[0]
    if isinstance(of, States):
        lat, lng, _ = _bits_of_states(of, 0, 0.0).at(rows, at, np.zeros(n))
        return lat, lng
    bits = _bits_of_tracks(of, None)
    still = np.zeros(n)
    asked = _Bits(np.arange(n), at, at, at, still, still, still, still, still, still)
    which, _, found = _meeting_bits(asked, bits, np.arange(n), rows)
    bit = np.full(n, -1)
    bit[which] = found
    lat, lng, _ = bits.at(bit, at, still)
    return np.where(bit >= 0, lat, np.nan), np.where(bit >= 0, lng, np.nan)


# -- volumes ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """A circle (one point and a radius) or a ring of geodesic edges, each from its vertex to the next."""

    lat: Floats
    lng: Floats
    radius: float
    azimuth: Floats
    metres: Floats


def _outline(shape: Circle | Polygon) -> _Outline:
    if isinstance(shape, Circle):
        point = np.array([shape.lat_deg]), np.array([shape.lng_deg])
        return _Outline(*point, shape.radius_m, np.zeros(1), np.zeros(1))
    vertices = np.array(shape.vertices, np.float64)
    if np.array_equal(vertices[0], vertices[-1]):
        vertices = vertices[:-1]
    lat, lng = vertices[:, 0].copy(), vertices[:, 1].copy()
    azimuth, _, metres = _inverse(lat, lng, np.roll(lat, -1), np.roll(lng, -1))
    return _Outline(lat, lng, 0.0, azimuth, metres)


def _to_edges(lat: Floats, lng: Floats, ring: _Outline) -> Floats:
    """Distance of each point to each edge of a ring, shape (points, edges).

    From anywhere on an edge, the foot of a point lies about ``d cos(angle)`` further along: stepped until it
    stands still.
    """
    shape = lat.shape[0], ring.lat.shape[0]
    point_lat, point_lng = (np.broadcast_to(x[:, None], shape).ravel() for x in (lat, lng))
    edge_lat, edge_lng, azimuth, length = (
        np.broadcast_to(x, shape).ravel() for x in (ring.lat, ring.lng, ring.azimuth, ring.metres)
    )
    along = 0.5 * length
    out = np.empty(along.shape[0])
    active = np.arange(along.shape[0])
    for _ in range(200):  # pragma: no branch  # a foot stands still after a few steps
        x_lat, x_lng, heading = _direct(edge_lat[active], edge_lng[active], azimuth[active], along[active])
        bearing, _, metres = _inverse(x_lat, x_lng, point_lat[active], point_lng[active])
        out[active] = metres
        moved = along[active] + metres * np.cos(np.radians(bearing - heading))
        moved = np.clip(moved, 0.0, length[active])
        going = np.abs(moved - along[active]) > 1e-8
        along[active] = moved
        active = active[going]
        if not active.shape[0]:
            break
    return out.reshape(shape)


def _winds_round(lat: Floats, lng: Floats, ring: _Outline) -> NDArray[np.bool_]:
    """Whether points are inside a ring: seen from inside, it turns round once, the way it is wound.

    The way it is wound, with the smaller side inside, is the sign of its area.
    """
    area, _ = _geod().polygon_area_perimeter(ring.lng, ring.lat)
    seen, _, _ = _inverse(lat[:, None], lng[:, None], ring.lat[None, :], ring.lng[None, :])
    turns = (np.diff(seen, axis=1, append=seen[:, :1]) + 180.0) % 360.0 - 180.0
    inside: NDArray[np.bool_] = np.rint(turns.sum(axis=1) / -360.0) == np.sign(area)
    return inside


def _beyond(lat: Floats, lng: Floats, outline: _Outline) -> Floats:
    """How far points are outside an outline; how deep inside, as a number below zero."""
    if outline.radius > 0.0:
        _, _, metres = _inverse(lat, lng, outline.lat[0], outline.lng[0])
        return np.subtract(metres, outline.radius)
    metres = _to_edges(lat, lng, outline).min(axis=1)
    return np.asarray(np.where(_winds_round(lat, lng, outline), -metres, metres))


def _sides_of(ring: _Outline, lat: Floats, lng: Floats) -> Floats:
    """On which side of each edge, drawn out, each point lies: 1 right, -1 left; shape (edges, points)."""
    bearing, _, _ = _inverse(ring.lat[:, None], ring.lng[:, None], lat[None, :], lng[None, :])
    return np.sign(np.sin(np.radians(bearing - ring.azimuth[:, None])))


def _cross(one: _Outline, two: _Outline) -> bool:
    """Whether an edge of one crosses an edge of two: each has its ends on both sides of the other."""
    p, q = _sides_of(one, two.lat, two.lng), _sides_of(two, one.lat, one.lng)
    return bool(np.any((p * np.roll(p, -1, axis=1) < 0.0) & (q * np.roll(q, -1, axis=1) < 0.0).T))


def outlines_apart_reference(one: Circle | Polygon, two: Circle | Polygon) -> float:
    """The geodesic distance between two outlines with their insides, 0 where they meet."""
    a, b = _outline(one), _outline(two)
    if b.radius > 0.0:
        a, b = b, a
    if a.radius > 0.0:  # a circle and whatever else: from its centre, less its radius
        return max(0.0, float(_beyond(a.lat, a.lng, b)[0]) - a.radius)
    least = min(float(_beyond(a.lat, a.lng, b).min()), float(_beyond(b.lat, b.lng, a).min()))
    return 0.0 if _cross(a, b) else max(0.0, least)


def _over(low: Altitude | None, high: Altitude | None, lat: Floats, lng: Floats) -> float:
    """How far a floor is over a ceiling, the least over some places; NaN: cannot be said; open: far under."""
    if low is None or high is None:
        return -np.inf
    how = alt.comparable(low.reference, high.reference)
    if how == Comparability.SAME:
        return low.metres - high.metres
    if how == Comparability.UNKNOWN:
        return float("nan")
    lifted, _ = alt.convert(np.full(lat.shape[0], low.metres), low.reference, high.reference, lat, lng)
    return float(np.min(lifted)) - high.metres


@dataclass(frozen=True, slots=True)
class VolumesMeeting:
    """Two volumes: how far apart, and when both are in force.

    Attributes
    ----------
    distance_m, gap_m
        Between the outlines, and between the bands: 0 where they overlap or touch. The gap is NaN where
        altitudes cannot be compared.
    start_us, end_us
        The common window, half-open; none if the end is not after the start.
    """

    distance_m: float
    gap_m: float
    start_us: int
    end_us: int

    def meets(self, horizontal_m: float = 0.0, vertical_m: float = 0.0) -> bool | None:
        """Whether they touch or are nearer than a buffer, in every way at once; None: not known."""
        if self.end_us <= self.start_us or not _nearer(self.distance_m, horizontal_m):
            return False
        return None if np.isnan(self.gap_m) else _nearer(self.gap_m, vertical_m)


def _nearer(distance: float, buffer: float) -> bool:
    """Touching, or nearer than the buffer, and not equal to it."""
    return distance <= EQUAL_M or distance <= buffer - EQUAL_M


def volumes_meet_reference(a: Volume4D, b: Volume4D) -> VolumesMeeting:
    """How two volumes lie to each other."""
    outlines = _outline(a.outline), _outline(b.outline)
    lat, lng = (np.concatenate([getattr(o, c) for o in outlines]) for c in ("lat", "lng"))
    gaps = np.array([_over(a.lower, b.upper, lat, lng), _over(b.lower, a.upper, lat, lng)])
    known = float(np.max(gaps[~np.isnan(gaps)], initial=0.0))
    return VolumesMeeting(
        outlines_apart_reference(a.outline, b.outline),
        float("nan") if known <= 0.0 and np.isnan(gaps).any() else known,
        max(a.start_us, b.start_us),
        min(a.end_us, b.end_us),
    )


@dataclass(frozen=True, slots=True)
class Stay:
    """A window in which a trajectory is in a volume, or nearer than the buffer.

    Attributes
    ----------
    start_us, end_us, closest_us
        First, last and closest instant (the end of the volume's window, where that ends it).
    distance_m
        How far outside the outline at the closest instant; how deep inside, as a number below zero.
    known
        Whether its altitude could be compared with the volume's.
    """

    start_us: int
    end_us: int
    closest_us: int
    distance_m: float
    known: bool


def trajectory_in_volume_reference(
    tracks: Trajectories,
    row: int,
    volume: Volume4D,
    *,
    horizontal_m: float = 0.0,
    vertical_m: float = 0.0,
    max_gap_s: float | None = 60.0,
) -> list[Stay]:
    """When a trajectory is in a volume (edge included), or nearer than the buffers in both ways at once.

    Uncertainty adds to the buffers.
    """
    horizontal_m += float(tracks.horizontal_uncertainty_m[row])
    vertical_m += float(tracks.vertical_uncertainty_m[row])
    bits = _bits_of_tracks(tracks.take(np.array([row])), max_gap_s)
    outline = _outline(volume.outline)
    reference = AltitudeReference(int(tracks.reference[row]))
    stays: list[Stay] = []
    for k in range(bits.owner.shape[0]):
        since = int(max(bits.start_us[k], volume.start_us))
        end = int(min(bits.end_us[k], volume.end_us))
        if since > end or since >= volume.end_us:
            continue
        for x0, x1, known in _in_the_band(
            bits, k, since, (end - since) * 1e-6, volume, vertical_m, reference
        ):
            stays.extend(_in_the_outline(bits, k, since, x0, x1, outline, horizontal_m, known))
    joined: list[Stay] = []
    for stay in sorted(stays, key=lambda s: (not s.known, s.start_us)):
        last = joined[-1] if joined else None
        if last is None or last.known != stay.known or stay.start_us > last.end_us + 1:
            joined.append(stay)
            continue
        nearest = min(last, stay, key=lambda s: s.distance_m)
        joined[-1] = Stay(
            last.start_us, max(last.end_us, stay.end_us), nearest.closest_us, nearest.distance_m, stay.known
        )
    return joined


def _in_the_band(
    bits: _Bits,
    bit: int,
    since: int,
    length: float,
    volume: Volume4D,
    vertical_m: float,
    reference: AltitudeReference,
) -> list[tuple[float, float, bool]]:
    """When a bit is in a volume's band, or nearer to it than the buffer, and whether that is known."""
    travel = float(bits.speed[bit]) * length
    converted = any(
        bound is not None and alt.comparable(reference, bound.reference) == Comparability.CONVERTIBLE
        for bound in (volume.lower, volume.upper)
    )
    steps = max(1, int(np.ceil(travel / _GEOID_STEP_M))) if converted else 1
    x = np.linspace(0.0, length, steps + 1)
    which = np.full(x.shape[0], bit)
    instants = np.full(x.shape[0], since)
    lat, lng, _ = bits.at(which, instants, x)
    own = bits.altitude_at(which, instants, x)
    out = []
    for k in range(steps):
        x0, x1, known = float(x[k]), float(x[k + 1]), True
        for bound, sign in ((volume.lower, 1.0), (volume.upper, -1.0)):
            if bound is None:
                continue
            if alt.comparable(reference, bound.reference) == Comparability.UNKNOWN:
                known = False
                continue
            high = own[k : k + 2]
            if reference != bound.reference:
                high, _ = alt.convert(high, reference, bound.reference, lat[k : k + 2], lng[k : k + 2])
            if not np.isfinite(high).all():
                known = False
                continue
            # nearer than the buffer, or touching: sign * (high - bound) at least this
            least = -EQUAL_M if vertical_m == 0.0 else EQUAL_M - vertical_m
            over0, over1 = (sign * (float(h) - bound.metres) - least for h in high)
            span = float(x[k + 1] - x[k])
            if over0 < 0.0 and over1 < 0.0:
                x0, x1 = 1.0, 0.0
            elif over0 < 0.0:
                x0 = max(x0, float(x[k]) + span * over0 / (over0 - over1))
            elif over1 < 0.0:
                x1 = min(x1, float(x[k]) + span * over0 / (over0 - over1))
        if x0 <= x1:
            out.append((x0, x1, known))
    return out


def _golden(f: Callable[[Floats], Floats], lo: Floats, hi: Floats) -> Floats:
    """Where f is least between ``lo`` and ``hi``, elementwise, by golden sections."""
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    c, d = hi - ratio * (hi - lo), lo + ratio * (hi - lo)
    f_c, f_d = f(c), f(d)
    for _ in range(60):
        left = f_c < f_d
        lo, hi = np.where(left, lo, c), np.where(left, d, hi)
        new = np.where(left, hi - ratio * (hi - lo), lo + ratio * (hi - lo))
        f_new = f(new)
        c, d = np.where(left, new, d), np.where(left, c, new)
        f_c, f_d = np.where(left, f_new, f_d), np.where(left, f_c, f_new)
    best: Floats = 0.5 * (lo + hi)
    return best


def _in_the_outline(
    bits: _Bits,
    bit: int,
    since: int,
    x0: float,
    x1: float,
    outline: _Outline,
    horizontal_m: float,
    known: bool,
) -> list[Stay]:
    """Windows of a bit, ``x0`` to ``x1`` seconds after ``since``, in an outline or nearer than the buffer."""

    def beyond(x: Floats) -> Floats:
        lat, lng, _ = bits.at(np.full(x.shape[0], bit), np.full(x.shape[0], since), x)
        return _beyond(lat, lng, outline)

    speed = float(bits.speed[bit])
    limit = horizontal_m if horizontal_m > 0.0 else EQUAL_M
    x = np.linspace(x0, x1, 1 if x0 == x1 else 33)
    value = beyond(x)
    # the distance changes by no more than the thing moves: halve every stretch that could cross the limit, or
    # hold a point nearer than the best by more than a centimetre
    while x.shape[0] < _SEARCH_MOST:
        metres = speed * np.diff(x)
        outside = np.minimum(value[:-1], value[1:]) >= limit
        within = np.maximum(value[:-1], value[1:]) < limit
        level = 0.5 * (value[:-1] + value[1:])
        settled = (outside & (level - 0.5 * metres >= limit)) | (within & (level + 0.5 * metres < limit))
        nearer = level - 0.5 * metres < value.min() - 0.01
        at = np.nonzero((~settled | nearer) & (metres > 1e-3))[0]
        if not at.shape[0]:
            break
        middle = 0.5 * (x[at] + x[at + 1])
        x, value = np.insert(x, at + 1, middle), np.insert(value, at + 1, beyond(middle))
    # and the closest point, beside the best sample
    best = int(np.argmin(value))
    if 0 < best < x.shape[0] - 1:
        low = _golden(beyond, x[best - 1 : best], x[best + 1 : best + 2])
        at = np.searchsorted(x, low)
        x, value = np.insert(x, at, low), np.insert(value, at, beyond(low))
    inside = value < limit
    stays = []
    first = 0
    while first < x.shape[0]:
        if not inside[first]:
            first += 1
            continue
        last = first
        while last + 1 < x.shape[0] and inside[last + 1]:
            last += 1
        ends = [float(x[first]), float(x[last])]
        for k, (outer, inner) in enumerate(((first - 1, first), (last + 1, last))):
            if 0 <= outer < x.shape[0]:
                edge = _roots(lambda _, t: beyond(t) - limit, x[outer : outer + 1], x[inner : inner + 1])
                ends[k] = float(edge[0])
        near = first + int(np.argmin(value[first : last + 1]))
        start, end, closest = (since + round(t * 1e6) for t in (*ends, float(x[near])))
        stays.append(Stay(start, end, closest, float(value[near]), known))
        first = last + 1
    return stays
