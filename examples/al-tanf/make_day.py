"""Make the simulated day of this folder: every track and plan in it is invented here.

Run it with any Python 3.11; it writes the data files beside itself, the same bytes each time. Nothing is
random but a jitter of a few metres on positions, from a fixed seed. Distances in this file are kilometres
east and north of al-Tanf on a sphere, good to half a per cent, which is enough to invent a track; what is
found in the tracks is found by Skypact from the positions written.
"""  # noqa: INP001 -- a script beside its data, no package

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DAY = "2017-06-08"
CENTRE = (33.5046, 38.6180)
EARTH_KM = 6371.0088
FT_M = 0.3048
JITTER_KM = 0.010
Place = tuple[float, float, float | None]  # km east, km north, altitude


def clock(text: str) -> float:
    """Seconds of the day of ``HH:MM`` or ``HH:MM:SS``, UTC."""
    parts = [int(part) for part in text.split(":")]
    return 3600.0 * parts[0] + 60.0 * parts[1] + (parts[2] if len(parts) > 2 else 0)


def instant(seconds: float) -> str:
    """A second of the day as RFC 3339."""
    whole = round(seconds)
    return f"{DAY}T{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}Z"


def position(east_km: float, north_km: float) -> tuple[float, float]:
    """Latitude and longitude, to a metre, of a place given from al-Tanf."""
    lat0, lng0 = (math.radians(value) for value in CENTRE)
    angle = math.hypot(east_km, north_km) / EARTH_KM
    azimuth = math.atan2(east_km, north_km)
    sin_lat = math.sin(lat0) * math.cos(angle) + math.cos(lat0) * math.sin(angle) * math.cos(azimuth)
    east = math.sin(azimuth) * math.sin(angle) * math.cos(lat0)
    lng = lng0 + math.atan2(east, math.cos(angle) - math.sin(lat0) * sin_lat)
    return round(math.degrees(math.asin(sin_lat)), 5), round(math.degrees(lng), 5)


# -- how things move --------------------------------------------------------------------------------------


def along(*points: tuple[str, float, float, float | None]) -> Callable[[float], Place]:
    """Straight from point to point, each with its time, km east, km north and altitude."""
    times = [clock(point[0]) for point in points]

    def at(seconds: float) -> Place:
        leg = max(k for k in range(len(points) - 1) if times[k] <= seconds or k == 0)
        (_, x0, y0, a0), (_, x1, y1, a1) = points[leg], points[leg + 1]
        part = (seconds - times[leg]) / (times[leg + 1] - times[leg])
        height = None if a0 is None or a1 is None else a0 + part * (a1 - a0)
        return x0 + part * (x1 - x0), y0 + part * (y1 - y0), height

    return at


def circling(
    east: float, north: float, radius: float, km_s: float, phase: float, altitude: float
) -> Callable[[float], Place]:
    """Round a centre, clockwise, at one altitude; ``phase`` is the bearing from the centre at midnight."""

    def at(seconds: float) -> Place:
        bearing = phase + seconds * km_s / radius
        return east + radius * math.sin(bearing), north + radius * math.cos(bearing), altitude

    return at


def racetrack(
    east: float, north: float, straight: float, radius: float, km_s: float, behind_s: float, altitude: float
) -> Callable[[float], Place]:
    """Round a racetrack with its long sides east and west; ``behind_s`` after an aircraft on the same one."""
    turn = math.pi * radius
    lap = 2.0 * (straight + turn)

    def at(seconds: float) -> Place:
        way = ((seconds - behind_s) * km_s) % lap
        half, way = (1.0, way) if way < lap / 2.0 else (-1.0, way - lap / 2.0)
        if way < straight:
            x, y = way - straight / 2.0, radius
        else:
            angle = (way - straight) / radius
            x, y = straight / 2.0 + radius * math.sin(angle), radius * math.cos(angle)
        return east + half * x, north + half * y, altitude

    return at


@dataclass(frozen=True)
class Track:
    """One thing that moves, and where it is reported to be."""

    id: str
    party: str
    kind: str
    samples: tuple[tuple[float, float, float, float | None], ...]  # seconds, latitude, longitude, altitude


