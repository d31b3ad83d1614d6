"""One filing held against all that its receiver may see; pure, and run beside the loop.

Law: every two things that could meet are put to the engine once, as ``skypact notify check`` does, and **what
was not held against it is named**: a filing of which only a notice came, bytes that cannot be read, pairs
that no rule covers. A check decides nothing and stops nothing. No conflict found is not clear.

| the filing | against | question |
|---|---|---|
| any | filings that hold, of classes that ``NOT_ASKED`` does not name | conflicts |
| no zone | zones that filings declare, zones of the pact | conflicts |
| no zone | this party's own flights | conflicts |
| a zone | this party's own flights | conflicts |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact import __version__
from skypact.airspace.volumes import Zones
from skypact.formats.report import PLANNED, Answer, Report
from skypact.notify.claimed import asked, volumes_of, zones_of
from skypact.notify.notice import lead
from skypact.notify.remarks import remarks
from skypact.pact import Filing as FilingClass
from skypact.store.node import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skypact.airspace.volumes import Volumes
    from skypact.check.findings import Findings
    from skypact.notify.filing import Filing
    from skypact.pact import Pact

MEETS_MAX: Final = 1_000
"""Findings that are kept of one check, the most urgent first; ``found`` counts all of them."""
MEANING: Final = "Acknowledged is not agreed. Not listed is not unprotected. No conflict found is not clear."
"""The sentence that every answer about filings ends with."""
_DEGREE_M: Final = 110_000.0
"""Metres in a degree of latitude, at least."""


@dataclass(frozen=True, slots=True)
class Against:
    """What there is to hold a filing against.

    Attributes
    ----------
    pact
        For the minima, the zones and the notice periods.
    others
        Filings that hold, of the same data mode, that this party may see.
    flights
        This party's own flights, one body each.
    not_read
        References of filings that hold and of which nothing can be read.
    """

    pact: Pact
    others: Sequence[Filing] = ()
    flights: Sequence[Volumes] = ()
    not_read: Sequence[str] = ()


def reach(box: Box, pact: Pact) -> Box:
    """A box that whatever could be too close to something in ``box`` meets: larger by the largest minimum."""
    most_m = max((rule.minima.horizontal_m for rule in pact.separation.rules), default=0.0)
    lat = most_m / _DEGREE_M
    south, north = max(-90.0, box.south - lat), min(90.0, box.north + lat)
    narrow = math.cos(math.radians(max(abs(south), abs(north))))
    lng = lat / narrow if lat < 180.0 * narrow else 180.0
    if box.east - box.west + 2.0 * lng >= 360.0:
        return Box(south, north, -180.0, 180.0)
    west, east = box.west - lng, box.east + lng
    turn = 360.0 if west < -180.0 else 0.0
    return Box(south, north, west + turn, east + turn)


def findings_of(filing: Filing, against: Against, filed_us: int) -> tuple[int, dict[str, Any]]:
    """How many conflicts there are, and everything that a check says, ready to be written as JSON.

    Raises
    ------
    GeometryError
        What it claims is no shape; whoever filed it would have been refused.
    """
    pact = against.pact
    answers = list(_answers(filing, against))
    report = Report(__version__, filing.data_mode.value, (), answers, {}, pact)
    meets = [row for _, row in zip(range(MEETS_MAX), report.records(), strict=False)]
    when = lead(filing, pact.notices, filed_us)
    found: dict[str, Any] = {
        "notice": when.text,
        "late_us": when.late_us,
        "remarks": [
            {"severity": remark.severity.value, "place": remark.place, "text": remark.text}
            for remark in remarks([filing], filed_us=filed_us, pact=pact)
        ],
        "against": {
            "filings": len(against.others),
            "flights": len(against.flights),
            "zones": sum(len(answer.effect or ()) for answer in answers),
        },
        "found": report.found,
        "agreed": report.agreed,
        "meets": meets,
        "unchecked": [row for _, row in zip(range(MEETS_MAX), report.unchecked_records(), strict=False)],
        "not_read": list(against.not_read),
        "meaning": MEANING,
    }
    return report.found, found


def _answers(filing: Filing, against: Against) -> Iterator[Answer]:
    own = zones_of([filing]) if filing.filing is FilingClass.ZONE else volumes_of([filing])
    for of in FilingClass:
        theirs = [other for other in against.others if other.filing is of]
        if not theirs or not asked(filing.filing, of):
            continue
        question = f"{filing.filing.value} against filings: {of.value}"
        yield _meeting(
            question, own, zones_of(theirs) if of is FilingClass.ZONE else volumes_of(theirs), against
        )
    zones = against.pact.zones_in_force()
    if not isinstance(own, Zones) and zones is not None:
        yield _meeting(f"{filing.filing.value} against zones of the pact", own, zones, against)
    for flight in against.flights:
        yield _meeting(f"{filing.filing.value} against own flights", own, flight, against)


def _meeting(question: str, a: Volumes | Zones, b: Volumes | Zones, against: Against) -> Answer:
    from skypact import check

    if isinstance(a, Zones):
        assert not isinstance(b, Zones)  # noqa: S101 -- two zones are not asked about
        a, b = b, a
    if isinstance(b, Zones):
        return _answer(question, check.meetings(check.conflicts(a, b)), against, b)
    separation = against.pact.separation
    return _answer(question, check.meetings(check.conflicts(a, b, separation=separation)), against, None)


def _answer(question: str, findings: Findings, against: Against, zones: Zones | None) -> Answer:
    """The engine's findings with the minima of each rule; its own rule, touching, has none."""
    named = {rule.name: rule.minima for rule in against.pact.separation.rules}
    own = [named.get(name) for name in findings.rules]
    return Answer(
        question,
        PLANNED,
        findings,
        np.array([0.0 if minima is None else minima.horizontal_m for minima in own]),
        np.array([0.0 if minima is None else minima.vertical_m for minima in own]),
        None if zones is None else zones.effect,
        None if zones is None else [""] * len(zones),
    )
