"""What is due on a hotline, by when, who is late, and whom to call.

Law: a timer is not a thing that runs. It is derived from the thread and the pact, so it survives every
restart, and two who hold the same messages under the same pact agree on it. It begins at the instant that
the message says, by its sender's clock; it is met by what stops it, at the instant that that says.

:data:`TERMS` is the table. Whom to call: the contacts of who owes, at their post at that instant, in the
pact's order; the first when it is due, one more after each step, until all have been called. A post, never a
person: a contact who is away is not in the list.

Sources: ``pact/terms.py`` has the sources of the terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.exchange.hotline.messages import Alarm, Notice, Question
from skypact.exchange.hotline.table import Timer, rows_of
from skypact.instants import SECOND_US
from skypact.notify.notice import lead_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skypact.exchange.hotline.messages import Message
    from skypact.exchange.hotline.table import Row
    from skypact.exchange.hotline.thread import Thread
    from skypact.notify.notice import Lead
    from skypact.pact.agreement import Contact, Pact
    from skypact.pact.terms import Filing, Level


@dataclass(frozen=True, slots=True)
class Term:
    """How long a timer gives, and what follows.

    Attributes
    ----------
    gives
        The pact's term, by its name in :class:`skypact.pact.Timers`; "" where it ends when the notified thing
        begins.
    step
        The term after which one contact more is called; "": nobody is called, for another timer does that.
    by_both
        Both sides owe it, and not only the one that the message is to.
    """

    gives: str
    step: str
    by_both: bool = False


TERMS: Final[Mapping[Timer, Term]] = {
    Timer.RECEIPT: Term("receipt_s", ""),
    Timer.PHONE: Term("phone_s", "receipt_s"),
    Timer.STOP_RECEIPT: Term("stop_receipt_s", "stop_receipt_s"),
    Timer.LEVEL: Term("", "receipt_s"),
    Timer.QUERY: Term("query_s", "phone_s"),
    Timer.URGENT_QUERY: Term("urgent_query_s", "phone_s"),
    Timer.INCIDENT_REPORT: Term("incident_report_s", "phone_s", by_both=True),
}
"""Each timer's term of the pact."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that somebody owes.

    Attributes
    ----------
    timer, about
        Which timer, and the message that started it.
    owed_by
        The party.
    due_us
        By when.
    met_us
        When it was done, by the clock of who did it; None: not yet.
    """

    timer: Timer
    about: Message
    owed_by: str
    due_us: int
    met_us: int | None

    def late(self, now_us: int) -> bool:
        """Whether it was or is done too late."""
        return (now_us if self.met_us is None else self.met_us) > self.due_us


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whom to have called by an instant.

    Attributes
    ----------
    calls
        It is late, and somebody is to be called.
    contacts
        In the order of calling; empty where nobody is at a post.
    next_us
        When one more is to be called; None: there is no other at his post.
    """

    calls: bool
    contacts: tuple[Contact, ...]
    next_us: int | None


def timers(thread: Thread, pact: Pact) -> tuple[Due, ...]:
    """All timers of a thread, met and not, the earliest due first."""
    answers: dict[str, list[Message]] = {}
    for each in (*thread.opener_said, *thread.other_said):
        answers.setdefault(each.re, []).append(each)
    found = [
        due
        for message in (*thread.opener_said, *thread.other_said)
        for due in _of_message(answers.get(message.id, ()), message, pact)
    ]
    return tuple(sorted(found, key=lambda due: (due.due_us, due.about.id, due.timer.value, due.owed_by)))


def due(thread: Thread, pact: Pact, now_us: int) -> tuple[Due, ...]:
    """What is late and not yet done, the longest first."""
    return tuple(each for each in timers(thread, pact) if each.met_us is None and each.late(now_us))


def escalation(owed: Due, pact: Pact, now_us: int) -> Escalation:
    """Whom to have called at an instant, for something that is owed.

    Nobody before it is late; and nobody for a timer after which another one calls.
    """
    step = TERMS[owed.timer].step
    party = pact.party(owed.owed_by)
    if not step or owed.met_us is not None or now_us <= owed.due_us:
        return Escalation(False, (), None)
    there = () if party is None else party.reached_at(now_us)
    step_us = round(getattr(pact.timers, step) * SECOND_US)
    steps = (now_us - owed.due_us) // step_us
    called = there[: steps + 1]
    following = owed.due_us + (steps + 1) * step_us
    return Escalation(True, called, following if len(called) < len(there) else None)


def lead(message: Message, pact: Pact) -> Lead | None:
    """How long before its beginning a notice was given, by its sender's clock; None of what is no notice."""
    body = message.body
    if not isinstance(body, Notice):
        return None
    return lead_of(body.filing, body.start_us, body.emergency, pact.notices, message.said_us)


def level_required(filing: Filing, pact: Pact) -> Level:
    """The level that the pact wants a notice of a class to reach before it begins."""
    required: Level = getattr(pact.acknowledgement, filing.value)
    return required


def _of_message(answers: Sequence[Message], message: Message, pact: Pact) -> Iterator[Due]:
    for timer in _row(message).starts:
        due_us = _due_us(timer, message, pact)
        if due_us is None:
            continue
        for party in (message.to, message.sender) if TERMS[timer].by_both else (message.to,):
            met = _met_us(answers, message, timer, party, pact)
            yield Due(timer, message, party, due_us, met)


def _due_us(timer: Timer, message: Message, pact: Pact) -> int | None:
    """When a timer of a message ends; None where the message does not start it after all."""
    body = message.body
    if timer is Timer.LEVEL:
        return body.start_us if isinstance(body, Notice) else None
    if isinstance(body, Question) and timer is (Timer.QUERY if body.urgent else Timer.URGENT_QUERY):
        return None
    if isinstance(body, Alarm) and timer is Timer.INCIDENT_REPORT and not body.incident:
        return None
    seconds: float = getattr(pact.timers, TERMS[timer].gives)
    return message.said_us + round(seconds * SECOND_US)


def _met_us(answers: Sequence[Message], message: Message, timer: Timer, party: str, pact: Pact) -> int | None:
    """When the first message came that stops a timer of another.

    That is an answer of who owes it; or a word of who is owed that takes the place of the message.
    """
    by_both = TERMS[timer].by_both
    for answer in sorted(answers, key=lambda each: (each.said_us, each.id)):
        row = _row(answer)
        replaces = row.leads is not None and not by_both
        if timer not in row.stops or not (answer.sender == party or replaces):
            continue
        if timer is Timer.LEVEL and answer.sender == party and not _reached(answer, message, pact):
            continue
        return answer.said_us
    return None


def _reached(answer: Message, message: Message, pact: Pact) -> bool:
    """Whether an answer proves the level that the pact wants of what it answers."""
    assert isinstance(message.body, Notice)  # noqa: S101  # only a notice has a level to reach
    return _row(answer).level >= level_required(message.body.filing, pact)


def _row(message: Message) -> Row:
    """The row of a message that is in a thread, so that there is one."""
    level = getattr(message.body, "level", None)
    answers = bool(message.re)
    return next(
        row
        for row in rows_of(message.kind)
        if bool(row.answers) is answers and (level is None or row.level is level)
    )
