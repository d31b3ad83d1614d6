"""The HTML map as a file: self-contained, honest, safe with hostile text, and small."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import stat
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from awkward import BASE_US, GEOD, rng
from map_pages import (
    CENTRE,
    SECOND_US,
    column,
    data_of,
    drawn,
    ground_once,
    integers,
    pact,
    scene,
    straight,
    written,
    zones_of,
)
from sample_report import answer, findings, full, labels, report
from skypact.airspace import (
    Altitude,
    AltitudeReference,
    Circle,
    Labels,
    Polygon,
    States,
    Trajectories,
    Volume4D,
    Volumes,
)
from skypact.airspace.labels import DataMode, Kind
from skypact.check.findings import FindingKind, Unobserved
from skypact.errors import InputError, ModeError
from skypact.formats import html_map, html_scene
from skypact.formats.contents import Contents
from skypact.formats.html_map import write_map, write_report_map
from skypact.formats.html_scene import shown
from skypact.formats.report import Stale
from skypact.pact import Pact, Party, Zone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(autouse=True, scope="module")
def _ground_once() -> Iterator[None]:
    with ground_once():
        yield


HOSTILE = [
    "</script><script>window.struck = 1</script>",
    "<img src=x onerror='window.struck = 1'>",
    "<!--data-->",
    "]]>--!>&lt;&amp;\"'`",
    "line\u2028and\u2029paragraph",
    "\u202eturned\u202c \u0000\u0007 bell",
    "\ud800 lone surrogate",
    "x" * 100_000,
]


def boxed(lat: float, lng: float, **more: Any) -> Volume4D:
    """A small square volume."""
    corners = ((lat, lng), (lat + 0.2, lng), (lat + 0.2, lng + 0.2), (lat, lng + 0.2))
    return Volume4D(Polygon(corners), **more)


# -- numbers ----------------------------------------------------------------------------------------------


@given(hnp.arrays(np.int64, st.integers(0, 50), elements=st.integers(-(2**62), 2**62)))
def test_integers_survive_packing(values: NDArray[np.int64]) -> None:
    """Every whole number comes back, through a reader written independently of the writer."""
    assert (integers(html_scene._varint(values)) == values).all()


@given(hnp.arrays(np.float64, st.integers(0, 50), elements=st.floats(-180, 180)))
def test_columns_survive_within_their_step(values: NDArray[np.float64]) -> None:
    """Differences do not add up their rounding."""
    back = column(html_scene._steps(values, 1e-5), 1e-5)
    assert np.abs(back - values).max(initial=0.0) <= 0.5e-5 + 1e-9


# -- the file ---------------------------------------------------------------------------------------------


def test_the_page_asks_for_nothing(tmp_path: Path) -> None:
    """Nothing in the page can fetch: no address, no import, and a policy that forbids it."""
    page = written(tmp_path, *scene()).decode()
    program = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    for word in (
        "http:",
        "https:",
        "//cdn",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "import(",
    ):
        assert word not in program, word
    assert (
        re.findall(r'<(?:script|link|img|iframe|object|embed)[^>]*\s(?:src|href)="(?!data:,")', program) == []
    )
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "connect-src" not in policy


def test_the_policy_names_this_style_and_this_script(tmp_path: Path) -> None:
    """The policy's hashes are those of the inline style and script: a browser runs them and no other."""
    page = written(tmp_path, *scene()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_text_from_data_never_reaches_the_program(tmp_path: Path) -> None:
    """The page without its data block is the same whatever the data say, but for the escaped title."""
    harmless = written(tmp_path, *scene(), title="A day")
    contents, found = scene(first=HOSTILE[0], second=HOSTILE[1])
    hostile = written(tmp_path, contents, found, title="A day")
    block = re.compile(rb'(<script type="application/json" id="data">).*?(</script>)', re.DOTALL)
    assert block.sub(b"", harmless) == block.sub(b"", hostile)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(tmp_path: Path, text: str) -> None:
    """Names that try to end the script, the comment or the line come back as text, cleaned."""
    contents, found = scene(first=text, second="other")
    contents = [replace(c, path=text, ignored=(text,)) for c in contents]
    page = written(tmp_path, contents, found, title=text)
    assert page.count(b"</script>") == 2
    data = data_of(page)
    assert data["moving"]["id"][0] == shown(text) == data["findings"][0]["a"]["id"]
    assert data["title"] == shown(text)
    (title,) = re.findall(rb"<title>(.*?)</title>", page, re.DOTALL)
    assert b"<" not in title
    page.decode("utf-8")


@given(st.text(st.characters(codec=None, exclude_categories=[]), max_size=400))
def test_shown_text_is_one_short_line(text: str) -> None:
    """No control or direction character, no line break and no endless text reaches the screen."""
    clean = shown(text)
    assert len(clean) <= 300
    assert clean == " ".join(clean.split())
    assert not set(clean) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\x00\x1b\x7f")
    clean.encode("utf-8")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """A map can be compared with another of the same check."""
    assert written(tmp_path, *scene()) == written(tmp_path, *scene())


def test_a_map_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When something fails the old map still stands, and nothing else is left behind."""
    path = tmp_path / "map.html"
    path.write_text("old")
    monkeypatch.setattr(html_map, "_page", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_map(path, *scene(), title="A day")
    assert path.read_text() == "old"
    monkeypatch.undo()
    write_map(path, *scene(), title="A day")
    assert path.read_bytes().startswith(b"<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["map.html"]
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error says which file, not how the program looks inside."""
    path = tmp_path / "missing" / "map.html"
    with pytest.raises(InputError, match=re.escape(str(path))):
        write_map(path, *scene(), title="A day")


def test_modes_are_never_mixed(tmp_path: Path) -> None:
    """A map of real and simulated records is refused, and names both."""
    real = straight("N1", 47.0, 8.0, 90.0, mode=DataMode.REAL)
    contents, found = scene()
    with pytest.raises(ModeError, match="real, simulated"):
        write_map(
            tmp_path / "map.html", [*contents, Contents("real.csv", "csv", tracks=real)], found, title="x"
        )
    with pytest.raises(ModeError):
        write_map(tmp_path / "map.html", [Contents("real.csv", "csv", tracks=real)], found, title="x")
    zones = zones_of(Volumes.of(Labels.of(["z"], data_mode=DataMode.TEST), [boxed(47.0, 8.0)]))
    with pytest.raises(ModeError):
        write_map(
            tmp_path / "map.html", [*contents, Contents("z.json", "ed269", zones=zones)], found, title="x"
        )


def test_findings_about_nothing_bring_no_mode(tmp_path: Path) -> None:
    """A check against an empty set has labels without rows, whose mode is only a default."""
    contents, found = scene()
    nothing = findings(Labels.of([]), [])
    assert data_of(written(tmp_path, contents, [*found, nothing]))["mode"] == "simulated"


@pytest.mark.parametrize("mode", list(DataMode))
def test_every_mode_has_its_words(tmp_path: Path, mode: DataMode) -> None:
    """The banner names the mode and says what it means."""
    tracks = straight("N1", 47.0, 8.0, 90.0, mode=mode)
    data = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], []))
    assert data["mode"] == mode.value
    assert data["modeText"]
    assert f'#mode[data-mode="{mode.value}"]'.encode() in written(tmp_path, *scene())


