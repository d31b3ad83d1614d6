"""Faults that a hostile reader found, each once: what came at the wrong moment, or from the wrong party."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from node_world import Node, Sent, World, box, node, now_us, story
from skypact.courier.client import CallFailed, Response
from skypact.exchange.planning import Ending
from skypact.formats import f3548_wire as wire
from skypact.store import node as kept
from skypact.store import outbox
from skypact.store.schema import leaf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Arrive = Callable[[], Awaitable[Response]]

STRATEGIC = "utm.strategic_coordination"
CONFORMANCE = "utm.conformance_monitoring_sa"
MANAGEMENT = "utm.constraint_management"
INTENTS = "/uss/v1/operational_intents"
SUBSCRIPTION = {"subscription_id": "8a1b5c3e-9d2a-4c3b-8b1a-0c9e3d2f4a55", "notification_index": 3}


async def held_up(world: World, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Let something happen after the DSS has taken the next write, and before its answer arrives."""

    async def way(sent: Sent, arrive: Arrive) -> Response:
        if sent.method != "PUT":
            return await arrive()
        del world.ways["dss.example"]
        answer = await arrive()
        await meanwhile()
        return answer

    world.ways["dss.example"] = way


async def conflicts_of(of: Node, ident: str) -> list[str]:
    """The ids that the operators of a flight were told that it meets, one a notice and meeting."""
    rows = await of.desk.notices(0, now_us() + 60_000_000)
    return [
        met["ident"]
        for row in rows
        if wire.id_text(row.flight) == ident
        for met in json.loads(row.content)["meets"]
    ]


async def leaves_of(of: Node) -> list[tuple[str, bytes]]:
    """The leaves of a node's ledger: kind and content, in order."""
    query = select(leaf.c.kind, leaf.c.content).order_by(leaf.c.position)
    rows = await of.desk.store.read(lambda tx: tx.connection.execute(query).all())
    return [(kind, content) for kind, content in rows]


# -- a conflict that arrives while our own write is on its way ----------------------------------------------


@pytest.mark.parametrize("change", [False, True])
def test_a_conflict_that_is_told_while_our_write_is_on_its_way_is_told_to_the_operator_once(
    tmp_path: Path, change: bool
) -> None:
    """A peer that loses its aircraft between our write and its answer is in the answer and in one notice."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        first = (await alpha.file(box(6, 6, 7, 7))).ident if change else None
        lost: list[str] = []

        async def meanwhile() -> None:
            theirs = await beta.file(box(0.5, 0.5, 1.5, 1.5), phase="Nonconforming")
            assert theirs.done, theirs.why
            lost.append(theirs.ident)
            assert await beta.outbox.drain() == 1

        await held_up(world, meanwhile)
        mine = await alpha.file(box(0, 0, 1, 1), ident=first)
        assert mine.done, mine.why
        assert [m.ident for m in mine.permitted] == lost
        assert mine.permitted[0].state == "Nonconforming"
        assert await conflicts_of(alpha, mine.ident) == lost
        assert (await alpha.file(box(0, 0, 1, 1), ident=mine.ident, phase="Nonconforming")).done
        assert await conflicts_of(alpha, mine.ident) == lost

    story(tmp_path, tell)


def test_a_constraint_that_is_told_while_our_write_is_on_its_way_is_told_to_the_operator_once(
    tmp_path: Path,
) -> None:
    """A constraint that a peer sets between our write and its answer is in the answer and in one notice."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        ident = "3f1b5c3e-9d2a-4c3b-8b1a-0c9e3d2f4a55"
        volume = json.loads(wire.encode(box(0.5, 0.5, 1.5, 1.5)))
        reference = {
            "id": ident,
            "manager": "beta",
            "uss_availability": "Unknown",
            "version": 1,
            "ovn": "an-ovn-of-beta-no-1",
            "time_start": volume["time_start"],
            "time_end": volume["time_end"],
            "uss_base_url": "https://beta.example",
        }
        message: dict[str, Any] = {
            "constraint_id": ident,
            "subscriptions": [SUBSCRIPTION],
            "constraint": {"reference": reference, "details": {"volumes": [volume], "type": "fire"}},
        }

        async def meanwhile() -> None:
            answer = await alpha.ask("POST", "/uss/v1/constraints", MANAGEMENT, message, party="beta")
            assert answer.status == 204

        await held_up(world, meanwhile)
        mine = await alpha.file(box(0, 0, 1, 1))
        assert [m.ident for m in mine.permitted] == [ident]
        assert await conflicts_of(alpha, mine.ident) == [ident]

    story(tmp_path, tell)


