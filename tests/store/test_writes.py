"""Writes: one order for all, durable when answered, and each alone in its failure. On both databases."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from skypact.errors import Reason, Refused
from skypact.store import LAST_INDEX, Store, Tx
from skypact.store.sql import Sql
from store_world import add, add_and_fail, inside, leaves, things, whole

if TYPE_CHECKING:
    from collections.abc import Callable

_INSERT = Sql("INSERT INTO thing (seq, who, n) VALUES ($1, $2, $3)")


def test_a_write_returns_what_its_work_returned_and_a_read_sees_it(store_url: str) -> None:
    """What was answered is in every reading that begins afterwards."""

    async def story(store: Store) -> None:
        assert await store.write(add("a")) == 1
        assert await store.read(things) == [(2, "a", 1)]
        assert await store.read(lambda tx: tx.seq) == 2

    inside(store_url, story)


def test_two_hundred_at_once_lose_nothing(store_url: str) -> None:
    """200 concurrent read-modify-writes are in one order, with no update lost and no leaf missing."""

    async def story(store: Store) -> None:
        numbers = await asyncio.gather(*(store.write(add(f"w{i}")) for i in range(200)))
        assert sorted(numbers) == list(range(1, 201))
        assert await store.read(whole) == 200
        assert store.figures.commits < 50  # they shared commits
        assert store.figures.writes == 200

    inside(store_url, story)


def test_a_failing_work_takes_only_itself_away(store_url: str) -> None:
    """Among many that share a commit, failures raise to their callers and leave no trace."""

    async def story(store: Store) -> None:
        works = [add_and_fail(f"bad{i}") if i % 3 == 1 else add(f"good{i}") for i in range(40)]
        answers = await asyncio.gather(*(store.write(work) for work in works), return_exceptions=True)
        for i, answer in enumerate(answers):
            if i % 3 == 1:
                assert isinstance(answer, ValueError)
                assert str(answer) == f"bad{i}"
            else:
                assert isinstance(answer, int)
        assert await store.read(whole) == sum(i % 3 != 1 for i in range(40))
        assert await store.write(Tx.next_index) == 1

    inside(store_url, story)


def test_a_failing_work_alone_leaves_nothing(store_url: str) -> None:
    """A write that fails alone in its transaction is rolled back; the next goes on as if it never was."""

    async def story(store: Store) -> None:
        before = await store.read(lambda tx: tx.seq)
        with pytest.raises(ValueError, match="alone"):
            await store.write(add_and_fail("alone"))
        assert await store.read(lambda tx: tx.seq) == before
        assert await store.write(add("next")) == 1
        assert await store.read(whole) == 1

    inside(store_url, story)


def test_an_error_of_the_database_fails_only_its_own_work(store_url: str) -> None:
    """A constraint that one work breaks is that work's error; PostgreSQL's aborted state does not spread."""

    def broken(tx: Tx) -> None:
        add("broken")(tx)
        tx.connection.execute(text("INSERT INTO thing (seq, who, n) VALUES (0, NULL, 0)"))

    async def story(store: Store) -> None:
        works: list[Callable[[Tx], Any]] = [add("a"), broken, add("b"), broken]
        first, second, third, fourth = await asyncio.gather(
            *(store.write(work) for work in works), return_exceptions=True
        )
        assert (first, third) == (1, 2)
        assert isinstance(second, IntegrityError)
        assert isinstance(fourth, IntegrityError)
        assert await store.read(whole) == 2

    inside(store_url, story)


def test_a_work_that_swallows_an_error_does_not_harm_the_others(store_url: str) -> None:
    """Catching a database error without a savepoint breaks the law; others are committed all the same."""

    def swallows(tx: Tx) -> str:
        try:
            tx.connection.execute(text("INSERT INTO thing (seq, who, n) VALUES (0, NULL, 0)"))
        except IntegrityError:
            return "swallowed"
        return "not refused"

    async def story(store: Store) -> None:
        works: list[Callable[[Tx], Any]] = [add("a"), swallows, add("b")]
        first, second, third = await asyncio.gather(
            *(store.write(work) for work in works), return_exceptions=True
        )
        assert {first, third} == {1, 2}
        assert second == "swallowed" or isinstance(second, DBAPIError)
        assert await store.read(whole) == 2

    inside(store_url, story)


def test_a_work_that_is_refused_before_it_changes_anything_is_run_once(store_url: str) -> None:
    """A refusal costs the others that share its transaction nothing: no work is run a second time."""
    runs: list[str] = []

    def counted(who: str) -> Callable[[Tx], int]:
        def work(tx: Tx) -> int:
            runs.append(who)
            if who == "refused":
                tx.next_index()
                tx.append("test.thing", "refused", b"")
                raise Refused(Reason.CONFLICT, "no")
            return add(who)(tx)

        return work

    async def story(store: Store) -> None:
        names = ("a", "refused", "b")
        answers = await asyncio.gather(*(store.write(counted(who)) for who in names), return_exceptions=True)
        assert (answers[0], answers[2]) == (1, 2)
        assert isinstance(answers[1], Refused)
        assert runs == list(names)
        assert await store.read(whole) == 2
        assert await store.write(Tx.next_index) == 1

    inside(store_url, story)


@pytest.mark.parametrize("straight", [True, False])
def test_a_work_that_is_refused_after_a_change_is_undone_alone(store_url: str, *, straight: bool) -> None:
    """What it changed is gone and what the others wrote is there, whichever way it went to the driver."""

    def refused(tx: Tx) -> None:
        if straight:
            _INSERT.run(tx, tx.seq, "refused", 1_000)
        else:
            add("refused")(tx)
        tx.later(_INSERT, [(tx.seq, "refused later", 2_000)])
        raise Refused(Reason.CONFLICT, "too late")

    async def story(store: Store) -> None:
        works: list[Callable[[Tx], Any]] = [add("a"), refused, add("b"), refused]
        answers = await asyncio.gather(*(store.write(work) for work in works), return_exceptions=True)
        assert (answers[0], answers[2]) == (1, 2)
        assert isinstance(answers[1], Refused)
        assert isinstance(answers[3], Refused)
        assert await store.read(whole) == 2

    inside(store_url, story)


def test_rows_that_wait_are_there_at_the_commit_and_when_they_are_settled(store_url: str) -> None:
    """Rows of several works go in together at the end, or sooner for a work that has to read them."""

    def later(n: int) -> Callable[[Tx], int]:
        def work(tx: Tx) -> int:
            tx.later(_INSERT, [(tx.seq, f"w{n}", n)])
            return n

        return work

    def reads(tx: Tx) -> int:
        tx.settle()
        return len(things(tx))

    async def story(store: Store) -> None:
        works: list[Callable[[Tx], Any]] = [later(1), later(2), reads, later(3)]
        assert await asyncio.gather(*(store.write(work) for work in works)) == [1, 2, 2, 3]
        assert [who for _, who, _ in await store.read(things)] == ["w1", "w2", "w3"]

    inside(store_url, story)


def test_an_expected_error_is_caught_around_a_savepoint_of_its_own(store_url: str) -> None:
    """A work may try, fail and go on, when it does so inside ``begin_nested``."""

    def tries(tx: Tx) -> int:
        with pytest.raises(IntegrityError), tx.connection.begin_nested():
            tx.connection.execute(text("INSERT INTO thing (seq, who, n) VALUES (0, NULL, 0)"))
        return add("tries")(tx)

    async def story(store: Store) -> None:
        assert sorted(await asyncio.gather(store.write(tries), store.write(add("b")))) == [1, 2]
        assert await store.read(whole) == 2

    inside(store_url, story)


@pytest.mark.parametrize("how", ["commits", "rolls back", "leaves a savepoint"])
def test_work_that_meddles_with_the_transaction_is_refused(store_url: str, how: str) -> None:
    """Work that commits, rolls back or leaves a savepoint open fails, and everybody else's is done."""

    def meddles(tx: Tx) -> None:
        add("meddler")(tx)
        if how == "commits":
            tx.connection.commit()
        elif how == "rolls back":
            tx.connection.rollback()
        else:
            tx.connection.begin_nested()

    async def story(store: Store) -> None:
        works: list[Callable[[Tx], Any]] = [add("a"), meddles, add("b")]
        first, second, third = await asyncio.gather(
            *(store.write(work) for work in works), return_exceptions=True
        )
        assert {first, third} == {1, 2}
        assert isinstance(second, RuntimeError)
        assert "work" in str(second)
        assert await store.read(whole) == 2
        assert await store.write(add("after")) == 3

    inside(store_url, story)


