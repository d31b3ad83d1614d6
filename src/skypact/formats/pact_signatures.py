"""The signatures of a pact as a text beside it: ``FILE.sigs``, a line a signature.

Law: the text of a pact is never rewritten to be signed; its signatures lie beside it, each over its bytes as
they are. A line is a detached JWS (RFC 7515, appendix F) in its one spelling. What is said of a signature is
in its signed header; there is no other word in the file, so nothing unsigned can be taken for signed.

The first line is :data:`TITLE`. To check a line with another tool, put the base64url of the pact's bytes
between its two dots: that is a plain compact JWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.formats.signature_lines import SignatureLines
from skypact.pact.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.pact.signatures import Signature

TITLE: Final = "skypact pact signatures 1"
SUFFIX: Final = ".sigs"
"""What the file's name has beyond the pact's."""
SIGNATURES_MAX: Final = 1_000
"""More signatures in one file are refused."""
SIZE_MAX: Final = 1024 * 1024
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
    return _LINES.read(data, name, most=SIGNATURES_MAX, size_max=SIZE_MAX)


def write_signatures(signatures: Sequence[Signature]) -> bytes:
    """The file of these signatures."""
    return _LINES.written(each.detached for each in signatures)


_LINES: Final = SignatureLines(TITLE, "signatures of a pact", signature_of)
