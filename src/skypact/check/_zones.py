"""Zones entered, and plans kept: when is a track inside somebody's zone, and when outside its own volumes.

Law: the kernels of ``check/_solid.py`` say when a leg is inside a volume; this file asks them with no buffer and reads the answer: as it
is, for zone entry; turned inside out, for conformance. A zone that is not recognised by all is a zone here: whose it is, and who
recognises it, is said beside the finding, never decided by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skypact.airspace import earth, jit
from skypact.airspace.moving import States, Trajectories, legs
from skypact.airspace.separation import Separation
from skypact.airspace.volumes import Volumes, Zones
from skypact.check import _boxes as boxes
from skypact.check import _solid as solid
from skypact.check import _sweep as sweep
from skypact.check._claims import (
    WITHOUT_BUFFER,
    Parties,
    Rows,
    _zone_rules,
    base_of,
    findings_of,
    meet_legs,
    pieces_as_boxes,
    pieces_for_volumes,
    present_in,
    solids,
)
from skypact.check._moving import MAX_GAP_S, Side, cut_pieces, references_of, side_of_states, side_of_tracks
from skypact.check.findings import FindingKind, Findings, Unobserved
from skypact.airspace.labels import Labels
from skypact.instants import FOREVER, EVER, format_instant

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
        Recorded or planned trajectories, or live states, which are moved along their geodesics as in :func:`encounters`.
    zones
        The zones; each concerns the kinds it applies to. Bare volumes concern everybody.
    lookahead_s
        For states: how far ahead; 300 s where nothing is said.
    now_us
        For states: the instant to predict from, microseconds since 1970 UTC; by default the latest of any state.
    max_gap_s
        For trajectories: samples further apart leave the stretch between unobserved; None for plans.

    Returns
    -------
    Findings
        A row for each stay: ``a`` numbers the tracks, ``b`` the zones' rows; ``start_us`` is the entry, or the first instant seen inside,
        ``end_us`` the exit, or the last; :attr:`Findings.duration_s` the time inside. The position is that of ``closest_us``, the entry.

    Raises
    ------
    ModeError
        Tracks and zones are of different data modes.
    """
    held = zones if isinstance(zones, Zones) else Zones.of(zones)
    both = Labels.concat([tracks.labels, held.volumes.labels])  # refuses mixed data modes
    del both
    extra = {"zones": "closed sets, no buffer; a track on the edge is inside"}
    names, of_zone = _zone_rules(held)
    if isinstance(tracks, States):
        now = int(tracks.time_us.max(initial=0)) if now_us is None else now_us
        ahead = LOOKAHEAD_S if lookahead_s is None else lookahead_s
        base, gaps = now, Unobserved.none()
        present = present_in(held.volumes) | references_of(tracks.reference)
        side, slab_s = side_of_states(tracks, now, ahead, present)
        two = solids(held.volumes, base, present)
        pieces = cut_pieces(side, slab_s, banded=True)
        extra |= {
            "motion": "each state's geodesic at constant ground speed and climb",
            "now": format_instant(now),
            "look-ahead": f"{ahead:g} s",
        }
    else:
        now = None
        base = base_of(tracks, held.volumes)
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
    found = meet_legs(near, pieces, who_a, two, who_b, WITHOUT_BUFFER, base)
    # the entry is what matters, not a closest point inside
    found = replace(found, closest_us=found.start_us, rule=of_zone[found.b])
    _place_at(found, side, found.start_us, base)
    return findings_of(
        FindingKind.ENTRY, tracks.labels, held.volumes.labels, found, names, Separation(()), extra, unobserved=gaps, now_us=now
    )  # fmt: skip


