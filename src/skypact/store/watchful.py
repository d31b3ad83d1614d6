"""What a node keeps of its constraints, of how its flights fly, and for the log; statements, no rules.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one or two statements. What may be forgotten by age is
:data:`SECTIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from skypact.exchange.conformance import Standing, Watch
from skypact.store.prune import Prunable, older
from skypact.store.schema import (
    attempt,
    leaf,
    node_constraint,
    node_constraint_attempt,
    node_constraint_version,
    node_flight,
    node_flown,
    node_known,
    node_log,
    node_notice,
    node_position,
    node_seen,
    node_watch,
    outbox,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Table

    from skypact.store.node import Flight, Notice
    from skypact.store.tx import Tx

VALID: Final = "Valid"
ENDED: Final = "Ended"
IN_USE: Final = ("Activated", "Nonconforming", "Contingent")


class ConstraintRow(NamedTuple):
    """A row of ``node_constraint``; the columns of the same names."""

    id: bytes
    name: str
    provider: str
    state: str
    filed: int
    version: int
    ovn: str
    reference: bytes
    details: bytes
    subscribers: bytes
    start_us: int
    end_us: int
    written_us: int


class ConstraintWork(NamedTuple):
    """A row of ``node_constraint_attempt``; the columns of the same names."""

    constraint: bytes
    act: str
    filing: bytes
    base_ovn: str
    holder: bytes
    leased_us: int
    begun_us: int


class Logged(NamedTuple):
    """A row of ``node_log``."""

    id: int
    kind: str
    ref: str
    at_us: int
    content: bytes


class Told(NamedTuple):
    """A message about something, and how far it has come.

    Attributes
    ----------
    party
        The base URL it went to: that is all a discovery service says of a subscriber.
    state
        ``waiting``, or how it ended.
    status, fault
        Of the last attempt; None and empty where there was none.
    """

    party: str
    url: str
    topic: str
    state: str
    made_us: int
    ended_us: int | None
    attempts: int
    status: int | None
    fault: str


# -- constraints --------------------------------------------------------------------------------------------


def constraint(tx: Tx, ident: bytes) -> ConstraintRow | None:
    """One of our constraints, ended or not."""
    row = tx.connection.execute(select(node_constraint).where(node_constraint.c.id == ident)).first()
    return None if row is None else ConstraintRow._make(row)


def constraints(
    tx: Tx, *, ended: bool = False, limit: int = 1_000, after: bytes = b""
) -> list[ConstraintRow]:
    """Our constraints by id, after one id; those that are over only where asked for."""
    at = node_constraint.c
    query = select(node_constraint).where(at.id > after).order_by(at.id).limit(limit)
    if not ended:
        query = query.where(at.state == VALID)
    return [ConstraintRow._make(row) for row in tx.connection.execute(query)]


def constraints_over(tx: Tx, now_us: int, limit: int) -> list[ConstraintRow]:
    """Constraints that are not ended though their time has passed."""
    at = node_constraint.c
    query = select(node_constraint).where(at.state == VALID, at.end_us <= now_us).limit(limit)
    return [ConstraintRow._make(row) for row in tx.connection.execute(query)]


def put_constraint(tx: Tx, row: ConstraintRow) -> None:
    """Write a constraint, new or not."""
    _upsert(tx, node_constraint, row._asdict(), ("id",))


def add_constraint_version(
    tx: Tx, ident: bytes, filed: int, act: str, content: bytes, position: int, now_us: int
) -> None:
    """Keep one version of a constraint."""
    values = {
        "constraint": ident,
        "filed": filed,
        "act": act,
        "content": content,
        "leaf": position,
        "written_us": now_us,
    }
    tx.connection.execute(insert(node_constraint_version), values)


def constraint_work(tx: Tx, ident: bytes) -> ConstraintWork | None:
    """What is under way with a constraint."""
    at = node_constraint_attempt.c
    row = tx.connection.execute(select(node_constraint_attempt).where(at.constraint == ident)).first()
    return None if row is None else ConstraintWork._make(row)


def constraint_works(tx: Tx, now_us: int) -> list[ConstraintWork]:
    """What is under way and nobody is at."""
    at = node_constraint_attempt.c
    query = select(node_constraint_attempt).where(at.leased_us <= now_us).order_by(at.begun_us)
    return [ConstraintWork._make(row) for row in tx.connection.execute(query)]


def put_constraint_work(tx: Tx, row: ConstraintWork) -> None:
    """Write what is under way."""
    _upsert(tx, node_constraint_attempt, row._asdict(), ("constraint",))


def drop_constraint_work(tx: Tx, ident: bytes) -> None:
    """It is settled."""
    tx.connection.execute(
        delete(node_constraint_attempt).where(node_constraint_attempt.c.constraint == ident)
    )


def told_of(tx: Tx, ref: str, *, limit: int = 1_000) -> list[Told]:
    """Every message about something, first to last, with what came of it."""
    query = (
        select(
            outbox.c.party,
            outbox.c.url,
            outbox.c.topic,
            outbox.c.state,
            outbox.c.made_us,
            outbox.c.ended_us,
            outbox.c.attempts,
            attempt.c.status,
            attempt.c.fault,
        )
        .outerjoin(attempt, (attempt.c.message == outbox.c.id) & (attempt.c.number == outbox.c.attempts))
        .where(outbox.c.ref == ref)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [
        Told(
            party, url, topic, state, int(made), None if ended is None else int(ended), n, status, fault or ""
        )
        for party, url, topic, state, made, ended, n, status, fault in tx.connection.execute(query)
    ]


def late(tx: Tx, topic: str, before_us: int, *, ended_within_us: int = 600_000_000) -> set[str]:
    """What messages of a topic are about that have waited since before an instant, or ended undelivered."""
    waits = (
        select(outbox.c.ref)
        .join(waiting, waiting.c.message == outbox.c.id)
        .where(outbox.c.topic == topic, outbox.c.made_us <= before_us)
    )
    ended = select(outbox.c.ref).where(
        outbox.c.topic == topic,
        outbox.c.ended_us > before_us - ended_within_us,
        outbox.c.state.in_(("refused", "expired")),
    )
    return {str(row[0]) for query in (waits, ended) for row in tx.connection.execute(query)}


def managers(tx: Tx) -> dict[str, set[str]]:
    """Who is behind which base URL, by what each party said last: a discovery service names URLs alone."""
    last = (
        select(node_known.c.manager, func.max(node_known.c.heard_us).label("heard_us"))
        .where(node_known.c.content.is_not(None))
        .group_by(node_known.c.manager)
        .subquery()
    )
    query = (
        select(node_known.c.manager, node_known.c.content)
        .join(last, (last.c.manager == node_known.c.manager) & (last.c.heard_us == node_known.c.heard_us))
        .where(node_known.c.content.is_not(None))
    )
    found: dict[str, set[str]] = {}
    for manager, content in tx.connection.execute(query):
        url = msgspec.json.decode(content, type=_Entity).reference.uss_base_url
        found.setdefault(url, set()).add(manager)
    return found


class _Reference(msgspec.Struct):
    uss_base_url: str


class _Entity(msgspec.Struct):
    reference: _Reference


# -- how flights fly ----------------------------------------------------------------------------------------


def watch(tx: Tx, flight: bytes) -> Watch | None:
    """How a flight stands."""
    row = tx.connection.execute(select(node_watch).where(node_watch.c.flight == flight)).first()
    return None if row is None else _watch(row)


def put_watch(tx: Tx, flight: bytes, of: Watch) -> None:
    """Keep how a flight stands."""
    values = {
        "flight": flight,
        "standing": of.standing.value,
        "outside_us": of.outside_us,
        "inside_us": of.inside_us,
        "declared_us": of.declared_us,
        "seen_us": of.seen_us,
        "heard_us": of.heard_us,
        "ours": of.ours,
        "lost": of.lost,
    }
    _upsert(tx, node_watch, values, ("flight",))


def drop_watches(tx: Tx) -> int:
    """Forget how flights stood that are not in use any more; returns how many."""
    live = select(node_flight.c.id).where(node_flight.c.state.in_(IN_USE))
    return tx.connection.execute(delete(node_watch).where(node_watch.c.flight.not_in(live))).rowcount


def in_use(tx: Tx) -> list[tuple[bytes, str, Watch | None]]:
    """Our flights that are in use: the state of each, and how it stands."""
    query = (
        select(node_flight.c.id, node_flight.c.state, *node_watch.c)
        .outerjoin(node_watch, node_watch.c.flight == node_flight.c.id)
        .where(node_flight.c.state.in_(IN_USE))
        .order_by(node_flight.c.id)
    )
    return [
        (row[0], str(row[1]), None if row[2] is None else _watch(row[2:]))
        for row in tx.connection.execute(query)
    ]


class Flown(NamedTuple):
    """How long an operator's flights were seen: a sum over days."""

    operator: str
    inside_us: int
    outside_us: int

    @property
    def share(self) -> float:
        """The share of what was seen that was inside; 1 where nothing was seen."""
        seen_us = self.inside_us + self.outside_us
        return self.inside_us / seen_us if seen_us else 1.0


