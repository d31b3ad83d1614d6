"""The ledger's rows as a tree: its leaves, its subtrees, what was signed of it, what was erased.

Law: functions of a :class:`~skypact.store.tx.Tx`, each one or two statements, and no decision. Leaves are
only ever added; of a leaf only content and salt can go, and then its entry stays. A checkpoint that was
written is never changed. What a reading gives is of one state.

A proof of a large tree reads few rows: beside the leaf hashes there are those over each 256 leaves, over each
256 of those, and so on (``ledger_subtree``). They follow from the leaves, and are written before a checkpoint
of that size is.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from skypact.errors import InputError
from skypact.record.ledger import entry_of
from skypact.record.tiles import HEIGHT, TILE_BYTES, WIDTH, Tile, Tiles, bundle, full_roots, tile_root
from skypact.store.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skypact.store.tx import Tx

MANY: Final = WIDTH * 64
"""Rows that are read at once, at most."""
RUN_ROWS: Final = 2_048
"""Rows that are read at once with their contents, at most."""
RUN_BYTES: Final = 2 * 1024 * 1024
"""Bytes of contents that are."""


class LeafRow(NamedTuple):
    """A row of ``leaf``; the columns of the same names."""

    position: int
    seq: int
    kind: str
    ref: str
    salt: bytes | None
    content: bytes | None
    hash: bytes


class CheckpointRow(NamedTuple):
    """A row of ``ledger_checkpoint``; the columns of the same names."""

    size: int
    origin: str
    root: bytes
    made_us: int
    note: bytes


class EpochRow(NamedTuple):
    """A row of ``ledger_epoch``; the columns of the same names."""

    number: int
    begun_us: int
    why: str
    witnessed: bytes


def size(tx: Tx) -> int:
    """How many leaves are committed."""
    (row,) = _LAST.rows(tx)
    return int(row[0])


def leaves(tx: Tx, low: int, high: int) -> list[LeafRow]:
    """The leaves from ``low`` to before ``high``."""
    return [_row(LeafRow, row) for row in _LEAVES.rows(tx, low, high)]


def runs(tx: Tx, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The leaves from ``low`` to before ``high`` in runs that are small enough to be read.

    A run is one leaf, or leaves whose contents are :data:`RUN_BYTES` at most.
    """
    for start in range(low, high, RUN_ROWS):
        end = min(start + RUN_ROWS, high)
        (row,) = _BYTES.rows(tx, start, end)
        begin, held = start, 0
        for position, length in _LENGTHS.rows(tx, start, end) if row[0] > RUN_BYTES else ():
            if held and held + length > RUN_BYTES:
                yield begin, int(position)
                begin, held = int(position), 0
            held += length
        yield begin, end


def said(tx: Tx, from_: int, limit: int) -> list[tuple[int, bytes]]:
    """Messages of the hotline among the leaves from a place on: the place, and what was signed.

    Those that were refused are not among them: their signature may be why.
    """
    return [(int(position), bytes(content)) for position, content in _SAID.rows(tx, from_, limit)]


def leaves_about(tx: Tx, ref: str) -> list[tuple[int, str]]:
    """Positions and kinds of the leaves with this reference, first to last. Reads them all."""
    return [(int(position), kind) for position, kind in _ABOUT.rows(tx, ref)]


def latest(tx: Tx, before: int) -> list[tuple[LeafRow, int]]:
    """Of the first ``before`` leaves the last of each kind about each reference, by reference and place.

    With each, when the first checkpoint was made that has it; a checkpoint of ``before`` leaves is there.
    """
    return [(LeafRow(*row[:7]), int(row[7])) for row in _LATEST.rows(tx, before)]


def entries(tx: Tx, rows: list[LeafRow]) -> list[bytes]:
    """The entries of these leaves; they follow one another.

    Raises
    ------
    InputError
        A leaf has neither content nor an entry that was kept.
    """
    kept: dict[int, bytes] = {}
    if any(row.salt is None for row in rows):
        kept = dict(erased(tx, rows[0].position, rows[-1].position + 1))
    made: list[bytes] = []
    sha = hashlib.sha256
    for position, _, kind, ref, salt, content, _ in rows:
        if salt is not None and content is not None:
            made.append(entry_of(kind, ref, sha(content).digest(), salt))
        elif position in kept:
            made.append(kept[position])
        else:
            raise InputError("a leaf that was erased without its entry", where=f"leaf {position}")
    return made


def erased(tx: Tx, low: int, high: int) -> list[tuple[int, bytes]]:
    """Positions and entries of what was erased, from ``low`` to before ``high``."""
    return [(int(position), bytes(entry)) for position, entry in _ERASED.rows(tx, low, high)]


