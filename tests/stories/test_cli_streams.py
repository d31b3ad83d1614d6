"""Pipes that close, disks that are full, terminals, and Ctrl-C: the command beside other programs."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import two_sides
from shell import COMMAND, TIMEOUT_S, environment, skypact


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two sides."""
    return two_sides.write(tmp_path_factory.mktemp("sky"))


def test_a_reader_that_leaves_early_changes_nothing(sky: Path) -> None:
    """``skypact check ... | head -1``: no complaint, and the status is still that of the findings."""
    process = subprocess.Popen(
        [*COMMAND, "check", str(sky), "--format", "json", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(TIMEOUT_S), err) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_one_line(sky: Path) -> None:
    """What could not be written is an error, not a silent half."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "check", str(sky), "--quiet"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=TIMEOUT_S,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == b"skypact: error: standard output: no space left on device\n"


def test_an_interrupt_ends_at_once_with_one_line(tmp_path: Path) -> None:
    """Ctrl-C while a worker waits for input: status 130, nothing half written, no traceback."""
    process = subprocess.Popen(
        [*COMMAND, "check", "-", "--output", str(tmp_path / "f.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        # a suite that runs in the background of a shell hands down that interrupts are ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads
    )
    assert process.stdin is not None
    process.stdin.write(b"time,id,lat,lng\n")
    process.stdin.flush()
    assert process.stderr is not None
    said = b""
    while b"reading" not in said:  # progress in a pipe: after two seconds of one phase
        ready, _, _ = select.select([process.stderr], [], [], TIMEOUT_S)
        assert ready, said
        said += os.read(process.stderr.fileno(), 65536)
    process.send_signal(signal.SIGINT)
    assert process.wait(TIMEOUT_S) == 130  # with its input still open
    out, err = process.communicate()
    assert (said + err).decode().splitlines()[-1] == "skypact: interrupted"
    assert b"Traceback" not in err
    assert out == b""
    assert list(tmp_path.iterdir()) == []


def on_a_terminal(*arguments: str, **environ: str) -> tuple[int, str]:
    """Run the command with standard output and error on a terminal of 100 columns."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env=environment(TERM="xterm-256color", COLUMNS="100", **environ),
    )
    os.close(follower)
    parts = []
    with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
        while part := os.read(leader, 65536):
            parts.append(part)
    os.close(leader)
    return process.wait(TIMEOUT_S), b"".join(parts).decode("utf-8")


def test_colour_on_a_terminal_unless_told_otherwise(sky: Path) -> None:
    """Colour on a terminal; none with NO_COLOR or --no-color; the words are the same."""
    status, coloured = on_a_terminal("check", str(sky), "--quiet")
    assert status == 1
    assert "\x1b[1;31m" in coloured
    words = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    for environ, more in (({"NO_COLOR": "1"}, []), ({}, ["--no-color"])):
        _, plain = on_a_terminal("check", str(sky), "--quiet", *more, **environ)
        assert "\x1b[1;31m" not in plain
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]", plain)
        assert re.sub(r"\x1b\[[0-9;]*m", "", plain) == words
    assert max(map(len, words.splitlines())) <= 100


def test_names_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    """An id with an escape sequence, and a file name with one, are shown and not obeyed."""
    folder = tmp_path / "a\x1b[2Jb"
    folder.mkdir()
    (folder / "t.csv").write_text(two_sides.tracks().replace(",s-1,", ",s\x1b[2J1,"), encoding="utf-8")
    ended = skypact("check", folder)
    assert ended.status == 1
    assert "\x1b" not in ended.out + ended.err


def test_an_ascii_world_still_gets_its_answer(sky: Path) -> None:
    """A terminal that has no ellipsis gets a question mark instead of a fault."""
    done = subprocess.run(
        [*COMMAND, "check", str(sky), "--quiet"],
        capture_output=True,
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii"),
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.isascii()


def test_help_is_quick() -> None:
    """``skypact --help`` loads nothing heavy: no arrays, no compiler, no server."""
    code = "import sys; from skypact.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'numpy', 'numba', 'pyarrow', 'sqlalchemy', 'starlette'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
