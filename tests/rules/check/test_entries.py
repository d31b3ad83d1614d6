"""Zone entry and exit: tracks and live states, whom a zone concerns, and when to the millisecond."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agree_volumes import passes_disagree
from awkward import BASE_US, GEOD, TRACKS, box, rng, track
from awkward_volumes import S, go_one, passes, star
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    DataMode,
    Kind,
    Labels,
    Polygon,
    States,
    Trajectories,
    Volume4D,
    Volumes,
    Zones,
)
from skypact.check import FindingKind, Findings, Reason, encounters, entries
from skypact.check import reference as oracle
from skypact.errors import ModeError

AMSL, STD = AltitudeReference.AMSL, AltitudeReference.STD
AL_TANF = Circle(33.5046, 38.6180, 55_000.0)


def zones(*solid: Volume4D, **more: Any) -> Zones:
    """Zones z0, z1 ... for all kinds unless said."""
    return Zones.of(Volumes.of(Labels.of([f"z{k}" for k in range(len(solid))]), list(solid)), **more)


def state(
    lat: float,
    lng: float,
    speed: float,
    towards_deg: float,
    *,
    high: float = 1000.0,
    climb: float = 0.0,
    **more: Any,
) -> States:
    """One state at :data:`BASE_US`."""
    columns: dict[str, Any] = {"time_us": BASE_US} | more
    return States.of(
        columns.pop("labels", Labels.of(["s"])),
        columns.pop("time_us"),
        [lat],
        [lng],
        [high],
        [speed],
        [np.radians(towards_deg)],
        [climb],
        **columns,
    )


def pairs_of(found: Findings) -> list[tuple[int, int]]:
    """The pairs in the order of the rows."""
    return list(zip(found.a.tolist(), found.b.tolist(), strict=True))


# -- tracks -------------------------------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", ["anywhere", "antimeridian", "pole"])
def test_stays_agree_with_the_oracle(place: str) -> None:
    """Tracks past zones a nudge off, through, hovering, single samples: entry, exit and position."""
    tried = passes(rng(51), 20, place)
    found = entries(tried.tracks, Zones.of(tried.volumes), max_gap_s=None)
    assert passes_disagree(tried, found) == []
    assert len(found) > 5
    for row in found:
        at = oracle._bits_of_tracks(tried.tracks.take(np.array([row.a])), None)
        assert row.closest_us == row.start_us
        outline = oracle._outline(tried.solid[row.b].outline)
        off = oracle._beyond(np.array([row.lat_deg]), np.array([row.lng_deg]), outline)[0]
        assert off < 0.01
        # the position is where the track is as it enters
        k = [i for i in range(at.owner.shape[0]) if at.start_us[i] - 1 <= row.start_us <= at.end_us[i] + 1]
        where = [at.at(np.array([i]), np.array([row.start_us]), np.zeros(1)) for i in k]
        assert (
            min(GEOD.inv(row.lng_deg, row.lat_deg, float(w[1][0]), float(w[0][0]))[2] for w in where) < 1e-3
        )


def test_a_stay_has_its_entry_exit_and_time_inside() -> None:
    """Over the middle of al-Tanf's circle at 200 m/s: 550 s inside, entry and exit where the circle is."""
    west = go_one(AL_TANF.lat_deg, AL_TANF.lng_deg, 270.0, 100_000.0)
    azimuth, _, length = GEOD.inv(west[1], west[0], AL_TANF.lng_deg, AL_TANF.lat_deg)
    east = go_one(west[0], west[1], azimuth, 2.0 * length)
    path = track("t", [0, 2.0 * length / 200.0], [west[0], east[0]], [west[1], east[1]])
    found = entries(path, zones(Volume4D(AL_TANF), effect=["entry by notice"]), max_gap_s=None)
    assert found.kind is FindingKind.ENTRY
    assert pairs_of(found) == [(0, 0)]
    assert found.duration_s[0] == pytest.approx(550.0, abs=1e-3)
    assert (found.start_us[0] - BASE_US) * 1e-6 == pytest.approx((length - 55_000.0) / 200.0, abs=1e-3)
    away = GEOD.inv(AL_TANF.lng_deg, AL_TANF.lat_deg, found.lng_deg[0], found.lat_deg[0])[2]
    assert away == pytest.approx(55_000.0, abs=0.01)
    assert found[0].rule == "entry by notice"
    assert found.labels_b.ids == ["z0"]
    assert found.now_us is None
    assert (found.horizontal_m[0], found.vertical_m[0]) == (0.0, 0.0)


