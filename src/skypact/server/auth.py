"""Who asks: bearer tokens, signed by issuers that this node was told of.

Law: a token is accepted when every one of these holds, and each refusal says which did not:

- it is a JWT of at most 8 KiB in canonical spelling, of type ``JWT`` or ``at+jwt``, without ``crit``;
- its ``iss`` is that of a configured issuer, or an issuer is configured without one, whose key may sign for
  any;
- one of that issuer's keys signed it, with that key's own algorithm (RS256, ES256 or EdDSA); where the token
  names a ``kid``, only the key of that id is tried, or a key that was given to us without an id;
- ``aud`` is exactly one of this node's audiences: a text, or a list of that one text. A token for several
  recipients could be used by one of them against another, and is refused;
- ``exp`` is there, later than now, and at most an hour and 5 s ahead (the standard's hour; 5 s for clocks);
  ``iat``, where it is there, is at most 5 s ahead and at most an hour and 5 min before ``exp`` (issuers put
  it back for slow clocks); ``nbf``, where it is there, has come;
- ``sub`` is a printable text of 1 to 255 characters; ``scope``, where it is there, is a text: scopes with
  spaces between, and nothing else parts them (RFC 6749 §3.3);
- where the issuer may speak for one party alone, ``sub`` is that party; where it may give certain scopes
  alone, ``scope`` has no other. A token that says more is refused whole: nothing of it is left out.

No leeway is given on ``exp`` and ``nbf``: issuers give it themselves, by putting ``nbf`` back, and a clock
that is off is to be mended. The one exception is :attr:`Issuer.leeway_s`.

How it works. A token that was verified is remembered by its SHA-256 until it expires, or until any issuer's
keys change; so its signature is verified once. Nothing here waits: keys come from
:class:`~skypact.seal.Keys`.

Known limit: there is no list of revoked tokens. A token is good until it expires, an hour at most.

Sources: F3548-21 (utm.yaml, securitySchemes), RFC 6750, RFC 7519, RFC 8725, RFC 9068.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from skypact.errors import FormatError, Reason, Refused
from skypact.instants import format_instant
from skypact.seal import signer as signer_of
from skypact.seal import take_apart
from skypact.server.app import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skypact.seal import Keys, PublicKey, Unverified

SECOND_US: Final = 1_000_000
LIFE_S: Final = 3_600
"""How far ahead ``exp`` may be: the standard's hour."""
AHEAD_S: Final = 5
"""How far another clock may be ahead of ours."""
BACK_S: Final = 300
"""How far an issuer may put ``iat`` back."""
SUB_MAX: Final = 255
REMEMBERED_MAX: Final = 20_000
"""Verified tokens that are remembered (some 500 bytes each)."""

_TYPES: Final = (None, "JWT", "jwt", "at+jwt", "application/at+jwt")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Somebody whose tokens are accepted.

    Attributes
    ----------
    name
        For people: in the configuration, the log and ``/readyz``.
    keys
        Where his keys come from.
    iss
        The ``iss`` of his tokens; empty: his keys may sign for any ``iss`` that is no other issuer's.
    party
        The one ``sub`` that his keys may speak for; empty: any.
    scopes
        The scopes that he may give; None: any.
    withheld
        Scopes that he may not give.
    leeway_s
        How far his clock may be off. Only for keys whose tokens open nothing but a door that judges what
        comes by its own signature: there a clock that is off must not keep an alarm out.
    """

    name: str
    keys: Keys
    iss: str = ""
    party: str = ""
    scopes: frozenset[str] | None = None
    withheld: frozenset[str] = frozenset()
    leeway_s: int = 0

    def refuse_more(self, said: Identity) -> None:
        """Refuse a token of his that says more than he may.

        Raises
        ------
        Refused
            ``UNAUTHENTICATED``: it speaks for another party, or has a scope that is not his to give.
        """
        if self.party and said.party != self.party:
            raise _not(f"issuer {self.name} may not speak for this party", where="sub", expected=self.party)
        more = said.scopes & self.withheld
        if self.scopes is not None:
            more |= said.scopes - self.scopes
        if more:
            given = "others" if self.scopes is None else " ".join(sorted(self.scopes - self.withheld))
            raise _not(
                f"issuer {self.name} may not give this scope",
                where="scope",
                found=min(more),
                expected=given or "none",
            )


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was verified."""

    identity: Identity
    start_us: int
    end_us: int
    issuer: Issuer
    keys: tuple[PublicKey, ...]


