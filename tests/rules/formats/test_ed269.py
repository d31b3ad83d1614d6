"""ED-269 geozones: whenever they may be in force, wherever they may reach."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from skypact.airspace import AltitudeReference, DataMode, Kind
from skypact.errors import InputError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.ed269 import CONDITIONS_MAX, read_ed269
from skypact.instants import EVER, FOREVER, parse_instant
from skypact.units import FT_M

RING = [[6.16, 46.21], [6.17, 46.21], [6.17, 46.22], [6.16, 46.22], [6.16, 46.21]]


def part(**changes: Any) -> dict[str, Any]:
    """A volume from the ground to 120 m above it."""
    return {
        "uomDimensions": "M",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 120,
        "upperVerticalReference": "AGL",
        "horizontalProjection": {"type": "Polygon", "coordinates": [RING]},
        **changes,
    }


def zone(**changes: Any) -> dict[str, Any]:
    """A zone where nothing may fly."""
    return {
        "identifier": "LSR-1",
        "country": "CHE",
        "name": "Example",
        "type": "COMMON",
        "restriction": "PROHIBITED",
        "reason": ["SENSITIVE"],
        "applicability": [{"permanent": "YES"}],
        "zoneAuthority": [{"name": "Authority", "purpose": "AUTHORIZATION"}],
        "geometry": [part()],
        **changes,
    }


def read(*zones: Any, defaults: Defaults | None = None) -> Contents:
    """Read a document of these zones."""
    return read_ed269(
        json.dumps({"title": "t", "features": list(zones)}).encode(), "x.json", defaults or Defaults()
    )


def refused(*zones: Any) -> str:
    """The text of the error that these zones give."""
    with pytest.raises(InputError) as caught:
        read(*zones)
    return str(caught.value)


def test_a_zone_applies_to_uncrewed_aircraft_under_its_country_and_identifier() -> None:
    """Its effect is the restriction as written; a floor at the ground is open."""
    contents = read(zone(restrictionConditions=["PERMITTED/IMAGE CAPTURE=NO", "OPERATOR=POLICE"]))
    zones = contents.zones
    assert zones is not None
    assert list(zones.volumes.labels.ids) == ["CHE LSR-1"]
    assert zones.effect == ("PROHIBITED: PERMITTED/IMAGE CAPTURE=NO; OPERATOR=POLICE",)
    assert zones.applies.tolist() == [[False, True, False, False]]
    assert zones.volumes.labels.kind[0] == Kind.STATIC
    assert (zones.volumes.lower_m[0], zones.volumes.upper_m[0]) == (-np.inf, 120.0)
    assert zones.volumes.upper_reference[0] == AltitudeReference.AGL
    assert (zones.volumes.start_us[0], zones.volumes.end_us[0]) == (EVER, FOREVER)
    assert (contents.format, contents.counts) == ("ed269", {"zones": 1, "volumes": 1})
    assert contents.ignored == ()


def test_circles_are_exact_and_units_are_those_of_the_volume() -> None:
    """Feet are for limits and radius alike."""
    circle = {"type": "Circle", "center": [6.1, 46.2], "radius": 1000}
    feet = part(
        uomDimensions="FT", lowerLimit=500, lowerVerticalReference="AMSL", horizontalProjection=circle
    )
    zones = read(
        zone(geometry=[feet, part(horizontalProjection=circle, upperVerticalReference="WGS84")])
    ).zones
    assert zones is not None
    assert zones.volumes.radius_m.tolist() == pytest.approx([1000 * FT_M, 1000.0])
    assert zones.volumes.lower_m[0] == pytest.approx(500 * FT_M)
    assert zones.volumes.upper_reference.tolist() == [AltitudeReference.AGL, AltitudeReference.W84]


def test_every_geometry_and_period_is_a_row_of_one_zone() -> None:
    """Two volumes in two periods are four rows under one id."""
    periods = [
        {
            "permanent": "NO",
            "startDateTime": "2024-05-01T10:00:00Z",
            "endDateTime": "2024-05-02T10:00:00.00+02:00",
        },
        {"startDateTime": "2024-06-01T10:00:00Z", "endDateTime": None},
    ]
    zones = read(zone(geometry=[part(), part()], applicability=periods)).zones
    assert zones is not None
    assert list(zones.volumes.labels.ids) == ["CHE LSR-1"] * 4
    assert zones.volumes.start_us[0] == parse_instant("2024-05-01T10:00:00Z")
    assert zones.volumes.end_us[0] == parse_instant("2024-05-02T08:00:00Z")
    assert zones.volumes.end_us[1] == FOREVER


@pytest.mark.parametrize(
    "applicability", [None, [], {"permanent": "YES"}, [{"startDateTime": "", "endDateTime": " "}], [{}]]
)
def test_a_zone_without_a_period_is_always_in_force(applicability: Any) -> None:
    """What names no end may last."""
    zones = read(zone(applicability=applicability)).zones
    assert zones is not None
    assert (zones.volumes.start_us[0], zones.volumes.end_us[0]) == (EVER, FOREVER)


@pytest.mark.parametrize(
    "schedule",
    [
        {"schedule": [{"day": ["MON"], "startTime": "09:00:00Z", "endTime": "18:00:00Z"}]},
        {"dailyPeriod": [{"day": ["ANY"]}]},
        {"schedule": ["weekends"]},
        {"schedule": {"day": "MON"}},
    ],
)
def test_a_schedule_is_not_followed_and_said_so(schedule: dict[str, Any]) -> None:
    """The zone counts as in force for the whole period."""
    contents = read(zone(applicability=[{"permanent": "YES", **schedule}]))
    assert contents.zones is not None
    assert contents.ignored == (
        "1 period has a schedule, which was ignored: its zone counts as in force throughout",
    )


def test_a_schedule_with_nothing_in_it_is_none() -> None:
    """Some files have one in every zone."""
    empty: dict[str, Any] = {"day": [], "startTime": None, "endTime": None}
    assert read(zone(applicability=[{"permanent": "YES", "dailyPeriod": [empty]}])).ignored == ()


@pytest.mark.parametrize(
    "document",
    [
        {"formatVersion": "1.0.0", "UASZoneList": [zone()]},
        [zone()],
        {"UASZoneList": {"features": [zone()]}},
    ],
)
def test_the_published_wrappers_are_read(document: Any) -> None:
    """A list of zones under either name, or bare."""
    contents = read_ed269(json.dumps(document).encode(), "x.json", Defaults(data_mode=DataMode.TEST))
    assert contents.zones is not None
    assert contents.zones.volumes.labels.data_mode is DataMode.TEST


def test_what_published_files_get_wrong_makes_the_zone_larger() -> None:
    """Limits as text, a ceiling of 0 above ground, holes, an outline that crosses itself."""
    zones = read(zone(geometry=[part(lowerLimit="30", upperLimit=None)])).zones
    assert zones is not None
    assert (zones.volumes.lower_m[0], zones.volumes.upper_m[0]) == (30.0, np.inf)
    low = read(zone(geometry=[part(upperLimit=0), part(lowerVerticalReference=None)]))
    assert low.zones is not None
    assert low.zones.volumes.upper_m.tolist() == [np.inf, 120.0]
    assert low.ignored == ("1 upper limit of 0 above ground was read as no upper limit",)
    hole = [[6.162, 46.212], [6.163, 46.212], [6.163, 46.213], [6.162, 46.212]]
    drilled = read(
        zone(geometry=[part(horizontalProjection={"type": "Polygon", "coordinates": [RING, hole]})])
    )
    assert drilled.ignored == ("1 hole in a polygon was ignored: the zone is larger than drawn",)
    bow = {"type": "Polygon", "coordinates": [[RING[0], RING[2], RING[1], RING[3], RING[0]]]}
    mended = read(zone(geometry=[part(horizontalProjection=bow)]))
    assert mended.zones is not None
    assert mended.zones.volumes.lat_deg.shape == (4,)
    assert "replaced by its convex hull" in mended.ignored[0]


def test_an_outline_cut_at_180_degrees_or_round_a_pole_is_joined() -> None:
    """Outlines are GeoJSON's."""
    cap = [[-180, 80], [180, 80], [180, 90], [-180, 90], [-180, 80]]
    zones = read(zone(geometry=[part(horizontalProjection={"type": "Polygon", "coordinates": [cap]})])).zones
    assert zones is not None
    assert set(zones.volumes.lat_deg.tolist()) == {80.0}


