"""GPX 1.0 and 1.1: recorded tracks with times.

Law: a ``trk`` is a track; its segments are joined, and the longest gap a check accepts decides what was
observed between them. ``ele`` is metres above mean sea level (AMSL): the schema says only "elevation in
metres", and that is what receivers write there; a file whose ``ele`` is a height above the ellipsoid is off
by the geoid's height, up to 107 m. A point without ``ele`` has no known altitude. GPX times are UTC by the
schema, so one without an offset is read as UTC.

Left out, and counted: points without a time, routes and waypoints (they have no times of a movement),
everything in ``extensions``.

Source: the GPX 1.1 schema (Topografix).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from skypact.airspace.altitude import ALTITUDE_LIMIT_M, AltitudeReference
from skypact.errors import FormatError, InputError
from skypact.formats.paths import Path, Paths
from skypact.formats.xml_stream import Elements, elements_of
from skypact.instants import parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.formats.contents import Contents, Defaults
    from skypact.formats.source import Source

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.]\d+)?", re.ASCII)
_WANTED = {"trk": frozenset({"name"}), "trkpt": frozenset({"time", "ele"})}


def read_gpx(source: Source, defaults: Defaults) -> Contents:
    """Read the tracks of a GPX file.

    Raises
    ------
    FormatError
        It is no GPX, or a position, an elevation or a time cannot be read; the text names the line. No point
        has a time.
    """
    gpx = _Gpx(source.name, defaults)
    elements_of(source, gpx)
    return gpx.finish()


class _Gpx(Elements):
    def __init__(self, name: str, defaults: Defaults) -> None:
        super().__init__(name)
        self._paths = Paths(name, "gpx", defaults)
        self._path = Path()
        self._title = ""
        self._begun = ""
        self._point = (0.0, 0.0)
        self._time = ""
        self._altitude_m = math.nan
        self._timeless = 0
        self._routes = 0
        self._waypoints = 0

    def start(self, element: str, attributes: Mapping[str, str]) -> bool:
        around = self.stack[-2] if len(self.stack) > 1 else ""
        if not around and element != "gpx":
            raise FormatError("not GPX", where=self.where, found=f"<{element}>", expected="<gpx>")
        if element == "trk":
            self._path, self._title, self._begun = Path(), "", self.where
        elif element == "trkpt":
            self._point = (
                self.number(attributes.get("lat", ""), "a latitude", 90.0),
                self.number(attributes.get("lon", ""), "a longitude", 360.0),
            )
            self._time, self._altitude_m = "", math.nan
        elif element == "rte":
            self._routes += 1
        elif element == "wpt":
            self._waypoints += 1
        return element in _WANTED.get(around, ())

    def end(self, element: str, text: str) -> None:
        if element == "trk":
            self._paths.add(self._title, self._path, AltitudeReference.AMSL, self._begun)
            self._path = Path()
        elif element == "name" and self.parent == "trk":
            self._title = text
        elif element == "time" and self.parent == "trkpt":
            self._time = text.strip()
        elif element == "ele" and self.parent == "trkpt":
            self._altitude_m = (
                self.number(text, "an elevation", ALTITUDE_LIMIT_M) if text.strip() else math.nan
            )
        elif element == "trkpt":
            if not self._time:
                self._timeless += 1
                return
            self._path.add(self._instant(), *self._point, self._altitude_m)

    def _instant(self) -> int:
        text = self._time
        try:
            return parse_instant(f"{text}Z" if _LOCAL.fullmatch(text) is not None else text)
        except InputError as error:
            raise FormatError(error.message, where=self.where, found=text, expected=error.expected) from None

    def finish(self) -> Contents:
        """What was read."""
        leave_out = self._paths.recording.leave_out
        leave_out(self._timeless, "track point", "track points", "without a time")
        leave_out(self._routes, "route", "routes", "(a route has no times)")
        leave_out(self._waypoints, "waypoint", "waypoints", "(places, not movements)")
        return self._paths.finish()