def add_flown(tx: Tx, operator: str, day: int, inside_us: int, outside_us: int) -> None:
    """Add to what was seen of an operator's flights on a day."""
    values = {
        "operator": operator,
        "day": day,
        "inside_us": inside_us,
        "outside_us": outside_us,
        "told": False,
    }
    make = postgresql.insert if tx.connection.dialect.name == "postgresql" else sqlite.insert
    at = node_flown.c
    grown = {"inside_us": at.inside_us + inside_us, "outside_us": at.outside_us + outside_us}
    statement = make(node_flown).on_conflict_do_update(index_elements=["operator", "day"], set_=grown)
    tx.connection.execute(statement, values)


def flown(tx: Tx, since_day: int, operator: str | None = None) -> list[Flown]:
    """What was seen since a day, an operator each, by name."""
    at = node_flown.c
    query = (
        select(at.operator, func.sum(at.inside_us), func.sum(at.outside_us))
        .where(at.day >= since_day)
        .group_by(at.operator)
        .order_by(at.operator)
    )
    if operator is not None:
        query = query.where(at.operator == operator)
    return [Flown(str(name), int(inside), int(out)) for name, inside, out in tx.connection.execute(query)]


def tell_flown(tx: Tx, operator: str, day: int) -> bool:
    """Whether an operator is to be told today, and was not; it is marked as told."""
    at = node_flown.c
    query = update(node_flown).where(at.operator == operator, at.day == day, at.told.is_(False))
    return tx.connection.execute(query.values(told=True)).rowcount > 0


