"""What ``skypact hotline show`` says of signed messages, as a table or as JSON.

Law: a message that does not verify is in no thread; it is a fault, and named. What a rule refused is shown as
refused, with the reason: that a position was read back wrong is itself worth knowing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skypact.cli import BAD, FOUND, OK
from skypact.errors import InputError, Refused
from skypact.exchange.hotline.calls import pair_of
from skypact.exchange.hotline.messages import Carried, Kind, Notice
from skypact.exchange.hotline.numbers import gaps, twins
from skypact.exchange.hotline.table import Phase
from skypact.exchange.hotline.thread import Folded, fold, read_back
from skypact.exchange.hotline.timers import escalation, lead, level_required, timers
from skypact.formats.hotline_json import load
from skypact.formats.hotline_jws import carried, verified
from skypact.instants import SECOND_US, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skypact.exchange.hotline.messages import Message
    from skypact.exchange.hotline.numbers import Gap, Twins
    from skypact.exchange.hotline.thread import Thread
    from skypact.exchange.hotline.timers import Due
    from skypact.formats.hotline_jws import Envelope
    from skypact.formats.hotline_words import Language
    from skypact.pact.agreement import Pact


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of signed messages at an instant.

    Attributes
    ----------
    pact, digest, now_us
        Under which agreement, and when.
    folded
        The threads, and what was refused or waits.
    gaps, twins
        Numbers that are not here, and numbers that were given twice.
    payloads
        What was signed, by the message's id.
    faults
        Signatures that do not fit.
    strangers
        What was forwarded for somebody whose keys the pact has not.
    """

    pact: Pact
    digest: str
    now_us: int
    folded: Folded
    gaps: tuple[Gap, ...]
    twins: tuple[Twins, ...]
    payloads: dict[str, bytes]
    faults: tuple[InputError | Refused, ...]
    strangers: tuple[Message, ...]

    def open(self, thread: Thread) -> list[Due]:
        """What is owed in a thread and not done."""
        return [each for each in timers(thread, self.pact) if each.met_us is None]

    @property
    def status(self) -> int:
        """The exit status."""
        if self.faults:
            return BAD
        late = any(due.late(self.now_us) for thread in self.folded.threads for due in self.open(thread))
        return FOUND if late or self.folded.refused or self.folded.waiting or self.twins else OK


def known(envelopes: Sequence[Envelope], pact: Pact, digest: str, now_us: int) -> Known:
    """Verify signed messages, open what was forwarded, and put them into their threads."""
    messages: list[Message] = []
    payloads: dict[str, bytes] = {}
    faults: list[InputError | Refused] = []
    strangers: list[Message] = []
    for envelope in envelopes:
        waiting = [envelope]
        while waiting:
            each = waiting.pop()
            if each.message.carrier and pact.party(each.message.sender) is None:
                strangers.append(each.message)
                continue
            try:
                message = verified(each, pact, digest)
                messages.append(message)
                payloads[message.id] = each.payload
                if isinstance(message.body, Carried):
                    waiting.append(carried(message))
            except (InputError, Refused) as error:
                faults.append(error)
    return Known(
        pact,
        digest,
        now_us,
        fold(messages, pact),
        gaps(messages),
        twins(messages),
        payloads,
        tuple(faults),
        tuple(strangers),
    )


# -- for people ---------------------------------------------------------------------------------------------


