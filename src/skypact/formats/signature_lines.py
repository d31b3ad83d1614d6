"""Signatures as a text beside what they sign: a title, and a line a signature.

Law: a line is a detached JWS (RFC 7515, appendix F) in its one spelling. What is said of a signature is in
its signed header; there is no other word in the file, so nothing unsigned can be taken for signed. Whose
they are, and how much is read, say :mod:`.pact_signatures` and :mod:`.incident_signatures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from skypact.errors import FormatError, InputError
from skypact.seal import take_detached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skypact.seal import Detached

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class SignatureLines(Generic[S]):
    """One kind of such files.

    Attributes
    ----------
    title, what
        Its first line, and what it is in messages.
    signature_of
        What a line says of itself.
    """

    title: str
    what: str
    signature_of: Callable[[Detached], S]

    def read(self, data: bytes, name: str, *, most: int, size_max: int) -> tuple[S, ...]:
        """The signatures of a file, none of them verified.

        Parameters
        ----------
        name
            The file's name, for messages.
        most, size_max
            More signatures, or bytes, are refused.

        Raises
        ------
        FormatError
            It is not such a file; the line is named.
        """
        if len(data) > size_max:
            raise FormatError(
                "too long for signatures",
                where=name,
                found=f"{len(data):,} bytes",
                expected=f"at most {size_max:,} bytes",
            )
        try:
            lines = data.decode("ascii").splitlines()
        except UnicodeDecodeError as error:
            raise FormatError(
                "not ASCII", where=name, found=f"byte 0x{data[error.start]:02x}", expected=self.what
            ) from None
        if not lines or lines[0] != self.title:
            found = lines[0] if lines else "nothing"
            raise FormatError(f"not {self.what}", where=f"{name}:1", found=found, expected=self.title)
        if len(lines) - 1 > most:
            raise FormatError(
                "too many signatures", where=name, found=len(lines) - 1, expected=f"at most {most}"
            )
        read = []
        for number, line in enumerate(lines[1:], 2):
            try:
                read.append(self.signature_of(take_detached(line)))
            except InputError as error:
                raise error.at(f"{name}:{number}") from None
        return tuple(read)

    def written(self, signatures: Iterable[Detached]) -> bytes:
        """The file of these signatures."""
        return "".join(f"{line}\n" for line in (self.title, *(each.text for each in signatures))).encode()
