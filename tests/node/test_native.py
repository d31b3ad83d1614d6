"""A party's own interface: filing, checking, changing, ending; who sees what; refusals that say why."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from node_services import SECOND_US, Serving, box, fix, said, serving
from node_world import DSS, Sent, World, now_us, story
from skypact.airspace import DataMode
from skypact.courier.client import CallFailed, Response
from skypact.courier.peers import Peers
from skypact.desk.accounts import Accounts
from skypact.desk.neighbours import Neighbours
from skypact.instants import format_instant
from skypact.server import accounts, filings, hotline, incidents, native

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skypact.formats import f3548_wire as wire

    Arrive = Callable[[], Awaitable[Response]]

READ = "skypact.read"
CONSTRAINTS = "skypact.constraints"
PLAN = Path(__file__).resolve().parents[2] / "examples" / "wildfire" / "mapping-drone.plan"


def filing(*volumes: wire.Volume4D, **more: Any) -> dict[str, Any]:
    """A body of a filing."""
    return {"volumes": [msgspec.to_builtins(v) for v in volumes], **more}


async def filed(alpha: Serving, *volumes: wire.Volume4D, **more: Any) -> dict[str, Any]:
    """A flight that was filed."""
    answer = await alpha.api("POST", "/flights", filing(*volumes, **more))
    assert answer.status == 201, answer.body
    return dict(said(answer))


def test_a_flight_from_filing_to_its_end(tmp_path: Path) -> None:
    """Filed, listed, shown with its versions and messages, changed, activated, followed, ended."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        made = await filed(alpha, box(0, 0, 1, 1), name="survey", priority=5)
        assert (made["ending"], made["phase"], made["flight"]["operator"]) == ("done", "Accepted", "alpha")
        ident = made["id"]
        (listed,) = said(await alpha.api("GET", "/flights", scope=READ))["flights"]
        assert (listed["name"], listed["priority"]) == ("survey", 5)
        changed = await alpha.api("PUT", f"/flights/{ident}", filing(box(0, 0, 2, 2)))
        assert (changed.status, said(changed)["flight"]["priority"]) == (200, 5)
        active = said(await alpha.api("POST", f"/flights/{ident}/activate"))
        assert active["phase"] == "Activated"
        where = {"positions": [msgspec.to_builtins(fix(0.5, 0.5, now_us()))]}
        followed = said(await alpha.api("POST", f"/flights/{ident}/positions", where))
        assert followed["standing"]["standing"] == "conforming"
        assert followed["judged"][0]["inside"] is True
        (kept,) = said(await alpha.api("GET", f"/flights/{ident}/positions", scope=READ))["positions"]
        assert kept["telemetry"]["position"]["accuracy_h"] == "HA3m"
        shown = said(await alpha.api("GET", f"/flights/{ident}", scope=READ))
        assert [v["act"] for v in shown["versions"]] == ["plan", "change", "activate"]
        assert shown["standing"]["standing"] == "conforming"
        ended = await alpha.api("POST", f"/flights/{ident}/end")
        assert (ended.status, said(ended)["phase"]) == (200, "Ended")
        assert said(await alpha.api("GET", "/flights", scope=READ))["flights"] == []
        assert len(said(await alpha.api("GET", "/flights?ended=true", scope=READ))["flights"]) == 1

    story(tmp_path, tell)


def test_a_refused_flight_is_answered_with_what_stands_in_the_way(tmp_path: Path) -> None:
    """Problem details name each flight in the way, when and how close, and nothing is filed."""

    async def tell(world: World) -> None:
        alpha, bravo = await serving(world, "alpha"), await serving(world, "bravo")
        first = await filed(bravo, box(0, 0, 2, 2))
        check = said(await alpha.api("POST", "/check", filing(box(1, 1, 3, 3))))
        assert [m["id"] for m in check["stands_in_the_way"]] == [first["id"]]
        refused = await alpha.api("POST", "/flights", filing(box(1, 1, 3, 3)))
        assert refused.status == 409
        assert refused.headers["content-type"] == "application/problem+json"
        problem = said(refused)
        (way,) = problem["stands_in_the_way"]
        assert (way["id"], way["manager"], way["horizontal_m"]) == (first["id"], "bravo", 0.0)
        assert problem["correlation"]
        assert said(await alpha.api("GET", "/flights", scope=READ))["flights"] == []
        clear = said(await alpha.api("POST", "/check", filing(box(5, 5, 6, 6))))
        assert (clear["stands_in_the_way"], clear["why"]) == ([], "")

    story(tmp_path, tell)


