"""The rows of filings: versions with their bytes, checks, moves, who was told, what is to be fetched, drafts.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one or two statements, and no decision. A version is
inserted once; what another party filed is inserted when its notice comes, and gets its bytes once. Nothing
but drafts and what is to be fetched is ever removed. A serial is drawn by the write that uses it, so that
there is no gap: writes of a region are one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from skypact.store.schema import (
    filing,
    filing_check,
    filing_draft,
    filing_move,
    filing_told,
    filing_version,
    filing_wanted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Table

    from skypact.store.node import Box
    from skypact.store.tx import Tx

LIVE: Final = ("filed", "amended", "active")
"""The states in which a filing holds: ``skypact.notify.lifecycle.LIVE``."""


class FilingRow(NamedTuple):
    """A row of ``filing``; the columns of the same names."""

    filer: str
    serial: int
    kind: str
    data_mode: str
    state: str
    version: int
    name: str
    opens_us: int
    closes_us: int
    reconfirm_us: int | None
    written_us: int


class VersionRow(NamedTuple):
    """A row of ``filing_version``; the columns of the same names."""

    filer: str
    serial: int
    version: int
    number: int | None
    sha256: bytes
    content: bytes | None
    readable: bool
    fault: str
    by: str
    written_us: int
    notice: bytes | None
    message: bytes | None
    south: float | None
    north: float | None
    west: float | None
    east: float | None
    leaf: int | None


class CheckRow(NamedTuple):
    """A row of ``filing_check``; the columns of the same names."""

    filer: str
    serial: int
    version: int
    checked_us: int
    found: int
    findings: bytes
    leaf: int


class MoveRow(NamedTuple):
    """A row of ``filing_move``; the columns of the same names."""

    filer: str
    serial: int
    step: int
    move: str
    state: str
    version: int
    by: str
    moved_us: int
    leaf: int


class ToldRow(NamedTuple):
    """A row of ``filing_told``; the columns of the same names."""

    filer: str
    serial: int
    party: str
    version: int
    message: bytes
    over: bool


class WantedRow(NamedTuple):
    """A row of ``filing_wanted``; the columns of the same names."""

    filer: str
    serial: int
    version: int
    sha256: bytes
    carrier: str
    tries: int
    due_us: int
    why: str


class DraftRow(NamedTuple):
    """A row of ``filing_draft``; the columns of the same names."""

    id: bytes
    content: bytes
    by: str
    written_us: int


# -- filings ------------------------------------------------------------------------------------------------


def one(tx: Tx, filer: str, serial: int) -> FilingRow | None:
    """A filing by its filer and the serial of its first version."""
    at = filing.c
    row = tx.connection.execute(select(filing).where(at.filer == filer, at.serial == serial)).first()
    return None if row is None else FilingRow._make(row)


def listed(
    tx: Tx,
    *,
    kind: str = "",
    state: str = "",
    filer: str = "",
    live: bool = False,
    after: tuple[str, int] = ("", 0),
    limit: int = 1_000,
) -> list[FilingRow]:
    """Filings by filer and serial, after one; of one class, state or filer only, or those that hold."""
    at = filing.c
    beyond = or_(at.filer > after[0], and_(at.filer == after[0], at.serial > after[1]))
    query = select(filing).where(beyond).order_by(at.filer, at.serial).limit(limit)
    for column, value in ((at.kind, kind), (at.state, state), (at.filer, filer)):
        if value:
            query = query.where(column == value)
    if live:
        query = query.where(at.state.in_(LIVE))
    return [FilingRow._make(row) for row in tx.connection.execute(query)]


def over(tx: Tx, now_us: int, limit: int) -> list[FilingRow]:
    """Filings that hold though their window is over."""
    at = filing.c
    query = select(filing).where(at.state.in_(LIVE), at.closes_us <= now_us).order_by(at.closes_us)
    return [FilingRow._make(row) for row in tx.connection.execute(query.limit(limit))]


def put(tx: Tx, row: FilingRow) -> None:
    """Write a filing, new or not."""
    _upsert(tx, filing, row, ("filer", "serial"))


# -- versions -----------------------------------------------------------------------------------------------


def last_number(tx: Tx, filer: str) -> int:
    """The highest serial of a filer among the versions that are here; 0 where there is none."""
    at = filing_version.c
    return int(tx.connection.execute(select(func.max(at.number)).where(at.filer == filer)).scalar_one() or 0)


def numbered(tx: Tx, filer: str, number: int) -> VersionRow | None:
    """The version that has a serial of its filer."""
    at = filing_version.c
    return _version(tx, at.filer == filer, at.number == number)


def version(tx: Tx, filer: str, serial: int, number: int) -> VersionRow | None:
    """One version of a filing."""
    at = filing_version.c
    return _version(tx, at.filer == filer, at.serial == serial, at.version == number)


def versions(tx: Tx, filer: str, serial: int) -> list[VersionRow]:
    """All versions of a filing, first to last."""
    at = filing_version.c
    query = select(filing_version).where(at.filer == filer, at.serial == serial).order_by(at.version)
    return [VersionRow._make(row) for row in tx.connection.execute(query)]


def notified(tx: Tx, message: bytes) -> VersionRow | None:
    """The version of another party's that a message notified."""
    return _version(tx, filing_version.c.message == message)


