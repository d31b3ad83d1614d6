"""A discovery service for tests: a desk on a store, and requests as parties send them."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import text

from skypact.desk.dss import Asker, DssDesk, Settings
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.dss import (
    ARBITRATION,
    CONFORMANCE,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC,
    Limits,
)
from skypact.formats import f3548_wire as wire
from skypact.instants import HOUR_US, SECOND_US
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from skypact.store import Tx

T = TypeVar("T")

NOW = 1_800_000_000 * SECOND_US
ALL_SCOPES = frozenset({STRATEGIC, CONFORMANCE, CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING, ARBITRATION})
TABLES = (
    "dss_entity",
    "dss_created",
    "dss_version",
    "dss_shape",
    "dss_availability",
    "dss_report",
    "leaf",
    "region",
)
URL = "https://{}.example/utm"


def new_id() -> str:
    """A new id."""
    return str(uuid.uuid4())


def moment(us: int) -> dict[str, str]:
    """An instant as it is sent."""
    return {"value": wire.time(us).value, "format": "RFC3339"}


def metres(value: float) -> dict[str, Any]:
    """An altitude as it is sent."""
    return {"value": value, "reference": "W84", "units": "M"}


def square(lat: float = 50.0, lng: float = 5.0, size: float = 0.01) -> list[dict[str, float]]:
    """The corners of a square, by its south-west corner."""
    corners = ((0.0, 0.0), (0.0, size), (size, size), (size, 0.0))
    return [{"lat": lat + a, "lng": lng + b} for a, b in corners]


def volume(
    start_s: float | None = 0.0,
    end_s: float | None = 3600.0,
    *,
    lat: float = 50.0,
    lng: float = 5.0,
    size: float = 0.01,
    low: float | None = 0.0,
    high: float | None = 100.0,
    outline: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A Volume4D; times in seconds from NOW, None is open."""
    shape: dict[str, Any] = dict(outline or {"outline_polygon": {"vertices": square(lat, lng, size)}})
    if low is not None:
        shape["altitude_lower"] = metres(low)
    if high is not None:
        shape["altitude_upper"] = metres(high)
    made: dict[str, Any] = {"volume": shape}
    if start_s is not None:
        made["time_start"] = moment(NOW + round(start_s * SECOND_US))
    if end_s is not None:
        made["time_end"] = moment(NOW + round(end_s * SECOND_US))
    return made


