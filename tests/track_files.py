"""Track files for tests: written to disk from text, found in the shared folder, or drawn by hypothesis.

Law: a test of a reader says in its own text what is in the file; what several tests need of that is here.
"""

from __future__ import annotations

import gzip
import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import strategies as st

from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import Trajectories

if TYPE_CHECKING:
    from skypact.formats.contents import Contents

TRAFFIC = "timestamp,icao24,callsign,latitude,longitude,altitude,groundspeed,track,vertical_rate"
OPENSKY = (
    "time,icao24,lat,lon,velocity,heading,vertrate,callsign,onground,baroaltitude,geoaltitude,lastposupdate"
)
NOON_S = 1_496_923_200
"""2017-06-08T12:00:00Z."""
NOON_US = NOON_S * 1_000_000


def put(folder: Path, name: str, content: str | bytes, *, packed: bool = False) -> Path:
    """Write a file and say where it is."""
    data = content.encode() if isinstance(content, str) else content
    path = folder / name
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def rows(header: str, *lines: str) -> str:
    """A CSV text."""
    return "\n".join((header, *lines)) + "\n"


def shared(name: str) -> Path:
    """A recording of the shared folder; the test is skipped, with the reason, where there is none."""
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("SKYPACT_SHARED", root.parent / "shared"))
    path = folder / "data" / name
    if not path.exists():
        pytest.skip(f"needs the recording {name} under {folder}/data (set SKYPACT_SHARED)")
    return path


def tracks_of(contents: Contents) -> Trajectories:
    """The recorded tracks, which must be there."""
    assert contents.tracks is not None
    return contents.tracks


def same(a: Trajectories, b: Trajectories) -> bool:
    """Whether two sets of tracks are equal in every fact but the name of their source."""
    same_labels = (
        list(a.labels.ids) == list(b.labels.ids)
        and [a.labels.party_of(i) for i in range(len(a))] == [b.labels.party_of(i) for i in range(len(b))]
        and [a.labels.body_of(i) for i in range(len(a))] == [b.labels.body_of(i) for i in range(len(b))]
        and a.labels.data_mode is b.labels.data_mode
        and bool(np.array_equal(a.labels.kind, b.labels.kind))
    )
    columns = (
        "offsets",
        "time_us",
        "lat_deg",
        "lng_deg",
        "reference",
        "horizontal_uncertainty_m",
        "vertical_uncertainty_m",
    )
    return (
        same_labels
        and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in columns)
        and bool(np.array_equal(a.altitude_m, b.altitude_m, equal_nan=True))
    )


def _words(longest: int, *, least: int = 0) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=least, max_size=longest)


@st.composite
def trajectories(draw: st.DrawFn, *, text: st.SearchStrategy[str] | None = None, least: int = 1) -> Any:
    """Any tracks that can be: names of any text without NUL, samples anywhere, some altitudes unknown."""
    words = _words(20) if text is None else text
    sizes = draw(st.lists(st.integers(least, 4), min_size=1, max_size=4))
    n, m = len(sizes), sum(sizes)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    steps = draw(st.lists(st.integers(0, 10**10), min_size=m, max_size=m))
    times = np.concatenate([np.cumsum(steps[a:b]) for a, b in pairwise(offsets)])
    return Trajectories.of(
        Labels.of(
            draw(st.lists(words, min_size=n, max_size=n)),
            party=draw(st.lists(words, min_size=n, max_size=n)),
            kind=draw(st.lists(st.sampled_from(Kind), min_size=n, max_size=n)),
            body=draw(st.lists(words, min_size=n, max_size=n)),
            data_mode=draw(st.sampled_from(DataMode)),
        ),
        offsets,
        times + draw(st.integers(-(10**15), 4 * 10**15)),
        draw(st.lists(st.floats(-90, 90), min_size=m, max_size=m)),
        draw(st.lists(st.floats(-180, 180), min_size=m, max_size=m)),
        draw(st.lists(st.floats(-1e5, 1e5) | st.just(np.nan), min_size=m, max_size=m)),
        reference=draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)),
        horizontal_uncertainty_m=draw(st.lists(st.floats(0, 1e5), min_size=n, max_size=n)),
        vertical_uncertainty_m=draw(st.lists(st.floats(0, 1e5), min_size=n, max_size=n)),
    )
