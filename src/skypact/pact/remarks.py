"""What a careful reader would remark on in a pact that can be used.

Law: a remark decides nothing. A warning is what the pact probably does not mean to say; a note is a fact to
know. The present enters as an argument, and only a pact about the real world is held against it.

Known limits: a rule's side that is neither a kind nor a defined party is taken for the id of a thing, which
no reading of the pact alone can confirm. A rule that several earlier ones hide together is not remarked on.
"""

from __future__ import annotations

import enum
import math
import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import DataMode, Labels
from skypact.airspace.separation import ANY
from skypact.airspace.volumes import Circle
from skypact.instants import EVER, FOREVER, format_instant
from skypact.pact.agreement import APPLIES_BY_DEFAULT
from skypact.pact.contradictions import RESERVED, place
from skypact.pact.hours import uncovered
from skypact.pact.terms import stated
from skypact.units import parse_length_m

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from skypact.errors import InputError
    from skypact.pact.agreement import Pact, Zone
    from skypact.pact.terms import Filing

RADIUS_LARGE_M: Final = 300_000.0
"""A zone's radius beyond this is remarked on, as a likely mistake of unit."""

REMARKS_MAX: Final = 200
"""No more remarks than this are made on one pact."""

_PARTIES_CROSSED = 10
"""Up to this many parties, rules are tried for every pair of them; beyond, for kinds alone."""
_COMPARED = 200
"""Up to this many names, a word that is none of them is compared with each."""
_SHOWN = 60
_OTHER_WORDS = {
    "manned": "crewed",
    "piloted": "crewed",
    "aircraft": "crewed",
    "unmanned": "uncrewed",
    "unpiloted": "uncrewed",
    "drone": "uncrewed",
    "uas": "uncrewed",
    "uav": "uncrewed",
    "rpas": "uncrewed",
    "vehicle": "ground",
    "convoy": "ground",
    "column": "ground",
    "all": "any",
    "*": "any",
}
_WIDTH = re.compile(
    r"(\d+(?:[.]\d+)?)[ -]?(km|nm|nmi|mi|mile|miles)[ -](?:wide|across|in diameter|diameter)", re.ASCII
)


class Severity(enum.Enum):
    """How much a remark matters."""

    ERROR = "error"
    """The pact cannot be used."""
    WARNING = "warning"
    """It can be used, and probably does not say what was meant."""
    NOTE = "note"
    """A fact that a reader should know."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark on a pact: how much it matters, which place it is about, what it is; its line if known."""

    severity: Severity
    place: str
    text: str
    line: int = 0

    @classmethod
    def of_error(cls, error: InputError) -> Remark:
        """The remark that says what an error says."""
        whole = str(error)
        prefix = f"{error.where}: " if error.where else ""
        return cls(Severity.ERROR, error.where, whole.removeprefix(prefix))

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{self.severity.value}: {place}{self.text}"


def remarks(pact: Pact, *, now_us: int | None = None) -> list[Remark]:
    """Warnings and notes on a pact that can be used, in the order of its text.

    Parameters
    ----------
    pact
        The pact.
    now_us
        The present, microseconds since 1970 UTC. Where given, a pact about the real world is also held
        against it; a simulated day in the past is not expired.
    """
    now = now_us if pact.data_mode is DataMode.REAL else None
    defined = {party.id for party in pact.parties}
    said = chain(
        _on_the_pact(pact, now),
        _on_rules(pact),
        _on_proximities(pact, now),
        (remark for row, zone in enumerate(pact.zones) for remark in _on_zone(pact, defined, row, zone)),
        *(_on_party(pact, row, now) for row in range(len(pact.parties))),
        _on_languages(pact),
        _on_terms(pact),
        _on_releases(pact),
    )
    found = list(islice(said, REMARKS_MAX + 1))
    if len(found) > REMARKS_MAX:
        found[-1] = _warning("", f"there is more to remark than these {REMARKS_MAX}")
    return found


def _warning(where: str, text: str) -> Remark:
    return Remark(Severity.WARNING, where, text)


def _close(word: str, known: Collection[str]) -> str | None:
    if len(known) > _COMPARED:
        return None
    matches = get_close_matches(word[:_SHOWN], known, 1, 0.75)
    return matches[0] if matches else None


def _on_the_pact(pact: Pact, now: int | None) -> list[Remark]:
    found = []
    if pact.effective_us == EVER:
        found.append(
            _warning(place("pact"), "has no effective date, so it is taken to have been in force since ever")
        )
    elif now is not None and now < pact.effective_us:
        found.append(
            _warning(
                place("pact", key="effective"), f"not in force before {format_instant(pact.effective_us)}"
            )
        )
    if now is not None and pact.until_us <= now:
        found.append(_warning(place("pact", key="until"), f"expired on {format_instant(pact.until_us)}"))
    if not pact.parties:
        found.append(_warning("party", "no party is defined"))
    return found


