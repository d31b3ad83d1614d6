"""Whom to have called for what is late: found once, written down, and then done.

Law: that somebody is to be called is written before he is, and what came of it after; a kill between is
seen, and the call is made again. Each contact is called once for one thing. Where the pact has nobody at a
post, that is written too. *Who* is called is the rules' (:mod:`skypact.exchange.hotline.timers`); *how*, the
courier's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from skypact.desk.threads import next_us
from skypact.exchange.hotline.timers import escalation, timers
from skypact.instants import format_instant
from skypact.store import hotline as kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.desk.threads import Threads
    from skypact.exchange.hotline.timers import Due
    from skypact.pact.agreement import Pact
    from skypact.store import Store, Tx
    from skypact.store.hotline import CallRow

NOBODY: Final = "nobody is at a post"
"""The outcome of a call for which the pact has nobody at that instant."""
NONE: Final = -1
"""The step of a call that could be to nobody."""
MANY: Final = 256
"""Threads that are looked at in one go."""


class Calls:
    """The calls of one party's hotline."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads

    async def tick(self, now_us: int) -> list[CallRow]:
        """Look at what is late; returns whom to have called, each once in all."""

        def work(tx: Tx) -> list[CallRow]:
            calls: list[CallRow] = []
            for row in kept.threads_due(tx, now_us, MANY):
                thread = self._threads.of(tx, row.id)
                if thread is None:
                    kept.set_due(tx, row.id, None)
                    continue
                pact = self._threads.under(tx, thread.first.pact).pact
                for owed in timers(thread, pact):
                    calls += _called(tx, owed, pact, now_us)
                kept.set_due(tx, row.id, next_us(thread, pact, now_us, looked=True))
            return calls

        if not await self._store.read(lambda tx: kept.threads_due(tx, now_us, 1)):
            return []
        return await self._store.write(work)

    async def called(self, call: CallRow, outcome: str, now_us: int) -> None:
        """What came of a call."""

        def work(tx: Tx) -> None:
            tx.append("hotline.called", call.message.hex(), _json(_call_json(call, outcome, now_us)))
            kept.call_ended(tx, call, outcome)

        await self._store.write(work)

    async def open(self) -> list[CallRow]:
        """Calls of which nothing is known: a kill came between."""
        return await self._store.read(lambda tx: kept.calls_open(tx, MANY))

    async def of(self, messages: Sequence[bytes]) -> list[CallRow]:
        """Who was called for these messages, in the order of the calls."""
        if not messages:
            return []
        return await self._store.read(lambda tx: kept.calls_of(tx, messages))


def _called(tx: Tx, owed: Due, pact: Pact, now_us: int) -> list[CallRow]:
    """Whom to have called for what is late, of those who have not been."""
    found = escalation(owed, pact, now_us)
    if not found.calls:
        return []
    party = pact.party(owed.owed_by)
    all_of_them = () if party is None else party.contacts
    fresh = []
    for contact in found.contacts:
        row = kept.CallRow(
            bytes.fromhex(owed.about.id),
            owed.timer.value,
            owed.owed_by,
            all_of_them.index(contact),  # by its place in the pact: at another hour others are at their posts
            contact.role,
            now_us,
            "",
        )
        if kept.add_call(tx, row):
            fresh.append(row)
    if not found.contacts:
        nobody = kept.CallRow(
            bytes.fromhex(owed.about.id), owed.timer.value, owed.owed_by, NONE, "", now_us, NOBODY
        )
        kept.add_call(tx, nobody)
    for row in fresh:
        tx.append("hotline.call", owed.about.id, _json(_call_json(row, "", now_us)))
    return fresh


def _call_json(call: CallRow, outcome: str, now_us: int) -> dict[str, Any]:
    return {
        "message": call.message.hex(),
        "timer": call.timer,
        "owed_by": call.owed_by,
        "step": call.step,
        "contact": call.contact,
        "outcome": outcome,
        "at": format_instant(now_us),
    }


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
