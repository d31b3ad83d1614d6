"""Signed notes: a text and the signatures under it, as transparency logs write them.

Law: a note has one spelling, to the byte; what is not written that way is refused. A signature counts where
the key's whole text was given beforehand: its name and id in the note only say which key to try. Signatures
of keys that were not given are passed over, as the format demands, and are told as such; a signature that
names a given key and is not its own makes the whole note refused.

Two kinds of key: ``0x01`` signs the text; ``0x04`` is a witness's, which signs the text behind a line that
says when (tlog-cosignature v1), so that neither's signature is ever the other's.

Sources: C2SP signed-note v1.0.0 and tlog-cosignature v1.0.1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact import seal
from skypact.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

LOG: Final = 1
"""An Ed25519 key that signs the text."""
WITNESS: Final = 4
"""An Ed25519 key that cosigns: ``cosignature/v1``."""
NOTE_BYTES: Final = 1024 * 1024
"""A larger note is refused."""
SIGNATURES: Final = 64
"""More signatures are refused; the format asks for 16 at least."""
TIME_MOST_S: Final = 2**63 - 1

_DASH: Final = "— "
_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_NAME_CHARS: Final = 255
_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KINDS: Final = "an Ed25519 key of type 0x01 (log) or 0x04 (witness)"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key whose signatures under a note are looked for.

    Attributes
    ----------
    name
        The name that its signature lines begin with; a log's is its origin.
    kind
        :data:`LOG` or :data:`WITNESS`.
    key
        The Ed25519 key itself.
    """

    name: str
    kind: int
    key: seal.PublicKey

    @property
    def id(self) -> bytes:
        """The four bytes that its signatures begin with."""
        named = self.name.encode() + b"\n"
        return hashlib.sha256(named + bytes((self.kind,)) + self.key.ed25519).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as it is handed on: ``name+id+key`` (a *vkey*)."""
        return f"{self.name}+{self.id.hex()}+{spelt(bytes((self.kind,)) + self.key.ed25519)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A line under a note.

    Attributes
    ----------
    name, key_id
        Whose it says it is.
    signature
        The bytes after the id.
    """

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """As it stands in the note, with the line's end."""
        return f"{_DASH}{self.name} {spelt(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and what signs it.

    Attributes
    ----------
    text
        With the end of its last line.
    signatures
        In their order.
    """

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The one spelling that it has."""
        return "".join((self.text, "\n", *(each.line for each in self.signatures))).encode()


@dataclass(frozen=True, slots=True)
class Signed:
    """A key that did sign.

    Attributes
    ----------
    key
        Which.
    time_s
        When a witness says that it did, in seconds since 1970 UTC; None for a log's key.
    """

    key: VerifierKey
    time_s: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known of a note once its signatures were looked at.

    Attributes
    ----------
    signed
        Those of the given keys that signed.
    others
        Lines that were passed over: nobody gave their keys.
    """

    signed: tuple[Signed, ...]
    others: tuple[Signature, ...]


def verifier_key(text: str, *, where: str = "key") -> VerifierKey:
    """Read a key as it is handed on: ``name+id+key``.

    Raises
    ------
    FormatError
        It is none, of another kind, or its id is not its own.
    """
    name, _, rest = text.partition("+")
    ident, _, encoded = rest.partition("+")
    raw = unspelt(encoded)
    if not encoded or _ID.fullmatch(ident) is None or raw is None or not name_fits(name):
        raise FormatError("not a verifier key", where=where, found=text, expected="NAME+ID+KEY in base64")
    if raw[:1] not in {bytes((LOG,)), bytes((WITNESS,))}:
        raise FormatError(
            "a key of a kind that is not used here", where=where, found=f"0x{raw[:1].hex()}", expected=_KINDS
        )
    key = VerifierKey(name, raw[0], seal.ed25519_key(raw[1:], where=where))
    if key.id.hex() != ident:
        raise FormatError("not the id of this key and name", where=where, found=ident, expected=key.id.hex())
    return key


def name_fits(name: str) -> bool:
    """Whether this can be a key's name, and a log's origin: no spaces, no plus, no control characters."""
    plain = name.isprintable() and not any(char.isspace() or char == "+" for char in name)
    return plain and 0 < len(name) <= _NAME_CHARS


def key_of(name: str, kind: int, key: seal.PublicKey) -> VerifierKey:
    """A key under a name.

    Raises
    ------
    InputError
        It is no Ed25519 key, or that is no name.
    """
    if not name_fits(name):
        raise InputError(
            "not a name of a key",
            where="name",
            found=name,
            expected=f"1 to {_NAME_CHARS} printable characters, no spaces, no +",
        )
    if not key.ed25519:
        raise InputError(
            "the record is signed with Ed25519", where="key", found=key.algorithm, expected="an Ed25519 key"
        )
    return VerifierKey(name, kind, key)


def sign(text: str, name: str, key: seal.SigningKey) -> Signature:
    """A log's signature of a text."""
    as_log = key_of(name, LOG, key.public)
    return Signature(name, as_log.id, key.sign(text.encode()))


