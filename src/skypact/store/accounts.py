"""The accounts of a party's people: statements, no rules.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one statement. No row is ever removed: a name that was
given once is never given to another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select, update

from skypact.store.schema import account

if TYPE_CHECKING:
    from skypact.store.tx import Tx


class Account(NamedTuple):
    """A row of ``account``; the columns of the same names."""

    name: str
    role: str
    display: str
    created_us: int
    created_by: str
    ended_us: int | None
    leaf: int


def one(tx: Tx, name: str) -> Account | None:
    """The account of this name, ended or not."""
    row = tx.connection.execute(select(account).where(account.c.name == name)).first()
    return None if row is None else Account._make(row)


def every(tx: Tx) -> list[Account]:
    """All accounts, in the order in which they were made."""
    query = select(account).order_by(account.c.created_us, account.c.name)
    return [Account._make(row) for row in tx.connection.execute(query)]


def add(tx: Tx, row: Account) -> None:
    """Keep a new one."""
    tx.connection.execute(insert(account), row._asdict())


def put(tx: Tx, row: Account) -> None:
    """Write what has changed of one: its role, or that it was ended, and the leaf that says so."""
    changed = {"role": row.role, "ended_us": row.ended_us, "leaf": row.leaf}
    tx.connection.execute(update(account).where(account.c.name == row.name).values(changed))
