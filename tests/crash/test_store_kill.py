"""Processes that die: what was answered is there, nothing is half there, and whoever is left goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from store_world import add, inside, things, whole

if TYPE_CHECKING:
    from databases import Server
    from skypact.store import Store

TESTS = Path(__file__).resolve().parent.parent
WRITER = TESTS / "crash" / "writer.py"
POINTS = ("begun", "ran", "flushed", "commit", "committed")


class _Writer:
    """A writing process."""

    def __init__(self, url: str, who: str, count: int = 0, *kill: str) -> None:
        self.who = who
        self.process = subprocess.Popen(
            [sys.executable, WRITER, url, who, str(count), *kill],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )

    def go(self) -> None:
        """Let it write, once it is ready."""
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        assert self.process.stdout.readline() == "ready\n"
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def rest(self) -> list[int]:
        """Wait for its end; every number that was answered."""
        out, _ = self.process.communicate(timeout=60)
        lines = [line.split() for line in out.splitlines()]
        # a line that the kill cut off has told nobody anything
        return [int(words[1]) for words in lines if len(words) == 2 and words[0] == "ack"]


def _make(url: str) -> None:
    assert inside(url, lambda store: store.read(whole)) == 0


def _look(url: str, acks: dict[str, list[int]]) -> int:
    """Open what is left: whole, with everything that was answered, by whom it was; returns how many rows."""

    async def story(store: Store) -> int:
        await store.write(add("survivor"))
        count = await store.read(whole)
        owners = {n: who for _, who, n in await store.read(things)}
        for who, numbers in acks.items():
            assert len(set(numbers)) == len(numbers)
            assert all(owners[n] == who for n in numbers)
        return count

    return inside(url, story, make=False)


@pytest.mark.parametrize("nth", [1, 7])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_point_nothing_answered_is_lost(store_url: str, point: str, nth: int) -> None:
    """A process killed anywhere in a transaction leaves all that it answered and nothing half."""
    _make(store_url)
    writer = _Writer(store_url, "w", 0, point, str(nth))
    writer.go()
    acks = writer.rest()
    assert writer.process.returncode == -signal.SIGKILL
    count = _look(store_url, {"w": acks}) - 1
    if point == "committed":  # persisted, and told to nobody
        assert len(acks) < count <= len(acks) + 4
    else:
        assert count == len(acks)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_any_moment_nothing_answered_is_lost(store_url: str, seed: int) -> None:
    """SIGKILL out of the blue, also in the middle of COMMIT, loses nothing that was answered."""
    _make(store_url)
    writer = _Writer(store_url, "w")
    writer.go()
    time.sleep(0.2 + random.Random(seed).random() * 0.4)  # noqa: S311 -- a moment, no secret
    writer.process.kill()
    acks = writer.rest()
    assert len(acks) > 0
    count = _look(store_url, {"w": acks}) - 1
    assert len(acks) <= count <= len(acks) + 4


def test_four_processes_are_in_one_order(store_url: str) -> None:
    """Four processes that read, modify and write the same lose no update and leave no gap."""
    _make(store_url)
    writers = [_Writer(store_url, f"w{i}", 100) for i in range(4)]
    for writer in writers:
        writer.go()
    acks = {writer.who: writer.rest() for writer in writers}
    assert [writer.process.returncode for writer in writers] == [0, 0, 0, 0]
    assert sorted(n for numbers in acks.values() for n in numbers) == list(range(1, 401))
    assert _look(store_url, acks) == 401


def test_the_others_go_on_when_one_dies_holding_the_region(store_url: str) -> None:
    """A process killed inside its transaction does not stop the others, and takes nothing of theirs."""
    _make(store_url)
    victim = _Writer(store_url, "victim", 0, "flushed", "5")
    others = [_Writer(store_url, f"w{i}", 60) for i in range(2)]
    for writer in (victim, *others):
        writer.go()
    acks = {writer.who: writer.rest() for writer in (victim, *others)}
    assert victim.process.returncode == -signal.SIGKILL
    assert [writer.process.returncode for writer in others] == [0, 0]
    assert all(len(acks[writer.who]) == 60 for writer in others)
    assert _look(store_url, acks) == sum(map(len, acks.values())) + 1


def test_a_database_server_that_loses_power_keeps_what_was_answered(
    postgres_server: Server, postgres_url: str
) -> None:
    """PostgreSQL stopped at once under load and started again has every answered write; the writers go on."""
    _make(postgres_url)
    writer = _Writer(postgres_url, "w")
    writer.go()
    time.sleep(0.5)
    postgres_server.stop(signal.SIGQUIT)
    postgres_server.start()
    time.sleep(1.5)
    writer.process.kill()
    acks = writer.rest()
    count = _look(postgres_url, {"w": acks}) - 1
    assert len(acks) <= count
    assert count - len(acks) <= 8  # one commit without an answer at each of the two ends