def erase(tx: Tx, row: LeafRow, now_us: int) -> None:
    """Forget content and salt of a leaf, and keep its entry.

    On SQLite what was there is overwritten when its page is; copies in backups and in the tables of what is
    valid now are not this one's.
    """
    (entry,) = entries(tx, [row])
    if not tx.remote:
        tx.driver.execute("PRAGMA secure_delete = ON")
    _KEEP_ENTRY.run(tx, row.position, entry, now_us)
    _FORGET.run(tx, row.position)


def subtrees(tx: Tx, leaves_of_tree: int) -> Tiles:
    """The subtrees of the tree of that many leaves; those above the leaves have to be written before."""
    return Tiles(leaves_of_tree, lambda tile: hashes_of(tx, tile))


def hashes_of(tx: Tx, tile: Tile) -> bytes:
    """The hashes of a tile, one after the other."""
    low = tile.number * WIDTH
    if tile.level == 0:
        rows = _HASHES.rows(tx, low, low + tile.width)
    else:
        rows = _SUBTREES.rows(tx, tile.level, low, low + tile.width)
    return b"".join(row[0] for row in rows)


def file_of(tx: Tx, tile: Tile) -> bytes:
    """What the file of a tile, or of a bundle of entries, holds."""
    if tile.level >= 0:
        return hashes_of(tx, tile)
    low = tile.number * WIDTH
    cuts = runs(tx, low, low + tile.width)
    return bundle([each for first, last in cuts for each in entries(tx, leaves(tx, first, last))])


def subtrees_reach(tx: Tx) -> int:
    """Over how many leaves, a multiple of 256, the subtrees are written."""
    (row,) = _REACH.rows(tx)
    return int(row[0]) * WIDTH


def subtrees_until(tx: Tx, reach: int, until: int) -> list[tuple[int, int, bytes]]:
    """Level, number and hash of the subtrees that the leaves from ``reach`` to ``until`` complete."""
    low, high = reach >> HEIGHT, until >> HEIGHT
    roots: list[bytes] = []
    for start in range(low, high, MANY >> HEIGHT):
        rows = _HASHES.rows(tx, start << HEIGHT, min(start + (MANY >> HEIGHT), high) << HEIGHT)
        hashes = b"".join(row[0] for row in rows)
        roots += [tile_root(hashes[at : at + TILE_BYTES]) for at in range(0, len(hashes), TILE_BYTES)]
    made = [(1, low + at, each) for at, each in enumerate(roots)]
    level = 1
    while roots:
        # those that were there before stand in the tile that the new ones go on with
        first = reach >> HEIGHT * level
        start = first >> HEIGHT << HEIGHT
        roots = full_roots([*(row[0] for row in _SUBTREES.rows(tx, level, start, first)), *roots])
        level += 1
        made += [(level, (start >> HEIGHT) + at, each) for at, each in enumerate(roots)]
    return made


def add_subtrees(tx: Tx, rows: list[tuple[int, int, bytes]]) -> None:
    """Write them; those that are there already are the same."""
    _ADD_SUBTREE.many(tx, rows)


def all_subtrees(tx: Tx) -> list[tuple[int, int, bytes]]:
    """Those that are written: level, number and hash, by level and number."""
    return [(int(level), int(number), bytes(each)) for level, number, each in _ALL_SUBTREES.rows(tx)]


def add_checkpoint(tx: Tx, row: CheckpointRow) -> None:
    """Write it; one of that size that is there already stays."""
    _ADD_CHECKPOINT.run(tx, *row)


def last_checkpoint(tx: Tx) -> CheckpointRow | None:
    """The one of the largest tree."""
    return _checkpoint(_LAST_CHECKPOINT.rows(tx))


def checkpoint_by(tx: Tx, at_us: int) -> CheckpointRow | None:
    """The last that was made at or before an instant."""
    return _checkpoint(_CHECKPOINT_BY.rows(tx, at_us))


def checkpoint_over(tx: Tx, leaves_of_tree: int) -> CheckpointRow | None:
    """The first of a larger tree than one of that many leaves."""
    return _checkpoint(_CHECKPOINT_OVER.rows(tx, leaves_of_tree))


def origins(tx: Tx) -> list[str]:
    """The origins that checkpoints were signed under."""
    return [origin for (origin,) in _ORIGINS.rows(tx)]


def checkpoints(tx: Tx, above: int) -> list[CheckpointRow]:
    """Those of trees larger than of ``above`` leaves, by size; at most :data:`MANY`."""
    return [CheckpointRow(*row) for row in _CHECKPOINTS.rows(tx, above, MANY)]


def add_cosignature(tx: Tx, leaves_of_tree: int, witness: str, line: str, time_s: int) -> None:
    """A witness, by its vkey, has cosigned the checkpoint of that many leaves; the first time counts."""
    _ADD_COSIGNATURE.run(tx, witness, leaves_of_tree, line, time_s)


