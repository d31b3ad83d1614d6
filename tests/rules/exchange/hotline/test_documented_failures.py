"""What went wrong on real lines, and what the hotline's rules make of it.

Each is a documented failure of a channel between two sides (F1 to F16). What the rules alone can answer is
here; what needs storage, delivery or a filing has its story where that is.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from hotline_world import END, NOW, PACT, START, WHERE, Line
from skypact.errors import Refused
from skypact.exchange.hotline.calls import pair_of
from skypact.exchange.hotline.clocks import offset
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Alarm,
    Call,
    Intent,
    Kind,
    Notice,
    Position,
    Post,
    Released,
    Repeated,
    Replied,
    Scope,
    Text,
)
from skypact.exchange.hotline.table import Phase, Timer
from skypact.exchange.hotline.thread import fold, opened
from skypact.exchange.hotline.timers import due, escalation, lead, timers
from skypact.formats.hotline_words import language
from skypact.instants import HOUR_US, SECOND_US
from skypact.pact import Filing, Level, visible

MINUTE_US = 60 * SECOND_US
KM_9_E7 = 811_000
"""Nine kilometres of latitude, in 10⁻⁷ degrees."""


def test_f1_a_position_nine_kilometres_off_is_found_before_anybody_acts_on_it() -> None:
    """The notice says what it says; read back from what was meant, it is refused at 9 km, and corrected."""
    line = Line()
    off = Position(WHERE[0].lat_e7 + KM_9_E7, WHERE[0].lng_e7)
    wrong = Notice(Filing.ACTIVITY, "area-4", 1, (off,), START, END)
    notify = line.north(Kind.NOTIFY, None, wrong)
    known = line.south(Kind.READBACK, notify, Repeated(WHERE[:1], START, END))
    amend = line.north(Kind.AMEND, notify, replace(wrong, version=2, points=WHERE[:1]))
    again = line.south(Kind.READBACK, amend, Repeated(WHERE[:1], START, END))
    folded = fold([notify, known, amend, again], PACT)
    ((_, why),) = folded.refused
    assert "position 1: 8,99" in str(why)
    assert folded.threads[0].level(amend.id) is Level.READ_BACK
    assert folded.threads[0].level(notify.id) is Level.SENT


def test_f2_a_stop_needs_no_named_officer() -> None:
    """Any watch-keeper sends it, any takes it, and where nobody does the next post is called each minute."""
    line = Line()
    stop = line.south(Kind.STOP, post=Post.WATCH_KEEPER)
    thread = opened(stop, PACT)
    (late,) = due(thread, PACT, NOW + 2 * MINUTE_US)
    assert [contact.role for contact in escalation(late, PACT, NOW + 2 * MINUTE_US).contacts] == [
        "watch-keeper"
    ]
    taken = thread.take(line.north(Kind.ACK, stop, post=Post.WATCH_KEEPER, after_s=150), PACT)
    assert due(taken, PACT, NOW + 3 * MINUTE_US) == ()


def test_f3_never_received_is_answered_by_a_receipt_that_the_other_signed() -> None:
    """The receipt names the notice by the digest of its text; without one, that too is shown."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT)
    assert thread.level(notify.id) is Level.SENT
    receipt = line.south(Kind.RECEIPT, notify, post=Post.MACHINE)
    assert thread.take(receipt, PACT).answers(notify.id) == (receipt,)


@pytest.mark.parametrize(("minutes", "short"), [(1, True), (48 * 60, False)])
def test_f4_how_long_before_is_a_number_and_not_an_opinion(minutes: int, short: bool) -> None:
    """What was said a minute before is shown as a minute, beside what the pact asks for."""
    start = NOW + minutes * MINUTE_US
    given = lead(Line().north(Kind.NOTIFY, None, Notice(Filing.MOVEMENT, "m", 1, WHERE, start, END)), PACT)
    assert given is not None
    assert (given.lead_us, given.late_us > 0) == (minutes * MINUTE_US, short)


def test_f5_a_reply_says_for_whom_it_speaks_and_for_whom_it_does_not() -> None:
    """That none of ours are there is not that nobody is there."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    reply = Replied(Scope.NOT_MINE, Intent.NOTED, ("militia",))
    said = language("en").message(line.south(Kind.REPLY, notify, reply, text=None), notify)
    assert said[-2:] == (
        "Whose it is: not ours. Intent: noted; nothing is promised.",
        "Not answering for: militia",
    )


def test_f6_a_notice_is_passed_on_to_nobody_who_was_not_named() -> None:
    """Without a release it stays with its recipient; a release names each that it may go to."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT)
    assert thread.onward == ()
    assert not visible(PACT, "office", notify, holder="south")
    assert thread.take(line.north(Kind.RELEASE, notify, Released(("office",))), PACT).onward == ("office",)


