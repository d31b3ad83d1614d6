"""What a claim can say (a number with its unit, a time, a place, a warning, words), and how two of them meet.

Law: a value is the set of what it allows, no more and no less. "More than 60" allows 61 and everything above;
"20 min" allows half a minute either way, since that is how it was written; a date allows its whole day at its
offset. Two values are compared as sets, and the answer is one of five words (:class:`Meeting`) or none: what
this file cannot compare (words, a number said to be "about") it leaves to people. Numbers are exact fractions
of a base unit, so that the unit in which a thing was said changes nothing.

The text of a value stays as it was written; what it allows is read from it once, here. A bare number without
a unit is a count. A time without an offset is refused, since two parties seldom share a time zone.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Final, TypeAlias

from skypact.airspace.earth import distances_m
from skypact.airspace.volumes import RADIUS_MAX_M
from skypact.errors import InputError
from skypact.instants import DAY_US, EVER, FOREVER, HOUR_US, SECOND_US, format_instant, parse_instant
from skypact.units import FT_M, NM_M

TEXT_MAX: Final = 2_000
"""So many characters has the text of a value at most."""


class Meeting(enum.Enum):
    """How two sets lie to each other, the first to the second."""

    SAME = "same"
    WITHIN = "within"
    AROUND = "around"
    OVERLAP = "overlap"
    APART = "apart"

    @property
    def turned(self) -> Meeting:
        """The same, the second to the first."""
        return {Meeting.WITHIN: Meeting.AROUND, Meeting.AROUND: Meeting.WITHIN}.get(self, self)


class Dimension(enum.Enum):
    """What a unit measures."""

    COUNT = "count"
    LENGTH = "length"
    DURATION = "duration"


UNITS: Final[dict[str, tuple[Dimension, Fraction]]] = {
    "": (Dimension.COUNT, Fraction(1)),
    "m": (Dimension.LENGTH, Fraction(1)),
    "km": (Dimension.LENGTH, Fraction(1000)),
    "NM": (Dimension.LENGTH, Fraction(str(NM_M))),
    "mi": (Dimension.LENGTH, Fraction("1609.344")),
    "ft": (Dimension.LENGTH, Fraction(str(FT_M))),
    "s": (Dimension.DURATION, Fraction(1)),
    "min": (Dimension.DURATION, Fraction(60)),
    "h": (Dimension.DURATION, Fraction(3600)),
    "d": (Dimension.DURATION, Fraction(86400)),
}
"""Every unit, what it measures, and how many metres or seconds it is, exactly."""


class Bound(enum.Enum):
    """How a number is meant."""

    EXACTLY = ""
    ABOUT = "about"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    MORE_THAN = "more than"
    LESS_THAN = "less than"


_NUMBER: Final = r"[+-]?\d{1,18}(?:[.]\d{1,9})?"
_QUANTITY: Final = re.compile(
    rf"(?:(about|at least|at most|more than|less than)\s+)?({_NUMBER})(?:\s*[.][.]\s*({_NUMBER}))?"
    rf"(?:\s*(?:±|[+]-)\s*({_NUMBER}))?\s*([A-Za-z]*)",
    re.ASCII,
)
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_PLUS_MINUS: Final = re.compile(r"\s*(?:±|[+]-)\s*", re.ASCII)
_PLACE: Final = re.compile(
    r"([+-]?\d{1,2}(?:[.]\d{1,9})?)\s*,\s*([+-]?\d{1,3}(?:[.]\d{1,9})?)(?:\s*(?:±|[+]-)\s*(.+))?", re.ASCII
)
_BEFORE: Final = re.compile(r"(?:(.*?),\s*)?(\S.*)\s+before", re.ASCII)
_AT: Final = re.compile(r"(?:(.*?),\s*)?at\s+(\S.*)", re.ASCII)
ANY_CHANNEL: Final = "any channel"
"""The warning that a denial of every warning denies."""
DEGREE_M: Final = 111_700.0
"""No degree of latitude or longitude is longer on the ellipsoid, in metres."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit.

    Attributes
    ----------
    text
        As it was written: ``at least 2``, ``20 ± 5 min``, ``10..20 km``.
    unit
        A key of :data:`UNITS`.
    low, high
        The ends of what it allows, in the base unit (1, metres or seconds); None where it has no end. Both
        None where it is only *about* so much, which cannot be compared.
    low_open, high_open
        Whether the end itself is not allowed.
    """

    text: str = field(compare=False)
    unit: str
    low: Fraction | None
    high: Fraction | None
    low_open: bool = False
    high_open: bool = False

    @property
    def dimension(self) -> Dimension:
        """What it measures."""
        return UNITS[self.unit][0]

    @property
    def vague(self) -> bool:
        """It is *about* so much, and nobody said how near."""
        return self.low is None and self.high is None


@dataclass(frozen=True, slots=True)
class Period:
    """When something was: an instant that lies between two, both allowed; microseconds since 1970 UTC."""

    text: str = field(compare=False)
    earliest_us: int
    latest_us: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was: within so many metres of a position, WGS 84 degrees."""

    text: str = field(compare=False)
    lat_deg: float
    lng_deg: float
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class Named:
    """A zone, by the name that the parties' texts have for it."""

    text: str

    @property
    def name(self) -> str:
        """The name as it is compared: in lower case, with single spaces."""
        return plain(self.text)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reply answered for: ``mine``, ``not mine``, ``unknown``, or ``not answering for`` somebody."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """That the other side was told: by which channel, and when, as an instant or as so long before.

    What is None is not said, and anything is allowed there.
    """

    text: str = field(compare=False)
    channel: str | None
    at: Period | None = None
    before: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What only people can compare."""

    text: str


