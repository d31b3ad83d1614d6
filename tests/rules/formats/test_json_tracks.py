"""JSON records: lists and lines, chunk by chunk, and how a record that is wrong is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.errors import FormatError
from skypact.formats import json_tracks, read
from skypact.formats.json_tracks import _last_end
from skypact.units import FT_M, KT_M_S
from track_files import NOON_S, NOON_US, put, tracks_of

if TYPE_CHECKING:
    from pathlib import Path


HUGE = "a number that is none of floating point"


def record(i: int = 0, **others: Any) -> dict[str, Any]:
    """A record of the traffic library."""
    return {
        "timestamp": (NOON_S + i) * 1000,
        "icao24": "3003ae",
        "callsign": "DLH8JW",
        "latitude": 45.5 + i / 1e4,
        "longitude": 9,
        "altitude": 35000,
        "groundspeed": 440,
        "track": 90,
        "vertical_rate": None,
    } | others


def text(records: list[Any], *, lines: bool) -> str:
    """Records as a list or as lines."""
    written = "".join(json.dumps(r) + "\n" for r in records) if lines else json.dumps(records)
    return written.replace(f'"{HUGE}"', "1e999")


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_records(tmp_path: Path, lines: bool, packed: bool) -> None:
    """A list and JSON Lines, plain and packed: the same tracks and states."""
    found = read(put(tmp_path, "x.json", text([record(0), record(10)], lines=lines), packed=packed))
    tracks = tracks_of(found)
    assert (found.format, found.counts) == ("json", {"points": 2, "tracks": 1, "states": 1})
    assert tracks.time_us.tolist() == [NOON_US, NOON_US + 10_000_000]
    assert tracks.altitude_m.tolist() == [35000 * FT_M] * 2
    assert found.states is not None
    assert found.states.ground_speed_m_s.tolist() == [440 * KT_M_S]


@pytest.mark.parametrize("lines", [False, True])
def test_chunks_of_any_size_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: bool
) -> None:
    """Wherever the text is cut, no record is lost, doubled or torn."""
    records = [
        record(i, remark=f'a "quoted" }},{{ [ text \\ {i}', more={"a": [{"b": "}"}, []]}) for i in range(40)
    ]
    path = put(tmp_path, "x.json", "\ufeff  \n" + text(records, lines=lines).replace("}, {", "} \n,\n {"))
    monkeypatch.setattr(json_tracks, "CHUNK_BYTES", 1 << 20)
    whole = tracks_of(read(path))
    for size in (300, 301, 333, 500, 4_000):
        monkeypatch.setattr(json_tracks, "CHUNK_BYTES", size)
        monkeypatch.setattr(json_tracks, "_FIRST_BYTES", size // 2)
        assert np.array_equal(tracks_of(read(path)).time_us, whole.time_us)
    assert whole.time_us.shape == (40,)


@pytest.mark.unmeasured
@given(
    st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
@settings(max_examples=60, deadline=None)
def test_the_end_of_an_element_is_found(value: Any) -> None:
    """Of any list, the last whole object or array is found, and the end of the list itself."""
    element = json.dumps({"a": value}, ensure_ascii=False).encode()
    assert _last_end(element) == (len(element), False)
    assert _last_end(element[:-1])[0] == 0
    assert _last_end(element + b" , " + element[:-1]) == (len(element), False)
    assert _last_end(element + b" ] x") == (len(element) + 1, True)


def test_times_as_texts_numbers_and_nothing(tmp_path: Path) -> None:
    """Texts, seconds with a fraction and whole milliseconds are times; null and a missing key are none."""
    for times in (
        [NOON_S * 1000, None],
        [NOON_S + 0.0, None],
        ["2017-06-08T12:00:00Z", None],
        [NOON_S, NOON_S + 0.5],
    ):
        records = [record(timestamp=time) for time in times]
        del records[0]["vertical_rate"]
        assert tracks_of(read(put(tmp_path, "x.json", text(records, lines=False)))).time_us[0] == NOON_US


def test_names_may_be_numbers(tmp_path: Path) -> None:
    """An id that is a number is a name; true and false are read where they belong."""
    records = [record(icao24=None, callsign=None, id=7, onground=False), record(1, id=7, onground=True)]
    found = read(put(tmp_path, "x.json", text(records, lines=False)))
    assert list(tracks_of(found).labels.ids) == ["7"]
    assert found.counts["points"] == 1


def test_a_key_that_comes_late_is_not_overlooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that first appears far into the file counts from the first record on."""
    monkeypatch.setattr(json_tracks, "CHUNK_BYTES", 600)
    monkeypatch.setattr(json_tracks, "_FIRST_BYTES", 300)
    records = [record(i) for i in range(30)]
    for r in records[:20]:
        del r["callsign"], r["groundspeed"]
    records[25]["squawk"] = 7000
    records[28]["hour"] = 5
    found = read(put(tmp_path, "x.json", text(records, lines=False)))
    assert list(tracks_of(found).labels.ids) == ["3003ae/DLH8JW"]
    assert found.states is not None
    assert "columns not used: squawk, hour" in found.ignored
    for r in records:
        r.setdefault("callsign", None)
        r.setdefault("groundspeed", None)
    again = read(put(tmp_path, "x.json", text(records, lines=True)))
    assert "columns not used: squawk, hour" in again.ignored


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize(
    ("wrong", "where", "what"),
    [
        ({"latitude": 91}, ".latitude", "not a latitude; found 91.0"),
        ({"latitude": "45.5"}, ".latitude", "expected `float | null`, got `str`); found '45.5'"),
        ({"altitude": {"ft": 1}}, ".altitude", "found an object of 1"),
        ({"icao24": ["a"]}, ".icao24", "found an array of 1"),
        ({"timestamp": "noon"}, ".timestamp", "not a time like the others; found 'noon'"),
        ({"timestamp": True}, ".timestamp", "found true"),
        ({"timestamp": 2**70}, ".timestamp", ""),
        ({"timestamp": NOON_S}, ".timestamp", "not a time in the unit of the others"),
        ({"groundspeed": -5}, ".groundspeed", "not a ground speed"),
        ({"altitude": HUGE}, ".altitude", "found '1e999'"),
        ({"kind": "balloon"}, ".kind", "not a kind; found 'balloon'"),
    ],
)
def test_a_record_that_is_wrong_is_named(
    tmp_path: Path, lines: bool, wrong: dict[str, Any], where: str, what: str
) -> None:
    """The error has the record's path in a list, its line in lines, and what stands there."""
    path = put(tmp_path, "x.json", text([record(0), record(1), record(2, **wrong)], lines=lines))
    with pytest.raises(FormatError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{':3' if lines else '[2]'}{where}: ")
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text_"),
    [
        ("[{}, {}]", "holds no record"),
        ("[]", "holds no record"),
        ("[ ]  ", "holds no record"),
        ("", "holds no record"),
        ("[1, 2]", "expected `object`, got `int`"),
        ("[[1], [2]]", "expected `object`, got `array`"),
        ('[{"time": 1, "lat": 1, "lng": 2, "a\\"b": 1}]', "not the name of a column"),
        ('[{"time": 1, "lat": 1, "lng": NaN}]', "not JSON (invalid character)"),
        ('[{"time": 1, "lat": 1, "lng": 2}', "the list has no end"),
        ('[{"time": 1, "lat": 1, "lng": 2}] x', "more text after the end of the list; found 'x'"),
        ('[{"time": 1, "lat": 1, "lng": 2} {"time": 1}]', "not JSON"),
        ('[{"time": 1, "lat": 1, "lng": 2},]', "not JSON"),
        ('[{"time": 1, "lat": 1, "lng": 2}', "no end"),
        ('{"time": 1, "lat": 1,\n "lng": 2}', "not JSON (input data was truncated)"),
        ('{"time": 1, "lat": 1, "lng": 2}{', "not JSON"),
        ('[{"time": 1, "lat": 1, "lng": 1, "id": "\xff"}]', "found 'byte 0xff'"),
    ],
)
def test_what_is_no_list_of_records_is_refused(tmp_path: Path, content: str, text_: str) -> None:
    """Anything but a list of objects, or an object a line, is an error with the file's name."""
    path = put(tmp_path, "x.json", content.encode("latin-1"))
    with pytest.raises(FormatError) as caught:
        read(path, format="json")
    assert str(caught.value).startswith(str(path))
    assert text_ in str(caught.value).lower().replace("not json", "not JSON")


