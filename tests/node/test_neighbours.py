"""Peers' flights that are not flown as planned: who they are, which of ours they meet, where they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from node_services import SECOND_US, Serving, box, fix, said, serving
from node_world import Sent, World, now_us, story
from skypact.courier.client import CallFailed, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Arrive = Callable[[], Awaitable[Response]]


async def astray(world: World) -> tuple[Serving, Serving, str, str]:
    """Alpha's flight in use, and bravo's beside it, which has strayed towards it and says so."""
    alpha, bravo = await serving(world, "alpha"), await serving(world, "bravo")
    start_us = now_us() - 100 * SECOND_US
    ours = await alpha.node.file(box(0, 1.3, 1, 2.3, start_us=start_us), phase="Activated")
    theirs = await bravo.node.file(box(0, 0, 1, 1, start_us=start_us), phase="Activated")
    assert ours.done, ours.why
    assert theirs.done, theirs.why
    first = now_us() - 30 * SECOND_US
    out = [fix(0.5, 1.2, first + k * SECOND_US) for k in range(7)]
    assert (await bravo.monitor.positions(theirs.ident, out, now_us())).phase.value == "Nonconforming"
    await bravo.node.outbox.drain()
    return alpha, bravo, ours.ident, theirs.ident


async def neighbours(party: Serving, **who: Any) -> list[dict[str, Any]]:
    """What the party's own interface lists."""
    answer = await party.api("GET", "/neighbours", **who)
    assert answer.status == 200, answer.body
    return list(said(answer)["neighbours"])


def test_a_peer_that_has_strayed_is_listed_with_where_it_is(tmp_path: Path) -> None:
    """Its state, which of our flights it meets, and the position that its manager has."""

    async def tell(world: World) -> None:
        alpha, bravo, ours, theirs = await astray(world)
        (one,) = await neighbours(alpha)
        assert (one["id"], one["manager"], one["state"]) == (theirs, "bravo", "Nonconforming")
        assert one["meets"] == [ours]
        assert one["telemetry"]["position"]["longitude"] == pytest.approx(8.012)
        assert "silent" not in one
        assert await neighbours(bravo) == []  # its own flight is no neighbour, and alpha's is as planned
        later = now_us() - 100 * SECOND_US
        far = await alpha.node.file(box(5, 5, 6, 6, start_us=later), phase="Activated", name="far")
        assert far.done
        assert [n["meets"] for n in await neighbours(alpha)] == [[ours]]
        assert await neighbours(alpha, who="alpha/other people") == []

    story(tmp_path, tell)


@pytest.mark.parametrize("fault", ["dead", "liar"])
def test_a_manager_that_does_not_say_is_listed_as_silent(tmp_path: Path, fault: str) -> None:
    """No answer, or one about another flight: listed all the same, with why there is no position."""

    async def tell(world: World) -> None:
        alpha, _, _, theirs = await astray(world)

        async def way(_: Sent, arrive: Arrive) -> Response:
            if fault == "dead":
                raise CallFailed("connection refused", arrived=False)
            answer = await arrive()
            body = answer.body.replace(theirs.encode(), b"00000000-0000-4000-8000-000000000001")
            return Response(answer.status, answer.headers, body, answer.took_s)

        world.ways["bravo.example"] = way
        (one,) = await neighbours(alpha)
        assert one["id"] == theirs
        assert "telemetry" not in one
        assert ("refused" if fault == "dead" else "another intent") in one["silent"]

    story(tmp_path, tell)


def test_a_peer_that_is_back_or_gone_is_no_neighbour(tmp_path: Path) -> None:
    """When its manager says that it is flown as planned again, or has ended, it is listed no more."""

    async def tell(world: World) -> None:
        alpha, bravo, _, theirs = await astray(world)
        back = now_us() - 22 * SECOND_US
        inside = [fix(0.5, 0.9, back + k * SECOND_US) for k in range(6)]
        assert (await bravo.monitor.positions(theirs, inside, now_us())).phase.value == "Activated"
        await bravo.node.outbox.drain()
        assert await neighbours(alpha) == []

    story(tmp_path, tell)
