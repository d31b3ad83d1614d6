"""What the discovery service keeps, and how it is found again: statements, no rules.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one or two statements. A search returns everything
whose box meets the asked one in place, altitude and time (:mod:`skypact.airspace.cells`), with no limit to
how many; what follows from that is decided in :mod:`skypact.exchange.dss`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, union_all

from skypact.store.schema import (
    dss_availability,
    dss_cell,
    dss_created,
    dss_entity,
    dss_report,
    dss_shape,
    dss_version,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skypact.airspace.cells import Cover
    from skypact.store.tx import Tx

INTENT: Final = "intent"
CONSTRAINT: Final = "constraint"
SUBSCRIPTION: Final = "subscription"


class Entity(NamedTuple):
    """A row of ``dss_entity``: its columns, as a tuple, since thousands are made for one answer."""

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


_COLUMNS: Final = tuple(dss_entity.c)


def get(tx: Tx, kind: str, ident: bytes) -> Entity | None:
    """One entity, expired or not."""
    row = tx.connection.execute(_GET, {"kind": kind, "id": ident}).first()
    return None if row is None else Entity._make(row)


def near(tx: Tx, parts: Sequence[Part], now_us: int) -> dict[str, list[Entity]]:
    """Entities of all kinds that are not over and meet any of the parts; by kind, ordered by id."""
    found: dict[tuple[str, bytes], Entity] = {}
    for part in parts:
        cover = part.cover
        rows = tx.connection.execute(
            _NEAR,
            {
                "here": cover.home,
                "above": cover.above or (-1,),
                "now": now_us,
                "start": part.start_us,
                "end": part.end_us,
                "low": part.low_m,
                "high": part.high_m,
                "south": cover.south,
                "north": cover.north,
                "west": cover.west,
                "east": cover.east,
            },
        )
        if len(parts) == 1:
            grouped: dict[str, list[Entity]] = defaultdict(list)
            for row in rows:
                grouped[row[0]].append(Entity._make(row))
            return grouped
        for row in rows:
            found.setdefault((row[0], row[1]), Entity._make(row))
    grouped = defaultdict(list)
    for key in sorted(found):
        grouped[key[0]].append(found[key])
    return grouped


def dependents(tx: Tx, subscription: bytes) -> list[Entity]:
    """The intents that depend on a subscription."""
    return [Entity._make(row) for row in tx.connection.execute(_DEPENDENTS, {"subscription": subscription})]


def dependents_of(tx: Tx, subscriptions: Sequence[bytes]) -> dict[bytes, list[bytes]]:
    """Ids of the intents that depend on each of several subscriptions."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for block in _blocks(subscriptions):
        for subscription, ident in tx.connection.execute(_DEPENDENTS_OF, {"subscriptions": block}):
            found[subscription].append(ident)
    return found


def base_urls(tx: Tx, subscriptions: Sequence[bytes], seq: int) -> dict[bytes, str]:
    """Where each subscription wanted to be told just after the write ``seq``, from its versions."""
    from msgspec import json

    found: dict[bytes, str] = {}
    for block in _blocks(subscriptions):
        for ident, content in tx.connection.execute(_VERSIONS_UNTIL, {"ids": block, "seq": seq}):
            found[ident] = str(json.decode(content)["reference"]["uss_base_url"])
    return found


def put(tx: Tx, entities: Iterable[Entity], *, new: bool = False) -> None:
    """Write entities in place of any of the same kind and id; ``new``: it is known that there are none."""
    rows = [entity._asdict() for entity in entities]
    if not new:
        tx.connection.execute(_DELETE_ENTITY, [{"key_kind": r["kind"], "key_id": r["id"]} for r in rows])
    tx.connection.execute(_INSERT_ENTITY, rows)


def remove(tx: Tx, kind: str, ident: bytes) -> None:
    """Remove an entity; its versions stay."""
    tx.connection.execute(_DELETE_ENTITY, {"key_kind": kind, "key_id": ident})


def keep_shape(tx: Tx, digest: bytes, extents: bytes, parts: Sequence[Part]) -> None:
    """Keep extents under their digest, unless they are there."""
    if not tx.connection.execute(_INSERT_SHAPE, {"new_digest": digest, "new_extents": extents}).rowcount:
        return
    tx.connection.execute(
        _INSERT_CELL,
        [
            {
                "cell": cell,
                "home": home,
                "end_us": part.end_us,
                "shape": digest,
                "part": k,
                "start_us": part.start_us,
                "low_m": part.low_m,
                "high_m": part.high_m,
                "south": part.cover.south,
                "north": part.cover.north,
                "west": part.cover.west,
                "east": part.cover.east,
            }
            for k, part in enumerate(parts)
            for cells, home in ((part.cover.home, True), (part.cover.above, False))
            for cell in cells
        ],
    )


def shape(tx: Tx, digest: bytes) -> bytes:
    """The extents of a digest, as JSON."""
    return bytes(tx.connection.execute(_SHAPE, {"digest": digest}).scalar_one())


