"""Lists of sites and movements, as planners have them."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from filings import NOON
from skypact.airspace.labels import DataMode
from skypact.errors import FormatError
from skypact.formats import detect, filing_lists_cells
from skypact.formats.filing_lists import (
    ALIASES,
    COLUMNS,
    ERRORS_MAX,
    NEEDED,
    ListDefaults,
    looks_like_a_list,
    read_list,
)
from skypact.formats.filing_lists_templates import template
from skypact.instants import FOREVER, HOUR_US, parse_instant
from skypact.notify.filing import Movement, Site, Vehicles
from skypact.pact import Filing as FilingClass

if TYPE_CHECKING:
    from pathlib import Path

SITE = {
    "serial": "1",
    "what": "hospital",
    "position": "33.5012, 38.6173",
    "radius": "150 m",
    "from": "2026-05-04T12:00:00Z",
    "reconfirm_by": "2026-06-04T12:00:00Z",
    "contact_role": "desk",
    "contact_hours": "24/7",
    "contact_reach": "phone +000 0021",
    "party": "office",
    "data_mode": "exercise",
}
STOPS = [
    {
        "serial": "4",
        "half_width": "1 km",
        "vehicles": "3 truck (white); 1 × ambulance",  # noqa: RUF001 -- as people write
        "position": "33.5, 38.6173",
        "depart": "2026-05-04T12:00:00Z",
        **{
            key: SITE[key] for key in ("contact_role", "contact_hours", "contact_reach", "party", "data_mode")
        },
    },
    {"serial": "4", "position": "33.6, 38.6173", "arrive": "2026-05-04T13:00:00Z", "stop": "clinic"},
]


def sheet(rows: list[dict[str, Any]], separator: str = ",") -> bytes:
    """Rows as CSV, under every heading that one of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def workbook(*sheets: list[list[Any]]) -> bytes:
    """Sheets of rows of values as XLSX."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        made = book.create_sheet(f"Sheet{number}")
        for row in rows:
            made.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def faults(data: bytes, **more: Any) -> list[str]:
    """What is wrong with a list, of which then nothing is taken."""
    read = read_list(data, "list", ListDefaults(**more))
    assert read.filings == ()
    return [str(error) for error in read.errors]


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_template_is_a_list(kind: str) -> None:
    """Each template is read without a fault, says that it is an exercise, and has every column."""
    read = read_list(template(kind).encode(), f"{kind}.csv")
    assert read.errors == ()
    assert {filing.data_mode for filing in read.filings} == {DataMode.EXERCISE}
    heading = template(kind).splitlines()[0].split(",")
    assert set(heading) == set(COLUMNS[kind]) - {"latitude", "longitude"}
    assert set(NEEDED[kind]) <= set(heading)
    assert not set(ALIASES) & set(COLUMNS[kind])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_site_is_what_its_row_says(separator: str) -> None:
    """Every column comes to where it belongs."""
    row = SITE | {
        "name": "City hospital",
        "accuracy": "20 m",
        "until": "2027-01-01T00:00:00+03:00",
        "early": "10 min",
        "late": "1 h",
        "verified_by": "office",
        "verified_how": "visit",
        "verified_at": "2026-05-01T00:00:00Z",
        "floor": "surface",
        "ceiling": "5,000 ft AMSL",
        "language": "ru",
        "releasable_to": "north; south",
        "supersedes": "",
        "on_behalf_of": "health district",
        "emergency": "flood",
        "note": "two gates",
        "# of people": "300",
    }
    (made,) = read_list(sheet([row], separator), "sites.csv").filings
    subject = made.subject
    assert isinstance(subject, Site)
    assert (made.ref, made.name, made.data_mode) == ("office/1", "City hospital", DataMode.EXERCISE)
    assert (subject.what, subject.radius_mm, made.accuracy_mm) == ("hospital", 150_000, 20_000)
    assert subject.position.text == "33.5012, 38.6173"
    assert subject.verification is not None
    assert (made.window.start_us, made.window.end_us) == (NOON, parse_instant("2026-12-31T21:00:00Z"))
    assert (made.window.early_us, made.window.late_us) == (HOUR_US // 6, HOUR_US)
    assert made.releasable_to == ("north", "south")
    assert (made.language, made.on_behalf_of, made.emergency) == ("ru", "health district", "flood")
    assert made.ceiling == "5,000 ft AMSL"


def test_a_movement_is_the_rows_of_its_serial() -> None:
    """A row is a stop; what is said of the whole is said once or alike; other movements may stand between."""
    other = [row | {"serial": "5"} for row in STOPS]
    rows = [STOPS[0], other[0], STOPS[1] | {"vehicles": STOPS[0]["vehicles"]}, other[1]]
    one, two = read_list(sheet(rows), "moves.csv").filings
    assert isinstance(one.subject, Movement)
    assert one.subject == two.subject
    assert one.filing is FilingClass.MOVEMENT
    assert one.subject.vehicles == (Vehicles(3, "truck", "white"), Vehicles(1, "ambulance"))
    assert [stop.name for stop in one.subject.stops] == ["", "clinic"]
    assert (one.window.start_us, one.window.end_us) == (NOON, NOON + HOUR_US)


def test_what_a_list_leaves_out_is_taken_as_documented() -> None:
    """Open upwards, without an end, language undetermined, released by the pact's rules; nobody is nobody."""
    (made,) = read_list(sheet([SITE]), "l").filings
    assert (made.floor, made.ceiling, made.window.end_us) == ("surface", "unlimited", FOREVER)
    assert (made.language, made.releasable_to, made.accuracy_mm) == ("und", None, 0)
    (hidden,) = read_list(sheet([SITE | {"releasable_to": "nobody"}]), "l").filings
    assert hidden.releasable_to == ()
    bare = {key: value for key, value in SITE.items() if key not in {"party", "data_mode"}}
    (mine,) = read_list(sheet([bare]), "l", ListDefaults("north", DataMode.TEST)).filings
    assert (mine.filer, mine.data_mode) == ("north", DataMode.TEST)
    assert [text.split(": ")[1] for text in faults(sheet([bare]))] == [
        "missing",
        "missing",
    ]


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("serial", "1.5", "not a whole number"),
        ("serial", "0", "not a serial"),
        ("serial", "", "missing"),
        ("what", "", "missing"),
        ("position", "33,5 38,6", "not clear where"),
        ("position", "", "missing"),
        ("radius", "150", "without its unit"),
        ("radius", "0 m", "not a length"),
        ("radius", "9" * 400 + " m", "endless"),
        ("radius", "9" * 300 + " m", "not a length"),
        ("radius", "150,5 m", "a number with a unit"),
        ("from", "2026-05-04 12:00", "without its offset"),
        ("from", "today", "RFC 3339"),
        ("from", "", "missing"),
        ("until", "2020-01-01T00:00:00Z", "from, until: a window ends after it begins"),
        ("early", "soon", "a number with a unit"),
        ("late", "9" * 300 + " d", "late: not a tolerance"),
        ("verified_by", "office", "who, how and when"),
        ("contact_hours", "always", "not hours"),
        ("contact_hours", "", "missing"),
        ("contact_role", "", "missing"),
        ("data_mode", "reality", "not a data mode"),
        ("language", "english!", "language: not a language"),
        ("ceiling", "5000", "ceiling: an altitude without a unit"),
        ("supersedes", "one", "not a whole number"),
        ("supersedes", "3", "what was not filed before it"),
        ("note", "=1+1", "a formula"),
        ("note", "x" * 2001, "too long a cell"),
        ("party", "o\u200bffice", "party: a character that cannot be seen"),
    ],
)
def test_a_fault_names_its_row_and_column(column: str, value: str, why: str) -> None:
    """One fault in one row is told once, with its place, and nothing of the list is taken."""
    rows = [SITE, SITE | {"serial": "2", column: value}]
    (only,) = faults(sheet(rows))
    assert only.startswith("list, line 3, ")
    assert why in only
    assert column in only or "column " in only


