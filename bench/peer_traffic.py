"""traffic's closest_point_of_approach on two hours over Switzerland.

Run by ``bench/run.py`` with the bench's own interpreter.

Usage: peer_traffic.py SWITZERLAND.json.gz; prints one JSON line: seconds, and the pairs with a sample inside
5 NM / 1,000 ft.
"""

from __future__ import annotations

import json
import sys
import time

WINDOW = ("2018-08-01 12:00+00:00", "2018-08-01 14:00+00:00")


def main() -> None:
    """Time one run: it takes minutes."""
    import pandas as pd
    import pyproj
    from traffic.core import Traffic

    data = pd.read_json(sys.argv[1])
    data["timestamp"] = pd.to_datetime(data["timestamp"], unit="ms", utc=True)
    data = data[(data.timestamp >= WINDOW[0]) & (data.timestamp < WINDOW[1])]
    flights = Traffic(data)
    begin = time.perf_counter()
    found = flights.closest_point_of_approach(
        10 * 1852.0, 2000.0, projection=pyproj.Proj("epsg:2056"), round_t="10min", max_workers=2
    )
    taken = time.perf_counter() - begin
    near = found.data[(found.data.lateral < 5.0) & (found.data.vertical < 1000.0)]
    pairs = {tuple(sorted(p)) for p in zip(near.icao24_x, near.icao24_y, strict=True)}
    print(json.dumps({"seconds": taken, "pairs": sorted(pairs)}))


if __name__ == "__main__":
    main()
