"""QGroundControl plans: flown item by item, and refused where the file does not tell the way."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

from skypact.airspace import AltitudeReference, DataMode, Kind, Trajectories
from skypact.errors import InputError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.plan import CLIMB_M_S, SINK_M_S, read_plan

GEOD = Geod(ellps="WGS84")
START_US = 1_496_923_200_000_000
HOME = [47.0, 8.0, 400.0]
STARTED = Defaults(start_us=START_US)


def item(command: int, *params: float | str | None, frame: int = 3, **members: Any) -> dict[str, Any]:
    """A simple item; parameters that are not given are 0."""
    padded = [*params, *(0.0 for _ in range(7 - len(params)))]
    return {
        "type": "SimpleItem",
        "command": command,
        "frame": frame,
        "params": padded,
        "autoContinue": True,
        **members,
    }


def at(
    command: int, lat: float, lng: float, alt: float | None, *first: float, **members: Any
) -> dict[str, Any]:
    """A simple item with a position."""
    return item(command, *first, *(0.0 for _ in range(4 - len(first))), lat, lng, alt, **members)


TAKE_OFF = at(22, 47.0, 8.0, 30.0)
LAND = at(21, 47.0, 8.0, 0.0)


def plan(*items: Any, vehicle: int | None = 2, **members: Any) -> dict[str, Any]:
    """A plan of these items; ``members`` change the mission."""
    mission = {
        "version": 2,
        "vehicleType": vehicle,
        "cruiseSpeed": 15,
        "hoverSpeed": 5,
        "plannedHomePosition": HOME,
        "items": list(items),
        **members,
    }
    return {"fileType": "Plan", "version": 1, "groundStation": "QGroundControl", "mission": mission}


def read(document: Any, defaults: Defaults = STARTED, name: str = "survey.plan") -> Contents:
    """Read this document."""
    return read_plan(json.dumps(document).encode(), name, defaults)


def fly(*items: Any, **members: Any) -> Trajectories:
    """The trajectory of a plan of these items."""
    plans = read(plan(*items, **members)).plans
    assert plans is not None
    return plans


def seconds(flown: Trajectories) -> list[float]:
    """Seconds since the start, of every sample."""
    times: list[float] = ((flown.time_us - START_US) * 1e-6).tolist()
    return times


def refused(*items: Any, **members: Any) -> str:
    """The text of the error that this plan gives."""
    with pytest.raises(InputError) as caught:
        read(plan(*items, **members))
    return str(caught.value)


def test_a_multirotor_climbs_flies_and_lands() -> None:
    """Vertical legs at the assumed rates, level legs at hover speed, altitudes above mean sea level."""
    contents = read(plan(TAKE_OFF, at(16, 47.01, 8.0, 30.0), LAND), Defaults(START_US, party="blue"))
    flown = contents.plans
    assert flown is not None
    _, _, metres = GEOD.inv(8.0, 47.0, 8.0, 47.01)
    climb, leg, sink = 30.0 / CLIMB_M_S, metres / 5.0, 30.0 / SINK_M_S
    assert seconds(flown) == pytest.approx(
        [0.0, climb, climb + leg, climb + 2 * leg, climb + 2 * leg + sink], abs=1e-5
    )
    assert flown.altitude_m.tolist() == [400.0, 430.0, 430.0, 430.0, 400.0]
    assert flown.lat_deg.tolist() == [47.0, 47.0, 47.01, 47.0, 47.0]
    assert flown.reference[0] == AltitudeReference.AMSL
    labels = flown.labels
    assert (labels.ids[0], labels.party_of(0), labels.kind[0]) == ("survey", "blue", Kind.UNCREWED)
    assert labels.body_of(0) == "survey in survey.plan"
    assert contents.counts == {"plans": 1, "points": 5, "items": 3}
    assert contents.ignored == (
        (
            "times assume 5 m/s (hoverSpeed), vertical climbs at 3 m/s, descents at 1.5 m/s, and neither "
            "wind nor acceleration"
        ),
    )
    assert (contents.format, contents.tracks) == ("plan", None)


def test_a_plan_without_a_start_says_the_line_to_type() -> None:
    """The error names the option and gives the command."""
    with pytest.raises(InputError) as caught:
        read(plan(TAKE_OFF), Defaults(), name="my plan.plan")
    assert "--start TIME is not given" in str(caught.value)
    assert "skypact check 'my plan.plan' --start 2017-06-08T14:00:00Z" in str(caught.value)


def test_kind_and_mode_may_be_given() -> None:
    """Defaults come before the format's own."""
    plans = read(plan(TAKE_OFF), Defaults(START_US, kind=Kind.GROUND, data_mode=DataMode.TEST)).plans
    assert plans is not None
    assert (plans.labels.kind[0], plans.labels.data_mode) == (Kind.GROUND, DataMode.TEST)


