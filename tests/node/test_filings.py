"""Filings in a node: one write with what is said of them, versions, checks, others' bytes, the clock."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from filings import AROUND, NOON, activity, filing, movement, site, zone
from filings_world import KEEPER, NOW, OFFICER, story
from skypact.airspace.labels import DataMode
from skypact.errors import Reason, Refused
from skypact.exchange.hotline.messages import Kind, Notice, Position
from skypact.formats.filings_json import read_filings, write_filing
from skypact.instants import DAY_US, HOUR_US, SECOND_US
from skypact.notify.filing import Activity, Outline, Window
from skypact.notify.lifecycle import Move
from skypact.pact import Filing as FilingClass
from skypact.store.hotline import MessageRow
from skypact.store.schema import hotline_message

if TYPE_CHECKING:
    from pathlib import Path

    from filings_world import Side, World
    from skypact.store import Tx


async def said(side: Side) -> list[tuple[str, str, int]]:
    """What a side has said on the hotline: the kind, to whom, and the version that is told (0: none)."""
    found = []
    for party in side.world.sides:
        rows = [] if party == side.party else await side.hotline.outgoing(party)
        for row in rows:
            body = side.hotline.threads.message(row).body
            found.append((row.kind, row.recipient, body.version if isinstance(body, Notice) else 0))
    return found


async def _row_of(side: Side, kind: str) -> MessageRow:
    """The first message of a kind that another party sent to a side."""

    def work(tx: Tx) -> MessageRow:
        query = select(hotline_message).where(hotline_message.c.way == "in", hotline_message.c.kind == kind)
        return MessageRow._make(tx.connection.execute(query).first() or ())

    return await side.store.read(work)


def test_a_filing_and_its_notices_are_one(tmp_path: Path) -> None:
    """Filed, told to each party that the pact releases it to, logged, checked; attributed to who filed it."""

    async def tell(world: World) -> None:
        office = await world.side("office")
        for party in ("north", "south"):
            await world.side(party)
        (held,) = await office.filings.file([movement(serial=40)], KEEPER, NOW)
        assert (held.filing.serial, held.filing.version, held.filing.state) == (1, 1, "filed")
        assert held.version.content is not None
        (kept,) = read_filings(held.version.content, "kept")
        assert (kept.serial, kept.supersedes) == (1, None)
        assert held.version.sha256 == hashlib.sha256(held.version.content).digest()
        assert await said(office) == [("NOTIFY", "north", 1), ("NOTIFY", "south", 1)]
        kinds = await office.kinds()
        assert [kinds[k] for k in ("filing.version", "filing.move", "filing.check", "hotline.sent")] == [
            1,
            1,
            1,
            2,
        ]
        whole = await office.filings.whole("office", 1)
        assert [(m.move, m.state, m.by) for m in whole.moves] == [("file", "filed", "ann")]
        assert [(t.party, t.version, t.over) for t in whole.told] == [
            ("north", 1, False),
            ("south", 1, False),
        ]
        assert held.check is not None
        found = json.loads(held.check.findings)
        assert found["notice"] == "filed 3 d before it begins; the pact asks for 2 d normally"
        assert (found["found"], found["late_us"], found["not_read"]) == (0, 0, [])

    story(tmp_path, tell)


def test_versions_are_told_in_the_thread_of_the_first(tmp_path: Path) -> None:
    """Amended twice and ended: AMEND answers what was said last, serials have no gap, and CANCEL ends it."""

    async def tell(world: World) -> None:
        office, _ = await world.side("office"), await world.side("north")
        await office.filings.file([movement()], KEEPER, NOW)
        await office.filings.file([site()], KEEPER, NOW)
        amended = await office.filings.amend(1, movement(name="Convoy, later"), OFFICER, NOW + 1)
        assert (amended.filing.version, amended.filing.state, amended.version.number) == (2, "amended", 3)
        begun = await office.filings.move(1, Move.BEGIN, KEEPER, NOW + 2)
        assert begun.filing.state == "active"
        again = await office.filings.amend(1, movement(name="Convoy, later still"), KEEPER, NOW + 3)
        assert (again.filing.version, again.filing.state, again.version.number) == (3, "active", 4)
        assert again.version.content is not None
        assert read_filings(again.version.content, "")[0].supersedes == 3
        ended = await office.filings.move(1, Move.END, KEEPER, NOW + 4)
        assert ended.filing.state == "ended"
        told = [each for each in await said(office) if each[1] == "north"]
        assert [kind for kind, _, _ in told] == ["NOTIFY", "NOTIFY", "AMEND", "AMEND", "CANCEL"]
        rows = await office.hotline.outgoing("north")
        assert len({row.thread for row in rows}) == 2
        assert [rows[k].re for k in (2, 3, 4)] == [rows[0].id, rows[2].id, rows[3].id]
        whole = await office.filings.whole("office", 1)
        assert [m.move for m in whole.moves] == ["file", "amend", "begin", "amend", "end"]
        for move in (Move.CANCEL, Move.BEGIN, Move.END):
            with pytest.raises(Refused) as refused:
                await office.filings.move(1, move, KEEPER, NOW + 5)
            assert refused.value.reason is Reason.NOT_NOW

    story(tmp_path, tell)


def test_what_the_hotline_refuses_was_not_filed(tmp_path: Path) -> None:
    """A duty officer declares zones: a watch-keeper's leaves no version, no serial and no leaf behind."""

    async def tell(world: World) -> None:
        north, _ = await world.side("north"), await world.side("south")
        before = await north.kinds()
        with pytest.raises(Refused):
            await north.filings.file([north.own(zone())], KEEPER, NOW)
        assert await north.filings.listed() == []
        assert await north.kinds() == before
        (held,) = await north.filings.file([north.own(zone())], OFFICER, NOW)
        assert held.filing.serial == 1
        assert await said(north) == [("ZONE DECLARE", "south", 1)]
        await north.filings.amend(1, north.own(zone(note="larger")), OFFICER, NOW + 1)
        assert (await said(north))[1:] == [("ZONE DECLARE", "south", 2), ("CANCEL", "south", 0)]
        (told,) = [t for t in (await north.filings.whole("north", 1)).told if t.party == "south"]
        assert (told.version, told.over) == (2, False)

    story(tmp_path, tell)


