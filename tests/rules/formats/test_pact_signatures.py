"""``FILE.sigs``: what is written is read, another tool verifies it, and nothing else is taken for it."""

from __future__ import annotations

import base64
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from pact_keys import KEYS, SECRETS
from skypact.airspace import DataMode
from skypact.errors import FormatError, InputError
from skypact.formats.pact_signatures import SIGNATURES_MAX, SIZE_MAX, TITLE, read_signatures, write_signatures
from skypact.pact import Pact, Party
from skypact.pact.signatures import Edition, sign, standing

TEXT = b'[pact]\nid = "p"\n'
PACT = Pact("p", data_mode=DataMode.TEST, parties=(Party("a", keys=(KEYS[0],)), Party("b", keys=(KEYS[1],))))
BARE = Edition(PACT, TEXT)
SIGNED = tuple(sign(SECRETS[letter], BARE, letter, 1_780_000_000_000_000) for letter in "ab")
FILE = write_signatures(SIGNED)


def test_what_is_written_is_read_and_holds() -> None:
    """The title, a line a signature, and by these lines the pact is complete; CRLF changes nothing."""
    assert FILE.splitlines()[0].decode() == TITLE
    assert len(FILE.splitlines()) == 3
    for data in (FILE, FILE.replace(b"\n", b"\r\n")):
        assert read_signatures(data, "p.toml.sigs") == SIGNED
    assert standing([Edition(PACT, TEXT, read_signatures(FILE, "x"))]).complete
    assert read_signatures(write_signatures(()), "x") == ()


def test_a_line_is_a_plain_jws_for_other_tools() -> None:
    """With the base64url of the text between its dots, joserfc verifies it with the key alone."""
    line = FILE.decode().splitlines()[1]
    middle = base64.urlsafe_b64encode(TEXT).rstrip(b"=").decode()
    whole = line.replace("..", f".{middle}.")
    key = OKPKey.import_key(SECRETS["a"].public.pem())
    # RFC 7515 section 4 has members that are not understood ignored; joserfc wants to be told
    registry = JWSRegistry(algorithms=["EdDSA"], strict_check_header=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # it would rather call EdDSA Ed25519 (RFC 9864)
        found = jws.deserialize_compact(whole, key, registry=registry)
    assert found.payload == TEXT
    assert found.protected["party"] == "a"


REFUSED = [
    (b"", "x.sigs:1: not signatures of a pact; found 'nothing'; expected skypact pact signatures 1"),
    (b"[pact]\n", "x.sigs:1: not signatures of a pact; found '[pact]'"),
    (FILE + b"\n", "x.sigs:4: signature: not a detached signature"),
    (FILE + b"# a remark\n", "x.sigs:4: signature: not a detached signature"),
    (FILE.replace(b"..", b".x."), "x.sigs:2: signature: not a detached signature"),
    (FILE + b"e30..AAAA\n", "x.sigs:4: signature, alg: not a signature of a pact"),
    (FILE + "\u0436\n".encode(), "x.sigs: not ASCII; found 'byte 0xd0'"),
    (b"x" * (SIZE_MAX + 1), "x.sigs: too long for signatures; found '1,048,577 bytes'"),
    (f"{TITLE}\n".encode() + b".\n" * (SIGNATURES_MAX + 1), "x.sigs: too many signatures; found 1001"),
]


@pytest.mark.parametrize(("data", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_file_of_signatures_is_refused(data: bytes, words: str) -> None:
    """With the line, what stands there and what should."""
    with pytest.raises(FormatError) as refused:
        read_signatures(data, "x.sigs")
    assert str(refused.value).startswith(words)


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_no_change_of_a_byte_makes_another_signature(at: int, bit: int) -> None:
    """A file with one byte changed is refused, or has one good signature less, or says the same."""
    changed = FILE[:at] + bytes([FILE[at] ^ bit]) + FILE[at + 1 :]
    try:
        read = read_signatures(changed, "x")
    except InputError:
        return
    known = standing([Edition(PACT, TEXT, read)])
    assert read == SIGNED or len(known.signed) < 2
    assert {each.party for each in known.signed} <= {"a", "b"}


@given(st.binary(max_size=300))
def test_any_bytes_below_the_title_are_refused_cleanly(data: bytes) -> None:
    """Noise is an error with the file's name, never anything else."""
    with pytest.raises(FormatError, match=r"\Ax"):
        read_signatures(f"{TITLE}\n".encode() + b"!" + data, "x")