def test_whoever_is_inside_at_first_or_last_is_seen_from_then_till_then() -> None:
    """A track that begins inside has entered unseen: its first and last instants stand for entry and exit."""
    held = zones(Volume4D(AL_TANF))
    inside = entries(track("t", [0, 60], [33.5, 33.5], [38.6, 38.7]), held)
    assert (inside.start_us[0], inside.end_us[0]) == (BASE_US, BASE_US + 60 * S)
    alone = entries(track("t", [7], [33.5], [38.6]), held)
    assert (alone.start_us[0], alone.end_us[0]) == (BASE_US + 7 * S, BASE_US + 7 * S)


def test_several_stays_in_one_zone_are_several_rows() -> None:
    """In and out of a zone of two arms, and a second zone meanwhile; in order of entry."""
    arms = Polygon(
        ((0.0, 0.0), (0.0, 0.6), (1.0, 0.6), (1.0, 0.4), (0.2, 0.4), (0.2, 0.2), (1.0, 0.2), (1.0, 0.0))
    )
    path = track("t", [0, 1000], [0.5, 0.5], [-0.2, 0.8])
    found = entries(path, zones(Volume4D(arms), Volume4D(Circle(0.5, 0.3, 3000.0))), max_gap_s=None)
    assert pairs_of(found) == [(0, 0), (0, 1), (0, 0)]
    assert (np.diff(found.start_us) > 0).all()


def test_gaps_are_neither_inside_nor_outside() -> None:
    """Lost inside for ten minutes, a track has two stays and an unobserved stretch; a plan has one stay."""
    path = track("t", [0, 30, 630, 660], [33.5] * 4, [38.6, 38.61, 38.62, 38.63])
    held = zones(Volume4D(AL_TANF))
    seen = entries(path, held)
    assert seen.duration_s.tolist() == [30.0, 30.0]
    assert seen.unobserved.who.tolist() == [0]
    assert (seen.unobserved.end_us - seen.unobserved.start_us).tolist() == [600 * S]
    assert seen.assumptions["gaps"] == "over 60 s unobserved"
    plan = entries(path, held, max_gap_s=None)
    assert plan.duration_s.tolist() == [660.0]
    assert len(plan.unobserved) == 0


def test_a_zone_concerns_the_kinds_it_applies_to() -> None:
    """Bare volumes concern all; zones those that they name."""
    labels = Labels.of(["c", "u", "g"], kind=[Kind.CREWED, Kind.UNCREWED, Kind.GROUND])
    paths = Trajectories.of(labels, [0, 1, 2, 3], BASE_US * np.ones(3, np.int64), 33.5, 38.6, 0.0)
    held = zones(
        Volume4D(AL_TANF), Volume4D(AL_TANF), applies_to=[(Kind.UNCREWED,), (Kind.CREWED, Kind.GROUND)]
    )
    assert pairs_of(entries(paths, held)) == [(0, 1), (1, 0), (2, 1)]
    assert len(entries(paths, held.volumes)) == 6
    states = States.of(labels, BASE_US, [33.5] * 3, [38.6] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3)
    assert pairs_of(entries(states, held)) == [(0, 1), (1, 0), (2, 1)]


def test_ids_do_not_make_a_body_of_a_zone() -> None:
    """A track named as a zone is still inside it."""
    assert len(entries(track("z0", [0], [33.5], [38.6]), zones(Volume4D(AL_TANF)))) == 1


def test_altitude_decides_or_is_said_to_be_missing() -> None:
    """Above, inside, unknown, and in a reference that does not compare."""
    banded = zones(Volume4D(AL_TANF, Altitude(0.0, AMSL), Altitude(3000.0, AMSL)))

    def asked(high: float, reference: AltitudeReference) -> Findings:
        return entries(track("t", [0, 60], [33.5] * 2, [38.6] * 2, high, reference=reference), banded)

    assert len(asked(3001.0, AMSL)) == 0
    assert len(asked(3000.0, AMSL)) == 1
    assert asked(np.nan, AMSL).unchecked.reason.tolist() == [Reason.ALTITUDE_UNKNOWN]
    assert asked(500.0, STD).unchecked.reason.tolist() == [Reason.ALTITUDE_INCOMPARABLE]


def test_a_window_opens_and_closes_a_zone() -> None:
    """Whoever is there as a zone comes into force enters it then."""
    held = zones(Volume4D(AL_TANF, None, None, BASE_US + 10 * S, BASE_US + 20 * S))
    found = entries(track("t", [0, 60], [33.5] * 2, [38.6] * 2), held)
    assert (found.start_us[0], found.end_us[0]) == (BASE_US + 10 * S, BASE_US + 20 * S)
    assert len(entries(track("t", [20, 60], [33.5] * 2, [38.6] * 2), held)) == 0


