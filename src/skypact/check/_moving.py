"""Losses of separation between trajectories, and encounters between live states.

Law: this file turns columns into what the kernels of ``check/_sweep.py`` see, and raw windows into
:class:`Findings`. It decides nothing about distance. Recorded tracks, planned trajectories and the predicted
paths of states are one thing here, legs in time, so there is one answer to what a loss of separation is.

Cost: near-linear in samples at constant density. Memory: about 150 bytes a sample beside the columns given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skypact.airspace import altitude as alt
from skypact.airspace import earth, jit
from skypact.airspace.altitude import AltitudeReference, Comparability
from skypact.airspace.jit import kernel
from skypact.airspace.labels import Labels
from skypact.airspace.moving import Legs, States, Trajectories, legs
from skypact.airspace.separation import EN_ROUTE, Matrix, Minima, Separation
from skypact.check import _sweep as sweep
from skypact.check.findings import LISTED, FindingKind, Findings, Reason, Unchecked, Unobserved
from skypact.instants import format_instant
from skypact.units import FT_M, NM_M

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

MAX_GAP_S = 60.0
"""Samples further apart than this are not joined, unless the caller says otherwise.

What happened between is unobserved.
"""
PIECES_MAX = 1_000_000
"""Slabs are widened until there are no more pieces than this or eight a sample.

A long hover costs no more.
"""
_USUAL, _WIDER, _STEP = 0.99, 1.5, 3.0
"""Pieces wider than so many others, where that widens the cells so much, are of sizes that grow so."""
_FEW_WINDOWS = 64
"""So many windows of one pair are put into the order of time by insertion."""
_SPREAD_LEAST = 2_000
"""Fewer pieces than this are not worth a second thread."""
CLOCK = 2.3e-16
"""A time in binary seconds is off by this part of it, and what moves is misplaced by that times its speed."""

COMPARE = np.array(
    [
        [
            {Comparability.SAME: sweep.SAME_REFERENCE, Comparability.CONVERTIBLE: sweep.BOTH_ELLIPSOIDAL}.get(
                alt.comparable(a, b), sweep.INCOMPARABLE
            )
            for b in AltitudeReference
        ]
        for a in AltitudeReference
    ],
    np.int64,
)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a join: nodes and owners as the kernels want them."""

    labels: Labels
    owner: NDArray[np.int64]
    t_s: NDArray[np.float64]
    point: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    ellipsoidal_m: NDArray[np.float64]
    joined: NDArray[np.bool_]
    reference: NDArray[np.int8]
    blur_h: NDArray[np.float64]
    blur_v: NDArray[np.float64]
    span_us: NDArray[np.int64]

    def speed_most(self) -> float:
        """The highest speed of any leg, in metres a second."""
        return float(sweep.speed_most(self.t_s, self.point, self.joined))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """One side cut into pieces, a run of legs in one slab each."""

    side: Side
    slab_s: float
    widest_m: float
    box: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    slab: NDArray[np.int64]
    who: NDArray[np.int64]
    half: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """Pieces in the order of their cells: what a join walks through, and looks things up in."""

    pieces: Pieces
    cell_m: float
    mask: int
    start: NDArray[np.int64]
    code: NDArray[np.int64]
    walk: NDArray[np.float64]
    band: NDArray[np.float64]
    order: NDArray[np.int64]


def references_of(*columns: NDArray[np.int8]) -> frozenset[int]:
    """The altitude references that occur in a check, both sides together."""
    return frozenset(value for column in columns for value in np.unique(column).tolist())


def ellipsoidal(
    altitude_m: NDArray[np.float64],
    reference: NDArray[np.int8],
    lat_lng: Callable[[NDArray[np.intp]], tuple[NDArray[np.float64], NDArray[np.float64]]],
    present: frozenset[int],
) -> NDArray[np.float64]:
    """Heights over the ellipsoid, NaN where they cannot be had.

    The altitudes as they are unless both such references meet.

    ``lat_lng(rows)`` gives the positions of some rows, so that only those that need a geoid are worked out.
    """
    if not {int(AltitudeReference.W84), int(AltitudeReference.AMSL)} <= present:
        return altitude_m
    out = np.where(reference == AltitudeReference.W84, altitude_m, np.nan)
    sea = np.nonzero((reference == AltitudeReference.AMSL) & np.isfinite(altitude_m))[0]
    if not sea.shape[0]:
        return out
    lat, lng = lat_lng(sea)
    out[sea], _ = alt.convert(altitude_m[sea], AltitudeReference.AMSL, AltitudeReference.W84, lat, lng)
    return out


