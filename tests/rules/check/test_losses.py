"""Losses of separation: the engine against the oracle, and the laws that hold whatever the traffic."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import awkward as aw
from agree import assert_agree, frame_bounds
from skypact.airspace import (
    AltitudeReference,
    DataMode,
    Kind,
    Labels,
    Minima,
    Proximity,
    Rule,
    Separation,
    Trajectories,
)
from skypact.airspace import altitude as alt
from skypact.airspace.moving import legs
from skypact.check import FindingKind, Findings, Reason, _moving, losses
from skypact.check.findings import LISTED
from skypact.check.reference import losses_reference, rule_reference, unobserved_reference
from skypact.errors import GeometryError, ModeError

if TYPE_CHECKING:
    from collections.abc import Sequence

S = 1_000_000
TESTS = Path(__file__).resolve().parents[2]
PER_FAMILY = 5_000
"""Twenty families of so many pairs are 100,000 pairs."""


def both(*tracks: Trajectories) -> Trajectories:
    """Trajectories as rows of one set."""
    return Trajectories.concat(list(tracks))


def asked_of_the_oracle(pairs: aw.Pairs, found: Findings) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The pairs that were built, and whatever else the engine named."""
    named = np.concatenate(
        [np.stack([found.a, found.b], axis=1), np.stack([found.unchecked.a, found.unchecked.b], axis=1)]
    )
    return np.unique(np.concatenate([pairs.rows, named]), axis=0)


# -- against the oracle -----------------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", sorted(aw.PAIRS))
def test_the_engine_and_the_oracle_agree(name: str) -> None:
    """Of 100,000 random and adversarial pairs none is missed, none is made up, and every number agrees."""
    pairs = aw.PAIRS[name](aw.rng(len(name)), PER_FAMILY)
    gap = None if name == "long_legs" else 60.0
    found = losses(pairs.tracks, separation=pairs.minima, max_gap_s=gap)
    oracle = losses_reference(
        pairs.tracks, separation=pairs.minima, max_gap_s=gap, pairs=asked_of_the_oracle(pairs, found)
    )
    agreement = assert_agree(found, oracle, pairs.tracks, instants_unique=name != "doubled")
    assert agreement.pairs >= PER_FAMILY
    assert agreement.inside > PER_FAMILY // 5
    gaps = unobserved_reference(pairs.tracks, gap)
    unobserved = found.unobserved
    assert (
        list(
            zip(
                unobserved.who.tolist(), unobserved.start_us.tolist(), unobserved.end_us.tolist(), strict=True
            )
        )
        == gaps
    )


