"""A thread is derived from its messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline_world import BODY, DIGEST, END, PACT, START, WHERE, Line
from skypact.airspace.labels import DataMode
from skypact.errors import InputError, ModeError, Reason, Refused
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Call,
    Carried,
    Kind,
    Notice,
    Plain,
    Position,
    Post,
    Released,
    Repeated,
)
from skypact.exchange.hotline.table import BODIES, Phase
from skypact.exchange.hotline.thread import SIDE_MAX, Folded, Thread, fold, opened
from skypact.pact import Filing, Level, visible

if TYPE_CHECKING:
    import random

    from skypact.exchange.hotline.messages import Message

OPENERS = (
    Kind.NOTIFY,
    Kind.STOP,
    Kind.HAZARD,
    Kind.QUERY,
    Kind.CHECK_IN,
    Kind.ZONE_DECLARE,
    Kind.SUSPEND,
    Kind.CALL_RECORD,
)


def amended(version: int, ref: str = "convoy-1") -> Notice:
    """The convoy's notice, in a later version."""
    return Notice(Filing.MOVEMENT, ref, version, WHERE, START, END)


def ack(level: Level, to_whom: str = "") -> Acknowledged:
    """An acknowledgement."""
    return Acknowledged(level, to_whom)


def refusal(thread: Thread, message: Message) -> Refused:
    """Why a thread does not take a message; it is as it was."""
    before = (thread.opener_said, thread.other_said)
    with pytest.raises(Refused) as caught:
        thread.take(message, PACT)
    assert (thread.opener_said, thread.other_said) == before
    return caught.value


def test_a_notice_climbs_proof_by_proof() -> None:
    """Sent, receipted, opened, read back, passed down, confirmed: each level by its own message."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT)
    assert thread.level(notify.id) is Level.SENT
    for message, level in (
        (line.south(Kind.RECEIPT, notify, post=Post.MACHINE), Level.DELIVERED),
        (line.south(Kind.ACK, notify), Level.OPENED),
        (line.south(Kind.READBACK, notify), Level.READ_BACK),
        (line.south(Kind.ACK, notify, ack(Level.PASSED_DOWN, "sector 4")), Level.PASSED_DOWN),
        (line.south(Kind.ACK, notify, ack(Level.EXECUTING_UNIT, "unit 12")), Level.EXECUTING_UNIT),
    ):
        thread = thread.take(message, PACT)
        assert thread.level(notify.id) is level
    later = thread.take(line.south(Kind.RECEIPT, notify), PACT)
    assert later.level(notify.id) is Level.EXECUTING_UNIT
    assert later.level("of nothing") is Level.SENT


def test_no_level_without_its_proof() -> None:
    """Passed down without a read-back, confirmed without passed down, read back by word alone: refused."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT)
    down = line.south(Kind.ACK, notify, ack(Level.PASSED_DOWN, "sector 4"))
    assert "without the proof of level 3" in str(refusal(thread, down))
    read = thread.take(line.south(Kind.READBACK, notify), PACT)
    unit = line.south(Kind.ACK, notify, ack(Level.EXECUTING_UNIT, "unit 12"))
    assert "without the proof of level 4" in str(refusal(read, unit))
    claimed = line.south(Kind.ACK, notify, ack(Level.READ_BACK))
    assert "a READBACK proves 3" in str(refusal(thread, claimed))


@pytest.mark.parametrize(
    ("level", "to_whom", "found"),
    [(Level.PASSED_DOWN, "", "passed down to nobody"), (Level.OPENED, "sector 4", "opened, and to whom")],
)
def test_passed_down_says_to_whom_and_opened_does_not(level: Level, to_whom: str, found: str) -> None:
    """Level 4 names whom it was passed to; level 2 has nobody to name."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT).take(line.south(Kind.READBACK, notify), PACT)
    assert found in str(refusal(thread, line.south(Kind.ACK, notify, ack(level, to_whom))))


def test_a_position_nine_kilometres_off_is_not_read_back() -> None:
    """The read-back is refused with the distance and both time differences, and the level stays."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT)
    off = Position(WHERE[0].lat_e7 + 811_000, WHERE[0].lng_e7)
    wrong = line.south(Kind.READBACK, notify, Repeated((off, WHERE[1]), START + 60_000_000, END))
    error = refusal(thread, wrong)
    assert "position 1: 8,99" in str(error)
    assert "start +60 s, end +0 s" in str(error)
    assert "at most 100 m and 60 s" in str(error)
    right = thread.take(line.south(Kind.READBACK, notify), PACT)
    assert right.level(notify.id) is Level.READ_BACK


