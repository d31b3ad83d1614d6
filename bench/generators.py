"""Seeded inputs for the benchmarks: the same numbers for us and for our peers, made with numpy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = dict[str, "NDArray[np.float64]"]

NM_M, FT_M, KT_M_S = 1852.0, 0.3048, 1852.0 / 3600.0
R_M = 6_371_000.0


def states(n: int, seed: int = 0, *, side_m: float = 400 * NM_M) -> Columns:
    """Live states in a square around 52N 5E.

    10 to 40 thousand feet, 200 to 500 knots, two in five climbing or sinking.
    """
    rng = np.random.default_rng(seed)
    north, east = rng.uniform(-0.5, 0.5, n) * side_m, rng.uniform(-0.5, 0.5, n) * side_m
    lat = 52.0 + np.degrees(north / R_M)
    climb = np.where(rng.uniform(0, 1, n) < 0.4, rng.uniform(-2000, 2000, n), 0.0) * FT_M / 60.0
    return {
        "lat": lat,
        "lng": 5.0 + np.degrees(east / (R_M * np.cos(np.radians(lat)))),
        "alt": rng.uniform(10_000, 40_000, n) * FT_M,
        "gs": rng.uniform(200, 500, n) * KT_M_S,
        "trk": rng.uniform(0, 360, n),
        "vs": climb,
    }


def volumes(n: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64], Columns]:
    """Half circles of 500 to 2,500 m (as 33-gons), half 5- to 8-gons of that size, on a 500 km plane.

    20 minutes of a day.

    Returns ring offsets, plane vertices of shape (m, 2) in metres, and columns ``start``, ``end``, ``low``,
    ``high``.
    """
    rng = np.random.default_rng(seed)
    half = n // 2
    centre, radius = rng.uniform(0, 500_000, (n, 2)), rng.uniform(500, 2500, n)
    sizes = np.where(np.arange(n) < half, 33, rng.integers(5, 9, n))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    owner = np.repeat(np.arange(n), sizes)
    step = np.arange(owner.shape[0]) - offsets[owner]
    even = 2 * np.pi * step / sizes[owner]
    jitter = np.where(owner < half, 0.0, rng.uniform(-0.3, 0.3, owner.shape[0]) * 2 * np.pi / sizes[owner])
    angle = even + jitter
    points = centre[owner] + radius[owner, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    start, low = rng.uniform(0, 86_400 - 1_200, n), rng.uniform(0, 3_000, n)
    return (
        offsets,
        points,
        {"start": start, "end": start + 1_200, "low": low, "high": low + rng.uniform(100, 500, n)},
    )


def on_earth(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude of plane points.

    Azimuthal about 50N 5E on a sphere; which map is used matters to nobody.
    """
    x, y = points[:, 0] - 250_000.0, points[:, 1] - 250_000.0
    r = np.hypot(x, y)
    c = r / R_M
    lat0 = np.radians(50.0)
    scale = np.where(r > 0, np.sin(c) / np.where(r > 0, r, 1.0), 1.0 / R_M)
    lat = np.arcsin(np.cos(c) * np.sin(lat0) + y * scale * np.cos(lat0))
    lng = np.arctan2(x * scale, np.cos(lat0) * np.cos(c) - y * scale * np.sin(lat0))
    return np.degrees(lat), 5.0 + np.degrees(lng)


def flights(n: int, seed: int = 0, *, legs: int = 40) -> tuple[NDArray[np.int64], Columns]:
    """A day of flights over Europe.

    ``legs`` legs each, 45 minutes to three hours, climbing, cruising, descending.
    """
    rng = np.random.default_rng(seed)
    a = np.stack([rng.uniform(36, 60, n), rng.uniform(-10, 30, n)], axis=1)
    b = np.stack([rng.uniform(36, 60, n), rng.uniform(-10, 30, n)], axis=1)
    mean = np.radians((a[:, 0] + b[:, 0]) / 2)
    far = R_M * np.hypot(np.radians(b[:, 0] - a[:, 0]), np.radians(b[:, 1] - a[:, 1]) * np.cos(mean))
    far = np.clip(far, 400_000, 2_200_000)
    speed = rng.uniform(390, 480, n) * KT_M_S
    start = rng.uniform(0, 86_400, n)
    u = np.linspace(0, 1, legs + 1)
    bend = rng.uniform(-0.6, 0.6, n)[:, None] * np.sin(np.pi * u)[None, :]
    lat = a[:, :1] + u * (b[:, :1] - a[:, :1]) + bend
    lng = a[:, 1:] + u * (b[:, 1:] - a[:, 1:]) - bend
    cruise = rng.integers(28, 41, n)[:, None] * 1_000 * FT_M
    alt = cruise * np.clip(np.minimum(u, 1 - u)[None, :] * 6, 0, 1)
    time = start[:, None] + u[None, :] * (far / speed)[:, None]
    return np.arange(n + 1) * (legs + 1), {
        "time": time.ravel(),
        "lat": lat.ravel(),
        "lng": lng.ravel(),
        "alt": alt.ravel(),
    }


def recording(points: int, seed: int = 0) -> tuple[NDArray[np.int64], Columns]:
    """Recorded tracks: a sample every ten seconds, each by its own clock, 100 a track, a week of Europe."""
    rng = np.random.default_rng(seed)
    n = points // 100
    heading, speed = rng.uniform(0, 2 * np.pi, n), rng.uniform(200, 480, n) * KT_M_S
    start, lat0, lng0 = rng.uniform(0, 7 * 86_400, n), rng.uniform(36, 60, n), rng.uniform(-10, 30, n)
    t = np.arange(100)[None, :] * 10.0 + rng.uniform(-0.4, 0.4, (n, 100))
    turn = heading[:, None] + rng.uniform(-3e-4, 3e-4, n)[:, None] * t
    lat = lat0[:, None] + np.degrees(speed[:, None] * t * np.cos(turn) / R_M)
    lng = lng0[:, None] + np.degrees(speed[:, None] * t * np.sin(turn) / (R_M * np.cos(np.radians(lat))))
    level = rng.integers(100, 400, n)[:, None] * 100 * FT_M
    alt = level + rng.choice([0.0, 0.0, 6.0, -6.0], n)[:, None] * t
    return np.arange(n + 1) * 100, {
        "time": (start[:, None] + t).ravel(),
        "lat": lat.ravel(),
        "lng": lng.ravel(),
        "alt": np.abs(alt).ravel(),
    }
