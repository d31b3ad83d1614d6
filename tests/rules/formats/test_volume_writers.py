"""Volumes written as GeoJSON and F3548-21 JSON, and read back."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    DataMode,
    Kind,
    Labels,
    Polygon,
    Volume4D,
    Volumes,
    Zones,
)
from skypact.errors import InputError
from skypact.formats.contents import Defaults
from skypact.formats.f3548 import read_f3548
from skypact.formats.geojson import read_geojson
from skypact.formats.volume_writers import write_f3548, write_geojson_volumes
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from pathlib import Path

GEOD = Geod(ellps="WGS84")
W84 = AltitudeReference.W84
SQUARE = Polygon(((50.0, 5.0), (50.0, 6.5), (51.0, 6.5), (51.0, 5.0)))


def of(*volumes: Volume4D, ids: list[str] | None = None, mode: DataMode = DataMode.SIMULATED) -> Volumes:
    """These volumes, with labels that say something."""
    n = len(volumes)
    labels = Labels.of(
        ids or [f"v{k}" for k in range(n)],
        party=["blue" if k % 2 == 0 else "" for k in range(n)],
        kind=np.array([k % 3 for k in range(n)], np.int8),
        body=[f"body {k}" for k in range(n)] if ids is None else None,
        data_mode=mode,
    )
    return Volumes.of(labels, volumes)


def through_geojson(volumes: Volumes | Zones, path: Path) -> tuple[dict[str, Any], Volumes]:
    """What is written, and what is read back from it."""
    write_geojson_volumes(path, volumes)
    contents = read_geojson(path.read_bytes(), path.name, Defaults())
    back = contents.zones.volumes if contents.zones is not None else contents.volumes
    assert back is not None
    assert contents.ignored == ()
    return json.loads(path.read_bytes()), back


def through_f3548(volumes: Volumes, path: Path) -> tuple[dict[str, Any], Volumes]:
    """What is written, and what is read back from it."""
    write_f3548(path, volumes)
    back = read_f3548(path.read_bytes(), path.name, Defaults()).volumes
    assert back is not None
    return json.loads(path.read_bytes()), back


ROUND = Volume4D(Circle(50.0, 5.0, 1234.5), Altitude(100.0, W84), Altitude(200.5, W84), 1_000_000, 2_500_000)
TALL = Volume4D(SQUARE, None, Altitude(10_000 * 0.3048, AltitudeReference.STD))


def test_geojson_says_everything_of_a_volume(tmp_path: Path) -> None:
    """Who, what mode, limits, window; a circle is a point with a radius; open ends are absent."""
    document, back = through_geojson(of(ROUND, TALL), tmp_path / "v.geojson")
    assert document["skypact"] == {"content": "volumes", "data_mode": "simulated"}
    first, second = document["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [5.0, 50.0]}
    assert first["properties"] == {
        "role": "volume",
        "id": "v0",
        "body": "body 0",
        "party": "blue",
        "kind": "crewed",
        "data_mode": "simulated",
        "lower_m": 100.0,
        "lower_reference": "W84",
        "upper_m": 200.5,
        "upper_reference": "W84",
        "start": "1970-01-01T00:00:01Z",
        "end": "1970-01-01T00:00:02.500Z",
        "radius_m": 1234.5,
    }
    assert second["geometry"]["type"] == "Polygon"
    assert "lower_m" not in second["properties"]
    assert back.labels.data_mode is DataMode.SIMULATED
    assert [back.labels.body_of(row) for row in range(2)] == ["body 0", "body 1"]
    assert [back.labels.party_of(row) for row in range(2)] == ["blue", ""]
    assert back.labels.kind.tolist() == [Kind.CREWED, Kind.UNCREWED]
    assert back.radius_m.tolist() == [1234.5, 0.0]
    assert back.lower_m.tolist() == [100.0, -np.inf]
    assert back.upper_m.tolist() == [200.5, pytest.approx(3048.0)]
    assert back.upper_reference.tolist() == [W84, AltitudeReference.STD]
    assert back.start_us.tolist() == [1_000_000, EVER]
    assert back.end_us.tolist() == [2_500_000, FOREVER]


def test_a_ring_of_geojson_is_closed_and_counter_clockwise(tmp_path: Path) -> None:
    """As RFC 7946 asks, with points where the straight line would leave the geodesic."""
    clockwise = Polygon(SQUARE.vertices[::-1])
    document, _ = through_geojson(of(Volume4D(clockwise)), tmp_path / "v.geojson")
    ring = np.array(document["features"][0]["geometry"]["coordinates"][0])
    assert np.array_equal(ring[0], ring[-1])
    assert np.sum(ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]) > 0.0
    assert ring.shape[0] > 100
    assert ring[:, 1].max() > 51.0  # the geodesic between two points of a parallel bulges to the pole


def worst_m(one: np.ndarray[Any, Any], two: np.ndarray[Any, Any]) -> float:
    """How far the vertices of the first ring lie from the edges of the second, at most; (lat, lng) rows."""
    worst = 0.0
    a, b = two, np.roll(two, -1, axis=0)
    azimuth, _, length = (np.asarray(c) for c in GEOD.inv(a[:, 1], a[:, 0], b[:, 1], b[:, 0]))
    n = len(two)
    for lat, lng in one.tolist():
        out, _, metres = (np.asarray(c) for c in GEOD.inv(a[:, 1], a[:, 0], np.full(n, lng), np.full(n, lat)))
        along = np.clip(metres * np.cos(np.radians(out - azimuth)), 0.0, length)
        foot_lng, foot_lat, _ = GEOD.fwd(a[:, 1], a[:, 0], azimuth, along)
        worst = max(worst, float(np.min(GEOD.inv(foot_lng, foot_lat, np.full(n, lng), np.full(n, lat))[2])))
    return worst


def test_an_outline_comes_back_within_two_centimetres(tmp_path: Path) -> None:
    """1 cm for the drawing and 1 cm for the reading, over edges of 100 km."""
    volumes = of(Volume4D(SQUARE))
    _, back = through_geojson(volumes, tmp_path / "v.geojson")
    ring = np.column_stack([back.lat_deg, back.lng_deg])
    assert worst_m(ring, np.array(SQUARE.vertices)) < 0.02
    assert worst_m(np.array(SQUARE.vertices), ring) < 0.001


@pytest.mark.parametrize(
    ("vertices", "kind"),
    [
        (((-10.0, 179.0), (-10.0, -179.0), (-9.0, -179.0), (-9.0, 179.0)), "MultiPolygon"),
        (((-10.0, 179.0), (-10.0, 181.0), (-9.0, 181.0), (-9.0, 179.0)), "MultiPolygon"),
        (((89.9, 10.0), (89.8, 130.0), (89.85, -110.0)), "MultiPolygon"),
        (((-89.9, 0.0), (-89.9, 90.0), (-90.0, 0.0)), "Polygon"),
        (((1.0, 179.0), (0.0, 180.0), (-1.0, 179.0)), "Polygon"),
    ],
    ids=["antimeridian", "running on", "round the pole", "at the pole", "touching"],
)
def test_outlines_over_the_antimeridian_and_the_poles_come_back(
    vertices: tuple[tuple[float, float], ...], kind: str, tmp_path: Path
) -> None:
    """They are cut where the format wants it, and one outline again when read."""
    document, back = through_geojson(of(Volume4D(Polygon(vertices))), tmp_path / "v.geojson")
    geometry = document["features"][0]["geometry"]
    assert geometry["type"] == kind
    rings = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    assert max(abs(lng) for ring in rings for lng, _ in ring[0]) <= 180.0
    assert len(back) == 1
    ring = np.column_stack([back.lat_deg, back.lng_deg])
    own = np.array([v for v in vertices if abs(v[0]) < 90.0])
    assert worst_m(own, ring) < 0.001


def test_zones_are_written_with_whom_they_apply_to(tmp_path: Path) -> None:
    """Role, effect and kinds come back."""
    path = tmp_path / "z.geojson"
    zones = Zones.of(of(TALL), applies_to=[(Kind.UNCREWED, Kind.GROUND)], effect=["entry by notice"])
    document, _ = through_geojson(zones, path)
    assert document["features"][0]["properties"]["role"] == "zone"
    back = read_geojson(path.read_bytes(), "z", Defaults()).zones
    assert back is not None
    assert back.effect == ("entry by notice",)
    assert back.applies.tolist() == zones.applies.tolist()


def test_many_volumes_are_written_in_order(tmp_path: Path) -> None:
    """Batches join without a seam; a name in .gz is gzip."""
    volumes = of(*[Volume4D(Circle(50.0, 5.0, 1.0 + k)) for k in range(1_203)])
    path = tmp_path / "v.geojson.gz"
    write_geojson_volumes(path, volumes)
    back = read_geojson(gzip.decompress(path.read_bytes()), "v", Defaults()).volumes
    assert back is not None
    assert back.radius_m.tolist() == volumes.radius_m.tolist()


def test_nothing_is_a_collection_too(tmp_path: Path) -> None:
    """No volumes are written as an empty collection and an empty list."""
    none = of()
    write_geojson_volumes(tmp_path / "v.geojson", none)
    assert json.loads((tmp_path / "v.geojson").read_bytes())["features"] == []
    write_f3548(tmp_path / "v.json", none)
    assert json.loads((tmp_path / "v.json").read_bytes())["operational_intents"] == []


def test_f3548_has_an_intent_for_each_id(tmp_path: Path) -> None:
    """Volumes of one id and party stand together; vertices are not repeated; the mode is beside the list."""
    flat = Volume4D(SQUARE, None, Altitude(120.0, W84), EVER, 5_000_000)
    document, back = through_f3548(of(ROUND, flat, ROUND, ids=["a", "b", "a"]), tmp_path / "v.json")
    assert document["data_mode"] == "simulated"
    one, two = document["operational_intents"]
    assert one["reference"] == {"id": "a", "manager": "blue"}
    assert two["reference"] == {"id": "b"}
    assert len(one["details"]["volumes"]) == 2
    outline = two["details"]["volumes"][0]["volume"]["outline_polygon"]["vertices"]
    assert outline == [{"lat": lat, "lng": lng} for lat, lng in SQUARE.vertices]
    assert two["details"]["volumes"][0]["time_end"] == {"value": "1970-01-01T00:00:05Z", "format": "RFC3339"}
    assert "time_start" not in two["details"]["volumes"][0]
    assert "altitude_lower" not in two["details"]["volumes"][0]["volume"]
    assert list(back.labels.ids) == ["a", "a", "b"]
    assert back.labels.data_mode is DataMode.SIMULATED
    assert back.radius_m.tolist() == [1234.5, 1234.5, 0.0]
    assert back.upper_m.tolist() == [200.5, 200.5, 120.0]
    assert back.lat_deg[2:].tolist() == [50.0, 50.0, 51.0, 51.0]


def test_a_time_beyond_the_calendar_is_open(tmp_path: Path) -> None:
    """RFC 3339 has four digits for the year; an open window is the larger one."""
    far = 400_000_000_000_000_000
    volumes = of(Volume4D(Circle(50.0, 5.0, 1.0), None, None, -far, far))
    for back in (through_geojson(volumes, tmp_path / "v")[1], through_f3548(volumes, tmp_path / "v")[1]):
        assert (back.start_us[0], back.end_us[0]) == (EVER, FOREVER)


def test_f3548_has_no_word_for_other_references(tmp_path: Path) -> None:
    """They are refused with the row, and nothing is written."""
    path = tmp_path / "v.json"
    with pytest.raises(InputError, match=r"volume 'v1' \(row 1\), upper altitude: .* found '3048 m STD'"):
        write_f3548(path, of(ROUND, TALL))
    assert not path.exists()


def test_a_directory_that_is_not_there_is_a_clean_error(tmp_path: Path) -> None:
    """The path is named."""
    for write in (write_geojson_volumes, write_f3548):
        with pytest.raises(InputError, match="nowhere"):
            write(tmp_path / "nowhere" / "v.json", of(ROUND))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.floats(-85.0, 85.0),
            st.floats(-180.0, 180.0),
            st.floats(1.0, 500_000.0),
            st.one_of(st.none(), st.floats(-8_000.0, 1_000.0)),
            st.one_of(st.none(), st.floats(1_000.0, 100_000.0)),
            st.one_of(st.just(EVER), st.integers(0, 10**15)),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_circles_go_through_both_formats_unchanged(
    tmp_path: Path, rows: list[tuple[float, float, float, float | None, float | None, int]]
) -> None:
    """Centre to a tenth of a millimetre, everything else exactly."""
    volumes = of(
        *[
            Volume4D(
                Circle(lat, lng, radius),
                None if low is None else Altitude(low, W84),
                None if high is None else Altitude(high, W84),
                start,
                FOREVER if start == EVER else start + 1,
            )
            for lat, lng, radius, low, high, start in rows
        ]
    )
    for back in (through_geojson(volumes, tmp_path / "v")[1], through_f3548(volumes, tmp_path / "v")[1]):
        assert np.allclose(back.lat_deg, volumes.lat_deg, atol=1e-9)
        assert np.allclose(back.lng_deg, volumes.lng_deg, atol=1e-9)
        for name in ("radius_m", "lower_m", "upper_m", "start_us", "end_us"):
            assert np.array_equal(getattr(back, name), getattr(volumes, name))
