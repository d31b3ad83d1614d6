"""Peers that are silent, slow or lie; a discovery service whose answers are lost; nodes that are killed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from node_world import DSS, Node, Sent, World, box, dss, node, now_us, story
from skypact.courier.client import CallFailed, Response
from skypact.errors import Reason, Refused
from skypact.exchange.planning import Ending
from skypact.formats import f3548_wire as wire
from skypact.store import node as kept
from skypact.store.schema import leaf, outbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Arrive = Callable[[], Awaitable[Response]]

STRATEGIC = "utm.strategic_coordination"
ARBITRATION = "utm.availability_arbitration"


class Killed(BaseException):
    """The process ends here."""


async def outbox_of(of: Node) -> list[dict[str, Any]]:
    """What a node has to say to others."""
    rows = await of.desk.store.read(lambda tx: tx.connection.execute(select(outbox)).mappings().all())
    return [dict(row) for row in rows]


async def leaves(of: Node) -> list[str]:
    """The kinds of a node's leaves, in order."""
    query = select(leaf.c.kind).order_by(leaf.c.position)
    return await of.desk.store.read(lambda tx: list(tx.connection.execute(query).scalars()))


async def silent(_sent: Sent, _arrive: Arrive) -> Response:
    """Nobody answers."""
    raise CallFailed("connection refused", arrived=False)


async def slow(_sent: Sent, arrive: Arrive) -> Response:
    """An answer after an hour."""
    await asyncio.sleep(3_600)
    return await arrive()


def lying(change: Callable[[dict[str, Any]], None]) -> Callable[[Sent, Arrive], Awaitable[Response]]:
    """A peer that changes what it says of its flights."""

    async def way(sent: Sent, arrive: Arrive) -> Response:
        answer = await arrive()
        if sent.method != "GET":
            return answer
        said = json.loads(answer.body)
        change(said["operational_intent"])
        return Response(answer.status, answer.headers, json.dumps(said).encode(), 0.0)

    return way


@pytest.mark.parametrize("way", [silent, slow])
def test_a_peer_that_does_not_answer_stops_a_plan_and_is_named(tmp_path: Path, way: Any) -> None:
    """A plan near a flight of a party that cannot be asked is refused, names it, and the DSS is told."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        beta = await node(world, "beta", peer_s=0.05)
        assert (await alpha.file(box(0, 0, 1, 1))).done
        world.ways["alpha.example"] = way
        result = await beta.file(box(1.0001, 0, 2, 1), priority=100)
        assert not result.done
        assert "alpha could not be asked" in result.why
        (report,) = [m for m in await outbox_of(beta) if m["topic"] == "report"]
        assert report["url"] == f"{DSS}/dss/v1/reports"
        await beta.file(box(1.0001, 0, 2, 1), priority=100)
        assert len([m for m in await outbox_of(beta) if m["topic"] == "report"]) == 1
        assert await beta.outbox.drain() == 1
        assert "flight.refused" in await leaves(beta)
        world.ways.clear()
        assert (await beta.file(box(1.0001, 0, 2, 1))).done

    story(tmp_path, tell)


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    """A member is missing."""

    def change(said: dict[str, Any]) -> None:
        for name in path[:-1]:
            said = said[name]
        del said[path[-1]]

    return change


def with_(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    """A member is another."""

    def change(said: dict[str, Any]) -> None:
        for name in path[:-1]:
            said = said[name]
        said[path[-1]] = value

    return change


def long_ago(said: dict[str, Any]) -> None:
    """Its volumes were in 1999."""
    for volume in said["details"]["volumes"]:
        volume["time_start"]["value"] = "1999-01-01T00:00:00Z"
        volume["time_end"]["value"] = "1999-01-01T01:00:00Z"


def crossed(said: dict[str, Any]) -> None:
    """Its outline crosses itself."""
    vertices = said["details"]["volumes"][0]["volume"]["outline_polygon"]["vertices"]
    vertices[0], vertices[1] = vertices[1], vertices[0]


def too_many(said: dict[str, Any]) -> None:
    """It has a thousand and one volumes."""
    said["details"]["volumes"] *= 1_001


@pytest.mark.parametrize(
    "change",
    [
        too_many,
        with_("Flying", "reference", "state"),
        with_("Activated", "reference", "state"),
        with_(1.2, "details", "priority"),
        with_("11111111-1111-4111-8111-111111111111", "reference", "id"),
        with_("gamma", "reference", "manager"),
        with_(0, "reference", "version"),
        with_("short", "reference", "ovn"),
        without("reference", "ovn"),
        without("details", "volumes"),
        without("details"),
        with_([], "details", "volumes"),
        long_ago,
        crossed,
    ],
)
def test_a_peer_that_lies_stops_a_plan_and_is_told(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    """What cannot be is not planned on: the plan is refused, the peer gets a report, the ledger has it."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        assert (await alpha.file(box(0, 0, 1, 1))).done
        world.ways["alpha.example"] = lying(change)
        result = await beta.file(box(1.0001, 0, 2, 1), priority=100)
        assert not result.done
        assert "what alpha says of it cannot be" in result.why
        assert result.phase.value == "None"
        (report,) = [m for m in await outbox_of(beta) if m["topic"] == "report"]
        assert report["url"] == "https://alpha.example/uss/v1/reports"
        said = json.loads(report["body"])["exchange"]
        assert said["recorder_role"] == "Client"
        assert said["response_code"] == 200
        assert said["response_body"]
        await beta.outbox.drain()
        received = await alpha.desk.store.read(kept.reports)
        assert [(way, party) for _, way, party, _, _ in received] == [("received", "beta")]
        assert "report.made" in await leaves(beta)
        assert "report.received" in await leaves(alpha)

    story(tmp_path, tell)


