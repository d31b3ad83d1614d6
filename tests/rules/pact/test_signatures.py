"""Who has signed a pact and who must: first versions, next ones, keys new and revoked, own words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pact_keys import KEYS, SECRETS
from skypact.airspace import Circle, DataMode, Volume4D
from skypact.errors import FormatError, InputError, PactError, Reason, Refused
from skypact.instants import HOUR_US, SECOND_US, parse_instant
from skypact.pact import Amendment, Contact, Hours, Pact, Party, Release, Timers, Zone
from skypact.pact.signatures import (
    Edition,
    Signature,
    Standing,
    digest_of,
    in_force,
    run_under,
    sign,
    signature_of,
    standing,
)
from skypact.seal import Detached, detach

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = parse_instant("2026-06-08T12:00:00Z")
NORTH = Party("north", keys=(KEYS[0], KEYS[1]))
SOUTH = Party("south", keys=(KEYS[2],))
EAST = Party("east", keys=(KEYS[3],))
AREA = Volume4D(Circle(33.5, 38.6, 55_000.0))
ZONE = Zone("z", AREA, declared_by="north", recognised_by=("north",), rejected_by=("south",))
"""a and b are north's keys, c is south's, d is east's."""


def edition(pact: Pact) -> Edition:
    """A version whose text nobody has signed."""
    return Edition(pact, repr(pact).encode())


def first(**changes: object) -> Edition:
    """A first version between north and south, but for the changes."""
    whole = Pact("p", data_mode=DataMode.REAL, parties=(NORTH, SOUTH), zones=(ZONE,))
    return edition(replace(whole, **changes))  # type: ignore[arg-type]  # each test knows its fields


def after(old: Edition, **changes: object) -> Edition:
    """The next version, but for the changes."""
    pact = replace(old.pact, version=old.pact.version + 1, supersedes=digest_of(old.text))
    return edition(replace(pact, **changes))  # type: ignore[arg-type]


def signed(of: Edition, *who: str, before: Edition | None = None, at_us: int = NOON) -> Edition:
    """A version signed by these, each as ``letter party`` (``a north``)."""
    for letter, party in (each.split() for each in who):
        made = sign(SECRETS[letter], of, party, at_us, before=None if before is None else standing([before]))
        of = replace(of, signatures=(*of.signatures, made))
    return of


def forged(of: Edition, letter: str, at_us: int = NOON, **header: object) -> Edition:
    """A version with one more signature, whose header says what it should not."""
    pact = of.pact
    usual = {
        "typ": "skypact-pact",
        "party": "north",
        "pact": pact.id,
        "version": pact.version,
        "sha256": digest_of(of.text)[7:],
        "iat": at_us // SECOND_US,
    }
    made = signature_of(detach(SECRETS[letter], usual | header, of.text))
    return replace(of, signatures=(*of.signatures, made))


def faults(known: Standing) -> list[str]:
    """What is wrong, in words."""
    return [str(fault) for fault in known.faults]


# -- a first version --------------------------------------------------------------------------------------


def test_a_first_version_needs_every_party() -> None:
    """Who of two has signed, with which key, when, and who is missing is known; then it is complete."""
    half = standing([signed(first(), "b north")])
    assert [(each.party, each.key, each.at_us) for each in half.signed] == [("north", KEYS[1], NOON)]
    assert (half.missing, half.count, half.of, half.at_least) == (("south",), 1, 2, 2)
    assert (half.complete, half.mark, half.faults) == (False, "UNSIGNED DRAFT", ())
    assert half.needed[1].why == "is a party"
    whole = standing([signed(first(), "a north", "c south")])
    assert (whole.complete, whole.mark, whole.missing, whole.faults) == (True, "", (), ())
    assert whole.digest == digest_of(first().text)


def test_signing_twice_is_one_party_s_signature() -> None:
    """Two keys of one party do not stand for two parties."""
    known = standing([signed(first(), "a north", "b north", "a north")])
    assert (len(known.signed), known.count, known.complete) == (3, 1, False)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_change_of_one_byte_is_refused_by_name(at: int, bit: int) -> None:
    """Whichever byte is another, no signature holds any more, and each says whose it was."""
    whole = signed(first(), "a north", "c south")
    at %= len(whole.text)
    text = whole.text[:at] + bytes([whole.text[at] ^ bit]) + whole.text[at + 1 :]
    known = standing([replace(whole, text=text)])
    assert known.signed == ()
    assert [fault.split(";")[0] for fault in faults(known)] == [
        f"signature of {party} at 2026-06-08T12:00:00Z: is of another text: this one has been changed since, "
        "or was never what was signed"
        for party in ("north", "south")
    ]
    assert not known.complete


