"""The hours at which somebody is at his post: days of the week, a span of the day, an offset from UTC.

Law: hours without an offset are refused, as instants are: two parties seldom share a time zone. A span is
half-open. One that ends before it begins reaches into the next day; it belongs to the day on which it begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from skypact.errors import InputError
from skypact.instants import DAY_US, SECOND_US

if TYPE_CHECKING:
    from collections.abc import Iterable

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MIN: Final = 1_440
WEEK_MIN: Final = 7 * DAY_MIN
EXPECTED: Final = 'hours with their offset, like "24/7", "06:00-18:00 Z" or "Mon-Fri 22:00-06:00 +03:00"'

_MONDAY_US: Final = 4 * DAY_US  # 1970-01-05 was a Monday
_WEEK: Final = (1 << WEEK_MIN) - 1
_MINUTE_US: Final = 60 * SECOND_US
_TEXT = re.compile(
    r"(?:([A-Za-z]{3}(?:[-,][A-Za-z]{3})*) )?(\d\d):(\d\d)-(\d\d):(\d\d) ?(Z|UTC|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Hours:
    """A span of the day on some days of the week.

    Attributes
    ----------
    days
        Days on which it begins, Monday is 0.
    start_min, length_min
        When it begins, in minutes of the local day, and how long it lasts, at most a day.
    offset_min
        The local clock's offset from UTC, in minutes.
    """

    days: tuple[int, ...] = tuple(range(7))
    start_min: int = 0
    length_min: int = DAY_MIN
    offset_min: int = 0

    @classmethod
    def parse(cls, text: str, *, where: str = "") -> Self:
        """Read hours as a duty roster has them.

        Raises
        ------
        InputError
            They are none, or have no offset.
        """
        if text == "24/7":
            return cls()
        match = _TEXT.fullmatch(text)
        if match is not None:
            named, *clock, offset = match.groups()
            days = tuple(range(7)) if named is None else _days(named)
            hour, minute, until_hour, until_minute = map(int, clock)
            east = 0 if offset in {"Z", "UTC"} else int(offset[:3]) * 60 + int(offset[0] + offset[4:])
            start, end = hour * 60 + minute, until_hour * 60 + until_minute
            whole = hour < 24 and end <= DAY_MIN and max(minute, until_minute) < 60
            if days and whole and abs(east) <= 14 * 60 and int(offset[4:] or 0) < 60:
                return cls(days, start, (end - start) % DAY_MIN or DAY_MIN, east)
        raise InputError("not hours", where=where, found=text, expected=EXPECTED)

    def hold(self, at_us: int) -> bool:
        """Whether an instant (microseconds since 1970 UTC) is in these hours."""
        local = (at_us - _MONDAY_US) // _MINUTE_US + self.offset_min
        return any((local - day * DAY_MIN - self.start_min) % WEEK_MIN < self.length_min for day in self.days)

    @property
    def week(self) -> int:
        """The minutes of the week at which they hold, in UTC from Monday on, as the bits of a number."""
        whole = 0
        for day in self.days:
            start = (day * DAY_MIN + self.start_min - self.offset_min) % WEEK_MIN
            whole |= ((1 << self.length_min) - 1) << start
        return (whole | whole >> WEEK_MIN) & _WEEK

    def __str__(self) -> str:
        if self == Hours():
            return "24/7"
        end = self.start_min + self.length_min
        end = end if end == DAY_MIN else end % DAY_MIN
        sign, east = "-" if self.offset_min < 0 else "+", abs(self.offset_min)
        offset = f"{sign}{east // 60:02d}:{east % 60:02d}" if east else "Z"
        days = "" if len(self.days) == 7 else ",".join(DAYS[day] for day in self.days) + " "
        start = self.start_min
        return f"{days}{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d} {offset}"


def uncovered(hours: Iterable[Hours]) -> str:
    """The first moment of the week, in UTC, that no hours cover, like ``Sat 18:00Z``; "" if there is none."""
    covered = 0
    for span in hours:
        covered |= span.week
    if covered == _WEEK:
        return ""
    minute = (~covered & (covered + 1)).bit_length() - 1  # the lowest bit that is not set
    day, rest = divmod(minute, DAY_MIN)
    return f"{DAYS[day]} {rest // 60:02d}:{rest % 60:02d}Z"


def _days(text: str) -> tuple[int, ...]:
    """The days of ``Mon-Fri`` or ``Mon,Wed``; none where a word is no day."""
    days: set[int] = set()
    for part in text.split(","):
        names = [name.capitalize() for name in part.split("-")]
        if not all(name in DAYS for name in names) or len(names) > 2:
            return ()
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        days.update((first + k) % 7 for k in range((last - first) % 7 + 1))
    return tuple(sorted(days))