def test_zones_without_an_identifier_are_named_by_what_they_have() -> None:
    """The name, or a number."""
    zones = read(zone(identifier=None), zone(identifier=None, name=None), zone(country=None)).zones
    assert zones is not None
    assert list(zones.volumes.labels.ids) == ["CHE Example", "CHE zone 2", "LSR-1"]


def test_long_conditions_are_cut() -> None:
    """The effect stays readable; conditions alone are an effect too."""
    zones = read(zone(restriction=None, restrictionConditions="x" * 10_000)).zones
    assert zones is not None
    assert len(zones.effect[0]) == CONDITIONS_MAX
    plain = read(zone(restriction="NO_RESTRICTION"), zone(restriction=None)).zones
    assert plain is not None
    assert plain.effect == ("NO_RESTRICTION", "")


def test_a_document_without_zones_says_so() -> None:
    """An empty list is no error."""
    contents = read()
    assert contents.zones is None
    assert contents.ignored == ("the list has no zones",)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"geometry": None}, "features[0]: geometry is missing"),
        ({"geometry": []}, "features[0].geometry: a zone without a geometry"),
        ({"geometry": {"type": "Polygon"}}, "features[0].geometry: not the geometry of ED-269"),
        ({"geometry": [5]}, "features[0].geometry[0]: not a volume"),
        (
            {"geometry": [part(horizontalProjection=None)]},
            "features[0].geometry[0]: horizontalProjection is missing",
        ),
        (
            {"geometry": [part(horizontalProjection={"type": "Ellipse"})]},
            "horizontalProjection.type: not one of the",
        ),
        (
            {"geometry": [part(horizontalProjection={"type": "Circle", "center": [6, 46]})]},
            "horizontalProjection: radius is missing",
        ),
        (
            {"geometry": [part(horizontalProjection={"type": "Circle", "center": [6, 96], "radius": 5})]},
            "horizontalProjection.center[1]: not a latitude",
        ),
        (
            {
                "geometry": [
                    part(horizontalProjection={"type": "Polygon", "coordinates": [[[6, 46], [6, 47]]]})
                ]
            },
            "a polygon without a ring",
        ),
        (
            {"geometry": [part(horizontalProjection={"type": "Polygon", "coordinates": []})]},
            "a polygon without a ring",
        ),
        (
            {
                "geometry": [
                    part(
                        horizontalProjection={"type": "Polygon", "coordinates": [[[6, 46], [6, 97], [7, 46]]]}
                    )
                ]
            },
            "coordinates[0][1][1]: not a latitude",
        ),
        (
            {
                "geometry": [
                    part(
                        horizontalProjection={
                            "type": "Polygon",
                            "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90]]],
                        }
                    )
                ]
            },
            "coordinates: nothing is left of the outline",
        ),
        (
            {
                "geometry": [
                    part(horizontalProjection={"type": "Polygon", "coordinates": [[[6, 46]] * 10_002]})
                ]
            },
            "too many vertices",
        ),
        ({"geometry": [part(uomDimensions="KM")]}, "geometry[0].uomDimensions: not a unit of length"),
        ({"geometry": [part(lowerLimit="low")]}, "geometry[0].lowerLimit: not a number; found 'low'"),
        (
            {"geometry": [part(upperVerticalReference=None)]},
            "a limit without its reference; found 'upperLimit 120'",
        ),
        (
            {"geometry": [part(upperVerticalReference="QNH")]},
            "geometry[0].upperVerticalReference: not an altitude",
        ),
        ({"geometry": [part(lowerLimit=200)]}, "the ceiling is below the floor"),
        ({"applicability": [{"startDateTime": "soon"}]}, "applicability[0].startDateTime: not an instant"),
        ({"applicability": 5}, "applicability: not a period of applicability"),
        ({"restriction": 5}, "features[0].restriction: not a text"),
    ],
)
def test_what_is_no_zone_is_refused_by_its_path(changes: dict[str, Any], text: str) -> None:
    """The error names the file, the path, what was found and what was expected."""
    message = refused(zone(**changes))
    assert message.startswith("x.json: ")
    assert text in message


def test_a_document_of_another_kind_is_refused() -> None:
    """Neither wrapper is there."""
    with pytest.raises(InputError, match="features is missing; expected features or UASZoneList"):
        read_ed269(b"{}", "x.json", Defaults())
