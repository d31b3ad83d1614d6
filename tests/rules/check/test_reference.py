"""The oracle against answers that can be worked out by hand, and against brute force."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import awkward as aw
from skypact.airspace import (
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
from skypact.airspace import altitude as alt
from skypact.check import Reason, reference
from skypact.check.reference import (
    apart_reference,
    encounters_reference,
    losses_reference,
    outlines_apart_reference,
    rule_reference,
    trajectory_in_volume_reference,
    unobserved_reference,
    volumes_meet_reference,
)
from skypact.instants import EVER, FOREVER

A_M = 6378137.0
DEGREE_M = math.radians(1.0) * A_M
"""A degree along the equator, which is a geodesic of the equator's radius."""
S = 1_000_000


def both(one: Trajectories, two: Trajectories) -> Trajectories:
    """Two trajectories, rows 0 and 1."""
    return Trajectories.concat([one, two])


def test_the_oracle_shares_nothing_with_the_kernels() -> None:
    """The oracle imports no kernel, no frame of theirs and no compiler."""
    tree = ast.parse(Path(reference.__file__).read_text(encoding="utf-8"))
    names = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    } | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    allowed = (
        "skypact.airspace.altitude",
        "skypact.airspace.labels",
        "skypact.airspace.moving",
        "skypact.airspace.separation",
        "skypact.airspace.volumes",
        "skypact.check.findings",
    )
    ours = {name for name in names if name.startswith("skypact")}
    assert {name for name in ours if not name.startswith(allowed)} == {"skypact.airspace.altitude"} - set(
        allowed
    )
    assert not any("numba" in name or "earth" in name or "_sweep" in name for name in names)


# -- losses -----------------------------------------------------------------------------------------------


def test_head_on_along_the_equator() -> None:
    """Two that meet on the equator come together when, where and as long as arithmetic says."""
    tracks = both(
        aw.track("east", [0, 60], [0.0, 0.0], [-0.1, 0.1]), aw.track("west", [0, 60], [0.0, 0.0], [0.1, -0.1])
    )
    found = losses_reference(tracks)
    closing = 0.4 * DEGREE_M / 60.0
    half = 9260.0 / closing
    assert found.closest_m[0] == pytest.approx(0.0, abs=1e-6)
    assert found.closest_us[0] == aw.BASE_US + 30 * S
    assert found.start_us[0] == pytest.approx(aw.BASE_US + (30.0 - half) * 1e6, abs=1.0)
    assert found.end_us[0] == pytest.approx(aw.BASE_US + (30.0 + half) * 1e6, abs=1.0)
    assert (found.lat_deg[0], found.lng_deg[0]) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert found.vertical_gap_m[0] == 0.0
    assert found.reason.tolist() == [-1]


def test_a_climb_along_the_equator_is_inside_while_the_altitudes_are() -> None:
    """One hovers, one climbs past it: inside for as long as under 1,000 ft apart, and at exactly that not."""
    tracks = both(
        aw.track("hover", [0, 60], [0.0, 0.0], [0.0, 0.0], 5000.0),
        aw.track("climb", [0, 60], [0.0, 0.0], [0.01, 0.01], [4400.0, 5600.0]),
    )
    found = losses_reference(tracks)
    half = 304.8 / 20.0
    assert found.start_us[0] == pytest.approx(aw.BASE_US + (30.0 - half) * 1e6, abs=1.0)
    assert found.end_us[0] == pytest.approx(aw.BASE_US + (30.0 + half) * 1e6, abs=1.0)
    assert found.window_m[0] == pytest.approx(0.01 * DEGREE_M, abs=1e-6)
    level = both(
        aw.track("lower", [0, 60], [0.0, 0.0], [0.0, 0.0], 35_000 * 0.3048),
        aw.track("upper", [0, 60], [0.0, 0.0], [0.0, 0.1], 36_000 * 0.3048),
    )
    assert losses_reference(level).pair.shape == (0,)
    assert np.isnan(losses_reference(level).closest_m[0])
    assert losses_reference(level, separation=Minima(9260.0, 304.8 + 1e-5)).pair.shape == (1,)


