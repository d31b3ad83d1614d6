"""A thread: what two sides have said to each other about one thing, and what follows from it.

Law: **a thread is its messages.** It has each side's, in that side's order, and nothing else; every other
word about it is derived. A message is judged by its sender's earlier messages, by the one that it answers and
by the pact, so any order of arrival that keeps each side's own order ends in the same thread. A duplicate
changes nothing. What the table does not allow raises and changes nothing.

A thread stays under the pact under which it was opened. A message of another thread, to another recipient,
under another pact or of another data mode is refused: that is what a replay is.

Nothing here reads a signature; who says that a message is whose has verified it (``formats/hotline_jws.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from skypact.errors import InputError, ModeError, Reason, Refused
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Alarm,
    Call,
    Carried,
    Kind,
    Notice,
    Released,
    Repeated,
)
from skypact.exchange.hotline.readback import Difference, difference
from skypact.exchange.hotline.table import (
    BODIES,
    LEADS,
    STANCES,
    WORDS_NEEDED,
    Phase,
    Side,
    Whose,
    rows_of,
)
from skypact.pact.terms import Level
from skypact.pact.visible import may_forward

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skypact.exchange.hotline.messages import Message
    from skypact.exchange.hotline.table import Row
    from skypact.pact.agreement import Pact

SIDE_MAX: Final = 2_000
"""So many messages of one side are in one thread, at most, beside receipts."""


@dataclass(frozen=True, slots=True)
class Thread:
    """What was said about one thing, the opening message first.

    Attributes
    ----------
    opener_said, other_said
        Each side's messages, in the order in which that side numbered them.
    """

    opener_said: tuple[Message, ...]
    other_said: tuple[Message, ...] = ()

    @property
    def first(self) -> Message:
        """The message that opened it."""
        return self.opener_said[0]

    @property
    def sides(self) -> tuple[str, str]:
        """The party that opened it, and the other."""
        return self.first.sender, self.first.to

    def said(self, party: str) -> tuple[Message, ...]:
        """What one side has said; of a party that is no side of it, nothing."""
        return dict(zip(self.sides, (self.opener_said, self.other_said), strict=True)).get(party, ())

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of them, by the senders' clocks; what answers comes after what it answers."""
        waiting = [list(self.opener_said), list(self.other_said)]
        placed: dict[str, Message] = {}
        while waiting[0] or waiting[1]:
            ready = [half for half in waiting if half and (not half[0].re or half[0].re in placed)]
            half = min(ready, key=lambda each: (each[0].said_us, each[0].id))
            following = half.pop(0)
            placed[following.id] = following
        return tuple(placed.values())

    def message(self, ident: str) -> Message | None:
        """The message of that id; None where the thread has none."""
        return next((m for half in (self.opener_said, self.other_said) for m in half if m.id == ident), None)

    @property
    def versions(self) -> tuple[Message, ...]:
        """What was stated and, by amendments, stated anew; the last one holds."""
        return (self.first, *(m for m in self.opener_said if m.kind is Kind.AMEND))

    @property
    def current(self) -> Message:
        """The version that holds."""
        return self.versions[-1]

    @property
    def phase(self) -> Phase:
        """Where the half of who opened it is."""
        return _phase(self.opener_said)

    def level(self, ident: str) -> Level:
        """The highest level that is proven for a message, by who received it."""
        about = self.message(ident)
        return Level.SENT if about is None else _level(about, self.said(about.to))

    def answers(self, ident: str) -> tuple[Message, ...]:
        """What answers a message, whoever said it."""
        return tuple(m for half in (self.opener_said, self.other_said) for m in half if m.re == ident)

    def stance(self, party: str) -> Message | None:
        """What a party says last of the zone that the thread declares; None: it is silent."""
        return next((m for m in reversed(self.said(party)) if m.kind in STANCES), None)

    @property
    def onward(self) -> tuple[str, ...]:
        """To whom the other side may pass on what the thread is about, in the order in which it was said."""
        named = (m.body.onward for m in self.opener_said if isinstance(m.body, Released))
        return tuple(dict.fromkeys(name for names in named for name in names))

    def take(self, message: Message, pact: Pact) -> Thread:
        """The thread with one more message.

        Parameters
        ----------
        pact
            The pact whose digest the message names.

        Returns
        -------
        Thread
            The same one where it has the message already.

        Raises
        ------
        Refused
            CONFLICT: it is of another thread, recipient or pact, or its number was used or passed.
            NOT_NOW: what it answers is not here yet: keep it, and try again.
            INVALID: the table does not allow it; a read-back beyond the tolerances, with both shown.
            TOO_MANY: its side has said :data:`SIDE_MAX` in this thread.
            FORBIDDEN: the sender may not say it.
        ModeError
            It has another data mode.
        """
        if self.message(message.id) is not None:
            return self
        _belongs(self.first, message)
        mine = self.said(message.sender)
        passed = bool(mine) and message.serial <= mine[-1].serial
        twin = next((m.id for m in mine if m.serial == message.serial), "") if passed else ""
        if twin or (passed and not _still(message)):
            what = f"two messages of one number: {twin}" if twin else "a number that was passed"
            raise Refused(
                Reason.CONFLICT,
                what,
                where=_place(message),
                found=message.serial,
                expected=f"a number above {mine[-1].serial}",
            )
        if passed:  # it was overtaken on its way; its sender's earlier words are those before it
            mine = tuple(m for m in mine if m.serial < message.serial)
        if message.kind is not Kind.RECEIPT and _words(mine) >= SIDE_MAX:
            raise Refused(
                Reason.TOO_MANY,
                "too many messages of one side in one thread",
                where=_place(message),
                found=SIDE_MAX + 1,
                expected=f"at most {SIDE_MAX:,}; what is new opens a thread of its own",
            )
        about = self.message(message.re)
        if about is None:
            raise Refused(
                Reason.NOT_NOW,
                "what it answers is not here yet",
                where=_place(message),
                found=message.re or "nothing that it answers",
                expected="a message of this thread",
            )
        _carried(message, pact)
        row = _row(message, about)
        side = Side.OPENER if message.sender == self.first.sender else Side.OTHER
        _allowed(row, message, about, side, mine)
        self._fits(message, about, pact)
        said = tuple(sorted((*self.said(message.sender), message), key=lambda each: each.serial))
        if side is Side.OPENER:
            return replace(self, opener_said=said)
        return replace(self, other_said=said)

    def _fits(self, message: Message, about: Message, pact: Pact) -> None:
        """What a message says, held against what it answers."""
        if message.kind in {Kind.AMEND, Kind.CANCEL} and about.id != self.current.id:
            raise Refused(
                Reason.INVALID,
                "that version no longer holds",
                where=_place(message),
                found=about.id,
                expected=self.current.id,
            )
        if message.kind is Kind.AMEND:
            _amends(message, about)
        if isinstance(message.body, Call):
            _call(message, message.body)
        if isinstance(message.body, Repeated):
            far = read_back(about, message, pact)
            if not far.within(pact.readback):
                allowed = pact.readback
                raise Refused(
                    Reason.INVALID,
                    "read back otherwise than it was said; read it back again",
                    where=_place(message),
                    found=far.text,
                    expected=f"at most {allowed.position_m:g} m and {allowed.time_s:g} s",
                )


