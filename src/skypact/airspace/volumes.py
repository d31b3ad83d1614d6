"""THE 4D volume: an outline on the earth, a floor and a ceiling, a window of time; one, or millions.

Law: there is one type of volume in Skypact and it is checked once, where it is made. An outline is a polygon
with geodesic edges, any winding, of which the smaller side is meant; or a circle, which stays a circle. A
volume is a closed set in space (two that only touch meet) and half-open in time (``start <= t < end``). A
floor, a ceiling or an end of the window may be open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import earth, jit, outlines
from skypact.airspace.altitude import ALTITUDE_LIMIT_M, Altitude, AltitudeReference
from skypact.airspace.labels import Kind, Labels
from skypact.airspace.moving import first_bad_position
from skypact.errors import GeometryError, InputError
from skypact.instants import EVER, FOREVER, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

VERTICES_MIN: Final = 3
VERTICES_MAX: Final = 10_000
"""F3548-21's limit for an operational intent (OiMaxVertices)."""
RADIUS_MAX_M: Final = 1_000_000.0
RING_MAX: Final = 100_000
"""So many points a ring may have once its long edges are cut: some 2,500,000 km of outline."""
_FEW: Final = 16
"""So few rows are looked at one by one faster than as columns."""
_SMALL: Final = 64
"""So few vertices has a small polygon."""
_UNCUT: Final = 0.999
"""A leg is cut whose chord is longer than so much of the longest leg."""
_NO_RADIUS: Final = -5e-324
"""Stands for a radius of 0 in a column where 0 means a polygon."""
_GEOID_LOW_M, _GEOID_HIGH_M = -107.0, 86.0
"""Between these lies mean sea level over the ellipsoid, everywhere (EGM96)."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A geodesic circle: centre in WGS 84 degrees, radius in metres along the ellipsoid."""

    lat_deg: float
    lng_deg: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """A geodesic polygon: latitude and longitude of its vertices, WGS 84 degrees; it closes by itself."""

    vertices: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Volume4D:
    """One volume. ``None`` is an open floor or ceiling; EVER and FOREVER are open ends of its window."""

    outline: Circle | Polygon
    lower: Altitude | None = None
    upper: Altitude | None = None
    start_us: int = EVER
    end_us: int = FOREVER


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """What kernels see of outlines: rings of surface points, legs of at most 25 km, and the ball of each.

    Attributes
    ----------
    offsets
        Ring i is ``point[offsets[i]:offsets[i + 1]]``; int64, shape (n + 1,). A circle is its centre alone.
    point
        Surface points (metres ECEF), shape (k, 3).
    ball
        Centre and radius in metres of a ball that holds the outline and its inside, shape (n, 4).
    leg_m
        The longest leg (chord) of each ring, shape (n,).
    """

    offsets: NDArray[np.int64]
    point: NDArray[np.float64]
    ball: NDArray[np.float64]
    leg_m: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Volumes:
    """n volumes in columns; made by :meth:`of` or :meth:`from_columns`.

    Attributes
    ----------
    labels
        Who they are, n rows. The volumes of one operational intent share id and body.
    offsets
        Outline i owns vertices ``offsets[i]:offsets[i + 1]``; int64, shape (n + 1,). A circle has one, its
        centre.
    lat_deg, lng_deg
        WGS 84 degrees of the vertices, shape (m,); no repeated last vertex.
    radius_m
        Radius of a circle; 0 for a polygon. Shape (n,).
    lower_m, lower_reference, upper_m, upper_reference
        Floor and ceiling, metres and :class:`AltitudeReference` (int8); -inf and inf where open. Shape (n,).
    start_us, end_us
        Half-open window, int64 microseconds since 1970 UTC; EVER and FOREVER where open. Shape (n,).
    outlines
        The same outlines as kernels see them.
    """

    labels: Labels
    offsets: NDArray[np.int64]
    lat_deg: NDArray[np.float64]
    lng_deg: NDArray[np.float64]
    radius_m: NDArray[np.float64]
    lower_m: NDArray[np.float64]
    lower_reference: NDArray[np.int8]
    upper_m: NDArray[np.float64]
    upper_reference: NDArray[np.int8]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    outlines: Outlines

    @classmethod
    def of(
        cls, labels: Labels, volumes: Sequence[Volume4D], *, where: Sequence[str] | None = None
    ) -> Volumes:
        """Check volumes and lay them out in columns.

        ``where`` names each row's place for error messages; by default ``volume 'ID' (row N)``.

        Raises
        ------
        GeometryError
            A volume is not one: names the row's place, the field, the vertex, the value.
        """
        made = cls._of_few(labels, volumes) if len(volumes) <= _FEW else None
        if made is not None:
            return made
        shapes = [v.outline for v in volumes]
        sizes = [len(o.vertices) if isinstance(o, Polygon) else 1 for o in shapes]
        points = [
            p for o in shapes for p in (o.vertices if isinstance(o, Polygon) else ((o.lat_deg, o.lng_deg),))
        ]
        flat = np.array(points, np.float64).reshape(-1, 2)
        # a circle of radius 0 must be seen as a circle, and refused: 0 is how a column says "polygon"
        radii = [(o.radius_m or _NO_RADIUS) if isinstance(o, Circle) else 0.0 for o in shapes]
        none = Altitude(np.nan, AltitudeReference.W84)
        return cls.from_columns(
            labels,
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            flat[:, 0],
            flat[:, 1],
            radii,
            [-np.inf if v.lower is None else v.lower.metres for v in volumes],
            [(v.lower or none).reference for v in volumes],
            [np.inf if v.upper is None else v.upper.metres for v in volumes],
            [(v.upper or none).reference for v in volumes],
            [v.start_us for v in volumes],
            [v.end_us for v in volumes],
            where=where,
        )

    @classmethod
    def from_columns(
        cls,
        labels: Labels,
        offsets: ArrayLike,
        lat_deg: ArrayLike,
        lng_deg: ArrayLike,
        radius_m: ArrayLike,
        lower_m: ArrayLike,
        lower_reference: ArrayLike,
        upper_m: ArrayLike,
        upper_reference: ArrayLike,
        start_us: ArrayLike,
        end_us: ArrayLike,
        *,
        where: Sequence[str] | None = None,
    ) -> Volumes:
        """Check columns (see the attributes) and keep them; a single value stands for all rows.

        A last vertex that repeats the first is dropped. Raises as :meth:`of` does.
        """
        n = len(labels)
        places = _Places(labels, where)
        cuts = np.asarray(offsets, np.int64)
        if cuts.shape != (n + 1,) or cuts[0] != 0 or np.any(np.diff(cuts) < 0):
            raise GeometryError(
                "outlines need rising offsets from 0",
                where="offsets",
                found=f"{cuts.shape[0]} offsets for {n} volumes",
                expected=f"{n + 1} rising numbers",
            )
        m = int(cuts[-1])
        lat, lng = _column(lat_deg, m, "lat_deg", np.float64), _column(lng_deg, m, "lng_deg", np.float64)
        radius = _column(radius_m, n, "radius_m", np.float64)
        lower, upper = _column(lower_m, n, "lower_m", np.float64), _column(upper_m, n, "upper_m", np.float64)
        low_ref = _column(lower_reference, n, "lower_reference", np.int64)
        up_ref = _column(upper_reference, n, "upper_reference", np.int64)
        start, end = _column(start_us, n, "start_us", np.int64), _column(end_us, n, "end_us", np.int64)
        _check_heights_and_window(places, lower, low_ref, upper, up_ref, start, end)
        cuts, lat, lng = _check_vertices(places, cuts, lat, lng, radius)
        outlines, ring_vertex = _outlines(places, cuts, lat, lng, radius)
        _check_rings(places, outlines, radius, ring_vertex, lat, lng)
        return cls(
            labels,
            cuts,
            lat,
            lng,
            radius,
            lower,
            low_ref.astype(np.int8),
            upper,
            up_ref.astype(np.int8),
            start,
            end,
            outlines,
        )

    @classmethod
    def _of_few(cls, labels: Labels, volumes: Sequence[Volume4D]) -> Volumes | None:
        """A few small polygons, as every request has them, with few calls; None: look with care."""
        cuts, lats, lngs = [0], [], []
        floors, ceilings, references = [], [], []
        for volume in volumes:
            outline, low, high = volume.outline, volume.lower, volume.upper
            if not isinstance(outline, Polygon) or not VERTICES_MIN <= len(outline.vertices) <= _SMALL:
                return None
            for lat, lng in outline.vertices:
                if not (abs(lat) <= 90.0 and abs(lng) <= 360.0):
                    return None
                lats.append(lat)
                lngs.append(lng)
            if lats[cuts[-1]] == lats[-1] and (lngs[cuts[-1]] - lngs[-1]) % 360.0 == 0.0:  # it is closed
                return None
            cuts.append(len(lats))
            floor, floor_of = (-np.inf, 0) if low is None else (low.metres, low.reference)
            ceiling, ceiling_of = (np.inf, 0) if high is None else (high.metres, high.reference)
            if not _sound(floor, floor_of, ceiling, ceiling_of, volume.start_us, volume.end_us):
                return None
            floors.append(floor)
            ceilings.append(ceiling)
            references.append(floor_of)
        n = len(cuts) - 1
        if n != len(labels) or not n:
            return None
        offsets, lat_deg, lng_deg = np.array(cuts, np.int64), np.array(lats), np.array(lngs)
        if lat_deg.dtype != np.float64 or lng_deg.dtype != np.float64:
            return None
        point, ball, leg_m = np.empty((cuts[-1], 3)), np.empty((n, 4)), np.empty(n)
        if not outlines.few(offsets, lat_deg, lng_deg, _UNCUT * earth.LEG_MAX_M, point, ball, leg_m):
            return None
        return cls(
            labels,
            offsets,
            lat_deg,
            lng_deg,
            np.zeros(n),
            np.array(floors, np.float64),
            np.array(references, np.int8),
            np.array(ceilings, np.float64),
            np.array(references, np.int8),
            np.array([volume.start_us for volume in volumes], np.int64),
            np.array([volume.end_us for volume in volumes], np.int64),
            Outlines(offsets, point, ball, leg_m),
        )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.intp]) -> Volumes:
        """Some of the volumes, in the order given."""
        rows = np.asarray(rows, np.intp)
        cuts, vertices = _ragged(self.offsets, rows)
        rings, points = _ragged(self.outlines.offsets, rows)
        outlines = Outlines(
            rings, self.outlines.point[points], self.outlines.ball[rows], self.outlines.leg_m[rows]
        )
        return Volumes(
            self.labels.take(rows),
            cuts,
            self.lat_deg[vertices],
            self.lng_deg[vertices],
            self.radius_m[rows],
            self.lower_m[rows],
            self.lower_reference[rows],
            self.upper_m[rows],
            self.upper_reference[rows],
            self.start_us[rows],
            self.end_us[rows],
            outlines,
        )

    def areas_m2(self) -> NDArray[np.float64]:
        """The area of each outline in square metres on the ellipsoid, shape (n,).

        Polygons by Karney's geodesic polygons; a circle as that of a sphere with the mean radius of
        curvature at its centre, good to a thousandth for radii up to 100 km.
        """
        areas = np.empty(len(self))
        for i in range(len(self)):
            part = slice(int(self.offsets[i]), int(self.offsets[i + 1]))
            radius = float(self.radius_m[i])
            if radius != 0.0:
                sine = np.sin(np.radians(self.lat_deg[part.start]))
                mean_m = earth.B_M / (1.0 - earth.E2 * sine * sine)
                areas[i] = 2.0 * np.pi * mean_m * mean_m * (1.0 - np.cos(radius / mean_m))
            else:
                areas[i] = abs(earth.geod().polygon_area_perimeter(self.lng_deg[part], self.lat_deg[part])[0])
        return areas

    @classmethod
    def concat(cls, sets: Sequence[Volumes]) -> Volumes:
        """Several sets one after another; of one data mode."""
        labels = Labels.concat([s.labels for s in sets])

        def joined(columns: Iterable[NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate(list(columns))

        def shifted(columns: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
            shift = np.concatenate([[0], np.cumsum([c[-1] for c in columns])])
            return np.concatenate([[0], *(c[1:] + by for c, by in zip(columns, shift[:-1], strict=True))])

        outlines = Outlines(
            shifted([s.outlines.offsets for s in sets]),
            joined(s.outlines.point for s in sets),
            joined(s.outlines.ball for s in sets),
            joined(s.outlines.leg_m for s in sets),
        )
        return cls(
            labels,
            shifted([s.offsets for s in sets]),
            joined(s.lat_deg for s in sets),
            joined(s.lng_deg for s in sets),
            joined(s.radius_m for s in sets),
            joined(s.lower_m for s in sets),
            joined(s.lower_reference for s in sets),
            joined(s.upper_m for s in sets),
            joined(s.upper_reference for s in sets),
            joined(s.start_us for s in sets),
            joined(s.end_us for s in sets),
            outlines,
        )


class _Places:
    """Where a row came from, in the words of whoever gave it."""

    def __init__(self, labels: Labels, where: Sequence[str] | None) -> None:
        self._labels, self._where = labels, where

    def __call__(self, row: int, field: str) -> str:
        if self._where is not None:
            return f"{self._where[row]}, {field}"
        return f"volume {self._labels.ids[row]!r} (row {row}), {field}"


def _column(values: ArrayLike, n: int, what: str, dtype: type) -> NDArray[Any]:
    given = np.asarray(values)
    whole = given.dtype.kind == "i" or (given.dtype.kind == "u" and int(given.max(initial=0)) < 2**63)
    if dtype is np.int64 and given.size and not whole:
        raise GeometryError(
            "whole numbers are needed", where=what, found=given.dtype, expected="64-bit integers"
        )
    column: NDArray[Any] = given.astype(dtype)
    if column.ndim == 0:
        column = np.full(n, column, dtype)
    if column.shape != (n,):
        raise GeometryError(
            "one value a row is needed", where=what, found=f"shape {column.shape}", expected=f"({n},)"
        )
    return np.ascontiguousarray(column)


def _first(bad: NDArray[np.bool_]) -> int | None:
    rows = np.nonzero(bad)[0]
    return int(rows[0]) if rows.shape[0] else None


def _sound(low: float, low_ref: int, high: float, high_ref: int, start: int, end: int) -> bool:
    """Whether nothing is wrong with one row, of one reference; what is not, is looked at with care."""
    return (
        (abs(low) <= ALTITUDE_LIMIT_M or low == -np.inf)
        and (abs(high) <= ALTITUDE_LIMIT_M or high == np.inf)
        and low <= high
        and 0 <= low_ref == high_ref < len(AltitudeReference)
        and start < FOREVER
        and end > EVER
        and start < end
    )


def _check_heights_and_window(
    places: _Places,
    lower: NDArray[np.float64],
    low_ref: NDArray[np.int64],
    upper: NDArray[np.float64],
    up_ref: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
) -> None:
    if lower.shape[0] <= _FEW and all(
        map(
            _sound,
            lower.tolist(),
            low_ref.tolist(),
            upper.tolist(),
            up_ref.tolist(),
            start.tolist(),
            end.tolist(),
        )
    ):
        return
    for field, column, reference, open_end in (
        ("lower altitude", lower, low_ref, -np.inf),
        ("upper altitude", upper, up_ref, np.inf),
    ):
        row = _first(~((np.abs(column) <= ALTITUDE_LIMIT_M) | (column == open_end)))
        if row is not None:
            raise GeometryError(
                "not an altitude",
                where=places(row, field),
                found=float(column[row]),
                expected="metres below 1,000 km",
            )
        row = _first((reference < 0) | (reference >= len(AltitudeReference)))
        if row is not None:
            raise GeometryError(
                "not an altitude reference",
                where=places(row, field),
                found=int(reference[row]),
                expected="W84, AMSL, STD or AGL",
            )
    # what a ceiling may gain on a floor of another reference; nothing can be said of references that do not
    # compare
    room = np.where(low_ref == up_ref, 0.0, np.inf)
    room[(low_ref == AltitudeReference.W84) & (up_ref == AltitudeReference.AMSL)] = _GEOID_HIGH_M
    room[(low_ref == AltitudeReference.AMSL) & (up_ref == AltitudeReference.W84)] = -_GEOID_LOW_M
    row = _first(upper + room < lower)
    if row is not None:
        raise GeometryError(
            "the ceiling is below the floor",
            where=places(row, "upper altitude"),
            found=f"{float(upper[row]):g} m {AltitudeReference(int(up_ref[row])).word}",
            expected=f"{float(lower[row]):g} m {AltitudeReference(int(low_ref[row])).word} or more",
        )
    for field, instant, wrong in (("start", start, start >= FOREVER), ("end", end, end <= EVER)):
        row = _first(wrong)
        if row is not None:
            raise GeometryError(
                "not an instant",
                where=places(row, field),
                found=int(instant[row]),
                expected="microseconds since 1970, or open",
            )
    row = _first(end <= start)
    if row is not None:
        raise GeometryError(
            "the window ends before it starts, or with it",
            where=places(row, "end"),
            found=format_instant(end[row]),
            expected=f"after {format_instant(start[row])}",
        )


def _check_vertices(
    places: _Places,
    cuts: NDArray[np.int64],
    lat: NDArray[np.float64],
    lng: NDArray[np.float64],
    radius: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Positions, radii and counts; returns the columns without repeated last vertices."""

    def vertex(sample: int, field: str) -> str:
        row = int(np.searchsorted(cuts, sample, side="right")) - 1
        if radius[row] != 0.0:
            return places(row, f"centre, {field}")
        return places(row, f"vertex {sample - int(cuts[row])}, {field}")

    bad = first_bad_position(lat, lng)
    if bad is not None:
        sample, field, value = bad
        raise GeometryError(
            f"not a {field}", where=vertex(sample, field), found=value, expected="degrees on earth"
        )
    sizes = np.diff(cuts)
    circle = radius != 0.0
    row = _first(circle & ~((radius > 0.0) & (radius <= RADIUS_MAX_M)))
    if row is not None:
        found = 0.0 if radius[row] == _NO_RADIUS else float(radius[row])
        raise GeometryError(
            "not a radius",
            where=places(row, "radius"),
            found=f"{found:g} m",
            expected="more than 0, at most 1,000 km",
        )
    row = _first(circle & (sizes != 1))
    if row is not None:
        raise GeometryError(
            "a circle has one centre",
            where=places(row, "centre"),
            found=f"{int(sizes[row])} points",
            expected="1 point",
        )
    row = _first(sizes > VERTICES_MAX + 1)
    if row is None:
        closed = np.zeros(sizes.shape[0], np.bool_)
        ring = np.nonzero(sizes > 1)[0]
        head, tail = cuts[ring], cuts[ring + 1] - 1
        closed[ring] = (lat[head] == lat[tail]) & ((lng[head] - lng[tail]) % 360.0 == 0.0)
        if closed.any():
            keep = np.ones(lat.shape[0], np.bool_)
            keep[cuts[1:][closed] - 1] = False
            lat, lng = lat[keep], lng[keep]
            sizes = sizes - closed
            cuts = np.concatenate([[0], np.cumsum(sizes)])
        row = _first(sizes > VERTICES_MAX)
    if row is not None:
        raise GeometryError(
            "too many vertices",
            where=places(row, "outline"),
            found=int(sizes[row]),
            expected=f"at most {VERTICES_MAX:,}",
        )
    row = _first(~circle & (sizes < VERTICES_MIN))
    if row is not None:
        raise GeometryError(
            "an outline needs three distinct points",
            where=places(row, "outline"),
            found=int(sizes[row]),
            expected="3 or more",
        )
    return cuts, lat, lng


def _outlines(
    places: _Places,
    cuts: NDArray[np.int64],
    lat: NDArray[np.float64],
    lng: NDArray[np.float64],
    radius: NDArray[np.float64],
) -> tuple[Outlines, NDArray[np.int64]]:
    """Rings with long legs cut; also the vertex that each ring point is, or comes after."""
    n, m = radius.shape[0], lat.shape[0]
    point = earth.surface_points(lat, lng)
    after = np.arange(1, m + 1)
    after[cuts[1:][np.diff(cuts) > 0] - 1] = cuts[:-1][np.diff(cuts) > 0]
    chord2 = np.einsum("ij,ij->i", point[after] - point, point[after] - point)
    long = np.nonzero(chord2 > (_UNCUT * earth.LEG_MAX_M) ** 2)[0]
    rings, vertex = cuts, np.arange(m)
    longest = np.zeros(n)
    if m:
        np.maximum.at(longest, np.repeat(np.arange(n), np.diff(cuts)), np.sqrt(chord2))
    if long.shape[0]:
        azimuth, _, length = (
            np.asarray(c) for c in earth.geod().inv(lng[long], lat[long], lng[after[long]], lat[after[long]])
        )
        row = _first(length > earth.LEG_REFUSED_M)
        if row is not None:
            owner = int(np.searchsorted(cuts, long[row], side="right")) - 1
            raise GeometryError(
                "an edge to the other side of the earth has no single shortest path",
                where=places(owner, f"edge from vertex {int(long[row]) - int(cuts[owner])}"),
                found=f"{float(length[row]) / 1000:.0f} km",
                expected="edges under 19,000 km",
            )
        parts = np.ones(m, np.int64)
        parts[long] = np.ceil(length / earth.LEG_MAX_M).astype(np.int64)
        row = _first(np.add.reduceat(parts, cuts[:-1]) > RING_MAX)
        if row is not None:
            raise GeometryError(
                "the outline is too long",
                where=places(row, "outline"),
                found=f"over {int(parts[cuts[row] : cuts[row + 1]].sum()) * earth.LEG_MAX_M / 2e3:,.0f} km",
                expected=f"at most {RING_MAX:,} pieces of {earth.LEG_MAX_M / 1000:.0f} km",
            )
        vertex = np.repeat(np.arange(m), parts)
        first = np.concatenate([[0], np.cumsum(parts)])
        step = np.arange(vertex.shape[0]) - first[vertex]
        new = np.nonzero(step)[0]
        which = np.searchsorted(long, vertex[new])
        far_lng, far_lat, _ = earth.geod().fwd(
            lng[vertex[new]], lat[vertex[new]], azimuth[which], step[new] / parts[vertex[new]] * length[which]
        )
        point = point[vertex]
        point[new] = earth.surface_points(far_lat, far_lng)
        rings = first[cuts]
        longest = np.minimum(longest, earth.LEG_MAX_M)
    ball = np.empty((n, 4))
    jit.spread(lambda lo, hi: outlines.balls(point, rings, radius, ball, lo, hi), n, least=2_000)
    return Outlines(rings, point, ball, longest), vertex


def _check_rings(
    places: _Places,
    shape: Outlines,
    radius: NDArray[np.float64],
    vertex: NDArray[np.int64],
    lat: NDArray[np.float64],
    lng: NDArray[np.float64],
) -> None:
    n = radius.shape[0]
    fault, one, two = np.zeros(n, np.int8), np.zeros(n, np.int64), np.zeros(n, np.int64)
    jit.spread(
        lambda lo, hi: outlines.examine(
            shape.point, shape.offsets, radius, shape.ball, fault, one, two, lo, hi
        ),
        n,
        least=500,
    )
    row = _first(fault != outlines.SOUND)
    if row is None:
        return
    if fault[row] == outlines.TOO_WIDE:
        raise GeometryError(
            "an outline this wide has no inside that all would agree on",
            where=places(row, "outline"),
            found=f"{shape.ball[row, 3] / 1000:.0f} km from its middle",
            expected=f"at most {outlines.RADIUS_MAX_M / 1000:.0f} km",
        )
    if fault[row] == outlines.NO_AREA:
        ring = slice(int(shape.offsets[row]), int(shape.offsets[row + 1]))
        corners = np.unique(np.rint(shape.point[ring] / outlines.TOUCHING_M), axis=0).shape[0]
        if corners < VERTICES_MIN:
            raise GeometryError(
                "an outline needs three distinct points",
                where=places(row, "outline"),
                found=corners,
                expected="3 or more",
            )
        raise GeometryError(
            "the outline has no area",
            where=places(row, "outline"),
            found="all vertices in a line",
            expected="a polygon",
        )
    first = int(shape.offsets[row])
    base = int(vertex[first])
    a, b = int(vertex[first + int(one[row])]), int(vertex[first + int(two[row])])
    raise GeometryError(
        "the outline crosses itself",
        where=places(row, f"edges from vertex {a - base} and from vertex {b - base}"),
        found=f"edges that start at {lat[a]:.6f}, {lng[a]:.6f} and at {lat[b]:.6f}, {lng[b]:.6f}",
        expected="edges that meet at their ends only",
    )


def _ragged(
    offsets: NDArray[np.int64], rows: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """New offsets, and the flat places, of some rows of a ragged column."""
    starts = offsets[rows]
    sizes = offsets[rows + 1] - starts
    cuts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return cuts, np.repeat(starts - cuts[:-1], sizes) + np.arange(int(cuts[-1]))


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """Volumes that mean something to those who enter them, and to which kinds of thing.

    Attributes
    ----------
    volumes
        The zones; several rows of one id are one zone.
    applies
        Whether row i applies to kind k (:class:`~skypact.airspace.labels.Kind`); bool, shape (n, 4).
    effect
        What entry means, in the words of who declared it; one text a row. Shown, never interpreted.
    """

    volumes: Volumes
    applies: NDArray[np.bool_]
    effect: Sequence[str]

    @classmethod
    def of(
        cls,
        volumes: Volumes,
        *,
        applies_to: Sequence[Iterable[Kind]] | None = None,
        effect: Sequence[str] | None = None,
    ) -> Zones:
        """Zones that apply to the kinds named for each row; to every kind by default.

        Raises
        ------
        InputError
            ``applies_to`` or ``effect`` has another length than the volumes.
        """
        n = len(volumes)
        for what, given in (("applies_to", applies_to), ("effect", effect)):
            if given is not None and len(given) != n:
                raise InputError(
                    "one value a row is needed", where=what, found=f"{len(given)} values", expected=f"{n}"
                )
        applies = np.ones((n, len(Kind)), np.bool_)
        if applies_to is not None:
            for row, kinds in enumerate(applies_to):
                applies[row] = False
                for kind in kinds:
                    applies[row, kind] = True
        return cls(volumes, applies, tuple(effect) if effect is not None else ("",) * n)

    def __len__(self) -> int:
        return len(self.volumes)
