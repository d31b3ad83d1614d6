"""Encounters between live states: the engine against the oracle, other detectors' faults, and the laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import awkward as aw
from agree import assert_agree
from skypact.airspace import (
    AltitudeReference,
    DataMode,
    Kind,
    Labels,
    Minima,
    Proximity,
    Rule,
    Separation,
    States,
    earth,
)
from skypact.check import FindingKind, Reason, encounters
from skypact.check._moving import predicted_drift, side_of_states
from skypact.check.reference import encounters_reference
from skypact.errors import ModeError
from skypact.units import FPM_M_S, FT_M, KT_M_S, NM_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

S = 1_000_000
PER_FAMILY = 1_500


def states(*rows: tuple[float, float, float, float, float, float], **more: Any) -> States:
    """States at once: latitude, longitude, altitude (ft), track (degrees), speed (kt), climb (ft/min)."""
    lat, lng, feet, track, knots, climb = (np.array(column) for column in zip(*rows, strict=True))
    return States.of(
        more.pop("labels", aw.numbered(len(rows))),
        more.pop("time_us", aw.BASE_US),
        lat,
        lng,
        feet * FT_M,
        knots * KT_M_S,
        np.radians(track),
        climb * FPM_M_S,
        **more,
    )


# -- against the oracle -----------------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", sorted(aw.STATE_PAIRS))
def test_the_engine_and_the_oracle_agree_about_the_future(name: str) -> None:
    """Of the built pairs of states none is missed, none is made up, and every number agrees."""
    pairs = aw.STATE_PAIRS[name](aw.rng(len(name)), PER_FAMILY)
    found = encounters(pairs.states, separation=pairs.minima, now_us=pairs.now_us)
    rows = np.unique(np.concatenate([pairs.rows, np.stack([found.a, found.b], axis=1)]), axis=0)
    oracle = encounters_reference(pairs.states, separation=pairs.minima, now_us=pairs.now_us, pairs=rows)
    agreement = assert_agree(found, oracle, pairs.states)
    assert agreement.pairs >= PER_FAMILY
    assert agreement.inside > PER_FAMILY // 5
    assert found.start_us.min() >= pairs.now_us
    assert found.end_us.max() <= pairs.now_us + round(pairs.minima.lookahead_s * 1e6)


@pytest.mark.parametrize("lat", [0.0, 34.0, 52.0, 65.0, 75.0, 85.0, 89.9])
def test_the_closest_point_is_the_geodesics_at_every_latitude(lat: float) -> None:
    """All pairs of 60 airliners a degree apart: closest points to a micrometre of WGS 84 propagation."""
    random = aw.rng(int(lat))
    n = 60
    at_lat, at_lng, _ = aw.go(
        np.full(n, lat), 0.0, random.uniform(0, 360, n), random.uniform(0, 60, n) * NM_M
    )
    crowd = States.of(
        aw.numbered(n),
        aw.BASE_US - random.integers(0, 10 * S, n),
        at_lat,
        at_lng,
        10_000.0,
        random.uniform(200, 500, n) * KT_M_S,
        random.uniform(0.0, 2.0 * np.pi, n),
    )
    found = encounters(crowd, now_us=aw.BASE_US)
    oracle = encounters_reference(crowd, now_us=aw.BASE_US)
    agreement = assert_agree(found, oracle, crowd)
    assert agreement.inside > 50
    assert agreement.worst_m < 1e-6


def test_an_hour_ahead() -> None:
    """Far ahead the paths are still geodesics: an hour at airline speed agrees to a tenth of a millimetre."""
    pairs = aw.meeting_states(aw.rng(31), 500, Minima(9260.0, 304.8, 3600.0))
    found = encounters(pairs.states, separation=pairs.minima, now_us=pairs.now_us)
    rows = np.unique(np.concatenate([pairs.rows, np.stack([found.a, found.b], axis=1)]), axis=0)
    oracle = encounters_reference(pairs.states, separation=pairs.minima, now_us=pairs.now_us, pairs=rows)
    near = np.full(oracle.a.shape[0], np.inf)
    row = {(int(a), int(b)): k for k, (a, b) in enumerate(zip(oracle.a, oracle.b, strict=True))}
    for f in found:
        k = row[f.a, f.b]
        near[k] = min(near[k], f.horizontal_m)
    inside = oracle.closest_m < 9260.0 - 1e-4
    assert inside.sum() > 100
    assert np.isfinite(near[inside]).all()
    assert np.abs(near - oracle.closest_m)[inside].max() < 1e-4
    assert not np.isfinite(near[~inside & (oracle.closest_m > 9260.0 + 1e-4)]).any()


# -- what other detectors get wrong (all of them are inside or will be) -----------------------------------

FORMATION = states((52.0, 4.0, 30_000, 0, 250, 0), (52.0, 4.0 + 1.0 / 60.0 / 0.6157, 30_000, 0, 250, 0))
HOVER = states((52.0, 4.0, 400, 0, 0, 0), (52.0 + 0.5 / 60.0, 4.0, 400, 0, 0, 0))
CLIMBS_INTO = states((52.0, 4.0, 30_000, 90, 300, 0), (52.0 + 1.0 / 60.0, 4.0, 25_000, 90, 300, 2000))
ANTIMERIDIAN = states((0.0, 179.9, 30_000, 90, 400, 0), (0.0, -179.7667, 30_000, 270, 400, 0))
OVER_THE_POLE = states((89.9, 0.0, 30_000, 0, 400, 0), (89.9, 180.0, 30_000, 0, 400, 0))


@pytest.mark.parametrize(
    ("pair", "now", "whole"),
    [
        pytest.param(FORMATION, True, True, id="formation with equal velocities"),
        pytest.param(HOVER, True, True, id="both hovering"),
        pytest.param(CLIMBS_INTO, False, False, id="same track and speed, one climbs into the other"),
        pytest.param(ANTIMERIDIAN, False, False, id="head-on over the antimeridian"),
        pytest.param(OVER_THE_POLE, False, False, id="converging over the pole"),
    ],
)
def test_what_other_detectors_lose(pair: States, now: bool, whole: bool) -> None:
    """Equal velocities, hover, a climb, the antimeridian and the pole are cases like any other."""
    found = encounters(pair)
    assert len(found) == 1
    assert (found.time_to_s[0] == 0.0) == now
    assert (found.duration_s[0] == 300.0) == whole
    assert_agree(found, encounters_reference(pair), pair)


def test_two_climbs_that_meet_say_when() -> None:
    """A climb at 2,000 ft/min from 5,000 ft below is inside after two minutes, for one."""
    found = encounters(CLIMBS_INTO)
    assert found.time_to_s[0] == pytest.approx(120.0, abs=1e-3)
    assert found.duration_s[0] == pytest.approx(60.0, abs=1e-3)


# -- decided cases ----------------------------------------------------------------------------------------


def test_a_prediction_says_when_and_from_when() -> None:
    """The columns of a head-on encounter on the equator are what arithmetic says."""
    degree_m = np.pi / 180.0 * 6378137.0
    pair = states((0.0, 0.0, 30_000, 90, 400, 0), (0.0, 0.5, 30_000, 270, 500, 0))
    found = encounters(pair)
    (row,) = found
    closing = 900.0 * KT_M_S
    assert row.kind is FindingKind.ENCOUNTER
    assert found.now_us == aw.BASE_US
    assert found.time_to_s[0] == pytest.approx((0.5 * degree_m - 9260.0) / closing, abs=1e-5)
    assert found.duration_s[0] == pytest.approx(2.0 * 9260.0 / closing, abs=1e-5)
    assert row.lng_deg == pytest.approx(0.5 * 400.0 / 900.0, abs=1e-8)
    assert found.assumptions["look-ahead"] == "300 s"
    assert found.assumptions["now"] == "2017-06-08T12:00:00Z"


def test_now_is_the_latest_state_unless_said() -> None:
    """Older states are moved up to now; now may be asked for, and is never before the question's window."""
    pair = states(
        (0.0, 0.0, 30_000, 90, 400, 0),
        (0.0, 0.2, 30_000, 270, 400, 0),
        time_us=[aw.BASE_US - 30 * S, aw.BASE_US],
    )
    assert encounters(pair).now_us == aw.BASE_US
    later = encounters(pair, now_us=aw.BASE_US + 10 * S)
    assert later.now_us == aw.BASE_US + 10 * S
    assert later.closest_us.tolist() == encounters(pair).closest_us.tolist()
    others = encounters(pair.__class__(*[getattr(pair, c) for c in pair.__slots__]), pair)
    assert len(others) == 2


