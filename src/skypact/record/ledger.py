r"""The arithmetic of the ledger: what a leaf commits to, and the root of a tree of leaves.

Law: a leaf binds its kind, its reference and its content, to the byte; two different leaves have different
hashes, and a hash tells nothing of what it binds to somebody who has not the salt. Nothing here draws random
bytes, reads a clock or knows where leaves are kept: the salt enters as an argument and is never used twice.

How it works. The ledger is a Merkle tree as RFC 6962 section 2.1 defines it, over entries of 64 bytes::

    digest = SHA-256( "skypact leaf 1\n" || len(kind) || kind || len(ref) || ref || content )
    entry  = salt || digest                                       32 + 32 bytes
    leaf   = SHA-256( 0x00 || entry )                             the leaf hash of RFC 6962
    node   = SHA-256( 0x01 || left || right )

Lengths are four bytes, most significant first; kind and ref are UTF-8. The lengths make the framing
unambiguous, 0x00 and 0x01 keep leaves and nodes apart, and the first line keeps this digest apart from every
other use of SHA-256 in Skypact. Because an entry is what RFC 6962 calls one, its inclusion and consistency
proofs hold for these leaves unchanged.

To redact a leaf is to forget its content *and its salt*, and to keep its hash: every proof still holds, and
the content cannot be found by trying, because 256 unknown random bits stand in front of its digest. Whoever
was given salt, kind, reference and content before can still show that the leaf was exactly that.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from skypact.errors import InputError

SALT_BYTES: Final = 32
"""The length of a salt: as long as the hash, so that guessing is no easier than inverting."""
HASH_BYTES: Final = 32
CONTENT_BYTES: Final = 16 * 1024 * 1024
"""The largest content of one leaf."""
REF_CHARS: Final = 256
"""The longest reference, in characters."""

_DOMAIN: Final = b"skypact leaf 1\n"
_KIND = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*", re.ASCII)
_KIND_CHARS: Final = 64
_EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


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
    if len(kind) > _KIND_CHARS or _KIND.fullmatch(kind) is None:
        raise InputError(
            "not a kind of leaf", where="kind", found=kind, expected="lower-case words joined by . - or _"
        )
    if len(ref) > REF_CHARS or not ref.isprintable():
        raise InputError(
            "not a reference", where="ref", found=ref, expected=f"at most {REF_CHARS} printable characters"
        )
    if len(content) > CONTENT_BYTES:
        raise InputError(
            "too large for a leaf",
            where="content",
            found=f"{len(content)} bytes",
            expected=f"at most {CONTENT_BYTES}",
        )
    if len(salt) != SALT_BYTES:
        raise InputError("not a salt", where="salt", found=f"{len(salt)} bytes", expected=f"{SALT_BYTES}")
    framed_kind, framed_ref = kind.encode(), ref.encode()
    digest = hashlib.sha256(
        b"".join(
            (
                _DOMAIN,
                len(framed_kind).to_bytes(4, "big"),
                framed_kind,
                len(framed_ref).to_bytes(4, "big"),
                framed_ref,
            )
        )
    )
    digest.update(content)
    return hashlib.sha256(b"\x00" + salt + digest.digest()).digest()


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
        peak = leaf
        below = self._size
        while below & 1:
            peak = _node(self._peaks.pop(), peak)
            below >>= 1
        self._peaks.append(peak)
        self._size += 1

    def root(self) -> bytes:
        """The Merkle tree hash of RFC 6962 section 2.1 over all leaves so far; of none, of nothing."""
        if not self._peaks:
            return _EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