def test_every_row_is_read_and_every_fault_is_told() -> None:
    """Faults of several cells of several rows come together, up to a limit."""
    wrong = SITE | {"radius": "150", "position": "here", "from": ""}
    found = faults(sheet([wrong, SITE, wrong]))
    assert [text.split(": ")[0] for text in found] == [
        f"list, line {line}, {column}" for line in (2, 4) for column in ("position", "radius", "from")
    ]
    many = faults(sheet([wrong] * 100))
    assert len(many) == ERRORS_MAX
    assert many[-1] == "list: 101 more faults, which are not told"


def test_a_position_stands_in_one_column_or_in_two() -> None:
    """Both at once, or half of one, is a fault of the row."""
    bare = {key: value for key, value in SITE.items() if key != "position"}
    (made,) = read_list(sheet([bare | {"lat": "33.5", "lon": "38.6173"}]), "l").filings
    assert made.positions()[0][1].text == "33.5, 38.6173"
    assert "two positions" in faults(sheet([SITE | {"latitude": "33.5", "longitude": "38.6"}]))[0]
    assert ", longitude: missing" in faults(sheet([bare | {"lat": "33.5", "lon": ""}]))[0]
    assert ", latitude: missing" in faults(sheet([bare | {"lat": "", "lon": "38"}]))[0]
    assert ", latitude: not a latitude" in faults(sheet([bare | {"lat": "133.5", "lon": "38"}]))[0]
    (spoiled,) = faults(sheet([bare | {"lat": "=A1", "lon": "38"}]))
    assert "a formula" in spoiled


