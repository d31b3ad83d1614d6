"""How much two sets of volumes share: cubic metres at once, and cubic metres times seconds.

Law: this measures what is already known to meet; it never decides whether two volumes meet (that is
:mod:`skypact.check`). It answers one question: does a change make a conflict that was there before larger?
Both measures are wanted, since a change could shrink either by growing the other.

How it works. Outlines are drawn in a Lambert azimuthal equal-area plane at the middle of the first; a leg is
at most 25 km long and drawn straight. A circle is drawn as the same polygon wherever it stands, so that two
measures of one circle compare exactly.

Known limits: an area is good to a thousandth (circles are inscribed); it is compared with another of the
same making, not with a bound. An open floor or ceiling makes both measures infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import earth
from skypact.instants import EVER, FOREVER, SECOND_US

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from skypact.airspace.volumes import Volumes

_CORNERS: Final = 128


@dataclass(frozen=True, slots=True)
class Shared:
    """What two sets of volumes have in common.

    Attributes
    ----------
    space_m3
        The most that is shared at one instant, pairs added up: an upper bound where the volumes of one set
        overlap each other.
    space_time_m3s
        The sum over all pairs of area, height and duration in common.
    """

    space_m3: float
    space_time_m3s: float


def shared(ours: Volumes, theirs: Volumes) -> Shared:
    """What two sets of volumes share; bands of different altitude references count as wholly shared."""
    pairs = [
        (i, j, start, end, height)
        for i in range(len(ours))
        for j in range(len(theirs))
        if (start := max(int(ours.start_us[i]), int(theirs.start_us[j])))
        < (end := min(int(ours.end_us[i]), int(theirs.end_us[j])))
        and (height := _common_height_m(ours, i, theirs, j)) > 0.0
    ]
    if not pairs:
        return Shared(0.0, 0.0)
    lats, lngs = earth.positions(_middle(ours))
    draw = _Plane(float(lats[0]), float(lngs[0]))
    mine = {i: draw.outline(ours, i) for i in {pair[0] for pair in pairs}}
    others = {j: draw.outline(theirs, j) for j in {pair[1] for pair in pairs}}
    changes: list[tuple[int, int, float]] = []
    space_time = 0.0
    for i, j, start, end, height in pairs:
        area = float(mine[i].intersection(others[j]).area)
        if area <= 0.0:
            continue
        volume = area * height
        lasting = np.inf if start <= EVER or end >= FOREVER else (end - start) / SECOND_US
        space_time += volume * lasting
        changes += [(start, 1, volume), (end, 0, -volume)]
    most = now = 0.0
    if any(np.isinf(volume) for _, _, volume in changes):
        return Shared(float("inf"), float("inf"))
    for _, _, volume in sorted(changes):  # at one instant what ends (0) goes before what begins (1)
        now += volume
        most = max(most, now)
    return Shared(most, space_time)


def _middle(volumes: Volumes) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    first = volumes.outlines.ball[:1, :3]
    scaled = first / np.array([earth.A_M, earth.A_M, earth.B_M])
    return np.ascontiguousarray(first / np.linalg.norm(scaled, axis=1, keepdims=True))


def _common_height_m(a: Volumes, i: int, b: Volumes, j: int) -> float:
    bounds = (a.lower_reference[i], a.upper_reference[i], b.lower_reference[j], b.upper_reference[j])
    references = {int(reference) for reference in bounds}
    low = float(max(a.lower_m[i], b.lower_m[j]))
    high = float(min(a.upper_m[i], b.upper_m[j]))
    if len(references) > 1:
        return float(max(a.upper_m[i] - a.lower_m[i], b.upper_m[j] - b.lower_m[j]))
    return high - low


class _Plane:
    """An equal-area plane around a point."""

    def __init__(self, lat_deg: float, lng_deg: float) -> None:
        from pyproj import Proj

        self._project = Proj(proj="laea", lat_0=lat_deg, lon_0=lng_deg, ellps="WGS84")

    def outline(self, volumes: Volumes, row: int) -> BaseGeometry:
        """The outline of one volume, drawn."""
        import shapely

        part = slice(int(volumes.offsets[row]), int(volumes.offsets[row + 1]))
        radius = float(volumes.radius_m[row])
        if radius != 0.0:
            turns = np.linspace(0.0, 360.0, _CORNERS, endpoint=False)
            lat = np.full(_CORNERS, volumes.lat_deg[part.start])
            lng = np.full(_CORNERS, volumes.lng_deg[part.start])
            lng, lat, _ = earth.geod().fwd(lng, lat, turns, np.full(_CORNERS, radius))
        else:
            rings = volumes.outlines.offsets
            lat, lng = earth.positions(
                np.ascontiguousarray(volumes.outlines.point[int(rings[row]) : int(rings[row + 1])])
            )
        x, y = self._project(lng, lat)
        drawn = shapely.Polygon(np.stack([x, y], axis=1))
        return drawn if drawn.is_valid else drawn.convex_hull  # a hair's rounding; the hull is never smaller
