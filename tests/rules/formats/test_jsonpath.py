"""JSON read strictly, with the path of what is wrong."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from skypact.errors import FormatError, GeometryError
from skypact.formats.jsonpath import LABEL_MAX, Node, described, joined, parse, printable


def test_a_document_is_a_node_at_the_root() -> None:
    """The root has an empty path and the value of the document; a byte order mark is dropped."""
    root = parse(b'\xef\xbb\xbf{"a": [1, 2.5, "x"]}')
    assert root.path == ""
    assert [node.value for node in root.need("a").elements()] == [1, 2.5, "x"]
    assert [node.path for node in root.need("a").elements()] == ["a[0]", "a[1]", "a[2]"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": 1,\n "b": NaN}', "line 2, column 7: not JSON"),
        (b"", "not JSON"),
        (b'{"a": 1} {"b": 2}', "line 1, column 10: not JSON (trailing characters)"),
        (b'{"a": [1, 2', "not JSON"),
        (b"[1e999]", "[0]: not JSON (number out of range)"),
        (b"[Infinity]", "not JSON"),
        (b"[01]", "not JSON"),
        (b'"\xff"', "not UTF-8"),
        (b'"\\ud800"', "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8; found UTF-16 or UTF-32"),
        ('{"a": 1}'.encode("utf-32-le"), "not UTF-8; found UTF-16 or UTF-32"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 1_000_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_says_where_and_why(data: bytes, said: str) -> None:
    """NaN, a second document, a cut, a wrong encoding and bottomless nesting are clean errors."""
    with pytest.raises(FormatError) as caught:
        parse(data)
    assert said in str(caught.value)


def test_ten_megabytes_of_brackets_are_refused_at_once() -> None:
    """Neither time nor memory grows with the depth that is asked for."""
    data = b"[" * 10_000_000
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(FormatError):
        parse(data)
    seconds = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 2.0
    assert peak < 40_000_000


def test_more_arrays_than_memory_would_hold_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty array takes thirty times its size on disk."""
    monkeypatch.setattr("skypact.formats.jsonpath.CONTAINERS_MAX", 3)
    assert parse(b"[[], {}]").value == [[], {}]
    with pytest.raises(
        FormatError, match="too large a document; found 4 arrays and objects; expected at most 3"
    ):
        parse(b"[[], {}, []]")


def test_members_are_found_under_any_of_their_names() -> None:
    """The first name that is there and not null counts."""
    node = Node({"floor": None, "lower": 5, "other": 6}, "x")
    found = node.get("floor", "lower")
    assert found is not None
    assert (found.path, found.value) == ("x.lower", 5)
    assert node.get("ceiling") is None
    assert "lower" in node
    assert "floor" not in node
    assert "lower" not in Node([1], "x")


def test_one_thing_said_twice_differently_is_an_error() -> None:
    """Two names of one thing may agree, and may not differ."""
    assert Node({"a": 1, "b": 1}, "").get("a", "b") is not None
    with pytest.raises(FormatError, match="said twice, differently; found 2; expected what a"):
        Node({"a": 1, "b": 2}, "").get("a", "b")


def test_what_is_missing_is_named() -> None:
    """A missing member says its name and what it should be."""
    with pytest.raises(FormatError, match=r"^x: type is missing; expected a name$"):
        Node({}, "x").need("type", expected="a name")
    with pytest.raises(FormatError, match=r"the document: type is missing; expected a member 'type'"):
        Node({}, "").need("type")


@pytest.mark.parametrize(
    ("value", "getter", "said"),
    [
        ("5", "number", "x: not a number; found '5'; expected a JSON number"),
        (True, "number", "x: not a number; found true"),
        (None, "number", "x: not a number; found null"),
        (10**400, "number", "x: not a number that fits; found a whole number of more than 30 digits"),
        (1.5, "whole", "x: not a whole number; found 1.5"),
        (5, "text", "x: not a text; found 5"),
        ([1, 2], "text", "x: not a text; found an array of 2"),
        ({"a": 1}, "label", "x: not a name; found an object of 1"),
        (True, "label", "x: not a name; found true"),
        ("a" * (LABEL_MAX + 1), "label", "x: too long for a name; found 201 characters"),
        (1, "flag", "x: neither true nor false"),
        ([], "object", "x: not an object"),
        ({}, "elements", "x: not an array"),
        ("2017-06-08T14:00:00", "instant", "x: not an instant"),
        (3, "positions", "x: not an array of positions"),
    ],
)
def test_a_value_of_the_wrong_kind_says_what_stands_there(value: object, getter: str, said: str) -> None:
    """Each getter names the path, what was found and what was expected."""
    with pytest.raises(FormatError) as caught:
        getattr(Node(value, "x"), getter)()
    assert said in str(caught.value)


