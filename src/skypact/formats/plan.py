"""QGroundControl plans: the mission of an uncrewed aircraft as a planned trajectory.

Law: no item that moves the aircraft is passed over. What moves it in a way that the file does not tell
(terrain following, a spline, a loiter without end, another's control) is refused with the reason; what does
not move it (cameras, servos, gimbals) is ignored by number. A plan has no times: it begins at ``--start``, at
the planned home position.

How it works. The mission is flown item by item, jumps included. A leg is straight over the ground at the
speed in force, its altitude linear; a multirotor's leg takes longer where it would climb faster than
:data:`CLIMB_M_S` or sink faster than :data:`SINK_M_S`. A multirotor climbs and lands vertically, a fixed wing
along its legs, a VTOL vertically and then as a fixed wing. Loiters with a radius are flown as circles, others
as hovering. Wind, acceleration and the width of turns are not in it; the remarks say so, with the speeds.

Altitudes are above mean sea level: frame 0 as written, frame 3 (relative to home) by the altitude of the
planned home position. Frame 10 (above terrain) is refused: the height of the terrain is not in the file.

Known limits: what the aircraft does after its last item is not known and not in the trajectory. Waiting for a
pilot (``autoContinue`` false) takes no time here. Geofences and rally points are not read as volumes.

Sources: QGroundControl developer guide, *Plan file format*; MAVLink common message set, MAV_CMD, MAV_FRAME,
MAV_TYPE.
"""

from __future__ import annotations

import math
import shlex
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import rings
from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import Kind, Labels
from skypact.airspace.moving import Trajectories
from skypact.errors import FormatError, GeometryError, InputError
from skypact.formats.contents import Contents
from skypact.formats.jsonpath import LABEL_MAX, Node, parse, printable
from skypact.formats.rows import OneMode, Remarks, own_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.formats.contents import Defaults

CLIMB_M_S: Final = 3.0
"""The climb rate that is assumed (the default of PX4's MPC_Z_VEL_MAX_UP)."""
SINK_M_S: Final = 1.5
"""The sink rate that is assumed (the default of PX4's MPC_Z_VEL_MAX_DN)."""
STEPS_MAX: Final = 100_000
"""More items than this, jumps counted, are no plan."""
SAMPLES_MAX: Final = 1_000_000
DURATION_MAX_S: Final = 30 * 86_400.0
"""Longer plans than this are taken for mistakes."""
TURNS_MAX: Final = 10_000.0

_PARTS_OF_A_TURN = 36
_FIXED_WING, _MULTIROTOR, _VTOL, _VEHICLE = "fixed wing", "multirotor", "VTOL", "ground vehicle"
_TYPES: Final = {
    1: _FIXED_WING,
    **dict.fromkeys((2, 3, 4, 13, 14, 15, 29, 35), _MULTIROTOR),
    **dict.fromkeys(range(19, 26), _VTOL),
    10: _VEHICLE,
    11: _VEHICLE,
}
_FRAMES_AMSL = (0, 5)
_FRAMES_HOME = (3, 6)
_FRAMES_TERRAIN = (10, 11)
_TERRAIN_MODES = (3, 4)
_HARMLESS: Final = frozenset(
    (
        80,  # NAV_ROI: where the camera looks
        *(112, 114, 115),  # CONDITION_DELAY, _DISTANCE, _YAW hold up the next DO command, not the aircraft
        *(181, 182, 183, 184, 187),  # relays, servos, actuators
        *(188, 189),  # DO_RETURN_PATH_START, DO_LAND_START: marks
        *(
            194,
            195,
            196,
            197,
            198,
            200,
            201,
            202,
            203,
            204,
            205,
            206,
            207,
        ),  # direction, ROI, camera, mount, fence
        *(210, 211, 212, 214, 218, 220, 222, 223),  # gripper, camera interval, mount, limits, engine
        *(420, 500, 510, 512, 520, 521, 522, 525, 530, 531, 532, 533, 534),
        *(1000, 1001, 2000, 2001, 2003, 2004, 2005, 2500, 2501, 2502, 2503),
    )
)
_REFUSED: Final = {
    17: "a loiter without end has no planned end (use LOITER_TIME, 19)",
    25: "following another vehicle has no planned path",
    30: "changing altitude on the way has no planned place",
    32: "following another vehicle has no planned path",
    33: "following another vehicle has no planned path",
    34: "an orbit without end has no planned end",
    81: "path planning by the vehicle has no planned path",
    82: "the curve of a spline is made by the vehicle (use waypoints, 16)",
    92: "control by another computer has no planned path",
    94: "placing a payload descends to a ground whose height is not in the file",
    113: "changing altitude on the way has no planned place",
    176: "another flight mode has no planned path",
    179: "another home changes the altitudes relative to it",
    185: "flight termination has no planned path",
    186: "changing altitude on the way has no planned place",
    191: "a go-around has no planned path",
    192: "repositioning is no part of a mission",
    208: "a parachute has no planned path",
    213: "setting yaw and speed has no planned path",
    216: "a standby has no planned end",
}


