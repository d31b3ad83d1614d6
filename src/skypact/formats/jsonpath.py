"""JSON as documents are read: strictly, with the path of every value at hand.

Law: a reader of a JSON format sees :class:`Node` and nothing else. A node is a value and its path
(``features[3].geometry.coordinates[0][2]``); each getter says what it wants and raises a
:class:`~skypact.errors.FormatError` that names the path, what stands there and what should. A number is a
finite JSON number, never a text and never true or false.

How it works. The bytes are parsed at once with msgspec: UTF-8 only (a byte order mark is dropped), no NaN, no
comments, no trailing commas. Lists of positions are checked in C, and only a list that fails is walked again
for the path of what is wrong.

Two members of one name in one object are refused, because parsers differ in which one counts
(:mod:`skypact.strict_json`).

Known limits: nesting beyond the interpreter's recursion limit (1,000) is refused, and so are more than
:data:`CONTAINERS_MAX` arrays and objects: the whole document is in memory, and an empty array takes thirty
times its size on disk.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from skypact.errors import FormatError, InputError
from skypact.instants import parse_instant
from skypact.strict_json import repeated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BYTE = re.compile(r"\(byte (\d+)\)", re.ASCII)
_AT = re.compile(r" - at `\$(.*)`$")
_INDEX = re.compile(r"\[(\d+)\]", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_CONTROL: Final = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")

CONTAINERS_MAX: Final = 20_000_000
"""More arrays and objects than this are refused before they are made; each takes some 60 to 100 bytes."""
LABEL_MAX: Final = 200
"""Names longer than this are refused: they are data of another kind in the place of a name."""

Error = TypeVar("Error", bound=InputError)


def joined(path: str, key: str | int) -> str:
    """The path of a member or an element."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN.fullmatch(key) is None:
        return f"{path}[{key[:60]!r}]"
    return f"{path}.{key}" if path else key


