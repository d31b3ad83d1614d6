"""GeoJSON (RFC 7946): volumes, zones, tracks and plans, in a feature each.

Law: what the file means is kept. GeoJSON's edges are straight in longitude and latitude, Skypact's are
geodesics, 250 m apart over 100 km at 52 degrees: edges are cut until the geodesics stay within
:data:`TOLERANCE_M` of what was drawn (:mod:`skypact.airspace.rings`). What section 3.1.9 has cut at 180
degrees is joined again. A hole in a polygon is ignored, which makes the volume larger, and said so.

What a feature is follows from its geometry: a ``Polygon`` or ``MultiPolygon`` is a volume; so is a ``Point``
with ``radius_m``, an exact circle; a ``LineString`` with a time for each position is a recorded track.
``role`` says otherwise: ``zone`` for the former, ``plan`` for the latter. All else is ignored, each with a
sentence. ``docs/formats.md`` has the names of the properties; a member of that name beside ``features``
(``party``, ``kind``, ``data_mode``) stands for every feature that has none of its own.

Altitudes. A position's third number is metres above the WGS 84 ellipsoid (section 4), unless
``altitude_reference`` says otherwise. A limit that is a bare number is read the same way.

Known limits: a ``GeometryCollection`` within another deeper than :data:`DEPTH_MAX` is refused. Recorded
tracks are not cut: between samples Skypact's own law of motion holds.

Source: RFC 7946, *The GeoJSON Format* (2016).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import rings
from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.earth import distances_m
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import Trajectories
from skypact.airspace.volumes import VERTICES_MAX, Circle, Volume4D
from skypact.errors import FormatError, GeometryError, InputError
from skypact.formats.contents import Contents
from skypact.formats.jsonpath import Node, joined, parse
from skypact.formats.rows import (
    OneMode,
    Remarks,
    Rows,
    checked_position,
    checked_positions,
    limit_of_metres,
    limit_of_text,
    own_body,
    polygon_of,
    reference_of,
    unit_of,
)
from skypact.instants import EVER, FOREVER, parse_instant
from skypact.units import FT_M, parse_length_m

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from skypact.formats.contents import Defaults

TOLERANCE_M: Final = rings.DRAWN_M
"""How far an outline's geodesic edges may lie from the edges as drawn, in metres."""
LINE_TOLERANCE_M: Final = 1.0
"""The same for the legs of a planned LineString."""
DEPTH_MAX: Final = 16
"""How many GeometryCollections may stand in each other."""
SAMPLES_MAX: Final = 10_000_000
"""More samples of tracks and plans than this in one document are refused."""

_GEOMETRIES = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)
_ROLES = ("volume", "zone", "track", "plan")

# names of properties: the first is ours, the others are common elsewhere
_ID = ("id", "identifier")
_NAME = ("name", "title", "callsign", "designator", "label")
_BODY = ("body", "icao24", "registration", "tail_number")
_START = ("start", "time_start", "start_time", "startTime", "startDateTime", "validFrom", "begin")
_END = ("end", "time_end", "end_time", "endTime", "endDateTime", "validTo", "validUntil")
_LOWER = (
    "lower",
    "floor",
    "lowerLimit",
    "lower_limit",
    "altitude_lower",
    "altitudeLower",
    "altitudeFloor",
    "altitude_floor",
    "lowerAltitude",
    "lower_altitude",
    "lowerCeiling",
    "minAltitude",
    "min_altitude",
    "altitude_min",
)
_UPPER = (
    "upper",
    "ceiling",
    "upperLimit",
    "upper_limit",
    "altitude_upper",
    "altitudeUpper",
    "altitudeCeiling",
    "altitude_ceiling",
    "upperAltitude",
    "upper_altitude",
    "upperCeiling",
    "maxAltitude",
    "max_altitude",
    "altitude_max",
)
_LOWER_REFERENCE = ("lower_reference", "lowerReference", "lowerVerticalReference", "floor_reference")
_UPPER_REFERENCE = ("upper_reference", "upperReference", "upperVerticalReference", "ceiling_reference")
_REFERENCE = ("altitude_reference", "altitudeReference", "verticalReference", "vertical_reference")
_UNIT = ("altitude_unit", "altitudeUnit", "uomDimensions", "uom", "unit", "units")
_IN_OBJECT_REFERENCE = ("reference", "referenceDatum", "datum")
_TIMES = ("times", "coordTimes", "timestamps", "coordinateTimes")
_CANONICAL: Final = {
    name: names[0]
    for names in (
        _START,
        _END,
        _LOWER,
        _UPPER,
        _LOWER_REFERENCE,
        _UPPER_REFERENCE,
        _REFERENCE,
        _UNIT,
        _TIMES,
        *((name,) for name in ("lower_m", "upper_m", "radius_m", "radius", "coordinateProperties")),
        *((name,) for name in ("party", "kind", "data_mode", "role", "applies_to", "effect")),
        *((name,) for name in ("horizontal_uncertainty_m", "vertical_uncertainty_m")),
    )
    for name in names
}
"""Every name of a property that means one thing, and its first name."""
_INHERITED = ("party", "kind", "data_mode", "role", "altitude_reference", "applies_to", "effect")
_NUMBERED_UNITS: Final = {0: 1.0, 1: FT_M}  # openAIP's numbers; 6 is a flight level
_NUMBERED_REFERENCES: Final = {
    0: AltitudeReference.AGL,
    1: AltitudeReference.AMSL,
    2: AltitudeReference.STD,
}


