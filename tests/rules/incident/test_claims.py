"""How two claims lie to each other: laws of the relation, and the list of questions."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_world import claim
from skypact.errors import InputError
from skypact.incident import values
from skypact.incident.claims import (
    QUESTIONS,
    RELATIONS,
    Claim,
    Comparison,
    Finer,
    Modality,
    Predicate,
    Quote,
    Relation,
    check_claim,
    compare,
)
from skypact.incident.values import Meeting, Quantity

SAID = (Modality.ASSERTED, Modality.DENIED)
counts = st.tuples(st.sampled_from(["", "at least ", "at most ", "more than "]), st.integers(0, 12)).map(
    lambda p: f"{p[0]}{p[1]}"
)


@st.composite
def counted(draw: st.DrawFn, ident: str = "C1") -> Claim:
    """A claim of a number of people, asserted or denied."""
    return claim("how_many", draw(counts), ident=ident, modality=draw(st.sampled_from(SAID)))


def allowed(made: Claim) -> set[int]:
    """Which numbers of people a claim leaves possible, up to a number above all that is claimed."""
    value = made.value
    assert isinstance(value, Quantity)
    low = -1 if value.low is None else int(value.low) + value.low_open
    high = 40 if value.high is None else int(value.high) - value.high_open
    inside = set(range(low, high + 1))
    # -1 stands for all below nothing, and 40 for all above what is claimed
    return inside if made.modality is Modality.ASSERTED else set(range(-1, 41)) - inside


@given(counted(), counted("C2"))
def test_the_relation_is_what_the_numbers_left_possible_say(a: Claim, b: Claim) -> None:
    """Contradicts: nothing is left; refines: one leaves less of what the other does; agrees: all else."""
    one, two = allowed(a), allowed(b)
    found = compare(a, b)
    if not one & two:
        assert found.relation is Relation.CONTRADICTS
        assert found.why
    elif one != two and (one < two or two < one):
        assert found == Comparison(Relation.REFINES, Finer.FIRST if one < two else Finer.SECOND)
    else:
        assert found == Comparison(Relation.AGREES)


@given(counted(), counted("C2"))
def test_a_relation_is_the_same_whichever_is_looked_at_first(a: Claim, b: Claim) -> None:
    """Refines is its own inverse's name, with the other one finer; all else does not turn."""
    assert compare(b, a) == compare(a, b).turned
    assert compare(a, b).turned.turned == compare(a, b)


@given(counted(), st.sampled_from(SAID))
def test_a_claim_agrees_with_itself_and_contradicts_its_denial(a: Claim, said: Modality) -> None:
    """Said again, and denied."""
    expected = Relation.AGREES if said is a.modality else Relation.CONTRADICTS
    assert compare(a, replace(a, modality=said)).relation is expected


@pytest.mark.unmeasured
@settings(max_examples=500)
@given(counted(), counted("C2"), counted("C3"))
def test_refining_carries_contradiction_and_refinement_on(a: Claim, b: Claim, c: Claim) -> None:
    """Who says more than one who contradicts a third contradicts the third too."""
    first = compare(a, b)
    if first.finer is not Finer.FIRST:
        return
    second = compare(b, c)
    if second.relation is Relation.CONTRADICTS:
        assert compare(a, c).relation is Relation.CONTRADICTS
    if second.finer is Finer.FIRST:
        assert compare(a, c).finer is Finer.FIRST


def test_the_table_has_a_row_for_everything_that_can_be_compared() -> None:
    """Two ways of saying, twice, and five ways of meeting; turned, it says the same."""
    assert set(RELATIONS) == set(itertools.product(SAID, SAID, Meeting))
    for (one, two, met), (relation, finer) in RELATIONS.items():
        assert RELATIONS[two, one, met.turned] == (relation, None if finer is None else finer.turned)


