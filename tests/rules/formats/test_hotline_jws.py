"""Signed messages of the hotline."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from hotline_world import DIGEST, NOW, PACT, Line
from pact_keys import KEYS, SECRETS
from skypact.airspace.labels import DataMode
from skypact.errors import FormatError, InputError, Reason, Refused
from skypact.exchange.hotline.messages import Carried, Kind
from skypact.exchange.hotline.thread import opened
from skypact.formats.hotline_json import ENVELOPE_MAX, encode
from skypact.formats.hotline_jws import (
    FILE_MAX,
    TYPE,
    carried,
    read_envelope,
    read_envelopes,
    signed,
    verified,
)
from skypact.seal import detach, generate

if TYPE_CHECKING:
    from skypact.exchange.hotline.messages import Message
    from skypact.formats.hotline_jws import Envelope
    from skypact.pact import Pact

NORTH = SECRETS["a"]


def envelope(**more: Any) -> Envelope:
    """North's notice, signed."""
    return signed(NORTH, encode(Line().north(Kind.NOTIFY, **more)))


def compact(header: dict[str, Any], payload: bytes) -> str:
    """A compact JWS of this header, put together by hand and signed by north."""
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    last = base64.urlsafe_b64encode(NORTH.sign(f"{head}.{body}".encode())).rstrip(b"=").decode()
    return f"{head}.{body}.{last}"


def pact_with(**key: Any) -> Pact:
    """The pact, with another window of north's key."""
    north = replace(PACT.parties[0], keys=(replace(KEYS[0], **key),))
    return replace(PACT, parties=(north, *PACT.parties[1:]))


def test_a_signed_message_is_verified_and_opens_its_thread() -> None:
    """What was signed comes back as the same message, by the key that the pact gives to its sender."""
    made = envelope()
    again = read_envelope(made.text)
    assert again == made
    assert opened(verified(again, PACT, DIGEST), PACT).first == made.message


def test_another_library_verifies_the_envelope() -> None:
    """It is a plain compact JWS with an Ed25519 signature."""
    made = envelope()
    key = OKPKey.import_key(NORTH.public.pem())
    with pytest.warns(SecurityWarning, match="RFC 9864"):  # the newer name is not everywhere yet
        found = jws.deserialize_compact(made.text, key, algorithms=["EdDSA"])
    assert found.payload == made.payload
    assert found.headers()["typ"] == TYPE


@given(st.data())
def test_no_character_of_an_envelope_can_be_changed(data: st.DataObject) -> None:
    """Whatever is changed, the envelope is refused or does not verify."""
    text = envelope().text
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda char: char != text[at]))
    with pytest.raises((InputError, Refused)):
        verified(read_envelope(text[:at] + other + text[at + 1 :]), PACT, DIGEST)


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ({"revoked_us": NOW}, "revoked from"),
        ({"from_us": NOW + 1}, "not to be used before"),
        ({"until_us": NOW}, "not to be used from"),
    ],
)
def test_a_key_signs_while_it_holds(window: dict[str, int], found: str) -> None:
    """A key that was revoked, or is not yet or no more in use, signs nothing that is accepted."""
    with pytest.raises(Refused, match=found) as caught:
        verified(envelope(), pact_with(**window), DIGEST)
    assert caught.value.reason is Reason.UNAUTHENTICATED
    assert verified(envelope(), pact_with(revoked_us=NOW + 1), DIGEST).sender == "north"


def test_a_message_under_another_pact_is_refused() -> None:
    """The digest of the pact's text is inside what was signed."""
    with pytest.raises(Refused, match="under another pact"):
        verified(envelope(), PACT, f"sha256:{'8' * 64}")


def test_a_message_to_another_is_refused() -> None:
    """What north said to south is not taken in by the office, whoever brought it there."""
    assert verified(envelope(), PACT, DIGEST, recipient="south").to == "south"
    with pytest.raises(Refused, match="said to somebody else"):
        verified(envelope(), PACT, DIGEST, recipient="office")


@pytest.mark.parametrize("sender", ["south", "nobody"])
def test_nobody_signs_for_another(sender: str) -> None:
    """North's key does not sign for south, nor for who is no party."""
    said = Line().say(Kind.NOTIFY, sender, "office")
    with pytest.raises(Refused, match=f"does not give to {sender}"):
        verified(signed(NORTH, encode(said)), PACT, DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "JWT"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"jku": "https://example"},
        {"kid": 7},
        {"typ": None},
    ],
)
def test_the_header_chooses_nothing(change: dict[str, Any]) -> None:
    """Another type, algorithm or member of the header is refused before anything is verified."""
    header = {"alg": "EdDSA", "kid": KEYS[0].id, "typ": TYPE} | change
    header = {name: value for name, value in header.items() if value is not None}
    with pytest.raises(FormatError, match="not the header"):
        read_envelope(compact(header, encode(Line().north(Kind.NOTIFY))))


