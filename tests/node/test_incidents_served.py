"""``/api/v1/incidents``: what a party's people and tools get, and who gets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from incidents_kept import ACCOUNT, KIM, NEW, Keeper, keeper
from node_world import Sender, story
from skypact.airspace import DataMode
from skypact.server import incidents as served

if TYPE_CHECKING:
    from pathlib import Path

    from node_world import World

HOST = "north.example"


class Asking:
    """One party's interface, asked as one of its people."""

    def __init__(self, world: World, keeper: Keeper) -> None:
        self.keeper = keeper
        self._world = world
        world.serve(HOST, served.operations(keeper.desk, DataMode.TEST))

    async def raw(
        self, method: str, path: str, body: Any = None, *, who: str = KIM, scope: str = "skypact.people"
    ) -> tuple[int, bytes, str]:
        """Status, bytes and media type of an answer."""
        data = None if body is None else json.dumps(body).encode()
        sender = Sender(self._world, who)
        answer = await sender.send(method, f"http://{HOST}/api/v1{path}", scope=scope, body=data)
        return answer.status, answer.body, answer.headers["content-type"]

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        status, data, _ = await self.raw(method, path, body, **more)
        return status, json.loads(data)


async def asking(world: World) -> Asking:
    """The north's interface."""
    return Asking(world, await keeper(f"sqlite:///{world.folder / 'north.db'}", "north"))


CLAIM = {
    "entry": "claim",
    "account": "A1",
    "predicate": "how_many",
    "subject": "people",
    "modality": "asserted",
    "value": "5",
    "quote": "five of us",
}


def test_an_incident_from_its_opening_to_its_report(tmp_path: Path) -> None:
    """Opened, told, claimed, assessed, withdrawn; got with leaves; reported as JSON and as a page; a file."""

    async def tale(world: World) -> None:
        ask = await asking(world)
        status, made = await ask("POST", "/incidents", {**NEW, "window": "2026-06-01Z", "instruments": ["p"]})
        assert (status, made["entries"], made["lines"][0]["signed"]) == (201, 1, "signed")
        status, told = await ask(
            "POST",
            "/incidents/case/entries",
            {"entries": [{"entry": "account", "party": "north", **ACCOUNT}, CLAIM]},
        )
        assert (status, told["lines"][2]["line"]["quote"]) == (201, "five of us")
        assessment = {
            "author": "a board",
            "method": "reading",
            "degree": "D",
            "finding": "not known",
            "claims": ["C1"],
        }
        status, told = await ask("POST", "/incidents/case/assessments", assessment)
        assert (status, told["status"]) == (201, "assessed")
        status, told = await ask("POST", "/incidents/case/withdrawals", {"account": "A1", "why": "a slip"})
        assert (status, told["entries"]) == (201, 5)
        status, listed = await ask("GET", "/incidents", who="olga")
        assert (status, [each["name"] for each in listed["incidents"]]) == (200, ["case"])
        status, whole = await ask("GET", "/incidents/case", who="olga")
        assert [each["account"] for each in whole["lines"]] == [KIM] * 5
        assert [each["n"] for each in whole["lines"]] == list(range(5))
        assert whole["lines"][-1]["leaf"] - whole["lines"][0]["leaf"] == 4
        status, report = await ask("GET", "/incidents/case/report?event=2026-06-01T06:00:00Z", who="olga")
        assert (status, report["accounts"][0]["withdrawn"]) == (200, "a slip")
        status, page, media = await ask.raw("GET", "/incidents/case/report?format=html")
        assert (status, media) == (200, "text/html; charset=utf-8")
        assert b"Content-Security-Policy" in page
        _, data, media = await ask.raw("GET", "/incidents/case/file")
        _, beside, _ = await ask.raw("GET", "/incidents/case/signatures")
        assert media == "application/jsonl"
        file = {"file": data.decode(), "signatures": beside.decode()}
        status, taken = await ask("POST", "/incident-files", file)
        assert (status, taken["what"], taken["incident"]["head"]) == (200, "known", whole["head"])
        status, found = await ask(
            "GET", "/record-extract?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z"
        )
        assert (status, found["extract"]["holder"], found["left_out"]) == (200, "north", [])
        status, found = await ask("GET", "/record-extract")
        assert found["extract"]["messages"] == []
        await ask.keeper.store.close()

    story(tmp_path, tale)


def test_another_s_file_that_went_on_otherwise_is_given_back_as_it_came(tmp_path: Path) -> None:
    """It is listed beside, with the line from which on it differs."""

    async def tale(world: World) -> None:
        ask = await asking(world)
        south = await keeper(f"sqlite:///{world.folder / 'south.db'}", "south")
        await ask("POST", "/incidents", NEW)
        first = await ask.keeper.desk.get(KIM, "case", 0)
        await south.desk.take(KIM, first.kept.data, first.signatures, 2**51)
        theirs = await south.desk.add(KIM, "case", [("account", {"party": "south", **ACCOUNT})], 2**51)
        await ask(
            "POST",
            "/incidents/case/entries",
            {"entries": [{"entry": "account", "party": "north", **ACCOUNT}]},
        )
        file = {"file": theirs.kept.data.decode(), "signatures": theirs.signatures.decode()}
        status, taken = await ask("POST", "/incident-files", file)
        assert (status, taken["what"], taken["lines"]) == (200, "beside", 2)
        _, whole = await ask("GET", "/incidents/case")
        (copy,) = whole["copies"]
        assert (copy["head"], copy["parted"]) == (theirs.kept.head, 1)
        assert await ask("GET", f"/incidents/case/copies/{copy['head']}") == (200, file)
        assert (await ask("GET", "/incidents/case/copies/00"))[0] == 404
        await ask.keeper.store.close()
        await south.store.close()

    story(tmp_path, tale)


def test_what_cannot_be_done_is_refused_in_words(tmp_path: Path) -> None:
    """Statuses, and where the fault is."""

    async def tale(world: World) -> None:
        ask = await asking(world)
        await ask("POST", "/incidents", NEW)
        entries = "/incidents/case/entries"
        for method, path, body, status, words in (
            ("POST", "/incidents", NEW, 409, "there is one of that name"),
            ("POST", "/incidents", {**NEW, "name": "A case"}, 400, "not a name"),
            ("POST", "/incidents", {**NEW, "by": "south"}, 400, "by"),
            ("GET", "/incidents/other", None, 404, "no incident of this name"),
            ("POST", entries, {"entries": [{"party": "north"}]}, 400, "an entry without a kind"),
            ("POST", entries, {"entries": [CLAIM]}, 400, "no such account"),
            (
                "POST",
                entries,
                {"entries": [{"entry": "status", "step": "answer", "why": "x"}]},
                412,
                "has no 'answer'",
            ),
            ("GET", "/incidents/case/report?format=pdf", None, 400, "no format of a report"),
            ("POST", "/incident-files", {"file": "x", "signatures": ""}, 400, "cut off"),
            ("POST", "/incident-files", {"file": "x", "signatures": "é"}, 400, "not ASCII"),
        ):
            found = await ask(method, path, body)
            assert found[0] == status, found
            assert words in found[1]["detail"], found
        for who, scope, status in (("olga", "skypact.people", 403), (KIM, "skypact.read", 403)):
            found = await ask("POST", entries, {"entries": []}, who=who, scope=scope)
            assert found[0] == status
        await ask.keeper.store.close()

    story(tmp_path, tale)
