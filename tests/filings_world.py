"""Parties that file under one pact: each its own store and hotline, joined by what they bring over."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import select

from filings import NOON
from pact_keys import KEYS, SECRETS
from skypact.desk.accounts import Accounts, Acting, Role
from skypact.desk.filings import Filings
from skypact.desk.hotline import HotlineDesk
from skypact.desk.outside import NoAnswer
from skypact.desk.pact import Agreement
from skypact.formats.pact_toml import read_pact
from skypact.instants import DAY_US
from skypact.pact.signatures import Edition
from skypact.store import Store
from skypact.store.schema import leaf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skypact.desk.hotline import Verdict
    from skypact.notify.filing import Filing
    from skypact.store import Faults

T = TypeVar("T")

NOW: Final = NOON - 3 * DAY_US
"""When the stories begin: three days before what is filed begins."""
PARTIES: Final = {"north": "a", "south": "b", "office": "c"}
KEEPER: Final = Acting("ann", Role.WATCH_KEEPER)
OFFICER: Final = Acting("olga", Role.DUTY_OFFICER)

_EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "relief-corridor" / "pact-1.toml"
_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of a key in RFC 8410's form."""
_RFC_8032 = {
    "north": "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "south": "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
    "office": "MCowBQYDK2VwAyEA/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=",
}


def text() -> bytes:
    """The pact of the example, with keys whose secrets are here."""
    pact = _EXAMPLE.read_text(encoding="utf-8")
    for party, key in zip(PARTIES, KEYS, strict=False):
        pact = pact.replace(_RFC_8032[party], base64.b64encode(_ED25519 + key.public).decode())
    return pact.encode()


def editions() -> tuple[Edition, ...]:
    """The one version of it."""
    pact = read_pact(text(), "pact").pact
    assert pact is not None
    return (Edition(pact, text()),)


class Side:
    """One party: its store, its hotline, its filings; ``away`` while nobody reaches it."""

    def __init__(self, world: World, party: str, store: Store) -> None:
        self.world, self.party, self.store = world, party, store
        self.agreement = Agreement(store, editions, party)
        self.hotline = HotlineDesk(store, self.agreement, SECRETS[PARTIES[party]])
        self.filings = Filings(store, self.hotline, fetch=self, clock=lambda: world.now_us)
        self.accounts = Accounts(store, party)
        self.asked: list[tuple[str, str]] = []
        self.away = False
        self.twist: Callable[[bytes], bytes] = lambda data: data
        """What is done to bytes on their way to this side."""

    async def filing(self, party: str, sha256: str) -> bytes:
        """Fetch bytes from another side, as :class:`skypact.desk.filings.Fetch`."""
        self.asked.append((party, sha256))
        other = self.world.sides.get(party)
        if other is None or other.away:
            raise NoAnswer("there is nobody", arrived=False)
        return self.twist(await other.filings.served(sha256, self.party, self.world.now_us))

    async def bring(self) -> list[Verdict]:
        """Bring what waits here to the other sides, and what they answer back."""
        verdicts: list[Verdict] = []
        now_us = self.world.now_us
        for other in self.world.sides.values():
            rows = [] if other is self or other.away else await self.hotline.outgoing(other.party)
            if rows:
                found = await other.hotline.receive([row.envelope for row in rows], self.party, now_us)
                await self.hotline.answered(other.party, rows, found, sent_us=now_us, back_us=now_us)
                verdicts += found
        return verdicts

    def own(self, made: Filing, **more: Any) -> Filing:
        """A filing of the office's, as this party's own."""
        return replace(made, filer=self.party, **more)

    async def kinds(self) -> dict[str, int]:
        """How many leaves of each kind its ledger has."""
        found = await self.store.read(lambda tx: list(tx.connection.execute(select(leaf.c.kind)).scalars()))
        return Counter(found)


class World:
    """Some parties, and one clock for all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_us = NOW
        self.sides: dict[str, Side] = {}

    async def side(self, party: str, url: str = "", faults: Faults | None = None) -> Side:
        """A party that runs under the pact; ``faults`` is told of each point of its writes."""
        store = await Store.open(url or f"sqlite:///{self.folder / party}.db", upgrade=True, faults=faults)
        side = self.sides[party] = Side(self, party, store)
        await side.agreement.begin(self.now_us)
        for name, role in (("ann", Role.WATCH_KEEPER), ("olga", Role.DUTY_OFFICER), ("otto", Role.OBSERVER)):
            await side.accounts.make(party, name, role, "", self.now_us)
        return side

    async def again(self, party: str) -> Side:
        """The same party, started anew on what its database holds."""
        old = self.sides[party]
        await old.store.close()
        store = await Store.open(f"sqlite:///{self.folder / party}.db", upgrade=True)
        side = self.sides[party] = Side(self, party, store)
        await side.agreement.begin(self.now_us)
        return side

    async def settle(self) -> None:
        """Bring everything there and everything back, and do what is due on every side."""
        for _ in range(3):
            for side in self.sides.values():
                await side.bring()
            for side in self.sides.values():
                if not side.away:
                    await side.filings.tick(self.now_us)

    async def close(self) -> None:
        """The end."""
        for side in self.sides.values():
            await side.store.close()


def story(folder: Path, tell: Callable[[World], Awaitable[T]]) -> T:
    """A world, and what happens in it."""

    async def run() -> T:
        world = World(folder)
        try:
            return await tell(world)
        finally:
            await world.close()

    return asyncio.run(run())