@pytest.mark.parametrize("edge_us", [-2, 0, 2])
def test_the_look_ahead_ends_where_it_says(edge_us: int) -> None:
    """An encounter that begins at the end of the look-ahead is found, one that begins after it is not."""
    pair = states((0.0, 0.0, 30_000, 90, 400, 0), (0.0, 0.5, 30_000, 270, 400, 0))
    begins = float(encounters(pair).time_to_s[0])
    found = encounters(pair, lookahead_s=begins + edge_us * 1e-6)
    assert edge_us == 0 or len(found) == (0 if edge_us < 0 else 1)  # at the edge itself a microsecond decides
    if len(found):
        assert found.end_us[0] == aw.BASE_US + round((begins + edge_us * 1e-6) * 1e6)


def test_no_look_ahead_is_now() -> None:
    """With a look-ahead of nothing only those inside minima now are found, for an instant."""
    found = encounters(FORMATION, lookahead_s=0.0)
    assert len(found) == 1
    assert found.duration_s.tolist() == [0.0]
    assert len(encounters(ANTIMERIDIAN, lookahead_s=0.0)) == 0


def test_each_rule_looks_as_far_ahead_as_it_says() -> None:
    """A pair is predicted as far as its own rule looks, and no further than the caller asks."""
    labels = Labels.of(["a", "b", "c"], kind=[Kind.CREWED, Kind.CREWED, Kind.UNCREWED])
    rules = Separation(
        (
            Rule("drone", ("uncrewed", "any"), Minima(9260.0, 304.8, 30.0)),
            Rule("crewed", ("any", "any"), Minima(9260.0, 304.8, 300.0)),
        )
    )
    row = (0.0, 0.5, 30_000, 270, 400, 0)
    trio = states((0.0, 0.0, 30_000, 90, 400, 0), row, row, labels=labels)
    assert {(f.a, f.b) for f in encounters(trio, separation=rules)} == {(0, 1), (1, 2)}
    assert {(f.a, f.b) for f in encounters(trio, separation=rules, lookahead_s=60.0)} == {(1, 2)}


