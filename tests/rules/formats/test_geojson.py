"""GeoJSON: volumes, zones, tracks and plans, and the difference between drawn lines and geodesics."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

from skypact.airspace import AltitudeReference, DataMode, Kind
from skypact.errors import FormatError, GeometryError, InputError, ModeError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.geojson import LINE_TOLERANCE_M, TOLERANCE_M, read_geojson
from skypact.instants import EVER, FOREVER, parse_instant
from skypact.units import FT_M, NM_M

GEOD = Geod(ellps="WGS84")
SQUARE = [[5.0, 50.0], [5.1, 50.0], [5.1, 50.1], [5.0, 50.1], [5.0, 50.0]]


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    """A feature with these properties."""
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def polygon(*rings: Any) -> dict[str, Any]:
    """A polygon of rings."""
    return {"type": "Polygon", "coordinates": list(rings)}


def line(coordinates: Any) -> dict[str, Any]:
    """A line of positions."""
    return {"type": "LineString", "coordinates": coordinates}


def point(lng: float = 5.0, lat: float = 50.0) -> dict[str, Any]:
    """A point."""
    return {"type": "Point", "coordinates": [lng, lat]}


def read(
    *features: Any, name: str = "x.geojson", defaults: Defaults | None = None, **members: Any
) -> Contents:
    """Read a collection of these features."""
    document = {"type": "FeatureCollection", **members, "features": list(features)}
    return read_geojson(json.dumps(document).encode(), name, defaults or Defaults())


def refused(*features: Any, **members: Any) -> str:
    """The text of the error that these features give."""
    with pytest.raises(InputError) as caught:
        read(*features, **members)
    return str(caught.value)


# -- volumes ----------------------------------------------------------------------------------------------


def test_a_polygon_is_a_volume_with_what_its_feature_says() -> None:
    """Id, party, kind, mode, limits and window come from the properties."""
    contents = read(
        feature(
            polygon(SQUARE),
            id="OPS-1",
            party="blue",
            kind="uncrewed",
            data_mode="simulated",
            body="N123",
            lower_m=100,
            lower_reference="AMSL",
            upper="FL100",
            start="2017-06-08T12:00:00Z",
            end="2017-06-08T15:00:00+02:00",
        )
    )
    volumes = contents.volumes
    assert volumes is not None
    labels = volumes.labels
    assert (labels.ids[0], labels.party_of(0), labels.body_of(0)) == ("OPS-1", "blue", "N123")
    assert (labels.source_of(0), labels.kind[0], labels.data_mode) == (
        "x.geojson",
        Kind.UNCREWED,
        DataMode.SIMULATED,
    )
    assert (volumes.lower_m[0], volumes.lower_reference[0]) == (100.0, AltitudeReference.AMSL)
    assert (volumes.upper_m[0], volumes.upper_reference[0]) == (
        pytest.approx(10_000 * FT_M),
        AltitudeReference.STD,
    )
    assert volumes.start_us[0] == parse_instant("2017-06-08T12:00:00Z")
    assert volumes.end_us[0] == parse_instant("2017-06-08T13:00:00Z")
    assert contents.counts == {"features": 1, "volumes": 1}
    assert contents.ignored == ()
    assert (contents.path, contents.format) == ("x.geojson", "geojson")


def test_a_volume_that_says_nothing_is_open_and_takes_the_defaults() -> None:
    """Limits and window are open, kind is crewed, mode is real."""
    volumes = read(feature(polygon(SQUARE)), defaults=Defaults(party="blue")).volumes
    assert volumes is not None
    assert (volumes.lower_m[0], volumes.upper_m[0]) == (-np.inf, np.inf)
    assert (volumes.start_us[0], volumes.end_us[0]) == (EVER, FOREVER)
    assert (volumes.labels.party_of(0), volumes.labels.kind[0]) == ("blue", Kind.CREWED)
    assert volumes.labels.data_mode is DataMode.REAL
    other = read(
        feature(polygon(SQUARE)), defaults=Defaults(kind=Kind.GROUND, data_mode=DataMode.TEST)
    ).volumes
    assert other is not None
    assert (other.labels.kind[0], other.labels.data_mode) == (Kind.GROUND, DataMode.TEST)


def test_members_beside_the_features_stand_for_features_without_their_own() -> None:
    """Party, kind and mode may be said once for all."""
    contents = read(
        feature(polygon(SQUARE)),
        feature(polygon(SQUARE), party="red"),
        party="blue",
        kind="ground",
        data_mode="exercise",
    )
    assert contents.volumes is not None
    labels = contents.volumes.labels
    assert [labels.party_of(row) for row in range(2)] == ["blue", "red"]
    assert labels.kind.tolist() == [Kind.GROUND, Kind.GROUND]
    assert labels.data_mode is DataMode.EXERCISE


def test_a_single_feature_and_a_bare_geometry_are_documents_too() -> None:
    """RFC 7946 allows any of the three at the top."""
    one = read_geojson(json.dumps(feature(polygon(SQUARE), id="a")).encode(), "x", Defaults())
    bare = read_geojson(json.dumps(polygon(SQUARE)).encode(), "x", Defaults())
    assert one.volumes is not None
    assert bare.volumes is not None
    assert np.array_equal(one.volumes.lat_deg, bare.volumes.lat_deg)


def test_edges_follow_the_drawn_line_and_not_the_geodesic() -> None:
    """Over 100 km of the parallel of 52 degrees the outline stays on it to 1 cm; the geodesic does not."""
    step = 100_000.0 / GEOD.inv(0.0, 52.0, 1.0, 52.0)[2]
    ring = [[0.0, 52.0], [step, 52.0], [step, 52.5], [0.0, 52.5], [0.0, 52.0]]
    volumes = read(feature(polygon(ring))).volumes
    assert volumes is not None
    south = volumes.lat_deg == 52.0
    lngs = np.sort(volumes.lng_deg[south])
    n = lngs.shape[0] - 1
    azimuth, _, length = GEOD.inv(lngs[:-1], np.full(n, 52.0), lngs[1:], np.full(n, 52.0))
    _, middle, _ = GEOD.fwd(lngs[:-1], np.full(n, 52.0), azimuth, 0.5 * np.asarray(length))
    off = np.radians(np.abs(np.asarray(middle) - 52.0)) * 6_390_000.0
    assert off.max() <= TOLERANCE_M
    _, whole, _ = GEOD.fwd(0.0, 52.0, GEOD.inv(0.0, 52.0, step, 52.0)[0], 50_000.0)
    assert np.radians(whole - 52.0) * 6_390_000.0 > 200.0


def test_a_tall_narrow_box_keeps_its_four_vertices() -> None:
    """Short edges and meridians need no further points."""
    volumes = read(feature(polygon([[5, 50], [5.001, 50], [5.001, 51], [5, 51], [5, 50]]))).volumes
    assert volumes is not None
    assert volumes.lat_deg.tolist() == [50, 50, 51, 51]


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_either_winding_and_an_open_ring_are_read(closed: bool, turned: bool) -> None:
    """The last position may be missing, and the ring may wind either way."""
    ring = SQUARE if closed else SQUARE[:-1]
    volumes = read(feature(polygon(ring[::-1] if turned else ring))).volumes
    assert volumes is not None
    assert {(50.0, 5.0), (50.1, 5.1)} <= set(
        zip(volumes.lat_deg.tolist(), volumes.lng_deg.tolist(), strict=True)
    )


def test_a_point_with_a_radius_is_an_exact_circle() -> None:
    """The radius is metres, or a text with its unit."""
    volumes = read(feature(point(), radius_m=1500), feature(point(), radius="2 NM")).volumes
    assert volumes is not None
    assert volumes.radius_m.tolist() == [1500.0, 2.0 * NM_M]
    assert np.diff(volumes.offsets).tolist() == [1, 1]


def test_every_point_of_a_multipoint_is_a_circle() -> None:
    """They share the feature's radius and id."""
    volumes = read(
        feature({"type": "MultiPoint", "coordinates": [[5, 50], [6, 51]]}, radius_m=10, id="m")
    ).volumes
    assert volumes is not None
    assert list(volumes.labels.ids) == ["m", "m"]


