"""The life of a filing: one table of what may follow what.

Law: :data:`TABLE` is all there is; an illegal move raises and changes nothing. The filer moves a filing, the
clock alone expires it. A filing that has *expired* was not said to be over: nobody knows whether it is.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from skypact.errors import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.notify.filing import Window


class State(enum.Enum):
    """Where a filing is in its life."""

    DRAFT = "draft"
    FILED = "filed"
    AMENDED = "amended"
    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Move(enum.Enum):
    """What moves it."""

    FILE = "file"
    AMEND = "amend"
    BEGIN = "begin"
    END = "end"
    CANCEL = "cancel"
    EXPIRE = "expire"


TABLE: Final[Mapping[tuple[State, Move], State]] = {
    (State.DRAFT, Move.FILE): State.FILED,
    (State.FILED, Move.AMEND): State.AMENDED,
    (State.FILED, Move.BEGIN): State.ACTIVE,
    (State.FILED, Move.CANCEL): State.CANCELLED,
    (State.FILED, Move.EXPIRE): State.EXPIRED,
    (State.AMENDED, Move.AMEND): State.AMENDED,
    (State.AMENDED, Move.BEGIN): State.ACTIVE,
    (State.AMENDED, Move.CANCEL): State.CANCELLED,
    (State.AMENDED, Move.EXPIRE): State.EXPIRED,
    (State.ACTIVE, Move.AMEND): State.ACTIVE,
    (State.ACTIVE, Move.END): State.ENDED,
    (State.ACTIVE, Move.CANCEL): State.CANCELLED,
    (State.ACTIVE, Move.EXPIRE): State.EXPIRED,
}
"""What may follow what. A draft that nobody was told of is thrown away, not cancelled."""

LIVE: Final = frozenset({State.FILED, State.AMENDED, State.ACTIVE})
"""The states in which a filing holds, and is checked."""


def moved(state: State, move: Move) -> State:
    """The state after a move.

    Raises
    ------
    Refused
        NOT_NOW: the move is not one of this state; the text names those that are.
    """
    after = TABLE.get((state, move))
    if after is None:
        may = ", ".join(then.value for at, then in TABLE if at is state)
        raise Refused(
            Reason.NOT_NOW,
            f"a filing that is {state.value} cannot {move.value}",
            found=state.value,
            expected=may or "nothing: it is over",
        )
    return after


def due(state: State, window: Window, now_us: int) -> Move | None:
    """EXPIRE where a live filing's window and its tolerance are over and nobody ended it; else None."""
    return Move.EXPIRE if state in LIVE and now_us >= window.closes_us else None
