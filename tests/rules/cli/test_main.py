"""The way in: usage, exit statuses, and errors of one line."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import pytest

import skypact
from skypact import cli
from skypact.cli import main, visible
from skypact.errors import FormatError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


class Verb:
    """A verb that does what a test wants."""

    def __init__(self, act: Callable[[], int]) -> None:
        self.act = act

    def parser(self) -> argparse.ArgumentParser:
        """No options."""
        return argparse.ArgumentParser(prog="skypact check")

    def run(self, _options: argparse.Namespace) -> int:
        """Do it."""
        return self.act()


def doing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], int]) -> None:
    """Have ``skypact check`` do this."""
    monkeypatch.setattr(cli, "command", lambda _name: Verb(act))


def raising(error: BaseException) -> Callable[[], int]:
    """An act that raises."""

    def act() -> int:
        raise error

    return act


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The overview goes to standard output and ends well."""
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in cli.COMMANDS)
    assert max(map(len, out.splitlines())) <= 80


def test_no_command_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the overview goes to standard error."""
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: skypact COMMAND")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """One line with the version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"skypact {skypact.__version__}\n"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["chekc"], "'chekc' is no command; did you mean 'skypact check'?"),
        (["--versoin"], f"'--versoin' is no option; commands: {', '.join(cli.COMMANDS)}"),
        (["zzz"], f"'zzz' is no command; commands: {', '.join(cli.COMMANDS)}"),
    ],
)
def test_a_mistyped_command_gets_a_hint(
    argv: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says what would have been right."""
    assert main(argv) == 2
    assert capsys.readouterr().err == f"skypact: error: {expected}\n"


def test_every_command_has_a_parser() -> None:
    """Each verb's module gives the two functions that it must."""
    for name in cli.COMMANDS:
        verb = cli.command(name)
        assert verb.parser().prog == f"skypact {name}"
        assert callable(verb.run)


@pytest.mark.parametrize("status", [0, 1])
def test_the_verb_decides_the_status(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a verb returns is the exit status."""
    doing(monkeypatch, lambda: status)
    assert main(["check"]) == status


def test_bad_input_is_one_line_with_place_found_and_expected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error tree's text reaches the person as it is."""
    doing(
        monkeypatch, raising(FormatError("not a number", where="a.csv:7", found="x", expected="a latitude"))
    )
    assert main(["check"]) == 2
    assert (
        capsys.readouterr().err == "skypact: error: a.csv:7: not a number; found 'x'; expected a latitude\n"
    )


def test_an_error_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control characters of a file name are written out, and the error stays one line."""
    doing(monkeypatch, raising(UsageError("a\x1b[2J\nb\udce9")))
    assert main(["check"]) == 2
    assert capsys.readouterr().err == "skypact: error: a\\x1b[2J\\nb\\xe9\n"


def test_a_fault_of_ours_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody expected ends with 70 and asks for a report."""
    monkeypatch.delenv("SKYPACT_DEBUG", raising=False)
    doing(monkeypatch, raising(ZeroDivisionError("float division\nby zero")))
    assert main(["check"]) == 70
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("skypact: internal error: ZeroDivisionError at cli/__init__.py:")
    assert lines[0].endswith(": float division")
    assert "please report it" in lines[1]
    assert len(lines) == 2


def test_out_of_memory_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Even that is one line."""
    doing(monkeypatch, raising(MemoryError()))
    assert main(["check"]) == 70
    assert "out of memory" in capsys.readouterr().err


def test_a_maintainer_may_have_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """SKYPACT_DEBUG lets the exception through."""
    monkeypatch.setenv("SKYPACT_DEBUG", "1")
    doing(monkeypatch, raising(ZeroDivisionError("x")))
    with pytest.raises(ZeroDivisionError):
        main(["check"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(2, "No such file or directory", "x.csv"), "x.csv: no such file or directory"),
        (PermissionError(13, "Permission denied", b"x.csv"), "x.csv: permission denied"),
        (OSError(28, "No space left on device"), "no space left on device"),
        (OSError(), "oserror"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    error: OSError, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that cannot be opened, a disk that is full: status 2 and one line."""
    doing(monkeypatch, raising(error))
    assert main(["check"]) == 2
    assert capsys.readouterr().err == f"skypact: error: {expected}\n"


def test_a_closed_standard_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is checked whose answer nobody could read."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["--help"]) == 2


def test_a_closed_standard_error_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status still tells."""
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["nonsense"]) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("日本 é", "日本 é"),
        ("a\tb\r", "a\\tb\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202eabc", "\\u202eabc"),
        ("x\udcff", "x\\xff"),
        ("\u2028", "\\u2028"),
    ],
)
def test_visible_text(text: str, shown: str) -> None:
    """What people can read stays; what a terminal would obey is written out."""
    assert visible(text) == shown