def test_a_pact_of_nobody_is_never_complete() -> None:
    """Where there is no party, nobody has signed, and that is not enough."""
    nobody = Pact("p", data_mode=DataMode.REAL)
    assert not standing([edition(nobody)]).complete
    with pytest.raises(InputError, match="a chain of no versions"):
        standing([])


# -- what does not fit ------------------------------------------------------------------------------------


def test_signatures_that_do_not_fit_are_refused_each_in_its_words() -> None:
    """Another key's, another pact's, another version's, a stranger's, another text's, a stranger's key."""
    bare = first()
    cases: list[tuple[Edition, str]] = [
        (forged(bare, "c", kid=KEYS[0].id), "does not fit: it was not made by the key that it names"),
        (
            forged(bare, "a", pact="q"),
            "is of another pact or version; found 'q, version 1'; expected p, version 1",
        ),
        (forged(bare, "a", version=2), "is of another pact or version; found 'p, version 2'"),
        (forged(bare, "a", sha256="0" * 64), "is of another text"),
        (
            forged(bare, "c"),
            "party north: not a key that the pact gives to this party; expected one of its 2",
        ),
        (forged(bare, "a", party="west"), "party west: not a party of this pact; expected north, south"),
    ]
    for given_, words in cases:
        known = standing([given_])
        assert known.signed == ()
        (fault,) = faults(known)
        assert fault.startswith("signature of ")
        assert words in fault


def test_a_good_signature_over_other_bytes_is_not_taken_over() -> None:
    """The header names this text, and the signature was made over another: it does not fit."""
    bare = first()
    made = forged(replace(bare, text=b"another"), "a", sha256=digest_of(bare.text)[7:]).signatures
    known = standing([replace(bare, signatures=made)])
    assert "does not fit" in faults(known)[0]


def test_one_bad_signature_takes_none_of_the_good_ones_away() -> None:
    """It is told, and what is complete without it stays complete."""
    known = standing([forged(signed(first(), "a north", "c south"), "d")])
    assert known.complete
    assert len(known.faults) == 1


HEADERS: list[dict[str, object]] = [
    {"typ": "JWT"},
    {"party": 3},
    {"version": True},
    {"iat": 1.5},
    {"iat": None},
    {"more": "x"},
    {"sha256": None},
]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: next(iter(header)))
def test_a_header_that_is_no_pact_s_is_refused(header: dict[str, object]) -> None:
    """Another type, a member too much, one of another kind: it is no signature of a pact."""
    with pytest.raises(FormatError, match=r"not a signature of a pact; .*with typ skypact-pact"):
        forged(first(), "a", **header)  # type: ignore[arg-type]


def test_the_algorithm_is_the_key_s_and_its_new_name_is_known() -> None:
    """A header that names another algorithm is refused; ``Ed25519`` (RFC 9864) is EdDSA's other name."""
    made = signed(first(), "a north").signatures[0].detached
    for name, fits in (("Ed25519", True), ("ES256", False), ("none", False)):
        other = Detached(dict(made.header) | {"alg": name}, made.signature, made.text)
        if fits:
            assert signature_of(other).party == "north"
        else:
            with pytest.raises(FormatError, match="not a signature of a pact"):
                signature_of(other)


# -- signing ----------------------------------------------------------------------------------------------


def test_who_signs_has_a_key_of_the_party_and_nothing_else_will_do() -> None:
    """Another's key, a party that is none, a party without a key: refused before anything is signed."""
    with pytest.raises(PactError, match=r"party south: not a key .*; expected one of its 1"):
        signed(first(), "a south")
    with pytest.raises(PactError, match="party west: not a party of this pact; expected north, south"):
        signed(first(), "a west")
    with pytest.raises(PactError, match=r"expected a \[\[party.key\]\], of which it has none"):
        signed(first(parties=(Party("north"),)), "a north")
    with pytest.raises(PactError, match="not a party of this pact; expected parties in it"):
        signed(first(parties=(), zones=()), "a north")