def test_what_is_not_a_volume_is_ignored_with_a_sentence() -> None:
    """Points without a radius, lines without times, features without geometry, an empty collection."""
    contents = read(
        feature(point()), feature(point()), feature(line([[5, 50], [6, 51]])), feature(None), feature(None)
    )
    assert contents.volumes is None
    assert contents.ignored == (
        "2 points without radius_m were ignored",
        "1 line has no times and was ignored",
        "2 features have no geometry and were ignored",
    )
    assert read().ignored == ("the collection has no features",)


def test_a_hole_makes_the_volume_larger_and_is_told() -> None:
    """The outline is that of the outer ring."""
    hole = [[5.04, 50.04], [5.06, 50.04], [5.06, 50.06], [5.04, 50.04]]
    contents, plain = read(feature(polygon(SQUARE, hole))), read(feature(polygon(SQUARE)))
    assert contents.volumes is not None
    assert plain.volumes is not None
    assert np.array_equal(contents.volumes.lat_deg, plain.volumes.lat_deg)
    assert contents.ignored == ("1 hole in a polygon was ignored: the volume is larger than drawn",)


def test_heights_at_vertices_are_ignored_with_a_sentence() -> None:
    """A volume is limited by lower and upper alone."""
    contents = read(feature(polygon([[*p, 100.0] for p in SQUARE])))
    assert "heights at its vertices" in contents.ignored[0]


