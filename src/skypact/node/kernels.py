"""The kernels that a node's decisions run on, tried once before it says that it is ready.

Law: every kernel that a decision runs is compiled, or loaded from its cache, here, by the same calls that the
decision makes: of the discovery service (volumes, boxes, areas), of planning (one volume and many, circles
and polygons, one other and many, what two share) and of the conformance monitor (positions inside, outside,
without an altitude, without volumes in force). The answers are looked at: a kernel that answers wrongly is
worse than none.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact import check
from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.boxes import boxes
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.overlap import shared
from skypact.airspace.separation import Minima, Separation
from skypact.airspace.volumes import Circle, Polygon, Volume4D, Volumes
from skypact.errors import SkypactError
from skypact.exchange.conformance import Limits, Sighting, judge, reach
from skypact.instants import EVER, FOREVER

if TYPE_CHECKING:
    from collections.abc import Sequence

_LAT: Final = 34.0
_LNG: Final = 38.0
_END_US: Final = 1_000_000
_NEAR: Final = Separation.uniform(Minima(50.0, 30.0))

_CIRCLE: Final = Circle(_LAT, _LNG, 500.0)
_AREA: Final = Polygon(((_LAT - 0.01, _LNG - 0.01), (_LAT - 0.01, _LNG + 0.01), (_LAT + 0.01, _LNG)))
_LARGE: Final = Polygon(((_LAT - 0.5, _LNG - 0.5), (_LAT - 0.5, _LNG + 0.5), (_LAT + 0.5, _LNG)))
_FAR: Final = (
    Circle(_LAT + 1.0, _LNG, 500.0),
    Polygon(((_LAT + 2.0, _LNG), (_LAT + 2.0, _LNG + 0.01), (_LAT + 2.01, _LNG))),
)


def warm() -> None:
    """Make the calls that decisions make, and look at the answers.

    Raises
    ------
    SkypactError
        An answer is wrong.
    """
    _volumes()
    _planning()
    _conformance()


def _of(
    outlines: Sequence[Circle | Polygon],
    *,
    ids: str | Sequence[str] = "ours",
    start_us: int = 0,
    end_us: int = _END_US,
    banded: bool = True,
) -> Volumes:
    """Volumes as they are made of what a message says: all of one thing, of one party, or each of its own."""
    low, high = (Altitude(value_m, AltitudeReference.W84) for value_m in (100.0, 200.0))
    return Volumes.of(
        Labels.of(
            [ids] * len(outlines) if isinstance(ids, str) else ids,
            party=ids,
            kind=Kind.UNCREWED,
            data_mode=DataMode.TEST,
        ),
        [
            Volume4D(outline, low if banded else None, high if banded else None, start_us, end_us)
            for outline in outlines
        ],
        where=[f"$[{at}]" for at in range(len(outlines))],
    )


def _volumes() -> None:
    """What the discovery service asks of volumes."""
    outlines = (_CIRCLE, _FAR[0], _AREA, _FAR[1])
    volumes = _of(outlines, ids=[f"warm-{at}" for at in range(len(outlines))])
    found = {(row.a, row.b) for row in check.conflicts(volumes)}
    if found != {(0, 2)}:
        raise SkypactError(f"the kernels find {sorted(found)} where 0 and 2 meet and nothing else")
    near = check.conflicts(volumes, volumes, separation=_NEAR)
    if {(row.a, row.b) for row in near} - {(0, 2), (2, 0)}:
        raise SkypactError("the kernels find volumes near that are far from each other")
    for one in ([_CIRCLE], [_AREA], [_LARGE], outlines):
        asked = _of(one)
        if len(boxes(asked)) != len(one) or not asked.areas_m2().all():
            raise SkypactError("the kernels find no area where there is one")
    open_ended = _of([_AREA], start_us=EVER, end_us=FOREVER, banded=False)
    boxes(open_ended)
    open_ended.areas_m2()


def _planning() -> None:
    """What planning asks: which of others are met, and by how much."""
    sets: tuple[list[Circle | Polygon], ...] = ([_CIRCLE], [_AREA], [_LARGE], [_AREA, _CIRCLE, *_FAR])
    far = _of(_FAR, ids="far")
    for one, other in product(sets, sets):
        ours, theirs = _of(one), _of(other, ids="theirs")
        for separation in (None, _NEAR):
            asked = (
                check.conflicts(ours, theirs, separation=separation),
                check.conflicts(ours, [theirs], separation=separation),
                check.conflicts(ours, [theirs, far, theirs.take(np.arange(1))], separation=separation),
            )
            if not all(len(found) for found in asked):
                raise SkypactError("the kernels find nothing where volumes meet")
        if shared(ours, theirs).space_m3 <= 0.0:
            raise SkypactError("the kernels find that volumes share nothing where they meet")
    if len(check.conflicts(_of([_AREA]), far)) or shared(_of([_AREA]), far).space_m3:
        raise SkypactError("the kernels find that volumes meet that are far from each other")
    open_ended = _of([_AREA], ids="theirs", start_us=EVER, end_us=FOREVER, banded=False)
    check.conflicts(_of([_CIRCLE]), [open_ended])
    shared(_of([_CIRCLE]), open_ended)


def _conformance() -> None:
    """What the monitor asks: whether positions are inside, and where an aircraft may be."""
    inside = Sighting(10, _LAT, _LNG, 150.0)
    seen = [inside, Sighting(20, _LAT + 0.1, _LNG, 150.0), Sighting(30, _LAT, _LNG, None)]
    late = Sighting(_END_US + 1, _LAT, _LNG, 150.0)
    sets: tuple[list[Circle | Polygon], ...] = ([_CIRCLE], [_AREA], [_AREA, _CIRCLE], [_LARGE])
    for outlines in sets:
        volumes = _of(outlines)
        judged = [judge([one], volumes)[0].inside for one in (inside, late)]
        judged += [one.inside for one in judge([*seen, late], volumes)]
        wanted = [True, False, True, outlines == [_LARGE], None, False]
        if judged != wanted:
            raise SkypactError(f"the kernels judge positions {judged} where {wanted} is right")
    off = Volumes.of(
        Labels.of(["warm"] * Limits().slices, party="warm", kind=Kind.UNCREWED, data_mode=DataMode.TEST),
        reach(inside, 10, Limits()),
    )
    if judge([inside], off)[0].inside is not True:
        raise SkypactError("the kernels find an aircraft outside of where it may be")
