"""Whether the engine and the oracle say the same about things that move.

Law: the tolerances of that comparison stand here and nowhere else. A verdict may differ only where the
closest distance is within the engine's own bound of the minimum; then it must be marked ``marginal``.
Distances agree within the bound; the ends of a window within a millisecond, or to instants at which the
distance is within a centimetre of the minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from skypact.airspace import States, Trajectories
from skypact.airspace.earth import LEG_MAX_M, distances_m
from skypact.check._sweep import frame_bound
from skypact.check.reference import apart_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skypact.check.findings import Findings
    from skypact.check.reference import Approaches

NOISE_M = 2e-8
"""What the oracle itself may be off: Karney's geodesics are good to 15 nanometres."""
STRAY_M = 1e-3
"""Windows that the oracle does not have are at the minimum, but for instants rounded to microseconds."""
LEVEL_M = 1e-5
"""Where the altitudes end a window, at what distance that is depends on their rounding in binary."""
END_US = 1000
END_M = 0.01
ARCH_M = 0.02
"""By so much the distance of two things side by side may arch over the minimum within a leg and go unseen."""
PREDICTED_LEG_M = 29_000.0
"""Longest leg of a predicted path at ordinary speeds."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Pairs compared, those inside minima, windows; the largest difference, in metres and of the bound."""

    pairs: int
    inside: int
    windows: int
    worst_m: float
    worst_of_bound: float


def _legs_of(tracks: Trajectories) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The longest leg of each trajectory as the kernels see it, metres, and its highest speed."""
    longest, fastest = np.zeros(len(tracks)), np.zeros(len(tracks))
    owner = np.repeat(np.arange(len(tracks)), np.diff(tracks.offsets))
    same = np.nonzero((owner[1:] == owner[:-1]) & (np.diff(tracks.time_us) > 0))[0]
    metres = distances_m(
        tracks.lat_deg[same], tracks.lng_deg[same], tracks.lat_deg[same + 1], tracks.lng_deg[same + 1]
    )
    np.maximum.at(longest, owner[same], np.minimum(metres, LEG_MAX_M))
    np.maximum.at(fastest, owner[same], metres / ((tracks.time_us[same + 1] - tracks.time_us[same]) * 1e-6))
    return longest, fastest


def _legs_and_drift(
    things: Trajectories | States, oracle: Approaches
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each pair its longest leg and what the engine allows for clock and prediction; metres."""
    if isinstance(things, States):
        fastest = things.ground_speed_m_s[oracle.a] + things.ground_speed_m_s[oracle.b]
        return np.maximum(PREDICTED_LEG_M, fastest * 2.0), 2e-13 * (50_000.0 + 600.0 * fastest) * (
            1.0 + fastest.max(initial=0.0) * 3e-4
        )
    longest, fastest = _legs_of(things)
    seconds = float(np.ptp(things.time_us)) * 1e-6
    clock = 2.3e-16 * seconds * (fastest[oracle.a] + fastest[oracle.b])
    return np.maximum(longest[oracle.a], longest[oracle.b]), clock


