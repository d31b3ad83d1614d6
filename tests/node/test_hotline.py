"""The hotline between two parties' desks: what is said arrives, once, and nothing is lost or believed twice."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hotline_world import BODY, NOW, START, WHERE
from pact_keys import SECRETS
from skypact.desk.pact import Agreement
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Alarm,
    Carried,
    Kind,
    Message,
    Notice,
    Position,
    Post,
    Repeated,
    Text,
)
from skypact.formats.hotline_json import encode
from skypact.formats.hotline_jws import read_envelope, signed
from skypact.instants import DAY_US, HOUR_US, SECOND_US
from skypact.pact import Level
from skypact.store import hotline as kept
from two_desks import TEXT, Pair, editions, told

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_said_is_receipted(store_url: str, tmp_path: Path) -> None:
    """A notice arrives with its receipt in the answer: both sides have both messages, and level 1."""

    async def story(pair: Pair) -> None:
        notice = await pair.north.say(Kind.NOTIFY)
        assert await pair.north.level(notice) == Level.SENT
        await pair.exchange("north")
        for side in (pair.north, pair.south):
            assert await side.kinds(notice) == ["NOTIFY", "RECEIPT"]
            assert await side.level(notice) == Level.DELIVERED
        assert [call[1] for call in pair.calls] == ["GET", "POST"]
        row = await pair.north.desk.row(notice.id)
        assert row is not None
        assert (row.state, row.by, row.way) == ("delivered", "kim of north", "out")

    told(story, store_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_lost_answer_is_asked_for_again_and_the_receipt_is_the_same(store_url: str, tmp_path: Path) -> None:
    """Where the answer is lost the message is brought again: one message, one receipt, one leaf of each."""

    async def story(pair: Pair) -> None:
        pair.way = ["pass", "answer lost"]
        notice = await pair.north.say(Kind.NOTIFY)
        await pair.exchange("north")
        assert await pair.north.kinds(notice) == ["NOTIFY", "RECEIPT"]
        assert await pair.south.kinds(notice) == ["NOTIFY", "RECEIPT"]
        rows = await pair.north.store.read(lambda tx: kept.of_thread(tx, bytes.fromhex(notice.id)))
        assert [row.tries for row in rows] == [1, 0]
        assert await pair.north.lines.line("south") == (kept.Line(1, 1), rows[1].id.hex())

    told(story, store_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_the_same_a_thousand_times_is_once(sqlite_url: str, tmp_path: Path) -> None:
    """A thousand copies of one envelope, in four calls, leave one message, one receipt and one leaf each."""

    async def story(pair: Pair) -> None:
        notice = await pair.north.say(Kind.NOTIFY)
        (row,) = await pair.north.desk.outgoing("south")
        answers = [await pair.south.desk.receive([row.envelope] * 250, "north", NOW) for _ in range(4)]
        verdicts = [verdict for answer in answers for verdict in answer]
        assert [verdict.what for verdict in verdicts] == ["taken"] + ["known"] * 999
        assert len({verdict.receipt for verdict in verdicts}) == 1
        assert await pair.south.kinds(notice) == ["NOTIFY", "RECEIPT"]

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_week_of_silence_loses_nothing_and_an_alarm_goes_first(sqlite_url: str, tmp_path: Path) -> None:
    """After a week without a line everything arrives, a STOP that was said last before all the rest."""

    async def story(pair: Pair) -> None:
        pair.always = "lost"
        said = []
        for day in range(7):
            pair.north.now_us += DAY_US
            for _ in range(60):
                said.append(await pair.north.say(Kind.NOTIFY))
            await pair.exchange("north")
            assert len(await pair.north.desk.outgoing("south")) == min(256, 60 * (day + 1))
        stop = await pair.north.say(Kind.STOP)
        pair.always = "pass"
        pair.south.now_us = pair.north.now_us
        await pair.exchange("north")
        rows = await pair.south.store.read(lambda tx: kept.numbered(tx, "north", "south", 1, 10_000, 10_000))
        assert [row.id.hex() for row in rows] == [message.id for message in (*said, stop)]
        assert {row.state for row in rows} == {"taken"}
        first = await pair.south.store.read(
            lambda tx: tx.connection.exec_driver_sql(
                "SELECT ref FROM leaf WHERE kind = 'hotline.received' ORDER BY position LIMIT 1"
            ).scalar_one()
        )
        assert first == stop.id
        assert await pair.north.desk.outgoing("south") == []
        assert await pair.south.lines.line("north") == (kept.Line(421, 421), stop.id)
        clock = await pair.north.store.read(lambda tx: kept.clock(tx, "south"))
        assert clock is not None
        assert clock.message.hex() in {
            said[-1].id,
            stop.id,
        }  # all others had waited, and say nothing of clocks

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_gap_is_seen_and_filled(store_url: str, tmp_path: Path) -> None:
    """Numbers that never came are asked for, of who gave them; until then the line shows what is missing."""

    async def story(pair: Pair) -> None:
        lost = [await pair.north.say(Kind.NOTIFY) for _ in range(3)]
        for message in lost:  # they count as delivered there, and never were
            await pair.north.store.write(
                lambda tx, message=message: kept.end(tx, bytes.fromhex(message.id), "delivered", "", NOW)
            )
        last = await pair.north.say(Kind.NOTIFY)
        await pair.exchange("north")
        reach = (await pair.south.lines.reach(NOW))[0]
        assert (reach.party, reach.missing) == ("north", "1-3")
        assert [each.first for each in await pair.south.lines.missing("north")] == [1]
        await pair.exchange("south")
        assert await pair.south.lines.line("north") == (kept.Line(4, 4), last.id)
        for message in lost:
            assert await pair.south.kinds(message) == ["NOTIFY", "RECEIPT"]
        await pair.exchange()
        assert await pair.north.level(lost[0]) == Level.DELIVERED  # its receipt came on its own

    told(story, store_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_restored_database_says_nothing_under_a_number_that_was_used(tmp_path: Path) -> None:
    """Yesterday's backup asks what it said before it says anything; what it said meanwhile gets new numbers."""
    north, south = tmp_path / "north.db", tmp_path / "south.db"

    async def story() -> None:
        pair = Pair()
        await pair.open("north", f"sqlite:///{north}")
        await pair.open("south", f"sqlite:///{south}")
        before = await pair.north.say(Kind.NOTIFY)
        await pair.exchange()
        await pair.north.store.close()
        shutil.copy(north, tmp_path / "backup.db")
        await pair.open("north", f"sqlite:///{north}")
        pair.north.now_us = NOW + HOUR_US
        lost = await pair.north.say(Kind.NOTIFY)
        await pair.exchange()
        answer = await pair.south.say(Kind.REPLY, lost)
        await pair.exchange()
        await pair.north.store.close()

        shutil.copy(tmp_path / "backup.db", north)  # the disk failed, and this is what there is
        await pair.open("north", f"sqlite:///{north}")
        pair.north.now_us = NOW + 2 * HOUR_US
        urgent = await pair.north.say(Kind.STOP)  # the same number as what was lost
        assert urgent.serial == lost.serial
        await pair.exchange("north")
        for ident in (before.id, lost.id, answer.id):
            assert await pair.north.desk.row(ident) is not None
        assert await pair.north.kinds(lost) == ["NOTIFY", "RECEIPT", "REPLY", "RECEIPT"]
        row = await pair.north.desk.row(urgent.id)
        assert row is not None
        assert (row.state, row.why.split(":")[0]) == ("refused", "its number was used before")
        stops = [
            told for _, told in await pair.south.desk.listed(2**62, 10) if told.thread.first.kind is Kind.STOP
        ]
        assert [told.thread.first.text for told in stops] == [urgent.text]
        numbers = await pair.south.store.read(lambda tx: kept.numbered(tx, "north", "south", 1, 99, 99))
        assert [row.serial for row in numbers] == list(range(1, len(numbers) + 1))
        assert {row.state for row in numbers} == {"taken"}
        await pair.close()

    asyncio.run(story())


