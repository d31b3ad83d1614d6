"""The record kept by a party: checkpoints signed, leaves proven and erased, and what was known when.

Law: nothing is signed that contradicts what was signed before. Before a checkpoint is made, the last one's
root is held against the tree as it is kept now; where it is another, the ledger was changed behind the node's
back, and nothing is signed any more until a person has looked. (:mod:`skypact.desk.audit` computes everything
anew.) A checkpoint is written before anybody is given it. To erase is an act, and a leaf of its own; so is to
go on under another origin or key, and that leaf names the last checkpoint before it.

The log's origin is a name that says nothing of who keeps it: ``skypact.invalid/`` and digits that follow from
the region's id, unless the configuration names another. A ledger that was restored from a backup is another
log from there on, with a number behind its name (:meth:`Record.renew`): what was signed after the backup is
not forgotten by those who have it, and to sign other leaves at those places would be a fork.

Known limits. *When* a leaf was recorded is known from checkpoints: not before the last one that lacks it, not
after the first one that has it. Their times are this node's clock, and a witness's where one cosigned.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from skypact.errors import InputError, Reason, Refused
from skypact.record import note as notes
from skypact.record import tree
from skypact.record.checkpoint import Checkpoint, Policy
from skypact.record.ledger import EMPTY_ROOT
from skypact.record.receipt import Erased, Leaf, Receipt
from skypact.record.tiles import HEIGHT, WIDTH
from skypact.store import ledger as kept
from skypact.store.ledger import CheckpointRow

if TYPE_CHECKING:
    from skypact.record.note import Signature, VerifierKey
    from skypact.record.tiles import Tile
    from skypact.seal import SigningKey
    from skypact.store import Store, Tx
    from skypact.store.ledger import LeafRow

ERASED: Final = "record.erased"
"""The kind of the leaf that says that another was erased."""
CONTINUED: Final = "record.continued"
"""The kind of the leaf with which a log goes on under another origin, or another key."""
REASON_CHARS: Final = 1_000
_STEP: Final = 2**18
"""Leaves whose subtrees are made in one go."""


@dataclass(frozen=True, slots=True)
class Known:
    """One thing as it was known at an instant.

    Attributes
    ----------
    leaf
        The last leaf of its kind about its reference.
    by_us
        When the first checkpoint that has it was made: it was recorded no later.
    """

    leaf: LeafRow
    by_us: int


@dataclass(frozen=True, slots=True)
class AsOf:
    """What the record had at an instant.

    Attributes
    ----------
    checkpoint
        The last one that was made by then; None: there was none yet.
    known
        The last leaf of each kind about each thing, by reference.
    later
        How many leaves came after that checkpoint and until the next, so that they may have been there.
    next_us
        When the next one was made; None: there is none yet.
    """

    checkpoint: CheckpointRow | None
    known: tuple[Known, ...]
    later: int
    next_us: int | None


def origin_of(region: bytes) -> str:
    """The origin of a region's log where none is configured."""
    return f"skypact.invalid/{hashlib.sha256(b'skypact origin 1' + region).hexdigest()[:32]}"


