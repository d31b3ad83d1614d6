"""Signatures kept apart from what they sign: one spelling, the stored bytes, and other tools verify them."""

from __future__ import annotations

import base64
import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from pact_keys import SECRETS
from skypact.errors import FormatError
from skypact.seal import TOKEN_MAX, Detached, detach, take_detached

KEY = SECRETS["a"]


def spelt(header: object, signature: bytes = b"s" * 64) -> str:
    """A detached signature of any header."""
    parts = (json.dumps(header).encode(), b"", signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@given(st.binary(max_size=300))
def test_a_detached_signature_is_read_back_and_verifies(payload: bytes) -> None:
    """What is written is read as the same, and verifies over the same bytes and no others."""
    made = detach(KEY, {"typ": "t"}, payload)
    read = take_detached(made.text)
    assert read == Detached(
        {"alg": "EdDSA", "kid": KEY.public.thumbprint, "typ": "t"}, made.signature, made.text
    )
    assert KEY.public.verifies(read.signature, read.signed(payload))
    assert not KEY.public.verifies(read.signature, read.signed(payload + b"x"))
    assert not SECRETS["b"].public.verifies(read.signature, read.signed(payload))


def test_another_library_verifies_it() -> None:
    """With the payload put between its dots it is a plain compact JWS, which joserfc verifies by itself."""
    payload = b"a text \xff with any bytes"
    first, _, last = detach(KEY, {"typ": "t"}, payload).text.split(".")
    middle = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    public = OKPKey.import_key(KEY.public.pem())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # it would rather call EdDSA Ed25519 (RFC 9864)
        found = jws.deserialize_compact(f"{first}.{middle}.{last}", public, algorithms=["EdDSA"])
    assert found.payload == payload
    assert found.protected["typ"] == "t"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a detached signature"),
        ("a.b", "not a detached signature"),
        (spelt({}).replace("..", ".eA."), "not a detached signature"),
        (spelt({}) + "\u00e9", "not a detached signature"),
        (spelt({}) + "=", "not base64url"),
        ("x" * TOKEN_MAX + "..", "too long"),
        (spelt([]), "not a JSON object"),
        (spelt({"crit": ["b64"]}), "a header with 'crit'"),
        (spelt({"b64": False}), "a header with 'b64'"),
    ],
)
def test_what_is_no_detached_signature_is_refused(text: str, message: str) -> None:
    """Each in its own words; there is one spelling, and nothing that changes what was signed."""
    with pytest.raises(FormatError) as refused:
        take_detached(text)
    assert str(refused.value).startswith(f"signature: {message}")
