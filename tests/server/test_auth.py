"""Whose token is accepted, until when, and how often a signature is verified."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from skypact import seal
from skypact.errors import Reason, Refused
from skypact.seal import FixedKeys, PublicKey
from skypact.server.auth import REMEMBERED_MAX, Bearers, Issuer

NOW_S = 1_700_000_000
NOW_US = NOW_S * 1_000_000
KEY = seal.generate("EdDSA")
OTHER = seal.generate("ES256")
RSA = seal.generate("RS256")
HOST = "node.example"
CLAIMS: dict[str, Any] = {
    "iss": "https://auth.example",
    "sub": "uss1",
    "aud": HOST,
    "scope": "utm.strategic_coordination utm.availability_arbitration",
    "iat": NOW_S,
    "nbf": NOW_S - 1,
    "exp": NOW_S + 3600,
}


@dataclass
class Changing:
    """Keys that a test changes."""

    keys: tuple[PublicKey, ...] | None
    asked: list[str] = field(default_factory=list)

    def current(self, now_us: int) -> tuple[PublicKey, ...] | None:
        """The keys."""
        assert now_us > 0
        return self.keys

    def wanted(self, kid: str) -> None:
        """Remember."""
        self.asked.append(kid)


def bearers(*issuers: Issuer) -> Bearers:
    """A verifier with an issuer of its own and any others."""
    own = Issuer("auth", FixedKeys((KEY.public,)), "https://auth.example")
    return Bearers(issuers or (own,), (HOST, "alias.example"))


def token(key: seal.SigningKey = KEY, **changes: Any) -> str:
    """A token whose claims differ from a good one's by these; None takes one out."""
    claims = CLAIMS | changes
    return key.token({name: value for name, value in claims.items() if value is not None})


def refused(text: str, verifier: Bearers | None = None, now_us: int = NOW_US) -> str:
    """What is said of a token that is not accepted."""
    with pytest.raises(Refused) as caught:
        (verifier or bearers()).identify(text, now_us)
    assert caught.value.reason is Reason.UNAUTHENTICATED
    assert text[:20] not in str(caught.value) or not text
    return str(caught.value)


def test_a_good_token_says_who_and_what_he_may() -> None:
    """The party is ``sub``; the scopes are those between the spaces."""
    identity = bearers().identify(token(), NOW_US)
    assert identity.party == "uss1"
    assert identity.scopes == {"utm.strategic_coordination", "utm.availability_arbitration"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"exp": None}, "exp: a token without an end"),
        ({"exp": NOW_S}, "exp: a token that has expired"),
        ({"exp": NOW_S - 1}, "exp: a token that has expired"),
        ({"exp": NOW_S + 3606, "iat": None}, "exp: a token that lives too long"),
        ({"exp": 2**39, "iat": None}, "exp: a token that lives too long"),
        ({"exp": 2**80}, "exp: a time that is none"),
        ({"exp": 1e300}, "exp: a time that is none"),
        ({"exp": -1}, "exp: a time that is none"),
        ({"exp": str(NOW_S + 60)}, "exp: a time that is none"),
        ({"exp": True}, "exp: a time that is none"),
        ({"exp": [NOW_S + 60]}, "exp: a time that is none"),
        ({"iat": NOW_S - 301}, "exp: a token that lives too long"),
        ({"iat": NOW_S + 6}, "iat: a token from the future; expected at most 5 s ahead: the time here is 20"),
        ({"iat": NOW_S + 3600, "exp": NOW_S + 7200}, "iat: a token from the future"),
        ({"iat": "x"}, "iat: a time that is none"),
        ({"nbf": NOW_S + 1}, "nbf: a token that is not yet good"),
        ({"aud": None}, "aud: a token for another audience"),
        ({"aud": ""}, "aud: a token for another audience"),
        ({"aud": "other.example"}, "aud: a token for another audience"),
        ({"aud": "NODE.example"}, "aud: a token for another audience"),
        ({"aud": HOST + ":443"}, "aud: a token for another audience"),
        ({"aud": [HOST, "other.example"]}, "aud: a token for another audience"),
        ({"aud": [HOST, "alias.example"]}, "aud: a token for another audience"),
        ({"aud": []}, "aud: a token for another audience"),
        ({"aud": [[HOST]]}, "aud: a token for another audience"),
        ({"aud": {HOST: 1}}, "aud: a token for another audience"),
        ({"sub": None}, "sub: a token of nobody"),
        ({"sub": ""}, "sub: a token of nobody"),
        ({"sub": "a" * 256}, "sub: a token of nobody"),
        ({"sub": "a\nb"}, "sub: a token of nobody"),
        ({"sub": 5}, "sub: a token of nobody"),
        ({"scope": ["utm.strategic_coordination"]}, "scope: scopes that are no text"),
        ({"iss": "https://evil.example"}, "iss: an issuer that is not known here"),
        ({"iss": None}, "iss: an issuer that is not known here"),
        ({"iss": 5}, "iss: an issuer that is no text"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(changes: dict[str, Any], text: str) -> None:
    """One claim at a time, everything else being good."""
    assert refused(token(**changes)).startswith(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW_S + 1},
        {"exp": NOW_S + 3605, "iat": NOW_S + 5},
        {"exp": NOW_S + 0.5},
        {"iat": NOW_S - 300},
        {"iat": NOW_S + 5},
        {"nbf": NOW_S},
        {"iat": None, "nbf": None},
        {"aud": [HOST]},
        {"aud": "alias.example"},
        {"sub": "a" * 255},
        {"scope": None},
        {"scope": ""},
    ],
)
def test_the_last_value_that_holds_is_accepted(changes: dict[str, Any]) -> None:
    """Each bound is where it is said to be."""
    identity = bearers().identify(token(**changes), NOW_US)
    assert identity.party == changes.get("sub", "uss1")