Value: TypeAlias = Quantity | Period | Place | Named | Scope | Warned | Words


def plain(text: str) -> str:
    """A name as it is compared: in lower case, with single spaces."""
    return " ".join(text.casefold().split())


# -- from text ----------------------------------------------------------------------------------------------


def quantity(text: str, *, where: str = "value") -> Quantity:
    """Read a number with its unit.

    ``60``, ``at least 2``, ``more than 15``, ``20 min``, ``20 ± 5 min``, ``10..20 km``, ``about 40 min``. A
    number that has a unit and says no precision has that of its last digit: ``20 min`` is 19.5 to 20.5
    minutes. A count is exact.

    Raises
    ------
    InputError
        It is none of these, its unit is not known, or its ends are in the wrong order.
    """
    text = _one_line(text, where)
    match = _QUANTITY.fullmatch(text)
    known = ", ".join(unit for unit in UNITS if unit)
    if match is None:
        raise InputError(
            "not a quantity", where=where, found=text, expected=f"like 'at least 2' or '20 ± 5 min' ({known})"
        )
    bound_text, first, last, spread, unit = match.groups()
    if unit not in UNITS:
        raise InputError("not a unit", where=where, found=unit, expected=f"none for a count, or {known}")
    bound, size = Bound(bound_text or ""), UNITS[unit][1]
    low, high = Fraction(first), Fraction(last or first)
    if low > high or (last and bound is not Bound.EXACTLY):
        raise InputError(
            "not a range", where=where, found=text, expected="the smaller number, .., the larger"
        )
    by = Fraction(spread) if spread else Fraction(0)
    if by < 0:
        raise InputError("not a precision", where=where, found=text, expected="a precision of 0 or more")
    if not spread and not last and bound is Bound.EXACTLY and unit:
        by = Fraction(1, 2 * 10 ** len(first.partition(".")[2]))
    low, high = (low - by) * size, (high + by) * size
    if bound is Bound.ABOUT and not spread:
        return Quantity(text, unit, None, None)
    if bound in {Bound.AT_LEAST, Bound.MORE_THAN}:
        return Quantity(text, unit, low, None, bound is Bound.MORE_THAN)
    if bound in {Bound.AT_MOST, Bound.LESS_THAN}:
        return Quantity(text, unit, None, high, high_open=bound is Bound.LESS_THAN)
    found = Quantity(text, unit, low, high)
    if _nothing(_whole(found)):
        raise InputError("no whole number", where=where, found=text, expected="a count, or a unit")
    return found


def period(text: str, *, where: str = "value") -> Period:
    """Read a time.

    An RFC 3339 instant; one with a precision (``2017-06-08T06:10:00Z ± 5 min``); a date with its offset
    (``2017-06-08+03:00``), which is its whole day; or two of these with ``/`` between.

    Raises
    ------
    InputError
        It is none of these, has no offset, or ends before it begins.
    """
    text = _one_line(text, where)
    if "/" in text:
        start, _, end = text.partition("/")
        first, last = period(start, where=where), period(end, where=where)
        earliest, latest = first.earliest_us, last.latest_us
        if earliest > latest:
            raise InputError(
                "ends before it begins", where=where, found=text, expected="the earlier, /, the later"
            )
        return Period(text, earliest, latest)
    date = _DATE.fullmatch(text)
    if date is not None:
        start_us = parse_instant(f"{date[1]}T00:00:00{date[2]}", where=where)
        return Period(text, start_us, start_us + DAY_US - 1)
    parts = _PLUS_MINUS.split(text)
    if len(parts) > 2:
        raise InputError("not a time", where=where, found=text, expected="one precision")
    instant_us = parse_instant(parts[0], where=where)
    by_us = _precision_us(parts[1], where) if len(parts) == 2 else 0
    if not EVER < instant_us - by_us <= instant_us + by_us < FOREVER:
        raise InputError("not a time", where=where, found=text, expected="a precision of some years at most")
    return Period(text, instant_us - by_us, instant_us + by_us)


