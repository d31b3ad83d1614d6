"""Proofs of the tree against its definitions, and against everything that is nearly a proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from record_oracle import Grown, audit_path, proof, sha, tree_hash
from skypact.errors import InputError
from skypact.record import tree

ENTRIES = [n.to_bytes(2, "big") for n in range(70)]
ROOTS = [tree_hash(ENTRIES[:size]) for size in range(len(ENTRIES) + 1)]


def included(leaf: bytes, index: int, size: int, path: list[bytes], top: bytes) -> bool:
    """Whether the proof checks out."""
    try:
        tree.check_inclusion(leaf, index, size, path, top)
    except InputError:
        return False
    return True


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> bool:
    """Whether the proof checks out."""
    try:
        tree.check_consistency(old, old_root, new, new_root, path)
    except InputError:
        return False
    return True


@pytest.mark.unmeasured
@pytest.mark.parametrize("size", range(len(ENTRIES) + 1))
def test_every_proof_of_small_trees_is_the_definition_s(size: int) -> None:
    """Root, inclusion of each leaf and consistency with each smaller tree are RFC 6962's, and check out."""
    grown = Grown(ENTRIES[:size])
    assert tree.root(size, grown) == ROOTS[size]
    for index in range(size):
        path = tree.inclusion(index, size, grown)
        assert path == audit_path(index, ENTRIES[:size])
        tree.check_inclusion(sha(b"\x00" + ENTRIES[index]), index, size, path, ROOTS[size])
    for old in range(size + 1):
        path = tree.consistency(old, size, grown)
        assert path == (proof(old, ENTRIES[:size]) if old else [])
        tree.check_consistency(old, ROOTS[old], size, ROOTS[size], path)


@given(st.data())
def test_an_inclusion_proof_holds_for_nothing_else(data: st.DataObject) -> None:
    """Another leaf, place, root or hash, a hash more or less: the check refuses each."""
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    leaf = sha(b"\x00" + ENTRIES[index])
    path = tree.inclusion(index, size, Grown(ENTRIES[:size]))
    assert included(leaf, index, size, path, ROOTS[size])
    elsewhere = data.draw(st.integers(-1, size).filter(lambda other: other != index))
    assert not included(leaf, elsewhere, size, path, ROOTS[size])
    assert not included(sha(leaf), index, size, path, ROOTS[size])
    assert not included(leaf, index, size, path, ROOTS[size - 1])
    assert not included(leaf, index, size, [*path, leaf], ROOTS[size])
    assert not included(leaf, index, size, [leaf, *path], ROOTS[size])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        wrong = [*path[:at], sha(path[at]), *path[at + 1 :]]
        assert not included(leaf, index, size, wrong, ROOTS[size])
        assert not included(leaf, index, size, path[:at] + path[at + 1 :], ROOTS[size])
        assert not included(leaf, index, size, [*path[:at], path[at][:31], *path[at + 1 :]], ROOTS[size])


@given(st.data())
def test_a_consistency_proof_holds_for_nothing_else(data: st.DataObject) -> None:
    """Another size or root on either side, another hash, a hash more or less: the check refuses each."""
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    path = tree.consistency(old, new, Grown(ENTRIES[:new]))
    assert consistent(old, ROOTS[old], new, ROOTS[new], path)
    assert not consistent(old, ROOTS[old - 1], new, ROOTS[new], path)
    assert not consistent(old, ROOTS[old], new, ROOTS[new - 1], path)
    assert not consistent(new, ROOTS[new], old, ROOTS[old], path)
    assert not consistent(0, ROOTS[0], new, ROOTS[new], path)
    assert not consistent(new, ROOTS[new], new, ROOTS[new], path)
    for wrong in ([], [*path, ROOTS[0]], [ROOTS[0], *path], path[1:], path[:-1]):
        assert not consistent(old, ROOTS[old], new, ROOTS[new], wrong)
    at = data.draw(st.integers(0, len(path) - 1))
    assert not consistent(old, ROOTS[old], new, ROOTS[new], [*path[:at], sha(path[at]), *path[at + 1 :]])


@given(st.integers(1, 2**63), st.integers(0, 2**63), st.integers(0, 70))
def test_no_number_and_no_length_of_a_proof_breaks_the_checks(size: int, other: int, length: int) -> None:
    """Sizes of any magnitude with proofs of any length are answered, and nothing false is proven."""
    path = [sha(bytes([n])) for n in range(length)]
    assert not included(ROOTS[0], other, size, path, ROOTS[1])
    small, large = min(size, other), max(size, other)
    assert consistent(small, ROOTS[0], large, ROOTS[1], path) == (small == 0 and not path)


def test_two_trees_of_one_size_are_the_same_or_nothing_is_proven() -> None:
    """Equal sizes need equal roots and no hashes."""
    tree.check_consistency(5, ROOTS[5], 5, ROOTS[5], [])
    with pytest.raises(InputError, match="the roots differ"):
        tree.check_consistency(5, ROOTS[5], 5, ROOTS[6], [])
    with pytest.raises(InputError, match="needs none"):
        tree.check_consistency(5, ROOTS[5], 5, ROOTS[5], [ROOTS[1]])


def test_what_is_not_in_a_tree_has_no_proof() -> None:
    """A place beyond the end and an old tree that is larger are refused when a proof is made."""
    with pytest.raises(InputError, match="no such leaf"):
        tree.inclusion(5, 5, Grown(ENTRIES))
    with pytest.raises(InputError, match="not the smaller one"):
        tree.consistency(6, 5, Grown(ENTRIES))


def test_a_proof_asks_for_few_subtrees() -> None:
    """Of a tree of 65,536 leaves a proof asks 16 hashes, not the leaves."""
    grown = Grown([b""] * 4)
    path = tree.inclusion(4_321, 65_536, lambda _level, _number: grown(0, 0))
    assert len(path) == 16
    asked: list[tuple[int, int]] = []

    def subtrees(level: int, number: int) -> bytes:
        asked.append((level, number))
        return ROOTS[1]

    tree.inclusion(40_000, 65_535, subtrees)
    assert len(asked) <= 32
