"""What was claimed, by whom, in which words; and how two claims lie to each other.

Law: a claim is one answer to one question of a closed list (:data:`QUESTIONS`), attributed, and tied to the
exact words that it was read from. Two claims are compared only where they answer the same question about the
same thing. Numbers, times, places and names of zones are compared here, as sets
(:mod:`~skypact.incident.values`); all else is for people, who are named by their post. **Who is right is not
a question of this file**: a relation is between two claims, and the same whichever is looked at first.

How it works. What a claim allows is its value where it is asserted, and everything else where it is denied;
:data:`RELATIONS` is the whole of the logic, for values that do not go on without end. To deny one that does
(*at least 2*) is to assert the other half (*less than 2*), and is taken so. *Agrees* means that both can be
true; *contradicts*, that not both can; *refines*, that one says all that the other does and more. What is
unknown or conditional is compared with nothing.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import InputError
from skypact.incident import values
from skypact.incident.values import Meeting, Named, Period, Place, Quantity, Scope, Value, Warned, Words

if TYPE_CHECKING:
    from collections.abc import Callable


class Predicate(enum.Enum):
    """The questions that a claim can answer."""

    WHERE = "where"
    WHEN = "when"
    INSIDE_ZONE = "inside_zone"
    ZONE_RECOGNISED = "zone_recognised"
    WARNED = "warned"
    WHO = "who"
    HOW_MANY = "how_many"
    FIRST_ACTION = "first_action"
    HARM = "harm"
    PURPOSE = "purpose"
    REPLY_SCOPE = "reply_scope"


@dataclass(frozen=True, slots=True)
class Question:
    """A row of :data:`QUESTIONS`.

    Attributes
    ----------
    words
        The question for people; the subject follows it.
    read
        Reads the value of an answer.
    takes
        What values it takes.
    expected
        What an answer looks like.
    """

    words: str
    read: Callable[..., Value]
    takes: tuple[type, ...]
    expected: str


QUESTIONS: Final = {
    Predicate.WHERE: Question(
        "Where", values.place_or_words, (Place, Words), "a position, or a place's name"
    ),
    Predicate.WHEN: Question("When", values.period, (Period,), "a time with its offset"),
    Predicate.INSIDE_ZONE: Question("Inside which zone", values.named, (Named,), "a zone's name"),
    Predicate.ZONE_RECOGNISED: Question("Zone recognised", values.named, (Named,), "a zone's name"),
    Predicate.WARNED: Question("Warned how and when", values.warned, (Warned,), "a channel, and when"),
    Predicate.WHO: Question("Who", values.words, (Words,), "words"),
    Predicate.HOW_MANY: Question("How many", values.quantity, (Quantity,), "a number with its unit"),
    Predicate.FIRST_ACTION: Question("Who acted first, and how", values.words, (Words,), "words"),
    Predicate.HARM: Question("Harm", values.quantity_or_words, (Quantity, Words), "a number, or words"),
    Predicate.PURPOSE: Question("Purpose", values.words, (Words,), "words"),
    Predicate.REPLY_SCOPE: Question("What a reply answered for", values.scope, (Scope,), "mine, not mine, …"),
}
"""The closed list. Nothing in it asks for a weapon, a target or a threat; such words stay in quotations."""


class Modality(enum.Enum):
    """How a thing was said."""

    ASSERTED = "asserted"
    DENIED = "denied"
    UNKNOWN = "unknown"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Quote:
    """The exact words that a claim was read from.

    Attributes
    ----------
    text
        The words, to the character.
    start
        How many characters of the account's text stand before them; None where the text is not at hand.
    """

    text: str
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One answer.

    Attributes
    ----------
    id, account
        Its own id, and that of the account that it was read from.
    predicate, subject
        The question, and what it is asked about: ``the drone``. Claims are compared where both are the same.
    value, modality
        The answer, and how it was said; with ``unknown`` there may be no value.
    quote
        The words that it was read from.
    attributed_to
        Whose word it is where the account passes on somebody else's; "" for the account's speaker.
    condition
        Under what condition it was said to hold.
    during
        Throughout what time it was said to hold; None where it was not said.
    thing, zone
        By which ids a record has what it is about: a track, a message, a zone.
    """

    id: str
    account: str
    predicate: Predicate
    subject: str
    value: Value | None
    modality: Modality
    quote: Quote
    attributed_to: str = ""
    condition: str = ""
    during: Period | None = None
    thing: str = ""
    zone: str = ""

    @property
    def topic(self) -> tuple[Predicate, str]:
        """The question and its subject, as they are compared."""
        return self.predicate, values.plain(self.subject)


def check_claim(claim: Claim) -> None:
    """Refuse a claim that says nothing, or something else than its question asks.

    Raises
    ------
    InputError
        The field is named.
    """
    question = QUESTIONS[claim.predicate]
    if not claim.subject.strip():
        raise InputError("a claim about nothing", where="subject", expected="what it is about")
    if not claim.quote.text.strip():
        raise InputError("a claim without words", where="quote", expected="the exact words it was read from")
    if claim.value is None and claim.modality is not Modality.UNKNOWN:
        raise InputError("a claim without a value", where="value", expected=question.expected)
    if claim.value is not None and not isinstance(claim.value, question.takes):
        raise InputError(
            f"not an answer to {claim.predicate.value!r}",
            where="value",
            found=claim.value.text,
            expected=question.expected,
        )
    if (claim.modality is Modality.CONDITIONAL) != bool(claim.condition.strip()):
        raise InputError(
            "a condition belongs to what is conditional, and to nothing else",
            where="condition",
            found=claim.condition or "none",
            expected=f"modality {Modality.CONDITIONAL.value!r} with a condition",
        )


