"""What a pact says, taken apart into single statements; and what changed for whom between two versions.

Law: every term of a pact is a statement here, and a statement that differs is a change. Release is stated by
its effect, class by class for each party, so that moving a rule that changes nothing is no change and moving
one that changes something is. A statement knows whom it touches, and whose own words it is: a party's keys
and contacts, what it says of a zone, to which parties its filings are released. Nobody else can change those
(``signatures.py``). What a party said of a zone it said of the zone as it was, so that a zone that changes is
a change of its words.

Words are for people and in English. Equal words are equal values, to the last bit of a number, and a list
whose order means nothing is in one order.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skypact.airspace.altitude import format_altitude, parse_altitude
from skypact.airspace.separation import ANY
from skypact.airspace.volumes import Circle, Polygon
from skypact.instants import EVER, FOREVER, format_instant
from skypact.pact.terms import DAY_S, HOUR_S, MINUTE_S, Filing, stated
from skypact.pact.visible import release_rule
from skypact.units import FT_M, NM_M

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

    from skypact.airspace.altitude import Altitude
    from skypact.pact.agreement import Contact, Pact, Party, Zone


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a pact says.

    Attributes
    ----------
    subject, term
        What it is about: ``zone "base"``, ``ceiling``. Together they are unique in a pact.
    words
        What it says, in words.
    touches
        The parties that it touches first; empty where it touches all alike.
    speaker
        The party whose own words it is; "" where it is the pact's.
    of
        What it was said of, where that is more than its subject's name.
    """

    subject: str
    term: str
    words: str
    touches: tuple[str, ...] = ()
    speaker: str = ""
    of: Hashable = None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions: what was said, and what is; None where nothing was or is.

    ``touches`` are the parties that the old or the new statement touches, empty where one of them touches
    all; ``was_by`` and ``now_by`` are their speakers.
    """

    subject: str
    term: str
    was: str | None
    now: str | None
    touches: tuple[str, ...] = ()
    was_by: str = ""
    now_by: str = ""

    def __str__(self) -> str:
        about = f"{self.subject}, {self.term}: "
        if self.was is None:
            return f"{about}new: {self.now}"
        if self.now is None:
            return f"{about}gone; was: {self.was}"
        if self.was == self.now:
            return f"{about}still: {self.now}; but what it is said of has changed"
        return f"{about}was: {self.was}; is: {self.now}"


def differences(old: Pact, new: Pact) -> tuple[Change, ...]:
    """What changed between two versions: first what is gone or said otherwise, then what is new."""
    return compared(statements(old), statements(new))


def compared(old: Iterable[Statement], new: Iterable[Statement]) -> tuple[Change, ...]:
    """What changed between statements: first what is gone or said otherwise, then what is new."""
    before = {(each.subject, each.term): each for each in old}
    after = {(each.subject, each.term): each for each in new}
    found = []
    for at, was in before.items():
        now = after.get(at)
        if now is None:
            found.append(Change(*at, was.words, None, was.touches, was.speaker))
        elif (was.words, was.of, was.speaker) != (now.words, now.of, now.speaker):
            everybody = not was.touches or not now.touches
            touched = () if everybody else tuple(dict.fromkeys(was.touches + now.touches))
            found.append(Change(*at, was.words, now.words, touched, was.speaker, now.speaker))
    found += [
        Change(*at, None, now.words, now.touches, "", now.speaker)
        for at, now in after.items()
        if at not in before
    ]
    return tuple(found)


def for_party(changes: Iterable[Change], party: str) -> tuple[tuple[Change, ...], ...]:
    """Changes as one party reads them: those that touch it, those that touch all, those among others."""
    tiers: tuple[list[Change], list[Change], list[Change]] = ([], [], [])
    for change in changes:
        own = party in {*change.touches, change.was_by, change.now_by}
        tiers[0 if own else 2 if change.touches else 1].append(change)
    return tuple(map(tuple, tiers))


def statements(pact: Pact, *, among: Collection[str] | None = None) -> Iterator[Statement]:
    """Everything that a pact says, in the order of its text.

    Parameters
    ----------
    among
        Of the parties to whom something is released, only these are named; None for all of them.
    """
    for term, words in (
        ("id", pact.id),
        ("version", f"{pact.version}"),
        ("supersedes", pact.supersedes),
        ("title", pact.title),
        ("data mode", pact.data_mode.value),
        ("effective", _instant(pact.effective_us, "since ever")),
        ("until", _instant(pact.until_us, "no end")),
        ("note", pact.note),
    ):
        yield from _said("the pact", term, words)
    for party in pact.parties:
        yield from _of_party(party)
    yield from _of_separation(pact)
    for zone in pact.zones:
        yield from _of_zone(zone)
    yield from _of_numbers(pact)
    for party in pact.parties:
        yield from _of_release(pact, party.id, f"what {party.id} files", among)
    yield from _of_release(pact, "", "what others file", among)
    for entry in pact.intermediaries:
        subject = f"intermediary {_quoted(entry.party)}"
        touches = (entry.party, *(name for name in entry.on_behalf_of if name != ANY))
        yield Statement(subject, "forwards for", _anyhow(entry.on_behalf_of, "anybody"), touches)
        touches = () if ANY in entry.to else (entry.party, *entry.to)
        yield Statement(subject, "forwards to", _anyhow(entry.to, "every party"), touches)
    witnesses = _unique([text.partition("+")[0] for text in pact.witnesses.vkeys])
    for name, text in zip(witnesses, pact.witnesses.vkeys, strict=True):
        yield Statement("witnesses", name, text)
    if pact.witnesses.vkeys:
        yield Statement("witnesses", "how many must have cosigned", f"{pact.witnesses.quorum}")
    amendment = pact.amendment
    yield from _said("amendment", "must sign the next version", _anyhow(amendment.required))
    if pact.parties:
        least = f"{amendment.needed(len(pact.parties))} of {len(pact.parties)}"
        yield Statement("amendment", "must sign it altogether", least)


def _said(
    subject: str, term: str, words: str, touches: tuple[str, ...] = (), speaker: str = ""
) -> Iterator[Statement]:
    """A statement, unless it says nothing."""
    if words:
        yield Statement(subject, term, words, touches, speaker)


def _of_party(party: Party) -> Iterator[Statement]:
    subject, who = f"party {_quoted(party.id)}", party.id
    yield Statement(subject, "is a party", "yes", (), who)
    yield from _said(subject, "name", party.name, (), who)
    yield from _said(subject, "note", party.note, (who,), who)
    yield from _said(subject, "languages", _listed(party.languages), (), who)
    for key in party.keys:
        parts = (
            "signs",
            *([] if key.from_us == EVER else [f"from {format_instant(key.from_us)}"]),
            *([] if key.until_us == FOREVER else [f"until {format_instant(key.until_us)}"]),
            *([] if key.revoked_us == FOREVER else [f"and is revoked from {format_instant(key.revoked_us)}"]),
            *([f"({key.note})"] if key.note else []),
        )
        yield Statement(subject, f"key {key.text}", " ".join(parts), (), who)
    roles = _unique([contact.role for contact in party.contacts])
    for role, contact in zip(roles, party.contacts, strict=True):
        yield from _of_contact(f"{subject}, contact {_quoted(role)}", who, contact)
    if len(roles) > 1:
        yield Statement(subject, "contacts, first to last", _listed(roles), (), who)


def _of_contact(subject: str, who: str, contact: Contact) -> Iterator[Statement]:
    for term, words in (
        ("hours", "; ".join(map(str, contact.hours))),
        ("reach", _listed(contact.reach)),
        ("languages", _listed(contact.languages)),
        ("person", contact.person),
        ("note", contact.note),
    ):
        yield from _said(subject, term, words, (), who)


def _of_separation(pact: Pact) -> Iterator[Statement]:
    rules = pact.separation.rules
    names = _unique([rule.name for rule in rules])
    parties = {party.id for party in pact.parties}
    for name, rule in zip(names, rules, strict=True):
        subject = f"separation {_quoted(name)}"
        named = parties.intersection(rule.between)
        touches = tuple(side for side in rule.between if side in named) if len(named) == 2 else ()
        for term, words in (
            ("between", " and ".join(map(_item, sorted(rule.between)))),
            ("horizontal", _length(rule.minima.horizontal_m)),
            ("vertical", _length(rule.minima.vertical_m)),
            ("lookahead", _period(rule.minima.lookahead_s)),
        ):
            yield Statement(subject, term, words, touches)
    if len(names) > 1:
        yield Statement("separation", "rules, first to last", _listed(names))
    proximities = pact.separation.proximities
    pairs = _unique([" and ".join(map(_item, sorted(each.between))) for each in proximities])
    for pair, proximity in zip(pairs, proximities, strict=True):
        subject = f"agreed proximity of {pair}"
        yield Statement(subject, "until", _instant(proximity.until_us, "no end"))
        yield from _said(subject, "note", proximity.note)


def _of_zone(zone: Zone) -> Iterator[Statement]:
    subject, volume = f"zone {_quoted(zone.id)}", zone.volume
    for term, words in (
        ("name", zone.name),
        ("outline", _outline(volume.outline)),
        ("floor", _altitude(volume.lower, "surface")),
        ("ceiling", _altitude(volume.upper, "unlimited")),
        ("from", _instant(volume.start_us, "as long as the pact")),
        ("until", _instant(volume.end_us, "as long as the pact")),
        ("applies to", ", ".join(sorted({kind.word for kind in zone.applies_to}))),
        ("effect", zone.effect),
        ("note", zone.note),
    ):
        yield from _said(subject, term, words)
    kinds = tuple(sorted(set(zone.applies_to)))
    essence = replace(
        zone, recognised_by=(), reserved_by=(), rejected_by=(), reservations=(), note="", applies_to=kinds
    )
    if zone.declared_by:
        yield Statement(subject, "declared by", zone.declared_by, (), zone.declared_by, essence)
    under = dict(zone.reservations)
    positions = {name: words for words, names in _positions(zone) for name in names}
    for name, position in positions.items():
        words = f"{position}, under the reservation: {under[name]}" if name in under else position
        touches = tuple(dict.fromkeys((name, zone.declared_by or name)))
        yield Statement(subject, f"position of {name}", words, touches, name, essence)


def _of_numbers(pact: Pact) -> Iterator[Statement]:
    for name, notice in stated(pact.notices):
        for term, seconds in (("normally", notice.normal_s), ("in an emergency", notice.emergency_s)):
            words = "no period" if seconds is None else _period(seconds)
            yield Statement("notice", f"{name}, {term}", words)
    for name, seconds in stated(pact.timers):
        yield Statement("timers", name.removesuffix("_s").replace("_", " "), _period(seconds))
    for name, level in stated(pact.acknowledgement):
        yield Statement("acknowledgement", name, f"level {level.value}, {level.text}")
    yield Statement("read-back", "position", f"within {_length(pact.readback.position_m)}")
    yield Statement("read-back", "time", f"within {_period(pact.readback.time_s)}")


def _of_release(pact: Pact, filer: str, subject: str, among: Collection[str] | None) -> Iterator[Statement]:
    for filing in Filing:
        rule = release_rule(pact, filer, filing)
        if rule is None:
            continue
        named = {party.id for party in pact.parties} if ANY in rule.to else set(rule.to)
        to = sorted(name for name in named if name != filer and (among is None or name in among))
        if not to:
            continue
        onward = sorted((receiver, names) for receiver, names in rule.onward if receiver in to)
        passed = "".join(f"; {_item(one)} may pass it on to {_anyhow(names)}" for one, names in onward)
        touches = dict.fromkeys(
            (*([filer] if filer else []), *to, *(name for _, more in onward for name in more))
        )
        words = f"released to {_listed(to)}{passed}"
        yield Statement(subject, f"each {filing.value}", words, tuple(touches), filer)


def _positions(zone: Zone) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("recognises it", zone.recognised_by),
        ("reserves its position", zone.reserved_by),
        ("rejects it", zone.rejected_by),
    )


# -- words ------------------------------------------------------------------------------------------------


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _item(name: str) -> str:
    """A name in a list; in quotes where it could be taken for two."""
    return _quoted(name) if re.search(r"[,;\"]| and ", name) else name


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_item, names))


def _anyhow(names: Sequence[str], anybody: str = ANY) -> str:
    """A list whose order means nothing."""
    return anybody if ANY in names else _listed(sorted(set(names)))


def _unique(names: Sequence[str]) -> list[str]:
    """The names, a second one of a kind with its number."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return made