@pytest.mark.parametrize(("frame", "altitude"), [(0, 500.0), (5, 500.0), (3, 900.0), (6, 900.0)])
def test_altitudes_count_from_the_sea_or_from_home(frame: int, altitude: float) -> None:
    """Frame 0 is above mean sea level, frame 3 above home."""
    assert fly(at(22, 47.0, 8.0, 500.0, frame=frame)).altitude_m[-1] == altitude


def test_an_altitude_that_the_ground_station_worked_out_is_taken() -> None:
    """Above terrain, with the sum in the file."""
    worked_out = at(22, 47.0, 8.0, None, frame=0, AltitudeMode=3, AMSLAltAboveTerrain=455.0)
    assert fly(worked_out).altitude_m[-1] == 455.0


@pytest.mark.parametrize(
    "above",
    [
        at(16, 47.0, 8.0, 30.0, frame=10),
        at(16, 47.0, 8.0, 30.0, frame=11),
        at(16, 47.0, 8.0, None, frame=0, AltitudeMode=3),
    ],
    ids=["frame 10", "frame 11", "not worked out"],
)
def test_altitudes_above_terrain_are_refused_with_the_reason(above: Any) -> None:
    """The height of the terrain is not in the file."""
    message = refused(TAKE_OFF, above)
    assert (
        "survey.plan: mission.items[1]: an altitude above terrain, whose height is not in the file" in message
    )
    assert "relative to home (frame 3) or above mean sea level (frame 0)" in message


def test_a_leg_that_climbs_too_steeply_takes_as_long_as_the_climb() -> None:
    """A multirotor goes straight, but no faster up or down than it can."""
    flown = fly(TAKE_OFF, at(16, 47.0001, 8.0, 330.0), at(16, 47.0002, 8.0, 30.0))
    assert np.diff(seconds(flown)).tolist() == pytest.approx([10.0, 300.0 / CLIMB_M_S, 300.0 / SINK_M_S])


def test_holding_and_delays_take_their_time() -> None:
    """At a waypoint, and by command."""
    flown = fly(TAKE_OFF, at(16, 47.0, 8.0, 30.0, 12.0), item(93, 8.0), at(19, 47.0, 8.0, 30.0, 20.0))
    assert seconds(flown) == pytest.approx([0.0, 10.0, 22.0, 30.0, 50.0])


def test_speeds_change_when_the_mission_says_so() -> None:
    """Ground speed, climb and descent; -1 changes nothing, -2 goes back."""
    _, _, metres = GEOD.inv(8.0, 47.0, 8.0, 47.01)
    there, back = at(16, 47.01, 8.0, 30.0), at(16, 47.0, 8.0, 30.0)
    flown = fly(TAKE_OFF, item(178, 1, 10), there, item(178, 1, -1), back, item(178, 1, -2), there)
    assert np.diff(seconds(flown)).tolist() == pytest.approx(
        [10.0, metres / 10, metres / 10, metres / 5], abs=1e-5
    )
    slow = fly(item(178, 2, 1), item(178, 3, 0.5), TAKE_OFF, LAND)
    assert np.diff(seconds(slow)).tolist() == pytest.approx([30.0, 60.0])


