"""What the columns of a track file mean: names, units, times, and the mixes that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import DataMode, Kind
from skypact.errors import FormatError, InputError, ModeError
from skypact.formats import Defaults, read
from skypact.formats.columns import Clock, Layout, Texts, plain_text
from skypact.instants import format_instant
from skypact.units import FPM_M_S, FT_M, KT_M_S
from track_files import NOON_S, NOON_US, OPENSKY, TRAFFIC, put, rows, tracks_of

if TYPE_CHECKING:
    from pathlib import Path


def layout(names: str) -> Layout:
    """The layout of a header."""
    return Layout.of(names.split(","), "x.csv:1")


def place(row: int, column: str) -> str:
    """Where a row is, for clocks."""
    return f"row {row} {column}"


def test_traffic_is_feet_and_knots() -> None:
    """The traffic library's columns are ft, kt and ft/min; its altitude is barometric."""
    found = layout(TRAFFIC)
    assert (found.altitude_factor, found.speed_factor, found.rate_factor) == (FT_M, KT_M_S, FPM_M_S)
    assert found.reference is AltitudeReference.STD
    assert not found.position_time
    assert found.notes == ()


def test_opensky_is_metric() -> None:
    """OpenSky's state vectors are SI, and the time of a position is lastposupdate."""
    found = layout(OPENSKY)
    assert (found.altitude, found.altitude_factor, found.speed_factor, found.rate_factor) == (
        "baroaltitude",
        1.0,
        1.0,
        1.0,
    )
    assert (found.time, found.position_time, found.track) == ("lastposupdate", True, "heading")
    assert found.notes == ("columns not used: time, geoaltitude",)


@pytest.mark.parametrize("metric", ["baroaltitude", "velocity", "vertrate"])
@pytest.mark.parametrize("imperial", ["altitude", "groundspeed", "vertical_rate"])
def test_a_mix_of_dialects_is_refused(metric: str, imperial: str) -> None:
    """Metric and imperial bare names in one file are refused, naming both."""
    with pytest.raises(FormatError) as caught:
        layout(f"time,icao24,lat,lng,{imperial},{metric}")
    assert f"{metric} and {imperial}" in str(caught.value)
    assert "x.csv:1: units are mixed" in str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        "time,id,lat,lng,altitude",
        "time,id,lat,lon,altitude",
        "time,icao24,lat,lon,altitude,track",
        "time,id,lat,lng,geoaltitude",
        "timestamp,latitude,lon,geoaltitude",
    ],
)
def test_a_unit_that_cannot_be_told_is_refused(names: str) -> None:
    """A bare altitude among columns of no dialect is refused, with the name to give it."""
    with pytest.raises(FormatError, match=r"the unit of \w+ cannot be told.*altitude_m or \w*altitude_ft"):
        layout(names)


@pytest.mark.parametrize(
    ("names", "factor", "reference"),
    [
        ("timestamp,latitude,longitude,altitude", FT_M, "STD"),
        ("time,lat,lon,altitude,groundspeed", FT_M, "STD"),
        ("time,lat,lon,geoaltitude,icao24", 1.0, "W84"),
        ("timestamp,latitude,longitude,geoaltitude", FT_M, "W84"),
        ("time,lat,lng,geoaltitude_ft", FT_M, "W84"),
        ("time,lat,lng,geoaltitude_m", 1.0, "W84"),
        ("time,lat,lng,altitude_ft", FT_M, "STD"),
        ("time,lat,lng,altitude_m", 1.0, "STD"),
        ("time,lat,lng,baroaltitude_ft,velocity", FT_M, "STD"),
        ("time,lat,lon,baroaltitude,geoaltitude", 1.0, "STD"),
    ],
)
def test_altitudes(names: str, factor: float, reference: str) -> None:
    """Each altitude column has a unit and a reference: barometric STD, geometric W84."""
    found = layout(names)
    assert (found.altitude_factor, found.reference.name) == (factor, reference)