@pytest.mark.parametrize(
    "name", ["crossing", "head_on", "by_a_pole", "by_the_antimeridian", "drones", "wide"]
)
def test_pairs_pass_at_the_distance_they_were_built_to_pass_at(name: str) -> None:
    """The closest point that a pair was built about is the closest point that the oracle finds."""
    pairs = aw.PAIRS[name](aw.rng(11), 400)
    found = losses_reference(pairs.tracks, separation=pairs.minima, pairs=pairs.rows)
    # side by side they may come nearer still, before or after; few do
    near = pairs.apart_m < pairs.minima.horizontal_m + reference.FAR_M
    assert np.all(found.closest_m[~near] > pairs.minima.horizontal_m)
    beyond = (found.closest_m - pairs.apart_m)[near]
    assert beyond.max() < 1e-6
    assert np.mean(np.abs(beyond) < 1e-6) > 0.9
    assert np.median(np.abs(found.closest_us - pairs.at_us[found.pair])) <= 1


@pytest.mark.parametrize(
    "name", ["crossing", "overtaking", "climbing", "turning", "long_legs", "unknown_altitudes"]
)
def test_brute_force_finds_nothing_nearer(name: str) -> None:
    """At four thousand instants of each pair the oracle's windows say whether they are inside."""
    pairs = aw.PAIRS[name](aw.rng(12), 12)
    tracks, minima = pairs.tracks, pairs.minima
    gap = None if name == "long_legs" else 60.0
    found = losses_reference(tracks, separation=minima, pairs=pairs.rows, max_gap_s=gap)
    checked = 0
    for k, (a, b) in enumerate(pairs.rows.tolist()):
        own = [slice(int(tracks.offsets[r]), int(tracks.offsets[r + 1])) for r in (a, b)]
        start = max(int(tracks.time_us[s][0]) for s in own)
        end = min(int(tracks.time_us[s][-1]) for s in own)
        if start > end:
            continue
        at = np.linspace(start, end, 4001).astype(np.int64)
        apart = apart_reference(tracks, None, np.full(at.shape, a), np.full(at.shape, b), at)
        high = [np.interp(at, tracks.time_us[s], tracks.altitude_m[s]) for s in own]
        gaps = np.abs(high[0] - high[1])
        inside = (apart < minima.horizontal_m) & (gaps < minima.vertical_m - 1e-6)
        windows = np.nonzero((found.pair == k) & (found.reason < 0))[0]
        said = np.zeros(at.shape, np.bool_)
        for w in windows.tolist():
            said |= (at >= found.start_us[w]) & (at <= found.end_us[w])
        edge = np.zeros(at.shape, np.bool_)
        for w in windows.tolist():
            edge |= (np.abs(at - found.start_us[w]) < 2) | (np.abs(at - found.end_us[w]) < 2)
        edge |= np.abs(apart - minima.horizontal_m) < 1e-7
        for sample in np.concatenate([tracks.time_us[s] for s in own]).tolist():
            edge |= np.abs(at - sample) < 2
        unknown = ~np.isfinite(gaps)
        sure = ~edge & ~unknown
        assert np.array_equal(said[sure], inside[sure])
        if np.any(inside & sure):
            assert apart[inside & sure].min() >= found.closest_m[k] - 1e-7
        checked += 1
    assert checked > 6


def test_exactly_at_the_minimum_is_separated() -> None:
    """A pass at the minimum to the bit is none; one a micrometre nearer is a loss of an instant's length."""
    tracks = both(aw.track("a", [0], [0.0], [0.0]), aw.track("b", [0], [0.0], [0.05]))
    apart = float(apart_reference(tracks, None, [0], [1], [aw.BASE_US])[0])
    assert losses_reference(tracks, separation=Minima(apart, 100.0)).pair.shape == (0,)
    found = losses_reference(tracks, separation=Minima(apart + 1e-6, 100.0))
    assert found.start_us.tolist() == found.end_us.tolist() == [aw.BASE_US]


