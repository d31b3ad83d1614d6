"""The hotline's two doors: the peers' (``/hotline/v1``), and the party's own people's (``/api/v1``).

Law: what a peer brings is judged message by message, and each gets its answer; the status is 200 where they
were judged at all. A peer is known by a token that its key of the pact has signed, and may ask for nothing
but what is between it and this party. A person acts by his account (:mod:`skypact.desk.accounts`), and
whatever he does is kept under his name.

Every answer that shows messages carries the words of :data:`NO_MORE`: a level of acknowledgement is none of
agreement. What is read may be asked for by the first digits of its id; what is *said* names in full what it
answers, so that nobody answers what he has not seen.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from skypact.desk.accounts import SCOPE as PEOPLE
from skypact.desk.accounts import Act
from skypact.desk.hotline import BATCH_MAX
from skypact.errors import FormatError, InputError, Reason, Refused
from skypact.exchange.hotline.messages import Kind, Notice, Text
from skypact.exchange.hotline.thread import read_back
from skypact.exchange.hotline.timers import lead, level_required
from skypact.formats.hotline_json import body_of
from skypact.formats.hotline_jws import read_envelope
from skypact.instants import FOREVER, format_instant, parse_instant
from skypact.server.operation import Answer, Call, Door, Operation

if TYPE_CHECKING:
    from skypact.desk.accounts import Accounts
    from skypact.desk.calls import Calls
    from skypact.desk.hotline import HotlineDesk
    from skypact.desk.lines import Lines, Reach
    from skypact.desk.threads import Told
    from skypact.exchange.hotline.messages import Message
    from skypact.exchange.hotline.timers import Due
    from skypact.store.hotline import CallRow, MessageRow, ThreadRow
    from skypact.store.tx import Tx

PEERS: Final = "skypact.hotline"
"""The scope of a peer's token."""
NO_MORE: Final = "Acknowledged is not agreed, not permission, not a guarantee. Not listed is not unprotected."
SHORT: Final = 8
"""So many first digits of an id are enough, unless two begin alike."""
_WHOLE: Final = 64
_PAGE: Final = 100


# -- peers --------------------------------------------------------------------------------------------------


class Brought(Struct, kw_only=True):
    """What a peer brings: signed messages as compact JWS, in the order of their numbers.

    ``heard`` is the highest number of this party's messages that the peer has.
    """

    envelopes: list[str]
    heard: int = 0


class JudgedOut(Struct, kw_only=True, omit_defaults=True):
    """What came of one envelope, as :class:`skypact.desk.hotline.Verdict` has it."""

    id: str
    what: Literal["taken", "known", "waiting", "refused", "later"]
    why: str = ""
    receipt: str = ""


class BroughtOut(Struct, kw_only=True):
    """What came of each, in their order."""

    messages: list[JudgedOut]


class LineOut(Struct, kw_only=True):
    """How far messages have come: of who asks the highest number, its id, and up to where none lacks.

    ``said`` is the highest number that this party has given to who asks.
    """

    serial: int
    whole: int
    id: str
    said: int


class EnvelopesOut(Struct, kw_only=True, omit_defaults=True):
    """Envelopes, by their numbers; ``next`` is the number to go on from."""

    envelopes: list[str]
    next: int | None = None


