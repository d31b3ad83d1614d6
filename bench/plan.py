"""How long a node's whole plan takes against the intents of a peer: from the filing to what came of it.

Run: ``.venv/bin/python bench/plan.py [--peers 50] [--fields 12] [--again 4]``. Three real processes on
loopback, each with its own durable SQLite database, logs at ``warning``: a discovery service, a peer, and the
node that plans. For each of the fields the peer files so many flights side by side in a square of 3 km; the
node then plans one flight over all of them, of a higher priority, so that each of them is relevant, fetched,
checked and met. The first plan in a field is *cold*: nothing about it is known to the node. It is ended and
filed again: then details come from the cache, by OVN. Each plan ends with 50 OVNs as its key, and a
notification to the peer that is sent afterwards.

Prints percentiles, and what of it is CPU of each process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skypact import seal
from skypact.formats import f3548_wire as wire

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND_US = 1_000_000
TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A node that runs, and a connection to it."""

    def __init__(self, folder: Path, party: str, roles: list[str], key: seal.SigningKey, dss: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.party = party
        self._key = key
        home = folder / party
        home.mkdir(mode=0o700)
        secret = home / "key.pem"
        secret.touch(mode=0o600)
        secret.write_bytes(key.pem())
        (home / "key.pub.pem").write_bytes(key.public.pem())
        (home / "skypact.toml").write_text(
            f"""
            [node]
            party = "{party}"
            listen = "127.0.0.1:{self.port}"
            roles = {json.dumps(roles)}
            [dss]
            url = "{dss}"
            plain_http = true
            [[auth.issuer]]
            name = "all"
            public_key_file = "key.pub.pem"
            [limits]
            party_per_s = 1e6
            party_burst = 1e6
            [network]
            allow_private = ["127.0.0.0/8"]
            [log]
            level = "warning"
            """,
            encoding="utf-8",
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "skypact", "up", "--config", str(home / "skypact.toml")],
            stdout=subprocess.DEVNULL,
        )
        self._local = threading.local()

    def ready(self) -> None:
        """Wait until it is."""
        deadline = time.monotonic() + 120.0
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"{self.party} is not ready")

    def ask(
        self, method: str, path: str, body: Any = None, scope: str = "skypact.flights"
    ) -> tuple[int, Any]:
        """Ask it something as its own party."""
        now_s = time.time_ns() // 10**9
        headers = {"authorization": f"Bearer {self._token(scope, now_s)}"}
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = HTTPConnection("127.0.0.1", self.port, timeout=30.0)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        except OSError:
            connection.close()
            self._local.connection = None
            raise
        return answer.status, json.loads(data or b"null")

    def _token(self, scope: str, now_s: int) -> str:
        kept: dict[str, str] = self._local.__dict__.setdefault("tokens", {})
        if scope not in kept:
            kept[scope] = seal.access_token(
                self._key,
                issuer=f"urn:skypact:{self.party}",
                party=self.party,
                audience="127.0.0.1",
                scope=scope,
                now_s=now_s,
                end_s=now_s + 3_600,
                ident=f"{self.party}-{now_s}",
            )
        return kept[scope]

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20.0)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextlib.contextmanager
def three(folder: Path) -> Iterator[tuple[Process, Process, Process]]:
    """A discovery service, a peer and a node."""
    key = seal.generate()
    dss = Process(folder, "dss", ["dss"], key, "")
    started = [
        dss,
        Process(folder, "peer", ["node"], key, dss.url),
        Process(folder, "we", ["node"], key, dss.url),
    ]
    try:
        for process in started:
            process.ready()
        yield started[0], started[1], started[2]
    finally:
        for process in started:
            process.stop()


def box(south: float, west: float, north: float, east: float) -> dict[str, Any]:
    """A volume of the next hour between 100 and 200 m."""
    start_us = time.time_ns() // 1_000 + 60 * SECOND_US
    volume = wire.Volume4D(
        volume=wire.Volume3D(
            outline_polygon=wire.Polygon(
                vertices=[
                    wire.LatLngPoint(lat=lat, lng=lng)
                    for lat, lng in ((south, west), (south, east), (north, east), (north, west))
                ]
            ),
            altitude_lower=wire.Altitude(value=100.0, reference="W84", units="M"),
            altitude_upper=wire.Altitude(value=200.0, reference="W84", units="M"),
        ),
        time_start=wire.time(start_us),
        time_end=wire.time(start_us + 3_600 * SECOND_US),
    )
    made: dict[str, Any] = json.loads(wire.encode(volume))
    return made


