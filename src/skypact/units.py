"""Units: what a bare number means, and how the field writes lengths and times.

Law: inside Skypact lengths are metres, speeds metres a second, angles radians where the name ends in
``_rad`` and degrees where it ends in ``_deg``. Other units exist only at the border, and this file is
the border. A number without a unit is refused where a person typed it.

Sources: ICAO Annex 5, 5th ed., tables 3-3 and 3-4 (NM, kt, ft).
"""

from __future__ import annotations

import math
import re

NM_M = 1852.0
"""One international nautical mile in metres (exact)."""
FT_M = 0.3048
"""One foot in metres (exact)."""
KT_M_S = NM_M / 3600.0
"""One knot in metres a second (exact)."""
FPM_M_S = FT_M / 60.0
"""One foot a minute in metres a second (exact)."""

_LENGTHS = {
    "nm": NM_M,
    "nmi": NM_M,
    "km": 1000.0,
    "m": 1.0,
    "ft": FT_M,
    "mi": 1609.344,
}
_DURATIONS_S = {
    "s": 1.0,
    "sec": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "d": 86400.0,
}
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+(?:[.]\d*)?|[.]\d+))\s*([A-Za-z]+)\s*", re.ASCII)


def _quantity(text: str, units: dict[str, float], what: str, example: str) -> float:
    match = _QUANTITY.fullmatch(text)
    known = ", ".join(sorted(units))
    if match is None:
        raise ValueError(f"{what} is a number with a unit ({known}), like {example}; found {text[:60]!r}")
    number, unit = match.groups()
    factor = units.get(unit.lower())
    if factor is None:
        raise ValueError(f"unit {unit[:20]!r} is not one of {known}; write {what} like {example}")
    value = float(number) * factor
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} cannot be negative or endless; found {text[:60]!r}")
    return value


def parse_length_m(text: str) -> float:
    """Read a length as the field writes it (``5NM``, ``1000 ft``, ``55 km``, ``30m``), in metres.

    Raises
    ------
    ValueError
        There is no unit, the unit is not a length, or the value is negative or not finite.
    """
    return _quantity(text, _LENGTHS, "a length", "5NM or 1000ft")


def parse_duration_s(text: str) -> float:
    """Read a duration as the field writes it (``5min``, ``60 s``, ``1.5h``), in seconds.

    Raises
    ------
    ValueError
        There is no unit, the unit is not a time, or the value is negative or not finite.
    """
    return _quantity(text, _DURATIONS_S, "a duration", "5min or 60s")
