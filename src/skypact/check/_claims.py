"""Strategic checks: volumes and planned trajectories against each other, and against zones.

Law: this file lays out claims for the kernels of ``check/_solid.py`` and turns raw rows into
:class:`Findings`. It decides nothing about distance. What a buffer means for volumes is written here once: a
rule that fits a pair is its buffer, volumes included; a pair with a volume that no rule fits is checked
without one, since a claimed volume is claimed, whatever the pact says about minima.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import altitude as alt
from skypact.airspace import earth, jit
from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import Labels
from skypact.airspace.moving import Trajectories, legs
from skypact.airspace.separation import Minima, Separation
from skypact.airspace.volumes import Volumes, Zones
from skypact.check import _boxes as boxes
from skypact.check import _solid as solid
from skypact.check import _sweep as sweep
from skypact.check._moving import (
    CLOCK,
    COMPARE,
    PIECES_MAX,
    Pieces,
    Side,
    agreed_rows,
    as_separation,
    assumptions_of,
    check_moving,
    cut_pieces,
    references_of,
    side_of_tracks,
    slab_for,
)
from skypact.check.findings import FindingKind, Findings, Reason, Unchecked, Unobserved
from skypact.errors import InputError
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Claims = Volumes | Trajectories
"""What a party may claim: 4D volumes, or the path it plans to fly."""

_W84, _AMSL = int(AltitudeReference.W84), int(AltitudeReference.AMSL)
_ON_THE_GEOID = frozenset({_W84, _AMSL})

MEETING: Final = "volumes: touching is meeting"
"""The rule of a pair with a volume that no separation rule fits."""


@dataclass(frozen=True, slots=True, eq=False)
class Solids:
    """Volumes as the kernels want them.

    Attributes
    ----------
    band
        Floor and ceiling in their own references, then over the ellipsoid; metres, shape (n, 4).
    band_ref
        Reference of floor and ceiling; int8, shape (n, 2).
    window
        Start and end in seconds since the check's base, infinite where open; shape (n, 2).
    box, box_ref
        What the broad phase sees.
    """

    volumes: Volumes
    band: NDArray[np.float64]
    band_ref: NDArray[np.int8]
    window: NDArray[np.float64]
    box: NDArray[np.float64]
    box_ref: NDArray[np.int8]


def solids(volumes: Volumes, base_us: int, present: frozenset[int]) -> Solids:
    """Lay volumes out; ``present`` are the altitude references of the whole check."""
    n = len(volumes)
    v = volumes
    box, ref = np.empty((n, boxes.BOX_COLUMNS)), np.empty(n, np.int8)
    band, band_ref, window = np.empty((n, 4)), np.empty((n, 2), np.int8), np.empty((n, 2))
    both = present >= _ON_THE_GEOID
    at_sea = boxes.lay_out(
        v.outlines.ball, v.lower_m, v.lower_reference, v.upper_m, v.upper_reference, v.start_us, v.end_us,
        base_us, EVER, FOREVER, _W84 if both else -1, _AMSL, box, ref, band, band_ref, window,
    )  # fmt: skip
    if both and at_sea:
        for side, column in enumerate((v.lower_m, v.upper_m)):
            sea = np.nonzero((band_ref[:, side] == _AMSL) & np.isfinite(column))[0]
            if sea.shape[0]:
                # a wide outline's ball has its middle deep in the earth: only the direction is wanted
                middle = v.outlines.ball[sea, :3]
                middle *= earth.A_M / np.linalg.norm(middle, axis=1)[:, None]
                band[sea, 2 + side], _ = alt.convert(
                    column[sea], AltitudeReference.AMSL, AltitudeReference.W84, *earth.positions(middle)
                )
    return Solids(volumes, band, band_ref, window, box, ref)


def other_heights(side: Side, two: Solids | None = None) -> NDArray[np.float64]:
    """Nodes' heights in that of the references W84 and AMSL which is not their own; NaN where it is neither.

    Only worked out for the references that volumes ``two`` are given in; for both without them.
    """
    bounds = _ON_THE_GEOID if two is None else references_of(two.band_ref.ravel())
    own = side.reference[side.owner]
    out = np.full(own.shape[0], np.nan)
    for of, to in (
        (AltitudeReference.AMSL, AltitudeReference.W84),
        (AltitudeReference.W84, AltitudeReference.AMSL),
    ):
        rows = np.nonzero((own == of) & np.isfinite(side.altitude_m))[0] if int(to) in bounds else own[:0]
        if rows.shape[0]:
            out[rows], _ = alt.convert(side.altitude_m[rows], of, to, *earth.positions(side.point[rows]))
    return out


def pieces_as_boxes(pieces: Pieces) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Pieces of trajectories as the broad phase for volumes sees them."""
    box = np.empty((pieces.who.shape[0], boxes.BOX_COLUMNS))
    box[:, : boxes.T0] = pieces.box
    from_s, to_s = spans_of(pieces)
    box[:, boxes.T0], box[:, boxes.T1] = from_s, to_s
    return box, pieces.side.reference[pieces.who]


