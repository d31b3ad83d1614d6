"""What each role of a node is: its operations, what runs beside them, and what has to be ready.

Law: a role is one function of the :class:`World`; it starts nothing. What it needs of others it gets from
there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from skypact.airspace.labels import DataMode
from skypact.courier.calls import Caller
from skypact.courier.filings import FilingFetcher
from skypact.courier.hotline import Hotline
from skypact.courier.logged import Logged
from skypact.courier.outbox import Outbox
from skypact.courier.peers import Peers
from skypact.courier.tokens import OwnKey, Tokens
from skypact.courier.witnesses import Witnesses
from skypact.desk.accounts import Accounts
from skypact.desk.calls import Calls
from skypact.desk.clock import now_us
from skypact.desk.conformance import Monitor
from skypact.desk.constraints import ConstraintDesk
from skypact.desk.dss import DssDesk
from skypact.desk.dss import Settings as DssSettings
from skypact.desk.extract import Extract, of_node
from skypact.desk.filings import Filings
from skypact.desk.flights import NodeSettings
from skypact.desk.hotline import HotlineDesk
from skypact.desk.incidents import Incidents
from skypact.desk.lines import Lines
from skypact.desk.logs import Journal, Logs
from skypact.desk.neighbours import Neighbours
from skypact.desk.node import NodeDesk
from skypact.desk.pact import LOOK_S, Agreement
from skypact.desk.record import Record
from skypact.desk.witness import Witness
from skypact.errors import Refused
from skypact.exchange.dss import Limits as DssLimits
from skypact.exchange.planning import Rules
from skypact.instants import DAY_US
from skypact.node.calls import calling
from skypact.node.keys import record_key
from skypact.notify.flight import FilingLimits
from skypact.server import accounts as served_accounts
from skypact.server import f3548_constraints, f3548_dss, f3548_uss, native, testing
from skypact.server import filings as served_filings
from skypact.server import hotline as served_hotline
from skypact.server import incidents as served_incidents
from skypact.server import record as served_record
from skypact.server.journalled import Journalled
from skypact.store import node as kept
from skypact.store import watchful
from skypact.store.prune import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from skypact.courier.client import Client
    from skypact.node.config import Config
    from skypact.pact.agreement import Pact
    from skypact.seal import SigningKey
    from skypact.server.metrics import Metrics
    from skypact.server.operation import Operation
    from skypact.store import Store

_PRUNE_S: Final = 10.0
_PRUNE_MANY: Final = 200
_FORGET_S: Final = 60.0
_SETTLE_S: Final = 1.0
"""How often what was not settled is taken up, and what is over is closed."""
_WATCH_S: Final = 1.0
"""How often the clock is held against flights in use."""


@dataclass(frozen=True, slots=True)
class World:
    """What a role has around it."""

    config: Config
    store: Store
    key: SigningKey
    client: Client
    metrics: Metrics
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """What a role adds to a node.

    Attributes
    ----------
    operations
        Rows of the table.
    tasks
        What runs for as long as the node does, by name; one that fails is started again.
    ready
        What has to be ready, by name: given the time, what is amiss, or an empty text.
    around
        What the application is wrapped in: it sees every request and answer, and changes none.
    """

    operations: tuple[Operation, ...]
    tasks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    ready: Mapping[str, Callable[[int], Awaitable[str]]] = field(default_factory=dict)
    around: Callable[[Any], Any] | None = None


def dss(world: World) -> Role:
    """Discovery and synchronisation: the DSS interface of F3548-21."""
    told = world.config.dss
    desk = DssDesk(
        world.store,
        DssSettings(
            mode=DataMode(world.config.node.data_mode),
            limits=DssLimits(
                search_area_km2=told.search_area_km2,
                intent_area_km2=told.intent_area_km2,
                subscription_area_km2=told.subscription_area_km2,
                constraint_area_km2=told.constraint_area_km2,
                subscriptions=told.subscriptions,
                plain_http=told.plain_http,
            ),
        ),
    )
    retention_us = int(world.config.store.retention_days * DAY_US)

    async def prune() -> None:
        while True:
            removed = await desk.prune(now_us(), retention_us, _PRUNE_MANY)
            # a full batch: there is more, but requests go first
            await asyncio.sleep(0.1 if removed >= _PRUNE_MANY else _PRUNE_S)

    async def look(now_us: int) -> str:
        try:
            await desk.look(now_us)
        except Refused as refusal:
            return str(refusal)
        return ""

    return Role(f3548_dss.operations(desk), {"dss prune": prune}, {"region": look})


def node(world: World) -> Role:
    """A party's own flights, and what it exchanges with its peers: the USS interface of F3548-21."""
    config, told = world.config, world.config.flights
    journal = Journal(world.store)
    sender = Logged(world.client, journal.note, tokens=world.client.tokens, source=config.base_url)
    outbox = Outbox(world.store, sender, call_s=config.outgoing.timeout_s)
    peers = Peers(sender, config.dss_url)
    desk = NodeDesk(
        world.store,
        peers,
        NodeSettings(
            party=config.node.party,
            base_url=config.base_url,
            mode=DataMode(config.node.data_mode),
            rules=Rules(
                equal_priority=told.equal_priority,
                over_off_nominal=told.over_off_nominal,
                through_constraints=told.through_constraints,
            ),
            filing=FilingLimits(priority_most=told.priority_most),
            constraints=told.constraints,
            plan_s=told.plan_s,
            peer_s=told.peer_s,
            wake=outbox.wake,
        ),
    )

    constraints = ConstraintDesk(world.store, peers, desk.flights)
    monitor = Monitor(world.store, desk.flights)
    retention_us = int(config.store.retention_days * DAY_US)

    async def settle() -> None:
        while True:
            await desk.recover(now_us())
            await desk.flights.expire(now_us())
            await constraints.recover(now_us())
            await constraints.expire(now_us())
            await constraints.undelivered(now_us())
            await asyncio.sleep(_SETTLE_S)

    async def watch() -> None:
        while True:
            await monitor.tick(now_us())
            await asyncio.sleep(_WATCH_S)

    async def forget() -> None:
        while True:
            await monitor.forget()
            removed = 0
            for section in (*SECTIONS, *watchful.SECTIONS, *kept.SECTIONS):
                removed += await section.batch(world.store, now_us(), retention_us, _PRUNE_MANY)
            await asyncio.sleep(0.1 if removed >= _PRUNE_MANY else _FORGET_S)

    operations = (
        *f3548_uss.operations(desk),
        *f3548_constraints.operations(constraints, Logs(world.store)),
        *native.operations(
            desk,
            monitor=monitor,
            constraints=constraints,
            arbiter=peers,
            neighbours=Neighbours(world.store, peers, desk.flights),
        ),
    )
    if config.testing.enabled:
        operations = (*operations, *testing.operations(desk))
    return Role(
        operations,
        {
            "outbox": outbox.run,
            "node settle": settle,
            "node watch": watch,
            "node prune": forget,
            "journal": journal.run,
        },
        around=lambda app: Journalled(app, journal.note, base_url=config.base_url),
    )


