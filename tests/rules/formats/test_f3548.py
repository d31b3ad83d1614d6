"""F3548-21 JSON: operational intents, constraints and bare volumes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from skypact.airspace import AltitudeReference, DataMode, Kind
from skypact.errors import FormatError, InputError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.f3548 import read_f3548
from skypact.instants import EVER, FOREVER, parse_instant

ID = "03e5572a-f733-49af-bc14-8a18bd53ee39"
CIRCLE = {"center": {"lat": 46.97, "lng": 7.47}, "radius": {"value": 100, "units": "M"}}
POLYGON = {"vertices": [{"lat": 46.0, "lng": 7.0}, {"lat": 46.1, "lng": 7.0}, {"lat": 46.1, "lng": 7.1}]}
START = {"value": "2024-05-01T10:00:00Z", "format": "RFC3339"}
END = {"value": "2024-05-01T11:00:00Z", "format": "RFC3339"}


def altitude(value: float, **changes: Any) -> dict[str, Any]:
    """An altitude of the standard."""
    return {"value": value, "reference": "W84", "units": "M", **changes}


def volume(**changes: Any) -> dict[str, Any]:
    """A Volume4D: a circle from 550 to 650 m for an hour; members of the Volume3D may be changed."""
    inner = {"outline_circle": CIRCLE, "altitude_lower": altitude(550), "altitude_upper": altitude(650)}
    return {"volume": {**inner, **changes}, "time_start": START, "time_end": END}


def intent(ident: str = ID, **details: Any) -> dict[str, Any]:
    """An operational intent of uss1."""
    return {
        "reference": {"id": ident, "manager": "uss1", "state": "Accepted", "uss_base_url": "u"},
        "details": {"volumes": [volume()], "off_nominal_volumes": [], "priority": 0, **details},
    }


def read(document: Any, defaults: Defaults | None = None, name: str = "x.json") -> Contents:
    """Read this document."""
    return read_f3548(json.dumps(document).encode(), name, defaults or Defaults())


def refused(document: Any) -> str:
    """The text of the error that this document gives."""
    with pytest.raises(InputError) as caught:
        read(document)
    return str(caught.value)


def test_an_operational_intent_is_volumes_of_one_body() -> None:
    """Nominal and off-nominal volumes share id and body; party is the manager, kind uncrewed."""
    contents = read(
        intent(off_nominal_volumes=[volume(), volume(outline_circle=None, outline_polygon=POLYGON)])
    )
    volumes = contents.volumes
    assert volumes is not None
    assert list(volumes.labels.ids) == [ID] * 3
    assert {volumes.labels.body_of(row) for row in range(3)} == {ID}
    assert (volumes.labels.party_of(0), volumes.labels.kind[0]) == ("uss1", Kind.UNCREWED)
    assert volumes.radius_m.tolist() == [100.0, 100.0, 0.0]
    assert volumes.lower_m.tolist() == [550.0] * 3
    assert set(volumes.upper_reference.tolist()) == {AltitudeReference.W84}
    assert volumes.start_us[0] == parse_instant("2024-05-01T10:00:00Z")
    assert contents.counts == {"operational intents": 1, "volumes": 3}
    assert (contents.format, contents.ignored) == ("f3548", ())


def test_edges_are_shortest_paths_and_get_no_points() -> None:
    """The standard's edges are ours."""
    volumes = read(volume(outline_circle=None, outline_polygon=POLYGON)).volumes
    assert volumes is not None
    assert volumes.lat_deg.tolist() == [46.0, 46.1, 46.1]


@pytest.mark.parametrize(
    ("wrapped", "number"),
    [
        ({"operational_intent": intent()}, 1),
        ([intent(), intent("other")], 2),
        ({"operational_intents": [intent(), intent("other")]}, 2),
        ({"operational_intent_id": ID, "operational_intent": intent(), "subscriptions": []}, 1),
        ([{"operational_intent": intent()}], 1),
    ],
    ids=["answer", "list", "member", "notification", "list of answers"],
)
def test_intents_are_found_in_what_services_exchange(wrapped: Any, number: int) -> None:
    """The answers and notifications of the interface, and lists."""
    assert read(wrapped).counts["operational intents"] == number