def test_old_states_cost_no_more_than_new_ones() -> None:
    """A state from fifty years ago is moved along its geodesic as exactly as one from a minute ago."""
    old = states((10.0, 20.0, 30_000, 45, 400, 0), (10.0, 20.0, 30_000, 45, 400, 0), time_us=[0, 0])
    found = encounters(old, now_us=aw.BASE_US)
    assert len(found) == 1
    lat, lng, _ = aw.go(10.0, 20.0, 45.0, 400.0 * KT_M_S * aw.BASE_US * 1e-6)
    _, _, off = aw.GEOD.inv(float(lng), float(lat), found.lng_deg[0], found.lat_deg[0])
    assert off < 0.1


def test_one_fast_thing_does_not_spoil_the_rest() -> None:
    """Beside something at orbital speed, and a day ahead, slow encounters are still found as they are."""
    crowd = states(
        (0.0, 0.0, 300, 90, 20, 0), (0.0, 0.01, 300, 270, 20, 0), (50.0, 0.0, 900_000, 90, 20_000, 0)
    )
    found = encounters(crowd, separation=Minima(200.0, 30.0, 86_400.0))
    alone = encounters(
        crowd.__class__.of(aw.numbered(2), *_columns(crowd, 2)), separation=Minima(200.0, 30.0, 86_400.0)
    )
    assert len(alone) == 1
    assert [(f.a, f.b) for f in found] == [(0, 1)]
    assert abs(int(found.start_us[0]) - int(alone.start_us[0])) < 1000
    assert found.horizontal_m[0] == pytest.approx(alone.horizontal_m[0], abs=1e-3)


def _columns(of: States, n: int) -> list[NDArray[Any]]:
    names = (
        "time_us",
        "lat_deg",
        "lng_deg",
        "altitude_m",
        "ground_speed_m_s",
        "track_rad",
        "vertical_rate_m_s",
    )
    return [getattr(of, name)[:n] for name in names]


