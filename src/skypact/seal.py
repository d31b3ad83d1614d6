"""Signed bytes, key ids, fingerprints.

Law: what is signed is bytes as they are stored, never a value that is written anew for the purpose. **The
key fixes the algorithm**: RSA means RS256, P-256 means ES256, Ed25519 means EdDSA, and nothing that arrives
with a signature can choose another. There is no symmetric key here and no ``none``. No I/O and no clock:
what a token says of time is for the caller to hold against his own.

A JSON Web Token is taken apart strictly: three parts of base64url in their one canonical spelling, so that
no two different texts are the same token; JSON objects without repeated names; no ``crit``, no ``b64``.

How it works. joserfc imports keys and has the signature primitives (on cryptography); the choice of
algorithm and the reading of the token are ours, since they are where tokens have been forged.

Sources: RFC 7515, 7517, 7518, 7519, 7638 (thumbprints), 8037 (Ed25519), 8725 (best current practice).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from skypact import strict_json
from skypact.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

RSA_BITS_MIN: Final = 2048
"""Shorter RSA keys are refused (NIST SP 800-131A)."""
RSA_BITS_MAX: Final = 8192
"""Longer ones too: each signature would cost too much to verify."""
TOKEN_MAX: Final = 8 * 1024
"""Characters of a token."""
LIFE_S: Final = 3_600
"""Seconds that an access token lives, at most (F3548-21)."""

ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    "RS256": frozenset({"RS256"}),
    "ES256": frozenset({"ES256"}),
    "EdDSA": frozenset({"EdDSA", "Ed25519"}),
}
"""The algorithm that a key fixes, and how a token's header may spell it (``Ed25519``: RFC 9864)."""

