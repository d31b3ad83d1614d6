"""Messages of the hotline as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline_world import BODY, DIGEST, NOW, Line
from skypact.airspace.labels import DataMode
from skypact.errors import FormatError
from skypact.exchange.hotline.messages import (
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
from skypact.formats.hotline_json import (
    PAYLOAD_MAX,
    WORDS_MAX,
    decode,
    degrees_text,
    encode,
    ident_of,
    load,
)
from skypact.instants import FOREVER
from skypact.pact import Filing, Level

if TYPE_CHECKING:
    from skypact.exchange.hotline.messages import Body

lines = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)
texts = st.builds(Text, st.sampled_from(["en", "ru", "zh-Hant"]), lines)
instants = st.integers(NOW - 10**15, NOW + 10**15)
positions = st.builds(Position, st.integers(-90 * 10**7, 90 * 10**7), st.integers(-180 * 10**7, 180 * 10**7))
points = st.lists(positions, min_size=1, max_size=4).map(tuple)
names = st.lists(lines, max_size=3).map(tuple)
hexes = st.integers(0, 2**256 - 1).map(lambda n: f"{n:064x}")


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    """A notice of anything."""
    where = draw(points)
    start = draw(instants)
    return Notice(
        draw(st.sampled_from(Filing)),
        draw(lines),
        draw(st.integers(1, 2**31)),
        where,
        start,
        draw(st.one_of(st.just(FOREVER), st.integers(start + 1, start + 10**12))),
        draw(st.one_of(st.just(""), hexes)),
        draw(st.integers(1, 10**6)) if len(where) == 1 else None,
        draw(st.one_of(st.just(""), lines)),
        draw(st.one_of(st.just(""), lines)),
        draw(st.booleans()),
    )


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A record of a call, with as many holds as one likes."""
    edges = sorted(draw(st.lists(instants, min_size=2, max_size=8)))
    inner = edges[1:-1]
    holds = tuple(zip(inner[::2], inner[1::2], strict=False))
    spoken, translation = (draw(st.one_of(st.none(), texts)) for _ in range(2))
    return Call(draw(lines), draw(lines), edges[0], edges[-1], draw(lines), holds, spoken, translation)


FORMS: dict[type, st.SearchStrategy[Any]] = {
    Plain: st.just(Plain()),
    Notice: notices(),
    Repeated: st.builds(Repeated, points, instants, st.one_of(instants, st.just(FOREVER))),
    Received: st.builds(Received, instants),
    Acknowledged: st.builds(Acknowledged, st.sampled_from(Level), st.one_of(st.just(""), lines)),
    Replied: st.builds(
        Replied, st.sampled_from(Scope), st.sampled_from(Intent), st.lists(lines, max_size=3).map(tuple)
    ),
    Alarm: st.builds(
        Alarm, st.one_of(st.just(()), points), instants, st.one_of(st.just(""), hexes), st.booleans()
    ),
    Question: st.builds(Question, st.booleans()),
    Call: calls(),
    Released: st.builds(Released, names),
    Carried: st.builds(Carried, lines, st.just("e30.e30.e30")),
}


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message of any kind."""
    kind = draw(st.sampled_from(Kind))
    body: Body = draw(FORMS[BODIES[kind]])
    answers = draw(st.booleans())
    made = Message(
        "",
        kind,
        draw(lines),
        draw(lines),
        DIGEST,
        draw(st.integers(1, 2**53)),
        draw(hexes) if answers else "",
        draw(hexes) if answers else "",
        draw(instants),
        draw(st.sampled_from(DataMode)),
        draw(st.sampled_from(Post)),
        body,
        draw(st.one_of(st.none(), texts)),
    )
    ident = ident_of(encode(made))
    return replace(made, id=ident, thread=made.thread or ident)


@given(messages())
def test_what_is_written_is_read_back_the_same(message: Message) -> None:
    """Every message of every kind comes back whole, with the digest of its bytes as its id."""
    payload = encode(message)
    assert decode(payload) == message
    assert encode(decode(payload)) == payload
    assert b"." not in payload or "." not in repr(
        [v for v in json.loads(payload).values() if type(v) is float]
    )


@given(st.integers(-180 * 10**7, 180 * 10**7))
def test_degrees_are_exact_in_decimal_text(e7: int) -> None:
    """An angle is written without a fraction of its unit lost."""
    text = degrees_text(e7)
    whole, _, fraction = text.lstrip("-").partition(".")
    sign = -1 if text.startswith("-") else 1
    assert sign * (int(whole) * 10**7 + int(fraction.ljust(7, "0"))) == e7


def notify(**more: Any) -> dict[str, Any]:
    """A notice's JSON, changed."""
    whole: dict[str, Any] = json.loads(encode(Line().north(Kind.NOTIFY)))
    for path, value in more.items():
        *outer, last = path.split("__")
        place = whole
        for name in outer:
            place = place[name]
        place[last] = value
    return whole