def test_fast_things_among_many_are_met_too() -> None:
    """A few things at kilometres a second among airliners: every pair is as the oracle has it."""
    random = aw.rng(41)
    n = 250
    lat, lng, _ = aw.go(np.full(n, 52.0), 4.0, random.uniform(0, 360, n), random.uniform(0, 200_000, n))
    speed = random.uniform(100.0, 250.0, n)
    speed[:4] = [1500.0, 3000.0, 7500.0, 12_000.0]
    things = States.of(
        aw.numbered(n),
        aw.BASE_US,
        lat,
        lng,
        10_000.0,
        speed,
        random.uniform(0.0, 6.3, n),
        random.uniform(-3, 3, n),
    )
    found, oracle = encounters(things), encounters_reference(things)
    assert assert_agree(found, oracle, things).inside > 300
    assert {f.a for f in found} >= {0, 1, 2}


def test_unknown_altitudes_are_unchecked_where_near() -> None:
    """A state without an altitude is listed where it comes near, with the reason."""
    pair = states((0.0, 0.0, np.nan, 90, 400, 0), (0.0, 0.2, 30_000, 270, 400, 0))
    found = encounters(pair)
    assert len(found) == 0
    assert found.unchecked.reason.tolist() == [Reason.ALTITUDE_UNKNOWN]
    mixed = states(
        (0.0, 0.0, 0, 90, 400, 0),
        (0.0, 0.2, 0, 270, 400, 0),
        reference=[AltitudeReference.AGL, AltitudeReference.AMSL],
    )
    assert encounters(mixed).unchecked.reason.tolist() == [Reason.ALTITUDE_INCOMPARABLE]


def test_agreed_proximity_holds_for_predictions() -> None:
    """A formation that has agreed to fly close is shown and marked, unless that ends within the window."""
    for until, agreed in ((aw.BASE_US + 300 * S, True), (aw.BASE_US + 299 * S, False)):
        rules = Separation(Separation.uniform().rules, (Proximity(("t0", "t1"), until),))
        assert encounters(FORMATION, separation=rules).agreed.tolist() == [agreed]


def test_one_body_and_two_modes() -> None:
    """One body is no pair, and live states are not checked against simulated ones."""
    labels = Labels.of(["radar", "adsb"], body=["x", "x"])
    row = (0.0, 0.0, 0, 0, 0, 0)
    assert len(encounters(states(row, row, labels=labels))) == 0
    simulated = states(row, row, labels=Labels.of(["a", "b"], data_mode=DataMode.SIMULATED))
    with pytest.raises(ModeError, match="data modes would be mixed"):
        encounters(HOVER, simulated)


def test_no_states_meet_nobody() -> None:
    """Nothing to predict is answered with nothing, and with its assumptions."""
    none = States.of(Labels.of([]), 0, [], [], [], [], [])
    found = encounters(none)
    assert len(found) == 0
    assert found.assumptions["motion"]
    assert len(encounters(none, HOVER)) == 0


# -- laws -------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.floats(-360.0, 360.0), st.integers(-(10**6), 10**6))
@settings(max_examples=40)
def test_order_turn_and_clock_do_not_matter_to_predictions(seed: int, turn: float, shift_s: int) -> None:
    """Shuffled, turned about the axis and moved in time, the same states have the same encounters."""
    random = aw.rng(seed)
    n = 8
    lat, lng, _ = aw.go(
        np.full(n, random.choice([0.0, 52.0, 89.9])),
        0.0,
        random.uniform(0, 360, n),
        random.uniform(0, 30_000, n),
    )
    columns: dict[str, Any] = {
        "time_us": aw.BASE_US - random.integers(0, 10 * S, n),
        "lat_deg": lat,
        "lng_deg": lng,
        "altitude_m": random.uniform(9000.0, 9600.0, n),
        "ground_speed_m_s": random.uniform(0.0, 280.0, n),
        "track_rad": random.uniform(0.0, 6.3, n),
        "vertical_rate_m_s": random.uniform(-5.0, 5.0, n),
    }
    found = encounters(States.of(aw.numbered(n), **columns), now_us=aw.BASE_US)
    order = random.permutation(n)
    moved = {name: column[order] for name, column in columns.items()}
    moved["lng_deg"] = (moved["lng_deg"] + turn + 180.0) % 360.0 - 180.0
    moved["time_us"] = moved["time_us"] + shift_s * S
    again = encounters(States.of(aw.numbered(n), **moved), now_us=aw.BASE_US + shift_s * S)
    one = {(f.a, f.b, k): f for k, f in enumerate(found) if f.horizontal_m < 9260.0 - 1e-3}
    two = [f for f in again if f.horizontal_m < 9260.0 - 1e-3]
    assert len(one) == len(two)
    for f in two:
        pair = sorted((int(order[f.a]), int(order[f.b])))
        same = [
            g
            for (a, b, _), g in one.items()
            if [a, b] == pair and abs(g.start_us - f.start_us + shift_s * S) < 1000
        ]
        assert len(same) == 1
        assert f.horizontal_m == pytest.approx(same[0].horizontal_m, abs=3e-6)
        assert f.end_us - f.start_us == pytest.approx(same[0].end_us - same[0].start_us, abs=2000)


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 300.0))
@settings(max_examples=40)
def test_looking_less_far_finds_the_same_until_there(seed: int, ahead_s: float) -> None:
    """A shorter look-ahead finds what begins within it, with windows that end at it."""
    pairs = aw.meeting_states(aw.rng(seed), 30)
    far = encounters(pairs.states, now_us=pairs.now_us)
    near = encounters(pairs.states, now_us=pairs.now_us, lookahead_s=ahead_s)
    end = pairs.now_us + round(ahead_s * 1e6)
    expected = {(f.a, f.b) for f in far if f.start_us < end - 1000 and f.horizontal_m < 9260.0 - 1e-3}
    got = {(f.a, f.b) for f in near}
    assert {(f.a, f.b) for f in far if f.start_us <= end + 1000} >= got
    # a pair whose closest point lies beyond the end may be only grazing before it
    grazing = {(f.a, f.b) for f in far if f.start_us > end - 10_000}
    assert expected - grazing <= got
    assert np.all(near.end_us <= end + 1)


