"""Zones entered, and plans kept: when is a track inside somebody's zone, and when outside its own volumes.

Law: the kernels of ``check/_solid.py`` say when a leg is inside a volume; this file asks them with no buffer
and reads the answer: as it is, for zone entry; turned inside out, for conformance. A zone that is not
recognised by all is a zone here: whose it is, and who recognises it, is said beside the finding, never
decided by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skypact.airspace import earth
from skypact.airspace.labels import Labels
from skypact.airspace.moving import Legs, States, Trajectories, legs
from skypact.airspace.separation import Separation
from skypact.airspace.volumes import Volumes, Zones
from skypact.check import _boxes as boxes
from skypact.check import _solid as solid
from skypact.check import _sweep as sweep
from skypact.check._claims import (
    WITHOUT_BUFFER,
    Parties,
    Rows,
    Solids,
    base_of,
    findings_of,
    meet_legs,
    other_heights,
    pieces_as_boxes,
    pieces_for_volumes,
    present_in,
    solids,
    zone_rules,
)
from skypact.check._moving import (
    CLOCK,
    COMPARE,
    MAX_GAP_S,
    Side,
    cut_pieces,
    predicted_drift,
    references_of,
    side_of_states,
    side_of_tracks,
)
from skypact.check.findings import FindingKind, Findings, Unobserved
from skypact.instants import format_instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOKAHEAD_S = 300.0
"""How far ahead zone entry is predicted where nothing is said."""
OUTSIDE_RULE = "inside its own volumes"
"""The rule that a track outside its volumes breaks, while at least one of them is in force."""
NONE_IN_FORCE = "inside a volume of its own that is in force"
"""The rule that a track breaks at a time for which it has no volume."""


def entries(
    tracks: Trajectories | States,
    zones: Zones | Volumes,
    *,
    lookahead_s: float | None = None,
    now_us: int | None = None,
    max_gap_s: float | None = MAX_GAP_S,
) -> Findings:
    """Find when tracks are inside zones; for live states, when they will be.

    Parameters
    ----------
    tracks
        Recorded or planned trajectories, or live states, which are moved along their geodesics as in
        :func:`encounters`.
    zones
        The zones; each concerns the kinds it applies to. Bare volumes concern everybody.
    lookahead_s
        For states: how far ahead; 300 s where nothing is said.
    now_us
        For states: the instant to predict from, microseconds since 1970 UTC; by default the latest of any
        state.
    max_gap_s
        For trajectories: samples further apart leave the stretch between unobserved; None for plans.

    Returns
    -------
    Findings
        A row for each stay: ``a`` numbers the tracks, ``b`` the zones' rows; ``start_us`` is the entry, or
        the first instant seen inside, ``end_us`` the exit, or the last; :attr:`Findings.duration_s` the time
        inside. The position is that of ``closest_us``, the entry.

    Raises
    ------
    ModeError
        Tracks and zones are of different data modes.
    """
    held = zones if isinstance(zones, Zones) else Zones.of(zones)
    Labels.concat([tracks.labels, held.volumes.labels])  # refuses mixed data modes
    extra = {"zones": "closed sets, no buffer; a track on the edge is inside"}
    names, of_zone = zone_rules(held)
    if isinstance(tracks, States):
        now = int(tracks.time_us.max(initial=0)) if now_us is None else now_us
        ahead = LOOKAHEAD_S if lookahead_s is None else lookahead_s
        base, gaps = now, Unobserved.none()
        present = present_in(held.volumes) | references_of(tracks.reference)
        side, slab_s = side_of_states(tracks, now, ahead, present)
        two = solids(held.volumes, base, present)
        pieces = cut_pieces(side, slab_s, banded=True)
        drift = predicted_drift(ahead * side.speed_most())
        drift_m = 2.0 * earth.LEG_MAX_M
        extra |= {
            "motion": "each state's geodesic at constant ground speed and climb",
            "now": format_instant(now),
            "look-ahead": f"{ahead:g} s",
        }
    else:
        now = None
        drift, drift_m = CLOCK, 0.0
        base = base_of(tracks)
        present = present_in(tracks, held.volumes)
        laid = legs(tracks, max_gap_s=max_gap_s, base_us=base)
        gaps = Unobserved(laid.gap_owner, laid.gap_start_us, laid.gap_end_us)
        side = side_of_tracks(tracks, laid, present)
        two = solids(held.volumes, base, present)
        pieces = pieces_for_volumes(side, two, 0.0)
        extra["motion"] = "geodesic at constant ground speed between samples, altitude linear"
        if max_gap_s is not None:
            extra["gaps"] = f"over {max_gap_s:g} s unobserved"
    box, ref = pieces_as_boxes(pieces)
    blur_h, blur_v = float(side.blur_h.max(initial=0.0)), float(side.blur_v.max(initial=0.0))
    near = boxes.pairs_between(box, ref, two.box, two.box_ref, blur_h + 1.0, blur_v + 1.0)
    near = near[held.applies[near[:, 1], side.labels.kind[pieces.who[near[:, 0]]]]]
    who_a = Parties(np.zeros(len(tracks), np.int32), np.zeros(len(tracks), np.int32))
    who_b = Parties(np.zeros(len(held), np.int32), np.ones(len(held), np.int32))
    found = meet_legs(near, pieces, who_a, two, who_b, WITHOUT_BUFFER, base, drift=drift, drift_m=drift_m)
    # the entry is what matters, not a closest point inside
    late = np.nonzero(found.closest_us != found.start_us)[0]
    point, high, _ = _points_at(side, side.altitude_m, found.a[late], found.start_us[late] - base)
    found.raw[late, sweep.X : sweep.Z + 1], found.raw[late, sweep.ALT] = point, high
    found = replace(found, closest_us=found.start_us, rule=of_zone[found.b])
    return findings_of(
        FindingKind.ENTRY, tracks.labels, held.volumes.labels, found, names, Separation(()), extra,
        unobserved=gaps, now_us=now,
    )  # fmt: skip


def _points_at(
    side: Side, other_m: NDArray[np.float64], who: NDArray[np.int64], since_us: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where things are at instants after the base: surface points, altitudes, and those in ``other_m``."""
    t_s = since_us.astype(np.float64) * 1e-6
    first = np.searchsorted(side.owner, who, side="left")
    last = np.searchsorted(side.owner, who, side="right") - 1
    point, high, other = np.empty((who.shape[0], 3)), np.empty(who.shape[0]), np.empty(who.shape[0])
    solid.points_on_legs(
        first, last, t_s, side.t_s, side.point, side.altitude_m, other_m, side.joined, point, high, other
    )
    return point, high, other


