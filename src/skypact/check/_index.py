"""The live index: claims come and go, and each new one is checked against all that are there.

Law: an index answers what :func:`~skypact.check.conflicts` would answer for the same two sets; it is only
faster, since nothing is laid out twice. It lives in one process's memory: shared state is the store's
business. It is not for two threads at once.

How it works. Rows are only ever appended; removing takes a row's boxes out of the grid (``check/_boxes.py``)
and leaves the row behind. When more rows are dead than alive, the live ones are laid out anew. Classes of
separation are numbered as they turn up, so a query pays nothing for those it does not meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import altitude as alt
from skypact.airspace import jit
from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.earth import lat_lng_of
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import Trajectories, legs
from skypact.airspace.separation import Minima, Separation
from skypact.airspace.volumes import Outlines, Volumes
from skypact.check import _boxes as boxes
from skypact.check import _sweep as sweep
from skypact.check._claims import (
    MEETING,
    NO_ROWS,
    Claims,
    Parties,
    Rows,
    Solids,
    Terms,
    findings_of,
    meet_legs,
    other_heights,
    pieces_as_boxes,
    raw_meetings,
    rows_of_meetings,
    solids,
)
from skypact.check._moving import (
    CLOCK,
    COMPARE,
    Pieces,
    Side,
    agreed_rows,
    as_separation,
    assumptions_of,
    cut_pieces,
    side_of_tracks,
)
from skypact.check.findings import LISTED, FindingKind, Findings, Reason, Unchecked
from skypact.errors import InputError, ModeError
from skypact.instants import DAY_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLAB_LEVEL: Final = 8
SLAB_S: Final = float(1 << SLAB_LEVEL)
"""Trajectories are cut into pieces of this length; a power of two, so that borders are exact."""
_BOTH: Final = frozenset({int(AltitudeReference.W84), int(AltitudeReference.AMSL)})
_BASE_US: Final = 0
_LEAST_DEAD: Final = 1_024
LONGEST_US: Final = 366 * DAY_US
"""Plans that last longer are refused: they would be cut into too many pieces."""
_NO_HANDLES = np.zeros(0, np.int64)


class _Columns:
    """Columns that grow at their ends together, in doublings."""

    def __init__(self, **columns: tuple[type, int]) -> None:
        self._kinds = columns
        self.clear()

    def clear(self) -> None:
        """No rows."""
        self.rows = 0
        self._data: dict[str, NDArray[Any]] = {
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
        for separation in self._sides:
            matrix = separation.resolve(labels)
            place = np.ix_(matrix.klass, matrix.klass)
            out.append(
                Terms(
                    matrix.rule[place],
                    matrix.horizontal_m[place],
                    matrix.vertical_m[place],
                    len(separation.rules),
                )
            )
        self.terms = (out[0], out[1])

    def of(self, labels: Labels) -> NDArray[np.int32]:
        """The class of each row."""
        named = self._named
        if not len(labels):
            return np.zeros(0, np.int32)
        if len(labels) == 1:  # one new claim at a time is what an index is asked for most
            party = labels.parties[int(labels.party[0])] if labels.parties else ""
            name = labels.ids[0] if named and labels.ids[0] in named else ""
            return self._numbered([(name, party, int(labels.kind[0]))])
        parties = max(1, len(labels.parties))
        code = labels.party.astype(np.int64) * len(Kind) + labels.kind
        own = {name: k + 1 for k, name in enumerate(sorted(named))}
        if own:
            code += (
                parties * len(Kind) * np.fromiter((own.get(i, 0) for i in labels.ids), np.int64, len(labels))
            )
        names = ["", *sorted(named)]
        present, inverse = np.unique(code, return_inverse=True)
        keys = [
            (
                names[c // (len(Kind) * parties)],
                labels.parties[c // len(Kind) % parties] if labels.parties else "",
                c % len(Kind),
            )
            for c in present.tolist()
        ]
        return self._numbered(keys)[inverse]

    def _numbered(self, keys: list[tuple[str, str, int]]) -> NDArray[np.int32]:
        """The numbers of classes; new ones have their minima worked out, all at once."""
        known = len(self._number)
        numbers = [self._number.setdefault(key, len(self._number)) for key in keys]
        if len(self._number) != known:
            self._resolve()
        return np.array(numbers, np.int32)


_FIRST = np.zeros(1, np.int32)


class _Names:
    """Ids, parties, sources, kinds and bodies of rows that grow; names are numbered across all ever seen."""

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
        if len(labels) == 1:
            return np.array([number.get(labels.body_of(0), -2)], np.int32)
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
        c, which = self.codes, rows.tolist()
        if len(which) == 1:
            row = which[0]
            own = [(self._name[what][int(c[what][row])],) for what in ("party", "source", "body")]
            return Labels(
                [self.ids[row]], own[0], _FIRST, own[1], _FIRST, c["kind"][rows], own[2], _FIRST, mode
            )
        parties, party = self._renamed("party", rows)
        sources, source = self._renamed("source", rows)
        bodies, body = self._renamed("body", rows)
        ids = [self.ids[row] for row in which]
        return Labels(ids, parties, party, sources, source, c["kind"][rows], bodies, body, mode)

    def _renamed(self, what: str, rows: NDArray[np.int64]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """The names that occur in some rows, and each row's index into them."""
        name_of = self._name[what]
        table: dict[int, int] = {}
        codes = [table.setdefault(code, len(table)) for code in self.codes[what][rows].tolist()]
        return tuple(name_of[code] for code in table), np.array(codes, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class _Missing:
    """Pairs of trajectories that no rule covers: all counted, the first by their rows and common window."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    total: int

    @classmethod
    def none(cls) -> _Missing:
        """Every pair has a rule."""
        return cls(_NO_HANDLES, _NO_HANDLES, _NO_HANDLES, _NO_HANDLES, 0)


class _Store:
    """What volumes and trajectories in the index share: names, handles that rise with the rows, a grid."""

    def __init__(self, reach_m: float, least_moment: int = boxes.SHORTEST_SLAB) -> None:
        self.names = _Names()
        self.rows = _Columns(handle=(np.int64, 0), alive=(np.bool_, 0), klass=(np.int32, 0))
        self.grid = boxes.BoxGrid(reach_m, least_moment=least_moment)
        self.dead = 0

    def find(self, handles: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each handle; -1 for those that are not here, or no more."""
        known = self.rows["handle"]
        if not known.shape[0]:
            return np.full(handles.shape[0], -1, np.int64)
        rows = np.minimum(np.searchsorted(known, handles), known.shape[0] - 1)
        return np.where((known[rows] == handles) & self.rows["alive"][rows], rows, -1)

    def bury(self, rows: NDArray[np.int64]) -> None:
        """Mark rows dead."""
        self.rows["alive"][rows] = False
        self.dead += rows.shape[0]

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

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Take volumes out."""
        self.bury(rows)
        self.grid.remove(self.cells["slot"][rows])
        if self.worth_clearing:
            self._clear()

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
                Labels.of([]), self.rings["offset"], none, none, c["radius_m"], none, nobody, none, nobody,
                c["start_us"], c["end_us"], outlines,
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
            other_m=(np.float64, 0),
            joined=(np.bool_, 0),
        )
        self.flown = _Columns(
            reference=(np.int8, 0),
            blur_h=(np.float64, 0),
            blur_v=(np.float64, 0),
            span_us=(np.int64, 2),
            first_part=(np.int64, 0),
            parts=(np.int64, 0),
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
        self._view: Pieces | None = None

    def add(self, pieces: Pieces, handles: NDArray[np.int64], klass: NDArray[np.int32]) -> None:
        """Put trajectories in, by their pieces."""
        side = pieces.side
        self._view = None
        slots = self.grid.insert(*pieces_as_boxes(pieces))
        self.piece_of_slot = _assign(self.piece_of_slot, slots, np.arange(slots.shape[0]) + self.parts.rows)
        row, node = self.flown.rows, self.nodes.rows
        self.nodes.append(
            owner=side.owner + row,
            t_s=side.t_s,
            point=side.point,
            altitude_m=side.altitude_m,
            ellipsoidal_m=side.ellipsoidal_m,
            other_m=other_heights(side),
            joined=side.joined,
        )
        count = np.bincount(
            pieces.who, minlength=len(side.labels)
        )  # pieces come in the order of their owners
        self.flown.append(
            reference=side.reference,
            blur_h=side.blur_h,
            blur_v=side.blur_v,
            span_us=side.span_us,
            first_part=np.cumsum(count) - count + self.parts.rows,
            parts=count,
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

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Take trajectories out."""
        self.bury(rows)
        sizes = self.flown["parts"][rows]
        cuts = np.concatenate([[0], np.cumsum(sizes)])
        parts = np.repeat(self.flown["first_part"][rows] - cuts[:-1], sizes) + np.arange(int(cuts[-1]))
        self.grid.remove(self.parts["slot"][parts])
        if self.worth_clearing:
            self._clear()

    def _clear(self) -> None:
        self._view = None
        live = self.rows["alive"].copy()
        keep, stay = live[self.parts["who"]], live[self.nodes["owner"]]
        row, node = np.cumsum(live) - 1, np.cumsum(stay) - 1
        parts = {name: self.parts[name][keep] for name in self.parts.names}
        nodes = {name: self.nodes[name][stay] for name in self.nodes.names}
        flown = {name: self.flown[name][live] for name in self.flown.names}
        rows = {name: self.rows[name][live] for name in self.rows.names}
        labels = self.names.labels(np.nonzero(live)[0], DataMode.REAL)
        nodes["owner"], parts["who"] = row[nodes["owner"]], row[parts["who"]]
        parts["first"], parts["last"] = node[parts["first"]], node[parts["last"]]
        flown["first_part"] = np.cumsum(flown["parts"]) - flown["parts"]
        for columns in (self.nodes, self.flown, self.rows, self.parts, self.names):
            columns.clear()
        if len(labels):
            self.nodes.append(**nodes)
            self.flown.append(**flown)
            self.rows.append(**rows)
            self.parts.append(**parts)
            self.names.append(labels)
        self.piece_of_slot = _assign(self.piece_of_slot, parts["slot"], np.arange(parts["slot"].shape[0]))
        self.dead = 0

    def without_rule(self, who: Parties, span_us: NDArray[np.int64], terms: Terms) -> _Missing:
        """Pairs of others with trajectories here that no rule covers and that are there at the same time."""
        if (terms.rule >= 0).all() or (terms.rule[who.klass] >= 0).all():
            return _Missing.none()
        alive, klass, body, spans = (
            self.rows["alive"],
            self.rows["klass"],
            self.names.codes["body"],
            self.flown["span_us"],
        )
        total, listed = 0, [np.zeros((0, 2), np.int64)]
        for a in range(who.klass.shape[0]):
            together = alive & (terms.rule[who.klass[a], klass] < 0) & (body != who.body[a])
            together &= (spans[:, 0] <= span_us[a, 1]) & (spans[:, 1] >= span_us[a, 0])
            rows = np.nonzero(together)[0][: max(0, LISTED - total)]
            total += int(np.count_nonzero(together))
            listed.append(np.stack([np.full(rows.shape[0], a), rows], axis=1))
        a_of, b_of = np.concatenate(listed).T
        start = np.maximum(span_us[a_of, 0], spans[b_of, 0])
        return _Missing(a_of, b_of, start, np.minimum(span_us[a_of, 1], spans[b_of, 1]), total)

    def pieces(self) -> Pieces:
        """The rows as kernels want them."""
        if self._view is not None:
            return self._view
        n, f, p = self.nodes, self.flown, self.parts
        none = np.empty((0, 3))
        side = Side(
            Labels.of([]), n["owner"], n["t_s"], n["point"], n["altitude_m"], n["ellipsoidal_m"], n["joined"],
            f["reference"], f["blur_h"], f["blur_v"], f["span_us"],
        )  # fmt: skip
        self._view = Pieces(side, SLAB_S, 0.0, p["box"], p["first"], p["last"], p["slab"], p["who"], none)
        return self._view


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
    """Raw windows between pieces that the broad phase named; pieces of different slabs share no time."""
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
            ta, pa, za, ga, tb, pb, zb, gb, D, Hm, compare[ref_a[a], ref_b[b]], geoid_bound_m, CLOCK, 0.0,
            out, used,
        )  # fmt: skip
    return out[:used]


