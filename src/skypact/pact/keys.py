"""The keys of a party: when each may sign, and what is no key at all.

Law: a party's keys are Ed25519. A key has a window, and from the instant of its revocation it signs nothing
more. What a key signed before stands. A key that anybody could sign for (a point of small order) is refused,
and so is what is no point of the curve, as a slip of the pen mostly is not.

Keys are written as the one line of a ``PUBLIC KEY`` file in PEM: base64 of SubjectPublicKeyInfo.

Sources: RFC 8032 (Ed25519), RFC 8410 (its SubjectPublicKeyInfo).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from skypact.errors import InputError
from skypact.instants import EVER, FOREVER, format_instant

if TYPE_CHECKING:
    from skypact import seal

KEY_BYTES: Final = 32
EXPECTED: Final = (
    "the one line of an Ed25519 public key in PEM, 60 characters that begin with MCowBQYDK2VwAyEA"
)

_SPKI: Final = bytes.fromhex("302a300506032b6570032100")
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y of every point whose order divides 8."""


@dataclass(frozen=True, slots=True)
class PartyKey:
    """A key that a party signs with.

    Attributes
    ----------
    public
        The 32 bytes of RFC 8032.
    from_us, until_us
        When it may sign, half-open, microseconds since 1970 UTC.
    revoked_us
        From when on nothing that it signs is accepted; FOREVER where it is not revoked.
    note
        For people.
    """

    public: bytes
    from_us: int = EVER
    until_us: int = FOREVER
    revoked_us: int = FOREVER
    note: str = ""

    def idle(self, at_us: int) -> str:
        """Why the key does not sign at an instant, in words; "" where it does."""
        if at_us >= self.revoked_us:
            return f"revoked from {format_instant(self.revoked_us)}"
        if at_us < self.from_us:
            return f"not to be used before {format_instant(self.from_us)}"
        if at_us >= self.until_us:
            return f"not to be used from {format_instant(self.until_us)} on"
        return ""

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether the signature is this key's over these bytes, whenever it was made."""
        return _key(self.public).verifies(signature, signed)

    @property
    def id(self) -> str:
        """The key's id in signatures: its RFC 7638 thumbprint."""
        return _key(self.public).thumbprint

    @property
    def text(self) -> str:
        """The key as a pact has it."""
        return key_text(self.public)


def parse_key(text: str, *, where: str = "") -> bytes:
    """The 32 bytes of a key as a pact has it.

    Raises
    ------
    InputError
        It is no Ed25519 key in its one spelling, no point of the curve, or one that anybody can sign for.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data.startswith(_SPKI) or key_text(data[len(_SPKI) :]) != text:
        raise InputError("not a public key", where=where, found=text, expected=EXPECTED)
    public = data[len(_SPKI) :]
    fault = fault_of(public)
    if fault:
        raise InputError(fault, where=where, found=text, expected=EXPECTED)
    return public


@lru_cache(maxsize=4096)  # a power in the field of the curve takes a third of a millisecond
def fault_of(public: bytes) -> str:
    """Why these bytes are no key that a party may have; "" where they are one."""
    if len(public) != KEY_BYTES:
        return f"a key of {len(public)} bytes"
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    if y % _P in _SMALL_ORDER:
        return "a key that anybody can sign for"
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    if y >= _P or pow(u * v, (_P - 1) // 2, _P) != 1:
        return "not a point of the curve; a slip in copying?"
    return ""


def key_text(public: bytes) -> str:
    """A key as a pact has it."""
    return base64.b64encode(_SPKI + public).decode("ascii")


def public_bytes(key: seal.PublicKey, *, where: str = "") -> bytes:
    """The 32 bytes of an Ed25519 key.

    Raises
    ------
    InputError
        The key is of another kind.
    """
    if not key.ed25519:
        raise InputError("a party signs with Ed25519", where=where, found=key.algorithm, expected="EdDSA")
    fault = fault_of(key.ed25519)
    if fault:
        raise InputError(fault, where=where, found=key_text(key.ed25519), expected=EXPECTED)
    return key.ed25519


@lru_cache(maxsize=4096)
def _key(public: bytes) -> seal.PublicKey:
    """The key of these bytes, kept: to make it takes half as long as to verify with it."""
    from skypact import seal

    return seal.ed25519_key(public)
