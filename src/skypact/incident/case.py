"""An incident as its entries make it: append-only, and moved from one status to another by one literal table.

Law: a case is a value. An entry that is legal gives the next case; one that is not raises and changes
nothing. Nothing is ever removed: what a party withdraws or puts right stays, marked. Only a party withdraws
its own account, and only a person labels what cannot be computed. No entry and no status says who is right.

Sources: the statuses and the wide envelope, EU 376/2014 Annex I (ADREP); several narratives side by side,
UKAB airprox reports; withdrawal by the reporter alone, the same; custody, the Berkeley Protocol.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from skypact.errors import InputError, Reason, Refused
from skypact.incident.claims import Claim, Comparison, Finer, Relation, check_claim, compare
from skypact.incident.entries import (
    Account,
    Assessment,
    Custody,
    Entry,
    Evidence,
    Linked,
    Move,
    Opening,
    Related,
    Stated,
    Step,
    Withdrawal,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

ENTRIES_MAX: Final = 5_000
"""So many entries has an incident at most; each is looked at anew for every one that comes."""
TEXT_MAX: Final = 200_000
"""So many characters has the text of an account at most."""


class Status(enum.Enum):
    """Where the handling of an incident stands; nothing about what happened."""

    OPEN = "open"
    UNDER_QUERY = "under query"
    ASSESSED = "assessed"
    DISPUTED = "disputed"
    CLOSED = "closed"


MOVES: Final[dict[tuple[Status, Step], Status]] = {
    (Status.OPEN, Step.QUERY): Status.UNDER_QUERY,
    (Status.OPEN, Step.ASSESS): Status.ASSESSED,
    (Status.OPEN, Step.DISPUTE): Status.DISPUTED,
    (Status.OPEN, Step.CLOSE): Status.CLOSED,
    (Status.UNDER_QUERY, Step.ANSWER): Status.OPEN,
    (Status.UNDER_QUERY, Step.LAPSE): Status.OPEN,
    (Status.UNDER_QUERY, Step.ASSESS): Status.UNDER_QUERY,
    (Status.UNDER_QUERY, Step.DISPUTE): Status.DISPUTED,
    (Status.ASSESSED, Step.QUERY): Status.UNDER_QUERY,
    (Status.ASSESSED, Step.ASSESS): Status.ASSESSED,
    (Status.ASSESSED, Step.DISPUTE): Status.DISPUTED,
    (Status.ASSESSED, Step.CLOSE): Status.CLOSED,
    (Status.DISPUTED, Step.ASSESS): Status.DISPUTED,
    (Status.DISPUTED, Step.DISPUTE): Status.DISPUTED,
    (Status.DISPUTED, Step.SETTLE): Status.OPEN,
    (Status.DISPUTED, Step.CLOSE): Status.CLOSED,
    (Status.CLOSED, Step.REOPEN): Status.OPEN,
}
"""Every legal move. ``settle`` moves once nobody's dispute stands; who disputed settles."""

AFTER_CLOSING: Final = (Move, Withdrawal, Custody)
"""What may still be written when an incident is closed: a reopening, a party's withdrawal, what becomes of
evidence."""

Thing = TypeVar("Thing", Account, Claim, Evidence)

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*", re.ASCII)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)


