r"""Tracks in CSV: one row a point, a header with the names of :mod:`~skypact.formats.columns`.

Law: read in blocks of :data:`BLOCK_BYTES`, so that memory is that of the points kept and not of the text.
Separators are comma, semicolon, tab or bar, whichever the header has most of. UTF-8, with or without a byte
order mark. Missing values are empty, ``NULL``, ``null``, ``NaN``, ``nan``, ``None``, ``N/A`` or ``\\N``.

How it works. The first pass lets Arrow parse numbers as it splits lines. If a value is no number, the file is
read again with every value as text; that pass trims blanks, and names the line of what it cannot read.

Known limits: a line has at most :data:`BLOCK_BYTES`; the line numbers of errors count a line break inside
quotes as none.
"""

from __future__ import annotations

import csv
import io
import re
from contextlib import contextmanager
from threading import Event
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from skypact.errors import FormatError
from skypact.formats import arrow
from skypact.formats.columns import Feed, Layout
from skypact.formats.output import replacing
from skypact.formats.records import record_batches, written_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skypact.airspace.moving import Trajectories
    from skypact.formats.contents import Contents, Defaults
    from skypact.formats.source import Source

BLOCK_BYTES: Final = 4 * 1024 * 1024
"""How much text is parsed at once."""
_NULLS: Final = ["", "NULL", "null", "NaN", "nan", "None", "N/A", "\\N"]
_SEPARATORS: Final = ",;\t|"
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?\d+(?:[.]\d*)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)", re.ASCII)
_LONGEST_MESSAGE = 300


def header(head: bytes) -> tuple[list[str], str] | None:
    """The names in a CSV's first line and their separator; None if the line is no such thing."""
    line, end, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    if not end and len(head) >= 64 * 1024:
        return None
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return None
    separator = max(_SEPARATORS, key=text.count)
    if separator not in text:
        return None
    try:
        rows = list(csv.reader([text], delimiter=separator))
    except csv.Error:
        return None
    return (rows[0], separator) if rows else None


def read_csv(source: Source, defaults: Defaults) -> Contents:
    """Read the tracks of a CSV file.

    Raises
    ------
    FormatError
        The header lacks a time, a latitude or a longitude; columns contradict each other; a value cannot be
        read; no row has a position and a time. The text names the line and the column.
    """
    found = header(source.head)
    if found is None:
        first = source.head[:80].decode("utf-8", "replace").splitlines()
        raise FormatError(
            "no CSV header",
            where=f"{source.name}:1",
            found=first[0] if first else "nothing",
            expected="names of columns separated by commas, in UTF-8",
        )
    names, separator = found
    layout = Layout.of(names, f"{source.name}:1")
    contents = _read(source, defaults, layout, separator, _time_type(source.head, layout, separator))
    if contents is None:
        contents = _read(source, defaults, layout, separator, "text")
    assert contents is not None  # noqa: S101 -- the pass over texts returns or raises
    return contents


def _time_type(head: bytes, layout: Layout, separator: str) -> str:
    """Whether the first times are ``whole`` numbers, numbers with a ``fraction``, or ``instants``."""
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()[:100]
    rows = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=separator)
    times = [str(row[layout.time]) for row in rows if row.get(layout.time)]
    if all(_WHOLE.fullmatch(time) for time in times):
        return "whole"
    return "fraction" if all(_DECIMAL.fullmatch(time) for time in times) else "instants"


_PARTING_S = 0.1


@contextmanager
def _lent(source: Source) -> Iterator[Any]:
    """The bytes of a source, to be read by Arrow, which reads ahead in a thread of its own.

    That thread must not call into Python when the interpreter goes down: it would take the process with it. A
    plain file is therefore read without Python. For others, after an error, the thread is given the time to
    end, while nothing more comes from the stream.
    """
    import pyarrow as pa

    if source.path is not None and source.path.is_file() and not source.gzipped:
        with pa.OSFile(str(source.path), "rb") as file:
            yield file
        return
    with source.open() as stream:
        over = Event()

        class Lent(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                if over.is_set():
                    return 0
                data = stream.read(len(buffer))
                buffer[: len(data)] = data
                return len(data)

        try:
            yield Lent()
        except BaseException:
            over.set()
            sleep(_PARTING_S)
            raise


def _read(source: Source, defaults: Defaults, layout: Layout, separator: str, way: str) -> Contents | None:
    """One pass; None if numbers were asked for and something is none."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    text, number = pa.string(), pa.float64()
    types: dict[str, Any] = dict.fromkeys(layout.labels, text)
    types |= dict.fromkeys(layout.numbers, text if way == "text" else number)
    types[layout.time] = {"whole": pa.int64(), "fraction": number}.get(way, text)
    feed = Feed(layout, source.name, "csv", defaults)
    line = 2

    def place(row: int, column: str) -> str:
        at = f"{source.name}:{line + row}"
        return f"{at}, column {column.strip()}" if column else at

    with _lent(source) as stream:
        try:
            batches = arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=separator,
                    ignore_empty_lines=False,
                    newlines_in_values=True,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=_NULLS,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
            for batch in batches:
                time_us, timed = arrow.times(batch.column(layout.time), feed.clock, place)
                feed.add(
                    time_us,
                    timed,
                    {name: arrow.numbers(batch.column(name), name, place) for name in layout.numbers},
                    {name: arrow.texts(batch.column(name), name, place) for name in layout.labels},
                    place,
                )
                line += len(batch)
        except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
            message = " ".join(str(error).split())[:_LONGEST_MESSAGE]
            ragged = _RAGGED.search(message)
            if ragged is not None:
                raise FormatError(
                    "not as many values as the header has names",
                    where=f"{source.name}:{ragged.group(1)}",
                    found=int(ragged.group(3)),
                    expected=int(ragged.group(2)),
                ) from None
            if way != "text":
                return None
            raise FormatError(
                "cannot be read as CSV", where=source.name, found=message, expected="lines of UTF-8 text"
            ) from None
    return feed.finish()


def write_csv(path: str | Path, tracks: Trajectories) -> None:
    """Write tracks as CSV, a row a point; :func:`read_csv` reads them back equal.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    from pyarrow import csv as arrow_csv

    schema = written_columns()
    with replacing(path) as stream, arrow_csv.CSVWriter(stream, schema) as writer:
        for batch in record_batches(tracks):
            writer.write_batch(batch)
