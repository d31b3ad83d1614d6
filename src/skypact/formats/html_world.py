"""The ground under the map: coasts, borders, land and names around a centre, cut out of the packaged world.

Law: everything here is background, good to about a kilometre, and decides nothing. Borders are drawn as their
source draws them; that says nothing about whose they are.

How it works. The page shows the earth in one plane, the azimuthal equidistant projection of a sphere about
the centre of the data (Snyder, *Map Projections: A Working Manual*, USGS PP 1395, eqs. 25-2 to 25-4), so no
pole and no antimeridian is special. Squares of finer detail lie inside coarser ones; each square's land is
cut at its edge (Sutherland and Hodgman, CACM 17, 1974) and filled by the even-odd rule. A ring of land far
behind the centre comes out inside out; that is mended for all rings at once by asking whether the point
opposite the centre is land.

The packaged file is built by ``tools/build_world.py``; its provenance is in ``NOTICE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.formats.html_thin import SPHERE_M, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

EDGE_M: Final = 13_000_000.0
"""The ground ends here, unless the data goes on: beyond, the projection stretches past recognition."""
LAST_EDGE_M: Final = 17_000_000.0
"""The ground ends here at the latest."""
LEVELS: Final = ("coarse", "middle", "fine")
_GRID_M: Final = {"coarse": 500.0, "middle": 100.0, "fine": 50.0}
_FAR_RAD: Final = 2.0
_SMALL_RAD: Final = 0.1
_SPARSE: Final = 32
_PLACES_MAX: Final = 1500


@cache
def _world() -> dict[str, NDArray[Any]]:
    with (
        resources.files("skypact.formats").joinpath("data/map/world.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as file,
    ):
        return {name: file[name] for name in file.files}


def project(
    centre: tuple[float, float], lat_deg: NDArray[np.float64], lng_deg: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The plane of the page: metres east and north of the centre (degrees), for positions in degrees."""
    away, azimuth = _polar(centre, lat_deg, lng_deg)
    return SPHERE_M * away * np.sin(azimuth), SPHERE_M * away * np.cos(azimuth)


