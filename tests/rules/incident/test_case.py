"""An incident is append-only: what may follow what, and that what may not changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_world import NOON_US, account, case, claim, entry, evidence, opening, two_sides
from skypact.errors import InputError, Reason, Refused
from skypact.incident import case as cases
from skypact.incident.case import MOVES, Case, Status, opened, replayed
from skypact.incident.claims import Finer, Quote, Relation
from skypact.incident.entries import (
    Assessment,
    Bearing,
    Custody,
    Degree,
    Entry,
    Handling,
    Linked,
    Move,
    Related,
    Stated,
    Step,
    Withdrawal,
)


def refused(made: Case, what: Any, **more: Any) -> Any:
    """The refusal of an entry, which has changed nothing."""
    before = repr(made)
    written = what if isinstance(what, Entry) else entry(what, **more)
    with pytest.raises((Refused, InputError)) as caught:
        made.add(written)
    assert repr(made) == before
    return caught.value


def assessment(ident: str = "J1", **changes: Any) -> Assessment:
    """A conclusion."""
    fields: dict[str, Any] = {
        "id": ident,
        "author": "the board",
        "method": "reading both logs",
        "degree": Degree.D,
        "finding": "the logs differ",
    }
    return Assessment(**fields | changes)


# -- opening


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Al Tanf"},
        {"title": ""},
        {"parties": (("north", ""),)},
        {"parties": (("north", ""), ("north", ""))},
        {"parties": (("north", ""), ("the south", ""))},
    ],
)
def test_an_opening_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    """A name, a title, and two parties at least, each once."""
    with pytest.raises(InputError):
        opened(entry(opening(**changes)))


def test_an_incident_begins_with_its_opening_and_has_one() -> None:
    """Nothing comes before it, and no second."""
    with pytest.raises(InputError, match="not opened yet"):
        replayed([entry(account())])
    with pytest.raises(InputError, match="without an entry"):
        replayed([])
    assert isinstance(refused(case(), opening()), Refused)
    with pytest.raises(InputError, match="nothing said"):
        opened(entry(opening(), post=" "))


def test_entries_come_in_order_of_time_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """None before the last, and so many at most."""
    assert "before the last" in str(refused(case(), account(), after_s=-1))
    assert refused(case(), account(), by="").where == "by"
    monkeypatch.setattr(cases, "ENTRIES_MAX", 1)
    assert isinstance(refused(case(), account()), Refused)


# -- accounts and claims


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"id": "A2"}, "id"),
        ({"party": "west"}, "party"),
        ({"speaker": ""}, "speaker"),
        ({"source": ""}, "source"),
        ({"language": "English"}, "language"),
        ({"text": "x" * 200_001}, "text"),
        ({"source_sha256": "ABC"}, "source_sha256"),
        ({"received_us": NOON_US + 1}, "received"),
        ({"supersedes": "A7"}, "account"),
    ],
)
def test_an_account_that_is_none_is_refused(changes: dict[str, Any], place: str) -> None:
    """With the name of the field."""
    assert refused(case(), account(**changes)).where == place


def test_only_a_party_withdraws_its_own_account_and_it_stays() -> None:
    """Not the other party, not the office, not twice; the account and its claims are still there, marked."""
    made = two_sides(claim("how_many", "5"), claim("how_many", "7"))
    for by in ("south", "office"):
        found = refused(made, Withdrawal("A1", "a mistake"), by=by)
        assert isinstance(found, Refused)
        assert found.reason is Reason.FORBIDDEN
    assert refused(made, Withdrawal("A1", ""), by="north").where == "why"
    after = made.add(entry(Withdrawal("A1", "a mistake"), by="north"))
    assert after.withdrawn("A1") == Withdrawal("A1", "a mistake")
    assert [each.id for each in after.accounts] == ["A1", "A2"]
    assert [after.stands(each) for each in after.claims] == [False, True]
    assert "withdrawn already" in str(refused(after, Withdrawal("A1", "again"), by="north"))
    assert "was withdrawn" in str(refused(after, Stated(claim("how_many", "6", ident="C3"))))


def test_a_party_puts_right_its_own_account_alone_and_both_stay() -> None:
    """By a further one; what was put right is marked, and stands again when the further one is withdrawn."""
    made = two_sides(claim("how_many", "5"), claim("how_many", "7"))
    assert "its own account" in str(refused(made, account("A3", "south", supersedes="A1")))
    after = made.add(entry(account("A3", "north", supersedes="A1")))
    assert after.superseded("A1") == "A3"
    assert not after.stands(after.claim("C1"))
    assert "put right already" in str(refused(after, account("A4", "north", supersedes="A1")))
    back = after.add(entry(Withdrawal("A3", "it was right"), by="north"))
    assert back.superseded("A1") == ""
    assert back.stands(back.claim("C1"))


def test_a_claim_is_tied_to_words_of_its_account() -> None:
    """To the character, where the text is there; without it, to a place that can be one."""
    text = "They came at noon. They came at noon, we say."
    made = case(account(text=text))
    words = "came at noon"
    for quote in (Quote(words), Quote(words, 5), Quote(words, 24)):
        after = made.add(entry(Stated(claim("who", "they", quote=quote))))
        assert after.claims[0].quote == quote
    for quote in (Quote("came at one"), Quote(words, 6)):
        assert refused(made, Stated(claim("who", "they", quote=quote))).where == "quote"
    without = case(account())
    assert refused(without, Stated(claim("who", "they", quote=Quote(words, -1)))).where == "quote_start"
    assert without.add(entry(Stated(claim("who", "they", quote=Quote(words, 900))))).claims


def test_a_claim_belongs_to_an_account_and_has_the_next_id() -> None:
    """One that is there; and what check_claim refuses is refused here."""
    assert refused(case(), Stated(claim("who", "they"))).where == "account"
    made = case(account())
    assert refused(made, Stated(claim("who", "they", ident="C2"))).where == "id"
    assert refused(made, Stated(claim("who", "they", subject=""))).where == "subject"


# -- relations


def test_people_compare_what_cannot_be_computed_and_nothing_else() -> None:
    """The last word counts, seen from either side, with the post of who said it."""
    made = two_sides(claim("who", "a militia"), claim("who", "our forces"))
    a, b = made.claims
    assert made.comparison(a, b).relation is Relation.INCOMPARABLE
    said = Related("C2", "C1", Relation.REFINES, "the one is part of the other", Finer.FIRST)
    after = made.add(entry(said, by="south", post="duty officer"))
    found = after.comparison(a, b)
    assert (found.relation, found.finer, found.post) == (
        Relation.REFINES,
        Finer.SECOND,
        "duty officer, south",
    )
    assert after.comparison(b, a) == found.turned
    again = after.add(entry(Related("C1", "C2", Relation.CONTRADICTS, "they are not")))
    assert again.comparison(b, a).relation is Relation.CONTRADICTS
    computed = two_sides(claim("how_many", "5"), claim("how_many", "7"))
    assert computed.comparison(*computed.claims).relation is Relation.CONTRADICTS
    assert "can be computed" in str(refused(computed, Related("C1", "C2", Relation.AGREES, "nearly")))


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (Related("C1", "C9", Relation.AGREES, "so"), "claim"),
        (Related("C1", "C1", Relation.AGREES, "so"), "second"),
        (Related("C1", "C2", Relation.AGREES, "so", Finer.FIRST), "finer"),
        (Related("C1", "C2", Relation.REFINES, "so"), "finer"),
        (Related("C1", "C2", Relation.AGREES, " "), "why"),
    ],
)
def test_a_relation_that_is_none_is_refused(said: Related, place: str) -> None:
    """Between two claims that are there, with a reason."""
    made = two_sides(claim("who", "a militia"), claim("who", "our forces"))
    assert refused(made, said).where == place


# -- evidence and assessments


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"id": "E2"}, "id"),
        ({"sha256": "0" * 63}, "sha256"),
        ({"media_type": "picture"}, "media_type"),
        ({"title": ""}, "title"),
        ({"collected_by": ""}, "collected_by"),
        ({"collected_us": NOON_US + 1}, "collected"),
    ],
)
def test_evidence_that_is_none_is_refused(changes: dict[str, Any], place: str) -> None:
    """With the name of the field, in any order of entries."""
    assert refused(case(), evidence(**changes)).where == place


def test_evidence_has_a_chain_of_custody_and_bears_on_claims() -> None:
    """Each event of it is an entry; so is what somebody thinks that it shows."""
    made = case(account(), Stated(claim("who", "they")), evidence())
    handed = Custody("E1", Handling.HANDED_OVER, NOON_US - 1, "the board")
    linked = Linked("E1", "C1", Bearing.WEAKENS, "nobody is in the picture")
    after = made.add(entry(handed)).add(entry(linked))
    assert [each.what for each in after.entries[-2:]] == [handed, linked]
    assert after.evidence == (evidence(),)
    assert refused(made, replace(handed, evidence="E2")).where == "evidence"
    assert refused(made, replace(handed, happened_us=NOON_US + 1)).where == "happened"
    assert refused(made, replace(linked, claim="C2")).where == "claim"
    assert refused(made, replace(linked, evidence="E2")).where == "evidence"
    assert refused(made, replace(linked, why="")).where == "why"


def test_there_may_be_several_assessments_with_dissent() -> None:
    """Each rests on claims that are there; the letters say how sure, and D is for what does not suffice."""
    made = case(account(), Stated(claim("who", "they")))
    first = assessment(claims=("C1",), dissent="one of three would say C")
    after = made.add(entry(first)).add(entry(assessment("J2", degree=Degree.B)))
    assert [each.id for each in after.assessments] == ["J1", "J2"]
    assert after.status is Status.ASSESSED
    assert Degree.D.words == "insufficient, inconclusive or conflicting evidence"
    assert refused(made, assessment(claims=("C2",))).where == "claim"
    assert refused(made, assessment(method="")).where == "method"
    assert refused(made, assessment("J2")).where == "id"


# -- statuses


def test_the_table_of_moves_leads_everywhere_and_from_everywhere() -> None:
    """Every status is reached and left, and every step is in it."""
    assert set(MOVES.values()) == set(Status)
    assert {status for status, _ in MOVES} == set(Status)
    assert {step for _, step in MOVES} == set(Step)


@given(st.lists(st.tuples(st.sampled_from(Step), st.sampled_from(["north", "south", "office"])), max_size=12))
def test_a_move_is_what_the_table_has_or_is_refused_and_changes_nothing(
    steps: list[tuple[Step, str]],
) -> None:
    """For any order of steps; nobody settles but who disputed, and while a dispute stands it is disputed."""
    made = case()
    for step, by in steps:
        what = assessment(f"J{1 + len(made.assessments)}") if step is Step.ASSESS else Move(step, "because")
        legal = (made.status, step) in MOVES
        legal = legal and (step is not Step.DISPUTE or by != "office")
        legal = legal and (step is not Step.SETTLE or by in made.disputed_by)
        if not legal:
            assert isinstance(refused(made, what, by=by), Refused)
            continue
        after = made.add(entry(what, by=by))
        if step is Step.SETTLE and len(made.disputed_by) > 1:
            assert after.status is Status.DISPUTED
        else:
            assert after.status is MOVES[made.status, step]
        assert (after.status is Status.DISPUTED) <= bool(after.disputed_by)
        made = after


def test_a_move_says_why_and_an_assessment_moves_by_itself() -> None:
    """Without a reason there is none; assess is no step of its own."""
    assert refused(case(), Move(Step.CLOSE, "")).where == "why"
    assert refused(case(), Move(Step.ASSESS, "so")).where == "step"
    assert "has no 'reopen'" in str(refused(case(), Move(Step.REOPEN, "so")))


def test_a_closed_incident_takes_what_belongs_to_it_and_opens_again() -> None:
    """No account; a party's withdrawal, what becomes of evidence, and a reopening."""
    made = case(account(), evidence(), Move(Step.CLOSE, "done"))
    assert isinstance(refused(made, account("A2")), Refused)
    after = made.add(entry(Withdrawal("A1", "a mistake"), by="north"))
    after = after.add(entry(Custody("E1", Handling.SEALED, NOON_US)))
    assert after.status is Status.CLOSED
    again = after.add(entry(Move(Step.REOPEN, "a new account")))
    assert again.add(entry(account("A2"))).status is Status.OPEN


def test_reopening_ends_disputes_that_stood_when_it_was_closed() -> None:
    """Who disputed says so anew."""
    made = case(entry(Move(Step.DISPUTE, "no"), by="north"), Move(Step.CLOSE, "done"))
    assert made.disputed_by == {"north"}
    again = made.add(entry(Move(Step.REOPEN, "so")))
    assert (again.status, again.disputed_by) == (Status.OPEN, frozenset())


def test_what_entries_make_is_what_adding_them_made() -> None:
    """A case is its entries and nothing else."""
    made = two_sides(claim("who", "a"), claim("who", "b")).add(entry(Move(Step.DISPUTE, "no"), by="south"))
    assert replayed(made.entries) == made
    assert made.account("A2").party == made.party_of(made.claim("C2")) == "south"
    assert made.evidence == ()
    assert made.assessments == ()
    assert made.parties == ("north", "south")
