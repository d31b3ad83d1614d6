"""``skypact notify`` as a person has it, and its page."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import filings
from skypact import cli
from skypact.airspace.labels import DataMode
from skypact.formats import filing_lists
from skypact.formats.filing_lists_templates import template
from skypact.formats.filings_json import write_filing
from skypact.instants import DAY_US
from skypact.notify.filing import Window
from skypact.notify.lifecycle import TABLE, State

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
CORRIDOR = ROOT / "examples" / "relief-corridor"
PAGE = (ROOT / "docs" / "filings.md").read_text(encoding="utf-8")
FILED = "2026-05-01T12:00:00Z"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def skypact(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command in this process."""

    def run(*words: str | Path) -> Ended:
        status = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


def test_the_commands_of_the_page_print_what_it_shows(
    tmp_path: Path, skypact: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, on the page's own filing and the pact that ships, to the letter."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(CORRIDOR / "pact-1.toml", tmp_path)
    (filing,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "practice.json").write_text(filing, encoding="utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    commands = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    assert len(commands) == 3
    for command in commands:
        line, _, expected = command.partition("\n")
        words, _, file = line.partition(" > ")
        ended = skypact(*shlex.split(words)[1:])
        assert ended.err == ""
        if file:
            (tmp_path / file).write_text(ended.out, encoding="utf-8")
        else:
            assert ended.out == expected, line
            assert ended.status == 1


def test_the_page_has_the_tables_of_the_code() -> None:
    """The life of a filing, the columns of a list and the other headings are those there are."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (`\w+`.*?) \|$", PAGE, re.MULTILINE))
    for state in (State.DRAFT, State.FILED, State.AMENDED, State.ACTIVE):
        after = {then.value for (at, _), then in TABLE.items() if at is state}
        assert set(re.findall(r"`(\w+)`", rows[state.value])) == after
    section = PAGE.split("## Lists", 1)[1].split("## As JSON", 1)[0]
    for names in filing_lists.COLUMNS.values():
        assert [name for name in names if f"`{name}`" not in section] == []
    assert [name for name in filing_lists.ALIASES if f"`{name}`" not in section] == []


def test_the_options_are_on_the_page_of_the_command_line() -> None:
    """Each action, option and choice, and what an option takes."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.split("## `skypact notify`", 1)[1].split("\n## ", 1)[0]
    for action in cli.command("notify").parser()._actions:
        for word in (*action.option_strings, *(action.choices or ())):
            found = f"`{word}`" in section or f"`{word} " in section or word in {"-h", "--help"}
            assert found or f"`{word}`" in text, word


@pytest.mark.parametrize("kind", ["sites", "movements"])
def test_a_template_is_printed(kind: str, skypact: Callable[..., Ended]) -> None:
    """As it is, and nothing else."""
    ended = skypact("notify", "template", kind)
    assert (ended.status, ended.out, ended.err) == (0, template(kind), "")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("template", "flights"), "takes one of sites, movements"),
        (("template", "sites", "movements"), "takes one of"),
        (("template", "sites", "--party", "x"), "--party is not an option"),
        (("check", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("send", "a"), "send"),
    ],
)
def test_bad_usage_is_one_line(words: tuple[str, ...], why: str, skypact: Callable[..., Ended]) -> None:
    """Status 2 and one line that says what is wrong."""
    ended = skypact("notify", *words)
    assert (ended.status, ended.out) == (2, "")
    assert why in ended.err
    assert len(ended.err.splitlines()) == 1


def saved(folder: Path, name: str, *made: Any) -> Path:
    """Filings in a file."""
    path = folder / name
    path.write_bytes(b"[" + b",".join(write_filing(filing) for filing in made) + b"]")
    return path