def peers(desk: HotlineDesk, lines: Lines) -> tuple[Operation, ...]:
    """The operations that peers ask for."""

    async def bring(call: Call) -> Answer:
        given: Brought = call.body
        if not 1 <= len(given.envelopes) <= BATCH_MAX:
            raise InputError(
                "not a number of envelopes",
                where="$.envelopes",
                found=len(given.envelopes),
                expected=f"1 to {BATCH_MAX}",
            )
        verdicts = await desk.receive(given.envelopes, call.party, call.now_us, heard=given.heard)
        return Answer(
            body=BroughtOut(
                messages=[
                    JudgedOut(id=each.id, what=each.what, why=each.why, receipt=each.receipt)  # type: ignore[arg-type]
                    for each in verdicts
                ]
            )
        )

    async def line(call: Call) -> Answer:
        found, ident, said = await lines.line(call.party)
        return Answer(body=LineOut(serial=found.serial, whole=found.whole, id=ident, said=said))

    async def numbered(call: Call) -> Answer:
        first, last = _whole(call, "first"), _whole(call, "last")
        envelopes, following = await lines.numbered(call.query["sender"], call.party, first, last)
        return Answer(body=EnvelopesOut(envelopes=envelopes, next=following))

    row = Door(PEERS, "Hotline between parties", "/hotline/v1", quiet=True).row

    return (
        row(
            "hotlineBring",
            "POST",
            "/messages",
            bring,
            "Bring signed messages; each gets its answer, and its receipt",
            body=Brought,
            answer=BroughtOut,
            statuses={200: "They were judged; each answer says what came of it."},
        ),
        row("hotlineLine", "GET", "/line", line, "How far your messages have come here", answer=LineOut),
        row(
            "hotlineNumbered",
            "GET",
            "/messages",
            numbered,
            "What was said between you and this party, by numbers: to fill a gap, or after a restore",
            answer=EnvelopesOut,
            query={
                "sender*": "Whose messages: yours or this party's.",
                "first*": "The first number.",
                "last*": "The last one.",
            },
            statuses={403: "It is between others."},
        ),
    )


# -- people -------------------------------------------------------------------------------------------------


class TextIn(Struct, kw_only=True):
    """Words, and the language that they are in."""

    language: str
    words: str


class SayIn(Struct, kw_only=True):
    """Something to be said.

    Attributes
    ----------
    kind
        As the table of ``docs/hotline.md`` has it: ``NOTIFY``, ``ACK``, ``STOP``.
    to
        The party; may be left out where ``re`` is given: the other side of that thread.
    body
        The members of the kind, as a signed message has them in ``body``.
    re
        The id of the message that it answers.
    """

    kind: str
    to: str = ""
    body: dict[str, Any] | None = None
    re: str = ""
    text: TextIn | None = None


class DifferenceOut(Struct, kw_only=True, omit_defaults=True):
    """How far what was read back is from what was said: metres of each position, seconds of both instants."""

    points_m: list[float]
    start_s: float
    end_s: float
    exchanged: bool = False
    text: str


class MessageOut(Struct, kw_only=True, omit_defaults=True):
    """A message, and how far it has come.

    ``message`` is what was signed, and ``envelope`` its signature with it, where one thing alone is asked
    for. ``level`` is the highest that its recipient has proven for it; ``state`` is of its way: ``waiting``,
    ``delivered`` or ``refused`` of ours, ``taken``, ``waiting`` or ``refused`` of theirs, and ``why``.
    ``notice`` says whether a notice came in time; ``difference`` is of a read-back.
    """

    id: str
    message: dict[str, Any]
    way: str
    state: str
    level: int | None = None
    level_text: str | None = None
    why: str = ""
    by: str = ""
    carrier: str = ""
    arrived: str
    ended: str | None = None
    leaf: int
    notice: str | None = None
    difference: DifferenceOut | None = None
    envelope: str | None = None


class DueOut(Struct, kw_only=True, omit_defaults=True):
    """Something that somebody owes: for which message, by when, and when it was done."""

    timer: str
    message: str
    owed_by: str
    due: str
    late: bool
    met: str | None = None


class CalledOut(Struct, kw_only=True):
    """Somebody who was to be called: the post, for what, when, and what came of it."""

    message: str
    timer: str
    owed_by: str
    contact: str
    at: str
    outcome: str


class ThreadOut(Struct, kw_only=True, omit_defaults=True):
    """A thread: what was said about one thing, and what is due.

    ``said`` is the id of what was said just now. ``required`` is the level that the pact wants of a notice
    before it begins; ``stances`` are the two sides' to a zone, a side that says nothing being left out.
    """

    id: str
    said: str | None = None
    kind: str
    opener: str
    other: str
    phase: str
    data_mode: str
    pact: str
    mark: str = ""
    opened: str
    changed: str | None = None
    current: str
    level: int
    level_text: str
    required: int | None = None
    stances: dict[str, str] = {}
    messages: list[MessageOut]
    due: list[DueOut]
    calls: list[CalledOut] = []
    no_more: str


