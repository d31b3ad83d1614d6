"""The lines between a party and each other: how far the numbers have come, what is missing, what was lost.

Law: a number that is missing is asked for, of who gave it. **What this party said itself and has lost** (a
database that was restored from a backup) is asked of who received it, before anything else is said to him:
else a number would be used twice, and that reads as saying two things. What comes back is kept as delivered,
with a leaf that says that it was returned.

A message of ours that waits under a number that was used before is not ours to say any more: it is ended as
refused, and what opened a thread is said again, under a new number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.desk.hotline import BATCH_MAX, row_of
from skypact.desk.threads import raw_id
from skypact.errors import Reason, Refused
from skypact.exchange.hotline.clocks import Offset
from skypact.instants import SECOND_US
from skypact.store import hotline as kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.desk.hotline import HotlineDesk
    from skypact.exchange.hotline.messages import Message
    from skypact.formats.hotline_jws import Envelope
    from skypact.store import Store, Tx
    from skypact.store.hotline import Line, MessageRow

APART_US: Final = SECOND_US
"""Clocks that are certainly further apart than this are shown as apart."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers of a party's messages that are not here and are somewhere else: from the first to the last."""

    sender: str
    recipient: str
    first: int
    last: int


@dataclass(slots=True)
class Tries:
    """What the courier knows of a line: where it goes, when it was last tried, and why it failed."""

    url: str
    tried_us: int | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """How the line to a party is; the members of :class:`skypact.server.hotline.PeerOut`."""

    party: str
    url: str
    waiting: int
    oldest_us: int | None
    said: int
    heard: int
    missing: str
    tried_us: int | None
    fault: str
    clock: str
    clock_us: int | None
    apart: bool


