"""Tiles: names, what a tree of a size has, and proofs read out of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from record_oracle import sha, tree_hash
from skypact.errors import FormatError
from skypact.record import tree
from skypact.record.tiles import (
    WIDTH,
    Tile,
    Tiles,
    bundle,
    full_roots,
    tile_of,
    tile_root,
    tiles_of,
    unbundle,
)

LEAVES = [sha(n.to_bytes(4, "big")) for n in range(70_000)]


def built(size: int) -> dict[str, bytes]:
    """The hash tiles of a tree over leaf hashes, level by level, each by what it is defined to be."""
    files: dict[str, bytes] = {}
    hashes, level = LEAVES[:size], 0
    while hashes:
        for number in range(0, len(hashes), WIDTH):
            part = hashes[number : number + WIDTH]
            files[Tile(level, number // WIDTH, len(part)).path] = b"".join(part)
        full = len(hashes) // WIDTH
        hashes = [tile_root(b"".join(hashes[n * WIDTH : (n + 1) * WIDTH])) for n in range(full)]
        level += 1
    return files


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 999, 1), "tile/0/999.p/1"),
        (Tile(0, 1000, 256), "tile/0/x001/000"),
        (Tile(2, 1_234_067, 256), "tile/2/x001/x234/067"),
        (Tile(-1, 1_234_067, 17), "tile/entries/x001/x234/067.p/17"),
        (Tile(7, 12, 255), "tile/7/012.p/255"),
    ],
)
def test_a_tile_has_its_name(tile: Tile, path: str) -> None:
    """Digits in threes, all but the last behind an x; a width where it is not full."""
    assert tile.path == path


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_a_tree_has_the_tiles_that_its_hashes_fill(size: int) -> None:
    """The names are exactly those of the tree built level by level; entries have those of level 0."""
    listed = [tile.path for tile in tiles_of(size)]
    assert len(set(listed)) == len(listed)
    assert {path for path in listed if "entries" not in path} == set(built(size))
    entries = {path.replace("entries", "0") for path in listed if "entries" in path}
    assert entries == {path for path in listed if path.startswith("tile/0/")}


@given(st.integers(0, 200_000), st.integers(0, 70_000))
def test_what_is_new_since_a_tree_is_what_that_tree_had_not(since: int, more: int) -> None:
    """Together with the earlier tree's tiles, the new ones are all there are."""
    size = since + more
    before, after = set(tiles_of(since)), set(tiles_of(size))
    assert after - before <= set(tiles_of(size, since=since)) <= after


def test_nothing_has_no_tiles() -> None:
    """An empty tree has none, and neither has growth by nothing."""
    assert list(tiles_of(0)) == list(tiles_of(70_000, since=70_000)) == []


@pytest.mark.parametrize("size", [1, 255, 256, 300, 65_537, 70_000])
def test_proofs_are_read_out_of_tiles(size: int) -> None:
    """Root, inclusion and consistency come out of the files of the tree, and each file is read once."""
    files = built(size)
    read: list[str] = []

    def fetch(tile: Tile) -> bytes:
        read.append(tile.path)
        return files[tile.path]

    tiles = Tiles(size, fetch)
    top = tree.root(size, tiles)
    for index in {0, size // 3, size - 1}:
        tree.check_inclusion(LEAVES[index], index, size, tree.inclusion(index, size, tiles), top)
    for old in {1, size // 2 or 1, size}:
        was = tree.root(old, Tiles(size, fetch))
        tree.check_consistency(old, was, size, top, tree.consistency(old, size, tiles))
    read.clear()
    tree.inclusion(0, size, tiles)
    assert read == []
    if size == 300:
        assert top == _slow(LEAVES[:300])


def _slow(hashes: list[bytes]) -> bytes:
    """The root over leaf hashes by the definition's recursion."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\x01" + _slow(hashes[:k]) + _slow(hashes[k:]))


def test_a_tile_of_another_width_is_refused_by_name() -> None:
    """What the file has must be as long as the tree's size makes it."""
    with pytest.raises(FormatError, match=r"tile/0/000[.]p/3: not a tile of its width; found '?64 bytes"):
        tree.root(3, Tiles(3, lambda _tile: bytes(64)))


def test_the_root_of_a_full_tile_is_the_tree_s() -> None:
    """It is the Merkle tree hash of 256 leaves."""
    entries = [bytes([n]) for n in range(256)]
    assert tile_root(b"".join(sha(b"\x00" + entry) for entry in entries)) == tree_hash(entries)


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
def test_only_full_tiles_stand_in_the_level_above(count: int) -> None:
    """One hash for each 256, and nothing for what is left over."""
    full = [b"".join(LEAVES[low : low + WIDTH]) for low in range(0, count - count % WIDTH, WIDTH)]
    assert full_roots(LEAVES[:count]) == [tile_root(tile) for tile in full]


@given(st.lists(st.binary(max_size=70), min_size=1, max_size=20))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    """Whole and in order; with a byte less or more, or of another width, it is refused."""
    tile = Tile(-1, 0, len(entries))
    data = bundle(entries)
    assert unbundle(data, tile) == entries
    for wrong, width in ((data[:-1], tile), (data + b"\x00", tile), (data, Tile(-1, 0, len(entries) + 1))):
        with pytest.raises(FormatError, match="not a bundle of its width"):
            unbundle(wrong, width)


@given(st.integers(-1, 7), st.integers(0, 10**12), st.integers(1, 256))
def test_a_name_is_read_as_the_tile_it_is(level: int, number: int, width: int) -> None:
    """Every name that a tile has leads back to it."""
    tile = Tile(level, number, width)
    assert tile_of(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/8/000",
        "tile/00/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x1/000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p",
        "tile/hashes/000",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/../checkpoint",
        "/tile/0/000",
        "tile/0/000/",
    ],
)
def test_what_is_no_name_of_a_tile_is_refused(path: str) -> None:
    """One spelling each; no way out of the folder."""
    with pytest.raises(FormatError, match="not a tile"):
        tile_of(path)
