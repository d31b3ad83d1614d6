"""The life of a filing, by its table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filings import NOON
from skypact.errors import Reason, Refused
from skypact.notify.filing import Window
from skypact.notify.lifecycle import LIVE, TABLE, Move, State, due, moved


@given(st.lists(st.sampled_from(Move), max_size=30))
def test_nothing_moves_but_by_the_table(moves: list[Move]) -> None:
    """Whatever is tried, a state changes as the table says, and an illegal move changes nothing."""
    state = State.DRAFT
    for move in moves:
        if (state, move) in TABLE:
            state = moved(state, move)
            continue
        with pytest.raises(Refused) as caught:
            moved(state, move)
        assert caught.value.reason is Reason.NOT_NOW
        assert state.value in str(caught.value)


def test_what_is_over_stays_over() -> None:
    """From ended, cancelled and expired nothing leads on; every live state leads to each end that it has."""
    for state in State:
        moves = {move for at, move in TABLE if at is state}
        assert (not moves) == (state in {State.ENDED, State.CANCELLED, State.EXPIRED})
        if state in LIVE:
            assert {Move.CANCEL, Move.EXPIRE, Move.AMEND} <= moves


def test_every_state_can_be_reached() -> None:
    """No state of the table is dead."""
    assert {State.DRAFT, *TABLE.values()} == set(State)


@pytest.mark.parametrize("state", State)
def test_the_clock_expires_what_is_live_and_over(state: State) -> None:
    """At the end of the window with its tolerance, not an instant before, and only what is live."""
    window = Window(NOON, NOON + 10, 0, 5)
    assert due(state, window, NOON + 14) is None
    assert due(state, window, NOON + 15) is (Move.EXPIRE if state in LIVE else None)
    assert due(state, Window(NOON), 2**61) is None