@dataclass(frozen=True)
class Party:
    """A party that asks a region; ``at`` moves its clock."""

    desk: DssDesk
    name: str
    scopes: frozenset[str] = ALL_SCOPES
    now_us: int = NOW

    def at(self, seconds: float) -> Party:
        """The same party so much later than NOW."""
        return replace(self, now_us=NOW + round(seconds * SECOND_US))

    def only(self, *scopes: str) -> Party:
        """The same party with a smaller token."""
        return replace(self, scopes=frozenset(scopes))

    @property
    def asker(self) -> Asker:
        """Who asks."""
        return Asker(self.name, self.scopes, self.now_us)

    async def intent(
        self, ident: str, *volumes: dict[str, Any], ovn: str | None = None, **more: Any
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """PUT an intent; with an implicit subscription unless something else is said."""
        body: dict[str, Any] = {
            "extents": list(volumes) or [volume()],
            "state": "Accepted",
            "uss_base_url": URL.format(self.name),
            "new_subscription": {"uss_base_url": URL.format(self.name)},
            **more,
        }
        return await self.raw_intent(ident, {k: v for k, v in body.items() if v is not None}, ovn)

    async def raw_intent(
        self, ident: str, body: dict[str, Any], ovn: str | None = None
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """PUT an intent with just this body."""
        raw = wire.encode(body)
        request = wire.decode(raw, wire.PutOperationalIntentReferenceParameters)
        return await self.desk.put_intent(self.asker, ident, ovn, request, raw)

    async def get_intent(self, ident: str) -> wire.OperationalIntentReference:
        """GET an intent."""
        return (await self.desk.get_intent(self.asker, ident)).operational_intent_reference

    async def intents(self, area: dict[str, Any] | None = None) -> list[str]:
        """Ids of the intents in an area."""
        found = await self.desk.query_intents(self.asker, query(area))
        return [reference.id for reference in found.operational_intent_references]

    async def constraint(
        self, ident: str, *volumes: dict[str, Any], ovn: str | None = None, **more: Any
    ) -> wire.ChangeConstraintReferenceResponse:
        """PUT a constraint."""
        raw = wire.encode(
            {"extents": list(volumes) or [volume()], "uss_base_url": URL.format(self.name), **more}
        )
        request = wire.decode(raw, wire.PutConstraintReferenceParameters)
        return await self.desk.put_constraint(self.asker, ident, ovn, request, raw)

    async def constraints(self, area: dict[str, Any] | None = None) -> list[str]:
        """Ids of the constraints in an area."""
        found = await self.desk.query_constraints(self.asker, query(area))
        return [reference.id for reference in found.constraint_references]

    async def subscription(
        self, ident: str, extents: dict[str, Any] | None = None, *, version: str | None = None, **more: Any
    ) -> wire.PutSubscriptionResponse:
        """PUT a subscription to intents, unless something else is said."""
        raw = wire.encode(
            {
                "extents": extents or volume(low=None, high=None),
                "uss_base_url": URL.format(self.name),
                "notify_for_operational_intents": True,
                **more,
            }
        )
        request = wire.decode(raw, wire.PutSubscriptionParameters)
        return await self.desk.put_subscription(self.asker, ident, version, request, raw)

    async def get_subscription(self, ident: str) -> wire.Subscription:
        """GET a subscription."""
        return (await self.desk.get_subscription(self.asker, ident)).subscription

    async def subscriptions(self, area: dict[str, Any] | None = None) -> list[str]:
        """Ids of the party's own subscriptions in an area."""
        found = await self.desk.query_subscriptions(self.asker, query(area))
        return [subscription.id for subscription in found.subscriptions]

    async def declare(self, party: str, availability: str, old: str) -> str:
        """Set a party's availability; returns the new version."""
        body = {"old_version": old, "availability": availability}
        request = wire.decode(wire.encode(body), wire.SetUssAvailabilityStatusParameters)
        return (await self.desk.set_availability(self.asker, party, request)).version


def query(area: dict[str, Any] | None = None) -> wire.QueryParameters:
    """A query of an area, by default one around the default volume without times or altitudes."""
    asked = area or volume(None, None, low=None, high=None)
    return wire.decode(wire.encode({"area_of_interest": asked}), wire.QueryParameters)


def told(answer: Any) -> dict[str, list[str]]:
    """Who has to be told, from an answer: ids of subscriptions by base URL; one index for all."""
    assert len({s.notification_index for who in answer.subscribers for s in who.subscriptions}) <= 1
    urls = [who.uss_base_url for who in answer.subscribers]
    assert len(set(urls)) == len(urls)
    return {who.uss_base_url: [s.subscription_id for s in who.subscriptions] for who in answer.subscribers}


def index_of(answer: Any) -> int:
    """The notification index of an answer that has subscribers."""
    return int(answer.subscribers[0].subscriptions[0].notification_index)


def ovn_of(answer: wire.ChangeOperationalIntentReferenceResponse) -> str:
    """The OVN that a write was given."""
    assert answer.operational_intent_reference.ovn is not None
    return answer.operational_intent_reference.ovn


async def refused(awaited: Awaitable[object]) -> Refused:
    """The refusal; a fault of the input counts as INVALID, as it does for the server."""
    try:
        answer = await awaited
    except Refused as refusal:
        return refusal
    except InputError as error:
        return Refused(Reason.INVALID, str(error))
    raise AssertionError(f"it was not refused: {answer}")


async def reason(awaited: Awaitable[object]) -> Reason:
    """The reason of the refusal."""
    return (await refused(awaited)).reason


class World:
    """A region with its store, and parties."""

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self.store = store
        self.desk = DssDesk(store, Settings(limits=limits or Limits()))
        self.a, self.b, self.c = (Party(self.desk, name) for name in ("alpha", "bravo", "charlie"))

    async def tables(self, *names: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the service's tables."""
        return await self.store.read(lambda tx: {name: _rows(tx, name) for name in names or TABLES})

    async def unchanged_by(self, awaited: Callable[[], Awaitable[object]]) -> Refused:
        """The refusal, of which nothing may stay in any table."""
        before = await self.tables()
        refusal = await refused(awaited())
        assert await self.tables() == before
        return refusal


def _rows(tx: Tx, name: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in tx.connection.execute(text(f"SELECT * FROM {name}"))), key=repr)  # noqa: S608 -- names of ours


def inside(url: str, story: Callable[[World], Awaitable[T]], *, limits: Limits | None = None) -> T:
    """Open a region on a fresh database, tell the story, close it."""

    async def run() -> T:
        store = await Store.open(url, upgrade=True)
        try:
            return await story(World(store, limits))
        finally:
            await store.close()

    return asyncio.run(run())


def sizes(tables: dict[str, list[tuple[Any, ...]]], names: Iterable[str]) -> dict[str, int]:
    """How many rows of each."""
    return {name: len(tables[name]) for name in names}


HOURS = HOUR_US / SECOND_US
"""An hour in seconds."""
