"""What a kind has beside, read and written alone; and whose key may say something, asked beforehand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hotline_world import BODY, DIGEST, NOW, PACT, Line
from pact_keys import KEYS, SECRETS
from skypact.errors import FormatError, Reason, Refused
from skypact.exchange.hotline.messages import Kind, Plain
from skypact.exchange.hotline.table import BODIES
from skypact.formats.hotline_json import body_json, body_of, encode
from skypact.formats.hotline_jws import may_sign, signed, verified
from skypact.instants import SECOND_US


@pytest.mark.parametrize("kind", Kind)
def test_what_a_kind_has_beside_is_read_as_it_is_written(kind: Kind) -> None:
    """The members of each kind's body give that body again, and nothing given is a plain one."""
    body = BODY[BODIES[kind]]
    assert body_of(kind, body_json(body)) == body
    if BODIES[kind] is Plain:
        assert body_of(kind, None) == Plain()


def test_what_does_not_belong_to_a_kind_is_refused_with_its_path() -> None:
    """A member of another kind, and a window that ends before it begins, are named."""
    with pytest.raises(FormatError, match=r"\$\.body: a member that is not known"):
        body_of(Kind.ACK, {"points": []})
    notice = body_json(BODY[BODIES[Kind.NOTIFY]])
    with pytest.raises(FormatError, match="ends before it begins"):
        body_of(Kind.NOTIFY, notice | {"end": notice["start"]})


def test_a_later_version_of_the_pact_goes_before_on_keys() -> None:
    """A key that a later version gives counts in an old thread, and one that it revokes does not."""
    north = PACT.parties[0]
    new = replace(PACT, parties=(replace(north, keys=(KEYS[3],)), *PACT.parties[1:]))
    revoked = replace(KEYS[0], revoked_us=NOW)
    off = replace(PACT, parties=(replace(north, keys=(revoked,)), *PACT.parties[1:]))
    said = Line().north(Kind.CHECK_IN)
    by_new = signed(SECRETS["d"], encode(replace(said, thread="")))
    by_old = signed(SECRETS["a"], encode(replace(said, thread="", said_us=NOW + SECOND_US)))
    assert verified(by_new, PACT, DIGEST, later=new).sender == "north"
    may_sign(by_new.key_id, by_new.message, PACT, new)
    may_sign(by_old.key_id, by_old.message, PACT)
    for envelope, later in ((by_new, None), (by_old, off)):
        with pytest.raises(Refused) as caught:
            verified(envelope, PACT, DIGEST, later=later)
        assert caught.value.reason is Reason.UNAUTHENTICATED
        with pytest.raises(Refused):
            may_sign(envelope.key_id, envelope.message, PACT, later)
