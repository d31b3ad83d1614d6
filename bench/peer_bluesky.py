"""BlueSky's two state-based detectors on given states.

Run by ``bench/run.py`` with the bench's own interpreter.

Usage: peer_bluesky.py STATES.npz REPEATS; prints one JSON line: medians in seconds, and writes the pairs
beside the input.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Time both detectors."""
    path, repeats = Path(sys.argv[1]), int(sys.argv[2])
    data = np.load(path)
    import bluesky
    from bluesky.traffic.asas import cstatebased, statebased

    n = data["lat"].shape[0]
    track = np.radians(data["trk"])
    traffic = SimpleNamespace(
        ntraf=n,
        id=[str(i) for i in range(n)],
        lat=data["lat"],
        lon=data["lng"],
        trk=data["trk"],
        gs=data["gs"],
        alt=data["alt"],
        vs=data["vs"],
        gseast=data["gs"] * np.sin(track),
        gsnorth=data["gs"] * np.cos(track),
    )
    rpz, hpz, ahead = np.full(n, 5 * 1852.0), np.full(n, 1000 * 0.3048), np.full(n, 300.0)
    answer: dict[str, object] = {"version": getattr(bluesky, "__version__", "1.1.1")}
    runs: tuple[tuple[str, Callable[[], Any], int], ...] = (
        ("cpp", lambda: cstatebased.detect(traffic, traffic, rpz, hpz, ahead), repeats),
        (
            "numpy",
            lambda: statebased.StateBased.detect(None, traffic, traffic, rpz, hpz, ahead),
            max(1, repeats // 2),
        ),
    )
    for name, detect, times in runs:
        taken, pairs = [], []
        for _ in range(times):
            begin = time.perf_counter()
            pairs = detect()[0]
            taken.append(time.perf_counter() - begin)
        answer[name] = float(np.median(taken))
        answer[f"{name}_pairs"] = len(pairs)
        np.save(
            path.with_name(f"{path.stem}-{name}.npy"),
            np.array([(int(a), int(b)) for a, b in pairs], np.int64).reshape(-1, 2),
        )
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
