"""The terms of a pact: hours, keys, what contradicts itself and what a reader should know."""

from __future__ import annotations

import base64
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pact_keys import KEYS, SECRETS, vkey
from skypact.airspace import Circle, DataMode, Volume4D
from skypact.airspace.separation import EN_ROUTE, Rule, Separation
from skypact.errors import InputError, PactError
from skypact.instants import DAY_US, HOUR_US, parse_instant
from skypact.pact import (
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
    PartyKey,
    Readback,
    Release,
    Timers,
    Witnesses,
    Zone,
    parse_key,
    remarks,
)
from skypact.pact.hours import uncovered
from skypact.pact.keys import fault_of, key_text, public_bytes
from skypact.seal import ed25519_key, generate

NOON = parse_instant("2026-06-08T12:00:00Z")  # a Monday
ALWAYS = (Hours(),)
DUTY = Contact("duty officer", ALWAYS, ("phone 1",))


def pact(**changes: object) -> Pact:
    """A pact of three parties, but for the changes."""
    parties = tuple(
        Party(name, keys=(key,), contacts=(DUTY,)) for name, key in zip("abc", KEYS, strict=False)
    )
    rule = Rule("all", ("any", "any"), EN_ROUTE)
    whole = Pact("p", "A pact", DataMode.TEST, NOON, parties=parties, separation=Separation((rule,)))
    return replace(whole, **changes)  # type: ignore[arg-type]  # each test knows its fields


# -- defaults ---------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_sources() -> None:
    """Receipt 15 min, phone 90 min, query 7 and 2 days, report 72 h, STOP 1 min, movements 48 and 24 h."""
    bare = pact()
    assert bare.timers == Timers(900.0, 5_400.0, 604_800.0, 172_800.0, 259_200.0, 60.0)
    assert bare.notices.movement == Notice(172_800.0, 86_400.0)
    others = (bare.notices.flight, bare.notices.site, bare.notices.activity)
    assert others == (Notice(None, None),) * 3
    assert {getattr(bare.acknowledgement, f.name) for f in fields(bare.acknowledgement)} == {Level.DELIVERED}
    assert bare.readback == Readback(100.0, 60.0)
    assert (bare.releases, bare.intermediaries, bare.witnesses.quorum) == ((), (), 0)
    assert (bare.version, bare.supersedes, bare.amendment) == (1, "", Amendment())


def test_no_level_of_acknowledgement_reads_as_agreement() -> None:
    """Six levels in order, and none of their words says that anything is agreed, permitted or guaranteed."""
    assert [level.value for level in Level] == [0, 1, 2, 3, 4, 5]
    words = " ".join(level.text for level in Level)
    assert not any(word in words for word in ("agree", "permi", "guarant", "approv", "accept"))


# -- hours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("24/7", "24/7"),
        ("00:00-24:00 Z", "24/7"),
        ("06:00-18:00 Z", "06:00-18:00 Z"),
        ("06:00-18:00 UTC", "06:00-18:00 Z"),
        ("Mon-Fri 08:00-24:00 Z", "Mon,Tue,Wed,Thu,Fri 08:00-24:00 Z"),
        ("mon,WED 22:00-06:00 +03:00", "Mon,Wed 22:00-06:00 +03:00"),
        ("Sat-Mon 10:00-10:00 -03:30", "Mon,Sat,Sun 10:00-10:00 -03:30"),
        ("Sun 23:30-00:00 Z", "Sun 23:30-24:00 Z"),
    ],
)
def test_hours_are_read_and_written_as_a_roster_has_them(text: str, canonical: str) -> None:
    """What is read is written in one way, and that way reads as the same hours."""
    hours = Hours.parse(text)
    assert str(hours) == canonical
    assert Hours.parse(canonical) == hours


@pytest.mark.parametrize(
    "text",
    [
        "",
        "06:00-18:00",
        "06:00-18:00 local",
        "24:00-25:00 Z",
        "06:60-18:00 Z",
        "06:00-18:60 Z",
        "06:00-24:01 Z",
        "Mon-Fri-Sun 06:00-18:00 Z",
        "Day 06:00-18:00 Z",
        "06:00-18:00 +15:00",
        "06:00-18:00 +03:60",
        "always",
        "06:00-18:00 Z\n",
    ],
)
def test_hours_that_are_none_are_refused(text: str) -> None:
    """Without an offset, beyond the day, or with a day that is none: with the place and an example."""
    with pytest.raises(InputError, match=r'^contact, hours: not hours; .*like "24/7"'):
        Hours.parse(text, where="contact, hours")


