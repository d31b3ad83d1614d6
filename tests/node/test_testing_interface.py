"""The flight planning interface of test suites, through the flows that a suite drives."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest

from node_world import MINUTE_US, SECOND_US, Node, World, box, dss, node, now_us, story
from skypact.formats import f3548_wire as wire
from skypact.instants import format_instant

if TYPE_CHECKING:
    from pathlib import Path

PLAN = "interuss.flight_planning.plan"
DIRECT = "interuss.flight_planning.direct_automated_test"
BASE = "/flight_planning/v1"
STRATEGIC = "utm.strategic_coordination"


def body(
    *area: wire.Volume4D, usage: str = "Planned", uas: str | None = "Nominal", priority: int = 0, **more: Any
) -> dict[str, Any]:
    """A user's request."""
    basic = {
        "usage_state": usage,
        "uas_state": uas,
        "area": json.loads(wire.encode(list(area))),
        "description": "",
    }
    plan = {"basic_information": basic, "astm_f3548_21": {"priority": priority}, "uspace": {"x": 1}}
    return {
        "flight_plan": plan,
        "execution_style": "IfAllowed",
        "request_id": str(uuid.uuid4()),
    } | more


async def put(to: Node, plan: str, request: dict[str, Any]) -> tuple[str, str]:
    """A request; result and status."""
    answer = await to.ask("PUT", f"{BASE}/flight_plans/{plan}", PLAN, request)
    assert answer.status == 200, answer.body
    said = json.loads(answer.body)
    assert said["planning_result"] == "Completed" or said["notes"]
    return said["planning_result"], said["flight_plan_status"]


async def delete(to: Node, plan: str) -> tuple[str, str]:
    """The end of a flight."""
    answer = await to.ask("DELETE", f"{BASE}/flight_plans/{plan}", DIRECT)
    assert answer.status == 200, answer.body
    said = json.loads(answer.body)
    return said["planning_result"], said["flight_plan_status"]


async def shared(world: World) -> list[dict[str, Any]]:
    """What the discovery service has there."""
    query = {"area_of_interest": {"volume": json.loads(wire.encode(box(-5, -5, 5, 5)))["volume"]}}
    found = await dss(
        world, "POST", "/operational_intent_references/query", query, party="judge", scope=STRATEGIC
    )
    return list(found["operational_intent_references"])


async def notified(to: Node, after_us: int) -> list[str]:
    """What users were told since."""
    after = quote(format_instant(after_us).replace("Z", "+00:00"))
    answer = await to.ask("GET", f"{BASE}/user_notifications?after={after}", PLAN)
    assert answer.status == 200, answer.body
    told = json.loads(answer.body)["user_notifications"]
    assert len({t["observed_at"]["value"] for t in told}) == len(told)
    return [t["conflicts"] for t in told]


def new() -> str:
    """A flight plan's id."""
    return str(uuid.uuid4())


def test_a_flight_from_its_plan_to_its_end(tmp_path: Path) -> None:
    """A flight is planned, begun, off nominal, lost and ended, and the DSS has it in each state."""

    async def tell(world: World) -> None:
        one = await node(world, "alpha")
        status = await one.ask("GET", f"{BASE}/status", DIRECT)
        assert json.loads(status.body)["status"] == "Ready"
        plan, area = new(), box(0, 0, 1, 1)
        for usage, uas, expected, state in (
            ("Planned", "Nominal", "Planned", "Accepted"),
            ("InUse", "Nominal", "OkToFly", "Activated"),
            ("InUse", "OffNominal", "OffNominal", "Nonconforming"),
            ("InUse", "Contingent", "OffNominal", "Contingent"),
        ):
            assert await put(one, plan, body(area, usage=usage, uas=uas)) == ("Completed", expected)
            (there,) = await shared(world)
            assert there["state"] == state
            answer = await one.ask("GET", f"/uss/v1/operational_intents/{there['id']}", STRATEGIC)
            details = json.loads(answer.body)["operational_intent"]["details"]
            assert bool(details.get("off_nominal_volumes")) is (expected == "OffNominal")
        assert await delete(one, plan) == ("Completed", "Closed")
        assert await shared(world) == []
        assert await delete(one, plan) == ("Completed", "Closed")
        gone = await one.ask("DELETE", f"{BASE}/flight_plans/{new()}", DIRECT)
        assert gone.status == 404

    story(tmp_path, tell)