def inside(tracks: Trajectories, volumes: Volumes, *, max_gap_s: float | None = MAX_GAP_S) -> Findings:
    """Find when tracks are outside their own volumes, and by how much: conformance.

    A volume is a track's own if they share a body (:class:`~skypact.airspace.labels.Labels`). Tracks without
    a volume are not judged, and the assumptions count them.

    Parameters
    ----------
    tracks
        Recorded trajectories.
    volumes
        The 4D volumes that were claimed.
    max_gap_s
        Samples further apart leave the stretch between unobserved: neither inside nor outside.

    Returns
    -------
    Findings
        A row for each window spent outside. ``b`` is the own volume that was nearest at the worst instant,
        ``closest_us``: the instant furthest out, to 1/500 of the window; ``horizontal_m`` and ``vertical_m``
        say how far then, NaN where no own volume was in force. ``margin_m`` is the larger of the two.

    Raises
    ------
    ModeError
        Tracks and volumes are of different data modes.
    """
    both = Labels.concat([tracks.labels, volumes.labels])
    split = len(tracks)
    base = base_of(tracks)
    present = present_in(tracks, volumes)
    laid = legs(tracks, max_gap_s=max_gap_s, base_us=base)
    side = side_of_tracks(tracks, laid, present)
    two = solids(volumes, base, present)
    body_a, body_b = both.body[:split], both.body[split:]
    judged = np.isin(body_a, body_b)
    pieces = pieces_for_volumes(side, two, 0.0)
    box, ref = pieces_as_boxes(pieces)
    near = boxes.pairs_between(
        box,
        ref,
        two.box,
        two.box_ref,
        float(side.blur_h.max(initial=0.0)) + 1.0,
        float(side.blur_v.max(initial=0.0)) + 1.0,
    )
    near = near[body_a[pieces.who[near[:, 0]]] == body_b[near[:, 1]]]
    who_a = Parties(np.zeros(split, np.int32), body_a)
    who_b = Parties(np.zeros(len(volumes), np.int32), body_b)
    found = meet_legs(near, pieces, who_a, two, who_b, WITHOUT_BUFFER, base, same_body=True)
    undecided = found.take(found.raw[:, sweep.FLAG] >= sweep.ALTITUDE_UNKNOWN)
    rows, start, end = _outside(tracks, laid, judged, found)
    outside = _worst(rows, start, end, tracks, side, two, body_a, body_b, base)
    extra = {
        "conformance": "closed volumes, no buffer; how far: the worst instant of each window, to 1/500 of it",
        "tracks without a volume": f"{int(np.count_nonzero(~judged))} not judged",
    }
    if max_gap_s is not None:
        extra["gaps"] = f"over {max_gap_s:g} s unobserved"
    return findings_of(
        FindingKind.OUTSIDE,
        tracks.labels,
        volumes.labels,
        Rows.join([outside, undecided]),
        (OUTSIDE_RULE, NONE_IN_FORCE),
        Separation(()),
        extra,
        unobserved=Unobserved(laid.gap_owner, laid.gap_start_us, laid.gap_end_us),
    )


