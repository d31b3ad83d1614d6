"""Altitudes: a number of metres above a surface that is named, and what can be compared with what.

Law: altitudes of one reference are compared in that reference, unconverted. Conversion happens only across references,
with its bound; without what it needs the answer is *unknown*, never a guess.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

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


EGM96_INTERPOLATION_ERROR_M: Final = 1.0


def comparable(a: AltitudeReference, b: AltitudeReference) -> Comparability:
    """How altitudes of two references compare."""
    if a == b:
        return Comparability.SAME
    return Comparability.CONVERTIBLE if {int(a), int(b)} == {0, 1} else Comparability.UNKNOWN


def convert(
    metres: ArrayLike, of: AltitudeReference, to: AltitudeReference, lat_deg: ArrayLike, lng_deg: ArrayLike
) -> tuple[NDArray[np.float64], float]:
    """Altitudes in another reference, and the bound of the conversion in metres."""
    raise NotImplementedError
