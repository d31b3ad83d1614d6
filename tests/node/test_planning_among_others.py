"""Two nodes and a discovery service plan into each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from implicitdict import ImplicitDict  # type: ignore[import-untyped]
from uas_standards.astm.f3548.v21.api import (  # type: ignore[import-untyped]
    GetOperationalIntentDetailsResponse,
)

from node_world import Sent, World, box, dss, node, now_us, story
from skypact.errors import Refused
from skypact.store import node as kept
from skypact.store import outbox

if TYPE_CHECKING:
    from pathlib import Path

STRATEGIC = "utm.strategic_coordination"


def test_a_flight_that_meets_nobody_is_accepted_and_shown_to_peers(tmp_path: Path) -> None:
    """A flight alone is accepted, and a peer gets exactly what the discovery service has of it."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        result = await alpha.file(box(0, 0, 1, 1), priority=7)
        assert result.done, result.why
        there = await dss(
            world, "GET", f"/operational_intent_references/{result.ident}", party="alpha", scope=STRATEGIC
        )
        answer = await alpha.ask("GET", f"/uss/v1/operational_intents/{result.ident}", STRATEGIC)
        shown = json.loads(answer.body)["operational_intent"]
        assert shown["reference"] == there["operational_intent_reference"]
        assert shown["reference"]["ovn"].startswith(result.ident)
        assert shown["details"]["priority"] == 7
        parsed = ImplicitDict.parse(json.loads(answer.body), GetOperationalIntentDetailsResponse)
        assert parsed.operational_intent.reference.id == result.ident

    story(tmp_path, tell)


def test_a_flight_into_a_peers_of_equal_priority_is_refused_and_says_what_when_and_how_close(
    tmp_path: Path,
) -> None:
    """The later of two flights of equal priority is refused, with what it meets, when and where."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        first = await alpha.file(box(0, 0, 1, 1))
        second = await beta.file(box(0.5, 0.5, 1.5, 1.5))
        assert first.done
        assert not second.done
        assert second.phase.value == "None"
        (met,) = second.refused
        assert met.ident == first.ident
        assert met.manager == "alpha"
        assert (met.horizontal_m, met.vertical_m) == (0.0, 0.0)
        assert met.start_us < met.end_us
        assert "overlap near 47.0" in second.why
        near = await beta.file(box(1.2, 0, 2, 1))
        assert near.done, near.why

    story(tmp_path, tell)


def test_a_higher_priority_passes_and_both_operators_are_told(tmp_path: Path) -> None:
    """A flight of higher priority is accepted over another, and the operators on both sides hear of it."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        from_us = now_us()
        low = await alpha.file(box(0, 0, 1, 1))
        high = await beta.file(box(0.5, 0.5, 1.5, 1.5), priority=100)
        assert high.done, high.why
        assert [m.ident for m in high.permitted] == [low.ident]
        assert await beta.outbox.drain() == 1
        (suffering,) = await alpha.desk.notices(from_us, now_us() + 1_000_000)
        (causing,) = await beta.desk.notices(from_us, now_us() + 1_000_000)
        assert suffering.conflicts == causing.conflicts == 1
        assert high.ident in suffering.text
        assert low.ident in causing.text
        changed = await alpha.file(box(0, 0, 1, 1, high=180), ident=low.ident)
        assert not changed.done
        assert changed.phase.value == "Accepted"
        begun = await alpha.file(box(0, 0, 1, 1), ident=low.ident, phase="Activated")
        assert not begun.done
        assert "a higher priority" in begun.why

    story(tmp_path, tell)


