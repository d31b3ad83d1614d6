"""Scenes for the HTML map with known contents, and a reader of the page that is not the page's own."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import re
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from awkward import BASE_US, GEOD
from sample_report import findings
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    Labels,
    Polygon,
    Trajectories,
    Volume4D,
    Volumes,
    Zones,
)
from skypact.airspace.labels import DataMode, Kind
from skypact.airspace.separation import Minima, Rule, Separation
from skypact.check.findings import FindingKind, Reason, Unchecked, Unobserved
from skypact.formats import html_world
from skypact.formats.contents import Contents
from skypact.formats.html_map import write_map
from skypact.pact import Pact, Party, Zone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from skypact.check.findings import Findings

CENTRE = (33.5046, 38.6180)
SECOND_US = 1_000_000
RULE = Rule("crewed apart", ("crewed", "crewed"), Minima(9260.0, 304.8))


@contextlib.contextmanager
def ground_once() -> Iterator[None]:
    """Most test pages lie on the same ground, and cutting it out is most of the work: do it once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("layer", "names"):
            patch.setattr(html_world, name, functools.cache(getattr(html_world, name)))
        yield


def data_of(page: bytes) -> dict[str, Any]:
    """The data of a page, taken out of its JSON block."""
    (block,) = re.findall(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return cast("dict[str, Any]", json.loads(block))


def integers(text: str) -> NDArray[np.int64]:
    """Zigzag variable-length integers, read one byte at a time."""
    out, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            out.append(value >> 1 ^ -(value & 1))
            value = shift = 0
    return np.array(out, np.int64)


def column(text: str, step: float = 1.0) -> NDArray[np.float64]:
    """A column kept as differences."""
    return np.asarray(np.cumsum(integers(text)) * step, np.float64)


def drawn(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The moving things of a page, one dictionary each, with their columns."""
    moving = data["moving"]
    ends = np.cumsum(integers(moving["counts"]))
    lat, lng = column(moving["lat"], 1e-5), column(moving["lng"], 1e-5)
    time, altitude = column(moving["time"], 10.0), column(moving["altitude"])
    altitude = np.where(altitude == -20_000_001, np.nan, altitude / 10)
    gap = np.zeros(lat.shape[0], np.bool_)
    gap[column(moving["gaps"]).astype(np.int64)] = True
    out = []
    for k, end in enumerate(ends.tolist()):
        own = slice(ends[k - 1] if k else 0, end)
        out.append(
            {
                "lat": lat[own],
                "lng": lng[own],
                "time": time[own] + data["base"],
                "altitude": altitude[own],
                "gap": gap[own],
                **{name: moving[name][k] for name in ("id", "party", "kind", "form", "reference", "source")},
            }
        )
    return out


def straight(
    name: str,
    lat: float,
    lng: float,
    azimuth: float,
    *,
    party: str = "",
    kind: Kind = Kind.CREWED,
    speed: float = 200.0,
    n: int = 61,
    step_s: float = 10.0,
    start_us: int = BASE_US,
    altitude_m: float = 9000.0,
    source: str = "day.csv",
    mode: DataMode = DataMode.SIMULATED,
    reference: AltitudeReference = AltitudeReference.STD,
) -> Trajectories:
    """A thing that flies straight on along a geodesic at constant speed."""
    seconds = np.arange(n) * step_s
    flown_lng, flown_lat, _ = GEOD.fwd(
        np.full(n, lng), np.full(n, lat), np.full(n, azimuth), np.asarray(seconds * speed)
    )
    labels = Labels.of([name], party=party, kind=kind, source=source, data_mode=mode)
    return Trajectories.one(
        name,
        start_us + np.round(seconds * 1e6).astype(np.int64),
        np.asarray(flown_lat),
        np.asarray(flown_lng),
        np.full(n, altitude_m),
        labels=labels,
        reference=reference,
    )


def pact() -> Pact:
    """A zone that one party declares and recognises, one rejects, and one is silent about."""
    zone = Zone(
        "al-tanf-55km",
        Volume4D(Circle(*CENTRE, 55_000.0), Altitude(0.0, AltitudeReference.AGL)),
        effect="entry by notice",
        declared_by="coalition",
        recognised_by=("coalition",),
        rejected_by=("russia",),
        name="The zone around al-Tanf",
        note="Disputed.\nStill.",
    )
    return Pact(
        "al-tanf-2017",
        "Flight safety around al-Tanf",
        DataMode.SIMULATED,
        parties=(Party("coalition", "US-led coalition"), Party("russia"), Party("government")),
        separation=Separation((RULE,)),
        zones=(zone,),
    )


def scene(*, first: str = "HAWK 21", second: str = "RFF 602") -> tuple[list[Contents], list[Findings]]:
    """Two that cross over al-Tanf, a column, a drone with a gap, a plan, two volumes; a loss and an entry.

    The two fly at right angles. At 300 s ``a`` is at the centre and ``b`` 2 km north of it, which is told as
    the closest point.
    """
    tracks = []
    for name, party, azimuth, to_north in ((first, "coalition", 90.0, 0.0), (second, "russia", 0.0, 2000.0)):
        lng, lat, _ = GEOD.fwd(CENTRE[1], CENTRE[0], 0.0, to_north)
        lng, lat, towards = GEOD.fwd(lng, lat, azimuth + 180.0, 200.0 * 300.0)
        tracks.append(straight(name, lat, lng, towards, party=party, altitude_m=9000.0 + to_north / 10))
    column_1 = straight("Column K-3", 33.9, 38.2, 150.0, party="government", kind=Kind.GROUND, speed=15.0)
    drone = straight("UAV-7", 33.7, 38.4, 100.0, kind=Kind.UNCREWED, speed=40.0, altitude_m=3000.0)
    # from 200 s to 400 s nobody saw it
    drone = Trajectories.one(
        "UAV-7",
        np.delete(drone.time_us, np.s_[21:40]),
        np.delete(drone.lat_deg, np.s_[21:40]),
        np.delete(drone.lng_deg, np.s_[21:40]),
        np.delete(drone.altitude_m, np.s_[21:40]),
        labels=drone.labels,
    )
    recorded = Trajectories.concat([*tracks, column_1, drone])
    plan = straight(
        "Plan R-9",
        34.2,
        37.8,
        120.0,
        party="russia",
        n=3,
        step_s=600.0,
        source="plan.json",
        altitude_m=4500.0,
    )
    outline = Polygon(((34.0, 38.3), (34.2, 38.9), (33.95, 39.05), (33.75, 38.4)))
    volumes = Volumes.of(
        Labels.of(["OI-14", "OI-14"], party="russia", source="intents.json", data_mode=DataMode.SIMULATED),
        [
            Volume4D(
                outline,
                Altitude(3000.0, AltitudeReference.AMSL),
                Altitude(6000.0, AltitudeReference.AMSL),
                BASE_US + k * 240 * SECOND_US,
                BASE_US + (k + 1) * 240 * SECOND_US,
            )
            for k in range(2)
        ],
    )
    agreement = pact()
    zones = agreement.zones_in_force(source="pact.toml")
    assert zones is not None
    gaps = Unobserved(
        np.array([3]), np.array([BASE_US + 200 * SECOND_US]), np.array([BASE_US + 400 * SECOND_US])
    )
    closest = BASE_US + 300 * SECOND_US
    loss = findings(
        recorded.labels,
        [(0, 1, 0, 2000.0, 200.0)],
        start_us=np.array([closest - 20 * SECOND_US]),
        end_us=np.array([closest + 20 * SECOND_US]),
        closest_us=np.array([closest]),
        lat_deg=np.array([CENTRE[0]]),
        lng_deg=np.array([CENTRE[1]]),
        altitude_m=np.array([9000.0]),
        rules=(RULE.name,),
        unobserved=gaps,
        unchecked=Unchecked(
            np.array([0]),
            np.array([3]),
            np.array([BASE_US]),
            np.array([BASE_US + 60 * SECOND_US]),
            np.array([Reason.NO_RULE], np.int8),
            1,
        ),
    )
    entry = findings(
        recorded.labels,
        [(2, 0, 0, 0.0, 0.0)],
        others=zones.volumes.labels,
        kind=FindingKind.ENTRY,
        start_us=np.array([BASE_US + 100 * SECOND_US]),
        end_us=np.array([BASE_US + 500 * SECOND_US]),
        closest_us=np.array([BASE_US + 500 * SECOND_US]),
        lat_deg=np.array([33.85]),
        lng_deg=np.array([38.23]),
        altitude_m=np.array([np.nan]),
        rules=("zone",),
        unobserved=gaps,
        assumptions={"minima": "as told", "zones": "as declared"},
    )
    contents = [
        Contents("pact.toml", "pact", pact=agreement, counts={"parties": 3, "zones": 1}),
        Contents("day.csv", "csv", tracks=recorded, counts={"tracks": 4}, ignored=("2 rows without a time",)),
        Contents("plan.json", "plan", plans=plan),
        Contents("intents.json", "f3548", volumes=volumes),
    ]
    return contents, [loss, entry]


def zones_of(volumes: Volumes) -> Zones:
    """The volumes as zones for everybody."""
    return Zones.of(volumes)


def written(folder: Path, contents: list[Contents], found: list[Findings], title: str = "A day") -> bytes:
    """The page as bytes."""
    path = folder / "map.html"
    write_map(path, contents, found, title=title)
    return path.read_bytes()
