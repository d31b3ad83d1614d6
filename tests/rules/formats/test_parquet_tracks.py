"""Parquet tracks: the types that pandas, polars and OpenSky write, and files that are damaged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skypact.errors import FormatError
from skypact.formats import parquet_tracks, read
from track_files import NOON_S, NOON_US, put, tracks_of

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2017, 6, 8, 12, tzinfo=UTC)


def table(**columns: Any) -> pa.Table:
    """A table of one row, whose columns may be replaced or added to."""
    usual: dict[str, Any] = {"time": [NOON_S], "id": ["a"], "lat": [1.0], "lng": [2.0], "altitude_m": [3.0]}
    return pa.table(usual | columns)


def stored(folder: Path, content: pa.Table, **options: Any) -> Path:
    """The table as a file."""
    path = folder / "x.parquet"
    pq.write_table(content, path, **options)
    return path


@pytest.mark.parametrize(
    "times",
    [
        pa.array([NOON], pa.timestamp("s", "UTC")),
        pa.array([NOON], pa.timestamp("ms", "UTC")),
        pa.array([NOON], pa.timestamp("us", "UTC")),
        pa.array([NOON], pa.timestamp("ns", "UTC")),
        pa.array([NOON], pa.timestamp("ns", "Europe/Zurich")),
        pa.array([NOON_S], pa.int32()),
        pa.array([NOON_S], pa.float64()),
        pa.array([NOON_S * 1000], pa.int64()),
        pa.array([NOON_S * 10**9], pa.uint64()),
        pa.array(["2017-06-08T12:00:00Z"]),
        pa.array(["2017-06-08 14:00:00+02:00"], pa.large_string()),
        pa.array([str(NOON_S)]).dictionary_encode(),
    ],
)
def test_times_of_any_type(tmp_path: Path, times: pa.Array[Any]) -> None:
    """Timestamps of any precision and zone, counts of any unit, and texts are the same instant."""
    assert tracks_of(read(stored(tmp_path, table(time=times)))).time_us.tolist() == [NOON_US]


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us")), "times without a time zone"),
        (pa.array([NOON.date()]), "not a column of times; found date32"),
        (pa.array([True]), "not a column of times; found bool"),
        (pa.array([[NOON_S]]), "not a column of times; found list"),
    ],
)
def test_times_of_no_use(tmp_path: Path, times: pa.Array[Any], text: str) -> None:
    """Times without a zone, dates, and what is no time at all are refused, naming the column."""
    with pytest.raises(FormatError, match=rf"x\.parquet: row 1, column time: {text}"):
        read(stored(tmp_path, table(time=times)))


def test_missing_values(tmp_path: Path) -> None:
    """Rows without a time or a position are counted; an altitude that is missing is unknown."""
    found = read(
        stored(
            tmp_path,
            table(
                time=pa.array([NOON, None, NOON, NOON], pa.timestamp("ns", "UTC")),
                id=pa.array(["a", "a", None, "a"]),
                lat=[1.0, 1.0, 1.0, None],
                lng=[2.0, 2.0, 2.0, 2.0],
                altitude_m=pa.array([None] * 4, pa.null()),
            ),
        )
    )
    assert np.isnan(tracks_of(found).altitude_m).tolist() == [True]
    assert found.ignored[1:] == (
        "1 row without a position",
        "1 row without a time (time)",
        "1 row without icao24, callsign or id",
    )


@pytest.mark.parametrize(
    "numbers",
    [
        pa.array([3], pa.int16()),
        pa.array([3.0], pa.float32()),
        pa.array([3.0], pa.float16()),
        pa.array([3]).cast(pa.decimal128(22, 2)),
        pa.array(["3.0"]),
        pa.array([3.0]).dictionary_encode(),
    ],
)
def test_numbers_of_any_type(tmp_path: Path, numbers: pa.Array[Any]) -> None:
    """Whole, broken and decimal numbers, and texts of numbers, are numbers."""
    assert tracks_of(read(stored(tmp_path, table(altitude_m=numbers)))).altitude_m.tolist() == [3.0]


@pytest.mark.parametrize(
    ("column", "values", "text"),
    [
        ("lat", pa.array([True]), "row 1, column lat: not a column of numbers; found bool"),
        ("lat", pa.array(["x"]), "row 1, column lat: not a number; found 'x'"),
        ("lat", pa.array([91]), "row 1, column lat: not a latitude; found 91"),
        ("lat", pa.array([{"deg": 1}]), "row 1, column lat: not a column of numbers; found struct"),
        ("id", pa.array([b"0" * 16], pa.uuid()), "row 1, column id: not a column of texts"),
        ("id", pa.array([["a"]]), "row 1, column id: not a column of texts; found list"),
        ("id", pa.array([b"\xff\xfe"]), "row 1, column id: not a column of texts"),
    ],
)
def test_columns_of_no_use(tmp_path: Path, column: str, values: pa.Array[Any], text: str) -> None:
    """A column of another type is an error that names it and the type."""
    with pytest.raises(FormatError) as caught:
        read(stored(tmp_path, table(**{column: values})))
    assert f"x.parquet: {text}" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "ident"),
    [
        (pa.array([7]), "7"),
        (pa.array(["ä"], pa.large_string()), "ä"),
        (pa.DictionaryArray.from_arrays(pa.array([1], pa.int8()), pa.array(["no", "yes"])), "yes"),
    ],
)
def test_names_of_any_type(tmp_path: Path, values: pa.Array[Any], ident: str) -> None:
    """Texts, categories and whole numbers are names."""
    assert list(tracks_of(read(stored(tmp_path, table(id=values)))).labels.ids) == [ident]


def test_a_null_inside_a_dictionary() -> None:
    """A category that is itself null is a missing value."""
    from skypact.formats.arrow import texts

    values = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), pa.array(["a", None]))
    found = texts(values, "id", lambda row, column: f"{row}{column}")
    assert found.codes.tolist() == [0, -1, -1]
    none = texts(pa.array([None, None]), "id", lambda row, column: f"{row}{column}")
    assert none.codes.tolist() == [-1, -1]


def test_true_and_false(tmp_path: Path) -> None:
    """OpenSky's onground is a column of truth values."""
    content = table(
        time=[NOON_S, NOON_S + 1],
        id=["a", "a"],
        lat=[1.0, 1.0],
        lng=[2.0, 2.0],
        altitude_m=[3.0, 3.0],
        onground=[False, True],
    )
    assert read(stored(tmp_path, content)).counts["points"] == 1


