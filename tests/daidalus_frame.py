"""The frame of NASA's DAIDALUS, for tests only: a sphere, flattened about each ownship.

Skypact judges pairs on the ellipsoid. To reproduce DAIDALUS's published regression rows to their printed
precision, its own earth is needed: a sphere on which a minute of arc is a nautical mile; positions in the
orthographic projection of that sphere about the ownship, east and north; altitude as it is; and a velocity
that is the change of projected position over ten seconds of great-circle flight.

The files it reads are NASA's, under NASA's licence, and are never part of this repository: tests that need
them look for a checkout of github.com/nasa/daidalus at ``SKYPACT_DAIDALUS``.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skypact.units import FPM_M_S, FT_M, KT_M_S, NM_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

RADIUS_M = NM_M * 60.0 * 180.0 / np.pi
"""6,366,707.02 m: one nautical mile is one minute of arc."""
STEP_S = 10.0
"""Velocities are differences over this time."""


@dataclass(frozen=True)
class SphericalStates:
    """States on the sphere: radians, metres, m/s east, north and up; shape (n,)."""

    lat: NDArray[np.float64]
    lng: NDArray[np.float64]
    altitude: NDArray[np.float64]
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    up: NDArray[np.float64]

    def ahead(self, seconds: float) -> SphericalStates:
        """The states some seconds later, along the great circle of their track."""
        angle = np.hypot(self.east, self.north) * seconds / RADIUS_M
        track = np.arctan2(self.east, self.north)
        lat = np.arcsin(np.sin(self.lat) * np.cos(angle) + np.cos(self.lat) * np.sin(angle) * np.cos(track))
        turn = np.arctan2(
            np.sin(track) * np.sin(angle) * np.cos(self.lat),
            np.cos(angle) - np.sin(self.lat) * np.sin(lat),
        )
        return SphericalStates(
            lat, self.lng + turn, self.altitude + self.up * seconds, self.east, self.north, self.up
        )

    def about(self, own: SphericalStates) -> NDArray[np.float64]:
        """Positions in the orthographic projection about each of ``own``: east, north, up, shape (n, 3)."""
        turn = self.lng - own.lng
        return np.stack(
            [
                RADIUS_M * np.cos(self.lat) * np.sin(turn),
                RADIUS_M
                * (np.cos(own.lat) * np.sin(self.lat) - np.sin(own.lat) * np.cos(self.lat) * np.cos(turn)),
                self.altitude - own.altitude,
            ],
            axis=1,
        )

    def velocity_about(self, own: SphericalStates) -> NDArray[np.float64]:
        """Velocities in the projection about ``own``, shape (n, 3)."""
        still = SphericalStates(own.lat, own.lng, own.altitude, own.east * 0, own.north * 0, own.up * 0)
        return (self.ahead(STEP_S).about(still) - self.about(still)) / STEP_S


def relative(
    own: SphericalStates, intruder: SphericalStates
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position and velocity of ownship relative to intruder in the ownship's frame, shape (n, 3) each."""
    return (
        own.about(own) - intruder.about(own),
        own.velocity_about(own) - intruder.velocity_about(own),
    )


def checkout() -> Path | None:
    """The checkout of nasa/daidalus, or None."""
    folder = os.environ.get("SKYPACT_DAIDALUS", "")
    return Path(folder) if folder and Path(folder, "Scenarios", "H1.daa").is_file() else None


def read_scenario(path: Path) -> tuple[NDArray[np.float64], SphericalStates, SphericalStates]:
    """Read a ``.daa`` file of an ownship and an intruder with velocities east, north, up: times, and both."""
    rows = [[cell.strip() for cell in line] for line in csv.reader(path.read_text().splitlines()) if line]
    head = rows[0]
    assert head == ["NAME", "lat", "lon", "alt", "vx", "vy", "vz", "time"]
    assert rows[1] == ["unitless", "[deg]", "[deg]", "[ft]", "[knot]", "[knot]", "[fpm]", "[s]"]
    both = []
    for name in ("Ownship", "Intruder"):
        table = np.array([[float(cell) for cell in row[1:]] for row in rows[2:] if row[0] == name]).T
        both.append(table)
    own, intruder = (
        SphericalStates(
            np.radians(t[0]), np.radians(t[1]), t[2] * FT_M, t[3] * KT_M_S, t[4] * KT_M_S, t[5] * FPM_M_S
        )
        for t in both
    )
    return both[0][6], own, intruder


def read_alerting(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read the CSV that DAIDALUS's alerting writes: columns by name; blank is NaN, ``infty`` is inf."""
    rows = [[cell.strip() for cell in line] for line in csv.reader(path.read_text().splitlines()) if line]
    names = rows[0]
    words = {"": "nan", "infty": "inf", "-infty": "-inf"}
    return {
        name: np.array([float(words.get(row[k], row[k])) for row in rows[2:]])
        for k, name in enumerate(names)
        if name not in {"Ownship", "Traffic"}
    }
