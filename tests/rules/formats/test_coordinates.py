"""Coordinates as people write them, held against what they were written from and against GEOTRANS."""

from __future__ import annotations

import math
from fractions import Fraction

import mgrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.airspace.rings import bearing
from skypact.errors import GeometryError
from skypact.formats.coordinates import read_pair, read_position
from skypact.notify.positions import NDEG, Notation, Position, half_diagonal_mm

GEOTRANS = mgrs.MGRS()
LAT = st.integers(-90 * 360_000, 90 * 360_000)
LNG = st.integers(-180 * 360_000, 180 * 360_000)


def distance_m(position: Position, lat_deg: float, lng_deg: float) -> float:
    """From what was understood to what was meant."""
    return bearing(position.lat_deg, position.lng_deg, lat_deg, lng_deg)[1]


def sexagesimal(hundredths: int) -> tuple[int, int, int, int]:
    """Degrees, minutes, seconds and hundredths of a second of so many hundredths of a second."""
    rest, fraction = divmod(abs(hundredths), 100)
    minutes, seconds = divmod(rest, 60)
    degrees, minutes = divmod(minutes, 60)
    return degrees, minutes, seconds, fraction


@given(LAT, LNG)
def test_seconds_are_read_as_they_were_written(lat: int, lng: int) -> None:
    """Degrees, minutes and seconds give the nanodegrees next to what was written, in any style."""
    (d, m, s, f), (d2, m2, s2, f2) = sexagesimal(lat), sexagesimal(lng)
    ns, ew = "S" if lat < 0 else "N", "W" if lng < 0 else "E"
    styles = (
        f"{d:02}°{m:02}'{s:02}.{f:02}\"{ns} {d2:03}°{m2:02}'{s2:02}.{f2:02}\"{ew}",
        f"{ns}{d} {m} {s}.{f:02}, {ew}{d2} {m2} {s2}.{f2:02}",
        f"{d2:03}{m2:02}{s2:02}.{f2:02}{ew} {d:02}{m:02}{s:02}.{f:02}{ns}",
        f"{d}-{m:02}-{s:02}.{f:02}{ns}; {d2}-{m2:02}-{s2:02}.{f2:02}{ew}",
    )
    for text in styles:
        read = read_position(text)
        assert read.lat_ndeg == round(Fraction(lat, 360_000) * NDEG)
        assert read.lng_ndeg == round(Fraction(lng, 360_000) * NDEG)
        assert (read.notation, read.text) == (Notation.SECONDS, text)


@given(LAT, LNG, st.booleans())
def test_minutes_are_read_as_they_were_written(lat: int, lng: int, letters: bool) -> None:
    """Degrees and minutes, with letters or with signs, give what was written."""
    (d, m, _, f), (d2, m2, _, f2) = sexagesimal(lat), sexagesimal(lng)
    whole, whole2 = Fraction(d * 6000 + m * 100 + f, 6000), Fraction(d2 * 6000 + m2 * 100 + f2, 6000)
    if max(whole - 90, whole2 - 180) > 0:
        return
    south, west = lat < 0, lng < 0
    if letters:
        text = f"{d} {m}.{f:02}{'S' if south else 'N'} {d2} {m2}.{f2:02}{'W' if west else 'E'}"
    else:
        text = f"{'-' if south else ''}{d}°{m}.{f:02}', {'-' if west else '+'}{d2}°{m2}.{f2:02}'"
    read = read_position(text)
    assert read.lat_ndeg == round((-whole if south else whole) * NDEG)
    assert read.lng_ndeg == round((-whole2 if west else whole2) * NDEG)
    assert read.notation is Notation.MINUTES


@given(st.integers(-(90 * 10**7), 90 * 10**7), st.integers(-(180 * 10**7), 180 * 10**7), st.integers(0, 7))
def test_rounded_degrees_are_within_what_their_text_can_say(lat: int, lng: int, digits: int) -> None:
    """A position written to some digits is no further from what was meant than the resolution says."""
    text = f"{lat / 1e7:.{digits}f}, {lng / 1e7:.{digits}f}"
    read = read_position(text)
    assert read.text == text
    assert distance_m(read, lat / 1e7, lng / 1e7) * 1000.0 <= read.resolution_mm


