"""The signatures of an incident as a text beside it: ``FILE.sigs``, a line a signature.

Law: the incident's file is never rewritten to be signed; its signatures lie beside it, each a detached JWS
(RFC 7515, appendix F) in its one spelling, over one line of the file as it is. What is said of a signature is
in its signed header; there is no other word in the file, so nothing unsigned can be taken for signed.

To check a line with another tool, put the base64url of the incident's line between its two dots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, InputError
from skypact.incident.signatures import signature_of
from skypact.seal import take_detached

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skypact.incident.signatures import Signature

TITLE: Final = "skypact incident signatures 1"
SUFFIX: Final = ".sigs"
"""What the file's name has beyond the incident's."""
SIGNATURES_MAX: Final = 10_000
"""More signatures in one file are refused."""
SIZE_MAX: Final = 8 * 1024 * 1024
"""A larger file is refused, in bytes."""


def read_signatures(data: bytes, name: str) -> tuple[Signature, ...]:
    """The signatures of a file, none of them verified.

    Parameters
    ----------
    name
        The file's name, for messages.

    Raises
    ------
    FormatError
        It is not such a file; the line is named.
    """
    if len(data) > SIZE_MAX:
        raise FormatError(
            "too long for signatures",
            where=name,
            found=f"{len(data):,} bytes",
            expected=f"at most {SIZE_MAX:,} bytes",
        )
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(
            "not ASCII",
            where=name,
            found=f"byte 0x{data[error.start]:02x}",
            expected="signatures of an incident",
        ) from None
    if not lines or lines[0] != TITLE:
        found = lines[0] if lines else "nothing"
        raise FormatError("not signatures of an incident", where=f"{name}:1", found=found, expected=TITLE)
    if len(lines) - 1 > SIGNATURES_MAX:
        raise FormatError(
            "too many signatures", where=name, found=len(lines) - 1, expected=f"at most {SIGNATURES_MAX}"
        )
    read = []
    for number, line in enumerate(lines[1:], 2):
        try:
            read.append(signature_of(take_detached(line)))
        except InputError as error:
            raise error.at(f"{name}:{number}") from None
    return tuple(read)


def write_signatures(signatures: Iterable[Signature]) -> bytes:
    """The file of these signatures."""
    return "".join(f"{line}\n" for line in (TITLE, *(each.detached.text for each in signatures))).encode()
