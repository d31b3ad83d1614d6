"""The life of an operational intent at the party that manages it: which act leads where.

Law: :data:`LIFE` is all there is. What is not in it is refused and changes nothing. The discovery service has
its own, wider table (:data:`skypact.exchange.dss.FOLLOWS`); what is allowed here is allowed there (a test
holds the two together).

``Ended`` is a state of ours: for everybody else the intent is gone.

A flight that was never planned may be declared off-nominal, since it is in the air and others must know. It
may not begin as activated: it is accepted first, in a write of its own, which is what every discovery service
expects.

Source: ASTM F3548-21, the states of an operational intent.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from skypact.errors import Reason, Refused
from skypact.exchange.dss import State

if TYPE_CHECKING:
    from collections.abc import Mapping


class Phase(enum.Enum):
    """Where an intent is in its life."""

    NONE = "None"
    """It does not exist yet."""
    ACCEPTED = "Accepted"
    """Planned and shared; not in use."""
    ACTIVATED = "Activated"
    """In use, as planned."""
    NONCONFORMING = "Nonconforming"
    """The aircraft is outside what was planned, and expected to come back."""
    CONTINGENT = "Contingent"
    """The aircraft will not come back to what was planned; only the end follows."""
    ENDED = "Ended"
    """Over, and gone from the discovery service."""

    @property
    def state(self) -> State | None:
        """The state that the discovery service has for it; None where it has no such intent."""
        return State(self.value) if self.shared else None

    @property
    def shared(self) -> bool:
        """Whether others know of it."""
        return self not in {Phase.NONE, Phase.ENDED}

    @property
    def in_use(self) -> bool:
        """Whether an aircraft uses it."""
        return self in {Phase.ACTIVATED, Phase.NONCONFORMING, Phase.CONTINGENT}


class Act(enum.Enum):
    """What a party does with a flight."""

    PLAN = "plan"
    CHANGE = "change"
    ACTIVATE = "activate"
    STAND_DOWN = "stand down"
    DEVIATE = "deviate"
    RECOVER = "recover"
    GIVE_UP = "give up"
    END = "end"

    @property
    def meaning(self) -> str:
        """The act for a reader."""
        return _MEANINGS[self]


_MEANINGS: Final[Mapping[Act, str]] = {
    Act.PLAN: "file a new flight",
    Act.CHANGE: "change what was planned, in the same state",
    Act.ACTIVATE: "begin to use it",
    Act.STAND_DOWN: "stop using it, and keep the plan",
    Act.DEVIATE: "say that the aircraft is outside its volumes",
    Act.RECOVER: "say that it is back inside",
    Act.GIVE_UP: "say that it will not come back",
    Act.END: "end it",
}

LIFE: Final[Mapping[tuple[Phase, Act], Phase]] = {
    (Phase.NONE, Act.PLAN): Phase.ACCEPTED,
    (Phase.NONE, Act.DEVIATE): Phase.NONCONFORMING,
    (Phase.NONE, Act.GIVE_UP): Phase.CONTINGENT,
    (Phase.ACCEPTED, Act.CHANGE): Phase.ACCEPTED,
    (Phase.ACCEPTED, Act.ACTIVATE): Phase.ACTIVATED,
    (Phase.ACCEPTED, Act.DEVIATE): Phase.NONCONFORMING,
    (Phase.ACCEPTED, Act.GIVE_UP): Phase.CONTINGENT,
    (Phase.ACCEPTED, Act.END): Phase.ENDED,
    (Phase.ACTIVATED, Act.CHANGE): Phase.ACTIVATED,
    (Phase.ACTIVATED, Act.STAND_DOWN): Phase.ACCEPTED,
    (Phase.ACTIVATED, Act.DEVIATE): Phase.NONCONFORMING,
    (Phase.ACTIVATED, Act.GIVE_UP): Phase.CONTINGENT,
    (Phase.ACTIVATED, Act.END): Phase.ENDED,
    (Phase.NONCONFORMING, Act.DEVIATE): Phase.NONCONFORMING,
    (Phase.NONCONFORMING, Act.RECOVER): Phase.ACTIVATED,
    (Phase.NONCONFORMING, Act.GIVE_UP): Phase.CONTINGENT,
    (Phase.NONCONFORMING, Act.END): Phase.ENDED,
    (Phase.CONTINGENT, Act.GIVE_UP): Phase.CONTINGENT,
    (Phase.CONTINGENT, Act.END): Phase.ENDED,
}
"""Which act leads where; what is not here is not allowed."""


def after(phase: Phase, act: Act) -> Phase:
    """Where an act leads.

    Raises
    ------
    Refused
        NOT_NOW: it may not be done in this phase; names those that may.
    """
    following = LIFE.get((phase, act))
    if following is None:
        raise Refused(
            Reason.NOT_NOW,
            f"a flight that is {phase.value} cannot {act.value}",
            found=act.value,
            expected=_listed(sorted(a.value for p, a in LIFE if p is phase)),
        )
    return following


def act_towards(phase: Phase, wanted: Phase) -> Act:
    """The act that leads from one phase to another.

    Raises
    ------
    Refused
        NOT_NOW: none does; names what may be reached.
    """
    for (start, act), end in LIFE.items():
        if start is phase and end is wanted:
            return act
    raise Refused(
        Reason.NOT_NOW,
        f"a flight that is {phase.value} cannot become {wanted.value}",
        found=wanted.value,
        expected=_listed(sorted({end.value for (start, _), end in LIFE.items() if start is phase})),
    )


def _listed(words: list[str]) -> str:
    return " or ".join(words) or "nothing: it is over"