def test_uncertainty_adds_to_the_minima() -> None:
    """A bound on the position error of either widens the minima of the pair."""
    columns = ([0, 1, 2], [aw.BASE_US] * 2, [0.0, 0.0], [0.0, 9261.0 / DEGREE_M], [0.0, 305.0])
    sure = Trajectories.of(aw.numbered(2), *columns)
    assert losses_reference(sure).pair.shape == (0,)
    unsure = Trajectories.of(
        aw.numbered(2), *columns, horizontal_uncertainty_m=[1.0, 0.5], vertical_uncertainty_m=[0.0, 1.0]
    )
    found = losses_reference(unsure)
    assert found.pair.shape == (1,)
    assert (found.horizontal_m[0], found.vertical_m[0]) == (9261.5, 305.8)


def test_what_cannot_be_compared_is_said() -> None:
    """An unknown altitude and two references that do not compare are windows with a reason, not losses."""
    lost = both(
        aw.track("a", [0, 60], [0.0, 0.0], [0.0, 0.1], [np.nan, 0.0]),
        aw.track("b", [0, 60], [0.0] * 2, [0.0] * 2),
    )
    found = losses_reference(lost)
    assert found.reason.tolist() == [Reason.ALTITUDE_UNKNOWN]
    assert np.isnan(found.closest_m[0])
    assert np.isnan(found.vertical_gap_m[0])
    mixed = Trajectories.of(
        aw.numbered(2), [0, 1, 2], [aw.BASE_US] * 2, [0.0] * 2, [0.0] * 2, [0.0] * 2, reference=[1, 3]
    )
    assert losses_reference(mixed).reason.tolist() == [Reason.ALTITUDE_INCOMPARABLE]


def test_the_geoid_lies_between_the_sea_and_the_ellipsoid() -> None:
    """Level over the sea, level over the ellipsoid: inside where the geoid brings them near enough."""
    columns = (
        [0, 2, 4],
        np.tile([aw.BASE_US, aw.BASE_US + 600 * S], 2),
        [30.0, 10.0] * 2,
        [80.0] * 4,
        [9000.0] * 4,
    )
    tracks = Trajectories.of(
        aw.numbered(2), *columns, reference=[AltitudeReference.AMSL, AltitudeReference.W84]
    )
    at = np.linspace(30.0, 10.0, 401)
    lifted, _ = alt.convert(
        np.full(401, 9000.0), AltitudeReference.AMSL, AltitudeReference.W84, at, np.full(401, 80.0)
    )
    limit = float(np.median(np.abs(lifted - 9000.0)))
    found = losses_reference(tracks, separation=Minima(1000.0, limit), max_gap_s=None)
    inside = np.abs(lifted - 9000.0) < limit
    assert 0 < inside.sum() < 401
    seconds = np.linspace(0.0, 600.0, 401)
    said = np.zeros(401, np.bool_)
    for w in range(found.pair.shape[0]):
        t0, t1 = ((int(x) - aw.BASE_US) * 1e-6 for x in (found.start_us[w], found.end_us[w]))
        said |= (seconds >= t0 - 1.6) & (seconds <= t1 + 1.6)
    assert not np.any(inside & ~said)
    assert said.sum() - inside.sum() < 8


def test_gaps_are_neither_seen_nor_searched() -> None:
    """Over a gap there are no windows, and the stretch is listed; without a limit there is no gap."""
    tracks = both(
        aw.track("a", [0, 1, 100, 101], [0.0] * 4, [-0.5, -0.49, 0.49, 0.5]),
        aw.track("b", [0, 60, 120], [0.0] * 3, [0.0] * 3),
    )
    assert losses_reference(tracks).pair.shape == (0,)
    assert unobserved_reference(tracks, 60.0) == [(0, aw.BASE_US + S, aw.BASE_US + 100 * S)]
    assert losses_reference(tracks, max_gap_s=None).pair.shape == (1,)
    assert unobserved_reference(tracks, None) == []


