"""Rings as documents draw them: straight in longitude and latitude, cut at 180 degrees, or with arcs.

Law: inside Skypact the edge of an outline is a geodesic (:mod:`skypact.airspace.volumes`). A document may
mean another curve between the same two vertices; here that curve becomes geodesic edges that stay within a
stated distance of it, or, for an arc, on the side that makes the outline larger. Nothing here reads a
document. Rings are arrays of (latitude, longitude) in WGS 84 degrees, shape (n, 2), without a repeated last
vertex.

How it works. A line that is straight in longitude and latitude turns away from the geodesic by ``R sin(lat)
dlng (w + dlat^2 / w) / 8 n^2`` when it is cut into n equal parts, w being its length in radians
(:func:`bend_m`, from the geodesic equation on the sphere). So n is known before anything is cut. A meridian
and the equator need no cut.

What RFC 7946, section 3.1.9, has cut at 180 degrees is joined again by cancelling: two edges that run along
one meridian in opposite directions are no border of what they lie between, and what remains is linked into
rings (:func:`rejoined`). A pole that is drawn as an edge from 180 to -180 degrees disappears the same way.

Known limits: an edge more than 180 degrees of longitude wide is taken to cross the antimeridian, the short
way; two halves of a cut must meet at exactly +-180 degrees.

Sources: do Carmo, *Differential Geometry of Curves and Surfaces*, sec. 4-4 (geodesic curvature); RFC 7946,
3.1.1, 3.1.9.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from skypact.airspace.earth import A_M, B_M, R_MIN_M, geod, surface_points
from skypact.errors import GeometryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ring: TypeAlias = NDArray[np.float64]

DRAWN_M: Final = 0.01
"""How far geodesic edges may lie from a line straight in longitude and latitude: F3548-21's precision."""
ARC_M: Final = 1.0
"""How far outside an arc its tangents may reach; airspace is published to a second of arc, 30 m."""

_R_M: Final = A_M * A_M / B_M  # the largest radius of curvature of the ellipsoid, at the poles
_FLATTENING: Final = 1.02  # the sphere's formula for the bend, on the ellipsoid: a bound, see tests
_WIDEST: Final = math.radians(45.0)
_FEW: Final = 64
_POLAR_DEG: Final = 90.0 - 1e-10


# -- straight in longitude and latitude --------------------------------------------------------------


def steps_deg(
    lng_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], *, loops: bool = True
) -> NDArray[np.float64]:
    """Degrees of longitude along each edge of a path: the short way, unless it goes round the earth.

    An edge from 180 to -180 degrees on one parallel is such a loop where ``loops`` is set, but not if the
    edge before or after it goes on in that direction: then it only repeats a position on the antimeridian.
    """
    step = np.diff(lng_deg)
    wide = np.abs(step) > 180.0
    if not wide.any():
        return step
    level = np.diff(lat_deg) == 0.0
    wide &= ~(level & (np.abs(lat_deg[:-1]) == 90.0))  # along a pole, as far as it is drawn
    loop = wide & level & (np.abs(step) == 360.0) & loops
    short = np.where(wide & ~loop, step - 360.0 * np.round(step / 360.0), step)
    for k in np.nonzero(loop)[0].tolist():
        onward = math.copysign(1.0, lng_deg[k])
        around = (short[k - 1], short[(k + 1) % short.shape[0]])
        if any(0.0 < onward * near < 360.0 for near in around):
            short[k] = 0.0
    return short


