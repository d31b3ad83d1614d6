"""The error tree: what can go wrong, by whose doing.

    SkypactError
     +-- InputError            what was given cannot be used; says where, what was found, what was expected
     |    +-- GeometryError    a shape, position or altitude that is not one
     |    +-- FormatError      bytes that are not the format they claim, or are of no known format
     |    +-- PactError        an agreement that contradicts itself or lacks what it needs
     |    +-- ModeError        data modes that would be mixed (real, exercise, simulated, test)
     +-- UsageError            the question itself is wrong: an option missing, a unit not known

Law: a message is written for the person who must mend the input. It names the place (file and line, or
JSON path, or argument), what stands there and what should. Nothing here carries a stack or a secret.
Catch exactly as wide as you mean.
"""

from __future__ import annotations

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
