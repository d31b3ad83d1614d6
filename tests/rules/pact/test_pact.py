"""The pact as data: what contradicts itself, what a reader should know, and what the engine gets of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pact_keys import KEYS
from skypact.airspace import Altitude, AltitudeReference, Circle, DataMode, Kind, Labels, Polygon, Volume4D
from skypact.airspace.separation import EN_ROUTE, Minima, Proximity, Rule, Separation
from skypact.errors import GeometryError, InputError, PactError
from skypact.instants import EVER, FOREVER, parse_instant
from skypact.pact import (
    APPLIES_BY_DEFAULT,
    REMARKS_MAX,
    RULES_MAX,
    Contact,
    Draft,
    Hours,
    Pact,
    Party,
    Remark,
    Severity,
    Stance,
    Zone,
    contradictions,
    place,
    remarks,
)

NOON = parse_instant("2017-06-08T12:00:00Z")
HOUR = 3_600_000_000
AREA = Circle(33.5046, 38.6180, 55_000.0)
ALL = Rule("all", ("any", "any"), EN_ROUTE)


def zone(name: str = "z", **changes: object) -> Zone:
    """A zone of which there is nothing to remark, but for the changes."""
    whole = Zone(name, Volume4D(AREA), effect="entry by notice", declared_by="a", recognised_by=("a", "b"))
    return replace(whole, **changes)  # type: ignore[arg-type]  # each test knows its fields


def pact(**changes: object) -> Pact:
    """A pact of which there is nothing to remark, but for the changes."""
    whole = Pact(
        "p",
        "A pact",
        DataMode.SIMULATED,
        NOON,
        FOREVER,
        (Party("a"), Party("b")),
        Separation((ALL,)),
        (zone(),),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def texts(found: list[Remark], severity: Severity | None = None) -> list[str]:
    """The remarks of one severity as they are printed."""
    return [str(remark) for remark in found if severity in (None, remark.severity)]


def rules(*sides: tuple[str, str]) -> Separation:
    """Rules of one minimum between these sides."""
    return Separation(tuple(Rule(f"{one}-{two}", (one, two), EN_ROUTE) for one, two in sides))


# -- stances ----------------------------------------------------------------------------------------------


def test_recognition_is_per_party_and_silence_is_not_consent() -> None:
    """Each party's stance is what it said; the declarer that says nothing is silent too."""
    disputed = zone(declared_by="a", recognised_by=("b",), reserved_by=("c",), rejected_by=("d",))
    assert [disputed.stance(party) for party in "abcd"] == [
        Stance.SILENT,
        Stance.RECOGNISED,
        Stance.RESERVED,
        Stance.REJECTED,
    ]
    assert disputed.standing == "declared by a; recognised by b; position reserved by c; rejected by d"
    assert zone(declared_by="", recognised_by=()).standing == "declared by nobody named"


def test_parties_and_zones_are_found_by_id() -> None:
    """What a pact does not define is None, never a default."""
    whole = pact()
    assert whole.party("a") == Party("a")
    assert whole.zone("z") == whole.zones[0]
    assert whole.party("z") is None
    assert whole.zone("a") is None


def test_a_pact_is_in_force_for_a_half_open_window() -> None:
    """The first instant belongs to it, the last does not."""
    whole = pact(until_us=NOON + HOUR)
    assert [whole.in_force(NOON + d) for d in (-1, 0, HOUR - 1, HOUR)] == [False, True, True, False]


# -- what the engine gets ---------------------------------------------------------------------------------


def test_zones_in_force_are_columns_for_the_engine() -> None:
    """The engine gets a zone's id, declarer, kind, mode, effect and applicability, and the common window."""
    zones = pact(zones=(zone(applies_to=(Kind.GROUND,)),)).zones_in_force()
    assert zones is not None
    labels = zones.volumes.labels
    assert (labels.ids[0], labels.party_of(0), labels.source_of(0)) == ("z", "a", "p")
    assert labels.kind.tolist() == [Kind.STATIC]
    assert labels.data_mode is DataMode.SIMULATED
    assert zones.effect == ("entry by notice",)
    assert zones.applies.tolist() == [[False, False, True, False]]
    assert zones.volumes.start_us.tolist() == [NOON]
    assert zones.volumes.end_us.tolist() == [FOREVER]
    renamed = pact().zones_in_force(source="pact.toml")
    assert renamed is not None
    assert renamed.volumes.labels.source_of(0) == "pact.toml"


