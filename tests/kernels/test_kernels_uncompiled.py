"""The kernels as plain Python: the same answers as compiled ones, on a small set that reaches their branches.

Run with ``NUMBA_DISABLE_JIT=1`` (``make kernels`` does), so that coverage sees inside. Overflow is how the
grid's hash works.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import skypact.airspace as air
from skypact.airspace import (
    AltitudeReference,
    Circle,
    Kind,
    Labels,
    Minima,
    Polygon,
    States,
    Trajectories,
    Volume4D,
    Volumes,
    Zones,
)
from skypact.check import Index, conflicts, encounters, entries, inside, losses, well_clear
from skypact.errors import GeometryError

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("NUMBA_DISABLE_JIT") != "1", reason="measures kernels: run with NUMBA_DISABLE_JIT=1"
    ),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:divide by zero encountered:RuntimeWarning"),
]

SECOND = 1_000_000


def track(
    name: str, *samples: tuple[float, float, float, float], kind: Kind = Kind.CREWED, **more: object
) -> Trajectories:
    """A track of (seconds, latitude, longitude, metres)."""
    t, lat, lng, alt = (np.array(column, float) for column in zip(*samples, strict=True))
    labels = Labels.of([name], kind=kind)
    return Trajectories.of(labels, [0, len(t)], (t * SECOND).astype(np.int64), lat, lng, alt, **more)  # type: ignore[arg-type]


def square(lat: float, lng: float, half: float = 0.1) -> Polygon:
    """A square of degrees."""
    return Polygon(
        (
            (lat - half, lng - half),
            (lat - half, lng + half),
            (lat + half, lng + half),
            (lat + half, lng - half),
        )
    )


def test_crossing_tracks_lose_separation_once() -> None:
    """Two tracks that cross at one level are one loss.

    A third, level with them but 2,000 ft above, is none.
    """
    tracks = Trajectories.concat(
        [
            track(
                "east",
                (0, 50.0, 4.8, 3000),
                (60, 50.0, 4.9, 3000),
                (180, 50.0, 5.1, 3000),
                (240, 50.0, 5.2, 3000),
            ),
            track("north", (0, 49.8, 5.0, 3000), (240, 50.2, 5.0, 3050)),
            track("above", (0, 49.8, 5.0, 3660), (240, 50.2, 5.0, 3660)),
        ]
    )
    found = losses(tracks, max_gap_s=None)
    assert [(row.a, row.b) for row in found] == [(0, 1)]
    assert found.horizontal_m[0] < 300.0


def test_hover_formation_and_instants_are_seen() -> None:
    """Things that hover, keep formation, or are seen for one instant only are found when near."""
    tracks = Trajectories.concat(
        [
            track("hover", (0, 50.0, 5.0, 3000), (600, 50.0, 5.0, 3000)),
            track("beside", (0, 50.0, 5.01, 3000), (600, 50.0, 5.01, 3000)),
            track("instant", (300, 50.0, 5.02, 3000)),
            track(
                "twice",
                (299, 51.0, 6.0, 3000),
                (300, 51.0, 6.0, 3000),
                (300, 50.01, 5.0, 3000),
                (301, 50.01, 5.0, 3000),
            ),
            track("unknown", (0, 50.0, 5.0, np.nan), (600, 50.0, 5.0, np.nan)),
            track("gps", (0, 50.0, 5.0, 3000), (600, 50.0, 5.0, 3000), reference=AltitudeReference.W84),
            track("sea", (0, 50.0, 5.0, 3000), (600, 50.0, 5.0, 2000), reference=AltitudeReference.AMSL),
        ]
    )
    found = losses(tracks, max_gap_s=None)
    pairs = {(row.a, row.b) for row in found}
    assert {(0, 1), (0, 2), (1, 2), (0, 3), (5, 6)} <= pairs
    undecided = {(a, b) for a, b in zip(found.unchecked.a.tolist(), found.unchecked.b.tolist(), strict=True)}
    assert {(0, 4), (0, 5), (0, 6)} <= undecided


def test_states_that_close_are_predicted_and_those_that_part_are_not() -> None:
    """Head-on states meet in their time; states that fly apart do not."""
    states = States.of(
        Labels.of(["a", "b", "c"]), 0, [52.0, 52.5, 53.5], [5.0, 5.0, 5.0], 10_000.0, 220.0, [0.0, np.pi, 0.0]
    )
    found = encounters(states)
    assert [(row.a, row.b) for row in found] == [(0, 1)]
    assert found.time_to_s[0] == pytest.approx(105.4, abs=1.0)
    table = well_clear(states)
    assert (0, 1) in set(zip(table.a.tolist(), table.b.tolist(), strict=True))


def test_volumes_of_every_shape_meet_as_they_should() -> None:
    """Polygons and circles that overlap, contain, touch or stay apart; bands and windows that part them."""
    low, high = air.Altitude(100.0, AltitudeReference.AMSL), air.Altitude(500.0, AltitudeReference.AMSL)
    over = air.Altitude(600.0, AltitudeReference.AMSL), air.Altitude(900.0, AltitudeReference.AMSL)
    shapes = [
        Volume4D(square(50.0, 5.0), low, high, 0, 100 * SECOND),
        Volume4D(square(50.1, 5.1), low, high, 0, 100 * SECOND),
        Volume4D(square(50.0, 5.0, 0.01), low, high, 50 * SECOND, 150 * SECOND),
        Volume4D(Circle(50.0, 5.0, 500.0), low, high),
        Volume4D(Circle(50.0, 5.2, 10_000.0), None, None, 0, 100 * SECOND),
        Volume4D(square(50.0, 5.0), *over, 0, 100 * SECOND),
        Volume4D(square(50.0, 5.0), low, high, 200 * SECOND, 300 * SECOND),
        Volume4D(square(52.0, 5.0), None, air.Altitude(50.0, AltitudeReference.AGL)),
        Volume4D(square(52.0, 5.0), air.Altitude(20.0, AltitudeReference.W84), None),
        Volume4D(square(50.0, 5.201), low, high, 0, 100 * SECOND),
    ]
    volumes = Volumes.of(Labels.of([str(k) for k in range(len(shapes))]), shapes)
    found = conflicts(volumes)
    pairs = {(row.a, row.b) for row in found}
    assert {(0, 1), (0, 2), (0, 3), (2, 3), (0, 4)} <= pairs
    assert not {(0, 5), (0, 6), (0, 9)} & pairs
    assert (7, 8) in set(zip(found.unchecked.a.tolist(), found.unchecked.b.tolist(), strict=True))
    wide = conflicts(volumes, separation=Minima(200.0, 150.0))
    assert {(0, 9), (0, 5)} <= {(row.a, row.b) for row in wide}


def test_tracks_enter_and_leave_volumes() -> None:
    """A track through a square and a circle is inside each for the right time.

    Outside its own volumes the rest.
    """
    flight = track(
        "flight",
        (0, 50.0, 4.7, 300),
        (300, 50.0, 5.0, 300),
        (600, 50.0, 5.3, 300),
        reference=AltitudeReference.AMSL,
    )
    zones = Volumes.of(
        Labels.of(["square", "circle", "high", "beside"], kind=Kind.STATIC),
        [
            Volume4D(
                square(50.0, 5.0), None, air.Altitude(500.0, AltitudeReference.AMSL), 0, 10_000 * SECOND
            ),
            Volume4D(Circle(50.0, 5.0, 5_000.0)),
            Volume4D(square(50.0, 5.0), air.Altitude(400.0, AltitudeReference.W84), None),
            Volume4D(square(50.2, 5.0), None, None),
        ],
    )
    found = entries(flight, Zones.of(zones), max_gap_s=None)
    assert {row.b for row in found} == {0, 1}
    first = next(row for row in found if row.b == 0)
    assert first.start_us / SECOND == pytest.approx(200.0, abs=0.5)
    near = conflicts(flight, zones, separation=Minima(15_000.0, 300.0), max_gap_s=None)
    assert {row.b for row in near} == {0, 1, 2, 3}
    own = Volumes.of(Labels.of(["v"], body=["flight"]), [Volume4D(square(50.0, 5.0))])
    outside = inside(flight, own, max_gap_s=None)
    assert len(outside) == 2
    assert outside.horizontal_m.max() == pytest.approx(14_300.0, rel=0.05)


def test_an_index_answers_as_the_check_does() -> None:
    """Inserted, removed and found again: volumes and trajectories."""
    flight = track("flight", (0, 50.0, 4.7, 300), (600, 50.0, 5.3, 300), reference=AltitudeReference.AMSL)
    box = Volumes.of(Labels.of(["box"]), [Volume4D(square(50.0, 5.0), None, None, 0, 900 * SECOND)])
    index = Index()
    handles = index.insert(box)
    others = index.insert(
        track("other", (0, 50.0, 5.3, 300), (600, 50.0, 4.7, 300), reference=AltitudeReference.AMSL)
    )
    found, who = index.query(flight)
    assert sorted(who.tolist()) == sorted([*handles.tolist(), *others.tolist()])
    assert len(found) == 2
    index.remove(handles)
    assert index.query(box)[1].tolist() == others.tolist()


def test_a_self_crossing_outline_is_refused() -> None:
    """A figure of eight, a line, and an outline wider than can have an inside are errors."""
    for ring in (((0, 0), (1, 1), (0, 1), (1, 0)), ((0, 0), (0, 1), (0, 2)), ((0, 0), (0, 120), (0, -120))):
        with pytest.raises(GeometryError):
            Volumes.of(Labels.of(["x"]), [Volume4D(Polygon(tuple((float(a), float(b)) for a, b in ring)))])


def test_known_altitudes_between_unknown_ones_are_decided() -> None:
    """An instant of known altitude is found beside what is left open, against legs, instants and a volume."""
    lost = float("nan")
    dark = track("dark", (0, 50, 5, lost), (60, 50, 5, 1_000), (120, 50, 5, lost))
    dim = track("dim", (0, 50, 5, lost), (60, 50, 5, 1_000), (130, 50, 5, 1_000), (140, 50, 5, lost))
    edge = track("edge", (60, 50, 5, 1_000), (90, 50, 5, lost), (120, 50, 5, 1_000))
    lit = track("lit", (0, 50, 5, 1_000), (120, 50, 5, 1_000))
    found = losses(Trajectories.concat([dark, dim, edge, lit]), max_gap_s=None)
    windows: dict[tuple[int, int], list[tuple[int, int]]] = {(r.a, r.b): [] for r in found}
    for row in found:
        windows[row.a, row.b].append((row.start_us // SECOND, row.end_us // SECOND))
    assert windows == {
        (0, 1): [(60, 60)],
        (0, 2): [(60, 60)],
        (0, 3): [(60, 60)],
        (1, 2): [(60, 60), (120, 120)],
        (1, 3): [(60, 120)],
        (2, 3): [(60, 60), (120, 120)],
    }
    layer = Volume4D(
        Circle(50.0, 5.0, 1_000.0),
        air.Altitude(900.0, AltitudeReference.STD),
        air.Altitude(1_100.0, AltitudeReference.STD),
    )
    inside_it = conflicts(dark, Volumes.of(Labels.of(["z"]), [layer]))
    assert [(r.start_us, r.end_us) for r in inside_it] == [(60 * SECOND, 60 * SECOND)]
    assert len(inside_it.unchecked) == 1