def test_a_list_is_filed_whole_or_not_at_all(tmp_path: Path) -> None:
    """One that cannot be filed leaves none of its list; one that supersedes amends; the rest gets serials."""

    async def tell(world: World) -> None:
        office = await world.side("office")
        over = movement(window=Window(NOON, NOON + 2 * HOUR_US), serial=2)
        with pytest.raises(Refused, match="over before it is filed"):
            await office.filings.file([site(), over], KEEPER, NOON + 3 * HOUR_US)
        assert await office.filings.listed() == []
        held = await office.filings.file([site(serial=9), movement(serial=3)], KEEPER, NOW)
        assert [each.filing.serial for each in held] == [1, 2]
        with pytest.raises(Refused, match="never filed"):
            await office.filings.file([site(serial=10), site(serial=12, supersedes=9)], KEEPER, NOW)
        (changed,) = await office.filings.file([site(serial=9, supersedes=1, name="moved")], KEEPER, NOW)
        assert (changed.filing.serial, changed.filing.version, changed.version.number) == (1, 2, 3)
        with pytest.raises(Refused, match="superseded before"):
            await office.filings.file([site(serial=9, supersedes=1)], KEEPER, NOW)
        with pytest.raises(Refused, match="something else"):
            await office.filings.amend(2, site(), KEEPER, NOW)
        with pytest.raises(Refused, match="no such filing"):
            await office.filings.amend(7, site(), KEEPER, NOW)
        with pytest.raises(Refused, match="files for itself"):
            await office.filings.file([site(filer="north")], KEEPER, NOW)
        with pytest.raises(Refused, match="1 to 300"):
            await office.filings.file([], KEEPER, NOW)

    story(tmp_path, tell)


