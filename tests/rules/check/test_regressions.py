"""Faults that were here once, each with the numbers that showed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from skypact.airspace import (
    EN_ROUTE,
    Altitude,
    AltitudeReference,
    Circle,
    Kind,
    Labels,
    Minima,
    Polygon,
    Rule,
    Separation,
    States,
    Trajectories,
    Volume4D,
    Volumes,
)
from skypact.airspace.altitude import convert
from skypact.airspace.earth import geod
from skypact.check import Index, Reason, conflicts, entries, inside, losses
from skypact.check._sweep import frame_bound
from skypact.check.reference import losses_reference, trajectory_in_volume_reference
from skypact.instants import EVER, parse_instant
from skypact.units import FT_M

if TYPE_CHECKING:
    from skypact.check import Findings

STD, W84, AMSL, AGL = (AltitudeReference[name] for name in ("STD", "W84", "AMSL", "AGL"))
SECOND_US = 1_000_000
EQUATOR_M = 111_319.4908
"""A degree of longitude at the equator, on the ellipsoid."""
millisecond = 1e-3


def eastward(seconds: tuple[float, ...], lng: tuple[float, ...], name: str = "d") -> Trajectories:
    """A track along the equator."""
    n = len(seconds)
    time = np.array([s * SECOND_US for s in seconds], np.int64)
    return Trajectories.of(Labels.of([name]), [0, n], time, np.zeros(n), lng, np.zeros(n))


@pytest.mark.parametrize("seconds", [(0, 50, 100), (0, 100), tuple(range(0, 101, 10))])
def test_a_circle_is_entered_and_left_when_its_edge_is_crossed(seconds: tuple[float, ...]) -> None:
    """However the track is sampled, a circle is entered and left at the instants worked out by hand."""
    track = eastward(seconds, tuple(s * 1e-4 for s in seconds))
    circle = Volumes.of(Labels.of(["c"], kind=Kind.STATIC), [Volume4D(Circle(0.0, 0.005, 100.0))])
    found = entries(track, circle, max_gap_s=None)
    half_s = 100.0 / (EQUATOR_M * 1e-4)
    assert len(found) == 1
    assert found.start_us[0] / SECOND_US == pytest.approx(50.0 - half_s, abs=millisecond)
    assert found.end_us[0] / SECOND_US == pytest.approx(50.0 + half_s, abs=millisecond)


def test_entry_into_a_circle_is_predicted_in_time() -> None:
    """At 100 m/s, a circle whose edge is 1,113 m ahead is entered after 11.1 s."""
    state = States.of(Labels.of(["s"]), 0, [0.0], [-0.015], [0.0], [100.0], [np.pi / 2])
    circle = Volumes.of(Labels.of(["c"], kind=Kind.STATIC), [Volume4D(Circle(0.0, 0.0, 556.6))])
    found = entries(state, circle)
    assert found.time_to_s[0] == pytest.approx((0.015 * EQUATOR_M - 556.6) / 100.0, abs=millisecond)
    assert found.duration_s[0] == pytest.approx(2 * 556.6 / 100.0, abs=millisecond)


def test_a_pair_without_a_rule_names_no_rule() -> None:
    """Two overlapping volumes that no rule covers are found as touching, not under the pact's first rule."""
    square = Polygon(((0.0, 0.0), (0.0, 0.1), (0.1, 0.1), (0.1, 0.0)))
    volumes = Volumes.of(Labels.of(["a", "b"], kind=Kind.UNCREWED), [Volume4D(square), Volume4D(square)])
    rules = Separation((Rule("crewed/crewed", ("crewed", "crewed"), EN_ROUTE),))
    found = conflicts(volumes, separation=rules)
    assert [row.rule for row in found] == ["volumes: touching is meeting"]


def test_flying_on_after_the_window_is_outside_of_everything() -> None:
    """A track that flies on when its own volume's window has ended has no volume in force, at no distance."""
    track = eastward((0, 50, 100), (0.0, 0.005, 0.01))
    own = Volumes.of(
        Labels.of(["v"], body=["d"]),
        [Volume4D(Circle(0.0, 0.005, 5_000.0), start_us=0, end_us=50 * SECOND_US)],
    )
    found = inside(track, own, max_gap_s=None)
    assert [(row.start_us, row.end_us) for row in found] == [(50 * SECOND_US, 100 * SECOND_US)]
    assert found[0].rule == "inside a volume of its own that is in force"
    assert np.isnan(found.horizontal_m[0])


