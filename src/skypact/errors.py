"""The error tree: what can go wrong, by whose doing.

    SkypactError
     +-- InputError            what was given cannot be used; says where, what was found, what was expected
     |    +-- GeometryError    a shape, position or altitude that is not one
     |    +-- FormatError      bytes that are not the format they claim, or are of no known format
     |    +-- PactError        an agreement that contradicts itself or lacks what it needs
     |    +-- ModeError        data modes that would be mixed (real, exercise, simulated, test)
     +-- UsageError            the question itself is wrong: an option missing, a unit not known
     +-- Refused               a request that the rules do not allow now, with the :class:`Reason`

Law: a message is written for the person who must mend the input. It names the place (file and line, or
JSON path, or argument), what stands there and what should. Nothing here carries a stack or a secret.
Catch exactly as wide as you mean.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_QUOTE = 120


def _quoted(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


class SkypactError(Exception):
    """Anything Skypact refuses or cannot do, said in one line."""


class InputError(SkypactError):
    """Input that cannot be used.

    Parameters
    ----------
    message
        What is wrong, in one clause.
    where
        The place: a file and line, a JSON path, or the name of an argument. Outer layers put theirs in
        front with :meth:`at`.
    found, expected
        What stands there and what should, quoted in the text where given.
    """

    def __init__(
        self, message: str, *, where: str = "", found: object = None, expected: object = None
    ) -> None:
        self.message = message
        self.where = where
        self.found = found
        self.expected = expected
        super().__init__(message)

    def at(self, outer: str) -> InputError:
        """The same error seen from further out: ``outer`` is put before the place."""
        if not self.where:
            joined = outer
        elif self.where.startswith(("[", ".", ":")):
            joined = outer + self.where
        else:
            joined = f"{outer}: {self.where}"
        return type(self)(self.message, where=joined, found=self.found, expected=self.expected)

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.message}" if self.where else self.message]
        if self.found is not None:
            parts.append(f"found {_quoted(self.found)}")
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        return "; ".join(parts)


class GeometryError(InputError):
    """A shape, a position or an altitude that is not one; names the field, the value and the vertex."""


class FormatError(InputError):
    """Bytes that are not what they claim to be, or are of no format that is known."""


class PactError(InputError):
    """An agreement that contradicts itself or lacks what it needs."""


class ModeError(InputError):
    """Data of different modes would meet in one check; no check mixes modes."""


class UsageError(SkypactError):
    """The question itself cannot be asked this way; the text says how to ask it."""


class Reason(enum.Enum):
    """Why a request is refused. What a protocol answers for each is the server's table, nobody else's."""

    INVALID = "invalid"
    """It says something that is not so, or not allowed: the asker must change it."""
    UNAUTHENTICATED = "unauthenticated"
    """Who asks is not known."""
    FORBIDDEN = "forbidden"
    """Who asks is known, and may not."""
    UNKNOWN = "unknown"
    """What is asked about does not exist, or not for this asker."""
    CONFLICT = "conflict"
    """It does not fit what is already there; the asker must look again."""
    NOT_NOW = "not now"
    """The state of the asker, or of the thing, does not permit it."""
    TOO_LARGE = "too large"
    """More area, time, vertices or bytes than the limit, which is named."""
    TOO_MANY = "too many"
    """More requests than the limit, which is named."""
    UNAVAILABLE = "unavailable"
    """Nothing is wrong with the request; it was not done, or may be asked again without harm."""


class Refused(SkypactError):  # noqa: N818  # a refusal is an answer, not a fault of anybody's
    """A request that is not granted; nothing of it has been done.

    Parameters
    ----------
    reason
        Why, as a word of :class:`Reason`.
    message
        What is wrong, in one clause.
    where, found, expected
        As for :class:`InputError`.
    extra
        Further members of the answer, ready to be written as JSON: what the asker lacks, for instance.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        where: str = "",
        found: object = None,
        expected: object = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.reason = reason
        self.message = message
        self.where = where
        self.found = found
        self.expected = expected
        self.extra = dict(extra or {})
        super().__init__(message)

    def __str__(self) -> str:
        return str(InputError(self.message, where=self.where, found=self.found, expected=self.expected))