def test_nothing_at_all_is_a_page_too(tmp_path: Path) -> None:
    """No files and no findings: a map of nothing, without a mode, without a clock, that claims nothing."""
    data = data_of(written(tmp_path, [], []))
    assert data["mode"] == "none"
    assert data["range"] is None
    assert data["findings"] == []
    assert data["statement"] == "No conflict found, and nothing was there to be compared."


def test_no_page_says_clear(tmp_path: Path) -> None:
    """Nothing found is said with the assumptions it rests on, and never as an all-clear."""
    contents, found = scene()
    none = replace(findings(found[0].labels_a, []), assumptions={"gaps": "over 60 s unobserved"})
    page = written(tmp_path, contents, [none])
    data = data_of(page)
    assert data["statement"] == "No conflict found under these assumptions."
    assert data["assumptions"] == [["gaps", "over 60 s unobserved"]]
    said = page.decode().lower().replace("clearrect", "").replace("well clear", "")
    assert "clear" not in said.replace("clearance", "")
    assert said.count("clearance") == said.count("not a clearance")


# -- what is shown ----------------------------------------------------------------------------------------


def test_tracks_are_where_they_were(tmp_path: Path) -> None:
    """Positions, times and altitudes in the page are those of the records, to its steps."""
    contents, found = scene()
    things = drawn(data_of(written(tmp_path, contents, found)))
    assert [t["id"] for t in things] == ["HAWK 21", "RFF 602", "Column K-3", "UAV-7", "Plan R-9"]
    assert [t["form"] for t in things] == [0, 0, 0, 0, 1]
    tracks = contents[1].tracks
    assert tracks is not None
    own = slice(int(tracks.offsets[1]), int(tracks.offsets[2]))
    assert np.abs(things[1]["lat"] - tracks.lat_deg[own]).max() <= 1e-5
    assert np.abs(things[1]["lng"] - tracks.lng_deg[own]).max() <= 1e-5
    assert np.abs(things[1]["time"] - tracks.time_us[own] / 1000).max() <= 10.0
    assert np.abs(things[1]["altitude"] - tracks.altitude_m[own]).max() <= 0.051


def test_unobserved_stretches_are_marked(tmp_path: Path) -> None:
    """The drone's gap is one leg of its track, listed once though two answers tell of it, and linked."""
    data = data_of(written(tmp_path, *scene()))
    drone = drawn(data)[3]
    assert drone["gap"].sum() == 1
    (gap,) = np.nonzero(drone["gap"])[0]
    assert drone["time"][gap] == BASE_US / 1000 + 200_000
    assert drone["time"][gap + 1] == BASE_US / 1000 + 400_000
    (listed,) = data["unobserved"]
    assert listed["who"]["is"] == ["moving", 3]
    assert data["unobservedTotal"] == 1


def test_long_legs_follow_the_geodesic(tmp_path: Path) -> None:
    """A planned leg of 1,500 km is drawn through points of its geodesic, evenly in time."""
    plan = Trajectories.one(
        "far", [BASE_US, BASE_US + 7_200_000_000], [50.0, 45.0], [0.0, 20.0], [9000.0, 10000.0]
    )
    (thing,) = drawn(data_of(written(tmp_path, [Contents("p.plan", "plan", plans=plan)], [])))
    azimuth, _, length = GEOD.inv(0.0, 50.0, 20.0, 45.0)
    assert thing["lat"].shape[0] > length / 50_000
    for lat, lng, time, altitude in zip(
        thing["lat"], thing["lng"], thing["time"], thing["altitude"], strict=True
    ):
        part = (time - BASE_US / 1000) / 7_200_000
        true_lng, true_lat, _ = GEOD.fwd(0.0, 50.0, azimuth, part * length)
        assert GEOD.inv(lng, lat, true_lng, true_lat)[2] < 5.0
        assert altitude == pytest.approx(9000.0 + 1000.0 * part, abs=0.1)