def file(process: Process, volume: dict[str, Any], priority: int) -> tuple[float, Any]:
    """File one flight; seconds, and what came of it."""
    body = json.dumps({"volumes": [volume], "priority": priority, "phase": "Accepted"}).encode()
    started_s = time.perf_counter()
    status, answer = process.ask("POST", "/api/v1/flights", body)
    took_s = time.perf_counter() - started_s
    if status not in {200, 201}:
        raise SystemExit(f"{process.party} answered {status}: {answer}")
    return took_s, answer


def fill(peer: Process, at: float, many: int) -> None:
    """Let the peer file so many flights in one field."""
    side = int(many**0.5) + 1
    step = 0.03 / side
    places = [(n // side, n % side) for n in range(many)]

    def some(part: list[tuple[int, int]]) -> None:
        for i, j in part:
            south, west = 46.0 + i * step, 6.0 + at + j * step
            file(peer, box(south, west, south + step * 0.5, west + step * 0.5), 0)

    threads = [threading.Thread(target=some, args=(places[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def shown(name: str, taken_s: list[float]) -> str:
    """Percentiles in one line."""
    if not taken_s:
        return f"{name:6} no plans"
    ms = sorted(1e3 * s for s in taken_s)
    p95 = ms[min(len(ms) - 1, int(0.95 * len(ms)))]
    return (
        f"{name:6} {len(ms):3} plans  p50 {ms[len(ms) // 2]:.0f} ms  p95 {p95:.0f} ms  most {ms[-1]:.0f} ms"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", type=int, default=50)
    parser.add_argument("--fields", type=int, default=12)
    parser.add_argument("--again", type=int, default=4)
    parser.add_argument("--pause", action="store_true", help="wait for Enter before measuring (profilers)")
    told = parser.parse_args()
    cold: list[float] = []
    known: list[float] = []
    with tempfile.TemporaryDirectory() as folder, three(Path(folder)) as processes:
        dss, peer, we = processes
        file(we, box(45.0, 5.0, 45.03, 5.03), 10)  # connections and tokens are there
        for n in range(told.fields):
            fill(peer, 0.1 * n, told.peers)
        time.sleep(1.0)
        if told.pause:
            input(f"we are {we.process.pid}, the peer {peer.process.pid}, the DSS {dss.process.pid} ")
        cpu: dict[str, list[float]] = {"cold": [0.0] * 3, "known": [0.0] * 3}
        for n in range(told.fields):
            for k in range(1 + told.again):
                before = [p.cpu_s() for p in processes]
                took_s, answer = file(we, box(46.0, 6.0 + 0.1 * n, 46.03, 6.03 + 0.1 * n), 10)
                (known if k else cold).append(took_s)
                after = [p.cpu_s() for p in processes]
                kind = cpu["known" if k else "cold"]
                cpu["known" if k else "cold"] = [
                    c + b - a for a, b, c in zip(before, after, kind, strict=True)
                ]
                met = answer["meets"]
                if len(met) != told.peers:
                    raise SystemExit(f"{len(met)} flights are met, not {told.peers}: {answer}")
                ended, said = we.ask("DELETE", "/api/v1/flights/" + answer["id"])
                if ended not in {200, 204}:
                    raise SystemExit(f"it was not ended: {ended} {said}")
                time.sleep(0.3)  # notifications have gone
        load = os.getloadavg()
    print(f"{told.peers} intents of a peer; load of the machine {load[0]:.1f} (one minute)")
    for name, taken_s in (("cold", cold), ("known", known)):
        print(shown(name, taken_s))
        parts = (
            f"{p.party} {1e3 * c / max(1, len(taken_s)):.0f}"
            for p, c in zip(processes, cpu[name], strict=True)
        )
        print(f"        CPU until it is answered, ms a plan: {', '.join(parts)}")


if __name__ == "__main__":
    main()
