"""The interface of a party's own people and tools: ``/api/v1``, as rows of the table of operations.

Law: a row says who may, what comes and what goes back; what is done is the desks'. Whatever is read goes
through :func:`skypact.desk.people.visible`. A filing that others stand in the way of is 409 with *what* is in
the way, when and how close; one that was sent and not answered is 202, and is being found out. What a
person enters is logged before it is acted on.

Scopes: ``skypact.read`` reads; ``skypact.flights`` files and changes flights, and reads;
``skypact.constraints`` files and changes constraints, and reads; ``skypact.arbitrate`` declares the
availability of a party at the discovery service. ``docs/api.md`` lists the operations.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from skypact.desk import logs
from skypact.desk.constraints import ConstraintFiling, ConstraintResult
from skypact.desk.flights import Filing, Result
from skypact.desk.outside import NoAnswer, Rubbish, Turned
from skypact.desk.people import ARBITRATE, CONSTRAINTS, FLIGHTS, READ, Person, filed_by, visible
from skypact.errors import FormatError, InputError, Reason, Refused
from skypact.exchange.intent import Phase
from skypact.exchange.planning import Ending, Meeting
from skypact.formats import FORMATS, Defaults, read
from skypact.formats import f3548_wire as wire
from skypact.formats.claims import Tube, claims
from skypact.instants import format_instant, parse_instant
from skypact.server.operation import Answer, Call, Operation, Style
from skypact.store import node as kept
from skypact.store import outbox, watchful

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skypact.desk.conformance import Monitor, Watched
    from skypact.desk.constraints import ConstraintDesk
    from skypact.desk.neighbours import Neighbour, Neighbours
    from skypact.desk.node import NodeDesk
    from skypact.desk.outside import Arbiter
    from skypact.exchange.conformance import Watch
    from skypact.store.tx import Tx

_V1: Final = "/api/v1"
_READERS: Final = tuple(frozenset({scope}) for scope in (READ, FLIGHTS, CONSTRAINTS))
_FLIERS: Final = (frozenset({FLIGHTS}),)
_CONSTRAINERS: Final = (frozenset({CONSTRAINTS}),)
_ARBITERS: Final = (frozenset({ARBITRATE}),)
_PAGE: Final = 1_000

Name = Annotated[str, Meta(max_length=255)]
Planned = Literal["Accepted", "Activated", "Nonconforming", "Contingent"]
T = TypeVar("T")


# -- what comes ---------------------------------------------------------------------------------------------


class FlightIn(Struct, kw_only=True):
    """A flight to be filed.

    Attributes
    ----------
    id
        A UUID of version 4; drawn where it is left out. A repeat with the same id changes that flight.
    operator
        Who is told of what concerns it; who files it, where it is left out.
    """

    volumes: list[wire.Volume4D] = []
    off_nominal_volumes: list[wire.Volume4D] = []
    phase: Planned = "Accepted"
    priority: int = 0
    name: Name = ""
    operator: Name = ""
    id: str | None = None


class FlightChange(Struct, kw_only=True):
    """What is to change of a flight; what is left out stays as it is.

    A flight that goes as planned has no off-nominal volumes: a change back to that drops them.
    """

    volumes: list[wire.Volume4D] | None = None
    off_nominal_volumes: list[wire.Volume4D] | None = None
    phase: Planned | None = None
    priority: int | None = None


class PositionsIn(Struct, kw_only=True):
    """Where a flight in use was."""

    positions: list[wire.VehicleTelemetry]


class ConstraintIn(Struct, kw_only=True):
    """A constraint to be filed; ``provider`` is who is authorised to declare it."""

    volumes: list[wire.Volume4D]
    type: Annotated[str, Meta(max_length=2_048)] | None = None
    geozone: dict[str, Any] | None = None
    name: Name = ""
    provider: Name = ""
    id: str | None = None


class AvailabilityIn(Struct, kw_only=True):
    """What is declared of a party; ``old_version`` is what was read before, empty where there was none."""

    availability: wire.AvailabilityState
    old_version: str = ""


# -- what goes back -----------------------------------------------------------------------------------------


class MeetingOut(Struct, kw_only=True, omit_defaults=True):
    """What a flight meets: what, when, how close. Metres between outlines and bands, 0 where they overlap."""

    id: str
    manager: str
    state: str
    start: str
    end: str
    text: str
    priority: int | None = None
    horizontal_m: float | None = None
    vertical_m: float | None = None
    lat: float | None = None
    lng: float | None = None
    altitude_m: float | None = None


class StandingOut(Struct, kw_only=True, omit_defaults=True):
    """How a flight in use stands to its volumes."""

    standing: str
    lost: bool
    seen: str | None = None
    outside_since: str | None = None
    declared: str | None = None


class VersionOut(Struct, kw_only=True):
    """One version of a flight: what was done, when, and the position of its leaf in the ledger."""

    version: int
    act: str
    written: str
    leaf: int
    meets: list[str]


class ToldOut(Struct, kw_only=True, omit_defaults=True):
    """A message to another party, and how far it has come.

    ``parties`` are those who said that their entities are at that base URL: a discovery service names URLs.
    """

    to: str
    parties: list[str]
    topic: str
    state: str
    made: str
    ended: str | None = None
    attempts: int
    status: int | None = None
    fault: str | None = None


class FlightOut(Struct, kw_only=True, omit_defaults=True):
    """A flight of ours, as the discovery service last accepted it."""

    id: str
    name: str
    operator: str
    phase: str
    priority: int
    version: int
    start: str
    end: str
    written: str
    volumes: list[wire.Volume4D] | None = None
    off_nominal_volumes: list[wire.Volume4D] | None = None
    standing: StandingOut | None = None
    versions: list[VersionOut] | None = None
    told: list[ToldOut] | None = None


class FilingOut(Struct, kw_only=True, omit_defaults=True):
    """What came of a filing.

    Attributes
    ----------
    ending
        ``done``, or ``unsettled``: it was sent, and whether it arrived is being found out.
    meets
        What the flight meets all the same, and why it may; or that it came while the flight was on its way.
    stands_in_the_way
        Only of a flight whose answer was lost: it is filed, and in conflict with these. ``why`` says so too.
    """

    id: str
    ending: str
    phase: str
    meets: list[MeetingOut]
    stands_in_the_way: list[MeetingOut] = []
    why: str | None = None
    flight: FlightOut | None = None


class CheckOut(Struct, kw_only=True):
    """What a filing would come to now. That nothing stands in the way now is no promise."""

    stands_in_the_way: list[MeetingOut]
    meets: list[MeetingOut]
    why: str


class JudgedOut(Struct, kw_only=True):
    """One position, judged: ``inside`` is null where it cannot be said; metres are null where not known."""

    measured: str
    inside: bool | None
    horizontal_m: float | None
    vertical_m: float | None


class PositionsOut(Struct, kw_only=True, omit_defaults=True):
    """What came of positions; ``declaring`` says why a declaration that is due was not made yet."""

    phase: str
    standing: StandingOut
    judged: list[JudgedOut]
    declaring: str | None = None


class ShareOut(Struct, kw_only=True):
    """The share of what was seen of an operator's flights that was inside; 1 where nothing was seen."""

    operator: str
    share: float
    seen_s: float


