"""Formats are told by what is in the file, whatever it is called."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from skypact.errors import FormatError, InputError, UsageError
from skypact.formats import FORMATS, Defaults, Source, detect, read
from track_files import OPENSKY, TRAFFIC, put, rows

if TYPE_CHECKING:
    from pathlib import Path

_RECORD = {"timestamp": 1_496_923_200_000, "icao24": "a", "latitude": 1.0, "longitude": 2.0, "altitude": 3}
_VOLUME: dict[str, Any] = {"volume": {"outline_polygon": {"vertices": []}}, "time_start": None}
_ZONE = {
    "identifier": "x",
    "country": "CHE",
    "geometry": [{"uomDimensions": "M", "horizontalProjection": {}}],
}
_FEATURE = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}

KNOWN = {
    "geojson": [
        json.dumps({"type": "FeatureCollection", "features": []}),
        json.dumps({"features": [_FEATURE], "type": "FeatureCollection"}),
        json.dumps(_FEATURE, indent=2),
        json.dumps({"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 6]]]}),
        json.dumps({"name": 'a "quoted\\" { name', "crs": {"type": "name"}, "type": "FeatureCollection"}),
    ],
    "f3548": [
        json.dumps([_VOLUME]),
        json.dumps({"volumes": [_VOLUME]}),
        json.dumps({"operational_intent": {"details": {"volumes": [_VOLUME]}}}),
        json.dumps({"extents": [_VOLUME], "flight_type": "VLOS"}),
        json.dumps(_VOLUME),
    ],
    "plan": [
        json.dumps({"fileType": "Plan", "mission": {}, "version": 1}),
        json.dumps({"groundStation": "QGroundControl", "mission": {"items": []}}),
    ],
    "ed269": [
        json.dumps({"title": "x", "features": [_ZONE]}),
        json.dumps({"UASZoneList": []}),
        json.dumps([_ZONE]),
    ],
    "json": [
        json.dumps([_RECORD]),
        json.dumps([{"id": "x", "time": "2017-06-08T12:00:00Z", "lat": 1, "lng": 2, "extra": {"a": [1]}}]),
        json.dumps(_RECORD) + "\n" + json.dumps(_RECORD) + "\n",
        json.dumps(_RECORD),
    ],
    "kml": [
        '<?xml version="1.0"?>\n<!-- made by > hand -->\n<kml xmlns="http://www.opengis.net/kml/2.2"></kml>',
        '<k:kml xmlns:k="http://www.opengis.net/kml/2.3"/>',
    ],
    "gpx": ['<?xml version="1.0"?><gpx version="1.1"></gpx>', "<!DOCTYPE gpx>\n<gpx>"],
    "openair": [
        "* a comment\nAC R\nAN R-1\nAL GND\nAH FL100\nV X=33:30:00 N 038:37:00 E\nDC 5\n",
        "AN only a name\n",
    ],
    "pact": ['# first a comment\n[pact]\nid = "x"\n', '[[party]]\nid = "a"\n[ pact ]\n', "[pact]\r\nid='x'"],
    "csv": [rows(TRAFFIC), rows(OPENSKY), "time;id;lat;lng\n", "Time\tLat\tLon\n", "lat,lon\n"],
}


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in KNOWN.items() for text in texts])
def test_each_format_is_told_by_its_content(tmp_path: Path, form: str, text: str) -> None:
    """Every mark is found in the plain file, after a byte order mark, and inside gzip."""
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), gzip.compress(text.encode())):
        assert detect(put(tmp_path, "misleading.parquet", data)) == form


def test_parquet_is_told_by_its_magic(tmp_path: Path) -> None:
    """Parquet begins with PAR1."""
    assert detect(Source(put(tmp_path, "x.csv", b"PAR1\0\0"))) == "parquet"


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"", "empty"),
        (b"   \n", "blanks"),
        (b"hello there\nsecond line", "begins with 'hello there'"),
        (b"x,y,z\n1,2,3", "begins with 'x,y,z'"),
        (b'{"a": 1, "b": [2]}', "JSON object with a, b"),
        (b"{}", "a JSON object"),
        (b"[1, 2]", "JSON without objects"),
        (b'[{"a": 1}]', "list of objects with a"),
        (b"[[table]]\nx = 1", "begins with"),
        (b"<html><body/></html>", "root is <html>"),
        (b"<", "root is <>"),
        (b"PK\x03\x04rest", "KMZ"),
        (b"\x28\xb5\x2f\xfd", "zstandard"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\0", "xz data"),
        (b"SQLite format 3\0", "SQLite"),
        ("time,lat,lng\n".encode("utf-16"), "UTF-16"),
        ("time,lat,lng\n".encode("utf-16-le"), "UTF-16"),
        ("[pact]".encode("utf-32-be"), "UTF-16 or UTF-32"),
        (b"\x7fELF\0\0", "binary data that begins with 7f 45"),
        (b"[" * 10_000_000, "over 64 levels"),
        (b'{"a":' * 100, "over 64 levels"),
    ],
)
def test_what_is_unknown_is_said(tmp_path: Path, data: bytes, seen: str) -> None:
    """The error names the file, what was seen, and what could have been."""
    path = put(tmp_path, "unknown.csv", data)
    with pytest.raises(FormatError) as caught:
        detect(path)
    assert str(caught.value).startswith(str(path))
    assert seen in str(caught.value)


def test_the_error_lists_every_format(tmp_path: Path) -> None:
    """Whoever reads the error learns what may be given."""
    with pytest.raises(FormatError) as caught:
        read(put(tmp_path, "x", b"nothing"))
    assert all(form.title in str(caught.value) for form in FORMATS.values())


@pytest.mark.parametrize(
    ("member", "form"), [({"fileType": "Plan"}, "plan"), ({"type": "FeatureCollection"}, "geojson")]
)
def test_a_mark_far_back_is_found(tmp_path: Path, member: dict[str, str], form: str) -> None:
    """A document whose mark comes after 64 KiB of something else is still told."""
    text = json.dumps({"padding": [[0]] * 30_000, **member})
    assert detect(put(tmp_path, "x.json", text)) == form


@pytest.mark.parametrize("tail", ["}", ""])
def test_a_large_document_without_a_mark_is_unknown(tmp_path: Path, tail: str) -> None:
    """A large document with no mark anywhere, or no end, is refused."""
    text = '{"padding": [' + "[0]," * 30_000 + "0]" + tail
    with pytest.raises(FormatError, match="JSON object with padding"):
        detect(put(tmp_path, "x.json", text))


def test_every_reader_that_is_there_loads() -> None:
    """The table names modules and functions that exist; parts not built yet are named, not hidden."""
    missing = []
    for form in FORMATS.values():
        try:
            assert callable(form.load())
        except ModuleNotFoundError:
            missing.append(form.name)
    assert not set(missing) & {"csv", "parquet", "json", "kml", "gpx"}


def test_a_format_may_be_said(tmp_path: Path) -> None:
    """A format that is given is not told by content; one that does not exist is a wrong question."""
    path = put(tmp_path, "x", b"not,a,track\n")
    with pytest.raises(FormatError, match="no column for time"):
        read(path, format="csv")
    with pytest.raises(UsageError, match="geojson, f3548"):
        read(path, format="shapefile")


def test_a_document_reader_gets_bytes_and_its_errors_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document's reader gets its bytes without the byte order mark; errors begin with the file's name."""
    from skypact import formats

    seen: list[object] = []

    def reader(data: bytes, name: str, defaults: Defaults) -> None:
        seen.extend((data, name, defaults))
        raise InputError("wrong", where="features[3]")

    monkeypatch.setattr(formats.Format, "load", lambda _self: reader)
    path = put(tmp_path, "x.json", b'\xef\xbb\xbf{"type": "Feature"}')
    with pytest.raises(InputError) as caught:
        read(path, Defaults(party="north"))
    assert seen == [b'{"type": "Feature"}', str(path), Defaults(party="north")]
    assert str(caught.value) == f"{path}: features[3]: wrong"


def test_a_reader_that_recurses_too_deep_is_a_clean_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter's own limit comes out as an error about the file."""
    from skypact import formats

    def reader(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(formats.Format, "load", lambda _self: reader)
    with pytest.raises(FormatError, match=r"x\.json: nested too deeply"):
        read(put(tmp_path, "x.json", b'{"type": "Feature"}'))
