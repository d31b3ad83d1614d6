"""Messages to others: taken in order, under a lease, until they have ended.

Law: a message that was decided is delivered, or it is known why not. Of one lane (an order key) only the
first waiting message can be taken, by one holder at a time; a holder that dies loses its lease when it runs
out, and the message is taken again, so that a receiver may see one twice and never sees the second before the
first. Every attempt is kept. A message ends once (:data:`ENDINGS`); what comes later changes nothing but the
record.

No function here reads a clock: ``now_us`` is an argument, and patience (when to try again) is the courier's.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import (
    Integer,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from skypact.store.schema import attempt, lane, outbox, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping

    from skypact.store.tx import Tx

ENDINGS: Final = {
    "delivered": "the receiver answered that it has it",
    "refused": "the receiver, or a rule of ours, refused it for good",
    "expired": "it was still waiting at its not_after_us",
    "withdrawn": "what it was about has ended; nobody needs it any more",
}
"""How a message ends, and what that means; until then it is ``waiting``."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken; fields as for :meth:`skypact.store.tx.Tx.out`.

    Attributes
    ----------
    attempts
        How often it was tried before.
    failures
        How often its lane failed in a row; what to reckon the next pause from.
    lease
        What shows that it is the caller who has it.
    """

    id: int
    lane: str
    party: str
    topic: str
    ref: str
    url: str
    method: str
    scope: str
    body: bytes | None
    made_us: int
    not_after_us: int
    attempts: int
    failures: int
    lease: bytes


@dataclass(frozen=True, slots=True)
class Reach:
    """How far messages to one party, about one thing, on one lane have come.

    Attributes
    ----------
    waiting
        How many have not been delivered, and may be yet.
    oldest_us
        When the oldest of those was decided; None where none waits.
    delivered, refused, expired, withdrawn
        How many have ended so, and are still kept.
    last_delivered_us
        When the last one was delivered; None if none was.
    failures, due_us
        How often the lane has failed in a row, and when it is tried next (None where none waits).
    last_status, last_fault
        What came of the last attempt at the first waiting message: an HTTP status, or why there is none.
    """

    party: str
    lane: str
    waiting: int
    oldest_us: int | None
    delivered: int
    refused: int
    expired: int
    withdrawn: int
    last_delivered_us: int | None
    failures: int
    due_us: int | None
    last_status: int | None
    last_fault: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when it ended, how long it took, what came back: ``status``, or a ``fault`` and none."""

    number: int
    at_us: int
    took_us: int
    status: int | None
    fault: str


def enqueue(connection: Connection, key: str, message: int, now_us: int) -> None:
    """Put a message at the end of its lane. A lane that is there already keeps its patience and its lease."""
    connection.execute(_INSERT_WAITING, {"lane": key, "message": message})
    upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(
        upsert(lane).on_conflict_do_nothing(index_elements=["lane"]),
        {"lane": key, "due_us": now_us, "leased_us": 0, "failures": 0},
    )


class Due(NamedTuple):
    """A lane that is due and held by nobody, and where its first message goes."""

    lane: str
    failures: int
    url: str


def due(tx: Tx, *, now_us: int, limit: int) -> list[Due]:
    """Lanes that can be taken: those that have not failed first, then the longest due."""
    rows = tx.connection.execute(_DUE_TO, {"now": now_us, "limit": limit})
    return [Due(key, int(failures), url or "") for key, failures, url in rows]


def take(
    tx: Tx, *, now_us: int, lease_us: int, limit: int, lanes: Sequence[str] | None = None
) -> list[Message]:
    """Take the first message of up to ``limit`` lanes that are due and held by nobody.

    Of ``lanes`` only, where they are given. What has passed its ``not_after_us`` ends as ``expired`` on the
    way. The caller sends what it got and
    tells :func:`delivered`, :func:`failed` or :func:`refused` before ``now_us + lease_us``; after that
    somebody else may have taken it.
    """
    if lanes is None:
        found = tx.connection.execute(_DUE, {"now": now_us, "limit": limit}).all()
    else:
        named = {"now": now_us, "limit": limit, "lanes": list(lanes)}
        found = tx.connection.execute(_DUE_OF, named).all()
    taken = []
    for key, failures in found:
        first = _first(tx, key, now_us)
        if first is None:
            tx.connection.execute(_DELETE_LANE, {"key": key})
            continue
        lease = secrets.token_bytes(16)
        tx.connection.execute(_LEASE, {"key": key, "to_holder": lease, "to_leased_us": now_us + lease_us})
        taken.append(Message(**first, failures=failures, lease=lease))
    return taken


def next_due_us(tx: Tx, *, after_us: int | None = None) -> int | None:
    """The earliest instant at which something can be taken: a lane due, or a lease run out; None if never.

    ``after_us``: of those after this instant.
    """
    if after_us is None:
        value = tx.connection.execute(_NEXT_DUE).scalar_one()
    else:
        value = tx.connection.execute(_NEXT_DUE_AFTER, {"after": after_us}).scalar_one()
    return None if value is None else int(value)


