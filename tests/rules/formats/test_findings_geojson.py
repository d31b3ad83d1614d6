"""Findings as GeoJSON: points that still say what they are when copied elsewhere."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sample_report import answer, findings, full, labels, report
from skypact.formats.findings_geojson import write_findings

if TYPE_CHECKING:
    from skypact.formats.report import Report


def written(made: Report) -> dict[str, Any]:
    """The collection as a JSON reader sees it."""
    stream = io.BytesIO()
    write_findings(made, stream)
    return cast("dict[str, Any]", json.loads(stream.getvalue()))


def test_a_feature_for_each_finding() -> None:
    """Longitude comes first, and the properties are the finding with its data mode."""
    made = written(full())
    assert made["type"] == "FeatureCollection"
    assert len(made["features"]) == 6
    feature = made["features"][1]
    assert feature["geometry"] == {"type": "Point", "coordinates": [38.6, 33.5]}
    assert feature["properties"]["data_mode"] == "simulated"
    assert feature["properties"]["closest"]["horizontal_m"] == 1000.0


def test_the_rest_of_the_report_is_a_foreign_member() -> None:
    """What was not decided travels with what was found."""
    rest = written(full())["skypact"]
    assert rest["content"] == "findings"
    assert len(rest["unchecked"]) == 2
    assert len(rest["unobserved"]) == 1
    assert rest["summary"]["found"] == 5
    assert rest["assumptions"] == {"minima": "as told"}


def test_a_finding_without_a_place_has_no_geometry() -> None:
    """RFC 7946 allows a null geometry, and an invented point would lie."""
    nowhere = findings(labels("a", "b"), [(0, 1, 0, 1.0, 1.0)], lat_deg=np.array([np.nan]))
    assert written(report(answer(nowhere)))["features"][0]["geometry"] is None


def test_nothing_found_is_an_empty_collection_with_assumptions() -> None:
    """An empty list still says under what it is empty."""
    made = written(report())
    assert made["features"] == []
    assert "No conflict found" in made["skypact"]["summary"]["statement"]
