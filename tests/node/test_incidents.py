"""Incidents that a party keeps: each line with its leaf and who did it; others' files, taken or beside."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from extract_world import DIGEST, TEXT, Came, pacts, sealed, us, write
from hotline_world import Line
from incidents_kept import KIM, NEW, account, claim, kept
from skypact.airspace import DataMode
from skypact.desk import incidents as desk
from skypact.errors import InputError, ModeError, Reason, Refused
from skypact.exchange.hotline.messages import Kind
from skypact.formats.incident_file import read_incident
from skypact.incident.signatures import Mark
from skypact.store import hotline
from skypact.store.schema import leaf

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from incidents_kept import Keeper
    from skypact.desk.incidents import Held, Taken
    from skypact.store import Tx


def leaves(tx: Tx) -> list[tuple[int, str, str, Any]]:
    """The leaves of incidents: position, kind, reference, content."""
    query = select(leaf).where(leaf.c.kind.like("incident.%")).order_by(leaf.c.position)
    return [
        (row.position, row.kind, row.ref, json.loads(row.content)) for row in tx.connection.execute(query)
    ]


async def refused(doing: Awaitable[object], reason: Reason) -> str:
    """What is said where something is refused for this reason."""
    with pytest.raises(Refused) as caught:
        await doing
    assert caught.value.reason is reason
    return str(caught.value)


@pytest.fixture
def urls(sqlite_url: str, tmp_path: Path) -> tuple[str, str]:
    """A database of each side."""
    return sqlite_url, f"sqlite:///{tmp_path / 'south.db'}"


def test_each_line_is_a_leaf_that_names_who_wrote_it(store_url: str, tmp_path: Path) -> None:
    """Written for the party by the account's role, signed with the node's key, in one transaction."""

    async def tale(north: Keeper, _south: Keeper) -> tuple[Held, list[tuple[int, str, str, Any]]]:
        assert await north.desk.listed("olga") == []
        made = await north.desk.new(KIM, NEW, us(0))
        assert (made.kept.case.opening.data_mode, made.row.entries) == (DataMode.TEST, 1)
        await refused(north.desk.new(KIM, NEW, us(1)), Reason.CONFLICT)
        await north.desk.add(KIM, "case", [account("north"), claim("A1", "5")], us(2))
        held = await north.desk.add(KIM, "case", [("withdrawal", {"account": "A1", "why": "a slip"})], us(3))
        assert [row.name for row in await north.desk.listed("olga")] == ["case"]
        return held, await north.store.read(leaves)

    held, told = kept(tale, store_url, f"sqlite:///{tmp_path / 'south.db'}")
    assert [(kind, ref) for _, kind, ref, _ in told] == [("incident.entry", "case")] * 4
    assert [row.leaf for row in held.entries] == [position for position, *_ in told]
    assert [(each["account"], each["role"], each["way"]) for *_, each in told] == [
        (KIM, "investigator", "written")
    ] * 4
    assert [each["line"].encode() for *_, each in told] == held.kept.lines
    assert [len(each["signatures"]) for *_, each in told] == [1, 0, 1, 1]
    entry = held.kept.case.entries[-1]
    assert (entry.by, entry.post, entry.at_us) == ("north", "investigator", us(3))
    assert held.kept.case.withdrawn("A1") is not None
    assert held.standing is not None
    assert held.standing.unsigned == ()
    assert read_incident(held.kept.data, "f").head == held.row.head.hex()


def test_who_may_do_what_is_the_account_s_role(urls: tuple[str, str]) -> None:
    """An observer reads, an investigator writes, a stranger does nothing; the party itself writes nothing."""

    async def tale(north: Keeper, _south: Keeper) -> None:
        held = await north.desk.new(KIM, NEW, us(0))
        for by in ("olga", "wanda", "north", "nobody"):
            for doing in (
                north.desk.new(by, {**NEW, "name": "other"}, us(1)),
                north.desk.add(by, "case", [account("north")], us(1)),
                north.desk.take(by, held.kept.data, b"", us(1)),
                north.desk.extract(by, us(1), 0, us(1)),
            ):
                await refused(doing, Reason.FORBIDDEN)
        assert (await north.desk.get("olga", "case", us(1))).row.entries == 1
        await refused(north.desk.get("nobody", "case", us(1)), Reason.FORBIDDEN)
        await refused(north.desk.get(KIM, "other", us(1)), Reason.UNKNOWN)
        await refused(north.desk.add(KIM, "other", [], us(1)), Reason.UNKNOWN)
        await north.accounts.end("north", KIM, us(2))
        await refused(north.desk.add(KIM, "case", [account("north")], us(3)), Reason.FORBIDDEN)

    kept(tale, *urls)


def test_what_the_incident_does_not_allow_writes_nothing(urls: tuple[str, str]) -> None:
    """All of a list or none of it; a party withdraws its own accounts alone; the place is named."""

    async def tale(north: Keeper, _south: Keeper) -> None:
        await north.desk.new(KIM, NEW, us(0))
        await north.desk.add(KIM, "case", [account("south")], us(1))
        before = await north.store.read(leaves)
        for entries, message in (
            ([account("north"), claim("A9", "5")], r"entries\[1\]: account: no such account"),
            ([("story", {})], r"entries\[0\]: entry: no kind of entry"),
            ([("account", {"party": "north"})], r"entries\[0\]: .*speaker is missing"),
        ):
            with pytest.raises(InputError, match=message):
                await north.desk.add(KIM, "case", entries, us(2))
        withdrawal = ("withdrawal", {"account": "A1", "why": "x"})
        assert "only a party withdraws its own account" in await refused(
            north.desk.add(KIM, "case", [withdrawal], us(2)), Reason.FORBIDDEN
        )
        with pytest.raises(ModeError):
            await north.desk.new(KIM, {**NEW, "name": "real", "data_mode": "real"}, us(2))
        with pytest.raises(InputError, match="title"):
            await north.desk.new(KIM, {"name": "x", "parties": {}}, us(2))
        assert await north.store.read(leaves) == before

    kept(tale, *urls)


def test_a_line_is_never_dated_before_the_one_above_it(urls: tuple[str, str]) -> None:
    """After a clock that was ahead it has that one's instant; the row says when it was written."""

    async def tale(north: Keeper, _south: Keeper) -> Held:
        await north.desk.new(KIM, NEW, us(100))
        return await north.desk.add(KIM, "case", [account("north")], us(5))

    held = kept(tale, *urls)
    assert held.kept.case.entries[1].at_us == us(100)
    assert held.entries[1].written_us == us(5)