@dataclass(frozen=True)
class Pure:
    """A pair of single legs, by geographiclib, which is Python alone: a third opinion."""

    legs: Sequence[tuple[float, float, float, float]]
    times: Sequence[tuple[float, float]]

    def squared(self, at: float) -> float:
        """The squared distance at an instant, seconds."""
        places = []
        for (lat_a, lng_a, lat_b, lng_b), (start, end) in zip(self.legs, self.times, strict=True):
            line = Geodesic.WGS84.InverseLine(lat_a, lng_a, lat_b, lng_b)
            place = line.Position(line.s13 * (at - start) / (end - start))
            places.append((place["lat2"], place["lon2"]))
        return float(Geodesic.WGS84.Inverse(*places[0], *places[1])["s12"]) ** 2

    def nearest(self) -> float:
        """The least distance while both are there: parabolas through three instants, ever closer."""
        start, end = max(t[0] for t in self.times), min(t[1] for t in self.times)
        at, step = 0.5 * (start + end), 0.25 * (end - start)
        best = min(self.squared(start), self.squared(end))
        for _ in range(4):
            before, here, after = (self.squared(at + k * step) for k in (-1, 0, 1))
            best = min(best, here)
            bend = before - 2.0 * here + after
            if bend <= 0.0:
                break
            at = min(max(at + 0.5 * step * (before - after) / bend, start), end)
            step *= 0.05
        return float(min(best, self.squared(at)) ** 0.5)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "name",
    [
        "crossing",
        "head_on",
        "by_a_pole",
        "by_the_antimeridian",
        "on_the_equator",
        "drones",
        "wide",
        "overtaking",
    ],
)
def test_a_third_opinion(name: str) -> None:
    """A thousand of the pairs again with geographiclib: the same verdicts, the same closest distances."""
    pairs = aw.PAIRS[name](aw.rng(len(name)), PER_FAMILY)
    rows = np.arange(0, PER_FAMILY, PER_FAMILY // 125)
    members = (2 * rows[:, None] + np.arange(2)).ravel()
    tracks = pairs.tracks.take(members)
    found = losses(tracks, separation=pairs.minima)
    nearest = np.full(rows.shape[0], np.inf)
    own = found.b == found.a + 1
    np.minimum.at(
        nearest, found.a[own & (found.a % 2 == 0)] // 2, found.horizontal_m[own & (found.a % 2 == 0)]
    )
    limit = pairs.minima.horizontal_m
    for k in range(rows.shape[0]):
        ends = [slice(int(tracks.offsets[r]), int(tracks.offsets[r + 1])) for r in (2 * k, 2 * k + 1)]
        pure = Pure(
            [(*_pair(tracks, s.start), *_pair(tracks, s.stop - 1)) for s in ends],
            [
                (
                    (int(tracks.time_us[s.start]) - aw.BASE_US) / S,
                    (int(tracks.time_us[s.stop - 1]) - aw.BASE_US) / S,
                )
                for s in ends
            ],
        )
        apart = pure.nearest()
        bound = float(frame_bounds(np.array([25_000.0]), np.array([min(limit, apart)]))[0]) + 2e-7
        if apart < limit - bound:
            assert nearest[k] == pytest.approx(apart, abs=bound)
        elif apart > limit + bound:
            assert np.isinf(nearest[k])


def _pair(tracks: Trajectories, sample: int) -> tuple[float, float]:
    return float(tracks.lat_deg[sample]), float(tracks.lng_deg[sample])


def crowd(random: np.random.Generator, n: int) -> Trajectories:
    """Flights that turn now and then, within 25 km of each other, over the antimeridian."""
    tracks = []
    for k in range(n):
        legs = int(random.integers(2, 12))
        lat, lng, _ = aw.go(60.0, 179.5, random.uniform(0.0, 360.0), random.uniform(0.0, 25_000.0))
        heading, speed = random.uniform(0.0, 360.0), random.uniform(0.0, 280.0)
        seconds = np.cumsum(random.uniform(2.0, 55.0, legs))
        positions = [(float(lat), float(lng))]
        for step in np.diff(seconds).tolist():
            heading += random.uniform(-40.0, 40.0)
            lat, lng, _ = aw.go(lat, lng, heading, speed * step)
            positions.append((float(lat), float(lng)))
        high = random.uniform(3000.0, 5000.0) + random.uniform(-8.0, 8.0) * seconds
        start = random.uniform(0.0, 60.0)
        lats, lngs = [p for p, _ in positions], [q for _, q in positions]
        tracks.append(aw.track(f"t{k}", seconds + start, lats, lngs, high))
    return both(*tracks)


def jumpers(random: np.random.Generator, n: int) -> Trajectories:
    """Tracks whose positions jump by hundreds and thousands of kilometres, through the crowd and back."""
    tracks = []
    for k in range(n):
        seconds = np.cumsum(random.uniform(2.0, 40.0, 6))
        away = random.choice([60_000.0, 300_000.0, 3_000_000.0], 6) * random.choice([0.0, 1.0], 6)
        lat, lng, _ = aw.go(np.full(6, 60.0), np.full(6, 179.5), random.uniform(0, 360, 6), away)
        tracks.append(aw.track(f"jumps{k}", seconds, lat, lng, random.uniform(3000.0, 5000.0)))
    return both(*tracks)


def test_all_pairs_of_dense_traffic() -> None:
    """In a crowd every pair of 120 turning flights is as the oracle has it, none left out by the grid."""
    flights = crowd(aw.rng(7), 120)
    found = losses(flights, separation=Minima(5000.0, 200.0))
    oracle = losses_reference(flights, separation=Minima(5000.0, 200.0))
    agreement = assert_agree(found, oracle, flights)
    assert agreement.pairs == 120 * 119 // 2
    assert agreement.inside > 100


@pytest.mark.parametrize("split", [0, 40, 123])
def test_wide_pieces_have_cells_of_their_own_and_meet_all_others(split: int) -> None:
    """A few positions that jump do not widen the cells of the rest; still every pair is as it should be."""
    random = aw.rng(8)
    flights = both(crowd(random, 120), jumpers(random, 5)).take(random.permutation(125))
    laid = legs(flights, max_gap_s=60.0)
    side = _moving.side_of_tracks(flights, laid, _moving.references_of(flights.reference))
    pieces = _moving.cut_pieces(side, 16.0, banded=True)
    bounds, _ = _moving._sizes(pieces, pieces, 5000.0)
    assert len(bounds) > 2
    minima = Minima(5000.0, 200.0)
    found, oracle = losses(flights, separation=minima), losses_reference(flights, separation=minima)
    assert assert_agree(found, oracle, flights).inside > 100
    if split:
        one, two = flights.take(np.arange(split)), flights.take(np.arange(split, 125))
        across = losses(one, two, separation=minima)
        got = {(f.a, f.b + split, f.start_us) for f in across}
        assert got == {(f.a, f.b, f.start_us) for f in found if f.a < split <= f.b}


def recorded_day(shared: Path) -> Trajectories:
    """The recorded day over Switzerland, 1 August 2018: a flight is an airframe and a callsign."""
    rows = json.loads(gzip.decompress((shared / "data/switzerland.json.gz").read_bytes()))
    flights: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        flights.setdefault((row["icao24"], row["callsign"]), []).append(row)
    ordered = [sorted(flight, key=lambda r: r["timestamp"]) for flight in flights.values()]
    flat = [r for flight in ordered for r in flight]
    return Trajectories.of(
        Labels.of([str(callsign) for _, callsign in flights], body=[str(icao) for icao, _ in flights]),
        np.concatenate([[0], np.cumsum([len(f) for f in ordered])]),
        [int(r["timestamp"]) * 1000 for r in flat],
        [r["latitude"] for r in flat],
        [r["longitude"] for r in flat],
        [np.nan if r["altitude"] is None else r["altitude"] * 0.3048 for r in flat],
    )


def test_the_day_over_switzerland(shared: Path) -> None:
    """163 pairs on the recorded day, window for window as the oracle has them, none beside them."""
    tracks = recorded_day(shared)
    found = losses(tracks)
    assert found.pairs == 163
    oracle = losses_reference(tracks, pairs=np.unique(np.stack([found.a, found.b], axis=1), axis=0))
    assert assert_agree(found, oracle, tracks).inside == 163


def test_clocks_need_not_tick_together(shared: Path) -> None:
    """An approach of 1.4 NM and 900 ft is found though one flight's samples are a second off the other's."""
    tracks = recorded_day(shared)
    pair = tracks.take(np.array([tracks.labels.ids.index(name) for name in ("BEL5HR", "BAW605")]))
    late = Trajectories.of(
        pair.labels,
        pair.offsets,
        pair.time_us + np.repeat([0, S], np.diff(pair.offsets)),
        pair.lat_deg,
        pair.lng_deg,
        pair.altitude_m,
    )
    for tracks in (pair, late):
        found = losses(tracks)
        assert found.pairs == 1
        assert float(found.horizontal_m.min()) < 1.5 * 1852.0


def test_interpreted_and_compiled_kernels_say_the_same() -> None:
    """With the compiler off the same set gives the same answer, so that kernels can be stepped through."""
    script = (
        "import awkward as aw\n"
        "from skypact.check import losses\n"
        "for name, family in aw.PAIRS.items():\n"
        "    pairs = family(aw.rng(5), 8)\n"
        "    found = losses(pairs.tracks, separation=pairs.minima, max_gap_s=None)\n"
        "    near = [f'{x:.6f}' for x in found.horizontal_m]\n"
        "    print(name, found.a.tolist(), found.start_us.tolist(), near)\n"
    )

    def run(**more: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(TESTS)} | more
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    interpreted = run(NUMBA_DISABLE_JIT="1")
    assert interpreted.count("\n") == len(aw.PAIRS)
    assert interpreted == run()


# -- decided cases ----------------------------------------------------------------------------------------


def test_a_finding_says_who_when_where_and_how_near() -> None:
    """Every column of a head-on meeting on the equator is what arithmetic says; a's place is a's."""
    tracks = both(
        aw.track("west", [0, 60], [0.0, 0.0], [0.1, -0.1], 9100.0),
        aw.track("east", [0, 60], [0.0, 0.0], [-0.11, 0.09], 9000.0),
    )
    found = losses(tracks)
    (row,) = found
    assert (row.kind, row.a, row.b, row.rule) == (FindingKind.LOSS, 0, 1, "5 NM / 1000 ft")
    assert row.closest_us == pytest.approx(aw.BASE_US + 31.5 * S, abs=1.0)
    assert (row.lat_deg, row.lng_deg, row.altitude_m) == pytest.approx((0.0, -0.005, 9100.0), abs=1e-9)
    assert (row.horizontal_m, row.vertical_m) == pytest.approx((0.0, 100.0), abs=1e-5)
    assert row.margin_m == pytest.approx(100.0 - 304.8, abs=1e-5)
    assert not row.marginal
    assert not row.agreed
    assert found.now_us is None
    assert "5 NM" in found.assumptions["minima"]
    assert "60 s" in found.assumptions["gaps"]


def test_the_place_is_that_of_a_wherever_the_grid_puts_it() -> None:
    """The position of each finding is where its a is, and the altitude a's, in every order of rows."""
    pairs = aw.crossing(aw.rng(21), 300)
    for rows in (np.arange(600), np.arange(600)[::-1], aw.rng(3).permutation(600)):
        tracks = pairs.tracks.take(rows)
        found = losses(tracks)
        assert len(found) > 50
        assert np.all(found.a < found.b)
        for k in range(len(found)):
            own = slice(int(tracks.offsets[found.a[k]]), int(tracks.offsets[found.a[k] + 1]))
            share = (found.closest_us[k] - tracks.time_us[own][0]) / np.ptp(tracks.time_us[own])
            (lat0, lat1), (lng0, lng1) = tracks.lat_deg[own], tracks.lng_deg[own]
            out, _, length = aw.GEOD.inv(lng0, lat0, lng1, lat1)
            lat, lng, _ = aw.go(lat0, lng0, out, share * length)
            _, _, off = aw.GEOD.inv(float(lng), float(lat), found.lng_deg[k], found.lat_deg[k])
            assert off < 1e-3
            assert found.altitude_m[k] == pytest.approx(tracks.altitude_m[own][0])


def test_a_thousand_feet_exactly_is_separated() -> None:
    """Flights exactly 1,000 ft apart are separated at every level; a millimetre nearer they are not."""
    for level in range(50, 600, 10):
        lower, upper = level * 100 * 0.3048, (level + 10) * 100 * 0.3048
        tracks = both(
            aw.track("a", [0, 60], [0.0, 0.0], [0.0, 0.1], lower),
            aw.track("b", [0, 60], [0.0, 0.0], [0.1, 0.0], upper),
        )
        assert len(losses(tracks)) == 0
        assert len(losses(tracks, separation=Minima(9260.0, 304.801))) == 1


def test_formation_hover_and_a_parked_pair_are_found() -> None:
    """Equal velocities, no velocity and no leg at all are inside for as long as they last."""
    for name, one, two in (
        ("formation", ([0, 60], [50.0, 50.1], [4.0, 4.0]), ([0, 60], [50.0, 50.1], [4.02, 4.02])),
        ("hover", ([0, 60], [50.0, 50.0], [4.0, 4.0]), ([0, 60], [50.0, 50.0], [4.001, 4.001])),
        ("one place", ([0, 60], [50.0, 50.0], [4.0, 4.0]), ([0, 60], [50.0, 50.0], [4.0, 4.0])),
        ("an instant", ([60], [50.0], [4.0]), ([60], [50.0], [4.0])),
    ):
        found = losses(both(aw.track("a", *one), aw.track("b", *two)))
        assert len(found) == 1, name
        assert (int(found.start_us[0]), int(found.end_us[0])) == (
            aw.BASE_US + one[0][0] * S,
            aw.BASE_US + 60 * S,
        )


def test_at_two_places_at_once_both_count_and_nothing_between() -> None:
    """A doubled instant is at both its places, however far apart, and at none on the line between them."""
    jump = aw.track("a", [0, 30, 30, 60], [34.0, 34.1, 44.0, 44.1], [38.0] * 4)
    at_first = aw.track("b", [30], [34.1], [38.0])
    at_second = aw.track("c", [30], [44.0], [38.0])
    between = aw.track("d", [0, 60], [39.0, 39.0], [38.0, 38.0])
    found = losses(both(jump, at_first, at_second, between))
    assert {(int(a), int(b)) for a, b in zip(found.a, found.b, strict=True)} == {(0, 1), (0, 2)}
    assert found.start_us.tolist() == found.end_us.tolist() == [aw.BASE_US + 30 * S] * 2


def test_a_leg_too_fast_for_the_clock_keeps_its_last_sample() -> None:
    """A jump of 19,000 km in a microsecond, months into a recording, still ends where it ends."""
    late = 200 * 86_400
    jump = aw.track("a", [0, late, late + 1e-6], [0.0, 0.0, 0.0], [0.0, 0.0, 170.0])
    there = aw.track("b", [late + 1e-6], [0.0], [170.0])
    found = losses(both(jump, there), max_gap_s=None)
    assert found.pairs == 1
    assert float(found.horizontal_m.min()) == pytest.approx(0.0, abs=1e-3)


def test_windows_that_touch_are_one_and_others_are_not() -> None:
    """Over many legs and slabs a loss is one row; away and back again is two, in order."""
    lng = np.concatenate([np.linspace(0.0, 0.01, 40), np.linspace(0.01, 0.5, 20), np.linspace(0.5, 0.0, 20)])
    seconds = np.concatenate([np.arange(40) * 10.0, 400.0 + 40.0 * np.arange(1, 41)])
    tracks = both(
        aw.track("hover", seconds, np.zeros(80), np.zeros(80)), aw.track("roams", seconds, np.zeros(80), lng)
    )
    found = losses(tracks)
    assert len(found) == 2
    assert found.pairs == 1
    assert found.end_us[0] < found.start_us[1]
    assert_agree(found, losses_reference(tracks), tracks)


def test_nothing_found_says_under_what() -> None:
    """An empty answer still carries its assumptions; it has no rows, no pairs and no clearance."""
    none = Trajectories.of(Labels.of([]), [0], [], [], [], [])
    for tracks in (none, aw.TRACKS["hover"]):
        found = losses(tracks)
        assert len(found) == 0
        assert found.pairs == 0
        assert found.assumptions
        assert not any("clear" in text for text in found.assumptions.values())
    assert len(losses(none, aw.TRACKS["hover"])) == 0
    assert len(losses(aw.TRACKS["hover"], none)) == 0


@pytest.mark.parametrize("name", sorted(aw.TRACKS))
def test_awkward_tracks_meet_themselves_as_another(name: str) -> None:
    """Every awkward track, flown by two, is inside minima wherever it is observed and its altitude known."""
    track = aw.TRACKS[name]
    found = losses(track, Trajectories.concat([track]).take(np.array([0])))
    assert len(found) == 0  # one body, although in two sets
    other = Trajectories.of(
        Labels.of(["other"]), track.offsets, track.time_us, track.lat_deg, track.lng_deg, track.altitude_m
    )
    found = losses(track, other, max_gap_s=600.0 if name != "a long leg" else None)
    oracle = losses_reference(track, other, max_gap_s=600.0 if name != "a long leg" else None)
    known = oracle.reason < 0
    assert len(found) == known.sum()
    assert len(found.unchecked) == (~known).sum()
    if len(found):
        assert float(found.horizontal_m.min()) == pytest.approx(0.0, abs=1e-5)
        assert found.start_us.min() == oracle.start_us[known].min()
        assert found.end_us.max() == oracle.end_us[known].max()


def test_altitudes_that_do_not_compare_are_unchecked_where_near() -> None:
    """An unknown or incomparable altitude is listed with its reason, and only where they come near."""
    columns = (
        [0, 2, 4],
        [aw.BASE_US, aw.BASE_US + 60 * S] * 2,
        [0.0] * 4,
        [0.0, 0.1, 0.1, 0.0],
        [0.0, np.nan, 0.0, 0.0],
    )
    found = losses(Trajectories.of(aw.numbered(2), *columns))
    assert found.unchecked.reason.tolist() == [Reason.ALTITUDE_UNKNOWN]
    assert len(found) == 0
    mixed = Trajectories.of(
        aw.numbered(2), *columns, reference=[AltitudeReference.STD, AltitudeReference.AGL]
    )
    assert losses(mixed).unchecked.reason.tolist() == [Reason.ALTITUDE_INCOMPARABLE]
    far = both(aw.track("a", [0], [0.0], [0.0], np.nan), aw.track("b", [0], [0.0], [1.0], 0.0))
    assert len(losses(far).unchecked) == 0


@pytest.mark.parametrize("apart", [False, True])
def test_the_sea_and_the_ellipsoid_are_compared_over_the_geoid(apart: bool) -> None:
    """Level over the sea meets level over the ellipsoid where the geoid says, in one set or in two."""
    seconds = np.arange(21) * 30.0
    lat = np.linspace(30.0, 10.0, 21)
    geoid, _ = alt.convert(
        np.zeros(21), AltitudeReference.AMSL, AltitudeReference.W84, lat, np.full(21, 80.0)
    )
    over_sea = aw.track("a", seconds, lat, [80.0] * 21, 9000.0, reference=AltitudeReference.AMSL)
    same = aw.track("b", seconds, lat, [80.0] * 21, 9000.0 + geoid, reference=AltitudeReference.W84)
    off = aw.track("c", seconds, lat, [80.0] * 21, 9000.0, reference=AltitudeReference.W84)
    limit = Minima(9260.0, 20.0)
    assert np.abs(geoid).min() > 25.0
    for other, inside in ((same, True), (off, False)):
        found = (
            losses(over_sea, other, separation=limit, max_gap_s=None)
            if apart
            else losses(both(over_sea, other), separation=limit, max_gap_s=None)
        )
        assert (len(found) > 0) == inside
        assert len(found.unchecked) == 0


def test_a_find_that_owes_itself_to_the_geoids_bound_is_marginal() -> None:
    """Just beyond the vertical minimum, but within the bound of the conversion, a finding is marked."""
    geoid, _ = alt.convert(0.0, AltitudeReference.AMSL, AltitudeReference.W84, 0.0, 0.0)
    sea = aw.track("a", [0, 60], [0.0, 0.0], [0.0, 0.0], 1000.0, reference=AltitudeReference.AMSL)
    for gap, rows, marginal in ((99.5, 1, False), (100.2, 1, True), (150.0, 0, False)):
        over = aw.track(
            "b", [0, 60], [0.0, 0.0], [0.0, 0.0], 1000.0 + float(geoid) + gap, reference=AltitudeReference.W84
        )
        found = losses(both(sea, over), separation=Minima(1000.0, 100.0))
        assert len(found) == rows
        assert found.marginal.tolist() == [marginal] * rows


def test_uncertainty_widens_the_minima() -> None:
    """Bounds on the position errors of both add to the minima, horizontally and vertically."""
    columns = ([0, 1, 2], [aw.BASE_US] * 2, [0.0, 0.0], [0.0, 0.0832], [0.0, 305.0])
    assert len(losses(Trajectories.of(aw.numbered(2), *columns))) == 0
    unsure = Trajectories.of(
        aw.numbered(2), *columns, horizontal_uncertainty_m=[1.0, 5.0], vertical_uncertainty_m=[0.1, 0.2]
    )
    found = losses(unsure)
    assert len(found) == 1
    assert found.margin_m[0] == pytest.approx(305.0 - 305.1)


# -- rules ------------------------------------------------------------------------------------------------


def test_minima_go_by_kind_party_and_name() -> None:
    """Each pair is held to the first rule that fits it, and the finding names that rule."""
    labels = Labels.of(
        ["t0", "t1", "t2", "t3"],
        party=["n", "s", "n", "s"],
        kind=[Kind.CREWED, Kind.CREWED, Kind.UNCREWED, Kind.UNCREWED],
    )
    rules = Separation(
        (
            Rule("named", ("t0", "t1"), Minima(20_000.0, 1000.0)),
            Rule("mixed", ("crewed", "uncrewed"), Minima(12_000.0, 300.0)),
            Rule("others", ("any", "any"), Minima(100.0, 100.0)),
        )
    )
    lng = np.array([0.0, 0.15, 0.1, 0.11])
    tracks = Trajectories.of(labels, [0, 1, 2, 3, 4], [aw.BASE_US] * 4, [0.0] * 4, lng, [0.0] * 4)
    found = losses(tracks, separation=rules)
    said = {(int(a), int(b)): found.rules[r] for a, b, r in zip(found.a, found.b, found.rule, strict=True)}
    assert said == {(0, 1): "named", (0, 2): "mixed", (1, 2): "mixed", (1, 3): "mixed"}
    for (a, b), name in said.items():
        assert rules.rules[rule_reference(rules, labels, a, labels, b)].name == name


def test_pairs_without_a_rule_are_all_listed() -> None:
    """Every pair that no rule covers and that was there together is counted and listed; one body is none."""
    labels = Labels.of(
        [f"t{k}" for k in range(6)],
        kind=[Kind.CREWED, Kind.CREWED, Kind.GROUND, Kind.GROUND, Kind.GROUND, Kind.STATIC],
        body=["p", "q", "r", "r", "s", "t"],
    )
    starts = np.array([0, 0, 0, 5, 100, 0]) * S + aw.BASE_US
    tracks = Trajectories.of(
        labels,
        np.arange(0, 14, 2),
        np.stack([starts, starts + 10 * S], axis=1).ravel(),
        np.zeros(12),
        np.zeros(12),
        np.zeros(12),
    )
    rules = Separation((Rule("crewed", ("crewed", "any"), Minima(100.0, 100.0)),))
    found = losses(tracks, separation=rules)
    left = found.unchecked
    assert left.reason.tolist() == [Reason.NO_RULE] * len(left)
    assert sorted(zip(left.a.tolist(), left.b.tolist(), strict=True)) == [(2, 5), (3, 5)]
    assert left.no_rule_pairs == 2
    at = left.a.tolist().index(3)
    assert (int(left.start_us[at]), int(left.end_us[at])) == (int(starts[3]), int(starts[0]) + 10 * S)
    apart = losses(tracks.take(np.array([2, 3, 4])), tracks.take(np.array([5, 3, 0])), separation=rules)
    assert sorted(zip(apart.unchecked.a.tolist(), apart.unchecked.b.tolist(), strict=True)) == [
        (0, 0),
        (1, 0),
    ]
    assert apart.unchecked.no_rule_pairs == 2


@given(st.integers(0, 2**32 - 1))
def test_pairs_without_a_rule_are_counted_right(seed: int) -> None:
    """The count of pairs without a rule is that of a plain loop over all pairs."""
    random = aw.rng(seed)
    n = 12
    labels = Labels.of(
        [f"t{k}" for k in range(n)],
        kind=random.integers(0, 3, n),
        party=random.choice(["n", "s"], n).tolist(),
        body=random.choice(["p", "q", "r", "s", "t", "u", "v"], n).tolist(),
    )
    starts = random.integers(0, 6, n)
    times = np.stack([starts, starts + random.integers(0, 3, n)], axis=1) * S
    tracks = Trajectories.of(labels, np.arange(0, 2 * n + 1, 2), times.ravel(), *[np.zeros(2 * n)] * 3)
    rules = Separation(
        (Rule("", ("crewed", "n"), Minima(0.0, 0.0)), Rule("", ("ground", "ground"), Minima(0.0, 0.0)))
    )
    expected = {
        (a, b)
        for a in range(n)
        for b in range(a + 1, n)
        if labels.body[a] != labels.body[b]
        and rule_reference(rules, labels, a, labels, b) < 0
        and times[a, 0] <= times[b, 1]
        and times[b, 0] <= times[a, 1]
    }
    left = losses(tracks, separation=rules, max_gap_s=None).unchecked
    assert set(zip(left.a.tolist(), left.b.tolist(), strict=True)) == expected
    assert left.no_rule_pairs == len(expected) == len(left)


def test_many_pairs_without_a_rule_are_counted_and_the_first_listed() -> None:
    """A pact that covers nobody lists the first pairs and counts all of them."""
    n = 300
    tracks = Trajectories.of(aw.numbered(n), np.arange(n + 1), [0] * n, *[np.zeros(n)] * 3)
    left = losses(tracks, separation=Separation(())).unchecked
    assert len(left) == LISTED
    assert left.no_rule_pairs == n * (n - 1) // 2


def test_agreed_proximity_marks_until_it_expires() -> None:
    """A pair that has agreed to fly close is found and marked; past the expiry it is not marked any more."""
    tracks = both(
        aw.track("tanker-1", [0, 60], [0.0, 0.0], [0.0, 0.1]),
        aw.track("tanker-2", [0, 60], [0.0, 0.0], [0.0, 0.1]),
        aw.track("guest", [0, 60], [0.0, 0.0], [0.0, 0.1]),
    )
    end = aw.BASE_US + 60 * S
    for until, agreed in ((end, True), (end - 1, False)):
        rules = Separation(Separation.uniform().rules, (Proximity(("tanker-2", "tanker-1"), until),))
        found = losses(tracks, separation=rules)
        marked = {(int(f.a), int(f.b)): f.agreed for f in found}
        assert marked == {(0, 1): agreed, (0, 2): False, (1, 2): False}


def test_one_body_is_never_paired_with_itself() -> None:
    """Two rows of one body, in one set or in two, are no pair, at whatever distance."""
    labels = Labels.of(["ABC123/1", "ABC123/2", "other"], body=["ABC123", "ABC123", "other"])
    tracks = Trajectories.of(labels, [0, 1, 2, 3], [0] * 3, *[np.zeros(3)] * 3)
    found = losses(tracks)
    assert [(f.a, f.b) for f in found] == [(0, 2), (1, 2)]
    again = losses(tracks.take(np.array([0, 2])), tracks.take(np.array([1])))
    assert [(f.a, f.b) for f in again] == [(1, 0)]


def test_modes_are_never_mixed() -> None:
    """Recorded and exercise tracks are not checked against each other."""
    labels = Labels.of(["x"], data_mode=DataMode.EXERCISE)
    exercise = Trajectories.one("x", [0], [0.0], [0.0], [0.0], labels=labels)
    with pytest.raises(ModeError, match="data modes would be mixed"):
        losses(aw.TRACKS["hover"], exercise)


def test_a_leg_to_the_antipode_is_refused() -> None:
    """A leg without a single shortest path is an error that names the trajectory and the sample."""
    with pytest.raises(GeometryError, match="trajectory 't', sample 0"):
        losses(aw.track("t", [0, 10], [0.0, 0.1], [0.0, 179.95]))


# -- laws -------------------------------------------------------------------------------------------------

Flights = list[tuple[list[float], list[float], list[float], list[float]]]


@st.composite
def traffic(draw: st.DrawFn, most: int = 4) -> Flights:
    """A few flights near each other anywhere on earth: seconds, latitudes, longitudes, altitudes."""
    lat = draw(st.sampled_from([0.0, 34.0, -52.0, 80.0, 89.95, -90.0]))
    lng = draw(st.sampled_from([0.0, 38.6, 180.0, -179.99]))
    flights: Flights = []
    for _ in range(draw(st.integers(2, most))):
        here = aw.go(lat, lng, draw(st.floats(0.0, 360.0)), draw(st.floats(0.0, 15_000.0)))[:2]
        heading, speed = draw(st.floats(0.0, 360.0)), draw(st.floats(0.0, 300.0))
        high, climb = draw(st.floats(8900.0, 9300.0)), draw(st.floats(-10.0, 10.0))
        clock = draw(st.integers(-20_000_000, 20_000_000)) / S
        seconds, lats, lngs, highs = [clock], [float(here[0])], [float(here[1])], [high]
        for turn in draw(st.lists(st.floats(-90.0, 90.0), max_size=3)):
            step = draw(st.integers(2_000_000, 55_000_000)) / S
            heading += turn
            here = aw.go(*here, heading, speed * step)[:2]
            clock, high = clock + step, high + climb * step
            seconds.append(clock)
            lats.append(float(here[0]))
            lngs.append(float(here[1]))
            highs.append(high)
        flights.append((seconds, lats, lngs, highs))
    return flights


def flown(flights: Flights, *, shift_s: float = 0.0, turn: float = 0.0) -> Trajectories:
    """Flights as trajectories, later by ``shift_s`` and turned about the earth's axis by ``turn`` degrees."""
    return both(
        *(
            aw.track(
                f"t{k}", np.array(s) + shift_s, lat, (np.array(lng) + turn + 180.0) % 360.0 - 180.0, high
            )
            for k, (s, lat, lng, high) in enumerate(flights)
        )
    )


Windows = dict[tuple[int, int], list[tuple[int, int, float]]]


def windows(found: Findings, names: Sequence[int], *, shift_us: int = 0) -> Windows:
    """Windows by pair, rows named by ``names``, without those that graze the minimum by under 1 mm."""
    out: Windows = {}
    for f in found:
        if f.horizontal_m < 9260.0 - 1e-3:
            pair = tuple(sorted((names[f.a], names[f.b])))
            out.setdefault((pair[0], pair[1]), []).append(
                (f.start_us - shift_us, f.end_us - shift_us, f.horizontal_m)
            )
    return out


def assert_same(one: Windows, two: Windows) -> None:
    """The same pairs, the same windows to a millisecond, the same distances to a micrometre or two."""
    assert one.keys() == two.keys()
    for pair, rows in one.items():
        assert len(rows) == len(two[pair])
        for (start, end, metres), (start2, end2, metres2) in zip(rows, two[pair], strict=True):
            assert abs(start - start2) < 1000
            assert abs(end - end2) < 1000
            assert metres == pytest.approx(metres2, abs=3e-6)


@pytest.mark.unmeasured
@given(traffic(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_tracks_does_not_matter(flights: Flights, random: object) -> None:
    """Turned round or shuffled, the same tracks have the same losses; rows are ordered by start."""
    tracks = flown(flights)
    names = list(range(len(flights)))
    random.shuffle(names)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    found, again = losses(tracks), losses(tracks.take(np.array(names)))
    assert_same(windows(found, range(len(flights))), windows(again, names))
    assert np.all(np.diff(again.start_us) >= 0)


@pytest.mark.unmeasured
@given(traffic(), st.floats(-360.0, 360.0), st.integers(-(10**9), 10**9))
@settings(max_examples=60)
def test_the_earths_turn_and_the_clock_do_not_matter(flights: Flights, turn: float, shift_s: int) -> None:
    """Turned about the axis by any angle and flown at any time, the same tracks have the same losses."""
    found = losses(flown(flights))
    turned = losses(flown(flights, turn=turn))
    later = losses(flown(flights, shift_s=shift_s))
    names = range(len(flights))
    assert_same(windows(found, names), windows(turned, names))
    assert_same(windows(found, names), windows(later, names, shift_us=shift_s * S))


@pytest.mark.unmeasured
@given(traffic(), st.floats(0.3, 1.0), st.floats(0.3, 1.0))
@settings(max_examples=60)
def test_smaller_minima_find_no_more(flights: Flights, narrow: float, flat: float) -> None:
    """What is inside smaller minima is inside larger ones, for the whole of its window."""
    tracks = flown(flights)
    large = losses(tracks)
    for f in losses(tracks, separation=Minima(9260.0 * narrow, 304.8 * flat)):
        held = [
            g
            for g in large
            if (g.a, g.b) == (f.a, f.b) and g.start_us <= f.start_us + 2 and g.end_us >= f.end_us - 2
        ]
        assert held
        assert min(g.horizontal_m for g in held) <= f.horizontal_m + 1e-6


@pytest.mark.unmeasured
@given(traffic(most=3), st.integers(1, 9))
@settings(max_examples=60)
def test_a_sample_more_on_the_way_changes_nothing(flights: Flights, tenths: int) -> None:
    """A leg cut at a point of its geodesic, at its time and height, has the same losses."""
    cut: Flights = []
    for seconds, lats, lngs, highs in flights:
        if len(seconds) < 2:
            cut.append((seconds, lats, lngs, highs))
            continue
        at = round((seconds[0] + (seconds[1] - seconds[0]) * tenths / 10) * S) / S
        share = (at - seconds[0]) / (seconds[1] - seconds[0])
        out, _, length = aw.GEOD.inv(lngs[0], lats[0], lngs[1], lats[1])
        lat, lng, _ = aw.go(lats[0], lngs[0], out, share * length)
        high = highs[0] + share * (highs[1] - highs[0])
        cut.append(
            (
                [seconds[0], at, *seconds[1:]],
                [lats[0], float(lat), *lats[1:]],
                [lngs[0], float(lng), *lngs[1:]],
                [highs[0], high, *highs[1:]],
            )
        )
    names = range(len(flights))
    assert_same(windows(losses(flown(flights)), names), windows(losses(flown(cut)), names))


@pytest.mark.unmeasured
@given(traffic())
@settings(max_examples=60)
def test_a_track_more_changes_no_other_pair(flights: Flights) -> None:
    """The losses of all but the last are the same without the last; against others is the cross part."""
    assume(len(flights) > 2)
    tracks = flown(flights)
    names = range(len(flights))
    everything = windows(losses(tracks), names)
    fewer = windows(losses(tracks.take(np.arange(len(flights) - 1))), names)
    assert_same({pair: rows for pair, rows in everything.items() if len(flights) - 1 not in pair}, fewer)
    head, tail = tracks.take(np.array([0])), tracks.take(np.arange(1, len(flights)))
    across = losses(head, tail)
    assert np.all(across.a == 0)
    crossed: Windows = {}
    for f in across:
        if f.horizontal_m < 9260.0 - 1e-3:
            crossed.setdefault((0, f.b + 1), []).append((f.start_us, f.end_us, f.horizontal_m))
    assert_same({pair: rows for pair, rows in everything.items() if pair[0] == 0}, crossed)
