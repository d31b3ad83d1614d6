"""From points to tracks: sorting, repeated points, flights, names that come and go."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.airspace.altitude import AltitudeReference
from skypact.errors import FormatError
from skypact.formats import read, recording
from skypact.formats.contents import Defaults
from skypact.formats.recording import Attributes, Recording, plural
from track_files import NOON_S, NOON_US, put, rows, tracks_of

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.formats import Contents


def read_points(folder: Path, *points: tuple[int, str, str], header: str = "time") -> Contents:
    """Read points of (seconds after noon, icao24, callsign), each a little further north."""
    lines = [f"{NOON_S + t},{icao},{call},{1 + t / 1e5:.5f},2,3" for t, icao, call in points]
    return read(put(folder, "x.csv", rows(f"{header},icao24,callsign,lat,lng,altitude_m", *lines)))


def seconds(contents: Contents) -> dict[str, list[int]]:
    """Each track's times, in seconds after noon."""
    tracks = tracks_of(contents)
    return {
        name: ((tracks.time_us[a:b] - NOON_US) // 1_000_000).tolist()
        for name, a, b in zip(tracks.labels.ids, tracks.offsets[:-1], tracks.offsets[1:], strict=True)
    }


def test_points_are_sorted_by_time(tmp_path: Path) -> None:
    """Points come in any order; tracks come in the order of the file, each in time."""
    found = read_points(tmp_path, (20, "b", "B"), (10, "a", "A"), (0, "b", "B"), (5, "a", "A"))
    assert seconds(found) == {"b/B": [0, 20], "a/A": [5, 10]}


def test_a_gap_of_more_than_ten_minutes_ends_a_flight(tmp_path: Path) -> None:
    """Exactly ten minutes is one flight; one second more is the next, with a running number."""
    found = read_points(
        tmp_path, (0, "a", "A"), (600, "a", "A"), (1_201, "a", "A"), (5_000, "a", "B"), (9_000, "a", "A")
    )
    assert seconds(found) == {"a/A": [0, 600], "a/A/2": [1_201], "a/B": [5_000], "a/A/3": [9_000]}
    labels = tracks_of(found).labels
    assert {labels.body_of(i) for i in range(4)} == {"a"}


def test_points_without_a_callsign_belong_to_their_flight(tmp_path: Path) -> None:
    """A callsign heard late names the whole flight; another flight keeps the bare address."""
    found = read_points(
        tmp_path,
        (0, "a", ""),
        (5, "a", ""),
        (10, "a", "A"),
        (15, "a", ""),
        (20, "a", "A"),
        (25, "a", ""),
        (900, "a", ""),
    )
    assert seconds(found) == {"a/A": [0, 5, 10, 15, 20, 25], "a": [900]}


def test_no_callsign_at_all(tmp_path: Path) -> None:
    """An aircraft that never says its callsign is known by its address."""
    assert seconds(read_points(tmp_path, (0, "a", ""), (5, "a", ""))) == {"a": [0, 5]}


def test_a_change_of_callsign_in_flight_leaves_no_hole(tmp_path: Path) -> None:
    """The first point under the new name is also the last under the old: the way between is checked."""
    found = read_points(tmp_path, (0, "a", "A"), (10, "a", "A"), (20, "a", "B"), (30, "a", "B"))
    assert seconds(found) == {"a/A": [0, 10, 20], "a/B": [20, 30]}
    assert found.ignored[-1].startswith("1 change of name in flight")


def test_a_callsign_garbled_once_hides_nothing(tmp_path: Path) -> None:
    """A name that is wrong for one point: both tracks together hold every leg that was flown."""
    found = read_points(
        tmp_path, (0, "a", "A"), (10, "a", "A"), (20, "a", "X"), (30, "a", "A"), (40, "a", "A")
    )
    assert seconds(found) == {"a/A": [0, 10, 20, 30, 40], "a/X": [20, 30]}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3_000), st.sampled_from("ab"), st.sampled_from(["", "A", "B"])), min_size=1
    )
)
def test_every_leg_that_was_flown_is_in_a_track(points: list[tuple[int, str, str]]) -> None:
    """Whatever the names, successive points of a body within ten minutes are a leg of one of its tracks."""
    found = Recording("x", "csv", Defaults(), reference=AltitudeReference.STD)
    keys = [found.who(b, f"{b}/{c}" if c else b, Attributes(), "", named=bool(c)) for _, b, c in points]
    time = np.array([t * 1_000_000 for t, _, _ in points])
    zero = np.zeros(len(points))
    found.add(
        time, np.array(keys, np.int32), {"lat": time / 1e8, "lng": zero, "altitude": zero}, lambda *_: ""
    )
    tracks = tracks_of(found.finish())
    legs = set()
    for i, (a, b) in enumerate(pairwise(tracks.offsets)):
        own = tracks.time_us[a:b] // 1_000_000
        legs |= {(tracks.labels.body_of(i), int(s), int(e)) for s, e in pairwise(own)}
        assert np.all(np.diff(own) >= 0)
    for body in "ab":
        times = sorted({t for t, b, _ in points if b == body})
        flown = {(body, s, e) for s, e in pairwise(times) if e - s <= 600}
        assert flown <= legs
    assert len(set(tracks.labels.ids)) == len(tracks)


