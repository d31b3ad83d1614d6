"""The recordings of the shared folder: counts that were counted another way, and the time it takes."""

from __future__ import annotations

import gzip
import json
import time
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from skypact.formats import read
from skypact.units import FT_M
from track_files import shared, tracks_of


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("name", "points", "tracks"),
    [("switzerland.json.gz", 139_098, 1_244), ("rega_zh.json.gz", 337, 1), ("sisteron.json.gz", 1_605, 4)],
)
def test_counts(name: str, points: int, tracks: int) -> None:
    """As many points and tracks as a plain count of the records gives."""
    path = shared(name)
    records = json.loads(gzip.decompress(path.read_bytes()))
    times = defaultdict(set)
    for record in records:
        times[record["icao24"], record["callsign"]].add(record.get("last_position", record["timestamp"]))
    flights = 0
    for own in times.values():
        ordered = sorted(own)
        flights += 1 + sum(b - a > 600_000 for a, b in pairwise(ordered))
    found = read(path)
    assert (found.format, found.counts) == ("json", {"points": points, "tracks": tracks, "states": tracks})
    assert (sum(map(len, times.values())), flights) == (points, tracks)


@pytest.mark.unmeasured
def test_values() -> None:
    """Every value of the Swiss day is the record's, in metres and microseconds."""
    path = shared("switzerland.json.gz")
    records = json.loads(gzip.decompress(path.read_bytes()))
    records.sort(key=lambda r: (r["icao24"], r["callsign"], r["timestamp"]))
    tracks = tracks_of(read(path))
    name = np.array([i.split("/")[0] + i.split("/")[1] for i in tracks.labels.ids])
    order = np.lexsort((tracks.time_us, np.repeat(name, np.diff(tracks.offsets))))
    assert np.array_equal(tracks.time_us[order], [r["timestamp"] * 1000 for r in records])
    assert np.array_equal(tracks.lat_deg[order], [r["latitude"] for r in records])
    assert np.array_equal(tracks.lng_deg[order], [r["longitude"] for r in records])
    assert np.array_equal(tracks.altitude_m[order], [r["altitude"] * FT_M for r in records])


@pytest.mark.unmeasured
def test_the_swiss_day_is_read_within_seconds() -> None:
    """139,098 JSON records take about 0.4 s of processor time; the bound leaves room for a slow machine."""
    path = shared("switzerland.json.gz")
    best = np.inf
    for _ in range(3):
        begun = time.process_time()
        read(path)
        best = min(best, time.process_time() - begun)
    assert best < 3.0
