"""ASTM F3548-21 JSON: operational intents, constraints and bare Volume4Ds, as services exchange them.

Law: what the standard allows is read, and nothing else is guessed: altitudes are metres above the WGS 84
ellipsoid, radii metres, times RFC 3339; another unit or reference is an error. Edges are shortest paths, as
Skypact's own. A window or a limit that is absent is open, as in the standard.

What is read, and what it becomes:

- an operational intent (``reference`` and ``details``), alone, in a list, or in an answer of the USS-USS
interface: volumes
  that share one id and body, nominal and off-nominal ones alike; the party is the reference's ``manager``;
- a constraint: zones that apply to everything that flies, their effect the constraint's ``type`` or the
restriction of its
  geozone;
- the parameters of a request (``extents``), an ``area_of_interest``, an object with ``volumes``: volumes of
one thing; - a bare list of Volume4D: each is a claim of its own, since the list does not say that they are
one flight.

Kind is ``uncrewed`` where nothing else is said. The format has no field for kind or data mode; ``data_mode``
beside the list, as :mod:`skypact.formats.volume_writers` writes it, is understood.

Known limits: references without details hold no volumes and are ignored. The end of the window may lie in the
past.

Source: ASTM F3548-21, the OpenAPI definitions of its USS-USS and DSS interfaces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import DataMode, Kind
from skypact.airspace.volumes import VERTICES_MAX, Circle, Polygon, Volume4D
from skypact.errors import FormatError, GeometryError, InputError
from skypact.formats.contents import Contents
from skypact.formats.jsonpath import Node, parse
from skypact.formats.rows import OneMode, Remarks, Rows
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from skypact.formats.contents import Defaults

ALTITUDE_MIN_M: Final = -8_000.0
"""The lowest altitude of the standard."""
ALTITUDE_MAX_M: Final = 100_000.0
"""The highest altitude of the standard."""
AIRBORNE: Final = (Kind.CREWED, Kind.UNCREWED)
"""Whom a constraint applies to: everything that flies."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_INTENTS = ("operational_intents", "operational_intent_details")
_CONSTRAINTS = ("constraints", "constraint_details")
_REFERENCES = (
    "operational_intent_references",
    "operational_intent_reference",
    "constraint_references",
    "constraint_reference",
    "missing_operational_intents",
    "missing_constraints",
)
_CLAIMS = ("volumes", "off_nominal_volumes", "extents", "area_of_interest")
_EXPECTED: Final = (
    "an operational intent, a constraint, a Volume4D, or a list of these (members operational_intent, "
    "constraint, details, volumes, extents or volume)"
)


def read_f3548(data: bytes, name: str, defaults: Defaults) -> Contents:
    """Read an F3548-21 JSON document.

    Parameters
    ----------
    data
        The document.
    name
        Its name, for messages and as the source of what it holds.
    defaults
        What to take where it says nothing: party, kind (uncrewed), data mode (real).

    Returns
    -------
    Contents
        With ``volumes`` (claims) and ``zones`` (constraints).

    Raises
    ------
    InputError
        It is no such document, or breaks the standard's definitions; names the JSON path.
    """
    try:
        return _Document(name, defaults).contents(parse(data))
    except InputError as error:
        raise error.at(name) from None