def test_what_may_meet_is_told_with_the_filing_and_as_a_notice(tmp_path: Path) -> None:
    """A flight of higher priority over another is filed with what it meets; both operators have a notice."""

    async def tell(world: World) -> None:
        alpha, bravo = await serving(world, "alpha"), await serving(world, "bravo")
        await filed(bravo, box(0, 0, 2, 2))
        made = await filed(alpha, box(1, 1, 3, 3), priority=50)
        assert [m["manager"] for m in made["meets"]] == ["bravo"]
        await alpha.node.outbox.drain()
        (mine,) = said(await alpha.api("GET", "/notices", scope=READ))["notices"]
        (theirs,) = said(await bravo.api("GET", "/notices", scope=READ))["notices"]
        assert (mine["kind"], theirs["kind"], theirs["conflicts"]) == ("conflict", "conflict", 1)
        seen = said(await bravo.api("POST", f"/notices/{theirs['id']}/seen", scope=READ))
        assert seen["seen_by"] == "bravo"
        unseen = said(await bravo.api("GET", "/notices?unseen=true", scope=READ))
        assert unseen["notices"] == []
        shown = said(await alpha.api("GET", f"/flights/{made['id']}", scope=READ))
        assert [t["state"] for t in shown["told"]] == ["delivered"]
        assert "bravo" in shown["versions"][0]["meets"][0]
        (reach,) = said(await alpha.api("GET", "/peers", scope=READ))["peers"]
        assert (reach["to"], reach["parties"], reach["delivered"]) == ("https://bravo.example", ["bravo"], 1)

    story(tmp_path, tell)


def test_a_person_sees_and_changes_only_what_is_filed_under_its_name(tmp_path: Path) -> None:
    """To somebody else of the party a flight is not there, in lists, notices, reads and writes alike."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        anns = await alpha.api("POST", "/flights", filing(box(0, 0, 1, 1)), who="ann")
        assert said(anns)["flight"]["operator"] == "ann"
        ident = said(anns)["id"]
        for who, there in (("ann", 1), ("bob", 0), ("alpha", 1)):
            rows = said(await alpha.api("GET", "/flights", who=who, scope=READ))["flights"]
            assert len(rows) == there, who
        for method, path in (
            ("GET", f"/flights/{ident}"),
            ("PUT", f"/flights/{ident}"),
            ("POST", f"/flights/{ident}/end"),
            ("POST", f"/flights/{ident}/activate"),
            ("POST", f"/flights/{ident}/positions"),
            ("GET", f"/flights/{ident}/positions"),
        ):
            body: Any = {"positions": []} if path.endswith("positions") and method == "POST" else {}
            answer = await alpha.api(method, path, body if method != "GET" else None, who="bob")
            assert answer.status == 404, (method, path, answer.body)
        stolen = await alpha.api("POST", "/flights", filing(box(3, 3, 4, 4), id=ident), who="bob")
        assert stolen.status == 409
        named = await alpha.api("POST", "/flights", filing(box(3, 3, 4, 4), operator="ann"), who="bob")
        assert named.status == 403
        for path in ("/peers", "/reports"):
            assert (await alpha.api("GET", path, who="ann", scope=READ)).status == 403

    story(tmp_path, tell)


def test_scopes_open_what_they_name(tmp_path: Path) -> None:
    """Reading files nothing, filing flights files no constraint, and no scope is no entry."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        body = filing(box(0, 0, 1, 1))
        for path, scope, status in (
            ("/flights", READ, 403),
            ("/constraints", "skypact.flights", 403),
            ("/flights", CONSTRAINTS, 403),
            ("/flights", "utm.strategic_coordination", 403),
            ("/flights", "skypact.flights", 201),
            ("/constraints", CONSTRAINTS, 201),
        ):
            answer = await alpha.api("POST", path, body, scope=scope)
            assert answer.status == status, (path, scope, answer.body)

    story(tmp_path, tell)


def test_a_plan_document_is_filed_as_a_tube(tmp_path: Path) -> None:
    """The body is a .plan as it is on disk; a wrong one is refused with its place, not with our path."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        start = format_instant(now_us() + 60 * SECOND_US)
        document = await asyncio.to_thread(PLAN.read_bytes)
        made = await alpha.api("POST", f"/flights/document?start={start}&name=mapping&priority=3", document)
        assert made.status == 201, made.body
        flight = said(made)["flight"]
        assert (flight["name"], flight["priority"]) == ("mapping", 3)
        assert len(flight["volumes"]) > 3
        broken = await alpha.api("POST", f"/flights/document?start={start}", document[:200])
        assert broken.status == 400
        text = said(broken)["detail"]
        assert "body" in text
        assert "skypact-" not in text
        wrong = await alpha.api("POST", "/flights/document?stort=1", document)
        assert said(wrong)["where"] == "query.stort"

    story(tmp_path, tell)


def test_an_answer_that_is_lost_is_accepted_and_found_out(tmp_path: Path) -> None:
    """While nobody can say whether it arrived the answer is 202 with the id; later the flight is there."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        gone = False

        async def away(sent: Sent, arrive: Arrive) -> Response:
            nonlocal gone
            answer = await arrive()
            gone = gone or sent.method == "PUT"
            if gone:
                raise CallFailed("connection reset", arrived=True)
            return answer

        world.ways["dss.example"] = away
        answer = await alpha.api("POST", "/flights", filing(box(0, 0, 1, 1)))
        assert answer.status == 202
        unsettled = said(answer)
        assert (unsettled["ending"], unsettled["phase"]) == ("unsettled", "None")
        del world.ways["dss.example"]
        await alpha.node.desk.recover(now_us() + 60 * SECOND_US)
        shown = said(await alpha.api("GET", f"/flights/{unsettled['id']}", scope=READ))
        assert shown["phase"] == "Accepted"

    story(tmp_path, tell)


