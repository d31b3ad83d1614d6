"""What a hostile reading of the hotline found, told again: each of these was lost, stuck or believed once."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hotline_world import BODY, NOW
from pact_keys import KEYS, SECRETS
from skypact.courier import hotline as courier
from skypact.courier.calls import Caller
from skypact.desk import lines
from skypact.errors import Reason, Refused
from skypact.exchange.hotline.messages import Acknowledged, Kind, Notice, Plain
from skypact.formats.hotline_json import encode
from skypact.formats.hotline_jws import read_envelope, signed
from skypact.instants import DAY_US, HOUR_US, SECOND_US
from skypact.pact import Level
from skypact.server.hotline import BroughtOut, JudgedOut
from skypact.server.operation import Answer, Call
from skypact.store import hotline as kept
from two_desks import FIRST, Pair, complete, editions, second, told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest

    from skypact.exchange.hotline.messages import Message
    from two_desks import Side


class _Disks:
    """Two sides whose databases can be restored from yesterday's backup."""

    def __init__(self, folder: Path) -> None:
        self.pair = Pair()
        self._folder = folder

    async def open(self, name: str) -> None:
        """Open a side, at the instant that it had."""
        now_us = self.pair.sides[name].now_us if name in self.pair.sides else NOW
        (await self.pair.open(name, f"sqlite:///{self._folder / name}.db")).now_us = now_us

    async def backup(self, name: str) -> None:
        """Copy its database."""
        await self.pair.sides[name].store.close()
        shutil.copy(self._folder / f"{name}.db", self._folder / f"{name}.bak")
        await self.open(name)

    async def restore(self, name: str) -> None:
        """Lose everything since, as a failed disk does."""
        await self.pair.sides[name].store.close()
        for suffix in ("-wal", "-shm"):
            (self._folder / f"{name}.db{suffix}").unlink(missing_ok=True)
        shutil.copy(self._folder / f"{name}.bak", self._folder / f"{name}.db")
        await self.open(name)


def _on_disks(folder: Path, story: Callable[[_Disks, Pair], Awaitable[None]]) -> None:
    async def run() -> None:
        disks = _Disks(folder)
        for name in ("north", "south"):
            await disks.open(name)
        await disks.pair.north.say(Kind.CHECK_IN)
        await disks.pair.exchange()
        await story(disks, disks.pair)
        await disks.pair.close()

    asyncio.run(run())


def _serials(rows: list[kept.MessageRow]) -> list[int]:
    return [row.serial for row in rows]


async def _given(side: Side, sender: str, recipient: str) -> list[kept.MessageRow]:
    return await side.store.read(lambda tx: kept.numbered(tx, sender, recipient, 1, 10_000, 10_000))


async def _openers(side: Side) -> list[str]:
    return [row.kind for row, _ in await side.desk.listed(2**62, 1_000)]


def test_a_restored_recipient_gets_back_what_it_had_receipted(tmp_path: Path) -> None:
    """A STOP that south receipted and then lost with its disk is asked for again."""

    async def story(disks: _Disks, pair: Pair) -> None:
        await disks.backup("south")
        stop = await pair.north.say(Kind.STOP)
        await pair.exchange()
        assert await pair.north.level(stop) == Level.DELIVERED
        await disks.restore("south")
        await pair.exchange()
        assert "STOP" in await _openers(pair.south)
        assert await pair.south.lines.missing("north") == []

    _on_disks(tmp_path, story)


def test_a_restored_node_receipts_nothing_before_it_knows_its_numbers(tmp_path: Path) -> None:
    """A peer that calls first is told to wait; the number of the lost STOP is not given to a receipt."""

    async def story(disks: _Disks, pair: Pair) -> None:
        await disks.backup("north")
        stop = await pair.north.say(Kind.STOP)
        await pair.exchange()
        await disks.restore("north")
        query = await pair.south.say(Kind.QUERY)
        await pair.exchange("south")
        assert await pair.south.level(query) == Level.SENT
        await pair.exchange()
        await pair.exchange()
        assert await pair.north.desk.row(stop.id) is not None
        assert await pair.south.level(query) == Level.DELIVERED
        report = await pair.south.say(Kind.REPORT, stop)
        await pair.exchange()
        assert await pair.south.level(report) == Level.DELIVERED
        given = await _given(pair.south, "north", "south")
        assert _serials(given) == list(range(1, len(given) + 1))
        assert {row.state for row in given} == {"taken"}

    _on_disks(tmp_path, story)