def test_uncertainty_widens_a_zone_and_the_position_is_still_that_of_the_entry() -> None:
    """Known to 1 km, a track is inside from 1 km before the edge; nearest is later, shown is the entry."""
    path = Trajectories.of(
        Labels.of(["t"]),
        [0, 2],
        [BASE_US, BASE_US + 1000 * S],
        [33.5046] * 2,
        [37.5, 38.618],
        0.0,
        horizontal_uncertainty_m=1000.0,
    )
    found = entries(path, zones(Volume4D(AL_TANF)), max_gap_s=None)
    away = GEOD.inv(AL_TANF.lng_deg, AL_TANF.lat_deg, found.lng_deg[0], found.lat_deg[0])[2]
    assert away == pytest.approx(56_000.0, abs=0.02)
    assert found.closest_us[0] == found.start_us[0]


def test_awkward_tracks_all_have_an_answer() -> None:
    """Poles, the antimeridian, hover, doubled samples, lost altitudes: entered where they are."""
    every = Trajectories.concat(list(TRACKS.values()))
    everywhere = zones(
        Volume4D(Circle(34.0, 38.0, 300_000.0)),
        Volume4D(Circle(90.0, 0.0, 50_000.0)),
        Volume4D(Circle(10.0, 180.0, 50_000.0)),
        Volume4D(Circle(0.0, 0.0, 50_000.0)),
    )
    found = entries(every, everywhere)
    names = {(found.labels_a.ids[a], b) for a, b in pairs_of(found)}
    for name, b in (
        *((n, 0) for n in ("hover", "zero", "one", "two", "bilocal", "nan", "lost", "gap")),
        *(("am", 2), ("am360", 2), ("np", 1), ("p0", 1), ("eq", 3)),
    ):
        assert (name, b) in names


# -- states -------------------------------------------------------------------------------------------------


def test_entry_is_predicted_to_the_millisecond() -> None:
    """Head on at 100 m/s from 65 km: in 100 s; the oracle's geodesic says when."""
    start = go_one(AL_TANF.lat_deg, AL_TANF.lng_deg, 240.0, 65_000.0)
    azimuth, _, _ = GEOD.inv(start[1], start[0], AL_TANF.lng_deg, AL_TANF.lat_deg)
    found = entries(state(start[0], start[1], 100.0, azimuth), zones(Volume4D(AL_TANF)))
    assert found.time_to_s[0] == pytest.approx(100.0, abs=1e-3)
    assert found.now_us == BASE_US
    assert found.end_us[0] == BASE_US + 300 * S
    assert found.assumptions["look-ahead"] == "300 s"


def test_looking_further_ahead_finds_later_entries() -> None:
    """By default 300 s ahead; further where asked; never beyond."""
    start = go_one(AL_TANF.lat_deg, AL_TANF.lng_deg, 240.0, 155_000.0)
    azimuth, _, _ = GEOD.inv(start[1], start[0], AL_TANF.lng_deg, AL_TANF.lat_deg)
    moving = state(start[0], start[1], 250.0, azimuth)
    assert len(entries(moving, zones(Volume4D(AL_TANF)))) == 0
    assert len(entries(moving, zones(Volume4D(AL_TANF)), lookahead_s=399.0)) == 0
    found = entries(moving, zones(Volume4D(AL_TANF)), lookahead_s=401.0)
    assert found.time_to_s[0] == pytest.approx(400.0, abs=1e-3)
    assert len(entries(moving, zones(Volume4D(AL_TANF)), lookahead_s=0.0)) == 0


def test_states_are_moved_from_their_own_instant_to_now() -> None:
    """A state ten seconds old is where it has come to since; one inside has entered now."""
    start = go_one(AL_TANF.lat_deg, AL_TANF.lng_deg, 90.0, 56_000.0)
    azimuth, _, _ = GEOD.inv(start[1], start[0], AL_TANF.lng_deg, AL_TANF.lat_deg)
    old = state(start[0], start[1], 100.0, azimuth)
    assert entries(old, zones(Volume4D(AL_TANF))).time_to_s[0] == pytest.approx(10.0, abs=1e-3)
    later = entries(old, zones(Volume4D(AL_TANF)), now_us=BASE_US + 20 * S)
    assert later.time_to_s.tolist() == [0.0]
    assert later.now_us == BASE_US + 20 * S
    gone = entries(old, zones(Volume4D(AL_TANF)), now_us=BASE_US + 1200 * S)
    assert len(gone) == 0


def test_climb_takes_a_state_into_a_zone_above_it() -> None:
    """Below a floor and climbing at 10 m/s: inside when the altitude is."""
    above = zones(Volume4D(AL_TANF, Altitude(2000.0, STD), Altitude(2500.0, STD)))
    found = entries(state(33.5, 38.6, 50.0, 90.0, high=1000.0, climb=10.0), above)
    assert found.time_to_s[0] == pytest.approx(100.0, abs=1e-5)
    assert found.duration_s[0] == pytest.approx(50.0, abs=1e-5)