def read_plan(data: bytes, name: str, defaults: Defaults) -> Contents:
    """Read a QGroundControl plan (``.plan``).

    Parameters
    ----------
    data
        The document.
    name
        Its name, for messages and as the source; its stem is the plan's id.
    defaults
        ``start_us`` is needed. Party, kind (uncrewed; a rover or boat is ground) and data mode (real) where
        given.

    Returns
    -------
    Contents
        With one trajectory in ``plans``, altitudes above mean sea level.

    Raises
    ------
    InputError
        It is no plan, has an item that cannot be flown from what the file tells, or no start was given; names
        the JSON path.
    """
    try:
        return _read(parse(data), name, defaults)
    except InputError as error:
        raise error.at(name) from None


def _read(root: Node, name: str, defaults: Defaults) -> Contents:
    remarks = Remarks()
    root.object("a plan")
    kind = root.get("fileType")
    if kind is None or kind.value != "Plan":
        raise FormatError(
            "not a plan",
            where="fileType",
            found=None if kind is None else str(kind.value)[:60],
            expected="Plan",
        )
    mission = root.need("mission", expected="a mission").object("a mission")
    for node, known in ((root.get("version"), (1,)), (mission.get("version"), (1, 2))):
        if node is not None and node.whole("a version number") not in known:
            raise node.error("not a version of the format that is known", " or ".join(map(str, known)))
    items = list(mission.need("items", expected="an array of mission items").elements("an array of items"))
    if not items:
        raise FormatError("the mission is empty", where="mission.items", expected="at least one item")
    _say_what_is_left_out(root, remarks)
    if defaults.start_us is None:
        raise FormatError(
            "a plan has no times of its own, and --start TIME is not given",
            expected=f"a line like: skypact check {shlex.quote(name)} --start 2017-06-08T14:00:00Z",
        )
    flight = _Flight(mission, remarks)
    flight.fly(_flattened(items))
    flight.finish()
    if flight.t[-1] > DURATION_MAX_S:
        raise FormatError(
            "longer than any flight",
            where="mission",
            found=f"{flight.t[-1] / 86_400.0:.0f} days",
            expected="30 days",
        )
    ident = printable(PurePath(name).stem)[:LABEL_MAX] or "plan"
    of = Kind.GROUND if flight.vehicle == _VEHICLE else Kind.UNCREWED
    mode = OneMode(defaults)
    labels = Labels.of(
        [ident],
        party=defaults.party,
        kind=of if defaults.kind is None else defaults.kind,
        source=name,
        body=[own_body(ident, name)],
        data_mode=mode.mode,
    )
    plan = Trajectories.one(
        ident,
        defaults.start_us + np.round(np.array(flight.t) * 1e6).astype(np.int64),
        np.array(flight.lat),
        np.array(flight.lng),
        np.array(flight.alt),
        reference=AltitudeReference.AMSL,
        labels=labels,
    )
    return Contents(
        path=name,
        format="plan",
        plans=plan,
        counts={"plans": 1, "points": len(flight.t), "items": len(items)},
        ignored=remarks.sentences,
    )