def test_what_was_lost_comes_back_page_by_page_whatever_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are of what was signed, refused or not; a STOP that waited gets a number beyond all of them."""
    monkeypatch.setattr(lines, "BATCH_MAX", 4)

    async def story(disks: _Disks, pair: Pair) -> None:
        await disks.backup("north")
        for count in range(11):
            if count == 3:  # one that south refuses
                wrong = await pair.north.say(Kind.CHECK_IN)
                twin = signed(SECRETS["a"], encode(replace(wrong, said_us=wrong.said_us + 1, thread="")))
                await pair.south.desk.receive([twin.text], "north", NOW)
            await pair.north.say(Kind.CHECK_IN)
        await pair.exchange()
        highest = (await pair.south.lines.line("north"))[0].serial
        await disks.restore("north")
        stop = await pair.north.say(Kind.STOP)
        await pair.exchange()
        await pair.exchange()
        assert stop.serial < highest
        stops = [told for row, told in await pair.south.desk.listed(2**62, 99) if row.kind == "STOP"]
        assert [each.thread.first.serial for each in stops] == [highest + 1]
        assert await pair.north.level(stops[0].thread.first) == Level.DELIVERED

    _on_disks(tmp_path, story)


def test_what_the_other_side_refuses_stays_in_its_thread_and_is_called_for(
    sqlite_url: str, tmp_path: Path
) -> None:
    """A STOP to which a node answers 'refused' is shown, unacknowledged, and somebody is called."""

    async def story(pair: Pair) -> None:
        row = pair.south.served["POST", "/hotline/v1/messages"]

        async def refuses(call: Call) -> Answer:
            idents = [read_envelope(text).message.id for text in call.body.envelopes]
            said = [JudgedOut(id=ident, what="refused", why="no\x00 way") for ident in idents]
            return Answer(body=BroughtOut(messages=said))

        pair.south.served["POST", "/hotline/v1/messages"] = replace(row, handle=refuses)
        stop = await pair.north.say(Kind.STOP)
        await pair.exchange("north")
        assert await _openers(pair.north) == ["STOP"]
        kept_row = await pair.north.desk.row(stop.id)
        assert kept_row is not None
        assert (kept_row.state, kept_row.why) == ("refused", "no  way")
        calls = await pair.north.calls.tick(pair.north.now_us + 61 * SECOND_US)
        assert [call.contact for call in calls] == ["duty officer"]

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_words_that_were_overtaken_are_taken(sqlite_url: str, tmp_path: Path) -> None:
    """A receipt whose answer was lost comes after a later ACK of the same side, and counts all the same."""

    async def story(pair: Pair) -> None:
        await pair.exchange()
        notice = await pair.north.say(Kind.NOTIFY)
        await pair.exchange()
        cancel = await pair.north.say(Kind.CANCEL, notice, Plain())
        pair.way = ["answer lost"]
        await pair.north.courier.turn()
        await pair.south.say(Kind.ACK, notice, Acknowledged(Level.OPENED))
        await pair.south.courier.turn()
        await pair.exchange()
        assert await pair.north.level(cancel) == await pair.south.level(cancel) == Level.DELIVERED
        assert {row.state for row in await _given(pair.north, "south", "north")} == {"taken"}

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_threads_of_one_instant_are_on_one_page(sqlite_url: str, tmp_path: Path) -> None:
    """What came in one call changed at one instant: a page has all of it, and the next begins beyond."""

    async def story(pair: Pair) -> None:
        for _ in range(12):
            await pair.north.say(Kind.CHECK_IN)
        await pair.exchange("north")
        first = await pair.south.desk.listed(2**62, 5)
        assert len(first) == 12
        assert await pair.south.desk.listed(first[-1][0].changed_us, 5) == []

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_one_partys_waiting_messages_hold_up_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages that wait for what never comes are kept up to a number; another's are released."""
    monkeypatch.setattr("skypact.desk.hotline.WAITING_MAX", 5)

    async def story(pair: Pair) -> None:
        notice = await pair.south.say(Kind.NOTIFY, to="office")
        amend = await pair.south.say(Kind.AMEND, notice, replace(BODY[Notice], version=2), to="office")
        first, later = await pair.south.desk.outgoing("office")
        ghost = "0" * 64
        flood = [
            signed(
                SECRETS["a"],
                encode(
                    replace(notice, kind=Kind.ACK, sender="north", serial=at, thread=ghost, re=ghost,
                            body=Acknowledged(Level.OPENED))
                ),
            ).text
            for at in range(1, 9)
        ]  # fmt: skip
        verdicts = await pair.office.desk.receive(flood, "north", NOW)
        assert [verdict.what for verdict in verdicts] == ["waiting"] * 5 + ["later"] * 3
        (verdict,) = await pair.office.desk.receive([later.envelope], "south", NOW)
        assert verdict.what == "waiting"
        await pair.office.desk.receive([first.envelope], "south", NOW)
        row = await pair.office.desk.row(amend.id)
        assert row is not None
        assert row.state == "taken"

    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("south", "office")]
    told(story, *urls, names=("south", "office"))