_FEW: Final = 64
"""So many meetings of volumes are put in order by insertion, and made findings in one go."""


@jit.kernel
def _settle(
    raw: Any,
    start_a: Any,
    end_a: Any,
    klass_a: Any,
    start_b: Any,
    end_b: Any,
    klass_b: Any,
    handle_b: Any,
    rule_of: Any,
    no_rule: int,
    whole: Any,
    real: Any,
    rule: Any,
    marginal: Any,
) -> int:
    """Raw rows of volumes that meet, as findings by start, a and b; how many rows of b occur.

    ``whole`` has rows a, b (numbered among those that occur), start, end, rows of b that occur, and their
    handles; ``real`` has rows horizontal, vertical, latitude, longitude, altitude and margin. -1: a row is
    not decided.
    """
    n = raw.shape[0]
    order = np.empty(n, np.int64)
    hits = 0
    for k in range(n):
        if raw[k, sweep.FLAG] >= sweep.ALTITUDE_UNKNOWN:
            return -1
        a, b = int(raw[k, sweep.A]), int(raw[k, sweep.B])
        start = max(start_a[a], start_b[b])
        at = k
        while at > 0:
            before = order[at - 1]
            p, q = int(raw[before, sweep.A]), int(raw[before, sweep.B])
            since = max(start_a[p], start_b[q])
            if since < start or (since == start and (p < a or (p == a and q <= b))):
                break
            order[at] = before
            at -= 1
        order[at] = k
        at = hits
        while at > 0 and whole[4, at - 1] > b:
            at -= 1
        if at == 0 or whole[4, at - 1] != b:
            for m in range(hits, at, -1):
                whole[4, m] = whole[4, m - 1]
            whole[4, at] = b
            hits += 1
    for k in range(n):
        r = order[k]
        a, b = int(raw[r, sweep.A]), int(raw[r, sweep.B])
        number = 0
        while whole[4, number] != b:
            number += 1
        whole[0, k], whole[1, k] = a, number
        whole[2, k], whole[3, k] = max(start_a[a], start_b[b]), min(end_a[a], end_b[b])
        real[0, k], real[1, k] = raw[r, sweep.H], raw[r, sweep.V]
        real[2, k], real[3, k] = lat_lng_of(raw[r, sweep.X], raw[r, sweep.Y], raw[r, sweep.Z])
        real[4, k] = raw[r, sweep.ALT] if np.isfinite(raw[r, sweep.ALT]) else np.nan
        real[5, k] = raw[r, sweep.MARGIN]
        fits = rule_of[klass_a[a], klass_b[b]]
        rule[k] = fits if fits >= 0 else no_rule
        marginal[k] = raw[r, sweep.FLAG] == sweep.MARGINAL
    for k in range(hits):
        whole[5, k] = handle_b[whole[4, k]]
    return hits


