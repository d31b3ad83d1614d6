"""CSV tracks: what is read, in which units, and how a line that is wrong is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from skypact.airspace.altitude import AltitudeReference
from skypact.errors import FormatError
from skypact.formats import csv_tracks, read
from skypact.units import FPM_M_S, FT_M, KT_M_S
from track_files import NOON_S, NOON_US, OPENSKY, TRAFFIC, put, rows, tracks_of

if TYPE_CHECKING:
    from pathlib import Path


def test_traffic(tmp_path: Path) -> None:
    """A CSV of the traffic library, as pandas writes it: positions, feet to metres, the last state."""
    text = rows(
        "," + TRAFFIC,
        "0,2018-08-01 05:27:30+00:00,3003ae,DLH8JW,45.8,9.2,34975.0,443.5,324.2,960.0",
        "1,2018-08-01 05:27:40+00:00,3003ae,DLH8JW,45.9,9.1,35000.0,440.0,90.0,-64.0",
    )
    found = read(put(tmp_path, "x.csv", text))
    tracks, states = tracks_of(found), found.states
    assert list(tracks.labels.ids) == ["3003ae/DLH8JW"]
    assert tracks.altitude_m.tolist() == [34975 * FT_M, 35000 * FT_M]
    assert tracks.reference.tolist() == [AltitudeReference.STD]
    assert np.diff(tracks.time_us).tolist() == [10_000_000]
    assert states is not None
    assert states.ground_speed_m_s.tolist() == [440.0 * KT_M_S]
    assert states.track_rad.tolist() == [np.radians(90.0)]
    assert states.vertical_rate_m_s.tolist() == [-64.0 * FPM_M_S]
    assert states.time_us.tolist() == [tracks.time_us[1]]
    assert found.counts == {"points": 2, "tracks": 1, "states": 1}
    assert tracks.labels.source_of(0) == str(tmp_path / "x.csv")


def test_opensky(tmp_path: Path) -> None:
    """A CSV of state vectors: SI units, positions at lastposupdate, repeated positions once."""
    text = rows(
        OPENSKY,
        f"{NOON_S},3003ae,45.8,9.2,220.5,324.2,4.9,DLH8JW  ,false,10600,10700,{NOON_S - 0.25}",
        f"{NOON_S + 1},3003ae,45.8,9.2,220.5,324.2,4.9,DLH8JW  ,false,10610,10710,{NOON_S - 0.25}",
        f"{NOON_S + 2},3003ae,45.9,9.2,221.0,324.2,,DLH8JW  ,false,10620,10720,{NOON_S + 1.5}",
        f"{NOON_S + 3},3003ae,,,221.0,324.2,,DLH8JW  ,false,,,",
        f"{NOON_S + 4},3003ae,46,9.2,221.0,324.2,,DLH8JW  ,false,,,",
    )
    found = read(put(tmp_path, "x.csv", text))
    tracks = tracks_of(found)
    assert tracks.time_us.tolist() == [NOON_US - 250_000, NOON_US + 1_500_000]
    assert tracks.altitude_m.tolist() == [10600, 10620]
    assert found.states is not None
    assert found.states.ground_speed_m_s.tolist() == [221.0]
    assert found.states.vertical_rate_m_s.tolist() == [0.0]
    assert found.ignored == (
        "columns not used: time, geoaltitude",
        "1 row without a position",
        "1 row without a time (lastposupdate)",
        "1 row repeating a position already read (same time of position and place)",
        (
            "1 leg faster than 1,000 m/s, the first at 2017-06-08T12:00:01.500Z: two things under one name? "
            "They are kept as they are"
        ),
        "1 state without a vertical rate: a prediction takes it as level flight",
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_ends_of_line(tmp_path: Path, separator: str, end: str) -> None:
    """Any usual separator and either end of line, quotes or none, blank lines between."""
    lines = [
        "time,id,lat,lng,altitude_m",
        f'"{NOON_S}","a;b|c,d","1","2","3"',
        "",
        f"{NOON_S + 1},x,1,2,",
        "",
    ]
    text = end.join(
        line
        if i == 1 and separator == ","
        else line.replace('","', f'"{separator}"')
        if i == 1
        else line.replace(",", separator)
        for i, line in enumerate(lines)
    )
    tracks = tracks_of(read(put(tmp_path, "x.csv", text)))
    assert list(tracks.labels.ids) == ["a;b|c,d", "x"]
    assert np.isnan(tracks.altitude_m[1])


def test_blanks_around_numbers(tmp_path: Path) -> None:
    """Blanks around values are no part of them; the file is then read as text, with the same result."""
    text = rows(
        "time, id, lat, lng, altitude_m", f"{NOON_S}, a, 1.5 , 2.5, ", f" {NOON_S + 1}, a, 1.5, 2.5, 7"
    )
    tracks = tracks_of(read(put(tmp_path, "x.csv", text)))
    assert tracks.lat_deg.tolist() == [1.5, 1.5]
    assert tracks.time_us.tolist() == [NOON_US, NOON_US + 1_000_000]
    assert tracks.altitude_m[1] == 7.0


@pytest.mark.parametrize("null", ["", "NULL", "NaN", "nan", "null", "None", "N/A", "\\N"])
def test_missing_altitudes_are_unknown(tmp_path: Path, null: str) -> None:
    """A missing altitude stays unknown, however it is written."""
    text = rows("time,id,lat,lng,altitude_m", f"{NOON_S},a,1,2,{null}", f"{NOON_S + 1},a,1,2,5")
    assert np.isnan(tracks_of(read(put(tmp_path, "x.csv", text))).altitude_m).tolist() == [True, False]


@pytest.mark.parametrize("times", [("5", "7.5"), ("1496923200", "1496923201.5"), ("1.5e9", "1500000001")])
def test_whole_and_broken_seconds_in_one_column(tmp_path: Path, times: tuple[str, str]) -> None:
    """A column that begins with whole seconds may go on with fractions."""
    lines = [f"{times[0]},a,1,2"] * 200 + [f"{times[1]},a,1,3"]
    tracks = tracks_of(read(put(tmp_path, "x.csv", rows("time,id,lat,lng", *lines))))
    assert tracks.time_us.tolist() == [round(float(time) * 1e6) for time in times]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{t},a,91,2,3", "x.csv:4, column lat: not a latitude; found 91.0; expected degrees from -90 to 90"),
        ("{t},a,-90.001,2,3", "x.csv:4, column lat: not a latitude"),
        ("{t},a,1,361,3", "x.csv:4, column lng: not a longitude; found 361.0"),
        ("{t},a,1,2,inf", "x.csv:4, column altitude_m: not an altitude; found inf"),
        ("{t},a,1,2,2000000", "x.csv:4, column altitude_m: not an altitude; found 2000000.0"),
        ("{t},a,north,2,3", "x.csv:4, column lat: not a number; found 'north'; expected a number"),
        ("{t},a,1,2,3 m", "x.csv:4, column altitude_m: not a number; found '3 m'"),
        ("{t},a,0x1,2,3", "x.csv:4, column lat: not a number"),
        ("later,a,1,2,3", "x.csv:4, column time: not a time like the others; found 'later'"),
        ("{t}000,a,1,2,3", "x.csv:4, column time: not a time in the unit of the others"),
        ("{t},a,1,2", "x.csv:4: not as many values as the header has names; found 4; expected 5"),
        ("{t},a,1,2,3,4", "x.csv:4: not as many values as the header has names; found 6; expected 5"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, text: str) -> None:
    """The error has the file, the line, the column, what stands there and what should."""
    good = f"{NOON_S},a,1,2,3"
    path = put(tmp_path, "x.csv", rows("time,id,lat,lng,altitude_m", good, good, line.format(t=NOON_S), good))
    with pytest.raises(FormatError) as caught:
        read(path)
    assert str(caught.value).startswith(str(tmp_path))
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("groundspeed_m_s", "-1", "not a ground speed; found -1.0"),
        ("groundspeed_m_s", "99999", "not a ground speed"),
        ("track", "400", "not a direction"),
        ("vertical_rate_m_s", "-20000", "not a vertical rate"),
        ("horizontal_uncertainty_m", "-3", "not a horizontal uncertainty"),
        ("vertical_uncertainty_m", "-3", "not a vertical uncertainty"),
    ],
)
def test_a_velocity_that_cannot_be_is_named(tmp_path: Path, column: str, value: str, text: str) -> None:
    """Speeds below zero, directions beyond the circle and negative uncertainties are errors at their line."""
    names = [
        "groundspeed_m_s",
        "track",
        "vertical_rate_m_s",
        "horizontal_uncertainty_m",
        "vertical_uncertainty_m",
    ]
    header = "time,id,lat,lng," + ",".join(names)
    line = f"{NOON_S},a,1,2," + ",".join(value if name == column else "1" for name in names)
    with pytest.raises(FormatError) as caught:
        read(put(tmp_path, "x.csv", rows(header, line)))
    assert f"x.csv:2, column {column}: {text}" in str(caught.value)


def test_lines_are_counted_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of an error is right far into a file that is read in many blocks."""
    monkeypatch.setattr(csv_tracks, "BLOCK_BYTES", 4_000)
    good = [f"{NOON_S + i},a,{1 + i / 1e4},2,3" for i in range(5_000)]
    header = "time,id,lat,lng,altitude_m"
    assert read(put(tmp_path, "x.csv", rows(header, *good))).counts["points"] == 5_000
    for bad, where in ((f"{NOON_S},a,91,2,3", ":4323, column lat"), (f"{NOON_S},a", ":4323: not as many")):
        lines = [*good[:4_321], bad, *good[4_321:]]
        with pytest.raises(FormatError, match=where):
            read(put(tmp_path, "x.csv", rows(header, *lines)))


