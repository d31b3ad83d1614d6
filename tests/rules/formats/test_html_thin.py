"""Thinning for drawing: what is left out is where the drawing says it is."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from awkward import rng
from skypact.formats import html_thin
from skypact.formats.html_thin import HORIZONTAL_M, SPHERE_M, STRETCH, VERTICAL_M, thin, unit_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = tuple["NDArray[Any]", "NDArray[Any]", "NDArray[Any]", "NDArray[Any]", "NDArray[Any]"]


def wander(seed: int, sizes: list[int]) -> Columns:
    """Tracks that turn, climb and stop, with uneven clocks: offsets, time, lat, lng, altitude."""
    r = rng(seed)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    time, lat, lng, alt = [], [], [], []
    for n in sizes:
        heading = np.cumsum(r.normal(0.0, 0.05, n)) + r.uniform(0, 6)
        moves = r.uniform(0, 1500, n) * (r.random(n) > 0.1)
        time.append(np.cumsum(r.integers(0, 20, n)) * 1_000_000)
        lat.append(np.clip(r.uniform(-70, 70) + np.cumsum(moves * np.cos(heading)) / 111e3, -85, 85))
        lng.append(r.uniform(-180, 180) + np.cumsum(moves * np.sin(heading)) / 60e3)
        alt.append(np.cumsum(r.normal(0, 20, n)) + 5000)
    return offsets, np.concatenate(time), np.concatenate(lat), np.concatenate(lng), np.concatenate(alt)


def off_by(columns: Columns, keep: NDArray[np.bool_]) -> tuple[float, float]:
    """The largest distances between left-out samples and the drawing, one sample at a time."""
    offsets, time, lat, lng, alt = columns
    worst = [0.0, 0.0]
    for first, last in pairwise(offsets):
        kept = np.nonzero(keep[first:last])[0] + first
        for k in range(first, last):
            if keep[k]:
                continue
            a, b = kept[kept < k][-1], kept[kept > k][0]
            part = (time[k] - time[a]) / (time[b] - time[a]) if time[b] > time[a] else 0.0
            u = unit_vectors(lat[[a, b, k]], lng[[a, b, k]])
            at = u[0] + part * (u[1] - u[0])
            at /= np.linalg.norm(at)
            worst[0] = max(worst[0], SPHERE_M * float(np.linalg.norm(at - u[2])))
            up = alt[a] + part * (alt[b] - alt[a]) - alt[k]
            if np.isfinite(up):
                worst[1] = max(worst[1], abs(up))
    return worst[0], worst[1]


@pytest.mark.unmeasured
@given(st.integers(0, 10_000), st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(1, 250))
def test_what_is_left_out_is_as_near_as_is_said(seed: int, sizes: list[int], budget: int) -> None:
    """The stated distances are those of the worst sample left out, and ends are always kept."""
    columns = wander(seed, sizes)
    offsets = columns[0]
    thinned = thin(*columns, np.zeros(columns[1].shape[0], np.bool_), budget=budget)
    assert thinned.keep[offsets[:-1]].all()
    assert thinned.keep[offsets[1:] - 1].all()
    horizontal, vertical = off_by(columns, thinned.keep)
    assert thinned.horizontal_m == pytest.approx(horizontal, abs=1e-3)
    assert thinned.vertical_m == pytest.approx(vertical, abs=1e-6)


def test_everything_is_kept_where_it_fits() -> None:
    """A track that has room is not touched."""
    columns = wander(1, [50, 50])
    thinned = thin(*columns, np.zeros(100, np.bool_), budget=100)
    assert thinned.keep.all()
    assert (thinned.horizontal_m, thinned.vertical_m) == (0.0, 0.0)


def test_a_straight_flight_needs_its_ends() -> None:
    """What moves evenly is drawn from one sample in each stretch, at the finest tolerance."""
    n = 2000
    columns = (
        np.array([0, n]),
        np.arange(n) * 1_000_000,
        np.zeros(n),
        np.linspace(0.0, 4.0, n),
        np.full(n, 1000.0),
    )
    thinned = thin(*columns, np.zeros(n, np.bool_), budget=n - 1)
    assert thinned.keep.sum() == len({*range(0, n, STRETCH), n - 1})
    assert thinned.horizontal_m <= HORIZONTAL_M
    assert thinned.vertical_m <= VERTICAL_M


def test_a_budget_is_met_to_the_sample() -> None:
    """The coarsest tolerance needed is used, not the next round figure."""
    columns = wander(2, [400, 400, 400])
    for budget in (900, 300, 60):
        thinned = thin(*columns, np.zeros(1200, np.bool_), budget=budget)
        assert budget * 0.95 <= thinned.keep.sum() <= budget


def test_what_must_stay_stays() -> None:
    """Marked samples are kept even where the budget is too small for them."""
    columns = wander(3, [300])
    must = np.zeros(300, np.bool_)
    must[100:120] = True
    thinned = thin(*columns, must, budget=4)
    assert thinned.keep[must].all()
    assert thinned.keep.sum() < 40


def test_altitudes_that_come_and_go_keep_both_sides() -> None:
    """No altitude is drawn between a known one and an unknown one that was not beside it."""
    columns = wander(4, [200])
    columns[4][50:70] = np.nan
    thinned = thin(*columns, np.zeros(200, np.bool_), budget=10)
    assert thinned.keep[[49, 50, 69, 70]].all()


def test_a_stop_is_not_smoothed_away() -> None:
    """A thing that waits and goes on is not drawn as creeping: the distance is taken at equal times."""
    n = 301
    lng = np.concatenate([np.linspace(0, 0.1, 100), np.full(101, 0.1), np.linspace(0.1, 0.2, 100)])
    columns = (np.array([0, n]), np.arange(n) * 1_000_000, np.zeros(n), lng, np.zeros(n))
    thinned = thin(*columns, np.zeros(n, np.bool_), budget=300)
    assert 4 <= thinned.keep.sum() <= 8
    assert off_by(columns, thinned.keep)[0] <= HORIZONTAL_M


def test_parts_are_joined_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many samples are worked on in parts, and the parts change nothing."""
    columns = wander(5, [3000, 2000])
    must = np.zeros(5000, np.bool_)
    whole = thin(*columns, must, budget=1000)
    monkeypatch.setattr(html_thin, "_SAMPLES_AT_ONCE", 700)
    parts = thin(*columns, must, budget=1000)
    assert (whole.keep == parts.keep).all()
    assert whole.horizontal_m == parts.horizontal_m