def track(
    name: str,
    party: str,
    kind: str,
    path: Callable[[float], Place],
    window: tuple[str, str],
    every_s: float,
    *,
    silent: tuple[str, str] | None = None,
) -> Track:
    """Report a path every so often, but for a window in which nothing was received."""
    jitter = random.Random(f"{DAY} {name}")  # noqa: S311 -- a fixed jitter, nothing secret
    first, last = (clock(text) for text in window)
    samples = []
    for step in range(int((last - first) // every_s) + 1):
        seconds = first + step * every_s
        east, north, altitude = path(seconds)
        lat, lng = position(
            east + JITTER_KM * (2.0 * jitter.random() - 1.0),
            north + JITTER_KM * (2.0 * jitter.random() - 1.0),
        )
        if silent is None or not clock(silent[0]) < seconds < clock(silent[1]):
            samples.append((seconds, lat, lng, altitude))
    return Track(name, party, kind, tuple(samples))


# -- the day ----------------------------------------------------------------------------------------------


def coalition() -> list[Track]:
    """Two tankers, two crewed aircraft and a drone; altitudes in feet, as this party reports them."""
    return [
        track(
            f"tanker-{1 + k}",
            "coalition",
            "crewed",
            racetrack(62.0, -58.0, 40.0, 8.0, 0.2, 8.0 * k, 26_000.0 + 500.0 * k),
            (("06:00:03", "06:00:07")[k], "07:20"),
            15.0,
        )
        for k in range(2)
    ] + [
        track(
            "observer-1",
            "coalition",
            "crewed",
            circling(-38.0, 60.0, 12.0, 0.11, 1.9, 19_000.0),
            ("05:50:02", "06:40"),
            10.0,
        ),
        track(
            "relay-1",
            "coalition",
            "crewed",
            along(("06:13:24", 8.0, 140.0, 24_000.0), ("06:25:24", 12.0, 64.0, 24_000.0)),
            ("06:13:24", "06:25:24"),
            10.0,
        ),
        track(
            "scout-1",
            "coalition",
            "uncrewed",
            circling(14.0, -8.0, 6.0, 0.04, 0.0, 12_000.0),
            ("05:55:06", "07:10"),
            20.0,
        ),
    ]


def russia() -> list[Track]:
    """Two crewed aircraft; altitudes in metres, as this party reports them."""
    return [
        track(
            "russia-11",
            "russia",
            "crewed",
            # 7,620 m is 25,000 ft: exactly 1,000 ft above relay-1 where they cross
            along(("06:12:09", -95.0, 72.0, 7620.0), ("06:36:09", 135.0, 88.0, 7620.0)),
            ("06:12:09", "06:36:09"),
            10.0,
            silent=("06:25", "06:29"),
        ),
        track(
            "russia-12",
            "russia",
            "crewed",
            along(
                ("05:48:01", -92.0, 118.0, 6600.0),
                ("05:54:01", -44.0, 92.0, 5400.0),
                ("06:06:01", 70.0, 82.0, 5400.0),
            ),
            ("05:48:01", "06:06:01"),
            10.0,
        ),
    ]


def unattributed() -> list[Track]:
    """A drone whose operator is not stated, as it was not settled on the day that this one is named after."""
    return [
        track(
            "drone-1",
            "",
            "uncrewed",
            along(
                ("05:45:05", -34.0, 112.0, 18_400.0),
                ("06:10:05", -20.0, 50.0, 18_400.0),
                ("06:22:05", -2.0, 24.0, 18_400.0),
                ("06:30:05", 14.0, 14.0, 18_400.0),
                ("06:58:05", 88.0, 22.0, 18_400.0),
            ),
            ("05:45:05", "06:58:05"),
            15.0,
        )
    ]


def column() -> Track:
    """A ground column on the road from the north-west; it stops inside the zone and turns back.

    Its party is no party of the pact, which is how a column and a pact often stood to each other.
    """
    return track(
        "column-1",
        "damascus",
        "ground",
        along(
            ("05:40", -86.0, 31.0, None),
            ("06:22", -60.0, 21.0, None),
            ("06:54", -40.0, 14.0, None),
            ("07:34", -40.0, 14.0, None),
            ("08:06", -60.0, 21.0, None),
        ),
        ("05:40", "08:06"),
        30.0,
    )


# -- the files --------------------------------------------------------------------------------------------


def csv(tracks: Iterable[Track], unit: str) -> str:
    """Tracks as rows, in order of time; pressure altitudes in ``ft`` or ``m``."""
    rows = [(seconds, t, lat, lng, height) for t in tracks for seconds, lat, lng, height in t.samples]
    rows.sort(key=lambda row: (row[0], row[1].id))
    lines = [f"time,id,party,kind,data_mode,lat,lng,altitude_{unit},altitude_reference"]
    lines += [
        f"{instant(seconds)},{t.id},{t.party},{t.kind},simulated,{lat:.5f},{lng:.5f},{height:.0f},STD"
        for seconds, t, lat, lng, height in rows
    ]
    return "\n".join(lines) + "\n"


def ground_geojson(moved: Track) -> str:
    """A ground track as a LineString with times."""
    feature = {
        "type": "Feature",
        "properties": {
            "id": moved.id,
            "party": moved.party,
            "kind": moved.kind,
            "role": "track",
            "times": [instant(sample[0]) for sample in moved.samples],
        },
        "geometry": {"type": "LineString", "coordinates": [[s[2], s[1]] for s in moved.samples]},
    }
    note = "A simulated column on a guess of the road; heights are not stated."
    return document(
        {"type": "FeatureCollection", "data_mode": "simulated", "note": note, "features": [feature]}
    )


def planned_geojson() -> str:
    """The plan of a transport flight that afternoon: a LineString with times, heights above the sea."""
    points = [("14:00", 95.0, -96.0, 4000.0), ("14:16", 30.0, -32.0, 3000.0), ("14:24", 0.0, 0.0, 720.0)]
    places = [(position(east, north), height) for _, east, north, height in points]
    feature = {
        "type": "Feature",
        "properties": {
            "id": "transport-1",
            "party": "coalition",
            "kind": "crewed",
            "role": "plan",
            "altitude_reference": "AMSL",
            "times": [instant(clock(text)) for text, *_ in points],
        },
        "geometry": {
            "type": "LineString",
            "coordinates": [[lng, lat, height] for (lat, lng), height in places],
        },
    }
    note = "A simulated plan, filed for the afternoon."
    return document(
        {"type": "FeatureCollection", "data_mode": "simulated", "note": note, "features": [feature]}
    )


def planned_volumes() -> str:
    """The operational intent of a mapping drone that afternoon, as F3548-21 has it."""

    def volume(corners: list[tuple[float, float]], start: str, end: str) -> dict[str, object]:
        vertices = [position(east, north) for east, north in corners]
        return {
            "volume": {
                "outline_polygon": {"vertices": [{"lat": lat, "lng": lng} for lat, lng in vertices]},
                "altitude_lower": {"value": 1500.0, "reference": "W84", "units": "M"},
                "altitude_upper": {"value": 3600.0, "reference": "W84", "units": "M"},
            },
            "time_start": {"value": instant(clock(start)), "format": "RFC3339"},
            "time_end": {"value": instant(clock(end)), "format": "RFC3339"},
        }

    west = [(52.0, -76.0), (64.0, -76.0), (64.0, -56.0), (52.0, -56.0)]
    east = [(64.0, -76.0), (82.0, -76.0), (82.0, -56.0), (64.0, -56.0)]
    intent = {
        "reference": {"id": "russia-map-1", "manager": "russia", "state": "Accepted"},
        "details": {
            "volumes": [volume(west, "13:40", "14:20"), volume(east, "14:20", "15:00")],
            "off_nominal_volumes": [],
            "priority": 0,
        },
    }
    return document({"data_mode": "simulated", "operational_intent": intent})


def document(value: object) -> str:
    """A JSON document with one line for each short list, so that a difference can be read."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def files() -> dict[str, bytes]:
    """Every data file of the day, by name."""
    texts = {
        "coalition.csv": csv(coalition(), "ft"),
        "russia.csv": csv(russia(), "m"),
        "unattributed.csv": csv(unattributed(), "ft"),
        "column.geojson": ground_geojson(column()),
        "plan-transport.geojson": planned_geojson(),
        "plan-mapping.json": planned_volumes(),
    }
    return {name: text.encode() for name, text in texts.items()}


if __name__ == "__main__":
    for name, data in files().items():
        Path(__file__).with_name(name).write_bytes(data)