class ThreadsOut(Struct, kw_only=True, omit_defaults=True):
    """Threads by their last change, the latest first; ``next`` is the instant to go on from."""

    threads: list[ThreadOut]
    next: str | None = None


class PeerOut(Struct, kw_only=True, omit_defaults=True):
    """How the line to a party is.

    Attributes
    ----------
    waiting, oldest
        Messages that it has not answered for, and since when the oldest waits.
    last_try, fault
        When it was last called, and why there was no answer; no ``fault``: there was one.
    missing
        Numbers of its messages that are not here: ``first-last``.
    clock
        How far its clock is ahead of ours, and the bound; ``apart`` where that is certainly more than a
        second.
    """

    party: str
    url: str | None = None
    waiting: int = 0
    oldest: str | None = None
    said: int = 0
    heard: int = 0
    missing: str = ""
    last_try: str | None = None
    fault: str = ""
    clock: str = ""
    clock_at: str | None = None
    apart: bool = False


class PeersOut(Struct, kw_only=True):
    """The lines to all parties of the pact."""

    peers: list[PeerOut]


class PactOut(Struct, kw_only=True, omit_defaults=True):
    """The pact that this node runs under; ``party`` is whose it is, ``languages`` what its people read."""

    party: str
    languages: list[str]
    id: str
    title: str
    version: int
    digest: str
    mark: str
    data_mode: str
    parties: list[str]
    effective: str | None = None
    until: str | None = None
    text: str


def people(desk: HotlineDesk, lines: Lines, calls: Calls, accounts: Accounts) -> tuple[Operation, ...]:
    """The operations of the party's own people."""

    async def say(call: Call) -> Answer:
        acting = await accounts.acting(call.party)
        acting.demand(Act.SAY)
        given: SayIn = call.body
        kind = _kind(given.kind)
        to = given.to or await _other(desk, given.re)
        text = None if given.text is None else Text(given.text.language, given.text.words)

        def still(tx: Tx) -> None:
            if accounts.acting_in(tx, call.party) != acting:
                raise Refused(
                    Reason.CONFLICT, "your account was changed meanwhile; nothing was said", where="sub"
                )

        message = await desk.say(
            kind,
            to,
            body_of(kind, given.body),
            re=given.re,
            text=text,
            by=acting.name,
            post=acting.post,
            now_us=call.now_us,
            check=still,
        )
        made = await _thread(desk, calls, message.id, call.now_us)
        made.said = message.id
        return Answer(201, made)

    async def listed(call: Call) -> Answer:
        (await accounts.acting(call.party)).demand(Act.READ)
        before = call.query.get("before")
        before_us = FOREVER if before is None else parse_instant(before, where="before")
        only = _yes(call, "open")
        found = await desk.listed(before_us, _PAGE, open_only=only)
        called = await calls.of([each.id for _, told in found for each in told.rows])
        of: dict[bytes, list[CallRow]] = {}
        for each in called:
            of.setdefault(each.message, []).append(each)
        shown = [
            _thread_out(told, [one for each in told.rows for one in of.get(each.id, ())], call.now_us, row)
            for row, told in found
        ]
        more = format_instant(found[-1][0].changed_us) if len(found) == _PAGE else None
        return Answer(body=ThreadsOut(threads=shown, next=more))

    async def one(call: Call) -> Answer:
        (await accounts.acting(call.party)).demand(Act.READ)
        ident = await _named(desk, call.params["id"])
        return Answer(body=await _thread(desk, calls, ident, call.now_us, whole=True))

    async def message(call: Call) -> Answer:
        (await accounts.acting(call.party)).demand(Act.READ)
        ident = await _named(desk, call.params["id"])
        row = await desk.row(ident)
        if row is None:
            raise Refused(Reason.UNKNOWN, "no such message here", where="id", found=ident)
        return Answer(body=_message_out(row, None, whole=True))

    async def reach(call: Call) -> Answer:
        (await accounts.acting(call.party)).demand(Act.READ)
        found = await lines.reach(call.now_us)
        return Answer(body=PeersOut(peers=[_peer_out(each) for each in found]))

    async def pact(call: Call) -> Answer:
        (await accounts.acting(call.party)).demand(Act.READ)
        digest = call.query.get("digest")
        known = desk.agreement.current(call.now_us) if digest is None else await desk.agreement.known(digest)
        if known is None:
            raise Refused(Reason.UNKNOWN, "this node has not run under it", where="digest", found=digest)
        running = known
        text = await lines.pact_text(running.digest)
        held = running.pact
        own = held.party(desk.party)
        return Answer(
            body=PactOut(
                party=desk.party,
                languages=[] if own is None else list(own.languages),
                id=held.id,
                title=held.title,
                version=held.version,
                digest=running.digest,
                mark=running.mark,
                data_mode=held.data_mode.value,
                parties=[party.id for party in held.parties],
                text=text.decode(),
            )
        )

    row = Door(PEOPLE, "Hotline", "/api/v1").row

    return (
        row(
            "say",
            "POST",
            "/hotline/messages",
            say,
            "Say something to another party",
            body=SayIn,
            answer=ThreadOut,
            statuses={
                201: "It was said: signed, in the ledger, on its way. The thread with it.",
                400: "It is no such message, or the table of messages does not allow it.",
                403: "Your post may not say it.",
                404: "What it answers is not here.",
                409: "It does not fit what was said before.",
                412: "It cannot be said yet: what it answers waits itself, or no key of ours signs now.",
            },
        ),
        row(
            "threads",
            "GET",
            "/hotline/threads",
            listed,
            "Threads, by their last change",
            answer=ThreadsOut,
            query={"before": "Only those that changed before this instant.", "open": "Only open ones: true."},
        ),
        row(
            "thread",
            "GET",
            "/hotline/threads/{id}",
            one,
            "A thread, by the id of any of its messages",
            answer=ThreadOut,
            statuses={404: "There is none.", 409: "Several begin like that: give more digits."},
        ),
        row(
            "hotlineMessage",
            "GET",
            "/hotline/messages/{id}",
            message,
            "A message as it was signed, whatever came of it",
            answer=MessageOut,
            statuses={404: "There is none.", 409: "Several begin like that: give more digits."},
        ),
        row(
            "hotlinePeers",
            "GET",
            "/hotline/peers",
            reach,
            "How the line to each party is",
            answer=PeersOut,
        ),
        row(
            "pact",
            "GET",
            "/pact",
            pact,
            "The pact that this node runs under, or one that it ran under",
            answer=PactOut,
            query={"digest": "Of that text: `sha256:` and 64 digits."},
            statuses={404: "This node has not run under it."},
        ),
    )