def test_scopes_are_parted_by_spaces_alone() -> None:
    """No other white space makes two scopes of one, and spaces at the ends or in a row make none."""
    text = token(scope="  utm.strategic_coordination\u00a0utm.availability_arbitration  a\tb c\u2003d ")
    scopes = bearers().identify(text, NOW_US).scopes
    assert scopes == {
        "utm.strategic_coordination\u00a0utm.availability_arbitration",
        "a\tb",
        "c\u2003d",
    }


def test_a_remembered_token_expires_to_the_microsecond() -> None:
    """What was verified once is asked again for its times, not for its signature."""
    verifier, text = bearers(), token(exp=NOW_S + 10, nbf=NOW_S)
    for at_us in (NOW_US, NOW_US + 10_000_000 - 1):
        assert verifier.identify(text, at_us).party == "uss1"
    assert refused(text, verifier, NOW_US + 10_000_000).startswith("exp: a token that has expired")
    assert verifier.identify(text, NOW_US).party == "uss1"
    assert refused(text, verifier, NOW_US - 1).startswith("nbf: a token that is not yet good")


def test_a_signature_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand requests with one token cost one verification."""
    verified = []
    real = seal.PublicKey.verifies

    def counting(self: PublicKey, signature: bytes, signed: bytes) -> bool:
        verified.append(1)
        return real(self, signature, signed)

    monkeypatch.setattr(seal.PublicKey, "verifies", counting)
    verifier, text = bearers(), token()
    for _ in range(1000):
        verifier.identify(text, NOW_US)
    assert len(verified) == 1


def test_a_token_of_a_key_that_was_withdrawn_is_refused_at_once() -> None:
    """Also one that was accepted a moment ago."""
    source = Changing((KEY.public,))
    verifier, text = bearers(Issuer("auth", source, "https://auth.example")), token()
    assert verifier.identify(text, NOW_US).party == "uss1"
    source.keys = (OTHER.public,)
    assert refused(text, verifier).startswith("not signed by a key")


def test_without_its_issuers_keys_a_token_is_neither_good_nor_bad() -> None:
    """The refusal says that it may be asked again; the node says that it is not ready."""
    source = Changing(None)
    verifier = bearers(Issuer("auth", source, "https://auth.example"))
    with pytest.raises(Refused) as caught:
        verifier.identify(token(), NOW_US)
    assert caught.value.reason is Reason.UNAVAILABLE
    assert verifier.unready(NOW_US) == ("auth",)
    source.keys = (KEY.public,)
    assert verifier.identify(token(), NOW_US).party == "uss1"
    assert verifier.unready(NOW_US) == ()


def test_an_unknown_key_id_is_a_hint_to_look_for_new_keys() -> None:
    """The source is told the id; the token is refused all the same."""
    (named,) = seal.public_keys(
        b'{"keys": [' + json.dumps(KEY.public.jwk() | {"kid": "old"}).encode() + b"]}"
    )
    source = Changing((named,))
    verifier = bearers(Issuer("auth", source, "https://auth.example"))
    assert refused(token(OTHER), verifier).startswith("not signed by a key")
    assert source.asked == [OTHER.public.thumbprint]


def test_one_issuers_key_cannot_sign_for_another() -> None:
    """Also where it names the other's key id."""
    verifier = bearers(
        Issuer("a", FixedKeys((KEY.public,)), "https://auth.example"),
        Issuer("b", FixedKeys((OTHER.public,)), "https://b.example"),
        Issuer("any", FixedKeys((RSA.public,))),
    )
    assert refused(token(OTHER), verifier).startswith("not signed")
    assert refused(token(RSA), verifier).startswith("not signed")
    assert refused(token(KEY, iss="https://b.example"), verifier).startswith("not signed")
    assert verifier.identify(token(OTHER, iss="https://b.example"), NOW_US).party == "uss1"


