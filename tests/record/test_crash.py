"""The record at each point of a write, failed or failed but persisted: opened again, it is whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from record_world import KEY, T0, fill, quiet
from skypact import seal
from skypact.desk.audit import audit
from skypact.desk.record import ERASED, Record
from skypact.desk.witness import Witness
from skypact.errors import Refused
from skypact.record import note
from skypact.record.checkpoint import Policy
from skypact.record.receipt import Leaf
from skypact.record.witness import Request, parse
from skypact.store import Store
from skypact.store import ledger as kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

POINTS = ("begun", "ran", "flushed", "commit", "committed")
OTHER = seal.generate()


class Cut:
    """The disk fails at a point of a transaction, once, when it is told to."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.armed = False

    def at(self, point: str) -> None:
        """The transaction is at this point."""
        if self.armed and point == self.point:
            self.armed = False
            raise RuntimeError("the disk has failed")


def cut(url: str, point: str, act: Callable[[Store], Awaitable[object]]) -> bool:
    """Do something on a store that fails at a point; whether it was answered."""

    async def run() -> bool:
        faults = Cut(point)
        store = await Store.open(url, faults=faults)
        try:
            faults.armed = True
            await act(store)
        except (Refused, RuntimeError):
            return False
        finally:
            await store.close()
        return not faults.armed

    return asyncio.run(run())


def begun(folder: Path) -> str:
    """A ledger of 600 leaves with a checkpoint of the first 300."""
    url = f"sqlite:///{folder / 'skypact.db'}"

    async def make() -> None:
        store = await Store.open(url, upgrade=True)
        await fill(store, 300)
        await Record(store, KEY).checkpoint(T0)
        await fill(store, 300, first=300)
        await store.close()

    asyncio.run(make())
    return url


def looked(url: str, story: Callable[[Store, Record], Awaitable[None]]) -> None:
    """Open it again, look at the whole of it, and go on."""

    async def run() -> None:
        store = await Store.open(url)
        record = Record(store, KEY)
        found = await audit(store, [await record.log_key()], quiet)
        assert found.faults == []
        await story(store, record)
        found = await audit(store, [await record.log_key()], quiet)
        assert found.faults == []
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("point", POINTS)
def test_a_checkpoint_that_was_cut_off_is_made_again(tmp_path: Path, point: str) -> None:
    """Whichever of its two writes it was: there is none, or the one that was signed, and never another."""
    url = begun(tmp_path)
    assert not cut(url, point, lambda store: Record(store, KEY).checkpoint(T0 + 1))

    async def story(store: Store, record: Record) -> None:
        rows = await store.read(lambda tx: kept.checkpoints(tx, -1))
        assert [row.size for row in rows] in ([300], [300, 600])
        again = await record.checkpoint(T0 + 2)
        assert again.size == 600
        assert (await record.prove(599, T0)).verify(Policy(await record.log_key())).index == 599

    looked(url, story)


@pytest.mark.parametrize("point", POINTS)
def test_an_erasure_is_whole_or_did_not_happen(tmp_path: Path, point: str) -> None:
    """Content gone, entry kept and said so; or all as it was."""
    url = begun(tmp_path)
    assert not cut(url, point, lambda store: Record(store, KEY).erase(7, "asked for", T0))

    async def story(store: Store, record: Record) -> None:
        (row,) = await store.read(lambda tx: kept.leaves(tx, 7, 8))
        said = await record.about("7")
        entries = await store.read(lambda tx: kept.erased(tx, 0, 600))
        happened = row.content is None
        assert happened == (said == [(600, ERASED)]) == (len(entries) == 1)
        assert happened == (point == "committed")
        statement = (await record.prove(7, T0)).statement
        assert isinstance(statement, Leaf) != happened

    looked(url, story)


@pytest.mark.parametrize("point", POINTS)
def test_a_witness_never_gives_what_it_did_not_keep(tmp_path: Path, point: str) -> None:
    """Cut off, it has answered nothing; opened again it cosigns the same history, and no other."""
    url = begun(tmp_path)
    head, fork = (signed(size) for size in (0, 1))
    key = note.key_of("other.example/log", note.LOG, OTHER.public)
    given: list[bytes] = []

    async def ask(store: Store) -> None:
        said = await Witness(store, KEY, [key]).add_checkpoint(head, T0)
        given.append(said.body)

    assert not cut(url, point, ask)
    assert given == []

    async def story(store: Store, _record: Record) -> None:
        witness = Witness(store, KEY, [key])
        held = await witness.holds(key.name)
        assert (held is not None) == (point == "committed")
        size = 1 if held is not None else 0
        said = await witness.add_checkpoint(Request(size, (), parse(head).note).encode(), T0)
        assert said.status == 200
        said = await witness.add_checkpoint(Request(1, (), parse(fork).note).encode(), T0)
        assert said.status == 409

    looked(url, story)


def signed(lie: int) -> bytes:
    """Another's log at one leaf, which is one of two."""
    from skypact.record.checkpoint import Checkpoint

    text = Checkpoint("other.example/log", 1, bytes([lie]) * 32).text
    line = note.sign(text, "other.example/log", OTHER)
    return Request(0, (), note.Note(text, (line,))).encode()