def _on_rules(pact: Pact) -> list[Remark]:
    rules = pact.separation.rules
    found = []
    seen: dict[frozenset[str], int] = {}
    names: dict[str, int] = {}
    parties = {party.id for party in pact.parties}
    for row, rule in enumerate(rules):
        where = place("separation", row, rule.name)
        one, two = rule.between
        wider = [frozenset((x, y)) for x in (one, ANY) for y in (two, ANY)]
        earlier = min((seen[pair] for pair in wider if pair in seen), default=None)
        if earlier is not None:
            found.append(
                _warning(
                    where,
                    f"never holds: separation[{earlier}] comes first and fits every pair that this one fits",
                )
            )
        seen.setdefault(frozenset((one, two)), row)
        if names.setdefault(rule.name, row) != row:
            found.append(
                _warning(
                    where, f"has the name of separation[{names[rule.name]}]; findings cannot tell them apart"
                )
            )
        minima = rule.minima
        if minima.horizontal_m == 0.0 or minima.vertical_m == 0.0:
            found.append(_warning(where, "a minimum of 0: nothing is ever inside it"))
        elif minima.vertical_m > minima.horizontal_m:
            found.append(
                _warning(where, "the vertical minimum is larger than the horizontal one; are they swapped?")
            )
        for side in dict.fromkeys(rule.between):
            if side not in RESERVED and side not in parties:
                meant = _OTHER_WORDS.get(side.lower()) or _close(side, [*RESERVED, *parties])
                if meant is not None:
                    found.append(
                        _warning(
                            place("separation", row, rule.name, "between"),
                            f"{side[:_SHOWN]!r} is neither a kind nor a party, so it is the id of one thing; "
                            f"did you mean {meant!r}?",
                        )
                    )
    return found + _on_what_no_rule_covers(pact)


def _on_what_no_rule_covers(pact: Pact) -> list[Remark]:
    if not pact.separation.rules:
        return [_warning("separation", "there is no rule: every pair is listed as unchecked")]
    names = [party.id for party in pact.parties] if len(pact.parties) <= _PARTIES_CROSSED else []
    names = names or [""]
    kinds = APPLIES_BY_DEFAULT
    labels = Labels.of(
        [""] * (len(kinds) * len(names)),
        party=[name for _ in kinds for name in names],
        kind=[kind for kind in kinds for _ in names],
    )
    matrix = pact.separation.resolve(labels)
    missing = []
    for i, one in enumerate(kinds):
        for j, two in enumerate(kinds[i:], i):
            pairs = [(p, q) for p in range(len(names)) for q in range(p if i == j else 0, len(names))]
            bare = [
                (p, q)
                for p, q in pairs
                if matrix.rule[matrix.klass[i * len(names) + p], matrix.klass[j * len(names) + q]] < 0
            ]
            if len(bare) == len(pairs):
                missing.append(f"{one.word}/{two.word}")
            elif bare:
                shown = [f"{one.word} of {names[p]} / {two.word} of {names[q]}" for p, q in bare[:3]]
                more = len(bare) - len(shown)
                missing.append(", ".join(shown) + (f" and {more} more" if more else ""))
    if not missing:
        return []
    return [
        _warning(
            "separation",
            f"no rule covers {', '.join(missing)}; such pairs are listed as unchecked, never checked",
        )
    ]


def _on_proximities(pact: Pact, now: int | None) -> list[Remark]:
    parties = {party.id for party in pact.parties}
    found = []
    for row, proximity in enumerate(pact.separation.proximities):
        where = place("proximity", row, key="until")
        if proximity.until_us == FOREVER:
            found.append(_warning(where, "agreed proximity without an expiry; it holds for ever"))
        elif proximity.until_us <= pact.effective_us:
            found.append(_warning(where, "expires before the pact is in force, so it never holds"))
        elif now is not None and proximity.until_us <= now:
            found.append(_warning(where, f"expired on {format_instant(proximity.until_us)}"))
        found += [
            _warning(
                place("proximity", row, key="between"),
                f"{side[:_SHOWN]!r} is a party; agreed proximity is between two things, by their ids",
            )
            for side in proximity.between
            if side in parties
        ]
    return found


def _on_zone(pact: Pact, defined: Collection[str], row: int, zone: Zone) -> Iterator[Remark]:
    volume = zone.volume
    if volume.end_us <= pact.effective_us or pact.until_us <= volume.start_us:
        yield _warning(
            place("zone", row, zone.id), "is never in force: its window and the pact's do not meet"
        )
    for key, altitude in (("floor", volume.lower), ("ceiling", volume.upper)):
        if altitude is not None and altitude.reference is AltitudeReference.AGL and altitude.metres != 0.0:
            yield _warning(
                place("zone", row, zone.id, key),
                "is above ground: without terrain heights, what is near it cannot be decided",
            )
    if isinstance(volume.outline, Circle):
        yield from _on_circle(row, zone, volume.outline)
    yield from _on_recognition(defined, row, zone)


