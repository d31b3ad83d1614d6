"""The examples that ship: their data are as their scripts make them, and what is in them is found."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from skypact import check
from skypact.airspace import DataMode, Minima, Trajectories, Zones
from skypact.formats import Contents, Defaults, read
from skypact.formats.pact_toml import lint, read_pact
from skypact.instants import format_instant, parse_instant
from skypact.pact import Filing, Pact, Severity, may_forward, may_pass_on, released_to, visible
from skypact.pact.signatures import Edition, digest_of, run_under, standing
from skypact.units import FT_M, NM_M

if TYPE_CHECKING:
    from types import ModuleType

    from skypact.airspace.separation import Separation
    from skypact.check.findings import Findings

EXAMPLES = Path(__file__).parents[3] / "examples"
TANF, FIRE, CORRIDOR = EXAMPLES / "al-tanf", EXAMPLES / "wildfire", EXAMPLES / "relief-corridor"
SCRIPTS = {"al-tanf": TANF / "make_day.py", "wildfire": FIRE / "make_fire.py"}
LARGEST = 300 * 1024


@dataclass(frozen=True)
class Carried:
    """A filing by its labels."""

    filer: str
    filing: Filing | None
    releasable_to: tuple[str, ...] | None = None
    onward: dict[str, tuple[str, ...]] | None = None
    carrier: str = ""


def script(path: Path) -> ModuleType:
    """A script of an example, imported without running it."""
    name = f"example_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, eq=False)
class Example:
    """Everything that one example's folder holds."""

    pact: Pact
    zones: Zones
    tracks: Trajectories
    others: dict[str, Contents]

    @property
    def separation(self) -> Separation:
        """The pact's separation rules."""
        return self.pact.separation


@cache
def example(folder: Path) -> Example:
    """Read an example's files as the command line does with ``--mode simulated``."""
    defaults = Defaults(start_us=parse_instant("2025-08-12T18:05:00Z"), data_mode=DataMode.SIMULATED)
    files = [
        path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix not in {".md", ".py"}
    ]
    contents = {path.name: read(path, defaults) for path in files}
    pact = contents["pact.toml"].pact
    assert pact is not None
    zones = pact.zones_in_force()
    assert zones is not None
    tracks = Trajectories.concat([c.tracks for c in contents.values() if c.tracks is not None])
    return Example(pact, zones, tracks, contents)


def rows(found: Findings) -> list[tuple[str, str, str, str, bool]]:
    """Findings as (from, to, id, id, agreed), to the minute; ids and rows in order."""
    out = []
    for row in found:
        pair = sorted((found.labels_a.ids[row.a], found.labels_b.ids[row.b]))
        start, end = (format_instant(instant)[11:16] for instant in (row.start_us, row.end_us))
        out.append((start, end, pair[0], pair[1], row.agreed))
    return sorted(out)


# -- the files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_makes_the_files_that_ship(name: str) -> None:
    """Run twice, a script gives identical bytes, and they are the ones in the folder; none is large."""
    files = script(SCRIPTS[name]).files()
    assert files == script(SCRIPTS[name]).files()
    for file, data in files.items():
        assert (EXAMPLES / name / file).read_bytes() == data, f"run {SCRIPTS[name].name} again"
        assert len(data) < LARGEST
    there = {p.name for p in (EXAMPLES / name).iterdir() if p.is_file() and not p.name.startswith(".")}
    assert there == {*files, SCRIPTS[name].name, "pact.toml", "README.md"}