def test_another_ovn_than_the_one_that_the_dss_has_is_found_out(tmp_path: Path) -> None:
    """A peer that shows a made-up OVN is asked again, and the plan is refused when it insists."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        first = await alpha.file(box(0, 0, 1, 1))
        world.ways["alpha.example"] = lying(with_("an-ovn-of-its-own-making", "reference", "ovn"))
        result = await beta.file(box(1.0001, 0, 2, 1))
        assert not result.done
        assert "not the one that the DSS has" in result.why
        assert len([s for s in world.sent if s.method == "GET" and first.ident in s.url]) == 2
        world.ways.clear()
        assert (await beta.file(box(1.0001, 0, 2, 1))).done, "the truth replaces what was remembered"

    story(tmp_path, tell)


@pytest.mark.parametrize(("phase", "passes"), [("Accepted", True), ("Activated", False)])
def test_a_party_that_is_declared_down(tmp_path: Path, phase: str, passes: bool) -> None:
    """What a party that is down has planned may be met, and what it flies keeps everybody out."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        assert (await alpha.file(box(0, 0, 1, 1), phase=phase)).done
        declared = {"old_version": "", "availability": "Down"}
        await dss(world, "PUT", "/uss_availability/alpha", declared, party="arbiter", scope=ARBITRATION)
        world.ways["alpha.example"] = silent
        result = await beta.file(box(0.5, 0.5, 1.5, 1.5), priority=100)
        assert result.done is passes, result.why
        assert [m.ident for m in result.permitted] if passes else "highest priority" in result.why
        assert not [s for s in world.sent if s.sender == "beta" and "alpha.example" in s.url]

    story(tmp_path, tell)


