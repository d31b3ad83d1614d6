"""What a party's node keeps: its flights, what is under way, what others said; statements, no rules.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one or two statements. A search for our flights near
something returns all whose box and window meet, and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from skypact.store.prune import Prunable, older
from skypact.store.schema import (
    node_attempt,
    node_flight,
    node_known,
    node_notice,
    node_position,
    node_report,
    node_version,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Table

    from skypact.store.tx import Tx

ENDED: Final = "Ended"


class Flight(NamedTuple):
    """A row of ``node_flight``; the columns of the same names."""

    id: bytes
    name: str
    operator: str
    state: str
    filed: int
    priority: int
    version: int
    ovn: str
    reference: bytes
    details: bytes
    subscribers: bytes
    start_us: int
    end_us: int
    south: float
    north: float
    west: float
    east: float
    written_us: int


class Pending(NamedTuple):
    """A row of ``node_attempt``; the columns of the same names."""

    flight: bytes
    name: str
    act: str
    filing: bytes
    attempt: bytes
    holder: bytes
    leased_us: int
    begun_us: int


class KnownEntity(NamedTuple):
    """A row of ``node_known``; the columns of the same names."""

    kind: str
    id: bytes
    manager: str
    version: int
    ovn: str
    digest: bytes
    content: bytes | None
    source: str
    start_us: int
    end_us: int
    heard_us: int


class Notice(NamedTuple):
    """A row of ``node_notice``; the columns of the same names."""

    at_us: int
    kind: str
    flight: bytes
    operator: str
    conflicts: int
    text: str
    content: bytes
    caused_us: int
    leaf: int


@dataclass(frozen=True, slots=True)
class Box:
    """A box of latitude and longitude in degrees; ``west`` in [-180, 180), ``east`` at most 360 more."""

    south: float
    north: float
    west: float
    east: float


# -- flights ------------------------------------------------------------------------------------------------


def flight(tx: Tx, ident: bytes) -> Flight | None:
    """One of our flights, ended or not."""
    row = tx.connection.execute(select(node_flight).where(node_flight.c.id == ident)).first()
    return None if row is None else Flight._make(row)


def flight_named(tx: Tx, name: str) -> Flight | None:
    """The flight that its party calls so: the one that is not over, else the last."""
    query = (
        select(node_flight)
        .where(node_flight.c.name == name)
        .order_by(node_flight.c.state == ENDED, node_flight.c.written_us.desc())
        .limit(1)
    )
    row = tx.connection.execute(query).first()
    return None if row is None else Flight._make(row)


def flights(tx: Tx, *, ended: bool = False, limit: int = 1_000, after: bytes = b"") -> list[Flight]:
    """Our flights by id, after one id; those that are over only where asked for."""
    query = select(node_flight).where(node_flight.c.id > after).order_by(node_flight.c.id).limit(limit)
    if not ended:
        query = query.where(node_flight.c.state != ENDED)
    return [Flight._make(row) for row in tx.connection.execute(query)]


def flights_of(tx: Tx, idents: Sequence[bytes]) -> dict[bytes, Flight]:
    """Those of these flights that are ours, by id."""
    return {row[0]: Flight._make(row) for row in _in_blocks(tx, node_flight, idents)}


def flights_near(tx: Tx, box: Box, start_us: int, end_us: int) -> list[Flight]:
    """Our flights that are not over and whose box and window meet these."""
    at = node_flight.c
    beside: ColumnElement[bool] = or_(
        *(and_(at.west + turn <= box.east, at.east + turn >= box.west) for turn in (-360.0, 0.0, 360.0))
    )
    query = (
        select(node_flight)
        .where(at.state != ENDED, at.end_us > start_us, at.start_us < end_us)
        .where(at.south <= box.north, at.north >= box.south, beside)
        .order_by(at.id)
    )
    return [Flight._make(row) for row in tx.connection.execute(query)]


def over(tx: Tx, now_us: int, limit: int) -> list[Flight]:
    """Flights that others may still count on though their time has passed."""
    query = (
        select(node_flight)
        .where(node_flight.c.state != ENDED, node_flight.c.end_us <= now_us)
        .order_by(node_flight.c.end_us)
        .limit(limit)
    )
    return [Flight._make(row) for row in tx.connection.execute(query)]


def put_flight(tx: Tx, row: Flight) -> None:
    """Write a flight, new or not."""
    _upsert(tx.connection, node_flight, row._asdict(), ("id",))


def add_version(tx: Tx, ident: bytes, filed: int, act: str, content: bytes, leaf: int, now_us: int) -> None:
    """Keep one version of a flight."""
    values = {
        "flight": ident,
        "filed": filed,
        "act": act,
        "content": content,
        "leaf": leaf,
        "written_us": now_us,
    }
    tx.connection.execute(insert(node_version), values)


def versions(tx: Tx, ident: bytes) -> list[tuple[int, str, bytes, int, int]]:
    """All versions of a flight: number, act, content, leaf, when; first to last."""
    at = node_version.c
    query = (
        select(at.filed, at.act, at.content, at.leaf, at.written_us)
        .where(at.flight == ident)
        .order_by(at.filed)
    )
    return [
        (int(n), act, content, int(leaf), int(us))
        for n, act, content, leaf, us in tx.connection.execute(query)
    ]


# -- attempts -----------------------------------------------------------------------------------------------


def pending(tx: Tx, ident: bytes) -> Pending | None:
    """What is under way with a flight."""
    row = tx.connection.execute(select(node_attempt).where(node_attempt.c.flight == ident)).first()
    return None if row is None else Pending._make(row)


def pending_named(tx: Tx, name: str) -> Pending | None:
    """The attempt that will give a flight this name."""
    row = tx.connection.execute(select(node_attempt).where(node_attempt.c.name == name)).first()
    return None if row is None else Pending._make(row)


def pendings(tx: Tx, now_us: int) -> list[Pending]:
    """What is under way and nobody is at."""
    query = select(node_attempt).where(node_attempt.c.leased_us <= now_us).order_by(node_attempt.c.begun_us)
    return [Pending._make(row) for row in tx.connection.execute(query)]


def under_way(tx: Tx) -> list[Pending]:
    """All that is under way, whoever is at it."""
    query = select(node_attempt).order_by(node_attempt.c.begun_us, node_attempt.c.flight)
    return [Pending._make(row) for row in tx.connection.execute(query)]


def put_pending(tx: Tx, row: Pending) -> None:
    """Write what is under way."""
    _upsert(tx.connection, node_attempt, row._asdict(), ("flight",))


def drop_pending(tx: Tx, ident: bytes) -> None:
    """It is settled."""
    tx.connection.execute(delete(node_attempt).where(node_attempt.c.flight == ident))


# -- what others said ---------------------------------------------------------------------------------------


def known(tx: Tx, kind: str, ident: bytes, manager: str) -> KnownEntity | None:
    """What a party said last of one entity as its manager."""
    at = node_known.c
    query = select(node_known).where(at.kind == kind, at.id == ident, at.manager == manager)
    row = tx.connection.execute(query).first()
    return None if row is None else KnownEntity._make(row)


def known_of(tx: Tx, idents: Sequence[bytes]) -> dict[tuple[str, bytes, str], KnownEntity]:
    """What parties said of these entities, by kind, id and who says so."""
    rows = map(KnownEntity._make, _in_blocks(tx, node_known, idents))
    return {(row.kind, row.id, row.manager): row for row in rows}


def known_since(tx: Tx, heard_us: int, start_us: int, end_us: int) -> list[KnownEntity]:
    """What peers have said since an instant of what is there and whose window meets this one."""
    at = node_known.c
    query = (
        select(node_known)
        .where(at.heard_us >= heard_us, at.content.is_not(None))
        .where(at.end_us > start_us, at.start_us < end_us)
        .order_by(at.heard_us, at.kind, at.id)
    )
    return [KnownEntity._make(row) for row in tx.connection.execute(query)]


def known_in_states(tx: Tx, states: Sequence[str], now_us: int) -> list[KnownEntity]:
    """Intents of peers that are not over and, by what they said last, may be in one of these states; by end.

    May be: the word is looked for in what they said; whoever wants to be sure reads it.
    """
    at = node_known.c
    query = (
        select(node_known)
        .where(at.kind == "intent", at.content.is_not(None), at.end_us > now_us)
        .order_by(at.end_us, at.id)
    )
    words = [f'"{state}"'.encode() for state in states]
    rows = map(KnownEntity._make, tx.connection.execute(query))
    return [row for row in rows if any(word in (row.content or b"") for word in words)]


def put_known(tx: Tx, row: KnownEntity) -> None:
    """Keep what a peer said."""
    _upsert(tx.connection, node_known, row._asdict(), ("kind", "id", "manager"))


def put_all_known(tx: Tx, rows: Sequence[KnownEntity]) -> None:
    """Keep what peers said, many at once."""
    _upsert(tx.connection, node_known, [row._asdict() for row in rows], ("kind", "id", "manager"))


# -- notices, reports, positions ----------------------------------------------------------------------------


def add_notice(
    tx: Tx,
    *,
    kind: str,
    flight: bytes,
    operator: str,
    conflicts: int,
    text: str,
    content: bytes,
    caused_us: int,
    leaf: int,
    now_us: int,
) -> int:
    """Tell an operator; returns the instant it counts as told: now, or the first free microsecond after."""
    last = tx.connection.execute(select(func.max(node_notice.c.at_us))).scalar_one()
    at_us = now_us if last is None else max(now_us, int(last) + 1)
    values: dict[str, Any] = {
        "at_us": at_us,
        "kind": kind,
        "flight": flight,
        "operator": operator,
        "conflicts": conflicts,
        "text": text,
        "content": content,
        "caused_us": caused_us,
        "leaf": leaf,
    }
    tx.connection.execute(insert(node_notice), values)
    return at_us


def notices_of(tx: Tx, ident: bytes, since_us: int) -> list[Notice]:
    """What the operator of a flight was told since an instant, first to last."""
    at = node_notice.c
    query = select(node_notice).where(at.flight == ident, at.at_us >= since_us).order_by(at.at_us)
    return [Notice._make(row) for row in tx.connection.execute(query)]


def notices(tx: Tx, after_us: int, before_us: int, limit: int = 10_000) -> list[Notice]:
    """Notices of a span of time, both ends included, first to last."""
    at = node_notice.c.at_us
    query = select(node_notice).where(at >= after_us, at <= before_us).order_by(at).limit(limit)
    return [Notice._make(row) for row in tx.connection.execute(query)]


def add_report(tx: Tx, ident: str, way: str, party: str, content: bytes, now_us: int) -> None:
    """Keep a report of a fault."""
    values = {"id": ident, "way": way, "party": party, "content": content, "written_us": now_us}
    tx.connection.execute(insert(node_report), values)


def has_report(tx: Tx, ident: str) -> bool:
    """Whether a report is kept already."""
    query = select(node_report.c.id).where(node_report.c.id == ident)
    return tx.connection.execute(query).first() is not None


def reports(tx: Tx, limit: int = 1_000) -> list[tuple[str, str, str, bytes, int]]:
    """Reports: id, way, party, content, when; the last first."""
    query = select(node_report).order_by(node_report.c.written_us.desc()).limit(limit)
    return [(i, way, party, content, int(us)) for i, way, party, content, us in tx.connection.execute(query)]


def add_position(tx: Tx, ident: bytes, measured_us: int, received_us: int, content: bytes) -> None:
    """Keep where a flight was."""
    values = {"flight": ident, "measured_us": measured_us, "received_us": received_us, "content": content}
    _upsert(tx.connection, node_position, values, ("flight", "measured_us"))


def last_position(tx: Tx, ident: bytes) -> tuple[int, int, bytes] | None:
    """Where a flight was last: measured, received, content."""
    at = node_position.c
    query = (
        select(at.measured_us, at.received_us, at.content)
        .where(at.flight == ident)
        .order_by(at.measured_us.desc())
        .limit(1)
    )
    row = tx.connection.execute(query).first()
    return None if row is None else (int(row[0]), int(row[1]), row[2])


# -- how ----------------------------------------------------------------------------------------------------

_BLOCK: Final = 500


def _in_blocks(tx: Tx, table: Table, idents: Sequence[bytes]) -> list[Any]:
    rows: list[Any] = []
    for start in range(0, len(idents), _BLOCK):
        block = idents[start : start + _BLOCK]
        rows += tx.connection.execute(select(table).where(table.c.id.in_(block))).all()
    return rows


def _upsert(
    connection: Connection,
    table: Table,
    values: dict[str, Any] | list[dict[str, Any]],
    key: tuple[str, ...],
) -> None:
    rows = values if isinstance(values, list) else [values]
    if not rows:
        return
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), values)


_LIVING: Final = (
    select(node_flight.c.id)
    .where(node_flight.c.id == node_version.c.flight, node_flight.c.state != ENDED)
    .correlate(node_version)
    .exists()
)

SECTIONS: Final = (
    Prunable(
        "flight_versions",
        "versions of our flights that have ended",
        older(node_version, node_version.c.written_us, where=~_LIVING),
    ),
    Prunable(
        "flights",
        "our flights that have ended",
        older(
            node_flight,
            node_flight.c.end_us,
            where=and_(node_flight.c.state == ENDED, node_flight.c.written_us < bindparam("before")),
        ),
    ),
    Prunable("known", "what others said of theirs that is over", older(node_known, node_known.c.end_us)),
)
"""What of these may be forgotten: beside :data:`skypact.store.prune.SECTIONS`."""
