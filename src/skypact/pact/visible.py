"""Who may see what: the one rule that every path of reading goes through, and who may forward for whom.

Law: **nobody sees what was not released to him, and who filed a thing always sees it.** Silence releases
nothing. There are four ways to see a thing, in this order, and no fifth:

1. it is one's own;
2. it was released to one: by its own words, or, where it has none, by the first release rule that fits it;
3. one carries it for its filer, as an intermediary whom the pact names for that;
4. a party to whom it was released has it, and was given leave to pass it on to one. One step, and no further:
   who has a thing in this way passes it on to nobody.

Names that are no party's (a force under a party's command, say) can be passed on to, and see nothing by
themselves. Which party asks is for the seal to establish; nothing here reads a signature, a clock or a store.

Source: ``docs/decisions/0016-terms-of-a-pact.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from skypact.airspace.separation import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.pact.agreement import Pact
    from skypact.pact.terms import Filing, Release


class Thing(Protocol):
    """What the rule has to know of a filing or a message."""

    @property
    def filer(self) -> str:
        """The party whose it is: who signed it, whoever carried it."""

    @property
    def filing(self) -> Filing | None:
        """Its class; None for a message, which no release rule fits."""

    @property
    def releasable_to(self) -> tuple[str, ...] | None:
        """To which parties its own words release it; None where they do not say: the pact's rules hold."""

    @property
    def onward(self) -> Mapping[str, tuple[str, ...]] | None:
        """By its own words, for a receiver, to whom he may pass it on; None where they do not say."""

    @property
    def carrier(self) -> str:
        """The intermediary that forwarded it; "" where it came straight."""


def visible(pact: Pact, party: str, thing: Thing, *, holder: str = "") -> bool:
    """Whether ``party`` may see ``thing``.

    Parameters
    ----------
    pact
        The agreement that holds.
    party
        Who asks: the id of a party of the pact. Anybody else sees nothing, not even what he filed.
    holder
        Whose copy is asked for; the filer's own where it is empty. It matters for what is passed on: only
        who has a thing can pass it on.
    """
    if pact.party(party) is None:
        return False
    if _at_first_hand(pact, party, thing):
        return True
    passes_on = bool(holder) and holder != thing.filer and _released(pact, holder, thing)
    return passes_on and party in _onward(pact, thing).get(holder, ())


def released_to(pact: Pact, thing: Thing) -> tuple[str, ...]:
    """The parties, other than its filer, to whom a thing is released, in the order of the pact."""
    parties = (party.id for party in pact.parties)
    return tuple(party for party in parties if party != thing.filer and _released(pact, party, thing))


def may_pass_on(pact: Pact, holder: str, to: str, thing: Thing) -> bool:
    """Whether a party to whom a thing was released may pass it on to ``to``, who need be no party.

    The filer passes on nothing: he releases.
    """
    has = holder != thing.filer and pact.party(holder) is not None and _released(pact, holder, thing)
    return has and to in _onward(pact, thing).get(holder, ())


def may_forward(pact: Pact, intermediary: str, on_behalf_of: str, to: str) -> bool:
    """Whether the pact lets an intermediary forward what ``on_behalf_of`` signed, unopened, to ``to``.

    The addressee has to be a party; who is forwarded for need not be.
    """
    return pact.party(to) is not None and any(
        entry.party == intermediary
        and (on_behalf_of in entry.on_behalf_of or ANY in entry.on_behalf_of)
        and (to in entry.to or ANY in entry.to)
        for entry in pact.intermediaries
    )


def _at_first_hand(pact: Pact, party: str, thing: Thing) -> bool:
    return party == thing.filer or _released(pact, party, thing) or _carries(pact, party, thing)


def _released(pact: Pact, party: str, thing: Thing) -> bool:
    if thing.releasable_to is not None:
        return party in thing.releasable_to
    rule = release_rule(pact, thing.filer, thing.filing)
    return rule is not None and (party in rule.to or ANY in rule.to)


def _carries(pact: Pact, party: str, thing: Thing) -> bool:
    return party == thing.carrier and any(
        may_forward(pact, party, thing.filer, to.id) for to in pact.parties if to.id != party
    )


def _onward(pact: Pact, thing: Thing) -> Mapping[str, tuple[str, ...]]:
    if thing.onward is not None:
        return thing.onward
    rule = release_rule(pact, thing.filer, thing.filing) if thing.releasable_to is None else None
    return {} if rule is None else dict(rule.onward)


def release_rule(pact: Pact, filer: str, filing: Filing | None) -> Release | None:
    """The first release rule that fits a filing of a class; None where none does."""
    fits = (rule for rule in pact.releases if rule.of in {filer, ANY} and filing in rule.filings)
    return next(fits, None)
