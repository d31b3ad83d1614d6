"""What the messages of a hotline say of when each was sent, delivered and opened, whatever clocks say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline_world import NOW, WORDS, Line
from incident_world import claim
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Call,
    Intent,
    Kind,
    Received,
    Replied,
    Scope,
)
from skypact.incident.correspondence import Taken, correspondence, offset_between, opens
from skypact.incident.logbook import Clock, Logbook, Verdict, against
from skypact.incident.values import Period
from skypact.instants import EVER, FOREVER, HOUR_US, SECOND_US
from skypact.pact import Level, Stance

if TYPE_CHECKING:
    from skypact.exchange.hotline.messages import Message
    from skypact.incident.logbook import Logged


def us(seconds: float) -> int:
    """So many seconds after the stories begin."""
    return NOW + round(seconds * SECOND_US)


def exactly(seconds: float) -> Period:
    """Then, and nothing else."""
    return Period("", us(seconds), us(seconds))


def between(first: float, last: float) -> Period:
    """Some time from one to the other."""
    return Period("", us(first), us(last))


def receipt(line: Line, sender: str, to: str, re: Message, *, received_s: float, said_s: float) -> Message:
    """A receipt, by its sender's clock."""
    return line.say(Kind.RECEIPT, sender, to, re, Received(us(received_s)), after_s=said_s, text=None)


def by_id(holder: str, *taken: Taken, **more: Any) -> dict[str, Logged]:
    """What a record says of each message."""
    return {each.ref: each for each in correspondence(holder, taken, **more)[0]}


def told(*, live: bool) -> tuple[list[Taken], Message]:
    """North's notice, received and opened by south, whose clock is 10 s ahead, and south's reply.

    In true time (north's): said at 0, delivered at 1, receipt back at 2, replied at 60, come at 61.
    """
    line = Line()
    notice = line.north(Kind.NOTIFY)
    theirs = receipt(line, "south", "north", notice, received_s=11, said_s=11.5)
    reply = line.south(Kind.REPLY, notice, Replied(Scope.MINE, Intent.NOTED), after_s=70)
    ours = receipt(line, "north", "south", reply, received_s=61, said_s=61)
    arrived = {notice.id: us(0), theirs.id: us(2), reply.id: us(61), ours.id: us(61)}
    messages = (notice, theirs, reply, ours)
    return [Taken(m, arrived[m.id] if live else None, f"leaf {k}") for k, m in enumerate(messages)], notice


def test_who_said_it_knows_when_it_was_delivered_within_what_clocks_leave_possible() -> None:
    """The other's clock is told by the messages alone, and what it says is corrected."""
    taken, notice = told(live=True)
    found = by_id("north", *taken)[notice.id]
    # 70 - 61 = 9 s at least, from the reply; 11.5 - 2 = 9.5 s from the receipt; 11 - 0 = 11 s at most
    assert found.other == Clock(10_250_000, 750_000)
    assert found.sent == exactly(0)
    assert found.delivered == between(0, 1.5)
    assert found.opened == between(59, 60.5)
    assert (found.proof, found.kind, found.about) == ("leaf 0", "notify", ("convoy-1",))


def test_an_export_says_so_much_by_its_messages_alone() -> None:
    """Nothing but what was signed: the bounds are wider, and still hold what was."""
    taken, notice = told(live=False)
    found = by_id("north", *taken)[notice.id]
    assert found.other == Clock(10_000_000, 1_000_000)
    assert found.delivered == between(0, 2)
    assert found.opened == between(59, 61)


def test_who_received_it_knows_by_its_own_clock() -> None:
    """Delivered when its machine had it, opened when its first person answered; sent as far as is known."""
    taken, notice = told(live=False)
    found = by_id("south", *taken)[notice.id]
    assert found.other == Clock(-10_000_000, 1_000_000)
    assert found.sent == between(9, 11)
    assert found.delivered == exactly(11)
    assert found.opened == exactly(70)
    live = by_id("south", Taken(notice, us(10.9)), *taken[1:])[notice.id]
    assert live.delivered == exactly(10.9)
    assert live.sent.latest_us <= us(10.9)


def test_an_offset_that_was_measured_goes_before() -> None:
    """It was told by the four instants of this very message."""
    taken, notice = told(live=True)
    found = by_id("north", *taken, measured={notice.id: Clock(10_000_000, 200_000)})[notice.id]
    assert found.delivered == between(0.8, 1.2)
    assert found.other == Clock(10_000_000, 200_000)