def test_faults_of_a_movement_are_told_at_their_stop() -> None:
    """A wrong time, another value of the whole, one stop alone."""
    one, two = STOPS
    assert (
        "list, line 3, arrive, depart: arrives before"
        in faults(sheet([one, two | {"arrive": "2026-05-04T11:00:00Z"}]))[0]
    )
    assert "list, line 3, half_width: another value" in faults(sheet([one, two | {"half_width": "2 km"}]))[0]
    assert "list, line 2, stops: not a number of stops" in faults(sheet([one]))[0]
    assert (
        "list, line 2, vehicles: not vehicles" in faults(sheet([one | {"vehicles": "three trucks"}, two]))[0]
    )
    assert "list, line 3, position" in faults(sheet([one, two | {"position": "x"}]))[0]
    assert "list, line 2, half_width: missing" in faults(sheet([one | {"half_width": ""}, two]))[0]
    assert len(faults(sheet([one, two | {"serial": ""}]))) >= 3


def test_headings_may_carry_a_unit_or_an_offset() -> None:
    """``radius_m`` takes bare metres and ``from_utc`` times without an offset; nothing is said twice."""
    row = {key: value for key, value in SITE.items() if key not in {"radius", "from"}}
    row |= {"Radius (m)": "150.5", "From UTC": "2026-05-04 12:00"}
    (made,) = read_list(sheet([row]), "l").filings
    assert isinstance(made.subject, Site)
    assert (made.subject.radius_mm, made.window.start_us) == (150_500, NOON)
    assert "two units" in faults(sheet([row | {"Radius (m)": "150 km"}]))[0]
    assert read_list(sheet([row | {"From UTC": "2026-05-04T15:00:00+03:00"}]), "l").filings == (made,)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a,b\n1,2\n", "not a list of sites or of movements"),
        (b"radius,half_width\n1 m,1 m\n", "not a list of sites or of movements"),
        (b"radius,serail\n1 m,1\n", "did you mean 'serial'"),
        (b"radius,lat,lat\n1 m,1,1\n", "there twice"),
        (b"radius,position\n1 m,1\n", "columns are missing"),
        (b"radius,serial,latitude\n", "position (or latitude and longitude)"),
    ],
)
def test_a_heading_that_is_not_known_is_a_fault(data: bytes, why: str) -> None:
    """No column is passed over, and none is guessed."""
    assert any(why in text for text in faults(data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "without rows"),
        (b"\n\n", "without rows"),
        (sheet([SITE]).split(b"\r\n")[0], "without rows"),
        (b"radius\xff\n", "not UTF-8"),
        (b'radius\n"1', "quotes that are closed"),
        (b"PK\x03\x04", "not a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1", "saved as XLSX"),
        (b"a" + b"," * 200 + b"b\n", "too many columns"),
    ],
)
def test_what_is_no_list_is_refused(data: bytes, why: str) -> None:
    """In one line, with the file's name."""
    with pytest.raises(FormatError, match=why) as caught:
        read_list(data, "list")
    assert str(caught.value).startswith("list")


def test_a_value_under_no_heading_is_a_fault() -> None:
    """A row that is longer than its header holds something that nobody named."""
    data = sheet([SITE]).rstrip(b"\r\n") + b",more\r\n"
    assert "under no heading" in faults(data)[0]
    assert "a formula" in faults(data.replace(b",more", b",=more"))[0]


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (template("sites").encode(), True),
        (b"\xef\xbb\xbfNo;Half width;Vehicles\r\n", True),
        (b"PK\x03\x04rest", True),
        (b"id,time,latitude,longitude\n", False),
        (b"serial,latitude,longitude\n", False),
        (b"", False),
    ],
)
def test_a_list_is_told_by_its_heading(head: bytes, is_one: bool) -> None:
    """A workbook, or a serial and how far it reaches; recorded tracks are none."""
    assert looks_like_a_list(head) is is_one


def test_other_commands_say_where_filings_are_checked(tmp_path: Path) -> None:
    """A list or a filing among tracks is told for what it is; tracks with a radius stay tracks."""
    for name, data in (("l.csv", template("sites").encode()), ("f.json", b'{"format": "skypact.filing.1"}')):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(FormatError, match="skypact notify check"):
            detect(path)
    track = tmp_path / "t.csv"
    track.write_bytes(b"serial,time,latitude,longitude,radius\na,2026-05-04T12:00:00Z,1,1,5\n")
    assert detect(track) == "csv"
    other = tmp_path / "o.csv"
    other.write_bytes(b"id,latitude,longitude,radius\na,1,1,5\n")
    assert detect(other) == "csv"


