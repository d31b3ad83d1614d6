"""The table of an intent's life."""

from __future__ import annotations

import itertools

import pytest

from skypact.errors import Reason, Refused
from skypact.exchange.dss import FOLLOWS
from skypact.exchange.intent import LIFE, Act, Phase, act_towards, after


@pytest.mark.parametrize(("phase", "act"), list(itertools.product(Phase, Act)))
def test_what_is_not_in_the_table_is_refused(phase: Phase, act: Act) -> None:
    """An act leads where the table says, and is refused with what may be done where it says nothing."""
    if (phase, act) in LIFE:
        assert after(phase, act) is LIFE[phase, act]
        return
    with pytest.raises(Refused) as caught:
        after(phase, act)
    assert caught.value.reason is Reason.NOT_NOW
    assert act.value in str(caught.value)


def test_the_discovery_service_allows_what_the_table_allows() -> None:
    """Every step to a shared state is one that the discovery service's own table has."""
    for (start, _), end in LIFE.items():
        if end.state is not None:
            assert end.state in FOLLOWS[start.state]


def test_nothing_follows_the_end_and_everything_shared_can_end() -> None:
    """An ended flight has no acts; every shared one can be ended in one act."""
    assert not any(start is Phase.ENDED for start, _ in LIFE)
    for phase in Phase:
        if phase.shared:
            assert LIFE[phase, Act.END] is Phase.ENDED


def test_a_contingent_flight_stays_so_until_its_end() -> None:
    """From contingent, only contingent and ended can be reached."""
    assert {end for (start, _), end in LIFE.items() if start is Phase.CONTINGENT} == {
        Phase.CONTINGENT,
        Phase.ENDED,
    }


@pytest.mark.parametrize(("start", "end"), list(itertools.product(Phase, Phase)))
def test_the_act_towards_a_phase_leads_there(start: Phase, end: Phase) -> None:
    """The act that is named for two phases leads from one to the other; where none does, that is said."""
    reachable = {e for (s, _), e in LIFE.items() if s is start}
    if end in reachable:
        assert after(start, act_towards(start, end)) is end
        return
    with pytest.raises(Refused, match=end.value):
        act_towards(start, end)


def test_in_use_means_that_an_aircraft_is_there() -> None:
    """Activated and off-nominal flights are in use; planned and ended ones are not."""
    assert [p.name for p in Phase if p.in_use] == ["ACTIVATED", "NONCONFORMING", "CONTINGENT"]
    assert all(act.meaning for act in Act)
