"""What peers say to a node: notifications, reports, questions; and what the outbox says to them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from node_world import DSS, Node, Sent, World, box, node, now_us, story
from skypact.courier.client import CallFailed, Response
from skypact.courier.peers import Peers
from skypact.desk.outside import Rubbish
from skypact.formats import f3548_wire as wire
from skypact.store import node as kept
from skypact.store import outbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

STRATEGIC = "utm.strategic_coordination"
CONFORMANCE = "utm.conformance_monitoring_sa"
MANAGEMENT = "utm.constraint_management"
INTENTS = "/uss/v1/operational_intents"
IDENT = "3f1b5c3e-9d2a-4c3b-8b1a-0c9e3d2f4a55"
SUBSCRIPTION = {"subscription_id": "8a1b5c3e-9d2a-4c3b-8b1a-0c9e3d2f4a55", "notification_index": 3}


def told(**more: Any) -> dict[str, Any]:
    """A notification of an intent of beta, next to nothing."""
    volume = json.loads(wire.encode(box(0, 0, 1, 1)))
    reference = {
        "id": IDENT,
        "manager": "beta",
        "uss_availability": "Unknown",
        "version": 2,
        "state": "Accepted",
        "ovn": "an-ovn-of-beta-no-2",
        "time_start": volume["time_start"],
        "time_end": volume["time_end"],
        "uss_base_url": "https://beta.example",
        "subscription_id": SUBSCRIPTION["subscription_id"],
    }
    details = {"volumes": [volume], "off_nominal_volumes": [], "priority": 10}
    reference.update(more.pop("reference", {}))
    details.update(more.pop("details", {}))
    message = {
        "operational_intent_id": IDENT,
        "subscriptions": [SUBSCRIPTION],
        "operational_intent": {"reference": reference, "details": details},
    }
    return message | more


async def say(to: Node, message: Any, *, party: str = "beta") -> int:
    """Say it; the status that comes back."""
    return (await to.ask("POST", INTENTS, STRATEGIC, message, party=party)).status


def test_a_notification_is_kept_and_the_operator_is_told_once(tmp_path: Path) -> None:
    """What a peer tells is kept, and the operator of a flight that it meets hears of it exactly once."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        mine = await alpha.file(box(0.5, 0.5, 2, 2))
        message = told()
        assert await say(alpha, message) == 204
        assert await say(alpha, message) == 204
        (notice,) = await alpha.desk.notices(0, now_us())
        assert notice.conflicts == 1
        assert notice.operator == "ops"
        assert wire.id_text(notice.flight) == mine.ident
        assert IDENT in notice.text
        known = await alpha.desk.store.read(
            lambda tx: kept.known(tx, "intent", wire.entity_id(IDENT, where=""), "beta")
        )
        assert known is not None
        assert (known.version, known.source) == (2, "told")

    story(tmp_path, tell)


