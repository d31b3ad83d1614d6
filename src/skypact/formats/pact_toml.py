"""A pact in TOML: the text that the parties sign, read into a :class:`~skypact.pact.Pact`.

Law: a word that is not understood is an error, never passed over, because the parties will each believe
that it holds. Everything wrong is found in one reading (:func:`lint`); :func:`read_pact` refuses the file
for any of it. So a pact that lints without an error can be used, and one that cannot be used lints with
one. ``docs/pact.md`` has the keys.

How it works. The standard library reads TOML; each table is then read by key (``pact_table.py``), and what
is wrong is collected with its place. The terms beside distance and zones are in ``pact_terms.py``. The
geometry of a zone is checked where all volumes are checked, one zone at a time, so that each is reported.

Known limits: a text of over :data:`SIZE_MAX` bytes or with a dotted key of over 100 parts is refused, and
after :data:`ERRORS_MAX` errors the reading ends. TOML keeps no line numbers, so a place is a table and a
key, and its line is looked for in the text (``pact_lines.py``). Comments are for people and are lost.

Source: TOML 1.0.0.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from typing import Final

from skypact.airspace.altitude import parse_ceiling, parse_floor
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.separation import Minima, Proximity, Rule, Separation
from skypact.airspace.volumes import Circle, Polygon, Volume4D, Volumes
from skypact.errors import FormatError, InputError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.pact_lines import line_of, lines_of
from skypact.formats.pact_table import ERRORS_MAX, Enough, Errors, Table, every, shown, unknown, whole
from skypact.formats.pact_terms import DURATION, LENGTH, PARTY, TERMS, party, read_terms
from skypact.instants import EVER, FOREVER
from skypact.pact import (
    APPLIES_BY_DEFAULT,
    Draft,
    Pact,
    Remark,
    Severity,
    Zone,
    contradictions,
    remarks,
)
from skypact.units import parse_duration_s, parse_length_m

SIZE_MAX: Final = 2 * 1024 * 1024
"""The largest text that is read, in bytes."""
_TABLES: Final = ("pact", "party", "separation", "proximity", "zone", *TERMS)
_PACT: Final = ("id", "title", "version", "supersedes", "data_mode", "effective", "until", "note")
_SEPARATION: Final = ("name", "between", "horizontal", "vertical", "lookahead")
_PROXIMITY: Final = ("between", "until", "note")
_ZONE: Final = (
    "id",
    "name",
    "datum",
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
    "reservations",
    "note",
)
_CIRCLE: Final = ("center", "radius")
_DATUM: Final = ("WGS 84", "WGS84", "WGS-84")
# how the engine names the parts of a volume, and what they are called here
_FIELDS: Final = {
    "radius": "circle.radius",
    "lower altitude": "floor",
    "upper altitude": "ceiling",
    "outline": "polygon",
}

_ALTITUDE: Final = 'a text like "1500 ft AMSL", "FL350", "surface" or "unlimited"'
_POSITION: Final = "[latitude, longitude] in degrees, latitude first"

_PLACE_IN_TEXT = re.compile(r"\(at line (\d+), column (\d+)\)$", re.ASCII)
# Reading a dotted key costs the square of its parts.
_ENDLESS_KEY = re.compile(
    r"""(?<![\w"'.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+[.][ \t]*+){100}""", re.ASCII
)


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
        line = 0 if error.where.startswith(":") else line_of(error.where, _lines(data))
        raise error.at(f"{name}:{line}" if line else name)
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
        The file's name, for errors of syntax, which have a line and a column of their own.
    now_us
        The present, microseconds since 1970 UTC; where given, what has expired is remarked on.
    """
    pact, errors, said = _read(data, None)
    if pact is None:
        found = [Remark.of_error(e.at(name) if e.where.startswith(":") else e) for e in errors]
        if len(errors) >= ERRORS_MAX:
            found.append(Remark(Severity.ERROR, name, f"the reading ended after {ERRORS_MAX} errors"))
    else:
        found = said + remarks(pact, now_us=now_us)
    lines = _lines(data) if found else {}
    return [replace(remark, line=line_of(remark.place, lines)) for remark in found]


def _lines(data: bytes) -> dict[str, int]:
    return lines_of(data.decode("utf-8-sig", "replace")) if len(data) <= SIZE_MAX else {}


# -- reading ----------------------------------------------------------------------------------------------


def _read(data: bytes, mode: DataMode | None) -> tuple[Pact | None, list[InputError], list[Remark]]:
    """The pact, or everything that is wrong with it; and what was taken for granted."""
    errors = Errors()
    said: list[Remark] = []
    try:
        pact = _pact(_parsed(data), errors, said, mode)
    except InputError as error:
        errors.found.append(error)
        pact = None
    except Enough:
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


def _pact(
    document: dict[str, object], errors: Errors, said: list[Remark], mode: DataMode | None
) -> Pact | None:
    for name in document:
        if name not in _TABLES:
            errors.add(unknown(name, _TABLES, "", "table"))
    head = document.get("pact")
    if not isinstance(head, dict):
        message = "no [pact] table" if head is None else "[pact] must be one table"
        errors.add(FormatError(message, where="pact", expected="[pact] with its id"))
        head = {"id": "?"}
    table = Table(dict(head), _PACT, errors, ("pact", None))
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

    parties = every(document, "party", PARTY, errors, party)
    rules = every(document, "separation", _SEPARATION, errors, _rule)
    proximities = every(document, "proximity", _PROXIMITY, errors, lambda table: _proximity(table, until_us))
    zones = every(document, "zone", _ZONE, errors, _zone)
    terms = read_terms(document, errors)
    version = table.whole("version")
    supersedes = table.text("supersedes")

    draft = Draft(
        parties=parties,
        rules=rules,
        proximities=proximities,
        zones=zones,
        effective_us=effective_us,
        until_us=until_us,
        version=1 if version is None else version,
        supersedes=supersedes,
        notices=terms.notices,
        timers=terms.timers,
        readback=terms.readback,
        releases=terms.releases,
        intermediaries=terms.intermediaries,
        witnesses=terms.witnesses,
        amendment=terms.amendment,
    )
    for contradiction in contradictions(draft):
        errors.add(contradiction)
    if errors.found or stated is None:
        return None
    return Pact(
        pact_id,
        title=title,
        data_mode=stated,
        effective_us=effective_us,
        until_us=until_us,
        parties=whole(parties),
        separation=Separation(whole(rules), whole(proximities)),
        zones=whole(zones),
        note=note,
        version=draft.version,
        supersedes=supersedes,
        notices=terms.notices,
        timers=terms.timers,
        acknowledgement=terms.acknowledgement,
        readback=terms.readback,
        releases=whole(terms.releases),
        intermediaries=whole(terms.intermediaries),
        witnesses=terms.witnesses,
        amendment=terms.amendment,
    )


def _rule(table: Table) -> Rule | None:
    one, two = table.sides()
    name = table.text("name")
    horizontal = table.parsed("horizontal", parse_length_m, LENGTH, needed=True)
    vertical = table.parsed("vertical", parse_length_m, LENGTH, needed=True)
    lookahead = table.parsed("lookahead", parse_duration_s, DURATION)
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


def _proximity(table: Table, until_us: int) -> Proximity:
    until = table.instant("until")
    return Proximity(table.sides(), until_us if until is None else until, table.text("note", lines=True))


def _zone(table: Table) -> Zone | None:
    zone_id = table.text("id", needed=True)
    if table.text("datum") not in {"", *_DATUM}:
        table.wrong("datum", "positions of another datum are not taken", '"WGS 84"; convert them first')
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
    reservations = _reservations(table)
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
    return Zone(zone_id, volume, kinds, **zone_texts, **stances, reservations=reservations)  # type: ignore[arg-type]  # texts and lists by key


def _reservations(table: Table) -> tuple[tuple[str, str], ...]:
    inner = table.table("reservations")
    return () if inner is None else tuple((name, inner.text(name, needed=True)) for name in inner.values)


def _kinds(table: Table) -> tuple[Kind, ...]:
    if "applies_to" not in table.values:
        return APPLIES_BY_DEFAULT
    kinds: dict[Kind, None] = {}
    for text in table.texts("applies_to"):
        try:
            kinds[Kind.parse(text, where=table.where("applies_to"))] = None
        except InputError as error:
            table.fail(error)
    return tuple(kinds)


def _outline(table: Table) -> Circle | Polygon | None:
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


def _circle(table: Table, circle: dict[str, object]) -> Circle | None:
    for key in circle:
        if key not in _CIRCLE:
            table.fail(unknown(key, _CIRCLE, table.where("circle"), "key"))
    center = _position(table, circle.get("center"), "circle.center")
    radius = circle.get("radius")
    if not isinstance(radius, str):
        message = "missing" if radius is None else "not a text"
        found = None if radius is None else shown(radius)
        table.wrong("circle.radius", message, LENGTH, found=found)
        return None
    try:
        radius_m = parse_length_m(radius)
    except ValueError as error:
        table.fail(FormatError(str(error), where=table.where("circle.radius")))
        return None
    return None if center is None else Circle(*center, radius_m)


def _polygon(table: Table, polygon: object) -> Polygon | None:
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


def _position(table: Table, value: object, key: str) -> tuple[float, float] | None:
    if value is None:
        table.wrong(key, "missing", _POSITION)
        return None
    if isinstance(value, list) and len(value) == 2:
        numbers = [v for v in value if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) == 2 and abs(numbers[0]) <= 90 and abs(numbers[1]) <= 360:  # NaN compares false
            return float(numbers[0]), float(numbers[1])
    table.wrong(key, "not a position", _POSITION, found=shown(value))
    return None
