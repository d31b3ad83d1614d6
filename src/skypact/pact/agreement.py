"""The agreement itself: parties, zones and terms, as one value that cannot contradict itself.

Law: a pact records what each party says, and decides nothing between them. Recognition of a zone is per
party; there is no bare *agreed*, and the party that declares a zone is not taken to recognise it unless it
says so. The pact holds the separation rules and the zones for the engine, and no rule of its own about
distance.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.separation import Separation
from skypact.airspace.volumes import Volume4D, Volumes, Zones
from skypact.instants import EVER, FOREVER
from skypact.pact.contradictions import Draft, contradictions, place
from skypact.pact.terms import (
    Acknowledgement,
    Amendment,
    Intermediary,
    Notices,
    Readback,
    Release,
    Timers,
    Witnesses,
)

if TYPE_CHECKING:
    from skypact.pact.hours import Hours
    from skypact.pact.keys import PartyKey

APPLIES_BY_DEFAULT: Final = (Kind.CREWED, Kind.UNCREWED, Kind.GROUND)
"""Whom a zone applies to where it does not say: everything that can enter."""


class Stance(enum.Enum):
    """What one party says of a zone. Silence is a value of its own, and not consent."""

    RECOGNISED = "recognised"
    RESERVED = "reserved"
    REJECTED = "rejected"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Contact:
    """Who is reached, by the post and its hours. A person may be named beside the post, never instead of it.

    Attributes
    ----------
    role
        The post: ``duty officer``.
    hours
        When it is manned.
    reach
        How, in the order in which it is tried: ``phone +000 0000``, ``radio 123.450 MHz``.
    languages
        What is spoken there; where it is empty, what the party speaks.
    person, note
        For people.
    """

    role: str
    hours: tuple[Hours, ...]
    reach: tuple[str, ...]
    languages: tuple[str, ...] = ()
    person: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A party to the pact.

    Attributes
    ----------
    id, name
        Its id in files; its name for people.
    note
        For people.
    languages
        The languages that its people read, as BCP 47 tags, the preferred one first.
    keys
        The keys that it signs with.
    contacts
        Whom to reach, in the order in which it is escalated.
    """

    id: str
    name: str = ""
    note: str = ""
    languages: tuple[str, ...] = ()
    keys: tuple[PartyKey, ...] = ()
    contacts: tuple[Contact, ...] = ()

    def keys_at(self, at_us: int) -> tuple[PartyKey, ...]:
        """The keys that sign for it at an instant (microseconds since 1970 UTC)."""
        return tuple(key for key in self.keys if not key.idle(at_us))

    def reached_at(self, at_us: int) -> tuple[Contact, ...]:
        """The contacts at their post at an instant (microseconds since 1970 UTC), first to be tried first."""
        return tuple(c for c in self.contacts if any(hours.hold(at_us) for hours in c.hours))


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
    reservations
        Under what reservation a party recognises it, or reserves its position: the party, its words.
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
    reservations: tuple[tuple[str, str], ...] = ()

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
        under = dict(self.reservations)
        parts += [
            f"{word} {', '.join(_with_reservation(name, under.get(name, '')) for name in names)}"
            for word, names in (
                ("recognised by", self.recognised_by),
                ("position reserved by", self.reserved_by),
                ("rejected by", self.rejected_by),
            )
            if names
        ]
        return "; ".join(parts)


def _with_reservation(name: str, words: str) -> str:
    return f"{name} ({words})" if words else name


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
    version, supersedes
        Which version of this agreement it is, from 1; and the digest of the text of the version before
        (``sha256:`` and 64 hexadecimal digits), empty for the first.
    notices, timers, acknowledgement, readback, releases, intermediaries, witnesses, amendment
        The terms (:mod:`skypact.pact.terms`). Release rules are tried in order; the first that fits holds.

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
    version: int = 1
    supersedes: str = ""
    notices: Notices = field(default_factory=Notices)
    timers: Timers = field(default_factory=Timers)
    acknowledgement: Acknowledgement = field(default_factory=Acknowledgement)
    readback: Readback = field(default_factory=Readback)
    releases: tuple[Release, ...] = ()
    intermediaries: tuple[Intermediary, ...] = ()
    witnesses: Witnesses = field(default_factory=Witnesses)
    amendment: Amendment = field(default_factory=Amendment)

    def __post_init__(self) -> None:
        draft = Draft(
            parties=self.parties,
            rules=self.separation.rules,
            proximities=self.separation.proximities,
            zones=self.zones,
            effective_us=self.effective_us,
            until_us=self.until_us,
            version=self.version,
            supersedes=self.supersedes,
            notices=self.notices,
            timers=self.timers,
            readback=self.readback,
            releases=self.releases,
            intermediaries=self.intermediaries,
            witnesses=self.witnesses,
            amendment=self.amendment,
        )
        for error in contradictions(draft):
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
