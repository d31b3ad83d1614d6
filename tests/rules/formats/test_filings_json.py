"""Filings as JSON: there and back, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import filings
from filings import AROUND, DESK, NOON
from skypact.airspace.labels import DataMode, Kind
from skypact.errors import InputError
from skypact.formats.coordinates import read_position
from skypact.formats.filings_json import is_filing, read_filings, write_filing
from skypact.instants import FOREVER, HOUR_US
from skypact.notify.filing import Disc, Filing, Movement, Site, Window, ZoneDeclaration
from skypact.pact import Hours

MADE = (
    filings.site(),
    filings.movement(serial=7, supersedes=3, emergency="wounded", accuracy_mm=50_000),
    filings.activity(
        releasable_to=("north", "south"), pass_on=(("north", ("unit",)),), floor="1,000 ft AMSL"
    ),
    filings.zone(note="for people", on_behalf_of="district", language="ru-RU", releasable_to=()),
)
LINES = st.text(st.characters(exclude_categories=("C", "Z")), max_size=40)


@given(
    st.sampled_from(MADE),
    LINES,
    st.integers(1, 2**53 - 1),
    st.sampled_from(DataMode),
    st.integers(0, 10**9),
    st.tuples(st.integers(-(2**50), 2**50), st.integers(1, 10**15), st.integers(0, 10**12)),
)
def test_a_filing_is_the_same_there_and_back(
    made: Filing, text: str, serial: int, mode: DataMode, size: int, when: tuple[int, int, int]
) -> None:
    """Whatever is in it, it comes back equal, and is the same bytes again."""
    more: dict[str, Any] = {"name": text, "note": text, "data_mode": mode, "accuracy_mm": size}
    if made.supersedes is None:
        more["serial"] = serial
    if not isinstance(made.subject, Movement):
        more["window"] = Window(when[0], when[0] + when[1], when[2], when[2] // 2)
    filing = replace(made, **more)
    data = write_filing(filing)
    assert read_filings(data, "f.json") == [filing]
    assert write_filing(read_filings(data, "f.json")[0]) == data
    assert is_filing(data)


@given(st.integers(-(90 * 10**7), 90 * 10**7), st.integers(-(180 * 10**7), 180 * 10**7))
def test_positions_keep_their_text_and_their_numbers(lat: int, lng: int) -> None:
    """A position comes back with the text as it was written and with all of its digits."""
    position = read_position(f"{lat / 1e7:.7f}, {lng / 1e7:.7f}")
    zone = filings.filing(ZoneDeclaration("z", Disc(position, 5), "call", (Kind.STATIC,)))
    assert read_filings(write_filing(zone), "f")[0].positions()[0][1] == position


def test_no_number_in_it_is_a_fraction() -> None:
    """Every number of every class is whole."""

    def refuse(text: str) -> None:
        raise AssertionError(text)

    for made in MADE:
        assert json.loads(write_filing(made), parse_float=refuse)["format"] == "skypact.filing.1"


def test_an_array_holds_several() -> None:
    """One after the other; and an error names which."""
    data = b"[" + b",".join(map(write_filing, MADE)) + b"]"
    assert read_filings(data, "f.json") == list(MADE)
    with pytest.raises(InputError) as caught:
        read_filings(data.replace(b'"serial":7', b'"serial":0'), "f.json")
    assert str(caught.value) == "f.json[1].serial: not a serial; found 0; expected 1, 2, 3, ..."
    assert not is_filing(b'{"type": "FeatureCollection"}')


def changed(made: Filing, path: str, value: Any) -> bytes:
    """A filing's JSON with another value at a path, or without the member where it is None."""
    document = json.loads(write_filing(made))
    *outer, last = path.split(".")
    inner = document
    for key in outer:
        inner = inner[int(key)] if key.isdigit() else inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(document).encode()


SITE, CONVOY, PRACTICE, ZONE = MADE


