"""The interface through which others test a node: flight planning, as InterUSS defines it.

Law: off unless the configuration says ``testing.enabled``. What is planned here is planned as any flight is,
by the same desk; this module translates, and decides nothing. A test director sees no more than a user.

How it works. A flight plan of the interface is a flight whose name is ``test:`` and the plan's id. The same
request sent again (its ``request_id``) gets the first answer again, also while that is being worked out.

Known limits: that memory is this process's, for the last :data:`REMEMBERED` requests. Altitudes over takeoff
or the surface are not supported: a flight here has altitudes over the WGS 84 ellipsoid.

Source: flight planning v1 (0.7.0) of the InterUSS automated testing interfaces. Tokens and versions are in
:mod:`skypact.server.aux`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from skypact.desk.flights import Filing, Result
from skypact.desk.turns import Turns
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.intent import Phase
from skypact.exchange.planning import Ending
from skypact.formats import f3548_wire as wire
from skypact.instants import SECOND_US, parse_instant
from skypact.server.operation import Answer, Call, Operation

if TYPE_CHECKING:
    from skypact.desk.node import NodeDesk
    from skypact.store.node import Flight

DIRECT: Final = frozenset({"interuss.flight_planning.direct_automated_test"})
PLAN: Final = frozenset({"interuss.flight_planning.plan"})
REMEMBERED: Final = 4_096
_API: Final = "Flight Planning Automated Testing Interface"
_API_VERSION: Final = "v0.7.0"
_BASE: Final = "/flight_planning/v1"
_PLAN: Final = f"{_BASE}/flight_plans/{{flight_plan_id}}"
_TAG: Final = "Automated testing"

Usage = Literal["Planned", "InUse", "Closed"]
UasState = Literal["Nominal", "OffNominal", "Contingent", "NotSpecified"]
Outcome = Literal["Completed", "Rejected", "Failed", "NotSupported"]
Status = Literal["NotPlanned", "Planned", "OkToFly", "OffNominal", "Closed"]

PHASES: Final[dict[tuple[str, str], Phase]] = {
    ("Planned", "Nominal"): Phase.ACCEPTED,
    ("InUse", "Nominal"): Phase.ACTIVATED,
    ("InUse", "OffNominal"): Phase.NONCONFORMING,
    ("InUse", "Contingent"): Phase.CONTINGENT,
}
"""What a user's words mean; what is not here is not supported. A state that is not specified is nominal."""

STATUSES: Final[dict[Phase, Status]] = {
    Phase.NONE: "NotPlanned",
    Phase.ACCEPTED: "Planned",
    Phase.ACTIVATED: "OkToFly",
    Phase.NONCONFORMING: "OffNominal",
    Phase.CONTINGENT: "OffNominal",
    Phase.ENDED: "Closed",
}


class BasicInformation(Struct, kw_only=True):
    """What a user says of a flight in most scenarios."""

    usage_state: Usage
    uas_state: UasState | None = None
    area: list[wire.Volume4D] = []


class F3548Information(Struct, kw_only=True):
    """What F3548-21 needs besides."""

    priority: int | None = None


class FlightPlan(Struct, kw_only=True):
    """A user's flight plan; what other services would want of it is not looked at."""

    basic_information: BasicInformation
    astm_f3548_21: F3548Information | None = None


class UpsertFlightPlanRequest(Struct, kw_only=True):
    """A user files, changes or begins a flight."""

    flight_plan: FlightPlan
    execution_style: Literal["Hypothetical", "IfAllowed", "InReality"]
    request_id: Annotated[str, Meta(max_length=256)]


class FlightPlanResponse(Struct, omit_defaults=True, kw_only=True):
    """What the user is told."""

    planning_result: Outcome
    flight_plan_status: Status
    notes: str | None = None
    includes_advisories: str | None = None


class ClearAreaRequest(Struct, kw_only=True):
    """Every flight of this node that meets the extent is to end."""

    request_id: Annotated[str, Meta(max_length=256)]
    extent: wire.Volume4D


