"""Keys for tests of the pact, the same in each run: each secret is the SHA-256 of a letter."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skypact.pact import PartyKey
from skypact.pact.keys import public_bytes
from skypact.seal import SigningKey, signing_key


def pem(letter: str) -> bytes:
    """The secret key of a letter, as a node's file has it."""
    made = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(letter.encode()).digest())
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def secret(letter: str) -> SigningKey:
    """The secret key of a letter."""
    return signing_key(pem(letter))


SECRETS: Final = {letter: secret(letter) for letter in "abcdefg"}
KEYS: Final = tuple(PartyKey(public_bytes(key.public)) for key in SECRETS.values())
"""The public keys of the letters a to g."""


def vkey(name: str, kind: int = 0x04, letter: str = "g") -> str:
    """A verifier key as C2SP signed-note writes it: name, hash of name and key, type and key."""
    key = bytes([kind]) + public_bytes(SECRETS[letter].public)
    digest = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    return f"{name}+{digest}+{base64.b64encode(key).decode()}"
