"""The hotline's rows: messages as they were signed, how far numbers have come, threads as lists need them.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one or two statements, and no decision. A message is
inserted once and its envelope never changed; what changes of it is how it has ended. Ids are 32 raw bytes
here, and hexadecimal above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from skypact.store.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.store.tx import Tx


class EditionRow(NamedTuple):
    """A row of ``pact_edition``; the columns of the same names."""

    digest: str
    name: str
    version: int
    text: bytes
    signatures: bytes
    mark: str
    begun_us: int


class MessageRow(NamedTuple):
    """A row of ``hotline_message``; the columns of the same names."""

    id: bytes
    thread: bytes
    re: bytes | None
    kind: str
    sender: str
    recipient: str
    serial: int
    pact: str
    said_us: int
    envelope: str
    way: str
    carrier: str
    state: str
    why: str
    by: str
    tries: int
    arrived_us: int
    ended_us: int | None
    leaf: int


class ThreadRow(NamedTuple):
    """A row of ``hotline_thread``; the columns of the same names."""

    id: bytes
    kind: str
    opener: str
    other: str
    opened_us: int
    changed_us: int
    ended: bool
    due_us: int | None


class ClockRow(NamedTuple):
    """A row of ``hotline_clock``; the columns of the same names."""

    message: bytes
    party: str
    offset_us: int
    bound_us: int
    at_us: int


class CallRow(NamedTuple):
    """A row of ``hotline_call``; the columns of the same names."""

    message: bytes
    timer: str
    owed_by: str
    step: int
    contact: str
    at_us: int
    outcome: str


class Line(NamedTuple):
    """How far numbers have come: the highest that is there, and up to where none is missing."""

    serial: int
    whole: int


# -- the pact -----------------------------------------------------------------------------------------------


def editions(tx: Tx) -> list[EditionRow]:
    """Every text that was run under, the first one first."""
    return [EditionRow(*row) for row in _EDITIONS.rows(tx)]


def put_edition(tx: Tx, row: EditionRow) -> None:
    """Keep a text, with its leaf; one that is there stays as it is."""
    if any(each.digest == row.digest for each in editions(tx)):
        return
    leaf = tx.append("pact.run", row.digest, row.text)
    _INSERT_EDITION.run(tx, *row, leaf)


# -- messages -----------------------------------------------------------------------------------------------


def add(tx: Tx, row: MessageRow) -> None:
    """A new message. Its number is there from now on, whatever came of it: it is not asked for again."""
    _INSERT.many(tx, [tuple(row)])
    _count(tx, row.sender, row.recipient, row.serial)


def message(tx: Tx, ident: bytes) -> MessageRow | None:
    """The message of that id."""
    return next((MessageRow(*row) for row in _BY_ID.rows(tx, ident)), None)


def between(tx: Tx, low: bytes, high: bytes, limit: int) -> list[bytes]:
    """The ids of messages that lie between two ids, both included, in their order."""
    return [bytes(row[0]) for row in _BETWEEN.rows(tx, low, high, limit)]


def of_thread(tx: Tx, thread: bytes) -> list[MessageRow]:
    """The messages of a thread, whatever came of them, by sender and number."""
    return [MessageRow(*row) for row in _OF_THREAD.rows(tx, thread)]


def answers(tx: Tx, sender: str, idents: Sequence[bytes], kind: str) -> dict[bytes, str]:
    """The envelopes with which a party has answered these messages by a message of that kind."""
    return {bytes(re): envelope for re, envelope in _ANSWERS.rows(tx, list(idents), sender, kind)}


def numbered(tx: Tx, sender: str, recipient: str, first: int, last: int, limit: int) -> list[MessageRow]:
    """What one party has said to another, by numbers, the first and the last included; refused ones too."""
    rows = _NUMBERED.rows(tx, sender, recipient, first, last, limit)
    return [MessageRow(*row) for row in rows]


def waiting_out(tx: Tx, recipient: str, limit: int) -> list[MessageRow]:
    """What waits to be delivered to a party: alarms first, then in the order of its numbers."""
    return [MessageRow(*row) for row in _WAITING_OUT.rows(tx, recipient, limit)]


def recipients_waiting(tx: Tx) -> list[tuple[str, int, int]]:
    """To whom something waits: the party, how many messages, and since when the oldest."""
    return [(str(party), int(count), int(since)) for party, count, since in _RECIPIENTS.rows(tx)]


def waiting_in(tx: Tx, thread: bytes) -> list[MessageRow]:
    """What waits here in a thread for what it answers, by sender and number."""
    return [MessageRow(*row) for row in _WAITING_IN.rows(tx, thread)]


def waiting_of(tx: Tx, sender: str) -> int:
    """How many messages of a sender wait here."""
    return int(_WAITING_OF.rows(tx, sender)[0][0])


def skip_to(tx: Tx, sender: str, recipient: str, serial: int) -> None:
    """Numbers up to this one were used; the next one is beyond it."""
    now = line(tx, sender, recipient)
    if serial > now.serial:
        _PUT_LINE.run(tx, sender, recipient, serial, now.whole)


def delivered_to(tx: Tx, sender: str, recipient: str) -> int:
    """The highest number of a party's messages that a recipient's node has answered for; 0 for none."""
    return next((int(row[0]) for row in _DELIVERED_TO.rows(tx, sender, recipient) if row[0]), 0)


def end(tx: Tx, ident: bytes, state: str, why: str, now_us: int) -> None:
    """How a waiting message has ended; one that has ended stays as it is."""
    _END.run(tx, ident, state, why, now_us)


def tried(tx: Tx, idents: Sequence[bytes]) -> None:
    """These were sent once more, and there was no answer."""
    _TRIED.run(tx, list(idents))


def arrived(tx: Tx, after_us: int, limit: int) -> list[MessageRow]:
    """What was written here after an instant, the oldest first."""
    return [MessageRow(*row) for row in _ARRIVED.rows(tx, after_us, limit)]


# -- numbers ------------------------------------------------------------------------------------------------


def line(tx: Tx, sender: str, recipient: str) -> Line:
    """How far a sender's numbers to a recipient have come."""
    return next((Line(*row) for row in _LINE.rows(tx, sender, recipient)), Line(0, 0))