def test_hovering_states_stay_where_they_are() -> None:
    """Speed zero inside and outside; and slower than a micrometre a second."""
    held = zones(Volume4D(box(33.0, 38.0, 34.0, 39.0)))
    for speed in (0.0, 1e-9, 1e-13):
        found = entries(state(33.5, 38.5, speed, 77.0), held)
        assert found.duration_s.tolist() == [300.0]
        assert len(entries(state(32.5, 38.5, speed, 77.0), held)) == 0


@pytest.mark.unmeasured
def test_states_agree_with_the_oracle_on_when_they_enter() -> None:
    """Random states and polygons: the time to entry is that of the geodesic, to a millisecond."""
    random = rng(61)
    seen = 0
    for _ in range(25):
        lat, lng = float(random.uniform(-85.0, 85.0)), float(random.uniform(-180.0, 180.0))
        shape = star(random, lat, lng, 20_000.0, 6, rough=0.3)
        start = go_one(lat, lng, float(random.uniform(0.0, 360.0)), 40_000.0)
        azimuth = GEOD.inv(start[1], start[0], lng, lat)[0] + float(random.uniform(-15.0, 15.0))
        found = entries(state(start[0], start[1], 200.0, azimuth), zones(Volume4D(shape)))
        end = go_one(start[0], start[1], azimuth, 60_000.0)
        path = track("t", [0, 300], [start[0], end[0]], [start[1], end[1]], 1000.0)
        stays = oracle.trajectory_in_volume_reference(path, 0, Volume4D(shape), max_gap_s=None)
        assert len(found) == len(stays)
        for row, stay in zip(found, stays, strict=True):
            assert abs(row.start_us - stay.start_us) <= 1000
            assert abs(row.end_us - stay.end_us) <= 1000
            seen += 1
    assert seen > 10


def test_fast_old_states_still_meet_what_they_only_touch() -> None:
    """Predicted far ahead a path leaves its geodesic by micrometres: in the bound, not the answer."""
    far = go_one(0.0, 0.0, 90.0, 1_000_000.0)
    held = zones(Volume4D(Circle(far[0], far[1], 1000.0)))
    found = entries(state(0.0, 0.0, 1000.0, 90.0), held, lookahead_s=3000.0)
    assert found.time_to_s[0] == pytest.approx(999.0, abs=1e-3)


# -- nothing, and errors ------------------------------------------------------------------------------------


def test_nothing_found_returns_the_assumptions() -> None:
    """No tracks, no zones, nobody near: an answer that says how it was reached."""
    none = Trajectories.of(Labels.of([]), [0], [], [], [], [])
    path = track("t", [0, 60], [10.0] * 2, [10.0] * 2)
    empty = Zones.of(Volumes.of(Labels.of([]), []))
    for tracks, held in ((none, zones(Volume4D(AL_TANF))), (path, empty), (path, zones(Volume4D(AL_TANF)))):
        found = entries(tracks, held)
        assert len(found) == 0
        assert "a track on the edge is inside" in found.assumptions["zones"]
        assert "geodesic" in found.assumptions["motion"]
    nobody = States.of(Labels.of([]), [], [], [], [], [], [])
    found = entries(nobody, zones(Volume4D(AL_TANF)))
    assert (len(found), found.now_us) == (0, 0)
    assert found.assumptions["now"] == "1970-01-01T00:00:00Z"


def test_data_modes_do_not_mix() -> None:
    """Real tracks are not checked against a simulated pact's zones."""
    simulated = Volumes.of(Labels.of(["z"], data_mode=DataMode.SIMULATED), [Volume4D(AL_TANF)])
    with pytest.raises(ModeError):
        entries(track("t", [0], [33.5], [38.6]), Zones.of(simulated))
    with pytest.raises(ModeError):
        entries(state(33.5, 38.6, 0.0, 0.0), simulated)


def test_unknown_altitudes_in_states_are_said_to_be_missing() -> None:
    """NaN through a state reaches the answer as unchecked, not as inside or outside; and nothing crashes."""
    banded = zones(Volume4D(AL_TANF, Altitude(0.0, STD), None))
    found = entries(state(33.5, 38.6, 10.0, 0.0, high=np.nan), banded)
    assert len(found) == 0
    assert found.unchecked.reason.tolist() == [Reason.ALTITUDE_UNKNOWN]
    assert len(entries(state(33.5, 38.6, 10.0, 0.0, high=np.nan), zones(Volume4D(AL_TANF)))) == 1
    pair = States.of(
        Labels.of(["a", "b"]), BASE_US, [33.5] * 2, [38.6] * 2, [np.nan] * 2, [0.0] * 2, [0.0] * 2
    )
    assert len(encounters(pair).unchecked) == 1
