"""Awkward things: seeded random numbers, nasty tracks and volumes, pairs that pass at a chosen distance.

Law: test data that more than one test needs is made here, from a seed, and nothing here is skewed towards
what the engine finds easy. Every pair is *built* about its closest point: two things that move along
geodesics are nearest where both move equally fast along the geodesic that joins them (the first variation of
arc length), so the distance at which they pass is known before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import Geod

from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    Labels,
    Minima,
    Polygon,
    States,
    Trajectories,
    Volume4D,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

GEOD = Geod(ellps="WGS84")
BASE_US = 1_496_923_200_000_000
"""2017-06-08T12:00:00Z."""
FT_M = 0.3048
EN_ROUTE = Minima(9260.0, 304.8)
DRONES = Minima(50.0, 15.0, 60.0)
WIDE = Minima(100_000.0, 600.0, 600.0)
NUDGES_M = np.array([0.0, 1e-6, 1e-4, 1e-3, 1e-2, 1.0, 100.0])
"""How far beside a minimum adversarial passes are, either way."""
_BANDS = 100
_BAND_M = 3000.0


def rng(seed: int) -> np.random.Generator:
    """The one way a test gets random numbers."""
    return np.random.default_rng(seed)


def go(lat: Any, lng: Any, azimuth_deg: Any, metres: Any) -> tuple[Floats, Floats, Floats]:
    """Go along a geodesic: latitude, longitude and direction there, degrees; elementwise."""
    columns = np.broadcast_arrays(lat, lng, azimuth_deg, metres)
    lat, lng, azimuth_deg, metres = (np.ascontiguousarray(x, np.float64) for x in columns)
    far_lng, far_lat, back = GEOD.fwd(lng, lat, azimuth_deg, metres)
    shape = columns[0].shape
    return (
        np.asarray(far_lat).reshape(shape),
        np.asarray(far_lng).reshape(shape),
        np.add(back, 180.0).reshape(shape),
    )


def track(
    name: str,
    seconds: Any,
    lat: Any,
    lng: Any,
    altitude_m: Any = 10_000.0,
    *,
    reference: AltitudeReference = AltitudeReference.STD,
) -> Trajectories:
    """One trajectory: seconds after :data:`BASE_US`, degrees, metres."""
    time_us = BASE_US + np.rint(np.asarray(seconds, np.float64) * 1e6).astype(np.int64)
    return Trajectories.one(name, time_us, lat, lng, altitude_m, reference=reference)


def numbered(n: int) -> Labels:
    """Labels of n things, each its own body, of no stated party."""
    return Labels.of([f"t{k}" for k in range(n)])


# -- pairs built about their closest point ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of trajectories, rows 2k and 2k + 1, built to pass at ``apart_m`` at ``at_us``."""

    tracks: Trajectories
    minima: Minima
    apart_m: Floats
    at_us: Ints

    def __len__(self) -> int:
        return len(self.apart_m)

    @property
    def rows(self) -> Ints:
        """The pairs' rows, shape (n, 2)."""
        return np.arange(2 * len(self)).reshape(-1, 2)


@dataclass(slots=True, eq=False)
class _Meeting:
    """Both things at the instant of their closest approach: side 0 and 1, columns of shape (n, 2)."""

    lat: Floats
    lng: Floats
    heading: Floats
    speed: Floats
    apart_m: Floats
    at_us: Ints
    altitude: Floats
    climb: Floats


