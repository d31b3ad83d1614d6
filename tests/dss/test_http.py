"""The discovery service behind the gate: statuses of the standard, and answers that the field's types parse.

Answers are parsed with ``uas_standards`` and validated against the standard's own definition, where it is
beside the repository (the run says so where it is not).
"""

from __future__ import annotations

import asyncio
import json
import os
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dss_world import ALL_SCOPES, NOW, URL, new_id, volume
from server.gate import Names
from skypact.desk.dss import DssDesk
from skypact.exchange.dss import (
    ARBITRATION,
    CONFORMANCE,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC,
)
from skypact.server.app import Settings, application
from skypact.server.f3548_dss import operations
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

TYPES: Any = import_module("uas_standards.astm.f3548.v21.api")
PARSE: Any = import_module("implicitdict").ImplicitDict
VALIDATORS: Any = import_module("jsonschema.validators")
INTENTS = "/dss/v1/operational_intent_references"
CONSTRAINTS = "/dss/v1/constraint_references"
SUBSCRIPTIONS = "/dss/v1/subscriptions"
EVERYTHING = ",".join(sorted(ALL_SCOPES))


class Door:
    """A client at the gate; every answer is held against the standard."""

    def __init__(self, client: httpx.AsyncClient, spec: Mapping[str, Any] | None) -> None:
        self._client = client
        self._spec = spec

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        party: str = "alpha",
        scopes: str = EVERYTHING,
        authorized: bool = True,
    ) -> tuple[int, Any]:
        """Status and body."""
        headers = {"authorization": f"Bearer {party}:{scopes}"} if authorized else {}
        answer = await self._client.request(method, path, json=body, headers=headers)
        told = answer.json()
        if answer.status_code >= 400:
            assert isinstance(told["message"], str)
            self.valid(told, "AirspaceConflictResponse" if answer.status_code == 409 else "ErrorResponse")
        return answer.status_code, told

    def valid(self, told: Any, name: str) -> None:
        """It is of the schema of this name, and parses as the field's type."""
        assert PARSE.parse(told, getattr(TYPES, name)) is not None
        if self._spec is not None:
            schema = {**self._spec, "$ref": f"#/components/schemas/{name}"}
            VALIDATORS.Draft4Validator(schema).validate(told)


@pytest.fixture(scope="module")
def spec() -> Mapping[str, Any] | None:
    """The standard's definition, or None, loudly, where it is not."""
    root = Path(__file__).resolve().parents[2]
    path = Path(os.environ.get("SKYPACT_SHARED", root.parent / "shared")) / "specs/f3548/utm.yaml"
    if not path.exists():
        print(f"\nNO DEFINITION OF THE STANDARD: {path} is not there; schemas are not checked")  # noqa: T201 -- said, not hidden
        return None
    text = path.read_text(encoding="utf-8")
    # its pattern of a UUID asks for backslashes before the hyphens: a slip that no UUID can follow
    loaded: Mapping[str, Any] = import_module("yaml").safe_load(text.replace("\\\\-", "-"))
    return loaded


def through(url: str, spec: Mapping[str, Any] | None, story: Callable[[Door], Awaitable[None]]) -> None:
    """Tell a story at the door of a fresh region."""

    async def run() -> None:
        store = await Store.open(url, upgrade=True)
        try:
            app = application(operations(DssDesk(store)), Names(), Settings(clock=lambda: NOW))
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                await story(Door(client, spec))
        finally:
            await store.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of jsonschema's own resolver
        asyncio.run(run())


def intent(**more: Any) -> dict[str, Any]:
    """The body of an intent, with a member that nobody knows."""
    return {
        "extents": [volume()],
        "state": "Accepted",
        "uss_base_url": URL.format("alpha") + "?correct-ovn-mutation=true",
        "new_subscription": {"uss_base_url": URL.format("alpha")},
        "request_id": new_id(),
        **more,
    }


