"""A claim beside a record: supported, contradicted or not recorded, and the margin; never who is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_world import claim
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    DataMode,
    Kind,
    Labels,
    Polygon,
    Trajectories,
    Volume4D,
    Volumes,
    Zones,
)
from skypact.incident import values
from skypact.incident.claims import Claim, Modality
from skypact.incident.logbook import VERDICTS, Clock, Finding, Logbook, Logged, Position, Verdict, against
from skypact.incident.values import Meeting, Period
from skypact.instants import EVER, FOREVER, SECOND_US, parse_instant
from skypact.pact import Stance

EVENT_US = parse_instant("2017-06-08T06:10:00Z")
EVENT = Period("", EVENT_US, EVENT_US)
DENIED = Modality.DENIED
YES, NO, SILENT = Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.NOT_RECORDED


def before(seconds: float) -> Period:
    """So many seconds before the event."""
    at_us = EVENT_US - round(seconds * SECOND_US)
    return Period("", at_us, at_us)


def message(**changes: Any) -> Logged:
    """A warning that was delivered 4 min 10 s before the event and opened 3 min 2 s before it."""
    fields: dict[str, Any] = {
        "ref": "m-17",
        "kind": "notify",
        "sender": "north",
        "receiver": "south",
        "channel": "hotline",
        "sent": before(251),
        "delivered": before(250),
        "opened": before(182),
        "clock": Clock(400_000, 200_000),
    }
    return Logged(**fields | changes)


def asked(made: Claim, *messages: Logged, event: Period | None = EVENT, **more: Any) -> Finding:
    """What the south's record says of a claim."""
    return against(made, Logbook("south", messages, event=event, **more))


# -- warnings


def test_a_warning_is_held_against_when_it_was_delivered_and_opened() -> None:
    """The margin says what was claimed, what the record has, and how well the clocks are known."""
    found = asked(claim("warned", "hotline, 20 min before"), message(proof="m-17.tlog-proof"))
    assert found == Finding(
        "C1",
        "south",
        NO,
        ("m-17 (m-17.tlog-proof)",),
        "claimed hotline, 20 min before; this record has m-17 sent 4 min 11 s before, delivered 4 min 10 s "
        "before, opened 3 min 2 s before; offset of clocks 0.4 s ± 0.2 s",
    )


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("hotline, at least 4 min before", Modality.ASSERTED, YES),
        ("hotline, 3 min before", Modality.ASSERTED, YES),
        ("less than 1 min before", Modality.ASSERTED, NO),
        ("less than 1 min before", DENIED, YES),
        ("at least 3 min before", DENIED, NO),
        ("any channel", DENIED, NO),
        ("any channel", Modality.ASSERTED, YES),
        ("hotline, 250.4 ± 0.1 s before", Modality.ASSERTED, SILENT),
        ("hotline, 250.4 ± 0.1 s before", DENIED, SILENT),
        ("hotline, about 5 min before", Modality.ASSERTED, SILENT),
        ("hotline, at 2017-06-08T06:05:50Z ± 1 min", Modality.ASSERTED, YES),
        ("hotline, at 2017-06-08T05:05:50Z ± 1 min", Modality.ASSERTED, NO),
        ("radio", Modality.ASSERTED, SILENT),
    ],
)
def test_verdicts_on_a_warning(text: str, said: Modality, expected: Verdict) -> None:
    """Delivered or opened supports; both have to contradict; what is not precise enough is silent."""
    assert asked(claim("warned", text, modality=said), message()).verdict is expected


def test_what_was_sent_and_not_delivered_warned_nobody() -> None:
    """It is shown, and decides neither for nor against."""
    lost = message(delivered=None, opened=None, clock=None)
    for said in (Modality.ASSERTED, DENIED):
        found = asked(claim("warned", "any channel", modality=said), lost)
        assert found.verdict is SILENT
        assert found.margin.endswith(
            "m-17 sent 4 min 11 s before, and no delivery is recorded; offset of clocks not known"
        )


