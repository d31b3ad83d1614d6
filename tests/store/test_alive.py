"""The picture of what is alive is what the database holds: whoever wrote, and whatever failed."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.engine import make_url

from skypact.errors import Reason, Refused
from skypact.instants import HOUR_US, SECOND_US
from skypact.store import Store
from skypact.store import dss as kept
from skypact.store.alive import (
    KINDS,
    MARGIN_US,
    Alive,
    Anchor,
    Drafted,
    Entity,
    Part,
    Stand,
    pack,
    unpack,
)
from skypact.store.dss import INTENT, Shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skypact.store import Tx

NOW = 1_800_000_000 * SECOND_US
INF = float("inf")
WHOLE = Part(NOW - HOUR_US, NOW + HOUR_US, -INF, INF, -90.0, 90.0, -180.0, 180.0)
_ROWS = text(
    "SELECT e.kind, e.id, e.ovn, e.end_us, s.parts FROM dss_entity e, dss_shape s WHERE s.digest = e.shape"
)


def part(dice: random.Random, now_us: int = NOW) -> Part:
    """A box that meets about every third other; now and then over the 180th meridian, or open."""
    start = now_us + dice.randrange(-6, 7) * 500 * SECOND_US
    south, west = dice.choice((0.0, 0.25, 0.75, 60.0)), dice.choice((-180.0, -0.25, 0.0, 0.25, 179.75))
    low = dice.choice((-INF, 0.0, 50.0, 100.0))
    high = INF if dice.random() < 0.2 else max(low, 0.0) + dice.choice((0.0, 49.0, 50.0))
    east = west + (360.0 if dice.random() < 0.05 else 0.5)
    end = start + dice.randrange(1, 8) * 500 * SECOND_US
    return Part(start, end, low, high, south, south + 0.5, west, east)


def meet(one: Part, two: Part) -> bool:
    """Whether two boxes share a point, said plainly: closed in place and altitude, half-open in time."""
    if one.end_us <= two.start_us or two.end_us <= one.start_us:
        return False
    if one.high_m < two.low_m or two.high_m < one.low_m:
        return False
    if one.north < two.south or two.north < one.south:
        return False
    return any(one.west <= two.east + t and two.west + t <= one.east for t in (-360.0, 0.0, 360.0))


def entity(dice: random.Random, ident: bytes, parts: tuple[Part, ...], seq: int) -> Entity:
    """An entity of any kind over these parts; its kind is in its id."""
    kind = KINDS[ident[0] % 3]
    return Entity(
        kind=kind,
        id=ident,
        party="p",
        version=1,
        seq=seq,
        ovn=dice.randbytes(8).hex(),
        state="Accepted" if kind == INTENT else None,
        base_url="https://p.example",
        start_us=min(p.start_us for p in parts),
        end_us=max(p.end_us for p in parts),
        shape=pack(parts)[:32].ljust(32, b"\0"),
        subscription=None,
        for_intents=kind == "subscription",
        for_constraints=False,
        implicit=False,
        written_us=NOW,
    )


def write_one(dice: random.Random, ident: bytes, *, fail: bool = False) -> Callable[[Tx], None]:
    """Work that writes an entity, new or in place of what there is."""
    parts = tuple(part(dice) for _ in range(dice.choice((1, 1, 1, 2, 5))))
    digest = dice.randbytes(32)

    def work(tx: Tx) -> None:
        made = entity(dice, ident, parts, tx.seq)._replace(shape=digest)
        before = kept.get(tx, made.kind, ident)
        kept.put(tx, made, Shape(digest, b"[]", parts), new=before is None)
        kept.add_versions(tx, [(made, "create" if before is None else "update", b"{}")], NOW)
        if before is not None:
            kept.drop_shape(tx, before.shape)
        if fail:
            raise ValueError("it was not meant")

    return work


def remove_one(ident: bytes) -> Callable[[Tx], None]:
    """Work that removes an entity, if it is there."""

    def work(tx: Tx) -> None:
        kind = KINDS[ident[0] % 3]
        gone = kept.get(tx, kind, ident)
        if gone is not None:
            kept.remove(tx, kind, ident)
            kept.add_versions(tx, [(gone, "delete", b"{}")], NOW)
            kept.drop_shape(tx, gone.shape)

    return work


def forget_all(tx: Tx) -> None:
    """Work that forgets the versions of all that is gone."""
    kept.prune_versions(tx, NOW + 1, 1_000)


def found_in(tx: Tx, asked: tuple[Part, ...], now_us: int = NOW) -> dict[str, set[tuple[bytes, str]]]:
    """What the search finds: id and OVN, by kind."""
    return {kind: {(e.id, e.ovn) for e in kept.near(tx, kind, asked, now_us)} for kind in KINDS}


def there(tx: Tx, asked: tuple[Part, ...], now_us: int = NOW) -> dict[str, set[tuple[bytes, str]]]:
    """The same from the tables alone, one by one."""
    tx.settle()
    rows = tx.connection.execute(_ROWS)
    found: dict[str, set[tuple[bytes, str]]] = {kind: set() for kind in KINDS}
    for row in rows:
        if row.end_us > now_us and any(meet(p, q) for p in asked for q in unpack(row.parts)):
            found[row.kind].add((bytes(row.id), row.ovn))
    return found


def agree(tx: Tx, asked: tuple[Part, ...]) -> int:
    """Check that both say the same; how many are found."""
    found = found_in(tx, asked)
    assert found == there(tx, asked)
    return sum(map(len, found.values()))


async def history(url: str, seed: int, steps: int) -> int:
    """Random writes by two processes on one database; each looks after each step; how much was found."""
    dice = random.Random(seed)  # noqa: S311 -- no secret
    stores = [await Store.open(url, upgrade=True), await Store.open(url)]
    ids = [bytes([k]) * 16 for k in range(12)]
    seen = 0
    for _ in range(steps):
        store, other = dice.sample(stores, 2)
        works = [
            dice.choice(
                (
                    write_one(dice, dice.choice(ids)),
                    write_one(dice, dice.choice(ids)),
                    write_one(dice, dice.choice(ids), fail=dice.random() < 0.5),
                    remove_one(dice.choice(ids)),
                    forget_all,
                )
            )
            for _ in range(dice.choice((1, 1, 2, 4)))
        ]
        asked = tuple(part(dice) for _ in range(dice.choice((1, 1, 3))))
        look = partial(agree, asked=asked)
        todo: list[Callable[[Tx], Any]] = list(works)
        if dice.random() < 0.5:  # who writes without a look must not believe that he has looked
            todo = [work for made in works for work in (made, look)]
        mixed = [store.write(work) for work in todo]
        for result in await asyncio.gather(*mixed, return_exceptions=True):
            if isinstance(result, ValueError):
                assert str(result) == "it was not meant"
            elif isinstance(result, BaseException):
                raise result
        for reader in (other, store)[: dice.randrange(3)]:
            seen += await reader.read(look)
    for store in stores:
        await store.close()
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_two_processes_see_what_the_database_holds(store_url: str, seed: int) -> None:
    """After writes, removals, failures and forgetting by two processes, every search is the tables' own."""
    assert asyncio.run(history(store_url, seed, 40)) > 30