def cosignatures(tx: Tx, leaves_of_tree: int) -> list[str]:
    """The lines under the checkpoint of that many leaves, by witness."""
    return [line for (line,) in _COSIGNATURES.rows(tx, leaves_of_tree)]


def witnesses(tx: Tx) -> list[str]:
    """The vkeys of the witnesses that have cosigned."""
    return [witness for (witness,) in _WITNESSES.rows(tx)]


def cosigned_notes(tx: Tx, witness: str, above: int) -> list[tuple[int, bytes]]:
    """Sizes above one, and checkpoints with this witness's line under them; at most :data:`MANY`."""
    rows = _COSIGNED_NOTES.rows(tx, witness, above, MANY)
    return [(int(leaves_of_tree), bytes(note) + line.encode()) for leaves_of_tree, note, line in rows]


def cosigned_by(tx: Tx, witness: str, origin: str) -> int:
    """The largest of our trees, under an origin, that a witness is known to have cosigned; 0: none."""
    rows = _COSIGNED_BY.rows(tx, witness, origin)
    return int(rows[0][0]) if rows else 0


def best_checkpoint(tx: Tx, position: int) -> CheckpointRow | None:
    """The last one with cosignatures that has a leaf; the last one that has it, where none has any."""
    return _checkpoint(_BEST_CHECKPOINT.rows(tx, position))


def witnessed(tx: Tx, origin: str) -> CheckpointRow | None:
    """The last checkpoint of another's log that was cosigned here; ``made_us`` is when."""
    return _checkpoint(_WITNESSED.rows(tx, origin))


def put_witnessed(tx: Tx, row: CheckpointRow) -> None:
    """It is this one now."""
    _PUT_WITNESSED.run(tx, row.origin, row.size, row.root, row.note, row.made_us)


def has_forked(tx: Tx, origin: str) -> bool:
    """Whether another's log is known to have contradicted itself."""
    return bool(_HAS_FORKED.rows(tx, origin))


def forks(tx: Tx) -> list[int]:
    """The leaves that prove that others' logs contradicted themselves."""
    return [int(position) for (position,) in _FORKS.rows(tx)]


def put_fork(tx: Tx, origin: str, position: int) -> None:
    """It has; the leaf at this position proves it."""
    _PUT_FORK.run(tx, origin, position)


def last_epoch(tx: Tx) -> EpochRow | None:
    """The last time that the log had to go on under another origin; None: it never had to."""
    rows = _LAST_EPOCH.rows(tx)
    return EpochRow(*rows[0]) if rows else None


def begin_epoch(tx: Tx, now_us: int, why: str, witnessed_note: bytes) -> int:
    """From now on the log has another origin; returns the number of the epoch."""
    last = last_epoch(tx)
    number = 1 if last is None else last.number + 1
    _ADD_EPOCH.run(tx, number, now_us, why, witnessed_note)
    return number


def _checkpoint(rows: list[Any]) -> CheckpointRow | None:
    return CheckpointRow(*rows[0]) if rows else None


