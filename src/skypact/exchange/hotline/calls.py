"""The two records of one call, held against each other.

Law: voice stays voice. Each side writes its own record, and neither is corrected by the other; what differs
is shown with its amount, and which of them is right is not said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skypact.exchange.hotline.messages import Call
from skypact.instants import SECOND_US

if TYPE_CHECKING:
    from skypact.exchange.hotline.thread import Thread


@dataclass(frozen=True, slots=True)
class Pair:
    """One call, as both have it; the second less the first.

    Attributes
    ----------
    same_direction
        Both say that the same party rang.
    same_answer
        Both say the same of who took the call.
    start_s, end_s
        By how much the second's call begins and ends later.
    held_s
        By how much longer the line was held, by the second.
    overlap
        The two have a moment in common; where they have none, they may be of two calls.
    """

    same_direction: bool
    same_answer: bool
    start_s: float
    end_s: float
    held_s: float
    overlap: bool


def compared(first: Call, second: Call) -> Pair:
    """Two records of one call."""
    return Pair(
        (first.caller, first.called) == (second.caller, second.called),
        first.answered_by == second.answered_by,
        (second.start_us - first.start_us) / SECOND_US,
        (second.end_us - first.end_us) / SECOND_US,
        (_held_us(second) - _held_us(first)) / SECOND_US,
        first.start_us <= second.end_us and second.start_us <= first.end_us,
    )


def pair_of(thread: Thread) -> Pair | None:
    """The pair of a call's thread: the first record, and the last of the other side; None: one is missing."""
    theirs = [m.body for m in thread.other_said if isinstance(m.body, Call)]
    mine = thread.first.body
    return compared(mine, theirs[-1]) if theirs and isinstance(mine, Call) else None


def _held_us(call: Call) -> int:
    return sum(end - start for start, end in call.holds)
