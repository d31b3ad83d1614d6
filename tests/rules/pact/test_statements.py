"""What changed between two versions, in words: every term of a pact, and for whom."""

from __future__ import annotations

import dataclasses
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pact_keys import KEYS, vkey
from skypact import pact as front
from skypact.airspace import Altitude, AltitudeReference, Circle, DataMode, Kind, Polygon, Volume4D
from skypact.airspace.separation import Minima, Proximity, Rule, Separation
from skypact.instants import EVER, FOREVER, HOUR_US, parse_instant
from skypact.pact import (
    Acknowledgement,
    Amendment,
    Contact,
    Filing,
    Hours,
    Intermediary,
    Level,
    Notice,
    Notices,
    Pact,
    Party,
    Readback,
    Release,
    Timers,
    Witnesses,
    Zone,
)
from skypact.pact.statements import Change, differences, for_party, statements

NOON = parse_instant("2026-06-08T12:00:00Z")
AREA = Volume4D(Circle(48.15, 11.5, 10_000.0))
DESK = Contact("desk", (Hours(),), ("phone 1",))
OLD = Pact(
    "p",
    "Title",
    DataMode.EXERCISE,
    NOON,
    NOON + 24 * HOUR_US,
    (
        Party("north", "The north", "n", ("en",), (KEYS[0],), (DESK, replace(DESK, role="duty"))),
        Party("south", keys=(KEYS[1],)),
        Party("office"),
    ),
    Separation(
        (
            Rule("first", ("north", "south"), Minima(9260.0, 304.8)),
            Rule("second", ("crewed", "any"), Minima(9260.0, 304.8)),
        ),
        (Proximity(("t-1", "t-2"), NOON + HOUR_US, "run"),),
    ),
    (Zone("z", AREA, declared_by="north", recognised_by=("north",), reserved_by=("south",)),),
    releases=(
        Release("office", ("north",), (Filing.SITE,), (("north", ("guard",)),)),
        Release("north", ("south",)),
    ),
    intermediaries=(Intermediary("office", ("relief",), ("north",)),),
    witnesses=Witnesses((vkey("w"), vkey("v")), 1),
    amendment=Amendment(("north",), 2),
)


def on(path: str, value: object, of: Any = OLD) -> Any:
    """The pact with one field changed: ``parties[0].contacts[1].role``."""
    head, _, rest = path.partition(".")
    name, _, index = head.partition("[")
    there = getattr(of, name)
    if index:
        at = int(index[:-1])
        inner = on(rest, value, there[at]) if rest else value
        return replace(of, **{name: (*there[:at], inner, *there[at + 1 :])})
    return replace(of, **{name: on(rest, value, there) if rest else value})


