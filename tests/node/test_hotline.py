"""The hotline between parties' desks: what is said arrives, once, and nothing is lost or believed twice."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline_world import BODY, NOW, WHERE
from pact_keys import SECRETS
from skypact.errors import Reason, Refused
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Carried,
    Kind,
    Message,
    Notice,
    Plain,
    Position,
    Post,
    Repeated,
)
from skypact.formats.hotline_json import encode
from skypact.formats.hotline_jws import signed
from skypact.instants import DAY_US, HOUR_US, SECOND_US
from skypact.pact import Level
from skypact.store import hotline as kept
from two_desks import TEXT, Pair, editions, told

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.store import Tx


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
        assert await pair.north.lines.line("south") == (kept.Line(1, 1), rows[1].id.hex(), 1)

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
                said.append(await pair.north.say(Kind.NOTIFY))  # noqa: PERF401 -- one after the other
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
        assert await pair.south.lines.line("north") == (kept.Line(421, 421), stop.id, 421)
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
            ended = partial(kept.end, ident=bytes.fromhex(message.id), state="delivered", why="", now_us=NOW)
            await pair.north.store.write(ended)
        last = await pair.north.say(Kind.NOTIFY)
        await pair.exchange("north")
        reach = (await pair.south.lines.reach(NOW))[0]
        assert (reach.party, reach.missing) == ("north", "1-3")
        assert [each.first for each in await pair.south.lines.missing("north")] == [1]
        await pair.exchange("south")
        assert await pair.south.lines.line("north") == (kept.Line(4, 4), last.id, 4)
        for message in lost:
            assert await pair.south.kinds(message) == ["NOTIFY", "RECEIPT"]
        await pair.exchange()
        assert await pair.north.level(lost[0]) == Level.DELIVERED  # its receipt came on its own

    told(story, store_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_a_restored_database_says_nothing_under_a_number_that_was_used(tmp_path: Path) -> None:
    """Yesterday's backup asks what it has said before it says anything; what waited gets a new number."""
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
    """Who gives one number to two messages is refused the second, and both are kept as he signed them."""

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
    """An amendment that comes before its notice is kept and waits; then both are taken and receipted."""

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
    """F1: nine kilometres off is refused with the distance, on one's own side and from a peer."""

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


class _Point:
    """Fail once, at the n-th time that a transaction is at a point."""

    def __init__(self, point: str, after: int) -> None:
        self.point = point
        self.after = after
        self.fired = False

    def at(self, point: str) -> None:
        """The transaction is at this point."""
        if point != self.point or self.fired:
            return
        if self.after:
            self.after -= 1
            return
        self.fired = True
        raise ConnectionResetError("the line to the database is dead")


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("point", ["begun", "flushed", "commit", "committed"])
@pytest.mark.parametrize("name", ["north", "south"])
def test_a_database_that_fails_anywhere_loses_and_doubles_nothing(
    tmp_path: Path, name: str, point: str, after: int
) -> None:
    """Failed, or failed and persisted, at any write of either side: started anew both have all, once."""

    async def story() -> None:
        urls = {each: f"sqlite:///{tmp_path / each}.db" for each in ("north", "south")}
        pair = Pair()
        for each, url in urls.items():
            await pair.open(each, url)
        await pair.exchange()
        fault = _Point(point, after)
        await pair.sides[name].store.close()
        await pair.open(name, urls[name], faults=fault)
        said: list[Message] = []
        with contextlib.suppress(Refused):  # UNAVAILABLE: it may hold; or what it would answer is not here
            said.append(await pair.north.say(Kind.NOTIFY))
            await pair.exchange("north")
            said.append(await pair.south.say(Kind.REPLY, said[0]))
            await pair.exchange("south")
            said.append(await pair.north.say(Kind.AMEND, said[0], replace(BODY[Notice], version=2)))
            await pair.exchange()
        for each, url in urls.items():  # everybody starts anew
            await pair.sides[each].store.close()
            now_us = pair.sides[each].now_us
            (await pair.open(each, url)).now_us = now_us
        await pair.exchange()
        await pair.exchange()
        seen = {}
        for each in urls:
            seen[each] = {
                row.id: row.serial
                for _, told in await pair.sides[each].desk.listed(2**62, 10)
                for row in told.rows
                if row.state in {"taken", "delivered"}
            }
        assert seen["north"] == seen["south"]
        assert {bytes.fromhex(message.id) for message in said} <= set(seen["north"])
        for side in ("north", "south"):
            given = partial(kept.numbered, sender=side, recipient=_other(side), first=1, last=99, limit=99)
            serials = [row.serial for row in await pair.north.store.read(given)]
            assert serials == list(range(1, len(serials) + 1))
        await pair.close()

    asyncio.run(story())


