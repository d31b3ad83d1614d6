"""The record as a folder: static files that any web server, disk or stick can hold, and their verification.

Law: the folder says nothing but how much was recorded, and proves all of it. What is in it is never changed:
a later export adds what came, and puts the checkpoint last, so that the folder is whole at every moment, and
one that was cut short is gone on with. It is another's, or another history's, and it is left alone. Contents
are written only where they are asked for, to a file of their own, readable by its owner alone.

The layout is C2SP tlog-tiles: ``checkpoint``, ``tile/LEVEL/…`` with hashes, ``tile/entries/…`` with entries
(:mod:`skypact.record.ledger` says why an entry gives nothing away). Contents are JSON lines: ``position``,
``kind``, ``ref``, and ``salt`` and ``content`` in base64; or ``position`` and ``erased``.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from skypact.errors import FormatError, InputError
from skypact.formats.output import replacing
from skypact.record import note as notes
from skypact.record import tree
from skypact.record.ledger import entry_hash, entry_of
from skypact.record.tiles import WIDTH, Tile, Tiles, full_roots, tile_root, tiles_of, unbundle
from skypact.store import ledger as kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from skypact.record.checkpoint import Policy, Trusted
    from skypact.store import Store, Tx
    from skypact.store.ledger import CheckpointRow, LeafRow

CHECKPOINT: Final = "checkpoint"
LINE_BYTES: Final = 32 * 1024 * 1024
"""A longer line of contents is refused."""
_AT_ONCE: Final = 64
"""Tiles that are read at once."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a folder proves.

    Attributes
    ----------
    trusted
        Its checkpoint, and who signed it.
    bodies, erased
        How many contents were held against it, and how many were said to be erased.
    """

    trusted: Trusted
    bodies: int
    erased: int


async def export(
    store: Store,
    row: CheckpointRow,
    folder: Path,
    policy: Policy,
    *,
    bodies: Path | None,
    tell: Callable[[str], None],
) -> int:
    """Write the record up to a checkpoint into a folder, or add to it what is missing; how many files.

    Parameters
    ----------
    policy
        Whose folder it may be, where there is one already.
    bodies
        Where contents go; None: nowhere.

    Raises
    ------
    InputError
        The folder holds something else, another log or another history; or it cannot be written.
    """
    since = _since(folder, policy)
    if since is not None and since.checkpoint.size > row.size:
        raise InputError(
            "the folder holds more than there is",
            where=str(folder),
            found=f"{since.checkpoint.size} leaves",
            expected=f"at most {row.size}",
        )

    had = 0 if since is None else since.checkpoint.size
    if since is not None:
        known = await store.read(lambda tx: tree.root(had, kept.subtrees(tx, had)))
        if known != since.checkpoint.root:
            raise InputError("the folder holds another history", where=str(folder / CHECKPOINT))
    written = 0
    try:
        _begin(folder)
        missing = tiles_of(row.size, since=had)
        while some := list(itertools.islice(missing, _AT_ONCE)):
            # leaves are only ever added, so that what is read now is what it was when the checkpoint was made
            for tile, data in zip(some, await store.read(partial(_contents, tiles=some)), strict=True):
                written += _put(folder / tile.path, data)
            tell(f"writing files: {written}")
        if bodies is not None:
            await _write_bodies(store, bodies, row.size, tell)
        os.sync()  # thousands of small files at once; then comes what says that they are there
    except OSError as error:
        where = folder if error.filename is None else error.filename
        raise InputError("cannot be written", where=str(where), found=error.strerror) from None
    with replacing(folder / CHECKPOINT) as stream:
        stream.write(row.note)
    return written + 1


def verify(
    folder: Path, policy: Policy, *, bodies: Path | None = None, tell: Callable[[str], None]
) -> Verified:
    """Hold every file of a folder against its checkpoint.

    Parameters
    ----------
    bodies
        A file of contents to be held against the entries; None: there is none.

    Raises
    ------
    InputError
        A file is missing, or is not what the checkpoint says; its name is told.
    """
    place = folder / CHECKPOINT
    trusted = policy.trust(notes.parse(_read(place), where=str(place)), where=str(place))
    size, root = trusted.checkpoint.size, trusted.checkpoint.root
    lines = _Lines(bodies) if bodies is not None else None
    full: list[bytes] = []
    for tile in _level(0, size):
        bundled = Tile(-1, tile.number, tile.width)
        entries = unbundle(_read(folder / bundled.path), bundled)
        hashes = b"".join(map(entry_hash, entries))
        _check(folder, tile, hashes)
        if tile.width == WIDTH:
            full.append(tile_root(hashes))
        if lines is not None:
            lines.hold(entries)
        tell(f"verifying: {tile.number * WIDTH + tile.width} of {size} entries")
    level = 1
    while full:
        for tile in _level(level, len(full)):
            low = tile.number * WIDTH
            _check(folder, tile, b"".join(full[low : low + tile.width]))
        full = full_roots(full)
        level += 1
    if lines is not None:
        lines.end()
    found = tree.root(size, Tiles(size, lambda tile: _read(folder / tile.path)))
    if found != root:
        raise FormatError(
            "the entries have another root than the checkpoint",
            where=str(folder),
            found=found.hex(),
            expected=root.hex(),
        )
    return Verified(trusted, 0 if lines is None else lines.bodies, 0 if lines is None else lines.erased)


def subtrees(folder: Path, policy: Policy) -> tuple[int, Tiles]:
    """How many leaves a folder is of, and the subtrees that its files give; proofs of them are to be checked.

    Raises
    ------
    InputError
        It is no export of this log.
    """
    place = folder / CHECKPOINT
    size = policy.trust(notes.parse(_read(place), where=str(place)), where=str(place)).checkpoint.size
    return size, Tiles(size, lambda tile: _read(folder / tile.path))


def _level(level: int, count: int) -> Iterator[Tile]:
    """The tiles of a level that has so many hashes."""
    for number in range(-(-count // WIDTH)):
        yield Tile(level, number, min(WIDTH, count - number * WIDTH))


def _check(folder: Path, tile: Tile, hashes: bytes) -> None:
    """The file of a tile is what lies below it, or a fault is raised."""
    if _read(folder / tile.path) != hashes:
        raise FormatError("not the hashes of what is below it", where=str(folder / tile.path))


class _Lines:
    """Contents, line by line, held against entries in their order."""

    def __init__(self, path: Path) -> None:
        self.bodies = self.erased = 0
        self._path = path
        self._lines = contents(path)

    def hold(self, entries: list[bytes]) -> None:
        """The next lines are of these entries, or a fault is raised."""
        for entry in entries:
            number = self.bodies + self.erased
            line = next(self._lines, None)
            if line is None or line.position != number:
                raise FormatError(
                    "not the contents of the next leaf",
                    where=f"{self._path}:{number + 1}",
                    found=None if line is None else line.position,
                    expected=f"position {number}",
                )
            if line.erased:
                self.erased += 1
                continue
            where = f"{self._path}:{number + 1}"
            try:
                found = entry_of(line.kind, line.ref, hashlib.sha256(line.content).digest(), line.salt)
            except InputError as error:
                raise error.at(where) from None
            if found != entry:
                raise FormatError("not what the entry commits to", where=where)
            self.bodies += 1

    def end(self) -> None:
        """There are no more."""
        if next(self._lines, None) is not None:
            raise FormatError(
                "contents of more than there is",
                where=str(self._path),
                expected=f"{self.bodies + self.erased} lines",
            )


class Content(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A line of contents: what the entry at that position commits to, or that it was erased."""

    position: int
    kind: str = ""
    ref: str = ""
    salt: bytes = b""
    content: bytes = b""
    erased: bool = False


