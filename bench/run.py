"""The benchmarks.

The public calls, warm, with all result columns and per-pair minima, and the peers beside us in the same run.

Usage: python bench/run.py [--quick] [NAME...]. Prints a table: what, how long (median), the peer, the ratio,
and what to reach. Nothing is asserted: a machine that is busy makes a slow row, not a failure. Peers live in
``.bench-venv`` (``bench/peers.txt``); where they cannot be installed, our own rows are printed alone and the
table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import generators
import numpy as np

from skypact.airspace import EN_ROUTE, Labels, Rule, Separation, States, Trajectories, Volumes
from skypact.check import WELL_CLEAR_SETS, Index, conflicts, encounters, losses, well_clear_flat

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SKYPACT_SHARED", ROOT.parent / "shared"))
PEERS = ROOT / ".bench-venv"
BY_KIND = Separation(
    (
        Rule("crewed and uncrewed", ("crewed", "uncrewed"), EN_ROUTE),
        Rule("crewed", ("crewed", "crewed"), EN_ROUTE),
        Rule("all others", ("any", "any"), EN_ROUTE),
    )
)
"""Per-pair minima by kind: the way a pact gives them, so that the benchmark pays for looking them up."""


@dataclass
class Table:
    """The rows as they come."""

    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def add(self, what: str, ours: str, peer: str = "-", ratio: str = "-", reach: str = "-") -> None:
        """Keep a row and say it at once."""
        self.rows.append((what, ours, peer, ratio, reach))
        print(f"{what:46s} {ours:>22s}  {peer:>26s}  {ratio:>9s}  {reach}", flush=True)


def timed(call: Callable[[], Any], repeats: int, *, warm: int = 1) -> tuple[float, Any]:
    """Median seconds of a call after warming up, and its last answer."""
    for _ in range(warm):
        answer = call()
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        answer = call()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken)), answer


def shown(seconds: float) -> str:
    """A time for people."""
    if seconds >= 1.0:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


def peer_python() -> Path | None:
    """The bench's own interpreter with the peers, installed on first use; None where that fails."""
    python = PEERS / "bin" / "python"
    ready = PEERS / ".ready"
    if not ready.exists():
        print("installing the peers into .bench-venv (once, minutes) ...", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=False)
        done = (
            made.returncode
            or subprocess.run(
                [
                    str(python),
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--require-hashes",
                    "-r",
                    str(ROOT / "bench" / "peers.txt"),
                ],
                check=False,
            ).returncode
        )
        if done:
            print("WARNING: the peers could not be installed: OUR ROWS STAND ALONE", flush=True)
            return None
        ready.touch()
    return python