def _say_what_is_left_out(root: Node, remarks: Remarks) -> None:
    fence, rally = root.get("geoFence"), root.get("rallyPoints")
    if fence is not None and fence.is_object:
        shapes = [fence.get("polygons", "polygon"), fence.get("circles")]
        n = sum(len(node.value) for node in shapes if node is not None and node.is_array)
        remarks.add(
            "1 geofence was ignored: it limits this aircraft only",
            "{n} geofences were ignored: they limit this aircraft only",
            n,
        )
    if rally is not None and rally.is_object:
        points = rally.get("points")
        remarks.add(
            "1 rally point was ignored: it is flown to in an emergency only",
            "{n} rally points were ignored: they are flown to in an emergency only",
            len(points.value) if points is not None and points.is_array else 0,
        )


# -- items ------------------------------------------------------------------------------------------------


class _Item:
    """A simple item: its command, frame and seven parameters, NaN where null."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.command = node.need("command", expected="a MAV_CMD number").whole("a MAV_CMD number")
        frame = node.get("frame")
        self.frame = 0 if frame is None else frame.whole("a MAV_FRAME number")
        number = node.get("doJumpId")
        self.number = None if number is None else number.whole("the item's number")
        params = list(node.need("params", expected="an array of 7 numbers").elements("an array of 7 numbers"))
        old = node.get("coordinate")  # version 1 keeps the position apart
        if len(params) == 4 and old is not None:
            params += list(old.elements("[latitude, longitude, altitude]"))
        if len(params) != 7:
            raise node.need("params").error("not the parameters of an item", "an array of 7 numbers")
        self.p = [math.nan if param.value is None else param.number("a number or null") for param in params]
        above = node.get("AMSLAltAboveTerrain")
        self.amsl = None if above is None else above.number("metres above mean sea level")
        mode = node.get("AltitudeMode")
        self.mode = None if mode is None else mode.whole("an altitude mode")

    def param(self, index: int, unset: float = 0.0) -> float:
        """A parameter, counted from 1 as MAVLink does; ``unset`` where it is null."""
        value = self.p[index - 1]
        return unset if math.isnan(value) else value

    @property
    def here(self) -> bool:
        """Whether it has no position of its own: null or zero, as MAVLink has it."""
        lat, lng = self.p[4], self.p[5]
        return math.isnan(lat) or math.isnan(lng) or (lat == 0.0 and lng == 0.0)

    def position(self) -> tuple[float, float]:
        lat, lng = self.p[4], self.p[5]
        for value, index, limit in ((lat, 4, 90.0), (lng, 5, 180.0)):
            if not abs(value) <= limit:
                raise GeometryError(
                    "not a position on earth",
                    where=f"{self.node.path}.params[{index}]",
                    found=value,
                    expected=f"degrees, {-limit:g} to {limit:g}",
                )
        return lat, lng


class _Landing:
    """A landing pattern: where the approach begins and ends, the loiter's radius, how altitudes count.

    A radius of 0 is no loiter; a negative one is flown counter-clockwise.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.approach = node.need(
            "landingApproachCoordinate", "loiterCoordinate", expected="[latitude, longitude, altitude]"
        )
        self.land = node.need("landCoordinate", expected="[latitude, longitude, altitude]")
        relative = node.get("altitudesAreRelative")
        self.relative = relative is None or relative.flag()
        loiter, radius, clockwise = (
            node.get("useLoiterToAlt"),
            node.get("loiterRadius"),
            node.get("loiterClockwise"),
        )
        turns = loiter is None or loiter.flag()
        self.radius = radius.number("a radius in metres") if radius is not None and turns else 0.0
        if clockwise is not None and not clockwise.flag():
            self.radius = -self.radius