def _precision_us(text: str, where: str) -> int:
    given = _of_dimension(quantity(text, where=where), Dimension.DURATION, text, where)
    return round(_middle(given, where) * SECOND_US)


def place(text: str, *, where: str = "value") -> Place:
    """Read a position: latitude and longitude in degrees north and east, and how near, ``33.5, 38.6 ± 5 km``.

    Where no accuracy is given it is that of the last digits, in whichever direction they are coarser.

    Raises
    ------
    InputError
        It is no position on earth, or its accuracy is no length.
    """
    text = _one_line(text, where)
    match = _PLACE.fullmatch(text)
    expected = "degrees north, degrees east, like 33.5046, 38.6180 ± 5 km"
    if match is None:
        raise InputError("not a position", where=where, found=text, expected=expected)
    lat, lng = float(match[1]), float(match[2])
    if abs(lat) > 90.0 or abs(lng) > 180.0:
        raise InputError("not a position on earth", where=where, found=text, expected=expected)
    if match[3]:
        given = _of_dimension(quantity(match[3], where=where), Dimension.LENGTH, match[3], where)
        accuracy_m = float(_middle(given, where))
        if accuracy_m > RADIUS_MAX_M:
            raise InputError(
                "no place", where=where, found=text, expected=f"within {RADIUS_MAX_M / 1000:,.0f} km at most"
            )
        return Place(text, lat, lng, accuracy_m)
    digits = min(len(part.partition(".")[2]) for part in (match[1], match[2]))
    return Place(text, lat, lng, 2.0**0.5 * 0.5 * 10.0**-digits * DEGREE_M)


def warned(text: str, *, where: str = "value") -> Warned:
    """Read a warning: a channel, and when.

    ``hotline``; ``hotline, at 2017-06-08T05:50:00Z``; ``hotline, 20 min before``; ``less than 1 min before``.
    ``any channel`` stands for every channel: to deny it is to say that there was no warning at all.

    Raises
    ------
    InputError
        The time is none, or the text is empty.
    """
    text = _one_line(text, where)
    for pattern, is_before in ((_BEFORE, True), (_AT, False)):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        channel = _channel(match[1] or "")
        if is_before:
            lead = _of_dimension(quantity(match[2], where=where), Dimension.DURATION, match[2], where)
            return Warned(text, channel, before=lead)
        return Warned(text, channel, at=period(match[2], where=where))
    return Warned(text, _channel(text))


def _channel(text: str) -> str | None:
    name = plain(text)
    return None if name in {"", ANY_CHANNEL} else name


SCOPES: Final = ("mine", "not mine", "unknown", "not answering for")
"""What a reply can answer for; the last is followed by whom."""


def scope(text: str, *, where: str = "value") -> Scope:
    """Read the scope of a reply.

    Raises
    ------
    InputError
        It is none of :data:`SCOPES`.
    """
    text = _one_line(text, where)
    name = plain(text)
    if name in SCOPES[:3] or name.startswith(f"{SCOPES[3]} "):
        return Scope(name)
    raise InputError(
        "not the scope of a reply", where=where, found=text, expected=f"{', '.join(SCOPES)} WHOM"
    )


def named(text: str, *, where: str = "value") -> Named:
    """Read the name of a zone; raises :class:`InputError` where there is none."""
    return Named(_one_line(text, where))


def place_or_words(text: str, *, where: str = "value") -> Place | Words:
    """Read a position, or the name of a place, which only people can compare."""
    text = _one_line(text, where)
    return place(text, where=where) if _PLACE.fullmatch(text) else Words(text)


def quantity_or_words(text: str, *, where: str = "value") -> Quantity | Words:
    """Read a number with its unit, or words, which only people can compare."""
    text = _one_line(text, where)
    return quantity(text, where=where) if _QUANTITY.fullmatch(text) else Words(text)


