"""A position as its author wrote it, and where that is.

Law: **the text as it was written belongs to the position and is never rewritten.** The numbers are what was
understood by it: whole nanodegrees of WGS 84 (a tenth of a millimetre), so that what is signed has no
floating point in it. How coarsely a text speaks is part of what it says: ``33.5, 38.6`` may be 6 km from
what its author had in mind, and whoever reads it has to know. How texts are read is in
``formats/coordinates.py``.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

from skypact.errors import GeometryError

NDEG: Final = 1_000_000_000
"""Nanodegrees in a degree."""
TEXT_MAX: Final = 80
"""Characters of a position's text."""


class Notation(enum.Enum):
    """How a position is written."""

    DEGREES = "degrees"
    MINUTES = "minutes"
    SECONDS = "seconds"
    MGRS = "mgrs"

    @property
    def text(self) -> str:
        """The notation for people."""
        return _NOTATIONS[self]


_NOTATIONS: Final = {
    Notation.DEGREES: "decimal degrees",
    Notation.MINUTES: "degrees and minutes",
    Notation.SECONDS: "degrees, minutes and seconds",
    Notation.MGRS: "a square of the MGRS",
}


@dataclass(frozen=True, slots=True)
class Position:
    """A position that somebody wrote.

    Attributes
    ----------
    text
        As it was written.
    notation
        How.
    lat_ndeg, lng_ndeg
        What was understood: nanodegrees of WGS 84; of a square, its centre.
    resolution_mm
        How far the place that was meant may be from it by the coarseness of the text alone: half the diagonal
        of a unit of its last digits, or of the square. Never rounded down.

    Raises
    ------
    GeometryError
        The numbers are no position.
    """

    text: str
    notation: Notation
    lat_ndeg: int
    lng_ndeg: int
    resolution_mm: int

    def __post_init__(self) -> None:
        if abs(self.lat_ndeg) > 90 * NDEG or abs(self.lng_ndeg) > 180 * NDEG or self.resolution_mm < 0:
            raise GeometryError(
                "not a position",
                found=f"{self.lat_ndeg}, {self.lng_ndeg} nanodegrees, to {self.resolution_mm} mm",
                expected="at most 90 and 180 degrees",
            )

    @property
    def lat_deg(self) -> float:
        """Degrees of latitude."""
        return self.lat_ndeg / NDEG

    @property
    def lng_deg(self) -> float:
        """Degrees of longitude."""
        return self.lng_ndeg / NDEG

    def same_as(self, other: Position) -> bool:
        """Whether two readings of a text understood the same, to a millimetre: machines round differently."""
        return (
            abs(self.lat_ndeg - other.lat_ndeg) <= _SAME_NDEG
            and abs(self.lng_ndeg - other.lng_ndeg) <= _SAME_NDEG
            and abs(self.resolution_mm - other.resolution_mm) <= 1
            and self.notation is other.notation
        )


_SAME_NDEG: Final = 10
_DEGREE_MAX_M: Final = 111_694.0
"""The longest degree of latitude of WGS 84, at a pole; no degree of longitude is longer times its cosine."""


def half_diagonal_mm(lat_ndeg: int, unit_ndeg: float) -> int:
    """Half the diagonal of a cell of so many nanodegrees in both directions, millimetres, rounded up."""
    unit_m = unit_ndeg / NDEG * _DEGREE_MAX_M
    nearest = max(abs(lat_ndeg) - unit_ndeg / 2, 0.0) / NDEG
    return math.ceil(500.0 * math.hypot(unit_m, unit_m * math.cos(math.radians(min(nearest, 90.0)))) + 0.1)
