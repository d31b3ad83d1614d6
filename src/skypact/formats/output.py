"""A file to write to: whole, or not at all.

Law: whoever opens the path afterwards finds the old file or the complete new one, never half of it. The
bytes go to a temporary file beside the target, are flushed to the disk, and take the target's name in one
step. A link stays a link, and what it leads to is replaced. A target that is a device or a pipe
(``/dev/stdout``) cannot be renamed onto and is written directly.
"""

from __future__ import annotations

import gzip
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from skypact.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


def _refused(path: Path, error: OSError) -> InputError:
    return InputError(
        "cannot be written",
        where=str(path),
        found=error.strerror,
        expected="a directory that is there and writable",
    )


@contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """A stream whose bytes become the file at ``path`` when the block ends without an exception.

    A name that ends in ``.gz`` is written as gzip (without a time stamp: the same bytes for the same input).

    Raises
    ------
    InputError
        The file cannot be made; the text names the path.
    """
    named = Path(path)
    # through a link to the file it leads to, as any program that opens it would write
    target = Path(os.path.realpath(named)) if named.is_symlink() else named
    if target.is_symlink():
        raise InputError("cannot be written", where=str(path), found="a loop of links", expected="a file")
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as direct, _packed(direct, named) as stream:
                yield stream
            return
        temporary = target.parent / f".skypact-{secrets.token_hex(8)}.part"
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _refused(named, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            with _packed(file, named) as stream:
                yield stream
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except OSError as error:
        raise _refused(named, error) from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _packed(file: IO[bytes], named: Path) -> Iterator[IO[bytes]]:
    if named.suffix.lower() != ".gz":
        yield file
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        yield cast("IO[bytes]", packed)