def test_a_zone_applies_to_all_that_can_enter_by_default() -> None:
    """Crewed, uncrewed and on the ground."""
    assert zone().applies_to == APPLIES_BY_DEFAULT == (Kind.CREWED, Kind.UNCREWED, Kind.GROUND)


def test_a_zone_that_a_party_rejects_is_in_force_all_the_same() -> None:
    """The engine takes no side: rejection is shown, and switches nothing off."""
    zones = pact(zones=(zone(recognised_by=(), rejected_by=("b",)),)).zones_in_force()
    assert zones is not None
    assert len(zones) == 1


def test_zones_that_are_never_in_force_are_left_out() -> None:
    """A zone counts only while both it and the pact are in force."""
    before = zone("before", volume=Volume4D(AREA, end_us=NOON))
    during = zone("during", volume=Volume4D(AREA, start_us=NOON - HOUR, end_us=NOON + HOUR))
    whole = pact(zones=(before, during))
    zones = whole.zones_in_force()
    assert zones is not None
    assert list(zones.volumes.labels.ids) == ["during"]
    assert (zones.volumes.start_us[0], zones.volumes.end_us[0]) == (NOON, NOON + HOUR)
    assert pact(zones=(before,)).zones_in_force() is None
    assert pact(zones=()).zones_in_force() is None
    assert any("never in force" in text for text in texts(remarks(whole)))


@given(st.tuples(*[st.integers(-5, 5)] * 4))
def test_the_window_of_a_zone_in_force_is_the_common_one(edges: tuple[int, int, int, int]) -> None:
    """A zone is in force at just those instants that its own window and the pact's both hold."""
    pact_from, pact_to, zone_from, zone_to = (NOON + e * HOUR for e in edges)
    if pact_from >= pact_to or zone_from >= zone_to:
        return
    zones = pact(
        effective_us=pact_from,
        until_us=pact_to,
        zones=(zone(volume=Volume4D(AREA, start_us=zone_from, end_us=zone_to)),),
    ).zones_in_force()
    for instant in range(NOON - 6 * HOUR, NOON + 6 * HOUR, HOUR):
        both = pact_from <= instant < pact_to and zone_from <= instant < zone_to
        there = zones is not None and bool(zones.volumes.start_us[0] <= instant < zones.volumes.end_us[0])
        assert there == both


def test_a_shape_that_is_none_is_refused_with_the_place_of_its_zone() -> None:
    """The engine checks a pact made in code, and names the zone by its number in the pact."""
    whole = pact(
        zones=(
            zone("early", volume=Volume4D(AREA, end_us=NOON)),
            zone("flat", volume=Volume4D(Polygon(((0.0, 0.0), (1.0, 1.0))))),
        )
    )
    with pytest.raises(GeometryError, match=r'zone\[1\] "flat"'):
        whole.zones_in_force()


# -- contradictions ---------------------------------------------------------------------------------------

CONTRADICTIONS = [
    ({"until_us": NOON}, "pact, until: the pact ends before it begins; found '2017-06-08T12:00:00Z'"),
    ({"parties": (Party("a"), Party("a"))}, 'party[1] "a", id: this id is taken by party[0]'),
    ({"parties": (Party(""),)}, "party[0], id: an id is needed"),
    ({"parties": (Party("ground"),)}, 'party[0] "ground", id: a party cannot have the name of a kind'),
    ({"parties": (Party("any"),)}, 'party[0] "any", id: a party cannot have the name of a kind'),
    ({"separation": rules(("any", ""))}, 'separation[0] "any-", between: a side without a name'),
    (
        {"separation": rules(*[("any", "any")] * (RULES_MAX + 1))},
        "separation: too many; found '1001 of them'; expected at most 1000",
    ),
    (
        {"separation": Separation((ALL,), (Proximity(("t", "t")),))},
        "proximity[0], between: a thing is never near itself; found 't'",
    ),
    (
        {"separation": Separation((ALL,), (Proximity(("t", "crewed")),))},
        "proximity[0], between: agreed proximity is between two things; found 'crewed'",
    ),
    (
        {"separation": Separation((ALL,), (Proximity(("t", "")),))},
        "proximity[0], between: agreed proximity is between two things; found ''",
    ),
    ({"zones": (zone(), zone())}, 'zone[1] "z", id: this id is taken by zone[0]'),
    ({"zones": (zone(""),)}, "zone[0], id: an id is needed"),
    (
        {"zones": (zone(volume=Volume4D(AREA, start_us=NOON, end_us=NOON)),)},
        "zone[0] \"z\", until: the zone ends before it begins; found '2017-06-08T12:00:00Z'",
    ),
    ({"zones": (zone(applies_to=()),)}, 'zone[0] "z", applies_to: a zone that applies to nothing'),
    (
        {"zones": (zone(rejected_by=("b",)),)},
        "zone[0] \"z\", rejected_by: one party with two positions: it is in recognised_by too; found 'b'",
    ),
    (
        {"zones": (zone(recognised_by=(), rejected_by=("a",)),)},
        "zone[0] \"z\", rejected_by: a party cannot declare a zone and reject it; found 'a'",
    ),
]