def test_a_conflict_that_was_there_before_may_be_made_smaller_and_not_larger(tmp_path: Path) -> None:
    """A flight in use may be changed within a conflict that it had, while what they share does not grow."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        start = now_us()
        low = await alpha.file(box(0, 0, 1, 1, start_us=start), phase="Activated")
        high = await beta.file(box(0.5, 0.5, 1.5, 1.5, start_us=start), priority=100, phase="Activated")
        assert low.done
        assert high.done
        smaller = await alpha.file(box(0, 0, 0.8, 0.8, start_us=start), ident=low.ident, phase="Activated")
        assert smaller.done, smaller.why
        assert "no worse" in smaller.permitted[0].why
        larger = await alpha.file(box(0, 0, 0.9, 0.9, start_us=start), ident=low.ident, phase="Activated")
        assert not larger.done
        assert "grows" in larger.why
        assert larger.phase.value == "Activated"

    story(tmp_path, tell)


def test_an_off_nominal_flight_asks_nobody_and_its_neighbours_are_told(tmp_path: Path) -> None:
    """A nonconforming flight is written at once, without a question, and its end is told as well."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")
        mine = await alpha.file(box(0, 0, 1, 1), phase="Activated")
        theirs = await beta.file(box(2, 2, 3, 3), phase="Activated")
        assert mine.done
        before = len(world.sent)
        lost = await beta.file(box(0.5, 0.5, 3, 3), ident=theirs.ident, phase="Nonconforming")
        assert lost.done, lost.why
        asked = [s for s in world.sent[before:] if s.sender == "beta"]
        assert [s.method for s in asked] == ["PUT"]
        from_us = now_us() - 10_000_000
        await beta.outbox.drain()
        assert [n.kind for n in await alpha.desk.notices(from_us, now_us())] == ["conflict"]
        back = await beta.file(box(2, 2, 3, 3), ident=theirs.ident, phase="Activated")
        assert back.done, back.why
        gone = await beta.file(box(2, 2, 3, 3), ident=theirs.ident, phase="Contingent")
        assert gone.done
        assert (await beta.end(theirs.ident)).phase.value == "Ended"
        await beta.outbox.drain()
        answer = await beta.ask("GET", f"/uss/v1/operational_intents/{theirs.ident}", STRATEGIC)
        assert answer.status == 404

    story(tmp_path, tell)


def test_an_act_that_the_table_does_not_have_changes_nothing(tmp_path: Path) -> None:
    """A contingent flight cannot become activated again, and stays what it is."""

    async def tell(world: World) -> None:
        alpha = await node(world, "alpha")
        result = await alpha.file(box(0, 0, 1, 1), phase="Contingent")
        assert result.done, result.why
        with pytest.raises(Refused, match="cannot become Activated"):
            await alpha.file(box(0, 0, 1, 1), ident=result.ident, phase="Activated")
        assert (await alpha.end(result.ident)).done

    story(tmp_path, tell)


def test_details_come_from_the_cache_when_their_version_is_known(tmp_path: Path) -> None:
    """What a peer told is not asked for again; what it did not tell is asked for once."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha"), await node(world, "beta")

        def asked() -> list[Sent]:
            return [s for s in world.sent if s.method == "GET" and "alpha.example" in s.url]

        for k in range(5):
            assert (await alpha.file(box(0, k, 0.5, k + 0.5))).done
        assert (await beta.file(box(0.5001, 0, 1, 5))).done
        assert len(asked()) == 5
        await alpha.outbox.drain()
        assert (await beta.file(box(-0.5, 0, -0.0005, 5))).done
        assert len(asked()) == 5
        assert (await alpha.file(box(0, 0.6, 0.5, 0.9))).done
        await alpha.outbox.drain()
        told = [s for s in world.sent if s.method == "POST" and s.url.startswith("https://beta.example")]
        assert told
        assert (await beta.file(box(0, 0.5001, 0.5, 0.5999))).done
        assert len(asked()) == 5

    story(tmp_path, tell)


def test_a_node_lives_on_either_database(tmp_path: Path, store_url: str) -> None:
    """On SQLite and on PostgreSQL alike, a flight goes through its life and the neighbours are told."""

    async def tell(world: World) -> None:
        alpha, beta = await node(world, "alpha", url=store_url), await node(world, "beta")
        assert (await beta.file(box(1.0001, 0, 2, 1))).done
        assert not (await alpha.file(box(0.5, 0, 1.1, 1))).done
        mine = await alpha.file(box(0, 0, 1, 1), name="our first", phase="Activated")
        assert mine.done, mine.why
        with pytest.raises(Refused, match="another flight has this name"):
            await alpha.file(box(5, 5, 6, 6), name="our first")
        lost = await alpha.file(box(0, 0, 2, 1), ident=mine.ident, phase="Nonconforming")
        assert lost.done
        over = await beta.file(box(1.5, 0, 2.5, 1))
        assert "off-nominal" in over.why
        await beta.outbox.drain()
        await alpha.outbox.drain()
        assert (await alpha.end(mine.ident)).done
        await alpha.outbox.drain()
        reach = await alpha.desk.store.read(outbox.reach)
        assert [(r.party, r.waiting, r.refused) for r in reach] == [("https://beta.example", 0, 0)]
        past = now_us() + 3_600_000_000
        assert await beta.desk.flights.expire(past) == 1
        assert await beta.desk.store.read(kept.flights) == []

    story(tmp_path, tell)
