"""Where results go: a file that appears whole or not at all, or standard output.

Law: a reader of standard output that leaves early is no error, and does not change what was found. Files
are the business of :mod:`skypact.formats.output`; they are written in the main thread, so that an interrupt
removes what is unfinished.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, TYPE_CHECKING

from skypact.errors import UsageError
from skypact.formats.output import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def binary(path: Path | None) -> Iterator[IO[bytes]]:
    """A stream of bytes to a file (whole or not at all), or to standard output where ``path`` is None.

    Raises
    ------
    UsageError
        ``path`` is a folder.
    InputError
        The file cannot be made.
    """
    if path is None:
        with standard_output():
            yield sys.stdout.buffer
        return
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give the name of a file to write")
    with replacing(path) as stream:
        yield stream


@contextlib.contextmanager
def standard_output() -> Iterator[None]:
    """Within, write to standard output; flushed at the end. A reader that has gone away ends it quietly."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # the interpreter flushes once more when it ends, and would complain then
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise OSError(error.errno, error.strerror, "standard output") from None
