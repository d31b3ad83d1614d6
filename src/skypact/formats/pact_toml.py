"""A pact in TOML: the text that the parties sign, read into a :class:`~skypact.pact.Pact`.

Law: a word that is not understood is an error, never passed over, because the parties will each believe
that it holds. Everything wrong is found in one reading (:func:`lint`); :func:`read_pact` refuses the file
for any of it. So a pact that lints without an error can be used, and one that cannot be used lints with
one. ``docs/pact.md`` has the keys.

How it works. The standard library reads TOML; each table is then read by key, and what is wrong is
collected with its place. The geometry of a zone is checked where all volumes are checked, one zone at a
time, so that each is reported.

Known limits: a text of over :data:`SIZE_MAX` bytes or with a dotted key of over 100 parts is refused, and
after :data:`ERRORS_MAX` errors the reading ends. TOML keeps no line numbers, so a place is a table and a
key, except for errors of syntax. Comments are for people and are lost.

Source: TOML 1.0.0.
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeVar

from skypact.airspace.altitude import parse_ceiling, parse_floor
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.separation import Minima, Proximity, Rule, Separation
from skypact.airspace.volumes import Circle, Polygon, Volume4D, Volumes
from skypact.errors import FormatError, InputError
from skypact.formats.contents import Contents, Defaults
from skypact.instants import EVER, FOREVER, from_datetime, parse_instant
from skypact.pact import (
    APPLIES_BY_DEFAULT,
    Pact,
    Party,
    Remark,
    Severity,
    Zone,
    contradictions,
    place,
    remarks,
)
from skypact.units import parse_duration_s, parse_length_m

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZE_MAX: Final = 2 * 1024 * 1024
"""The largest text that is read, in bytes."""
ERRORS_MAX: Final = 200
"""After so many errors the reading ends."""

_TABLES: Final = ("pact", "party", "separation", "proximity", "zone")
_PACT: Final = ("id", "title", "data_mode", "effective", "until", "note")
_PARTY: Final = ("id", "name", "note")
_SEPARATION: Final = ("name", "between", "horizontal", "vertical", "lookahead")
_PROXIMITY: Final = ("between", "until", "note")
_ZONE: Final = (
    "id",
    "name",
    "circle",
    "polygon",
    "floor",
    "ceiling",
    "from",
    "until",
    "applies_to",
    "effect",
    "declared_by",
    "recognised_by",
    "reserved_by",
    "rejected_by",
    "note",
)
_CIRCLE: Final = ("center", "radius")
_MEANT: Final = {
    "centre": "center",
    "mode": "data_mode",
    "agreed": "recognised_by",
    "agreed_by": "recognised_by",
    "recognized_by": "recognised_by",
    "lower": "floor",
    "upper": "ceiling",
    "start": "from",
    "end": "until",
    "expires": "until",
    "to": "until",
    "description": "note",
    "parties": "party",
    "rule": "separation",
    "minima": "separation",
    "zones": "zone",
    "formation": "proximity",
}
# how the engine names the parts of a volume, and what they are called here
_FIELDS: Final = {
    "radius": "circle.radius",
    "lower altitude": "floor",
    "upper altitude": "ceiling",
    "outline": "polygon",
}

_INSTANT: Final = "an instant with its offset, like 2017-06-08T18:00:00Z"
_LENGTH: Final = 'a length with its unit, like "5 NM" or "1000 ft"'
_DURATION: Final = 'a duration with its unit, like "5 min"'
_ALTITUDE: Final = 'a text like "1500 ft AMSL", "FL350", "surface" or "unlimited"'
_SIDES: Final = 'two texts, like ["crewed", "uncrewed"]'
_POSITION: Final = "[latitude, longitude] in degrees, latitude first"

_PLACE_IN_TEXT = re.compile(r"\(at line (\d+), column (\d+)\)$", re.ASCII)
# Reading a dotted key costs the square of its parts.
_ENDLESS_KEY = re.compile(
    r"""(?<![\w"'.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+[.][ \t]*+){100}""", re.ASCII
)
_JOINERS = "\u200c\u200d"  # invisible, and needed to write Persian and several Indian languages
_T = TypeVar("_T")


def read_pact(data: bytes, name: str, defaults: Defaults = Defaults()) -> Contents:  # noqa: B008 -- frozen, holds no state
    """Read a pact.

    Parameters
    ----------
    data
        The text, UTF-8.
    name
        The file's name, for messages.
    defaults
        Its data mode is taken where the pact names none.

    Returns
    -------
    Contents
        With ``pact``; its zones are :meth:`~skypact.pact.Pact.zones_in_force` and are not in ``zones``.

    Raises
    ------
    FormatError
        It is not TOML, a key is unknown or missing, or a value is not what its key needs.
    PactError
        It contradicts itself.
    GeometryError
        A zone's outline or altitude is not one.
    """
    pact, errors, said = _read(data, defaults.data_mode)
    if pact is None:
        error = errors[0]
        if len(errors) > 1:
            many = f"{len(errors)} errors" if len(errors) < ERRORS_MAX else f"{ERRORS_MAX} errors or more"
            error = type(error)(
                f"{error.message} (the first of {many}; skypact pact lint lists them)",
                where=error.where,
                found=error.found,
                expected=error.expected,
            )
        raise error.at(name)
    counts = {
        "parties": len(pact.parties),
        "separation rules": len(pact.separation.rules),
        "agreed proximities": len(pact.separation.proximities),
        "zones": len(pact.zones),
    }
    return Contents(path=name, format="pact", pact=pact, counts=counts, ignored=tuple(r.text for r in said))


def lint(data: bytes, name: str, *, now_us: int | None = None) -> list[Remark]:
    """Say everything that is wrong with a pact; if nothing is, all that a careful reader would remark on.

    Parameters
    ----------
    data
        The text, UTF-8.
    name
        The file's name, for errors of syntax, which have a line and a column.
    now_us
        The present, microseconds since 1970 UTC; where given, what has expired is remarked on.
    """
    pact, errors, said = _read(data, None)
    if pact is None:
        found = [Remark.of_error(e.at(name) if e.where.startswith(":") else e) for e in errors]
        if len(errors) >= ERRORS_MAX:
            found.append(Remark(Severity.ERROR, name, f"the reading ended after {ERRORS_MAX} errors"))
        return found
    return said + remarks(pact, now_us=now_us)


# -- reading ----------------------------------------------------------------------------------------------


class _Enough(Exception):  # noqa: N818 -- no error: it ends the reading
    """There are enough errors."""


class _Errors:
    """What is wrong, in the order in which it was found."""

    def __init__(self) -> None:
        self.found: list[InputError] = []

    def add(self, error: InputError) -> None:
        self.found.append(error)
        if len(self.found) >= ERRORS_MAX:
            raise _Enough


def _read(data: bytes, mode: DataMode | None) -> tuple[Pact | None, list[InputError], list[Remark]]:
    """The pact, or everything that is wrong with it; and what was taken for granted."""
    errors = _Errors()
    said: list[Remark] = []
    try:
        pact = _pact(_parsed(data), errors, said, mode)
    except InputError as error:
        errors.found.append(error)
        pact = None
    except _Enough:
        pact = None
    return (None if errors.found else pact), errors.found, said


def _parsed(data: bytes) -> dict[str, object]:
    if len(data) > SIZE_MAX:
        raise FormatError(
            "too long for a pact", found=f"{len(data):,} bytes", expected=f"at most {SIZE_MAX:,} bytes"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place_of(data[: error.start].decode("utf-8", "replace"))
        raise FormatError(
            "not text in UTF-8",
            where=f":{line}:{column}",
            found=f"byte 0x{data[error.start]:02x}",
            expected="UTF-8",
        ) from None
    if _ENDLESS_KEY.search(text) is not None:
        raise FormatError("a key with over 100 dots in it", expected="the keys of docs/pact.md")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise FormatError("nested too deeply", expected="the tables of docs/pact.md") from None
    except ValueError as error:  # TOMLDecodeError is one; so is an integer of 5,000 digits
        message = str(error)
        at = _PLACE_IN_TEXT.search(message)
        if at is not None:
            message, where = message[: at.start()].rstrip(), f":{at[1]}:{at[2]}"
        else:
            line, column = _place_of(text)
            ended = message.endswith("(at end of document)")
            message = message.removesuffix("(at end of document)").rstrip()
            where = f":{line}:{column}" if ended else ""
        raise FormatError(f"not TOML: {message[:200]}", where=where) from None


def _place_of(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Table:
    """One table while it is read: every wrong value is an error with its place, and the next key is read."""

    def __init__(
        self, values: dict[str, object], keys: Sequence[str], errors: _Errors, where: tuple[str, int | None]
    ) -> None:
        self.values = values
        self._errors = errors
        self.failed = False
        name = values.get("id", values.get("name"))
        self._place = (*where, name if isinstance(name, str) else "")
        for key in values:
            if key not in keys:
                self.fail(_unknown(key, keys, self.where(), "key"))

    def where(self, key: str = "") -> str:
        return place(*self._place, key)

    def fail(self, error: InputError) -> None:
        self.failed = True
        self._errors.add(error)

    def wrong(self, key: str, message: str, expected: str | None = None, *, found: object = None) -> None:
        if found is None:
            found = _shown(self.values[key]) if key in self.values else None
        self.fail(FormatError(message, where=self.where(key), found=found, expected=expected))

    def text(self, key: str, *, needed: bool = False, lines: bool = False) -> str:
        """The text of a key; "" where it is missing or wrong."""
        value = self.values.get(key)
        if value is None:
            if needed:
                self.wrong(key, "missing", "a text")
        elif not isinstance(value, str):
            self.wrong(key, "not a text", "a text in quotes")
        elif self._fit(key, value, needed=needed, lines=lines):
            return value
        return ""

    def _fit(self, key: str, value: str, *, needed: bool, lines: bool) -> bool:
        if needed and not value:
            self.wrong(key, "empty", "a text")
        elif value != value.strip() and not lines:
            self.wrong(key, "blanks at an end of the text", "none")
        elif not value.isprintable():
            allowed = _JOINERS + ("\n\t" if lines else "")
            bad = next((c for c in value if not c.isprintable() and c not in allowed), None)
            if bad is None:
                return True
            self.wrong(key, "a character that cannot be seen", "text", found=f"U+{ord(bad):04X}")
        else:
            return True
        return False

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list; none where it is missing or wrong."""
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(key, "not a list of texts", 'a list like ["coalition"]')
        elif all(self._fit(key, item, needed=True, lines=False) for item in value):
            return tuple(value)
        return ()

    def sides(self) -> tuple[str, str]:
        """The two sides of ``between``."""
        value = self.texts("between")
        if len(value) == 2:
            return value[0], value[1]
        if "between" not in self.values:
            self.wrong("between", "missing", _SIDES)
        elif value or self.values["between"] == []:  # otherwise it has been reported
            self.wrong("between", "not two sides", _SIDES)
        return "", ""

    def parsed(
        self, key: str, parse: Callable[[str], _T], expected: str, *, needed: bool = False
    ) -> _T | None:
        """What ``parse`` reads from the text of a key; None where it is missing or wrong."""
        value = self.values.get(key)
        if value is None:
            if needed:
                self.wrong(key, "missing", expected)
        elif not isinstance(value, str):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            self.wrong(key, "a number without its unit" if number else "not a text", expected)
        else:
            try:
                return parse(value)
            except InputError as error:
                self.fail(error)
            except ValueError as error:  # its text says what was found and what was expected
                self.fail(FormatError(str(error), where=self.where(key)))
        return None

    def instant(self, key: str) -> int | None:
        """The instant of a key, microseconds since 1970 UTC; None where it is missing or wrong."""
        value = self.values.get(key)
        if value is None:
            return None
        try:
            if isinstance(value, datetime):
                return from_datetime(value, where=self.where(key))
            if isinstance(value, str):
                return parse_instant(value, where=self.where(key))
        except InputError as error:
            self.fail(FormatError(error.message, where=error.where, found=error.found, expected=_INSTANT))
            return None
        short = isinstance(value, date | time)
        self.wrong(key, "a date or a time alone" if short else "not an instant", _INSTANT)
        return None


class _Words:
    """Words about a value, which are shown without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def _shown(value: object) -> object:
    """A value as TOML has it, or what sort of value it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _Words(str(value).lower())
    if isinstance(value, dict):
        return _Words("a table")
    if isinstance(value, datetime | date | time):
        return _Words(value.isoformat())
    try:
        if not isinstance(value, list):
            return _Words(str(value))
        if len(value) <= 4 and all(isinstance(v, str | int | float) for v in value):
            return _Words(json.dumps(value, ensure_ascii=False))
    except ValueError:  # an integer of over 4,300 digits, written in hexadecimal
        return _Words("an endless number")
    return _Words(f"a list of {len(value)}")


def _unknown(key: str, known: Sequence[str], where: str, what: str) -> FormatError:
    meant = _MEANT.get(key.lower(), "")
    close = [meant] if meant in known else get_close_matches(key[:40].lower(), known, 1, 0.6)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return FormatError(f"unknown {what}{hint}", where=where, found=key, expected=", ".join(known))


def _tables(document: dict[str, object], name: str, errors: _Errors) -> list[dict[str, object] | None]:
    """The tables of an array; None for what is none."""
    value = document.get(name, [])
    if isinstance(value, dict):
        errors.add(FormatError("one table where there may be several", where=name, expected=f"[[{name}]]"))
        value = [value]
    if not isinstance(value, list):
        errors.add(FormatError("not a table", where=name, found=_shown(value), expected=f"[[{name}]]"))
        return []
    tables: list[dict[str, object] | None] = []
    for row, item in enumerate(value):
        tables.append(item if isinstance(item, dict) else None)
        if tables[-1] is None:
            where = place(name, row)
            errors.add(FormatError("not a table", where=where, found=_shown(item), expected=f"[[{name}]]"))
    return tables


def _pact(
    document: dict[str, object], errors: _Errors, said: list[Remark], mode: DataMode | None
) -> Pact | None:
    for name in document:
        if name not in _TABLES:
            errors.add(_unknown(name, _TABLES, "", "table"))
    head = document.get("pact")
    if not isinstance(head, dict):
        message = "no [pact] table" if head is None else "[pact] must be one table"
        errors.add(FormatError(message, where="pact", expected="[pact] with its id"))
        head = {"id": "?"}
    table = _Table(dict(head), _PACT, errors, ("pact", None))
    pact_id = table.text("id", needed=True)
    title = table.text("title")
    note = table.text("note", lines=True)
    stated = table.parsed(
        "data_mode", lambda text: DataMode.parse(text, where=table.where("data_mode")), "a text"
    )
    if "data_mode" not in head:
        stated = mode or DataMode.REAL
        said.append(Remark(Severity.WARNING, "pact", f"data_mode is missing; taken to be {stated.value}"))
    effective, until = table.instant("effective"), table.instant("until")
    effective_us = EVER if effective is None else effective
    until_us = FOREVER if until is None else until

    parties = [
        _each(t, _party, _PARTY, errors, "party", row)
        for row, t in enumerate(_tables(document, "party", errors))
    ]
    rules = [
        _each(t, _rule, _SEPARATION, errors, "separation", row)
        for row, t in enumerate(_tables(document, "separation", errors))
    ]
    proximities = [
        _each(t, lambda table: _proximity(table, until_us), _PROXIMITY, errors, "proximity", row)
        for row, t in enumerate(_tables(document, "proximity", errors))
    ]
    zones = [
        _each(t, _zone, _ZONE, errors, "zone", row) for row, t in enumerate(_tables(document, "zone", errors))
    ]

    for contradiction in contradictions(
        parties, rules, proximities, zones, effective_us=effective_us, until_us=until_us
    ):
        errors.add(contradiction)
    if errors.found or stated is None:
        return None
    return Pact(
        pact_id,
        title,
        stated,
        effective_us,
        until_us,
        _whole(parties),
        Separation(_whole(rules), _whole(proximities)),
        _whole(zones),
        note,
    )


def _whole(entries: Sequence[_T | None]) -> tuple[_T, ...]:
    return tuple(entry for entry in entries if entry is not None)


def _each(
    values: dict[str, object] | None,
    read: Callable[[_Table], _T | None],
    keys: Sequence[str],
    errors: _Errors,
    name: str,
    row: int,
) -> _T | None:
    """One entry of an array of tables; None if anything in it is wrong."""
    if values is None:
        return None
    table = _Table(values, keys, errors, (name, row))
    entry = read(table)
    return None if table.failed else entry


def _party(table: _Table) -> Party:
    return Party(table.text("id", needed=True), table.text("name"), table.text("note", lines=True))


def _rule(table: _Table) -> Rule | None:
    one, two = table.sides()
    name = table.text("name")
    horizontal = table.parsed("horizontal", parse_length_m, _LENGTH, needed=True)
    vertical = table.parsed("vertical", parse_length_m, _LENGTH, needed=True)
    lookahead = table.parsed("lookahead", parse_duration_s, _DURATION)
    if horizontal is None or vertical is None or table.failed:
        return None
    try:
        minima = (
            Minima(horizontal, vertical) if lookahead is None else Minima(horizontal, vertical, lookahead)
        )
    except InputError as error:
        key, _, unit = error.where.rpartition("_")
        table.wrong(key, error.message, f"{error.expected} {unit}", found=f"{error.found} {unit}")
        return None
    if not name:
        lengths = " / ".join(" ".join(str(table.values[key]).split()) for key in ("horizontal", "vertical"))
        name = f"{one}/{two} {lengths}"
    return Rule(name, (one, two), minima)


def _proximity(table: _Table, until_us: int) -> Proximity:
    until = table.instant("until")
    return Proximity(table.sides(), until_us if until is None else until, table.text("note", lines=True))


def _zone(table: _Table) -> Zone | None:
    zone_id = table.text("id", needed=True)
    outline = _outline(table)
    lower = table.parsed("floor", lambda text: parse_floor(text, where=table.where("floor")), _ALTITUDE)
    upper = table.parsed("ceiling", lambda text: parse_ceiling(text, where=table.where("ceiling")), _ALTITUDE)
    start, end = table.instant("from"), table.instant("until")
    zone_texts = {
        "effect": table.text("effect"),
        "declared_by": table.text("declared_by"),
        "name": table.text("name"),
        "note": table.text("note", lines=True),
    }
    stances = {key: table.texts(key) for key in ("recognised_by", "reserved_by", "rejected_by")}
    kinds = _kinds(table)
    if outline is None or table.failed:
        return None
    volume = Volume4D(outline, lower, upper)
    try:  # as the engine will: its errors are the pact's errors
        Volumes.of(Labels.of([zone_id], kind=Kind.STATIC), [volume], where=[table.where()])
    except InputError as error:
        field = error.where.removeprefix(table.where() + ", ")
        where = table.where(_FIELDS.get(field, field))
        table.fail(type(error)(error.message, where=where, found=error.found, expected=error.expected))
        return None
    volume = Volume4D(
        outline, lower, upper, EVER if start is None else start, FOREVER if end is None else end
    )
    return Zone(zone_id, volume, kinds, **zone_texts, **stances)  # type: ignore[arg-type]  # texts and lists by key


def _kinds(table: _Table) -> tuple[Kind, ...]:
    if "applies_to" not in table.values:
        return APPLIES_BY_DEFAULT
    kinds: dict[Kind, None] = {}
    for text in table.texts("applies_to"):
        try:
            kinds[Kind.parse(text, where=table.where("applies_to"))] = None
        except InputError as error:
            table.fail(error)
    return tuple(kinds)


def _outline(table: _Table) -> Circle | Polygon | None:
    circle, polygon = table.values.get("circle"), table.values.get("polygon")
    if circle is not None and polygon is not None:
        table.wrong("polygon", "a zone has one outline", "circle or polygon, not both")
    elif polygon is not None:
        return _polygon(table, polygon)
    elif circle is None:
        table.fail(FormatError("no outline", where=table.where(), expected="circle or polygon"))
    elif not isinstance(circle, dict):
        table.wrong("circle", "not a table", '{ center = [33.5046, 38.6180], radius = "55 km" }')
    else:
        return _circle(table, circle)
    return None


def _circle(table: _Table, circle: dict[str, object]) -> Circle | None:
    for key in circle:
        if key not in _CIRCLE:
            table.fail(_unknown(key, _CIRCLE, table.where("circle"), "key"))
    center = _position(table, circle.get("center"), "circle.center")
    radius = circle.get("radius")
    if not isinstance(radius, str):
        message = "missing" if radius is None else "not a text"
        found = None if radius is None else _shown(radius)
        table.wrong("circle.radius", message, _LENGTH, found=found)
        return None
    try:
        radius_m = parse_length_m(radius)
    except ValueError as error:
        table.fail(FormatError(str(error), where=table.where("circle.radius")))
        return None
    return None if center is None else Circle(*center, radius_m)


def _polygon(table: _Table, polygon: object) -> Polygon | None:
    if not isinstance(polygon, list):
        table.wrong("polygon", "not a list", f"a list of {_POSITION}")
        return None
    vertices = []
    for index, value in enumerate(polygon):
        vertex = _position(table, value, f"polygon[{index}]")
        if vertex is None:  # the first is enough: where the order is wrong, it is wrong in all
            return None
        vertices.append(vertex)
    return Polygon(tuple(vertices))


def _position(table: _Table, value: object, key: str) -> tuple[float, float] | None:
    if value is None:
        table.wrong(key, "missing", _POSITION)
        return None
    if isinstance(value, list) and len(value) == 2:
        numbers = [v for v in value if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) == 2 and abs(numbers[0]) <= 90 and abs(numbers[1]) <= 360:  # NaN compares false
            return float(numbers[0]), float(numbers[1])
    table.wrong(key, "not a position", _POSITION, found=_shown(value))
    return None
