"""What passes is tried again, what may have been committed is said to be so, and neither is done twice."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from asyncpg.exceptions import InternalClientError
from sqlalchemy import text

import skypact.store.databases
import skypact.store.store
from databases import END_SESSIONS
from skypact.errors import Reason, Refused
from skypact.store.batch import transient
from store_world import add, inside, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from databases import Server
    from skypact.store import Store, Tx


class _Once:
    """Do something the first times that a transaction is at a point."""

    def __init__(self, point: str, act: Callable[[], None], *, times: int = 1) -> None:
        self._point = point
        self._act = act
        self.left = times
        self.points: list[str] = []

    def at(self, point: str) -> None:
        """The transaction is at this point."""
        self.points.append(point)
        if point == self._point and self.left:
            self.left -= 1
            self._act()


def _lose() -> None:
    raise ConnectionResetError("the line is dead")


@pytest.mark.parametrize("point", ["begun", "ran", "flushed"])
def test_a_failure_before_commit_is_tried_again(store_url: str, point: str) -> None:
    """Two lost connections before COMMIT are not seen by the caller, and the work holds once."""
    faults = _Once(point, _lose, times=2)

    async def story(store: Store) -> None:
        assert await store.write(add("a")) == 1
        assert store.figures.retries == 2
        assert await store.read(whole) == 1

    inside(store_url, story, faults=faults)
    assert faults.left == 0


@pytest.mark.parametrize("point", ["begun", "flushed"])
def test_patience_ends(store_url: str, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that stays unusable is UNAVAILABLE, nothing was done, and it works when it is back."""
    monkeypatch.setattr(skypact.store.store, "PATIENCE_S", 0.2)
    faults = _Once(point, _lose, times=1_000)

    async def story(store: Store) -> None:
        with pytest.raises(Refused, match="nothing was done") as caught:
            await store.write(add("a"))
        assert caught.value.reason is Reason.UNAVAILABLE
        faults.left = 0
        assert await store.write(add("b")) == 1
        assert await store.read(whole) == 1

    inside(store_url, story, faults=faults)


@pytest.mark.parametrize(("point", "persisted"), [("commit", False), ("committed", True)])
def test_a_lost_answer_to_commit_is_told_and_not_repeated(
    store_url: str, point: str, persisted: bool
) -> None:
    """Failed and failed-but-persisted look the same to the caller: it may hold. It is never done twice."""
    faults = _Once(point, _lose)

    async def story(store: Store) -> None:
        with pytest.raises(Refused, match="may hold") as caught:
            await store.write(add("a"))
        assert caught.value.reason is Reason.UNAVAILABLE
        assert await store.read(whole) == int(persisted)
        assert store.figures.retries == 0
        if store.dialect == "postgresql":
            assert await store.write(add("b")) == 1 + int(persisted)
        else:  # after a failing disk, what this process sees may not be what the disk has
            assert "restart" in store.fault
            with pytest.raises(Refused, match="disk failed"):
                await store.write(add("b"))

    inside(store_url, story, faults=faults)
    again = inside(store_url, lambda store: store.write(add("c")), make=False)
    assert again == (1 if not persisted else 2) + (1 if store_url.startswith("postgresql") else 0)


def test_a_lost_answer_is_told_to_all_that_shared_the_commit(store_url: str) -> None:
    """Everybody whose write was in the lost commit is told, none is written twice, the next ones go on."""
    faults = _Once("committed", _lose)

    async def story(store: Store) -> int:
        answers = await asyncio.gather(
            *(store.write(add(f"w{i}")) for i in range(30)), return_exceptions=True
        )
        unsure = sum(isinstance(answer, Refused) for answer in answers)
        sure = [answer for answer in answers if isinstance(answer, int)]
        assert unsure + len(sure) == 30
        assert unsure >= 1
        count = await store.read(whole)
        assert len(sure) <= count <= 30
        return count

    count = inside(store_url, story, faults=faults)
    assert inside(store_url, lambda store: store.read(whole), make=False) == count


def test_a_session_that_the_server_ends_is_made_anew(postgres_server: Server, postgres_url: str) -> None:
    """Sessions that are ended from outside before COMMIT cost a retry; readings go on as well."""
    name = postgres_url.rpartition("/")[2]
    faults = _Once("ran", lambda: _elsewhere(lambda: postgres_server.execute(END_SESSIONS, database=name)))

    async def story(store: Store) -> None:
        assert await store.read(whole) == 0
        assert await store.write(add("a")) == 1
        assert await store.read(whole) == 1
        assert store.figures.retries >= 1

    inside(postgres_url, story, faults=faults)