def test_constraints_of_a_party_through_its_own_interface(tmp_path: Path) -> None:
    """Filed, listed, shown with who was told, changed and ended; in use by a flight of a peer."""

    async def tell(world: World) -> None:
        fire, alpha = await serving(world, "fire"), await serving(world, "alpha")
        await filed(alpha, box(0, 0, 1, 1))
        body = filing(box(0, 0, 2, 2), type="com.example.fire", name="smoke")
        made = await fire.api("POST", "/constraints", body, scope=CONSTRAINTS)
        assert made.status == 201, made.body
        ident = said(made)["id"]
        await fire.node.outbox.drain()
        shown = said(await fire.api("GET", f"/constraints/{ident}", scope=READ))
        assert (shown["provider"], shown["type"]) == ("fire", "com.example.fire")
        assert [(t["to"], t["state"]) for t in shown["told"]] == [("https://alpha.example", "delivered")]
        (row,) = said(await fire.api("GET", "/constraints", scope=READ))["constraints"]
        assert row["name"] == "smoke"
        moved = await fire.api("PUT", f"/constraints/{ident}", filing(box(4, 4, 5, 5)), scope=CONSTRAINTS)
        assert moved.status == 200
        other = await fire.api("DELETE", f"/constraints/{ident}", who="bob", scope=CONSTRAINTS)
        assert other.status == 404
        ended = await fire.api("DELETE", f"/constraints/{ident}", scope=CONSTRAINTS)
        assert said(ended)["state"] == "Ended"

    story(tmp_path, tell)


def test_availability_is_read_by_all_and_set_by_an_arbiter(tmp_path: Path) -> None:
    """What an arbiter declares through its node is what every node reads; an old version is refused."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        before = said(await alpha.api("GET", "/peers/bravo/availability", scope=READ))
        assert before["availability"] == "Unknown"
        body = {"availability": "Down", "old_version": before["version"]}
        denied = await alpha.api("PUT", "/peers/bravo/availability", body)
        assert denied.status == 403
        put = await alpha.api("PUT", "/peers/bravo/availability", body, scope="skypact.arbitrate")
        assert (put.status, said(put)["availability"]) == (200, "Down")
        stale = await alpha.api("PUT", "/peers/bravo/availability", body, scope="skypact.arbitrate")
        assert stale.status == 409
        after = said(await alpha.api("GET", "/peers/bravo/availability", scope=READ))
        assert after["availability"] == "Down"

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"volumes": []}, "$.volumes"),
        ({"volumes": [{}]}, "$.volumes[0]"),
        ({"volumes": [], "phase": "Ended"}, "$.phase"),
        ({"priority": "high"}, "$.priority"),
        ({"volumes": [], "id": "x"}, "$.id"),
    ],
)
def test_bad_input_is_told_by_its_path(tmp_path: Path, body: dict[str, Any], where: str) -> None:
    """Problem details say where in the body it is wrong, and nothing is half written."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        answer = await alpha.api("POST", "/flights", json.dumps(body).encode())
        assert answer.status == 400
        assert said(answer)["where"] == where
        assert said(await alpha.api("GET", "/flights", scope=READ))["flights"] == []

    story(tmp_path, tell)


def test_pages_lead_to_every_flight_once(tmp_path: Path) -> None:
    """Following ``next`` gives all flights, each once, in pages of the size asked for."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        idents = {(await filed(alpha, box(2 * k, 0, 2 * k + 1, 1)))["id"] for k in range(5)}
        found: list[str] = []
        path = "/flights?limit=2"
        while path:
            page = said(await alpha.api("GET", path, scope=READ))
            assert len(page["flights"]) <= 2
            found += [row["id"] for row in page["flights"]]
            path = f"/flights?limit=2&after={page['next']}" if "next" in page else ""
        assert (len(found), set(found)) == (5, idents)

    story(tmp_path, tell)


def test_the_document_lists_every_operation(tmp_path: Path) -> None:
    """``docs/api.md`` has a row for each operation of the interface, and none for another."""

    async def tell(world: World) -> set[str]:
        alpha = await serving(world, "alpha")
        peers = Peers(alpha.node.sender, DSS)
        nobody = cast("Any", None)  # rows are asked for their paths, and not called
        rows = (
            *native.operations(
                alpha.node.desk,
                monitor=alpha.monitor,
                constraints=alpha.constraints,
                arbiter=peers,
                neighbours=Neighbours(alpha.node.desk.store, peers, alpha.node.desk.flights),
            ),
            *accounts.operations(Accounts(alpha.node.desk.store, "alpha")),
            *filings.people(cast("Any", None), Accounts(alpha.node.desk.store, "alpha")),
            *incidents.operations(cast("Any", None), DataMode.TEST),
            *hotline.people(nobody, nobody, nobody, Accounts(alpha.node.desk.store, "alpha")),
        )
        return {f"{row.method} {row.path}" for row in rows}

    text = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([A-Z]+ /api/v1[^`]*)` \|", text, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == story(tmp_path, tell)
