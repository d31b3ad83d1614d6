"""A node killed with SIGKILL at every write of its constraints: nothing lost or double, nobody untold."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from sqlalchemy import select

from crash.restrictor import GONE
from node_world import Names, box, now_us
from skypact.desk.dss import Asker, DssDesk, Settings
from skypact.exchange.dss import CONSTRAINT_PROCESSING, Limits
from skypact.formats import f3548_wire as wire
from skypact.server import app as server
from skypact.server import f3548_dss
from skypact.server.limits import Limits as RequestLimits
from skypact.server.listener import bound, place_of
from skypact.store import Store
from skypact.store.schema import dss_entity, dss_version

if TYPE_CHECKING:
    from skypact.store import Tx

TESTS = Path(__file__).resolve().parent.parent
POINTS = ("begun", "ran", "flushed", "commit", "committed")
WRITES = 5
"""So many writes there are until a constraint has been filed, moved and ended, about."""
KILLS = [f"{point}:{nth}" for nth in range(1, WRITES + 1) for point in POINTS]


@dataclass
class Seen:
    """What came of it all."""

    lines: list[list[str]] = field(default_factory=list)
    left: dict[str, Any] = field(default_factory=dict)
    there: dict[str, tuple[int, str]] = field(default_factory=dict)
    history: dict[str, list[tuple[int, str]]] = field(default_factory=dict)


async def _served(folder: Path) -> Seen:
    seen = Seen()
    store = await Store.open(f"sqlite:///{folder / 'others.db'}", upgrade=True)
    await (await Store.open(f"sqlite:///{folder / 'alpha.db'}", upgrade=True)).close()
    door = bound("127.0.0.1", 0)
    base = f"http://127.0.0.1:{place_of(door)[1]}"
    dss = DssDesk(store, Settings(limits=Limits(plain_http=True)))
    limits = RequestLimits(party_per_s=1e6, party_burst=1e6)
    app = server.application(f3548_dss.operations(dss), Names(), server.Settings(limits=limits))
    web = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(web.serve([door]))
    whole = box(-1, -1, 3, 2 * len(KILLS) + 2, low=0.0, high=1_000.0, minutes=200.0)
    wanted = wire.PutSubscriptionParameters(
        extents=whole, uss_base_url="http://127.0.0.1:9/listener", notify_for_constraints=True
    )
    asker = Asker("listener", frozenset({CONSTRAINT_PROCESSING}), now_us())
    await dss.put_subscription(asker, wire.id_text(wire.new_id()), None, wanted, wire.encode(wanted))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(TESTS / "crash" / "restrictor.py"), str(folder), base, *KILLS,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    out, _ = await process.communicate()
    lines = out.decode().splitlines()
    seen.lines = [line.split(" ") for line in lines]
    ends = [line.partition(" ")[2] for line in lines if line.startswith("end ")]
    seen.left = json.loads(ends[-1]) if ends else {}

    def look(tx: Tx) -> None:
        at, was = dss_entity.c, dss_version.c
        now = select(at.id, at.version, at.ovn).where(at.kind == "constraint")
        seen.there = {wire.id_text(i): (int(v), o) for i, v, o in tx.connection.execute(now)}
        past = select(was.id, was.version, was.act).where(was.kind == "constraint").order_by(was.seq)
        for ident, version, act in tx.connection.execute(past):
            seen.history.setdefault(wire.id_text(ident), []).append((int(version), act))

    await store.read(look)
    web.should_exit = True
    await serving
    await store.close()
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """All the kills, once."""
    return asyncio.run(_served(tmp_path_factory.mktemp("kills")))


def test_every_node_was_killed_at_its_write_or_had_fewer(seen: Seen) -> None:
    """Each died of SIGKILL where it was to, or ended before; most died, and the last two did not."""
    died = [(line[2], int(line[3])) for line in seen.lines if line[0] == "died"]
    assert [kill for kill, _ in died] == [*KILLS, "settled", "settled"]
    assert all(status in {0, -signal.SIGKILL} for _, status in died)
    assert sum(status == -signal.SIGKILL for _, status in died) >= 4 * len(KILLS) // 5
    assert [status for _, status in died[-2:]] == [0, 0]


def test_no_constraint_that_was_answered_is_lost(seen: Seen) -> None:
    """What was filed and answered is there, what was ended and answered has ended; none is refused."""
    assert not [line for line in seen.lines if line[0] == "not"]
    ours = seen.left["constraints"]
    answered = [(line[1], line[2]) for line in seen.lines if line[0] == "ack"]
    assert len(answered) > len(KILLS) // 2
    for ident, step in answered:
        assert ours[ident][0] == "Ended" if step == "end" else ident in ours
    assert len({row[3] for row in ours.values()}) == len(ours)


def test_node_and_discovery_service_have_the_same_constraints(seen: Seen) -> None:
    """What has not ended is there with its version and OVN, and nothing else; nothing is open."""
    ours = {i: (row[1], row[2]) for i, row in seen.left["constraints"].items() if row[0] != "Ended"}
    assert len(ours) > len(KILLS) // 4
    assert seen.there == ours
    assert seen.left["under_way"] == 0


def test_no_constraint_is_created_twice(seen: Seen) -> None:
    """One creation, at most one end, and versions that count up by one."""
    for versions in seen.history.values():
        assert [act for _, act in versions].count("create") == 1
        assert [act for _, act in versions].count("delete") <= 1
        numbers = [number for number, act in versions if act != "delete"]
        assert numbers == list(range(1, len(numbers) + 1))


def test_the_subscriber_is_told_the_last_of_each_constraint(seen: Seen) -> None:
    """Of each, ever newer versions are on their way to him, the last being what there is."""
    for ident, (state, version, _, _) in seen.left["constraints"].items():
        told = seen.left["told"][ident]
        assert told == sorted(told)
        assert told[-1] == (GONE if state == "Ended" else version)
