"""Altitude references: what compares, what converts and how well, and how people write them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skypact.airspace import altitude as alt
from skypact.airspace.altitude import Altitude, AltitudeReference, Comparability
from skypact.airspace.geoid import undulation_m
from skypact.errors import GeometryError
from skypact.units import FT_M

W84, AMSL, STD, AGL = AltitudeReference

unhurried = settings(deadline=None, max_examples=100)  # the first example may compile a kernel
latitudes, longitudes = st.floats(-90.0, 90.0), st.floats(-180.0, 180.0)


# -- what compares and converts ---------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), list(itertools.product(AltitudeReference, repeat=2)))
def test_comparable(a: AltitudeReference, b: AltitudeReference) -> None:
    """A reference compares with itself; the ellipsoid and the sea by conversion; nothing else does."""
    expected = (
        Comparability.SAME
        if a == b
        else Comparability.CONVERTIBLE
        if {a, b} == {W84, AMSL}
        else Comparability.UNKNOWN
    )
    assert alt.comparable(a, b) is expected
    assert alt.comparable(b, a) is expected


@pytest.mark.parametrize("reference", list(AltitudeReference))
def test_converting_to_the_same_reference_changes_nothing(reference: AltitudeReference) -> None:
    """Nothing changes, nothing is unsure, not even the place is looked at; the answer is a copy."""
    given_m = np.array([1.0, np.nan, -3.0])
    found, bound_m = alt.convert(given_m, reference, reference, np.nan, np.nan)
    assert np.array_equal(found, given_m, equal_nan=True)
    assert found is not given_m
    assert bound_m == 0.0


@pytest.mark.parametrize(
    ("of", "to"), [(a, b) for a, b in itertools.permutations(AltitudeReference, 2) if {a, b} != {W84, AMSL}]
)
def test_other_conversions_are_refused(of: AltitudeReference, to: AltitudeReference) -> None:
    """What cannot be known is an error that says what is lacking, never a guess."""
    lacks = "pressure" if STD in {of, to} else "terrain"
    with pytest.raises(GeometryError, match=f"{of.word} altitudes cannot be turned into {to.word}.*{lacks}"):
        alt.convert(100.0, of, to, 0.0, 0.0)


def test_convert_adds_the_undulation() -> None:
    """Over the ellipsoid is over the sea plus the geoid, which at al-Tanf is 20.19 m over the ellipsoid."""
    found, bound_m = alt.convert([0.0, 1000.0], AMSL, W84, 33.5046, 38.6180)
    assert found == pytest.approx([20.1904, 1020.1904], abs=bound_m)
    found, bound_m = alt.convert([0.0, 1000.0], W84, AMSL, 33.5046, 38.6180)
    assert found == pytest.approx([-20.1904, 979.8096], abs=bound_m)
    assert bound_m == alt.EGM96_INTERPOLATION_ERROR_M


def test_convert_takes_plain_numbers_for_references() -> None:
    """Codes out of an int8 column convert in the same direction as the names."""
    column = np.array([1, 0], np.int8)
    found, _ = alt.convert(0.0, AltitudeReference(column[0]), column[1], 33.5046, 38.6180)
    assert float(found) == pytest.approx(20.1904, abs=0.05)


@unhurried
@given(st.floats(-1e5, 1e5), latitudes, longitudes)
def test_convert_there_and_back(metres: float, lat: float, lng: float) -> None:
    """There and back is home, to rounding."""
    there, _ = alt.convert(metres, AMSL, W84, lat, lng)
    back, _ = alt.convert(there, W84, AMSL, lat, lng)
    assert abs(float(back) - metres) < 1e-9
    assert float(there) - metres == pytest.approx(float(undulation_m(lat, lng)), abs=1e-9)


def test_unknown_altitudes_stay_unknown() -> None:
    """NaN goes in, NaN comes out, and only there."""
    found, _ = alt.convert([np.nan, 5.0], AMSL, W84, [10.0, 10.0], [20.0, 20.0])
    assert np.isnan(found).tolist() == [True, False]


def test_convert_broadcasts() -> None:
    """One altitude over many places, and none over none."""
    found, _ = alt.convert(100.0, AMSL, W84, np.zeros((3, 1)), np.zeros(4))
    assert found.shape == (3, 4)
    assert alt.convert([], AMSL, W84, [], [])[0].shape == (0,)


def test_convert_refuses_a_place_off_the_earth() -> None:
    """A latitude of 91 is no place to convert at."""
    with pytest.raises(GeometryError, match=r"lat_deg\[0\].*91"):
        alt.convert([0.0], AMSL, W84, [91.0], [0.0])


@pytest.mark.parametrize("reference", [AMSL, W84])
def test_with_terrain(reference: AltitudeReference) -> None:
    """Height above ground and the ground's height add up, exactly, and unknown ground stays unknown."""
    found = alt.with_terrain([120.0, 120.0, np.nan], [512.5, np.nan, 3.0], reference)
    assert found[0] == 632.5
    assert np.isnan(found).tolist() == [False, True, True]