def test_a_clock_ahead_over_the_beginning_of_a_version_keeps_no_stop_out(tmp_path: Path) -> None:
    """What is said under a signed version that has not begun here yet is taken: both have its text."""
    both = complete(FIRST, second(effective="2026-06-01T07:00:00Z"))

    async def run() -> None:
        pair = Pair()
        for name, now_us in (("north", NOW + HOUR_US), ("south", NOW + 50 * 60 * SECOND_US)):
            side = await pair.open(name, f"sqlite:///{tmp_path / name}.db", load=lambda: both)
            side.now_us = now_us
        stop = await pair.north.say(Kind.STOP)
        assert await pair.north.desk.thread(stop.id) is not None  # before its own node has looked again
        await pair.exchange("north")
        assert await pair.north.level(stop) == Level.DELIVERED
        assert stop.pact == pair.north.agreement.current(NOW + DAY_US).digest
        await pair.close()

    asyncio.run(run())


def test_a_thread_outlives_the_keys_under_which_it_began(tmp_path: Path) -> None:
    """With the key that a later version gives it, a party ends its old thread, and is receipted in it."""
    changed = second(effective="2026-06-01T07:00:00Z")
    changed = changed.replace(KEYS[0].text.encode(), KEYS[3].text.encode())
    both = complete(FIRST, changed)

    async def run() -> None:
        pair = Pair()
        for name in ("north", "south"):
            await pair.open(name, f"sqlite:///{tmp_path / name}.db", load=lambda: both)
        stop = await pair.north.say(Kind.STOP)
        query = await pair.south.say(Kind.QUERY)
        await pair.exchange()
        for side in (pair.north, pair.south):
            side.now_us = NOW + 2 * HOUR_US
            await side.agreement.refresh(side.now_us)
        pair.north.desk._key = SECRETS["d"]
        cancel = await pair.north.say(Kind.CANCEL, stop, Plain())
        answer = await pair.north.say(Kind.ANSWER, query, Plain())
        await pair.exchange()
        assert await pair.north.level(cancel) == await pair.north.level(answer) == Level.DELIVERED
        more = await pair.south.say(Kind.SECOND_QUERY, query)
        await pair.exchange()
        assert await pair.south.level(more) == Level.DELIVERED
        await pair.close()

    asyncio.run(run())


def test_a_draft_that_nobody_signed_shuts_nobody_out(tmp_path: Path) -> None:
    """A party that an unsigned next version leaves out is let in, and its own node starts."""
    gone = second(effective="2026-07-01T07:00:00Z").split(b'[[party]]\nid = "office"', maxsplit=1)[0]
    versions = (*complete(FIRST), *editions(gone))

    async def run() -> None:
        pair = Pair()
        north = await pair.open("north", f"sqlite:///{tmp_path / 'north'}.db", load=lambda: versions)
        assert north.agreement.parties == ("south", "office")
        office = await pair.open("office", f"sqlite:///{tmp_path / 'office'}.db", load=lambda: versions)
        assert office.agreement.current(NOW).pact.version == 1
        await pair.close()

    asyncio.run(run())


def test_an_alarm_waits_two_seconds_at_most_for_the_next_try(sqlite_url: str, tmp_path: Path) -> None:
    """After many failures the pause is a minute, and while a STOP waits it is not."""

    async def story(pair: Pair) -> None:
        pair.always = "lost"
        post = pair.north.courier._posts["south"]
        post.failures = 30
        await pair.north.say(Kind.NOTIFY)
        assert await pair.north.courier._pause(post) > courier.ALARM_PAUSE_S
        await pair.north.say(Kind.STOP)
        assert await pair.north.courier._pause(post) <= courier.ALARM_PAUSE_S

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_call_that_hangs_keeps_no_other_waiting_and_one_that_was_not_kept_is_made_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one program sleeps the next call is made; where no outcome could be kept, it is made anew."""
    slow = (
        sys.executable,
        "-c",
        "import sys, time; time.sleep(60 if 'duty officer' in sys.stdin.read() else 0)",
    )

    async def story(pair: Pair) -> None:
        await pair.north.say(Kind.STOP)
        clock = [pair.north.now_us + 61 * SECOND_US]
        caller = Caller(pair.north.desk, pair.north.calls, None, command=slow, clock=lambda: clock[0])  # type: ignore[arg-type]
        refusals = [Refused(Reason.UNAVAILABLE, "the database is away")]
        real = pair.north.calls.called

        async def called(*given: Any) -> None:
            if refusals:
                raise refusals.pop()
            await real(*given)

        monkeypatch.setattr(pair.north.calls, "called", called)
        assert await caller._look() == 1
        clock[0] += 60 * SECOND_US
        assert await caller._look() == 1
        deadline = time.monotonic() + 20
        while len(await pair.north.calls.open()) > 1 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            await caller._look()
        assert [call.contact for call in await pair.north.calls.open()] == ["duty officer"]
        assert not refusals
        hanging = list(caller._making.values())
        for task in hanging:
            task.cancel()
        assert len(hanging) == 1
        await asyncio.gather(*hanging, return_exceptions=True)  # its program is ended with it

    told(story, sqlite_url, names=("north",))


def test_rubbish_is_kept_once_and_its_beginning_alone(sqlite_url: str, tmp_path: Path) -> None:
    """The same unreadable megabyte a hundred times is one leaf of four kibibytes."""

    async def story(pair: Pair) -> None:
        for _ in range(10):
            await pair.south.desk.receive(["x" * 100_000] * 10, "north", NOW)
        found = await pair.south.store.read(
            lambda tx: tx.connection.exec_driver_sql(
                "SELECT count(*), max(length(content)) FROM leaf WHERE kind = 'hotline.refused'"
            ).one()
        )
        assert tuple(found) == (1, 4_096)

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_pages_that_bring_nothing_are_not_gone_on_with(sqlite_url: str, tmp_path: Path) -> None:
    """A peer that speaks of numbers that nobody gave, and of ever more pages, is asked a few times."""

    async def story(pair: Pair) -> None:
        line = pair.south.served["GET", "/hotline/v1/line"]
        page = pair.south.served["GET", "/hotline/v1/messages"]

        async def absurd(_call: Call) -> Answer:
            return Answer(body={"serial": 2**52, "whole": 0, "id": "", "said": 2**52})

        async def endless(call: Call) -> Answer:
            return Answer(body={"envelopes": [], "next": int(call.query["first"]) + 1})

        pair.south.served["GET", "/hotline/v1/line"] = replace(line, handle=absurd)
        pair.south.served["GET", "/hotline/v1/messages"] = replace(page, handle=endless)
        stop: Message = await pair.north.say(Kind.STOP)
        await pair.exchange("north")
        assert await pair.north.level(stop) == Level.DELIVERED
        assert stop.serial == 1
        assert len(pair.calls) < 20

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")
