"""What a careful reader would remark on in a filing that can be used.

Law: a remark decides nothing and refuses nothing; it is what a watch-keeper would ask back about. A warning
is what is probably not meant, a note is a fact to know. The present and the pact enter as arguments.

The two that have cost lives: a position that is somewhere else than meant (exchanged, or in another
hemisphere), and a site that nobody has looked after since.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from skypact.airspace.boxes import boxes
from skypact.airspace.rings import bearing
from skypact.instants import DAY_US, FOREVER, SECOND_US, format_instant
from skypact.notify.claimed import uncertainty_m
from skypact.notify.filing import Disc, Movement, Site
from skypact.notify.notice import lead
from skypact.pact import Remark, Severity
from skypact.pact.hours import WEEK_MIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skypact.airspace.boxes import LatLngBox
    from skypact.notify.filing import Filing
    from skypact.notify.positions import Position
    from skypact.pact import Pact

ROAD_M_S: Final = 40.0
"""144 km/h: a leg that takes less is no convoy's."""
AROUND_DEG: Final = 1.0
"""So far around the pact's zones is still where the pact is about."""
_MINUTE_US: Final = 60 * SECOND_US
_MONDAY_US: Final = 4 * DAY_US  # 1970-01-05 was a Monday


def remarks(filings: Iterable[Filing], *, filed_us: int, pact: Pact | None = None) -> list[Remark]:
    """Warnings and notes on filings, in their order.

    Parameters
    ----------
    filings
        What was filed.
    filed_us
        When it was, or now: microseconds since 1970 UTC.
    pact
        The agreement under which it was filed; without one, nothing is said of notice, area and parties.
    """
    area = [] if pact is None else area_of(pact)
    found: list[Remark] = []
    for filing in filings:
        found += [*_on_its_time(filing, filed_us), *_on_its_places(filing), *_on_its_contact(filing)]
        if pact is not None:
            found += _on_notice(filing, pact, filed_us)
            found += _on_the_area(filing, area)
            found += _on_parties(filing, pact)
    return found


def misplaced(position: Position, area: Sequence[LatLngBox]) -> str:
    """How a position outside an area would lie inside it; "" where it is inside, or in no way would be.

    Tried are latitude and longitude exchanged, and the other hemispheres.
    """
    lat, lng = position.lat_deg, position.lng_deg
    if not area or _inside(lat, lng, area):
        return ""
    for text, (other_lat, other_lng) in (
        ("latitude and longitude exchanged", (lng, lat)),
        ("south for north or north for south", (-lat, lng)),
        ("west for east or east for west", (lat, -lng)),
        ("both hemispheres the other way", (-lat, -lng)),
        ("exchanged, and in another hemisphere", (-lng, lat)),
        ("exchanged, and in another hemisphere", (lng, -lat)),
    ):
        if abs(other_lat) <= 90.0 and _inside(other_lat, other_lng, area):
            return text
    return ""


def area_of(pact: Pact) -> list[LatLngBox]:
    """Where a pact is about: its zones, as boxes; none where it has no zone that is ever in force."""
    zones = pact.zones_in_force()
    return [] if zones is None else boxes(zones.volumes)


def _inside(lat: float, lng: float, area: Sequence[LatLngBox]) -> bool:
    return any(
        box.south - AROUND_DEG <= lat <= box.north + AROUND_DEG
        and (lng - box.west + AROUND_DEG) % 360.0 <= box.east - box.west + 2.0 * AROUND_DEG
        for box in area
    )