@pytest.mark.parametrize("reference", [AGL, STD])
def test_terrain_needs_a_reference_of_its_own(reference: AltitudeReference) -> None:
    """Ground measured from the ground, or by pressure, is refused."""
    with pytest.raises(GeometryError, match=f"terrain.*{reference.word}"):
        alt.with_terrain(1.0, 2.0, reference)


# -- as people write them ---------------------------------------------------------------------------------

READ = [
    ("FL350", 35_000 * FT_M, STD),
    ("FL 065", 6_500 * FT_M, STD),
    ("fl5", 500 * FT_M, STD),
    ("FL195 STD", 19_500 * FT_M, STD),
    ("5000 ft AMSL", 5_000 * FT_M, AMSL),
    ("5000ft MSL", 5_000 * FT_M, AMSL),
    ("5,000ft amsl", 5_000 * FT_M, AMSL),
    ("1,234,567.5 ft STD", 1_234_567.5 * FT_M, STD),
    ("1500 m AMSL", 1500.0, AMSL),
    ("1500MAMSL", 1500.0, AMSL),
    ("1500 metres EGM96", 1500.0, AMSL),
    ("-50 m AMSL", -50.0, AMSL),
    ("+12.5 m W84", 12.5, W84),
    ("120 m AGL", 120.0, AGL),
    ("400ft AGL", 400 * FT_M, AGL),
    ("400 ft GND", 400 * FT_M, AGL),
    ("400 feet SFC", 400 * FT_M, AGL),
    ("400FT ASFC", 400 * FT_M, AGL),
    ("100 m W84", 100.0, W84),
    ("100 m WGS84", 100.0, W84),
    ("100 m WGS 84", 100.0, W84),
    ("100 m WGS-84", 100.0, W84),
    ("100 meters ellipsoid", 100.0, W84),
    ("100. m HAE", 100.0, W84),
    ("35000 ft STD", 35_000 * FT_M, STD),
    ("  0 ft\tAMSL\u00a0", 0.0, AMSL),
]


@pytest.mark.parametrize(("text", "metres", "reference"), READ)
def test_parse_altitude(text: str, metres: float, reference: AltitudeReference) -> None:
    """Altitudes are read as pacts and airspace files write them, as floors and as ceilings alike."""
    expected = Altitude(metres, reference)
    for parse in (alt.parse_altitude, alt.parse_floor, alt.parse_ceiling):
        found = parse(text)
        assert found is not None
        assert found.reference is expected.reference
        assert found.metres == pytest.approx(expected.metres, abs=1e-9)


@pytest.mark.parametrize("text", ["surface", "SFC", "gnd", " Ground "])
def test_surface_is_a_floor_only(text: str) -> None:
    """The surface is an open floor; as a ceiling it is an error."""
    assert alt.parse_altitude(text) is None
    assert alt.parse_floor(text) is None
    with pytest.raises(GeometryError, match=r"a ceiling cannot be the surface.*unlimited"):
        alt.parse_ceiling(text)


@pytest.mark.parametrize("text", ["unlimited", "UNL", "unltd", "UNLIM"])
def test_unlimited_is_a_ceiling_only(text: str) -> None:
    """Unlimited is an open ceiling; as a floor it is an error."""
    assert alt.parse_altitude(text) is None
    assert alt.parse_ceiling(text) is None
    with pytest.raises(GeometryError, match=r"a floor cannot be unlimited.*surface"):
        alt.parse_floor(text)