def _polar(
    centre: tuple[float, float], lat_deg: NDArray[np.float64], lng_deg: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angle from the centre and direction from north there, radians."""
    lat0, lng0 = np.radians(centre)
    lat, east = np.radians(lat_deg), np.radians(lng_deg) - lng0
    x = np.cos(lat) * np.sin(east)
    y = np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(east)
    z = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(east)
    return np.arctan2(np.hypot(x, y), z), np.arctan2(x, y)


def windows(reach_m: float) -> list[tuple[str, float]]:
    """Which levels of detail to draw around data that reaches so far, and half the side of each square."""
    if reach_m <= 350_000.0:
        middle = max(1_500_000.0, 3.0 * reach_m)
        return [("coarse", EDGE_M), ("middle", middle), ("fine", max(300_000.0, 2.0 * reach_m))]
    if reach_m <= 1_700_000.0:
        return [("coarse", EDGE_M), ("middle", min(3.0 * reach_m, 5_000_000.0))]
    return [("middle", EDGE_M if reach_m < 0.95 * EDGE_M else LAST_EDGE_M)]


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """One level of detail as packaged.

    Arc i owns points ``offsets[i]:offsets[i + 1]``, (longitude, latitude) in degrees and as unit vectors.
    Ring i is the arcs ``rings[cuts[i]:cuts[i + 1]]``, backwards where the number is negative; ``spans`` is
    how far across it is at most, in earth radii, and ``heads`` the row of one of its points.
    """

    points: NDArray[np.float64]
    unit: NDArray[np.float64]
    offsets: NDArray[np.int64]
    border: NDArray[np.bool_]
    rings: NDArray[np.int64]
    cuts: NDArray[np.int64]
    spans: NDArray[np.float64]
    heads: NDArray[np.int64]


@cache
def _level(name: str) -> _Level:
    world = _world()
    points = np.cumsum(world[f"{name}_points"], axis=0) / 1000.0
    unit = unit_vectors(points[:, 1], points[:, 0])
    offsets, rings, cuts = (
        world[f"{name}_{part}"].astype(np.int64) for part in ("offsets", "rings", "ring_offsets")
    )
    low, high = np.minimum.reduceat(unit, offsets[:-1]), np.maximum.reduceat(unit, offsets[:-1])
    own = np.where(rings >= 0, rings, ~rings)
    size = np.maximum.reduceat(high[own], cuts[:-1]) - np.minimum.reduceat(low[own], cuts[:-1])
    spans = np.linalg.norm(size, axis=1)
    return _Level(points, unit, offsets, world[f"{name}_border"], rings, cuts, spans, offsets[own[cuts[:-1]]])


def layer(name: str, centre: tuple[float, float], half_m: float) -> dict[str, Any]:
    """One level of detail inside a square around the centre, in whole steps of its grid.

    Returns
    -------
    dict
        ``half`` and ``step`` in metres, and the lines ``land`` (closed rings, for the even-odd rule),
        ``coast`` and ``border``: a list each of arrays of shape (k, 2), east and north in steps.
    """
    level = _level(name)
    away = np.arccos(np.clip(level.unit @ unit_vectors(*np.array(centre).reshape(2, 1))[0], -1.0, 1.0))
    reach = 1.5 * half_m / SPHERE_M + 0.01
    # far away only the shape of the rings counts, so a few points will do
    near = away < reach
    keep = near.copy()
    keep[::_SPARSE] = True
    keep[level.offsets[:-1]] = keep[level.offsets[1:] - 1] = True
    keep[1:] |= near[:-1]
    keep[:-1] |= near[1:]
    rows = np.nonzero(keep)[0]
    points, offsets = level.points[rows], np.searchsorted(rows, level.offsets)
    # an island that is neither in the square nor around the opposite point changes nothing
    first = away[level.heads]
    island = (level.spans < _SMALL_RAD) & (first > reach + _SMALL_RAD) & (first < np.pi - _SMALL_RAD)
    polar = np.column_stack(_polar(centre, points[:, 1], points[:, 0]))
    step = _GRID_M[name]
    lines = _lines(points, polar, offsets, half_m)
    opposite = (centre[1] + 180.0, -centre[0])
    land = []
    behind = False
    for ring in _rings(level, offsets, np.nonzero(~island)[0]):
        behind ^= _around(points[ring], *opposite)
        outline = _unbent(polar[ring])
        if np.any(outline.min(axis=0) > half_m) or np.any(outline.max(axis=0) < -half_m):
            continue
        cut = _cut(outline, half_m)
        if cut.shape[0] > 2:
            land.append(cut)
    if behind:
        land.append(half_m * np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]))
    return {
        "half": half_m,
        "step": step,
        "land": _on_grid(land, step),
        "coast": _on_grid([line for arc, line in lines if not level.border[arc]], step),
        "border": _on_grid([line for arc, line in lines if level.border[arc]], step),
    }


def _on_grid(lines: list[NDArray[np.float64]], step: float) -> list[NDArray[np.int64]]:
    """In whole steps, without repeated points; what shrinks to a point is left out."""
    out = []
    for line in lines:
        whole = np.round(line / step).astype(np.int64)
        moved = np.ones(whole.shape[0], np.bool_)
        moved[1:] = np.any(whole[1:] != whole[:-1], axis=1)
        if moved.sum() > 1:
            out.append(whole[moved])
    return out


def _rings(
    level: _Level, offsets: NDArray[np.int64], chosen: NDArray[np.intp]
) -> Iterator[NDArray[np.int64]]:
    """For each chosen ring of land, the rows of its points; arcs own rows as ``offsets`` says."""
    for first, last in zip(level.cuts[chosen].tolist(), level.cuts[chosen + 1].tolist(), strict=True):
        parts = []
        for arc in level.rings[first:last].tolist():
            own = arc if arc >= 0 else ~arc
            rows = np.arange(offsets[own], offsets[own + 1])
            parts.append(rows if arc >= 0 else rows[::-1])
        yield np.concatenate(parts)


def _around(ring: NDArray[np.float64], lng_deg: float, lat_deg: float) -> bool:
    """Whether a ring, (longitude, latitude) in degrees, lies between a point and the north pole.

    The pole is at sea. A meridian from the point to the pole crosses the shores of all rings together an odd
    number of times where the point is on land.
    """
    east = (ring[:, 0] - lng_deg + 180.0) % 360.0 - 180.0
    east2, lat, lat2 = np.roll(east, -1), ring[:, 1], np.roll(ring[:, 1], -1)
    crosses = ((east > 0.0) != (east2 > 0.0)) & (np.abs(east2 - east) < 180.0)
    at = lat - east * (lat2 - lat) / np.where(crosses, east2 - east, 1.0)
    return bool(np.count_nonzero(crosses & (at > lat_deg)) % 2)


def _unbent(polar: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring in the plane; far out, where straight edges would cut across, they follow circles."""
    following = np.roll(polar, -1, axis=0)
    turn = (following[:, 1] - polar[:, 1] + np.pi) % (2.0 * np.pi) - np.pi
    far = np.minimum(polar[:, 0], following[:, 0]) > _FAR_RAD
    parts = np.where(far, np.ceil(np.abs(turn) / 0.2), 1.0).astype(np.int64)
    parts = np.maximum(parts, 1)
    row = np.repeat(np.arange(polar.shape[0]), parts)
    part = (np.arange(row.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[row]
    away = polar[row, 0] + part * (following[row, 0] - polar[row, 0])
    azimuth = polar[row, 1] + part * turn[row]
    return SPHERE_M * np.column_stack([away * np.sin(azimuth), away * np.cos(azimuth)])


def _cut(ring: NDArray[np.float64], half_m: float) -> NDArray[np.float64]:
    """A closed ring cut to the square: it may run along the edge, which even-odd filling does not mind."""
    for axis, sign in ((0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)):
        if ring.shape[0] == 0:
            break
        depth = half_m - sign * ring[:, axis]
        inside = depth >= 0.0
        if inside.all():
            continue
        following = np.roll(ring, -1, axis=0)
        ahead = np.roll(depth, -1)
        crosses = inside != np.roll(inside, -1)
        share = np.where(crosses, depth / np.where(crosses, depth - ahead, 1.0), 0.0)
        crossing = ring + share[:, None] * (following - ring)
        both = np.stack([ring, crossing], axis=1).reshape(-1, 2)
        ring = both[np.stack([inside, crosses], axis=1).reshape(-1)]
    return ring


def _lines(
    points: NDArray[np.float64],
    polar: NDArray[np.float64],
    offsets: NDArray[np.int64],
    half_m: float,
) -> list[tuple[int, NDArray[np.float64]]]:
    """The parts of arcs that come inside the square, each with the number of its arc."""
    away, azimuth = polar.T
    plane = SPHERE_M * np.column_stack([away * np.sin(azimuth), away * np.cos(azimuth)])
    arc = np.repeat(np.arange(offsets.shape[0] - 1), np.diff(offsets))
    near = np.all(np.abs(plane) <= half_m, axis=1) & (away * SPHERE_M <= LAST_EDGE_M)
    joined = np.zeros(arc.shape[0], np.bool_)
    joined[:-1] = (arc[1:] == arc[:-1]) & (near[1:] | near[:-1])
    # where the source cut the world open, both ends of an edge lie on the antimeridian: no coast is there
    seam = np.abs(points[:, 0]) > 179.98
    joined[:-1] &= ~(seam[1:] & seam[:-1])
    # an edge that passes close to the point opposite the centre would be drawn right across
    joined[:-1] &= np.hypot(*(plane[1:] - plane[:-1]).T) < 3_000_000.0
    begins = joined & ~np.roll(joined, 1)
    ends = np.roll(joined, 1) & ~joined
    return [
        (int(arc[first]), plane[first : last + 1])
        for first, last in zip(np.nonzero(begins)[0].tolist(), np.nonzero(ends)[0].tolist(), strict=True)
    ]


def names(centre: tuple[float, float], half_m: float) -> dict[str, list[list[Any]]]:
    """Names of countries and places: name, metres east and north, and how far it stands out, in km.

    For a country that is the radius of the largest disc within it; for a place, the distance to the next
    larger one.
    """
    world = _world()
    out = {}
    for what, reach_m, most in (("country", max(EDGE_M, half_m), 1000), ("place", half_m, _PLACES_MAX)):
        known = bytes(world[f"{what}_names"]).decode().split("\n")
        points = world[f"{what}_points"] / 1000.0
        x, y = project(centre, points[:, 0], points[:, 1])
        inside = np.nonzero((np.abs(x) <= reach_m) & (np.abs(y) <= reach_m))[0]
        km = world[f"{what}_km"]
        chosen = inside[np.argsort(-km[inside], kind="stable")][:most].tolist()
        out[what] = [[known[k], round(float(x[k])), round(float(y[k])), int(km[k])] for k in chosen]
    return out
