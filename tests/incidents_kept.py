"""Two parties that keep incidents: a desk of each on a store of its own, people with accounts, one pact."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from extract_world import LETTERS, pacts, us
from pact_keys import SECRETS
from skypact.airspace import DataMode
from skypact.desk.accounts import Accounts, Role
from skypact.desk.extract import of_node
from skypact.desk.incidents import Incidents
from skypact.desk.record import Record
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skypact.desk.extract import Extract
    from skypact.pact.agreement import Pact

T = TypeVar("T")
KIM: Final = "kim"
NEW: Final[dict[str, Any]] = {
    "name": "case",
    "title": "A case",
    "parties": {"north": "The north", "south": "The south"},
}
ACCOUNT: Final = {
    "speaker": "spokesman",
    "standing": "official",
    "said": "2026-06-01T07:00:00Z",
    "source": "a statement",
    "language": "en",
}


def account(party: str, **more: str) -> tuple[str, dict[str, Any]]:
    """An account of a party."""
    return "account", {"party": party, **ACCOUNT, **more}


def claim(account: str, value: str) -> tuple[str, dict[str, Any]]:
    """How many, as an account has it."""
    said = {"account": account, "predicate": "how_many", "subject": "people", "modality": "asserted"}
    return "claim", {**said, "value": value, "quote": "so many"}


@dataclass
class Keeper:
    """One party: its desk, its store, its record; kim investigates, olga observes."""

    desk: Incidents
    store: Store
    record: Record
    accounts: Accounts


async def keeper(
    url: str, party: str, *, key: str = "", pact: Pact | None = None, bare: bool = False
) -> Keeper:
    """A party's desk; ``bare``: without a pact."""
    store = await Store.open(url, upgrade=True)
    accounts = Accounts(store, party)
    for name, role in (("kim", Role.INVESTIGATOR), ("olga", Role.OBSERVER), ("wanda", Role.WATCH_KEEPER)):
        await accounts.make(party, name, role, "", us(0))
    secret = SECRETS[key or LETTERS[party]]
    record = Record(store, secret)
    (held,) = pacts().values()
    under = None if bare else pact or held

    async def extract(at_us: int, since_us: int, until_us: int) -> Extract:
        return await of_node(store, record, party, at_us, since_us=since_us, until_us=until_us)

    desk = Incidents(store, accounts, DataMode.TEST, secret, pact=lambda _at_us: under, extract=extract)
    return Keeper(desk, store, record, accounts)


def kept(tell: Callable[[Keeper, Keeper], Awaitable[T]], north: str, south: str, **more: Any) -> T:
    """A story of two parties that keep incidents."""

    async def run() -> T:
        sides = [await keeper(north, "north", **more), await keeper(south, "south")]
        try:
            return await tell(*sides)
        finally:
            for side in sides:
                await side.store.close()

    return asyncio.run(run())
