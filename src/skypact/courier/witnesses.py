"""Witnesses asked to cosign, and the clock that makes checkpoints to be cosigned.

Law: a checkpoint is made at least each second while leaves come, and none while none come. A witness is told
of growth from what it cosigned last; it says itself what that is where we do not know. Nothing that it
answers is kept but its own signature of our checkpoint. A witness that does not answer holds up nobody.

**A witness that knows a larger tree than ours, or another root for its size, knows more than we do**: this
database is not all that was signed (a restored backup, a copy of a machine). Then nothing more is signed
under this origin, and the ledger goes on under another one whose first leaf names what the witness holds.
So that no fork is signed before that is known, after a start nothing new is signed until each witness has
answered; one that is silent is waited for :data:`PATIENCE_S` where another answered, else :data:`LONGEST_S`.

Source: C2SP tlog-witness v1.0.0, the client's side.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from skypact.courier.client import CallFailed
from skypact.desk.witness import SIZE_TYPE
from skypact.errors import FormatError, InputError, Refused
from skypact.instants import HOUR_US, SECOND_US
from skypact.record import checkpoint as checkpoints
from skypact.record import note as notes
from skypact.record.witness import STATUS, Decision, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skypact.courier.client import Client
    from skypact.desk.record import Record
    from skypact.record.note import VerifierKey
    from skypact.store.ledger import CheckpointRow

EACH_S: Final = 1.0
"""How often there may be a checkpoint."""
PATIENCE_S: Final = 30.0
"""How long, after a start, one witness that does not answer is waited for where another did."""
LONGEST_S: Final = 3_600.0
"""How long where none did."""
CALL_S: Final = 5.0
_PAUSES_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0)
"""After so many failures in a row a witness is left alone for so long."""
_ANSWER_BYTES: Final = 64 * 1024

_LOG = logging.getLogger("skypact.record")


@dataclass(slots=True, eq=False)
class _Asked:
    """A witness, and what is known of it since the start."""

    key: VerifierKey
    url: str
    heard: bool = False
    failures: int = 0
    not_before_us: int = 0
    asking: asyncio.Task[None] | None = None


class Witnesses:
    """Makes checkpoints and has them cosigned; :meth:`run` for as long as the node lives.

    Parameters
    ----------
    witnesses
        Their keys, and the prefixes of their URLs.
    clock
        Microseconds since 1970 UTC.
    """

    def __init__(
        self,
        record: Record,
        client: Client,
        witnesses: Sequence[tuple[VerifierKey, str]],
        clock: Callable[[], int],
    ) -> None:
        self._record = record
        self._client = client
        self._asked = [_Asked(key, url.rstrip("/")) for key, url in witnesses]
        self._clock = clock
        self._began_us = clock()
        self._renewed_us = -HOUR_US
        self._problem = ""

    async def run(self) -> None:
        """Make checkpoints and have them cosigned, for ever."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                began_s = loop.time()
                await self._tick()
                await asyncio.sleep(max(0.0, EACH_S - (loop.time() - began_s)))
        finally:
            for each in self._asked:
                if each.asking is not None:
                    each.asking.cancel()

    async def turn(self) -> None:
        """One tick, and all that it began, to its end; after a start, what the witnesses know before it."""
        if not self._may_sign():
            await self._tick()
            await self._settle()
        if self._may_sign():
            await self._tick()
            await self._settle()

    async def _tick(self) -> None:
        """One checkpoint, where there is something new; each witness asked that is not being asked."""
        if self._may_sign():
            try:
                row = await self._record.checkpoint(self._clock())
            except Refused as error:
                if str(error) != self._problem:
                    self._problem = str(error)
                    _LOG.error("no checkpoint is signed", extra={"why": self._problem})
                return
        else:
            row = await self._record.newest()
        self._problem = ""
        for each in self._asked:
            if each.asking is not None and each.asking.done():
                each.asking.result()  # what nobody foresaw is for whoever keeps this running
                each.asking = None
            if each.asking is None:
                each.asking = asyncio.create_task(self._ask(each, row), name="skypact-witness")

    async def _settle(self) -> None:
        await asyncio.gather(*(each.asking for each in self._asked if each.asking is not None))

    def _may_sign(self) -> bool:
        """Whether what the witnesses know is known, or was waited for long enough."""
        waited_s = (self._clock() - self._began_us) / SECOND_US
        heard = [each.heard for each in self._asked]
        return all(heard) or waited_s >= (PATIENCE_S if any(heard) else LONGEST_S)

    async def _ask(self, asked: _Asked, row: CheckpointRow) -> None:
        if self._clock() < asked.not_before_us:
            return
        try:
            old = await self._record.cosigned(asked.key)
            if old == row.size and asked.heard and old:
                return
            await self._cosigned(asked, row, old)
        except (CallFailed, InputError) as error:
            pause_s = _PAUSES_S[min(asked.failures, len(_PAUSES_S) - 1)]
            asked.failures += 1
            asked.not_before_us = self._clock() + int(pause_s * SECOND_US)
            _LOG.warning("a witness did not cosign", extra={"witness": asked.key.name, "why": str(error)})
        else:
            asked.failures = 0

    async def _cosigned(self, asked: _Asked, row: CheckpointRow, old: int) -> None:
        """Have one witness cosign, from what it says that it cosigned last.

        Raises
        ------
        CallFailed
            It did not answer.
        InputError
            It answered something that is not of the protocol, or no.
        """
        status, known, body = await self._post(asked, row, old)
        told = known is not None and known <= row.size and known != old
        if told and known is not None:  # it cosigned another size last than is known here
            old = known
            status, known, body = await self._post(asked, row, old)
        larger = known is not None and known > row.size
        forked = known is None and status == STATUS[Decision.FORKED] and old == row.size
        if larger or forked or (told and status == STATUS[Decision.UNPROVEN]):
            await self._differs(asked, row, known)
            return
        if status == STATUS[Decision.UNKNOWN_LOG]:
            asked.heard = True  # what it does not look at it cannot have cosigned
        if status != STATUS[Decision.COSIGN]:
            said = body[:100].decode(errors="replace").strip()
            raise InputError("a witness says no", where=asked.url, found=f"{status} {said}")
        for line in notes.signatures(body, where=asked.url):
            if (line.name, line.key_id) == (asked.key.name, asked.key.id):
                await self._record.keep_cosignature(row, asked.key, line)
                asked.heard = True
                return
        raise FormatError("no signature of the witness", where=asked.url, expected=asked.key.text)

    async def _post(self, asked: _Asked, row: CheckpointRow, old: int) -> tuple[int, int | None, bytes]:
        """An answer: status, the size that the witness says it cosigned last, where it does, and body."""
        proof = await self._record.growth(old, row.size)
        request = Request(old, tuple(proof), notes.parse(row.note))
        answer = await self._client.send(
            "POST",
            f"{asked.url}/add-checkpoint",
            body=request.encode(),
            headers={"content-type": "text/plain; charset=utf-8"},
            timeout_s=CALL_S,
            body_max=_ANSWER_BYTES,
        )
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        sized = answer.status == STATUS[Decision.ELSEWHERE] and media_type == SIZE_TYPE
        return answer.status, _size(answer.body) if sized else None, answer.body

    async def _differs(self, asked: _Asked, row: CheckpointRow, known: int | None) -> None:
        """The witness has cosigned what is not in this database: go on under another origin.

        Raises
        ------
        InputError
            That was done less than an hour ago; a witness cannot have it done at every turn.
        """
        newest = await self._record.newest()
        if newest.size > row.size or newest.origin != row.origin:
            return  # another process of ours has signed meanwhile: that is what the witness knows
        size = "another tree" if known is None else f"{known} leaves"
        why = f"{asked.key.name} has cosigned {size} of this log; this database signed {row.size} last"
        if self._clock() < self._renewed_us + HOUR_US:
            raise InputError("the log was begun anew less than an hour ago", where=asked.url, found=why)
        self._renewed_us = self._clock()
        held = await self._held(asked, row.origin)
        _LOG.error("the ledger goes on under another origin", extra={"why": why})
        await self._record.renew(self._clock(), why, held)

    async def _held(self, asked: _Asked, origin: str) -> bytes:
        """The checkpoint that the witness holds, where it says so (Skypact's do); else nothing."""
        url = f"{asked.url}/checkpoint?origin={quote(origin, safe='')}"
        try:
            answer = await self._client.send("GET", url, timeout_s=CALL_S, body_max=_ANSWER_BYTES)
            if answer.status != STATUS[Decision.COSIGN]:
                return b""
            note = notes.parse(answer.body, where=url)
            if not notes.opened(note, [await self._record.log_key()], where=url).signed:
                return b""
        except (CallFailed, InputError):
            return b""
        return note.encode()


def _size(body: bytes) -> int:
    text = body.decode("ascii", errors="replace")
    if not text.endswith("\n") or checkpoints.NUMBER.fullmatch(text[:-1]) is None:
        raise FormatError("not a size", where="answer of a witness", found=text[:40], expected="a number")
    return int(text)