def people(world: World) -> Role:
    """The accounts of the party's people: of every node that is a party's own."""
    return Role(served_accounts.operations(Accounts(world.store, world.config.node.party)))


def record(world: World) -> Role:
    """The record of whatever the node does: checkpoints, the log's files, and the door of a witness."""
    key = record_key(world.config)
    log = Record(world.store, key, world.config.record.origin)
    witness = Witness(world.store, key, world.config.witnessed_logs, world.config.record.origin)
    asked = Witnesses(log, world.client, world.config.witnesses, now_us)
    return Role(served_record.operations(log, witness), {"record": asked.run})


def hotline(world: World, agreement: Agreement) -> Role:
    """The hotline under a pact: what is said between parties, and the people who say it."""
    config = world.config
    desk = HotlineDesk(world.store, agreement, world.key)
    lines = Lines(world.store, desk)
    calls = Calls(world.store, desk.threads)
    accounts = Accounts(world.store, config.node.party)
    outward = calling(config)
    outward.tokens = Tokens(
        OwnKey(world.key, issuer=hotline_issuer(config.node.party), party=config.node.party)
    )
    courier = Hotline(desk, lines, outward, config.peers)
    filings = Filings(world.store, desk, fetch=FilingFetcher(outward, config.peers))
    caller = Caller(
        desk,
        calls,
        world.client,
        command=config.pact.call_command,
        webhook=config.pact.call_webhook,
        clock=now_us,
    )

    async def refresh() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await agreement.refresh(now_us())

    return Role(
        (
            *served_hotline.peers(desk, lines),
            *served_hotline.people(desk, lines, calls, accounts),
            *served_filings.peers(filings),
            *served_filings.people(filings, accounts),
        ),
        {
            "hotline": courier.run,
            "hotline calls": caller.run,
            "pact": refresh,
            "filings": filings.run,
        },
    )


def incidents(world: World) -> Role:
    """The incidents that the party keeps, beside what its own record says."""
    config, agreement = world.config, world.agreement
    party = config.node.party
    log = Record(world.store, record_key(config), config.record.origin)

    def pact(at_us: int) -> Pact | None:
        try:
            return None if agreement is None else agreement.current(at_us).pact
        except Refused:  # no version is in force now
            return None

    async def extract(at_us: int, since_us: int, until_us: int) -> Extract:
        return await of_node(
            world.store,
            log,
            party,
            at_us,
            since_us=since_us,
            until_us=until_us,
            logs=config.witnessed_logs,
        )

    mode = DataMode(config.node.data_mode)
    desk = Incidents(world.store, Accounts(world.store, party), mode, world.key, pact=pact, extract=extract)
    return Role(served_incidents.operations(desk, mode))


def hotline_issuer(party: str) -> str:
    """``iss`` of the tokens with which a party's node calls another's hotline."""
    return f"urn:skypact:hotline:{party}"


ROLES: Final[Mapping[str, Callable[[World], Role]]] = {"dss": dss, "node": node}
"""The roles that there are, by their names in the configuration."""