class Shares(Struct, kw_only=True):
    """Operators by name; over how many days, and what share is the least that is wanted."""

    operators: list[ShareOut]
    days: int
    least: float


class ConstraintOut(Struct, kw_only=True, omit_defaults=True):
    """A constraint of ours, as the discovery service last accepted it."""

    id: str
    name: str
    provider: str
    state: str
    version: int
    start: str
    end: str
    written: str
    volumes: list[wire.Volume4D] | None = None
    type: str | None = None
    geozone: dict[str, Any] | None = None
    told: list[ToldOut] | None = None


class ConstraintFiledOut(Struct, kw_only=True, omit_defaults=True):
    """What came of it; ``settled`` false: it was sent, and whether it arrived is being found out."""

    id: str
    state: str
    settled: bool
    why: str | None = None


class NoticeOut(Struct, kw_only=True, omit_defaults=True):
    """What an operator has to know; ``id`` is its instant in microseconds."""

    id: str
    at: str
    kind: str
    subject: str
    operator: str
    text: str
    conflicts: int
    seen_by: str | None = None
    seen: str | None = None


class ReachOut(Struct, kw_only=True, omit_defaults=True):
    """How far messages of one lane to one party have come."""

    to: str
    parties: list[str]
    lane: str
    waiting: int
    delivered: int
    refused: int
    expired: int
    withdrawn: int
    failures: int
    oldest_waiting: str | None = None
    last_delivered: str | None = None
    next_try: str | None = None
    last_status: int | None = None
    last_fault: str | None = None


class AvailabilityOut(Struct, kw_only=True):
    """What the discovery service has of a party's availability."""

    party: str
    availability: str
    version: str


class ReportOut(Struct, kw_only=True):
    """A report of a fault in an exchange: ``received`` from a party, or ``made`` to it."""

    id: str
    way: str
    party: str
    written: str
    report: msgspec.Raw


class Page(Struct, kw_only=True, omit_defaults=True):
    """A part of a list; ``next`` is what ``after`` must be for the rest, absent at the end."""

    next: str | None = None


class Flights(Page, kw_only=True):
    """Flights by id."""

    flights: list[FlightOut]


class Constraints(Page, kw_only=True):
    """Constraints by id."""

    constraints: list[ConstraintOut]


class Notices(Page, kw_only=True):
    """Notices, first to last."""

    notices: list[NoticeOut]


class Positions(Page, kw_only=True):
    """Positions, first to last."""

    positions: list[wire.PositionRecord]


class NeighbourOut(Struct, kw_only=True, omit_defaults=True):
    """A peer's flight that is not flown as planned and meets ours, and what its manager says of it now.

    Attributes
    ----------
    heard
        When the manager last said what it is.
    meets
        Ids of our flights that it meets or may meet.
    telemetry, next_telemetry
        Where it was last, and when there will be more; absent where the manager did not say.
    silent
        Why there is no telemetry. It does not mean that nothing is there.
    """

    id: str
    manager: str
    state: str
    start: str
    end: str
    heard: str
    meets: list[str]
    telemetry: wire.VehicleTelemetry | None = None
    next_telemetry: str | None = None
    silent: str = ""


class NeighboursOut(Struct, kw_only=True):
    """Peers' off-nominal flights that meet ours, those first that end first."""

    neighbours: list[NeighbourOut]


class Reaches(Struct, kw_only=True):
    """Who has been reached and who has not."""

    peers: list[ReachOut]


class Reports(Struct, kw_only=True):
    """Reports, the last first."""

    reports: list[ReportOut]


# -- the rows -----------------------------------------------------------------------------------------------