class ClearAreaOutcome(Struct, kw_only=True):
    """Whether that is so, and what was done or could not be."""

    success: bool
    message: str


class ClearAreaResponse(Struct, kw_only=True):
    """The same, as the interface wraps it."""

    outcome: ClearAreaOutcome


def operations(desk: NodeDesk) -> tuple[Operation, ...]:
    """The flight planning interface, under ``/flight_planning/v1``, on a desk."""
    user = _User(desk)

    async def status(_call: Call) -> Answer:
        return Answer(body={"status": "Ready", "api_name": _API, "api_version": _API_VERSION})

    return (
        Operation("GetStatus", "GET", f"{_BASE}/status", (DIRECT,), status, summary="Ready or not", tag=_TAG),
        Operation(
            "UpsertFlightPlan",
            "PUT",
            _PLAN,
            (PLAN,),
            user.upsert,
            body=UpsertFlightPlanRequest,
            statuses={200: "What came of it, refusals too.", 409: "This request was made with another body."},
            answer=FlightPlanResponse,
            summary="A virtual user files, changes or begins a flight",
            tag=_TAG,
        ),
        Operation(
            "DeleteFlightPlan",
            "DELETE",
            _PLAN,
            (DIRECT, PLAN),
            user.delete,
            statuses={200: "What came of it.", 404: "There is no such flight."},
            answer=FlightPlanResponse,
            summary="End a flight",
            tag=_TAG,
        ),
        Operation(
            "ClearArea",
            "POST",
            f"{_BASE}/clear_area_requests",
            (DIRECT,),
            user.clear,
            body=ClearAreaRequest,
            statuses={200: "Whether the area is clear of flights of this node."},
            answer=ClearAreaResponse,
            summary="End every flight of this node that meets an area",
            tag=_TAG,
        ),
        Operation(
            "QueryUserNotifications",
            "GET",
            f"{_BASE}/user_notifications",
            (PLAN,),
            user.notifications,
            query={
                "after*": "an RFC 3339 instant",
                "before": "an RFC 3339 instant; now where it is not given",
            },
            statuses={200: "What users were told."},
            summary="What users were told of their flights",
            tag=_TAG,
        ),
    )