def test_an_operator_hears_of_a_conflict_before_a_write_that_is_on_its_way_is_settled(tmp_path: Path) -> None:
    """What is told while the DSS does not answer reaches the operator at once, not when it is back."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha", dss_s=0.1, plan_s=0.5), await node(world, "beta")

        async def dead_for_alpha(sent: Sent, arrive: Arrive) -> Response:
            if sent.sender == "alpha" and sent.method != "POST":
                if sent.method == "PUT":
                    await arrive()
                raise OSError
            return await arrive()

        async def dead(sent: Sent, arrive: Arrive) -> Response:
            try:
                return await dead_for_alpha(sent, arrive)
            except OSError:
                raise CallFailed("gone", arrived=True) from None

        world.ways["dss.example"] = dead
        mine = await alpha.file(box(0, 0, 1, 1))
        assert mine.ending is Ending.UNSETTLED
        theirs = await beta.file(box(0.5, 0.5, 1.5, 1.5), phase="Nonconforming")
        assert await beta.outbox.drain() == 1
        assert await conflicts_of(alpha, mine.ident) == [theirs.ident]
        world.ways.clear()
        assert await alpha.desk.recover(now_us() + 60_000_000) == 1
        assert await conflicts_of(alpha, mine.ident) == [theirs.ident]

    story(tmp_path, tell)


def test_two_flights_of_our_own_that_are_written_at_once_hear_of_each_other(tmp_path: Path) -> None:
    """Two off-nominal flights of one party on their way side by side are each told of the other."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        one, two = await asyncio.gather(
            alpha.file(box(0, 0, 1, 1), phase="Nonconforming"),
            alpha.file(box(0.5, 0.5, 1.5, 1.5), phase="Contingent"),
        )
        assert one.done
        assert two.done
        assert await conflicts_of(alpha, one.ident) == [two.ident]
        assert await conflicts_of(alpha, two.ident) == [one.ident]

    story(tmp_path, tell)


def test_a_flight_whose_answer_was_lost_and_that_is_in_conflict_by_then_says_so_everywhere(
    tmp_path: Path,
) -> None:
    """What would refuse a flight that the DSS already has is in its answer, its ledger leaf and a notice."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        lost: list[str] = []

        async def way(sent: Sent, arrive: Arrive) -> Response:
            if sent.method != "PUT":
                return await arrive()
            del world.ways["dss.example"]
            await arrive()
            theirs = await beta.file(box(0.5, 0.5, 1.5, 1.5), phase="Nonconforming")
            lost.append(theirs.ident)
            raise CallFailed("the connection broke", arrived=True)

        world.ways["dss.example"] = way
        mine = await alpha.file(box(0, 0, 1, 1))
        assert mine.done, mine.why
        assert [m.ident for m in mine.refused] == lost
        assert "IN CONFLICT" in mine.why
        assert await conflicts_of(alpha, mine.ident) == lost
        (written,) = [json.loads(c) for kind, c in await leaves_of(alpha) if kind == "flight.version"]
        assert lost[0] in written["stands_in_the_way"][0]
        assert await beta.outbox.drain() == 1
        assert await conflicts_of(alpha, mine.ident) == lost

    story(tmp_path, tell)


# -- a party that speaks in another's place -----------------------------------------------------------------


@pytest.mark.parametrize("then", ["moves", "ends"])
def test_a_party_that_speaks_first_of_anothers_flight_does_not_silence_its_manager(
    tmp_path: Path, then: str
) -> None:
    """What a stranger says of an id neither shadows what its manager says nor is planned on."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        theirs = await beta.file(box(0, 0, 1, 1))
        far = json.loads(wire.encode(box(20, 20, 21, 21)))
        reference = {
            "id": theirs.ident,
            "manager": "mallory",
            "uss_availability": "Normal",
            "version": 2**31 - 1,
            "state": "Accepted",
            "ovn": "an-ovn-of-mallory",
            "time_start": far["time_start"],
            "time_end": far["time_end"],
            "uss_base_url": "https://mallory.example",
            "subscription_id": SUBSCRIPTION["subscription_id"],
        }
        message = {
            "operational_intent_id": theirs.ident,
            "subscriptions": [SUBSCRIPTION],
            "operational_intent": {"reference": reference, "details": {"volumes": [far], "priority": 0}},
        }
        said = await alpha.ask("POST", INTENTS, STRATEGIC, message, party="mallory")
        assert said.status == 204
        assert "overlap" in (await alpha.file(box(0.5, 0.5, 1.5, 1.5))).why
        mine = await alpha.file(box(1.0001, 0, 2, 1))
        assert mine.done, mine.why
        if then == "moves":
            assert (await beta.file(box(0.5, 0.5, 1.5, 1), ident=theirs.ident, priority=50)).done
            assert await beta.outbox.drain() == 1
            assert await conflicts_of(alpha, mine.ident) == [theirs.ident]
        else:
            gone = {k: v for k, v in message.items() if k != "operational_intent"}
            assert (await alpha.ask("POST", INTENTS, STRATEGIC, gone, party="mallory")).status == 204
        reach = {r.party: r for r in await beta.desk.store.read(outbox.reach)}
        assert all(r.refused == 0 for r in reach.values())
        ident = wire.entity_id(theirs.ident, where="")
        known = await alpha.desk.store.read(lambda tx: kept.known(tx, "intent", ident, "beta"))
        assert known is not None
        assert known.content is not None

    story(tmp_path, tell)


