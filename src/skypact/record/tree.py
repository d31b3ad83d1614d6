"""Proofs of a Merkle tree: that a leaf is in it, and that a larger tree begins with a smaller one.

Law: a proof is made of the hashes of complete subtrees alone, asked of whoever keeps them, and is checked
without asking anybody. What does not check out raises and proves nothing; it is never taken for the opposite.
All sizes are exact integers; none is too large.

A complete subtree is named by its level and its number: it has ``2**level`` leaves and begins with leaf
``number * 2**level``. At level 0 it is a leaf.

Sources: RFC 6962 section 2.1 defines tree and proofs; the checks follow RFC 9162 sections 2.1.3.2 and 2.1.4.2
step by step. A consistency proof from a tree of no leaves is empty, as C2SP tlog-witness has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from skypact.errors import InputError
from skypact.record.ledger import EMPTY_ROOT, HASH_BYTES, node_hash

Subtrees = Callable[[int, int], bytes]
"""Gives the hash of a complete subtree, by level and number."""

LEVELS: Final = 63
"""Hashes that a proof can have at most: that is a tree of 2**63 leaves."""


def root(size: int, subtrees: Subtrees) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return _over(0, size, subtrees) if size else EMPTY_ROOT


def inclusion(index: int, size: int, subtrees: Subtrees) -> list[bytes]:
    """The proof that the leaf at ``index`` is in the tree of ``size`` leaves, from the leaf's sibling up.

    Raises
    ------
    InputError
        There is no such leaf in a tree of that size.
    """
    _within(index, size)
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_over(middle, high, subtrees))
            high = middle
        else:
            path.append(_over(low, middle, subtrees))
            low = middle
    path.reverse()
    return path


def consistency(old: int, new: int, subtrees: Subtrees) -> list[bytes]:
    """The proof that the tree of ``new`` leaves begins with the tree of ``old`` leaves.

    Raises
    ------
    InputError
        The old tree is the larger one.
    """
    _ordered(old, new)
    path: list[bytes] = []
    low, high = 0, new
    while low < old < high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_over(middle, high, subtrees))
            high = middle
        else:
            path.append(_over(low, middle, subtrees))
            low = middle
    if low:  # else the subtree that is left is the whole old tree, whose root the one who checks has
        path.append(_over(low, high, subtrees))
    path.reverse()
    return path


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], top: bytes) -> None:
    """Check that a leaf, by its hash, is at ``index`` in the tree of ``size`` leaves whose root is ``top``.

    Raises
    ------
    InputError
        The proof does not show it.
    """
    _within(index, size)
    _hashes(path)
    near, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise _unproven("too many hashes in the proof")
        if near & 1 or near == last:
            reached = node_hash(sibling, reached)
            while near and not near & 1:
                near >>= 1
                last >>= 1
        else:
            reached = node_hash(reached, sibling)
        near >>= 1
        last >>= 1
    if last != 0:
        raise _unproven("too few hashes in the proof")
    if reached != top:
        raise _unproven("the proof leads to another root", found=reached.hex(), expected=top.hex())


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree of ``new`` leaves begins with the tree of ``old`` leaves, by their roots.

    Raises
    ------
    InputError
        The proof does not show it. That alone says nothing about the log.
    """
    _ordered(old, new)
    _hashes(path)
    if old in {0, new}:
        if path:
            raise _unproven("hashes in a proof that needs none")
        expected = new_root if old else EMPTY_ROOT
        if old_root != expected:
            raise _unproven("the roots differ", found=old_root.hex(), expected=expected.hex())
        return
    if not path:
        raise _unproven("no hashes in the proof")
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    near, last = old - 1, new - 1
    while near & 1:
        near >>= 1
        last >>= 1
    was = now = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise _unproven("too many hashes in the proof")
        if near & 1 or near == last:
            was, now = node_hash(step, was), node_hash(step, now)
            while near and not near & 1:
                near >>= 1
                last >>= 1
        else:
            now = node_hash(now, step)
        near >>= 1
        last >>= 1
    if last != 0:
        raise _unproven("too few hashes in the proof")
    for reached, known in ((was, old_root), (now, new_root)):
        if reached != known:
            raise _unproven("the proof leads to another root", found=reached.hex(), expected=known.hex())


def _over(low: int, high: int, subtrees: Subtrees) -> bytes:
    """The Merkle tree hash over leaves ``low`` to ``high``, where no complete subtree crosses ``low``."""
    peaks: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        peaks.append(subtrees(level, low >> level))
        low += 1 << level
    reached = peaks.pop()
    while peaks:
        reached = node_hash(peaks.pop(), reached)
    return reached


def _split(width: int) -> int:
    """The largest power of two below a width of two or more."""
    return 1 << (width - 1).bit_length() - 1


def _within(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise InputError(
            "no such leaf in the tree", where="index", found=index, expected=f"from 0, below {size}"
        )


def _ordered(old: int, new: int) -> None:
    if not 0 <= old <= new:
        raise InputError(
            "the old tree is not the smaller one", where="size", found=old, expected=f"0 to {new}"
        )


def _hashes(path: Sequence[bytes]) -> None:
    if len(path) > LEVELS + 1:
        raise _unproven("too many hashes in the proof")
    if any(len(each) != HASH_BYTES for each in path):
        raise _unproven("something in the proof is no hash")


def _unproven(message: str, *, found: str | None = None, expected: str | None = None) -> InputError:
    return InputError(message, where="proof", found=found, expected=expected)