def test_an_issuer_without_iss_signs_for_any_that_is_nobody_elses() -> None:
    """As a stand-in for an authority needs it; the iss of another issuer stays his."""
    verifier = bearers(
        Issuer("a", FixedKeys((KEY.public,)), "https://auth.example"), Issuer("any", FixedKeys((RSA.public,)))
    )
    for iss in ("anything", "", None):
        assert verifier.identify(token(RSA, iss=iss), NOW_US).party == "uss1"
    assert refused(token(OTHER, iss="anything"), verifier).startswith("not signed")


def test_an_issuer_of_one_party_speaks_for_no_other() -> None:
    """Also for a name that differs by its case; what it may say is accepted, without a scope too."""
    pact = Issuer(
        "pact b",
        FixedKeys((OTHER.public,)),
        "https://b.example",
        party="b",
        scopes=frozenset({"skypact.hotline"}),
    )
    verifier = bearers(pact)
    good = {"iss": "https://b.example", "sub": "b", "scope": "skypact.hotline"}
    for changes in ({}, {"scope": None}, {"scope": "  skypact.hotline "}):
        assert verifier.identify(token(OTHER, **good | changes), NOW_US).party == "b"
    for sub in ("a", "B", "b ", "node"):
        told = refused(token(OTHER, **good | {"sub": sub}), verifier)
        assert told == "sub: issuer pact b may not speak for this party; expected b"


def test_an_issuer_gives_no_scope_that_is_not_its_to_give() -> None:
    """A token with one scope too many is refused whole, and the refusal names that scope."""
    scopes = frozenset({"skypact.hotline", "skypact.read"})
    verifier = bearers(Issuer("pact b", FixedKeys((OTHER.public,)), "https://b.example", scopes=scopes))
    for more in ("utm.strategic_coordination", "skypact.people", "SKYPACT.hotline"):
        text = token(OTHER, iss="https://b.example", scope=f"skypact.hotline {more}")
        assert refused(text, verifier) == (
            f"scope: issuer pact b may not give this scope; found {more!r}; "
            "expected skypact.hotline skypact.read"
        )
    both = token(OTHER, iss="https://b.example", scope="skypact.read skypact.hotline", sub="anybody")
    assert verifier.identify(both, NOW_US).scopes == scopes
    mute = bearers(Issuer("mute", FixedKeys((OTHER.public,)), "https://b.example", scopes=frozenset()))
    assert refused(both, mute).endswith("expected none")
    assert mute.identify(token(OTHER, iss="https://b.example", scope=""), NOW_US).scopes == frozenset()


