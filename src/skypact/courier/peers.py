"""The discovery service and the peers, as the desk asks them: typed calls over the courier's client.

Law: nothing an answer says is believed before it has the shape of the standard; what has not is
:class:`~skypact.desk.outside.Rubbish`, with the exchange as it was. A status of 5xx, a time-out and a broken
connection are no answer. Nothing is repeated here: whether a call may be repeated is for the rules to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from skypact.courier.client import CallFailed
from skypact.desk.clock import now_us
from skypact.desk.outside import Exchange, NoAnswer, Rubbish, Turned
from skypact.errors import InputError, SkypactError
from skypact.exchange.dss import (
    ARBITRATION,
    CONFORMANCE,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC,
)
from skypact.formats import f3548_wire as wire
from skypact.formats.plain import refuse_controls
from skypact.strict_json import refuse_repeated

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.courier.client import Response

T = TypeVar("T")

_INTENTS: Final = "/dss/v1/operational_intent_references"
_CONSTRAINTS: Final = "/dss/v1/constraint_references"
_AVAILABILITY: Final = "/dss/v1/uss_availability"
_REPORTED_MAX: Final = 64 * 1024
"""Bytes of an answer that are kept for a report."""


class Sender(Protocol):
    """What makes one call: :class:`skypact.courier.client.Client`."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        body: bytes | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        """Make one call; raises CallFailed where there is no answer."""


class Peers:
    """The outside of one node.

    Parameters
    ----------
    client
        Makes the calls.
    dss_url
        Base URL of the discovery service, without a last slash.
    clock
        Microseconds since 1970 UTC; for the records of exchanges only.
    """

    def __init__(self, client: Sender, dss_url: str, *, clock: Callable[[], int] = now_us) -> None:
        self._client = client
        self._dss = dss_url.rstrip("/")
        self._clock = clock

    @property
    def reports_url(self) -> str:
        """Where the discovery service takes reports."""
        return f"{self._dss}/dss/v1/reports"

    # -- the discovery service ------------------------------------------------------------------------------

    async def intents_in(
        self, area: wire.Volume4D, timeout_s: float
    ) -> list[wire.OperationalIntentReference]:
        """What intents the DSS has in an area."""
        body = wire.encode(wire.QueryParameters(area_of_interest=area))
        answer, _ = await self._ask(
            "POST",
            f"{self._dss}{_INTENTS}/query",
            STRATEGIC,
            body,
            timeout_s,
            wire.QueryOperationalIntentReferenceResponse,
        )
        return answer.operational_intent_references

    async def constraints_in(self, area: wire.Volume4D, timeout_s: float) -> list[wire.ConstraintReference]:
        """What constraints it has there."""
        body = wire.encode(wire.QueryParameters(area_of_interest=area))
        answer, _ = await self._ask(
            "POST",
            f"{self._dss}{_CONSTRAINTS}/query",
            CONSTRAINT_PROCESSING,
            body,
            timeout_s,
            wire.QueryConstraintReferencesResponse,
        )
        return answer.constraint_references

    async def put_intent(
        self,
        ident: str,
        ovn: str,
        body: bytes,
        *,
        conformance: bool,
        timeout_s: float,
        constraints: bool = False,
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Create an intent, or change it."""
        scope = f"{STRATEGIC} {CONFORMANCE}" if conformance else STRATEGIC
        if constraints:
            scope = f"{scope} {CONSTRAINT_PROCESSING}"
        url = f"{self._dss}{_INTENTS}/{ident}" + (f"/{ovn}" if ovn else "")
        kind = wire.ChangeOperationalIntentReferenceResponse
        answer, exchange = await self._ask("PUT", url, scope, body, timeout_s, kind)
        if answer.operational_intent_reference.id.lower() != ident:
            raise Rubbish("it answers with another intent", exchange=exchange)
        return answer

    async def delete_intent(
        self, ident: str, ovn: str, timeout_s: float
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """End it."""
        url = f"{self._dss}{_INTENTS}/{ident}/{ovn}"
        kind = wire.ChangeOperationalIntentReferenceResponse
        answer, _ = await self._ask("DELETE", url, STRATEGIC, None, timeout_s, kind)
        return answer

    async def get_intent(self, ident: str, timeout_s: float) -> wire.OperationalIntentReference | None:
        """What the DSS has of it; None: nothing."""
        url = f"{self._dss}{_INTENTS}/{ident}"
        kind = wire.GetOperationalIntentReferenceResponse
        answer = await self._there(url, STRATEGIC, timeout_s, kind)
        return None if answer is None else answer.operational_intent_reference

    async def put_constraint(
        self, ident: str, ovn: str, body: bytes, timeout_s: float
    ) -> wire.ChangeConstraintReferenceResponse:
        """Create a constraint, or change it."""
        url = f"{self._dss}{_CONSTRAINTS}/{ident}" + (f"/{ovn}" if ovn else "")
        kind = wire.ChangeConstraintReferenceResponse
        answer, exchange = await self._ask("PUT", url, CONSTRAINT_MANAGEMENT, body, timeout_s, kind)
        if answer.constraint_reference.id.lower() != ident:
            raise Rubbish("it answers with another constraint", exchange=exchange)
        return answer

    async def delete_constraint(
        self, ident: str, ovn: str, timeout_s: float
    ) -> wire.ChangeConstraintReferenceResponse:
        """End it."""
        url = f"{self._dss}{_CONSTRAINTS}/{ident}/{ovn}"
        kind = wire.ChangeConstraintReferenceResponse
        answer, _ = await self._ask("DELETE", url, CONSTRAINT_MANAGEMENT, None, timeout_s, kind)
        return answer

    async def get_constraint(self, ident: str, timeout_s: float) -> wire.ConstraintReference | None:
        """What the DSS has of it; None: nothing."""
        url = f"{self._dss}{_CONSTRAINTS}/{ident}"
        kind = wire.GetConstraintReferenceResponse
        answer = await self._there(url, CONSTRAINT_MANAGEMENT, timeout_s, kind)
        return None if answer is None else answer.constraint_reference

    async def availability(self, party: str, timeout_s: float) -> wire.UssAvailabilityStatusResponse:
        """Whether a party answers, as an arbiter declared it."""
        url = f"{self._dss}{_AVAILABILITY}/{quote(party, safe='')}"
        answer, _ = await self._ask(
            "GET", url, STRATEGIC, None, timeout_s, wire.UssAvailabilityStatusResponse
        )
        return answer

    async def set_availability(
        self, party: str, body: bytes, timeout_s: float
    ) -> wire.UssAvailabilityStatusResponse:
        """Declare whether a party answers: for an arbiter."""
        url = f"{self._dss}{_AVAILABILITY}/{quote(party, safe='')}"
        answer, _ = await self._ask(
            "PUT", url, ARBITRATION, body, timeout_s, wire.UssAvailabilityStatusResponse
        )
        return answer

    # -- peers ----------------------------------------------------------------------------------------------

    async def intent_details(
        self, base_url: str, ident: str, timeout_s: float
    ) -> tuple[wire.OperationalIntent, Exchange]:
        """What a peer says of an intent."""
        url = f"{base_url}/uss/v1/operational_intents/{ident}"
        kind = wire.GetOperationalIntentDetailsResponse
        answer, exchange = await self._ask("GET", url, STRATEGIC, None, timeout_s, kind)
        return answer.operational_intent, exchange

    async def constraint_details(
        self, base_url: str, ident: str, timeout_s: float
    ) -> tuple[wire.Constraint, Exchange]:
        """What a peer says of a constraint."""
        url = f"{base_url}/uss/v1/constraints/{ident}"
        kind = wire.GetConstraintDetailsResponse
        answer, exchange = await self._ask("GET", url, CONSTRAINT_PROCESSING, None, timeout_s, kind)
        return answer.constraint, exchange

    async def telemetry(
        self, base_url: str, ident: str, timeout_s: float
    ) -> wire.GetOperationalIntentTelemetryResponse:
        """Where a peer says that an off-nominal flight of its own is."""
        url = f"{base_url}/uss/v1/operational_intents/{ident}/telemetry"
        kind = wire.GetOperationalIntentTelemetryResponse
        answer, exchange = await self._ask("GET", url, CONFORMANCE, None, timeout_s, kind)
        if answer.operational_intent_id.lower() != ident:
            raise Rubbish("it answers with another intent", exchange=exchange)
        return answer

    # -- one call -------------------------------------------------------------------------------------------

    async def _there(self, url: str, scope: str, timeout_s: float, kind: type[T]) -> T | None:
        """What is at a URL; None where the answer is that nothing is."""
        try:
            answer, _ = await self._ask("GET", url, scope, None, timeout_s, kind)
        except Turned as error:
            if error.status == 404:
                return None
            raise
        return answer

    async def _ask(
        self, method: str, url: str, scope: str, body: bytes | None, timeout_s: float, kind: type[T]
    ) -> tuple[T, Exchange]:
        sent_us = self._clock()

        def exchange(status: int, response: bytes) -> Exchange:
            return Exchange(url, method, body, sent_us, self._clock(), status, response[:_REPORTED_MAX])

        try:
            response = await self._client.send(method, url, scope=scope, body=body, timeout_s=timeout_s)
        except CallFailed as error:
            raise NoAnswer(str(error), arrived=error.arrived, exchange=exchange(0, b"")) from None
        except InputError as error:
            raise NoAnswer(str(error), arrived=False, exchange=exchange(0, b"")) from None
        except SkypactError as error:  # no token could be had, for one
            raise NoAnswer(str(error), arrived=False) from None
        made = exchange(response.status, response.body)
        if response.status >= 500:
            raise NoAnswer(f"{response.status} {_message(response.body)}", arrived=True, exchange=made)
        if not 200 <= response.status < 300:
            raise Turned(
                response.status,
                _message(response.body),
                exchange=made,
                conflict=_conflict(response.body) if response.status == 409 else None,
            )
        try:
            return _plain(response.body, kind), made
        except InputError as error:
            raise Rubbish(str(error), exchange=made) from None


def _message(body: bytes) -> str:
    """What an error object says, in one line."""
    try:
        said = msgspec.json.decode(body, type=wire.ErrorResponse).message or ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = body[:200].decode("utf-8", "replace")
    return " ".join(said.split())[:500] or "without a word"


def _plain(body: bytes, kind: type[T]) -> T:
    """What it says; what could be read in two ways, or not be kept, is no answer either."""
    said = wire.decode(body, kind)
    refuse_repeated(body)
    refuse_controls(body)
    return said


def _conflict(body: bytes) -> wire.AirspaceConflictResponse | None:
    try:
        return _plain(body, wire.AirspaceConflictResponse)
    except InputError:
        return None
