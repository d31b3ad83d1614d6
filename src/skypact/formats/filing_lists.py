"""Lists of sites and of movements, as planners have them: CSV and XLSX to filings.

Law: **a list is taken whole or not at all.** Every row is read and every fault is told with its row and
column; if there is one, nothing of the list is taken. What a column means is in the tables below and nowhere
else, and a column that is not in them is an error: a heading that begins with ``#`` is for people alone.

A length has its unit, in the cell (``500 m``) or in the heading (``radius_m``). A time has its offset, in
the cell (``2026-05-04T12:00:00Z``) or by a heading that ends in ``_utc``. Several things in one cell are
parted by semicolons. A list of movements has a row for each stop; rows of one serial are one movement, in
their order, and what is said of the whole movement is said in its first row, or the same in each.

How cells become texts is in ``filing_lists_cells.py``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

from skypact.airspace.labels import DataMode
from skypact.errors import FormatError, InputError
from skypact.formats.coordinates import read_pair, read_position
from skypact.formats.filing_lists_cells import ZIP_MAGIC, read_sheets
from skypact.instants import FOREVER, SECOND_US, parse_instant
from skypact.notify.filing import Filing, Movement, Site, Stop, Vehicles, Verification, Window
from skypact.pact import Contact, Hours
from skypact.units import parse_duration_s, parse_length_m

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from skypact.formats.filing_lists_cells import Row, Sheet
    from skypact.notify.positions import Position

ERRORS_MAX: Final = 200
"""So many faults are told; a list with more is of another kind."""
UNDETERMINED: Final = "und"
"""The language of a list that does not say it (ISO 639-2)."""

_COMMON: Final = (
    "floor",
    "ceiling",
    "contact_role",
    "contact_hours",
    "contact_reach",
    "language",
    "party",
    "data_mode",
    "releasable_to",
    "supersedes",
    "on_behalf_of",
    "emergency",
    "note",
)
_PLACE: Final = ("position", "latitude", "longitude", "accuracy")
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "sites": (
        *("serial", "name", "what", *_PLACE, "radius", "from", "until", "early", "late"),
        *("reconfirm_by", "verified_by", "verified_how", "verified_at", *_COMMON),
    ),
    "movements": (
        *("serial", "name", "stop", *_PLACE, "half_width", "arrive", "depart", "early", "late"),
        *("vehicles", *_COMMON),
    ),
}
"""The columns of each list."""
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "sites": (
        "serial",
        "what",
        "radius",
        "from",
        "reconfirm_by",
        "contact_role",
        "contact_hours",
        "contact_reach",
    ),
    "movements": ("serial", "half_width", "vehicles", "contact_role", "contact_hours", "contact_reach"),
}
"""The columns that a list must have. A position is needed too, in one column or in two; so are a party and a
data mode, in columns or from whoever reads the list."""
ALIASES: Final[Mapping[str, str]] = {
    "no": "serial",
    "number": "serial",
    "coordinates": "position",
    "mgrs": "position",
    "lat": "latitude",
    "lng": "longitude",
    "lon": "longitude",
    "long": "longitude",
    "type": "what",
    "start": "from",
    "end": "until",
    "arrival": "arrive",
    "departure": "depart",
    "organisation": "on_behalf_of",
    "remarks": "note",
}
"""Other headings that are read as one of these."""
_LENGTHS: Final = frozenset({"radius", "accuracy", "half_width"})
_TIMES: Final = frozenset({"from", "until", "reconfirm_by", "verified_at", "arrive", "depart"})
_OF_A_STOP: Final = frozenset({"position", "latitude", "longitude", "stop", "arrive", "depart"})
"""Columns whose value is that of a row; all others are of the movement."""
_OF_A_PLACE: Final[Mapping[str, str]] = {
    ".radius_mm": "radius",
    ".half_width_mm": "half_width",
    ".accuracy_mm": "accuracy",
    ".verification.by": "verified_by",
    ".verification.how": "verified_how",
    ".window": "from, until",
    ".window.early_us": "early",
    ".window.late_us": "late",
    ".contact.role": "contact_role",
    ".filer": "party",
}
"""The column in which a person finds what the domain refuses by another name."""

_FOR_PEOPLE: Final = "#"
"""A heading that begins so is of no column."""
_CELL = re.compile(r"[^,;\t\"\r]+")
_BARE = re.compile(r"\d{1,12}(?:[.]\d{1,12})?", re.ASCII)
_NO_OFFSET = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:[.]\d{1,6})?)?", re.ASCII)
_VEHICLES = re.compile(r"(\d{1,5})(?: *x| *\u00d7)? +([^()]+?)(?: *\(([^()]*)\))?", re.ASCII)
_ENDLESS: Final = 1e12
"""More metres or seconds than any filing may have; so many are as good as more."""
_STOP = re.compile(r"\.stops\[(\d+)\]", re.ASCII)
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class ListDefaults:
    """What is taken where the list itself does not say: whose filings they are, and their data mode."""

    party: str = ""
    data_mode: DataMode | None = None


@dataclass(frozen=True, slots=True)
class ListRead:
    """What became of a list: its filings, or its faults; never some of both."""

    filings: tuple[Filing, ...]
    errors: tuple[InputError, ...]


def read_list(data: bytes, name: str, defaults: ListDefaults | None = None) -> ListRead:
    """Read a list, or a workbook of lists.

    Parameters
    ----------
    data
        The file's bytes.
    name
        Its name; every fault begins with it.
    defaults
        What is taken where it does not say.

    Raises
    ------
    FormatError
        It is no list at all: neither CSV nor XLSX, too large, or without rows.
    """
    filings: list[Filing] = []
    errors: list[InputError] = []
    sheets = read_sheets(data, name)
    for sheet in sheets:
        reading = _List(sheet, defaults or ListDefaults())
        filings += reading.filings()
        errors += reading.errors
    if not filings and not errors:
        raise FormatError("a list without rows", where=name, expected="a header and a row for each")
    if len(errors) > ERRORS_MAX:
        more = len(errors) - ERRORS_MAX + 1
        errors = [
            *errors[: ERRORS_MAX - 1],
            FormatError(f"{more:,} more faults, which are not told", where=name),
        ]
    return ListRead(() if errors else tuple(filings), tuple(errors))


def looks_like_a_list(head: bytes) -> bool:
    """Whether a file that begins so is a list: a workbook, or a header with ``serial`` and an extent."""
    if head.startswith(ZIP_MAGIC):
        return True
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0].decode("utf-8", "replace")
    names = {_meaning("_".join(text.lower().split()))[0] for text in _CELL.findall(first)}
    return "serial" in names and bool(names & {"radius", "half_width"})


class _List:
    """One sheet while it is read."""

    def __init__(self, sheet: Sheet, defaults: ListDefaults) -> None:
        self.errors: list[InputError] = list(sheet.errors)
        self._sheet = sheet
        self._defaults = defaults
        self._kind = ""
        self._columns: dict[int, tuple[str, str]] = {}
        before = len(self.errors)
        self._read_header()
        self._unreadable = len(self.errors) > before

    def _read_header(self) -> None:
        """Which list it is, and what each column is: its name and what its heading adds, ``m`` or ``utc``."""
        headings = {at: "_".join(text.lower().split()) for at, text in self._sheet.header.items()}
        self._columns = {at: _meaning(text) for at, text in headings.items()}
        told = {at: meaning for at, meaning in self._columns.items() if meaning[0] != _FOR_PEOPLE}
        names = [name for name, _ in told.values()]
        kinds = [kind for kind, mark in (("sites", "radius"), ("movements", "half_width")) if mark in names]
        place = self._sheet.place
        if len(kinds) != 1:
            self.errors.append(
                FormatError(
                    "not a list of sites or of movements",
                    where=place,
                    found=", ".join(headings.values())[:200],
                    expected="a column radius (sites) or half_width (movements); "
                    "'skypact notify template sites' prints one",
                )
            )
            return
        (self._kind,) = kinds
        known = COLUMNS[self._kind]
        for at, (name, _) in told.items():
            where = f"{place}, heading {self._sheet.header[at]!r}"
            if name not in known:
                close = get_close_matches(name[:40], known, 1, 0.6)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                self.errors.append(
                    FormatError(
                        f"no column of a list of {self._kind}{hint}",
                        where=where,
                        expected=f"{', '.join(known)}; or # in front, for people alone",
                    )
                )
            elif names.count(name) > 1:
                self.errors.append(FormatError("a column that is there twice", where=where, expected="one"))
        missing = [name for name in NEEDED[self._kind] if name not in names]
        if "position" not in names and not {"latitude", "longitude"} <= set(names):
            missing.append("position (or latitude and longitude)")
        if missing:
            self.errors.append(
                FormatError(
                    "columns are missing", where=place, found=", ".join(names), expected=", ".join(missing)
                )
            )

    def filings(self) -> list[Filing]:
        """The filings that could be read; the faults of all others are in ``errors``."""
        if self._unreadable:
            return []
        rows = [_Row(row, self._columns, self.errors) for row in self._sheet.rows]
        groups = [[row] for row in rows] if self._kind == "sites" else _grouped(rows)
        return [filing for group in groups if (filing := self._made(group)) is not None]

    def _made(self, rows: Sequence[_Row]) -> Filing | None:
        """The filing of a row, or of the rows of a movement; None after its faults."""
        try:
            made = self._site(rows[0]) if self._kind == "sites" else self._movement(rows)
        except InputError as error:
            self.errors.append(_seen_from(rows, error))
            return None
        return None if any(row.failed for row in rows) else made

    def _site(self, row: _Row) -> Filing | None:
        position, radius_mm, what = row.position(), row.length_mm("radius"), row.text("what", needed=True)
        start, until = row.instant("from", needed=True), row.instant("until")
        again = row.instant("reconfirm_by", needed=True)
        seen = _verification(row)
        common = self._common(row)
        if row.failed or position is None or radius_mm is None or start is None or again is None:
            return None
        site = Site(what, position, radius_mm, again, seen)
        window = Window(start, FOREVER if until is None else until, *row.tolerance())
        return Filing(subject=site, window=window, **common)

    def _movement(self, rows: Sequence[_Row]) -> Filing | None:
        first = rows[0]
        stops = []
        for row in rows:
            position, arrive, depart = row.position(), row.instant("arrive"), row.instant("depart")
            if position is not None:
                stops.append(Stop(position, arrive, depart, row.text("stop")))
            row.agree_with(first)
        half_width_mm, vehicles = first.length_mm("half_width"), _vehicles(first)
        common = self._common(first)
        if any(row.failed for row in rows) or half_width_mm is None:
            return None
        movement = Movement(tuple(stops), half_width_mm, vehicles)
        window = Window(movement.start_us, movement.end_us, *first.tolerance())
        return Filing(subject=movement, window=window, **common)

    def _common(self, row: _Row) -> dict[str, Any]:
        """What every filing has, as its fields; nothing of it is used where the row has failed."""
        mode = row.parsed("data_mode", DataMode.parse) or self._defaults.data_mode
        if mode is None and not row.text("data_mode"):
            row.fault(
                "data_mode", "missing: is it real, or an exercise?", "real, exercise, simulated or test"
            )
        party = row.text("party") or self._defaults.party
        if not party:
            row.fault("party", "missing: whose filing is it?", "the id of a party")
        released = row.several("releasable_to", str)
        return {
            "filer": party,
            "serial": row.whole("serial", needed=True),
            "data_mode": mode,
            "contact": Contact(
                row.text("contact_role", needed=True),
                row.several("contact_hours", Hours.parse, needed=True),
                row.several("contact_reach", str, needed=True),
            ),
            "language": row.text("language") or UNDETERMINED,
            "name": row.text("name"),
            "accuracy_mm": row.length_mm("accuracy", default=0),
            "floor": row.text("floor") or "surface",
            "ceiling": row.text("ceiling") or "unlimited",
            "releasable_to": {(): None, ("nobody",): ()}.get(released, released),
            "supersedes": row.whole("supersedes"),
            "on_behalf_of": row.text("on_behalf_of"),
            "emergency": row.text("emergency"),
            "note": row.text("note"),
        }


def _meaning(heading: str) -> tuple[str, str]:
    """The column that a heading names, and what it adds: ``m``, ``utc`` or nothing."""
    if heading.startswith(_FOR_PEOPLE):
        return _FOR_PEOPLE, ""
    for added, columns in (("m", _LENGTHS), ("utc", _TIMES)):
        bare = heading.removesuffix(f"_({added})").removesuffix(f"_{added}")
        name = ALIASES.get(bare, bare)
        if bare != heading and name in columns:
            return name, added
    return ALIASES.get(heading, heading), ""


def _grouped(rows: Sequence[_Row]) -> list[list[_Row]]:
    """The rows of each serial, in their order; a row without one stands alone, and fails by itself."""
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        groups.setdefault(row.text("serial") or row.place, []).append(row)
    return list(groups.values())


def _seen_from(rows: Sequence[_Row], error: InputError) -> FormatError:
    """A fault that the domain found, with the row and the column in which a person finds it."""
    stop = _STOP.match(error.where)
    row = rows[int(stop[1])] if stop else rows[0]
    column = "arrive, depart" if stop else _OF_A_PLACE.get(error.where, error.where.lstrip("."))
    where = f"{row.place}, {column}" if column else row.place
    return FormatError(error.message, where=where, found=error.found, expected=error.expected)


class _Row:
    """One row while it is read: every wrong cell is a fault with its place, and the next is read.

    Parameters
    ----------
    row
        Its texts by column number.
    columns
        What each column is.
    errors
        Where faults go.
    """

    def __init__(self, row: Row, columns: Mapping[int, tuple[str, str]], errors: list[InputError]) -> None:
        self.place = row.place
        self.failed = bool(row.spoiled)
        self._errors = errors
        self._spoiled = {columns[at][0] for at in row.spoiled if at in columns}
        self._texts: dict[str, str] = {}
        self._added: dict[str, str] = {}
        for at, text in row.cells.items():
            if at not in columns:
                self.fault(f"column {at + 1}", "a value under no heading", "a heading", found=text)
                continue
            name, added = columns[at]
            if name != _FOR_PEOPLE:
                self._texts[name], self._added[name] = text, added

    def fault(
        self, column: str, message: str, expected: str | None = None, *, found: str | None = None
    ) -> None:
        """Something is wrong in a column."""
        self.failed = True
        self._errors.append(
            FormatError(message, where=f"{self.place}, {column}", found=found, expected=expected)
        )

    def text(self, column: str, *, needed: bool = False) -> str:
        """The text of a column; "" where it is empty, or is nothing that can be read."""
        text = self._texts.get(column, "")
        if needed and not text and column not in self._spoiled:
            self.fault(column, "missing", "a value in each row")
        return text

    def parsed(self, column: str, parse: Callable[[str], _Read], *, needed: bool = False) -> _Read | None:
        """What ``parse`` reads of a column; None where it is empty or wrong."""
        text = self.text(column, needed=needed)
        if not text:
            return None
        try:
            return parse(text)
        except InputError as error:
            self.failed = True
            self._errors.append(
                FormatError(
                    error.message,
                    where=f"{self.place}, {column}",
                    found=error.found,
                    expected=error.expected,
                )
            )
        except ValueError as error:
            self.fault(column, str(error))
        return None

    def whole(self, column: str, *, needed: bool = False) -> int | None:
        """The whole number of a column."""
        return self.parsed(column, _whole, needed=needed)

    def length_mm(self, column: str, *, default: int | None = None) -> int | None:
        """The length of a column in millimetres, rounded up; ``default`` where it is empty."""
        needed = default is None
        text = self.text(column, needed=needed)
        if not text:
            return default
        in_metres = self._added[column] == "m"
        return self.parsed(column, lambda text: _length_mm(text, in_metres=in_metres))

    def instant(self, column: str, *, needed: bool = False) -> int | None:
        """The instant of a column, microseconds since 1970 UTC."""
        in_utc = self._added.get(column) == "utc"
        return self.parsed(column, lambda text: _instant_us(text, in_utc=in_utc), needed=needed)

    def tolerance(self) -> tuple[int, int]:
        """How much earlier and later it may be, microseconds."""
        return self._duration_us("early"), self._duration_us("late")

    def _duration_us(self, column: str) -> int:
        seconds = self.parsed(column, parse_duration_s)
        return 0 if seconds is None else math.ceil(min(seconds, _ENDLESS) * SECOND_US)

    def several(
        self, column: str, parse: Callable[[str], _Read], *, needed: bool = False
    ) -> tuple[_Read, ...]:
        """What is parted by semicolons."""
        read = self.parsed(column, lambda text: tuple(parse(part) for part in _parts(text)), needed=needed)
        return () if read is None else read

    def position(self) -> Position | None:
        """The position of the row, from its one column or its two."""
        lat, lng = self.text("latitude"), self.text("longitude")
        if not lat and not lng and not {"latitude", "longitude"} & self._spoiled:
            return self.parsed("position", read_position, needed=True)
        if self.text("position"):
            self.fault("position", "two positions in one row", "position, or latitude and longitude")
        elif self.text("latitude", needed=True) and self.text("longitude", needed=True):
            return self.parsed("latitude", lambda lat: read_pair(lat, lng))
        return None

    def agree_with(self, first: _Row) -> None:
        """A fault for each value of the movement that is another than in its first row."""
        for column, text in self._texts.items():
            if column not in _OF_A_STOP and text != first.text(column):
                expected = f"the same as in {first.place}, or nothing"
                self.fault(column, "another value within one movement", expected, found=text)


def _verification(row: _Row) -> Verification | None:
    by, how, at = row.text("verified_by"), row.text("verified_how"), row.instant("verified_at")
    if by and how and at is not None:
        return Verification(by, how, at)
    if by or how or row.text("verified_at"):
        row.fault("verified_by", "a verification needs who, how and when", "all three, or none of them")
    return None


def _vehicles(row: _Row) -> tuple[Vehicles, ...]:
    return row.several("vehicles", _vehicle, needed=True)


def _vehicle(text: str) -> Vehicles:
    match = _VEHICLES.fullmatch(text)
    if match is None:
        raise InputError("not vehicles", found=text, expected="like 3 truck (white); 1 ambulance")
    return Vehicles(int(match[1]), match[2], (match[3] or "").strip())


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,16}", text, re.ASCII):
        raise InputError("not a whole number", found=text, expected="1, 2, 3, ...")
    return int(text)


def _length_mm(text: str, *, in_metres: bool) -> int:
    bare = _BARE.fullmatch(text) is not None
    if bare is not in_metres:
        raise InputError(
            "a length with two units" if in_metres else "a length without its unit",
            found=text,
            expected="a bare number under this heading" if in_metres else "like 500 m, or a heading in _m",
        )
    metres = min(float(text) if bare else parse_length_m(text), _ENDLESS)
    return math.ceil(round(metres, 9) * 1_000.0)


def _instant_us(text: str, *, in_utc: bool) -> int:
    naive = _NO_OFFSET.fullmatch(text)
    if naive is None:
        return parse_instant(text)
    if not in_utc:
        raise InputError(
            "a time without its offset",
            found=text,
            expected="like 2026-05-04T12:00:00Z, or a heading in _utc",
        )
    day, minute, second = naive.groups()
    return parse_instant(f"{day}T{minute}{second or ':00'}Z")


def _parts(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split(";") if part.strip())
