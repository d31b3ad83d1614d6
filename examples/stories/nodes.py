"""What the nodes of a story are told: their configurations, and what they run when somebody is to be called.

Law: nothing here is what a person would not write into ``skypact.toml`` himself. Ports are free ones of this
machine; plain http goes to this machine alone, as is said in each file.
"""  # noqa: INP001 -- beside scripts, no package

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx
from telling import DATA, WAIT_S, Ended, free_ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telling import Tale

CHECKPOINT_S: Final = 1.5
"""A node makes a checkpoint a second while leaves come."""

NODE: Final = """\
[node]
party = "{party}"
listen = "127.0.0.1:{port}"
data_mode = "exercise"

[auth]
audience = ["127.0.0.1"]

[network]
allow_private = ["127.0.0.0/8"]

[dss]
plain_http = true

[pact]
files = ["../../pact.toml"]
peers = {peers}
call_command = {call}

[record]
origin = "{party}.example/{story}"
"""

CALL: Final = """\
# What a node runs when somebody is to be called: here it writes a line. It could ring, send, or light a lamp.
import json, pathlib, sys

call = json.load(sys.stdin)
reach = ", ".join(call["reach"])
line = f"call {call['contact']} of {call['owed_by']}, {reach}: {call['kind']}, timer {call['timer']}"
with (pathlib.Path(__file__).parent / "calls.txt").open("a", encoding="utf-8") as file:
    file.write(line + "\\n")
"""


def now() -> datetime:
    """The machine's clock, to the second."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 -- where it enters, as at any terminal


def instant(at: datetime) -> str:
    """RFC 3339."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def public_key(tale: Tale, party: str) -> str:
    """A party's public key as a pact has it."""
    pem = (tale.place(party) / DATA / "key.pub.pem").read_text(encoding="ascii")
    return "".join(pem.splitlines()[1:-1])


def configure(tale: Tale, parties: Sequence[str]) -> None:
    """Write the configuration of each party's node."""
    ports = dict(zip(parties, free_ports(len(parties)), strict=True))
    tale.kept |= {f"port_{party}": str(port) for party, port in ports.items()}
    for party in parties:
        call = tale.place(party) / "call.py"
        call.write_text(CALL, encoding="utf-8")
        text = NODE.format(
            party=party,
            port=ports[party],
            peers=json.dumps([f"{other} {_url(tale, other)}" for other in parties if other != party]),
            call=json.dumps([sys.executable, str(call)]),
            story=tale.folder.name,
        )
        (tale.place(party) / DATA / "skypact.toml").write_text(text, encoding="utf-8")


def witness(tale: Tale, parties: Sequence[str]) -> None:
    """Have each node cosign the ledgers of the others; their keys were kept as ``log_`` and ``witness_``."""
    for party in parties:
        others = [other for other in parties if other != party]
        witnesses = [
            f"{tale.kept[f'witness_{other}']} {_url(tale, other)}/record/witness" for other in others
        ]
        logs = [tale.kept[f"log_{other}"] for other in others]
        with (tale.place(party) / DATA / "skypact.toml").open("a", encoding="utf-8") as file:
            file.write(f"witnesses = {json.dumps(witnesses)}\nlogs = {json.dumps(logs)}\n")


def await_cosignatures(tale: Tale, parties: Sequence[str]) -> None:
    """Wait until the last checkpoint of each ledger, as its node serves it, has all others' cosignatures."""
    time.sleep(CHECKPOINT_S)
    until = time.monotonic() + WAIT_S
    for party in parties:
        marks = [
            f"— {tale.kept[f'witness_{other}'].partition('+')[0]} " for other in parties if other != party
        ]
        while True:
            text = httpx.get(f"{_url(tale, party)}/record/checkpoint", trust_env=False).text
            if all(mark in text for mark in marks):
                break
            if time.monotonic() > until:
                raise Ended(f"not everybody has cosigned the ledger of {party}")
            time.sleep(0.2)


def _url(tale: Tale, party: str) -> str:
    return f"http://127.0.0.1:{tale.kept[f'port_{party}']}"
