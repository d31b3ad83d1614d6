"""The broad phase for volumes: which boxes of space, height and time could meet at all.

Law: a box is a ball, an altitude band and a span of time; this file pairs boxes and decides nothing else. It
may name a pair too many, never one too few.

How it works. A **loose grid**: a box lives in exactly one cell, that of its middle, on the level whose cells
are twice its radius wide and whose slabs are as long as it lasts, rounded up to powers of two (in space and
in time apart), but no narrower than holds a few boxes a cell. Each such **combination** of levels remembers
its largest box, so that a search knows how far off a middle may be, and visits the cells that could hold one.
Cells are rings of latitude cut into as many equal parts as the ring is long, so they are about square
everywhere; a search finds all that lies within an angle, over the poles and across the antimeridian.
Insertion and removal touch one chain. A box without a bound in time lives on a level without time.

In a join of many with many, each two combinations are searched in the cheaper direction
(:func:`_directions`); where a search would visit more cells than there are boxes, it walks along the boxes
instead. So the cost stays near-linear at constant density whatever the mixture of sizes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import jit
from skypact.airspace.earth import R_MIN_M
from skypact.airspace.jit import inlined, kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Names = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]

# columns of a box
CX, CY, CZ, R, LOW, HIGH, T0, T1 = range(8)
BOX_COLUMNS: Final = 8

LEVELS: Final = 32
TIMELESS: Final = LEVELS - 1
"""The level in time of boxes whose span is open, or longer than 30 years."""
COMBINATIONS: Final = LEVELS * LEVELS
TURN: Final = 2.0 * np.pi
NOBODY: Final = -1
MIXED: Final = -1
"""The reference of a box whose altitude band is in no single reference: its band rules nothing out."""
SHORTEST_SLAB: Final = 4
"""Slabs are at least 2^4 seconds long, if nothing else is said: with shorter ones searches visit many."""


@inlined
def _code(combination: int, ring: int, part: int, it: int) -> Any:
    """A 64-bit name of a cell: a hash, overflow is meant. Two of one name would cost time, never a pair."""
    h = np.int64(combination) * np.int64(-3335678366873096957) + np.int64(it) * np.int64(-7046029254386353131)
    h += np.int64(ring) * np.int64(-4417276706812531889) + np.int64(part) * np.int64(1609587929392839161)
    h ^= (h >> 29) & 0x7FFFFFFFF
    h *= np.int64(-4658895280553007687)
    name: Any = h ^ ((h >> 32) & 0xFFFFFFFF)
    return name


@inlined
def _parts_of(ring: int, step: float) -> int:
    """How many cells a ring of latitude has."""
    return max(1, int(TURN * np.cos(min(abs(ring + 0.5) * step, 0.5 * np.pi)) / step))


@inlined
def _direction_of(box: Any, i: int) -> tuple[float, float]:
    """Geocentric latitude and longitude of a box's middle, radians; longitude from 0 to a full turn."""
    x, y, z = box[i, CX], box[i, CY], box[i, CZ]
    lng = np.arctan2(y, x)
    return np.arctan2(z, np.sqrt(x * x + y * y)), lng if lng >= 0.0 else lng + TURN


