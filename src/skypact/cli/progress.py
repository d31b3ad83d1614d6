"""What is being done, on standard error, once it takes over two seconds; and a Ctrl-C that works at once.

Law: the work runs in a thread of its own. Kernels hold the thread that calls them for seconds and cannot be
interrupted, so the main thread only waits: it shows where the work stands, and it is there to be
interrupted. On a terminal the line is redrawn; elsewhere each phase that takes long writes one plain line.
Nothing is ever written to standard output from here.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

QUIET_S: Final = 2.0
"""Nothing is shown before this many seconds."""
_TICK_S = 0.1
_MARKS = "|/-\\"


class Progress:
    """The phase that the work is in; written by the worker, shown by :meth:`run` in the main thread."""

    def __init__(self, *, quiet: bool = False, stream: IO[str] | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet
        self._redraws = not quiet and self._stream.isatty()
        self._phase = ("", 0.0)
        self._drawn = False

    def phase(self, text: str) -> None:
        """From now on the work does this."""
        self._phase = (text, time.monotonic())

    def step(self, text: str) -> None:
        """The work has come this far: on a terminal every step is shown, elsewhere what is before a colon."""
        shown = text if self._redraws else text.partition(":")[0]
        if shown != self._phase[0]:
            self.phase(shown)

    def compiling(self, _kernel: str) -> None:
        """A kernel is being compiled; told by :func:`skypact.airspace.jit.on_compile`."""
        text, _ = self._phase
        if not text.endswith(_COMPILING):
            self.phase(text + _COMPILING)

    def note(self, text: str) -> None:
        """One line for the person at the terminal, unless the command is to be quiet."""
        if not self._quiet:
            self._erase()
            self._say(text)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in a thread and show where it stands; returns or raises what it did.

        KeyboardInterrupt leaves the thread behind; the caller ends the process with it.
        """
        job = _Job(work)
        threading.Thread(target=job, name="skypact-work", daemon=True).start()
        try:
            self._show_until(job.done)
        finally:
            self._erase()
        return job.result()

    @contextlib.contextmanager
    def during(self, text: str) -> Iterator[None]:
        """Show a phase that the main thread itself is in: writing files, which an interrupt may stop."""
        self.phase(text)
        done = threading.Event()
        show = threading.Thread(target=self._show_until, args=(done,), name="skypact-show", daemon=True)
        show.start()
        try:
            yield
        finally:
            done.set()
            show.join()
            self._erase()

    def _show_until(self, done: threading.Event) -> None:
        began = time.monotonic()
        told = ""
        while not done.wait(_TICK_S):
            now = time.monotonic()
            text, since = self._phase
            if self._quiet or not text or now - began < QUIET_S:
                continue
            if self._redraws:
                mark = _MARKS[int(now / _TICK_S) % len(_MARKS)]
                self._draw(f"{mark} {text}: {now - began:.0f} s")
            elif text != told and now - since >= QUIET_S:
                told = text
                self._say(f"{text} ...")

    def _draw(self, line: str) -> None:
        self._write("\r\x1b[K" + line[:78])
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = False

    def _say(self, text: str) -> None:
        self._write(f"skypact: {text}\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # standard error is closed or full: the work matters more than its display
            self._quiet = True


_COMPILING = " (compiling kernels, once; up to a minute)"


class _Job(Generic[Result]):
    """Work, and how it ended."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self.done = threading.Event()

    def __call__(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 -- carried over to the main thread, which raises it
            self._error = error
        finally:
            self.done.set()

    def result(self) -> Result:
        """What the work returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]
