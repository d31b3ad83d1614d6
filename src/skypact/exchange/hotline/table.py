"""The hotline's one table: which message may be said by whom, in answer to what, and what it moves.

Law: :data:`TABLE` is all there is; what is not in it is refused. **A thread has two halves, and a message
moves its sender's half alone.** What a message may do depends on its sender's own earlier messages and on the
one that it answers, never on what else had come by then. So the two sides' messages can cross on their way in
any manner, and the thread is the same.

The other side's half knows levels, and each level has its proof (``docs/hotline.md`` draws both):

====== ========================== ===========================================================================
level  in words                   its proof
====== ========================== ===========================================================================
0      sent                       the message
1      delivered                  a RECEIPT, or anything that answers it: an answer names it by its digest
2      opened by a person         ACK 2, or an answer that only a person gives
3      read back correctly        a READBACK within the pact's tolerances, and nothing else
4      passed down, to whom       ACK 4, after the same side's level 3
5      the executing unit         ACK 5, after the same side's level 4
====== ========================== ===========================================================================

None of them means agreed, permitted or guaranteed. A suspended channel forbids nothing: a message that could
keep somebody from harm is not refused for a political act. That it is suspended is shown.
"""

from __future__ import annotations

import enum
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.exchange.hotline.messages import (
    Acknowledged,
    Alarm,
    Call,
    Carried,
    Kind,
    Notice,
    Plain,
    Post,
    Question,
    Received,
    Released,
    Repeated,
    Replied,
)
from skypact.pact.terms import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Side(enum.Enum):
    """Which side of a thread may say something."""

    OPENER = "who opened it"
    OTHER = "the other side"
    EITHER = "either side"


class Whose(enum.Enum):
    """Whose message is answered."""

    OWN = "its own"
    THEIRS = "the other's"
    ANY = "anybody's"


class Phase(enum.Enum):
    """Where a side's own half is."""

    NONE = "nothing said"
    OPEN = "open"
    PRESSED = "asked twice"
    ENDED = "ended"


class Timer(enum.Enum):
    """What runs from a message on."""

    RECEIPT = "receipt"
    PHONE = "phone"
    STOP_RECEIPT = "receipt of a stop"
    LEVEL = "level"
    QUERY = "answer"
    URGENT_QUERY = "urgent answer"
    INCIDENT_REPORT = "incident report"