def test_an_amendment_begins_at_level_nought() -> None:
    """A new version has to climb anew, and what was proven for the old one stays proven for it."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    read = line.south(Kind.READBACK, notify)
    amend = line.north(Kind.AMEND, notify, amended(2))
    thread = opened(notify, PACT).take(read, PACT).take(amend, PACT)
    assert thread.current == amend
    assert thread.versions == (notify, amend)
    assert (thread.level(notify.id), thread.level(amend.id)) == (Level.READ_BACK, Level.SENT)
    old = line.north(Kind.AMEND, notify, amended(2))
    assert "no longer holds" in str(refusal(thread, old))
    other = line.north(Kind.AMEND, amend, amended(3, ref="convoy-2"))
    assert "amends something else" in str(refusal(thread, other))


def test_after_the_end_the_opener_only_receipts() -> None:
    """What was cancelled is not amended; what the other side said meanwhile still counts."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    cancel = line.north(Kind.CANCEL, notify)
    crossing = line.south(Kind.READBACK, notify)
    thread = opened(notify, PACT).take(cancel, PACT).take(crossing, PACT)
    assert thread.phase is Phase.ENDED
    assert thread.level(notify.id) is Level.READ_BACK
    assert "ended" in str(refusal(thread, line.north(Kind.AMEND, notify, amended(2))))
    assert thread.take(line.north(Kind.RECEIPT, crossing), PACT).phase is Phase.ENDED


def test_a_query_is_pressed_once() -> None:
    """A second query follows the first or its answer; a third is refused."""
    line = Line()
    query = line.north(Kind.QUERY)
    answer = line.south(Kind.ANSWER, query)
    second = line.north(Kind.SECOND_QUERY, answer)
    thread = opened(query, PACT).take(answer, PACT).take(second, PACT)
    assert thread.phase is Phase.PRESSED
    assert thread.level(answer.id) is Level.OPENED
    third = line.north(Kind.SECOND_QUERY, query)
    assert "asked twice" in str(refusal(thread, third))
    again = thread.take(line.south(Kind.ANSWER, second), PACT)
    assert [m.kind for m in again.answers(second.id)] == [Kind.ANSWER]


def test_each_side_has_its_own_stance_to_a_zone_and_may_change_it() -> None:
    """The declarer is not taken to recognise its zone; the last word of a side is its stance."""
    line = Line()
    zone = line.north(
        Kind.ZONE_DECLARE, None, Notice(Filing.ZONE, "ring", 1, WHERE[:1], START, END, radius_m=55_000)
    )
    thread = opened(zone, PACT)
    assert thread.stance("north") is None
    reserve = line.south(Kind.ZONE_RESERVE, zone)
    reject = line.south(Kind.ZONE_REJECT, zone)
    own = line.north(Kind.ZONE_RECOGNISE, zone)
    thread = thread.take(reserve, PACT).take(own, PACT).take(reject, PACT)
    assert thread.stance("south") == reject
    assert thread.stance("north") == own
    assert thread.said("office") == ()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"thread": "f" * 64}, "of another thread"),
        ({"to": "office"}, "between other parties"),
        ({"sender": "office"}, "between other parties"),
        ({"pact": f"sha256:{'8' * 64}"}, "under another pact"),
    ],
)
def test_what_was_said_elsewhere_is_refused(change: dict[str, str], found: str) -> None:
    """A message of another thread, to or from another party or under another pact does not enter a thread."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    said = replace(line.south(Kind.ACK, notify), id="e" * 64, **change)  # type: ignore[arg-type]  # texts all
    error = refusal(opened(notify, PACT), said)
    assert error.reason is Reason.CONFLICT
    assert found in str(error)


def test_data_modes_do_not_mix() -> None:
    """A real message does not enter a test's thread, nor open one under a test's pact."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    with pytest.raises(ModeError, match="than its thread"):
        opened(notify, PACT).take(line.south(Kind.ACK, notify, data_mode=DataMode.REAL), PACT)
    with pytest.raises(ModeError, match="than the pact"):
        opened(line.north(Kind.NOTIFY, data_mode=DataMode.REAL), PACT)


