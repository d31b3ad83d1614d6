"""How a flight stands to its volumes: the tables, the hysteresis, the clocks, and where it may be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.airspace import earth
from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.rings import at_bearing
from skypact.airspace.volumes import Circle, Volume4D, Volumes
from skypact.exchange import conformance as rules
from skypact.exchange.conformance import ACTS, TURNS, Limits, Sighting, Signal, Standing, Watch
from skypact.exchange.intent import LIFE, Act, Phase
from skypact.instants import SECOND_US

LIMITS = Limits()
T0 = 1_700_000_000 * SECOND_US


def flown(*sights: tuple[float, bool | None], watch: Watch | None = None) -> Watch:
    """The watch after positions: seconds after the first, and whether inside."""
    watch = watch or Watch(heard_us=T0)
    for at_s, inside in sights:
        at_us = T0 + int(at_s * SECOND_US)
        watch = rules.seen(watch, inside=inside, measured_us=at_us, now_us=at_us, limits=LIMITS)
    return watch


def volumes_of(*parts: Volume4D) -> Volumes:
    """Volumes of one body."""
    labels = Labels.of(["x"] * len(parts), kind=Kind.UNCREWED, data_mode=DataMode.TEST)
    return Volumes.of(labels, list(parts))


def test_every_due_act_is_a_step_of_an_intents_life() -> None:
    """What the table of acts wants declared, the life of an intent allows from that phase."""
    wrong = [(standing, phase) for (standing, phase), act in ACTS.items() if (phase, act) not in LIFE]
    assert wrong == []


def test_nothing_leads_back_from_contingent() -> None:
    """A contingent flight stays so whatever is seen of it."""
    assert [key for key in TURNS if key[0] is Standing.CONTINGENT] == []
    watch = flown((0, True), (1, False), (7, False), (67.1, False))
    assert watch.standing is Standing.CONTINGENT
    assert flown((70, True), (80, True), watch=watch).standing is Standing.CONTINGENT


def test_one_position_outside_declares_nothing() -> None:
    """A single excursion shorter than the limit leads back to conforming, and nothing was due."""
    watch = flown((0, True), (1, False))
    assert watch.standing is Standing.STRAYING
    assert rules.due(watch, Phase.ACTIVATED) is None
    assert flown((2, True), watch=watch).standing is Standing.CONFORMING


def test_a_long_excursion_is_declared_and_a_settled_return_taken_back() -> None:
    """Outside for five seconds is nonconforming, inside for three is conforming, and each act falls due."""
    away = flown((0, True), (1, False), (4, False), (6, False))
    assert (away.standing, rules.due(away, Phase.ACTIVATED)) == (Standing.NONCONFORMING, Act.DEVIATE)
    assert rules.due(away, Phase.NONCONFORMING) is None
    near = flown((10, True), (11, True), watch=away)
    assert (near.standing, rules.due(near, Phase.NONCONFORMING)) == (Standing.RETURNING, None)
    back = flown((13, True), watch=near)
    assert (back.standing, rules.due(back, Phase.NONCONFORMING)) == (Standing.CONFORMING, Act.RECOVER)
    done = rules.follows(back, Phase.ACTIVATED, T0)
    assert (done.declared_us, done.ours) == (0, False)


def test_a_flutter_at_the_edge_does_not_stop_the_clock_of_recovery() -> None:
    """Sixty seconds after the declaration a flight that only ever touched the inside is contingent."""
    watch = flown((0, True), (1, False), (6, False))
    for second in range(7, 70):
        watch = flown((second, second % 2 == 0), watch=watch)
    assert watch.standing is Standing.CONTINGENT
    assert rules.due(watch, Phase.NONCONFORMING) is Act.GIVE_UP


def test_the_clock_alone_gives_up_but_never_brings_back() -> None:
    """Silence after a return settles nothing, and silence outside runs into contingency."""
    inside = flown((0, True), (1, False), (6, False), (8, True))
    late = rules.passed(inside, T0 + 20 * SECOND_US, LIMITS)
    assert late.standing is Standing.RETURNING
    assert rules.passed(inside, T0 + 66 * SECOND_US, LIMITS).standing is Standing.CONTINGENT
    outside = flown((0, True), (1, False))
    assert rules.passed(outside, T0 + 6 * SECOND_US, LIMITS).standing is Standing.NONCONFORMING


def test_positions_that_stop_make_a_flight_lost_and_one_finds_it() -> None:
    """Ten seconds without a position is lost, which changes nothing else; the next position ends it."""
    watch = flown((0, True))
    assert not rules.silent(watch, T0 + 9 * SECOND_US, LIMITS).lost
    lost = rules.silent(watch, T0 + 10 * SECOND_US, LIMITS)
    assert (lost.lost, lost.standing) == (True, Standing.CONFORMING)
    assert not flown((11, True), watch=lost).lost


def test_a_position_older_than_the_last_changes_nothing() -> None:
    """Positions out of order are kept by others; how the flight stands is of the newest."""
    watch = flown((5, True))
    assert flown((4, False), (5, False), watch=watch) == watch


def test_a_position_without_altitude_is_neither_in_nor_out() -> None:
    """What cannot be judged ends neither an excursion nor a return."""
    watch = flown((0, True), (1, False), (3, None))
    assert (watch.standing, watch.outside_us) == (Standing.STRAYING, T0 + SECOND_US)


def test_what_a_person_declared_a_person_takes_back() -> None:
    """A flight that its people declared nonconforming is not recovered or given up by the monitor."""
    watch = rules.follows(flown((0, True)), Phase.NONCONFORMING, T0)
    for second in range(1, 100):
        watch = rules.passed(flown((second, True), watch=watch), T0 + second * SECOND_US, LIMITS)
        assert rules.due(watch, Phase.NONCONFORMING) is None
    back = rules.follows(watch, Phase.ACTIVATED, T0)
    assert (back.standing, back.declared_us) == (Standing.CONFORMING, 0)


@given(
    st.lists(st.tuples(st.floats(0.1, 30.0), st.sampled_from([True, False, None])), min_size=1, max_size=60)
)
def test_whatever_comes_the_watch_is_sound(steps: list[tuple[float, bool | None]]) -> None:
    """No run of positions leaves a flight both inside and outside, or off-nominal without its instant."""
    watch, at_s = Watch(heard_us=T0), 0.0
    for pause_s, inside in steps:
        at_s += pause_s
        watch = flown((at_s, inside), watch=watch)
        assert not (watch.inside_us and watch.outside_us)
        if watch.standing in {Standing.NONCONFORMING, Standing.RETURNING, Standing.CONTINGENT}:
            assert watch.declared_us
        if watch.declared_us and watch.standing is not Standing.CONTINGENT:
            assert T0 + at_s * SECOND_US - watch.declared_us < LIMITS.recovery_us + SECOND_US


def test_every_signal_of_the_table_moves() -> None:
    """No row of the table leads where it began, and every standing but unseen is led to."""
    assert [key for key, end in TURNS.items() if key[0] is end] == []
    assert set(TURNS.values()) == set(Standing) - {Standing.UNSEEN}
    assert {signal for _, signal in TURNS} == set(Signal)


@pytest.mark.parametrize("bearing_deg", [0.0, 77.0, 201.0, 333.0])
def test_the_claimed_reach_holds_every_straight_flight(bearing_deg: float) -> None:
    """An aircraft that flies on at its speed, whatever its direction and climb, is inside what is claimed."""
    sighting = Sighting(T0, 46.5, 8.0, 600.0, speed_m_s=30.0, horizontal_m=10.0, vertical_m=10.0)
    parts = rules.reach(sighting, T0 + 2 * SECOND_US, LIMITS)
    claimed = volumes_of(*parts)
    assert all(a.end_us == b.start_us for a, b in itertools.pairwise(parts))
    flights = []
    for after_s in range(2, 92, 5):
        lat, lng = at_bearing(46.5, 8.0, bearing_deg, 30.0 * after_s)
        flights.append(Sighting(T0 + after_s * SECOND_US, lat, lng, 600.0 + 6.0 * after_s))
    assert all(verdict.inside for verdict in rules.judge(flights, claimed))


def test_reach_is_bounded_and_open_in_altitude_where_that_is_not_known() -> None:
    """However long a flight is silent, its claim is bounded; without an altitude it claims them all."""
    parts = rules.reach(Sighting(T0, 46.5, 8.0, None), T0 + 36_000 * SECOND_US, LIMITS)
    for part in parts:
        assert isinstance(part.outline, Circle)
        assert part.outline.radius_m == LIMITS.farthest_m
        assert part.lower is not None
        assert part.upper is not None
        assert (part.lower.metres, part.upper.metres) == (rules.LOWEST_M, rules.HIGHEST_M)


def test_judgement_says_how_far_outside() -> None:
    """Inside is zero, outside the distance to the nearest volume in force, and none in force has none."""
    own = volumes_of(
        Volume4D(
            Circle(46.5, 8.0, 1_000.0),
            Altitude(100.0, AltitudeReference.W84),
            Altitude(200.0, AltitudeReference.W84),
            T0,
            T0 + 60 * SECOND_US,
        )
    )
    lat, lng = at_bearing(46.5, 8.0, 90.0, 1_250.0)
    inside, beside, above, late, unknown = rules.judge(
        [
            Sighting(T0, 46.5, 8.0, 150.0),
            Sighting(T0, lat, lng, 150.0),
            Sighting(T0, 46.5, 8.0, 240.0),
            Sighting(T0 + 61 * SECOND_US, 46.5, 8.0, 150.0),
            Sighting(T0, 46.5, 8.0, None),
        ],
        own,
    )
    assert inside == rules.Judgement(True)
    away = float(earth.distances_m(46.5, 8.0, lat, lng)) - 1_000.0
    assert beside.inside is False
    assert beside.horizontal_m == pytest.approx(away, abs=0.01)
    assert above.inside is False
    assert above.vertical_m == pytest.approx(40.0)
    assert late == rules.Judgement(False, None, None)
    assert unknown == rules.Judgement(None, None, None)


def test_time_seen_counts_as_it_was_found_and_gaps_as_neither() -> None:
    """The time before a position counts with it; long gaps and what cannot be judged do not."""
    second = SECOND_US
    sights = [
        (T0 + 1 * second, True),
        (T0 + 3 * second, False),
        (T0 + 4 * second, None),
        (T0 + 5 * second, True),
        (T0 + 60 * second, True),
        (T0 + 59 * second, False),
    ]
    assert rules.seen_us(T0, sights, LIMITS) == (2 * second, 2 * second)
    assert rules.seen_us(0, sights[:1], LIMITS) == (0, 0)