@pytest.mark.parametrize(
    ("change", "where", "found"),
    [
        ({"kind": "GREET"}, "$.kind", "not a word"),
        ({"kind": 3}, "$.kind", "not a word"),
        ({"serial": 0}, "$.serial", "not such a number"),
        ({"serial": True}, "$.serial", "not such a number"),
        ({"serial": 2**60}, "$.serial", "not such a number"),
        ({"pact": "7" * 64}, "$.pact", "not of this form"),
        ({"pact": None}, "$.pact", "not of this form"),
        ({"sender": " north"}, "$.sender", "not a line"),
        ({"sender": ""}, "$.sender", "not a line"),
        ({"sender": "nor\x1bth"}, "$.sender", "not a line"),
        ({"sender": "nor\u202eth"}, "$.sender", "not a line"),
        ({"sender": "n" * 201}, "$.sender", "not a line"),
        ({"to": 7}, "$.to", "not a line"),
        ({"said_at": 7}, "$.said_at", "not an instant"),
        ({"said_at": "2026-06-01"}, "$.said_at", "not an instant"),
        ({"said_at": "2026-06-01T08:00:00+02:00"}, "$.said_at", "another spelling"),
        ({"data_mode": "live"}, "$.data_mode", "not a word"),
        ({"post": "general"}, "$.post", "not a post"),
        ({"extra": 1}, "$", "not known"),
        ({"re": "f" * 64}, "$.thread", "names its thread"),
        ({"thread": "f" * 64}, "$.thread", "names its thread"),
        ({"text": "help"}, "$.text", "not an object"),
        ({"text": {"language": "english", "words": "help"}}, "$.text.language", "not of this form"),
        ({"text": {"language": "en", "words": "  "}}, "$.text.words", "not words"),
        ({"text": {"language": "en", "words": "a\u0007"}}, "$.text.words", "not words"),
        ({"text": {"language": "en", "words": "\ud800"}}, "$.text.words", "not words"),
        ({"text": {"language": "en", "words": "a" * (WORDS_MAX + 1)}}, "$.text.words", "not words"),
        ({"text": {"language": "en"}}, "$.text.words", "missing"),
        ({"body": []}, "$.body", "not an object"),
        ({"body__points": []}, "$.body.points", "without a position"),
        ({"body__points": {}}, "$.body.points", "not a list"),
        ({"body__points": [{"lat": "0", "lng": "0"}] * 201}, "$.body.points", "not a list"),
        ({"body__points": [{"lat": 33, "lng": "0"}]}, "$.body.points[0].lat", "not degrees"),
        ({"body__points": [{"lat": "90.0000001", "lng": "0"}]}, "$.body.points[0].lat", "not degrees"),
        ({"body__points": [{"lat": "1", "lng": "-181"}]}, "$.body.points[0].lng", "not degrees"),
        ({"body__points": [{"lat": "1e1", "lng": "0"}]}, "$.body.points[0].lat", "not degrees"),
        ({"body__points": [{"lat": "٣", "lng": "0"}]}, "$.body.points[0].lat", "not degrees"),
        ({"body__points": [{"lat": "1.12345678", "lng": "0"}]}, "$.body.points[0].lat", "not degrees"),
        ({"body__points": [{"lat": "1"}]}, "$.body.points[0].lng", "missing"),
        ({"body__end": "2020-01-01T00:00:00Z"}, "$.body.end", "ends before"),
        ({"body__radius_m": 10}, "$.body.radius_m", "around several"),
        ({"body__emergency": 1}, "$.body.emergency", "not true or false"),
        ({"body__version": -1}, "$.body.version", "not such a number"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(change: dict[str, Any], where: str, found: str) -> None:
    """Each fault is said with the JSON path, and behind the name of the file where one is given."""
    payload = json.dumps(notify(**change)).encode()
    with pytest.raises(FormatError) as caught:
        decode(payload)
    assert caught.value.where == where
    assert found in str(caught.value)
    with pytest.raises(FormatError) as caught:
        decode(payload, where="in.json")
    assert str(caught.value).startswith("in.json: $")


def test_holds_are_within_the_call_one_after_the_other() -> None:
    """A hold before the call began, or over its end, is an error."""
    whole = json.loads(encode(Line().north(Kind.CALL_RECORD)))
    whole["body"]["holds"] = [{"start": "2026-06-01T05:00:00Z", "end": "2026-06-01T06:01:00Z"}]
    with pytest.raises(FormatError, match="not in order"):
        decode(json.dumps(whole).encode())


@pytest.mark.parametrize("envelope", ["a.b", "é.b.c", 7, "." * 130_000])
def test_what_is_carried_looks_like_an_envelope(envelope: object) -> None:
    """It is not opened for that."""
    whole = json.loads(encode(Line().north(Kind.FORWARD)))
    whole["body"]["envelope"] = envelope
    with pytest.raises(FormatError, match="not an envelope"):
        decode(json.dumps(whole).encode())


@pytest.mark.parametrize("level", [-1, 6, "3", 2.0, None])
def test_a_level_is_a_whole_number_from_nought_to_five(level: object) -> None:
    """Anything else is an error, a fraction among them."""
    whole = json.loads(encode(Line().north(Kind.ACK, Line().south(Kind.NOTIFY))))
    whole["body"]["level"] = level
    with pytest.raises(FormatError):
        decode(json.dumps(whole).encode())


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not JSON"),
        (b'{"a":1,"a":2}', "there twice"),
        (b'{"a":1.5}', "fraction"),
        (b'{"a":NaN}', "fraction"),
        (b'{"a":1e3}', "fraction"),
        (b'{"a":' + b"[" * 100_000, "not JSON"),
        (b'{"a":' + b"9" * 10_000 + b"}", "not JSON"),
        (b" " * (PAYLOAD_MAX + 1), "too long"),
    ],
    ids=["nothing", "list", "bytes", "twice", "half", "nan", "thousand", "deep", "digits", "long"],
)
def test_hostile_bytes_are_refused(payload: bytes, found: str) -> None:
    """No bytes lead to anything but a message or an error of format."""
    with pytest.raises(FormatError, match=found):
        load(payload)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(payload: bytes) -> None:
    """Whatever comes is refused in order."""
    with pytest.raises(FormatError):
        decode(payload)


@given(messages(), st.data())
def test_no_member_can_be_dropped_changed_in_type_or_added(message: Message, data: st.DataObject) -> None:
    """A message with a member of a type that it cannot have is refused, or it is another message."""
    whole = json.loads(encode(message))
    name = data.draw(st.sampled_from(sorted(whole)))
    whole[name] = data.draw(st.sampled_from([None, [], {"x": 1}, -1, "\x00"]))
    with pytest.raises(FormatError):
        decode(json.dumps(whole).encode())


def test_a_body_that_is_empty_is_not_written() -> None:
    """A check-in has no body; one that is given empty is read the same."""
    check_in = Line().north(Kind.CHECK_IN)
    whole = json.loads(encode(check_in))
    assert "body" not in whole
    assert decode(json.dumps(whole | {"body": {}}).encode()).body == BODY[Plain]
