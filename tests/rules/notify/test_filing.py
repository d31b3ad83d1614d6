"""What a filing has to be to be one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import filings
from filings import AROUND, DESK, NOON
from skypact.errors import InputError
from skypact.instants import DAY_US, EVER, FOREVER, HOUR_US
from skypact.notify.filing import (
    CLASSES,
    Activity,
    Disc,
    Filing,
    Movement,
    Outline,
    Site,
    Stop,
    Vehicles,
    Verification,
    Window,
    ZoneDeclaration,
)
from skypact.pact import Filing as FilingClass
from skypact.pact import Pact, Party, released_to, visible

HERE = AROUND[0]
TRUCK = (Vehicles(1, "truck"),)
LEG = (Stop(HERE, None, NOON), Stop(AROUND[1], NOON + HOUR_US))


@pytest.mark.parametrize(
    ("made", "of"),
    [
        (filings.site(), FilingClass.SITE),
        (filings.movement(), FilingClass.MOVEMENT),
        (filings.activity(), FilingClass.ACTIVITY),
        (filings.zone(), FilingClass.ZONE),
    ],
)
def test_each_class_is_filed(made: Filing, of: FilingClass) -> None:
    """A filing of each class knows its class, its reference and every position in it."""
    assert made.filing is of
    assert made.ref == "office/1"
    assert made.title.startswith("office/1")
    assert made.positions()
    assert all(place.startswith(".subject.") for place, _ in made.positions())
    assert set(CLASSES.values()) | {FilingClass.FLIGHT} == set(FilingClass)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"filer": ""}, ".filer"),
        ({"filer": " office"}, ".filer"),
        ({"name": "a\nb"}, ".name"),
        ({"name": "x" * 201}, ".name"),
        ({"note": "x" * 2001}, ".note"),
        ({"serial": 0}, ".serial"),
        ({"serial": 2**53}, ".serial"),
        ({"supersedes": 1}, ".supersedes"),
        ({"supersedes": 0, "serial": 3}, ".supersedes"),
        ({"language": "english!"}, ".language"),
        ({"accuracy_mm": -1}, ".accuracy_mm"),
        ({"accuracy_mm": 10**9 + 1}, ".accuracy_mm"),
        ({"contact": replace(DESK, role="")}, ".contact.role"),
        ({"contact": replace(DESK, hours=())}, ".contact.hours"),
        ({"contact": replace(DESK, reach=())}, ".contact.reach"),
        ({"contact": replace(DESK, reach=("",))}, ".contact.reach[0]"),
        ({"contact": replace(DESK, person="\x1b")}, ".contact.person"),
        ({"releasable_to": ("south", "")}, ".releasable_to[1]"),
        ({"floor": "unlimited"}, ".floor"),
        ({"floor": "5000"}, ".floor"),
        ({"ceiling": "surface"}, ".ceiling"),
        ({"emergency": "\u202e"}, ".emergency"),
        ({"on_behalf_of": "\x00"}, ".on_behalf_of"),
    ],
)
def test_what_every_filing_has_is_checked(more: dict[str, Any], place: str) -> None:
    """A wrong value is refused with its place."""
    with pytest.raises(InputError) as caught:
        filings.site(**more)
    assert caught.value.where == place


@pytest.mark.parametrize(
    ("start", "end", "early", "late", "place"),
    [
        (NOON, NOON, 0, 0, ".window"),
        (EVER, NOON, 0, 0, ".window"),
        (NOON, FOREVER + 1, 0, 0, ".window"),
        (NOON, FOREVER, -1, 0, ".window.early_us"),
        (NOON, FOREVER, 0, 31 * DAY_US, ".window.late_us"),
    ],
)
def test_a_window_is_one(start: int, end: int, early: int, late: int, place: str) -> None:
    """It begins, ends after it has begun, and its tolerance is at most 30 days."""
    with pytest.raises(InputError) as caught:
        Window(start, end, early, late)
    assert caught.value.where == place


def test_a_window_includes_its_tolerance() -> None:
    """What is claimed is longer by it at both ends; what is open stays open."""
    window = Window(NOON, NOON + 10, 3, 4)
    assert (window.opens_us, window.closes_us) == (NOON - 3, NOON + 14)
    assert Window(NOON, late_us=5).closes_us == FOREVER


@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda: Disc(HERE, 0), ".radius_mm"),
        (lambda: Outline(AROUND[:2]), ".vertices"),
        (lambda: Movement(LEG, 0, TRUCK), ".half_width_mm"),
        (lambda: Movement(LEG[:1], 1, TRUCK), ".stops"),
        (lambda: Movement(LEG, 1, ()), ".vehicles"),
        (lambda: Movement(LEG, 1, (Vehicles(0, "truck"),)), ".vehicles[0]"),
        (lambda: Movement(LEG, 1, (Vehicles(1, ""),)), ".vehicles[0].sort"),
        (lambda: Movement(LEG, 1, (Vehicles(1, "truck", "\t"),)), ".vehicles[0].markings"),
        (lambda: Movement((LEG[0], Stop(HERE)), 1, TRUCK), ".stops[1]"),
        (lambda: Movement((Stop(HERE, NOON, NOON - 1), LEG[1]), 1, TRUCK), ".stops[0]"),
        (lambda: Movement((LEG[1], LEG[0]), 1, TRUCK), ".stops[1]"),
        (lambda: Movement((LEG[0], replace(LEG[1], name="\x07")), 1, TRUCK), ".stops[1].name"),
        (lambda: Site("", HERE, 1, NOON), ".what"),
        (lambda: Site("well", HERE, 0, NOON), ".radius_mm"),
        (lambda: Site("well", HERE, 1, NOON, Verification("", "visit", NOON)), ".verification.by"),
        (lambda: Site("well", HERE, 1, NOON, Verification("office", "", NOON)), ".verification.how"),
        (lambda: Activity("", Disc(HERE, 1)), ".what"),
        (lambda: ZoneDeclaration("", Disc(HERE, 1), "call"), ".zone"),
        (lambda: ZoneDeclaration("z", Disc(HERE, 1), ""), ".effect"),
        (lambda: ZoneDeclaration("z", Disc(HERE, 1), "call", ()), ".applies_to"),
    ],
)
def test_what_is_filed_is_checked(make: Any, place: str) -> None:
    """Each subject is refused with the place of what is wrong in it."""
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.where == place


def test_what_ends_has_an_end_and_holds_its_stops() -> None:
    """A movement or an activity without an end is refused, and so are stops outside the window."""
    with pytest.raises(InputError, match="an end is needed"):
        filings.activity(window=Window(NOON))
    with pytest.raises(InputError, match="an end is needed"):
        filings.movement(window=Window(NOON))
    for window in (Window(NOON + 1, NOON + DAY_US), Window(NOON - DAY_US, NOON + HOUR_US)):
        with pytest.raises(InputError, match="not within the window"):
            filings.movement(window=window)


def test_a_filing_is_seen_by_whom_it_is_released_to() -> None:
    """The one rule of who sees what takes a filing as it is, onward distribution included."""
    pact = Pact("p", parties=(Party("office"), Party("north"), Party("south"), Party("east")))
    silent, said = filings.site(), filings.site(releasable_to=("north",), pass_on=(("north", ("south",)),))
    assert released_to(pact, silent) == ()
    assert released_to(pact, said) == ("north",)
    assert visible(pact, "office", silent)
    assert visible(pact, "south", said, holder="north")
    assert not visible(pact, "east", said, holder="north")
    assert (silent.onward, said.carrier) == (None, "")