def frame_bounds(legs_m: NDArray[np.float64], metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """The engine's bound for legs and distances, elementwise."""
    return np.array(
        [frame_bound(float(leg), float(d)) for leg, d in zip(legs_m, metres, strict=True)], np.float64
    )


def _keys(a: NDArray[Any], b: NDArray[Any], size: int) -> NDArray[np.int64]:
    return a.astype(np.int64) * size + b.astype(np.int64)


def assert_agree(
    findings: Findings, oracle: Approaches, things: Trajectories | States, *, instants_unique: bool = True
) -> Agreement:
    """Compare; every difference beyond the tolerances is an assertion with the pair in it.

    ``oracle`` must have looked at every pair that was found. ``instants_unique``: no thing is at two places
    at once, so that the distance at an instant can be asked.
    """
    size = len(findings.labels_b)
    known = _keys(oracle.a, oracle.b, size)
    order = np.argsort(known)
    legs, drift = _legs_and_drift(things, oracle)
    minimum = oracle.horizontal_m
    bound = frame_bounds(legs, minimum) + drift + NOISE_M

    row = order[np.searchsorted(known[order], _keys(findings.a, findings.b, size))]
    found = np.zeros(known.shape[0], np.bool_)
    found[row] = True
    closest = np.where(np.isnan(oracle.closest_m), np.inf, oracle.closest_m)

    def named(rows: NDArray[Any]) -> list[tuple[int, int, float]]:
        return [(int(oracle.a[k]), int(oracle.b[k]), float(closest[k] - minimum[k])) for k in rows[:5]]

    missed = np.nonzero((closest < minimum - NOISE_M) & ~found)[0]
    assert not missed.size, f"missed: {named(missed)} of {missed.size}"
    denied = np.nonzero((closest > minimum + bound) & found)[0]
    assert not denied.size, f"found, but the oracle denies: {named(denied)} of {denied.size}"
    beyond = closest[row] > minimum[row] + NOISE_M
    unmarked = row[beyond & ~findings.marginal]
    assert not unmarked.size, f"owes itself to the bound, but is not marginal: {named(unmarked)}"
    mine = np.full(known.shape[0], False)
    mine[row[~findings.marginal]] = True
    wrongly = np.nonzero(found & ~mine & (closest < minimum - bound))[0]
    assert not wrongly.size, f"marginal, but well inside: {named(wrongly)}"

    decided = oracle.reason < 0
    worst = _windows_agree(
        row,
        findings.start_us,
        findings.end_us,
        (findings.horizontal_m, findings.vertical_m),
        oracle,
        decided,
        legs,
        bound,
        things,
        instants_unique,
    )
    for reason in np.unique(oracle.reason[~decided]).tolist():
        left = findings.unchecked
        those = left.reason == reason
        at = order[np.searchsorted(known[order], _keys(left.a[those], left.b[those], size))]
        _windows_agree(
            at,
            left.start_us[those],
            left.end_us[those],
            None,
            oracle,
            oracle.reason == reason,
            legs,
            bound,
            things,
            instants_unique,
        )
    if instants_unique and len(findings):
        there = apart_reference(things, None, findings.a, findings.b, findings.closest_us)
        off = np.abs(there - findings.horizontal_m)
        assert np.nanmax(off) < 2e-3, "the closest distance is not the distance at the closest instant"
    return Agreement(
        known.shape[0],
        int(np.sum(closest < minimum)),
        len(findings),
        worst,
        worst / float(bound.max(initial=1e-9)),
    )


def _windows_agree(
    row: NDArray[Any],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
    metres: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    oracle: Approaches,
    rows: NDArray[np.bool_],
    legs: NDArray[np.float64],
    bound: NDArray[np.float64],
    things: Trajectories | States,
    instants_unique: bool,
) -> float:
    """Windows of the engine (of pairs ``row``) against the oracle's; the largest difference in distance."""
    of_pair: dict[int, list[int]] = {}
    for k in np.nonzero(rows)[0].tolist():
        of_pair.setdefault(int(oracle.pair[k]), []).append(k)
    covered: set[int] = set()
    doubtful: list[tuple[int, int]] = []
    arches: list[tuple[int, int]] = []
    strays: list[tuple[int, int]] = []
    worst = 0.0
    for w in range(row.shape[0]):
        pair = int(row[w])
        mine = [
            k
            for k in of_pair.get(pair, [])
            if oracle.start_us[k] <= end_us[w] + END_US and oracle.end_us[k] >= start_us[w] - END_US
        ]
        covered.update(mine)
        if not mine:
            strays.append((pair, int(start_us[w])))
            continue
        if abs(int(oracle.start_us[mine[0]]) - int(start_us[w])) > END_US:
            doubtful.append((pair, int(start_us[w])))
        if abs(int(oracle.end_us[mine[-1]]) - int(end_us[w])) > END_US:
            doubtful.append((pair, int(end_us[w])))
        # where the distance arches over the minimum by millimetres the engine sees one window, the oracle two
        arches.extend(
            (pair, (int(oracle.end_us[one]) + int(oracle.start_us[two])) // 2) for one, two in pairwise(mine)
        )
        if metres is not None:
            nearest = float(oracle.window_m[mine].min())
            difference = abs(nearest - float(metres[0][w]))
            allowed = bound[pair] + frame_bound(float(legs[pair]), nearest)
            if abs(float(metres[1][w]) - float(oracle.vertical_m[pair])) < LEVEL_M:
                allowed += LEVEL_M
            assert difference <= allowed, (
                f"closest distance of {oracle.a[pair]}, {oracle.b[pair]} is off by {difference} m"
            )
            worst = max(worst, difference)
    left = [k for ks in of_pair.values() for k in ks if k not in covered]
    deep = [k for k in left if oracle.window_m[k] < oracle.horizontal_m[oracle.pair[k]] - NOISE_M]
    assert not deep, f"windows missed: {[(int(oracle.pair[k]), int(oracle.start_us[k])) for k in deep[:5]]}"
    _near_the_minimum(doubtful, oracle, things, END_M, instants_unique=instants_unique)
    if instants_unique:
        _near_the_minimum(strays, oracle, things, STRAY_M, instants_unique=True)
    _near_the_minimum(arches, oracle, things, ARCH_M, instants_unique=instants_unique)
    return worst


def _near_the_minimum(
    doubtful: Sequence[tuple[int, int]],
    oracle: Approaches,
    things: Trajectories | States,
    tolerance_m: float,
    *,
    instants_unique: bool,
) -> None:
    """At these instants, where the windows differ, the distance must be within a tolerance of the minimum."""
    if not doubtful:
        return
    assert instants_unique, f"window ends differ by over a millisecond: {doubtful[:5]}"
    pair = np.array([p for p, _ in doubtful])
    at = np.array([t for _, t in doubtful])
    apart = apart_reference(things, None, oracle.a[pair], oracle.b[pair], at)
    off = np.abs(apart - oracle.horizontal_m[pair])
    far = np.nonzero(~(off <= tolerance_m))[0]
    named = [(int(oracle.a[pair[k]]), int(oracle.b[pair[k]]), int(at[k]), float(off[k])) for k in far[:5]]
    assert not far.size, f"window ends differ: {named}"