def opened(message: Message, pact: Pact) -> Thread:
    """The thread that a message opens.

    Raises
    ------
    Refused
        INVALID: it opens none. FORBIDDEN: its sender may not say it, or forward for whom it forwards.
    """
    row = next((row for row in rows_of(message.kind) if row.opens), None)
    if row is None or message.re or message.thread != message.id:
        raise Refused(
            Reason.INVALID,
            f"a {message.kind.value} that opens a thread" if row is None else "a thread opened by an answer",
            where=_place(message),
            expected=f"a message that answers one of thread {message.thread}" if row is None else "no re",
        )
    for name in (message.sender, message.to):
        if pact.party(name) is None:
            raise Refused(Reason.FORBIDDEN, "not a party of the pact", where=_place(message), found=name)
    if message.sender == message.to:
        raise Refused(Reason.INVALID, "a message to its own sender", where=_place(message))
    if message.data_mode is not pact.data_mode:
        raise ModeError(
            "a message of another data mode than the pact",
            where=_place(message),
            found=message.data_mode.value,
            expected=pact.data_mode.value,
        )
    _carried(message, pact)
    _allowed(row, message, None, Side.OPENER, ())
    body = message.body
    if isinstance(body, Carried):
        _forwards(pact, message.sender, body.on_behalf_of, message)
    if isinstance(body, Call):
        _call(message, body)
    return Thread((message,))


