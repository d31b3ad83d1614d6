"""A hotline message as JSON: what is signed, and what is read from what was signed.

Law: a message is read strictly or not at all. A member that is not known, missing, repeated, or of another
type is an error with its JSON path, for two parties would each believe that it had been understood. There are
no fractions: instants are RFC 3339 in UTC in their one spelling, degrees are decimal text of at most seven
places, the rest are whole numbers with their unit in their name.

The bytes that were read are what was signed; they are stored and never written anew. The id of a message is
their SHA-256. How it works: :data:`MEMBERS` and :data:`BODY_MEMBERS` are the whole of the form.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skypact import strict_json
from skypact.airspace.labels import DataMode
from skypact.errors import FormatError, InputError
from skypact.exchange.hotline.messages import (
    DEGREE_E7,
    Acknowledged,
    Alarm,
    Call,
    Carried,
    Intent,
    Kind,
    Message,
    Notice,
    Plain,
    Position,
    Post,
    Question,
    Received,
    Released,
    Repeated,
    Replied,
    Scope,
    Text,
)
from skypact.exchange.hotline.table import BODIES
from skypact.instants import FOREVER, format_instant, parse_instant
from skypact.pact.terms import Filing, Level

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Mapping

    from skypact.exchange.hotline.messages import Body

PAYLOAD_MAX: Final = 192 * 1024
"""A longer message is refused, in bytes."""
ENVELOPE_MAX: Final = 4 * PAYLOAD_MAX // 3 + 1024
"""And a longer envelope, in characters."""
CARRIED_MAX: Final = 128 * 1024
"""The longest envelope that another carries, in characters."""
WORDS_MAX: Final = 4_000
LINE_MAX: Final = 200
POINTS_MAX: Final = 200
RADIUS_MAX_M: Final = 20_000_000

_DEGREES = re.compile(r"-?(?:0|[1-9]\d{0,2})(?:[.]\d{1,7})?", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_NO_WORDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_REQUIRED: Final = object()


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object: its name, the attribute that it is, how it is read and written, its default."""

    name: str
    attribute: str
    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] = lambda value: value
    default: Any = _REQUIRED


def decode(payload: bytes, *, where: str = "") -> Message:
    """The message that these bytes are; nothing of it is verified.

    Parameters
    ----------
    where
        Put in front of the JSON path in errors.

    Raises
    ------
    FormatError
        They are none; names the JSON path.
    """
    try:
        return _message(payload)
    except InputError as error:
        outer = error.at(where) if where else error
        raise FormatError(
            outer.message, where=outer.where, found=outer.found, expected=outer.expected
        ) from None


def encode(message: Message) -> bytes:
    """The JSON of a message, to be signed. Its id, and the thread that it opens, follow from the bytes."""
    body = _written(BODY_MEMBERS[type(message.body)], message.body)
    whole = _written(MEMBERS, message) | ({"body": body} if body else {})
    if not message.re:
        whole.pop("thread", None)
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def body_of(kind: Kind, value: Any, *, where: str = "$.body") -> Body:
    """What a kind has beside, from the members that a message of it has in ``body``; None: none of them.

    Raises
    ------
    FormatError
        It is not that.
    """
    form = BODIES[kind]
    made: Body = form(**_read(BODY_MEMBERS[form], {} if value is None else value, where))
    _consistent(made)
    return made


def body_json(body: Body) -> dict[str, Any]:
    """The members that a message has in ``body``."""
    return _written(BODY_MEMBERS[type(body)], body)


def load(payload: bytes) -> dict[str, Any]:
    """A JSON object without fractions and without repeated names.

    Raises
    ------
    FormatError
        The bytes are none.
    """
    if len(payload) > PAYLOAD_MAX:
        raise FormatError(
            "too long for a message",
            where="$",
            found=f"{len(payload):,} bytes",
            expected=f"at most {PAYLOAD_MAX:,}",
        )
    try:
        value = strict_json.load(payload, fraction=_fraction)
    except strict_json.Twice as twice:
        raise FormatError(
            "a member is there twice", where=twice.where, found=twice.name, expected="each once"
        ) from None
    except (ValueError, RecursionError):
        raise FormatError("not JSON", where="$", expected="an object in UTF-8") from None
    if not isinstance(value, dict):
        raise FormatError("not a JSON object", where="$", found=type(value).__name__, expected="an object")
    return value