def delivered(tx: Tx, message: Message, *, now_us: int, took_us: int, status: int) -> bool:
    """It was delivered. False when it had ended already: then only the attempt is recorded."""
    return _ended(tx, message, "delivered", now_us, took_us, status, "")


def refused(tx: Tx, message: Message, *, now_us: int, took_us: int, status: int | None, fault: str) -> bool:
    """It will never be delivered: refused for good. False when it had ended already."""
    return _ended(tx, message, "refused", now_us, took_us, status, fault)


def failed(
    tx: Tx, message: Message, *, now_us: int, took_us: int, status: int | None, fault: str, again_us: int
) -> bool:
    """Not delivered this time; its lane is tried again at ``again_us``. False when it had ended already."""
    waits = _record(tx, message, now_us, took_us, status, fault)
    if waits:
        tx.connection.execute(
            _RELEASE,
            {
                "key": message.lane,
                "mine": message.lease,
                "to_due_us": again_us,
                "to_failures": message.failures + 1,
            },
        )
    else:
        _let_go(tx, message, now_us)
    return waits


def withdraw(tx: Tx, ref: str, *, now_us: int, topic: str | None = None) -> int:
    """End what waits about ``ref``, of one topic or all; returns how many. One on its way may arrive."""
    # the state is written out, so that both databases see that their partial index answers it
    matching = and_(outbox.c.ref == ref, text("state = 'waiting'"))
    if topic is not None:
        matching = and_(matching, outbox.c.topic == topic)
    ended = tx.connection.execute(
        update(outbox)
        .where(matching)
        .values(state="withdrawn", ended_us=now_us)
        .returning(outbox.c.lane, outbox.c.id)
    ).all()
    for key, message in ended:
        tx.connection.execute(_DEQUEUE, {"key": key, "message": message})
    return len(ended)


def reach(tx: Tx, *, party: str | None = None) -> list[Reach]:
    """Who has been reached and who has not: each party and lane that messages are kept of, in that order."""
    heads = (
        select(waiting.c.lane, func.min(waiting.c.message).label("id")).group_by(waiting.c.lane).subquery()
    )
    tries = (
        select(heads.c.lane, attempt.c.status, attempt.c.fault)
        .join(outbox, outbox.c.id == heads.c.id)
        .join(attempt, and_(attempt.c.message == outbox.c.id, attempt.c.number == outbox.c.attempts))
    )
    last = {key: (status, fault) for key, status, fault in tx.connection.execute(tries)}
    lanes = {row.lane: row for row in tx.connection.execute(select(lane))}
    query = (
        select(
            outbox.c.party,
            outbox.c.lane,
            outbox.c.state,
            func.count().label("count"),
            func.min(outbox.c.made_us).label("oldest_us"),
            func.max(outbox.c.ended_us).label("last_us"),
        )
        .group_by(outbox.c.party, outbox.c.lane, outbox.c.state)
        .order_by(outbox.c.party, outbox.c.lane)
    )
    if party is not None:
        query = query.where(outbox.c.party == party)
    found: dict[tuple[str, str], dict[str, RowMapping]] = {}
    for row in tx.connection.execute(query).mappings():
        found.setdefault((row["party"], row["lane"]), {})[row["state"]] = row
    result = []
    for (whom, key), states in found.items():
        counts = {state: int(states[state]["count"]) if state in states else 0 for state in _STATES}
        open_ = lanes.get(key) if counts["waiting"] else None
        status, fault = last.get(key, (None, "")) if counts["waiting"] else (None, "")
        result.append(
            Reach(
                party=whom,
                lane=key,
                **counts,
                oldest_us=states["waiting"]["oldest_us"] if "waiting" in states else None,
                last_delivered_us=states["delivered"]["last_us"] if "delivered" in states else None,
                failures=open_.failures if open_ is not None else 0,
                due_us=open_.due_us if open_ is not None else None,
                last_status=status,
                last_fault=fault,
            )
        )
    return result


def attempts(tx: Tx, message: int) -> list[Attempt]:
    """Every try at a message, first to last."""
    query = (
        select(attempt.c.number, attempt.c.at_us, attempt.c.took_us, attempt.c.status, attempt.c.fault)
        .where(attempt.c.message == message)
        .order_by(attempt.c.number)
    )
    return [Attempt(*row) for row in tx.connection.execute(query)]


_STATES: Final = ("waiting", *ENDINGS)


def _first(tx: Tx, key: str, now_us: int) -> RowMapping | None:
    """The first waiting message of a lane; those that have expired end."""
    first = tx.connection.execute(_FIRST, {"key": key}).mappings().first()
    if first is None or first["not_after_us"] > now_us:
        return first
    tx.connection.execute(_EXPIRE, {"key": key, "now": now_us})
    tx.connection.execute(_DEQUEUE_ENDED, {"key": key})
    return tx.connection.execute(_FIRST, {"key": key}).mappings().first()


