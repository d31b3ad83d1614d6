"""The broad phase names every pair that could meet: against all pairs, of boxes of every size and place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awkward import rng
from skypact.airspace.earth import A_M, B_M, surface_points
from skypact.check import _boxes as boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Boxes = tuple[NDArray[np.float64], NDArray[np.int8]]
    Pairs = set[tuple[int, int]]

FAMILIES = (
    "anywhere",
    "one town",
    "pole",
    "antimeridian",
    "equator",
    "huge and tiny",
    "points",
    "wide",
    "one spot",
)


def made(random: np.random.Generator, n: int, family: str) -> Boxes:
    """Boxes of a family: balls on the surface or below it, bands and spans of every kind."""
    lat = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, n)))
    lng = random.uniform(-180.0, 180.0, n)
    radius = 10.0 ** random.uniform(0.0, 5.0, n)
    if family == "one town":
        lat, lng = random.uniform(51.9, 52.1, n), random.uniform(4.9, 5.1, n)
        radius = 10.0 ** random.uniform(0.0, 4.0, n)
    elif family == "pole":
        lat = random.choice([-1.0, 1.0], n) * (90.0 - random.choice([0.0, 1e-9, 1e-3, 0.1, 2.0], n))
    elif family == "antimeridian":
        lng = random.choice([-180.0, 180.0, 179.999, -179.999, 179.0], n)
        lat = random.uniform(-80.0, 80.0, n)
    elif family == "equator":
        lat = random.choice([0.0, 1e-12, -1e-6, 0.01], n)
    elif family == "huge and tiny":
        radius = random.choice([1.0, 10.0, 1e6, 4e6], n)
    elif family == "points":
        lat, lng, radius = random.uniform(40.0, 40.5, n), random.uniform(0.0, 0.5, n), np.zeros(n)
    elif family == "wide":
        radius = random.uniform(1e6, 4e6, n)
    elif family == "one spot":
        lat, lng, radius = np.full(n, 34.0), np.full(n, 38.0), random.choice([0.0, 1.0, 1000.0], n)
    box = np.empty((n, boxes.BOX_COLUMNS))
    surface = surface_points(lat, lng)
    # a ball's middle lies on the surface, or as deep as a ring's mean or a bounding box's middle can
    least = np.sqrt(np.maximum((0.999 * B_M) ** 2 - radius**2, 0.0))
    deepest = np.where(radius < 2e6, least - radius / 3.0, least)
    length = np.linalg.norm(surface, axis=1)
    depth = random.choice([0.0, 0.0, 0.5, 1.0], n) * np.maximum(length - np.maximum(deepest, 1e6), 0.0)
    box[:, : boxes.R] = surface * ((length - depth) / length)[:, None]
    box[:, boxes.R] = radius
    low = random.choice([-np.inf, 0.0, 100.0, 1000.0], n)
    box[:, boxes.LOW] = low
    box[:, boxes.HIGH] = np.where(random.random(n) < 0.3, np.inf, np.where(np.isinf(low), 0.0, low) + 150.0)
    start = random.choice([0.0, 0.1, 16.0, 1e5, -1e9, 1.5e9], n) + random.choice([0.0, 0.3, 1e-6, 64.0], n)
    last = random.choice([0.0, 1e-6, 16.0, 3600.0, 86_400.0, 1e9, 5e9], n)
    box[:, boxes.T0] = np.where(random.random(n) < 0.2, -np.inf, start)
    box[:, boxes.T1] = np.where(random.random(n) < 0.2, np.inf, start + last)
    return box, random.choice([-1, 0, 1, 1], n).astype(np.int8)


def could_meet(one: Boxes, two: Boxes, reach_m: float, height_m: float) -> NDArray[np.bool_]:
    """All pairs that must be named, shape (n, m): by the definition, without a grid."""
    (a, ref_a), (b, ref_b) = one, two
    a, b = a[:, None], b[None]
    apart = np.linalg.norm(a[..., : boxes.R] - b[..., : boxes.R], axis=-1)
    near = apart <= reach_m + a[..., boxes.R] + b[..., boxes.R]
    together = (a[..., boxes.T0] <= b[..., boxes.T1]) & (b[..., boxes.T0] <= a[..., boxes.T1])
    level = (a[..., boxes.LOW] - b[..., boxes.HIGH] <= height_m) & (
        b[..., boxes.LOW] - a[..., boxes.HIGH] <= height_m
    )
    comparable = (ref_a[:, None] == ref_b[None]) & (ref_a[:, None] != boxes.MIXED)
    must: NDArray[np.bool_] = near & together & (level | ~comparable)
    return must


def as_set(pairs: NDArray[np.int64]) -> Pairs:
    """Pairs as a set; none of them twice."""
    found = {(a, b) for a, b in pairs.tolist()}
    assert len(found) == len(pairs)
    return found


def expected(must: NDArray[np.bool_], *, itself: bool = False) -> Pairs:
    """The pairs that must be named."""
    return {(a, b) for a, b in zip(*np.nonzero(must), strict=True) if not itself or a < b}


REACHES = (0.0, 1.0, 9260.0, 500_000.0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("reach_m", REACHES)
def test_pairs_within_a_set_are_all_named(family: str, reach_m: float) -> None:
    """Every pair of one set once, and none of those that cannot meet."""
    for seed in range(3):
        set_of = made(rng(seed), 130, family)
        height = float(rng(seed).choice([0.0, 60.0]))
        found = as_set(boxes.pairs_within(*set_of, reach_m, height))
        assert found == expected(could_meet(set_of, set_of, reach_m, height), itself=True)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("reach_m", REACHES)
def test_pairs_between_two_sets_are_all_named(family: str, reach_m: float) -> None:
    """Every pair across once, whichever side looks into the other, also where sizes differ by millions."""
    random = rng(9)
    for sizes, other in (((90, 110), family), ((3, 200), "huge and tiny"), ((200, 3), "one town")):
        one, two = made(random, sizes[0], family), made(random, sizes[1], other)
        found = as_set(boxes.pairs_between(*one, *two, reach_m, 10.0))
        assert found == expected(could_meet(one, two, reach_m, 10.0))


def test_no_boxes_are_no_pairs() -> None:
    """Empty sets on either side, and one box alone."""
    none, one = made(rng(0), 0, "anywhere"), made(rng(0), 1, "anywhere")
    assert len(boxes.pairs_within(*none, 10.0, 0.0)) == 0
    assert len(boxes.pairs_within(*one, 10.0, 0.0)) == 0
    assert len(boxes.pairs_between(*none, *one, 10.0, 0.0)) == 0
    assert len(boxes.pairs_between(*one, *none, 10.0, 0.0)) == 0


@given(
    st.integers(0, 2**32),
    st.sampled_from(FAMILIES),
    st.sampled_from(FAMILIES),
    st.floats(0.0, 500_000.0),
    st.floats(0.0, 1000.0),
)
@settings(max_examples=60, deadline=None)
def test_any_two_sets_agree_with_all_pairs(
    seed: int, family: str, other: str, reach_m: float, height_m: float
) -> None:
    """Random sets of random families at a random reach."""
    random = rng(seed)
    one, two = made(random, 40, family), made(random, 40, other)
    assert as_set(boxes.pairs_between(*one, *two, reach_m, height_m)) == expected(
        could_meet(one, two, reach_m, height_m)
    )
    assert as_set(boxes.pairs_within(*one, reach_m, height_m)) == expected(
        could_meet(one, one, reach_m, height_m), itself=True
    )


@given(
    st.integers(-(2**40), 2**40),
    st.integers(0, 2**33),
    st.integers(0, 2**33),
    st.integers(4, 20),
)
@settings(max_examples=150, deadline=None)
def test_spans_that_touch_are_named_wherever_the_slabs_begin(
    at_us: int, before_us: int, after_us: int, moment: int
) -> None:
    """One span ends in the microsecond in which the other begins: a track may enter as a volume opens."""
    at = at_us * 1e-6
    box = np.empty((2, boxes.BOX_COLUMNS))
    box[:, : boxes.R] = A_M, 0.0, 0.0
    box[:, boxes.R :] = 10.0, 0.0, 1.0, 0.0, 0.0
    box[0, boxes.T0 :] = (at_us - before_us) * 1e-6, at
    box[1, boxes.T0 :] = at, (at_us + after_us) * 1e-6
    ref = np.zeros(2, np.int8)
    # so many others that the grid's cells are searched, and not the boxes one by one
    many = np.repeat(box[:1], 500, axis=0)
    many[:, : boxes.R] = surface_points(np.linspace(-80.0, 80.0, 500), np.linspace(10.0, 170.0, 500))
    for seek, held in ((0, 1), (1, 0)):
        grid = boxes.BoxGrid(1.0, least_moment=moment)
        slots = grid.insert(np.concatenate([many, box[held : held + 1]]), np.zeros(501, np.int8))
        assert (0, int(slots[-1])) in as_set(grid.near(box[seek : seek + 1], ref[:1], 1.0, 0.0))


@given(st.integers(0, 2**32), st.sampled_from(FAMILIES), st.floats(0.0, 100_000.0), st.data())
@settings(max_examples=25, deadline=None)
def test_a_grid_that_lives_agrees_with_all_pairs(
    seed: int, family: str, reach_m: float, data: st.DataObject
) -> None:
    """Boxes come in lots of any family, grow the grid, go again, and leave their slots to others."""
    random = rng(seed)
    grid = boxes.BoxGrid(reach_m)
    held: dict[int, tuple[NDArray[np.float64], int]] = {}
    for _ in range(data.draw(st.integers(1, 6))):
        n = data.draw(st.integers(1, 90))
        box, ref = made(random, n, data.draw(st.sampled_from((family, *FAMILIES))))
        slots = grid.insert(box, ref)
        assert len(set(slots.tolist())) == n
        assert not set(slots.tolist()) & set(held)
        held |= {int(slot): (box[k], int(ref[k])) for k, slot in enumerate(slots)}
        going = [slot for slot in held if random.random() < 0.4]
        random.shuffle(going)
        grid.remove(np.array(going, np.int64))
        for slot in going:
            del held[slot]
        assert len(grid) == len(held)
        seek = made(random, 20, family)
        wider = reach_m * data.draw(st.sampled_from((0.0, 1.0, 3.0)))
        found = as_set(grid.near(*seek, wider, 25.0))
        rows = list(held)
        there = np.array([held[slot][0] for slot in rows]).reshape(-1, boxes.BOX_COLUMNS)
        refs = np.array([held[slot][1] for slot in rows], np.int8)
        must = expected(could_meet(seek, (there, refs), wider, 25.0))
        assert found == {(a, rows[b]) for a, b in must}


def test_slots_are_used_again() -> None:
    """What is taken out makes room: the grid does not grow while as many come as go."""
    box, ref = made(rng(3), 100, "one town")
    grid = boxes.BoxGrid(10.0)
    slots = grid.insert(box, ref)
    for _ in range(50):
        grid.remove(slots[:40])
        slots = np.concatenate([slots[40:], grid.insert(box[:40], ref[:40])])
    assert grid.top == 100
    assert len(grid) == 100


@pytest.mark.parametrize("radius_m", [2e5, 1e6, 1.5e6])
def test_deep_middles_just_within_reach_of_each_other_are_found(radius_m: float) -> None:
    """The middle of a bounding box may lie a third of its ball deeper, and is then seen wider apart."""
    random = rng(8)
    n = 400
    depth = np.sqrt(B_M**2 - radius_m**2) - radius_m / 3.0
    seek = np.empty((20, boxes.BOX_COLUMNS))
    direction = random.normal(size=(20, 3))
    seek[:, : boxes.R] = depth * direction / np.linalg.norm(direction, axis=1)[:, None]
    seek[:, boxes.R :] = radius_m, 0.0, 1.0, 0.0, 1.0
    angle = 2.0 * np.arcsin((2.0 * radius_m - 1.0) / (2.0 * depth))
    for one in seek:
        up = one[: boxes.R] / depth
        across = random.normal(size=(n, 3))
        across -= (across @ up)[:, None] * up
        across /= np.linalg.norm(across, axis=1)[:, None]
        held = np.empty((n, boxes.BOX_COLUMNS))
        held[:, : boxes.R] = depth * (np.cos(angle) * up + np.sin(angle) * across)
        held[:, boxes.R :] = one[boxes.R :]
        grid = boxes.BoxGrid(0.0)
        grid.insert(held, np.zeros(n, np.int8))
        assert len(grid.near(one[None], np.zeros(1, np.int8), 0.0, 0.0)) == n


def test_wide_balls_whose_middles_lie_deep_are_found() -> None:
    """A ring of 4,000 km has its middle 1,400 km deep: what is at its edge is seen at a wide angle."""
    random = rng(4)
    for _ in range(200):
        radius = np.array([float(random.uniform(1e6, 4e6)), 10.0 ** float(random.uniform(0.0, 6.5))])
        lat, lng = np.degrees(np.arcsin(random.uniform(-1, 1))), float(random.uniform(-180.0, 180.0))
        direction = surface_points([lat], [lng])[0]
        length = np.linalg.norm(direction)
        ring = direction * (np.sqrt(length**2 - radius[0] ** 2) / length)
        # a point at a chord of just the reach, in a random direction
        to = random.normal(size=3)
        to -= direction * (to @ direction) / length**2
        to /= np.linalg.norm(to)
        theta = np.arccos(
            np.clip(
                (ring @ ring + B_M**2 - (radius.sum() - 1.0) ** 2) / (2 * np.linalg.norm(ring) * B_M), -1, 1
            )
        )
        other = B_M * (np.cos(theta) * direction / length + np.sin(theta) * to)
        box = np.empty((2, boxes.BOX_COLUMNS))
        box[0, : boxes.R], box[1, : boxes.R] = ring, other
        box[:, boxes.R] = radius
        box[:, boxes.LOW :] = 0.0, 1.0, 0.0, 1.0
        ref = np.zeros(2, np.int8)
        must = could_meet((box[:1], ref[:1]), (box[1:], ref[:1]), 10.0, 0.0).any()
        small = np.repeat(box[1:], 300, axis=0)
        small[1:, : boxes.R] *= -1.0
        for one, two in ((box[:1], small), (small, box[:1])):
            found = boxes.pairs_between(
                one, np.zeros(len(one), np.int8), two, np.zeros(len(two), np.int8), 10.0, 0.0
            )
            assert ([0, 0] in found.tolist()) == must


def test_the_quick_arcsine_is_never_too_small() -> None:
    """A search may look further than it must, never less far."""
    for x in np.linspace(0.0, 1.2, 12_001).tolist():
        assert boxes._arcsine(x) >= np.arcsin(min(x, 1.0)) - 1e-15
