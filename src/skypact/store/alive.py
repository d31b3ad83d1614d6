"""What is alive in the region, in memory: found by boxes, as of one write, and never older than asked.

Law: this is a picture of the database, not a second truth. It knows which write it is a picture of: every
write leaves a stamp of random bytes in the region's row, and a transaction that finds another stamp there
than the picture's first takes in what was written since, by whatever process: ``store.dss``, before every
search. It goes on only from a history that is the database's: the last leaf of the ledger that the picture
knows has to be there. A database that has lost writes, by a failover or a restore, is looked at anew. A
transaction's own changes are laid over the picture (:class:`Drafted`) and go into it only when their commit
was answered; where that answer is lost, the next transaction finds in the database what came of it.

How it works. The boxes of all volumes are columns of numbers; a search compares latitudes first, in two
passes over them, and then the rest of what is left. What is over is left out, by a floor that a search may
not lie below: should a clock be put back below it, everything is read anew.

Known limits: linear in all that is alive in the region; about a kilobyte an intent with its subscription. A
process that has been idle takes in all that others wrote at its first search.
"""

from __future__ import annotations

import struct
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from skypact.instants import HOUR_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

INTENT: Final = "intent"
CONSTRAINT: Final = "constraint"
SUBSCRIPTION: Final = "subscription"
KINDS: Final = (INTENT, CONSTRAINT, SUBSCRIPTION)

MARGIN_US: Final = HOUR_US
"""What has been over for less than this is kept: so far may clocks be apart before all is read anew."""
_FEW: Final = 1_024
"""Fewer entities than this are not looked through for what is over."""
_AT_ONCE: Final = 64
"""Volumes of one search that are compared with the rest at once."""


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


class Stand(NamedTuple):
    """Where a database stands, as its region's row says.

    Attributes
    ----------
    region
        Its id.
    seq, stamp
        The last write, and the random bytes that it left: no other write, of whatever history, has the same.
    leaves
        How many leaves the ledger has.
    """

    region: bytes
    seq: int
    stamp: bytes
    leaves: int


class Anchor(NamedTuple):
    """A leaf of the ledger: its position, its hash, and the write that it came with.

    Leaves are salted with random bytes: whoever finds this one in a database finds the same history up to it.
    """

    position: int
    hash: bytes
    seq: int


class Part(NamedTuple):
    """One volume as the search sees it: a box of place and altitude, and a window.

    Degrees (``west`` in [-180, 180), ``east`` at most 360 more than it), metres (infinite where open), and
    microseconds. Boxes are closed in place and altitude, half-open in time.
    """

    start_us: int
    end_us: int
    low_m: float
    high_m: float
    south: float
    north: float
    west: float
    east: float

    def holds(self, other: Part) -> bool:
        """Whether the other lies in this one."""
        return (
            self.low_m <= other.low_m
            and other.high_m <= self.high_m
            and self.start_us <= other.start_us
            and other.end_us <= self.end_us
            and self.south <= other.south
            and other.north <= self.north
            and any(self.west <= other.west + turn and other.east + turn <= self.east for turn in _TURNS)
        )


_TURNS: Final = (-360.0, 0.0, 360.0)
_PART: Final = struct.Struct("<2q6d")


def pack(parts: Iterable[Part]) -> bytes:
    """Parts as ``dss_shape`` keeps them: 64 bytes each."""
    return b"".join(_PART.pack(*part) for part in parts)


def unpack(packed: bytes) -> tuple[Part, ...]:
    """Parts from what :func:`pack` made of them."""
    return tuple(map(Part._make, _PART.iter_unpack(packed)))