def read_geojson(data: bytes, name: str, defaults: Defaults) -> Contents:
    """Read a GeoJSON document.

    Parameters
    ----------
    data
        The document.
    name
        Its name, for messages and as the source of what it holds.
    defaults
        What to take where it says nothing: party, kind (crewed), data mode (real).

    Returns
    -------
    Contents
        With ``volumes``, ``zones``, ``tracks`` and ``plans`` where it has them.

    Raises
    ------
    InputError
        It is no GeoJSON, or something in it is no volume, track or time; names the JSON path.
    """
    try:
        return _Document(parse(data), name, defaults).contents()
    except InputError as error:
        raise error.at(name) from None


class _Document:
    """One document while it is read."""

    def __init__(self, root: Node, name: str, defaults: Defaults) -> None:
        self.root = root.object("a GeoJSON object")
        self.name = name
        self.defaults = defaults
        self.mode = OneMode(defaults)
        self.volumes = Rows(name, self.mode)
        self.zones = Rows(name, self.mode)
        self.tracks = _Lines(name, self.mode, "tracks")
        self.plans = _Lines(name, self.mode, "plans")
        self.remarks = Remarks()
        self.named: dict[str, int] = {}
        self.beside: dict[str, Node] = {}

    def contents(self) -> Contents:
        features = 0
        if self.root.value.get("type") == "FeatureCollection":
            found = {name: self.root.get(name) for name in _INHERITED}
            self.beside = {name: node for name, node in found.items() if node is not None}
        if self.root.value.get("type") in _GEOMETRIES:
            self.geometry(self.root, _Said(self, self.root, Node({}, "properties"), 0), 0)
            features = 1
        else:
            for feature in self.features():
                self.feature(feature, features)
                features += 1
        if not features:
            self.remarks.add("the collection has no features")
        tracks, plans = self.tracks.trajectories(), self.plans.trajectories()
        volumes, zones = self.volumes.volumes(), self.zones.zones()
        counts = {
            "features": features,
            "volumes": len(self.volumes),
            "zones": len(self.zones),
            "tracks": len(self.tracks),
            "plans": len(self.plans),
            "points": self.tracks.samples + self.plans.samples,
        }
        return Contents(
            path=self.name,
            format="geojson",
            tracks=tracks,
            plans=plans,
            volumes=volumes,
            zones=zones,
            counts={noun: n for noun, n in counts.items() if n or noun == "features"},
            ignored=self.remarks.sentences,
        )

    def features(self) -> Iterator[Node]:
        own = self.root.get("skypact")
        if own is not None and own.is_object and own.value.get("content") == "findings":
            raise FormatError(
                "these are the findings of a check", where="skypact.content", expected="things to check"
            )
        kind = self.root.need("type", expected="FeatureCollection, Feature or the type of a geometry").text()
        if kind == "FeatureCollection":
            return self.root.need("features", expected="an array of features").elements(
                "an array of features"
            )
        if kind == "Feature":
            return iter((self.root,))
        raise self.root.need("type").error(
            "not a GeoJSON type", f"FeatureCollection, Feature or one of {', '.join(_GEOMETRIES)}"
        )

    # -- what is said of a feature ----------------------------------------------------------------------

    def feature(self, feature: Node, number: int) -> None:
        feature.object("a feature")
        kind = feature.get("type")
        if kind is not None and kind.text() != "Feature":
            raise kind.error("not a feature", "Feature")
        geometry = feature.get("geometry")
        if geometry is None:
            self.remarks.add(
                "1 feature has no geometry and was ignored", "{n} features have no geometry and were ignored"
            )
            return
        properties = feature.get("properties")
        if properties is None:
            properties = Node({}, joined(feature.path, "properties"))
        said = _Said(self, feature, properties.object("the properties of a feature"), number)
        if geometry.is_array:
            raise geometry.error(
                "not a GeoJSON geometry", "an object; ED-269 zones have an array here, and are read as ED-269"
            )
        self.geometry(geometry, said, 0)

    def geometry(self, geometry: Node, said: _Said, depth: int) -> None:
        kind = (
            geometry.object("a geometry").need("type", expected="the type of a geometry").one_of(_GEOMETRIES)
        )
        if kind == "GeometryCollection":
            if depth >= DEPTH_MAX:
                raise geometry.error("collections in collections", f"at most {DEPTH_MAX} deep")
            for part in geometry.need("geometries", expected="an array of geometries").elements():
                self.geometry(part, said, depth + 1)
            return
        place = geometry.need("coordinates", expected=f"the coordinates of a {kind}")
        if kind.endswith("Point"):
            self.points(place, said, several=kind == "MultiPoint")
        elif kind.endswith("LineString"):
            self.lines(place, said, several=kind == "MultiLineString")
        else:
            self.polygons(place, said, several=kind == "MultiPolygon")

    # -- outlines ---------------------------------------------------------------------------------------

    def points(self, place: Node, said: _Said, *, several: bool) -> None:
        positions = place.positions() if several else [place.position()]
        radius = said.radius_m()
        if radius is None:
            self.remarks.add(
                "1 point without radius_m was ignored",
                "{n} points without radius_m were ignored",
                len(positions),
            )
            return
        for index, position in enumerate(positions):
            where = joined(place.path, index) if several else place.path
            lat, lng = checked_position(position, where)
            self.outline(Circle(lat, lng, radius), said, where)

    def polygons(self, place: Node, said: _Said, *, several: bool) -> None:
        drawn, where = [], []
        raised = 0
        for polygon in place.elements("an array of polygons") if several else (place,):
            holes = -1
            for ring in polygon.elements("an array of rings"):
                holes += 1
                if holes == 0:
                    rows = checked_positions(ring.positions(), ring.path)
                    raised += not np.all(np.isnan(rows[:, 2]))
                    drawn.append(_ring(rows, ring))
                    where.append(ring.path)
            if holes < 0:
                raise polygon.error("a polygon without a ring", "an array of rings")
            self.holes(holes)
        self.remarks.add(
            "1 polygon has heights at its vertices, which were ignored (lower and upper limit it)",
            "{n} polygons have heights at their vertices, which were ignored (lower and upper limit them)",
            raised,
        )
        try:
            joined_rings, holes = rings.rejoined(drawn)
        except GeometryError as error:
            raise error.at(place.path) from None
        self.holes(holes)
        as_drawn = {id(ring): path for ring, path in zip(drawn, where, strict=True)}
        for ring_ in joined_rings:
            path = as_drawn.get(id(ring_))
            if path is not None and np.ptp(ring_[:, 1]) > 180.0 and _has_wide_edge(ring_):
                self.remarks.add(
                    "1 outline has an edge over 180 degrees wide and was taken to cross the antimeridian",
                    "{n} outlines have edges over 180 degrees wide and were taken to cross the antimeridian",
                )
            if ring_.shape[0] > VERTICES_MAX:
                raise GeometryError(
                    "too many vertices",
                    where=path or place.path,
                    found=ring_.shape[0],
                    expected=f"at most {VERTICES_MAX:,}",
                )
            _, _, lat, lng, kept = rings.straight(
                ring_[:, 0], ring_[:, 1], closed=True, most=VERTICES_MAX, tolerance_m=TOLERANCE_M
            )
            if kept > TOLERANCE_M:
                self.remarks.add(
                    f"1 outline is so long that its edges follow the drawn within {kept:.2g} m, not "
                    f"{TOLERANCE_M:g} m",
                    f"{{n}} outlines are so long that their edges follow the drawn within {kept:.2g} m, not "
                    f"{TOLERANCE_M:g} m",
                )
            plain = None if path is None else ring_
            self.outline(np.column_stack([lat, lng]), said, path or place.path, plain)

    def holes(self, n: int) -> None:
        self.remarks.add(
            "1 hole in a polygon was ignored: the volume is larger than drawn",
            "{n} holes in polygons were ignored: the volumes are larger than drawn",
            n,
        )

    def outline(
        self,
        shape: Circle | NDArray[np.float64],
        said: _Said,
        where: str,
        plain: NDArray[np.float64] | None = None,
    ) -> None:
        role = said.role(("volume", "zone"), "volume")
        lower, upper = said.limit(floor=True), said.limit(floor=False)
        start, end = said.window()
        outline = shape if isinstance(shape, Circle) else polygon_of(shape)
        rows = self.zones if role == "zone" else self.volumes
        self.mode.take(said.data_mode(), where)
        rows.add(
            said.ident(),
            Volume4D(outline, lower, upper, start, end),
            where=where,
            party=said.party(),
            kind=Kind.STATIC if role == "zone" else said.kind(),
            body=said.body(),
            plain=None if plain is None else polygon_of(plain),
            applies=said.applies() if role == "zone" else (),
            effect=said.effect() if role == "zone" else "",
        )

    # -- lines ------------------------------------------------------------------------------------------

    def lines(self, place: Node, said: _Said, *, several: bool) -> None:
        parts = list(place.elements("an array of lines")) if several else [place]
        for part in parts:
            if not part.is_array:
                raise part.error("not an array of positions", "a JSON array of [longitude, latitude]")
        times = said.times(parts, several=several)
        if times is None:
            self.remarks.add(
                "1 line has no times and was ignored", "{n} lines have no times and were ignored", len(parts)
            )
            return
        role = said.role(("track", "plan"), "track")
        pieces: list[_Piece] = []
        for part, instants in zip(parts, times, strict=True):
            piece = self.piece(part, instants)
            if pieces and piece.continues(pieces[-1]):
                pieces[-1] = pieces[-1].joined_with(piece)
            else:
                pieces.append(piece)
        self.mode.take(said.data_mode(), place.path)
        target = self.plans if role == "plan" else self.tracks
        for piece in pieces:
            target.add(piece.straightened() if role == "plan" else piece, said)

    def piece(self, part: Node, times: Sequence[int]) -> _Piece:
        positions = part.positions()
        if not positions:
            raise part.error("a line without positions", "at least one [longitude, latitude]")
        rows = checked_positions(positions, part.path)
        instants = np.array(times, np.int64)
        back = np.nonzero(np.diff(instants) < 0)[0]
        if back.shape[0]:
            raise FormatError(
                "time runs backwards",
                where=f"the times of {part.path}",
                found=f"at position {int(back[0]) + 1}",
            )
        self.remarks.add(
            "1 position has more than three numbers; the others were ignored",
            "{n} positions have more than three numbers; the others were ignored",
            sum(len(position) > 3 for position in positions),
        )
        return _Piece(rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy(), instants, part.path)


