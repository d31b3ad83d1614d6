"""Things that move: recorded or planned trajectories, and live states, as columns.

Law: columns, checked once where they are made, never again. A trajectory is a list of samples in time;
between two of them the thing moves along the geodesic at constant ground speed, its altitude linear in its
own reference. Time is closed at both ends; a single sample is an instant. A state is one sample with a
velocity.

Decided cases. *Duplicate timestamps*: two samples of one trajectory at one instant are both kept; if
they differ in place the thing is taken to be at both at that instant, so that neither can hide a conflict.
*Zero-length legs* are hovering. *Altitude NaN* is unknown, and stays unknown. A horizontal or vertical
uncertainty is a bound in metres on the position error, and adds to the minima.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.airspace import earth
from skypact.airspace.altitude import ALTITUDE_LIMIT_M, AltitudeReference
from skypact.airspace.labels import Labels
from skypact.errors import GeometryError
from skypact.instants import EVER, FOREVER, format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

SPEED_LIMIT_M_S = 12_000.0
"""Speeds beyond this (more than orbital) are taken for mistakes of unit and refused."""


def _column(values: ArrayLike, n: int, what: str) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim == 0:
        column = np.full(n, float(column))
    if column.shape != (n,):
        raise GeometryError(
            "one value a sample is needed", where=what, found=f"shape {column.shape}", expected=f"({n},)"
        )
    return np.ascontiguousarray(column)


def _references(reference: AltitudeReference | ArrayLike, n: int) -> NDArray[np.int8]:
    column = np.asarray(reference, dtype=np.int8)
    if column.ndim == 0:
        column = np.full(n, int(column), np.int8)
    if column.shape != (n,) or (
        n and not (int(column.min()) >= 0 and int(column.max()) < len(AltitudeReference))
    ):
        raise GeometryError(
            "not an altitude reference a row",
            where="reference",
            found=column.shape,
            expected=f"({n},) of W84, AMSL, STD, AGL",
        )
    return column


def first_bad_position(
    lat_deg: NDArray[np.float64], lng_deg: NDArray[np.float64]
) -> tuple[int, str, float] | None:
    """The first row that is no position on earth: its index, the field and the value; None if all are.

    Latitude is within +-90, longitude within +-180 or, for data that counts on past the antimeridian, +-360.
    """
    bad = ~((np.abs(lat_deg) <= 90.0) & (np.abs(lng_deg) <= 360.0))  # NaN compares false, so it is bad
    rows = np.nonzero(bad)[0]
    if not rows.shape[0]:
        return None
    row = int(rows[0])
    if not abs(lat_deg[row]) <= 90.0:
        return row, "latitude", float(lat_deg[row])
    return row, "longitude", float(lng_deg[row])


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """n trajectories of m samples in all, ragged; made by :meth:`of`.

    Attributes
    ----------
    labels
        Who they are, n rows.
    offsets
        Trajectory i owns samples ``offsets[i]:offsets[i + 1]``; int64, shape (n + 1,).
    time_us
        Microseconds since 1970 UTC, never falling within a trajectory; int64, shape (m,).
    lat_deg, lng_deg
        WGS 84 degrees, shape (m,).
    altitude_m
        Metres in the trajectory's own reference, NaN where unknown; shape (m,).
    reference
        :class:`~skypact.airspace.altitude.AltitudeReference` of each trajectory; int8, shape (n,).
    horizontal_uncertainty_m, vertical_uncertainty_m
        A bound on the position error of each trajectory; shape (n,).
    """

    labels: Labels
    offsets: NDArray[np.int64]
    time_us: NDArray[np.int64]
    lat_deg: NDArray[np.float64]
    lng_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    reference: NDArray[np.int8]
    horizontal_uncertainty_m: NDArray[np.float64]
    vertical_uncertainty_m: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        labels: Labels,
        offsets: ArrayLike,
        time_us: ArrayLike,
        lat_deg: ArrayLike,
        lng_deg: ArrayLike,
        altitude_m: ArrayLike,
        *,
        reference: AltitudeReference | ArrayLike = AltitudeReference.STD,
        horizontal_uncertainty_m: ArrayLike = 0.0,
        vertical_uncertainty_m: ArrayLike = 0.0,
    ) -> Trajectories:
        """Check the columns and keep them.

        Raises
        ------
        GeometryError
            A column is too short, a position is not on earth, an altitude is endless or absurd, time falls, a
            trajectory is empty, or an uncertainty is negative; it names the trajectory, the sample, the
            field.
        """
        n = len(labels)
        cuts = np.asarray(offsets, dtype=np.int64)
        if cuts.shape != (n + 1,) or cuts[0] != 0 or np.any(np.diff(cuts) <= 0):
            raise GeometryError(
                "trajectories need rising offsets, from 0, and at least one sample each",
                where="offsets",
                found=f"{cuts.shape[0]} offsets for {n} trajectories",
                expected=f"{n + 1} rising numbers",
            )
        m = int(cuts[-1])
        times = np.ascontiguousarray(np.asarray(time_us, dtype=np.int64))
        if times.shape != (m,):
            raise GeometryError(
                "one value a sample is needed", where="time_us", found=times.shape, expected=f"({m},)"
            )
        lat, lng = _column(lat_deg, m, "lat_deg"), _column(lng_deg, m, "lng_deg")
        alt = _column(altitude_m, m, "altitude_m")

        def place(sample: int, field: str) -> str:
            row = int(np.searchsorted(cuts, sample, side="right")) - 1
            return f"trajectory {labels.ids[row]!r}, sample {sample - int(cuts[row])}, {field}"

        bad = first_bad_position(lat, lng)
        if bad is not None:
            row, field, value = bad
            raise GeometryError(
                f"not a {field}", where=place(row, field), found=value, expected="degrees on earth"
            )
        wrong = np.nonzero(np.abs(alt) > ALTITUDE_LIMIT_M)[0]
        if wrong.shape[0]:
            raise GeometryError(
                "not an altitude",
                where=place(int(wrong[0]), "altitude"),
                found=float(alt[wrong[0]]),
                expected="metres below 1,000 km",
            )
        falling = np.diff(times) < 0
        falling[cuts[1:-1] - 1] = False
        late = np.nonzero(falling)[0]
        if late.shape[0]:
            sample = int(late[0]) + 1
            raise GeometryError(
                "time runs backwards",
                where=place(sample, "time"),
                found=format_instant(times[sample]),
                expected=f"{format_instant(times[sample - 1])} or later",
            )
        wrong = np.nonzero((times <= EVER) | (times >= FOREVER))[0]
        if wrong.shape[0]:
            raise GeometryError(
                "not an instant",
                where=place(int(wrong[0]), "time"),
                found=int(times[wrong[0]]),
                expected="microseconds since 1970",
            )
        blur_h, blur_v = (
            _uncertainty(horizontal_uncertainty_m, n, "horizontal_uncertainty_m"),
            _uncertainty(vertical_uncertainty_m, n, "vertical_uncertainty_m"),
        )
        return cls(labels, cuts, times, lat, lng, alt, _references(reference, n), blur_h, blur_v)

    @classmethod
    def one(
        cls,
        name: str,
        time_us: ArrayLike,
        lat_deg: ArrayLike,
        lng_deg: ArrayLike,
        altitude_m: ArrayLike,
        *,
        reference: AltitudeReference = AltitudeReference.STD,
        labels: Labels | None = None,
    ) -> Trajectories:
        """One trajectory named ``name``; ``labels`` (of one row) says more about it."""
        return cls.of(
            labels or Labels.of([name]),
            [0, np.size(np.asarray(time_us))],
            time_us,
            lat_deg,
            lng_deg,
            altitude_m,
            reference=reference,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.intp]) -> Trajectories:
        """Some of the trajectories, in the order given."""
        starts, ends = self.offsets[rows], self.offsets[rows + 1]
        sizes = ends - starts
        cuts = np.concatenate([[0], np.cumsum(sizes)])
        samples = np.repeat(starts - cuts[:-1], sizes) + np.arange(int(cuts[-1]))
        return Trajectories(
            self.labels.take(rows),
            cuts,
            self.time_us[samples],
            self.lat_deg[samples],
            self.lng_deg[samples],
            self.altitude_m[samples],
            self.reference[rows],
            self.horizontal_uncertainty_m[rows],
            self.vertical_uncertainty_m[rows],
        )

    @classmethod
    def concat(cls, sets: Sequence[Trajectories]) -> Trajectories:
        """Several sets one after another; of one data mode."""
        labels = Labels.concat([s.labels for s in sets])
        shifts = np.concatenate([[0], np.cumsum([s.offsets[-1] for s in sets])])
        offsets = np.concatenate(
            [
                np.zeros(1, np.int64),
                *(s.offsets[1:] + shift for s, shift in zip(sets, shifts[:-1], strict=True)),
            ]
        )
        return cls(
            labels,
            offsets,
            np.concatenate([s.time_us for s in sets]),
            np.concatenate([s.lat_deg for s in sets]),
            np.concatenate([s.lng_deg for s in sets]),
            np.concatenate([s.altitude_m for s in sets]),
            np.concatenate([s.reference for s in sets]),
            np.concatenate([s.horizontal_uncertainty_m for s in sets]),
            np.concatenate([s.vertical_uncertainty_m for s in sets]),
        )


def _uncertainty(values: ArrayLike, n: int, what: str) -> NDArray[np.float64]:
    column = _column(values, n, what)
    bad = np.nonzero(~((column >= 0.0) & (column < ALTITUDE_LIMIT_M)))[0]
    if bad.shape[0]:
        raise GeometryError(
            "not a bound on an error",
            where=f"{what}[{bad[0]}]",
            found=float(column[bad[0]]),
            expected="metres, 0 or more",
        )
    return column


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """n live states: a position and a velocity each; made by :meth:`of`.

    Attributes
    ----------
    labels
        Who they are, n rows.
    time_us
        When each state was measured; int64, shape (n,).
    lat_deg, lng_deg, altitude_m, reference
        As in :class:`Trajectories`, one a state, shape (n,).
    ground_speed_m_s
        Speed of the foot point over the ellipsoid, shape (n,).
    track_rad
        Direction of motion, clockwise from true north, shape (n,).
    vertical_rate_m_s
        Climb, positive up, shape (n,).
    horizontal_uncertainty_m, vertical_uncertainty_m
        A bound on the position error of each state, shape (n,).
    """

    labels: Labels
    time_us: NDArray[np.int64]
    lat_deg: NDArray[np.float64]
    lng_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    reference: NDArray[np.int8]
    ground_speed_m_s: NDArray[np.float64]
    track_rad: NDArray[np.float64]
    vertical_rate_m_s: NDArray[np.float64]
    horizontal_uncertainty_m: NDArray[np.float64]
    vertical_uncertainty_m: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        labels: Labels,
        time_us: ArrayLike,
        lat_deg: ArrayLike,
        lng_deg: ArrayLike,
        altitude_m: ArrayLike,
        ground_speed_m_s: ArrayLike,
        track_rad: ArrayLike,
        vertical_rate_m_s: ArrayLike = 0.0,
        *,
        reference: AltitudeReference | ArrayLike = AltitudeReference.STD,
        horizontal_uncertainty_m: ArrayLike = 0.0,
        vertical_uncertainty_m: ArrayLike = 0.0,
    ) -> States:
        """Check the columns and keep them; a single value stands for all rows.

        Raises
        ------
        GeometryError
            A column has the wrong length, or a value is not a position, a speed, a direction or an altitude;
            it names the row and the field.
        """
        n = len(labels)
        times = np.asarray(time_us, dtype=np.int64)
        times = np.full(n, int(times), np.int64) if times.ndim == 0 else np.ascontiguousarray(times)
        if times.shape != (n,):
            raise GeometryError(
                "one value a state is needed", where="time_us", found=times.shape, expected=f"({n},)"
            )
        lat, lng, alt = (
            _column(lat_deg, n, "lat_deg"),
            _column(lng_deg, n, "lng_deg"),
            _column(altitude_m, n, "altitude_m"),
        )
        speed, track = _column(ground_speed_m_s, n, "ground_speed_m_s"), _column(track_rad, n, "track_rad")
        climb = _column(vertical_rate_m_s, n, "vertical_rate_m_s")
        bad = first_bad_position(lat, lng)
        if bad is not None:
            row, field, value = bad
            raise GeometryError(
                f"not a {field}",
                where=f"state {labels.ids[row]!r}, {field}",
                found=value,
                expected="degrees on earth",
            )
        for field, ok, column, expected in (
            ("time", (times > EVER) & (times < FOREVER), times, "microseconds since 1970"),
            ("altitude", ~(np.abs(alt) > ALTITUDE_LIMIT_M), alt, "metres below 1,000 km, or NaN for unknown"),
            (
                "ground speed",
                (speed >= 0.0) & (speed <= SPEED_LIMIT_M_S),
                speed,
                "metres a second, 0 or more",
            ),
            ("track", np.isfinite(track), track, "radians"),
            ("vertical rate", np.abs(climb) <= SPEED_LIMIT_M_S, climb, "metres a second"),
        ):
            rows = np.nonzero(~ok)[0]
            if rows.shape[0]:
                row = int(rows[0])
                raise GeometryError(
                    f"not a {field}",
                    where=f"state {labels.ids[row]!r}, {field}",
                    found=column[row],
                    expected=expected,
                )
        return cls(
            labels,
            times,
            lat,
            lng,
            alt,
            _references(reference, n),
            speed,
            track,
            climb,
            _uncertainty(horizontal_uncertainty_m, n, "horizontal_uncertainty_m"),
            _uncertainty(vertical_uncertainty_m, n, "vertical_uncertainty_m"),
        )

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """What kernels see of trajectories: legs of at most :data:`~skypact.airspace.earth.LEG_MAX_M`, in metres.

    Made by :func:`legs`. Node k belongs to trajectory ``owner[k]``; a leg runs from node k to k + 1 where
    ``joined[k]``. Single samples and both ends of an unobserved gap are nodes without a leg, and stand for
    their instant; so do samples at one instant, which no leg joins.

    Attributes
    ----------
    owner
        Trajectory of each node, int64, shape (k,).
    t_s
        Seconds since ``base_us``, shape (k,).
    point
        Surface point of each node, shape (k, 3).
    altitude_m
        In the owner's reference, NaN where unknown, shape (k,).
    joined
        Whether the thing is observed between this node and the next, shape (k,).
    base_us
        The instant that ``t_s`` counts from.
    gap_owner, gap_start_us, gap_end_us
        The unobserved gaps: samples further apart than ``max_gap``.
    """

    owner: NDArray[np.int64]
    t_s: NDArray[np.float64]
    point: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    joined: NDArray[np.bool_]
    base_us: int
    gap_owner: NDArray[np.int64]
    gap_start_us: NDArray[np.int64]
    gap_end_us: NDArray[np.int64]


def legs(tracks: Trajectories, *, max_gap_s: float | None, base_us: int | None = None) -> Legs:
    """Lay trajectories out for kernels: gaps found, long legs cut at points of their geodesics.

    Parameters
    ----------
    tracks
        The trajectories.
    max_gap_s
        Samples further apart in time than this leave an unobserved gap; None for planned trajectories, where
        nothing is a gap.
    base_us
        The instant to count seconds from; the earliest sample by default.

    Raises
    ------
    GeometryError
        A leg that is not a gap is longer than 19,000 km.
    """
    base = (int(tracks.time_us.min()) if tracks.time_us.shape[0] else 0) if base_us is None else base_us
    m = tracks.time_us.shape[0]
    owner = sampled_by = np.repeat(np.arange(len(tracks)), tracks.offsets[1:] - tracks.offsets[:-1])
    last = np.zeros(m, np.bool_)
    last[tracks.offsets[1:] - 1] = True
    step_us = np.zeros(m, np.int64)
    if m:
        np.subtract(tracks.time_us[1:], tracks.time_us[:-1], out=step_us[:-1])
    gap = np.zeros(m, np.bool_) if max_gap_s is None else ~last & (step_us > round(max_gap_s * 1e6))
    # two samples at one instant are two instants, with no leg between: the thing is at both places, and at
    # none between
    joined = ~last & ~gap & (step_us > 0)
    t_s = np.asarray((tracks.time_us - base) * 1e-6, np.float64)
    point = earth.surface_points(tracks.lat_deg, tracks.lng_deg)
    altitude = tracks.altitude_m
    chord2 = np.zeros(m)
    if m:
        chord = point[1:] - point[:-1]
        chord2[:-1] = np.einsum("ij,ij->i", chord, chord)
    long = np.nonzero(joined & (chord2 > (0.999 * earth.LEG_MAX_M) ** 2))[0]
    if long.shape[0]:
        owner, t_s, point, altitude, joined = _cut(tracks, owner, t_s, point, altitude, joined, long)
    at = np.nonzero(gap)[0]
    return Legs(
        owner,
        t_s,
        point,
        altitude,
        joined,
        base,
        sampled_by[at],
        tracks.time_us[at],
        tracks.time_us[at + 1] if at.shape[0] else at.astype(np.int64),
    )


def _cut(
    tracks: Trajectories,
    owner: NDArray[np.int64],
    t_s: NDArray[np.float64],
    point: NDArray[np.float64],
    altitude: NDArray[np.float64],
    joined: NDArray[np.bool_],
    long: NDArray[np.intp],
) -> tuple[
    NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]
]:
    lat, lng = tracks.lat_deg, tracks.lng_deg
    azimuth, _, length = (
        np.asarray(c) for c in earth.geod().inv(lng[long], lat[long], lng[long + 1], lat[long + 1])
    )
    endless = np.nonzero(length > earth.LEG_REFUSED_M)[0]
    if endless.shape[0]:
        sample = int(long[endless[0]])
        row = int(owner[sample])
        raise GeometryError(
            "a leg to the other side of the earth has no single shortest path",
            where=f"trajectory {tracks.labels.ids[row]!r}, sample {sample - int(tracks.offsets[row])}",
            found=f"{float(length[endless[0]]) / 1000:.0f} km",
            expected="legs under 19,000 km",
        )
    parts = np.ones(owner.shape[0], np.int64)
    parts[long] = np.ceil(length / earth.LEG_MAX_M).astype(np.int64)
    node = np.repeat(np.arange(owner.shape[0]), parts)
    step = np.arange(node.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)
    fraction = step / parts[node]
    new = np.nonzero(step)[0]
    which = np.searchsorted(long, node[new])
    far_lng, far_lat, _ = earth.geod().fwd(
        lng[node[new]], lat[node[new]], azimuth[which], fraction[new] * length[which]
    )
    points = point[node]
    points[new] = earth.surface_points(far_lat, far_lng)
    ahead = np.minimum(node + 1, owner.shape[0] - 1)
    times = t_s[node]
    times[new] += fraction[new] * (t_s[ahead[new]] - t_s[node[new]])
    heights = altitude[node]
    heights[new] += fraction[new] * (altitude[ahead[new]] - altitude[node[new]])
    return owner[node], times, points, heights, joined[node]