def side_of_tracks(tracks: Trajectories, laid: Legs, present: frozenset[int]) -> Side:
    spans = np.stack([tracks.time_us[tracks.offsets[:-1]], tracks.time_us[tracks.offsets[1:] - 1]], axis=1)
    return Side(
        tracks.labels,
        laid.owner,
        laid.t_s,
        laid.point,
        laid.altitude_m,
        ellipsoidal(
            laid.altitude_m,
            tracks.reference[laid.owner],
            lambda rows: earth.positions(laid.point[rows]),
            present,
        ),
        laid.joined,
        tracks.reference,
        tracks.horizontal_uncertainty_m,
        tracks.vertical_uncertainty_m,
        spans,
    )


def cut_pieces(side: Side, slab_s: float, *, banded: bool, until_s: float | None = None) -> Pieces:
    """Cut into pieces.

    ``banded`` says whether altitude bands may rule pairs out (all are in one reference). For a join of
    pieces, ``until_s`` is the last instant of all that it sees.
    """
    count = sweep.count_pieces(side.t_s, side.joined, slab_s)
    if banded:
        unknown = np.isnan(side.altitude_m)
        low = np.where(unknown, -np.inf, side.altitude_m) if unknown.any() else side.altitude_m
        high = np.where(unknown, np.inf, side.altitude_m) if unknown.any() else side.altitude_m
    else:
        low, high = np.full(side.t_s.shape[0], -np.inf), np.full(side.t_s.shape[0], np.inf)
    box = np.empty((count, sweep.PIECE_COLUMNS))
    first, last, slab, who = (np.empty(count, np.int64) for _ in range(4))
    half = np.empty((0 if until_s is None else count, 3))
    sweep.make_pieces(
        side.t_s, side.point, low, high, side.joined, side.owner, slab_s, box, first, last, slab, who,
        until_s or 0.0, half,
    )  # fmt: skip
    return Pieces(side, slab_s, float(box[:, sweep.R].max(initial=0.0)), box, first, last, slab, who, half)


def _field(pieces: Pieces, rows: NDArray[np.intp] | None, cell_m: float) -> _Field:
    """Sort some pieces (None: all) by the cell their ball's centre is in."""
    box, slab, half = pieces.box, pieces.slab, pieces.half
    if rows is not None:
        box, slab, half = box[rows], slab[rows], half[rows]
    count = slab.shape[0]
    code = np.empty(count, np.int64)
    jit.spread(lambda lo, hi: sweep.hash_pieces(box, slab, cell_m, code, lo, hi), count, least=20_000)
    mask = (1 << max(4, math.ceil(math.log2(max(count, 1))))) - 1
    start, order = np.empty(mask + 2, np.int64), np.empty(count, np.int64)
    sweep.bucket_pieces(code, mask, start, order)
    code_sorted, walk, band = np.empty_like(code), np.empty((count, sweep.WALK_COLUMNS)), np.empty((count, 2))
    jit.spread(
        lambda lo, hi: sweep.gather_pieces(order, code, box, half, code_sorted, walk, band, lo, hi),
        count,
        least=20_000,
    )
    return _Field(
        pieces, cell_m, mask, start, code_sorted, walk, band, order if rows is None else rows[order]
    )


def _sizes(left: Pieces, right: Pieces, reach_m: float) -> tuple[list[float], list[NDArray[np.intp]]]:
    """Sort pieces into sizes by their balls: the radii that bound the sizes, and each side's pieces' sizes.

    A cell is as wide as the widest pieces in it, and a few that are far wider than the others (a position
    that jumps, something in orbit) would put everything into one cell. They are a size of their own, with
    cells of their own. Where all are of one size, no sizes are told.
    """
    sides = (left,) if left is right else (left, right)
    radius = np.concatenate([p.box[:, sweep.R] for p in sides])
    if not radius.shape[0]:
        return [0.0], []
    usual = float(np.quantile(radius, _USUAL))
    widest = float(radius.max())
    bounds = []
    while reach_m + 2.0 * widest > _WIDER * (reach_m + 2.0 * usual):
        bounds.append(usual)
        usual *= _STEP
    if not bounds:
        return [widest], []
    sizes = [np.searchsorted(np.array(bounds), p.box[:, sweep.R]) for p in sides]
    return [*bounds, widest], sizes


