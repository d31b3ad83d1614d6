"""Altitudes: a number of metres above a surface that is named, and what can be compared with what.

Law: altitudes of one reference are compared in that reference, unconverted. Conversion happens only across
references, with its bound; without what it needs the answer is *unknown*, never a guess.

What converts. The ellipsoid and mean sea level convert into each other by the EGM96 geoid. A height above
ground becomes one of these where somebody gives the terrain's height (:func:`with_terrain`). Pressure
altitude converts into nothing: what lies between a flight level and mean sea level is the weather of the day,
hundreds of metres of it, and no figure of it reaches this file.

How people write altitudes is read here too, so that every format and every pact reads them alike. ``surface``
and ``unlimited`` are open ends, and each is possible at one end only: read a floor with :func:`parse_floor`,
a ceiling with :func:`parse_ceiling`.

Sources: ICAO Annex 4, App. 2, and Doc 8400 (AMSL, AGL, SFC, GND, FL, STD, UNL); ASTM F3548-21 (W84).
"""

from __future__ import annotations

import enum
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from skypact.errors import GeometryError
from skypact.units import FT_M

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class AltitudeReference(enum.IntEnum):
    """What an altitude is measured from."""

    W84 = 0
    """The WGS 84 ellipsoid (GNSS height)."""
    AMSL = 1
    """Mean sea level, the EGM96 geoid."""
    STD = 2
    """Pressure altitude: the 1013.25 hPa surface of the standard atmosphere; flight levels."""
    AGL = 3
    """Above the ground below."""

    @property
    def word(self) -> str:
        """The reference as files and pacts write it."""
        return self.name

    @classmethod
    def parse(cls, text: str, *, where: str = "") -> AltitudeReference:
        """Read a reference as the field writes it, such as ``AMSL``, ``MSL``, ``WGS 84``, ``STD`` or ``SFC``.

        Raises
        ------
        GeometryError
            It is none that is known.
        """
        reference = None if len(text) > _LONGEST_TEXT else _REFERENCES.get(_SPACING.sub("", text).upper())
        if reference is None:
            raise GeometryError(
                "not an altitude reference", where=where, found=text, expected="AMSL, AGL, STD or W84"
            )
        return reference


class Comparability(enum.IntEnum):
    """How two references compare."""

    SAME = 0
    CONVERTIBLE = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Altitude:
    """Metres above a named surface."""

    metres: float
    reference: AltitudeReference


ALTITUDE_LIMIT_M: Final = 1_000_000.0
"""Altitudes beyond this (low orbit and more) are taken for mistakes of unit and refused."""

EGM96_INTERPOLATION_ERROR_M: Final = 0.05
"""Bound in metres on the error of one conversion, rounding of the table included (largest seen: 0.038)."""

EGM96_LEG_ERROR_M: Final = 0.8
"""Bound in metres where only the ends of a leg of up to 25 km are converted, and a line is drawn between.

The geoid bends away from the line by up to 0.69 m (largest curvature of the EGM96 series over a grid of 3.75
arc minutes, south of Japan at 27.5 N 142.3 E); the rest is one conversion's error and a margin.
"""

_ON_THE_GEOID: Final = frozenset({AltitudeReference.W84, AltitudeReference.AMSL})


def comparable(a: AltitudeReference, b: AltitudeReference) -> Comparability:
    """How altitudes of two references compare."""
    if a == b:
        return Comparability.SAME
    return Comparability.CONVERTIBLE if {a, b} == _ON_THE_GEOID else Comparability.UNKNOWN


def convert(
    metres: ArrayLike, of: AltitudeReference, to: AltitudeReference, lat_deg: ArrayLike, lng_deg: ArrayLike
) -> tuple[NDArray[np.float64], float]:
    """Altitudes in another reference, and the bound of the conversion in metres.

    Parameters
    ----------
    metres
        Altitudes in the reference ``of``, any shape; NaN (unknown) stays NaN.
    of, to
        The references. Equal ones change nothing and have the bound 0.
    lat_deg, lng_deg
        Where, WGS 84 degrees, shapes that broadcast with ``metres``.

    Raises
    ------
    GeometryError
        The references are not comparable, so there is no answer; or a position is not on earth.
    """
    of, to = AltitudeReference(of), AltitudeReference(to)
    values = np.array(metres, np.float64)
    comparability = comparable(of, to)
    if comparability is Comparability.SAME:
        return values, 0.0
    if comparability is Comparability.UNKNOWN:
        raise GeometryError(
            f"{of.word} altitudes cannot be turned into {to.word}: {_LACKS[_lacking(of, to)]}",
            where="reference",
            found=f"{of.word} to {to.word}",
            expected="AMSL to W84 or W84 to AMSL",
        )
    from skypact.airspace.geoid import undulation_m

    undulation = undulation_m(lat_deg, lng_deg)
    if of is AltitudeReference.AMSL:
        return values + undulation, EGM96_INTERPOLATION_ERROR_M
    return values - undulation, EGM96_INTERPOLATION_ERROR_M