def test_a_fixed_wing_climbs_along_its_legs() -> None:
    """At cruise speed, without stopping; it loiters in circles and lands along the last leg."""
    away = at(22, 47.01, 8.0, 50.0)
    _, _, metres = GEOD.inv(8.0, 47.0, 8.0, 47.01)
    flown = fly(away, at(16, 47.02, 8.0, 50.0, 99.0), at(21, 47.0, 8.0, 0.0), vehicle=1)
    assert flown.lat_deg.tolist() == [47.0, 47.01, 47.02, 47.0]
    assert flown.altitude_m.tolist() == [400.0, 450.0, 450.0, 400.0]
    assert seconds(flown)[1] == pytest.approx(metres / 15.0, abs=1e-5)


@pytest.mark.parametrize(
    ("loiter", "turned"),
    [
        (at(18, 47.02, 8.0, 50.0, 2.0, 0.0, 100.0), 720.0),
        (at(19, 47.02, 8.0, 50.0, 60.0, 0.0, -100.0), -515.66),
    ],
    ids=["turns", "time"],
)
def test_a_fixed_wing_loiters_in_circles(loiter: Any, turned: float) -> None:
    """On the circle, in its direction, for the turns or the time."""
    flown = fly(at(22, 47.01, 8.0, 50.0), loiter, vehicle=1)
    on = slice(2, None)
    n = flown.lat_deg[on].shape[0]
    azimuth, _, metres = GEOD.inv(np.full(n, 8.0), np.full(n, 47.02), flown.lng_deg[on], flown.lat_deg[on])
    assert np.allclose(metres, 100.0, atol=1e-6)
    steps = (np.diff(azimuth) + 180.0) % 360.0 - 180.0
    assert np.sum(steps) == pytest.approx(turned, abs=0.01)
    assert seconds(flown)[-1] - seconds(flown)[2] == pytest.approx(
        abs(turned) / 360.0 * 2 * np.pi * 100.0 / 15.0, abs=1e-3
    )


def test_a_loiter_to_an_altitude_changes_it_there() -> None:
    """In circles on wings with a radius, vertically otherwise."""
    spiral = fly(at(22, 47.01, 8.0, 50.0), at(31, 47.02, 8.0, 110.0, 0.0, 80.0), vehicle=1)
    assert spiral.altitude_m[[2, -1]].tolist() == [450.0, 510.0]
    assert seconds(spiral)[-1] - seconds(spiral)[2] == pytest.approx(60.0 / CLIMB_M_S, abs=1e-5)
    hover = fly(TAKE_OFF, at(31, 47.001, 8.0, 90.0, 0.0, 80.0))
    assert hover.altitude_m.tolist() == [400.0, 430.0, 430.0, 490.0]


def test_a_return_home_lands_a_multirotor_and_not_a_fixed_wing() -> None:
    """It is planned at the altitude at which it begins, and said so."""
    contents = read(plan(TAKE_OFF, at(16, 47.01, 8.0, 80.0), item(20)))
    assert contents.plans is not None
    assert contents.plans.altitude_m.tolist() == [400.0, 430.0, 480.0, 480.0, 400.0]
    assert "the return home is planned at the altitude at which it begins" in contents.ignored
    wing = read(plan(at(22, 47.01, 8.0, 50.0), item(20), vehicle=1))
    assert wing.plans is not None
    assert wing.plans.altitude_m[-1] == 450.0
    assert wing.ignored[-1] == "the plan ends without a landing; what the aircraft does then is not in it"


def test_a_vtol_rises_then_flies_on_wings_and_lands_vertically() -> None:
    """Hover speed before and after, cruise speed between; transitions by command too."""
    _, _, metres = GEOD.inv(8.0, 47.0, 8.0, 47.01)
    away, home = at(16, 47.01, 8.0, 60.0), at(85, 47.0, 8.0, 0.0)
    flown = fly(at(84, 47.0, 8.0, 60.0), away, home, vehicle=22)
    assert np.diff(seconds(flown)).tolist() == pytest.approx([20.0, metres / 15, metres / 15, 40.0], abs=1e-5)
    slow = fly(at(84, 47.0, 8.0, 60.0), item(3000, 3), away, item(3000, 4), home, vehicle=22)
    assert np.diff(seconds(slow)).tolist() == pytest.approx([20.0, metres / 5, metres / 15, 40.0], abs=1e-5)