def with_digest(tx: Tx, sha256: bytes) -> list[VersionRow]:
    """Versions whose bytes have a digest and are here."""
    at = filing_version.c
    query = select(filing_version).where(at.sha256 == sha256, at.content.is_not(None))
    return [VersionRow._make(row) for row in tx.connection.execute(query)]


def near(tx: Tx, box: Box, opens_us: int, closes_us: int, data_mode: str) -> list[VersionRow]:
    """Newest versions of filings that hold, whose box and window meet these; those that can be read."""
    at, of = filing_version.c, filing.c
    beside: ColumnElement[bool] = or_(
        *(and_(at.west + turn <= box.east, at.east + turn >= box.west) for turn in (-360.0, 0.0, 360.0))
    )
    query = (
        select(filing_version)
        .join(filing, and_(of.filer == at.filer, of.serial == at.serial, of.version == at.version))
        .where(of.state.in_(LIVE), of.data_mode == data_mode, at.readable)
        .where(of.closes_us > opens_us, of.opens_us < closes_us)
        .where(at.south <= box.north, at.north >= box.south, beside)
        .order_by(at.filer, at.serial)
    )
    return [VersionRow._make(row) for row in tx.connection.execute(query)]


def unread(tx: Tx, opens_us: int, closes_us: int) -> list[FilingRow]:
    """Filings that hold in a window, and of whose newest version there is nothing that can be read."""
    at, of = filing_version.c, filing.c
    query = (
        select(filing)
        .join(filing_version, and_(of.filer == at.filer, of.serial == at.serial, of.version == at.version))
        .where(of.state.in_(LIVE), of.closes_us > opens_us, of.opens_us < closes_us, ~at.readable)
        .order_by(of.filer, of.serial)
    )
    return [FilingRow._make(row) for row in tx.connection.execute(query)]


def add_version(tx: Tx, row: VersionRow) -> None:
    """Keep a new version."""
    tx.connection.execute(insert(filing_version), row._asdict())


def put_version(tx: Tx, row: VersionRow) -> None:
    """Write what has become known of a version."""
    _upsert(tx, filing_version, row, ("filer", "serial", "version"))


# -- checks and moves ---------------------------------------------------------------------------------------


def unchecked(tx: Tx, limit: int) -> list[VersionRow]:
    """Newest versions of filings that hold, can be read, and were never checked."""
    at, of, done = filing_version.c, filing.c, filing_check.c
    query = (
        select(filing_version)
        .join(filing, and_(of.filer == at.filer, of.serial == at.serial, of.version == at.version))
        .outerjoin(
            filing_check,
            and_(done.filer == at.filer, done.serial == at.serial, done.version == at.version),
        )
        .where(of.state.in_(LIVE), at.readable, done.filer.is_(None))
        .order_by(at.written_us)
        .limit(limit)
    )
    return [VersionRow._make(row) for row in tx.connection.execute(query)]


def checks(tx: Tx, filer: str, serial: int) -> list[CheckRow]:
    """All checks of a filing's versions, first to last."""
    at = filing_check.c
    query = select(filing_check).where(at.filer == filer, at.serial == serial)
    rows = tx.connection.execute(query.order_by(at.version, at.checked_us))
    return [CheckRow._make(row) for row in rows]