def test_rows_are_counted_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of an error is right in later batches and row groups."""
    monkeypatch.setattr(parquet_tracks, "BATCH_ROWS", 100)
    monkeypatch.setattr(parquet_tracks, "_SPAN_ROWS", 260)
    n = 1_000
    lat = np.linspace(0, 1, n)
    lat[777] = 95.0
    content = table(time=NOON_S + np.arange(n), id=["a"] * n, lat=lat, lng=lat * 0, altitude_m=lat * 0)
    with pytest.raises(FormatError, match=r"x\.parquet: row 778, column lat: not a latitude; found 95\.0"):
        read(stored(tmp_path, content, row_group_size=130))


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    """Without a latitude there is no track."""
    with pytest.raises(FormatError, match=r"x\.parquet: no column for latitude; found 'time, id, lng'"):
        read(stored(tmp_path, table().drop_columns(["lat", "altitude_m"])))


def test_too_many_rows_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of rows is known at once."""
    monkeypatch.setattr(parquet_tracks, "POINTS_LIMIT", 0)
    with pytest.raises(FormatError, match=r"too many rows; found '?1"):
        read(stored(tmp_path, table()))


@pytest.mark.parametrize("cut", [4, 8, 100, -1, -9])
def test_a_damaged_file_is_refused(tmp_path: Path, cut: int) -> None:
    """A file that ends too early is an error with its name."""
    data = stored(tmp_path, table()).read_bytes()
    with pytest.raises(FormatError, match=r"cut\.parquet: cannot be read as Parquet"):
        read(put(tmp_path, "cut.parquet", data[:cut]))


def test_parquet_inside_gzip_is_refused(tmp_path: Path) -> None:
    """Parquet is read from its end; inside gzip it has none."""
    data = stored(tmp_path, table()).read_bytes()
    with pytest.raises(FormatError, match="Parquet inside gzip"):
        read(put(tmp_path, "x.parquet.gz", data, packed=True))
