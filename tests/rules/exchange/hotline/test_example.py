"""The hotline of the relief corridor is what its script makes, and shows what its page says."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skypact import cli

if TYPE_CHECKING:
    import pytest

CORRIDOR = Path(__file__).parents[4] / "examples" / "relief-corridor"
FOLDER = CORRIDOR / "hotline"


def script() -> Any:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("make_hotline", FOLDER / "make_hotline.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_makes_the_line_that_ships() -> None:
    """The same bytes each time, for Ed25519 signs alike; and the folder has nothing else."""
    made = script().files()
    assert made == script().files()
    for name, data in made.items():
        assert (FOLDER / name).read_bytes() == data, "run make_hotline.py again"
    there = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert there == {*made, "make_hotline.py"}


def test_the_line_shows_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    """A read-back refused at 9 km, level 4 and not 5, a stranger's clinic, a STOP without its receipt."""
    words = ("--pact", CORRIDOR / "pact-1.toml", "--now", "2026-06-01T07:02:30Z", "--format", "json")
    assert cli.main(["hotline", "show", *map(str, (FOLDER / "line.jws", *words))]) == 1
    said = json.loads(capsys.readouterr().out)
    by_kind = {thread["messages"][0]["kind"]: thread for thread in said["threads"]}
    assert list(by_kind) == ["NOTIFY", "FORWARD", "STOP"]
    assert by_kind["NOTIFY"]["level"] == 4
    assert [each["kind"] for each in said["refused"]] == ["READBACK"]
    assert "9,017.8 m" in said["refused"][0]["why"]
    assert [each["sender"] for each in said["unverified"]] == ["charity"]
    late = [due for thread in said["threads"] for due in thread["due"] if due["late"] and due["met"] is None]
    assert [(due["timer"], due["owed_by"], due["call"][0]["role"]) for due in late] == [
        ("receipt of a stop", "south", "duty centre")
    ]
    assert (said["faults"], said["waiting"], said["missing"], said["twins"]) == ([], [], [], [])
