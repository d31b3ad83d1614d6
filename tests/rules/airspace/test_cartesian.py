"""A pair's own flat frame: exact at its instant, and no further off later than its bound says.

The authority is Karney's solver through pyproj: distance and both directions of the geodesic between two
places, and where each is after a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

import awkward
from skypact.airspace import cartesian, earth
from skypact.airspace.jit import kernel

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Two:
    """n pairs of things: degrees, m/s, direction of motion in degrees; columns of a and of b."""

    lat: tuple[Floats, Floats]
    lng: tuple[Floats, Floats]
    speed: tuple[Floats, Floats]
    track: tuple[Floats, Floats]

    def after(self, seconds: Floats) -> Two:
        """Where they are some seconds later, along their geodesics."""
        places = [
            awkward.go(self.lat[k], self.lng[k], self.track[k], self.speed[k] * seconds) for k in (0, 1)
        ]
        return Two(
            (places[0][0], places[1][0]),
            (places[0][1], places[1][1]),
            self.speed,
            (places[0][2], places[1][2]),
        )

    def seen_exactly(self) -> Floats:
        """Range, rate along, rate across from the exact geodesic between them, shape (n, 3)."""
        out, back, length = awkward.GEOD.inv(self.lng[0], self.lat[0], self.lng[1], self.lat[1])
        one = np.radians(self.track[0] - np.asarray(out))
        two = np.radians(self.track[1] - np.asarray(back) - 180.0)
        along = self.speed[1] * np.cos(two) - self.speed[0] * np.cos(one)
        # directions are clockwise, the frame's hand is the other
        across = self.speed[0] * np.sin(one) - self.speed[1] * np.sin(two)
        return np.stack([np.asarray(length), along, across], axis=1)

    def seen(self) -> Floats:
        """The same as Skypact sees it."""
        out = np.empty((self.lat[0].shape[0], 3))
        columns = [np.stack([self.lat[k], self.lng[k], self.speed[k], self.track[k]], axis=1) for k in (0, 1)]
        _see(columns[0], columns[1], out)
        return out


@kernel
def _see(a: Any, b: Any, out: Any) -> None:
    for i in range(a.shape[0]):
        p = earth.surface_of(a[i, 0], a[i, 1])
        q = earth.surface_of(b[i, 0], b[i, 1])
        ex, ey, nx, ny, nz = earth.east_north(a[i, 0], a[i, 1])
        s, c = a[i, 2] * np.sin(np.radians(a[i, 3])), a[i, 2] * np.cos(np.radians(a[i, 3]))
        u = (s * ex + c * nx, s * ey + c * ny, c * nz)
        ex, ey, nx, ny, nz = earth.east_north(b[i, 0], b[i, 1])
        s, c = b[i, 2] * np.sin(np.radians(b[i, 3])), b[i, 2] * np.cos(np.radians(b[i, 3]))
        w = (s * ex + c * nx, s * ey + c * ny, c * nz)
        out[i, 0], out[i, 1], out[i, 2] = cartesian.relative(
            p[0], p[1], p[2], u[0], u[1], u[2], q[0], q[1], q[2], w[0], w[1], w[2]
        )


@kernel
def _bend(speed: Any, metres: Any, after_s: Any, out: Any) -> None:
    for i in range(speed.shape[0]):
        out[i, 0], out[i, 1] = cartesian.bending(speed[i], metres[i], after_s[i])


def two(n: int, apart_m: Floats, seed: int) -> Two:
    """Pairs anywhere, the given distance apart, at 1 to 300 m/s."""
    random = awkward.rng(seed)
    lat = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, n)))
    lat[:: n // 10] = 90.0
    lng = random.uniform(-180.0, 180.0, n)
    far_lat, far_lng, _ = awkward.go(lat, lng, random.uniform(0.0, 360.0, n), apart_m)
    return Two(
        (lat, far_lat),
        (lng, far_lng),
        (random.uniform(1.0, 300.0, n), random.uniform(1.0, 300.0, n)),
        (random.uniform(0.0, 360.0, n), random.uniform(0.0, 360.0, n)),
    )


@pytest.mark.parametrize(
    ("apart_m", "off_m_s"), [(1.0, 1e-5), (100.0, 1e-6), (10_000.0, 1e-6), (100_000.0, 1e-4)]
)
def test_a_frame_is_exact_at_its_instant(apart_m: float, off_m_s: float) -> None:
    """Range, rate along and rate across are those of the exact geodesic, poles included."""
    things = two(20_000, np.full(20_000, apart_m), seed=1)
    off = np.abs(things.seen() - things.seen_exactly())
    assert off[:, 0].max() < 1e-6
    assert off[:, 1:].max() < off_m_s


def test_a_frame_is_the_same_from_either_side() -> None:
    """What a sees of b, b sees of a: range, rate along, rate across."""
    things = two(5_000, awkward.rng(2).uniform(1.0, 100_000.0, 5_000), seed=2)
    swapped = Two(things.lat[::-1], things.lng[::-1], things.speed[::-1], things.track[::-1])
    assert np.abs(things.seen() - swapped.seen()).max() < 1e-7


def test_two_things_at_one_place_have_a_relative_speed_and_no_direction() -> None:
    """At range zero the whole relative velocity is across, so nothing divides by zero."""
    here = np.array([52.0, -90.0])
    there = np.array([5.0, 30.0])
    things = Two((here, here), (there, there), (np.array([100.0, 3.0]), np.array([100.0, 4.0])), (
        np.array([0.0, 0.0]),
        np.array([90.0, 90.0]),
    ))  # fmt: skip
    assert things.seen() == pytest.approx(np.array([[0.0, 0.0, np.hypot(100.0, 100.0)], [0.0, 0.0, 5.0]]))


def bent(things: Two, seconds: Floats) -> tuple[Floats, Floats]:
    """How far constant velocity is off after some seconds, as a part of the bound; and the bound in metres.

    A frame may turn, since well clear knows lengths and angles only: position and velocity are compared after
    the one rotation, of some tried, that brings both nearest to the exact ones.
    """
    now, later = things.seen_exactly(), things.after(seconds).seen_exactly()
    velocity = now[:, 1] + 1j * now[:, 2]
    flat = now[:, 0] + velocity * seconds
    exact, exact_velocity = later[:, 0], later[:, 1] + 1j * later[:, 2]
    bound = np.empty((seconds.shape[0], 2))
    _bend(np.maximum(*things.speed), np.maximum(now[:, 0], np.abs(flat)), np.abs(seconds), bound)
    by_place = -np.angle(flat)
    by_motion = np.angle(np.exp(1j * (np.angle(exact_velocity) - np.angle(velocity) - by_place)))
    least = np.full(seconds.shape[0], np.inf)
    for part in np.linspace(0.0, 1.0, 41):
        turn = np.exp(1j * (by_place + part * by_motion))
        off_m, off_m_s = np.abs(exact - turn * flat), np.abs(exact_velocity - turn * velocity)
        least = np.minimum(least, np.maximum(off_m / bound[:, 0], off_m_s / bound[:, 1]))
    return least, bound[:, 0]


def test_geodesics_bend_no_more_than_the_bound() -> None:
    """Over random pairs up to 20 km apart and five minutes either way, no error exceeds its bound."""
    random = awkward.rng(3)
    n = 40_000
    things = two(n, 10.0 ** random.uniform(1.0, 4.3, n), seed=3)
    of_bound, _ = bent(things, random.choice([-1.0, 1.0], n) * random.uniform(10.0, 300.0, n))
    assert of_bound.max() < 1.0


def test_the_bound_is_sharp_where_geodesics_bend_most() -> None:
    """Side by side on one heading the error reaches nine tenths of the bound, so it is not slack."""
    random = awkward.rng(4)
    n = 20_000
    lat, lng = random.uniform(-90.0, 90.0, n), random.uniform(-180.0, 180.0, n)
    heading = random.uniform(0.0, 360.0, n)
    far_lat, far_lng, onward = awkward.go(lat, lng, heading, random.uniform(500.0, 20_000.0, n))
    speed = random.uniform(50.0, 300.0, n)
    things = Two((lat, far_lat), (lng, far_lng), (speed, speed), (heading + 90.0, onward + 90.0))
    of_bound, bound = bent(things, random.uniform(100.0, 300.0, n))
    assert 0.9 < of_bound.max() < 1.0
    assert bound.max() < 5.0