def test_an_unstated_reference_is_said() -> None:
    """altitude_m without a reference is taken as STD, and said so; with that column nothing is."""
    assert "taken as pressure altitude (STD)" in layout("time,lat,lng,altitude_m").notes[0]
    assert layout("time,lat,lng,altitude_m,altitude_reference").notes == ()
    assert layout("time,lat,lng").notes == ("no altitude column: every altitude is unknown",)


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        ("time,timestamp,lat,lng", "time and timestamp"),
        ("time,lat,latitude,lng", "lat and latitude"),
        ("time,lat,lon,lng", "lng and lon"),
        ("time,lat,lng,altitude_m,altitude_ft", "altitude_m and altitude_ft"),
        ("time,lat,lng,velocity,groundspeed_kt,track", "velocity and groundspeed_kt"),
        ("time,lat,lng,Lat", "Lat"),
        ("lastposupdate,last_position,lat,lng", "lastposupdate and last_position"),
    ],
)
def test_two_columns_for_one_thing_are_refused(names: str, clash: str) -> None:
    """Two columns that mean the same contradict each other sooner or later; both are named."""
    with pytest.raises(FormatError, match=clash):
        layout(names)


@pytest.mark.parametrize("lacking", ["time", "lat", "lng"])
def test_what_is_missing_is_named(lacking: str) -> None:
    """Without a time, a latitude or a longitude the error says which names would do."""
    names = [name for name in ("time", "lat", "lng", "id") if name != lacking]
    with pytest.raises(FormatError, match=rf"no column for .*found '{', '.join(names)}'.*{lacking}"):
        Layout.of(names, "x.csv:1")


def test_heading_is_the_track_in_opensky_only() -> None:
    """Elsewhere a heading is where the nose points: it is not used, and that is said."""
    assert layout("time,lat,lon,velocity,heading").track == "heading"
    found = layout("timestamp,latitude,longitude,altitude,groundspeed,heading")
    assert (found.track, found.speed) == ("", "")
    assert found.notes == ("columns not used: groundspeed, heading",)
    assert layout("timestamp,latitude,longitude,altitude,groundspeed,track,heading").track == "track"


def test_many_unused_columns_are_counted() -> None:
    """A long list of unused columns is cut, with their number."""
    names = [f"column{i}" for i in range(20)]
    found = Layout.of([*names, "time", "lat", "lng", "altitude_m", "altitude_reference"], "x")
    assert found.notes[0].endswith("column11 and 8 more")


def test_names_are_plain_text() -> None:
    """Control characters of a name cannot drive a terminal."""
    assert plain_text(" A\x1b[31m\nB\u2028 ") == "A [31m B"


@given(st.integers(10**14, 9 * 10**15))
def test_numbers_are_read_in_the_unit_that_their_size_tells(instant_us: int) -> None:
    """An instant from 1973 to 2255 is the same in seconds, milliseconds, microseconds or nanoseconds."""
    there = np.array([True])
    for value, unit, coarse in (
        (instant_us // 1_000_000, "s", 1_000_000),
        (instant_us // 1_000, "ms", 1_000),
        (instant_us, "us", 1),
        (instant_us * 1_000 + 999, "ns", 1),
    ):
        clock = Clock("time")
        assert clock.of_numbers(np.array([value]), there, place)[0] == instant_us // coarse * coarse
        assert clock.unit == unit


@given(st.integers(0, 4_102_444_800_000_000))
def test_fractions_of_seconds_are_exact_to_the_microsecond(instant_us: int) -> None:
    """Seconds with six decimals, as floating point has them, give the microsecond back."""
    seconds = np.array([float(f"{instant_us // 1_000_000}.{instant_us % 1_000_000:06d}")])
    assert Clock("time").of_numbers(seconds, np.array([True]), place)[0] == instant_us


def test_all_times_of_a_column_are_in_one_unit() -> None:
    """A jump of unit, within a batch or from one to the next, is an error at that row."""
    clock = Clock("time")
    there = np.array([True, True])
    with pytest.raises(FormatError, match=r"row 1 time: not a time in the unit.*milliseconds"):
        clock.of_numbers(np.array([NOON_S * 1000, NOON_S]), there, place)
    with pytest.raises(FormatError, match=r"row 0 time.*found 0"):
        clock.of_numbers(np.array([0, NOON_S * 1000]), there, place)


def test_missing_numbers_decide_nothing() -> None:
    """Rows without a time have no unit; a later batch may still be of any."""
    clock = Clock("time")
    assert clock.of_numbers(np.array([np.nan, np.nan]), np.array([False, False]), place).tolist() == [0, 0]
    assert clock.unit is None
    found = clock.of_numbers(np.array([np.nan, NOON_S * 1e3]), np.array([False, True]), place)
    assert found.tolist() == [0, NOON_US]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_s", 5),
        ("time_ms", 5_000),
        ("time_us", 5_000_000),
        ("time_ns", 5_000_000_999),
        ("timestamp_ms", 5_000),
    ],
)
def test_a_unit_in_the_name_is_kept(tmp_path: Path, name: str, value: int) -> None:
    """A time column that says its unit may hold any number, small ones too."""
    path = put(tmp_path, "x.csv", rows(f"{name},id,lat,lng", f"{value},a,1,2"))
    assert tracks_of(read(path)).time_us.tolist() == [5_000_000]