@pytest.mark.parametrize(("changes", "text"), CONTRADICTIONS, ids=range(len(CONTRADICTIONS)))
def test_a_pact_that_contradicts_itself_is_refused(changes: dict[str, object], text: str) -> None:
    """Each contradiction is an error that names the place, what stands there and what should."""
    with pytest.raises(PactError) as refused:
        pact(**changes)
    assert str(refused.value).startswith(text)


def test_all_contradictions_are_found_and_what_was_not_read_keeps_its_place() -> None:
    """Entries that could not be read (None) shift no number and contradict nothing."""
    found = contradictions(
        Draft(
            [None, Party("a"), Party("a")],
            [None, Rule("", ("", "a"), EN_ROUTE)],
            [None, Proximity(("x", "x"))],
            [None, zone(), zone()],
        )
    )
    assert [error.where for error in found] == [
        'party[2] "a", id',
        "separation[1], between",
        "proximity[1], between",
        'zone[2] "z", id',
    ]


# -- remarks ----------------------------------------------------------------------------------------------


def test_of_a_careful_pact_nothing_is_remarked() -> None:
    """A pact with rules for all, an expiry, a recognised zone and a date is passed without a word."""
    assert remarks(pact(), now_us=NOON) == []


def test_a_remark_is_printed_with_its_severity_and_place() -> None:
    """Severity, place, text; a remark without a place has none."""
    assert str(Remark(Severity.WARNING, "zone[0]", "is odd")) == "warning: zone[0]: is odd"
    assert str(Remark(Severity.NOTE, "", "is odd")) == "note: is odd"
    of = Remark.of_error(InputError("wrong", where="here", found=1, expected="2"))
    assert str(of) == "error: here: wrong; found 1; expected 2"
    assert Remark.of_error(InputError("wrong")).text == "wrong"


def test_places_quote_what_a_terminal_must_not_be_given() -> None:
    """A hostile id in a place is shortened and its control characters are escaped."""
    text = place("zone", 3, "\x1b[31m" + "z" * 500, "id")
    assert text.startswith('zone[3] "\\u001b[31mzz')
    assert len(text) < 90


@pytest.mark.parametrize(
    ("sides", "missing"),
    [
        ((("any", "any"),), ""),
        ((("crewed", "any"), ("uncrewed", "any")), "ground/ground"),
        (
            (("crewed", "uncrewed"),),
            "crewed/crewed, crewed/ground, uncrewed/uncrewed, uncrewed/ground, ground/ground",
        ),
        ((("a", "any"), ("b", "b")), ""),
        (
            (("a", "b"),),
            (
                "crewed of a / crewed of a, crewed of b / crewed of b, crewed of a / uncrewed of a, "
                "crewed of b / uncrewed of b, crewed of a / ground of a, crewed of b / ground of b, "
                "uncrewed of a / uncrewed of a, uncrewed of b / uncrewed of b, uncrewed of a / ground of a, "
                "uncrewed of b / ground of b, ground of a / ground of a, ground of b / ground of b"
            ),
        ),
    ],
)
def test_kinds_that_no_rule_covers_are_remarked(sides: tuple[tuple[str, str], ...], missing: str) -> None:
    """The remark names the pairs of kinds, and the parties where only some of them are left out."""
    found = [text for text in texts(remarks(pact(separation=rules(*sides)))) if "no rule covers" in text]
    expected = (
        f"warning: separation: no rule covers {missing}; such pairs are listed as unchecked, never checked"
    )
    assert found == ([expected] if missing else [])


