"""The live index: claims come and go, and each new one is checked against all that are there.

Law: an index answers what :func:`~skypact.check.conflicts` would answer for the same two sets; it is only faster, since nothing is
laid out twice. It lives in one process's memory: shared state is the store's business. It is not for two threads at once.

How it works. Rows are only ever appended; removing takes a row's boxes out of the grid (``check/_boxes.py``) and leaves the row
behind. When more rows are dead than alive, the live ones are laid out anew. Classes of separation are numbered as they turn up,
so a query pays nothing for those it does not meet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import altitude as alt
from skypact.airspace import jit
from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import Trajectories, legs
from skypact.airspace.separation import Minima, Separation
from skypact.airspace.volumes import Outlines, Volumes
from skypact.check import _boxes as boxes
from skypact.check import _sweep as sweep
from skypact.check._claims import (
    MEETING,
    Claims,
    Parties,
    Rows,
    Solids,
    Terms,
    findings_of,
    meet_legs,
    meet_volumes,
    pieces_as_boxes,
    solids,
)
from skypact.check._moving import (
    CLOCK,
    COMPARE,
    Pieces,
    Side,
    as_separation,
    assumptions_of,
    cut_pieces,
    side_of_tracks,
)
from skypact.check.findings import FindingKind, Findings
from skypact.errors import InputError, ModeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLAB_LEVEL: Final = 8
SLAB_S: Final = float(1 << SLAB_LEVEL)
"""Trajectories are cut into pieces of this length; a power of two, so that borders are exact."""
_BOTH: Final = frozenset({int(AltitudeReference.W84), int(AltitudeReference.AMSL)})
_BASE_US: Final = 0
_LEAST_DEAD: Final = 1_024
_NO_HANDLES = np.zeros(0, np.int64)


class _Columns:
    """Columns that grow at their ends together, in doublings."""

    def __init__(self, **columns: tuple[type, int]) -> None:
        self._kinds = columns
        self.clear()

    def clear(self) -> None:
        """No rows."""
        self.rows = 0
        self._data = {
            name: np.empty((64, width) if width else 64, kind) for name, (kind, width) in self._kinds.items()
        }

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self._kinds)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._data[name][: self.rows]

    def append(self, **values: Any) -> None:
        """Rows at the end; every column must be given."""
        n = max(np.shape(v)[0] for v in values.values() if np.ndim(v))
        need = self.rows + n
        for name, value in values.items():
            column = self._data[name]
            if need > column.shape[0]:
                bigger = np.empty((max(need, 2 * column.shape[0]), *column.shape[1:]), column.dtype)
                bigger[: self.rows] = column[: self.rows]
                self._data[name] = column = bigger
            column[self.rows : need] = value
        self.rows = need


class _Classes:
    """Classes of separation, numbered as they turn up, and the minima between them."""

    def __init__(self, volumes: Separation, tracks: Separation) -> None:
        self._sides = (volumes, tracks)
        named = {side for rule in volumes.rules for side in rule.between}
        self._named = named - {"any"} - {kind.word for kind in Kind}
        self._number: dict[tuple[str, str, int], int] = {}
        self.terms: tuple[Terms, Terms]
        self._resolve()

    def _resolve(self) -> None:
        keys = list(self._number) or [("", "", 0)]
        labels = Labels.of([k[0] for k in keys], party=[k[1] for k in keys], kind=[k[2] for k in keys])
        out = []
        for separation, uncovered in zip(self._sides, (True, False), strict=True):
            matrix = separation.resolve(labels)
            place = np.ix_(matrix.klass, matrix.klass)
            out.append(
                Terms(
                    matrix.rule[place],
                    matrix.horizontal_m[place],
                    matrix.vertical_m[place],
                    len(separation.rules),
                    uncovered=uncovered,
                )
            )
        self.terms = (out[0], out[1])

    def of(self, labels: Labels) -> NDArray[np.int32]:
        """The class of each row."""
        parties = max(1, len(labels.parties))
        code = labels.party.astype(np.int64) * len(Kind) + labels.kind
        named = self._named - set(labels.parties)
        own = {name: k + 1 for k, name in enumerate(sorted(named))}
        if own:
            code += (
                parties * len(Kind) * np.fromiter((own.get(i, 0) for i in labels.ids), np.int64, len(labels))
            )
        names = ["", *sorted(named)]
        present, inverse = np.unique(code, return_inverse=True)
        known = len(self._number)
        numbers = [
            self._number.setdefault(
                (
                    names[c // (len(Kind) * parties)],
                    labels.parties[c // len(Kind) % parties] if labels.parties else "",
                    c % len(Kind),
                ),
                len(self._number),
            )
            for c in present.tolist()
        ]
        if len(self._number) != known:
            self._resolve()
        return np.array(numbers or [0], np.int32)[inverse]


class _Names:
    """Ids, parties, sources, kinds and bodies of rows that grow; names are numbered across all that was ever seen."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """No rows and no names."""
        self.ids: list[str] = []
        self._number: dict[str, dict[str, int]] = {"party": {}, "source": {}, "body": {}}
        self._name: dict[str, list[str]] = {"party": [], "source": [], "body": []}
        self.codes = _Columns(
            party=(np.int32, 0), source=(np.int32, 0), body=(np.int32, 0), kind=(np.int8, 0)
        )

    def bodies_of(self, labels: Labels) -> NDArray[np.int32]:
        """The number of each row's body here; those not here differ from all that are."""
        number = self._number["body"]
        codes = np.array([number.get(name, -2 - k) for k, name in enumerate(labels.bodies)] or [0], np.int32)
        return codes[labels.body]

    def append(self, labels: Labels) -> None:
        """More rows."""
        columns = {}
        for what, names, codes in (
            ("party", labels.parties, labels.party),
            ("source", labels.sources, labels.source),
            ("body", labels.bodies, labels.body),
        ):
            number, name_of = self._number[what], self._name[what]
            translate = np.empty(max(1, len(names)), np.int32)
            for k, name in enumerate(names):
                code = number.setdefault(name, len(name_of))
                if code == len(name_of):
                    name_of.append(name)
                translate[k] = code
            columns[what] = translate[codes]
        self.ids.extend(labels.ids)
        self.codes.append(kind=labels.kind, **columns)

    def labels(self, rows: NDArray[np.int64], mode: DataMode) -> Labels:
        """The labels of some rows."""
        c = self.codes

        def names(what: str) -> list[str]:
            return [self._name[what][code] for code in c[what][rows].tolist()]

        return Labels.of(
            [self.ids[row] for row in rows.tolist()],
            party=names("party"),
            kind=c["kind"][rows],
            source=names("source"),
            body=names("body"),
            data_mode=mode,
        )