ZONE, NORTH, DESK_AT = "zones[0]", "parties[0]", "parties[0].contacts[0]"
CASES: dict[str, tuple[str, object, str]] = {
    # the field, where, what it becomes, and how the change reads; "" where it cannot change alone: see below
    "Pact.id": ("id", "q", "the pact, id: was: p; is: q"),
    "Pact.title": ("title", "", "the pact, title: gone; was: Title"),
    "Pact.data_mode": ("data_mode", DataMode.REAL, "the pact, data mode: was: exercise; is: real"),
    "Pact.effective_us": (
        "effective_us",
        EVER,
        "the pact, effective: was: 2026-06-08T12:00:00Z; is: since ever",
    ),
    "Pact.until_us": ("until_us", FOREVER, "the pact, until: was: 2026-06-09T12:00:00Z; is: no end"),
    "Pact.parties": ("parties", (*OLD.parties, Party("west")), 'party "west", is a party: new: yes'),
    "Pact.separation": (
        "separation",
        Separation(()),
        'separation "first", between: gone; was: north and south',
    ),
    "Pact.zones": ("zones", (), 'zone "z", floor: gone; was: surface'),
    "Pact.note": ("note", "x\ny", "the pact, note: new: x\ny"),
    "Pact.version": ("version", 1, ""),
    "Pact.supersedes": ("supersedes", "", ""),
    "Pact.notices": (
        "notices",
        Notices(movement=Notice()),
        "notice, movement, normally: was: 48 h; is: no period",
    ),
    "Pact.timers": ("timers", Timers(30.0), "timers, receipt: was: 15 min; is: 30 s"),
    "Pact.acknowledgement": (
        "acknowledgement",
        Acknowledgement(Level.OPENED),
        "acknowledgement, flight: was: level 1, delivered; is: level 2, opened by a person",
    ),
    "Pact.readback": ("readback", Readback(50.0), "read-back, position: was: within 100 m; is: within 50 m"),
    "Pact.releases": ("releases", (), "what north files, each flight: gone; was: released to south"),
    "Pact.intermediaries": ("intermediaries", (), 'intermediary "office", forwards for: gone; was: relief'),
    "Pact.witnesses": ("witnesses", Witnesses(), f"witnesses, w: gone; was: {vkey('w')}"),
    "Pact.amendment": ("amendment", Amendment(), "amendment, must sign the next version: gone; was: north"),
    "Party.id": (f"{NORTH}.id", "north-2", ""),
    "Party.name": (f"{NORTH}.name", "N", 'party "north", name: was: The north; is: N'),
    "Party.note": (f"{NORTH}.note", "m", 'party "north", note: was: n; is: m'),
    "Party.languages": (f"{NORTH}.languages", ("ru", "en"), 'party "north", languages: was: en; is: ru, en'),
    "Party.keys": (f"{NORTH}.keys", (), f'party "north", key {KEYS[0].text}: gone; was: signs'),
    "Party.contacts": (
        f"{NORTH}.contacts",
        (replace(DESK, role="duty"), DESK),
        'party "north", contacts, first to last: was: desk, duty; is: duty, desk',
    ),
    "PartyKey.public": (
        f"{NORTH}.keys[0].public",
        KEYS[2].public,
        f'party "north", key {KEYS[2].text}: new: signs',
    ),
    "PartyKey.from_us": (
        f"{NORTH}.keys[0].from_us",
        NOON,
        f'party "north", key {KEYS[0].text}: was: signs; is: signs from 2026-06-08T12:00:00Z',
    ),
    "PartyKey.until_us": (
        f"{NORTH}.keys[0].until_us",
        NOON,
        f'party "north", key {KEYS[0].text}: was: signs; is: signs until 2026-06-08T12:00:00Z',
    ),
    "PartyKey.revoked_us": (
        f"{NORTH}.keys[0].revoked_us",
        NOON,
        f'party "north", key {KEYS[0].text}: was: signs; is: signs and is revoked from 2026-06-08T12:00:00Z',
    ),
    "PartyKey.note": (
        f"{NORTH}.keys[0].note",
        "spare",
        f'party "north", key {KEYS[0].text}: was: signs; is: signs (spare)',
    ),
    "Contact.role": (f"{DESK_AT}.role", "post", 'party "north", contact "post", hours: new: 24/7'),
    "Contact.hours": (
        f"{DESK_AT}.hours",
        (Hours((0,), 60, 120, 60), Hours((1,))),
        'party "north", contact "desk", hours: was: 24/7; is: Mon 01:00-03:00 +01:00; Tue 00:00-24:00 Z',
    ),
    "Contact.reach": (
        f"{DESK_AT}.reach",
        ("phone 1", "radio 1"),
        'party "north", contact "desk", reach: was: phone 1; is: phone 1, radio 1',
    ),
    "Contact.languages": (
        f"{DESK_AT}.languages",
        ("ru",),
        'party "north", contact "desk", languages: new: ru',
    ),
    "Contact.person": (f"{DESK_AT}.person", "A. B.", 'party "north", contact "desk", person: new: A. B.'),
    "Contact.note": (f"{DESK_AT}.note", "x", 'party "north", contact "desk", note: new: x'),
    "Rule.name": (
        "separation.rules[0].name",
        "new",
        "separation, rules, first to last: was: first, second; is: new, second",
    ),
    "Rule.between": (
        "separation.rules[0].between",
        ("south", "office"),
        'separation "first", between: was: north and south; is: office and south',
    ),
    "Rule.minima": (
        "separation.rules[0].minima",
        Minima(9260.0, 152.4),
        'separation "first", vertical: was: 1000 ft; is: 500 ft',
    ),
    "Minima.horizontal_m": (
        "separation.rules[0].minima.horizontal_m",
        3000.0,
        'separation "first", horizontal: was: 5 NM; is: 3 km',
    ),
    "Minima.vertical_m": (
        "separation.rules[0].minima.vertical_m",
        100.0,
        'separation "first", vertical: was: 1000 ft; is: 100 m',
    ),
    "Minima.lookahead_s": (
        "separation.rules[0].minima.lookahead_s",
        90.5,
        'separation "first", lookahead: was: 5 min; is: 90.5 s',
    ),
    "Separation.rules": (
        "separation.rules",
        OLD.separation.rules[::-1],
        "separation, rules, first to last: was: first, second; is: second, first",
    ),
    "Separation.proximities": (
        "separation.proximities",
        (),
        "agreed proximity of t-1 and t-2, until: gone; was: 2026-06-08T13:00:00Z",
    ),
    "Proximity.between": (
        "separation.proximities[0].between",
        ("t-1", "t-3"),
        "agreed proximity of t-1 and t-3, until: new: 2026-06-08T13:00:00Z",
    ),
    "Proximity.until_us": (
        "separation.proximities[0].until_us",
        FOREVER,
        "agreed proximity of t-1 and t-2, until: was: 2026-06-08T13:00:00Z; is: no end",
    ),
    "Proximity.note": (
        "separation.proximities[0].note",
        "",
        "agreed proximity of t-1 and t-2, note: gone; was: run",
    ),
    "Zone.id": (f"{ZONE}.id", "y", 'zone "y", declared by: new: north'),
    "Zone.volume": (
        f"{ZONE}.volume",
        replace(AREA, end_us=NOON),
        'zone "z", until: was: as long as the pact; is: 20',
    ),
    "Volume4D.outline": (
        f"{ZONE}.volume.outline",
        Polygon(((1.0, 2.0), (1.0, 3.5), (2.0, 3.0))),
        (
            'zone "z", outline: was: circle of 10 km around [48.15, 11.5]; '
            "is: polygon of [1, 2], [1, 3.5], [2, 3]"
        ),
    ),
    "Volume4D.lower": (
        f"{ZONE}.volume.lower",
        Altitude(100.01, AltitudeReference.W84),
        'zone "z", floor: was: surface; is: 100.01 m W84',
    ),
    "Volume4D.upper": (
        f"{ZONE}.volume.upper",
        Altitude(3048.0, AltitudeReference.STD),
        'zone "z", ceiling: was: unlimited; is: FL100',
    ),
    "Volume4D.start_us": (
        f"{ZONE}.volume.start_us",
        NOON,
        'zone "z", from: was: as long as the pact; is: 2026-06-08T12:00:00Z',
    ),
    "Volume4D.end_us": (
        f"{ZONE}.volume.end_us",
        NOON,
        'zone "z", until: was: as long as the pact; is: 2026-06-08T12:00:00Z',
    ),
    "Zone.applies_to": (
        f"{ZONE}.applies_to",
        (Kind.GROUND,),
        'zone "z", applies to: was: crewed, ground, uncrewed; is: ground',
    ),
    "Zone.effect": (f"{ZONE}.effect", "call", 'zone "z", effect: new: call'),
    "Zone.declared_by": (f"{ZONE}.declared_by", "south", 'zone "z", declared by: was: north; is: south'),
    "Zone.recognised_by": (
        f"{ZONE}.recognised_by",
        (),
        'zone "z", position of north: gone; was: recognises it',
    ),
    "Zone.reserved_by": (
        f"{ZONE}.reserved_by",
        ("south", "office"),
        'zone "z", position of office: new: reserves its position',
    ),
    "Zone.rejected_by": (f"{ZONE}.rejected_by", ("office",), 'zone "z", position of office: new: rejects it'),
    "Zone.reservations": (
        f"{ZONE}.reservations",
        (("south", "by day"),),
        (
            'zone "z", position of south: was: reserves its position; '
            "is: reserves its position, under the reservation: by day"
        ),
    ),
    "Zone.name": (f"{ZONE}.name", "Base", 'zone "z", name: new: Base'),
    "Zone.note": (f"{ZONE}.note", "x", 'zone "z", note: new: x'),
    **{
        f"Notices.{name}": (f"notices.{name}", Notice(60.0, 60.0), f"notice, {name}, normally: was: ")
        for name in ("flight", "movement", "site", "activity")
    },
    "Notice.normal_s": (
        "notices.flight.normal_s",
        5_400.0,
        "notice, flight, normally: was: no period; is: 90 min",
    ),
    "Notice.emergency_s": (
        "notices.flight.emergency_s",
        0.0,
        "notice, flight, in an emergency: was: no period; is: 0 s",
    ),
    **{
        f"Timers.{name}_s": (f"timers.{name}_s", 432_000.0, f"timers, {name.replace('_', ' ')}: was: ")
        for name in ("receipt", "phone", "query", "urgent_query", "incident_report", "stop_receipt")
    },
    **{
        f"Acknowledgement.{filing.value}": (
            f"acknowledgement.{filing.value}",
            Level.SENT,
            f"acknowledgement, {filing.value}: was: level 1, delivered; is: level 0, sent",
        )
        for filing in Filing
    },
    "Readback.position_m": (
        "readback.position_m",
        92.6,
        "read-back, position: was: within 100 m; is: within 92.6 m",
    ),
    "Readback.time_s": ("readback.time_s", 61.0, "read-back, time: was: within 1 min; is: within 61 s"),
    "Release.of": ("releases[1].of", "any", "what others file, each flight: new: released to south"),
    "Release.to": (
        "releases[1].to",
        ("any",),
        "what north files, each site: was: released to south; is: released to office, south",
    ),
    "Release.filings": (
        "releases[1].filings",
        (Filing.SITE,),
        "what north files, each flight: gone; was: released to south",
    ),
    "Release.onward": (
        "releases[0].onward",
        (),
        (
            "what office files, each site: was: released to north; north may pass it on to guard; "
            "is: released to north"
        ),
    ),
    "Intermediary.party": (
        "intermediaries[0].party",
        "south",
        'intermediary "south", forwards for: new: relief',
    ),
    "Intermediary.on_behalf_of": (
        "intermediaries[0].on_behalf_of",
        ("any",),
        'intermediary "office", forwards for: was: relief; is: anybody',
    ),
    "Intermediary.to": (
        "intermediaries[0].to",
        ("any",),
        'intermediary "office", forwards to: was: north; is: every party',
    ),
    "Witnesses.vkeys": ("witnesses.vkeys", (vkey("w"),), f"witnesses, v: gone; was: {vkey('v')}"),
    "Witnesses.quorum": ("witnesses.quorum", 2, "witnesses, how many must have cosigned: was: 1; is: 2"),
    "Amendment.required": (
        "amendment.required",
        ("south", "north"),
        "amendment, must sign the next version: was: north; is: north, south",
    ),
    "Amendment.at_least": (
        "amendment.at_least",
        3,
        "amendment, must sign it altogether: was: 2 of 3; is: 3 of 3",
    ),
    "Hours.days": (
        f"{DESK_AT}.hours[0].days",
        (6,),
        'party "north", contact "desk", hours: was: 24/7; is: Sun 00:00',
    ),
    "Hours.start_min": (
        f"{DESK_AT}.hours[0].start_min",
        1,
        'party "north", contact "desk", hours: was: 24/7; is: 00:01',
    ),
    "Hours.length_min": (
        f"{DESK_AT}.hours[0].length_min",
        1,
        'party "north", contact "desk", hours: was: 24/7; is: 00:00-00:01 Z',
    ),
    "Hours.offset_min": (
        f"{DESK_AT}.hours[0].offset_min",
        60,
        'party "north", contact "desk", hours: was: 24/7; is: 00:00-24:00 +01:00',
    ),
    "Circle.lat_deg": (
        f"{ZONE}.volume.outline.lat_deg",
        48.150_000_000_1,
        'zone "z", outline: was: circle of 10',
    ),
    "Circle.lng_deg": (
        f"{ZONE}.volume.outline.lng_deg",
        12.0,
        'zone "z", outline: was: circle of 10 km around',
    ),
    "Circle.radius_m": (
        f"{ZONE}.volume.outline.radius_m",
        10_186.0,
        'zone "z", outline: was: circle of 10 km',
    ),
}


def terms() -> set[str]:
    """Every field of every type that a pact is made of."""
    found: set[str] = set()
    waiting: list[object] = [OLD]
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple):
            waiting += value
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in fields(value):
                found.add(f"{type(value).__name__}.{field.name}")
                waiting.append(getattr(value, field.name))
    return found


def test_every_term_of_a_pact_has_a_case() -> None:
    """The cases below change each field of each type that a pact is made of, and no other."""
    assert set(CASES) == terms()
    types = {name.partition(".")[0] for name in CASES}
    data = {n for n in front.__all__ if dataclasses.is_dataclass(getattr(front, n))}
    assert data - types == {"Remark", "Change", "Draft", "Edition", "Standing"}


@pytest.mark.parametrize("field", [name for name, (_, _, words) in CASES.items() if words])
def test_a_change_of_any_term_is_a_change_in_words(field: str) -> None:
    """The term's own change is among those that are told, in these words; undone, as many are told."""
    path, value, words = CASES[field]
    new = on(path, value)
    told = [str(change) for change in differences(OLD, new)]
    assert any(text.startswith(words) for text in told), told
    assert len(differences(new, OLD)) == len(told)


def test_the_version_and_what_it_supersedes_are_told() -> None:
    """Each next version says so."""
    digest = "sha256:" + "0a" * 32
    new = replace(OLD, version=2, supersedes=digest)
    assert [str(change) for change in differences(OLD, new)] == [
        "the pact, version: was: 1; is: 2",
        f"the pact, supersedes: new: {digest}",
    ]


