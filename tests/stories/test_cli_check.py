"""``skypact check`` as people run it: a folder of two sides, from the table to the exit status."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

import two_sides
from shell import Ended, skypact

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two sides."""
    return two_sides.write(tmp_path_factory.mktemp("sky"))


@pytest.fixture(scope="module")
def answer(sky: Path) -> dict[str, Any]:
    """What a check of the folder says, as JSON."""
    ended = skypact("check", sky, "--lookahead", "5min", "--format", "json")
    assert ended.status == 1
    return ended.json


def rows(answer: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The findings of one kind."""
    return [row for row in answer["conflicts"] if row["kind"] == kind]


def pair(row: dict[str, Any]) -> set[str]:
    """Who meets."""
    return {row["a"]["id"], row["b"]["id"]}


def test_the_head_on_pass_is_found_where_it_is(answer: dict[str, Any]) -> None:
    """Two flights on one track and level pass at five minutes past noon, at no distance."""
    (loss,) = (row for row in rows(answer, "loss") if pair(row) == {"n-1", "s-1"})
    assert loss["closest"]["horizontal_m"] < 30
    assert loss["closest"]["vertical_m"] == 0.0
    assert loss["closest"]["time"].startswith("2026-06-01T12:05:0")
    assert loss["start"] < loss["closest"]["time"] < loss["end"]
    assert loss["closest"]["lat"] == pytest.approx(50.0, abs=0.001)
    assert loss["closest"]["lng"] == pytest.approx(9.84, abs=0.002)
    assert loss["closest"]["altitude_reference"] == "STD"
    assert loss["margin_m"] == pytest.approx(-304.8)
    assert (loss["a"]["party"], loss["b"]["party"]) == ("north", "south")
    assert loss["a"]["source"].endswith("tracks.csv")
    assert loss["rule"].startswith("crewed/crewed")
    assert loss["data_mode"] == "simulated"


def test_an_agreed_proximity_is_shown_and_not_counted(answer: dict[str, Any]) -> None:
    """The tanker beside its receiver is there, marked, and not part of the number."""
    agreed = [row for row in answer["conflicts"] if row["agreed"]]
    assert agreed
    assert all(pair(row) == {"n-1", "n-tanker"} for row in agreed)
    assert answer["summary"]["found"] == len(answer["conflicts"]) - len(agreed)
    assert answer["conflicts"][-1]["agreed"]


def test_the_zone_is_entered_and_says_what_that_means(answer: dict[str, Any]) -> None:
    """The drone's stay is told before and after the gap and as a prediction, in the declarer's words."""
    entries = rows(answer, "entry")
    assert [(row["basis"], row["start"][11:19]) for row in entries] == [
        ("predicted", "12:10:00"),
        ("recorded", "12:00:00"),
        ("recorded", "12:05:00"),
    ]
    assert {row["effect"] for row in entries} == {"entry by notice"}
    assert {row["standing"] for row in entries} == {"declared by north; recognised by north"}
    assert {row["a"]["id"] for row in entries} == {"s-drone"}


def test_volumes_meet_in_their_common_time(answer: dict[str, Any]) -> None:
    """Two claimed volumes overlap in space for half an hour."""
    (meeting,) = (row for row in rows(answer, "conflict") if pair(row) == {"survey", "relief"})
    assert (meeting["start"], meeting["end"]) == ("2026-06-01T12:30:00Z", "2026-06-01T13:00:00Z")
    assert meeting["basis"] == "planned"


def test_the_gap_is_unobserved(answer: dict[str, Any]) -> None:
    """Three minutes without a sample are told as such, once."""
    (gap,) = answer["unobserved"]
    assert (gap["id"], gap["party"]) == ("s-drone", "south")
    assert (gap["start"], gap["end"]) == ("2026-06-01T12:02:00Z", "2026-06-01T12:05:00Z")


def test_the_inputs_and_the_pact_are_named(answer: dict[str, Any]) -> None:
    """What was read, what was passed over, and whose minima held."""
    assert [(i["format"], i["path"].rsplit("/", 1)[1]) for i in answer["inputs"]] == [
        ("pact", "pact.toml"),
        ("csv", "tracks.csv"),
        ("geojson", "volumes.geojson"),
    ]
    assert answer["inputs"][1]["counts"]["tracks"] == 4
    assert answer["pact"]["id"] == "two-sides"
    assert any("notes.txt" in note for note in answer["notes"])
    assert any("pact.toml" in note for note in answer["notes"])
    assert answer["assumptions"]["source of minima"] == "pact two-sides, first rule that fits"


def test_the_table_of_the_same_check(sky: Path, answer: dict[str, Any]) -> None:
    """80 columns, the mode first, what was not observed and assumed behind what was found, no colour."""
    ended = skypact("check", sky, "--lookahead", "5min")
    assert ended.status == 1
    lines = ended.out.splitlines()
    assert lines[0] == "SIMULATED DATA  pact two-sides: Two sides, one sky"
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in ended.out
    places = [
        ended.out.index(word)
        for word in ("PREDICTED", "SEPARATION", "ZONES", "AGREED", "NOT OBSERVED", "ASSUMPTIONS")
    ]
    assert places == sorted(places)
    assert lines[-2].startswith(" ") or lines[-2].startswith(f"{answer['summary']['found']} conflicts found")
    assert "n-1 (north)" in ended.out


def test_json_goes_whole_into_a_file(sky: Path, answer: dict[str, Any], tmp_path: Path) -> None:
    """--output takes the format from the suffix; the file holds what standard output would."""
    target = tmp_path / "found.json"
    ended = skypact("check", sky, "--lookahead", "5min", "--output", target)
    assert (ended.status, ended.out) == (1, "")
    assert "found" in ended.err
    assert json.loads(target.read_text(encoding="utf-8")) == answer
    assert [entry.name for entry in tmp_path.iterdir()] == ["found.json"]


def test_csv_and_geojson_tell_the_same(sky: Path, answer: dict[str, Any]) -> None:
    """As many rows and features as findings, in the same order."""
    table = list(
        csv.DictReader(io.StringIO(skypact("check", sky, "--lookahead", "5min", "--format", "csv").out))
    )
    found = [row for row in table if row["record"] == "finding"]
    assert [(row["a_id"], row["b_id"], row["start"]) for row in found] == [
        (row["a"]["id"], row["b"]["id"], row["start"]) for row in answer["conflicts"]
    ]
    shapes = skypact("check", sky, "--lookahead", "5min", "--format", "geojson").json
    assert [feature["properties"] for feature in shapes["features"]] == answer["conflicts"]
    assert shapes["skypact"]["unobserved"] == answer["unobserved"]


def test_the_map_is_written_beside(sky: Path, tmp_path: Path) -> None:
    """--map writes a page of its own, needs no network and says where it is."""
    target = tmp_path / "map.html"
    ended = skypact("check", sky, "--map", target, "--output", tmp_path / "t.txt")
    assert ended.status == 1
    assert f"map written to {target}" in ended.err
    page = target.read_text(encoding="utf-8")
    assert "s-drone" in page
    assert 'src="http' not in page


def test_only_one_id_and_between_two_parties(sky: Path) -> None:
    """What is shown can be narrowed, and the answer says so."""
    only = skypact("check", sky, "--only", "s-drone", "--format", "json").json
    assert {row["a"]["id"] for row in only["conflicts"]} == {"s-drone"}
    assert only["assumptions"]["shown only"] == "what concerns s-drone"
    between = skypact("check", sky, "--between", "south", "north", "--format", "json").json
    assert {frozenset((row["a"]["party"], row["b"]["party"])) for row in between["conflicts"]} == {
        frozenset(("north", "south"))
    }


def test_nothing_found_is_status_0_with_its_assumptions(sky: Path) -> None:
    """The tanker alone with the drone: nothing, and never the word clear."""
    ended = skypact("check", sky / "tracks.csv", "--horizontal", "1m", "--vertical", "1m")
    assert ended.status == 1  # the head-on pass is closer than that
    quiet = skypact(
        "check", sky / "tracks.csv", "--horizontal", "1m", "--vertical", "1m", "--only", "s-drone"
    )
    assert quiet.status == 0
    assert "No conflict found under these assumptions." in quiet.out
    assert "NOT OBSERVED: 1 stretch" in quiet.out
    assert "clear" not in quiet.out.lower()


def test_a_check_of_one_thing_says_that_nothing_was_compared(tmp_path: Path) -> None:
    """One track is no pair; the status is 0 and the sentence says why."""
    lines = two_sides.tracks().splitlines()
    (tmp_path / "one.csv").write_text(
        "\n".join([lines[0], *(x for x in lines if ",s-1," in x)]), encoding="utf-8"
    )
    ended = skypact("check", tmp_path / "one.csv")
    assert ended.status == 0
    assert "nothing was there to be compared" in ended.out


def test_our_own_results_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    """Yesterday's findings are not today's input."""
    folder = two_sides.write(tmp_path / "again")
    for name in ("f.json", "f.geojson", "f.csv", "f.html"):
        option = "--map" if name.endswith("html") else "--output"
        assert skypact("check", folder, option, folder / name).status == 1
    again = skypact("check", folder, "--format", "json").json
    assert len(again["inputs"]) == 3
    assert any("f.csv, f.geojson, f.html, f.json" in note for note in again["notes"])


def test_a_file_named_twice_is_read_once(sky: Path) -> None:
    """The folder and a file in it, by another name: no aircraft meets itself."""
    again = skypact(
        "check", sky, sky / ".." / sky.name / "tracks.csv", "--format", "json", "--output", "-"
    ).json
    assert len(again["inputs"]) == 3
    assert any(note.startswith("Read once, though named twice") for note in again["notes"])


def test_the_same_question_gives_the_same_bytes(sky: Path) -> None:
    """Two runs differ in nothing."""
    one, two = (skypact("check", sky, "--format", "json", "--lookahead", "5min") for _ in range(2))
    assert one.out == two.out


def test_standard_input_is_a_path(sky: Path) -> None:
    """``-`` reads what is piped in."""
    ended: Ended = skypact("check", "-", "--format", "json", stdin=(sky / "tracks.csv").read_bytes())
    assert ended.status == 1
    assert ended.json["inputs"][0]["format"] == "csv"