def test_two_messages_of_one_number_are_both_kept(store_url: str, tmp_path: Path) -> None:
    """A party that gives one number to two messages is refused the second, and both are kept as it signed them."""

    async def story(pair: Pair) -> None:
        notice = await pair.north.say(Kind.NOTIFY)
        await pair.exchange("north")
        twin = signed(SECRETS["a"], encode(replace(notice, said_us=notice.said_us + 1, thread="")))
        (verdict,) = await pair.south.desk.receive([twin.text], "north", NOW)
        assert (verdict.what, verdict.receipt) == ("refused", "")
        assert notice.id in verdict.why
        rows = await pair.south.store.read(lambda tx: kept.numbered(tx, "north", "south", 1, 1, 9))
        assert {row.id.hex(): row.state for row in rows} == {notice.id: "taken", twin.message.id: "refused"}
        again = await pair.south.desk.receive([twin.text], "north", NOW)
        assert again[0].what == "refused"

    told(story, store_url, f"sqlite:///{tmp_path / 'south.db'}")


@pytest.mark.parametrize(
    ("what", "part"),
    [
        ("another's", "another's message"),
        ("to another", "said to somebody else"),
        ("changed", "was changed on its way"),
        ("another key", "a key that the pact does not give"),
        ("rubbish", "not a signed message"),
    ],
)
def test_what_is_not_the_senders_own_word_to_us_is_refused(
    sqlite_url: str, tmp_path: Path, what: str, part: str
) -> None:
    """A replay to another, another's message, a changed one, a stranger's key: refused, never receipted."""

    async def story(pair: Pair) -> None:
        notice = await pair.north.say(Kind.NOTIFY)
        (row,) = await pair.north.desk.outgoing("south")
        head, payload, signature = row.envelope.split(".")
        text, party = row.envelope, "north"
        if what == "another's":
            party = "office"
        elif what == "to another":
            text = signed(SECRETS["a"], encode(replace(notice, to="office", thread=""))).text
        elif what == "changed":
            other = signed(SECRETS["a"], encode(replace(notice, said_us=notice.said_us + 1, thread="")))
            text = ".".join((head, other.text.split(".")[1], signature))
        elif what == "another key":
            text = signed(SECRETS["d"], encode(replace(notice, thread=""))).text
        else:
            text = payload
        (verdict,) = await pair.south.desk.receive([text], party, NOW)
        assert (verdict.what, verdict.receipt) == ("refused", "")
        assert part in verdict.why
        assert await pair.south.desk.listed(2**62, 10) == []

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_what_answers_something_that_is_not_here_waits_for_it(sqlite_url: str, tmp_path: Path) -> None:
    """An amendment that comes before its notice is kept and waits; with the notice both are taken and receipted."""

    async def story(pair: Pair) -> None:
        notice = await pair.north.say(Kind.NOTIFY)
        body = replace(BODY[Notice], version=2)
        amended = await pair.north.say(Kind.AMEND, notice, body)
        first, second = await pair.north.desk.outgoing("south")
        (verdict,) = await pair.south.desk.receive([second.envelope], "north", NOW)
        assert (verdict.what, verdict.receipt) == ("waiting", "")
        assert await pair.south.kinds(amended) == []
        (verdict,) = await pair.south.desk.receive([first.envelope], "north", NOW)
        assert verdict.what == "taken"
        assert sorted(await pair.south.kinds(notice)) == ["AMEND", "NOTIFY", "RECEIPT", "RECEIPT"]
        await pair.exchange()
        assert await pair.north.level(amended) == Level.DELIVERED

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_wrong_read_back_is_refused_where_it_is_said_and_where_it_comes(
    sqlite_url: str, tmp_path: Path
) -> None:
    """F1: nine kilometres off is refused with the distance on one's own side; a peer that sends it is refused too."""

    async def story(pair: Pair) -> None:
        notice = await pair.north.say(Kind.NOTIFY)
        await pair.exchange("north")
        wrong = Repeated((Position(33_5900000, 38_6178000), WHERE[1]), *_window(notice))
        with pytest.raises(Refused, match="read back otherwise"):
            await pair.south.say(Kind.READBACK, notice, wrong)
        forced = Message(
            "", Kind.READBACK, "south", "north", notice.pact, 2, notice.id, notice.id, NOW, notice.data_mode,
            Post.WATCH_KEEPER, wrong,
        )  # fmt: skip
        envelope = signed(SECRETS["b"], encode(forced))
        (verdict,) = await pair.north.desk.receive([envelope.text], "south", NOW)
        assert verdict.what == "refused"
        assert "9,305.7 m" in verdict.why
        assert await pair.north.level(notice) == Level.DELIVERED
        right = await pair.south.say(Kind.READBACK, notice, Repeated(WHERE, *_window(notice)))
        await pair.exchange("south")
        assert right.serial == 2  # the desk of south knows nothing of what was forced
        assert await pair.north.level(notice) == Level.READ_BACK

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def _window(message: Message) -> tuple[int, int]:
    assert isinstance(message.body, Notice)
    return message.body.start_us, message.body.end_us
