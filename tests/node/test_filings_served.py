"""Filings through both doors: a person's, by the role of his account, and a peer's, by what was released."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from filings import NOON, activity, movement, site
from filings_world import KEEPER, NOW, story
from node_world import Names
from skypact.courier.client import CallFailed, Response
from skypact.courier.filings import FilingFetcher
from skypact.desk.outside import NoAnswer
from skypact.errors import InputError
from skypact.formats.filing_lists_templates import template
from skypact.formats.filings_json import write_filing
from skypact.instants import DAY_US, HOUR_US
from skypact.notify.filing import Window
from skypact.server import filings as served
from skypact.server.app import Settings, application
from skypact.server.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from filings_world import Side, World

PEOPLE = "skypact.people"
PEERS = "skypact.hotline"


class Door:
    """Both doors of one side's filings."""

    def __init__(self, side: Side) -> None:
        operations = (*served.peers(side.filings), *served.people(side.filings, side.accounts))
        limits = Limits(party_per_s=1e6, party_burst=1e6)
        self._app = application(operations, Names(), Settings(limits=limits, clock=lambda: side.world.now_us))

    async def ask(
        self, method: str, path: str, body: bytes | None = None, *, who: str = "ann", scope: str = PEOPLE
    ) -> httpx.Response:
        """Ask as somebody."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://n") as client:
            return await client.request(
                method, path, content=body, headers={"authorization": f"Bearer {who}:{scope}"}
            )


def test_a_filing_through_the_door_from_its_draft_to_its_end(tmp_path: Path) -> None:
    """Checked dry, kept as a draft, filed, shown with all that is known of it, amended, begun and ended."""

    async def tell(world: World) -> None:
        office, _ = await world.side("office"), await world.side("north")
        door = Door(office)
        raw = write_filing(movement())
        dry = await door.ask("POST", "/api/v1/filings?dry=true", raw)
        assert (dry.status_code, dry.json()["findings"][0]["found"]) == (200, 0)
        assert dry.json()["meaning"].endswith("No conflict found is not clear.")
        draft = await door.ask("POST", "/api/v1/filings?draft=true", raw)
        assert (draft.status_code, draft.json()["by"]) == (201, "ann")
        ident = draft.json()["id"]
        changed = await door.ask("PUT", f"/api/v1/filing-drafts/{ident}", write_filing(movement(name="Aid")))
        assert changed.json()["filing"]["name"] == "Aid"
        assert [d["id"] for d in (await door.ask("GET", "/api/v1/filing-drafts")).json()["drafts"]] == [ident]
        filed = await door.ask("POST", f"/api/v1/filing-drafts/{ident}/file")
        assert filed.status_code == 201
        out = filed.json()
        assert (out["id"], out["class"], out["state"], out["name"]) == (
            "office/1",
            "movement",
            "filed",
            "Aid",
        )
        assert (out["found"], out["here"], out["told"][0]["party"]) == (0, "filing", "north")
        assert out["versions"][0]["by"] == "ann"
        assert out["versions"][0]["filing"]["serial"] == 1
        assert out["versions"][0]["checks"][0]["findings"]["filing"] == "office/1"
        assert (await door.ask("GET", "/api/v1/filing-drafts")).json() == {"drafts": []}
        assert (await door.ask("DELETE", f"/api/v1/filing-drafts/{ident}")).status_code == 404
        amended = await door.ask("PUT", "/api/v1/filings/office/1", write_filing(movement(name="Aid 2")))
        assert (amended.json()["version"], amended.json()["state"]) == (2, "amended")
        assert (await door.ask("POST", "/api/v1/filings/office/1/check")).json()["version"] == 2
        assert (await door.ask("POST", "/api/v1/filings/office/1/begin")).json()["state"] == "active"
        ended = (await door.ask("POST", "/api/v1/filings/office/1/end")).json()
        assert [m["move"] for m in ended["moves"]] == ["file", "amend", "begin", "end"]
        assert (await door.ask("POST", "/api/v1/filings/office/1/end")).status_code == 412
        got = await door.ask("GET", "/api/v1/filings/office/1/versions/1")
        assert json.loads(got.content)["name"] == "Aid"

    story(tmp_path, tell)


def test_who_may_what_is_his_accounts(tmp_path: Path) -> None:
    """An observer reads and files nothing; the party itself speaks for no person; a stranger is nobody."""

    async def tell(world: World) -> None:
        office = await world.side("office")
        door = Door(office)
        raw = write_filing(site())
        for who, path, status in (
            ("otto", "/api/v1/filings", 403),
            ("office", "/api/v1/filings", 403),
            ("eve", "/api/v1/filings", 403),
            ("otto", "/api/v1/filings/office/1/cancel", 403),
            ("otto", "/api/v1/filings/import", 403),
            ("ann", "/api/v1/filings", 201),
        ):
            assert (await door.ask("POST", path, raw, who=who)).status_code == status, (who, path)
        listed = await door.ask("GET", "/api/v1/filings", who="otto")
        assert (listed.status_code, listed.json()["filings"][0]["id"]) == (200, "office/1")
        assert (await door.ask("GET", "/api/v1/filings", scope="skypact.read")).status_code == 403
        assert (await door.ask("GET", "/api/v1/filings", who="eve")).status_code == 403

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/api/v1/filings", b"{}", 400, "format"),
        ("POST", "/api/v1/filings", b"[]", 400, "filings"),
        ("PUT", "/api/v1/filings/north/1", b"{}", 403, "only who files"),
        ("PUT", "/api/v1/filings/office/x", b"{}", 404, "no such filing"),
        ("GET", "/api/v1/filings/office/2", None, 404, "no such filing"),
        ("GET", "/api/v1/filings/office/1/versions/2", None, 404, "no bytes"),
        ("POST", "/api/v1/filings/office/1/stop", None, 404, "no such move"),
        ("GET", "/api/v1/filings?class=flight", None, 400, "no such word"),
        ("GET", "/api/v1/filings?state=draft", None, 400, "no such word"),
        ("GET", "/api/v1/filings?limit=0", None, 400, "number of rows"),
        ("GET", "/api/v1/filings?after=x", None, 400, "filer/serial"),
        ("GET", "/api/v1/filings?live=yes", None, 400, "true nor false"),
        ("GET", "/api/v1/filing-drafts?limit=x", None, 400, "number of rows"),
        ("POST", "/api/v1/filing-drafts/x/file", None, 404, "no such draft"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    tmp_path: Path,
    method: str,
    path: str,
    body: bytes | None,
    status: int,
    said: str,
) -> None:
    """Each refusal is problem details with the status of its reason and words that say what was wrong."""

    async def tell(world: World) -> None:
        office = await world.side("office")
        await office.filings.file([movement()], KEEPER, NOW)
        answer = await Door(office).ask(method, path, body)
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]

    story(tmp_path, tell)


def test_a_list_goes_in_whole_and_a_fault_is_told_by_its_row(tmp_path: Path) -> None:
    """Rows of sites and of movements become filings with serials of the node's; one fault and none does."""

    async def tell(world: World) -> None:
        office, _ = await world.side("office"), await world.side("north")
        door = Door(office)
        sites = template("sites").encode()
        bad = sites.replace(b",hospital,", b",,", 1)
        refused = await door.ask("POST", "/api/v1/filings/import", bad)
        assert refused.status_code == 400
        assert "line 2, what" in refused.json()["errors"][0]
        assert (await door.ask("GET", "/api/v1/filings")).json()["filings"] == []
        dry = await door.ask("POST", "/api/v1/filings/import?dry=true", sites)
        assert (dry.status_code, len(dry.json()["findings"])) == (200, 2)
        taken = await door.ask("POST", "/api/v1/filings/import", sites)
        assert (taken.status_code, [f["id"] for f in taken.json()["filings"]]) == (
            201,
            ["office/1", "office/2"],
        )
        assert "notified places have been hit" in taken.json()["warning"]
        convoy = await door.ask("POST", "/api/v1/filings/import", template("movements").encode())
        assert [f["id"] for f in convoy.json()["filings"]] == ["office/3"]
        assert "warning" not in convoy.json()
        array = b"[" + write_filing(movement()) + b"]"
        assert (await door.ask("POST", "/api/v1/filings/import", array)).status_code == 201
        first = (await door.ask("GET", "/api/v1/filings?limit=1&class=site")).json()
        assert (len(first["filings"]), first["next"]) == (1, "office/1")
        rest = (await door.ask("GET", f"/api/v1/filings?after={first['next']}&class=site")).json()
        assert ([f["id"] for f in rest["filings"]], "next" in rest) == (["office/2"], False)

    story(tmp_path, tell)


