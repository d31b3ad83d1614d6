"""The Merkle tree by its definitions: RFC 6962 section 2.1, word for word, slow and obvious."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def _below(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """MTH: the root over entries."""
    if not entries:
        return sha(b"")
    if len(entries) == 1:
        return sha(b"\x00" + entries[0])
    k = _below(len(entries))
    return sha(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:]))


def audit_path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH: the inclusion proof of section 2.1.1."""
    if len(entries) == 1:
        return []
    k = _below(len(entries))
    if index < k:
        return [*audit_path(index, entries[:k]), tree_hash(entries[k:])]
    return [*audit_path(index - k, entries[k:]), tree_hash(entries[:k])]


def proof(old: int, entries: Sequence[bytes]) -> list[bytes]:
    """PROOF: the consistency proof of section 2.1.2."""
    return _subproof(old, entries, whole=True)


def _subproof(old: int, entries: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [tree_hash(entries)]
    k = _below(len(entries))
    if old <= k:
        return [*_subproof(old, entries[:k], whole=whole), tree_hash(entries[k:])]
    return [*_subproof(old - k, entries[k:], whole=False), tree_hash(entries[:k])]


class Grown:
    """The complete subtrees of a tree over entries, each by its definition."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries
        self.asked: set[tuple[int, int]] = set()

    def __call__(self, level: int, number: int) -> bytes:
        """The hash of a complete subtree; one that is not complete is not there."""
        low, high = number << level, (number + 1) << level
        assert 0 <= low < high <= len(self.entries)
        self.asked.add((level, number))
        return tree_hash(self.entries[low:high])
