"""What is missing, and what was numbered twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hotline_world import Line
from skypact.exchange.hotline.messages import Kind
from skypact.exchange.hotline.numbers import Gap, Twins, gaps, twins


@given(st.sets(st.integers(1, 40)))
def test_gaps_are_what_is_not_there(there: set[int]) -> None:
    """With the gaps filled, every number up to the highest is there once, and no gap is empty."""
    one = Line().north(Kind.NOTIFY)
    messages = [replace(one, serial=serial, id=str(serial)) for serial in there]
    found = gaps(messages)
    filled = [n for gap in found for n in range(gap.first, gap.last + 1)]
    assert sorted([*there, *filled]) == list(range(1, max(there, default=0) + 1))
    assert all(gap.first <= gap.last for gap in found)
    assert twins(messages) == ()


def test_each_sender_numbers_for_each_recipient() -> None:
    """What north says to south and what it says to the office are two rows of numbers."""
    line = Line()
    line.north(Kind.NOTIFY)
    second = line.north(Kind.NOTIFY)
    other = line.say(Kind.NOTIFY, "north", "office")
    assert gaps([second, other]) == (Gap("north", "south", 1, 1),)


def test_one_number_twice_is_shown_with_both_ids() -> None:
    """In whichever threads they are; a duplicate of one message is no twin."""
    first = Line().north(Kind.NOTIFY)
    other = Line().north(Kind.QUERY)
    assert twins([first, other, first]) == (Twins("north", "south", 1, tuple(sorted((first.id, other.id)))),)
    assert twins([first, first]) == ()