def contents(path: Path) -> Iterator[Content]:
    """The lines of a file of contents, in their order; nothing is verified.

    Raises
    ------
    InputError
        It cannot be read, or a line is not the contents of a leaf; the line is named.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES), b""), 1):
                where = f"{path}:{number}"
                if not line.endswith(b"\n"):
                    raise FormatError("cut short, or too long", where=where, expected="a whole line")
                try:
                    yield msgspec.json.decode(line, type=Content)
                except msgspec.MsgspecError as error:
                    raise FormatError(f"not the contents of a leaf ({error})", where=where) from None
    except OSError as error:
        raise InputError("cannot be read", where=str(path), found=error.strerror) from None


def _since(folder: Path, policy: Policy) -> Trusted | None:
    """What was exported into a folder before; None: nothing."""
    place = folder / CHECKPOINT
    if not place.exists():
        if folder.is_dir() and any(item.name != "tile" for item in folder.iterdir()):
            raise InputError(
                "the folder holds something else", where=str(folder), expected="an export, or nothing"
            )
        return None
    return policy.trust(notes.parse(_read(place), where=str(place)), where=str(place))


def _begin(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _contents(tx: Tx, tiles: list[Tile]) -> list[bytes]:
    """What the files of these tiles hold."""
    return [kept.file_of(tx, tile) for tile in tiles]


def _put(path: Path, data: bytes) -> int:
    """Write a file that never changes; 1, or 0 where it is there already."""
    if path.exists():
        if path.read_bytes() != data:
            raise InputError("there is another file of that name", where=str(path))
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
    return 1


async def _write_bodies(store: Store, path: Path, size: int, tell: Callable[[str], None]) -> None:
    """Write contents into a new file that its owner alone can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        for low, high in await store.read(lambda tx: list(kept.runs(tx, 0, size))):
            rows = await store.read(partial(kept.leaves, low=low, high=high))
            file.writelines(msgspec.json.encode(_body(row)) + b"\n" for row in rows)
            tell(f"writing contents: {high} of {size}")
        file.flush()
        os.fsync(file.fileno())


def _body(row: LeafRow) -> Content:
    if row.salt is None or row.content is None:
        return Content(row.position, erased=True)
    return Content(row.position, row.kind, row.ref, row.salt, row.content)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("cannot be read", where=str(path), found=error.strerror) from None
