"""Make the simulated afternoon of this folder: the fire and every flight over it are invented here.

Run it with any Python 3.11; it writes the data files beside itself, the same bytes each time. Nothing is
random but a jitter of a few metres on positions, from a fixed seed. Distances in this file are kilometres
east and north of the fire on a sphere, good to half a per cent, which is enough to invent a track; what is
found in the tracks is found by Skypact from the positions written.
"""  # noqa: INP001 -- a script beside its data, no package

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = "2025-08-12"
CENTRE = (44.2000, -115.4000)
EARTH_KM = 6371.0088
FT_M = 0.3048
JITTER_KM = 0.005
GROUND_FT = 6100.0
Place = tuple[float, float, float]  # km east, km north, feet above mean sea level
Sample = tuple[float, float, float, float]  # seconds of the day, latitude, longitude, feet


def clock(text: str) -> float:
    """Seconds of the day of ``HH:MM`` or ``HH:MM:SS``, UTC."""
    parts = [int(part) for part in text.split(":")]
    return 3600.0 * parts[0] + 60.0 * parts[1] + (parts[2] if len(parts) > 2 else 0)


def instant(seconds: float) -> str:
    """A second of the day as RFC 3339."""
    whole = round(seconds)
    return f"{DAY}T{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}Z"


def position(east_km: float, north_km: float) -> tuple[float, float]:
    """Latitude and longitude, to a metre, of a place given from the fire."""
    lat0, lng0 = (math.radians(value) for value in CENTRE)
    angle = math.hypot(east_km, north_km) / EARTH_KM
    azimuth = math.atan2(east_km, north_km)
    sin_lat = math.sin(lat0) * math.cos(angle) + math.cos(lat0) * math.sin(angle) * math.cos(azimuth)
    east = math.sin(azimuth) * math.sin(angle) * math.cos(lat0)
    lng = lng0 + math.atan2(east, math.cos(angle) - math.sin(lat0) * sin_lat)
    return round(math.degrees(math.asin(sin_lat)), 5), round(math.degrees(lng), 5)


# -- how things move --------------------------------------------------------------------------------------


def along(*points: tuple[str, float, float, float]) -> Callable[[float], Place]:
    """Straight from point to point, each with its time, km east, km north and feet."""
    times = [clock(point[0]) for point in points]

    def at(seconds: float) -> Place:
        leg = max(k for k in range(len(points) - 1) if times[k] <= seconds or k == 0)
        (_, x0, y0, a0), (_, x1, y1, a1) = points[leg], points[leg + 1]
        part = (seconds - times[leg]) / (times[leg + 1] - times[leg])
        return x0 + part * (x1 - x0), y0 + part * (y1 - y0), a0 + part * (a1 - a0)

    return at


def circling(east: float, north: float, radius: float, km_s: float, feet: float) -> Callable[[float], Place]:
    """Round a centre, clockwise, at one altitude."""

    def at(seconds: float) -> Place:
        bearing = seconds * km_s / radius
        return east + radius * math.sin(bearing), north + radius * math.cos(bearing), feet

    return at


