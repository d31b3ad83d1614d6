"""OpenAir airspace files, versions 1 and 2: zones.

Law: nothing in the file that shapes a zone is passed over. A line that is not understood within a zone is an
error that names it; what does not shape a zone (frequencies, stations, transponder codes, labels, pens) is
ignored, with the numbers. A zone may come out larger than written, never smaller: arcs are followed by their
tangents on the outside, at most :data:`~skypact.airspace.rings.ARC_M` away; where the two ends of an arc do
not lie on one circle, the larger is taken. A circle (``DC``) stays an exact circle.

How it works. The file is read line by line into blocks, each from ``AC`` (or an ``AN`` before it) to the
next; a block becomes one zone, of one row for each time of activity (``AA``) and each leg of an airway
(``DY``). Whether an arc bulges outwards shows once the whole outline is known, from the way it winds.

Zones apply to crewed and uncrewed aircraft. The id is the name (``AN``), numbered where several zones have
one name; the effect is the class and the type as written. Edges between points are geodesics. Altitudes
without a unit are feet, without a reference above mean sea level. Text that is not UTF-8 is read as
Windows-1252.

Known limits: an outline that crosses itself, as some published ones do by the rounding of their seconds, is
replaced by its convex hull, which contains it, and said so. Terrain (``TO``, ``TC``) is ignored. A zone
without a limit is refused.

Sources: the WinPilot user's guide, *Airspace files*; Naviter, *SeeYou OpenAir file format*, version 2.1
(2025).
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import rings
from skypact.airspace.altitude import Altitude, AltitudeReference, parse_ceiling, parse_floor
from skypact.airspace.labels import Kind
from skypact.airspace.volumes import VERTICES_MAX, Circle, Polygon, Volume4D
from skypact.errors import FormatError, GeometryError, InputError
from skypact.formats.contents import Contents
from skypact.formats.jsonpath import LABEL_MAX, printable
from skypact.formats.rows import OneMode, Remarks, Rows, as_format_error, polygon_of
from skypact.instants import DAY_US, EVER, FOREVER, parse_instant
from skypact.units import NM_M

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from skypact.formats.contents import Defaults

AIRBORNE: Final = (Kind.CREWED, Kind.UNCREWED)
"""Whom these zones apply to."""
LINE_MAX: Final = 10_000
"""Longer lines than this are no OpenAir."""

_Point = tuple[float, float]

_IGNORED: Final = {
    "AF": "frequencies",
    "AG": "station names",
    "AI": "identifiers",
    "AX": "transponder codes",
    "AT": "label positions",
    "SP": "pens and brushes",
    "SB": "pens and brushes",
}
_TERRAIN = ("TO", "TC")
_COMMAND = re.compile(r"([A-Za-z]{2}|[Vv])(?:\s+|(?==)|$)(.*)", re.DOTALL)
_DEGREES = r"(\d{1,3})(?:\s*:\s*(\d{1,2}(?:[.]\d*)?)(?:\s*:\s*(\d{1,2}(?:[.]\d*)?))?|([.]\d+))?"
_POSITION = re.compile(rf"\s*{_DEGREES}\s*([NSns])\s*,?\s*{_DEGREES}\s*([EWew])\s*", re.ASCII)
_PAIR = re.compile(_POSITION.pattern + r"\s*,?" + _POSITION.pattern, re.ASCII)
_NUMBER = re.compile(r"\s*([+-]?(?:\d+(?:[.]\d*)?|[.]\d+))\s*", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)(?::(\d\d))?Z", re.ASCII)


def read_openair(data: bytes, name: str, defaults: Defaults) -> Contents:
    """Read an OpenAir file.

    Parameters
    ----------
    data
        The file.
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
        It is no OpenAir file, or something in it is no outline, limit or time; names the line.
    """
    try:
        return _File(name, defaults).contents(data)
    except InputError as error:
        raise error.at(name) from None


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    """The lines that are no comments, numbered from 1, without what follows an asterisk."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in data[:1000]:
        raise FormatError("not a text file", expected="OpenAir in UTF-8 or Windows-1252")
    encoding = "utf-8"
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    for number, line in enumerate(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), 1):
        if len(line) > LINE_MAX:
            raise FormatError(
                "too long a line", where=f"line {number}", expected=f"at most {LINE_MAX:,} characters"
            )
        kept = line.partition(b"*")[0].strip()
        if kept:
            yield number, kept.decode(encoding, errors="replace").strip()