def _on_its_time(filing: Filing, now_us: int) -> Iterator[Remark]:
    if filing.window.closes_us <= now_us:
        yield _warning(filing, ".window", f"was over at {format_instant(filing.window.closes_us)}")
    subject = filing.subject
    if isinstance(subject, Site):
        if subject.reconfirm_by_us <= now_us:
            yield _warning(
                filing,
                ".subject.reconfirm_by",
                f"stale: was to be confirmed again by {format_instant(subject.reconfirm_by_us)}; "
                "it is checked all the same, and is no less protected",
            )
        if subject.verification is None:
            yield _note(filing, ".subject.verification", "nobody is said to have looked at it")
        elif subject.verification.at_us > now_us:
            yield _warning(filing, ".subject.verification.at", "was looked at in the future")
    if isinstance(subject, Movement):
        for k, (one, two) in enumerate(pairwise(subject.stops)):
            a, b = one.position, two.position
            metres = bearing(a.lat_deg, a.lng_deg, b.lat_deg, b.lng_deg)[1]
            seconds = ((two.first_us or 0) - (one.last_us or 0)) / SECOND_US
            if metres > ROAD_M_S * seconds:
                yield _warning(
                    filing,
                    f".subject.stops[{k + 1}]",
                    f"{metres / 1000.0:,.1f} km from the stop before in {seconds / 60.0:,.0f} min: "
                    "a position or a time is wrong",
                )


def _on_its_places(filing: Filing) -> Iterator[Remark]:
    subject = filing.subject
    if isinstance(subject, Movement):
        size_mm = subject.half_width_mm
    elif isinstance(subject, Site):
        size_mm = subject.radius_mm
    elif isinstance(subject.area, Disc):
        size_mm = subject.area.radius_mm
    else:
        return
    for place, position in filing.positions():
        off_m = uncertainty_m(filing, position)
        if off_m * 1_000.0 > size_mm:
            yield _warning(
                filing,
                place,
                f"{position.text!r} may be {off_m:,.0f} m from what is meant, more than the "
                f"{size_mm / 1_000.0:,.0f} m around it; it is checked that much larger",
            )


def _on_its_contact(filing: Filing) -> Iterator[Remark]:
    """The first minute of the window at which nobody is at the post; a week of it tells all."""
    window = filing.window
    week = 0
    for span in filing.contact.hours:
        week |= span.week
    first = (window.opens_us - _MONDAY_US) // _MINUTE_US
    minutes = min(-((window.opens_us - window.closes_us) // _MINUTE_US), WEEK_MIN)
    open_minutes = ~((week | week << WEEK_MIN) >> first % WEEK_MIN) & ((1 << minutes) - 1)
    if open_minutes:
        at = first + (open_minutes & -open_minutes).bit_length() - 1
        yield _warning(
            filing,
            ".contact.hours",
            f"nobody is at the post at {format_instant(at * _MINUTE_US + _MONDAY_US)}, while it lasts",
        )


def _on_notice(filing: Filing, pact: Pact, filed_us: int) -> Iterator[Remark]:
    found = lead(filing, pact.notices, filed_us)
    if found.late_us:
        yield _warning(filing, ".window", found.text)


def _on_the_area(filing: Filing, area: Sequence[LatLngBox]) -> Iterator[Remark]:
    for place, position in filing.positions():
        how = misplaced(position, area)
        if how:
            yield _warning(
                filing,
                place,
                f"{position.text!r} is outside of where the pact's zones are, and would be inside with {how}",
            )


def _on_parties(filing: Filing, pact: Pact) -> Iterator[Remark]:
    if pact.party(filing.filer) is None:
        yield _warning(filing, ".filer", f"{filing.filer!r} is no party of the pact {pact.id}")
    for k, party in enumerate(filing.releasable_to or ()):
        if pact.party(party) is None:
            yield _warning(filing, f".releasable_to[{k}]", f"{party!r} is no party of the pact {pact.id}")
    if filing.data_mode is not pact.data_mode:
        yield _warning(
            filing, ".data_mode", f"{filing.data_mode.value} under a pact that is {pact.data_mode.value}"
        )
    if filing.window.end_us != FOREVER and not pact.in_force(filing.window.start_us):
        yield _note(filing, ".window", f"begins when the pact {pact.id} is not in force")


def _warning(filing: Filing, place: str, text: str) -> Remark:
    return Remark(Severity.WARNING, f"{filing.title}, {place.removeprefix('.')}", text)


def _note(filing: Filing, place: str, text: str) -> Remark:
    return Remark(Severity.NOTE, f"{filing.title}, {place.removeprefix('.')}", text)
