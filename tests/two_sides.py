"""A small sky of two sides, written to files for stories; invented, and marked as simulated.

At 12:00 a crewed flight of the north goes east along 50 N and one of the south comes the other way on the
same track and level; they pass head-on at 12:05. A drone of the south stands far from them, inside a zone of
the north, and is not seen for three minutes. A tanker of the north flies close to the first flight by
agreement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "time,id,party,kind,data_mode,lat,lng,altitude_m,altitude_reference,groundspeed_m_s,track_deg"

PACT = """
[pact]
id = "two-sides"
title = "Two sides, one sky"
data_mode = "simulated"
effective = 2026-01-01T00:00:00Z

[[party]]
id = "north"

[[party]]
id = "south"

[[separation]]
between = ["crewed", "crewed"]
horizontal = "5 NM"
vertical = "1000 ft"
lookahead = "5 min"

[[separation]]
between = ["crewed", "uncrewed"]
horizontal = "1 km"
vertical = "150 m"
lookahead = "5 min"

[[proximity]]
between = ["n-1", "n-tanker"]
until = 2026-06-01T18:00:00Z

[[zone]]
id = "north-base"
circle = { center = [49.0, 10.0], radius = "20 km" }
floor = "surface"
ceiling = "unlimited"
applies_to = ["crewed", "uncrewed"]
effect = "entry by notice"
declared_by = "north"
recognised_by = ["north"]
"""

VOLUMES = """
{"type": "FeatureCollection", "data_mode": "simulated", "features": [
 {"type": "Feature",
  "properties": {"id": "survey", "party": "south", "kind": "uncrewed", "lower": "500 m", "upper": "2000 m",
                 "altitude_reference": "STD", "start": "2026-06-01T12:00:00Z", "end": "2026-06-01T13:00:00Z"},
  "geometry": {"type": "Polygon", "coordinates": [[
   [10, 49], [10.05, 49], [10.05, 49.05], [10, 49.05], [10, 49]]]}},
 {"type": "Feature",
  "properties": {"id": "relief", "party": "north", "kind": "uncrewed", "lower": "1000 m", "upper": "3000 m",
                 "altitude_reference": "STD", "start": "2026-06-01T12:30:00Z", "end": "2026-06-01T14:00:00Z"},
  "geometry": {"type": "Polygon", "coordinates": [[
   [10.03, 49], [10.1, 49], [10.1, 49.1], [10.03, 49.1], [10.03, 49]]]}}
]}
"""


def _row(
    second: int,
    name: str,
    party: str,
    kind: str,
    mode: str,
    lat: float,
    lng: float,
    alt: float,
    speed: float,
    track: float,
) -> str:
    clock = f"2026-06-01T12:{second // 60:02}:{second % 60:02}Z"
    return f"{clock},{name},{party},{kind},{mode},{lat:.6f},{lng:.6f},{alt},STD,{speed},{track}"


def tracks(mode: str = "simulated") -> str:
    """The tracks as CSV."""
    rows = [HEADER]
    for second in range(0, 601, 10):
        east = 0.0028 * second  # about 200 m a second
        rows.append(_row(second, "n-1", "north", "crewed", mode, 50.0, 9.0 + east, 9000.0, 200.0, 90.0))
        rows.append(
            _row(second, "n-tanker", "north", "crewed", mode, 50.005, 9.0 + east, 9000.0, 200.0, 90.0)
        )
        rows.append(_row(second, "s-1", "south", "crewed", mode, 50.0, 10.68 - east, 9000.0, 200.0, 270.0))
        if not 120 < second < 300:
            rows.append(_row(second, "s-drone", "south", "uncrewed", mode, 49.1, 10.0, 1000.0, 0.0, 0.0))
    return "\n".join(rows) + "\n"


def write(folder: Path) -> Path:
    """Write pact, tracks, volumes and a text into a folder, and return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "pact.toml").write_text(PACT, encoding="utf-8")
    (folder / "tracks.csv").write_text(tracks(), encoding="utf-8")
    (folder / "volumes.geojson").write_text(VOLUMES, encoding="utf-8")
    (folder / "notes.txt").write_text("Nothing to read here.\n", encoding="utf-8")
    return folder