class _File:
    """One file while it is read."""

    def __init__(self, name: str, defaults: Defaults) -> None:
        self.name = name
        self.party = defaults.party
        self.mode = OneMode(defaults)
        self.rows = Rows(name, self.mode)
        self.remarks = Remarks()
        self.named: dict[str, int] = {}
        self.zones = 0

    def contents(self, data: bytes) -> Contents:
        block: _Block | None = None
        terrain = False
        for number, line in _lines(data):
            match = _COMMAND.fullmatch(line)
            command = match.group(1).upper() if match else ""
            where = f"line {number}"
            opens = command == "AC" and (block is None or block.drawn or "AC" in block.said)
            if opens or (command == "AN" and (block is None or block.drawn)):  # some files put AN before AC
                self.close(block)
                block, terrain = _Block(number, self.remarks), False
            if match is not None and command == "AC" and block is not None:
                block.take_class(match.group(2).strip(), where)
            elif command in _TERRAIN:
                if block is None or block.drawn:
                    self.close(block)
                    block, terrain = None, True
                self.remarks.add("1 terrain element was ignored", "{n} terrain elements were ignored")
            elif terrain:
                continue
            elif match is None:
                raise FormatError(
                    "not a line of OpenAir",
                    where=where,
                    found=line,
                    expected="a command like AC, AN, AL or DP",
                )
            elif command in _IGNORED:
                what = _IGNORED[command]
                self.remarks.add(f"{what} were ignored (1 line)", f"{what} were ignored ({{n}} lines)")
            elif block is not None:
                block.take(command, match.group(2).strip(), where)
            elif command != "V":
                raise FormatError(
                    "a command outside a zone", where=where, found=line, expected="AC, which opens a zone"
                )
        self.close(block)
        if not self.zones:
            raise FormatError("no zone in it", expected="an OpenAir file with at least one zone (AC)")
        return Contents(
            path=self.name,
            format="openair",
            zones=self.rows.zones(mending=self.remarks),
            counts={"zones": self.zones, "outlines": len(self.rows)},
            ignored=self.remarks.sentences,
        )

    def close(self, block: _Block | None) -> None:
        """Turn a block that is complete into rows."""
        if block is None:
            return
        self.zones += 1
        label = block.name or f"{block.klass or 'zone'} at line {block.line}"
        seen = self.named[label] = self.named.get(label, 0) + 1
        ident = label if seen == 1 else f"{label} ({seen})"
        where = f"line {block.line}, zone {ident!r}"
        self.mode.take(None, where)
        for outline in block.outlines(where):
            for start, end in block.windows or [(EVER, FOREVER)]:
                self.rows.add(
                    ident,
                    Volume4D(outline, block.limit(floor=True), block.limit(floor=False), start, end),
                    where=where,
                    party=self.party,
                    kind=Kind.STATIC,
                    applies=AIRBORNE,
                    effect=block.effect,
                )


class _Arc:
    """An arc of an outline.

    Centre, the radii at its two ends, the azimuth of its start, its turn (clockwise positive), its ends.
    """

    def __init__(
        self,
        centre: _Point,
        radii: tuple[float, float],
        start: float,
        sweep: float,
        ends: tuple[_Point, _Point],
    ) -> None:
        self.centre, self.radii, self.start, self.sweep, self.ends = centre, radii, start, sweep, ends

    def points(self, *, outside: bool, tolerance_m: float = rings.ARC_M) -> list[_Point]:
        """Its start, the points between, its end."""
        radius = max(self.radii) if outside else min(self.radii)
        between = rings.arc(
            *self.centre, radius, self.start, self.sweep, outside=outside, tolerance_m=tolerance_m
        )
        return [self.ends[0], *((lat, lng) for lat, lng in between.tolist()), self.ends[1]]