def test_a_number_that_was_used_is_refused_and_its_twin_is_named() -> None:
    """Two messages of one number show that their sender says two things; and order is kept."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    ack = line.south(Kind.ACK, notify)
    thread = opened(notify, PACT).take(ack, PACT)
    twin = replace(ack, id="e" * 64)
    assert ack.id in str(refusal(thread, twin))
    amend = line.north(Kind.AMEND, notify, replace(BODY[Notice], version=2))
    released = thread.take(line.north(Kind.RELEASE, notify), PACT)
    assert "passed" in str(refusal(released, amend))
    assert thread.take(ack, PACT) is thread


def test_what_moves_nothing_may_come_late() -> None:
    """A receipt and an ACK that were overtaken take their places by number; level 4 waits for its level 3."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    receipt, ack = line.south(Kind.RECEIPT, notify), line.south(Kind.ACK, notify)
    down = line.south(Kind.ACK, notify, Acknowledged(Level.PASSED_DOWN, "the guard"))
    reply = line.south(Kind.REPLY, notify)
    thread = opened(notify, PACT).take(reply, PACT)
    assert "passed" in str(refusal(thread, down))
    late = thread.take(ack, PACT).take(receipt, PACT)
    assert late.other_said == (receipt, ack, reply)
    assert late == opened(notify, PACT).take(receipt, PACT).take(ack, PACT).take(reply, PACT)


def test_a_side_cannot_bury_a_thread() -> None:
    """A side that has said very much in one thread is told to open another."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    said = tuple(line.south(Kind.ACK, notify) for _ in range(SIDE_MAX))
    thread = Thread((notify,), said)
    assert refusal(thread, line.south(Kind.ACK, notify)).reason is Reason.TOO_MANY
    assert thread.take(said[-1], PACT) is thread
    assert len(thread.take(line.north(Kind.AMEND, notify, amended(2)), PACT).versions) == 2


def test_what_answers_something_that_is_not_here_waits() -> None:
    """It is not refused for good: it is asked to come again."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    amend = line.north(Kind.AMEND, notify, amended(2))
    early = line.south(Kind.READBACK, amend)
    thread = opened(notify, PACT)
    assert refusal(thread, early).reason is Reason.NOT_NOW
    lost = line.south(Kind.ACK, None, thread=notify.id)
    assert refusal(thread, lost).reason is Reason.NOT_NOW
    whole = thread.take(amend, PACT).take(early, PACT)
    assert whole.level(amend.id) is Level.READ_BACK


