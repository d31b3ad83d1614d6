"""Instants: RFC 3339 in and out, against the calendar of the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skypact.errors import InputError
from skypact.instants import EVER, FOREVER, SECOND_US, format_instant, from_datetime, parse_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_US = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
LAST_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)

calendar = st.integers(FIRST_US, LAST_US)


@pytest.mark.parametrize(
    ("text", "instant_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01 00:00:00Z", 0),
        (" 1970-01-01T00:00:01Z\n", SECOND_US),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T18:30:00-05:30", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("2017-06-08T14:00:00Z", 1_496_930_400 * SECOND_US),
        ("2016-12-31T23:59:60Z", 1_483_228_800 * SECOND_US),
        ("2016-12-31T23:59:60.25Z", 1_483_228_800 * SECOND_US + 250_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2000-02-29T12:00:00Z", 951_825_600 * SECOND_US),
    ],
)
def test_parse_instant(text: str, instant_us: int) -> None:
    """Instants of RFC 3339 are read to the microsecond; a leap second is the second after."""
    assert parse_instant(text) == instant_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2017-06-08",
        "2017-06-08T14:00:00",
        "2017-06-08T14:00Z",
        "2017-06-08T14:00:00.Z",
        "2017-06-08T14:00:00+0200",
        "2017-06-08T14:00:00 Z",
        "2017-13-01T00:00:00Z",
        "2017-02-29T00:00:00Z",
        "2017-06-08T24:00:00Z",
        "2017-06-08T14:00:61Z",
        "0000-01-01T00:00:00Z",
        "2017-06-08T14:00:00+24:00",
        "2017-06-08T14:00:00-01:60",
        "٢017-06-08T14:00:00Z",
        "2017-06-08T14:00:00Z" * 100_000,
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    """No date, no offset or another notation is an error that shows how an instant is written."""
    with pytest.raises(InputError) as caught:
        parse_instant(text, where="flight[2].start")
    assert str(caught.value).startswith("flight[2].start: not an instant")
    assert "2017-06-08T14:00:00Z" in str(caught.value)
    assert len(str(caught.value)) < 400


@given(calendar)
@example(FIRST_US)
@example(LAST_US)
@example(-1)
@example(1_000)
def test_instants_round_trip(instant_us: int) -> None:
    """Every microsecond of the calendar is written and read back exactly."""
    text = format_instant(instant_us)
    assert parse_instant(text) == instant_us
    assert datetime.fromisoformat(text) == EPOCH + timedelta(microseconds=instant_us)


@given(calendar.map(lambda us: us // SECOND_US * SECOND_US), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_offsets_name_the_same_instant(instant_us: int, offset_min: int) -> None:
    """The same instant under any offset is the same number."""
    zone = timezone(timedelta(minutes=offset_min))
    try:
        text = (EPOCH + timedelta(microseconds=instant_us)).astimezone(zone).isoformat()
    except OverflowError:  # the first or the last day of the calendar, which no other zone can write
        text = format_instant(instant_us)
    assert parse_instant(text) == instant_us


@given(calendar, calendar)
def test_text_of_one_width_sorts_as_time(a: int, b: int) -> None:
    """Whole seconds sort alike as text and as numbers."""
    a, b = a // SECOND_US * SECOND_US, b // SECOND_US * SECOND_US
    assert (format_instant(a) < format_instant(b)) == (a < b)


@pytest.mark.parametrize(
    ("instant_us", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (250_000, "1970-01-01T00:00:00.250Z"),
        (250_001, "1970-01-01T00:00:00.250001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (EVER, "open"),
        (FOREVER, "open"),
        (LAST_US + 1, "open"),
        (FIRST_US - 1, "open"),
    ],
)
def test_format_instant(instant_us: int, text: str) -> None:
    """Only the digits that are needed are written; what is beyond the calendar is open."""
    assert format_instant(instant_us) == text


def test_open_ends_order_with_every_instant() -> None:
    """Since ever is before all and for ever after all, and both are 64-bit numbers."""
    assert EVER < FIRST_US < LAST_US < FOREVER
    assert EVER > -(2**63)
    assert FOREVER < 2**63


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_from_datetime(moment: datetime) -> None:
    """An aware datetime is its microseconds since 1970, whatever its zone."""
    found = from_datetime(moment)
    assert EPOCH + timedelta(microseconds=found) == moment


def test_a_datetime_without_a_zone_is_refused() -> None:
    """A local time of nobody knows where is an error that names its place."""
    naive = datetime(2017, 6, 8, 14, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(
        InputError, match=r"pact\.effective: a time without an offset; found '2017-06-08T14:00:00'"
    ):
        from_datetime(naive, where="pact.effective")
