"""Turns: one after the other for one name, side by side for others, and nothing kept of what is over."""

from __future__ import annotations

import asyncio

from skypact.desk.turns import Turns


def test_one_name_is_held_by_one_task_at_a_time_and_kept_no_longer() -> None:
    """A hundred tasks on three names never meet on one of them, and leave no lock behind."""

    async def story() -> tuple[int, int, int]:
        turns, inside, most = Turns[str](), {"a": 0, "b": 0, "c": 0}, {"one": 0, "all": 0}

        async def work(name: str) -> None:
            async with turns.of(name):
                inside[name] += 1
                most["one"] = max(most["one"], inside[name])
                most["all"] = max(most["all"], sum(inside.values()))
                await asyncio.sleep(0)
                inside[name] -= 1

        await asyncio.gather(*(work("abc"[k % 3]) for k in range(100)))
        return most["one"], most["all"], len(turns)

    assert asyncio.run(story()) == (1, 3, 0)


def test_who_waits_keeps_the_lock_that_another_lets_go() -> None:
    """Between letting go and waking who waits, a third one finds the same lock."""

    async def story() -> bool:
        turns = Turns[bytes]()
        first = turns.of(b"x")
        await first.acquire()
        waiting = asyncio.create_task(first.acquire())
        await asyncio.sleep(0)
        first.release()
        kept = turns.of(b"x") is first
        await waiting
        first.release()
        return kept

    assert asyncio.run(story())