def ident_of(payload: bytes) -> str:
    """The id of the message that these bytes are."""
    return hashlib.sha256(payload).hexdigest()


def _message(payload: bytes) -> Message:
    whole = load(payload)
    kind = _kind(whole.get("kind"), "$.kind")
    body = whole.pop("body", {})
    values = _read(MEMBERS, whole, "$")
    ident = ident_of(payload)
    if bool(values["re"]) is not bool(values["thread"]):
        raise FormatError(
            "what answers names its thread, and what opens one names none",
            where="$.thread",
            found=values["thread"],
            expected="thread and re, or neither",
        )
    values["thread"] = values["thread"] or ident
    form = BODIES[kind]
    made = form(**_read(BODY_MEMBERS[form], body, "$.body"))
    _consistent(made)
    return Message(id=ident, body=made, **values)


def _consistent(body: object) -> None:
    """What the members of a body have to do with each other."""
    if isinstance(body, Notice):
        if not body.points:
            raise FormatError("without a position", where="$.body.points", expected="at least one")
        if body.start_us >= body.end_us:
            raise FormatError(
                "ends before it begins",
                where="$.body.end",
                found=format_instant(body.end_us),
                expected=f"after {format_instant(body.start_us)}",
            )
        if body.radius_m is not None and len(body.points) > 1:
            raise FormatError(
                "a radius around several positions", where="$.body.radius_m", expected="one position"
            )
    if isinstance(body, Call):
        edges = [body.start_us, *(edge for hold in body.holds for edge in hold), body.end_us]
        if edges != sorted(edges):
            raise FormatError("not in order", where="$.body", expected="start, holds one by one, end")


# -- objects ------------------------------------------------------------------------------------------------