@pytest.mark.parametrize("value", [9 * 10**18, -(9 * 10**18)])
def test_a_time_beyond_all_years_is_refused(tmp_path: Path, value: int) -> None:
    """A number of seconds that no 64-bit count of microseconds holds is an error, not another year."""
    path = put(tmp_path, "x.csv", rows("time_s,id,lat,lng", f"{value},a,1,2"))
    with pytest.raises(FormatError, match=r"x\.csv:2, column time_s: not an instant"):
        read(path)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2017-06-08T12:00:00Z", "2017-06-08T12:00:00Z"),
        ("2017-06-08 12:00:00+00:00", "2017-06-08T12:00:00Z"),
        ("2017-06-08 12:00:00.123456789+00:00", "2017-06-08T12:00:00.123456Z"),
        ("2017-06-08T14:00:00.5+02:00", "2017-06-08T12:00:00.500Z"),
        ("2016-12-31t23:59:60z", "2017-01-01T00:00:00Z"),
        (" 2017-06-08T12:00:00Z ", "2017-06-08T12:00:00Z"),
    ],
)
def test_texts_are_rfc_3339(tmp_path: Path, text: str, instant: str) -> None:
    """What pandas, polars and people write for an instant is read, in UTC, in CSV and in JSON."""
    csv = put(tmp_path, "x.csv", rows("timestamp,id,lat,lng", f"{text},a,1,2", ",a,1,2"))
    json = put(tmp_path, "x.json", f'[{{"timestamp": "{text}", "id": "a", "lat": 1, "lng": 2}}]')
    for path in (csv, json):
        assert format_instant(tracks_of(read(path)).time_us[0]) == instant


@pytest.mark.parametrize(
    "text", ["2017-06-08 12:00:00", "2017-06-08", "noon", "2017-13-08T12:00:00Z", "2017-02-30T12:00:00Z"]
)
def test_a_text_without_an_offset_is_refused(tmp_path: Path, text: str) -> None:
    """Two parties seldom share a time zone: a local time is an error at its line."""
    csv = put(tmp_path, "x.csv", rows("time,id,lat,lng", "2017-06-08T12:00:00Z,a,1,2", f"{text},a,1,2"))
    with pytest.raises(FormatError, match=rf"x\.csv:3, column time: not an instant.*{text}"):
        read(csv)
    json = put(tmp_path, "x.json", f'[{{"time": "{text}", "id": "a", "lat": 1, "lng": 2}}]')
    with pytest.raises(FormatError, match=r"x\.json\[0\]\.time: not an instant"):
        read(json)


# -- who ------------------------------------------------------------------------------------------------


def labels(tmp_path: Path, header: str, line: str, defaults: Defaults | None = None) -> tuple[str, str]:
    """Id and body that a row gives."""
    path = put(tmp_path, "some.day.csv", rows(f"time,lat,lng,{header}", f"{NOON_S},1,2,{line}"))
    found = tracks_of(read(path, defaults)).labels
    return found.ids[0], found.body_of(0)