def _other(name: str) -> str:
    return "south" if name == "north" else "north"


_WAYS = st.lists(st.sampled_from(["pass", "pass", "lost", "answer lost", "twice"]), max_size=12)
_STEPS = st.lists(
    st.tuples(st.sampled_from(["north", "south"]), st.sampled_from(["say", "answer", "deliver"])), max_size=14
)


@settings(max_examples=30)
@given(steps=_STEPS, ways=_WAYS)
def test_whatever_happens_on_the_way_both_sides_end_alike(
    steps: list[tuple[str, str]], ways: list[str]
) -> None:
    """Messages crossing, lost, doubled or unanswered end in the same on both sides, each taken once."""

    async def story(pair: Pair) -> None:
        pair.way = list(ways)
        threads: list[Message] = []
        for name, what in steps:
            side = pair.sides[name]
            if what == "say":
                threads.append(await side.say(Kind.CHECK_IN))
            elif what == "answer" and threads:
                with contextlib.suppress(Refused):  # not here yet, or said by itself
                    await side.say(Kind.ACK, threads[-1], Acknowledged(Level.OPENED))
            else:
                await pair.exchange(name)
        pair.way = []
        await pair.exchange()
        await pair.exchange()
        found = []
        for name in ("north", "south"):
            rows = [row for _, told in await pair.sides[name].desk.listed(2**62, 50) for row in told.rows]
            assert {row.state for row in rows} <= {"taken", "delivered"}
            found.append(sorted((row.id, row.envelope, row.serial) for row in rows))
            assert await pair.sides[name].lines.missing(_other(name)) == []
        assert found[0] == found[1]

    with tempfile.TemporaryDirectory() as folder:
        told(story, f"sqlite:///{folder}/north.db", f"sqlite:///{folder}/south.db")


def test_a_clock_that_is_an_hour_off_refuses_nothing_and_is_shown(sqlite_url: str, tmp_path: Path) -> None:
    """An hour between the clocks: the message is taken, and the line says how far apart, and how surely."""

    async def story(pair: Pair) -> None:
        pair.south.now_us = NOW + HOUR_US
        notice = await pair.north.say(Kind.STOP)
        await pair.exchange("north")
        assert await pair.north.level(notice) == Level.DELIVERED
        reach = next(r for r in await pair.north.lines.reach(pair.north.now_us) if r.party == "south")
        assert reach.apart
        assert reach.clock == "+3599.000 ± 0.000 s"

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_an_intermediary_forwards_unopened(tmp_path: Path) -> None:
    """What north signs and the office forwards is south's to read and receipt, with who carried it."""

    async def story(pair: Pair) -> None:
        first = await pair.north.say(Kind.NOTIFY)  # by hand, not by the line
        (row,) = await pair.north.desk.outgoing("south")
        body = Carried("north", row.envelope)
        forward = await pair.office.say(Kind.FORWARD, None, body, to="south", post=Post.MACHINE)
        await pair.exchange("office")
        assert await pair.south.kinds(forward) == ["FORWARD", "RECEIPT"]
        assert await pair.south.kinds(first) == ["NOTIFY", "RECEIPT"]
        kept_row = await pair.south.desk.row(first.id)
        assert kept_row is not None
        assert (kept_row.carrier, kept_row.envelope) == ("office", row.envelope)
        await pair.exchange("north", "south")  # the line works again: it was here already
        assert await pair.north.level(first) == Level.DELIVERED
        assert await pair.south.kinds(first) == ["NOTIFY", "RECEIPT"]

    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("north", "south", "office")]
    told(story, *urls, names=("north", "south", "office"))