def _anywhere(random: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    return np.degrees(np.arcsin(random.uniform(-1.0, 1.0, n))), random.uniform(-180.0, 180.0, n)


def _by_the_antimeridian(random: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    lng = random.choice([-1.0, 1.0], n) * (180.0 - random.choice([0.0, 1e-9, 1e-4, 0.05], n))
    return random.uniform(-85.0, 85.0, n), lng


def _by_a_pole(random: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    lat = 90.0 - random.choice([0.0, 1e-9, 1e-5, 0.01, 0.3], n)
    return random.choice([-1.0, 1.0], n) * lat, random.uniform(-180.0, 180.0, n)


def _on_the_equator(random: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    return random.choice([-1.0, 1.0], n) * random.choice([0.0, 1e-12, 1e-4, 0.05], n), random.uniform(
        -180, 180, n
    )


def nudged(random: np.random.Generator, n: int, minimum: float) -> Floats:
    """Distances about a minimum: a nudge beside it, either way; one in eight anywhere up to twice of it."""
    nudge = random.choice(NUDGES_M, n) * random.choice([-1.0, 1.0], n)
    return np.where(random.random(n) < 0.125, random.uniform(0.0, 2.0, n) * minimum, np.abs(minimum + nudge))


def _meeting(
    random: np.random.Generator,
    n: int,
    place: Callable[[np.random.Generator, int], tuple[Floats, Floats]],
    apart_m: Floats,
    along: Any,
    across_a: Any,
    across_b: Any,
    *,
    gap_m: Any = 0.0,
    climb: Any = 0.0,
) -> _Meeting:
    """Two things ``apart_m`` apart that move ``along`` the line between them alike, across it as they will.

    ``gap_m`` is how much higher the first is then; ``climb`` the climb of both, shape (n, 2). Each pair flies
    in an altitude band of its own, so that pairs seldom meet each other.
    """
    lat, lng = place(random, n)
    line = random.uniform(0.0, 360.0, n)
    far_lat, far_lng, far_line = go(lat, lng, line, apart_m)
    along = np.broadcast_to(along, n)
    across = np.stack([np.broadcast_to(across_a, n), np.broadcast_to(across_b, n)], axis=1)
    base = _BAND_M * (np.arange(n) % _BANDS)
    return _Meeting(
        np.stack([lat, far_lat], axis=1),
        np.stack([lng, far_lng], axis=1),
        np.stack([line, far_line], axis=1) + np.degrees(np.arctan2(across, along[:, None])),
        np.hypot(across, along[:, None]),
        apart_m,
        BASE_US + random.integers(0, 3_600_000_000, n),
        np.stack([base + np.broadcast_to(gap_m, n), base], axis=1),
        np.array(np.broadcast_to(climb, (n, 2))),
    )


def _sampled(meeting: _Meeting, minima: Minima, offsets_us: tuple[Ints, Ints]) -> Pairs:
    """Samples of both at instants ``offsets_us`` from the closest approach, shape (n, s) for each side."""
    n = meeting.apart_m.shape[0]
    columns = []
    for side in (0, 1):
        seconds = offsets_us[side] * 1e-6
        lat, lng, _ = go(
            meeting.lat[:, [side]],
            meeting.lng[:, [side]],
            meeting.heading[:, [side]],
            meeting.speed[:, [side]] * seconds,
        )
        high = meeting.altitude[:, [side]] + meeting.climb[:, [side]] * seconds
        columns.append((meeting.at_us[:, None] + offsets_us[side], lat, lng, high))
    return _laid_out(n, minima, meeting, columns)


def _laid_out(n: int, minima: Minima, meeting: _Meeting, columns: list[tuple[Any, ...]]) -> Pairs:
    time_us, lat, lng, high = (
        np.concatenate([columns[0][c], columns[1][c]], axis=1).ravel() for c in range(4)
    )
    sizes = np.tile([columns[0][0].shape[1], columns[1][0].shape[1]], n)
    tracks = Trajectories.of(
        numbered(2 * n), np.concatenate([[0], np.cumsum(sizes)]), time_us, lat, lng, high
    )
    return Pairs(tracks, minima, meeting.apart_m, meeting.at_us)


def _before_and_after(
    random: np.random.Generator, n: int, least_s: float, most_s: float
) -> tuple[Ints, Ints]:
    """Two samples for each side, one before and one after, at odd microseconds and not together."""
    span = random.integers(round(least_s * 1e6), round(most_s * 1e6), (n, 2, 2))
    span[:, :, 0] *= -1
    return span[:, 0], span[:, 1]


def _speeds(random: np.random.Generator, n: int, most: float) -> Floats:
    return np.asarray(random.uniform(0.05, 1.0, n) * most * random.choice([-1.0, 1.0], n))


_Place = Callable[[np.random.Generator, int], tuple["Floats", "Floats"]]


def crossing(
    random: np.random.Generator,
    n: int,
    minima: Minima = EN_ROUTE,
    *,
    place: _Place = _anywhere,
    speed: float = 300.0,
    seconds: tuple[float, float] = (1.0, 29.0),
) -> Pairs:
    """Passes at any angle, beside the minimum."""
    meeting = _meeting(
        random,
        n,
        place,
        nudged(random, n, minima.horizontal_m),
        random.uniform(-1.0, 1.0, n) * speed,
        _speeds(random, n, speed),
        _speeds(random, n, speed),
    )
    return _sampled(meeting, minima, _before_and_after(random, n, *seconds))


def head_on(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """Opposite directions, beside the minimum or straight at each other."""
    speed = _speeds(random, n, 300.0)
    apart = np.where(random.random(n) < 0.2, 0.0, nudged(random, n, minima.horizontal_m))
    meeting = _meeting(random, n, _anywhere, apart, 0.0, speed, -speed * random.uniform(0.5, 1.5, n))
    return _sampled(meeting, minima, _before_and_after(random, n, 1.0, 29.0))


def overtaking(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """The same way at all but equal speed, at the minimum: the distance hardly changes."""
    speed = _speeds(random, n, 300.0)
    more = random.choice([0.0, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0], n)
    meeting = _meeting(
        random,
        n,
        _anywhere,
        nudged(random, n, minima.horizontal_m),
        random.choice([0.0, 1.0], n) * random.uniform(-200.0, 200.0, n),
        speed,
        speed + more,
    )
    return _sampled(meeting, minima, _before_and_after(random, n, 5.0, 29.9))


def formation(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """Inside minima all the time, with equal velocities, some at one place."""
    speed = _speeds(random, n, 300.0)
    apart = random.choice([0.0, 1e-6, 1.0, 100.0, 0.5 * minima.horizontal_m, minima.horizontal_m - 1.0], n)
    meeting = _meeting(random, n, _anywhere, apart, 0.0, speed, speed, gap_m=random.uniform(-300.0, 300.0, n))
    return _sampled(meeting, minima, _before_and_after(random, n, 5.0, 29.9))


def hovering(random: np.random.Generator, n: int, minima: Minima = DRONES) -> Pairs:
    """Both still, or one passing the other that is still."""
    speed = np.where(random.random(n) < 0.5, 0.0, _speeds(random, n, 30.0))
    meeting = _meeting(random, n, _anywhere, nudged(random, n, minima.horizontal_m), 0.0, 0.0, speed)
    return _sampled(meeting, minima, _before_and_after(random, n, 1.0, 29.0))


def climbing(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """Through the vertical minimum, some of them just as the horizontal minimum is crossed."""
    apart = random.uniform(0.0, 0.95, n) * minima.horizontal_m
    across = _speeds(random, n, 250.0)
    rates = random.uniform(-30.0, 30.0, (n, 2))
    relative = rates[:, 0] - rates[:, 1]
    # the altitude gap reaches the minimum at about the instant the horizontal distance does, and by nudges
    # beside it
    corner_s = (
        np.sqrt(minima.horizontal_m**2 - apart**2) / (2.0 * np.abs(across)) * random.choice([-1.0, 1.0], n)
    )
    corner_s = np.where(random.random(n) < 0.5, corner_s, random.uniform(-20.0, 20.0, n))
    nudge = random.choice([0.0, 1e-7, 1e-5, 1e-3, 0.1, 10.0], n) * random.choice([-1.0, 1.0], n)
    gap = random.choice([-1.0, 1.0], n) * (minima.vertical_m + nudge) - relative * corner_s
    meeting = _meeting(random, n, _anywhere, apart, 0.0, across, -across, gap_m=gap, climb=rates)
    return _sampled(meeting, minima, _before_and_after(random, n, 5.0, 29.0))


def flight_levels(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """Level, crossing, and apart by a whole number of hundreds of feet: exactly 1,000 ft is separated."""
    upper = random.integers(100, 450, n)
    lower = upper - random.choice([0, 5, 9, 10, 11, 20], n) * random.choice([-1, 1], n)
    pairs = crossing(random, n, minima)
    high = np.repeat(np.stack([upper, lower], axis=1).ravel() * 100.0 * FT_M, np.diff(pairs.tracks.offsets))
    tracks = pairs.tracks
    return Pairs(
        Trajectories.of(tracks.labels, tracks.offsets, tracks.time_us, tracks.lat_deg, tracks.lng_deg, high),
        minima,
        pairs.apart_m,
        pairs.at_us,
    )


def by_the_antimeridian(random: np.random.Generator, n: int) -> Pairs:
    """Across 180 degrees."""
    return crossing(random, n, place=_by_the_antimeridian)


def by_a_pole(random: np.random.Generator, n: int) -> Pairs:
    """At and about the poles."""
    return crossing(random, n, place=_by_a_pole)


def on_the_equator(random: np.random.Generator, n: int) -> Pairs:
    """Along and across the equator."""
    return crossing(random, n, place=_on_the_equator)


def drones(random: np.random.Generator, n: int) -> Pairs:
    """Slow, near each other, over metres."""
    return crossing(random, n, DRONES, speed=20.0)


def wide(random: np.random.Generator, n: int) -> Pairs:
    """A minimum of 100 km."""
    return crossing(random, n, WIDE)


def long_legs(random: np.random.Generator, n: int) -> Pairs:
    """Legs of 25 km to 2,000 km, as plans have them."""
    seconds = np.array([50.0, 51.0, 400.0, 4000.0])[random.integers(0, 4, (n, 2, 2))]
    span = np.rint(seconds * random.uniform(0.9, 1.0, (n, 2, 2)) * 1e6).astype(np.int64)
    span[:, :, 0] *= -1
    meeting = _meeting(
        random,
        n,
        _anywhere,
        nudged(random, n, EN_ROUTE.horizontal_m),
        random.uniform(-200.0, 200.0, n),
        _speeds(random, n, 250.0),
        _speeds(random, n, 250.0),
    )
    return _sampled(meeting, EN_ROUTE, (span[:, 0], span[:, 1]))


def turning(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """Three samples each: both turn where they are nearest, so the closest point is a vertex of two legs."""
    half = _meeting(
        random,
        n,
        _anywhere,
        nudged(random, n, minima.horizontal_m),
        random.uniform(-200.0, 200.0, n),
        _speeds(random, n, 250.0),
        _speeds(random, n, 250.0),
    )
    before, after = _before_and_after(random, n, 1.0, 29.0)
    offsets = [np.stack([x[:, 0], np.zeros(n, np.int64), x[:, 1]], axis=1) for x in (before, after)]
    pairs = _sampled(half, minima, (offsets[0], offsets[1]))
    lat, lng = pairs.tracks.lat_deg.copy(), pairs.tracks.lng_deg.copy()
    # the last sample of each is turned about the vertex by an angle of its own
    last = pairs.tracks.offsets[1:] - 1
    azimuth, _, metres = GEOD.inv(lng[last - 1], lat[last - 1], lng[last], lat[last])
    lat[last], lng[last], _ = go(
        lat[last - 1], lng[last - 1], np.asarray(azimuth) + random.uniform(-120.0, 120.0, 2 * n), metres
    )
    tracks = pairs.tracks
    return Pairs(
        Trajectories.of(tracks.labels, tracks.offsets, tracks.time_us, lat, lng, tracks.altitude_m),
        minima,
        pairs.apart_m,
        pairs.at_us,
    )


def single_samples(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """One sample of the first, at the instant of closest approach; the second passes."""
    meeting = _meeting(
        random,
        n,
        _anywhere,
        nudged(random, n, minima.horizontal_m),
        0.0,
        _speeds(random, n, 250.0),
        _speeds(random, n, 250.0),
    )
    return _sampled(meeting, minima, (np.zeros((n, 1), np.int64), _before_and_after(random, n, 1.0, 29.0)[1]))


def single_instants(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """One sample of each, most at the same instant, some a microsecond apart."""
    meeting = _meeting(random, n, _anywhere, nudged(random, n, minima.horizontal_m), 0.0, 0.0, 0.0)
    late = random.choice([0, 0, 0, 1], (n, 1)).astype(np.int64)
    return _sampled(meeting, minima, (np.zeros((n, 1), np.int64), late))


def touching_in_time(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """The first ends where they are nearest; the second begins then, or a microsecond later."""
    meeting = _meeting(
        random,
        n,
        _anywhere,
        nudged(random, n, minima.horizontal_m),
        random.uniform(-200.0, 200.0, n),
        _speeds(random, n, 250.0),
        _speeds(random, n, 250.0),
    )
    before, after = _before_and_after(random, n, 1.0, 29.0)
    before[:, 1] = 0
    after[:, 0] = random.choice([0, 0, 0, 1], n)
    return _sampled(meeting, minima, (before, after))


def doubled(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """The first has several samples at the instant of closest approach, of which one is near."""
    meeting = _meeting(
        random,
        n,
        _anywhere,
        nudged(random, n, minima.horizontal_m),
        0.0,
        _speeds(random, n, 250.0),
        _speeds(random, n, 250.0),
    )
    before, after = _before_and_after(random, n, 1.0, 29.0)
    zero = np.zeros(n, np.int64)
    pairs = _sampled(
        meeting, minima, (np.stack([before[:, 0], zero, zero, zero, before[:, 1]], axis=1), after)
    )
    lat, lng = pairs.tracks.lat_deg.copy(), pairs.tracks.lng_deg.copy()
    first = pairs.tracks.offsets[0:-1:2]
    near = random.integers(1, 4, n)
    for k in range(5):
        away = k != near
        at = first[away] + k
        metres = random.choice([30_000.0, 300_000.0], n)[away]
        lat[at], lng[at], _ = go(lat[at], lng[at], random.uniform(0.0, 360.0, at.shape[0]), metres)
    tracks = pairs.tracks
    return Pairs(
        Trajectories.of(tracks.labels, tracks.offsets, tracks.time_us, lat, lng, tracks.altitude_m),
        minima,
        pairs.apart_m,
        pairs.at_us,
    )


def unknown_altitudes(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """Four samples of the first, some without an altitude."""
    meeting = _meeting(
        random,
        n,
        _anywhere,
        random.uniform(0.0, 1.2, n) * minima.horizontal_m,
        0.0,
        _speeds(random, n, 250.0),
        _speeds(random, n, 250.0),
        gap_m=random.uniform(-400.0, 400.0, n),
    )
    before, after = _before_and_after(random, n, 15.0, 29.0)
    third = np.rint(before[:, 1] / 3).astype(np.int64)
    pairs = _sampled(meeting, minima, (np.stack([before[:, 0], -third, third, before[:, 1]], axis=1), after))
    tracks = pairs.tracks
    high = tracks.altitude_m.copy()
    high[random.random(high.shape[0]) < 0.3] = np.nan
    return Pairs(
        Trajectories.of(tracks.labels, tracks.offsets, tracks.time_us, tracks.lat_deg, tracks.lng_deg, high),
        minima,
        pairs.apart_m,
        pairs.at_us,
    )


def with_gaps(random: np.random.Generator, n: int, minima: Minima = EN_ROUTE) -> Pairs:
    """Samples 60 s apart to the microsecond, or one more: what happens in between is then unobserved."""
    meeting = _meeting(
        random,
        n,
        _anywhere,
        random.uniform(0.0, 1.0, n) * minima.horizontal_m,
        0.0,
        _speeds(random, n, 250.0),
        _speeds(random, n, 250.0),
    )
    first = random.integers(-60_000_000, 0, n)
    more = random.choice([0, 0, 1, 1_000_000], n)
    sides = [
        np.stack([first - 60_000_000, first, first + 60_000_000 + more], axis=1),
        _before_and_after(random, n, 20.0, 29.0)[1],
    ]
    return _sampled(meeting, minima, (sides[0], sides[1]))


PAIRS: dict[str, Callable[[np.random.Generator, int], Pairs]] = {
    f.__name__: f
    for f in (
        crossing,
        head_on,
        overtaking,
        formation,
        hovering,
        climbing,
        flight_levels,
        by_the_antimeridian,
        by_a_pole,
        on_the_equator,
        drones,
        wide,
        long_legs,
        turning,
        single_samples,
        single_instants,
        touching_in_time,
        doubled,
        unknown_altitudes,
        with_gaps,
    )
}
"""Every family of pairs by name; each takes a generator and how many."""


# -- live states ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class StatePairs:
    """Pairs of states, rows 2k and 2k + 1, built to pass at ``apart_m``, ``in_s`` after ``now_us``."""

    states: States
    minima: Minima
    now_us: int
    apart_m: Floats
    in_s: Floats

    def __len__(self) -> int:
        return len(self.apart_m)

    @property
    def rows(self) -> Ints:
        """The pairs' rows, shape (n, 2)."""
        return np.arange(2 * len(self)).reshape(-1, 2)


def meeting_states(
    random: np.random.Generator,
    n: int,
    minima: Minima = EN_ROUTE,
    *,
    place: _Place = _anywhere,
    speed: float = 300.0,
    equal: bool = False,
    age_s: float = 10.0,
) -> StatePairs:
    """States that will pass beside the minimum, in the look-ahead or at its edge, each of its own instant."""
    across = _speeds(random, n, speed)
    other = across + random.choice([0.0, 1e-6, 1e-3, 0.1], n) if equal else _speeds(random, n, speed)
    apart = nudged(random, n, minima.horizontal_m)
    rates = random.choice([0.0, 1.0], (n, 1)) * random.uniform(-15.0, 15.0, (n, 2))
    meeting = _meeting(
        random,
        n,
        place,
        apart,
        random.uniform(-1.0, 1.0, n) * speed,
        across,
        other,
        gap_m=random.uniform(-1.2, 1.2, n) * minima.vertical_m,
        climb=rates,
    )
    edge = random.choice([0.0, minima.lookahead_s, minima.lookahead_s - 1e-6, minima.lookahead_s + 1e-6], n)
    in_s = np.where(random.random(n) < 0.3, edge, random.uniform(0.0, minima.lookahead_s, n))
    in_s = np.rint(in_s * 1e6) * 1e-6
    own_us = -random.integers(0, round(age_s * 1e6) + 1, (n, 2))
    own_us[0] = 0
    elapsed = own_us * 1e-6 - in_s[:, None]
    lat, lng, heading = go(meeting.lat, meeting.lng, meeting.heading, meeting.speed * elapsed)
    high = meeting.altitude + meeting.climb * elapsed
    states = States.of(
        numbered(2 * n),
        (BASE_US + own_us).ravel(),
        lat.ravel(),
        lng.ravel(),
        high.ravel(),
        meeting.speed.ravel(),
        np.radians(heading).ravel(),
        meeting.climb.ravel(),
    )
    return StatePairs(states, minima, BASE_US, apart, in_s)


STATE_PAIRS: dict[str, Callable[[np.random.Generator, int], StatePairs]] = {
    "crossing": meeting_states,
    "equal_speeds": lambda random, n: meeting_states(random, n, equal=True),
    "hovering": lambda random, n: meeting_states(random, n, DRONES, speed=0.0),
    "drones": lambda random, n: meeting_states(random, n, DRONES, speed=30.0),
    "fast": lambda random, n: meeting_states(random, n, speed=1500.0),
    "wide": lambda random, n: meeting_states(random, n, WIDE),
    "by_the_antimeridian": lambda random, n: meeting_states(random, n, place=_by_the_antimeridian),
    "by_a_pole": lambda random, n: meeting_states(random, n, place=_by_a_pole),
    "on_the_equator": lambda random, n: meeting_states(random, n, place=_on_the_equator),
    "old_states": lambda random, n: meeting_states(random, n, age_s=600.0),
}
"""Every family of pairs of states by name."""


# -- named ones -------------------------------------------------------------------------------------------

TRACKS: dict[str, Trajectories] = {
    "over the antimeridian": track("am", [0, 60], [10.0, 10.0], [179.9, -179.9]),
    "counted on past 180": track("am360", [0, 60], [10.0, 10.0], [179.9, 180.1]),
    "over the north pole": track("np", [0, 60], [89.95, 89.95], [0.0, 180.0]),
    "over the south pole": track("sp", [0, 60], [-89.95, -89.95], [30.0, -150.0]),
    "starts at a pole": track("p0", [0, 60], [90.0, 89.9], [77.0, -10.0]),
    "along the equator": track("eq", [0, 60], [0.0, 0.0], [-0.1, 0.1]),
    "hover": track("hover", [0, 30, 60], [34.0] * 3, [38.0] * 3, 120.0),
    "zero-length leg": track("zero", [0, 20, 40, 60], [34.0, 34.1, 34.1, 34.2], [38.0] * 4),
    "single sample": track("one", [0], [34.0], [38.0]),
    "doubled sample": track("two", [0, 30, 30, 60], [34.0, 34.1, 34.1, 34.2], [38.0] * 4),
    "at two places at once": track("bilocal", [0, 30, 30, 60], [34.0, 34.1, 35.1, 35.2], [38.0] * 4),
    "no altitude": track("nan", [0, 60], [34.0, 34.1], [38.0, 38.0], np.nan),
    "altitude lost": track("lost", [0, 30, 60], [34.0, 34.1, 34.2], [38.0] * 3, [9000.0, np.nan, 9000.0]),
    "a gap": track("gap", [0, 30, 3000, 3030], [34.0, 34.1, 37.0, 37.1], [38.0] * 4),
    "a long leg": track("long", [0, 8000], [51.47, 40.64], [-0.45, -20.0]),
}
"""Trajectories that have broken something somewhere, by what is awkward about them."""


def box(south: float, west: float, north: float, east: float) -> Polygon:
    """A polygon of four vertices (its edges are geodesics, not parallels)."""
    return Polygon(((south, west), (south, east), (north, east), (north, west)))


def amsl(metres: float) -> Altitude:
    """Metres above mean sea level."""
    return Altitude(metres, AltitudeReference.AMSL)


_S = 1_000_000
VOLUMES: dict[str, Volume4D] = {
    "plain": Volume4D(box(34.0, 38.0, 34.2, 38.2), amsl(0.0), amsl(3000.0), BASE_US, BASE_US + 3600 * _S),
    "touches plain's east edge": Volume4D(
        box(34.0, 38.2, 34.2, 38.4), amsl(0.0), amsl(3000.0), BASE_US, BASE_US + 3600 * _S
    ),
    "touches plain's corner": Volume4D(
        box(34.2, 38.2, 34.4, 38.4), amsl(0.0), amsl(3000.0), BASE_US, BASE_US + 3600 * _S
    ),
    "touches plain's ceiling": Volume4D(
        box(34.0, 38.0, 34.2, 38.2), amsl(3000.0), amsl(4000.0), BASE_US, BASE_US + 3600 * _S
    ),
    "begins as plain ends": Volume4D(
        box(34.0, 38.0, 34.2, 38.2), amsl(0.0), amsl(3000.0), BASE_US + 3600 * _S, BASE_US + 7200 * _S
    ),
    "clockwise": Volume4D(
        Polygon(((34.0, 38.0), (34.2, 38.0), (34.2, 38.2), (34.0, 38.2))),
        amsl(0.0),
        amsl(3000.0),
        BASE_US,
        BASE_US + 3600 * _S,
    ),
    "inside plain": Volume4D(
        box(34.05, 38.05, 34.1, 38.1), amsl(1000.0), amsl(1500.0), BASE_US, BASE_US + 3600 * _S
    ),
    "a cross with plain": Volume4D(
        box(34.09, 37.5, 34.11, 38.7), amsl(0.0), amsl(3000.0), BASE_US, BASE_US + 3600 * _S
    ),
    "over the antimeridian": Volume4D(
        Polygon(((10.0, 179.5), (10.0, -179.5), (11.0, -179.5), (11.0, 179.5)))
    ),
    "counted on past 180": Volume4D(Polygon(((10.0, 179.5), (10.0, 180.5), (11.0, 180.5), (11.0, 179.5)))),
    "round the north pole": Volume4D(Polygon(((85.0, 0.0), (85.0, 90.0), (85.0, 180.0), (85.0, -90.0)))),
    "a vertex at the pole": Volume4D(Polygon(((90.0, 0.0), (88.0, 0.0), (88.0, 60.0)))),
    "across the equator": Volume4D(box(-1.0, 20.0, 1.0, 22.0)),
    "circle round the south pole": Volume4D(Circle(-90.0, 0.0, 50_000.0)),
    "circle over the antimeridian": Volume4D(Circle(52.0, 180.0, 20_000.0)),
    "circle of a metre": Volume4D(Circle(34.1, 38.1, 1.0)),
    "concave": Volume4D(
        Polygon(
            (
                (34.0, 38.0),
                (34.0, 38.4),
                (34.2, 38.4),
                (34.2, 38.3),
                (34.05, 38.3),
                (34.05, 38.1),
                (34.2, 38.1),
                (34.2, 38.0),
            )
        )
    ),
    "sliver": Volume4D(Polygon(((34.0, 38.0), (34.0, 39.0), (34.0000001, 39.0)))),
    "vertex on an edge's line": Volume4D(Polygon(((0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (1.0, 0.5)))),
    "a sheet": Volume4D(box(34.0, 38.0, 34.2, 38.2), amsl(1000.0), amsl(1000.0)),
    "no floor": Volume4D(box(34.0, 38.0, 34.2, 38.2), None, amsl(3000.0)),
    "no ceiling": Volume4D(box(34.0, 38.0, 34.2, 38.2), amsl(3000.0), None),
    "a long edge": Volume4D(Polygon(((50.0, 0.0), (50.0, 30.0), (49.0, 15.0)))),
}
"""Volumes that have broken something somewhere, by what is awkward about them."""

BAD_OUTLINES: dict[str, Circle | Polygon] = {
    "two vertices": Polygon(((34.0, 38.0), (34.1, 38.0))),
    "two distinct vertices": Polygon(((34.0, 38.0), (34.1, 38.0), (34.0, 38.0))),
    "one point thrice": Polygon(((34.0, 38.0),) * 3),
    "crosses itself": Polygon(((34.0, 38.0), (34.2, 38.2), (34.2, 38.0), (34.0, 38.2))),
    "no area": Polygon(((0.0, 38.0), (0.0, 38.1), (0.0, 38.2))),
    "NaN": Polygon(((34.0, 38.0), (float("nan"), 38.1), (34.2, 38.2))),
    "latitude 91": Polygon(((34.0, 38.0), (91.0, 38.1), (34.2, 38.2))),
    "radius 0": Circle(34.0, 38.0, 0.0),
    "radius over 1,000 km": Circle(34.0, 38.0, 1_000_001.0),
    "radius NaN": Circle(34.0, 38.0, float("nan")),
}
"""Outlines that are not outlines."""
