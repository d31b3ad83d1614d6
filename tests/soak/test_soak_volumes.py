"""Volumes against the oracle over hundreds of thousands of pairs: ``make soak`` only.

``SKYPACT_SOAK_PAIRS`` says how many pairs a family gets (by default 100,000), of tracks past volumes a
fiftieth of it, since the oracle takes seconds for a hundred; ``SKYPACT_SOAK_SEED`` from which seed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agree_volumes import couples_disagree, passes_disagree
from awkward import rng
from awkward_volumes import PLACES, Couples, couples, mixed_pairs, nudged_pairs, passes
from skypact.airspace import Circle, Minima, Zones
from skypact.airspace.outlines import outline_bound
from skypact.check import conflicts, entries
from skypact.check import reference as oracle
from skypact.check._sweep import frame_bound

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.soak

PAIRS = int(os.environ.get("SKYPACT_SOAK_PAIRS", "100000"))
SEED = int(os.environ.get("SKYPACT_SOAK_SEED", "1"))
BATCH = 2_000


def batches(total: int, size: int) -> Iterator[tuple[int, int]]:
    """Seeds and sizes."""
    for batch in range(-(-total // size)):
        yield SEED * 1_000_003 + batch, min(size, total - batch * size)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_no_couple_of_volumes_is_missed(place: str) -> None:
    """Anyhow, all but touching, at buffers up to 100 km; outlines up to 100 km across: to a centimetre."""
    for seed, n in batches(PAIRS // 3, BATCH):
        random = rng(seed)
        assert couples_disagree(couples(mixed_pairs(random, n, place))) == []
        assert couples_disagree(couples(nudged_pairs(random, n, place))) == []
        pairs = nudged_pairs(random, n, place, buffers_m=(30.0, 9260.0, 100_000.0))
        assert couples_disagree(couples(pairs)) == []


@pytest.mark.parametrize("place", sorted(PLACES))
@pytest.mark.parametrize(("buffer_m", "height_m"), [(0.0, 0.0), (30.0, 10.0), (9260.0, 304.8)])
def test_no_stay_of_a_track_is_missed(place: str, buffer_m: float, height_m: float) -> None:
    """Tracks past volumes: windows to a millisecond or a centimetre."""
    for seed, n in batches(PAIRS // 600, 100):
        tried = passes(rng(seed), n, place, buffer_m=buffer_m, height_m=height_m)
        found = conflicts(
            tried.tracks, tried.volumes, separation=Minima(buffer_m, height_m) if buffer_m else None
        )
        assert passes_disagree(tried, found) == []


def test_no_stay_on_a_long_leg_is_missed() -> None:
    """Legs up to 2,000 km past polygons up to 300 km, without buffer, as zones."""
    for seed, n in batches(PAIRS // 600, 100):
        tried = passes(rng(seed), n, most_m=300_000.0, legs_m=(100_000.0, 2_000_000.0))
        found = entries(tried.tracks, Zones.of(tried.volumes), max_gap_s=None)
        assert passes_disagree(tried, found) == []


def bounds_of(tried: Couples, buffer_m: float, distance_m: float, k: int) -> float:
    """The bound that the engine adds for a couple: what ``docs/soundness.md`` states."""
    one, two = tried.one, tried.two
    legs = float(max(one.outlines.leg_m[k], two.outlines.leg_m[k]))
    balls = float(min(one.outlines.ball[k, 3], two.outlines.ball[k, 3]))
    radii = float(one.radius_m[k] + two.radius_m[k])
    shapes = [v.outline for v in tried.solid[k]]
    if all(isinstance(shape, Circle) for shape in shapes):
        return 1e-6 + float(frame_bound(0.0, radii + distance_m))
    if radii > 0.0:
        return float(outline_bound(legs, radii + distance_m) + frame_bound(0.0, radii + distance_m))
    return float(outline_bound(legs, max(balls, buffer_m)) + frame_bound(0.0, buffer_m))


@pytest.mark.parametrize("most_m", [50_000.0, 250_000.0, 900_000.0])
def test_the_largest_error_is_within_the_bound(most_m: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Over all places and buffers the error of a distance is within its bound; the largest are printed."""
    ratio = error = 0.0
    for place in sorted(PLACES):
        for seed, n in batches(PAIRS // 40, BATCH):
            buffers = (0.0, 9260.0, 100_000.0, 500_000.0)
            tried = couples(nudged_pairs(rng(seed), n, place, most_m=most_m, buffers_m=buffers))
            wanted = np.array([pair.buffer_m for pair in tried.pairs])
            for buffer_m in buffers:
                found = conflicts(tried.one, tried.two, separation=Minima(buffer_m, 0.0))
                for row in np.nonzero(wanted[found.a] == buffer_m)[0].tolist():
                    k = int(found.a[row])
                    apart = oracle.volumes_meet_reference(*tried.solid[k]).distance_m
                    off = abs(float(found.horizontal_m[row]) - apart)
                    error, ratio = max(error, off), max(ratio, off / bounds_of(tried, buffer_m, apart, k))
    figures = f"\nto {most_m / 1000:.0f} km: largest error {error * 1000:.3f} mm, {ratio:.2f} of its bound"
    with capsys.disabled():
        print(figures)  # noqa: T201 -- the figures are what the soak is run for
    assert ratio <= 1.0
