"""The ground of the map: land is where land is, whatever the centre."""

from __future__ import annotations

import numpy as np
import pytest

from awkward import rng
from skypact.formats.html_world import EDGE_M, LAST_EDGE_M, _on_grid, layer, names, project, windows

LAND = {
    "Bern": (46.95, 7.45),
    "al-Tanf": (33.5, 38.6),
    "Kansas": (38.5, -98.0),
    "Congo": (0.5, 23.0),
    "Australia": (-25.0, 134.0),
    "Greenland": (72.0, -40.0),
    "Chukotka, west of 180": (66.5, 178.0),
    "Chukotka, east of 180": (66.5, -176.5),
    "South Pole": (-89.5, 20.0),
    "Antarctica at 180": (-85.0, 179.9),
    "Brazil": (-10.0, -55.0),
}
SEA = {
    "Atlantic": (35.0, -40.0),
    "North Pole": (89.0, 60.0),
    "Pacific": (0.0, -150.0),
    "Pacific at 180": (10.0, 179.9),
    "Indian Ocean": (-30.0, 80.0),
    "Mediterranean": (34.5, 25.5 - 6.0),
    "Caspian": (41.8, 50.5),
    "Southern Ocean": (-60.0, 0.0),
    "Gulf of Mexico": (25.0, -90.0),
}


def is_land(built: dict[str, object], x: float, y: float) -> bool:
    """Whether the even-odd rule fills a point of the plane (metres)."""
    step = float(built["step"])  # type: ignore[arg-type]  # a dictionary of several kinds of value
    odd = False
    for ring in built["land"]:  # type: ignore[attr-defined]  # likewise
        px, py = ring[:, 0] * step - x, ring[:, 1] * step - y
        qx, qy = np.roll(px, -1), np.roll(py, -1)
        crosses = (py > 0) != (qy > 0)
        rise = np.where(crosses, qy - py, 1.0)
        odd ^= bool(np.count_nonzero(crosses & (px - py * (qx - px) / rise > 0)) % 2)
    return odd


CENTRES = [
    (33.5, 38.6),
    (90.0, 0.0),
    (-90.0, 0.0),
    (0.0, 180.0),
    (-33.5, -141.4),
    (46.9, -172.5),
    (-46.9, 7.4),
    (0.0, 0.0),
]


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("level", "half", "centre"),
    [*(("coarse", EDGE_M, c) for c in CENTRES), *(("middle", LAST_EDGE_M, c) for c in CENTRES[3:5])],
)
def test_land_is_land_and_sea_is_sea(centre: tuple[float, float], level: str, half: float) -> None:
    """Known places fall on the right side from every centre: from poles, and where land is opposite."""
    built = layer(level, centre, half)
    tried = 0
    for expected, places in ((True, LAND), (False, SEA)):
        for name, (lat, lng) in places.items():
            x, y = project(centre, np.array([lat]), np.array([lng]))
            if np.hypot(x[0], y[0]) < 0.92 * half:
                tried += 1
                assert is_land(built, x[0], y[0]) is expected, name
    assert tried >= 9


@pytest.mark.parametrize("level", ["middle", "fine"])
def test_a_small_square_within_a_continent_is_all_land(level: str) -> None:
    """A square without any coast in it is still filled, and one at sea is not."""
    inland = layer(level, (33.5, 38.6), 100_000.0)
    assert inland["coast"] == []
    assert all(is_land(inland, x, y) for x in (-9e4, 0.0, 9e4) for y in (-9e4, 1.0, 9e4))
    at_sea = layer(level, (35.0, -40.0), 100_000.0)
    assert not any(is_land(at_sea, x, y) for x in (-9e4, 0.0, 9e4) for y in (-9e4, 1.0, 9e4))


