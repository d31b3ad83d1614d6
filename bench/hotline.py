"""The hotline between two nodes on this machine: how many messages a second, and how long one takes.

Law: the receiving node is a process of its own (``skypact up``), the sending one runs here, each on a SQLite
database of its own that is durable; a message counts when the other machine's signed receipt is in our
ledger. Nothing is asserted; the figures are printed.

    python bench/hotline.py [--messages N] [--seconds S]
"""

# ruff: noqa: ASYNC110, ASYNC220 -- it waits for a process of its own
from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

from skypact.courier.addresses import Addresses, network
from skypact.courier.client import Client
from skypact.courier.hotline import Hotline
from skypact.courier.tokens import OwnKey, Tokens
from skypact.desk.clock import now_us
from skypact.desk.hotline import HotlineDesk
from skypact.desk.lines import Lines
from skypact.desk.pact import Agreement
from skypact.exchange.hotline.messages import Kind, Notice, Position, Post
from skypact.formats.pact_toml import read_pact
from skypact.instants import HOUR_US
from skypact.pact import Filing
from skypact.pact.keys import key_text, public_bytes
from skypact.pact.signatures import Edition
from skypact.seal import generate
from skypact.store import Store

_PACT: Final = """\
[pact]
id = "bench"
data_mode = "test"

[[party]]
id = "north"
[[party.key]]
public = "{north}"

[[party]]
id = "south"
[[party.key]]
public = "{south}"
"""
_CONFIG: Final = """\
[node]
party = "south"
listen = "127.0.0.1:{port}"
data_mode = "test"
[auth]
audience = ["127.0.0.1"]
[network]
allow_private = ["127.0.0.0/8"]
[dss]
plain_http = true
[pact]
files = ["pact.toml"]
peers = ["north http://127.0.0.1:9"]
[log]
level = "warning"
"""
_BODY: Final = Notice(
    Filing.MOVEMENT,
    "north/1",
    1,
    (Position(335061000, 386178000), Position(336000000, 387000000)),
    4_000_000_000_000_000,
    4_000_000_000_000_000 + 2 * HOUR_US,
)


def _port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _measure(folder: Path, messages: int, seconds: float) -> None:
    keys = {name: generate("EdDSA") for name in ("north", "south")}
    text = _PACT.format(**{name: key_text(public_bytes(key.public)) for name, key in keys.items()}).encode()
    port = _port()
    (folder / "pact.toml").write_bytes(text)
    (folder / "key.pem").write_bytes(keys["south"].pem())
    (folder / "key.pem").chmod(0o600)
    (folder / "skypact.toml").write_text(_CONFIG.format(port=port))
    skypact = Path(sys.executable).with_name("skypact")
    process = subprocess.Popen(
        [skypact, "up", "--config", folder / "skypact.toml"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        while "listens" not in process.stdout.readline():
            pass
        store = await Store.open(f"sqlite:///{folder / 'north.db'}", upgrade=True)
        pact = read_pact(text, "pact.toml").pact
        assert pact is not None
        agreement = Agreement(store, lambda: (Edition(pact, text),), "north")
        await agreement.begin(now_us())
        desk = HotlineDesk(store, agreement, keys["north"])
        tokens = Tokens(OwnKey(keys["north"], issuer="urn:skypact:hotline:north", party="north"))
        client = Client(Addresses((network("127.0.0.0/8"),)), tokens)
        courier = Hotline(desk, Lines(store, desk), client, {"south": f"http://127.0.0.1:{port}"})
        running = asyncio.create_task(courier.run())
        await _one(desk)
        await _many(desk, messages)
        await _steady(desk, seconds)
        running.cancel()
        await client.close()
        await store.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


async def _one(desk: HotlineDesk) -> str:
    said = await desk.say(Kind.NOTIFY, "south", _BODY, by="bench", post=Post.WATCH_KEEPER, now_us=now_us())
    return said.id


async def _settled(desk: HotlineDesk) -> None:
    while await desk.outgoing("south"):
        await asyncio.sleep(0.005)


async def _many(desk: HotlineDesk, messages: int) -> None:
    await _settled(desk)
    began = time.perf_counter()
    for first in range(0, messages, 64):
        await asyncio.gather(*(_one(desk) for _ in range(min(64, messages - first))))
    said = time.perf_counter()
    await _settled(desk)
    ended = time.perf_counter()
    rates = messages / (said - began), messages / (ended - began)
    print(f"{messages} messages: said {rates[0]:.0f}/s, receipted {rates[1]:.0f}/s")


async def _steady(desk: HotlineDesk, seconds: float) -> None:
    """Fifty a second, for some seconds: from the decision to say it to its receipt in our ledger."""
    waits: list[asyncio.Task[float]] = []

    async def timed() -> float:
        began = time.perf_counter()
        ident = await _one(desk)
        while True:
            row = await desk.row(ident)
            if row is not None and row.state == "delivered":
                return time.perf_counter() - began
            await asyncio.sleep(0.002)

    clock = asyncio.get_running_loop().time
    began = clock()
    for count in range(int(50 * seconds)):
        await asyncio.sleep(max(0.0, began + count / 50 - clock()))
        waits.append(asyncio.create_task(timed()))
    took = sorted(await asyncio.gather(*waits))
    print(
        f"50 a second for {seconds:g} s, to the receipt: median {took[len(took) // 2] * 1e3:.0f} ms, "
        f"p99 {took[int(len(took) * 0.99)] * 1e3:.0f} ms, most {took[-1] * 1e3:.0f} ms"
    )


def main() -> None:
    """Measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=4_000)
    options.add_argument("--seconds", type=float, default=10.0)
    given = options.parse_args()
    sys.setswitchinterval(0.0005)
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(_measure(Path(folder), given.messages, given.seconds))
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