_TOUCH_US = 2
"""Windows inside no further apart than this leave none outside: their ends were rounded to a microsecond."""


def _outside(
    tracks: Trajectories, laid: Legs, judged: NDArray[np.bool_], found: Rows
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Who is outside, from when to when: each observed run of samples less the windows inside.

    A window in which the altitude left it undecided counts as inside here; it is listed as unchecked.
    """
    everyone = np.arange(len(tracks))
    order = np.lexsort((found.start_us, found.a))
    begin = np.searchsorted(found.a[order], everyone, side="left")
    until = np.searchsorted(found.a[order], everyone, side="right")
    gap_from = np.searchsorted(laid.gap_owner, everyone, side="left")
    gap_to = np.searchsorted(laid.gap_owner, everyone, side="right")
    out: list[tuple[int, int, int]] = []
    for who in np.nonzero(judged)[0].tolist():
        samples = tracks.time_us[tracks.offsets[who] : tracks.offsets[who + 1]]
        gaps = slice(int(gap_from[who]), int(gap_to[who]))
        starts = [int(samples[0]), *laid.gap_end_us[gaps].tolist()]
        ends = [*laid.gap_start_us[gaps].tolist(), int(samples[-1])]
        rows = order[begin[who] : until[who]]
        windows = list(zip(found.start_us[rows].tolist(), found.end_us[rows].tolist(), strict=True))
        k = 0
        for first, last in zip(starts, ends, strict=True):
            # a window inside lies within one run, and they are sorted by their starts
            reached, seen = first, False
            while k < len(windows) and windows[k][0] <= last:
                if windows[k][0] - reached > _TOUCH_US:
                    out.append((who, reached, windows[k][0]))
                reached, seen = max(reached, windows[k][1]), True
                k += 1
            if not seen or last - reached > _TOUCH_US:
                out.append((who, reached, last))
    table = np.array(out, np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _worst(
    who: NDArray[np.int64],
    start_us: NDArray[np.int64],
    end_us: NDArray[np.int64],
    tracks: Trajectories,
    side: Side,
    two: Solids,
    body_a: NDArray[np.int32],
    body_b: NDArray[np.int32],
    base_us: int,
) -> Rows:
    """For each window outside: the instant furthest out, how far from the nearest own volume, and which."""
    by_body = np.argsort(body_b, kind="stable")
    other_m = other_heights(side, two)
    raw = np.full((who.shape[0], sweep.RAW_COLUMNS), np.nan)
    raw[:, sweep.FLAG] = sweep.FOUND
    nearest, when = np.zeros(who.shape[0], np.int64), start_us.copy()
    rule = np.zeros(who.shape[0], np.int32)
    for row in range(who.shape[0]):
        i = int(who[row])
        own = by_body[
            np.searchsorted(body_b[by_body], body_a[i]) : np.searchsorted(
                body_b[by_body], body_a[i], side="right"
            )
        ]
        samples = tracks.time_us[tracks.offsets[i] : tracks.offsets[i + 1]]
        times = _instants(int(start_us[row]), int(end_us[row]), samples)
        k = -1
        for _ in range(2):  # the second time around the worst of the first
            if k >= 0:
                times = _instants(
                    int(times[max(k - 1, 0)]), int(times[min(k + 1, times.shape[0] - 1)]), samples
                )
            point, high, other = _points_at(side, other_m, np.full(times.shape[0], i), times - base_us)
            flat, up, which = _nearest_own(point, high, other, int(side.reference[i]), times, own, two)
            size = np.hypot(flat, np.where(np.isnan(up), 0.0, up))
            k = int(np.argmax(np.where(np.isfinite(size), size, -1.0)))
        nearest[row], when[row] = which[k], times[k]
        if np.isfinite(size[k]):
            raw[row, sweep.H], raw[row, sweep.V] = flat[k], up[k]
            raw[row, sweep.MARGIN] = np.fmax(flat[k], up[k])
        else:
            rule[row] = 1
        raw[row, sweep.X : sweep.Z + 1], raw[row, sweep.ALT] = point[k], high[k]
    return Rows(raw, who, nearest, start_us, end_us, when, rule)


_PROBES = 32
"""A window outside is probed at its samples and in so many steps, then again around the worst: to 1/500."""


def _instants(start_us: int, end_us: int, samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where to look within a window: its ends, evenly between, and the samples inside."""
    even = np.rint(np.linspace(start_us, end_us, _PROBES + 1)).astype(np.int64)
    return np.union1d(even, samples[(samples > start_us) & (samples < end_us)])


_AT_ONCE = 1_000_000
"""So many distances are held in memory at once."""


def _nearest_own(
    point: NDArray[np.float64],
    high: NDArray[np.float64],
    other: NDArray[np.float64],
    reference: int,
    times: NDArray[np.int64],
    own: NDArray[np.intp],
    two: Solids,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """How far each instant is from the nearest own volume in force, across and up, and which that is."""
    flat, up = np.empty(times.shape[0]), np.empty(times.shape[0])
    which = np.empty(times.shape[0], np.intp)
    step = max(1, _AT_ONCE // own.shape[0])
    for first in range(0, times.shape[0], step):
        rows = slice(first, first + step)
        across, over = _how_far(point[rows], high[rows], other[rows], reference, times[rows], own, two)
        best = np.argmin(np.hypot(across, np.where(np.isnan(over), 0.0, over)), axis=1)
        place = np.arange(best.shape[0]), best
        flat[rows], up[rows], which[rows] = across[place], over[place], own[best]
    return flat, up, which


def _how_far(
    point: NDArray[np.float64],
    high: NDArray[np.float64],
    other: NDArray[np.float64],
    reference: int,
    times: NDArray[np.int64],
    own: NDArray[np.intp],
    two: Solids,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances of instants (rows) from own volumes (columns): inf not in force, NaN not known."""
    volumes, shape = two.volumes, two.volumes.outlines
    n, m = times.shape[0], own.shape[0]
    flat = np.empty(n * m)
    solid.distances_to(
        np.tile(own, n),
        np.repeat(point, m, axis=0),
        shape.offsets,
        shape.point,
        volumes.radius_m,
        flat,
        0,
        n * m,
    )
    in_force = (volumes.start_us[own] <= times[:, None]) & (times[:, None] < volumes.end_us[own])
    up = np.zeros((n, m))
    for column, sign in ((0, 1.0), (1, -1.0)):
        bound = two.band[own, column]
        ways = COMPARE[reference, two.band_ref[own, column]]
        gap = sign * (bound - np.where(ways == sweep.SAME_REFERENCE, high[:, None], other[:, None]))
        gap = np.where((ways == sweep.INCOMPARABLE) & np.isfinite(bound), np.nan, gap)
        up = np.maximum(up, np.where(np.isinf(bound), 0.0, gap))
    return np.where(in_force, flat.reshape(n, m), np.inf), up