def _flattened(items: list[Node]) -> list[_Item | _Landing]:
    """The mission's items in order, patterns dissolved into the items they hold."""
    flat: list[_Item | _Landing] = []
    for item in items:
        kind = item.object("a mission item").need("type", expected="SimpleItem or ComplexItem").text()
        if kind == "SimpleItem":
            flat.append(_Item(item))
            continue
        if kind != "ComplexItem":
            raise item.need("type").error("not a mission item", "SimpleItem or ComplexItem")
        pattern = item.need("complexItemType", expected="the type of a pattern").label()
        if pattern in {"fwLandingPattern", "vtolLandingPattern"}:
            flat.append(_Landing(item))
            continue
        transects = item.get("TransectStyleComplexItem")
        inner = transects.object("the transects of a pattern").get("Items") if transects is not None else None
        if inner is None:
            raise FormatError(
                f"the path of a {pattern} is not in the file",
                where=item.path,
                expected="TransectStyleComplexItem.Items, as QGroundControl saves surveys and corridor scans",
            )
        flat += [_Item(part.object("a mission item")) for part in inner.elements("an array of items")]
    return flat


# -- the flight -------------------------------------------------------------------------------------------


class _Flight:
    """The aircraft while its mission is flown: where it is, when, and where it has been."""

    def __init__(self, mission: Node, remarks: Remarks) -> None:
        self.remarks = remarks
        kind = mission.get("vehicleType")
        number = 2 if kind is None else kind.whole("a MAV_TYPE number")
        vehicle = _TYPES.get(number)
        if vehicle is None:
            raise FormatError(
                "a vehicle whose way of moving is not known",
                where="mission.vehicleType",
                found=number,
                expected="fixed wing 1, multirotor 2 to 4 or 13 to 15, VTOL 19 to 25, rover 10, boat 11",
            )
        self.vehicle = vehicle
        self.mission = mission
        home = [
            node.number("degrees or metres")
            for node in mission.need(
                "plannedHomePosition", expected="[latitude, longitude, altitude]"
            ).elements("a position")
        ]
        if len(home) != 3 or not (abs(home[0]) <= 90.0 and abs(home[1]) <= 180.0):
            raise mission.need("plannedHomePosition").error(
                "not a position", "[latitude, longitude, metres above mean sea level]"
            )
        self.home = (home[0], home[1], home[2])
        self.t, self.lat, self.lng, self.alt = [0.0], [home[0]], [home[1]], [home[2]]
        self.winged = vehicle == _FIXED_WING
        self.airborne = False
        self.speed: float | None = None
        self.climb, self.sink = CLIMB_M_S, SINK_M_S
        self.harmless: dict[int, int] = {}
        self.used: dict[str, float] = {}
        self.handlers: dict[int, Callable[[_Item], None]] = {
            16: self.waypoint,
            18: self.loiter_turns,
            19: self.loiter_time,
            20: self.return_home,
            21: self.land,
            22: self.take_off,
            31: self.loiter_to_altitude,
            84: self.take_off,
            85: self.land_vertically,
            93: self.delay,
            178: self.change_speed,
            3000: self.transition,
        }

    # -- the mission --------------------------------------------------------------------------------------

    def fly(self, items: list[_Item | _Landing]) -> None:
        """Fly all items, following jumps."""
        numbered = {
            item.number: k
            for k, item in enumerate(items)
            if isinstance(item, _Item) and item.number is not None
        }
        left: dict[int, int] = {}
        k = steps = 0
        while k < len(items):
            steps += 1
            item = items[k]
            if steps > STEPS_MAX or len(self.t) > SAMPLES_MAX:
                raise FormatError(
                    "too long a mission",
                    where=item.node.path,
                    expected=f"at most {STEPS_MAX:,} items with all jumps",
                )
            k += 1
            if isinstance(item, _Landing):
                self.landing_pattern(item)
            elif item.command == 177:
                repeat = left.setdefault(k, int(item.param(2)))
                if repeat < 0:
                    raise item.node.error("a jump without end has no planned end", "a number of repeats")
                if repeat:
                    left[k] = repeat - 1
                    target = numbered.get(int(item.param(1)))
                    if target is None:
                        raise FormatError(
                            "a jump to no item",
                            where=item.node.path,
                            found=f"item {item.param(1):g}",
                            expected="the doJumpId of one",
                        )
                    k = target
            else:
                self.step(item)

    def step(self, item: _Item) -> None:
        waits = item.node.get("autoContinue")
        if waits is not None and not waits.flag():
            self.remarks.add(
                "1 item waits for the pilot (autoContinue false), which was taken as no wait",
                "{n} items wait for the pilot (autoContinue false), which was taken as no wait",
            )
        handler = self.handlers.get(item.command)
        if handler is not None:
            handler(item)
            return
        reason = _REFUSED.get(item.command)
        if reason is None and item.command not in _HARMLESS and (item.command < 96 or not item.here):
            reason = "a command that is not known and may move the aircraft"
        if reason is not None:
            raise FormatError(
                f"command {item.command} cannot be planned: {reason}",
                where=item.node.path,
                expected="a mission without it",
            )
        self.harmless[item.command] = self.harmless.get(item.command, 0) + 1

    def finish(self) -> None:
        """Say what the trajectory assumes and leaves out."""
        if self.harmless:
            listed = ", ".join(f"{command} ({n})" for command, n in sorted(self.harmless.items()))
            self.remarks.add(
                f"commands that do not move the aircraft were ignored, by number (and times): {listed}"
            )
        speeds = ", ".join(f"{speed:g} m/s ({name})" for name, speed in self.used.items())
        self.remarks.add(
            f"times assume {speeds or 'no ground speed'}, vertical climbs at {self.climb:g} m/s, descents "
            f"at {self.sink:g} m/s, and neither wind nor acceleration"
        )
        if self.airborne:
            self.remarks.add("the plan ends without a landing; what the aircraft does then is not in it")

    # -- items that move it -------------------------------------------------------------------------------

    def waypoint(self, item: _Item) -> None:
        self.begin(self.altitude(item))
        self.go(*self.place(item), self.altitude(item))
        if not self.winged:
            self.hold(item.param(1), item)

    def take_off(self, item: _Item) -> None:
        altitude = self.altitude(item)
        self.airborne = True
        if not self.winged:
            self.rise(altitude)
        if self.vehicle == _VTOL and item.command == 84:
            self.winged, self.speed = True, None
        self.go(*self.place(item), altitude)

    def land(self, item: _Item) -> None:
        lat, lng = self.place(item)
        ground = self.altitude(item, unset=self.home[2])
        if not self.winged:
            self.go(lat, lng, self.alt[-1])
        self.go(lat, lng, ground)
        self.airborne = False

    def land_vertically(self, item: _Item) -> None:
        self.go(*self.place(item), self.alt[-1])
        self.rise(self.altitude(item, unset=self.home[2]))
        self.airborne = self.winged = False
        self.speed = None

    def return_home(self, item: _Item) -> None:
        del item
        self.go(self.home[0], self.home[1], self.alt[-1])
        self.remarks.add("the return home is planned at the altitude at which it begins")
        if self.vehicle != _FIXED_WING:
            self.rise(self.home[2])
            self.airborne = False

    def loiter_time(self, item: _Item) -> None:
        altitude = self.altitude(item)
        self.begin(altitude)
        seconds = item.param(1)
        if seconds < 0.0:
            raise item.node.error("a time below zero", "params[0] in seconds")
        radius = item.param(3)
        if self.winged and radius:
            self.circle(item, self.place(item), radius, altitude, altitude, seconds=seconds)
            return
        self.go(*self.place(item), altitude)
        self.hold(seconds, item)

    def loiter_turns(self, item: _Item) -> None:
        altitude = self.altitude(item)
        self.begin(altitude)
        turns, radius = item.param(1), item.param(3)
        if turns < 0.0:
            raise item.node.error("turns below zero", "params[0], a number of turns")
        if not radius:
            raise FormatError(
                "a loiter in turns without a radius", where=f"{item.node.path}.params[2]", expected="metres"
            )
        self.circle(item, self.place(item), radius, altitude, altitude, turns=turns)

    def loiter_to_altitude(self, item: _Item) -> None:
        self.begin(self.altitude(item))
        self.spiral(item, *self.place(item), self.altitude(item), item.param(2))

    def landing_pattern(self, item: _Landing) -> None:
        places = []
        for node in (item.approach, item.land):
            values = [
                part.number("degrees or metres") for part in node.elements("[latitude, longitude, altitude]")
            ]
            if len(values) != 3 or not (abs(values[0]) <= 90.0 and abs(values[1]) <= 180.0):
                raise node.error("not a position", "[latitude, longitude, altitude in metres]")
            places.append((values[0], values[1], values[2] + (self.home[2] if item.relative else 0.0)))
        (lat, lng, high), (to_lat, to_lng, ground) = places
        self.begin(high)
        self.spiral(item, lat, lng, high, item.radius)
        if self.vehicle == _FIXED_WING:
            self.go(to_lat, to_lng, ground)
        else:
            self.go(to_lat, to_lng, high)
            self.rise(ground)
        self.airborne = False

    # -- items that change how it moves -------------------------------------------------------------------

    def delay(self, item: _Item) -> None:
        if item.param(1, -1.0) < 0.0:
            raise item.node.error("a delay until a time of day has no planned length", "params[0] in seconds")
        self.hold(item.param(1), item)

    def change_speed(self, item: _Item) -> None:
        what, speed = item.param(1), item.param(2, -1.0)
        if speed == -1.0:
            return
        if speed == -2.0:
            self.speed = None
            return
        if not 0.1 <= speed <= 1000.0:
            raise FormatError(
                "not a speed", where=f"{item.node.path}.params[1]", found=speed, expected="metres a second"
            )
        if what in {0.0, 1.0}:
            self.speed = speed
            self.used["as the mission sets it"] = speed
        elif what == 2.0:
            self.climb = speed
        elif what == 3.0:
            self.sink = speed
        else:
            raise FormatError(
                "not a kind of speed",
                where=f"{item.node.path}.params[0]",
                found=what,
                expected="0, 1, 2 or 3",
            )

    def transition(self, item: _Item) -> None:
        if self.vehicle != _VTOL or item.param(1) not in {3.0, 4.0}:
            raise item.node.error(
                "not a transition that this vehicle makes", "params[0] 3 (hover) or 4 (forward)"
            )
        self.winged = item.param(1) == 4.0
        self.speed = None

    # -- moving -------------------------------------------------------------------------------------------

    def place(self, item: _Item) -> tuple[float, float]:
        """The item's position, or the present one."""
        return (self.lat[-1], self.lng[-1]) if item.here else item.position()

    def altitude(self, item: _Item, unset: float | None = None) -> float:
        """The item's altitude above mean sea level."""
        if item.frame in _FRAMES_TERRAIN or (
            item.mode in _TERRAIN_MODES and math.isnan(item.p[6]) and item.amsl is None
        ):
            raise FormatError(
                "an altitude above terrain, whose height is not in the file",
                where=item.node.path,
                found=f"frame {item.frame}, altitude mode {item.mode}"
                if item.mode is not None
                else f"frame {item.frame}",
                expected="altitudes relative to home (frame 3) or above mean sea level (frame 0)",
            )
        if item.frame not in (*_FRAMES_AMSL, *_FRAMES_HOME):
            raise FormatError(
                "a frame without altitudes on earth",
                where=f"{item.node.path}.frame",
                found=item.frame,
                expected="0 or 3",
            )
        height = item.p[6]
        if math.isnan(height):
            if item.amsl is not None:
                return item.amsl
            return self.alt[-1] if unset is None else unset
        return height + (self.home[2] if item.frame in _FRAMES_HOME else 0.0)

    def ground_speed(self) -> float:
        """The speed over the ground that is in force, in metres a second."""
        if self.speed is not None:
            return self.speed
        name = "cruiseSpeed" if self.winged or self.vehicle == _VEHICLE else "hoverSpeed"
        node = self.mission.need(name, expected="a speed in metres a second")
        speed = node.number("metres a second")
        if not 0.1 <= speed <= 1000.0:
            raise node.error("not a speed", "metres a second, 0.1 to 1,000")
        self.used[name] = speed
        return speed

    def begin(self, altitude: float) -> None:
        """Leave the ground where the mission has no takeoff."""
        if self.airborne or self.vehicle == _VEHICLE:
            return
        self.airborne = True
        self.remarks.add(
            "the mission has no takeoff; it is taken to begin with one at the planned home position"
        )
        if not self.winged:
            self.rise(altitude)

    def add(self, seconds: float, lat: float, lng: float, alt: float) -> None:
        if len(self.t) > SAMPLES_MAX:
            raise FormatError(
                "too long a mission", where="mission", expected=f"at most {SAMPLES_MAX:,} points"
            )
        self.t.append(self.t[-1] + seconds)
        self.lat.append(lat)
        self.lng.append(lng)
        self.alt.append(alt)

    def vertical_s(self, rise: float) -> float:
        return rise / self.climb if rise >= 0.0 else -rise / self.sink

    def go(self, lat: float, lng: float, alt: float) -> None:
        """Fly straight to a position, its altitude changing evenly on the way."""
        _, metres = rings.bearing(self.lat[-1], self.lng[-1], lat, lng)
        rise = alt - self.alt[-1]
        seconds = metres / self.ground_speed() if metres > 0.0 else 0.0
        if not self.winged or metres == 0.0:
            seconds = max(seconds, self.vertical_s(rise))
        if metres > 0.0 or rise:
            self.add(seconds, lat, lng, alt)

    def rise(self, alt: float) -> None:
        """Climb or sink vertically."""
        if alt != self.alt[-1]:
            self.add(self.vertical_s(alt - self.alt[-1]), self.lat[-1], self.lng[-1], alt)

    def hold(self, seconds: float, item: _Item) -> None:
        if not 0.0 <= seconds <= DURATION_MAX_S:
            raise FormatError(
                "not a time to wait",
                where=f"{item.node.path}.params[0]",
                found=seconds,
                expected="seconds, up to 30 days",
            )
        if seconds:
            self.add(seconds, self.lat[-1], self.lng[-1], self.alt[-1])

    def spiral(self, item: _Item | _Landing, lat: float, lng: float, alt: float, radius: float) -> None:
        """Fly to a place and change to another altitude there, in circles if there is a radius."""
        seconds = self.vertical_s(alt - self.alt[-1])
        if self.winged and radius:
            self.circle(item, (lat, lng), radius, self.alt[-1], alt, seconds=seconds)
        else:
            self.go(lat, lng, self.alt[-1])
            self.rise(alt)

    def circle(
        self,
        item: _Item | _Landing,
        centre: tuple[float, float],
        radius: float,
        alt: float,
        end_alt: float,
        *,
        seconds: float = 0.0,
        turns: float | None = None,
    ) -> None:
        """Fly to a circle and along it, clockwise if the radius is positive."""
        if not 1.0 <= abs(radius) <= 100_000.0:
            raise FormatError(
                "not a radius to loiter on",
                where=item.node.path,
                found=radius,
                expected="metres, 1 to 100,000",
            )
        speed = self.ground_speed()
        if turns is None:
            turns = seconds * speed / (2.0 * math.pi * abs(radius))
        if not turns <= TURNS_MAX:
            raise FormatError(
                "too many turns",
                where=item.node.path,
                found=f"{turns:.0f}",
                expected=f"at most {TURNS_MAX:,.0f}",
            )
        azimuth, _ = rings.bearing(*centre, self.lat[-1], self.lng[-1])
        self.go(*rings.at_bearing(*centre, azimuth, abs(radius)), alt)
        parts = max(math.ceil(turns * _PARTS_OF_A_TURN), 1)
        each = turns * 2.0 * math.pi * abs(radius) / speed / parts
        for k in range(1, parts + 1):
            at = azimuth + math.copysign(360.0 * turns * k / parts, radius)
            self.add(each, *rings.at_bearing(*centre, at, abs(radius)), alt + (end_alt - alt) * k / parts)
