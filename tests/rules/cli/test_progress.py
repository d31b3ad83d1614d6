"""What is shown while work lasts, and that work and wait are two threads."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

import pytest

from skypact.cli import progress as module
from skypact.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds become a twentieth."""
    monkeypatch.setattr(module, "QUIET_S", 0.05)
    monkeypatch.setattr(module, "_TICK_S", 0.01)


def until(what: Callable[[], bool]) -> None:
    """Work on until it is so."""
    deadline = time.monotonic() + 60.0
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def test_the_result_of_the_work_comes_back() -> None:
    """The work runs in a thread of its own, and what it returns is returned."""
    thread = Progress(stream=io.StringIO()).run(threading.current_thread)
    assert thread.name == "skypact-work"
    assert thread is not threading.main_thread()


def test_an_error_of_the_work_is_raised_here() -> None:
    """What the work raises is raised to the caller, with its type."""

    def work() -> None:
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        Progress(stream=io.StringIO()).run(work)


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below two seconds there is nothing to see."""
    monkeypatch.setattr(module, "QUIET_S", 60.0)  # however busy the machine is
    stream = Terminal()
    shown = Progress(stream=stream)
    shown.run(lambda: shown.phase("reading"))
    assert not stream.getvalue()


def test_long_work_writes_a_line_for_each_phase() -> None:
    """Without a terminal each long phase is one plain line, once."""
    stream = io.StringIO()
    shown = Progress(stream=stream)

    def work() -> None:
        for text in ("reading a", "checking b"):
            shown.phase(text)
            until(lambda: text in stream.getvalue())  # noqa: B023 -- asked before the next text

    shown.run(work)
    assert stream.getvalue() == "skypact: reading a ...\nskypact: checking b ...\n"


def test_a_terminal_line_is_redrawn_and_taken_away() -> None:
    """On a terminal one line is redrawn, and nothing of it is left at the end."""
    stream = Terminal()
    shown = Progress(stream=stream)

    def work() -> None:
        shown.phase("reading " + "x" * 200)
        until(lambda: "reading x" in stream.getvalue())

    shown.run(work)
    assert "reading x" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert max(len(part) for part in stream.getvalue().split("\r\x1b[K")) <= 78


def test_compiling_is_said_once() -> None:
    """The first kernel to be compiled marks the phase, the next ones do not mark it again."""
    stream = io.StringIO()
    shown = Progress(stream=stream)

    def work() -> None:
        shown.phase("checking")
        shown.compiling("one")
        shown.compiling("two")
        until(lambda: "compiling" in stream.getvalue())
        time.sleep(0.05)  # in which a second line would be written

    shown.run(work)
    assert stream.getvalue() == "skypact: checking (compiling kernels, once; up to a minute) ...\n"


def test_quiet_shows_neither_progress_nor_notes() -> None:
    """--quiet is quiet."""
    stream = io.StringIO()
    shown = Progress(quiet=True, stream=stream)
    shown.note("written")

    def work() -> None:
        shown.phase("reading")
        time.sleep(0.15)

    shown.run(work)
    assert not stream.getvalue()


def test_work_in_the_main_thread_is_shown_too() -> None:
    """Writing a file happens here and is watched from another thread, which is gone afterwards."""
    stream = io.StringIO()
    shown = Progress(stream=stream)
    with shown.during("writing x"):
        until(lambda: stream.getvalue().endswith("\n"))
    assert stream.getvalue() == "skypact: writing x ...\n"
    assert "skypact-show" not in {thread.name for thread in threading.enumerate()}


def test_a_broken_standard_error_stops_the_display_only() -> None:
    """A display that cannot be written does not end the work."""

    class Broken(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError("gone")

    shown = Progress(stream=Broken())
    shown.note("one")
    assert shown.run(lambda: 3) == 3