def test_an_unknown_altitude_stays_unknown(tmp_path: Path) -> None:
    """NaN is a value of its own in the page too."""
    track = Trajectories.one(
        "N1",
        BASE_US + np.arange(4) * SECOND_US,
        np.full(4, 47.0),
        8 + np.arange(4) / 1e3,
        [np.nan, 1.0, np.nan, 2.0],
    )
    (thing,) = drawn(data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=track)], [])))
    assert np.isnan(thing["altitude"]).tolist() == [True, False, True, False]


def test_a_finding_shows_both_positions(tmp_path: Path) -> None:
    """``a`` stands where the check put it, ``b`` where its own track is at that time."""
    data = data_of(written(tmp_path, *scene()))
    loss = data["findings"][0]
    assert (loss["kind"], loss["basis"]) == ("loss", "recorded")
    assert loss["a"]["is"] == ["moving", 0]
    assert loss["b"]["is"] == ["moving", 1]
    apart = GEOD.inv(loss["a"]["at"][1], loss["a"]["at"][0], loss["b"]["at"][1], loss["b"]["at"][0])[2]
    assert apart == pytest.approx(2000.0, abs=0.05)
    assert loss["b"]["altitude"] == pytest.approx(9200.0)
    assert loss["minima"] == [9260.0, 304.8]
    assert loss["closest"] + data["base"] == BASE_US / 1000 + 300_000
    assert (loss["horizontal"], loss["vertical"]) == (2000.0, 200.0)


def test_b_is_found_between_samples(tmp_path: Path) -> None:
    """The closest point of unsynchronised tracks lies between samples: the geodesic there counts."""
    a = straight("a", 0.0, 0.0, 90.0, step_s=60.0)
    b = straight("b", 0.0, 0.05, 90.0, step_s=60.0, start_us=BASE_US + 7_300_000)
    tracks = Trajectories.concat([a, b])
    when = BASE_US + 100 * SECOND_US
    found = findings(tracks.labels, [(0, 1, 0, 1.0, 1.0)], closest_us=np.array([when]))
    (row,) = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], [found]))["findings"]
    lng, lat, _ = GEOD.fwd(0.05, 0.0, 90.0, 200.0 * (100 - 7.3))
    assert GEOD.inv(row["b"]["at"][1], row["b"]["at"][0], lng, lat)[2] < 0.1


def test_a_thing_that_is_not_there_then_has_no_position(tmp_path: Path) -> None:
    """A finding outside the time of a track is still listed, without inventing where the track was."""
    tracks = Trajectories.concat([straight("a", 0.0, 0.0, 90.0), straight("b", 0.1, 0.0, 90.0)])
    found = findings(
        tracks.labels,
        [(0, 1, 0, 1.0, 1.0)],
        closest_us=np.array([BASE_US - 3600 * SECOND_US]),
        lat_deg=np.array([np.nan]),
    )
    (row,) = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], [found]))["findings"]
    assert "at" not in row["a"]
    assert "at" not in row["b"]


def test_findings_are_linked_through_joined_labels(tmp_path: Path) -> None:
    """A check joins files, so its labels are new: things are found by id and source."""
    one = straight("same", 47.0, 8.0, 90.0, source="one.csv")
    two = straight("same", 47.1, 8.0, 90.0, source="two.csv")
    joined = Labels.concat([one.labels, two.labels])
    found = findings(joined, [(0, 1, 0, 1.0, 1.0)])
    contents = [Contents("one.csv", "csv", tracks=one), Contents("two.csv", "csv", tracks=two)]
    (row,) = data_of(written(tmp_path, contents, [found]))["findings"]
    assert (row["a"]["is"], row["b"]["is"]) == (["moving", 0], ["moving", 1])


def test_one_id_flown_twice_is_told_apart_by_time(tmp_path: Path) -> None:
    """Where labels are a choice of rows, of two with one id the one that is there then is meant."""
    flights = [straight("same", 47.0, 8.0, 90.0, start_us=BASE_US + k * 7200 * SECOND_US) for k in range(2)]
    tracks = Trajectories.concat(
        [*flights, straight("other", 47.1, 8.0, 90.0, start_us=BASE_US + 7200 * SECOND_US)]
    )
    chosen = tracks.take(np.array([1, 2])).labels
    found = findings(chosen, [(0, 1, 0, 1.0, 1.0)], closest_us=np.array([BASE_US + 7300 * SECOND_US]))
    (row,) = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], [found]))["findings"]
    assert row["a"]["is"] == ["moving", 1]
    never = replace(found, closest_us=np.array([BASE_US + 9_000_000 * SECOND_US]))
    (row,) = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], [never]))["findings"]
    assert row["a"]["is"] == ["moving", 0]


def test_the_volumes_of_one_intent_are_told_apart(tmp_path: Path) -> None:
    """Volumes share an id; the row among them decides which is meant, though their windows are the same."""
    volumes = Volumes.of(
        Labels.of(["OI", "OI", "X"], source="oi.json", data_mode=DataMode.SIMULATED),
        [boxed(47.0, 8.0), boxed(48.0, 8.0), boxed(47.1, 8.1)],
    )
    again = Labels.of(["OI", "OI", "X"], source="oi.json", data_mode=DataMode.SIMULATED)
    found = findings(again, [(1, 2, 0, 0.0, 0.0)], kind=FindingKind.CONFLICT)
    (row,) = data_of(written(tmp_path, [Contents("oi.json", "f3548", volumes=volumes)], [found]))["findings"]
    assert (row["a"]["is"], row["b"]["is"]) == (["volume", 1], ["volume", 2])