def _ring(rows: NDArray[np.float64], node: Node) -> NDArray[np.float64]:
    """A ring's (latitude, longitude) rows without the repeated last one."""
    if rows.shape[0] < 3:
        raise node.error("too few positions for a ring", "four or more, the last like the first")
    ring = rows[:, :2].copy()
    return ring[:-1] if np.array_equal(ring[0], ring[-1]) else ring


def _has_wide_edge(ring: NDArray[np.float64]) -> bool:
    """Whether an edge of a ring is more than 180 degrees of longitude wide."""
    return bool(np.any(np.abs(np.diff(ring[:, 1], append=ring[:1, 1])) > 180.0))


class _Piece:
    """One line with its times."""

    def __init__(
        self,
        lat: NDArray[np.float64],
        lng: NDArray[np.float64],
        height: NDArray[np.float64],
        time: NDArray[np.int64],
        path: str,
    ) -> None:
        self.lat, self.lng, self.height, self.time, self.path = lat, lng, height, time, path

    def continues(self, other: _Piece) -> bool:
        """Whether it goes on where the other was cut at 180 degrees."""
        return bool(
            abs(self.lng[0]) == 180.0
            and self.lng[0] == -other.lng[-1]
            and self.lat[0] == other.lat[-1]
            and self.time[0] == other.time[-1]
        )

    def joined_with(self, later: _Piece) -> _Piece:
        """Both in one, without the point that the cut has doubled."""
        return _Piece(
            np.append(self.lat, later.lat[1:]),
            np.append(self.lng, later.lng[1:]),
            np.append(self.height, later.height[1:]),
            np.append(self.time, later.time[1:]),
            self.path,
        )

    def straightened(self) -> _Piece:
        """The line with its legs cut so that geodesics follow it, at constant ground speed on each leg."""
        if self.lat.shape[0] < 2:
            return self
        leg, fraction, lat, lng, _ = rings.straight(
            self.lat, self.lng, closed=False, most=SAMPLES_MAX, tolerance_m=LINE_TOLERANCE_M
        )
        if lat.shape[0] == self.lat.shape[0]:
            return self
        metres = np.concatenate([[0.0], np.cumsum(distances_m(lat[:-1], lng[:-1], lat[1:], lng[1:]))])
        own = np.append(np.nonzero(fraction[:-1] == 0.0)[0], lat.shape[0] - 1)
        begin, end = metres[own[:-1]][leg], metres[own[1:]][leg]
        with np.errstate(invalid="ignore"):
            part = np.where(end > begin, (metres - begin) / np.maximum(end - begin, 1e-9), fraction)
        part[own] = fraction[own]
        gone = np.diff(self.time)[leg]
        time = self.time[leg] + np.round(gone * part).astype(np.int64)
        height = self.height[leg] + part * (self.height[leg + 1] - self.height[leg])
        return _Piece(lat, lng, height, time, self.path)


