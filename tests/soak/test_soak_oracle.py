"""The engine against the oracle over millions of pairs: ``make soak`` only.

``SKYPACT_SOAK_PAIRS`` says how many pairs a family gets (by default 100,000, three million in all: half an
hour on one core), ``SKYPACT_SOAK_SEED`` from which seed.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import awkward as aw
from agree import assert_agree
from skypact.airspace import Minima, Trajectories
from skypact.airspace.earth import LEG_MAX_M, R_MIN_M
from skypact.check import encounters, losses
from skypact.check._sweep import frame_bound
from skypact.check.reference import encounters_reference, losses_reference

pytestmark = pytest.mark.soak

PAIRS = int(os.environ.get("SKYPACT_SOAK_PAIRS", "100000"))
SEED = int(os.environ.get("SKYPACT_SOAK_SEED", "1"))
BATCH = 10_000


@pytest.mark.parametrize("name", sorted(aw.PAIRS))
def test_no_loss_is_missed_in_millions(name: str) -> None:
    """None of a family's pairs is missed or made up, over seeds that the suite does not use."""
    gap = None if name == "long_legs" else 60.0
    for batch in range(-(-PAIRS // BATCH)):
        pairs = aw.PAIRS[name](aw.rng(SEED * 1_000_003 + batch), min(BATCH, PAIRS))
        found = losses(pairs.tracks, separation=pairs.minima, max_gap_s=gap)
        named = [np.stack([f.a, f.b], axis=1) for f in (found, found.unchecked)]
        rows = np.unique(np.concatenate([pairs.rows, *named]), axis=0)
        oracle = losses_reference(pairs.tracks, separation=pairs.minima, max_gap_s=gap, pairs=rows)
        agreement = assert_agree(found, oracle, pairs.tracks, instants_unique=name != "doubled")
        assert agreement.pairs >= len(pairs)


@pytest.mark.parametrize("name", sorted(aw.STATE_PAIRS))
def test_no_encounter_is_missed_in_millions(name: str) -> None:
    """None of a family's pairs of states is missed or made up, over seeds that no other test uses."""
    size = 2_000 if name == "by_a_pole" else BATCH
    for batch in range(-(-PAIRS // size)):
        pairs = aw.STATE_PAIRS[name](aw.rng(SEED * 1_000_003 + batch), min(size, PAIRS))
        found = encounters(pairs.states, separation=pairs.minima, now_us=pairs.now_us)
        rows = np.unique(np.concatenate([pairs.rows, np.stack([found.a, found.b], axis=1)]), axis=0)
        oracle = encounters_reference(pairs.states, separation=pairs.minima, now_us=pairs.now_us, pairs=rows)
        agreement = assert_agree(found, oracle, pairs.states)
        assert agreement.pairs >= len(pairs)


def largest_error_m(random: np.random.Generator, n: int, leg_m: float, minimum_m: float) -> float:
    """The largest error of the closest distance over n pairs of legs of one length that pass at a minimum.

    Half of the pairs follow each other in line at 45 degrees of latitude and track, where the cubic is worst.
    """
    worst = 0.0
    for _ in range(-(-n // BATCH)):
        size = min(BATCH, n)
        pairs = _legs_at_a_minimum(random, size, leg_m, minimum_m)
        found = losses(pairs.tracks, separation=pairs.minima, max_gap_s=None)
        oracle = losses_reference(pairs.tracks, separation=pairs.minima, max_gap_s=None, pairs=pairs.rows)
        own = (found.a % 2 == 0) & (found.b == found.a + 1)
        nearest = np.full(size, np.inf)
        np.minimum.at(nearest, found.a[own] // 2, found.horizontal_m[own])
        error = np.abs(nearest - oracle.closest_m)
        worst = max(worst, float(error[np.isfinite(error)].max()))
    return worst


def _legs_at_a_minimum(random: np.random.Generator, n: int, leg_m: float, minimum_m: float) -> aw.Pairs:
    seconds = 100.0
    in_line = np.arange(n) % 2 == 0
    apart = minimum_m * random.uniform(0.9, 0.999, n)
    lat = np.where(in_line, random.choice([-45.0, 45.0], n), np.degrees(np.arcsin(random.uniform(-1, 1, n))))
    track = np.where(in_line, 45.0 + 90.0 * random.integers(0, 4, n), random.uniform(0.0, 360.0, n))
    line = np.where(in_line, track, random.uniform(0.0, 360.0, n))
    lng = random.uniform(-180.0, 180.0, n)
    far_lat, far_lng, turned = aw.go(lat, lng, line, apart)
    sides = []
    for place in (
        (lat, lng, track),
        (far_lat, far_lng, track + turned - line + random.uniform(20.0, 340.0, n) * ~in_line),
    ):
        before = random.uniform(0.1, 0.9, n) * leg_m
        ends = [aw.go(place[0], place[1], place[2], way) for way in (-before, leg_m - before)]
        sides.append(
            [np.stack([end[c] for end in ends], axis=1) for c in (0, 1)] + [before / leg_m * seconds]
        )
    time_us = [
        aw.BASE_US
        + np.rint(1e6 * (1000.0 + np.stack([-side[2], seconds - side[2]], axis=1))).astype(np.int64)
        for side in sides
    ]
    band = np.repeat(3000.0 * (np.arange(n) % 100), 4)
    tracks = Trajectories.of(
        aw.numbered(2 * n),
        np.arange(0, 4 * n + 1, 2),
        np.stack(time_us, axis=1).ravel(),
        np.stack([side[0] for side in sides], axis=1).ravel(),
        np.stack([side[1] for side in sides], axis=1).ravel(),
        band,
    )
    return aw.Pairs(tracks, Minima(minimum_m, 300.0), apart, np.full(n, aw.BASE_US + 1_000_000_000))


@pytest.mark.parametrize("minimum_m", [50.0, 9260.0, 100_000.0])
def test_the_bound_is_neither_exceeded_nor_idle(minimum_m: float) -> None:
    """Over a million passes at a minimum the bound holds, and is at most three times the largest error."""
    worst = largest_error_m(aw.rng(SEED), 10 * PAIRS, 0.995 * LEG_MAX_M, minimum_m)
    bound = frame_bound(LEG_MAX_M, minimum_m)
    assert worst <= bound <= 3.0 * worst


def test_the_bound_is_small_where_the_design_says() -> None:
    """For pairs within 100 km and 300 s up to 65 degrees the bound is far under five metres."""
    predicted = 2e-13 * (50_000.0 + 2.0 * 300.0 * 300.0)
    assert frame_bound(29_000.0, 100_000.0) + predicted < 1e-5
    assert R_MIN_M < 6_336_000.0