def _record(tx: Tx, message: Message, now_us: int, took_us: int, status: int | None, fault: str) -> bool:
    """Keep an attempt; whether the message waits still."""
    row = tx.connection.execute(_STATE, {"key": message.id}).first()
    if row is None:  # pruned meanwhile
        return False
    number = row.attempts + 1
    tx.connection.execute(_COUNT, {"key": message.id, "to_attempts": number})
    tx.connection.execute(
        _INSERT_ATTEMPT,
        {
            "message": message.id,
            "number": number,
            "at_us": now_us,
            "took_us": took_us,
            "status": status,
            "fault": fault,
        },
    )
    return bool(row.state == "waiting")


def _ended(
    tx: Tx, message: Message, ending: str, now_us: int, took_us: int, status: int | None, fault: str
) -> bool:
    waits = _record(tx, message, now_us, took_us, status, fault)
    if waits:
        tx.connection.execute(_END, {"key": message.id, "to_state": ending, "to_ended_us": now_us})
        tx.connection.execute(_DEQUEUE, {"key": message.lane, "message": message.id})
    _let_go(tx, message, now_us)
    return waits


def _let_go(tx: Tx, message: Message, now_us: int) -> None:
    """Give the lane back, if it is still ours: due at once for the next message, or gone with the last."""
    tx.connection.execute(
        _RELEASE, {"key": message.lane, "mine": message.lease, "to_due_us": now_us, "to_failures": 0}
    )
    if tx.connection.execute(_FIRST, {"key": message.lane}).first() is None:
        tx.connection.execute(_DELETE_LANE, {"key": message.lane})


_DUE = (
    select(lane.c.lane, lane.c.failures)
    .where(lane.c.due_us <= bindparam("now"), lane.c.leased_us <= bindparam("now"))
    .order_by(lane.c.due_us, lane.c.lane)
    .limit(bindparam("limit", type_=Integer))
)
_DUE_OF = _DUE.where(lane.c.lane.in_(bindparam("lanes", expanding=True)))
_FREE_US = case((lane.c.due_us > lane.c.leased_us, lane.c.due_us), else_=lane.c.leased_us)
_NEXT_DUE = select(func.min(_FREE_US))
_NEXT_DUE_AFTER = select(func.min(_FREE_US)).where(bindparam("after") < _FREE_US)
_FIRST = select(
    *(
        outbox.c[name]
        for name in (
            "id",
            "lane",
            "party",
            "topic",
            "ref",
            "url",
            "method",
            "scope",
            "body",
            "made_us",
            "not_after_us",
            "attempts",
        )
    )
).where(
    outbox.c.id
    == select(waiting.c.message)
    .where(waiting.c.lane == bindparam("key"))
    .order_by(waiting.c.message)
    .limit(literal_column("1"))
    .scalar_subquery()
)
_DUE_TO = (
    select(
        lane.c.lane,
        lane.c.failures,
        select(outbox.c.url)
        .where(
            outbox.c.id
            == select(func.min(waiting.c.message))
            .where(waiting.c.lane == lane.c.lane)
            .correlate(lane)
            .scalar_subquery()
        )
        .correlate(lane)
        .scalar_subquery(),
    )
    .where(lane.c.due_us <= bindparam("now"), lane.c.leased_us <= bindparam("now"))
    .order_by(case((lane.c.failures > literal_column("0"), 1), else_=0), lane.c.due_us, lane.c.lane)
    .limit(bindparam("limit", type_=Integer))
)
_IN_LANE = select(waiting.c.message).where(waiting.c.lane == bindparam("key"))
_EXPIRE = (
    update(outbox)
    .where(outbox.c.id.in_(_IN_LANE), outbox.c.not_after_us <= bindparam("now"))
    .values(state="expired", ended_us=bindparam("now"))
)
_DEQUEUE_ENDED = delete(waiting).where(
    waiting.c.lane == bindparam("key"),
    waiting.c.message.in_(select(outbox.c.id).where(outbox.c.id.in_(_IN_LANE), outbox.c.state != "waiting")),
)
_DEQUEUE = delete(waiting).where(
    waiting.c.lane == bindparam("key"), waiting.c.message == bindparam("message")
)
_INSERT_WAITING = insert(waiting)
_LEASE = (
    update(lane)
    .where(lane.c.lane == bindparam("key"))
    .values(holder=bindparam("to_holder"), leased_us=bindparam("to_leased_us"))
)
_RELEASE = (
    update(lane)
    .where(lane.c.lane == bindparam("key"), lane.c.holder == bindparam("mine"))
    .values(due_us=bindparam("to_due_us"), failures=bindparam("to_failures"), leased_us=0, holder=None)
)
_DELETE_LANE = delete(lane).where(lane.c.lane == bindparam("key"))
_STATE = select(outbox.c.state, outbox.c.attempts).where(outbox.c.id == bindparam("key"))
_COUNT = update(outbox).where(outbox.c.id == bindparam("key")).values(attempts=bindparam("to_attempts"))
_END = (
    update(outbox)
    .where(outbox.c.id == bindparam("key"))
    .values(state=bindparam("to_state"), ended_us=bindparam("to_ended_us"))
)
_INSERT_ATTEMPT = insert(attempt)