def losing(method: str, times: int, *, there: bool) -> Callable[[Sent, Arrive], Awaitable[Response]]:
    """A way to the DSS that loses so many writes: on their way there, or their answers."""
    left = [times]

    async def way(sent: Sent, arrive: Arrive) -> Response:
        if sent.method == method and left[0]:
            left[0] -= 1
            if not there:
                await arrive()
            raise CallFailed("the connection broke", arrived=True)
        return await arrive()

    return way


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("times", [1, 2])
def test_a_write_whose_answer_is_lost_is_asked_about(tmp_path: Path, there: bool, times: int) -> None:
    """Whether a write is lost or its answer is, the flight is there once and its neighbours are told."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        assert (await beta.file(box(1.0001, 0, 2, 1))).done
        ident: str | None = None
        for phase in ("Accepted", "Activated"):
            world.ways["dss.example"] = losing("PUT", times, there=there)
            result = await alpha.file(box(0, 0, 1, 1), ident=ident, phase=phase)
            assert result.done, result.why
            ident = result.ident
            path = f"/operational_intent_references/{ident}"
            known = await dss(world, "GET", path, party="alpha", scope=STRATEGIC)
            ours = await alpha.desk.store.read(kept.flights)
            assert [f.ovn for f in ours] == [known["operational_intent_reference"]["ovn"]]
            assert [f.state for f in ours] == [phase]
            assert await alpha.outbox.drain() == 1
        world.ways["dss.example"] = losing("DELETE", times, there=there)
        assert ident is not None
        assert (await alpha.end(ident)).done
        assert await alpha.outbox.drain() == 1
        told = [s.json for s in world.sent if s.method == "POST" and "beta.example" in s.url]
        assert [("operational_intent" in t) for t in told] == [True, True, False]

    story(tmp_path, tell)


def test_a_discovery_service_that_stays_silent_leaves_the_flight_open_until_it_is_back(
    tmp_path: Path,
) -> None:
    """What is not settled is said to be so, blocks further changes, and is settled when the DSS is back."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha", dss_s=0.1, plan_s=1.0)
        first = await alpha.file(box(0, 0, 1, 1))

        async def dead_after_it_took_one(sent: Sent, arrive: Arrive) -> Response:
            if sent.method == "POST":
                return await arrive()
            if sent.method == "PUT":
                await arrive()
            raise CallFailed("gone", arrived=True)

        world.ways["dss.example"] = dead_after_it_took_one
        result = await alpha.file(box(0, 0, 1, 0.9), ident=first.ident)
        assert result.ending is Ending.UNSETTLED
        with pytest.raises(Refused) as caught:
            await alpha.end(first.ident)
        assert caught.value.reason is Reason.UNAVAILABLE
        world.ways.clear()
        assert await alpha.desk.recover(now_us() + 60_000_000) == 1
        (flight,) = await alpha.desk.store.read(kept.flights)
        assert json.loads(flight.reference)["version"] >= 2
        assert (await alpha.end(first.ident)).done

    story(tmp_path, tell)