def _read(members: tuple[_Member, ...], value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("not an object", where=path, found=value, expected="an object")
    if sum(member.name in value for member in members) != len(value):
        known = {member.name for member in members}
        unknown = next(name for name in value if name not in known)
        raise FormatError(
            "a member that is not known",
            where=path,
            found=unknown,
            expected=", ".join(sorted(known)) or "none",
        )
    made = {}
    for member in members:
        inner = f"{path}.{member.name}"
        if member.name in value:
            made[member.attribute] = member.read(value[member.name], inner)
        elif member.default is _REQUIRED:
            raise FormatError("a member is missing", where=inner)
        else:
            made[member.attribute] = member.default
    return made


def _written(members: tuple[_Member, ...], thing: object) -> dict[str, Any]:
    values = ((member, getattr(thing, member.attribute)) for member in members)
    return {member.name: member.write(value) for member, value in values if value != member.default}


def _fraction(text: str) -> Any:
    raise FormatError("a number with a fraction", where="$", found=text, expected="whole numbers, or text")


# -- values -------------------------------------------------------------------------------------------------


def _word(choices: type[enum.Enum]) -> Callable[[Any, str], Any]:
    """A word of an enumeration, by its value."""
    by_value = {each.value: each for each in choices}

    def read(value: Any, path: str) -> Any:
        found = by_value.get(value) if isinstance(value, str) else None
        if found is None:
            words = ", ".join(str(each.value) for each in choices)
            raise FormatError("not a word that is known here", where=path, found=value, expected=words)
        return found

    return read


_kind = _word(Kind)
_POSTS: Final = {post.word: post for post in Post}


def _value(word: Any) -> Any:
    return word.value


def _post(value: Any, path: str) -> Post:
    found = _POSTS.get(value) if isinstance(value, str) else None
    if found is None:
        words = ", ".join(post.word for post in Post)
        raise FormatError("not a post", where=path, found=value, expected=words)
    return found


def _whole(least: int, most: int) -> Callable[[Any, str], int]:
    def read(value: Any, path: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise FormatError(
                "not such a number", where=path, found=value, expected=f"{least} to {most}, whole"
            )
        return value

    return read


def _level(value: Any, path: str) -> Level:
    return Level(_whole(min(Level), max(Level))(value, path))


def _truth(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise FormatError("not true or false", where=path, found=value, expected="true or false")
    return value


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[Any, str], str]:
    def read(value: Any, path: str) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise FormatError("not of this form", where=path, found=value, expected=expected)
        return value

    return read


def _line(value: Any, path: str) -> str:
    good = isinstance(value, str) and 0 < len(value) <= LINE_MAX and value == value.strip()
    if not good or not value.isprintable():
        raise FormatError(
            "not a line of text",
            where=path,
            found=value,
            expected=f"1 to {LINE_MAX} characters that can be printed",
        )
    return str(value)


def _words(value: Any, path: str) -> str:
    good = isinstance(value, str) and bool(value.strip()) and len(value) <= WORDS_MAX
    if not good or _NO_WORDS.search(value):
        raise FormatError(
            "not words",
            where=path,
            found=value,
            expected=f"at most {WORDS_MAX:,} characters, without control characters",
        )
    return str(value)


def _envelope(value: Any, path: str) -> str:
    if not isinstance(value, str) or len(value) > CARRIED_MAX or not value.isascii() or value.count(".") != 2:
        raise FormatError("not an envelope", where=path, expected="a compact JWS, as it came")
    return value


def _instant(value: Any, path: str) -> int:
    if not isinstance(value, str):
        raise FormatError("not an instant", where=path, found=value, expected="RFC 3339, in text")
    instant_us = parse_instant(value, where=path)
    if format_instant(instant_us) != value:
        raise FormatError(
            "an instant in another spelling", where=path, found=value, expected=format_instant(instant_us)
        )
    return instant_us


def _end(value: Any, path: str) -> int:
    return FOREVER if value is None else _instant(value, path)


def _ended(instant_us: int) -> str | None:
    return None if instant_us == FOREVER else format_instant(instant_us)


def _degrees(most: int) -> Callable[[Any, str], int]:
    def read(value: Any, path: str) -> int:
        good = isinstance(value, str) and _DEGREES.fullmatch(value) is not None
        e7 = 0
        if good:
            whole, _, fraction = value.lstrip("-").partition(".")
            e7 = int(whole) * DEGREE_E7 + int(fraction.ljust(7, "0"))
        if not good or e7 > most * DEGREE_E7:
            raise FormatError(
                "not degrees",
                where=path,
                found=value,
                expected=f"text of -{most} to {most}, at most 7 decimal places",
            )
        return -e7 if value.startswith("-") else e7

    return read


def degrees_text(e7: int) -> str:
    """An angle of 10⁻⁷ degrees as decimal text, without needless zeros."""
    whole, rest = divmod(abs(e7), DEGREE_E7)
    fraction = f"{rest:07d}".rstrip("0")
    return f"{'-' if e7 < 0 else ''}{whole}{'.' if fraction else ''}{fraction}"


def _list_of(read: Callable[[Any, str], Any], most: int) -> Callable[[Any, str], tuple[Any, ...]]:
    def read_all(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise FormatError("not a list", where=path, found=value, expected=f"a list of at most {most}")
        return tuple(read(each, f"{path}[{at}]") for at, each in enumerate(value))

    return read_all


def _object_of(form: Callable[..., Any], members: tuple[_Member, ...]) -> Callable[[Any, str], Any]:
    return lambda value, path: form(**_read(members, value, path))


def _hold(value: Any, path: str) -> tuple[int, int]:
    made = _read(_HOLD, value, path)
    return made["start"], made["end"]


# -- the form -----------------------------------------------------------------------------------------------

_POSITION = (
    _Member("lat", "lat_e7", _degrees(90), degrees_text),
    _Member("lng", "lng_e7", _degrees(180), degrees_text),
)
_HOLD = (_Member("start", "start", _instant), _Member("end", "end", _instant))
_TEXT = (
    _Member("language", "language", _matching(_LANGUAGE, "a BCP 47 tag like en or ru")),
    _Member("words", "words", _words),
)


def _text_member(name: str, attribute: str) -> _Member:
    def write(text: Text) -> dict[str, Any]:
        return _written(_TEXT, text)

    return _Member(name, attribute, _object_of(Text, _TEXT), write, None)


_POINTS = _Member(
    "points",
    "points",
    _list_of(_object_of(Position, _POSITION), POINTS_MAX),
    lambda points: [_written(_POSITION, point) for point in points],
)
_START = _Member("start", "start_us", _instant, format_instant)
_END = _Member("end", "end_us", _end, _ended)
_NAMES = (_list_of(_line, POINTS_MAX), list)

MEMBERS: Final = (
    _Member("kind", "kind", _kind, _value),
    _Member("sender", "sender", _line),
    _Member("to", "to", _line),
    _Member("pact", "pact", _matching(_DIGEST, "sha256: and 64 hexadecimal digits")),
    _Member("serial", "serial", _whole(1, 2**53)),
    _Member("thread", "thread", _matching(_HEX, "64 hexadecimal digits"), default=""),
    _Member("re", "re", _matching(_HEX, "64 hexadecimal digits"), default=""),
    _Member("said_at", "said_us", _instant, format_instant),
    _Member("data_mode", "data_mode", _word(DataMode), _value),
    _Member("post", "post", _post, lambda post: post.word),
    _text_member("text", "text"),
)
"""The members of every message; ``body`` comes beside."""

BODY_MEMBERS: Final[Mapping[type, tuple[_Member, ...]]] = {
    Plain: (),
    Notice: (
        _Member("filing", "filing", _word(Filing), _value),
        _Member("ref", "ref", _line),
        _Member("version", "version", _whole(1, 2**31)),
        _POINTS,
        _START,
        _END,
        _Member("sha256", "sha256", _matching(_HEX, "64 hexadecimal digits"), default=""),
        _Member("radius_m", "radius_m", _whole(1, RADIUS_MAX_M), default=None),
        _Member("floor", "floor", _line, default=""),
        _Member("ceiling", "ceiling", _line, default=""),
        _Member("emergency", "emergency", _truth, default=False),
    ),
    Repeated: (_POINTS, _START, _END),
    Received: (_Member("received_at", "received_us", _instant, format_instant),),
    Acknowledged: (
        _Member("level", "level", _level, _value),
        _Member("to_whom", "to_whom", _line, default=""),
    ),
    Replied: (
        _Member("scope", "scope", _word(Scope), _value),
        _Member("intent", "intent", _word(Intent), _value),
        _Member("not_for", "not_for", *_NAMES, default=()),
    ),
    Alarm: (
        _POINTS,
        _START,
        _Member("about", "about", _matching(_HEX, "64 hexadecimal digits"), default=""),
        _Member("incident", "incident", _truth, default=False),
    ),
    Question: (_Member("urgent", "urgent", _truth, default=False),),
    Call: (
        _Member("caller", "caller", _line),
        _Member("called", "called", _line),
        _Member("answered_by", "answered_by", _line, default=""),
        _START,
        _END,
        _Member(
            "holds",
            "holds",
            _list_of(_hold, POINTS_MAX),
            lambda holds: [{"start": format_instant(a), "end": format_instant(b)} for a, b in holds],
            (),
        ),
        _text_member("spoken", "spoken"),
        _text_member("translation", "translation"),
    ),
    Released: (_Member("onward", "onward", *_NAMES),),
    Carried: (_Member("on_behalf_of", "on_behalf_of", _line), _Member("envelope", "envelope", _envelope)),
}
"""What a message of each form has in its ``body``."""