class _Store:
    """What volumes and trajectories in the index have in common: names, handles that rise with the rows, and a grid."""

    def __init__(self, reach_m: float, least_moment: int = boxes.SHORTEST_SLAB) -> None:
        self.names = _Names()
        self.rows = _Columns(handle=(np.int64, 0), alive=(np.bool_, 0), klass=(np.int32, 0))
        self.grid = boxes.BoxGrid(reach_m, least_moment=least_moment)
        self.dead = 0

    def bury(self, handles: NDArray[np.int64]) -> NDArray[np.int64]:
        """Mark the rows of those handles that are here dead; returns them."""
        known = self.rows["handle"]
        if not known.shape[0]:
            return np.zeros(0, np.int64)
        rows = np.searchsorted(known, handles)
        rows = rows[(rows < known.shape[0]) & (known[np.minimum(rows, known.shape[0] - 1)] == handles)]
        rows = rows[self.rows["alive"][rows]]
        self.rows["alive"][rows] = False
        self.dead += rows.shape[0]
        return rows

    @property
    def worth_clearing(self) -> bool:
        """Whether more rows are dead than alive."""
        return self.dead > max(_LEAST_DEAD, self.rows.rows // 2)

    def everybody(self) -> Parties:
        """Class and body of all rows."""
        return Parties(self.rows["klass"], self.names.codes["body"])


class _VolumeStore(_Store):
    """Volumes in the index, laid out as :class:`~skypact.check._claims.Solids` but growing."""

    def __init__(self, reach_m: float) -> None:
        super().__init__(reach_m)
        self.cells = _Columns(
            ball=(np.float64, 4),
            leg_m=(np.float64, 0),
            radius_m=(np.float64, 0),
            band=(np.float64, 4),
            band_ref=(np.int8, 2),
            window=(np.float64, 2),
            start_us=(np.int64, 0),
            end_us=(np.int64, 0),
            slot=(np.int64, 0),
        )
        self.rings = _Columns(offset=(np.int64, 0))
        self.points = _Columns(point=(np.float64, 3))
        self.rings.append(offset=np.zeros(1, np.int64))
        self.row_of_slot = np.zeros(64, np.int64)
        self._view: Solids | None = None

    def add(self, laid: Solids, handles: NDArray[np.int64], klass: NDArray[np.int32]) -> None:
        """Put volumes in."""
        v = laid.volumes
        slots = self.grid.insert(laid.box, laid.box_ref)
        self.row_of_slot = _assign(self.row_of_slot, slots, np.arange(len(v)) + self.cells.rows)
        self.rings.append(offset=v.outlines.offsets[1:] + self.points.rows)
        self.points.append(point=v.outlines.point)
        self.cells.append(
            ball=v.outlines.ball,
            leg_m=v.outlines.leg_m,
            radius_m=v.radius_m,
            band=laid.band,
            band_ref=laid.band_ref,
            window=laid.window,
            start_us=v.start_us,
            end_us=v.end_us,
            slot=slots,
        )
        self.names.append(v.labels)
        self.rows.append(handle=handles, alive=np.ones(len(v), np.bool_), klass=klass)
        self._view = None

    def remove(self, handles: NDArray[np.int64]) -> int:
        """Take volumes out; returns how many of the handles were here."""
        rows = self.bury(handles)
        self.grid.remove(self.cells["slot"][rows])
        if self.worth_clearing:
            self._clear()
        return rows.shape[0]

    def _clear(self) -> None:
        live = np.nonzero(self.rows["alive"])[0]
        c, offsets = {name: self.cells[name][live] for name in self.cells.names}, self.rings["offset"]
        sizes = np.diff(offsets)[live]
        cuts = np.concatenate([[0], np.cumsum(sizes)])
        points = self.points["point"][np.repeat(offsets[live] - cuts[:-1], sizes) + np.arange(int(cuts[-1]))]
        handle, klass = self.rows["handle"][live], self.rows["klass"][live]
        labels = self.names.labels(live, DataMode.REAL)
        for columns in (self.cells, self.rings, self.points, self.rows, self.names):
            columns.clear()
        self.rings.append(offset=cuts)
        self.points.append(point=points)
        if live.shape[0]:
            self.cells.append(**c)
            self.rows.append(handle=handle, alive=np.ones(live.shape[0], np.bool_), klass=klass)
            self.names.append(labels)
        self.row_of_slot = _assign(self.row_of_slot, c["slot"], np.arange(live.shape[0]))
        self.dead = 0
        self._view = None

    def solids(self) -> Solids:
        """The rows as kernels want them."""
        if self._view is None:
            c = self.cells
            none, nobody = np.zeros(0), np.zeros(0, np.int8)
            outlines = Outlines(self.rings["offset"], self.points["point"], c["ball"], c["leg_m"])
            held = Volumes(
                Labels.of([]), self.rings["offset"], none, none, c["radius_m"], none, nobody, none, nobody, c["start_us"], c["end_us"], outlines
            )  # fmt: skip
            self._view = Solids(held, c["band"], c["band_ref"], c["window"], none, nobody)
        return self._view


class _TrackStore(_Store):
    """Trajectories in the index: nodes, and pieces of them in the grid."""

    def __init__(self, reach_m: float) -> None:
        super().__init__(reach_m, SLAB_LEVEL)
        self.nodes = _Columns(
            owner=(np.int64, 0),
            t_s=(np.float64, 0),
            point=(np.float64, 3),
            altitude_m=(np.float64, 0),
            ellipsoidal_m=(np.float64, 0),
            joined=(np.bool_, 0),
        )
        self.flown = _Columns(
            reference=(np.int8, 0), blur_h=(np.float64, 0), blur_v=(np.float64, 0), span_us=(np.int64, 2)
        )
        self.parts = _Columns(
            box=(np.float64, sweep.PIECE_COLUMNS),
            first=(np.int64, 0),
            last=(np.int64, 0),
            slab=(np.int64, 0),
            who=(np.int64, 0),
            slot=(np.int64, 0),
        )
        self.piece_of_slot = np.zeros(64, np.int64)
        self.widest = [0.0, 0.0]

    def add(self, pieces: Pieces, handles: NDArray[np.int64], klass: NDArray[np.int32]) -> None:
        """Put trajectories in, by their pieces."""
        side = pieces.side
        slots = self.grid.insert(*pieces_as_boxes(pieces))
        self.piece_of_slot = _assign(self.piece_of_slot, slots, np.arange(slots.shape[0]) + self.parts.rows)
        row, node = self.flown.rows, self.nodes.rows
        self.nodes.append(
            owner=side.owner + row,
            t_s=side.t_s,
            point=side.point,
            altitude_m=side.altitude_m,
            ellipsoidal_m=side.ellipsoidal_m,
            joined=side.joined,
        )
        self.flown.append(
            reference=side.reference, blur_h=side.blur_h, blur_v=side.blur_v, span_us=side.span_us
        )
        self.parts.append(
            box=pieces.box,
            first=pieces.first + node,
            last=pieces.last + node,
            slab=pieces.slab,
            who=pieces.who + row,
            slot=slots,
        )
        self.names.append(side.labels)
        self.rows.append(handle=handles, alive=np.ones(len(side.labels), np.bool_), klass=klass)
        self.widest = [
            max(self.widest[0], float(side.blur_h.max(initial=0.0))),
            max(self.widest[1], float(side.blur_v.max(initial=0.0))),
        ]

    def remove(self, handles: NDArray[np.int64]) -> int:
        """Take trajectories out; returns how many of the handles were here."""
        rows = self.bury(handles)
        if rows.shape[0]:
            gone = np.zeros(self.rows.rows, np.bool_)
            gone[rows] = True
            self.grid.remove(self.parts["slot"][gone[self.parts["who"]]])
            self._forget(gone)
        return rows.shape[0]

    def _forget(self, gone: NDArray[np.bool_]) -> None:
        """Drop the pieces that left the grid; when most rows are dead, their nodes too."""
        keep = ~gone[self.parts["who"]]
        parts = {name: self.parts[name][keep] for name in self.parts.names}
        if self.worth_clearing:
            live = self.rows["alive"].copy()
            new = np.cumsum(live) - 1
            stay = live[self.nodes["owner"]]
            moved = np.cumsum(stay) - 1
            nodes = {name: self.nodes[name][stay] for name in self.nodes.names}
            flown = {name: self.flown[name][live] for name in self.flown.names}
            rows = {name: self.rows[name][live] for name in self.rows.names}
            labels = self.names.labels(np.nonzero(live)[0], DataMode.REAL)
            nodes["owner"] = new[nodes["owner"]]
            parts["who"], parts["first"], parts["last"] = (
                new[parts["who"]],
                moved[parts["first"]],
                moved[parts["last"]],
            )
            for columns in (self.nodes, self.flown, self.rows, self.names):
                columns.clear()
            if len(labels):
                self.nodes.append(**nodes)
                self.flown.append(**flown)
                self.rows.append(**rows)
                self.names.append(labels)
            self.dead = 0
        self.parts.clear()
        if keep.any():
            self.parts.append(**parts)
        self.piece_of_slot = _assign(self.piece_of_slot, parts["slot"], np.arange(parts["slot"].shape[0]))

    def pieces(self) -> Pieces:
        """The rows as kernels want them."""
        n, f, p = self.nodes, self.flown, self.parts
        side = Side(
            Labels.of([]), n["owner"], n["t_s"], n["point"], n["altitude_m"], n["ellipsoidal_m"], n["joined"], f["reference"],
            f["blur_h"], f["blur_v"], f["span_us"],
        )  # fmt: skip
        return Pieces(side, SLAB_S, 0.0, p["box"], p["first"], p["last"], p["slab"], p["who"])


def _assign(table: NDArray[np.int64], at: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """``table`` with values put in, longer if it must be."""
    need = int(at.max(initial=-1)) + 1
    if need > table.shape[0]:
        bigger = np.zeros(max(need, 2 * table.shape[0]), np.int64)
        bigger[: table.shape[0]] = table
        table = bigger
    table[at] = values
    return table


@jit.kernel
def _pieces_meet(
    pairs: Any,
    lo: int,
    hi: int,
    first_a: Any,
    last_a: Any,
    slab_a: Any,
    who_a: Any,
    ta: Any,
    pa: Any,
    za: Any,
    ga: Any,
    ref_a: Any,
    blur_ha: Any,
    blur_va: Any,
    klass_a: Any,
    body_a: Any,
    first_b: Any,
    last_b: Any,
    slab_b: Any,
    who_b: Any,
    tb: Any,
    pb: Any,
    zb: Any,
    gb: Any,
    ref_b: Any,
    blur_hb: Any,
    blur_vb: Any,
    klass_b: Any,
    body_b: Any,
    rule: Any,
    D_of: Any,
    H_of: Any,
    slab_s: float,
    compare: Any,
    geoid_bound_m: float,
) -> Any:
    """Raw windows between pieces of trajectories that the broad phase named; pieces of different slabs share no time."""
    out = np.empty((256, sweep.RAW_COLUMNS))
    used = 0
    for k in range(lo, hi):
        i, j = pairs[k, 0], pairs[k, 1]
        a, b = who_a[i], who_b[j]
        if slab_a[i] != slab_b[j] or body_a[a] == body_b[b] or rule[klass_a[a], klass_b[b]] < 0:
            continue
        D = D_of[klass_a[a], klass_b[b]] + blur_ha[a] + blur_hb[b]
        Hm = H_of[klass_a[a], klass_b[b]] + blur_va[a] + blur_vb[b]
        out, used = sweep._pair_of_pieces(  # noqa: SLF001 -- one decision about pieces, used by both joins
            a, b, first_a[i], last_a[i], first_b[j], last_b[j], slab_a[i] * slab_s, (slab_a[i] + 1) * slab_s,
            ta, pa, za, ga, tb, pb, zb, gb, D, Hm, compare[ref_a[a], ref_b[b]], geoid_bound_m, CLOCK, 0.0, out, used,
        )  # fmt: skip
    return out[:used]


class Index:
    """Claims that are alive, and what a new one would meet.

    Parameters
    ----------
    separation
        As for :func:`~skypact.check.conflicts`: a rule that fits a pair is its buffer, volumes included; by default volumes have no buffer and
        trajectories 5 NM / 1,000 ft.
    """

    def __init__(self, separation: Separation | Minima | None = None) -> None:
        self._separation = as_separation(separation) if separation is not None else Separation(())
        self._tracks_rules = as_separation(separation)
        self._classes = _Classes(self._separation, self._tracks_rules)
        minima = [r.minima for r in (*self._separation.rules, *self._tracks_rules.rules)]
        self._reach_m = max(m.horizontal_m for m in minima)
        self._height_m = max(m.vertical_m for m in minima)
        volume_minima = [r.minima for r in self._separation.rules]
        self._buffer_m = max((m.horizontal_m for m in volume_minima), default=0.0)
        self._buffer_height_m = max((m.vertical_m for m in volume_minima), default=0.0)
        self._volumes = _VolumeStore(self._buffer_m)
        self._flights = _TrackStore(self._reach_m)
        self._mode: DataMode | None = None
        self._next = 0
        self._nothing = self._answer(Labels.of([]), Labels.of([]), Rows.join([]))

    def __len__(self) -> int:
        """How many volumes and trajectories are in the index."""
        return sum(s.rows.rows - s.dead for s in (self._volumes, self._flights))

    def insert(self, claims: Claims) -> NDArray[np.int64]:
        """Put volumes or trajectories in; returns the handle of each row, by which it is removed.

        Raises
        ------
        ModeError
            The index holds another data mode.
        """
        self._same_mode(claims.labels)
        handles = np.arange(self._next, self._next + len(claims))
        if not len(claims):
            return handles
        klass = self._classes.of(claims.labels)
        if isinstance(claims, Volumes):
            self._volumes.add(solids(claims, _BASE_US, _BOTH), handles, klass)
        else:
            self._flights.add(self._cut(claims), handles, klass)
        self._mode = claims.labels.data_mode
        self._next += len(claims)
        return handles

    def remove(self, handles: NDArray[np.int64]) -> None:
        """Take rows out by their handles.

        Raises
        ------
        InputError
            A handle is not in the index, or is given twice; nothing is removed then.
        """
        wanted = np.unique(np.asarray(handles, np.int64))
        here = np.concatenate([s.rows["handle"][s.rows["alive"]] for s in (self._volumes, self._flights)])
        unknown = np.setdiff1d(wanted, here, assume_unique=True)
        if unknown.shape[0] or wanted.shape[0] != np.size(handles):
            raise InputError(
                "not a handle of this index, or given twice",
                where="handles",
                found=int(unknown[0]) if unknown.shape[0] else "a handle twice",
                expected="each handle once, as insert returned it",
            )
        self._volumes.remove(wanted)
        self._flights.remove(wanted)

    def query(self, claims: Claims) -> tuple[Findings, NDArray[np.int64]]:
        """What claims would meet, of what is in the index; they are not put in.

        Returns
        -------
        findings, handles
            Findings as of :func:`~skypact.check.conflicts`; ``a`` numbers the claims, ``b`` only those rows of the index that occur, and
            ``handles[b]`` are their handles.

        Raises
        ------
        ModeError
            The index holds another data mode.
        """
        self._same_mode(claims.labels)
        klass = self._classes.of(claims.labels)
        terms, track_terms = self._classes.terms
        found: list[tuple[Rows, int]] = []
        reach, height = self._buffer_m + 1.0, self._buffer_height_m + 1.0
        v, f = self._volumes, self._flights
        if isinstance(claims, Volumes):
            laid = solids(claims, _BASE_US, _BOTH)
            if v.rows.rows:
                near = v.grid.near(laid.box, laid.box_ref, reach, height)
                near[:, 1] = v.row_of_slot[near[:, 1]]
                who = Parties(klass, v.names.bodies_of(claims.labels))
                found.append((meet_volumes(near, laid, who, v.solids(), v.everybody(), terms), 0))
            if f.rows.rows:
                near = f.grid.near(laid.box, laid.box_ref, reach + f.widest[0], height + f.widest[1])[
                    :, ::-1
                ].copy()
                near[:, 0] = f.piece_of_slot[near[:, 0]]
                who = Parties(klass, f.names.bodies_of(claims.labels))
                found.append(
                    (meet_legs(near, f.pieces(), f.everybody(), laid, who, terms, _BASE_US).swapped(), 1)
                )
        else:
            pieces = self._cut(claims)
            box, ref = pieces_as_boxes(pieces)
            blur_h, blur_v = (
                float(pieces.side.blur_h.max(initial=0.0)),
                float(pieces.side.blur_v.max(initial=0.0)),
            )
            if v.rows.rows:
                near = v.grid.near(box, ref, reach + blur_h, height + blur_v)
                near[:, 1] = v.row_of_slot[near[:, 1]]
                who = Parties(klass, v.names.bodies_of(claims.labels))
                found.append((meet_legs(near, pieces, who, v.solids(), v.everybody(), terms, _BASE_US), 0))
            if f.rows.rows:
                near = f.grid.near(
                    box,
                    ref,
                    self._reach_m + blur_h + f.widest[0] + 1.0,
                    self._height_m + blur_v + f.widest[1] + 1.0,
                )
                near[:, 1] = f.piece_of_slot[near[:, 1]]
                who = Parties(klass, f.names.bodies_of(claims.labels))
                found.append((self._meet_pieces(near, pieces, who, track_terms), 1))
        return self._findings(claims.labels, found)

    def _cut(self, tracks: Trajectories) -> Pieces:
        side = side_of_tracks(tracks, legs(tracks, max_gap_s=None, base_us=_BASE_US), _BOTH)
        return cut_pieces(side, SLAB_S, banded=True)

    def _same_mode(self, labels: Labels) -> None:
        if self._mode is not None and labels.data_mode is not self._mode:
            raise ModeError(
                "data modes would be mixed",
                found=f"{labels.data_mode.value} against an index of {self._mode.value}",
                expected="one data mode in one check",
            )

    def _meet_pieces(self, pairs: NDArray[np.int64], pieces: Pieces, who: Parties, terms: Terms) -> Rows:
        theirs, them = self._flights.pieces(), self._flights.everybody()
        a, b = pieces.side, theirs.side
        raw = _pieces_meet(
            pairs, 0, pairs.shape[0],
            pieces.first, pieces.last, pieces.slab, pieces.who, a.t_s, a.point, a.altitude_m, a.ellipsoidal_m, a.reference, a.blur_h, a.blur_v,
            who.klass, who.body,
            theirs.first, theirs.last, theirs.slab, theirs.who, b.t_s, b.point, b.altitude_m, b.ellipsoidal_m, b.reference, b.blur_h, b.blur_v,
            them.klass, them.body,
            terms.rule, terms.horizontal_m, terms.vertical_m, SLAB_S, COMPARE, alt.EGM96_LEG_ERROR_M,
        )  # fmt: skip
        undecided = raw[:, sweep.FLAG] * (raw[:, sweep.FLAG] >= sweep.ALTITUDE_UNKNOWN)
        raw = sweep.merge(raw, np.lexsort((raw[:, sweep.T0], undecided, raw[:, sweep.B], raw[:, sweep.A])))
        i, j = raw[:, sweep.A].astype(np.int64), raw[:, sweep.B].astype(np.int64)
        start, end, closest = (
            np.rint(raw[:, c] * 1e6).astype(np.int64) for c in (sweep.T0, sweep.T1, sweep.TC)
        )
        rule = terms.rule[who.klass[i], them.klass[j]] + (0 if self._separation.rules else 1)
        return Rows(raw, i, j, start, end, closest, rule.astype(np.int32))

    def _findings(self, labels: Labels, found: list[tuple[Rows, int]]) -> tuple[Findings, NDArray[np.int64]]:
        """Findings whose ``b`` numbers only what occurs, and its handles."""
        stores: tuple[_Store, _Store] = (self._volumes, self._flights)
        if not any(rows.a.shape[0] for rows, _ in found):
            return replace(self._nothing, labels_a=labels), _NO_HANDLES
        parts, handles, names = [], [np.zeros(0, np.int64)], []
        for rows, which in found:
            hit, place = np.unique(rows.b, return_inverse=True)
            parts.append(replace(rows, b=place.astype(np.int64) + sum(h.shape[0] for h in handles)))
            handles.append(stores[which].rows["handle"][hit])
            names.append(stores[which].names.labels(hit, labels.data_mode))
        theirs = Labels.concat(names) if names else Labels.of([], data_mode=labels.data_mode)
        return self._answer(labels, theirs, Rows.join(parts)), np.concatenate(handles)

    def _answer(self, mine: Labels, theirs: Labels, rows: Rows) -> Findings:
        rules = [rule.name for rule in self._separation.rules] + [MEETING]
        if not self._separation.rules:
            rules += [rule.name for rule in self._tracks_rules.rules]
        assumptions = assumptions_of(
            self._tracks_rules, {"volumes": "closed sets: touching is meeting; windows half-open"}
        )
        return findings_of(FindingKind.CONFLICT, mine, theirs, rows, rules, self._separation, assumptions)
