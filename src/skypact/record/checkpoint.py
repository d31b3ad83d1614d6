"""Checkpoints: what a log says that it is, who has seen it grow, and when it contradicts itself.

Law: a log that signed two roots for one size has forked, and the two notes prove it to anybody who has its
key. That a proof is missing, or does not check out, proves nothing: such a pair is *unproven*, a value of its
own, and no guilt. A witness counts once, however many names its key has, and never where the log's own key is
the witness.

A checkpoint is a signed note whose text has the log's origin, its size, and the root of its tree. Only the
log whose key's name is the origin is believed about it.

Sources: C2SP tlog-checkpoint v1.0.0, tlog-cosignature v1.0.1; k of n as in C2SP tlog-policy.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, InputError
from skypact.record import note as notes
from skypact.record import tree
from skypact.record.ledger import HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.record.note import Note, Signature, Signed, VerifierKey

SIZE_MOST: Final = 2**63 - 1
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
"""A size or an index as these formats write it: decimal, no leading zeroes."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at a size.

    Attributes
    ----------
    origin
        Which log.
    size
        How many leaves it has.
    root
        The root of their tree.
    extensions
        Lines that the log added; nobody says what they mean.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, notes.spelt(self.root), *self.extensions)
        )


def parse(text: str, *, where: str = "checkpoint") -> Checkpoint:
    """Read the text of a checkpoint.

    Raises
    ------
    FormatError
        It is none.
    """
    *lines, end = text.split("\n")
    if not end and len(lines) >= 3 and all(lines) and NUMBER.fullmatch(lines[1]):
        size, root = int(lines[1]), hash_of(lines[2])
        if root is not None and size <= SIZE_MOST:
            return Checkpoint(lines[0], size, root, tuple(lines[3:]))
    raise FormatError(
        "not a checkpoint", where=where, expected="lines of an origin, a size and a root in base64"
    )


@dataclass(frozen=True, slots=True)
class Trusted:
    """A checkpoint whose signatures were looked at and are enough.

    Attributes
    ----------
    checkpoint
        What the log says.
    note
        It, signed.
    witnesses
        Who cosigned it, of those that were asked for, and when.
    others
        Names under it whose keys nobody gave.
    """

    checkpoint: Checkpoint
    note: Note
    witnesses: tuple[Signed, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom somebody believes.

    Attributes
    ----------
    log
        The log's key; its name is the log's origin.
    witnesses
        Keys of witnesses.
    quorum
        How many of them have to have cosigned.

    Raises
    ------
    InputError
        A key is of the wrong kind or there twice, or the quorum is more than there are.
    """

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0

    def __post_init__(self) -> None:
        _kind(self.log, notes.LOG, "log", "a log's key (type 0x01)")
        seen = {self.log.key.ed25519}
        for at, witness in enumerate(self.witnesses):
            where = f"witness[{at}]"
            _kind(witness, notes.WITNESS, where, "a witness's key (type 0x04)")
            if witness.key.ed25519 in seen:
                raise InputError(
                    "the key of another here", where=where, found=witness.name, expected="a key of its own"
                )
            seen.add(witness.key.ed25519)
        if not 0 <= self.quorum <= len(self.witnesses):
            raise InputError(
                "not a number of these witnesses",
                where="quorum",
                found=self.quorum,
                expected=f"0 to {len(self.witnesses)}",
            )

    def trust(self, note: Note, *, where: str = "checkpoint") -> Trusted:
        """The checkpoint of a note that the log signed and enough witnesses cosigned.

        Raises
        ------
        FormatError
            It is no checkpoint of this log, a signature is wrong, or some are missing.
        """
        checkpoint = parse(note.text, where=where)
        if checkpoint.origin != self.log.name:
            raise FormatError(
                "a checkpoint of another log", where=where, found=checkpoint.origin, expected=self.log.name
            )
        looked = notes.opened(note, (self.log, *self.witnesses), where=where)
        if not any(each.key == self.log for each in looked.signed):
            raise FormatError("not signed by the log", where=where, expected=self.log.text)
        cosigned = tuple(each for each in looked.signed if each.key != self.log)
        if len(cosigned) < self.quorum:
            raise FormatError(
                "too few witnesses",
                where=where,
                found=", ".join(each.key.name for each in cosigned) or "none",
                expected=f"{self.quorum} of {', '.join(each.name for each in self.witnesses)}",
            )
        return Trusted(checkpoint, note, cosigned, tuple(each.name for each in looked.others))


class Relation(enum.Enum):
    """How two checkpoints of one log stand to each other."""

    SAME = "same"
    """One size, one root."""
    GROWN = "grown"
    """It is proven that the larger tree begins with the smaller one."""
    UNPROVEN = "unproven"
    """Nobody has shown that it does. That says nothing against the log."""
    FORKED = "forked"
    """One size, two roots: the log has signed two histories, and these two notes prove it."""


def relation(one: Trusted, other: Trusted, path: Sequence[bytes] | None = None) -> Relation:
    """How two checkpoints stand to each other.

    Parameters
    ----------
    path
        The consistency proof from the smaller to the larger; None: there is none.

    Raises
    ------
    InputError
        They are of two logs, which have nothing to do with each other.
    """
    older, newer = sorted((one.checkpoint, other.checkpoint), key=lambda each: each.size)
    if older.origin != newer.origin:
        raise InputError("checkpoints of two logs", where="origin", found=newer.origin, expected=older.origin)
    if older.size == newer.size:
        return Relation.SAME if older.root == newer.root else Relation.FORKED
    if path is None:
        return Relation.UNPROVEN
    try:
        tree.check_consistency(older.size, older.root, newer.size, newer.root, path)
    except InputError:
        return Relation.UNPROVEN
    return Relation.GROWN


def signed(checkpoint: Checkpoint, *signatures: Signature) -> Note:
    """A checkpoint with signatures under it."""
    return notes.Note(checkpoint.text, signatures)


def hash_of(line: str) -> bytes | None:
    """The hash that a line spells, in its one spelling; None: that is none."""
    value = notes.unspelt(line)
    return value if value is not None and len(value) == HASH_BYTES else None


def _kind(key: VerifierKey, kind: int, where: str, expected: str) -> None:
    if key.kind != kind:
        raise InputError("a key of the other kind", where=where, found=key.text, expected=expected)
