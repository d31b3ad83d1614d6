"""Is what is kept sound? The whole database looked at, on one state, while it is in use.

Law: everything that can be recomputed is. A fault is something that no version of Skypact writes: a disk, a
bug or a hand did. A remark is something to know, and no fault. Nothing is mended here.

Looked at: the database's own integrity check and its references (SQLite; PostgreSQL checks its pages itself
where its cluster has checksums, and that is told); the region's counters against what they count; every leaf
of the ledger, its place, order and hash, and the root of all; the outbox against its lanes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from skypact.errors import InputError
from skypact.record.ledger import Frontier, leaf_hash
from skypact.store.batch import transient
from skypact.store.schema import lane, leaf, metadata, outbox, region, waiting
from skypact.store.tx import LAST_INDEX

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

_CHUNK: Final = 500
_MANY: Final = 20
"""How many faults of one sort are told one by one."""
_NEARLY: Final = 0.8
"""The share of notification indices from which on it is remarked."""


@dataclass(slots=True)
class Examination:
    """What was found.

    Attributes
    ----------
    facts
        What there is, in short lines.
    faults
        What must not be; empty for a sound database.
    remarks
        What somebody should know.
    """

    facts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def examine(connection: Connection, tell: Callable[[str], None]) -> Examination:
    """Look at everything, inside one transaction that sees one state.

    Parameters
    ----------
    tell
        Told the phase that the work is in, for a person who waits.
    """
    found = Examination()
    try:
        _examine(connection, found, tell)
    except DBAPIError as error:  # where a disk has lost a page, looking itself fails
        if transient(error):
            raise
        found.faults.append(f"the database cannot be read further: {error.orig}")
    return found


def _examine(connection: Connection, found: Examination, tell: Callable[[str], None]) -> None:
    tell("checking the database")
    if connection.dialect.name == "sqlite":
        _sqlite(connection, found)
    else:
        _postgresql(connection, found)
    if found.faults:
        return  # what follows would stumble over it
    _counters(connection, found)
    _ledger(connection, found, tell)
    tell("checking the outbox")
    _outbox(connection, found)


def root(connection: Connection, tell: Callable[[str], None]) -> bytes:
    """The root of the ledger's tree, from the hashes as they are kept."""
    frontier = Frontier()
    while True:
        query = (
            select(leaf.c.hash)
            .where(leaf.c.position >= frontier.size)
            .order_by(leaf.c.position)
            .limit(_CHUNK * 10)
        )
        hashes = [bytes(row.hash) for row in connection.execute(query)]
        if not hashes:
            return frontier.root()
        for each in hashes:
            frontier.add(each)
        tell(f"reading the ledger: {frontier.size} leaves")


def _sqlite(connection: Connection, found: Examination) -> None:
    lines = [str(row[0]) for row in connection.execute(text(f"PRAGMA integrity_check({_MANY})"))]
    if lines != ["ok"]:
        found.faults += [f"SQLite: {line}" for line in lines]
    for row in connection.execute(text("PRAGMA foreign_key_check")).fetchmany(_MANY):
        found.faults.append(f"a row of {row[0]} refers to one of {row[2]} that is not there")
    found.facts.append("SQLite: its own integrity check was run")


def _postgresql(connection: Connection, found: Examination) -> None:
    sums = connection.execute(text("SELECT current_setting('data_checksums')")).scalar_one()
    if sums == "on":
        found.facts.append("PostgreSQL: pages have checksums, which it checks at every read")
    else:
        found.remarks.append(
            "this cluster of PostgreSQL has no checksums of its pages (initdb --data-checksums)"
        )
    there = set(inspect(connection).get_table_names())
    found.faults += [f"there is no table {name}" for name in sorted(set(metadata.tables) - there)]


