"""Who may see what: nobody what was not released to him, and the filer always his own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.airspace import DataMode
from skypact.pact import (
    Filing,
    Intermediary,
    Pact,
    Party,
    Release,
    may_forward,
    may_pass_on,
    released_to,
    visible,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTIES = ("north", "south", "office", "east")
STRANGERS = ("damascus", "a village")


@dataclass(frozen=True)
class Filed:
    """A thing, by its labels alone."""

    filer: str = "north"
    filing: Filing | None = Filing.FLIGHT
    releasable_to: tuple[str, ...] | None = None
    onward: Mapping[str, tuple[str, ...]] | None = None
    carrier: str = ""


def pact(*releases: Release, intermediaries: tuple[Intermediary, ...] = ()) -> Pact:
    """A pact of four parties with these rules."""
    return Pact(
        "p",
        data_mode=DataMode.TEST,
        parties=tuple(Party(name) for name in PARTIES),
        releases=releases,
        intermediaries=intermediaries,
    )


def seers(agreed: Pact, thing: Filed, holder: str = "") -> list[str]:
    """Everybody who may see a thing, strangers among those who ask."""
    return [name for name in (*PARTIES, *STRANGERS) if visible(agreed, name, thing, holder=holder)]


def test_silence_releases_nothing() -> None:
    """Under a pact without a rule, a filing that names nobody is seen by its filer alone."""
    assert seers(pact(), Filed()) == ["north"]
    assert seers(pact(), Filed(filing=None)) == ["north"]
    assert released_to(pact(), Filed()) == ()


def test_a_filing_s_own_words_come_before_the_rules_of_the_pact() -> None:
    """What it names is what holds, more or less than a rule would release; naming nobody is a word too."""
    open_to_all = pact(Release("any", ("any",)))
    assert seers(open_to_all, Filed()) == list(PARTIES)
    assert seers(open_to_all, Filed(releasable_to=("south",))) == ["north", "south"]
    assert seers(open_to_all, Filed(releasable_to=())) == ["north"]
    assert seers(pact(), Filed(releasable_to=("south", "damascus"))) == ["north", "south"]


def test_the_first_release_rule_that_fits_holds() -> None:
    """By filer and class, in the order of the pact; a message has no class, so that no rule fits it."""
    agreed = pact(
        Release("north", ("south",), (Filing.FLIGHT,)),
        Release("any", ("office",), (Filing.FLIGHT, Filing.SITE)),
        Release("north", ("any",)),
    )
    assert seers(agreed, Filed()) == ["north", "south"]
    assert seers(agreed, Filed(filing=Filing.SITE)) == ["north", "office"]
    assert seers(agreed, Filed(filing=Filing.ZONE)) == list(PARTIES)
    assert seers(agreed, Filed("south", Filing.FLIGHT)) == ["south", "office"]
    assert seers(agreed, Filed("south", Filing.ZONE)) == ["south"]
    assert seers(agreed, Filed(filing=None)) == ["north"]
    assert released_to(agreed, Filed(filing=Filing.ZONE)) == ("south", "office", "east")


def test_passing_on_is_a_permission_of_its_own_and_ends_after_one_step() -> None:
    """Only who was given leave passes on, to whom it was given for, and who has it so passes on nothing."""
    agreed = pact(Release("north", ("south", "office"), onward=(("south", ("east", "damascus")),)))
    thing = Filed()
    assert seers(agreed, thing) == ["north", "south", "office"]
    assert seers(agreed, thing, holder="south") == ["north", "south", "office", "east"]
    assert seers(agreed, thing, holder="office") == ["north", "south", "office"]
    assert seers(agreed, thing, holder="east") == ["north", "south", "office"]
    assert may_pass_on(agreed, "south", "damascus", thing)
    assert not may_pass_on(agreed, "south", "a village", thing)
    assert not may_pass_on(agreed, "office", "east", thing)
    assert not may_pass_on(agreed, "north", "east", thing)
    assert not may_pass_on(agreed, "damascus", "east", thing)


def test_own_words_of_release_take_the_pact_s_leave_to_pass_on_away() -> None:
    """A filing that says to whom, and not whether it may be passed on, may not be; one that says so may."""
    agreed = pact(Release("north", ("south",), onward=(("south", ("east",)),)))
    named = Filed(releasable_to=("south",))
    assert not may_pass_on(agreed, "south", "east", named)
    assert may_pass_on(agreed, "south", "office", replace(named, onward={"south": ("office",)}))
    kept = Filed(onward={})
    assert seers(agreed, kept, holder="south") == ["north", "south"]


OFFICE = Intermediary("office", ("relief", "north"), ("south", "east"))


def test_an_intermediary_forwards_for_whom_and_to_whom_the_pact_says() -> None:
    """Not for others, not to others, not somebody else in its place."""
    agreed = pact(intermediaries=(OFFICE,))
    assert may_forward(agreed, "office", "relief", "south")
    assert may_forward(agreed, "office", "north", "east")
    assert not may_forward(agreed, "office", "east", "south")
    assert not may_forward(agreed, "office", "relief", "north")
    assert not may_forward(agreed, "office", "relief", "damascus")
    assert not may_forward(agreed, "south", "relief", "east")
    wide = pact(intermediaries=(Intermediary("office", ("any",), ("any",)),))
    assert may_forward(wide, "office", "a village", "north")
    assert not may_forward(wide, "office", "a village", "damascus")


def test_an_intermediary_sees_what_it_carries_and_no_more_by_its_office() -> None:
    """What it carries for somebody it may carry for; not what others carry, nor what came straight."""
    agreed = pact(intermediaries=(OFFICE,))
    thing = Filed("relief", Filing.MOVEMENT, ("south",), carrier="office")
    assert seers(agreed, thing) == ["south", "office"]
    assert seers(agreed, replace(thing, carrier="")) == ["south"]
    assert seers(agreed, replace(thing, carrier="east")) == ["south"]
    assert seers(agreed, replace(thing, filer="a village")) == ["south"]
    only_itself = pact(intermediaries=(Intermediary("office", ("relief",), ("office",)),))
    assert seers(only_itself, thing) == ["south"]


# -- laws -------------------------------------------------------------------------------------------------

_names = st.sampled_from((*PARTIES, *STRANGERS))
_parties = st.sampled_from(PARTIES)
_somebody = st.lists(st.sampled_from((*PARTIES, "any")), max_size=3, unique=True).map(tuple)
_filings = st.sampled_from(Filing)


@st.composite
def releases(draw: st.DrawFn) -> Release:
    """A release rule that a pact can have."""
    to = draw(_somebody)
    receivers = [name for name in PARTIES if name in to or "any" in to]
    onward = (
        draw(st.dictionaries(st.sampled_from(receivers), st.lists(_names, min_size=1).map(tuple)))
        if to
        else {}
    )
    return Release(
        draw(st.sampled_from((*PARTIES, "any"))),
        to,
        tuple(draw(st.lists(_filings, min_size=1, unique=True))),
        tuple(onward.items()),
    )


pacts = st.builds(
    lambda rules, entry: pact(*rules, intermediaries=(entry,)),
    st.lists(releases(), max_size=4),
    st.builds(
        Intermediary,
        _parties,
        st.lists(st.sampled_from((*PARTIES, *STRANGERS, "any")), min_size=1).map(tuple),
        st.lists(st.sampled_from((*PARTIES, "any")), min_size=1, unique=True).map(tuple),
    ),
)
things = st.builds(
    Filed,
    _names,
    st.none() | _filings,
    st.none() | st.lists(_names, max_size=3).map(tuple),
    st.none() | st.dictionaries(_names, st.lists(_names).map(tuple), max_size=2),
    st.just("") | _names,
)


def slowly(agreed: Pact, party: str, thing: Filed, holder: str) -> bool:
    """The law once more, as sets: the oracle."""
    parties = set(PARTIES)
    to: set[str] = set()
    onward: dict[str, tuple[str, ...]] = {}
    if thing.releasable_to is not None:
        to = set(thing.releasable_to)
    elif thing.filing is not None:
        for rule in reversed(agreed.releases):
            if rule.of in (thing.filer, "any") and thing.filing in rule.filings:
                to = parties if "any" in rule.to else set(rule.to)
                onward = dict(rule.onward)
    if thing.onward is not None:
        onward = dict(thing.onward)
    seeing = {thing.filer} | to
    for entry in agreed.intermediaries:
        carries = entry.party == thing.carrier and {thing.filer, "any"} & set(entry.on_behalf_of)
        if carries and ("any" in entry.to or set(entry.to) - {entry.party}):
            seeing.add(entry.party)
    if holder in to and holder != thing.filer:
        seeing |= set(onward.get(holder, ()))
    return party in seeing & parties


@pytest.mark.unmeasured
@given(pacts, things, _names, st.just("") | _names)
def test_visibility_is_the_union_of_its_four_ways(
    agreed: Pact, thing: Filed, party: str, holder: str
) -> None:
    """Own, released, carried, passed on: for any pact and thing, those ways and no fifth."""
    assert visible(agreed, party, thing, holder=holder) == slowly(agreed, party, thing, holder)


@pytest.mark.unmeasured
@given(pacts, things, _parties, st.just("") | _names)
def test_the_filer_sees_his_own_whatever_else_holds(
    agreed: Pact, thing: Filed, filer: str, holder: str
) -> None:
    """No rule, no words and no holder take a party's own filing from it."""
    assert visible(agreed, filer, replace(thing, filer=filer), holder=holder)


@pytest.mark.unmeasured
@given(pacts, things, _names, st.just("") | _names)
def test_who_is_no_party_sees_nothing(agreed: Pact, thing: Filed, party: str, holder: str) -> None:
    """Whatever was released or passed on to a name, only parties of the pact read it here."""
    if visible(agreed, party, thing, holder=holder):
        assert party in PARTIES
    assert not any(visible(agreed, name, thing, holder=holder) for name in STRANGERS)


@pytest.mark.unmeasured
@given(pacts, things, _parties)
def test_whoever_sees_was_released_to_or_carries(agreed: Pact, thing: Filed, party: str) -> None:
    """From the filer's own copy nobody else sees but to whom it is released, and the carrier."""
    seen = visible(agreed, party, thing)
    assert seen == (
        party == thing.filer or party in released_to(agreed, thing) or (party == thing.carrier and seen)
    )
    for holder in PARTIES:
        if visible(agreed, party, thing, holder=holder) and not seen:
            assert may_pass_on(agreed, holder, party, thing)
