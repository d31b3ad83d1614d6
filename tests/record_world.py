"""A party's ledger with something in it, and the hand that changes what no store changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import text

from skypact import seal
from skypact.desk.record import Record
from skypact.store import Store
from skypact.store.batch import allow_commit
from skypact.store.databases import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skypact.store import Tx

T = TypeVar("T")

KEY = seal.generate()
SECOND = 1_000_000
T0 = 1_700_000_000 * SECOND


def told(url: str, story: Callable[[Store, Record], Awaitable[T]], *, key: seal.SigningKey = KEY) -> T:
    """Open the store, tell a story of its record, close it."""

    async def run() -> T:
        store = await Store.open(url)
        try:
            return await story(store, Record(store, key))
        finally:
            await store.close()

    return asyncio.run(run())


def quiet(_text: str) -> None:
    """Nobody waits."""


async def fill(store: Store, many: int, *, first: int = 0) -> None:
    """Add leaves: of ten things, in turn."""

    def work(tx: Tx) -> None:
        for n in range(first, first + many):
            tx.append("test.thing", f"thing/{n % 10}", b'{"n": %d}' % n)

    await store.write(work)


def harm(url: str, statement: str) -> None:
    """Do something to the database that no store does, behind its back."""

    async def run() -> None:
        database = await connect(url)

        def work(connection: Any) -> None:
            with allow_commit(connection), connection.begin():
                connection.execute(text(statement))

        await database.write(work)
        await database.close()

    asyncio.run(run())