def test_nothing_above_ground_is_the_surface() -> None:
    """0 above ground is the surface at both ends; 0 above the sea is not."""
    assert alt.parse_floor("0 ft AGL") is None
    with pytest.raises(GeometryError, match="a ceiling cannot be the surface"):
        alt.parse_ceiling("0 m GND")
    assert alt.parse_floor("0 ft AMSL") == alt.parse_ceiling("0 ft AMSL") == Altitude(0.0, AMSL)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "high",
        "FL",
        "FL3500",
        "FL-10",
        "FL35.5",
        "5000 km AMSL",
        "5000 ft QNH",
        "ft AMSL",
        "AMSL 5000 ft",
        "5,00 ft AMSL",
        "1,5 m AMSL",
        "5.000.0 ft AMSL",
        "12 0 m AGL",
        "1e3 m AMSL",
        "nan m AMSL",
        "inf ft AMSL",
        "0x10 m AMSL",
        "٣٠٠ m AMSL",
        "5000 ft AMSL AGL",
        "1" * 5000,
        " " * 1_000_000 + "5000 ft AMSL",
    ],
)
def test_what_is_no_altitude_is_refused(text: str) -> None:
    """Anything else is an error that shows how an altitude is written, quickly and briefly."""
    for parse in (alt.parse_altitude, alt.parse_floor, alt.parse_ceiling):
        with pytest.raises(GeometryError) as caught:
            parse(text, where="zone[0].floor")
        assert str(caught.value).startswith("zone[0].floor: ")
        assert len(str(caught.value)) < 400
        assert "expected an altitude like 5000 ft AMSL" in str(caught.value)


def test_glued_words_have_one_reading() -> None:
    """In 500MSL the M belongs to the reference: the number has no unit, and is not taken for metres."""
    with pytest.raises(GeometryError, match="without a unit"):
        alt.parse_altitude("500MSL")
    assert alt.parse_altitude("500MSL", bare_unit="ft") == Altitude(500 * FT_M, AMSL)
    assert alt.parse_altitude("500MMSL") == Altitude(500.0, AMSL)


def test_an_altitude_without_a_unit_is_refused() -> None:
    """5000 AMSL could be feet or metres: the error says what to write."""
    with pytest.raises(GeometryError, match=r"without a unit.*5000 ft or 5000 m"):
        alt.parse_altitude("5000 AMSL")
    with pytest.raises(GeometryError, match="without a unit"):
        alt.parse_altitude("5000", default=AMSL)


def test_an_altitude_without_a_reference_is_refused() -> None:
    """5000 ft above what: the error says what to write."""
    with pytest.raises(GeometryError, match="without its reference") as caught:
        alt.parse_altitude("5000ft", where="line 7")
    assert str(caught.value) == (
        "line 7: an altitude without its reference; found '5000ft'; "
        "expected 5000 ft AMSL, 5000 ft AGL, 5000 ft STD or 5000 ft W84"
    )
    with pytest.raises(GeometryError, match="expected 70 m AMSL"):
        alt.parse_altitude("70", bare_unit="m")


def test_a_format_may_supply_reference_and_unit() -> None:
    """OpenAir's bare number is feet over the sea; what the text itself says goes first."""
    for parse in (alt.parse_altitude, alt.parse_floor, alt.parse_ceiling):
        assert parse("5000ft", default=AMSL) == Altitude(5000 * FT_M, AMSL)
        assert parse("5000", default=AMSL, bare_unit="ft") == Altitude(5000 * FT_M, AMSL)
        assert parse("5000 AGL", default=AMSL, bare_unit="ft") == Altitude(5000 * FT_M, AGL)
        assert parse("5000 m AGL", default=AMSL, bare_unit="ft") == Altitude(5000.0, AGL)


@pytest.mark.parametrize(
    "text", ["1000001 m AMSL", "-1,000,001 m W84", "3,280,840 ft STD", "9" * 40 + " m AMSL"]
)
def test_absurd_altitudes_are_refused(text: str) -> None:
    """More than 1,000 km either way is a mistake of unit."""
    with pytest.raises(GeometryError, match="1,000 km"):
        alt.parse_altitude(text)
    assert alt.parse_altitude("1,000,000 m AMSL") == Altitude(alt.ALTITUDE_LIMIT_M, AMSL)