class _Peer:
    """Calls one side's door, as another party."""

    def __init__(self, door: Door, party: str) -> None:
        self._door, self._party = door, party
        self.fault: Exception | None = None

    async def send(self, method: str, url: str, **more: Any) -> Response:
        """One call."""
        if self.fault is not None:
            raise self.fault
        path = url.removeprefix("http://office")
        answer = await self._door.ask(method, path, more["body"], who=self._party, scope=more["scope"])
        return Response(answer.status_code, dict(answer.headers), answer.content, 0.0)


def test_a_peer_fetches_by_digest_what_was_released_to_it(tmp_path: Path) -> None:
    """The bytes as they were filed to who may see them; to others, and of others, there is nothing (404)."""

    async def tell(world: World) -> None:
        office, _ = await world.side("office"), await world.side("north")
        (held,) = await office.filings.file([site(releasable_to=("north",))], KEEPER, NOW)
        door = Door(office)
        digest = held.version.sha256.hex()
        north = _Peer(door, "north")
        fetch = FilingFetcher(north, {"office": "http://office"})
        assert await fetch.filing("office", digest) == held.version.content
        with pytest.raises(NoAnswer, match="404"):
            await FilingFetcher(_Peer(door, "south"), {"office": "http://office"}).filing("office", digest)
        with pytest.raises(NoAnswer, match="404"):
            await fetch.filing("office", digest.upper())
        with pytest.raises(NoAnswer, match="not known where"):
            await fetch.filing("south", digest)
        for fault in (CallFailed("reset", arrived=True), InputError("no URL")):
            north.fault = fault
            with pytest.raises(NoAnswer):
                await fetch.filing("office", digest)
        answer = await door.ask("GET", f"/hotline/v1/filings/{digest}", who="north", scope=PEOPLE)
        assert answer.status_code == 403

    story(tmp_path, tell)