def test_what_one_issuer_may_not_say_another_may() -> None:
    """The bound is the issuer's whose key signed, whatever else is configured beside it."""
    narrow = Issuer("b", FixedKeys((OTHER.public,)), "https://b.example", party="b", scopes=frozenset())
    wide = Issuer("auth", FixedKeys((KEY.public,)), "https://auth.example")
    verifier = bearers(narrow, wide)
    assert verifier.identify(token(), NOW_US).party == "uss1"
    assert refused(token(OTHER), verifier).startswith("not signed")
    assert refused(token(OTHER, iss="https://b.example"), verifier).startswith("sub: ")
    assert refused(token(OTHER, iss="https://b.example", sub="b"), verifier).startswith("scope: ")


@pytest.mark.parametrize("kind", ["JWE", "dpop+jwt", "secevent+jwt", 5, ["JWT"], {"a": 1}])
def test_a_token_of_another_type_is_refused(kind: Any) -> None:
    """A logout token of the same issuer is no access token."""
    text = token()
    header = seal._base64url(seal._json({"alg": "EdDSA", "typ": kind}))
    body = f"{header}.{text.split('.')[1]}"
    forged = f"{body}.{seal._base64url(KEY.sign(body.encode()))}"
    assert refused(forged).startswith("a token of another type")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é" * 10, "\ud800", "x" * 10_000, "a.b.c\r\nx: y"])
def test_what_is_no_token_is_nobodys(text: str) -> None:
    """Any text at all is a plain refusal."""
    assert refused(text)


def test_what_is_remembered_is_bounded() -> None:
    """The oldest are forgotten and verified anew."""
    verifier = bearers()
    first = token()
    verifier.identify(first, NOW_US)
    known = next(iter(verifier._known.values()))
    for number in range(REMEMBERED_MAX):
        verifier._known[number.to_bytes(32, "big")] = known
    verifier.identify(token(sub="uss2"), NOW_US)
    assert len(verifier._known) <= REMEMBERED_MAX + 1
    assert verifier.identify(first, NOW_US).party == "uss1"


def test_a_node_without_an_audience_is_refused() -> None:
    """Anybody's token would do."""
    issuer = Issuer("auth", FixedKeys((KEY.public,)))
    for audiences in ((), ("",), (HOST, "")):
        with pytest.raises(ValueError, match="audience"):
            Bearers((issuer,), audiences)
    with pytest.raises(ValueError, match="one iss"):
        Bearers((Issuer("a", issuer.keys, "x"), Issuer("b", issuer.keys, "x")), (HOST,))


def test_not_a_number_is_no_time() -> None:
    """NaN compares with nothing, and the JSON of a token cannot hold it."""
    assert math.isnan(float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        token(exp=float("nan"))


def test_an_issuer_gives_no_scope_that_is_withheld_from_it() -> None:
    """A scope that an issuer may not give makes its token nobody's; its other scopes are good."""
    withheld = frozenset({"skypact.people"})
    authority = Issuer("b", FixedKeys((KEY.public,)), "https://auth.example", withheld=withheld)
    text = refused(token(scope="utm.strategic_coordination skypact.people"), bearers(authority))
    assert text == "scope: issuer b may not give this scope; found 'skypact.people'; expected others"
    assert bearers(authority).identify(token(scope="utm.strategic_coordination"), NOW_US).party == "uss1"
    both = Issuer(
        "b", FixedKeys((KEY.public,)), "https://auth.example", scopes=withheld | {"a"}, withheld=withheld
    )
    assert "found 'skypact.people'; expected a" in refused(token(scope="skypact.people"), bearers(both))


@pytest.mark.parametrize("apart_s", [-3_600, 3_600])
def test_a_clock_that_is_off_by_less_than_the_leeway_keeps_nobody_out(apart_s: int) -> None:
    """An hour either way is none at a door with a day's leeway, two days are; elsewhere an hour is."""
    day = Issuer("b", FixedKeys((KEY.public,)), "https://auth.example", leeway_s=86_400)
    made: dict[str, Any] = {
        name: NOW_S + apart_s + add for name, add in (("iat", 0), ("nbf", -1), ("exp", 300))
    }
    strict, lenient = bearers(), bearers(day)
    assert lenient.identify(token(**made), NOW_US).party == "uss1"
    assert lenient.identify(token(**made), NOW_US).party == "uss1"
    refused(token(**made), strict)
    far = {name: value + 47 * apart_s for name, value in made.items()}
    refused(token(**far), lenient)
