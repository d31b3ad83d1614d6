"""Files as flights: a planned path becomes a tube that holds it, volumes stay what they are."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from skypact import check
from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import Trajectories
from skypact.errors import InputError, ModeError
from skypact.formats import Defaults, read
from skypact.formats import f3548_wire as wire
from skypact.formats.claims import Tube, around, claims
from skypact.instants import parse_instant

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
START = parse_instant("2026-06-01T10:00:00Z")
PLAN = EXAMPLES / "wildfire" / "mapping-drone.plan"


def test_the_tube_of_a_plan_holds_the_plan() -> None:
    """Every instant of a planned mission is inside the volumes that are claimed for it."""
    contents = read(PLAN, Defaults(start_us=START, data_mode=DataMode.TEST))
    claimed = claims(contents, DataMode.TEST)
    plan = contents.plans
    assert plan is not None
    labels = Labels.of(["x"], kind=Kind.UNCREWED, data_mode=DataMode.TEST)
    track = Trajectories.of(
        labels, plan.offsets, plan.time_us, plan.lat_deg, plan.lng_deg, plan.altitude_m,
        reference=AltitudeReference.AMSL,
    )  # fmt: skip
    own = wire.domain_volumes(claimed, ident="x", party="", mode=DataMode.TEST, where="$")
    out = check.inside(track, own, max_gap_s=None)
    assert len(out) == 0
    assert len(out.unchecked) == 0
    assert 1 < len(claimed) < 1_000


def test_the_tube_is_as_wide_as_asked() -> None:
    """A place at nearly half the width beside the path is inside, and one well beyond is not."""
    labels = Labels.of(["x"], kind=Kind.UNCREWED, data_mode=DataMode.TEST)
    times = START + np.array([0, 600]) * 1_000_000
    plan = Trajectories.of(
        labels, [0, 2], times, [46.0, 46.0], [8.0, 8.1], [500.0, 500.0], reference=AltitudeReference.W84
    )
    own = wire.domain_volumes(
        [wire.wire_volume(v) for v in around(plan, Tube())],
        ident="x",
        party="",
        mode=DataMode.TEST,
        where="$",
    )
    for north_m, high_m, wanted in ((28.0, 0.0, 0), (-28.0, 14.0, 0), (60.0, 0.0, 1), (0.0, 16.0, 1)):
        beside = Trajectories.of(
            labels, [0, 2], times, np.array([46.0, 46.0]) + north_m / 111_150.0, [8.0, 8.1],
            np.array([500.0, 500.0]) + high_m, reference=AltitudeReference.W84,
        )  # fmt: skip
        assert (len(check.inside(beside, own, max_gap_s=None)) > 0) is bool(wanted), (north_m, high_m)


def test_no_volume_lasts_longer_than_a_slice_and_its_margins() -> None:
    """A long leg is cut in time, and neighbouring volumes meet in time."""
    labels = Labels.of(["x"], data_mode=DataMode.TEST)
    times = START + np.array([0, 3_600]) * 1_000_000
    plan = Trajectories.of(
        labels, [0, 2], times, [46.0, 46.0], [8.0, 8.5], [500.0, 500.0], reference=AltitudeReference.W84
    )
    parts = around(plan, Tube(slice_s=100.0, early_s=5.0, late_s=10.0))
    assert len(parts) == 36
    assert max(v.end_us - v.start_us for v in parts) <= 115_000_001
    assert all(a.end_us >= b.start_us for a, b in itertools.pairwise(parts))


def test_hovering_is_one_circle() -> None:
    """Samples that stay within half a width of where they began are one volume."""
    labels = Labels.of(["x"], data_mode=DataMode.TEST)
    times = START + np.arange(10) * 1_000_000
    plan = Trajectories.of(
        labels, [0, 10], times, np.full(10, 46.0), np.full(10, 8.0), np.full(10, 500.0),
        reference=AltitudeReference.W84,
    )  # fmt: skip
    assert len(around(plan, Tube())) == 1


def test_volumes_stay_what_they_are(tmp_path: Path) -> None:
    """An F3548-21 document with one intent is filed as its volumes, unchanged."""
    corner = [{"lat": 46.0, "lng": 8.0}, {"lat": 46.0, "lng": 8.1}, {"lat": 46.1, "lng": 8.1}]
    volume = {
        "volume": {
            "outline_polygon": {"vertices": corner},
            "altitude_lower": {"value": 100.0, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": 200.0, "reference": "W84", "units": "M"},
        },
        "time_start": {"value": "2026-06-01T10:00:00Z", "format": "RFC3339"},
        "time_end": {"value": "2026-06-01T11:00:00Z", "format": "RFC3339"},
    }
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"extents": [volume]}), encoding="utf-8")
    (claimed,) = claims(read(path, Defaults(data_mode=DataMode.TEST)), DataMode.TEST)
    assert claimed == wire.decode(json.dumps(volume).encode(), wire.Volume4D)


def test_a_file_of_another_mode_or_without_a_flight_is_refused(tmp_path: Path) -> None:
    """Real data are not filed in a test, and a recorded track is not a claim."""
    contents = read(PLAN, Defaults(start_us=START, data_mode=DataMode.REAL))
    with pytest.raises(ModeError):
        claims(contents, DataMode.TEST)
    tracks = read(EXAMPLES / "wildfire" / "ambulance.gpx")
    with pytest.raises(InputError, match="no flight in it"):
        claims(tracks, tracks.tracks.labels.data_mode if tracks.tracks else DataMode.REAL)
    assert tmp_path.exists()
