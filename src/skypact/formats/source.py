"""A file to read from: where it is, its first bytes, its bytes as a stream; gzip is undone on the way.

Law: everything that reads input bytes goes through :class:`Source`, so that a missing file, a directory, a
truncated gzip or a bomb is one clean error that names the file. gzip is known by its first two bytes, never
by the name. Memory is bounded: a stream holds one buffer, :meth:`Source.read_bytes` refuses what is over its
limit.

Known limits: a pipe is copied to a temporary file first (at most :data:`PIPE_LIMIT`), because its
beginning is needed twice. One stream of a pipe is open at a time.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import zlib
from pathlib import Path
from typing import IO, BinaryIO, Final, Self, cast

from skypact.errors import FormatError, InputError

HEAD_BYTES: Final = 64 * 1024
"""How much of the beginning is looked at to tell the format."""
DOCUMENT_LIMIT: Final = 256 * 1024 * 1024
"""The largest document (GeoJSON, KML, a plan, ...) that is read, in bytes after decompression."""
PIPE_LIMIT: Final = 4 * 1024**3
"""The most that is taken from a pipe, in bytes before decompression."""

GZIP_MAGIC: Final = b"\x1f\x8b"
_BOMB_RATIO = 200
_BOMB_FLOOR = 64 * 1024 * 1024
_RAW_CHUNK = 256 * 1024


def _text_size(size: int) -> str:
    return f"{size // (1024 * 1024):,} MiB" if size >= 1024 * 1024 else f"{size:,} bytes"


def too_large(name: str, limit: int) -> FormatError:
    """The error of a document with more than ``limit`` bytes."""
    return FormatError(
        "too large for a document",
        where=name,
        found=f"over {_text_size(limit)}",
        expected=f"at most {_text_size(limit)} after decompression; split it",
    )


class _Inflated(io.RawIOBase):
    """The decompressed bytes of a gzip stream of one or more members."""

    def __init__(self, raw: IO[bytes], name: str) -> None:
        self._raw = raw
        self._name = name
        self._inflate = zlib.decompressobj(wbits=31)
        self._pending = b""
        self._members = 0
        self._between = True
        self._taken = 0
        self._given = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any writable buffer
        view = memoryview(buffer)
        while True:
            if not self._pending:
                self._pending = self._raw.read(_RAW_CHUNK)
                self._taken += len(self._pending)
                if not self._pending:
                    if self._between and self._members:
                        return 0
                    raise FormatError(
                        "the gzip data ends too early",
                        where=self._name,
                        found=f"{_text_size(self._given)} before the end",
                        expected="a complete gzip file; copy or download it again",
                    )
            if self._between and self._members:  # some writers pad the end of the file with zeros
                self._pending = self._pending.lstrip(b"\0")
                if not self._pending:
                    continue
            self._between = False
            try:
                out = self._inflate.decompress(self._pending, len(view))
            except zlib.error as error:
                raise FormatError(
                    "the gzip data is damaged", where=self._name, found=str(error), expected="valid gzip"
                ) from None
            self._pending = self._inflate.unconsumed_tail
            if self._inflate.eof:
                self._pending = self._inflate.unused_data
                self._inflate = zlib.decompressobj(wbits=31)
                self._members += 1
                self._between = True
            if out:
                self._given += len(out)
                self._refuse_bomb()
                view[: len(out)] = out
                return len(out)

    def _refuse_bomb(self) -> None:
        if self._given > _BOMB_FLOOR and self._given > _BOMB_RATIO * self._taken:
            raise FormatError(
                "the gzip data grows too much",
                where=self._name,
                found=f"{_text_size(self._given)} out of {_text_size(self._taken)}",
                expected=f"at most {_BOMB_RATIO} times its size, as tracks and documents have",
            )


class _Plain(io.RawIOBase):
    """The bytes of a file; what fails while reading is said in one line."""

    def __init__(self, raw: IO[bytes], name: str) -> None:
        self._raw = raw
        self._name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any writable buffer
        try:
            return cast("io.FileIO", self._raw).readinto(buffer)
        except OSError as error:
            raise InputError(
                "cannot be read", where=self._name, found=error.strerror, expected="a file"
            ) from None


class Source:
    """One input: a file, a pipe, or standard input (``-``).

    Attributes
    ----------
    name
        As the person wrote it; every error begins with it.
    path
        Where it is; None for standard input.
    gzipped
        Whether its bytes are gzip; they are decompressed wherever they are read.
    head
        The first 64 KiB, decompressed; all of it where it is shorter.

    Raises
    ------
    InputError
        It is not there, is a directory, may not be read, or is a device; the text names the path.
    FormatError
        Its gzip data is damaged, truncated, or grows over 200-fold.
    """

    __slots__ = ("_spool", "gzipped", "head", "name", "path")

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)
        self.path = None if self.name == "-" else Path(path)
        self._spool: BinaryIO | None = None
        try:
            self._spool = self._spooled()
            with self._raw() as raw:
                magic = raw.read(2)
        except OSError as error:
            raise InputError(
                "cannot be read", where=self.name, found=error.strerror, expected="a file that is there"
            ) from None
        except ValueError:  # a name with a NUL in it
            raise InputError("not a file name", where=repr(self.name), expected="a path") from None
        self.gzipped = magic == GZIP_MAGIC
        with self.open() as stream:
            self.head = stream.read(HEAD_BYTES)

    def _spooled(self) -> BinaryIO | None:
        if self.path is None:
            if sys.stdin is None:  # closed by whoever started us
                raise InputError(
                    "cannot be read",
                    where=self.name,
                    found="a closed standard input",
                    expected="text or a pipe",
                )
            return self._copied(sys.stdin.buffer)
        mode = self.path.stat().st_mode
        if stat.S_ISREG(mode):
            return None
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            with self.path.open("rb") as pipe:
                return self._copied(pipe)
        found = "a directory" if stat.S_ISDIR(mode) else "a device"
        raise InputError("cannot be read", where=self.name, found=found, expected="a file or a pipe")

    def _copied(self, pipe: IO[bytes]) -> BinaryIO:
        import tempfile

        # The temporary file outlives this function on purpose: it is the input, and goes when the Source
        # goes.
        spool = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 -- closed with the Source, see above
        size = 0
        while chunk := pipe.read(_RAW_CHUNK):
            size += len(chunk)
            if size > PIPE_LIMIT:
                spool.close()
                raise InputError(
                    "too much for a pipe",
                    where=self.name,
                    found=f"over {_text_size(PIPE_LIMIT)}",
                    expected="a file",
                )
            spool.write(chunk)
        spool.flush()
        return spool

    def _raw(self) -> IO[bytes]:
        if self._spool is not None:
            os.lseek(self._spool.fileno(), 0, os.SEEK_SET)
            return io.FileIO(os.dup(self._spool.fileno()), "rb")
        assert self.path is not None  # noqa: S101 -- what has no path was spooled in __init__
        return io.FileIO(self.path, "rb")

    def open(self) -> BinaryIO:
        """The bytes from the beginning, decompressed, as a buffered stream; seekable where it is not gzip."""
        try:
            raw = self._raw()
        except OSError as error:
            raise InputError(
                "cannot be read", where=self.name, found=error.strerror, expected="a file that is there"
            ) from None
        plain = _Plain(raw, self.name)
        stream = _Inflated(io.BufferedReader(plain, _RAW_CHUNK), self.name) if self.gzipped else plain
        return cast("BinaryIO", io.BufferedReader(stream, _RAW_CHUNK))

    def read_bytes(self, limit: int = DOCUMENT_LIMIT) -> bytes:
        """All bytes, decompressed.

        Raises
        ------
        FormatError
            There are more than ``limit``.
        """
        with self.open() as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise too_large(self.name, limit)
        return data

    def close(self) -> None:
        """Let go of the temporary file behind a pipe."""
        if self._spool is not None:
            self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