def test_a_rover_stays_on_the_ground() -> None:
    """Its kind is ground; it neither takes off nor rises."""
    flown = fly(at(16, 47.01, 8.0, 0.0), vehicle=10)
    assert flown.labels.kind[0] == Kind.GROUND
    assert set(flown.altitude_m.tolist()) == {400.0}


def test_a_mission_without_a_takeoff_is_taken_to_begin_with_one() -> None:
    """At the planned home position, and said so; a vehicle that is not named is a multirotor."""
    contents = read(plan(at(16, 47.01, 8.0, 30.0), vehicle=None))
    assert contents.plans is not None
    assert contents.plans.altitude_m.tolist() == [400.0, 430.0, 430.0]
    assert (
        "the mission has no takeoff; it is taken to begin with one at the planned home position"
        in contents.ignored
    )


def test_a_position_of_zero_or_null_is_where_the_aircraft_is() -> None:
    """As MAVLink has it; an altitude that is null stays."""
    flown = fly(at(22, 0.0, 0.0, 30.0), at(16, 47.01, 8.0, None), item(21, 0, 0, 0, None, None, None, None))
    assert flown.lat_deg.tolist() == [47.0, 47.0, 47.01, 47.01]
    assert flown.altitude_m.tolist() == [400.0, 430.0, 430.0, 400.0]


def test_jumps_are_flown() -> None:
    """A pair of waypoints repeated twice is flown three times; nested counts run down."""
    one, two = at(16, 47.01, 8.0, 30.0, doJumpId=2), at(16, 47.02, 8.0, 30.0, doJumpId=3)
    flown = fly({**TAKE_OFF, "doJumpId": 1}, one, two, item(177, 2, 2, doJumpId=4))
    assert flown.lat_deg.tolist() == [47.0, 47.0, *[47.01, 47.02] * 3]


def survey(items: Any) -> dict[str, Any]:
    """A survey pattern of these items."""
    return {
        "type": "ComplexItem",
        "complexItemType": "survey",
        "TransectStyleComplexItem": {"Items": items, "version": 2},
        "version": 5,
    }


def test_the_items_of_a_survey_are_flown() -> None:
    """The pattern holds its own path; its camera commands are ignored by number."""
    inner = [at(16, 47.01, 8.0, 30.0), item(206, 25), at(16, 47.02, 8.0, 30.0), item(206, 0)]
    contents = read(plan(TAKE_OFF, survey(inner), LAND))
    assert contents.plans is not None
    assert contents.plans.lat_deg.tolist() == [47.0, 47.0, 47.01, 47.02, 47.0, 47.0]
    assert (
        "commands that do not move the aircraft were ignored, by number (and times): 206 (2)"
        in contents.ignored
    )


def landing(kind: str = "fwLandingPattern", **changes: Any) -> dict[str, Any]:
    """A landing pattern: the approach begins 60 m above home."""
    return {
        "type": "ComplexItem",
        "complexItemType": kind,
        "landingApproachCoordinate": [47.01, 8.0, 60.0],
        "landCoordinate": [47.0, 8.0, 0.0],
        "altitudesAreRelative": True,
        "loiterRadius": 50,
        "useLoiterToAlt": True,
        **changes,
    }


def test_a_landing_pattern_is_flown() -> None:
    """A loiter down to the approach, then along the last leg, or level and down."""
    wing = fly(at(22, 47.02, 8.0, 90.0), landing(loiterClockwise=False), vehicle=1)
    assert wing.altitude_m[-2:].tolist() == [460.0, 400.0]
    assert wing.lat_deg.shape[0] > 5
    flat = fly(at(22, 47.02, 8.0, 90.0), landing(useLoiterToAlt=False), vehicle=1)
    assert flat.altitude_m.tolist() == [400.0, 490.0, 490.0, 460.0, 400.0]
    sea = landing(
        "vtolLandingPattern", altitudesAreRelative=False, landingApproachCoordinate=[47.01, 8.0, 460.0]
    )
    vtol = fly(at(84, 47.0, 8.0, 90.0), {**sea, "landCoordinate": [47.0, 8.0, 400.0]}, vehicle=22)
    assert vtol.altitude_m[-3:].tolist() == [460.0, 460.0, 400.0]


