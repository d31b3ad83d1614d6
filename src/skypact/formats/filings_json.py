"""Filings as JSON: what is stored, signed and sent.

Law: **no number in it is a fraction.** Positions are nanodegrees, lengths millimetres, tolerances
microseconds, instants RFC 3339 texts, altitudes the texts that were written. A member that is not known is an
error, since whoever signs has to mean all of it; a member that is there twice is an error too. A filing is
written in one way only, members in a fixed order.

**The text of a position is read again, and has to say what the numbers say** (to a millimetre, since machines
round differently). So a receiver cannot be shown one place and be told another.

How it works. msgspec holds the document against the types below and names the path of what does not fit; what
the domain refuses is told by the same path. ``docs/decisions/0019-form-of-a-filing.md`` has the reasons.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from skypact.airspace.labels import DataMode, Kind
from skypact.errors import FormatError, InputError
from skypact.formats.coordinates import read_position
from skypact.formats.jsonpath import described, parse
from skypact.instants import FOREVER, format_instant, parse_instant
from skypact.notify.filing import (
    Activity,
    Area,
    Disc,
    Filing,
    Movement,
    Outline,
    Site,
    Stop,
    Subject,
    Vehicles,
    Verification,
    Window,
    ZoneDeclaration,
)
from skypact.notify.positions import Notation, Position
from skypact.pact import Contact, Hours

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT: Final = "skypact.filing.1"
"""The member ``format`` of every filing: this form of it."""
FILINGS_MAX: Final = 100_000

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class _Strict(Struct, forbid_unknown_fields=True):
    """A JSON object of which every member is known."""


class _Position(_Strict):
    text: str
    notation: Literal["degrees", "minutes", "seconds", "mgrs"]
    lat_ndeg: int
    lng_ndeg: int
    resolution_mm: int


class _Window(_Strict):
    start: str
    end: str | None
    early_us: int
    late_us: int


class _Contact(_Strict):
    role: str
    hours: list[str]
    reach: list[str]
    languages: list[str]
    person: str
    note: str


class _Circle(_Strict, tag_field="shape", tag="circle"):
    centre: _Position
    radius_mm: int


class _Polygon(_Strict, tag_field="shape", tag="polygon"):
    vertices: list[_Position]


class _Stop(_Strict):
    position: _Position
    arrive: str | None
    depart: str | None
    name: str


class _Vehicles(_Strict):
    count: int
    sort: str
    markings: str


class _Verification(_Strict):
    by: str
    how: str
    at: str


class _Movement(_Strict, tag_field="class", tag="movement"):
    stops: list[_Stop]
    half_width_mm: int
    vehicles: list[_Vehicles]


class _Site(_Strict, tag_field="class", tag="site"):
    what: str
    position: _Position
    radius_mm: int
    reconfirm_by: str
    verification: _Verification | None


class _Activity(_Strict, tag_field="class", tag="activity"):
    what: str
    area: _Circle | _Polygon


class _Zone(_Strict, tag_field="class", tag="zone"):
    zone: str
    area: _Circle | _Polygon
    effect: str
    applies_to: list[Literal["crewed", "uncrewed", "ground", "static"]]


class _Filing(_Strict):
    format: Literal["skypact.filing.1"]
    filer: str
    serial: int
    data_mode: Literal["real", "exercise", "simulated", "test"]
    supersedes: int | None
    name: str
    on_behalf_of: str
    emergency: str
    language: str
    window: _Window
    floor: str
    ceiling: str
    accuracy_mm: int
    subject: _Movement | _Site | _Activity | _Zone
    contact: _Contact
    releasable_to: list[str] | None
    pass_on: dict[str, list[str]] | None
    note: str


_TYPES: Final = msgspec.json.Decoder(_Filing)
"""Never used: making it has msgspec look at the types above once, while one thread imports this module. Two
threads that are the first to convert to a type that refers to others end the process (msgspec 0.22)."""


# -- bytes to the domain --------------------------------------------------------------------------------


def read_filings(data: bytes, name: str) -> list[Filing]:
    """Read one filing, or an array of them.

    Parameters
    ----------
    data
        The document.
    name
        Its name, for messages.

    Raises
    ------
    FormatError
        It is no JSON, or not of this form; names the file, the path, what stands there and what should.
    InputError
        It is of this form and no filing, likewise.
    """
    try:
        document = parse(data).value
        if not isinstance(document, list):
            return [_filing(document)]
        if not 1 <= len(document) <= FILINGS_MAX:
            raise FormatError(
                "not a number of filings",
                found=f"{len(document):,}",
                expected=f"1 to {FILINGS_MAX:,} in one file",
            )
        return [_under(f"[{k}]", _filing, value) for k, value in enumerate(document)]
    except InputError as error:
        raise _plain_path(error).at(name) from None


def is_filing(head: bytes) -> bool:
    """Whether a document that begins so says of itself that it is a filing of this form."""
    return FORMAT.encode() in head and head.lstrip()[:1] in {b"{", b"["}


_Read = TypeVar("_Read")
_Given = TypeVar("_Given")


def _under(place: str, read: Callable[[_Given], _Read], value: _Given) -> _Read:
    """What ``read`` makes of a value, whose errors are those of a place."""
    try:
        return read(value)
    except InputError as error:
        raise error.at(place) from None


def _plain_path(error: InputError) -> InputError:
    """The error, without the dot that a path within the document begins with."""
    return type(error)(
        error.message, where=error.where.removeprefix("."), found=error.found, expected=error.expected
    )


def _filing(value: object) -> Filing:
    try:
        wire = msgspec.convert(value, _Filing)
    except msgspec.ValidationError as error:
        raise _misfit(str(error), value) from None
    return Filing(
        filer=wire.filer,
        serial=wire.serial,
        data_mode=DataMode(wire.data_mode),
        subject=_under(".subject", _subject, wire.subject),
        window=_window(wire.window),
        contact=_contact(wire.contact),
        language=wire.language,
        name=wire.name,
        accuracy_mm=wire.accuracy_mm,
        floor=wire.floor,
        ceiling=wire.ceiling,
        releasable_to=None if wire.releasable_to is None else tuple(wire.releasable_to),
        pass_on=None
        if wire.pass_on is None
        else tuple((holder, tuple(to)) for holder, to in wire.pass_on.items()),
        supersedes=wire.supersedes,
        on_behalf_of=wire.on_behalf_of,
        emergency=wire.emergency,
        note=wire.note,
    )


def _misfit(text: str, value: Any) -> FormatError:
    """What msgspec says of a document, with the value that stands at the place."""
    match = _AT.fullmatch(text)
    what, path = (match["what"], match["path"] or "") if match else (text, "")
    for name, index in _STEP.findall(path):
        value = value[name] if name else value[int(index)]
    found = described(value) if what.startswith(("Expected", "Invalid")) else None
    return FormatError(what[:1].lower() + what[1:].replace("`", "'"), where=path, found=found)


def _subject(wire: _Movement | _Site | _Activity | _Zone) -> Subject:
    if isinstance(wire, _Movement):
        stops = tuple(_under(f".stops[{k}]", _stop, stop) for k, stop in enumerate(wire.stops))
        vehicles = tuple(Vehicles(entry.count, entry.sort, entry.markings) for entry in wire.vehicles)
        return Movement(stops, wire.half_width_mm, vehicles)
    if isinstance(wire, _Site):
        seen = wire.verification
        return Site(
            wire.what,
            _under(".position", _position, wire.position),
            wire.radius_mm,
            parse_instant(wire.reconfirm_by, where=".reconfirm_by"),
            None
            if seen is None
            else Verification(seen.by, seen.how, parse_instant(seen.at, where=".verification.at")),
        )
    area = _under(".area", _area, wire.area)
    if isinstance(wire, _Activity):
        return Activity(wire.what, area)
    return ZoneDeclaration(wire.zone, area, wire.effect, tuple(Kind.parse(kind) for kind in wire.applies_to))


def _area(wire: _Circle | _Polygon) -> Area:
    if isinstance(wire, _Circle):
        return Disc(_under(".centre", _position, wire.centre), wire.radius_mm)
    return Outline(
        tuple(_under(f".vertices[{k}]", _position, vertex) for k, vertex in enumerate(wire.vertices))
    )


def _stop(wire: _Stop) -> Stop:
    return Stop(
        _under(".position", _position, wire.position),
        None if wire.arrive is None else parse_instant(wire.arrive, where=".arrive"),
        None if wire.depart is None else parse_instant(wire.depart, where=".depart"),
        wire.name,
    )


def _position(wire: _Position) -> Position:
    said = Position(wire.text, Notation(wire.notation), wire.lat_ndeg, wire.lng_ndeg, wire.resolution_mm)
    read = read_position(wire.text, where=".text")
    if not read.same_as(said):
        raise InputError(
            "the text and the numbers are not one position",
            found=f"{wire.lat_ndeg}, {wire.lng_ndeg} ({wire.notation}, {wire.resolution_mm} mm)",
            expected=f"what {wire.text!r} says: {read.lat_ndeg}, {read.lng_ndeg} "
            f"({read.notation.value}, {read.resolution_mm} mm)",
        )
    return said


def _window(wire: _Window) -> Window:
    return Window(
        parse_instant(wire.start, where=".window.start"),
        FOREVER if wire.end is None else parse_instant(wire.end, where=".window.end"),
        wire.early_us,
        wire.late_us,
    )


def _contact(wire: _Contact) -> Contact:
    return Contact(
        wire.role,
        tuple(Hours.parse(text, where=f".contact.hours[{k}]") for k, text in enumerate(wire.hours)),
        tuple(wire.reach),
        tuple(wire.languages),
        wire.person,
        wire.note,
    )


# -- the domain to bytes --------------------------------------------------------------------------------


def write_filing(filing: Filing) -> bytes:
    """A filing as JSON: the same filing is always the same bytes."""
    window, contact = filing.window, filing.contact
    wire = _Filing(
        format="skypact.filing.1",
        filer=filing.filer,
        serial=filing.serial,
        data_mode=filing.data_mode.value,
        supersedes=filing.supersedes,
        name=filing.name,
        on_behalf_of=filing.on_behalf_of,
        emergency=filing.emergency,
        language=filing.language,
        window=_Window(
            format_instant(window.start_us), _instant(window.end_us), window.early_us, window.late_us
        ),
        floor=filing.floor,
        ceiling=filing.ceiling,
        accuracy_mm=filing.accuracy_mm,
        subject=_of_subject(filing.subject),
        contact=_Contact(
            contact.role,
            [str(hours) for hours in contact.hours],
            list(contact.reach),
            list(contact.languages),
            contact.person,
            contact.note,
        ),
        releasable_to=None if filing.releasable_to is None else list(filing.releasable_to),
        pass_on=None if filing.pass_on is None else {holder: list(to) for holder, to in filing.pass_on},
        note=filing.note,
    )
    return msgspec.json.encode(wire)


def _instant(at_us: int | None) -> str | None:
    return None if at_us is None or at_us == FOREVER else format_instant(at_us)


def _of_subject(subject: Subject) -> _Movement | _Site | _Activity | _Zone:
    if isinstance(subject, Movement):
        stops = [
            _Stop(_of_position(stop.position), _instant(stop.arrive_us), _instant(stop.depart_us), stop.name)
            for stop in subject.stops
        ]
        vehicles = [_Vehicles(entry.count, entry.sort, entry.markings) for entry in subject.vehicles]
        return _Movement(stops, subject.half_width_mm, vehicles)
    if isinstance(subject, Site):
        seen = subject.verification
        return _Site(
            subject.what,
            _of_position(subject.position),
            subject.radius_mm,
            format_instant(subject.reconfirm_by_us),
            None if seen is None else _Verification(seen.by, seen.how, format_instant(seen.at_us)),
        )
    if isinstance(subject, Activity):
        return _Activity(subject.what, _of_area(subject.area))
    kinds: list[Any] = [kind.word for kind in subject.applies_to]
    return _Zone(subject.zone, _of_area(subject.area), subject.effect, kinds)


def _of_area(area: Area) -> _Circle | _Polygon:
    if isinstance(area, Disc):
        return _Circle(_of_position(area.centre), area.radius_mm)
    return _Polygon([_of_position(vertex) for vertex in area.vertices])


def _of_position(position: Position) -> _Position:
    return _Position(
        position.text,
        position.notation.value,
        position.lat_ndeg,
        position.lng_ndeg,
        position.resolution_mm,
    )
