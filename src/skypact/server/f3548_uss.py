"""What peers ask of a node and say to it: the USS interface of ASTM F3548-21, as rows of the table.

Law: a row says who may, what comes and what goes back; what is done is the desk's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.exchange.dss import (
    ARBITRATION,
    CONFORMANCE,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC,
)
from skypact.formats import f3548_wire as wire
from skypact.server.operation import Answer, Call, Operation, any_of

if TYPE_CHECKING:
    from skypact.desk.node import NodeDesk

_INTENTS: Final = "/uss/v1/operational_intents"
_TAG: Final = "F3548-21 between services"


def operations(desk: NodeDesk) -> tuple[Operation, ...]:
    """The operations between services, on a desk.

    Those of constraints that this node manages, and log sets, are rows of their own owners.
    """

    async def details(call: Call) -> Answer:
        return Answer(body=await desk.details(call.params["entityid"]))

    async def telemetry(call: Call) -> Answer:
        return Answer(body=await desk.telemetry(call.params["entityid"]))

    async def intent_told(call: Call) -> Answer:
        await desk.intent_told(call.party, call.body, call.raw, call.now_us)
        return Answer(204)

    async def constraint_told(call: Call) -> Answer:
        await desk.constraint_told(call.party, call.body, call.raw, call.now_us)
        return Answer(204)

    async def reported(call: Call) -> Answer:
        return Answer(201, await desk.reported(call.party, call.body, call.raw, call.now_us))

    return (
        Operation(
            "getOperationalIntentDetails",
            "GET",
            f"{_INTENTS}/{{entityid}}",
            any_of(STRATEGIC),
            details,
            statuses={200: "The intent and its details.", 404: "None that the DSS has accepted."},
            answer=wire.GetOperationalIntentDetailsResponse,
            summary="What this node has of one of its operational intents",
            tag=_TAG,
        ),
        Operation(
            "getOperationalIntentTelemetry",
            "GET",
            f"{_INTENTS}/{{entityid}}/telemetry",
            any_of(CONFORMANCE),
            telemetry,
            statuses={
                200: "Where it was last.",
                404: "No such intent here.",
                409: "It is flown as planned.",
                412: "No position is known.",
            },
            answer=wire.GetOperationalIntentTelemetryResponse,
            summary="Where an off-nominal flight is",
            tag=_TAG,
        ),
        Operation(
            "notifyOperationalIntentDetailsChanged",
            "POST",
            _INTENTS,
            any_of(STRATEGIC),
            intent_told,
            body=wire.PutOperationalIntentDetailsParameters,
            statuses={204: "Taken.", 409: "Something newer, or something else, was told before."},
            summary="An operational intent of a peer has changed, or is gone",
            tag=_TAG,
        ),
        Operation(
            "notifyConstraintDetailsChanged",
            "POST",
            "/uss/v1/constraints",
            any_of(CONSTRAINT_MANAGEMENT),
            constraint_told,
            body=wire.PutConstraintDetailsParameters,
            statuses={204: "Taken.", 409: "Something newer, or something else, was told before."},
            summary="A constraint of a peer has changed, or is gone",
            tag=_TAG,
        ),
        Operation(
            "makeUssReport",
            "POST",
            "/uss/v1/reports",
            any_of(STRATEGIC, CONSTRAINT_PROCESSING, CONSTRAINT_MANAGEMENT, CONFORMANCE, ARBITRATION),
            reported,
            body=wire.ErrorReport,
            statuses={201: "Kept, under this id."},
            answer=wire.ErrorReport,
            summary="Report a fault in an exchange with this node",
            tag=_TAG,
        ),
    )