def test_a_height_below_ground_is_refused() -> None:
    """Nothing flies below the ground."""
    with pytest.raises(GeometryError, match="below the ground"):
        alt.parse_altitude("-1 ft AGL")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("W84", W84),
        ("wgs 84", W84),
        ("WGS_84", W84),
        (" msl", AMSL),
        ("AMSL", AMSL),
        ("STD", STD),
        ("SFC", AGL),
        ("AGL", AGL),
    ],
)
def test_parse_reference(text: str, reference: AltitudeReference) -> None:
    """References stand alone in some formats, and are read by the same names."""
    assert AltitudeReference.parse(text) is reference
    assert AltitudeReference.parse(reference.word) is reference


@pytest.mark.parametrize("text", ["", "QNH", "AMSL!", "AMSL" + " " * 100 + "AGL", "5"])
def test_other_references_are_refused(text: str) -> None:
    """A reference that is not known is an error that lists the known ones."""
    with pytest.raises(GeometryError, match=r"x: not an altitude reference.*AMSL, AGL, STD or W84"):
        AltitudeReference.parse(text, where="x")


@pytest.mark.parametrize(
    ("altitude", "text"),
    [
        (Altitude(35_000 * FT_M, STD), "FL350"),
        (Altitude(500 * FT_M, STD), "FL005"),
        (Altitude(0.0, STD), "FL000"),
        (Altitude(35_050 * FT_M, STD), "35,050 ft STD"),
        (Altitude(-100 * FT_M, STD), "-100 ft STD"),
        (Altitude(100_000 * FT_M, STD), "100,000 ft STD"),
        (Altitude(1_500 * FT_M, AMSL), "1,500 ft AMSL"),
        (Altitude(120.0, AGL), "120 m AGL"),
        (Altitude(1234.56, W84), "1,234.6 m W84"),
        (Altitude(-0.01, AMSL), "0 m AMSL"),
        (Altitude(-0.0, AMSL), "0 ft AMSL"),
        (Altitude(float("nan"), AMSL), "unknown"),
        (Altitude(float("inf"), AMSL), "open"),
        (None, "open"),
    ],
)
def test_format_altitude(altitude: Altitude | None, text: str) -> None:
    """Altitudes are written for people: flight levels, round feet, else metres."""
    assert alt.format_altitude(altitude) == text


def test_format_says_what_open_means() -> None:
    """An open end is called what the caller calls it."""
    assert alt.format_altitude(None, when_open="unlimited") == "unlimited"
    assert alt.format_altitude(Altitude(-np.inf, AMSL), when_open="surface") == "surface"


@given(st.floats(-1e6, 1e6), st.sampled_from(list(AltitudeReference)))
@example(120.0, AGL)
@example(99_999.96, W84)
def test_what_is_written_is_read_back(metres: float, reference: AltitudeReference) -> None:
    """What people are shown reads back as the same altitude, to half a decimetre."""
    metres = abs(metres) if reference is AGL else metres
    read = alt.parse_altitude(alt.format_altitude(Altitude(metres, reference)))
    assert read is not None
    assert read.reference is reference
    assert abs(read.metres - metres) <= 0.05 + 1e-9


@given(st.integers(-3_000, 99_999), st.sampled_from(["ft", "m"]), st.sampled_from(list(AltitudeReference)))
def test_round_figures_are_kept(number: int, unit: str, reference: AltitudeReference) -> None:
    """Round feet and round metres come back to a nanometre after having been shown."""
    text = f"{abs(number) if reference is AGL else number} {unit} {reference.word}"
    first = alt.parse_altitude(text)
    assert first is not None
    again = alt.parse_altitude(alt.format_altitude(first))
    assert again is not None
    assert again.metres == pytest.approx(first.metres, abs=1e-6)
    assert again.reference is reference


@pytest.mark.unmeasured
@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text does anything but give an altitude, an open end or our own error."""
    outcome: Altitude | GeometryError | None
    try:
        outcome = alt.parse_altitude(text, default=AMSL, bare_unit="ft")
    except GeometryError as error:
        outcome = error
    if isinstance(outcome, GeometryError):
        assert outcome.found == text
    else:
        assert outcome is None or abs(outcome.metres) <= alt.ALTITUDE_LIMIT_M
