"""A database that fails at every write point of a filing's way: it and what is said of it stay one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from filings import movement, site
from filings_world import KEEPER, NOW, story
from skypact.errors import Refused
from skypact.instants import SECOND_US
from skypact.notify.lifecycle import Move
from skypact.store.schema import filing_move, filing_told, filing_version, hotline_message, leaf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from filings_world import Side, World
    from skypact.store import Tx

POINTS = ("begun", "flushed", "commit", "committed")


class _Break:
    """Breaks the line to the database once, at a point of a write, after so many others."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.left = -1

    def at(self, point: str) -> None:
        """The transaction is at this point."""
        if point != self.point or self.left < 0:
            return
        self.left -= 1
        if self.left < 0:
            raise ConnectionResetError("the line to the database is dead")


def _whole(tx: Tx) -> tuple[list[int], int, int, int]:
    """Serials of ours, and that each version has its leaf, its move and its message to each party told."""

    def count(what: object) -> int:
        return int(tx.connection.execute(what).scalar_one())  # type: ignore[call-overload]

    serials = list(
        tx.connection.execute(select(filing_version.c.number).order_by(filing_version.c.number)).scalars()
    )
    versions = count(select(func.count()).select_from(leaf).where(leaf.c.kind == "filing.version"))
    moves = count(select(func.count()).select_from(leaf).where(leaf.c.kind == "filing.move"))
    assert moves == count(select(func.count()).select_from(filing_move))
    out = select(func.count()).select_from(hotline_message).where(hotline_message.c.way == "out")
    notices = count(out.where(hotline_message.c.kind.in_(("NOTIFY", "AMEND"))))
    assert count(select(func.count()).select_from(filing_told)) % 2 == 0
    return serials, versions, moves, notices


async def _files(side: Side) -> object:
    return await side.filings.file([movement(), site()], KEEPER, NOW)


async def _amends(side: Side) -> object:
    return await side.filings.amend(1, movement(name="later"), KEEPER, NOW + 1)


async def _begins(side: Side) -> object:
    return await side.filings.move(1, Move.BEGIN, KEEPER, NOW + 2)


async def _ticks(side: Side) -> None:
    await side.filings.tick(side.world.now_us)


async def _brings(side: Side) -> object:
    return await side.bring()


async def _insist(step: Callable[[Side], Awaitable[object]], side: Side) -> bool:
    """Do something; False where it was refused: it may hold all the same."""
    try:
        await step(side)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("point", POINTS)
def test_a_filing_is_whole_wherever_the_database_fails(tmp_path: Path, point: str, after: int) -> None:
    """Every version has its leaf and its notices, serials have no gap, and all is checked in the end."""

    async def tell(world: World) -> None:
        fault = _Break(point)
        office = await world.side("office", faults=fault)
        fault.left = after
        for step in (_files, _amends, _begins):
            if not await _insist(step, office):
                office = await world.again("office")
                await _insist(step, office)
        assert fault.left < 0
        office = await world.again("office")
        await office.filings.tick(NOW + SECOND_US)
        serials, versions, moves, notices = await office.store.read(_whole)
        assert serials == list(range(1, len(serials) + 1))
        assert (versions, notices) == (len(serials), 2 * len(serials))
        assert moves == versions + 1  # and it began, once
        assert all(held.check is not None for held in await office.filings.listed(live=True))

    story(tmp_path, tell)


@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("point", POINTS)
def test_what_another_filed_is_taken_wherever_the_database_fails(
    tmp_path: Path, point: str, after: int
) -> None:
    """Notice, bytes and check of another's filing are there once, whichever write failed on the way."""

    async def tell(world: World) -> None:
        fault = _Break(point)
        office, north = await world.side("office"), await world.side("north", faults=fault)
        await office.filings.file([movement()], KEEPER, NOW)
        fault.left = after
        for _ in range(4):
            for step, side in ((_brings, office), (_ticks, north), (_brings, north)):
                if not await _insist(step, side):
                    north = await world.again("north")
            world.now_us += 10 * SECOND_US
        assert fault.left < 0
        (held,) = await north.filings.listed()
        assert held.version.readable
        assert held.check is not None
        kinds = await north.kinds()
        assert (kinds["filing.version"], kinds["filing.move"], kinds["filing.check"]) == (1, 1, 1)
        assert (await north.filings.whole("office", 1)).wanted == ()

    story(tmp_path, tell)