@pytest.mark.parametrize(
    ("kind", "sender", "change", "found"),
    [
        (Kind.AMEND, "south", {}, "does not answer that"),
        (Kind.READBACK, "north", {}, "does not answer that"),
        (Kind.NOTIFY, "north", {}, "a NOTIFY within a thread"),
        (Kind.ANSWER, "south", {}, "a ANSWER does not answer that"),
        (Kind.READBACK, "south", {"post": Post.MACHINE}, "by a post that may not"),
        (Kind.RELEASE, "north", {"post": Post.WATCH_KEEPER}, "by a post that may not"),
        (Kind.READBACK, "south", {"body": Plain()}, "belongs to another kind"),
    ],
)
def test_what_the_table_does_not_allow_changes_nothing(
    kind: Kind, sender: str, change: dict[str, object], found: str
) -> None:
    """The wrong side, the wrong post, the wrong body, or what answers something else."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    say = line.north if sender == "north" else line.south
    assert found in str(refusal(opened(notify, PACT), say(kind, notify, **change)))  # type: ignore[arg-type]  # fields


def test_a_side_that_may_not_say_it_is_refused() -> None:
    """The other side does not press a query that it was asked."""
    line = Line()
    query = line.north(Kind.QUERY)
    answer = line.south(Kind.ANSWER, query)
    thread = opened(query, PACT).take(answer, PACT)
    error = refusal(thread, line.south(Kind.SECOND_QUERY, query))
    assert error.reason is Reason.FORBIDDEN


def test_a_query_without_words_asks_nothing() -> None:
    """What says nothing without a person's words is refused without them."""
    with pytest.raises(Refused, match="without words"):
        opened(Line().north(Kind.QUERY, text=None), PACT)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (Line().north(Kind.AMEND), "that opens a thread"),
        (Line().north(Kind.NOTIFY, thread="f" * 64), "opened by an answer"),
        (Line().say(Kind.NOTIFY, "nobody", "south"), "not a party"),
        (Line().say(Kind.NOTIFY, "north", "nobody"), "not a party"),
        (Line().say(Kind.NOTIFY, "north", "north"), "to its own sender"),
        (Line().north(Kind.CALL_RECORD, None, Call("north", "office", 0, 1)), "between others"),
        (Line().north(Kind.FORWARD), "does not let north forward"),
        (Line().say(Kind.NOTIFY, "south", "north", carrier="north"), "does not let north forward"),
    ],
)
def test_what_opens_no_thread(message: Message, found: str) -> None:
    """An answer, a stranger, a message to oneself, a call of others, and what nobody may forward."""
    with pytest.raises(Refused, match=found):
        opened(message, PACT)


def test_an_intermediary_forwards_and_its_envelope_is_receipted() -> None:
    """The office forwards for anybody to the two sides, as the pact has it; not to itself."""
    line = Line()
    forward = line.say(Kind.FORWARD, "office", "south", None, Carried("charity", "a.b.c"))
    receipt = line.say(Kind.RECEIPT, "south", "office", forward)
    thread = opened(forward, PACT).take(receipt, PACT)
    assert thread.level(forward.id) is Level.DELIVERED
    brought = line.north(Kind.NOTIFY, carrier="office")
    assert opened(brought, PACT).first.carrier == "office"
    assert brought == replace(brought, carrier="")
    answer = line.say(Kind.ACK, "south", "north", brought, carrier="north")
    with pytest.raises(Refused, match="does not let north forward"):
        opened(brought, PACT).take(answer, PACT)


def test_both_sides_record_a_call_and_a_record_of_another_is_refused() -> None:
    """The other side's record answers the first; one between others does not."""
    line = Line()
    mine = line.north(Kind.CALL_RECORD)
    theirs = line.south(Kind.CALL_RECORD, mine)
    thread = opened(mine, PACT).take(theirs, PACT)
    assert [m.id for m in thread.messages] == [mine.id, theirs.id]
    odd = line.south(Kind.CALL_RECORD, mine, Call("south", "office", 0, 1))
    assert "between others" in str(refusal(thread, odd))


def test_a_notice_is_passed_on_to_those_that_were_named() -> None:
    """Each release adds to whom; the message itself is for its recipient and whoever carries it, alone."""
    line = Line()
    notify = line.north(Kind.NOTIFY, carrier="office")
    thread = opened(notify, PACT)
    assert thread.onward == ()
    for names in (("militia", "guests"), ("guests", "clinic")):
        thread = thread.take(line.north(Kind.RELEASE, notify, Released(names)), PACT)
    assert thread.onward == ("militia", "guests", "clinic")
    assert (notify.filing, notify.onward) == (None, None)
    assert [visible(PACT, party, notify) for party in ("north", "south", "office")] == [True, True, True]
    assert not visible(PACT, "office", replace(notify, carrier=""))
    assert not visible(PACT, "office", replace(notify, carrier=""), holder="south")