def test_anothers_filing_is_noticed_fetched_read_and_checked(tmp_path: Path) -> None:
    """What a notice names is wanted, fetched by its digest, and held against what is here."""

    async def tell(world: World) -> None:
        office, north = await world.side("office"), await world.side("north")
        await north.filings.file([north.own(activity())], KEEPER, NOW)
        await office.filings.file([movement()], KEEPER, NOW)
        await office.bring()
        (noticed,) = await north.filings.listed(filer="office")
        assert (noticed.filing.name, noticed.version.content, noticed.check) == ("", None, None)
        (wanted,) = (await north.filings.whole("office", 1)).wanted
        assert (wanted.tries, wanted.why) == (0, "")
        await north.filings.tick(NOW)
        (held,) = await north.filings.listed(filer="office")
        own = (await office.filings.listed(filer="office"))[0]
        assert (held.filing.name, held.version.content) == ("Convoy", own.version.content)
        assert (held.version.readable, held.version.fault, held.version.by) == (True, "", "")
        assert held.check is not None
        found = json.loads(held.check.findings)
        assert found["found"] == 1
        assert {found["meets"][0][side]["party"] for side in ("a", "b")} == {"office", "north"}
        assert (await north.filings.whole("office", 1)).wanted == ()
        before = await north.kinds()
        again = north.hotline.threads.message(await _row_of(north, "NOTIFY"))
        await north.store.write(lambda tx: north.filings.noticed(tx, again))
        assert (await north.kinds(), (await north.filings.whole("office", 1)).wanted) == (before, ())
        await office.filings.amend(1, movement(name="Convoy, later"), KEEPER, NOW + SECOND_US)
        await world.settle()
        (held,) = await north.filings.listed(filer="office")
        assert (held.filing.state, held.filing.version, held.filing.name) == ("amended", 2, "Convoy, later")
        await office.filings.move(1, Move.CANCEL, KEEPER, NOW + 2 * SECOND_US)
        await world.settle()
        (held,) = await north.filings.listed(filer="office")
        assert held.filing.state == "cancelled"
        moves = (await north.filings.whole("office", 1)).moves
        assert [(m.move, m.by) for m in moves] == [("file", ""), ("amend", ""), ("cancel", "")]

    story(tmp_path, tell)


def test_a_zone_that_is_declared_anew_holds_all_the_time(tmp_path: Path) -> None:
    """A changed zone is one filing of two versions to the other side; the old one's end ends nothing."""

    async def tell(world: World) -> None:
        north, south = await world.side("north"), await world.side("south")
        await north.filings.file([north.own(zone())], OFFICER, NOW)
        await world.settle()
        await north.filings.amend(1, north.own(zone(note="larger")), OFFICER, NOW + 1)
        await world.settle()
        (held,) = await south.filings.listed()
        assert (held.filing.kind, held.filing.state, held.filing.version) == ("zone", "amended", 2)
        await north.filings.move(1, Move.CANCEL, OFFICER, NOW + 2)
        await world.settle()
        (held,) = await south.filings.listed()
        assert held.filing.state == "cancelled"

    story(tmp_path, tell)