class Lost:
    """The line is lost at a point of the next transaction."""

    def __init__(self) -> None:
        self.point = ""

    def at(self, point: str) -> None:
        """The transaction is at this point."""
        if point == self.point:
            self.point = ""
            raise ConnectionResetError("the line is dead")


@pytest.mark.parametrize("point", ["begun", "ran", "flushed", "commit", "committed"])
def test_a_lost_line_leaves_no_ghost_and_hides_nothing(postgres_url: str, point: str) -> None:
    """Lost before, at and after COMMIT: what is found next is what the database says."""

    async def story() -> None:
        faults = Lost()
        store = await Store.open(postgres_url, upgrade=True, faults=faults)
        dice = random.Random(point)  # noqa: S311 -- no secret
        told: list[object] = []
        for k in range(6):
            faults.point = point if k % 2 else ""
            written = store.write(write_one(dice, bytes([k]) * 16))
            told += await asyncio.gather(written, return_exceptions=True)
            await store.read(lambda tx: agree(tx, (WHOLE,)))
            await store.write(lambda tx: agree(tx, (WHOLE,)))
        await store.close()
        lost = [one for one in told if isinstance(one, Refused)]
        assert len(lost) == (3 if point.startswith("commit") else 0)
        assert all(one.reason is Reason.UNAVAILABLE for one in lost)
        assert told.count(None) == 6 - len(lost)

    asyncio.run(story())


def test_a_clock_that_is_put_back_hides_nothing(sqlite_url: str) -> None:
    """What was left out as over is found again by a search of an earlier instant."""

    async def story() -> None:
        store = await Store.open(sqlite_url, upgrade=True)
        dice = random.Random(5)  # noqa: S311 -- no secret
        for k in range(12):
            await store.write(write_one(dice, bytes([k]) * 16))
        here = await store.read(lambda tx: found_in(tx, (WHOLE,)))
        assert sum(map(len, here.values())) == await store.read(lambda tx: agree(tx, (WHOLE,))) > 4
        later = NOW + 50 * HOUR_US
        assert not any((await store.read(lambda tx: found_in(tx, (WHOLE,), later))).values())
        other = await Store.open(sqlite_url)  # it takes its picture at the later instant: all is over
        assert not any((await other.read(lambda tx: found_in(tx, (WHOLE,), later))).values())
        assert await other.read(lambda tx: found_in(tx, (WHOLE,))) == here
        assert await other.write(lambda tx: found_in(tx, (WHOLE,))) == here
        await other.close()
        await store.close()

    asyncio.run(story())


