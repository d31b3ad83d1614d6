"""Two clocks, and two records of one call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline_world import NOW, PACT, Line
from skypact.exchange.hotline.calls import Pair, compared, pair_of
from skypact.exchange.hotline.clocks import Offset, offset
from skypact.exchange.hotline.messages import Call, Kind
from skypact.exchange.hotline.thread import opened
from skypact.instants import SECOND_US

delays = st.integers(0, 10**10)


@given(st.integers(-(10**12), 10**12), delays, delays, delays)
def test_the_true_offset_is_within_half_the_round_trip(
    ahead: int, there: int, answering: int, back: int
) -> None:
    """However long the ways there and back take, the offset is right to within its bound."""
    received = NOW + there + ahead
    came = NOW + there + answering + back
    found = offset(NOW, received, received + answering, came, waited=False)
    assert found is not None
    assert abs(found.offset_us - ahead) <= found.bound_us
    assert found.bound_us <= (there + back) // 2 + 2


@pytest.mark.parametrize(
    ("times", "waited"),
    [((0, 10, 20, 40), True), ((0, 20, 10, 40), False), ((0, 10, 60, 40), False)],
)
def test_four_timestamps_that_say_nothing_give_no_offset(
    times: tuple[int, int, int, int], waited: bool
) -> None:
    """A message that waited, and a clock that was set in between, yield none."""
    assert offset(*times, waited=waited) is None


def test_an_offset_is_large_only_where_it_certainly_is() -> None:
    """Its uncertainty is taken off first; and it is never said without it."""
    hour = Offset(3_600_000_000, 200_000)
    assert hour.large(3_599 * SECOND_US)
    assert not hour.large(3_600 * SECOND_US)
    assert Offset(-5_000_000, 0).large(SECOND_US)
    assert hour.text == "+3600.000 ± 0.200 s"


def test_two_records_of_a_call_differ_by_so_much() -> None:
    """Who rang, who took it, when, and how long it was held: each side's, less the other's."""
    second = SECOND_US
    ours = Call(
        "north", "south", NOW, NOW + 300 * second, "watch-keeper", ((NOW + 10 * second, NOW + 40 * second),)
    )
    theirs = Call("south", "north", NOW + 60 * second, NOW + 290 * second, "")
    assert compared(ours, theirs) == Pair(False, False, 60.0, -10.0, -30.0, True)
    assert not compared(ours, Call("north", "south", NOW + 301 * second, NOW + 400 * second)).overlap


def test_a_pair_needs_both_records() -> None:
    """With one side's record alone there is nothing to compare; a thread of something else has no pair."""
    line = Line()
    ours = line.north(Kind.CALL_RECORD)
    thread = opened(ours, PACT)
    assert pair_of(thread) is None
    pair = pair_of(thread.take(line.south(Kind.CALL_RECORD, ours), PACT))
    assert pair == Pair(True, True, 0.0, 0.0, 0.0, True)