# -- numbers that no table holds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "member", "value"),
    [
        ("reference", "version", 2**31),
        ("reference", "version", 2**63),
        ("reference", "version", 10**400),
        ("reference", "version", 0),
        ("details", "priority", 2**31),
        ("details", "priority", -(2**31) - 1),
        ("details", "priority", 10**30),
    ],
)
def test_a_number_that_the_standard_does_not_have_is_a_lie_of_its_peer(
    tmp_path: Path, part: str, member: str, value: int
) -> None:
    """A plan meets such a peer with a refusal that says so, and leaves nothing open."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        assert (await beta.file(box(0, 0, 1, 1))).done

        async def lying(_sent: Sent, arrive: Arrive) -> Response:
            answer = await arrive()
            said = json.loads(answer.body)
            said["operational_intent"][part][member] = value
            return Response(answer.status, answer.headers, json.dumps(said).encode(), 0.0)

        world.ways["beta.example"] = lying
        mine = await alpha.file(box(1.0001, 0, 2, 1))
        assert not mine.done
        assert "beta says of it cannot be" in mine.why
        assert await alpha.desk.store.read(kept.under_way) == []

    story(tmp_path, tell)


def test_an_attempt_that_cannot_be_read_keeps_no_other_from_being_settled(tmp_path: Path) -> None:
    """Of two attempts that were left open, the one that fails is left and the other is settled."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha", dss_s=0.1, plan_s=0.5)

        async def dead(_sent: Sent, _arrive: Arrive) -> Response:
            raise CallFailed("gone", arrived=True)

        for at in (0, 3):
            world.ways["dss.example"] = dead
            lost = await alpha.file(box(at, at, at + 1, at + 1), phase="Nonconforming")
            assert lost.ending is Ending.UNSETTLED
        first, second = await alpha.desk.store.read(kept.under_way)
        await alpha.desk.store.write(lambda tx: kept.put_pending(tx, first._replace(filing=b"{}")))
        world.ways.clear()
        assert await alpha.desk.recover(now_us() + 60_000_000) == 1
        (left,) = await alpha.desk.store.read(kept.under_way)
        assert left.flight == first.flight != second.flight

    story(tmp_path, tell)


# -- what is remembered -------------------------------------------------------------------------------------


def test_what_was_told_of_a_newer_version_than_the_dss_has_is_not_planned_on(tmp_path: Path) -> None:
    """A version that was told, and that the DSS never had, sends a plan to the manager itself."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        theirs = await beta.file(box(0, 0, 1, 1))
        answer = await beta.ask("GET", f"{INTENTS}/{theirs.ident}", STRATEGIC)
        told = json.loads(answer.body)["operational_intent"]
        told["reference"] |= {"version": 7, "ovn": "an-ovn-that-never-was"}
        told["details"]["volumes"] = [
            json.loads(wire.encode(box(20, 20, 21, 21)))
            | {k: told["reference"][k] for k in ("time_start", "time_end")}
        ]
        message = {
            "operational_intent_id": theirs.ident,
            "subscriptions": [SUBSCRIPTION],
            "operational_intent": told,
        }
        assert (await alpha.ask("POST", INTENTS, STRATEGIC, message, party="beta")).status == 204
        before = len(world.sent)
        mine = await alpha.file(box(0.5, 0.5, 1.5, 1.5))
        assert not mine.done
        assert "overlap" in mine.why
        asked = [s for s in world.sent[before:] if s.method == "GET" and theirs.ident in s.url]
        assert len(asked) == 1

    story(tmp_path, tell)


def test_a_constraint_that_has_the_id_of_our_own_flight_is_told_and_obeyed(tmp_path: Path) -> None:
    """The engine takes it for another body than the flight, though both are called by one id."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        mine = await alpha.file(box(0, 0, 1, 1))
        volume = json.loads(wire.encode(box(0.5, 0.5, 1.5, 1.5)))
        reference = {
            "id": mine.ident,
            "manager": "alpha",
            "uss_availability": "Unknown",
            "version": 1,
            "ovn": "an-ovn-of-alpha-no-1",
            "time_start": volume["time_start"],
            "time_end": volume["time_end"],
            "uss_base_url": "https://beta.example",
        }
        message = {
            "constraint_id": mine.ident,
            "subscriptions": [SUBSCRIPTION],
            "constraint": {"reference": reference, "details": {"volumes": [volume], "type": "fire"}},
        }
        answer = await alpha.ask("POST", "/uss/v1/constraints", MANAGEMENT, message, party="alpha")
        assert answer.status == 204
        assert await conflicts_of(alpha, mine.ident) == [mine.ident]

    story(tmp_path, tell)
