"""What a party files beside flights: movements, sites, activities, zones.

Law: a filing says what its filer says and is believed by nobody for it. **Acknowledged is not agreed; not
listed is not unprotected; no conflict found is not clear.** Whole numbers in stated units and texts only: a
filing is signed, and two machines never read it differently. What has no ceiling is open upwards, what has no
end is open in time: what was left out claims more, never less.

Each filing is checked where it is made, and gives THE 4D volumes for the engine (:mod:`.claimed`). A zone's
recognition is not here: each party says for itself, of a zone as of everything else.

Sources of the fields: the standard operating procedure of OCHA's humanitarian notification system in Yemen,
2021 (positions or movement data, route in detail, markings, emergency flagged as such); FAA Order 7930.2
(serials whose gaps show); airspace control measures (shape, window, data mode).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from skypact.airspace.altitude import Altitude, parse_ceiling, parse_floor
from skypact.airspace.labels import DataMode, Kind
from skypact.errors import InputError
from skypact.instants import DAY_US, EVER, FOREVER, format_instant
from skypact.pact import APPLIES_BY_DEFAULT, Contact
from skypact.pact import Filing as FilingClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.notify.positions import Position

SERIAL_MAX: Final = 2**53 - 1
"""Numbers beyond are not read alike by all readers of JSON (RFC 8259, section 6)."""
NAME_MAX: Final = 200
TEXT_MAX: Final = 2_000
LENGTH_MAX_MM: Final = 1_000_000_000
"""1,000 km: radii, widths and accuracies beyond are mistakes."""
TOLERANCE_MAX_US: Final = 30 * DAY_US
STOPS_MAX: Final = 1_000
VERTICES_MAX: Final = 1_000
VEHICLES_MAX: Final = 100

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)
_JOINERS: Final = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when, half-open, microseconds since 1970 UTC; and how much earlier or later it may be.

    Attributes
    ----------
    start_us, end_us
        As planned; :data:`~skypact.instants.FOREVER` where there is no end.
    early_us, late_us
        The tolerance: by how much it may begin before, and go on after. What is claimed includes it.
    """

    start_us: int
    end_us: int = FOREVER
    early_us: int = 0
    late_us: int = 0

    def __post_init__(self) -> None:
        if not EVER < self.start_us < self.end_us <= FOREVER:
            raise InputError(
                "a window ends after it begins",
                where=".window",
                found=f"{format_instant(self.start_us)} to {format_instant(self.end_us)}",
                expected="a beginning, and an end after it",
            )
        for name, value in (("early_us", self.early_us), ("late_us", self.late_us)):
            if not 0 <= value <= TOLERANCE_MAX_US:
                raise InputError(
                    "not a tolerance", where=f".window.{name}", found=value, expected="0 to 30 days"
                )

    @property
    def opens_us(self) -> int:
        """The earliest that it may begin."""
        return self.start_us - self.early_us

    @property
    def closes_us(self) -> int:
        """When it is over at the latest; FOREVER where it has no end."""
        return FOREVER if self.end_us == FOREVER else self.end_us + self.late_us


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle: its centre as it was written, and its radius in millimetres."""

    centre: Position
    radius_mm: int

    def __post_init__(self) -> None:
        _length(self.radius_mm, ".radius_mm", least=1)


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon with geodesic edges: its corners as they were written."""

    vertices: tuple[Position, ...]

    def __post_init__(self) -> None:
        _count(self.vertices, ".vertices", "corners", 3, VERTICES_MAX)


Area = Disc | Outline


@dataclass(frozen=True, slots=True)
class Stop:
    """A place that a movement starts from, passes or ends at.

    Attributes
    ----------
    position, name
        Where; what people call it.
    arrive_us, depart_us
        When; None where it does not say: who has one of the two has both there.
    """

    position: Position
    arrive_us: int | None = None
    depart_us: int | None = None
    name: str = ""

    @property
    def first_us(self) -> int | None:
        """When it is there first."""
        return self.depart_us if self.arrive_us is None else self.arrive_us

    @property
    def last_us(self) -> int | None:
        """When it is there last."""
        return self.arrive_us if self.depart_us is None else self.depart_us


