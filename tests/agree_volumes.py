"""Whether the engine and the oracle agree about volumes: nothing missed, nothing made up, distances right.

Law: the checks that the suite and the soak share. A disagreement is a list of lines that say what was found
where; an empty list is agreement. Distances may differ by the engine's own bound, at most 1 cm for extents up
to 100 km.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skypact.airspace import Minima
from skypact.check import conflicts
from skypact.check import reference as oracle

if TYPE_CHECKING:
    from awkward_volumes import Couples, Passes
    from skypact.airspace import Trajectories, Volume4D
    from skypact.check import Findings

CENTIMETRE = 1e-2
MILLISECOND_US = 1000


def couples_disagree(
    couples: Couples, *, height_m: float = 0.0, tolerance_m: float = CENTIMETRE
) -> list[str]:
    """Each couple of volumes, under its own buffer, asked of both."""
    wrong: list[str] = []
    buffers = np.array([pair.buffer_m for pair in couples.pairs])
    for buffer_m in np.unique(buffers).tolist():
        minima = Minima(buffer_m, height_m) if buffer_m or height_m else None
        found = conflicts(couples.one, couples.two, separation=minima)
        if not np.array_equal(found.a, found.b):
            wrong.append("volumes of different windows were paired")
        row_of = {int(a): row for row, a in enumerate(found.a)}
        undecided = set(found.unchecked.a.tolist())
        for k in np.nonzero(buffers == buffer_m)[0].tolist():
            meeting = oracle.volumes_meet_reference(*couples.solid[k])
            expected = meeting.meets(buffer_m, height_m)
            where = f"couple {k} of {couples.solid[k]}: {meeting}"
            if (expected is None) != (k in undecided):
                near = abs(meeting.distance_m - buffer_m) <= tolerance_m
                if not near:
                    wrong.append(f"undecided by one only: {where}")
            elif k not in row_of:
                if expected:
                    wrong.append(f"missed: {where}")
            elif expected is not None:
                wrong.extend(_row_wrong(found, row_of[k], meeting, buffer_m, height_m, tolerance_m, where))
    return wrong


def _row_wrong(
    found: Findings,
    row: int,
    meeting: oracle.VolumesMeeting,
    buffer_m: float,
    height_m: float,
    tolerance_m: float,
    where: str,
) -> list[str]:
    wrong = []
    here = f"{found[row]} but {where}"
    if abs(found.horizontal_m[row] - meeting.distance_m) > tolerance_m:
        wrong.append(f"distance: {here}")
    if not meeting.meets(buffer_m + tolerance_m, height_m + tolerance_m):
        wrong.append(f"made up: {here}")
    if not found.marginal[row] and not meeting.meets(buffer_m + tolerance_m / 2, height_m + tolerance_m / 2):
        wrong.append(f"not marked as marginal: {here}")
    if found.marginal[row] and buffer_m > 0.0 and meeting.meets(buffer_m - tolerance_m, height_m):
        wrong.append(f"marked as marginal: {here}")
    if (found.start_us[row], found.end_us[row]) != (meeting.start_us, meeting.end_us):
        wrong.append(f"window: {here}")
    margin = max(meeting.distance_m - buffer_m, meeting.gap_m - height_m)
    if abs(found.margin_m[row] - margin) > tolerance_m:
        wrong.append(f"margin: {here}")
    return wrong


def _off(tracks: Trajectories, row: int, volume: Volume4D, instant_us: int) -> tuple[float, float]:
    """How far a track is outside a volume's outline at an instant (below zero: inside), and its band."""
    bits = oracle._bits_of_tracks(tracks.take(np.array([row])), None)
    outline = oracle._outline(volume.outline)
    best = (np.inf, np.inf)
    for k in range(bits.owner.shape[0]):
        if not bits.start_us[k] - 2 <= instant_us <= bits.end_us[k] + 2:
            continue
        which, since = np.array([k]), np.array([instant_us])
        lat, lng, _ = bits.at(which, since, np.zeros(1))
        high = float(bits.altitude_at(which, since, np.zeros(1))[0])
        gap = max(
            -np.inf if volume.lower is None else volume.lower.metres - high,
            -np.inf if volume.upper is None else high - volume.upper.metres,
        )
        best = min(best, (float(oracle._beyond(lat, lng, outline)[0]), gap))
    return best


def passes_disagree(passes: Passes, found: Findings, *, tolerance_m: float = CENTIMETRE) -> list[str]:
    """Each track against the volume it passes: windows agree to a millisecond, or to a centimetre of way."""
    wrong: list[str] = []
    if not np.array_equal(found.a, found.b):
        wrong.append("couples of different windows were paired")
    D, Hm = passes.buffer_m, passes.height_m
    for k, volume in enumerate(passes.solid):
        stays = oracle.trajectory_in_volume_reference(
            passes.tracks, k, volume, horizontal_m=D, vertical_m=Hm, max_gap_s=None
        )
        rows = np.nonzero(found.a == k)[0].tolist()
        windows = [(int(found.start_us[row]), int(found.end_us[row])) for row in rows]
        where = f"couple {k} in {volume}: {stays} against {windows}"
        for stay in stays:
            for instant in np.rint(np.linspace(stay.start_us, stay.end_us, 9)).astype(np.int64).tolist():
                if any(a - MILLISECOND_US <= instant <= b + MILLISECOND_US for a, b in windows):
                    continue
                off, gap = _off(passes.tracks, k, volume, instant)
                if off < D - tolerance_m and gap < Hm - tolerance_m:
                    wrong.append(f"missed at {instant}, {off} m: {where}")
                    break
        for row, (start, end) in zip(rows, windows, strict=True):
            closest = int(found.closest_us[row])
            if not start <= closest <= end:
                wrong.append(f"closest instant outside its window: {where}")
            for instant in (start, end, closest, (start + end) // 2):
                if any(s.start_us - MILLISECOND_US <= instant <= s.end_us + MILLISECOND_US for s in stays):
                    continue
                off, gap = _off(passes.tracks, k, volume, instant)
                if off > D + tolerance_m or gap > Hm + tolerance_m:
                    wrong.append(f"made up at {instant}, {off} m: {where}")
                    break
            off, _ = _off(passes.tracks, k, volume, closest)
            lone = not any(s.closest_us == closest for s in stays)
            if lone and abs(max(0.0, off) - found.horizontal_m[row]) > tolerance_m:
                wrong.append(f"distance {found.horizontal_m[row]} where it is {off}: {where}")
        if stays and rows:
            nearest = min(max(0.0, s.distance_m) for s in stays)
            if min(found.horizontal_m[row] for row in rows) > nearest + tolerance_m:
                wrong.append(f"the nearest was passed over: {where}")
    return wrong