def test_without_an_offset_a_message_was_delivered_before_its_receipt_came() -> None:
    """No clock of theirs is needed to know this much; where the order has no end the time has none."""
    line = Line()
    notice = line.north(Kind.NOTIFY)
    theirs = receipt(line, "south", "north", notice, received_s=11, said_s=11.5)
    ack = line.south(Kind.ACK, notice, Acknowledged(Level.OPENED), after_s=4_000)
    far = line.north(Kind.NOTIFY, after_s=13 * 3600)
    assert by_id("north", Taken(notice), Taken(far))[notice.id].delivered is None
    bare = by_id("north", Taken(notice), Taken(theirs))[notice.id]
    assert (bare.other, bare.delivered, bare.opened) == (None, Period("", us(0), FOREVER), None)
    later = by_id("north", Taken(notice), Taken(theirs, by_us=us(5)))[notice.id]
    assert later.delivered == between(0, 4.5)
    set_between = Taken(replace(ack, said_us=us(-9_000)), us(5))
    found = by_id("north", Taken(notice), Taken(theirs, us(2)), set_between)[notice.id]
    assert (found.other, found.delivered) == (None, between(0, 5))


def test_an_acknowledgement_alone_shows_delivery_at_some_time_before_it() -> None:
    """Where the receipt is not in the record."""
    line = Line()
    notice = line.north(Kind.NOTIFY)
    ack = line.south(Kind.ACK, notice, Acknowledged(Level.OPENED), after_s=40)
    found = by_id("north", Taken(notice), Taken(ack, us(41)))[notice.id]
    assert (found.delivered, found.opened) == (between(0, 41), between(0, 41))
    received = by_id("south", Taken(notice), Taken(ack))[notice.id]
    assert (received.delivered, received.opened) == (exactly(40), exactly(40))
    assert by_id("south", Taken(notice))[notice.id].delivered is None


def test_clocks_that_contradict_the_order_of_messages_give_way_to_it() -> None:
    """A measured offset that puts delivery before sending leaves what the order alone says."""
    taken, notice = told(live=True)
    found = by_id("north", *taken, measured={notice.id: Clock(-90_000_000, 0)})[notice.id]
    assert found.delivered == between(0, 2)


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**7)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**7)), min_size=1, max_size=5),
)
def test_what_is_possible_of_an_offset_holds_the_true_one(
    offset_us: int, there: list[tuple[int, int]], back: list[tuple[int, int]]
) -> None:
    """However long messages took, and however long they waited on their way."""
    found = offset_between(
        [(said, said + took + offset_us) for said, took in there],
        [(said + offset_us, said + took) for said, took in back],
    )
    assert found is not None
    assert abs(found.offset_us - offset_us) <= found.bound_us


@given(
    st.integers(-100, 100),
    st.floats(0, 60),
    st.floats(0, 60),
    st.floats(0, 600),
    st.floats(0, 60),
    st.booleans(),
)
def test_what_is_possible_of_a_delivery_holds_the_true_one(
    ahead_s: int, way_s: float, back_s: float, read_s: float, reply_s: float, live: bool
) -> None:
    """By the sender's clock, with the other's clock ahead or behind by any amount."""
    line = Line()
    notice = line.north(Kind.NOTIFY)
    delivered, opened = way_s, way_s + read_s
    theirs = receipt(
        line, "south", "north", notice, received_s=delivered + ahead_s, said_s=delivered + ahead_s
    )
    reply = line.south(Kind.REPLY, notice, after_s=opened + ahead_s)
    ours = receipt(line, "north", "south", reply, received_s=opened + reply_s, said_s=opened + reply_s)
    arrived = {theirs.id: delivered + back_s, reply.id: opened + reply_s}
    taken = [
        Taken(m, us(arrived[m.id]) if live and m.id in arrived else None)
        for m in (notice, theirs, reply, ours)
    ]
    found = by_id("north", *taken)[notice.id]
    for stage, true_s in ((found.delivered, delivered), (found.opened, opened)):
        assert stage is not None
        assert stage.earliest_us - 2 <= us(true_s) <= stage.latest_us + 2


def test_offsets_are_not_made_of_messages_one_way_or_long_ago() -> None:
    """Nor of a set of messages of which one arrived before it was said."""
    assert offset_between([], [(1, 2)]) is None
    assert offset_between([(1, 2)], []) is None
    assert offset_between([(0, 5)], [(9, 2)]) is None
    taken, notice = told(live=False)
    late = replace(notice, said_us=NOW + 14 * HOUR_US, id="f" * 64, thread="f" * 64)
    assert by_id("north", *taken, Taken(late))["f" * 64].other is None