def answer(skypact: Callable[..., Ended], *words: str | Path) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of a check."""
    ended = skypact("notify", "check", *words, "--filed", FILED, "--format", "json")
    assert ended.err == ""
    return ended.status, json.loads(ended.out)


def test_filings_are_held_against_each_other(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """Every two classes that are asked, once; sites and convoys, and an older version, are not."""
    first = filings.activity(filer="north", serial=1)
    mine = saved(
        tmp_path,
        "mine.json",
        filings.movement(),
        filings.site(serial=2, position="33.55000, 38.65000"),
        filings.zone(serial=4),
        first,
        replace(first, serial=2, supersedes=1),
    )
    status, found = answer(skypact, mine)
    pairs = [(row["a"]["id"], row["b"]["id"]) for row in found["conflicts"]]
    assert sorted(pairs) == [
        ("office/1 Convoy", "north/2"),
        ("office/1 Convoy", "office/4"),
        ("office/2 City hospital", "north/2"),
    ]
    assert status == 1
    assert found["replaced"] == ["north/1"]
    assert found["missing"] == [{"filer": "office", "first": 3, "last": 3}]
    assert found["data_mode"] == "exercise"
    assert found["meaning"].startswith("Acknowledged is not agreed")
    assert [row["ref"] for row in found["filings"]] == ["north/2", "office/1", "office/2", "office/4"]


def test_nothing_found_is_not_clear(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """Status 0, the assumptions, and the sentence."""
    ended = skypact("notify", "check", saved(tmp_path, "a.json", filings.site()), "--filed", FILED)
    assert ended.status == 0
    assert ended.out.startswith("EXERCISE DATA")
    assert "No conflict found" in ended.out
    assert ended.out.endswith("No conflict found is\n  not clear.\n")


def test_filings_are_held_against_files_of_others(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """Tracks and zones of files, filings and lists of others; their own meetings are not asked."""
    track = tmp_path / "track.csv"
    track.write_text(
        "id,time,latitude,longitude,altitude_m_amsl\n"
        "ab,2026-05-04T12:00:00Z,33.50,38.50,300\nab,2026-05-04T12:00:50Z,33.55,38.65,300\n",
        encoding="utf-8",
    )
    volume = tmp_path / "zone.geojson"
    volume.write_text(
        json.dumps(
            {
                "type": "Feature",
                "id": "pen",
                "properties": {"role": "zone", "effect": "call first"},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[38.5, 33.4], [38.7, 33.4], [38.7, 33.6], [38.5, 33.6], [38.5, 33.4]]],
                },
            }
        ),
        encoding="utf-8",
    )
    mine = saved(tmp_path, "mine.json", filings.movement(), filings.zone(serial=2))
    other = saved(tmp_path, "other.json", filings.activity(filer="north"), filings.movement(filer="south"))
    status, found = answer(
        skypact, mine, "--against", track, "--against", other, "--against", volume, "--mode", "exercise"
    )
    asked = {check["question"]: check["found"] for check in found["summary"]["checks"]}
    assert asked == {
        "movements against each other": 0,
        "movements against activities of others": 1,
        "movements against movements of others": 1,
        "movements against declared zones": 1,
        "movements against zones": 1,
        "movements against recorded tracks": 1,
        "declared zones against movements of others": 1,
        "declared zones against activities of others": 0,
        "recorded tracks against declared zones": 1,
    }
    assert status == 1
    names = [{row["a"]["id"], row["b"]["id"]} for row in found["conflicts"]]
    assert {"north/1", "south/1 Convoy"} not in names
    assert {"ab", "office/1 Convoy"} in names


def test_a_pact_brings_minima_zones_notice_and_parties(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """Late is said and changes no status; a stranger is remarked on; the pact's zones are asked."""
    late = filings.movement(filer="west", window=Window(filings.NOON, filings.NOON + DAY_US))
    status, found = answer(skypact, saved(tmp_path, "a.json", late), "--pact", CORRIDOR / "pact-1.toml")
    texts = [row["text"] for row in found["remarks"]]
    assert any("'west' is no party" in text for text in texts)
    assert found["pact"]["id"] == "relief-corridor"
    assert "asks for 2 d normally" in found["filings"][0]["notice"]
    assert status == 0
    assert any("zones" in check["question"] for check in found["summary"]["checks"])


def test_every_fault_is_told_and_nothing_is_checked(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """Each on a line of its own, from every file, and status 2."""
    text = template("sites")
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text(text.replace("150 m", "150").replace("37SDT6284506790", "37SDT6284506"), encoding="utf-8")
    two.write_text(text.replace(",exercise", ",games"), encoding="utf-8")
    ended = skypact("notify", "check", one, two)
    lines = ended.err.splitlines()
    assert (ended.status, ended.out) == (2, "")
    assert sum("error: " in line for line in lines) == 4
    assert "nothing was checked" in ended.err
    assert all(line.startswith("skypact: ") for line in lines)


def test_one_serial_in_two_files_is_one_filing(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """The same twice is once; two different ones are refused, and both files are named."""
    one = saved(tmp_path, "one.json", filings.site())
    two = saved(tmp_path, "two.json", filings.site())
    status, found = answer(skypact, one, two)
    assert (status, len(found["filings"])) == (0, 1)
    other = saved(tmp_path, "three.json", filings.site(name="Another"))
    ended = skypact("notify", "check", one, "--against", other)
    assert ended.status == 2
    assert f"{one} and {other}: office/1: two filings with one serial" in ended.err


def test_modes_are_never_mixed(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """Among filings, and with a pact; the text names a place of each."""
    real = filings.site(serial=2, data_mode=DataMode.REAL)
    ended = skypact("notify", "check", saved(tmp_path, "a.json", filings.site(), real))
    assert ended.status == 2
    assert "real here, exercise in" in ended.err
    ended = skypact("notify", "check", saved(tmp_path, "b.json", real), "--pact", CORRIDOR / "pact-1.toml")
    assert "data modes would be mixed" in ended.err


def test_files_in_the_wrong_place_are_refused(tmp_path: Path, skypact: Callable[..., Ended]) -> None:
    """A pact among --against, no pact as --pact, JSON that is no filing."""
    mine = saved(tmp_path, "a.json", filings.site())
    pact = CORRIDOR / "pact-1.toml"
    assert "name it with --pact" in skypact("notify", "check", mine, "--against", pact).err
    other = tmp_path / "b.json"
    other.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    assert "b.json: object" in skypact("notify", "check", other).err
    empty = tmp_path / "t.csv"
    empty.write_text("id,time,latitude,longitude\na,2026-05-04T12:00:00Z,1,1\n", encoding="utf-8")
    assert "not a pact" in skypact("notify", "check", mine, "--pact", empty).err