def test_bytes_are_kept_only_with_their_digest_and_asked_for_again(tmp_path: Path) -> None:
    """Nobody there, other bytes, then the right ones: each try is counted, later each time, with a reason."""

    async def tell(world: World) -> None:
        office, north = await world.side("office"), await world.side("north")
        await office.filings.file([site()], KEEPER, NOW)
        await office.bring()
        office.away = True
        assert await north.filings.fetch(NOW) == 0
        office.away = False
        (wanted,) = (await north.filings.whole("office", 1)).wanted
        assert (wanted.tries, wanted.due_us - NOW, wanted.why) == (1, SECOND_US, "office: there is nobody")
        assert await north.filings.fetch(NOW) == 0
        assert len(north.asked) == 1
        north.twist = lambda data: data.replace(b"hospital", b"hangar!!")
        assert await north.filings.fetch(NOW + SECOND_US) == 0
        (wanted,) = (await north.filings.whole("office", 1)).wanted
        assert (wanted.tries, wanted.due_us - NOW) == (2, 3 * SECOND_US)
        assert "another digest" in wanted.why
        north.twist = lambda data: data
        assert await north.filings.fetch(NOW + 3 * SECOND_US) == 1
        (held,) = await north.filings.listed()
        assert held.version.readable

    story(tmp_path, tell)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\x00 not a filing", "not UTF-8"),
        (b"[]", "not a number of filings"),
        (b"FOREIGN", "was notified by office"),
        (b"REAL", "real, and was notified as exercise"),
        (b"CROSSED", "cross"),
    ],
)
def test_what_cannot_be_read_is_kept_and_shown_as_that(tmp_path: Path, content: bytes, fault: str) -> None:
    """Bytes with the digest that was signed are kept, with why they are no filing, and are not checked."""
    crossed = Outline((AROUND[0], AROUND[2], AROUND[1], AROUND[3]))
    made = {
        b"FOREIGN": write_filing(movement(filer="south")),
        b"REAL": write_filing(movement(data_mode=DataMode.REAL)),
        b"CROSSED": write_filing(filing(Activity("range practice", crossed))),
    }.get(content, content)

    async def tell(world: World) -> None:
        office, north = await world.side("office"), await world.side("north")
        digest = hashlib.sha256(made).hexdigest()
        notice = Notice(
            FilingClass.MOVEMENT,
            "office/1",
            1,
            (Position(33_5000000, 38_6000000),),
            NOON,
            NOON + HOUR_US,
            digest,
            None,
            "surface",
            "unlimited",
        )
        await office.hotline.say(Kind.NOTIFY, "north", notice, by="ann", post=KEEPER.post, now_us=NOW)
        await office.bring()
        (wanted,) = (await north.filings.whole("office", 1)).wanted
        await north.filings.came(wanted, made, NOW)
        (held,) = await north.filings.listed()
        assert (held.version.content, held.version.readable, held.check) == (made, False, None)
        assert fault in held.version.fault
        assert (await north.kinds())["filing.version"] == 1
        with pytest.raises(Refused, match="cannot be read"):
            await north.filings.check("office", 1, NOW)
        (own,) = await north.filings.file([north.own(activity())], KEEPER, NOW)
        assert own.check is not None
        assert json.loads(own.check.findings)["not_read"] == ["office/1"]
        with pytest.raises(Refused):
            await north.filings.served(digest, "south", NOW)

    story(tmp_path, tell)


def test_the_clock_alone_expires_and_says_nothing_to_anybody(tmp_path: Path) -> None:
    """A window that is over with its tolerance expires ours and theirs; nobody said that it was over."""

    async def tell(world: World) -> None:
        office, north = await world.side("office"), await world.side("north")
        window = Window(NOON, NOON + 2 * HOUR_US, 0, HOUR_US)
        await office.filings.file([movement(window=window)], KEEPER, NOW)
        await office.filings.file([site()], KEEPER, NOW)
        await world.settle()
        for side in (office, north):
            world.now_us = NOON + 3 * HOUR_US - 1
            assert await side.filings.expire(world.now_us) == 0
            world.now_us += 1
            assert await side.filings.expire(world.now_us) == 1
            assert await side.filings.expire(world.now_us) == 0
            states = {held.filing.serial: held.filing.state for held in await side.filings.listed()}
            assert states == {1: "expired", 2: "filed"}
        (move,) = [m for m in (await office.filings.whole("office", 1)).moves if m.move == "expire"]
        assert (move.by, move.state) == ("", "expired")
        assert await said(office) == []
        with pytest.raises(Refused) as refused:
            await office.filings.amend(1, movement(window=Window(NOON, NOON + DAY_US)), KEEPER, world.now_us)
        assert refused.value.reason is Reason.NOT_NOW

    story(tmp_path, tell)


def test_late_is_said_and_refuses_nothing(tmp_path: Path) -> None:
    """A movement told an hour before it begins is filed, told, and said to be late by how much."""

    async def tell(world: World) -> None:
        office, _ = await world.side("office"), await world.side("north")
        (held,) = await office.filings.file([movement()], KEEPER, NOON - HOUR_US)
        assert held.check is not None
        found = json.loads(held.check.findings)
        assert found["late_us"] == 47 * HOUR_US
        assert "late by 1 d 23 h" in found["notice"]
        assert await said(office) == [("NOTIFY", "north", 1)]

    story(tmp_path, tell)


