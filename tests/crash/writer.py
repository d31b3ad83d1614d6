"""A process that writes, and tells each answered write; it may kill itself at a point of a transaction.

    python writer.py URL WHO COUNT [POINT NTH]

Prints ``ready``, waits for a line on standard input, then makes COUNT writes (0: until it is killed), 4 at a
time, and prints ``ack N`` after each answer. With POINT and NTH it ends itself with SIGKILL the NTH time that
a transaction is at POINT.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from skypact.errors import Refused
from skypact.store import Store
from store_world import add


class Killer:
    """Ends this process, as hard as it gets, the nth time that a transaction is at a point."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._left = nth

    def at(self, point: str) -> None:
        """The transaction is at this point."""
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _write(store: Store, who: str, left: list[int]) -> None:
    while left[0] != 0:
        left[0] -= 1
        try:
            n = await store.write(add(who))
        except Refused as refused:
            _tell(f"refused {refused}")
        else:
            _tell(f"ack {n}")


async def _main(url: str, who: str, count: int, faults: Killer | None) -> None:
    store = await Store.open(url, faults=faults)
    _tell("ready")
    await asyncio.to_thread(sys.stdin.readline)
    left = [count or -1]
    await asyncio.gather(*(_write(store, who, left) for _ in range(4)))
    await store.close()


if __name__ == "__main__":
    where, name, many, *kill = sys.argv[1:]
    asyncio.run(_main(where, name, int(many), Killer(kill[0], int(kill[1])) if kill else None))
