"""The invariant, under simultaneous planning and kills, proved from the history.

Of any two accepted intents that overlap, the later one's accepted key held the other's OVN, wherever the
standard asks for a key. Whether two overlap is decided here anew, with plain arithmetic on their extents; the
order is that of the region's writes; the key is the one that the client wrote down before it sent it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from skypact.store import Store

if TYPE_CHECKING:
    from skypact.store import Tx

PLANNER = Path(__file__).with_name("planner.py")
NOMINAL = {"Accepted", "Activated"}


@dataclass
class Proof:
    """What was found."""

    writes: int = 0
    pairs: int = 0
    acknowledged: int = 0
    refused: int = 0
    kills: int = 0
    faults: list[str] = field(default_factory=list)


def boxes(extents: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Each volume's bounds: south, north, west, east, floor, ceiling, start, end."""
    found = []
    for part in extents:
        shape = part["volume"]
        lats = [p["lat"] for p in shape["outline_polygon"]["vertices"]]
        lngs = [p["lng"] for p in shape["outline_polygon"]["vertices"]]
        low, high = shape["altitude_lower"]["value"], shape["altitude_upper"]["value"]
        times = part["time_start"]["value"], part["time_end"]["value"]  # of one format: they compare as text
        found.append((min(lats), max(lats), min(lngs), max(lngs), low, high, *times))
    return found


def overlap(one: list[tuple[Any, ...]], two: list[tuple[Any, ...]]) -> bool:
    """Whether any two boxes share more than a face, by a millimetre at least."""
    slack = 1e-8
    return any(
        a[0] + slack < b[1]
        and b[0] + slack < a[1]
        and a[2] + slack < b[3]
        and b[2] + slack < a[3]
        and a[4] <= b[5]
        and b[4] <= a[5]
        and a[6] < b[7]
        and b[6] < a[7]
        for a in one
        for b in two
    )


def run(
    url: str,
    folder: Path,
    *,
    processes: int,
    each: int,
    kill_every_s: float,
    limit_s: float,
    kills: int = 5,
    careless: bool = False,
) -> Proof:
    """Let processes plan until each has so many accepted, killing one now and then; then prove."""
    asyncio.run(_make(url))
    dice = random.Random(20_26)  # noqa: S311 -- no secret
    proof = Proof()
    journals = [folder / f"party-{k}.journal" for k in range(processes)]

    def start(k: int) -> subprocess.Popen[bytes]:
        with (folder / f"party-{k}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, PLANNER, url, journals[k], str(k), str(each), *["careless"] * careless],
                stderr=log,
                stdout=log,
            )

    def size(k: int) -> int:
        return journals[k].stat().st_size if journals[k].exists() else 0

    running = [start(k) for k in range(processes)]
    sizes = [0] * processes
    began = time.monotonic()
    next_kill = began + kill_every_s
    try:
        while any(process.poll() is None for process in running):
            assert time.monotonic() - began < limit_s, "they do not come to an end"
            time.sleep(0.02 + 0.05 * dice.random())
            k = dice.randrange(processes)
            if (
                proof.kills < kills
                and running[k].poll() is None
                and time.monotonic() > next_kill
                and size(k) > sizes[k] + 1_000
            ):
                running[k].kill()
                if running[k].wait() == 0:  # it came to its end just before
                    continue
                assert running[k].returncode == -signal.SIGKILL
                proof.kills += 1
                sizes[k] = size(k)  # the next one dies when it has done something
                running[k] = start(k)
                next_kill = time.monotonic() + kill_every_s * dice.uniform(0.5, 1.5)
    finally:
        for process in running:
            process.kill()
            process.wait()
    for k, process in enumerate(running):
        log = (folder / f"party-{k}.log").read_text(encoding="utf-8")
        assert process.returncode == 0, log[-3000:]
    asyncio.run(_prove(url, journals, proof))
    return proof


async def _make(url: str) -> None:
    store = await Store.open(url, upgrade=True)
    await store.close()


def _history(tx: Tx) -> tuple[list[Any], list[Any], int]:
    history = "SELECT seq, id, act, party, ovn, content FROM dss_version WHERE kind = 'intent' ORDER BY seq"
    alive = "SELECT id, ovn FROM dss_entity WHERE kind = 'intent'"
    subscriptions = "SELECT count(*) FROM dss_entity WHERE kind = 'subscription'"
    run = tx.connection.execute
    return list(run(text(history))), list(run(text(alive))), int(run(text(subscriptions)).scalar_one())


