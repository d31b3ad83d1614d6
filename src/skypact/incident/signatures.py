"""Who signed which lines of an incident, with the keys that a pact gives to its parties.

Law: a signature is over the bytes of one line as they are stored. That line names the one before it by its
digest, so that a signature holds every line above it in place too, whoever wrote them. **What a party vouches
for by it is its own entries, and that the file was so up to there**; it says nothing of what others wrote.

An entry is signed where the party that it was written for has signed its line or a later one. One that is
not stays usable, and is marked. What was written for an office that the pact does not know has no key, and
no signature. A line that was changed, put in or taken out after somebody signed is a fault, even where every
line after it was made anew: the signature names the digest that it had.

Known limit: the instant in a signature is its signer's word, held against the key's window and revocation.
The record, which a witness cosigns, says when it was there.

Sources: RFC 7515 (JWS, appendix F), RFC 8037 (Ed25519).
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import InputError, ModeError
from skypact.instants import SECOND_US, format_instant
from skypact.pact.keys import public_bytes
from skypact.seal import Detached, SigningKey, detach, header_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.incident.case import Case
    from skypact.pact.agreement import Pact
    from skypact.pact.keys import PartyKey

TYPE: Final = "skypact-incident"
"""What a signature's header says that it is of."""
_HEADER: Final = {
    "alg": str,
    "kid": str,
    "typ": str,
    "party": str,
    "incident": str,
    "n": int,
    "sha256": str,
    "iat": int,
}


@dataclass(frozen=True, slots=True)
class Signature:
    """What one signature says of itself, before it is verified.

    Attributes
    ----------
    party
        Whose it says it is.
    incident, number, digest
        What it says it is over: the incident's name, the line's number from 0, its SHA-256 in hexadecimal.
    at_us
        When it says it was made, to the second.
    key_id
        The key that it names.
    detached
        The signature itself.
    """

    party: str
    incident: str
    number: int
    digest: str
    at_us: int
    key_id: str
    detached: Detached


class Mark(enum.Enum):
    """Whether an entry is signed by the party that it was written for."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    NO_KEY = "no key"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an incident's signatures.

    Attributes
    ----------
    marks
        For each line, whether it is signed.
    good
        The signatures that hold, by line and party.
    faults
        Why the others do not.
    """

    marks: tuple[Mark, ...]
    good: tuple[Signature, ...]
    faults: tuple[InputError, ...]

    @property
    def unsigned(self) -> tuple[int, ...]:
        """The numbers of the lines that are not signed, from 0."""
        return tuple(number for number, mark in enumerate(self.marks) if mark is not Mark.SIGNED)

    @property
    def mark(self) -> str:
        """What is shown wherever an incident is used that lacks signatures; "" for one that lacks none."""
        return "UNSIGNED" if self.unsigned else ""


def owner(pact: Pact, key: SigningKey) -> str:
    """The party to which a pact gives a key.

    Raises
    ------
    InputError
        It gives it to nobody, or the key is no Ed25519 key.
    """
    mine = public_bytes(key.public)
    for party in pact.parties:
        if any(each.public == mine for each in party.keys):
            return party.id
    raise InputError(
        "a key that the pact gives to no party",
        where=f"pact {pact.id}",
        expected="a key of "
        + (", ".join(party.id for party in pact.parties) or "parties, of which it has none"),
    )


def sign(key: SigningKey, case: Case, lines: Sequence[bytes], pact: Pact, now_us: int) -> Signature:
    """Sign the last line, and with it all that stands above it, for the party whose key it is.

    Raises
    ------
    InputError
        The pact gives the key to no party, or it does not sign now.
    ModeError
        The pact has another data mode than the incident.
    """
    _same_mode(case, pact)
    party = owner(pact, key)
    own = _key_of(pact, party, key.public.thumbprint)
    assert own is not None  # noqa: S101  # owner() found it
    idle = own.idle(now_us)
    if idle:
        raise InputError(f"a key that is {idle}", where=f"key of {party}", found=format_instant(now_us))
    number = len(lines) - 1
    header = {
        "kid": own.id,
        "typ": TYPE,
        "party": party,
        "incident": case.opening.name,
        "n": number,
        "sha256": _digest(lines[number]),
        "iat": now_us // SECOND_US,
    }
    return signature_of(detach(key, header, lines[number]))