def operations(
    desk: NodeDesk,
    *,
    monitor: Monitor | None = None,
    constraints: ConstraintDesk | None = None,
    arbiter: Arbiter | None = None,
    neighbours: Neighbours | None = None,
) -> tuple[Operation, ...]:
    """The operations for a party's own people.

    Parameters
    ----------
    monitor, constraints, arbiter, neighbours
        Without one of these, its operations are not there.
    """
    rows = [*_flights(desk), *_notices(desk), *_reach(desk, arbiter)]
    if monitor is not None:
        rows += _positions(desk, monitor)
    if neighbours is not None:
        rows.append(_neighbours(desk, neighbours))
    if constraints is not None:
        rows += _constraints(desk, constraints)
    return tuple(rows)


def _row(
    name: str,
    method: str,
    path: str,
    scopes: tuple[frozenset[str], ...],
    handle: Callable[[Call], Awaitable[Answer]],
    summary: str,
    **more: Any,
) -> Operation:
    return Operation(
        name,
        method,
        _V1 + path,
        scopes,
        handle,
        style=Style.PROBLEM,
        summary=summary,
        tag="Own people",
        **more,
    )


def _flights(desk: NodeDesk) -> list[Operation]:
    async def file(call: Call) -> Answer:
        body: FlightIn = call.body
        person = _person(call, desk)
        operator = filed_by(person, body.operator, where="$.operator")
        if body.id is not None:
            await _may_change(desk, person, body.id)
        filing = Filing(
            phase=body.phase,
            volumes=body.volumes,
            off_nominal_volumes=body.off_nominal_volumes,
            priority=body.priority,
            name=body.name,
            operator=operator,
        )
        return await _filed(desk, call, filing, body.id, 201)

    async def file_document(call: Call) -> Answer:
        filing = await _document(call, desk)
        ident = call.query.get("id")
        if ident is not None:
            await _may_change(desk, _person(call, desk), ident)
        return await _filed(desk, call, filing, ident, 201)

    async def check(call: Call) -> Answer:
        body: FlightIn = call.body
        filing = Filing(
            phase=body.phase,
            volumes=body.volumes,
            off_nominal_volumes=body.off_nominal_volumes,
            priority=body.priority,
        )
        if body.id is not None:
            await _may_change(desk, _person(call, desk), body.id)
        outcome = await desk.flights.check(filing, call.now_us, ident=body.id)
        return Answer(
            body=CheckOut(
                stands_in_the_way=[_meeting(m) for m in outcome.verdict.refused],
                meets=[_meeting(m) for m in outcome.verdict.permitted],
                why=outcome.why,
            )
        )

    async def listed(call: Call) -> Answer:
        person, limit = _person(call, desk), _limit(call)
        after = _id_after(call)
        ended = _flag(call, "ended")
        found: list[FlightOut] = []
        last = after
        while len(found) < limit:
            page = await desk.store.read(
                lambda tx, a=last: kept.flights(tx, ended=ended, limit=_PAGE, after=a)  # type: ignore[misc]
            )
            for row in page:
                last = row.id
                if visible(person, row.operator):
                    found.append(_flight(row))
                    if len(found) == limit:
                        break
            if len(page) < _PAGE:
                return Answer(body=Flights(flights=found, next=None if len(found) < limit else _next(last)))
        return Answer(body=Flights(flights=found, next=_next(last)))

    async def get(call: Call) -> Answer:
        row = await _seen(desk, call)
        ident = wire.id_text(row.id)

        def more(tx: Tx) -> tuple[list[VersionOut], list[ToldOut], Watch | None]:
            return _versions(tx, row.id), _told(tx, ident), watchful.watch(tx, row.id)

        versions, told, watch = await desk.store.read(more)
        return Answer(body=_flight(row, whole=True, versions=versions, told=told, watch=watch))

    async def change(call: Call) -> Answer:
        body: FlightChange = call.body
        row = await _seen(desk, call)
        details = wire.decode(row.details, wire.OperationalIntentDetails)
        phase = body.phase or row.state
        off = body.off_nominal_volumes
        if off is None:
            off = [] if phase in {"Accepted", "Activated"} else details.off_nominal_volumes or []
        filing = Filing(
            phase=phase,
            volumes=details.volumes or [] if body.volumes is None else body.volumes,
            off_nominal_volumes=off,
            priority=row.priority if body.priority is None else body.priority,
            name=row.name,
            operator=row.operator,
        )
        return await _filed(desk, call, filing, wire.id_text(row.id), 200)

    async def activate(call: Call) -> Answer:
        row = await _seen(desk, call)
        details = wire.decode(row.details, wire.OperationalIntentDetails)
        filing = Filing(
            phase=Phase.ACTIVATED.value,
            volumes=details.volumes or [],
            priority=row.priority,
            name=row.name,
            operator=row.operator,
        )
        return await _filed(desk, call, filing, wire.id_text(row.id), 200)

    async def end(call: Call) -> Answer:
        row = await _seen(desk, call)
        ident = wire.id_text(row.id)
        await _note(desk, call, ident, Phase.ENDED, "end it")
        return await _came_of(desk, await desk.end(ident, call.now_us), 200)

    statuses = {
        202: "Sent, and whether it arrived is being found out.",
        409: "Others stand in the way; the answer says what, when and how close.",
        412: "Its phase does not permit it.",
    }
    unknown = {404: "There is no such flight for who asks."}
    return [
        _row(
            "fileFlight", "POST", "/flights", _FLIERS, file, "File a flight", body=FlightIn,
            answer=FilingOut, statuses={201: "Filed, and shared.", **statuses},
        ),
        _row(
            "fileFlightDocument", "POST", "/flights/document", _FLIERS, file_document,
            "File a flight from a .plan, GeoJSON or F3548-21 document", body=bytes, answer=FilingOut,
            statuses={201: "Filed, and shared.", **statuses}, query=_DOCUMENT_QUERY,
        ),
        _row(
            "checkFlight", "POST", "/check", _FLIERS, check, "What stands in the way of a flight, now",
            body=FlightIn, answer=CheckOut, statuses={200: "Nothing was filed, and nobody was told."},
        ),
        _row(
            "listFlights", "GET", "/flights", _READERS, listed, "Our flights", answer=Flights,
            query={
                "ended": "true: those that are over too", "limit": "1 to 1000", "after": "`next` of a page",
            },
        ),
        _row(
            "getFlight", "GET", "/flights/{id}", _READERS, get,
            "One flight: volumes, versions with what each met, who was told", answer=FlightOut,
            statuses=unknown,
        ),
        _row(
            "changeFlight", "PUT", "/flights/{id}", _FLIERS, change, "Change a flight", body=FlightChange,
            answer=FilingOut, statuses={**unknown, **statuses},
        ),
        _row(
            "activateFlight", "POST", "/flights/{id}/activate", _FLIERS, activate, "Begin to use a flight",
            answer=FilingOut, statuses={**unknown, **statuses},
        ),
        _row(
            "endFlight", "POST", "/flights/{id}/end", _FLIERS, end, "End a flight", answer=FilingOut,
            statuses={**unknown, **statuses},
        ),
        _row(
            "deleteFlight", "DELETE", "/flights/{id}", _FLIERS, end, "End a flight", answer=FilingOut,
            statuses={**unknown, **statuses},
        ),
    ]  # fmt: skip