def test_ids_that_are_no_uuid_belong_to_their_file() -> None:
    """Two files that both have an intent "1" have two; a UUID is the same everywhere."""
    bodies = {v.labels.body_of(0) for n in "ab" if (v := read(intent("1"), name=n).volumes) is not None}
    assert len(bodies) == 2
    same = {v.labels.body_of(0) for n in "ab" if (v := read(intent(), name=n).volumes) is not None}
    assert same == {ID}


def test_a_constraint_is_a_zone_for_everything_that_flies() -> None:
    """Its effect is its type, or the restriction of its geozone."""
    constraint = {
        "reference": {"id": ID, "manager": "cp"},
        "details": {"volumes": [volume()], "type": "com.example.x"},
    }
    geozone = {"details": {"volumes": [volume()], "geozone": {"restriction": "PROHIBITED"}}}
    contents = read(
        {"constraint": constraint, "constraints": [geozone, {"details": {"volumes": [volume()]}}]}
    )
    zones = contents.zones
    assert contents.volumes is None
    assert zones is not None
    assert zones.effect == ("com.example.x", "PROHIBITED", "constraint")
    assert zones.applies[0].tolist() == [True, True, False, False]
    assert list(zones.volumes.labels.ids) == [ID, "constraint 2", "constraint 3"]
    assert zones.volumes.labels.party_of(0) == "cp"
    assert contents.counts["constraints"] == 3


def test_a_thing_with_details_is_told_by_what_only_one_of_the_two_has() -> None:
    """A type makes a constraint, a state or a priority an intent."""
    bare = {"details": {"volumes": [volume()], "type": "x"}}
    assert read(bare).zones is not None
    assert read({**bare, "reference": {"state": "Accepted"}}).volumes is not None
    assert read({"details": {"volumes": [volume()], "type": "x", "priority": 1}}).volumes is not None
    assert read({"details": {"volumes": [volume()]}}).volumes is not None


def test_each_volume_of_a_bare_list_is_a_claim_of_its_own() -> None:
    """The list does not say that they are one flight, and taking them for one could hide a conflict."""
    contents = read([volume(), volume()])
    assert contents.volumes is not None
    assert list(contents.volumes.labels.ids) == ["volume 1", "volume 2"]
    assert len(set(contents.volumes.labels.body.tolist())) == 2
    assert "each of its 2 volumes is a claim of its own" in contents.ignored[0]


@pytest.mark.parametrize("member", ["extents", "volumes", "area_of_interest"])
def test_the_volumes_of_one_request_are_one_thing(member: str) -> None:
    """Parameters of a request, or an area of interest."""
    contents = read({member: [volume(), volume()] if member != "area_of_interest" else volume()})
    assert contents.volumes is not None
    assert set(contents.volumes.labels.ids) == {"intent 1"}
    assert contents.ignored == ()


def test_a_bare_volume_and_a_volume_without_time_are_read() -> None:
    """A Volume4D, a Volume3D; what is absent is open."""
    one = read(volume()).volumes
    assert one is not None
    assert list(one.labels.ids) == ["volume 1"]
    flat = read({"outline_polygon": POLYGON}).volumes
    assert flat is not None
    assert (flat.start_us[0], flat.end_us[0]) == (EVER, FOREVER)
    assert (flat.lower_m[0], flat.upper_m[0]) == (-np.inf, np.inf)


def test_references_without_details_are_ignored_with_a_sentence() -> None:
    """They hold no volumes."""
    reference = {"id": ID, "uss_base_url": "u", "time_start": START}
    for document in ({"operational_intent_references": [reference, reference]}, [reference, reference]):
        contents = read(document)
        assert contents.volumes is None
        assert contents.ignored == ("2 references without details hold no volumes and were ignored",)
    assert read({"constraint_reference": reference}).ignored == (
        "1 reference without details holds no volumes and was ignored",
    )