def test_an_empty_record_shows_nothing() -> None:
    """Neither that there was no warning nor that there was one; nor does a message about something else."""
    for said in (Modality.ASSERTED, DENIED):
        found = asked(claim("warned", "any channel", modality=said))
        assert (found.verdict, found.entries) == (SILENT, ())
        assert "does not show that there was none" in found.margin
    about = claim("warned", "any channel", thing="column-1")
    assert asked(about, message(about=("column-1",))).verdict is YES
    assert asked(about, message(ref="column-1")).verdict is YES
    assert asked(about, message(about=("column-2",))).verdict is SILENT


def test_without_a_time_of_the_event_nothing_is_before_it() -> None:
    """A lead is not recorded then; that there was a warning is, with its instants."""
    found = asked(claim("warned", "20 min before"), message(), event=None)
    assert (found.verdict, found.entries) == (SILENT, ("m-17",))
    found = asked(claim("warned", "hotline"), message(), event=None)
    assert found.verdict is YES
    assert "delivered at 2017-06-08T06:05:49.600Z" in found.margin
    late = asked(claim("warned", "hotline"), message(opened=before(-90)))
    assert "opened 1 min 29 s after" in late.margin or "opened 1 min 30 s after" in late.margin


@given(
    st.integers(0, 600), st.integers(0, 60), st.integers(0, 60), st.sampled_from([Modality.ASSERTED, DENIED])
)
def test_a_wider_bound_of_the_clock_decides_less_and_nothing_else(
    lead_s: int, bound_s: int, more_s: int, said: Modality
) -> None:
    """A verdict under a wide bound holds under every narrower one."""
    made = claim("warned", f"{lead_s} ± 30 s before", modality=said)
    narrow, wide = (
        asked(made, message(opened=None, clock=Clock(0, bound * SECOND_US))).verdict
        for bound in (bound_s, bound_s + more_s)
    )
    assert wide in {narrow, SILENT}


def test_the_table_of_verdicts_is_whole_and_denial_turns_it() -> None:
    """A row for each way of meeting; what supports an assertion contradicts its denial."""
    assert set(VERDICTS) == {(said, met) for said in (Modality.ASSERTED, DENIED) for met in Meeting}
    turned = {YES: NO, NO: YES, SILENT: SILENT}
    assert all(VERDICTS[DENIED, met] is turned[VERDICTS[Modality.ASSERTED, met]] for met in Meeting)


# -- what no record is asked


def test_what_is_unknown_conditional_or_no_record_s_to_answer_is_not_recorded() -> None:
    """With the reason."""
    found = asked(claim("who", "a militia"))
    assert (found.verdict, found.margin) == (SILENT, "no record that Skypact reads answers this question")
    assert asked(claim("who", None, modality=Modality.UNKNOWN)).margin == (
        "what is unknown is not held against a record"
    )


# -- replies and recognition


def test_a_reply_s_scope_is_held_against_replies() -> None:
    """Mine and not mine exclude each other; another scope decides nothing."""
    reply = message(ref="r-1", kind="reply", scope="not mine", about=("m-17",))
    found = asked(claim("reply_scope", "not mine", thing="m-17"), reply)
    assert (found.verdict, found.margin) == (YES, "claimed not mine; this record has r-1 'not mine'")
    assert asked(claim("reply_scope", "mine"), reply).verdict is NO
    assert asked(claim("reply_scope", "unknown"), reply).verdict is SILENT
    assert asked(claim("reply_scope", "mine"), message()).verdict is SILENT
    assert asked(claim("warned", "any channel"), reply).verdict is SILENT


def positions(*stances: Stance) -> list[Position]:
    """What the south said of the zone, one a day before the event."""
    return [
        Position(f"z-{k}", "south", "base-55", stance, EVENT_US - (9 - k) * 86_400 * SECOND_US, "in a letter")
        for k, stance in enumerate(stances)
    ]