def words(text: str, *, where: str = "value") -> Words:
    """Read words; raises :class:`InputError` where there are none."""
    return Words(_one_line(text, where))


def _one_line(text: str, where: str) -> str:
    text = text.strip()
    if not text or len(text) > TEXT_MAX or not text.isprintable():
        raise InputError(
            "not a value", where=where, found=text[:80], expected=f"one line of 1 to {TEXT_MAX} characters"
        )
    return text


def _of_dimension(value: Quantity, dimension: Dimension, text: str, where: str) -> Quantity:
    if value.dimension is not dimension:
        units = ", ".join(unit for unit, (of, _) in UNITS.items() if of is dimension)
        raise InputError(f"not a {dimension.value}", where=where, found=text, expected=f"a unit of {units}")
    return value


def _middle(value: Quantity, where: str) -> Fraction:
    if value.low is None or value.high is None or value.low + value.high < 0:
        raise InputError(
            "not a precision", where=where, found=value.text, expected="a number that is not negative"
        )
    return (value.low + value.high) / 2


# -- how two meet -------------------------------------------------------------------------------------------


def meeting(a: Value, b: Value) -> Meeting | None:
    """How what ``a`` allows lies to what ``b`` allows; None where only people can say."""
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        if a.dimension is not b.dimension or a.vague or b.vague:
            return None
        return _of_ranges(a, b)
    if isinstance(a, Period) and isinstance(b, Period):
        return _of_ranges(_as_range(a), _as_range(b))
    if isinstance(a, Place) and isinstance(b, Place):
        return _of_places(a, b)
    if isinstance(a, Named) and isinstance(b, Named):
        return Meeting.SAME if a.name == b.name else None
    if isinstance(a, Scope) and isinstance(b, Scope):
        if a == b:
            return Meeting.SAME
        return Meeting.APART if {a.text, b.text} == {"mine", "not mine"} else None
    if isinstance(a, Warned) and isinstance(b, Warned):
        return _of_warnings(a, b)
    return None


def all_others(value: Value) -> Quantity | None:
    """All numbers that a half-open quantity does not allow, as a quantity; None for every other value.

    What is not *at least 2* is *less than 2*.
    """
    if not isinstance(value, Quantity) or (value.low is None) == (value.high is None):
        return None
    return Quantity(
        f"not {value.text}",
        value.unit,
        value.high,
        value.low,
        value.high is not None and not value.high_open,
        value.low is not None and not value.low_open,
    )


def _as_range(value: Period) -> Quantity:
    return Quantity(value.text, "s", Fraction(value.earliest_us), Fraction(value.latest_us))


def _begins_first(a: Quantity, b: Quantity) -> bool:
    """Whether ``a`` allows something below all that ``b`` does, or begins with it."""
    if a.low is None or b.low is None:
        return a.low is None
    return a.low < b.low or (a.low == b.low and (b.low_open or not a.low_open))


def _ends_last(a: Quantity, b: Quantity) -> bool:
    if a.high is None or b.high is None:
        return a.high is None
    return a.high > b.high or (a.high == b.high and (b.high_open or not a.high_open))


def _below(a: Quantity, b: Quantity) -> bool:
    """Whether all of ``a`` is below all of ``b``."""
    if a.high is None or b.low is None:
        return False
    return a.high < b.low or (a.high == b.low and (a.high_open or b.low_open))


def _of_ranges(a: Quantity, b: Quantity) -> Meeting:
    a, b = _whole(a), _whole(b)
    if _below(a, b) or _below(b, a):
        return Meeting.APART
    around = _begins_first(a, b) and _ends_last(a, b)
    within = _begins_first(b, a) and _ends_last(b, a)
    if around and within:
        return Meeting.SAME
    return Meeting.AROUND if around else Meeting.WITHIN if within else Meeting.OVERLAP


def _whole(value: Quantity) -> Quantity:
    """A count allows whole numbers alone: more than 60 is 61 and above."""
    if value.unit:
        return value
    low, high = value.low, value.high
    if low is not None:
        low = Fraction(floor(low) + 1 if value.low_open else ceil(low))
    if high is not None:
        high = Fraction(ceil(high) - 1 if value.high_open else floor(high))
    return Quantity(value.text, "", low, high)


def _nothing(value: Quantity) -> bool:
    return value.low is not None and value.high is not None and value.low > value.high


