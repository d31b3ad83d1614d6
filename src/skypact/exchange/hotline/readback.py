"""How far what was read back is from what was said: metres and seconds, and whether that is the same.

Law: a distance is the WGS 84 geodesic, a time difference is exact. At the tolerance is within it. Every
position and both instants are held against the ones in the same place; nothing is matched by nearness, since
two positions that were exchanged are a mistake and not a coincidence.

This is what a position 9 km off would have met on its way (``docs/hotline.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skypact.airspace.earth import distances_m
from skypact.errors import Reason, Refused
from skypact.instants import SECOND_US

if TYPE_CHECKING:
    from skypact.exchange.hotline.messages import Alarm, Notice, Position, Repeated
    from skypact.pact.terms import Readback


@dataclass(frozen=True, slots=True)
class Difference:
    """What was read back, less what was said.

    Attributes
    ----------
    points_m
        Of each position, the distance in metres.
    start_s, end_s
        Of the instants, later is positive; ``end_s`` is 0 where the message has no end.
    exchanged
        Latitude and longitude of the position that is furthest off fit if they are exchanged.
    """

    points_m: tuple[float, ...]
    start_s: float
    end_s: float
    exchanged: bool = False

    def within(self, allowed: Readback) -> bool:
        """Whether it is the same, by the pact's tolerances."""
        near = all(metres <= allowed.position_m for metres in self.points_m)
        return near and max(abs(self.start_s), abs(self.end_s)) <= allowed.time_s

    @property
    def text(self) -> str:
        """In words: each distance, and both time differences."""
        points = ", ".join(f"position {n}: {metres:,.1f} m" for n, metres in enumerate(self.points_m, 1))
        times = f"start {self.start_s:+,.0f} s, end {self.end_s:+,.0f} s"
        hint = "; latitude and longitude exchanged?" if self.exchanged else ""
        return f"{points}{', ' if points else ''}{times}{hint}"


def difference(said: Notice | Alarm, repeated: Repeated, allowed: Readback) -> Difference:
    """Hold what was read back against what was said.

    Raises
    ------
    Refused
        INVALID: another number of positions.
    """
    if len(said.points) != len(repeated.points):
        raise Refused(
            Reason.INVALID,
            "read back with another number of positions",
            where="points",
            found=len(repeated.points),
            expected=len(said.points),
        )
    metres = _distances(said.points, repeated.points)
    furthest = max(range(len(metres)), key=metres.__getitem__, default=-1)
    exchanged = (
        furthest >= 0
        and metres[furthest] > allowed.position_m
        and _exchanged(said.points[furthest], repeated.points[furthest], allowed.position_m)
    )
    end_us = getattr(said, "end_us", repeated.end_us)
    return Difference(
        metres,
        (repeated.start_us - said.start_us) / SECOND_US,
        (repeated.end_us - end_us) / SECOND_US,
        exchanged,
    )


def _exchanged(said: Position, heard: Position, allowed_m: float) -> bool:
    if abs(heard.lng_deg) > 90.0:
        return False
    return float(distances_m(said.lat_deg, said.lng_deg, heard.lng_deg, heard.lat_deg)) <= allowed_m


def _distances(said: tuple[Position, ...], heard: tuple[Position, ...]) -> tuple[float, ...]:
    columns = ([p.lat_deg for p in said], [p.lng_deg for p in said])
    metres = distances_m(*columns, [p.lat_deg for p in heard], [p.lng_deg for p in heard])
    return tuple(float(each) for each in metres)