@pytest.mark.parametrize(
    ("stance", "asserted", "denied"),
    [
        (Stance.RECOGNISED, YES, NO),
        (Stance.REJECTED, NO, YES),
        (Stance.RESERVED, SILENT, SILENT),
    ],
)
def test_recognition_is_what_that_party_last_said(stance: Stance, asserted: Verdict, denied: Verdict) -> None:
    """Of the zone, by then; a reserved position is neither."""
    said = positions(Stance.SILENT, stance)
    later = Position("z-9", "south", "base-55", Stance.RECOGNISED, EVENT_US + 1)
    for modality, expected in ((Modality.ASSERTED, asserted), (DENIED, denied)):
        made = claim("zone_recognised", "the base's zone", zone="base-55", thing="south", modality=modality)
        found = asked(made, positions=[*said, later])
        assert (found.verdict, found.entries) == (expected, ("z-1",))
        assert f"{stance.value!r} of south since 2017-05-31T06:10:00Z (in a letter)" in found.margin
    assert asked(made, positions=[later], event=None).entries == ("z-9",)


def test_recognition_without_whose_or_without_a_word_is_not_recorded() -> None:
    """Silence is not consent, and not its opposite."""
    said = positions(Stance.RECOGNISED)
    assert "whose" in asked(claim("zone_recognised", "base-55"), positions=said).margin
    silent = asked(claim("zone_recognised", "base-55", thing="north"), positions=said)
    assert (silent.verdict, silent.margin) == (SILENT, "north is silent on this zone in this record")


# -- tracks


def track(
    name: str = "drone-1", *, minutes: tuple[int, ...] = tuple(range(61)), **labels: Any
) -> Trajectories:
    """Eastwards along 33.5 N for an hour, 0.02 degrees a minute from 38.0 E: inside the zone from 38.5 on."""
    minute = np.array(minutes)
    return Trajectories.one(
        name,
        EVENT_US + minute * 60 * SECOND_US,
        np.full(minute.shape, 33.5),
        38.0 + 0.02 * minute,
        np.full(minute.shape, 5000.0),
        reference=AltitudeReference.AMSL,
        labels=Labels.of([name], data_mode=DataMode.TEST, **labels),
    )


BOX = Polygon(((33.4, 38.5), (33.4, 39.0), (33.6, 39.0), (33.6, 38.5)))


def zones(*, lower: Altitude | None = None) -> Zones:
    """One zone."""
    volume = Volume4D(BOX, lower)
    return Zones.of(Volumes.of(Labels.of(["box"], kind=Kind.STATIC, data_mode=DataMode.TEST), [volume]))


def at(first: str, last: str) -> Period:
    """A stretch of that morning."""
    return values.period(f"2017-06-08T{first}:00Z/2017-06-08T{last}:00Z")


def observed(made: Claim, *, tracks: Trajectories | None = None, **more: Any) -> Finding:
    """What a record with the track and the zone says."""
    settings: dict[str, Any] = {"tracks": tracks or track(), "zones": zones()}
    return against(made, Logbook("north", **settings | more))


@pytest.mark.parametrize(
    ("during", "asserted", "denied", "words"),
    [
        (at("06:40", "06:50"), YES, NO, "is inside it 2017-06-08T06:40:00Z to 2017-06-08T06:50:00Z"),
        (at("06:30", "06:40"), SILENT, NO, "which is a part of that time"),
        (at("06:10", "06:30"), NO, YES, "9.3 km from its edge at the nearest, at 2017-06-08T06:30:00Z"),
        (at("05:10", "05:30"), SILENT, SILENT, "not observed all that time"),
        (None, SILENT, NO, "a part of that time"),
    ],
)
def test_inside_a_zone_is_asked_of_the_engine(
    during: Period | None, asserted: Verdict, denied: Verdict, words: str
) -> None:
    """Throughout the time claimed: wholly, in part, not at all with how near it came, or not seen."""
    for modality, expected in ((Modality.ASSERTED, asserted), (DENIED, denied)):
        made = claim("inside_zone", "box", thing="drone-1", during=during, modality=modality)
        found = observed(made)
        assert found.verdict is expected
        assert words in found.margin
        assert found.entries == ("drone-1",)