def _counters(connection: Connection, found: Examination) -> None:
    row = connection.execute(select(region)).one()
    found.facts.append(f"region {row.id.hex()}: {row.seq} writes")
    used = row.notifications / LAST_INDEX
    found.facts.append(f"notification indices: {row.notifications} of {LAST_INDEX} used")
    if used >= _NEARLY:
        found.remarks.append(
            f"{used:.0%} of the notification indices are used; plan a new region (docs/store.md)"
        )
    for counted, column in ((row.leaves - 1, leaf.c.position), (row.messages, outbox.c.id)):
        last = connection.execute(select(func.max(column))).scalar_one()
        if last is not None and last > counted:
            found.faults.append(f"{column.table.name} goes up to {last}, and the region counts to {counted}")
    for table in (leaf, outbox):
        last = connection.execute(select(func.max(table.c.seq))).scalar_one()
        if last is not None and last > row.seq:
            found.faults.append(f"{table.name} is of write {last}, and the region counts {row.seq} writes")


def _ledger(connection: Connection, found: Examination, tell: Callable[[str], None]) -> None:
    leaves = int(connection.execute(select(region.c.leaves)).scalar_one())
    frontier = Frontier()
    faults: list[str] = []
    redacted, expected, last_seq = 0, 0, 0
    while True:
        query = select(leaf).where(leaf.c.position >= expected).order_by(leaf.c.position).limit(_CHUNK)
        rows = connection.execute(query).all()
        if not rows:
            break
        for row in rows:
            if row.position != expected:
                faults.append(f"leaves {expected} to {row.position - 1} are missing")
            if row.seq < last_seq:
                faults.append(f"leaf {row.position} is of write {row.seq}, after one of write {last_seq}")
            if row.salt is None:
                redacted += 1
            else:
                faults += _wrong(row)
            frontier.add(bytes(row.hash))
            expected, last_seq = row.position + 1, row.seq
        tell(f"recomputing the ledger: {expected} of {leaves} leaves")
    if expected < leaves:
        faults.append(f"leaves {expected} to {leaves - 1} are missing at the end")
    found.faults += _first(faults)
    hidden = f", {redacted} redacted" if redacted else ""
    found.facts.append(f"ledger: {frontier.size} leaves{hidden}, root {frontier.root().hex()}")


def _wrong(row: Any) -> list[str]:
    try:
        same = leaf_hash(row.kind, row.ref, bytes(row.content), bytes(row.salt)) == bytes(row.hash)
    except InputError as error:
        return [f"leaf {row.position}: {error}"]
    return [] if same else [f"leaf {row.position} ({row.kind}) does not have the hash that it was given"]


def _outbox(connection: Connection, found: Examination) -> None:
    waits = connection.execute(
        select(func.count()).select_from(outbox).where(outbox.c.state == "waiting")
    ).scalar_one()
    found.facts.append(f"outbox: {waits} messages wait")
    lost = (
        select(outbox.c.id)
        .outerjoin(waiting, (waiting.c.message == outbox.c.id) & (waiting.c.lane == outbox.c.lane))
        .where(outbox.c.state == "waiting", waiting.c.message.is_(None))
    )
    found.faults += _first([f"message {row.id} waits in no lane" for row in connection.execute(lost)])
    ended = (
        select(outbox.c.id).join(waiting, waiting.c.message == outbox.c.id).where(outbox.c.state != "waiting")
    )
    found.faults += _first([f"message {row.id} has ended, and waits" for row in connection.execute(ended)])
    stopped = (
        select(waiting.c.lane)
        .outerjoin(lane, lane.c.lane == waiting.c.lane)
        .where(lane.c.lane.is_(None))
        .distinct()
    )
    found.faults += _first(
        [f"lane {row.lane!r} has messages, and is not known" for row in connection.execute(stopped)]
    )


def _first(faults: list[str]) -> list[str]:
    if len(faults) <= _MANY:
        return faults
    return [*faults[:_MANY], f"and {len(faults) - _MANY} more of this sort"]