def test_the_newer_name_of_the_algorithm_is_taken() -> None:
    """``Ed25519`` (RFC 9864) is the same algorithm."""
    header = {"alg": "Ed25519", "kid": KEYS[0].id, "typ": TYPE}
    text = compact(header, encode(Line().north(Kind.NOTIFY)))
    assert verified(read_envelope(text), PACT, DIGEST).kind is Kind.NOTIFY


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "é..", "A" * (ENVELOPE_MAX + 1)])
def test_what_is_no_envelope(text: str) -> None:
    """It is refused with the place that was given."""
    with pytest.raises(FormatError, match=r"^line 4: "):
        read_envelope(text, where="line 4")


def test_a_second_spelling_of_the_payload_is_refused() -> None:
    """No two texts are one envelope."""
    head, body, last = envelope().text.split(".")
    for other in (f"{body}=", f"{body}A", f"{body[:-1]}\n"):
        with pytest.raises(FormatError):
            read_envelope(f"{head}.{other}.{last}")


def test_only_an_ed25519_key_signs() -> None:
    """A key of another kind is refused, and what is no message is not signed."""
    with pytest.raises(InputError, match="Ed25519"):
        signed(generate("ES256"), encode(Line().north(Kind.NOTIFY)))
    with pytest.raises(FormatError):
        signed(NORTH, b"{}")


def test_a_file_has_an_envelope_a_line() -> None:
    """Empty lines and line ends of another system are passed over; a fault is named with its line."""
    first, second = envelope(), envelope(after_s=5)
    data = f"{first.text}\r\n\n{second.text}\n".encode()
    assert read_envelopes(data, "log") == (first, second)
    with pytest.raises(FormatError, match=r"^log:3: "):
        read_envelopes(f"{first.text}\n\nnone\n".encode(), "log")


@pytest.mark.parametrize(
    ("data", "found"),
    [(b"\n \n", "no message"), (b"\xd0", "not ASCII"), (b"\n" * (FILE_MAX + 1), "too long")],
    ids=["empty", "bytes", "long"],
)
def test_what_is_no_file_of_envelopes(data: bytes, found: str) -> None:
    """Nothing in it, no ASCII, or too much."""
    with pytest.raises(FormatError, match=found):
        read_envelopes(data, "log")


def forwarded(inner: Message, on_behalf_of: str = "north", text: str = "") -> Message:
    """The office's message that carries another's to south."""
    text = text or signed(NORTH, encode(inner)).text
    return Line().say(Kind.FORWARD, "office", "south", None, Carried(on_behalf_of, text))


def test_an_intermediary_carries_unopened() -> None:
    """What north signed is verified with north's key, and who brought it is shown."""
    inner = Line().north(Kind.NOTIFY)
    outer = signed(SECRETS["c"], encode(forwarded(inner)))
    found = carried(verified(outer, PACT, DIGEST))
    message = verified(found, PACT, DIGEST)
    assert (message.sender, message.carrier) == ("north", "office")
    assert found.payload == encode(inner)
    assert opened(message, PACT).first == message


@pytest.mark.parametrize(
    ("inner", "on_behalf_of", "found"),
    [
        (Line().say(Kind.NOTIFY, "north", "office"), "north", "for another party"),
        (Line().north(Kind.NOTIFY), "charity", "of somebody else"),
        (Line().north(Kind.NOTIFY, pact=f"sha256:{'8' * 64}"), "north", "under another pact"),
        (Line().north(Kind.NOTIFY, data_mode=DataMode.REAL), "north", "of another data mode"),
        (Line().north(Kind.FORWARD), "north", "carried already"),
    ],
)
def test_what_is_carried_fits_what_carries_it(inner: Message, on_behalf_of: str, found: str) -> None:
    """Same recipient, sender as stated, same pact and data mode; and nothing is carried twice."""
    with pytest.raises(Refused, match=found):
        carried(forwarded(inner, on_behalf_of))


def test_what_carries_nothing_is_said_to() -> None:
    """A notice carries nothing, and an envelope that is none is named by its path."""
    with pytest.raises(FormatError, match="carries nothing"):
        carried(Line().north(Kind.NOTIFY))
    with pytest.raises(FormatError, match=r"\$\.body\.envelope"):
        carried(forwarded(Line().north(Kind.NOTIFY), text="a.b.c"))


def test_a_signature_made_for_something_else_does_not_fit() -> None:
    """One made detached over the same bytes, with the header of a pact's, is refused."""
    payload = encode(Line().north(Kind.NOTIFY))
    other = detach(NORTH, {"typ": "skypact-pact"}, payload).text
    head, _, last = other.split(".")
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    with pytest.raises(FormatError, match="not the header"):
        read_envelope(f"{head}.{body}.{last}")