def test_fences_and_rally_points_are_ignored_with_a_sentence() -> None:
    """They limit the operator's own aircraft, or are flown to in an emergency."""
    fenced = {
        **plan(TAKE_OFF),
        "geoFence": {"polygons": [{}, {}], "circles": [{}], "version": 2},
        "rallyPoints": {"points": [[47, 8, 50]], "version": 2},
    }
    assert read(fenced).ignored[:2] == (
        "3 geofences were ignored: they limit this aircraft only",
        "1 rally point was ignored: it is flown to in an emergency only",
    )
    assert read({**plan(TAKE_OFF), "geoFence": {}, "rallyPoints": {}}).ignored[0].startswith("times assume")


def test_an_item_that_waits_for_the_pilot_is_told() -> None:
    """How long nobody knows."""
    contents = read(plan(TAKE_OFF, {**at(16, 47.01, 8.0, 30.0), "autoContinue": False}))
    assert "1 item waits for the pilot (autoContinue false), which was taken as no wait" in contents.ignored


def test_the_old_way_to_write_a_position_is_read() -> None:
    """Version 1 keeps it apart from four parameters."""
    old = {
        "type": "SimpleItem",
        "command": 22,
        "frame": 3,
        "params": [0, 0, 0, 0],
        "coordinate": [47.0, 8.0, 30.0],
    }
    assert fly(old).altitude_m[-1] == 430.0


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (17, "a loiter without end"),
        (82, "the curve of a spline"),
        (94, "placing a payload"),
        (92, "control by another computer"),
        (186, "changing altitude on the way"),
        (179, "another home"),
        (40, "a command that is not known and may move the aircraft"),
        (31_000, "a command that is not known and may move the aircraft"),
    ],
)
def test_what_moves_the_aircraft_in_a_way_not_told_is_refused(command: int, reason: str) -> None:
    """With the item's path, the number and the reason."""
    message = refused(TAKE_OFF, at(command, 47.01, 8.0, 30.0))
    assert f"mission.items[1]: command {command} cannot be planned: {reason}" in message


def test_unknown_commands_without_a_position_are_ignored_by_number() -> None:
    """They are listed, as all that does not move the aircraft."""
    contents = read(plan(TAKE_OFF, item(31_010), item(2000), item(2000)))
    assert (
        "commands that do not move the aircraft were ignored, by number (and times): 2000 (2), 31010 (1)"
        in contents.ignored
    )


