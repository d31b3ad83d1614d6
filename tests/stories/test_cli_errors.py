"""What goes wrong at a terminal: one line that says where, what and how to mend it; never a traceback."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import two_sides
from shell import COMMAND, TIMEOUT_S, Ended, environment, skypact

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """{"fileType": "Plan", "version": 1, "groundStation": "QGroundControl",
"mission": {"version": 2,
"firmwareType": 12, "vehicleType": 2, "cruiseSpeed": 15, "hoverSpeed": 5,
"plannedHomePosition": [49.0, 10.0, 300],
"items": [{"type": "SimpleItem", "command": 16, "frame": 3, "autoContinue": true, "doJumpId": 1,
"params": [0, 0, 0, null, 49.01, 10.01, 50]}]}, "geoFence": {"circles": [], "polygons": [], "version": 2},
"rallyPoints": {"points": [], "version": 2}}"""


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two sides."""
    return two_sides.write(tmp_path_factory.mktemp("sky"))


def refused(ended: Ended) -> str:
    """The one line of a refusal; status 2, nothing on standard output."""
    assert (ended.status, ended.out) == (2, ""), ended
    assert "Traceback" not in ended.err
    (line,) = (line for line in ended.err.splitlines() if line.startswith("skypact: error: "))
    return line.removeprefix("skypact: error: ")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--horizontal", "5"], "--horizontal: a length is a number with a unit"),
        (["--vertical", "1000parsec"], "--vertical: unit 'parsec' is not one of"),
        (["--horizontal", "0m"], "--horizontal: a minimum is more than zero"),
        (["--horizontal", "-5NM"], "--horizontal: a minimum must not be negative; found '-5NM'"),
        (["--vertical=-.5ft"], "--vertical: a minimum must not be negative; found '-.5ft'"),
        (["--lookahead", "soon"], "--lookahead: a duration is a number with a unit"),
        (["--max-gap", "0s"], "--max-gap: a duration here is longer than zero"),
        (
            ["--start", "2026-06-01T12:00:00"],
            "--start: not an instant; found '2026-06-01T12:00:00'; expected",
        ),
        (["--mode", "reel"], "--mode: invalid choice: 'reel'"),
        (["--format", "xml"], "--format: invalid choice: 'xml'"),
        (["--between", "north"], "--between: expected 2 arguments"),
        (["--horizonal", "5NM"], "unrecognized arguments: --horizonal"),
        (["--horiz", "5NM"], "unrecognized arguments: --horiz"),
    ],
)
def test_a_bad_option_is_named(options: list[str], expected: str) -> None:
    """The option, what was found, and what would have been right, before anything slow is done."""
    assert refused(skypact("check", "x.csv", *options)).startswith(expected)


def test_a_missing_file_is_named_at_once() -> None:
    """No engine is started for a file that is not there."""
    assert refused(skypact("check", "nowhere.csv")) == (
        "nowhere.csv: cannot be read; found 'no such file'; expected a file or folder"
    )


def test_minima_from_two_sources_are_refused(sky: Path) -> None:
    """A pact and an option: an accident in the making."""
    line = refused(skypact("check", sky, "--horizontal", "3NM"))
    assert line == (
        "--horizontal and the pact 'two-sides' both name minima, "
        "and a check has one source of them; leave out one"
    )


def test_minima_beyond_reason_are_refused(sky: Path) -> None:
    """600 km is a mistake of unit."""
    line = refused(skypact("check", sky / "tracks.csv", "--horizontal", "600km"))
    assert line == "--horizontal: not a minimum; found 600000 m; expected 0 to 500000 m"


def test_modes_are_not_mixed(sky: Path, tmp_path: Path) -> None:
    """Real tracks under a simulated pact: refused, with both files and the way out."""
    (tmp_path / "real.csv").write_text(two_sides.tracks("real"), encoding="utf-8")
    line = refused(skypact("check", sky / "pact.toml", tmp_path / "real.csv"))
    assert line == (
        f"{tmp_path / 'real.csv'}: data modes would be mixed: real here, simulated in {sky / 'pact.toml'}; "
        "expected one data mode in one check; for files that state none: --mode simulated"
    )


