"""The rows of incidents: lines as they were written or came, what signs them, and others' files beside ours.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one statement, and no decision. A line is inserted
once; no row but that of the incident itself is ever changed, and none is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from skypact.store.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.store.tx import Tx


class IncidentRow(NamedTuple):
    """A row of ``incident``; the columns of the same names."""

    name: str
    title: str
    status: str
    entries: int
    head: bytes
    opened_us: int
    changed_us: int


class EntryRow(NamedTuple):
    """A row of ``incident_entry``; the columns of the same names."""

    incident: str
    number: int
    line: bytes
    way: str
    account: str
    written_us: int
    leaf: int


class SignatureRow(NamedTuple):
    """A row of ``incident_signature``; the columns of the same names."""

    incident: str
    digest: bytes
    number: int
    party: str
    text: str
    leaf: int


class CopyRow(NamedTuple):
    """A row of ``incident_copy``; the columns of the same names."""

    incident: str
    head: bytes
    entries: int
    parted: int
    data: bytes
    signatures: bytes
    account: str
    arrived_us: int
    leaf: int


def every(tx: Tx) -> list[IncidentRow]:
    """All incidents, the last changed first."""
    return [IncidentRow(*row) for row in _EVERY.rows(tx)]


def one(tx: Tx, name: str) -> IncidentRow | None:
    """The incident of that name."""
    return next((IncidentRow(*row) for row in _ONE.rows(tx, name)), None)


def put(tx: Tx, row: IncidentRow) -> None:
    """How an incident stands now."""
    _PUT.run(tx, *row)


def entries(tx: Tx, name: str) -> list[EntryRow]:
    """Its lines, in their order."""
    return [EntryRow(*row) for row in _ENTRIES.rows(tx, name)]


def add_entries(tx: Tx, rows: Sequence[EntryRow]) -> None:
    """Further lines."""
    _ADD_ENTRY.many(tx, [tuple(row) for row in rows])


def signatures(tx: Tx, name: str) -> list[SignatureRow]:
    """What signs its lines, by line and party."""
    return [SignatureRow(*row) for row in _SIGNATURES.rows(tx, name)]


def add_signatures(tx: Tx, rows: Sequence[SignatureRow]) -> None:
    """Further signatures; one that is there stays as it is."""
    _ADD_SIGNATURE.many(tx, [tuple(row) for row in rows])


def copies(tx: Tx, name: str) -> list[CopyRow]:
    """Others' files of it that went on otherwise, in the order in which they came."""
    return [CopyRow(*row) for row in _COPIES.rows(tx, name)]


def add_copy(tx: Tx, row: CopyRow) -> None:
    """One more; one of that head that is there stays as it is."""
    _ADD_COPY.run(tx, *row)


_INCIDENT: Final = "name, title, status, entries, head, opened_us, changed_us"
_EVERY: Final = Sql(f"SELECT {_INCIDENT} FROM incident ORDER BY changed_us DESC, name")  # noqa: S608
_ONE: Final = Sql(f"SELECT {_INCIDENT} FROM incident WHERE name = $1")  # noqa: S608
_PUT: Final = Sql(
    f"INSERT INTO incident ({_INCIDENT}) VALUES ({{values 7}}) "  # noqa: S608 -- names of columns
    "ON CONFLICT (name) DO UPDATE SET status = excluded.status, entries = excluded.entries, "
    "head = excluded.head, changed_us = excluded.changed_us"
)
_ENTRIES: Final = Sql(
    "SELECT incident, number, line, way, account, written_us, leaf FROM incident_entry WHERE incident = $1 "
    "ORDER BY number"
)
_ADD_ENTRY: Final = Sql(
    "INSERT INTO incident_entry (incident, number, line, way, account, written_us, leaf) VALUES ({values 7})"
)
_SIGNATURES: Final = Sql(
    "SELECT incident, digest, number, party, text, leaf FROM incident_signature WHERE incident = $1 "
    "ORDER BY number, party, digest"
)
_ADD_SIGNATURE: Final = Sql(
    "INSERT INTO incident_signature (incident, digest, number, party, text, leaf) VALUES ({values 6}) "
    "ON CONFLICT DO NOTHING"
)
_COPIES: Final = Sql(
    "SELECT incident, head, entries, parted, data, signatures, account, arrived_us, leaf "
    "FROM incident_copy WHERE incident = $1 ORDER BY arrived_us, head"
)
_ADD_COPY: Final = Sql(
    "INSERT INTO incident_copy "
    "(incident, head, entries, parted, data, signatures, account, arrived_us, leaf) VALUES ({values 9}) "
    "ON CONFLICT DO NOTHING"
)