def test_equal_priorities_are_not_permitted(tmp_path: Path) -> None:
    """Planning, beginning and changing into a flight of equal priority is rejected and changes nothing."""

    async def tell(world: World) -> None:
        tested, control = await node(world, "alpha"), await node(world, "beta")
        two, one = new(), new()
        there, here, near = box(0, 0, 1, 1), box(0.5, 0.5, 1.5, 1.5), box(1.0001, 0, 2, 1)
        assert await put(control, two, body(there)) == ("Completed", "Planned")
        assert await put(control, two, body(there, usage="InUse")) == ("Completed", "OkToFly")
        assert await put(tested, one, body(here)) == ("Rejected", "NotPlanned")
        assert await put(tested, new(), body(here, usage="InUse")) == ("Rejected", "NotPlanned")
        assert len(await shared(world)) == 1
        assert await put(tested, one, body(near)) == ("Completed", "Planned")
        before = await shared(world)
        assert await put(tested, one, body(here)) == ("Rejected", "Planned")
        assert await shared(world) == before
        assert await put(tested, one, body(near, usage="InUse")) == ("Completed", "OkToFly")
        assert await put(tested, one, body(here, usage="InUse")) == ("Rejected", "OkToFly")
        assert await delete(control, two) == ("Completed", "Closed")
        assert await put(tested, one, body(here, usage="InUse")) == ("Completed", "OkToFly")
        assert await put(control, two, body(box(3, 3, 4, 4))) == ("Completed", "Planned")
        off = body(there, usage="InUse", uas="OffNominal")
        assert await put(control, two, off) == ("Completed", "OffNominal")
        result, status = await put(tested, one, body(here, usage="InUse"))
        assert (result, status) == ("Completed", "OkToFly")

    story(tmp_path, tell)


@pytest.mark.parametrize("alone", [False, True])
def test_a_higher_priority_takes_precedence_and_both_users_are_told(tmp_path: Path, alone: bool) -> None:
    """A flight of higher priority goes over another party's, or one of its own, and both users hear."""

    async def tell(world: World) -> None:
        tested = await node(world, "alpha")
        control = tested if alone else await node(world, "beta")
        one, two = new(), new()
        low, high = box(0, 0, 1, 1), box(0.5, 0.5, 1.5, 1.5)
        moved, away = box(0, 0, 0.9, 0.9), box(2, 2, 3, 3)

        async def told(since: int) -> None:
            await control.outbox.drain()
            assert await notified(tested, since) == ["Single"] * (2 if alone else 1)
            assert await notified(control, since) == ["Single"] * (2 if alone else 1)

        assert await put(control, two, body(high, priority=100)) == ("Completed", "Planned")
        assert await put(tested, one, body(low)) == ("Rejected", "NotPlanned")
        await delete(control, two)
        assert await put(tested, one, body(low)) == ("Completed", "Planned")
        since = now_us()
        assert await put(control, two, body(high, priority=100)) == ("Completed", "Planned")
        await told(since)
        assert await put(tested, one, body(moved)) == ("Rejected", "Planned")
        assert await put(tested, one, body(low, usage="InUse")) == ("Rejected", "Planned")
        await delete(control, two)
        assert await put(tested, one, body(low, usage="InUse")) == ("Completed", "OkToFly")
        assert await put(control, two, body(high, priority=100)) == ("Completed", "Planned")
        await control.outbox.drain()
        since = now_us()
        assert await put(control, two, body(high, priority=100, usage="InUse")) == ("Completed", "OkToFly")
        await told(since)
        assert await put(tested, one, body(moved, usage="InUse")) == ("Completed", "OkToFly")
        assert await put(control, two, body(away, priority=100, usage="InUse")) == ("Completed", "OkToFly")
        into = body(box(1.5, 1.5, 2.5, 2.5), usage="InUse")
        assert await put(tested, one, into) == ("Rejected", "OkToFly")

    story(tmp_path, tell)


def test_flights_that_cannot_be_are_rejected_and_nothing_is_shared(tmp_path: Path) -> None:
    """Too far ahead, over already, too many vertices, swapped times or altitudes: rejected, not shared."""

    async def tell(world: World) -> None:
        one = await node(world, "alpha")
        day_us = 24 * 60 * MINUTE_US
        late, over = (
            box(0, 0, 1, 1, start_us=now_us() + 32 * day_us),
            box(0, 0, 1, 1, start_us=now_us() - 60 * SECOND_US, minutes=55 / 60),
        )
        swapped = body(box(0, 0, 1, 1))
        volume = swapped["flight_plan"]["basic_information"]["area"][0]
        volume["time_start"], volume["time_end"] = volume["time_end"], volume["time_start"]
        upside_down = box(0, 0, 1, 1, low=200, high=100)
        corners = [wire.LatLngPoint(lat=47.0, lng=8.0 + k / 1e6) for k in range(6_000)] + [
            wire.LatLngPoint(lat=47.01, lng=8.0 + k / 1e6) for k in range(6_000, 0, -1)
        ]
        half = wire.Polygon(vertices=corners[:7_000])
        wide = reshaped(box(0, 0, 1, 1), half)
        for request in (
            body(late),
            body(over),
            swapped,
            body(upside_down),
            body(wide, wide),
            body(),
            body(box(0, 0, 1, 1), priority=101),
            body(box(0, 0, 1, 1), priority=-1),
        ):
            assert await put(one, new(), request) == ("Rejected", "NotPlanned")
        assert await put(one, new(), body(box(0, 0, 1, 1), usage="Planned", uas="Contingent")) == (
            "NotSupported",
            "NotPlanned",
        )
        hypothetical = body(box(0, 0, 1, 1), execution_style="Hypothetical")
        assert await put(one, new(), hypothetical) == ("NotSupported", "NotPlanned")
        assert await put(one, new(), body(box(0, 0, 1, 1), usage="Closed")) == ("Rejected", "NotPlanned")
        assert await shared(world) == []

    story(tmp_path, tell)


