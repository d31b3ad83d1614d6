"""Leases: an attempt is its holder's for as long as he says so, and free again soon after he is gone.

Law: who makes an attempt that is written down says again and again, in the store, that he is at it; whoever
finds one whose holder has not said so for :data:`HELD_US` may take it up. Before an attempt is ended its
holder looks, in that transaction, whether it is still his: a process that stood still meanwhile ends nothing
that another took up.

Known limits: two processes whose clocks differ by more than a lease may take up what the other is at; each
step is such that both come to the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from skypact.errors import Reason, Refused
from skypact.instants import SECOND_US

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from skypact.store import Store
    from skypact.store.tx import Tx

HELD_US: Final = 5 * SECOND_US
"""How long an attempt is its holder's unless he says again that he is at it: a node that was killed leaves
what it was at alone for no longer."""
HOLD_S: Final = 1.5
"""How often he says so."""
AGAIN_US: Final = 2 * SECOND_US
"""How long an attempt that is not settled is left alone."""


class Clock:
    """The instant of a call, and what has passed since."""

    def __init__(self, now_us: int) -> None:
        self._from_us = now_us
        self._from_s = time.monotonic()

    @property
    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return self._from_us + int((time.monotonic() - self._from_s) * SECOND_US)

    @property
    def held_us(self) -> int:
        """Until when what is held now is held."""
        return self.now_us + HELD_US

    def left_s(self, total_s: float) -> float:
        """Seconds that are left of so many."""
        return total_s - (time.monotonic() - self._from_s)


@contextlib.asynccontextmanager
async def holding(
    store: Store, hold: Callable[[Tx], None], *, when: Callable[[], bool]
) -> AsyncIterator[None]:
    """Within, ``hold`` is written every :data:`HOLD_S`, where ``when`` says that there is what to hold."""

    async def again() -> None:
        while True:
            await asyncio.sleep(HOLD_S)
            if when():
                with contextlib.suppress(Refused):  # the database is away: there is another time
                    await store.write(hold)

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()


def still_held(holder: bytes | None, by: bytes) -> None:
    """Refuse to end an attempt that another took up, or ended, while this process stood still."""
    if holder != by:
        raise Refused(
            Reason.UNAVAILABLE,
            "another has taken up this change meanwhile",
            expected="to ask again in a moment",
        )
