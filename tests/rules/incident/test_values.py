"""What a claim can say: read from text once, and compared as the set of what it allows."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.errors import InputError
from skypact.incident import values
from skypact.incident.values import UNITS, Dimension, Meeting, Period, Place, Quantity, meeting
from skypact.instants import SECOND_US, parse_instant

LENGTHS = [unit for unit, (of, _) in UNITS.items() if of is Dimension.LENGTH]
numbers = st.integers(-200, 200).map(lambda n: f"{n / 4:.2f}")
spreads = st.integers(0, 80).map(lambda n: f"{n / 4:.2f}")
bounds = st.sampled_from(["", "at least ", "at most ", "more than ", "less than "])


@st.composite
def quantities(draw: st.DrawFn, unit: str | None = None) -> Quantity:
    """Any quantity that can be compared."""
    unit = draw(st.sampled_from(["", "km"])) if unit is None else unit
    if draw(st.booleans()) and unit:
        low, high = sorted((float(draw(numbers)), float(draw(numbers))))
        return values.quantity(f"{low:.2f}..{high:.2f} ± {draw(spreads)} {unit}")
    number = draw(numbers) if unit else str(draw(st.integers(-50, 50)))
    return values.quantity(f"{draw(bounds)}{number} ± {draw(spreads)} {unit}")


periods = st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda p: Period("", p[0], p[0] + p[1]))
places = st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 4)).map(
    lambda p: Place("", 33.0 + p[0] / 100.0, 38.0 + p[1] / 100.0, p[2] * 800.0)
)
warnings = st.tuples(
    st.sampled_from(["any channel", "hotline", "radio"]),
    st.sampled_from(["", ", 20 min before", ", less than 1 min before", ", at 2017-06-08T05:00:00Z"]),
).map(lambda p: values.warned("".join(p)))
anything = st.one_of(
    quantities(),
    periods,
    places,
    warnings,
    st.sampled_from(["zone", "Zone ", "other"]).map(values.named),
    st.sampled_from(["mine", "not mine", "unknown", "not answering for the militia"]).map(values.scope),
    st.sampled_from(["a", "b"]).map(values.words),
)


def allows(value: Quantity, number: Fraction) -> bool:
    """Whether a number is one of those that a quantity allows: the slow way."""
    if not value.unit and number.denominator != 1:
        return False
    above = value.low is None or number > value.low or (number == value.low and not value.low_open)
    below = value.high is None or number < value.high or (number == value.high and not value.high_open)
    return above and below


@pytest.mark.unmeasured
@given(quantities(), quantities())
def test_two_quantities_meet_as_the_numbers_that_they_allow(a: Quantity, b: Quantity) -> None:
    """Every word is what looking at numbers one by one says, on a grid that has all the ends."""
    if a.dimension is not b.dimension:
        assert meeting(a, b) is None
        return
    step = Fraction(1, 8) * (UNITS[a.unit][1] if a.unit else 1)
    grid = [n * step for n in range(-1200, 1201)] if a.unit else [Fraction(n) for n in range(-150, 151)]
    first, second = {n for n in grid if allows(a, n)}, {n for n in grid if allows(b, n)}
    expected = (
        Meeting.SAME
        if first == second
        else Meeting.APART
        if not first & second
        else Meeting.WITHIN
        if first < second
        else Meeting.AROUND
        if first > second
        else Meeting.OVERLAP
    )
    assert meeting(a, b) is expected


@given(anything, anything)
def test_how_two_meet_is_the_same_from_both_sides(a: values.Value, b: values.Value) -> None:
    """Turned round, within is around, and all else is itself."""
    there, back = meeting(a, b), meeting(b, a)
    assert back is (None if there is None else there.turned)


@given(anything)
def test_a_value_is_the_same_as_itself_or_for_people(a: values.Value) -> None:
    """Only words are not compared even with themselves."""
    assert meeting(a, a) in ({None} if isinstance(a, values.Words) else {Meeting.SAME})


@given(numbers, spreads, st.sampled_from(LENGTHS), st.sampled_from(LENGTHS), quantities("km"))
def test_the_unit_changes_nothing(number: str, spread: str, one: str, other: str, b: Quantity) -> None:
    """A length said in another unit, exactly, meets everything as it did."""
    a = values.quantity(f"{number} ± {spread} {one}")
    factor = UNITS[one][1] / UNITS[other][1]
    low, high = ((Fraction(number) + sign * Fraction(spread)) * factor for sign in (-1, 1))
    size = UNITS[other][1]
    turned = Quantity("", other, low * size, high * size)
    assert meeting(a, turned) is Meeting.SAME
    assert meeting(turned, b) is meeting(a, b)


@given(numbers, spreads, spreads, quantities("km"))
def test_precision_widens_agreement_of_numbers(number: str, spread: str, more: str, b: Quantity) -> None:
    """What could both be true still can when one is said less precisely."""
    a = values.quantity(f"{number} ± {spread} km")
    wider = values.quantity(f"{number} ± {float(spread) + float(more):.2f} km")
    assert meeting(a, b) is Meeting.APART or meeting(wider, b) is not Meeting.APART


@settings(max_examples=60)
@given(places, st.integers(0, 5000), places)
def test_precision_widens_agreement_of_places(a: Place, more_m: int, b: Place) -> None:
    """The same for a place and its accuracy."""
    wider = Place("", a.lat_deg, a.lng_deg, a.accuracy_m + more_m)
    assert meeting(a, b) is Meeting.APART or meeting(wider, b) is not Meeting.APART
    assert meeting(a, wider) in {Meeting.SAME, Meeting.WITHIN}


@given(periods, st.integers(0, 30), periods)
def test_precision_widens_agreement_of_times(a: Period, more: int, b: Period) -> None:
    """The same for a time."""
    wider = Period("", a.earliest_us - more, a.latest_us + more)
    assert meeting(a, b) is Meeting.APART or meeting(wider, b) is not Meeting.APART


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("more than 60", "60", Meeting.APART),
        ("more than 60", "61", Meeting.AROUND),
        ("less than 1", "0", Meeting.AROUND),
        ("at most 2", "at least 2", Meeting.OVERLAP),
        ("20 min", "1200 s", Meeting.AROUND),
        ("20 min", "1 h", Meeting.APART),
        ("20 min", "20.0 min", Meeting.AROUND),
        ("more than 5 km", "5 ± 0 km", Meeting.APART),
        ("at least 5 km", "5 ± 0 km", Meeting.AROUND),
        ("55 km", "34 mi", Meeting.WITHIN),
        ("about 40 min", "40 min", None),
        ("40 min", "40 km", None),
    ],
)
def test_quantities_as_they_are_written(a: str, b: str, expected: Meeting | None) -> None:
    """A count is exact and whole, a number with a unit as precise as its last digit."""
    assert meeting(values.quantity(a), values.quantity(b)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "many",
        "0.5",
        "5 ± 1 ± 1 km",
        "5 leagues",
        "5..3 km",
        "at least 5..6 km",
        "5 ± -1 km",
        "1e9 km",
        "nan km",
        "5\nkm",
        "x" * 3000,
    ],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """With what was expected."""
    with pytest.raises(InputError) as caught:
        values.quantity(text)
    assert caught.value.expected


def test_times_as_they_are_written() -> None:
    """An instant, one with a precision, a whole day at its offset, a stretch."""
    at = parse_instant("2017-06-08T06:10:00Z")
    assert values.period("2017-06-08T09:10:00+03:00") == Period("", at, at)
    assert values.period("2017-06-08T06:10:00Z ± 5 min") == Period(
        "", at - 300 * SECOND_US, at + 300 * SECOND_US
    )
    day = values.period("2017-06-08+03:00")
    assert day.earliest_us == parse_instant("2017-06-07T21:00:00Z")
    assert day.latest_us == parse_instant("2017-06-08T21:00:00Z") - 1
    assert meeting(day, values.period("2017-06-07Z")) is Meeting.OVERLAP
    both = values.period("2017-06-08T06:00:00Z/2017-06-08T07:00:00Z")
    assert meeting(values.period("2017-06-08T06:10:00Z"), both) is Meeting.WITHIN
    assert values.instant_words(both) == "2017-06-08T06:00:00Z to 2017-06-08T07:00:00Z"
    assert values.instant_words(Period("", at, at)) == "2017-06-08T06:10:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2017-06-08",
        "2017-06-08T06:10:00",
        "on Tuesday",
        "2017-06-08T06:10:00Z ± 5 km",
        "2017-06-08T06:10:00Z ± at least 5 min",
        "2017-06-08T06:10:00Z ± 5 min ± 5 min",
        "2017-06-09Z/2017-06-08Z",
        "2017-13-08Z",
        "2017-06-08T06:10:00Z ± 999999999999999999 d",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """A time without an offset above all."""
    with pytest.raises(InputError):
        values.period(text)


def test_places_as_they_are_written() -> None:
    """Degrees with an accuracy, or that of the last digits; a name is for people."""
    near = values.place("33.5046, 38.6180 ± 5 km")
    assert near == Place("", 33.5046, 38.618, 5000.0)
    assert values.place("33.50, 38.6").accuracy_m == pytest.approx(0.05 * 2**0.5 * 111_700.0)
    assert meeting(near, values.place("33.5046, 38.6180 ± 6 km")) is Meeting.WITHIN
    assert meeting(near, values.place("33.6, 38.7 ± 9 km")) is Meeting.OVERLAP
    away = values.place("34.5, 38.6 ± 9 km")
    assert meeting(near, away) is Meeting.APART
    assert values.gap(near, away) == "96.4 km"
    assert values.place_or_words("near al-Tanf") == values.Words("near al-Tanf")
    assert values.place_or_words("33.5046, 38.6180 ± 5 km") == near


@pytest.mark.parametrize(
    "text",
    [
        "91.0, 38.0",
        "33.0, 181.0",
        "33.0 38.0",
        "33.0, 38.0 ± 5 min",
        "33.0, 38.0 ± 1001 km",
        "33.0, 38.0 ± at least 5 km",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    """Off the earth, or with an accuracy that is no length."""
    with pytest.raises(InputError):
        values.place(text)


def test_warnings_as_they_are_written() -> None:
    """A channel, a time, a lead; what is not said allows everything."""
    some = values.warned("Hotline, 20 min before")
    assert (some.channel, some.at) == ("hotline", None)
    assert some.before == values.quantity("20 min")
    assert values.warned("any channel").channel is None
    assert values.warned("less than 1 min before").channel is None
    assert values.warned("at 2017-06-08Z").at == values.period("2017-06-08Z")
    everything = values.warned("any channel")
    assert meeting(some, everything) is Meeting.WITHIN
    assert meeting(some, values.warned("less than 1 min before")) is Meeting.APART
    assert meeting(some, values.warned("radio, 20 min before")) is None
    assert meeting(some, values.warned("hotline, at 2017-06-08Z")) is None
    assert meeting(values.warned("hotline"), values.warned("20 min before")) is Meeting.OVERLAP
    assert meeting(values.warned("about 5 min before"), some) is None
    assert values.gap(some, values.warned("less than 1 min before")) == "18 min 30 s"
    early, late = (
        values.warned("radio, at 2017-06-08T05:00:00Z"),
        values.warned("radio, at 2017-06-08T06:00:00Z"),
    )
    assert values.gap(early, late) == "1 h"
    assert values.gap(early, some) == ""
    with pytest.raises(InputError):
        values.warned("hotline, 20 km before")


def test_scopes_of_replies() -> None:
    """Mine and not mine exclude each other; the others are for people."""
    mine, not_mine = values.scope("mine"), values.scope("Not  mine")
    assert meeting(mine, not_mine) is Meeting.APART
    assert values.gap(mine, not_mine) == ""
    assert meeting(mine, values.scope("unknown")) is None
    assert values.scope("not answering for the militia").text == "not answering for the militia"
    with pytest.raises(InputError):
        values.scope("ours")


def test_gaps_are_said_in_words() -> None:
    """Of what has a length; of counts, how many; of what has no end there, nothing."""
    q = values.quantity
    assert values.gap(q("2"), q("more than 15")) == "14"
    assert values.gap(q("1 km"), q("5 km")) == "3.0 km"
    assert values.gap(q("5 min"), q("1 h")) == "24 min 30 s"
    assert values.gap(values.period("2017-06-08Z"), values.period("2017-06-10Z")) == "1 d"
    assert values.gap(values.words("a"), values.words("b")) == ""
    assert values.gap(q("at least 1"), q("at least 2")) == ""
    assert [values.length_words(m) for m in (12.4, 3200.0, 120_000.0)] == ["12 m", "3.2 km", "120 km"]
    spans = [400_000, 59_000_000, 250_000_000, 7_200_000_000, 90_000_000_000, -1_500_000]
    assert [values.duration_words(s) for s in spans] == [
        "0.4 s",
        "59 s",
        "4 min 10 s",
        "2 h",
        "1 d 1 h",
        "-1.5 s",
    ]
    assert values.quantity_or_words("some") == values.words("some")
    assert values.quantity_or_words("2") == q("2")