@pytest.mark.parametrize("others", [0, 3, 9, 30])
@pytest.mark.parametrize("first", ["reading", "write"])
def test_a_database_that_lost_writes_is_looked_at_anew(
    sqlite_url: str, tmp_path: Path, others: int, first: str
) -> None:
    """A picture with writes that the database has lost is not believed, however far others have come."""

    async def story() -> None:
        store = await Store.open(sqlite_url, upgrade=True)
        dice = random.Random(6)  # noqa: S311 -- no secret
        for k in range(9):
            await store.write(write_one(dice, bytes([k]) * 16))
        await store.write(lambda tx: agree(tx, (WHOLE,)))
        live, before = (
            sqlite3.connect(str(make_url(sqlite_url).database)),
            sqlite3.connect(tmp_path / "before.db"),
        )
        live.backup(before)
        for k in range(9):  # some go, and some come, that nobody will know of
            await store.write(remove_one(bytes([k]) * 16) if k % 2 else write_one(dice, bytes([20 + k]) * 16))
        await store.read(lambda tx: agree(tx, (WHOLE,)))
        before.backup(live)
        live.close()
        before.close()
        other = await Store.open(sqlite_url)
        for k in range(others):
            await other.write(write_one(dice, bytes([40 + k]) * 16))
        await other.close()
        for way in (store.read, store.write) if first == "reading" else (store.write, store.read):
            assert await way(lambda tx: agree(tx, (WHOLE,))) > 4
        await store.close()

    asyncio.run(story())