class Index:
    """Claims that are alive, and what a new one would meet.

    Parameters
    ----------
    separation
        As for :func:`~skypact.check.conflicts`: a rule that fits a pair is its buffer, volumes included; by
        default volumes have no buffer and trajectories 5 NM / 1,000 ft.
    """

    def __init__(self, separation: Separation | Minima | None = None) -> None:
        self._separation = as_separation(separation) if separation is not None else Separation(())
        self._tracks_rules = as_separation(separation)
        self._classes = _Classes(self._separation, self._tracks_rules)
        minima = [r.minima for r in (*self._separation.rules, *self._tracks_rules.rules)]
        self._reach_m = max((m.horizontal_m for m in minima), default=0.0)
        self._height_m = max((m.vertical_m for m in minima), default=0.0)
        volume_minima = [r.minima for r in self._separation.rules]
        self._buffer_m = max((m.horizontal_m for m in volume_minima), default=0.0)
        self._buffer_height_m = max((m.vertical_m for m in volume_minima), default=0.0)
        self._volumes = _VolumeStore(self._buffer_m)
        self._flights = _TrackStore(self._reach_m)
        self._mode: DataMode | None = None
        self._next = 0
        self._rules = [rule.name for rule in self._separation.rules] + [MEETING]
        if not self._separation.rules:
            self._rules += [rule.name for rule in self._tracks_rules.rules]
        self._assumptions = assumptions_of(
            self._tracks_rules, {"volumes": "closed sets: touching is meeting; windows half-open"}
        )
        self._nobody = {mode: Labels.of([], data_mode=mode) for mode in DataMode}
        self._nothing = self._answer(self._nobody[DataMode.REAL], self._nobody[DataMode.REAL], NO_ROWS)

    def __len__(self) -> int:
        """How many volumes and trajectories are in the index."""
        return sum(s.rows.rows - s.dead for s in (self._volumes, self._flights))

    def insert(self, claims: Claims) -> NDArray[np.int64]:
        """Put volumes or trajectories in; returns the handle of each row, by which it is removed.

        Raises
        ------
        ModeError
            The index holds another data mode.
        InputError
            A plan lasts longer than :data:`LONGEST_US`.
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
        given = np.asarray(handles)
        wanted = np.unique(given.astype(np.int64))
        if given.size and given.dtype.kind not in "iu":
            raise InputError("not handles", where="handles", found=given.dtype, expected="whole numbers")
        volumes, flights = self._volumes.find(wanted), self._flights.find(wanted)
        unknown = wanted[(volumes < 0) & (flights < 0)]
        if unknown.shape[0] or wanted.shape[0] != given.size:
            raise InputError(
                "not a handle of this index, or given twice",
                where="handles",
                found=int(unknown[0]) if unknown.shape[0] else "a handle twice",
                expected="each handle once, as insert returned it",
            )
        self._volumes.remove(volumes[volumes >= 0])
        self._flights.remove(flights[flights >= 0])

    def query(self, claims: Claims) -> tuple[Findings, NDArray[np.int64]]:
        """What claims would meet, of what is in the index; they are not put in.

        Returns
        -------
        findings, handles
            Findings as of :func:`~skypact.check.conflicts`; ``a`` numbers the claims, ``b`` only those rows
            of the index that occur, and ``handles[b]`` are their handles.

        Raises
        ------
        ModeError
            The index holds another data mode.
        InputError
            A plan lasts longer than :data:`LONGEST_US`.
        """
        self._same_mode(claims.labels)
        klass = self._classes.of(claims.labels)
        terms, track_terms = self._classes.terms
        found: list[tuple[Rows, _Store]] = []
        missing = _Missing.none()
        reach, height = self._buffer_m + 1.0, self._buffer_height_m + 1.0
        v, f = self._volumes, self._flights
        if isinstance(claims, Volumes):
            laid = solids(claims, _BASE_US, _BOTH)
            if v.rows.rows:
                near = v.grid.near(laid.box, laid.box_ref, reach, height)
                if near.shape[0]:
                    among = Parties(klass, v.names.bodies_of(claims.labels))
                    near[:, 1] = v.row_of_slot[near[:, 1]]
                    theirs, them = v.solids(), v.everybody()
                    raw = raw_meetings(near, laid, among, theirs, them, terms)
                    if 0 < raw.shape[0] <= _FEW and not f.rows.rows:
                        few = self._few(raw, claims, among, them, terms)
                        if few is not None:
                            return few
                    found.append((rows_of_meetings(raw, laid, among, theirs, them, terms), v))
            if f.rows.rows:
                among_flights = Parties(klass, f.names.bodies_of(claims.labels))
                near = f.grid.near(laid.box, laid.box_ref, reach + f.widest[0], height + f.widest[1])
                near = np.stack([f.piece_of_slot[near[:, 1]], near[:, 0]], axis=1)
                rows = meet_legs(
                    near,
                    f.pieces(),
                    f.everybody(),
                    laid,
                    among_flights,
                    terms,
                    _BASE_US,
                    other_m=f.nodes["other_m"],
                )
                found.append((rows.swapped(), f))
        else:
            among_volumes, among_flights = (Parties(klass, s.names.bodies_of(claims.labels)) for s in (v, f))
            pieces = self._cut(claims)
            box, ref = pieces_as_boxes(pieces)
            blur_h = float(pieces.side.blur_h.max(initial=0.0))
            blur_v = float(pieces.side.blur_v.max(initial=0.0))
            if v.rows.rows:
                near = v.grid.near(box, ref, reach + blur_h, height + blur_v)
                near[:, 1] = v.row_of_slot[near[:, 1]]
                other_m = other_heights(pieces.side)
                rows = meet_legs(
                    near, pieces, among_volumes, v.solids(), v.everybody(), terms, _BASE_US, other_m=other_m
                )
                found.append((rows, v))
            if f.rows.rows:
                wide = self._reach_m + blur_h + f.widest[0] + 1.0
                high = self._height_m + blur_v + f.widest[1] + 1.0
                # pieces were all cut at the same borders, and those of different slabs share no time
                near = f.grid.near(box, ref, wide, high, within_slab=True)
                near[:, 1] = f.piece_of_slot[near[:, 1]]
                found.append((self._meet_pieces(near, pieces, among_flights, track_terms), f))
                missing = f.without_rule(among_flights, pieces.side.span_us, track_terms)
        return self._findings(claims.labels, found, missing)

    def _few(
        self, raw: NDArray[np.float64], claims: Volumes, who: Parties, them: Parties, terms: Terms
    ) -> tuple[Findings, NDArray[np.int64]] | None:
        """What :meth:`_findings` would say of a few meetings of volumes; None if not all are decided."""
        n, v = raw.shape[0], self._volumes
        whole, real = np.empty((6, n), np.int64), np.empty((6, n))
        rule, marginal = np.empty(n, np.int32), np.empty(n, np.bool_)
        hits = _settle(
            raw, claims.start_us, claims.end_us, who.klass, v.cells["start_us"], v.cells["end_us"],
            them.klass, v.rows["handle"], terms.rule, terms.rules, whole, real, rule, marginal,
        )  # fmt: skip
        if hits < 0:
            return None
        theirs = v.names.labels(whole[4, :hits], claims.labels.data_mode)
        a, b, start, end = whole[:4]
        agreed = agreed_rows(self._separation, claims.labels, theirs, a, b, end)
        none = self._nothing
        return Findings(
            none.kind, claims.labels, theirs, a, b, start, end, start.copy(), real[0], real[1],
            real[2], real[3], real[4], real[5], marginal, rule, agreed,
            none.rules, none.unchecked, none.unobserved, dict(self._assumptions),
        ), whole[5, :hits].copy()  # fmt: skip

    def _cut(self, tracks: Trajectories) -> Pieces:
        lasts_us = tracks.time_us[tracks.offsets[1:] - 1] - tracks.time_us[tracks.offsets[:-1]]
        if lasts_us.max(initial=0) > LONGEST_US:
            row = int(np.argmax(lasts_us))
            raise InputError(
                "too long a plan for an index",
                where=f"trajectory {tracks.labels.ids[row]!r}",
                found=f"{int(lasts_us[row]) / 86_400e6:.0f} days",
                expected=f"at most {LONGEST_US // DAY_US} days",
            )
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
            pieces.first, pieces.last, pieces.slab, pieces.who,
            a.t_s, a.point, a.altitude_m, a.ellipsoidal_m, a.reference, a.blur_h, a.blur_v,
            who.klass, who.body,
            theirs.first, theirs.last, theirs.slab, theirs.who,
            b.t_s, b.point, b.altitude_m, b.ellipsoidal_m, b.reference, b.blur_h, b.blur_v,
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

    def _findings(
        self, labels: Labels, found: list[tuple[Rows, _Store]], missing: _Missing
    ) -> tuple[Findings, NDArray[np.int64]]:
        """Findings whose ``b`` numbers only what occurs, and its handles."""
        if not missing.total:
            found = [(rows, store) for rows, store in found if rows.a.shape[0]]
            if not found:
                return self._found_nothing(labels), _NO_HANDLES
        parts, handles, names = [], [], []
        b = missing.b
        many = 0
        for rows, store in found:
            more = missing.b if store is self._flights else missing.b[:0]
            hit = np.array(sorted({*rows.b.tolist(), *more.tolist()}), np.int64)
            parts.append(
                Rows(
                    rows.raw, rows.a, np.searchsorted(hit, rows.b) + many, rows.start_us, rows.end_us,
                    rows.closest_us, rows.rule,
                )
            )  # fmt: skip
            if store is self._flights:
                b = np.searchsorted(hit, missing.b) + many
            handles.append(store.rows["handle"][hit])
            names.append(store.names.labels(hit, labels.data_mode))
            many += hit.shape[0]
        unchecked = None
        if missing.total:
            reason = np.full(b.shape[0], Reason.NO_RULE, np.int8)
            unchecked = Unchecked(missing.a, b, missing.start_us, missing.end_us, reason, missing.total)
        theirs = names[0] if len(names) == 1 else Labels.concat(names)
        held = handles[0] if len(handles) == 1 else np.concatenate(handles)
        return self._answer(labels, theirs, Rows.join(parts), unchecked), held

    def _found_nothing(self, labels: Labels) -> Findings:
        """No findings; the columns of no rows are shared: making them would be half of a query's time."""
        n = self._nothing
        return Findings(
            n.kind, labels, self._nobody[labels.data_mode], n.a, n.b, n.start_us, n.end_us, n.closest_us,
            n.horizontal_m, n.vertical_m, n.lat_deg, n.lng_deg, n.altitude_m, n.margin_m, n.marginal, n.rule,
            n.agreed, n.rules, n.unchecked, n.unobserved, dict(self._assumptions),
        )  # fmt: skip

    def _answer(
        self, mine: Labels, theirs: Labels, rows: Rows, unchecked: Unchecked | None = None
    ) -> Findings:
        return findings_of(
            FindingKind.CONFLICT,
            mine,
            theirs,
            rows,
            self._rules,
            self._separation,
            dict(self._assumptions),
            unchecked=unchecked,
        )