def test_a_stranger_in_the_findings_is_listed_unlinked(tmp_path: Path) -> None:
    """Labels that no file here has are shown by name and point nowhere."""
    contents, _ = scene()
    found = findings(labels("red-1", "blue-2"), [(0, 1, 0, 10.0, 10.0)])
    contents = [replace(c, pact=None) for c in contents[1:2]]
    found = replace(found, labels_a=replace(found.labels_a, data_mode=DataMode.SIMULATED))
    found = replace(found, labels_b=found.labels_a)
    (row,) = data_of(written(tmp_path, contents, [found]))["findings"]
    assert row["a"]["id"] == "red-1"
    assert "is" not in row["a"]


def test_a_zone_says_who_recognises_it(tmp_path: Path) -> None:
    """Declared, recognised, rejected and silent are four different things, each party in its place."""
    data = data_of(written(tmp_path, *scene()))
    (zone,) = data["zones"]["facts"]
    assert zone["effect"] == "entry by notice"
    assert zone["declared"] == "US-led coalition (coalition)"
    assert zone["stances"] == {
        "recognised": ["US-led coalition (coalition)"],
        "reserved": [],
        "rejected": ["russia"],
        "silent": ["government"],
    }
    assert zone["note"] == "Disputed. Still."
    assert zone["applies"] == ["crewed", "uncrewed", "ground"]
    entry = data["findings"][1]
    assert entry["b"]["is"] == ["zone", 0]


def test_a_zone_of_a_file_claims_no_recognition(tmp_path: Path) -> None:
    """A geozone without a pact has nobody's recognition, and none is made up."""
    zones = zones_of(
        Volumes.of(Labels.of(["R-1", "R-2"], source="es.json"), [boxed(40.0, -3.0), boxed(41.0, -3.0)])
    )
    data = data_of(written(tmp_path, [Contents("es.json", "ed269", zones=zones)], []))
    assert ["stances" in fact for fact in data["zones"]["facts"]] == [False, False]
    assert data["range"] is None


def test_zones_of_several_files_keep_their_own_words(tmp_path: Path) -> None:
    """Each zone's words are those of its own file; a zone without name or note shows neither."""
    plain = Zone("z", boxed(40.0, -3.0), effect="second", declared_by="b")
    other = Pact("p2", data_mode=DataMode.SIMULATED, parties=(Party("b"),), zones=(plain,))
    inputs = [
        Contents("one.toml", "pact", pact=pact()),
        Contents("two.toml", "pact", pact=other),
        Contents(
            "three.json",
            "ed269",
            zones=zones_of(Volumes.of(Labels.of(["z"], data_mode=DataMode.SIMULATED), [boxed(41.0, -3.0)])),
        ),
    ]
    facts = data_of(written(tmp_path, inputs, []))["zones"]["facts"]
    assert [fact["effect"] for fact in facts] == ["entry by notice", "second", ""]
    assert [fact.get("declared") for fact in facts] == ["US-led coalition (coalition)", "b", None]
    assert ["name" in fact or "note" in fact for fact in facts] == [True, False, False]


def test_things_without_a_source_are_found_by_id(tmp_path: Path) -> None:
    """Labels made in code have no source, and the volumes of one id are still told apart."""
    volumes = Volumes.of(Labels.of(["OI", "OI", "X"]), [boxed(47.0, 8.0), boxed(48.0, 8.0), boxed(47.1, 8.1)])
    again = Labels.of(["OI", "OI", "X"])
    found = findings(again, [(0, 2, 0, 0.0, 0.0), (1, 2, 1, 0.0, 0.0)], kind=FindingKind.CONFLICT)
    rows = data_of(written(tmp_path, [Contents("v", "f3548", volumes=volumes)], [found]))["findings"]
    assert [row["a"]["is"] for row in rows] == [["volume", 0], ["volume", 1]]


def test_a_gap_at_the_end_of_a_track_marks_no_leg(tmp_path: Path) -> None:
    """A stretch that begins at the last sample has no leg to draw, and is listed all the same."""
    track = straight("N1", 47.0, 8.0, 90.0)
    end = track.time_us[-1:]
    found = findings(track.labels, [], unobserved=Unobserved(np.array([0]), end, end + SECOND_US))
    data = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=track)], [found]))
    assert not drawn(data)[0]["gap"].any()
    assert data["unobservedTotal"] == 1


def test_the_pact_of_a_report_brings_its_zones(tmp_path: Path) -> None:
    """A pact given beside the inputs is on the map as if it were one; the same pact is there once."""
    track = straight("N1", 33.5, 38.0, 90.0)
    agreement = pact()
    own = Contents("pact.toml", "pact", pact=agreement)
    for inputs, beside in (
        ([Contents("a.csv", "csv", tracks=track)], agreement),
        ([own, Contents("a.csv", "csv", tracks=track)], agreement),
        ([replace(own, zones=agreement.zones_in_force())], None),
    ):
        write_report_map(tmp_path / "m.html", report(inputs=inputs, pact=beside), title="x")
        data = data_of((tmp_path / "m.html").read_bytes())
        assert [fact["id"] for fact in data["zones"]["facts"]] == ["al-tanf-55km"]
        assert data["pacts"] == ["al-tanf-2017: Flight safety around al-Tanf"]
    empty = replace(agreement, zones=())
    write_report_map(tmp_path / "m.html", report(inputs=[], pact=empty), title="x")
    assert data_of((tmp_path / "m.html").read_bytes())["zones"]["facts"] == []