def positions(
    tx: Tx, flight: bytes, *, after_us: int = 0, before_us: int = 2**62, limit: int = 10_000
) -> list[tuple[int, int, bytes]]:
    """Where a flight was: measured, received, content; first to last, both ends of the span included."""
    at = node_position.c
    query = (
        select(at.measured_us, at.received_us, at.content)
        .where(at.flight == flight, at.measured_us >= after_us, at.measured_us <= before_us)
        .order_by(at.measured_us)
        .limit(limit)
    )
    return [(int(measured), int(got), content) for measured, got, content in tx.connection.execute(query)]


def positions_between(
    tx: Tx, after_us: int, before_us: int, limit: int
) -> list[tuple[bytes, int, int, bytes]]:
    """Positions that were received in a span: flight, measured, received, content."""
    at = node_position.c
    query = (
        select(at.flight, at.measured_us, at.received_us, at.content)
        .where(at.received_us >= after_us, at.received_us < before_us)
        .order_by(at.flight, at.measured_us)
        .limit(limit)
    )
    return [(f, int(m), int(r), content) for f, m, r, content in tx.connection.execute(query)]


def _watch(row: Any) -> Watch:
    _, standing, outside_us, inside_us, declared_us, seen_us, heard_us, ours, lost = row
    return Watch(
        Standing(standing),
        int(outside_us),
        int(inside_us),
        int(declared_us),
        int(seen_us),
        int(heard_us),
        bool(ours),
        bool(lost),
    )


# -- the log ------------------------------------------------------------------------------------------------


def add_logs(tx: Tx, rows: Sequence[tuple[str, str, int, bytes]]) -> None:
    """Add to the log: kind, what it is about, when, content."""
    if not rows:
        return
    last = tx.connection.execute(select(func.max(node_log.c.id))).scalar_one()
    first = 1 if last is None else int(last) + 1
    tx.connection.execute(
        insert(node_log),
        [
            {"id": first + k, "kind": kind, "ref": ref, "at_us": at_us, "content": content}
            for k, (kind, ref, at_us, content) in enumerate(rows)
        ],
    )


def logs(
    tx: Tx, kind: str, *, after_us: int = 0, before_us: int = 2**62, ref: str | None = None, limit: int
) -> list[Logged]:
    """Of one kind, from an instant to before another, or all about one thing; first to last."""
    at = node_log.c
    query = select(node_log).where(at.kind == kind, at.at_us >= after_us, at.at_us < before_us)
    if ref is not None:
        query = query.where(at.ref == ref)
    rows = tx.connection.execute(query.order_by(at.at_us, at.id).limit(limit))
    return [Logged(int(row[0]), row[1], row[2], int(row[3]), row[4]) for row in rows]