class _Document:
    """One document while it is read."""

    def __init__(self, name: str, defaults: Defaults) -> None:
        self.name = name
        self.defaults = defaults
        self.mode = OneMode(defaults)
        self.stated: DataMode | None = None
        self.volumes = Rows(name, self.mode)
        self.zones = Rows(name, self.mode)
        self.remarks = Remarks()
        self.things = {"operational intents": 0, "constraints": 0}
        self.unnamed = 0

    def contents(self, root: Node) -> Contents:
        if root.is_array:
            for element in root.elements():
                self.thing(element.object("an operational intent, a constraint or a Volume4D"))
        else:
            mode = root.object("an F3548-21 document").get("data_mode")
            if mode is not None:
                self.stated = DataMode.parse(mode.text(), where=mode.path)
            self.thing(root)
        if self.unnamed > 1:
            self.remarks.add(
                "the list does not say which volumes are one flight: each of its "
                f"{self.unnamed:,} volumes is a claim of its own"
            )
        counts = {**self.things, "volumes": len(self.volumes), "zones": len(self.zones)}
        return Contents(
            path=self.name,
            format="f3548",
            volumes=self.volumes.volumes(),
            zones=self.zones.zones(),
            counts={noun: n for noun, n in counts.items() if n or noun == "volumes"},
            ignored=self.remarks.sentences,
        )

    # -- what a thing is ----------------------------------------------------------------------------------

    def thing(self, node: Node) -> None:
        """Read whatever a whole document, or an element of its list, may be."""
        known = False
        for names, read in ((("operational_intent",), self.intent), (("constraint",), self.constraint)):
            part = node.get(*names)
            if part is not None:
                known = True
                read(part)
        for several, read in ((_INTENTS, self.intent), (_CONSTRAINTS, self.constraint)):
            for name in several:
                part = node.get(name)
                if part is not None:
                    known = True
                    for element in part.elements(f"an array of {name.replace('_', ' ')}"):
                        read(element)
        for name in _REFERENCES:
            part = node.get(name)
            if part is not None:
                known = True
                self.references(len(part.value) if part.is_array else 1)
        if known:
            return
        if "details" in node:
            (self.constraint if _is_constraint(node) else self.intent)(node)
        elif "volume" in node or "outline_polygon" in node or "outline_circle" in node:
            self.unnamed += 1
            self.claim(node, f"volume {self.unnamed}", "", None)
        elif any(name in node for name in _CLAIMS):
            self.things["operational intents"] += 1
            self.claims(node, f"intent {self.things['operational intents']}", self.defaults.party, None)
        elif _is_reference(node):
            self.references(1)
        else:
            raise FormatError(
                "nothing of F3548-21 in it", where=node.path or "the document", expected=_EXPECTED
            )

    def references(self, n: int) -> None:
        self.remarks.add(
            "1 reference without details holds no volumes and was ignored",
            "{n} references without details hold no volumes and were ignored",
            n,
        )

    def intent(self, node: Node) -> None:
        node.object("an operational intent")
        ident, party, body = self.reference(node, "operational intents", "intent")
        self.claims(node.need("details", expected="the details of an operational intent"), ident, party, body)

    def constraint(self, node: Node) -> None:
        node.object("a constraint")
        ident, party, body = self.reference(node, "constraints", "constraint")
        details = node.need("details", expected="the details of a constraint").object()
        kind, geozone = details.get("type"), details.get("geozone")
        effect = "" if kind is None else kind.note()
        if geozone is not None:
            restriction = geozone.object("a geozone").get("restriction")
            effect = effect if restriction is None else restriction.note()
        for volume in details.need("volumes", expected="the volumes of a constraint").elements():
            self.mode.take(self.stated, volume.path)
            self.zones.add(
                ident,
                _volume_4d(volume),
                where=volume.path,
                party=party,
                kind=Kind.STATIC,
                body=body,
                applies=AIRBORNE,
                effect=effect or "constraint",
            )

    def reference(self, node: Node, counted: str, noun: str) -> tuple[str, str, str | None]:
        """Id, party and body that a reference states; an id that is a UUID is the same thing everywhere."""
        self.things[counted] += 1
        reference = node.get("reference")
        ident = manager = None
        if reference is not None:
            ident, manager = reference.object("a reference").get("id"), reference.get("manager")
        label = ident.label() if ident is not None else ""
        label = label or f"{noun} {self.things[counted]}"
        party = manager.label() if manager is not None else self.defaults.party
        return label, party, label.lower() if _UUID.fullmatch(label) else None

    # -- volumes ------------------------------------------------------------------------------------------

    def claims(self, node: Node, ident: str, party: str, body: str | None) -> None:
        """Read every list of Volume4D of an object; all of them are one thing."""
        node.object("an object with volumes")
        for name in _CLAIMS:
            part = node.get(name)
            if part is None:
                continue
            for volume in part.elements() if part.is_array else (part,):
                self.claim(volume, ident, party, body)

    def claim(self, volume: Node, ident: str, party: str, body: str | None) -> None:
        self.mode.take(self.stated, volume.path)
        self.volumes.add(
            ident,
            _volume_4d(volume),
            where=volume.path or "the document",
            party=party or self.defaults.party,
            kind=Kind.UNCREWED if self.defaults.kind is None else self.defaults.kind,
            body=body,
        )


