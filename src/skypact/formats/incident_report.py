"""The report of an incident as data: what the page and the JSON are both written from.

Law: the parties' answers stand side by side in the order of the incident, with what agrees, what contradicts
and who is silent; beside each claim stands what each record can say of it. Everything that was written is in
it, withdrawn and put right or not, and the digest that the whole file goes by. Nothing in it says who is
right, and nothing is left out for being awkward.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import skypact
from skypact.formats.incident_file import members_of
from skypact.incident.claims import QUESTIONS, Claim, Comparison, Modality
from skypact.incident.entries import Account, Custody, Linked, Opening, Stated
from skypact.incident.logbook import Verdict, against
from skypact.incident.sides import Agreement, Row, rows
from skypact.incident.values import Period, Place, instant_words
from skypact.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skypact.formats.incident_file import Kept
    from skypact.incident.case import Case
    from skypact.incident.entries import Entry
    from skypact.incident.logbook import Logbook
    from skypact.incident.signatures import Standing

TITLE: Final = "skypact incident report 1"
STATEMENT: Final = (
    "Each column is one party's account, in its own words. A relation between two claims, or between a claim "
    "and a record, says nothing about who is right. A record shows what was recorded, not that it is true; "
    "silence is neither consent nor denial."
)
"""What stands at the head of every report."""


def report(kept: Kept, books: Sequence[Logbook] = (), standing: Standing | None = None) -> dict[str, Any]:
    """The report of an incident, ready for JSON.

    Parameters
    ----------
    kept
        The incident as it is kept.
    books
        The records that its claims are held against.
    standing
        What its signatures say of its lines; None: nobody looked.
    """
    case = kept.case
    opening = case.opening
    found = rows(case)
    agreements = Counter(row.agreement.value for row in found)
    beside = {claim.id: [_against(claim, book) for book in books] for claim in case.claims}
    verdicts = Counter(each["verdict"] for findings in beside.values() for each in findings)
    return {
        "format": TITLE,
        "version": skypact.__version__,
        "statement": STATEMENT,
        "incident": {
            "name": opening.name,
            "title": opening.title,
            "data_mode": opening.data_mode.value,
            "status": case.status.value,
            "disputed_by": sorted(case.disputed_by),
            "window": None if opening.window is None else _period(opening.window),
            "area": None if opening.area is None else opening.area.text,
            "instruments": list(opening.instruments),
            "parties": [{"id": party, "name": name or party} for party, name in opening.parties],
        },
        "file": {"entries": len(kept.digests), "head": kept.head},
        "signatures": None if standing is None else signatures(standing),
        "counts": {
            "sides": {one.value: agreements[one.value] for one in Agreement},
            "records": {one.value: verdicts[one.value] for one in Verdict} if books else None,
        },
        "sides": [_row(row) for row in found],
        "claims": [_claim(case, claim) | {"records": beside[claim.id]} for claim in case.claims],
        "records": [book.holder for book in books],
        "ledgers": [
            {"holder": book.holder, "ledger": book.ledger or None, "forks": list(book.forks)}
            for book in books
        ],
        "timeline": sorted(
            _timeline(case, books), key=lambda each: (each["from"], each["until"], each["what"])
        ),
        "accounts": [_account(case, account) for account in case.accounts],
        "evidence": list(_evidence(case)),
        "assessments": [members_of(one) | {"degree_means": one.degree.words} for one in case.assessments],
        "log": [
            {
                "n": number,
                "sha256": digest,
                "signed": None if standing is None else standing.marks[number].value,
                **_logged(entry),
            }
            for number, (entry, digest) in enumerate(zip(case.entries, kept.digests, strict=True))
        ],
    }


def signatures(standing: Standing) -> dict[str, Any]:
    """What is known of an incident's signatures, ready for JSON."""
    return {
        "mark": standing.mark,
        "unsigned": list(standing.unsigned),
        "signed": [
            {"party": each.party, "n": each.number, "at": format_instant(each.at_us), "key": each.key_id}
            for each in standing.good
        ],
        "faults": [str(fault) for fault in standing.faults],
    }


def _period(period: Period) -> dict[str, str]:
    return {"said": period.text, "utc": instant_words(period)}


def _row(row: Row) -> dict[str, Any]:
    return {
        "question": QUESTIONS[row.predicate].words,
        "predicate": row.predicate.value,
        "subject": row.subject,
        "agreement": row.agreement.value,
        "cells": {party: [claim.id for claim in claims] for party, claims in row.cells},
        "silent": list(row.silent),
        "between": [_compared(each.first, each.second, each.comparison) for each in row.between],
        "within": [_compared(each.first, each.second, each.comparison) for each in row.within],
    }


