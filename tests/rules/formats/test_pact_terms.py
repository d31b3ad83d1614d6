"""The terms of a pact as text: what is read, what is taken where nothing stands, what is refused."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pact_keys import KEYS, vkey
from skypact.errors import InputError
from skypact.formats.pact_toml import lint, read_pact
from skypact.instants import EVER, FOREVER, parse_instant
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
    PartyKey,
    Readback,
    Release,
    Severity,
    Timers,
    Witnesses,
)

HEAD = '[pact]\nid = "p"\ndata_mode = "test"\neffective = 2026-01-01T00:00:00Z\n'
PARTIES = '[[party]]\nid = "a"\n[[party]]\nid = "b"\n[[party]]\nid = "office"\n'
DIGEST = "sha256:" + "0a" * 32

WHOLE = f"""
[pact]
id = "p"
version = 3
supersedes = "{DIGEST}"
data_mode = "test"
effective = 2026-01-01T00:00:00Z

[[party]]
id = "a"
languages = ["en", "fr-CA"]

[[party.key]]
public = "{KEYS[0].text}"
from = 2026-01-01T00:00:00Z
until = 2027-01-01T00:00:00Z
revoked = 2026-06-01T00:00:00Z
note = "The first."

[[party.key]]
public = "{KEYS[1].text}"

[[party.contact]]
role = "duty officer"
hours = ["Mon-Fri 06:00-18:00 Z", "Sat,Sun 08:00-12:00 +01:00"]
reach = ["phone +000 1", "radio 123.450 MHz"]
languages = ["en"]
person = "whoever has the watch"
note = "Ask for the desk."

[[party.contact]]
role = "watch-keeper"
hours = "24/7"
reach = ["phone +000 2"]

[[party]]
id = "b"

[[party]]
id = "office"

[[zone]]
id = "z"
datum = "WGS 84"
circle = {{ center = [33.5, 38.6], radius = "55 km" }}
recognised_by = ["a"]
reserved_by = ["b"]
reservations = {{ a = "below FL100", b = "until the map is agreed" }}

[notice]
flight = {{ normal = "1 h", emergency = "0 min" }}
activity = {{ normal = "3 d" }}

[timers]
receipt = "10 min"
phone = "60 min"
query = "5 d"
urgent_query = "1 d"
incident_report = "48 h"
stop_receipt = "30 s"

[acknowledgement]
flight = 0
movement = 5
site = 2
activity = 3
zone = 4

[readback]
position = "50 m"
time = "2 min"

[[release]]
of = "a"
to = ["b"]
filings = ["flight", "zone", "flight"]
onward = {{ b = ["elsewhere", "office"] }}

[[release]]
of = "any"
to = []

[[intermediary]]
party = "office"
on_behalf_of = ["any"]
to = ["a", "b"]

[witnesses]
vkeys = ["{vkey("w")}"]
quorum = 1