def test_versions_go_up_and_one_version_is_one_thing(tmp_path: Path) -> None:
    """An older version than was told is a conflict, and so is another content under the same version."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        assert await say(alpha, told()) == 204
        assert await say(alpha, told(reference={"version": 1, "ovn": "an-ovn-of-beta-no-1"})) == 409
        assert await say(alpha, told(details={"priority": 11})) == 409
        assert await say(alpha, told(reference={"version": 3, "ovn": "an-ovn-of-beta-no-3"})) == 204
        gone = told(operational_intent=None)
        assert await say(alpha, gone) == 204
        assert await say(alpha, gone) == 204
        assert await say(alpha, told(reference={"version": 3, "ovn": "an-ovn-of-beta-no-3"})) == 409
        assert await say(alpha, told(reference={"version": 1, "ovn": "an-ovn-of-another-life"})) == 204

    story(tmp_path, tell)


def test_a_notification_that_is_behind_what_was_asked_for_is_no_conflict(tmp_path: Path) -> None:
    """What was fetched is newer than a notification on its way: that is taken, and changes nothing."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        assert (await beta.file(box(3, 3, 4, 4))).done
        theirs = await beta.file(box(0, 0, 1, 1))
        assert (await beta.file(box(0, 0, 1, 0.9), ident=theirs.ident)).done
        first = json.loads((await beta.ask("GET", f"{INTENTS}/{theirs.ident}", STRATEGIC)).body)[
            "operational_intent"
        ]
        assert (await alpha.file(box(1.0001, 0, 2, 1))).done
        first["reference"]["version"] = 1
        message = {
            "operational_intent_id": theirs.ident,
            "subscriptions": [SUBSCRIPTION],
            "operational_intent": first,
        }
        assert await say(alpha, message) == 204
        ident = wire.entity_id(theirs.ident, where="")
        known = await alpha.desk.store.read(lambda tx: kept.known(tx, "intent", ident, "beta"))
        assert known is not None
        assert (known.version, known.source) == (2, "asked")

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("message", "party", "status"),
    [
        (told(), "gamma", 403),
        (told(reference={"manager": "gamma"}), "beta", 403),
        (told(reference={"id": "11111111-1111-4111-8111-111111111111"}), "beta", 400),
        (told(reference={"ovn": None}), "beta", 400),
        (told(reference={"ovn": "Available from USS"}), "beta", 400),
        (told(reference={"state": "Flying"}), "beta", 400),
        (told(details={"priority": 1.2}), "beta", 400),
        (told(details={"volumes": []}), "beta", 400),
        (
            told(details={"off_nominal_volumes": told()["operational_intent"]["details"]["volumes"]}),
            "beta",
            400,
        ),
        (told(reference={"time_end": {"value": "2020-01-01T00:00:00Z", "format": "RFC3339"}}), "beta", 400),
        (told(operational_intent_id="no-id"), "beta", 400),
        (told(subscriptions=[]), "beta", 400),
        (b"{", "beta", 400),
        (b"", "beta", 400),
    ],
)
def test_a_notification_that_cannot_be_is_refused_and_leaves_nothing(
    tmp_path: Path, message: Any, party: str, status: int
) -> None:
    """A notification from another than the manager, or of what cannot be, is refused and nothing is kept."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        await alpha.file(box(0.5, 0.5, 2, 2))
        assert await say(alpha, message, party=party) == status
        assert await alpha.desk.notices(0, now_us()) == []
        known = await alpha.desk.store.read(
            lambda tx: kept.known(tx, "intent", wire.entity_id(IDENT, where=""), "beta")
        )
        assert known is None

    story(tmp_path, tell)


def test_only_the_manager_says_that_it_is_gone(tmp_path: Path) -> None:
    """An intent that one party told of is not ended by another."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        assert await say(alpha, told()) == 204
        assert await say(alpha, told(operational_intent=None), party="gamma") == 204
        known = await alpha.desk.store.read(
            lambda tx: kept.known(tx, "intent", wire.entity_id(IDENT, where=""), "beta")
        )
        assert known is not None
        assert known.content is not None
        assert (
            await say(
                alpha, told(operational_intent=None, operational_intent_id=SUBSCRIPTION["subscription_id"])
            )
            == 204
        )

    story(tmp_path, tell)


