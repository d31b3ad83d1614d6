"""The pact: what the parties have put in writing, as plain data, and what a careful reader would remark on.

Law: a pact records what each party says, and decides nothing between them. Recognition of a zone is per
party; there is no bare *agreed*, and the party that declares a zone is not taken to recognise it unless it
says so. The pact holds the separation rules and the zones for the engine, and no rule of its own about
distance.

Nothing here reads a file or a clock. :func:`contradictions` are what makes a pact unusable; :class:`Pact`
refuses them. :func:`remarks` are what is usable and may still not be what was meant. The text of a pact is
read in ``formats/pact_toml.py``.

Known limits: a zone is one outline. A rule's side that is neither a kind nor a defined party is taken for
the id of a thing, which no reading of the pact alone can confirm.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.separation import ANY, Proximity, Rule, Separation
from skypact.airspace.volumes import Circle, Volume4D, Volumes, Zones
from skypact.errors import InputError, PactError
from skypact.instants import EVER, FOREVER, format_instant
from skypact.units import parse_length_m

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

__all__ = [
    "Pact",
    "Party",
    "Remark",
    "Severity",
    "Stance",
    "Zone",
    "contradictions",
    "remarks",
]

RULES_MAX: Final = 1000
"""More separation rules than this are refused: nobody can read which of them holds."""
APPLIES_BY_DEFAULT: Final = (Kind.CREWED, Kind.UNCREWED, Kind.GROUND)
"""Whom a zone applies to where it does not say: everything that can enter."""
RADIUS_LARGE_M: Final = 300_000.0
"""A zone's radius beyond this is remarked on, as a likely mistake of unit."""

REMARKS_MAX: Final = 200
"""No more remarks than this are made on one pact."""

_PARTIES_CROSSED = 10
"""Up to this many parties, rules are tried for every pair of them; beyond, for kinds alone."""
_COMPARED = 200
"""Up to this many names, a word that is none of them is compared with each."""
_SHOWN = 60
_RESERVED = (ANY, *(kind.word for kind in Kind))
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
    """One remark on a pact: how much it matters, which place it is about, and what it is."""

    severity: Severity
    place: str
    text: str

    @classmethod
    def of_error(cls, error: InputError) -> Remark:
        """The remark that says what an error says."""
        whole = str(error)
        prefix = f"{error.where}: " if error.where else ""
        return cls(Severity.ERROR, error.where, whole.removeprefix(prefix))

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{self.severity.value}: {place}{self.text}"


class Stance(enum.Enum):
    """What one party says of a zone. Silence is a value of its own, and not consent."""

    RECOGNISED = "recognised"
    RESERVED = "reserved"
    REJECTED = "rejected"
    SILENT = "silent"


def place(table: str, row: int | None = None, name: str = "", key: str = "") -> str:
    """The name of a place in a pact: ``zone[0] "al-tanf-55km", circle.radius``."""
    text = table if row is None else f"{table}[{row}]"
    if name:
        text += " " + json.dumps(name[:_SHOWN], ensure_ascii=False)
    return f"{text}, {key}" if key else text