@dataclass(frozen=True, slots=True)
class Folded:
    """What comes of many messages.

    Attributes
    ----------
    threads
        The threads, by the instant at which each was opened, as its opener says.
    refused
        The messages that were refused, and why.
    waiting
        Those whose thread, or what they answer, is not here.
    """

    threads: tuple[Thread, ...]
    refused: tuple[tuple[Message, InputError | Refused], ...]
    waiting: tuple[Message, ...]


def fold(messages: Iterable[Message], pact: Pact) -> Folded:
    """The threads of messages that lie in any order: each side's are taken in the order of their numbers.

    A message that has to wait holds up what its sender said after it in the same thread, since a sender's
    later words may rest on its earlier ones. A message that is refused holds up nothing, and what answers it
    is refused with it.
    """
    once = {message.id: message for message in messages}
    lines: dict[str, dict[tuple[str, str], list[Message]]] = {}
    for message in sorted(once.values(), key=lambda each: (each.serial, each.id)):
        halves = lines.setdefault(message.thread, {})
        halves.setdefault((message.sender, message.to), []).append(message)
    threads: list[Thread] = []
    refused: dict[str, tuple[Message, InputError | Refused]] = {}
    for halves in lines.values():
        thread = _threaded(list(halves.values()), refused, pact)
        threads += [] if thread is None else [thread]
    waiting = [message for halves in lines.values() for line in halves.values() for message in line]
    return Folded(
        tuple(sorted(threads, key=lambda each: (each.first.said_us, each.first.id))),
        tuple(each for _, each in sorted(refused.items())),
        tuple(sorted(waiting, key=lambda each: each.id)),
    )


def _threaded(
    lines: list[list[Message]], refused: dict[str, tuple[Message, InputError | Refused]], pact: Pact
) -> Thread | None:
    """One thread of its senders' lines; what is taken or refused is taken out of them, what is left waits."""
    thread: Thread | None = None
    moved = True
    while moved:
        moved = False
        for line in lines:
            while line:
                message = line[0]
                try:
                    if message.re and (message.re in refused or message.thread in refused):
                        raise _rests_on_refused(message)
                    thread = _step(thread, message, pact)
                except (InputError, Refused) as error:
                    if isinstance(error, Refused) and error.reason is Reason.NOT_NOW:
                        break
                    refused[message.id] = (message, error)
                del line[0]
                moved = True
    return thread


def _step(thread: Thread | None, message: Message, pact: Pact) -> Thread:
    if thread is not None:
        return thread.take(message, pact)
    if message.id == message.thread:
        return opened(message, pact)
    raise Refused(Reason.NOT_NOW, "its thread is not here yet", where=_place(message), found=message.thread)


def _rests_on_refused(message: Message) -> Refused:
    return Refused(
        Reason.INVALID,
        "what it answers was refused",
        where=_place(message),
        found=message.re,
    )