@pytest.mark.parametrize("between", [" ", "; "])
def test_records_without_a_comma_between_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    """A comma that is missing just where the text was cut is missed."""
    one = json.dumps(record())
    monkeypatch.setattr(json_tracks, "_FIRST_BYTES", len(one) + 2)
    with pytest.raises(FormatError, match=r"records are not separated|not JSON"):
        read(put(tmp_path, "x.json", f"[{one}{between}{one}]"))


def test_text_after_the_list_in_a_later_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks may follow the list for ever, anything else may not."""
    one = json.dumps([record()])
    monkeypatch.setattr(json_tracks, "_FIRST_BYTES", len(one))
    monkeypatch.setattr(json_tracks, "CHUNK_BYTES", 500)
    assert read(put(tmp_path, "x.json", one + " " * 2_000)).counts["points"] == 1
    with pytest.raises(FormatError, match="more text after the end"):
        read(put(tmp_path, "x.json", one + " " * 2_000 + "x"))


def test_blanks_before_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list may begin after any number of blanks."""
    monkeypatch.setattr(json_tracks, "_FIRST_BYTES", 2)
    assert read(put(tmp_path, "x.json", "  \n \t " + json.dumps([record()]))).counts["points"] == 1


@pytest.mark.parametrize("lines", [False, True])
def test_a_record_without_an_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: bool
) -> None:
    """A record longer than a chunk is no record; memory stays bounded."""
    monkeypatch.setattr(json_tracks, "CHUNK_BYTES", 1_000)
    monkeypatch.setattr(json_tracks, "_FIRST_BYTES", 1_000)
    with pytest.raises(FormatError, match="a record is too long"):
        read(put(tmp_path, "x.json", text([record(remark="x" * 3_000)], lines=lines)))


@pytest.mark.parametrize("lines", [False, True])
def test_a_nest_inside_a_record_is_refused(tmp_path: Path, lines: bool) -> None:
    """Arrays in arrays in a key that nobody asked for do not end the interpreter."""
    deep = "[" * 100_000 + "]" * 100_000
    one = json.dumps(record())[:-1] + f', "remark": {deep}}}'
    with pytest.raises(FormatError, match=r"x\.json.*nested too deeply"):
        read(put(tmp_path, "x.json", one if lines else f"[{json.dumps(record())},{one}]"), format="json")


def test_too_many_keys_are_refused(tmp_path: Path) -> None:
    """Records of ever new keys are no table."""
    records = [record(**{f"key{i}": 1}) for i in range(1_100)]
    with pytest.raises(FormatError, match="too many different keys"):
        read(put(tmp_path, "x.json", text(records, lines=False)))