@kernel
def lay_out(
    ball: Any,
    lower: Any,
    lower_ref: Any,
    upper: Any,
    upper_ref: Any,
    start_us: Any,
    end_us: Any,
    base_us: int,
    ever_us: int,
    forever_us: int,
    ellipsoid: int,
    sea: int,
    box: Any,
    ref: Any,
    band: Any,
    band_ref: Any,
    window: Any,
) -> int:
    """Columns of volumes as boxes, bands and windows; one pass, since an index asks for one volume at a time.

    A bound in the reference ``ellipsoid`` is its own height over the ellipsoid, others are NaN there; with no
    such reference (-1) all are their own. Returns how many finite bounds are in the reference ``sea``.
    """
    at_sea = 0
    for i in range(ball.shape[0]):
        for c in range(R + 1):
            box[i, c] = ball[i, c]
        low, high, of, to = lower[i], upper[i], lower_ref[i], upper_ref[i]
        start = -np.inf if start_us[i] <= ever_us else (start_us[i] - base_us) * 1e-6
        end = np.inf if end_us[i] >= forever_us else (end_us[i] - base_us) * 1e-6
        box[i, LOW], box[i, HIGH], box[i, T0], box[i, T1] = low, high, start, end
        window[i, 0], window[i, 1] = start, end
        ref[i] = of
        if np.isinf(low):
            ref[i] = to
        elif of != to and not np.isinf(high):
            ref[i] = MIXED
        band[i, 0], band[i, 1], band_ref[i, 0], band_ref[i, 1] = low, high, of, to
        band[i, 2] = low if ellipsoid < 0 or of == ellipsoid else np.nan
        band[i, 3] = high if ellipsoid < 0 or to == ellipsoid else np.nan
        at_sea += int(of == sea and np.isfinite(low)) + int(to == sea and np.isfinite(high))
    return at_sea


@kernel
def name_cells(
    box: Any, least_level: int, least_moment: int, combination: Any, code: Any, place: Any, lo: int, hi: int
) -> None:
    """The combination and the cell name of boxes ``lo..hi``, and a number that sorts near cells together."""
    for i in range(lo, hi):
        level = least_level
        while box[i, R] > 0.5 * (1 << level) and level < LEVELS - 1:
            level += 1
        span = box[i, T1] - box[i, T0]
        moment = least_moment
        while span > (1 << moment) and moment < TIMELESS:
            moment += 1
        it = 0
        if moment < TIMELESS:
            it = int(np.floor(0.5 * (box[i, T0] + box[i, T1]) / (1 << moment)))
        step = (1 << level) / R_MIN_M
        lat, lng = _direction_of(box, i)
        ring = int(np.floor(lat / step))
        parts = _parts_of(ring, step)
        part = min(int(lng / TURN * parts), parts - 1)
        combination[i] = level * LEVELS + moment
        code[i] = _code(combination[i], ring, part, it)
        place[i] = ((it & 0x7FFF) << 48) | ((ring & 0xFFFFFF) << 24) | (part & 0xFFFFFF)


@kernel
def link(
    rows: Any,
    box: Any,
    code: Any,
    combination: Any,
    head: Any,
    after: Any,
    before: Any,
    count: Any,
    widest: Any,
) -> None:
    """Put boxes into the chains of their buckets."""
    mask = head.shape[0] - 1
    for row in rows:
        bucket = code[row] & mask
        first = head[bucket]
        after[row], before[row] = first, NOBODY
        if first != NOBODY:
            before[first] = row
        head[bucket] = row
        combo = combination[row]
        count[combo] += 1
        widest[combo, 0] = max(widest[combo, 0], box[row, R])
        widest[combo, 1] = max(widest[combo, 1], 0.5 * (box[row, T1] - box[row, T0]))


@kernel
def unlink(rows: Any, code: Any, combination: Any, head: Any, after: Any, before: Any, count: Any) -> None:
    """Take boxes out of their chains; their combination becomes :data:`NOBODY`."""
    mask = head.shape[0] - 1
    for row in rows:
        following, previous = after[row], before[row]
        if previous == NOBODY:
            head[code[row] & mask] = following
        else:
            after[previous] = following
        if following != NOBODY:
            before[following] = previous
        count[combination[row]] -= 1
        combination[row] = NOBODY


@inlined
def _could_meet(
    a: Any, i: int, ref_a: int, b: Any, j: int, ref_b: int, reach_m: float, height_m: float
) -> bool:
    if a[i, T0] > b[j, T1] or b[j, T0] > a[i, T1]:
        return False
    dx, dy, dz = a[i, CX] - b[j, CX], a[i, CY] - b[j, CY], a[i, CZ] - b[j, CZ]
    reach = reach_m + a[i, R] + b[j, R]
    if dx * dx + dy * dy + dz * dz > reach * reach:
        return False
    if ref_a == ref_b and ref_a != MIXED:
        return bool(a[i, LOW] - b[j, HIGH] <= height_m and b[j, LOW] - a[i, HIGH] <= height_m)
    return True