@dataclass(frozen=True)
class Case:
    """An incident and everything that was written of it; made by :func:`opened` and :meth:`add`.

    Attributes
    ----------
    entries
        All entries, in order.
    status
        Where its handling stands.
    disputed_by
        Whose dispute stands.
    """

    entries: tuple[Entry, ...]
    status: Status = Status.OPEN
    disputed_by: frozenset[str] = frozenset()

    # -- what there is

    @property
    def opening(self) -> Opening:
        """The first entry."""
        first = self.entries[0].what
        assert isinstance(first, Opening)  # noqa: S101  # opened() made it so
        return first

    @property
    def parties(self) -> tuple[str, ...]:
        """The ids of the parties, in the order of their columns."""
        return tuple(party for party, _ in self.opening.parties)

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts, withdrawn ones too."""
        return tuple(entry.what for entry in self.entries if isinstance(entry.what, Account))

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """All claims, those of withdrawn accounts too."""
        return tuple(entry.what.claim for entry in self.entries if isinstance(entry.what, Stated))

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """All evidence."""
        return tuple(entry.what for entry in self.entries if isinstance(entry.what, Evidence))

    @cached_property
    def assessments(self) -> tuple[Assessment, ...]:
        """All assessments."""
        return tuple(entry.what for entry in self.entries if isinstance(entry.what, Assessment))

    def account(self, ident: str) -> Account:
        """The account of that id; raises :class:`~skypact.errors.InputError` where there is none."""
        return _one(self.accounts, ident, "account")

    def claim(self, ident: str) -> Claim:
        """The claim of that id; raises :class:`~skypact.errors.InputError` where there is none."""
        return _one(self.claims, ident, "claim")

    def party_of(self, claim: Claim) -> str:
        """In whose column a claim stands."""
        return self.account(claim.account).party

    def withdrawn(self, account: str) -> Withdrawal | None:
        """The withdrawal of an account; None where it stands."""
        return self._withdrawals.get(account)

    @cached_property
    def _withdrawals(self) -> dict[str, Withdrawal]:
        taken = (entry.what for entry in self.entries if isinstance(entry.what, Withdrawal))
        return {each.account: each for each in taken}

    def superseded(self, account: str) -> str:
        """The id of the account that puts this one right; "" where none does, or that one was withdrawn."""
        later = (each for each in self.accounts if each.supersedes == account)
        return next((each.id for each in later if self.withdrawn(each.id) is None), "")

    def stands(self, claim: Claim) -> bool:
        """Whether a claim's account was neither withdrawn nor put right."""
        return self.withdrawn(claim.account) is None and not self.superseded(claim.account)

    def comparison(self, a: Claim, b: Claim) -> Comparison:
        """How two claims lie to each other: computed where it can be, else what a person last said."""
        found = compare(a, b)
        if found.relation is not Relation.INCOMPARABLE:
            return found
        for entry in reversed(self.entries):
            said = entry.what
            if isinstance(said, Related) and {said.first, said.second} == {a.id, b.id}:
                told = Comparison(said.relation, said.finer, said.why, f"{entry.post}, {entry.by}")
                return told if said.first == a.id else told.turned
        return found

    def next_id(self, letter: str) -> str:
        """The id that the next account (A), claim (C), evidence (E) or assessment (J) has."""
        kinds = {"A": Account, "C": Stated, "E": Evidence, "J": Assessment}
        return f"{letter}{1 + sum(isinstance(entry.what, kinds[letter]) for entry in self.entries)}"

    # -- what may come

    def add(self, entry: Entry) -> Case:
        """The case with one more entry.

        Raises
        ------
        InputError
            The entry is none; the field is named.
        Refused
            The case does not allow it: it would come before the last entry, is somebody else's to write, or
            its status does not permit it.
        """
        if len(self.entries) >= ENTRIES_MAX:
            raise Refused(Reason.TOO_LARGE, "an incident of too many entries", expected=ENTRIES_MAX)
        if entry.at_us < self.entries[-1].at_us:
            raise Refused(
                Reason.CONFLICT, "before the last entry", where="at", expected="entries in order of time"
            )
        _check_author(entry)
        what = entry.what
        if self.status is Status.CLOSED and not isinstance(what, AFTER_CLOSING):
            raise Refused(
                Reason.NOT_NOW,
                f"the incident is closed: no {what.kind} is added",
                expected="a status entry with step 'reopen' first",
            )
        status, disputed_by = self.status, self.disputed_by
        match what:
            case Opening():
                raise Refused(Reason.CONFLICT, "an incident is opened once", found=what.name)
            case Account():
                self._check_account(what, entry.at_us)
            case Stated():
                self._check_stated(what.claim)
            case Related():
                self._check_related(what)
            case Evidence():
                self._check_evidence(what, entry.at_us)
            case Custody():
                _one(self.evidence, what.evidence, "evidence")
                _not_later(what.happened_us, entry.at_us, "happened")
            case Linked():
                _one(self.evidence, what.evidence, "evidence")
                self.claim(what.claim)
                _said(what.why, "why", "why it bears on the claim")
            case Assessment():
                self._check_assessment(what)
                status = self._moved(Step.ASSESS)
            case Withdrawal():
                self._check_withdrawal(what, entry.by)
            case _:
                status, disputed_by = self._move(what, entry.by)
        return replace(self, entries=(*self.entries, entry), status=status, disputed_by=disputed_by)

    def _moved(self, step: Step) -> Status:
        after = MOVES.get((self.status, step))
        if after is None:
            legal = ", ".join(one.value for status, one in MOVES if status is self.status)
            raise Refused(
                Reason.NOT_NOW,
                f"an incident that is {self.status.value!r} has no {step.value!r}",
                where="step",
                expected=legal,
            )
        return after

    def _move(self, what: Move, by: str) -> tuple[Status, frozenset[str]]:
        _said(what.why, "why", "why it moves")
        if what.step is Step.ASSESS:
            raise Refused(
                Reason.INVALID, "an assessment moves by itself", where="step", expected="an assessment entry"
            )
        after = self._moved(what.step)
        if what.step in {Step.DISPUTE, Step.SETTLE} and by not in self.parties:
            raise Refused(
                Reason.FORBIDDEN,
                f"only a party can {what.step.value}",
                where="by",
                found=by,
                expected=", ".join(self.parties),
            )
        if what.step is Step.DISPUTE:
            return after, self.disputed_by | {by}
        if what.step is Step.SETTLE:
            if by not in self.disputed_by:
                raise Refused(
                    Reason.FORBIDDEN,
                    "settled by who did not dispute",
                    where="by",
                    found=by,
                    expected=", ".join(sorted(self.disputed_by)),
                )
            left = self.disputed_by - {by}
            return (Status.DISPUTED, left) if left else (after, left)
        return after, frozenset() if what.step is Step.REOPEN else self.disputed_by

    def _check_account(self, account: Account, at_us: int) -> None:
        _is_next(account.id, self.next_id("A"))
        if account.party not in self.parties:
            raise InputError(
                "not a party of the incident",
                where="party",
                found=account.party,
                expected=", ".join(self.parties),
            )
        _said(account.speaker, "speaker", "who spoke, by post")
        _said(account.source, "source", "where it stands")
        _fits(_LANGUAGE, account.language, "language", "a BCP 47 tag, like en or ru")
        if len(account.text) > TEXT_MAX:
            raise InputError(
                "too long", where="text", found=len(account.text), expected=f"at most {TEXT_MAX} characters"
            )
        if account.source_sha256:
            _fits(_SHA256, account.source_sha256, "source_sha256", "64 hexadecimal digits")
        _not_later(account.received_us, at_us, "received")
        if account.supersedes:
            earlier = self.account(account.supersedes)
            if earlier.party != account.party:
                raise Refused(
                    Reason.FORBIDDEN,
                    "a party puts right its own account alone",
                    where="supersedes",
                    found=f"{earlier.id} of {earlier.party}",
                    expected=f"an account of {account.party}",
                )
            if self.superseded(earlier.id):
                raise Refused(
                    Reason.CONFLICT,
                    "put right already",
                    where="supersedes",
                    found=earlier.id,
                    expected=self.superseded(earlier.id),
                )

    def _check_stated(self, claim: Claim) -> None:
        _is_next(claim.id, self.next_id("C"))
        account = self.account(claim.account)
        if self.withdrawn(account.id) is not None:
            raise Refused(Reason.CONFLICT, "the account was withdrawn", where="account", found=account.id)
        check_claim(claim)
        start, words = claim.quote.start, claim.quote.text
        if account.text:
            begin = account.text.find(words) if start is None else start
            if begin < 0 or account.text[begin : begin + len(words)] != words:
                raise InputError(
                    "not the words of the account",
                    where="quote",
                    found=words,
                    expected=f"words of {account.id}, to the character",
                )
        elif start is not None and start < 0:
            raise InputError("not a place in a text", where="quote_start", found=start, expected="0 or more")

    def _check_related(self, said: Related) -> None:
        first, second = self.claim(said.first), self.claim(said.second)
        if first.id == second.id:
            raise InputError("a claim beside itself", where="second", found=second.id, expected="another one")
        found = compare(first, second)
        if found.relation is not Relation.INCOMPARABLE:
            raise Refused(
                Reason.CONFLICT,
                "what can be computed is not for a person to say",
                where="relation",
                found=said.relation.value,
                expected=f"nothing: it is computed that one {found.relation.value} the other",
            )
        if (said.relation is Relation.REFINES) != isinstance(said.finer, Finer):
            raise InputError(
                "which of the two says more belongs to 'refines', and to nothing else",
                where="finer",
                expected="first or second with 'refines', nothing otherwise",
            )
        _said(said.why, "why", "the reason")

    def _check_evidence(self, evidence: Evidence, at_us: int) -> None:
        _is_next(evidence.id, self.next_id("E"))
        _fits(_SHA256, evidence.sha256, "sha256", "64 hexadecimal digits, lower case")
        _fits(_MEDIA_TYPE, evidence.media_type, "media_type", "like image/jpeg")
        for field in ("title", "source", "collected_by"):
            _said(getattr(evidence, field), field, "words")
        _not_later(evidence.collected_us, at_us, "collected")

    def _check_assessment(self, assessment: Assessment) -> None:
        _is_next(assessment.id, self.next_id("J"))
        for field in ("author", "method", "finding"):
            _said(getattr(assessment, field), field, "words")
        for ident in assessment.claims:
            self.claim(ident)

    def _check_withdrawal(self, withdrawal: Withdrawal, by: str) -> None:
        account = self.account(withdrawal.account)
        if by != account.party:
            raise Refused(
                Reason.FORBIDDEN,
                "only a party withdraws its own account",
                where="by",
                found=by,
                expected=account.party,
            )
        if self.withdrawn(account.id) is not None:
            raise Refused(Reason.CONFLICT, "withdrawn already", where="account", found=account.id)
        _said(withdrawal.why, "why", "why it is withdrawn")