def test_every_question_has_a_row_and_reads_what_it_takes() -> None:
    """The closed list, with an answer for each."""
    answers = {
        Predicate.WHERE: "33.5, 38.6 ± 5 km",
        Predicate.WHEN: "2017-06-08Z",
        Predicate.WARNED: "hotline, 20 min before",
        Predicate.HOW_MANY: "more than 60",
        Predicate.HARM: "at least 2",
        Predicate.REPLY_SCOPE: "not mine",
    }
    assert list(QUESTIONS) == list(Predicate)
    for predicate, question in QUESTIONS.items():
        made = claim(predicate, answers.get(predicate, "words"))
        check_claim(made)
        assert isinstance(made.value, question.takes)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"subject": " "}, "subject"),
        ({"quote": Quote(" ")}, "quote"),
        ({"value": None}, "value"),
        ({"value": values.words("many")}, "value"),
        ({"modality": Modality.CONDITIONAL}, "condition"),
        ({"condition": "if it rained"}, "condition"),
    ],
)
def test_a_claim_that_is_none_is_refused(changes: dict[str, object], place: str) -> None:
    """With the name of the field."""
    made = replace(claim("how_many", "5"), **changes)  # type: ignore[arg-type]  # fields by name
    with pytest.raises(InputError) as caught:
        check_claim(made)
    assert caught.value.where == place


def test_what_is_unknown_or_conditional_is_compared_with_nothing() -> None:
    """Nor with what it would agree with; an unknown may have no value."""
    made = claim("how_many", "5")
    unknown = claim("how_many", None, ident="C2", modality=Modality.UNKNOWN)
    check_claim(unknown)
    assert compare(made, unknown) == Comparison(Relation.INCOMPARABLE, why="C2 is unknown")
    conditional = replace(made, modality=Modality.CONDITIONAL, condition="if it was ours")
    check_claim(conditional)
    assert compare(conditional, made).relation is Relation.INCOMPARABLE


def test_different_questions_and_times_are_not_compared() -> None:
    """Nor the same question about different things, nor of times that have nothing in common."""
    made = claim("inside_zone", "al-Tanf 55 km")
    other = claim("inside_zone", "al-tanf  55 KM", modality=Modality.DENIED)
    assert compare(made, other) == Comparison(Relation.CONTRADICTS, why="not both can be true")
    assert compare(made, replace(other, subject="the trucks")).relation is Relation.INCOMPARABLE
    assert compare(made, claim("who", "a drone")).relation is Relation.INCOMPARABLE
    morning, evening = (values.period(f"2017-06-08T{h}:00:00Z/2017-06-08T{h}:30:00Z") for h in ("06", "18"))
    early = replace(made, during=morning)
    assert compare(early, replace(other, during=evening)).why == "they speak of different times"
    assert compare(early, replace(other, during=morning)).relation is Relation.CONTRADICTS
    assert "does not say of what time" in compare(early, other).why
    assert compare(made, claim("inside_zone", "another")).why == "what they say is for people to compare"


def test_a_contradiction_says_by_how_much() -> None:
    """By the least that one of the two would have to give way."""
    early, late = claim("warned", "20 min before"), claim("warned", "less than 1 min before")
    assert compare(early, late) == Comparison(Relation.CONTRADICTS, why="at least 18 min 30 s apart")


def test_what_is_denied_of_half_of_all_numbers_is_the_other_half() -> None:
    """Not at least 2 and not less than 2 cannot both be true; not at most 5 says that it is at least 6."""
    denied = Modality.DENIED
    low, high = (claim("how_many", text, modality=denied) for text in ("less than 2", "at least 2"))
    assert compare(low, high).relation is Relation.CONTRADICTS
    six = claim("how_many", "at least 6")
    assert compare(six, claim("how_many", "at most 5", modality=denied)) == Comparison(Relation.AGREES)
    assert values.all_others(values.quantity("5")) is None
    assert values.all_others(values.quantity("about 5")) is None
