"""The messages of a hotline as a record has them: when each was sent, delivered and opened.

Law: every instant is told by the clock of the record's holder, as a set of what the messages leave possible.
What the other side's clock says is corrected by its offset, and is never taken for more than it is: a message
is delivered after it was sent, and before its receipt came back, whatever clocks say. **Where an offset is
not known, an instant of the other's clock says nothing of when**: what is left is the order in which things
were said and came, and where that has no end, neither has the time. Who is right is no question here, and an
answer proves that something was opened, not that it was agreed.

How it works. One clock is ahead of another by at most the least time that any message took one way and at
least, counted backwards, by what any took the other way (:func:`offset_between`): no message arrives before
it was said. So the signed messages alone say how far two clocks are apart; what waited on its way only leaves
more possible. An offset that was measured with the message itself goes before.

Known limit: clocks are taken to run alike, and not to be set, for half a day around a message. Where they
were, the two bounds mostly contradict each other, and no offset is known.

Source: the bounds on an offset, F. Cristian, *Probabilistic clock synchronization* (1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.exchange.hotline.messages import Call, Kind, Notice, Received, Replied, Scope
from skypact.exchange.hotline.table import STANCES, rows_of
from skypact.incident.logbook import Clock, Logged, Position
from skypact.incident.values import Period
from skypact.instants import EVER, FOREVER, HOUR_US
from skypact.pact import Level, Stance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skypact.exchange.hotline.messages import Message

NEAR_US: Final = 12 * HOUR_US
"""Messages of so long before and after say how far clocks are apart."""
CHANNEL: Final = "hotline"
TELEPHONE: Final = "telephone"

_STANCE: Final = {
    Kind.ZONE_RECOGNISE: Stance.RECOGNISED,
    Kind.ZONE_REJECT: Stance.REJECTED,
    Kind.ZONE_RESERVE: Stance.RESERVED,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A message as a record has it.

    Attributes
    ----------
    message
        It, said by whom it says.
    arrived_us
        When it was written there, by the holder's clock; None where the record does not say.
    proof
        Where its proof is.
    by_us
        No later than then it was written there: the holder said something after it. None: not known.
    """

    message: Message
    arrived_us: int | None = None
    proof: str = ""
    by_us: int | None = None

    @property
    def latest_us(self) -> int | None:
        """The latest instant at which it can have come; None where that is not known."""
        return self.by_us if self.arrived_us is None else self.arrived_us


def correspondence(
    holder: str, taken: Iterable[Taken], *, measured: Mapping[str, Clock] | None = None
) -> tuple[tuple[Logged, ...], tuple[Position, ...]]:
    """Messages and stances as a logbook has them, in the order of their instants.

    Parameters
    ----------
    holder
        Whose record it is; messages between others are left out.
    measured
        How far the other side's clock was ahead of the holder's, by the id of the message whose receipt
        told it.
    """
    ours = {each.message.id: each for each in taken if holder in {each.message.sender, each.message.to}}
    book = _Book(holder, tuple(ours.values()), measured or {})
    logged = sorted(map(book.logged, ours.values()), key=lambda each: (each.sent.earliest_us, each.ref))
    said = (book.position(each, ours) for each in ours.values() if each.message.kind in STANCES)
    stances = sorted((each for each in said if each is not None), key=lambda each: (each.at_us, each.ref))
    return tuple(logged), tuple(stances)


