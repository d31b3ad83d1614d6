"""The tree as files: which tiles a tree of a size has, what they are called, and proofs read out of them.

Law: a tile is 256 hashes of one level, or fewer at the right edge; a name means one tile, and has one
spelling. Nothing here opens a file: tiles are got through a function of the caller's.

A tile at level ``l`` holds the hashes of complete subtrees of ``256**l`` leaves: leaf hashes at level 0. What
lies between two levels is hashed anew when it is asked for. Entries lie beside them in bundles of 256, each
behind its length in two bytes.

Source: C2SP tlog-tiles.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError
from skypact.record.ledger import HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
"""Hashes in a full tile."""
TILE_BYTES: Final = WIDTH * HASH_BYTES
ENTRIES: Final = "entries"
_PATH = re.compile(
    r"tile/(?P<level>[0-7]|entries)/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]))?",
    re.ASCII,
)
_LENGTH_BYTES: Final = 2


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile, or one bundle of entries.

    Attributes
    ----------
    level
        0 to 7; -1 is a bundle of entries.
    number
        Which of its level, from the left.
    width
        How many hashes or entries are in it, 1 to 256.
    """

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """Its name, relative to where the log's files are, as C2SP tlog-tiles writes it."""
        level = ENTRIES if self.level < 0 else str(self.level)
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        *before, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
        name = "/".join(("tile", level, *(f"x{part}" for part in before), last))
        return name if self.width == WIDTH else f"{name}.p/{self.width}"


def tile_of(path: str) -> Tile:
    """The tile of a name.

    Raises
    ------
    FormatError
        It is no name, or not spelt as tiles' names are.
    """
    match = _PATH.fullmatch(path)
    if match is not None:
        level = -1 if match["level"] == ENTRIES else int(match["level"])
        number = int(match["number"].replace("x", "").replace("/", ""))
        tile = Tile(level, number, int(match["width"] or WIDTH))
        if tile.path == path:
            return tile
    raise FormatError("not a tile", where="path", found=path, expected="tile/LEVEL/NUMBER, or .p/WIDTH")


def tiles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """The tiles of a tree of ``size`` leaves, with its bundles of entries.

    Parameters
    ----------
    since
        The size of an earlier tree whose tiles are there: only what it has not is named.
    """
    for level in (-1, *range(HEIGHT)):
        height = max(level, 0) * HEIGHT
        count, had = size >> height, since >> height
        if count == had:
            continue
        for number in range(had // WIDTH, -(-count // WIDTH)):
            yield Tile(level, number, min(WIDTH, count - number * WIDTH))


class Tiles:
    """The subtrees of a tree, read from its tiles; what was read is kept.

    Parameters
    ----------
    size
        How many leaves the tree has.
    fetch
        Gives the hashes of a tile, one after the other.
    """

    def __init__(self, size: int, fetch: Callable[[Tile], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._known: dict[Tile, bytes] = {}

    def __call__(self, level: int, number: int) -> bytes:
        """The hash of a complete subtree; see :data:`skypact.record.tree.Subtrees`."""
        stage, rest = divmod(level, HEIGHT)
        first = number << rest
        tile = self._tile(stage, first // WIDTH)
        at = first % WIDTH * HASH_BYTES
        held = self._read(tile)[at : at + (HASH_BYTES << rest)]
        return tile_root(held)

    def _tile(self, stage: int, number: int) -> Tile:
        return Tile(stage, number, min(WIDTH, (self._size >> stage * HEIGHT) - number * WIDTH))

    def _read(self, tile: Tile) -> bytes:
        if tile not in self._known:
            data = self._fetch(tile)
            if len(data) != tile.width * HASH_BYTES:
                raise FormatError(
                    "not a tile of its width",
                    where=tile.path,
                    found=f"{len(data)} bytes",
                    expected=f"{tile.width * HASH_BYTES}",
                )
            self._known[tile] = data
        return self._known[tile]


def tile_root(hashes: bytes) -> bytes:
    """The hash over the hashes of a full tile, or over a power of two of them: it stands in a level above."""
    sha = hashlib.sha256  # written out, as it is done for every leaf there is
    level = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha(b"\x01" + left + right).digest() for left, right in pairs]
    return level[0]


def full_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """What stands in the level above for each full tile of these hashes, which begin with a tile."""
    high = len(hashes) // WIDTH * WIDTH
    return [tile_root(b"".join(hashes[low : low + WIDTH])) for low in range(0, high, WIDTH)]


def bundle(entries: list[bytes]) -> bytes:
    """A bundle of entries, each behind its length."""
    return b"".join(len(each).to_bytes(_LENGTH_BYTES, "big") + each for each in entries)


def unbundle(data: bytes, tile: Tile) -> list[bytes]:
    """The entries of a bundle.

    Raises
    ------
    FormatError
        They are not as many as the bundle is wide, or not whole.
    """
    entries: list[bytes] = []
    at = 0
    while at + _LENGTH_BYTES <= len(data):
        end = at + _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        entries.append(data[at + _LENGTH_BYTES : end])
        at = end
    if at != len(data) or len(entries) != tile.width:
        raise FormatError(
            "not a bundle of its width",
            where=tile.path,
            found=f"{len(entries)} entries in {len(data)} bytes",
            expected=f"{tile.width} whole entries",
        )
    return entries
