"""Volumes written as documents: GeoJSON (RFC 7946) and F3548-21 JSON.

Law: what is written means what was held, and our own readers read it back. A circle stays a circle. GeoJSON's
edges are straight in longitude and latitude, so geodesic edges are drawn with as many points as keep them
within :data:`~skypact.airspace.rings.DRAWN_M` of it, cut at 180 degrees (section 3.1.9), counter-clockwise,
the first position repeated. F3548-21 has geodesic edges and no repeated vertex; what it cannot say (another
altitude reference) is refused, not converted. The data mode is on every GeoJSON feature, and beside the list
in F3548-21, where strict readers ignore it.

The file is written whole or not at all (:mod:`skypact.formats.output`).

Known limits: F3548-21 has no place for the kind and the body of a volume. Its references here carry only
``id`` and ``manager``; the rest (version, OVN, state, base URL) is a service's to know, so what is written is
no complete answer of one. A radius is metres, whatever else the document says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from skypact.airspace import rings
from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import Kind
from skypact.airspace.volumes import VERTICES_MAX, Volumes, Zones
from skypact.errors import InputError
from skypact.formats.output import replacing
from skypact.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGITS: Final = 9
"""Decimals of a degree that GeoJSON is written with: a tenth of a millimetre."""
_BATCH = 500


def write_geojson_volumes(path: str | Path, volumes: Volumes | Zones) -> None:
    """Write volumes or zones as a GeoJSON FeatureCollection, a feature a row.

    Parameters
    ----------
    path
        The file; a name that ends in ``.gz`` is written as gzip.
    volumes
        What to write, in order.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    zones = volumes if isinstance(volumes, Zones) else None
    rows = zones.volumes if zones is not None else volumes
    assert isinstance(rows, Volumes)  # noqa: S101  # for the type checker
    head = {"content": "volumes" if zones is None else "zones", "data_mode": rows.labels.data_mode.value}
    with replacing(path) as stream:
        stream.write(b'{"type": "FeatureCollection",\n "skypact": ' + msgspec.json.encode(head))
        stream.write(b',\n "features": [')
        for first in range(0, len(rows), _BATCH):
            last = min(first + _BATCH, len(rows))
            text = b",\n".join(msgspec.json.encode(_feature(rows, zones, row)) for row in range(first, last))
            stream.write((b",\n" if first else b"\n") + text)
        stream.write(b"\n]}\n")


def _feature(rows: Volumes, zones: Zones | None, row: int) -> dict[str, Any]:
    labels = rows.labels
    properties: dict[str, Any] = {
        "role": "volume" if zones is None else "zone",
        "id": labels.ids[row],
        "body": labels.body_of(row),
        "party": labels.party_of(row),
        "kind": Kind(int(labels.kind[row])).word,
        "data_mode": labels.data_mode.value,
    }
    for side, metres, reference in (
        ("lower", rows.lower_m, rows.lower_reference),
        ("upper", rows.upper_m, rows.upper_reference),
    ):
        if np.isfinite(metres[row]):
            properties[f"{side}_m"] = float(metres[row])
            properties[f"{side}_reference"] = AltitudeReference(int(reference[row])).word
    properties |= _window(rows, row)
    if zones is not None:
        properties["applies_to"] = [kind.word for kind in Kind if zones.applies[row, kind]]
        properties["effect"] = zones.effect[row]
    span = slice(int(rows.offsets[row]), int(rows.offsets[row + 1]))
    geometry: dict[str, Any]
    if rows.radius_m[row] > 0.0:
        properties["radius_m"] = float(rows.radius_m[row])
        lng = rings.within_180(rows.lng_deg[span])
        geometry = {"type": "Point", "coordinates": [float(lng[0]), float(rows.lat_deg[span][0])]}
    else:
        ring = np.column_stack([rows.lat_deg[span], rings.within_180(rows.lng_deg[span])])
        pieces = [
            [_positions(piece)]
            for piece in rings.drawn(ring, most=VERTICES_MAX, tolerance_m=0.9 * rings.DRAWN_M)
        ]
        several = len(pieces) != 1
        geometry = {
            "type": "MultiPolygon" if several else "Polygon",
            "coordinates": pieces if several else pieces[0],
        }
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _positions(ring: rings.Ring) -> list[list[float]]:
    closed = np.round(np.vstack([ring, ring[:1]]), DIGITS) + 0.0
    positions: list[list[float]] = closed[:, ::-1].tolist()
    return positions