def _meeting_fields(left: Pieces, right: Pieces, reach_m: float) -> Iterator[tuple[_Field, _Field]]:
    """The fields to join so that every piece meets every other once; a field with itself: it twice."""
    bounds, sizes = _sizes(left, right, reach_m)
    itself = left is right
    if not sizes:
        cell = max(reach_m + 2.0 * bounds[0], 1.0)
        one = _field(left, None, cell)
        yield one, one if itself else _field(right, None, cell)
        return
    for size, widest in enumerate(bounds):
        if not any((of == size).any() for of in sizes):
            continue
        cell = max(reach_m + 2.0 * widest, 1.0)
        sides = list(zip((left, right), sizes, strict=False))
        own = [_field(p, np.nonzero(of == size)[0], cell) for p, of in sides]
        yield own[0], own[-1]
        if size:
            less = [_field(p, np.nonzero(of < size)[0], cell) for p, of in sides]
            yield own[0], less[-1]
            if not itself:
                yield less[0], own[1]


def _join(
    one: _Field,
    two: _Field,
    matrix: Matrix,
    bodies: NDArray[np.int32],
    reach_m: float,
    height_m: float,
    drift: float,
    drift_m: float,
    *,
    horizon: bool,
) -> NDArray[np.float64]:
    """Raw windows; ``matrix`` and ``bodies`` number both sides' rows in one column, ``one``'s first."""
    p, q = one.pieces, two.pieces
    a, b = p.side, q.side
    shared = a is b
    split = 0 if shared else len(a.labels)
    klass_a, klass_b = matrix.klass[: len(a.labels)], matrix.klass[split:]
    body_a, body_b = bodies[: len(a.labels)], bodies[split:]
    ahead = matrix.lookahead_s if horizon else np.full_like(matrix.lookahead_s, np.inf)

    def run(lo: int, hi: int) -> Any:
        return sweep.join(
            lo,
            hi,
            one.code,
            one.walk,
            one.band,
            one.order,
            p.first,
            p.last,
            p.slab,
            p.who,
            a.t_s,
            a.point,
            a.altitude_m,
            a.ellipsoidal_m,
            klass_a,
            body_a,
            a.reference,
            a.blur_h,
            a.blur_v,
            two.code,
            two.walk,
            two.band,
            two.order,
            q.first,
            q.last,
            q.who,
            two.start,
            two.mask,
            b.t_s,
            b.point,
            b.altitude_m,
            b.ellipsoidal_m,
            klass_b,
            body_b,
            b.reference,
            b.blur_h,
            b.blur_v,
            shared,
            one is two,
            two.cell_m,
            q.slab_s,
            reach_m,
            height_m,
            matrix.rule,
            matrix.horizontal_m,
            matrix.vertical_m,
            ahead,
            COMPARE,
            alt.EGM96_LEG_ERROR_M,
            drift,
            drift_m,
        )

    raw: NDArray[np.float64] = np.concatenate(jit.spread(run, one.code.shape[0], least=_SPREAD_LEAST))
    return raw


def _merged(raw: NDArray[np.float64], others: int) -> NDArray[np.float64]:
    """Raw windows sorted, and those of a pair that touch joined; ``others``: how many rows b numbers."""
    flag = raw[:, sweep.FLAG].astype(np.int64)
    pair = raw[:, sweep.A].astype(np.int64) * others + raw[:, sweep.B].astype(np.int64)
    key = 4 * pair + flag * (flag >= int(sweep.ALTITUDE_UNKNOWN))
    order = np.argsort(key)
    ends = np.nonzero(np.diff(key[order]))[0]
    if int(np.diff(ends, prepend=-1, append=key.shape[0] - 1).max()) > _FEW_WINDOWS:
        order = np.lexsort((raw[:, sweep.T0], key))
    merged: NDArray[np.float64] = sweep.merge(raw, order)
    return merged