def reshaped(volume: wire.Volume4D, outline: wire.Polygon) -> wire.Volume4D:
    """The volume with another outline."""
    shape = msgspec.structs.replace(volume.volume, outline_polygon=outline)
    return msgspec.structs.replace(volume, volume=shape)


def test_the_same_request_again_gets_the_same_answer(tmp_path: Path) -> None:
    """A request that is repeated, before its answer or after, plans one flight; another is refused."""

    async def tell(world: World) -> None:
        one = await node(world, "alpha")
        plan, request = new(), body(box(0, 0, 1, 1))
        answers = await asyncio.gather(*(put(one, plan, request) for _ in range(3)))
        assert answers == [("Completed", "Planned")] * 3
        assert await put(one, plan, request) == ("Completed", "Planned")
        (there,) = await shared(world)
        assert there["version"] == 1
        other = request | {"execution_style": "InReality"}
        assert (await one.ask("PUT", f"{BASE}/flight_plans/{plan}", PLAN, other)).status == 409

    story(tmp_path, tell)


def test_clearing_an_area_ends_what_is_there_and_what_was_forgotten(tmp_path: Path) -> None:
    """Every flight of the node in the area ends, also one that only the discovery service knows."""

    async def tell(world: World) -> None:
        one, other = await node(world, "alpha"), await node(world, "beta")
        assert await put(one, new(), body(box(0, 0, 1, 1))) == ("Completed", "Planned")
        assert await put(one, new(), body(box(2, 2, 3, 3), usage="InUse")) == ("Completed", "OkToFly")
        assert await put(other, new(), body(box(4, 4, 4.5, 4.5))) == ("Completed", "Planned")
        volume = json.loads(wire.encode(box(1.1, 0, 1.9, 1)))
        lost = {"extents": [volume], "state": "Accepted", "uss_base_url": "https://alpha.example"}
        assert len(await shared(world)) == 3
        extent = json.loads(wire.encode(box(-1, -1, 5, 5)))
        request = {"request_id": new(), "extent": extent}
        answer = await one.ask("POST", f"{BASE}/clear_area_requests", DIRECT, request)
        assert json.loads(answer.body)["outcome"]["success"] is True, answer.body
        assert [r["manager"] for r in await shared(world)] == ["beta"]
        await dss(
            world, "PUT", f"/operational_intent_references/{new()}", lost, party="alpha", scope=STRATEGIC
        )
        assert len(await shared(world)) == 2
        answer = await one.ask("POST", f"{BASE}/clear_area_requests", DIRECT, request)
        assert json.loads(answer.body)["outcome"]["success"] is True, answer.body
        assert [r["manager"] for r in await shared(world)] == ["beta"]

    story(tmp_path, tell)


def test_a_discovery_service_that_is_away_makes_planning_fail_and_nothing_else(tmp_path: Path) -> None:
    """Without the discovery service a plan is rejected and an area is not called clear."""

    async def tell(world: World) -> None:
        one = await node(world, "alpha", dss_s=0.2)
        world.apps.pop("dss.example")
        assert await put(one, new(), body(box(0, 0, 1, 1))) == ("Rejected", "NotPlanned")
        request = {"request_id": new(), "extent": json.loads(wire.encode(box(-1, -1, 5, 5)))}
        answer = await one.ask("POST", f"{BASE}/clear_area_requests", DIRECT, request)
        assert json.loads(answer.body)["outcome"]["success"] is False
        assert await notified(one, now_us() - SECOND_US) == []

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?after=yesterday", 400), ("?after=2026-01-02T00:00:00Z&before=2026-01-01T00:00:00Z", 400)],
)
def test_notifications_are_asked_for_with_a_time(tmp_path: Path, query: str, status: int) -> None:
    """A question for notifications without a time, or with one that is none, is refused."""

    async def tell(world: World) -> None:
        one = await node(world, "alpha")
        assert (await one.ask("GET", f"{BASE}/user_notifications{query}", PLAN)).status == status

    story(tmp_path, tell)
