"""Whether a flight flies as its intent says: signals of where it is, and what follows from them.

Law: :data:`TURNS` says where each signal leads, :data:`ACTS` what must be declared to the others when the
aircraft's standing and the intent's phase disagree, and nothing else decides. Both are literal tables. What
is to be declared follows from what is kept, not from what happened: a kill between the two changes nothing,
and a declaration that others refuse is due again.

Hysteresis: one position outside declares nothing. Only one that has been outside for longer than
:attr:`Limits.astray_us` is declared nonconforming, and only one that has been inside again for
:attr:`Limits.settled_us` is declared back. A nonconforming flight that is not back :attr:`Limits.recovery_us`
after its declaration is contingent, and that is for good. What a person declared, a person takes back.

A flight whose positions stop is *lost*: its operator is told, and its clocks go on; nothing here takes
silence for either inside or outside.

Known limits: a position is judged where it was reported; its accuracy widens what is claimed off-nominally
(:func:`reach`), not the judgement. The volumes of :func:`reach` hold every place that an aircraft can come to
at the speed it had, or at :attr:`Limits.least_speed_m_s`; one that speeds up leaves them, and they are made
anew.

Source: ASTM F3548-21, conformance monitoring for situational awareness; its constant for recovery is 60 s.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact import check
from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import Kind, Labels
from skypact.airspace.moving import Trajectories
from skypact.airspace.volumes import Circle, Volume4D
from skypact.exchange.intent import Act, Phase
from skypact.instants import HOUR_US, SECOND_US

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.airspace.volumes import Volumes

NM_M: Final = 1_852.0
LOWEST_M: Final = -8_000.0
HIGHEST_M: Final = 100_000.0

HORIZONTAL_M: Final[Mapping[str, float]] = {
    "HA10NM": 10.0 * NM_M,
    "HA4NM": 4.0 * NM_M,
    "HA2NM": 2.0 * NM_M,
    "HA1NM": NM_M,
    "HA05NM": 0.5 * NM_M,
    "HA03NM": 0.3 * NM_M,
    "HA01NM": 0.1 * NM_M,
    "HA005NM": 0.05 * NM_M,
    "HA30m": 30.0,
    "HA10m": 10.0,
    "HA3m": 3.0,
    "HA1m": 1.0,
}
"""Metres of each class of horizontal accuracy; what is not here has no bound."""
VERTICAL_M: Final[Mapping[str, float]] = {
    "VA150m": 150.0,
    "VA45m": 45.0,
    "VA25m": 25.0,
    "VA10m": 10.0,
    "VA3m": 3.0,
    "VA1m": 1.0,
}
"""Metres of each class of vertical accuracy; what is not here has no bound."""


class Standing(enum.Enum):
    """How an aircraft stands to its own volumes."""

    UNSEEN = "unseen"
    """No position yet."""
    CONFORMING = "conforming"
    """Inside."""
    STRAYING = "straying"
    """Outside, not for long."""
    NONCONFORMING = "nonconforming"
    """Outside, and declared, or to be."""
    RETURNING = "returning"
    """Inside again, not for long."""
    CONTINGENT = "contingent"
    """Not expected back."""


class Signal(enum.Enum):
    """What a position, or the clock, says."""

    INSIDE = "inside"
    """A position inside a volume of its own that is in force."""
    OUTSIDE = "outside"
    """A position outside all of them."""
    ASTRAY = "astray"
    """It has been outside for longer than the limit."""
    SETTLED = "settled"
    """It has been inside again for longer than the limit."""
    OVERDUE = "overdue"
    """The time to recover is over."""


TURNS: Final[Mapping[tuple[Standing, Signal], Standing]] = {
    (Standing.UNSEEN, Signal.INSIDE): Standing.CONFORMING,
    (Standing.UNSEEN, Signal.OUTSIDE): Standing.STRAYING,
    (Standing.CONFORMING, Signal.OUTSIDE): Standing.STRAYING,
    (Standing.CONFORMING, Signal.OVERDUE): Standing.CONTINGENT,
    (Standing.STRAYING, Signal.INSIDE): Standing.CONFORMING,
    (Standing.STRAYING, Signal.ASTRAY): Standing.NONCONFORMING,
    (Standing.STRAYING, Signal.OVERDUE): Standing.CONTINGENT,
    (Standing.NONCONFORMING, Signal.INSIDE): Standing.RETURNING,
    (Standing.NONCONFORMING, Signal.OVERDUE): Standing.CONTINGENT,
    (Standing.RETURNING, Signal.OUTSIDE): Standing.NONCONFORMING,
    (Standing.RETURNING, Signal.SETTLED): Standing.CONFORMING,
    (Standing.RETURNING, Signal.OVERDUE): Standing.CONTINGENT,
}
"""Where each signal leads; what is not here leads nowhere. From contingent nothing leads back.

