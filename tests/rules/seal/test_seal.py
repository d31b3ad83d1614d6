"""Keys and tokens: the key fixes the algorithm, a token has one spelling, and no byte of it can change."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from skypact import seal
from skypact.errors import FormatError, InputError

ALGORITHMS = sorted(seal.ALGORITHMS)
KEYS = {name: seal.generate(name) for name in ALGORITHMS}
OTHERS = {name: seal.generate(name) for name in ALGORITHMS}
CLAIMS = {"iss": "https://auth.example", "sub": "uss1", "aud": "node.example", "exp": 1_700_000_600, "é": "☃"}
TOKENS = {name: key.token(CLAIMS) for name, key in KEYS.items()}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def part(value: Any) -> str:
    """A part of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_by(token: str, *keys: seal.PublicKey) -> bool:
    """Whether one of the keys signed the token, as the node asks it."""
    try:
        return seal.signer(seal.take_apart(token), keys) is not None
    except FormatError:
        return False


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_token_says_what_was_signed(name: str) -> None:
    """Its claims come back, and its key is found among others."""
    token = seal.take_apart(TOKENS[name])
    assert token.claims == CLAIMS
    assert token.header["alg"] == name
    keys = (*(key.public for key in OTHERS.values()), KEYS[name].public)
    assert seal.signer(token, keys) == KEYS[name].public


@given(st.sampled_from(ALGORITHMS), st.data())
def test_no_character_of_a_token_can_change(name: str, data: st.DataObject) -> None:
    """Any other character at any place is refused: also those that spell the same bytes."""
    token = TOKENS[name]
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(ALPHABET + ".=+/ \n").filter(lambda char: char != token[at]))
    assert not signed_by(token[:at] + other + token[at + 1 :], KEYS[name].public)


@given(st.sampled_from(ALGORITHMS), st.data())
def test_nothing_can_be_put_in_or_taken_out(name: str, data: st.DataObject) -> None:
    """One character more or less, anywhere, is refused."""
    token = TOKENS[name]
    at = data.draw(st.integers(0, len(token)))
    more = token[:at] + data.draw(st.sampled_from(ALPHABET + ".= ")) + token[at:]
    less = token[: max(at - 1, 0)] + token[max(at, 1) :]
    assert not signed_by(more, KEYS[name].public)
    assert not signed_by(less, KEYS[name].public)


def test_every_last_character_that_spells_the_same_bytes_is_refused() -> None:
    """Base64 has stray bits in its last character; only one spelling is the token."""
    token = TOKENS["EdDSA"]
    same = [
        char
        for char in ALPHABET
        if base64.urlsafe_b64decode(token[:-1].split(".")[2] + char + "==")
        == base64.urlsafe_b64decode(token.split(".")[2] + "==")
    ]
    assert len(same) > 1
    assert [char for char in same if signed_by(token[:-1] + char, KEYS["EdDSA"].public)] == [token[-1]]


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("secret", ["pem", "der", "empty"])
def test_the_public_key_is_no_secret_to_sign_with(name: str, secret: str) -> None:
    """HS256 with the public key as its secret, the oldest forgery of all, is refused."""
    public = KEYS[name].public
    loaded: Any = serialization.load_pem_public_key(public.pem())
    der = loaded.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(CLAIMS)}"
    key = {"pem": public.pem(), "der": der, "empty": b""}[secret]
    token = f"{body}.{part(hmac.digest(key, body.encode(), hashlib.sha256))}"
    assert not signed_by(token, public)


@pytest.mark.parametrize(
    "alg",
    ["none", "None", "NONE", "", None, "HS256", "HS512", "PS256", "RS512", "ES384", 5, ["EdDSA"], {"a": 1}],
)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_header_cannot_choose_the_algorithm(name: str, alg: Any) -> None:
    """A good signature under a header that names another algorithm is refused, and so is none at all."""
    header = {"typ": "JWT"} | ({} if alg is None else {"alg": alg})
    body = f"{part(header)}.{part(CLAIMS)}"
    assert not signed_by(f"{body}.{part(KEYS[name].sign(body.encode()))}", KEYS[name].public)
    assert not signed_by(f"{body}.", KEYS[name].public)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("claimed", ALGORITHMS)