class _Block:
    """One zone while it is read: from AC to the next."""

    def __init__(self, line: int, remarks: Remarks) -> None:
        self.line, self.remarks = line, remarks
        self.klass = self.name = self.type = ""
        self.windows: list[tuple[int, int]] = []
        self.always = False
        self.limits: dict[str, Altitude | None] = {}
        self.shape: list[_Point | _Arc] = []
        self.circle: Circle | None = None
        self.airway: list[_Point] = []
        self.centre: _Point | None = None
        self.clockwise = True
        self.width_m: float | None = None
        self.said: dict[str, str] = {}
        self.commands: dict[str, Callable[[str, str], None]] = {
            "AN": self.take_name,
            "AY": self.take_type,
            "AL": self.take_limit_low,
            "AH": self.take_limit_high,
            "AA": self.take_window,
            "V": self.take_variable,
            "DP": self.take_point,
            "DC": self.take_circle,
            "DA": self.take_arc_of_angles,
            "DB": self.take_arc_of_points,
            "DY": self.take_airway,
        }

    def take(self, command: str, rest: str, where: str) -> None:
        """Take one line."""
        handler = self.commands.get(command)
        if handler is None:
            raise FormatError(
                "not a command of OpenAir that is known",
                where=where,
                found=f"{command} {rest}",
                expected=f"one of AC, {', '.join(self.commands)} or {', '.join(_IGNORED)}",
            )
        if command in {"AN", "AY", "AL", "AH"}:
            if self.said.get(command, rest) != rest:
                raise FormatError(
                    "said twice, differently",
                    where=where,
                    found=f"{command} {rest}",
                    expected=f"one {command} in a zone",
                )
            self.said[command] = rest
        handler(rest, where)

    # -- what it is ---------------------------------------------------------------------------------------

    def take_class(self, rest: str, where: str) -> None:
        self.klass = self.said["AC"] = _name_in(rest, where)

    def take_name(self, rest: str, where: str) -> None:
        self.name = _name_in(rest, where)

    def take_type(self, rest: str, where: str) -> None:
        self.type = _name_in(rest, where)

    def take_limit_low(self, rest: str, where: str) -> None:
        self.limits["AL"] = _limit(parse_floor, rest, where)

    def take_limit_high(self, rest: str, where: str) -> None:
        self.limits["AH"] = _limit(parse_ceiling, rest, where)

    def limit(self, *, floor: bool) -> Altitude | None:
        """The floor or ceiling; open where the zone has none, which makes it larger."""
        return self.limits.get("AL" if floor else "AH")

    def take_window(self, rest: str, where: str) -> None:
        if rest.upper() == "NONE":
            self.remarks.add(
                "1 zone has no activation times (AA NONE), and counts as active at all times",
                "{n} zones have no activation times (AA NONE), and count as active at all times",
            )
            self.windows.append((EVER, FOREVER))
            return
        start, slash, end = rest.partition("/")
        if not slash:
            raise FormatError(
                "not an activation time", where=where, found=rest, expected="START/END, or NONE"
            )
        window = (_instant(start, EVER, where), _instant(end, FOREVER, where))
        if window[1] <= window[0]:
            raise FormatError(
                "the activation ends before it starts", where=where, found=rest, expected="START/END"
            )
        self.windows.append(window)

    # -- its outline --------------------------------------------------------------------------------------

    def take_variable(self, rest: str, where: str) -> None:
        name, equals, value = (part.strip() for part in rest.partition("="))
        name = name.upper()
        if not equals or name not in {"X", "D", "W", "Z", "T"}:
            raise FormatError("not a variable", where=where, found=f"V {rest}", expected="V X=, V D= or V W=")
        if name == "X":
            self.centre = _position(value, where)
        elif name == "D":
            if value not in {"+", "-"}:
                raise FormatError("not a direction", where=where, found=value, expected="+ (clockwise) or -")
            self.clockwise = value == "+"
        elif name == "W":
            self.width_m = _positive(value, where, "a width in NM") * NM_M

    def take_point(self, rest: str, where: str) -> None:
        self.shape.append(_position(rest, where))

    def take_circle(self, rest: str, where: str) -> None:
        if self.circle is not None:
            raise FormatError("a second circle in one zone", where=where, found=f"DC {rest}", expected="one")
        lat, lng = self.the_centre(where)
        self.circle = Circle(lat, lng, _positive(rest, where, "a radius in NM") * NM_M)

    def take_arc_of_angles(self, rest: str, where: str) -> None:
        parts = rest.split(",")
        if len(parts) != 3:
            raise FormatError("not an arc", where=where, found=f"DA {rest}", expected="DA RADIUS, START, END")
        radius = _positive(parts[0], where, "a radius in NM") * NM_M
        start, end = (_number(part, where, "degrees from true north") for part in parts[1:])
        centre = self.the_centre(where)
        ends = tuple(rings.at_bearing(*centre, azimuth, radius) for azimuth in (start, end))
        self.shape.append(_Arc(centre, (radius, radius), start, self.turn(start, end), (ends[0], ends[1])))

    def take_arc_of_points(self, rest: str, where: str) -> None:
        match = _PAIR.fullmatch(rest)
        if match is None:
            raise FormatError("not an arc", where=where, found=f"DB {rest}", expected="DB POSITION, POSITION")
        groups = match.groups()
        one, two = _degrees(groups[:10], where), _degrees(groups[10:], where)
        centre = self.the_centre(where)
        (start, near), (end, far) = rings.bearing(*centre, *one), rings.bearing(*centre, *two)
        if not 0.0 < min(near, far) <= max(near, far) < 1e6:
            raise FormatError(
                "an arc without a radius",
                where=where,
                found=f"{near:.0f} m and {far:.0f} m",
                expected="under 1,000 km",
            )
        if max(near, far) > 1.1 * min(near, far) + 100.0:
            self.remarks.add(
                "1 arc has ends at very different distances from its centre; the larger was taken",
                "{n} arcs have ends at very different distances from their centre; the larger were taken",
            )
        self.shape.append(_Arc(centre, (near, far), start, self.turn(start, end), (one, two)))

    def take_airway(self, rest: str, where: str) -> None:
        self.airway.append(_position(rest, where))

    def the_centre(self, where: str) -> _Point:
        """The centre in force."""
        if self.centre is None:
            raise FormatError("an arc or a circle without a centre", where=where, expected="V X= before it")
        return self.centre

    def turn(self, start: float, end: float) -> float:
        """Degrees from one azimuth to another, the way in force; a whole turn where they are equal."""
        turn = (end - start) % 360.0 if self.clockwise else (start - end) % 360.0
        turn = turn or 360.0
        return turn if self.clockwise else -turn

    @property
    def effect(self) -> str:
        """The class and the type, as written."""
        said = ((f"class {self.klass}", self.klass), (f"type {self.type}", self.type))
        return ", ".join(text for text, there in said if there)

    @property
    def drawn(self) -> bool:
        """Whether anything of the outline is there."""
        return bool(self.circle or self.shape or self.airway)

    def outlines(self, where: str) -> Iterator[Circle | Polygon]:
        """The zone's outlines, which together are the zone."""
        if bool(self.circle) + bool(self.shape) + bool(self.airway) != 1:
            raise FormatError(
                "not one outline",
                where=where,
                found="several kinds of outline" if self.drawn else "none",
                expected="points and arcs (DP, DA, DB), or a circle (DC), or an airway (DY)",
            )
        for command, end in (("AL", "lower"), ("AH", "upper")):
            if command not in self.limits:
                self.remarks.add(
                    f"1 zone has no {end} limit ({command}), and is open there",
                    f"{{n}} zones have no {end} limit ({command}), and are open there",
                )
        if self.circle is not None:
            yield self.circle
        elif self.airway:
            yield from self.legs(where)
        elif len(self.shape) == 1 and isinstance(self.shape[0], _Arc) and abs(self.shape[0].sweep) == 360.0:
            arc = self.shape[0]
            yield Circle(*arc.centre, max(arc.radii))
        else:
            yield polygon_of(self.ring(where))

    def legs(self, where: str) -> Iterator[Polygon]:
        if self.width_m is None or len(self.airway) < 2:
            raise FormatError(
                "an airway without a width or a leg", where=where, expected="V W= and two or more DY lines"
            )
        lat, lng = (np.array(column) for column in zip(*self.airway, strict=True))
        for corners in rings.corridor(lat, lng, 0.5 * self.width_m):
            yield polygon_of(corners)

    def ring(self, where: str) -> list[_Point]:
        """The outline's points, arcs followed on the side that makes the zone larger."""
        coarse: list[_Point] = []
        for part in self.shape:
            coarse += part.points(outside=False, tolerance_m=1e6) if isinstance(part, _Arc) else [part]
        clockwise = _winds_clockwise(coarse)
        ring: list[_Point] = []
        for part in self.shape:
            ring += part.points(outside=(part.sweep > 0.0) == clockwise) if isinstance(part, _Arc) else [part]
        ring = [point for k, point in enumerate(ring) if k == 0 or point != ring[k - 1]]
        if len(ring) > 1 and ring[0] == ring[-1]:
            ring.pop()
        if len(ring) > VERTICES_MAX:
            raise GeometryError(
                "too many vertices", where=where, found=len(ring), expected=f"at most {VERTICES_MAX:,}"
            )
        if len(set(ring)) < 3:
            raise GeometryError(
                "an outline needs three distinct points",
                where=where,
                found=len(set(ring)),
                expected="3 or more",
            )
        return ring


