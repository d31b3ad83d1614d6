"""One process of a region under attack: ``planner.py URL JOURNAL SEED ACCEPTED [careless]``.

It may be killed at any time. A careless one has a service that asks for no key, and forgets to send some: the
proof must see it.

It is one instance of the discovery service with three clients, which plan into few places, all at once, until
so many of their writes were accepted. What is sent is in the journal before it is sent, key and all, and what
was answered after; a process that starts on a journal first sends again, byte for byte, what has no answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import text

from skypact.desk.dss import Asker, DssDesk
from skypact.errors import Reason, Refused
from skypact.exchange import dss as rules
from skypact.exchange.dss import CONFORMANCE, STRATEGIC
from skypact.formats import f3548_wire as wire
from skypact.instants import SECOND_US
from skypact.store import Store, Tx

NOW = 1_800_000_000 * SECOND_US
CLIENTS = 3
SCOPES = frozenset({STRATEGIC, CONFORMANCE})


def volume(dice: random.Random) -> dict[str, Any]:
    """A box in one of few places, that meets about half of the others."""
    lat, lng = 50.0 + 0.004 * dice.randrange(5), 5.0 + 0.004 * dice.randrange(5)
    start = 600 * dice.randrange(4)
    low = 50.0 * dice.randrange(4)
    corners = ((0.0, 0.0), (0.0, 0.01), (0.01, 0.01), (0.01, 0.0))
    return {
        "volume": {
            "outline_polygon": {"vertices": [{"lat": lat + a, "lng": lng + b} for a, b in corners]},
            "altitude_lower": {"value": low, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": low + 80.0, "reference": "W84", "units": "M"},
        },
        "time_start": {"value": wire.time(NOW + start * SECOND_US).value, "format": "RFC3339"},
        "time_end": {"value": wire.time(NOW + (start + 1500) * SECOND_US).value, "format": "RFC3339"},
    }


def known(tx: Tx) -> list[str]:
    """Every OVN there is: what a party has asked of all the others, just before it plans."""
    return [row[0] for row in tx.connection.execute(text("SELECT ovn FROM dss_entity WHERE kind = 'intent'"))]


class Journal:
    """What was sent and answered: a line each, in the file before the next thing happens."""

    def __init__(self, path: Path) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self.mine: dict[str, str] = {}
        self.accepted = 0
        if path.exists():
            for line in path.read_bytes().split(b"\n"):
                if line.endswith(b"}"):
                    self._count(json.loads(line))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(self._file, b"\n")  # what a kill cut short ends here

    def add(self, **entry: Any) -> None:
        """Write one line."""
        os.write(self._file, json.dumps(entry).encode() + b"\n")
        self._count(entry)

    def _count(self, entry: dict[str, Any]) -> None:
        if entry["what"] == "sent":
            self.open[entry["number"]] = entry
            return
        sent = self.open.pop(entry["number"])
        if entry["what"] == "refused" and (sent["act"], entry["reason"]) == ("delete", "unknown"):
            self.mine.pop(sent["id"], None)  # the first try, cut off by a kill, had done it
        if entry["what"] == "accepted":
            self.accepted += 1
            if sent["act"] == "delete":
                self.mine.pop(sent["id"], None)
            else:
                self.mine[sent["id"]] = entry["ovn"]


class Client:
    """A party's planning, over and over."""

    def __init__(self, desk: DssDesk, journal: Journal, party: str, *, careless: bool) -> None:
        self._desk, self._journal = desk, journal
        self._careless = careless
        self._asker = Asker(party, SCOPES, NOW)

    async def send(self, sent: dict[str, Any]) -> str:
        """Do one request that is in the journal, and write down its answer."""
        number = sent["number"]
        raw = sent["raw"].encode()
        try:
            if sent["act"] == "delete":
                answer = await self._desk.delete_intent(self._asker, sent["id"], sent["ovn"])
            else:
                request = wire.decode(raw, wire.PutOperationalIntentReferenceParameters)
                answer = await self._desk.put_intent(self._asker, sent["id"], sent["ovn"], request, raw)
        except Refused as refusal:
            if refusal.reason is Reason.UNAVAILABLE:
                return "unavailable"  # it has no answer: it is sent again
            self._journal.add(what="refused", number=number, reason=refusal.reason.value, text=str(refusal))
            return "refused"
        self._journal.add(what="accepted", number=number, ovn=answer.operational_intent_reference.ovn)
        return "accepted"

    async def plan(self, store: Store, dice: random.Random) -> None:
        """One new request, with the key of what was known a moment ago."""
        journal = self._journal
        try:
            key = await store.read(known)
        except Refused as refusal:
            if refusal.reason is not Reason.UNAVAILABLE:
                raise
            return  # the database is away: plan again when it is there
        if self._careless and key:
            key.remove(dice.choice(key))
        act = "create"
        ident: str = str(uuid.uuid4())
        ovn = None
        idle = sorted(journal.mine.keys() - {sent["id"] for sent in journal.open.values()})
        if idle and dice.random() < 0.3:
            ident = dice.choice(idle)
            ovn = journal.mine[ident]
            act = "delete" if dice.random() < 0.4 else "update"
        state = "Nonconforming" if act == "create" and dice.random() < 0.03 else "Accepted"
        body = {
            "extents": [volume(dice) for _ in range(dice.choice((1, 1, 1, 2)))],
            "state": state if act == "create" else "Activated",
            "uss_base_url": "https://uss.example/utm",
            "new_subscription": {"uss_base_url": "https://uss.example/utm"},
            "key": key if state == "Accepted" else [],
        }
        sent = {
            "what": "sent",
            "number": str(uuid.uuid4()),
            "act": act,
            "id": ident,
            "ovn": ovn,
            "party": self._asker.party,
            "raw": json.dumps(body),
        }
        journal.add(**sent)
        await self.settle(sent)

    async def settle(self, sent: dict[str, Any]) -> None:
        """Send it until it is answered."""
        for _ in range(200):
            if await self.send(sent) != "unavailable":
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"never answered: {sent['number']}")


async def main(url: str, path: str, seed: str, quota: str, *careless: str) -> None:
    """Settle what is open, then plan until the quota is reached."""
    if careless:
        setattr(rules, "missing", lambda _relevant, _key: [])  # noqa: B010 -- a saboteur's way in
    store = await Store.open(url)
    journal = Journal(Path(path))
    dice = random.Random(  # noqa: S311 -- no secret
        f"{seed}/{journal.accepted}/{len(journal.open)}"
    )
    desk = DssDesk(store)
    party = Path(path).stem
    client = Client(desk, journal, party, careless=bool(careless))
    for sent in list(journal.open.values()):
        await client.settle(sent)

    async def go_on() -> None:
        while journal.accepted < int(quota):
            await client.plan(store, dice)

    await asyncio.gather(*(go_on() for _ in range(CLIENTS)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
