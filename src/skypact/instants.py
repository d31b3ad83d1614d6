"""Instants and windows, in UTC.

Law: an instant is a count of microseconds since 1970-01-01T00:00:00Z in a signed 64-bit integer, without leap
seconds (as in POSIX). Integers compare exactly, so a half-open window has exact edges. No function here reads
a clock. RFC 3339 is the only way an instant is written; a time without an offset is refused, since two
parties seldom share a time zone.

Two values stand for *open*: :data:`EVER` (since ever) and :data:`FOREVER` (with no end). They order
correctly against all others and are never printed as dates.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from skypact.errors import InputError

EVER: Final = -(2**62)
"""The open start of a window, in microseconds."""
FOREVER: Final = 2**62
"""The open end of a window, in microseconds."""

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
DAY_US: Final = 24 * HOUR_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.](\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EXPECTED = "an RFC 3339 instant with its offset, like 2017-06-08T14:00:00Z"


def parse_instant(text: str, *, where: str = "") -> int:
    """Read an RFC 3339 instant; returns microseconds since 1970 UTC.

    Digits beyond the microsecond are dropped. A leap second (``:60``) is read as the following second.

    Raises
    ------
    InputError
        The text is not RFC 3339, has no offset, or is no date of the calendar.
    """
    match = _RFC3339.fullmatch(text.strip())
    if match is None:
        raise InputError("not an instant", where=where, found=text, expected=_EXPECTED)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, offset = match.group(7) or "", match.group(8)
    leap = second == 60
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"not an instant ({error})", where=where, found=text, expected=_EXPECTED) from None
    whole = (moment - _EPOCH) // _MICROSECOND + (SECOND_US if leap else 0)
    if offset not in "Zz":
        hours, minutes = int(offset[1:3]), int(offset[4:6])
        if hours > 23 or minutes > 59:
            raise InputError("not an instant (offset)", where=where, found=text, expected=_EXPECTED)
        shift = (hours * 3600 + minutes * 60) * SECOND_US
        whole -= shift if offset[0] == "+" else -shift
    return whole + int(fraction.ljust(6, "0")[:6] or 0)


def from_datetime(moment: datetime, *, where: str = "") -> int:
    """Microseconds since 1970 UTC of an aware ``datetime``.

    Raises
    ------
    InputError
        The datetime has no time zone.
    """
    if moment.tzinfo is None:
        raise InputError(
            "a time without an offset", where=where, found=moment.isoformat(), expected=_EXPECTED
        )
    return (moment - _EPOCH) // _MICROSECOND


def format_instant(instant_us: int) -> str:
    """Write an instant as RFC 3339 in UTC: whole seconds when it is whole, else milli- or microseconds.

    :data:`EVER`, :data:`FOREVER` and anything outside the years 1 to 9999 give ``"open"``.
    """
    instant_us = int(instant_us)
    try:
        moment = _EPOCH + timedelta(microseconds=instant_us)
    except OverflowError:
        return "open"
    fraction = instant_us % SECOND_US
    spec = "seconds" if fraction == 0 else "milliseconds" if fraction % 1000 == 0 else "microseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"
