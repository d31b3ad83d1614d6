"""The discovery service under load: real nodes over HTTP on loopback, durable commits, load from outside.

Usage: python bench/exchange.py [--quick] [--only sqlite|postgresql] [--draw FILE.svg]. PostgreSQL is started
for the run where it is installed. Prints tables: creates that do not overlap, against clients; creates that
all overlap, each with the full key and its implicit subscription, against how many are present; queries of
about 100 among many; memory. Nothing is asserted: a busy machine makes a slow row, not a failure. CPU is the
node's own, so that it can be read on a busy machine too; PostgreSQL's is not in it. The bar behind each row
is its requests a second, twenty to a mark; ``--draw`` draws the curves of where it bends, against clients and
against what is present.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "skypact"]
INTENTS = "/dss/v1/operational_intent_references"
URL = "https://uss.example/utm"
PUBLISHED = {"apart": "120-150/s, p95 25-45 ms", "overlap": "under 2-8/s"}
_MARK_PER_S = 20.0
APART, OVERLAP = (
    "creates that do not overlap, by clients",
    "creates that all overlap, by how many are present",
)
_OVN = re.compile(rb'"ovn":"([^"]+)"')


@dataclass(frozen=True)
class Figures:
    """What one run saw: seconds of each request, seconds in all, seconds of the node's CPU."""

    took: list[float]
    wall: float
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.took) / self.wall

    def row(self) -> str:
        """Requests a second, median, p95, p99 in milliseconds, CPU milliseconds each, and a bar."""
        cuts = statistics.quantiles(self.took, n=100) if len(self.took) > 1 else [self.took[0]] * 99
        each = self.cpu / len(self.took)
        return (
            f"{self.rate:7.0f} {1e3 * cuts[49]:9.1f} {1e3 * cuts[94]:7.1f} "
            f"{1e3 * cuts[98]:7.1f} {1e3 * each:9.2f}   {'#' * round(self.rate / _MARK_PER_S)}"
        )


# -- load, in a process of its own --------------------------------------------------------------------------


class Connection:
    """HTTP/1.1 on one kept connection, with nothing that costs."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"host: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"

    async def open(self) -> None:
        """Connect."""
        self._in, self._out = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)

    async def ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}content-length: {len(body)}\r\n\r\n"
        self._out.write(head.encode() + body)
        raw = await self._in.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", raw)
        assert length is not None, raw
        return int(raw[9:12]), await self._in.readexactly(int(length[1]))


def at(seconds: float) -> dict[str, str]:
    """An instant from now as it is sent."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: TID251 -- a load is of today
    return {"value": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "format": "RFC3339"}