def drop_shape(tx: Tx, digest: bytes) -> None:
    """Forget extents that no entity names any more."""
    if tx.connection.execute(_USED_SHAPE, {"shape": digest}).first() is None:
        tx.connection.execute(_DELETE_CELLS, {"key": digest})
        tx.connection.execute(_DELETE_SHAPE, {"key": digest})


def add_versions(tx: Tx, written: Sequence[tuple[Entity, str, bytes]], now_us: int) -> None:
    """Add versions (entity, act, content) to the history, and their leaves to the ledger."""
    tx.connection.execute(
        _INSERT_VERSION,
        [
            {
                "kind": entity.kind,
                "id": entity.id,
                "seq": tx.seq,
                "version": entity.version,
                "act": act,
                "party": entity.party,
                "ovn": entity.ovn,
                "content": content,
                "written_us": now_us,
            }
            for entity, act, content in written
        ],
    )
    for entity, act, content in written:
        tx.append(f"dss.{entity.kind}.{act}", entity.id.hex(), content)


def versions(tx: Tx, kind: str, ident: bytes) -> list[tuple[int, int, str, str, bytes, int]]:
    """Seq, version, act, party, content and instant of every version of an entity, oldest first."""
    return [tuple(row) for row in tx.connection.execute(_VERSIONS, {"kind": kind, "id": ident})]


def created(tx: Tx, kind: str, ident: bytes) -> tuple[bytes, bytes, int] | None:
    """Request digest, subscriptions told and their index, of an entity that is as it was created."""
    row = tx.connection.execute(_CREATED, {"kind": kind, "id": ident}).first()
    return None if row is None else (bytes(row[0]), bytes(row[1]), int(row[2]))


def add_created(tx: Tx, kind: str, ident: bytes, request: bytes, told: bytes, told_index: int) -> None:
    """Remember how an entity was created."""
    tx.connection.execute(
        _INSERT_CREATED,
        {"kind": kind, "id": ident, "request": request, "told": told, "told_index": told_index},
    )


def forget_created(tx: Tx, kind: str, ident: bytes) -> None:
    """Forget how it was created: it was changed."""
    tx.connection.execute(_DELETE_CREATED, {"key_kind": kind, "key_id": ident})


def availability(tx: Tx) -> dict[str, tuple[str, str]]:
    """State and version of every party that was ever declared."""
    return {party: (state, version) for party, state, version in tx.connection.execute(_AVAILABILITY)}


def set_availability(
    tx: Tx, party: str, state: str, version: str, arbiter: str, content: bytes, now_us: int
) -> None:
    """Declare it, with a leaf in the ledger."""
    tx.connection.execute(_DELETE_AVAILABILITY, {"key": party})
    tx.connection.execute(
        _INSERT_AVAILABILITY,
        {"party": party, "state": state, "version": version, "arbiter": arbiter, "written_us": now_us},
    )
    tx.append("dss.availability", party, content)


def add_report(tx: Tx, ident: str, party: str, content: bytes, now_us: int) -> None:
    """Archive a report, with a leaf in the ledger."""
    tx.connection.execute(
        _INSERT_REPORT, {"id": ident, "party": party, "content": content, "written_us": now_us}
    )
    tx.append("dss.report", ident, content)


def expired(tx: Tx, before_us: int, limit: int) -> list[Entity]:
    """Some entities that ended before an instant, the earliest first."""
    return [
        Entity._make(row) for row in tx.connection.execute(_EXPIRED, {"before": before_us, "many": limit})
    ]


def prune_versions(tx: Tx, before_us: int, limit: int) -> int:
    """Remove some versions, and reports, written before an instant, of entities that are gone; how many."""
    keys = tx.connection.execute(_OLD_VERSIONS, {"before": before_us, "many": limit}).all()
    for kind, ident, seq in keys:
        tx.connection.execute(_DELETE_VERSION, {"key_kind": kind, "key_id": ident, "key_seq": seq})
    reports = [r[0] for r in tx.connection.execute(_OLD_REPORTS, {"before": before_us, "many": limit})]
    for ident in reports:
        tx.connection.execute(_DELETE_REPORT, {"key": ident})
    return len(keys) + len(reports)


def counts(tx: Tx) -> dict[str, int]:
    """How many entities of each kind there are."""
    return {kind: int(n) for kind, n in tx.connection.execute(_COUNTS)}


# -- statements, made once ----------------------------------------------------------------------------------


def _blocks(ids: Sequence[bytes], size: int = 5_000) -> Iterable[Sequence[bytes]]:
    return (ids[k : k + size] for k in range(0, len(ids), size))