@dataclass(frozen=True, slots=True)
class Row:
    """What holds for one kind of message.

    Attributes
    ----------
    kind, means
        The kind, and what it says.
    side, post
        Which side may say it, and the least post that may.
    answers, whose
        The kinds that it answers, and whose; a row that answers nothing opens a thread.
    after, leads
        The phases of its sender's half in which it may be said, and where it leads; None: it stays.
    needs, level
        The level of what it answers that the same side must have reached, and the one that it proves.
    starts, stops
        The timers that run from it on, and those of what it answers that it stops.
    """

    kind: Kind
    means: str
    side: Side
    post: Post
    answers: tuple[Kind, ...] = ()
    whose: Whose = Whose.THEIRS
    after: tuple[Phase, ...] = tuple(Phase)
    leads: Phase | None = None
    needs: Level = Level.SENT
    level: Level = Level.SENT
    starts: tuple[Timer, ...] = ()
    stops: tuple[Timer, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether it opens a thread."""
        return not self.answers

    @property
    def moves(self) -> bool:
        """Whether it depends on where its sender's half is."""
        return len(self.after) < len(Phase)


_WIDTH: Final = 48
_NONE, _OPEN = (Phase.NONE,), (Phase.OPEN,)
_TOLD = (Timer.RECEIPT, Timer.PHONE)
_CAME = (Timer.RECEIPT, Timer.PHONE, Timer.STOP_RECEIPT)
_ASKED = (Timer.QUERY, Timer.URGENT_QUERY)

NOTICES: Final = (Kind.NOTIFY, Kind.AMEND)
ALARMS: Final = (Kind.STOP, Kind.HAZARD)
QUESTIONS: Final = (Kind.QUERY, Kind.SECOND_QUERY)
STANCES: Final = (Kind.ZONE_RECOGNISE, Kind.ZONE_REJECT, Kind.ZONE_RESERVE)
_STATED = (*NOTICES, *ALARMS, Kind.ZONE_DECLARE)
_BY_PEOPLE = tuple(kind for kind in Kind if kind not in {Kind.RECEIPT, Kind.ACK, Kind.FORWARD})

TABLE: Final = (
    # what opens a thread
    Row(
        Kind.NOTIFY,
        "here is something that you should know of: where, and when",
        Side.OPENER,
        Post.WATCH_KEEPER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=(*_TOLD, Timer.LEVEL),
    ),
    Row(
        Kind.STOP,
        "stop, now, there",
        Side.OPENER,
        Post.WATCH_KEEPER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=(Timer.STOP_RECEIPT, Timer.INCIDENT_REPORT),
    ),
    Row(
        Kind.HAZARD,
        "there is danger, now, there",
        Side.OPENER,
        Post.WATCH_KEEPER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=(Timer.STOP_RECEIPT, Timer.INCIDENT_REPORT),
    ),
    Row(
        Kind.QUERY,
        "answer this, within the pact's term",
        Side.OPENER,
        Post.WATCH_KEEPER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=(*_TOLD, *_ASKED),
    ),
    Row(
        Kind.CHECK_IN,
        "is this line alive, and who is on it",
        Side.OPENER,
        Post.WATCH_KEEPER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=_TOLD,
    ),
    Row(
        Kind.ZONE_DECLARE,
        "this airspace has this meaning to us",
        Side.OPENER,
        Post.DUTY_OFFICER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=(*_TOLD, Timer.LEVEL),
    ),
    Row(
        Kind.SUSPEND,
        "we suspend the channel; what comes is still taken in",
        Side.OPENER,
        Post.DUTY_OFFICER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=_TOLD,
    ),
    Row(
        Kind.CALL_RECORD,
        "there was a call: who rang whom, when, and what was said",
        Side.OPENER,
        Post.WATCH_KEEPER,
        after=_NONE,
        leads=Phase.OPEN,
        starts=_TOLD,
    ),
    Row(
        Kind.FORWARD,
        "another has signed this; we have not opened it",
        Side.OPENER,
        Post.MACHINE,
        after=_NONE,
        leads=Phase.OPEN,
        starts=_TOLD,
    ),
    # what who opened it says next
    Row(
        Kind.AMEND,
        "it has changed: this holds instead",
        Side.OPENER,
        Post.WATCH_KEEPER,
        answers=NOTICES,
        whose=Whose.OWN,
        after=_OPEN,
        leads=Phase.OPEN,
        starts=(*_TOLD, Timer.LEVEL),
        stops=(*_TOLD, Timer.LEVEL),
    ),
    Row(
        Kind.CANCEL,
        "it holds no longer",
        Side.OPENER,
        Post.WATCH_KEEPER,
        answers=_STATED,
        whose=Whose.OWN,
        after=_OPEN,
        leads=Phase.ENDED,
        starts=_TOLD,
        stops=(*_CAME, Timer.LEVEL),
    ),
    Row(
        Kind.RELEASE,
        "you may pass this on to these",
        Side.OPENER,
        Post.DUTY_OFFICER,
        answers=(*NOTICES, Kind.ZONE_DECLARE),
        whose=Whose.OWN,
        after=_OPEN,
        starts=_TOLD,
    ),
    Row(
        Kind.SECOND_QUERY,
        "that is not answered: we ask once more",
        Side.OPENER,
        Post.WATCH_KEEPER,
        answers=(Kind.QUERY, Kind.ANSWER),
        whose=Whose.ANY,
        after=_OPEN,
        leads=Phase.PRESSED,
        level=Level.OPENED,
        starts=(*_TOLD, *_ASKED),
        stops=(*_CAME, *_ASKED),
    ),
    Row(
        Kind.RESUME,
        "the channel is open again on our side",
        Side.OPENER,
        Post.DUTY_OFFICER,
        answers=(Kind.SUSPEND,),
        whose=Whose.OWN,
        after=_OPEN,
        leads=Phase.ENDED,
        starts=_TOLD,
        stops=_TOLD,
    ),
    # what answers
    Row(
        Kind.RECEIPT,
        "our machine has it",
        Side.EITHER,
        Post.MACHINE,
        answers=tuple(kind for kind in Kind if kind is not Kind.RECEIPT),
        level=Level.DELIVERED,
        stops=(*_CAME, Timer.LEVEL),
    ),
    Row(
        Kind.READBACK,
        "we repeat what we have understood: where, and when",
        Side.OTHER,
        Post.WATCH_KEEPER,
        answers=_STATED,
        level=Level.READ_BACK,
        starts=_TOLD,
        stops=(*_CAME, Timer.LEVEL),
    ),
    Row(
        Kind.ACK,
        "a person here has opened it",
        Side.EITHER,
        Post.WATCH_KEEPER,
        answers=_BY_PEOPLE,
        level=Level.OPENED,
        stops=(*_CAME, Timer.LEVEL),
    ),
    Row(
        Kind.ACK,
        "it was passed down, to whom",
        Side.OTHER,
        Post.WATCH_KEEPER,
        answers=_STATED,
        needs=Level.READ_BACK,
        level=Level.PASSED_DOWN,
        starts=_TOLD,
        stops=(*_CAME, Timer.LEVEL),
    ),
    Row(
        Kind.ACK,
        "the executing unit confirms that it has it",
        Side.OTHER,
        Post.WATCH_KEEPER,
        answers=_STATED,
        needs=Level.PASSED_DOWN,
        level=Level.EXECUTING_UNIT,
        starts=_TOLD,
        stops=(*_CAME, Timer.LEVEL),
    ),
    Row(
        Kind.REPLY,
        "for whom we speak, and what we mean to do",
        Side.OTHER,
        Post.WATCH_KEEPER,
        answers=_STATED,
        level=Level.OPENED,
        starts=_TOLD,
        stops=(*_CAME, Timer.LEVEL),
    ),
    Row(
        Kind.ANSWER,
        "our answer",
        Side.OTHER,
        Post.WATCH_KEEPER,
        answers=QUESTIONS,
        level=Level.OPENED,
        starts=_TOLD,
        stops=(*_CAME, *_ASKED),
    ),
    Row(
        Kind.REPORT,
        "our first report of what has happened",
        Side.EITHER,
        Post.WATCH_KEEPER,
        answers=ALARMS,
        whose=Whose.ANY,
        level=Level.OPENED,
        starts=_TOLD,
        stops=(*_CAME, Timer.INCIDENT_REPORT),
    ),
    Row(
        Kind.CALL_RECORD,
        "the same call, as we have it",
        Side.OTHER,
        Post.WATCH_KEEPER,
        answers=(Kind.CALL_RECORD,),
        level=Level.OPENED,
        starts=_TOLD,
        stops=_CAME,
    ),
    *(
        Row(
            kind,
            means,
            Side.EITHER,
            Post.DUTY_OFFICER,
            answers=(Kind.ZONE_DECLARE,),
            whose=Whose.ANY,
            level=Level.OPENED,
            starts=_TOLD,
            stops=(*_CAME, Timer.LEVEL),
        )
        for kind, means in (
            (Kind.ZONE_RECOGNISE, "we recognise the zone, under the reservation stated, if any"),
            (Kind.ZONE_REJECT, "we do not recognise the zone"),
            (Kind.ZONE_RESERVE, "we reserve our position on the zone"),
        )
    ),
)
"""Which message may be said by whom, in answer to what; what it proves, starts and stops."""

LEADS: Final[Mapping[tuple[Kind, bool], Phase]] = {
    (row.kind, row.opens): row.leads for row in TABLE if row.leads is not None
}
"""Where a message leads its sender's half, by its kind and whether it opens a thread."""

BODIES: Final[Mapping[Kind, type]] = {
    Kind.NOTIFY: Notice,
    Kind.AMEND: Notice,
    Kind.CANCEL: Plain,
    Kind.RECEIPT: Received,
    Kind.READBACK: Repeated,
    Kind.ACK: Acknowledged,
    Kind.REPLY: Replied,
    Kind.STOP: Alarm,
    Kind.HAZARD: Alarm,
    Kind.REPORT: Plain,
    Kind.QUERY: Question,
    Kind.ANSWER: Plain,
    Kind.SECOND_QUERY: Question,
    Kind.CHECK_IN: Plain,
    Kind.ZONE_DECLARE: Notice,
    Kind.ZONE_RECOGNISE: Plain,
    Kind.ZONE_REJECT: Plain,
    Kind.ZONE_RESERVE: Plain,
    Kind.SUSPEND: Plain,
    Kind.RESUME: Plain,
    Kind.CALL_RECORD: Call,
    Kind.RELEASE: Released,
    Kind.FORWARD: Carried,
}
"""What each kind has beside."""

WORDS_NEEDED: Final = frozenset(
    {Kind.QUERY, Kind.SECOND_QUERY, Kind.ANSWER, Kind.REPORT, Kind.ZONE_RESERVE, Kind.STOP, Kind.HAZARD}
)
"""What says nothing without a person's words."""


def rows_of(kind: Kind) -> tuple[Row, ...]:
    """The rows of a kind, in the table's order."""
    return _ROWS[kind]


_ROWS: Final = {kind: tuple(row for row in TABLE if row.kind is kind) for kind in Kind}


def drawn() -> Iterator[str]:
    """The table in Markdown, a line at a time: ``docs/hotline.md`` has it, and a test holds it to that."""
    yield "| message | says | by | answers | leads | proves | starts | stops |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in TABLE:
        cells = (
            _named(row),
            row.means,
            f"{row.side.value}; {row.post.word}",
            _answered(row),
            _moved(row),
            _proven(row),
            _listed(timer.value for timer in row.starts),
            _listed(timer.value for timer in row.stops),
        )
        yield f"| {' | '.join(cells)} |"


def diagram() -> Iterator[str]:
    """The two halves of a thread as text, drawn from the table: ``docs/hotline.md`` has it."""
    yield "The half of who opened the thread:"
    yield ""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        if row.leads is not None:
            between = (_listed([phase.value for phase in row.after]), row.leads.value)
            arrows.setdefault(between, []).append(row.kind.value)
    yield from _arrows(arrows)
    yield ""
    yield "A message of theirs, by what the other side proves:"
    yield ""
    proofs: dict[tuple[str, str], list[str]] = {}
    for row in sorted(TABLE, key=lambda row: row.level):
        if row.level is not Level.SENT:
            ends = tuple(f"{level.value} {level.text}" for level in (row.needs, row.level))
            proofs.setdefault((ends[0], ends[1]), []).append(_named(row))
    yield from _arrows(proofs)


def _arrows(arrows: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    for (start, end), kinds in arrows.items():
        whole = _listed(kind.replace(" ", "~") for kind in dict.fromkeys(kinds))  # names are not broken
        over = [line.replace("~", " ") for line in textwrap.wrap(whole, _WIDTH)]
        yield f"  {start:<21} ──▶ {end:<34} {over[0]}"
        yield from (f"{'':<63}{line}" for line in over[1:])


def _answered(row: Row) -> str:
    if row.opens:
        return "opens a thread"
    left = [kind for kind in Kind if kind not in row.answers]
    kinds = f"all but {_listed(k.value for k in left)}" if len(left) < len(row.answers) else None
    return f"{row.whose.value} {kinds or _listed(kind.value for kind in row.answers)}"


def _moved(row: Row) -> str:
    return "" if row.leads is None else f"{_listed(p.value for p in row.after)} → {row.leads.value}"


def _proven(row: Row) -> str:
    if row.level is Level.SENT:
        return ""
    after = f", after {row.needs.value}" if row.needs else ""
    return f"{row.level.value} {row.level.text}{after}"


def _named(row: Row) -> str:
    return row.kind.value + (f" {row.level.value}" if row.kind is Kind.ACK else "")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
