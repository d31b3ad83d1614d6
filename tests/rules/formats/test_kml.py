"""KML: tracks and timed positions, altitude modes, and everything that is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from skypact.airspace.altitude import AltitudeReference
from skypact.errors import FormatError
from skypact.formats import read
from track_files import NOON_US, put, tracks_of

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.formats import Contents


def kml(folder: Path, body: str) -> Path:
    """A KML file around some placemarks."""
    return put(
        folder,
        "x.kml",
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2" '
        f'xmlns:gx="http://www.google.com/kml/ext/2.2"><Document><name>d</name>{body}</Document></kml>',
    )


def track(mode: str = "<altitudeMode>absolute</altitudeMode>", *, second: str = "38.7 33.6 1010") -> str:
    """A gx:Track of two samples."""
    return (
        f"<gx:Track>{mode}<when>2017-06-08T12:00:00Z</when><when>2017-06-08T12:00:10Z</when>"
        f"<gx:coord>38.6 33.5 1000</gx:coord><gx:coord>{second}</gx:coord>"
        "<gx:angles>1 2 3</gx:angles></gx:Track>"
    )


def placemark(content: str, name: str = "A1") -> str:
    """A placemark with a name."""
    return f"<Placemark><name>{name}</name><styleUrl>#x</styleUrl>{content}</Placemark>"


def point(when: str, name: str = "p", mode: str = "") -> str:
    """A placemark of one position."""
    stamp = f"<TimeStamp><when>{when}</when></TimeStamp>" if when else ""
    return placemark(f"{stamp}<Point>{mode}<coordinates> 38.6,33.5,100 </coordinates></Point>", name)


def test_a_track(tmp_path: Path) -> None:
    """A gx:Track is a track: longitude first, absolute altitudes above mean sea level."""
    found = read(kml(tmp_path, placemark(track())))
    tracks = tracks_of(found)
    assert (found.format, found.counts, found.ignored) == ("kml", {"points": 2, "tracks": 1}, ())
    assert list(tracks.labels.ids) == ["A1"]
    assert tracks.time_us.tolist() == [NOON_US, NOON_US + 10_000_000]
    assert tracks.lat_deg.tolist() == [33.5, 33.6]
    assert tracks.lng_deg.tolist() == [38.6, 38.7]
    assert tracks.altitude_m.tolist() == [1000.0, 1010.0]
    assert tracks.reference.tolist() == [AltitudeReference.AMSL]
    assert found.states is None


@pytest.mark.parametrize(
    ("mode", "reference", "known"),
    [
        ("<altitudeMode>absolute</altitudeMode>", "AMSL", True),
        ("<altitudeMode> relativeToGround </altitudeMode>", "AGL", True),
        ("<altitudeMode>clampToGround</altitudeMode>", "AMSL", False),
        ("<gx:altitudeMode>relativeToSeaFloor</gx:altitudeMode>", "AMSL", False),
        ("", "AMSL", False),
    ],
)
def test_altitude_modes(tmp_path: Path, mode: str, reference: str, known: bool) -> None:
    """The mode says what altitudes are measured from; on the ground they are unknown, and that is said."""
    found = read(kml(tmp_path, placemark(track(mode))))
    assert AltitudeReference(int(tracks_of(found).reference[0])).name == reference
    assert bool(np.isfinite(tracks_of(found).altitude_m).all()) is known
    assert any("clamped to the ground" in sentence for sentence in found.ignored) is not known


def test_a_multitrack_is_one_track(tmp_path: Path) -> None:
    """The tracks of a MultiTrack are one flight, whose mode may stand outside; KML 2.3 names it alike."""
    later = track("").replace("T12:00", "T12:05").replace("gx:", "")
    body = f"<gx:MultiTrack><altitudeMode>absolute</altitudeMode>{track('')}{later}</gx:MultiTrack>"
    tracks = tracks_of(read(kml(tmp_path, placemark(body))))
    assert np.diff(tracks.time_us).tolist() == [10_000_000, 290_000_000, 10_000_000]
    assert np.isfinite(tracks.altitude_m).all()


def test_two_modes_in_one_track_are_refused(tmp_path: Path) -> None:
    """Altitudes above sea and above ground do not make one track."""
    other = track("<altitudeMode>relativeToGround</altitudeMode>")
    with pytest.raises(FormatError, match=r"x\.kml:2: two altitude modes in one track"):
        read(kml(tmp_path, placemark(f"<gx:MultiTrack>{track()}{other}</gx:MultiTrack>")))


def test_two_placemarks_of_one_name_are_two_bodies(tmp_path: Path) -> None:
    """A name is no identity: both tracks are kept, and checked against each other."""
    labels = tracks_of(read(kml(tmp_path, placemark(track()) * 2))).labels
    assert list(labels.ids) == ["A1", "A1/2"]
    assert labels.body_of(0) != labels.body_of(1)


def test_a_track_without_a_name_has_one(tmp_path: Path) -> None:
    """The id of the placemark, or its number, stands in."""
    body = f'<Placemark id="pm7">{track()}</Placemark><Placemark>{track()}</Placemark>'
    assert list(tracks_of(read(kml(tmp_path, body))).labels.ids) == ["pm7", "track 2"]


def test_timed_points_of_one_name_are_a_track(tmp_path: Path) -> None:
    """Points with a time make a track of their name, sorted; nameless ones stay instants, as is said."""
    mode = "<altitudeMode>absolute</altitudeMode>"
    body = (
        point("2017-06-08T12:00:10Z", mode=mode)
        + point("2017-06-08T12:00:00Z", mode=mode)
        + point("2017-06-08T12:00:00Z", name="")
        + point("")
    )
    found = read(kml(tmp_path, body))
    tracks = tracks_of(found)
    assert np.diff(tracks.offsets).tolist() == [2, 1]
    assert tracks.time_us[:2].tolist() == [NOON_US, NOON_US + 10_000_000]
    assert tracks.altitude_m[:2].tolist() == [100.0, 100.0]
    assert found.ignored == (
        "1 placemark with one position: an instant each, nothing is known between them",
        "1 track clamped to the ground: the altitude is unknown",
        "1 point without a time",
    )


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    """Paths, polygons, models and links are named with their numbers."""
    coordinates = "<coordinates>1,2 3,4 5,6 1,2</coordinates>"
    body = (
        placemark(track())
        + placemark(f"<LineString>{coordinates}</LineString>") * 2
        + placemark(
            f"<Polygon><outerBoundaryIs><LinearRing>{coordinates}</LinearRing></outerBoundaryIs></Polygon>"
        )
        + placemark(f"<LinearRing>{coordinates}</LinearRing>")
        + "<NetworkLink><Link><href>http://192.0.2.1/x.kml</href></Link></NetworkLink>"
        + placemark("<gx:Track></gx:Track>")
        + placemark("<gx:Track><when>2017-06-08T12:00:00Z</when><gx:coord/></gx:Track>")
    )
    found = read(kml(tmp_path, body))
    assert found.counts == {"points": 2, "tracks": 1}
    assert set(found.ignored) == {
        "2 paths without times",
        "1 polygon (an outline, not a movement)",
        "1 ring (an outline, not a movement)",
        "1 link to other files, which are not followed",
        "1 empty position of tracks",
    }


def test_a_path_alone_is_refused(tmp_path: Path) -> None:
    """A path has no time, so a file of nothing else holds nothing to check; the error says that."""
    body = placemark("<LineString><coordinates>1,2 3,4</coordinates></LineString>")
    with pytest.raises(FormatError, match=r"holds no usable point; found '1 path without times'"):
        read(kml(tmp_path, body))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (track(second="38.7 91 5"), "x.kml:2: not a latitude; found '91'"),
        (track(second="361 9 5"), "x.kml:2: not a longitude"),
        (track(second="1 9 2e6"), "x.kml:2: not an altitude"),
        (track(second="1 9 nan"), "x.kml:2: not an altitude; found nan"),
        (track(second="1_0 9 5"), "x.kml:2: not a longitude"),
        (track(second="1"), "x.kml:2: not a position; found '1'"),
        (track(second="1 2 3 4"), "x.kml:2: not a position"),
        (track("<altitudeMode>above</altitudeMode>"), "x.kml:2: not an altitude mode; found 'above'"),
        (track().replace("<when>2017-06-08T12:00:10Z</when>", ""), "not as many times as positions"),
        (track().replace("T12:00:10Z", ""), "x.kml:2: not an instant; found '2017-06-08'"),
        (track().replace("10Z", "10"), "x.kml:2: not an instant"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, body: str, text: str) -> None:
    """A position, a mode or a time that cannot be is an error at its line."""
    with pytest.raises(FormatError) as caught:
        read(kml(tmp_path, placemark(body)))
    assert text.replace("found nan", "found 'nan'") in str(caught.value)


def test_what_is_no_kml_is_refused(tmp_path: Path) -> None:
    """Another root element is an error with its name."""
    with pytest.raises(FormatError, match=r"x\.kml:1: not KML; found '?<gpx>"):
        read(put(tmp_path, "x.kml", "<gpx/>"), format="kml")


def test_a_name_cannot_drive_a_terminal(tmp_path: Path) -> None:
    """Line breaks and control characters of names become blanks; long names are cut."""
    found: Contents = read(kml(tmp_path, placemark(track(), "a\n&#x9b;31m" + "x" * 300)))
    name = tracks_of(found).labels.ids[0]
    assert name.startswith("a 31m")
    assert len(name) == 200
