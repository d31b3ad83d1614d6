"""Tracks in Parquet: one row a point, columns named as in :mod:`~skypact.formats.columns`.

Law: read in batches of :data:`BATCH_ROWS` rows and only the columns that mean something. Times are timestamps
with a time zone (of any precision), numbers since 1970, or RFC 3339 texts; timestamps without a time zone are
refused.

Known limits: columns inside structures are not looked at; Parquet packed in gzip is refused, since it is
read from its end.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from skypact.errors import FormatError
from skypact.formats import arrow
from skypact.formats.columns import Feed, Layout
from skypact.formats.output import replacing
from skypact.formats.recording import POINTS_LIMIT
from skypact.formats.records import record_batches, written_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skypact.airspace.moving import Trajectories
    from skypact.formats.contents import Contents, Defaults
    from skypact.formats.source import Source

BATCH_ROWS: Final = 65_536
_GROUP_BATCHES: Final = 16
_SPAN_ROWS: Final = 1_000_000
_THRIFT_STRING = 16 * 1024 * 1024
_THRIFT_ITEMS = 1_000_000
_LONGEST_MESSAGE = 200


def read_parquet(source: Source, defaults: Defaults) -> Contents:
    """Read the tracks of a Parquet file.

    Raises
    ------
    FormatError
        It is damaged; a time, a latitude or a longitude is missing; columns contradict each other; a value
        cannot be. The text names the row (counted from 1) and the column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if source.gzipped:
        raise FormatError(
            "Parquet inside gzip", where=source.name, found="gzip", expected="the Parquet file, unpacked"
        )
    with source.open() as stream:
        try:
            file = pq.ParquetFile(
                stream,
                thrift_string_size_limit=_THRIFT_STRING,
                thrift_container_size_limit=_THRIFT_ITEMS,
            )
            rows = file.metadata.num_rows
            if rows > POINTS_LIMIT:
                raise FormatError(
                    "too many rows",
                    where=source.name,
                    found=f"{rows:,}",
                    expected=f"at most {POINTS_LIMIT:,}",
                )
            return _read(file, source.name, defaults)
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            message = " ".join(str(error).split())[:_LONGEST_MESSAGE]
            raise FormatError(
                "cannot be read as Parquet",
                where=source.name,
                found=message,
                expected="a complete Parquet file",
            ) from None


def _read(file: Any, name: str, defaults: Defaults) -> Contents:
    layout = Layout.of(file.schema_arrow.names, name)
    feed = Feed(layout, name, "parquet", defaults)
    base = 1

    def place(row: int, column: str) -> str:
        at = f"{name}: row {base + row}"
        return f"{at}, column {column.strip()}" if column else at

    columns = [layout.time, *layout.numbers, *layout.labels]
    groups = (
        file.iter_batches(batch_size=BATCH_ROWS, row_groups=span, columns=columns, use_threads=False)
        for span in _spans(file.metadata)
    )
    for batch in chain.from_iterable(groups):
        time_us, timed = arrow.times(batch.column(layout.time), feed.clock, place)
        feed.add(
            time_us,
            timed,
            {column: arrow.numbers(batch.column(column), column, place) for column in layout.numbers},
            {column: arrow.texts(batch.column(column), column, place) for column in layout.labels},
            place,
        )
        base += len(batch)
    return feed.finish()


def _spans(metadata: Any) -> Iterator[list[int]]:
    """Row groups in spans of about :data:`_SPAN_ROWS`.

    A reader keeps what it has read of its groups until it is done, and starting one takes time: so neither
    one reader for all groups nor one for each.
    """
    span: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        span.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= _SPAN_ROWS:
            yield span
            span, rows = [], 0
    if span:
        yield span


def write_parquet(path: str | Path, tracks: Trajectories) -> None:
    """Write tracks as Parquet, a row a point, zstd-compressed; :func:`read_parquet` reads them back equal.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = written_columns()
    with (
        replacing(path) as stream,
        pq.ParquetWriter(stream, schema, compression="zstd") as writer,
    ):
        held: list[pa.RecordBatch] = []
        for batch in record_batches(tracks):
            held.append(batch)
            if len(held) == _GROUP_BATCHES:
                writer.write_table(pa.Table.from_batches(held, schema))
                held.clear()
        if held:
            writer.write_table(pa.Table.from_batches(held, schema))
