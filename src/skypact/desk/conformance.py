"""Flights in use, watched: positions come in, are judged, and what follows is declared to the others.

Law: positions, what they were judged to be, how the flight stands since, and what its operator must know are
one transaction. What is due then is read from that (:func:`skypact.exchange.conformance.due`), and done by
the flight desk like any other change of a flight: committed before it is sent. So a kill in between leaves it
due, and :meth:`Monitor.tick` does it. A declaration that could not be made is tried again each tick, and its
operator is told once why it failed.

Off-nominal volumes are claimed around where the aircraft was last seen, as far as it can come; they are made
anew before they end, and at once where it has left them. What a person declared is left to that person.

Known limits: positions reach a peer when it asks (telemetry), as F3548-21 has it; nothing is pushed. Where
peers' flights are is in ``neighbours.py``.

Source: ASTM F3548-21, conformance monitoring for situational awareness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skypact.desk.flights import Filing
from skypact.desk.turns import Turns
from skypact.errors import InputError, Reason, Refused
from skypact.exchange import conformance as rules
from skypact.exchange.conformance import Judgement, Limits, Sighting, Standing, Watch
from skypact.exchange.intent import Act, Phase
from skypact.formats import f3548_wire as wire
from skypact.instants import DAY_US, SECOND_US, format_instant
from skypact.store import node as kept
from skypact.store import watchful

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.desk.flights import Flights
    from skypact.store import Store
    from skypact.store.tx import Tx

AHEAD_US: Final = 5 * SECOND_US
"""How far another clock may be ahead of ours (F3548-21's time synchronisation)."""
BATCH: Final = 1_000
"""Positions in one message."""
_TRIES: Final = 4

TOLD: Final = {
    Standing.NONCONFORMING: ("nonconforming", "is outside its volumes"),
    Standing.CONTINGENT: ("contingent", "did not come back in time: it is contingent until it ends"),
    Standing.CONFORMING: ("conforming", "is inside its volumes again"),
}
"""Of which standings an operator is told when they begin: the kind of the notice, and what it says."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How a flight stands.

    Attributes
    ----------
    judged
        Of the positions that came, in the order of their times.
    declaring
        What is being declared and was not yet: why; empty: nothing is.
    """

    phase: Phase
    watch: Watch
    judged: tuple[tuple[int, Judgement], ...] = ()
    declaring: str = ""


class Monitor:
    """Watches the flights of one party."""

    def __init__(self, store: Store, flights: Flights, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._store = store
        self._flights = flights
        self._turns = Turns[bytes]()

    async def positions(
        self, entityid: str, telemetry: Sequence[wire.VehicleTelemetry], now_us: int
    ) -> Watched:
        """Positions of a flight in use: kept, judged, and followed.

        Raises
        ------
        Refused
            UNKNOWN: it is none of ours; NOT_NOW: it is not in use; INVALID, TOO_LARGE.
        InputError
            A position is none.
        """
        ident = wire.entity_id(entityid, where="id")
        sorted_fixes = _fixes(telemetry, now_us)
        for _ in range(_TRIES):
            flight = await self._store.read(lambda tx: kept.flight(tx, ident))
            volumes, off = self._volumes(_flying(flight))
            judged = _judged([fix for fix, _ in sorted_fixes], volumes or off)
            done = await self._store.write(
                lambda tx, f=flight, j=judged: self._take(tx, f, sorted_fixes, j, now_us)  # type: ignore[misc]
            )
            if done is not None:
                break
        else:
            raise Refused(Reason.UNAVAILABLE, "this flight is being changed", expected="a moment")
        phase, watch = done
        declaring = await self._follow(ident, now_us)
        if declaring is not None:
            phase, watch, why = declaring
        else:
            why = ""
        times = tuple(fix.measured_us for fix, _ in sorted_fixes)
        return Watched(phase, watch, tuple(zip(times, judged, strict=True)), why)

    async def standing(self, ident: bytes) -> Watch | None:
        """How a flight stands; None: it is not watched."""
        return await self._store.read(lambda tx: watchful.watch(tx, ident))

    async def tick(self, now_us: int) -> int:
        """What the clock says of all flights in use; for every second. Returns how many acts were due."""
        rows = await self._store.read(watchful.in_use)
        made = 0
        for ident, state, before in rows:
            watch, phase = before, Phase(state)
            if watch is None or self._clocked(watch, now_us) != watch:
                watch = await self._store.write(partial(self._look_again, ident=ident, now_us=now_us))
            if watch is None or (
                phase is Phase.ACTIVATED and rules.due(rules.follows(watch, phase, now_us), phase) is None
            ):
                continue  # most flights, most of the time
            made += await self._follow(ident, now_us) is not None
        return made

    async def forget(self) -> int:
        """Forget how flights stood that are over; returns how many. For the ticker, every minute."""
        return await self._store.write(watchful.drop_watches)

    # -- what is kept ---------------------------------------------------------------------------------------

    def _clocked(self, watch: Watch, now_us: int) -> Watch:
        return rules.silent(rules.passed(watch, now_us, self.limits), now_us, self.limits)

    def _take(
        self,
        tx: Tx,
        judged_on: kept.Flight | None,
        fixes: Sequence[tuple[Sighting, wire.VehicleTelemetry]],
        judged: Sequence[Judgement],
        now_us: int,
    ) -> tuple[Phase, Watch] | None:
        """Keep positions and what follows; None where the flight has changed since they were judged."""
        flight = kept.flight(tx, judged_on.id) if judged_on is not None else None
        if flight is None or judged_on is None or flight.filed != judged_on.filed:
            return None
        phase = Phase(flight.state)
        before = watchful.watch(tx, flight.id) or Watch(heard_us=now_us)
        watch = rules.follows(before, phase, now_us)
        for (fix, telemetry), verdict in zip(fixes, judged, strict=True):
            kept.add_position(tx, flight.id, fix.measured_us, now_us, wire.encode(telemetry))
            watch = rules.seen(
                watch,
                inside=verdict.inside,
                measured_us=fix.measured_us,
                now_us=now_us,
                limits=self.limits,
            )
        watch = rules.follows(rules.passed(watch, now_us, self.limits), phase, now_us)
        content = {
            "positions": [telemetry for _, telemetry in fixes],
            "inside": [verdict.inside for verdict in judged],
            "standing": watch.standing.value,
            "at_us": now_us,
        }
        leaf = tx.append("flight.positions", wire.id_text(flight.id), msgspec.json.encode(content))
        self._turned(tx, flight, before, watch, fixes, judged, leaf, now_us)
        watchful.put_watch(tx, flight.id, watch)
        sights = [(fix.measured_us, verdict.inside) for (fix, _), verdict in zip(fixes, judged, strict=True)]
        self._count(tx, flight, rules.seen_us(before.seen_us, sights, self.limits), leaf, now_us)
        return phase, watch

    def _count(self, tx: Tx, flight: kept.Flight, seen_us: tuple[int, int], leaf: int, now_us: int) -> None:
        """Add to what was seen of an operator's flights; tell it where too little of that was inside."""
        if not any(seen_us):
            return
        day, operator = now_us // DAY_US, flight.operator
        watchful.add_flown(tx, operator, day, *seen_us)
        (total,) = watchful.flown(tx, day - self.limits.share_days, operator)
        if (
            total.share < self.limits.share_least
            and total.inside_us + total.outside_us >= self.limits.share_seen_us
            and watchful.tell_flown(tx, operator, day)
        ):
            text = (
                f"of operator {operator}: its flights were inside their volumes for "
                f"{100.0 * total.share:.1f} % of the time they were seen in {self.limits.share_days} days, "
                f"less than {100.0 * self.limits.share_least:g} %"
            )
            _tell(tx, flight, "conformance", text, {"share": total.share}, now_us, leaf, now_us)

    async def shares(self, now_us: int) -> list[watchful.Flown]:
        """How long the flights of each operator were seen inside and outside, over the days of the limits."""
        since = now_us // DAY_US - self.limits.share_days
        return await self._store.read(lambda tx: watchful.flown(tx, since))

    def _look_again(self, tx: Tx, ident: bytes, now_us: int) -> Watch | None:
        """What the clock says of one flight; None: it is not in use any more."""
        flight = kept.flight(tx, ident)
        if flight is None or not Phase(flight.state).in_use:
            return None
        before = watchful.watch(tx, ident) or Watch(heard_us=now_us)
        watch = self._clocked(rules.follows(before, Phase(flight.state), now_us), now_us)
        content = {"standing": watch.standing.value, "lost": watch.lost, "at_us": now_us}
        leaf = tx.append("flight.watch", wire.id_text(ident), msgspec.json.encode(content))
        self._turned(tx, flight, before, watch, (), (), leaf, now_us)
        watchful.put_watch(tx, ident, watch)
        return watch

    def _turned(
        self,
        tx: Tx,
        flight: kept.Flight,
        before: Watch,
        watch: Watch,
        fixes: Sequence[tuple[Sighting, wire.VehicleTelemetry]],
        judged: Sequence[Judgement],
        leaf: int,
        now_us: int,
    ) -> None:
        """Tell the operator how its flight stands now, where that is news."""
        caused_us = fixes[-1][0].measured_us if fixes else now_us
        if watch.lost != before.lost:
            kind = "lost" if watch.lost else "found"
            last = format_instant(watch.seen_us) if watch.seen_us else "never"
            text = f"its positions have stopped; the last was at {last}" if watch.lost else "it is seen again"
            _tell(tx, flight, kind, text, {"last": last}, caused_us, leaf, now_us)
        told = TOLD.get(watch.standing)
        came_back = before.declared_us and before.standing is not Standing.CONFORMING
        if (
            told is None
            or watch.standing is before.standing
            or (watch.standing is Standing.CONFORMING and not came_back)
            or (watch.declared_us and not watch.ours)
            or (watch.standing is Standing.NONCONFORMING and before.standing is Standing.RETURNING)
        ):
            return
        far = next((v for v in reversed(judged) if v.inside is False), None)
        away = ""
        if far is not None and watch.standing is Standing.NONCONFORMING:
            away = (
                ", with no volume in force"
                if far.horizontal_m is None or far.vertical_m is None
                else f" by {far.horizontal_m:.0f} m horizontally, {far.vertical_m:.0f} m vertically"
            )
        _tell(tx, flight, told[0], told[1] + away, {"away": away}, caused_us, leaf, now_us)

    # -- what is declared -----------------------------------------------------------------------------------

    async def _follow(self, ident: bytes, now_us: int) -> tuple[Phase, Watch, str] | None:
        """Declare what is due; answers how it stands then and why it failed, or None: nothing was due."""
        async with self._turns.of(ident):
            flight, watch, last = await self._store.read(
                lambda tx: (kept.flight(tx, ident), watchful.watch(tx, ident), kept.last_position(tx, ident))
            )
            if flight is None or watch is None or not Phase(flight.state).in_use:
                return None
            phase = Phase(flight.state)
            watch = rules.follows(watch, phase, now_us)
            act = rules.due(watch, phase)
            sighting = (
                None if last is None else _sighting(last[0], wire.decode(last[2], wire.VehicleTelemetry))
            )
            if act is None:
                act = self._renewal(flight, watch, sighting, now_us)
            if act is None or (sighting is None and act is not Act.RECOVER):
                return None
            why = await self._declare(flight, act, sighting, now_us)

            def close(tx: Tx) -> tuple[Phase, Watch]:
                row, current = kept.flight(tx, ident), watchful.watch(tx, ident)
                now_phase = phase if row is None else Phase(row.state)
                after = rules.follows(current or watch, now_phase, now_us)
                watchful.put_watch(tx, ident, after)
                if why and row is not None:
                    _tell_failed(tx, row, act, why, now_us)
                return now_phase, after

            return *await self._store.write(close), why

    def _renewal(
        self, flight: kept.Flight, watch: Watch, sighting: Sighting | None, now_us: int
    ) -> Act | None:
        """Whether the off-nominal volumes that we claimed must be made anew."""
        phase = Phase(flight.state)
        if phase not in {Phase.NONCONFORMING, Phase.CONTINGENT} or not watch.ours or sighting is None:
            return None
        _, off = self._volumes(flight)
        again = Act.DEVIATE if phase is Phase.NONCONFORMING else Act.GIVE_UP
        if off is None or int(off.end_us.max()) < now_us + self.limits.renew_us:
            return again
        at_hand = replace(sighting, measured_us=max(sighting.measured_us, int(off.start_us.min())))
        return again if rules.judge([at_hand], off)[0].inside is False else None

    async def _declare(self, flight: kept.Flight, act: Act, sighting: Sighting | None, now_us: int) -> str:
        """Change the flight; answers why it was not done, or nothing."""
        details = wire.decode(flight.details, wire.OperationalIntentDetails)
        phase = {
            Act.DEVIATE: Phase.NONCONFORMING,
            Act.GIVE_UP: Phase.CONTINGENT,
            Act.RECOVER: Phase.ACTIVATED,
        }[act]
        off: list[wire.Volume4D] = []
        if act is not Act.RECOVER and sighting is not None:
            off = [wire.wire_volume(volume) for volume in rules.reach(sighting, now_us, self.limits)]
        filing = Filing(
            phase=phase.value,
            volumes=details.volumes or [],
            off_nominal_volumes=off,
            priority=flight.priority,
            name=flight.name,
            operator=flight.operator,
        )
        try:
            result = await self._flights.file(filing, now_us, ident=wire.id_text(flight.id))
        except (Refused, InputError) as error:
            return str(error)
        return "" if result.done else result.why

    def _volumes(self, flight: kept.Flight) -> tuple[Any, Any]:
        """What it planned, and what it claims off-nominally; None for none."""
        details = wire.decode(flight.details, wire.OperationalIntentDetails)
        ident = wire.id_text(flight.id)
        party = self._flights.settings.party
        return tuple(
            self._flights.volumed.of(listed, ident=ident, party=party) if listed else None
            for listed in (details.volumes, details.off_nominal_volumes)
        )  # type: ignore[return-value]


# -- positions ----------------------------------------------------------------------------------------------


def _flying(flight: kept.Flight | None) -> kept.Flight:
    if flight is None:
        raise Refused(Reason.UNKNOWN, "no flight of ours has this id", where="id")
    if not Phase(flight.state).in_use:
        raise Refused(
            Reason.NOT_NOW,
            "positions are taken of flights in use",
            found=flight.state,
            expected="Activated, Nonconforming or Contingent",
        )
    return flight


def _fixes(
    telemetry: Sequence[wire.VehicleTelemetry], now_us: int
) -> list[tuple[Sighting, wire.VehicleTelemetry]]:
    """Positions by their times, each once; refused as a whole where one is none."""
    if not telemetry:
        raise Refused(Reason.INVALID, "no position", where="$.positions", found="none")
    if len(telemetry) > BATCH:
        raise Refused(
            Reason.TOO_LARGE, "too many positions", where="$.positions", found=len(telemetry), expected=BATCH
        )
    fixes: dict[int, tuple[Sighting, wire.VehicleTelemetry]] = {}
    for row, one in enumerate(telemetry):
        where = f"$.positions[{row}]"
        measured_us = wire.instant(one.time_measured, where=f"{where}.time_measured")
        if measured_us > now_us + AHEAD_US:
            raise Refused(
                Reason.INVALID,
                "a position from the future",
                where=f"{where}.time_measured",
                found=one.time_measured.value,
                expected=f"at most 5 s after {format_instant(now_us)}, the time here",
            )
        place = one.position
        if place is None or place.latitude is None or place.longitude is None:
            raise Refused(
                Reason.INVALID,
                "a position without a place",
                where=f"{where}.position",
                expected="latitude and longitude",
            )
        whole = wire.VehicleTelemetry(
            time_measured=one.time_measured,
            position=wire.Position(
                longitude=place.longitude,
                latitude=place.latitude,
                accuracy_h=place.accuracy_h or "HAUnknown",
                accuracy_v=place.accuracy_v or "VAUnknown",
                extrapolated=bool(place.extrapolated),
                altitude=place.altitude,
            ),
            velocity=one.velocity,
        )
        fixes[measured_us] = _sighting(measured_us, whole), whole
    return [fixes[measured_us] for measured_us in sorted(fixes)]


def _sighting(measured_us: int, telemetry: wire.VehicleTelemetry) -> Sighting:
    place, velocity = telemetry.position, telemetry.velocity
    assert place is not None  # noqa: S101 -- seen to when it came
    assert place.latitude is not None  # noqa: S101 -- the same
    assert place.longitude is not None  # noqa: S101 -- the same
    return Sighting(
        measured_us,
        place.latitude,
        place.longitude,
        None if place.altitude is None else place.altitude.value,
        None if velocity is None else abs(velocity.speed),
        rules.HORIZONTAL_M.get(place.accuracy_h or ""),
        rules.VERTICAL_M.get(place.accuracy_v or ""),
    )


def _judged(sightings: Sequence[Sighting], volumes: Any) -> list[Judgement]:
    if volumes is None:
        return [Judgement(None, None, None) for _ in sightings]
    return rules.judge(sightings, volumes)


# -- what operators are told --------------------------------------------------------------------------------


def _tell(
    tx: Tx,
    flight: kept.Flight,
    kind: str,
    text: str,
    content: dict[str, Any],
    caused_us: int,
    leaf: int,
    now_us: int,
) -> None:
    name = flight.name or wire.id_text(flight.id)
    kept.add_notice(
        tx,
        kind=kind,
        flight=flight.id,
        operator=flight.operator,
        conflicts=0,
        text=f"flight {name}: {text}" if kind in {"lost", "found"} else f"flight {name} {text}",
        content=msgspec.json.encode({"flight": wire.id_text(flight.id), **content}),
        caused_us=caused_us,
        leaf=leaf,
        now_us=now_us,
    )


def _tell_failed(tx: Tx, flight: kept.Flight, act: Act, why: str, now_us: int) -> None:
    """That a declaration failed, once for each reason until something else is told."""
    before = watchful.last_notice_of(tx, flight.id)
    text = f"could not {act.value}: {why}"
    if before is not None and before.kind == "undeclared" and before.text.endswith(text):
        return
    _tell(tx, flight, "undeclared", text, {"act": act.value, "why": why}, now_us, -1, now_us)
