"""Conflicts of volumes and planned trajectories against the oracle: thousands of awkward pairs."""

from __future__ import annotations

import numpy as np
import pytest

from agree_volumes import couples_disagree, passes_disagree
from awkward import BASE_US, rng
from awkward_volumes import PLACES, Change, S, couples, mixed_pairs, nudged_pairs, passes
from skypact.airspace import Altitude, AltitudeReference, Labels, Minima, Volumes
from skypact.check import conflicts
from skypact.check import reference as oracle
from skypact.instants import EVER

AMSL, STD, AGL = AltitudeReference.AMSL, AltitudeReference.STD, AltitudeReference.AGL


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", sorted(PLACES))
def test_volumes_anyhow_agree_with_the_oracle(place: str) -> None:
    """Polygons and circles that overlap, hold one another, share edges or stay apart."""
    assert couples_disagree(couples(mixed_pairs(rng(11), 400, place))) == []


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", sorted(PLACES))
def test_volumes_that_all_but_touch_agree_with_the_oracle(place: str) -> None:
    """Edges from 30 m apart to 30 m over one another, down to a tenth of a millimetre."""
    assert couples_disagree(couples(nudged_pairs(rng(12), 400, place))) == []


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", sorted(PLACES))
def test_volumes_at_a_buffer_agree_with_the_oracle(place: str) -> None:
    """The same at a distance: a buffer of 30 m, 5 NM or 100 km, more or less a nudge."""
    pairs = nudged_pairs(rng(13), 400, place, buffers_m=(30.0, 9260.0, 100_000.0))
    assert couples_disagree(couples(pairs)) == []


def test_wide_volumes_agree_with_the_oracle_within_their_bound() -> None:
    """Outlines up to 900 km from their middle: decimetres instead of centimetres, and still none missed."""
    for seed, buffers in ((1, (0.0,)), (2, (9260.0, 500_000.0))):
        pairs = nudged_pairs(rng(seed), 150, most_m=900_000.0, buffers_m=buffers)
        assert couples_disagree(couples(pairs), tolerance_m=0.2) == []


def test_bands_and_windows_agree_with_the_oracle() -> None:
    """Floors, ceilings and windows that touch, overlap or miss by a hair, are open, or cannot be compared."""
    random = rng(14)
    pairs = mixed_pairs(random, 120)

    def band() -> Change:
        low, high = np.sort(
            random.choice([0.0, 100.0, 100.0 + 1e-9, 100.001, 250.0, 400.0], 2, replace=False)
        )
        refs = random.choice([AMSL, AMSL, STD, AGL], 2)
        change: Change = {"lower": Altitude(low, refs[0]), "upper": Altitude(high, refs[1])}
        drop = random.random()
        if drop < 0.15:
            change["lower"] = None
        elif drop < 0.3:
            change["upper"] = None
        return change

    changes = []
    for k in range(len(pairs)):
        first, second = band(), band()
        base = BASE_US + 10 * k * S
        start = base + int(random.choice([0, 0, 4 * S, 5 * S - 1, 5 * S, 5 * S + 1]))
        second |= {"start_us": start, "end_us": base + 9 * S}
        if random.random() < 0.1:
            second["start_us"] = EVER
        changes.append((first, second))
    # an open window lets others in: one couple at a time
    tried = couples(pairs, changes)
    for minima in (None, Minima(0.0, 30.0)):
        for k, (one, two) in enumerate(tried.solid):
            found = conflicts(Volumes.of(Labels.of(["a", "b"]), [one, two]), separation=minima)
            meeting = oracle.volumes_meet_reference(one, two)
            expected = meeting.meets(0.0, 0.0 if minima is None else 30.0)
            assert len(found) == (expected is True), (k, meeting, found.vertical_m)
            assert len(found.unchecked) == (expected is None), (k, meeting)
            if expected:
                assert found.vertical_m[0] == pytest.approx(meeting.gap_m, abs=1e-6)


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", sorted(PLACES))
@pytest.mark.parametrize(("buffer_m", "height_m"), [(0.0, 0.0), (30.0, 10.0), (9260.0, 304.8)])
def test_tracks_past_volumes_agree_with_the_oracle(place: str, buffer_m: float, height_m: float) -> None:
    """Tracks beside edges and vertices, through, hovering, single or doubled samples, climbing in and out."""
    tried = passes(rng(15), 10, place, buffer_m=buffer_m, height_m=height_m)
    minima = Minima(buffer_m, height_m) if buffer_m else None
    found = conflicts(tried.tracks, tried.volumes, separation=minima)
    assert passes_disagree(tried, found) == []
    assert len(found) > 3


@pytest.mark.unmeasured
def test_geodesic_legs_of_a_plan_agree_with_the_oracle() -> None:
    """Legs up to 2,000 km through and past polygons up to 100 km."""
    tried = passes(rng(16), 12, most_m=100_000.0, legs_m=(100_000.0, 2_000_000.0))
    found = conflicts(tried.tracks, tried.volumes)
    assert passes_disagree(tried, found) == []
    assert len(found) > 4
