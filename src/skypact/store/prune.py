"""What may be forgotten once it is over, and how: in small batches, between which others write.

Law: nothing that is alive is removed, and nothing younger than it was asked to keep. The ledger is never
pruned. Each owner of tables says here what of them is prunable (:data:`SECTIONS`); what needs rules to be
removed (a claim of the discovery service, which leaves a version that says so) comes from the desk with the
same shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, select, tuple_

from skypact.store.schema import attempt, node_position, node_report, outbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from sqlalchemy import Column, ColumnElement, Table

    from skypact.store.store import Store
    from skypact.store.tx import Tx

BATCH: Final = 200
"""Rows that one write removes."""


@dataclass(frozen=True, slots=True)
class Prunable:
    """Something that may be forgotten.

    Attributes
    ----------
    name, what
        A short word, and what it is, for people.
    batch
        ``batch(store, now_us, keep_us, limit)`` removes at most about ``limit`` rows of what was over at
        ``now_us - keep_us``, in one write, and returns how many; 0: there is no more.
    """

    name: str
    what: str
    batch: Callable[[Store, int, int, int], Awaitable[int]]


async def prune(
    store: Store,
    sections: Iterable[Prunable],
    *,
    now_us: int,
    keep_us: int,
    tell: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Remove all that was over at ``now_us - keep_us``; returns how many rows of each section.

    Parameters
    ----------
    tell
        Told the section and how many of it are gone, after each batch.
    """
    gone: dict[str, int] = {}
    for section in sections:
        gone[section.name] = 0
        while True:
            count = await section.batch(store, now_us, keep_us, BATCH)
            gone[section.name] += count
            if tell is not None:
                tell(section.name, gone[section.name])
            if not count:
                break
    return gone


def older(
    table: Table, instant: Column[Any], *, where: ColumnElement[bool] | None = None
) -> Callable[[Store, int, int, int], Awaitable[int]]:
    """A batch of the rows of a table whose instant (µs) is older than asked to keep; NULL never is."""
    keys = list(table.primary_key.columns)
    old = select(*keys).where(instant < bindparam("before")).order_by(instant).limit(bindparam("many"))
    if where is not None:
        old = old.where(where)
    remove = delete(table).where(tuple_(*keys).in_(bindparam("these", expanding=True)))

    async def batch(store: Store, now_us: int, keep_us: int, limit: int) -> int:
        def work(tx: Tx) -> int:
            found = tx.connection.execute(old, {"before": now_us - keep_us, "many": limit}).all()
            if found:
                tx.connection.execute(remove, {"these": [tuple(row) for row in found]})
            return len(found)

        return await store.write(work)

    return batch


async def _ended_messages(store: Store, now_us: int, keep_us: int, limit: int) -> int:
    def work(tx: Tx) -> int:
        found = [row.id for row in tx.connection.execute(_ENDED, {"before": now_us - keep_us, "many": limit})]
        if found:
            tx.connection.execute(_FORGET_ATTEMPTS, {"these": found})
            tx.connection.execute(_FORGET_MESSAGES, {"these": found})
        return len(found)

    return await store.write(work)


_ENDED = (
    select(outbox.c.id)
    .where(outbox.c.ended_us < bindparam("before"))
    .order_by(outbox.c.ended_us)
    .limit(bindparam("many"))
)
_FORGET_ATTEMPTS = delete(attempt).where(attempt.c.message.in_(bindparam("these", expanding=True)))
_FORGET_MESSAGES = delete(outbox).where(outbox.c.id.in_(bindparam("these", expanding=True)))

SECTIONS: Final = (
    Prunable("messages", "messages to others that have ended, with their attempts", _ended_messages),
    Prunable("positions", "where our flights were", older(node_position, node_position.c.received_us)),
    Prunable("reports", "reports of faults in exchanges", older(node_report, node_report.c.written_us)),
)
"""What of the store's own tables, and the node's, may be forgotten by age alone."""
