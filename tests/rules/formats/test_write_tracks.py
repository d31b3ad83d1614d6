"""Tracks that are written and read back are the same tracks."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.airspace.labels import Labels
from skypact.airspace.moving import Trajectories
from skypact.errors import InputError, UsageError
from skypact.formats import TRACK_FORMATS, detect, read, write_tracks
from track_files import NOON_US, same, tracks_of, trajectories

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = ("csv", "parquet", "json")
_PLAIN = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One folder for all examples of a property."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def two_tracks() -> Trajectories:
    """Two short tracks, one of them without a known altitude."""
    return Trajectories.of(
        Labels.of(["a", "b"], party=["north", ""], body=["1", "2"]),
        [0, 2, 4],
        [NOON_US, NOON_US + 1_234_567, NOON_US, NOON_US + 5_000_000],
        [33.5, 33.6, 10.0, 10.1],
        [38.6, 38.7, 20.0, 20.1],
        [1000.0, 1000.5, np.nan, np.nan],
        horizontal_uncertainty_m=[30.0, 0.0],
    )


@pytest.mark.parametrize("form", TABLES)
@settings(max_examples=60, deadline=None)
@given(tracks=trajectories())
def test_any_tracks_come_back_from_a_table(folder: Path, form: str, tracks: Trajectories) -> None:
    """CSV, Parquet and JSON give back every fact of any tracks, whatever their names hold."""
    path = folder / f"tracks.{form}"
    write_tracks(path, tracks, format=form)
    assert detect(path) == form
    assert same(tracks_of(read(path)), tracks)


@settings(max_examples=60, deadline=None)
@given(tracks=trajectories(text=_PLAIN, least=2))
def test_any_tracks_come_back_from_geojson(folder: Path, tracks: Trajectories) -> None:
    """GeoJSON gives back every fact of tracks of two samples or more with printable names."""
    path = folder / "tracks.geojson"
    write_tracks(path, tracks, format="geojson")
    back = tracks_of(read(path))
    assert detect(path) == "geojson"
    assert same(back, tracks)


def test_a_single_sample_is_two_equal_positions_in_geojson(tmp_path: Path) -> None:
    """A LineString needs two positions, so one sample comes back twice."""
    one = Trajectories.one("a", [NOON_US], [1.0], [2.0], [3.0])
    write_tracks(tmp_path / "one.geojson", one, format="geojson")
    back = tracks_of(read(tmp_path / "one.geojson"))
    assert back.time_us.tolist() == [NOON_US, NOON_US]
    assert back.lat_deg.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("form", list(TRACK_FORMATS))
def test_many_batches_come_back(tmp_path: Path, form: str) -> None:
    """Tracks of more rows than are made at once come back, across the batches' edges."""
    n, m = 20, 10_000
    if form == "geojson":
        m = 1_000
    time = np.tile(NOON_US + np.arange(m) * 1_000_000, n)
    tracks = Trajectories.of(
        Labels.of([f"t{i}" for i in range(n)]),
        np.arange(n + 1) * m,
        time,
        np.linspace(-80, 80, n * m),
        np.linspace(-170, 170, n * m),
        np.linspace(0, 12_000, n * m),
    )
    path = tmp_path / "many"
    write_tracks(path, tracks, format=form)
    assert same(tracks_of(read(path)), tracks)


@pytest.mark.parametrize("form", ["csv", "json", "geojson"])
def test_a_name_that_ends_in_gz_is_packed(tmp_path: Path, form: str) -> None:
    """A packed file is gzip, the same bytes each time, and is read like the plain one."""
    path = tmp_path / f"tracks.{form}.gz"
    write_tracks(path, two_tracks(), format=form)
    first = path.read_bytes()
    write_tracks(path, two_tracks(), format=form)
    assert path.read_bytes() == first
    assert gzip.decompress(first)
    assert same(tracks_of(read(path)), two_tracks())


@pytest.mark.parametrize("form", TABLES)
def test_no_tracks_are_a_header_and_no_rows(tmp_path: Path, form: str) -> None:
    """No tracks are written, and reading refuses the file since nothing can be checked."""
    none = Trajectories.of(Labels.of([]), [0], [], [], [], [])
    write_tracks(tmp_path / "none", none, format=form)
    with pytest.raises(InputError):
        read(tmp_path / "none", format=form)


def test_an_unknown_format_is_a_wrong_question(tmp_path: Path) -> None:
    """A format that tracks are not written in is refused with those that are."""
    with pytest.raises(UsageError, match="parquet"):
        write_tracks(tmp_path / "x", two_tracks(), format="kml")


def test_a_file_that_cannot_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    """A write that fails midway leaves the old file whole and no temporary one."""
    path = tmp_path / "tracks.csv"
    write_tracks(path, two_tracks(), format="csv")
    before = path.read_bytes()
    broken = two_tracks()
    object.__setattr__(broken, "lat_deg", np.array(["no", "no", "no", "no"]))
    with pytest.raises(Exception, match=r"type|expected|convert"):
        write_tracks(path, broken, format="csv")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["tracks.csv"]  # noqa: PTH208 -- the names are what is asked for


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A path that cannot be made is an error with that path."""
    with pytest.raises(InputError, match="nowhere"):
        write_tracks(tmp_path / "nowhere" / "x.csv", two_tracks(), format="csv")


def test_a_directory_is_not_written_over(tmp_path: Path) -> None:
    """A directory in the place of the file is refused."""
    with pytest.raises(InputError, match="cannot be written"):
        write_tracks(tmp_path, two_tracks(), format="csv")


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    """Writing over a file leaves it as readable as it was."""
    path = tmp_path / "tracks.csv"
    path.write_text("old")
    path.chmod(0o640)
    write_tracks(path, two_tracks(), format="csv")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_directly() -> None:
    """What cannot be renamed onto is written straight."""
    write_tracks("/dev/null", two_tracks(), format="json")
    assert not Path("/dev/null").is_file()


def test_what_csv_looks_like(tmp_path: Path) -> None:
    """The columns and a row, as a person sees them."""
    write_tracks(tmp_path / "t.csv", two_tracks(), format="csv")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0].replace('"', "") == (
        "id,body,party,kind,data_mode,trajectory,time,lat,lng,altitude_m,altitude_reference,"
        "horizontal_uncertainty_m,vertical_uncertainty_m"
    )
    assert (
        lines[2]
        == '"a","1","north","crewed","real",1,2017-06-08 12:00:01.234567Z,33.6,38.7,1000.5,"STD",30,0'
    )
    assert ',10,20,,"STD"' in lines[3]


def test_a_disk_that_is_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk while writing is one line with the path, and leaves nothing behind."""

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skypact.formats.output.os.fsync", full)
    with pytest.raises(InputError, match=r"t\.csv: cannot be written; found '?No space left"):
        write_tracks(tmp_path / "t.csv", two_tracks(), format="csv")
    assert list(tmp_path.iterdir()) == []


def test_row_groups_of_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long Parquet file is written in several row groups."""
    monkeypatch.setattr("skypact.formats.parquet_tracks._GROUP_BATCHES", 1)
    write_tracks(tmp_path / "t", two_tracks(), format="parquet")
    assert same(tracks_of(read(tmp_path / "t")), two_tracks())