def test_pairs_of_one_body_and_pairs_without_a_rule_are_set_apart() -> None:
    """One body is never paired with itself; a pair without a rule is named; the rest is looked at."""
    labels = Labels.of(["a", "b", "c"], body=["x", "x", "y"], kind=[Kind.CREWED, Kind.CREWED, Kind.GROUND])
    tracks = Trajectories.of(labels, [0, 1, 2, 3], [0] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3)
    found = losses_reference(tracks)
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == [(0, 2), (1, 2)]
    ruled = losses_reference(
        tracks, separation=Separation((Rule("", ("crewed", "crewed"), Minima(1.0, 1.0)),))
    )
    assert ruled.a.shape == (0,)
    assert ruled.no_rule.tolist() == [[0, 2], [1, 2]]
    across = losses_reference(tracks, tracks.take(np.array([2, 1])), pairs=[[0, 0], [0, 1], [2, 1]])
    assert list(zip(across.a.tolist(), across.b.tolist(), strict=True)) == [(0, 0), (2, 1)]
    assert losses_reference(tracks, pairs=[[2, 0]]).a.tolist() == [0]


def test_rules_are_read_in_order_and_both_ways() -> None:
    """The first rule whose sides fit, in either order, holds."""
    separation = Separation(
        (Rule("1", ("ground", "north"), Minima(1.0, 1.0)), Rule("2", ("t1", "any"), Minima(1.0, 1.0)))
    )
    labels = Labels.of(
        ["t0", "t1", "t2"], party=["north", "", ""], kind=[Kind.CREWED, Kind.GROUND, Kind.GROUND]
    )
    assert [
        rule_reference(separation, labels, a, labels, b) for a, b in ((0, 1), (1, 0), (2, 1), (2, 2))
    ] == [0, 0, 1, -1]


# -- encounters -------------------------------------------------------------------------------------------


def test_states_meet_on_the_equator() -> None:
    """Each state moves from its own instant at its own speed; for those inside now, the window starts now."""
    states = States.of(
        aw.numbered(2),
        [aw.BASE_US, aw.BASE_US - 10 * S],
        0.0,
        [0.0, 0.5],
        0.0,
        [100.0, 200.0],
        np.radians([90.0, 270.0]),
    )
    found = encounters_reference(states)
    assert found.pair.shape == (1,)
    seconds = (0.5 * DEGREE_M - 2000.0) / 300.0
    assert found.closest_us[0] == pytest.approx(aw.BASE_US + seconds * 1e6, abs=1.0)
    assert found.start_us[0] == pytest.approx(aw.BASE_US + (seconds - 9260.0 / 300.0) * 1e6, abs=1.0)
    short = encounters_reference(states, lookahead_s=seconds - 9260.0 / 300.0 - 0.001)
    assert short.pair.shape == (0,)
    later = encounters_reference(states, now_us=int(found.start_us[0]) + S)
    assert later.start_us.tolist() == [int(found.start_us[0]) + S]
    across = encounters_reference(states, states)
    assert list(zip(across.a.tolist(), across.b.tolist(), strict=True)) == [(0, 1), (1, 0)]


@pytest.mark.parametrize("name", ["crossing", "by_a_pole", "old_states"])
def test_states_pass_at_the_distance_they_were_built_to_pass_at(name: str) -> None:
    """Where the closest point lies well within the look-ahead, the oracle's is the one built in."""
    pairs = aw.STATE_PAIRS[name](aw.rng(13), 300)
    flat = Minima(pairs.minima.horizontal_m, 100_000.0, pairs.minima.lookahead_s)
    found = encounters_reference(pairs.states, separation=flat, now_us=pairs.now_us, pairs=pairs.rows)
    within = (pairs.in_s >= 0.0) & (pairs.in_s <= flat.lookahead_s)
    assert within.sum() > 200
    assert np.abs(found.closest_m - pairs.apart_m)[within].max() < 1e-6


# -- distances at instants --------------------------------------------------------------------------------