def _findings(
    kind: FindingKind,
    one: Side,
    two: Side,
    merged: NDArray[np.float64],
    base_us: int,
    matrix: Matrix,
    split: int,
    separation: Separation,
    no_rule: Unchecked,
    unobserved: Unobserved,
    assumptions: dict[str, str],
    now_us: int | None,
) -> Findings:
    """``merged`` is in the order of pairs, each pair's windows in that of time."""
    decided = merged[:, sweep.FLAG] < sweep.ALTITUDE_UNKNOWN
    found, left = np.nonzero(decided)[0], merged[~decided]

    def instants(column: NDArray[np.float64]) -> NDArray[np.int64]:
        return base_us + np.rint(column * 1e6).astype(np.int64)

    start = instants(merged[found, sweep.T0])
    order = np.argsort(start, kind="stable")
    rows, start = merged[found[order]], start[order]
    a, b = rows[:, sweep.A].astype(np.int64), rows[:, sweep.B].astype(np.int64)
    end = instants(rows[:, sweep.T1])
    lat, lng = earth.positions(rows[:, sweep.X : sweep.Z + 1])
    rule = matrix.rule[matrix.klass[a], matrix.klass[split + b]]
    return Findings(
        kind,
        one.labels,
        two.labels,
        a,
        b,
        start,
        end,
        instants(rows[:, sweep.TC]),
        rows[:, sweep.H],
        rows[:, sweep.V],
        lat,
        lng,
        rows[:, sweep.ALT],
        rows[:, sweep.MARGIN],
        rows[:, sweep.FLAG] == sweep.MARGINAL,
        rule,
        agreed_rows(separation, one.labels, two.labels, a, b, end),
        tuple(r.name for r in separation.rules),
        Unchecked(
            np.concatenate([left[:, sweep.A].astype(np.int64), no_rule.a]),
            np.concatenate([left[:, sweep.B].astype(np.int64), no_rule.b]),
            np.concatenate([instants(left[:, sweep.T0]), no_rule.start_us]),
            np.concatenate([instants(left[:, sweep.T1]), no_rule.end_us]),
            np.concatenate(
                [
                    np.where(
                        left[:, sweep.FLAG] == sweep.ALTITUDE_UNKNOWN,
                        Reason.ALTITUDE_UNKNOWN,
                        Reason.ALTITUDE_INCOMPARABLE,
                    ).astype(np.int8),
                    no_rule.reason,
                ]
            ),
            no_rule.no_rule_pairs,
        ),
        unobserved,
        assumptions,
        now_us,
    )


def agreed_rows(
    separation: Separation,
    one: Labels,
    two: Labels,
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    end: NDArray[np.int64],
) -> NDArray[np.bool_]:
    agreed = np.zeros(a.shape[0], np.bool_)
    if separation.proximities:
        for row in range(a.shape[0]):
            i, j = int(a[row]), int(b[row])
            until = separation.agreed_until((one.ids[i], one.body_of(i)), (two.ids[j], two.body_of(j)))
            agreed[row] = until is not None and int(end[row]) <= until
    return agreed


