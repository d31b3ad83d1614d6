r"""A receipt: one file that shows to anybody, without us and without a network, that a leaf is in the log.

Law: every byte of a receipt is bound. The statement hashes to the leaf, the leaf and the path lead to the
root, the root is under the log's signature and that of witnesses; and there is one spelling of it all, so
that a file in which anything was changed, added or cut off is refused. What it proves is *that* this was
recorded, and no later than a witness says; not that it is true.

The file is a C2SP tlog-proof, so that other tools verify it too::

    c2sp.org/tlog-proof@v1
    extra <base64 of the statement>
    index 73894
    <hashes of the path, from the leaf's sibling up, a line each>

    <the checkpoint, a signed note>

A statement says what the entry commits to, in lines and then, maybe, the content as it is stored::

    skypact leaf 1
    kind flight.version
    ref 4b11f9c2-0f1e-4c36-9a3e-7f6d7f6f1b0e
    salt <base64>
    content 512                  or: sha256 <base64>, where the content itself is kept back

Of a leaf that was erased it has ``skypact entry 1`` and ``entry <base64>``: what is left to prove is that
there was one. The salt goes with the statement: who has a receipt can show its leaf to others, no other leaf.

Source: C2SP tlog-proof (draft, ``c2sp.org/tlog-proof@v1``); the statement is ours.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, InputError
from skypact.record import checkpoint as checkpoints
from skypact.record import note as notes
from skypact.record import tree
from skypact.record.ledger import CONTENT_BYTES, entry_hash, entry_of

if TYPE_CHECKING:
    from skypact.record.checkpoint import Policy, Trusted
    from skypact.record.note import Note

FIRST: Final = "c2sp.org/tlog-proof@v1"
RECEIPT_BYTES: Final = 2 * CONTENT_BYTES + notes.NOTE_BYTES
"""A larger file is refused."""

_LEAF: Final = b"skypact leaf 1\n"
_ENTRY: Final = b"skypact entry 1\n"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What an entry commits to.

    Attributes
    ----------
    kind, ref, salt
        As :func:`skypact.record.ledger.leaf_hash` takes them.
    digest
        The SHA-256 of the content.
    content
        The content; None where it is kept back.
    """

    kind: str
    ref: str
    salt: bytes
    digest: bytes
    content: bytes | None = None

    @classmethod
    def of(cls, kind: str, ref: str, salt: bytes, content: bytes) -> Leaf:
        """A leaf whose content is shown."""
        return cls(kind, ref, salt, hashlib.sha256(content).digest(), content)

    def without_content(self) -> Leaf:
        """The same leaf with its content kept back: who has it can see that it is this."""
        return Leaf(self.kind, self.ref, self.salt, self.digest)

    @property
    def entry(self) -> bytes:
        """The entry that commits to it."""
        return entry_of(self.kind, self.ref, self.digest, self.salt)

    def encode(self) -> bytes:
        """As the receipt has it."""
        head = f"kind {self.kind}\nref {self.ref}\nsalt {notes.spelt(self.salt)}\n".encode()
        if self.content is None:
            return b"".join((_LEAF, head, f"sha256 {notes.spelt(self.digest)}\n".encode()))
        return b"".join((_LEAF, head, f"content {len(self.content)}\n".encode(), self.content))


