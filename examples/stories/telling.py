"""How a story is told: nodes as real processes, and every step a command that a person would type.

Law: a story has no back door. Each step runs ``skypact`` as a process in the folder of the party that types
it; what is shown is what that process printed, cut to the lines that matter and never changed. Clocks are the
machine's. A step that ends in another way than the story says ends the story, with all that it printed.

Whatever happens, also at Ctrl-C, the nodes that were started are stopped, and waited for. A story writes to
its own folder alone, which it makes anew; a folder that no story has made is not touched.

A story is a literal table of :class:`Part`, :class:`Note`, :class:`Write`, :class:`Up`, :class:`Down` and
:class:`Step`. Each party's folder stands for a machine of its own; ``skypact-data`` in it is its node.
"""  # noqa: INP001 -- beside scripts, no package

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMMAND: Final = (sys.executable, "-m", "skypact")
DATA: Final = "skypact-data"
MARK: Final = ".story"
"""The file by which a story knows the folder of an earlier one."""
START_S: Final = 120.0
"""How long a node may take to listen: the first start on a machine compiles kernels."""
STEP_S: Final = 120.0
WAIT_S: Final = 30.0
"""How long a step that waits for something is tried again."""
AGAIN_S: Final = 0.3
STOP_S: Final = 20.0
WIDTH: Final = 88
LINES: Final = 3
"""So many lines of an answer are shown, where a step does not say which matter."""