def test_nobody_signs_below_signatures_of_another_text() -> None:
    """If the text has changed since another signed, he is told before he signs."""
    whole = signed(first(), "a north")
    with pytest.raises(PactError, match="the text has changed since north signed it; found 'sha256:"):
        signed(replace(whole, text=whole.text + b"\n"), "c south")


def test_a_key_signs_in_its_time_only() -> None:
    """Before its window, after it, from its revocation on: refused at signing and at verifying."""
    window = replace(KEYS[2], from_us=NOON, until_us=NOON + 2 * HOUR_US, revoked_us=NOON + HOUR_US)
    bare = first(parties=(NORTH, replace(SOUTH, keys=(window,))))
    assert standing([signed(bare, "a north", "c south", at_us=NOON)]).complete
    for at_us, words in (
        (NOON - SECOND_US, "not to be used before 2026-06-08T12:00:00Z"),
        (NOON + HOUR_US, "revoked from 2026-06-08T13:00:00Z"),
    ):
        with pytest.raises(PactError, match=words):
            signed(bare, "c south", at_us=at_us)
        known = standing([forged(bare, "c", at_us, party="south")])
        assert known.signed == ()
        assert words in faults(known)[0]
        assert faults(known)[0].startswith("signature of south at 2026-06-08T1")


# -- the next version -------------------------------------------------------------------------------------

OLD = signed(first(), "a north", "c south")


def test_a_new_key_is_brought_in_by_a_version_that_an_old_one_signed() -> None:
    """The new key cannot sign its own introduction; once that is signed by the old one, it signs the next."""
    rotated = replace(SOUTH, keys=(KEYS[4],))
    second = after(OLD, parties=(NORTH, rotated))
    with pytest.raises(PactError, match=r"a key that this version brings in cannot sign it.*version 1 gives"):
        signed(second, "e south", before=OLD)
    known = standing([OLD, forged(second, "e", party="south")])
    assert "a key that this version brings in cannot sign it" in faults(known)[0]
    second = signed(second, "b north", "c south", before=OLD)
    assert standing([OLD, second]).complete
    third = after(second, title="Once more")
    with pytest.raises(PactError, match="not a key that the pact gives to this party"):
        signed(third, "c south", before=second)
    third = signed(third, "a north", "e south", before=second)
    assert standing([OLD, second, third]).complete


def test_a_key_that_the_new_version_revokes_does_not_sign_it_from_then_on() -> None:
    """Revoked in either version, at or after the instant, it does not count; the party's spare key does."""
    gone = replace(KEYS[0], revoked_us=NOON)
    second = after(OLD, parties=(replace(NORTH, keys=(gone, KEYS[1])), SOUTH))
    with pytest.raises(PactError, match="revoked from 2026-06-08T12:00:00Z"):
        signed(second, "a north", before=OLD)
    known = standing([OLD, forged(second, "a")])
    assert "made with a key of north that is revoked" in faults(known)[0]
    assert standing([OLD, signed(second, "b north", "c south", before=OLD)]).complete
    earlier = signed(second, "a north", "c south", before=OLD, at_us=NOON - SECOND_US)
    assert standing([OLD, earlier]).complete


def test_a_revoked_key_is_never_given_back() -> None:
    """Neither by the next version, nor by a later one after it was left out; earlier it may be revoked."""
    gone = replace(KEYS[0], revoked_us=NOON)
    second = after(OLD, parties=(replace(NORTH, keys=(gone, KEYS[1])), SOUTH))
    second = signed(second, "b north", "c south", before=OLD)
    back = after(second, parties=(NORTH, SOUTH))
    words = "p, version 3: gives north a key back that an earlier version revoked; found 'MCow"
    assert faults(standing([OLD, second, back]))[0].startswith(words)
    with pytest.raises(PactError, match="gives north a key back"):
        signed(back, "b north", before=second)
    without = after(second, parties=(replace(NORTH, keys=(KEYS[1],)), SOUTH))
    without = signed(without, "b north", "c south", before=second)
    later = after(
        without, parties=(replace(NORTH, keys=(KEYS[1], replace(gone, revoked_us=NOON + 1))), SOUTH)
    )
    known = standing([OLD, second, without, later])
    assert faults(known)[0].startswith(words.replace("version 3", "version 4"))
    assert known.revoked == {KEYS[0].public: NOON}
    earlier = after(
        second, parties=(replace(NORTH, keys=(KEYS[1], replace(gone, revoked_us=NOON - 1))), SOUTH)
    )
    known = standing([OLD, second, signed(earlier, "b north", "c south", before=second)])
    assert known.complete
    assert known.revoked == {KEYS[0].public: NOON - 1}


