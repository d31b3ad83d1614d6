"""Threads as the store has them: rows to messages, messages to threads, and how each stands for lists.

Law: a row was judged when it was written, so that a thread is made of its rows without judging them again:
ours, and those of the other side that were taken. Messages never change and are remembered decoded; threads
are not, for another process may add to them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from skypact.errors import InputError, Reason, Refused
from skypact.exchange.hotline.table import Phase
from skypact.exchange.hotline.thread import Thread
from skypact.exchange.hotline.timers import TERMS, timers
from skypact.formats.hotline_jws import read_envelope
from skypact.instants import SECOND_US
from skypact.store import hotline as kept

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skypact.desk.pact import Agreement, Running
    from skypact.exchange.hotline.messages import Message
    from skypact.exchange.hotline.timers import Due
    from skypact.pact.agreement import Pact
    from skypact.store import Tx
    from skypact.store.hotline import MessageRow

RENUMBERED: Final = "its number was used before"
"""How ``why`` begins of a message of ours that was ended for its number."""
_MESSAGES_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """A thread with what goes with it: the pact that it is under, and what is said of each message's way."""

    thread: Thread
    running: Running
    rows: tuple[MessageRow, ...]

    @property
    def due(self) -> tuple[Due, ...]:
        """All timers, met and not."""
        return timers(self.thread, self.running.pact)


class Threads:
    """The threads of a party's store.

    Parameters
    ----------
    agreement
        Knows the pacts that they are under.
    """

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._decoded: OrderedDict[bytes, Message] = OrderedDict()

    def of(self, tx: Tx, ident: bytes) -> Thread | None:
        """The thread of that id; None where what opened it is not here."""
        return self.made(kept.of_thread(tx, ident))

    def told(self, tx: Tx, ident: bytes) -> Told | None:
        """The same with what goes with it."""
        rows = kept.of_thread(tx, ident)
        thread = self.made(rows)
        if thread is None:
            return None
        return Told(thread, self.under(tx, thread.first.pact), tuple(rows))

    def made(self, rows: Iterable[MessageRow]) -> Thread | None:
        """A thread of its rows, which were judged when they came; None where what opened it is not here."""
        there = [
            self.message(row)
            for row in rows  # by sender and number
            if _counts(row)
        ]
        first = next((message for message in there if message.thread == message.id), None)
        if first is None:
            return None
        there = _rooted(there)
        return Thread(
            tuple(message for message in there if message.sender == first.sender),
            tuple(message for message in there if message.sender != first.sender),
        )

    def message(self, row: MessageRow) -> Message:
        """The message of a row."""
        found = self._decoded.get(row.id)
        if found is None:
            found = read_envelope(row.envelope).message
            self.remember(found)
        if row.carrier:
            found = replace(found, carrier=row.carrier)
        return found

    def remember(self, message: Message) -> None:
        """It was decoded just now."""
        self._decoded[bytes.fromhex(message.id)] = message
        while len(self._decoded) > _MESSAGES_MAX:
            self._decoded.popitem(last=False)

    def under(self, tx: Tx, digest: str) -> Running:
        """The pact of that digest; raises NOT_NOW where this node has not run under it."""
        running = self._agreement.under_in(tx, digest)
        if running is None:
            raise Refused(
                Reason.NOT_NOW, "under a pact that this node has not run under", where="pact", found=digest
            )
        return running

    def keep(self, tx: Tx, thread: Thread, pact: Pact, now_us: int) -> None:
        """Write how a thread stands."""
        first = thread.first
        kept.put_thread(
            tx,
            kept.ThreadRow(
                bytes.fromhex(first.id),
                first.kind.value,
                first.sender,
                first.to,
                first.said_us,
                now_us,
                thread.phase is Phase.ENDED,
                next_us(thread, pact, now_us, looked=False),
            ),
        )


def _counts(row: MessageRow) -> bool:
    """Whether a row is part of its thread.

    Of theirs what was taken. Of ours all that was said, also what the other side's node refused: that it was
    refused changes nothing of what is owed for it. But not what was ended for its number, and said anew.
    """
    if row.way == "in":
        return row.state == "taken"
    return not (row.state == "refused" and row.why.startswith(RENUMBERED))


def _rooted(there: list[Message]) -> list[Message]:
    """Those that answer something that is there: after a restore, what came back may rest on what has not."""
    idents = {message.id for message in there}
    while True:
        kept_on = [message for message in there if not message.re or message.re in idents]
        if len(kept_on) == len(there):
            return there
        there, idents = kept_on, {message.id for message in kept_on}


def next_us(thread: Thread, pact: Pact, now_us: int, *, looked: bool) -> int | None:
    """When somebody has to look at a thread again; None: nothing of it can become due.

    What is late and calls somebody is looked at after each step, for who is at his post changes.

    Parameters
    ----------
    looked
        Whether what is late at ``now_us`` has been looked at; else that is due at once.
    """
    ahead = []
    for owed in timers(thread, pact):
        if owed.met_us is not None:
            continue
        step = TERMS[owed.timer].step
        if now_us <= owed.due_us:
            ahead.append(owed.due_us + 1)
        elif step:
            pause_us = round(getattr(pact.timers, step) * SECOND_US)
            ahead.append(now_us + pause_us if looked else now_us)
    return min(ahead, default=None)


def raw_id(ident: str, where: str) -> bytes:
    """The 32 bytes of an id as it is written."""
    try:
        raw = bytes.fromhex(ident)
    except ValueError:
        raw = b""
    if len(raw) != 32 or raw.hex() != ident:
        raise InputError(
            "not the id of a message", where=where, found=ident, expected="64 hexadecimal digits"
        )
    return raw