@dataclass(frozen=True, slots=True)
class Party:
    """A party to the pact: its id in files, its name for people, and a note."""

    id: str
    name: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """Airspace to which somebody has given a meaning, and what each party says of it.

    Attributes
    ----------
    id, name
        Its id in files and findings; its name for people.
    volume
        Outline, floor and ceiling, and the zone's own window (open where it has none).
    applies_to
        The kinds of thing whose entry is found.
    effect
        What entry means, in the words of who declared it. Shown, never interpreted.
    declared_by
        Who declared it; "" where nobody is named.
    recognised_by, reserved_by, rejected_by
        Parties that recognise it, that have reserved their position, that do not recognise it.
    note
        For people.
    """

    id: str
    volume: Volume4D
    applies_to: tuple[Kind, ...] = APPLIES_BY_DEFAULT
    effect: str = ""
    declared_by: str = ""
    recognised_by: tuple[str, ...] = ()
    reserved_by: tuple[str, ...] = ()
    rejected_by: tuple[str, ...] = ()
    name: str = ""
    note: str = ""

    def stance(self, party: str) -> Stance:
        """What ``party`` says of the zone; silence where no list has it, even if it declared the zone."""
        for stance, names in (
            (Stance.RECOGNISED, self.recognised_by),
            (Stance.RESERVED, self.reserved_by),
            (Stance.REJECTED, self.rejected_by),
        ):
            if party in names:
                return stance
        return Stance.SILENT

    @property
    def standing(self) -> str:
        """Who declared it and what each party says of it, in one line for people."""
        parts = [f"declared by {self.declared_by}" if self.declared_by else "declared by nobody named"]
        parts += [
            f"{word} {', '.join(names)}"
            for word, names in (
                ("recognised by", self.recognised_by),
                ("position reserved by", self.reserved_by),
                ("rejected by", self.rejected_by),
            )
            if names
        ]
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Pact:
    """An agreement between parties that share a sky and no commander.

    Attributes
    ----------
    id, title, note
        Its id, its title, and a note for people.
    data_mode
        Whether it is about the world, an exercise, a simulation or a test; what is checked under it has that
        mode.
    effective_us, until_us
        When it is in force, half-open, microseconds since 1970 UTC; EVER and FOREVER where open.
    parties
        Who has a say in it.
    separation
        The separation rules, first match first, with the agreed proximities.
    zones
        The zones, in the order of the text.

    Raises
    ------
    PactError
        It contradicts itself (:func:`contradictions`); the first contradiction is named.
    """

    id: str
    title: str = ""
    data_mode: DataMode = DataMode.REAL
    effective_us: int = EVER
    until_us: int = FOREVER
    parties: tuple[Party, ...] = ()
    separation: Separation = field(default_factory=lambda: Separation(()))
    zones: tuple[Zone, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for error in contradictions(
            self.parties,
            self.separation.rules,
            self.separation.proximities,
            self.zones,
            effective_us=self.effective_us,
            until_us=self.until_us,
        ):
            raise error

    def in_force(self, at_us: int) -> bool:
        """Whether the pact is in force at an instant (microseconds since 1970 UTC)."""
        return self.effective_us <= at_us < self.until_us

    def party(self, party_id: str) -> Party | None:
        """The party of that id; None if the pact defines none."""
        return next((party for party in self.parties if party.id == party_id), None)

    def zone(self, zone_id: str) -> Zone | None:
        """The zone of that id; None if the pact has none."""
        return next((zone for zone in self.zones if zone.id == zone_id), None)

    def zones_in_force(self, *, source: str = "") -> Zones | None:
        """The zones in columns for the engine, each for as long as both it and the pact are in force.

        Row ids are zone ids, the party is who declared the zone, the kind is static, the data mode is the
        pact's. A zone that is in force at no time is left out. Recognition plays no part: a zone that one
        party rejects is still a zone to the other.

        Parameters
        ----------
        source
            Where the pact came from, for the labels; its id by default.

        Returns
        -------
        Zones | None
            None where no zone is ever in force.

        Raises
        ------
        GeometryError
            A zone was made in code from an outline or altitudes that are not ones.
        """
        rows: list[tuple[int, Zone, Volume4D]] = []
        for row, zone in enumerate(self.zones):
            start = max(zone.volume.start_us, self.effective_us)
            end = min(zone.volume.end_us, self.until_us)
            if start < end:
                rows.append((row, zone, replace(zone.volume, start_us=start, end_us=end)))
        if not rows:
            return None
        labels = Labels.of(
            [zone.id for _, zone, _ in rows],
            party=[zone.declared_by for _, zone, _ in rows],
            kind=Kind.STATIC,
            source=source or self.id,
            data_mode=self.data_mode,
        )
        return Zones.of(
            Volumes.of(
                labels,
                [volume for _, _, volume in rows],
                where=[place("zone", row, zone.id) for row, zone, _ in rows],
            ),
            applies_to=[zone.applies_to for _, zone, _ in rows],
            effect=[zone.effect for _, zone, _ in rows],
        )


# -- what makes a pact unusable ---------------------------------------------------------------------------


def contradictions(
    parties: Sequence[Party | None],
    rules: Sequence[Rule | None],
    proximities: Sequence[Proximity | None],
    zones: Sequence[Zone | None],
    *,
    effective_us: int = EVER,
    until_us: int = FOREVER,
) -> list[PactError]:
    """Everything in which a pact contradicts itself, in the order of its text.

    ``None`` stands for an entry that could not be read, so that the places of the others stay right.
    """
    found: list[PactError] = []
    if until_us <= effective_us:
        found.append(
            PactError(
                "the pact ends before it begins",
                where=place("pact", key="until"),
                found=format_instant(until_us),
                expected=f"after {format_instant(effective_us)}",
            )
        )
    found += _same_ids("party", parties)
    for row, party in enumerate(parties):
        if party is not None and party.id in _RESERVED:
            found.append(
                PactError(
                    "a party cannot have the name of a kind",
                    where=place("party", row, party.id, "id"),
                    found=party.id,
                    expected=f"an id other than {', '.join(_RESERVED)}",
                )
            )
    found += _of_separation(rules, proximities)
    found += _same_ids("zone", zones)
    for row, zone in enumerate(zones):
        if zone is not None:
            found += _of_zone(row, zone)
    return found


def _same_ids(table: str, entries: Sequence[Party | Zone | None]) -> list[PactError]:
    found = []
    first: dict[str, int] = {}
    for row, entry in enumerate(entries):
        if entry is None:
            continue
        if not entry.id:
            found.append(PactError("an id is needed", where=place(table, row, key="id"), found=entry.id))
        elif first.setdefault(entry.id, row) != row:
            found.append(
                PactError(
                    f"this id is taken by {table}[{first[entry.id]}]",
                    where=place(table, row, entry.id, "id"),
                    found=entry.id,
                    expected="an id of its own",
                )
            )
    return found


def _of_separation(rules: Sequence[Rule | None], proximities: Sequence[Proximity | None]) -> list[PactError]:
    found = []
    if len(rules) > RULES_MAX:
        found.append(
            PactError(
                "too many separation rules",
                where="separation",
                found=f"{len(rules)} rules",
                expected=f"at most {RULES_MAX}",
            )
        )
    found += [
        PactError("a side without a name", where=place("separation", row, rule.name, "between"))
        for row, rule in enumerate(rules)
        if rule is not None and not all(rule.between)
    ]
    for row, proximity in enumerate(proximities):
        if proximity is None:
            continue
        one, two = proximity.between
        where = place("proximity", row, key="between")
        if one == two:
            found.append(
                PactError("a thing is never near itself", where=where, found=one, expected="two ids")
            )
        found += [
            PactError("agreed proximity is between two things", where=where, found=side, expected="an id")
            for side in dict.fromkeys((one, two))
            if not side or side in _RESERVED
        ]
    return found


def _of_zone(row: int, zone: Zone) -> list[PactError]:
    found = []
    volume = zone.volume
    if volume.end_us <= volume.start_us:
        found.append(
            PactError(
                "the zone ends before it begins",
                where=place("zone", row, zone.id, "until"),
                found=format_instant(volume.end_us),
                expected=f"after {format_instant(volume.start_us)}",
            )
        )
    if not zone.applies_to:
        found.append(
            PactError(
                "a zone that applies to nothing",
                where=place("zone", row, zone.id, "applies_to"),
                expected="at least one kind",
            )
        )
    stances = (
        ("recognised_by", zone.recognised_by),
        ("reserved_by", zone.reserved_by),
        ("rejected_by", zone.rejected_by),
    )
    said: dict[str, str] = {}
    for key, names in stances:
        found += [
            PactError(
                f"one party with two positions: it is in {said[name]} too",
                where=place("zone", row, zone.id, key),
                found=name,
                expected="each party in one list",
            )
            for name in names
            if said.setdefault(name, key) != key
        ]
    if zone.declared_by and zone.declared_by in zone.rejected_by:
        found.append(
            PactError(
                "a party cannot declare a zone and reject it",
                where=place("zone", row, zone.id, "rejected_by"),
                found=zone.declared_by,
            )
        )
    return found


# -- what a careful reader would remark on ----------------------------------------------------------------


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
            if side not in _RESERVED and side not in parties:
                meant = _OTHER_WORDS.get(side.lower()) or _close(side, [*_RESERVED, *parties])
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
