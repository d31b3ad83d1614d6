"""The numbers of a sender's messages: what is missing between them, and where one number was given twice.

Law: each sender numbers its messages to each recipient from 1, without gaps, across all threads. So a
recipient knows by himself that something did not arrive, and which. Two messages of one number, both signed,
show that their sender says two things; which of them he meant is not said.

Source: the numbers of NOTAMs, by which who missed one asks for it (FAA Order 7930.2, chapter 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skypact.exchange.hotline.messages import Message


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that are missing: from the first to the last of them, both included."""

    sender: str
    to: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Twins:
    """One number, and the ids of the messages that have it."""

    sender: str
    to: str
    serial: int
    ids: tuple[str, ...]


def gaps(messages: Iterable[Message]) -> tuple[Gap, ...]:
    """What is missing before the highest number that is there, by sender and recipient."""
    found = []
    for (sender, to), given in sorted(_given(messages).items()):
        before = 0
        for serial in sorted(given):
            if serial > before + 1:
                found.append(Gap(sender, to, before + 1, serial - 1))
            before = serial
    return tuple(found)


def twins(messages: Iterable[Message]) -> tuple[Twins, ...]:
    """The numbers that were given twice or more, by sender and recipient."""
    return tuple(
        Twins(sender, to, serial, tuple(sorted(ids)))
        for (sender, to), given in sorted(_given(messages).items())
        for serial, ids in sorted(given.items())
        if len(ids) > 1
    )


def _given(messages: Iterable[Message]) -> dict[tuple[str, str], dict[int, set[str]]]:
    """The ids of each number, by sender and recipient."""
    given: dict[tuple[str, str], dict[int, set[str]]] = {}
    for message in messages:
        numbers = given.setdefault((message.sender, message.to), {})
        numbers.setdefault(message.serial, set()).add(message.id)
    return given