def read_back(about: Message, message: Message, pact: Pact) -> Difference:
    """How far a read-back is from what it answers.

    Raises
    ------
    Refused
        INVALID: there is nothing to be read back, or another number of positions.
    """
    body = about.body
    if not isinstance(body, Notice | Alarm) or not body.points:
        raise Refused(
            Reason.INVALID,
            "nothing to read back: no position was given",
            where=_place(message),
            found=about.id,
            expected="a notice, zone or alarm with a position",
        )
    assert isinstance(message.body, Repeated)  # noqa: S101  # by the table of bodies
    return difference(body, message.body, pact.readback)


# -- the table, asked ---------------------------------------------------------------------------------------


def _row(message: Message, about: Message) -> Row:
    """The row that fits a message that answers another.

    Raises
    ------
    Refused
        INVALID: none does.
    """
    rows = [row for row in rows_of(message.kind) if not row.opens]
    if isinstance(message.body, Acknowledged):
        rows = [row for row in rows if row.level is message.body.level]
        if not rows:
            raise Refused(
                Reason.INVALID,
                "a level that nobody can vouch for like this",
                where=_place(message),
                found=f"{message.body.level.value} {message.body.level.text}",
                expected="2, 4 or 5; a READBACK proves 3, a RECEIPT 1",
            )
    if not rows:
        raise Refused(
            Reason.INVALID,
            f"a {message.kind.value} within a thread",
            where=_place(message),
            expected="one that opens a thread of its own",
        )
    (row,) = rows
    own = about.sender == message.sender
    fits = row.whose is Whose.ANY or (row.whose is Whose.OWN) is own
    if about.kind not in row.answers or not fits:
        kinds = ", ".join(kind.value for kind in row.answers)
        raise Refused(
            Reason.INVALID,
            f"a {message.kind.value} does not answer that",
            where=_place(message),
            found=f"a {about.kind.value} of {about.sender}",
            expected=f"{row.whose.value} {kinds}",
        )
    return row


def _allowed(
    row: Row, message: Message, about: Message | None, side: Side, mine: tuple[Message, ...]
) -> None:
    """Hold a message against its row and its sender's half."""
    where = _place(message)
    if row.side is not Side.EITHER and row.side is not side:
        raise Refused(
            Reason.FORBIDDEN,
            f"a {message.kind.value} of {side.value}",
            where=where,
            found=message.sender,
            expected=f"of {row.side.value}",
        )
    if message.post < row.post:
        raise Refused(
            Reason.FORBIDDEN,
            f"a {message.kind.value} by a post that may not say it",
            where=where,
            found=message.post.word,
            expected=f"{row.post.word}, or higher",
        )
    if type(message.body) is not BODIES[message.kind]:
        raise Refused(
            Reason.INVALID,
            f"a {message.kind.value} with what belongs to another kind",
            where=where,
            found=type(message.body).__name__,
            expected=BODIES[message.kind].__name__,
        )
    if message.kind in WORDS_NEEDED and message.text is None:
        raise Refused(Reason.INVALID, f"a {message.kind.value} without words", where=where, expected="a text")
    phase = _phase(mine) if row.moves else None
    if phase is not None and phase not in row.after:
        raise Refused(
            Reason.INVALID,
            f"a {message.kind.value} after what {message.sender} has said already",
            where=where,
            found=phase.value,
            expected=" or ".join(each.value for each in row.after),
        )
    reached = _level(about, mine) if about is not None and row.needs else row.needs
    if reached < row.needs:
        raise Refused(
            Reason.INVALID,
            f"level {row.level.value} without the proof of level {row.needs.value}",
            where=where,
            found=f"{reached.value} {reached.text}",
            expected=f"{row.needs.value} {row.needs.text}",
        )
    body = message.body
    if isinstance(body, Acknowledged) and (body.level > Level.OPENED) is not bool(body.to_whom):
        raise Refused(
            Reason.INVALID,
            "passed down to nobody named" if body.level > Level.OPENED else "opened, and to whom",
            where=f"{where}: to_whom",
            found=body.to_whom,
            expected="whom it was passed down to, or the unit: with levels 4 and 5 alone",
        )