def test_the_parts_of_a_multipolygon_share_id_and_body() -> None:
    """They are rows of one thing, never checked against each other."""
    far = [[lng + 3.0, lat] for lng, lat in SQUARE]
    multi = {"type": "MultiPolygon", "coordinates": [[SQUARE], [far]]}
    volumes = read(feature(multi, id="two")).volumes
    assert volumes is not None
    assert list(volumes.labels.ids) == ["two", "two"]
    assert len(set(volumes.labels.body.tolist())) == 1


def test_a_multipolygon_cut_at_180_degrees_is_one_volume() -> None:
    """What section 3.1.9 asks to cut is one outline again."""
    east = [[179, -10], [180, -10], [180, -9], [179, -9], [179, -10]]
    west = [[-180, -10], [-179, -10], [-179, -9], [-180, -9], [-180, -10]]
    contents = read(feature({"type": "MultiPolygon", "coordinates": [[east], [west]]}))
    volumes = contents.volumes
    assert volumes is not None
    assert len(volumes) == 1
    assert np.abs(volumes.lng_deg).min() == 179.0
    assert contents.ignored == ()


def test_a_polygon_drawn_across_180_degrees_without_a_cut_is_said_to_cross() -> None:
    """An edge from 170 to -170 is taken the short way, and the reader says so."""
    contents = read(feature(polygon([[170, 0], [-170, 0], [-170, 5], [170, 5], [170, 0]])))
    assert contents.volumes is not None
    assert np.abs(contents.volumes.lng_deg).min() == 170.0
    assert "taken to cross the antimeridian" in contents.ignored[0]


def test_longitudes_that_run_on_beyond_180_are_read() -> None:
    """170 to 190 is the same outline as 170 to -170."""
    one = read(feature(polygon([[170, 0], [190, 0], [190, 5], [170, 5], [170, 0]]))).volumes
    two = read(feature(polygon([[170, 0], [-170, 0], [-170, 5], [170, 5], [170, 0]]))).volumes
    assert one is not None
    assert two is not None
    places = [
        set(zip(v.lat_deg.round(9).tolist(), v.lng_deg.round(9).tolist(), strict=True)) for v in (one, two)
    ]
    assert {(0.0, -170.0), (5.0, 170.0)} <= places[0] & places[1]


def test_a_cap_over_the_pole_is_a_volume_round_it() -> None:
    """An edge along the pole is no border."""
    cap = [[-180, 75], [180, 75], [180, 90], [-180, 90], [-180, 75]]
    volumes = read(feature(polygon(cap))).volumes
    assert volumes is not None
    assert set(volumes.lat_deg.tolist()) == {75.0}


def test_an_outline_too_long_for_the_tolerance_says_what_it_keeps() -> None:
    """Thousands of kilometres of parallel do not fit 10,000 vertices at 1 cm."""
    contents = read(feature(polygon([[-30, 50], [30, 50], [30, 65], [-30, 65], [-30, 50]])))
    assert contents.volumes is not None
    assert contents.volumes.lat_deg.shape[0] <= 10_000
    assert "not 0.01 m" in contents.ignored[0]


