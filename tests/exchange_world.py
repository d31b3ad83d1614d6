"""A region of real processes: a discovery service, two parties' nodes, and a third party that the test plays.

Each process has a key and a database of its own and was told of the others' public keys, as parties on
different machines are. :class:`Peer` is that third party: a web server in the test that answers what the
test wants.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import os
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from node_world import box
from server.running import Node, node
from skypact import seal
from skypact.store import Store
from skypact.store import node as kept

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from skypact.formats import f3548_wire as wire

    Act = Callable[["Asked"], "Answered"]

STRATEGIC = "utm.strategic_coordination"
PEOPLE = "skypact.flights"
PARTIES = ("dss", "alpha", "bravo", "mallory")
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """A request that the played party got."""

    method: str
    path: str
    token: str
    body: Any

    @property
    def sender(self) -> Any:
        """Whose token came with it."""
        return seal.take_apart(self.token).claims["sub"]


@dataclass(frozen=True)
class Answered:
    """What it answers, after so many seconds."""

    status: int
    body: bytes
    after_s: float = 0.0


def volumes(*boxes: wire.Volume4D) -> list[Any]:
    """Volumes as they are sent."""
    return [msgspec.to_builtins(one) for one in boxes]


def new_id() -> str:
    """A UUID of version 4."""
    return str(uuid.uuid4())


class Process:
    """A party's node: started, killed, started again; and asked as its own people ask."""

    def __init__(self, region: Region, name: str) -> None:
        self.region = region
        self.name = name
        self.folder = region.folder / name
        self.port = 0
        self.running: Node | None = None
        self._stack = contextlib.ExitStack()

    @property
    def node(self) -> Node:
        """The process as it runs now."""
        assert self.running is not None
        return self.running

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start it, on the port that it had before; does not wait."""
        listen = f"{HOST}:{self.port}"
        self.running = self._stack.enter_context(
            node("--config", self.folder / "skypact.toml", "--listen", listen)
        )

    def await_ready(self) -> None:
        """Wait until it is ready."""
        self.node.await_listening()
        self.port = self.node.port
        self.node.await_ready()

    def kill(self) -> None:
        """As if the power failed."""
        self.node.process.kill()
        self.node.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.node.process.pid, number)

    def stop(self) -> int:
        """An orderly stop; its exit status."""
        status = self.node.stop()
        self._stack.close()
        return status

    def end(self) -> None:
        """Whatever state it is in."""
        self._stack.close()

    def ask(
        self, method: str, path: str, body: Any = None, *, scope: str = PEOPLE, party: str = "", **claims: Any
    ) -> tuple[int, Any]:
        """Ask it, as its own party or another; status and JSON."""
        who = party or self.name
        token = self.region.token(who, scope, **claims)
        status, answer, _ = self.node.ask(method, path, body, authorization=f"Bearer {token}")
        return status, answer

    def file(self, *boxes: wire.Volume4D, **more: Any) -> tuple[int, Any]:
        """File a flight as its own people do."""
        return self.ask("POST", "/api/v1/flights", {"volumes": volumes(*boxes), **more})

    def flights(self, *, ended: bool = False) -> dict[str, Any]:
        """Its flights by id."""
        status, page = self.ask("GET", f"/api/v1/flights?limit=1000&ended={str(ended).lower()}")
        assert status == 200, page
        assert "next" not in page
        return {flight["id"]: flight for flight in page["flights"]}

    def flight(self, ident: str) -> Any:
        """One flight, whole."""
        status, flight = self.ask("GET", f"/api/v1/flights/{ident}")
        assert status == 200, flight
        return flight

    def notices(self) -> list[Any]:
        """What its operators were told."""
        status, page = self.ask("GET", "/api/v1/notices?limit=1000")
        assert status == 200, page
        return list(page["notices"])

    def reports(self, party: str) -> list[Any]:
        """The reports that it made to a party."""
        status, page = self.ask("GET", "/api/v1/reports?limit=1000")
        assert status == 200, page
        return [one["report"] for one in page["reports"] if (one["way"], one["party"]) == ("made", party)]

    def until(self, what: Callable[[], Any], within_s: float = 30.0) -> Any:
        """Wait until something is so; returns it."""
        return until(what, within_s)


def until(what: Callable[[], Any], within_s: float = 30.0) -> Any:
    """Wait until something is so; returns it."""
    deadline = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.03)
    return found


@dataclass
class Peer:
    """The party that the test plays: intents at the discovery service, and answers about them.

    ``acts`` says what is answered when details of an intent are asked; ``posts`` is what it was sent.
    """

    region: Region
    port: int
    acts: dict[str, Act] = field(default_factory=dict)
    posts: list[Asked] = field(default_factory=list)

    name = "mallory"

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{HOST}:{self.port}"

    def claim(self, *boxes: wire.Volume4D, before: dict[str, Any] | None = None) -> dict[str, Any]:
        """Put an intent to the discovery service, or its next version; the reference, with its OVN."""
        body = {
            "extents": volumes(*boxes),
            "key": [],
            "state": "Accepted",
            "uss_base_url": self.url,
            "new_subscription": {"uss_base_url": self.url},
        }
        name = new_id() if before is None else f"{before['id']}/{before['ovn']}"
        path = f"/dss/v1/operational_intent_references/{name}"
        status, answer = self.region.dss.ask("PUT", path, body, scope=STRATEGIC, party=self.name)
        assert status == (201 if before is None else 200), answer
        return dict(answer["operational_intent_reference"])

    def withdraw(self, reference: dict[str, Any]) -> None:
        """End it."""
        path = f"/dss/v1/operational_intent_references/{reference['id']}/{reference['ovn']}"
        status, answer = self.region.dss.ask("DELETE", path, scope=STRATEGIC, party=self.name)
        assert status == 200, answer

    def answer(self, asked: Asked) -> Answered:
        """What it answers."""
        if asked.method == "POST":
            self.posts.append(asked)
            return Answered(204 if "operational_intents" in asked.path else 201, b"{}")
        act = self.acts.get(asked.path.rpartition("/")[2])
        return act(asked) if act is not None else Answered(404, b'{"message": "there is none"}')


def shown(reference: dict[str, Any], *boxes: wire.Volume4D, **more: Any) -> bytes:
    """The truth about an intent, or what is not, where ``more`` changes the reference."""
    details = {"volumes": volumes(*boxes), "off_nominal_volumes": [], "priority": 0}
    return json.dumps({"operational_intent": {"reference": reference | more, "details": details}}).encode()


def always(answer: bytes, status: int = 200, after_s: float = 0.0) -> Act:
    """The same answer to everybody."""
    return lambda _asked: Answered(status, answer, after_s)


@dataclass(frozen=True)
class Left:
    """What a kill left: who was over whom, what was tried and how it was answered (0: not at all)."""

    field: wire.Volume4D
    under: str
    tried: dict[str, int]
    sent: str


class Region:
    """All of them, on databases of one kind."""

    def __init__(self, folder: Path, database: Callable[[str], str]) -> None:
        self.folder = folder
        self.keys = {name: seal.generate("ES256" if name == "bravo" else "EdDSA") for name in PARTIES}
        self.store_urls = {name: database(name) for name in PARTIES[:3]}
        self.dss, self.alpha, self.bravo = (Process(self, name) for name in PARTIES[:3])
        self.mallory = Peer(self, 0)
        self.left: Left | None = None
        self._lie_in_wait = threading.Event()

    def token(
        self, party: str, scope: str, *, off_s: int = 0, audience: str = HOST, life_s: int = 600
    ) -> str:
        """A token that a party's own key signs, by a clock that is ahead by so many seconds."""
        now_s = time.time_ns() // 10**9 + off_s
        return seal.access_token(
            self.keys[party],
            issuer=f"urn:skypact:{party}",
            party=party,
            audience=audience,
            scope=scope,
            now_s=now_s,
            end_s=now_s + life_s,
            ident=secrets.token_hex(8),
        )

    def write(self, process: Process, role: str, dss_url: str) -> None:
        """The configuration of a process."""
        folder = process.folder
        folder.mkdir(mode=0o700)
        for name, key in self.keys.items():
            (folder / f"{name}.pub.pem").write_bytes(key.public.pem())
        handle = os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(handle, self.keys[process.name].pem())
        os.close(handle)
        issuers = "".join(
            f"[[auth.issuer]]\nname = '{name}'\niss = 'urn:skypact:{name}'\n"
            f"public_key_file = '{name}.pub.pem'\n"
            for name in PARTIES
            if name != process.name
        )
        (folder / "skypact.toml").write_text(
            f"[node]\nparty = '{process.name}'\nroles = ['{role}']\n"
            f"[store]\nurl = '{self.store_urls[process.name]}'\nupgrade = true\n"
            f"[dss]\nurl = '{dss_url}'\nplain_http = true\n"
            f"[network]\nallow_private = ['127.0.0.0/8']\n{issuers}",
            encoding="utf-8",
        )

    @property
    def processes(self) -> tuple[Process, Process, Process]:
        """The discovery service and the two nodes."""
        return self.dss, self.alpha, self.bravo

    def intents(self, party: str, area: wire.Volume4D) -> dict[str, Any]:
        """What a party has at the discovery service in an area, by id."""
        status, answer = self.dss.ask(
            "POST",
            "/dss/v1/operational_intent_references/query",
            {"area_of_interest": volumes(area)[0]},
            scope=STRATEGIC,
            party=party,
        )
        assert status == 200, answer
        found = [one for one in answer["operational_intent_references"] if one["manager"] == party]
        assert len({one["id"] for one in found}) == len(found)
        return {one["id"]: one for one in found}

    def under_way(self, process: Process) -> set[str]:
        """The flights of which a node has committed that it is about to send them."""

        async def read() -> set[str]:
            store = await Store.open(self.store_urls[process.name])
            try:
                rows = await store.read(lambda tx: kept.pendings(tx, 2**62))
            finally:
                await store.close()
            return {str(uuid.UUID(bytes=row.flight)) for row in rows}

        return asyncio.run(read())

    @contextlib.contextmanager
    def lives(self) -> Iterator[Region]:
        """From the start of all to the end of all."""
        region = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _served(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", "0")))
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                asked = Asked(self.command, self.path, token, json.loads(raw) if raw else None)
                answered = region.mallory.answer(asked)
                region._lie_in_wait.wait(answered.after_s)
                with contextlib.suppress(OSError):  # who asked has gone
                    self.send_response(answered.status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(answered.body)))
                    self.end_headers()
                    self.wfile.write(answered.body)

            do_GET = do_POST = _served  # noqa: N815 -- the names of the standard library

            def log_message(self, *_: Any) -> None:
                pass

        with contextlib.ExitStack() as stack:
            web = stack.enter_context(http.server.ThreadingHTTPServer((HOST, 0), Handler))
            web.daemon_threads = True
            threading.Thread(target=web.serve_forever, daemon=True).start()
            stack.callback(web.shutdown)
            stack.callback(self._lie_in_wait.set)
            self.mallory.port = web.server_address[1]
            for process in self.processes:
                stack.callback(process.end)
            self.write(self.dss, "dss", "")
            self.dss.start()
            self.dss.node.await_listening()
            self.dss.port = self.dss.node.port
            for process in (self.alpha, self.bravo):
                self.write(process, "node", self.dss.url)
                process.start()
            for process in self.processes:
                process.await_ready()
            yield self


def near(k: int, south: float, west: float, north: float, east: float, **more: Any) -> wire.Volume4D:
    """A box in hundredths of a degree in field ``k``: 20 km from every other field."""
    return box(20 * k + south, west, 20 * k + north, east, **more)
