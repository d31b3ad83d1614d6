"""Nodes and a discovery service in one process: the real applications, joined without sockets.

A call goes to the application whose host it names; ``world.ways`` holds what happens on the way to a host
instead: it may fail, wait, lie, or pass the call on.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from skypact.courier.client import CallFailed, Response
from skypact.courier.outbox import Outbox
from skypact.courier.peers import Peers
from skypact.desk.dss import DssDesk
from skypact.desk.flights import Filing, NodeSettings, Result
from skypact.desk.node import NodeDesk
from skypact.errors import Reason, Refused
from skypact.formats import f3548_wire as wire
from skypact.server import f3548_dss, f3548_uss, testing
from skypact.server.app import Identity, Settings, application
from skypact.server.limits import Limits
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DSS = "https://dss.example"


_EMPTY: list[bytes] = []
"""A database with all tables, made once: the bytes of its file."""


def now_us() -> int:
    """Now."""
    return time.time_ns() // 1_000


class Names:
    """A verifier: ``PARTY:scope,scope`` is a token."""

    def identify(self, token: str, now_us: int) -> Identity:
        """Whose token it is."""
        party, _, scopes = token.partition(":")
        if not party:
            raise Refused(Reason.UNAUTHENTICATED, f"nobody's token ({now_us})")
        return Identity(party, frozenset(scopes.split(",")))


@dataclass(frozen=True)
class Sent:
    """A call as it went out."""

    sender: str
    method: str
    url: str
    body: bytes | None

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body or b"null")


Way = "Callable[[Sent, Callable[[], Awaitable[Response]]], Awaitable[Response]]"


@dataclass
class World:
    """Who is there, and what went between them."""

    folder: Path
    apps: dict[str, Any] = field(default_factory=dict)
    ways: dict[str, Any] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)

    async def store(self, name: str) -> Store:
        """A new store of this name, or the old one opened again."""
        path = self.folder / f"{name}.db"
        if not path.exists():
            if not _EMPTY:
                made = self.folder / "empty.db"
                await (await Store.open(f"sqlite:///{made}", upgrade=True)).close()
                _EMPTY.append(made.read_bytes())
            path.write_bytes(_EMPTY[0])
        store = await Store.open(f"sqlite:///{path}")
        self.stores.append(store)
        return store

    async def close(self) -> None:
        """Close every store."""
        for store in self.stores:
            await store.close()

    def serve(self, host: str, operations: Any) -> None:
        """Answer calls to a host."""
        limits = Limits(party_per_s=1e6, party_burst=1e6)
        self.apps[host] = application(operations, Names(), Settings(limits=limits))


class Sender:
    """What one party calls with."""

    def __init__(self, world: World, party: str) -> None:
        self.world = world
        self.party = party

    async def send(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        body: bytes | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        """One call, by the way that is laid to its host."""
        host = httpx.URL(url).host
        sent = Sent(self.party, method, url, body)
        self.world.sent.append(sent)

        async def arrive() -> Response:
            app = self.world.apps.get(host)
            if app is None:
                raise CallFailed("there is nobody", arrived=False)
            token = f"{self.party}:{scope.replace(' ', ',')}"
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
                answer = await client.request(
                    method, url, content=body, headers={"authorization": f"Bearer {token}"}
                )
            return Response(answer.status_code, dict(answer.headers), answer.content, 0.0)

        way = self.world.ways.get(host)
        try:
            async with asyncio.timeout(timeout_s):
                return await (arrive() if way is None else way(sent, arrive))
        except TimeoutError:
            raise CallFailed(f"no answer within {timeout_s:g} s", arrived=True) from None


@dataclass
class Node:
    """One party's node."""

    party: str
    desk: NodeDesk
    outbox: Outbox
    sender: Sender

    @property
    def base_url(self) -> str:
        """Where it is reached."""
        return self.desk.settings.base_url

    async def file(self, *volumes: wire.Volume4D, phase: str = "Accepted", **more: Any) -> Result:
        """File a flight."""
        ident = more.pop("ident", None)
        off = list(volumes) if phase in {"Nonconforming", "Contingent"} else []
        filing = Filing(
            phase=phase, volumes=[] if off else list(volumes), off_nominal_volumes=off, operator="ops", **more
        )
        return await self.desk.file(filing, now_us(), ident=ident)

    async def end(self, ident: str) -> Result:
        """End one."""
        return await self.desk.end(ident, now_us())

    async def ask(
        self, method: str, path: str, scope: str, body: Any = None, *, party: str = "judge"
    ) -> Response:
        """Ask this node something, as another party."""
        sender = Sender(self.sender.world, party)
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return await sender.send(method, self.base_url + path, scope=scope, body=raw)


async def node(world: World, party: str, *, ahead_us: int = 0, url: str = "", **more: Any) -> Node:
    """A node of a party, on its own store, served at ``PARTY.example``; its outbox's clock may be ahead."""
    if url:
        store = await Store.open(url, upgrade=True)
        world.stores.append(store)
    else:
        store = await world.store(party)
    sender = Sender(world, party)
    outbox = Outbox(
        store, sender, clock=lambda: now_us() + ahead_us, first_pause_s=0.01, longest_pause_s=0.02
    )
    settings = NodeSettings(party=party, base_url=f"https://{party}.example", wake=outbox.wake, **more)
    desk = NodeDesk(store, Peers(sender, DSS), settings)
    world.serve(f"{party}.example", (*f3548_uss.operations(desk), *testing.operations(desk)))
    return Node(party, desk, outbox, sender)


def story(folder: Path, tell: Callable[[World], Awaitable[T]]) -> T:
    """A world with a discovery service, and what happens in it."""

    async def run() -> T:
        world = World(folder)
        try:
            world.serve("dss.example", f3548_dss.operations(DssDesk(await world.store("dss"))))
            return await tell(world)
        finally:
            await world.close()

    return asyncio.run(run())


async def dss(world: World, method: str, path: str, body: Any = None, *, party: str, scope: str) -> Any:
    """Ask the discovery service as a party; the answer's JSON."""
    raw = None if body is None else json.dumps(body).encode()
    answer = await Sender(world, party).send(method, f"{DSS}/dss/v1{path}", scope=scope, body=raw)
    assert answer.status < 300, answer.body
    return json.loads(answer.body)


def box(
    south: float,
    west: float,
    north: float,
    east: float,
    *,
    low: float = 100.0,
    high: float = 200.0,
    start_us: int | None = None,
    minutes: float = 30.0,
) -> wire.Volume4D:
    """A box in hundredths of a degree from a field in Switzerland, from now or an instant, for minutes."""
    start = now_us() - SECOND_US if start_us is None else start_us
    corners = ((south, west), (south, east), (north, east), (north, west))
    vertices = [wire.LatLngPoint(lat=47.0 + a / 100.0, lng=8.0 + b / 100.0) for a, b in corners]
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_polygon=wire.Polygon(vertices=vertices),
            altitude_lower=wire.Altitude(value=low, reference="W84", units="M"),
            altitude_upper=wire.Altitude(value=high, reference="W84", units="M"),
        ),
        time_start=wire.time(start),
        time_end=wire.time(start + int(minutes * MINUTE_US)),
    )
