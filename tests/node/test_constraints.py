"""Constraints: filed, shown, told, obeyed; whoever was not reached is known; kills and lost answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from node_services import SECOND_US, Serving, ask, box, said, serving
from node_world import DSS, Sent, World, dss, now_us, story
from skypact.courier.client import CallFailed, Response
from skypact.errors import Reason, Refused
from skypact.store import watchful

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Arrive = Callable[[], Awaitable[Response]]

PROCESSING = "utm.constraint_processing"
MANAGEMENT = "utm.constraint_management"


async def two(world: World) -> tuple[Serving, Serving]:
    """A fire service and an operator."""
    return await serving(world, "fire"), await serving(world, "alpha")


async def there(world: World, ident: str) -> dict[str, Any]:
    """What the discovery service has of a constraint."""
    found = await dss(world, "GET", f"/constraint_references/{ident}", party="judge", scope=PROCESSING)
    return dict(found["constraint_reference"])


def test_a_constraint_is_at_the_discovery_service_and_shown_to_peers(tmp_path: Path) -> None:
    """What was filed is what the discovery service and the node show, and after its end nothing."""

    async def tell(world: World) -> None:
        fire, _ = await two(world)
        done = await fire.restrict(box(0, 0, 2, 2))
        assert (done.done, done.state) == (True, "Valid")
        reference = await there(world, done.ident)
        url = f"https://fire.example/uss/v1/constraints/{done.ident}"
        shown = said(await ask(world, url, PROCESSING))["constraint"]
        assert shown["reference"]["version"] == reference["version"] == 1
        assert shown["details"]["type"] == "com.example.fire"
        moved = await fire.restrict(box(3, 0, 4, 2), ident=done.ident)
        assert moved.done
        assert said(await ask(world, url, PROCESSING))["constraint"]["reference"]["version"] == 2
        ended = await fire.constraints.end(done.ident, now_us())
        assert (ended.done, ended.state) == (True, "Ended")
        assert (await ask(world, url, PROCESSING)).status == 404
        again = await fire.constraints.end(done.ident, now_us())
        assert again.done

    story(tmp_path, tell)


def test_a_plan_into_a_constraint_is_refused_with_what_it_meets(tmp_path: Path) -> None:
    """A node that processes constraints fetches them from their manager and refuses a plan that meets one."""

    async def tell(world: World) -> None:
        fire, alpha = await two(world)
        done = await fire.restrict(box(0, 0, 2, 2))
        refused = await alpha.node.file(box(1, 1, 3, 3))
        assert not refused.done
        assert [m.ident for m in refused.refused] == [done.ident]
        assert refused.refused[0].state == "constraint"
        beside = await alpha.node.file(box(5, 5, 6, 6))
        assert beside.done

    story(tmp_path, tell)


def test_operators_learn_when_a_constraint_comes_moves_and_goes(tmp_path: Path) -> None:
    """Each notification about a constraint that meets a flight, or met it, is a notice of its operator."""

    async def tell(world: World) -> None:
        fire, alpha = await two(world)
        flight = await alpha.node.file(box(0, 0, 1, 1))
        assert flight.done
        done = await fire.restrict(box(0.5, 0.5, 2, 2))
        await fire.node.outbox.drain()
        await fire.restrict(box(4, 4, 5, 5), ident=done.ident)
        await fire.node.outbox.drain()
        await fire.restrict(box(0.5, 0.5, 2, 2), ident=done.ident)
        await fire.node.outbox.drain()
        await fire.constraints.end(done.ident, now_us())
        await fire.node.outbox.drain()
        kinds = [kind for kind, _, _ in await alpha.notices()]
        assert kinds == ["constraint", "constraint gone", "constraint", "constraint gone"]
        texts = [text for _, _, text in await alpha.notices()]
        assert "meets it no more" in texts[1]
        assert "is gone" in texts[3]

    story(tmp_path, tell)


def test_the_own_flights_of_a_manager_are_told_in_its_own_transaction(tmp_path: Path) -> None:
    """A party that manages a constraint over a flight of its own tells its operator without any message."""

    async def tell(world: World) -> None:
        fire, _ = await two(world)
        assert (await fire.node.file(box(0, 0, 1, 1))).done
        done = await fire.restrict(box(0, 0, 2, 2))
        assert [kind for kind, _, _ in await fire.notices()] == ["constraint"]
        refused = await fire.node.file(box(1.2, 1.2, 1.5, 1.5))
        assert [m.ident for m in refused.refused] == [done.ident]

    story(tmp_path, tell)


def test_who_was_not_reached_is_known_and_told_to_the_provider(tmp_path: Path) -> None:
    """A subscriber that does not answer is named with why, and the provider gets one notice of it."""

    async def tell(world: World) -> None:
        fire, alpha = await two(world)
        assert (await alpha.node.file(box(0, 0, 1, 1))).done

        async def dead(_sent: Sent, _arrive: Arrive) -> Response:
            raise CallFailed("connection refused", arrived=False)

        world.ways["alpha.example"] = dead
        done = await fire.restrict(box(0, 0, 2, 2))
        assert done.done
        await fire.node.outbox.drain()
        told, _ = await fire.constraints.told(done.ident)
        assert [(t.party, t.state, t.status) for t in told] == [("https://alpha.example", "waiting", None)]
        assert "connection refused" in told[0].fault
        late_us = now_us() + 6 * SECOND_US
        assert await fire.constraints.undelivered(late_us) == 1
        assert await fire.constraints.undelivered(late_us) == 0
        ((kind, operator, text),) = await fire.notices()
        assert (kind, operator) == ("undelivered", "fire service")
        assert "https://alpha.example" in text

    story(tmp_path, tell)


@pytest.mark.parametrize("act", ["create", "change", "end"])
def test_an_answer_that_is_lost_is_asked_for(tmp_path: Path, act: str) -> None:
    """Where the write arrived and its answer did not, the constraint is as it was to be, once."""

    async def tell(world: World) -> None:
        fire, _ = await two(world)
        ident = None
        if act != "create":
            ident = (await fire.restrict(box(0, 0, 2, 2))).ident
        lost = 0

        async def forgetful(sent: Sent, arrive: Arrive) -> Response:
            nonlocal lost
            answer = await arrive()
            if sent.method in {"PUT", "DELETE"} and not lost:
                lost += 1
                raise CallFailed("connection reset", arrived=True)
            return answer

        world.ways["dss.example"] = forgetful
        if act == "end":
            assert ident is not None
            done = await fire.constraints.end(ident, now_us())
            assert (done.done, done.state) == (True, "Ended")
        else:
            done = await fire.restrict(box(3, 3, 4, 4), ident=ident)
            assert (done.done, done.state) == (True, "Valid")
            row = await fire.constraints.get(done.ident)
            assert row.version == (await there(world, done.ident))["version"]
        assert lost == 1

    story(tmp_path, tell)


def test_what_a_kill_left_is_taken_up(tmp_path: Path) -> None:
    """A node killed after its write was sent finds at its next start what it did, and keeps it."""

    async def tell(world: World) -> None:
        fire, _ = await two(world)

        async def cut(sent: Sent, arrive: Arrive) -> Response:
            answer = await arrive()
            if sent.method == "PUT":
                raise asyncio.CancelledError
            return answer

        world.ways["dss.example"] = cut
        with pytest.raises(asyncio.CancelledError):
            await fire.restrict(box(0, 0, 2, 2))
        del world.ways["dss.example"]
        works = await fire.node.desk.store.read(lambda tx: watchful.constraint_works(tx, 2**62))
        assert len(works) == 1
        assert await fire.constraints.recover(now_us() + 60 * SECOND_US) == 1
        (row,) = await fire.constraints.listed()
        assert row.version == 2
        assert row.provider == "fire service"

    story(tmp_path, tell)


def test_an_id_of_another_party_and_a_constraint_too_long_are_refused(tmp_path: Path) -> None:
    """The id of another's constraint is refused without a trace, and so is one that lasts two days."""

    async def tell(world: World) -> None:
        fire, alpha = await two(world)
        done = await fire.restrict(box(0, 0, 2, 2))
        taken = await alpha.restrict(box(0, 0, 2, 2), ident=done.ident)
        assert not taken.done
        assert "another party" in taken.why
        with pytest.raises(Refused) as refused:
            await alpha.restrict(box(0, 0, 1, 1, minutes=2 * 1_440))
        assert refused.value.reason is Reason.INVALID
        assert await alpha.constraints.listed() == []

    story(tmp_path, tell)