def test_nothing_is_read_back_where_no_position_was_given() -> None:
    """A stop that holds everywhere has no position to repeat."""
    line = Line()
    stop = line.north(Kind.STOP, None, replace(BODY[BODIES[Kind.STOP]], points=()))
    error = refusal(opened(stop, PACT), line.south(Kind.READBACK, stop, Repeated((), START, END)))
    assert "no position was given" in str(error)


def told() -> list[Message]:
    """A thread with a wrong read-back, in the order in which it was said."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    wrong = line.south(Kind.READBACK, notify, Repeated(WHERE[::-1], START, END))
    resting = line.north(Kind.RECEIPT, wrong)
    right = line.south(Kind.READBACK, notify)
    amend = line.north(Kind.AMEND, notify, amended(2))
    return [notify, wrong, resting, right, amend, line.south(Kind.READBACK, amend)]


def test_what_rests_on_a_refused_message_is_refused_with_it() -> None:
    """The refused one holds up nothing else: the correction and the amendment count."""
    folded = fold(told(), PACT)
    assert {m.kind for m, _ in folded.refused} == {Kind.READBACK, Kind.RECEIPT}
    assert folded.waiting == ()
    (thread,) = folded.threads
    assert thread.level(thread.current.id) is Level.READ_BACK


def test_a_thread_whose_opening_is_missing_waits_and_one_that_was_refused_does_not() -> None:
    """Messages of a thread that is not here wait; those of one that was refused are refused."""
    messages = told()
    assert len(fold(messages[1:], PACT).waiting) == 5
    line = Line()
    unsaid = line.say(Kind.QUERY, "north", "south", text=None)
    folded = fold([unsaid, line.south(Kind.ANSWER, unsaid)], PACT)
    assert (len(folded.refused), folded.threads, folded.waiting) == (2, (), ())


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """What two sides say about something, allowed or not, in the order in which it was said."""
    line = Line()
    first = line.north(draw(st.sampled_from(OPENERS)))
    said = [first]
    for _ in range(draw(st.integers(0, 12))):
        say = draw(st.sampled_from([line.north, line.south]))
        kind = draw(st.sampled_from(list(Kind)))
        about = draw(st.sampled_from(said))
        body = BODY[BODIES[kind]]
        if kind is Kind.ACK:
            level = draw(st.sampled_from(list(Level)))
            body = ack(level, "sector 4" if level > Level.OPENED else "")
        elif kind is Kind.AMEND:
            body = amended(draw(st.integers(1, 4)))
        elif kind is Kind.READBACK and draw(st.booleans()):
            body = Repeated(WHERE[::-1], START, END)
        elif kind is Kind.READBACK and about.kind in {Kind.STOP, Kind.HAZARD}:
            body = Repeated(WHERE[:1], BODY[BODIES[Kind.STOP]].start_us, END)
        said.append(say(kind, about, body))
    return said


def one_by_one(messages: list[Message]) -> tuple[Thread | None, set[str]]:
    """Take messages as they arrive; what has to wait is tried again; returns what was refused too."""
    thread: Thread | None = None
    refused: set[str] = set()
    waiting: list[Message] = []
    for message in messages:
        waiting.append(message)
        moved = True
        while moved:
            moved = False
            held: set[str] = set()
            for each in list(waiting):
                if each.sender in held:
                    continue
                try:
                    if each.re in refused:
                        refused.add(each.id)
                    elif thread is None:
                        if each.re:
                            held.add(each.sender)
                            continue
                        thread = opened(each, PACT)
                    else:
                        thread = thread.take(each, PACT)
                except Refused as error:
                    if error.reason is Reason.NOT_NOW:
                        held.add(each.sender)
                        continue
                    refused.add(each.id)
                except InputError:
                    refused.add(each.id)
                waiting.remove(each)
                moved = True
    return thread, refused


def plain(folded: Folded) -> tuple[object, ...]:
    """What is compared of it: errors by their texts."""
    return folded.threads, [(m, str(error)) for m, error in folded.refused], folded.waiting


@given(conversations(), st.randoms(use_true_random=False))
def test_the_order_between_sides_does_not_matter(said: list[Message], chance: random.Random) -> None:
    """Any arrival that keeps each side's order, with duplicates, ends in the thread that a fold gives."""
    folded = fold(said, PACT)
    shuffled = said * 2
    chance.shuffle(shuffled)
    assert plain(fold(shuffled, PACT)) == plain(folded)
    halves = [[m for m in said if m.sender == name] for name in ("north", "south")]
    arrived: list[Message] = []
    while halves[0] or halves[1]:
        half = chance.choice([h for h in halves if h])
        arrived.append(half.pop(0))
        if chance.random() < 0.3:
            arrived.append(chance.choice(arrived))  # again: a duplicate
    thread, refused = one_by_one(arrived)
    assert thread == (folded.threads[0] if folded.threads else None)
    assert refused == {m.id for m, _ in folded.refused}