@dataclass(frozen=True, slots=True)
class Vehicles:
    """So many vehicles of a sort, and how they can be told: ``2``, ``ambulance``, ``white, red crescent``."""

    count: int
    sort: str
    markings: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """A convoy: where it goes and when, how far from the legs its road may lead, how it can be told.

    Attributes
    ----------
    stops
        In the order of the way. It is claimed for the whole of a leg for as long as it takes.
    half_width_mm
        How far its road leads from the straight legs between the stops, at most.
    vehicles
        What it consists of.
    """

    stops: tuple[Stop, ...]
    half_width_mm: int
    vehicles: tuple[Vehicles, ...]

    def __post_init__(self) -> None:
        _length(self.half_width_mm, ".half_width_mm", least=1)
        _count(self.stops, ".stops", "stops", 2, STOPS_MAX)
        _count(self.vehicles, ".vehicles", "kinds of vehicles", 1, VEHICLES_MAX)
        for k, vehicles in enumerate(self.vehicles):
            where = f".vehicles[{k}]"
            if not 1 <= vehicles.count <= 10_000:
                raise InputError(
                    "not a number of vehicles", where=where, found=vehicles.count, expected="1 to 10,000"
                )
            _line(vehicles.sort, f"{where}.sort", needed=True)
            _line(vehicles.markings, f"{where}.markings")
        for k, stop in enumerate(self.stops):
            _line(stop.name, f".stops[{k}].name")
            if stop.first_us is None or stop.last_us is None:
                raise InputError(
                    "a stop without a time",
                    where=f".stops[{k}]",
                    expected="when it arrives, or when it departs",
                )
            if stop.last_us < stop.first_us:
                raise InputError(
                    "departs before it arrives",
                    where=f".stops[{k}]",
                    found=f"{format_instant(stop.first_us)}, then {format_instant(stop.last_us)}",
                )
        for k, (one, two) in enumerate(pairwise(self.stops)):
            if one.last_us is not None and two.first_us is not None and two.first_us <= one.last_us:
                raise InputError(
                    "arrives before it has left the stop before",
                    where=f".stops[{k + 1}]",
                    found=format_instant(two.first_us),
                    expected=f"after {format_instant(one.last_us)}",
                )

    @property
    def start_us(self) -> int:
        """When it is at its first stop first."""
        return _known(self.stops[0].first_us)

    @property
    def end_us(self) -> int:
        """When it is at its last stop last."""
        return _known(self.stops[-1].last_us)


@dataclass(frozen=True, slots=True)
class Verification:
    """Who looked whether a site is where it is said to be, how, and when (microseconds since 1970 UTC)."""

    by: str
    how: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Site:
    """A place that stays: a hospital, a school, a well.

    Attributes
    ----------
    what
        What it is, in the filer's words.
    position, radius_mm
        Its middle, and how far it reaches.
    reconfirm_by_us
        Until when its filer says it again. A site beyond that is *stale*, and shown as such; it is checked
        all the same, and it is no less protected.
    verification
        None where nobody looked.
    """

    what: str
    position: Position
    radius_mm: int
    reconfirm_by_us: int
    verification: Verification | None = None

    def __post_init__(self) -> None:
        _line(self.what, ".what", needed=True)
        _length(self.radius_mm, ".radius_mm", least=1)
        if self.verification is not None:
            _line(self.verification.by, ".verification.by", needed=True)
            _line(self.verification.how, ".verification.how", needed=True)


@dataclass(frozen=True, slots=True)
class Activity:
    """Something dangerous to others that its filer will do: what, in his words, and where."""

    what: str
    area: Area

    def __post_init__(self) -> None:
        _line(self.what, ".what", needed=True)


