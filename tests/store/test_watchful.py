"""What a node keeps of constraints, flights in use and its log, on both databases."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from skypact.exchange.conformance import Standing, Watch
from skypact.store import Store, outbox, watchful
from skypact.store import node as kept
from skypact.store.prune import prune

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skypact.store import Tx

NOW = 1_700_000_000_000_000
DAY = 86_400_000_000


def told(url: str, story: Callable[[Store], Awaitable[None]]) -> None:
    """Run a story on a fresh store."""

    async def run() -> None:
        store = await Store.open(url, upgrade=True)
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(run())


def constraint(ident: bytes, **more: Any) -> watchful.ConstraintRow:
    """A constraint."""
    row = watchful.ConstraintRow(
        id=ident,
        name="smoke",
        provider="fire",
        state=watchful.VALID,
        filed=1,
        version=1,
        ovn="o" * 16,
        reference=b"{}",
        details=b"{}",
        subscribers=b"[]",
        start_us=NOW,
        end_us=NOW + DAY,
        written_us=NOW,
    )
    return row._replace(**more)


def flight(ident: bytes, state: str) -> kept.Flight:
    """A flight."""
    return kept.Flight(
        id=ident, name="", operator="ops", state=state, filed=1, priority=0, version=1, ovn="",
        reference=b"{}", details=b"{}", subscribers=b"[]", start_us=NOW, end_us=NOW + DAY,
        south=0.0, north=1.0, west=0.0, east=1.0, written_us=NOW,
    )  # fmt: skip


def test_constraints_are_kept_listed_and_found_when_over(store_url: str) -> None:
    """A row is written over by its id, listed while it is valid, and named once its time has passed."""

    async def story(store: Store) -> None:
        one, two = bytes([1] * 16), bytes([2] * 16)

        def write(tx: Tx) -> None:
            watchful.put_constraint(tx, constraint(one))
            watchful.put_constraint(tx, constraint(one, version=2))
            watchful.put_constraint(tx, constraint(two, state=watchful.ENDED))
            watchful.add_constraint_version(tx, one, 1, "create", b"{}", 0, NOW)
            work = watchful.ConstraintWork(one, "change", b"{}", "", bytes(16), NOW, NOW)
            watchful.put_constraint_work(tx, work)

        await store.write(write)
        row = await store.read(lambda tx: watchful.constraint(tx, one))
        assert row is not None
        assert row.version == 2
        assert [r.id for r in await store.read(watchful.constraints)] == [one]
        assert len(await store.read(lambda tx: watchful.constraints(tx, ended=True))) == 2
        assert await store.read(lambda tx: watchful.constraints_over(tx, NOW, 10)) == []
        over = await store.read(lambda tx: watchful.constraints_over(tx, NOW + DAY, 10))
        assert [r.id for r in over] == [one]
        assert len(await store.read(lambda tx: watchful.constraint_works(tx, NOW))) == 1
        await store.write(lambda tx: watchful.drop_constraint_work(tx, one))
        assert await store.read(lambda tx: watchful.constraint_work(tx, one)) is None

    told(store_url, story)


def test_how_a_flight_stands_is_kept_while_it_is_in_use(store_url: str) -> None:
    """Flights in use are listed with how they stand; what is over is forgotten."""

    async def story(store: Store) -> None:
        one, two = bytes([1] * 16), bytes([2] * 16)
        watch = Watch(Standing.STRAYING, NOW, 0, 0, NOW, NOW, lost=True)

        def write(tx: Tx) -> None:
            kept.put_flight(tx, flight(one, "Activated"))
            kept.put_flight(tx, flight(two, "Ended"))
            watchful.put_watch(tx, one, watch)
            watchful.put_watch(tx, two, watch)
            kept.add_position(tx, one, NOW, NOW + 1, b"{}")

        await store.write(write)
        assert await store.read(watchful.in_use) == [(one, "Activated", watch)]
        assert await store.write(watchful.drop_watches) == 1
        assert await store.read(lambda tx: watchful.watch(tx, two)) is None
        assert await store.read(lambda tx: watchful.positions(tx, one)) == [(NOW, NOW + 1, b"{}")]
        between = await store.read(lambda tx: watchful.positions_between(tx, NOW + 1, NOW + 2, 10))
        assert between == [(one, NOW, NOW + 1, b"{}")]
        met = await store.read(lambda tx: watchful.flights_between(tx, NOW, NOW + 1, 10))
        assert [f.id for f in met] == [one, two]

    told(store_url, story)


def test_who_was_told_and_who_was_not(store_url: str) -> None:
    """Of each message about a thing: whom, what came of it, and whether it has waited too long."""

    async def story(store: Store) -> None:
        def write(tx: Tx) -> None:
            for party in ("https://a.example", "https://b.example"):
                tx.out(
                    party=party, to=party + "/x", method="POST", scope="s", body=b"{}", topic="constraint",
                    ref="r", order_key=party, now_us=NOW, not_after_us=NOW + DAY,
                )  # fmt: skip

        await store.write(write)
        messages = await store.write(lambda tx: outbox.take(tx, now_us=NOW, lease_us=DAY, limit=9))

        def close(tx: Tx) -> None:
            outbox.delivered(tx, messages[0], now_us=NOW + 1, took_us=1, status=204)
            outbox.failed(
                tx, messages[1], now_us=NOW + 1, took_us=1, status=None, fault="no route", again_us=NOW + 2
            )

        await store.write(close)
        first, second = await store.read(lambda tx: watchful.told_of(tx, "r"))
        assert (first.state, first.status, first.ended_us) == ("delivered", 204, NOW + 1)
        assert (second.state, second.status, second.fault) == ("waiting", None, "no route")
        assert await store.read(lambda tx: watchful.late(tx, "constraint", NOW - 1)) == set()
        assert await store.read(lambda tx: watchful.late(tx, "constraint", NOW)) == {"r"}
        assert await store.read(lambda tx: watchful.late(tx, "flight", NOW)) == set()

    told(store_url, story)


def test_the_log_is_read_by_time_and_by_what_it_is_about_and_pruned(store_url: str) -> None:
    """Records come in the order of their instants; old ones are forgotten, and notices seen are seen once."""

    async def story(store: Store) -> None:
        rows = [("message", "r", NOW + 2, b"2"), ("message", "", NOW + 1, b"1"), ("input", "r", NOW, b"0")]
        await store.write(lambda tx: watchful.add_logs(tx, rows))
        await store.write(lambda tx: watchful.add_logs(tx, [("message", "r", NOW + DAY, b"3")]))

        def contents(tx: Tx, **more: Any) -> list[bytes]:
            return [row.content for row in watchful.logs(tx, "message", limit=10, **more)]

        assert await store.read(contents) == [b"1", b"2", b"3"]
        assert await store.read(lambda tx: contents(tx, ref="r")) == [b"2", b"3"]
        assert await store.read(lambda tx: contents(tx, after_us=NOW + 2, before_us=NOW + DAY)) == [b"2"]
        assert await store.write(lambda tx: watchful.see(tx, NOW, "ann", NOW)) == ("ann", NOW)
        assert await store.write(lambda tx: watchful.see(tx, NOW, "bob", NOW + 1)) == ("ann", NOW)
        assert await store.read(lambda tx: watchful.seen(tx, NOW, NOW)) == {NOW: ("ann", NOW)}
        gone = await prune(store, watchful.SECTIONS, now_us=NOW + DAY, keep_us=DAY - 3)
        assert (gone["log"], gone["seen"]) == (3, 1)
        assert await store.read(contents) == [b"3"]

    told(store_url, story)


def test_notices_of_a_subject_and_the_last_of_them(store_url: str) -> None:
    """What was told about one thing comes first to last, and a leaf says what it was about."""

    async def story(store: Store) -> None:
        ident = bytes([1] * 16)

        def write(tx: Tx) -> int:
            position = tx.append("test.kind", "r", b"content")
            for kind in ("lost", "found"):
                kept.add_notice(
                    tx, kind=kind, flight=ident, operator="ops", conflicts=0, text=kind, content=b"{}",
                    caused_us=NOW, leaf=position, now_us=NOW,
                )  # fmt: skip
            return position

        position = await store.write(write)
        notices = await store.read(lambda tx: watchful.notices_of(tx, ident))
        assert [n.kind for n in notices] == ["lost", "found"]
        last = await store.read(lambda tx: watchful.last_notice_of(tx, ident))
        assert last == notices[-1]
        assert await store.read(lambda tx: watchful.notice(tx, notices[0].at_us)) == notices[0]
        assert await store.read(lambda tx: watchful.leaf_ref(tx, position)) == ("test.kind", "r")
        assert await store.read(lambda tx: watchful.leaf_content(tx, position)) == b"content"

    told(store_url, story)


def test_what_was_flown_adds_up_and_is_told_once(store_url: str) -> None:
    """Days add up for each operator since a day, and a day is told once."""

    async def story(store: Store) -> None:
        def write(tx: Tx) -> list[bool]:
            watchful.add_flown(tx, "ann", 10, 5, 1)
            watchful.add_flown(tx, "ann", 10, 5, 1)
            watchful.add_flown(tx, "ann", 11, 1, 0)
            watchful.add_flown(tx, "bob", 9, 1, 1)
            return [watchful.tell_flown(tx, "ann", 11), watchful.tell_flown(tx, "ann", 11)]

        assert await store.write(write) == [True, False]
        assert await store.read(lambda tx: watchful.flown(tx, 10)) == [watchful.Flown("ann", 11, 2)]
        assert await store.read(lambda tx: watchful.flown(tx, 11, "ann")) == [watchful.Flown("ann", 1, 0)]
        assert watchful.Flown("ann", 0, 0).share == 1.0

    told(store_url, story)