def test_another_id_of_a_party_is_another_party() -> None:
    """What was the one's is gone, and what is the other's is new."""
    plain = Pact("p", data_mode=DataMode.TEST, parties=(Party("a"), Party("b")))
    told = [str(each) for each in differences(plain, replace(plain, parties=(Party("a"), Party("c"))))]
    assert told == ['party "b", is a party: gone; was: yes', 'party "c", is a party: new: yes']


def test_of_the_same_pact_nothing_has_changed() -> None:
    """No statement differs from itself, each has its own place, and a second of a kind has its number."""
    assert differences(OLD, OLD) == ()
    twice = replace(
        OLD,
        separation=Separation((OLD.separation.rules[0],) * 3, OLD.separation.proximities * 2),
        parties=(Party("north", contacts=(DESK, DESK)), *OLD.parties[1:]),
    )
    places = [(each.subject, each.term) for each in statements(twice)]
    assert len(places) == len(set(places))
    assert ('separation "first (3)"', "vertical") in places
    assert ('party "north", contact "desk (2)"', "hours") in places
    bare = Pact("p", data_mode=DataMode.TEST, zones=(Zone("z", AREA),))
    said = {each.subject for each in statements(bare)}
    assert said == {"the pact", 'zone "z"', "notice", "timers", "acknowledgement", "read-back"}