def signature_of(detached: Detached) -> Signature:
    """What a signature says of itself.

    Raises
    ------
    FormatError
        Its header has not just the members that a signature of an incident has.
    """
    header = header_of(detached, _HEADER, TYPE, "a signature of an incident")
    return Signature(
        header["party"],
        header["incident"],
        header["n"],
        header["sha256"],
        header["iat"] * SECOND_US,
        header["kid"],
        detached,
    )


def standing(case: Case, lines: Sequence[bytes], signatures: Sequence[Signature], pact: Pact) -> Standing:
    """What signatures say of an incident's lines.

    Raises
    ------
    ModeError
        The pact has another data mode than the incident.
    """
    _same_mode(case, pact)
    good: list[Signature] = []
    faults: list[InputError] = []
    for signature in signatures:
        try:
            _verify(signature, case, lines, pact)
        except InputError as error:
            faults.append(error)
        else:
            good.append(signature)
    upto: dict[str, int] = {}
    for each in good:
        upto[each.party] = max(each.number, upto.get(each.party, -1))
    marks = []
    for number, entry in enumerate(case.entries):
        party = pact.party(entry.by)
        if party is None or not party.keys:
            marks.append(Mark.NO_KEY)
        else:
            marks.append(Mark.SIGNED if upto.get(entry.by, -1) >= number else Mark.UNSIGNED)
    ordered = sorted(good, key=lambda each: (each.number, each.party, each.at_us, each.detached.text))
    return Standing(tuple(marks), tuple(ordered), tuple(faults))


def place_of(signature: Signature) -> str:
    """Where a signature is spoken of: whose it says it is, of which line, and when."""
    line, at = signature.number + 1, format_instant(signature.at_us)
    return f"signature of {signature.party} under line {line} at {at}"


def _verify(signature: Signature, case: Case, lines: Sequence[bytes], pact: Pact) -> None:
    """Raise what is wrong with a signature."""
    where = place_of(signature)
    if signature.incident != case.opening.name:
        raise InputError(
            "of another incident", where=where, found=signature.incident, expected=case.opening.name
        )
    if not 0 <= signature.number < len(lines):
        raise InputError(
            "lines are missing that were there when it was signed",
            where=where,
            found=f"{len(lines)} lines",
            expected=f"{signature.number + 1} or more",
        )
    line = lines[signature.number]
    if _digest(line) != signature.digest:
        raise InputError(
            "that line, or one above it, was changed after it was signed",
            where=where,
            found=_digest(line),
            expected=signature.digest,
        )
    key = _key_of(pact, signature.party, signature.key_id)
    if key is None:
        raise InputError(
            f"made with a key that the pact does not give to {signature.party}",
            where=where,
            found=signature.key_id,
        )
    if not key.verifies(signature.detached.signature, signature.detached.signed(line)):
        raise InputError("does not fit: it was not made by the key that it names", where=where)
    idle = key.idle(signature.at_us)
    if idle:
        raise InputError(f"made with a key that is {idle}", where=where)


def _key_of(pact: Pact, party_id: str, key_id: str) -> PartyKey | None:
    party = pact.party(party_id)
    return None if party is None else next((key for key in party.keys if key.id == key_id), None)


def _same_mode(case: Case, pact: Pact) -> None:
    mode = case.opening.data_mode
    if pact.data_mode is not mode:
        raise ModeError(
            "a pact of another data mode than the incident",
            where=f"pact {pact.id}",
            found=pact.data_mode.value,
            expected=mode.value,
        )


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
