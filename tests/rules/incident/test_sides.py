"""The parties side by side: agreed, disputed, silent, and no column before another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_world import account, case, claim, entry, opening, two_sides
from skypact.incident.case import opened
from skypact.incident.claims import Predicate, Relation
from skypact.incident.entries import Related, Stated, Withdrawal
from skypact.incident.sides import Agreement, rows


def test_each_party_has_its_cell_and_silence_is_silence() -> None:
    """A question that one party answers has an empty cell for the other, and is nobody's agreement."""
    made = case(account("A1", "north"), Stated(claim("who", "a militia")))
    (row,) = rows(made)
    assert (row.predicate, row.subject) == (Predicate.WHO, "the drone")
    assert [(party, len(claims)) for party, claims in row.cells] == [("north", 1), ("south", 0)]
    assert (row.agreement, row.silent) == (Agreement.ONE_SIDE, ("south",))


def test_what_contradicts_is_disputed_and_what_does_not_is_agreed() -> None:
    """By the engine where it can compare; else it is for people, until one says."""
    (disputed,) = rows(two_sides(claim("how_many", "5"), claim("how_many", "at least 7")))
    assert disputed.agreement is Agreement.DISPUTED
    assert disputed.between[0].comparison.why == "at least 2 apart"
    (agreed,) = rows(two_sides(claim("how_many", "7"), claim("how_many", "at least 7")))
    assert agreed.agreement is Agreement.AGREED
    made = two_sides(claim("who", "a militia"), claim("who", "our forces"))
    assert rows(made)[0].agreement is Agreement.FOR_PEOPLE
    for relation, expected in (
        (Relation.AGREES, Agreement.AGREED),
        (Relation.CONTRADICTS, Agreement.DISPUTED),
    ):
        after = made.add(entry(Related("C1", "C2", relation, "by their words")))
        assert rows(after)[0].agreement is expected


def test_what_was_withdrawn_is_shown_and_does_not_count() -> None:
    """The cell keeps the claim; the row is the other party's alone, or nobody's."""
    made = two_sides(claim("how_many", "5"), claim("how_many", "7"))
    one = made.add(entry(Withdrawal("A1", "a mistake"), by="north"))
    (row,) = rows(one)
    assert [len(claims) for _, claims in row.cells] == [1, 1]
    assert (row.agreement, row.silent, row.between) == (Agreement.ONE_SIDE, ("north",), ())
    (row,) = rows(one.add(entry(Withdrawal("A2", "a mistake"), by="south")))
    assert (row.agreement, row.silent) == (Agreement.NOBODY, ("north", "south"))


def test_a_party_that_contradicts_itself_is_shown_to() -> None:
    """Within its column; that makes no dispute between parties."""
    made = two_sides(claim("how_many", "5"), claim("who", "them"))
    made = made.add(entry(Stated(claim("how_many", "6", ident="C3", of="A1"))))
    made = made.add(entry(Stated(claim("how_many", "at least 5", ident="C4", of="A1"))))
    row = rows(made)[0]
    assert [(each.first.id, each.second.id) for each in row.within] == [("C1", "C3")]
    assert row.agreement is Agreement.ONE_SIDE


answers = st.lists(
    st.tuples(st.sampled_from(["A1", "A2", "A3"]), st.sampled_from(["5", "at least 5", "6", "about 6"])),
    min_size=1,
    max_size=6,
)


@pytest.mark.unmeasured
@given(answers)
def test_no_column_is_before_another(given_answers: list[tuple[str, str]]) -> None:
    """With the parties in any other order every row stands as it did."""
    standings = []
    parties = (("north", ""), ("south", ""), ("east", ""))
    for order in (parties, parties[::-1]):
        made = opened(entry(opening(parties=order)))
        for k, party in enumerate(("north", "south", "east"), 1):
            made = made.add(entry(account(f"A{k}", party)))
        for k, (of, text) in enumerate(given_answers, 1):
            made = made.add(entry(Stated(replace(claim("how_many", text), id=f"C{k}", account=of))))
        (row,) = rows(made)
        assert [party for party, _ in row.cells] == [party for party, _ in order]
        standings.append((row.agreement, row.between, set(row.silent), dict(row.cells)))
    assert standings[0] == standings[1]