def test_geometry_collections_are_read_to_a_depth() -> None:
    """Their parts belong to the feature; bottomless ones are refused."""
    inner: dict[str, Any] = {"type": "GeometryCollection", "geometries": [polygon(SQUARE), point()]}
    contents = read(feature({"type": "GeometryCollection", "geometries": [inner]}, radius_m=10, id="c"))
    assert contents.volumes is not None
    assert list(contents.volumes.labels.ids) == ["c", "c"]
    for _ in range(20):
        inner = {"type": "GeometryCollection", "geometries": [inner]}
    assert "collections in collections" in refused(feature(inner))


# -- who --------------------------------------------------------------------------------------------------


def test_features_of_one_id_are_one_thing_in_one_file_and_not_in_two() -> None:
    """An id says nothing across files, unless the file states a body."""
    one, two = feature(polygon(SQUARE), id=7), {**feature(polygon(SQUARE)), "id": 7}
    volumes = read(one, two).volumes
    assert volumes is not None
    assert list(volumes.labels.ids) == ["7", "7"]
    assert len(set(volumes.labels.body.tolist())) == 1
    other = read(one, name="y.geojson").volumes
    assert other is not None
    assert other.labels.body_of(0) != volumes.labels.body_of(0)
    stated = [read(feature(polygon(SQUARE), id=7, icao24="4b1816"), name=n).volumes for n in "ab"]
    assert {v.labels.body_of(0) for v in stated if v is not None} == {"4b1816"}


def test_features_of_one_name_are_two_things() -> None:
    """A name is no identity: taking two for one would hide a conflict."""
    contents = read(
        feature(polygon(SQUARE), name="drone"),
        feature(polygon(SQUARE), name="drone"),
        feature(polygon(SQUARE)),
    )
    assert contents.volumes is not None
    labels = contents.volumes.labels
    assert list(labels.ids) == ["drone", "drone (2)", "feature 3"]
    assert len({labels.body_of(row) for row in range(3)}) == 3


def test_modes_are_not_mixed_in_one_file() -> None:
    """A feature without a mode is real, and does not go with a simulated one."""
    with pytest.raises(ModeError, match="simulated, and real at"):
        read(feature(polygon(SQUARE)), feature(polygon(SQUARE), data_mode="simulated"))


# -- limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "metres", "reference"),
    [
        ({"lower": "FL100"}, 10_000 * FT_M, AltitudeReference.STD),
        ({"floor": "120 m AGL"}, 120.0, AltitudeReference.AGL),
        ({"lower": "500 ft", "lower_reference": "AMSL"}, 500 * FT_M, AltitudeReference.AMSL),
        ({"lower": "500 ft"}, 500 * FT_M, AltitudeReference.W84),
        (
            {"lowerLimit": 300, "lowerVerticalReference": "AGL", "uomDimensions": "FT"},
            300 * FT_M,
            AltitudeReference.AGL,
        ),
        ({"altitudeFloor": 300, "altitude_reference": "MSL"}, 300.0, AltitudeReference.AMSL),
        ({"lower_m": 300, "lower_reference": "STD", "unit": "FT"}, 300.0, AltitudeReference.STD),
        ({"lower": 300}, 300.0, AltitudeReference.W84),
        ({"lower": {"value": 300, "reference": "W84", "units": "M"}}, 300.0, AltitudeReference.W84),
        (
            {"lower": {"value": 65, "unit": "FL", "referenceDatum": "STD"}},
            6_500 * FT_M,
            AltitudeReference.STD,
        ),
        (
            {"lowerLimit": {"value": 4500, "unit": 1, "referenceDatum": 1}},
            4_500 * FT_M,
            AltitudeReference.AMSL,
        ),
        ({"lowerLimit": {"value": 95, "unit": 6, "referenceDatum": 2}}, 9_500 * FT_M, AltitudeReference.STD),
        ({"lowerLimit": {"value": 95, "unit": 0, "referenceDatum": 1}}, 95.0, AltitudeReference.AMSL),
        ({"lower": "surface"}, -np.inf, AltitudeReference.W84),
        ({"lower": 0, "lower_reference": "AGL"}, -np.inf, AltitudeReference.W84),
        ({"lowerLimit": {"value": 0, "unit": 1, "referenceDatum": 0}}, -np.inf, AltitudeReference.W84),
    ],
)
def test_limits_are_read_as_files_write_them(
    said: dict[str, Any], metres: float, reference: AltitudeReference
) -> None:
    """Numbers, texts and objects, under our names and common ones."""
    volumes = read(feature(polygon(SQUARE), **said)).volumes
    assert volumes is not None
    assert volumes.lower_m[0] == pytest.approx(metres)
    assert volumes.lower_reference[0] == reference


