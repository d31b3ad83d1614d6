"""Threads that are the first to decode, all at once: msgspec must have looked at the types before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import skypact.node.roles
from skypact.node.up import look_at_types

TESTS = Path(__file__).resolve().parent.parent
FIRST = """
import sys, threading

sys.setswitchinterval(1e-6)
from filings import movement, site
from skypact.formats.filings_json import read_filings, write_filing

filings = [write_filing(each) for each in (site(), site(), site(), movement())]
ready = threading.Barrier(len(filings))
read = []


def one(data):
    ready.wait()
    read.extend(read_filings(data, "a thread's"))


threads = [threading.Thread(target=one, args=(data,)) for data in filings]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.stdout.write(str(len(read)))
"""


def test_filings_that_are_read_first_by_four_threads_end_no_process() -> None:
    """Four notices at once had ended a node in one start of four: a segmentation fault in msgspec."""
    for _ in range(8):
        done = subprocess.run(
            [sys.executable, "-c", FIRST],
            capture_output=True,
            cwd=TESTS,
            env={"PYTHONPATH": str(TESTS), "PATH": ""},
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, b"4"), done.stderr.decode()


def test_a_node_looks_at_all_of_its_types_before_it_has_threads() -> None:
    """Every type that a node's modules decode to can be looked at when it starts."""
    assert skypact.node.roles.ROLES
    assert look_at_types() > 100
