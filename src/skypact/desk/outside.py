"""What a node asks of others, as its desk sees it: typed questions, typed answers, and three ways to fail.

Law: the desk knows no HTTP client; whoever composes the node gives it something that is :class:`Outside`.
An answer here is of the right shape; whether it is true is decided by the rules. Every answer of a peer
comes with the :class:`Exchange` it was part of, so that a fault can be reported as it happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from skypact.errors import SkypactError

if TYPE_CHECKING:
    from skypact.formats import f3548_wire as wire


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that we made, and its answer.

    Attributes
    ----------
    request_us, response_us
        When it was sent and answered, microseconds since 1970 UTC.
    status
        0 where there was no answer.
    """

    url: str
    method: str
    request: bytes | None
    request_us: int
    response_us: int
    status: int
    response: bytes


class NoAnswer(SkypactError):  # noqa: N818 -- an outcome, of which the rules make what they must
    """Nobody answered in time, or not with a final answer.

    Attributes
    ----------
    arrived
        Whether the request may have been done. False: certainly not.
    """

    def __init__(self, why: str, *, arrived: bool, exchange: Exchange | None = None) -> None:
        self.why = why
        self.arrived = arrived
        self.exchange = exchange
        super().__init__(why)


class Turned(SkypactError):  # noqa: N818 -- the same
    """The other answered, and did not do it.

    Attributes
    ----------
    status
        Of HTTP.
    conflict
        What a discovery service misses, where it said so.
    """

    def __init__(
        self,
        status: int,
        why: str,
        *,
        exchange: Exchange,
        conflict: wire.AirspaceConflictResponse | None = None,
    ) -> None:
        self.status = status
        self.why = why
        self.exchange = exchange
        self.conflict = conflict
        super().__init__(f"{status}: {why}")


class Rubbish(SkypactError):  # noqa: N818 -- the same
    """The other answered what is not an answer; says what is wrong, with the JSON path."""

    def __init__(self, why: str, *, exchange: Exchange) -> None:
        self.why = why
        self.exchange = exchange
        super().__init__(why)


class Outside(Protocol):
    """The discovery service (DSS) and the peers.

    Every method may raise :class:`NoAnswer`, :class:`Turned` or :class:`Rubbish`; ``timeout_s`` is for all of
    a call.
    """

    async def intents_in(
        self, area: wire.Volume4D, timeout_s: float
    ) -> list[wire.OperationalIntentReference]:
        """What intents the DSS has in an area."""

    async def constraints_in(self, area: wire.Volume4D, timeout_s: float) -> list[wire.ConstraintReference]:
        """What constraints it has there."""

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
        """Create an intent (no OVN) or change it.

        ``conformance`` and ``constraints`` ask for the scopes that an off-nominal state needs, and a
        subscription to constraints.
        """

    async def delete_intent(
        self, ident: str, ovn: str, timeout_s: float
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """End it."""

    async def get_intent(self, ident: str, timeout_s: float) -> wire.OperationalIntentReference | None:
        """What the DSS has of it; None: nothing."""

    async def intent_details(
        self, base_url: str, ident: str, timeout_s: float
    ) -> tuple[wire.OperationalIntent, Exchange]:
        """What a peer says of an intent."""

    async def constraint_details(
        self, base_url: str, ident: str, timeout_s: float
    ) -> tuple[wire.Constraint, Exchange]:
        """What a peer says of a constraint."""

    async def telemetry(
        self, base_url: str, ident: str, timeout_s: float
    ) -> wire.GetOperationalIntentTelemetryResponse:
        """Where a peer says that an off-nominal flight of its own is."""

    @property
    def reports_url(self) -> str:
        """Where the DSS takes reports of faults."""


class Arbiter(Protocol):
    """What the DSS has of the availability of parties; raises as :class:`Outside`."""

    async def availability(self, party: str, timeout_s: float) -> wire.UssAvailabilityStatusResponse:
        """Whether a party answers, as an arbiter declared it."""

    async def set_availability(
        self, party: str, body: bytes, timeout_s: float
    ) -> wire.UssAvailabilityStatusResponse:
        """Declare it: with the arbiter's scope."""