class _User:
    """The virtual user, and what it remembers of its requests."""

    def __init__(self, desk: NodeDesk) -> None:
        self._desk = desk
        self._answers: OrderedDict[str, tuple[bytes, asyncio.Future[FlightPlanResponse]]] = OrderedDict()
        self._turns = Turns[str]()

    async def upsert(self, call: Call) -> Answer:
        """File, change or begin a flight."""
        request: UpsertFlightPlanRequest = call.body
        known = self._answers.get(request.request_id)
        if known is not None:
            if known[0] != call.raw:
                raise Refused(
                    Reason.CONFLICT, "this request_id was used for another request", where="$.request_id"
                )
            return Answer(body=await asyncio.shield(known[1]))
        answer = asyncio.ensure_future(self._planned(call, request))
        self._answers[request.request_id] = (call.raw, answer)
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        try:
            return Answer(body=await asyncio.shield(answer))
        except BaseException:
            self._answers.pop(request.request_id, None)
            raise

    async def _planned(self, call: Call, request: UpsertFlightPlanRequest) -> FlightPlanResponse:
        name = f"test:{call.params['flight_plan_id'].lower()}"
        async with self._turns.of(name):  # one user does one thing at a time with a flight
            return await self._acted(call, request, name)

    async def _acted(self, call: Call, request: UpsertFlightPlanRequest, name: str) -> FlightPlanResponse:
        flight = await self._desk.named(name)
        before = Phase.NONE if flight is None else Phase(flight.state)
        if before is Phase.ENDED:
            flight, before = None, Phase.NONE
        basic, extra = request.flight_plan.basic_information, request.flight_plan.astm_f3548_21
        if request.execution_style != "IfAllowed":
            return _answer("NotSupported", before, f"{request.execution_style} is not supported")
        if basic.usage_state == "Closed":
            if flight is None:
                return _answer("Rejected", before, "there is no such flight")
            return await self._ended(flight, call.now_us)
        uas = basic.uas_state or "Nominal"
        wanted = PHASES.get((basic.usage_state, "Nominal" if uas == "NotSpecified" else uas))
        if wanted is None:
            return _answer("NotSupported", before, f"{basic.usage_state} and {uas} together")
        off_nominal = wanted in {Phase.NONCONFORMING, Phase.CONTINGENT}
        filing = Filing(
            phase=wanted.value,
            volumes=[] if off_nominal else basic.area,
            off_nominal_volumes=basic.area if off_nominal else [],
            priority=(extra.priority or 0) if extra is not None else 0,
            name=name,
            operator=call.party,
        )
        try:
            result = await self._desk.file(
                filing, call.now_us, ident=None if flight is None else wire.id_text(flight.id)
            )
        except (Refused, InputError) as error:
            unavailable = isinstance(error, Refused) and error.reason is Reason.UNAVAILABLE
            return _answer("Failed" if unavailable else "Rejected", before, str(error))
        return _told(result)

    async def _ended(self, flight: Flight, now_us: int) -> FlightPlanResponse:
        try:
            result = await self._desk.end(wire.id_text(flight.id), now_us)
        except Refused as error:
            return _answer("Failed", Phase(flight.state), str(error))
        return _told(result)

    async def delete(self, call: Call) -> Answer:
        """End a flight."""
        flight = await self._desk.named(f"test:{call.params['flight_plan_id'].lower()}")
        if flight is None:
            raise Refused(Reason.UNKNOWN, "there is no such flight plan", where="flight_plan_id")
        return Answer(body=await self._ended(flight, call.now_us))

    async def clear(self, call: Call) -> Answer:
        """End what is in an area."""
        request: ClearAreaRequest = call.body
        cleared = await self._desk.clear(request.extent, call.now_us)
        message = "; ".join(cleared.failed) or f"{len(cleared.ended)} flights were ended"
        outcome = ClearAreaOutcome(success=not cleared.failed, message=message)
        return Answer(body=ClearAreaResponse(outcome=outcome))

    async def notifications(self, call: Call) -> Answer:
        """What users were told."""
        after_us = _instant(call.query["after"], "query.after")
        before = call.query.get("before")
        before_us = call.now_us if before is None else _instant(before, "query.before")
        if before_us < after_us - SECOND_US:
            raise Refused(Reason.INVALID, "before is not after after", where="query.before", found=before)
        told = await self._desk.notices(after_us, before_us)
        listed = [
            {
                "observed_at": {"value": wire.time(notice.at_us).value, "format": "RFC3339"},
                "message": notice.text,
                "conflicts": _conflicts(notice.conflicts),
            }
            for notice in told
        ]
        return Answer(body={"user_notifications": listed})


def _instant(text: str, where: str) -> int:
    # a plus sign in a query string is a space; clients forget to write it as %2B
    return parse_instant(text.replace(" ", "+") if text.count(" ") == 1 else text, where=where)


def _conflicts(number: int) -> str:
    return "None" if not number else "Single" if number == 1 else "Multiple"


def _answer(result: Outcome, phase: Phase, notes: str = "") -> FlightPlanResponse:
    return FlightPlanResponse(planning_result=result, flight_plan_status=STATUSES[phase], notes=notes or None)


def _told(result: Result) -> FlightPlanResponse:
    if result.done:
        notes = "; ".join(meeting.sentence for meeting in (*result.refused, *result.permitted))
        answer = _answer("Completed", result.phase, notes)
        return msgspec.structs.replace(
            answer,
            includes_advisories="AtLeastOneAdvisoryOrCondition" if notes else "NoAdvisoriesOrConditions",
        )
    failed = result.ending is Ending.UNSETTLED
    return _answer("Failed" if failed else "Rejected", result.phase, result.why)
