"""Signatures under the lines of an incident: whose they are, and what shows when it was changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_world import DAY, NOON_US, account, claim, entry, opening
from pact_keys import KEYS, SECRETS
from skypact.airspace import DataMode
from skypact.errors import FormatError, InputError, ModeError
from skypact.formats import incident_signatures
from skypact.formats.incident_file import Kept, read_incident, started
from skypact.formats.incident_signatures import TITLE, read_signatures, write_signatures
from skypact.incident.entries import Stated, Withdrawal
from skypact.incident.signatures import Mark, Standing, owner, sign, signature_of, standing
from skypact.instants import SECOND_US
from skypact.pact import Pact, Party
from skypact.pact.keys import PartyKey
from skypact.seal import detach

if TYPE_CHECKING:
    from skypact.incident.signatures import Signature
    from skypact.seal import SigningKey

PACT = Pact(
    "p",
    data_mode=DataMode.TEST,
    parties=(Party("north", keys=(KEYS[0],)), Party("south", keys=(KEYS[1],)), Party("east")),
)
NORTH, SOUTH = SECRETS["a"], SECRETS["b"]


def told() -> Kept:
    """An incident that the north opened, with an account of each side and a withdrawal."""
    kept = started(entry(opening(), by="north"))
    for k, (by, what) in enumerate(
        (
            ("north", account()),
            ("south", account("A2", "south")),
            ("office", Stated(claim("who", "we"))),
            ("south", Withdrawal("A2", "a mistake")),
        ),
        1,
    ):
        kept = kept.with_entry(entry(what, by=by, after_s=k))
    return kept


def signed(kept: Kept, key: SigningKey, *, lines: int | None = None) -> Signature:
    """A signature of its first lines."""
    some = kept.lines[:lines]
    return sign(key, kept.case, some, PACT, NOON_US)


def known(kept: Kept, *signatures: Signature, pact: Pact = PACT) -> Standing:
    """What is known of its lines."""
    return standing(kept.case, kept.lines, signatures, pact)


def test_a_party_signs_what_was_written_for_it_up_to_a_line() -> None:
    """Its own entries above and at that line are signed; an office has no key; the rest is marked."""
    kept = told()
    marks = known(kept).marks
    assert marks == (Mark.UNSIGNED, Mark.UNSIGNED, Mark.UNSIGNED, Mark.NO_KEY, Mark.UNSIGNED)
    found = known(kept, signed(kept, NORTH), signed(kept, SOUTH, lines=3))
    assert found.marks == (Mark.SIGNED, Mark.SIGNED, Mark.SIGNED, Mark.NO_KEY, Mark.UNSIGNED)
    assert (found.unsigned, found.mark, found.faults) == ((3, 4), "UNSIGNED", ())
    assert [(each.party, each.number) for each in found.good] == [("south", 2), ("north", 4)]


def test_an_incident_in_which_every_line_is_signed_has_no_mark() -> None:
    """The order in which signatures came says nothing."""
    kept = started(entry(opening(), by="north")).with_entry(entry(account(), by="north"))
    one, other = signed(kept, NORTH, lines=1), signed(kept, NORTH)
    for order in ((one, other), (other, one)):
        assert (known(kept, *order).mark, known(kept, *order).unsigned) == ("", ())


@given(st.integers(0, 3), st.integers(0, 4))
def test_a_line_that_was_changed_is_a_fault_of_every_signature_from_it_on(changed: int, upto: int) -> None:
    """Even where all lines after it were made anew, so that the file by itself is whole."""
    kept = told()
    entries = [
        replace(each, post="another post") if number == changed else each
        for number, each in enumerate(kept.case.entries)
    ]
    anew = started(entries[0])
    for each in entries[1:]:
        anew = anew.with_entry(each)
    assert read_incident(anew.data, "f").head != kept.head
    found = known(anew, signed(kept, NORTH, lines=upto + 1))
    if upto < changed:
        assert [each.number for each in found.good] == [upto]
    else:
        (fault,) = found.faults
        assert fault.message == "that line, or one above it, was changed after it was signed"
        assert set(found.marks) == {Mark.UNSIGNED, Mark.NO_KEY}


def test_lines_that_were_cut_off_are_missed() -> None:
    """Who signed five lines has not signed a file of two."""
    kept = told()
    short = read_incident(b"".join(line + b"\n" for line in kept.lines[:2]), "f")
    (fault,) = known(short, signed(kept, NORTH)).faults
    assert fault.message == "lines are missing that were there when it was signed"
    assert "signature of north under line 5" in str(fault)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"incident": "another"}, "of another incident"),
        ({"number": -1}, "lines are missing that were there when it was signed"),
        ({"party": "south"}, "made with a key that the pact does not give to south"),
        ({"party": "west"}, "made with a key that the pact does not give to west"),
        ({"key_id": "other"}, "made with a key that the pact does not give to north"),
    ],
)
def test_a_signature_that_says_something_else_counts_for_nothing(
    changes: dict[str, Any], message: str
) -> None:
    """Each fault is told; the line stays usable, and unsigned."""
    kept = told()
    found = known(kept, replace(signed(kept, NORTH), **changes))
    assert [fault.message for fault in found.faults] == [message]
    assert found.good == ()


def test_a_signature_by_another_key_under_this_ones_name_does_not_fit() -> None:
    """The header is signed, so that a name that was put in does not hold."""
    kept = told()
    real = signed(kept, NORTH)
    forged = detach(SOUTH, dict(real.detached.header), kept.lines[-1])
    (fault,) = known(kept, signature_of(forged)).faults
    assert fault.message == "does not fit: it was not made by the key that it names"


def test_a_key_signs_while_it_holds_and_no_longer() -> None:
    """A signature dated after the revocation is refused, when it is made and when it is read."""
    kept = told()
    idle = replace(
        PACT, parties=(Party("north", keys=(PartyKey(KEYS[0].public, revoked_us=NOON_US),)), Party("south"))
    )
    with pytest.raises(InputError, match="a key that is revoked from"):
        sign(NORTH, kept.case, kept.lines, idle, NOON_US)
    assert known(kept, sign(NORTH, kept.case, kept.lines, idle, NOON_US - SECOND_US), pact=idle).faults == ()
    (fault,) = known(kept, signed(kept, NORTH), pact=idle).faults
    assert fault.message.startswith("made with a key that is revoked from")


def test_who_has_no_key_in_the_pact_signs_nothing() -> None:
    """The parties that have are named; a pact of another data mode is refused."""
    kept = told()
    with pytest.raises(InputError, match="gives to no party; expected a key of north, south, east"):
        sign(SECRETS["c"], kept.case, kept.lines, PACT, NOON_US)
    with pytest.raises(InputError, match="parties, of which it has none"):
        owner(Pact("empty"), NORTH)
    real = replace(PACT, data_mode=DataMode.REAL)
    with pytest.raises(ModeError):
        sign(NORTH, kept.case, kept.lines, real, NOON_US)
    with pytest.raises(ModeError):
        known(kept, pact=real)


def test_signatures_are_a_file_of_their_own() -> None:
    """Written and read they are the same; each is a detached JWS."""
    kept = told()
    made = (signed(kept, NORTH), signed(kept, SOUTH, lines=3))
    data = write_signatures(made)
    assert data.decode().splitlines()[0] == TITLE
    assert read_signatures(data, "f.sigs") == made
    assert dict(made[0].detached.header)["sha256"] == kept.head


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f.sigs:1: not signatures of an incident; found 'nothing'"),
        (b"skypact pact signatures 1\n", "f.sigs:1: not signatures of an incident"),
        (b"\xff", "f.sigs: not ASCII; found 'byte 0xff'"),
        (TITLE.encode() + b"\nx\n", "f.sigs:2: signature: not a detached signature"),
    ],
)
def test_another_file_is_refused_with_its_line(data: bytes, message: str) -> None:
    """What was found there is said."""
    with pytest.raises(FormatError) as raised:
        read_signatures(data, "f.sigs")
    assert str(raised.value).startswith(message)


def test_a_header_has_just_the_members_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """None missing, none more, each of its type; and a file has so many lines at most."""
    kept = told()
    header = dict(signed(kept, NORTH).detached.header)
    for change in ({"n": "4"}, {"typ": "skypact-pact"}, {"more": 1}, {"n": True}):
        with pytest.raises(FormatError, match="not a signature of an incident"):
            signature_of(detach(NORTH, header | change, b""))
    one = write_signatures([signed(kept, NORTH)])
    monkeypatch.setattr(incident_signatures, "SIGNATURES_MAX", 0)
    with pytest.raises(FormatError, match="too many signatures"):
        read_signatures(one, "f")
    monkeypatch.setattr(incident_signatures, "SIZE_MAX", 10)
    with pytest.raises(FormatError, match="too long for signatures"):
        read_signatures(one, "f")
    assert json.loads(json.dumps(header)) == header
    assert DAY.earliest_us < NOON_US