def bend_m(
    lat_deg: NDArray[np.float64], end_lat_deg: NDArray[np.float64], step_deg: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A bound in metres on how far geodesics lie from lines that are straight in longitude and latitude.

    Cut into n equal parts, a line lies within ``bend / n^2`` of the geodesics between its points, for all n
    that make that small against its length.
    """
    low, high = np.radians(np.abs(lat_deg)), np.radians(np.abs(end_lat_deg))
    a, b = np.radians(np.abs(end_lat_deg - lat_deg)), np.radians(np.abs(step_deg))
    sine = np.sin(np.maximum(low, high))
    nearest = np.where(lat_deg * end_lat_deg < 0.0, 0.0, np.minimum(low, high))
    w = np.hypot(a, b * np.cos(nearest))
    with np.errstate(invalid="ignore"):
        swing = np.where(w > 0.0, w + a * a / np.maximum(w, 1e-300), 0.0)
    bound: NDArray[np.float64] = _FLATTENING * _R_M / 8.0 * sine * b * swing
    return bound


def _is_straight(lat: list[float], lng: list[float], tolerance_m: float, *, closed: bool) -> bool:
    """Whether :func:`straight` would add nothing, told without arrays: most outlines are small."""
    for k in range(0 if closed else 1, len(lat)):
        b = abs(lng[k] - lng[k - 1])
        if b > 45.0 or abs(lat[k] - lat[k - 1]) > 45.0:
            return False
        if b == 0.0:
            continue
        low, high = sorted((math.radians(abs(lat[k - 1])), math.radians(abs(lat[k]))))
        a, b = math.radians(abs(lat[k] - lat[k - 1])), math.radians(b)
        w = math.hypot(a, b * (1.0 if lat[k - 1] * lat[k] < 0.0 else math.cos(low)))
        if _FLATTENING * _R_M / 8.0 * math.sin(high) * b * (w + a * a / max(w, 1e-300)) > tolerance_m:
            return False
    return True


def straight(
    lat_deg: NDArray[np.float64],
    lng_deg: NDArray[np.float64],
    *,
    closed: bool,
    most: int,
    tolerance_m: float = DRAWN_M,
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Cut a path that is straight in longitude and latitude into geodesic edges that stay near it.

    Parameters
    ----------
    lat_deg, lng_deg
        The path's vertices, shape (n,); a ring's without the last that repeats the first.
    closed
        The last vertex is joined to the first.
    most
        How many vertices the result may have. Where the tolerance needs more, it is widened until it does
        not.
    tolerance_m
        How far, in metres, an edge of the result may lie from the line.

    Returns
    -------
    leg, fraction, lat_deg, lng_deg, tolerance_m
        For every vertex of the result: the edge of the path it lies on, how far along it (0 to 1, in
        degrees), its position with longitudes within +-180. Last, the tolerance that was kept.
    """
    own = lat_deg.shape[0]
    if 1 < own <= _FEW and _is_straight(lat_deg.tolist(), lng_deg.tolist(), tolerance_m, closed=closed):
        leg, fraction = np.arange(own), np.zeros(own)
        if not closed:
            leg[-1], fraction[-1] = own - 2, 1.0
        return leg, fraction, lat_deg, within_180(lng_deg), tolerance_m
    if closed:
        lat_deg, lng_deg = np.append(lat_deg, lat_deg[:1]), np.append(lng_deg, lng_deg[:1])
    n = lat_deg.shape[0]
    step = steps_deg(lng_deg, lat_deg, loops=closed)
    rise = np.diff(lat_deg)
    bend = bend_m(lat_deg[:-1], lat_deg[1:], step)
    width = np.maximum(
        np.abs(rise), np.abs(step) * np.cos(np.radians(np.minimum(np.abs(lat_deg[:-1]), np.abs(lat_deg[1:]))))
    )
    least = np.maximum(np.ceil(np.radians(width) / _WIDEST), 1.0)
    kept = tolerance_m
    while True:
        parts = np.maximum(np.ceil(np.sqrt(bend / kept)), least)
        if parts.sum() <= most or np.all(parts == least):
            break
        kept *= 2.0
    parts = parts.astype(np.intp)
    leg = np.repeat(np.arange(n - 1), parts)
    fraction = (np.arange(leg.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[leg]
    lat, lng = lat_deg[leg] + fraction * rise[leg], lng_deg[leg] + fraction * step[leg]
    if not closed and n:
        leg, fraction = np.append(leg, max(n - 2, 0)), np.append(fraction, 1.0 if n > 1 else 0.0)
        lat, lng = np.append(lat, lat_deg[-1]), np.append(lng, lng_deg[-1])
    return leg, fraction, lat, within_180(lng), kept


def within_180(lng_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes within +-180 degrees; those that are stay as they are, bit for bit."""
    wide = np.abs(lng_deg) > 180.0
    if not wide.any():
        return lng_deg
    return np.where(wide, lng_deg - 360.0 * np.round(lng_deg / 360.0), lng_deg)


# -- cut at 180 degrees, and joined again --------------------------------------------------------------


def rejoined(rings: Sequence[Ring]) -> tuple[list[Ring], int]:
    """Join again what was cut at 180 degrees, and at a pole.

    Parameters
    ----------
    rings
        The outer rings of one thing, edges straight in longitude and latitude, either winding.

    Returns
    -------
    rings, holes
        Its outer rings; and how many holes the cut had hidden in them, which are left out.

    Raises
    ------
    GeometryError
        Nothing is left of it (it covers the earth), or it goes round the earth and holds more than half of
        it.
    """
    whole: list[Ring] = []
    cut: list[Ring] = []
    for ring in rings:
        (cut if np.any(np.abs(ring[:, 1]) >= 180.0) else whole).append(ring)
    if not cut:
        return whole, 0
    joined, holes = _linked(_cancelled([_edges(ring) for ring in cut]))
    return whole + joined, holes


class _Edge:
    """A directed edge of a ring: from (lat, lng) to (lat, lng), longitudes as they run on.

    ``sided`` says that the inside is known to lie on its left; of a ring drawn round a pole nobody knows.
    """

    __slots__ = ("a", "b", "following", "gone", "sided", "used")

    def __init__(self, a: tuple[float, float], b: tuple[float, float], *, sided: bool) -> None:
        self.a, self.b, self.sided = a, b, sided
        self.following: _Edge = self
        self.gone = False
        self.used = False


def _node(point: tuple[float, float]) -> tuple[float, float]:
    """The place on earth of a (latitude, longitude): one for 180 and -180, one for a pole."""
    lat, lng = point
    if abs(lat) == 90.0:
        return lat, 0.0
    if abs(lng) >= 180.0:
        lng -= 360.0 * round(lng / 360.0)
        if abs(lng) == 180.0:
            lng = 180.0
    return lat, lng


def _edges(ring: Ring) -> list[_Edge]:
    """The edges of a ring, interior on the left where it has a left; loops round the earth in quarters."""
    lat, lng = np.append(ring[:, 0], ring[:1, 0]), np.append(ring[:, 1], ring[:1, 1])
    step = steps_deg(lng, lat)
    run = np.concatenate([lng[:1], lng[0] + np.cumsum(step)])
    run = np.where(np.abs(run - lng) < 1e-9, lng, run)  # the sum must not cost the last bits of 180
    area = float(np.sum(run[:-1] * lat[1:] - run[1:] * lat[:-1]))
    points = list(zip(lat.tolist(), run.tolist(), strict=True))
    sided = bool(run[-1] == run[0])
    if sided and area < 0.0:
        points.reverse()
    edges = []
    for a, b in pairwise(points):
        turn = b[1] - a[1]
        stops = [a, *((a[0], a[1] + 0.25 * k * turn) for k in (1, 2, 3) if abs(turn) >= 360.0), b]
        edges += [_Edge(c, d, sided=sided) for c, d in pairwise(stops)]
    return [edge for edge in edges if _node(edge.a) != _node(edge.b)]


def _cancelled(rings: list[list[_Edge]]) -> list[_Edge]:
    """All edges, those along a meridian cut where others end, and gone where two run opposite."""
    stops: dict[float, set[float]] = {}

    def meridian(edge: _Edge) -> float | None:
        if edge.a[1] != edge.b[1]:
            return None
        return _node((0.0, edge.a[1]))[1]

    for ring in rings:
        for edge in ring:
            along = meridian(edge)
            if along is not None:
                stops.setdefault(along, set()).update((edge.a[0], edge.b[0]))
    order = {along: sorted(lats) for along, lats in stops.items()}
    edges: list[_Edge] = []
    waiting: dict[tuple[float, float, float], list[_Edge]] = {}
    for ring in rings:
        first = len(edges)
        for edge in ring:
            along = meridian(edge)
            if along is None:
                edges.append(edge)
                continue
            low, high = sorted((edge.a[0], edge.b[0]))
            lats = [lat for lat in order[along] if low <= lat <= high]
            if edge.a[0] > edge.b[0]:
                lats.reverse()
            for a, b in pairwise(lats):
                part = _Edge((a, edge.a[1]), (b, edge.a[1]), sided=edge.sided)
                edges.append(part)
                opposite = waiting.get((along, b, a))
                if opposite:
                    opposite.pop().gone = part.gone = True
                else:
                    waiting.setdefault((along, a, b), []).append(part)
        for index in range(first, len(edges)):
            edges[index].following = edges[index + 1 if index + 1 < len(edges) else first]
    return edges


def _linked(edges: list[_Edge]) -> tuple[list[Ring], int]:
    """The rings that the remaining edges make, without holes, and the number of holes."""
    starting: dict[tuple[float, float], list[_Edge]] = {}
    left = [edge for edge in edges if not edge.gone]
    for edge in reversed(left):
        starting.setdefault(_node(edge.a), []).append(edge)
    rings: list[Ring] = []
    holes = 0
    for first in left:
        if first.used:
            continue
        chain = []
        last: _Edge | None = first
        while last is not None:
            last.used = True
            chain.append(last)
            last = _after(last, _node(first.a), starting)
        ring = _ring_of(chain)
        if ring is None:
            holes += 1
        else:
            rings.append(ring)
    if not rings:
        raise GeometryError(
            "nothing is left of the outline once its cut at 180 degrees is joined",
            found="an outline all round the earth, or without area",
            expected="an outline with an inside and an outside",
        )
    return rings, holes


def _after(
    edge: _Edge, home: tuple[float, float], starting: dict[tuple[float, float], list[_Edge]]
) -> _Edge | None:
    """The edge that a chain goes on with, its own ring's first; None when it is home."""
    here = _node(edge.b)
    following = edge.following
    if not following.gone and not following.used:
        return following
    if here == home:
        return None
    candidates = starting.get(here, [])
    while candidates and candidates[-1].used:
        candidates.pop()
    return candidates.pop() if candidates else None


def _ring_of(chain: list[_Edge]) -> Ring | None:
    """A chain's ring; None if it is a hole. Refused if it goes round the earth and holds over half of it."""
    points: list[tuple[float, float]] = []
    legs: list[tuple[float, float, float]] = []
    jump: int | None = None
    for edge, following in zip(chain, chain[1:] + chain[:1], strict=True):
        points.append(edge.a)
        legs.append((edge.a[0], edge.b[0], edge.b[1] - edge.a[1]))
        if edge.b[0] in {90.0, -90.0} and edge.b != following.a:
            points.append(edge.b)  # a pole that is reached on one meridian and left on another
            jump = len(legs)
            legs.append((edge.b[0], edge.b[0], 0.0))
    if jump is not None:  # at the pole the outline turns back by all that it has turned
        pole = legs[jump][0]
        legs[jump] = (pole, pole, -sum(step for _, _, step in legs))
    turn = area = sine = 0.0
    for lat, end_lat, step in legs:
        area += turn * end_lat - (turn + step) * lat
        sine += _mean_sine(lat, end_lat) * step
        turn += step
    ring = np.array([(lat, _node((0.0, lng))[1]) for lat, lng in points])
    if not all(edge.sided for edge in chain):
        return ring
    if abs(turn) < 180.0:
        return ring if area >= 0.0 else None
    # round a pole: eastward the inside is the north, with the share (1 - mean sine) of a hemisphere, westward
    # the south
    share = 1.0 - sine / turn if turn > 0.0 else 1.0 + sine / turn
    if share > 1.0 + 1e-12:
        raise GeometryError(
            "the outline goes round the earth and holds more than half of it",
            found=f"{50.0 * share:.0f}% of the earth",
            expected="the smaller side of an outline, half the earth at most",
        )
    return ring


def _mean_sine(lat_deg: float, end_lat_deg: float) -> float:
    """The mean of sin(latitude) along a line straight in longitude and latitude."""
    a, b = math.radians(lat_deg), math.radians(end_lat_deg)
    if abs(b - a) < 1e-6:
        return math.sin(0.5 * (a + b))
    return (math.cos(a) - math.cos(b)) / (b - a)


# -- geodesic edges, drawn -----------------------------------------------------------------------------


def drawn(ring: Ring, *, most: int, tolerance_m: float = DRAWN_M) -> list[Ring]:
    """Draw an outline for a document whose edges are straight in longitude and latitude, cut at 180 degrees.

    Parameters
    ----------
    ring
        The outline, geodesic edges, any winding, the smaller side meant.
    most
        How many vertices the drawing may have before the cut; the tolerance is widened where it needs more.
    tolerance_m
        How far, in metres, a drawn edge may lie from the geodesic.

    Returns
    -------
    list of ndarray
        Counter-clockwise rings of (latitude, longitude), longitudes within +-180, together the outline. An
        outline round a pole is drawn with an edge along the pole.
    """
    lat, run = _running(*_followed(ring, most, tolerance_m))
    turn = run[-1] - run[0]
    if abs(lat[0]) == 90.0:
        pass  # a pole is a vertex: the meridians it is reached and left on are both drawn
    elif abs(turn) > 180.0:
        pole = 90.0 if float(np.sum(np.sin(np.radians(lat[:-1])) * np.diff(run))) / turn > 0.0 else -90.0
        lat, run = np.append(lat, [pole, pole]), np.append(run, [run[-1], run[0]])
    else:
        lat, run = lat[:-1], run[:-1]
    area = float(np.sum(run * np.roll(lat, -1) - np.roll(run, -1) * lat))
    if area < 0.0:
        lat, run = lat[::-1], run[::-1]
    if run.min() >= -180.0 and run.max() <= 180.0:
        return [np.column_stack([lat, run])]
    return _cut(lat, run)


def _followed(ring: Ring, most: int, tolerance_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A closed ring's vertices (the first repeated), with points of its geodesics between them.

    It begins at a pole if one is a vertex.
    """
    polar = np.nonzero(np.abs(ring[:, 0]) > _POLAR_DEG)[0]
    ring = np.roll(ring, -int(polar[0]), axis=0) if polar.shape[0] else ring
    base_lat, base_lng = np.append(ring[:, 0], ring[:1, 0]), np.append(ring[:, 1], ring[:1, 1])
    kept = tolerance_m
    while True:
        lat, lng = base_lat, base_lng
        for _ in range(12):
            bend = bend_m(lat[:-1], lat[1:], steps_deg(lng, lat))
            bend[(np.abs(lat[:-1]) > _POLAR_DEG) | (np.abs(lat[1:]) > _POLAR_DEG)] = 0.0  # a meridian
            parts = np.ceil(np.sqrt(bend / kept)).astype(np.intp)
            if np.all(parts <= 1):
                break
            lat, lng = _divided(lat, lng, np.maximum(parts, 1))
            if lat.shape[0] > most:
                break
        if np.all(parts <= 1) and lat.shape[0] <= max(most, base_lat.shape[0]):
            return lat, lng
        kept *= 2.0


def _divided(
    lat: NDArray[np.float64], lng: NDArray[np.float64], parts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Divide each geodesic of a path into so many equal parts; its vertices are kept bit for bit."""
    azimuth, _, length = (np.asarray(c) for c in geod().inv(lng[:-1], lat[:-1], lng[1:], lat[1:]))
    leg = np.repeat(np.arange(parts.shape[0]), parts)
    step = np.arange(leg.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)
    new = np.nonzero(step)[0]
    at = leg[new]
    far_lng, far_lat, _ = geod().fwd(lng[at], lat[at], azimuth[at], step[new] / parts[at] * length[at])
    out_lat, out_lng = lat[leg].copy(), lng[leg].copy()
    out_lat[new], out_lng[new] = far_lat, far_lng
    return np.append(out_lat, lat[-1]), np.append(out_lng, lng[-1])


def _running(
    lat: NDArray[np.float64], lng: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The closed path with longitudes that run on; a pole has those it is reached and left on."""
    polar = np.abs(lat) > _POLAR_DEG
    lats: list[float] = []
    run: list[float] = []
    for k in range(lat.shape[0]):
        if polar[k]:
            pole = math.copysign(90.0, lat[k])
            if run:
                lats.append(pole)
                run.append(run[-1])
            if k + 1 < lat.shape[0]:
                lats.append(pole)
                run.append(float(lng[k + 1]) if len(run) == 0 else _near(float(lng[k + 1]), run[-1]))
            continue
        lats.append(float(lat[k]))
        run.append(_near(float(lng[k]), run[-1]) if run else float(lng[k]))
    return np.array(lats), np.array(run)


def _near(lng: float, run: float) -> float:
    """A longitude, with as many turns as bring it nearest to another."""
    turns = round((lng - run) / 360.0)
    return lng - 360.0 * turns if turns else lng


def _cut(lat: NDArray[np.float64], run: NDArray[np.float64]) -> list[Ring]:
    """Cut a ring whose longitudes run beyond +-180 at every 180 + 360 k degrees."""
    import shapely

    points: list[tuple[float, float]] = []
    pairs = list(zip(run.tolist(), lat.tolist(), strict=True))
    for (x, y), (x2, y2) in zip(pairs, pairs[1:] + pairs[:1], strict=True):
        points.append((x, y))
        low, high = min(x, x2), max(x, x2)
        cuts = [
            180.0 + 360.0 * k
            for k in range(math.floor((low - 180.0) / 360.0), math.ceil((high - 180.0) / 360.0) + 1)
        ]
        inside = [c for c in cuts if low < c < high]
        points.extend(
            (c, y + (y2 - y) * (c - x) / (x2 - x)) for c in (inside if x < x2 else reversed(inside))
        )
    shape = shapely.make_valid(shapely.Polygon(points))
    rings: list[Ring] = []
    first, last = math.floor((run.min() + 180.0) / 360.0), math.floor((run.max() + 180.0) / 360.0)
    for k in range(first, last + 1):
        piece = shapely.intersection(shape, shapely.box(360.0 * k - 180.0, -90.0, 360.0 * k + 180.0, 90.0))
        for part in shapely.get_parts(piece):
            if part.geom_type != "Polygon" or part.is_empty:
                continue
            x, y = (np.asarray(c)[:-1] for c in shapely.geometry.polygon.orient(part).exterior.xy)
            rings.append(np.column_stack([y, x - 360.0 * k]))
    return rings


# -- arcs ----------------------------------------------------------------------------------------------


def arc(
    lat_deg: float,
    lng_deg: float,
    radius_m: float,
    start_deg: float,
    sweep_deg: float,
    *,
    outside: bool,
    tolerance_m: float = ARC_M,
) -> Ring:
    """Points between the ends of an arc whose geodesic edges lie on one side of it, within a tolerance.

    Parameters
    ----------
    lat_deg, lng_deg, radius_m
        Centre and radius of the geodesic circle.
    start_deg, sweep_deg
        Azimuth of the arc's start, clockwise from true north, and the turn from there, clockwise positive.
    outside
        True: the edges are tangents, outside the circle. False: they are chords, inside it.
    tolerance_m
        How far the edges may lie from the arc, about.

    Returns
    -------
    ndarray
        (latitude, longitude) of the points, shape (n, 2). The arc's own ends are not among them.
    """
    half = math.acos(radius_m / (radius_m + tolerance_m))
    n = max(math.ceil(math.radians(abs(sweep_deg)) / (2.0 * half)), math.ceil(abs(sweep_deg) / 30.0), 1)
    part = sweep_deg / n
    if outside:
        azimuth = start_deg + part * (np.arange(n) + 0.5)
        reach = math.atan(math.tan(radius_m / R_MIN_M) / math.cos(math.radians(0.5 * part))) * R_MIN_M
        reach += 1e-3 + 0.01 * (reach - radius_m)  # the ellipsoid is no sphere: a millimetre, and a hundredth
    else:
        azimuth = start_deg + part * np.arange(1, n)
        reach = radius_m
    size = azimuth.shape[0]
    lng, lat, _ = geod().fwd(np.full(size, lng_deg), np.full(size, lat_deg), azimuth, np.full(size, reach))
    return np.column_stack([np.asarray(lat, np.float64), np.asarray(lng, np.float64)])


def bearing(lat_deg: float, lng_deg: float, to_lat_deg: float, to_lng_deg: float) -> tuple[float, float]:
    """Azimuth in degrees and geodesic distance in metres from one position to another."""
    azimuth, _, metres = geod().inv(lng_deg, lat_deg, to_lng_deg, to_lat_deg)
    return float(azimuth), float(metres)


def at_bearing(lat_deg: float, lng_deg: float, azimuth_deg: float, metres: float) -> tuple[float, float]:
    """Latitude and longitude of the position at an azimuth and a geodesic distance from another."""
    lng, lat, _ = geod().fwd(lng_deg, lat_deg, azimuth_deg, metres)
    return float(lat), float(lng)


def hull(ring: Ring) -> Ring:
    """The convex hull of an outline: geodesic edges, the vertices that stand out.

    It holds every point that the outline may be said to hold, however it crosses itself, to about a
    centimetre over 100 km (the bend of geodesics in a central projection of the ellipsoid).

    Raises
    ------
    GeometryError
        The vertices lie in a line, or not on one side of the earth.
    """
    import shapely

    point = surface_points(ring[:, 0], ring[:, 1])
    middle = point.mean(axis=0)
    size = float(np.linalg.norm(middle))
    up = point @ middle / max(size, 1.0) ** 2
    if size < 1.0 or np.any(up < 0.1):
        raise GeometryError("an outline all round the earth", expected="an outline on one side of it")
    across = np.cross(middle, (0.0, 0.0, 1.0) if abs(middle[2]) < 0.9 * size else (1.0, 0.0, 0.0))
    across /= np.linalg.norm(across)
    along = np.cross(middle / size, across)
    plane = np.column_stack([point @ across, point @ along]) / up[:, None]
    shape = shapely.convex_hull(shapely.MultiPoint(plane))
    if shape.geom_type != "Polygon":
        raise GeometryError("the outline has no area", found="all vertices in a line", expected="a polygon")
    places = {tuple(row): k for k, row in enumerate(plane.tolist())}
    rows = [places[tuple(row)] for row in shapely.get_coordinates(shape)[:-1].tolist()]
    return ring[rows]


def corridor(lat_deg: NDArray[np.float64], lng_deg: NDArray[np.float64], half_width_m: float) -> list[Ring]:
    """Four-cornered outlines, one a leg, that hold all that is within half a width of a path's legs."""
    back_azimuth: Any
    azimuth, back_azimuth, _ = geod().inv(lng_deg[:-1], lat_deg[:-1], lng_deg[1:], lat_deg[1:])
    corners = []
    reach = math.sqrt(2.0) * half_width_m
    for k, (out, back) in enumerate(zip(np.atleast_1d(azimuth), np.atleast_1d(back_azimuth), strict=True)):
        ring = []
        for row, azimuths in ((k, (out + 135.0, out - 135.0)), (k + 1, (back + 135.0, back - 135.0))):
            for turn in azimuths:
                lng, lat, _ = geod().fwd(lng_deg[row], lat_deg[row], turn, reach)
                ring.append((lat, lng))
        corners.append(np.array(ring))
    return corners