class _Lines:
    """Tracks or plans while they are read."""

    def __init__(self, name: str, mode: OneMode, noun: str) -> None:
        self._name, self._mode, self._noun = name, mode, noun
        self._pieces: list[_Piece] = []
        self._ids: list[str] = []
        self._party: list[str] = []
        self._kind: list[Kind] = []
        self._body: list[str] = []
        self._reference: list[AltitudeReference] = []
        self._blur: list[tuple[float, float]] = []
        self.samples = 0

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, piece: _Piece, said: _Said) -> None:
        self.samples += piece.lat.shape[0]
        if self.samples > SAMPLES_MAX:
            raise FormatError("too many positions", where=piece.path, expected=f"at most {SAMPLES_MAX:,}")
        self._pieces.append(piece)
        ident = said.ident()
        self._ids.append(ident)
        self._party.append(said.party())
        self._kind.append(said.kind())
        body = said.body()
        self._body.append(own_body(ident, self._name) if body is None else body)
        self._reference.append(said.reference())
        self._blur.append(said.blur())

    def trajectories(self) -> Trajectories | None:
        if not self._pieces:
            return None
        labels = Labels.of(
            self._ids,
            party=self._party,
            kind=np.array(self._kind, np.int8),
            source=self._name,
            body=self._body,
            data_mode=self._mode.mode,
        )
        pieces = self._pieces
        return Trajectories.of(
            labels,
            np.concatenate([[0], np.cumsum([piece.lat.shape[0] for piece in pieces])]),
            np.concatenate([piece.time for piece in pieces]),
            np.concatenate([piece.lat for piece in pieces]),
            np.concatenate([piece.lng for piece in pieces]),
            np.concatenate([piece.height for piece in pieces]),
            reference=np.array(self._reference, np.int8),
            horizontal_uncertainty_m=[blur[0] for blur in self._blur],
            vertical_uncertainty_m=[blur[1] for blur in self._blur],
        )


