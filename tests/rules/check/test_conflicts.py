"""Conflicts between volumes, planned trajectories and zones: the cases that are decided."""

from __future__ import annotations

import time
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import awkward
from awkward import BASE_US, GEOD, box, rng, track
from awkward_volumes import (
    Pair,
    S,
    Shape,
    couples,
    go_one,
    mixed_pairs,
    nudged_pairs,
    polygon,
    regular,
    star,
)
from skypact.airspace import (
    EN_ROUTE,
    Altitude,
    AltitudeReference,
    Circle,
    DataMode,
    Kind,
    Labels,
    Minima,
    Polygon,
    Proximity,
    Rule,
    Separation,
    Trajectories,
    Volume4D,
    Volumes,
    Zones,
)
from skypact.airspace import altitude as alt
from skypact.check import FindingKind, Findings, Reason, conflicts, losses
from skypact.check import reference as oracle
from skypact.check._claims import MEETING
from skypact.errors import GeometryError, InputError, ModeError
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from collections.abc import Sequence

AMSL, W84, STD, AGL = (
    AltitudeReference.AMSL,
    AltitudeReference.W84,
    AltitudeReference.STD,
    AltitudeReference.AGL,
)
SQUARE = box(34.0, 38.0, 34.2, 38.2)
APART = box(34.0, 39.0, 34.2, 39.2)


def volumes(*solid: Volume4D, ids: Sequence[str] | None = None, **more: Any) -> Volumes:
    """Volumes a, b, c ... unless named."""
    return Volumes.of(Labels.of(ids or [chr(97 + k) for k in range(len(solid))], **more), list(solid))


def pairs_of(found: Findings) -> set[tuple[int, int]]:
    """The pairs that were found."""
    return set(zip(found.a.tolist(), found.b.tolist(), strict=True))


def meet(one: Volume4D, two: Volume4D, separation: Separation | Minima | None = None) -> Findings:
    """What is found of two volumes."""
    return conflicts(volumes(one, two), separation=separation)


# -- two volumes: what is decided ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (SQUARE, box(34.0, 38.2, 34.2, 38.4)),
        (SQUARE, box(34.2, 38.2, 34.4, 38.4)),
        (SQUARE, SQUARE),
        (SQUARE, box(34.05, 38.05, 34.1, 38.1)),
        (SQUARE, box(34.09, 37.5, 34.11, 38.7)),
        (Circle(34.1, 38.1, 10.0), SQUARE),
        (Circle(34.1, 38.1, 900_000.0), SQUARE),
        (Circle(0.0, 0.0, 1000.0), Circle(0.0, 0.0, 1.0)),
        (Circle(0.0, 0.0, 1000.0), Circle(0.0, 0.0, 1000.0)),
        (Polygon(((0.0, 179.0), (0.0, -179.0), (1.0, 180.0))), Circle(0.1, -180.0, 5.0)),
        (Polygon(((85.0, 0.0), (85.0, 120.0), (85.0, -120.0))), Circle(90.0, 77.0, 1.0)),
        (Polygon(((90.0, 0.0), (88.0, 0.0), (88.0, 60.0))), Circle(90.0, 0.0, 1.0)),
        (box(-1.0, 20.0, 1.0, 22.0), Circle(0.0, 21.0, 1.0)),
    ],
)
def test_outlines_that_touch_or_overlap_meet(one: Shape, two: Shape) -> None:
    """Common edges and corners, one inside the other, crosses, poles, the antimeridian: zero apart."""
    for a, b in ((one, two), (two, one)):
        found = meet(Volume4D(a), Volume4D(b))
        assert pairs_of(found) == {(0, 1)}
        assert found.horizontal_m[0] == 0.0
        assert found.margin_m[0] == 0.0
        assert not found.marginal[0]
        assert found[0].rule == MEETING


def test_circles_that_touch_meet_and_a_millimetre_apart_they_do_not() -> None:
    """A circle stays a circle: at the sum of the radii they meet."""
    lat, lng, _ = go_one(52.0, 5.0, 30.0, 50_000.0)
    for more, expected in ((0.0, 1), (-1e-3, 1), (1e-3, 0)):
        found = meet(Volume4D(Circle(52.0, 5.0, 20_000.0)), Volume4D(Circle(lat, lng, 30_000.0 - more)))
        assert len(found) == expected


def test_a_circle_is_no_polygon() -> None:
    """A point between the rim and the chord of a 33-gon is inside."""
    lat, lng, _ = go_one(52.0, 5.0, 360.0 / 66.0, 9_990.0)
    inside = Volume4D(Circle(lat, lng, 1.0))
    assert len(meet(Volume4D(Circle(52.0, 5.0, 10_000.0)), inside)) == 1
    assert len(meet(Volume4D(regular(52.0, 5.0, 10_000.0, 33)), inside)) == 0


def test_edges_are_geodesics_not_parallels() -> None:
    """At 52 N over 100 km an edge rises 220 m above the parallel: what lies between meets it."""
    strip = Volume4D(box(51.0, 5.0, 52.0, 6.457))
    assert len(meet(strip, Volume4D(Circle(52.0 + 150.0 / 111_000.0, 5.7285, 10.0)))) == 1
    assert len(meet(strip, Volume4D(Circle(52.0 + 300.0 / 111_000.0, 5.7285, 10.0)))) == 0


@pytest.mark.parametrize("winding", [1, -1])
def test_winding_does_not_matter(winding: int) -> None:
    """The smaller side is meant, whichever way the vertices run."""
    shape = Polygon(SQUARE.vertices[::winding])
    assert len(meet(Volume4D(shape), Volume4D(Circle(34.1, 38.1, 1.0)))) == 1
    assert len(meet(Volume4D(shape), Volume4D(Circle(-34.1, -142.0, 1.0)))) == 0