@inlined
def _arcsine(x: float) -> float:
    """An arcsine, or a little more: searches may look too far, and ask for many small ones."""
    if x < 0.5:  # x^3 / 6 + 3 x^5 / 40 + ... is less than x^3 / 4 there
        return x * (1.0 + 0.25 * x * x)
    exact: float = np.arcsin(min(x, 1.0))
    return exact


@inlined
def _room(out: Any, used: int) -> Any:
    if used < out.shape[0]:
        return out
    bigger = np.empty((2 * out.shape[0], 2), np.int64)
    for k in range(used):  # an assignment of slices would cost seconds of compiling
        bigger[k, 0], bigger[k, 1] = out[k, 0], out[k, 1]
    return bigger


@kernel
def search(
    lo: int,
    hi: int,
    seek: Any,
    seek_ref: Any,
    seek_combination: Any,
    box: Any,
    ref: Any,
    combination: Any,
    code: Any,
    head: Any,
    after: Any,
    count: Any,
    widest: Any,
    top: int,
    direction: Any,
    reach_m: float,
    height_m: float,
    within_slab: bool,
) -> Any:
    """Pairs (row of ``seek``, slot of the grid) that could meet, for rows ``lo..hi``; int64, shape (k, 2).

    ``direction[p, q]`` says what a seeker on combination p does on combination q: 0 nothing, 1 look, 2 look
    at later slots only. ``within_slab``: no box reaches over the border of its slab, and only those of the
    seeker's slab are wanted.
    """
    out = np.empty((64, 2), np.int64)
    used: Any = np.int64(0)  # a literal 0 would be a type of its own, and all that takes it compiled twice
    mask = head.shape[0] - 1
    active = np.nonzero(count)[0]
    for i in range(lo, hi):
        mine = seek_combination[i]
        lat, lng = _direction_of(seek, i)
        cos_lat = np.cos(lat)
        for combo in active:
            way = direction[mine, combo]
            if way == 0:
                continue
            moment = combo % LEVELS
            step = (1 << (combo // LEVELS)) / R_MIN_M
            reach = reach_m + seek[i, R] + widest[combo, 0]
            # two middles at that distance are seen from the earth's centre under at most this angle. A wide
            # ball's lies deep: the hull of points on the surface, by r^2; the middle of its bounding box, by
            # r / 3 more
            deep = max(seek[i, R], widest[combo, 0])
            sine = 0.5 * reach / max(np.sqrt(max(R_MIN_M * R_MIN_M - deep * deep, 1.0)) - deep / 3.0, 1.0)
            angle = 2.0 * _arcsine(sine) + 1e-9 if sine < 0.7 else np.pi
            turn = np.pi
            if abs(lat) + angle < 0.5 * np.pi:
                turn = _arcsine(angle / cos_lat if angle < 0.5 * cos_lat else np.sin(angle) / cos_lat)
                turn += 1e-9
            r0, r1 = int(np.floor((lat - angle) / step)), int(np.floor((lat + angle) / step))
            r0, r1 = max(r0, int(np.floor(-0.5 * np.pi / step))), min(r1, int(np.floor(0.5 * np.pi / step)))
            cells = float(r1 - r0 + 1) * (2.0 * turn * cos_lat / step + 1.0)
            s0 = s1 = 0
            if moment < TIMELESS:
                slab = float(1 << moment)
                # a middle was rounded, and so are these: spans that only touch must not fall between two
                # slabs
                half = widest[combo, 1] + 1e-15 * (abs(seek[i, T0]) + abs(seek[i, T1]) + widest[combo, 1])
                from_s, to_s = (seek[i, T0] - half) / slab, (seek[i, T1] + half) / slab
                if within_slab:
                    from_s = to_s = 0.5 * (seek[i, T0] + seek[i, T1]) / slab
                cells *= to_s - from_s + 1.0
                if cells <= top:
                    s0, s1 = int(np.floor(from_s)), int(np.floor(to_s))
            if cells > top:
                # more cells than boxes: walk along the boxes
                for j in range(top):
                    if (
                        combination[j] == combo
                        and (way == 1 or j > i)
                        and _could_meet(seek, i, seek_ref[i], box, j, ref[j], reach_m, height_m)
                    ):
                        out = _room(out, used)
                        out[used, 0], out[used, 1] = i, j
                        used += 1
                continue
            for ring in range(r0, r1 + 1):
                parts = _parts_of(ring, step)
                p0, p1 = (
                    int(np.floor((lng - turn) / TURN * parts)),
                    int(np.floor((lng + turn) / TURN * parts)),
                )
                if p1 - p0 >= parts:
                    p0, p1 = 0, parts - 1
                for wound in range(p0, p1 + 1):
                    part = wound % parts
                    for it in range(s0, s1 + 1):
                        name = _code(int(combo), ring, part, it)
                        j = head[name & mask]
                        while j != NOBODY:
                            if (
                                code[j] == name
                                and (way == 1 or j > i)
                                and _could_meet(seek, i, seek_ref[i], box, j, ref[j], reach_m, height_m)
                            ):
                                out = _room(out, used)
                                out[used, 0], out[used, 1] = i, j
                                used += 1
                            j = after[j]
    return out[:used]


class BoxGrid:
    """Boxes in a loose grid; slots are numbers that stay until the box is removed, and are used again after.

    Parameters
    ----------
    reach_m
        How far searches will look beyond the boxes themselves, as a rule: no cell is narrower.
    capacity
        For how many boxes to make room at once.
    least_moment
        Slabs are at least two to this power of seconds long; for boxes that are mostly that long, so that
        they share a level.
    """

    def __init__(self, reach_m: float, capacity: int = 64, least_moment: int = SHORTEST_SLAB) -> None:
        self.top = 0
        """One more than the highest slot ever used."""
        self.least_moment = least_moment
        self._floor = min(LEVELS - 8, max(4, int(np.ceil(np.log2(max(reach_m, 1.0))))))
        self.least_level = self._floor
        self._free: list[int] = []
        self._allocate(max(64, capacity))

    def _allocate(self, capacity: int) -> None:
        self.box = np.empty((capacity, BOX_COLUMNS))
        self.ref = np.empty(capacity, np.int8)
        self.code = np.empty(capacity, np.int64)
        self.combination = np.full(capacity, NOBODY, np.int32)
        self.after = np.empty(capacity, np.int32)
        self.before = np.empty(capacity, np.int32)
        self.head = np.full(1 << max(6, int(capacity - 1).bit_length()), NOBODY, np.int32)
        self.count = np.zeros(COMBINATIONS, np.int64)
        self.widest = np.zeros((COMBINATIONS, 2))

    def __len__(self) -> int:
        return self.top - len(self._free)

    def _link(self, rows: NDArray[np.int64]) -> None:
        link(
            rows,
            self.box,
            self.code,
            self.combination,
            self.head,
            self.after,
            self.before,
            self.count,
            self.widest,
        )

    def _grow(self, capacity: int, coming: NDArray[np.float64]) -> None:
        """Make room, and choose the cells' size anew for what is here now and what is coming."""
        box, ref, used, top = self.box, self.ref, self.combination != NOBODY, self.top
        self._allocate(capacity)
        self.box[:top], self.ref[:top] = box[:top], ref[:top]
        rows = np.nonzero(used[:top])[0]
        self.fit(np.concatenate([self.box[rows], coming]))
        if rows.shape[0]:
            self.combination[rows], self.code[rows], _ = named(
                self.box[rows], self.least_level, self.least_moment
            )
            self._link(rows)

    def fit(self, box: NDArray[np.float64]) -> None:
        """Choose the cells' size for such boxes, from the middle size on: smaller ones gain nothing."""
        if box.shape[0]:
            middle = int(np.ceil(np.log2(max(2.0 * float(np.median(box[:, R])), 1.0))))
            self.least_level = suitable_level(box, max(self._floor, middle), self.least_moment)

    def insert(
        self, box: NDArray[np.float64], ref: NDArray[np.int8], names: Names | None = None
    ) -> NDArray[np.int64]:
        """Put boxes in; returns the slot of each.

        ``names``: what :func:`named` says, if the boxes come in the order of places.
        """
        n = box.shape[0]
        again = min(n, len(self._free))
        slots = np.empty(n, np.int64)
        if again:
            slots[:again] = self._free[-again:]
            del self._free[-again:]
        need = self.top + n - again
        if need > self.box.shape[0]:
            self._grow(max(need, 2 * self.box.shape[0]), box)
        slots[again:] = np.arange(self.top, need)
        self.top = need
        combination, code, place = names or named(box, self.least_level, self.least_moment)
        if names is None:
            # boxes of one cell get slots side by side, so that a search reads memory as it comes
            slots[np.argsort(place)] = np.sort(slots)
        self.box[slots] = box
        self.ref[slots] = ref
        self.combination[slots], self.code[slots] = combination, code
        self._link(slots)
        return slots

    def remove(self, slots: NDArray[np.int64]) -> None:
        """Take boxes out; each slot must be in use and named once."""
        unlink(slots, self.code, self.combination, self.head, self.after, self.before, self.count)
        self._free.extend(slots.tolist())

    def near(
        self,
        box: NDArray[np.float64],
        ref: NDArray[np.int8],
        reach_m: float,
        height_m: float,
        direction: NDArray[np.int8] | None = None,
        combination: NDArray[np.int32] | None = None,
        *,
        within_slab: bool = False,
    ) -> NDArray[np.int64]:
        """Pairs (row of ``box``, slot) that could meet within reach; int64, shape (k, 2).

        ``within_slab``: see :func:`search`.
        """
        n = box.shape[0]
        if combination is None:
            combination = np.zeros(n, np.int32)
        if direction is None:
            direction = _EVERYWHERE

        def run(lo: int, hi: int) -> Any:
            return search(
                lo, hi, box, ref, combination,
                self.box, self.ref, self.combination, self.code, self.head, self.after, self.count,
                self.widest, self.top, direction, reach_m, height_m, within_slab,
            )  # fmt: skip

        parts = jit.spread(run, n, least=500)
        found: NDArray[np.int64] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return found


_EVERYWHERE = np.ones((1, COMBINATIONS), np.int8)


def named(box: NDArray[np.float64], least_level: int, least_moment: int = SHORTEST_SLAB) -> Names:
    """Combination, cell name and sorting place of boxes, each of shape (n,)."""
    n = box.shape[0]
    combination, code, place = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int64)
    jit.spread(
        lambda lo, hi: name_cells(box, least_level, least_moment, combination, code, place, lo, hi),
        n,
        least=20_000,
    )
    return combination, code, place


BOXES_A_CELL: Final = 4.0
"""How many boxes a cell should hold: fewer leave searches empty cells, more leave them boxes in vain."""


def suitable_level(box: NDArray[np.float64], least_level: int, least_moment: int = SHORTEST_SLAB) -> int:
    """The least level at which a box shares its cell with some :data:`BOXES_A_CELL` others."""
    n = box.shape[0]
    _, code, _ = named(box, least_level, least_moment)
    buckets = 1 << max(10, int(n).bit_length() + 1)
    held = np.bincount(code & (buckets - 1), minlength=buckets)
    # how many others a box meets in its bucket, less those there by chance
    company = float(np.dot(held, held)) / n - 1.0 - n / buckets
    wanted = BOXES_A_CELL / max(company, BOXES_A_CELL / 256.0)
    return min(LEVELS - 8, least_level + max(0, round(0.5 * math.log2(wanted))))


def _directions(
    here: BoxGrid, there: BoxGrid, reach_m: float, *, itself: bool
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """For two grids and each two combinations: who looks where, the first's or the second's."""
    out = np.zeros((COMBINATIONS, COMBINATIONS), np.int8)
    back = np.zeros((COMBINATIONS, COMBINATIONS), np.int8)
    for p in np.nonzero(here.count)[0].tolist():
        for q in np.nonzero(there.count)[0].tolist():
            if itself and p == q:
                out[p, q] = 2
            elif not (itself and q < p):
                forth = int(here.count[p]) * _visits(here.widest[p], q, there, reach_m)
                if forth <= int(there.count[q]) * _visits(there.widest[q], p, here, reach_m):
                    out[p, q] = 1
                elif itself:
                    out[q, p] = 1
                else:
                    back[q, p] = 1
    return out, back


def _visits(seeker: NDArray[np.float64], combo: int, grid: BoxGrid, reach_m: float) -> float:
    """How many cells or boxes a seeker of that size looks at on a combination of a grid, about."""
    size = float(1 << (combo // LEVELS))
    cells = (2.0 * (reach_m + float(seeker[0]) + float(grid.widest[combo, 0])) / size + 1.0) ** 2
    if combo % LEVELS != TIMELESS:
        cells *= 2.0 * (float(seeker[1]) + float(grid.widest[combo, 1])) / float(1 << (combo % LEVELS)) + 1.0
    return min(cells, grid.top + 1.0)


def pairs_within(
    box: NDArray[np.float64], ref: NDArray[np.int8], reach_m: float, height_m: float
) -> NDArray[np.int64]:
    """All pairs of rows of one set that could meet, each once, lower row first; int64, shape (k, 2)."""
    grid, order = _sorted_grid(box, ref, reach_m)
    direction, _ = _directions(grid, grid, reach_m, itself=True)
    top = grid.top
    rows = grid.near(grid.box[:top], grid.ref[:top], reach_m, height_m, direction, grid.combination[:top])
    return np.sort(order[rows], axis=1)


def pairs_between(
    box_a: NDArray[np.float64],
    ref_a: NDArray[np.int8],
    box_b: NDArray[np.float64],
    ref_b: NDArray[np.int8],
    reach_m: float,
    height_m: float,
) -> NDArray[np.int64]:
    """All pairs (row of a, row of b) that could meet; int64, shape (k, 2)."""
    a, order_a = _sorted_grid(box_a, ref_a, reach_m)
    b, order_b = _sorted_grid(box_b, ref_b, reach_m)
    out, back = _directions(a, b, reach_m, itself=False)
    forth = b.near(a.box[: a.top], a.ref[: a.top], reach_m, height_m, out, a.combination[: a.top])
    found = np.stack([order_a[forth[:, 0]], order_b[forth[:, 1]]], axis=1)
    if back.any():
        other = a.near(b.box[: b.top], b.ref[: b.top], reach_m, height_m, back, b.combination[: b.top])
        found = np.concatenate([found, np.stack([order_a[other[:, 1]], order_b[other[:, 0]]], axis=1)])
    return found


def _sorted_grid(
    box: NDArray[np.float64], ref: NDArray[np.int8], reach_m: float
) -> tuple[BoxGrid, NDArray[np.intp]]:
    """A grid with slots in the order of cells, near in memory if near in the world; and slot to row."""
    grid = BoxGrid(reach_m, box.shape[0])
    grid.fit(box)
    combination, code, place = named(box, grid.least_level)
    order = np.argsort(place)
    grid.insert(box[order], ref[order], (combination[order], code[order], place[order]))
    return grid, order