def flown(name: str, path: Callable[[float], Place], first: str, last: str, every_s: float) -> list[Sample]:
    """Report a path every so often."""
    jitter = random.Random(f"{DAY} {name}")  # noqa: S311 -- a fixed jitter, nothing secret
    samples = []
    for step in range(int((clock(last) - clock(first)) // every_s) + 1):
        seconds = clock(first) + step * every_s
        east, north, feet = path(seconds)
        lat, lng = position(
            east + JITTER_KM * (2.0 * jitter.random() - 1.0),
            north + JITTER_KM * (2.0 * jitter.random() - 1.0),
        )
        samples.append((seconds, lat, lng, feet))
    return samples


# -- the afternoon ----------------------------------------------------------------------------------------


def incident() -> dict[str, list[Sample]]:
    """The lead plane and two air tankers."""
    return {
        "lead-1": flown(
            "lead-1",
            along(
                ("18:00:02", -30.0, 8.0, 8500.0),
                ("18:06", -12.0, 0.0, 7450.0),
                ("18:12", 12.0, 0.0, 7450.0),
                ("18:16", 20.0, 10.0, 9500.0),
                ("18:26", -20.0, 14.0, 9500.0),
                ("18:32", -12.0, 0.0, 7450.0),
                ("18:38", 12.0, 0.0, 7450.0),
            ),
            "18:00:02",
            "18:38",
            5.0,
        ),
        "tanker-41": flown(
            "tanker-41",
            along(
                ("18:00:04", -30.0, -10.0, 8500.0),
                ("18:06:07", -12.0, 0.0, 7600.0),
                ("18:12:07", 12.0, 0.0, 7600.0),
                ("18:18:07", 22.0, -14.0, 8600.0),
                ("18:26:07", -22.0, -12.0, 8600.0),
                ("18:32:07", -12.0, 0.0, 7600.0),
                ("18:38:07", 12.0, 0.0, 7600.0),
            ),
            "18:00:04",
            "18:38:07",
            5.0,
        ),
        # 8,100 ft is exactly 500 ft above tanker-41 on its runs below
        "tanker-42": flown("tanker-42", circling(0.0, 2.0, 2.5, 0.065, 8100.0), "18:02:03", "18:28", 5.0),
    }


def ambulance() -> list[Sample]:
    """A helicopter that crosses the fire on its way."""
    path = along(("18:08:01", -14.0, 12.0, 7900.0), ("18:17:01", 14.0, -6.0, 7900.0))
    return flown("ambulance-7", path, "18:08:01", "18:17:01", 4.0)


# -- the files --------------------------------------------------------------------------------------------


def csv(tracks: dict[str, list[Sample]]) -> str:
    """Tracks as rows, in order of time, altitudes above mean sea level."""
    rows = sorted((s[0], name, s[1], s[2], s[3]) for name, samples in tracks.items() for s in samples)
    lines = ["time,id,party,kind,data_mode,lat,lng,altitude_ft,altitude_reference"]
    lines += [
        f"{instant(t)},{name},incident,crewed,simulated,{lat:.5f},{lng:.5f},{feet:.0f},AMSL"
        for t, name, lat, lng, feet in rows
    ]
    return "\n".join(lines) + "\n"


def gpx(samples: list[Sample]) -> str:
    """One track as a handheld receiver writes it."""
    points = [
        f'   <trkpt lat="{lat:.5f}" lon="{lng:.5f}"><ele>{feet * FT_M:.1f}</ele>'
        f"<time>{instant(t)}</time></trkpt>"
        for t, lat, lng, feet in samples
    ]
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="make_fire.py" xmlns="http://www.topografix.com/GPX/1/1">',
        " <metadata><desc>SIMULATED: an invented flight over an invented fire</desc></metadata>",
        " <trk>",
        "  <name>ambulance-7</name>",
        "  <trkseg>",
    ]
    return "\n".join([*head, *points, "  </trkseg>", " </trk>", "</gpx>"]) + "\n"


def plan() -> str:
    """A mapping drone's plan as QGroundControl saves it: take-off, four lanes, and back home."""
    home = position(-3.0, -3.0)
    above_m = 600.0 * FT_M

    def item(
        number: int, command: int, place: tuple[float, float] | None, *params: float
    ) -> dict[str, object]:
        lat, lng = place or (0.0, 0.0)
        four = [*params, 0.0, 0.0, 0.0, 0.0][:4]
        return {
            "type": "SimpleItem",
            "doJumpId": number,
            "autoContinue": True,
            "command": command,
            "frame": 3 if place else 2,
            "AltitudeMode": 1,
            "Altitude": round(above_m, 2),
            "params": [*four, lat, lng, round(above_m, 2) if place else 0.0],
        }

    lanes = [
        position(east, north)
        for k, north in enumerate((-3.0, -2.5, -2.0, -1.5))
        for east in ((-2.5, 2.5), (2.5, -2.5))[k % 2]
    ]
    items = [item(1, 22, home), item(2, 178, None, 1.0, 12.0, -1.0)]
    items += [item(3 + k, 16, lane) for k, lane in enumerate(lanes)]
    items.append(item(3 + len(lanes), 20, None))
    document = {
        "fileType": "Plan",
        "note": "SIMULATED: an invented flight over an invented fire",
        "version": 1,
        "groundStation": "QGroundControl",
        "mission": {
            "version": 2,
            "firmwareType": 12,
            "vehicleType": 2,
            "globalPlanAltitudeMode": 1,
            "cruiseSpeed": 15,
            "hoverSpeed": 12,
            "plannedHomePosition": [*home, round(GROUND_FT * FT_M, 2)],
            "items": items,
        },
        "geoFence": {"version": 2, "circles": [], "polygons": []},
        "rallyPoints": {"version": 2, "points": []},
    }
    return json.dumps(document, indent=1) + "\n"


def openair() -> str:
    """A neighbour's airspace, in which a turn of one of the tankers ends."""

    def sexagesimal(value: float, width: int, ends: str) -> str:
        seconds = round(abs(value) * 3600.0)
        degrees, minutes = seconds // 3600, seconds // 60 % 60
        return f"{degrees:0{width}d}:{minutes:02d}:{seconds % 60:02d} {ends[value < 0]}"

    corners = [position(*corner) for corner in ((18.0, -10.0), (30.0, -10.0), (30.0, -22.0), (18.0, -22.0))]
    outline = [f"DP {sexagesimal(lat, 2, 'NS')} {sexagesimal(lng, 3, 'EW')}" for lat, lng in corners]
    head = [
        "* SIMULATED: invented airspace beside an invented fire",
        "AC R",
        "AN Cedar Flats training area",
        "AL 8000 ft AMSL",
        "AH 17000 ft AMSL",
    ]
    return "\n".join(head + outline) + "\n"


def files() -> dict[str, bytes]:
    """Every data file of the afternoon, by name."""
    texts = {
        "incident.csv": csv(incident()),
        "ambulance.gpx": gpx(ambulance()),
        "mapping-drone.plan": plan(),
        "neighbours.txt": openair(),
    }
    return {name: text.encode() for name, text in texts.items()}


if __name__ == "__main__":
    for name, data in files().items():
        Path(__file__).with_name(name).write_bytes(data)