class _Book:
    """The messages of one holder, and what they say of clocks."""

    def __init__(self, holder: str, taken: Sequence[Taken], measured: Mapping[str, Clock]) -> None:
        self._holder = holder
        self._taken = taken
        self._measured = measured
        self._answers: dict[str, list[Taken]] = {}
        for each in taken:
            self._answers.setdefault(each.message.re, []).append(each)
        self._offsets: dict[tuple[str, int], Clock | None] = {}

    def logged(self, taken: Taken) -> Logged:
        """A message, with when it was sent, delivered and opened."""
        message, body = taken.message, taken.message.body
        other = self._other(message)
        answers = [each for each in self._answers.get(message.id, ()) if each.message.sender == message.to]
        sent = self._told(taken, other)
        if message.sender == self._holder:
            delivered, opened = self._there(message, answers, other)
        else:
            delivered, opened = self._here(taken, answers)
        about = [message.re, message.thread] if message.re else [message.thread]
        if isinstance(body, Notice):
            about = [body.ref, *about]
        kind, channel, sender, receiver = message.kind.value.lower(), CHANNEL, message.sender, message.to
        if isinstance(body, Call):
            kind, channel, sender, receiver = "call", TELEPHONE, body.caller, body.called
            mine = message.sender == self._holder
            call = Period("", body.start_us, body.end_us)
            if not mine:
                call = self._ended(taken) if other is None else other.of(call)
            sent = Period("", call.earliest_us, call.earliest_us) if mine else call
            delivered = opened = call if body.answered_by else None
        return Logged(
            message.id,
            kind,
            sender,
            receiver,
            channel,
            sent,
            delivered,
            opened,
            tuple(each for each in dict.fromkeys(about) if each != message.id),
            _scope(body) if isinstance(body, Replied) else "",
            None,
            taken.proof,
            other,
        )

    def position(self, taken: Taken, ours: Mapping[str, Taken]) -> Position | None:
        """What a party said of the zone that a thread declares; None where the declaration is not here."""
        message = taken.message
        opening = ours.get(message.thread)
        body = None if opening is None else opening.message.body
        if not isinstance(body, Notice):
            return None
        told = self._told(taken, self._other(message))
        return Position(
            message.id,
            message.sender,
            body.ref,
            _STANCE[message.kind],
            message.said_us if told.latest_us == FOREVER else told.latest_us,
            "" if message.text is None else message.text.words,
            taken.proof,
        )

    def _other(self, message: Message) -> Clock | None:
        """How far the other side's clock was ahead of the holder's, around a message."""
        if message.id in self._measured:
            return self._measured[message.id]
        party = message.to if message.sender == self._holder else message.sender
        hour = message.said_us // HOUR_US
        if (party, hour) not in self._offsets:
            self._offsets[party, hour] = self._between(party, hour * HOUR_US)
        return self._offsets[party, hour]

    def _between(self, party: str, around_us: int) -> Clock | None:
        there, back = [], []
        for each in self._taken:
            message = each.message
            if abs(message.said_us - around_us) > NEAR_US:
                continue
            answers = self._answers.get(message.id, ())
            if message.sender == self._holder and message.to == party:
                there += [
                    (message.said_us, _received(answer.message))
                    for answer in answers
                    if answer.message.sender == party
                ]
            elif message.sender == party:
                came = [] if each.latest_us is None else [each.latest_us]
                came += [_received(a.message) for a in answers if a.message.sender == self._holder]
                back += [(message.said_us, min(came))] if came else []
        return offset_between(there, back)

    def _told(self, taken: Taken, other: Clock | None) -> Period:
        """When something was said, by the holder's clock."""
        message = taken.message
        if message.sender == self._holder:
            return Period("", message.said_us, message.said_us)
        if other is None:
            return self._ended(taken)
        told = other.corrected(message.said_us)
        return told if taken.latest_us is None else _within(told, told.earliest_us, taken.latest_us)

    def _ended(self, taken: Taken) -> Period:
        """When something was that the other side told of: before its message came, and no more is known."""
        answers = self._answers.get(taken.message.id, ())
        came = [_received(each.message) for each in answers if each.message.sender == self._holder]
        came += [] if taken.latest_us is None else [taken.latest_us]
        return Period("", EVER, min(came, default=FOREVER))

    def _there(
        self, message: Message, answers: Sequence[Taken], other: Clock | None
    ) -> tuple[Period | None, Period | None]:
        """When what the holder said was delivered and opened on the other side."""

        def when(said_us: int, answer: Taken) -> Period:
            if other is not None:
                return _within(other.corrected(said_us), message.said_us, answer.latest_us)
            # no clock of theirs is needed to know this much
            last_us = FOREVER if answer.latest_us is None else max(message.said_us, answer.latest_us)
            return Period("", message.said_us, last_us)

        stages: list[Period | None] = []
        for opening in (False, True):
            some = [each for each in answers if not opening or opens(each.message)]
            first = min(some, key=lambda each: _received(each.message), default=None)
            if first is None:
                stages.append(None)
                continue
            found = when(_received(first.message), first)
            exact = opening or isinstance(first.message.body, Received)
            stages.append(found if exact else Period("", message.said_us, found.latest_us))
        return stages[0], stages[1]

    def _here(self, taken: Taken, answers: Sequence[Taken]) -> tuple[Period | None, Period | None]:
        """When what came to the holder was delivered and opened, by its own clock."""
        receipts = [_received(e.message) for e in answers if isinstance(e.message.body, Received)]
        came = [*receipts, *([] if taken.arrived_us is None else [taken.arrived_us])]
        opened = [each.message.said_us for each in answers if opens(each.message)]
        delivered = min(came or opened, default=None)
        return (
            None if delivered is None else Period("", delivered, delivered),
            Period("", min(opened), min(opened)) if opened else None,
        )


def offset_between(there: Iterable[tuple[int, int]], back: Iterable[tuple[int, int]]) -> Clock | None:
    """How far another's clock is ahead of one's own, from messages both ways; microseconds.

    Parameters
    ----------
    there
        Messages to the other: said by one's own clock, received by the other's.
    back
        Messages from the other: said by its clock, received by one's own.

    Returns
    -------
    Clock | None
        None where messages went one way alone, or contradict each other: a clock was set in between.
    """
    most = min((received - said for said, received in there), default=None)
    least = max((said - received for said, received in back), default=None)
    if most is None or least is None or least > most:
        return None
    return Clock((least + most) // 2, (most - least + 1) // 2)


def opens(message: Message) -> bool:
    """Whether an answer shows that a person has opened what it answers."""
    return any(row.level >= Level.OPENED for row in rows_of(message.kind) if not row.opens)


def _received(message: Message) -> int:
    """When its sender had what a message answers, at the latest, by the sender's clock."""
    return message.body.received_us if isinstance(message.body, Received) else message.said_us


def _within(told: Period, earliest_us: int, latest_us: int | None) -> Period:
    """What of a period lies between two instants; the instants where clocks contradict them."""
    last = told.latest_us if latest_us is None else max(earliest_us, latest_us)
    first, end = max(told.earliest_us, earliest_us), min(told.latest_us, last)
    return Period("", first, end) if first <= end else Period("", earliest_us, max(earliest_us, last))


def _scope(reply: Replied) -> str:
    scope: str = reply.scope.value
    if reply.scope is Scope.NOT_ANSWERING_FOR:
        return f"{scope} {', '.join(reply.not_for) or 'others'}"
    return scope