def test_a_number_without_a_reference_is_read_as_the_format_has_heights_and_told() -> None:
    """Above the WGS 84 ellipsoid, as section 4 has it."""
    contents = read(feature(polygon(SQUARE), lower=0, upper=100))
    assert contents.ignored == (
        "2 limits name no reference and were read as above the WGS 84 ellipsoid (RFC 7946, 4)",
    )


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"lower": "high"}, "features[0].properties.lower: not an altitude"),
        ({"lower": 1, "floor": 2}, "features[0].properties.floor: the same thing is said twice, differently"),
        ({"lower_m": 1, "lower": 2}, "a limit is said twice"),
        ({"lower": True}, "features[0].properties.lower: not a number"),
        ({"lower_m": "1 m"}, "features[0].properties.lower_m: not a number"),
        (
            {"lower": 1, "lower_reference": "QFE"},
            "features[0].properties.lower_reference: not an altitude reference",
        ),
        ({"lower": 1, "unit": "FURLONG"}, "features[0].properties.unit: not a unit of length"),
        ({"lower": {"value": 1}}, "a limit without its reference"),
        ({"lower": {"reference": "AMSL"}}, "features[0].properties.lower: value is missing"),
        ({"lower": {"value": 1, "referenceDatum": 9}}, "not an altitude reference"),
        ({"lower": {"value": 1, "unit": 9, "referenceDatum": 1}}, "not a unit of length"),
        ({"upper": "surface"}, "a ceiling cannot be the surface"),
        (
            {"lower": "200 m AMSL", "upper": "100 m AMSL"},
            "features[0].geometry.coordinates[0], upper altitude",
        ),
        ({"start": "2017-06-08T14:00:00"}, "features[0].properties.start: not an instant"),
        (
            {"start": "2017-06-08T14:00:00Z", "end": "2017-06-08T13:00:00Z"},
            "the window ends before it starts",
        ),
        ({"kind": "bird"}, "features[0].properties.kind: not a kind"),
        ({"data_mode": "live"}, "features[0].properties.data_mode: not a data mode"),
        ({"role": "track"}, "features[0].properties.role: this geometry cannot have that role"),
        ({"role": "wish"}, "features[0].properties.role: not one of the values"),
        ({"id": ["a"]}, "features[0].properties.id: not a name"),
    ],
)
def test_a_property_that_cannot_be_read_is_named(said: dict[str, Any], text: str) -> None:
    """The error has the path, what was found and what was expected."""
    message = refused(feature(polygon(SQUARE), **said))
    assert message.startswith("x.geojson: ")
    assert text in message


# -- what is wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("geometry", "text"),
    [
        (polygon([[5, 50], [6, 50]]), "features[0].geometry.coordinates[0]: too few positions for a ring"),
        (
            polygon([[5, 50], [6, 91], [6, 50]]),
            "features[0].geometry.coordinates[0][1][1]: not a latitude; found 91.0",
        ),
        (
            polygon([[5, 50], [6, 50], [361, 50]]),
            "features[0].geometry.coordinates[0][2][0]: not a longitude",
        ),
        (
            polygon([[5, 50], [6, "50"], [6, 51]]),
            "features[0].geometry.coordinates[0][1][1]: not a coordinate",
        ),
        (polygon([[5, 50], [6, 51], [6, 50], [5, 51], [5, 50]]), "edges from vertex 0 and from vertex 2"),
        (polygon([[5, 50], [6, 50], [7, 50], [5, 50]]), "the outline has no area"),
        (polygon(), "features[0].geometry.coordinates: a polygon without a ring"),
        ({"type": "Polygon"}, "features[0].geometry: coordinates is missing"),
        ({"type": "Polygon", "coordinates": 5}, "features[0].geometry.coordinates: not an array of rings"),
        ({"type": "Sphere", "coordinates": []}, "features[0].geometry.type: not one of the values"),
        ([{"horizontalProjection": {}}], "ED-269 zones have an array here"),
        ({"type": "Point", "coordinates": [5]}, "features[0].geometry.coordinates: not a position"),
        ({"type": "Point", "coordinates": [5, 95]}, "features[0].geometry.coordinates[1]: not a latitude"),
        (
            polygon([[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]),
            "features[0].geometry.coordinates: nothing is left of the outline",
        ),
    ],
)
def test_a_geometry_that_is_none_is_named_by_its_path(geometry: Any, text: str) -> None:
    """The path leads to the ring, the position or the number that is wrong."""
    assert text in refused(feature(geometry, radius_m=10))