class Ended(Exception):  # noqa: N818 -- how a story ends that does not go on
    """The story cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter: what happens, in one line."""

    title: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the reader; ``{names}`` are what earlier steps kept."""

    text: str


@dataclass(frozen=True, slots=True)
class Write:
    """What no command does: files that a person brings along. It may keep values for later steps."""

    says: str
    do: Callable[[Tale], None]


@dataclass(frozen=True, slots=True)
class Up:
    """The nodes of these parties are started, all at once."""

    parties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Down:
    """All nodes are stopped, in order."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command.

    Attributes
    ----------
    who
        Who types it: a party, or anybody else with a folder of his own; of several, all at once.
    command
        As it is typed; ``{names}`` and ``$names`` are what earlier steps kept, ``{me}`` is who types. What is
        long is shown by its ``$name``, as a shell's variable is.
    status
        How it has to end.
    shows
        Patterns of the lines that matter, in the order of the answer; without any, its first three.
    keeps
        What later steps need of the answer: a name (``key_{me}``), and a pattern with one group.
    waits
        A pattern that the answer has to have; until then the command is typed again.
    variable
        A name for the whole answer: ``NAME=$(skypact ...)``.
    """

    who: str | tuple[str, ...]
    command: str
    status: int = 0
    shows: tuple[str, ...] = ()
    keeps: Mapping[str, str] = field(default_factory=dict)
    waits: str = ""
    variable: str = ""


Table = tuple[Part | Note | Write | Up | Down | Step, ...]


class Tale:
    """A story while it is told.

    Attributes
    ----------
    folder
        Where everything of it lies; each party has a folder of its own in it.
    kept
        What steps have kept, by name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[str, str] = {}
        self._stack = ExitStack()
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- the table ------------------------------------------------------------------------------------------

    def tell(self, table: Table) -> None:
        """Tell it, from the first row to the last."""
        part = 0
        for row in table:
            match row:
                case Part():
                    part += 1
                    self.say("", f"{part}  {row.title}   [{time.monotonic() - self._began:.0f} s]")
                case Note():
                    self.say(*_wrapped(self._filled(row.text), "   "))
                case Write():
                    self.say("", *_wrapped(self._filled(row.says), "   "))
                    row.do(self)
                case Up():
                    self._up(row.parties)
                case Down():
                    self._stack.close()
                    self.say("", "   The nodes are stopped.")
                case Step():
                    self._step(row)

    def say(self, *lines: str) -> None:
        """Lines for the reader."""
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def place(self, who: str) -> Path:
        """The folder of who types."""
        path = self.folder / who
        path.mkdir(exist_ok=True)
        return path

    def _filled(self, text: str, who: str = "") -> str:
        return text.format_map(self.kept | {"me": who})

    # -- steps ----------------------------------------------------------------------------------------------

    def _step(self, step: Step) -> None:
        everybody = (step.who,) if isinstance(step.who, str) else step.who
        with ThreadPoolExecutor(len(everybody)) as pool:
            for who, out in zip(
                everybody, pool.map(lambda who: self._answer(who, step), everybody), strict=True
            ):
                typed = self._filled(_said(step), who)
                if step.variable:
                    self.kept[self._filled(step.variable, who)] = out.strip()
                for name, pattern in step.keeps.items():
                    found = re.search(pattern, out, re.MULTILINE)
                    if found is None:
                        raise Ended(_amiss(typed, f"nothing like {pattern!r}", out))
                    self.kept[self._filled(name, who)] = found[1]
                self.say("", *_typed(who, typed), *_mattering(out, step.shows))

    def _answer(self, who: str, step: Step) -> str:
        """Type a command until it answers what is waited for."""
        typed = self._filled(_said(step), who)
        words = [
            Template(word).substitute(self.kept) for word in shlex.split(self._filled(step.command, who))
        ]
        until = time.monotonic() + (WAIT_S if step.waits else 0.0)
        while True:
            status, out = self._run(who, words)
            if not step.waits or re.search(step.waits, out, re.MULTILINE):
                break
            if time.monotonic() > until:
                raise Ended(_amiss(typed, f"nothing like {step.waits!r} within {WAIT_S:.0f} s", out))
            time.sleep(AGAIN_S)
        if status != step.status:
            raise Ended(_amiss(typed, f"ended with {status}, and not with {step.status}", out))
        return out

    def _run(self, who: str, words: Sequence[str]) -> tuple[int, str]:
        done = subprocess.run(  # noqa: S603 -- our own command
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.place(who),
            env=_environment(),
            timeout=STEP_S,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")

    # -- nodes ----------------------------------------------------------------------------------------------

    def _up(self, parties: Sequence[str]) -> None:
        started = []
        for party in parties:
            self.say("", *_typed(party, "skypact up &"))
            started.append((party, self._start(party)))
        for party, (process, out) in started:
            self._await(party, process, out)
            first = out.read_text(encoding="utf-8").splitlines()[:1]
            self.say(*(f"     {party}: {line}" for line in first))

    def _start(self, party: str) -> tuple[subprocess.Popen[bytes], Path]:
        place = self.place(party)
        out = place / "node.out"
        with out.open("wb") as said, (place / "node.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 -- our own command
                [*COMMAND, "up"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=log,
                cwd=place,
                env=_environment(),
                start_new_session=True,  # a Ctrl-C is the story's, which then stops its nodes in order
            )
        self._stack.callback(_stop, process)
        return process, out

    def _await(self, party: str, process: subprocess.Popen[bytes], out: Path) -> None:
        until = time.monotonic() + START_S
        while not re.search(r"^Next:", out.read_text(encoding="utf-8"), re.MULTILINE):
            if process.poll() is not None or time.monotonic() > until:
                log = (self.place(party) / "node.log").read_text(encoding="utf-8", errors="replace")
                raise Ended(_amiss("skypact up", f"the node of {party} does not listen", log[-2000:]))
            time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a node in order; where it does not end, end it."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """A plain terminal: UTF-8, no colour."""
    return os.environ | {"PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "80"}


def _said(step: Step) -> str:
    return f"{step.variable}=$(skypact {step.command})" if step.variable else f"skypact {step.command}"


def _mattering(out: str, patterns: Sequence[str]) -> list[str]:
    """The lines that matter, each within the width of the page."""
    lines = [line.rstrip() for line in out.splitlines() if line.strip()]
    found = (
        [line for line in lines if any(re.search(each, line) for each in patterns)]
        if patterns
        else lines[:LINES]
    )
    return [
        part
        for line in found
        for part in _wrapped(line.strip(), "     " + " " * (len(line) - len(line.lstrip())))
    ]


def _typed(who: str, command: str) -> list[str]:
    """A command as it is typed, with its prompt; a long one goes on in the next line."""
    lines = textwrap.wrap(
        f"{who}$ {command}",
        WIDTH - 5,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [f"   {line}" + (" \\" if line is not lines[-1] else "") for line in lines]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  " * (len(indent) > 3),
        break_on_hyphens=False,
    )


def _amiss(command: str, why: str, out: str) -> str:
    return f"{command}\n{why}\n{textwrap.indent(out.strip(), '  | ')}"


def free_ports(count: int) -> list[int]:
    """Ports of this machine on which nobody listens."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in held]


def fresh(folder: Path) -> Path:
    """An empty folder for a story; what an earlier one left there is removed.

    Raises
    ------
    Ended
        Something is there that no story has made.
    """
    if folder.exists():
        if not (folder / MARK).is_file():
            raise Ended(f"{folder} is there, and no story has made it; give another with --out")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).write_text(
        "A story of Skypact has made this folder, and may remove it.\n", encoding="utf-8"
    )
    return folder.resolve()


def main(description: str, out: Path, table: Table, last: str) -> int:
    """Tell a story from the terminal; returns the exit status.

    Parameters
    ----------
    out
        The folder where nothing else is said.
    last
        What is said at the end; ``{names}`` are what the steps kept, and ``{folder}``.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"its folder ({out})")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, _interrupted)
    began = time.monotonic()
    try:
        with Tale(fresh(given.out)) as tale:
            tale.tell(table)
            took = time.monotonic() - began
            tale.say(
                "",
                *last.format_map(tale.kept | {"folder": str(given.out), "took": f"{took:.0f}"}).splitlines(),
            )
    except Ended as error:
        sys.stderr.write(f"the story cannot go on: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the nodes were stopped\n")
        return 130
    return 0


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt
