"""A node killed with SIGKILL at every write of its planning and its telling: nothing lost or double."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from sqlalchemy import select

from node_world import Names, box, now_us
from skypact.courier.addresses import Addresses
from skypact.courier.client import Client
from skypact.courier.peers import Peers
from skypact.desk.dss import Asker, DssDesk, Settings
from skypact.desk.flights import NodeSettings
from skypact.desk.node import NodeDesk
from skypact.exchange.dss import STRATEGIC, Limits
from skypact.formats import f3548_wire as wire
from skypact.server import app as server
from skypact.server import f3548_dss, f3548_uss
from skypact.server.limits import Limits as RequestLimits
from skypact.server.listener import bound, place_of
from skypact.store import Store
from skypact.store import node as kept
from skypact.store.schema import dss_entity, dss_version

if TYPE_CHECKING:
    from skypact.store import Tx

TESTS = Path(__file__).resolve().parent.parent
POINTS = ("begun", "ran", "flushed", "commit", "committed")
WRITES = 14
"""So many writes there are until a flight has been planned, changed, activated and told, about."""
KILLS = [f"{POINTS[(nth + k) % 5]}:{nth}" for nth in range(1, WRITES + 1) for k in (0, 2, 4)]
NOBODY = "http://127.0.0.1:9/nobody"


@dataclass
class Told:
    """What came of it all."""

    lines: list[list[str]] = field(default_factory=list)
    left: dict[str, Any] = field(default_factory=dict)
    there: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    history: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    heard: list[tuple[str, int]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    known: dict[str, tuple[int, bool]] = field(default_factory=dict)
    took_s: float = 0.0


class _Hearing(NodeDesk):
    """A peer's desk that remembers the order in which it was told."""

    told: Told

    async def intent_told(
        self, party: str, body: wire.PutOperationalIntentDetailsParameters, raw: bytes, now_us: int
    ) -> None:
        """A notification: gone counts as later than every version."""
        intent = body.operational_intent
        await super().intent_told(party, body, raw, now_us)
        version = 2**31 if intent is None else intent.reference.version
        self.told.heard.append((body.operational_intent_id, version))