def subscription(**more: Any) -> dict[str, Any]:
    """The body of a subscription."""
    return {
        "extents": volume(low=None, high=None),
        "uss_base_url": URL.format("alpha"),
        "notify_for_operational_intents": True,
        "notify_for_constraints": True,
        **more,
    }


AREA = {"area_of_interest": volume(None, None, low=None, high=None)}


def test_intents_from_beginning_to_end(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """201, 200, 200, 200, 200; 409 with what is missing; 400 without a version, never 405; 404 when gone."""

    async def story(door: Door) -> None:
        path = f"{INTENTS}/{new_id()}"
        status, made = await door.ask("PUT", path, intent())
        assert status == 201
        door.valid(made, "ChangeOperationalIntentReferenceResponse")
        assert made["operational_intent_reference"]["uss_base_url"] == intent()["uss_base_url"]
        status, shown = await door.ask("GET", path)
        assert (status, shown["operational_intent_reference"]) == (200, made["operational_intent_reference"])
        door.valid(shown, "GetOperationalIntentReferenceResponse")
        status, found = await door.ask("POST", f"{INTENTS}/query", AREA, party="bravo")
        assert (status, len(found["operational_intent_references"])) == (200, 1)
        door.valid(found, "QueryOperationalIntentReferenceResponse")
        assert "ovn" not in found["operational_intent_references"][0]
        status, conflict = await door.ask("PUT", f"{INTENTS}/{new_id()}", intent(), party="bravo")
        assert (status, len(conflict["missing_operational_intents"])) == (409, 1)
        assert (await door.ask("PUT", path, intent()))[0] == 409
        assert (await door.ask("PUT", path, intent(requested_ovn_suffix="abc")))[0] == 400
        for method in ("PUT", "DELETE"):
            body = intent() if method == "PUT" else None
            assert (await door.ask(method, path + "/", body))[0] == 400
            assert (await door.ask(method, path + "/ThisIsAnIncorrectOVN", body))[0] == 409
            right = made["operational_intent_reference"]["ovn"]
            assert (await door.ask(method, f"{path}/{right}", body, party="bravo"))[0] == 403
        status, changed = await door.ask("PUT", f"{path}/{right}", intent(state="Activated"))
        assert status == 200
        door.valid(changed, "ChangeOperationalIntentReferenceResponse")
        status, ended = await door.ask("DELETE", f"{path}/{changed['operational_intent_reference']['ovn']}")
        assert status == 200
        door.valid(ended, "ChangeOperationalIntentReferenceResponse")
        assert (await door.ask("GET", path))[0] == 404
        assert (await door.ask("GET", f"{INTENTS}/not-an-id"))[0] == 400
        large = {"area_of_interest": volume(None, None, lat=37.0, size=1.0)}
        assert (await door.ask("POST", f"{INTENTS}/query", large))[0] == 413
        assert (await door.ask("PUT", path, intent(extents=[])))[0] == 400
        assert (await door.ask("PUT", path, intent(state="Ended")))[0] == 400

    through(sqlite_url, spec, story)


def test_subscriptions_from_beginning_to_end(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """Create and update 200; an empty version 400, a wrong one 409, another's 403, gone 404."""

    async def story(door: Door) -> None:
        path = f"{SUBSCRIPTIONS}/{new_id()}"
        status, made = await door.ask("PUT", path, subscription())
        assert status == 200
        door.valid(made, "PutSubscriptionResponse")
        for method in ("PUT", "DELETE"):
            body = subscription() if method == "PUT" else None
            assert (await door.ask(method, path + "/", body))[0] == 400
            assert (await door.ask(method, path + "/notacorrectversion", body))[0] == 409
        version = made["subscription"]["version"]
        assert (await door.ask("DELETE", f"{path}/{version}", party="bravo"))[0] == 403
        status, found = await door.ask("POST", f"{SUBSCRIPTIONS}/query", AREA)
        assert (status, found["subscriptions"]) == (200, [made["subscription"]])
        door.valid(found, "QuerySubscriptionsResponse")
        assert (await door.ask("POST", f"{SUBSCRIPTIONS}/query", AREA, party="bravo"))[1][
            "subscriptions"
        ] == []
        status, changed = await door.ask("PUT", f"{path}/{version}", subscription())
        assert status == 200
        assert changed["subscription"]["version"] != version
        status, ended = await door.ask("DELETE", f"{path}/{changed['subscription']['version']}")
        assert status == 200
        door.valid(ended, "DeleteSubscriptionResponse")
        assert (await door.ask("GET", path))[0] == 404
        assert (await door.ask("PUT", path, subscription(), scopes=STRATEGIC))[0] == 403

    through(sqlite_url, spec, story)


def test_constraints_availability_and_reports(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """201 for a constraint and a report, 200 for the rest; availability never set is Unknown, version ''."""

    async def story(door: Door) -> None:
        path = f"{CONSTRAINTS}/{new_id()}"
        body = {"extents": [volume()], "uss_base_url": URL.format("alpha")}
        status, made = await door.ask("PUT", path, body, scopes=CONSTRAINT_MANAGEMENT)
        assert status == 201
        door.valid(made, "ChangeConstraintReferenceResponse")
        assert (await door.ask("PUT", path, body, scopes=CONSTRAINT_PROCESSING))[0] == 403
        status, found = await door.ask("POST", f"{CONSTRAINTS}/query", AREA, scopes=CONSTRAINT_MANAGEMENT)
        assert (status, found["constraint_references"]) == (200, [made["constraint_reference"]])
        for method in ("PUT", "DELETE"):
            sent = body if method == "PUT" else None
            assert (await door.ask(method, path + "/", sent))[0] == 400
            assert (await door.ask(method, path + "/ThisIsAnIncorrectOVN", sent))[0] == 409
        ovn = made["constraint_reference"]["ovn"]
        status, changed = await door.ask("PUT", f"{path}/{ovn}", body)
        assert status == 200
        assert (await door.ask("DELETE", f"{path}/{changed['constraint_reference']['ovn']}"))[0] == 200
        assert (await door.ask("GET", path))[0] == 404
        there = "/dss/v1/uss_availability/ThisIdShouldNotExistOnTheDSS"
        status, never = await door.ask("GET", there, scopes=STRATEGIC)
        assert (status, never["version"], never["status"]["availability"]) == (200, "", "Unknown")
        down = {"old_version": "", "availability": "Down"}
        status, declared = await door.ask("PUT", there, down, scopes=ARBITRATION)
        assert status == 200
        door.valid(declared, "UssAvailabilityStatusResponse")
        for old in ("", "wrong"):
            assert (await door.ask("PUT", there, {**down, "old_version": old}))[0] == 409
        assert (await door.ask("PUT", there, down, scopes=STRATEGIC))[0] == 403
        exchange = {
            "url": "https://x.example",
            "method": "PUT",
            "headers": ["a: b"],
            "request_source": "alpha",
            "recorder_role": "Client",
            "request_time": volume()["time_start"],
            "response_code": 999,
        }
        for scope in sorted(ALL_SCOPES):
            status, report = await door.ask("POST", "/dss/v1/reports", {"exchange": exchange}, scopes=scope)
            assert status == 201
            assert report["report_id"]
            door.valid(report, "ErrorReport")

    through(sqlite_url, spec, story)


def test_a_party_that_is_down_gets_412(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """Planning and deleting while Down."""

    async def story(door: Door) -> None:
        path = f"{INTENTS}/{new_id()}"
        _, made = await door.ask("PUT", path, intent())
        down = {"old_version": "", "availability": "Down"}
        await door.ask("PUT", "/dss/v1/uss_availability/alpha", down)
        ovn = made["operational_intent_reference"]["ovn"]
        assert (await door.ask("PUT", f"{path}/{ovn}", intent()))[0] == 412
        assert (await door.ask("DELETE", f"{path}/{ovn}"))[0] == 412

    through(sqlite_url, spec, story)


def test_the_history_is_for_who_wrote_it(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """Its versions for the manager, with what was written; 404 for everybody else."""

    async def story(door: Door) -> None:
        ident = new_id()
        await door.ask("PUT", f"{INTENTS}/{ident}", intent())
        status, told = await door.ask("GET", f"/dss/v1/history/intent/{ident}")
        assert (status, [v["act"] for v in told["versions"]]) == (200, ["create"])
        assert told["versions"][0]["content"]["reference"]["id"] == ident
        assert (await door.ask("GET", f"/dss/v1/history/intent/{ident}", party="bravo"))[0] == 404
        assert (await door.ask("GET", f"/dss/v1/history/region/{ident}"))[0] == 404

    through(sqlite_url, spec, story)


def test_authority_comes_first(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """401 without a token, 403 with another scope, before the body or the id is looked at."""

    async def story(door: Door) -> None:
        ident = new_id()
        paths = [
            ("PUT", f"{INTENTS}/{ident}"),
            ("PUT", f"{INTENTS}/{ident}/x"),
            ("DELETE", f"{INTENTS}/no-id/x"),
            ("GET", f"{INTENTS}/{ident}"),
            ("POST", f"{INTENTS}/query"),
            ("PUT", f"{CONSTRAINTS}/{ident}"),
            ("DELETE", f"{CONSTRAINTS}/{ident}/x"),
            ("GET", f"{CONSTRAINTS}/{ident}"),
            ("POST", f"{CONSTRAINTS}/query"),
            ("PUT", f"{SUBSCRIPTIONS}/{ident}"),
            ("DELETE", f"{SUBSCRIPTIONS}/{ident}/x"),
            ("GET", f"{SUBSCRIPTIONS}/{ident}"),
            ("POST", f"{SUBSCRIPTIONS}/query"),
            ("GET", f"/dss/v1/uss_availability/{ident}"),
            ("PUT", f"/dss/v1/uss_availability/{ident}"),
            ("POST", "/dss/v1/reports"),
        ]
        for method, path in paths:
            body = {"nonsense": 1} if method in {"PUT", "POST"} else None
            wrong = "interuss.flight_planning.direct_automated_test"
            assert (await door.ask(method, path, body, authorized=False))[0] == 401
            assert (await door.ask(method, path, body, party="nobody"))[0] == 401
            assert (await door.ask(method, path, body, scopes=wrong))[0] == 403
            assert (await door.ask(method, path, body))[0] in {400, 404} or "uss_availability" in path

    through(sqlite_url, spec, story)


def test_states_want_their_scopes(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """Nonconforming and Contingent with the strategic scope alone are 403; with both they are 201."""

    async def story(door: Door) -> None:
        for state in ("Nonconforming", "Contingent"):
            path = f"{INTENTS}/{new_id()}"
            assert (await door.ask("PUT", path, intent(state=state), scopes=STRATEGIC))[0] == 403
            both = f"{STRATEGIC},{CONFORMANCE}"
            assert (await door.ask("PUT", path, intent(state=state), scopes=both))[0] == 201

    through(sqlite_url, spec, story)


def test_an_answer_is_the_same_bytes_twice(sqlite_url: str, spec: Mapping[str, Any] | None) -> None:
    """A create whose answer was lost is sent again, and answered again with 201 and the same body."""

    async def story(door: Door) -> None:
        path, body = f"{INTENTS}/{new_id()}", intent()
        first = await door.ask("PUT", path, body)
        assert await door.ask("PUT", path, json.loads(json.dumps(body))) == first
        assert first[0] == 201

    through(sqlite_url, spec, story)
