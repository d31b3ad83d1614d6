"""A party as a witness of others' logs.

Law: what is cosigned is on the disk before anybody has the cosignature, and it is decided in the same
transaction in which the last one is read (:mod:`skypact.record.witness` has the rule). A log that shows a
second root for the size that was cosigned last has forked: both notes become a leaf of our own ledger, once,
since they prove it to anybody. Nothing else of others' logs is written to ours: two parties that witness each
other would answer each other for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from skypact.desk.record import origin_of
from skypact.errors import InputError
from skypact.instants import SECOND_US
from skypact.record import note as notes
from skypact.record import witness as rules
from skypact.record.checkpoint import Checkpoint
from skypact.record.witness import STATUS, Decision
from skypact.store import ledger as kept
from skypact.store.ledger import CheckpointRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.record.note import VerifierKey
    from skypact.record.witness import Request
    from skypact.seal import SigningKey
    from skypact.store import Store, Tx

FORK: Final = "witness.fork"
"""The kind of the leaf that has the two checkpoints of a log that contradicts itself."""
SIZE_TYPE: Final = "text/x.tlog.size"
_EPOCH = re.compile(r"(?:/[1-9][0-9]{0,8})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer.

    Attributes
    ----------
    decision
        What was decided.
    status, body, media_type
        As it goes back.
    """

    decision: Decision
    status: int
    body: bytes
    media_type: str = "text/plain; charset=utf-8"


class Witness:
    """Cosigns the checkpoints of the logs that it was asked to look at.

    Parameters
    ----------
    logs
        The keys of those logs; each log is looked at too where it goes on under a number behind its name
        (:meth:`skypact.desk.record.Record.renew`).
    name
        The witness's own name, under which it cosigns; empty: the origin that its own log began with.

    Raises
    ------
    InputError
        A log signs with the witness's own key, or is there as a witness.
    """

    def __init__(
        self, store: Store, key: SigningKey, logs: Sequence[VerifierKey] = (), name: str = ""
    ) -> None:
        for at, log in enumerate(logs):
            if log.kind != notes.LOG or log.key.ed25519 == key.public.ed25519:
                raise InputError(
                    "not a log that can be witnessed here",
                    where=f"record.logs[{at}]",
                    found=log.text,
                    expected="the key of another's log (type 0x01)",
                )
        self._store = store
        self._key = key
        self._logs = tuple(logs)
        self._name = name

    async def witness_key(self) -> VerifierKey:
        """The key that cosignatures made here are verified with, for others."""
        name = self._name or origin_of(await self._store.read(lambda tx: tx.region))
        return notes.key_of(name, notes.WITNESS, self._key.public)

    async def add_checkpoint(self, data: bytes, now_us: int) -> Said:
        """Look at a checkpoint, and cosign it where it grew from what was cosigned last.

        Raises
        ------
        FormatError
            It is no request.
        """
        request = rules.parse(data)
        # most of what strangers may send is answered without a write, which others would wait for
        decision, found, last = await self._store.read(lambda tx: self._decided(tx, request))
        if (decision is Decision.COSIGN and found != last) or decision is Decision.FORKED:
            decision, found, last = await self._store.write(lambda tx: self._kept(tx, request, now_us))
        status = STATUS[decision]
        if decision is Decision.COSIGN:
            name = (await self.witness_key()).name
            line = notes.cosign(request.note.text, name, self._key, now_us // SECOND_US)
            return Said(decision, status, line.line.encode())
        if decision is Decision.ELSEWHERE:
            return Said(decision, status, f"{0 if last is None else last.size}\n".encode(), SIZE_TYPE)
        return Said(decision, status, f"{decision.value}\n".encode())

    def _decided(self, tx: Tx, request: Request) -> tuple[Decision, Checkpoint | None, Checkpoint | None]:
        """What to say, the checkpoint that is shown, and the one that was cosigned last."""
        origin = rules.origin_of(request)
        row = kept.witnessed(tx, origin)
        last = None if row is None else Checkpoint(row.origin, row.size, row.root)
        return (*rules.decide(request, last, self._keys_of(origin)), last)

    def _kept(
        self, tx: Tx, request: Request, now_us: int
    ) -> tuple[Decision, Checkpoint | None, Checkpoint | None]:
        """The same, decided on what is there now, with what follows from it written."""
        decision, found, last = self._decided(tx, request)
        if decision is Decision.COSIGN and found is not None and found != last:
            alone = notes.Note(request.note.text, self._of_log(request.note)).encode()
            kept.put_witnessed(tx, CheckpointRow(found.size, found.origin, found.root, now_us, alone))
        elif decision is Decision.FORKED and last is not None and not kept.has_forked(tx, last.origin):
            self._keep_fork(tx, last.origin, request.note, now_us)
        return decision, found, last

    async def holds(self, origin: str) -> bytes | None:
        """The last checkpoint of a log that was cosigned here, as the log signed it; None: none."""
        row = await self._store.read(lambda tx: kept.witnessed(tx, origin))
        return None if row is None else row.note

    def _keys_of(self, origin: str) -> list[VerifierKey]:
        """The keys of a log, or of the one that goes on as it, with a number behind its name."""
        return [
            notes.VerifierKey(origin, log.kind, log.key)
            for log in self._logs
            if origin.startswith(log.name) and _EPOCH.fullmatch(origin, len(log.name)) is not None
        ]

    def _of_log(self, note: notes.Note) -> tuple[notes.Signature, ...]:
        """The log's own signatures under a note: strangers' lines are not kept."""
        named = {(key.name, key.id) for key in self._keys_of(note.text.partition("\n")[0])}
        return tuple(line for line in note.signatures if (line.name, line.key_id) in named)

    def _keep_fork(self, tx: Tx, origin: str, note: notes.Note, now_us: int) -> None:
        row = kept.witnessed(tx, origin)
        one = "" if row is None else row.note.decode()
        other = notes.Note(note.text, self._of_log(note)).encode().decode()
        said = msgspec.json.encode({"origin": origin, "one": one, "other": other, "at_us": now_us})
        kept.put_fork(tx, origin, tx.append(FORK, origin, said))
