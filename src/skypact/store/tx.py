"""What a piece of work gets: the connection, and what a write draws from the region.

Law: a :class:`Tx` is thin. Work is a plain synchronous function of it; it has no effect outside the database,
because it may be run again; it does not commit, roll back or close the connection (the store refuses, and
undoes it); it catches a database error only around ``tx.connection.begin_nested()``.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from sqlalchemy import insert

from skypact.errors import Reason, Refused
from skypact.record.ledger import SALT_BYTES, leaf_hash
from skypact.store.alive import Anchor, Drafted, Stand
from skypact.store.schema import outbox
from skypact.store.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from skypact.store.alive import Alive

T = TypeVar("T")

CHANGED: Final = "skypact-changed"
"""In ``connection.info``: a statement of SQLAlchemy's that may have changed something was begun."""
STAMP_BYTES: Final = 16
"""Random bytes that each write leaves in the region's row."""
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
    stamp: bytes

    @property
    def stand(self) -> Stand:
        """Where the database stands."""
        return Stand(self.id, self.seq, self.stamp, self.leaves)


class Draft:
    """What a transaction has gathered and not yet written: counters, leaves, rows that can wait.

    ``drafted`` is what it has changed of the picture of what is alive, ``before`` where the
    database stood.
    ``guarded``: each work is behind a savepoint of its own, and nothing waits, so that what a work wrote is
    all behind its own.
    """

    def __init__(self, connection: Connection, counters: Counters, alive: Alive, *, guarded: bool) -> None:
        self.connection = connection
        self.alive = alive
        self.drafted = Drafted()
        self.before = counters.stand
        self.driver: Any = connection.connection.dbapi_connection
        self.remote = connection.dialect.name != "sqlite"
        self.counters = counters
        self.guarded = guarded
        self.changed = False
        self.leaves: list[tuple[Any, ...]] = []
        self.later: list[tuple[Sql, tuple[Any, ...]]] = []
        self.known: dict[object, Any] = {}
        self._chance = b""

    def mark(self) -> tuple[Counters, int, int, int]:
        """Where the transaction stands; for :meth:`back`."""
        now = self.counters
        stand = replace(now)
        self.changed = False
        self.connection.info[CHANGED] = False
        return stand, len(self.leaves), len(self.later), len(self.drafted)

    def back(self, mark: tuple[Counters, int, int, int]) -> None:
        """Forget what came after the mark."""
        self.counters = mark[0]
        del self.leaves[mark[1] :]
        del self.later[mark[2] :]
        self.drafted.back(mark[3])
        self.known.clear()

    @property
    def untouched(self) -> bool:
        """Whether nothing in the database was changed since the mark."""
        return not (self.changed or self.connection.info[CHANGED])

    def chance(self, size: int) -> bytes:
        """Random bytes that nobody else gets; of the system's, drawn for many at once."""
        if len(self._chance) < size:
            self._chance = secrets.token_bytes(max(_CHANCE_BYTES, size))
        given, self._chance = self._chance[:size], self._chance[size:]
        return given

    def settle(self, tx: Tx) -> None:
        """Write the rows that wait, in their order."""
        if not self.later:
            return
        later, self.later = self.later, []
        rows: dict[Sql, list[tuple[Any, ...]]] = {}
        for statement, row in later:
            rows.setdefault(statement, []).append(row)
        for statement, values in rows.items():
            statement.many(tx, values)

    def flush(self) -> None:
        """Write what waits, the leaves and the region's row."""
        tx = Tx(self.connection, self.counters, self, self.alive)
        self.settle(tx)
        _INSERT_LEAF.many(tx, self.leaves)
        now = self.counters
        now.stamp = self.chance(STAMP_BYTES)
        _UPDATE_REGION.run(tx, now.seq, now.leaves, now.messages, now.notifications, now.stamp)

    @property
    def anchor(self) -> Anchor | None:
        """The last leaf of this transaction; None where it has none."""
        return Anchor(self.leaves[-1][0], self.leaves[-1][-1], self.leaves[-1][1]) if self.leaves else None


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
    driver, remote
        The driver's connection, and whether it is PostgreSQL's; for :mod:`skypact.store.sql`.
    alive, stand, began_s
        The process's picture of what is alive in the region, where the database stood before this
        transaction, and when, if it is a reading, it began, on the monotonic clock; for
        :mod:`skypact.store.dss`.
    """

    __slots__ = (
        "_counters",
        "_draft",
        "_known",
        "alive",
        "began_s",
        "connection",
        "driver",
        "region",
        "remote",
        "seq",
        "stand",
    )

    def __init__(
        self,
        connection: Connection,
        counters: Counters,
        draft: Draft | None,
        alive: Alive,
        *,
        began_s: float | None = None,
    ) -> None:
        self.began_s = began_s
        self.stand = counters.stand if draft is None else draft.before
        self.connection = connection
        self.alive = alive
        self.driver: Any = connection.connection.dbapi_connection if draft is None else draft.driver
        self.remote = connection.dialect.name != "sqlite" if draft is None else draft.remote
        self._known: dict[object, Any] = {} if draft is None else draft.known
        self._counters = counters
        self._draft = draft
        self.region = counters.id
        self.seq = counters.seq

    @property
    def drafted(self) -> Drafted | None:
        """What this transaction has changed of what is alive; None in a reading."""
        return None if self._draft is None else self._draft.drafted

    @property
    def notifications(self) -> int:
        """The last notification index that was drawn; in a reading, by any write that it sees."""
        return (self._counters if self._draft is None else self._draft.counters).notifications

    @property
    def leaves(self) -> int:
        """How many leaves the ledger has, those of this write included."""
        return (self._counters if self._draft is None else self._draft.counters).leaves

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
        salt = draft.chance(SALT_BYTES)
        position = draft.counters.leaves
        hashed = leaf_hash(kind, ref, content, salt)
        draft.leaves.append((position, self.seq, kind, ref, salt, content, hashed))
        draft.counters.leaves = position + 1
        return position

    def chance(self, size: int) -> bytes:
        """Random bytes from the system that nobody else gets, fit for secrets."""
        return self._writing().chance(size)

    def known(self, key: object, find: Callable[[], T]) -> T:
        """What ``find`` gives, asked once in the whole transaction; :meth:`unknown` when it is changed."""
        if key not in self._known:
            self._known[key] = find()
        return cast("T", self._known[key])

    def unknown(self, key: object) -> None:
        """What was known under this key is not so any more."""
        self._known.pop(key, None)

    def later(self, statement: Sql, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, at the latest when the transaction commits; :meth:`settle` before they are read."""
        draft = self._writing()
        if draft.guarded:
            statement.many(self, rows)
        else:
            draft.later += [(statement, row) for row in rows]

    def settle(self) -> None:
        """Insert now what was to be inserted later."""
        if self._draft is not None:
            self._draft.settle(self)

    def changes(self) -> None:
        """Something in the database is about to be changed."""
        self._writing().changed = True

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


_CHANCE_BYTES: Final = 2_048
_INSERT_LEAF: Final = Sql(
    "INSERT INTO leaf (position, seq, kind, ref, salt, content, hash) VALUES ({values 7})"
)
_INSERT_OUTBOX = insert(outbox)
_UPDATE_REGION: Final = Sql(
    "UPDATE region SET seq = $1, leaves = $2, messages = $3, notifications = $4, stamp = $5 WHERE one = 1"
)
