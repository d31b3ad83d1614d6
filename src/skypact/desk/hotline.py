"""The hotline at work: what is said and what comes is judged, signed, kept and answered, each in one write.

Law: **whatever is said or comes is kept, with its leaf in the ledger, in the transaction that judges it.** A
message that a rule refuses is kept as refused, with why, and is never receipted. One that answers what is not
here yet is kept and waits for it. The same message a thousand times is one message, and its receipt is the
same each time. Of two messages with one number both are kept; the second is refused, and shows what its
sender did.

Receipts are made with the message that they receipt and go back in the answer to the call that brought it;
where that answer is lost, the sender sends again and gets the same receipt. What waited for something else is
receipted when it is taken, by a message of its own.

Nothing is held here: threads are read from the store, in the transaction. Only decoded messages, which never
change, are remembered. ``now_us`` is an argument.

Known limits: an envelope that cannot be read, or whose signature does not fit, says nothing of who sent it;
it has a leaf of the ledger and no place among messages.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from skypact.desk.threads import Threads, Told, raw_id
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.hotline.clocks import offset
from skypact.exchange.hotline.messages import Kind, Message, Post, Received
from skypact.exchange.hotline.table import ALARMS
from skypact.exchange.hotline.thread import Thread, opened
from skypact.formats.hotline_json import encode, ident_of
from skypact.formats.hotline_jws import carried, may_sign, read_envelope, signed, verified
from skypact.instants import SECOND_US
from skypact.store import hotline as kept

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from skypact.desk.pact import Agreement, Running
    from skypact.exchange.hotline.messages import Body, Text
    from skypact.formats.hotline_jws import Envelope
    from skypact.pact.agreement import Pact
    from skypact.seal import SigningKey
    from skypact.store import Store, Tx
    from skypact.store.hotline import MessageRow

BATCH_MAX: Final = 256
"""Envelopes in one call, at most."""
BATCH_CHARS: Final = 4 * 1024 * 1024
"""Characters of envelopes in one call, at most, unless one alone is longer."""
FRESH_US: Final = SECOND_US
"""A message that was said longer ago than this when it was sent has waited, and says nothing of clocks."""
NOBODY: Final = "nobody is at a post"
"""The outcome of a call for which the pact has nobody at that instant."""
_MESSAGES_MAX: Final = 20_000
_LOG = logging.getLogger("skypact.hotline")
_RECEIPT: Final = Kind.RECEIPT.value
_GIVEN: Final = "given in the answer to what it receipts"
LOST: Final = "this side has lost what it said, and asks for it first; send it again"
WAITING_MAX: Final = 1_000
"""Messages of one party that wait here for what they answer; more are not kept."""
_REFUSED_MAX: Final = 10_000
_RUBBISH_MAX: Final = 4_096
_FEW: Final = 4
"""So many envelopes are verified where they are; more, in a thread."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one envelope.

    Attributes
    ----------
    id
        The message's; "" where it cannot be read.
    what
        ``taken``; ``known``, it was here; ``waiting``, kept until what it answers is here; ``refused``; or
        ``later``: nothing was kept, and it may be sent again.
    why
        Where it was refused, or has to wait.
    receipt
        Its receipt, signed; "" where there is none.
    """

    id: str
    what: str
    why: str = ""
    receipt: str = ""


class HotlineDesk:
    """The hotline of one party.

    Parameters
    ----------
    agreement
        The pact that the party's node runs under.
    key
        What its messages are signed with: one of the keys that the pact gives to it.
    """

    def __init__(self, store: Store, agreement: Agreement, key: SigningKey) -> None:
        self.agreement = agreement
        self.party = agreement.party
        self.taken: list[Callable[[Tx, Message], None]] = []
        """Told of each message of another party that is taken, in the transaction that takes it."""
        self.wake: Callable[[bool], None] = _nobody
        """Something waits to be delivered; True: an alarm."""
        self._store = store
        self._key = key
        self.behind: Callable[[str], None] = _unheeded
        """A party has messages of ours that this database has not."""
        self.unknown: set[str] = set()
        """Parties that have not been asked since the start how far our messages have come there."""
        self.threads = Threads(agreement)
        self._refused: OrderedDict[bytes, None] = OrderedDict()

    # -- what we say ----------------------------------------------------------------------------------------

    async def say(
        self,
        kind: Kind,
        to: str,
        body: Body,
        *,
        re: str = "",
        text: Text | None = None,
        by: str,
        post: Post,
        now_us: int,
        check: Callable[[Tx], None] | None = None,
    ) -> Message:
        """Say something: signed, in the ledger, waiting for delivery.

        Parameters
        ----------
        to
            The party.
        re
            The id of the message that it answers; "" for one that opens a thread.
        by, post
            The account of the person who says it, and the post that he holds.
        check
            Raises, in the transaction, where that person may not say it any more.

        Raises
        ------
        Refused
            The table does not allow it; UNKNOWN: what it answers is not here; nothing was said.
        InputError
            It cannot be said like this.
        """

        def work(tx: Tx) -> Message:
            if check is not None:
                check(tx)
            return self.say_in(tx, kind, to, body, re=re, text=text, by=by, post=post, now_us=now_us)

        message = await self._store.write(work)
        self.wake(kind in ALARMS)
        return message

    def say_in(
        self,
        tx: Tx,
        kind: Kind,
        to: str,
        body: Body,
        *,
        re: str = "",
        text: Text | None = None,
        by: str,
        post: Post,
        now_us: int,
    ) -> Message:
        """As :meth:`say`, within a write of the caller's, who calls :attr:`wake` when it has committed."""
        return self._say(tx, kind, to, body, re=re, text=text, by=by, post=post, now_us=now_us).message

    def _say(
        self,
        tx: Tx,
        kind: Kind,
        to: str,
        body: Body,
        *,
        re: str,
        text: Text | None,
        by: str,
        post: Post,
        now_us: int,
        state: str = "waiting",
        why: str = "",
        within: Thread | None = None,
    ) -> Envelope:
        thread = within
        if thread is not None:
            running = self.threads.under(tx, thread.first.pact)
        elif re:
            row = kept.message(tx, raw_id(re, "re"))
            if row is None or row.state == "refused":
                raise Refused(Reason.UNKNOWN, "no such message here", where="re", found=re)
            thread = self.threads.of(tx, row.thread)
            if thread is None:
                raise Refused(Reason.NOT_NOW, "what it answers waits itself", where="re", found=re)
            running = self.threads.under(tx, thread.first.pact)
        else:
            running = self.agreement.lasting(now_us) if kind in ALARMS else self.agreement.current(now_us)
        serial = kept.line(tx, self.party, to).serial + 1
        draft = Message(
            "",
            kind,
            self.party,
            to,
            running.digest,
            serial,
            "" if thread is None else thread.first.id,
            re,
            now_us,
            running.pact.data_mode,
            post,
            body,
            text,
        )
        payload = encode(draft)
        known = None
        if kind is Kind.RECEIPT:  # nothing in it is anybody's words
            ident = ident_of(payload)
            known = replace(draft, id=ident, thread=draft.thread or ident)
        envelope = signed(self._key, payload, known)
        message = envelope.message
        may_sign(envelope.key_id, message, running.pact, self.agreement.newest)  # our own key may have ended
        thread = opened(message, running.pact) if thread is None else thread.take(message, running.pact)
        leaf = tx.append("hotline.sent", message.id, envelope.text.encode("ascii"))
        ended_us = None if state == "waiting" else now_us
        kept.add(tx, row_of(message, envelope.text, "out", state, why, by, now_us, ended_us, leaf))
        self.threads.remember(message)
        self.threads.keep(tx, thread, running.pact, now_us)
        return envelope

    # -- what comes -----------------------------------------------------------------------------------------

    async def receive(
        self, texts: Sequence[str], party: str, now_us: int, *, heard: int = 0
    ) -> list[Verdict]:
        """Take in what a party has sent: an answer for each envelope, in their order.

        Parameters
        ----------
        party
            Who brought them, as his token says. What another has signed comes inside a FORWARD.
        heard
            The highest number of ours that he has. Where it is beyond ours, this database has lost what it
            said: nothing is receipted under a number that was used, and what was lost is asked for first.
        """
        read = await self.read(texts, party)
        behind = False

        def work(tx: Tx) -> list[Verdict]:
            nonlocal behind
            mine = kept.line(tx, self.party, party).serial
            sure = kept.delivered_to(tx, self.party, party) if party in self.unknown else mine
            behind = heard > min(mine, sure)
            if behind:
                return [Verdict(each.id, "later", LOST) for each in read]
            return [self.receive_in(tx, each, now_us) for each in read]

        verdicts: list[Verdict] = await self._store.write(work)
        if behind:
            self.behind(party)
        self.wake(False)
        return verdicts

    def receive_in(self, tx: Tx, each: Read, now_us: int, *, answered: bool = True) -> Verdict:
        """Judge and keep one envelope of another's, within a write.

        Parameters
        ----------
        answered
            Its receipt goes back in the answer to who brought it; else it is a message that waits.
        """
        if each.fault is not None:
            if each.later:
                return Verdict(each.id, "later", str(each.fault))
            self._rubbish(tx, each)
            return Verdict(each.id, "refused", str(each.fault))
        assert each.envelope is not None  # noqa: S101  # it is one or the other
        return self._take(tx, each.envelope, now_us, answered=answered)

    def _rubbish(self, tx: Tx, each: Read) -> None:
        """Keep what cannot be believed: its beginning, and once, however often it comes."""
        whole = each.text.encode("utf-8", "replace")
        digest = hashlib.sha256(whole).digest()
        if digest in self._refused:
            return
        self._refused[digest] = None
        while len(self._refused) > _REFUSED_MAX:
            self._refused.popitem(last=False)
        tx.append("hotline.refused", digest.hex(), whole[:_RUBBISH_MAX])

    def _take(self, tx: Tx, envelope: Envelope, now_us: int, *, answered: bool, carrier: str = "") -> Verdict:
        """Judge one message and keep it; ``answered``: its receipt goes back in the answer."""
        message = envelope.message
        ident = bytes.fromhex(message.id)
        row = kept.message(tx, ident)
        if row is not None:
            return self._again(tx, row)
        running = self.threads.under(tx, message.pact)
        state, why, thread = self.judged(tx, message, running.pact)
        if state == "waiting" and kept.waiting_of(tx, message.sender) >= WAITING_MAX:
            return Verdict(message.id, "later", "too much of yours waits here for what it answers")
        kind = "hotline.refused" if state == "refused" else "hotline.received"
        leaf = tx.append(kind, message.id, envelope.text.encode("ascii"))
        ended_us = None if state == "waiting" else now_us
        kept.add(tx, row_of(message, envelope.text, "in", state, why, "", now_us, ended_us, leaf, carrier))
        if thread is None:
            return Verdict(message.id, state, why)
        self.threads.remember(message)
        receipt = self._taken(tx, message, thread, now_us, answered=answered)
        self.release(tx, bytes.fromhex(message.thread), now_us)
        return Verdict(message.id, "taken", "", receipt)

    def judged(self, tx: Tx, message: Message, pact: Pact) -> tuple[str, str, Thread | None]:
        """What comes of a message: its state, why, and the thread that has it."""
        twins = kept.numbered(tx, message.sender, message.to, message.serial, message.serial, 4)
        twin = next((each for each in twins if each.state != "refused"), None)
        if twin is not None:
            return "refused", f"two messages of number {message.serial}: {twin.id.hex()} was here first", None
        try:
            thread = self.threads.of(tx, bytes.fromhex(message.thread))
            if thread is not None:
                return "taken", "", thread.take(message, pact)
            if message.thread != message.id:
                return "waiting", f"its thread is not here yet: {message.thread}", None
            return "taken", "", opened(message, pact)
        except Refused as error:
            if error.reason is Reason.NOT_NOW:
                return "waiting", str(error), None
            return "refused", str(error), None
        except InputError as error:
            return "refused", str(error), None

    def _taken(self, tx: Tx, message: Message, thread: Thread, now_us: int, *, answered: bool) -> str:
        """What follows when a message of another's is in its thread; returns its receipt.

        How the thread stands is written once, with the receipt where there is one.
        """
        for told in self.taken:
            told(tx, message)
        receipt = ""
        # after a restore, what was receipted before it has that receipt, which came back too
        before = {} if answered else kept.answers(tx, self.party, [bytes.fromhex(message.id)], _RECEIPT)
        if message.kind is not Kind.RECEIPT and not before:
            state, why = ("delivered", _GIVEN) if answered else ("waiting", "")
            try:
                made = self._say(
                    tx,
                    Kind.RECEIPT,
                    message.sender,
                    Received(now_us),
                    re=message.id,
                    text=None,
                    by="",
                    post=Post.MACHINE,
                    now_us=now_us,
                    state=state,
                    why=why,
                    within=thread,
                )
                receipt = made.text
            except Refused as error:
                # our own key does not sign any more: what came is kept all the same, and its sender sees that
                # nobody has receipted it
                _LOG.error("nothing can be receipted: %s", error)
        if not receipt:
            self.threads.keep(tx, thread, self.threads.under(tx, thread.first.pact).pact, now_us)
        if message.kind is Kind.FORWARD:
            self._open(tx, message, now_us)
        return receipt

    def _open(self, tx: Tx, forward: Message, now_us: int) -> None:
        """Take what an intermediary carries, where who signed it is a party whose key verifies it."""
        try:
            inner = carried(forward)
            running = self.threads.under(tx, inner.message.pact)
            if running.pact.party(inner.message.sender) is None:
                return  # nobody's key of the pact; it is shown with the FORWARD, as not verified
            message = verified(inner, running.pact, running.digest, recipient=self.party)
        except (InputError, Refused) as error:
            tx.append("hotline.refused", forward.id, str(error).encode())
            return
        self._take(tx, replace(inner, message=message), now_us, answered=False, carrier=forward.sender)

    def _again(self, tx: Tx, row: MessageRow) -> Verdict:
        """What is said to a message that is here already."""
        ident = row.id.hex()
        if row.state != "taken":
            return Verdict(ident, "known" if row.way == "out" else row.state, row.why)
        found = kept.answers(tx, self.party, [row.id], _RECEIPT)
        return Verdict(ident, "known", "", found.get(row.id, ""))

    def release(self, tx: Tx, ident: bytes, now_us: int) -> None:
        """Take what has waited in a thread and can be taken now; what it answers may have come, and so on."""
        moved = True
        while moved:
            moved = False
            for row in kept.waiting_in(tx, ident):
                message = self.threads.message(row)
                running = self.threads.under(tx, row.pact)
                try:
                    thread = self.threads.of(tx, row.thread)
                    if thread is None:
                        continue
                    after = thread.take(message, running.pact)
                except (Refused, InputError) as error:
                    if isinstance(error, Refused) and error.reason is Reason.NOT_NOW:
                        continue
                    kept.end(tx, row.id, "refused", str(error), now_us)
                    moved = True
                    continue
                kept.end(tx, row.id, "taken", "", now_us)
                self._taken(tx, message, after, now_us, answered=False)
                moved = True

    async def read(self, texts: Sequence[str], party: str) -> list[Read]:
        """Envelopes read and verified: all that takes a processor and no store."""

        def look() -> list[Read]:
            return [_parsed(text) for text in texts]

        found = look() if len(texts) <= _FEW else await asyncio.to_thread(look)
        digests = {each.envelope.message.pact for each in found if each.envelope is not None}
        pacts = {digest: await self.agreement.known(digest) for digest in digests}
        newest = self.agreement.newest

        def verify() -> list[Read]:
            return [_proven(each, party, self.party, pacts, newest) for each in found]

        return verify() if len(texts) <= _FEW else await asyncio.to_thread(verify)

    # -- delivery -------------------------------------------------------------------------------------------

    async def outgoing(
        self, party: str, *, but: Container[bytes] = (), most: int = BATCH_MAX
    ) -> list[MessageRow]:
        """What waits to be delivered to a party: as much as one call takes.

        Parameters
        ----------
        but
            The ids of those that are on their way.
        """
        rows = await self._store.read(lambda tx: kept.waiting_out(tx, party, 2 * BATCH_MAX))
        rows = [row for row in rows if row.id not in but][:most]
        chars = 0
        for count, row in enumerate(rows):
            chars += len(row.envelope)
            if count and chars > BATCH_CHARS:
                return rows[:count]
        return rows

    async def answered(
        self,
        party: str,
        sent: Sequence[MessageRow],
        verdicts: Sequence[Verdict],
        *,
        sent_us: int,
        back_us: int,
    ) -> set[bytes]:
        """What a party's node has answered to a call; returns the ids of those that have ended by it.

        Parameters
        ----------
        sent_us, back_us
            When the call began and its answer was there, by our clock.
        """
        by_id = {verdict.id: verdict for verdict in verdicts}
        receipts = [each.receipt for each in verdicts if each.receipt]
        read = await self.read(receipts, party)

        def work(tx: Tx) -> set[bytes]:
            ended: set[bytes] = set()
            unheard: list[bytes] = []
            for row in sent:
                verdict = by_id.get(row.id.hex())
                if verdict is None or verdict.what == "later":
                    unheard.append(row.id)
                    continue
                state = "refused" if verdict.what == "refused" else "delivered"
                if state == "refused":
                    tx.append("hotline.turned", row.id.hex(), verdict.why.encode())
                kept.end(tx, row.id, state, verdict.why, back_us)
                ended.add(row.id)
            kept.tried(tx, unheard)
            fresh = {
                row.id.hex(): row for row in sent if not row.tries and 0 <= sent_us - row.said_us <= FRESH_US
            }
            clocked = False
            for each in read:
                self.receive_in(tx, each, back_us)
                clocked = clocked or self._clock(tx, fresh, each, sent_us, back_us)
            return ended

        return await self._store.write(work)

    def _clock(self, tx: Tx, fresh: Mapping[str, MessageRow], each: Read, sent_us: int, back_us: int) -> bool:
        """What a receipt says of the other's clock, where its message was sent at once: once in a call."""
        message = None if each.envelope is None else each.envelope.message
        if message is None or not isinstance(message.body, Received) or each.fault is not None:
            return False
        row = fresh.get(message.re)
        if row is None:
            return False
        found = offset(sent_us, message.body.received_us, message.said_us, back_us, waited=False)
        if found is not None:
            kept.put_clock(
                tx, kept.ClockRow(row.id, message.sender, found.offset_us, found.bound_us, back_us)
            )
        return found is not None

    async def unanswered(self, sent: Sequence[MessageRow]) -> None:
        """A call brought no answer."""
        await self._store.write(lambda tx: kept.tried(tx, [row.id for row in sent]))

    # -- reading --------------------------------------------------------------------------------------------

    async def thread(self, ident: str) -> Told | None:
        """The thread that a message is in, by the id of any of its messages or of the thread."""
        raw = raw_id(ident, "id")

        def work(tx: Tx) -> Told | None:
            row = kept.message(tx, raw)
            return None if row is None else self.threads.told(tx, row.thread)

        return await self._store.read(work)

    async def listed(
        self, before_us: int, limit: int, *, open_only: bool = False
    ) -> list[tuple[kept.ThreadRow, Told]]:
        """Threads by their last change, the latest first; those that changed at one instant come together."""

        def work(tx: Tx) -> list[tuple[kept.ThreadRow, Told]]:
            found = []
            page = kept.threads(tx, before_us, limit, open_only=open_only)
            if len(page) == limit:
                last_us = page[-1].changed_us
                page = [row for row in page if row.changed_us != last_us]
                page += kept.threads_at(tx, last_us, open_only=open_only)
            for row in page:
                told = self.threads.told(tx, row.id)
                if told is not None:
                    found.append((row, told))
            return found

        return await self._store.read(work)

    async def beginning(self, digits: str) -> list[str]:
        """The ids of messages here that begin with these hexadecimal digits: two at most."""
        low, high = (bytes.fromhex(digits.ljust(64, rest)) for rest in "0f")
        found = await self._store.read(lambda tx: kept.between(tx, low, high, 2))
        return [ident.hex() for ident in found]

    async def row(self, ident: str) -> MessageRow | None:
        """A message as it is kept, whatever came of it."""
        raw = raw_id(ident, "id")
        return await self._store.read(lambda tx: kept.message(tx, raw))