@pytest.mark.parametrize(
    ("made", "path", "value", "where", "why"),
    [
        (SITE, "serial", 1.5, "serial", "expected 'int', got 'float'; found 1.5"),
        (SITE, "serial", True, "serial", "expected 'int'"),
        (SITE, "serial", "1", "serial", "found '1'"),
        (SITE, "format", "skypact.filing.2", "format", "skypact.filing.2"),
        (SITE, "data_mode", "reality", "data_mode", "reality"),
        (SITE, "threat", 5, "", "threat"),
        (SITE, "window", None, "", "missing required field 'window'"),
        (SITE, "window.start", "2026-05-04 12:00", "window.start", "RFC 3339"),
        (SITE, "window.end", "2020-05-04T12:00:00Z", "window", "ends after it begins"),
        (SITE, "contact.hours", ["always"], "contact.hours[0]", "not hours"),
        (SITE, "contact.role", "", "contact.role", "missing"),
        (SITE, "subject.class", "target", "subject.class", "target"),
        (SITE, "subject.what", "", "subject.what", "missing"),
        (SITE, "subject.radius_mm", 0, "subject.radius_mm", "not a length"),
        (SITE, "subject.reconfirm_by", "soon", "subject.reconfirm_by", "RFC 3339"),
        (SITE, "subject.verification.at", "then", "subject.verification.at", "RFC 3339"),
        (SITE, "subject.position.text", "there", "subject.position.text", "not a position"),
        (SITE, "subject.position.lat_ndeg", 33_600_000_000, "subject.position", "not one position"),
        (SITE, "subject.position.resolution_mm", 0, "subject.position", "not one position"),
        (SITE, "subject.position.lat_ndeg", 10**12, "subject.position", "not a position"),
        (CONVOY, "subject.stops.1.arrive", "x", "subject.stops[1].arrive", "RFC 3339"),
        (CONVOY, "subject.stops.1.depart", "x", "subject.stops[1].depart", "RFC 3339"),
        (CONVOY, "subject.vehicles.0.count", 0, "subject.vehicles[0]", "number of vehicles"),
        (
            CONVOY,
            "subject.stops.2.position.notation",
            "mgrs",
            "subject.stops[2].position",
            "not one position",
        ),
        (PRACTICE, "subject.area.shape", "arc", "subject.area.shape", "arc"),
        (PRACTICE, "subject.area.vertices.3.text", "", "subject.area.vertices[3].text", "not clear where"),
        (ZONE, "subject.area.centre.lng_ndeg", 0, "subject.area.centre", "not one position"),
        (ZONE, "subject.applies_to", ["enemy"], "subject.applies_to[0]", "enemy"),
        (PRACTICE, "pass_on", {"north": "unit"}, "pass_on[...]", "expected 'array', got 'str'"),
        (ZONE, "ceiling", "5000", "ceiling", "without a unit"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(
    made: Filing, path: str, value: Any, where: str, why: str
) -> None:
    """The file, the path, what stands there and what should."""
    with pytest.raises(InputError) as caught:
        read_filings(changed(made, path, value), "f.json")
    assert caught.value.where == (f"f.json: {where}" if where else "f.json")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"5", "expected 'object'"),
        (b"[5]", "expected 'object'"),
        (b"[]", "not a number of filings"),
        (b'{"format": "skypact.filing.1", "format": "x"}', "twice"),
    ],
)
def test_what_is_no_filing_is_refused(data: bytes, why: str) -> None:
    """In one line, with the file's name."""
    with pytest.raises(InputError, match=why) as caught:
        read_filings(data, "f.json")
    assert str(caught.value).startswith("f.json")


def test_a_file_has_no_end_of_filings(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the limit is refused, with the limit."""
    monkeypatch.setattr("skypact.formats.filings_json.FILINGS_MAX", 1)
    with pytest.raises(InputError, match="1 to 1 in one file"):
        read_filings(b"[{}, {}]", "f.json")


def test_a_site_without_an_end_is_written_as_one() -> None:
    """An open end is null, an unverified site has null, hours stay as they were written."""
    subject = SITE.subject
    assert isinstance(subject, Site)
    hours = replace(DESK, hours=(Hours.parse("Mon-Fri 06:00-18:00 Z"),), languages=("en",))
    open_site = replace(SITE, subject=replace(subject, verification=None), contact=hours)
    document = json.loads(write_filing(open_site))
    assert document["window"]["end"] is None
    assert document["subject"]["verification"] is None
    assert document["contact"]["hours"] == ["Mon,Tue,Wed,Thu,Fri 06:00-18:00 Z"]
    assert read_filings(write_filing(open_site), "f")[0].window.end_us == FOREVER
    assert (NOON + HOUR_US, AROUND[0].text) == (NOON + HOUR_US, "33.50000, 38.60000")