def _nodes_at(side: Side, who: NDArray[np.int64], t_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each (thing, instant): the node that the thing has passed last, and how far it is to the next, from 0 to 1."""
    first = np.searchsorted(side.owner, who, side="left")
    last = np.searchsorted(side.owner, who, side="right") - 1
    # times rise within an owner: shift every owner's times into a range of its own, so that one search serves all
    span = float(side.t_s.max(initial=0.0) - side.t_s.min(initial=0.0)) + 1.0
    key = side.owner * span + (side.t_s - side.t_s.min(initial=0.0))
    node = np.searchsorted(key, who * span + (t_s - side.t_s.min(initial=0.0)) + 1e-9, side="right") - 1
    node = np.clip(node, first, last)
    ahead = np.minimum(node + 1, last)
    step = side.t_s[ahead] - side.t_s[node]
    fraction = np.where(step > 0.0, (t_s - side.t_s[node]) / np.where(step > 0.0, step, 1.0), 0.0)
    return node, np.where(side.joined[node], np.clip(fraction, 0.0, 1.0), 0.0)


def _points_at(
    side: Side, who: NDArray[np.int64], t_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Surface points, shape (k, 3), and altitudes in own references and over the ellipsoid, of things at instants."""
    node, u = _nodes_at(side, who, t_s)
    ahead = np.where(side.joined[node], np.minimum(node + 1, side.owner.shape[0] - 1), node)
    out = np.empty((who.shape[0], 3))
    solid_points(side.point, node, ahead, u, out)
    high = side.altitude_m[node] + u * (side.altitude_m[ahead] - side.altitude_m[node])
    high_w = side.ellipsoidal_m[node] + u * (side.ellipsoidal_m[ahead] - side.ellipsoidal_m[node])
    return out, high, high_w


@jit.kernel
def solid_points(point: Any, node: Any, ahead: Any, u: Any, out: Any) -> None:
    """Points on legs, by node and fraction."""
    for k in range(node.shape[0]):
        i, j = node[k], ahead[k]
        out[k, 0], out[k, 1], out[k, 2] = earth.on_leg(
            u[k], point[i, 0], point[i, 1], point[i, 2], point[j, 0], point[j, 1], point[j, 2]
        )


def _place_at(rows: Rows, side: Side, instants: NDArray[np.int64], base_us: int) -> None:
    """Put each row's position to where its thing is at an instant."""
    point, high, _ = _points_at(side, rows.a, (instants - base_us) * 1e-6)
    rows.raw[:, sweep.X : sweep.Z + 1] = point
    rows.raw[:, sweep.ALT] = high


def inside(tracks: Trajectories, volumes: Volumes, *, max_gap_s: float | None = MAX_GAP_S) -> Findings:
    """Find when tracks are outside their own volumes, and by how much: conformance.

    A volume is a track's own if they share a body (:class:`~skypact.airspace.labels.Labels`). Tracks without a volume are not judged, and the
    assumptions count them.

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
        A row for each window spent outside. ``b`` is the own volume that was nearest at the worst instant, ``closest_us``: of the window's ends and
        the samples in it, the one furthest out; ``horizontal_m`` and ``vertical_m`` say how far then, NaN where no own volume was in
        force. ``margin_m`` is the larger of the two.

    Raises
    ------
    ModeError
        Tracks and volumes are of different data modes.
    """
    both = Labels.concat([tracks.labels, volumes.labels])
    split = len(tracks)
    base = base_of(tracks, volumes)
    present = present_in(tracks, volumes)
    laid = legs(tracks, max_gap_s=max_gap_s, base_us=base)
    side = side_of_tracks(tracks, laid, present)
    two = solids(volumes, base, present)
    body_a, body_b = both.body[:split], both.body[split:]
    judged = np.isin(body_a, body_b)
    pieces = pieces_for_volumes(side, two, 0.0)
    box, ref = pieces_as_boxes(pieces)
    near = boxes.pairs_between(box, ref, two.box, two.box_ref, float(side.blur_h.max(initial=0.0)) + 1.0, float(side.blur_v.max(initial=0.0)) + 1.0)
    near = near[body_a[pieces.who[near[:, 0]]] == body_b[near[:, 1]]]
    who_a = Parties(np.zeros(split, np.int32), body_a)
    who_b = Parties(np.zeros(len(volumes), np.int32), body_b)
    found = meet_legs(near, pieces, who_a, two, who_b, WITHOUT_BUFFER, base, same_body=True)
    decided = found.raw[:, sweep.FLAG] < sweep.ALTITUDE_UNKNOWN
    open_a = found.take(~decided)
    spans = _observed(tracks, laid.gap_owner, laid.gap_start_us, laid.gap_end_us)
    rows = [
        (who, start, end)
        for who, start, end in spans
        if judged[who]
        for start, end in _less(
            start, end, [(int(s), int(e)) for a, s, e in zip(found.a, found.start_us, found.end_us, strict=True) if a == who]
        )
    ] if len(found.a) <= 64 else _less_all(spans, judged, found)
    outside = _worst(rows, tracks, side, two, body_a, body_b, base)
    unjudged = int(np.count_nonzero(~judged))
    extra = {
        "conformance": "closed volumes, no buffer; furthest of the samples and the ends of each window",
        "tracks without a volume": f"{unjudged} not judged",
    }
    return findings_of(
        FindingKind.OUTSIDE,
        tracks.labels,
        volumes.labels,
        Rows.join([outside, open_a]),
        (OUTSIDE_RULE, NONE_IN_FORCE),
        Separation(()),
        extra,
        unobserved=Unobserved(laid.gap_owner, laid.gap_start_us, laid.gap_end_us),
    )