@pytest.mark.parametrize("act", ["create", "change", "end"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_node_that_is_killed_at_its_write_knows_it_again(tmp_path: Path, act: str, moment: str) -> None:
    """A node killed at a write to the DSS, or before it hears the answer, settles it when it is back."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        beta = await node(world, "beta")
        assert (await beta.file(box(1.0001, 0, 2, 1))).done
        ident = None if act == "create" else (await alpha.file(box(0, 0, 1, 1))).ident
        await alpha.outbox.drain()

        async def kill(sent: Sent, arrive: Arrive) -> Response:
            if sent.method not in {"PUT", "DELETE"}:
                return await arrive()
            if moment == "after":
                await arrive()
            raise Killed

        world.ways["dss.example"] = kill
        with pytest.raises(Killed):
            await (alpha.file(box(0, 0, 1, 0.9), ident=ident) if act != "end" else alpha.end(ident or ""))
        world.ways.clear()
        again = await node(world, "alpha", ahead_us=120_000_000)
        assert await again.desk.recover(now_us() + 60_000_000) == 1
        flights = await again.desk.store.read(kept.flights)
        query = {"area_of_interest": {"volume": json.loads(wire.encode(box(0, 0, 1, 1)))["volume"]}}
        there = await dss(
            world,
            "POST",
            "/operational_intent_references/query",
            query,
            party="alpha",
            scope=STRATEGIC,
        )
        mine = [r for r in there["operational_intent_references"] if r["manager"] == "alpha"]
        assert [r["ovn"] for r in mine] == [f.ovn for f in flights]
        assert len(mine) == (0 if act == "end" else 1)
        assert await again.desk.recover(now_us() + 120_000_000) == 0
        await again.outbox.drain()
        (theirs,) = [s.json for s in world.sent if "beta.example/uss/v1/operational_intents" in s.url][-1:]
        assert ("operational_intent" in theirs) is (act != "end")

    story(tmp_path, tell)


def test_two_of_our_own_plans_at_once_do_not_both_pass(tmp_path: Path) -> None:
    """Of flights of one party that conflict and are filed at once, exactly one is accepted."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        results = await asyncio.gather(*(alpha.file(box(0, 0, 1, 1 + k / 10)) for k in range(6)))
        assert sum(r.done for r in results) == 1
        assert all("has the same priority" in r.why for r in results if not r.done)

    story(tmp_path, tell)


def test_a_flight_that_the_dss_has_no_more_is_over(tmp_path: Path) -> None:
    """A change of a flight that the DSS has lost is refused, and the flight is over here too."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        result = await alpha.file(box(0, 0, 1, 1))
        (flight,) = await alpha.desk.store.read(kept.flights)
        await dss(
            world,
            "DELETE",
            f"/operational_intent_references/{result.ident}/{flight.ovn}",
            party="alpha",
            scope=STRATEGIC,
        )
        changed = await alpha.file(box(0, 0, 1, 0.9), ident=result.ident)
        assert not changed.done
        assert changed.phase.value == "Ended"
        assert await alpha.desk.store.read(kept.flights) == []

    story(tmp_path, tell)


class Flaky:
    """A store whose n-th write fails: before it is done, or after."""

    def __init__(self, store: Any, n: int, *, done: bool) -> None:
        self._store = store
        self._left = n
        self._done = done

    async def read(self, work: Any) -> Any:
        """As the store does."""
        return await self._store.read(work)

    async def write(self, work: Any) -> Any:
        """As the store does, but once."""
        self._left -= 1
        if self._left:
            return await self._store.write(work)
        if self._done:
            await self._store.write(work)
        raise Refused(Reason.UNAVAILABLE, "the answer to COMMIT was lost")


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("act", ["create", "change", "end"])
def test_a_database_that_fails_at_any_write_of_a_plan_loses_nothing(
    tmp_path: Path, act: str, n: int, done: bool
) -> None:
    """A commit that fails, or whose answer is lost, leaves a flight that the next attempt finds as it is."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        flight = "4f1b5c3e-9d2a-4c3b-8b1a-0c9e3d2f4a55"
        if act != "create":
            assert (await alpha.file(box(0, 0, 1, 1), ident=flight)).done
        alpha.desk.flights._store = Flaky(alpha.desk.store, n, done=done)  # type: ignore[assignment]
        with pytest.raises(Refused) as caught:
            await (alpha.end(flight) if act == "end" else alpha.file(box(0, 0, 1, 0.9), ident=flight))
        assert caught.value.reason is Reason.UNAVAILABLE
        again = await (alpha.end(flight) if act == "end" else alpha.file(box(0, 0, 1, 0.8), ident=flight))
        assert again.done, again.why
        query = {"area_of_interest": {"volume": json.loads(wire.encode(box(0, 0, 1, 1)))["volume"]}}
        path = "/operational_intent_references/query"
        there = await dss(world, "POST", path, query, party="alpha", scope=STRATEGIC)
        ours = await alpha.desk.store.read(kept.flights)
        assert [r["ovn"] for r in there["operational_intent_references"]] == [f.ovn for f in ours]
        assert len(ours) == (act != "end")
        assert await alpha.desk.store.read(lambda tx: kept.pendings(tx, now_us() + 10**9)) == []

    story(tmp_path, tell)