def test_a_key_of_one_kind_is_never_used_as_another(name: str, claimed: str) -> None:
    """An RS256 header on a P-256 or Ed25519 key, and the reverse, are refused."""
    body = f"{part({'alg': claimed})}.{part(CLAIMS)}"
    token = f"{body}.{part(KEYS[name].sign(body.encode()))}"
    assert signed_by(token, KEYS[name].public) == (claimed == name)


def test_the_newer_name_of_ed25519_is_the_same_algorithm() -> None:
    """RFC 9864 renamed it; tokens of both names are of one key."""
    body = f"{part({'alg': 'Ed25519'})}.{part(CLAIMS)}"
    assert signed_by(f"{body}.{part(KEYS['EdDSA'].sign(body.encode()))}", KEYS["EdDSA"].public)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_kid_chooses_among_the_keys_that_have_one(name: str) -> None:
    """Named: only that key. Not named: all. A key that was given without an id: always."""
    key = KEYS[name]
    anonymous = seal.public_key(key.public.pem())
    named = seal.public_keys(json.dumps({"keys": [key.public.jwk() | {"kid": "k1"}]}).encode())[0]
    for kid, by_named in (("k1", True), ("k2", False), (None, True)):
        header = {"alg": name} | ({"kid": kid} if kid else {})
        body = f"{part(header)}.{part(CLAIMS)}"
        token = f"{body}.{part(key.sign(body.encode()))}"
        assert signed_by(token, named) == by_named
        assert signed_by(token, anonymous)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "..",
        "a.b.c.d",
        f"{part({'alg': 'EdDSA', 'crit': ['x']})}.{part({})}.",
        f"{part({'alg': 'EdDSA', 'b64': False})}.{part({})}.",
        f"{part([1])}.{part({})}.",
        f"{part({})}.{part([])}.",
        f"{part(b'{')}.{part({})}.",
        part(b'{"alg":"none","alg":"EdDSA"}') + f".{part({})}.",
        f"{part({})}.{part(b'{' + b'[' * 100_000)}.",
        f"{part({})}." + part(b'{"exp":NaN}') + ".",
        f"{part({})}.{part(bytes([0xFF]))}.",
        f"{part({})}.{part({})}.é",
        "x" * 8193,
    ],
)
def test_what_is_no_token_is_refused_before_any_key_is_tried(token: str) -> None:
    """It is a fault of the text, said as such."""
    with pytest.raises(FormatError, match="token"):
        seal.take_apart(token)


@given(st.text(max_size=200))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    """No other error comes out."""
    assert not signed_by(text, *(key.public for key in KEYS.values()))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_keys_survive_their_files(name: str) -> None:
    """Secret and public PEM, certificate and JWK set give the same key back."""
    key = KEYS[name]
    again = seal.signing_key(key.pem())
    assert again.public == key.public
    assert seal.public_key(key.public.pem()) == key.public
    assert signed_by(again.token(CLAIMS), key.public)
    told = seal.public_keys(json.dumps({"keys": [key.public.jwk()]}).encode())
    assert [item.thumbprint for item in told] == [item.kid for item in told] == [key.public.thumbprint]
    assert told[0].fingerprint == key.public.fingerprint
    assert len(key.public.fingerprint) == 79


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_certificate_stands_for_its_key(name: str) -> None:
    """Nothing but the key of it is looked at."""
    secret: Any = serialization.load_pem_private_key(KEYS[name].pem(), None)
    day = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(secret.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(secret, None if name == "EdDSA" else hashes.SHA256())
    )
    assert seal.public_key(certificate.public_bytes(serialization.Encoding.PEM)) == KEYS[name].public