def test_an_unobserved_stretch_or_an_unknown_altitude_decides_nothing() -> None:
    """Four minutes without a sample before the zone; a floor above the ground for a height above the sea."""
    gap = track(minutes=(*range(10), *range(14, 61)))
    made = claim("inside_zone", "box", thing="drone-1", during=at("06:15", "06:30"), modality=DENIED)
    assert observed(made, tracks=gap).verdict is SILENT
    assert observed(made, tracks=gap, max_gap_s=300.0).verdict is YES
    high = zones(lower=Altitude(3000.0, AltitudeReference.STD))
    inside = replace(made, during=at("06:40", "06:45"), modality=Modality.ASSERTED)
    assert observed(inside, zones=high).verdict is SILENT


def test_what_the_record_has_not_is_not_recorded() -> None:
    """No track, not this track, no zone, not this zone, no name for the track."""
    made = claim("inside_zone", "box", thing="drone-1")
    empty = Logbook("north", tracks=track("other"), zones=zones())
    for finding in (
        against(made, empty),
        against(made, replace(empty, tracks=None)),
        observed(replace(made, thing="")),
        observed(replace(made, zone="another")),
        observed(made, zones=None),
    ):
        assert (finding.verdict, finding.margin) == (
            SILENT,
            "this record has no track of it, or not this zone",
        )
    assert (
        observed(
            replace(made, thing="airframe 9", during=at("06:40", "06:45")), tracks=track(body=["airframe 9"])
        ).verdict
        is YES
    )


def test_where_something_was_is_asked_of_the_engine() -> None:
    """There in that time, not there with how near, not seen; a place by its name is for people."""
    there = claim("where", "33.5, 38.7 ± 2 km", thing="drone-1", during=at("06:40", "06:50"))
    assert observed(there).verdict is YES
    assert observed(replace(there, modality=DENIED)).verdict is NO
    early = replace(there, during=at("06:12", "06:20"))
    found = observed(early)
    assert found.verdict is NO
    assert "44.5 km from its edge at the nearest, at 2017-06-08T06:20:00Z" in found.margin
    assert observed(replace(early, modality=DENIED)).verdict is YES
    assert observed(replace(there, during=at("05:00", "05:10"))).verdict is SILENT
    far = claim("where", "53.5, 38.7 ± 2 km", thing="drone-1", during=at("06:40", "06:50"))
    assert observed(far).margin.endswith("500 km away or more")
    point = claim("where", "33.5, 38.6 ± 0 m", thing="drone-1", during=at("06:12", "06:50"))
    assert observed(point).verdict is YES
    assert "for people" in observed(claim("where", "near the box", thing="drone-1")).margin
    assert observed(replace(there, thing="")).margin == "this record has no track of it"


def test_the_entry_into_a_zone_has_a_time() -> None:
    """Within what was claimed, or so far off; an entry that nobody saw is none."""
    made = claim("when", "2017-06-08T06:35:00Z ± 1 min", thing="drone-1", zone="box")
    assert observed(made).verdict is YES
    late = claim("when", "2017-06-08T06:45:00Z ± 1 min", thing="drone-1", zone="box")
    found = observed(late)
    assert found.verdict is NO
    assert found.margin.startswith(
        "claimed 2017-06-08T06:45:00Z ± 1 min; the track enters at 2017-06-08T06:35:00Z"
    )
    assert found.margin.endswith("9 min off")
    assert observed(replace(late, modality=DENIED)).verdict is YES
    assert observed(replace(made, zone="")).verdict is SILENT
    assert observed(replace(made, zone="another")).verdict is SILENT
    inside = track(minutes=tuple(range(40, 61)))
    assert "no entry was observed" in observed(made, tracks=inside).margin