def test_outlines_are_drawn_true(tmp_path: Path) -> None:
    """A circle stays a circle; a long edge goes through points of its geodesic; windows are kept."""
    volumes = Volumes.of(
        Labels.of(["round", "long"], data_mode=DataMode.SIMULATED),
        [
            Volume4D(Circle(10.0, 20.0, 5000.0), start_us=BASE_US, end_us=BASE_US + SECOND_US),
            Volume4D(
                Polygon(((60.0, 0.0), (60.0, 20.0), (50.0, 10.0))),
                upper=Altitude(3048.0, AltitudeReference.STD),
            ),
        ],
    )
    shapes = data_of(written(tmp_path, [Contents("v.json", "f3548", volumes=volumes)], []))["volumes"]
    counts = integers(shapes["counts"])
    assert counts[0] == 1
    assert counts[1] > 3 * 1_000_000 / 25_000 / 1.2
    assert shapes["facts"][0]["radius"] == 5000.0
    assert shapes["facts"][0]["end"] - shapes["facts"][0]["start"] == 1000.0
    assert (shapes["facts"][1]["lower"], shapes["facts"][1]["upper"]) == (None, 3048.0)
    assert shapes["facts"][1]["start"] is None
    lat, lng = column(shapes["lat"], 1e-6)[1:], column(shapes["lng"], 1e-6)[1:]
    azimuth, _, length = GEOD.inv(0.0, 60.0, 20.0, 60.0)
    steps = math.ceil(length / 25_000.0)
    true_lng, true_lat, _ = GEOD.fwd(0.0, 60.0, azimuth, length * 5 / steps)
    assert (lat[5], lng[5]) == pytest.approx((true_lat, true_lng), abs=2e-6)


def test_states_are_drawn_as_what_was_predicted(tmp_path: Path) -> None:
    """A state goes straight on along its geodesic, at least to the last predicted finding."""
    states = States.of(
        Labels.of(["a", "b"], source="live.csv", data_mode=DataMode.SIMULATED),
        BASE_US,
        [0.0, 0.0],
        [0.0, 1.0],
        [9000.0, 9000.0],
        [250.0, 250.0],
        np.radians([90.0, 270.0]),
        [5.0, 0.0],
    )
    late = BASE_US + 600 * SECOND_US
    found = findings(
        states.labels,
        [(0, 1, 0, 100.0, 100.0)],
        kind=FindingKind.ENCOUNTER,
        now_us=BASE_US,
        closest_us=np.array([BASE_US + 220 * SECOND_US]),
        end_us=np.array([late]),
    )
    data = data_of(written(tmp_path, [Contents("live.csv", "csv", states=states)], [found]))
    a, _ = drawn(data)
    assert a["form"] == 2
    assert a["time"][-1] == late / 1000
    lng, lat, _ = GEOD.fwd(0.0, 0.0, 90.0, 250.0 * 600)
    assert (a["lat"][-1], a["lng"][-1]) == pytest.approx((lat, lng), abs=1e-5)
    assert a["altitude"][-1] == pytest.approx(9000.0 + 3000.0, abs=0.1)
    (row,) = data["findings"]
    assert row["basis"] == "predicted"
    assert row["b"]["is"] == ["moving", 1]


def test_states_beside_their_tracks_wait_for_a_prediction(tmp_path: Path) -> None:
    """The last samples of recorded tracks are not drawn as predictions nobody asked for."""
    track = straight("N1", 47.0, 8.0, 90.0)
    states = States.of(track.labels, BASE_US, [47.0], [8.0], [9000.0], [200.0], [0.0])
    both = Contents("a.csv", "csv", tracks=track, states=states)
    assert data_of(written(tmp_path, [both], []))["moving"]["form"] == [0]
    ahead = findings(states.labels, [], kind=FindingKind.ENCOUNTER, now_us=BASE_US)
    assert data_of(written(tmp_path, [both], [ahead]))["moving"]["form"] == [0, 2]


def test_a_whole_report_is_shown(tmp_path: Path) -> None:
    """Every sort of finding in the report's own order, with what was not decided and not observed."""
    made = replace(
        full(),
        stale=[Stale("old-1", "red", "live.csv", Kind.CREWED, BASE_US, BASE_US + SECOND_US)],
        notes=("a note",),
    )
    write_report_map(tmp_path / "m.html", made, title="All")
    data = data_of((tmp_path / "m.html").read_bytes())
    assert [f["kind"] for f in data["findings"]] == [r["kind"] for r in made.records()]
    assert {f["kind"] for f in data["findings"]} == {"loss", "encounter", "entry", "outside"}
    assert data["findingsTotal"] == 6
    assert data["uncheckedTotal"] == made.unchecked == 18
    assert len(data["unchecked"]) == 2
    assert data["unchecked"][1]["start"] is None
    assert data["unobservedTotal"] == made.unobserved == 2
    assert data["unobserved"][1]["stale"] is True
    assert data["statement"] == made.statement
    assert data["notes"] == ["a note"]
    assert [f.get("agreed", False) for f in data["findings"]].count(True) == 1
    assert [f.get("marginal", False) for f in data["findings"]].count(True) == 1
    entry = next(f for f in data["findings"] if f["kind"] == "entry")
    assert entry["effect"] == "entry by notice"
    assert entry["standing"] == "declared by zone"


def test_assumptions_of_several_answers_are_all_shown(tmp_path: Path) -> None:
    """Where answers differ in an assumption, both texts stand."""
    contents, found = scene()
    second = replace(found[1], assumptions={"minima": "others", "zones": "as declared"})
    data = data_of(written(tmp_path, contents, [found[0], second, found[0]]))
    assert data["assumptions"] == [["minima", "as told; others"], ["zones", "as declared"]]