def _on_circle(row: int, zone: Zone, circle: Circle) -> Iterator[Remark]:
    where = place("zone", row, zone.id, "circle.radius")
    if circle.radius_m > RADIUS_LARGE_M:
        yield _warning(where, f"{circle.radius_m / 1000:g} km is large; is the unit right?")
    for text in (zone.id, zone.name, zone.effect, zone.note):
        match = _WIDTH.search(text.lower())
        if match is not None:
            unit = "mi" if match[2].startswith("mi") else match[2]
            if math.isclose(parse_length_m(match[1] + unit), circle.radius_m, rel_tol=0.02):
                across = f"{2 * circle.radius_m / 1000:g} km"
                yield _warning(where, f"the text says {match[0]!r}; this radius makes it {across} wide")
                break


def _on_recognition(defined: Collection[str], row: int, zone: Zone) -> Iterator[Remark]:
    where = place("zone", row, zone.id)
    if not zone.declared_by:
        yield _warning(where, "nobody is named as declaring it (declared_by)")
    if not zone.recognised_by:
        yield Remark(Severity.NOTE, where, "is recognised by no party")
    elif set(zone.recognised_by) == {zone.declared_by}:
        yield Remark(Severity.NOTE, where, f"is recognised by its declarer alone ({zone.declared_by})")
    if not zone.effect:
        yield _warning(where, "does not say what entry means (effect)")
    for key, names in (
        ("declared_by", (zone.declared_by,) if zone.declared_by else ()),
        ("recognised_by", zone.recognised_by),
        ("reserved_by", zone.reserved_by),
        ("rejected_by", zone.rejected_by),
    ):
        for name, count in Counter(names).items():
            if name not in defined:
                meant = _close(name, defined)
                hint = f"; did you mean {meant!r}?" if meant is not None else ""
                yield _warning(
                    place("zone", row, zone.id, key),
                    f"{name[:_SHOWN]!r} is not a party of this pact{hint}",
                )
            if count > 1:
                yield _warning(place("zone", row, zone.id, key), f"names {name[:_SHOWN]!r} {count} times")


# -- on the terms -----------------------------------------------------------------------------------------


def _on_party(pact: Pact, row: int, now: int | None) -> Iterator[Remark]:
    party = pact.parties[row]
    where = place("party", row, party.id)
    if pact.data_mode is DataMode.REAL:
        if not party.keys:
            yield _warning(where, "has no key, so it cannot sign this pact, nor any message")
        if not party.contacts:
            yield _warning(where, "has no contact, so nobody is rung when a receipt does not come")
    idle = [key.idle(now) for key in party.keys] if now is not None else [""]
    if party.keys and all(idle):
        yield _warning(where, f"has no key that signs now: {idle[-1]}")
    gap = uncovered(hours for contact in party.contacts for hours in contact.hours)
    if party.contacts and gap:
        yield _warning(where, f"is reached by nobody on {gap}; no contact has those hours")


def _on_languages(pact: Pact) -> Iterator[Remark]:
    spoken = [(party.id, {tag.split("-")[0] for tag in party.languages}) for party in pact.parties]
    for at, (one, first) in enumerate(spoken[:_PARTIES_CROSSED]):
        for two, second in spoken[at + 1 : _PARTIES_CROSSED]:
            if first and second and not first & second:
                yield Remark(Severity.NOTE, "party", f"{one} and {two} read no language in common")


def _on_terms(pact: Pact) -> Iterator[Remark]:
    timers = pact.timers
    for key, value, longer_key, longer in (
        ("receipt", timers.receipt_s, "phone", timers.phone_s),
        ("stop_receipt", timers.stop_receipt_s, "receipt", timers.receipt_s),
        ("urgent_query", timers.urgent_query_s, "query", timers.query_s),
    ):
        if value > longer:
            yield _warning(place("timers", key=key), f"is longer than {longer_key}; are they swapped?")
    for name, notice in stated(pact.notices):
        if (notice.emergency_s or 0.0) > (math.inf if notice.normal_s is None else notice.normal_s):
            where = place("notice", key=f"{name}.emergency")
            yield _warning(where, "an emergency is to be notified earlier than the normal case; swapped?")


def _on_releases(pact: Pact) -> Iterator[Remark]:
    taken: dict[tuple[str, Filing], int] = {}
    for row, rule in enumerate(pact.releases):
        earlier = [
            min(taken.get((rule.of, filing), row), taken.get((ANY, filing), row)) for filing in rule.filings
        ]
        if max(earlier) < row:
            yield _warning(
                place("release", row),
                f"never holds: release[{min(earlier)}] comes first and fits what this one fits",
            )
        for filing in rule.filings:
            taken.setdefault((rule.of, filing), row)