def test_a_constraint_that_meets_a_flight_is_told_to_its_operator(tmp_path: Path) -> None:
    """A constraint that a peer tells of is kept, and the operator of a flight in it hears of it."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        await alpha.file(box(0.5, 0.5, 2, 2))
        intent = told()["operational_intent"]
        reference = {k: v for k, v in intent["reference"].items() if k not in {"state", "subscription_id"}}
        message = {
            "constraint_id": IDENT,
            "subscriptions": [SUBSCRIPTION],
            "constraint": {
                "reference": reference,
                "details": {"volumes": intent["details"]["volumes"], "type": "com.example.fire"},
            },
        }
        answer = await alpha.ask("POST", "/uss/v1/constraints", MANAGEMENT, message, party="beta")
        assert answer.status == 204, answer.body
        (notice,) = await alpha.desk.notices(0, now_us())
        assert (notice.kind, notice.conflicts) == ("constraint", 0)
        refused = await alpha.ask("POST", "/uss/v1/constraints", MANAGEMENT, message, party="gamma")
        assert refused.status == 403
        gone = {k: v for k, v in message.items() if k != "constraint"}
        assert (await alpha.ask("POST", "/uss/v1/constraints", MANAGEMENT, gone, party="beta")).status == 204

    story(tmp_path, tell)


def test_reports_are_kept_and_get_an_id(tmp_path: Path) -> None:
    """A report of a fault is kept with its sender and answered with its id."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        exchange = {
            "url": "https://alpha.example/x",
            "method": "GET",
            "recorder_role": "Client",
            "request_time": {"value": "2026-01-01T00:00:00Z", "format": "RFC3339"},
            "problem": "nonsense",
        }
        answer = await alpha.ask("POST", "/uss/v1/reports", CONFORMANCE, {"exchange": exchange})
        assert answer.status == 201
        said = json.loads(answer.body)
        ((ident, way, party, _, _),) = await alpha.desk.store.read(kept.reports)
        assert (ident, way, party) == (said["report_id"], "received", "judge")
        assert said["exchange"]["problem"] == "nonsense"

    story(tmp_path, tell)


def test_telemetry_is_of_off_nominal_flights_and_real_positions(tmp_path: Path) -> None:
    """Telemetry is refused of a nominal flight, missing while no position is known, and real then."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        mine = await alpha.file(box(0, 0, 1, 1), phase="Activated")

        async def status() -> int:
            return (await alpha.ask("GET", f"{INTENTS}/{mine.ident}/telemetry", CONFORMANCE)).status

        assert (await alpha.ask("GET", f"{INTENTS}/{IDENT}/telemetry", CONFORMANCE)).status == 404
        assert await status() == 409
        await alpha.file(box(0, 0, 1, 1), ident=mine.ident, phase="Nonconforming")
        assert await status() == 412
        for k in (1, 3, 2):
            position = wire.Position(latitude=47.0 + k, longitude=8.0)
            measured = wire.VehicleTelemetry(time_measured=wire.time(k * 1_000_000), position=position)
            await alpha.desk.position(mine.ident, measured, now_us())
        answer = await alpha.ask("GET", f"{INTENTS}/{mine.ident}/telemetry", CONFORMANCE)
        assert json.loads(answer.body)["telemetry"]["position"]["latitude"] == 50.0

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", f"{INTENTS}/{IDENT}", CONFORMANCE),
        ("GET", f"{INTENTS}/{IDENT}/telemetry", STRATEGIC),
        ("POST", INTENTS, CONFORMANCE),
        ("POST", "/uss/v1/constraints", STRATEGIC),
        ("POST", "/uss/v1/reports", "something.else"),
    ],
)
def test_each_operation_asks_for_its_scope(tmp_path: Path, method: str, path: str, scope: str) -> None:
    """A token without the scope of the operation is refused before anything is read."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        answer = await alpha.ask(method, path, scope, {"x": 1} if method == "POST" else None)
        assert answer.status == 403
        assert json.loads(answer.body)["message"]

    story(tmp_path, tell)


# -- the outbox ---------------------------------------------------------------------------------------------


async def reach_of(of: Node) -> dict[str, tuple[int, int, int]]:
    """Waiting, delivered and refused, by receiver."""
    rows = await of.desk.store.read(outbox.reach)
    return {row.party: (row.waiting, row.delivered, row.refused) for row in rows}