def test_a_latitude_where_the_longitude_belongs_gets_a_hint() -> None:
    """A latitude beyond 90 is often a longitude in the wrong place."""
    assert "longitude comes first" in refused(feature(polygon([[50, 105], [50, 106], [51, 106]])))


@pytest.mark.parametrize(
    ("radius", "text"),
    [
        ({"radius": 5}, "a radius without a unit"),
        ({"radius": "5 furlongs"}, "features[0].properties.radius: unit 'furlongs'"),
        ({"radius_m": "5"}, "features[0].properties.radius_m: not a number"),
        ({"radius_m": 0}, "features[0].geometry.coordinates, radius: not a radius; found '0 m'"),
        ({"radius_m": 2e6}, "not a radius"),
        ({"radius_m": -5}, "not a radius"),
    ],
)
def test_a_radius_that_is_none_is_refused(radius: dict[str, Any], text: str) -> None:
    """A bare number under a name without a unit is refused, and so is nothing and too much."""
    assert text in refused(feature(point(), **radius))


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"type": "Topology"}, "type: not a GeoJSON type; found 'Topology'"),
        ({"features": []}, "the document: type is missing"),
        ({"type": "FeatureCollection"}, "features is missing"),
        ({"type": "FeatureCollection", "features": {}}, "features: not an array of features"),
        ({"type": "FeatureCollection", "features": [5]}, "features[0]: not a feature"),
        ({"type": "FeatureCollection", "features": [{"type": "Thing"}]}, "features[0].type: not a feature"),
        ([], "the document: not a GeoJSON object"),
        (
            {"type": "FeatureCollection", "skypact": {"content": "findings"}, "features": []},
            "skypact.content: these are the findings of a check",
        ),
        (
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "properties": 5, "geometry": point()}],
            },
            "features[0].properties: not the properties of a feature",
        ),
    ],
)
def test_what_is_no_geojson_is_refused(document: Any, text: str) -> None:
    """The error says what is missing or what stands there instead."""
    with pytest.raises(FormatError) as caught:
        read_geojson(json.dumps(document).encode(), "x.geojson", Defaults())
    assert text in str(caught.value)


def test_too_many_vertices_are_refused_before_anything_is_made_of_them() -> None:
    """100,000 vertices are named and counted."""
    angle = np.linspace(0.0, 2.0 * np.pi, 100_000, endpoint=False)
    ring = np.column_stack([5.0 + np.cos(angle), 50.0 + np.sin(angle)]).tolist()
    with pytest.raises(GeometryError, match="too many vertices; found 100000; expected at most 10,000"):
        read(feature(polygon(ring)))