def test_nobody_signs_what_does_not_follow() -> None:
    """A version that names another text, or leaps, is refused before it is signed."""
    for second in (after(OLD, version=3), after(OLD, id="q"), after(OLD, supersedes="sha256:" + "0" * 64)):
        with pytest.raises(PactError, match="does not follow"):
            signed(second, "a north", before=OLD)


def test_a_shorter_window_in_the_new_version_does_not_bind_its_signing() -> None:
    """The window is the version before's; only a revocation reaches back."""
    shorter = replace(KEYS[2], until_us=NOON - HOUR_US)
    second = after(OLD, parties=(NORTH, replace(SOUTH, keys=(shorter,))))
    assert standing([OLD, signed(second, "a north", "c south", before=OLD)]).complete


def test_versions_follow_each_other_without_a_gap() -> None:
    """Another id, a leap, another text, an incomplete one before or none: nothing of it is believed."""
    second = after(OLD)
    signed_second = signed(second, "a north", "c south", before=OLD)
    cases: list[tuple[Sequence[Edition], str]] = [
        ([signed_second], "p, version 2: the version that it supersedes is not at hand"),
        ([OLD, after(OLD, id="q")], "q, version 2: does not follow: its id; found 'q'; expected p"),
        ([OLD, after(OLD, version=3)], "p, version 3: does not follow: its version; found 3; expected 2"),
        ([first(title="x"), signed_second], "p, version 2: does not follow: its supersedes; found 'sha256:"),
        (
            [signed(first(), "a north"), signed_second],
            (
                "p, version 2: the version that it supersedes has not the signatures that it asks for; "
                "found 'version 1, without south'"
            ),
        ),
    ]
    for chain, words in cases:
        known = standing(chain)
        (why,) = (*known.faults, *known.lacks)
        assert str(why).startswith(words)
        assert bool(known.faults) == ("does not follow" in words)
        assert (known.complete, known.signed) == (False, ())
    with pytest.raises(PactError, match="not at hand, and its keys have to sign"):
        signed(second, "a north")


# -- who must sign ----------------------------------------------------------------------------------------

THREE = signed(
    first(parties=(NORTH, SOUTH, EAST), amendment=Amendment(("north",), 2)), "a north", "c south", "d east"
)


def test_the_amendment_terms_of_the_version_before_say_who_must_sign() -> None:
    """North and one more of three; the terms that the new version brings in do not hold for itself."""
    second = after(THREE, title="New", amendment=Amendment())
    lone = standing([THREE, signed(second, "a north", before=THREE)])
    assert (lone.count, lone.of, lone.at_least, lone.complete, lone.missing) == (1, 3, 2, False, ())
    others = standing([THREE, signed(second, "c south", "d east", before=THREE)])
    assert (others.count, others.complete, others.missing) == (2, False, ("north",))
    assert others.needed[0].why == "the version before asks for it"
    enough = signed(second, "a north", "d east", before=THREE)
    assert standing([THREE, enough]).complete
    third = after(enough, title="Newer")
    known = standing([THREE, enough, signed(third, "a north", "d east", before=enough)])
    assert known.missing == ("south",)


def test_nobody_becomes_a_party_without_signing() -> None:
    """Whoever is new signs with a key of the version that takes him in, and counts for no old one."""
    west = Party("west", keys=(KEYS[5],))
    second = after(OLD, parties=(NORTH, SOUTH, west))
    known = standing([OLD, signed(second, "a north", "c south", before=OLD)])
    assert [(each.party, each.why) for each in known.needed if not each.signed] == [
        ("west", "becomes a party")
    ]
    assert standing([OLD, signed(second, "a north", "c south", "f west", before=OLD)]).complete
    known = standing([OLD, signed(second, "a north", "f west", before=OLD)])
    assert (known.count, known.of, known.missing) == (1, 2, ("south",))


