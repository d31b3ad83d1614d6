"""Coordinates as people write them.

Law: what could be read in two ways is refused, with the two ways named, and nothing is guessed. Latitude
comes first unless letters say otherwise; a letter and a sign together, a comma within a number, sixty
minutes, a latitude beyond 90 degrees are refused. The text is kept as it was written.

| notation | read |
|---|---|
| decimal degrees | ``33.5012, 38.6173`` - ``33.5012N 38.6173E`` - ``N33.5012 E038.6173`` |
| degrees and minutes | ``33 30.07 N, 38 37.04 E`` - ``N33°30.07' E038°37.04'`` - ``3330N03837E`` |
| degrees, minutes, seconds | ``33°30'04"N 38°37'02"E`` - ``33-30-04N 038-37-02E`` - ``333004N0383702E`` |
| MGRS | ``37S DT 62845 06790`` - ``37SDT6284506790`` |

Letters are N, S, E and W, or the Russian abbreviations of the four. Whole numbers with four digits and more
before a letter are degrees and minutes, or with seconds, run together, as aviation writes them.

How coarsely a text speaks is taken from the last digit of the finer of its two numbers: spreadsheets drop
zeros at the end, so ``33.5, 38.6173`` is taken as written to four digits.

Known limits: the datum is WGS 84. A square of the MGRS is read in ``coordinates_mgrs.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from skypact.errors import GeometryError
from skypact.formats.coordinates_mgrs import Reference, read_reference
from skypact.notify.positions import NDEG, TEXT_MAX, Notation, Position, half_diagonal_mm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXPECTED: Final = "a position like 33.5012, 38.6173 or 33°30'04\"N 38°37'02\"E or 37SDT6284506790"

_MARKS: Final = str.maketrans(
    "\u00ba\u02da\u2032\u2019\u2018\u02b9\u2033\u201d\u201c\u02ba\u2212\u2013\u2010\u00a0\u202f\t",
    "°°''''" + 4 * '"' + "---   ",
)
"""Signs that stand for degrees, minutes, seconds, minus and a blank."""
_RUSSIAN: Final[Mapping[str, str]] = {
    "С.Ш.": "N",  # noqa: RUF001 -- Cyrillic is meant, here and below
    "Ю.Ш.": "S",
    "В.Д.": "E",  # noqa: RUF001
    "З.Д.": "W",  # noqa: RUF001
}
_MGRS = re.compile(r"(\d{1,2}) ?([A-Z]) ?([A-Z])([A-Z])(?: ?(\d+)| ?(\d+) (\d+))?", re.ASCII)
_POLAR = re.compile(r"[ABYZ] ?[A-Z]{2}[ \d]*", re.ASCII)
_ANGLE = re.compile(
    r"([NSEW])? ?([+-])?(\d+(?:[.]\d+)?)"
    r"(?:( ?°| ?-(?=\d)| (?=\d)) ?(?:(\d+(?:[.]\d+)?)(?:( ?'(?!')| ?-(?=\d)| (?=\d)) ?"
    r"(?:(\d+(?:[.]\d+)?) ?(?:\"|'')?)?)?)?)? ?([NSEW])?",
    re.ASCII,
)
_TWO_NUMBERS = re.compile(r"([+-]?\d+(?:[.]\d+)?°?) +([+-]?\d+(?:[.]\d+)?°?)", re.ASCII)
_COMMA = re.compile(r"\d,\d")
_SURE = re.compile(r"[.°NSEW'\"]")
"""In a part that has one of these, a comma is no decimal one."""


def read_position(text: str, *, where: str = "") -> Position:
    """Read a position.

    Raises
    ------
    GeometryError
        It is none, or could be two; the text says what to write.
    """
    _refuse_what_is_no_line(text, where)
    plain = _plain(text)
    grid = _MGRS.fullmatch(plain)
    if grid is not None:
        return _square(grid, text, where)
    if _POLAR.fullmatch(plain):
        raise GeometryError(
            "a polar square (UPS), which is not read",
            where=where,
            found=text,
            expected="degrees; beyond 80 degrees south and 84 north the grid is another",
        )
    return _two_angles(_halves(plain, text, where), text, where)


def read_pair(lat: str, lng: str, *, where: str = "") -> Position:
    """Read a latitude and a longitude that stand in columns of their own; kept as ``LAT, LNG``.

    Raises
    ------
    GeometryError
        As :func:`read_position`.
    """
    text = f"{lat.strip()}, {lng.strip()}"
    _refuse_what_is_no_line(text, where)
    return _two_angles((_plain(lat), _plain(lng)), text, where)


def _refuse_what_is_no_line(text: str, where: str) -> None:
    if len(text) > TEXT_MAX:
        raise GeometryError(
            "too long for a position", where=where, found=f"{len(text)} characters", expected=EXPECTED
        )
    bad = next((c for c in text.translate(_MARKS) if not c.isprintable()), None)
    if bad is not None:
        raise GeometryError(
            "a character that cannot be seen", where=where, found=f"U+{ord(bad):04X}", expected=EXPECTED
        )


def _plain(text: str) -> str:
    """In capitals, with one spelling for each mark and one blank where there are several."""
    plain = " ".join(text.translate(_MARKS).upper().split())
    for russian, letter in _RUSSIAN.items():
        plain = plain.replace(russian, letter).replace(russian.replace(".", ". ", 1), letter)
    return plain


def _square(grid: re.Match[str], text: str, where: str) -> Position:
    zone, band, column, row, joined, east, north = grid.groups()
    if joined is not None:
        half = len(joined) // 2
        east, north = joined[:half], joined[half:]
    east, north = east or "", north or ""
    if len(east) != len(north) or len(east) > 5:
        raise GeometryError(
            "as many digits are needed to the east as to the north",
            where=where,
            found=text,
            expected="an even number of digits, up to ten",
        )
    return read_reference(Reference(int(zone), band, column, row, east, north), text, where=where)


def _halves(plain: str, text: str, where: str) -> tuple[str, str]:
    """The two angles of a text."""
    parts = re.split(r" ?[,;/] ?", plain)
    if len(parts) == 2:
        if _COMMA.search(plain) and not any(_SURE.search(part) for part in parts):
            raise GeometryError(
                "may be one number or two",
                where=where,
                found=text,
                expected="a full stop in a decimal number, and a comma with a blank between two",
            )
        return parts[0], parts[1]
    if len(parts) == 1:
        letters = [match.start() for match in re.finditer(r"[NSEW]", plain)]
        if len(letters) == 2:
            cut = letters[1] if letters[0] == 0 else letters[0] + 1
            return plain[:cut].strip(), plain[cut:].strip()
        two = _TWO_NUMBERS.fullmatch(plain)
        if two is not None and not letters:
            return two[1], two[2]
    raise GeometryError(
        "not a position: it is not clear where the latitude ends and the longitude begins",
        where=where,
        found=text,
        expected=EXPECTED + _full_stop(text),
    )


def _full_stop(text: str) -> str:
    return "; a decimal number has a full stop" if _COMMA.search(text) else ""


@dataclass(frozen=True, slots=True)
class _Angle:
    """One of the two: degrees, the unit of its last digit in degrees, its letter, how many parts it has."""

    degrees: Fraction
    unit: Fraction
    letter: str
    parts: int


_NOTATION: Final = {1: Notation.DEGREES, 2: Notation.MINUTES, 3: Notation.SECONDS}
_AXIS: Final = {"N": "lat", "S": "lat", "E": "lng", "W": "lng"}


def _two_angles(halves: Sequence[str], text: str, where: str) -> Position:
    first, second = (_angle(half, text, where) for half in halves)
    axes = (_AXIS.get(first.letter, ""), _AXIS.get(second.letter, ""))
    if axes == ("lng", "lat"):
        first, second = second, first
    elif axes not in {("lat", "lng"), ("", "")}:
        raise GeometryError(
            "a latitude and a longitude are needed, both with letters or neither",
            where=where,
            found=text,
            expected=EXPECTED,
        )
    if abs(first.degrees) > 90:
        swapped = (
            "" if abs(second.degrees) > 90 else "; the latitude comes first unless letters say otherwise"
        )
        raise GeometryError(
            "not a latitude", where=where, found=text, expected=f"at most 90 degrees{swapped}"
        )
    if abs(second.degrees) > 180:
        raise GeometryError("not a longitude", where=where, found=text, expected="at most 180 degrees")
    lat, lng = round(first.degrees * NDEG), round(second.degrees * NDEG)
    unit = min(first.unit, second.unit) * NDEG
    return Position(
        text, _NOTATION[max(first.parts, second.parts)], lat, lng, half_diagonal_mm(lat, float(unit))
    )


def _angle(half: str, text: str, where: str) -> _Angle:
    match = _ANGLE.fullmatch(half)
    if match is None:
        raise GeometryError("not a position", where=where, found=text, expected=EXPECTED + _full_stop(text))
    before, sign, degrees, _, minutes, _, seconds, after = match.groups()
    letter = before or after or ""
    if (before and after) or (letter and sign):
        raise GeometryError(
            "a letter says which hemisphere; a sign or a second letter says it again",
            where=where,
            found=text,
            expected="one of them",
        )
    numbers = [number for number in (degrees, minutes, seconds) if number is not None]
    whole, _, fraction = degrees.partition(".")
    if letter and len(whole) >= 4 and len(numbers) == 1:
        numbers = _run_together(whole, fraction, _AXIS[letter], text, where)
    if any("." in number for number in numbers[:-1]):
        raise GeometryError(
            "only the last of degrees, minutes and seconds has decimals",
            where=where,
            found=text,
            expected=EXPECTED,
        )
    value, unit = Fraction(0), Fraction(1)
    for place, number in enumerate(numbers):
        part = Fraction(number)
        if place and part >= 60:
            raise GeometryError(
                f"{'minutes' if place == 1 else 'seconds'} of 60 and more",
                where=where,
                found=text,
                expected="less than 60",
            )
        value += part / 60**place
        unit = Fraction(1, 60**place * 10 ** len(number.partition(".")[2]))
    negative = sign == "-" or letter in {"S", "W"}
    return _Angle(-value if negative else value, unit, letter, len(numbers))


def _run_together(whole: str, fraction: str, axis: str, text: str, where: str) -> list[str]:
    """Degrees, minutes and perhaps seconds of ``3330`` or ``0383702.5``."""
    width = 2 if axis == "lat" else 3
    if len(whole) not in {width + 2, width + 4}:
        raise GeometryError(
            "degrees, minutes and seconds run together have another number of digits",
            where=where,
            found=text,
            expected="a latitude like 3330N or 333004N, a longitude like 03837E or 0383702E",
        )
    numbers = [whole[:width], *re.findall("..", whole[width:])]
    if fraction:
        numbers[-1] += f".{fraction}"
    return numbers