def opened(entry: Entry) -> Case:
    """A case of its first entry.

    Raises
    ------
    InputError
        The entry is no opening, or what it says is none; the field is named.
    """
    what = entry.what
    if not isinstance(what, Opening):
        raise InputError("not opened yet", where="entry", found=what.kind, expected=Opening.kind)
    _check_author(entry)
    _fits(_NAME, what.name, "name", "lower-case letters, digits, dots and hyphens, at most 64")
    _said(what.title, "title", "a title")
    ids = [party for party, _ in what.parties]
    for party in ids:
        _fits(_NAME, party, "parties", "ids of lower-case letters, digits, dots and hyphens")
    if len(ids) < 2 or len(set(ids)) != len(ids):
        raise InputError(
            "an incident is between parties", where="parties", found=len(set(ids)), expected="two or more"
        )
    return Case((entry,))


def replayed(entries: Iterable[Entry]) -> Case:
    """The case that entries make; raises as :func:`opened` and :meth:`Case.add` do."""
    case: Case | None = None
    for entry in entries:
        case = opened(entry) if case is None else case.add(entry)
    if case is None:
        raise InputError("an incident without an entry", expected=Opening.kind)
    return case


def _check_author(entry: Entry) -> None:
    _said(entry.by, "by", "for whom it is written: a party or an office")
    _said(entry.post, "post", "the post that wrote it")


def _is_next(found: str, expected: str) -> None:
    if found != expected:
        raise InputError("not the next id", where="id", found=found, expected=expected)


def _said(text: str, where: str, expected: str) -> None:
    if not text.strip():
        raise InputError("nothing said", where=where, found=text, expected=expected)


def _fits(pattern: re.Pattern[str], text: str, where: str, expected: str) -> None:
    if pattern.fullmatch(text) is None:
        raise InputError(f"not a {where.replace('_', ' ')}", where=where, found=text, expected=expected)


def _not_later(instant_us: int, at_us: int, where: str) -> None:
    if instant_us > at_us:
        raise InputError(
            "later than the entry that says so", where=where, expected="the entry's own time, or before"
        )


def _one(things: tuple[Thing, ...], ident: str, kind: str) -> Thing:
    for thing in things:
        if thing.id == ident:
            return thing
    listed = ", ".join(thing.id for thing in things[:20]) or "none yet"
    raise InputError(f"no such {kind}", where=kind, found=ident, expected=f"one of: {listed}")