def _positions(desk: NodeDesk, monitor: Monitor) -> list[Operation]:
    async def post(call: Call) -> Answer:
        row = await _seen(desk, call)
        body: PositionsIn = call.body
        watched = await monitor.positions(wire.id_text(row.id), body.positions, call.now_us)
        return Answer(body=_watched(watched))

    async def get(call: Call) -> Answer:
        row, limit = await _seen(desk, call), _limit(call)
        after_us = _instant(call, "after", 0)
        found = await desk.store.read(
            lambda tx: watchful.positions(tx, row.id, after_us=after_us + 1, limit=limit)
        )
        records = [
            wire.PositionRecord(
                time_received=wire.time(received), telemetry=wire.decode(content, wire.VehicleTelemetry)
            )
            for _, received, content in found
        ]
        following = format_instant(found[-1][0]) if len(found) == limit else None
        return Answer(body=Positions(positions=records, next=following))

    async def shares(call: Call) -> Answer:
        person = _person(call, desk)
        rows = [row for row in await monitor.shares(call.now_us) if visible(person, row.operator)]
        return Answer(
            body=Shares(
                operators=[
                    ShareOut(
                        operator=row.operator,
                        share=row.share,
                        seen_s=(row.inside_us + row.outside_us) / 1e6,
                    )
                    for row in rows
                ],
                days=monitor.limits.share_days,
                least=monitor.limits.share_least,
            )
        )

    return [
        _row(
            "getConformance", "GET", "/conformance", _READERS, shares,
            "How much of their time the flights of each operator were inside their volumes", answer=Shares,
        ),
        _row(
            "postPositions", "POST", "/flights/{id}/positions", _FLIERS, post,
            "Where a flight in use was: kept, judged, and followed", body=PositionsIn, answer=PositionsOut,
            statuses={404: "There is no such flight for who asks.", 412: "It is not in use."},
        ),
        _row(
            "getPositions", "GET", "/flights/{id}/positions", _READERS, get, "Where a flight was",
            answer=Positions, query={"after": "an instant", "limit": "1 to 1000"},
            statuses={404: "There is no such flight for who asks."},
        ),
    ]  # fmt: skip