@dataclass(frozen=True, slots=True)
class ZoneDeclaration:
    """Airspace to which its filer gives a meaning. Whether anybody recognises it is for each to say.

    Attributes
    ----------
    zone
        Its id.
    area
        Where.
    effect
        What entry means, in the words of who declares it. Shown, never interpreted.
    applies_to
        The kinds of thing whose entry is found.
    """

    zone: str
    area: Area
    effect: str
    applies_to: tuple[Kind, ...] = APPLIES_BY_DEFAULT

    def __post_init__(self) -> None:
        _line(self.zone, ".zone", needed=True)
        _line(self.effect, ".effect", needed=True, most=TEXT_MAX)
        _count(self.applies_to, ".applies_to", "kinds", 1, len(Kind))


Subject = Movement | Site | Activity | ZoneDeclaration

CLASSES: Final[Mapping[type[Subject], FilingClass]] = {
    Movement: FilingClass.MOVEMENT,
    Site: FilingClass.SITE,
    Activity: FilingClass.ACTIVITY,
    ZoneDeclaration: FilingClass.ZONE,
}
"""What is filed, and its class in the pact. A flight is filed with :mod:`.flight`."""


@dataclass(frozen=True, slots=True)
class Filing:
    """One version of what a party files.

    Attributes
    ----------
    filer
        The party whose it is.
    serial
        Its number among all that this party files, from 1, without a gap: what is missing shows.
    data_mode
        Whether it is about the world, an exercise, a simulation or a test.
    subject
        What is filed.
    window
        When.
    contact
        Who is reached while it lasts: the post, its hours, how.
    language
        Of its texts, a BCP 47 tag.
    name
        What people call it.
    accuracy_mm
        How far the positions may be from what was meant, beside the coarseness of their text.
    floor, ceiling
        As they were written: ``surface``, ``5000 ft AMSL``, ``unlimited``.
    releasable_to
        The parties that may see it; None: the pact's release rules hold.
    pass_on
        For a receiver, to whom he may pass it on; None: the pact's release rules hold.
    supersedes
        The serial of the version that this one replaces; None for a first one.
    on_behalf_of
        For whom it is filed, in words; the filer answers for it.
    emergency
        Why it could not be filed in the normal time; "" where it is no emergency.
    note
        For people.

    Raises
    ------
    InputError
        Something in it is not what it has to be; the place begins with a dot.
    """

    filer: str
    serial: int
    data_mode: DataMode
    subject: Subject
    window: Window
    contact: Contact
    language: str
    name: str = ""
    accuracy_mm: int = 0
    floor: str = "surface"
    ceiling: str = "unlimited"
    releasable_to: tuple[str, ...] | None = None
    pass_on: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    supersedes: int | None = None
    on_behalf_of: str = ""
    emergency: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        _line(self.filer, ".filer", needed=True)
        for name, text in (
            ("name", self.name),
            ("on_behalf_of", self.on_behalf_of),
            ("emergency", self.emergency),
        ):
            _line(text, f".{name}")
        _line(self.note, ".note", most=TEXT_MAX)
        if not 1 <= self.serial <= SERIAL_MAX:
            raise InputError("not a serial", where=".serial", found=self.serial, expected="1, 2, 3, ...")
        if self.supersedes is not None and not 1 <= self.supersedes < self.serial:
            raise InputError(
                "supersedes what was not filed before it",
                where=".supersedes",
                found=self.supersedes,
                expected=f"a serial of the same filer before {self.serial}",
            )
        if _LANGUAGE.fullmatch(self.language) is None:
            raise InputError(
                "not a language", where=".language", found=self.language, expected="a tag of BCP 47, like en"
            )
        _length(self.accuracy_mm, ".accuracy_mm", least=0)
        _reachable(self.contact)
        for k, party in enumerate(self.releasable_to or ()):
            _line(party, f".releasable_to[{k}]", needed=True)
        parse_floor(self.floor, where=".floor")
        parse_ceiling(self.ceiling, where=".ceiling")
        self._fits_its_window()

    def _fits_its_window(self) -> None:
        subject, window = self.subject, self.window
        if isinstance(subject, Movement | Activity) and window.end_us == FOREVER:
            raise InputError("an end is needed", where=".window", expected="when it is over")
        if isinstance(subject, Movement) and not (
            window.start_us <= subject.start_us and subject.end_us <= window.end_us
        ):
            raise InputError(
                "the stops are not within the window",
                where=".subject.stops",
                found=f"{format_instant(subject.start_us)} to {format_instant(subject.end_us)}",
                expected=f"{format_instant(window.start_us)} to {format_instant(window.end_us)}",
            )

    @property
    def ref(self) -> str:
        """Whose it is and its serial, ``office/12``: one filing has one."""
        return f"{self.filer}/{self.serial}"

    @property
    def title(self) -> str:
        """Its reference and its name, for people."""
        return f"{self.ref} {self.name}".rstrip()

    @property
    def filing(self) -> FilingClass:
        """Its class, as the pact's rules have it."""
        return CLASSES[type(self.subject)]

    @property
    def onward(self) -> Mapping[str, tuple[str, ...]] | None:
        """To whom a receiver may pass it on, as :func:`skypact.pact.visible` asks."""
        return None if self.pass_on is None else dict(self.pass_on)

    @property
    def carrier(self) -> str:
        """Always "": who carried a filing is known to who keeps it, and is no part of it."""
        return ""

    @property
    def lower(self) -> Altitude | None:
        """The floor; None: from the surface."""
        return parse_floor(self.floor)

    @property
    def upper(self) -> Altitude | None:
        """The ceiling; None: unlimited."""
        return parse_ceiling(self.ceiling)

    def positions(self) -> tuple[tuple[str, Position], ...]:
        """Every position in it, each with its place."""
        subject = self.subject
        if isinstance(subject, Movement):
            return tuple(
                (f".subject.stops[{k}].position", stop.position) for k, stop in enumerate(subject.stops)
            )
        if isinstance(subject, Site):
            return ((".subject.position", subject.position),)
        if isinstance(subject.area, Disc):
            return ((".subject.area.centre", subject.area.centre),)
        return tuple(
            (f".subject.area.vertices[{k}]", vertex) for k, vertex in enumerate(subject.area.vertices)
        )


