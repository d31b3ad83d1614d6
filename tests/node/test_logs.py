"""The log: every message with its answer or without, inputs, notices, attempts, positions; no token in it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from implicitdict import ImplicitDict  # type: ignore[import-untyped]
from uas_standards.astm.f3548.v21.api import USSLogSet  # type: ignore[import-untyped]

from node_services import SECOND_US, Serving, ask, box, fix, said, serving
from node_world import Sent, World, now_us, story
from skypact.courier.client import CallFailed, Response
from skypact.desk import logs
from skypact.errors import InputError, Reason, Refused
from skypact.instants import format_instant
from skypact.store import watchful
from skypact.store.prune import prune

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Arrive = Callable[[], Awaitable[Response]]

LOGS = "skypact.logs"
ARBITRATION = "utm.availability_arbitration"
STRATEGIC = "utm.strategic_coordination"


async def log_set(world: World, of: Serving, name: str, scope: str = LOGS) -> Any:
    """One log set."""
    await of.journal.flush()
    answer = await ask(world, f"{of.node.base_url}/uss/v1/log_sets/{name}", scope)
    assert answer.status == 200, answer.body
    found = said(answer)
    ImplicitDict.parse(found, USSLogSet)
    return found


async def filed(of: Serving, *volumes: Any, **more: Any) -> str:
    """The id of a flight filed by its operator."""
    body = {"volumes": [msgspec.to_builtins(v) for v in volumes], **more}
    answer = await of.api("POST", "/flights", body)
    assert answer.status == 201, answer.body
    return str(said(answer)["id"])


def test_all_that_concerns_a_flight_is_in_its_log_set(tmp_path: Path) -> None:
    """Inputs, attempts, notices, positions, its operator, and what peers asked and were told."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        bravo = await serving(world, "bravo")
        ident = await filed(bravo, box(0, 0, 2, 2), phase="Activated")
        await filed(alpha, box(1, 1, 3, 3), priority=50)
        await alpha.node.outbox.drain()
        where = {"positions": [msgspec.to_builtins(fix(0.5, 0.5, now_us()))]}
        await bravo.api("POST", f"/flights/{ident}/positions", where)
        found = await log_set(world, bravo, ident)
        assert [i["input_triggering_event"] for i in found["operator_inputs"]] == ["OPIN0040"]
        assert len(found["planning_attempts"]) == 2
        assert [n["notification_triggering_event"] for n in found["operator_notifications"]] == ["SCD0095"]
        assert found["operator_associations"] == [{"operational_intent_id": ident, "operator_id": "bravo"}]
        (flown,) = found["operational_intent_positions"]
        assert flown["positions"][0]["telemetry"]["position"]["latitude"] == pytest.approx(47.005)
        asked = [m for m in found["messages"] if m["recorder_role"] == "Server"]
        assert [(m["method"], m["response_code"]) for m in asked] == [("GET", 200)]
        answered = json.loads(base64.b64decode(asked[0]["response_body"]))
        assert answered["operational_intent"]["reference"]["id"] == ident

    story(tmp_path, tell)


def test_a_refused_plan_is_logged_with_what_was_known(tmp_path: Path) -> None:
    """An attempt that others stand in the way of is logged with why, and the flight is nowhere."""

    async def tell(world: World) -> None:
        alpha, bravo = await serving(world, "alpha"), await serving(world, "bravo")
        await filed(bravo, box(0, 0, 2, 2))
        begun_us = now_us()
        body = {"volumes": [msgspec.to_builtins(box(1, 1, 3, 3))]}
        assert (await alpha.api("POST", "/flights", body)).status == 409
        span = f"{format_instant(begun_us)}--{format_instant(now_us() + SECOND_US)}"
        found = await log_set(world, alpha, span)
        (attempt,) = found["planning_attempts"]
        assert "bravo" in attempt["problem"]

    story(tmp_path, tell)