def test_two_pacts_need_a_word(sky: Path, tmp_path: Path) -> None:
    """Which one holds is not guessed; named, the other one is said not to be used."""
    other = tmp_path / "other.toml"
    other.write_text(two_sides.PACT.replace("two-sides", "other"), encoding="utf-8")
    assert "say which one holds: --pact" in refused(skypact("check", sky, other))
    ended = skypact("check", sky, "--pact", other, "--format", "json")
    assert ended.json["pact"]["id"] == "other"
    assert any("Not used: the pact in" in note for note in ended.json["notes"])


def test_what_is_no_pact_is_not_taken_for_one(sky: Path) -> None:
    """--pact with tracks in it."""
    line = refused(skypact("check", sky / "volumes.geojson", "--pact", sky / "tracks.csv"))
    assert "tracks.csv: not a pact; found 'csv'" in line


def test_a_plan_without_start_says_the_line_to_type(tmp_path: Path) -> None:
    """A .plan has no times: the error names the option and a value for it."""
    (tmp_path / "survey.plan").write_text(PLAN, encoding="utf-8")
    line = refused(skypact("check", tmp_path / "survey.plan"))
    assert "survey.plan" in line
    assert "--start 20" in line


def test_a_bad_line_of_a_file_is_named(tmp_path: Path) -> None:
    """File, line, what was found."""
    bad = tmp_path / "bad.csv"
    bad.write_text(two_sides.tracks().replace("50.000000", "fifty", 1), encoding="utf-8")
    line = refused(skypact("check", bad))
    assert str(bad) in line
    assert "fifty" in line


def test_a_broken_gzip_is_one_line(tmp_path: Path) -> None:
    """A truncated download is said to be one."""
    bad = tmp_path / "day.csv.gz"
    bad.write_bytes(gzip.compress(two_sides.tracks().encode())[:-40])
    assert "ends too early" in refused(skypact("check", bad))


def test_a_folder_without_data_is_bad_usage(tmp_path: Path) -> None:
    """Nothing to read is no answer."""
    (tmp_path / "README.md").write_text("hello", encoding="utf-8")
    assert "nothing of a known format" in refused(skypact("check", tmp_path))


def test_a_data_file_that_cannot_be_told_stops_a_folder(tmp_path: Path) -> None:
    """A folder's broken file is not passed over: half an answer is none."""
    folder = two_sides.write(tmp_path / "sky")
    (folder / "more.json").write_text('{"what": "ever"}', encoding="utf-8")
    line = refused(skypact("check", folder))
    assert "more.json: not a format that is known" in line
    assert "name the files instead of the folder" in line


def test_zones_alone_are_nothing_to_check(tmp_path: Path) -> None:
    """A pact by itself has nobody in it."""
    (tmp_path / "pact.toml").write_text(two_sides.PACT, encoding="utf-8")
    line = refused(skypact("check", tmp_path / "pact.toml"))
    assert line.startswith("nothing to check in ")
    assert "1 zone" in line


def test_a_lookahead_needs_states(sky: Path) -> None:
    """Volumes cannot be predicted from."""
    assert "--lookahead predicts from live states" in refused(
        skypact("check", sky / "volumes.geojson", "--lookahead", "5min")
    )


def test_an_unknown_id_or_party_gets_a_hint(sky: Path) -> None:
    """The nearest names that there are."""
    assert "did you mean 's-drone'" in refused(skypact("check", sky, "--only", "s-drome"))
    assert "did you mean 'south'" in refused(skypact("check", sky, "--between", "sout", "north"))


@pytest.mark.parametrize("option", ["--output", "--map"])
def test_an_input_is_not_overwritten(option: str, sky: Path) -> None:
    """Results do not go over what they were made from."""
    before = (sky / "tracks.csv").read_bytes()
    line = refused(skypact("check", sky / "tracks.csv", option, sky / "tracks.csv"))
    assert "would overwrite an input" in line
    assert (sky / "tracks.csv").read_bytes() == before