def add_check(tx: Tx, row: CheckRow) -> None:
    """Keep what a check found; a second one of the same instant is the first."""
    _upsert(tx, filing_check, row, ("filer", "serial", "version", "checked_us"))


def moves(tx: Tx, filer: str, serial: int) -> list[MoveRow]:
    """What moved a filing, first to last."""
    at = filing_move.c
    query = select(filing_move).where(at.filer == filer, at.serial == serial).order_by(at.step)
    return [MoveRow._make(row) for row in tx.connection.execute(query)]


def last_step(tx: Tx, filer: str, serial: int) -> int:
    """The number of the last move of a filing; 0 where there was none."""
    at = filing_move.c
    query = select(func.max(at.step)).where(at.filer == filer, at.serial == serial)
    return int(tx.connection.execute(query).scalar_one() or 0)


def add_move(tx: Tx, row: MoveRow) -> None:
    """Keep a move."""
    tx.connection.execute(insert(filing_move), row._asdict())


# -- who was told, and what is to be fetched ----------------------------------------------------------------


def told(tx: Tx, filer: str, serial: int) -> list[ToldRow]:
    """What each party was told last of a filing of ours."""
    at = filing_told.c
    query = select(filing_told).where(at.filer == filer, at.serial == serial).order_by(at.party)
    return [ToldRow._make(row) for row in tx.connection.execute(query)]


def put_told(tx: Tx, row: ToldRow) -> None:
    """Write what a party was told last."""
    _upsert(tx, filing_told, row, ("filer", "serial", "party"))


def wanted(tx: Tx, now_us: int, limit: int) -> list[WantedRow]:
    """What is to be fetched now, that which has waited longest first."""
    at = filing_wanted.c
    query = select(filing_wanted).where(at.due_us <= now_us).order_by(at.due_us).limit(limit)
    return [WantedRow._make(row) for row in tx.connection.execute(query)]


def want(tx: Tx, filer: str, serial: int, number: int) -> WantedRow | None:
    """What is to be fetched of one version."""
    at = filing_wanted.c
    query = select(filing_wanted).where(at.filer == filer, at.serial == serial, at.version == number)
    row = tx.connection.execute(query).first()
    return None if row is None else WantedRow._make(row)


def put_wanted(tx: Tx, row: WantedRow) -> None:
    """Write that something is to be fetched, or that a try brought nothing."""
    _upsert(tx, filing_wanted, row, ("filer", "serial", "version"))


def drop_wanted(tx: Tx, row: WantedRow) -> None:
    """It is here, or nobody waits for it any more."""
    at = filing_wanted.c
    tx.connection.execute(
        delete(filing_wanted).where(at.filer == row.filer, at.serial == row.serial, at.version == row.version)
    )


# -- drafts -------------------------------------------------------------------------------------------------


def draft(tx: Tx, ident: bytes) -> DraftRow | None:
    """One draft."""
    row = tx.connection.execute(select(filing_draft).where(filing_draft.c.id == ident)).first()
    return None if row is None else DraftRow._make(row)


def drafts(tx: Tx, limit: int) -> list[DraftRow]:
    """Drafts, the newest first."""
    at = filing_draft.c
    query = select(filing_draft).order_by(at.written_us.desc(), at.id).limit(limit)
    return [DraftRow._make(row) for row in tx.connection.execute(query)]


def put_draft(tx: Tx, row: DraftRow) -> None:
    """Write a draft, new or not."""
    _upsert(tx, filing_draft, row, ("id",))


def drop_draft(tx: Tx, ident: bytes) -> None:
    """Throw a draft away."""
    tx.connection.execute(delete(filing_draft).where(filing_draft.c.id == ident))


# -- pieces -------------------------------------------------------------------------------------------------


def _version(tx: Tx, *where: ColumnElement[bool]) -> VersionRow | None:
    row = tx.connection.execute(select(filing_version).where(*where).limit(1)).first()
    return None if row is None else VersionRow._make(row)


def _upsert(tx: Tx, table: Table, row: Any, key: Sequence[str]) -> None:
    make = postgresql.insert if tx.connection.dialect.name == "postgresql" else sqlite.insert
    values = row._asdict()
    statement = make(table)
    changed = {name: statement.excluded[name] for name in values if name not in key}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), values)
