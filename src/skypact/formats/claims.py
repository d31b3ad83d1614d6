"""What a file holds, as the volumes of one flight: volumes as they are, a planned path as a tube around it.

Law: what is claimed holds the path: every place within half the width of it, from as much below to as much
above it as is asked for, from some seconds before to some seconds after the plan is there. Altitudes become
metres above the WGS 84 ellipsoid, which is all that F3548-21 can say; floors are rounded down and ceilings up
by the bound of the conversion. Nothing is claimed of a file that holds several flights: which is meant is not
guessed.

How it works. A leg is cut so that no piece lasts longer than :attr:`Tube.slice_s`; a piece is a rectangle of
geodesic edges (:func:`skypact.airspace.rings.corridor`). Samples that stay within half a width of where they
began (hovering, small loiters) are one circle.

Known limits: recorded tracks are not claims, and are refused. Zones are not flights. The geoid is taken at
the corners of a volume and the samples of a path, with :data:`~skypact.airspace.altitude.EGM96_LEG_ERROR_M`
for what lies between: enough for 25 km.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace.altitude import EGM96_LEG_ERROR_M, Altitude, AltitudeReference, convert
from skypact.airspace.rings import at_bearing, bearing, corridor
from skypact.airspace.volumes import Circle, Polygon, Volume4D
from skypact.errors import InputError, ModeError
from skypact.formats import f3548_wire as wire
from skypact.instants import SECOND_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.airspace.labels import DataMode
    from skypact.airspace.moving import Trajectories
    from skypact.airspace.volumes import Volumes
    from skypact.formats.contents import Contents

ROUND_M: Final = 0.01
"""Altitudes are claimed to the centimetre, outwards."""


@dataclass(frozen=True, slots=True)
class Tube:
    """How much is claimed around a planned path.

    Attributes
    ----------
    half_width_m
        To each side.
    below_m, above_m
        Down and up.
    early_s, late_s
        Before and after the plan is there.
    slice_s
        The longest time that one volume is claimed for, without these.
    """

    half_width_m: float = 30.0
    below_m: float = 15.0
    above_m: float = 15.0
    early_s: float = 15.0
    late_s: float = 15.0
    slice_s: float = 120.0


def claims(contents: Contents, mode: DataMode, tube: Tube | None = None) -> list[wire.Volume4D]:
    """The volumes of the one flight that a file holds.

    Parameters
    ----------
    mode
        The data mode of whoever files it; a file of another is refused.

    Raises
    ------
    InputError
        It holds none, or several, or altitudes that cannot be said above the ellipsoid, or is of another data
        mode; begins with the file's name.
    """
    try:
        for held in (contents.volumes, contents.plans):
            if held is not None and len(held) and held.labels.data_mode is not mode:
                raise ModeError(
                    "data modes would be mixed", found=held.labels.data_mode.value, expected=mode.value
                )
        return _claims(contents, tube or Tube())
    except InputError as error:
        raise error.at(contents.path) from None


def _claims(contents: Contents, tube: Tube) -> list[wire.Volume4D]:
    volumes, plans = contents.volumes, contents.plans
    if volumes is not None and len(volumes):
        if contents.counts.get("operational intents", 0) > 1:
            raise InputError(
                "several flights",
                found=f"{contents.counts['operational intents']} operational intents",
                expected="one in a file",
            )
        return [wire.wire_volume(_above_ellipsoid(volume)) for volume in _volumes(volumes)]
    if plans is not None and len(plans):
        if len(plans) > 1:
            raise InputError("several flights", found=f"{len(plans)} plans", expected="one in a file")
        return [wire.wire_volume(volume) for volume in around(plans, tube)]
    held = ", ".join(f"{number} {noun}" for noun, number in contents.counts.items() if number) or "nothing"
    raise InputError("no flight in it", found=held, expected="volumes, or a planned path")


def around(plan: Trajectories, tube: Tube) -> list[Volume4D]:
    """The tube around the first planned path.

    Raises
    ------
    InputError
        Its altitudes are not known, or cannot be said above the ellipsoid.
    """
    part = slice(int(plan.offsets[0]), int(plan.offsets[1]))
    time_us, lat, lng = plan.time_us[part], plan.lat_deg[part], plan.lng_deg[part]
    if np.isnan(plan.altitude_m[part]).any():
        raise InputError("an altitude that is not known", expected="altitudes all along the plan")
    reference = AltitudeReference(int(plan.reference[0]))
    high, bound = convert(plan.altitude_m[part], reference, AltitudeReference.W84, lat, lng)
    if bound:
        bound = EGM96_LEG_ERROR_M
    rows = _cut(time_us, lat, lng, high, tube.slice_s)
    below, above = tube.below_m + bound, tube.above_m + bound
    volumes = []
    at = 0
    while at < len(rows):
        last = _staying(rows, at, tube)
        if last > at or at == len(rows) - 1:
            outline: Circle | Polygon = Circle(rows[at].lat, rows[at].lng, 2.0 * tube.half_width_m)
            group = rows[at : last + 1]
        else:
            last = at + 1
            group = rows[at : last + 1]
            ring = corridor(
                np.array([r.lat for r in group]), np.array([r.lng for r in group]), tube.half_width_m
            )[0]
            outline = Polygon(tuple((float(a), float(b)) for a, b in ring))
        volumes.append(
            Volume4D(
                outline,
                _floor(min(r.high for r in group) - below),
                _ceiling(max(r.high for r in group) + above),
                group[0].time_us - int(tube.early_s * SECOND_US),
                group[-1].time_us + int(tube.late_s * SECOND_US),
            )
        )
        if last == len(rows) - 1:
            break
        at = last
    return volumes


@dataclass(frozen=True, slots=True)
class _At:
    time_us: int
    lat: float
    lng: float
    high: float


def _cut(
    time_us: NDArray[np.int64],
    lat: NDArray[np.float64],
    lng: NDArray[np.float64],
    high: NDArray[np.float64],
    slice_s: float,
) -> list[_At]:
    """The samples, and points between them so that no two are further apart in time than a slice."""
    rows = [_At(int(time_us[0]), float(lat[0]), float(lng[0]), float(high[0]))]
    for k in range(1, len(time_us)):
        before = rows[-1]
        end = _At(int(time_us[k]), float(lat[k]), float(lng[k]), float(high[k]))
        parts = max(1, math.ceil((end.time_us - before.time_us) / (slice_s * SECOND_US)))
        if parts > 1:
            azimuth, metres = bearing(before.lat, before.lng, end.lat, end.lng)
            for step in range(1, parts):
                share = step / parts
                there = at_bearing(before.lat, before.lng, azimuth, metres * share)
                rows.append(
                    _At(
                        before.time_us + int((end.time_us - before.time_us) * share),
                        *there,
                        before.high + (end.high - before.high) * share,
                    )
                )
        rows.append(end)
    return rows


def _staying(rows: list[_At], at: int, tube: Tube) -> int:
    """The last row up to which the path stays within half a width of where it is at ``at``."""
    first, last = rows[at], at
    while last + 1 < len(rows):
        row = rows[last + 1]
        away = bearing(first.lat, first.lng, row.lat, row.lng)[1]
        if away > tube.half_width_m or row.time_us - first.time_us > tube.slice_s * SECOND_US:
            break
        last += 1
    return last


def _volumes(volumes: Volumes) -> list[Volume4D]:
    """Rows as single volumes."""
    found = []
    for row in range(len(volumes)):
        part = slice(int(volumes.offsets[row]), int(volumes.offsets[row + 1]))
        corners = tuple(zip(volumes.lat_deg[part].tolist(), volumes.lng_deg[part].tolist(), strict=True))
        radius = float(volumes.radius_m[row])
        low, up = float(volumes.lower_m[row]), float(volumes.upper_m[row])
        found.append(
            Volume4D(
                Circle(*corners[0], max(0.0, radius)) if len(corners) == 1 else Polygon(corners),
                None
                if math.isinf(low)
                else Altitude(low, AltitudeReference(int(volumes.lower_reference[row]))),
                None
                if math.isinf(up)
                else Altitude(up, AltitudeReference(int(volumes.upper_reference[row]))),
                int(volumes.start_us[row]),
                int(volumes.end_us[row]),
            )
        )
    return found


def _above_ellipsoid(volume: Volume4D) -> Volume4D:
    """The same volume with its altitudes above the ellipsoid, and no smaller."""
    outline = volume.outline
    if isinstance(outline, Circle):
        middle = outline.lat_deg, outline.lng_deg
        rim = [at_bearing(*middle, azimuth, outline.radius_m) for azimuth in range(0, 360, 45)]
        corners = [middle, *rim]
    else:
        corners = list(outline.vertices)
    lat, lng = np.array(corners).T

    def turned(altitude: Altitude | None, *, down: bool) -> Altitude | None:
        if altitude is None or altitude.reference is AltitudeReference.W84:
            return altitude
        metres, bound = convert(
            np.full(lat.shape, altitude.metres), altitude.reference, AltitudeReference.W84, lat, lng
        )
        bound += EGM96_LEG_ERROR_M
        return _floor(float(metres.min()) - bound) if down else _ceiling(float(metres.max()) + bound)

    return Volume4D(
        outline,
        turned(volume.lower, down=True),
        turned(volume.upper, down=False),
        volume.start_us,
        volume.end_us,
    )


def _floor(metres: float) -> Altitude:
    return Altitude(math.floor(metres / ROUND_M) * ROUND_M, AltitudeReference.W84)


def _ceiling(metres: float) -> Altitude:
    return Altitude(math.ceil(metres / ROUND_M) * ROUND_M, AltitudeReference.W84)