class _Table:
    """The entities of one kind, and a row of numbers for each of their parts."""

    def __init__(self) -> None:
        self.entities: dict[bytes, Entity] = {}
        self._rows: dict[bytes, tuple[int, ...]] = {}
        self._owners: list[Entity | None] = []
        self._free: list[int] = []
        self._times: NDArray[np.int64] = np.zeros((2, 16), np.int64)
        self._boxes: NDArray[np.float64] = np.zeros((6, 16))

    def put(self, entity: Entity, parts: Sequence[Part]) -> None:
        self.remove(entity.id)
        rows = []
        for part in parts:
            if self._free:
                row = self._free.pop()
                self._owners[row] = entity
            else:
                row = len(self._owners)
                self._owners.append(entity)
                if row == self._times.shape[1]:
                    self._times = np.concatenate((self._times, self._times), axis=1)
                    self._boxes = np.concatenate((self._boxes, self._boxes), axis=1)
            self._times[:, row] = part[:2]
            self._boxes[:, row] = part[2:]
            rows.append(row)
        self.entities[entity.id] = entity
        self._rows[entity.id] = tuple(rows)

    def remove(self, ident: bytes) -> None:
        if self.entities.pop(ident, None) is None:
            return
        for row in self._rows.pop(ident):
            self._owners[row] = None
            self._free.append(row)

    def find(self, parts: Sequence[Part], now_us: int) -> list[Entity]:
        """Entities that are not over and meet any of the parts, each once, in no order."""
        count = len(self._owners)
        if not count or not parts:
            return []
        start, end = np.array([part[:2] for part in parts], np.int64).T[:, :, np.newaxis]
        low, high, south, north, west, east = np.array([part[2:] for part in parts]).T[:, :, np.newaxis]
        boxes, times = self._boxes[:, :count], self._times[:, :count]
        near = np.flatnonzero((boxes[_SOUTH] <= north.max()) & (boxes[_NORTH] >= south.min()))
        if len(parts) == 1:
            near = near[_across(boxes[_WEST, near], boxes[_EAST, near], west[0], east[0])]
        there, there_start, there_end = boxes[:, near], *times[:, near]
        met = np.zeros(len(near), np.bool_)
        for k in range(0, len(parts), _AT_ONCE):
            at = slice(k, k + _AT_ONCE)
            meet = (there[_SOUTH] <= north[at]) & (there[_NORTH] >= south[at])
            meet &= (there_start < end[at]) & (there_end > start[at])
            meet &= (there[_LOW] <= high[at]) & (there[_HIGH] >= low[at])
            meet &= _across(there[_WEST], there[_EAST], west[at], east[at])
            met |= meet.any(axis=0)
        owners = self._owners
        found = {id(owner): owner for row in near[met].tolist() if (owner := owners[row]) is not None}
        return [entity for entity in found.values() if entity.end_us > now_us]