def spans_of(pieces: Pieces) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The seconds that each piece stands for: its slab, as far as its legs reach."""
    start = np.maximum(pieces.side.t_s[pieces.first], pieces.slab * pieces.slab_s)
    end = np.minimum(pieces.side.t_s[pieces.last], (pieces.slab + 1) * pieces.slab_s)
    return start, end


# -- rows -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Findings in the making: raw columns, instants as integers; a and b number the rows of both sides."""

    raw: NDArray[np.float64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    closest_us: NDArray[np.int64]
    rule: NDArray[np.int32]

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """Parts one after another."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return NO_ROWS
        return cls(
            np.concatenate([p.raw for p in parts]),
            np.concatenate([p.a for p in parts]),
            np.concatenate([p.b for p in parts]),
            np.concatenate([p.start_us for p in parts]),
            np.concatenate([p.end_us for p in parts]),
            np.concatenate([p.closest_us for p in parts]),
            np.concatenate([p.rule for p in parts]),
        )

    def take(self, rows: NDArray[Any]) -> Rows:
        """Some of the rows."""
        return Rows(
            self.raw[rows], self.a[rows], self.b[rows], self.start_us[rows], self.end_us[rows],
            self.closest_us[rows], self.rule[rows],
        )  # fmt: skip

    def swapped(self) -> Rows:
        """The rows seen from the other side: ``a`` is the volume now, which has no altitude of its own."""
        return replace(self, raw=_without_altitude(self.raw, slice(None)), a=self.b, b=self.a)


_NONE = np.empty(0, np.int64)
NO_ROWS = Rows(np.empty((0, sweep.RAW_COLUMNS)), _NONE, _NONE, _NONE, _NONE, _NONE, np.empty(0, np.int32))


def findings_of(
    kind: FindingKind,
    labels_a: Labels,
    labels_b: Labels,
    rows: Rows,
    rules: Sequence[str],
    separation: Separation,
    assumptions: dict[str, str],
    *,
    unobserved: Unobserved | None = None,
    unchecked: Unchecked | None = None,
    now_us: int | None = None,
) -> Findings:
    """Order rows, and part what was found from what could not be decided."""
    if rows.a.shape[0] > 1:
        rows = rows.take(np.lexsort((rows.b, rows.a, rows.start_us)))
    decided = rows.raw[:, sweep.FLAG] < sweep.ALTITUDE_UNKNOWN
    unchecked = Unchecked.none() if unchecked is None else unchecked
    if not decided.all():
        left, rows, more = rows.take(~decided), rows.take(decided), unchecked
        reason = np.where(
            left.raw[:, sweep.FLAG] == sweep.ALTITUDE_UNKNOWN,
            Reason.ALTITUDE_UNKNOWN,
            Reason.ALTITUDE_INCOMPARABLE,
        ).astype(np.int8)
        unchecked = Unchecked(
            np.concatenate([left.a, more.a]),
            np.concatenate([left.b, more.b]),
            np.concatenate([left.start_us, more.start_us]),
            np.concatenate([left.end_us, more.end_us]),
            np.concatenate([reason, more.reason]),
            more.no_rule_pairs,
        )
    altitude = rows.raw[:, sweep.ALT]
    lat, lng = earth.positions(rows.raw[:, sweep.X : sweep.Z + 1])
    return Findings(
        kind,
        labels_a,
        labels_b,
        rows.a,
        rows.b,
        rows.start_us,
        rows.end_us,
        rows.closest_us,
        rows.raw[:, sweep.H],
        rows.raw[:, sweep.V],
        lat,
        lng,
        np.where(np.isfinite(altitude), altitude, np.nan),
        rows.raw[:, sweep.MARGIN],
        rows.raw[:, sweep.FLAG] == sweep.MARGINAL,
        rows.rule,
        agreed_rows(separation, labels_a, labels_b, rows.a, rows.b, rows.end_us),
        tuple(rules),
        unchecked,
        unobserved or Unobserved.none(),
        assumptions,
        now_us,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Which minima hold, as the kernels want them: a matrix over classes, and everybody's class and body."""

    rule: NDArray[np.int32]
    horizontal_m: NDArray[np.float64]
    vertical_m: NDArray[np.float64]
    rules: int

    @property
    def reach(self) -> tuple[float, float]:
        """The widest minima."""
        return float(self.horizontal_m.max(initial=0.0)), float(self.vertical_m.max(initial=0.0))

    def rules_of(self, klass_a: NDArray[np.int32], klass_b: NDArray[np.int32]) -> NDArray[np.int32]:
        """The rule of each pair; the number behind the last rule stands for none (:data:`MEETING`)."""
        rule = self.rule[klass_a, klass_b]
        rule[rule < 0] = self.rules
        return rule


def _without_altitude(raw: NDArray[np.float64], rows: Any) -> NDArray[np.float64]:
    """Raw rows, some of them without the altitude of a thing that is no longer ``a``."""
    raw = raw.copy()
    raw[rows, sweep.ALT] = np.nan
    return raw


WITHOUT_BUFFER = Terms(np.full((1, 1), -1, np.int32), np.zeros((1, 1)), np.zeros((1, 1)), 0)
"""Terms under which nothing has a buffer: zones."""


@dataclass(frozen=True, slots=True, eq=False)
class Parties:
    """Everybody's class and body: int32, shape (n,)."""

    klass: NDArray[np.int32]
    body: NDArray[np.int32]

    def take(self, rows: NDArray[np.int64]) -> Parties:
        """Those of some rows."""
        return Parties(self.klass[rows], self.body[rows])


def _joined(parts: list[Any]) -> Any:
    """What threads found, in one; without a copy where there was one thread."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def raw_meetings(
    pairs: NDArray[np.int64], one: Solids, who_a: Parties, two: Solids, who_b: Parties, terms: Terms
) -> NDArray[np.float64]:
    """Raw rows of the pairs of volumes that meet, of those that the broad phase named."""
    va, vb = one.volumes, two.volumes
    oa, ob = va.outlines, vb.outlines

    def run(lo: int, hi: int) -> Any:
        return solid.volumes_meet(
            pairs, lo, hi,
            oa.offsets, oa.point, oa.ball, oa.leg_m, va.radius_m,
            one.band, one.band_ref, va.start_us, va.end_us,
            who_a.body, who_a.klass,
            ob.offsets, ob.point, ob.ball, ob.leg_m, vb.radius_m,
            two.band, two.band_ref, vb.start_us, vb.end_us,
            who_b.body, who_b.klass,
            terms.rule, terms.horizontal_m, terms.vertical_m, COMPARE,
            alt.EGM96_INTERPOLATION_ERROR_M,
        )  # fmt: skip

    raw: NDArray[np.float64] = _joined(jit.spread(run, pairs.shape[0], least=500))
    return raw


def meet_volumes(
    pairs: NDArray[np.int64], one: Solids, who_a: Parties, two: Solids, who_b: Parties, terms: Terms
) -> Rows:
    """The pairs of volumes that meet, of those that the broad phase named."""
    return rows_of_meetings(raw_meetings(pairs, one, who_a, two, who_b, terms), one, who_a, two, who_b, terms)


def rows_of_meetings(
    raw: NDArray[np.float64], one: Solids, who_a: Parties, two: Solids, who_b: Parties, terms: Terms
) -> Rows:
    """Raw rows of volumes with the windows and rules of their pairs."""
    if not raw.shape[0]:
        return NO_ROWS
    va, vb = one.volumes, two.volumes
    a, b = raw[:, sweep.A].astype(np.int64), raw[:, sweep.B].astype(np.int64)
    start, end = np.maximum(va.start_us[a], vb.start_us[b]), np.minimum(va.end_us[a], vb.end_us[b])
    return Rows(raw, a, b, start, end, start, terms.rules_of(who_a.klass[a], who_b.klass[b]))


def meet_legs(
    pairs: NDArray[np.int64],
    pieces: Pieces,
    who_a: Parties,
    two: Solids,
    who_b: Parties,
    terms: Terms,
    base_us: int,
    *,
    other_m: NDArray[np.float64] | None = None,
    same_body: bool = False,
    drift: float = CLOCK,
    drift_m: float = 0.0,
) -> Rows:
    """When the pieces of trajectories are in the volumes that the broad phase named, or within the buffer.

    ``other_m``: what :func:`other_heights` gives, where it is at hand. ``drift``: see :func:`check_moving`.
    """
    side, ob = pieces.side, two.volumes.outlines
    start, end = spans_of(pieces)
    other = other_heights(side, two) if other_m is None else other_m

    def run(lo: int, hi: int) -> Any:
        return solid.legs_meet(
            pairs, lo, hi,
            pieces.first, pieces.last, pieces.who, start, end, side.t_s, side.point, side.altitude_m, other,
            side.reference, side.blur_h, side.blur_v, who_a.body, who_a.klass,
            ob.offsets, ob.point, ob.leg_m, two.volumes.radius_m, two.band, two.band_ref, two.window,
            who_b.body, who_b.klass,
            terms.rule, terms.horizontal_m, terms.vertical_m, same_body, COMPARE,
            alt.EGM96_INTERPOLATION_ERROR_M, alt.EGM96_LEG_ERROR_M, drift, drift_m,
        )  # fmt: skip

    raw = _joined(jit.spread(run, pairs.shape[0], least=200))
    undecided = raw[:, sweep.FLAG] * (raw[:, sweep.FLAG] >= sweep.ALTITUDE_UNKNOWN)
    raw = sweep.merge(raw, np.lexsort((raw[:, sweep.T0], undecided, raw[:, sweep.B], raw[:, sweep.A])))
    a, b = raw[:, sweep.A].astype(np.int64), raw[:, sweep.B].astype(np.int64)

    def instants(column: int) -> NDArray[np.int64]:
        since: NDArray[np.int64] = np.rint(raw[:, column] * 1e6).astype(np.int64)
        return base_us + since

    return Rows(
        raw, a, b, instants(sweep.T0), instants(sweep.T1), instants(sweep.TC),
        terms.rules_of(who_a.klass[a], who_b.klass[b]),
    )  # fmt: skip


# -- the check --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Set:
    """One side of a check: its volumes and its trajectories, and which rows of the common labels they are."""

    labels: Labels
    volumes: Volumes | None
    volume_rows: NDArray[np.int64]
    tracks: Trajectories | None
    track_rows: NDArray[np.int64]


def _gathered(claims: Claims | Sequence[Claims]) -> _Set:
    parts: Sequence[Claims] = [claims] if isinstance(claims, Volumes | Trajectories) else list(claims)
    if not parts:
        raise InputError(
            "nothing to check", where="claims", found="0 sets", expected="volumes or trajectories"
        )
    first = np.concatenate([[0], np.cumsum([len(p) for p in parts])])
    volumes = [
        (p, np.arange(at, at + len(p)))
        for p, at in zip(parts, first.tolist(), strict=False)
        if isinstance(p, Volumes)
    ]
    tracks = [
        (p, np.arange(at, at + len(p)))
        for p, at in zip(parts, first.tolist(), strict=False)
        if isinstance(p, Trajectories)
    ]
    none = np.zeros(0, np.int64)
    return _Set(
        parts[0].labels if len(parts) == 1 else Labels.concat([p.labels for p in parts]),
        (volumes[0][0] if len(volumes) == 1 else Volumes.concat([v for v, _ in volumes]))
        if volumes
        else None,
        np.concatenate([none, *(rows for _, rows in volumes)]),
        (tracks[0][0] if len(tracks) == 1 else Trajectories.concat([t for t, _ in tracks]))
        if tracks
        else None,
        np.concatenate([none, *(rows for _, rows in tracks)]),
    )


def base_of(*sets: Volumes | Trajectories | None) -> int:
    """An instant to count seconds from: the earliest sample of a trajectory, else 0.

    Seconds are binary, and the finer the nearer they are to it; of volumes alone, windows are compared in
    microseconds.
    """
    return min((int(s.time_us.min()) for s in sets if isinstance(s, Trajectories) and len(s)), default=0)


def present_in(*sets: Volumes | Trajectories | None) -> frozenset[int]:
    """The altitude references of a check; a volume's open bound has none."""
    columns = []
    for s in sets:
        if isinstance(s, Trajectories):
            columns.append(s.reference)
        elif s is not None:
            columns += [s.lower_reference[np.isfinite(s.lower_m)], s.upper_reference[np.isfinite(s.upper_m)]]
    return references_of(*columns)


def pieces_for_volumes(side: Side, two: Solids, buffer_m: float) -> Pieces:
    """Cut trajectories into pieces about as long as the volumes are wide."""
    wide = 2.0 * float(np.median(two.volumes.outlines.ball[:, 3])) if len(two.volumes) else 0.0
    slab_s = slab_for(side, max(wide + buffer_m, 2_000.0))
    while sweep.count_pieces(side.t_s, side.joined, slab_s) > max(PIECES_MAX, 4 * side.t_s.shape[0]):
        slab_s *= 2.0
    return cut_pieces(side, slab_s, banded=True)


def conflicts(
    claims: Claims | Sequence[Claims],
    others: Claims | Sequence[Claims] | Zones | None = None,
    *,
    separation: Separation | Minima | None = None,
    max_gap_s: float | None = None,
) -> Findings:
    """Find every conflict between claimed volumes and planned trajectories, before anything flies.

    Parameters
    ----------
    claims
        Volumes, trajectories, or several sets of either, whose rows are numbered one after another. Each
        against each other, or against ``others`` where given.
    others
        A second side; then only pairs of one from each are checked. Zones concern the kinds they apply to,
        and have no buffer.
    separation
        A rule that fits a pair is its buffer, volumes included; a pair with a volume that no rule fits meets
        where it touches. By default volumes have no buffer and trajectories 5 NM / 1,000 ft.
    max_gap_s
        For trajectories that were recorded: samples further apart leave the stretch between unobserved. Plans
        have no gaps.

    Returns
    -------
    Findings
        A row for each window in which a pair meets. For two volumes, the window is the common one,
        ``closest_us`` its start, the distances those of outlines and bands (0 where they overlap) and the
        position a point of both, or the nearest one of ``a``. For a volume and a trajectory, position and
        altitude are the trajectory's, whichever of the two is ``a``.

    Raises
    ------
    ModeError
        Data modes would be mixed.
    GeometryError
        A leg leads to the other side of the earth.
    """
    mine = _gathered(claims)
    zones = others if isinstance(others, Zones) else None
    theirs = mine if others is None else _gathered(others.volumes if isinstance(others, Zones) else others)
    itself = others is None
    rules = as_separation(separation) if separation is not None else Separation(())
    between_tracks = as_separation(separation)
    labels = mine.labels if itself else Labels.concat([mine.labels, theirs.labels])
    split = 0 if itself else len(mine.labels)
    base = base_of(mine.volumes, mine.tracks, theirs.volumes, theirs.tracks)
    present = present_in(mine.volumes, mine.tracks, theirs.volumes, theirs.tracks)
    if zones is not None:
        # a zone is nobody's body, whatever it is called
        terms = WITHOUT_BUFFER
        everybody = Parties(
            np.zeros(len(labels), np.int32), (np.arange(len(labels)) >= split).astype(np.int32)
        )
    else:
        matrix = rules.resolve(labels)
        terms = Terms(matrix.rule, matrix.horizontal_m, matrix.vertical_m, len(rules.rules))
        everybody = Parties(matrix.klass, labels.body)
    solid_a = None if mine.volumes is None else solids(mine.volumes, base, present)
    solid_b = solid_a if itself else None if theirs.volumes is None else solids(theirs.volumes, base, present)
    rows: list[Rows] = []
    buffer_m, height_m = terms.reach
    if solid_a is not None and solid_b is not None:
        wide, high = buffer_m + 1.0, height_m + 1.0
        near = (
            boxes.pairs_within(solid_a.box, solid_a.box_ref, wide, high)
            if itself
            else boxes.pairs_between(solid_a.box, solid_a.box_ref, solid_b.box, solid_b.box_ref, wide, high)
        )
        if zones is not None:
            near = near[zones.applies[near[:, 1], mine.labels.kind[mine.volume_rows[near[:, 0]]]]]
        who_a, who_b = everybody.take(mine.volume_rows), everybody.take(split + theirs.volume_rows)
        found = meet_volumes(near, solid_a, who_a, solid_b, who_b, terms)
        rows.append(replace(found, a=mine.volume_rows[found.a], b=theirs.volume_rows[found.b]))

    unobserved: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    extra: dict[str, str] = {}

    def along(tracks: _Set, volumes: _Set, two: Solids, shift_a: int, shift_b: int, *, back: bool) -> None:
        """Trajectories of one side against volumes of the other."""
        if tracks.tracks is None:
            return
        laid = legs(tracks.tracks, max_gap_s=max_gap_s, base_us=base)
        if not back:
            unobserved.append((tracks.track_rows[laid.gap_owner], laid.gap_start_us, laid.gap_end_us))
        elif laid.gap_owner.shape[0]:
            extra["gaps of the others"] = (
                f"{laid.gap_owner.shape[0]} stretches over {max_gap_s:g} s, unobserved"
            )
        side = side_of_tracks(tracks.tracks, laid, present)
        blur_h, blur_v = float(side.blur_h.max(initial=0.0)), float(side.blur_v.max(initial=0.0))
        pieces = pieces_for_volumes(side, two, buffer_m)
        box, ref = pieces_as_boxes(pieces)
        near = boxes.pairs_between(
            box, ref, two.box, two.box_ref, buffer_m + blur_h + 1.0, height_m + blur_v + 1.0
        )
        if zones is not None:
            near = near[
                zones.applies[near[:, 1], tracks.labels.kind[tracks.track_rows[pieces.who[near[:, 0]]]]]
            ]
        who_a = everybody.take(shift_a + tracks.track_rows)
        found = meet_legs(
            near, pieces, who_a, two, everybody.take(shift_b + volumes.volume_rows), terms, base
        )
        found = replace(found, a=tracks.track_rows[found.a], b=volumes.volume_rows[found.b])
        rows.append(found.swapped() if back else found)

    if solid_b is not None:
        along(mine, theirs, solid_b, 0, split, back=False)
    if solid_a is not None and not itself:
        along(theirs, mine, solid_a, split, 0, back=True)
    unchecked = None
    names = [rule.name for rule in rules.rules]
    if mine.tracks is not None and theirs.tracks is not None:
        laid_a = legs(mine.tracks, max_gap_s=max_gap_s, base_us=base)
        one = side_of_tracks(mine.tracks, laid_a, present)
        two = (
            one
            if itself
            else side_of_tracks(
                theirs.tracks, legs(theirs.tracks, max_gap_s=max_gap_s, base_us=base), present
            )
        )
        moving = check_moving(
            FindingKind.CONFLICT, one, two, base, between_tracks, Unobserved.none(), {}, None
        )
        # without rules of their own the trajectories bring the default one, behind the volumes'
        shift = 0 if separation is not None else 1
        rows.append(_rows_of(moving, mine.track_rows, theirs.track_rows, shift))
        u = moving.unchecked
        unchecked = Unchecked(
            mine.track_rows[u.a], theirs.track_rows[u.b], u.start_us, u.end_us, u.reason, u.no_rule_pairs
        )
        if not unobserved:
            unobserved.append((mine.track_rows[laid_a.gap_owner], laid_a.gap_start_us, laid_a.gap_end_us))
    if mine.tracks is not None or theirs.tracks is not None:
        extra["motion"] = "geodesic at constant ground speed between samples, altitude linear"
    if mine.volumes is not None or theirs.volumes is not None:
        extra["volumes"] = "closed sets: touching is meeting; windows half-open"
    joined = Rows.join(rows)
    if itself:
        turn = joined.a > joined.b
        joined = replace(joined, raw=_without_altitude(joined.raw, turn))
        joined = replace(joined, a=np.where(turn, joined.b, joined.a), b=np.where(turn, joined.a, joined.b))
    names += [MEETING] if zones is None else []
    if separation is None:
        names += [rule.name for rule in between_tracks.rules]
    if zones is not None:
        names, of_zone = zone_rules(zones)
        joined = replace(joined, rule=of_zone[joined.b])
    gaps = Unobserved(*(np.concatenate([u[k] for u in unobserved]) for k in range(3))) if unobserved else None
    told = between_tracks if extra.get("motion") else rules
    return findings_of(
        FindingKind.CONFLICT, mine.labels, theirs.labels, joined, names, rules, assumptions_of(told, extra),
        unobserved=gaps, unchecked=unchecked,
    )  # fmt: skip


def zone_rules(zones: Zones) -> tuple[list[str], NDArray[np.int32]]:
    """What each zone says, as the rule that a finding names."""
    names: dict[str, int] = {}
    of = np.array([names.setdefault(text or "zone", len(names)) for text in zones.effect] or [0], np.int32)
    return list(names) or ["zone"], of


def _rows_of(found: Findings, rows_a: NDArray[np.int64], rows_b: NDArray[np.int64], shift: int) -> Rows:
    """Findings between trajectories, as rows among the others."""
    raw = np.full((len(found), sweep.RAW_COLUMNS), np.nan)
    raw[:, sweep.H], raw[:, sweep.V] = found.horizontal_m, found.vertical_m
    raw[:, sweep.X : sweep.Z + 1] = earth.surface_points(found.lat_deg, found.lng_deg)
    raw[:, sweep.ALT], raw[:, sweep.MARGIN] = found.altitude_m, found.margin_m
    raw[:, sweep.FLAG] = np.where(found.marginal, sweep.MARGINAL, sweep.FOUND)
    return Rows(
        raw, rows_a[found.a], rows_b[found.b], found.start_us, found.end_us, found.closest_us,
        (found.rule + shift).astype(np.int32),
    )  # fmt: skip