def as_table(known: Known, mark: str, words: Language, *, more: Iterable[str] = ()) -> Iterator[str]:
    """A thread after the other: what was said, what follows from it, and ``more`` beside it."""
    pact = known.pact
    yield words.mode(pact.data_mode)
    yield f"{mark + '  ' if mark else ''}{pact.id}, {known.digest}"
    yield words.instant(known.now_us)
    if not pact.in_force(known.now_us):
        yield words.text("notes", "not_in_force")
    for thread in known.folded.threads:
        yield ""
        for message in thread.messages:
            about = thread.message(message.re)
            first, *rest = words.message(message, about)
            yield first
            yield from (f"  {line}" for line in rest)
            if about is not None and message.kind is Kind.READBACK:
                yield f"  {words.difference(read_back(about, message, pact))}"
            yield f"  {message.id}"
        yield from (f"  {line}" for line in _standing(thread, known, words))
    for message in known.strangers:
        yield ""
        yield words.text("thread", "unverified", sender=message.sender)
        yield from (f"  {line}" for line in words.message(message))
    for message, why in known.folded.refused:
        yield ""
        reason = str(why).removeprefix(f"{why.where}: ")
        yield words.text("thread", "refused", why=reason, **_called(message, words))
        yield from (f"  {line}" for line in words.message(message))
    for message in known.folded.waiting:
        yield ""
        yield words.text("thread", "waiting", **_called(message, words))
    for gap in known.gaps:
        yield words.text("thread", "missing", sender=gap.sender, to=gap.to, first=gap.first, last=gap.last)
    for twin in known.twins:
        named = {"sender": twin.sender, "to": twin.to, "serial": twin.serial}
        yield words.text("thread", "twins", ids=", ".join(twin.ids), **named)
    yield from more
    yield ""
    yield from words.notes


def _standing(thread: Thread, known: Known, words: Language) -> Iterator[str]:
    current, pact = thread.current, known.pact
    level = thread.level(current.id)
    reached = {"level": level.value, "level_text": words.level(level)}
    if isinstance(current.body, Notice):
        required = level_required(current.body.filing, pact)
        asked = {"required": required.value, "required_text": words.level(required)}
        yield words.text("thread", "level", **reached, **asked)
    else:
        yield words.text("thread", "reached", **reached)
    yield from _lead(current, pact, words)
    if thread.first.kind is Kind.ZONE_DECLARE:
        for party in thread.sides:
            stance = thread.stance(party)
            kind = "" if stance is None else words.kind(stance.kind)
            yield words.text("thread", "silent" if stance is None else "stance", party=party, stance=kind)
    if thread.first.kind is Kind.SUSPEND and thread.phase is Phase.OPEN:
        yield words.text("thread", "suspended", party=thread.first.sender)
    yield from _calls(thread, words)
    for due in timers(thread, pact):
        yield from _due(due, known, words)


def _lead(message: Message, pact: Pact, words: Language) -> Iterator[str]:
    given = lead(message, pact)
    if given is None or given.asked_us is None:
        return
    if given.lead_us < 0:
        yield words.text("thread", "begun", ago=words.duration(given.lead_us))
        return
    yield words.text(
        "thread",
        "lead_short" if given.late_us else "lead",
        given=words.duration(given.lead_us),
        asked=words.duration(given.asked_us),
    )


def _calls(thread: Thread, words: Language) -> Iterator[str]:
    pair = pair_of(thread)
    if pair is None:
        return
    if not pair.overlap:
        yield words.text("thread", "call_apart")
    if not pair.same_direction:
        yield words.text("thread", "call_direction")
    if not pair.same_answer:
        yield words.text("thread", "call_answer")
    if any((pair.start_s, pair.end_s, pair.held_s)):
        amounts = {"start": pair.start_s, "end": pair.end_s, "held": pair.held_s}
        yield words.text("thread", "call_differs", **{k: f"{v:+,.0f}" for k, v in amounts.items()})
    elif pair.same_direction and pair.same_answer:
        yield words.text("thread", "call_same")


def _due(due: Due, known: Known, words: Language) -> Iterator[str]:
    owed = {"party": due.owed_by, "timer": words.timer(due.timer), **_called(due.about, words)}
    late = due.late(known.now_us)
    if due.met_us is not None:
        if late:
            yield words.text("thread", "done_late", by=words.duration(due.met_us - due.due_us), **owed)
        return
    if not late:
        yield words.text("thread", "due", at=words.instant(due.due_us), **owed)
        return
    yield words.text("thread", "late", by=words.duration(known.now_us - due.due_us), **owed)
    call = escalation(due, known.pact, known.now_us)
    for contact in call.contacts:
        yield "  " + words.text("thread", "call", role=contact.role, reach=", ".join(contact.reach))
    if call.next_us is not None:
        yield "  " + words.text("thread", "call_next", at=words.instant(call.next_us))
    if call.calls and not call.contacts:
        yield "  " + words.text("thread", "nobody", party=due.owed_by)