def test_the_distance_at_an_instant() -> None:
    """The distance is asked of any two rows at any instant; where one is not there it is not a number."""
    tracks = both(aw.track("a", [0, 60], [0.0, 0.0], [0.0, 0.6]), aw.track("b", [30], [0.0], [0.0]))
    at = aw.BASE_US + np.array([30, 31, -1]) * S
    apart = apart_reference(tracks, None, [0, 0, 0], [1, 1, 1], at)
    assert apart[0] == pytest.approx(0.3 * DEGREE_M, abs=1e-6)
    assert np.isnan(apart[1:]).all()
    other = apart_reference(tracks, tracks, [0], [0], [aw.BASE_US])
    assert other.tolist() == [0.0]
    moving = States.of(aw.numbered(2), aw.BASE_US, 0.0, [0.0, 1.0], 0.0, [100.0, 0.0], np.radians(90.0))
    later = apart_reference(moving, None, [0], [1], [aw.BASE_US + 60 * S])
    assert later[0] == pytest.approx(DEGREE_M - 6000.0, abs=1e-6)


# -- volumes ----------------------------------------------------------------------------------------------


def circle(lng: float, radius_m: float = 10_000.0, lat: float = 0.0) -> Volume4D:
    """A circle, by default on the equator, at all heights and times."""
    return Volume4D(Circle(lat, lng, radius_m))


def test_circles_are_as_far_apart_as_their_centres_less_their_radii() -> None:
    """Two circles on the equator: their distance is arithmetic, and never under zero."""
    assert outlines_apart_reference(Circle(0.0, 0.0, 10_000.0), Circle(0.0, 1.0, 20_000.0)) == pytest.approx(
        DEGREE_M - 30_000.0, abs=1e-6
    )
    assert outlines_apart_reference(Circle(0.0, 0.0, 60_000.0), Circle(0.0, 1.0, 60_000.0)) == 0.0


def test_a_circle_beside_an_edge_along_the_equator() -> None:
    """North of an edge on the equator a circle is its meridian arc away; inside, it is at no distance."""
    polygon = Polygon(((0.0, -1.0), (0.0, 1.0), (-1.0, 0.0)))
    _, _, arc = aw.GEOD.inv(0.3, 0.0, 0.3, 0.5)
    assert outlines_apart_reference(Circle(0.5, 0.3, 1000.0), polygon) == pytest.approx(
        arc - 1000.0, abs=1e-6
    )
    assert outlines_apart_reference(polygon, Circle(0.5, 0.3, 1000.0)) == pytest.approx(
        arc - 1000.0, abs=1e-6
    )
    assert outlines_apart_reference(polygon, Circle(-0.1, 0.0, 1.0)) == 0.0
    closed = Polygon((*polygon.vertices, polygon.vertices[0]))
    assert outlines_apart_reference(closed, Circle(0.5, 0.3, 1000.0)) == pytest.approx(arc - 1000.0, abs=1e-6)
    _, _, corner = aw.GEOD.inv(1.0, 0.0, 2.0, 0.0)
    assert outlines_apart_reference(polygon, Circle(0.0, 2.0, 1.0)) == pytest.approx(corner - 1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("plain", "clockwise"),
        ("plain", "inside plain"),
        ("inside plain", "plain"),
        ("plain", "a cross with plain"),
        ("plain", "touches plain's east edge"),
        ("plain", "touches plain's corner"),
        ("over the antimeridian", "counted on past 180"),
        ("round the north pole", "a vertex at the pole"),
        ("concave", "plain"),
    ],
)
def test_awkward_outlines_that_meet(one: str, two: str) -> None:
    """Outlines that overlap, hold each other, cross like a plus sign or only touch are no distance apart."""
    shapes = aw.VOLUMES[one].outline, aw.VOLUMES[two].outline
    assert outlines_apart_reference(*shapes) == pytest.approx(0.0, abs=1e-6)
    assert outlines_apart_reference(*reversed(shapes)) == pytest.approx(0.0, abs=1e-6)