class _Words:
    """Words about a value, which an error shows without quotation marks."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def described(value: object) -> object:
    """What stands there, for an error: arrays and objects by their size, all else as it is."""
    if isinstance(value, dict):
        return _Words(f"an object of {len(value)}")
    if isinstance(value, list):
        return _Words(f"an array of {len(value)}")
    if value is None:
        return _Words("null")
    if isinstance(value, bool):
        return _Words("true" if value else "false")
    if isinstance(value, int) and abs(value) > 10**30:
        return _Words("a whole number of more than 30 digits")
    return value


def printable(text: str) -> str:
    """A text without control characters, so that a name in a file cannot drive a terminal."""
    return text.translate(_CONTROL).strip()


def parse(data: bytes) -> Node:
    """Parse a whole document.

    Raises
    ------
    FormatError
        The bytes are not UTF-8, not JSON, or nested too deeply; it names the line where the parser knows it.
    """
    text = data.removeprefix(b"\xef\xbb\xbf")
    if text[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in text[:4]:
        raise FormatError(
            "not UTF-8", found=_Words("UTF-16 or UTF-32"), expected="JSON in UTF-8 (RFC 8259, section 8.1)"
        )
    containers = text.count(b"[") + text.count(b"{")
    if containers > CONTAINERS_MAX:
        raise FormatError(
            "too large a document",
            found=_Words(f"{containers:,} arrays and objects"),
            expected=f"at most {CONTAINERS_MAX:,}",
        )
    try:
        value = msgspec.json.decode(text)
        _refuse_twice(text, value)
    except UnicodeDecodeError as error:
        raise FormatError(
            "not UTF-8",
            found=_Words(f"byte 0x{error.object[error.start]:02x}"),
            expected="JSON in UTF-8 (RFC 8259, section 8.1)",
        ) from None
    except RecursionError:
        raise FormatError(
            "nested too deeply", expected="fewer than 1,000 levels of arrays and objects"
        ) from None
    except msgspec.MsgspecError as error:
        raise _not_json(text, str(error)) from None
    return Node(value, "")


def _refuse_twice(text: bytes, value: Any) -> None:
    """Raise what is said twice, if anything is."""
    twice = repeated(text, value)
    if twice is None:
        return
    path = ""
    for step in (*twice.path, twice.name):
        path = joined(path, step)
    raise FormatError("the same member is there twice", where=path, expected="each name once in an object")


def _not_json(text: bytes, reason: str) -> FormatError:
    match = _BYTE.search(reason)
    if match is None:
        at = _AT.search(reason)
        return FormatError(
            f"not JSON ({_AT.sub('', reason).lower()})",
            where=at.group(1).lstrip(".") if at else "",
            expected="one whole JSON document",
        )
    byte = min(int(match.group(1)), len(text)) - ("trailing" in reason)  # that one is counted from 1
    line = text.count(b"\n", 0, byte) + 1
    column = byte - (text.rfind(b"\n", 0, byte) + 1) + 1
    reason = reason[: match.start()].strip().removeprefix("JSON is malformed: ")
    return FormatError(
        f"not JSON ({reason})", where=f"line {line}, column {column}", expected="one whole JSON document"
    )


class Node:
    """A value of a JSON document and the path to it."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def error(self, message: str, expected: object = None, *, kind: type[Error] = FormatError) -> Error:  # type: ignore[assignment]  # the default is the bound's own subclass
        """An error about this value, for the caller to raise."""
        return kind(
            message, where=self.path or "the document", found=described(self.value), expected=expected
        )

    # -- shape --------------------------------------------------------------------------------------------

    @property
    def is_object(self) -> bool:
        """Whether this is an object."""
        return isinstance(self.value, dict)

    @property
    def is_array(self) -> bool:
        """Whether this is an array."""
        return isinstance(self.value, list)

    @property
    def is_text(self) -> bool:
        """Whether this is a text."""
        return isinstance(self.value, str)

    def object(self, what: str = "an object") -> Node:
        """The node itself, which is an object."""
        if not isinstance(self.value, dict):
            raise self.error(f"not {what}", "a JSON object")
        return self

    def elements(self, what: str = "an array") -> Iterator[Node]:
        """The elements of this array."""
        if not isinstance(self.value, list):
            raise self.error(f"not {what}", "a JSON array")
        return (Node(value, joined(self.path, index)) for index, value in enumerate(self.value))

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def get(self, *keys: str) -> Node | None:
        """The member under the first of these names that is there and not null; this must be an object.

        The names stand for one thing: two of them with different values are an error.
        """
        self.object()
        found: Node | None = None
        for key in keys:
            value = self.value.get(key)
            if value is None:
                continue
            if found is None:
                found = Node(value, joined(self.path, key))
            elif value != found.value:
                raise Node(value, joined(self.path, key)).error(
                    "the same thing is said twice, differently", f"what {found.path} says, or one of the two"
                )
        return found

    def need(self, *keys: str, expected: str = "") -> Node:
        """The member under one of these names, which must be there."""
        node = self.get(*keys)
        if node is None:
            raise FormatError(
                f"{keys[0]} is missing",
                where=self.path or "the document",
                expected=expected or f"a member {keys[0]!r}",
            )
        return node

    # -- values -------------------------------------------------------------------------------------------

    def text(self) -> str:
        """A text."""
        if not isinstance(self.value, str):
            raise self.error("not a text", "a JSON string")
        return self.value

    def label(self) -> str:
        """A name without control characters, maybe empty; a whole number is one too, as many ids are."""
        value = (
            str(self.value)
            if isinstance(self.value, int) and not isinstance(self.value, bool)
            else self.value
        )
        if not isinstance(value, str):
            raise self.error("not a name", "a JSON string")
        if len(value) > LABEL_MAX:
            raise FormatError(
                "too long for a name",
                where=self.path,
                found=_Words(f"{len(value)} characters"),
                expected=f"at most {LABEL_MAX}",
            )
        return printable(value)

    def note(self) -> str:
        """A text for people, of any length, without control characters."""
        return printable(self.text())

    def number(self, expected: str = "a JSON number") -> float:
        """A finite number."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error("not a number", expected)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.error("not a number that fits", expected)
        return number

    def whole(self, expected: str = "a whole number") -> int:
        """A whole number, which may be written ``3.0``."""
        number = self.number(expected)
        if number != int(number):
            raise self.error("not a whole number", expected)
        return int(number)

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.error("neither true nor false", "true or false")
        return self.value

    def one_of(self, allowed: Sequence[str]) -> str:
        """One of a few texts, exactly as written there."""
        text = self.text()
        if text not in allowed:
            raise self.error("not one of the values of this format", " or ".join(allowed))
        return text

    def instant(self) -> int:
        """An RFC 3339 instant, in microseconds since 1970 UTC."""
        try:
            return parse_instant(self.text(), where=self.path)
        except InputError as error:
            raise FormatError(
                error.message, where=error.where, found=error.found, expected=error.expected
            ) from None

    def positions(self, what: str = "positions") -> list[list[float]]:
        """An array of positions: arrays of two numbers or more, longitude first.

        Raises
        ------
        FormatError
            Something in it is not a number, or a position has one number; the path is that of the culprit.
        """
        if not isinstance(self.value, list):
            raise self.error(f"not an array of {what}", "a JSON array of [longitude, latitude]")
        try:
            rows: list[list[float]] = msgspec.convert(self.value, list[list[float]])
        except msgspec.ValidationError as error:
            raise self._not_positions(str(error)) from None
        for index, row in enumerate(rows):
            if len(row) < 2:
                raise Node(self.value[index], joined(self.path, index)).error(
                    "not a position", "[longitude, latitude]"
                )
        return rows

    def _not_positions(self, reason: str) -> FormatError:
        node = self
        at = _AT.search(reason)
        for index in _INDEX.findall(at.group(1)) if at else ():
            node = Node(node.value[int(index)], joined(node.path, int(index)))
        if isinstance(node.value, list) or node.path.count("[") == self.path.count("[") + 1:
            return node.error("not a position", "[longitude, latitude]")
        return node.error("not a coordinate", "a JSON number, in degrees")

    def position(self) -> list[float]:
        """One position, longitude first."""
        rows = Node([self.value], self.path)
        try:
            return rows.positions()[0]
        except FormatError as error:
            where = error.where.replace(f"{self.path}[0]", self.path, 1)
            raise FormatError(
                error.message, where=where, found=error.found, expected=error.expected
            ) from None