def test_many_parties_without_a_rule_are_counted() -> None:
    """Of more than three pairs of parties three are named; with very many parties kinds alone are tried."""
    few = pact(parties=tuple(Party(f"p{k}") for k in range(5)), separation=rules(("p0", "any")), zones=())
    assert "crewed of p1 / crewed of p3 and 7 more" in texts(remarks(few))[0]
    many = pact(parties=tuple(Party(f"p{k}") for k in range(500)), separation=rules(("p0", "any")), zones=())
    assert "no rule covers crewed/crewed, " in texts(remarks(many))[0]


@given(
    st.lists(
        st.tuples(*[st.sampled_from(["any", "crewed", "uncrewed", "ground", "a", "b", "tail-9"])] * 2),
        min_size=1,
        max_size=5,
    )
)
def test_a_rule_that_is_called_shadowed_never_holds(sides: list[tuple[str, str]]) -> None:
    """Whatever meets, the engine resolves no pair to a rule that the remarks call shadowed."""
    separation = rules(*sides)
    shadowed = {
        int(remark.place.split("[")[1].split("]")[0])
        for remark in remarks(pact(separation=separation, zones=()))
        if "never holds" in remark.text
    }
    kinds = [Kind.CREWED, Kind.UNCREWED, Kind.GROUND, Kind.STATIC]
    labels = Labels.of(
        [name for name in ("tail-9", "other") for _ in range(12)],
        party=[party for _ in range(2) for party in ("a", "b", "") for _ in kinds],
        kind=[kind for _ in range(6) for kind in kinds],
    )
    held = set(separation.resolve(labels).rule.ravel().tolist())
    assert not held & shadowed
    single = [row for row in range(len(sides)) if row not in held and row not in shadowed]
    # what never holds and is not remarked is shadowed by several rules together, never by one alone
    for row in single:
        for earlier in range(row):
            assert set(sides[earlier]) != {"any"}
            assert set(sides[earlier]) != set(sides[row])


WARNINGS = [
    ({"effective_us": EVER}, "warning: pact: has no effective date"),
    ({"parties": (), "zones": ()}, "warning: party: no party is defined"),
    (
        {"separation": Separation(())},
        "warning: separation: there is no rule: every pair is listed as unchecked",
    ),
    (
        {"separation": Separation((ALL, ALL))},
        'warning: separation[1] "all": has the name of separation[0]; findings cannot tell them apart',
    ),
    (
        {"separation": rules(("any", "any"), ("crewed", "any"))},
        'warning: separation[1] "crewed-any": never holds: separation[0] comes first',
    ),
    (
        {"separation": Separation((Rule("r", ("any", "any"), Minima(0.0, 300.0)),))},
        'warning: separation[0] "r": a minimum of 0: nothing is ever inside it',
    ),
    (
        {"separation": Separation((Rule("r", ("any", "any"), Minima(300.0, 9000.0)),))},
        'warning: separation[0] "r": the vertical minimum is larger than the horizontal one',
    ),
    (
        {"separation": rules(("any", "any"), ("crwed", "a"))},
        (
            "warning: separation[1] \"crwed-a\", between: 'crwed' is neither a kind nor a party, "
            "so it is the id of one thing; did you mean 'crewed'?"
        ),
    ),
    (
        {"separation": rules(("drone", "any"), ("any", "any"))},
        (
            "warning: separation[0] \"drone-any\", between: 'drone' is neither a kind nor a party, "
            "so it is the id of one thing; did you mean 'uncrewed'?"
        ),
    ),
    (
        {"separation": Separation((ALL,), (Proximity(("t", "u")),))},
        "warning: proximity[0], until: agreed proximity without an expiry",
    ),
    (
        {"separation": Separation((ALL,), (Proximity(("t", "u"), NOON),))},
        "warning: proximity[0], until: expires before the pact is in force",
    ),
    (
        {"separation": Separation((ALL,), (Proximity(("a", "u"), NOON + HOUR),))},
        "warning: proximity[0], between: 'a' is a party; agreed proximity is between two things",
    ),
    (
        {"zones": (zone(volume=Volume4D(AREA, Altitude(150.0, AltitudeReference.AGL))),)},
        'warning: zone[0] "z", floor: is above ground: without terrain heights',
    ),
    (
        {"zones": (zone(volume=Volume4D(AREA, None, Altitude(150.0, AltitudeReference.AGL))),)},
        'warning: zone[0] "z", ceiling: is above ground: without terrain heights',
    ),
    (
        {"zones": (zone(volume=Volume4D(Circle(0.0, 0.0, 400_000.0))),)},
        'warning: zone[0] "z", circle.radius: 400 km is large; is the unit right?',
    ),
    (
        {"zones": (zone(note="Called a 34-mile-wide zone."),)},
        "warning: zone[0] \"z\", circle.radius: the text says '34-mile-wide'; this radius makes it 110 km",
    ),
    ({"zones": (zone(declared_by=""),)}, 'warning: zone[0] "z": nobody is named as declaring it'),
    ({"zones": (zone(effect=""),)}, 'warning: zone[0] "z": does not say what entry means'),
    ({"zones": (zone(recognised_by=()),)}, 'note: zone[0] "z": is recognised by no party'),
    ({"zones": (zone(recognised_by=("a",)),)}, 'note: zone[0] "z": is recognised by its declarer alone (a)'),
    (
        {"parties": (Party("a"), Party("coalition")), "zones": (zone(recognised_by=("a", "coaliton")),)},
        (
            "warning: zone[0] \"z\", recognised_by: 'coaliton' is not a party of this pact; "
            "did you mean 'coalition'?"
        ),
    ),
    (
        {"zones": (zone(reserved_by=("elsewhere",)),)},
        "warning: zone[0] \"z\", reserved_by: 'elsewhere' is not a party of this pact",
    ),
    (
        {"zones": (zone(recognised_by=("a", "b", "b")),)},
        "warning: zone[0] \"z\", recognised_by: names 'b' 2 times",
    ),
]