@dataclass(frozen=True, slots=True)
class Erased:
    """A leaf whose content and salt were forgotten.

    Attributes
    ----------
    entry
        What is left of it.
    """

    entry: bytes

    def encode(self) -> bytes:
        """As the receipt has it."""
        return _ENTRY + f"entry {notes.spelt(self.entry)}\n".encode()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the file says; nothing of it is verified.

    Attributes
    ----------
    statement
        What the leaf is.
    index
        Where in the log.
    path
        The inclusion proof, from the leaf's sibling up.
    note
        The checkpoint, signed.
    """

    statement: Leaf | Erased
    index: int
    path: tuple[bytes, ...]
    note: Note

    def encode(self) -> bytes:
        """The file, in its one spelling."""
        lines = (
            FIRST,
            f"extra {notes.spelt(self.statement.encode())}",
            f"index {self.index}",
            *(notes.spelt(each) for each in self.path),
            "",
            "",
        )
        return "\n".join(lines).encode() + self.note.encode()

    def verify(self, policy: Policy, *, where: str = "receipt") -> Proven:
        """What it proves to somebody with these keys.

        Raises
        ------
        InputError
            It proves nothing; the text says what does not fit.
        """
        trusted = policy.trust(self.note, where=f"{where}: checkpoint")
        size, root = trusted.checkpoint.size, trusted.checkpoint.root
        try:
            tree.check_inclusion(entry_hash(self.statement.entry), self.index, size, self.path, root)
        except InputError as error:
            raise error.at(where) from None
        return Proven(self.statement, self.index, trusted)


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt proves.

    Attributes
    ----------
    statement, index
        That this is in the log, there.
    trusted
        The checkpoint that says so, and who signed it.
    """

    statement: Leaf | Erased
    index: int
    trusted: Trusted

    def contradicts(self, other: Proven) -> bool:
        """Whether the two prove that the log misbehaved: one place, two leaves, both under its signature.

        Raises
        ------
        InputError
            They are of two logs.
        """
        origin, others = self.trusted.checkpoint.origin, other.trusted.checkpoint.origin
        if origin != others:
            raise InputError("receipts of two logs", where="origin", found=others, expected=origin)
        return self.index == other.index and self.statement.entry != other.statement.entry


def parse(data: bytes, *, where: str = "receipt") -> Receipt:
    """Read a receipt; nothing is verified.

    Raises
    ------
    FormatError
        It is not written as receipts are.
    """
    if len(data) > RECEIPT_BYTES:
        raise FormatError(
            "too large for a receipt",
            where=where,
            found=f"{len(data)} bytes",
            expected=f"at most {RECEIPT_BYTES}",
        )
    head, gap, rest = data.partition(b"\n\n")
    lines = head.decode("ascii", errors="replace").split("\n")
    if not gap or lines[0] != FIRST or len(lines) < 3:
        raise FormatError("not a receipt", where=where, found=lines[0], expected=FIRST)
    statement = _statement(lines[1], f"{where}:2")
    word, _, number = lines[2].partition(" ")
    if word != "index" or checkpoints.NUMBER.fullmatch(number) is None:
        raise FormatError("not an index", where=f"{where}:3", found=lines[2], expected="index NUMBER")
    path: list[bytes] = []
    for at, line in enumerate(lines[3:], 4):
        each = checkpoints.hash_of(line)
        if each is None:
            raise FormatError("not a hash", where=f"{where}:{at}", found=line, expected="32 bytes in base64")
        path.append(each)
    return Receipt(statement, int(number), tuple(path), notes.parse(rest, where=f"{where}: checkpoint"))


def _statement(line: str, where: str) -> Leaf | Erased:
    word, _, encoded = line.partition(" ")
    data = notes.unspelt(encoded)
    if word != "extra" or data is None:
        raise FormatError("no statement", where=where, found=line, expected="extra STATEMENT, in base64")
    first, _, _ = data.partition(b"\n")
    read = {_LEAF[:-1]: _leaf, _ENTRY[:-1]: _erased}.get(first)
    found = read(data) if read is not None else None
    if found is None or found.encode() != data:
        raise FormatError(
            "not a statement of what a leaf is",
            where=where,
            found=data[:60].decode(errors="replace"),
            expected="'skypact leaf 1' or 'skypact entry 1', and its lines",
        )
    return found


def _leaf(data: bytes) -> Leaf | None:
    """The leaf that these bytes may be; it is, where it is written as they are."""
    lines = data.split(b"\n", 5)
    if len(lines) != 6:
        return None
    try:
        kind, ref, salt, last = (line.decode().partition(" ")[2] for line in lines[1:5])
    except UnicodeDecodeError:
        return None
    salted = notes.unspelt(salt)
    if salted is None:
        return None
    if lines[4].startswith(b"content "):
        return Leaf.of(kind, ref, salted, lines[5])
    digest = notes.unspelt(last)
    return None if digest is None else Leaf(kind, ref, salted, digest)


def _erased(data: bytes) -> Erased | None:
    entry = checkpoints.hash_of(data.decode(errors="replace").removesuffix("\n").rpartition(" ")[2])
    return None if entry is None else Erased(entry)