async def _other(desk: HotlineDesk, re: str) -> str:
    """The other side of a thread."""
    told = await desk.thread(re) if re else None
    if told is None:
        raise Refused(
            Reason.UNKNOWN, "to whom?", where="$.to", expected="a party, or in $.re the id of a message"
        )
    one, two = told.thread.sides
    return two if one == desk.party else one


async def _named(desk: HotlineDesk, digits: str) -> str:
    """The id that begins with these digits; a whole one as it is, whether it is here or not."""
    if not (SHORT <= len(digits) < _WHOLE and set(digits) <= set("0123456789abcdef")):
        return digits
    found = await desk.beginning(digits)
    if not found:
        raise Refused(Reason.UNKNOWN, "no message here begins like that", where="id", found=digits)
    if len(found) > 1:
        raise Refused(
            Reason.CONFLICT,
            "several messages begin like that",
            where="id",
            found=digits,
            expected=f"more digits, of {' or '.join(found)}",
        )
    return found[0]


async def _thread(
    desk: HotlineDesk, calls: Calls, ident: str, now_us: int, *, whole: bool = False
) -> ThreadOut:
    told = await desk.thread(ident)
    if told is None:
        raise Refused(Reason.UNKNOWN, "no such thread here", where="id", found=ident)
    return _thread_out(told, await calls.of([row.id for row in told.rows]), now_us, whole=whole)


