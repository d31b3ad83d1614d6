"""``skypact convert``, ``skypact pact lint`` and ``skypact formats`` as processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import two_sides
from shell import skypact
from skypact.formats import read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two sides."""
    return two_sides.write(tmp_path_factory.mktemp("sky"))


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "json", "geojson"])
def test_tracks_come_back_as_they_were(suffix: str, sky: Path, tmp_path: Path) -> None:
    """Each format that tracks are written in keeps names, parties, mode, times and positions."""
    target = tmp_path / f"out.{suffix}"
    ended = skypact("convert", sky / "tracks.csv", target)
    assert (ended.status, ended.out) == (0, ""), ended.err
    assert f"4 tracks written to {target}" in ended.err
    one, two = read(sky / "tracks.csv").tracks, read(target).tracks
    assert one is not None
    assert two is not None
    assert list(two.labels.ids) == list(one.labels.ids)
    assert [two.labels.party_of(row) for row in range(4)] == [one.labels.party_of(row) for row in range(4)]
    assert two.labels.data_mode is one.labels.data_mode
    assert (two.time_us == one.time_us).all()
    assert np.allclose(two.lat_deg, one.lat_deg, atol=1e-9, rtol=0)
    assert np.allclose(two.lng_deg, one.lng_deg, atol=1e-9, rtol=0)
    assert (two.reference == one.reference).all()


def test_zones_of_a_pact_as_geojson(sky: Path, tmp_path: Path) -> None:
    """A pact's zones can be taken out, and the rest is said to be left."""
    target = tmp_path / "zones.geojson"
    ended = skypact("convert", sky / "pact.toml", target)
    assert ended.status == 0
    assert "1 zone written" in ended.err
    assert "left out: the rest of the pact" in ended.err
    zones = read(target).zones
    assert zones is not None
    assert list(zones.volumes.labels.ids) == ["north-base"]


def test_volumes_as_f3548_and_back(tmp_path: Path) -> None:
    """Volumes above the ellipsoid go to the standard's JSON and return."""
    source = tmp_path / "v.geojson"
    source.write_text(two_sides.VOLUMES.replace('"STD"', '"W84"'), encoding="utf-8")
    target = tmp_path / "v.json"
    assert skypact("convert", source, target, "--to", "f3548").status == 0
    volumes = read(target).volumes
    assert volumes is not None
    assert sorted(volumes.labels.ids) == ["relief", "survey"]


def test_what_cannot_be_written_is_said(sky: Path, tmp_path: Path) -> None:
    """A format that cannot hold it, a suffix that says nothing, an input that would go."""
    volumes, target = sky / "volumes.geojson", tmp_path / "v.csv"
    ended = skypact("convert", volumes, target)
    assert ended.status == 2
    said = ended.err.splitlines()[-1]  # on a busy machine progress comes before
    assert said == f"skypact: error: csv is written with tracks; {volumes} has 2 volumes"
    assert not target.exists()
    assert "--to (geojson, csv" in skypact("convert", volumes, tmp_path / "v.txt").err
    assert "would overwrite the input" in skypact("convert", volumes, volumes).err
    assert "is a folder" in skypact("convert", volumes, tmp_path, "--to", "csv").err


def test_a_file_of_both_needs_a_word(tmp_path: Path) -> None:
    """Tracks and volumes in one GeoJSON: --what says which."""
    line = (
        '{"type": "Feature", "properties": {"id": "t", "data_mode": "simulated", "coordTimes":'
        ' ["2026-06-01T12:00:00Z", "2026-06-01T12:01:00Z"]},'
        ' "geometry": {"type": "LineString", "coordinates": [[10, 49], [10.01, 49]]}},'
    )
    source = tmp_path / "both.geojson"
    source.write_text(two_sides.VOLUMES.replace('"features": [', '"features": [' + line), encoding="utf-8")
    target = tmp_path / "out.geojson"
    refused = skypact("convert", source, target)
    assert refused.status == 2
    assert "say which: --what tracks" in refused.err
    assert skypact("convert", source, target, "--what", "volumes").status == 0
    assert read(target).volumes is not None


def test_lint_tells_errors_from_remarks(sky: Path, tmp_path: Path) -> None:
    """0 with warnings, 1 with errors, 2 where there is nothing to read."""
    good = skypact("pact", "lint", sky / "pact.toml")
    assert good.status == 0
    assert good.out.splitlines()[0].startswith("warning: separation: no rule covers ")
    assert "No error says nothing of what the parties think of it." in good.out
    broken = tmp_path / "broken.toml"
    broken.write_text(two_sides.PACT.replace('radius = "20 km"', 'radius = "20"'), encoding="utf-8")
    bad = skypact("pact", "lint", broken)
    assert bad.status == 1
    assert bad.out.startswith('error: zone[0] "north-base", circle.radius')
    assert bad.out.splitlines()[-1] == f"{broken}: 1 error."
    assert skypact("pact", "lint", tmp_path / "none.toml").status == 2


def test_the_list_of_formats() -> None:
    """Every format that is read is listed, with what is written in it."""
    ended = skypact("formats")
    assert ended.status == 0
    for name in (
        "geojson",
        "f3548",
        "plan",
        "kml",
        "gpx",
        "csv",
        "parquet",
        "json",
        "openair",
        "ed269",
        "pact",
    ):
        assert f"\n  {name} " in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
