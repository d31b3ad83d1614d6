"""Bodies: strict JSON, typed, and refusals that name the place."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from skypact.errors import FormatError
from skypact.server.body import decode

NAMES = st.text(alphabet='ab":,\\[]{} é\n', max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


class Vertex(Struct):
    """One of the types that bodies are made of."""

    lat: Annotated[float, Meta(ge=-90.0, le=90.0)]


class Shape(Struct):
    """Another."""

    vertices: Annotated[list[Vertex], Meta(min_length=1)]
    units: Literal["M", "FT"] = "M"
    name: str | None = None


@given(JSON, st.sampled_from([(",", ":"), (" , ", " : "), ("\n,", "\t:")]), st.booleans())
def test_strict_json_is_read_as_any_parser_reads_it(
    value: Any, separators: tuple[str, str], ascii_only: bool
) -> None:
    """Whatever stands in names and texts: brackets, colons, quotation marks, escapes."""
    data = json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()
    assert decode(data, Any) == value


def depth(value: Any) -> int:
    """Levels of arrays and objects."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(JSON, st.integers(0, 4))
def test_nesting_is_counted_exactly(value: Any, most: int) -> None:
    """A value is refused for its depth when, and only when, it is deeper than the limit."""
    data = json.dumps(value).encode()
    if depth(value) > most:
        with pytest.raises(FormatError, match="nested too deeply"):
            decode(data, Any, nesting_max=most)
    else:
        assert decode(data, Any, nesting_max=most) == value


def written(value: Any, twice: int, count: list[int]) -> str:
    """JSON of a value in which one member, of those counted from zero, is written twice."""
    if isinstance(value, list):
        return "[" + ", ".join(written(item, twice, count) for item in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    parts = []
    for name, item in value.items():
        here = count[0]
        count[0] += 1
        parts.append(f"{json.dumps(name)} : {written(item, twice, count)}")
        if here == twice:
            parts.append(f"{json.dumps(name)}:null")
    return "{" + ", ".join(parts) + "}"


@given(JSON, st.integers(0, 30))
def test_a_member_named_twice_is_always_found(value: Any, which: int) -> None:
    """Wherever it stands, and whatever its name is made of."""
    count = [0]
    data = written(value, which, count).encode()
    if which >= count[0]:
        assert decode(data, Any) == value
    else:
        with pytest.raises(FormatError, match="named twice"):
            decode(data, Any)


def test_a_member_named_twice_is_named_with_its_place() -> None:
    """The path leads to the object that has it."""
    with pytest.raises(FormatError) as caught:
        decode(b'{"a": [1, {"b": {"c": 1, "d": 2, "c": 3}}], "n": ":x"}', Any)
    assert str(caught.value) == (
        "$.a[1].b: a member is named twice; found 'c'; expected each name once in one object"
    )


@pytest.mark.parametrize(
    ("data", "where", "rest"),
    [
        (
            b'{"vertices": [{"lat": 1}, {"lat": "x"}]}',
            "$.vertices[1].lat",
            'not what is expected here; found "x"; expected a number',
        ),
        (
            b'{"vertices": [{"lat": 91}]}',
            "$.vertices[0].lat",
            "not what is expected here; found 91; expected a number <= 90.0",
        ),
        (
            b'{"vertices": []}',
            "$.vertices",
            "not what is expected here; found []; expected an array of length >= 1",
        ),
        (b'{"vertices": [{}]}', "$.vertices[0]", "a member is missing; expected a member 'lat'"),
        (b'{"vertices": [{"lat": 1}], "units": "k"}', "$.units", "invalid enum value 'k'; found \"k\""),
        (
            b'{"vertices": [{"lat": 1}], "name": 5}',
            "$.name",
            "not what is expected here; found 5; expected a string or null",
        ),
        (b"[1]", "$", "not what is expected here; found [1]; expected an object"),
        (b"null", "$", "not what is expected here; found null; expected an object"),
        (b'{"vertices": [{"lat": 1e999}]}', "$.vertices[0].lat", "number out of range"),
        (b"", "$", "there is no body; expected one JSON value in UTF-8"),
    ],
)
def test_a_fault_is_told_with_place_found_and_expected(data: bytes, where: str, rest: str) -> None:
    """The one line is written for the person who must mend the body."""
    with pytest.raises(FormatError) as caught:
        decode(data, Shape)
    assert str(caught.value) == f"{where}: {rest}"


@pytest.mark.parametrize(
    "data",
    [
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b'{"a": 1',
        b'{"a": "',
        b'"\\',
        b'["\xff"]',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'["\\ud800"]',
        b"[1,]",
        b"{} {}",
        b"/* */ {}",
        b"{'a': 1}",
        b"[}",
        b"\x00",
        b'["\n"]',
        b"01",
        b"]" * 100,
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    """Not one reading out of several: none."""
    with pytest.raises(FormatError):
        decode(data, Any)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b'{"a":' * 1_000_000,
        b'{"a":[' * 700_000 + b"]}" * 700_000,
        b'"' + b'\\"' * 4_000_000,
        b'"' * 4_000_001,
        b"[" + b"[]," * 2_600_000 + b"{]",
        b'["' + b"\\" * 8_000_001,
    ],
    ids=["arrays", "arrays closed", "objects", "both", "escapes", "quotes", "wide", "backslashes"],
)
def test_hostile_bodies_cost_little(data: bytes) -> None:
    """Eight megabytes made to be hard are refused, in time that grows with their length and no faster."""
    started = time.process_time()
    with pytest.raises(FormatError):
        decode(data, Any)
    assert time.process_time() - started < 20.0  # a quadratic reader takes hours


def test_a_huge_number_is_refused_or_read_but_never_slow() -> None:
    """A million digits are no number that anything here needs."""
    with pytest.raises(FormatError, match="out of range"):
        decode(b"[" + b"1" * 1_000_000 + b"]", Any)
    with pytest.raises(FormatError, match="named twice"):
        decode(b'{"a": 12345678901234567890123, "b": 1, "b": 2}', Any)


def test_unknown_members_are_ignored_and_null_is_absent() -> None:
    """As the standard has it."""
    read = decode(b'{"vertices": [{"lat": 1, "more": {}}], "name": null, "x": [1]}', Shape)
    assert read == Shape([Vertex(1.0)])
    assert msgspec.json.encode(read) == b'{"vertices":[{"lat":1.0}],"units":"M","name":null}'