def _is_constraint(node: Node) -> bool:
    """Whether a thing with details is a constraint: only these have a type or geozone, and no state."""
    reference, details = node.get("reference"), node.need("details").object("the details of a thing")
    if (
        (reference is not None and "state" in reference)
        or "priority" in details
        or "off_nominal_volumes" in details
    ):
        return False
    return "type" in details or "geozone" in details


def _is_reference(node: Node) -> bool:
    return "id" in node and "uss_base_url" in node


def _volume_4d(node: Node) -> Volume4D:
    """A Volume4D, or a bare Volume3D, whose window is open."""
    node.object("a Volume4D")
    inner = node.get("volume") or node
    start, end = node.get("time_start"), node.get("time_end")
    return Volume4D(
        _outline(inner.object("a Volume3D")),
        _altitude(inner.get("altitude_lower")),
        _altitude(inner.get("altitude_upper")),
        EVER if start is None else _instant(start),
        FOREVER if end is None else _instant(end),
    )


def _outline(node: Node) -> Circle | Polygon:
    circle, polygon = node.get("outline_circle"), node.get("outline_polygon")
    if (circle is None) == (polygon is None):
        raise FormatError(
            "exactly one outline is needed",
            where=node.path or "the document",
            found="none" if circle is None else "a circle and a polygon",
            expected="outline_circle or outline_polygon",
        )
    if circle is not None:
        lat, lng = _point(circle.object("a circle").need("center", expected="a center"))
        radius = circle.need("radius", expected="a radius").object("a radius")
        radius.need("units").one_of(("M",))
        return Circle(lat, lng, radius.need("value").number("a radius in metres"))
    assert polygon is not None  # noqa: S101  # for the type checker: one of the two is there
    vertices = polygon.object("a polygon").need("vertices", expected="an array of vertices")
    points = tuple(_point(vertex) for vertex in vertices.elements("an array of vertices"))
    if len(points) > VERTICES_MAX + 1:
        raise GeometryError(
            "too many vertices", where=vertices.path, found=len(points), expected=f"at most {VERTICES_MAX:,}"
        )
    return Polygon(points)


def _point(node: Node) -> tuple[float, float]:
    node.object("a position")
    lat, lng = node.need("lat"), node.need("lng")
    for part, limit in ((lat, 90.0), (lng, 180.0)):
        if not abs(part.number("degrees")) <= limit:
            raise part.error(
                "not a position on earth", f"degrees, {-limit:g} to {limit:g}", kind=GeometryError
            )
    return lat.number(), lng.number()


def _altitude(node: Node | None) -> Altitude | None:
    if node is None:
        return None
    node.object("an altitude").need("reference").one_of(("W84",))
    node.need("units").one_of(("M",))
    value = node.need("value")
    metres = value.number("metres above the WGS 84 ellipsoid")
    if not ALTITUDE_MIN_M <= metres <= ALTITUDE_MAX_M:
        raise value.error("not an altitude of F3548-21", f"metres, {ALTITUDE_MIN_M:g} to {ALTITUDE_MAX_M:g}")
    return Altitude(metres, AltitudeReference.W84)


def _instant(node: Node) -> int:
    node.object("a time").need("format").one_of(("RFC3339",))
    return node.need("value").instant()