def write_f3548(path: str | Path, volumes: Volumes) -> None:
    """Write volumes as F3548-21 JSON: an operational intent for each id, in order of appearance.

    Parameters
    ----------
    path
        The file; a name that ends in ``.gz`` is written as gzip.
    volumes
        What to write; limits above the WGS 84 ellipsoid, or open.

    Raises
    ------
    InputError
        A limit has another reference, for which F3548-21 has no word; or the file cannot be written.
    """
    for side, metres, reference in (
        ("lower", volumes.lower_m, volumes.lower_reference),
        ("upper", volumes.upper_m, volumes.upper_reference),
    ):
        wrong = np.nonzero(np.isfinite(metres) & (reference != AltitudeReference.W84))[0]
        if wrong.shape[0]:
            row = int(wrong[0])
            raise InputError(
                "F3548-21 knows altitudes above the WGS 84 ellipsoid only",
                where=f"volume {volumes.labels.ids[row]!r} (row {row}), {side} altitude",
                found=f"{metres[row]:g} m {AltitudeReference(int(reference[row])).word}",
                expected="metres W84",
            )
    head = {"data_mode": volumes.labels.data_mode.value}
    with replacing(path) as stream:
        stream.write(msgspec.json.encode(head)[:-1] + b',\n "operational_intents": [')
        for number, intent in enumerate(_intents(volumes)):
            stream.write((b",\n" if number else b"\n") + msgspec.json.encode(intent))
        stream.write(b"\n]}\n")


def _intents(volumes: Volumes) -> Iterator[dict[str, Any]]:
    labels = volumes.labels
    things: dict[tuple[str, str], list[int]] = {}
    for row in range(len(volumes)):
        things.setdefault((labels.ids[row], labels.party_of(row)), []).append(row)
    for (ident, party), rows in things.items():
        reference = {"id": ident, "manager": party} if party else {"id": ident}
        yield {"reference": reference, "details": {"volumes": [_volume_4d(volumes, row) for row in rows]}}


def _volume_4d(volumes: Volumes, row: int) -> dict[str, Any]:
    span = slice(int(volumes.offsets[row]), int(volumes.offsets[row + 1]))
    lat, lng = volumes.lat_deg[span].tolist(), rings.within_180(volumes.lng_deg[span]).tolist()
    points = [{"lat": y, "lng": x} for y, x in zip(lat, lng, strict=True)]
    volume: dict[str, Any] = {}
    if volumes.radius_m[row] > 0.0:
        radius = {"value": float(volumes.radius_m[row]), "units": "M"}
        volume["outline_circle"] = {"center": points[0], "radius": radius}
    else:
        volume["outline_polygon"] = {"vertices": points}
    for side, metres in (("lower", volumes.lower_m[row]), ("upper", volumes.upper_m[row])):
        if np.isfinite(metres):
            volume[f"altitude_{side}"] = {"value": float(metres), "reference": "W84", "units": "M"}
    whole: dict[str, Any] = {"volume": volume}
    for edge, text in _window(volumes, row).items():
        whole[f"time_{edge}"] = {"value": text, "format": "RFC3339"}
    return whole


def _window(volumes: Volumes, row: int) -> dict[str, str]:
    """Start and end as texts; an open one is absent, and so is one beyond the calendar's four digits."""
    texts = {
        "start": format_instant(volumes.start_us[row]),
        "end": format_instant(volumes.end_us[row]),
    }
    return {edge: text for edge, text in texts.items() if text != "open"}