def test_f7_what_the_liaison_has_is_not_what_the_unit_has() -> None:
    """Opened and read back is level 3; the unit's own word is level 5, and nothing else reaches it."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT).take(line.south(Kind.READBACK, notify), PACT)
    unit = line.south(Kind.ACK, notify, Acknowledged(Level.EXECUTING_UNIT, "unit 12"))
    with pytest.raises(Refused, match="without the proof of level 4"):
        thread.take(unit, PACT)
    assert thread.level(notify.id) is Level.READ_BACK


def test_f9_a_zone_is_recognised_by_whom_it_is_recognised() -> None:
    """One side declares, the other rejects; both stand side by side, and silence is neither."""
    line = Line()
    zone = Notice(Filing.ZONE, "ring", 1, WHERE[:1], START, END, radius_m=55_000)
    declare = line.north(Kind.ZONE_DECLARE, None, zone)
    thread = opened(declare, PACT)
    assert (thread.stance("north"), thread.stance("south")) == (None, None)
    rejected = thread.take(line.south(Kind.ZONE_REJECT, declare), PACT)
    stance = rejected.stance("south")
    assert stance is not None
    assert stance.kind is Kind.ZONE_REJECT
    assert rejected.stance("north") is None


def test_f10_a_suspended_channel_still_carries_a_stop() -> None:
    """The suspension stands in its own thread; the stop opens another, and is receipted."""
    line = Line()
    suspend = line.north(Kind.SUSPEND)
    stop = line.south(Kind.STOP, None, Alarm(WHERE[:1], NOW, incident=True))
    receipt = line.north(Kind.RECEIPT, stop, post=Post.MACHINE)
    folded = fold([suspend, stop, receipt], PACT)
    assert (folded.refused, folded.waiting) == ((), ())
    phases = {thread.first.kind: thread.phase for thread in folded.threads}
    assert phases == {Kind.SUSPEND: Phase.OPEN, Kind.STOP: Phase.OPEN}


def test_f11_who_is_not_on_the_line_is_heard_through_an_intermediary() -> None:
    """What the office brought for north stands as north's, and as brought by the office."""
    brought = Line().north(Kind.NOTIFY, carrier="office")
    thread = opened(brought, PACT)
    assert (thread.first.sender, thread.first.carrier) == ("north", "office")


def test_f12_out_of_hours_the_call_goes_to_the_post_that_is_manned() -> None:
    """By day the duty officer is the first; by night he is not in the list at all."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    for hours, roles in ((2, ["duty officer", "watch-keeper"]), (14, ["watch-keeper"])):
        now_us = NOW + hours * HOUR_US
        phone = next(each for each in due(opened(notify, PACT), PACT, now_us) if each.timer is Timer.PHONE)
        assert [contact.role for contact in escalation(phone, PACT, now_us).contacts] == roles


def test_f13_what_was_not_translated_is_not_passed_off_as_translated() -> None:
    """The template is in the reader's language, the words in their own; positions have the same digits."""
    message = Line().north(Kind.NOTIFY, text=Text("en", "Do not approach."))
    russian = language("ru").message(message)
    assert "без перевода: «Do not approach.»" in russian[-1]
    assert "33.5061°" in russian[2]
    assert "33.5061°" in language("en").message(message)[2]


def test_f15_that_there_was_a_call_has_two_witnesses_or_one() -> None:
    """Both sides' records are held against each other; one side's alone is shown as alone."""
    line = Line()
    ours = line.north(Kind.CALL_RECORD)
    thread = opened(ours, PACT)
    assert pair_of(thread) is None
    owed = [each.owed_by for each in timers(thread, PACT)]
    assert owed == ["south", "south"]
    theirs = Call("north", "south", NOW + 240 * SECOND_US, NOW + 300 * SECOND_US)
    pair = pair_of(thread.take(line.south(Kind.CALL_RECORD, ours, theirs), PACT))
    assert pair is not None
    assert (pair.start_s, pair.end_s, pair.same_direction) == (240.0, 0.0, True)


def test_f16_a_clock_an_hour_off_is_measured_and_not_believed() -> None:
    """Four timestamps give the offset with its bound; what waited in an outbox gives none."""
    hour = HOUR_US
    there = offset(NOW, NOW + hour + 200_000, NOW + hour + 300_000, NOW + 500_000, waited=False)
    assert there is not None
    assert there.text == "+3600.000 ± 0.200 s"
    assert there.large(MINUTE_US)
    assert offset(NOW, NOW + hour, NOW + hour, NOW + hour, waited=True) is None