def test_output_and_map_need_two_names(sky: Path, tmp_path: Path) -> None:
    """One file cannot be both."""
    target = tmp_path / "x.html"
    assert "name the same file" in refused(skypact("check", sky, "--output", target, "--map", target))


def test_a_place_that_cannot_be_written_is_an_error(sky: Path, tmp_path: Path) -> None:
    """A folder, or a folder that is not there."""
    assert "is a folder" in refused(skypact("check", sky, "--output", tmp_path))
    assert "nowhere" in refused(skypact("check", sky, "--output", tmp_path / "nowhere" / "f.json"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--output", "--map"])
def test_an_input_of_a_folder_is_not_overwritten(option: str, tmp_path: Path) -> None:
    """What a folder would have read is not written over; an earlier result in it is."""
    folder = two_sides.write(tmp_path / "sky")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("tracks.csv", "volumes.geojson", "pact.toml"):
        line = refused(skypact("check", folder, option, folder / name))
        assert f"{folder / name} would be overwritten, and is an input of the folder" in line
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_earlier_result_in_a_folder_is_written_anew(tmp_path: Path) -> None:
    """A result that lies beside its inputs is no input, and the next check finds the same without it."""
    folder = two_sides.write(tmp_path / "sky")
    found = folder / "found.json"
    first = skypact("check", folder, "--output", found)
    before = json.loads(found.read_bytes())
    again = skypact("check", folder, "--output", found)
    assert first.status == again.status == 1
    after = json.loads(found.read_bytes())
    assert any("found.json" in note for note in after.pop("notes"))
    del before["notes"]
    assert after == before


def test_links_in_a_loop_are_one_line(sky: Path, tmp_path: Path) -> None:
    """A link that leads to itself, as an input or as a result, is bad input and no internal error."""
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    assert str(loop) in refused(skypact("check", loop))
    assert str(loop) in refused(skypact("check", sky, loop))
    assert "a loop of links" in refused(skypact("check", sky, "--output", loop))


def test_a_closed_standard_input_is_one_line() -> None:
    """``skypact check - <&-`` has nothing to read from, and says so."""
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "check", "-"],
        capture_output=True,
        env=environment(),
        timeout=TIMEOUT_S,
        check=False,
    )
    line = refused(Ended(done.returncode, done.stdout.decode(), done.stderr.decode()))
    assert "a closed standard input" in line


def test_a_pipe_that_nobody_writes_into_is_waited_for_aloud(tmp_path: Path) -> None:
    """After two seconds it is said what is waited for; then what comes is read."""
    pipe = tmp_path / "tracks.csv"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [*COMMAND, "check", str(pipe)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stderr is not None
        said = b""
        while b"waiting for tracks.csv" not in said:
            more = process.stderr.readline()
            assert more, said
            said += more
        pipe.write_bytes(two_sides.tracks().encode())
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode in {0, 1}


@pytest.mark.parametrize("way", ["plain", "gzip", "pipe"])
def test_a_text_that_is_not_utf_8_ends_cleanly_every_time(way: str, tmp_path: Path) -> None:
    """Six times over, a large Latin-1 CSV is refused with status 2, however far Arrow has read ahead."""
    row = "d{},2026-06-01T12:00:{:02d}Z,50.{:04d},10.0,1000\n"
    rows = "".join(row.format(k % 97, k % 60, k % 9_999) for k in range(60_000))
    begins = rows[: rows.index("\n", 400_000) + 1]
    text = f"id,time,lat,lng,altitude_m\n{begins}Z\xfcrich,2026-06-01T12:00:00Z,50.0,10.0,1000\n{rows}"
    data = text.encode("latin-1")
    path = tmp_path / ("day.csv.gz" if way == "gzip" else "day.csv")
    path.write_bytes(gzip.compress(data, 1) if way == "gzip" else data)
    for _ in range(6):
        ended = skypact("check", "-", stdin=data) if way == "pipe" else skypact("check", path)
        assert "invalid UTF8" in refused(ended)