class Lines:
    """The lines of one party's hotline."""

    def __init__(self, store: Store, desk: HotlineDesk) -> None:
        self.party = desk.party
        self.tries: dict[str, Tries] = {}
        self._desk = desk
        self._store = store

    async def line(self, party: str) -> tuple[Line, str]:
        """How far a party's messages to us have come, and the id of the one with the highest number."""

        def work(tx: Tx) -> tuple[Line, str]:
            line = kept.line(tx, party, self.party)
            last = kept.numbered(tx, party, self.party, line.serial, line.serial, 4)
            ident = next((row.id.hex() for row in last if row.state != "refused"), "")
            return line, ident

        return await self._store.read(work)

    async def missing(self, party: str, *, theirs: int = 0) -> list[Missing]:
        """What a party has of both directions and we have not.

        Parameters
        ----------
        theirs
            The highest number of ours that the party says to have. Ours being lower, this database has lost
            what it said.
        """

        def work(tx: Tx) -> list[Missing]:
            found = []
            came = kept.line(tx, party, self.party)
            if came.whole < came.serial:
                found.append(Missing(party, self.party, came.whole + 1, came.serial - 1))
            said = kept.line(tx, self.party, party)
            delivered = kept.delivered_to(tx, self.party, party)
            if theirs > delivered:
                found.append(Missing(self.party, party, min(said.whole, delivered) + 1, theirs))
            return found

        return await self._store.read(work)

    async def numbered(self, sender: str, party: str, first: int, last: int) -> tuple[list[str], int | None]:
        """Envelopes that a party asks for, of its own or of ours to it, and the number to go on from.

        Raises
        ------
        Refused
            FORBIDDEN: it asks for what is between others.
        """
        if sender not in {party, self.party}:
            raise Refused(
                Reason.FORBIDDEN, "a message is seen by its two parties", where="sender", found=sender
            )
        recipient = self.party if sender == party else party
        rows = await self._store.read(
            lambda tx: kept.numbered(tx, sender, recipient, first, last, BATCH_MAX + 1)
        )
        rows = [row for row in rows if row.state != "refused"]
        more = rows[BATCH_MAX].serial if len(rows) > BATCH_MAX else None
        return [row.envelope for row in rows[:BATCH_MAX]], more

    async def fetched(self, texts: Sequence[str], party: str, now_us: int) -> list[str]:
        """Take in what was asked for; returns our own messages that have to be said again.

        What we said ourselves and have lost is kept as delivered, with the leaf of its coming back. A message
        of ours that waits under a number that was used before it is not ours to say any more: it is ended,
        and what it opened is said again under a new number.
        """
        read = await self._desk.read(texts, party)

        def work(tx: Tx) -> list[str]:
            again: list[str] = []
            for each in read:
                if each.fault is None and each.envelope is not None and each.own:
                    again += self._returned(tx, each.envelope, party, now_us)
                else:
                    self._desk.receive_in(tx, each, now_us, answered=False)
            self._desk.release(tx, now_us)
            return again

        return await self._store.write(work)

    def _returned(self, tx: Tx, envelope: Envelope, party: str, now_us: int) -> list[str]:
        message = envelope.message
        ident = bytes.fromhex(message.id)
        if kept.message(tx, ident) is not None:
            return []
        again = []
        for row in kept.numbered(tx, message.sender, message.to, message.serial, message.serial, 4):
            if row.state == "waiting":
                kept.end(tx, row.id, "refused", f"its number was used before: {message.id}", now_us)
                self._forget(tx, row, now_us)
                if row.re is None:
                    again.append(row.id.hex())
        running = self._desk.threads.under(tx, message.pact)
        # what cannot be taken into its thread now is delivered all the same: the other side has it
        _, amiss, thread = self._desk.judged(tx, message, running.pact)
        leaf = tx.append("hotline.returned", message.id, envelope.text.encode("ascii"))
        why = amiss or f"said before this database was restored; {party} had it"
        kept.add(tx, row_of(message, envelope.text, "out", "delivered", why, "", now_us, now_us, leaf))
        if thread is not None:
            self._desk.threads.remember(message)
            self._desk.threads.keep(tx, thread, running.pact, now_us)
        return again

    def _forget(self, tx: Tx, row: MessageRow, now_us: int) -> None:
        """A thread that a message opened that was never said."""
        if row.re is None:
            kept.put_thread(
                tx,
                kept.ThreadRow(
                    row.id, row.kind, row.sender, row.recipient, row.said_us, now_us, ended=True, due_us=None
                ),
            )

    async def say_again(self, ident: str, now_us: int) -> Message | None:
        """Say under a new number what was ended for its number; None where there is no such message."""

        def work(tx: Tx) -> Message | None:
            row = kept.message(tx, raw_id(ident, "id"))
            if row is None or row.state != "refused" or row.way != "out":
                return None
            was = self._desk.threads.message(row)
            return self._desk.say_in(
                tx, was.kind, was.to, was.body, text=was.text, by=row.by, post=was.post, now_us=now_us
            )

        return await self._store.write(work)

    # -- how each line is -----------------------------------------------------------------------------------

    async def reach(self, now_us: int) -> list[Reach]:
        """How the line to each party of the pact is."""
        parties = [party.id for party in self._desk.agreement.lasting(now_us).pact.parties]

        def work(tx: Tx) -> list[Reach]:
            waiting = {party: (count, since) for party, count, since in kept.recipients_waiting(tx)}
            return [self._reach(tx, each, waiting) for each in parties if each != self.party]

        return await self._store.read(work)

    def _reach(self, tx: Tx, party: str, waiting: Mapping[str, tuple[int, int]]) -> Reach:
        said, heard = kept.line(tx, self.party, party), kept.line(tx, party, self.party)
        count, since = waiting.get(party, (0, None))
        row = kept.clock(tx, party)
        offset = None if row is None else Offset(row.offset_us, row.bound_us)
        tries = self.tries.get(party, Tries(""))
        return Reach(
            party,
            tries.url,
            count,
            since,
            said.serial,
            heard.serial,
            "" if heard.whole >= heard.serial else f"{heard.whole + 1}-{heard.serial - 1}",
            tries.tried_us,
            tries.fault,
            "" if offset is None else offset.text,
            None if row is None else row.at_us,
            offset is not None and offset.large(APART_US),
        )

    async def pact_text(self, digest: str) -> bytes:
        """The text of a pact that this node has run under."""
        rows = await self._store.read(kept.editions)
        return next((row.text for row in rows if row.digest == digest), b"")
