"""Lists to begin with: every column of a list of sites or movements, and some rows.

Law: a template is read without a fault by :mod:`.filing_lists`, which a test insists on. It is an exercise;
every place and every number in it is invented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.formats.filing_lists import COLUMNS
from skypact.formats.filing_lists_cells import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DESK: Final[Mapping[str, str]] = {
    "contact_role": "notification desk",
    "contact_hours": "24/7",
    "contact_reach": "phone +000 0021; mail desk@office.example",
    "language": "en",
    "party": "office",
    "data_mode": "exercise",
}
_TEMPLATES: Final[Mapping[str, Sequence[Mapping[str, str]]]] = {
    "sites": (
        {
            "serial": "1",
            "name": "City hospital",
            "what": "hospital",
            "position": "37SDT6284506790",
            "radius": "150 m",
            "accuracy": "20 m",
            "from": "2026-05-04T00:00:00Z",
            "reconfirm_by": "2026-06-03T00:00:00Z",
            "verified_by": "office",
            "verified_how": "visit",
            "verified_at": "2026-05-01T09:00:00Z",
        },
        {
            "serial": "2",
            "name": "East well",
            "what": "well",
            "position": "33°31'04.0\"N 38°42'30.0\"E",
            "radius": "50 m",
            "accuracy": "20 m",
            "from": "2026-05-04T00:00:00Z",
            "reconfirm_by": "2026-06-03T00:00:00Z",
        },
    ),
    "movements": (
        {
            "serial": "3",
            "name": "Medical supplies",
            "vehicles": "3 truck (white, red cross on the roof); 1 ambulance",
            "half_width": "1 km",
            "accuracy": "50 m",
            "early": "15 min",
            "late": "30 min",
            "stop": "depot",
            "position": "33.50120, 38.61730",
            "depart": "2026-05-04T06:00:00Z",
        },
        {
            "serial": "3",
            "stop": "checkpoint",
            "position": "33.58000, 38.70000",
            "arrive": "2026-05-04T06:30:00Z",
            "depart": "2026-05-04T06:45:00Z",
        },
        {
            "serial": "3",
            "stop": "City hospital",
            "position": "33.65500, 38.79250",
            "arrive": "2026-05-04T07:30:00Z",
        },
    ),
}


def template(kind: str) -> str:
    """A list of ``sites`` or ``movements`` with every column and some rows, as CSV."""
    columns = [name for name in COLUMNS[kind] if name not in {"latitude", "longitude"}]
    rows = [columns]
    for row, given in enumerate(_TEMPLATES[kind]):
        values = {**given, **_DESK} if row == 0 or kind == "sites" else given
        rows.append([values.get(name, "") for name in columns])
    return written(rows)
