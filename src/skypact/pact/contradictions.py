"""What makes a pact unusable: everything in which it contradicts itself, each with its place.

Law: nobody's intention is guessed here. What can be read in one way only, however odd, is a remark
(``remarks.py``); what can be read in none, or in two, is a contradiction.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from skypact.airspace.labels import Kind
from skypact.airspace.separation import ANY
from skypact.errors import PactError
from skypact.instants import EVER, FOREVER, format_instant
from skypact.pact.keys import fault_of
from skypact.pact.terms import DAY_S, Amendment, Notices, Readback, Timers, Witnesses, stated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skypact.airspace.separation import Proximity, Rule
    from skypact.pact.agreement import Party, Zone
    from skypact.pact.terms import Intermediary, Release

RULES_MAX: Final = 1000
"""More rules of separation or release than this are refused: nobody can read which of them holds."""
PARTIES_MAX: Final = 1000
"""More parties than this are refused: so many sign nothing."""
PERIOD_MAX_S: Final = 366 * DAY_S
"""The longest notice or timer, in seconds; a longer one is a mistake of unit."""
TOLERANCE_MAX_M: Final = 10_000.0
"""The widest tolerance of a position that is read back: at more, the error that it is for would pass."""

RESERVED: Final = (ANY, *(kind.word for kind in Kind))
"""Words that a side of a rule may be, and a party's id may not."""

_SHOWN: Final = 60
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def place(table: str, row: int | None = None, name: str = "", key: str = "") -> str:
    """The name of a place in a pact: ``zone[0] "al-tanf-55km", circle.radius``."""
    text = table if row is None else f"{table}[{row}]"
    if name:
        text += " " + json.dumps(name[:_SHOWN], ensure_ascii=False)
    return f"{text}, {key}" if key else text


@dataclass(frozen=True, slots=True)
class Draft:
    """A pact as far as it was read. None stands for an entry that could not be: the others keep their places.

    The attributes are those of :class:`~skypact.pact.Pact`.
    """

    parties: Sequence[Party | None] = ()
    rules: Sequence[Rule | None] = ()
    proximities: Sequence[Proximity | None] = ()
    zones: Sequence[Zone | None] = ()
    effective_us: int = EVER
    until_us: int = FOREVER
    version: int = 1
    supersedes: str = ""
    notices: Notices = field(default_factory=Notices)
    timers: Timers = field(default_factory=Timers)
    readback: Readback = field(default_factory=Readback)
    releases: Sequence[Release | None] = ()
    intermediaries: Sequence[Intermediary | None] = ()
    witnesses: Witnesses = field(default_factory=Witnesses)
    amendment: Amendment = field(default_factory=Amendment)


def contradictions(draft: Draft) -> list[PactError]:
    """Everything in which a pact contradicts itself, in the order of its text."""
    parties = draft.parties
    # where a party could not be read, who is one is not known
    known = [party.id for party in parties if party is not None]
    defined = None if len(known) < len(parties) else frozenset(known)
    return [
        *_of_dates(draft.effective_us, draft.until_us),
        *_of_versions(draft.version, draft.supersedes),
        *_too_many("party", len(parties), PARTIES_MAX),
        *_same_ids("party", parties),
        *(error for row, party in enumerate(parties) if party is not None for error in _of_party(row, party)),
        *_keys_that_are_shared(parties),
        *_of_separation(draft.rules, draft.proximities),
        *_same_ids("zone", draft.zones),
        *(error for row, zone in enumerate(draft.zones) if zone is not None for error in _of_zone(row, zone)),
        *_of_periods(draft.notices, draft.timers),
        *_of_readback(draft.readback),
        *_of_releases(draft.releases, defined),
        *_of_intermediaries(draft.intermediaries, defined),
        *_of_witnesses(draft.witnesses),
        *_of_amendment(draft.amendment, defined),
    ]


def _of_dates(effective_us: int, until_us: int) -> Iterator[PactError]:
    if until_us <= effective_us:
        yield PactError(
            "the pact ends before it begins",
            where=place("pact", key="until"),
            found=format_instant(until_us),
            expected=f"after {format_instant(effective_us)}",
        )


