"""KML: tracks with times, and single positions with a time.

Law: a ``gx:Track`` (or the ``Track`` of KML 2.3) is a track; the tracks of one ``MultiTrack`` are one. A
``Point`` whose placemark has a ``TimeStamp`` is a sample; points of one name are one track. The altitude mode
says what altitudes are: ``absolute`` is metres above mean sea level (AMSL), ``relativeToGround`` is above
ground (AGL), and ``clampToGround``, KML's default, leaves the altitude unknown, as do the modes of the sea
floor.

Left out, and counted: paths (``LineString``) and points without a time, since a path has no time; polygons
and models; ``angles``, extended data, styles, links to other files, which are never followed.

Known limits: KMZ is a zip archive and is to be unpacked first. Two altitude modes in one track are refused.

Source: OGC 12-007r2 (KML 2.3), clauses 9.4, 10.1 and 13.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from skypact.airspace.altitude import ALTITUDE_LIMIT_M, AltitudeReference
from skypact.errors import FormatError, InputError
from skypact.formats.paths import Path, Paths
from skypact.formats.xml_stream import Elements, elements_of
from skypact.instants import parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.formats.contents import Contents, Defaults
    from skypact.formats.source import Source

_REFERENCES: Final = {
    "absolute": AltitudeReference.AMSL,
    "relativeToGround": AltitudeReference.AGL,
    "clampToGround": None,
    "clampToSeaFloor": None,
    "relativeToSeaFloor": None,
}
_WANTED: Final = {
    "Placemark": frozenset({"name"}),
    "Track": frozenset({"when", "coord", "altitudeMode"}),
    "MultiTrack": frozenset({"altitudeMode"}),
    "Point": frozenset({"coordinates", "altitudeMode"}),
    "TimeStamp": frozenset({"when"}),
}
_OTHERS: Final = {
    "LineString": ("path", "paths", "without times"),
    "LinearRing": ("ring", "rings", "(an outline, not a movement)"),
    "Polygon": ("polygon", "polygons", "(an outline, not a movement)"),
    "Model": ("model", "models", "(a drawing)"),
    "NetworkLink": ("link", "links", "to other files, which are not followed"),
}


def read_kml(source: Source, defaults: Defaults) -> Contents:
    """Read the tracks of a KML file.

    Raises
    ------
    FormatError
        It is no KML; a position, an altitude mode or a time cannot be read; a track has not as many times as
        positions. The text names the line. Nothing in it has a time.
    """
    kml = _Kml(source.name, defaults)
    elements_of(source, kml)
    return kml.finish()


class _Kml(Elements):
    def __init__(self, name: str, defaults: Defaults) -> None:
        super().__init__(name)
        self._paths = Paths(name, "kml", defaults)
        self._points: dict[tuple[str, AltitudeReference | None], tuple[Path, str]] = {}
        self._others: dict[str, int] = {}
        self._clamped = 0
        self._timeless_points = 0
        self._empty = 0
        self._placemark()

    def _placemark(self) -> None:
        """A new placemark: nothing is known of it."""
        self._title = ""
        self._begun = self.where
        self._stamp: int | None = None
        self._samples: list[tuple[int, tuple[float, float, float]]] = []
        self._mode: AltitudeReference | None = None
        self._mode_known = False
        self._point: tuple[float, float, float] | None = None
        self._point_mode: AltitudeReference | None = None
        self._track = False
        self._whens: list[int] = []
        self._coords: list[tuple[float, float, float] | None] = []
        self._track_mode: AltitudeReference | None = None
        self._multi_mode: AltitudeReference | None = None

    def start(self, element: str, attributes: Mapping[str, str]) -> bool:
        around = self.stack[-2] if len(self.stack) > 1 else ""
        if not around and element != "kml":
            raise FormatError("not KML", where=self.where, found=f"<{element}>", expected="<kml>")
        if element == "Placemark":
            self._placemark()
            self._title = attributes.get("id", "")
        elif element == "Track":
            self._whens, self._coords, self._track_mode = [], [], self._multi_mode
        elif element in _OTHERS and not (element == "LinearRing" and "Polygon" in self.stack):
            self._others[element] = self._others.get(element, 0) + 1
        return element in _WANTED.get(around, ())

    def end(self, element: str, text: str) -> None:
        around = self.parent
        if element == "Track":
            self._end_track()
        elif element == "Placemark":
            self._end_placemark()
        elif element not in _WANTED.get(around, ()):
            return
        elif element == "name":
            self._title = text.strip() or self._title
        elif element == "when":
            instant = self._instant(text)
            if around == "Track":
                self._whens.append(instant)
            else:
                self._stamp = instant
        elif element == "coord":
            self._coords.append(self._position(text.split()) if text.strip() else None)
        elif element == "coordinates":
            self._point = self._position(text.strip().split(","))
        elif around == "Point":
            self._point_mode = self._reference(text)
        elif around == "Track":
            self._track_mode = self._reference(text)
        else:
            self._multi_mode = self._reference(text)

    def _instant(self, text: str) -> int:
        try:
            return parse_instant(text)
        except InputError as error:
            raise FormatError(error.message, where=self.where, found=text, expected=error.expected) from None

    def _reference(self, text: str) -> AltitudeReference | None:
        try:
            return _REFERENCES[text.strip()]
        except KeyError:
            raise FormatError(
                "not an altitude mode", where=self.where, found=text, expected=", ".join(_REFERENCES)
            ) from None

    def _position(self, parts: list[str]) -> tuple[float, float, float]:
        if len(parts) not in {2, 3}:
            raise FormatError(
                "not a position",
                where=self.where,
                found=" ".join(parts),
                expected="longitude, latitude and an altitude",
            )
        return (
            self.number(parts[1], "a latitude", 90.0),
            self.number(parts[0], "a longitude", 360.0),
            self.number(parts[2], "an altitude", ALTITUDE_LIMIT_M) if len(parts) == 3 else math.nan,
        )

    def _end_track(self) -> None:
        if len(self._whens) != len(self._coords):
            raise FormatError(
                "not as many times as positions",
                where=self.where,
                found=f"{len(self._whens):,} when, {len(self._coords):,} coord",
                expected="one when for each coord",
            )
        if self._mode_known and self._track_mode != self._mode:
            raise FormatError(
                "two altitude modes in one track", where=self.where, expected="one mode, or two placemarks"
            )
        self._mode, self._mode_known = self._track_mode, True
        for instant, position in zip(self._whens, self._coords, strict=True):
            if position is None:
                self._empty += 1
            else:
                self._samples.append((instant, position))
        self._whens, self._coords = [], []

    def _end_placemark(self) -> None:
        if self._samples:
            path = Path()
            for instant, (lat, lng, altitude_m) in self._samples:
                path.add(instant, lat, lng, math.nan if self._mode is None else altitude_m)
            self._hand_over(self._title, path, self._mode, self._begun)
        if self._point is not None:
            if self._stamp is None:
                self._timeless_points += 1
            else:
                lat, lng, altitude_m = self._point
                name = (self._title, self._point_mode) if self._title else (self._begun, self._point_mode)
                path, _ = self._points.setdefault(name, (Path(), self._begun))
                path.add(self._stamp, lat, lng, math.nan if self._point_mode is None else altitude_m)
        self._placemark()

    def _hand_over(self, title: str, path: Path, mode: AltitudeReference | None, where: str) -> None:
        self._clamped += mode is None
        self._paths.add(title, path, AltitudeReference.AMSL if mode is None else mode, where)

    def finish(self) -> Contents:
        """What was read."""
        leave_out = self._paths.recording.leave_out
        alone = 0
        for (title, mode), (path, where) in self._points.items():
            alone += len(path) == 1
            self._hand_over(title, path, mode, where)
        leave_out(
            alone,
            "placemark",
            "placemarks",
            "with one position: an instant each, nothing is known between them",
        )
        leave_out(self._clamped, "track", "tracks", "clamped to the ground: the altitude is unknown")
        leave_out(self._empty, "empty position", "empty positions", "of tracks")
        leave_out(self._timeless_points, "point", "points", "without a time")
        for element, count in self._others.items():
            leave_out(count, *_OTHERS[element])
        return self._paths.finish()