def _called(message: Message, words: Language) -> dict[str, object]:
    return {"kind": words.kind(message.kind), "serial": message.serial, "sender": message.sender}


# -- for programs -------------------------------------------------------------------------------------------


def as_json(known: Known, mark: str, words: Language) -> dict[str, Any]:
    """The same, as JSON; sentences are in the language."""
    return {
        "pact": known.pact.id,
        "digest": known.digest,
        "mark": mark,
        "in_force": known.pact.in_force(known.now_us),
        "data_mode": known.pact.data_mode.value,
        "now": format_instant(known.now_us),
        "language": words.tag,
        "reviewed": words.reviewed,
        "threads": [_thread_json(thread, known, words) for thread in known.folded.threads],
        "refused": [{**_named(message), "why": str(why)} for message, why in known.folded.refused],
        "waiting": [_named(message) for message in known.folded.waiting],
        "missing": [
            {"sender": gap.sender, "to": gap.to, "first": gap.first, "last": gap.last} for gap in known.gaps
        ],
        "twins": [
            {"sender": twin.sender, "to": twin.to, "serial": twin.serial, "ids": list(twin.ids)}
            for twin in known.twins
        ],
        "unverified": [_named(message) for message in known.strangers],
        "faults": [str(fault) for fault in known.faults],
        "notes": list(words.notes),
    }


def _thread_json(thread: Thread, known: Known, words: Language) -> dict[str, Any]:
    current = thread.current
    given = lead(current, known.pact)
    pair = pair_of(thread)
    return {
        "id": thread.first.id,
        "opened_by": thread.sides[0],
        "with": thread.sides[1],
        "phase": thread.phase.value,
        "current": current.id,
        "level": thread.level(current.id).value,
        "level_required": (
            level_required(current.body.filing, known.pact).value
            if isinstance(current.body, Notice)
            else None
        ),
        "lead": None
        if given is None
        else {
            "given_s": given.lead_us / SECOND_US,
            "asked_s": None if given.asked_us is None else given.asked_us / SECOND_US,
            "short": given.late_us > 0,
        },
        "stances": {
            party: None if stance is None else stance.kind.value
            for party in thread.sides
            if thread.first.kind is Kind.ZONE_DECLARE
            for stance in (thread.stance(party),)
        },
        "call": None
        if pair is None
        else {
            "same_direction": pair.same_direction,
            "same_answer": pair.same_answer,
            "start_s": pair.start_s,
            "end_s": pair.end_s,
            "held_s": pair.held_s,
            "overlap": pair.overlap,
        },
        "onward": list(thread.onward),
        "messages": [_message_json(message, thread, known, words) for message in thread.messages],
        "due": [_due_json(due, known) for due in timers(thread, known.pact)],
    }


def _message_json(message: Message, thread: Thread, known: Known, words: Language) -> dict[str, Any]:
    about = thread.message(message.re)
    far = None
    if about is not None and message.kind is Kind.READBACK:
        far = read_back(about, message, known.pact)
    return {
        **_named(message),
        "level": thread.level(message.id).value,
        "carrier": message.carrier,
        "difference": None
        if far is None
        else {"points_m": list(far.points_m), "start_s": far.start_s, "end_s": far.end_s},
        "shown": list(words.message(message, about)),
        "signed": load(known.payloads[message.id]),
    }


def _due_json(due: Due, known: Known) -> dict[str, Any]:
    call = escalation(due, known.pact, known.now_us)
    return {
        "timer": due.timer.value,
        "about": due.about.id,
        "owed_by": due.owed_by,
        "due": format_instant(due.due_us),
        "met": None if due.met_us is None else format_instant(due.met_us),
        "late": due.late(known.now_us),
        "call": [{"role": contact.role, "reach": list(contact.reach)} for contact in call.contacts],
        "call_next": None if call.next_us is None else format_instant(call.next_us),
    }


def _named(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "kind": message.kind.value,
        "serial": message.serial,
        "sender": message.sender,
        "to": message.to,
        "said_at": format_instant(message.said_us),
    }