def _constraints(desk: NodeDesk, keeper: ConstraintDesk) -> list[Operation]:
    def person_of(call: Call) -> Person:
        return _person(call, desk)

    async def owned(call: Call) -> watchful.ConstraintRow:
        row = await keeper.get(call.params["id"])
        if not visible(person_of(call), row.provider):
            raise Refused(
                Reason.UNKNOWN, "no constraint of ours has this id", where="id", found=call.params["id"]
            )
        return row

    def answered(result: ConstraintResult, status: int) -> Answer:
        body = ConstraintFiledOut(
            id=result.ident, state=result.state, settled=result.settled, why=result.why or None
        )
        if not result.settled:
            return Answer(202, body)
        if not result.done:
            raise Refused(Reason.CONFLICT, result.why, extra={"id": result.ident, "state": result.state})
        return Answer(status, body)

    async def file(call: Call) -> Answer:
        body: ConstraintIn = call.body
        person = person_of(call)
        provider = filed_by(person, body.provider, where="$.provider")
        if body.id is not None:
            ident = wire.entity_id(body.id, where="$.id")
            before = await desk.store.read(lambda tx: watchful.constraint(tx, ident))
            if before is not None and not visible(person, before.provider):
                raise Refused(Reason.CONFLICT, "this id cannot be used", where="$.id", found=body.id)
        filing = ConstraintFiling(
            volumes=body.volumes, type=body.type, geozone=body.geozone, name=body.name, provider=provider
        )
        return answered(await keeper.file(filing, call.now_us, ident=body.id), 201)

    async def change(call: Call) -> Answer:
        body: ConstraintIn = call.body
        row = await owned(call)
        filing = ConstraintFiling(
            volumes=body.volumes,
            type=body.type,
            geozone=body.geozone,
            name=body.name or row.name,
            provider=row.provider,
        )
        return answered(await keeper.file(filing, call.now_us, ident=call.params["id"]), 200)

    async def end(call: Call) -> Answer:
        await owned(call)
        return answered(await keeper.end(call.params["id"], call.now_us), 200)

    async def listed(call: Call) -> Answer:
        limit, person = _limit(call), person_of(call)
        after, ended = _id_after(call), _flag(call, "ended")
        rows = await keeper.listed(ended=ended, limit=limit, after=after)
        seen = [_constraint(row) for row in rows if visible(person, row.provider)]
        following = _next(rows[-1].id) if len(rows) == limit else None
        return Answer(body=Constraints(constraints=seen, next=following))

    async def get(call: Call) -> Answer:
        row = await owned(call)
        told = await desk.store.read(lambda tx: _told(tx, wire.id_text(row.id)))
        return Answer(body=_constraint(row, whole=True, told=told))

    unknown = {404: "There is no such constraint for who asks."}
    statuses = {
        202: "Sent, and whether it arrived is being found out.",
        409: "The discovery service does not have it so.",
    }
    return [
        _row(
            "fileConstraint", "POST", "/constraints", _CONSTRAINERS, file, "File a constraint",
            body=ConstraintIn, answer=ConstraintFiledOut, statuses={201: "Filed, and told.", **statuses},
        ),
        _row(
            "listConstraints", "GET", "/constraints", _READERS, listed, "Our constraints", answer=Constraints,
            query={
                "ended": "true: those that are over too", "limit": "1 to 1000", "after": "`next` of a page",
            },
        ),
        _row(
            "getConstraint", "GET", "/constraints/{id}", _READERS, get,
            "One constraint, and for each subscriber whether it was reached", answer=ConstraintOut,
            statuses=unknown,
        ),
        _row(
            "changeConstraint", "PUT", "/constraints/{id}", _CONSTRAINERS, change, "Change a constraint",
            body=ConstraintIn, answer=ConstraintFiledOut, statuses={**unknown, **statuses},
        ),
        _row(
            "endConstraint", "DELETE", "/constraints/{id}", _CONSTRAINERS, end, "End a constraint",
            answer=ConstraintFiledOut, statuses={**unknown, **statuses},
        ),
    ]  # fmt: skip


def _notices(desk: NodeDesk) -> list[Operation]:
    async def listed(call: Call) -> Answer:
        person, limit = _person(call, desk), _limit(call)
        after_us, unseen = _instant(call, "after", 0), _flag(call, "unseen")
        before_us = _instant(call, "before", 2**62)
        found: list[NoticeOut] = []
        last_us = after_us
        while len(found) < limit:

            def page(tx: Tx, from_us: int = last_us) -> tuple[list[kept.Notice], dict[int, tuple[str, int]]]:
                rows = kept.notices(tx, from_us + 1, before_us, _PAGE)
                return rows, watchful.seen(tx, rows[0].at_us, rows[-1].at_us) if rows else {}

            rows, seen = await desk.store.read(page)
            for row in rows:
                last_us = row.at_us
                if visible(person, row.operator) and not (unseen and row.at_us in seen):
                    found.append(_notice(row, seen.get(row.at_us)))
                    if len(found) == limit:
                        break
            if len(rows) < _PAGE:
                break
        return Answer(
            body=Notices(notices=found, next=format_instant(last_us) if len(found) == limit else None)
        )

    async def see(call: Call) -> Answer:
        person, given = _person(call, desk), call.params["id"]
        if not given.isascii() or not given.isdigit() or len(given) > 18:
            raise Refused(Reason.UNKNOWN, "there is no such notice", where="id", found=given)
        at_us = int(given)

        def work(tx: Tx) -> NoticeOut:
            row = watchful.notice(tx, at_us)
            if row is None or not visible(person, row.operator):
                raise Refused(Reason.UNKNOWN, "there is no such notice", where="id", found=given)
            first = watchful.see(tx, at_us, person.name, call.now_us)
            tx.append("notice.seen", given, msgspec.json.encode({"by": first[0], "at_us": first[1]}))
            return _notice(row, first)

        return Answer(body=await desk.store.write(work))

    return [
        _row(
            "listNotices", "GET", "/notices", _READERS, listed, "What operators have to know",
            answer=Notices,
            query={
                "after": "an instant", "before": "an instant", "limit": "1 to 1000",
                "unseen": "true: only those that nobody has said to have seen",
            },
        ),
        _row(
            "seeNotice", "POST", "/notices/{id}/seen", _READERS, see,
            "Say that a notice was seen; that is not that it was agreed to", answer=NoticeOut,
            statuses={404: "There is no such notice for who asks."},
        ),
    ]  # fmt: skip


def _neighbours(desk: NodeDesk, neighbours: Neighbours) -> Operation:
    async def listed(call: Call) -> Answer:
        person = _person(call, desk)
        found = await neighbours.off_nominal(
            call.now_us, concerns=lambda flight: visible(person, flight.operator)
        )
        return Answer(body=NeighboursOut(neighbours=list(map(_neighbour, found))))

    return _row(
        "listNeighbours", "GET", "/neighbours", _READERS, listed,
        "Peers' flights that are not flown as planned and meet ours; their managers are asked where they are",
        answer=NeighboursOut,
    )  # fmt: skip


