"""Hostile files: whatever the bytes, what comes out is contents or one clean error, quickly."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skypact.errors import FormatError, InputError
from skypact.formats import read
from track_files import NOON_S, OPENSKY, TRAFFIC, put, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACK_FORMATS = ("csv", "json", "kml", "gpx", "parquet")


def _parquet() -> bytes:
    content = pa.table({"time": [NOON_S, NOON_S + 1], "id": ["a", "b"], "lat": [1.0, 2.0], "lng": [3.0, 4.0]})
    stream = io.BytesIO()
    pq.write_table(content, stream)
    return stream.getvalue()


SEEDS = {
    "csv": rows(TRAFFIC, f"{NOON_S},a,A,1,2,3,4,5,6", f"{NOON_S + 1},a,A,1,2,3,4,5,6").encode(),
    "opensky": rows(OPENSKY, f"{NOON_S},a,1,2,3,4,5,A,false,6,7,{NOON_S}.5").encode(),
    "json": json.dumps([{"time": NOON_S, "id": "a", "lat": 1.5, "lng": 2, "x": {"y": ['"']}}] * 2).encode(),
    "lines": b'{"time": "2017-06-08T12:00:00Z", "id": "a", "lat": 1.5, "lng": 2}\n' * 2,
    "kml": b"<?xml version='1.0'?><kml><Placemark><name>a</name><Track><altitudeMode>absolute</altitudeMode>"
    b"<when>2017-06-08T12:00:00Z</when><coord>1 2 3</coord></Track></Placemark><Placemark><TimeStamp>"
    b"<when>2017-06-08T12:00:00Z</when></TimeStamp><Point><coordinates>1,2</coordinates></Point></Placemark></kml>",
    "gpx": b"<gpx><trk><name>a</name><trkseg><trkpt lat='1' lon='2'><ele>3</ele>"
    b"<time>2017-06-08T12:00:00Z</time></trkpt></trkseg></trk></gpx>",
    "parquet": _parquet(),
    "gzip": gzip.compress(rows(TRAFFIC, f"{NOON_S},a,A,1,2,3,4,5,6").encode(), mtime=0),
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One folder for all examples of a property."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def survives(path: Path, form: str | None = None) -> None:
    """Read; only contents or an input error that names the file may come out."""
    text, found = "", None
    try:
        found = read(path, format=form)
    except InputError as error:
        text = str(error)
    if found is None:
        assert text.startswith(str(path))
        assert len(text) < 2_000
    else:
        assert found.tracks is None or len(found.tracks) > 0


@st.composite
def mangled(draw: st.DrawFn, seed: bytes) -> bytes:
    """A valid file with some bytes changed, cut, doubled or put in."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        how = draw(st.integers(0, 3))
        if how == 0:
            data[at:end] = draw(st.binary(max_size=8))
        elif how == 1:
            del data[at:end]
        elif how == 2:
            data[at:at] = data[at:end] * draw(st.integers(1, 3))
        else:
            words = [
                b'"',
                b"\\",
                b"\0",
                b"{",
                b"[",
                b"<",
                b"\xff",
                b"NaN",
                b"1e999",
                b"-",
                b"\n",
                b",",
                b"9" * 30,
            ]
            data[at:at] = draw(st.sampled_from(words))
    return bytes(data)


@pytest.mark.parametrize("seed", list(SEEDS))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_mangled_file_is_contents_or_an_error(folder: Path, seed: str, data: st.DataObject) -> None:
    """A valid file with a few bytes wrong never ends in a traceback."""
    survives(put(folder, f"x.{seed}", data.draw(mangled(SEEDS[seed]))))


@pytest.mark.parametrize("form", TRACK_FORMATS)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_in_any_format_are_an_error(folder: Path, form: str, data: bytes) -> None:
    """Bytes that are said to be a format, and are none, never end in a traceback."""
    survives(put(folder, "x", data), form)
    survives(put(folder, "x", data))


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + "]><kml><Placemark><name>&j;</name></Placemark></kml>"
)
OUTSIDE = '<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx><trk><name>&x;</name></trk></gpx>'


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("laughs.kml", LAUGHS.encode(), "declarations of its own"),
        ("outside.gpx", OUTSIDE.encode(), "declarations of its own"),
        ("dtd.gpx", b'<!DOCTYPE gpx SYSTEM "http://192.0.2.1/x.dtd"><gpx/>', "declarations of its own"),
        ("deep.kml", b"<kml>" + b"<Folder>" * 1_000_000, "nested too deeply"),
        ("open.kml", b"<kml><Placemark>", "not well-formed XML"),
        ("twice.gpx", b"<gpx/><gpx/>", "not well-formed XML"),
        ("encoding.gpx", b'<?xml version="1.0" encoding="klingon"?><gpx/>', "encoding"),
        ("lists.json", b"[" * 10_000_000, "nested too deeply"),
        ("objects.json", b'{"a":' * 2_000_000, "nested too deeply"),
        ("late.json", b'[{"time":1,"lat":1,"lng":2,"x":' + b"[" * 10_000_000, "nested too deeply"),
        ("quotes.json", b'[{"time":1,"lat":1,"lng":2,"x":"' + b"\\" * 10_000_000, "a record is too long"),
        ("wide.csv", b"time,lat,lng" + b",x" * 20_000 + b"\n1,2", "not as many values"),
        ("wider.csv", b"time,lat,lng" + b",x" * 5_000_000, "not a format that is known"),
        ("zeros.csv", b"time,lat,lng\n" + b"\0" * 10_000_000, ""),
        ("digits.csv", b"time_s,lat,lng\n1,1," + b"9" * 3_000_000 + b"\n", "not a longitude"),
        ("twice.gz", gzip.compress(gzip.compress(b"time,lat,lng\n", mtime=0), mtime=0), "binary data"),
    ],
)
def test_hostile_files_are_refused_quickly(tmp_path: Path, name: str, data: bytes, text: str) -> None:
    """Nests, bombs, entities and endless values are refused within seconds."""
    path = put(tmp_path, name, data)
    begun = time.perf_counter()
    with pytest.raises(FormatError) as caught:
        read(path)
    assert time.perf_counter() - begun < 10.0
    assert text in str(caught.value)
    assert len(str(caught.value)) < 2_000


def test_a_long_text_in_xml_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One element's text has a limit, and so has the document."""
    from skypact.formats import xml_stream

    monkeypatch.setattr(xml_stream, "TEXT_MAX", 1_000)
    path = put(tmp_path, "x.gpx", f"<gpx><trk><name>{'x' * 2_000}</name></trk></gpx>")
    with pytest.raises(FormatError, match=r"x\.gpx:1: a text is too long"):
        read(path)
    monkeypatch.setattr(xml_stream, "DOCUMENT_LIMIT", 1_000)
    with pytest.raises(FormatError, match="too large for a document"):
        read(path)


def test_a_large_real_file_is_no_bomb(tmp_path: Path) -> None:
    """A long recording that packs well is still read."""
    lines = [f"{NOON_S + i},a,A,1,2,3,4,5,6" for i in range(50_000)]
    assert read(put(tmp_path, "x.csv.gz", rows(TRAFFIC, *lines), packed=True)).counts["points"] == 50_000