def _across(
    west: NDArray[np.float64],
    east: NDArray[np.float64],
    other_west: NDArray[np.float64],
    other_east: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Whether intervals of longitude share a point, whichever way they are written."""
    meet: NDArray[np.bool_] = (west <= other_east) & (east >= other_west)
    for turn in _TURNS[::2]:
        meet |= (west <= other_east + turn) & (east >= other_west + turn)
    return meet


_LOW, _HIGH, _SOUTH, _NORTH, _WEST, _EAST = range(6)


class Drafted:
    """What a transaction has changed so far, in the order in which it did."""

    def __init__(self) -> None:
        self._changes: list[tuple[str, bytes, Entity | None, tuple[Part, ...]]] = []
        self._lay()

    def _lay(self) -> None:
        self._touched: dict[str, set[bytes]] = {kind: set() for kind in KINDS}
        self._tables = {kind: _Table() for kind in KINDS}

    def __len__(self) -> int:
        """How many changes."""
        return len(self._changes)

    def put(self, entity: Entity, parts: Iterable[Part]) -> None:
        """An entity is written, over these parts."""
        self._change((entity.kind, entity.id, entity, tuple(parts)))

    def remove(self, kind: str, ident: bytes) -> None:
        """An entity is removed."""
        self._change((kind, ident, None, ()))

    def back(self, length: int) -> None:
        """Forget the changes after the first so many."""
        if length == len(self._changes):
            return
        changes = self._changes[:length]
        self._changes = []
        self._lay()
        for change in changes:
            self._change(change)

    def get(self, kind: str, ident: bytes) -> Entity | None:
        """The entity as it is written here; None where it is not, or removed."""
        return self._tables[kind].entities.get(ident)

    def touches(self, kind: str, ident: bytes) -> bool:
        """Whether the entity is written or removed here."""
        return ident in self._touched[kind]

    def over(self, kind: str, found: list[Entity], parts: Sequence[Part], now_us: int) -> list[Entity]:
        """What a search found in the picture, as it is with these changes."""
        touched = self._touched[kind]
        if not touched:
            return found
        found = [entity for entity in found if entity.id not in touched]
        return found + self._tables[kind].find(parts, now_us)

    def _change(self, change: tuple[str, bytes, Entity | None, tuple[Part, ...]]) -> None:
        kind, ident, entity, parts = change
        self._changes.append(change)
        self._touched[kind].add(ident)
        if entity is None:
            self._tables[kind].remove(ident)
        else:
            self._tables[kind].put(entity, parts)

    def __iter__(self) -> Iterator[tuple[str, bytes, Entity | None, tuple[Part, ...]]]:
        """Kind, id, entity or None, and parts, of each change."""
        return iter(self._changes)


class Alive:
    """The picture that a process has of its region; for any thread.

    Every change of an entity has a version, and every version a leaf: after the last leaf that it knows,
    the picture has nothing that could have been lost with a write.
    """

    def __init__(self) -> None:
        self._stand: Stand | None = None
        self._anchor: Anchor | None = None
        self._advanced_s = 0.0
        self._floor_us = 0
        self._asked_us = 0
        self._tables = {kind: _Table() for kind in KINDS}
        self._swept = _FEW
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many entities are in it."""
        return sum(len(table.entities) for table in self._tables.values())

    def find(
        self,
        kind: str,
        parts: Sequence[Part],
        now_us: int,
        stand: Stand,
        began_s: float | None,
    ) -> list[Entity] | None:
        """Entities of a kind that are not over and meet any of the parts, each once, in no order.

        None: this is no picture of what the asker sees; it must be brought up to it, and asked again.

        Parameters
        ----------
        stand
            Where the database stands, as the asker's transaction sees it.
        began_s
            Of a reading, when it began, on the monotonic clock: it may have begun before the write that the
            picture is of, and then sees something newer. None: the asker holds the region.
        """
        with self._lock:
            if now_us < self._floor_us or not self._shows(stand, began_s):
                return None
            self._asked_us = now_us
            return self._tables[kind].find(parts, now_us)

    def _shows(self, stand: Stand, began_s: float | None) -> bool:
        mine = self._stand
        if mine is None or mine.region != stand.region:
            return False
        if mine.stamp == stand.stamp:
            return True
        return began_s is not None and mine.seq > stand.seq and began_s <= self._advanced_s

    def goes_on(self, stand: Stand, now_us: int, forgotten: int) -> tuple[Stand, Anchor] | None:
        """What the picture is of, and the leaf from which on it lacks what there is; None: take it anew.

        Parameters
        ----------
        forgotten
            The last write of which the database has forgotten that it removed something.
        """
        with self._lock:
            mine, anchor = self._stand, self._anchor
            if mine is None or anchor is None or mine.region != stand.region or now_us < self._floor_us:
                return None
            return (mine, anchor) if mine.seq < stand.seq and anchor.seq >= forgotten else None

    def take(
        self,
        stand: Stand,
        anchor: Anchor | None,
        now_us: int,
        come: Iterable[tuple[Entity, tuple[Part, ...]]],
    ) -> None:
        """Take the picture anew: all that is there."""
        tables = {kind: _Table() for kind in KINDS}
        for entity, parts in come:  # which reads from the database: not while others wait
            tables[entity.kind].put(entity, parts)
        with self._lock:
            self._tables = tables
            self._floor_us = floor_of(now_us)
            self._swept = max(_FEW, len(self))
            self._advance(stand, anchor)

    def take_in(
        self,
        before: Stand,
        stand: Stand,
        anchor: Anchor | None,
        gone: Iterable[tuple[str, bytes]],
        come: Sequence[tuple[Entity, tuple[Part, ...]]],
    ) -> None:
        """Take in what was removed, and what is there, since the leaf that :meth:`goes_on` named.

        Not where somebody has brought the picture further than ``before`` meanwhile.
        """
        with self._lock:
            if self._stand is None or self._stand.stamp != before.stamp:
                return
            for kind, ident in gone:
                self._tables[kind].remove(ident)
            for entity, parts in come:
                self._put(entity, parts)
            self._advance(stand, anchor)
            self._sweep()

    def committed(self, before: Stand, stand: Stand, anchor: Anchor | None, drafted: Drafted) -> None:
        """A transaction of this process that began at ``before`` has been committed.

        ``anchor`` is its last leaf; None where it has none.
        """
        with self._lock:
            if self._stand is None or self._stand.stamp != before.stamp:
                return  # there is no picture yet, or not of that
            for kind, ident, entity, parts in drafted:
                if entity is None:
                    self._tables[kind].remove(ident)
                else:
                    self._put(entity, parts)
            self._advance(stand, anchor or self._anchor)
            self._sweep()

    def _advance(self, stand: Stand, anchor: Anchor | None) -> None:
        self._stand, self._anchor, self._advanced_s = stand, anchor, time.monotonic()

    def _put(self, entity: Entity, parts: Sequence[Part]) -> None:
        if entity.end_us > self._floor_us:
            self._tables[entity.kind].put(entity, parts)
        else:
            self._tables[entity.kind].remove(entity.id)

    def _sweep(self) -> None:
        """Leave out what is over, once there is twice as much as was left the last time."""
        if len(self) < 2 * self._swept:
            return
        self._floor_us = max(self._floor_us, floor_of(self._asked_us))
        for table in self._tables.values():
            for entity in [e for e in table.entities.values() if e.end_us <= self._floor_us]:
                table.remove(entity.id)
        self._swept = max(_FEW, len(self))


def floor_of(now_us: int) -> int:
    """What ended before this is left out of a picture that is taken now."""
    return now_us - MARGIN_US