OWN_WORDS: list[tuple[dict[str, object], str]] = [
    ({"parties": (NORTH, replace(SOUTH, keys=(KEYS[2], KEYS[6])), EAST)}, 'party "south", key MCow'),
    ({"parties": (NORTH, replace(SOUTH, languages=("en",)), EAST)}, 'party "south", languages'),
    (
        {"parties": (NORTH, replace(SOUTH, contacts=(Contact("x", (Hours(),), ("y",)),)), EAST)},
        'party "south", contact "x", hours',
    ),
    ({"zones": (replace(ZONE, rejected_by=()),)}, 'zone "z", position of south'),
    (
        {"zones": (replace(ZONE, rejected_by=(), recognised_by=("north", "south")),)},
        'zone "z", position of south',
    ),
    ({"zones": (replace(ZONE, volume=replace(AREA, end_us=NOON)),)}, 'zone "z", position of south'),
    ({"zones": (ZONE, Zone("y", AREA, declared_by="south"))}, 'zone "y", declared by'),
    ({"releases": (Release("any", ("east",)),)}, "what south files, each flight"),
]


@pytest.mark.parametrize(("changes", "about"), OWN_WORDS, ids=range(len(OWN_WORDS)))
def test_nobody_s_own_words_are_changed_without_his_signature(changes: dict[str, object], about: str) -> None:
    """Keys, languages, contacts, a position, the zone under it, a declaration, a release: south signs."""
    second = signed(after(THREE, **changes), "a north", "d east", before=THREE)
    known = standing([THREE, second])
    assert known.count >= known.at_least
    assert known.missing == ("south",)
    (south,) = (each for each in known.needed if each.party == "south")
    assert south.why.startswith(f"its own words change: {about}")
    assert standing([THREE, signed(second, "c south", before=THREE)]).complete


def test_who_releases_to_any_party_says_so_anew_when_one_joins() -> None:
    """The third, whose filings a fourth would see, has to sign that; that one leaves he has not."""
    release = (Release("south", ("any",)),)
    old = signed(
        first(parties=(NORTH, SOUTH, EAST), amendment=Amendment((), 2), releases=release),
        "a north",
        "c south",
        "d east",
    )
    joins = after(old, parties=(NORTH, SOUTH, EAST, Party("west", keys=(KEYS[5],))))
    known = standing([old, signed(joins, "a north", "d east", "f west", before=old)])
    assert known.missing == ("south",)
    assert known.needed[-1].why.startswith("its own words change: what south files, each flight")
    leaves = after(old, parties=(NORTH, SOUTH))
    assert standing([old, signed(leaves, "a north", "d east", before=old)]).complete


def test_a_party_that_leaves_need_not_sign_what_the_others_say_then() -> None:
    """Its words go with it; words that are put into its mouth then are another matter."""
    leaves = {"parties": (NORTH, EAST), "zones": (replace(ZONE, rejected_by=()),), "amendment": Amendment()}
    assert standing([THREE, signed(after(THREE, **leaves), "a north", "d east", before=THREE)]).complete
    leaves["zones"] = (replace(ZONE, rejected_by=(), recognised_by=("north", "south")),)
    known = standing([THREE, signed(after(THREE, **leaves), "a north", "d east", before=THREE)])
    assert known.missing == ("south",)


@st.composite
def next_versions(draw: st.DrawFn) -> tuple[Amendment, dict[str, object], set[str]]:
    """Amendment terms of the version before, changes, and who must sign them because they are his words."""
    required = tuple(draw(st.sets(st.sampled_from(["north", "south", "east"]))))
    least = draw(st.none() | st.integers(max(1, len(required)), 3))
    options: list[tuple[str, object, set[str]]] = [
        ("title", "another", set()),
        ("timers", Timers(60.0), set()),
        ("zones", (ZONE, Zone("y", AREA, declared_by="east")), {"east"}),
        ("zones", (replace(ZONE, effect="call"),), {"north", "south"}),
        ("zones", (replace(ZONE, note="x"),), set()),
        ("releases", (Release("east", ("north",)),), {"east"}),
        ("releases", (Release("any", ()),), set()),
        ("parties", (NORTH, SOUTH, replace(EAST, keys=(KEYS[4],))), {"east"}),
        ("parties", (NORTH, SOUTH, EAST, Party("west", keys=(KEYS[5],))), {"west"}),
        ("parties", (NORTH, SOUTH), set()),
    ]
    chosen = draw(st.lists(st.sampled_from(options), max_size=3, unique_by=lambda each: each[0]))
    words = set().union(*(speakers for _, _, speakers in chosen))
    if any(name == "parties" and value == (NORTH, SOUTH) for name, value, _ in chosen):
        chosen = [each for each in chosen if each[0] == "parties"]  # else others' terms name who has left
        words = set()
    changes = {name: value for name, value, _ in chosen}
    return Amendment(required, least), changes | {"amendment": Amendment()}, words