def test_a_circle_is_a_zone_as_well() -> None:
    """How near a track came to it is measured to its edge."""
    circle = Volume4D(Circle(33.5, 39.8, 10_000.0))
    labels = Labels.of(["box"], kind=Kind.STATIC, data_mode=DataMode.TEST)
    made = claim("inside_zone", "box", thing="drone-1", during=at("06:40", "06:50"))
    found = observed(made, zones=Zones.of(Volumes.of(labels, [circle])))
    assert found.verdict is NO
    assert "82.9 km from its edge" in found.margin


ANSWERS = [
    ("warned", text)
    for text in ("hotline, 20 min before", "any channel", "radio, at 2017-06-08T05:00:00Z ± 900 d")
] + [
    ("inside_zone", "box"),
    ("zone_recognised", "box"),
    ("reply_scope", "not mine"),
    ("when", "2017-06-08Z/2037-06-08Z"),
    ("where", "33.5, 38.7 ± 1000 km"),
    ("where", "-90.0, 180.0 ± 0 m"),
    ("where", "the pole"),
    ("who", "we"),
]


@given(
    st.sampled_from(ANSWERS),
    st.sampled_from(Modality),
    st.sampled_from([None, at("06:20", "06:40"), values.period("0002-01-01Z/9998-01-01Z")]),
    st.sampled_from(["", "drone-1", "m-17", "south"]),
    st.sampled_from(["", "box"]),
    st.sampled_from([None, EVENT]),
)
def test_any_claim_has_an_answer_from_any_record(
    answer: tuple[str, str],
    said: Modality,
    during: Period | None,
    thing: str,
    zone: str,
    event: Period | None,
) -> None:
    """A verdict with words; a claim and its denial are never both supported, nor both contradicted."""
    stance = Position("z-1", "south", "box", Stance.REJECTED, EVENT_US)
    book = Logbook("south", [message(), message(ref="r", scope="mine")], [stance], track(), zones(), event)
    made = claim(*answer, modality=said, during=during, thing=thing, zone=zone)
    found = against(made, book)
    assert found.margin
    if said in {Modality.ASSERTED, DENIED}:
        other = against(
            replace(made, modality=DENIED if said is Modality.ASSERTED else Modality.ASSERTED), book
        )
        assert {found.verdict, other.verdict} in ({SILENT}, {YES, NO}, {YES, SILENT}, {NO, SILENT})


@pytest.mark.parametrize(
    ("when", "event", "expected"),
    [
        (Period("", before(60).earliest_us, FOREVER), EVENT, "delivered no sooner than 1 min before"),
        (Period("", EVER, before(60).latest_us), EVENT, "delivered no later than 1 min before"),
        (Period("", EVER, FOREVER), EVENT, "delivered at a time that is not known"),
        (Period("", EVER, before(0).latest_us), None, "delivered no later than 2017-06-08T06:10:00Z"),
        (
            Period("", before(60).earliest_us, before(0).latest_us),
            None,
            "delivered between 2017-06-08T06:09:00Z and 2017-06-08T06:10:00Z",
        ),
    ],
)
def test_what_is_known_of_a_time_is_said_and_no_more(
    when: Period, event: Period | None, expected: str
) -> None:
    """That it was delivered is known; when is not, so that a lead is neither shown nor denied."""
    made = message(delivered=when, opened=None, clock=Clock(0, 0))
    assert expected in asked(claim("warned", "any channel"), made, event=event).margin
    assert asked(claim("warned", "any channel", modality=DENIED), made).verdict is NO
    if event is not None and FOREVER in {when.latest_us, -when.earliest_us}:
        lead = claim("warned", "hotline, at least 30 s before")
        assert asked(lead, made).verdict is (YES if when.latest_us == before(60).latest_us else SILENT)
