"""The parties side by side: for each question, what each of them answers, and where the answers stand.

Law: a row is a question about one thing, a column is a party, and the order of the columns is the incident's.
A row is *disputed* where two parties' answers contradict each other, *agreed* where every answer was compared
with every other party's and none does, *for people* where something could not be compared, and *one side*
where one party alone answers. Silence is shown as silence, and is neither consent nor denial. What was
withdrawn or put right is shown and does not count. No column is before another.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from skypact.incident.claims import Claim, Comparison, Predicate, Relation

if TYPE_CHECKING:
    from skypact.incident.case import Case


class Agreement(enum.Enum):
    """How the answers of a row stand to each other."""

    AGREED = "agreed"
    DISPUTED = "disputed"
    FOR_PEOPLE = "for people"
    ONE_SIDE = "one side"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two claims of a row, and how they lie to each other."""

    first: Claim
    second: Claim
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Row:
    """One question about one thing.

    Attributes
    ----------
    predicate, subject
        The question, and what it is about, as it was written first.
    cells
        For each party of the incident its claims, in the order of the file.
    agreement
        How the answers stand to each other.
    between
        Every two claims of different parties that stand, and how they lie to each other.
    within
        Every two claims of one party that stand and contradict each other.
    silent
        The parties that do not answer.
    """

    predicate: Predicate
    subject: str
    cells: tuple[tuple[str, tuple[Claim, ...]], ...]
    agreement: Agreement
    between: tuple[Compared, ...]
    within: tuple[Compared, ...]
    silent: tuple[str, ...]


def rows(case: Case) -> tuple[Row, ...]:
    """What each party answers to each question, in the order in which the questions came up."""
    topics: dict[tuple[Predicate, str], list[Claim]] = {}
    for claim in case.claims:
        topics.setdefault(claim.topic, []).append(claim)
    return tuple(_row(case, claims) for claims in topics.values())


def _row(case: Case, claims: list[Claim]) -> Row:
    standing = [claim for claim in claims if case.stands(claim)]
    between, within = [], []
    for first, second in combinations(standing, 2):
        found = Compared(first, second, case.comparison(first, second))
        if case.party_of(first) != case.party_of(second):
            between.append(found)
        elif found.comparison.relation is Relation.CONTRADICTS:
            within.append(found)
    speak = {case.party_of(claim) for claim in standing}
    return Row(
        claims[0].predicate,
        claims[0].subject,
        tuple((party, tuple(c for c in claims if case.party_of(c) == party)) for party in case.parties),
        _agreement(len(speak), {each.comparison.relation for each in between}),
        tuple(between),
        tuple(within),
        tuple(party for party in case.parties if party not in speak),
    )


def _agreement(speakers: int, relations: set[Relation]) -> Agreement:
    if Relation.CONTRADICTS in relations:
        return Agreement.DISPUTED
    if Relation.INCOMPARABLE in relations:
        return Agreement.FOR_PEOPLE
    if relations:
        return Agreement.AGREED
    return Agreement.ONE_SIDE if speakers else Agreement.NOBODY