def test_messages_without_an_answer_are_logged_and_no_token_is(tmp_path: Path) -> None:
    """A call that nobody answered is there with why; of every token there is a fingerprint and no more."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")

        async def dead(_sent: Sent, _arrive: Arrive) -> Response:
            raise CallFailed("no route", arrived=False)

        world.ways["dss.example"] = dead
        begun_us = now_us()
        await alpha.restrict(box(0, 0, 1, 1))
        url = f"https://alpha.example/uss/v1/operational_intents/{'1' * 8}-1111-4111-8111-{'1' * 12}"
        assert (await ask(world, url, STRATEGIC, party="judge")).status == 404
        span = f"{format_instant(begun_us)}--{format_instant(now_us() + SECOND_US)}"
        found = await log_set(world, alpha, span)
        silent = [m for m in found["messages"] if "response_code" not in m]
        assert silent
        assert {m["recorder_role"] for m in silent} == {"Client"}
        assert all("no route" in m["problem"] for m in silent)
        (asked,) = [m for m in found["messages"] if m["recorder_role"] == "Server"]
        digest = hashlib.sha256(f"judge:{STRATEGIC}".encode()).hexdigest()
        assert asked["headers"] == [f"Authorization: Bearer SHA-256={digest}"]
        assert f"judge:{STRATEGIC}" not in json.dumps(found)

    story(tmp_path, tell)


def test_log_sets_are_for_own_people_and_arbiters(tmp_path: Path) -> None:
    """A peer's token opens no log, an arbiter's does, and a set that is none is refused."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        ident = await filed(alpha, box(0, 0, 1, 1))
        base = "https://alpha.example/uss/v1/log_sets/"
        assert (await ask(world, base + ident, STRATEGIC)).status == 403
        assert (await ask(world, base + ident, ARBITRATION)).status == 200
        assert (await ask(world, base + "yesterday", LOGS)).status == 400

    story(tmp_path, tell)


def test_the_provider_of_a_constraint_is_in_the_log(tmp_path: Path) -> None:
    """Who declared a constraint is logged with it, after its end too."""

    async def tell(world: World) -> None:
        fire = await serving(world, "fire")
        done = await fire.restrict(box(0, 0, 1, 1))
        await fire.constraints.end(done.ident, now_us())
        found = await log_set(world, fire, done.ident)
        assert found["constraint_provider_associations"] == [
            {"constraint_id": done.ident, "constraint_provider_id": "fire service"}
        ]
        assert {m["method"] for m in found["messages"]} == {"PUT", "DELETE"}

    story(tmp_path, tell)


def test_a_set_with_too_much_is_refused_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More records than one answer holds are refused with the limit."""
    monkeypatch.setattr(logs, "RECORDS", 1)

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        ident = await filed(alpha, box(0, 0, 1, 1), phase="Activated")
        with pytest.raises(Refused) as refused:
            await logs.Logs(alpha.node.desk.store).log_set(ident)
        assert refused.value.reason is Reason.TOO_LARGE

    story(tmp_path, tell)


def test_a_set_that_is_too_much_for_one_answer_is_read_in_parts(tmp_path: Path) -> None:
    """An entity within a span is a set of its own; each record is in exactly one of two parts that meet."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        began_us = now_us()
        ident = await filed(alpha, box(0, 0, 1, 1), phase="Activated")
        middle_us = now_us() + 1
        where = {"positions": [msgspec.to_builtins(fix(0.5, 0.5, now_us()))]}
        await alpha.api("POST", f"/flights/{ident}/positions", where)
        await ask(
            world, f"https://alpha.example/uss/v1/operational_intents/{ident}", STRATEGIC, party="judge"
        )
        begin, middle, end = map(format_instant, (began_us, middle_us, now_us() + SECOND_US))
        whole = await log_set(world, alpha, ident)
        first = await log_set(world, alpha, f"{ident}@{begin}--{middle}")
        second = await log_set(world, alpha, f"{ident}@{middle}--{end}")
        for kind in ("messages", "operator_inputs", "planning_attempts"):
            assert [*first.get(kind, []), *second.get(kind, [])] == whole[kind]
        assert "operational_intent_positions" not in first or not first["operational_intent_positions"]
        assert second["operational_intent_positions"] == whole["operational_intent_positions"]
        assert [m["recorder_role"] for m in second["messages"]] == ["Server"]

    story(tmp_path, tell)