def _thread_out(
    told: Told, called: list[CallRow], now_us: int, row: ThreadRow | None = None, *, whole: bool = False
) -> ThreadOut:
    thread, first, current = told.thread, told.thread.first, told.thread.current
    by_id = {row.id.hex(): row for row in told.rows}
    placed = [_message_out(by_id[each.id], told, whole=whole) for each in thread.messages]
    # what is in no thread is shown behind it: refused, or waiting for what it answers
    loose = [each for each in told.rows if thread.message(each.id.hex()) is None]
    level = thread.level(current.id)
    required = None
    if isinstance(current.body, Notice):
        required = level_required(current.body.filing, told.running.pact).value
    stances = {}
    if first.kind is Kind.ZONE_DECLARE:
        found = ((party, thread.stance(party)) for party in thread.sides)
        stances = {party: stance.kind.value for party, stance in found if stance is not None}
    return ThreadOut(
        no_more=NO_MORE,
        id=first.id,
        kind=first.kind.value,
        opener=first.sender,
        other=first.to,
        phase=thread.phase.value,
        data_mode=first.data_mode.value,
        pact=told.running.digest,
        mark=told.running.mark,
        opened=format_instant(first.said_us),
        changed=None if row is None else format_instant(row.changed_us),
        current=current.id,
        level=level.value,
        level_text=level.text,
        required=required,
        stances=stances,
        messages=[*placed, *(_message_out(each, None, whole=whole) for each in loose)],
        due=[_due_out(each, now_us) for each in told.due],
        calls=[
            CalledOut(
                message=each.message.hex(),
                timer=each.timer,
                owed_by=each.owed_by,
                contact=each.contact,
                at=format_instant(each.at_us),
                outcome=each.outcome,
            )
            for each in called
        ],
    )


def _message_out(row: MessageRow, told: Told | None, *, whole: bool = False) -> MessageOut:
    envelope = read_envelope(row.envelope)
    ident = row.id.hex()
    level = None if told is None or row.kind == Kind.RECEIPT.value else told.thread.level(ident)
    return MessageOut(
        id=ident,
        message=json.loads(envelope.payload),
        way=row.way,
        state=row.state,
        level=None if level is None else level.value,
        level_text=None if level is None else level.text,
        why=row.why,
        by=row.by,
        carrier=row.carrier,
        arrived=format_instant(row.arrived_us),
        ended=None if row.ended_us is None else format_instant(row.ended_us),
        leaf=row.leaf,
        notice=None if told is None else _notice(told, envelope.message),
        difference=None if told is None else _difference(told, envelope.message),
        envelope=row.envelope if whole else None,
    )


def _notice(told: Told, message: Message) -> str | None:
    found = lead(message, told.running.pact)
    return None if found is None else found.text


def _difference(told: Told, message: Message) -> DifferenceOut | None:
    about = told.thread.message(message.re)
    if about is None or message.kind is not Kind.READBACK:
        return None
    far = read_back(about, message, told.running.pact)
    return DifferenceOut(
        points_m=list(far.points_m),
        start_s=far.start_s,
        end_s=far.end_s,
        exchanged=far.exchanged,
        text=far.text,
    )


def _due_out(owed: Due, now_us: int) -> DueOut:
    return DueOut(
        timer=owed.timer.value,
        message=owed.about.id,
        owed_by=owed.owed_by,
        due=format_instant(owed.due_us),
        late=owed.late(now_us),
        met=None if owed.met_us is None else format_instant(owed.met_us),
    )


def _peer_out(each: Reach) -> PeerOut:
    def instant(value: int | None) -> str | None:
        return None if value is None else format_instant(value)

    return PeerOut(
        party=each.party,
        url=each.url or None,
        waiting=each.waiting,
        oldest=instant(each.oldest_us),
        said=each.said,
        heard=each.heard,
        missing=each.missing,
        last_try=instant(each.tried_us),
        fault=each.fault,
        clock=each.clock,
        clock_at=instant(each.clock_us),
        apart=each.apart,
    )


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise InputError(
            "not a kind of message",
            where="$.kind",
            found=text,
            expected=", ".join(kind.value for kind in Kind if kind is not Kind.RECEIPT),
        ) from None


def _whole(call: Call, name: str) -> int:
    text = call.query[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) >= 1):
        raise FormatError("not a number of a message", where=name, found=text, expected="1, 2, 3, …")
    return int(text)


def _yes(call: Call, name: str) -> bool:
    text = call.query.get(name, "false")
    if text not in {"true", "false"}:
        raise FormatError("neither yes nor no", where=name, found=text, expected="true or false")
    return text == "true"