def test_a_volume_has_no_altitude_of_its_own() -> None:
    """Where the volume comes first, the altitude of a finding is not that of the track."""
    track = eastward((0, 100), (0.0, 0.01))
    circle = Volumes.of(Labels.of(["c"]), [Volume4D(Circle(0.0, 0.005, 100.0))])
    assert np.isnan(conflicts(circle, track).altitude_m).all()
    assert conflicts(track, circle).altitude_m.tolist() == [0.0]
    assert np.isnan(conflicts([circle, track]).altitude_m).all()


# -- a known altitude between unknown ones ----------------------------------------------------------------

Window = tuple[float, float]
UNKNOWN = float("nan")


def hovering(
    name: str, seconds: list[float], altitude_m: list[float], reference: AltitudeReference = STD
) -> Trajectories:
    """A thing that stays where it is, its altitude known or not."""
    n = len(seconds)
    time_us = np.rint(np.array(seconds) * SECOND_US).astype(np.int64)
    return Trajectories.one(name, time_us, [50.0] * n, [5.0] * n, altitude_m, reference=reference)


def layer(low: Altitude | None, high: Altitude | None, start_us: int = EVER) -> Volume4D:
    """A disc round where things hover, from one altitude to another."""
    return Volume4D(Circle(50.0, 5.0, 1_000.0), low, high, start_us)


def one_volume(volume: Volume4D) -> Volumes:
    """A volume named z."""
    return Volumes.of(Labels.of(["z"]), [volume])


def asked_of_an_index(
    held: Volumes | Trajectories, claim: Volumes | Trajectories, buffer: Minima | None
) -> Findings:
    """What a claim meets in an index of another."""
    index = Index(buffer)
    index.insert(held)
    return index.query(claim)[0]


def windows(found: Findings, shift_s: float = 0.0) -> tuple[list[Window], list[Window]]:
    """What was found and what was left open for want of an altitude, in seconds."""
    open_ = found.unchecked
    assert (open_.reason == Reason.ALTITUDE_UNKNOWN).all()
    return (
        [(r.start_us / SECOND_US - shift_s, r.end_us / SECOND_US - shift_s) for r in found],
        [
            (start / SECOND_US - shift_s, end / SECOND_US - shift_s)
            for start, end in zip(open_.start_us.tolist(), open_.end_us.tolist(), strict=True)
        ],
    )


@pytest.mark.parametrize("shift_s", [0, 1, 3, 17, 63, 64, 197, 256])
@pytest.mark.parametrize(
    ("altitude_m", "found", "left"),
    [
        ([UNKNOWN, 1_000.0], [(60, 60)], [(0, 60)]),
        ([1_000.0, UNKNOWN], [(0, 0)], [(0, 60)]),
        ([UNKNOWN, 1_000.0, UNKNOWN], [(60, 60)], [(0, 120)]),
        ([UNKNOWN, 1_000.0, 1_000.0, UNKNOWN], [(60, 120)], [(0, 60), (120, 180)]),
        ([UNKNOWN, 1_000.0, UNKNOWN, 1_000.0], [(60, 60), (180, 180)], [(0, 180)]),
        ([UNKNOWN, 9_000.0, UNKNOWN], [], [(0, 120)]),
    ],
)
def test_a_sample_of_known_altitude_between_unknown_ones_is_decided(
    altitude_m: list[float], found: list[Window], left: list[Window], shift_s: int
) -> None:
    """Its instant is found beside the stretch left open, by every check, wherever slabs of time begin."""
    seconds = [60.0 * k + shift_s for k in range(len(altitude_m))]
    one, two = hovering("a", seconds, altitude_m), hovering("b", seconds, [1_000.0] * len(seconds))
    both = Trajectories.concat([one, two])
    volume = one_volume(layer(Altitude(900.0, STD), Altitude(1_100.0, STD)))
    for answer in (
        losses(both),
        losses(one, two),
        losses(two, one),
        conflicts(both),
        asked_of_an_index(two, one, None),
        asked_of_an_index(one, two, None),
        conflicts(one, volume),
        conflicts(volume, one),
        asked_of_an_index(volume, one, None),
        asked_of_an_index(one, volume, None),
    ):
        assert windows(answer, shift_s) == (found, left)


