"""What is due, who is late, and whom to call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline_world import END, NOW, PACT, START, WHERE, Line
from skypact.exchange.hotline.messages import Acknowledged, Alarm, Kind, Notice, Question
from skypact.exchange.hotline.table import Timer
from skypact.exchange.hotline.thread import Thread, opened
from skypact.exchange.hotline.timers import Due, due, escalation, lead, level_required, timers
from skypact.instants import DAY_US, HOUR_US, SECOND_US
from skypact.notify.notice import Lead
from skypact.pact import Acknowledgement, Filing, Level

MINUTE_US = 60 * SECOND_US


def running(thread: Thread) -> dict[tuple[str, str, str], tuple[float, float | None]]:
    """Each timer: what started it, who owes; minutes until it is due, and until it was met."""
    return {
        (each.about.kind.value, each.timer.value, each.owed_by): (
            (each.due_us - NOW) / MINUTE_US,
            None if each.met_us is None else (each.met_us - NOW) / MINUTE_US,
        )
        for each in timers(thread, PACT)
    }


def test_a_notice_is_receipted_in_15_minutes_and_the_phone_rings_after_90() -> None:
    """Both run from the notice, the level's until the movement begins; a receipt stops what it can."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, PACT)
    assert running(thread) == {
        ("NOTIFY", "receipt", "south"): (15, None),
        ("NOTIFY", "phone", "south"): (90, None),
        ("NOTIFY", "level", "south"): (72 * 60, None),
    }
    thread = thread.take(line.south(Kind.RECEIPT, notify, after_s=120), PACT)
    assert [met for _, met in running(thread).values()] == [2, 2, 2]


def test_the_level_that_the_pact_asks_for_is_what_stops_its_timer() -> None:
    """Where it asks for a read-back, a receipt does not do."""
    pact = replace(PACT, acknowledgement=Acknowledgement(movement=Level.READ_BACK))
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, pact).take(line.south(Kind.ACK, notify), pact)
    assert [each.timer for each in due(thread, pact, START + 1)] == [Timer.LEVEL]
    thread = thread.take(line.south(Kind.READBACK, notify, after_s=60), pact)
    assert Timer.LEVEL not in {each.timer for each in due(thread, pact, START + 1)}
    assert level_required(Filing.MOVEMENT, pact) is Level.READ_BACK


@pytest.mark.parametrize(("urgent", "days"), [(False, 7), (True, 2)])
def test_a_query_is_answered_in_7_days_or_2(urgent: bool, days: int) -> None:
    """The urgent term takes the place of the other; an answer that comes stops it."""
    line = Line()
    query = line.north(Kind.QUERY, None, Question(urgent))
    thread = opened(query, PACT).take(line.south(Kind.RECEIPT, query), PACT)
    at = NOW + days * DAY_US
    assert due(thread, PACT, at) == ()
    (late,) = due(thread, PACT, at + 1)
    assert late.owed_by == "south"
    thread = thread.take(line.south(Kind.ANSWER, query, after_s=days * 86_400 + 60), PACT)
    (met,) = (e for e in timers(thread, PACT) if e.about == query and "answer" in e.timer.value)
    assert met.late(at)
    assert met.met_us == at + MINUTE_US


def test_a_second_query_runs_a_term_of_its_own() -> None:
    """It takes the place of the first, whose term ends with it."""
    line = Line()
    query = line.north(Kind.QUERY)
    second = line.north(Kind.SECOND_QUERY, query, after_s=3600)
    thread = opened(query, PACT).take(second, PACT)
    open_now = [each.about.kind for each in timers(thread, PACT) if each.met_us is None]
    assert set(open_now) == {Kind.SECOND_QUERY}


def test_a_stop_is_receipted_within_a_minute_and_the_next_is_called_each_minute() -> None:
    """The duty officer first, then the watch-keeper; then nobody is left to be called."""
    line = Line()
    stop = line.north(Kind.STOP)
    (late,) = due(opened(stop, PACT), PACT, NOW + MINUTE_US + 1)
    assert late.timer is Timer.STOP_RECEIPT
    called = escalation(late, PACT, late.due_us + 1)
    assert [c.role for c in called.contacts] == ["duty officer"]
    assert called.next_us == late.due_us + MINUTE_US
    called = escalation(late, PACT, late.due_us + MINUTE_US)
    assert [c.role for c in called.contacts] == ["duty officer", "watch-keeper"]
    assert called.next_us is None
    assert escalation(late, PACT, late.due_us).contacts == ()


def test_who_is_not_at_his_post_is_not_called() -> None:
    """At night the duty officer is away, and the watch-keeper is the first."""
    line = Line()
    stop = line.north(Kind.STOP, after_s=14 * 3600)
    (late,) = due(opened(stop, PACT), PACT, NOW + 15 * HOUR_US)
    assert [c.role for c in escalation(late, PACT, NOW + 15 * HOUR_US).contacts] == ["watch-keeper"]


def test_nobody_is_called_for_a_receipt_alone_or_for_what_is_done() -> None:
    """The receipt's timer shows, the phone's calls; what is met calls nobody, nor who has no contacts."""
    line = Line()
    thread = opened(line.north(Kind.NOTIFY), PACT)
    receipt, phone = due(thread, PACT, NOW + 2 * HOUR_US)
    assert escalation(receipt, PACT, NOW + 2 * HOUR_US).contacts == ()
    assert len(escalation(phone, PACT, NOW + 2 * HOUR_US).contacts) == 2
    assert escalation(replace(phone, met_us=NOW), PACT, NOW + 2 * HOUR_US).contacts == ()
    assert escalation(replace(phone, owed_by="nobody"), PACT, NOW + 2 * HOUR_US).contacts == ()
    assert escalation(replace(phone, owed_by="office"), PACT, NOW + 2 * HOUR_US).contacts == ()


