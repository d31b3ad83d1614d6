"""One table of a pact while it is read: each value by its key, and everything wrong with its place.

Law: a wrong value is an error with its place, and the next key is read; so that one reading finds all. A key
that is not known is an error. After :data:`ERRORS_MAX` errors the reading ends.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeVar

from skypact.errors import FormatError, InputError
from skypact.instants import from_datetime, parse_instant
from skypact.pact import place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ERRORS_MAX: Final = 200
"""After so many errors the reading ends."""

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
    "keys": "key",
    "contacts": "contact",
    "notices": "notice",
    "timer": "timers",
    "ack": "acknowledgement",
    "acknowledgment": "acknowledgement",
    "read_back": "readback",
    "releases": "release",
    "releasable_to": "release",
    "intermediaries": "intermediary",
    "witness": "witnesses",
    "amendments": "amendment",
    "class": "filings",
    "classes": "filings",
    "reservation": "reservations",
    "public_key": "public",
    "phone": "reach",
    "person_name": "person",
    "on_behalf": "on_behalf_of",
    "number": "version",
    "replaces": "supersedes",
}
_SHOWN: Final = 60
_INSTANT: Final = "an instant with its offset, like 2017-06-08T18:00:00Z"
_SIDES: Final = 'two texts, like ["crewed", "uncrewed"]'
_JOINERS = "\u200c\u200d"  # invisible, and needed to write Persian and several Indian languages


_T = TypeVar("_T")


class Enough(Exception):  # noqa: N818 -- no error: it ends the reading
    """There are enough errors."""


class Errors:
    """What is wrong, in the order in which it was found."""

    def __init__(self) -> None:
        self.found: list[InputError] = []

    def add(self, error: InputError) -> None:
        """One more.

        Raises
        ------
        Enough
            They are :data:`ERRORS_MAX`.
        """
        self.found.append(error)
        if len(self.found) >= ERRORS_MAX:
            raise Enough


class Table:
    """One table while it is read: every wrong value is an error with its place, and the next key is read.

    Parameters
    ----------
    values
        What TOML has of it.
    keys
        The keys that it may have; None where they are names that somebody gave.
    errors
        Where what is wrong goes.
    at
        The table's name, and its number where there may be several.
    within
        For a table in another one: that, and the key in it.
    """

    def __init__(
        self,
        values: dict[str, object],
        keys: Sequence[str] | None,
        errors: Errors,
        at: tuple[str, int | None],
        within: tuple[Table, str] | None = None,
    ) -> None:
        self.values = values
        self.failed = False
        self._errors = errors
        self._at = at
        self._outer = within
        name = values.get("id", values.get("name"))
        self._name = name if isinstance(name, str) else ""
        if keys is not None:
            for key in values:
                if key not in keys:
                    self.fail(unknown(key, keys, self.where(), "key"))

    def inner(self, key: str, values: dict[str, object], keys: Sequence[str] | None) -> Table:
        """A table within this one, whose places are this one's; what is wrong in it is wrong here."""
        return Table(values, keys, self._errors, self._at, (self, key))

    def where(self, key: str = "") -> str:
        """The place of a key, or of the table."""
        if self._outer is None:
            return place(*self._at, self._name, key)
        outer, prefix = self._outer
        return outer.where(f"{prefix}.{key[:_SHOWN]}" if key else prefix)

    def fail(self, error: InputError) -> None:
        """Something is wrong."""
        self.failed = True
        if self._outer is not None:
            self._outer[0].failed = True
        self._errors.add(error)

    def wrong(self, key: str, message: str, expected: str | None = None, *, found: object = None) -> None:
        """The value of a key is wrong."""
        if found is None:
            found = shown(self.values[key]) if key in self.values else None
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

    def whole(self, key: str, *, needed: bool = False) -> int | None:
        """The whole number of a key; None where it is missing or wrong."""
        value = self.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if value is not None:
            self.wrong(key, "not a whole number", "a whole number, without quotes")
        elif needed:
            self.wrong(key, "missing", "a whole number")
        return None

    def table(self, key: str, keys: Sequence[str] | None = None) -> Table | None:
        """The table of a key, whose own keys may be these (None: any); None where it is missing or wrong."""
        value = self.values.get(key)
        if isinstance(value, dict):
            return self.inner(key, value, keys)
        if value is not None:
            self.wrong(key, "not a table", "{ key = value }")
        return None

    def tables(self, key: str, keys: Sequence[str]) -> list[Table]:
        """The tables of an array, those that are tables."""
        value = self.values.get(key, [])
        if isinstance(value, dict):
            self.wrong(key, "one table where there may be several", f"[[{self._at[0]}.{key}]]")
            value = [value]
        if not isinstance(value, list):
            self.wrong(key, "not a table", f"[[{self._at[0]}.{key}]]")
            return []
        made = []
        for row, item in enumerate(value):
            if isinstance(item, dict):
                made.append(self.inner(f"{key}[{row}]", item, keys))
            else:
                self.wrong(f"{key}[{row}]", "not a table", f"[[{self._at[0]}.{key}]]", found=shown(item))
        return made

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