@pytest.mark.parametrize("late_s", [0.0, 0.5, 7.0])
def test_known_samples_meet_only_what_is_known_at_their_instant(late_s: float) -> None:
    """Known samples meet each other at one instant, or another's known leg; beside unknown legs, nothing."""
    one = hovering("a", [late_s, 60 + late_s, 120 + late_s], [UNKNOWN, 1_000.0, UNKNOWN])
    two = hovering("b", [0, 60, 120], [UNKNOWN, 1_000.0, UNKNOWN])
    three = hovering("c", [0, 50, 70, 120], [UNKNOWN, 1_000.0, 1_000.0, UNKNOWN])
    at = (60.0 + late_s, 60.0 + late_s)
    assert windows(losses(Trajectories.concat([one, two])))[0] == ([at] if late_s == 0.0 else [])
    assert windows(losses(Trajectories.concat([one, three])))[0] == [at]
    assert windows(losses(Trajectories.concat([three, one])))[0] == [at]


@pytest.mark.parametrize("seed", range(6))
def test_altitudes_that_come_and_go_agree_with_the_oracle(seed: int) -> None:
    """In crowds half of whose altitudes are unknown, the oracle decides what the engine decides."""
    random = np.random.default_rng(seed)
    n = 40
    sizes = random.integers(1, 9, n)
    cuts = np.concatenate([[0], np.cumsum(sizes)])
    m = int(cuts[-1])
    steps = np.concatenate([np.sort(random.integers(0, 40, size)) for size in sizes])
    tracks = Trajectories.of(
        Labels.of([f"t{k}" for k in range(n)]),
        cuts,
        (steps.astype(np.int64) * 5 + int(random.integers(0, 1_000))) * SECOND_US,
        random.uniform(50.0, 50.2, m),
        random.uniform(5.0, 5.2, m),
        np.where(random.random(m) < 0.5, np.nan, random.choice([0.0, 200.0, 900.0], m)),
    )
    asked = Minima(9_000.0, 300.0)
    found, oracle = losses(tracks, separation=asked), losses_reference(tracks, separation=asked)
    decided, open_ = oracle.reason < 0, found.unchecked
    ours = np.stack([found.a, found.b, found.start_us, found.end_us], axis=1)
    left = np.stack([open_.a, open_.b, open_.start_us, open_.end_us], axis=1)
    theirs = np.column_stack([oracle.a[oracle.pair], oracle.b[oracle.pair], oracle.start_us, oracle.end_us])
    assert decided.sum() > 20
    assert (~decided).sum() > 20
    for both in ((ours, theirs[decided]), (left, theirs[~decided])):
        said, meant = (rows[np.lexsort(rows.T[::-1])] for rows in both)
        assert said[:, :2].tolist() == meant[:, :2].tolist()
        np.testing.assert_allclose(said[:, 2:], meant[:, 2:], rtol=0, atol=1_000)


@pytest.mark.parametrize("own", [STD, W84])
def test_the_oracle_decides_known_samples_in_volumes(own: AltitudeReference) -> None:
    """A known sample between unknown ones is in the volume for the oracle and the engine, converted or no."""
    reference = STD if own is STD else AMSL
    high = 1_000.0 if own is STD else float(convert(np.array([1_000.0]), AMSL, W84, [50.0], [5.0])[0][0])
    track = hovering("a", [0, 60, 120], [UNKNOWN, high, UNKNOWN], own)
    volume = layer(Altitude(900.0, reference), Altitude(1_100.0, reference))
    stays = trajectory_in_volume_reference(track, 0, volume)
    assert [(s.start_us, s.end_us, s.known) for s in stays] == [
        (60 * SECOND_US, 60 * SECOND_US, True),
        (0, 120 * SECOND_US, False),
    ]
    assert windows(conflicts(track, one_volume(volume))) == ([(60, 60)], [(0, 120)])


# -- volumes, rules, time ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("lat", "buffer"), [(51.000847, Minima(3_000.0, 100.0)), (51.01, None)])
def test_a_leg_of_a_nanometre_hovers_inside(lat: float, buffer: Minima | None) -> None:
    """Two samples one binary step of latitude apart are in the square that they are in, or beside."""
    time_us = [0, 10 * SECOND_US]
    track = Trajectories.one("t", time_us, [lat, np.nextafter(lat, 90.0)], [5.063316] * 2, [100.0] * 2)
    square = one_volume(Volume4D(Polygon(((51.0, 4.0), (51.0, 6.0), (53.0, 6.0), (53.0, 4.0)))))
    for found in (conflicts(track, square, separation=buffer), asked_of_an_index(square, track, buffer)):
        assert [(r.start_us, r.end_us) for r in found] == [(0, 10 * SECOND_US)]


