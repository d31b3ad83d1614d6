"""What peers ask of the constraints that this node manages, and log sets: rows of the table.

Law: as :mod:`skypact.server.f3548_uss`; what is done is the desk's. The standard's definition names no scopes
for log sets, which it calls a pseudo endpoint: here they are read by this party's own people
(``skypact.logs``) and by an arbiter, never by a peer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.exchange.dss import ARBITRATION, CONSTRAINT_PROCESSING
from skypact.formats import f3548_wire as wire
from skypact.server.operation import Answer, Call, Operation

if TYPE_CHECKING:
    from skypact.desk.constraints import ConstraintDesk
    from skypact.desk.logs import Logs

LOGS: Final = "skypact.logs"
_TAG: Final = "F3548-21 between services"


def operations(constraints: ConstraintDesk | None = None, logs: Logs | None = None) -> tuple[Operation, ...]:
    """The rows of a node that manages constraints, and of one that shows its logs."""
    rows: list[Operation] = []
    if constraints is not None:
        desk = constraints

        async def details(call: Call) -> Answer:
            return Answer(body=await desk.details(call.params["entityid"]))

        rows.append(
            Operation(
                "getConstraintDetails",
                "GET",
                "/uss/v1/constraints/{entityid}",
                (frozenset({CONSTRAINT_PROCESSING}),),
                details,
                statuses={200: "The constraint and its details.", 404: "None that the DSS has accepted."},
                answer=wire.GetConstraintDetailsResponse,
                summary="What this node has of one of its constraints",
                tag=_TAG,
            )
        )
    if logs is not None:
        reader = logs

        async def log_set(call: Call) -> Answer:
            return Answer(body=await reader.log_set(call.params["log_set_id"]))

        rows.append(
            Operation(
                "getLogSet",
                "GET",
                "/uss/v1/log_sets/{log_set_id}",
                (frozenset({LOGS}), frozenset({ARBITRATION})),
                log_set,
                statuses={
                    200: "The logs of one flight or constraint, or of a span of time.",
                    400: "No log set is called so.",
                    413: "More than one answer holds; ask for parts of the span.",
                },
                answer=wire.USSLogSet,
                summary="Logs, by the id of a flight or constraint, or START--END",
                tag=_TAG,
            )
        )
    return tuple(rows)