def _count(tx: Tx, sender: str, recipient: str, serial: int) -> None:
    now = line(tx, sender, recipient)
    whole = now.whole
    if serial == whole + 1:
        whole = serial
        if now.serial > serial:  # what was missing has come: up to where is nothing missing now?
            later = [int(row[0]) for row in _SERIALS.rows(tx, sender, recipient, serial)]
            for each in later:
                if each > whole + 1:
                    break
                whole = max(whole, each)
    if (max(now.serial, serial), whole) != (now.serial, now.whole):
        _PUT_LINE.run(tx, sender, recipient, max(now.serial, serial), whole)


# -- threads ------------------------------------------------------------------------------------------------


def put_thread(tx: Tx, row: ThreadRow) -> None:
    """How a thread stands, for lists."""
    _PUT_THREAD.run(tx, *row)


def threads(tx: Tx, before_us: int, limit: int, *, open_only: bool) -> list[ThreadRow]:
    """Threads by their last change, the latest first, those that changed before an instant."""
    statement = _THREADS_OPEN if open_only else _THREADS
    return [_thread(row) for row in statement.rows(tx, before_us, limit)]


def threads_at(tx: Tx, changed_us: int, *, open_only: bool) -> list[ThreadRow]:
    """Threads that changed last at one instant: a batch's, which one page shows together."""
    statement = _THREADS_AT_OPEN if open_only else _THREADS_AT
    return [_thread(row) for row in statement.rows(tx, changed_us)]


def threads_due(tx: Tx, now_us: int, limit: int) -> list[ThreadRow]:
    """Threads of which something is due."""
    return [_thread(row) for row in _THREADS_DUE.rows(tx, now_us, limit)]


def set_due(tx: Tx, ident: bytes, due_us: int | None) -> None:
    """When something of a thread is due next."""
    _SET_DUE.run(tx, ident, due_us)


# -- clocks and calls ---------------------------------------------------------------------------------------


def put_clock(tx: Tx, row: ClockRow) -> None:
    """An offset of clocks; the first of a message stays."""
    _PUT_CLOCK.run(tx, *row)


