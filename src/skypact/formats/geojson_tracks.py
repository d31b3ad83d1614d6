"""Tracks written as GeoJSON (RFC 7946): a LineString a track, with the time of each position.

Law: what is written is valid GeoJSON, and :func:`~skypact.formats.geojson.read_geojson` gives the tracks
back. ``coordTimes`` has an RFC 3339 instant for each position; the third number of a position is metres in
``altitude_reference``, and is left out where the altitude is unknown.

Known limits: a LineString has at least two positions, so a track of one sample is written as two equal
ones. A line that crosses 180 degrees is not cut in two (section 3.1.9 only recommends it), since its
samples would not be the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import Kind
from skypact.formats.output import replacing
from skypact.instants import format_instant

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.airspace.moving import Trajectories


def write_geojson(path: str | Path, tracks: Trajectories) -> None:
    """Write tracks as a FeatureCollection, a line of text a track.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    encoder = msgspec.json.Encoder()
    with replacing(path) as stream:
        stream.write(b'{"type":"FeatureCollection","features":[')
        for row in range(len(tracks)):
            stream.write(b",\n" if row else b"\n")
            stream.write(encoder.encode(_feature(tracks, row)))
        stream.write(b"\n]}\n")


def _feature(tracks: Trajectories, row: int) -> dict[str, Any]:
    start, end = int(tracks.offsets[row]), int(tracks.offsets[row + 1])
    samples = list(range(start, end)) if end - start > 1 else [start, start]
    labels = tracks.labels
    return {
        "type": "Feature",
        "properties": {
            "id": labels.ids[row],
            "body": labels.body_of(row),
            "party": labels.party_of(row),
            "kind": Kind(int(labels.kind[row])).word,
            "data_mode": labels.data_mode.value,
            "altitude_reference": AltitudeReference(int(tracks.reference[row])).name,
            "horizontal_uncertainty_m": float(tracks.horizontal_uncertainty_m[row]),
            "vertical_uncertainty_m": float(tracks.vertical_uncertainty_m[row]),
            "coordTimes": [format_instant(int(tracks.time_us[sample])) for sample in samples],
        },
        "geometry": {
            "type": "LineString",
            "coordinates": [_position(tracks, sample) for sample in samples],
        },
    }


def _position(tracks: Trajectories, sample: int) -> list[float]:
    lng, lat = float(tracks.lng_deg[sample]), float(tracks.lat_deg[sample])
    altitude_m = float(tracks.altitude_m[sample])
    return [lng, lat] if math.isnan(altitude_m) else [lng, lat, altitude_m]