async def _prove(url: str, journals: list[Path], proof: Proof) -> None:
    store = await Store.open(url)
    history, alive, subscriptions = await store.read(_history)
    await store.close()
    keys: dict[str, frozenset[str]] = {}
    acknowledged: list[tuple[str, str, str]] = []
    for path in journals:
        sent: dict[str, Any] = {}
        for line in path.read_bytes().split(b"\n"):
            if not line.endswith(b"}"):
                continue
            entry = json.loads(line)
            if entry["what"] == "sent":
                sent[entry["number"]] = entry
                digest = hashlib.sha256(entry["party"].encode() + b"\0" + entry["raw"].encode()).hexdigest()
                keys[digest] = frozenset(json.loads(entry["raw"])["key"])
            elif entry["what"] == "accepted":
                request = sent.pop(entry["number"])
                acknowledged.append((request["act"], request["id"], entry["ovn"]))
            else:
                request = sent.pop(entry["number"])
                proof.refused += 1
                if entry["reason"] != "conflict" and not (
                    request["act"] == "delete" and entry["reason"] == "unknown"  # the first try had done it
                ):
                    proof.faults.append(f"refused for another reason: {entry}")
        if sent:
            proof.faults.append(f"{path.name}: {len(sent)} requests without an answer")
    now: dict[bytes, tuple[str, list[tuple[Any, ...]]]] = {}
    written: set[tuple[str, str, str]] = set()
    for _, raw_ident, act, _, ovn, content in history:
        proof.writes += 1
        ident = bytes(raw_ident)
        said = json.loads(content)
        written.add((act, said["reference"]["id"], ovn))
        if act == "delete":
            del now[ident]
            continue
        here = boxes(said["extents"])
        if said["reference"]["state"] in NOMINAL:
            key = keys[said["request_sha256"]]
            for other, (other_ovn, there) in now.items():
                if other != ident and overlap(here, there):
                    proof.pairs += 1
                    if other_ovn not in key:
                        proof.faults.append(f"{act} of {ident.hex()} did not show {other.hex()} {other_ovn}")
        now[ident] = (ovn, here)
    proof.acknowledged = len(acknowledged)
    proof.faults += [f"acknowledged and lost: {one}" for one in acknowledged if one not in written]
    if {bytes(ident): ovn for ident, ovn in alive} != {ident: ovn for ident, (ovn, _) in now.items()}:
        proof.faults.append("what is alive is not what the history says")
    if subscriptions != len(now):
        proof.faults.append(f"{subscriptions} implicit subscriptions for {len(now)} intents")


def test_the_invariant_holds_with_four_processes_and_kills(postgres_url: str, tmp_path: Path) -> None:
    """Hundreds of simultaneous overlapping writes on PostgreSQL, with kills: no pair without its key."""
    proof = run(postgres_url, tmp_path, processes=4, each=60, kill_every_s=1.5, limit_s=240.0)
    assert proof.faults == []
    assert proof.acknowledged >= 240
    assert proof.pairs > 1_000
    assert proof.kills >= 1


def test_the_invariant_holds_on_sqlite_with_kills(sqlite_url: str, tmp_path: Path) -> None:
    """The same on SQLite, with two processes on one file."""
    proof = run(sqlite_url, tmp_path, processes=2, each=60, kill_every_s=0.5, limit_s=240.0)
    assert proof.faults == []
    assert proof.acknowledged >= 120
    assert proof.pairs > 500
    assert proof.kills >= 1


@pytest.mark.soak
def test_the_invariant_holds_ten_thousand_times(postgres_url: str, tmp_path: Path) -> None:
    """10,000 accepted writes of four processes on PostgreSQL, with kills all the time."""
    proof = run(
        postgres_url, tmp_path, processes=4, each=2_500, kill_every_s=5.0, limit_s=3_600.0, kills=10**6
    )
    print(f"\n{proof}")  # noqa: T201 -- a soak says what it has seen
    assert proof.faults == []
    assert proof.acknowledged >= 10_000
    assert proof.kills >= 20


def test_the_proof_sees_a_service_that_asks_for_no_key(sqlite_url: str, tmp_path: Path) -> None:
    """With the rule taken out and careless clients, the same proof finds pairs without their key."""
    proof = run(sqlite_url, tmp_path, processes=1, each=40, kill_every_s=1e9, limit_s=60.0, careless=True)
    assert any("did not show" in fault for fault in proof.faults)