@settings(max_examples=60)
@given(next_versions(), st.sets(st.sampled_from(["a north", "c south", "d east", "f west"])))
def test_a_next_version_is_complete_when_the_three_rules_say_so(
    version: tuple[Amendment, dict[str, object], set[str]], who: set[str]
) -> None:
    """What the version before asks for, every newcomer, everyone whose words change: no less and no more."""
    asked, changes, words = version
    old = signed(first(parties=(NORTH, SOUTH, EAST), amendment=asked), "a north", "c south", "d east")
    second = after(old, **changes)
    known = {party.id for party in (*old.pact.parties, *second.pact.parties)}
    signers = sorted(each for each in who if each.split()[1] in known)
    have = {each.split()[1] for each in signers}
    least = asked.at_least or len(asked.required) or 3
    expected = set(asked.required) <= have and len(have - {"west"}) >= least and words <= have
    assert standing([old, signed(second, *signers, before=old)]).complete == expected


# -- which version is in force ----------------------------------------------------------------------------


def test_a_version_is_in_force_by_its_signatures_and_its_dates() -> None:
    """The next one takes over when it is complete and has begun; what has ended is followed by nothing."""
    day = 24 * HOUR_US
    old = signed(first(effective_us=NOON, until_us=NOON + 9 * day), "a north", "c south")
    bare = after(old, effective_us=NOON + 2 * day, until_us=NOON + 4 * day)
    whole = signed(bare, "a north", "c south", before=old)
    third = after(whole, effective_us=NOON + 3 * day)

    def version(chain: Sequence[Edition], days: int) -> int:
        known = in_force(chain, NOON + days * day)
        return 0 if known is None else known.pact.version

    assert [version([old], days) for days in (-1, 0, 8, 9)] == [0, 1, 1, 0]
    assert [version([old, signed(bare, "a north", before=old)], days) for days in (1, 3)] == [1, 1]
    assert [version([old, whole], days) for days in (1, 2, 3, 4)] == [1, 2, 2, 0]
    assert [version([old, whole, third], days) for days in (1, 3)] == [1, 2]
    assert version([first()], 1) == 0
    assert in_force([], NOON) is None


# -- what a node may run under ----------------------------------------------------------------------------


def test_an_unsigned_pact_about_the_real_world_is_refused() -> None:
    """By name: who has not signed; what does not fit is said with it."""
    with pytest.raises(
        Refused, match=r"p, version 1: nobody runs under an unsigned pact .*no signature of south"
    ) as no:
        run_under(standing([signed(first(), "a north")]))
    assert no.value.reason is Reason.NOT_NOW
    with pytest.raises(Refused, match=r"real world \(signature of north .*does not fit"):
        run_under(standing([forged(first(), "c", kid=KEYS[0].id)]))
    short = after(THREE, title="x")
    with pytest.raises(Refused, match="no signature of 1 more of 3 parties"):
        run_under(standing([THREE, signed(short, "a north", before=THREE)]))
    assert run_under(standing([OLD])) == ""


@pytest.mark.parametrize("mode", [DataMode.EXERCISE, DataMode.SIMULATED, DataMode.TEST])
def test_an_unsigned_draft_may_be_tried_and_is_marked(mode: DataMode) -> None:
    """An exercise runs under a draft, and everything that is done under it is marked; signed, it is not."""
    draft = first(data_mode=mode)
    assert run_under(standing([draft])) == "UNSIGNED DRAFT"
    assert run_under(standing([signed(draft, "a north", "c south")])) == ""


@given(st.permutations(["a north", "b north", "c south", "d east"]), st.integers(0, 4))
def test_more_signatures_never_make_a_pact_less_complete(order: list[str], count: int) -> None:
    """Completeness is monotone in the signatures, and does not depend on their order."""
    second = after(THREE, title="New")
    some = standing([THREE, signed(second, *order[:count], before=THREE)])
    parties = {each.split()[1] for each in order[:count]}
    assert some.complete == ("north" in parties and len(parties) >= 2)


def test_a_signature_says_whose_it_is_and_of_what() -> None:
    """Party, pact, version, digest, second and key are in the signed header."""
    made = signed(first(), "a north", at_us=NOON + 999_999).signatures[0]
    digest = digest_of(first().text)
    assert made == Signature("north", "p", 1, digest, NOON, KEYS[0].id, made.detached)
