"""What the discovery service keeps, and how it is found again: statements, no rules.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one statement or a few. A search returns everything
whose box meets the asked one in place, altitude and time (:mod:`skypact.airspace.cells`), with no limit to
how many; what follows from that is decided in :mod:`skypact.exchange.dss`.

How it works. Each statement is text, written once for both databases, and goes straight to the driver
(:mod:`skypact.store.sql`). What nobody looks for in the same transaction, versions and how a thing was
created, is inserted at its end for all writes together; what is saved on statements is what the service is
fast by.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from skypact.airspace.cells import Cover
from skypact.store.schema import dss_entity
from skypact.store.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skypact.store.tx import Tx

INTENT: Final = "intent"
CONSTRAINT: Final = "constraint"
SUBSCRIPTION: Final = "subscription"


class Entity(NamedTuple):
    """A row of ``dss_entity``: its columns, in their order."""

    kind: str
    id: bytes
    party: str
    version: int
    seq: int
    ovn: str
    state: str | None
    base_url: str
    start_us: int
    end_us: int
    shape: bytes
    subscription: bytes | None
    for_intents: bool
    for_constraints: bool
    implicit: bool
    written_us: int


@dataclass(frozen=True, slots=True)
class Part:
    """One volume as the search sees it: cover, window and altitudes (infinite where open)."""

    cover: Cover
    start_us: int
    end_us: int
    low_m: float
    high_m: float

    def meets(self, other: Part) -> bool:
        """Whether the two share a point, as boxes: closed in place and altitude, half-open in time."""
        return (
            self.start_us < other.end_us
            and other.start_us < self.end_us
            and self.low_m <= other.high_m
            and other.low_m <= self.high_m
            and self.cover.meets(other.cover)
        )


class Told(NamedTuple):
    """A subscription that a write concerns, as far as the answer needs it."""

    id: bytes
    base_url: str


class Shown(NamedTuple):
    """An intent that a key must show."""

    id: bytes
    ovn: str


# -- finding ------------------------------------------------------------------------------------------------


def get(tx: Tx, kind: str, ident: bytes) -> Entity | None:
    """One entity, expired or not."""
    rows = _GET.rows(tx, kind, ident)
    return _entity(rows[0]) if rows else None


def named(tx: Tx, kind: str, idents: Sequence[bytes]) -> list[Entity]:
    """Entities by their ids, ordered by id; those that are not there are left out."""
    found = [_entity(row) for block in _blocks(idents) for row in _NAMED.rows(tx, kind, list(block))]
    return sorted(found, key=_by_id)


def near(tx: Tx, kind: str, parts: Sequence[Part], now_us: int) -> list[Entity]:
    """Entities of a kind that are not over and meet any of the parts; ordered by id."""
    return sorted(map(_entity, _around(tx, _NEAR, parts, now_us, kind)), key=_by_id)


def around(tx: Tx, parts: Sequence[Part], now_us: int, ident: bytes) -> tuple[list[Shown], list[Told], bool]:
    """What a write of an intent must know: intents and subscriptions to intents here; whether it exists."""
    intents: list[Shown] = []
    subscriptions: list[Told] = []
    there = len(parts) > 1 and get(tx, INTENT, ident) is not None
    for kind, found, text in _around(tx, _HERE, parts, now_us, *((ident,) if len(parts) == 1 else ())):
        if kind == INTENT:
            intents.append(Shown(found, text))
        elif kind == SUBSCRIPTION:
            subscriptions.append(Told(found, text))
        else:
            there = True
    return intents, subscriptions, there


def concerned(tx: Tx, kind: str, parts: Sequence[Part], now_us: int) -> list[Told]:
    """Subscriptions to entities of this kind that are not over and meet any of the parts."""
    select = _TOLD_OF_INTENTS if kind == INTENT else _TOLD_OF_CONSTRAINTS
    return [Told(ident, url) for ident, url in _around(tx, select, parts, now_us)]


def subscriptions_of(tx: Tx, party: str, now_us: int) -> int:
    """How many subscriptions that are not over a party made itself."""
    return int(_SUBSCRIPTIONS_OF.rows(tx, party, now_us)[0][0])


def dependents(tx: Tx, subscription: bytes) -> list[Entity]:
    """The intents that depend on a subscription, ordered by id."""
    return sorted(map(_entity, _DEPENDENTS.rows(tx, subscription)), key=_by_id)


def dependents_of(tx: Tx, subscriptions: Sequence[bytes]) -> dict[bytes, list[bytes]]:
    """Ids of the intents that depend on each of several subscriptions."""
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


def _around(tx: Tx, select: _Search, parts: Sequence[Part], now_us: int, *more: object) -> Iterable[Any]:
    """Rows of the select for entities that are not over and meet any of the parts; each once."""
    if len(parts) == 1:
        part = parts[0]
        cover = part.cover
        south, north, west, east = cover.south, cover.north, cover.west, cover.east
        return select.here.rows(
            tx,
            now_us,
            list(cover.home),
            [*cover.home, *cover.above],
            part.start_us,
            part.end_us,
            part.low_m,
            part.high_m,
            south,
            north,
            west,
            east,
            west - 360.0,
            east - 360.0,
            west + 360.0,
            east + 360.0,
            *more,
        )
    shapes: set[bytes] = set()
    for k in range(0, len(parts), _PARTS_AT_ONCE):
        shapes |= _shapes(tx, parts[k : k + _PARTS_AT_ONCE], now_us)
    return (
        row
        for block in _blocks(sorted(shapes))
        for row in select.of_shapes.rows(tx, now_us, list(block), *more)
    )


def _shapes(tx: Tx, parts: Sequence[Part], now_us: int) -> set[bytes]:
    """Shapes with a part that meets one of these parts: all that may, from their cells, then one by one."""
    at_home: dict[int, list[Part]] = defaultdict(list)
    above: dict[int, list[Part]] = defaultdict(list)
    for part in parts:
        for cell in part.cover.home:
            at_home[cell].append(part)
        for cell in part.cover.above:
            above[cell].append(part)
    found: set[bytes] = set()
    rows = _CANDIDATES.rows(
        tx,
        max(now_us, min(part.start_us for part in parts)),
        max(part.end_us for part in parts),
        min(part.low_m for part in parts),
        max(part.high_m for part in parts),
        list(at_home),
        list(at_home.keys() | above.keys()),
    )
    for shape, cell, home, *rest in rows:
        if shape not in found:
            there = _part(((), ()), *rest)
            asked = [*at_home.get(cell, ()), *(above.get(cell, ()) if home else ())]
            if any(part.meets(there) for part in asked):
                found.add(shape)
    return found


# -- writing ------------------------------------------------------------------------------------------------


def put(tx: Tx, entities: Sequence[Entity], *, new: bool = False) -> None:
    """Write entities in place of any of the same kind and id; ``new``: it is known that there are none."""
    if not new:
        _DELETE_ENTITY.many(tx, [(entity.kind, entity.id) for entity in entities])
    _INSERT_ENTITY.many(tx, entities)


def remove(tx: Tx, kind: str, ident: bytes) -> None:
    """Remove an entity; its versions stay."""
    _DELETE_ENTITY.run(tx, kind, ident)


def put_at(tx: Tx, entities: Sequence[Entity], digest: bytes, extents: bytes, parts: Sequence[Part]) -> None:
    """Write one or two new entities and their extents: one statement on PostgreSQL, one round trip."""
    if not tx.remote:
        keep_shape(tx, digest, extents, parts)
        put(tx, entities, new=True)
        return
    columns = zip(*_cells(digest, parts), strict=True)
    lists = [list(column) for number, column in enumerate(columns) if number != _CELL_SHAPE]
    statement = _INSERT_ALL if len(entities) == 2 else _INSERT_BOTH
    statement.run(tx, digest, extents, *lists, *(value for entity in entities for value in entity))


def keep_shape(tx: Tx, digest: bytes, extents: bytes, parts: Sequence[Part]) -> None:
    """Keep extents under their digest, unless they are there."""
    if _INSERT_SHAPE.rows(tx, digest, extents):
        _INSERT_CELL.many(tx, _cells(digest, parts))


def _cells(digest: bytes, parts: Sequence[Part]) -> list[tuple[Any, ...]]:
    """Rows of ``dss_cell``."""
    return [
        (
            cell,
            home,
            part.end_us,
            digest,
            number,
            part.start_us,
            part.low_m,
            part.high_m,
            part.cover.south,
            part.cover.north,
            part.cover.west,
            part.cover.east,
        )
        for number, part in enumerate(parts)
        for cells, home in ((part.cover.home, True), (part.cover.above, False))
        for cell in cells
    ]


def shape(tx: Tx, digest: bytes) -> bytes:
    """The extents of a digest, as JSON."""
    return bytes(_SHAPE.rows(tx, digest)[0][0])


def parts(tx: Tx, digest: bytes) -> tuple[Part, ...]:
    """The parts of a shape, as they were entered."""
    rows: dict[int, tuple[list[int], list[int], list[Any]]] = {}
    for number, cell, home, *rest in _PARTS.rows(tx, digest):
        homes, above, _ = rows.setdefault(number, ([], [], rest))
        (homes if home else above).append(cell)
    return tuple(_part((tuple(homes), tuple(above)), *rest) for homes, above, rest in rows.values())


def drop_shape(tx: Tx, digest: bytes) -> None:
    """Forget extents that no entity names any more."""
    if not _USES_SHAPE.rows(tx, digest):
        _DELETE_CELLS.run(tx, digest)
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
    return [_entity(row) for row in _EXPIRED.rows(tx, before_us, list(kinds), limit)]


def prune_versions(tx: Tx, before_us: int, limit: int) -> int:
    """Remove some versions, and reports, written before an instant, of entities that are gone; how many."""
    tx.settle()
    keys = [tuple(row) for row in _OLD_VERSIONS.rows(tx, before_us, limit)]
    _DELETE_VERSION.many(tx, keys)
    reports = [tuple(row) for row in _OLD_REPORTS.rows(tx, before_us, limit)]
    _DELETE_REPORT.many(tx, reports)
    return len(keys) + len(reports)


def counts(tx: Tx) -> dict[str, int]:
    """How many entities of each kind there are."""
    return {kind: int(n) for kind, n in _COUNTS.rows(tx)}


# -- statements ---------------------------------------------------------------------------------------------


def _sql(text: str) -> Sql:
    """A statement; ``{entity}`` is the columns of an entity ``e``, ``{box}`` those of a part ``c``."""
    text = text.replace("{entity}", _COLUMNS).replace("{box}", _BOX)
    return Sql(text, local=text.replace(_FENCED, _PLAIN) if _FENCED in text else "")


_PARTS_AT_ONCE: Final = 64
_BOX: Final = "c.start_us, c.end_us, c.low_m, c.high_m, c.south, c.north, c.west, c.east"
_COLUMNS: Final = ", ".join(f"e.{column.name}" for column in dss_entity.c)
_HERE_CELLS: Final = """
    SELECT c.shape FROM dss_cell c
    WHERE c.home = {home} AND c.cell = ANY(${cells}::bigint[]) AND c.end_us > $4 AND c.start_us < $5
      AND c.high_m >= $6 AND c.low_m <= $7 AND c.north >= $8 AND c.south <= $9
      AND (c.east >= $10 AND c.west <= $11 OR c.east >= $12 AND c.west <= $13
           OR c.east >= $14 AND c.west <= $15)"""


_FENCED: Final = "LATERAL (SELECT * FROM dss_entity x WHERE x.shape = s.shape OFFSET 0) e WHERE"
"""For PostgreSQL: shape by shape, through their index. Left to choose, before it has statistics, its planner
compares every entity with every shape, and a crowded place becomes a cliff. SQLite keeps the order of a CROSS
JOIN as it is written."""
_PLAIN: Final = "dss_entity e WHERE e.shape = s.shape AND"
_ENTITIES_HERE: Final = """
    SELECT {columns} FROM (SELECT DISTINCT b.shape FROM ({here}) b) s CROSS JOIN {fenced}
    e.end_us > $1 AND {where}"""
_ENTITIES_OF_SHAPES: Final = """
    SELECT {columns} FROM dss_entity e
    WHERE e.shape = ANY($2::bytea[]) AND e.end_us > $1 AND {where}"""
_CANDIDATE_CELLS: Final = """
    SELECT c.shape, c.cell, c.home, {box} FROM dss_cell c
    WHERE c.home = {home} AND c.cell = ANY(${cells}::bigint[]) AND c.end_us > $1 AND c.start_us < $2
      AND c.high_m >= $3 AND c.low_m <= $4"""


class _Search:
    """A select of entities ``e``: of those around one part, and of those with given shapes."""

    def __init__(self, columns: str, where: str, *, also: str = "") -> None:
        cells = " UNION ALL ".join(
            _HERE_CELLS.replace("{home}", home).replace("{cells}", number)
            for home, number in (("TRUE", "3"), ("FALSE", "2"))
        )
        self.here, self.of_shapes = (
            _sql(
                text.replace("{where}", where)
                .replace("{fenced}", _FENCED)
                .replace("{columns}", columns)
                .replace("{more}", more)
                .replace("{here}", cells)
            )
            for text, more in ((_ENTITIES_HERE + also, "16"), (_ENTITIES_OF_SHAPES, "3"))
        )


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


def _part(
    cells: tuple[tuple[int, ...], tuple[int, ...]],
    start_us: int,
    end_us: int,
    low_m: float,
    high_m: float,
    south: float,
    north: float,
    west: float,
    east: float,
) -> Part:
    return Part(Cover(south, north, west, east, *cells), start_us, end_us, low_m, high_m)


def _by_id(entity: Entity) -> bytes:
    return entity.id


_NEAR: Final = _Search("{entity}", "e.kind = ${more}")
_HERE: Final = _Search(
    "e.kind, e.id, CASE WHEN e.kind = 'intent' THEN e.ovn ELSE e.base_url END",
    "(e.kind = 'intent' OR e.kind = 'subscription' AND e.for_intents)",
    also=" UNION ALL SELECT 'itself', i.id, '' FROM dss_entity i WHERE i.kind = 'intent' AND i.id = ${more}",
)
_TOLD_OF_INTENTS: Final = _Search("e.id, e.base_url", "e.kind = 'subscription' AND e.for_intents")
_TOLD_OF_CONSTRAINTS: Final = _Search("e.id, e.base_url", "e.kind = 'subscription' AND e.for_constraints")
_CANDIDATES: Final = _sql(
    " UNION ALL ".join(
        _CANDIDATE_CELLS.replace("{home}", home).replace("{cells}", number)
        for home, number in (("TRUE", "6"), ("FALSE", "5"))
    )
)
_GET: Final = _sql("SELECT {entity} FROM dss_entity e WHERE e.kind = $1 AND e.id = $2")
_NAMED: Final = _sql("SELECT {entity} FROM dss_entity e WHERE e.kind = $1 AND e.id = ANY($2::bytea[])")
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
_INTO_ENTITY: Final = (
    "INSERT INTO dss_entity (kind, id, party, version, seq, ovn, state, base_url, start_us, end_us, shape, "
    "subscription, for_intents, for_constraints, implicit, written_us)"
)
_INSERT_ENTITY: Final = _sql(_INTO_ENTITY + " VALUES ({values 16})")
_DELETE_ENTITY: Final = _sql("DELETE FROM dss_entity WHERE kind = $1 AND id = $2")
_INSERT_SHAPE: Final = _sql(
    "INSERT INTO dss_shape (digest, extents) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1"
)
_SHAPE: Final = _sql("SELECT extents FROM dss_shape WHERE digest = $1")
_PARTS: Final = _sql(
    "SELECT c.part, c.cell, c.home, {box} FROM dss_cell c WHERE c.shape = $1 ORDER BY c.part"
)
_INSERT_CELL: Final = _sql(
    "INSERT INTO dss_cell (cell, home, end_us, shape, part, start_us, low_m, high_m, "
    "south, north, west, east) VALUES ({values 12})"
)
_CELL_SHAPE: Final = 3
"""Where a row of ``dss_cell`` has the digest."""


def _insert_with_shape(entities: int) -> Sql:
    """For PostgreSQL: extents, their cells unless they are there, and new entities."""
    types = ("bigint", "boolean", "bigint", "integer", "bigint", *("float8",) * 6)
    lists = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 3))
    first = 3 + len(types)
    rows = ", ".join(
        f"({', '.join(f'${first + 16 * row + column}' for column in range(16))})" for row in range(entities)
    )
    text = _INSERT_WITH_SHAPE.replace("{into}", _INTO_ENTITY)
    return Sql(text.replace("{lists}", lists).replace("{rows}", rows))


_INSERT_WITH_SHAPE: Final = """
    WITH made AS (INSERT INTO dss_shape (digest, extents) VALUES ($1, $2) ON CONFLICT DO NOTHING
        RETURNING digest),
      cells AS (INSERT INTO dss_cell
          (cell, home, end_us, shape, part, start_us, low_m, high_m, south, north, west, east)
        SELECT u.cell, u.home, u.end_us, made.digest, u.part, u.start_us,
          u.low_m, u.high_m, u.south, u.north, u.west, u.east
        FROM made, unnest({lists}) AS
          u (cell, home, end_us, part, start_us, low_m, high_m, south, north, west, east))
    {into} VALUES {rows}"""
_INSERT_BOTH: Final = _insert_with_shape(1)
_INSERT_ALL: Final = _insert_with_shape(2)
_USES_SHAPE: Final = _sql("SELECT 1 FROM dss_entity WHERE shape = $1 LIMIT 1")
_DELETE_CELLS: Final = _sql("DELETE FROM dss_cell WHERE shape = $1")
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