def clock(tx: Tx, party: str) -> ClockRow | None:
    """The last offset that is known of a party's clock."""
    return next((ClockRow(*row) for row in _CLOCK.rows(tx, party)), None)


def clocks(tx: Tx, party: str, from_us: int, to_us: int) -> list[ClockRow]:
    """The offsets of a party's clock in a span of time, both ends included."""
    return [ClockRow(*row) for row in _CLOCKS.rows(tx, party, from_us, to_us)]


def add_call(tx: Tx, row: CallRow) -> bool:
    """Somebody is to be called; False where he was called for that before."""
    made = _ADD_CALL.rows(tx, *row)
    return bool(made)


def call_ended(tx: Tx, row: CallRow, outcome: str) -> None:
    """What came of a call."""
    _END_CALL.run(tx, row.message, row.timer, row.owed_by, row.step, outcome)


def calls_open(tx: Tx, limit: int) -> list[CallRow]:
    """Calls of which nothing is known yet."""
    return [CallRow(*row) for row in _CALLS_OPEN.rows(tx, limit)]


def calls_of(tx: Tx, messages: Sequence[bytes]) -> list[CallRow]:
    """Who was called for these messages, in the order of the calls."""
    return [CallRow(*row) for row in _CALLS_OF.rows(tx, list(messages))]


def _thread(row: Sequence[object]) -> ThreadRow:
    found = ThreadRow(*row)  # type: ignore[arg-type]  # as the columns have them
    return found._replace(ended=bool(found.ended))  # SQLite has no booleans