_LACKS: Final = {
    AltitudeReference.STD: "the pressure of the day is not known",
    AltitudeReference.AGL: "the height of the terrain is not given",
}


def _lacking(of: AltitudeReference, to: AltitudeReference) -> AltitudeReference:
    return AltitudeReference.STD if AltitudeReference.STD in {of, to} else AltitudeReference.AGL


def with_terrain(
    metres_agl: ArrayLike, terrain_m: ArrayLike, terrain_reference: AltitudeReference
) -> NDArray[np.float64]:
    """Heights above ground as altitudes in the terrain's own reference: the sum of the two, elementwise.

    Parameters
    ----------
    metres_agl
        Heights above the ground, any shape; NaN stays NaN.
    terrain_m
        Height of the ground below, in ``terrain_reference``; NaN where it is not known, and NaN comes out.
    terrain_reference
        ``AMSL`` or ``W84``.

    Raises
    ------
    GeometryError
        The terrain's own height is given above the ground, or as a pressure altitude.
    """
    if terrain_reference not in _ON_THE_GEOID:
        raise GeometryError(
            "the height of terrain cannot be given so",
            where="terrain_reference",
            found=AltitudeReference(terrain_reference).word,
            expected="AMSL or W84",
        )
    return np.add(np.asarray(metres_agl, np.float64), np.asarray(terrain_m, np.float64))


# -- as people write them ---------------------------------------------------------------------------------

_LONGEST_TEXT: Final = 64
_SPACING: Final = re.compile(r"[\s_-]+")

_REFERENCES: Final = {
    "W84": AltitudeReference.W84,
    "WGS84": AltitudeReference.W84,
    "ELLIPSOID": AltitudeReference.W84,
    "HAE": AltitudeReference.W84,
    "AMSL": AltitudeReference.AMSL,
    "MSL": AltitudeReference.AMSL,
    "EGM96": AltitudeReference.AMSL,
    "STD": AltitudeReference.STD,
    "AGL": AltitudeReference.AGL,
    "GND": AltitudeReference.AGL,
    "SFC": AltitudeReference.AGL,
    "ASFC": AltitudeReference.AGL,
}
_UNITS: Final = {
    "M": 1.0,
    "METRE": 1.0,
    "METRES": 1.0,
    "METER": 1.0,
    "METERS": 1.0,
    "FT": FT_M,
    "FOOT": FT_M,
    "FEET": FT_M,
}
_SURFACE: Final = frozenset({"SURFACE", "SFC", "GND", "GROUND"})
_UNLIMITED: Final = frozenset({"UNLIMITED", "UNL", "UNLTD", "UNLIM"})

_BROKEN_NUMBER: Final = re.compile(r"\d\s+\d")
_FLIGHT_LEVEL: Final = re.compile(r"FL(\d{1,3})(?:STD)?", re.ASCII)
_ALTITUDE: Final = re.compile(
    r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:[.]\d*)?)"
    rf"({'|'.join(sorted(_UNITS, key=len, reverse=True))})?"
    rf"({'|'.join(_REFERENCES)})?",
    re.ASCII,
)
_EXPECTED: Final = "an altitude like 5000 ft AMSL, 120 m AGL, 100 m W84 or FL350"


class _Open(enum.Enum):
    SURFACE = "surface"
    UNLIMITED = "unlimited"


def parse_altitude(
    text: str,
    *,
    where: str = "",
    default: AltitudeReference | None = None,
    bare_unit: Literal["ft", "m"] | None = None,
) -> Altitude | None:
    """Read an altitude as the field writes it; None where it is open.

    Read are ``5000 ft AMSL``, ``5,000ft MSL``, ``1500 m AMSL``, ``120 m AGL``, ``400ft GND``, ``100 m W84``
    (``WGS84``, ``ellipsoid``), ``FL350``, ``35000 ft STD``; and as open ``surface`` (``SFC``, ``GND``) and
    ``unlimited`` (``UNL``, ``UNLTD``, ``UNLIM``). Case and spacing do not matter. Since the two open ends
    read alike here, use :func:`parse_floor` or :func:`parse_ceiling` wherever it is known which end is read.

    Parameters
    ----------
    text
        What is written.
    where
        The place, for error messages.
    default
        The reference of a number that names none, where the format says so (OpenAir's bare ``5000ft`` is
        AMSL). None: such a number is refused.
    bare_unit
        The unit of a number that has none, where the format says so (OpenAir: feet). None: such a number is
        refused.

    Raises
    ------
    GeometryError
        It is not an altitude, or lacks its unit or its reference; the text says what to write.
    """
    read = _read(text, where, default, bare_unit)
    return None if isinstance(read, _Open) else read