def test_release_is_told_by_its_effect() -> None:
    """A rule that comes first changes what it hides; one that is hidden, or an order, changes nothing."""
    hidden = replace(OLD, releases=(*OLD.releases, Release("any", ("office",), (Filing.SITE,))))
    told = [str(each) for each in differences(OLD, hidden)]
    assert told == [
        "what south files, each site: new: released to office",
        "what others file, each site: new: released to office",
    ]
    assert differences(OLD, replace(OLD, releases=OLD.releases[::-1])) == ()
    first = replace(OLD, releases=(Release("any", ()), *OLD.releases))
    assert all(each.now is None for each in differences(OLD, first))
    assert len(differences(OLD, first)) == 6


def test_any_party_is_told_by_name() -> None:
    """A release to any is to the other parties there are, so that one who joins changes it."""
    open_to_all = replace(OLD, releases=(Release("any", ("any",), (Filing.SITE,), (("south", ("guard",)),)),))
    joined = replace(open_to_all, parties=(*OLD.parties, Party("west")))
    told = [str(each) for each in differences(open_to_all, joined)]
    assert (
        "what office files, each site: was: released to north, south; south may pass it on to guard; "
        "is: released to north, south, west; south may pass it on to guard"
    ) in told
    assert (
        "what south files, each site: was: released to north, office; is: released to north, office, west"
        in told
    )
    assert (
        "what west files, each site: new: released to north, office, south; south may pass it on to guard"
        in told
    )
    left = {(each.subject, each.words) for each in statements(joined, among={"north", "south", "office"})}
    assert {(each.subject, each.words) for each in statements(open_to_all)} <= left | {
        ("amendment", "2 of 3")
    }