async def _served(folder: Path) -> Told:
    told = Told()
    began_s = time.monotonic()
    store = await Store.open(f"sqlite:///{folder / 'others.db'}", upgrade=True)
    await (await Store.open(f"sqlite:///{folder / 'alpha.db'}", upgrade=True)).close()
    door = bound("127.0.0.1", 0)
    base = f"http://127.0.0.1:{place_of(door)[1]}"
    dss = DssDesk(store, Settings(limits=Limits(plain_http=True)))
    peer = _Hearing(store, Peers(Client(Addresses()), base), NodeSettings(party="bravo", base_url=base))
    peer.told = told
    limits = RequestLimits(party_per_s=1e6, party_burst=1e6)
    app = server.application(
        (*f3548_dss.operations(dss), *f3548_uss.operations(peer)), Names(), server.Settings(limits=limits)
    )

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start" and scope["path"].startswith("/uss/"):
                told.statuses.append(message["status"])
            await send(message)

        await app(scope, receive, sending)

    web = uvicorn.Server(uvicorn.Config(watched, log_level="error", lifespan="off"))
    serving = asyncio.create_task(web.serve([door]))
    # two subscribers for the whole place: one that listens, and one that nobody reaches
    whole = box(-1, -1, 2, 2 * len(KILLS) + 2, low=0.0, high=1_000.0, minutes=200.0)
    for party, url in (("bravo", base), ("nobody", NOBODY)):
        asker = Asker(party, frozenset({STRATEGIC}), now_us())
        wanted = wire.PutSubscriptionParameters(
            extents=whole, uss_base_url=url, notify_for_operational_intents=True
        )
        await dss.put_subscription(asker, wire.id_text(wire.new_id()), None, wanted, wire.encode(wanted))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(TESTS / "crash" / "flyer.py"), str(folder), base, *KILLS,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    out, _ = await process.communicate()
    told.lines = [line.split(" ", 3) for line in out.decode().splitlines()]
    ends = [line.partition(" ")[2] for line in out.decode().splitlines() if line.startswith("end ")]
    told.left = json.loads(ends[-1]) if ends else {}

    def look(tx: Tx) -> None:
        at = dss_entity.c
        query = select(at.id, at.state, at.version, at.ovn).where(at.kind == "intent")
        told.there = {wire.id_text(i): (s, int(v), o) for i, s, v, o in tx.connection.execute(query)}
        was = dss_version.c
        past = select(was.id, was.version, was.act).where(was.kind == "intent").order_by(was.seq)
        told.history = {}
        for ident, version, act in tx.connection.execute(past):
            told.history.setdefault(wire.id_text(ident), []).append((int(version), act))
        idents = [wire.entity_id(i, where="") for i in told.history]
        told.known = {
            wire.id_text(i): (row.version, row.content is None)
            for (_, i, _), row in kept.known_of(tx, idents).items()
        }

    await store.read(look)
    web.should_exit = True
    await serving
    await store.close()
    told.took_s = time.monotonic() - began_s
    return told


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All the kills, once."""
    return asyncio.run(_served(tmp_path_factory.mktemp("kills")))


def test_every_process_was_killed_where_it_was_to_be(told: Told) -> None:
    """Each died of SIGKILL at its write; the last two ended by themselves."""
    died = [(line[2], int(line[3])) for line in told.lines if line[0] == "died"]
    assert died == [*((kill, -signal.SIGKILL) for kill in KILLS), ("settled", 0), ("settled", 0)]


def test_nothing_that_was_answered_is_lost(told: Told) -> None:
    """A flight is as its last answer said, or as the one change that was not answered would have it."""
    wanted: dict[str, list[list[str]]] = {}
    for line in told.lines:
        if line[0] == "ack":
            wanted[line[1]] = [line[2:]]
        elif line[0] == "try":
            wanted.setdefault(line[1], []).append(line[2:])
    assert sum(line[0] == "ack" for line in told.lines) > len(KILLS)
    assert not [line for line in told.lines if line[0] == "not"]
    for ident, states in wanted.items():
        found = told.left["flights"].get(ident)
        if found is None:  # killed before anything was kept: nobody was told of it
            assert not any(line[:2] == ["ack", ident] for line in told.lines)
        else:
            assert [found[0], str(found[1])] in states


def test_node_and_discovery_service_have_the_same(told: Told) -> None:
    """Every flight that is not over is there, once, with its version and its OVN; nothing is under way."""
    ours = {
        ident: (state, version, ovn)
        for ident, (state, _, version, ovn, _) in told.left["flights"].items()
        if state != "Ended"
    }
    assert len(ours) > len(KILLS) // 3
    assert told.there == ours
    assert told.left["under_way"] == 0
    names = [row[4] for row in told.left["flights"].values()]
    assert len(set(names)) == len(names)


def test_nothing_is_written_twice_as_two(told: Told) -> None:
    """The discovery service saw one creation of each flight; its versions and ours count up by one."""
    for versions in told.history.values():
        assert [act for _, act in versions].count("create") == 1
        assert [act for _, act in versions].count("delete") <= 1
        numbers = [number for number, act in versions if act != "delete"]
        assert numbers == list(range(1, len(numbers) + 1))
    for numbers in told.left["versions"].values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_subscriber_hears_in_order_and_nothing_double_as_two(told: Told) -> None:
    """Of each flight ever newer versions, a repeat being the same again (204); in the end it knows all."""
    assert set(told.statuses) == {204}
    last: dict[str, int] = {}
    repeats = 0
    for ident, version in told.heard:
        repeats += last.get(ident) == version
        assert last.get(ident, 0) <= version
        last[ident] = version
    assert repeats > 0  # a process died between the delivery and its record, and the message went again
    for ident, (state, _, version, _, _) in told.left["flights"].items():
        assert told.known[ident] == ((version, False) if state != "Ended" else (told.known[ident][0], True))


def test_a_subscriber_that_nobody_reaches_keeps_nobody_waiting_and_is_seen(told: Told) -> None:
    """Its messages wait, with the reason; all of the other's are delivered."""
    reach = {row["party"]: row for row in told.left["reach"]}
    nobody = reach.pop(NOBODY)
    assert nobody["waiting"] > len(KILLS) // 2
    assert nobody["delivered"] == 0
    assert nobody["failures"] > 0
    assert nobody["fault"]
    (bravo,) = reach.values()
    assert (bravo["waiting"], bravo["refused"], bravo["expired"]) == (0, 0, 0)
    assert bravo["delivered"] > len(KILLS)