def test_repeated_rows_are_one_point(tmp_path: Path) -> None:
    """Rows that agree in all are one; another place or altitude at the same time is kept."""
    line = f"{NOON_S},a,1,2,"
    other = f"{NOON_S},a,1.5,2,3"
    path = put(
        tmp_path,
        "x.csv",
        rows("time,id,lat,lng,altitude_m", line + "3", other, line + "3", line, line, line + "4"),
    )
    found = read(path)
    tracks = tracks_of(found)
    assert sorted(
        zip(tracks.lat_deg.tolist(), np.nan_to_num(tracks.altitude_m, nan=-1).tolist(), strict=True)
    ) == [
        (1.0, -1.0),
        (1.0, 3.0),
        (1.0, 4.0),
        (1.5, 3.0),
    ]
    assert "2 rows repeating another row of the same track (same time, place and altitude)" in found.ignored


def test_repeated_positions_are_one_sample(tmp_path: Path) -> None:
    """Where the time is that of the position, the first row of a repeated position counts."""
    found = read_points(tmp_path, (0, "a", "A"), (0, "a", "B"), (5, "a", "A"), header="lastposupdate")
    assert seconds(found) == {"a/A": [0, 5]}


def test_numbered_tracks_are_taken_as_written(tmp_path: Path) -> None:
    """With a trajectory column nothing is cut, joined or taken out, and ids may repeat."""
    path = put(
        tmp_path,
        "x.csv",
        rows(
            "time,trajectory,id,body,lat,lng,altitude_m",
            f"{NOON_S},1,a,x,1,2,3",
            f"{NOON_S},1,a,x,1,2,3",
            f"{NOON_S + 5_000},1,a,x,1,2,3",
            f"{NOON_S},2,a,y,1,2,3",
            f"{NOON_S},,a,y,1,2,3",
        ),
    )
    found = read(path)
    tracks = tracks_of(found)
    assert list(tracks.labels.ids) == ["a", "a"]
    assert np.diff(tracks.offsets).tolist() == [3, 1]
    assert [tracks.labels.body_of(i) for i in (0, 1)] == ["x", "y"]


def test_a_numbered_track_is_one_thing(tmp_path: Path) -> None:
    """One number with two ids contradicts itself."""
    path = put(
        tmp_path, "x.csv", rows("time,trajectory,id,lat,lng", f"{NOON_S},1,a,1,2", f"{NOON_S},1,b,1,2")
    )
    with pytest.raises(
        FormatError, match=r"x\.csv:3: trajectory 1 changes its id.*found '?b'?; expected '?a"
    ):
        read(path)


def test_states_are_the_last_samples_that_have_a_velocity(tmp_path: Path) -> None:
    """A state needs speed and direction; what lacks them is counted."""
    header = "time,id,lat,lng,altitude_m,altitude_reference,groundspeed_m_s,track,horizontal_uncertainty_m"
    path = put(
        tmp_path,
        "x.csv",
        rows(
            header,
            f"{NOON_S},a,1,2,3,W84,100,90,5",
            f"{NOON_S + 1},a,1,2,4,W84,110,91,7",
            f"{NOON_S},b,1,2,3,W84,100,90,5",
            f"{NOON_S + 1},b,1,2,4,W84,,91,7",
        ),
    )
    found = read(path)
    assert found.states is not None
    assert list(found.states.labels.ids) == ["a"]
    assert found.states.ground_speed_m_s.tolist() == [110.0]
    assert found.states.altitude_m.tolist() == [4.0]
    assert found.states.reference.tolist() == [AltitudeReference.W84]
    assert found.states.horizontal_uncertainty_m.tolist() == [7.0]
    assert found.ignored == (
        "1 track without speed and direction in the last sample: no state to predict from",
        "1 state without a vertical rate: a prediction takes it as level flight",
    )


def test_there_are_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many points and too many names are refused before memory ends."""
    monkeypatch.setattr(recording, "POINTS_LIMIT", 1)
    with pytest.raises(FormatError, match=r"too many points; found '?over 1"):
        read_points(tmp_path, (0, "a", "A"), (1, "a", "A"))
    monkeypatch.setattr(recording, "NAMES_LIMIT", 1)
    with pytest.raises(FormatError, match=r"x\.csv:3: too many different names"):
        read_points(tmp_path, (0, "a", "A"), (1, "b", "B"))


def test_plural() -> None:
    """Counts read like sentences."""
    assert [plural(n, "row", "rows") for n in (0, 1, 2, 12_345)] == [
        "0 rows",
        "1 row",
        "2 rows",
        "12,345 rows",
    ]