_row: Final = tuple.__new__
"""A row as its type, at a third of what a call of the type costs; a million are read to verify a ledger."""
_COLUMNS: Final = "position, seq, kind, ref, salt, content, hash"
_LAST: Final = Sql("SELECT COALESCE(MAX(position), -1) + 1 FROM leaf")
_LEAVES: Final = Sql(
    f"SELECT {_COLUMNS} FROM leaf WHERE position >= $1 AND position < $2 ORDER BY position"  # noqa: S608
)
_BYTES: Final = Sql(
    "SELECT COALESCE(SUM(LENGTH(content)), 0) FROM leaf WHERE position >= $1 AND position < $2"
)
_LENGTHS: Final = Sql(
    "SELECT position, COALESCE(LENGTH(content), 0) FROM leaf WHERE position >= $1 AND position < $2 "
    "ORDER BY position"
)
_HASHES: Final = Sql("SELECT hash FROM leaf WHERE position >= $1 AND position < $2 ORDER BY position")
_SAID: Final = Sql(
    "SELECT position, content FROM leaf WHERE position >= $1 AND content IS NOT NULL"
    " AND kind IN ('hotline.sent', 'hotline.received', 'hotline.returned') ORDER BY position LIMIT $2"
)
_ABOUT: Final = Sql("SELECT position, kind FROM leaf WHERE ref = $1 ORDER BY position")
_LATEST: Final = Sql(
    f"SELECT {_COLUMNS}, "  # noqa: S608 -- names of columns
    "(SELECT made_us FROM ledger_checkpoint WHERE size > leaf.position ORDER BY size LIMIT 1) "
    "FROM leaf WHERE position IN "
    "(SELECT MAX(position) FROM leaf WHERE position < $1 GROUP BY kind, ref) ORDER BY ref, position"
)
_ERASED: Final = Sql("SELECT position, entry FROM ledger_erased WHERE position >= $1 AND position < $2")
_KEEP_ENTRY: Final = Sql("INSERT INTO ledger_erased (position, entry, erased_us) VALUES ({values 3})")
_FORGET: Final = Sql("UPDATE leaf SET salt = NULL, content = NULL WHERE position = $1")
_SUBTREES: Final = Sql(
    "SELECT hash FROM ledger_subtree WHERE level = $1 AND number >= $2 AND number < $3 ORDER BY number"
)
_ALL_SUBTREES: Final = Sql("SELECT level, number, hash FROM ledger_subtree ORDER BY level, number")
_REACH: Final = Sql("SELECT COALESCE(MAX(number), -1) + 1 FROM ledger_subtree WHERE level = 1")
_ADD_SUBTREE: Final = Sql(
    "INSERT INTO ledger_subtree (level, number, hash) VALUES ({values 3}) ON CONFLICT DO NOTHING"
)
_CHECKPOINT: Final = "SELECT size, origin, root, made_us, note FROM ledger_checkpoint"
_ADD_CHECKPOINT: Final = Sql(
    "INSERT INTO ledger_checkpoint (size, origin, root, made_us, note) VALUES ({values 5}) "
    "ON CONFLICT DO NOTHING"
)
_LAST_CHECKPOINT: Final = Sql(f"{_CHECKPOINT} ORDER BY size DESC LIMIT 1")
_CHECKPOINT_BY: Final = Sql(f"{_CHECKPOINT} WHERE made_us <= $1 ORDER BY made_us DESC, size DESC LIMIT 1")
_CHECKPOINT_OVER: Final = Sql(f"{_CHECKPOINT} WHERE size > $1 ORDER BY size LIMIT 1")
_CHECKPOINTS: Final = Sql(f"{_CHECKPOINT} WHERE size > $1 ORDER BY size LIMIT $2")
_ORIGINS: Final = Sql("SELECT DISTINCT origin FROM ledger_checkpoint ORDER BY origin")
_ADD_COSIGNATURE: Final = Sql(
    "INSERT INTO ledger_cosignature (witness, size, line, time_s) VALUES ({values 4}) ON CONFLICT DO NOTHING"
)
_COSIGNATURES: Final = Sql("SELECT line FROM ledger_cosignature WHERE size = $1 ORDER BY witness")
_WITNESSES: Final = Sql("SELECT DISTINCT witness FROM ledger_cosignature ORDER BY witness")
_COSIGNED_NOTES: Final = Sql(
    "SELECT c.size, p.note, c.line FROM ledger_cosignature AS c JOIN ledger_checkpoint AS p "
    "ON p.size = c.size WHERE c.witness = $1 AND c.size > $2 ORDER BY c.size LIMIT $3"
)
_COSIGNED_BY: Final = Sql(
    "SELECT c.size FROM ledger_cosignature AS c JOIN ledger_checkpoint AS p ON p.size = c.size "
    "WHERE c.witness = $1 AND p.origin = $2 ORDER BY c.size DESC LIMIT 1"
)
_BEST_CHECKPOINT: Final = Sql(
    f"{_CHECKPOINT} WHERE size = COALESCE("  # noqa: S608 -- names of columns
    "(SELECT MAX(size) FROM ledger_cosignature WHERE size > $1), "
    "(SELECT MAX(size) FROM ledger_checkpoint WHERE size > $1))"
)
_WITNESSED: Final = Sql(
    "SELECT size, origin, root, cosigned_us, note FROM ledger_witnessed WHERE origin = $1"
)
_PUT_WITNESSED: Final = Sql(
    "INSERT INTO ledger_witnessed (origin, size, root, note, cosigned_us) VALUES ({values 5}) "
    "ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, "
    "cosigned_us = excluded.cosigned_us"
)
_HAS_FORKED: Final = Sql("SELECT fork FROM ledger_witnessed WHERE origin = $1 AND fork IS NOT NULL")
_FORKS: Final = Sql("SELECT fork FROM ledger_witnessed WHERE fork IS NOT NULL ORDER BY fork")
_PUT_FORK: Final = Sql("UPDATE ledger_witnessed SET fork = $2 WHERE origin = $1")
_LAST_EPOCH: Final = Sql(
    "SELECT number, begun_us, why, witnessed FROM ledger_epoch ORDER BY number DESC LIMIT 1"
)
_ADD_EPOCH: Final = Sql("INSERT INTO ledger_epoch (number, begun_us, why, witnessed) VALUES ({values 4})")
