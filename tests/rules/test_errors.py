"""The error tree: what a message says, and how a place grows from the inside out."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact import errors
from skypact.errors import (
    FormatError,
    GeometryError,
    InputError,
    ModeError,
    PactError,
    SkypactError,
    UsageError,
)


@pytest.mark.parametrize("kind", [InputError, GeometryError, FormatError, PactError, ModeError])
def test_tree_of_input_errors(kind: type[InputError]) -> None:
    """Every error about what was given is an InputError, and every error of ours a SkypactError."""
    assert issubclass(kind, InputError)
    assert issubclass(kind, SkypactError)
    assert not issubclass(kind, UsageError)


def test_a_usage_error_is_not_about_input() -> None:
    """A question asked wrongly is ours, but no InputError."""
    assert issubclass(UsageError, SkypactError)
    assert not issubclass(UsageError, InputError)
    assert str(UsageError("say --start TIME")) == "say --start TIME"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "not a radius"),
        ({"where": "circle.radius"}, "circle.radius: not a radius"),
        ({"found": -5.0}, "not a radius; found -5.0"),
        ({"found": "five"}, "not a radius; found 'five'"),
        ({"expected": "0 to 1000 km"}, "not a radius; expected 0 to 1000 km"),
        (
            {"where": "circle.radius", "found": 0, "expected": "more than 0"},
            "circle.radius: not a radius; found 0; expected more than 0",
        ),
    ],
)
def test_message(arguments: dict[str, object], text: str) -> None:
    """The place, what is wrong, what stands there and what should, each where it is given."""
    assert str(InputError("not a radius", **arguments)) == text  # type: ignore[arg-type]  # a table of cases


@pytest.mark.parametrize(
    ("inner", "outer", "joined"),
    [
        ("", "zones.toml", "zones.toml"),
        ("[2].floor", "zone", "zone[2].floor"),
        (".floor", "zone[2]", "zone[2].floor"),
        (":17", "plan.csv", "plan.csv:17"),
        ("zone[2]", "zones.toml", "zones.toml: zone[2]"),
    ],
)
def test_outer_layers_put_their_place_in_front(inner: str, outer: str, joined: str) -> None:
    """Paths join without a break, names with a colon; kind, cause and values stay."""
    error = GeometryError("not a floor", where=inner, found="x", expected="y")
    seen = error.at(outer)
    assert type(seen) is GeometryError
    assert (seen.message, seen.where, seen.found, seen.expected) == ("not a floor", joined, "x", "y")
    assert error.where == inner


@given(st.lists(st.sampled_from(["[0]", ".a", ":3", "b", "c.toml"]), min_size=1, max_size=5))
def test_places_grow_from_the_inside_out(places: list[str]) -> None:
    """Whatever the layers, every one of them is in the place, in order."""
    error = InputError("wrong")
    for place in reversed(places):
        error = error.at(place)
    position = 0
    for place in places:
        position = error.where.index(place, position) + len(place)
    assert str(error).endswith("wrong")


def test_errors_cross_processes_whole() -> None:
    """An error taken apart and put together, as between processes, still says where, what and why."""
    error = PactError("not a minimum", where="separation[0]", found=7, expected="less")
    again = copy.copy(error)  # through the same protocol as pickle
    assert again is not error
    assert type(again) is PactError
    assert str(again) == str(error) == "separation[0]: not a minimum; found 7; expected less"


@given(st.text(min_size=200, max_size=2000))
def test_long_finds_are_cut(found: str) -> None:
    """Hostile input is not repeated whole in its error."""
    text = str(InputError("wrong", found=found))
    assert len(text) < 200
    assert text.endswith("…")


def test_finds_of_the_longest_length_are_whole() -> None:
    """What just fits is not cut, and one character more is."""
    fits = "x" * (errors._LONGEST_QUOTE - 2)
    assert str(InputError("wrong", found=fits)) == f"wrong; found '{fits}'"
    assert str(InputError("wrong", found=fits + "x")).endswith("…")