def test_notifications_arrive_in_order_however_often_the_receiver_fails(tmp_path: Path) -> None:
    """A receiver that fails gets every version later, in order, and it is visible that it was not reached."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        assert (await beta.file(box(1.0001, 0, 2, 1))).done
        left = [3]

        async def failing(_sent: Sent, arrive: Callable[[], Awaitable[Response]]) -> Response:
            if left[0]:
                left[0] -= 1
                if left[0]:
                    raise CallFailed("refused", arrived=False)
                return Response(503, {}, b"busy", 0.0)
            return await arrive()

        mine = await alpha.file(box(0, 0, 1, 1))
        for k in range(3):
            assert (await alpha.file(box(0, 0, 1, 1, high=150.0 + k), ident=mine.ident)).done
        await alpha.end(mine.ident)
        world.ways["beta.example"] = failing
        await alpha.outbox.drain()
        assert (await reach_of(alpha))["https://beta.example"] == (5, 0, 0)
        running = asyncio.create_task(alpha.outbox.run())
        async with asyncio.timeout(10):
            while (await reach_of(alpha))["https://beta.example"][0]:  # noqa: ASYNC110 -- the store has no event
                await asyncio.sleep(0.01)
        alpha.outbox.stop()
        await running
        assert (await reach_of(alpha))["https://beta.example"] == (0, 5, 0)
        versions = [
            (s.json.get("operational_intent") or {"reference": {"version": None}})["reference"]["version"]
            for s in world.sent
            if s.url == "https://beta.example/uss/v1/operational_intents"
        ]
        assert versions[-5:] == [1, 2, 3, 4, None]
        assert left[0] == 0

    story(tmp_path, tell)


def test_what_a_receiver_refuses_for_good_does_not_hold_up_the_next(tmp_path: Path) -> None:
    """A message that is refused for good is shown as refused, and the next of its lane goes on."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        assert (await beta.file(box(1.0001, 0, 2, 1))).done

        async def refusing(_sent: Sent, _arrive: Callable[[], Awaitable[Response]]) -> Response:
            world.ways.clear()
            return Response(400, {}, b"no", 0.0)

        world.ways["beta.example"] = refusing
        mine = await alpha.file(box(0, 0, 1, 1), phase="Nonconforming")
        await alpha.end(mine.ident)
        assert await alpha.outbox.drain() == 2
        assert (await reach_of(alpha))["https://beta.example"] == (0, 1, 1)

    story(tmp_path, tell)


def test_a_dead_receiver_delays_nobody_else(tmp_path: Path) -> None:
    """Of two receivers one is dead: the other is told at once."""

    async def tell(world: World) -> None:
        alpha, beta, gamma = [await node(world, p) for p in ("alpha", "beta", "gamma")]
        assert (await beta.file(box(1.0001, 0, 2, 1))).done
        assert (await gamma.file(box(2.05, 0, 3, 1))).done

        async def dead(_sent: Sent, _arrive: Callable[[], Awaitable[Response]]) -> Response:
            raise CallFailed("refused", arrived=False)

        world.ways["beta.example"] = dead
        mine = await alpha.file(box(0, 0, 3, 1), phase="Contingent")
        assert mine.done
        await alpha.outbox.drain()
        reach = await reach_of(alpha)
        assert reach["https://gamma.example"] == (0, 1, 0)
        assert reach["https://beta.example"][0] == 1

    story(tmp_path, tell)


def test_an_answer_that_names_a_member_twice_is_none(tmp_path: Path) -> None:
    """A discovery service that says two things in one answer is not believed in either."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")

        async def twice(_sent: Sent, arrive: Callable[[], Awaitable[Response]]) -> Response:
            answer = await arrive()
            body = answer.body.replace(b'{"id":', b'{"id":"' + IDENT.encode() + b'","id":', 1)
            return Response(answer.status, answer.headers, body, 0.0)

        volume = box(0, 0, 1, 1)
        await alpha.file(volume)
        peers = Peers(alpha.sender, DSS)
        assert len(await peers.intents_in(volume, 10.0)) == 1
        world.ways["dss.example"] = twice
        with pytest.raises(Rubbish, match="a member is named twice; found 'id'"):
            await peers.intents_in(volume, 10.0)

    story(tmp_path, tell)
