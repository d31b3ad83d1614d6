"""A small table of tests' own beside the store's, and works on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text

from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skypact.store import Faults, Tx

T = TypeVar("T")

_MAKE = text("CREATE TABLE IF NOT EXISTS thing (seq BIGINT NOT NULL, who TEXT NOT NULL, n BIGINT NOT NULL)")
_ADD = text("INSERT INTO thing (seq, who, n) VALUES (:seq, :who, :n)")
_LAST = text("SELECT COALESCE(MAX(n), 0) FROM thing")
_ALL = text("SELECT seq, who, n FROM thing ORDER BY n")
_LEAVES = text("SELECT position, ref FROM leaf ORDER BY position")


def inside(
    url: str, story: Callable[[Store], Awaitable[T]], *, faults: Faults | None = None, make: bool = True
) -> T:
    """Open a store with the table, run the story, close it."""

    async def run() -> T:
        if make:
            plain = await Store.open(url, upgrade=True)
            await plain.write(lambda tx: tx.connection.execute(_MAKE))
            await plain.close()
        store = await Store.open(url, faults=faults)
        try:
            return await story(store)
        finally:
            await store.close()

    return asyncio.run(run())


def add(who: str) -> Callable[[Tx], int]:
    """Work that reads the last number and writes the next, with a leaf: a stale view would lose one."""

    def work(tx: Tx) -> int:
        n = int(tx.connection.execute(_LAST).scalar_one()) + 1
        tx.connection.execute(_ADD, {"seq": tx.seq, "who": who, "n": n})
        tx.append("test.thing", f"{who}/{n}", str(n).encode())
        return n

    return work


def add_and_fail(who: str) -> Callable[[Tx], int]:
    """The same, which fails when all is written."""

    def work(tx: Tx) -> int:
        add(who)(tx)
        tx.next_index()
        raise ValueError(who)

    return work


def things(tx: Tx) -> list[tuple[int, str, int]]:
    """Every row: the write's number, who, n; in the order of n."""
    return [(row.seq, row.who, row.n) for row in tx.connection.execute(_ALL)]


def leaves(tx: Tx) -> list[tuple[int, str]]:
    """Every leaf: position and reference."""
    return [(row.position, row.ref) for row in tx.connection.execute(_LEAVES)]


def whole(tx: Tx) -> int:
    """Check that nothing is half there; returns how many rows there are.

    Rows are numbered from 1 in the order of their writes, each with its leaf, leaves from 0 without a gap.
    """
    rows = things(tx)
    assert [n for _, _, n in rows] == list(range(1, len(rows) + 1))
    numbers = [seq for seq, _, _ in rows]
    assert numbers == sorted(set(numbers))
    assert not numbers or numbers[-1] <= tx.seq
    assert leaves(tx) == [(n - 1, f"{who}/{n}") for _, who, n in rows]
    return len(rows)