def _neighbour(found: Neighbour) -> NeighbourOut:
    reference, answer = found.reference, found.answer
    coming = None if answer is None else answer.next_telemetry_opportunity
    return NeighbourOut(
        id=reference.id.lower(),
        manager=reference.manager,
        state=reference.state,
        start=reference.time_start.value,
        end=reference.time_end.value,
        heard=format_instant(found.heard_us),
        meets=[wire.id_text(flight.id) for flight in found.meets],
        telemetry=None if answer is None else answer.telemetry,
        next_telemetry=None if coming is None else coming.value,
        silent=found.why,
    )


def _reach(desk: NodeDesk, arbiter: Arbiter | None) -> list[Operation]:
    async def listed(call: Call) -> Answer:
        _whole(call, desk)
        rows, managers = await desk.store.read(lambda tx: (outbox.reach(tx), watchful.managers(tx)))
        return Answer(body=Reaches(peers=[_reached(row, managers) for row in rows]))

    async def reports(call: Call) -> Answer:
        _whole(call, desk)
        rows = await desk.store.read(lambda tx: kept.reports(tx, _limit(call)))
        return Answer(
            body=Reports(
                reports=[
                    ReportOut(
                        id=ident,
                        way=way,
                        party=party,
                        written=format_instant(written_us),
                        report=msgspec.Raw(content),
                    )
                    for ident, way, party, content, written_us in rows
                ]
            )
        )

    rows = [
        _row(
            "listPeers", "GET", "/peers", _READERS, listed,
            "Who has been reached and who has not, with what waits", answer=Reaches,
        ),
        _row(
            "listReports", "GET", "/reports", _READERS, reports, "Reports of faults, received and made",
            answer=Reports, query={"limit": "1 to 1000"},
        ),
    ]  # fmt: skip
    if arbiter is None:
        return rows
    service = arbiter

    async def get(call: Call) -> Answer:
        party = call.params["party"]
        answer = await _of_dss(service.availability(party, desk.settings.dss_s))
        return Answer(body=_available(answer))

    async def put(call: Call) -> Answer:
        _whole(call, desk)
        party, body = call.params["party"], call.body
        raw = wire.encode(
            wire.SetUssAvailabilityStatusParameters(
                old_version=body.old_version, availability=body.availability
            )
        )
        answer = await _of_dss(service.set_availability(party, raw, desk.settings.dss_s))
        content = {"party": party, "availability": body.availability, "by": call.party, "at_us": call.now_us}
        await desk.store.write(lambda tx: tx.append("availability.set", party, msgspec.json.encode(content)))
        return Answer(body=_available(answer))

    return [
        *rows,
        _row(
            "getAvailability", "GET", "/peers/{party}/availability", _READERS, get,
            "Whether a party answers, as the discovery service has it", answer=AvailabilityOut,
        ),
        _row(
            "setAvailability", "PUT", "/peers/{party}/availability", _ARBITERS, put,
            "Declare whether a party answers: for the arbiter of the region", body=AvailabilityIn,
            answer=AvailabilityOut, statuses={409: "Not the version that is there."},
        ),
    ]  # fmt: skip


# -- who asks, and for what ---------------------------------------------------------------------------------


def _person(call: Call, desk: NodeDesk) -> Person:
    return Person(call.party, desk.settings.party)


def _whole(call: Call, desk: NodeDesk) -> None:
    """What concerns the party as a whole is for the party itself."""
    if not _person(call, desk).all:
        raise Refused(
            Reason.FORBIDDEN,
            "this is for the party itself",
            where="sub",
            found=call.party,
            expected=desk.settings.party,
        )


def _own(person: Person, operator: str, noun: str, ident: str) -> None:
    if not visible(person, operator):
        raise Refused(Reason.UNKNOWN, f"no {noun} of ours has this id", where="id", found=ident)


async def _seen(desk: NodeDesk, call: Call) -> kept.Flight:
    """The flight of the path, as far as who asks may see it."""
    given = call.params["id"]
    ident = wire.entity_id(given, where="id")
    row = await desk.store.read(lambda tx: kept.flight(tx, ident))
    if row is None:
        raise Refused(Reason.UNKNOWN, "no flight of ours has this id", where="id", found=given)
    _own(_person(call, desk), row.operator, "flight", given)
    return row


async def _may_change(desk: NodeDesk, person: Person, given: str) -> None:
    """Refuse to write over a flight that who asks may not see."""
    ident = wire.entity_id(given, where="$.id")
    row = await desk.store.read(lambda tx: kept.flight(tx, ident))
    if row is not None and not visible(person, row.operator):
        raise Refused(Reason.CONFLICT, "this id cannot be used", where="$.id", found=given)


def _limit(call: Call) -> int:
    text = call.query.get("limit", "100")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _PAGE:
        raise FormatError("not a number of rows", where="query.limit", found=text, expected=f"1 to {_PAGE}")
    return int(text)


def _flag(call: Call, name: str) -> bool:
    text = call.query.get(name, "false")
    if text not in {"true", "false"}:
        raise FormatError("neither true nor false", where=f"query.{name}", found=text)
    return text == "true"


def _instant(call: Call, name: str, absent: int) -> int:
    text = call.query.get(name)
    return absent if text is None else parse_instant(text, where=f"query.{name}")


