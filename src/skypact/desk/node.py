"""A party's node at work: its own flights, what peers ask of them, and what peers say of theirs.

Law: what a peer says of its own flight is kept as what that peer said, and used only where it agrees with the
discovery service. A notification is believed as to who sent it (its token), never as to anything else: it
must be about what that party says that it manages, newer than what it said before, and possible. What each
party says of an id is kept apart from what any other says of it, so that nobody can speak first in another's
place: planning takes what the party says that the discovery service names. What is refused is kept in the
ledger too.

:func:`shown` is the one place that says what a peer may see of a flight of ours.

Known limits: whoever never said that an entity exists is not asked to prove that it does not. An operator is
told of what any party with the right to speak says, under that party's name, also of what the discovery
service does not have: a conflict that is told of is not first looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from skypact.desk import said
from skypact.desk.constraints import left_behind, tell_operators
from skypact.desk.flights import (
    CONSTRAINT,
    INTENT,
    Filing,
    Flights,
    NodeSettings,
    OurMeetings,
    Result,
    known_row,
    told_since,
)
from skypact.errors import InputError, Reason, Refused
from skypact.exchange import planning as plan
from skypact.exchange.dss import STRATEGIC, Availability, State
from skypact.exchange.intent import Phase
from skypact.formats import f3548_wire as wire
from skypact.instants import SECOND_US
from skypact.store import node as kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.desk.outside import Outside
    from skypact.store import Store
    from skypact.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Cleared:
    """What came of clearing an area: flights that were ended, and what could not be, each in one clause."""

    ended: tuple[str, ...]
    failed: tuple[str, ...]


def shown(flight: kept.Flight | None) -> kept.Flight:
    """A flight of ours as any party that coordinates may see it: what the discovery service has of it.

    Before the service has accepted it there is none, and after its end there is none.

    Raises
    ------
    Refused
        UNKNOWN: there is nothing to see.
    """
    if flight is None or not Phase(flight.state).shared:
        raise Refused(Reason.UNKNOWN, "no such operational intent here", where="entityid")
    return flight


class NodeDesk:
    """The operations of a node, on a store."""

    def __init__(self, store: Store, outside: Outside, settings: NodeSettings) -> None:
        self.settings = settings
        self.flights = Flights(store, outside, settings)
        self._store = store
        self._outside = outside

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self._store

    async def recover(self, now_us: int) -> int:
        """Settle what a kill left open; for start-up, and every few seconds."""
        return await self.flights.recover(now_us)

    # -- what peers ask -------------------------------------------------------------------------------------

    async def details(self, entityid: str) -> bytes:
        """``GetOperationalIntentDetailsResponse`` of a flight of ours, as JSON.

        Raises
        ------
        Refused
            UNKNOWN.
        """
        ident = wire.entity_id(entityid, where="entityid")
        flight = shown(await self._store.read(lambda tx: kept.flight(tx, ident)))
        return (
            b'{"operational_intent":{"reference":'
            + flight.reference
            + b',"details":'
            + flight.details
            + b"}}"
        )

    async def telemetry(self, entityid: str) -> wire.GetOperationalIntentTelemetryResponse:
        """Where an off-nominal flight of ours was last.

        Raises
        ------
        Refused
            UNKNOWN; CONFLICT: it is flown as planned; NOT_NOW: no position is known.
        """
        ident = wire.entity_id(entityid, where="entityid")

        def work(tx: Tx) -> tuple[kept.Flight | None, tuple[int, int, bytes] | None]:
            return kept.flight(tx, ident), kept.last_position(tx, ident)

        row, position = await self._store.read(work)
        flight = shown(row)
        if State(flight.state).nominal:
            raise Refused(
                Reason.CONFLICT,
                "telemetry is given of off-nominal flights only",
                found=flight.state,
                expected="Nonconforming or Contingent",
            )
        if position is None:
            raise Refused(Reason.NOT_NOW, "no position of this flight is known")
        return wire.GetOperationalIntentTelemetryResponse(
            operational_intent_id=wire.id_text(ident),
            telemetry=wire.decode(position[2], wire.VehicleTelemetry),
        )

    async def position(self, entityid: str, telemetry: wire.VehicleTelemetry, now_us: int) -> None:
        """Keep where a flight of ours was.

        Raises
        ------
        Refused
            UNKNOWN: it is none of ours.
        """
        ident = wire.entity_id(entityid, where="entityid")
        measured_us = wire.instant(telemetry.time_measured, where="$.time_measured")
        content = wire.encode(telemetry)

        def work(tx: Tx) -> None:
            shown(kept.flight(tx, ident))
            kept.add_position(tx, ident, measured_us, now_us, content)

        await self._store.write(work)

    # -- what peers say -------------------------------------------------------------------------------------

    async def intent_told(
        self, party: str, body: wire.PutOperationalIntentDetailsParameters, raw: bytes, now_us: int
    ) -> None:
        """A peer says that an intent of its own has changed, or is gone.

        Raises
        ------
        Refused
            INVALID: it says what cannot be; FORBIDDEN: it is not the manager; CONFLICT: it said something
            newer, or something else of the same version, before.
        """
        ident = wire.entity_id(body.operational_intent_id, where="$.operational_intent_id")
        told = body.operational_intent
        if told is None:
            await self._gone(INTENT, ident, party, raw, now_us)
            return
        _about(told.reference.id, told.reference.manager, ident, party)
        details = self.flights.volumed.intent(told)
        reference = said.reference_of(told.reference)
        await self._told(
            INTENT,
            party,
            known_row(INTENT, told, details, source="told", now_us=now_us),
            reference,
            details,
            raw,
        )

    async def constraint_told(
        self, party: str, body: wire.PutConstraintDetailsParameters, raw: bytes, now_us: int
    ) -> None:
        """A peer says that a constraint of its own has changed, or is gone; raises as :meth:`intent_told`."""
        ident = wire.entity_id(body.constraint_id, where="$.constraint_id")
        told = body.constraint
        if told is None:
            await self._gone(CONSTRAINT, ident, party, raw, now_us)
            return
        _about(told.reference.id, told.reference.manager, ident, party)
        details = self.flights.volumed.constraint(told)
        reference = said.constraint_reference_of(told.reference)
        row = known_row(CONSTRAINT, told, details, source="told", now_us=now_us)
        await self._told(CONSTRAINT, party, row, reference, details, raw)

    async def _told(
        self,
        kind: str,
        party: str,
        row: kept.KnownEntity,
        reference: plan.Reference,
        details: plan.Details,
        raw: bytes,
    ) -> None:
        wrong = plan.fault(replace(reference, ovn=details.ovn), details)
        if wrong:
            raise Refused(Reason.INVALID, f"it cannot be: {wrong}", where="$")
        now_us = row.heard_us
        other = plan.Other(reference)
        volumes = details.volumes
        meetings = OurMeetings(self.flights, other, volumes, details.priority)
        await self._store.read(meetings.read)  # computed here as far as it goes; the transaction reads again

        def work(tx: Tx) -> None:
            before = kept.known(tx, kind, row.id, party)
            if not _newer(before, row):
                return
            met = meetings.read(tx)
            if before is not None and before.source == "asked" and before.digest == row.digest:
                # it was asked for before: some operators were told of this very version when they filed
                since_us = before.heard_us
                met = [m for m in met if (reference.ident, party) not in told_since(tx, m[0].id, since_us)]
            left = left_behind(tx, self.flights, row.id, party, met) if kind == CONSTRAINT else []
            leaf = tx.append(f"{kind}.told", wire.id_text(row.id), raw)
            kept.put_known(tx, row)
            tell_operators(
                tx, met, left, manager=party, gone=False, caused_us=now_us, leaf=leaf, now_us=now_us
            )

        await self._store.write(work)

    async def _gone(self, kind: str, ident: bytes, party: str, raw: bytes, now_us: int) -> None:
        def work(tx: Tx) -> None:
            before = kept.known(tx, kind, ident, party)
            if before is None:  # it never said that there is one, and what others say stays
                tx.append(f"{kind}.gone", wire.id_text(ident), raw)
                return
            if before.content is None:
                return
            left = left_behind(tx, self.flights, ident, party, ()) if kind == CONSTRAINT else []
            leaf = tx.append(f"{kind}.gone", wire.id_text(ident), raw)
            kept.put_known(tx, before._replace(content=None, source="told", heard_us=now_us))
            tell_operators(tx, (), left, manager=party, gone=True, caused_us=now_us, leaf=leaf, now_us=now_us)

        await self._store.write(work)

    async def reported(
        self, party: str, report: wire.ErrorReport, raw: bytes, now_us: int
    ) -> wire.ErrorReport:
        """Keep a report of a fault; answers it with its id."""
        ident = wire.id_text(wire.new_id())
        kept_report = msgspec.structs.replace(report, report_id=ident)

        def work(tx: Tx) -> None:
            kept.add_report(tx, ident, "received", party, wire.encode(kept_report), now_us)
            tx.append("report.received", ident, raw)

        await self._store.write(work)
        return kept_report

    # -- our own people -------------------------------------------------------------------------------------

    async def file(self, filing: Filing, now_us: int, *, ident: str | None = None) -> Result:
        """As :meth:`skypact.desk.flights.Flights.file`."""
        return await self.flights.file(filing, now_us, ident=ident)

    async def end(self, ident: str, now_us: int) -> Result:
        """As :meth:`skypact.desk.flights.Flights.end`."""
        return await self.flights.end(ident, now_us)

    async def notices(self, after_us: int, before_us: int) -> list[kept.Notice]:
        """What operators were told in a span of time, both ends included."""
        return await self._store.read(lambda tx: kept.notices(tx, after_us, before_us))

    async def named(self, name: str) -> kept.Flight | None:
        """The flight that its party calls so."""
        return await self._store.read(lambda tx: kept.flight_named(tx, name))

    async def clear(self, extent: wire.Volume4D, now_us: int) -> Cleared:
        """End every flight of ours that meets an extent, also those that only the discovery service knows."""
        area = wire.domain_volumes([extent], ident="", party="", mode=self.settings.mode, where="$.extent")
        box = said.box_of(area)
        start, end = int(area.start_us.min()), int(area.end_us.max())
        near = await self._store.read(lambda tx: kept.flights_near(tx, box, start, end))
        reference = plan.Reference("", "", 0, State.ACCEPTED, Availability.UNKNOWN, start, end, "")
        met = self.flights.meeting_ours(near, plan.Other(reference), area, 0)
        ended: list[str] = []
        failed: list[str] = []
        for flight, _ in met:
            ident = wire.id_text(flight.id)
            try:
                result = await self.flights.end(ident, now_us)
            except Refused as error:
                failed.append(f"{ident}: {error}")
                continue
            (ended if result.done else failed).append(ident if result.done else f"{ident}: {result.why}")
        known = {wire.id_text(flight.id) for flight in near}
        forgotten, faults = await self._clear_forgotten(extent, known, now_us)
        return Cleared((*ended, *forgotten), (*failed, *faults))

    async def _clear_forgotten(
        self, extent: wire.Volume4D, known: set[str], now_us: int
    ) -> tuple[Sequence[str], Sequence[str]]:
        """End what the discovery service has of ours and the store has not: a store that was lost."""
        try:
            there = await self._outside.intents_in(extent, self.settings.dss_s)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the area is not clear
            return (), (f"the discovery service: {error}",)
        ended: list[str] = []
        failed: list[str] = []
        for found in there:
            ident = found.id.lower()
            if found.manager != self.settings.party or ident in known:
                continue
            row = await self._store.read(partial(_flight, ident=wire.entity_id(ident, where="id")))
            if row is not None and Phase(row.state).shared:
                continue  # it was changed meanwhile, and does not meet the extent in our own eyes
            try:
                answer = await self._outside.delete_intent(
                    ident, said.shown_ovn(found.ovn), self.settings.dss_s
                )
            except Exception as error:  # noqa: BLE001 -- the same
                failed.append(f"{ident}: {error}")
                continue
            await self._store.write(partial(self._tell_gone, answer=answer, now_us=now_us))
            ended.append(ident)
        self.settings.wake()
        return ended, failed

    def _tell_gone(self, tx: Tx, answer: wire.ChangeOperationalIntentReferenceResponse, now_us: int) -> None:
        ident = answer.operational_intent_reference.id
        tx.append("flight.forgotten", ident, wire.encode(answer))
        for subscriber in answer.subscribers:
            base = subscriber.uss_base_url
            if base == self.settings.base_url:
                continue
            message = wire.PutOperationalIntentDetailsParameters(
                operational_intent_id=ident, subscriptions=subscriber.subscriptions
            )
            tx.out(
                party=base,
                to=f"{base}/uss/v1/operational_intents",
                method="POST",
                scope=STRATEGIC,
                body=wire.encode(message),
                topic="flight",
                ref=ident,
                order_key=f"notify {base}",
                now_us=now_us,
                not_after_us=now_us + 600 * SECOND_US,
            )


def _flight(tx: Tx, ident: bytes) -> kept.Flight | None:
    return kept.flight(tx, ident)


def _about(said_id: str, manager: str, ident: bytes, party: str) -> None:
    """Refuse a message that is about another entity than it says, or that its sender does not manage."""
    if said_id.lower() != wire.id_text(ident):
        raise InputError(
            "the reference is of another entity",
            where="$.reference.id",
            found=said_id,
            expected=wire.id_text(ident),
        )
    if manager != party:
        raise Refused(
            Reason.FORBIDDEN,
            "only its manager may say so",
            where="$.reference.manager",
            found=party,
            expected=manager,
        )


def _newer(before: kept.KnownEntity | None, row: kept.KnownEntity) -> bool:
    """Whether a party says more than it did before; False where it says the same again.

    Raises
    ------
    Refused
        CONFLICT.
    """
    if before is None:
        return True
    if before.content is None:
        if before.ovn == row.ovn:
            raise Refused(Reason.CONFLICT, "this version was said to be gone", found=row.version)
        return True
    if (
        before.source != "told"
    ):  # it was asked for: a notification may be behind that, and no fault of anybody's
        return row.version >= before.version
    if row.version < before.version:
        raise Refused(
            Reason.CONFLICT,
            "a newer version was told before",
            where="$.reference.version",
            found=row.version,
            expected=f"{before.version} or more",
        )
    if row.version == before.version and row.digest != before.digest:
        raise Refused(
            Reason.CONFLICT,
            "this version was told before, and was another",
            where="$.reference.version",
            found=row.version,
        )
    return row.version > before.version
