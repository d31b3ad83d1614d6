"""Units at the border: lengths and durations as the field writes them."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skypact import units

LENGTHS = {"NM": 1852.0, "nmi": 1852.0, "km": 1000.0, "m": 1.0, "ft": 0.3048, "mi": 1609.344}
DURATIONS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hr": 3600.0, "d": 86400.0}

plain_numbers = st.decimals(min_value=0, max_value=10**9, places=3)


def test_factors() -> None:
    """The factors are those of ICAO Annex 5, exactly."""
    assert units.NM_M == 1852.0
    assert units.FT_M == 0.3048
    assert pytest.approx(0.514444444444, abs=1e-12) == units.KT_M_S
    assert pytest.approx(0.00508, abs=1e-15) == units.FPM_M_S


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("5NM", 9260.0),
        ("1000 ft", 304.8),
        ("55 km", 55_000.0),
        ("30m", 30.0),
        (" 1.5 nmi ", 2778.0),
        (".5km", 500.0),
        ("2. mi", 3218.688),
        ("+3 M", 3.0),
        ("0ft", 0.0),
    ],
)
def test_parse_length(text: str, metres: float) -> None:
    """Lengths are read with their unit, in any case, with or without a space."""
    assert units.parse_length_m(text) == pytest.approx(metres, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5min", 300.0), ("60 s", 60.0), ("1.5h", 5400.0), ("2 HR", 7200.0), ("1d", 86_400.0)],
)
def test_parse_duration(text: str, seconds: float) -> None:
    """Durations are read with their unit."""
    assert units.parse_duration_s(text) == pytest.approx(seconds, abs=1e-9)


@given(plain_numbers, st.sampled_from(sorted(LENGTHS)), st.sampled_from(["", " ", "\t"]))
def test_lengths_round_trip(number: object, unit: str, space: str) -> None:
    """What is written as number and unit is that number of that unit."""
    found = units.parse_length_m(f"{number}{space}{unit}")
    assert found / LENGTHS[unit] == pytest.approx(float(str(number)), rel=1e-15, abs=1e-15)


@given(plain_numbers, st.sampled_from(sorted(DURATIONS)))
def test_durations_round_trip(number: object, unit: str) -> None:
    """A duration written in any unit reads back as the same seconds."""
    found = units.parse_duration_s(f"{number} {unit}")
    assert found / DURATIONS[unit] == pytest.approx(float(str(number)), rel=1e-15, abs=1e-15)


@pytest.mark.parametrize(
    "text", ["", "5", "NM", "5 5 NM", "five NM", "1e3 m", "nan m", "5 NM!", "5,0 km", "\u0665 km"]
)
def test_a_length_without_number_and_unit_is_refused(text: str) -> None:
    """Anything but one number and one unit is refused, and the error shows how a length is written."""
    with pytest.raises(ValueError, match=r"a length is a number with a unit \(.*\), like 5NM or 1000ft"):
        units.parse_length_m(text)


@pytest.mark.parametrize(("parse", "text"), [(units.parse_length_m, "5 s"), (units.parse_duration_s, "5 NM")])
def test_a_unit_of_another_kind_is_refused(parse: object, text: str) -> None:
    """Seconds are no length and miles no duration."""
    assert callable(parse)
    with pytest.raises(ValueError, match="is not one of"):
        parse(text)


@pytest.mark.parametrize("text", ["-5 NM", "-0.1m", "9" * 400 + " km"])
def test_negative_and_endless_lengths_are_refused(text: str) -> None:
    """A length is neither negative nor infinite, and a long text is cut in the message."""
    with pytest.raises(ValueError, match="cannot be negative or endless") as caught:
        units.parse_length_m(text)
    assert len(str(caught.value)) < 200


@given(st.text(max_size=40))
@example("1" * 1_000_000)
@example(" " * 100_000 + "5")
@example("5" + " " * 100_000)
@example("5 " + "N" * 100_000)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text does anything but give a length or a short error."""
    try:
        found = units.parse_length_m(text)
    except ValueError as error:
        found, message = 0.0, str(error)
    else:
        message = ""
    assert math.isfinite(found)
    assert found >= 0.0
    assert len(message) < 300