def test_what_is_no_utf8_is_refused(tmp_path: Path) -> None:
    """A name in another encoding is an error, not a name with wrong letters."""
    data = rows("time,id,lat,lng", f"{NOON_S},Zürich,1,2").encode("latin-1")
    with pytest.raises(FormatError, match=r"x\.csv: cannot be read as CSV.*UTF8"):
        read(put(tmp_path, "x.csv", data))


def test_a_line_without_an_end_is_refused(tmp_path: Path) -> None:
    """A line of many megabytes is no row, whatever is in it."""
    head = rows("time,id,lat,lng", f"{NOON_S},a,1,2")
    for tail in ("x" * 10_000_000, '"' + "y,\n" * 3_000_000):
        with pytest.raises(FormatError, match=r"x\.csv"):
            read(put(tmp_path, "x.csv", head + tail))


@pytest.mark.parametrize("text", ["", "time\n", "\xff\xfe", "time\rx,lat,lng\n", "t" * 70_000])
def test_what_has_no_header_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is said to be CSV and has no header is an error at its first line."""
    with pytest.raises(FormatError, match=r"x\.csv:1: no CSV header"):
        read(put(tmp_path, "x.csv", text.encode("latin-1")), format="csv")


def test_a_header_alone_holds_nothing(tmp_path: Path) -> None:
    """A file without one point is refused, so that nothing found never means nothing read."""
    with pytest.raises(FormatError, match="holds no usable point; found 'no rows'"):
        read(put(tmp_path, "x.csv", rows(TRAFFIC)))
    with pytest.raises(FormatError, match="2 rows without a position"):
        read(put(tmp_path, "x.csv", rows("time,id,lat,lng", f"{NOON_S},a,,2", f"{NOON_S},a,1,")))


def test_the_columns_that_are_not_used_may_hold_anything(tmp_path: Path) -> None:
    """Remarks with quotes, separators and line breaks are passed over."""
    text = f'time,id,remark,lat,lng\n{NOON_S},a,"a ""quoted"", text\nof two lines",1,2\n{NOON_S + 1},a,,1,2\n'
    found = read(put(tmp_path, "x.csv", text))
    assert found.counts == {"points": 2, "tracks": 1}
    assert found.ignored[-1] == "columns not used: remark"


def test_points_that_name_nobody_are_never_silently_one_aircraft(tmp_path: Path) -> None:
    """Without a column of names, points that cannot be of one thing are refused.

    Others are said to be taken as one.
    """
    head = "registration,time,lat,lon,altitude_ft\n"
    two = tmp_path / "two.csv"
    two.write_text(
        head
        + "E,1735725600,0,0,30000\nW,1735725600,0,1,30000\n"
        + "E,1735725610,0,0.01,30000\nW,1735725610,0,0.99,30000\n",
        encoding="utf-8",
    )
    with pytest.raises(FormatError, match="name nobody"):
        read(two)
    one = tmp_path / "one.csv"
    one.write_text(head + "E,1735725600,0,0,30000\nE,1735725610,0,0.01,30000\n", encoding="utf-8")
    assert any("name nobody and are taken as one thing" in text for text in read(one).ignored)
