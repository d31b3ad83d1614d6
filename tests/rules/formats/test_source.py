"""Sources: where bytes come from, what gzip does on the way, and every way in which it can go wrong."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest

from skypact.errors import FormatError, InputError
from skypact.formats import source as module
from skypact.formats.source import HEAD_BYTES, Source
from track_files import put


@pytest.mark.parametrize("packed", [False, True])
def test_bytes_come_as_they_are(tmp_path: Path, packed: bool) -> None:
    """Plain and packed files give the same bytes, head and stream, each from the beginning."""
    data = os.urandom(300_000)
    with Source(put(tmp_path, "x.bin", data, packed=packed)) as source:
        assert source.gzipped is packed
        assert source.head == data[:HEAD_BYTES]
        assert source.read_bytes() == data
        with source.open() as stream:
            assert stream.read(10) == data[:10]
        with source.open() as stream:
            assert stream.read() == data


def test_a_plain_stream_can_seek(tmp_path: Path) -> None:
    """A plain file's stream goes back and forth, which Parquet needs."""
    with Source(put(tmp_path, "x", b"0123456789")).open() as stream:
        assert stream.seek(-2, os.SEEK_END) == 8
        assert stream.read() == b"89"
        assert stream.seek(1) == 1
        assert stream.tell() == 1
        assert stream.read(2) == b"12"


def test_gzip_of_several_members_and_padding(tmp_path: Path) -> None:
    """Members one after another are one stream; zeros at the end are padding."""
    data = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two") + b"\0" * 600_000
    assert Source(put(tmp_path, "x.gz", data)).read_bytes() == b"one two"


@pytest.mark.parametrize("cut", [3, 12, 400, -1])
def test_a_truncated_gzip_is_an_error(tmp_path: Path, cut: int) -> None:
    """A gzip file that ends too early, anywhere, is refused by name."""
    data = gzip.compress(os.urandom(2_000))[:cut]
    with pytest.raises(FormatError, match=r"cut\.gz: the gzip data (ends too early|is damaged)"):
        Source(put(tmp_path, "cut.gz", data)).read_bytes()


@pytest.mark.parametrize("data", [gzip.compress(b"x", mtime=0) + b"rubbish", b"\x1f\x8b" + b"\xff" * 40])
def test_a_damaged_gzip_is_an_error(tmp_path: Path, data: bytes) -> None:
    """Rubbish in or after gzip data is refused by name."""
    with pytest.raises(FormatError, match=r"bad\.gz: the gzip data is damaged"):
        Source(put(tmp_path, "bad.gz", data)).read_bytes()


def test_a_flipped_bit_is_an_error(tmp_path: Path) -> None:
    """The checksum of gzip is looked at."""
    data = bytearray(gzip.compress(b"position " * 100))
    data[-8] ^= 1
    with pytest.raises(FormatError, match="damaged"):
        Source(put(tmp_path, "bad.gz", bytes(data))).read_bytes()


def test_a_gzip_bomb_is_refused_early(tmp_path: Path) -> None:
    """A file that grows a thousandfold is refused after 64 MiB, quickly."""
    deflate = zlib.compressobj(9, wbits=31)
    zeros = b"\0" * (1 << 20)
    data = b"".join(deflate.compress(zeros) for _ in range(100)) + deflate.flush()
    source = Source(put(tmp_path, "bomb.gz", data))
    begun = time.perf_counter()
    with pytest.raises(FormatError, match="grows too much"):
        source.read_bytes()
    assert time.perf_counter() - begun < 5.0


def test_a_document_has_a_limit(tmp_path: Path) -> None:
    """One byte over the limit is refused; the limit itself is read."""
    source = Source(put(tmp_path, "x", b"12345"))
    assert source.read_bytes(limit=5) == b"12345"
    with pytest.raises(FormatError, match=r"too large.*over 4 bytes"):
        source.read_bytes(limit=4)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file, a directory, a device and an impossible name are errors that name the path."""
    for path in (tmp_path / "missing.csv", tmp_path, Path("/dev/zero"), tmp_path / ("x" * 300)):
        with pytest.raises(InputError) as caught:
            Source(path)
        assert str(caught.value).startswith(str(path))
        assert type(caught.value) is InputError
    with pytest.raises(InputError, match="not a file name"):
        Source("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; run the tests as a user")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    """A file without permission is an error that names it."""
    path = put(tmp_path, "closed.csv", b"x")
    path.chmod(0)
    with pytest.raises(InputError, match=r"closed\.csv: cannot be read"):
        Source(path)


def test_a_file_that_goes_away_is_named(tmp_path: Path) -> None:
    """A file removed after the head was read is an error that names it."""
    path = put(tmp_path, "brief.csv", b"x" * 10)
    source = Source(path)
    path.unlink()
    with pytest.raises(InputError, match=r"brief\.csv: cannot be read"):
        source.open()


def test_a_disk_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk while reading is one line with the name."""

    class Failing(io.FileIO):
        def readinto(self, _buffer: object) -> int:
            raise OSError(5, "Input/output error")

    source = Source(put(tmp_path, "x.csv", b"abc"))
    monkeypatch.setattr("skypact.formats.source.io.FileIO", Failing)
    with source.open() as stream, pytest.raises(InputError, match=r"x\.csv: cannot be read.*Input/output"):
        stream.read()


def test_a_pipe_is_read_from_the_beginning_each_time(tmp_path: Path) -> None:
    """A named pipe gives its head and then everything, more than once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = gzip.compress(b"hello " * 50_000)
    feeder = threading.Thread(target=pipe.write_bytes, args=(data,))
    feeder.start()
    with Source(pipe) as source:
        feeder.join()
        assert source.gzipped
        assert source.head.startswith(b"hello ")
        assert source.read_bytes() == b"hello " * 50_000
        assert source.read_bytes() == b"hello " * 50_000


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` is standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b")))
    with Source("-") as source:
        assert source.path is None
        assert source.read_bytes() == b"a,b"


def test_too_much_from_a_pipe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe without an end does not fill the disk."""
    monkeypatch.setattr(module, "PIPE_LIMIT", 10)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x" * 11)))
    with pytest.raises(InputError, match="too much for a pipe"):
        Source("-")