_MESSAGE: Final = ", ".join(f'"{name}"' if name == "by" else name for name in MessageRow._fields)
_SELECT: Final = f"SELECT {_MESSAGE} FROM hotline_message"  # noqa: S608  # names of columns
_EDITIONS: Final = Sql(
    "SELECT digest, name, version, text, signatures, mark, begun_us FROM pact_edition"
    " ORDER BY begun_us, version"
)
_INSERT_EDITION: Final = Sql(
    "INSERT INTO pact_edition (digest, name, version, text, signatures, mark, begun_us, leaf)"
    " VALUES ({values 8})"
)
_INSERT: Final = Sql(f"INSERT INTO hotline_message ({_MESSAGE}) VALUES ({{values 19}})")  # noqa: S608
_BY_ID: Final = Sql(f"{_SELECT} WHERE id = $1")
_BETWEEN: Final = Sql("SELECT id FROM hotline_message WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3")
_OF_THREAD: Final = Sql(f"{_SELECT} WHERE thread = $1 ORDER BY sender, serial, id")
_ANSWERS: Final = Sql(
    "SELECT re, envelope FROM hotline_message WHERE re = ANY($1::bytea[]) AND sender = $2 AND kind = $3"
)
_NUMBERED: Final = Sql(
    f"{_SELECT} WHERE sender = $1 AND recipient = $2 AND serial >= $3 AND serial <= $4"
    " ORDER BY serial, id LIMIT $5"
)
_WAITING_OUT: Final = Sql(
    f"{_SELECT} WHERE state = 'waiting' AND way = 'out' AND recipient = $1"
    " ORDER BY CASE WHEN kind IN ('STOP', 'HAZARD') THEN 0 ELSE 1 END, serial LIMIT $2"
)
_RECIPIENTS: Final = Sql(
    "SELECT recipient, count(*), min(arrived_us) FROM hotline_message"
    " WHERE state = 'waiting' AND way = 'out' GROUP BY recipient ORDER BY recipient"
)
_WAITING_IN: Final = Sql(
    f"{_SELECT} WHERE thread = $1 AND state = 'waiting' AND way = 'in' ORDER BY sender, serial"
)
_WAITING_OF: Final = Sql(
    "SELECT count(*) FROM hotline_message WHERE sender = $1 AND state = 'waiting' AND way = 'in'"
)
_DELIVERED_TO: Final = Sql(
    "SELECT serial FROM hotline_message WHERE sender = $1 AND recipient = $2 AND way = 'out'"
    " AND state = 'delivered' ORDER BY serial DESC LIMIT 1"
)
_END: Final = Sql(
    "UPDATE hotline_message SET state = $2, why = $3, ended_us = $4 WHERE id = $1 AND state = 'waiting'"
)
_TRIED: Final = Sql("UPDATE hotline_message SET tries = tries + 1 WHERE id = ANY($1::bytea[])")
_ARRIVED: Final = Sql(f"{_SELECT} WHERE arrived_us > $1 ORDER BY arrived_us, sender, serial LIMIT $2")
_LINE: Final = Sql("SELECT serial, whole FROM hotline_line WHERE sender = $1 AND recipient = $2")
_SERIALS: Final = Sql(
    "SELECT DISTINCT serial FROM hotline_message WHERE sender = $1 AND recipient = $2 AND serial > $3"
    " ORDER BY serial"
)
_PUT_LINE: Final = Sql(
    "INSERT INTO hotline_line (sender, recipient, serial, whole) VALUES ({values 4})"
    " ON CONFLICT (sender, recipient) DO UPDATE SET serial = excluded.serial, whole = excluded.whole"
)
_THREAD_COLUMNS: Final = ", ".join(ThreadRow._fields)
_PUT_THREAD: Final = Sql(
    f"INSERT INTO hotline_thread ({_THREAD_COLUMNS}) VALUES ({{values 8}})"  # noqa: S608
    " ON CONFLICT (id) DO UPDATE SET changed_us = excluded.changed_us, ended = excluded.ended,"
    " due_us = excluded.due_us"
)
_SELECT_THREAD: Final = f"SELECT {_THREAD_COLUMNS} FROM hotline_thread"  # noqa: S608
_THREADS: Final = Sql(f"{_SELECT_THREAD} WHERE changed_us < $1 ORDER BY changed_us DESC, id LIMIT $2")
_THREADS_OPEN: Final = Sql(
    f"{_SELECT_THREAD} WHERE changed_us < $1 AND NOT ended ORDER BY changed_us DESC, id LIMIT $2"
)
_THREADS_AT: Final = Sql(f"{_SELECT_THREAD} WHERE changed_us = $1 ORDER BY id")
_THREADS_AT_OPEN: Final = Sql(f"{_SELECT_THREAD} WHERE changed_us = $1 AND NOT ended ORDER BY id")
_THREADS_DUE: Final = Sql(f"{_SELECT_THREAD} WHERE due_us <= $1 ORDER BY due_us LIMIT $2")
_SET_DUE: Final = Sql("UPDATE hotline_thread SET due_us = $2 WHERE id = $1")
_PUT_CLOCK: Final = Sql(
    "INSERT INTO hotline_clock (message, party, offset_us, bound_us, at_us) VALUES ({values 5})"
    " ON CONFLICT (message) DO NOTHING"
)
_SELECT_CLOCK: Final = "SELECT message, party, offset_us, bound_us, at_us FROM hotline_clock"
_CLOCK: Final = Sql(f"{_SELECT_CLOCK} WHERE party = $1 ORDER BY at_us DESC LIMIT 1")
_CLOCKS: Final = Sql(f"{_SELECT_CLOCK} WHERE party = $1 AND at_us >= $2 AND at_us <= $3 ORDER BY at_us")
_CALL_COLUMNS: Final = ", ".join(CallRow._fields)
_ADD_CALL: Final = Sql(
    f"INSERT INTO hotline_call ({_CALL_COLUMNS}) VALUES ({{values 7}})"  # noqa: S608
    " ON CONFLICT DO NOTHING RETURNING step"
)
_END_CALL: Final = Sql(
    "UPDATE hotline_call SET outcome = $5 WHERE message = $1 AND timer = $2 AND owed_by = $3 AND step = $4"
)
_SELECT_CALLS: Final = f"SELECT {_CALL_COLUMNS} FROM hotline_call"  # noqa: S608
_CALLS_OPEN: Final = Sql(f"{_SELECT_CALLS} WHERE outcome = '' ORDER BY at_us LIMIT $1")
_CALLS_OF: Final = Sql(f"{_SELECT_CALLS} WHERE message = ANY($1::bytea[]) ORDER BY at_us, timer, step")
