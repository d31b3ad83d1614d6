"""Messages to others: in order, one holder at a time, until they end; and who was reached."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from skypact.store import Store, Tx, outbox
from store_world import inside

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000
LEASE = 30 * SECOND
T0 = 1_500_000_000 * SECOND
FAR = T0 + 86_400 * SECOND


def _out(
    n: int, *, lane: str = "sub-1", party: str = "uss2", not_after_us: int = FAR, topic: str = "notification"
) -> Callable[[Tx], int]:
    """Decide the nth message of a lane."""

    def work(tx: Tx) -> int:
        return tx.out(
            party=party,
            to=f"https://{party}.example/uss/v1/operational_intents",
            method="POST",
            scope="utm.strategic_coordination",
            body=f'{{"n": {n}}}'.encode(),
            topic=topic,
            ref=lane,
            order_key=lane,
            now_us=T0 + n,
            not_after_us=not_after_us,
        )

    return work


async def _take(store: Store, at_us: int, limit: int = 10) -> list[outbox.Message]:
    return await store.write(lambda tx: outbox.take(tx, now_us=at_us, lease_us=LEASE, limit=limit))


async def _deliver(store: Store, message: outbox.Message, at_us: int) -> bool:
    return await store.write(
        lambda tx: outbox.delivered(tx, message, now_us=at_us, took_us=1_000, status=204)
    )


async def _fail(store: Store, message: outbox.Message, at_us: int, again_us: int) -> bool:
    return await store.write(
        lambda tx: outbox.failed(
            tx,
            message,
            now_us=at_us,
            took_us=1_000,
            status=None,
            fault="connection refused",
            again_us=again_us,
        )
    )


async def _only(store: Store, party: str | None = None) -> outbox.Reach:
    (reach,) = await store.read(lambda tx: outbox.reach(tx, party=party))
    return reach


def _told(url: str, story: Callable[[Store], Any]) -> None:
    inside(url, story, make=False)


@pytest.fixture
def url(store_url: str) -> str:
    """A database with its tables."""
    inside(store_url, lambda store: store.read(lambda tx: tx.seq))
    return store_url


def test_a_message_is_there_when_its_write_committed_and_not_before(url: str) -> None:
    """A message of a write that fails was never decided; one of a write that holds is due at once."""

    def decides_and_fails(tx: Tx) -> None:
        _out(1)(tx)
        raise ValueError("no")

    async def story(store: Store) -> None:
        with pytest.raises(ValueError, match="no"):
            await store.write(decides_and_fails)
        assert await _take(store, FAR - 1) == []
        assert await store.write(_out(2)) == 1
        (message,) = await _take(store, T0 + 2)
        assert (message.id, message.lane, message.party, message.ref) == (1, "sub-1", "uss2", "sub-1")
        assert (message.method, message.scope) == ("POST", "utm.strategic_coordination")
        assert message.url == "https://uss2.example/uss/v1/operational_intents"
        assert message.body == b'{"n": 2}'
        assert (message.made_us, message.not_after_us) == (T0 + 2, FAR)
        assert (message.attempts, message.failures) == (0, 0)

    _told(url, story)


def test_a_lane_is_delivered_in_the_order_of_decisions(url: str) -> None:
    """Only the first waiting message of a lane can be taken; the next one after it was delivered."""

    async def story(store: Store) -> None:
        for n in range(5):
            await store.write(_out(n))
        seen = []
        for _ in range(5):
            (message,) = await _take(store, T0 + SECOND)
            assert await _take(store, T0 + SECOND) == []  # it is leased, and none behind it may go first
            seen.append(message.id)
            assert await _deliver(store, message, T0 + SECOND)
        assert seen == [1, 2, 3, 4, 5]
        assert await _take(store, T0 + SECOND) == []
        assert await store.read(outbox.next_due_us) is None
        assert (await _only(store)).delivered == 5

    _told(url, story)


def test_lanes_go_side_by_side(url: str) -> None:
    """Messages of different keys are taken together, those that wait longest first, as many as asked for."""

    async def story(store: Store) -> None:
        for n in range(6):
            await store.write(_out(n, lane=f"sub-{5 - n}"))
        first = await _take(store, T0 + SECOND, limit=4)
        assert [message.lane for message in first] == ["sub-5", "sub-4", "sub-3", "sub-2"]
        assert [message.lane for message in await _take(store, T0 + SECOND)] == ["sub-1", "sub-0"]

    _told(url, story)


def test_two_takers_at_once_never_get_the_same(url: str) -> None:
    """Of many that take at the same time each message goes to one."""

    async def run() -> None:
        stores = [await Store.open(url) for _ in range(3)]
        for n in range(30):
            await stores[0].write(_out(n, lane=f"sub-{n}"))
        taken = await asyncio.gather(*(_take(store, T0 + SECOND, limit=7) for store in stores * 3))
        ids = [message.id for some in taken for message in some]
        assert sorted(ids) == list(range(1, 31))
        for store in stores:
            await store.close()

    asyncio.run(run())


def test_a_lease_that_runs_out_is_taken_by_another(url: str) -> None:
    """Whoever holds a message and is not heard of loses it when the lease ends, not before."""

    async def story(store: Store) -> None:
        await store.write(_out(0))
        (first,) = await _take(store, T0)
        assert await store.read(outbox.next_due_us) == T0 + LEASE
        assert await _take(store, T0 + LEASE - 1) == []
        (second,) = await _take(store, T0 + LEASE)
        assert (second.id, second.lease != first.lease) == (first.id, True)
        # the first one comes back after all, with a failure: the second one's lease is not touched by it
        assert await _fail(store, first, T0 + LEASE + 1, T0 + LEASE + 2)
        assert await _take(store, T0 + LEASE + 10) == []
        assert await _deliver(store, second, T0 + LEASE + 11)
        assert not await _deliver(store, first, T0 + LEASE + 12)  # it has ended already, and ends once
        tries = await store.read(lambda tx: outbox.attempts(tx, first.id))
        assert [(each.number, each.status, each.fault) for each in tries] == [
            (1, None, "connection refused"),
            (2, 204, ""),
            (3, 204, ""),
        ]

    _told(url, story)


def test_what_fails_waits_and_those_behind_it_wait_too(url: str) -> None:
    """After a failure the lane is due when it was asked to be, with its failures counted."""

    async def story(store: Store) -> None:
        for n in range(2):
            await store.write(_out(n))
        for failures in range(3):
            now = T0 + failures * SECOND
            (message,) = await _take(store, now)
            assert (message.id, message.attempts, message.failures) == (1, failures, failures)
            assert await _fail(store, message, now, now + SECOND)
            assert await _take(store, now + SECOND - 1) == []
        reach = await _only(store)
        assert (reach.waiting, reach.delivered, reach.failures) == (2, 0, 3)
        assert (reach.oldest_us, reach.due_us) == (T0, T0 + 3 * SECOND)
        assert (reach.last_status, reach.last_fault) == (None, "connection refused")
        await store.write(_out(2))  # a new message does not make the lane impatient
        assert await _take(store, T0 + 3 * SECOND - 1) == []
        (message,) = await _take(store, T0 + 3 * SECOND)
        assert await _deliver(store, message, T0 + 3 * SECOND)
        (message,) = await _take(store, T0 + 3 * SECOND)
        assert (message.id, message.failures) == (2, 0)

    _told(url, story)


def test_what_is_refused_for_good_lets_the_next_go(url: str) -> None:
    """A message that will never be taken is told so, once, and does not block its lane."""

    async def story(store: Store) -> None:
        for n in range(2):
            await store.write(_out(n))
        (message,) = await _take(store, T0)
        assert await store.write(
            lambda tx: outbox.refused(tx, message, now_us=T0, took_us=5, status=400, fault="no such field")
        )
        (message,) = await _take(store, T0 + 1)
        assert message.id == 2
        reach = await _only(store)
        assert (reach.waiting, reach.refused) == (1, 1)

    _told(url, story)


def test_what_is_late_expires_and_is_not_sent(url: str) -> None:
    """From its ``not_after_us`` on a message is not taken; it counts as expired, and those behind it go."""

    async def story(store: Store) -> None:
        for n in range(3):
            await store.write(_out(n, not_after_us=T0 + SECOND))
        await store.write(_out(3))
        (message,) = await _take(store, T0 + SECOND - 1)
        assert message.id == 1
        assert await _fail(store, message, T0 + SECOND - 1, T0 + SECOND)
        (message,) = await _take(store, T0 + SECOND)
        assert message.id == 4
        reach = await _only(store)
        assert (reach.waiting, reach.expired) == (1, 3)
        await store.write(_out(4, lane="other", not_after_us=T0 + 2 * SECOND))
        assert await _take(store, T0 + 2 * SECOND) == []
        assert await store.read(outbox.next_due_us) == T0 + SECOND + LEASE

    _told(url, story)


def test_what_nobody_needs_is_withdrawn(url: str) -> None:
    """What waits about an ended subscription is withdrawn; what was delivered stays so."""

    async def story(store: Store) -> None:
        for n in range(3):
            await store.write(_out(n))
        await store.write(_out(3, topic="constraint"))
        await store.write(_out(4, lane="other"))
        (message, _other) = await _take(store, T0 + 10)
        assert await _deliver(store, message, T0 + 10)
        withdraw = outbox.withdraw
        assert await store.write(lambda tx: withdraw(tx, "sub-1", now_us=T0 + 11, topic="constraint")) == 1
        assert await store.write(lambda tx: withdraw(tx, "sub-1", now_us=T0 + 12)) == 2
        assert await store.write(lambda tx: withdraw(tx, "sub-1", now_us=T0 + 13)) == 0
        assert await _take(store, T0 + 14) == []
        other, mine = await store.read(outbox.reach)
        assert (other.lane, other.waiting) == ("other", 1)
        assert (mine.lane, mine.waiting, mine.delivered, mine.withdrawn) == ("sub-1", 0, 1, 3)

    _told(url, story)


def test_one_on_its_way_while_it_is_withdrawn_gives_its_lane_back(url: str) -> None:
    """A message that ends while somebody delivers it is recorded as tried, and the next one can go."""

    async def story(store: Store) -> None:
        await store.write(_out(0))
        (message,) = await _take(store, T0)
        assert await store.write(lambda tx: outbox.withdraw(tx, "sub-1", now_us=T0)) == 1
        await store.write(_out(1))
        assert not await _fail(store, message, T0 + 5, T0 + 1_000 * SECOND)
        (following,) = await _take(store, T0 + 6)
        assert following.id == 2
        assert len(await store.read(lambda tx: outbox.attempts(tx, message.id))) == 1

    _told(url, story)


def test_reach_tells_each_party_and_lane(url: str) -> None:
    """Who has been reached and who has not is told by party and lane, in that order, or for one party."""

    async def story(store: Store) -> None:
        await store.write(_out(0, lane="a", party="uss2"))
        await store.write(_out(1, lane="b", party="uss2"))
        await store.write(_out(2, lane="c", party="uss1"))
        for message in await _take(store, T0 + 3):
            if message.lane == "b":
                assert await _deliver(store, message, T0 + 9)
        found = await store.read(outbox.reach)
        assert [(one.party, one.lane, one.waiting, one.delivered) for one in found] == [
            ("uss1", "c", 1, 0),
            ("uss2", "a", 1, 0),
            ("uss2", "b", 0, 1),
        ]
        assert found[2].last_delivered_us == T0 + 9
        assert found[2].due_us is None
        assert (await _only(store, "uss1")).lane == "c"
        assert await store.read(lambda tx: outbox.reach(tx, party="nobody")) == []

    _told(url, story)


def test_a_crowded_lane_costs_no_more_than_an_empty_one(url: str) -> None:
    """Taking looks at a lane's first message only: its plan is two look-ups by key."""

    async def story(store: Store) -> None:
        def crowd(tx: Tx) -> None:
            for n in range(600):
                _out(n)(tx)
            for _ in range(300):  # a long past, by which a planner might be misled
                (message,) = outbox.take(tx, now_us=T0 + SECOND, lease_us=LEASE, limit=1)
                outbox.delivered(tx, message, now_us=T0 + SECOND, took_us=1, status=204)
            tx.connection.exec_driver_sql("ANALYZE")

        await store.write(crowd)

        def plan(tx: Tx) -> str:
            sqlite = tx.connection.dialect.name == "sqlite"
            asked = outbox._FIRST.params(key="sub-1").compile(
                dialect=tx.connection.dialect, compile_kwargs={"literal_binds": True}
            )
            if not sqlite:  # of a small table it would rather read all
                tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
            return " ".join(map(str, tx.connection.exec_driver_sql(f"{explain} {asked}")))

        steps = await store.read(plan)
        if store.dialect == "sqlite":
            assert "SEARCH waiting USING PRIMARY KEY (lane=?)" in steps
            assert "SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)" in steps
        else:
            assert "pk_waiting on waiting" in steps
            assert "Index Cond: (id = " in steps
        (message,) = await _take(store, T0 + SECOND)
        assert message.id == 301

    _told(url, story)