def _compared(first: Claim, second: Claim, found: Comparison) -> dict[str, Any]:
    return {
        "first": first.id,
        "second": second.id,
        "relation": found.relation.value,
        "finer": None if found.finer is None else found.finer.value,
        "why": found.why,
        "said_by": found.post or None,
    }


def _claim(case: Case, claim: Claim) -> dict[str, Any]:
    account = case.account(claim.account)
    withdrawn = case.withdrawn(account.id)
    value = claim.value
    return {
        "id": claim.id,
        "account": account.id,
        "party": account.party,
        "attributed_to": claim.attributed_to or account.speaker,
        "predicate": claim.predicate.value,
        "subject": claim.subject,
        "value": None if value is None else value.text,
        "utc": instant_words(value) if isinstance(value, Period) else None,
        "position": {"lat": value.lat_deg, "lng": value.lng_deg, "accuracy_m": value.accuracy_m}
        if isinstance(value, Place)
        else None,
        "modality": claim.modality.value,
        "condition": claim.condition or None,
        "during": None if claim.during is None else _period(claim.during),
        "quote": claim.quote.text,
        "quote_start": claim.quote.start,
        "source": account.source,
        "said": account.said.text,
        "withdrawn": None if withdrawn is None else withdrawn.why,
        "superseded_by": case.superseded(account.id) or None,
    }


def _against(claim: Claim, book: Logbook) -> dict[str, Any]:
    found = against(claim, book)
    return {
        "holder": found.holder,
        "verdict": found.verdict.value,
        "entries": list(found.entries),
        "margin": found.margin,
    }


def _account(case: Case, account: Account) -> dict[str, Any]:
    withdrawn = case.withdrawn(account.id)
    return members_of(account) | {
        "withdrawn": None if withdrawn is None else withdrawn.why,
        "superseded_by": case.superseded(account.id) or None,
        "claims": [claim.id for claim in case.claims if claim.account == account.id],
    }


def _evidence(case: Case) -> Iterator[dict[str, Any]]:
    for one in case.evidence:
        events = [
            {"at": format_instant(entry.what.happened_us), "by": entry.by, "post": entry.post}
            | {
                name: text
                for name, text in members_of(entry.what).items()
                if name in {"handling", "to", "note"}
            }
            for entry in case.entries
            if isinstance(entry.what, Custody) and entry.what.evidence == one.id
        ]
        links = [
            {
                "claim": what.claim,
                "bearing": what.bearing.value,
                "why": what.why,
                "by": entry.by,
                "post": entry.post,
            }
            for entry in case.entries
            if isinstance(what := entry.what, Linked) and what.evidence == one.id
        ]
        yield members_of(one) | {"custody": events, "links": links}


def _logged(entry: Entry) -> dict[str, Any]:
    what = entry.what
    about: Any = what.claim if isinstance(what, Stated) else what
    names = ("id", "account", "evidence", "step", "first", "second")
    named = [getattr(about, name, "") for name in names] if not isinstance(what, Opening) else [what.name]
    words = [getattr(one, "value", one) for one in named if one]
    return {
        "at": format_instant(entry.at_us),
        "by": entry.by,
        "post": entry.post,
        "entry": what.kind,
        "about": " ".join(words),
    }


def _timeline(case: Case, books: Sequence[Logbook]) -> Iterator[dict[str, Any]]:
    """Everything that has a time: what is claimed, when it was said, what records have."""

    def moment(what: str, when: Period, party: str, sort: str) -> dict[str, Any]:
        first, last = format_instant(when.earliest_us), format_instant(when.latest_us)
        return {"from": first, "until": last, "said": when.text, "party": party, "sort": sort, "what": what}

    for claim in case.claims:
        if not case.stands(claim):
            continue
        party = case.party_of(claim)
        denied = "denied: " if claim.modality is Modality.DENIED else ""
        question = QUESTIONS[claim.predicate].words.lower()
        if isinstance(claim.value, Period):
            yield moment(f"{claim.id} {denied}{claim.subject}", claim.value, party, "claimed")
        elif claim.during is not None and claim.value is not None:
            text = f"{claim.id} {denied}{claim.subject}: {question}: {claim.value.text}"
            yield moment(text, claim.during, party, "claimed")
    for account in case.accounts:
        yield moment(f"{account.id} {account.speaker} says so", account.said, account.party, "said")
    for book in books:
        if book.event is not None:
            yield moment(
                f"the event, as the record of {book.holder} is asked about it", book.event, "", "event"
            )
        for message in book.messages:
            for name, when in message.stages:
                text = f"{message.ref} {message.kind} {name}, {message.sender} to {message.receiver}"
                yield moment(text, when, book.holder, "recorded")