def test_a_bay_is_outside() -> None:
    """What lies in the bay of a concave outline is outside it, as far as the nearest shore."""
    shape = aw.VOLUMES["concave"].outline
    bay = Circle(34.15, 38.2, 1.0)
    apart = outlines_apart_reference(shape, bay)
    _, _, shore = aw.GEOD.inv(38.2, 34.15, 38.1, 34.15)
    assert apart == pytest.approx(shore - 1.0, rel=1e-3)


def test_the_smaller_side_is_meant_at_a_pole_too() -> None:
    """A ring round the pole holds the pole, whichever way it is wound, and not the equator."""
    ring = aw.VOLUMES["round the north pole"].outline
    assert isinstance(ring, Polygon)
    for outline in (ring, Polygon(ring.vertices[::-1])):
        assert outlines_apart_reference(outline, Circle(90.0, 0.0, 1.0)) == 0.0
        assert outlines_apart_reference(outline, Circle(0.0, 0.0, 1.0)) > 9_000_000.0


@given(st.integers(0, 2**32 - 1))
def test_distances_of_outlines_are_symmetric(seed: int) -> None:
    """The distance from one polygon to another is that from the other to the one, and zero to itself."""
    random = aw.rng(seed)
    shapes = []
    for _ in range(2):
        k = int(random.integers(3, 7))
        lat, lng, _ = aw.go(
            np.full(k, 80.0), np.full(k, 179.9), random.uniform(0, 360), random.uniform(0, 9000)
        )
        lat, lng, _ = aw.go(lat, lng, np.sort(random.uniform(0, 360, k)), random.uniform(500, 4000, k))
        shapes.append(Polygon(tuple(zip(lat.tolist(), lng.tolist(), strict=True))))
    there, back = outlines_apart_reference(*shapes), outlines_apart_reference(*reversed(shapes))
    assert there == pytest.approx(back, abs=1e-6)
    assert outlines_apart_reference(shapes[0], shapes[0]) == 0.0


def test_bands_and_windows_of_volumes() -> None:
    """Bands that touch meet, windows that touch do not, and the buffer is strict."""
    plain = aw.VOLUMES["plain"]
    above = volumes_meet_reference(plain, aw.VOLUMES["touches plain's ceiling"])
    assert above.gap_m == 0.0
    assert above.meets() is True
    later = volumes_meet_reference(plain, aw.VOLUMES["begins as plain ends"])
    assert later.start_us == later.end_us
    assert later.meets() is False
    high = Volume4D(plain.outline, aw.amsl(3100.0))
    gap = volumes_meet_reference(plain, high)
    assert (gap.gap_m, gap.meets(), gap.meets(0.0, 100.0), gap.meets(0.0, 100.1)) == (
        100.0,
        False,
        False,
        True,
    )
    assert (gap.start_us, gap.end_us) == (plain.start_us, plain.end_us)
    far = volumes_meet_reference(circle(0.0), circle(1.0))
    assert far.meets() is False
    assert far.meets(far.distance_m) is False
    assert far.meets(far.distance_m + 1e-3) is True


def test_bands_that_cannot_be_compared() -> None:
    """Between references that do not compare the gap is unknown, unless other bounds decide."""
    outline = Circle(0.0, 0.0, 1000.0)
    agl = Volume4D(outline, Altitude(0.0, AltitudeReference.AGL), Altitude(120.0, AltitudeReference.AGL))
    sea = Volume4D(outline, aw.amsl(1000.0), None)
    assert volumes_meet_reference(agl, sea).meets() is None
    assert volumes_meet_reference(agl, Volume4D(outline)).gap_m == 0.0
    lifted = Volume4D(outline, Altitude(1000.0, AltitudeReference.W84))
    undulation, _ = alt.convert(0.0, AltitudeReference.AMSL, AltitudeReference.W84, 0.0, 0.0)
    below = Volume4D(outline, None, aw.amsl(900.0))
    assert volumes_meet_reference(lifted, below).gap_m == pytest.approx(100.0 - float(undulation), abs=1e-6)