def test_defaults_fill_what_the_format_has_no_word_for() -> None:
    """Kind, party and mode; the mode may stand beside the list."""
    defaults = Defaults(party="blue", kind=Kind.CREWED, data_mode=DataMode.EXERCISE)
    volumes = read([volume()], defaults).volumes
    assert volumes is not None
    assert (volumes.labels.party_of(0), volumes.labels.kind[0]) == ("blue", Kind.CREWED)
    assert volumes.labels.data_mode is DataMode.EXERCISE
    stated = read({"data_mode": "simulated", "operational_intents": [intent()]}).volumes
    assert stated is not None
    assert stated.labels.data_mode is DataMode.SIMULATED


def test_a_repeated_last_vertex_is_tolerated() -> None:
    """The standard forbids it, and it changes nothing."""
    vertices = [*POLYGON["vertices"], POLYGON["vertices"][0]]
    volumes = read(volume(outline_circle=None, outline_polygon={"vertices": vertices})).volumes
    assert volumes is not None
    assert volumes.lat_deg.shape == (3,)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "x.json: the document: nothing of F3548-21 in it"),
        ([5], "[0]: not an operational intent, a constraint or a Volume4D"),
        (5, "the document: not an F3548-21 document"),
        (volume(outline_circle=None), "volume: exactly one outline is needed; found 'none'"),
        (volume(outline_polygon=POLYGON), "exactly one outline is needed; found 'a circle and a polygon'"),
        (
            volume(altitude_lower=altitude(1, reference="AMSL")),
            "volume.altitude_lower.reference: not one of the values",
        ),
        (
            volume(altitude_lower=altitude(1, units="FT")),
            "volume.altitude_lower.units: not one of the values",
        ),
        (
            volume(altitude_lower=altitude(200_000)),
            "volume.altitude_lower.value: not an altitude of F3548-21",
        ),
        (volume(altitude_lower={"value": 1, "units": "M"}), "volume.altitude_lower: reference is missing"),
        (volume(altitude_lower=altitude(700)), "upper altitude: the ceiling is below the floor"),
        (
            volume(outline_circle={**CIRCLE, "radius": {"value": 100, "units": "KM"}}),
            "volume.outline_circle.radius.units: not one of the values",
        ),
        (volume(outline_circle={**CIRCLE, "radius": {"value": 0, "units": "M"}}), "not a radius"),
        (
            volume(outline_circle={"radius": {"value": 1, "units": "M"}}),
            "volume.outline_circle: center is missing",
        ),
        (
            volume(outline_circle={**CIRCLE, "center": {"lat": 91, "lng": 7}}),
            "volume.outline_circle.center.lat: not a position on earth; found 91",
        ),
        (
            volume(outline_circle=None, outline_polygon={"vertices": [{"lat": 1, "lng": 2}]}),
            "an outline needs three distinct points",
        ),
        (
            volume(outline_circle=None, outline_polygon={"vertices": [{"lat": 1, "lng": 181}]}),
            "volume.outline_polygon.vertices[0].lng: not a position on earth",
        ),
        ({**volume(), "time_start": {"value": "x", "format": "RFC3339"}}, "time_start.value: not an instant"),
        ({**volume(), "time_start": {**START, "format": "UNIX"}}, "time_start.format: not one of the values"),
        ({**volume(), "time_end": START}, "end: the window ends before it starts"),
        ({"reference": {"id": [1]}, "details": {"volumes": []}}, "reference.id: not a name"),
        ({"operational_intents": [{"reference": {}}]}, "operational_intents[0]: details is missing"),
        ({"data_mode": "live", "volumes": []}, "data_mode: not a data mode"),
    ],
)
def test_what_breaks_the_definitions_is_refused_by_its_path(document: Any, text: str) -> None:
    """Another unit, reference or format, an outline too many or too few, an absurd number."""
    assert text in refused(document)


def test_too_many_vertices_are_refused() -> None:
    """The standard's limit is 10,000."""
    vertices = [{"lat": 46.0 + 1e-6 * k, "lng": 7.0} for k in range(10_002)]
    assert "too many vertices; found 10002" in refused(
        volume(outline_circle=None, outline_polygon={"vertices": vertices})
    )


def test_an_error_names_the_file_and_is_of_the_format() -> None:
    """The name of the document stands before the path."""
    with pytest.raises(FormatError, match=r"^x\.json: "):
        read({})
