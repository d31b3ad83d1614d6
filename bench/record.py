"""How long it takes to verify a record: a whole database, an export, one receipt.

    python bench/record.py [LEAVES [SIGNATURES]]

A ledger of so many leaves of 500 bytes is made in a temporary folder (SQLite), then looked at as
``skypact record verify`` does: every content hashed, the tree built, a checkpoint held against it. Signatures
are of as many checkpoints, all checked by the same processes that the command uses. Then an export is written
and verified, and a receipt made and verified. Beside what elapsed stands what processors did for it.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from skypact import seal
from skypact.desk.archive import export, verify
from skypact.desk.audit import audit
from skypact.desk.record import Record
from skypact.desk.signatures import BATCH, faults
from skypact.record import note, receipt
from skypact.record.checkpoint import Checkpoint, Policy
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from skypact.store import Tx

T = TypeVar("T")

_FILLER = b"c" * 470
_AT_ONCE = 10_000


def _fill(tx: Tx, first: int, many: int) -> None:
    for n in range(first, first + many):
        tx.append(
            "flight.version", f"4b11f9c2-0f1e-4c36-9a3e-{n:012d}", b'{"n": %d, "x": "%s"}' % (n, _FILLER)
        )


def _quiet(_text: str) -> None:
    """Nobody waits."""


class _Watch:
    """Elapsed seconds, and those of processors, of this process and of those that it began and that ended."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), self._processors()

    @staticmethod
    def _processors() -> float:
        return sum(
            resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )

    def said(self, what: str, many: int) -> None:
        """One line."""
        seconds, cpu = time.perf_counter() - self._began[0], self._processors() - self._began[1]
        each = cpu / many * 1e6
        print(f"{what:<44}{seconds:8.2f} s {cpu:8.2f} s of CPU {each:10.2f} µs each", flush=True)


async def _timed(what: str, many: int, work: Callable[[], Awaitable[T]]) -> T:
    watch = _Watch()
    result = await work()
    watch.said(what, many)
    return result


async def _database(folder: Path, leaves: int) -> None:
    store = await Store.open(f"sqlite:///{folder / 'skypact.db'}", upgrade=True)
    record = Record(store, seal.generate())
    for first in range(0, leaves, _AT_ONCE):
        await store.write(partial(_fill, first=first, many=min(_AT_ONCE, leaves - first)))
    key = await record.log_key()
    policy = Policy(key)
    row = await _timed("first checkpoint: the tree is built", leaves, lambda: record.checkpoint(1))
    found = await _timed("verify: database, contents and tree", leaves, lambda: audit(store, [key], _quiet))
    assert (found.faults, found.leaves, found.checkpoints) == ([], leaves, 1)
    out = folder / "out"
    await _timed("export", leaves, lambda: export(store, row, out, policy, bodies=None, tell=_quiet))
    watch = _Watch()
    verify(out, policy, tell=_quiet)
    watch.said("verify: export, entries and tree", leaves)
    made = await _timed("prove: one receipt", 1, lambda: record.prove(leaves // 3, 1))
    data = made.encode()
    watch = _Watch()
    receipt.parse(data).verify(policy)
    watch.said(f"verify: one receipt ({len(data)} bytes)", 1)
    await store.close()


def _signatures(many: int) -> None:
    key = seal.generate()
    log = note.key_of("log.example/1", note.LOG, key.public)

    def signed(n: int) -> bytes:
        text = Checkpoint(log.name, n, n.to_bytes(32, "big")).text
        return note.Note(text, (note.sign(text, log.name, key),)).encode()

    notes = [(n, signed(n)) for n in range(many)]

    def batches() -> Iterator[list[tuple[int, bytes]]]:
        for low in range(0, many, BATCH):
            yield notes[low : low + BATCH]

    watch = _Watch()
    assert list(faults(batches(), [log])) == []
    watch.said("verify: signatures of checkpoints", many)


def main() -> None:
    """Measure."""
    leaves = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    many = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{leaves} leaves, {many} signatures, {os.cpu_count()} processors, load {load}")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_database(Path(folder), leaves))
    _signatures(many)


if __name__ == "__main__":
    main()