def test_a_stay_in_a_circle_on_the_equator() -> None:
    """In at the near side, out at the far side, deepest in the middle; nearer by a buffer, longer by it."""
    track = aw.track("t", [0, 60], [0.0, 0.0], [-0.5, 0.5])
    speed = DEGREE_M / 60.0
    (stay,) = trajectory_in_volume_reference(track, 0, circle(0.0))
    assert stay.start_us == pytest.approx(aw.BASE_US + (30.0 - 10_000.0 / speed) * 1e6, abs=2.0)
    assert stay.end_us == pytest.approx(aw.BASE_US + (30.0 + 10_000.0 / speed) * 1e6, abs=2.0)
    assert stay.distance_m == pytest.approx(-10_000.0, abs=1e-3)
    (wide,) = trajectory_in_volume_reference(track, 0, circle(0.0), horizontal_m=500.0, vertical_m=1.0)
    assert wide.start_us == pytest.approx(aw.BASE_US + (30.0 - 10_500.0 / speed) * 1e6, abs=2.0)
    assert trajectory_in_volume_reference(track, 0, circle(0.0, 10_000.0, 1.0)) == []


def test_a_stay_ends_with_the_volumes_window() -> None:
    """The window of a volume is half-open: at its first instant a track is in, at its last not any more."""
    hover = aw.track("t", [0, 60], [0.0, 0.0], [0.0, 0.0])
    windows = {
        (10, 20): [(10, 20)],
        (60, 70): [(60, 60)],
        (-10, 0): [],
        (EVER, FOREVER): [(0, 60)],
    }
    for (start, end), expected in windows.items():
        limits = [x if abs(x) > 1000 else aw.BASE_US + x * S for x in (start, end)]
        stays = trajectory_in_volume_reference(
            hover, 0, Volume4D(Circle(0.0, 0.0, 10.0), None, None, *limits)
        )
        assert [((s.start_us - aw.BASE_US) / S, (s.end_us - aw.BASE_US) / S) for s in stays] == expected


def test_a_stay_is_bounded_by_floor_and_ceiling() -> None:
    """Through the floor in, through the ceiling out; with a buffer earlier and later, exactly at it not."""
    climb = aw.track("t", [0, 50], [0.0, 0.0], [0.0, 0.0], [0.0, 500.0], reference=AltitudeReference.AMSL)
    volume = Volume4D(Circle(0.0, 0.0, 10.0), aw.amsl(100.0), aw.amsl(200.0))
    (stay,) = trajectory_in_volume_reference(climb, 0, volume)
    assert [(x - aw.BASE_US) / S for x in (stay.start_us, stay.end_us)] == pytest.approx(
        [10.0, 20.0], abs=1e-5
    )
    (stay,) = trajectory_in_volume_reference(climb, 0, volume, vertical_m=50.0)
    assert [(x - aw.BASE_US) / S for x in (stay.start_us, stay.end_us)] == pytest.approx(
        [5.0, 25.0], abs=1e-5
    )
    level = aw.track("t", [0, 50], [0.0] * 2, [0.0] * 2, 150.0 + 100.0, reference=AltitudeReference.AMSL)
    assert trajectory_in_volume_reference(level, 0, volume, vertical_m=50.0) == []
    assert trajectory_in_volume_reference(level, 0, Volume4D(volume.outline, aw.amsl(250.0)))[0].known


def test_a_stay_may_be_unknown() -> None:
    """Under a floor in another reference, or without an altitude, a stay is one that is not known."""
    volume = Volume4D(Circle(0.0, 0.0, 10.0), Altitude(100.0, AltitudeReference.AGL))
    hover = aw.track("t", [0, 50], [0.0] * 2, [0.0] * 2, 150.0)
    assert [s.known for s in trajectory_in_volume_reference(hover, 0, volume)] == [False]
    lost = aw.track("t", [0, 50], [0.0] * 2, [0.0] * 2, np.nan)
    assert [s.known for s in trajectory_in_volume_reference(lost, 0, volume)] == [False]
    assert [s.known for s in trajectory_in_volume_reference(lost, 0, circle(0.0))] == [True]
    dark = aw.track("t", [0, 50], [0.0] * 2, [0.0] * 2, [np.nan, 150.0], reference=AltitudeReference.AMSL)
    above = Volume4D(Circle(0.0, 0.0, 10.0), aw.amsl(100.0))
    stays = trajectory_in_volume_reference(dark, 0, above)
    assert [(s.start_us - aw.BASE_US, s.known) for s in stays] == [(50 * S, True), (0, False)]