def _belongs(first: Message, message: Message) -> None:
    """Refuse what was said elsewhere, to somebody else, or under something else."""
    where = _place(message)
    if message.thread != first.id:
        raise Refused(
            Reason.CONFLICT, "of another thread", where=where, found=message.thread, expected=first.id
        )
    if {message.sender, message.to} != {first.sender, first.to}:
        raise Refused(
            Reason.CONFLICT,
            "between other parties",
            where=where,
            found=f"{message.sender} to {message.to}",
            expected=f"{first.sender} and {first.to}",
        )
    if message.pact != first.pact:
        raise Refused(
            Reason.CONFLICT, "under another pact", where=where, found=message.pact, expected=first.pact
        )
    if message.data_mode is not first.data_mode:
        raise ModeError(
            "a message of another data mode than its thread",
            where=where,
            found=message.data_mode.value,
            expected=first.data_mode.value,
        )


def _carried(message: Message, pact: Pact) -> None:
    """Refuse what an intermediary brought that may not bring it."""
    if message.carrier:
        _forwards(pact, message.carrier, message.sender, message)


def _forwards(pact: Pact, intermediary: str, on_behalf_of: str, message: Message) -> None:
    if not may_forward(pact, intermediary, on_behalf_of, message.to):
        raise Refused(
            Reason.FORBIDDEN,
            f"the pact does not let {intermediary} forward that",
            where=_place(message),
            found=f"on behalf of {on_behalf_of}, to {message.to}",
            expected="an intermediary that the pact names for both",
        )


def _amends(message: Message, about: Message) -> None:
    now, before = message.body, about.body
    assert isinstance(now, Notice)  # noqa: S101  # by the table of bodies
    assert isinstance(before, Notice)  # noqa: S101  # it answers a notice
    if (now.filing, now.ref, now.version) != (before.filing, before.ref, before.version + 1):
        raise Refused(
            Reason.INVALID,
            "amends something else",
            where=_place(message),
            found=f"{now.filing.value} {now.ref}, version {now.version}",
            expected=f"{before.filing.value} {before.ref}, version {before.version + 1}",
        )


def _call(message: Message, call: Call) -> None:
    if {call.caller, call.called} != {message.sender, message.to}:
        raise Refused(
            Reason.INVALID,
            "a call between others",
            where=_place(message),
            found=f"{call.caller} to {call.called}",
            expected=f"{message.sender} and {message.to}",
        )


def _phase(said: tuple[Message, ...]) -> Phase:
    """Where a half is: where its last message that led anywhere has led."""
    led = (LEADS.get((message.kind, not message.re)) for message in reversed(said))
    return next((phase for phase in led if phase is not None), Phase.NONE)


def _level(about: Message, said: tuple[Message, ...]) -> Level:
    """The highest level that these messages of the other side prove for one."""
    return max((_proves(message) for message in said if message.re == about.id), default=Level.SENT)


def _proves(message: Message) -> Level:
    if isinstance(message.body, Acknowledged):
        return message.body.level
    return next(row.level for row in rows_of(message.kind) if not row.opens)


def _still(message: Message) -> bool:
    """Whether a message leads its sender's half nowhere and needs nothing of it: it may come late."""
    level = getattr(message.body, "level", None)
    rows = [row for row in rows_of(message.kind) if row.answers and level in {None, row.level}]
    return all(row.leads is None and not row.moves and not row.needs for row in rows)


def _words(said: tuple[Message, ...]) -> int:
    """How many of these count: a machine's receipts do not."""
    return sum(message.kind is not Kind.RECEIPT for message in said)


def _place(message: Message) -> str:
    return f"{message.kind.value} {message.serial} of {message.sender}"