[amendment]
required = ["a"]
at_least = 2
"""


def pact_of(text: str) -> Pact:
    """The pact that a text gives."""
    pact = read_pact(text.encode(), "p.toml").pact
    assert pact is not None
    return pact


def errors_of(text: str) -> list[str]:
    """The errors that lint finds; reading must refuse the same text."""
    found = lint(text.encode(), "p.toml")
    assert all(remark.severity is Severity.ERROR for remark in found)
    with pytest.raises(InputError, match=r"\Ap[.]toml"):
        read_pact(text.encode(), "p.toml")
    return [f"{remark.place}: {remark.text}" for remark in found]


def test_every_term_is_read() -> None:
    """Each key of each table arrives in the pact, with its unit."""
    pact = pact_of(WHOLE)
    assert (pact.version, pact.supersedes) == (3, DIGEST)
    first, second = pact.parties[:2]
    assert (first.languages, second.languages) == (("en", "fr-CA"), ())
    window = [parse_instant(f"{day}T00:00:00Z") for day in ("2026-01-01", "2027-01-01", "2026-06-01")]
    assert first.keys == (
        PartyKey(KEYS[0].public, window[0], window[1], window[2], "The first."),
        PartyKey(KEYS[1].public, EVER, FOREVER, FOREVER),
    )
    assert first.contacts == (
        Contact(
            "duty officer",
            (Hours.parse("Mon-Fri 06:00-18:00 Z"), Hours.parse("Sat,Sun 08:00-12:00 +01:00")),
            ("phone +000 1", "radio 123.450 MHz"),
            ("en",),
            "whoever has the watch",
            "Ask for the desk.",
        ),
        Contact("watch-keeper", (Hours(),), ("phone +000 2",)),
    )
    assert pact.zones[0].reservations == (("a", "below FL100"), ("b", "until the map is agreed"))
    assert pact.notices == Notices(
        Notice(3_600.0, 0.0), Notice(172_800.0, 86_400.0), Notice(), Notice(259_200.0, None)
    )
    assert pact.timers == Timers(600.0, 3_600.0, 432_000.0, 86_400.0, 172_800.0, 30.0)
    assert pact.acknowledgement == Acknowledgement(*map(Level, (0, 5, 2, 3, 4)))
    assert pact.readback == Readback(50.0, 120.0)
    assert pact.releases == (
        Release("a", ("b",), (Filing.FLIGHT, Filing.ZONE), (("b", ("elsewhere", "office")),)),
        Release("any", ()),
    )
    assert pact.intermediaries == (Intermediary("office", ("any",), ("a", "b")),)
    assert pact.witnesses == Witnesses((vkey("w"),), 1)
    assert pact.amendment == Amendment(("a",), 2)


def test_a_pact_without_terms_has_those_that_are_stated_as_usual() -> None:
    """An agreement from before there were terms reads as it did, and lints no worse."""
    bare = pact_of(HEAD + PARTIES)
    assert (bare.timers, bare.notices, bare.readback) == (Timers(), Notices(), Readback())
    assert (bare.acknowledgement, bare.witnesses, bare.amendment) == (
        Acknowledgement(),
        Witnesses(),
        Amendment(),
    )
    assert [str(remark) for remark in lint((HEAD + PARTIES).encode(), "p.toml")] == [
        "warning: separation: there is no rule: every pair is listed as unchecked"
    ]


PARTY = HEAD + '[[party]]\nid = "a"\n'
KEY = PARTY + "[[party.key]]\n"
CONTACT = PARTY + '[[party.contact]]\nrole = "desk"\nhours = "24/7"\nreach = ["phone 1"]\n'
ZONE = HEAD + '[[zone]]\nid = "z"\ncircle = { center = [33.5, 38.6], radius = "55 km" }\n'
REFUSED = [
    # text, place and message
    (HEAD + "version = '2'", "pact \"p\", version: not a whole number; found '2'; expected a whole number"),
    (HEAD + "version = true", 'pact "p", version: not a whole number; found true'),
    (HEAD + "version = 2", "pact, supersedes: a later version says which it supersedes"),
    (
        PARTY + "languages = ['English']",
        "party[0] \"a\", languages: not a language; found 'English'; expected tags",
    ),
    (PARTY + "key = 'k'", "party[0] \"a\", key: not a table; found 'k'; expected [[party.key]]"),
    (PARTY + "key = ['k']", "party[0] \"a\", key[0]: not a table; found 'k'; expected [[party.key]]"),
    (
        PARTY + "[party.contact]\n",
        'party[0] "a", contact: one table where there may be several; found a table',
    ),
    (KEY, 'party[0] "a", key[0].public: missing; expected a key'),
    (
        KEY + "public = 'x'",
        "party[0] \"a\", key[0].public: not a public key; found 'x'; expected the one line",
    ),
    (
        KEY + f"public = '{KEYS[0].text}'\nend = 1",
        "party[0] \"a\", key[0]: unknown key; did you mean 'until'?",
    ),
    (
        KEY + f"public = '{KEYS[0].text}'\nrevoked = 2026-01-01",
        'party[0] "a", key[0].revoked: a date or a time',
    ),
    (CONTACT.replace('role = "desk"\n', ""), 'party[0] "a", contact[0].role: a contact is a post; a named'),
    (
        CONTACT.replace("24/7", "always"),
        "party[0] \"a\", contact[0].hours: not hours; found 'always'; expected",
    ),
    (CONTACT.replace('"24/7"', "24"), 'party[0] "a", contact[0].hours: not a list of texts; found 24'),
    (CONTACT.replace('reach = ["phone 1"]', ""), 'party[0] "a", contact[0].reach: a contact that cannot be'),
    (
        CONTACT + "phone = '1'",
        "party[0] \"a\", contact[0]: unknown key; did you mean 'reach'?; found 'phone'",
    ),
    (
        ZONE + 'datum = "SK-42"',
        'zone[0] "z", datum: positions of another datum are not taken; found \'SK-42\'; expected "WGS 84";',
    ),
    (
        ZONE + "reservations = 'none'",
        "zone[0] \"z\", reservations: not a table; found 'none'; expected { key",
    ),
    (ZONE + "reservations = { a = '' }", 'zone[0] "z", reservations.a: empty'),
    (
        ZONE + "reservations = { a = 'x' }",
        'zone[0] "z", reservations.a: a reservation of a party that neither',
    ),
    (HEAD + "[[notice]]\n", "notice: must be one table; found a list of 1; expected [notice]"),
    (HEAD + "[notice]\nflight = '1 h'", "notice, flight: not a table; found '1 h'; expected { key = value }"),
    (
        HEAD + "[notice]\nflight = { normal = 1 }",
        "notice, flight.normal: a number without its unit; found 1;",
    ),
    (
        HEAD + "[notice]\nflight = { usual = '1 h' }",
        "notice, flight: unknown key; found 'usual'; expected norm",
    ),
    (
        HEAD + "[notice]\nzone = { normal = '1 h' }",
        "notice: unknown key; found 'zone'; expected flight, movem",
    ),
    (
        HEAD + "[timers]\nreceipt = 900",
        "timers, receipt: a number without its unit; found 900; expected a dur",
    ),
    (HEAD + "[timers]\nreceipt = '0 s'", "timers, receipt: not a period; found '0 s'; expected more than 0"),
    (
        HEAD + "[acknowledgement]\nflight = 6",
        "acknowledgement, flight: not a level of acknowledgement; found 6",
    ),
    (HEAD + "[acknowledgement]\nflight = '3'", "acknowledgement, flight: not a whole number; found '3'"),
    (
        HEAD + "[readback]\nposition = '9 km'\ntime = '2 d'",
        "readback, time: not a tolerance; found '172800 s'",
    ),
    (HEAD + PARTIES + "[[release]]\nof = 'a'", "release[0], to: missing; expected a list like"),
    (HEAD + PARTIES + "[[release]]\nto = []", "release[0], of: missing; expected a text"),
    (
        HEAD + PARTIES + "[[release]]\nof = 'a'\nto = ['b']\nfilings = ['flights']",
        "release[0], filings: not a class of filing; found 'flights'; expected flight, movement, site",
    ),
    (
        HEAD + PARTIES + "[[release]]\nof = 'a'\nto = ['b']\nonward = { b = 'c' }",
        "release[0], onward.b: not a list of texts; found 'c'",
    ),
    (
        HEAD + PARTIES + "[[intermediary]]\nparty = 'office'\nto = ['a']",
        "intermediary[0], on_behalf_of: missing; expected a list like",
    ),
    (HEAD + f"[witnesses]\nvkeys = ['{vkey('w')}']", "witnesses, quorum: missing; expected a whole number"),
    (
        HEAD + "[witnesses]\nvkeys = ['w']\nquorum = 1",
        "witnesses, vkeys[0]: not a verifier key; found 'w'",
    ),
    (
        HEAD + f"[witnesses]\nvkeys = ['{vkey('w', 0x01)}']\nquorum = 1",
        "witnesses, vkeys[0]: not a witness's key; found 'w+",
    ),
    (
        HEAD + PARTIES + "[amendment]\nat_least = 9",
        "amendment, at_least: not a number of signatures; found 9",
    ),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=range(len(REFUSED)))
def test_a_wrong_term_is_refused_with_its_place(text: str, expected: str) -> None:
    """The first error names the place, what stands there and what should; by lint and by reading alike."""
    assert errors_of(text)[0].startswith(expected)


def test_a_party_that_could_not_be_read_makes_no_strangers() -> None:
    """Where a party has an error, what names it elsewhere is not called unknown as well."""
    text = HEAD + PARTIES.replace('id = "b"', 'id = "b"\nlanguages = [3]')
    more = "[[release]]\nof = 'b'\nto = ['a']\n[amendment]\nrequired = ['b']\nat_least = 7\n"
    assert errors_of(text + more) == [
        'party[1] "b", languages: not a list of texts; found [3]; expected a list like ["coalition"]'
    ]


_VALUES = ["3", "true", "''", "'x'", "[]", "['a', 'b']", "{ a = 'x' }", "2026-06-08T18:00:00Z", "'5 min'"]
_VALUES += ["'50 m'", "'24/7'", json.dumps(KEYS[2].text), "['flight']", "{ b = ['c'] }", "[{ role = 'x' }]"]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The whole text with some lines left out, changed or cut."""
    lines = WHOLE.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        key = lines[at].partition(" = ")[0]
        match draw(st.sampled_from(["drop", "change", "cut"])):
            case "drop":
                del lines[at]
            case "change" if " = " in lines[at]:
                lines[at] = f"{key} = {draw(st.sampled_from(_VALUES))}"
            case _:
                lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
    return "\n".join(lines)