class Relation(enum.Enum):
    """How two claims lie to each other, whichever is looked at first."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    REFINES = "refines"
    INCOMPARABLE = "incomparable"


class Finer(enum.Enum):
    """Of two claims of which one refines the other: which says more."""

    FIRST = "first"
    SECOND = "second"

    @property
    def turned(self) -> Finer:
        """The same where the two are looked at the other way round."""
        return Finer.SECOND if self is Finer.FIRST else Finer.FIRST


_AGREE: Final = (Relation.AGREES, None)
_AGAINST: Final = (Relation.CONTRADICTS, None)
_FIRST: Final = (Relation.REFINES, Finer.FIRST)
_SECOND: Final = (Relation.REFINES, Finer.SECOND)

RELATIONS: Final[dict[tuple[Modality, Modality, Meeting], tuple[Relation, Finer | None]]] = {
    (Modality.ASSERTED, Modality.ASSERTED, Meeting.SAME): _AGREE,
    (Modality.ASSERTED, Modality.ASSERTED, Meeting.WITHIN): _FIRST,
    (Modality.ASSERTED, Modality.ASSERTED, Meeting.AROUND): _SECOND,
    (Modality.ASSERTED, Modality.ASSERTED, Meeting.OVERLAP): _AGREE,
    (Modality.ASSERTED, Modality.ASSERTED, Meeting.APART): _AGAINST,
    (Modality.ASSERTED, Modality.DENIED, Meeting.SAME): _AGAINST,
    (Modality.ASSERTED, Modality.DENIED, Meeting.WITHIN): _AGAINST,
    (Modality.ASSERTED, Modality.DENIED, Meeting.AROUND): _AGREE,
    (Modality.ASSERTED, Modality.DENIED, Meeting.OVERLAP): _AGREE,
    (Modality.ASSERTED, Modality.DENIED, Meeting.APART): _FIRST,
    (Modality.DENIED, Modality.ASSERTED, Meeting.SAME): _AGAINST,
    (Modality.DENIED, Modality.ASSERTED, Meeting.WITHIN): _AGREE,
    (Modality.DENIED, Modality.ASSERTED, Meeting.AROUND): _AGAINST,
    (Modality.DENIED, Modality.ASSERTED, Meeting.OVERLAP): _AGREE,
    (Modality.DENIED, Modality.ASSERTED, Meeting.APART): _SECOND,
    (Modality.DENIED, Modality.DENIED, Meeting.SAME): _AGREE,
    (Modality.DENIED, Modality.DENIED, Meeting.WITHIN): _SECOND,
    (Modality.DENIED, Modality.DENIED, Meeting.AROUND): _FIRST,
    (Modality.DENIED, Modality.DENIED, Meeting.OVERLAP): _AGREE,
    (Modality.DENIED, Modality.DENIED, Meeting.APART): _AGREE,
}
"""How the first is said, how the second, how their values meet: the relation, and which of them is finer."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two claims lie to each other, and why.

    Attributes
    ----------
    relation, finer
        The relation; where one refines the other, which.
    why
        In words: by how much they contradict, or why they are not compared.
    post
        The post of the person who said so; "" where it was computed.
    """

    relation: Relation
    finer: Finer | None = None
    why: str = ""
    post: str = ""

    @property
    def turned(self) -> Comparison:
        """The same where the two are looked at the other way round."""
        finer = None if self.finer is None else self.finer.turned
        return Comparison(self.relation, finer, self.why, self.post)


def compare(a: Claim, b: Claim) -> Comparison:
    """How two claims lie to each other, as far as it can be computed."""
    if a.topic != b.topic:
        return Comparison(Relation.INCOMPARABLE, why="they answer different questions")
    for claim in (a, b):
        if claim.value is None or claim.modality in {Modality.UNKNOWN, Modality.CONDITIONAL}:
            return Comparison(Relation.INCOMPARABLE, why=f"{claim.id} is {claim.modality.value}")
    if a.during is not None and b.during is not None:
        if values.meeting(a.during, b.during) is Meeting.APART:
            return Comparison(Relation.INCOMPARABLE, why="they speak of different times")
    elif a.during is not b.during:
        return Comparison(Relation.INCOMPARABLE, why="one of them does not say of what time it speaks")
    assert a.value is not None and b.value is not None  # noqa: S101, PT018  # looked at above
    return compare_values(a.modality, a.value, b.modality, b.value)


def compare_values(first: Modality, a: Value, second: Modality, b: Value) -> Comparison:
    """How two values lie to each other, each asserted or denied, of one thing at one time."""
    first, a = _said_forward(first, a)
    second, b = _said_forward(second, b)
    met = values.meeting(a, b)
    if met is None:
        return Comparison(Relation.INCOMPARABLE, why="what they say is for people to compare")
    relation, finer = RELATIONS[first, second, met]
    why = ""
    if relation is Relation.CONTRADICTS:
        apart = values.gap(a, b) if met is Meeting.APART else ""
        why = f"at least {apart} apart" if apart else "not both can be true"
    return Comparison(relation, finer, why)


def _said_forward(modality: Modality, value: Value) -> tuple[Modality, Value]:
    """The denial of half of all numbers as the assertion of the other half."""
    others = values.all_others(value) if modality is Modality.DENIED else None
    return (modality, value) if others is None else (Modality.ASSERTED, others)