def test_a_dry_check_files_nothing_and_a_draft_tells_nobody(tmp_path: Path) -> None:
    """What would be found is answered and not kept; a draft has no serial, and is gone when it is filed."""

    async def tell(world: World) -> None:
        office, north = await world.side("office"), await world.side("north")
        await north.filings.file([north.own(activity())], KEEPER, NOW)
        await world.settle()
        (answer,) = await office.filings.dry([movement()], NOW)
        assert answer["found"] == 1
        assert [h.filing.filer for h in await office.filings.listed()] == ["north"]
        ident = await office.filings.keep_draft(movement(), KEEPER, NOW)
        assert await office.filings.keep_draft(movement(name="b"), KEEPER, NOW, ident=ident) == ident
        (draft,) = await office.filings.drafts(10)
        assert (draft.by, read_filings(draft.content, "")[0].name) == ("ann", "b")
        assert await said(office) == []
        await office.filings.file(read_filings(draft.content, ""), OFFICER, NOW, draft=ident)
        assert await office.filings.drafts(10) == []
        with pytest.raises(Refused, match="no such draft"):
            await office.filings.file([movement()], KEEPER, NOW, draft=ident)
        other = await office.filings.keep_draft(site(), KEEPER, NOW)
        await office.filings.drop_draft(other)
        with pytest.raises(Refused, match="no such draft"):
            await office.filings.drop_draft(other)

    story(tmp_path, tell)


def test_a_check_that_a_kill_took_away_is_made_by_the_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that was committed and not checked is shown as that, and is checked when the node goes on."""

    async def tell(world: World) -> None:
        office = await world.side("office")

        async def killed(*_: object) -> None:
            raise Refused(Reason.UNAVAILABLE, "gone")

        with monkeypatch.context() as patched:
            patched.setattr(office.filings, "_check", killed)
            (held,) = await office.filings.file([movement()], KEEPER, NOW)
        assert held.check is None
        await office.filings.tick(NOW + SECOND_US)
        (held,) = await office.filings.listed()
        assert held.check is not None
        await office.filings.tick(NOW + 2 * SECOND_US)
        assert len((await office.filings.whole("office", 1)).checks) == 1
        again = await office.filings.check("office", 1, NOW + 3 * SECOND_US)
        assert again.check is not None
        assert again.check.checked_us == NOW + 3 * SECOND_US
        assert len((await office.filings.whole("office", 1)).checks) == 2

    story(tmp_path, tell)


def test_on_both_databases_a_filing_goes_its_whole_way(tmp_path: Path, store_url: str) -> None:
    """Filed, amended, listed by what it is, ended and served on SQLite and on PostgreSQL alike."""

    async def tell(world: World) -> None:
        office, _ = await world.side("office", store_url), await world.side("north")
        await office.filings.file([movement(), site()], KEEPER, NOW)
        held = await office.filings.amend(2, site(name="moved"), KEEPER, NOW + 1)
        assert [h.filing.serial for h in await office.filings.listed(kind="site")] == [2]
        assert [h.filing.serial for h in await office.filings.listed(live=True, after=("office", 1))] == [2]
        assert [h.filing.serial for h in await office.filings.listed(state="filed", limit=5)] == [1]
        served = await office.filings.served(held.version.sha256.hex(), "north", NOW)
        assert served == held.version.content
        for asker, digest in (("charity", held.version.sha256.hex()), ("north", "00" * 32), ("north", "zz")):
            with pytest.raises(Refused) as refused:
                await office.filings.served(digest, asker, NOW)
            assert refused.value.reason is Reason.UNKNOWN
        await world.settle()
        world.now_us = NOON + 3 * HOUR_US
        assert await office.filings.expire(world.now_us) == 1
        assert (await office.filings.move(2, Move.CANCEL, KEEPER, world.now_us)).filing.state == "cancelled"

    story(tmp_path, tell)
