"""Filings for tests: one of each class, any field of which can be changed."""

from __future__ import annotations

from typing import Any

from skypact.airspace.labels import DataMode
from skypact.formats.coordinates import read_position
from skypact.instants import DAY_US, FOREVER, HOUR_US, parse_instant
from skypact.notify.filing import (
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
from skypact.pact import Contact, Hours

NOON = parse_instant("2026-05-04T12:00:00Z")
"""A Monday."""
DESK = Contact("notification desk", (Hours(),), ("phone +000 0021",))
AROUND = tuple(
    read_position(text)
    for text in ("33.50000, 38.60000", "33.50000, 38.70000", "33.60000, 38.70000", "33.60000, 38.60000")
)


def filing(subject: Any, **more: Any) -> Filing:
    """A filing of an office, of tomorrow."""
    fields: dict[str, Any] = {
        "filer": "office",
        "serial": 1,
        "data_mode": DataMode.EXERCISE,
        "subject": subject,
        "window": Window(NOON, NOON + DAY_US),
        "contact": DESK,
        "language": "en",
    }
    return Filing(**fields | more)


def site(*, radius_mm: int = 100_000, position: str = "37SDT6284506790", **more: Any) -> Filing:
    """A hospital that stays."""
    hospital = Site(
        "hospital",
        read_position(position),
        radius_mm,
        NOON + 30 * DAY_US,
        Verification("office", "visit", NOON - 10 * DAY_US),
    )
    return filing(hospital, **{"window": Window(NOON, FOREVER), "name": "City hospital"} | more)


def movement(**more: Any) -> Filing:
    """A convoy of two hours, 30 km, with a stop of 20 minutes."""
    stops = (
        Stop(read_position("33.50000, 38.60000"), None, NOON, "depot"),
        Stop(read_position("33.60000, 38.60000"), NOON + HOUR_US, NOON + HOUR_US + HOUR_US // 3),
        Stop(read_position("33.60000, 38.80000"), NOON + 2 * HOUR_US, None, "clinic"),
    )
    convoy = Movement(stops, 500_000, (Vehicles(3, "truck", "white"), Vehicles(1, "ambulance")))
    return filing(convoy, **{"window": Window(NOON, NOON + 2 * HOUR_US), "name": "Convoy"} | more)


def activity(**more: Any) -> Filing:
    """Something dangerous within an outline, up to 5,000 ft."""
    return filing(Activity("range practice", Outline(AROUND)), **{"ceiling": "5000 ft AMSL"} | more)


def zone(**more: Any) -> Filing:
    """A zone of 5 km."""
    area = Disc(read_position("33.55000, 38.65000"), 5_000_000)
    return filing(ZoneDeclaration("crossing", area, "call before entry"), **more)