def _winds_clockwise(ring: list[_Point]) -> bool:
    """Whether a ring of (latitude, longitude) winds clockwise as seen on a map."""
    lat, lng = (np.array(column) for column in zip(*(*ring, ring[0]), strict=True))
    run = lng[0] + np.concatenate([[0.0], np.cumsum(rings.steps_deg(lng, lat))])
    return float(np.sum(run[:-1] * lat[1:] - run[1:] * lat[:-1])) < 0.0


# -- texts ------------------------------------------------------------------------------------------------


def _name_in(text: str, where: str) -> str:
    name = printable(text)
    if len(name) > LABEL_MAX:
        raise FormatError(
            "too long for a name",
            where=where,
            found=f"{len(name)} characters",
            expected=f"at most {LABEL_MAX}",
        )
    return name


def _limit(read: Callable[..., Altitude | None], text: str, where: str) -> Altitude | None:
    try:
        return read(text, where=where, default=AltitudeReference.AMSL, bare_unit="ft")
    except GeometryError as error:
        raise as_format_error(error) from None


def _number(text: str, where: str, what: str) -> float:
    match = _NUMBER.fullmatch(text)
    if match is None or abs(float(match.group(1))) > 1e6:
        raise FormatError("not a number", where=where, found=text, expected=what)
    return float(match.group(1))