def test_a_rule_of_an_id_that_is_a_party_too_holds() -> None:
    """A name may be one thing's id and another's party: a rule that names it fits both, in every check."""
    labels = Labels.of(["red", "x", "y"], party=["blue", "red", "blue"])
    still = [hovering(name, [0, 60], [1_000.0] * 2) for name in labels.ids]
    tracks = Trajectories.of(
        labels,
        [0, 2, 4, 6],
        np.concatenate([s.time_us for s in still]),
        50.0,
        5.0,
        1_000.0,
    )
    rules = Separation((Rule("named", ("red", "y"), Minima(5_000.0, 300.0)),))
    found = conflicts(tracks, separation=rules)
    assert {(r.a, r.b, r.rule) for r in found} == {(0, 2, "named"), (1, 2, "named")}
    index = Index(rules)
    index.insert(tracks.take(np.array([0, 1])))
    found, _ = index.query(tracks.take(np.array([2])))
    assert {(r.rule, found.labels_b.ids[r.b]) for r in found} == {("named", "red"), ("named", "x")}


@pytest.mark.parametrize("base", [0, parse_instant("2026-06-01T12:00:00.123457Z")])
@pytest.mark.parametrize(("buffer", "start_m"), [(Minima(0.001, 100.0), 900.0), (None, 1_000.0 - 2e-6)])
def test_descending_from_the_least_height_is_no_window(
    buffer: Minima | None, start_m: float, base: int
) -> None:
    """What is exactly separated from a floor at its first instant, and descends, was never too near to it."""
    track = Trajectories.one(
        "t", [base, base + SECOND_US], [50.0] * 2, [5.0] * 2, [start_m, start_m - 1_000.0]
    )
    volume = one_volume(layer(Altitude(1_000.0, STD), None))
    for found in (
        conflicts(track, volume, separation=buffer),
        asked_of_an_index(volume, track, buffer),
        asked_of_an_index(track, volume, buffer),
    ):
        assert len(found) == 0


def both_ways(one: Volume4D, two: Volume4D, buffer: Minima | None) -> list[Findings]:
    """Two volumes asked of the check, and of an index either way round."""
    a, b = Volumes.of(Labels.of(["a"]), [one]), Volumes.of(Labels.of(["b"]), [two])
    return [
        conflicts(a, b, separation=buffer),
        asked_of_an_index(a, b, buffer),
        asked_of_an_index(b, a, buffer),
    ]


@pytest.mark.parametrize(("feet", "met"), [(1_000, 0), (999, 1), (1_001, 0)])
def test_layers_a_thousand_feet_apart_are_separated_by_a_thousand_feet(feet: int, met: int) -> None:
    """FL 350 and FL 360 are not exactly 1,000 ft apart in binary metres, and yet separated by 1,000 ft."""
    for low in (35_000, 1_000, 40_999):
        one = layer(Altitude((low - 500) * FT_M, STD), Altitude(low * FT_M, STD))
        two = layer(Altitude((low + feet) * FT_M, STD), Altitude((low + feet + 500) * FT_M, STD))
        for found in both_ways(one, two, Minima(100.0, 1_000 * FT_M)):
            assert (len(found), len(found.unchecked)) == (met, 0)


@pytest.mark.parametrize(
    ("one", "two", "met", "left"),
    [
        (layer(None, Altitude(1_000.0, STD)), layer(Altitude(2_000.0, STD), Altitude(300.0, AGL)), 0, 0),
        (layer(None, None), layer(Altitude(0.0, STD), Altitude(300.0, AGL)), 1, 0),
        (layer(None, Altitude(1_000.0, STD)), layer(None, Altitude(300.0, AGL)), 1, 0),
        (layer(Altitude(0.0, AGL), None), layer(Altitude(0.0, STD), None), 1, 0),
        (layer(None, Altitude(1_000.0, STD)), layer(Altitude(300.0, AGL), None), 0, 1),
    ],
)
def test_open_bounds_of_other_references_are_decided_where_they_can_be(
    one: Volume4D, two: Volume4D, met: int, left: int
) -> None:
    """An open bound compares with anything, and only a floor against a ceiling can be undecided."""
    for found in both_ways(one, two, None):
        assert (len(found), len(found.unchecked)) == (met, left)


