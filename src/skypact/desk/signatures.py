"""Signatures of many notes or messages, checked by as many processes as there are processors.

Law: what comes back is a fault for each note that is not signed by one of the keys, by its number; a process
that dies is an error, never a silence. Each process ends by itself when the one that began it is gone: the
pipe that it reads from ends.

An Ed25519 signature takes about 0.15 ms of one processor, and Python's threads share one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, InputError, Refused
from skypact.formats.hotline_jws import read_envelope, verified
from skypact.formats.pact_toml import read_pact
from skypact.pact.signatures import digest_of
from skypact.record import note as notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from skypact.pact.agreement import Pact
    from skypact.record.note import VerifierKey

    Look = Callable[[Sequence[tuple[int, bytes]]], list[tuple[int, str]]]

BATCH: Final = 500
"""Notes that a process is given at once."""
FEW: Final = 2_000
"""Up to as many are checked where one is: to begin a process takes as long."""

Numbered = tuple[int, bytes]
"""A note and its number, which is the caller's."""
Fault = tuple[int, str]
"""The number of a note, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes have to be signed by one of these keys."""

    vkeys: tuple[str, ...]

    def look(self) -> Look:
        """What looks at them, made once in each process."""
        keys = [notes.verifier_key(text) for text in self.vkeys]
        return lambda batch: _faults_of(batch, keys)


@dataclass(frozen=True, slots=True)
class Messages:
    """Envelopes of the hotline have to be signed by their sender, under one of these texts of a pact."""

    texts: tuple[bytes, ...]

    def look(self) -> Look:
        """What looks at them, made once in each process."""
        pacts = {digest_of(text): read_pact(text, "the pact that was kept").pact for text in self.texts}
        return lambda batch: _unsigned(batch, pacts)


def faults(notes_of: Iterable[Sequence[Numbered]], keys: Sequence[VerifierKey]) -> Iterator[Fault]:
    """Which of these notes are not signed by one of the keys; as they are found.

    Parameters
    ----------
    notes_of
        Batches of notes, of :data:`BATCH` at most or so; they are taken as they can be checked.
    """
    return checked(notes_of, Notes(tuple(key.text for key in keys)))


def checked(batches: Iterable[Sequence[Numbered]], check: Notes | Messages) -> Iterator[Fault]:
    """What in these batches is not signed as it has to be; as it is found."""
    look = check.look()
    crew: list[_Hand] = []
    given = turn = 0
    try:
        for batch in batches:
            given += len(batch)
            if given <= FEW:
                yield from look(batch)
                continue
            if not crew:
                crew += [_Hand(check) for _ in range(_processors())]
            yield from crew[turn].give(batch)
            turn = (turn + 1) % len(crew)
        for hand in crew:
            yield from hand.give(())
    finally:
        for hand in crew:
            hand.end()


class _Hand:
    """One process: it has at most one batch at a time."""

    def __init__(self, check: Notes | Messages) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._busy = False
        self._process: BaseProcess = context.Process(target=_work, args=(far, check), daemon=True)
        self._process.start()
        far.close()

    def give(self, batch: Sequence[Numbered]) -> list[Fault]:
        """Hand it a batch, once it is done with the one before; returns what that one came to."""
        try:
            found: list[Fault] = self._pipe.recv() if self._busy else []
            self._busy = bool(batch)
            if batch:
                self._pipe.send(batch)
        except (EOFError, OSError):
            raise InputError("a process that checked signatures has died", where="signatures") from None
        return found

    def end(self) -> None:
        """Let it go, whatever it is at."""
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _work(pipe: Connection, check: Notes | Messages) -> None:
    """What a process does until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that waits
    look = check.look()
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(look(pipe.recv()))


def _faults_of(batch: Sequence[Numbered], keys: Sequence[VerifierKey]) -> list[Fault]:
    found: list[Fault] = []
    for number, data in batch:
        try:
            if not notes.opened(notes.parse(data), keys).signed:
                found.append((number, "not signed by a key that is known here"))
        except FormatError as error:
            found.append((number, str(error)))
    return found


def _unsigned(batch: Sequence[Numbered], pacts: Mapping[str, Pact | None]) -> list[Fault]:
    found: list[Fault] = []
    for number, data in batch:
        try:
            envelope = read_envelope(data.decode("ascii"))
            pact = pacts.get(envelope.message.pact)
            if pact is None:
                found.append((number, "said under a pact that is not kept here"))
            else:
                verified(envelope, pact, envelope.message.pact)
        except (InputError, Refused, UnicodeDecodeError) as error:
            found.append((number, str(error)))
    return found


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
