"""What is alive in the region, in memory: found by boxes, as of one write, and never older than asked.

Law: this is a picture of the database, not a second truth. It says which write it is a picture of
(:attr:`Alive.seq`). A transaction reads in the region's row which write is the last that it sees, and a
picture that is older first takes in what was written since, by whatever process: ``store.dss`` does that
before every search. A transaction's own changes are laid over the picture (:class:`Drafted`) and go into it
only when their commit was answered; where that answer is lost, the next transaction finds in the database
what came of it.

How it works. The boxes of all volumes are columns of numbers; a search compares latitudes first, in two
passes over them, and then the rest of what is left. What is over is left out, by a floor that a search may
not lie below: should a clock be put back below it, everything is read anew.

Known limits: linear in all that is alive in the region; about a kilobyte an intent with its subscription. A
process that has been idle takes in all that others wrote at its first search.
"""

from __future__ import annotations

import struct
import threading
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

NOTHING: Final = -1
"""The number of a picture that has not been taken."""
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

    Attributes
    ----------
    seq
        The write that it is a picture of; :data:`NOTHING` before there is one.
    """

    def __init__(self) -> None:
        self.seq = NOTHING
        self._region = b""
        self._floor_us = 0
        self._asked_us = 0
        self._tables = {kind: _Table() for kind in KINDS}
        self._swept = _FEW
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many entities are in it."""
        return sum(len(table.entities) for table in self._tables.values())

    def is_of(self, region: bytes, seq: int, now_us: int, *, last: bool) -> bool:
        """Whether nothing is lacking; as :meth:`since`."""
        with self._lock:
            return self._fits(region, now_us, seq, last=last) and self.seq >= seq

    def since(self, region: bytes, seq: int, now_us: int, forgotten: int, *, last: bool) -> int | None:
        """From which write on the picture lacks what there was at write ``seq``; None where it lacks nothing.

        Parameters
        ----------
        forgotten
            The last write of which the database has forgotten that it removed something.
        last
            There is no write after ``seq``: the asker holds the region.
        """
        with self._lock:
            if not self._fits(region, now_us, seq, last=last):
                return NOTHING
            if self.seq >= seq:
                return None
            return self.seq if self.seq >= forgotten else NOTHING

    def _fits(self, region: bytes, now_us: int, seq: int, *, last: bool) -> bool:
        """Whether it is a picture of this region, of so much time, and not of writes that there are not."""
        return region == self._region and now_us >= self._floor_us and not (last and self.seq > seq)

    def take(
        self,
        region: bytes,
        seq: int,
        now_us: int,
        come: Iterable[tuple[Entity, tuple[Part, ...]]],
        *,
        last: bool,
    ) -> None:
        """Take the picture anew: all that is there at write ``seq``. Whoever was quicker stays."""
        tables = {kind: _Table() for kind in KINDS}
        for entity, parts in come:  # which reads from the database: not while others wait
            tables[entity.kind].put(entity, parts)
        with self._lock:
            if self._fits(region, now_us, seq, last=last) and self.seq >= seq:
                return
            self._region, self._tables, self.seq = region, tables, seq
            self._floor_us = floor_of(now_us)
            self._swept = max(_FEW, len(self))

    def take_in(
        self,
        since: int,
        seq: int,
        gone: Sequence[tuple[str, bytes]],
        come: Sequence[tuple[Entity, tuple[Part, ...]]],
    ) -> None:
        """Take in what was removed, and what is there, of the writes after ``since`` up to ``seq``.

        Whoever was quicker and is further stays.
        """
        with self._lock:
            if not since <= self.seq < seq:
                return
            for kind, ident in gone:
                self._tables[kind].remove(ident)
            for entity, parts in come:
                self._put(entity, parts)
            self.seq = seq
            self._sweep()

    def committed(self, base: int, seq: int, drafted: Drafted) -> None:
        """A transaction of this process that began at write ``base`` has been committed, up to ``seq``."""
        with self._lock:
            if self.seq != base:
                return  # there is no picture yet, or somebody has read this from the database meanwhile
            for kind, ident, entity, parts in drafted:
                if entity is None:
                    self._tables[kind].remove(ident)
                else:
                    self._put(entity, parts)
            self.seq = seq
            self._sweep()

    def find(self, kind: str, parts: Sequence[Part], now_us: int) -> list[Entity] | None:
        """Entities of a kind that are not over and meet any of the parts, each once, in no order.

        None: what is over at a later instant than this was left out since; it must be taken anew.
        """
        with self._lock:
            if now_us < self._floor_us:
                return None
            self._asked_us = now_us
            return self._tables[kind].find(parts, now_us)

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
