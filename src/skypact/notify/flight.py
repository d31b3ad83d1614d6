"""What may be filed as a flight: the rules that need no other flight to be decided.

Law: a filing that breaks a rule here is refused before anybody is asked or told anything. What others have
filed, and what the state of a flight allows, is decided in :mod:`skypact.exchange`.

Source: ASTM F3548-21 (``OiMaxPlanHorizon``, ``OiMaxVertices``, the rules for volumes of each state).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skypact.errors import Reason, Refused
from skypact.instants import DAY_US, format_instant
from skypact.notify.extents import at_most, closed_in_altitude, closed_in_time

if TYPE_CHECKING:
    from skypact.airspace.volumes import Volumes


@dataclass(frozen=True, slots=True)
class FilingLimits:
    """What a flight may be at most; every refusal names the limit by its name here.

    Attributes
    ----------
    horizon_us
        How far ahead a flight may end (``OiMaxPlanHorizon``).
    vertices
        Vertices of all its volumes together (``OiMaxVertices``); a circle counts as one.
    volumes
        How many volumes.
    priority_least, priority_most
        The priorities that the regulator has given meaning to.
    """

    horizon_us: int = 30 * DAY_US
    vertices: int = 10_000
    volumes: int = 1_000
    priority_least: int = 0
    priority_most: int = 100


def admissible(
    volumes: Volumes | None,
    off_nominal: Volumes | None,
    *,
    nominal: bool,
    priority: int,
    now_us: int,
    limits: FilingLimits,
    where: str = "$",
) -> None:
    """Refuse a flight that could not be filed whatever the others do.

    Parameters
    ----------
    volumes, off_nominal
        What it plans to use, and what it may be in beyond that; None for none.
    nominal
        Whether it is, or is to be, flown as planned: accepted or activated.

    Raises
    ------
    Refused
        INVALID or TOO_LARGE, with the place, what stands there and what should.
    """
    planned, beyond = f"{where}.volumes", f"{where}.off_nominal_volumes"
    if nominal:
        if volumes is None:
            raise Refused(Reason.INVALID, "a flight needs a volume", where=planned, found="none")
        if off_nominal is not None:
            raise Refused(
                Reason.INVALID,
                "a flight that goes as planned has no off-nominal volumes",
                where=beyond,
                found=f"{len(off_nominal)}",
                expected="none while it is Accepted or Activated",
            )
    elif volumes is None and off_nominal is None:
        raise Refused(Reason.INVALID, "a flight needs a volume", where=beyond, found="none")
    if not limits.priority_least <= priority <= limits.priority_most:
        raise Refused(
            Reason.INVALID,
            "a priority that the regulator has not given",
            where=f"{where}.priority",
            found=priority,
            expected=f"{limits.priority_least} to {limits.priority_most} (priority_least, priority_most)",
        )
    parts = [(v, at) for v, at in ((volumes, planned), (off_nominal, beyond)) if v is not None]
    at_most(sum(len(part) for part, _ in parts), limits.volumes, "volumes", where=where)
    at_most(sum(len(part.lat_deg) for part, _ in parts), limits.vertices, "vertices", where=where)
    for part, at in parts:
        closed_in_time(part, where=at)
        closed_in_altitude(part, where=at)
    end = max(int(part.end_us.max()) for part, _ in parts)
    if end <= now_us:
        raise Refused(
            Reason.INVALID,
            "the flight is over before it is filed",
            where=where,
            found=format_instant(end),
            expected=f"an end after {format_instant(now_us)}, the time here",
        )
    if end > now_us + limits.horizon_us:
        raise Refused(
            Reason.INVALID,
            "too far ahead",
            where=where,
            found=format_instant(end),
            expected=f"an end at most {limits.horizon_us / DAY_US:g} days ahead (horizon)",
        )