def parse_floor(
    text: str,
    *,
    where: str = "",
    default: AltitudeReference | None = None,
    bare_unit: Literal["ft", "m"] | None = None,
) -> Altitude | None:
    """Read a lower limit (see :func:`parse_altitude`); None is *from the surface*, as 0 above ground is too.

    Raises
    ------
    GeometryError
        As :func:`parse_altitude`; and for ``unlimited``, which no floor is.
    """
    read = _read(text, where, default, bare_unit)
    if read is _Open.UNLIMITED:
        raise GeometryError(
            "a floor cannot be unlimited", where=where, found=text, expected=f"{_EXPECTED}, or surface"
        )
    if isinstance(read, _Open) or (read.reference is AltitudeReference.AGL and read.metres == 0.0):
        return None
    return read


def parse_ceiling(
    text: str,
    *,
    where: str = "",
    default: AltitudeReference | None = None,
    bare_unit: Literal["ft", "m"] | None = None,
) -> Altitude | None:
    """Read an upper limit (see :func:`parse_altitude`); None is *unlimited*.

    Raises
    ------
    GeometryError
        As :func:`parse_altitude`; and for ``surface`` or 0 above ground, under which nothing is.
    """
    read = _read(text, where, default, bare_unit)
    if read is _Open.UNLIMITED:
        return None
    if isinstance(read, _Open) or (read.reference is AltitudeReference.AGL and read.metres == 0.0):
        raise GeometryError(
            "a ceiling cannot be the surface", where=where, found=text, expected=f"{_EXPECTED}, or unlimited"
        )
    return read


def _read(
    text: str, where: str, default: AltitudeReference | None, bare_unit: Literal["ft", "m"] | None
) -> Altitude | _Open:
    # Spacing goes first: what is left can be read one way only, so no hostile text makes the matching slow.
    compact = "".join(text[: _LONGEST_TEXT + 1].split()).upper().replace("WGS-84", "WGS84")
    if len(text) > _LONGEST_TEXT or _BROKEN_NUMBER.search(text):
        raise GeometryError("not an altitude", where=where, found=text, expected=_EXPECTED)
    if compact in _SURFACE:
        return _Open.SURFACE
    if compact in _UNLIMITED:
        return _Open.UNLIMITED
    level = _FLIGHT_LEVEL.fullmatch(compact)
    if level is not None:
        return Altitude(int(level.group(1)) * 100.0 * FT_M, AltitudeReference.STD)
    match = _ALTITUDE.fullmatch(compact)
    if match is None:
        raise GeometryError("not an altitude", where=where, found=text, expected=_EXPECTED)
    number, unit, name = match.groups()
    if unit is None and bare_unit is None:
        raise GeometryError(
            "an altitude without a unit",
            where=where,
            found=text,
            expected=f"{number} ft or {number} m, and above what: AMSL, AGL, STD or W84",
        )
    reference = default if name is None else _REFERENCES[name]
    if reference is None:
        shown = f"{number} {(unit or bare_unit or '').lower()}"
        raise GeometryError(
            "an altitude without its reference",
            where=where,
            found=text,
            expected=f"{shown} AMSL, {shown} AGL, {shown} STD or {shown} W84",
        )
    metres = float(number.replace(",", "")) * _UNITS[unit or (bare_unit or "").upper()]
    if abs(metres) > ALTITUDE_LIMIT_M:
        raise GeometryError("not an altitude", where=where, found=text, expected="less than 1,000 km")
    if metres < 0.0 and reference is AltitudeReference.AGL:
        raise GeometryError(
            "a height below the ground", where=where, found=text, expected="0 or more above ground"
        )
    return Altitude(metres, reference)


def format_altitude(altitude: Altitude | None, *, when_open: str = "open") -> str:
    """Write an altitude for people: ``FL350``, ``1,500 ft AMSL``, ``120 m AGL``.

    A whole number of feet is written in feet, anything else in metres to a decimetre; a pressure altitude of
    whole hundreds of feet is a flight level. None and an infinite value give ``when_open`` (say ``surface``
    for a floor, ``unlimited`` for a ceiling); NaN gives ``unknown``. :func:`parse_altitude` reads the text
    back.
    """
    if altitude is None:
        return when_open
    metres, reference = float(altitude.metres), AltitudeReference(altitude.reference)
    if not math.isfinite(metres):
        return "unknown" if math.isnan(metres) else when_open
    feet = metres / FT_M
    whole = abs(feet - round(feet)) < 1e-6
    if whole and reference is AltitudeReference.STD and 0 <= round(feet) < 100_000 and round(feet) % 100 == 0:
        return f"FL{round(feet) // 100:03d}"
    if whole:
        return f"{round(feet):,} ft {reference.word}"
    rounded = round(metres, 1) + 0.0  # + 0.0 makes a negative zero a plain one
    return f"{rounded:,.1f}".removesuffix(".0") + f" m {reference.word}"