def test_a_position_on_a_zone_that_has_changed_is_told_as_changed() -> None:
    """Recognised, reserved and declared were said of the zone as it was; a note on it changes no position."""
    told = [str(each) for each in differences(OLD, on("zones[0].effect", "call"))]
    assert told == [
        'zone "z", declared by: still: north; but what it is said of has changed',
        'zone "z", position of north: still: recognises it; but what it is said of has changed',
        'zone "z", position of south: still: reserves its position; but what it is said of has changed',
        'zone "z", effect: new: call',
    ]
    assert len(differences(OLD, on("zones[0].note", "x"))) == 1
    turned = on("zones[0].applies_to", OLD.zones[0].applies_to[::-1])
    assert differences(OLD, turned) == ()


def test_a_party_reads_first_what_touches_it() -> None:
    """Its own words and what names it, then what touches all, then what changed among others."""
    new = on("timers.receipt_s", 60.0)
    new = on("zones[0].reservations", (("south", "by day"),), new)
    new = on("releases[0].to", ("north", "south"), new)
    new = on("parties[1].note", "x", new)
    own, everybody, others = for_party(differences(OLD, new), "south")
    assert [each.subject for each in own] == ['zone "z"', "what office files", 'party "south"']
    assert [each.subject for each in everybody] == ["timers"]
    assert others == ()
    own, everybody, others = for_party(differences(OLD, new), "office")
    assert [each.subject for each in own] == ["what office files"]
    assert [each.subject for each in everybody] == ["timers"]
    assert [each.subject for each in others] == ['zone "z"', 'party "south"']


def test_what_touches_two_and_then_all_touches_all() -> None:
    """The old and the new statement together say whom a change touches, and whose words it is."""
    wider = on("separation.rules[0].between", ("north", "crewed"))
    (change,) = (each for each in differences(OLD, wider) if each.term == "between")
    assert change.touches == ()
    other = on("separation.rules[0].between", ("north", "office"))
    (change,) = (each for each in differences(OLD, other) if each.term == "between")
    assert change.touches == ("north", "south", "office")
    declared = on("zones[0].declared_by", "south")
    (change,) = (each for each in differences(OLD, declared) if each.term == "declared by")
    assert (change.was_by, change.now_by) == ("north", "south")
    assert Change("s", "t", "a", None) == Change("s", "t", "a", None, (), "", "")


_lengths = st.sampled_from([1.0, 100.0, 304.8, 926.0, 1000.0, 1852.0, 9260.0]) | st.floats(0.1, 90_000.0)


@pytest.mark.unmeasured
@given(_lengths, _lengths, st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_equal_words_are_equal_values(one: float, two: float, start: float, end: float) -> None:
    """Lengths, periods and altitudes read the same if and only if they are the same number."""
    lengths = [on("separation.rules[0].minima.horizontal_m", value) for value in (one, two)]
    assert (differences(*lengths) == ()) == (one == two)
    periods = [on("notices.flight.normal_s", value) for value in (start, end)]
    assert (differences(*periods) == ()) == (start == end)
    floors = [on("zones[0].volume.lower", Altitude(value, AltitudeReference.AMSL)) for value in (start, end)]
    assert (differences(*floors) == ()) == (start == end)


def test_a_name_that_could_be_taken_for_two_is_quoted() -> None:
    """A list of one name with a comma in it reads otherwise than a list of two."""
    one = on(
        "amendment",
        Amendment(("a, b",), None),
        replace(
            OLD,
            parties=(Party("a, b"), Party("a"), Party("b")),
            zones=(),
            releases=(),
            intermediaries=(),
            amendment=Amendment(),
        ),
    )
    two = replace(one, amendment=Amendment(("a", "b"), None))
    assert str(differences(one, two)[0]) == 'amendment, must sign the next version: was: "a, b"; is: a, b'
