"""A signed hotline message: a compact JWS (RFC 7515), Ed25519, over the bytes of its JSON.

Law: the signature is over the bytes as they came and are stored. Kind, recipient, pact, number and data mode
are inside them. The header says the algorithm, the type and the key, and may say nothing else; it chooses
nothing, for the sender's keys are the pact's. A key signs what was said while it held.

An intermediary carries an envelope unopened: its own message has the other's as it came, and what the other
signed is verified with the other's keys. The carried message is to the same party, under the same pact.

Files have one envelope a line; any JOSE library verifies a line with the key's line of the pact.

Known limit: ``said_at`` is the sender's word. Who holds a key that was revoked can sign with an earlier
instant; what came when is for the record, which a witness cosigns.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, InputError, Reason, Refused
from skypact.exchange.hotline.messages import Carried, Kind
from skypact.formats.hotline_json import ENVELOPE_MAX, decode
from skypact.instants import format_instant
from skypact.pact.keys import public_bytes
from skypact.seal import detach, take_detached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.exchange.hotline.messages import Message
    from skypact.pact.agreement import Pact
    from skypact.pact.keys import PartyKey
    from skypact.seal import Detached, SigningKey

TYPE: Final = "skypact-hotline-1"
"""The ``typ`` of the header: a signature made for something else does not fit."""
_HEADER: Final = ("alg", "kid", "typ")
FILE_MAX: Final = 64 * 1024 * 1024
"""A larger file of envelopes is refused, in bytes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed message, before it is verified.

    Attributes
    ----------
    text
        The compact JWS, as it came.
    payload, message
        The bytes that were signed, and the message that they are.
    key_id
        The key that it says it was signed with.
    detached
        The signature, apart from what it signs.
    """

    text: str
    payload: bytes
    message: Message
    key_id: str
    detached: Detached


def signed(key: SigningKey, payload: bytes, known: Message | None = None) -> Envelope:
    """Sign a message as it is.

    Parameters
    ----------
    known
        The message that the bytes are, where a machine has just written them of nothing but its own words:
        they are not read again.

    Raises
    ------
    FormatError
        The bytes are no message; names the JSON path.
    InputError
        The key is no Ed25519 key.
    """
    public_bytes(key.public)
    message = decode(payload) if known is None else known
    made = detach(key, {"typ": TYPE}, payload)
    first, _, last = made.text.split(".")
    text = f"{first}.{_base64url(payload)}.{last}"
    return Envelope(text, payload, message, str(made.header["kid"]), made)


def read_envelope(text: str, *, where: str = "") -> Envelope:
    """Take an envelope apart; nothing of it is verified.

    Raises
    ------
    FormatError
        It is none in its one spelling, or what was signed is no message.
    """
    try:
        return _taken(text)
    except InputError as error:
        raise (error.at(where) if where else error) from None


def read_envelopes(data: bytes, name: str) -> tuple[Envelope, ...]:
    """The envelopes of a file, one a line; empty lines are passed over.

    Raises
    ------
    FormatError
        A line is none; it is named.
    """
    if len(data) > FILE_MAX:
        raise FormatError(
            "too long", where=name, found=f"{len(data):,} bytes", expected=f"at most {FILE_MAX:,}"
        )
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(
            "not ASCII",
            where=name,
            found=f"byte 0x{data[error.start]:02x}",
            expected="compact JWS, one a line",
        ) from None
    found = tuple(
        read_envelope(line.rstrip("\r"), where=f"{name}:{number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    )
    if not found:
        raise FormatError("no message in it", where=name, expected="compact JWS, one a line")
    return found


def verified(
    envelope: Envelope, pact: Pact, digest: str, *, recipient: str = "", later: Pact | None = None
) -> Message:
    """The message, said by whom it says.

    Parameters
    ----------
    pact, digest
        The agreement, and the digest of its text.
    recipient
        The party that received it; "" where that is not asked: by a reader of files, of both sides' messages.
    later
        A later version that holds now: its keys count too, and what it says of a key goes before what the
        one that the message is under says. A thread outlives its keys.

    Raises
    ------
    Refused
        CONFLICT: it was said under another pact, or to somebody else. UNAUTHENTICATED: the signature is not
        one of the sender's keys', or the key did not hold when it was said.
    """
    message = envelope.message
    where = f"{message.kind.value} {message.serial} of {message.sender}"
    if message.pact != digest:
        raise Refused(
            Reason.CONFLICT, "said under another pact", where=where, found=message.pact, expected=digest
        )
    if recipient and message.to != recipient:
        raise Refused(
            Reason.CONFLICT, "said to somebody else", where=where, found=message.to, expected=recipient
        )
    key = _key_of(message, _keys(message.sender, pact, later), envelope.key_id, where)
    if not key.verifies(envelope.detached.signature, envelope.detached.signed(envelope.payload)):
        raise Refused(
            Reason.UNAUTHENTICATED, "the signature does not fit: it was changed on its way", where=where
        )
    return message


def may_sign(key_id: str, message: Message, pact: Pact, later: Pact | None = None) -> None:
    """Refuse to say what the recipient would refuse for its key; raises as :func:`verified`."""
    where = f"{message.kind.value} {message.serial} of {message.sender}"
    _key_of(message, _keys(message.sender, pact, later), key_id, where)


def _keys(sender: str, pact: Pact, later: Pact | None) -> tuple[PartyKey, ...]:
    """The keys of a sender, those of the later version first."""
    parties = (each.party(sender) for each in (later, pact) if each is not None)
    return tuple(key for party in parties if party is not None for key in party.keys)


def _key_of(message: Message, keys: Sequence[PartyKey], key_id: str, where: str) -> PartyKey:
    key = next((each for each in keys if each.id == key_id), None)
    if key is None:
        raise Refused(
            Reason.UNAUTHENTICATED,
            f"signed with a key that the pact does not give to {message.sender}",
            where=where,
            found=key_id,
            expected=f"one of its {len(keys)}",
        )
    idle = key.idle(message.said_us)
    if idle:
        raise Refused(
            Reason.UNAUTHENTICATED,
            f"signed with a key that is {idle}",
            where=where,
            found=format_instant(message.said_us),
        )
    return key


def carried(forward: Message) -> Envelope:
    """What a FORWARD carries; its message names who brought it.

    Raises
    ------
    FormatError
        It carries no envelope.
    Refused
        CONFLICT: what it carries is for another party, under another pact, of somebody else than it says, or
        carries something itself.
    """
    body = forward.body
    if not isinstance(body, Carried):
        raise FormatError(f"a {forward.kind.value} carries nothing", where="$.body", expected="a FORWARD")
    inner = read_envelope(body.envelope, where="$.body.envelope")
    message = inner.message
    for what, found, expected in (
        ("for another party", message.to, forward.to),
        ("of somebody else than it says", message.sender, body.on_behalf_of),
        ("under another pact", message.pact, forward.pact),
        ("of another data mode", message.data_mode.value, forward.data_mode.value),
    ):
        if found != expected:
            raise Refused(
                Reason.CONFLICT,
                f"carries a message {what}",
                where=f"FORWARD {forward.serial} of {forward.sender}",
                found=found,
                expected=expected,
            )
    if message.kind is Kind.FORWARD:
        raise Refused(Reason.CONFLICT, "carries what is carried already", expected="the envelope itself")
    return replace(inner, message=replace(message, carrier=forward.sender))


def _taken(text: str) -> Envelope:
    if len(text) > ENVELOPE_MAX:
        raise FormatError("too long", where="envelope", expected=f"at most {ENVELOPE_MAX:,} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise FormatError(
            "not a signed message", where="envelope", expected="a compact JWS: three parts of base64url"
        )
    detached = take_detached(f"{parts[0]}..{parts[2]}")
    header = detached.header
    known = tuple(sorted(header)) == _HEADER and all(isinstance(value, str) for value in header.values())
    if not known or header["typ"] != TYPE or header["alg"] not in {"EdDSA", "Ed25519"}:
        raise FormatError(
            "not the header of a hotline message",
            where="envelope",
            found=", ".join(f"{name} {value}" for name, value in header.items()),
            expected=f"alg EdDSA, kid, typ {TYPE}",
        )
    payload = _unbase64url(parts[1])
    return Envelope(text, payload, decode(payload), header["kid"], detached)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _unbase64url(text: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        data = b""
    if _base64url(data) != text:
        raise FormatError("not base64url", where="envelope", expected="its canonical spelling")
    return data