def test_an_exception_that_a_future_cannot_carry_is_still_told(store_url: str) -> None:
    """StopIteration out of a work arrives as an error, and does not leave its caller waiting."""

    def stops(_tx: Tx) -> None:
        raise StopIteration

    async def story(store: Store) -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(store.write(stops), 10)

    inside(store_url, story)


def test_a_reading_cannot_write(store_url: str) -> None:
    """Neither the store nor the database lets a reading change anything."""

    async def story(store: Store) -> None:
        with pytest.raises(RuntimeError, match="reading"):
            await store.read(lambda tx: tx.append("test", "", b""))
        with pytest.raises(RuntimeError, match="reading"):
            await store.read(Tx.next_index)
        with pytest.raises(DBAPIError):
            await store.read(lambda tx: tx.connection.execute(text("DELETE FROM region")))
        assert await store.read(lambda tx: tx.seq) == 1

    inside(store_url, story)


class _Peek:
    """Read with a second store while the first one's transaction is about to commit, and after it has."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: dict[str, int] = {}

    def at(self, point: str) -> None:
        """Look from another thread, with a loop and a store of its own."""
        if point in {"flushed", "committed"}:
            worker = threading.Thread(target=self._look, args=(point,))
            worker.start()
            worker.join()

    def _look(self, point: str) -> None:
        async def look() -> None:
            other = await Store.open(self._url)
            self.seen[point] = await other.read(whole)
            await other.close()

        asyncio.run(look())


def test_a_reading_sees_only_what_is_committed_and_waits_for_nobody(store_url: str) -> None:
    """While a write is in its transaction a reading answers from before it, then from after it."""
    peek = _Peek(store_url)

    async def story(store: Store) -> None:
        await store.write(add("a"))

    inside(store_url, story, faults=peek)
    assert peek.seen == {"flushed": 0, "committed": 1}


def test_a_reading_stays_on_one_state(store_url: str) -> None:
    """Two questions of one reading see the same state, though a write is committed between them."""

    async def story(store: Store) -> None:
        await store.write(add("a"))

        def twice(tx: Tx) -> tuple[int, int]:
            first = whole(tx)
            other = threading.Thread(
                target=lambda: inside(store_url, lambda s: s.write(add("b")), make=False)
            )
            other.start()
            other.join()
            return first, whole(tx)

        assert await store.read(twice) == (1, 1)
        assert await store.read(whole) == 2

    inside(store_url, story)


def test_the_last_notification_index_is_never_passed(store_url: str) -> None:
    """The index counts up to 2^31 - 1, and the next one is refused, not begun again from below."""

    async def story(store: Store) -> None:
        assert await store.write(lambda tx: [tx.next_index() for _ in range(3)]) == [1, 2, 3]
        await store.write(lambda tx: setattr(tx._draft.counters, "notifications", LAST_INDEX - 1))  # type: ignore[union-attr]
        assert await store.write(Tx.next_index) == LAST_INDEX
        with pytest.raises(Refused, match="last notification index") as caught:
            await store.write(Tx.next_index)
        assert caught.value.reason is Reason.UNAVAILABLE
        assert await store.write(add("still writes")) == 1

    inside(store_url, story)


def test_a_leaf_can_be_recomputed_from_what_is_kept(store_url: str) -> None:
    """Kind, reference, salt and content of a kept leaf hash to its hash; salts always differ."""
    from skypact.record.ledger import leaf_hash

    async def story(store: Store) -> None:
        await store.write(lambda tx: [tx.append("test.same", "same", b"same") for _ in range(3)])
        rows = await store.read(lambda tx: tx.connection.execute(text("SELECT * FROM leaf")).all())
        assert len({bytes(row.salt) for row in rows}) == 3
        for row in rows:
            assert leaf_hash(row.kind, row.ref, bytes(row.content), bytes(row.salt)) == bytes(row.hash)

    inside(store_url, story)


def test_closing_finishes_what_waits_and_takes_nothing_new(store_url: str) -> None:
    """Writes and readings begun before ``close`` are answered; afterwards all is refused."""

    async def story(store: Store) -> None:
        begun = [asyncio.create_task(store.write(add(f"w{i}"))) for i in range(100)]
        reads = [asyncio.create_task(store.read(whole)) for _ in range(10)]
        await asyncio.sleep(0)
        await store.close()
        assert sorted(await asyncio.gather(*begun)) == list(range(1, 101))
        assert all(0 <= count <= 100 for count in await asyncio.gather(*reads))
        for refused in (store.write(add("late")), store.read(whole)):
            with pytest.raises(Refused, match="closed"):
                await refused
        await store.close()

    inside(store_url, story)
    assert inside(store_url, lambda store: store.read(whole), make=False) == 100


def test_a_caller_that_leaves_before_its_turn_is_not_written(store_url: str) -> None:
    """A write that is cancelled while it waits is dropped; the others are done."""

    async def story(store: Store) -> None:
        tasks = [asyncio.create_task(store.write(add(f"w{i}"))) for i in range(10)]
        await asyncio.sleep(0)
        for task in tasks[5:]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert sorted(n for n in done if isinstance(n, int)) == [1, 2, 3, 4, 5]
        assert await store.read(whole) == 5

    inside(store_url, story)


def test_the_region_is_the_same_for_all_and_other_for_another(store_url: str, sqlite_url: str) -> None:
    """A region's id is drawn once, when its database is made."""
    first = inside(store_url, lambda store: store.read(lambda tx: tx.region))
    assert len(first) == 16
    assert inside(store_url, lambda store: store.read(lambda tx: tx.region)) == first
    other = inside(f"{sqlite_url}.other", lambda store: store.read(lambda tx: tx.region))
    assert other != first


def test_leaves_keep_the_order_of_their_writes(store_url: str) -> None:
    """Positions rise with the number of the write that appended them, several to a write too."""

    async def story(store: Store) -> None:
        def several(tx: Tx) -> list[int]:
            return [tx.append("test.part", f"{tx.seq}.{part}", b"") for part in range(3)]

        positions = await asyncio.gather(*(store.write(several) for _ in range(20)))
        assert sorted(position for some in positions for position in some) == list(range(60))
        assert all(some == list(range(some[0], some[0] + 3)) for some in positions)
        kept = await store.read(leaves)
        numbers = [int(ref.split(".")[0]) for _, ref in kept]
        assert numbers == sorted(numbers)

    inside(store_url, story)
