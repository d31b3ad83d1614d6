"""Flights in use, watched: positions judged, off-nominal states declared, shared, taken back and given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from node_services import SECOND_US, Serving, ask, box, fix, said, serving
from node_world import Sent, World, now_us, story
from skypact.courier.client import CallFailed, Response
from skypact.errors import Reason, Refused
from skypact.exchange.conformance import Limits, Standing
from skypact.exchange.intent import Phase
from skypact.formats import f3548_wire as wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Arrive = Callable[[], Awaitable[Response]]

STRATEGIC = "utm.strategic_coordination"
CONFORMANCE = "utm.conformance_monitoring_sa"


async def flying(world: World) -> tuple[Serving, str, int]:
    """A flight in use, and when its first position may be: a minute ago."""
    alpha = await serving(world, "alpha")
    start_us = now_us() - 100 * SECOND_US
    result = await alpha.node.file(box(0, 0, 1, 1, start_us=start_us), phase="Activated")
    assert result.done, result.why
    return alpha, result.ident, now_us() - 80 * SECOND_US


async def shared(world: World, ident: str) -> Any:
    """What a peer sees of a flight."""
    url = f"https://alpha.example/uss/v1/operational_intents/{ident}"
    return said(await ask(world, url, STRATEGIC))["operational_intent"]


async def telemetry(world: World, ident: str) -> Response:
    """What a peer sees of where it is."""
    url = f"https://alpha.example/uss/v1/operational_intents/{ident}/telemetry"
    return await ask(world, url, CONFORMANCE)


def test_a_flight_that_strays_is_declared_and_claims_where_it_may_be(tmp_path: Path) -> None:
    """Outside for longer than the limit, it is nonconforming for everybody, with volumes that hold it."""

    async def tell(world: World) -> None:
        alpha, ident, t0 = await flying(world)
        inside = await alpha.monitor.positions(ident, [fix(0.5, 0.5, t0)], t0)
        assert (inside.phase, inside.watch.standing) == (Phase.ACTIVATED, Standing.CONFORMING)
        assert (await telemetry(world, ident)).status == 409
        first = now_us() - 10 * SECOND_US
        away = await alpha.monitor.positions(
            ident, [fix(0.5, 1.2, first), fix(0.5, 1.21, first + 9 * SECOND_US)], now_us()
        )
        assert (away.phase, away.watch.standing, away.declaring) == (
            Phase.NONCONFORMING,
            Standing.NONCONFORMING,
            "",
        )
        out = away.judged[-1][1]
        assert out.horizontal_m == pytest.approx(159.7, abs=0.1)
        seen = await shared(world, ident)
        assert seen["reference"]["state"] == "Nonconforming"
        assert len(seen["details"]["off_nominal_volumes"]) == 3
        where = said(await telemetry(world, ident))["telemetry"]["position"]
        assert (where["longitude"], where["accuracy_h"]) == (pytest.approx(8.0121), "HA3m")
        kinds = [(kind, operator) for kind, operator, _ in await alpha.notices()]
        assert kinds == [("nonconforming", "ops")]
        assert "m horizontally" in (await alpha.notices())[0][2]

    story(tmp_path, tell)


def test_a_flight_that_comes_back_in_time_is_activated_again(tmp_path: Path) -> None:
    """Inside again for long enough, it is Activated with the volumes it planned, and its operator is told."""

    async def tell(world: World) -> None:
        alpha, ident, _ = await flying(world)
        t0 = now_us() - 30 * SECOND_US
        out = [fix(0.5, 1.2, t0 + k * SECOND_US) for k in range(7)]
        assert (await alpha.monitor.positions(ident, out, now_us())).phase is Phase.NONCONFORMING
        back = [fix(0.5, 0.9, t0 + (8 + k) * SECOND_US) for k in range(5)]
        done = await alpha.monitor.positions(ident, back, now_us())
        assert (done.phase, done.watch.standing) == (Phase.ACTIVATED, Standing.CONFORMING)
        assert done.watch.declared_us == 0
        seen = await shared(world, ident)
        assert seen["reference"]["state"] == "Activated"
        assert "off_nominal_volumes" not in seen["details"]
        assert [kind for kind, _, _ in await alpha.notices()] == ["nonconforming", "conforming"]

    story(tmp_path, tell)


def test_a_flight_that_does_not_come_back_is_contingent(tmp_path: Path) -> None:
    """A minute after the declaration the clock alone makes it contingent, and its claim is renewed."""

    async def tell(world: World) -> None:
        alpha, ident, _ = await flying(world)
        t0 = now_us()
        out = [fix(0.5, 1.2, t0 - 8 * SECOND_US), fix(0.5, 1.2, t0)]
        assert (await alpha.monitor.positions(ident, out, t0)).phase is Phase.NONCONFORMING
        assert await alpha.monitor.tick(t0 + 20 * SECOND_US) == 0
        await alpha.monitor.tick(t0 + 61 * SECOND_US)
        seen = await shared(world, ident)
        assert seen["reference"]["state"] == "Contingent"
        await alpha.monitor.tick(t0 + 130 * SECOND_US)
        renewed = await shared(world, ident)
        assert renewed["reference"]["version"] > seen["reference"]["version"]
        kinds = [kind for kind, _, _ in await alpha.notices()]
        assert kinds == ["nonconforming", "lost", "contingent"]
        assert (await alpha.node.end(ident)).done
        assert await alpha.monitor.forget() == 1

    story(tmp_path, tell)


def test_a_declaration_that_could_not_be_made_is_made_by_the_ticker(tmp_path: Path) -> None:
    """While the discovery service is away it is due, its operator knows, and it is done when that is back."""

    async def tell(world: World) -> None:
        alpha, ident, _ = await flying(world)
        t0 = now_us()

        async def dead(_sent: Sent, _arrive: Arrive) -> Response:
            raise CallFailed("no route", arrived=False)

        world.ways["dss.example"] = dead
        out = [fix(0.5, 1.2, t0 - 8 * SECOND_US), fix(0.5, 1.2, t0)]
        stuck = await alpha.monitor.positions(ident, out, t0)
        assert (stuck.phase, stuck.watch.standing) == (Phase.ACTIVATED, Standing.NONCONFORMING)
        assert stuck.declaring
        assert [kind for kind, _, _ in await alpha.notices()] == ["nonconforming", "undeclared"]
        del world.ways["dss.example"]
        later = now_us() + 40 * SECOND_US
        await alpha.node.desk.recover(later)
        await alpha.monitor.tick(later)
        assert (await shared(world, ident))["reference"]["state"] == "Nonconforming"

    story(tmp_path, tell)


def test_a_flight_whose_positions_stop_is_lost_and_found(tmp_path: Path) -> None:
    """Its operator is told once when they stop and once when they come again; nothing is declared."""

    async def tell(world: World) -> None:
        alpha, ident, _ = await flying(world)
        t0 = now_us()
        await alpha.monitor.tick(t0)
        await alpha.monitor.positions(ident, [fix(0.5, 0.5, t0)], t0)
        for second in (5, 11, 12, 20):
            await alpha.monitor.tick(t0 + second * SECOND_US)
        assert [kind for kind, _, _ in await alpha.notices()] == ["lost"]
        await alpha.monitor.positions(ident, [fix(0.5, 0.5, t0 + SECOND_US)], t0 + 21 * SECOND_US)
        assert [kind for kind, _, _ in await alpha.notices()] == ["lost", "found"]
        assert (await shared(world, ident))["reference"]["state"] == "Activated"

    story(tmp_path, tell)


def test_what_its_people_declared_is_left_to_them(tmp_path: Path) -> None:
    """A flight that was declared nonconforming by hand stays so, whatever the monitor sees."""

    async def tell(world: World) -> None:
        alpha, ident, _ = await flying(world)
        t0 = now_us()
        declared = await alpha.node.file(box(0, 0, 3, 3), phase="Nonconforming", ident=ident)
        assert declared.done
        await alpha.monitor.positions(ident, [fix(0.5, 0.5, t0)], t0)
        await alpha.monitor.tick(t0 + 100 * SECOND_US)
        assert (await shared(world, ident))["reference"]["state"] == "Nonconforming"

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"position": None}, "$.positions[0].position"),
        ({"time_measured": wire.time(2**51)}, "$.positions[0].time_measured"),
    ],
)
def test_a_position_that_is_none_refuses_the_batch(
    tmp_path: Path, change: dict[str, Any], where: str
) -> None:
    """A position without a place, or from the future, is refused with its path and nothing is kept."""

    async def tell(world: World) -> None:
        alpha, ident, _ = await flying(world)
        good = fix(0.5, 0.5, now_us())
        bad = wire.VehicleTelemetry(
            **{"time_measured": good.time_measured, "position": good.position} | change
        )
        with pytest.raises(Refused) as refused:
            await alpha.monitor.positions(ident, [bad], now_us())
        assert refused.value.where == where
        assert await alpha.monitor.standing(wire.entity_id(ident, where="")) is None

    story(tmp_path, tell)


def test_positions_of_a_flight_that_is_not_in_use_are_refused(tmp_path: Path) -> None:
    """An accepted flight has no positions yet, and one that is not ours has none at all."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        planned = await alpha.node.file(box(0, 0, 1, 1))
        with pytest.raises(Refused) as early:
            await alpha.monitor.positions(planned.ident, [fix(0.5, 0.5, now_us())], now_us())
        assert early.value.reason is Reason.NOT_NOW
        other = "11111111-1111-4111-8111-111111111111"
        with pytest.raises(Refused) as unknown:
            await alpha.monitor.positions(other, [fix(0.5, 0.5, now_us())], now_us())
        assert unknown.value.reason is Reason.UNKNOWN

    story(tmp_path, tell)