def test_a_constraint_whose_time_has_passed_is_ended_by_the_ticker(tmp_path: Path) -> None:
    """What is over is ended here too, though the discovery service may have forgotten it."""

    async def tell(world: World) -> None:
        fire, _ = await two(world)
        done = await fire.restrict(box(0, 0, 2, 2, minutes=1))
        assert await fire.constraints.expire(now_us() + 180 * SECOND_US) == 1
        assert (await fire.constraints.get(done.ident)).state == "Ended"

    story(tmp_path, tell)


def test_the_discovery_service_that_is_away_leaves_it_open_and_says_so(tmp_path: Path) -> None:
    """Without any answer the result is not settled, nothing is shown, and later it is found out."""

    async def tell(world: World) -> None:
        fire, _ = await two(world)

        async def dead(_sent: Sent, _arrive: Arrive) -> Response:
            raise CallFailed("no route", arrived=True)

        world.ways["dss.example"] = dead
        done = await fire.restrict(box(0, 0, 2, 2))
        assert (done.done, done.settled) == (False, False)
        del world.ways["dss.example"]
        assert await fire.constraints.recover(now_us() + 60 * SECOND_US) == 1
        assert (await there(world, done.ident))["manager"] == "fire"
        assert DSS.endswith("example")

    story(tmp_path, tell)