def pem(secret: Any, *, public: bool) -> bytes:
    """Any key as PEM."""
    if public:
        return bytes(
            secret.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
    return bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.mark.parametrize(
    "secret",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505  # the key that has to be refused
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["RSA 1024", "P-384", "secp256k1", "X25519"],
)
def test_keys_of_other_kinds_are_refused_and_named(secret: Any) -> None:
    """Too short, of another curve, or not for signatures: the refusal says what would do."""
    with pytest.raises(FormatError, match="expected an RSA key of 2048 to 8192 bits, a P-256 key") as caught:
        seal.public_key(pem(secret, public=True), where="issuer.pem")
    assert str(caught.value).startswith("issuer.pem: ")
    with pytest.raises(FormatError, match="not used here"):
        seal.signing_key(pem(secret, public=False), where="key.pem")


@pytest.mark.parametrize("data", [b"", b"x", b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused(data: bytes) -> None:
    """As a public key, a secret key and a set."""
    with pytest.raises(FormatError, match="PEM"):
        seal.public_key(data)
    with pytest.raises(FormatError, match="PEM"):
        seal.signing_key(data)
    with pytest.raises(FormatError):
        seal.public_keys(data, where="jwks")


def test_a_set_gives_the_keys_that_can_be_used_and_passes_over_the_others() -> None:
    """Encryption keys, symmetric keys, other curves and other algorithms are as if they were not there."""
    good = KEYS["ES256"].public.jwk()
    others = [
        good | {"use": "enc"},
        good | {"alg": "ES384"},
        {"kty": "oct", "k": "AAAA", "kid": "x"},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA"},
        7,
    ]
    found = seal.public_keys(json.dumps({"keys": [*others, good]}).encode())
    assert [key.thumbprint for key in found] == [KEYS["ES256"].public.thumbprint]
    with pytest.raises(FormatError, match="without a key that can be used"):
        seal.public_keys(json.dumps({"keys": others}).encode())
    with pytest.raises(FormatError, match="there twice"):
        seal.public_keys(json.dumps({"keys": [good, good]}).encode())
    with pytest.raises(FormatError, match="not a JWK set"):
        seal.public_keys(b'{"keys": {}}')


def test_a_secret_part_in_a_set_is_not_read() -> None:
    """Who publishes his secret key by mistake has not given it to us."""
    secret: dict[str, Any] = {**KEYS["EdDSA"].public.jwk(), "d": "A" * 43}
    (key,) = seal.public_keys(json.dumps({"keys": [secret]}).encode())
    assert "d" not in key.jwk()
    assert b"PRIVATE" not in key.pem()


def test_a_signing_key_never_shows_itself() -> None:
    """Its text form has the algorithm and the thumbprint, nothing of the secret."""
    for key in KEYS.values():
        for text in (repr(key), str(key), f"{key}"):
            assert text == f"SigningKey({key.public.algorithm}, {key.public.thumbprint})"


def test_there_is_no_symmetric_key_to_generate() -> None:
    """What is asked for is one of three."""
    with pytest.raises(InputError, match="expected RS256, ES256, EdDSA"):
        seal.generate("HS256")


def test_fixed_keys_are_always_the_same() -> None:
    """They do not age and there are no others to look for."""
    keys = seal.FixedKeys((KEYS["EdDSA"].public,))
    keys.wanted("x")
    assert keys.current(0) is keys.current(2**62) is keys.keys


def test_an_ed25519_key_from_elsewhere_is_the_same_key() -> None:
    """A signature of another library verifies, over the bytes as they are."""
    secret = ed25519.Ed25519PrivateKey.generate()
    key = seal.public_key(pem(secret, public=True))
    assert key.verifies(secret.sign(b"a\x00b"), b"a\x00b")
    assert not key.verifies(secret.sign(b"a\x00b"), b"a\x00c")


def test_an_ed25519_key_is_its_32_bytes() -> None:
    """As RFC 8032 has it, out and in; other keys have none, and other lengths are refused."""
    for name, key in KEYS.items():
        assert len(key.public.ed25519) == (32 if name == "EdDSA" else 0)
    assert seal.ed25519_key(KEYS["EdDSA"].public.ed25519) == KEYS["EdDSA"].public
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(FormatError, match="not an Ed25519 key"):
            seal.ed25519_key(wrong, where="key")
