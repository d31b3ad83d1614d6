"""What is said of a filing: whether it came in time, and what a careful reader would ask back about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import filings
from filings import DESK, NOON
from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import DataMode
from skypact.airspace.volumes import Circle, Volume4D
from skypact.formats.coordinates import read_position
from skypact.instants import DAY_US, HOUR_US, SECOND_US
from skypact.notify.filing import Filing, Movement, Site, Verification, Window
from skypact.notify.notice import duration, lead
from skypact.notify.remarks import area_of, misplaced, remarks
from skypact.pact import Hours, Notice, Notices, Pact, Party, Severity, Zone

ABOVE = Altitude(10_000.0, AltitudeReference.AMSL)
PACT = Pact(
    "corridor",
    data_mode=DataMode.EXERCISE,
    parties=(Party("office"), Party("north")),
    zones=(Zone("z", Volume4D(Circle(33.5, 38.6, 50_000.0), None, ABOVE)),),
)


def said(filing: Filing, *, at: int = NOON - 3 * DAY_US, pact: Pact | None = PACT) -> list[str]:
    """The remarks, their severity in front."""
    return [f"{r.severity.value} {r.place}: {r.text}" for r in remarks([filing], filed_us=at, pact=pact)]


@given(st.integers(-(10**6), 10**6), st.booleans())
def test_late_is_said_and_by_how_much(before_s: int, emergency: bool) -> None:
    """The period of the class, or of an emergency that gives its reason, counts to the planned beginning."""
    convoy = filings.movement(emergency="wounded" if emergency else "")
    found = lead(convoy, Notices(), NOON - before_s * SECOND_US)
    asked_s = (24 if emergency else 48) * 3600
    assert found.late_us == max(0, asked_s - before_s) * SECOND_US
    assert ("late by" in found.text) == (before_s < asked_s)
    assert ("after it began" in found.text) == (before_s < 0)


def test_a_class_without_a_period_is_never_late() -> None:
    """No period is said to be none, a zone has none, and no emergency's is the normal one."""
    assert "asks for no period" in lead(filings.site(), Notices(), NOON).text
    assert lead(filings.zone(), Notices(), NOON + DAY_US).late_us == 0
    only = Notices(movement=Notice(3600.0, None))
    assert lead(filings.movement(emergency="x"), only, NOON).late_us == HOUR_US


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (-5, "5 s"), (86_400, "1 d")],
)
def test_durations_are_said_in_two_units(seconds: int, text: str) -> None:
    """The two largest that are not zero."""
    assert duration(seconds * SECOND_US) == text


def test_a_filing_in_order_gets_no_remark() -> None:
    """In time, verified, in the pact's area, its contact at the post."""
    for made in (filings.movement(), filings.site(), filings.activity(), filings.zone()):
        assert said(made) == []
        assert said(made, pact=None) == []


@pytest.mark.parametrize(
    ("more", "severity", "why"),
    [
        ({"window": Window(NOON - 9 * DAY_US, NOON - 8 * DAY_US)}, "warning", "was over at"),
        ({"filer": "west"}, "warning", "'west' is no party"),
        ({"releasable_to": ("north", "west")}, "warning", "releasable_to[1]: 'west' is no party"),
        ({"data_mode": DataMode.REAL}, "warning", "real under a pact that is exercise"),
        ({"accuracy_mm": 200_000}, "warning", "may be 201 m from what is meant"),
        (
            {"contact": replace(DESK, hours=(Hours.parse("06:00-18:00 Z"),))},
            "warning",
            "2026-05-04T18:00:00Z",
        ),
    ],
)
def test_what_is_probably_not_meant_is_said(more: dict[str, Any], severity: str, why: str) -> None:
    """Each remark names the filing and the place in it."""
    (only,) = said(filings.site(**more))
    assert only.startswith(f"{severity} {more.get('filer', 'office')}/1 City hospital, ")
    assert why in only


def test_a_post_that_is_manned_while_it_lasts_needs_no_other_hours() -> None:
    """Hours are held against the window with its tolerance, to the minute."""
    hours = replace(DESK, hours=(Hours.parse("12:00-14:00 Z"),))
    assert said(filings.movement(contact=hours)) == []
    late = Window(NOON, NOON + 2 * HOUR_US, 0, 60 * SECOND_US)
    assert "14:00:00Z" in said(filings.movement(contact=hours, window=late))[0]
    early = Window(NOON, NOON + 2 * HOUR_US, 1, 0)
    assert "11:59:00Z" in said(filings.movement(contact=hours, window=early))[0]


def test_a_site_nobody_looked_after_is_stale_and_no_less_protected() -> None:
    """Stale, unverified, and verified in the future are each said."""
    old = filings.site()
    subject = old.subject
    assert isinstance(subject, Site)
    (stale,) = said(old, at=NOON + 30 * DAY_US)
    assert "stale" in stale
    assert "no less protected" in stale
    (unseen,) = said(replace(old, subject=replace(subject, verification=None)))
    assert unseen.startswith("note ")
    ahead = replace(subject, verification=Verification("office", "visit", NOON))
    assert "in the future" in said(replace(old, subject=ahead))[0]


def test_a_leg_that_no_convoy_can_drive_is_said() -> None:
    """A position ten degrees off shows in the speed of two legs."""
    convoy = filings.movement()
    assert isinstance(convoy.subject, Movement)
    one, two, three = convoy.subject.stops
    off = replace(two, position=read_position("38.60000, 33.60000"))
    found = said(replace(convoy, subject=replace(convoy.subject, stops=(one, off, three))))
    assert [("stops[1]" in text, "stops[2]" in text) for text in found] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert "latitude and longitude exchanged" in found[2]


def test_late_filings_and_pacts_that_are_over_are_said() -> None:
    """Late is a warning with the figures; a beginning outside the pact's time is a note."""
    assert "late by 1 d 12 h" in said(filings.movement(), at=NOON - 12 * HOUR_US)[0]
    ended = replace(PACT, until_us=NOON)
    (only,) = said(filings.movement(), pact=ended)
    assert only.startswith("note ")


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("33.5, 38.6", ""),
        ("38.6, 33.5", "exchanged"),
        ("-33.5, 38.6", "south for north"),
        ("33.5, -38.6", "west for east"),
        ("-33.5, -38.6", "both hemispheres"),
        ("38.6, -33.5", "another hemisphere"),
        ("-38.6, 33.5", "another hemisphere"),
        ("60.0, 10.0", ""),
        ("10.0, 150.0", ""),
    ],
)
def test_a_position_that_is_elsewhere_than_meant_is_said(text: str, how: str) -> None:
    """Only where another reading lies in the area, and this one does not."""
    found = misplaced(read_position(text), area_of(PACT))
    assert bool(found) == bool(how)
    assert how in found
    assert misplaced(read_position(text), area_of(replace(PACT, zones=()))) == ""


def test_remarks_are_the_pacts_own_kind() -> None:
    """A warning or a note, never an error: a filing that can be used is used."""
    everything = filings.site(filer="west", accuracy_mm=10**9, data_mode=DataMode.REAL)
    found = remarks([everything], filed_us=NOON + 90 * DAY_US, pact=PACT)
    assert {remark.severity for remark in found} <= {Severity.WARNING, Severity.NOTE}
    assert len(found) >= 4
