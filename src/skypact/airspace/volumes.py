"""THE 4D volume: an outline on the earth, a floor and a ceiling, a window of time; one, or millions in columns.

Law: there is one type of volume in Skypact and it is checked once, where it is made. An outline is a polygon with geodesic
edges, any winding, of which the smaller side is meant; or a circle, which stays a circle. A volume is a closed set in space
(two that only touch meet) and half-open in time (``start <= t < end``). A floor, a ceiling or an end of the window
may be open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import Kind, Labels
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

VERTICES_MIN: Final = 3
VERTICES_MAX: Final = 10_000
"""F3548-21's limit for an operational intent (OiMaxVertices)."""
RADIUS_MAX_M: Final = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Circle:
    """A geodesic circle: centre in WGS 84 degrees, radius in metres along the ellipsoid."""

    lat_deg: float
    lng_deg: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """A geodesic polygon: (latitude, longitude) of its vertices in WGS 84 degrees; the last need not repeat the first."""

    vertices: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Volume4D:
    """One volume. ``None`` as floor or ceiling is open; so are :data:`~skypact.instants.EVER` and FOREVER in time."""

    outline: Circle | Polygon
    lower: Altitude | None = None
    upper: Altitude | None = None
    start_us: int = EVER
    end_us: int = FOREVER


@dataclass(frozen=True, slots=True, eq=False)
class Volumes:
    """n volumes in columns; made by :meth:`of` or :meth:`from_columns`.

    Attributes
    ----------
    labels
        Who they are, n rows. The volumes of one operational intent share id and body.
    offsets
        Outline i owns vertices ``offsets[i]:offsets[i + 1]``; int64, shape (n + 1,). A circle has one, its centre.
    lat_deg, lng_deg
        WGS 84 degrees of the vertices, shape (m,); no repeated last vertex.
    radius_m
        Radius of a circle; 0 for a polygon. Shape (n,).
    lower_m, lower_reference, upper_m, upper_reference
        Floor and ceiling, metres and :class:`AltitudeReference` (int8); -inf and inf where open. Shape (n,).
    start_us, end_us
        Half-open window, int64 microseconds since 1970 UTC; EVER and FOREVER where open. Shape (n,).
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
        outlines = [v.outline for v in volumes]
        sizes = [len(o.vertices) if isinstance(o, Polygon) else 1 for o in outlines]
        points = [
            p for o in outlines for p in (o.vertices if isinstance(o, Polygon) else ((o.lat_deg, o.lng_deg),))
        ]
        flat = np.array(points, np.float64).reshape(-1, 2)
        none = Altitude(np.nan, AltitudeReference.W84)
        return cls.from_columns(
            labels,
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            flat[:, 0],
            flat[:, 1],
            [o.radius_m if isinstance(o, Circle) else 0.0 for o in outlines],
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
        """Check columns (see the attributes) and keep them; raises as :meth:`of` does."""
        del where
        return cls(
            labels,
            np.asarray(offsets, np.int64),
            np.asarray(lat_deg, np.float64),
            np.asarray(lng_deg, np.float64),
            np.asarray(radius_m, np.float64),
            np.asarray(lower_m, np.float64),
            np.asarray(lower_reference, np.int8),
            np.asarray(upper_m, np.float64),
            np.asarray(upper_reference, np.int8),
            np.asarray(start_us, np.int64),
            np.asarray(end_us, np.int64),
        )

    def __len__(self) -> int:
        return len(self.labels)


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
        """Zones that apply to the kinds named for each row; to every kind by default."""
        n = len(volumes)
        applies = np.ones((n, len(Kind)), np.bool_)
        if applies_to is not None:
            for row, kinds in enumerate(applies_to):
                applies[row] = False
                for kind in kinds:
                    applies[row, kind] = True
        return cls(volumes, applies, tuple(effect) if effect is not None else ("",) * n)

    def __len__(self) -> int:
        return len(self.volumes)
