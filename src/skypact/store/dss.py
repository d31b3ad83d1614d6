"""What the discovery service keeps, and how it is found again: statements, no rules.

Law: functions of a :class:`~skypact.store.tx.Tx`. A search returns everything that is not over and whose box
meets the asked one in place, altitude and time, with no limit to how many; what follows from that is decided
in :mod:`skypact.exchange.dss`.

How it works. A search looks in the process's picture of what is alive (:mod:`skypact.store.alive`), after it
has taken in what the database has been written since. Each statement is text, written once for both
databases, and goes straight to the driver (:mod:`skypact.store.sql`). What is new is inserted at the end of a
transaction for all writes together; who reads a table in it has it inserted before (:meth:`Tx.settle`).
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from skypact.store.alive import (
    CONSTRAINT,
    INTENT,
    KINDS,
    SUBSCRIPTION,
    Anchor,
    Drafted,
    Entity,
    Part,
    floor_of,
    pack,
    unpack,
)
from skypact.store.schema import dss_entity
from skypact.store.sql import Sql

__all__ = ["CONSTRAINT", "INTENT", "SUBSCRIPTION", "Entity", "Part"]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skypact.store.tx import Tx


class Told(NamedTuple):
    """A subscription that a write concerns, as far as the answer needs it."""

    id: bytes
    base_url: str


class Shape(NamedTuple):
    """Extents as they are kept: JSON under its digest, and the parts that a search compares."""

    digest: bytes
    json: bytes
    parts: tuple[Part, ...]


# -- finding ------------------------------------------------------------------------------------------------


def get(tx: Tx, kind: str, ident: bytes) -> Entity | None:
    """One entity, expired or not."""
    if tx.drafted is not None and tx.drafted.touches(kind, ident):
        return tx.drafted.get(kind, ident)
    rows = _GET.rows(tx, kind, ident)
    return _entity(rows[0]) if rows else None


def near(tx: Tx, kind: str, parts: Sequence[Part], now_us: int) -> list[Entity]:
    """Entities of a kind that are not over and meet any of the parts; in no order."""
    while True:
        found = tx.alive.find(kind, parts, now_us, tx.stand, tx.began_s)
        if found is not None:
            break
        _look_again(tx, now_us)
    return found if tx.drafted is None else tx.drafted.over(kind, found, parts, now_us)


def concerned(tx: Tx, kind: str, parts: Sequence[Part], now_us: int) -> list[Told]:
    """Subscriptions to entities of this kind that are not over and meet any of the parts."""
    found = near(tx, SUBSCRIPTION, parts, now_us)
    if kind == INTENT:
        return [Told(s.id, s.base_url) for s in found if s.for_intents]
    return [Told(s.id, s.base_url) for s in found if s.for_constraints]


def _look_again(tx: Tx, now_us: int) -> None:
    """Bring the picture of what is alive up to what this transaction sees."""
    alive, stand = tx.alive, tx.stand
    last = _leaf(tx, stand.leaves - 1)
    goes_on = alive.goes_on(stand, now_us, int(_FORGOTTEN.rows(tx)[0][0]))
    if goes_on is None or _leaf(tx, goes_on[1].position) != goes_on[1]:
        alive.take(stand, last, now_us, _pictured(_all_alive(tx, floor_of(now_us))))
        return
    before, anchor = goes_on
    gone = [(kind, bytes(ident)) for kind, ident in _GONE.rows(tx, anchor.seq)]
    alive.take_in(before, stand, last, gone, list(_pictured(_COME.rows(tx, anchor.seq))))


def _leaf(tx: Tx, position: int) -> Anchor | None:
    rows = _LEAF.rows(tx, position)
    return Anchor(position, bytes(rows[0][0]), int(rows[0][1])) if rows else None


def _pictured(rows: Iterable[Any]) -> Iterator[tuple[Entity, tuple[Part, ...]]]:
    """Rows of entities with their parts; words that many share are kept once."""
    for row in rows:
        entity = _entity(row[:-1])
        entity = entity._replace(party=sys.intern(entity.party), base_url=sys.intern(entity.base_url))
        yield entity, unpack(row[-1])


def _all_alive(tx: Tx, floor_us: int) -> Iterator[Any]:
    """Every entity that ends after an instant, with its parts; read in blocks."""
    for kind in KINDS:
        last: bytes | None = b""
        while last is not None:
            rows = _ALIVE.rows(tx, kind, last, floor_us, _BLOCK)
            yield from rows
            last = bytes(rows[-1][1]) if len(rows) == _BLOCK else None


def subscriptions_of(tx: Tx, party: str, now_us: int) -> int:
    """How many subscriptions that are not over a party made itself."""
    tx.settle()
    return int(_SUBSCRIPTIONS_OF.rows(tx, party, now_us)[0][0])


def dependents(tx: Tx, subscription: bytes) -> list[Entity]:
    """The intents that depend on a subscription, ordered by id."""
    tx.settle()
    return sorted(map(_entity, _DEPENDENTS.rows(tx, subscription)), key=by_id)


def dependents_of(tx: Tx, subscriptions: Sequence[bytes]) -> dict[bytes, list[bytes]]:
    """Ids of the intents that depend on each of several subscriptions."""
    tx.settle()
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for block in _blocks(subscriptions):
        for subscription, ident in _DEPENDENTS_OF.rows(tx, list(block)):
            found[subscription].append(ident)
    return found


def base_urls(tx: Tx, subscriptions: Sequence[bytes], seq: int) -> dict[bytes, str]:
    """Where each subscription wanted to be told just after the write ``seq``, from its versions."""
    from msgspec import json

    tx.settle()
    found: dict[bytes, str] = {}
    for block in _blocks(subscriptions):
        for ident, content in _VERSIONS_UNTIL.rows(tx, SUBSCRIPTION, list(block), seq):
            shown = json.decode(content).get("reference")
            if shown is not None:
                found[ident] = str(shown["uss_base_url"])
    return found


# -- writing ------------------------------------------------------------------------------------------------


def put(tx: Tx, entity: Entity, extents: Shape, *, new: bool) -> None:
    """Write an entity and its extents; unless ``new``, in place of the one of its kind and id."""
    _writing(tx).put(entity, extents.parts)
    made = (extents.digest, extents.json, pack(extents.parts))
    if new:
        tx.later(_INSERT_SHAPE, [made])
        tx.later(_INSERT_ENTITY, [entity])
        return
    tx.settle()
    _INSERT_SHAPE.run(tx, *made)
    _DELETE_ENTITY.run(tx, entity.kind, entity.id)
    _INSERT_ENTITY.run(tx, *entity)


def remove(tx: Tx, kind: str, ident: bytes) -> None:
    """Remove an entity; its versions stay."""
    _writing(tx).remove(kind, ident)
    tx.settle()
    _DELETE_ENTITY.run(tx, kind, ident)


def _writing(tx: Tx) -> Drafted:
    if tx.drafted is None:
        raise RuntimeError("a reading changes nothing; use Store.write")
    return tx.drafted


def shape(tx: Tx, digest: bytes) -> bytes:
    """The extents of a digest, as JSON."""
    tx.settle()
    return bytes(_SHAPE.rows(tx, digest)[0][0])


def parts(tx: Tx, digest: bytes) -> tuple[Part, ...]:
    """The parts of a shape, as they were written."""
    tx.settle()
    return unpack(_PARTS.rows(tx, digest)[0][0])


def drop_shape(tx: Tx, digest: bytes) -> None:
    """Forget extents that no entity names any more."""
    tx.settle()
    if not _USES_SHAPE.rows(tx, digest):
        _DELETE_SHAPE.run(tx, digest)


def add_versions(tx: Tx, written: Sequence[tuple[Entity, str, bytes]], now_us: int) -> None:
    """Add versions (entity, act, content) to the history, and their leaves to the ledger."""
    tx.later(
        _INSERT_VERSION,
        [
            (
                entity.kind,
                entity.id,
                tx.seq,
                entity.version,
                act,
                entity.party,
                entity.ovn,
                content,
                now_us,
            )
            for entity, act, content in written
        ],
    )
    for entity, act, content in written:
        tx.append(f"dss.{entity.kind}.{act}", entity.id.hex(), content)


def versions(tx: Tx, kind: str, ident: bytes) -> list[tuple[int, int, str, str, bytes, int]]:
    """Seq, version, act, party, content and instant of every version of an entity, oldest first."""
    tx.settle()
    return [tuple(row) for row in _VERSIONS.rows(tx, kind, ident)]


def was_named(tx: Tx, kind: str, ident: bytes, ovn: str) -> bool:
    """Whether a version of this entity that is in the history had this OVN."""
    tx.settle()
    return bool(_WAS_NAMED.rows(tx, kind, ident, ovn))


def created(tx: Tx, kind: str, ident: bytes) -> tuple[bytes, bytes, int] | None:
    """Request digest, subscriptions told and their index, of an entity that is as it was created."""
    tx.settle()
    rows = _CREATED.rows(tx, kind, ident)
    return (bytes(rows[0][0]), bytes(rows[0][1]), int(rows[0][2])) if rows else None


def add_created(tx: Tx, kind: str, ident: bytes, request: bytes, told: bytes, told_index: int) -> None:
    """Remember how an entity was created."""
    tx.later(_INSERT_CREATED, [(kind, ident, request, told, told_index)])


def forget_created(tx: Tx, kind: str, ident: bytes) -> None:
    """Forget how it was created: it was changed."""
    tx.settle()
    _DELETE_CREATED.run(tx, kind, ident)


def availability(tx: Tx) -> dict[str, tuple[str, str]]:
    """State and version of every party that was ever declared."""
    return tx.known(
        _AVAILABILITY, lambda: {party: (state, version) for party, state, version in _AVAILABILITY.rows(tx)}
    )


def set_availability(
    tx: Tx, party: str, state: str, version: str, arbiter: str, content: bytes, now_us: int
) -> None:
    """Declare it, with a leaf in the ledger."""
    tx.unknown(_AVAILABILITY)
    _DELETE_AVAILABILITY.run(tx, party)
    _INSERT_AVAILABILITY.run(tx, party, state, version, arbiter, now_us)
    tx.append("dss.availability", party, content)


def add_report(tx: Tx, ident: str, party: str, content: bytes, now_us: int) -> None:
    """Archive a report, with a leaf in the ledger."""
    _INSERT_REPORT.run(tx, ident, party, content, now_us)
    tx.append("dss.report", ident, content)


# -- pruning and counting -----------------------------------------------------------------------------------


def expired(tx: Tx, before_us: int, limit: int, *, kinds: Sequence[str]) -> list[Entity]:
    """Some entities of these kinds that ended before an instant, the earliest first.

    Of those that ended at one instant, intents come before subscriptions; a subscription that an intent
    depends on is not among them.
    """
    tx.settle()
    return [_entity(row) for row in _EXPIRED.rows(tx, before_us, list(kinds), limit)]


def prune_versions(tx: Tx, before_us: int, limit: int) -> int:
    """Remove some versions, and reports, written before an instant, of entities that are gone; how many."""
    tx.settle()
    keys = [tuple(row) for row in _OLD_VERSIONS.rows(tx, before_us, limit)]
    if keys:
        _FORGET.run(tx, max(seq for _, _, seq in keys))
    _DELETE_VERSION.many(tx, keys)
    reports = [tuple(row) for row in _OLD_REPORTS.rows(tx, before_us, limit)]
    _DELETE_REPORT.many(tx, reports)
    return len(keys) + len(reports)


def counts(tx: Tx) -> dict[str, int]:
    """How many entities of each kind there are."""
    tx.settle()
    return {kind: int(n) for kind, n in _COUNTS.rows(tx)}


# -- statements ---------------------------------------------------------------------------------------------


def _sql(text: str) -> Sql:
    """A statement; ``{entity}`` is the columns of an entity ``e``."""
    return Sql(text.replace("{entity}", _COLUMNS))


_BLOCK: Final = 4_096
"""Rows that are read at once of all that is alive."""
_COLUMNS: Final = ", ".join(f"e.{column.name}" for column in dss_entity.c)


def _blocks(ids: Sequence[bytes], size: int = 4_096) -> Iterable[Sequence[bytes]]:
    return (ids[k : k + size] for k in range(0, len(ids), size))


def _entity(row: Any) -> Entity:
    entity = Entity._make(row)
    if entity.kind == SUBSCRIPTION:  # to SQLite a boolean is a number
        return entity._replace(
            for_intents=bool(entity.for_intents),
            for_constraints=bool(entity.for_constraints),
            implicit=bool(entity.implicit),
        )
    return entity


def by_id(entity: Entity) -> bytes:
    """The order in which entities are listed."""
    return entity.id


_LEAF: Final = _sql("SELECT hash, seq FROM leaf WHERE position = $1")
_FORGOTTEN: Final = _sql("SELECT forgotten FROM region")
_FORGET: Final = _sql("UPDATE region SET forgotten = $1 WHERE forgotten < $1")
_ALIVE: Final = _sql(
    "SELECT {entity}, s.parts FROM dss_entity e JOIN dss_shape s ON s.digest = e.shape "
    "WHERE e.kind = $1 AND e.id > $2 AND e.end_us > $3 ORDER BY e.id LIMIT $4"
)
_COME: Final = _sql(
    "SELECT {entity}, s.parts FROM dss_entity e JOIN dss_shape s ON s.digest = e.shape WHERE e.seq > $1"
)
_GONE: Final = _sql("SELECT kind, id FROM dss_version WHERE seq > $1 AND act IN ('delete', 'expire')")
_GET: Final = _sql("SELECT {entity} FROM dss_entity e WHERE e.kind = $1 AND e.id = $2")
_SUBSCRIPTIONS_OF: Final = _sql(
    "SELECT count(*) FROM dss_entity "
    "WHERE kind = 'subscription' AND NOT implicit AND party = $1 AND end_us > $2"
)
_DEPENDENTS: Final = _sql("SELECT {entity} FROM dss_entity e WHERE e.subscription = $1")
_DEPENDENTS_OF: Final = _sql(
    "SELECT subscription, id FROM dss_entity WHERE subscription = ANY($1::bytea[]) ORDER BY id"
)
_VERSIONS_UNTIL: Final = _sql(
    "SELECT id, content FROM dss_version WHERE kind = $1 AND id = ANY($2::bytea[]) AND seq <= $3 ORDER BY seq"
)
_INSERT_ENTITY: Final = _sql(
    "INSERT INTO dss_entity (kind, id, party, version, seq, ovn, state, base_url, start_us, end_us, shape, "
    "subscription, for_intents, for_constraints, implicit, written_us) VALUES ({values 16})"
)
_DELETE_ENTITY: Final = _sql("DELETE FROM dss_entity WHERE kind = $1 AND id = $2")
_INSERT_SHAPE: Final = _sql(
    "INSERT INTO dss_shape (digest, extents, parts) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
)
_SHAPE: Final = _sql("SELECT extents FROM dss_shape WHERE digest = $1")
_PARTS: Final = _sql("SELECT parts FROM dss_shape WHERE digest = $1")
_USES_SHAPE: Final = _sql("SELECT 1 FROM dss_entity WHERE shape = $1 LIMIT 1")
_DELETE_SHAPE: Final = _sql("DELETE FROM dss_shape WHERE digest = $1")
_INSERT_VERSION: Final = _sql(
    "INSERT INTO dss_version (kind, id, seq, version, act, party, ovn, content, written_us) "
    "VALUES ({values 9})"
)
_VERSIONS: Final = _sql(
    "SELECT seq, version, act, party, content, written_us FROM dss_version "
    "WHERE kind = $1 AND id = $2 ORDER BY seq"
)
_WAS_NAMED: Final = _sql("SELECT 1 FROM dss_version WHERE kind = $1 AND id = $2 AND ovn = $3 LIMIT 1")
_CREATED: Final = _sql("SELECT request, told, told_index FROM dss_created WHERE kind = $1 AND id = $2")
_INSERT_CREATED: Final = _sql(
    "INSERT INTO dss_created (kind, id, request, told, told_index) VALUES ($1, $2, $3, $4, $5)"
)
_DELETE_CREATED: Final = _sql("DELETE FROM dss_created WHERE kind = $1 AND id = $2")
_AVAILABILITY: Final = _sql("SELECT party, state, version FROM dss_availability")
_INSERT_AVAILABILITY: Final = _sql(
    "INSERT INTO dss_availability (party, state, version, arbiter, written_us) VALUES ($1, $2, $3, $4, $5)"
)
_DELETE_AVAILABILITY: Final = _sql("DELETE FROM dss_availability WHERE party = $1")
_INSERT_REPORT: Final = _sql(
    "INSERT INTO dss_report (id, party, content, written_us) VALUES ($1, $2, $3, $4)"
)
_EXPIRED: Final = _sql(
    """SELECT {entity} FROM dss_entity e WHERE e.end_us < $1 AND e.kind = ANY($2::text[])
        AND NOT (e.kind = 'subscription' AND EXISTS (SELECT 1 FROM dss_entity i WHERE i.subscription = e.id))
        ORDER BY e.end_us, e.kind, e.id LIMIT $3"""
)
_OLD_VERSIONS: Final = _sql(
    """SELECT v.kind, v.id, v.seq FROM dss_version v WHERE v.written_us < $1
       AND NOT EXISTS (SELECT 1 FROM dss_entity e WHERE e.kind = v.kind AND e.id = v.id) LIMIT $2"""
)
_DELETE_VERSION: Final = _sql("DELETE FROM dss_version WHERE kind = $1 AND id = $2 AND seq = $3")
_OLD_REPORTS: Final = _sql("SELECT id FROM dss_report WHERE written_us < $1 LIMIT $2")
_DELETE_REPORT: Final = _sql("DELETE FROM dss_report WHERE id = $1")
_COUNTS: Final = _sql("SELECT kind, count(*) FROM dss_entity GROUP BY kind")