def _of_places(a: Place, b: Place) -> Meeting:
    away, first, second = distance_m(a, b), a.accuracy_m, b.accuracy_m
    if away == 0.0 and first == second:
        return Meeting.SAME
    if away > first + second:
        return Meeting.APART
    if away + first <= second:
        return Meeting.WITHIN
    return Meeting.AROUND if away + second <= first else Meeting.OVERLAP


def distance_m(a: Place, b: Place) -> float:
    """Metres along the ellipsoid between two positions; the same both ways to the last bit."""
    one, two = sorted(((a.lat_deg, a.lng_deg), (b.lat_deg, b.lng_deg)))
    return float(distances_m(one[0], one[1], two[0], two[1])) if one != two else 0.0


def _of_warnings(a: Warned, b: Warned) -> Meeting | None:
    if a.channel is not None and b.channel is not None and a.channel != b.channel:
        return None  # both calls may have been made
    parts = [_of_parts(a.channel, b.channel), _of_parts(a.at, b.at), _of_parts(a.before, b.before)]
    if (a.at is not None and b.before is not None) or (a.before is not None and b.at is not None):
        return None  # how long before what is not known here
    return _together(parts)


def _of_parts(a: str | Period | Quantity | None, b: str | Period | Quantity | None) -> Meeting | None:
    """How two parts meet; one that is not said allows everything."""
    if a is None or b is None:
        return Meeting.SAME if a is b else Meeting.AROUND if a is None else Meeting.WITHIN
    return Meeting.SAME if isinstance(a, str) or isinstance(b, str) else meeting(a, b)


def _together(parts: list[Meeting | None]) -> Meeting | None:
    """How two sets meet whose parts meet so."""
    if Meeting.APART in parts:
        return Meeting.APART
    if None in parts:
        return None
    found = {part for part in parts if part is not Meeting.SAME}
    if not found:
        return Meeting.SAME
    return found.pop() if len(found) == 1 else Meeting.OVERLAP


# -- in words -----------------------------------------------------------------------------------------------


def gap(a: Value, b: Value) -> str:
    """In words, how far two values that have nothing in common are apart; "" where that is no length.

    It is the least by which one of them would have to be another for the two to meet.
    """
    if isinstance(a, Warned) and isinstance(b, Warned):
        if a.before is not None and b.before is not None:
            return gap(a.before, b.before)
        return gap(a.at, b.at) if a.at is not None and b.at is not None else ""
    if isinstance(a, Place) and isinstance(b, Place):
        return length_words(distance_m(a, b) - a.accuracy_m - b.accuracy_m)
    if isinstance(a, Period) and isinstance(b, Period):
        low, high = sorted(((a.earliest_us, a.latest_us), (b.earliest_us, b.latest_us)))
        return duration_words(high[0] - low[1])
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        one, two = (a, b) if _below(_whole(a), _whole(b)) else (b, a)
        if one.high is None or two.low is None:
            return ""
        between = two.low - one.high
        if a.dimension is Dimension.LENGTH:
            return length_words(float(between))
        if a.dimension is Dimension.DURATION:
            return duration_words(round(between * SECOND_US))
        return f"{int(_whole(two).low or 0) - int(_whole(one).high or 0)}"
    return ""


def duration_words(span_us: int) -> str:
    """So many microseconds for people: ``4 min 10 s``, ``2 h``, ``0.4 s``; of two units at most."""
    if span_us < 0:
        return f"-{duration_words(-span_us)}"
    if span_us < 60 * SECOND_US:
        text = f"{span_us / SECOND_US:.3f}".rstrip("0").rstrip(".")
        return f"{text} s"
    seconds = round(span_us / SECOND_US)
    sizes = ((DAY_US // SECOND_US, "d"), (HOUR_US // SECOND_US, "h"), (60, "min"), (1, "s"))
    larger = next(k for k, (size, _) in enumerate(sizes) if seconds >= size)
    (size, unit), (smaller, name) = sizes[larger : larger + 2]
    rest = seconds % size // smaller
    return f"{seconds // size} {unit}" + (f" {rest} {name}" if rest else "")


def length_words(metres: float) -> str:
    """So many metres for people: ``850 m``, ``3.2 km``, ``120 km``."""
    if metres < 999.5:
        return f"{metres:.0f} m"
    return f"{metres / 1000.0:.1f} km" if metres < 99_950.0 else f"{metres / 1000.0:.0f} km"


def instant_words(value: Period) -> str:
    """What a time allows, in UTC."""
    first, last = format_instant(value.earliest_us), format_instant(value.latest_us)
    return first if first == last else f"{first} to {last}"