@dataclass(frozen=True, slots=True)
class Read:
    """One envelope that came: read and verified, or what is wrong with it.

    Attributes
    ----------
    later
        What is wrong may pass: nothing of it is kept.
    own
        It is one of ours that came back.
    """

    text: str
    id: str
    envelope: Envelope | None = None
    fault: Exception | None = None
    later: bool = False
    own: bool = False


def _parsed(text: str) -> Read:
    try:
        envelope = read_envelope(text)
    except InputError as error:
        return Read(text, "", fault=error)
    return Read(text, envelope.message.id, envelope)


def _proven(
    each: Read, party: str, own: str, pacts: Mapping[str, Running | None], newest: Pact | None
) -> Read:
    """The same, verified as said to us by the party that brought it, or by us to it."""
    if each.envelope is None:
        return each
    message = each.envelope.message
    running = pacts.get(message.pact)
    if running is None:
        fault = Refused(
            Reason.NOT_NOW, "under a pact that this node has not run under", where="pact", found=message.pact
        )
        return replace(each, fault=fault, later=True)
    mine = (message.sender, message.to) == (own, party)
    try:
        to = party if mine else own
        verified(each.envelope, running.pact, running.digest, recipient=to, later=newest)
    except (InputError, Refused) as error:
        return replace(each, fault=error)
    if not mine and message.sender != party:
        fault = Refused(
            Reason.FORBIDDEN,
            "another's message: only a FORWARD carries it",
            where="sender",
            found=message.sender,
            expected=party,
        )
        return replace(each, fault=fault)
    return replace(each, own=mine)


def row_of(
    message: Message,
    envelope: str,
    way: str,
    state: str,
    why: str,
    by: str,
    now_us: int,
    ended_us: int | None,
    leaf: int,
    carrier: str = "",
) -> MessageRow:
    """The row of a message."""
    return kept.MessageRow(
        bytes.fromhex(message.id),
        bytes.fromhex(message.thread),
        bytes.fromhex(message.re) if message.re else None,
        message.kind.value,
        message.sender,
        message.to,
        message.serial,
        message.pact,
        message.said_us,
        envelope,
        way,
        carrier,
        state,
        why,
        by,
        0,
        now_us,
        ended_us,
        leaf,
    )


def _unheeded(party: str) -> None:
    """Nobody asks: a desk without a courier, in tests and tools."""


def _nobody(urgent: bool) -> None:
    """Nobody delivers: a desk without a courier, in tests and tools."""