class Record:
    """The record of the party whose store and key these are.

    Parameters
    ----------
    key
        What checkpoints are signed with: an Ed25519 key.
    origin
        The log's origin; empty: :func:`origin_of` the region.
    """

    def __init__(self, store: Store, key: SigningKey, origin: str = "") -> None:
        self._store = store
        self._key = key
        self._origin = origin

    async def log_key(self) -> VerifierKey:
        """The key that this log's checkpoints are verified with, for others."""

        def name(tx: Tx) -> str:
            epoch = kept.last_epoch(tx)
            base = self._origin or origin_of(tx.region)
            return base if epoch is None else f"{base}/{epoch.number}"

        return notes.key_of(await self._store.read(name), notes.LOG, self._key.public)

    async def renew(self, now_us: int, why: str, witnessed: bytes = b"") -> None:
        """Go on under another origin: this ledger is not all that was signed under the one it has.

        Parameters
        ----------
        why
            For people; it stays on record, in the first leaf under the new origin.
        witnessed
            The last checkpoint under the old one that a witness holds, as it was signed.
        """
        await self._store.write(lambda tx: kept.begin_epoch(tx, now_us, why, witnessed))

    async def growth(self, old: int, new: int) -> list[bytes]:
        """The consistency proof between two sizes of this log that have checkpoints."""
        return await self._store.read(lambda tx: tree.consistency(old, new, kept.subtrees(tx, new)))

    async def cosigned(self, witness: VerifierKey) -> int:
        """The largest of our trees, under the origin of now, that a witness is known to have cosigned."""
        origin = (await self.log_key()).name
        return await self._store.read(lambda tx: kept.cosigned_by(tx, witness.text, origin))

    async def keep_cosignature(self, row: CheckpointRow, witness: VerifierKey, line: Signature) -> None:
        """Keep what a witness answered.

        Raises
        ------
        InputError
            It is not its signature of this checkpoint.
        """
        time_s = notes.signed_at(notes.parse(row.note).text, line, witness)
        if time_s is None:
            raise InputError("not the witness's signature of this checkpoint", where=witness.name)
        if row.size:  # that there is nothing is not for receipts
            work = partial(kept.add_cosignature, leaves_of_tree=row.size, witness=witness.text)
            await self._store.write(partial(work, line=line.line, time_s=time_s))

    async def last(self) -> CheckpointRow | None:
        """The last checkpoint, with the cosignatures that there are."""
        return await self._store.read(lambda tx: _cosigned(tx, kept.last_checkpoint(tx)))

    async def tile(self, tile: Tile) -> bytes | None:
        """A tile, or a bundle of entries, of the last checkpoint's tree; None: it is not in that."""

        def work(tx: Tx) -> bytes | None:
            row = kept.last_checkpoint(tx)
            count = 0 if row is None else row.size >> max(tile.level, 0) * HEIGHT
            low = tile.number * WIDTH
            return kept.file_of(tx, tile) if low + tile.width <= count else None

        return await self._store.read(work)

    async def newest(self) -> CheckpointRow:
        """The last checkpoint under the origin of now, bare; of no leaves, where there is none yet.

        A checkpoint of no leaves contradicts none: with it a witness can be asked what it knows.
        """
        key = await self.log_key()
        row = await self._store.read(kept.last_checkpoint)
        return row if row is not None and _speaks(row, key) else self._signed(key, 0, EMPTY_ROOT, 0)

    def _signed(self, key: VerifierKey, size: int, root: bytes, now_us: int) -> CheckpointRow:
        text = Checkpoint(key.name, size, root).text
        note = notes.Note(text, (notes.sign(text, key.name, self._key),))
        return CheckpointRow(size, key.name, root, now_us, note.encode())

    async def checkpoint(self, now_us: int) -> CheckpointRow:
        """The checkpoint of the ledger as it is; made and written where there is none of that size.

        Raises
        ------
        Refused
            CONFLICT: the ledger does not begin with what was signed of it before.
        """
        key = await self.log_key()
        await self._grow()
        size, root, last = await self._store.read(_head)
        if last is not None and not _speaks(last, key):
            await self._store.write(partial(_continue, key=key, last=last, now_us=now_us))
            await self._grow()
            size, root, last = await self._store.read(_head)
        if last is not None and last.size == size:
            return last
        row = self._signed(key, size, root, now_us)
        await self._store.write(lambda tx: kept.add_checkpoint(tx, row))
        return row

    async def _grow(self) -> None:
        """Write the subtrees that leaves have completed since the last time."""
        while True:
            rows = await self._store.read(_completed)
            if not rows:
                return
            await self._store.write(partial(kept.add_subtrees, rows=rows))

    async def prove(self, position: int, now_us: int, *, content: bool = True) -> Receipt:
        """The receipt of a leaf: under the last checkpoint that was cosigned, or the last, or a new one.

        Parameters
        ----------
        content
            Whether the content goes with it; else its digest does.

        Raises
        ------
        Refused
            UNKNOWN: there is no such leaf. CONFLICT: as :meth:`checkpoint`.
        """
        key = await self.log_key()
        best = await self._store.read(lambda tx: _cosigned(tx, kept.best_checkpoint(tx, position)))
        if best is None or not _speaks(best, key):
            best = await self.checkpoint(now_us)
        row = best

        def work(tx: Tx) -> Receipt:
            leaf = _leaf(tx, position, row.size)
            if leaf.salt is None or leaf.content is None:
                said: Leaf | Erased = Erased(kept.entries(tx, [leaf])[0])
            else:
                whole = Leaf.of(leaf.kind, leaf.ref, leaf.salt, leaf.content)
                said = whole if content else whole.without_content()
            path = tree.inclusion(position, row.size, kept.subtrees(tx, row.size))
            return Receipt(said, position, tuple(path), notes.parse(row.note))

        receipt = await self._store.read(work)
        receipt.verify(Policy(key))  # what does not hold is not handed out
        return receipt

    async def about(self, ref: str) -> list[tuple[int, str]]:
        """Positions and kinds of the leaves with this reference, first to last."""
        return await self._store.read(lambda tx: kept.leaves_about(tx, ref))

    async def erase(self, position: int, reason: str, now_us: int) -> int:
        """Forget content and salt of a leaf; returns the position of the leaf that says so.

        The entry stays, and with it every proof. Copies in the tables of what is valid, in backups and with
        others are not touched.

        Raises
        ------
        Refused
            UNKNOWN: there is no such leaf. CONFLICT: it is erased already, or it is one that says so itself.
        InputError
            There is no reason, or a very long one.
        """
        if not reason.strip() or len(reason) > REASON_CHARS or not reason.isprintable():
            raise InputError(
                "not a reason",
                where="reason",
                found=reason,
                expected=f"1 to {REASON_CHARS} printable characters",
            )

        def work(tx: Tx) -> int:
            leaf = _leaf(tx, position, kept.size(tx))
            if leaf.salt is None:
                raise Refused(Reason.CONFLICT, "erased already", where=f"leaf {position}")
            if leaf.kind == ERASED:
                raise Refused(Reason.CONFLICT, "that something was erased stays", where=f"leaf {position}")
            kept.erase(tx, leaf, now_us)
            said = {"position": position, "leaf": leaf.hash.hex(), "reason": reason, "at_us": now_us}
            return tx.append(ERASED, str(position), msgspec.json.encode(said))

        return await self._store.write(work)

    async def as_of(self, at_us: int) -> AsOf:
        """What the record had at an instant, from the ledger and its checkpoints alone."""

        def work(tx: Tx) -> AsOf:
            row = _cosigned(tx, kept.checkpoint_by(tx, at_us))
            size = 0 if row is None else row.size
            after = kept.checkpoint_over(tx, size)
            until = kept.size(tx) if after is None else after.size
            known = tuple(Known(leaf, by_us) for leaf, by_us in kept.latest(tx, size))
            return AsOf(row, known, until - size, None if after is None else after.made_us)

        return await self._store.read(work)


