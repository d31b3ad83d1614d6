"""What a filing claims of the sky and the ground: THE 4D volumes of it, for the engine.

Law: **a volume here is never smaller than what was filed.** Positions may be off by their accuracy and by the
coarseness of their text, and every outline is larger by the sum of both; windows are longer by their
tolerance. A movement is claimed on the whole of a leg from the earliest departure to the latest arrival, and
at a stop for as long as it may be there.

How it works. A circle grows by its radius. A polygon is joined by a strip along each of its edges, as wide to
either side as its corners may be off: together they hold the polygon grown by that. All volumes of one filing
are one body, which is never checked against itself. Ground movements are of the kind *ground*, all else is
*static*.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import rings
from skypact.airspace.labels import Kind, Labels
from skypact.airspace.volumes import Circle, Polygon, Volume4D, Volumes, Zones
from skypact.errors import InputError, ModeError
from skypact.notify.filing import Disc, Movement, Site, ZoneDeclaration
from skypact.pact import Filing as FilingClass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skypact.notify.filing import Area, Filing
    from skypact.notify.positions import Position

_KINDS: Final[Mapping[FilingClass, Kind]] = {FilingClass.MOVEMENT: Kind.GROUND}

NOT_ASKED: Final = frozenset(
    {
        frozenset({FilingClass.SITE}),
        frozenset({FilingClass.SITE, FilingClass.MOVEMENT}),
        frozenset({FilingClass.ZONE}),
    }
)
"""What is not held against each other: two sites, a movement and a site that it visits, two zones. They may
share a place and harm nobody; everything else that meets is found."""


def asked(one: FilingClass, two: FilingClass) -> bool:
    """Whether filings of two classes are held against each other."""
    return frozenset({one, two}) not in NOT_ASKED


def uncertainty_m(filing: Filing, *positions: Position) -> float:
    """How far the worst of some positions of a filing may be from what was meant, metres."""
    return (filing.accuracy_mm + max(position.resolution_mm for position in positions)) / 1_000.0


def volumes_of(filings: Sequence[Filing], *, source: str | Sequence[str] = "") -> Volumes:
    """The volumes of some filings of one data mode, in their order.

    Parameters
    ----------
    filings
        At least one.
    source
        Where they came from, for the labels: one for all, or one each.

    Raises
    ------
    ModeError
        They are of different data modes.
    GeometryError
        An outline is none: it crosses itself, or a leg goes half round the earth.
    """
    sources = [source] * len(filings) if isinstance(source, str) else source
    for other in filings:
        if other.data_mode is not filings[0].data_mode:
            raise ModeError(
                "data modes would be mixed",
                where=other.ref,
                found=f"{filings[0].data_mode.value} and {other.data_mode.value}",
                expected="one data mode in one check",
            )
    rows = [
        (filing, own, place, volume)
        for filing, own in zip(filings, sources, strict=True)
        for place, volume in _extents(filing)
    ]
    labels = Labels.of(
        [filing.title for filing, _, _, _ in rows],
        party=[filing.filer for filing, _, _, _ in rows],
        kind=[_KINDS.get(filing.filing, Kind.STATIC) for filing, _, _, _ in rows],
        source=[own for _, own, _, _ in rows],
        body=[filing.ref for filing, _, _, _ in rows],
        data_mode=filings[0].data_mode,
    )
    where = [f"{filing.ref}{place}" for filing, _, place, _ in rows]
    return Volumes.of(labels, [volume for _, _, _, volume in rows], where=where)


def zones_of(filings: Sequence[Filing], *, source: str | Sequence[str] = "") -> Zones:
    """The zones that some filings declare, in columns for the engine.

    Raises
    ------
    InputError
        One of them declares no zone; else as :func:`volumes_of`.
    """
    volumes = volumes_of(filings, source=source)
    subjects = {}
    for filing in filings:
        if not isinstance(filing.subject, ZoneDeclaration):
            raise InputError("declares no zone", where=filing.ref, found=filing.filing.value)
        subjects[filing.ref] = filing.subject
    rows = [subjects[volumes.labels.body_of(row)] for row in range(len(volumes))]
    return Zones.of(volumes, applies_to=[row.applies_to for row in rows], effect=[row.effect for row in rows])


def _extents(filing: Filing) -> Iterator[tuple[str, Volume4D]]:
    """Each volume, and the place in the filing that it comes from."""
    subject, window = filing.subject, filing.window
    if isinstance(subject, Movement):
        yield from _along(filing, subject)
        return
    area: Area = Disc(subject.position, subject.radius_mm) if isinstance(subject, Site) else subject.area
    for outline in _outlines(filing, area):
        yield (
            ".subject",
            Volume4D(outline, filing.lower, filing.upper, window.opens_us, window.closes_us),
        )


def _outlines(filing: Filing, area: Area) -> Iterator[Circle | Polygon]:
    if isinstance(area, Disc):
        off_m = uncertainty_m(filing, area.centre)
        yield Circle(area.centre.lat_deg, area.centre.lng_deg, area.radius_mm / 1_000.0 + off_m)
        return
    corners = tuple((vertex.lat_deg, vertex.lng_deg) for vertex in area.vertices)
    yield Polygon(corners)
    off_m = uncertainty_m(filing, *area.vertices)
    if off_m > 0.0:
        ring = np.array([*corners, corners[0]])
        for strip in rings.corridor(ring[:, 0], ring[:, 1], off_m):
            yield _polygon(strip)


def _along(filing: Filing, movement: Movement) -> Iterator[tuple[str, Volume4D]]:
    """The strip of each leg, and the circle of each stop where it waits."""
    stops = movement.stops
    width_m = movement.half_width_mm / 1_000.0
    for k, stop in enumerate(stops):
        reach_m = width_m + uncertainty_m(filing, stop.position)
        # a circle at every stop: a strip alone has its whole width at its ends, but no longer time there
        circle = Circle(stop.position.lat_deg, stop.position.lng_deg, reach_m)
        yield f".subject.stops[{k}]", _while(filing, circle, stop.first_us, stop.last_us)
    for k, (one, two) in enumerate(pairwise(stops)):
        lat = np.array([one.position.lat_deg, two.position.lat_deg])
        lng = np.array([one.position.lng_deg, two.position.lng_deg])
        (strip,) = rings.corridor(lat, lng, width_m + uncertainty_m(filing, one.position, two.position))
        yield f".subject.stops[{k}]", _while(filing, _polygon(strip), one.last_us, two.first_us)


def _while(filing: Filing, outline: Circle | Polygon, first_us: int | None, last_us: int | None) -> Volume4D:
    """An outline from an instant to another, both of which are in it, with the tolerance of the window."""
    assert first_us is not None and last_us is not None  # noqa: S101, PT018 -- stops of a movement have times
    window = filing.window
    start, end = first_us - window.early_us, last_us + max(window.late_us, 1)
    return Volume4D(outline, filing.lower, filing.upper, start, end)


def _polygon(strip: rings.Ring) -> Polygon:
    return Polygon(tuple((float(lat), float(lng)) for lat, lng in strip))
