"""No object of a text has two members of one name, however the text is read, and however it is written."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.errors import FormatError
from skypact.strict_json import Twice, load, refuse_repeated, repeated

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a:"\\u03é{[ ')),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.sampled_from('ab:"\\é'), max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def escaped(text: str, escape: bool) -> str:
    """A string of JSON, with each character as an escape or as it is."""
    return '"' + "".join(f"\\u{ord(char):04x}" for char in text) + '"' if escape else json.dumps(text)


def written(value: Any, twice: int, draw: Any, count: list[Any], path: tuple[str | int, ...]) -> str:
    """JSON of a value in which one member, counted from 0, is there again; ``count`` learns where."""
    if isinstance(value, str):
        return escaped(value, draw(st.booleans()))
    if isinstance(value, list):
        return "[" + ",".join(written(v, twice, draw, count, (*path, k)) for k, v in enumerate(value)) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    parts = []
    for name, item in value.items():
        here = count[0]
        count[0] += 1
        parts.append(
            f"{escaped(name, draw(st.booleans()))}: {written(item, twice, draw, count, (*path, name))}"
        )
        if here == twice:
            count += [path, name]  # what was found, behind the count
            parts.insert(draw(st.integers(0, len(parts))), f'{escaped(name, draw(st.booleans()))}:":\\u003a"')
    return "{" + " , ".join(parts) + "}"


@given(JSON, st.integers(0, 12), st.data())
def test_a_member_that_is_there_twice_is_found_with_its_place(
    value: Any, which: int, data: st.DataObject
) -> None:
    """By both readers, at the same place, whatever its name is made of and however that is written."""
    count: list[Any] = [0]
    text = written(value, which, data.draw, count, ()).encode()
    if len(count) == 1:
        assert load(text) == value
        assert repeated(text, msgspec.json.decode(text)) is None
        refuse_repeated(text)
        return
    with pytest.raises(Twice) as caught:
        load(text)
    found = repeated(text, msgspec.json.decode(text))
    assert found is not None
    assert (found.path, found.name) == (caught.value.path, caught.value.name) == tuple(count[1:])
    with pytest.raises(FormatError, match="a member is named twice") as refused:
        refuse_repeated(text)
    assert (refused.value.where, refused.value.found) == (found.where, found.name)


@pytest.mark.parametrize(
    ("text", "where", "name"),
    [
        (b'{"a":1,"a":1}', "$", "a"),
        (b'[0,{"b":[{"c":1,"d":2,"c":3}]}]', "$[1].b[0]", "c"),
        (b'{"x":{"b":1,"b":2},"a":1,"a":2}', "$", "a"),
        (b'{"x":{"b":1,"b":2},"y":{"a":1,"a":2}}', "$.x", "b"),
        (b'{"a":{"z":1,"z":2},"a":3}', "$", "a"),
        (b'{"a":":","a":"\\u003a\\u003A\\u003a"}', "$", "a"),
        (b'{"n":' + b"1" * 200 + b',"n":1e300}', "$", "n"),
    ],
)
def test_the_first_object_as_the_text_goes_is_named(text: bytes, where: str, name: str) -> None:
    """The outer before the inner, the earlier before the later."""
    found = repeated(text, msgspec.json.decode(text))
    assert found is not None
    assert (found.where, found.name) == (where, name)
    assert str(found) == f"{where}: {name!r} is there twice"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b"[NaN]", b"[Infinity]", b"[-Infinity]", b"[1] 2", b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """A byte order mark, NaN and what follows the end are no JSON either."""
    with pytest.raises(ValueError, match=r"."):
        load(text)


def test_fractions_are_the_callers() -> None:
    """Numbers with a point, an exponent, and what is no number go to who said what is made of them."""
    assert load(b'[1, 1.5, 2e3, "1.5"]') == [1, 1.5, 2000.0, "1.5"]
    assert load(b"[1, 1.5, 2e3, NaN]", fraction=str) == [1, "1.5", "2e3", "NaN"]


def test_a_number_that_cannot_be_written_again_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A msgspec that writes no whole number of more than 64 bits makes the text be read a second time."""

    def encode(_value: object) -> bytes:
        raise OverflowError

    monkeypatch.setattr(msgspec.json, "encode", encode)
    refuse_repeated(b'{"a":123456789012345678901234567890}')
    with pytest.raises(FormatError, match="named twice"):
        refuse_repeated(b'{"a":123456789012345678901234567890,"a":1}')


def test_wide_and_deep_texts_cost_no_more_than_their_length() -> None:
    """A hundred thousand members, the last there twice, are read in one pass; too deep a text is an error."""
    wide = b"{" + b",".join(b'"%d":0' % n for n in (*range(100_000), 99_999)) + b"}"
    found = repeated(wide, msgspec.json.decode(wide))
    assert found is not None
    assert found.name == "99999"
    with pytest.raises(RecursionError):
        load(b"[" * 100_000)
    with pytest.raises(FormatError, match="nested too deeply"):
        refuse_repeated(b"[" * 100_000 + b"]" * 100_000)
