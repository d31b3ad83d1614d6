"""``skypact up``: run a node.

Law: without a configuration it runs at once, for this machine alone, and says so; with one it does what it
says and nothing else. What it prints is for a person; the log, on standard error, is for machines.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skypact.cli import visible
from skypact.cli.parsing import Parser
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from skypact.node.config import Config

DATA: Final = "skypact-data"
"""The data directory where none is named."""

_DESCRIPTION = """\
Run a node: the discovery service, a party's node, or both.

With --config FILE it does what the file says ('skypact init DIR' writes one).
Without, it keeps SQLite and a key of its own in a data directory, takes both
roles, and can be reached from this machine only."""
_EPILOG = """\
SIGTERM or Ctrl-C ends it when requests in flight are answered.
Exit status: 0 ended in order, 1 requests were cut off, 2 cannot start."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact up``."""
    p = Parser("up", _DESCRIPTION, epilog=_EPILOG)
    places(p)
    p.add_argument(
        "--beside",
        metavar="DIR",
        type=Path,
        help="begin as a second party on this machine, named as --data is, beside that node",
    )
    p.add_argument("--listen", metavar="HOST:PORT", help="listen here; port 0 takes any (127.0.0.1:8650)")
    return p


def places(p: argparse.ArgumentParser) -> None:
    """The options that say which node is meant."""
    p.add_argument("--config", metavar="FILE", type=Path, help="the configuration")
    p.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path(DATA),
        help=f"the data directory of a node without one ({DATA}); a skypact.toml in it is used",
    )


def told(options: argparse.Namespace, *, make: bool) -> Config:
    """The configuration that the options mean.

    Parameters
    ----------
    make
        Make the data directory, and a key, where there is none.
    """
    from skypact.node.config import LISTEN, NAME, embedded, load, relisten

    listen: str | None = getattr(options, "listen", None)
    file: Path | None = options.config
    if file is None and (options.data / NAME).is_file():
        file = options.data / NAME
    if file is not None:
        config = load(file)
        return config if listen is None else relisten(config, listen)
    config = embedded(options.data, listen=listen or LISTEN)
    if make:
        from skypact.node.keys import data_directory

        data_directory(options.data)
    return config


def run(options: argparse.Namespace) -> int:
    """Run until it is asked to stop."""
    if options.beside is not None:
        _begin_beside(options)
    gc.disable()  # what is imported is no garbage; looking for it takes a fifth of the start. `run` resumes
    config = told(options, make=True)
    from skypact.node.up import run as run_node

    def say(line: str) -> None:
        sys.stdout.write(visible(line) + "\n")
        sys.stdout.flush()

    return run_node(config, say)


def _begin_beside(options: argparse.Namespace) -> None:
    """Write the configuration of a second party, the first time."""
    from skypact.cli.init import begin_beside
    from skypact.node.config import NAME

    if options.config is not None or options.data == Path(DATA):
        raise UsageError("--beside: name the new party's own folder with --data")
    if not (options.data / NAME).exists():
        begin_beside(options.data, options.beside, party=options.data.resolve().name)