def _present_together(
    body_a: NDArray[np.int32], span_a: NDArray[np.int64], body_b: NDArray[np.int32], span_b: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many of b are there at the same time as each of a, and are another body."""
    instants = np.unique(np.concatenate([span_a.ravel(), span_b.ravel()]))
    size = instants.shape[0] + 1
    from_a, to_a = np.searchsorted(instants, span_a[:, 0]), np.searchsorted(instants, span_a[:, 1])
    from_b, to_b = np.searchsorted(instants, span_b[:, 0]), np.searchsorted(instants, span_b[:, 1])

    # those that have begun by a's end, less those that had ended before a's start
    def overlaps(key_a: NDArray[np.int64], key_b: NDArray[np.int64]) -> NDArray[np.int64]:
        begun = np.searchsorted(np.sort(key_b + from_b), key_a + to_a, side="right")
        ended = np.searchsorted(np.sort(key_b + to_b), key_a + from_a, side="left")
        return begun - ended

    nobody_a, nobody_b = np.zeros(body_a.shape[0], np.int64), np.zeros(body_b.shape[0], np.int64)
    everyone = overlaps(nobody_a, nobody_b)
    return everyone - overlaps(body_a.astype(np.int64) * size, body_b.astype(np.int64) * size)


def _without_rule(matrix: Matrix, bodies: NDArray[np.int32], split: int, one: Side, two: Side) -> Unchecked:
    """Pairs that no rule covers and that were there at the same time: all counted, the first ones listed."""
    if (matrix.rule >= 0).all():
        return Unchecked.none()
    klass_a, klass_b = matrix.klass[: len(one.labels)], matrix.klass[split:]
    body_a, body_b = bodies[: len(one.labels)], bodies[split:]
    itself = one is two
    total = 0
    listed: list[tuple[int, int]] = []
    for p in np.unique(klass_a).tolist():
        for q in np.unique(klass_b).tolist():
            if matrix.rule[p, q] >= 0 or (itself and q < p):
                continue
            rows_a, rows_b = np.nonzero(klass_a == p)[0], np.nonzero(klass_b == q)[0]
            together = _present_together(
                body_a[rows_a], one.span_us[rows_a], body_b[rows_b], two.span_us[rows_b]
            )
            total += int(together.sum()) // (2 if itself and p == q else 1)
            for i in rows_a[together > 0].tolist():
                if len(listed) >= LISTED:
                    break
                meets = (two.span_us[rows_b, 0] <= one.span_us[i, 1]) & (
                    two.span_us[rows_b, 1] >= one.span_us[i, 0]
                )
                meets &= body_b[rows_b] != body_a[i]
                for j in rows_b[meets].tolist():
                    if itself and p == q and j <= i:
                        continue
                    listed.append((min(i, j), max(i, j)) if itself else (i, j))
    listed = listed[:LISTED]
    a = np.array([i for i, _ in listed], np.int64)
    b = np.array([j for _, j in listed], np.int64)
    return Unchecked(
        a,
        b,
        np.maximum(one.span_us[a, 0], two.span_us[b, 0]),
        np.minimum(one.span_us[a, 1], two.span_us[b, 1]),
        np.full(a.shape[0], Reason.NO_RULE, np.int8),
        total,
    )


def _length(metres: float, unit_m: float, unit: str) -> str:
    """A minimum in the unit aviation uses, or in metres where that is what somebody must have written."""
    value = metres / unit_m
    return f"{value:g} {unit}" if abs(value - round(value, 2)) < 1e-9 else f"{metres:g} m"


def assumptions_of(separation: Separation, extra: dict[str, str]) -> dict[str, str]:
    """What a check took for granted: the minima, what inside means, and what else is told."""
    minima = "; ".join(
        f"{rule.name}: {rule.between[0]} / {rule.between[1]} "
        f"{_length(rule.minima.horizontal_m, NM_M, 'NM')}, {_length(rule.minima.vertical_m, FT_M, 'ft')}"
        for rule in separation.rules
    )
    return {
        "minima": minima or "none",
        "inside minima": "horizontally and vertically less than the minimum, at once",
        "distances": "WGS 84 geodesics; altitudes compared within one reference",
    } | extra


def _widest(matrix: Matrix, *sides: Side) -> tuple[float, float]:
    """The widest minima of the check, uncertainties included."""
    blur_h = sum(float(side.blur_h.max(initial=0.0)) for side in sides)
    blur_v = sum(float(side.blur_v.max(initial=0.0)) for side in sides)
    wide, high = (float(minima.max(initial=0.0)) for minima in (matrix.horizontal_m, matrix.vertical_m))
    return wide + blur_h, high + blur_v


def slab_for(side: Side, reach_m: float) -> float:
    """A slab in which a thing moves about as far as the minima reach.

    A power of two, so that its borders are exact.
    """
    steps = np.nonzero(side.joined)[0]
    if not steps.shape[0]:
        return 64.0
    sample = steps[:: max(1, steps.shape[0] // 2000)]
    dt = np.maximum(side.t_s[sample + 1] - side.t_s[sample], 1e-3)
    speed = float(np.quantile(np.linalg.norm(side.point[sample + 1] - side.point[sample], axis=1) / dt, 0.9))
    return float(
        2.0 ** round(math.log2(min(max(reach_m / max(speed, 0.1), 2.0 * float(np.median(dt)), 0.25), 4096.0)))
    )


def as_separation(separation: Separation | Minima | None) -> Separation:
    if separation is None:
        return Separation.uniform(EN_ROUTE)
    return Separation.uniform(separation) if isinstance(separation, Minima) else separation


def losses(
    tracks: Trajectories,
    others: Trajectories | None = None,
    *,
    separation: Separation | Minima | None = None,
    max_gap_s: float | None = MAX_GAP_S,
) -> Findings:
    """Find all losses of separation between trajectories, in continuous time.

    Parameters
    ----------
    tracks
        The trajectories; each against each other, or against ``others`` where given. Their clocks need not
        tick together.
    others
        A second set; then only pairs of one from each are checked.
    separation
        The rules; minima alone hold for every pair; 5 NM / 1,000 ft where nothing is said.
    max_gap_s
        Samples further apart are not joined, and the stretch is listed as unobserved; None for plans, which
        have no gaps.

    Returns
    -------
    Findings
        A row for every window in which a pair was inside minima; ``a`` numbers ``tracks``, ``b`` numbers
        ``others`` or ``tracks``.

    Raises
    ------
    ModeError
        The two sets are of different data modes.
    GeometryError
        A leg leads to the other side of the earth.
    """
    rules = as_separation(separation)
    base = int(
        min([t.time_us.min() for t in (tracks, others) if t is not None and t.time_us.shape[0]], default=0)
    )
    laid = legs(tracks, max_gap_s=max_gap_s, base_us=base)
    present = references_of(tracks.reference, *(() if others is None else (others.reference,)))
    one = side_of_tracks(tracks, laid, present)
    unobserved = Unobserved(laid.gap_owner, laid.gap_start_us, laid.gap_end_us)
    extra = {"motion": "geodesic at constant ground speed between samples, altitude linear"}
    if max_gap_s is not None:
        extra["gaps"] = f"over {max_gap_s:g} s unobserved"
    if others is None:
        return check_moving(FindingKind.LOSS, one, one, base, rules, unobserved, extra, None)
    two = side_of_tracks(others, legs(others, max_gap_s=max_gap_s, base_us=base), present)
    return check_moving(FindingKind.LOSS, one, two, base, rules, unobserved, extra, None)


def fastest_of(one: Side, two: Side) -> float:
    """The highest speed of any leg of two sides, which may be one, in metres a second."""
    return one.speed_most() if one is two else max(one.speed_most(), two.speed_most())


def check_moving(
    kind: FindingKind,
    one: Side,
    two: Side,
    base: int,
    rules: Separation,
    unobserved: Unobserved,
    extra: dict[str, str],
    now_us: int | None,
    *,
    slab_s: float | None = None,
    fastest_m_s: float | None = None,
    drift: float = CLOCK,
    drift_m: float = 0.0,
) -> Findings:
    """Join two sides, or one with itself.

    ``now_us`` makes it a prediction, in which each rule looks only so far ahead.

    ``drift`` is by how much each metre that two things move, and ``drift_m`` that they had moved, is in
    doubt.
    """
    itself = one is two
    labels = one.labels if itself else Labels.concat([one.labels, two.labels])
    split = 0 if itself else len(one.labels)
    matrix = rules.resolve(labels)
    widest, height = _widest(matrix, one, two)
    slab = slab_s or min(slab_for(one, widest), slab_for(two, widest))
    while (
        max(
            sweep.count_pieces(s.t_s, s.joined, slab) / max(PIECES_MAX, 8 * s.t_s.shape[0])
            for s in ((one,) if itself else (one, two))
        )
        > 1.0
    ):
        slab *= 2.0
    banded = np.unique(np.concatenate([one.reference, two.reference])).shape[0] <= 1
    last = max(float(side.t_s.max(initial=0.0)) for side in (one, two))
    left = cut_pieces(one, slab, banded=banded, until_s=last)
    right = left if itself else cut_pieces(two, slab, banded=banded, until_s=last)
    fastest = fastest_of(one, two) if fastest_m_s is None else fastest_m_s
    leg = max(sweep.longest_leg(side.point, side.joined) for side in ((one,) if itself else (one, two)))
    reach = widest + sweep.frame_bound(leg, widest) + drift * (drift_m + 2.0 * last * fastest)
    raw = [
        _join(a, b, matrix, labels.body, reach, height, drift, drift_m, horizon=now_us is not None)
        for a, b in _meeting_fields(left, right, reach)
    ]
    merged = _merged(np.concatenate([np.empty((0, sweep.RAW_COLUMNS)), *raw]), len(two.labels))
    return _findings(
        kind,
        one,
        two,
        merged,
        base,
        matrix,
        split,
        rules,
        _without_rule(matrix, labels.body, split, one, two),
        unobserved,
        assumptions_of(rules, extra),
        now_us,
    )


@kernel
def _paths(
    lat_deg: Any,
    lng_deg: Any,
    altitude_m: Any,
    speed: Any,
    track: Any,
    climb: Any,
    age_s: Any,
    ahead_s: Any,
    step_s: Any,
    order: Any,
    first: Any,
    end_s: float,
    t_s: Any,
    point: Any,
    height: Any,
    joined: Any,
    owner: Any,
    lo: int,
    hi: int,
) -> None:
    """Lay out the predicted paths of some states: nodes at now, one step later, and so on to ``end_s``.

    Positions are ``ahead_s`` old, altitudes ``age_s``. State ``order[k]`` owns nodes ``first[k]`` to
    ``first[k + 1]``, for k from ``lo`` to ``hi``.
    """
    for k in range(lo, hi):
        i = order[k]
        east_x, east_y, north_x, north_y, north_z = earth.east_north(lat_deg[i], lng_deg[i])
        s, c = np.sin(track[i]), np.cos(track[i])
        vx = speed[i] * (s * east_x + c * north_x)
        vy = speed[i] * (s * east_y + c * north_y)
        vz = speed[i] * c * north_z
        x, y, z = earth.surface_of(lat_deg[i], lng_deg[i])
        t = -ahead_s[i]
        for node in range(first[k], first[k + 1]):
            at = min((node - first[k]) * step_s[i], end_s)
            parts = int(abs(at - t) * speed[i] / _PREDICTED_STEP_M) + 1
            for _ in range(parts):
                x, y, z, vx, vy, vz = earth.advance(x, y, z, vx, vy, vz, (at - t) / parts)
            t = at
            t_s[node] = t
            point[node, 0], point[node, 1], point[node, 2] = x, y, z
            height[node] = altitude_m[i] + climb[i] * (age_s[i] + t)
            joined[node] = node + 1 < first[k + 1]
            owner[node] = i


PREDICTED_LEG_M = 20_000.0
"""Predicted paths are laid out in legs of about this length."""
_PREDICTED_LEGS_MIN, _PREDICTED_LEGS_MAX = 64, 4096
"""So many legs a state may have: the more, the fewer states there are."""
_PREDICTED_NODES = 4_000_000
_PREDICTED_STEP_M = 12_500.0
"""Predicted paths are integrated in steps of at most this."""


def predicted_drift(way_m: float) -> float:
    """By how much of each metre a predicted path may leave its geodesic, if the longest is ``way_m`` long.

    Rounding adds up along the way; so do the errors of the steps, which turn the path, and grow with the cube
    of it (4.8 m in 26 rounds of the earth; ``docs/soundness.md``).
    """
    return 2e-13 * (1.0 + way_m / 2e6 + (way_m / 5.5e6) ** 2)


def _brought_near(
    states: States, age_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """States that have come more than a leg since are moved to now, exactly.

    At one cost however old they are.

    Returns latitude, longitude, track, and how many seconds old the position still is.
    """
    far = np.nonzero(np.abs(age_s) * states.ground_speed_m_s > earth.LEG_MAX_M)[0]
    if not far.shape[0]:
        return states.lat_deg, states.lng_deg, states.track_rad, age_s
    lat, lng, track = states.lat_deg.copy(), states.lng_deg.copy(), states.track_rad.copy()
    ahead_s = age_s.copy()
    lng[far], lat[far], back = earth.geod().fwd(
        lng[far], lat[far], np.degrees(track[far]), states.ground_speed_m_s[far] * age_s[far]
    )
    track[far], ahead_s[far] = np.radians(np.asarray(back) + 180.0), 0.0
    return lat, lng, track, ahead_s


_PLACED_LEAST = 10_000
"""Fewer states than this fit into the processor's cache, and gain nothing from an order."""


def _by_place(states: States) -> NDArray[np.intp]:
    """Rows of states in strips of latitude, so that neighbours on earth are so in memory."""
    code = np.zeros(len(states), np.uint16)
    for column, weight in ((states.lat_deg, 256), (states.lng_deg, 1)):
        low, high = float(column.min()), float(column.max())
        code += ((column - low) * (255.0 / max(high - low, 1e-9))).astype(np.uint16) * np.uint16(weight)
    return np.argsort(code, kind="stable")


def side_of_states(
    states: States, now_us: int, lookahead_s: float, present: frozenset[int], *, placed: bool = False
) -> tuple[Side, float]:
    """The paths of states from ``now_us`` on, and the slab they are laid out for.

    ``placed``: nodes may come in the order of places instead of that of owners.
    """
    n = len(states)
    order = _by_place(states) if placed and n >= _PLACED_LEAST else np.arange(n)
    most = min(max(_PREDICTED_NODES // max(n, 1), _PREDICTED_LEGS_MIN), _PREDICTED_LEGS_MAX)
    # one step for nearly all, so that their legs are over the same times; a few faster ones take shorter ones
    usual = float(np.quantile(states.ground_speed_m_s, _USUAL)) if n else 0.0
    speed = np.maximum(np.append(states.ground_speed_m_s, usual), max(usual, 1e-3))
    wanted = np.maximum(PREDICTED_LEG_M / speed, max(lookahead_s / most, 1.0))
    steps = 2.0 ** np.ceil(np.log2(np.minimum(wanted, max(lookahead_s, 1.0))) - 0.5)
    step_s, slab_s = steps[:-1], float(steps[-1])
    first = np.concatenate([[0], np.cumsum(np.ceil(lookahead_s / step_s[order]).astype(np.int64) + 1)])
    nodes = int(first[-1])
    t_s, point, height = np.empty(nodes), np.empty((nodes, 3)), np.empty(nodes)
    joined, owner = np.empty(nodes, np.bool_), np.empty(nodes, np.int64)
    age_s = ((now_us - states.time_us) * 1e-6).astype(np.float64)
    lat, lng, track, ahead_s = _brought_near(states, age_s)
    jit.spread(
        lambda lo, hi: _paths(
            lat,
            lng,
            states.altitude_m,
            states.ground_speed_m_s,
            track,
            states.vertical_rate_m_s,
            age_s,
            ahead_s,
            step_s,
            order,
            first,
            lookahead_s,
            t_s,
            point,
            height,
            joined,
            owner,
            lo,
            hi,
        ),
        n,
        least=5_000,
    )
    end_us = now_us + round(lookahead_s * 1e6)
    span = np.empty((n, 2), np.int64)
    span[:, 0], span[:, 1] = now_us, end_us
    side = Side(
        states.labels,
        owner,
        t_s,
        point,
        height,
        ellipsoidal(height, states.reference[owner], lambda rows: earth.positions(point[rows]), present),
        joined,
        states.reference,
        states.horizontal_uncertainty_m,
        states.vertical_uncertainty_m,
        span,
    )
    return side, slab_s


def encounters(
    states: States,
    others: States | None = None,
    *,
    separation: Separation | Minima | None = None,
    lookahead_s: float | None = None,
    now_us: int | None = None,
) -> Findings:
    """Predict losses of separation between live states, all pairs.

    Each thing is moved from its own instant along the geodesic of its track at constant ground speed and
    climb.

    Parameters
    ----------
    states
        The states; each against each other, or against ``others`` where given.
    others
        A second set; then only pairs of one from each are checked.
    separation
        The rules, each with its own look-ahead; minima alone hold for every pair; 5 NM / 1,000 ft / 300 s
        where nothing is said.
    lookahead_s
        Look no further ahead than this; by default as far as each rule says.
    now_us
        The instant to predict from, microseconds since 1970 UTC; by default the latest instant of any state.

    Returns
    -------
    Findings
        ``start_us`` is ``now_us`` for a pair that is inside minima already. :attr:`Findings.time_to_s` is the
        time to the loss.

    Raises
    ------
    ModeError
        The two sets are of different data modes.
    """
    rules = as_separation(separation)
    if lookahead_s is not None:
        rules = Separation(
            tuple(
                replace(r, minima=replace(r.minima, lookahead_s=min(lookahead_s, r.minima.lookahead_s)))
                for r in rules.rules
            ),
            rules.proximities,
        )
    now = (
        int(max([s.time_us.max() for s in (states, others) if s is not None and len(s)], default=0))
        if now_us is None
        else now_us
    )
    ahead = max([r.minima.lookahead_s for r in rules.rules], default=0.0)
    present = references_of(states.reference, *(() if others is None else (others.reference,)))
    one, slab = side_of_states(states, now, ahead, present, placed=True)
    two = one
    if others is not None:
        two, other_slab = side_of_states(others, now, ahead, present, placed=True)
        slab = max(slab, other_slab)
    extra = {
        "motion": "each state's geodesic at constant ground speed and climb",
        "now": format_instant(now),
        "look-ahead": f"{ahead:g} s",
    }
    fastest = fastest_of(one, two)
    drift = predicted_drift(ahead * fastest)
    return check_moving(
        FindingKind.ENCOUNTER,
        one,
        two,
        now,
        rules,
        Unobserved.none(),
        extra,
        now,
        slab_s=slab,
        fastest_m_s=fastest,
        drift=drift,
        drift_m=2.0 * earth.LEG_MAX_M,
    )