def test_values_of_the_right_kind_are_given_back() -> None:
    """Numbers, whole numbers, names, flags, texts and instants."""
    assert Node(3, "").number() == 3.0
    assert Node(3.0, "").whole() == 3
    assert Node(17, "").label() == "17"
    assert Node(" a\x1b[31mb\n", "").label() == "a [31mb"
    assert Node("a\tb", "").note() == "a b"
    assert Node(False, "").flag() is False
    assert Node("M", "").one_of(("M", "FT")) == "M"
    assert Node("1970-01-01T00:00:01Z", "").instant() == 1_000_000
    assert Node({}, "").is_object
    assert Node([], "").is_array
    assert Node("", "").is_text


def test_a_value_that_is_not_allowed_names_those_that_are() -> None:
    """One of a few texts."""
    with pytest.raises(FormatError, match=r"x: not one of .*; found 'KM'; expected M or FT"):
        Node("KM", "x").one_of(("M", "FT"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([[1, 2], [3, "4"]], "x[1][1]: not a coordinate; found '4'"),
        ([[1, 2], [3, None]], "x[1][1]: not a coordinate; found null"),
        ([[1, 2], [True, 4]], "x[1][0]: not a coordinate; found true"),
        ([[1, 2], 3], "x[1]: not a position; found 3"),
        ([[1, 2], [3]], "x[1]: not a position; found an array of 1"),
        ([[1, 2], [3, [4]]], "x[1][1]: not a position; found an array of 1"),
        ([[1, 2], {"lat": 3}], "x[1]: not a position; found an object of 1"),
        ([[10**400, 2]], "x[0][0]: not a coordinate"),
    ],
)
def test_a_bad_position_is_named_by_its_path(value: object, said: str) -> None:
    """The path leads to the number that is wrong."""
    with pytest.raises(FormatError) as caught:
        Node(value, "x").positions()
    assert said in str(caught.value)


def test_positions_are_lists_of_floats() -> None:
    """Whole numbers become floats, further numbers stay."""
    assert Node([[1, 2], [3.5, 4, 5]], "").positions() == [[1.0, 2.0], [3.5, 4.0, 5.0]]
    assert Node([1, 2], "").position() == [1.0, 2.0]


def test_one_bad_position_has_its_own_path() -> None:
    """A single position is named without an index of its own."""
    with pytest.raises(FormatError, match=r"^x\[1\]: not a coordinate"):
        Node([1, "2"], "x").position()
    with pytest.raises(FormatError, match=r"^x: not a position; found 'here'"):
        Node("here", "x").position()


def test_paths_quote_names_that_are_no_words() -> None:
    """A name with a dot or a space cannot be mistaken for two."""
    assert joined("a", "b") == "a.b"
    assert joined("", "b") == "b"
    assert joined("a", 3) == "a[3]"
    assert joined("a", "b.c d") == "a['b.c d']"


def test_descriptions_are_short() -> None:
    """Large values are described by their size."""
    assert str(described([0] * 1000)) == "an array of 1000"
    assert described(1.5) == 1.5
    assert str(described(False)) == "false"


def test_control_characters_are_made_spaces() -> None:
    """A name in a file cannot drive a terminal."""
    assert printable("\x1b]0;title\x07x\u2028y") == "]0;title x y"


def test_an_error_may_be_of_another_class() -> None:
    """What is wrong with a place is a matter of geometry."""
    assert isinstance(Node(91, "x").error("not a latitude", kind=GeometryError), GeometryError)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b'{"a": 1, "a": 2}', "a"),
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"f": [{"g": {"x y": 1, "x y": 2}}, 3]}', "f[0].g['x y']"),
        (b'{"lat": 1, "l\\u0061t": 2}', "lat"),
        (b'{"n": 123456789012345678901234567890, "n": 1e300}', "n"),
        (b'{"a": {"b": 1}, "a": {"c:": "d:"}}', "a"),
    ],
)
def test_a_member_that_is_there_twice_is_refused(data: bytes, where: str) -> None:
    """Parsers differ in which of two members of one name counts; neither does here, and the path is named."""
    with pytest.raises(FormatError) as caught:
        parse(data)
    assert caught.value.where == where
    assert "twice" in caught.value.message


def test_colons_and_equal_names_in_other_objects_are_no_repetition() -> None:
    """Names may come again in other objects, texts may hold colons, and numbers be larger than 64 bits."""
    data = b'[{"a:": ":\\u003a", "b": 1}, {"b": {"b": 123456789012345678901234567890}}]'
    assert parse(data).value == [{"a:": "::", "b": 1}, {"b": {"b": 123456789012345678901234567890}}]