@pytest.mark.parametrize(
    ("window", "other", "expected"),
    [
        ((BASE_US, BASE_US + S), (BASE_US + S, BASE_US + 2 * S), None),
        ((BASE_US, BASE_US + S), (BASE_US + S - 1, BASE_US + 2 * S), (BASE_US + S - 1, BASE_US + S)),
        ((EVER, BASE_US), (BASE_US, FOREVER), None),
        ((EVER, BASE_US + 1), (BASE_US, FOREVER), (BASE_US, BASE_US + 1)),
        ((EVER, FOREVER), (EVER, FOREVER), (EVER, FOREVER)),
        ((EVER + 1, FOREVER - 1), (EVER, FOREVER), (EVER + 1, FOREVER - 1)),
        ((EVER + 1, EVER + 2), (EVER + 2, EVER + 3), None),
        ((EVER + 1, EVER + 3), (EVER + 2, EVER + 4), (EVER + 2, EVER + 3)),
        ((FOREVER - 3, FOREVER - 1), (FOREVER - 2, FOREVER), (FOREVER - 2, FOREVER - 1)),
        ((EVER + 1, BASE_US + 1), (BASE_US, FOREVER - 1), (BASE_US, BASE_US + 1)),
        ((9_000_000_000_000_000, 9_000_000_000_000_001), (9_000_000_000_000_001, FOREVER), None),
    ],
)
def test_windows_are_half_open_to_the_microsecond(
    window: tuple[int, int], other: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    """Windows that touch do not meet, a microsecond over one another they do, however far from today."""
    one = Volume4D(SQUARE, None, None, *window)
    two = Volume4D(SQUARE, None, None, *other)
    # a third, from long ago, must not cost the others their microseconds
    old = Volume4D(APART, None, None, EVER + 1, EVER + 2)
    for set_of in (volumes(one, two), volumes(two, one), volumes(one, two, old), volumes(old, one, two)):
        found = conflicts(set_of)
        assert len(found) == (expected is not None)
        if expected is not None:
            assert (found.start_us[0], found.end_us[0]) == expected
            assert found.closest_us[0] == expected[0]


FT = 0.3048


@pytest.mark.parametrize(
    ("upper", "lower", "buffer_m", "expected"),
    [
        (100.0, 100.0, 0.0, 1),
        (100.0, 100.0 + 1e-9, 0.0, 1),
        (100.0, 100.001, 0.0, 0),
        (35_000 * FT, 36_000 * FT, 1000 * FT, 0),
        (36_000 * FT, 37_000 * FT, 1000 * FT, 0),
        (1_100 * FT, 2_100 * FT, 1000 * FT, 0),
        (700 * FT, 1_700 * FT, 1000 * FT, 0),
        (35_000 * FT, 36_000 * FT - 1e-3, 1000 * FT, 1),
    ],
)
def test_bands_that_touch_meet_and_at_the_buffer_are_separated(
    upper: float, lower: float, buffer_m: float, expected: int
) -> None:
    """Closed bands; exactly 1,000 ft is separated, whatever binary metres make of it."""
    below = Volume4D(SQUARE, Altitude(0.0, STD), Altitude(upper, STD))
    above = Volume4D(SQUARE, Altitude(lower, STD), Altitude(lower + 100.0, STD))
    minima = Minima(0.0, buffer_m) if buffer_m else None
    assert len(meet(below, above, minima)) == len(meet(above, below, minima)) == expected


def test_a_buffer_counts_both_ways_at_once() -> None:
    """Near horizontally but far vertically is separated, and the other way round."""
    one = Volume4D(Circle(52.0, 5.0, 1000.0), Altitude(0.0, AMSL), Altitude(100.0, AMSL))
    lat, lng, _ = go_one(52.0, 5.0, 90.0, 3000.0)

    def other(apart_m: float, over_m: float) -> Volume4D:
        radius_m = 2000.0 - apart_m
        return Volume4D(Circle(lat, lng, radius_m), Altitude(100.0 + over_m, AMSL), Altitude(900.0, AMSL))

    minima = Minima(100.0, 50.0)
    assert len(meet(one, other(99.0, 49.0), minima)) == 1
    assert len(meet(one, other(99.0, 50.0), minima)) == 0
    assert len(meet(one, other(101.0, 49.0), minima)) == 0
    found = meet(one, other(60.0, 20.0), minima)
    assert found.horizontal_m[0] == pytest.approx(60.0, abs=1e-6)
    assert found.vertical_m[0] == pytest.approx(20.0)
    assert found.margin_m[0] == pytest.approx(-30.0, abs=1e-6)


def test_altitudes_that_cannot_be_compared_are_listed_not_guessed() -> None:
    """STD against AMSL, AGL against anything but itself: unchecked, unless outlines or windows settle it."""
    one = Volume4D(SQUARE, Altitude(0.0, STD), Altitude(100.0, STD))
    for reference in (AMSL, W84, AGL):
        two = Volume4D(SQUARE, Altitude(5000.0, reference), Altitude(6000.0, reference))
        found = meet(one, two)
        assert len(found) == 0
        assert found.unchecked.a.tolist() == [0]
        assert found.unchecked.b.tolist() == [1]
        assert found.unchecked.reason.tolist() == [Reason.ALTITUDE_INCOMPARABLE]
        far = meet(one, Volume4D(APART, two.lower, two.upper))
        assert len(far) == len(far.unchecked) == 0
    # an open bound compares with anything
    assert len(meet(one, Volume4D(SQUARE, None, None))) == 1
    half = meet(one, Volume4D(SQUARE, Altitude(0.0, AMSL), None))
    assert len(half) == 0
    assert len(half.unchecked) == 1
    # one comparison that separates is enough
    mixed = Volume4D(SQUARE, Altitude(200.0, STD), Altitude(300.0, AMSL))
    settled = meet(one, mixed)
    assert len(settled) == len(settled.unchecked) == 0


def test_the_ellipsoid_and_the_sea_are_compared_with_the_geoid_between() -> None:
    """At 34 N 38 E the sea lies 20 m over the ellipsoid: a gap of 100 m is seen, one of 20 m is not one."""
    small = Circle(34.1, 38.1, 500.0)
    undulation = float(alt.convert([0.0], AMSL, W84, [34.1], [38.1])[0][0])
    below = Volume4D(small, Altitude(0.0, AMSL), Altitude(100.0, AMSL))
    for gap, expected, marginal in ((100.0, 0, False), (5.0, 0, False), (0.2, 1, True), (-1.0, 1, False)):
        above = Volume4D(small, Altitude(100.0 + undulation + gap, W84), Altitude(900.0, W84))
        for found in (meet(below, above), meet(above, below)):
            assert len(found) == expected
            assert len(found.unchecked) == 0
            if expected:
                assert found.vertical_m[0] == pytest.approx(max(gap, 0.0), abs=0.05)
                assert bool(found.marginal[0]) is marginal


@given(st.integers(0, 10**6))
@settings(max_examples=15)
def test_the_geoids_slope_never_costs_a_conflict(seed: int) -> None:
    """Wherever the wide bands of two references overlap in truth, they are found, marginal or not."""
    random = rng(seed)
    lat, lng = float(random.uniform(-60.0, 60.0)), float(random.uniform(-180.0, 180.0))
    wide = star(random, lat, lng, 300_000.0, 8, rough=0.2)
    at_lat, at_lng, _ = go_one(lat, lng, float(random.uniform(0.0, 360.0)), 200_000.0)
    top = float(alt.convert([100.0], AMSL, W84, [at_lat], [at_lng])[0][0])
    low = Volume4D(wide, Altitude(0.0, AMSL), Altitude(100.0, AMSL))
    over = Volume4D(Circle(at_lat, at_lng, 1000.0), Altitude(top - 0.5, W84), None)
    assert len(meet(low, over)) == 1


# -- closest, position, margin ------------------------------------------------------------------------------


def test_the_position_lies_in_both_or_is_the_nearest_of_the_first() -> None:
    """Where two meet the point is in both outlines; where a buffer joins them it is the first's nearest."""
    tried = couples(mixed_pairs(rng(21), 150) + nudged_pairs(rng(22), 100, buffers_m=(500.0,)))
    found = conflicts(tried.one, tried.two, separation=Minima(500.0, 0.0))
    assert len(found) > 150
    for k, row in enumerate(found):
        one, two = (oracle._outline(v.outline) for v in tried.solid[row.a])
        at = np.array([row.lat_deg]), np.array([row.lng_deg])
        assert float(oracle._beyond(*at, one)[0]) < 0.1, k
        assert float(oracle._beyond(*at, two)[0]) < row.horizontal_m + 0.1, k


def test_the_altitude_shown_is_where_they_meet() -> None:
    """The higher floor, in the first one's reference; none where both are open."""
    low = Volume4D(SQUARE, Altitude(0.0, AMSL), Altitude(1000.0, AMSL))
    high = Volume4D(SQUARE, Altitude(400.0, AMSL), Altitude(2000.0, AMSL))
    assert meet(low, high).altitude_m.tolist() == [400.0]
    assert meet(high, low).altitude_m.tolist() == [400.0]
    assert np.isnan(meet(Volume4D(SQUARE), Volume4D(SQUARE)).altitude_m[0])


def test_what_owes_itself_to_the_bound_is_marked() -> None:
    """At the buffer to a hair, the engine's bound decides, and says so."""
    lat, lng, _ = go_one(52.0, 5.0, 30.0, 50_000.0 + 9260.0)
    for nudge, count, marginal in ((-1e-3, 1, False), (5e-7, 1, True), (1e-2, 0, False)):
        two = Volume4D(Circle(lat, lng, 30_000.0 - nudge))
        found = meet(Volume4D(Circle(52.0, 5.0, 20_000.0)), two, Minima(9260.0, 300.0))
        assert len(found) == count
        if count:
            assert bool(found.marginal[0]) is marginal
            assert found.margin_m[0] == pytest.approx(nudge, abs=1e-4)


# -- the fault that others have -----------------------------------------------------------------------------


def test_a_harmless_neighbour_does_not_clear_an_overlap() -> None:
    """The fault of a strategic check that ends in all() for any(): one clear pair more changes nothing."""
    wanted = Volume4D(SQUARE, Altitude(0.0, AMSL), Altitude(100.0, AMSL), BASE_US, BASE_US + 60 * S)
    overlap = Volume4D(SQUARE, Altitude(50.0, AMSL), Altitude(150.0, AMSL), BASE_US, BASE_US + 60 * S)
    elsewhere = Volume4D(APART, Altitude(0.0, AMSL), Altitude(100.0, AMSL), BASE_US, BASE_US + 60 * S)
    later = Volume4D(SQUARE, Altitude(0.0, AMSL), Altitude(100.0, AMSL), BASE_US + 60 * S, BASE_US + 90 * S)
    above = Volume4D(SQUARE, Altitude(151.0, AMSL), Altitude(300.0, AMSL), BASE_US, BASE_US + 60 * S)
    for order in permutations((overlap, elsewhere, later, above)):
        found = conflicts(volumes(wanted, ids=["new"]), volumes(*order))
        assert pairs_of(found) == {(0, order.index(overlap))}
    # two volumes of one intent: the harmless one first
    intent = volumes(elsewhere, wanted, ids=["flight 1", "flight 1"])
    assert pairs_of(conflicts(intent, volumes(overlap))) == {(1, 0)}


# -- who is paired with whom --------------------------------------------------------------------------------


def test_nothing_is_paired_with_its_own_body() -> None:
    """The volumes of one flight overlap by design; the flight's own path lies in them."""
    own = volumes(Volume4D(SQUARE), Volume4D(SQUARE), Volume4D(SQUARE), ids=["f", "f", "g"])
    assert pairs_of(conflicts(own)) == {(0, 2), (1, 2)}
    path = track("f", [0, 60], [34.1, 34.1], [38.0, 38.2])
    found = conflicts([own, path])
    assert pairs_of(found) == {(0, 2), (1, 2), (2, 3)}
    assert pairs_of(conflicts(path, own)) == {(0, 2)}


def test_one_side_against_another_finds_only_pairs_across() -> None:
    """With others given, nobody is checked against their own side; numbers are each side's own."""
    mine: list[Volumes | Trajectories] = [
        volumes(Volume4D(SQUARE), Volume4D(SQUARE)),
        track("t", [0, 60], [34.1, 34.1], [38.0, 38.2]),
    ]
    theirs: list[Volumes | Trajectories] = [
        track("u", [0, 60], [34.1, 34.1], [38.0, 38.2]),
        volumes(Volume4D(SQUARE), ids=["z"]),
    ]
    found = conflicts(mine, theirs)
    assert pairs_of(found) == {(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)}
    assert [found.labels_a.ids[a] for a in (0, 1, 2)] == ["a", "b", "t"]
    assert [found.labels_b.ids[b] for b in (0, 1)] == ["u", "z"]
    back = conflicts(theirs, mine)
    assert pairs_of(back) == {(b, a) for a, b in pairs_of(found)}


def test_sets_are_numbered_as_they_are_given() -> None:
    """Volumes and tracks in any order of sets: rows count on from set to set, a before b."""
    one = volumes(Volume4D(SQUARE), ids=["v"])
    two = track("t", [0, 60], [34.1, 34.1], [38.0, 38.2])
    three = volumes(Volume4D(APART), Volume4D(SQUARE), ids=["far", "w"])
    found = conflicts([two, three, one])
    assert list(found.labels_a.ids) == ["t", "far", "w", "v"]
    assert pairs_of(found) == {(0, 2), (0, 3), (2, 3)}
    assert found.labels_a is found.labels_b
    empty = Volumes.of(Labels.of([]), [])
    assert pairs_of(conflicts([two, empty, three, one])) == {(0, 2), (0, 3), (2, 3)}


def claims_anyhow(seed: int) -> list[Volumes | Trajectories]:
    """A set of sets in which much meets."""
    random = rng(seed)
    solid = []
    for _ in range(30):
        lat, lng = random.uniform(33.8, 34.2), random.uniform(37.8, 38.2)
        shape: Shape = star(random, lat, lng, 15_000.0, 6)
        if random.random() < 0.4:
            shape = Circle(lat, lng, float(random.uniform(100.0, 8_000.0)))
        low = float(random.uniform(0.0, 3000.0))
        reference = AltitudeReference(int(random.choice([0, 1, 1, 2])))
        start = BASE_US + int(random.integers(0, 3600)) * S
        solid.append(
            Volume4D(
                shape, Altitude(low, reference), Altitude(low + 900.0, reference), start, start + 900 * S
            )
        )
    paths = [
        track(
            f"t{k}",
            np.sort(random.uniform(0.0, 4000.0, 5)),
            random.uniform(33.7, 34.3, 5),
            random.uniform(37.7, 38.3, 5),
            random.uniform(0.0, 4000.0, 5),
            reference=AltitudeReference(int(random.choice([0, 1, 2]))),
        )
        for k in range(12)
    ]
    kinds = random.integers(0, 4, 30)
    labels = Labels.of([f"v{k}" for k in range(30)], kind=kinds, party=[f"p{k % 3}" for k in range(30)])
    return [Volumes.of(labels, solid), Trajectories.concat(paths)]


def by_name(found: Findings) -> list[tuple[Any, ...]]:
    """Findings by names, so that numbering does not matter."""
    rows = []
    for row in found:
        names = sorted([found.labels_a.ids[row.a], found.labels_b.ids[row.b]])
        rows.append(
            (
                *names,
                row.start_us,
                row.end_us,
                row.closest_us,
                round(row.horizontal_m, 3),
                row.rule,
                row.marginal,
            )
        )
    return sorted(rows)


@pytest.mark.parametrize("separation", [None, Minima(500.0, 100.0)])
def test_the_order_of_inputs_does_not_matter(separation: Minima | None) -> None:
    """Rows shuffled, sets split and swapped: the same findings by name."""
    solid, paths = claims_anyhow(31)
    assert isinstance(solid, Volumes)
    assert isinstance(paths, Trajectories)
    found = by_name(conflicts([solid, paths], separation=separation))
    assert len(found) > 30
    random = rng(32)
    for _ in range(3):
        order = random.permutation(len(solid))
        cut = int(random.integers(1, len(solid)))
        shuffled: list[Volumes | Trajectories] = [
            paths.take(random.permutation(len(paths))),
            solid.take(order[:cut]),
            solid.take(order[cut:]),
        ]
        assert by_name(conflicts(shuffled, separation=separation)) == found


def test_the_same_question_gives_the_same_answer() -> None:
    """Byte for byte, and in order of start, a, b."""
    claims = claims_anyhow(33)
    one, two = conflicts(claims, separation=EN_ROUTE), conflicts(claims, separation=EN_ROUTE)
    columns = ("a", "b", "start_us", "end_us", "closest_us", "horizontal_m", "lat_deg", "margin_m")
    for column in columns:
        assert np.array_equal(getattr(one, column), getattr(two, column))
    order = np.lexsort((one.b, one.a, one.start_us))
    assert np.array_equal(order, np.arange(len(one)))


def test_a_self_check_is_the_check_of_both_sides() -> None:
    """All pairs of one set are those of its two halves against each other, and within themselves."""
    claims = claims_anyhow(34)
    whole = by_name(conflicts(claims))
    parts = (
        by_name(conflicts(claims[0], claims[1]))
        + by_name(conflicts(claims[0]))
        + by_name(conflicts(claims[1]))
    )
    assert sorted(parts) == whole


# -- rules --------------------------------------------------------------------------------------------------


def test_a_rule_that_fits_is_the_pairs_buffer() -> None:
    """By kind and by party; a pair that no rule fits meets where it touches, under no rule of the pact."""
    lat, lng, _ = go_one(52.0, 5.0, 90.0, 3000.0)
    near = [Volume4D(Circle(52.0, 5.0, 1000.0)), Volume4D(Circle(lat, lng, 1000.0))]
    rules = Separation(
        (
            Rule("ground keeps off", ("ground", "any"), Minima(2000.0, 0.0)),
            Rule("drones", ("uncrewed", "uncrewed"), Minima(500.0, 0.0)),
            Rule("red and blue", ("red", "blue"), Minima(1500.0, 0.0)),
        )
    )

    def found(kinds: tuple[Kind, Kind], parties: tuple[str, str], solid: list[Volume4D] = near) -> list[str]:
        claims = Volumes.of(Labels.of(["a", "b"], kind=kinds, party=list(parties)), solid)
        return [row.rule for row in conflicts(claims, separation=rules)]

    assert found((Kind.GROUND, Kind.CREWED), ("red", "red")) == ["ground keeps off"]
    assert found((Kind.CREWED, Kind.GROUND), ("blue", "red")) == ["ground keeps off"]
    assert found((Kind.UNCREWED, Kind.UNCREWED), ("red", "blue")) == []
    assert found((Kind.CREWED, Kind.UNCREWED), ("blue", "red")) == ["red and blue"]
    assert found((Kind.CREWED, Kind.UNCREWED), ("red", "red")) == []
    touching = [near[0], Volume4D(Circle(52.0, 5.0, 10.0))]
    assert found((Kind.CREWED, Kind.UNCREWED), ("red", "red"), touching) == [MEETING]
    assert found((Kind.UNCREWED, Kind.UNCREWED), ("red", "red"), touching) == ["drones"]


def test_pairs_of_tracks_without_a_rule_are_listed() -> None:
    """Volumes are claimed whatever the pact says; two tracks that no rule covers are unchecked."""
    rules = Separation((Rule("drones", ("uncrewed", "uncrewed"), Minima(50.0, 15.0)),))
    paths = [track(name, [0, 60], [34.1, 34.1], [38.0, 38.2]) for name in ("t", "u")]
    found = conflicts([volumes(Volume4D(SQUARE)), *paths], separation=rules)
    assert pairs_of(found) == {(0, 1), (0, 2)}
    assert {row.rule for row in found} == {MEETING}
    assert found.unchecked.no_rule_pairs == 1
    assert (found.unchecked.a.tolist(), found.unchecked.b.tolist()) == ([1], [2])
    assert found.unchecked.reason.tolist() == [Reason.NO_RULE]


def test_without_rules_tracks_are_kept_apart_en_route() -> None:
    """No separation given: volumes meet where they touch, tracks at 5 NM and 1,000 ft, under its rule."""
    lat, lng, _ = go_one(34.1, 38.1, 0.0, 5000.0)
    paths = [track("t", [0, 60], [34.1] * 2, [38.1] * 2), track("u", [0, 60], [lat] * 2, [lng] * 2)]
    claims: list[Volumes | Trajectories] = [
        volumes(Volume4D(Circle(34.1, 38.1, 10.0)), Volume4D(Circle(lat, lng, 10.0))),
        *paths,
    ]
    found = conflicts(claims)
    named = {(row.a, row.b): row.rule for row in found}
    assert named == {(0, 2): MEETING, (1, 3): MEETING, (2, 3): "5 NM / 1000 ft"}
    assert conflicts(claims, separation=Separation(())).rules == (MEETING,)
    every = conflicts(claims, separation=EN_ROUTE)
    assert {row.rule for row in every} == {"5 NM / 1000 ft"}
    assert pairs_of(every) == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}