def test_of_an_incident_both_sides_report_within_72_hours() -> None:
    """Each side's own report stops its own timer, and no receipt of the other's."""
    line = Line()
    alarm = line.north(Kind.HAZARD, None, Alarm(WHERE[:1], NOW, incident=True))
    thread = opened(alarm, PACT).take(line.north(Kind.REPORT, alarm, after_s=60), PACT)
    report_north, report_south = (("HAZARD", "incident report", side) for side in ("north", "south"))
    receipt = ("HAZARD", "receipt of a stop", "south")
    wanted = [report_north, report_south, receipt]
    assert [running(thread)[each] for each in wanted] == [(72 * 60, 1), (72 * 60, None), (1, None)]
    thread = thread.take(line.south(Kind.REPORT, alarm, after_s=120), PACT)
    assert [running(thread)[each] for each in wanted] == [(72 * 60, 1), (72 * 60, 2), (1, 2)]


def test_an_amendment_and_a_cancellation_take_the_place_of_what_they_change() -> None:
    """The timers of the old version end, and those of the new one run."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    amend = line.north(
        Kind.AMEND, notify, Notice(Filing.MOVEMENT, "convoy-1", 2, WHERE, START, END), after_s=60
    )
    thread = opened(notify, PACT).take(amend, PACT)
    assert {k: v for k, v in running(thread).items() if k[0] == "NOTIFY"} == {
        ("NOTIFY", "receipt", "south"): (15, 1),
        ("NOTIFY", "phone", "south"): (90, 1),
        ("NOTIFY", "level", "south"): (72 * 60, 1),
    }
    thread = thread.take(line.north(Kind.CANCEL, amend, after_s=120), PACT)
    assert {k for k, v in running(thread).items() if v[1] is None} == {
        ("CANCEL", "receipt", "south"),
        ("CANCEL", "phone", "south"),
    }


@pytest.mark.parametrize(
    ("filing", "emergency", "hours", "expected"),
    [
        (Filing.MOVEMENT, False, 48, Lead(48 * HOUR_US, 48 * HOUR_US, False)),
        (Filing.MOVEMENT, False, 47, Lead(47 * HOUR_US, 48 * HOUR_US, False)),
        (Filing.MOVEMENT, True, 24, Lead(24 * HOUR_US, 24 * HOUR_US, True)),
        (Filing.SITE, True, -1, Lead(-HOUR_US, None, False)),
        (Filing.ZONE, False, 0, Lead(0, None, False)),
    ],
)
def test_how_long_before_it_was_notified(filing: Filing, emergency: bool, hours: int, expected: Lead) -> None:
    """48 hours for a movement, 24 in an emergency; nothing is asked for a site or a zone."""
    notice = Notice(filing, "it", 1, WHERE, NOW + hours * HOUR_US, END, emergency=emergency)
    assert lead(Line().north(Kind.NOTIFY, None, notice), PACT) == expected
    assert bool(expected.late_us) is (hours == 47)


def test_what_is_no_notice_has_no_lead() -> None:
    """A query is not given so long before anything."""
    assert lead(Line().north(Kind.QUERY), PACT) is None


@given(st.integers(0, 10**13), st.lists(st.sampled_from(["receipt", "ack", "read", "down"]), max_size=4))
def test_time_alone_only_makes_things_later(after_us: int, said: list[str]) -> None:
    """What is late stays late until it is done; and two who hold the same messages agree on what is due."""
    line = Line()
    notify = line.north(Kind.NOTIFY)
    bodies: dict[str, tuple[Kind, Any]] = {
        "receipt": (Kind.RECEIPT, None),
        "ack": (Kind.ACK, None),
        "read": (Kind.READBACK, None),
        "down": (Kind.RELEASE, None),
    }
    thread = opened(notify, PACT)
    for word in said:
        kind, body = bodies[word]
        one = line.north(kind, notify) if word == "down" else line.south(kind, notify, body)
        thread = thread.take(one, PACT)
    now = {(e.timer, e.about.id, e.owed_by) for e in due(thread, PACT, NOW + after_us)}
    later = {(e.timer, e.about.id, e.owed_by) for e in due(thread, PACT, NOW + after_us + HOUR_US)}
    assert now <= later
    assert timers(Thread(thread.opener_said, thread.other_said), PACT) == timers(thread, PACT)


def test_late_is_after_the_instant_and_not_at_it() -> None:
    """At the instant itself nothing is late, before and after it is done."""
    owed = Due(Timer.RECEIPT, Line().north(Kind.NOTIFY), "south", NOW, None)
    assert not owed.late(NOW)
    assert owed.late(NOW + 1)
    assert not replace(owed, met_us=NOW).late(NOW + DAY_US)


def test_the_executing_unit_is_the_highest_level_a_pact_can_ask_for() -> None:
    """A pact that asks for level 5 has its timer run until the unit confirms."""
    pact = replace(PACT, acknowledgement=Acknowledgement(movement=Level.EXECUTING_UNIT))
    line = Line()
    notify = line.north(Kind.NOTIFY)
    thread = opened(notify, pact)
    for message in (
        line.south(Kind.READBACK, notify),
        line.south(Kind.ACK, notify, Acknowledged(Level.PASSED_DOWN, "sector 4")),
        line.south(Kind.ACK, notify, Acknowledged(Level.EXECUTING_UNIT, "unit 12")),
    ):
        assert Timer.LEVEL in {each.timer for each in due(thread, pact, START + 1)}
        thread = thread.take(message, pact)
    levels = [e for e in timers(thread, pact) if e.timer is Timer.LEVEL]
    assert [e.met_us for e in levels] == [NOW]