def _meets(cells: str, *, home_only: bool) -> Any:
    c = dss_cell.c
    around = or_(
        *(
            and_(c.west <= bindparam("east") + turn, c.east >= bindparam("west") + turn)
            for turn in (0.0, -360.0, 360.0)
        )
    )
    terms = [
        c.cell.in_(bindparam(cells, expanding=True)),
        c.end_us > bindparam("start"),
        c.start_us < bindparam("end"),
        c.low_m <= bindparam("high"),
        c.high_m >= bindparam("low"),
        c.south <= bindparam("north"),
        c.north >= bindparam("south"),
        around,
    ]
    if home_only:
        terms.insert(0, c.home)
    return select(c.shape).where(*terms)


_GET = select(*_COLUMNS).where(dss_entity.c.kind == bindparam("kind"), dss_entity.c.id == bindparam("id"))
_NEAR = (
    select(*_COLUMNS)
    .where(
        dss_entity.c.shape.in_(union_all(_meets("here", home_only=False), _meets("above", home_only=True))),
        dss_entity.c.end_us > bindparam("now"),
    )
    .order_by(dss_entity.c.kind, dss_entity.c.id)
)
_DEPENDENTS = select(*_COLUMNS).where(dss_entity.c.subscription == bindparam("subscription"))
_DEPENDENTS_OF = select(dss_entity.c.subscription, dss_entity.c.id).where(
    dss_entity.c.subscription.in_(bindparam("subscriptions", expanding=True))
)
_VERSIONS_UNTIL = (
    select(dss_version.c.id, dss_version.c.content)
    .where(
        dss_version.c.kind == SUBSCRIPTION,
        dss_version.c.id.in_(bindparam("ids", expanding=True)),
        dss_version.c.seq <= bindparam("seq"),
    )
    .order_by(dss_version.c.seq)
)
_INSERT_ENTITY = insert(dss_entity)
_DELETE_ENTITY = delete(dss_entity).where(
    dss_entity.c.kind == bindparam("key_kind"), dss_entity.c.id == bindparam("key_id")
)
_SHAPE = select(dss_shape.c.extents).where(dss_shape.c.digest == bindparam("digest"))
_INSERT_SHAPE = insert(dss_shape).from_select(
    ["digest", "extents"],
    select(
        bindparam("new_digest", type_=dss_shape.c.digest.type),
        bindparam("new_extents", type_=dss_shape.c.extents.type),
    ).where(~select(dss_shape.c.digest).where(dss_shape.c.digest == bindparam("new_digest")).exists()),
)
_INSERT_CELL = insert(dss_cell)
_USED_SHAPE = select(dss_entity.c.id).where(dss_entity.c.shape == bindparam("shape")).limit(1)
_DELETE_CELLS = delete(dss_cell).where(dss_cell.c.shape == bindparam("key"))
_DELETE_SHAPE = delete(dss_shape).where(dss_shape.c.digest == bindparam("key"))
_INSERT_VERSION = insert(dss_version)
_VERSIONS = (
    select(
        dss_version.c.seq,
        dss_version.c.version,
        dss_version.c.act,
        dss_version.c.party,
        dss_version.c.content,
        dss_version.c.written_us,
    )
    .where(dss_version.c.kind == bindparam("kind"), dss_version.c.id == bindparam("id"))
    .order_by(dss_version.c.seq)
)
_CREATED = select(dss_created.c.request, dss_created.c.told, dss_created.c.told_index).where(
    dss_created.c.kind == bindparam("kind"), dss_created.c.id == bindparam("id")
)
_INSERT_CREATED = insert(dss_created)
_DELETE_CREATED = delete(dss_created).where(
    dss_created.c.kind == bindparam("key_kind"), dss_created.c.id == bindparam("key_id")
)
_AVAILABILITY = select(dss_availability.c.party, dss_availability.c.state, dss_availability.c.version)
_INSERT_AVAILABILITY = insert(dss_availability)
_DELETE_AVAILABILITY = delete(dss_availability).where(dss_availability.c.party == bindparam("key"))
_INSERT_REPORT = insert(dss_report)
_EXPIRED = (
    select(*_COLUMNS)
    .where(dss_entity.c.end_us < bindparam("before"))
    .order_by(dss_entity.c.end_us)
    .limit(bindparam("many"))
)
_OLD_VERSIONS = (
    select(dss_version.c.kind, dss_version.c.id, dss_version.c.seq)
    .where(
        dss_version.c.written_us < bindparam("before"),
        ~select(dss_entity.c.id)
        .where(dss_entity.c.kind == dss_version.c.kind, dss_entity.c.id == dss_version.c.id)
        .exists(),
    )
    .limit(bindparam("many"))
)
_DELETE_VERSION = delete(dss_version).where(
    dss_version.c.kind == bindparam("key_kind"),
    dss_version.c.id == bindparam("key_id"),
    dss_version.c.seq == bindparam("key_seq"),
)
_OLD_REPORTS = (
    select(dss_report.c.id).where(dss_report.c.written_us < bindparam("before")).limit(bindparam("many"))
)
_DELETE_REPORT = delete(dss_report).where(dss_report.c.id == bindparam("key"))
_COUNTS = select(dss_entity.c.kind, func.count()).group_by(dss_entity.c.kind)