def test_stances_are_of_the_zone_that_their_thread_declares() -> None:
    """With the words and the proof; of a thread that is not here, nothing is said."""
    line = Line()
    zone = line.north(Kind.ZONE_DECLARE)
    rejected = line.south(Kind.ZONE_REJECT, zone, after_s=60)
    reserved = line.north(Kind.ZONE_RESERVE, zone, after_s=30, text=None)
    _, (first, second) = correspondence(
        "north", [Taken(zone), Taken(rejected, us(61), "leaf 3"), Taken(reserved)]
    )
    assert (first.party, first.stance, first.zone, first.words) == ("north", Stance.RESERVED, "convoy-1", "")
    assert (second.party, second.stance, second.proof) == ("south", Stance.REJECTED, "leaf 3")
    assert second.words == WORDS.words
    assert correspondence("north", [Taken(rejected)])[1] == ()


def test_a_call_was_delivered_when_it_was_answered() -> None:
    """By telephone, by the clock of who recorded it; unanswered it told nobody anything."""
    line = Line()
    call = Call("north", "south", us(0), us(300), answered_by="watch-keeper")
    ours = line.north(Kind.CALL_RECORD, None, call, after_s=400)
    found = by_id("north", Taken(ours))[ours.id]
    assert (found.kind, found.channel, found.sent) == ("call", "telephone", exactly(0))
    assert found.delivered == found.opened == between(0, 300)
    missed = line.south(Kind.CALL_RECORD, None, Call("north", "south", us(0), us(300)), after_s=400)
    theirs = by_id("north", Taken(missed), measured={missed.id: Clock(SECOND_US, 0)})[missed.id]
    assert (theirs.delivered, theirs.sent) == (None, between(-1, 299))
    assert by_id("north", Taken(missed))[missed.id].sent == Period("", EVER, FOREVER)
    taken = replace(missed, body=replace(call, caller="south", called="north"))
    assert by_id("north", Taken(taken, us(500)))[missed.id].delivered == Period("", EVER, us(500))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Replied(Scope.MINE, Intent.NOTED), "mine"),
        (Replied(Scope.NOT_ANSWERING_FOR, Intent.NOTED, ("x", "y")), "not answering for x, y"),
        (Replied(Scope.NOT_ANSWERING_FOR, Intent.NOTED), "not answering for others"),
    ],
)
def test_a_reply_says_whom_it_answers_for(reply: Replied, expected: str) -> None:
    """As claims say it; and it is about what it answers, and its thread."""
    line = Line()
    notice = line.north(Kind.NOTIFY)
    said = line.south(Kind.REPLY, notice, reply)
    found = by_id("north", Taken(notice), Taken(said))[said.id]
    assert (found.scope, found.about) == (expected, (notice.id,))


def test_messages_of_others_are_not_this_holder_s_and_answers_warn_nobody() -> None:
    """What is neither from nor to the holder is left out; a receipt and a reply are no warnings."""
    taken, notice = told(live=True)
    stranger = Line().say(Kind.NOTIFY, "office", "south")
    assert stranger.id not in by_id("north", *taken, Taken(stranger))
    other = Line().say(Kind.NOTIFY, "north", "office")
    assert by_id("north", Taken(other), *taken)[notice.id].other == by_id("north", *taken)[notice.id].other
    book = Logbook("north", correspondence("north", taken)[0], event=exactly(250))
    found = against(claim("warned", "hotline, at least 4 min before"), book)
    assert found.verdict is Verdict.SUPPORTED
    assert found.entries == (f"{notice.id} (leaf 0)",)
    assert "sent 4 min 10 s before, delivered between 4 min 10 s before and 4 min 8 s before" in found.margin
    assert found.margin.endswith("offset of clocks 10.2 s ± 0.75 s")


def test_what_only_a_person_gives_shows_that_it_was_opened() -> None:
    """A receipt and a forwarding do not."""
    line = Line()
    notice = line.north(Kind.NOTIFY)
    opening = {kind for kind in Kind if opens(replace(notice, kind=kind))}
    assert Kind.ACK in opening
    assert Kind.READBACK in opening
    assert not opening & {Kind.RECEIPT, Kind.FORWARD, Kind.NOTIFY, Kind.AMEND, Kind.CANCEL}