def _positive(text: str, where: str, what: str) -> float:
    value = _number(text, where, what)
    if value <= 0.0:
        raise FormatError("not a length", where=where, found=text, expected=f"{what}, more than 0")
    return value


def _position(text: str, where: str) -> _Point:
    match = _POSITION.fullmatch(text)
    if match is None:
        raise FormatError(
            "not a position", where=where, found=text, expected="a position like 47:52:20 N 002:01:57 E"
        )
    return _degrees(match.groups(), where)


def _degrees(groups: Sequence[str | None], where: str) -> _Point:
    """A position from a match: twice degrees, minutes, seconds, a fraction and the hemisphere."""
    angles = []
    for half, limit in ((groups[:5], 90.0), (groups[5:], 180.0)):
        whole, minutes, seconds, fraction, hemisphere = half
        if float(minutes or 0) > 60.0 or float(seconds or 0) > 60.0:
            raise FormatError(
                "not an angle",
                where=where,
                found=f"{whole}:{minutes}:{seconds}",
                expected="minutes and seconds to 60",
            )
        angle = float(f"{whole}{fraction or ''}") + float(minutes or 0) / 60.0 + float(seconds or 0) / 3600.0
        if angle > limit:
            raise GeometryError(
                "not a position on earth", where=where, found=angle, expected=f"at most {limit:g} degrees"
            )
        angles.append(-angle if (hemisphere or "") in "SsWw" else angle)
    return angles[0], angles[1]


def _instant(text: str, when_open: int, where: str) -> int:
    """An instant of an activation time: minutes suffice, 24:00 is the next day's beginning."""
    text = text.strip()
    if text.upper() == "NONE":
        return when_open
    match = _TIME.fullmatch(text)
    if match is None:
        raise FormatError(
            "not an instant", where=where, found=text, expected="like 2023-12-16T12:00Z, or NONE"
        )
    day, hour, minute, second = match.groups()
    midnight = (hour, minute, second or "00") == ("24", "00", "00")
    clock = "00:00:00" if midnight else f"{hour}:{minute}:{second or '00'}"
    try:
        return parse_instant(f"{day}T{clock}Z", where=where) + (DAY_US if midnight else 0)
    except InputError as error:
        raise as_format_error(error) from None