def test_random_centres_agree_with_each_other() -> None:
    """A random place is land or sea whatever centre it is seen from, the coast's own breadth apart."""
    r = rng(11)
    places = np.column_stack([np.degrees(np.arcsin(r.uniform(-1, 1, 40))), r.uniform(-180, 180, 40)])
    votes = np.zeros((6, 40))
    for k in range(6):
        centre = (float(np.degrees(np.arcsin(r.uniform(-1, 1)))), float(r.uniform(-180, 180)))
        built = layer("coarse", centre, EDGE_M)
        for p, (lat, lng) in enumerate(places):
            x, y = project(centre, np.array([lat]), np.array([lng]))
            votes[k, p] = is_land(built, x[0], y[0]) if np.hypot(x[0], y[0]) < 0.9 * EDGE_M else np.nan
    share = np.nanmean(votes, axis=0)
    assert ((share == 0) | (share == 1)).mean() >= 0.95


@pytest.mark.parametrize("centre", CENTRES)
def test_no_line_runs_across_the_map(centre: tuple[float, float]) -> None:
    """No coast or border jumps: not at 180 degrees, not at a pole, not behind the centre."""
    built = layer("coarse", centre, EDGE_M)
    for line in [*built["coast"], *built["border"]]:
        jump = np.hypot(*np.diff(line, axis=0).T) * built["step"]
        assert jump.max() < 400_000.0


def test_the_antimeridian_is_no_coast() -> None:
    """Where the source cuts Chukotka and Fiji open at 180 degrees, nothing is drawn."""
    built = layer("fine", (67.0, 180.0), 300_000.0)
    for line in built["coast"]:
        x = line[:, 0] * built["step"]
        along = (np.abs(x[:-1]) < 500.0) & (np.abs(x[1:]) < 500.0)
        assert (np.abs(np.diff(line[:, 1]) * built["step"])[along] < 2_000.0).all()


def test_the_plane_keeps_distances_from_its_centre() -> None:
    """Equidistant: a place is as far away in the plane as on the sphere, and north is up."""
    x, y = project((50.0, 10.0), np.array([51.0, 50.0, -50.0]), np.array([10.0, 11.0, -170.0]))
    assert x[0] == pytest.approx(0.0, abs=1e-6)
    assert y[0] == pytest.approx(111_195.0, abs=1.0)
    assert x[1] == pytest.approx(111_195.0 * np.cos(np.radians(50.0)), rel=1e-3)
    assert np.hypot(x[2], y[2]) == pytest.approx(np.pi * 6_371_008.8, rel=1e-6)


def test_what_shrinks_to_a_point_is_left_out() -> None:
    """A line shorter than a step of the grid is not drawn, and repeated points go."""
    tiny = np.array([(0.0, 0.0), (10.0, 10.0)])
    line = np.array([(0.0, 0.0), (10.0, 0.0), (500.0, 0.0)])
    (kept,) = _on_grid([tiny, line], 100.0)
    assert kept.tolist() == [[0, 0], [5, 0]]


def test_detail_follows_the_data() -> None:
    """Small scenes get fine ground in the middle of coarse; a scene of the whole earth reaches further."""
    assert [name for name, _ in windows(50_000.0)] == ["coarse", "middle", "fine"]
    assert [name for name, _ in windows(1_000_000.0)] == ["coarse", "middle"]
    assert windows(5_000_000.0) == [("middle", EDGE_M)]
    assert windows(19_000_000.0) == [("middle", LAST_EDGE_M)]
    for reach in (1_000.0, 200_000.0, 349_000.0, 1_600_000.0):
        halves = [half for _, half in windows(reach)]
        assert halves == sorted(halves, reverse=True)
        assert halves[-1] > reach


def test_names_are_those_around() -> None:
    """Places near al-Tanf are named, the more isolated first, and countries everywhere."""
    around = names((33.5, 38.6), 200_000.0)
    places = [row[0] for row in around["place"]]
    assert "Tadmur" in places
    assert "London" not in places
    assert [row[3] for row in around["place"]] == sorted((row[3] for row in around["place"]), reverse=True)
    assert {"Syria", "Jordan", "Iraq"} <= {row[0] for row in around["country"]}
    assert all(abs(row[1]) <= 200_000 and abs(row[2]) <= 200_000 for row in around["place"])