def test_minima_come_from_the_rules_name(tmp_path: Path) -> None:
    """Without a pact the usual rule's own name says its minima; a name that says nothing gives none."""
    tracks = Trajectories.concat([straight("a", 47.0, 8.0, 90.0), straight("b", 47.0, 8.1, 90.0)])
    for name, expected in (
        ("5 NM / 1000 ft", [9260.0, 304.8]),
        ("0.5 NM / 50 ft", [926.0, 15.24]),
        ("1.2.3 NM / 4 ft", [0.0, 0.0]),
        ("touching", [0.0, 0.0]),
    ):
        found = findings(tracks.labels, [(0, 1, 0, 1.0, 1.0)], rules=(name,))
        (row,) = data_of(written(tmp_path, [Contents("a", "csv", tracks=tracks)], [found]))["findings"]
        assert row["minima"] == pytest.approx(expected)


def test_units_follow_what_moves(tmp_path: Path) -> None:
    """A page on which nothing crewed moves opens in metres, any other in nautical miles and feet."""
    drone = straight("d", 47.0, 8.0, 90.0, kind=Kind.UNCREWED, speed=15.0)
    crewed = straight("c", 47.0, 8.0, 90.0)
    assert data_of(written(tmp_path, [Contents("d", "csv", tracks=drone)], []))["metric"] is True
    both = Trajectories.concat([drone, crewed])
    assert data_of(written(tmp_path, [Contents("d", "csv", tracks=both)], []))["metric"] is False
    assert data_of(written(tmp_path, [], []))["metric"] is False


# -- where it looks first ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lat", "lng"),
    [(0.0, 180.0), (-17.0, 179.9), (89.9, 10.0), (-89.95, -120.0), (0.0, 0.0), (60.0, -179.99)],
)
def test_the_view_opens_on_the_data_anywhere(tmp_path: Path, lat: float, lng: float) -> None:
    """Across the antimeridian and at a pole the first view is as close as anywhere else."""
    tracks = [straight(f"t{k}", lat, lng, 60.0 * k, n=31) for k in range(6)]
    data = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=Trajectories.concat(tracks))], []))
    west, south, east, north = data["fit"]
    assert 100_000 < east - west < 150_000
    assert 100_000 < north - south < 150_000
    assert GEOD.inv(data["centre"][1], data["centre"][0], lng, lat)[2] < 10_000


def test_far_zones_do_not_pull_the_view(tmp_path: Path) -> None:
    """A file may bring the zones of a continent: the view opens on what moves, with the zones near it."""
    track = straight("N1", 47.0, 8.0, 90.0)
    far = zones_of(
        Volumes.of(
            Labels.of(["near", "far"], data_mode=DataMode.SIMULATED), [boxed(47.1, 8.1), boxed(36.0, -5.0)]
        )
    )
    data = data_of(
        written(
            tmp_path, [Contents("a.csv", "csv", tracks=track), Contents("z.txt", "openair", zones=far)], []
        )
    )
    assert len(data["zones"]["facts"]) == 2
    assert data["fit"][2] - data["fit"][0] < 400_000
    alone = data_of(written(tmp_path, [Contents("z.txt", "openair", zones=far)], []))
    assert alone["fit"][2] - alone["fit"][0] > 1_000_000


def test_data_all_around_the_earth_has_a_centre(tmp_path: Path) -> None:
    """Two opposite places have no middle; the page is made all the same."""
    tracks = Trajectories.concat([straight("a", 0.0, 0.0, 90.0, n=1), straight("b", 0.0, 180.0, 90.0, n=1)])
    data = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], []))
    assert all(math.isfinite(v) for v in (*data["centre"], *data["fit"]))
    assert data["world"]["layers"][0]["half"] == 17_000_000.0
    assert data["range"] is None
    assert data["opening"] == 0.0


def test_the_clock_covers_what_happens(tmp_path: Path) -> None:
    """The slider spans tracks and findings and windows near them, not a window of years."""
    track = straight("N1", 47.0, 8.0, 90.0)
    hour = 3600 * SECOND_US
    volumes = Volumes.of(
        Labels.of(["near", "years"], data_mode=DataMode.SIMULATED),
        [
            boxed(47.0, 8.0, start_us=BASE_US - hour, end_us=BASE_US + hour),
            boxed(47.0, 8.3, start_us=BASE_US - 9000 * hour, end_us=BASE_US + 9000 * hour),
        ],
    )
    inputs = [Contents("a.csv", "csv", tracks=track), Contents("v.json", "f3548", volumes=volumes)]
    data = data_of(written(tmp_path, inputs, []))
    assert data["range"][0] + data["base"] == (BASE_US - hour) / 1000
    assert data["range"][1] + data["base"] == (BASE_US + hour) / 1000
    alone = data_of(written(tmp_path, inputs[1:], []))
    assert alone["range"][1] - alone["range"][0] == 18_000 * hour / 1000
    assert alone["days"] == 751


# -- how much fits ----------------------------------------------------------------------------------------


def crowd(n: int, m: int, seed: int = 7) -> Trajectories:
    """Seeded flights that turn a little, m samples each."""
    r = rng(seed)
    heading = r.uniform(0, 6.28, (n, 1)) + np.cumsum(r.normal(0, 0.02, (n, m)), axis=1)
    lat = 47 + r.uniform(-1, 1, (n, 1)) + np.cumsum(np.cos(heading), axis=1) * 0.02
    lng = 8 + r.uniform(-1, 1, (n, 1)) + np.cumsum(np.sin(heading), axis=1) * 0.03
    time = BASE_US + (r.uniform(0, 80_000, (n, 1)) + np.arange(m) * 11.0) * SECOND_US
    alt = 10_000 + np.cumsum(r.normal(0, 10, (n, m)), axis=1)
    return Trajectories.of(
        Labels.of([f"{k:06x}/ABC{k}" for k in range(n)], data_mode=DataMode.SIMULATED),
        np.arange(n + 1) * m,
        time.astype(np.int64).ravel(),
        lat.ravel(),
        lng.ravel(),
        alt.ravel(),
    )