def _too_many(table: str, count: int, most: int) -> Iterator[PactError]:
    if count > most:
        yield PactError("too many", where=table, found=f"{count} of them", expected=f"at most {most}")


def _of_versions(version: int, supersedes: str) -> Iterator[PactError]:
    where = place("pact", key="supersedes")
    if version < 1:
        yield PactError(
            "not a version", where=place("pact", key="version"), found=version, expected="1, 2, 3 ..."
        )
    elif supersedes and _DIGEST.fullmatch(supersedes) is None:
        yield PactError(
            "not the digest of a text",
            where=where,
            found=supersedes,
            expected="sha256: and 64 hexadecimal digits; 'skypact pact fingerprint FILE' prints it",
        )
    elif supersedes and version == 1:
        yield PactError("the first version supersedes none", where=where, found=supersedes)
    elif version > 1 and not supersedes:
        yield PactError(
            "a later version says which it supersedes", where=where, expected="the digest of its text"
        )


def _of_party(row: int, party: Party) -> Iterator[PactError]:
    if party.id in RESERVED:
        yield PactError(
            "a party cannot have the name of a kind",
            where=place("party", row, party.id, "id"),
            found=party.id,
            expected=f"an id other than {', '.join(RESERVED)}",
        )
    for at, key in enumerate(party.keys):
        fault = fault_of(key.public)
        if fault:
            yield PactError(fault, where=place("party", row, party.id, f"key[{at}].public"), found=key.text)
        if key.until_us <= key.from_us:
            yield PactError(
                "the key ends before it begins",
                where=place("party", row, party.id, f"key[{at}].until"),
                found=format_instant(key.until_us),
                expected=f"after {format_instant(key.from_us)}",
            )
    for at, contact in enumerate(party.contacts):
        lacks = (
            ("role", contact.role, "a contact is a post; a named person alone is not reached when away"),
            ("hours", contact.hours, "a contact without hours"),
            ("reach", contact.reach, "a contact that cannot be reached"),
        )
        for key_, value, message in lacks:
            if not value:
                where = place("party", row, party.id, f"contact[{at}].{key_}")
                yield PactError(message, where=where, found=contact.person or None)


def _keys_that_are_shared(parties: Sequence[Party | None]) -> Iterator[PactError]:
    first: dict[bytes, str] = {}
    for row, party in enumerate(parties):
        for at, key in enumerate(() if party is None else party.keys):
            where = place("party", row, "" if party is None else party.id, f"key[{at}].public")
            if first.setdefault(key.public, where) != where:
                yield PactError(
                    f"this key is there already: {first[key.public]}",
                    where=where,
                    found=key.text,
                    expected="a key once, of one party",
                )


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
    found = list(_too_many("separation", len(rules), RULES_MAX))
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
            if not side or side in RESERVED
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
    found += [
        PactError(
            "a reservation of a party that neither recognises the zone nor reserves its position",
            where=place("zone", row, zone.id, f"reservations.{name}"),
            found=name,
            expected="a party of recognised_by or reserved_by",
        )
        for name, _ in zone.reservations
        if said.get(name) not in {"recognised_by", "reserved_by"}
    ]
    return found


def _of_periods(notices: Notices, timers: Timers) -> Iterator[PactError]:
    periods: list[tuple[str, float | None, bool]] = []
    for name, notice in stated(notices):
        periods += [
            (place("notice", key=f"{name}.normal"), notice.normal_s, True),
            (place("notice", key=f"{name}.emergency"), notice.emergency_s, True),
        ]
    for name, seconds in stated(timers):
        periods.append((place("timers", key=name.removesuffix("_s")), seconds, False))
    for where, seconds, may_be_none in periods:
        if seconds is None or (0.0 < seconds <= PERIOD_MAX_S) or (may_be_none and seconds == 0.0):
            continue
        least = "0" if may_be_none else "more than 0"
        yield PactError("not a period", where=where, found=f"{seconds:g} s", expected=f"{least} to 366 d")