A conforming aircraft is overdue where the others have not taken its return: it is inside, and its intent is
still nonconforming, at the end of its time.
"""

ACTS: Final[Mapping[tuple[Standing, Phase], Act]] = {
    (Standing.NONCONFORMING, Phase.ACTIVATED): Act.DEVIATE,
    (Standing.RETURNING, Phase.ACTIVATED): Act.DEVIATE,
    (Standing.CONFORMING, Phase.NONCONFORMING): Act.RECOVER,
    (Standing.CONTINGENT, Phase.ACTIVATED): Act.GIVE_UP,
    (Standing.CONTINGENT, Phase.NONCONFORMING): Act.GIVE_UP,
}
"""What is due while the standing and the phase of the intent are these."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times and speeds; a deployment may change them.

    Attributes
    ----------
    astray_us
        How long an aircraft may be outside before that is declared.
    settled_us
        How long it must be inside again before that is declared.
    recovery_us
        How long after the declaration it has to come back: 60 s in F3548-21.
    silent_us
        How long without a position until a flight counts as lost.
    share_least, share_days, share_seen_us
        An operator whose flights were inside for a smaller share of what was seen of them in so many days is
        told, once a day, when at least so much was seen: 95 % in F3548-21.
    ahead_us
        How far ahead off-nominal volumes reach.
    renew_us
        Off-nominal volumes that end sooner than this are made anew.
    slices
        Into how many windows of time they are cut.
    least_speed_m_s, climb_m_s
        Speeds over ground and up or down that an aircraft is taken to be able to fly at least.
    margin_m
        Added to what it can reach, on all sides.
    farthest_m
        More than this it is not taken to be able to reach, however long it is silent.
    """

    astray_us: int = 5 * SECOND_US
    settled_us: int = 3 * SECOND_US
    recovery_us: int = 60 * SECOND_US
    silent_us: int = 10 * SECOND_US
    share_least: float = 0.95
    share_days: int = 30
    share_seen_us: int = HOUR_US
    ahead_us: int = 90 * SECOND_US
    renew_us: int = 30 * SECOND_US
    slices: int = 3
    least_speed_m_s: float = 10.0
    climb_m_s: float = 6.0
    margin_m: float = 30.0
    farthest_m: float = 15_000.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of one flight that is in use.

    Attributes
    ----------
    outside_us
        Since when it has been outside without a break; 0: it is not.
    inside_us
        Since when it has been inside without a break; 0: it is not.
    declared_us
        When it was to be declared off-nominal; 0: it is flown as planned.
    seen_us
        When its last position was measured; 0: there is none.
    heard_us
        When that position came, or, before the first, since when one is awaited.
    ours
        Whether the monitor declared it: only then it may take it back or give it up.
    lost
        Whether positions have stopped.
    """

    standing: Standing = Standing.UNSEEN
    outside_us: int = 0
    inside_us: int = 0
    declared_us: int = 0
    seen_us: int = 0
    heard_us: int = 0
    ours: bool = False
    lost: bool = False