def test_pages_are_small(tmp_path: Path) -> None:
    """A scene like al-Tanf is under 0.5 MB, a day of 1,244 flights under 3 MB without thinning."""
    assert len(written(tmp_path, *scene())) < 500_000
    data = written(tmp_path, [Contents("day.csv", "csv", tracks=crowd(1244, 112))], [])
    assert len(data) < 3_000_000
    assert data_of(data)["drawing"] == []


def test_thinning_is_said_and_spares_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where samples are left out the page says how many and how far off, and none near a finding is."""
    monkeypatch.setitem(html_scene.LIMITS, "samples", 500)
    tracks = crowd(10, 112)
    closest = int(tracks.time_us[tracks.offsets[3] + 50])
    found = findings(
        tracks.labels,
        [(3, 4, 0, 1.0, 1.0)],
        closest_us=np.array([closest]),
        start_us=np.array([closest]),
        end_us=np.array([closest]),
    )
    data = data_of(written(tmp_path, [Contents("day.csv", "csv", tracks=tracks)], [found]))
    (said,) = data["drawing"]
    assert re.match(r"Tracks are thinned for drawing: \d+ of 1,120 points are in this page", said)
    assert said.endswith("Near a finding none is left out.")
    thing = drawn(data)[3]
    near = np.abs(tracks.time_us[tracks.offsets[3] : tracks.offsets[4]] - closest) <= 120 * SECOND_US
    kept = np.abs(thing["time"] * 1000 - closest) <= 120 * SECOND_US + 10_000
    assert kept.sum() == near.sum() > 10
    assert sum(t["time"].shape[0] for t in drawn(data)) <= 500


def test_a_leg_over_a_left_out_gap_is_unobserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many gaps to keep them all: a drawn leg that passes over any of them is drawn as unobserved."""
    monkeypatch.setitem(html_scene.LIMITS, "samples", 100)
    tracks = straight("N1", 47.0, 8.0, 90.0, n=1500)
    every = np.arange(0, 1498, 2)
    gaps = Unobserved(np.zeros(every.shape[0], np.int64), tracks.time_us[every], tracks.time_us[every + 1])
    found = findings(tracks.labels, [], unobserved=gaps)
    data = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], [found]))
    (thing,) = drawn(data)
    assert thing["time"].shape[0] < 20
    assert thing["gap"][:-1].all()
    assert "Near a finding" not in data["drawing"][0]


def test_what_has_no_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Things, outlines and lists beyond the limits are counted in the page, and those with findings stay."""
    for name, value in (("things", 3), ("vertices", 8), ("findings", 2), ("undecided", 1), ("unobserved", 1)):
        monkeypatch.setitem(html_scene.LIMITS, name, value)
    tracks = crowd(6, 5)
    volumes = Volumes.of(
        Labels.of([f"v{k}" for k in range(5)], data_mode=DataMode.SIMULATED),
        [boxed(47.0 + k / 10, 8.0) for k in range(5)],
    )
    sample = findings(
        tracks.labels,
        [(4, 5, 0, 1.0, 1.0), (4, 5, 9, 5.0, 2.0), (0, 1, 3, 9000.0, 300.0)],
        unobserved=Unobserved(np.array([4, 5]), tracks.time_us[[21, 26]], tracks.time_us[[22, 27]]),
        unchecked=replace(
            scene()[1][0].unchecked,
            a=np.array([0, 1]),
            b=np.array([2, 3]),
            start_us=np.array([BASE_US, BASE_US]),
            end_us=np.array([BASE_US, BASE_US]),
            reason=np.zeros(2, np.int8),
            no_rule_pairs=2,
        ),
    )
    meets = findings(volumes.labels, [(3, 4, 0, 0.0, 0.0)], kind=FindingKind.CONFLICT)
    inputs = [Contents("a.csv", "csv", tracks=tracks), Contents("v.json", "f3548", volumes=volumes)]
    data = data_of(written(tmp_path, inputs, [meets, sample]))
    assert data["findingsTotal"] == 4
    assert len(data["findings"]) == 2
    assert len(data["moving"]["id"]) == 3
    assert {"000004/ABC4", "000005/ABC5"} <= set(data["moving"]["id"]) or data["findings"][0][
        "kind"
    ] == "conflict"
    assert len(data["volumes"]["facts"]) == 2
    assert len(data["unchecked"]) == 1
    assert len(data["unobserved"]) == 1
    assert {what for what, _ in data["leftOut"]} == {
        "findings",
        "tracks",
        "volumes",
        "unchecked",
        "unobserved",
    }
    for finding in data["findings"]:
        for side in ("a", "b"):
            assert "is" in finding[side]


def test_a_file_none_of_whose_tracks_fit_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room for one track: the second file is counted, and what is drawn keeps its number."""
    monkeypatch.setitem(html_scene.LIMITS, "things", 1)
    contents = [Contents(f"{k}.csv", "csv", tracks=crowd(1, 5, seed=k)) for k in range(2)]
    data = data_of(written(tmp_path, contents, []))
    assert len(data["moving"]["id"]) == 1
    assert data["leftOut"][0][1].startswith("1 of 2 tracks are drawn")