@pytest.mark.parametrize("name", ["{0}@{0}", "{1}@{1}", "@{1}", "{0}@", "{0}@{1}@{1}", "x@{1}"])
def test_a_part_of_a_set_is_an_id_and_a_span(name: str) -> None:
    """What is not one id at one span is no log set, and is refused."""
    ident = f"{'1' * 8}-1111-4111-8111-{'1' * 12}"
    with pytest.raises(InputError):
        logs.parse_set(name.format(ident, "2026-01-01T00:00:00Z--2026-01-02T00:00:00Z"))


def test_strangers_write_nothing_to_the_log(tmp_path: Path) -> None:
    """Without a good token, or for what is not there, any number of requests leaves no record."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        ident = await filed(alpha, box(0, 0, 1, 1))
        await alpha.journal.flush()
        base, long = alpha.node.base_url, "a" * 60_000
        before = len((await log_set(world, alpha, ident)).get("messages", []))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(world.apps["alpha.example"])) as stranger:
            for path, status in (
                (f"/uss/v1/x?{long}", 404),
                (f"/uss/v1/{ident}", 404),
                (f"/uss/v1/operational_intents/{ident}?{long}", 401),
            ):
                assert (await stranger.get(base + path)).status_code == status
        assert (await ask(world, f"{base}/uss/v1/operational_intents/{ident}", LOGS)).status == 403
        assert await alpha.journal.flush() == 0
        assert len((await log_set(world, alpha, ident)).get("messages", [])) == before

    story(tmp_path, tell)


def test_a_long_url_is_kept_cut(tmp_path: Path) -> None:
    """Of the URL of a known peer the first 2,048 characters are kept, and the record says so."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        ident = await filed(alpha, box(0, 0, 1, 1))
        url = f"https://alpha.example/uss/v1/operational_intents/{ident}?{'a' * 30_000}"
        await ask(world, url, STRATEGIC, party="judge")
        (record,) = (await log_set(world, alpha, ident))["messages"][-1:]
        assert record["url"] == url[: logs.URL]
        assert "first 2048 characters" in record["problem"]

    story(tmp_path, tell)


def test_old_records_are_forgotten_and_young_ones_kept(tmp_path: Path) -> None:
    """Pruning removes what is older than the retention period, and nothing else."""

    async def tell(world: World) -> None:
        alpha = await serving(world, "alpha")
        ident = await filed(alpha, box(0, 0, 1, 1))
        store = alpha.node.desk.store
        day_us = 86_400 * SECOND_US
        young = await prune(store, watchful.SECTIONS, now_us=now_us(), keep_us=day_us)
        assert young["log"] == 0
        old = await prune(store, watchful.SECTIONS, now_us=now_us() + 2 * day_us, keep_us=day_us)
        assert old["log"] > 0
        found = await log_set(world, alpha, ident)
        assert (found["planning_attempts"], found["operator_inputs"]) == ([], [])

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("Bearer abc", f"Authorization: Bearer SHA-256={hashlib.sha256(b'abc').hexdigest()}"),
        ("abc", f"Authorization: SHA-256={hashlib.sha256(b'abc').hexdigest()}"),
        ("", ""),
    ],
)
def test_authorization_is_kept_as_a_fingerprint(header: str, kept: str) -> None:
    """The scheme is kept as it is, and of the secret its SHA-256."""
    assert logs.redacted(header) == kept


@pytest.mark.parametrize("text", ["", "--", "a--b", "2026-01-02T00:00:00Z--2026-01-01T00:00:00Z", "abc"])
def test_what_is_no_log_set_is_said(text: str) -> None:
    """Neither an id nor a span is refused with its place."""
    with pytest.raises(InputError) as refused:
        logs.parse_set(text)
    assert refused.value.where == "log_set_id"