@pytest.mark.parametrize(("changes", "text"), WARNINGS, ids=range(len(WARNINGS)))
def test_what_is_usable_and_doubtful_is_remarked(changes: dict[str, object], text: str) -> None:
    """Each doubt gives exactly one remark, with its place."""
    found = [line for line in texts(remarks(pact(**changes))) if line.startswith(text)]
    assert len(found) == 1


def test_there_are_never_endless_remarks() -> None:
    """After so many, one remark says that there are more; among very many names none is suggested."""
    strangers = pact(zones=(zone(rejected_by=tuple(f"x{k}" for k in range(300))),))
    found = remarks(strangers)
    assert len(found) == REMARKS_MAX + 1
    assert str(found[-1]) == "warning: there is more to remark than these 200"
    many = tuple(Party(f"party-{k}") for k in range(300))
    crowd = pact(parties=many, zones=(zone(recognised_by=("party-x",)),))
    assert not any("did you mean" in remark.text for remark in remarks(crowd))


def test_a_width_that_is_the_diameter_or_in_no_unit_is_not_remarked() -> None:
    """Only a stated width that equals the radius is doubtful."""
    for note in ("A zone 110 km wide.", "A zone 55 leagues wide.", "within 55 km of the town"):
        assert remarks(pact(zones=(zone(note=note),))) == []


def test_only_a_real_pact_is_held_against_the_present() -> None:
    """A pact about the real world that has ended, or not begun, is remarked on; a simulated one is not."""
    tankers = Separation((ALL,), (Proximity(("t", "u"), NOON + HOUR),))
    parties = tuple(
        Party(name, keys=(key,), contacts=(Contact("duty officer", (Hours(),), ("phone 1",)),))
        for name, key in zip("ab", KEYS, strict=False)
    )
    real = pact(data_mode=DataMode.REAL, until_us=NOON + 2 * HOUR, separation=tankers, parties=parties)
    late = texts(remarks(real, now_us=NOON + 3 * HOUR))
    assert late == [
        "warning: pact, until: expired on 2017-06-08T14:00:00Z",
        "warning: proximity[0], until: expired on 2017-06-08T13:00:00Z",
    ]
    early = texts(remarks(real, now_us=NOON - HOUR))
    assert early == ["warning: pact, effective: not in force before 2017-06-08T12:00:00Z"]
    assert remarks(real) == []
    assert remarks(replace(real, data_mode=DataMode.SIMULATED), now_us=NOON + 3 * HOUR) == []