def test_a_gap_of_a_thing_without_room_is_listed_unlinked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of what was not observed names things that are not drawn, too."""
    monkeypatch.setitem(html_scene.LIMITS, "things", 1)
    tracks = crowd(2, 5)
    found = findings(
        tracks.labels, [], unobserved=Unobserved(np.array([1]), tracks.time_us[[6]], tracks.time_us[[7]])
    )
    (gap,) = data_of(written(tmp_path, [Contents("a.csv", "csv", tracks=tracks)], [found]))["unobserved"]
    assert gap["who"]["id"] == "000001/ABC1"
    assert "is" not in gap["who"]


def test_strange_numbers_are_no_trap(tmp_path: Path) -> None:
    """Open windows, unknown distances and longitudes past 180 come out as JSON that a browser reads."""
    contents, _ = scene()
    tracks = contents[1].tracks
    assert tracks is not None
    found = findings(
        tracks.labels,
        [(0, 1, 0, np.nan, np.nan)],
        margin_m=np.array([np.inf]),
        start_us=np.array([-(2**62)]),
        end_us=np.array([2**62]),
        lng_deg=np.array([350.0]),
        altitude_m=np.array([np.nan]),
    )
    page = written(tmp_path, contents, [found])
    (row,) = data_of(page)["findings"]
    assert (row["horizontal"], row["vertical"], row["margin"]) == (None, None, None)
    assert (row["start"], row["end"]) == (None, None)
    assert row["a"]["at"][1] == pytest.approx(-10.0)
    assert b"NaN" not in re.findall(rb'id="data">(.*?)</script>', page, re.DOTALL)[0]
    json.dumps(data_of(page), allow_nan=False)


def test_an_unknown_kind_of_prediction_is_listed_unlinked(tmp_path: Path) -> None:
    """A predicted finding of a sort that no part here answers points nowhere rather than somewhere wrong."""
    contents, _ = scene()
    tracks = contents[1].tracks
    assert tracks is not None
    odd = findings(tracks.labels, [(0, 1, 0, 1.0, 1.0)], kind=FindingKind.OUTSIDE, now_us=BASE_US)
    write_report_map(tmp_path / "m.html", report(answer(odd, basis="predicted"), inputs=contents), title="x")
    (row,) = data_of((tmp_path / "m.html").read_bytes())["findings"]
    assert "is" not in row["a"]


# -- colours ----------------------------------------------------------------------------------------------

# Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), severity 1.0
SEEN_AS = {
    "full": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> NDArray[np.float64]:
    """Linear light of a #rrggbb colour (IEC 61966-2-1)."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of linear light under D65."""
    ratio = TO_XYZ @ np.clip(light, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, two: str) -> float:
    """Contrast ratio of WCAG 2.1."""
    bright = sorted(float(TO_XYZ[1] @ linear(c)) for c in (one, two))
    return (bright[1] + 0.05) / (bright[0] + 0.05)


def palettes() -> dict[str, dict[str, str]]:
    """The custom properties of the style sheet, day and night."""
    style = html_map._packaged("style.css")
    day, night = (
        dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root(?:\[[^\]]*\])? \{(.*?)\}", style, re.DOTALL)[:2]
    )
    return {"day": day, "night": night}


@pytest.mark.parametrize("name", ["day", "night"])
def test_parties_are_told_apart_by_everybody(name: str) -> None:
    """Party colours differ for the commonest colour blindnesses, and stand out from the ground."""
    palette = palettes()[name]
    parties = [palette[key] for key in sorted(palette) if key.startswith("party-")]
    assert len(parties) == 5
    for matrix in SEEN_AS.values():
        for one, two in combinations(parties, 2):
            assert float(np.linalg.norm(lab(matrix @ linear(one)) - lab(matrix @ linear(two)))) > 10.0
    for colour in [*parties, palette["unstated"], palette["alert"]]:
        assert min(contrast(colour, palette["land"]), contrast(colour, palette["sea"])) >= 3.0


@pytest.mark.parametrize("name", ["day", "night"])
def test_text_can_be_read(name: str) -> None:
    """Text keeps the contrast of WCAG AA, 4.5 to 1, on every ground it stands on."""
    palette = palettes()[name]
    for text in ("text", "quiet", "alert-text"):
        for ground in ("panel", "raised", "paper"):
            assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize("name", ["day", "night"])
def test_no_party_is_painted_friend_or_foe(name: str) -> None:
    """No party colour is a red, a green or a plain blue, by which charts mark sides."""
    palette = palettes()[name]
    for key, colour in palette.items():
        if key.startswith("party-"):
            red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
            assert not (red > 1.6 * green and red > 1.6 * blue and red > 120), key
            assert not (green > 1.3 * red and green > 1.3 * blue), key
            assert not (blue > 1.6 * red and blue > 1.6 * green and red < 60), key


def test_the_centre_of_the_scene_is_where_it_was_built() -> None:
    """The scene these tests lean on is what it says: the pair passes at 2 km at its centre."""
    contents, _ = scene()
    tracks = contents[1].tracks
    assert tracks is not None
    a, b = int(tracks.offsets[0]) + 30, int(tracks.offsets[1]) + 30
    assert GEOD.inv(tracks.lng_deg[a], tracks.lat_deg[a], CENTRE[1], CENTRE[0])[2] < 0.01
    apart = GEOD.inv(tracks.lng_deg[a], tracks.lat_deg[a], tracks.lng_deg[b], tracks.lat_deg[b])[2]
    assert apart == pytest.approx(2000.0, abs=0.01)
