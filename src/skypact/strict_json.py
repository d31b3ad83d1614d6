"""JSON in which no object has two members of one name, for everybody who reads JSON here.

Law: parsers differ in which of two members of one name counts, so that one text could be two things to two
readers; a text with such an object is refused by whoever reads it, signed or not. What is wrong is said as
:class:`Twice`, with the way to it; how it is worded is the reader's. Which members there may be is for the
floors above.

How it works. A text that is signed is small, and is read by the standard library, which shows all members of
an object (:func:`load`). Others are read by msgspec, which is faster and keeps the last of two members
without a word; but then it has dropped one, and a colon with it: written out again, the value has fewer
colons than the text had (:func:`repeated`). A colon in a string is there both times, unless it was written as
an escape: a text with such an escape, and one that has lost a colon, is read a second time, for the place.

Source: RFC 8259, section 4 (names should be unique); RFC 7515, section 4 (they have to be).
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skypact.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPED_COLON: Final = b"\\u003"
"""The beginning of a colon that is written as an escape; of fifteen other characters too."""


class Twice(ValueError):  # noqa: N818 -- what a text has, of which its reader makes an error
    """An object has two members of one name: the first such object of a text.

    Attributes
    ----------
    path
        The way to that object: names of members and places in arrays, from 0.
    name
        The name that is there twice.
    """

    def __init__(self, path: tuple[str | int, ...], name: str) -> None:
        self.path = path
        self.name = name
        super().__init__(f"{self.where}: {name!r} is there twice")

    @property
    def where(self) -> str:
        """The way to the object as a JSON path: ``$.a[1].b``."""
        return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)


def load(data: bytes, *, fraction: Callable[[str], Any] | None = None) -> Any:
    """What a text says, read by the standard library: for what is signed, and short.

    Parameters
    ----------
    data
        JSON in UTF-8.
    fraction
        What is made of a number with a fraction or an exponent, or of ``NaN`` or an infinity; without it, the
        former is a float and the latter no JSON.

    Raises
    ------
    ValueError
        It is no JSON in UTF-8. :class:`Twice`: an object has two members of one name.
    RecursionError
        It is nested beyond the interpreter's limit.
    """
    value, twice = _read(data, fraction or float, fraction or _no_number, int)
    if twice is not None:
        raise twice
    return value


def repeated(data: bytes, value: Any) -> Twice | None:
    """The first object of a text that has two members of one name; None where none has.

    Parameters
    ----------
    data
        A JSON text.
    value
        What msgspec made of it, without a type.
    """
    if _ESCAPED_COLON not in data and data.count(b":") == _colons(value):
        return None
    return _read(data, len, len, len)[1]  # numbers may be of any length, and are not looked at


def refuse_repeated(data: bytes) -> None:
    """Refuse a message that msgspec can read, where one of its objects has two members of one name.

    Raises
    ------
    FormatError
        One has; names its JSON path. Or it is nested beyond the interpreter's limit.
    """
    try:
        twice = repeated(data, msgspec.json.decode(data))
    except RecursionError:
        raise FormatError("nested too deeply", where="$", expected="less than 1,000 levels") from None
    if twice is not None:
        raise FormatError(
            "a member is named twice",
            where=twice.where,
            found=twice.name,
            expected="each name once in one object",
        )


def _colons(value: object) -> int:
    """How many colons a value has when it is written out; -1 where it cannot be."""
    try:
        return msgspec.json.encode(value).count(b":")
    except OverflowError:  # a whole number of more than 64 bits, which msgspec reads and does not write
        return -1


class _Marked(dict[str, Any]):
    """An object of two members of one name."""

    def __init__(self, made: dict[str, Any], name: str) -> None:
        super().__init__(made)
        self.name = name


def _read(
    data: bytes,
    fraction: Callable[[str], Any],
    constant: Callable[[str], Any],
    whole: Callable[[str], Any],
) -> tuple[Any, Twice | None]:
    found = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        found = True
        often = Counter(name for name, _ in pairs)
        return _Marked(made, next(name for name, times in often.items() if times > 1))

    value = json.loads(
        data.decode(),
        object_pairs_hook=members,
        parse_float=fraction,
        parse_constant=constant,
        parse_int=whole,
    )
    return value, _first(value) if found else None


def _first(value: Any) -> Twice:
    """The first marked object, as the text goes; one that was dropped was so by another, which is marked."""
    left: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while True:
        path, one = left.pop()
        if isinstance(one, _Marked):
            return Twice(path, one.name)
        if isinstance(one, dict):
            left += [((*path, name), member) for name, member in reversed(one.items())]
        elif isinstance(one, list):
            left += [((*path, at), one[at]) for at in range(len(one) - 1, -1, -1)]


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