class Bearers:
    """Tells by a token who asks.

    Parameters
    ----------
    issuers
        Whose tokens are accepted.
    audiences
        The names that tokens for this node carry: its host, as others write it.

    Raises
    ------
    ValueError
        Two issuers have one ``iss``, or there is no audience.
    """

    def __init__(self, issuers: Iterable[Issuer], audiences: Iterable[str]) -> None:
        self.issuers = tuple(issuers)
        self.audiences = frozenset(audiences)
        if not self.audiences or "" in self.audiences:
            raise ValueError("a node needs an audience: without one, anybody's token would do")
        named = [issuer.iss for issuer in self.issuers if issuer.iss]
        if len(set(named)) != len(named):
            raise ValueError("two issuers have one iss")
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def unready(self, now_us: int) -> tuple[str, ...]:
        """The names of the issuers whose keys are not there, or too old to be used."""
        return tuple(issuer.name for issuer in self.issuers if issuer.keys.current(now_us) is None)

    def identify(self, token: str, now_us: int) -> Identity:
        """Whose token it is.

        Raises
        ------
        Refused
            ``UNAUTHENTICATED``: nobody's, or not for us, or not now. ``UNAVAILABLE``: the keys of its
            issuer are not there.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if (
            known is not None
            and known.start_us <= now_us < known.end_us
            and known.issuer.keys.current(now_us) is known.keys
        ):
            return known.identity
        self._known.pop(digest, None)
        known = self._verified(token, now_us)
        self._known[digest] = known
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return known.identity

    def _verified(self, token: str, now_us: int) -> _Known:
        try:
            parts = take_apart(token)
        except FormatError as error:
            raise _not(error.message) from None
        if parts.header.get("typ") not in _TYPES:
            raise _not("a token of another type", expected="JWT or at+jwt")
        issuer, keys = self._signer(parts, now_us)
        claims = parts.claims
        audience = claims.get("aud")
        if isinstance(audience, list) and len(audience) == 1:
            audience = audience[0]
        if not isinstance(audience, str) or audience not in self.audiences:
            raise _not(
                "a token for another audience", where="aud", expected=" or ".join(sorted(self.audiences))
            )
        start_us, end_us = _times(claims, now_us, issuer.leeway_s * SECOND_US)
        party = claims.get("sub")
        if not isinstance(party, str) or not 1 <= len(party) <= SUB_MAX or not party.isprintable():
            raise _not("a token of nobody", where="sub", expected=f"a text of 1 to {SUB_MAX} characters")
        scope = claims.get("scope", "")
        if not isinstance(scope, str):
            raise _not("scopes that are no text", where="scope", expected="scopes with spaces between")
        identity = Identity(party, frozenset(scope.split(" ")) - {""})
        issuer.refuse_more(identity)
        return _Known(identity, start_us, end_us, issuer, keys)

    def _signer(self, parts: Unverified, now_us: int) -> tuple[Issuer, tuple[PublicKey, ...]]:
        """Whose key signed it."""
        iss = parts.claims.get("iss", "")
        if not isinstance(iss, str):
            raise _not("an issuer that is no text", where="iss")
        named = [issuer for issuer in self.issuers if issuer.iss and issuer.iss == iss]
        candidates = named or [issuer for issuer in self.issuers if not issuer.iss]
        if not candidates:
            raise _not("an issuer that is not known here", where="iss")
        missing = ""
        for issuer in candidates:
            keys = issuer.keys.current(now_us)
            if keys is None:
                missing = issuer.name
            elif signer_of(parts, keys) is not None:
                return issuer, keys
            else:
                _hint(issuer, keys, parts)
        if missing:
            raise Refused(Reason.UNAVAILABLE, f"the keys of issuer {missing} are not there yet, or too old")
        raise _not("not signed by a key that is known here")


def _hint(issuer: Issuer, keys: tuple[PublicKey, ...], parts: Unverified) -> None:
    """Tell the source of an issuer's keys of an id that is new; how often it then looks is its own matter."""
    kid = parts.header.get("kid")
    if isinstance(kid, str) and all(key.kid != kid for key in keys):
        issuer.keys.wanted(kid)


def _times(claims: Any, now_us: int, leeway_us: int) -> tuple[int, int]:
    """From when until when a token is good, in microseconds; the end is not in it.

    A refusal says what the time is here, so that whose clock is off is seen from either side.
    """
    here = f"the time here is {format_instant(now_us)}"
    end_us = _instant(claims, "exp")
    if end_us is None:
        raise _not("a token without an end", where="exp", expected="an instant")
    if now_us >= end_us + leeway_us:
        raise _not("a token that has expired", where="exp", expected=f"later: {here}")
    issued_us = _instant(claims, "iat")
    if issued_us is not None and issued_us > now_us + AHEAD_S * SECOND_US + leeway_us:
        raise _not("a token from the future", where="iat", expected=f"at most {AHEAD_S} s ahead: {here}")
    if end_us - now_us > (LIFE_S + AHEAD_S) * SECOND_US + leeway_us:
        raise _not("a token that lives too long", where="exp", expected="at most an hour ahead")
    if issued_us is not None and end_us - issued_us > (LIFE_S + BACK_S) * SECOND_US:
        raise _not("a token that lives too long", where="exp", expected="at most an hour after iat")
    start_us = _instant(claims, "nbf")
    if start_us is not None and now_us < start_us - leeway_us:
        raise _not("a token that is not yet good", where="nbf", expected=f"earlier: {here}")
    begins_us = now_us - AHEAD_S * SECOND_US if start_us is None else start_us - leeway_us
    return begins_us, end_us + leeway_us


def _instant(claims: Any, name: str) -> int | None:
    """A claim that is an instant, in microseconds; None where it is not there."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _not("a time that is none", where=name, expected="seconds since 1970")
    if not 0 <= value < 2**40:
        raise _not("a time that is none", where=name, expected="seconds since 1970")
    return int(value * SECOND_US)


def _not(message: str, *, where: str = "", found: str | None = None, expected: str | None = None) -> Refused:
    """The refusal of a token; it never quotes the token."""
    return Refused(Reason.UNAUTHENTICATED, message, where=where, found=found, expected=expected)
