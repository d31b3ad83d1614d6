"""A witness: it cosigns what grew from what it cosigned before, and nothing else.

Law: a decision follows from the request, from what was cosigned last of that log, and from the keys that were
given; it is one row of :data:`STATUS`. To cosign is only right if what is cosigned is kept first, in the same
transaction in which the last one was read: two requests that are decided on one state would roll the log
back. A checkpoint of the size of the last one with another root is a fork, and the two notes prove it.

Source: C2SP tlog-witness v1.0.0, ``add-checkpoint``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, InputError
from skypact.record import checkpoint as checkpoints
from skypact.record import note as notes
from skypact.record import tree
from skypact.record.ledger import EMPTY_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skypact.record.checkpoint import Checkpoint
    from skypact.record.note import Note, VerifierKey

PROOF_LINES: Final = 63
"""More lines of a proof are refused."""
REQUEST_BYTES: Final = 128 * 1024
"""A larger request is refused."""


class Decision(enum.Enum):
    """What a witness says to a checkpoint."""

    COSIGN = "cosign"
    """It grew from what was cosigned last, or is the same."""
    UNKNOWN_LOG = "unknown log"
    """Nobody asked this witness to look at a log of that origin."""
    NOT_SIGNED = "not signed"
    """It is not signed with a key of that log."""
    BACKWARD = "backward"
    """It claims to have grown from a larger tree."""
    ELSEWHERE = "elsewhere"
    """It grew from another size than the one that was cosigned last."""
    UNPROVEN = "unproven"
    """The proof does not show that it grew from what was cosigned last."""
    FORKED = "forked"
    """It is as large as what was cosigned last, and has another root."""


STATUS: Final = {
    Decision.COSIGN: 200,
    Decision.UNKNOWN_LOG: 404,
    Decision.NOT_SIGNED: 403,
    Decision.BACKWARD: 400,
    Decision.ELSEWHERE: 409,
    Decision.UNPROVEN: 422,
    Decision.FORKED: 409,
}
"""The HTTP status of each; what cannot be read is 400. With ELSEWHERE goes the size cosigned last."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a witness is asked.

    Attributes
    ----------
    old
        The size that it is believed to have cosigned last.
    proof
        The consistency proof from there.
    note
        The checkpoint.
    """

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def encode(self) -> bytes:
        """As it is sent."""
        lines = (f"old {self.old}", *(notes.spelt(each) for each in self.proof), "", "")
        return "\n".join(lines).encode() + self.note.encode()


def parse(data: bytes) -> Request:
    """Read a request; nothing is verified.

    Raises
    ------
    FormatError
        It is not written as one.
    """
    if len(data) > REQUEST_BYTES:
        raise FormatError(
            "too large", where="body", found=f"{len(data)} bytes", expected=f"at most {REQUEST_BYTES}"
        )
    head, gap, rest = data.partition(b"\n\n")
    first, *lines = head.decode("ascii", errors="replace").split("\n")
    word, _, number = first.partition(" ")
    if not gap or word != "old" or checkpoints.NUMBER.fullmatch(number) is None:
        raise FormatError("not a request to a witness", where="body:1", found=first, expected="old SIZE")
    if len(lines) > PROOF_LINES:
        raise FormatError(
            "too long a proof", where="body", found=f"{len(lines)} lines", expected=f"at most {PROOF_LINES}"
        )
    proof: list[bytes] = []
    for at, line in enumerate(lines, 2):
        each = checkpoints.hash_of(line)
        if each is None:
            raise FormatError("not a hash", where=f"body:{at}", found=line, expected="32 bytes in base64")
        proof.append(each)
    return Request(int(number), tuple(proof), notes.parse(rest, where="body: checkpoint"))


def origin_of(request: Request) -> str:
    """The log that a request is about, as it says itself; empty where it is no checkpoint."""
    return request.note.text.partition("\n")[0]


def decide(
    request: Request, last: Checkpoint | None, keys: Iterable[VerifierKey]
) -> tuple[Decision, Checkpoint | None]:
    """What to say to a request, and the checkpoint where it is one of a known log.

    Parameters
    ----------
    last
        What was cosigned last of this log; None: nothing.
    keys
        The keys of logs that this witness was asked to look at.

    Raises
    ------
    FormatError
        It is no checkpoint.
    """
    found = checkpoints.parse(request.note.text, where="body: checkpoint")
    ours = [key for key in keys if key.name == found.origin]
    if not ours:
        return Decision.UNKNOWN_LOG, None
    try:
        signed = notes.opened(request.note, ours).signed
    except FormatError:
        signed = ()
    if not signed:
        return Decision.NOT_SIGNED, None
    if request.old > found.size:
        return Decision.BACKWARD, found
    size, root = (last.size, last.root) if last is not None else (0, EMPTY_ROOT)
    if request.old != size:
        return Decision.ELSEWHERE, found
    if found.size == size and found.root != root:
        return Decision.FORKED, found
    if not _grew(size, root, found, request.proof):
        return Decision.UNPROVEN, found
    return Decision.COSIGN, found


def _grew(size: int, root: bytes, found: Checkpoint, proof: Sequence[bytes]) -> bool:
    try:
        tree.check_consistency(size, root, found.size, found.root, proof)
    except InputError:
        return False
    return True