@given(conversations())
def test_levels_never_go_down_and_never_skip_a_proof(said: list[Message]) -> None:
    """Whatever is said: a level stays or rises, 3 has a read-back behind it, 4 has 3, and 5 has 4."""
    threads = {m.thread: opened(m, PACT) for m in said[:1]}
    thread = threads[said[0].id]
    for message in said[1:]:
        before = {m.id: thread.level(m.id) for m in thread.messages}
        try:
            thread = thread.take(message, PACT)
        except (Refused, InputError):
            continue
        for ident, level in before.items():
            assert thread.level(ident) >= level
    for message in thread.messages:
        theirs = [m for m in thread.answers(message.id) if m.sender == message.to]
        proofs = {m.body.level if isinstance(m.body, Acknowledged) else m.kind for m in theirs}
        if thread.level(message.id) >= Level.READ_BACK:
            assert Kind.READBACK in proofs
        if thread.level(message.id) is Level.EXECUTING_UNIT:
            assert Level.PASSED_DOWN in proofs


@given(conversations())
def test_messages_come_after_what_they_answer(said: list[Message]) -> None:
    """The one order in which a thread is shown has every message once, and causes before effects."""
    folded = fold(said, PACT)
    for thread in folded.threads:
        seen: set[str] = set()
        for message in thread.messages:
            assert not message.re or message.re in seen
            seen.add(message.id)
        assert len(seen) == len(thread.opener_said) + len(thread.other_said)
        assert thread.first.pact == DIGEST


@given(conversations(), st.data())
def test_whatever_comes_is_taken_refused_or_waits(said: list[Message], data: st.DataObject) -> None:
    """Changed in any member, messages are sorted alike in any order, each into one place."""
    changes: dict[str, st.SearchStrategy[object]] = {
        "sender": st.sampled_from(["north", "south", "office", "nobody"]),
        "to": st.sampled_from(["north", "south", "office", "nobody"]),
        "pact": st.sampled_from([DIGEST, f"sha256:{'8' * 64}"]),
        "serial": st.integers(1, 6),
        "thread": st.sampled_from([said[0].id, said[-1].id]),
        "data_mode": st.sampled_from(DataMode),
        "post": st.sampled_from(Post),
        "body": st.sampled_from(list(BODY.values())),
        "text": st.none(),
        "carrier": st.sampled_from(["office", "north"]),
    }
    changed = []
    for message in said:
        name = data.draw(st.sampled_from([None, None, *changes]))
        more = {} if name is None else {name: data.draw(changes[name])}
        changed.append(replace(message, **more))  # type: ignore[arg-type]  # of its member's type
    folded = fold(changed, PACT)
    placed = [m.id for thread in folded.threads for m in thread.messages]
    placed += [m.id for m, _ in folded.refused] + [m.id for m in folded.waiting]
    assert sorted(placed) == sorted(m.id for m in changed)
    assert plain(fold(data.draw(st.permutations(changed)), PACT)) == plain(folded)
