"""What a piece of work gets: the connection, and what a write draws from the region.

Law: a :class:`Tx` is thin. Work is a plain synchronous function of it; it has no effect outside the database,
because it may be run again; it does not commit, roll back or close the connection (the store refuses, and
undoes it); it catches a database error only around ``tx.connection.begin_nested()``.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, update

from skypact.errors import Reason, Refused
from skypact.record.ledger import SALT_BYTES, leaf_hash
from skypact.store.schema import leaf, outbox, region

if TYPE_CHECKING:
    from sqlalchemy import Connection

LAST_INDEX: Final = 2**31 - 1
"""The last notification index: F3548-21 has 32 bits with a sign for it."""


@dataclass(slots=True)
class Counters:
    """The region's row while a transaction holds it."""

    id: bytes
    seq: int
    leaves: int
    messages: int
    notifications: int


class Draft:
    """What a transaction has gathered and not yet written: counters, and leaves, inserted together."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.leaves: list[dict[str, Any]] = []

    def mark(self) -> tuple[Counters, int]:
        """Where the transaction stands; for :meth:`back`."""
        return replace(self.counters), len(self.leaves)

    def back(self, mark: tuple[Counters, int]) -> None:
        """Forget what came after the mark."""
        self.counters = mark[0]
        del self.leaves[mark[1] :]

    def flush(self, connection: Connection) -> None:
        """Write the leaves and the region's row."""
        if self.leaves:
            connection.execute(_INSERT_LEAF, self.leaves)
        now = self.counters
        connection.execute(
            _UPDATE_REGION,
            {
                "seq": now.seq,
                "leaves": now.leaves,
                "messages": now.messages,
                "notifications": now.notifications,
            },
        )


class Tx:
    """One write, or one consistent reading.

    Attributes
    ----------
    connection
        A synchronous SQLAlchemy connection inside a transaction. In a reading the database refuses writes.
    seq
        The number of this write: 64 bits, strictly increasing over the whole region, in the order of commits.
        In a reading: the number of the last write that it sees.
    region
        The region's id: 16 bytes, drawn when the database was made.
    """

    __slots__ = ("_counters", "_draft", "connection", "region", "seq")

    def __init__(self, connection: Connection, counters: Counters, draft: Draft | None) -> None:
        self.connection = connection
        self._counters = counters
        self._draft = draft
        self.region = counters.id
        self.seq = counters.seq

    @property
    def notifications(self) -> int:
        """The last notification index that was drawn; in a reading, by any write that it sees."""
        return (self._counters if self._draft is None else self._draft.counters).notifications

    def append(self, kind: str, ref: str, content: bytes) -> int:
        """Add a leaf to the ledger; returns its position (from 0, without a gap, in the order of commits).

        The leaf is in its table when the write commits, not before. ``kind``, ``ref`` and ``content`` are as
        :func:`skypact.record.ledger.leaf_hash` takes them; the salt is drawn here.

        Raises
        ------
        InputError
            One of them is not what a leaf can have.
        """
        draft = self._writing()
        salt = secrets.token_bytes(SALT_BYTES)
        position = draft.counters.leaves
        row = {
            "position": position,
            "seq": self.seq,
            "kind": kind,
            "ref": ref,
            "salt": salt,
            "content": content,
            "hash": leaf_hash(kind, ref, content, salt),
        }
        draft.leaves.append(row)
        draft.counters.leaves = position + 1
        return position

    def next_index(self) -> int:
        """Draw the next notification index of the region: from 1, strictly increasing, at most 2^31 - 1.

        An index that is drawn by a write that fails is drawn again by another; a write may draw one and not
        use it, so that a subscriber sees gaps, and must not read a meaning into them.

        Raises
        ------
        Refused
            UNAVAILABLE: the last one is used. It never starts again from below, since to a subscriber that
            would be an old notification. ``skypact db check`` warns long before; ``docs/store.md`` says what
            to do then.
        """
        counters = self._writing().counters
        if counters.notifications >= LAST_INDEX:
            raise Refused(
                Reason.UNAVAILABLE,
                "this region has used its last notification index; it must be made anew",
                found=counters.notifications,
            )
        counters.notifications += 1
        return counters.notifications

    def out(
        self,
        *,
        party: str,
        to: str,
        method: str,
        scope: str,
        body: bytes | None,
        topic: str,
        ref: str,
        order_key: str,
        now_us: int,
        not_after_us: int,
    ) -> int:
        """Decide a message to somebody else; returns its id. The courier sends it once this write commits.

        Parameters
        ----------
        party
            Whom it is for.
        to, method, body
            The request: an absolute URL, an HTTP method, the bytes of its body or None.
        scope
            What the courier asks a token for.
        topic, ref
            What it is, and about what (a subscription, an entity): for people, and to withdraw it.
        order_key
            Messages of one key are delivered one after the other, in the order of their ids; a message waits
            while one before it waits. Of different keys, side by side.
        now_us
            The instant of the decision; it is due at once.
        not_after_us
            From this instant on it is not sent any more, and counts as ``expired``.
        """
        from skypact.store.outbox import enqueue

        draft = self._writing()
        counters = draft.counters
        number = counters.messages + 1
        self.connection.execute(
            _INSERT_OUTBOX,
            {
                "id": number,
                "seq": self.seq,
                "lane": order_key,
                "party": party,
                "topic": topic,
                "ref": ref,
                "url": to,
                "method": method,
                "scope": scope,
                "body": body,
                "made_us": now_us,
                "not_after_us": not_after_us,
                "state": "waiting",
                "attempts": 0,
            },
        )
        counters.messages = number
        enqueue(self.connection, order_key, number, now_us)
        return number

    def _writing(self) -> Draft:
        if self._draft is None:
            raise RuntimeError("a reading changes nothing; use Store.write")
        return self._draft


_INSERT_LEAF = insert(leaf)
_INSERT_OUTBOX = insert(outbox)
_UPDATE_REGION = update(region).where(region.c.one == 1)
