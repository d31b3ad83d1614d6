"""The lines between a party and each other: how far the numbers have come, what is missing, what was lost.

Law: a number that is missing is asked for, of who gave it. **What this party said itself and has lost** (a
database that was restored from a backup) is asked of who received it, before anything else is said to him:
else a number would be used twice, and that reads as saying two things. What comes back is kept as delivered,
with a leaf that says that it was returned.

A message of ours that waits under a number that was used before is not ours to say any more: it is ended as
refused, and what opened a thread is said again, under a new number.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.desk.hotline import BATCH_MAX, row_of
from skypact.desk.threads import RENUMBERED
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.hotline.clocks import Offset
from skypact.instants import SECOND_US
from skypact.store import hotline as kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.desk.hotline import HotlineDesk, Read
    from skypact.formats.hotline_jws import Envelope
    from skypact.store import Store, Tx
    from skypact.store.hotline import Line, MessageRow

BEYOND: Final = 1_000_000
"""How far beyond ours a party's word of our own numbers is believed."""
_LOG = logging.getLogger("skypact.hotline")
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


def _asked(each: Read, asked: Missing) -> bool:
    """Whether an envelope has one of the numbers that were asked for."""
    message = None if each.envelope is None else each.envelope.message
    return (
        message is not None
        and (message.sender, message.to) == (asked.sender, asked.recipient)
        and asked.first <= message.serial <= asked.last
    )


class Lines:
    """The lines of one party's hotline."""

    def __init__(self, store: Store, desk: HotlineDesk) -> None:
        self.party = desk.party
        self.tries: dict[str, Tries] = {}
        self._desk = desk
        self._store = store

    async def line(self, party: str) -> tuple[Line, str, int]:
        """How far a party's messages have come here, the id of the highest, and the highest of ours to it."""

        def work(tx: Tx) -> tuple[Line, str, int]:
            line = kept.line(tx, party, self.party)
            last = kept.numbered(tx, party, self.party, line.serial, line.serial, 4)
            ident = next((row.id.hex() for row in last if row.state != "refused"), "")
            return line, ident, kept.line(tx, self.party, party).serial

        return await self._store.read(work)

    async def missing(self, party: str, *, theirs: int = 0, given: int = 0) -> list[Missing]:
        """What a party has of both directions and we have not.

        Parameters
        ----------
        theirs
            The highest number of ours that the party says to have. Ours being lower, this database has lost
            what it said.
        given
            The highest number that the party says to have given to us. Ours being lower, this database has
            lost what came, or it is on its way.
        """

        def work(tx: Tx) -> list[Missing]:
            found = []
            said = kept.line(tx, self.party, party)
            delivered = kept.delivered_to(tx, self.party, party)
            if theirs > delivered:  # an answer was lost, or what we said
                found.append(Missing(self.party, party, min(said.whole, delivered) + 1, theirs))
            came = kept.line(tx, party, self.party)
            if came.whole < max(came.serial - 1, given):
                found.append(Missing(party, self.party, came.whole + 1, max(came.serial - 1, given)))
            return found

        return await self._store.read(work)

    async def heard(self, party: str) -> int:
        """The highest number of a party's messages that is here."""
        return await self._store.read(lambda tx: kept.line(tx, party, self.party).serial)

    async def skip_to(self, party: str, theirs: int) -> None:
        """Give no number again that was used before this database was restored.

        A party that speaks of numbers far beyond what anybody can have said is not believed.
        """

        def work(tx: Tx) -> None:
            if theirs <= kept.line(tx, self.party, party).serial + BEYOND:
                kept.skip_to(tx, self.party, party, theirs)

        await self._store.write(work)

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
        following = rows[BATCH_MAX].serial if len(rows) > BATCH_MAX else None
        # what was never given under its number is nobody's; what was refused is its signer's word
        told = [row.envelope for row in rows[:BATCH_MAX] if not row.why.startswith(RENUMBERED)]
        return told, following

    async def fetched(self, texts: Sequence[str], asked: Missing, party: str, now_us: int) -> int:
        """Take in what was asked for; returns how much of it was new.

        What we said ourselves and have lost is kept as delivered, with the leaf of its coming back. A message
        of ours that waits under a number that was used before it is not ours to say any more: it is ended,
        and said again under a new number, in the same write. What was not asked for is not
        looked at.
        """
        read = [each for each in await self._desk.read(texts[:BATCH_MAX], party) if _asked(each, asked)]

        def work(tx: Tx) -> int:
            before = tx.leaves
            for each in read:
                assert each.envelope is not None  # noqa: S101  # it was asked for by its number
                if each.fault is None and each.own:
                    self._returned(tx, each.envelope, party, now_us)
                else:
                    self._desk.receive_in(tx, each, now_us, answered=False)
            return tx.leaves - before

        return await self._store.write(work)

    def _returned(self, tx: Tx, envelope: Envelope, party: str, now_us: int) -> None:
        message = envelope.message
        ident = bytes.fromhex(message.id)
        if kept.message(tx, ident) is not None:
            return
        for row in kept.numbered(tx, message.sender, message.to, message.serial, message.serial, 4):
            if row.state == "waiting":
                kept.end(tx, row.id, "refused", f"{RENUMBERED}: {message.id}", now_us)
                self._again(tx, row, now_us)
        running = self._desk.threads.under(tx, message.pact)
        # what cannot be taken into its thread now is delivered all the same: the other side has it
        _, amiss, thread = self._desk.judged(tx, message, running.pact)
        leaf = tx.append("hotline.returned", message.id, envelope.text.encode("ascii"))
        why = amiss or f"said before this database was restored; {party} had it"
        kept.add(tx, row_of(message, envelope.text, "out", "delivered", why, "", now_us, now_us, leaf))
        if thread is not None:
            self._desk.threads.remember(message)
            self._desk.threads.keep(tx, thread, running.pact, now_us)
            self._desk.release(tx, bytes.fromhex(message.thread), now_us)

    def _again(self, tx: Tx, row: MessageRow, now_us: int) -> None:
        """Say under a new number what was never said: the numbers that were used have been skipped."""
        if row.re is None:
            kept.put_thread(
                tx,
                kept.ThreadRow(
                    row.id, row.kind, row.sender, row.recipient, row.said_us, now_us, ended=True, due_us=None
                ),
            )
        re = "" if row.re is None else row.re.hex()
        was = self._desk.threads.message(row)
        try:
            self._desk.say_in(
                tx, was.kind, was.to, was.body, re=re, text=was.text, by=row.by, post=was.post, now_us=now_us
            )
        except (
            Refused,
            InputError,
        ) as error:  # it stays refused, and why
            _LOG.error("what was said cannot be said again: %s", error)

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
