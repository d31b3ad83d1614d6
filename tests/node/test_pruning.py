"""What a node forgets of itself while it runs, and what it keeps; names of flights are one's own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from node_world import World, box, node, now_us, story
from skypact import seal
from skypact.courier.addresses import Addresses
from skypact.courier.client import Client, Response
from skypact.errors import Refused
from skypact.instants import DAY_US
from skypact.node import roles
from skypact.node.config import Config
from skypact.server.metrics import Metrics
from skypact.store import Store, schema
from skypact.store import node as kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sqlalchemy import Table

    from node_world import Sent
    from skypact.store import Tx

LIVE, ENDED, OTHER = b"l" * 16, b"e" * 16, b"o" * 16


def _flight(ident: bytes, name: str, state: str, end_us: int) -> dict[str, Any]:
    row = kept.Flight(
        id=ident,
        name=name,
        operator="ops",
        state=state,
        filed=1,
        priority=0,
        version=1,
        ovn="ovn",
        reference=b"{}",
        details=b"{}",
        subscribers=b"[]",
        start_us=end_us - 1,
        end_us=end_us,
        south=0.0,
        north=1.0,
        west=0.0,
        east=1.0,
        written_us=end_us,
    )
    return row._asdict()


def _rows(at_us: int, ident: bytes, k: int, *, state: str) -> list[tuple[Table, dict[str, Any]]]:
    """A row of every table that a node writes, of one instant."""
    version = {"act": "plan", "content": b"{}", "leaf": k, "written_us": at_us}
    known = {
        "kind": "intent", "id": ident, "manager": "uss2", "version": 1, "ovn": "o", "digest": b"d" * 32,
        "content": b"{}", "source": "told", "start_us": at_us - 1, "end_us": at_us, "heard_us": at_us,
    }  # fmt: skip
    notice = {
        "at_us": at_us, "kind": "conflict", "flight": ident, "operator": "ops", "conflicts": 1,
        "text": "t", "content": b"{}", "caused_us": at_us, "leaf": k,
    }  # fmt: skip
    message = {
        "id": k, "seq": k, "lane": "l", "party": "p", "topic": "t", "ref": "r", "url": "u", "method": "POST",
        "scope": "s", "body": b"", "made_us": at_us, "not_after_us": at_us, "state": "delivered",
        "attempts": 1, "ended_us": at_us,
    }  # fmt: skip
    tried = {"message": k, "number": 1, "at_us": at_us, "took_us": 1, "status": 204, "fault": ""}
    report = {"id": str(k), "way": "made", "party": "p", "content": b"{}", "written_us": at_us}
    position = {"flight": ident, "measured_us": at_us, "received_us": at_us, "content": b"{}"}
    constraint = {
        "id": ident, "name": "", "provider": "", "state": "Ended", "filed": 1, "version": 1, "ovn": "",
        "reference": b"{}", "details": b"{}", "subscribers": b"[]", "start_us": at_us - 1, "end_us": at_us,
        "written_us": at_us,
    }  # fmt: skip
    log = {"kind": "message", "ref": "r", "at_us": at_us, "content": b"{}"}
    dss = {
        "kind": "intent", "id": ident, "seq": k, "version": 1, "act": "delete", "party": "p", "ovn": "o",
        "content": b"{}", "written_us": at_us,
    }  # fmt: skip
    return [
        (schema.node_flight, _flight(ident, "", state, at_us)),
        (schema.node_version, {"flight": ident, "filed": 1, **version}),
        (schema.node_known, known),
        (schema.node_notice, notice),
        (schema.node_seen, {"notice": at_us, "by": "x", "seen_us": at_us}),
        (schema.outbox, message),
        (schema.attempt, tried),
        (schema.node_report, report),
        (schema.node_position, position),
        (schema.node_constraint, constraint),
        (schema.node_constraint_version, {"constraint": ident, "filed": 1, **version}),
        (schema.node_log, {"id": k, **log}),
        (schema.dss_version, dss),
        (schema.dss_report, {"id": str(k), "party": "p", "content": b"{}", "written_us": at_us}),
    ]


async def _counts(store: Store, tables: list[Table]) -> dict[str, int]:
    def work(tx: Tx) -> dict[str, int]:
        return {
            table.name: int(tx.connection.execute(select(func.count()).select_from(table)).scalar_one())
            for table in tables
        }

    return await store.read(work)


def test_a_running_node_forgets_what_is_older_than_its_retention(store_url: str, tmp_path: Path) -> None:
    """Of an old row and a young one of every table the old one goes; a flight in use keeps its history."""
    now = now_us()
    old = [
        row for k in range(2) for row in _rows(now - 91 * DAY_US - k, bytes([k] * 16), 1 + k, state="Ended")
    ]
    young = _rows(now - DAY_US, ENDED, 10, state="Ended")
    history = {"filed": 1, "act": "plan", "content": b"{}", "leaf": 9, "written_us": now - 200 * DAY_US}
    live = [
        (schema.node_flight, _flight(LIVE, "mine", "Activated", now + DAY_US)),
        (schema.node_version, {"flight": LIVE, **history}),
    ]
    tables = [table for table, _ in young]

    async def run() -> tuple[dict[str, int], dict[str, int]]:
        store = await Store.open(store_url, upgrade=True)

        def fill(tx: Tx) -> None:
            for table, values in (*old, *young, *live):
                tx.connection.execute(insert(table), values)

        await store.write(fill)
        before = await _counts(store, tables)
        client = Client(Addresses())
        world = roles.World(Config(folder=str(tmp_path)), store, seal.generate(), client, Metrics())
        tasks = [
            asyncio.ensure_future(role(world).tasks[name]())
            for role, name in ((roles.node, "node prune"), (roles.dss, "dss prune"))
        ]
        after = before
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20.0):
                while any(after[t.name] > 1 for t in tables if t not in {table for table, _ in live}):
                    await asyncio.sleep(0.05)
                    after = await _counts(store, tables)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()
        await store.close()
        return before, after

    before, after = asyncio.run(run())
    for table in tables:
        stays = 2 if table.name in {"node_flight", "node_version"} else 1
        assert (table.name, before[table.name], after[table.name]) == (table.name, stays + 2, stays)


def test_no_two_living_flights_have_one_name(store_url: str) -> None:
    """The databases hold it: a name is free again with the end of its flight; no name is nobody's."""

    async def run() -> list[str]:
        store = await Store.open(store_url, upgrade=True)
        now = now_us()
        told = []
        for ident, name, state in (
            (LIVE, "mine", "Accepted"),
            (OTHER, "mine", "Ended"),
            (ENDED, "mine", "Activated"),
            (b"1" * 16, "", "Accepted"),
            (b"2" * 16, "", "Accepted"),
        ):
            values = _flight(ident, name, state, now)
            try:
                await store.write(lambda tx, v=values: tx.connection.execute(insert(schema.node_flight), v))  # type: ignore[misc]
                told.append("kept")
            except IntegrityError:
                told.append("refused")
        await store.close()
        return told

    assert asyncio.run(run()) == ["kept", "kept", "refused", "kept", "kept"]