@pytest.mark.parametrize(
    ("items", "members", "text"),
    [
        ([], {}, "mission.items: the mission is empty"),
        ([5], {}, "mission.items[0]: not a mission item"),
        ([{"type": "Wish"}], {}, "mission.items[0].type: not a mission item"),
        ([{"type": "SimpleItem"}], {}, "mission.items[0]: command is missing"),
        (
            [{"type": "SimpleItem", "command": 16, "params": [1, 2]}],
            {},
            "mission.items[0].params: not the parameters",
        ),
        ([item(16, 0, 0, 0, 0, "47", 8, 1)], {}, "mission.items[0].params[4]: not a number"),
        ([at(22, 91.0, 8.0, 30.0)], {}, "mission.items[0].params[4]: not a position on earth"),
        ([at(22, 47.0, 181.0, 30.0)], {}, "mission.items[0].params[5]: not a position on earth"),
        (
            [at(16, 47.0, 8.0, 30.0, frame=1)],
            {},
            "mission.items[0].frame: a frame without altitudes on earth",
        ),
        ([at(22, 47.0, 8.0, 2e6)], {}, "not an altitude"),
        ([at(22, 47.0, 8.0, 1e300)], {}, "longer than any flight"),
        ([TAKE_OFF, item(93, -1)], {}, "a delay until a time of day"),
        ([TAKE_OFF, item(93, 1e9)], {}, "not a time to wait"),
        ([TAKE_OFF, *[item(93, 2.5e6)] * 2], {}, "mission: longer than any flight; found '58 days'"),
        ([TAKE_OFF, at(19, 47.0, 8.0, 30.0, -1.0)], {}, "a time below zero"),
        ([TAKE_OFF, at(18, 47.0, 8.0, 30.0, -1.0)], {}, "turns below zero"),
        ([TAKE_OFF, at(18, 47.0, 8.0, 30.0, 1.0)], {}, "a loiter in turns without a radius"),
        ([TAKE_OFF, at(18, 47.0, 8.0, 30.0, 1.0, 0.0, 1e9)], {}, "not a radius to loiter on"),
        ([TAKE_OFF, at(18, 47.0, 8.0, 30.0, 1e9, 0.0, 50.0)], {}, "too many turns"),
        ([TAKE_OFF, item(178, 1, 0)], {}, "mission.items[1].params[1]: not a speed"),
        ([TAKE_OFF, item(178, 7, 5)], {}, "mission.items[1].params[0]: not a kind of speed"),
        ([TAKE_OFF, item(3000, 4)], {}, "not a transition that this vehicle makes"),
        ([TAKE_OFF, item(177, 1, -1)], {}, "a jump without end"),
        ([TAKE_OFF, item(177, 99, 1)], {}, "a jump to no item; found 'item 99'"),
        ([survey(None)], {}, "mission.items[0]: the path of a survey is not in the file"),
        (
            [{"type": "ComplexItem", "complexItemType": "StructureScan"}],
            {},
            "the path of a StructureScan is not in",
        ),
        ([landing(landCoordinate=[47.0])], {}, "mission.items[0].landCoordinate: not a position"),
        ([TAKE_OFF], {"vehicleType": 12}, "a vehicle whose way of moving is not known; found 12"),
        ([TAKE_OFF], {"version": 9}, "mission.version: not a version of the format"),
        ([TAKE_OFF], {"plannedHomePosition": [47.0, 8.0]}, "mission.plannedHomePosition: not a position"),
        (
            [TAKE_OFF],
            {"plannedHomePosition": [147.0, 8.0, 0.0]},
            "mission.plannedHomePosition: not a position",
        ),
        ([TAKE_OFF], {"plannedHomePosition": None}, "plannedHomePosition is missing"),
        ([TAKE_OFF, at(16, 47.1, 8.0, 30.0)], {"hoverSpeed": 0}, "mission.hoverSpeed: not a speed"),
        ([TAKE_OFF, at(16, 47.1, 8.0, 30.0)], {"hoverSpeed": None}, "mission: hoverSpeed is missing"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_its_path(
    items: list[Any], members: dict[str, Any], text: str
) -> None:
    """The error names the item or the member, what was found and what was expected."""
    message = refused(*items, **members)
    assert message.startswith("survey.plan: ")
    assert text in message


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "fileType: not a plan"),
        ({"fileType": "Mission"}, "fileType: not a plan; found 'Mission'"),
        ({"fileType": "Plan"}, "mission is missing"),
        ({"fileType": "Plan", "mission": {}}, "mission: items is missing"),
        ({**plan(TAKE_OFF), "version": 2}, "version: not a version of the format"),
        ([], "not a plan"),
    ],
)
def test_what_is_no_plan_is_refused(document: Any, text: str) -> None:
    """A clean error for any other document."""
    with pytest.raises(InputError) as caught:
        read(document)
    assert text in str(caught.value)


def test_a_fixed_wing_without_a_takeoff_climbs_along_its_first_leg() -> None:
    """It is taken to begin at home, without rising there."""
    flown = fly(at(16, 47.01, 8.0, 50.0), vehicle=1)
    assert flown.altitude_m.tolist() == [400.0, 450.0]


def test_a_plan_has_a_limit_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loiters in many turns are many points."""
    monkeypatch.setattr("skypact.formats.plan.SAMPLES_MAX", 100)
    assert "too long a mission" in refused(TAKE_OFF, at(18, 47.0, 8.0, 30.0, 5.0, 0.0, 50.0))


def test_a_jump_that_never_ends_in_practice_is_refused_quickly() -> None:
    """A mission has a limit of items with all jumps."""
    one = at(16, 47.01, 8.0, 30.0, doJumpId=1)
    assert "too long a mission" in refused(one, item(93, 0.0), item(177, 1, 1_000_000))
