"""Writes a second, durable, on both databases; and what of that is the disk's and what is ours.

    python bench/store.py [SECONDS]

A write is small: two rows of 200 bytes and a leaf of 500. Clients are coroutines of one process, each of
which begins its next write when its last one is answered. Beside it, in the same run: how often this disk can
make 4 KiB durable, and the same two rows by the bare driver, alone in its transaction and by tens. The
PostgreSQL is one of the tests' own, in a temporary folder, with its own defaults.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

import databases
from skypact.store import Store

if TYPE_CHECKING:
    from skypact.store import Tx

CLIENTS = (1, 10, 50)
_ROW = "x" * 200
_LEAF = b"c" * 500
_MAKE = "CREATE TABLE bench (seq BIGINT NOT NULL, n BIGINT NOT NULL, filler TEXT NOT NULL)"
_ADD = text("INSERT INTO bench (seq, n, filler) VALUES (:seq, :n, :filler)")


def _work(tx: Tx) -> None:
    for n in (1, 2):
        tx.connection.execute(_ADD, {"seq": tx.seq, "n": n, "filler": _ROW})
    tx.append("bench.write", str(tx.seq), _LEAF)


async def _measure(url: str, seconds: float) -> None:
    store = await Store.open(url, upgrade=True)
    await store.write(lambda tx: tx.connection.execute(text(_MAKE)))
    for clients in CLIENTS:
        took: list[float] = []
        end = time.monotonic() + seconds

        async def client(end: float = end, took: list[float] = took) -> None:
            while (began := time.monotonic()) < end:
                await store.write(_work)
                took.append(time.monotonic() - began)

        commits, began, cpu = store.figures.commits, time.monotonic(), time.process_time()
        await asyncio.gather(*(client() for _ in range(clients)))
        elapsed, cpu = time.monotonic() - began, time.process_time() - cpu
        took.sort()
        print(
            f"{store.dialect:<11}{clients:>3} clients{len(took) / elapsed:>8.0f} writes/s  "
            f"{len(took) / (store.figures.commits - commits):>4.0f} a commit  "
            f"p50 {1e3 * took[len(took) // 2]:>5.1f}  p99 {1e3 * took[len(took) * 99 // 100]:>5.1f} ms  "
            f"CPU of ours {1e3 * cpu / len(took):.2f} ms a write"
        )
    await store.close()


def _disk(folder: Path, seconds: float) -> None:
    handle = os.open(folder / "disk", os.O_CREAT | os.O_WRONLY, 0o600)
    took = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        os.write(handle, bytes(4096))
        os.fsync(handle)
        took.append(time.monotonic() - began)
    os.close(handle)
    took.sort()
    print(
        f"the disk: 4 KiB and fsync {len(took) / seconds:.0f}/s, "
        f"p50 {1e3 * took[len(took) // 2]:.2f}, p99 {1e3 * took[len(took) * 99 // 100]:.2f} ms"
    )


def _bare(folder: Path, seconds: float) -> None:
    for many in (1, 10):
        with contextlib.closing(sqlite3.connect(folder / f"bare{many}.db", isolation_level=None)) as bare:
            bare.execute("PRAGMA journal_mode=WAL")
            bare.execute("PRAGMA synchronous=FULL")
            bare.execute(_MAKE)
            done, end = 0, time.monotonic() + seconds
            while time.monotonic() < end:
                bare.execute("BEGIN IMMEDIATE")
                for _ in range(2 * many):
                    bare.execute("INSERT INTO bench VALUES (?, ?, ?)", (done, 1, _ROW))
                bare.execute("COMMIT")
                done += many
            print(
                f"sqlite3 alone, {many:>2} a commit: {done / seconds:.0f} writes/s (without leaf and order)"
            )


def main() -> int:
    """Measure, and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    folder = Path(tempfile.mkdtemp(prefix="skypact-bench-"))
    try:
        _disk(folder, seconds / 2)
        _bare(folder, seconds / 2)
        asyncio.run(_measure(f"sqlite:///{folder / 'skypact.db'}", seconds))
        if databases.binaries() is None:
            print("no PostgreSQL on this machine: not measured")
            return 0
        cluster = folder / "pg"
        cluster.mkdir()
        folder.chmod(0o755)
        server = databases.Server(cluster)
        try:
            asyncio.run(_measure(server.create(), seconds))
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
