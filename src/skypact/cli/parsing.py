"""Options as a person types them, into the engine's units; and help that fits 80 columns.

Law: what is mistyped is refused with the option's name, what was found and what would have been right.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from skypact.errors import InputError, UsageError
from skypact.instants import SECOND_US, parse_instant
from skypact.units import parse_duration_s, parse_length_m

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")

MODES: Final = ("real", "exercise", "simulated", "test")
"""The data modes, spelt out: importing them would cost numpy before any option is read."""


class Parser(argparse.ArgumentParser):
    """The standard parser; its complaints are usage errors, and options are not abbreviated."""

    def __init__(self, command: str, description: str, *, epilog: str = "") -> None:
        super().__init__(
            prog=f"skypact {command}",
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=_Help,
        )
        # what begins like -5NM is a value, which its option refuses in better words than argparse has
        self._negative_number_matcher = re.compile(r"-[.]?\d", re.ASCII)

    def error(self, message: str) -> NoReturn:
        """Raise what was wrong as a usage error."""
        raise UsageError(f"{message.removeprefix('argument ')} (see '{self.prog} --help')")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width, the same on every terminal and in the documentation."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=80)


def _typed(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    def typed(text: str) -> Value:
        try:
            return parse(text)
        except (ValueError, InputError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def _some_duration_s(text: str) -> float:
    value = parse_duration_s(text)
    if value <= 0.0:
        raise ValueError(f"a duration here is longer than zero; found {text!r}")
    return value


def _some_length_m(text: str) -> float:
    if text.lstrip().startswith("-"):
        raise ValueError(f"a minimum must not be negative; found {text[:60]!r}")
    value = parse_length_m(text)
    if value <= 0.0:
        raise ValueError(f"a minimum is more than zero; found {text!r}")
    return value


length_m = _typed(_some_length_m)
"""A length of more than zero with its unit, in metres; for ``argparse``'s ``type``."""
duration_s = _typed(_some_duration_s)
"""A duration of more than zero with its unit, in seconds; for ``argparse``'s ``type``."""


def _ahead_us(text: str) -> int:
    if not text.startswith("+"):
        return parse_instant(text)
    now_us = time.time_ns() // 1_000  # the terminal is one of the places where the clock enters
    return now_us + round(_some_duration_s(text[1:]) * SECOND_US)


ahead_us = _typed(_ahead_us)
"""The same, or ``+10min``: so long from now; for ``argparse``'s ``type``."""
instant_us = _typed(parse_instant)
"""An RFC 3339 instant, in microseconds since 1970 UTC; for ``argparse``'s ``type``."""
