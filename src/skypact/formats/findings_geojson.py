"""Findings as GeoJSON (RFC 7946): a point for each, where ``a`` is at the closest approach.

Law: a feature's properties are the finding as ``--format json`` writes it, and its data mode is one of
them, so that a feature that is copied elsewhere still says what it is. Everything else of the report, what
was not decided included, stands in the foreign member ``skypact`` (RFC 7946, 6.1). A finding without a
place has a null geometry.

Coordinates are longitude, latitude; never an altitude, since RFC 7946 means metres above the ellipsoid and
a finding's altitude stands in a reference of its own (``closest.altitude_m``,
``closest.altitude_reference``).
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import msgspec

from skypact.formats.findings_json import write_list

if TYPE_CHECKING:
    from skypact.formats.report import Report


def write_findings(report: Report, stream: IO[bytes]) -> None:
    """Write the report as a FeatureCollection with the foreign member ``skypact``."""
    rest = {
        **report.heading(),
        "content": "findings",
        "unobserved": list(report.unobserved_records()),
        "unchecked": list(report.unchecked_records()),
        "summary": report.summary(),
    }
    stream.write(b'{"type": "FeatureCollection",\n "skypact": ' + msgspec.json.encode(rest) + b",\n ")
    write_list("features", (_feature(row) for row in report.records()), stream)
    stream.write(b"}\n")


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    at = row["closest"]
    placed = at["lat"] is not None and at["lng"] is not None
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [at["lng"], at["lat"]]} if placed else None,
        "properties": row,
    }