def test_conflicts_of_tracks_are_the_losses_of_plans() -> None:
    """Two planned trajectories: the same windows as ``losses`` gives without gaps."""
    pairs = awkward.crossing(rng(41), 60)
    found = conflicts(pairs.tracks)
    lost = losses(pairs.tracks, max_gap_s=None)
    assert pairs_of(found) == pairs_of(lost)
    assert len(found) > 10
    for column in ("start_us", "end_us", "closest_us", "horizontal_m", "vertical_m", "margin_m", "marginal"):
        assert np.array_equal(getattr(found, column), getattr(lost, column))
    assert np.allclose(found.lat_deg, lost.lat_deg, atol=1e-12)
    assert found.kind is FindingKind.CONFLICT


def test_agreed_proximity_is_marked_also_with_volumes() -> None:
    """A tanker's volume and its helicopter's: shown, not alarmed, while the agreement lasts."""
    rules = Separation((), (Proximity(("a", "b"), BASE_US + 60 * S),))
    for end, agreed in ((BASE_US + 60 * S, True), (BASE_US + 60 * S + 1, False)):
        one = Volume4D(SQUARE, None, None, BASE_US, end)
        assert meet(one, one, rules).agreed.tolist() == [agreed]


def test_uncertainty_widens_a_tracks_buffer() -> None:
    """A track known to 200 m, 150 m beside a volume, may be in it."""
    lat, lng, _ = go_one(34.1, 38.1, 0.0, 1150.0)
    zone = volumes(Volume4D(Circle(34.1, 38.1, 1000.0), None, Altitude(1000.0, STD)))
    for blur_h, blur_v, high, expected in (
        (200.0, 0.0, 900.0, 1),
        (100.0, 0.0, 900.0, 0),
        (200.0, 20.0, 1010.0, 1),
        (200.0, 5.0, 1010.0, 0),
    ):
        path = Trajectories.of(
            Labels.of(["t"]),
            [0, 2],
            [BASE_US, BASE_US + S],
            [lat, lat],
            [lng, lng],
            high,
            horizontal_uncertainty_m=blur_h,
            vertical_uncertainty_m=blur_v,
        )
        assert len(conflicts(path, zone)) == len(conflicts(zone, path)) == expected