def test_of_two_that_file_one_name_at_once_one_is_refused(tmp_path: Path) -> None:
    """Also while the first is on its way; to rename a flight to a name that is taken is refused too."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        came, slow = asyncio.Event(), asyncio.Event()

        async def wait(sent: Sent, arrive: Callable[[], Awaitable[Response]]) -> Response:
            if sent.method == "PUT":
                came.set()
                await slow.wait()
            return await arrive()

        world.ways["dss.example"] = wait
        first = asyncio.ensure_future(alpha.file(box(0, 0, 1, 1), name="mine"))
        await came.wait()
        with pytest.raises(Refused, match="another flight has this name"):
            await alpha.file(box(0, 3, 1, 4), name="mine")
        slow.set()
        mine = await first
        assert mine.done
        other = await alpha.file(box(0, 3, 1, 4), name="other")
        with pytest.raises(Refused, match="another flight has this name"):
            await alpha.file(box(0, 3, 1, 4), name="mine", ident=other.ident)
        assert (await alpha.end(mine.ident)).done
        assert (await alpha.file(box(0, 3, 1, 4), name="mine", ident=other.ident)).done

    story(tmp_path, tell)


def test_an_area_too_large_to_search_is_cleared_of_what_is_known_and_says_why_not_of_the_rest(
    tmp_path: Path,
) -> None:
    """Our flights in it end; that the discovery service takes no such search is told, with its limit."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        filed = await alpha.file(box(0, 0, 1, 1))
        cleared = await alpha.desk.clear(box(-200, -200, 200, 200, minutes=60.0), now_us())
        assert cleared.ended == (filed.ident,)
        assert len(cleared.failed) == 1
        assert "km2" in cleared.failed[0] or "km²" in cleared.failed[0]
        assert "2,500" in cleared.failed[0] or "2500" in cleared.failed[0]

    story(tmp_path, tell)