def test_a_write_without_a_leaf_that_is_lost_hides_nothing_that_came_in_its_place(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The number of a lost write that changed nothing here is used by one that does; it is found."""

    async def story() -> None:
        store = await Store.open(sqlite_url, upgrade=True)
        dice = random.Random(7)  # noqa: S311 -- no secret
        await store.write(write_one(dice, bytes(16)))
        live, before = (
            sqlite3.connect(str(make_url(sqlite_url).database)),
            sqlite3.connect(tmp_path / "before.db"),
        )
        live.backup(before)
        for _ in range(5):
            await store.write(lambda tx: agree(tx, (WHOLE,)))
        before.backup(live)
        live.close()
        before.close()
        other = await Store.open(sqlite_url)
        for k in range(7):
            await other.write(write_one(dice, bytes([k + 1]) * 16))
        await other.close()
        assert await store.read(lambda tx: agree(tx, (WHOLE,))) > 2
        await store.close()

    asyncio.run(story())


def table_of(many: int, ends_us: int) -> Drafted:
    """So many intents that end then."""
    made = Drafted()
    dice = random.Random(many)  # noqa: S311 -- no secret
    one = Part(NOW - HOUR_US, ends_us, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0)
    for k in range(many):
        made.put(entity(dice, b"\0" + k.to_bytes(15, "big"), (one,), 1), (one,))
    return made


def at(seq: int, stamp: int, region: bytes = b"r") -> Stand:
    """Where a database stands."""
    return Stand(region, seq, bytes([stamp]), seq)


def test_what_is_over_is_left_out_in_time() -> None:
    """Of waves of intents that end one after the other, the picture keeps about as many as are alive."""
    picture = Alive()
    picture.take(at(0, 0), None, NOW, ())
    whole = (Part(NOW, NOW + 1, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0),)
    for wave in range(20):
        now_us = NOW + wave * 10 * HOUR_US
        assert picture.find(INTENT, whole, now_us, at(wave, wave), None) is not None
        made = Drafted()
        for kind, ident, one, parts in table_of(500, now_us + HOUR_US):
            assert one is not None
            ended = one._replace(id=bytes([wave]) + ident[1:], kind=kind)
            made.put(ended, parts)
        picture.committed(at(wave, wave), at(wave + 1, wave + 1), Anchor(wave, b"", wave + 1), made)
        assert len(picture) <= 2_048
    assert picture.find(INTENT, whole, NOW, at(20, 20), None) is None
    assert picture.goes_on(at(21, 21), NOW, 0) is None


def test_who_was_quicker_stays() -> None:
    """What is taken in from another picture than there is by then is dropped; a write's own, too."""
    picture = Alive()
    first = next(iter(table_of(1, NOW + HOUR_US)))
    assert first[2] is not None
    whole = (first[3][0],)
    anchor = Anchor(6, b"leaf", 7)
    assert picture.find(INTENT, whole, NOW, at(7, 7), None) is None
    assert picture.goes_on(at(7, 7), NOW, 0) is None
    picture.committed(at(7, 7), at(8, 8), anchor, Drafted())
    picture.take(at(7, 7), anchor, NOW, [(first[2], first[3])])
    picture.take_in(at(3, 3), at(9, 9), None, [(INTENT, first[1])], ())
    picture.committed(at(6, 6), at(7, 9), None, Drafted())
    assert [e.id for e in picture.find(INTENT, whole, NOW, at(7, 7), None) or []] == [first[1]]
    assert picture.goes_on(at(9, 9), NOW, 7) == (at(7, 7), anchor)
    assert picture.goes_on(at(9, 9), NOW, 8) is None
    assert picture.goes_on(at(9, 9, b"s"), NOW, 7) is None
    assert picture.goes_on(at(7, 5), NOW, 7) is None
    picture.committed(at(7, 7), at(8, 8), None, Drafted())
    assert picture.goes_on(at(9, 9), NOW, 7) == (at(8, 8), anchor)
    assert picture.goes_on(at(9, 9), NOW - MARGIN_US - 1, 7) is None


def test_a_reading_that_began_before_the_last_write_may_see_it_and_no_later_one() -> None:
    """Newer than its view is right for a reading that was under way, a fault for one that began after."""
    picture = Alive()
    early_s = time.monotonic()
    picture.take(at(7, 7), None, NOW, ())
    later_s = time.monotonic() + 1.0
    assert picture.find(INTENT, (WHOLE,), NOW, at(6, 6), early_s) == []
    assert picture.find(INTENT, (WHOLE,), NOW, at(6, 6), later_s) is None
    assert picture.find(INTENT, (WHOLE,), NOW, at(6, 6), None) is None
    assert picture.find(INTENT, (WHOLE,), NOW, at(8, 8), early_s) is None
    assert picture.find(INTENT, (WHOLE,), NOW, at(7, 7), None) == []


def test_changes_that_are_taken_back_are_not_there() -> None:
    """Going back in a transaction brings again what it had written over, and nothing of what came after."""
    made = table_of(3, NOW + HOUR_US)
    changes = list(made)
    whole = (changes[0][3][0],)
    mark = len(made)
    made.remove(INTENT, changes[0][1])
    moved = changes[1][2]
    assert moved is not None
    made.put(moved._replace(ovn="moved"), ())
    assert {e.id for e in made.over(INTENT, [], whole, NOW)} == {changes[2][1]}
    assert (made.touches(INTENT, changes[0][1]), made.get(INTENT, changes[0][1])) == (True, None)
    made.back(mark)
    assert {e.id for e in made.over(INTENT, [], whole, NOW)} == {ident for _, ident, _, _ in changes}
    assert made.get(INTENT, moved.id) == moved
    made.back(mark)
    assert len(made) == mark


@given(seed=st.integers(0, 2**32 - 1), many=st.integers(0, 30), asked=st.integers(1, 90))
def test_a_search_of_many_volumes_finds_what_any_of_them_meets(seed: int, many: int, asked: int) -> None:
    """However many volumes are asked for at once, and however often rows were used before."""
    dice = random.Random(seed)  # noqa: S311 -- no secret
    made = Drafted()
    held: dict[bytes, tuple[Part, ...]] = {}
    for _ in range(many):
        ident = b"\0" + bytes([dice.randrange(8)]) * 15
        if dice.random() < 0.3:
            made.remove(INTENT, ident)
            held.pop(ident, None)
        else:
            parts = tuple(part(dice) for _ in range(dice.choice((1, 3))))
            made.put(entity(dice, ident, parts, 1), parts)
            held[ident] = parts
    wanted = [part(dice) for _ in range(asked)]
    found = [e.id for e in made.over(INTENT, [], wanted, NOW)]
    assert len(found) == len(set(found))
    assert set(found) == {
        ident
        for ident, parts in held.items()
        if max(p.end_us for p in parts) > NOW and any(meet(p, q) for p in parts for q in wanted)
    }


@given(seed=st.integers(0, 2**32 - 1))
def test_parts_are_kept_to_the_bit_and_holding_is_meeting_everywhere(seed: int) -> None:
    """What is packed comes back; a part that holds another meets whatever the other meets."""
    dice = random.Random(seed)  # noqa: S311 -- no secret
    parts = tuple(part(dice) for _ in range(12))
    assert unpack(pack(parts)) == parts
    outer = parts[0]
    for inner in parts[1:]:
        if outer.holds(inner):
            assert all(meet(outer, other) for other in parts if meet(inner, other))
    assert outer.holds(outer)
    turned = outer._replace(west=outer.west + 360.0, east=outer.east + 360.0)
    assert outer.holds(turned)
    assert not outer.holds(outer._replace(high_m=INF)) or outer.high_m == INF
    assert not outer.holds(outer._replace(end_us=outer.end_us + 1))
