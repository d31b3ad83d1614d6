"""Two parties whose desks exchange messages: what each one's ledger says afterwards of the same warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from incident_world import claim
from pact_keys import SECRETS
from record_world import quiet
from skypact.desk import extract
from skypact.desk.archive import export
from skypact.desk.record import Record
from skypact.exchange.hotline.messages import Acknowledged, Kind
from skypact.formats.pact_toml import read_pact
from skypact.incident.claims import Modality
from skypact.incident.logbook import Logbook, Verdict, against
from skypact.incident.values import Period
from skypact.instants import SECOND_US
from skypact.pact import Level
from skypact.pact.signatures import digest_of
from skypact.record.checkpoint import Policy
from two_desks import LETTERS, TEXT, Pair, Side, told

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.desk.extract import Extract

AHEAD_US: Final = 3_600 * SECOND_US
"""The south's clock is an hour ahead."""


async def of_export(side: Side, folder: Path, now_us: int) -> Extract:
    """What a side's ledger says to whoever has its export, its key and the pact."""
    record = Record(side.store, SECRETS[LETTERS[side.name]])
    row, key = await record.checkpoint(now_us), await record.log_key()
    where, bodies = folder / side.name, folder / f"{side.name}.bodies"
    await export(side.store, row, where, Policy(key), bodies=bodies, tell=quiet)
    pact = read_pact(TEXT, "pact.toml").pact
    assert pact is not None
    return extract.of_export(where, bodies, Policy(key), {digest_of(TEXT): pact}, tell=quiet)


def test_a_warning_that_was_late_is_late_in_both_ledgers(sqlite_url: str, tmp_path: Path) -> None:
    """Minutes before the event and not twenty: one verdict from both, with clocks an hour apart."""

    async def story(pair: Pair) -> None:
        north, south = pair.north, pair.south
        notice = await north.say(Kind.NOTIFY)
        south.now_us = north.now_us + AHEAD_US
        await pair.exchange("north")
        south.now_us += 60 * SECOND_US
        await south.say(Kind.ACK, notice, Acknowledged(Level.OPENED), text=None)
        north.now_us = south.now_us - AHEAD_US
        await pair.exchange("south")
        last = await north.say(Kind.CHECK_IN)
        event_us = notice.said_us + 250 * SECOND_US
        record = Record(north.store, SECRETS[LETTERS["north"]])
        own = await extract.of_node(north.store, record, "north", event_us)
        exported = await of_export(north, tmp_path, event_us)
        theirs = await of_export(south, tmp_path, event_us + AHEAD_US)
        (seen,) = (each for each in exported.book.messages if each.ref == notice.id)
        assert seen.other is not None
        assert seen.delivered is not None
        assert notice.said_us <= seen.delivered.earliest_us <= seen.delivered.latest_us <= last.said_us
        assert own.left_out == exported.left_out == theirs.left_out == ()
        said = claim("warned", "hotline, at least 20 min before", thing=notice.id)
        for found, at_us in ((own, event_us), (exported, event_us), (theirs, event_us + AHEAD_US)):
            book = Logbook(found.book.holder, found.book.messages, event=Period("", at_us, at_us))
            assert against(said, book).verdict is Verdict.CONTRADICTED
            some = claim("warned", "hotline, at least 3 min before", thing=notice.id)
            assert against(some, book).verdict is Verdict.SUPPORTED
            denied = claim("warned", "any channel", thing=notice.id, modality=Modality.DENIED)
            assert against(denied, book).verdict is Verdict.CONTRADICTED
        (logged,) = (each for each in own.book.messages if each.ref == notice.id)
        assert logged.other is not None
        assert abs(logged.other.offset_us - AHEAD_US) <= logged.other.bound_us
        assert "proven" in logged.proof

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_warning_that_waited_a_day_is_not_taken_for_an_offset_of_clocks(
    sqlite_url: str, tmp_path: Path
) -> None:
    """It was delivered when the line was there again; that a clock was wrong is nowhere said."""

    async def story(pair: Pair) -> None:
        north, south = pair.north, pair.south
        pair.always = "lost"
        notice = await north.say(Kind.NOTIFY)
        await pair.exchange("north")
        north.now_us += 24 * 3_600 * SECOND_US
        south.now_us = north.now_us
        pair.always = "pass"
        await pair.exchange("north")
        event_us = north.now_us + 60 * SECOND_US
        record = Record(north.store, SECRETS[LETTERS["north"]])
        found = await extract.of_node(north.store, record, "north", event_us)
        (logged,) = (each for each in found.book.messages if each.ref == notice.id)
        assert logged.delivered is not None
        assert logged.delivered.latest_us == north.now_us
        event = Period("", event_us, event_us)
        book = Logbook("north", found.book.messages, event=event)
        sure = claim("warned", "hotline, less than 30 s before", thing=notice.id)
        assert against(sure, book).verdict is Verdict.CONTRADICTED
        theirs = await of_export(south, tmp_path, event_us)
        (there,) = (each for each in theirs.book.messages if each.ref == notice.id)
        assert there.delivered == Period("", south.now_us, south.now_us)

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")
