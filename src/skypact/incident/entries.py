"""What is written into an incident: every kind of entry, as plain data.

Law: an entry is written once and never changed; whatever is put right is put right by a further entry. Each
says when it was written, for whom (``by``: a party of the incident, or an office that is none), and by which
post there; people are named by their post. There is no field for a weapon, a target or a threat.

Instants are microseconds since 1970 UTC. What may follow what is in :mod:`~skypact.incident.case`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from skypact.airspace.labels import DataMode
    from skypact.incident.claims import Claim, Finer, Relation
    from skypact.incident.values import Period, Place


@dataclass(frozen=True, slots=True)
class Opening:
    """The first entry: what the incident is called, and whose accounts have a column. It asserts nothing.

    Attributes
    ----------
    name, title
        A short name without spaces, and a title for people.
    data_mode
        Of everything in it.
    parties
        The parties whose accounts stand side by side: their ids, each with its name.
    window, area
        When and where it was, widely: an envelope, and no claim.
    instruments
        The agreements that somebody has invoked: ids of pacts, or titles.
    """

    kind: ClassVar = "incident"
    name: str
    title: str
    data_mode: DataMode
    parties: tuple[tuple[str, str], ...]
    window: Period | None = None
    area: Place | None = None
    instruments: tuple[str, ...] = ()


class Standing(enum.Enum):
    """Whose telling an account is."""

    OFFICIAL = "official"
    PRESS = "press"
    WITNESS = "witness"


@dataclass(frozen=True, slots=True)
class Account:
    """What one party, or somebody from its side, said.

    Attributes
    ----------
    id
        ``A1``, ``A2``, in the order of the file.
    party
        In whose column it stands: a party of the incident.
    speaker
        Who spoke, by post or as the source has it: ``Russian General Staff``, ``a Syrian source``.
    standing
        Whether it is the party's official word, a report of the press, or a witness's.
    said, received_us
        When it was said, and when it reached whoever writes the entry.
    source
        Where it stands: a message's id, a publication with its date, an address.
    language
        In which it is quoted, as a BCP 47 tag.
    channel
        How it came: ``hotline``, ``press release``; "" where that is not known.
    text
        The words themselves, where they may be kept; "" where only quotations are.
    translation
        Of the text, into English; "" where there is none. What is quoted is the text.
    source_sha256
        Of the document that quotations were taken from, in hexadecimal; "" where it was not kept.
    supersedes
        The id of the account of the same party that it puts right; that one stays visible.
    """

    kind: ClassVar = "account"
    id: str
    party: str
    speaker: str
    standing: Standing
    said: Period
    received_us: int
    source: str
    language: str
    channel: str = ""
    text: str = ""
    translation: str = ""
    source_sha256: str = ""
    supersedes: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """A claim, read from an account."""

    kind: ClassVar = "claim"
    claim: Claim


@dataclass(frozen=True, slots=True)
class Related:
    """How two claims lie to each other, said by a person of what cannot be computed.

    Attributes
    ----------
    first, second
        Ids of two claims.
    relation, finer
        As :class:`~skypact.incident.claims.Comparison` has them.
    why
        The person's reason.
    """

    kind: ClassVar = "relation"
    first: str
    second: str
    relation: Relation
    why: str
    finer: Finer | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something kept that may bear on the claims.

    Attributes
    ----------
    id
        ``E1``, ``E2``.
    sha256
        Of its bytes, in hexadecimal.
    media_type
        As RFC 6838 has it: ``image/jpeg``.
    title, source
        What it is, and where it is from.
    collected_us, collected_by, tool
        When, by which post, and with what it was collected.
    working
        A working copy, made from what is kept as evidence; else it is that itself.
    """

    kind: ClassVar = "evidence"
    id: str
    sha256: str
    media_type: str
    title: str
    source: str
    collected_us: int
    collected_by: str
    tool: str = ""
    working: bool = False


class Handling(enum.Enum):
    """What happened to a piece of evidence."""

    RECEIVED = "received"
    HANDED_OVER = "handed over"
    COPIED = "copied"
    EXAMINED = "examined"
    SEALED = "sealed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Custody:
    """One event in the keeping of a piece of evidence: what happened, when, to whom it went."""

    kind: ClassVar = "custody"
    evidence: str
    handling: Handling
    happened_us: int
    to: str = ""
    note: str = ""


class Bearing(enum.Enum):
    """What a piece of evidence does to a claim, in the view of whoever says so."""

    SUPPORTS = "supports"
    WEAKENS = "weakens"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Linked:
    """That a piece of evidence bears on a claim, and why somebody thinks so."""

    kind: ClassVar = "link"
    evidence: str
    claim: str
    bearing: Bearing
    why: str


class Degree(enum.Enum):
    """The scale of an assessment: how sure its author is of what he states, and never who is right.

    A to E as airprox boards use letters, where D is kept for evidence that does not suffice or conflicts.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"

    @property
    def words(self) -> str:
        """What the letter means here."""
        return {
            "A": "established: more than one independent record shows it",
            "B": "highly probable",
            "C": "plausible",
            "D": "insufficient, inconclusive or conflicting evidence",
            "E": "not supported by anything at hand",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What somebody concludes; there may be several, and none of them ends the matter.

    Attributes
    ----------
    id
        ``J1``, ``J2``.
    author
        An office or a post.
    method
        How it was come to.
    degree, finding
        How sure, and of what.
    claims
        Ids of the claims that it rests on.
    dissent
        What those of its authors who disagree say; "" where none does.
    """

    kind: ClassVar = "assessment"
    id: str
    author: str
    method: str
    degree: Degree
    finding: str
    claims: tuple[str, ...] = ()
    dissent: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a party takes an account of its own back; both stay visible."""

    kind: ClassVar = "withdrawal"
    account: str
    why: str


class Step(enum.Enum):
    """What moves an incident from one status to another."""

    QUERY = "query"
    ANSWER = "answer"
    LAPSE = "lapse"
    ASSESS = "assess"
    DISPUTE = "dispute"
    SETTLE = "settle"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class Move:
    """That somebody moved the incident, and why; an assessment moves it by itself."""

    kind: ClassVar = "status"
    step: Step
    why: str


What: TypeAlias = (
    Opening | Account | Stated | Related | Evidence | Custody | Linked | Assessment | Withdrawal | Move
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when it was written, for whom, by which post, and what."""

    at_us: int
    by: str
    post: str
    what: What