class Words:
    """Words about a value, which are shown without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def shown(value: object) -> object:
    """A value as TOML has it, or what sort of value it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return Words(str(value).lower())
    if isinstance(value, dict):
        return Words("a table")
    if isinstance(value, datetime | date | time):
        return Words(value.isoformat())
    try:
        if not isinstance(value, list):
            return Words(str(value))
        if len(value) <= 4 and all(isinstance(v, str | int | float) for v in value):
            return Words(json.dumps(value, ensure_ascii=False))
    except ValueError:  # an integer of over 4,300 digits, written in hexadecimal
        return Words("an endless number")
    return Words(f"a list of {len(value)}")


def unknown(key: str, known: Sequence[str], where: str, what: str) -> FormatError:
    """The error of a word that is none of the known ones, with what was probably meant."""
    meant = _MEANT.get(key.lower(), "")
    close = [meant] if meant in known else get_close_matches(key[:40].lower(), known, 1, 0.6)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return FormatError(f"unknown {what}{hint}", where=where, found=key, expected=", ".join(known))


def every(
    document: dict[str, object],
    name: str,
    keys: Sequence[str],
    errors: Errors,
    read: Callable[[Table], _T | None],
) -> list[_T | None]:
    """The entries of an array of tables; None for one in which anything is wrong."""
    value = document.get(name, [])
    if isinstance(value, dict):
        errors.add(FormatError("one table where there may be several", where=name, expected=f"[[{name}]]"))
        value = [value]
    if not isinstance(value, list):
        errors.add(FormatError("not a table", where=name, found=shown(value), expected=f"[[{name}]]"))
        return []
    entries: list[_T | None] = []
    for row, item in enumerate(value):
        entry = None
        if isinstance(item, dict):
            table = Table(item, keys, errors, (name, row))
            entry = read(table)
            entry = None if table.failed else entry
        else:
            where = place(name, row)
            errors.add(FormatError("not a table", where=where, found=shown(item), expected=f"[[{name}]]"))
        entries.append(entry)
    return entries


def single(
    document: dict[str, object],
    name: str,
    keys: Sequence[str],
    errors: Errors,
    read: Callable[[Table], _T],
) -> _T:
    """What a table of which there is one says; of one that is missing, what is taken then."""
    value = document.get(name, {})
    if not isinstance(value, dict):
        errors.add(FormatError("must be one table", where=name, found=shown(value), expected=f"[{name}]"))
        value = {}
    return read(Table(value, keys, errors, (name, None)))


def whole(entries: Sequence[_T | None]) -> tuple[_T, ...]:
    """The entries that could be read."""
    return tuple(entry for entry in entries if entry is not None)