def _continue(tx: Tx, *, key: VerifierKey, last: CheckpointRow, now_us: int) -> None:
    """The first leaf under another origin or key: what was signed last before, and why it goes on so."""
    epoch = kept.last_epoch(tx)
    said = {
        "origin": key.name,
        "key": key.text,
        "before": last.note.decode(),
        "why": "" if epoch is None else epoch.why,
        "witnessed": "" if epoch is None else epoch.witnessed.decode(),
        "at_us": now_us,
    }
    tx.append(CONTINUED, key.name, msgspec.json.encode(said))


def _cosigned(tx: Tx, row: CheckpointRow | None) -> CheckpointRow | None:
    """A checkpoint with the lines of witnesses under it."""
    if row is None:
        return None
    return row._replace(note=row.note + "".join(kept.cosignatures(tx, row.size)).encode())


def _speaks(row: CheckpointRow, key: VerifierKey) -> bool:
    """Whether a checkpoint was signed with this key, under this name."""
    note = notes.parse(row.note)
    return any((line.name, line.key_id) == (key.name, key.id) for line in note.signatures)


def _completed(tx: Tx) -> list[tuple[int, int, bytes]]:
    """Subtrees that are complete and not written, of a number of leaves that is done soon."""
    reach = kept.subtrees_reach(tx)
    return kept.subtrees_until(tx, reach, min(kept.size(tx), reach + _STEP))


def _head(tx: Tx) -> tuple[int, bytes, CheckpointRow | None]:
    """Size and root of the ledger as it is, and the last checkpoint, which it begins with."""
    # leaves that came since the subtrees were written may have completed others: those are for the next one
    size = min(kept.size(tx), kept.subtrees_reach(tx) + WIDTH - 1)
    last = kept.last_checkpoint(tx)
    if last is not None:
        found = tree.root(last.size, kept.subtrees(tx, last.size))
        if found != last.root:
            raise Refused(
                Reason.CONFLICT,
                "the ledger is not what was signed of it; nothing is signed any more. See docs/record.md",
                where=f"checkpoint of {last.size} leaves",
                found=found.hex(),
                expected=last.root.hex(),
            )
    return size, tree.root(size, kept.subtrees(tx, size)), last


def _leaf(tx: Tx, position: int, size: int) -> LeafRow:
    rows = kept.leaves(tx, position, position + 1) if 0 <= position < size else []
    if not rows:
        raise Refused(
            Reason.UNKNOWN, "no such leaf", where="position", found=position, expected=f"from 0, below {size}"
        )
    return rows[0]