_JOSE = {name: JWSRegistry.algorithms[name] for name in ALGORITHMS}
_KINDS: Final = "an RSA key of 2048 to 8192 bits, a P-256 key or an Ed25519 key"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are verified with.

    Attributes
    ----------
    algorithm
        ``RS256``, ``ES256`` or ``EdDSA``: the key's own.
    kid
        The id that its issuer gave it; empty where he gave none.
    thumbprint
        RFC 7638, SHA-256, base64url: the same for one key however it is written.
    """

    algorithm: str
    kid: str
    thumbprint: str
    _key: RSAKey | ECKey | OKPKey

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether the signature is this key's over these bytes."""
        return bool(_JOSE[self.algorithm].verify(signed, signature, self._key))

    @property
    def fingerprint(self) -> str:
        """What people read to each other: SHA-256 of the key, in groups of four."""
        der = self._key.as_der(private=False)
        text = hashlib.sha256(der).hexdigest()
        return " ".join(text[at : at + 4] for at in range(0, len(text), 4))

    @property
    def ed25519(self) -> bytes:
        """The 32 bytes of an Ed25519 key (RFC 8032); of a key of another kind, none."""
        raw = self._key.public_key
        return raw.public_bytes_raw() if isinstance(raw, ed25519.Ed25519PublicKey) else b""

    def jwk(self) -> dict[str, Any]:
        """The key as a member of a JWK set."""
        public = {name: value for name, value in self._key.as_dict(private=False).items() if name != "kid"}
        return public | {"kid": self.kid or self.thumbprint, "use": "sig", "alg": self.algorithm}

    def pem(self) -> bytes:
        """The key as a PEM file."""
        return self._key.as_pem(private=False)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs; its text form says nothing of it.

    Attributes
    ----------
    public
        The key that its signatures are verified with.
    """

    public: PublicKey
    _key: RSAKey | ECKey | OKPKey

    def sign(self, data: bytes) -> bytes:
        """The signature over these bytes."""
        return _JOSE[self.public.algorithm].sign(data, self._key)

    def token(self, claims: Mapping[str, Any]) -> str:
        """A signed JSON Web Token of these claims."""
        kid = self.public.kid or self.public.thumbprint
        header = {"alg": self.public.algorithm, "typ": "JWT", "kid": kid}
        signed = f"{_base64url(_json(header))}.{_base64url(_json(claims))}"
        return f"{signed}.{_base64url(self.sign(signed.encode('ascii')))}"

    def pem(self) -> bytes:
        """The secret key as a PEM file, unencrypted: for a file of mode 0600."""
        return self._key.as_pem(private=True)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.algorithm}, {self.public.thumbprint})"


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says, before anybody has verified that it was said.

    Attributes
    ----------
    header, claims
        Its two objects.
    signed, signature
        The bytes that were signed, and the signature.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


class Keys(Protocol):
    """Where an issuer's keys come from."""

    def current(self, now_us: int) -> tuple[PublicKey, ...] | None:
        """The keys to be used now; None where there are none yet, or none that are fresh enough.

        The same tuple is returned until the keys change.
        """

    def wanted(self, kid: str) -> None:
        """A token named a key that is not among them; a hint that there may be new ones."""


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that do not change while the process lives."""

    keys: tuple[PublicKey, ...]

    def current(self, now_us: int) -> tuple[PublicKey, ...] | None:  # noqa: ARG002  # fresh at any time
        """The keys."""
        return self.keys

    def wanted(self, kid: str) -> None:
        """There are no others."""


@dataclass(frozen=True, slots=True)
class Detached:
    """A signature that is kept apart from what it signs (RFC 7515, appendix F), before it is verified.

    Attributes
    ----------
    header
        What the signature says of itself; it is signed too.
    signature
        The bytes of the signature.
    text
        The signature as it is written, in one line: the header, nothing, the signature.
    """

    header: Mapping[str, Any]
    signature: bytes
    text: str

    def signed(self, payload: bytes) -> bytes:
        """The bytes that were signed, if the payload is what was."""
        return _signed(self.text.partition(".")[0], payload)


def detach(key: SigningKey, header: Mapping[str, Any], payload: bytes) -> Detached:
    """Sign bytes as they are stored, and keep the signature apart.

    Parameters
    ----------
    header
        What the signature says of itself; ``alg`` and ``kid`` are the key's and are put in here.
    """
    kid = key.public.kid or key.public.thumbprint
    whole = {"alg": key.public.algorithm, "kid": kid, **header}
    first = _base64url(_json(whole))
    signature = key.sign(_signed(first, payload))
    return Detached(whole, signature, f"{first}..{_base64url(signature)}")


def take_detached(text: str) -> Detached:
    """Read a signature that is kept apart from what it signs.

    Raises
    ------
    FormatError
        It is none in its one canonical spelling.
    """
    if len(text) > TOKEN_MAX:
        raise FormatError("too long", where="signature", expected=f"at most {TOKEN_MAX} characters")
    parts = text.split(".")
    if len(parts) != 3 or parts[1] or not text.isascii():
        raise FormatError("not a detached signature", where="signature", expected="HEADER..SIGNATURE")
    try:
        header, signature = _object(_unbase64url(parts[0])), _unbase64url(parts[2])
    except FormatError as error:
        raise FormatError(error.message, where="signature", expected=error.expected) from None
    for name in ("crit", "b64"):
        if name in header:
            raise FormatError(f"a header with {name!r}", where="signature", expected="none")
    return Detached(header, signature, text)


def header_of(detached: Detached, members: Mapping[str, type], typ: str, what: str) -> dict[str, Any]:
    """What a signature says of itself, where it has just these members, each of its type.

    Parameters
    ----------
    typ, what
        What ``typ`` has to be, and what the signature is in messages.

    Raises
    ------
    FormatError
        It has others; the member is named.
    """
    header: dict[str, Any] = dict(detached.header)
    names = dict.fromkeys((*members, *header))
    wrong = next((name for name in names if type(header.get(name)) is not members.get(name)), None)
    if wrong is not None or header["typ"] != typ or header["alg"] not in {"EdDSA", "Ed25519"}:
        raise FormatError(
            f"not {what}",
            where=f"signature, {wrong or 'typ'}",
            found=header.get(wrong or "typ"),
            expected=f"the members {', '.join(members)}, with typ {typ}",
        )
    return header


def _signed(header: str, payload: bytes) -> bytes:
    return f"{header}.{_base64url(payload)}".encode("ascii")


def take_apart(token: str) -> Unverified:
    """The parts of a signed token.

    Raises
    ------
    FormatError
        It is no token in its one canonical spelling.
    """
    if len(token) > TOKEN_MAX:
        raise FormatError("a token too long", where="token", expected=f"at most {TOKEN_MAX} characters")
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise FormatError("not a signed token", where="token", expected="three parts of base64url")
    header, claims = (_object(_unbase64url(part)) for part in parts[:2])
    for name in ("crit", "b64"):
        if name in header:
            raise FormatError(f"a header with {name!r}", where="token", expected="none")
    signed = token[: len(parts[0]) + 1 + len(parts[1])].encode("ascii")
    return Unverified(header, claims, signed, _unbase64url(parts[2]))


def signer(token: Unverified, keys: tuple[PublicKey, ...]) -> PublicKey | None:
    """The key of these that signed the token; None where none did.

    A key with an id is tried where the token names that id, or none; a key without one is always tried. The
    token's ``alg`` has to be the key's own algorithm: it chooses nothing.
    """
    kid, alg = token.header.get("kid"), token.header.get("alg")
    for key in keys:
        fits = not key.kid or kid is None or key.kid == kid
        spelt = isinstance(alg, str) and alg in ALGORITHMS[key.algorithm]
        if fits and spelt and key.verifies(token.signature, token.signed):
            return key
    return None


def access_token(
    key: SigningKey,
    *,
    issuer: str,
    party: str,
    audience: str,
    scope: str,
    now_s: int,
    end_s: int,
    ident: str,
) -> str:
    """A bearer token with the claims that F3548-21 asks for.

    Parameters
    ----------
    issuer, party, audience, scope, ident
        ``iss``, ``sub``, ``aud``, ``scope`` and ``jti``.
    now_s, end_s
        ``iat`` and ``exp``, in seconds since 1970; ``nbf`` is put back by 5 s for slow clocks.
    """
    return key.token(
        {
            "iss": issuer,
            "sub": party,
            "aud": audience,
            "scope": scope,
            "iat": now_s,
            "nbf": now_s - 5,
            "exp": end_s,
            "jti": ident,
        }
    )


def generate(algorithm: str = "EdDSA") -> SigningKey:
    """A new key: ``EdDSA`` (Ed25519), ``ES256`` (P-256) or ``RS256`` (RSA, 3072 bits).

    Raises
    ------
    InputError
        It is none of these.
    """
    key: RSAKey | ECKey | OKPKey
    if algorithm == "EdDSA":
        key = OKPKey.generate_key("Ed25519")
    elif algorithm == "ES256":
        key = ECKey.generate_key("P-256")
    elif algorithm == "RS256":
        key = RSAKey.generate_key(3072)
    else:
        raise InputError("no such algorithm", found=algorithm, expected=", ".join(ALGORITHMS))
    return SigningKey(_public(key, ""), key)


def signing_key(pem: bytes, *, where: str = "") -> SigningKey:
    """The secret key of a PEM file.

    Raises
    ------
    FormatError
        It is none, or of a kind that is not used here.
    """
    try:
        loaded = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FormatError("no secret key in PEM", where=where, expected=_KINDS) from None
    key = _imported(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        loaded.public_key(),
        where,
    )
    return SigningKey(_public(key, ""), key)


def public_key(pem: bytes, *, where: str = "") -> PublicKey:
    """The public key of a PEM file: a key, or a certificate (of which nothing but its key is looked at).

    Raises
    ------
    FormatError
        It is neither, or of a kind that is not used here.
    """
    try:
        if b"CERTIFICATE-----" in pem:
            loaded: Any = x509.load_pem_x509_certificate(pem).public_key()
        else:
            loaded = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FormatError("no public key or certificate in PEM", where=where, expected=_KINDS) from None
    data = loaded.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _public(_imported(data, loaded, where), "")


def ed25519_key(raw: bytes, *, where: str = "") -> PublicKey:
    """The Ed25519 key of these 32 bytes (RFC 8032).

    Raises
    ------
    FormatError
        They are not 32 bytes.
    """
    try:
        loaded = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise FormatError(
            "not an Ed25519 key", where=where, found=f"{len(raw)} bytes", expected="32 bytes"
        ) from None
    return _public(OKPKey.import_key(loaded), "")


def public_keys(jwks: bytes, *, where: str = "") -> tuple[PublicKey, ...]:
    """The keys of a JWK set that can verify tokens here; others in it are passed over.

    Raises
    ------
    FormatError
        It is no JWK set, names one id twice, or has no key that is used here.
    """
    try:
        listed = _object(jwks).get("keys")
    except FormatError as error:
        raise error.at(where) from None
    if not isinstance(listed, list):
        raise FormatError("not a JWK set", where=where, expected='an object with a list "keys"')
    found: dict[str, PublicKey] = {}
    for item in listed:
        key = _of_jwk(item) if isinstance(item, dict) else None
        if key is None:
            continue
        if key.kid and key.kid in found:
            raise FormatError("a key id is there twice", where=where, found=key.kid, expected="each once")
        found[key.kid or f" {key.thumbprint}"] = key
    if not found:
        raise FormatError("a JWK set without a key that can be used", where=where, expected=_KINDS)
    return tuple(found.values())


def _of_jwk(item: dict[str, Any]) -> PublicKey | None:
    if item.get("use", "sig") != "sig" or item.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    kid = item.get("kid", "")
    # only what makes the key: a secret part, were it published, is not even read
    made: dict[str, Any] = {name: item[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in item}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about lengths, which are looked at below
            key = JWKRegistry.import_key(made)
        checked = _public(key, kid if isinstance(kid, str) else "")
    except (JoseError, InputError, ValueError, TypeError):
        return None
    named = item.get("alg")
    return checked if named is None or named in ALGORITHMS[checked.algorithm] else None


def _imported(pem: bytes, loaded: Any, where: str) -> RSAKey | ECKey | OKPKey:
    algorithm = _algorithm(loaded, where)
    kinds: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
    return kinds[algorithm].import_key(pem)


def _public(key: Any, kid: str) -> PublicKey:
    """The public half, or a fault where the key is not of a kind that is used here."""
    algorithm = _algorithm(key.public_key, kid)
    public = cast("RSAKey | ECKey | OKPKey", type(key).import_key(key.as_dict(private=False)))
    return PublicKey(algorithm, kid, public.thumbprint(), public)


def _algorithm(loaded: Any, where: str) -> str:
    if isinstance(loaded, rsa.RSAPublicKey) and RSA_BITS_MIN <= loaded.key_size <= RSA_BITS_MAX:
        return "RS256"
    if isinstance(loaded, ec.EllipticCurvePublicKey) and isinstance(loaded.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(loaded, ed25519.Ed25519PublicKey):
        return "EdDSA"
    size = getattr(loaded, "key_size", "")
    raise FormatError(
        "a key of a kind that is not used here",
        where=where,
        found=f"{type(loaded).__name__} {size}".strip(),
        expected=_KINDS,
    )


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object in which no name is repeated."""
    try:
        value = strict_json.load(data)
    except (ValueError, RecursionError):
        raise FormatError("not JSON", where="token", expected="an object in UTF-8") from None
    if not isinstance(value, dict):
        raise FormatError("not a JSON object", where="token", expected="an object in UTF-8")
    return value


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _unbase64url(text: str) -> bytes:
    """The bytes, of the one spelling that they have: no padding, no stray bits, nothing skipped."""
    try:
        data = base64.b64decode(text.translate(_PLAIN) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if _base64url(data) != text:
        raise FormatError("not base64url", where="token", expected="its canonical spelling")
    return data


_PLAIN: Final = str.maketrans("-_", "+/")