@settings(max_examples=300)
@given(st.floats(-79.999, 83.999), st.floats(-180.0, 179.999999), st.integers(0, 5))
def test_a_square_holds_what_geotrans_put_in_it(lat: float, lng: float, digits: int) -> None:
    """What GEOTRANS writes as a square is within half its diagonal of the centre that is read."""
    read = read_position(GEOTRANS.toMGRS(lat, lng, MGRSPrecision=digits))
    side_m = 10.0 ** (5 - digits)
    assert read.notation is Notation.MGRS
    assert side_m * math.sqrt(0.5) <= read.resolution_mm / 1000 <= side_m * math.sqrt(0.5) * 1.0005 + 0.001
    assert distance_m(read, lat, lng) <= read.resolution_mm / 1000 + 1e-4


@settings(max_examples=200)
@given(st.integers(0, 15), st.floats(-3.0, 3.0), st.integers(0, 59), st.floats(-1.5, 1.5), st.integers(2, 5))
def test_a_centre_is_where_geotrans_has_it(band: int, lat: float, zone: int, lng: float, digits: int) -> None:
    """Within a zone, the centre of a square is to a millimetre where GEOTRANS has it."""
    text = GEOTRANS.toMGRS(8 * band - 76 + lat, 6 * zone - 177 + lng, MGRSPrecision=digits)
    assert distance_m(read_position(text), *GEOTRANS.toLatLon(text)) < 1e-3


@pytest.mark.parametrize(
    "text",
    [
        "32VKM1234567890",  # Norway's wide zone, where zone 31 would be
        "31VCG8845553097",
        "31XED5777024580",
        "33XUB3700307286",
        "60KZF1664607259",
        "01KAA8335307259",
        "1KAA8335307259",
        "31NAA6694000000",
        "31MEV5000099999",
        "01CEM0000074220",
    ],
)
def test_exceptional_zones_agree_with_geotrans(text: str) -> None:
    """Norway, Svalbard, the date line, the far south and the equator are where GEOTRANS has them."""
    assert distance_m(read_position(text), *GEOTRANS.toLatLon(text)) < 1e-3