def _id_after(call: Call) -> bytes:
    text = call.query.get("after")
    return b"" if text is None else wire.entity_id(text, where="query.after")


def _next(ident: bytes) -> str | None:
    return wire.id_text(ident) if ident else None


# -- filing -------------------------------------------------------------------------------------------------


async def _note(desk: NodeDesk, call: Call, ident: str, phase: Phase, text: str) -> None:
    """Log what a person entered."""
    await desk.store.write(lambda tx: logs.entered(tx, ident, phase, call.party, text, call.now_us))


async def _filed(desk: NodeDesk, call: Call, filing: Filing, ident: str | None, status: int) -> Answer:
    ident = wire.id_text(wire.new_id() if ident is None else wire.entity_id(ident, where="$.id"))
    await _note(
        desk, call, ident, Phase(filing.phase), f"file it as {filing.phase}, priority {filing.priority}"
    )
    return await _came_of(desk, await desk.file(filing, call.now_us, ident=ident), status)


async def _came_of(desk: NodeDesk, result: Result, status: int) -> Answer:
    if result.ending is Ending.UNSETTLED:
        return Answer(
            202,
            FilingOut(
                id=result.ident, ending="unsettled", phase=result.phase.value, meets=[], why=result.why
            ),
        )
    if not result.done:
        extra = {
            "id": result.ident,
            "phase": result.phase.value,
            "stands_in_the_way": msgspec.to_builtins([_meeting(m) for m in result.refused]),
            "meets": msgspec.to_builtins([_meeting(m) for m in result.permitted]),
        }
        raise Refused(Reason.CONFLICT, result.why, extra=extra)
    ident = wire.entity_id(result.ident, where="id")
    row = await desk.store.read(lambda tx: kept.flight(tx, ident))
    return Answer(
        status,
        FilingOut(
            id=result.ident,
            ending="done",
            phase=result.phase.value,
            meets=[_meeting(m) for m in result.permitted],
            stands_in_the_way=[_meeting(m) for m in result.refused],
            why=result.why or None,
            flight=None if row is None else _flight(row, whole=True),
        ),
    )


_DOCUMENT_QUERY: Final = {
    "name": "what the party calls it",
    "operator": "who is told of what concerns it",
    "phase": "Accepted or Activated",
    "priority": "a whole number",
    "start": "when a plan without times begins, RFC 3339",
    "format": "plan, geojson or f3548; told by content where it is left out",
    "half_width_m": "what is claimed to each side of a path",
    "below_m": "and below it",
    "above_m": "and above it",
    "early_s": "and before it is there",
    "late_s": "and after",
    "id": "a UUID of version 4; drawn where it is left out",
}


async def _document(call: Call, desk: NodeDesk) -> Filing:
    """The flight that a document in the body holds."""
    query = call.query
    unknown = sorted(set(query) - set(_DOCUMENT_QUERY))
    if unknown:
        raise FormatError(
            "no such parameter", where=f"query.{unknown[0][:40]}", expected=", ".join(_DOCUMENT_QUERY)
        )
    tube = Tube(
        **{
            name: _metres(query[name], name)
            for name in ("half_width_m", "below_m", "above_m", "early_s", "late_s")
            if name in query
        }
    )
    form = query.get("format")
    if form is not None and form not in {"plan", "geojson", "f3548"}:
        raise FormatError(
            "not a format of flights", where="query.format", found=form, expected=", ".join(FORMATS)
        )
    phase = query.get("phase", Phase.ACCEPTED.value)
    if phase not in {Phase.ACCEPTED.value, Phase.ACTIVATED.value}:
        raise FormatError(
            "not what a new flight can be", where="query.phase", found=phase, expected="Accepted or Activated"
        )
    start = query.get("start")
    start_us = None if start is None else parse_instant(start, where="query.start")
    mode = desk.settings.mode
    defaults = Defaults(start_us=start_us, data_mode=mode)
    volumes = await asyncio.to_thread(_claimed, call.raw, defaults, form, tube)
    priority = query.get("priority", "0")
    if not priority.isascii() or not priority.lstrip("-").isdigit() or len(priority) > 9:
        raise FormatError("not a priority", where="query.priority", found=priority, expected="a whole number")
    return Filing(
        phase=phase,
        volumes=volumes,
        priority=int(priority),
        name=query.get("name", "")[:255],
        operator=filed_by(_person(call, desk), query.get("operator", ""), where="query.operator"),
    )


def _claimed(data: bytes, defaults: Defaults, form: str | None, tube: Tube) -> list[wire.Volume4D]:
    """Read a document by the readers of files, in a file of its own."""
    assert defaults.data_mode is not None  # noqa: S101 -- given in _document
    with tempfile.TemporaryDirectory(prefix="skypact-") as folder:
        path = Path(folder) / "document"
        path.write_bytes(data)
        try:
            return claims(read(path, defaults, format=form), defaults.data_mode, tube)
        except InputError as error:
            where = error.where.replace(str(path), "body")
            raise type(error)(
                error.message, where=where, found=error.found, expected=error.expected
            ) from None