def volume(lat: float, lng: float, size: float = 0.01) -> dict[str, Any]:
    """A square of a hundred metres' height for an hour."""
    corners = ((0.0, 0.0), (0.0, size), (size, size), (size, 0.0))
    return {
        "volume": {
            "outline_polygon": {"vertices": [{"lat": lat + a, "lng": lng + b} for a, b in corners]},
            "altitude_lower": {"value": 0.0, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": 100.0, "reference": "W84", "units": "M"},
        },
        "time_start": at(0),
        "time_end": at(3_600),
    }


def body(lat: float, lng: float) -> dict[str, Any]:
    """An intent with an implicit subscription."""
    return {
        "extents": [volume(lat, lng)],
        "state": "Accepted",
        "uss_base_url": URL,
        "new_subscription": {"uss_base_url": URL},
        "key": [],
    }


async def apart(port: int, token: str, clients: int, count: int) -> list[float]:
    """Creates that do not overlap, by several clients; seconds of each."""
    dice = random.Random(os.getpid())  # noqa: S311 -- no secret
    places = [(dice.uniform(-70.0, 70.0), dice.uniform(-179.0, 179.0)) for _ in range(count)]
    queue = [(f"{INTENTS}/{uuid.uuid4()}", json.dumps(body(*place)).encode()) for place in places]
    return await _all(port, token, clients, queue, "PUT", {201, 409})


async def warm(port: int, token: str, clients: int, count: int) -> list[float]:
    """Creates in a place of their own, so that everything is compiled and open."""
    queue = [(f"{INTENTS}/{uuid.uuid4()}", json.dumps(body(-80.0, 0.1 * k)).encode()) for k in range(count)]
    return await _all(port, token, clients, queue, "PUT", {201})


async def overlap(port: int, token: str, _clients: int, count: int) -> list[float]:
    """Creates that all overlap, one after the other, each with the key of all before."""
    wire = Connection(port, token)
    await wire.open()
    dice = random.Random(7)  # noqa: S311 -- no secret
    ovns: list[bytes] = []
    took = []
    for _ in range(count):
        text = json.dumps(body(50.0 + dice.uniform(0.0, 0.004), 5.0 + dice.uniform(0.0, 0.004))).encode()
        whole = text[:-2] + b",".join(b'"%s"' % ovn for ovn in ovns) + b"]}"
        began = time.perf_counter()
        status, answer = await wire.ask("PUT", f"{INTENTS}/{uuid.uuid4()}", whole)
        took.append(time.perf_counter() - began)
        assert status == 201, answer[:500]
        found = _OVN.search(answer)
        assert found is not None
        ovns.append(found[1])
    return took


async def fill(port: int, token: str, clients: int, count: int) -> list[float]:
    """A grid of intents without subscriptions, which do not overlap."""
    side = int(count**0.5) + 1
    queue = []
    for k in range(count):
        intent = body(40.0 + 0.02 * (k // side), 0.02 * (k % side))
        del intent["new_subscription"]
        queue.append((f"{INTENTS}/{uuid.uuid4()}", json.dumps(intent).encode()))
    return await _all(port, token, clients, queue, "PUT", {201})


async def query(port: int, token: str, clients: int, count: int) -> list[float]:
    """Queries of about 100 intents of the grid."""
    dice = random.Random(3)  # noqa: S311 -- no secret
    queue = []
    for _ in range(count):
        area = {"area_of_interest": volume(40.0 + dice.uniform(0.2, 1.0), dice.uniform(0.2, 1.0), 0.195)}
        queue.append((f"{INTENTS}/query", json.dumps(area).encode()))
    return await _all(port, token, clients, queue, "POST", {200})


async def _all(
    port: int, token: str, clients: int, queue: list[tuple[str, bytes]], method: str, good: set[int]
) -> list[float]:
    took: list[float] = []
    todo = iter(queue)

    async def client() -> None:
        wire = Connection(port, token)
        await wire.open()
        for path, sent in todo:
            began = time.perf_counter()
            status, answer = await wire.ask(method, path, sent)
            took.append(time.perf_counter() - began)
            assert status in good, (status, answer[:500])

    await asyncio.gather(*(client() for _ in range(clients)))
    return took


LOADS: dict[str, Callable[[int, str, int, int], Awaitable[list[float]]]] = {
    "warm": warm,
    "apart": apart,
    "overlap": overlap,
    "fill": fill,
    "query": query,
}


def load(name: str, port: str, token: str, clients: str, count: str) -> None:
    """Be the load generator; print the seconds of each request as JSON."""

    async def run() -> list[float]:
        return await LOADS[name](int(port), token, int(clients), int(count))

    print(json.dumps(asyncio.run(run())))


# -- the node and the tables --------------------------------------------------------------------------------


class Node:
    """A node with the role dss, as anybody starts it."""

    def __init__(self, folder: Path, url: str | None) -> None:
        subprocess.run([*COMMAND, "init", folder], check=True, capture_output=True)
        path = folder / "skypact.toml"
        text = path.read_text(encoding="utf-8").replace('roles = ["dss","node"]', 'roles = ["dss"]')
        text = text.replace('listen = "127.0.0.1:8650"', 'listen = "127.0.0.1:0"')
        if url is not None:
            text = text.replace("\n[store]\n", f'\n[store]\nurl = "{url}"\nupgrade = true\n', 1)
        path.write_text(text, encoding="utf-8")
        token = [*COMMAND, "token", "--config", str(path), "--sub", "bench"]
        token += ["--scope", "utm.strategic_coordination"]
        self.token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.strip()
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "up", "--config", path], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = re.search(r"listens on .*:(\d+);", line)
            if found is not None:
                self.port = int(found[1])
            if line.startswith("Next:"):
                break
        self.run("warm", 2, 60)

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Megabytes of its own memory now."""
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+)", text)
        assert found is not None
        return int(found[1]) / 1024.0

    def run(self, name: str, clients: int, count: int) -> Figures:
        """Put a load on it from another process."""
        began, cpu = time.perf_counter(), self.cpu()
        arguments = [sys.executable, __file__, "--load", name, str(self.port), self.token, str(clients)]
        done = subprocess.run([*arguments, str(count)], check=True, capture_output=True, text=True)
        took = json.loads(done.stdout)
        wall = time.perf_counter() - began
        return Figures(took, min(wall, sum(took) / clients), self.cpu() - cpu)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.contextmanager
def node(url: str | None) -> Iterator[Node]:
    """A node on a fresh database: SQLite, or the PostgreSQL database at the URL."""
    with tempfile.TemporaryDirectory(prefix="skypact-bench-") as folder:
        made = Node(Path(folder) / "node", url)
        try:
            yield made
        finally:
            made.stop()


Curves = dict[str, dict[str, list[tuple[int, float]]]]
"""Requests a second against a number, by picture and database."""


def measure(name: str, fresh: Callable[[], str | None], curves: Curves, *, quick: bool) -> None:
    """Print the tables of one database, and note its curves."""
    head = f"{'requests/s':>12} {'median':>9} {'p95':>7} {'p99':>7} {'CPU each':>9}   (ms)"
    count = 400 if quick else 2_000
    print(f"\n{name}: creates that do not overlap, against clients (published: {PUBLISHED['apart']})")
    print(f"{'clients':>8}{head}")
    with node(fresh()) as made:
        for clients in (1, 3, 10, 30):
            figures = made.run("apart", clients, count)
            curves[APART].setdefault(name, []).append((clients, figures.rate))
            print(f"{clients:8}     {figures.row()}", flush=True)
    print(
        f"\n{name}: creates that all overlap, full key, against present (published: {PUBLISHED['overlap']})"
    )
    print(f"{'present':>8}{head}")
    with node(fresh()) as made:
        most = 300 if quick else 1_000
        figures = made.run("overlap", 1, most)
        for first, last in ((0, 10), (10, 100), (100, 300), (300, 600), (600, 1_000)):
            if last <= most:
                took = figures.took[first:last]
                part = Figures(took, sum(took), figures.cpu * sum(took) / sum(figures.took))
                curves[OVERLAP].setdefault(name, []).append(((first + last) // 2, part.rate))
                print(f"{last:8}     {part.row()}", flush=True)
        print(f"{'all':>8}     {figures.row()}", flush=True)
    grid = 5_000 if quick else 100_000
    print(f"\n{name}: queries of about 100 among {grid:,} intents")
    print(f"{'clients':>8}{head}")
    with node(fresh()) as made:
        filled = made.run("fill", 10, grid)
        print(f"{'fill':>8}     {filled.row()}", flush=True)
        for clients in (1, 4):
            print(f"{clients:8}     {made.run('query', clients, 200).row()}", flush=True)
        print(f"memory of the node: {made.memory_mb():.0f} MB")


# -- the picture --------------------------------------------------------------------------------------------

_WIDE, _HIGH, _LEFT, _TOP = 380, 240, 56, 44
_INKS = {"SQLite": "#0072b2", "PostgreSQL": "#d55e00"}
"""Colours that people tell apart however they see them."""


def draw(curves: Curves) -> str:
    """The curves as SVG: a panel a picture, a line a database, linear from zero."""
    width, height = len(curves) * (_WIDE + _LEFT) + 40, _TOP + _HIGH + 64
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12"'
    parts = [f'{head} font-family="sans-serif"><rect width="{width}" height="{height}" fill="#fff"/>']
    for number, (title, lines) in enumerate(curves.items()):
        left = _LEFT + number * (_WIDE + _LEFT)
        most_x = max((x for line in lines.values() for x, _ in line), default=1)
        most_y = max((y for line in lines.values() for _, y in line), default=1.0)
        step = next(s for s in (10, 20, 50, 100, 200, 500, 1_000, 10_000) if most_y / s <= 6)
        top_y = step * (int(most_y / step) + 1)
        parts.append(f'<text x="{left}" y="20" font-weight="bold">{title}</text>')
        for value in range(0, top_y + 1, step):
            y = _TOP + _HIGH * (1 - value / top_y)
            parts.append(f'<path d="M{left} {y:.1f}h{_WIDE}" stroke="#ddd"/>')
            parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{value}</text>')
        ticks = sorted({x for line in lines.values() for x, _ in line})
        for x in ticks:
            at = left + _WIDE * x / most_x
            if x == ticks[0] or x > most_x / 12:
                parts.append(
                    f'<text x="{at:.1f}" y="{_TOP + _HIGH + 18}" text-anchor="middle" fill="#555">{x}</text>'
                )
        for row, (name, line) in enumerate(lines.items()):
            points = [(left + _WIDE * x / most_x, _TOP + _HIGH * (1 - y / top_y)) for x, y in line]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            ink = _INKS[name]
            parts.append(f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{ink}"/>' for x, y in points]
            parts.append(f'<text x="{left + 100 * row}" y="{_TOP + _HIGH + 42}" fill="{ink}">{name}</text>')
        parts.append(f'<text x="{left}" y="36" fill="#555">requests a second</text>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Measure both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--draw", type=Path, help="where the curves are drawn, as SVG")
    options = parser.parse_args()
    curves: Curves = {APART: {}, OVERLAP: {}}
    try:
        if options.only != "postgresql":
            measure("SQLite", lambda: None, curves, quick=options.quick)
        if options.only != "sqlite":
            postgresql(curves, quick=options.quick)
    finally:
        if options.draw is not None:
            options.draw.write_text(draw(curves), encoding="utf-8")


def postgresql(curves: Curves, *, quick: bool) -> None:
    """Start a server for the run, and measure on it."""
    sys.path.insert(0, str(ROOT / "tests"))
    from databases import Server, binaries

    if binaries() is None:
        print("\nNO POSTGRESQL 15+ ON THIS MACHINE: its tables are missing")
        return
    with tempfile.TemporaryDirectory(prefix="skypact-pg-") as folder:
        server = Server(Path(folder))
        try:
            measure("PostgreSQL", server.create, curves, quick=quick)
        finally:
            server.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load(*sys.argv[2:])
    else:
        main()