def test_a_session_that_ends_at_commit_may_have_committed(postgres_server: Server, postgres_url: str) -> None:
    """A real session, ended as COMMIT is sent, gives the answer that it may hold."""
    name = postgres_url.rpartition("/")[2]
    faults = _Once("commit", lambda: _elsewhere(lambda: postgres_server.execute(END_SESSIONS, database=name)))

    async def story(store: Store) -> None:
        with pytest.raises(Refused, match="may hold"):
            await store.write(add("a"))
        count = await store.read(whole)
        assert count in {0, 1}
        assert await store.write(add("b")) == count + 1

    inside(postgres_url, story, faults=faults)


def test_a_deadlock_is_tried_again(postgres_server: Server, postgres_url: str) -> None:
    """A work that PostgreSQL chooses as a deadlock's victim is run again and holds once."""
    ready, finished = threading.Event(), threading.Event()

    def touch(tx: Tx) -> int:
        if not ready.is_set():
            threading.Thread(
                target=_hold_and_cross, args=(postgres_server, postgres_url, ready, finished)
            ).start()
            assert ready.wait(20)
        tx.connection.execute(text("UPDATE other SET n = n + 1"))
        return add("a")(tx)

    async def story(store: Store) -> None:
        await store.write(lambda tx: tx.connection.execute(text("CREATE TABLE other AS SELECT 0 AS n")))
        assert await store.write(touch) == 1
        assert store.figures.retries >= 1
        assert await store.read(whole) == 1
        assert await store.read(lambda tx: tx.connection.execute(text("SELECT n FROM other")).scalar()) == 1

    inside(postgres_url, story)
    assert finished.wait(20)


def test_another_writer_of_sqlite_is_waited_for(sqlite_url: str) -> None:
    """A writer in another process delays a write, longer than SQLite itself waits, and does not fail it."""
    path = sqlite_url.removeprefix("sqlite:///")

    async def story(store: Store) -> None:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        waiting = asyncio.create_task(store.write(add("a")))
        await asyncio.sleep(2.5)
        assert await store.read(whole) == 0  # nobody reading waits
        other.execute("COMMIT")
        other.close()
        assert await waiting == 1
        assert time.monotonic() - began >= 2.5
        assert store.figures.retries >= 1

    inside(sqlite_url, story)


def test_a_full_disk_is_unavailable_and_passes(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When SQLite has no room the write is refused, nothing is half there, and with room it goes on."""
    monkeypatch.setattr(skypact.store.store, "PATIENCE_S", 0.2)

    async def story(store: Store) -> None:
        def limit(tx: Tx) -> None:
            pages = tx.connection.execute(text("PRAGMA page_count")).scalar_one()
            tx.connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))

        def large(tx: Tx) -> int:
            tx.append("test.large", "", bytes(200_000))
            return add("large")(tx)

        await store.write(limit)
        with pytest.raises(Refused, match="full"):
            await store.write(large)
        assert store.fault == ""
        await store.write(lambda tx: tx.connection.execute(text("PRAGMA max_page_count = 1000000")))
        assert await store.write(add("a")) == 1
        assert await store.read(whole) == 1

    inside(sqlite_url, story)


def test_a_writer_that_hangs_is_ended_by_the_server(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that holds the region and does nothing is ended, others go on, and it tries again."""
    monkeypatch.setattr(skypact.store.databases, "IDLE_MS", 300)
    runs = []

    def sleeps_once(tx: Tx) -> int:
        n = add("sleeper")(tx)
        runs.append(n)
        if len(runs) == 1:
            others = threading.Thread(target=lambda: inside(postgres_url, _add_other, make=False))
            others.start()
            others.join(20)  # they wait for the region; the server takes it from us meanwhile
            assert not others.is_alive()
        return n

    async def story(store: Store) -> None:
        assert await store.write(sleeps_once) == 2
        assert runs == [1, 2]
        assert await store.read(whole) == 2

    inside(postgres_url, story)


async def _add_other(store: Store) -> None:
    assert await store.write(add("other")) == 1


def _hold_and_cross(server: Server, url: str, ready: threading.Event, finished: threading.Event) -> None:
    """Hold ``other``, then want the region that the work holds: a deadlock with the work as victim."""
    import asyncpg

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("SET deadlock_timeout = '30s'")
            async with connection.transaction():
                await connection.execute("LOCK TABLE other IN EXCLUSIVE MODE")
                ready.set()
                await connection.execute("SELECT * FROM region FOR UPDATE")
        finally:
            await connection.close()

    assert server.port
    asyncio.run(run())
    finished.set()


def _elsewhere(act: Callable[[], object]) -> None:
    """Run in a thread without an event loop of its own yet, and wait."""
    worker = threading.Thread(target=act)
    worker.start()
    worker.join()


def test_a_session_that_the_server_ended_in_a_statement_counts_as_a_lost_connection() -> None:
    """The driver then speaks of its own state; nothing was committed, and the same again may succeed."""
    raised = InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    assert transient(raised)
    assert not transient(InternalClientError("something of its own"))
    assert not transient(ValueError("cannot switch to state 12"))