class _Said:
    """What a feature says of itself, read when it is asked for."""

    def __init__(self, document: _Document, feature: Node, properties: Node, number: int) -> None:
        self._document = document
        self._feature = feature
        self._properties = properties
        self._number = number
        self._ident: tuple[str, str | None] | None = None
        self._found: dict[str, Node] = {}
        for name, value in properties.value.items():
            thing = _CANONICAL.get(name)
            if thing is None or value is None:
                continue
            node = Node(value, joined(properties.path, name))
            before = self._found.setdefault(thing, node)
            if before.value != value:
                raise node.error(
                    "the same thing is said twice, differently", f"what {before.path} says, or one of the two"
                )

    def _get(self, names: str | tuple[str, ...]) -> Node | None:
        """The property of that name, or of the thing that these names stand for."""
        return self._found.get(names if isinstance(names, str) else names[0])

    def _first(self, names: tuple[str, ...]) -> Node | None:
        """The first of several properties that is there and not empty; they may differ."""
        values = self._properties.value
        for name in names:
            if values.get(name) is not None:
                node = Node(values[name], joined(self._properties.path, name))
                if node.label():
                    return node
        return None

    def _inherited(self, name: str) -> Node | None:
        """A property, or the member of that name beside ``features``."""
        return self._found.get(name) or self._document.beside.get(name)

    # -- who ---------------------------------------------------------------------------------------------

    def _identify(self) -> tuple[str, str | None]:
        """The label, and the body where it is not that label's own in this file."""
        if self._ident is None:
            self._ident = self._label()
        return self._ident

    def _label(self) -> tuple[str, str | None]:
        stated = self._first(_BODY)
        body = stated.label() if stated is not None else None
        own = self._first(_ID) or self._feature.get("id")
        if own is not None and own.label():
            return own.label(), body
        document = self._document
        node = self._first(_NAME)
        label = node.label() if node is not None else body or f"feature {self._number + 1}"
        # a name is no identity: two features of one name are two things, unless both state one body
        seen = document.named[label] = document.named.get(label, 0) + 1
        ident = label if seen == 1 else f"{label} ({seen})"
        return ident, body or own_body(f"feature {self._number + 1}", document.name)

    def ident(self) -> str:
        return self._identify()[0]

    def body(self) -> str | None:
        return self._identify()[1]

    def party(self) -> str:
        node = self._inherited("party")
        return self._document.defaults.party if node is None else node.label()

    def kind(self) -> Kind:
        node = self._inherited("kind")
        if node is not None:
            return Kind.parse(node.text(), where=node.path)
        return Kind.CREWED if self._document.defaults.kind is None else self._document.defaults.kind

    def data_mode(self) -> DataMode | None:
        node = self._inherited("data_mode")
        return None if node is None else DataMode.parse(node.text(), where=node.path)

    def role(self, allowed: Sequence[str], default: str) -> str:
        node = self._inherited("role")
        if node is None:
            return default
        role = node.one_of(_ROLES)
        if role not in allowed:
            raise node.error("this geometry cannot have that role", " or ".join(allowed))
        return role

    def applies(self) -> tuple[Kind, ...]:
        node = self._inherited("applies_to")
        if node is None:
            return tuple(Kind)
        if node.is_text:
            return (Kind.parse(node.text(), where=node.path),)
        return tuple(Kind.parse(kind.text(), where=kind.path) for kind in node.elements("an array of kinds"))

    def effect(self) -> str:
        node = self._inherited("effect")
        return "" if node is None else node.note()

    def blur(self) -> tuple[float, float]:
        horizontal, vertical = self._get("horizontal_uncertainty_m"), self._get("vertical_uncertainty_m")
        return (
            0.0 if horizontal is None else horizontal.number("metres, 0 or more"),
            0.0 if vertical is None else vertical.number("metres, 0 or more"),
        )

    # -- where and when ----------------------------------------------------------------------------------

    def radius_m(self) -> float | None:
        metres, text = self._get("radius_m"), self._get("radius")
        if metres is not None:
            return metres.number("a radius in metres")
        if text is None:
            return None
        if not text.is_text:
            raise text.error("a radius without a unit", 'radius_m in metres, or a text like "5 NM"')
        try:
            return parse_length_m(text.text())
        except ValueError as error:
            raise text.error(str(error)) from None

    def window(self) -> tuple[int, int]:
        start, end = self._get(_START), self._get(_END)
        return (
            EVER if start is None else start.instant(),
            FOREVER if end is None else end.instant(),
        )

    def reference(self) -> AltitudeReference:
        node = self._inherited("altitude_reference") or self._get(_REFERENCE)
        return AltitudeReference.W84 if node is None else reference_of(node)

    def limit(self, *, floor: bool) -> Altitude | None:
        """The floor or ceiling; None is open."""
        metres = self._get("lower_m" if floor else "upper_m")
        node = self._get(_LOWER if floor else _UPPER)
        if metres is not None and node is not None:
            raise node.error("a limit is said twice", f"{metres.path} or this, not both")
        node = metres or node
        if node is None:
            return None
        own = _LOWER_REFERENCE if floor else _UPPER_REFERENCE
        named = self._get(own) or self._inherited("altitude_reference") or self._get(_REFERENCE)
        if node.is_object:
            return self._limit_object(node, floor=floor)
        if node.is_text and metres is None:
            reference = AltitudeReference.W84 if named is None else reference_of(named)
            return limit_of_text(node, floor=floor, default=reference)
        value = node.number("a number, or a text like FL100 or 120 m AGL")
        unit = None if metres is not None else self._get(_UNIT)
        if named is None:
            self._document.remarks.add(
                "1 limit names no reference and was read as above the WGS 84 ellipsoid (RFC 7946, 4)",
                "{n} limits name no reference and were read as above the WGS 84 ellipsoid (RFC 7946, 4)",
            )
            reference = AltitudeReference.W84
        else:
            reference = reference_of(named)
        return limit_of_metres(value * (1.0 if unit is None else unit_of(unit)), reference, floor=floor)

    @staticmethod
    def _limit_object(node: Node, *, floor: bool) -> Altitude | None:
        """A limit as an object of value, unit and reference."""
        value = node.need("value", expected="the number of an altitude").number("the number of an altitude")
        unit, named = node.get(*_UNIT), node.get(*_IN_OBJECT_REFERENCE)
        if named is None:
            raise node.error("a limit without its reference", "a member reference: AMSL, AGL, STD or W84")
        if unit is not None and (unit.value == 6 or (unit.is_text and unit.text().strip().upper() == "FL")):
            return Altitude(value * 100.0 * FT_M, AltitudeReference.STD)
        if named.is_text:
            reference = reference_of(named)
        else:
            numbered = _NUMBERED_REFERENCES.get(named.whole("AMSL, AGL, STD or W84"))
            if numbered is None:
                raise named.error("not an altitude reference", "AMSL, AGL, STD or W84")
            reference = numbered
        if unit is None or unit.is_text:
            factor = 1.0 if unit is None else unit_of(unit)
        else:
            known = _NUMBERED_UNITS.get(unit.whole("M or FT"))
            if known is None:
                raise unit.error("not a unit of length for altitudes", "M or FT")
            factor = known
        return limit_of_metres(value * factor, reference, floor=floor)

    def times(self, parts: list[Node], *, several: bool) -> list[list[int]] | None:
        """Instants for each line; None where the feature has no times."""
        node = self._get(_TIMES)
        if node is None:
            nested = self._get("coordinateProperties")
            node = nested.get(*_TIMES) if nested is not None and nested.is_object else None
        if node is None:
            return None
        if not several:
            return [_instants(node, len(parts[0].value))]
        nodes = list(node.elements("an array of times for each line"))
        if len(nodes) != len(parts):
            raise node.error("times for another number of lines", f"an array of {len(parts)} arrays of times")
        return [_instants(times, len(part.value)) for times, part in zip(nodes, parts, strict=True)]


def _instants(node: Node, n: int) -> list[int]:
    """Instants: RFC 3339, or numbers of milliseconds (from 1973) or seconds since 1970."""
    if not node.is_array:
        raise node.error("not an array of times", f"{n} times, one for each position")
    instants: list[int] = []
    for index, value in enumerate(node.value):
        if isinstance(value, str):
            try:
                instants.append(parse_instant(value))
            except InputError:
                instants.append(Node(value, joined(node.path, index)).instant())
            continue
        time = Node(value, joined(node.path, index))
        number = time.number("an RFC 3339 instant, or milliseconds since 1970")
        micro = number * (1e3 if abs(number) >= 1e11 else 1e6)
        if not abs(micro) < FOREVER:
            raise time.error("not a time", "an RFC 3339 instant, or milliseconds since 1970")
        instants.append(round(micro))
    if len(instants) != n:
        raise node.error("times for another number of positions", f"{n} times, one for each position")
    return instants