def _known(instant_us: int | None) -> int:
    assert instant_us is not None  # noqa: S101 -- a movement's stops have times, see its __post_init__
    return instant_us


def _reachable(contact: Contact) -> None:
    _line(contact.role, ".contact.role", needed=True)
    _line(contact.person, ".contact.person")
    for field, values in (("hours", contact.hours), ("reach", contact.reach)):
        _count(values, f".contact.{field}", field, 1, 20)
    for k, way in enumerate(contact.reach):
        _line(way, f".contact.reach[{k}]", needed=True)


def _line(text: str, where: str, *, needed: bool = False, most: int = NAME_MAX) -> None:
    if needed and not text:
        raise InputError("missing", where=where, expected="a text")
    bad = next((c for c in text if not c.isprintable() and c not in _JOINERS), None)
    if bad is not None:
        raise InputError(
            "a character that cannot be seen",
            where=where,
            found=f"U+{ord(bad):04X}",
            expected="one line of text",
        )
    if text != text.strip():
        raise InputError("blanks at an end of the text", where=where, found=text, expected="none")
    if len(text) > most:
        raise InputError(
            "too long", where=where, found=f"{len(text):,} characters", expected=f"at most {most:,}"
        )


def _length(value_mm: int, where: str, *, least: int) -> None:
    if not least <= value_mm <= LENGTH_MAX_MM:
        raise InputError(
            "not a length here", where=where, found=f"{value_mm:,} mm", expected=f"{least} mm to 1,000 km"
        )


def _count(items: Sequence[object], where: str, what: str, least: int, most: int) -> None:
    if not least <= len(items) <= most:
        raise InputError(
            f"not a number of {what}", where=where, found=len(items), expected=f"{least} to {most:,}"
        )
