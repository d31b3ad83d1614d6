"""Who has signed a pact, who must, and whether a node may run under it.

Law: a signature is over the bytes of the text as they are stored; a change of one byte is no longer what was
signed. **A pact counts for nothing by itself: only the signatures that it, or the version before it, asks for
bring it into force.** A first version asks for every party's. A later one asks for

1. those that the version before it asks for in its amendment terms, of the parties of that version;
2. everyone who becomes a party by it;
3. everyone whose own words it changes (``statements.py``): nobody's keys, contacts, positions on a zone or
   release of filings are changed by others, however many they are. Who releases to *any* party says so of
   the parties there are; when one joins, he says it anew.

A party of the version before signs with a key that *that version* gives it, so a new key is brought in by a
version that an old one signed. A key signs nothing from the instant of its revocation, in whichever of the
two versions it is revoked, and no later version gives it back. Who has lost all its keys cannot sign a next
version: the parties begin a new pact and compare its keys aloud, as they did those of the first.

Known limits. The instant in a signature is its signer's own word. It is held against the key's window and
revocation, and proves nothing else; when a signature existed is for the record and its witnesses to show. Two
different next versions can both be complete where parties sign both; each signature is then the proof of it,
and nothing here chooses.

Sources: RFC 7515 (JWS, appendix F), RFC 8037 (Ed25519); ``docs/decisions/0017-signatures-of-a-pact.md``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.airspace.labels import DataMode
from skypact.errors import InputError, PactError, Reason, Refused
from skypact.instants import FOREVER, SECOND_US, format_instant
from skypact.pact.keys import public_bytes
from skypact.pact.statements import compared, statements
from skypact.seal import Detached, SigningKey, detach, header_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.pact.agreement import Pact
    from skypact.pact.keys import PartyKey

TYPE: Final = "skypact-pact"
"""What a signature's header says that it is of."""
_HEADER: Final = {
    "alg": str,
    "kid": str,
    "typ": str,
    "party": str,
    "pact": str,
    "version": int,
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
    pact, version, digest
        What it says it is over: the id, the version, ``sha256:`` and the digest of the text.
    at_us
        When it says it was made, to the second.
    key_id
        The key that it names.
    detached
        The signature itself.
    """

    party: str
    pact: str
    version: int
    digest: str
    at_us: int
    key_id: str
    detached: Detached


@dataclass(frozen=True, slots=True)
class Signed:
    """A party's good signature: with which key, and when by its own word (microseconds since 1970 UTC)."""

    party: str
    key: PartyKey
    at_us: int


@dataclass(frozen=True, slots=True)
class Needed:
    """A party that must sign, why, and whether it has."""

    party: str
    why: str
    signed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a pact's signatures.

    Attributes
    ----------
    pact, digest
        The pact, and the digest of its text.
    signed
        The good signatures, in their order.
    faults
        The others, and where the chain of versions does not fit.
    lacks
        What of that chain is missing: the version before, or its signatures. The signatures of this version
        are not looked at then, for which keys they need is not known.
    needed
        The parties that must have signed.
    count, of, at_least
        Of so many parties that count, ``count`` have signed and ``at_least`` must have.
    complete
        All signatures that are asked for are there.
    revoked
        The keys that this version or one before revokes, and from when: the earliest instant of any.
    """

    pact: Pact
    digest: str
    signed: tuple[Signed, ...]
    faults: tuple[InputError, ...]
    lacks: tuple[InputError, ...]
    needed: tuple[Needed, ...]
    count: int
    of: int
    at_least: int
    complete: bool
    revoked: Mapping[bytes, int]

    @property
    def missing(self) -> tuple[str, ...]:
        """The parties that must sign and have not."""
        return tuple(each.party for each in self.needed if not each.signed)

    @property
    def mark(self) -> str:
        """What is shown wherever a pact is used that lacks signatures; "" for one that lacks none."""
        return "" if self.complete else "UNSIGNED DRAFT"


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a pact: the pact, the bytes that it was read from, and the signatures beside them."""

    pact: Pact
    text: bytes
    signatures: tuple[Signature, ...] = ()


def digest_of(text: bytes) -> str:
    """The digest by which a later version, and every signature, names a text."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def sign(
    key: SigningKey, edition: Edition, party: str, now_us: int, *, before: Standing | None = None
) -> Signature:
    """Sign a text for a party.

    Parameters
    ----------
    before
        The version that it supersedes, which may lack signatures itself; None for a first version.

    Raises
    ------
    InputError
        The key is not one of this party's that signs now; signatures that are there are of another text; or
        the version before, whose keys have to sign, is not given, or does not fit.
    """
    pact, digest = edition.pact, digest_of(edition.text)
    if pact.version > 1 and before is None:
        raise _not_at_hand(pact)
    for fault in _misfits(pact, before):
        raise fault
    previous = None if before is None else before.pact
    for there in edition.signatures:
        if there.digest != digest:
            raise PactError(
                f"the text has changed since {there.party} signed it",
                where=place_of(there),
                found=digest,
                expected=there.digest,
            )
    mine = public_bytes(key.public)
    own = next((each for each in _keys(pact, previous, party) if each.public == mine), None)
    if own is None:
        raise _not_its_key(pact, previous, party, public=mine)
    _still_signs(pact, previous, own, party, now_us)
    header = {
        "kid": own.id,
        "typ": TYPE,
        "party": party,
        "pact": pact.id,
        "version": pact.version,
        "sha256": digest.removeprefix("sha256:"),
        "iat": now_us // SECOND_US,
    }
    return signature_of(detach(key, header, edition.text))


def signature_of(detached: Detached) -> Signature:
    """What a signature says of itself.

    Raises
    ------
    FormatError
        Its header has not just the members that a pact's signature has.
    """
    header = header_of(detached, _HEADER, TYPE, "a signature of a pact")
    return Signature(
        header["party"],
        header["pact"],
        header["version"],
        f"sha256:{header['sha256']}",
        header["iat"] * SECOND_US,
        header["kid"],
        detached,
    )


def standing(chain: Sequence[Edition]) -> Standing:
    """What is known of the last of these versions, each of which supersedes the one before.

    Parameters
    ----------
    chain
        The versions from the first one on. A chain that does not begin with a first version is incomplete.
    """
    known = standings(chain)
    if not known:
        raise InputError("a chain of no versions", where="chain")
    return known[-1]


def standings(chain: Sequence[Edition]) -> tuple[Standing, ...]:
    """What is known of each of these versions, each of which supersedes the one before."""
    known: list[Standing] = []
    for edition in chain:
        known.append(_of_edition(edition, known[-1] if known else None))
    return tuple(known)


def in_force(chain: Sequence[Edition], at_us: int) -> Standing | None:
    """The version that is in force at an instant, by its signatures and its dates; None where none is.

    A version takes the place of the one before when it is complete and its own beginning has come; until
    then, however long it has been signed by some, the one before holds. One that has ended is not followed by
    the one that it superseded.

    Parameters
    ----------
    chain
        The versions from the first one on, as for :func:`standing`.
    at_us
        Microseconds since 1970 UTC.
    """
    return holding(standings(chain), at_us)


def holding(known: Sequence[Standing], at_us: int) -> Standing | None:
    """As :func:`in_force`, of what is known of each version already."""
    holds: Standing | None = None
    for each in known:
        if not each.complete:
            break
        if each.pact.effective_us <= at_us:
            holds = each
    return holds if holds is not None and holds.pact.in_force(at_us) else None


def run_under(known: Standing) -> str:
    """Whether a node may run under a pact; returns what to show with everything that is done under it.

    A pact about the real world is run under only when it is complete. Any other may be tried unsigned, and
    is marked.

    Raises
    ------
    Refused
        NOT_NOW: it is about the real world and signatures are missing; who has not signed is named.
    """
    pact = known.pact
    if pact.data_mode is DataMode.REAL and not known.complete:
        lacking = ", ".join(known.missing) or f"{known.at_least - known.count} more of {known.of} parties"
        why = (*known.faults, *known.lacks)
        fault = f" ({why[0]})" if why else ""
        raise Refused(
            Reason.NOT_NOW,
            f"nobody runs under an unsigned pact about the real world{fault}",
            where=f"{pact.id}, version {pact.version}",
            found=f"no signature of {lacking}",
            expected="every signature that it asks for, or data_mode exercise, simulated or test",
        )
    return known.mark


def place_of(signature: Signature) -> str:
    """Where a signature is spoken of: whose it says it is, and when."""
    return f"signature of {signature.party} at {format_instant(signature.at_us)}"


# -- one version ------------------------------------------------------------------------------------------


def _of_edition(edition: Edition, before: Standing | None) -> Standing:
    pact, digest = edition.pact, digest_of(edition.text)
    faults: list[InputError] = _misfits(pact, before)
    lacks = [] if faults else _lacks(pact, before)
    follows = not (faults or lacks)
    previous = before.pact if before is not None and not faults else None
    signed: list[Signed] = []
    for signature in edition.signatures if follows else ():  # which keys they need is not known else
        try:
            signed.append(_verified(signature, edition, digest, previous))
        except InputError as error:
            faults.append(error)
    have = {each.party for each in signed}
    count_among = pact.parties if previous is None else previous.parties
    at_least = len(pact.parties) if previous is None else previous.amendment.needed(len(previous.parties))
    count = sum(party.id in have for party in count_among)
    must = {} if previous is None and pact.version > 1 else _must_sign(pact, previous)
    needed = tuple(Needed(party, why, party in have) for party, why in must.items())
    complete = follows and bool(pact.parties) and count >= at_least and all(each.signed for each in needed)
    return Standing(
        pact,
        digest,
        tuple(signed),
        tuple(faults),
        tuple(lacks),
        needed,
        count,
        len(count_among),
        at_least,
        complete,
        _revocations(pact, before),
    )


def _misfits(pact: Pact, before: Standing | None) -> list[InputError]:
    """What does not fit between a version and the one that is said to be before it."""
    if before is None:
        return []
    where, old = f"{pact.id}, version {pact.version}", before.pact
    for what, found, expected in (
        ("id", pact.id, old.id),
        ("version", pact.version, old.version + 1),
        ("supersedes", pact.supersedes, before.digest),
    ):
        if found != expected:
            return [PactError(f"does not follow: its {what}", where=where, found=found, expected=expected)]
    return [
        PactError(
            f"gives {party.id} a key back that an earlier version revoked",
            where=where,
            found=key.text,
            expected=f"revoked from {format_instant(before.revoked[key.public])}, or a new key",
        )
        for party in pact.parties
        for key in party.keys
        if key.revoked_us > before.revoked.get(key.public, FOREVER)
    ]


def _revocations(pact: Pact, before: Standing | None) -> dict[bytes, int]:
    revoked = {} if before is None else dict(before.revoked)
    for party in pact.parties:
        for key in party.keys:
            if key.revoked_us != FOREVER:
                revoked[key.public] = min(key.revoked_us, revoked.get(key.public, FOREVER))
    return revoked


def _lacks(pact: Pact, before: Standing | None) -> list[InputError]:
    """What is missing before a version."""
    if before is None:
        return [] if pact.version == 1 else [_not_at_hand(pact)]
    if before.complete:
        return []
    return [
        PactError(
            "the version that it supersedes has not the signatures that it asks for",
            where=f"{pact.id}, version {pact.version}",
            found=f"version {before.pact.version}, without {', '.join(before.missing) or 'enough of them'}",
        )
    ]


def _not_at_hand(pact: Pact) -> PactError:
    return PactError(
        "the version that it supersedes is not at hand, and its keys have to sign",
        where=f"{pact.id}, version {pact.version}",
        expected=f"the text with the digest {pact.supersedes}",
    )


def _must_sign(pact: Pact, previous: Pact | None) -> dict[str, str]:
    """The parties that must sign, and why."""
    if previous is None:
        return {party.id: "is a party" for party in pact.parties}
    must = dict.fromkeys(previous.amendment.required, "the version before asks for it")
    everybody = previous.amendment.needed(len(previous.parties)) == len(previous.parties)
    if everybody:
        must |= {party.id: "the version before asks for it" for party in previous.parties}
    for party in pact.parties:
        if previous.party(party.id) is None:
            must.setdefault(party.id, "becomes a party")
    # that somebody has left is nobody's change of words
    before = statements(previous, among={party.id for party in pact.parties})
    for change in compared(before, statements(pact)):
        about = f"its own words change: {change.subject}, {change.term}"
        if pact.party(change.was_by) is not None:
            must.setdefault(change.was_by, about)
        if pact.party(change.now_by) is not None or previous.party(change.now_by) is not None:
            must.setdefault(change.now_by, about)
    return must


def _verified(signature: Signature, edition: Edition, digest: str, previous: Pact | None) -> Signed:
    """The good signature that it is.

    Raises
    ------
    InputError
        It is none.
    """
    pact, where = edition.pact, place_of(signature)
    if signature.digest != digest:
        raise PactError(
            "is of another text: this one has been changed since, or was never what was signed",
            where=where,
            found=digest,
            expected=signature.digest,
        )
    if (signature.pact, signature.version) != (pact.id, pact.version):
        raise PactError(
            "is of another pact or version",
            where=where,
            found=f"{signature.pact}, version {signature.version}",
            expected=f"{pact.id}, version {pact.version}",
        )
    own = next((k for k in _keys(pact, previous, signature.party) if k.id == signature.key_id), None)
    if own is None:
        raise _not_its_key(pact, previous, signature.party, key_id=signature.key_id).at(where)
    if not own.verifies(signature.detached.signature, signature.detached.signed(edition.text)):
        raise PactError("does not fit: it was not made by the key that it names", where=where)
    try:
        _still_signs(pact, previous, own, signature.party, signature.at_us)
    except InputError as error:
        raise error.at(where) from None
    return Signed(signature.party, own, signature.at_us)


def _keys(pact: Pact, previous: Pact | None, party_id: str) -> tuple[PartyKey, ...]:
    """The keys that a party may sign this version with: those of the version before, if it is in that."""
    party = previous.party(party_id) if previous is not None else None
    party = party or pact.party(party_id)
    return () if party is None else party.keys


def _still_signs(pact: Pact, previous: Pact | None, key: PartyKey, party_id: str, at_us: int) -> None:
    for version in (previous, pact):
        party = None if version is None else version.party(party_id)
        for each in () if party is None else party.keys:
            idle = each.idle(at_us) if each is key else _revoked(each, at_us)
            if each.public == key.public and idle:
                raise PactError(
                    f"made with a key of {party_id} that is {idle}",
                    where=f"key {key.id}",
                    found=format_instant(at_us),
                )


def _revoked(key: PartyKey, at_us: int) -> str:
    return key.idle(at_us) if at_us >= key.revoked_us else ""


def _not_its_key(
    pact: Pact, previous: Pact | None, party_id: str, *, public: bytes = b"", key_id: str = ""
) -> PactError:
    """Why a key is none that a party may sign this version with."""
    where = f"party {party_id}"
    keys = _keys(pact, previous, party_id)
    if pact.party(party_id) is None and not keys:
        parties = ", ".join(party.id for party in pact.parties)
        return PactError("not a party of this pact", where=where, expected=parties or "parties in it")
    party = pact.party(party_id)
    new = previous is not None and any(
        public == key.public or key_id == key.id for key in (() if party is None else party.keys)
    )
    if new:
        return PactError(
            "a key that this version brings in cannot sign it",
            where=where,
            expected=f"a key that version {pact.version - 1} gives to {party_id}",
        )
    return PactError(
        "not a key that the pact gives to this party",
        where=where,
        expected=f"one of its {len(keys)}" if keys else "a [[party.key]], of which it has none",
    )