def turned(watch: Watch, signal: Signal, at_us: int) -> Watch:
    """Where a signal leads."""
    standing = TURNS.get((watch.standing, signal), watch.standing)
    if signal is Signal.INSIDE:
        watch = replace(watch, outside_us=0, inside_us=watch.inside_us or at_us)
    elif signal is Signal.OUTSIDE:
        watch = replace(watch, inside_us=0, outside_us=watch.outside_us or at_us)
    if standing in {Standing.NONCONFORMING, Standing.CONTINGENT} and not watch.declared_us:
        watch = replace(watch, declared_us=at_us, ours=True)
    return replace(watch, standing=standing)


def seen(watch: Watch, *, inside: bool | None, measured_us: int, now_us: int, limits: Limits) -> Watch:
    """A position came: inside, outside, or (None) nobody can say, for want of an altitude.

    One that was measured before the last is kept, and changes nothing.
    """
    if measured_us <= watch.seen_us:
        return watch
    unobserved = bool(watch.seen_us) and measured_us - watch.seen_us > limits.silent_us
    inside_us = 0 if unobserved else watch.inside_us  # a return must be seen
    watch = replace(watch, seen_us=measured_us, heard_us=now_us, lost=False, inside_us=inside_us)
    if inside is None:
        return passed(watch, measured_us, limits)
    watch = turned(watch, Signal.INSIDE if inside else Signal.OUTSIDE, measured_us)
    watch = passed(watch, measured_us, limits)
    if watch.inside_us and measured_us - watch.inside_us >= limits.settled_us:
        watch = turned(watch, Signal.SETTLED, measured_us)
    return watch


def passed(watch: Watch, at_us: int, limits: Limits) -> Watch:
    """Time has passed: what the clock alone says of a flight, where it was last seen.

    That it is back inside, no clock says: that takes positions. The end of the time to recover comes first: a
    flight that settles after it is late.
    """
    if watch.declared_us and watch.ours and at_us - watch.declared_us >= limits.recovery_us:
        watch = turned(watch, Signal.OVERDUE, at_us)
    if watch.outside_us and at_us - watch.outside_us >= limits.astray_us:
        watch = turned(watch, Signal.ASTRAY, at_us)
    return watch


def silent(watch: Watch, now_us: int, limits: Limits) -> Watch:
    """Whether its positions have stopped."""
    return replace(watch, lost=True) if now_us - watch.heard_us >= limits.silent_us else watch


def follows(watch: Watch, phase: Phase, now_us: int) -> Watch:
    """The watch of a flight whose phase is this now: its people may have changed it, or we have.

    What was taken back leaves nothing behind; what a person declared is a person's.
    """
    match phase:
        case Phase.ACTIVATED if watch.declared_us and not watch.ours:
            standing = (
                Standing.CONFORMING
                if watch.inside_us
                else Standing.STRAYING
                if watch.outside_us
                else Standing.UNSEEN
            )
            return replace(watch, standing=standing, declared_us=0)
        case Phase.ACTIVATED if watch.standing is Standing.CONFORMING:
            return replace(watch, declared_us=0, ours=False)
        case Phase.NONCONFORMING if not watch.declared_us:
            return replace(watch, standing=Standing.NONCONFORMING, declared_us=now_us, ours=False)
        case Phase.CONTINGENT if watch.standing is not Standing.CONTINGENT:
            declared_us = watch.declared_us or now_us
            return replace(watch, standing=Standing.CONTINGENT, declared_us=declared_us, ours=False)
        case _:
            return watch


def due(watch: Watch, phase: Phase) -> Act | None:
    """What must be declared now; None: nothing."""
    act = ACTS.get((watch.standing, phase))
    return act if act is Act.DEVIATE or (act is not None and watch.ours) else None


