"""The DSS interface of ASTM F3548-21, as rows of the table of operations.

Law: a row says who may (the sets of scopes of the standard's definition), what comes and what goes back; what
is done is the desk's. One row more is ours: the history of an entity, for its manager.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skypact.desk.dss import Asker, DssDesk
from skypact.errors import Reason, Refused
from skypact.exchange.dss import (
    ARBITRATION,
    CONFORMANCE,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC,
)
from skypact.formats import f3548_wire as wire
from skypact.instants import format_instant
from skypact.server.operation import Answer, Call, Operation, any_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_INTENT: Final = "/dss/v1/operational_intent_references"
_CONSTRAINT: Final = "/dss/v1/constraint_references"
_SUBSCRIPTION: Final = "/dss/v1/subscriptions"


def _asker(call: Call) -> Asker:
    return Asker(call.party, call.scopes, call.now_us)


def _version(call: Call, name: str) -> str:
    """The version in the path; an empty one names none."""
    if not call.params[name]:
        raise Refused(
            Reason.INVALID, "no version is named", where=name, found="", expected="the current version"
        )
    return call.params[name]


def operations(desk: DssDesk) -> tuple[Operation, ...]:
    """Every operation of the interface, on a desk."""
    return (
        *_intents(desk),
        *_constraints(desk),
        *_subscriptions(desk),
        *_others(desk),
    )


def _row(
    name: str,
    method: str,
    path: str,
    scopes: tuple[frozenset[str], ...],
    handle: Callable[[Call], Awaitable[Answer]],
    tag: str,
    summary: str,
    **more: Any,
) -> Operation:
    return Operation(name, method, path, scopes, handle, tag=tag, summary=summary, **more)


def _intents(desk: DssDesk) -> tuple[Operation, ...]:
    async def query(call: Call) -> Answer:
        return Answer(body=await desk.query_intents(_asker(call), call.body))

    async def get(call: Call) -> Answer:
        return Answer(body=await desk.get_intent(_asker(call), call.params["entityid"]))

    async def create(call: Call) -> Answer:
        answer = await desk.put_intent(_asker(call), call.params["entityid"], None, call.body, call.raw)
        return Answer(201, answer)

    async def update(call: Call) -> Answer:
        ovn = _version(call, "ovn")
        return Answer(
            body=await desk.put_intent(_asker(call), call.params["entityid"], ovn, call.body, call.raw)
        )

    async def delete(call: Call) -> Answer:
        ovn = _version(call, "ovn")
        return Answer(body=await desk.delete_intent(_asker(call), call.params["entityid"], ovn))

    readers = any_of(STRATEGIC, CONFORMANCE)
    tag = "Operational intent references"
    request = wire.PutOperationalIntentReferenceParameters
    changed = wire.ChangeOperationalIntentReferenceResponse
    conflict = {
        409: "The key lacks OVNs of what is relevant, the version is not the current one, or it exists."
    }
    down = {412: "The asker is declared Down."}
    return (
        _row(
            "queryOperationalIntentReferences", "POST", f"{_INTENT}/query", readers, query, tag,
            "Operational intents in an area", body=wire.QueryParameters,
            answer=wire.QueryOperationalIntentReferenceResponse,
        ),
        _row(
            "getOperationalIntentReference", "GET", f"{_INTENT}/{{entityid}}", readers, get, tag,
            "One operational intent", answer=wire.GetOperationalIntentReferenceResponse,
            statuses={404: "There is none of this id."},
        ),
        _row(
            "createOperationalIntentReference", "PUT", f"{_INTENT}/{{entityid}}", readers, create, tag,
            "Create an operational intent", body=request, answer=changed,
            statuses={201: "Created.", **conflict, **down},
        ),
        _row(
            "updateOperationalIntentReference", "PUT",
            f"{_INTENT}/{{entityid}}/{{ovn}}", readers, update, tag,
            "Change an operational intent", body=request, answer=changed,
            statuses={404: "There is none of this id.", **conflict, **down},
        ),
        _row(
            "deleteOperationalIntentReference", "DELETE",
            f"{_INTENT}/{{entityid}}/{{ovn}}", readers, delete, tag,
            "End an operational intent", answer=changed,
            statuses={404: "There is none of this id.", 409: "Not the current version.", **down},
        ),
    )  # fmt: skip


def _constraints(desk: DssDesk) -> tuple[Operation, ...]:
    async def query(call: Call) -> Answer:
        return Answer(body=await desk.query_constraints(_asker(call), call.body))

    async def get(call: Call) -> Answer:
        return Answer(body=await desk.get_constraint(_asker(call), call.params["entityid"]))

    async def create(call: Call) -> Answer:
        answer = await desk.put_constraint(_asker(call), call.params["entityid"], None, call.body, call.raw)
        return Answer(201, answer)

    async def update(call: Call) -> Answer:
        ovn = _version(call, "ovn")
        return Answer(
            body=await desk.put_constraint(_asker(call), call.params["entityid"], ovn, call.body, call.raw)
        )

    async def delete(call: Call) -> Answer:
        ovn = _version(call, "ovn")
        return Answer(body=await desk.delete_constraint(_asker(call), call.params["entityid"], ovn))

    readers = any_of(CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING)
    writers = any_of(CONSTRAINT_MANAGEMENT)
    tag = "Constraint references"
    request, changed = wire.PutConstraintReferenceParameters, wire.ChangeConstraintReferenceResponse
    conflict = {409: "It exists, or the version is not the current one."}
    return (
        _row(
            "queryConstraintReferences", "POST", f"{_CONSTRAINT}/query", readers, query, tag,
            "Constraints in an area", body=wire.QueryParameters,
            answer=wire.QueryConstraintReferencesResponse,
        ),
        _row(
            "getConstraintReference", "GET", f"{_CONSTRAINT}/{{entityid}}", readers, get, tag,
            "One constraint", answer=wire.GetConstraintReferenceResponse,
            statuses={404: "There is none of this id."},
        ),
        _row(
            "createConstraintReference", "PUT", f"{_CONSTRAINT}/{{entityid}}", writers, create, tag,
            "Create a constraint", body=request, answer=changed, statuses={201: "Created.", **conflict},
        ),
        _row(
            "updateConstraintReference", "PUT",
            f"{_CONSTRAINT}/{{entityid}}/{{ovn}}", writers, update, tag,
            "Change a constraint", body=request, answer=changed,
            statuses={404: "There is none of this id.", **conflict},
        ),
        _row(
            "deleteConstraintReference", "DELETE",
            f"{_CONSTRAINT}/{{entityid}}/{{ovn}}", writers, delete, tag,
            "End a constraint", answer=changed,
            statuses={404: "There is none of this id.", 409: "Not the current version."},
        ),
    )  # fmt: skip


def _subscriptions(desk: DssDesk) -> tuple[Operation, ...]:
    async def query(call: Call) -> Answer:
        return Answer(body=await desk.query_subscriptions(_asker(call), call.body))

    async def get(call: Call) -> Answer:
        return Answer(body=await desk.get_subscription(_asker(call), call.params["subscriptionid"]))

    async def create(call: Call) -> Answer:
        ident = call.params["subscriptionid"]
        return Answer(body=await desk.put_subscription(_asker(call), ident, None, call.body, call.raw))

    async def update(call: Call) -> Answer:
        ident, version = call.params["subscriptionid"], _version(call, "version")
        return Answer(body=await desk.put_subscription(_asker(call), ident, version, call.body, call.raw))

    async def delete(call: Call) -> Answer:
        ident, version = call.params["subscriptionid"], _version(call, "version")
        return Answer(body=await desk.delete_subscription(_asker(call), ident, version))

    scopes = any_of(CONSTRAINT_PROCESSING, STRATEGIC)
    tag = "Subscriptions"
    request, put = wire.PutSubscriptionParameters, wire.PutSubscriptionResponse
    return (
        _row(
            "querySubscriptions", "POST", f"{_SUBSCRIPTION}/query", scopes, query, tag,
            "The asker's subscriptions in an area", body=wire.QueryParameters,
            answer=wire.QuerySubscriptionsResponse,
        ),
        _row(
            "getSubscription", "GET", f"{_SUBSCRIPTION}/{{subscriptionid}}", scopes, get, tag,
            "One subscription", answer=wire.GetSubscriptionResponse,
            statuses={404: "There is none of this id, or it is over."},
        ),
        _row(
            "createSubscription", "PUT", f"{_SUBSCRIPTION}/{{subscriptionid}}", scopes, create, tag,
            "Create a subscription", body=request, answer=put, statuses={409: "It exists."},
        ),
        _row(
            "updateSubscription", "PUT",
            f"{_SUBSCRIPTION}/{{subscriptionid}}/{{version}}", scopes, update, tag,
            "Change a subscription", body=request, answer=put,
            statuses={404: "There is none of this id, or it is over.", 409: "Not the current version."},
        ),
        _row(
            "deleteSubscription", "DELETE",
            f"{_SUBSCRIPTION}/{{subscriptionid}}/{{version}}", scopes, delete, tag,
            "End a subscription", answer=wire.DeleteSubscriptionResponse,
            statuses={404: "There is none of this id, or it is over.", 409: "Not the current version."},
        ),
    )  # fmt: skip


def _others(desk: DssDesk) -> tuple[Operation, ...]:
    async def get(call: Call) -> Answer:
        return Answer(body=await desk.get_availability(call.params["uss_id"]))

    async def put(call: Call) -> Answer:
        return Answer(body=await desk.set_availability(_asker(call), call.params["uss_id"], call.body))

    async def report(call: Call) -> Answer:
        return Answer(201, await desk.report(_asker(call), call.body))

    async def history(call: Call) -> Answer:
        kind, ident = call.params["kind"], call.params["entityid"]
        return Answer(body=_history(await desk.history(kind, ident), call.party, ident))

    everybody = any_of(CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING, STRATEGIC, CONFORMANCE, ARBITRATION)
    return (
        _row(
            "getUssAvailability", "GET", "/dss/v1/uss_availability/{uss_id}",
            any_of(ARBITRATION, STRATEGIC, CONFORMANCE), get, "Availability", "Whether a party answers",
            answer=wire.UssAvailabilityStatusResponse,
        ),
        _row(
            "setUssAvailability", "PUT", "/dss/v1/uss_availability/{uss_id}", any_of(ARBITRATION), put,
            "Availability", "Declare whether a party answers", body=wire.SetUssAvailabilityStatusParameters,
            answer=wire.UssAvailabilityStatusResponse, statuses={409: "Not the current version."},
        ),
        _row(
            "makeDssReport", "POST", "/dss/v1/reports", everybody, report, "Reports", "Report a fault",
            body=wire.ErrorReport, answer=wire.ErrorReport, statuses={201: "Archived."},
        ),
        _row(
            "getHistory", "GET", "/dss/v1/history/{kind}/{entityid}", everybody, history, "History",
            "Every version kept of an entity, for its manager",
            statuses={404: "There is none for the asker."},
        ),
    )  # fmt: skip


def _history(
    versions: list[tuple[int, int, str, str, bytes, int]], party: str, ident: str
) -> dict[str, list[dict[str, Any]]]:
    """The versions that the asker wrote; of others it sees none."""
    from msgspec import Raw

    mine = [
        {
            "seq": seq,
            "version": version,
            "act": act,
            "written": format_instant(written_us),
            "content": Raw(content),
        }
        for seq, version, act, manager, content, written_us in versions
        if manager == party
    ]
    if not mine:
        raise Refused(Reason.UNKNOWN, "nothing is kept of this for you", where="the path", found=ident)
    return {"versions": mine}
