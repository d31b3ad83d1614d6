"""Thinning tracks for drawing: which samples a map needs so that what it draws is where the thing was.

Law: a sample may be left out only if the thing, moving evenly along a great circle between its kept
neighbours, is still within the tolerance of that sample *at that sample's own time*, horizontally and
vertically. Nothing is decided on thinned tracks; they are for eyes. What was left out, and by how much the
drawing is off at most, is measured and said.

How it works. An interval between two samples is split at the sample that is furthest off, and so on
(Douglas-Peucker with the synchronised distance of Meratnia and de By, EDBT 2004, LNCS 2992, sec. 3.2). The
distance at which a sample was chosen, no larger than that of the interval it split, is its weight; whatever
tolerance fits the budget, the samples to keep are those of greater weight. All intervals are split at once,
round by round, so a round is a handful of array operations. No interval is longer than :data:`STRETCH`
samples, which bounds the rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HORIZONTAL_M: Final = 20.0
"""The finest tolerance, horizontally."""
VERTICAL_M: Final = 8.0
"""The finest tolerance, vertically (26 ft)."""
STRETCH: Final = 512
"""Of so many consecutive samples at least one is kept."""
SPHERE_M: Final = 6_371_008.8
_SAMPLES_AT_ONCE: Final = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class Thinned:
    """What to draw: ``keep`` marks the samples, (m,); the drawing is off by at most these metres."""

    keep: NDArray[np.bool_]
    horizontal_m: float
    vertical_m: float


def unit_vectors(lat_deg: NDArray[np.float64], lng_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions, degrees, as unit vectors of a sphere, (n, 3): the frame in which the page interpolates."""
    lat, lng = np.radians(lat_deg), np.radians(lng_deg)
    return np.column_stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)])


def thin(
    offsets: NDArray[np.int64],
    time_us: NDArray[np.int64],
    lat_deg: NDArray[np.float64],
    lng_deg: NDArray[np.float64],
    altitude_m: NDArray[np.float64],
    must: NDArray[np.bool_],
    *,
    budget: int,
) -> Thinned:
    """Choose the samples to draw: all if they fit, else at most ``budget``, or as few as must be.

    The ends of every track, ``must``, one sample in :data:`STRETCH` and both samples where an altitude
    becomes known or unknown stay whatever the budget.

    Parameters
    ----------
    offsets, time_us, lat_deg, lng_deg, altitude_m
        As in :class:`~skypact.airspace.moving.Trajectories`.
    must
        Samples that are kept whatever the budget; shape (m,).
    """
    m = time_us.shape[0]
    if m <= budget:
        return Thinned(np.ones(m, np.bool_), 0.0, 0.0)
    fixed = must.copy()
    fixed[::STRETCH] = True
    fixed[offsets[:-1]] = True
    fixed[offsets[1:] - 1] = True
    # where an altitude becomes known or unknown, both samples stand: a mean of known and unknown is neither
    turn = np.nonzero(np.isnan(altitude_m[1:]) != np.isnan(altitude_m[:-1]))[0]
    fixed[turn] = fixed[turn + 1] = True
    weight = np.zeros(m, np.float32)
    parts = list(_parts(fixed))
    for part in parts:
        unit = unit_vectors(lat_deg[part], lng_deg[part])
        weight[part] = _weights(fixed[part], time_us[part], unit, altitude_m[part])
    tolerance = 1.0
    if int((weight > tolerance).sum()) > budget:
        tolerance = max(1.0, float(np.partition(weight, m - budget - 1)[m - budget - 1]))
    keep = fixed | (weight > tolerance)
    worst = np.zeros(2)
    for part in parts:
        unit = unit_vectors(lat_deg[part], lng_deg[part])
        own = keep[part]
        rows = np.nonzero(~own)[0]
        index = np.arange(own.shape[0])
        before = np.maximum.accumulate(np.where(own, index, 0))[rows]
        after = np.minimum.accumulate(np.where(own, index, own.shape[0])[::-1])[::-1][rows]
        off = _off(rows, before, after, time_us[part], unit, altitude_m[part])
        worst = np.fmax(worst, off.max(axis=0, initial=0.0))
    return Thinned(keep, float(worst[0]), float(worst[1]))


def _parts(fixed: NDArray[np.bool_]) -> list[slice]:
    """Runs of samples that begin and end with a kept one, each run's last being the next one's first."""
    stays = np.nonzero(fixed)[0]
    cuts = [0]
    while cuts[-1] < fixed.shape[0] - 1:
        far = int(np.searchsorted(stays, cuts[-1] + _SAMPLES_AT_ONCE, side="right")) - 1
        cuts.append(int(stays[far]))
    return [slice(a, b + 1) for a, b in pairwise(cuts)]


def _weights(
    fixed: NDArray[np.bool_],
    time_us: NDArray[np.int64],
    unit: NDArray[np.float64],
    altitude_m: NDArray[np.float64],
) -> NDArray[np.float32]:
    """The weight of each sample, in tolerances: infinite where it is kept anyhow, 0 where not needed."""
    weight = np.where(fixed, np.inf, 0.0).astype(np.float32)
    index = np.arange(fixed.shape[0])
    rows = np.nonzero(~fixed)[0]
    before = np.maximum.accumulate(np.where(fixed, index, 0))[rows]
    after = np.minimum.accumulate(np.where(fixed, index, fixed.shape[0])[::-1])[::-1][rows]
    above = np.full(rows.shape[0], np.inf)
    while rows.shape[0]:
        off = _off(rows, before, after, time_us, unit, altitude_m)
        ratio = np.fmax(off[:, 0] / HORIZONTAL_M, off[:, 1] / VERTICAL_M)
        starts = np.nonzero(np.diff(before, prepend=-1))[0]
        size = np.diff(starts, append=rows.shape[0])
        peak = np.maximum.reduceat(ratio, starts)
        own = np.repeat(np.arange(starts.shape[0]), size)
        at_peak = np.nonzero(ratio == peak[own])[0]
        first = at_peak[np.unique(own[at_peak], return_index=True)[1]]
        worth = np.minimum(peak, above[starts])
        split = peak > 1.0
        weight[rows[first[split]]] = worth[split]
        middle = rows[first][own]
        left = split[own] & (rows != middle)
        rows, before, after, middle = rows[left], before[left], after[left], middle[left]
        above = worth[own[left]]
        before = np.where(rows > middle, middle, before)
        after = np.where(rows < middle, middle, after)
    return weight


def _off(
    rows: NDArray[np.intp],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
    time_us: NDArray[np.int64],
    unit: NDArray[np.float64],
    altitude_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How far samples are from where two others put the thing then: across and up, metres, (k, 2)."""
    span = time_us[after] - time_us[before]
    part = np.where(span > 0, (time_us[rows] - time_us[before]) / np.where(span > 0, span, 1), 0.0)
    start = unit[before]
    between = start + part[:, None] * (unit[after] - start)
    length = np.sqrt(np.einsum("ij,ij->i", between, between))
    between /= np.where(length > 0.0, length, 1.0)[:, None]
    gap = unit[rows] - between
    vertical = altitude_m[before] + part * (altitude_m[after] - altitude_m[before]) - altitude_m[rows]
    return np.column_stack(
        [SPHERE_M * np.sqrt(np.einsum("ij,ij->i", gap, gap)), np.nan_to_num(np.abs(vertical))]
    )