def test_a_key_that_is_revoked_signs_no_more(sqlite_url: str, tmp_path: Path) -> None:
    """What is said after a revocation is refused there; on one's own side it is not even said."""
    after = f'revoked = 2026-06-01T06:00:10Z\npublic = "{_key_line()}"'
    revoked = TEXT.replace(f'public = "{_key_line()}"'.encode(), after.encode(), 1)

    async def story() -> None:
        pair = Pair()
        await pair.open("north", sqlite_url, load=lambda: editions(revoked))
        await pair.open("south", f"sqlite:///{tmp_path / 'south.db'}", load=lambda: editions(revoked))
        before = await pair.north.say(Kind.NOTIFY)
        await pair.exchange()
        assert await pair.north.level(before) == Level.DELIVERED
        pair.north.now_us = NOW + 60 * SECOND_US
        with pytest.raises(Refused, match="revoked"):
            await pair.north.say(Kind.NOTIFY)
        stolen = signed(
            SECRETS["a"], encode(replace(before, serial=9, said_us=NOW + 60 * SECOND_US, thread=""))
        )
        (verdict,) = await pair.south.desk.receive([stolen.text], "north", pair.south.now_us)
        assert verdict.what == "refused"
        assert "revoked" in verdict.why
        await pair.south.say(Kind.STOP)
        await pair.exchange("south")  # north cannot receipt it any more, and has it all the same
        alarms = [told for row, told in await pair.north.desk.listed(2**62, 9) if row.kind == "STOP"]
        assert [len(told.rows) for told in alarms] == [1]
        await pair.close()

    asyncio.run(story())


def _key_line() -> str:
    return TEXT.decode().split('public = "')[1].split('"')[0]


def test_who_is_late_is_called_once_in_the_pacts_order(sqlite_url: str, tmp_path: Path) -> None:
    """F2: nobody receipts; after the term the post on duty is called, then the next, across restarts."""

    async def story() -> None:
        pair = Pair()
        await pair.open("north", sqlite_url)
        pair.north.now_us = NOW
        stop = await pair.north.say(Kind.STOP)
        assert await pair.north.calls.tick(NOW + 30 * SECOND_US) == []
        late_us = pair.north.now_us + 61 * SECOND_US
        (first,) = await pair.north.calls.tick(late_us)
        assert (first.contact, first.owed_by, first.message.hex()) == ("duty officer", "south", stop.id)
        assert await pair.north.calls.tick(late_us) == []
        assert await pair.north.calls.open() == [first]  # nobody has said what came of it
        await pair.north.store.close()
        await pair.open("north", sqlite_url)
        assert await pair.north.calls.open() == [first]
        await pair.north.calls.called(first, "the command was run", late_us)
        (second,) = await pair.north.calls.tick(late_us + 60 * SECOND_US)
        assert second.contact == "watch-keeper"
        await pair.north.calls.called(second, "the command was run", late_us)
        assert await pair.north.calls.tick(late_us + HOUR_US) == []
        called = await pair.north.calls.of([bytes.fromhex(stop.id)])
        assert [(each.contact, each.outcome) for each in called] == [
            ("duty officer", "the command was run"),
            ("watch-keeper", "the command was run"),
        ]
        await pair.open("south", f"sqlite:///{tmp_path / 'south.db'}")
        await pair.exchange("north")
        assert await pair.north.calls.tick(late_us + DAY_US) == []
        await pair.close()

    asyncio.run(story())


def test_a_node_does_not_go_back_behind_a_pact(sqlite_url: str) -> None:
    """What a node has run under it remembers: an older version is refused, and a thread keeps its own."""

    async def story() -> None:
        pair = Pair()
        first = await pair.open("north", sqlite_url)
        notice = await first.say(Kind.NOTIFY)
        await first.store.close()
        changed = TEXT.replace(b'id = "two-desks"', b'id = "two-desks"\ntitle = "Another text"')
        other = await pair.open("north", sqlite_url, load=lambda: editions(changed))
        now = other.agreement.current(NOW)
        assert now.pact.title == "Another text"
        assert now.mark == "UNSIGNED DRAFT"
        amended = await other.say(Kind.AMEND, notice, replace(BODY[Notice], version=2))
        assert amended.pact == notice.pact != now.digest
        assert (await other.say(Kind.NOTIFY)).pact == now.digest
        await pair.close()

    asyncio.run(story())


def test_who_may_not_speak_any_more_says_nothing(sqlite_url: str) -> None:
    """What is asked in the transaction itself decides: where it raises, nothing is said, no number drawn."""

    def ended(_tx: Tx) -> None:
        raise Refused(Reason.FORBIDDEN, "the account was ended")

    async def story(pair: Pair) -> None:
        with pytest.raises(Refused, match="was ended"):
            await pair.north.desk.say(
                Kind.CHECK_IN, "south", Plain(), by="kim", post=Post.DUTY_OFFICER, now_us=NOW, check=ended
            )
        assert (await pair.north.say(Kind.CHECK_IN)).serial == 1

    told(story, sqlite_url, names=("north",))