def asked(python: Path | None, script: str, *arguments: str) -> dict[str, Any] | None:
    """What a peer's script answers in its last line; None where there is no peer."""
    if python is None:
        return None
    environment = os.environ | {"HOME": str(PEERS), "MPLCONFIGDIR": str(PEERS)}
    done = subprocess.run(
        [str(python), str(ROOT / "bench" / script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        print(f"WARNING: {script} failed: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def states_of(columns: generators.Columns) -> States:
    """States of generated columns, one in ten uncrewed so that rules by kind have work."""
    n = columns["lat"].shape[0]
    labels = Labels.of([str(i) for i in range(n)], kind=(np.arange(n) % 10 == 0).astype(np.int8))
    return States.of(
        labels,
        0,
        columns["lat"],
        columns["lng"],
        columns["alt"],
        columns["gs"],
        np.radians(columns["trk"]),
        columns["vs"],
    )


def tracks_of(offsets: Any, columns: generators.Columns) -> Trajectories:
    """Trajectories of generated columns."""
    labels = Labels.of([str(i) for i in range(len(offsets) - 1)])
    time_us = np.rint(columns["time"] * 1e6).astype(np.int64)
    return Trajectories.of(labels, offsets, time_us, columns["lat"], columns["lng"], columns["alt"])


def bench_states(table: Table, python: Path | None, quick: bool) -> None:
    """Live states, all pairs."""
    columns = generators.states(4000)
    states = states_of(columns)
    ours, found = timed(lambda: encounters(states, separation=BY_KIND), 15, warm=3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "states.npz"
        np.savez(path, **columns)  # type: ignore[arg-type]  # the stub wants what a mapping cannot promise
        peer = asked(python, "peer_bluesky.py", str(path), "1" if quick else "5")
        if peer is None:
            table.add("states, N=4,000", f"{shown(ours)} ({len(found)})")
            return
        mine = set(zip(found.a.tolist(), found.b.tolist(), strict=True))
        for name, reach in (("cpp", 75), ("numpy", 700)):
            theirs = {tuple(sorted(p)) for p in np.load(path.with_name(f"states-{name}.npy")).tolist()}
            table.add(
                "states, N=4,000",
                f"{shown(ours)} ({found.pairs})",
                f"BlueSky {name} {shown(peer[name])} ({len(theirs)})",
                f"{peer[name] / ours:.0f}x",
                f"{reach}x; only theirs {len(theirs - mine)}, only ours {len(mine - theirs)}: their sphere",
            )
    times = {}
    for n in (10_000, 100_000):
        states = states_of(generators.states(n, side_m=3_000_000 * (n / 100_000) ** 0.5))
        times[n], found = timed(lambda: encounters(states, separation=BY_KIND), 7, warm=2)  # noqa: B023 -- called at once
        table.add(
            f"states, N={n:,}, constant density",
            f"{shown(times[n])} ({found.pairs})",
            reach="0.2 s" if n > 10_000 else "-",
        )
    table.add(
        "  growth from 10,000, per aircraft", f"{times[100_000] / times[10_000] / 10:.2f}x", reach="1.3x"
    )


def bench_recorded(table: Table, python: Path | None, quick: bool) -> None:
    """A recorded day, and two hours of it beside traffic."""
    path = SHARED / "data" / "switzerland.json.gz"
    if not path.is_file():
        print(f"WARNING: {path} is not there: RECORDED TRACKS ARE NOT BENCHMARKED", flush=True)
        return
    from skypact.formats import read

    tracks = read(path).tracks
    assert tracks is not None
    ours, found = timed(lambda: losses(tracks, separation=BY_KIND), 11, warm=2)
    table.add("recorded day, 1,244 flights", f"{shown(ours)} ({found.pairs} pairs)", reach="0.3 s, 163 pairs")
    noon = 1_533_124_800_000_000
    inside = (tracks.time_us >= noon) & (tracks.time_us < noon + 7_200_000_000)
    owner = np.repeat(np.arange(len(tracks)), np.diff(tracks.offsets))
    sizes = np.bincount(owner[inside], minlength=len(tracks))
    rows = np.nonzero(sizes)[0]
    offsets = np.concatenate([[0], np.cumsum(sizes[rows])])
    two_hours = Trajectories.of(
        tracks.labels.take(rows),
        offsets,
        tracks.time_us[inside],
        tracks.lat_deg[inside],
        tracks.lng_deg[inside],
        tracks.altitude_m[inside],
    )
    ours, found = timed(lambda: losses(two_hours, separation=BY_KIND), 15, warm=2)
    peer = None if quick else asked(python, "peer_traffic.py", str(path))
    if peer is None:
        table.add("recorded 12:00-14:00", f"{shown(ours)} ({found.pairs})")
        return
    mine = {
        tuple(sorted((found.labels_a.body_of(a), found.labels_b.body_of(b))))
        for a, b in zip(found.a.tolist(), found.b.tolist(), strict=True)
    }
    theirs = {tuple(p) for p in peer["pairs"]}
    table.add(
        "recorded 12:00-14:00",
        f"{shown(ours)} ({len(mine)})",
        f"traffic {shown(peer['seconds'])} ({len(theirs)})",
        f"{peer['seconds'] / ours:.0f}x",
        f"5000x, a superset; only theirs {len(theirs - mine)}",
    )


def volumes_of(n: int) -> tuple[Volumes, Any]:
    """Generated volumes, ours and shapely's."""
    import shapely

    offsets, points, columns = generators.volumes(n)
    lat, lng = generators.on_earth(points)
    ours = Volumes.from_columns(
        Labels.of([str(i) for i in range(n)]), offsets, lat, lng, 0.0, columns["low"], 0, columns["high"], 0,
        np.rint(columns["start"] * 1e6).astype(np.int64), np.rint(columns["end"] * 1e6).astype(np.int64),
    )  # fmt: skip
    rings = shapely.linearrings(points, indices=np.repeat(np.arange(n), np.diff(offsets)))
    return ours, (shapely.polygons(rings), columns)


def by_tree(polygons: Any, columns: generators.Columns) -> set[tuple[int, int]]:
    """The peer: an STRtree over boxes, then time and altitude, then the exact predicate."""
    import shapely

    a, b = shapely.STRtree(polygons).query(polygons)
    keep = a < b
    a, b = a[keep], b[keep]
    keep = (
        (columns["start"][a] < columns["end"][b])
        & (columns["start"][b] < columns["end"][a])
        & (columns["low"][a] <= columns["high"][b])
        & (columns["low"][b] <= columns["high"][a])
    )
    a, b = a[keep], b[keep]
    meets = shapely.intersects(polygons[a], polygons[b])
    return set(zip(a[meets].tolist(), b[meets].tolist(), strict=True))


def bench_volumes(table: Table, python: Path | None, quick: bool) -> None:
    """4D volumes, all pairs, beside an STRtree; and the live index."""
    del python
    for n, reach in ((100_000, 2), (1_000_000, 3)):
        if quick and n > 100_000:
            continue
        ours, (polygons, columns) = volumes_of(n)
        few = 5 if n < 1_000_000 else 3
        mine, found = timed(lambda: conflicts(ours), few)  # noqa: B023 -- called at once
        theirs, pairs = timed(lambda: by_tree(polygons, columns), 3 if n < 1_000_000 else 1, warm=0)  # noqa: B023 -- called at once
        own = set(zip(found.a.tolist(), found.b.tolist(), strict=True))
        table.add(
            f"4D volumes, all pairs, {n:,}",
            f"{shown(mine)} ({len(own)})",
            f"STRtree {shown(theirs)} ({len(pairs)})",
            f"{theirs / mine:.1f}x",
            f"{reach}x; only theirs {len(pairs - own)}, only ours {len(own - pairs)}: plane or earth",
        )
    n = len(ours)
    index = Index()
    begin = time.perf_counter()
    handles = index.insert(ours)
    taken = time.perf_counter() - begin
    table.add(f"index: insert {n:,}", f"{n / taken:,.0f} a second", reach="50,000")
    some = [ours.take(np.array([i])) for i in range(0, n, max(1, n // 2000))]
    for one in some[:200]:
        index.query(one)
    laps = []
    for one in some:
        begin = time.perf_counter()
        index.query(one)
        laps.append(time.perf_counter() - begin)
    half, most = np.quantile(laps, [0.5, 0.99])
    table.add(f"index: one volume against {n:,}", f"p50 {shown(half)}, p99 {shown(most)}", reach="p99 0.2 ms")
    begin = time.perf_counter()
    for part in np.array_split(handles[: n // 2], 50):
        index.remove(part)
    taken = time.perf_counter() - begin
    table.add(f"index: remove {n // 2:,}", f"{n // 2 / taken:,.0f} a second", reach="50,000")


def bench_plans(table: Table, python: Path | None, quick: bool) -> None:
    """One planned trajectory against a day of flights in the live index."""
    del python, quick
    day = tracks_of(*generators.flights(33_000))
    index = Index(BY_KIND)
    index.insert(day)
    new = tracks_of(*generators.flights(400, seed=1))
    one = [new.take(np.array([i])) for i in range(len(new))]
    for plan in one[:50]:
        index.query(plan)
    laps, rows = [], 0
    for plan in one:
        begin = time.perf_counter()
        found, _ = index.query(plan)
        laps.append(time.perf_counter() - begin)
        rows += len(found)
    table.add(
        "one plan against 33,000 flights",
        f"{shown(float(np.median(laps)))}, {rows / len(one):.1f} found",
        reach="1 ms median",
    )


def bench_well_clear(table: Table, python: Path | None, quick: bool) -> None:
    """WCV_TAUMOD, pair by pair, in local Cartesian frames."""
    del python
    n = 200_000 if quick else 2_000_000
    rng = np.random.default_rng(0)
    position = np.stack(
        [
            rng.uniform(-10, 10, n) * 1852.0,
            rng.uniform(-10, 10, n) * 1852.0,
            rng.uniform(-3000, 3000, n) * 0.3048,
        ],
        axis=1,
    )
    angle, speed = rng.uniform(0, 2 * np.pi, (2, n)), rng.uniform(100, 500, (2, n)) * 1852.0 / 3600.0
    climb = rng.uniform(-2000, 2000, n) * 0.3048 / 60.0
    velocity = np.stack(
        [np.diff(speed * np.sin(angle), axis=0)[0], np.diff(speed * np.cos(angle), axis=0)[0], climb], axis=1
    )
    volume = WELL_CLEAR_SETS["DO-365B Phase I"].volume
    taken, _ = timed(lambda: well_clear_flat(position, velocity, volume=volume, lookahead_s=180.0), 9, warm=2)
    rate = n / taken / 1e6
    peer = "DAIDALUS C++ 8.5 M (published)"
    table.add("WCV_TAUMOD, pair by pair", f"{rate:.0f} M a second", peer, f"{rate / 8.5:.1f}x", "60 M")


def bench_large(table: Table, python: Path | None, quick: bool) -> None:
    """Ten million recorded points."""
    del python
    points = 1_000_000 if quick else 10_000_000
    tracks = tracks_of(*generators.recording(points))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours, found = timed(lambda: losses(tracks, separation=BY_KIND), 1, warm=0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / points
    table.add(
        f"losses in {points:,} recorded points",
        f"{shown(ours)} ({found.pairs})",
        reach=f"60 s; {grown:.0f} bytes a point over the columns",
    )


def bench_cold(table: Table, python: Path | None, quick: bool) -> None:
    """The whole command, from the shell."""
    del python, quick
    command = [str(Path(sys.executable).with_name("skypact"))]
    for what, arguments, reach in (
        ("skypact --help", ["--help"], "0.3 s"),
        (
            "skypact check examples/al-tanf, kernels cached",
            ["check", str(ROOT / "examples" / "al-tanf")],
            "1.5 s",
        ),
    ):
        taken, _ = timed(
            partial(subprocess.run, command + arguments, capture_output=True, check=False), 7, warm=1
        )
        table.add(what, shown(taken), reach=reach)


BENCHES = {
    "states": bench_states,
    "recorded": bench_recorded,
    "volumes": bench_volumes,
    "plans": bench_plans,
    "wellclear": bench_well_clear,
    "large": bench_large,
    "cold": bench_cold,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description="Benchmarks, peers beside us in the same run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHES)} (all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, and no peer that takes minutes")
    asked_for = parser.parse_args()
    unknown = set(asked_for.names) - set(BENCHES)
    if unknown:
        parser.error(f"no benchmark {min(unknown)!r}; there are {', '.join(BENCHES)}")
    names = asked_for.names or list(BENCHES)
    python = peer_python() if {"states", "recorded"} & set(names) else None
    table = Table()
    print(f"{'what':46s} {'ours (median)':>22s}  {'peer':>26s}  {'ratio':>9s}  reach")
    for name in names:
        BENCHES[name](table, python, asked_for.quick)


if __name__ == "__main__":
    main()
