"""The engine: do these meet? Strategic, tactical and recorded; every answer with what was not decided.

The front door. ``conflicts`` asks of plans and volumes, ``encounters`` of live states, ``losses`` of recorded
tracks, ``entries`` of zones, ``inside`` of conformance, ``well_clear`` of DO-365's well clear violation; an
:class:`Index` answers the first while claims come and go. ``meetings`` joins the findings of bodies that
claim many volumes.
"""

from typing import TYPE_CHECKING, Any

from skypact.check._claims import conflicts
from skypact.check._meetings import meetings
from skypact.check._moving import encounters, losses
from skypact.check._zones import entries, inside
from skypact.check.findings import Conflict, FindingKind, Findings, Reason, Unchecked, Unobserved

if TYPE_CHECKING:
    from skypact.check._index import Index
    from skypact.check._well_clear import (
        DEFAULT_SET,
        NOT_KNOWN,
        WELL_CLEAR_SETS,
        AlertLevel,
        FlatWindows,
        Thresholds,
        WellClear,
        WellClearPair,
        WellClearTable,
        well_clear,
        well_clear_flat,
    )

__all__ = [
    "DEFAULT_SET",
    "NOT_KNOWN",
    "WELL_CLEAR_SETS",
    "AlertLevel",
    "Conflict",
    "FindingKind",
    "Findings",
    "FlatWindows",
    "Index",
    "Reason",
    "Thresholds",
    "Unchecked",
    "Unobserved",
    "WellClear",
    "WellClearPair",
    "WellClearTable",
    "conflicts",
    "encounters",
    "entries",
    "inside",
    "losses",
    "meetings",
    "well_clear",
    "well_clear_flat",
]


def __getattr__(name: str) -> Any:
    """The index and well clear are loaded when they are named: a node and most commands need neither."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from skypact.check import _index, _well_clear

    found = _index.Index if name == "Index" else getattr(_well_clear, name)
    globals()[name] = found
    return found