def test_an_operator_whose_flights_are_too_often_outside_is_told_once_a_day(tmp_path: Path) -> None:
    """Below the share that is wanted, with enough seen, there is one notice, and the share can be read."""

    async def tell(world: World) -> None:
        alpha, ident, _ = await flying(world)
        alpha.monitor.limits = Limits(share_seen_us=20 * SECOND_US, astray_us=3_600 * SECOND_US)
        t0 = now_us() - 60 * SECOND_US
        inside = [fix(0.5, 0.5, t0 + k * SECOND_US) for k in range(16)]
        await alpha.monitor.positions(ident, inside, now_us())
        assert await alpha.notices() == []
        outside = [fix(0.5, 1.5, t0 + k * SECOND_US) for k in range(16, 26)]
        await alpha.monitor.positions(ident, outside, now_us())
        await alpha.monitor.positions(ident, [fix(0.5, 1.5, t0 + 26 * SECOND_US)], now_us())
        ((kind, operator, text),) = await alpha.notices()
        assert (kind, operator) == ("conformance", "ops")
        assert "60.0 %" in text
        shares = said(await alpha.api("GET", "/conformance", scope="skypact.read"))
        assert shares["operators"] == [
            {"operator": "ops", "share": pytest.approx(15 / 26), "seen_s": pytest.approx(26.0)}
        ]
        other = said(await alpha.api("GET", "/conformance", who="bob", scope="skypact.read"))
        assert other["operators"] == []

    story(tmp_path, tell)