def test_a_floor_over_the_ellipsoid_is_compared_with_the_sea() -> None:
    """A track over the sea enters a floor over the ellipsoid where the geoid says it does."""
    track = aw.track("t", [0, 50], [0.0] * 2, [0.0] * 2, [0.0, 500.0], reference=AltitudeReference.AMSL)
    floor = Volume4D(Circle(0.0, 0.0, 10.0), Altitude(200.0, AltitudeReference.W84))
    undulation, _ = alt.convert(0.0, AltitudeReference.AMSL, AltitudeReference.W84, 0.0, 0.0)
    (stay,) = trajectory_in_volume_reference(track, 0, floor)
    assert (stay.start_us - aw.BASE_US) / S == pytest.approx((200.0 - float(undulation)) / 10.0, abs=1e-5)


def test_in_and_out_of_a_concave_outline() -> None:
    """A straight flight over a bay is in, out over the water, and in again; gaps cut stays too."""
    track = aw.track("t", [0, 60], [34.15, 34.15], [37.9, 38.5])
    volume = aw.VOLUMES["concave"]
    stays = trajectory_in_volume_reference(track, 0, volume)
    assert len(stays) == 2
    assert [(s.end_us - s.start_us) / S for s in stays] == pytest.approx([10.0, 10.0], abs=0.1)
    gap = aw.track("t", [0, 61], [34.15, 34.15], [37.9, 38.5])
    assert trajectory_in_volume_reference(gap, 0, volume) == []
    assert len(trajectory_in_volume_reference(gap, 0, volume, max_gap_s=None)) == 2


def test_a_stay_goes_on_over_a_sample() -> None:
    """Inside over several legs is one stay, closest where any of them is."""
    track = aw.track("t", [0, 30, 60], [0.0, 0.0, 0.05], [-0.05, 0.0, 0.0])
    (stay,) = trajectory_in_volume_reference(track, 0, circle(0.0))
    assert (stay.start_us, stay.end_us) == (aw.BASE_US, aw.BASE_US + 60 * S)
    assert stay.closest_us == aw.BASE_US + 30 * S


def test_along_an_edge_is_inside() -> None:
    """A flight along an edge touches the outline all the way, so it is inside all the way."""
    edge = Polygon(((0.0, -0.01), (0.0, 0.01), (0.01, 0.0)))
    track = aw.track("t", [0, 50], [0.0, 0.0], [-0.01, 0.01])
    (stay,) = trajectory_in_volume_reference(track, 0, Volume4D(edge))
    assert (stay.start_us, stay.end_us) == (aw.BASE_US, aw.BASE_US + 50 * S)


def test_a_corner_is_cut_for_an_instant() -> None:
    """A flight that only clips a corner is in for as long as the clip, however short beside the leg."""
    corner = Polygon(((0.0, 1.0), (1.0, 0.0), (-1.0, 0.0)))
    lng = 1.0 - 1e-5
    track = aw.track("t", [0, 50], [-1.0, 1.0], [lng, lng])
    (stay,) = trajectory_in_volume_reference(track, 0, Volume4D(corner))
    assert 0 < stay.end_us - stay.start_us < 2000
    assert -2.0 < stay.distance_m < 0.0


def test_awkward_volumes_are_volumes() -> None:
    """Every awkward volume is a sound one, and lies at no distance from itself."""
    volumes = Volumes.of(Labels.of(sorted(aw.VOLUMES)), [aw.VOLUMES[name] for name in sorted(aw.VOLUMES)])
    assert len(volumes) == len(aw.VOLUMES)
    for volume in aw.VOLUMES.values():
        assert volumes_meet_reference(volume, volume).meets() is True