@settings(max_examples=200)
@given(mutated())
def test_terms_lint_without_an_error_if_and_only_if_they_can_be_read(text: str) -> None:
    """Lint and reading agree on every text, and no place is without a table."""
    found = [remark for remark in lint(text.encode(), "p.toml") if remark.severity is Severity.ERROR]
    if found:
        with pytest.raises(InputError, match=r"\Ap[.]toml"):
            read_pact(text.encode(), "p.toml")
    else:
        assert pact_of(text).id is not None


CONTACT_ROWS = '[[party.contact]]\nrole = "d"\nhours = "00:00-23:59 Z"\nreach = ["p"]\n'
NAMES = "[" + ",".join(f"'n{k}'" for k in range(30_000)) + "]"
HOSTILE = {
    "contacts": PARTY + CONTACT_ROWS * 20_000,
    "parties with contacts": HEAD + "".join(f'[[party]]\nid = "p{k}"\n{CONTACT_ROWS}' for k in range(15_000)),
    "keys": PARTY + "[[party.key]]\npublic = 'x'\n" * 50_000,
    "one key": PARTY + f"[[party.key]]\npublic = '{KEYS[0].text}'\n" * 20_000,
    "releases": HEAD + PARTIES + "[[release]]\nof = 'any'\nto = ['any']\n" * 40_000,
    "receivers": HEAD
    + PARTIES
    + f"[[release]]\nof = 'a'\nto = {NAMES}\nonward = {{"
    + ",".join(f"n{k} = ['x']" for k in range(30_000))
    + "}\n",
    "reservations": ZONE
    + f"recognised_by = {NAMES}\nreservations = {{"
    + ",".join(f"n{k} = 'x'" for k in range(30_000))
    + "}\n",
    "intermediaries": HEAD
    + PARTIES
    + "[[intermediary]]\nparty = 'a'\non_behalf_of = ['x']\nto = ['b']\n" * 20_000,
    "witnesses": HEAD + f"[witnesses]\nquorum = 1\nvkeys = {NAMES}",
    "deep": HEAD + "[notice]\nflight = " + "{ normal = " * 50 + "1" + " }" * 50,
}


@pytest.mark.unmeasured
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_terms_are_answered_quickly(text: str) -> None:
    """Very many of anything give remarks within seconds, each of them short."""
    before = time.process_time()
    found = lint(text.encode(), "p.toml")
    assert time.process_time() - before < 30.0  # a quadratic reader takes hours
    assert found
    assert all(len(str(remark)) < 1_000 for remark in found)


def test_a_long_or_hostile_name_within_a_table_is_cut_in_its_place() -> None:
    """A key of a million letters, or one that would steer a terminal, makes no endless message."""
    for name in ("k" * 1_000_000, '"\\u001b[31m"'):
        (error,) = errors_of(ZONE + f"reservations = {{ {name} = 3 }}")
        assert len(error) < 400
