"""A party's node that plans, tells others, and is killed at one point of one of its writes after another.

    python flyer.py FOLDER BASE KILL…

FOLDER has the party's database. BASE is where the discovery service is. Each KILL is ``POINT:NTH``: a process
is started on the database, takes up what the one before left, and plans, changes, activates and ends a
flight, its messages going out between; it ends itself with SIGKILL the NTH time that a transaction is at
POINT. The last two processes have no such point: they settle what is left. Each prints ``try IDENT PHASE
PRIORITY`` before a change, ``ack IDENT PHASE PRIORITY`` after its answer, and the last ``end JSON``: what is
there.

Between two processes half a minute passes: leases are made as old as that, and requests that went out.
The processes are forked from one that has loaded everything, and are real ones all the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from crash.writer import Killer
from node_world import box, now_us
from skypact.courier.addresses import Addresses, network
from skypact.courier.client import Client
from skypact.courier.outbox import Outbox
from skypact.courier.peers import Peers
from skypact.desk.flights import Filing, Flights, NodeSettings
from skypact.exchange.planning import LATE_US
from skypact.formats import f3548_wire as wire
from skypact.node.kernels import warm
from skypact.store import Store, outbox
from skypact.store import node as kept

SECOND_US = 1_000_000
PARTY = "alpha"
OURS = "http://127.0.0.1:1/alpha"


class Named:
    """Tokens that the test's gate takes: the party and the scopes."""

    async def token(self, _audience: str, scope: str) -> str:
        """One."""
        return f"{PARTY}:{scope.replace(' ', ',')}"


def say(line: str) -> None:
    """One line, at once."""
    os.write(1, f"{line}\n".encode())


def half_a_minute_passes(database: Path) -> None:
    """Make leases, pauses and requests on their way as old as they are after that."""
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE node_attempt SET leased_us = 0")
        connection.execute("UPDATE lane SET leased_us = 0, due_us = 0")
        for flight, content in connection.execute("SELECT flight, attempt FROM node_attempt").fetchall():
            attempt = json.loads(content)
            attempt["sent_us"] = max(0, attempt["sent_us"] - LATE_US - SECOND_US)
            told = json.dumps(attempt).encode()
            connection.execute("UPDATE node_attempt SET attempt = ? WHERE flight = ?", (told, flight))
    connection.close()


async def _fly(database: Path, base: str, k: int, killer: Killer | None) -> None:
    store = await Store.open(f"sqlite:///{database}", faults=killer)
    client = Client(Addresses([network("127.0.0.0/8")]), Named())
    courier = Outbox(store, client, first_pause_s=20.0, call_s=2.0)
    flights = Flights(store, Peers(client, base), NodeSettings(party=PARTY, base_url=OURS))
    await flights.recover(now_us())
    await courier.drain()
    ident = wire.id_text(wire.new_id())
    place = box(0, 2 * k, 1, 2 * k + 1, minutes=180.0)
    steps = [("Accepted", 0), ("Accepted", 1), ("Activated", 1), ("Ended", 1)]
    for phase, priority in steps[: 3 + k % 2] if killer else ():
        say(f"try {ident} {phase} {priority}")
        volumes = [] if phase == "Ended" else [place]
        filing = Filing(phase=phase, volumes=volumes, priority=priority, name=f"flight {k}", operator="ops")
        result = await flights.file(filing, now_us(), ident=ident)
        if result.done:
            say(f"ack {ident} {phase} {priority}")
        else:
            say(f"not {ident} {result.why}")
        await courier.drain()
    if killer is None:
        say(f"end {json.dumps(await store.read(_left))}")
    await client.close()
    await store.close()


def _left(tx: Any) -> dict[str, Any]:
    rows = kept.flights(tx, ended=True, limit=10_000)
    return {
        "flights": {
            wire.id_text(row.id): [row.state, row.priority, row.version, row.ovn, row.name] for row in rows
        },
        "versions": {wire.id_text(r.id): [v[0] for v in kept.versions(tx, r.id)] for r in rows},
        "under_way": len(kept.pendings(tx, 2**62)),
        "reach": [
            {"party": r.party, "waiting": r.waiting, "delivered": r.delivered, "refused": r.refused,
             "expired": r.expired, "failures": r.failures, "fault": r.last_fault}
            for r in outbox.reach(tx)
        ],
    }  # fmt: skip


def main(folder: Path, base: str, kills: list[str]) -> None:
    """One process after another."""
    warm()
    database = folder / "alpha.db"
    for k, kill in enumerate([*kills, "", ""]):
        half_a_minute_passes(database)
        child = os.fork()
        if not child:
            point, _, nth = kill.partition(":")
            asyncio.run(_fly(database, base, k, Killer(point, int(nth)) if kill else None))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"died {k} {kill or 'settled'} {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