def cosign(text: str, name: str, key: seal.SigningKey, time_s: int) -> Signature:
    """A witness's signature of a text at an instant, in seconds since 1970 UTC."""
    as_witness = key_of(name, WITNESS, key.public)
    if not 0 <= time_s <= TIME_MOST_S:
        raise InputError("not a time", where="time_s", found=time_s, expected=f"0 to {TIME_MOST_S}")
    stamp = time_s.to_bytes(_TIME_BYTES, "big")
    return Signature(name, as_witness.id, stamp + key.sign(_cosigned(text, time_s)))


def parse(data: bytes, *, where: str = "note") -> Note:
    """Read a note; nothing is verified.

    Raises
    ------
    FormatError
        It is not written as notes are.
    """
    if len(data) > NOTE_BYTES:
        raise FormatError(
            "too large for a note", where=where, found=f"{len(data)} bytes", expected=f"at most {NOTE_BYTES}"
        )
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise FormatError("not UTF-8", where=where) from None
    if _CONTROL.search(whole):
        raise FormatError("a control character in a note", where=where, expected="text and line ends")
    text, gap, under = whole.rpartition("\n\n")
    lines = under.split("\n")
    if not gap or lines[-1] or len(lines) < 2:
        raise FormatError(
            "not a signed note", where=where, expected="a text, an empty line, and lines of signatures"
        )
    del lines[-1]
    if len(lines) > SIGNATURES:
        raise FormatError(
            "too many signatures", where=where, found=len(lines), expected=f"at most {SIGNATURES}"
        )
    first = text.count("\n") + 3
    return Note(text + "\n", tuple(_line(line, f"{where}:{first + at}") for at, line in enumerate(lines)))


def signatures(data: bytes, *, where: str = "signatures") -> tuple[Signature, ...]:
    """Read lines of signatures without a text, as a witness answers them; nothing is verified.

    Raises
    ------
    FormatError
        They are not written as under a note.
    """
    return parse(b"text\n\n" + data, where=where).signatures


def opened(note: Note, keys: Iterable[VerifierKey], *, where: str = "note") -> Opened:
    """Look at the signatures of the given keys.

    Raises
    ------
    FormatError
        A line that names one of the keys is not its signature, or there are two of one key.
    """
    known = {(key.name, key.id): key for key in keys}
    signed: dict[tuple[str, bytes], Signed] = {}
    others: list[Signature] = []
    for line in note.signatures:
        named = line.name, line.key_id
        key = known.get(named)
        if key is None:
            others.append(line)
            continue
        if named in signed:
            raise FormatError("two signatures of one key", where=where, found=line.name, expected="one")
        time_s = signed_at(note.text, line, key)
        if time_s is None:
            raise FormatError("not the signature of this text by its key", where=where, found=line.name)
        signed[named] = Signed(key, time_s if key.kind == WITNESS else None)
    return Opened(tuple(signed.values()), tuple(others))


def signed_at(text: str, line: Signature, key: VerifierKey) -> int | None:
    """When this key signed the text with this line, in seconds since 1970 (a log's: 0); None: it did not."""
    if key.kind == LOG:
        return 0 if key.key.verifies(line.signature, text.encode()) else None
    time_s = int.from_bytes(line.signature[:_TIME_BYTES], "big")
    right = time_s <= TIME_MOST_S and key.key.verifies(line.signature[_TIME_BYTES:], _cosigned(text, time_s))
    return time_s if right else None


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _line(line: str, where: str) -> Signature:
    parts = line.removeprefix(_DASH).split(" ")
    if line.startswith(_DASH) and len(parts) == 2:
        raw = unspelt(parts[1])
        if raw is not None and len(raw) > _ID_BYTES and name_fits(parts[0]):
            return Signature(parts[0], raw[:_ID_BYTES], raw[_ID_BYTES:])
    raise FormatError(
        "not a line of a signature", where=where, found=line, expected=f"{_DASH}NAME SIGNATURE, in base64"
    )


def spelt(data: bytes) -> str:
    """Bytes as these formats write them: base64 of RFC 4648 section 4."""
    return base64.b64encode(data).decode("ascii")


def unspelt(text: str) -> bytes | None:
    """The bytes, of the one spelling that they have; None: that is none."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if spelt(data) == text else None