@pytest.mark.parametrize(("height_m", "met"), [(1_046.0, 1), (1_000.0, 0)])
def test_a_height_over_the_ellipsoid_is_taken_to_the_sea(height_m: float, met: int) -> None:
    """At 50 N 5 E the geoid is 46 m over the ellipsoid: 1,046 m over the one is 1,000 m over the other."""
    track = hovering("t", [0, 60], [height_m] * 2, W84)
    volume = one_volume(layer(Altitude(990.0, AMSL), Altitude(1_010.0, AMSL)))
    for found in (conflicts(track, volume), asked_of_an_index(volume, track, None)):
        assert (len(found), len(found.unchecked)) == (met, 0)


@pytest.mark.parametrize("start_s", [0, 1, 128, 255])
def test_windows_of_the_index_do_not_know_its_slabs(start_s: int) -> None:
    """A stay over one of the index's cuts, every 256 s, is one window, and one that ends on it ends there."""
    base = parse_instant("2026-06-01T12:00:00Z") // (256 * SECOND_US) * 256 * SECOND_US
    times = base + np.array([start_s, 256, 600]) * SECOND_US
    track, other = (Trajectories.one(name, times, [50.0] * 3, [5.0] * 3, [500.0] * 3) for name in "ab")
    for end_s in (256, 512, 600):
        closed = Volume4D(Circle(50.0, 5.0, 1_000.0), None, None, EVER, base + end_s * SECOND_US)
        found = asked_of_an_index(one_volume(closed), track, None)
        assert [(r.start_us - base, r.end_us - base) for r in found] == [
            (start_s * SECOND_US, end_s * SECOND_US)
        ]
    found = asked_of_an_index(other, track, None)
    assert [(r.start_us - base, r.end_us - base) for r in found] == [(start_s * SECOND_US, 600 * SECOND_US)]


def test_a_microsecond_in_the_year_9999_is_not_rounded_away() -> None:
    """Volumes that overlap for 1 us meet, and those that follow each other do not, however old a third is."""
    late = parse_instant("9999-12-31T00:00:00Z")
    shape = Circle(50.0, 5.0, 1_000.0)
    old = Volume4D(shape, None, None, 0, 1)
    first = Volume4D(shape, None, None, late - 60 * SECOND_US, late + 1)
    second = Volume4D(shape, None, None, late, late + 60 * SECOND_US)
    after = Volume4D(shape, None, None, late + 1, late + 60 * SECOND_US)
    names = Labels.of(["old", "first", "second"])
    found = conflicts(Volumes.of(names, [old, first, second]))
    assert [(r.a, r.b, r.start_us, r.end_us) for r in found] == [(1, 2, late, late + 1)]
    assert len(conflicts(Volumes.of(names, [old, first, after]))) == 0
    index = Index()
    index.insert(Volumes.of(Labels.of(["old", "first"]), [old, first]))
    assert [(r.start_us, r.end_us) for r in index.query(one_volume(second))[0]] == [(late, late + 1)]
    assert len(index.query(one_volume(after))[0]) == 0


@pytest.mark.parametrize("radius_m", [10_000.0, 100_000.0, 500_000.0, 1_000_000.0])
def test_ends_at_wide_circles_reach_outward_by_twice_the_bound_at_most(radius_m: float) -> None:
    """A track out of a circle leaves it no earlier than it does, and less than twice the bound later."""
    random = np.random.default_rng(int(radius_m))
    bound = frame_bound(6_000.0, radius_m)
    for lat, bearing in zip(random.uniform(-70.0, 70.0, 20), random.uniform(0.0, 360.0, 20), strict=True):
        way = np.array([radius_m - 3_000.0, radius_m + 3_000.0])
        lng_deg, lat_deg, _ = geod().fwd(np.zeros(2), np.full(2, lat), np.full(2, bearing), way)
        track = Trajectories.one("t", [0, 60 * SECOND_US], lat_deg, lng_deg, [0.0, 0.0])
        (row,) = conflicts(track, one_volume(Volume4D(Circle(float(lat), 0.0, radius_m))))
        beyond = way[0] + 6_000.0 * row.end_us / (60 * SECOND_US) - radius_m
        assert -1e-4 < beyond < 2.0 * bound + 1e-4  # a microsecond is 0.1 mm here
