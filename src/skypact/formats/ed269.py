"""ED-269 geozones: UAS geographical zones as states publish them.

Law: a zone is in force whenever it may be. A schedule of days and hours is not followed: the zone counts as
in force for the whole period that the schedule belongs to, and the file's remarks say for how many. A period
without a start or an end is open there. A hole in an outline is ignored, which makes the zone larger. What
limits a flight in the end is the text of the restriction, which is shown as written and never interpreted; a
zone with ``NO_RESTRICTION`` is a zone too.

Both published wrappers are read: ``features`` (with ``title``) and ``UASZoneList``, and a bare list of zones.
Each geometry and each period of a zone is a row of its own under the zone's identifier, its country in front
where it is given (``CHE LSR-1``). Outlines are GeoJSON's: straight in longitude and latitude, cut at 180
degrees. Zones apply to uncrewed aircraft only.

Known limits: an outline that crosses itself is replaced by its convex hull, which contains it, and said so.
An upper limit of 0 above ground, which some files have where nothing may fly, is read as no upper limit.
ED-318, the successor, is not read.

Source: EUROCAE ED-269 (2020), the model and the JSON format of UAS geographical zones.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import rings
from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import Kind
from skypact.airspace.volumes import VERTICES_MAX, Circle, Polygon, Volume4D
from skypact.errors import FormatError, GeometryError, InputError
from skypact.formats.contents import Contents
from skypact.formats.jsonpath import Node, joined, parse
from skypact.formats.rows import (
    OneMode,
    Remarks,
    Rows,
    checked_position,
    limit_of_metres,
    polygon_of,
    reference_of,
    unit_of,
)
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skypact.formats.contents import Defaults

APPLIES: Final = (Kind.UNCREWED,)
"""Whom geozones apply to."""
CONDITIONS_MAX: Final = 300
"""Conditions are shown with the effect up to this many characters."""


def read_ed269(data: bytes, name: str, defaults: Defaults) -> Contents:
    """Read an ED-269 document.

    Parameters
    ----------
    data
        The document.
    name
        Its name, for messages and as the source of the zones.
    defaults
        What to take where it says nothing: party, data mode (real).

    Returns
    -------
    Contents
        With ``zones``.

    Raises
    ------
    InputError
        It is no ED-269 document, or something in it is no outline, limit or time; names the JSON path.
    """
    try:
        return _Document(name, defaults).contents(parse(data))
    except InputError as error:
        raise error.at(name) from None


class _Document:
    """One document while it is read."""

    def __init__(self, name: str, defaults: Defaults) -> None:
        self.name = name
        self.party = defaults.party
        self.mode = OneMode(defaults)
        self.rows = Rows(name, self.mode)
        self.remarks = Remarks()

    def contents(self, root: Node) -> Contents:
        zones = 0
        for zone in self.listed(root):
            zones += 1
            self.zone(zone.object("a zone"), zones)
        if not zones:
            self.remarks.add("the list has no zones")
        return Contents(
            path=self.name,
            format="ed269",
            zones=self.rows.zones(mending=self.remarks),
            counts={"zones": zones, "volumes": len(self.rows)},
            ignored=self.remarks.sentences,
        )

    @staticmethod
    def listed(root: Node) -> Iterator[Node]:
        if root.is_array:
            return root.elements()
        expected = "features or UASZoneList, an array of zones"
        node = root.object("an ED-269 document").need("features", "UASZoneList", expected=expected)
        if node.is_object:  # some services wrap the wrapper
            node = node.need("features", "UASZoneList", expected=expected)
        return node.elements("an array of zones")

    # -- zones --------------------------------------------------------------------------------------------

    def zone(self, zone: Node, number: int) -> None:
        ident = self.ident(zone, number)
        effect = self.effect(zone)
        windows = list(self.windows(zone))
        geometry = zone.need("geometry", expected="an array of volumes")
        if geometry.is_object:
            raise geometry.error(
                "not the geometry of ED-269", "an array of volumes with a horizontalProjection"
            )
        parts = list(geometry.elements("an array of volumes"))
        if not parts:
            raise geometry.error("a zone without a geometry", "at least one volume")
        for part in parts:
            lower, upper = self.limits(part.object("a volume"))
            projection = part.need("horizontalProjection", expected="a Circle or a Polygon")
            for outline, plain, where in self.outlines(projection.object("a projection"), part):
                for start, end in windows:
                    self.mode.take(None, where)
                    self.rows.add(
                        ident,
                        Volume4D(outline, lower, upper, start, end),
                        where=where,
                        party=self.party,
                        kind=Kind.STATIC,
                        plain=plain,
                        applies=APPLIES,
                        effect=effect,
                    )

    @staticmethod
    def ident(zone: Node, number: int) -> str:
        """Country and identifier; features that share them are one zone."""
        parts = [zone.get("country"), zone.get("identifier") or zone.get("name")]
        label = " ".join(text for text in (part.label() for part in parts if part is not None) if text)
        return label if parts[1] is not None and label else f"{label} zone {number}".strip()

    @staticmethod
    def effect(zone: Node) -> str:
        """The restriction and its conditions, as written."""
        restriction, conditions = zone.get("restriction"), zone.get("restrictionConditions")
        effect = "" if restriction is None else restriction.note()
        texts = []
        if conditions is not None:
            several = conditions.elements() if conditions.is_array else iter((conditions,))
            texts = [text for text in (condition.note() for condition in several) if text]
        said = "; ".join(texts)
        if len(said) > CONDITIONS_MAX:
            said = said[: CONDITIONS_MAX - 1] + "…"
        return f"{effect}: {said}" if effect and said else effect or said

    def windows(self, zone: Node) -> Iterator[tuple[int, int]]:
        """The periods in which the zone may be in force."""
        node = zone.get("applicability")
        periods = [] if node is None else list(node.elements()) if node.is_array else [node]
        if not periods:
            yield EVER, FOREVER
        for period in periods:
            period.object("a period of applicability")
            if _has_schedule(period):
                self.remarks.add(
                    "1 period has a schedule, which was ignored: its zone counts as in force throughout",
                    "{n} periods have schedules, which were ignored: the zones count as in force throughout",
                )
            permanent = period.get("permanent")
            if permanent is not None and permanent.text().strip().upper() == "YES":
                yield EVER, FOREVER
                continue
            yield (
                _instant(period.get("startDateTime"), EVER),
                _instant(period.get("endDateTime"), FOREVER),
            )

    # -- volumes ------------------------------------------------------------------------------------------

    def limits(self, part: Node) -> tuple[Altitude | None, Altitude | None]:
        unit = part.get("uomDimensions")
        metres = 1.0 if unit is None else unit_of(unit)
        found: list[Altitude | None] = []
        for side, floor in (("lower", True), ("upper", False)):
            value = part.get(f"{side}Limit")
            if value is None:
                found.append(None)
                continue
            named = part.get(f"{side}VerticalReference")
            number = _limit_number(value)
            if named is None and floor and number == 0.0:
                found.append(None)
                continue
            if named is None:
                raise FormatError(
                    "a limit without its reference",
                    where=part.path,
                    found=f"{side}Limit {number:g}",
                    expected=f"{side}VerticalReference: AGL, AMSL or WGS84",
                )
            reference = reference_of(named)
            if not floor and number == 0.0 and reference is AltitudeReference.AGL:
                self.remarks.add(
                    "1 upper limit of 0 above ground was read as no upper limit",
                    "{n} upper limits of 0 above ground were read as no upper limit",
                )
                found.append(None)
                continue
            found.append(limit_of_metres(number * metres, reference, floor=floor))
        return found[0], found[1]

    def outlines(
        self, projection: Node, part: Node
    ) -> Iterator[tuple[Circle | Polygon, Polygon | None, str]]:
        """Outlines, each with the polygon as drawn where it has other vertices, and its path."""
        kind = projection.need("type", expected="Circle or Polygon").one_of(("Circle", "Polygon"))
        if kind == "Circle":
            center = projection.need("center", expected="[longitude, latitude]")
            lat, lng = checked_position(center.position(), center.path)
            unit = part.get("uomDimensions")
            radius = projection.need("radius", expected="a radius").number("a radius in metres or feet")
            yield Circle(lat, lng, radius * (1.0 if unit is None else unit_of(unit))), None, projection.path
            return
        drawn = []
        coordinates = projection.need("coordinates", expected="an array of rings")
        for index, ring in enumerate(coordinates.elements("an array of rings")):
            if index:
                self.holes(1)
                continue
            positions = ring.positions()
            points = [checked_position(p, joined(ring.path, k)) for k, p in enumerate(positions)]
            if points[:1] == points[-1:]:
                points.pop()
            if len(points) > VERTICES_MAX:
                raise GeometryError(
                    "too many vertices",
                    where=ring.path,
                    found=len(points),
                    expected=f"at most {VERTICES_MAX:,}",
                )
            drawn.append(np.array(points, np.float64).reshape(-1, 2))
        if not drawn or drawn[0].shape[0] < 3:
            raise coordinates.error("a polygon without a ring", "a ring of four or more positions")
        try:
            whole, holes = rings.rejoined(drawn)
        except GeometryError as error:
            raise error.at(coordinates.path) from None
        self.holes(holes)
        for ring_ in whole:
            _, _, lat_, lng_, _ = rings.straight(ring_[:, 0], ring_[:, 1], closed=True, most=VERTICES_MAX)
            plain = polygon_of(ring_) if ring_ is drawn[0] else None
            yield polygon_of(np.column_stack([lat_, lng_])), plain, coordinates.path

    def holes(self, n: int) -> None:
        self.remarks.add(
            "1 hole in a polygon was ignored: the zone is larger than drawn",
            "{n} holes in polygons were ignored: the zones are larger than drawn",
            n,
        )


def _has_schedule(period: Node) -> bool:
    """Whether a period names days or hours; some files have a schedule with nothing in it."""
    schedule = period.get("schedule", "dailyPeriod")
    if schedule is None:
        return False
    parts = schedule.value if schedule.is_array else [schedule.value]
    return any(not isinstance(part, dict) or any(part.values()) for part in parts)


def _limit_number(node: Node) -> float:
    """A limit, which some files have as a text of digits."""
    if node.is_text:
        try:
            value = float(node.text()) if len(node.text()) < 20 else math.nan
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
    return node.number("a number of metres or feet")


def _instant(node: Node | None, when_open: int) -> int:
    """An instant; open where there is none, or an empty text as some files have."""
    if node is None or (node.is_text and not node.text().strip()):
        return when_open
    return node.instant()
