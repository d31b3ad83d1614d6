"""Incidents with known contents, for the tests of the rules, of the report and of the command."""

from __future__ import annotations

from typing import Any

from skypact.airspace import DataMode
from skypact.incident.case import Case, opened
from skypact.incident.claims import QUESTIONS, Claim, Modality, Predicate, Quote
from skypact.incident.entries import Account, Entry, Evidence, Opening, Standing, Stated
from skypact.incident.values import period
from skypact.instants import SECOND_US, parse_instant

NOON_US = parse_instant("2017-06-08T12:00:00Z")
DAY = period("2017-06-08+03:00")


def entry(what: Any, *, by: str = "office", post: str = "investigator", after_s: int = 0) -> Entry:
    """An entry, so long after noon of that day."""
    return Entry(NOON_US + after_s * SECOND_US, by, post, what)


def opening(**changes: Any) -> Opening:
    """An incident between two parties."""
    fields: dict[str, Any] = {
        "name": "al-tanf-3",
        "title": "The third incident",
        "data_mode": DataMode.TEST,
        "parties": (("north", "The north"), ("south", "")),
    }
    return Opening(**fields | changes)


def account(ident: str = "A1", party: str = "north", **changes: Any) -> Account:
    """An account of a party."""
    fields: dict[str, Any] = {
        "id": ident,
        "party": party,
        "speaker": f"spokesman of the {party}",
        "standing": Standing.OFFICIAL,
        "said": DAY,
        "received_us": NOON_US,
        "source": f"statement of the {party}",
        "language": "en",
    }
    return Account(**fields | changes)


def claim(
    predicate: Predicate | str,
    value: str | None,
    *,
    ident: str = "C1",
    of: str = "A1",
    subject: str = "the drone",
    modality: Modality = Modality.ASSERTED,
    quote: Quote | None = None,
    **changes: Any,
) -> Claim:
    """A claim, its value from its text."""
    asked = Predicate(predicate)
    read = None if value is None else QUESTIONS[asked].read(value)
    return Claim(ident, of, asked, subject, read, modality, quote or Quote("as told"), **changes)


def evidence(ident: str = "E1", **changes: Any) -> Evidence:
    """A picture."""
    fields: dict[str, Any] = {
        "id": ident,
        "sha256": "0" * 64,
        "media_type": "image/jpeg",
        "title": "a picture",
        "source": "a passer-by",
        "collected_us": NOON_US,
        "collected_by": "duty officer",
    }
    return Evidence(**fields | changes)


def case(*whats: Any) -> Case:
    """An incident with these entries after its opening."""
    made = opened(entry(opening()))
    for what in whats:
        made = made.add(what if isinstance(what, Entry) else entry(what))
    return made


def two_sides(first: Claim, second: Claim) -> Case:
    """An incident in which the north says the first, the south the second; ids are put right."""
    from dataclasses import replace

    return case(
        account("A1", "north"),
        account("A2", "south"),
        Stated(replace(first, id="C1", account="A1")),
        Stated(replace(second, id="C2", account="A2")),
    )