def _metres(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 10_000.0:
        raise FormatError("not a length or time", where=f"query.{name}", found=text, expected="0 to 10000")
    return value


# -- answers ------------------------------------------------------------------------------------------------


def _meeting(m: Meeting) -> MeetingOut:
    return MeetingOut(
        id=m.ident,
        manager=m.manager,
        state=m.state,
        start=format_instant(m.start_us),
        end=format_instant(m.end_us),
        text=m.sentence,
        priority=m.priority,
        horizontal_m=m.horizontal_m,
        vertical_m=m.vertical_m,
        lat=m.lat_deg,
        lng=m.lng_deg,
        altitude_m=m.altitude_m,
    )


def _flight(
    row: kept.Flight,
    *,
    whole: bool = False,
    versions: list[VersionOut] | None = None,
    told: list[ToldOut] | None = None,
    watch: Watch | None = None,
) -> FlightOut:
    details = wire.decode(row.details, wire.OperationalIntentDetails) if whole else None
    return FlightOut(
        id=wire.id_text(row.id),
        name=row.name,
        operator=row.operator,
        phase=row.state,
        priority=row.priority,
        version=row.version,
        start=format_instant(row.start_us),
        end=format_instant(row.end_us),
        written=format_instant(row.written_us),
        volumes=None if details is None else details.volumes or [],
        off_nominal_volumes=None if details is None else details.off_nominal_volumes,
        standing=None if watch is None else _standing(watch),
        versions=versions,
        told=told,
    )


def _standing(watch: Watch) -> StandingOut:
    return StandingOut(
        standing=watch.standing.value,
        lost=watch.lost,
        seen=_when(watch.seen_us),
        outside_since=_when(watch.outside_us),
        declared=_when(watch.declared_us),
    )


def _when(at_us: int | None) -> str | None:
    return format_instant(at_us) if at_us else None


class _Met(Struct):
    meets: list[str] = []


def _versions(tx: Tx, ident: bytes) -> list[VersionOut]:
    found = []
    for number, act, _, position, written_us in kept.versions(tx, ident):
        content = watchful.leaf_content(tx, position)
        met = [] if content is None else msgspec.json.decode(content, type=_Met).meets
        found.append(
            VersionOut(version=number, act=act, written=format_instant(written_us), leaf=position, meets=met)
        )
    return found


def _told(tx: Tx, ident: str) -> list[ToldOut]:
    rows = watchful.told_of(tx, ident)
    managers = watchful.managers(tx) if rows else {}
    return [
        ToldOut(
            to=row.party,
            parties=sorted(managers.get(row.party, ())),
            topic=row.topic,
            state=row.state,
            made=format_instant(row.made_us),
            ended=_when(row.ended_us),
            attempts=row.attempts,
            status=row.status,
            fault=row.fault or None,
        )
        for row in rows
    ]


def _watched(watched: Watched) -> PositionsOut:
    return PositionsOut(
        phase=watched.phase.value,
        standing=_standing(watched.watch),
        judged=[
            JudgedOut(
                measured=format_instant(at_us),
                inside=verdict.inside,
                horizontal_m=verdict.horizontal_m,
                vertical_m=verdict.vertical_m,
            )
            for at_us, verdict in watched.judged
        ],
        declaring=watched.declaring or None,
    )


def _constraint(
    row: watchful.ConstraintRow, *, whole: bool = False, told: list[ToldOut] | None = None
) -> ConstraintOut:
    details = wire.decode(row.details, wire.ConstraintDetails) if whole else None
    return ConstraintOut(
        id=wire.id_text(row.id),
        name=row.name,
        provider=row.provider,
        state=row.state,
        version=row.version,
        start=format_instant(row.start_us),
        end=format_instant(row.end_us),
        written=format_instant(row.written_us),
        volumes=None if details is None else details.volumes,
        type=None if details is None else details.type,
        geozone=None if details is None else details.geozone,
        told=told,
    )


def _notice(row: kept.Notice, seen: tuple[str, int] | None) -> NoticeOut:
    return NoticeOut(
        id=str(row.at_us),
        at=format_instant(row.at_us),
        kind=row.kind,
        subject=wire.id_text(row.flight),
        operator=row.operator,
        text=row.text,
        conflicts=row.conflicts,
        seen_by=None if seen is None else seen[0],
        seen=None if seen is None else format_instant(seen[1]),
    )


def _reached(row: outbox.Reach, managers: dict[str, set[str]]) -> ReachOut:
    return ReachOut(
        to=row.party,
        parties=sorted(managers.get(row.party, ())),
        lane=row.lane,
        waiting=row.waiting,
        delivered=row.delivered,
        refused=row.refused,
        expired=row.expired,
        withdrawn=row.withdrawn,
        failures=row.failures,
        oldest_waiting=_when(row.oldest_us),
        last_delivered=_when(row.last_delivered_us),
        next_try=_when(row.due_us),
        last_status=row.last_status,
        last_fault=row.last_fault or None,
    )


def _available(answer: wire.UssAvailabilityStatusResponse) -> AvailabilityOut:
    return AvailabilityOut(
        party=answer.status.uss, availability=answer.status.availability, version=answer.version
    )


_OF_DSS: Final = {
    400: Reason.INVALID,
    403: Reason.FORBIDDEN,
    404: Reason.UNKNOWN,
    409: Reason.CONFLICT,
    429: Reason.TOO_MANY,
}
"""What an answer of the discovery service means to who asked us; any other: it was not done."""


async def _of_dss(asked: Awaitable[T]) -> T:
    """What the discovery service answers, or why it did not, as a refusal."""
    try:
        return await asked
    except Turned as error:
        reason = _OF_DSS.get(error.status, Reason.UNAVAILABLE)
        raise Refused(reason, f"the discovery service says: {error}") from None
    except (NoAnswer, Rubbish) as error:
        raise Refused(Reason.UNAVAILABLE, f"the discovery service did not answer: {error}") from None