def _of_readback(readback: Readback) -> Iterator[PactError]:
    for key, value, limit, unit in (
        ("position", readback.position_m, TOLERANCE_MAX_M, "m"),
        ("time", readback.time_s, DAY_S, "s"),
    ):
        if not 0.0 <= value <= limit or math.isnan(value):
            yield PactError(
                "not a tolerance",
                where=place("readback", key=key),
                found=f"{value:g} {unit}",
                expected=f"0 to {limit:g} {unit}",
            )


def _strangers(
    names: Sequence[str], defined: frozenset[str] | None, where: str, *, or_any: bool = False
) -> Iterator[PactError]:
    for name in names:
        if defined is not None and name not in defined and not (or_any and name == ANY):
            yield PactError(
                "not a party of this pact",
                where=where,
                found=name,
                expected="the id of a [[party]]" + (f", or {ANY!r}" if or_any else ""),
            )
    for name, count in Counter(names).items():
        if count > 1:
            yield PactError(f"named {count} times", where=where, found=name, expected="each once")


def _of_releases(releases: Sequence[Release | None], defined: frozenset[str] | None) -> Iterator[PactError]:
    yield from _too_many("release", len(releases), RULES_MAX)
    for row, rule in enumerate(releases):
        if rule is None:
            continue
        to = frozenset(rule.to)
        yield from _strangers((rule.of,), defined, place("release", row, key="of"), or_any=True)
        yield from _strangers(rule.to, defined, place("release", row, key="to"), or_any=True)
        if not rule.filings:
            yield PactError(
                "a rule for nothing",
                where=place("release", row, key="filings"),
                expected="at least one class of filing",
            )
        for receiver, names in rule.onward:
            where = place("release", row, key=f"onward.{receiver}")
            if receiver not in to and ANY not in to:
                yield PactError(
                    "passed on by a party that does not see it",
                    where=where,
                    found=receiver,
                    expected="a party of this rule's to",
                )
            elif ANY in to:
                yield from _strangers((receiver,), defined, where)
            if not names or not all(names):
                yield PactError("passed on to nobody", where=where, expected="at least one name")


def _of_intermediaries(
    intermediaries: Sequence[Intermediary | None], defined: frozenset[str] | None
) -> Iterator[PactError]:
    first: dict[str, int] = {}
    for row, entry in enumerate(intermediaries):
        if entry is None:
            continue
        yield from _strangers((entry.party,), defined, place("intermediary", row, key="party"))
        yield from _strangers(entry.to, defined, place("intermediary", row, key="to"), or_any=True)
        for key, names in (("on_behalf_of", entry.on_behalf_of), ("to", entry.to)):
            if not names or not all(names):
                where = place("intermediary", row, key=key)
                yield PactError("nobody is named", where=where, expected=f"names, or [{ANY!r}]")
        if first.setdefault(entry.party, row) != row:
            yield PactError(
                f"this party is in intermediary[{first[entry.party]}] already",
                where=place("intermediary", row, key="party"),
                found=entry.party,
                expected="one entry a party",
            )


def _of_witnesses(witnesses: Witnesses) -> Iterator[PactError]:
    for text, count in Counter(witnesses.vkeys).items():
        if count > 1:
            yield PactError(f"there {count} times", where=place("witnesses", key="vkeys"), found=text)
    least = 1 if witnesses.vkeys else 0
    if not least <= witnesses.quorum <= len(witnesses.vkeys):
        yield PactError(
            "not a quorum",
            where=place("witnesses", key="quorum"),
            found=witnesses.quorum,
            expected=f"{least} to {len(witnesses.vkeys)}, as there are witnesses",
        )


def _of_amendment(amendment: Amendment, defined: frozenset[str] | None) -> Iterator[PactError]:
    yield from _strangers(amendment.required, defined, place("amendment", key="required"))
    if amendment.at_least is None or defined is None:
        return
    least = max(1, len(amendment.required))
    if not least <= amendment.at_least <= len(defined):
        yield PactError(
            "not a number of signatures",
            where=place("amendment", key="at_least"),
            found=amendment.at_least,
            expected=f"{least} to {len(defined)}, as there are parties",
        )
