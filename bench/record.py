"""How long it takes to verify a record: a whole database, an export, one receipt.

    python bench/record.py [LEAVES [SIGNATURES]]

A ledger of so many leaves of 500 bytes is made in a temporary folder (SQLite), then looked at as
``skypact record verify`` does: every content hashed, the tree built, a checkpoint held against it. Signatures
are of as many checkpoints, all checked by the same processes that the command uses. Then an export is written
and verified, and a receipt made and verified. Beside each figure the load of the machine.
"""

from __future__ import annotations

import asyncio
import os
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


def _said(what: str, many: int, seconds: float) -> None:
    load = os.getloadavg()[0]
    print(f"{what:<44}{seconds:8.2f} s {seconds / many * 1e6:10.2f} µs each   load {load:.1f}", flush=True)


async def _timed(what: str, many: int, work: Callable[[], Awaitable[T]]) -> T:
    began = time.perf_counter()
    result = await work()
    _said(what, many, time.perf_counter() - began)
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
    began = time.perf_counter()
    verify(out, policy, tell=_quiet)
    _said("verify: export, entries and tree", leaves, time.perf_counter() - began)
    made = await _timed("prove: one receipt", 1, lambda: record.prove(leaves // 3, 1))
    data = made.encode()
    began = time.perf_counter()
    receipt.parse(data).verify(policy)
    _said(f"verify: one receipt ({len(data)} bytes)", 1, time.perf_counter() - began)
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

    began = time.perf_counter()
    assert list(faults(batches(), [log])) == []
    _said("verify: signatures of checkpoints", many, time.perf_counter() - began)


def main() -> None:
    """Measure."""
    leaves = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    many = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    print(f"{leaves} leaves, {many} signatures, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_database(Path(folder), leaves))
    _signatures(many)


if __name__ == "__main__":
    main()
