"""The documentation of the command line says what the command line does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sample_report import full
from skypact import cli

TEXT = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")


def documented(name: str) -> set[str]:
    """The options in the table under ``## `skypact NAME```."""
    section = TEXT.split(f"## `skypact {name}`", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`-.*?) \|", section, re.MULTILINE)
    return set(re.findall(r"(--?[a-z][a-z-]*)", " ".join(rows)))


@pytest.mark.parametrize("name", ["check", "convert", "up", "init", "token", "hotline", "record"])
def test_the_options_documented_are_the_options_there_are(name: str) -> None:
    """Neither more nor fewer."""
    real = {text for action in cli.command(name).parser()._actions for text in action.option_strings}
    assert documented(name) == real


@pytest.mark.parametrize("name", ["check", "convert", "up", "init", "token", "hotline", "record"])
def test_what_an_option_takes_is_documented_as_the_help_has_it(name: str) -> None:
    """The placeholders of values agree: LENGTH, DURATION, TIME, FILE."""
    for action in cli.command(name).parser()._actions:
        if not action.option_strings or action.nargs == 0:
            continue
        words = action.metavar or (action.option_strings[-1].lstrip("-").upper() if action.choices else "")
        named = words if isinstance(words, tuple) else (str(words),)
        shown = " ".join(named * (action.nargs // len(named) if isinstance(action.nargs, int) else 1))
        assert f"`{action.option_strings[-1]} {shown}`" in TEXT, action.option_strings


def test_choices_are_documented() -> None:
    """Every value that an option can take is named."""
    for name in ("check", "convert", "init"):
        for action in cli.command(name).parser()._actions:
            for choice in action.choices or ():
                assert f"`{choice}`" in TEXT, (name, action.option_strings, choice)


def test_exit_statuses_are_documented() -> None:
    """The table has a row for each."""
    for status in (cli.OK, cli.FOUND, cli.BAD, cli.INTERNAL, cli.INTERRUPTED):
        assert f"\n| {status} | " in TEXT


def test_help_fits_eighty_columns() -> None:
    """No line of any help is longer."""
    for name in cli.COMMANDS:
        assert max(map(len, cli.command(name).parser().format_help().splitlines())) <= 80


def test_every_command_is_documented() -> None:
    """Each verb stands in the overview of the page."""
    for name in cli.COMMANDS:
        assert f"\nskypact {name} " in TEXT or f"\nskypact {name}\n" in TEXT


def test_the_json_example_has_the_keys_that_a_finding_has() -> None:
    """The example is JSON, and its keys at every level are those that are written."""
    example = json.loads(TEXT.split("```json\n", 1)[1].split("```", 1)[0])
    real = next(full().records())

    def keys(value: object) -> object:
        return {name: keys(inner) for name, inner in value.items()} if isinstance(value, dict) else None

    assert keys(example) == keys(real)


def test_the_keys_of_the_object_are_documented() -> None:
    """Each key of the JSON object and of a finding has a row in a table."""
    made = full()
    first = next(made.records())
    for name in (*made.heading(), "conflicts", "unobserved", "unchecked", "summary", *first):
        assert re.search(rf"^\|.*`{name}`.*\|", TEXT, re.MULTILINE), name
    for inner in (*first["a"], *first["closest"], *made.summary()):
        assert f"`{inner}`" in TEXT, inner