def test_documents_have_a_limit_of_positions_and_of_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are named with the place where they were passed."""
    monkeypatch.setattr("skypact.formats.geojson.SAMPLES_MAX", 3)
    monkeypatch.setattr("skypact.formats.rows.ROWS_MAX", 1)
    track = feature(line([[5, 50], [6, 50]]), times=["2017-06-08T12:00:00Z", "2017-06-08T12:10:00Z"])
    assert "features[1].geometry.coordinates: too many positions" in refused(track, track)
    assert "features[1].geometry.coordinates[0]: too many volumes" in refused(*[feature(polygon(SQUARE))] * 2)


def test_properties_may_be_null() -> None:
    """RFC 7946 allows it."""
    contents = read({"type": "Feature", "properties": None, "geometry": polygon(SQUARE)})
    assert contents.counts["volumes"] == 1


# -- zones ------------------------------------------------------------------------------------------------


def test_a_polygon_with_the_role_of_a_zone_is_one() -> None:
    """It says whom it applies to and what entry means; its kind is static."""
    contents = read(
        feature(
            polygon(SQUARE), role="zone", id="z", effect="entry by notice", applies_to=["crewed", "ground"]
        ),
        feature(point(), role="zone", radius_m=5, applies_to="uncrewed"),
        feature(point(), role="zone", radius_m=5),
    )
    zones = contents.zones
    assert contents.volumes is None
    assert zones is not None
    assert zones.effect == ("entry by notice", "", "")
    assert zones.applies.tolist() == [[True, False, True, False], [False, True, False, False], [True] * 4]
    assert zones.volumes.labels.kind.tolist() == [Kind.STATIC] * 3
    assert contents.counts["zones"] == 3


# -- tracks and plans -------------------------------------------------------------------------------------

TIMES = ["2017-06-08T12:00:00Z", "2017-06-08T12:10:00Z"]


def test_a_line_with_times_is_a_track() -> None:
    """Heights are above the ellipsoid where nothing else is said, and unknown where there is none."""
    contents = read(
        feature(
            line([[5, 50, 1000], [6, 50]]), times=TIMES, id="T", party="blue", horizontal_uncertainty_m=30
        )
    )
    tracks = contents.tracks
    assert contents.plans is None
    assert tracks is not None
    assert tracks.time_us.tolist() == [parse_instant(time) for time in TIMES]
    assert tracks.altitude_m[0] == 1000.0
    assert np.isnan(tracks.altitude_m[1])
    assert tracks.reference[0] == AltitudeReference.W84
    assert (tracks.horizontal_uncertainty_m[0], tracks.vertical_uncertainty_m[0]) == (30.0, 0.0)
    assert contents.counts == {"features": 1, "tracks": 1, "points": 2}


@pytest.mark.parametrize(
    "properties",
    [
        {"coordTimes": TIMES},
        {"timestamps": [1496923200000, 1496923800000]},
        {"times": [1496923200, 1496923800]},
        {"coordinateProperties": {"times": TIMES}},
    ],
)
def test_times_are_found_under_common_names(properties: dict[str, Any]) -> None:
    """RFC 3339, milliseconds or seconds since 1970."""
    tracks = read(feature(line([[5, 50], [6, 50]]), altitude_reference="STD", **properties)).tracks
    assert tracks is not None
    assert tracks.time_us.tolist() == [parse_instant(time) for time in TIMES]
    assert tracks.reference[0] == AltitudeReference.STD


def test_a_plan_follows_the_drawn_line_at_constant_speed() -> None:
    """Points are added where the geodesic would leave the line, timed by the distance flown."""
    contents = read(feature(line([[0, 52, 100], [3, 52, 400]]), times=TIMES, role="plan", kind="uncrewed"))
    plans = contents.plans
    assert contents.tracks is None
    assert plans is not None
    assert plans.labels.kind[0] == Kind.UNCREWED
    n = plans.time_us.shape[0]
    assert n > 20
    assert set(plans.lat_deg.tolist()) == {52.0}
    _, _, metres = GEOD.inv(plans.lng_deg[:-1], plans.lat_deg[:-1], plans.lng_deg[1:], plans.lat_deg[1:])
    speed = np.asarray(metres) / (np.diff(plans.time_us) * 1e-6)
    assert np.allclose(speed, speed[0], rtol=1e-6)
    assert plans.altitude_m[[0, -1]].tolist() == [100.0, 400.0]
    assert np.all(np.diff(plans.altitude_m) > 0.0)
    assert (plans.time_us[-1] - plans.time_us[0]) == 600_000_000
    azimuth, _, length = GEOD.inv(plans.lng_deg[0], 52.0, plans.lng_deg[1], 52.0)
    _, middle, _ = GEOD.fwd(plans.lng_deg[0], 52.0, azimuth, 0.5 * length)
    assert np.radians(abs(middle - 52.0)) * 6_390_000.0 <= LINE_TOLERANCE_M


def test_a_slanted_plan_is_flown_at_constant_speed_too() -> None:
    """Equal parts of longitude are unequal distances where the latitude changes."""
    plans = read(
        feature(line([[0, 40], [2, 65], [2, 65]]), times=[*TIMES, "2017-06-08T12:20:00Z"], role="plan")
    ).plans
    assert plans is not None
    moving = plans.time_us <= parse_instant(TIMES[1])
    lat, lng, time = plans.lat_deg[moving], plans.lng_deg[moving], plans.time_us[moving]
    _, _, metres = GEOD.inv(lng[:-1], lat[:-1], lng[1:], lat[1:])
    speed = np.asarray(metres) / (np.diff(time) * 1e-6)
    assert np.allclose(speed, speed[0], rtol=1e-6)


def test_a_plan_of_one_position_or_of_short_legs_is_left_as_it_is() -> None:
    """Nothing is added where nothing bends."""
    plans = read(
        feature(line([[5, 50, 1]]), times=TIMES[:1], role="plan"),
        feature(line([[5, 50], [5.001, 50]]), times=TIMES, role="plan"),
    ).plans
    assert plans is not None
    assert np.diff(plans.offsets).tolist() == [1, 2]


def test_recorded_tracks_get_no_points_of_ours() -> None:
    """A gap between samples must stay a gap."""
    tracks = read(feature(line([[0, 52], [3, 52]]), times=TIMES)).tracks
    assert tracks is not None
    assert tracks.time_us.shape == (2,)


def test_a_line_cut_at_180_degrees_is_one_track_again() -> None:
    """Parts that go on at the same place and time on the other side are joined, others are not."""
    middle = "2017-06-08T12:05:00Z"
    parts = {
        "type": "MultiLineString",
        "coordinates": [[[179, 1], [180, 2]], [[-180, 2], [-179, 3]], [[0, 0]]],
    }
    tracks = read(feature(parts, id="T", times=[[TIMES[0], middle], [middle, TIMES[1]], TIMES[1:]])).tracks
    assert tracks is not None
    assert np.diff(tracks.offsets).tolist() == [3, 1]
    assert tracks.lng_deg.tolist() == [179.0, 180.0, -179.0, 0.0]
    assert list(tracks.labels.ids) == ["T", "T"]


def test_further_numbers_of_a_position_are_ignored_with_a_sentence() -> None:
    """RFC 7946 forbids them, files have them."""
    contents = read(feature(line([[5, 50, 1, 99], [6, 50, 1, 99]]), times=TIMES))
    assert contents.ignored == ("2 positions have more than three numbers; the others were ignored",)


@pytest.mark.parametrize(
    ("geometry", "properties", "text"),
    [
        (line([[5, 50], [6, 50]]), {"times": TIMES[::-1]}, "time runs backwards"),
        (line([[5, 50], [6, 50]]), {"times": TIMES[:1]}, "times for another number of positions"),
        (line([[5, 50], [6, 50]]), {"times": "now"}, "not an array of times"),
        (line([[5, 50], [6, 50]]), {"times": ["x", "y"]}, "features[0].properties.times[0]: not an instant"),
        (line([[5, 50], [6, 50]]), {"times": [None, 1]}, "features[0].properties.times[0]: not a number"),
        (line([[5, 50], [6, 50]]), {"times": [0, 1e300]}, "features[0].properties.times[1]: not a time"),
        (line([]), {"times": []}, "a line without positions"),
        (line([[5, 50]]), {"times": TIMES[:1], "role": "zone"}, "this geometry cannot have that role"),
        (line([[5, 95]]), {"times": TIMES[:1]}, "features[0].geometry.coordinates[0][1]: not a latitude"),
        (line(5), {"times": TIMES}, "not an array of positions"),
        (
            {"type": "MultiLineString", "coordinates": [[[5, 50]]]},
            {"times": [TIMES, TIMES]},
            "times for another number of lines",
        ),
        (line([[5, 50]]), {"times": TIMES[:1], "horizontal_uncertainty_m": -1}, "not a bound on an error"),
    ],
)
def test_a_line_that_is_no_track_is_refused(geometry: Any, properties: dict[str, Any], text: str) -> None:
    """The error names the position or the time."""
    assert text in refused(feature(geometry, **properties))