@pytest.mark.parametrize(
    ("header", "line", "ident", "body"),
    [
        ("icao24,callsign", "3003AE,DLH8JW  ", "3003ae/DLH8JW", "3003ae"),
        ("icao24,callsign,id", "3003ae,,x", "3003ae", "3003ae"),
        ("icao24", "3003ae", "3003ae", "3003ae"),
        ("callsign,id", "DLH8JW,x", "DLH8JW", "DLH8JW"),
        ("id,body", "mission-1,tail 7", "mission-1", "tail 7"),
        (
            "id",
            "0A0B0C0D-0000-4000-8000-000000000000",
            "0A0B0C0D-0000-4000-8000-000000000000",
            "0a0b0c0d-0000-4000-8000-000000000000",
        ),
    ],
)
def test_who_a_row_is(tmp_path: Path, header: str, line: str, ident: str, body: str) -> None:
    """An id is icao24/callsign as far as known; a body is the address, the callsign or what is stated."""
    assert labels(tmp_path, header, line) == (ident, body)


def test_an_id_says_nothing_outside_its_file(tmp_path: Path) -> None:
    """Two files may both have a drone 1: the bodies differ, so that the two are checked."""
    for name in ("a.csv", "b.csv"):
        put(tmp_path, name, rows("time,lat,lng,id", f"{NOON_S},1,2,1"))
    bodies = {tracks_of(read(tmp_path / name)).labels.body_of(0) for name in ("a.csv", "b.csv")}
    assert len(bodies) == 2


def test_a_file_without_names_is_one_thing(tmp_path: Path) -> None:
    """A log that names nobody is one aircraft, called like the file."""
    path = put(tmp_path, "flight7.log.csv", rows("time,lat,lng", f"{NOON_S},1,2", f"{NOON_S + 1},1,2"))
    assert list(tracks_of(read(path)).labels.ids) == ["flight7"]


def test_rows_that_name_nobody_are_left_out(tmp_path: Path) -> None:
    """Where others have names, a row without one is counted and left out."""
    path = put(tmp_path, "x.csv", rows("time,lat,lng,icao24,callsign", f"{NOON_S},1,2,a,", f"{NOON_S},1,2,,"))
    found = read(path)
    assert found.counts == {"points": 1, "tracks": 1}
    assert found.ignored[-1] == "1 row without icao24, callsign or id"


def test_what_is_stated_and_what_is_default(tmp_path: Path) -> None:
    """Party, kind and mode come from the file, and from the defaults only where it is silent."""
    header = "time,lat,lng,id,party,kind,data_mode,altitude_m,altitude_reference,horizontal_uncertainty_m"
    path = put(
        tmp_path,
        "x.csv",
        rows(
            header,
            f"{NOON_S},1,2,a,north,uncrewed,simulated,100,agl,30",
            f"{NOON_S + 1},1,2,a,,,simulated,100,,50",
            f"{NOON_S},1,2,b,,,simulated,100,,",
        ),
    )
    found = tracks_of(read(path, Defaults(party="south", kind=Kind.GROUND, data_mode=DataMode.TEST)))
    assert [found.labels.party_of(i) for i in (0, 1)] == ["north", "south"]
    assert found.labels.kind.tolist() == [Kind.UNCREWED, Kind.GROUND]
    assert found.labels.data_mode is DataMode.SIMULATED
    assert found.reference.tolist() == [AltitudeReference.AGL, AltitudeReference.STD]
    assert found.horizontal_uncertainty_m.tolist() == [50.0, 0.0]
    assert found.vertical_uncertainty_m.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("column", "first", "second", "text"),
    [
        ("party", "north", "south", "the party of 'a' changes on the way; found 'south'; expected north"),
        ("kind", "crewed", "ground", "the kind of 'a' changes"),
        ("altitude_reference", "STD", "W84", "the altitude_reference of 'a' changes"),
    ],
)
def test_what_is_stated_does_not_change_on_the_way(
    tmp_path: Path, column: str, first: str, second: str, text: str
) -> None:
    """One body has one party, one kind and one reference in a file; the line that says otherwise is named."""
    path = put(
        tmp_path,
        "x.csv",
        rows(f"time,lat,lng,id,{column}", f"{NOON_S},1,2,a,{first}", f"{NOON_S},1,2,a,{second}"),
    )
    with pytest.raises(FormatError) as caught:
        read(path)
    assert text in str(caught.value)
    assert "x.csv:3" in str(caught.value)


