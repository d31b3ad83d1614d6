"""A request's body: bytes to a typed message, strictly.

Law: what two readers could understand in two ways is refused, never guessed. JSON in UTF-8; no byte order
mark, no NaN, no lone surrogate, no control character in a text (:mod:`skypact.formats.plain`), no member
named twice in one object, no nesting beyond the limit. Every refusal is a
:class:`~skypact.errors.FormatError` with the JSON path, what stands there and what should.

How it works. The text without its strings has one bracket a container. Removing empty pairs of brackets takes
one level of nesting at a time, at the speed of ``bytes.replace``. Whether a member is named twice is
:mod:`skypact.strict_json`'s to say. Only what is refused is parsed again, to say where.

Known limit: the check of names reads the text once more than the typed decoder does (30 us for 2 kB).
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

import msgspec

from skypact.errors import FormatError
from skypact.formats.plain import refuse_controls
from skypact.strict_json import refuse_repeated

NESTING_MAX: Final = 32
"""Levels of arrays and objects; the deepest message of F3548-21 has 9."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_FAULT = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_EXPECTED = re.compile(r"Expected (?P<want>.+?)(?:, got `(?P<got>\w+)`)?", re.DOTALL)
_TYPES = re.compile(r"`([\w |]+)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")
_WORDS: Final = {
    "str": "a string",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
}
_JSON = "one JSON value in UTF-8"
_QUOTED_MAX = 100


def decode(data: bytes, kind: Any, *, nesting_max: int = NESTING_MAX) -> Any:
    """The body as the type of its operation.

    Parameters
    ----------
    data
        The bytes as they came.
    kind
        What msgspec is to make of them.
    nesting_max
        Levels of arrays and objects.

    Raises
    ------
    FormatError
        It is no JSON, not strict, too deep, or not of this shape; names the JSON path.
    """
    if not data:
        raise FormatError("there is no body", where="$", expected=_JSON)
    if _deeper(_without_strings(data), nesting_max):
        raise FormatError("nested too deeply", where="$", expected=f"at most {nesting_max} levels")
    try:
        message = _decoder(kind).decode(data)
        refuse_repeated(data)
        refuse_controls(data)
        return message  # noqa: TRY300  # what may fail is above; an else would be far from it
    except msgspec.ValidationError as error:
        try:
            plain = msgspec.json.decode(data)
        except msgspec.MsgspecError:
            plain = None
        raise _told(str(error), plain) from None
    except UnicodeDecodeError as error:
        raise FormatError(
            f"not UTF-8 ({error.reason} at byte {error.start})", where="$", expected=_JSON
        ) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormatError(f"not JSON ({_lower(str(error))})", where="$", expected=_JSON) from None


def _without_strings(data: bytes) -> bytes:
    """The text outside its strings: where nothing is escaped, every other piece between quotation marks."""
    if b"\\" in data:
        return _STRING.sub(b"", data)
    return b"".join(data.split(b'"')[::2])


def _deeper(bare: bytes, levels: int) -> bool:
    """Whether the brackets of a text without strings nest deeper than this; mismatches are the parser's."""
    left = bare.translate(_SQUARE, _NOT_BRACKETS)
    for _ in range(levels):
        if not left:
            return False
        less = left.replace(b"[]", b"")
        if len(less) == len(left):
            return len(left) > levels  # unbalanced: no JSON
        left = less
    return bool(left)


@functools.lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _told(text: str, plain: Any) -> FormatError:
    """What msgspec says of a shape, with the value that stands at the place."""
    match = _FAULT.fullmatch(text)
    what, path = (match["what"], match["path"] or "") if match else (text, "")
    where = f"${path}"
    missing = _MISSING.fullmatch(what)
    if missing:
        return FormatError("a member is missing", where=where, expected=f"a member {missing['name']!r}")
    expected = _EXPECTED.fullmatch(what)
    found = _at(plain, path)
    if expected is None:
        return FormatError(_lower(what), where=where, found=found)
    want = _TYPES.sub(
        lambda names: " or ".join(_WORDS.get(name, name) for name in names[1].split(" | ")), expected["want"]
    )
    return FormatError("not what is expected here", where=where, found=found, expected=want)


def _at(value: Any, path: str) -> _Raw | None:
    """The JSON that stands at a path, shortened; None where the path cannot be followed."""
    for name, index in _STEP.findall(path):
        try:
            value = value[name] if name else value[int(index)]
        except (LookupError, TypeError, ValueError):
            return None
    text = msgspec.json.encode(value).decode()
    return _Raw(text if len(text) <= _QUOTED_MAX else text[: _QUOTED_MAX - 1] + "…")


class _Raw:
    """JSON text, shown in an error as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