@pytest.mark.parametrize("text", ["31XDG0000000000", "60KZF9999900000", "01KAB0000000000"])
def test_a_square_that_its_zone_does_not_have_is_refused(text: str) -> None:
    """GEOTRANS places such squares in another zone; a wrong letter would move a hospital by as much."""
    with pytest.raises(GeometryError, match="is not in zone"):
        read_position(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("32XNJ12", "no zone 32X"),
        ("61SDT12", "no zone 61S"),
        ("37IDT12", "no zone 37I"),
        ("37SIT12", "no square IT"),
        ("37SDW12", "no square DW"),
        ("37SJT12", "no square JT"),
        ("37SDG1234567890", "is not in zone 37S"),
        ("37SDT123", "as many digits"),
        ("37SDT 123 45", "as many digits"),
        ("37SDT1", "as many digits"),
        ("37SDT123456123456", "up to ten"),
        ("37SDT 123456 123456", "up to ten"),
        ("AZA12345678", "UPS"),
        ("YXK 12345 12345", "UPS"),
        ("33 30 38 37", "not clear where the latitude ends"),
        ("33,38", "one number or two"),
        ("33,5 38,6", "not clear where"),
        ("33,5; 38,6", "full stop"),
        ("133.0, 38.0", "latitude comes first"),
        ("133.0, 138.0", "at most 90"),
        ("33.0, 190.0", "not a longitude"),
        ("33.5N, 38.6", "both with letters"),
        ("33.5N 38.6N", "both with letters"),
        ("-33.5S 38.6E", "says it again"),
        ("N33.5N, 38.6E", "says it again"),
        ("N33.5S, 38.6", "says it again"),
        ("33 60N 38E", "minutes of 60"),
        ("33 30 60N 38E", "seconds of 60"),
        ("33.5 30N 38E", "only the last"),
        ("33300N 38E", "run together"),
        ("here, there", "not a position"),
        ("", "not clear where"),
        ("3" * 81, "too long"),
        ("33.5,\n38.6", "U+000A"),
    ],
)
def test_what_could_be_misread_is_refused(text: str, why: str) -> None:
    """Each refusal names its place, quotes the text and says why."""
    with pytest.raises(GeometryError) as caught:
        read_position(text, where="row 7, position")
    assert why in str(caught.value)
    assert caught.value.where == "row 7, position"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("33.5,38.6173", "33.5000, 38.6173"),
        ("33.5000 38.6173", "33.5000, 38.6173"),
        ("38.6173E 33.5000N", "33.5000, 38.6173"),
        ("33°30′04″ с.ш. 38°37′02″ в.д.", "33 30 04 N 38 37 02 E"),  # noqa: RUF001
        ("33°30′04″ ю. ш., 38°37′02″ з. д.", "33 30 04 S 38 37 02 W"),  # noqa: RUF001
        ("3330N03837E", "33 30 N 38 37 E"),
        ("37s dt 62845 06790", "37SDT6284506790"),
        ("37S DT 6284506790", "37SDT6284506790"),
        ("-0 30.0', 5 0.0'", "-0.500, 5.000"),
        ("33° N, 38° E", "33, 38"),
        ("33.5\u00a0N\t38.6\u202fE", "33.5, 38.6"),
    ],
)
def test_ways_to_write_one_position(text: str, same: str) -> None:
    """Different spellings of one position are understood the same, and each keeps its text."""
    one, other = read_position(text), read_position(same)
    assert (one.lat_ndeg, one.lng_ndeg) == (other.lat_ndeg, other.lng_ndeg)
    assert one.text == text


def test_columns_of_their_own_make_one_text() -> None:
    """A latitude and a longitude apart are kept as one text, which is read again as the same position."""
    read = read_pair(" 33.5", "38.6173 ")
    assert read == read_position("33.5, 38.6173")
    assert read.resolution_mm == read_position("33.5000, 38.6173").resolution_mm
    with pytest.raises(GeometryError, match="too long"):
        read_pair("3" * 40, "4" * 40)
    with pytest.raises(GeometryError, match="not a position"):
        read_pair("33,5", "38.6")


def test_readings_of_two_machines_are_the_same_to_a_millimetre() -> None:
    """Ten nanodegrees are the same, eleven are not, nor is another notation or resolution."""
    one = Position("a", Notation.MGRS, 5, 5, 708)
    assert one.same_as(Position("b", Notation.MGRS, 15, -5, 709))
    assert not one.same_as(Position("a", Notation.MGRS, 16, 5, 708))
    assert not one.same_as(Position("a", Notation.MGRS, 5, 16, 708))
    assert not one.same_as(Position("a", Notation.MGRS, 5, 5, 710))
    assert not one.same_as(Position("a", Notation.SECONDS, 5, 5, 708))
    assert {notation.text for notation in Notation} >= {"decimal degrees"}


@pytest.mark.parametrize(("lat", "lng", "fine"), [(91 * NDEG, 0, 1), (0, 181 * NDEG, 1), (0, 0, -1)])
def test_numbers_that_are_no_position_are_refused(lat: int, lng: int, fine: int) -> None:
    """A position is checked where it is made."""
    with pytest.raises(GeometryError, match="not a position"):
        Position("x", Notation.DEGREES, lat, lng, fine)


def test_half_a_diagonal_is_never_too_small() -> None:
    """A degree at the equator reaches 79 km, at a pole half a degree of latitude alone."""
    assert 78_900_000 < half_diagonal_mm(0, NDEG) < 79_000_000
    assert 55_847_000 <= half_diagonal_mm(90 * NDEG, NDEG) < 56_000_000