# -- tracks and volumes: what is decided --------------------------------------------------------------------


def test_a_long_track_leaves_a_box_when_the_geodesic_does() -> None:
    """Two samples 1,000 km apart through the box 33..34 N, 38..39 E: entry and exit to a millisecond."""
    seconds = 4000
    path = track("t", [0, seconds], [33.5, 33.5], [33.0, 44.0])
    found = conflicts(path, volumes(Volume4D(box(33.0, 38.0, 34.0, 39.0))))
    azimuth, _, length = GEOD.inv(33.0, 33.5, 44.0, 33.5)
    speed = length / seconds

    def crossing(lng: float) -> float:
        lo, hi = 0.0, length
        for _ in range(80):
            middle = 0.5 * (lo + hi)
            lo, hi = (middle, hi) if go_one(33.5, 33.0, azimuth, middle)[1] < lng else (lo, middle)
        return float(lo / speed)

    assert len(found) == 1
    assert (found.start_us[0] - BASE_US) * 1e-6 == pytest.approx(crossing(38.0), abs=1e-3)
    assert (found.end_us[0] - BASE_US) * 1e-6 == pytest.approx(crossing(39.0), abs=1e-3)


def test_a_track_that_only_touches_meets() -> None:
    """A track along an edge, one through a corner, and one that ends on an edge."""
    zone = volumes(Volume4D(Polygon(((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)))))
    for lat, lng in (
        ((0.0, 0.0), (-1.0, 2.0)),
        ((-1.0, 2.0), (0.0, 0.0)),
        ((-0.5, 0.5), (0.5, -0.5)),
        ((-1.0, 0.0), (0.5, 0.5)),
    ):
        found = conflicts(track("t", [0, 1000], lat, lng), zone)
        assert len(found) == 1
        assert found.horizontal_m[0] < 1e-5


