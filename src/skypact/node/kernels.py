"""The kernels that a node's decisions run on, tried once before it says that it is ready.

Law: every kernel that the check of volumes calls is compiled, or loaded from its cache, here, by the same
calls that a decision makes, and the answers are looked at: a kernel that answers wrongly is worse than
none.
"""

from __future__ import annotations

from typing import Final

from skypact import check
from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.separation import Minima, Separation
from skypact.airspace.volumes import Circle, Polygon, Volume4D, Volumes
from skypact.errors import SkypactError

_LAT: Final = 34.0
_LNG: Final = 38.0


def warm() -> None:
    """Ask whether four volumes meet, circles and polygons, near and far, and look at the answer.

    Raises
    ------
    SkypactError
        The answer is wrong.
    """
    outlines = (
        Circle(_LAT, _LNG, 500.0),
        Circle(_LAT + 1.0, _LNG, 500.0),
        Polygon(((_LAT - 0.01, _LNG - 0.01), (_LAT - 0.01, _LNG + 0.01), (_LAT + 0.01, _LNG))),
        Polygon(((_LAT + 2.0, _LNG), (_LAT + 2.0, _LNG + 0.01), (_LAT + 2.01, _LNG))),
    )
    low, high = (Altitude(value_m, AltitudeReference.W84) for value_m in (100.0, 200.0))
    ids = [f"warm-{at}" for at in range(len(outlines))]
    volumes = Volumes.of(
        Labels.of(ids, party=ids, kind=Kind.UNCREWED, data_mode=DataMode.TEST),
        [Volume4D(outline, low, high, 0, 1_000_000) for outline in outlines],
    )
    found = {(row.a, row.b) for row in check.conflicts(volumes)}
    if found != {(0, 2)}:
        raise SkypactError(f"the kernels find {sorted(found)} where 0 and 2 meet and nothing else")
    near = check.conflicts(volumes, volumes, separation=Separation.uniform(Minima(50.0, 30.0)))
    if {(row.a, row.b) for row in near} - {(0, 2), (2, 0)}:
        raise SkypactError("the kernels find volumes near that are far from each other")
    volumes.areas_m2()
