"""The record looked at as a whole: every leaf, every subtree, every checkpoint, every signature, anew.

Law: everything that can be computed is, from the contents up, on one state of the database, while it is in
use. A fault is something that no version of Skypact writes: a disk, a bug or a hand did. Nothing is mended.

A million leaves are read and hashed in one pass; checkpoints are held against the tree as it goes by.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from skypact.desk.signatures import BATCH, Messages, checked, faults
from skypact.errors import FormatError, InputError
from skypact.record.checkpoint import Checkpoint
from skypact.record.ledger import Frontier, entry_hash
from skypact.record.note import VerifierKey, verifier_key
from skypact.record.tiles import HEIGHT, WIDTH, full_roots, tile_root
from skypact.store import hotline
from skypact.store import ledger as kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skypact.store import Store, Tx

MANY: Final = 20
"""How many faults of one sort are told one by one."""


@dataclass(slots=True)
class Audit:
    """What was found.

    Attributes
    ----------
    leaves, erased, checkpoints, cosignatures, messages
        How many there are; messages of the hotline, each verified with its sender's key of the pact.
    root
        Of the tree of all leaves.
    faults
        What must not be; empty for a sound record.
    """

    leaves: int = 0
    erased: int = 0
    checkpoints: int = 0
    cosignatures: int = 0
    messages: int = 0
    root: bytes = b""
    faults: list[str] = field(default_factory=list)
    untold: int = 0
    """Faults beyond the first :data:`MANY`."""

    def fault(self, text: str) -> None:
        """One more."""
        if len(self.faults) < MANY:
            self.faults.append(text)
        else:
            self.untold += 1


async def audit(store: Store, keys: list[VerifierKey], tell: Callable[[str], None]) -> Audit:
    """Look at the whole record.

    Parameters
    ----------
    keys
        The log's keys, that of now and those of before: every checkpoint has to be signed with one of them,
        under the origin that the log had then.
    tell
        Told where the work stands, for a person who waits.
    """

    def work(tx: Tx) -> Audit:
        found = Audit()
        _tree(tx, found, tell)
        _signatures(tx, found, keys, tell)
        return found

    return await store.read(work)


def _tree(tx: Tx, found: Audit, tell: Callable[[str], None]) -> None:
    walk = _Walk(tx, found)
    total = kept.size(tx)
    hashes: list[bytes] = []
    read = 0
    for low, high in kept.runs(tx, 0, total):
        rows = kept.leaves(tx, low, high)
        if [row.position for row in rows] != list(range(low, high)):
            break
        read += len(rows)
        found.erased += sum(row.salt is None for row in rows)
        given = [row.hash for row in rows]
        made = [each and entry_hash(each) for each in _entries(tx, rows, found)]
        if made != given:
            for row, each in zip(rows, made, strict=True):
                if each is not None and each != row.hash:
                    found.fault(f"leaf {row.position} ({row.kind}) does not have the hash that it was given")
        hashes += given
        full = len(hashes) // WIDTH * WIDTH
        for at in range(0, full, WIDTH):
            walk.on(hashes[at : at + WIDTH])
        del hashes[:full]
        tell(f"computing the tree: {read} of {total} leaves")
    walk.on(hashes)
    if read < total:
        found.fault(f"leaves are missing from {read} on, of {total}")
    walk.end()
    found.leaves, found.root = walk.frontier.size, walk.frontier.root()


class _Walk:
    """The tree, tile by tile from the left, with checkpoints and kept subtrees held against it."""

    def __init__(self, tx: Tx, found: Audit) -> None:
        self.frontier = Frontier()
        self._tx = tx
        self._found = found
        self._roots: list[bytes] = []
        self._signed = _checkpoints(tx)
        self._ahead = next(self._signed, None)
        self._hold()

    def on(self, hashes: list[bytes]) -> None:
        """The next leaves, by their hashes: a full tile, or the last ones."""
        full = tile_root(b"".join(hashes)) if len(hashes) == WIDTH else b""
        if full:
            self._roots.append(full)
        if full and (self._ahead is None or self._ahead.size >= self.frontier.size + WIDTH):
            self.frontier.add_subtree(full, HEIGHT)
            self._hold()
            return
        for each in hashes:
            self.frontier.add(each)
            self._hold()

    def end(self) -> None:
        """There are no more leaves."""
        while self._ahead is not None:
            self._found.checkpoints += 1
            self._found.fault(
                f"there is a checkpoint of {self._ahead.size} leaves, and there are {self.frontier.size}"
            )
            self._ahead = next(self._signed, None)
        reach, level, roots = kept.subtrees_reach(self._tx), 1, self._roots
        made: list[tuple[int, int, bytes]] = []
        while roots:
            count = reach >> HEIGHT * level
            made += [(level, at, each) for at, each in enumerate(roots[:count])]
            roots = full_roots(roots)
            level += 1
        if made != kept.all_subtrees(self._tx):
            self._found.fault("the subtrees that are kept are not those of the leaves")

    def _hold(self) -> None:
        """A checkpoint of the size that the tree has now is held against it."""
        if self._ahead is None or self._ahead.size != self.frontier.size:
            return
        self._found.checkpoints += 1
        if self._ahead.root != self.frontier.root():
            self._found.fault(f"the checkpoint of {self._ahead.size} leaves has another root than they have")
        self._ahead = next(self._signed, None)


def _entries(tx: Tx, rows: list[kept.LeafRow], found: Audit) -> list[bytes | None]:
    """The entries of leaves; None, and a fault, where there is none."""
    try:
        return [*kept.entries(tx, rows)]
    except InputError as error:
        if len(rows) == 1:
            found.fault(f"leaf {rows[0].position}: {error}")
            return [None]
        return [entry for row in rows for entry in _entries(tx, [row], found)]


def _checkpoints(tx: Tx) -> Iterator[kept.CheckpointRow]:
    above = -1
    while rows := kept.checkpoints(tx, above):
        yield from rows
        above = rows[-1].size


def _signatures(tx: Tx, found: Audit, keys: list[VerifierKey], tell: Callable[[str], None]) -> None:
    def signed() -> Iterator[tuple[int, bytes]]:
        for row in _checkpoints(tx):
            if not row.note.startswith(f"{Checkpoint(row.origin, row.size, row.root).text}\n".encode()):
                found.fault(f"the checkpoint of {row.size} leaves was signed with other words")
            yield row.size, row.note

    def cosigned(witness: str) -> Iterator[tuple[int, bytes]]:
        above = -1
        while rows := kept.cosigned_notes(tx, witness, above):
            found.cosignatures += len(rows)
            yield from rows
            above = rows[-1][0]

    def said() -> Iterator[tuple[int, bytes]]:
        from_ = 0
        while rows := kept.said(tx, from_, BATCH):
            found.messages += len(rows)
            yield from rows
            from_ = rows[-1][0] + 1

    def told(notes: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
        done = 0
        while batch := list(itertools.islice(notes, BATCH)):
            yield batch
            done += len(batch)
            tell(f"checking signatures: {done}")

    names = [VerifierKey(name, key.kind, key.key) for name in kept.origins(tx) for key in keys]
    for size, text in faults(told(signed()), names):
        found.fault(f"the checkpoint of {size} leaves: {text}")
    for witness in kept.witnesses(tx):
        try:
            key = verifier_key(witness, where="a witness")
        except FormatError as error:
            found.fault(str(error))
            continue
        for size, text in faults(told(cosigned(witness)), [key]):
            found.fault(f"{key.name} under the checkpoint of {size} leaves: {text}")
    texts = tuple(row.text for row in hotline.editions(tx))
    for position, text in checked(told(said()), Messages(texts)):
        found.fault(f"leaf {position}: {text}")