def test_what_is_only_noticed_and_what_cannot_be_read_is_shown_as_that(tmp_path: Path) -> None:
    """A notice without bytes says what the last try brought; what was fetched shows what was found."""

    async def tell(world: World) -> None:
        office, north = await world.side("office"), await world.side("north")
        await north.filings.file([north.own(activity())], KEEPER, NOW)
        await office.filings.file([movement()], KEEPER, NOW)
        await office.bring()
        office.away = True
        await north.filings.fetch(NOW)
        door = Door(north)
        shown = (await door.ask("GET", "/api/v1/filings/office/1")).json()
        assert (shown["here"], "found" in shown, "closes" in shown) == ("notice", False, True)
        (version,) = shown["versions"]
        assert version["fetching"] == "tried 1 times: office: there is nobody"
        assert version["notice"]["ref"] == "office/1"
        assert "serial" not in version
        (row,) = (await door.ask("GET", "/api/v1/filings?filer=office")).json()["filings"]
        (wanted,) = (await north.filings.whole("office", 1)).wanted
        await north.filings.came(wanted, b"nothing of the kind", NOW)
        shown = (await door.ask("GET", "/api/v1/filings/office/1")).json()
        assert (row["here"], shown["here"], "fault" in shown) == ("notice", "bytes", True)
        got = await door.ask("GET", "/api/v1/filings/office/1/versions/1")
        assert (got.content, got.headers["content-type"]) == (
            b"nothing of the kind",
            "application/octet-stream",
        )
        assert (await door.ask("POST", "/api/v1/filings/office/1/check")).status_code == 412

    story(tmp_path, tell)


def test_a_site_beyond_its_date_is_listed_as_stale(tmp_path: Path) -> None:
    """The filter finds it, it still holds, and a movement never is stale."""

    async def tell(world: World) -> None:
        office = await world.side("office")
        await office.filings.file([site(), movement(window=Window(NOON, NOON + 2 * HOUR_US))], KEEPER, NOW)
        door = Door(office)
        assert (await door.ask("GET", "/api/v1/filings?stale=true")).json()["filings"] == []
        world.now_us = NOON + 31 * DAY_US
        (row,) = (await door.ask("GET", "/api/v1/filings?stale=true")).json()["filings"]
        assert (row["id"], row["stale"], row["state"]) == ("office/1", True, "filed")

    story(tmp_path, tell)