def test_two_who_write_at_once_both_write(urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second reads again and writes after the first; who never comes to it is told."""

    async def tale(north: Keeper, _south: Keeper) -> Held:
        await north.desk.new(KIM, NEW, us(0))
        await asyncio.gather(*(north.desk.add(KIM, "case", [account("north")], us(1)) for _ in range(3)))
        held = await north.desk.get(KIM, "case", us(2))
        monkeypatch.setattr(desk.Incidents, "_extended", lambda *_args: False)
        await refused(north.desk.add(KIM, "case", [account("north")], us(3)), Reason.CONFLICT)
        await refused(north.desk.take(KIM, held.kept.data, held.signatures, us(3)), Reason.CONFLICT)
        return held

    held = kept(tale, *urls)
    assert [each.id for each in held.kept.case.accounts] == ["A1", "A2", "A3"]


def test_another_s_file_is_taken_line_by_line_as_it_came(store_url: str, tmp_path: Path) -> None:
    """New, then what goes on from it, then what is known; signatures come with it and stay theirs."""

    async def tale(north: Keeper, south: Keeper) -> tuple[list[Taken], Held, Held]:
        first = await north.desk.new(KIM, NEW, us(0))
        came = [await south.desk.take(KIM, first.kept.data, first.signatures, us(1))]
        ours = await north.desk.add(KIM, "case", [account("north")], us(2))
        came.append(await south.desk.take(KIM, ours.kept.data, ours.signatures, us(3)))
        came.append(await south.desk.take(KIM, ours.kept.data, ours.signatures, us(4)))
        theirs = await south.desk.add(KIM, "case", [account("south")], us(5))
        came.append(await north.desk.take(KIM, theirs.kept.data, theirs.signatures, us(6)))
        came.append(await north.desk.take(KIM, first.kept.data, b"", us(7)))
        return came, await north.desk.get(KIM, "case", us(8)), theirs

    came, held, theirs = kept(tale, store_url, f"sqlite:///{tmp_path / 'south.db'}")
    assert [(each.what, each.lines) for each in came] == [
        ("new", 1), ("extended", 1), ("known", 0), ("extended", 1), ("known", 0),
    ]  # fmt: skip
    assert held.kept.data == theirs.kept.data
    assert held.signatures == theirs.signatures
    assert [row.way for row in held.entries] == ["written", "written", "taken"]
    assert held.standing is not None
    assert set(held.standing.marks) == {Mark.SIGNED}


def test_signatures_that_come_later_are_leaves_of_their_own(urls: tuple[str, str]) -> None:
    """What was taken unsigned is signed when its party's signatures come."""

    async def tale(north: Keeper, south: Keeper) -> tuple[Held, Held, list[tuple[int, str, str, Any]]]:
        ours = await north.desk.new(KIM, NEW, us(0))
        bare = (await south.desk.take(KIM, ours.kept.data, b"", us(1))).held
        await south.desk.take(KIM, ours.kept.data, ours.signatures, us(2))
        return bare, await south.desk.get(KIM, "case", us(3)), await south.store.read(leaves)

    bare, held, told = kept(tale, *urls)
    assert bare.standing is not None
    assert held.standing is not None
    assert (bare.standing.marks, held.standing.marks) == ((Mark.UNSIGNED,), (Mark.SIGNED,))
    assert [kind for _, kind, _, _ in told] == ["incident.entry", "incident.signature"]
    assert held.signed[0].leaf == told[1][0]


def test_a_file_that_went_on_otherwise_is_kept_beside(
    urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, once, with its leaf; ours stays as it is; so many at most."""

    async def tale(north: Keeper, south: Keeper) -> tuple[Taken, Held]:
        first = await north.desk.new(KIM, NEW, us(0))
        await south.desk.take(KIM, first.kept.data, first.signatures, us(1))
        await north.desk.add(KIM, "case", [account("north")], us(2))
        theirs = await south.desk.add(KIM, "case", [account("south")], us(3))
        taken = await north.desk.take(KIM, theirs.kept.data, theirs.signatures, us(4))
        await north.desk.take(KIM, theirs.kept.data, theirs.signatures, us(5))
        held = await north.desk.get(KIM, "case", us(6))
        (copy,) = held.copies
        assert (copy.data, copy.signatures) == (theirs.kept.data, theirs.signatures)
        assert (await north.store.read(leaves))[-1][1:3] == ("incident.copy", "case")
        longer = await south.desk.add(KIM, "case", [account("south")], us(7))
        monkeypatch.setattr(desk, "COPIES_MAX", 1)
        await refused(north.desk.take(KIM, longer.kept.data, b"", us(8)), Reason.TOO_MANY)
        return taken, held

    taken, held = kept(tale, *urls)
    assert (taken.what, taken.lines) == ("beside", 2)
    assert [each.party for each in held.kept.case.accounts] == ["north"]
    assert (held.copies[0].parted, held.copies[0].entries) == (1, 2)


def test_nobody_writes_in_another_s_name(urls: tuple[str, str]) -> None:
    """A line in this party's name, or another's withdrawal, is taken as that one signed it or not at all."""

    async def tale(north: Keeper, south: Keeper) -> None:
        ours = await north.desk.new(KIM, NEW, us(0))
        told = await north.desk.add(KIM, "case", [account("north")], us(1))
        gone = await north.desk.add(KIM, "case", [("withdrawal", {"account": "A1", "why": "x"})], us(2))
        said = await refused(south.desk.take(KIM, gone.kept.data, told.signatures, us(3)), Reason.FORBIDDEN)
        assert "line 3: a withdrawal that its party did not sign" in said
        assert (await south.desk.take(KIM, gone.kept.data, gone.signatures, us(3))).what == "new"
        theirs = await south.desk.add(KIM, "case", [account("south")], us(4))
        entry = theirs.kept.case.entries[-1]
        forged = gone.kept.with_entry(replace(entry, by="north"))
        said = await refused(north.desk.take(KIM, forged.data, gone.signatures, us(5)), Reason.FORBIDDEN)
        assert "line 4: a line in this party's name that it did not sign" in said
        changed = forged.data.replace(b"A case", b"B case")
        with pytest.raises(InputError):
            await north.desk.take(KIM, changed, b"", us(5))
        with pytest.raises(InputError, match="lines are missing"):
            await north.desk.take(KIM, ours.kept.data, theirs.signatures, us(5))
        assert (await north.desk.get(KIM, "case", us(6))).row.entries == 3

    kept(tale, *urls)


def test_without_a_pact_or_a_key_of_it_lines_are_unsigned(urls: tuple[str, str]) -> None:
    """Whose keys are whose nobody says, or the node's key is another: what is written stays usable."""

    async def tale(north: Keeper, _south: Keeper) -> Held:
        return await north.desk.new(KIM, NEW, us(0))

    bare = kept(tale, *urls, bare=True)
    assert (bare.standing, bare.signed) == (None, ())
    (pact,) = pacts().values()
    for changes in ({"key": "e"}, {"pact": replace(pact, parties=(), intermediaries=())}):
        folder = f"{urls[0]}-{len(changes)}-{next(iter(changes))}"
        held = kept(tale, folder, f"{folder}-south", **changes)
        assert held.signed == ()
        assert held.standing is not None
        assert held.standing.mark == "UNSIGNED"
    other = replace(pact, data_mode=DataMode.EXERCISE)
    held = kept(tale, f"{urls[0]}-other", f"{urls[0]}-third", pact=other)
    assert (held.standing, held.signed) == (None, ())


def test_an_incident_is_reported_beside_the_party_s_own_record(urls: tuple[str, str]) -> None:
    """Claims against what the ledger has of the hotline, with the margin and the leaf that says so."""

    async def tale(north: Keeper, _south: Keeper) -> dict[str, Any]:
        notice = Came(sealed(Line().north(Kind.NOTIFY)), 0, 0)

        def work(tx: Tx) -> None:
            hotline.put_edition(tx, hotline.EditionRow(DIGEST, "p", 1, TEXT, b"", "", us(0)))
            write(tx, "north", notice)

        await north.store.write(work)
        await north.desk.new(KIM, NEW, us(1))
        said = {"account": "A1", "predicate": "warned", "subject": "the warning", "modality": "asserted"}
        warned = ("claim", {**said, "value": "hotline, 20 min before", "quote": "we said so"})
        await north.desk.add(KIM, "case", [account("north"), warned], us(2))
        with pytest.raises(InputError, match="event"):
            await north.desk.report("olga", "case", "yesterday", us(3))
        bare = await north.desk.report("olga", "case", "", us(3))
        assert bare.books[0].event is None
        made = await north.desk.report("olga", "case", "2026-06-01T06:05:00Z", us(400))
        found = await north.desk.extract(KIM, us(400), 0, us(400))
        assert found.book.messages == made.books[0].messages
        return made.data

    data = kept(tale, *urls)
    (against,) = data["claims"][0]["records"]
    assert (against["holder"], against["verdict"]) == ("north", "not recorded")
    assert "sent 5 min before, and no delivery is recorded" in against["margin"]
    assert data["signatures"]["mark"] == ""
    assert data["ledgers"][0]["ledger"].startswith("log skypact.invalid/")


def test_a_report_without_a_pact_has_the_ledger_alone(urls: tuple[str, str]) -> None:
    """No zones and no stances; and more incidents than are remembered are read again."""

    async def tale(north: Keeper, _south: Keeper) -> list[int]:
        for k in range(18):
            await north.desk.new(KIM, {**NEW, "name": f"case-{k}"}, us(k))
        made = await north.desk.report(KIM, "case-0", "", us(30))
        assert (made.books[0].zones, made.books[0].positions) == (None, ())
        return [(await north.desk.get(KIM, f"case-{k}", us(40))).row.entries for k in range(18)]

    assert kept(tale, *urls, bare=True) == [1] * 18