def seen_us(before_us: int, sights: Sequence[tuple[int, bool | None]], limits: Limits) -> tuple[int, int]:
    """How long a flight was seen inside, and outside, between successive positions.

    Parameters
    ----------
    before_us
        When the position before these was measured; 0: there was none.
    sights
        When each was measured, and whether it was inside. The time before a position counts as it was found
        then; a gap longer than :attr:`Limits.silent_us`, and what nobody can judge, counts as neither.
    """
    inside_us = outside_us = 0
    for at_us, inside in sights:
        if at_us <= before_us:
            continue
        gap_us, before_us = at_us - before_us if before_us else 0, at_us
        if inside is None or gap_us > limits.silent_us:
            continue
        inside_us, outside_us = inside_us + gap_us * inside, outside_us + gap_us * (not inside)
    return inside_us, outside_us


# -- where it may be ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sighting:
    """A position with what is needed to say where the aircraft may be after it.

    Attributes
    ----------
    altitude_m
        Above the WGS 84 ellipsoid; None: not known.
    speed_m_s
        Over ground; None: not known.
    horizontal_m, vertical_m
        Bounds on the error; None: there is none.
    """

    measured_us: int
    lat_deg: float
    lng_deg: float
    altitude_m: float | None
    speed_m_s: float | None = None
    horizontal_m: float | None = None
    vertical_m: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where one position was among the flight's own volumes.

    Attributes
    ----------
    inside
        None: it cannot be said, for want of an altitude.
    horizontal_m, vertical_m
        How far outside the nearest of them that was in force; 0 inside, None where none was or it is not
        known.
    """

    inside: bool | None
    horizontal_m: float | None = 0.0
    vertical_m: float | None = 0.0


def judge(sightings: Sequence[Sighting], volumes: Volumes) -> list[Judgement]:
    """Judge positions against the volumes of their flight (of one body), each by itself, by the engine."""
    if not sightings:
        return []
    n = len(sightings)
    body = volumes.labels.body_of(0)
    found = check.inside(
        Trajectories.of(
            Labels.of(
                [str(k) for k in range(n)],
                kind=Kind.UNCREWED,
                body=[body] * n,
                data_mode=volumes.labels.data_mode,
            ),
            np.arange(n + 1),
            [s.measured_us for s in sightings],
            [s.lat_deg for s in sightings],
            [s.lng_deg for s in sightings],
            [np.nan if s.altitude_m is None else s.altitude_m for s in sightings],
            reference=AltitudeReference.W84,
        ),
        volumes,
    )
    judged = [Judgement(True) for _ in sightings]
    for row in found:
        known = bool(np.isfinite(row.horizontal_m))
        judged[row.a] = Judgement(
            False, row.horizontal_m if known else None, row.vertical_m if known else None
        )
    for k in range(len(found.unchecked)):
        judged[int(found.unchecked.a[k])] = Judgement(None, None, None)
    return judged


def reach(sighting: Sighting, now_us: int, limits: Limits) -> list[Volume4D]:
    """Volumes that hold where an aircraft may be from now on: a disc a window of time, each larger.

    At an instant it can be no further from where it was seen than it flies by then. Where an altitude is not
    known, all altitudes are claimed.
    """
    speed = max(limits.least_speed_m_s, sighting.speed_m_s or 0.0)
    around = limits.margin_m + (NM_M if sighting.horizontal_m is None else sighting.horizontal_m)
    above = limits.margin_m + (VERTICAL_M["VA150m"] if sighting.vertical_m is None else sighting.vertical_m)
    step_us = limits.ahead_us // limits.slices
    volumes = []
    for k in range(limits.slices):
        start_us = now_us + k * step_us
        flown_s = max(0, start_us + step_us - sighting.measured_us) / SECOND_US
        radius_m = min(limits.farthest_m, around + speed * flown_s)
        low, high = LOWEST_M, HIGHEST_M
        if sighting.altitude_m is not None:
            far_m = above + limits.climb_m_s * flown_s
            low, high = max(low, sighting.altitude_m - far_m), min(high, sighting.altitude_m + far_m)
        volumes.append(
            Volume4D(
                Circle(sighting.lat_deg, sighting.lng_deg, radius_m),
                Altitude(low, AltitudeReference.W84),
                Altitude(high, AltitudeReference.W84),
                start_us,
                start_us + step_us,
            )
        )
    return volumes