@pytest.mark.parametrize(
    ("speed", "ahead_s"), [(300.0, 3_600.0), (300.0, 86_400.0), (7_600.0, 86_400.0), (12_000.0, 86_400.0)]
)
def test_a_predicted_path_leaves_its_geodesic_by_no_more_than_its_bound(speed: float, ahead_s: float) -> None:
    """Up to 26 rounds of the earth, the path is as near to Karney's geodesic as the bound says."""
    random = aw.rng(int(speed))
    n = 40
    lat, lng = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, n))), random.uniform(-180.0, 180.0, n)
    track = random.uniform(0.0, 2.0 * np.pi, n)
    live = States.of(aw.numbered(n), 0, lat, lng, 1_000.0, speed, track)
    side, _ = side_of_states(live, 0, ahead_s, frozenset())
    way = speed * side.t_s
    far_lng, far_lat, _ = earth.geod().fwd(
        lng[side.owner], lat[side.owner], np.degrees(track[side.owner]), way
    )
    off = np.linalg.norm(earth.surface_points(np.asarray(far_lat), np.asarray(far_lng)) - side.point, axis=1)
    assert (off <= predicted_drift(speed * ahead_s) * (earth.LEG_MAX_M + way)).all()


def test_many_states_laid_out_by_place_meet_as_in_two_halves() -> None:
    """Joined with itself or half against half, in the order of places or of rows: the same pairs."""
    draw, n = aw.rng(77), 12_000
    every = States.of(
        aw.numbered(n), aw.BASE_US, draw.uniform(48, 56, n), draw.uniform(-178, -166, n) % 360.0 - 180.0,
        draw.uniform(10_000, 40_000, n) * FT_M, draw.uniform(200, 500, n) * KT_M_S,
        draw.uniform(0, 2 * np.pi, n), draw.uniform(-2000, 2000, n) * FPM_M_S,
    )  # fmt: skip
    rows = (np.arange(n // 2), np.arange(n // 2, n))
    halves = [
        States.of(
            aw.numbered(n).take(half), aw.BASE_US, every.lat_deg[half], every.lng_deg[half],
            every.altitude_m[half], every.ground_speed_m_s[half], every.track_rad[half],
            every.vertical_rate_m_s[half],
        )
        for half in rows
    ]  # fmt: skip
    whole = encounters(every)
    apart = set()
    for p, q in ((0, 0), (1, 1), (0, 1)):
        part = encounters(halves[p]) if p == q else encounters(halves[p], halves[q])
        apart |= set(zip(rows[p][part.a].tolist(), rows[q][part.b].tolist(), strict=True))
    assert set(zip(whole.a.tolist(), whole.b.tolist(), strict=True)) == apart
    assert len(apart) > 1_000
