"""Notes and keys: one spelling of each, and a signature that is the key's or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact import seal
from skypact.errors import FormatError, InputError
from skypact.record import note

LOG = seal.generate()
WITNESS = seal.generate()
TEXT = "log.example/1\n3\nAAAA\n"
LOG_KEY = note.key_of("log.example/1", note.LOG, LOG.public)
WITNESS_KEY = note.key_of("witness.example", note.WITNESS, WITNESS.public)
SIGNED = note.Note(
    TEXT,
    (note.sign(TEXT, "log.example/1", LOG), note.cosign(TEXT, "witness.example", WITNESS, 1_700_000_000)),
)


def signers(data: bytes, *keys: note.VerifierKey) -> list[str]:
    """Whose signatures are under a note; none where it is refused."""
    try:
        return [each.key.name for each in note.opened(note.parse(data), keys).signed]
    except FormatError:
        return []


def test_a_note_opens_with_the_keys_that_signed_it() -> None:
    """The log's and the witness's, with the second that the witness said; other lines are passed over."""
    read = note.parse(SIGNED.encode())
    assert read == SIGNED
    looked = note.opened(read, [LOG_KEY, WITNESS_KEY])
    assert [(each.key.name, each.time_s) for each in looked.signed] == [
        ("log.example/1", None),
        ("witness.example", 1_700_000_000),
    ]
    alone = note.opened(read, [WITNESS_KEY])
    assert [each.key for each in alone.signed] == [WITNESS_KEY]
    assert [each.name for each in alone.others] == ["log.example/1"]


def test_keys_are_handed_on_as_text() -> None:
    """Name, id and key, and back again, with a plus in the base64 or not."""
    for key in (LOG_KEY, WITNESS_KEY, *(_some_key(n) for n in range(40))):
        assert note.verifier_key(key.text) == key


def _some_key(n: int) -> note.VerifierKey:
    return note.key_of(f"k{n}", note.LOG, seal.generate().public)


@given(st.data())
def test_no_character_of_a_key_can_change(data: st.DataObject) -> None:
    """The id binds name, kind and key, so a key that was mistyped is refused."""
    text = LOG_KEY.text
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda char: char != text[at]))
    for wrong in (text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :]):
        with pytest.raises(FormatError, match="key"):
            note.verifier_key(wrong)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a verifier key"),
        ("a", "not a verifier key"),
        ("a+00000000", "not a verifier key"),
        ("a+00000000+", "not a verifier key"),
        ("a b+00000000+AQ==", "not a verifier key"),
        ("+00000000+AQ==", "not a verifier key"),
        ("a+00000000+AR==", "not a verifier key"),
        ("a+0000000+AQ==", "not a verifier key"),
        ("a+0000000G+AQ==", "not a verifier key"),
        ("a+00000000+Bg==", "a kind that is not used here; found '0x06'"),
        ("a+00000000+AQ==", "not an Ed25519 key; found '0 bytes'"),
        pytest.param(
            "log.example/2" + LOG_KEY.text.removeprefix("log.example/1"),
            "not the id of this key and name",
            id="another name",
        ),
    ],
)
def test_what_is_no_key_is_refused(text: str, says: str) -> None:
    """The refusal names the place, what was found and what was expected."""
    with pytest.raises(FormatError) as caught:
        note.verifier_key(text, where="--key")
    assert str(caught.value).startswith("--key: ")
    assert says in str(caught.value)


@given(st.data())
def test_no_byte_of_a_signed_note_can_change(data: st.DataObject) -> None:
    """With all its keys at hand, a note that is changed, cut or longer by a byte has lost a signature."""
    whole = SIGNED.encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
    changed = whole[:at] + bytes([other]) + whole[at + 1 :]
    for wrong in (changed, whole[:at], whole[:at] + whole[at + 1 :], whole[:at] + b"\n" + whole[at:]):
        assert len(signers(wrong, LOG_KEY, WITNESS_KEY)) < 2


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_in_its_one_spelling_or_refused(data: bytes) -> None:
    """No other error comes out, and what is read is written back to the byte."""
    for wrong in (data, b"text\n\n" + data, TEXT.encode() + "\n— a ".encode() + data):
        try:
            read = note.parse(wrong)
        except FormatError:
            continue
        assert read.encode() == wrong


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a signed note"),
        (b"text\n", "not a signed note"),
        (b"text\n\n", "not a signed note"),
        ("text\n\n— a AAAAAAA=".encode(), "not a signed note"),
        (b"text\n\n- a AAAAAAA=\n", "note:3: not a line of a signature"),
        ("one\ntwo\n\n— a AAAAAAA=\n— a\n".encode(), "note:5: not a line of a signature"),
        ("text\n\n— a  AAAAAAA=\n".encode(), "not a line of a signature"),
        ("text\n\n— a AAAAAAB=\n".encode(), "not a line of a signature"),
        ("text\n\n— a AAAAAA==\n".encode(), "not a line of a signature"),
        ("text\n\n— a+b AAAAAAA=\n".encode(), "not a line of a signature"),
        ("text\n\n— a\u2003b AAAAAAA=\n".encode(), "not a line of a signature"),
        (b"text\r\n\n", "a control character"),
        (b"text\xff\n\n", "not UTF-8"),
        (bytes(note.NOTE_BYTES + 1), "too large"),
        (b"text\n\n" + "— a AAAAAAA=\n".encode() * 65, "too many signatures"),
    ],
)
def test_what_is_not_written_as_a_note_is_refused(data: bytes, says: str) -> None:
    """The text says what is wrong, with the line."""
    with pytest.raises(FormatError) as caught:
        note.parse(data)
    assert says in str(caught.value)


def test_a_false_signature_of_a_known_key_refuses_the_note() -> None:
    """It is not passed over as a stranger's would be, and neither are two of one key."""
    line = SIGNED.signatures[0]
    forged = note.Signature(line.name, line.key_id, bytes(64))
    for wrong in (note.Note(TEXT, (forged,)), note.Note(TEXT, (forged, SIGNED.signatures[1]))):
        with pytest.raises(FormatError, match="not the signature of this text by its key"):
            note.opened(wrong, [LOG_KEY, WITNESS_KEY])
    with pytest.raises(FormatError, match="two signatures of one key"):
        note.opened(note.Note(TEXT, (line, line)), [LOG_KEY])