def leaf_content(tx: Tx, position: int) -> bytes | None:
    """What a leaf of the ledger says; None where that was redacted."""
    value: bytes | None = tx.connection.execute(
        select(leaf.c.content).where(leaf.c.position == position)
    ).scalar_one_or_none()
    return value


def leaf_ref(tx: Tx, position: int) -> tuple[str, str] | None:
    """The kind and the reference of a leaf."""
    row = tx.connection.execute(select(leaf.c.kind, leaf.c.ref).where(leaf.c.position == position)).first()
    return None if row is None else (str(row[0]), str(row[1]))


def flights_between(tx: Tx, start_us: int, end_us: int, limit: int) -> list[Flight]:
    """Our flights whose time meets a span."""
    from skypact.store.node import Flight

    at = node_flight.c
    query = select(node_flight).where(at.end_us > start_us, at.start_us < end_us).order_by(at.id).limit(limit)
    return [Flight._make(row) for row in tx.connection.execute(query)]


def constraints_between(tx: Tx, start_us: int, end_us: int, limit: int) -> list[ConstraintRow]:
    """Our constraints whose time meets a span."""
    at = node_constraint.c
    query = (
        select(node_constraint).where(at.end_us > start_us, at.start_us < end_us).order_by(at.id).limit(limit)
    )
    return [ConstraintRow._make(row) for row in tx.connection.execute(query)]


# -- notices ------------------------------------------------------------------------------------------------


def notices_of(
    tx: Tx, flight: bytes, limit: int = 1_000, *, after_us: int = 0, before_us: int = 2**62
) -> list[Notice]:
    """Notices about one flight, from an instant to before another, first to last."""
    from skypact.store.node import Notice

    at = node_notice.c
    about = select(node_notice).where(at.flight == flight, at.at_us >= after_us, at.at_us < before_us)
    query = about.order_by(at.at_us).limit(limit)
    return [Notice._make(row) for row in tx.connection.execute(query)]


def last_notice_of(tx: Tx, flight: bytes) -> Notice | None:
    """The last notice about one flight."""
    from skypact.store.node import Notice

    at = node_notice.c
    query = select(node_notice).where(at.flight == flight).order_by(at.at_us.desc()).limit(1)
    row = tx.connection.execute(query).first()
    return None if row is None else Notice._make(row)


def notice(tx: Tx, at_us: int) -> Notice | None:
    """One notice."""
    from skypact.store.node import Notice

    row = tx.connection.execute(select(node_notice).where(node_notice.c.at_us == at_us)).first()
    return None if row is None else Notice._make(row)


def see(tx: Tx, notice_us: int, by: str, now_us: int) -> tuple[str, int]:
    """Say that a notice was seen; answers who said so first, and when."""
    at = node_seen.c
    before = tx.connection.execute(select(at.by, at.seen_us).where(at.notice == notice_us)).first()
    if before is not None:
        return str(before[0]), int(before[1])
    tx.connection.execute(insert(node_seen), {"notice": notice_us, "by": by, "seen_us": now_us})
    return by, now_us


def seen(tx: Tx, after_us: int, before_us: int) -> dict[int, tuple[str, int]]:
    """Which notices of a span were seen: by whom, and when."""
    at = node_seen.c
    query = select(at.notice, at.by, at.seen_us).where(at.notice >= after_us, at.notice <= before_us)
    return {int(notice): (str(by), int(us)) for notice, by, us in tx.connection.execute(query)}


# -- how ----------------------------------------------------------------------------------------------------


def _upsert(tx: Tx, table: Table, values: dict[str, Any], key: tuple[str, ...]) -> None:
    make = postgresql.insert if tx.connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    changed = {name: statement.excluded[name] for name in values if name not in key}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), values)


SECTIONS: Final = (
    Prunable("log", "messages, inputs and planning attempts of the log", older(node_log, node_log.c.at_us)),
    Prunable("seen", "who has seen which notice", older(node_seen, node_seen.c.seen_us)),
    Prunable("notices", "what operators were told", older(node_notice, node_notice.c.at_us)),
    Prunable(
        "constraints",
        "our constraints that have ended",
        older(node_constraint, node_constraint.c.end_us, where=node_constraint.c.state == ENDED),
    ),
    Prunable(
        "constraint_versions",
        "versions of our constraints",
        older(node_constraint_version, node_constraint_version.c.written_us),
    ),
)
"""What of these may be forgotten by age alone: beside :data:`skypact.store.prune.SECTIONS`."""