def _instant(instant_us: int, when_open: str) -> str:
    return when_open if instant_us in {EVER, FOREVER} else format_instant(instant_us)


def _period(seconds: float) -> str:
    """Seconds in the largest unit that they are a whole number of, from two of it on."""
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        count = round(seconds / unit_s)
        if count * unit_s == seconds and count >= (5 if unit == "d" else 1):
            return f"{count} {unit}"
    return f"{_number(seconds)} s"


def _length(metres: float) -> str:
    """Metres in the unit in which they are round."""
    for unit_m, unit in ((NM_M, "NM"), (1000.0, "km"), (FT_M, "ft")):
        count = round(metres / unit_m, 0 if unit == "ft" else 1)
        if count * unit_m == metres and count >= (1.0 if unit == "km" else 0.1):
            return f"{_number(count)} {unit}"
    return f"{_number(metres)} m"


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _altitude(altitude: Altitude | None, when_open: str) -> str:
    text = format_altitude(altitude, when_open=when_open)
    if altitude is None or parse_altitude(text) == altitude:
        return text
    return f"{_number(altitude.metres)} m {altitude.reference.word}"


def _outline(outline: Circle | Polygon) -> str:
    if isinstance(outline, Circle):
        return f"circle of {_length(outline.radius_m)} around {_position(outline.lat_deg, outline.lng_deg)}"
    return "polygon of " + ", ".join(_position(lat, lng) for lat, lng in outline.vertices)


def _position(lat_deg: float, lng_deg: float) -> str:
    return f"[{_number(lat_deg)}, {_number(lng_deg)}]"