def test_modes_are_never_mixed(tmp_path: Path) -> None:
    """Two modes in one file are refused, and so is a mode beside rows that state none."""
    for second in ("real", ""):
        path = put(
            tmp_path,
            "x.csv",
            rows("time,lat,lng,id,data_mode", f"{NOON_S},1,2,a,simulated", f"{NOON_S},1,2,b,{second}"),
        )
        with pytest.raises(ModeError, match=r"x\.csv:3: data modes are mixed"):
            read(path)


@pytest.mark.parametrize(
    ("column", "value"), [("kind", "balloon"), ("data_mode", "pretend"), ("altitude_reference", "QNH")]
)
def test_a_word_that_is_none_is_refused(tmp_path: Path, column: str, value: str) -> None:
    """A kind, mode or reference that does not exist is an error with those that do."""
    path = put(tmp_path, "x.csv", rows(f"time,lat,lng,id,{column}", f"{NOON_S},1,2,a,{value}"))
    with pytest.raises(FormatError, match=rf"x\.csv:2, column {column}: not an? .*found '{value}'"):
        read(path)


def test_a_file_may_lie_deep(tmp_path: Path) -> None:
    """A long path makes no name too long."""
    folder = tmp_path / ("d" * 200) / ("e" * 200)
    folder.mkdir(parents=True)
    path = put(folder, "x.csv", rows("time,lat,lng,id", f"{NOON_S},1,2,a"))
    assert tracks_of(read(path)).labels.body_of(0) == f"a in {path}"


def test_a_name_has_an_end(tmp_path: Path) -> None:
    """A text of hundreds of characters is no name."""
    path = put(tmp_path, "x.csv", rows("time,lat,lng,id", f"{NOON_S},1,2,{'x' * 300}"))
    with pytest.raises(FormatError, match=r"x\.csv:2: too long for a name"):
        read(path)


@pytest.mark.parametrize(("word", "kept"), [("True", 1), ("1", 1), ("false", 2), ("0", 2), ("", 2)])
def test_points_on_the_ground_are_left_out_and_counted(tmp_path: Path, word: str, kept: int) -> None:
    """Airborne minima do not apply on the ground: those rows are left out, and said so."""
    path = put(
        tmp_path, "x.csv", rows("time,lat,lng,id,onground", f"{NOON_S},1,2,a,{word}", f"{NOON_S + 1},1,2,a,f")
    )
    found = read(path)
    assert found.counts["points"] == kept
    assert any("on the ground" in sentence for sentence in found.ignored) is (kept == 1)


def test_on_the_ground_is_true_or_false(tmp_path: Path) -> None:
    """Anything else in that column is an error at its line."""
    path = put(
        tmp_path, "x.csv", rows("time,lat,lng,id,onground", f"{NOON_S},1,2,a,f", f"{NOON_S},1,2,a,maybe")
    )
    with pytest.raises(FormatError, match=r"x\.csv:3, column onground: not true or false; found 'maybe'"):
        read(path)


def test_codes_of_columns_do_not_overflow(tmp_path: Path) -> None:
    """Many columns with many different texts still tell bodies apart."""
    from skypact.formats.columns import Feed

    n = 3_000
    names = ["icao24", "callsign", "id", "body", "party", "kind", "data_mode", "altitude_reference"]
    found = Layout.of(["time", "lat", "lng", *names], "x")
    feed = Feed(found, "x", "csv", Defaults())
    words = [str(i) for i in range(n)]
    codes = np.arange(n, dtype=np.int32)
    missing = Texts(np.full(n, -1, np.int32), words)
    texts = dict.fromkeys(names, missing) | {
        name: Texts(codes, words) for name in ("icao24", "callsign", "id", "body", "party")
    }
    numbers = {"lat": np.zeros(n), "lng": np.zeros(n)}
    feed.add(np.full(n, NOON_US), np.ones(n, np.bool_), numbers, texts, place)
    tracks = tracks_of(feed.finish())
    assert len(tracks) == n
    assert tracks.labels.ids[n - 1] == f"{n - 1}/{n - 1}"
    del tmp_path


def test_errors_are_input_errors() -> None:
    """Whoever catches what is wrong with input catches these."""
    assert issubclass(FormatError, InputError)
