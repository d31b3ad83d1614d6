"""The pact: what the parties have put in writing, as plain data, and what a careful reader would remark on.

Law: a pact records what each party says, and decides nothing between them. Nothing here reads a file or a
clock. The text of a pact is read in ``formats/pact_toml.py``.

``agreement`` has the pact itself, ``terms`` what is agreed beside distance and zones, ``keys`` and ``hours``
what a party's keys and contacts are. ``contradictions`` are what makes a pact unusable, and :class:`Pact`
refuses them; ``remarks`` are on what is usable and may still not be what was meant. ``visible`` says who may
see what; ``statements`` what changed for whom; ``signatures`` who has signed, who must, and what a node runs
under; ``aloud`` how keys are compared by voice.

Known limits: a zone is one outline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skypact.pact.agreement import APPLIES_BY_DEFAULT, Contact, Pact, Party, Stance, Zone
from skypact.pact.contradictions import PERIOD_MAX_S, RULES_MAX, Draft, contradictions, place
from skypact.pact.hours import Hours
from skypact.pact.keys import PartyKey, parse_key
from skypact.pact.remarks import REMARKS_MAX, Remark, Severity, remarks
from skypact.pact.statements import Change, differences
from skypact.pact.terms import (
    Acknowledgement,
    Amendment,
    Filing,
    Intermediary,
    Level,
    Notice,
    Notices,
    Readback,
    Release,
    Timers,
    Witnesses,
)
from skypact.pact.visible import Thing, may_forward, may_pass_on, released_to, visible

if TYPE_CHECKING:
    from skypact.pact.signatures import Edition, Standing, in_force, run_under, standing

__all__ = [
    "APPLIES_BY_DEFAULT",
    "PERIOD_MAX_S",
    "REMARKS_MAX",
    "RULES_MAX",
    "Acknowledgement",
    "Amendment",
    "Change",
    "Contact",
    "Draft",
    "Edition",
    "Filing",
    "Hours",
    "Intermediary",
    "Level",
    "Notice",
    "Notices",
    "Pact",
    "Party",
    "PartyKey",
    "Readback",
    "Release",
    "Remark",
    "Severity",
    "Stance",
    "Standing",
    "Thing",
    "Timers",
    "Witnesses",
    "Zone",
    "contradictions",
    "differences",
    "in_force",
    "may_forward",
    "may_pass_on",
    "parse_key",
    "place",
    "released_to",
    "remarks",
    "run_under",
    "standing",
    "visible",
]


def __getattr__(name: str) -> Any:
    """Signatures are loaded when they are named: to check flights under a pact takes no cryptography."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from skypact.pact import signatures

    found = getattr(signatures, name)
    globals()[name] = found
    return found