def test_hours_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    """Monday 22:00 to 06:00 at +03:00 is Monday 19:00 to Tuesday 03:00 in UTC, half-open."""
    hours = Hours.parse("Mon 22:00-06:00 +03:00")
    at = [NOON + h * HOUR_US for h in (6, 7, 14, 15)]
    assert [hours.hold(instant) for instant in at] == [False, True, True, False]
    assert not hours.hold(NOON + 7 * HOUR_US + DAY_US)
    assert hours.hold(NOON + 7 * HOUR_US + 7 * DAY_US)


@pytest.mark.unmeasured
@given(
    st.integers(0, 1439), st.integers(1, 1440), st.integers(-840, 840), st.sets(st.integers(0, 6), min_size=1)
)
@settings(max_examples=40)
def test_hours_hold_as_long_each_week_as_they_say(start: int, length: int, east: int, days: set[int]) -> None:
    """Over a week of minutes they hold for the union of their spans, whatever the offset, and as text."""
    hours = Hours(tuple(sorted(days)), start, length, east)
    slow = {(day * 1440 + start + k - east) % 10_080 for day in days for k in range(length)}
    monday = NOON - 12 * HOUR_US
    assert {k for k in range(10_080) if hours.hold(monday + k * HOUR_US // 60)} == slow
    assert {k for k in range(10_080) if hours.week >> k & 1} == slow
    assert hours.week < 1 << 10_080
    assert Hours.parse(str(hours)) == hours


def test_the_first_gap_of_a_week_is_named() -> None:
    """Hours that leave a minute open are found out; those that cover the week together are not."""
    assert uncovered(ALWAYS) == ""
    assert uncovered(()) == "Mon 00:00Z"
    weekdays = Hours.parse("Mon-Fri 00:00-24:00 Z")
    assert uncovered([weekdays, Hours.parse("Sat,Sun 00:00-23:59 Z")]) == "Sat 23:59Z"
    assert uncovered([weekdays, Hours.parse("Sat,Sun 00:00-24:00 Z")]) == ""


def test_who_is_at_his_post_is_listed_in_the_order_of_escalation() -> None:
    """At an instant only the contacts whose hours it is in are tried, in the order of the pact."""
    day = Contact("day desk", (Hours.parse("06:00-18:00 Z"),), ("phone 2",))
    night = Contact("night desk", (Hours.parse("18:00-06:00 Z"),), ("phone 3",))
    party = Party("a", contacts=(day, night, DUTY))
    assert party.reached_at(NOON) == (day, DUTY)
    assert party.reached_at(NOON + 8 * HOUR_US) == (night, DUTY)


# -- keys -------------------------------------------------------------------------------------------------


def test_a_key_is_the_line_of_its_pem_file() -> None:
    """What a pact has of a key is the one line between the marks of a public key's PEM file."""
    for key in SECRETS.values():
        line = key.public.pem().decode().splitlines()[1]
        assert key_text(public_bytes(key.public)) == line
        assert parse_key(line) == public_bytes(key.public)
        party_key = PartyKey(parse_key(line))
        assert party_key.id == key.public.thumbprint
        assert party_key.verifies(key.sign(b"text"), b"text")
        assert not party_key.verifies(key.sign(b"text"), b"texT")


def small_order_points() -> list[int]:
    """The y of the eight points of small order, found from the curve's equation."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def root(a: int) -> int | None:
        r = pow(a, (p + 3) // 8, p)
        if (r * r - a) % p:
            r = r * pow(2, (p - 1) // 4, p) % p
        return None if (r * r - a) % p else r

    # doubling gives y = 0 where d y^4 + 2 y^2 - 1 = 0: the points of order 8
    spread = root((1 + d) % p)
    assert spread is not None
    squares = [(-1 + sign * spread) * pow(d, -1, p) % p for sign in (1, -1)]
    eighth = [r for square in squares if (r := root(square)) is not None]
    return [0, 1, p - 1, *eighth, *(p - r for r in eighth)]


def test_keys_that_anybody_can_sign_for_are_refused() -> None:
    """Every point of small order, with either sign and in either spelling, is no party's key."""
    ys = small_order_points()
    assert len(set(ys)) == 5
    for y in [*ys, 2**255 - 19, 2**255 - 18]:
        for sign in (0, 1 << 255):
            text = key_text((y | sign).to_bytes(32, "little"))
            with pytest.raises(InputError, match="a key that anybody can sign for"):
                parse_key(text)


def test_what_is_no_point_of_the_curve_is_a_slip() -> None:
    """About half of all changes of one character of a key are found by the key alone."""
    public = KEYS[0].public
    found = sum(
        "not a point" in fault_of(public[:k] + bytes([public[k] ^ 1]) + public[k + 1 :]) for k in range(32)
    )
    assert 6 <= found <= 26
    beyond = (2**255 - 19 + 3).to_bytes(32, "little")  # 3 in a second spelling
    assert "not a point" in fault_of(beyond)
    assert fault_of(b"short") == "a key of 5 bytes"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MCowBQYDK2VwAyEA",
        key_text(b"\x01" * 31),
        key_text(KEYS[0].public) + "=",
        key_text(KEYS[0].public)[:-1] + "\u0416",
        base64.b64encode(KEYS[0].public).decode(),
        " " + key_text(KEYS[0].public),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    """Cut, padded, in another alphabet or without its frame: refused with what a key looks like."""
    with pytest.raises(InputError, match=r"^here: .*MCowBQYDK2VwAyEA"):
        parse_key(text, where="here")


def test_a_party_signs_with_ed25519_alone() -> None:
    """A key of another kind is refused by name, and so is one that everybody has."""
    with pytest.raises(InputError, match="a party signs with Ed25519; found 'ES256'"):
        public_bytes(generate("ES256").public)
    neutral = ed25519_key((1).to_bytes(32, "little"))
    with pytest.raises(InputError, match="a key that anybody can sign for"):
        public_bytes(neutral)


def test_a_key_signs_in_its_window_and_never_after_its_revocation() -> None:
    """The window is half-open; the instant of revocation is the first at which it no longer signs."""
    key = replace(KEYS[0], from_us=NOON, until_us=NOON + 4, revoked_us=NOON + 2)
    assert [key.idle(NOON + d)[:13] for d in (-1, 0, 1, 2)] == ["not to be use", "", "", "revoked from "]
    assert (
        replace(key, revoked_us=NOON + 9).idle(NOON + 4)
        == "not to be used from 2026-06-08T12:00:00.000004Z on"
    )
    assert KEYS[0].idle(NOON) == ""
    party = Party("a", keys=(KEYS[0], key))
    assert party.keys_at(NOON) == party.keys
    assert party.keys_at(NOON + 2) == (KEYS[0],)


# -- contradictions ---------------------------------------------------------------------------------------

DIGEST = "sha256:" + "0a" * 32
AREA = Volume4D(Circle(33.5, 38.6, 55_000.0))
TWO = (Party("a"), Party("b"))

CONTRADICTIONS: list[tuple[dict[str, object], str]] = [
    ({"parties": tuple(Party(f"p{k}") for k in range(1_001))}, "party: too many; found '1001 of them'"),
    ({"releases": (Release("a", ("b",)),) * 1_001}, "release: too many; found '1001 of them'"),
    ({"version": 0}, "pact, version: not a version; found 0; expected 1, 2, 3"),
    ({"version": 2}, "pact, supersedes: a later version says which it supersedes"),
    ({"supersedes": DIGEST}, "pact, supersedes: the first version supersedes none; found 'sha256:0a"),
    (
        {"version": 2, "supersedes": "sha256:0"},
        "pact, supersedes: not the digest of a text; found 'sha256:0'",
    ),
    ({"parties": (Party("a", keys=(PartyKey(b"k"),)),)}, 'party[0] "a", key[0].public: a key of 1 bytes'),
    (
        {"parties": (Party("a", keys=(replace(KEYS[0], from_us=NOON, until_us=NOON),)),)},
        'party[0] "a", key[0].until: the key ends before it begins',
    ),
    (
        {"parties": (Party("a", keys=(KEYS[0],)), Party("b", keys=(KEYS[1], KEYS[0])))},
        'party[1] "b", key[1].public: this key is there already: party[0] "a", key[0].public; found',
    ),
    (
        {"parties": (Party("a", contacts=(replace(DUTY, role="", person="Colonel A."),)),)},
        (
            'party[0] "a", contact[0].role: a contact is a post; a named person alone is not reached when '
            "away; found 'Colonel A.'"
        ),
    ),
    (
        {"parties": (Party("a", contacts=(DUTY, replace(DUTY, hours=()))),)},
        'party[0] "a", contact[1].hours: a contact without hours',
    ),
    (
        {"parties": (Party("a", contacts=(replace(DUTY, reach=()),)),)},
        'party[0] "a", contact[0].reach: a contact that cannot be reached',
    ),
    (
        {"zones": (Zone("z", AREA, rejected_by=("b",), reservations=(("b", "never"),)),)},
        'zone[0] "z", reservations.b: a reservation of a party that neither recognises',
    ),
    (
        {"notices": Notices(flight=Notice(-1.0))},
        "notice, flight.normal: not a period; found '-1 s'; expected 0 to 366 d",
    ),
    (
        {"notices": Notices(site=Notice(None, float("nan")))},
        "notice, site.emergency: not a period; found 'nan s'; expected 0 to 366 d",
    ),
    ({"timers": Timers(receipt_s=0.0)}, "timers, receipt: not a period; found '0 s'; expected more than 0"),
    ({"timers": Timers(stop_receipt_s=1e9)}, "timers, stop_receipt: not a period; found '1e+09 s'"),
    ({"readback": Readback(position_m=20_000.0)}, "readback, position: not a tolerance; found '20000 m'"),
    ({"readback": Readback(time_s=float("nan"))}, "readback, time: not a tolerance; found 'nan s'"),
    ({"releases": (Release("x", ("a",)),)}, "release[0], of: not a party of this pact; found 'x'"),
    ({"releases": (Release("a", ("x",)),)}, "release[0], to: not a party of this pact; found 'x'"),
    ({"releases": (Release("a", ("b", "b")),)}, "release[0], to: named 2 times; found 'b'"),
    ({"releases": (Release("a", ("b",), ()),)}, "release[0], filings: a rule for nothing"),
    (
        {"releases": (Release("a", ("b",), onward=(("c", ("d",)),)),)},
        "release[0], onward.c: passed on by a party that does not see it; found 'c'",
    ),
    (
        {"releases": (Release("a", ("any",), onward=(("x", ("d",)),)),)},
        "release[0], onward.x: not a party of this pact; found 'x'",
    ),
    (
        {"releases": (Release("a", ("b",), onward=(("b", ()),)),)},
        "release[0], onward.b: passed on to nobody",
    ),
    (
        {"intermediaries": (Intermediary("x", ("a",), ("b",)),)},
        "intermediary[0], party: not a party of this pact; found 'x'",
    ),
    (
        {"intermediaries": (Intermediary("a", ("org",), ("x",)),)},
        "intermediary[0], to: not a party of this pact; found 'x'; expected the id of a [[party]], or 'any'",
    ),
    ({"intermediaries": (Intermediary("a", (), ("b",)),)}, "intermediary[0], on_behalf_of: nobody is named"),
    (
        {"intermediaries": (Intermediary("a", ("any",), ("any",)), Intermediary("a", ("c",), ("b",)))},
        "intermediary[1], party: this party is in intermediary[0] already; found 'a'",
    ),
    ({"witnesses": Witnesses((vkey("w"),), 0)}, "witnesses, quorum: not a quorum; found 0; expected 1 to 1"),
    ({"witnesses": Witnesses((), 1)}, "witnesses, quorum: not a quorum; found 1; expected 0 to 0"),
    ({"witnesses": Witnesses((vkey("w"),) * 2, 1)}, "witnesses, vkeys: there 2 times; found"),
    ({"amendment": Amendment(("x",))}, "amendment, required: not a party of this pact; found 'x'"),
    (
        {"amendment": Amendment(("a", "b"), 1)},
        "amendment, at_least: not a number of signatures; found 1; expected 2 to 3",
    ),
    ({"amendment": Amendment((), 4)}, "amendment, at_least: not a number of signatures; found 4; expected 1"),
]


@pytest.mark.parametrize(("changes", "text"), CONTRADICTIONS, ids=range(len(CONTRADICTIONS)))
def test_terms_that_contradict_themselves_are_refused(changes: dict[str, object], text: str) -> None:
    """Each is an error that names the place, what stands there and what should."""
    with pytest.raises(PactError) as refused:
        pact(**changes)
    assert str(refused.value).startswith(text)


def test_terms_that_fit_each_other_are_taken() -> None:
    """Every term at once, in the widest form that is allowed."""
    whole = pact(
        version=2,
        supersedes=DIGEST,
        zones=(Zone("z", AREA, recognised_by=("a",), reservations=(("a", "below FL100"),)),),
        notices=Notices(Notice(0.0, 0.0), Notice(1.0, None), Notice(None, 1.0)),
        releases=(Release("any", ("any",), (Filing.SITE,), (("b", ("elsewhere",)),)), Release("a", ())),
        intermediaries=(Intermediary("c", ("org", "any"), ("any",)),),
        witnesses=Witnesses((vkey("v"), vkey("w")), 1),
        amendment=Amendment(("a",), 2),
    )
    assert whole.zones[0].standing == "declared by nobody named; recognised by a (below FL100)"
    assert whole.releases[0].filings == (Filing.SITE,)


# -- remarks ----------------------------------------------------------------------------------------------

NIGHT = (Hours.parse("18:00-06:00 Z"),)
REMARKS: list[tuple[dict[str, object], str]] = [
    (
        {"timers": Timers(receipt_s=6_000.0)},
        "warning: timers, receipt: is longer than phone; are they swapped?",
    ),
    ({"timers": Timers(stop_receipt_s=1_000.0)}, "warning: timers, stop_receipt: is longer than receipt;"),
    ({"timers": Timers(query_s=60.0)}, "warning: timers, urgent_query: is longer than query;"),
    (
        {"notices": Notices(activity=Notice(10.0, 20.0))},
        "warning: notice, activity.emergency: an emergency is to be notified earlier than the normal case",
    ),
    (
        {"releases": (Release("any", ("b",)), Release("a", ("b",), (Filing.SITE,)))},
        "warning: release[1]: never holds: release[0] comes first and fits what this one fits",
    ),
    (
        {"parties": (Party("a", languages=("en",)), Party("b", languages=("ru", "ar")))},
        "note: party: a and b read no language in common",
    ),
    (
        {"parties": (Party("a", contacts=(replace(DUTY, hours=NIGHT),)),)},
        'warning: party[0] "a": is reached by nobody on Mon 06:00Z; no contact has those hours',
    ),
    (
        {"data_mode": DataMode.REAL, "parties": TWO},
        'warning: party[1] "b": has no key, so it cannot sign this pact, nor any message',
    ),
    (
        {"data_mode": DataMode.REAL, "parties": TWO},
        'warning: party[0] "a": has no contact, so nobody is rung when a receipt does not come',
    ),
    (
        {"data_mode": DataMode.REAL, "parties": (Party("a", keys=(replace(KEYS[0], revoked_us=0),)),)},
        'warning: party[0] "a": has no key that signs now: revoked from 1970-01-01T00:00:00Z',
    ),
]


@pytest.mark.parametrize(("changes", "text"), REMARKS, ids=range(len(REMARKS)))
def test_doubtful_terms_are_remarked(changes: dict[str, object], text: str) -> None:
    """Each doubt gives one remark with its place, and of a careful pact there is none."""
    found = [str(remark) for remark in remarks(pact(**changes), now_us=NOON)]
    assert len([line for line in found if line.startswith(text)]) == 1
    assert remarks(pact(), now_us=NOON) == []


def test_what_is_no_doubt_is_not_remarked() -> None:
    """Languages that are shared or unstated, an exercise without keys, an emergency without a period."""
    quiet = pact(
        parties=(Party("a", languages=("en", "fr-CA")), Party("b", languages=("fr",)), Party("c")),
        notices=Notices(flight=Notice(None, 60.0)),
        releases=(Release("any", ("b",), (Filing.SITE,)), Release("a", ("b",))),
    )
    assert remarks(quiet, now_us=NOON) == []