# -- XLSX ---------------------------------------------------------------------------------------------------

HEADING = list(SITE)


def test_a_workbook_is_read_as_a_csv_file_is() -> None:
    """The same rows give the same filings; numbers and dates of the spreadsheet are taken as they stand."""
    plain = read_list(sheet([SITE]), "l").filings
    assert read_list(workbook([HEADING, list(SITE.values())]), "l").filings == plain
    heading = [
        {"position": "latitude", "radius": "radius_m", "from": "from_utc"}.get(name, name) for name in HEADING
    ]
    values: list[Any] = list(SITE.values())
    values[0], values[2], values[3] = 1, 33.5012, 150.0
    values[4] = datetime(2026, 5, 4, 12)  # noqa: DTZ001 -- as a spreadsheet has it
    numbers = workbook([[*heading, "longitude"], [*values, 38.6173]])
    (made,) = read_list(numbers, "l").filings
    assert (made.positions()[0][1].lat_ndeg, made.window) == (33_501_200_000, plain[0].window)


def test_a_workbook_may_hold_both_lists() -> None:
    """Each sheet that has anything in it is a list; empty ones are none."""
    stops = list(csv.reader(io.StringIO(sheet(STOPS).decode())))
    data = workbook([HEADING, [], list(SITE.values())], [], stops)
    read = read_list(data, "l")
    assert {filing.filing for filing in read.filings} == {FilingClass.SITE, FilingClass.MOVEMENT}
    assert (
        "sheet 'Sheet2': not a list" in faults(workbook([HEADING, list(SITE.values())], [["notes"], [1]]))[0]
    )


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("=SUM(A1:A2)", "a formula; found '=SUM(A1:A2)'"),
        ("#REF!", "an error of the spreadsheet"),
        (True, "not a whole number; found 'TRUE'"),
        (1.5, "found '1.5'"),
        (date(2026, 5, 4), "found '2026-05-04 00:00:00'"),
        ("x" * 2001, "too long a cell"),
    ],
)
def test_a_cell_is_named_as_the_spreadsheet_names_it(value: Any, why: str) -> None:
    """A formula is refused by its name and never computed, and so is an error; the cell or row is told."""
    (only,) = faults(workbook([HEADING, list(SITE.values()), [value, *list(SITE.values())[1:]]]))
    assert only.startswith(("list, sheet 'Sheet1', cell A3: ", "list, sheet 'Sheet1', row 3, serial: "))
    assert why in only


def test_columns_beyond_z_are_named() -> None:
    """As a spreadsheet does."""
    assert [filing_lists_cells._letters(n) for n in (0, 25, 26, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_a_list_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, empty rows of a workbook, and what it would be unpacked are limited, and each says its limit."""
    monkeypatch.setattr(filing_lists_cells, "ROWS_MAX", 2)
    with pytest.raises(FormatError, match="at most 2 in one list"):
        read_list(sheet([SITE] * 3), "l")
    far = Workbook()
    assert far.active is not None
    far.active.cell(9, 1, "serial")
    out = io.BytesIO()
    far.save(out)
    with pytest.raises(FormatError, match="too many rows"):
        read_list(out.getvalue(), "l")
    monkeypatch.setattr(filing_lists_cells, "UNPACKED_MAX", 1000)
    with pytest.raises(FormatError, match="a workbook too large"):
        read_list(workbook([HEADING]), "l")


def test_a_damaged_workbook_is_refused() -> None:
    """Whatever part of it is missing, cut or hostile."""
    whole = workbook([HEADING, list(SITE.values())])
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    hostile = b'<!DOCTYPE x [<!ENTITY e "boom">]>' + b"<worksheet>&e;</worksheet>"
    for name in parts:
        for content in (b"", parts[name][: len(parts[name]) // 2], hostile):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                for other, data in parts.items():
                    archive.writestr(other, content if other == name else data)
            assert told(out.getvalue())


def told(data: bytes) -> bool:
    """Whether a list is read, or refused in a line that begins with its name; anything else escapes."""
    try:
        read = read_list(data, "l")
    except FormatError as error:
        return str(error).startswith("l")
    return bool(read.filings) != bool(read.errors)


SOURCES = (sheet([SITE] * 2), sheet(STOPS, ";"), workbook([HEADING, HEADING]))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_bytes_make_a_traceback(data: st.DataObject) -> None:
    """Whatever is changed in a list, it is read, or its faults are told."""
    source = data.draw(st.sampled_from(SOURCES))
    at = data.draw(st.integers(0, len(source)))
    more, less = data.draw(st.binary(max_size=6)), data.draw(st.integers(0, 4))
    assert told(source[:at] + more + source[at + less :])
