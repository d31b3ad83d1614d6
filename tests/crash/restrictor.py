"""A party's node that files constraints, and is killed at one point of one of its writes after another.

    python restrictor.py FOLDER BASE KILL…

As ``flyer.py`` does with a flight, each process takes up what the one before left, and files, moves and ends
a constraint; its messages stay in the outbox, where the test counts them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crash.flyer import OURS, PARTY, Named, say
from crash.writer import Killer
from node_world import box, now_us
from skypact.courier.addresses import Addresses, network
from skypact.courier.client import Client
from skypact.courier.peers import Peers
from skypact.desk.constraints import ConstraintDesk, ConstraintFiling
from skypact.desk.flights import Flights, NodeSettings
from skypact.formats import f3548_wire as wire
from skypact.node.kernels import warm
from skypact.store import Store, watchful
from skypact.store.schema import outbox

GONE = 2**31
"""Later than every version."""


async def _restrict(database: Path, base: str, k: int, killer: Killer | None) -> None:
    store = await Store.open(f"sqlite:///{database}", faults=killer)
    client = Client(Addresses([network("127.0.0.0/8")]), Named())
    peers = Peers(client, base)
    settings = NodeSettings(party=PARTY, base_url=OURS, constraints=True)
    desk = ConstraintDesk(store, peers, Flights(store, peers, settings))
    await desk.recover(now_us())
    ident = wire.id_text(wire.new_id())
    for step in ("file", "move", "end")[: 2 + k % 2] if killer else ():
        say(f"try {ident} {step}")
        if step == "end":
            result = await desk.end(ident, now_us())
        else:
            place = box(0, 2 * k, 1 if step == "file" else 2, 2 * k + 1, minutes=180.0)
            filing = ConstraintFiling(volumes=[place], type="com.example.fire", name=f"{k}", provider="fire")
            result = await desk.file(filing, now_us(), ident=ident)
        say(f"{'ack' if result.done else 'not'} {ident} {step}")
    if killer is None:
        say(f"end {json.dumps(await store.read(_left))}")
    await client.close()
    await store.close()


def _left(tx: Any) -> dict[str, Any]:
    told: dict[str, list[int]] = {}
    messages = select(outbox.c.ref, outbox.c.body).where(outbox.c.topic == "constraint").order_by(outbox.c.id)
    for ref, body in tx.connection.execute(messages):
        shown = json.loads(body).get("constraint")
        told.setdefault(ref, []).append(GONE if shown is None else shown["reference"]["version"])
    rows = watchful.constraints(tx, ended=True, limit=10_000)
    return {
        "constraints": {wire.id_text(r.id): [r.state, r.version, r.ovn, r.name] for r in rows},
        "told": told,
        "under_way": len(watchful.constraint_works(tx, 2**62)),
    }


def _lease_is_over(database: Path) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE node_constraint_attempt SET leased_us = 0")
    connection.close()


def main(folder: Path, base: str, kills: list[str]) -> None:
    """One process after another."""
    warm()
    database = folder / "alpha.db"
    for k, kill in enumerate([*kills, "", ""]):
        _lease_is_over(database)
        child = os.fork()
        if not child:
            point, _, nth = kill.partition(":")
            asyncio.run(_restrict(database, base, k, Killer(point, int(nth)) if kill else None))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"died {k} {kill or 'settled'} {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
