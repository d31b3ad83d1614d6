r"""The arithmetic of the ledger: what a leaf commits to, and the root of a tree of leaves.

Law: a leaf binds its kind, its reference and its content, to the byte; two different leaves have different
hashes, and neither a leaf's hash nor its entry tells anything of what it binds to somebody who has not the
salt. Nothing here draws random bytes, reads a clock or knows where leaves are kept: the salt enters as an
argument and is never used twice.

How it works. The ledger is a Merkle tree as RFC 6962 section 2.1 defines it, over entries of 32 bytes::

    entry  = SHA-256( "skypact leaf 1\n" || salt || len(kind) || kind || len(ref) || ref || SHA-256(content) )
    leaf   = SHA-256( 0x00 || entry )                             the leaf hash of RFC 6962
    node   = SHA-256( 0x01 || left || right )

Lengths are four bytes, most significant first; kind and ref are UTF-8; the salt is 32 bytes. The lengths make
the framing unambiguous, 0x00 and 0x01 keep leaves and nodes apart, and the first line keeps entries apart
from every other use of SHA-256 in Skypact. Because an entry is what RFC 6962 calls one, its inclusion and
consistency proofs hold for these leaves unchanged, and any tool that knows tlog-tiles can follow the tree.

An entry is a commitment: 256 unknown random bits stand in front of what it binds, so that entries can be
published and say nothing but that there is one more. To redact a leaf is to forget its content *and its
salt*, and to keep its entry: every proof still holds, and the content cannot be found by trying. Whoever was
given salt, kind, reference and content before can still show that the leaf was exactly that.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

from skypact.errors import InputError

SALT_BYTES: Final = 32
"""The length of a salt: as long as the hash, so that guessing is no easier than inverting."""
HASH_BYTES: Final = 32
ENTRY_BYTES: Final = 32
CONTENT_BYTES: Final = 16 * 1024 * 1024
"""The largest content of one leaf."""
REF_CHARS: Final = 256
"""The longest reference, in characters."""

_DOMAIN: Final = b"skypact leaf 1\n"
_KIND = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*", re.ASCII)
_KIND_CHARS: Final = 64
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(kind: str, ref: str, content: bytes, salt: bytes) -> bytes:
    """The hash of a leaf, 32 bytes.

    Parameters
    ----------
    kind
        What the content is: lower-case words joined by ``.``, ``-`` or ``_``, at most 64 characters.
    ref
        What it is about, as its owner names it: printable characters, at most 256.
    content
        The bytes as they are stored, at most 16 MiB.
    salt
        32 random bytes, drawn for this leaf alone.

    Raises
    ------
    InputError
        One of them is not that.
    """
    if len(content) > CONTENT_BYTES:
        raise InputError(
            "too large for a leaf",
            where="content",
            found=f"{len(content)} bytes",
            expected=f"at most {CONTENT_BYTES}",
        )
    return entry_hash(entry_of(kind, ref, hashlib.sha256(content).digest(), salt))


def entry_of(kind: str, ref: str, digest: bytes, salt: bytes) -> bytes:
    """The entry that commits to a leaf, 32 bytes.

    Parameters
    ----------
    kind, ref, salt
        As :func:`leaf_hash` takes them.
    digest
        The SHA-256 of the content.

    Raises
    ------
    InputError
        One of them is not that.
    """
    framed_kind = _framed_kind(kind)
    if len(ref) > REF_CHARS or not ref.isprintable():
        raise InputError(
            "not a reference", where="ref", found=ref, expected=f"at most {REF_CHARS} printable characters"
        )
    if len(salt) != SALT_BYTES:
        raise InputError("not a salt", where="salt", found=f"{len(salt)} bytes", expected=f"{SALT_BYTES}")
    if len(digest) != HASH_BYTES:
        raise InputError(
            "not a digest", where="digest", found=f"{len(digest)} bytes", expected=f"{HASH_BYTES}"
        )
    framed_ref = ref.encode()
    length = len(framed_ref).to_bytes(4, "big")
    return hashlib.sha256(_DOMAIN + salt + framed_kind + length + framed_ref + digest).digest()


@lru_cache(256)
def _framed_kind(kind: str) -> bytes:
    """A kind behind its length; there are few."""
    if len(kind) > _KIND_CHARS or _KIND.fullmatch(kind) is None:
        raise InputError(
            "not a kind of leaf", where="kind", found=kind, expected="lower-case words joined by . - or _"
        )
    framed = kind.encode()
    return len(framed).to_bytes(4, "big") + framed


def entry_hash(entry: bytes) -> bytes:
    """The leaf hash of RFC 6962 section 2.1 over an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node of the tree over its two children's."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to know its root, in a list no longer than its depth.

    Leaves are added in the order of their positions. What is kept are the roots of the full subtrees that
    the leaves so far fall into, largest first: one for each 1 in the binary form of their count.
    """

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self._size = 0

    @property
    def size(self) -> int:
        """How many leaves were added."""
        return self._size

    def add(self, leaf: bytes) -> None:
        """Put one more leaf, by its hash, at the right."""
        self.add_subtree(leaf, 0)

    def add_subtree(self, root: bytes, level: int) -> None:
        """Put ``2**level`` leaves at the right, by their root, where the size is a multiple of that."""
        peak = root
        below = self._size >> level
        while below & 1:
            peak = node_hash(self._peaks.pop(), peak)
            below >>= 1
        self._peaks.append(peak)
        self._size += 1 << level

    def root(self) -> bytes:
        """The Merkle tree hash of RFC 6962 section 2.1 over all leaves so far; of none, of nothing."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root