def test_every_file_says_that_it_is_simulated() -> None:
    """Every row and document is marked; where the format has no place for it, a comment or a note says it."""
    for path in (p for folder in (TANF, FIRE) for p in folder.iterdir() if p.suffix == ".csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            assert {row["data_mode"] for row in csv.DictReader(lines)} == {"simulated"}
    for path in (p for p in TANF.iterdir() if p.suffix in {".json", ".geojson"}):
        assert json.loads(path.read_bytes())["data_mode"] == "simulated"
    for name in ("ambulance.gpx", "mapping-drone.plan", "neighbours.txt"):
        assert "SIMULATED" in (FIRE / name).read_text(encoding="utf-8")
    for folder in (TANF, FIRE):
        assert example(folder).pact.data_mode is DataMode.SIMULATED


def test_what_the_files_of_al_tanf_state_needs_no_option() -> None:
    """Without a mode from outside every file of the folder is of one mode."""
    for path in TANF.iterdir():
        if path.suffix in {".csv", ".json", ".geojson", ".toml"}:
            contents = read(path, Defaults())
            parts = [contents.tracks, contents.plans, contents.volumes, contents.pact]
            modes = {
                p.data_mode if isinstance(p, Pact) else p.labels.data_mode for p in parts if p is not None
            }
            assert modes == {DataMode.SIMULATED}


@pytest.mark.parametrize("folder", [TANF, FIRE, CORRIDOR], ids=lambda folder: folder.name)
def test_nothing_in_an_example_is_named_for_a_weapon_or_a_threat(folder: Path) -> None:
    """No file of an example has a field or a word for weapons, targets or threats."""
    for path in (p for p in folder.iterdir() if p.is_file()):
        text = path.read_text(encoding="utf-8").lower()
        for word in ("weapon", "threat", "target", "strike", "hostile", "enemy", "bomb", "missile"):
            assert word not in text, path


def test_the_pacts_lint_as_their_readmes_say() -> None:
    """Of the wildfire's pact there is nothing to remark; al-Tanf's has its known gap and its disputes."""
    assert lint((FIRE / "pact.toml").read_bytes(), "pact.toml") == []
    found = lint((TANF / "pact.toml").read_bytes(), "pact.toml")
    assert [remark.severity for remark in found] == [Severity.WARNING, Severity.WARNING, Severity.NOTE]
    assert "no rule covers uncrewed/uncrewed;" in found[0].text
    assert found[1].text == "the text says '34 miles wide'; this radius makes it 110 km wide"
    assert found[2].text == "is recognised by its declarer alone (coalition)"


def test_the_corridor_s_versions_follow_each_other_and_are_unsigned_exercises() -> None:
    """The second names the first by its digest; nobody has signed either; the sides share no language."""
    texts = [(CORRIDOR / f"pact-{number}.toml").read_bytes() for number in (1, 2)]
    for text in texts:
        assert [str(remark) for remark in lint(text, "p")] == [
            "note: party: north and south read no language in common"
        ]
    one, two = (read_pact(text, "p").pact for text in texts)
    assert one is not None
    assert two is not None
    assert two.supersedes == digest_of(texts[0])
    known = standing([Edition(one, texts[0]), Edition(two, texts[1])])
    assert not known.complete
    assert run_under(known) == "UNSIGNED DRAFT"


def test_the_office_forwards_to_both_sides_and_each_sees_what_is_its_to_see() -> None:
    """A convoy that others signed reaches both sides by the office, the river guard only by the south."""
    one, two = (read_pact((CORRIDOR / f"pact-{number}.toml").read_bytes(), "p").pact for number in (1, 2))
    assert one is not None
    assert two is not None
    convoy = Carried("relief organisation", Filing.MOVEMENT, ("north", "south"), carrier="office")
    assert [visible(one, party.id, convoy) for party in one.parties] == [True, True, True]
    assert may_forward(one, "office", convoy.filer, "north")
    assert not may_forward(one, "south", convoy.filer, "north")
    hospital = Carried("office", Filing.SITE)
    assert released_to(one, hospital) == ("north", "south")
    assert [may_pass_on(pact, "south", "river guard", hospital) for pact in (one, two)] == [False, True]
    assert not may_pass_on(two, "north", "river guard", hospital)


# -- al-Tanf ----------------------------------------------------------------------------------------------


def test_the_losses_of_separation_of_the_day_are_found() -> None:
    """Two pairs of crewed and uncrewed aircraft, and the tankers, whose proximity is agreed."""
    day = example(TANF)
    found = check.losses(day.tracks, separation=day.separation)
    assert rows(found) == [
        ("05:54", "05:56", "drone-1", "russia-12", False),
        ("06:00", "07:19", "tanker-1", "tanker-2", True),
        ("06:02", "06:06", "drone-1", "observer-1", False),
    ]
    ids = day.tracks.labels.ids
    drone = next(row for row in found if "russia-12" in {ids[row.a], ids[row.b]})
    assert drone.rule == "crewed/uncrewed"
    # 5,400 m against 18,400 ft, at 2.6 NM
    assert drone.vertical_m == pytest.approx(18_400 * FT_M - 5_400.0, abs=0.01)
    assert drone.horizontal_m == pytest.approx(4_830.0, abs=30.0)


def test_the_pair_without_a_rule_and_the_gap_are_said() -> None:
    """The two uncrewed aircraft are not decided; four minutes of russia-11 are not observed."""
    day = example(TANF)
    found = check.losses(day.tracks, separation=day.separation)
    ids = day.tracks.labels.ids
    assert found.unchecked.no_rule_pairs == len(found.unchecked) == 1
    assert {ids[found.unchecked.a[0]], ids[found.unchecked.b[0]]} == {"drone-1", "scout-1"}
    assert [ids[who] for who in found.unobserved.who] == ["russia-11"]
    assert format_instant(found.unobserved.start_us[0]) == "2017-06-08T06:24:59Z"
    assert format_instant(found.unobserved.end_us[0]) == "2017-06-08T06:29:09Z"


def test_exactly_the_minimum_is_separated_and_a_foot_more_is_not() -> None:
    """relay-1 and russia-11 cross within a mile and at exactly 1,000 ft: no loss at that minimum."""
    day = example(TANF)
    ids = list(day.tracks.labels.ids)
    two = day.tracks.take(np.array([ids.index("relay-1"), ids.index("russia-11")]))
    assert len(check.losses(two, separation=day.separation)) == 0
    found = check.losses(two, separation=Minima(5 * NM_M, 1001 * FT_M))
    assert rows(found) == [("06:22", "06:23", "relay-1", "russia-11", False)]
    assert found[0].horizontal_m < 1852.0
    assert found[0].vertical_m == pytest.approx(304.8, abs=1e-6)


def test_entries_into_the_zone_are_found_for_everybody() -> None:
    """The drone, the column, and the declarer's own scout are found in the zone."""
    day = example(TANF)
    found = check.entries(day.tracks, day.zones)
    assert rows(found) == [
        ("05:55", "07:09", "al-tanf-55km", "scout-1", False),
        ("06:09", "06:44", "al-tanf-55km", "drone-1", False),
        ("06:35", "07:52", "al-tanf-55km", "column-1", False),
    ]


def test_the_plans_of_the_afternoon_conflict() -> None:
    """A path above mean sea level meets volumes above the ellipsoid, with the rule's minima as buffer."""
    day = example(TANF)
    plan, intent = day.others["plan-transport.geojson"].plans, day.others["plan-mapping.json"].volumes
    assert plan is not None
    assert intent is not None
    found = check.conflicts([intent, plan], separation=day.separation)
    assert rows(found) == [("14:05", "14:11", "russia-map-1", "transport-1", False)]
    assert found[0].rule == "crewed/uncrewed"
    entered = rows(check.entries(plan, day.zones, max_gap_s=None))
    assert entered == [("14:14", "14:24", "al-tanf-55km", "transport-1", False)]


# -- the wildfire -----------------------------------------------------------------------------------------


def test_an_agreement_that_has_expired_covers_nothing() -> None:
    """The first run of lead plane and tanker is agreed, the second, after 18:30, is a loss."""
    fire = example(FIRE)
    assert rows(check.losses(fire.tracks, separation=fire.separation)) == [
        ("18:05", "18:12", "lead-1", "tanker-41", True),
        ("18:12", "18:13", "ambulance-7", "tanker-42", False),
        ("18:31", "18:37", "lead-1", "tanker-41", False),
    ]


def test_the_plan_of_the_drone_conflicts_with_both_runs() -> None:
    """A mission started at 18:05 comes within the minima of what was flown, and enters the drop area."""
    fire = example(FIRE)
    plan = fire.others["mapping-drone.plan"].plans
    assert plan is not None
    found = check.conflicts(plan, fire.tracks, separation=fire.separation)
    assert [row[2:4] for row in rows(found)] == [
        ("lead-1", "mapping-drone"),
        ("mapping-drone", "tanker-41"),
        ("lead-1", "mapping-drone"),
        ("mapping-drone", "tanker-41"),
    ]
    assert [row[2:4] for row in rows(check.entries(plan, fire.zones, max_gap_s=None))] == [
        ("drop-area", "mapping-drone")
    ]
    assert len(check.entries(fire.tracks, fire.zones)) == 0


def test_the_tanker_turns_through_the_neighbour() -> None:
    """Airspace from OpenAir is a zone like another."""
    fire = example(FIRE)
    zones = fire.others["neighbours.txt"].zones
    assert zones is not None
    assert rows(check.entries(fire.tracks, zones)) == [
        ("18:16", "18:18", "Cedar Flats training area", "tanker-41", False)
    ]