def test_a_name_or_an_id_alone_is_a_stranger_s() -> None:
    """A line with a known name and another id, or the reverse, is passed over."""
    line = SIGNED.signatures[0]
    for stranger in (
        note.Signature(line.name, bytes(4), line.signature),
        note.Signature("elsewhere", line.key_id, line.signature),
    ):
        looked = note.opened(note.Note(TEXT, (stranger,)), [LOG_KEY])
        assert (looked.signed, looked.others) == ((), (stranger,))


def test_a_cosignature_is_never_a_log_s_signature() -> None:
    """One key in two kinds has two ids, and the bytes of one kind do not verify as the other."""
    as_witness = note.key_of("log.example/1", note.WITNESS, LOG.public)
    line = SIGNED.signatures[0]
    assert as_witness.id != LOG_KEY.id
    assert note.signed_at(TEXT, line, LOG_KEY) == 0
    moved = note.Signature(line.name, as_witness.id, bytes(8) + line.signature)
    assert note.signed_at(TEXT, moved, as_witness) is None


@pytest.mark.parametrize("time_s", [0, 1, 1_700_000_000, note.TIME_MOST_S])
def test_a_witness_says_when(time_s: int) -> None:
    """Its time is bound: one second off, or beyond 63 bits, is not its signature."""
    line = note.cosign(TEXT, "witness.example", WITNESS, time_s)
    assert note.signed_at(TEXT, line, WITNESS_KEY) == time_s
    for wrong in ((time_s + 1) % 2**64, time_s | 2**63):
        moved = note.Signature(line.name, line.key_id, wrong.to_bytes(8, "big") + line.signature[8:])
        assert note.signed_at(TEXT, moved, WITNESS_KEY) is None
    short = note.Signature(line.name, line.key_id, b"abc")
    assert note.signed_at(TEXT, short, WITNESS_KEY) is None


def test_what_cannot_sign_is_refused() -> None:
    """Keys of other kinds, names with spaces, and times that are none."""
    with pytest.raises(InputError, match="signed with Ed25519; found 'ES256'"):
        note.sign(TEXT, "a", seal.generate("ES256"))
    with pytest.raises(InputError, match="not a name of a key"):
        note.sign(TEXT, "a b", LOG)
    for time_s in (-1, 2**63):
        with pytest.raises(InputError, match="not a time"):
            note.cosign(TEXT, "a", WITNESS, time_s)


def test_lines_of_a_witness_are_read_alone() -> None:
    """As a witness answers them, without a text; an answer without any is refused."""
    lines = "".join(each.line for each in SIGNED.signatures)
    assert note.signatures(lines.encode()) == SIGNED.signatures
    with pytest.raises(FormatError, match="not a signed note"):
        note.signatures(b"")
