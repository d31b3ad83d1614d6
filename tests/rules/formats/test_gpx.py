"""GPX: tracks with times, elevations above mean sea level, and everything that is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import Kind
from skypact.errors import FormatError
from skypact.formats import Defaults, read
from track_files import NOON_US, put, tracks_of

if TYPE_CHECKING:
    from pathlib import Path


def gpx(folder: Path, body: str, *, packed: bool = False) -> Path:
    """A GPX file around some tracks."""
    return put(
        folder,
        "x.gpx",
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">\n'
        f"<metadata><time>2000-01-01T00:00:00Z</time><name>m</name></metadata>\n{body}\n</gpx>",
        packed=packed,
    )


def point(when: str = "2017-06-08T12:00:00Z", lat: str = "33.5", ele: str = "<ele>700.5</ele>") -> str:
    """A track point."""
    time = f"<time>{when}</time>" if when else ""
    return (
        f'<trkpt lat="{lat}" lon="38.6">{ele}{time}'
        "<extensions><a:time xmlns:a='a'>x</a:time><ele>9</ele></extensions></trkpt>"
    )


def track(*segments: str, name: str = "<name>T1</name>") -> str:
    """A track of some segments."""
    return f"<trk>{name}{''.join(f'<trkseg>{points}</trkseg>' for points in segments)}</trk>"


@pytest.mark.parametrize("packed", [False, True])
def test_a_track(tmp_path: Path, packed: bool) -> None:
    """Segments are joined; elevation is metres above mean sea level; a missing one is unknown."""
    body = track(
        point() + point("2017-06-08T12:00:01.5Z", ele=""), point("2017-06-08T14:00:10+02:00", ele="<ele/>")
    )
    found = read(gpx(tmp_path, body, packed=packed), Defaults(party="north", kind=Kind.UNCREWED))
    tracks = tracks_of(found)
    assert (found.format, found.counts, found.ignored) == ("gpx", {"points": 3, "tracks": 1}, ())
    assert (tracks.time_us - NOON_US).tolist() == [0, 1_500_000, 10_000_000]
    assert tracks.altitude_m[0] == 700.5
    assert np.isnan(tracks.altitude_m[1:]).all()
    assert tracks.reference.tolist() == [AltitudeReference.AMSL]
    assert (tracks.labels.party_of(0), tracks.labels.kind[0]) == ("north", Kind.UNCREWED)


def test_tracks_have_names_and_bodies_of_their_own(tmp_path: Path) -> None:
    """Two tracks of one name are two bodies; a nameless one has a number."""
    labels = tracks_of(read(gpx(tmp_path, track(point()) * 2 + track(point(), name="")))).labels
    assert list(labels.ids) == ["T1", "T1/2", "track 3"]
    assert len({labels.body_of(i) for i in range(3)}) == 3


def test_a_time_without_an_offset_is_utc(tmp_path: Path) -> None:
    """The schema says that GPX times are UTC."""
    assert tracks_of(read(gpx(tmp_path, track(point("2017-06-08T12:00:00"))))).time_us.tolist() == [NOON_US]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    """Points without a time, routes and waypoints are named with their numbers."""
    body = (
        '<wpt lat="1" lon="2"><time>2017-06-08T12:00:00Z</time></wpt>'
        '<rte><rtept lat="1" lon="2"/></rte>' + track(point() + point("") * 2)
    )
    found = read(gpx(tmp_path, body))
    assert found.ignored == (
        "2 track points without a time",
        "1 route (a route has no times)",
        "1 waypoint (places, not movements)",
    )


def test_a_route_alone_is_refused(tmp_path: Path) -> None:
    """A file without one timed point holds nothing to check, and the error says why."""
    with pytest.raises(FormatError, match=r"holds no usable point; found '2 track points without a time"):
        read(gpx(tmp_path, track(point("") * 2) + track("")))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (point(lat="91"), "x.gpx:5: not a latitude; found '91'; expected a number from -90 to 90"),
        (point(lat=""), "x.gpx:5: not a latitude; found ''"),
        (point(ele="<ele>high</ele>"), "x.gpx:5: not an elevation; found 'high'"),
        (point("yesterday"), "x.gpx:5: not an instant; found 'yesterday'"),
        (point("2017-06-31T12:00:00Z"), "x.gpx:5: not an instant"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, body: str, text: str) -> None:
    """A position, an elevation or a time that cannot be is an error at its line."""
    with pytest.raises(FormatError) as caught:
        read(gpx(tmp_path, track("\n" + body)))
    assert text in str(caught.value)


def test_what_is_no_gpx_is_refused(tmp_path: Path) -> None:
    """Another root element is an error with its name."""
    with pytest.raises(FormatError, match=r"x\.gpx:1: not GPX; found '?<kml>"):
        read(put(tmp_path, "x.gpx", "<kml/>"), format="gpx")