def test_a_track_through_a_comb_is_in_each_tooth() -> None:
    """Windows are listed apart, in order."""
    n = 40
    lng = np.repeat(np.arange(n) * 0.01, 2)
    lat = np.tile([0.0, 0.2, 0.2, 0.0], n // 2)
    comb = polygon([*lat, -0.1, -0.1], [*lng, 0.01 * (n - 1), 0.0])
    path = track("t", [0, 1000], [0.1, 0.1], [-0.1, 0.5])
    found = conflicts(path, volumes(Volume4D(comb)))
    assert len(found) == n // 2
    assert (found.start_us[1:] > found.end_us[:-1]).all()
    joined = conflicts(path, volumes(Volume4D(comb)), separation=Minima(600.0, 300.0))
    assert len(joined) == 1


@pytest.mark.parametrize("n", [62, 63, 64, 65, 128, 2000])
def test_many_edges_within_a_buffer_are_counted_right(n: int) -> None:
    """A leg inside a polygon of which all n edges are within the buffer: one window, zero apart."""
    zone = volumes(Volume4D(regular(52.0, 5.0, 1000.0, n)))
    path = track("t", [0, 60], [52.0, 52.001], [5.0, 5.001])
    found = conflicts(path, zone, separation=EN_ROUTE)
    assert len(found) == 1
    assert found.horizontal_m[0] == 0.0
    assert found.duration_s[0] == 60.0


def test_two_passes_of_one_leg_keep_both_windows() -> None:
    """Past two towers of one outline within the buffer, and out of it by a hair between: both are seen."""
    base = [(-0.3, -0.1), (-0.3, 0.3)]
    d = 9260.0
    up = (d - 3.0) / 110_574.0
    towers = [(0.3, 0.3), (0.3, 0.24), (-0.28, 0.24), (-0.28, -0.04), (0.3, -0.04), (0.3, -0.1)]
    lat = 0.3 + up
    path = track("t", [0, 1000], [lat, lat], [-0.3, 0.5])
    outline = Polygon((*base, *towers))
    found = conflicts(path, volumes(Volume4D(outline)), separation=Minima(d, 300.0))
    stays = oracle.trajectory_in_volume_reference(path, 0, Volume4D(outline), horizontal_m=d, max_gap_s=None)
    assert len(found) == len(stays)
    for row, stay in zip(found, stays, strict=True):
        assert abs(row.start_us - stay.start_us) < 1000
        assert abs(row.end_us - stay.end_us) < 1000
        assert row.horizontal_m == pytest.approx(stay.distance_m, abs=1e-3)


def test_the_closest_instant_in_a_buffered_circle_is_the_entry_into_the_circle() -> None:
    """The window begins a buffer off; nearest is where the circle itself is entered."""
    centre = (52.0, 5.0)
    path = track("t", [0, 400], [52.0, 52.0], [4.6, 5.4])
    found = conflicts(path, volumes(Volume4D(Circle(*centre, 5000.0))), separation=Minima(2000.0, 300.0))
    assert len(found) == 1
    assert found.start_us[0] < found.closest_us[0] < found.end_us[0]
    away = GEOD.inv(centre[1], centre[0], float(found.lng_deg[0]), float(found.lat_deg[0]))[2]
    assert away == pytest.approx(5000.0, abs=0.01)
    assert found.horizontal_m[0] == 0.0


def test_climbing_through_a_band_is_timed_by_altitude() -> None:
    """From 0 to 3,000 m in 3,000 s through a band of 1,000 to 2,000 m, with 100 m buffer and none."""
    zone = volumes(Volume4D(Circle(34.0, 38.0, 50_000.0), Altitude(1000.0, STD), Altitude(2000.0, STD)))
    path = track("t", [0, 3000], [34.0, 34.0], [38.0, 38.1], [0.0, 3000.0])
    for minima, start, end in ((None, 1000.0, 2000.0), (Minima(10.0, 100.0), 900.0, 2100.0)):
        found = conflicts(path, zone, separation=minima)
        assert (found.start_us[0] - BASE_US) * 1e-6 == pytest.approx(start, abs=2e-6)
        assert (found.end_us[0] - BASE_US) * 1e-6 == pytest.approx(end, abs=2e-6)


def test_exactly_at_the_vertical_buffer_a_track_is_separated() -> None:
    """1,000 ft over a ceiling is separated, a millimetre less is not; on the ceiling is inside."""
    top = 35_000 * FT
    zone = volumes(Volume4D(SQUARE, None, Altitude(top, STD)))
    for high, minima, expected in (
        (36_000 * FT, EN_ROUTE, 0),
        (36_000 * FT - 1e-3, EN_ROUTE, 1),
        (top, None, 1),
        (top + 1e-3, None, 0),
    ):
        assert (
            len(conflicts(track("t", [0, 60], [34.1] * 2, [38.1] * 2, high), zone, separation=minima))
            == expected
        )


def test_a_tracks_altitude_is_compared_where_the_track_is() -> None:
    """A GNSS height under a floor over the sea, 200 km wide: the geoid is looked up along the way."""
    zone = volumes(Volume4D(Circle(34.0, 38.0, 200_000.0), Altitude(1000.0, AMSL), None))
    lat, lng = 34.0, 36.2
    sea = float(alt.convert([1000.0], AMSL, W84, [lat], [lng])[0][0])
    for more, expected in ((-0.2, 0), (0.2, 1), (0.0, 1)):
        path = track("t", [0, 60], [lat, lat], [lng, lng + 1e-4], sea + more, reference=W84)
        found = conflicts(path, zone)
        assert len(found) == expected
        assert len(found.unchecked) == 0
    ellipsoid = volumes(Volume4D(Circle(34.0, 38.0, 200_000.0), None, Altitude(sea, W84)))
    for more, expected in ((-0.2, 1), (0.2, 0)):
        path = track("t", [0, 60], [lat, lat], [lng, lng + 1e-4], 1000.0 + more, reference=AMSL)
        assert len(conflicts(path, ellipsoid)) == expected


def test_unknown_altitudes_leave_the_question_open() -> None:
    """NaN and references that do not compare: unchecked where near, decided where far."""
    banded = volumes(Volume4D(SQUARE, Altitude(0.0, AMSL), Altitude(1000.0, AMSL)))
    nowhere = track("t", [0, 60], [34.1] * 2, [38.1] * 2, np.nan, reference=AMSL)
    found = conflicts(nowhere, banded)
    assert len(found) == 0
    assert found.unchecked.reason.tolist() == [Reason.ALTITUDE_UNKNOWN]
    pressure = conflicts(track("t", [0, 60], [34.1] * 2, [38.1] * 2, 500.0), banded)
    assert pressure.unchecked.reason.tolist() == [Reason.ALTITUDE_INCOMPARABLE]
    away = conflicts(track("t", [0, 60], [36.1] * 2, [38.1] * 2, np.nan), banded)
    assert len(away) == len(away.unchecked) == 0
    # open bands need no altitude
    assert len(conflicts(nowhere, volumes(Volume4D(SQUARE)))) == 1
    # known, lost, known again: the middle is open, both ends are decided
    lost = track(
        "t", [0, 10, 20, 30], [34.1] * 4, [38.1, 38.11, 38.12, 38.13], [500, 500, np.nan, 500], reference=AMSL
    )
    partly = conflicts(lost, banded)
    assert [(row.start_us - BASE_US, row.end_us - BASE_US) for row in partly] == [
        (0, 10 * S),
        (30 * S, 30 * S),
    ]
    assert partly.unchecked.start_us.tolist() == [BASE_US + 10 * S]
    assert partly.unchecked.end_us.tolist() == [BASE_US + 30 * S]


def test_a_track_is_closed_in_time_and_a_window_is_not() -> None:
    """A single sample as the window opens is in it; as it closes, it is not; likewise the ends of a leg."""
    window = (BASE_US + 10 * S, BASE_US + 20 * S)
    zone = volumes(Volume4D(SQUARE, None, None, *window))
    for second, expected in ((10, 1), (20, 0), (15, 1), (9.999999, 0), (19.999999, 1)):
        assert len(conflicts(track("t", [second], [34.1], [38.1]), zone)) == expected
    assert len(conflicts(track("t", [0, 10], [34.1] * 2, [38.1] * 2), zone)) == 1
    assert len(conflicts(track("t", [20, 30], [34.1] * 2, [38.1] * 2), zone)) == 0
    through = conflicts(track("t", [0, 30], [34.1] * 2, [38.1] * 2), zone)
    assert (through.start_us[0], through.end_us[0]) == window


def test_hover_formation_and_samples_at_one_instant() -> None:
    """A hover is in while it hovers; of two samples at one instant each counts, the way between does not."""
    zone = volumes(Volume4D(SQUARE))
    hover = conflicts(track("t", [0, 60, 120], [34.1] * 3, [38.1] * 3), zone)
    assert hover.duration_s.tolist() == [120.0]
    twice = track("t", [0, 30, 30, 60], [34.1, 34.1, 35.1, 35.1], [38.1] * 4)
    assert conflicts(twice, zone).duration_s.tolist() == [30.0]
    between = track("t", [30, 30], [33.9, 34.3], [38.1] * 2)
    assert len(conflicts(between, zone)) == 0
    second = track("t", [30, 30], [33.9, 34.1], [38.1] * 2)
    assert conflicts(second, zone).duration_s.tolist() == [0.0]


def test_recorded_tracks_leave_gaps_unobserved() -> None:
    """With ``max_gap_s`` a gap is neither in nor out, and is listed; a plan has none."""
    zone = volumes(Volume4D(SQUARE))
    path = track("t", [0, 30, 600, 630], [34.1] * 4, [38.1] * 4)
    plan, seen = conflicts(path, zone), conflicts(path, zone, max_gap_s=60.0)
    assert plan.duration_s.tolist() == [630.0]
    assert seen.duration_s.tolist() == [30.0, 30.0]
    assert len(plan.unobserved) == 0
    assert seen.unobserved.who.tolist() == [0]
    assert seen.unobserved.start_us.tolist() == [BASE_US + 30 * S]
    others = conflicts(zone, path, max_gap_s=60.0)
    assert others.assumptions["gaps of the others"].startswith("1 stretches over 60 s")
    alone = conflicts([path, track("u", [0, 30], [10.0] * 2, [10.0] * 2)], max_gap_s=60.0)
    assert len(alone.unobserved) == 1


def test_a_leg_to_the_other_side_of_the_earth_is_refused() -> None:
    """No shortest path, no answer."""
    with pytest.raises(GeometryError, match="other side of the earth"):
        conflicts(track("t", [0, 60], [0.0, 0.0], [0.0, 179.9]), volumes(Volume4D(SQUARE)))


def test_tracks_of_many_years_do_not_exhaust_the_memory() -> None:
    """Two samples 4,000 years apart: pieces are widened, and the answer is the same."""
    years = 4000 * 31_557_600 * S
    path = Trajectories.one("t", [-years // 2, years // 2], [34.1, 34.1], [38.1, 38.1], 100.0)
    found = conflicts(path, volumes(Volume4D(SQUARE, None, None, 0, 60 * S)))
    assert found.duration_s == pytest.approx([60.0], abs=1e-4)


def test_clocks_far_apart_do_not_blur_each_other() -> None:
    """A track dated 1970 and one of today: the second still enters to the microsecond or so."""
    zone = volumes(Volume4D(Circle(34.0, 38.0, 10_000.0), Altitude(1000.0, STD), None))
    one = Trajectories.one("old", [0, S], [0.0, 0.0], [0.0, 0.0], 0.0)
    path = track("t", [0, 1000], [34.0, 34.0], [38.0, 38.01], [0.0, 2000.0])
    alone = conflicts(path, zone)
    both = conflicts([one, path], zone)
    assert abs(int(alone.start_us[0]) - int(both.start_us[0])) <= 1
    assert alone.start_us[0] == BASE_US + 500 * S


# -- zones --------------------------------------------------------------------------------------------------


def test_zones_concern_the_kinds_they_apply_to_and_have_no_buffer() -> None:
    """A claim and a path of each kind against zones for crewed only and for all."""
    zones = Zones.of(
        volumes(Volume4D(SQUARE), Volume4D(SQUARE), ids=["z1", "z2"]),
        applies_to=[(Kind.CREWED,), tuple(Kind)],
        effect=["", "entry by notice"],
    )
    claims = Volumes.of(Labels.of(["c", "u"], kind=[Kind.CREWED, Kind.UNCREWED]), [Volume4D(SQUARE)] * 2)
    paths = Trajectories.of(
        Labels.of(["tc", "tg"], kind=[Kind.CREWED, Kind.GROUND]),
        [0, 2, 4],
        [BASE_US, BASE_US + S] * 2,
        34.1,
        38.1,
        0.0,
    )
    found = conflicts([claims, paths], zones, separation=EN_ROUTE)
    assert pairs_of(found) == {(0, 0), (0, 1), (1, 1), (2, 0), (2, 1), (3, 1)}
    assert {(row.b, row.rule) for row in found} == {(0, "zone"), (1, "entry by notice")}
    near = conflicts(volumes(Volume4D(box(34.0, 38.201, 34.2, 38.3))), zones, separation=EN_ROUTE)
    assert len(near) == 0


def test_a_zone_is_nobodys_body_whatever_it_is_called() -> None:
    """A claim that happens to have a zone's id is still checked against it."""
    zones = Zones.of(volumes(Volume4D(SQUARE), ids=["same"]))
    assert pairs_of(conflicts(volumes(Volume4D(SQUARE), ids=["same"]), zones)) == {(0, 0)}
    assert pairs_of(conflicts(track("same", [0], [34.1], [38.1]), zones)) == {(0, 0)}


# -- what is said where nothing is found --------------------------------------------------------------------


def test_nothing_found_returns_the_assumptions() -> None:
    """An empty answer is not a clearance: it says under what it holds, and how volumes are read."""
    found = conflicts(volumes(Volume4D(SQUARE), Volume4D(APART)))
    assert len(found) == 0
    assert found.assumptions["minima"] == "none"
    assert "touching is meeting" in found.assumptions["volumes"]
    assert "motion" not in found.assumptions
    assert found.rules[0] == MEETING
    moving = conflicts([volumes(Volume4D(SQUARE)), track("t", [0], [10.0], [10.0])])
    assert "geodesic" in moving.assumptions["motion"]
    assert "5 NM" in moving.assumptions["minima"]
    zones = conflicts(volumes(Volume4D(APART)), Zones.of(Volumes.of(Labels.of([]), [])))
    assert len(zones) == 0
    assert zones.rules == ("zone",)


def test_nothing_given_is_an_error_and_modes_do_not_mix() -> None:
    """No sets at all; and real claims against simulated ones."""
    with pytest.raises(InputError, match="nothing to check"):
        conflicts([])
    simulated = volumes(Volume4D(SQUARE), data_mode=DataMode.SIMULATED)
    for one, two in (([volumes(Volume4D(SQUARE)), simulated], None), (volumes(Volume4D(SQUARE)), simulated)):
        with pytest.raises(ModeError):
            conflicts(one, two)
    with pytest.raises(ModeError):
        conflicts(volumes(Volume4D(SQUARE)), Zones.of(simulated))


# -- attacks ------------------------------------------------------------------------------------------------


def test_hundreds_of_identical_volumes_all_meet() -> None:
    """500 times the same volume are 124,750 pairs, each once, in seconds."""
    n = 500
    same = Volumes.from_columns(
        Labels.of([str(k) for k in range(n)]),
        np.arange(n + 1) * 4,
        np.tile([34.0, 34.0, 34.2, 34.2], n),
        np.tile([38.0, 38.2, 38.2, 38.0], n),
        *(0.0, -np.inf, 0, np.inf, 0, EVER, FOREVER),
    )
    conflicts(same.take(np.arange(2)))  # compiled
    begin = time.process_time()
    found = conflicts(same)
    assert time.process_time() - begin < 20.0
    assert len(found) == found.pairs == n * (n - 1) // 2


def test_polygons_of_ten_thousand_vertices_are_compared_in_time() -> None:
    """Rings round one another a metre apart, and saws side by side: every edge is near another."""
    rings = [regular(52.0, 5.0, 50_000.0 + k, 10_000) for k in (0.0, 1.0, 2.0)]
    apart = [Volume4D(ring) for ring in rings]
    meet(Volume4D(SQUARE), Volume4D(SQUARE))  # compiled
    begin = time.process_time()
    assert pairs_of(conflicts(volumes(*apart))) == {(0, 1), (0, 2), (1, 2)}
    beside = [
        Volume4D(polygon(*_comb(2_400, 0.0))),
        Volume4D(polygon(*_comb(2_400, 0.51))),
    ]
    assert len(conflicts(volumes(*beside))) == 0
    near = conflicts(volumes(*beside), separation=Minima(2_000.0, 0.0))
    assert len(near) == 1
    assert time.process_time() - begin < 30.0
    # they are nearest where the parallels are shortest
    top = [polygon(*_comb(24, east, step=0.5 / 2_400, south=0.5 - 24 * 0.5 / 2_400)) for east in (0.0, 0.51)]
    assert near.horizontal_m[0] == pytest.approx(oracle.outlines_apart_reference(*top), abs=0.01)


def _comb(
    n: int, east: float, *, step: float = 0.5 / 2_400, south: float = 0.0
) -> tuple[list[float], list[float]]:
    """The outline of a rectangle half a degree wide whose east and west sides are saws of n teeth."""
    lat = south + np.arange(n + 1) * step
    saw = np.where(np.arange(n + 1) % 2, 0.0, 0.001)
    return (
        [*lat.tolist(), *lat[::-1].tolist()],
        [*(east + 0.5 - saw).tolist(), *(east + saw[::-1]).tolist()],
    )


@pytest.mark.parametrize("lng", [-360.0, -180.0, 180.0, 360.0])
def test_coordinates_that_count_on_are_the_same_places(lng: float) -> None:
    """A volume at 0 meets one at 360, one at 180 meets one at -180."""
    one = Volume4D(Polygon(((0.0, lng), (0.0, lng - 1 if lng > 0 else lng + 1), (1.0, lng))))
    other = -360.0 if lng == 360.0 else 360.0 if lng == -360.0 else -lng
    assert len(meet(one, Volume4D(Circle(0.2, other, 100.0)))) == 1


def test_edges_through_a_pole() -> None:
    """An edge that runs over the pole passes it: things on both sides, and on it, meet as they should."""
    over = Volume4D(Polygon(((89.0, 0.0), (89.0, 180.0), (88.0, 90.0))))
    assert len(meet(over, Volume4D(Circle(90.0, 0.0, 1.0)))) == 1
    assert len(meet(over, Volume4D(Circle(89.5, 90.0, 1000.0)))) == 1
    assert len(meet(over, Volume4D(Circle(89.5, -90.0, 50_000.0)))) == 0
    assert len(meet(over, Volume4D(Circle(89.5, -90.0, 56_000.0)))) == 1
    path = track("t", [0, 60], [89.9, 89.9], [-90.0, 90.0])
    found = conflicts(path, volumes(over))
    assert found.duration_s[0] == pytest.approx(30.0, abs=1e-3)


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_slivers_and_needles_never_crash_and_never_hide(seed: int) -> None:
    """Thin triangles of any proportion that share a vertex always meet."""
    random = rng(seed)
    lat, lng = float(random.uniform(-89.0, 89.0)), float(random.uniform(-180.0, 180.0))
    shapes = []
    for _ in range(2):
        azimuth = float(random.uniform(0.0, 360.0))
        far = float(10.0 ** random.uniform(1.0, 5.0))
        tip = go_one(lat, lng, azimuth, far)
        side = go_one(
            tip[0], tip[1], azimuth + 90.0, max(0.01, far * float(10.0 ** random.uniform(-6.0, -1.0)))
        )
        shapes.append(Polygon(((lat, lng), tip[:2], side[:2])))
    assert len(meet(Volume4D(shapes[0]), Volume4D(shapes[1]))) == 1


def test_pairs_of_every_kind_of_outline_are_kept_apart() -> None:
    """What the oracle's own helper says of pairs built by hand, both ways round."""
    for pair in (
        Pair(SQUARE, Circle(34.1, 38.3, 5_000.0)),
        Pair(SQUARE, box(34.0, 38.21, 34.2, 38.3)),
        Pair(Circle(34.0, 38.0, 1000.0), Circle(34.0, 38.03, 1000.0)),
    ):
        apart = oracle.outlines_apart_reference(pair.one, pair.two)
        assert apart > 0.0
        for one, two in ((pair.one, pair.two), (pair.two, pair.one)):
            assert len(meet(Volume4D(one), Volume4D(two))) == 0
            found = meet(Volume4D(one), Volume4D(two), Minima(apart + 1.0, 0.0))
            assert found.horizontal_m[0] == pytest.approx(apart, abs=1e-3)
