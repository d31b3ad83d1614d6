"""An attempt is its holder's for as long as he says so, and soon another's after a kill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from node_services import serving
from node_world import SECOND_US, Sent, World, box, node, now_us, story
from skypact.desk import leases
from skypact.errors import Reason, Refused
from skypact.store import node as kept
from skypact.store import watchful

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from skypact.courier.client import Response
    from skypact.store import Tx

    Arrive = Callable[[], Awaitable[Response]]


def slow_dss(world: World, seconds: float, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Let every write at the discovery service take so long."""

    async def way(sent: Sent, arrive: Arrive) -> Response:
        answer = await arrive()
        if sent.method == "PUT":
            await asyncio.sleep(seconds)
            if then is not None:
                await then()
        return answer

    world.ways["dss.example"] = way


def test_an_attempt_that_lasts_stays_its_holders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a write takes longer than a lease, no other may take the attempt up; then it is done."""
    monkeypatch.setattr(leases, "HELD_US", 2 * SECOND_US)
    monkeypatch.setattr(leases, "HOLD_S", 0.2)

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        free: list[int] = []

        async def look() -> None:
            free.append(len(await alpha.desk.store.read(lambda tx: kept.pendings(tx, now_us()))))
            (row,) = await alpha.desk.store.read(kept.under_way)
            assert row.leased_us > now_us()

        slow_dss(world, 2.3, look)
        result = await alpha.file(box(0, 0, 1, 1))
        assert result.done, result.why
        assert free == [0]

    story(tmp_path, tell)


def test_who_stood_still_ends_nothing_that_another_took_up(tmp_path: Path) -> None:
    """An attempt that another holds by the time its answer comes is left to him."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")

        def seize(tx: Tx) -> None:
            (row,) = kept.under_way(tx)
            kept.put_pending(tx, row._replace(holder=b"another process!", leased_us=now_us() + SECOND_US))

        async def taken() -> None:
            await alpha.desk.store.write(seize)

        slow_dss(world, 0.0, taken)
        with pytest.raises(Refused) as refused:
            await alpha.file(box(0, 0, 1, 1))
        assert refused.value.reason is Reason.UNAVAILABLE
        assert len(await alpha.desk.store.read(kept.under_way)) == 1
        world.ways.clear()
        await asyncio.sleep(1.1)
        assert await alpha.desk.recover(now_us()) == 1
        assert not await alpha.desk.store.read(kept.under_way)

    story(tmp_path, tell)


def test_an_attempt_at_a_constraint_that_lasts_stays_its_holders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its write takes longer than a lease, no other may take it up; then it is done, once."""
    monkeypatch.setattr(leases, "HELD_US", 2 * SECOND_US)
    monkeypatch.setattr(leases, "HOLD_S", 0.2)

    async def tell(world: World) -> None:
        fire = await serving(world, "fire")
        free: list[int] = []

        async def look() -> None:
            free.append(await fire.constraints.recover(now_us()))

        slow_dss(world, 2.3, look)
        done = await fire.restrict(box(0, 0, 1, 1))
        assert (done.done, done.state) == (True, "Valid")
        assert free == [0]
        assert (await fire.constraints.get(done.ident)).version == 1

    story(tmp_path, tell)


def test_who_stood_still_ends_no_constraint_that_another_took_up(tmp_path: Path) -> None:
    """An attempt at a constraint that another holds by the time its answer comes is left to him."""

    async def tell(world: World) -> None:
        fire = await serving(world, "fire")

        def seize(tx: Tx) -> None:
            (row,) = watchful.constraint_works(tx, 2**62)
            other = row._replace(holder=b"another process!", leased_us=now_us() + SECOND_US)
            watchful.put_constraint_work(tx, other)

        async def taken() -> None:
            await fire.node.desk.store.write(seize)

        slow_dss(world, 0.0, taken)
        with pytest.raises(Refused) as refused:
            await fire.restrict(box(0, 0, 1, 1))
        assert refused.value.reason is Reason.UNAVAILABLE
        assert not await fire.constraints.listed()
        world.ways.clear()
        await asyncio.sleep(1.1)
        assert await fire.constraints.recover(now_us()) == 1
        assert [row.state for row in await fire.constraints.listed()] == ["Valid"]

    story(tmp_path, tell)


def test_what_a_kill_left_is_free_within_five_seconds() -> None:
    """A lease is short, and said again several times within itself."""
    assert leases.HELD_US == 5 * SECOND_US
    assert leases.HOLD_S * SECOND_US * 3 < leases.HELD_US
