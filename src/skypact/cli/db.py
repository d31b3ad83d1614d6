"""``skypact db``: the tables brought up to this version, looked at, pruned, backed up, restored.

Law: nothing is mended silently and nothing that is there is overwritten. What takes over two seconds says
where it stands. Exit status 1 means that ``check`` found what must not be; 2, that nothing was done.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skypact.cli import FOUND, OK, complain, visible
from skypact.cli.parsing import Parser, duration_s
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from skypact.cli.progress import Progress
    from skypact.store import Store
    from skypact.store.prune import Prunable

ACTIONS: Final = ("upgrade", "check", "prune", "backup", "restore")

_DESCRIPTION = """\
Care for a node's database, SQLite or PostgreSQL, by its configuration or URL.

  upgrade          make the tables, or bring them up to this version; there is
                   no downgrade: restore a backup instead
  check            recompute the ledger and look for what must not be
  prune            forget what has ended, in small batches, while in use
  backup FOLDER    write one consistent state into a new folder, while in use
  restore FOLDER   make an empty database what the backup was"""
_EPILOG = """\
Exit status: 0 done, or sound; 1 'check' found faults; 2 bad usage or input, or
the database cannot be used: nothing was done."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact db``."""
    p = Parser("db", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="ACTION", choices=ACTIONS, help="one of the above")
    p.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="of backup and restore")
    where = p.add_mutually_exclusive_group()
    where.add_argument(
        "--config", metavar="FILE", type=Path, help="the node's configuration (default skypact.toml)"
    )
    where.add_argument("--data", metavar="DIR", type=Path, help="the folder of a node without configuration")
    where.add_argument(
        "--store", metavar="URL", help="the database itself; a password is better kept in the configuration"
    )
    p.add_argument(
        "--keep",
        metavar="DURATION",
        type=duration_s,
        help="of prune: how long what has ended is kept (default as configured, 90 days)",
    )
    p.add_argument("--quiet", action="store_true", help="no progress, no summary")
    return p


def run(options: argparse.Namespace) -> int:
    """Do it; prints what was done or found."""
    from skypact.cli.output import standard_output
    from skypact.cli.progress import Progress

    takes_folder = options.action in {"backup", "restore"}
    if takes_folder and options.folder is None:
        raise UsageError(f"'skypact db {options.action}' needs a FOLDER")
    if options.folder is not None and not takes_folder:
        raise UsageError(f"'skypact db {options.action}' takes no FOLDER")
    if options.keep is not None and options.action != "prune":
        raise UsageError(f"--keep is an option of 'skypact db prune', not of '{options.action}'")
    url, keep_s = _where(options)
    progress = Progress(quiet=options.quiet)
    now_us = time.time_ns() // 1000  # the terminal is one of the two places where the clock enters
    faults: list[str] = []
    remarks: list[str] = []
    if options.action == "upgrade":
        lines = progress.run(lambda: _upgrade(url, progress))
    elif options.action == "check":
        lines, faults, remarks = progress.run(lambda: _check(url, progress))
    elif options.action == "prune":
        lines = progress.run(lambda: _prune(url, keep_s, now_us, progress))
    elif options.action == "backup":
        lines = progress.run(lambda: _backup(url, options.folder, now_us, progress))
    else:
        lines = progress.run(lambda: _restore(url, options.folder, progress))
    for remark in remarks:
        complain(f"note: {remark}")
    for fault in faults:
        complain(f"fault: {fault}")
    if not options.quiet:
        with standard_output():
            sys.stdout.writelines(f"{visible(line)}\n" for line in lines)
    return FOUND if faults else OK


def _where(options: argparse.Namespace) -> tuple[str, float]:
    """The URL of the database, and how long what has ended is kept, in seconds."""
    from skypact.node import config

    if options.store is not None:
        return options.store, options.keep or config.Store().retention_days * 86_400.0
    if options.data is not None:
        found = config.embedded(options.data)
    else:
        path = options.config or Path(config.NAME)
        if options.config is None and not path.exists():
            raise UsageError(f"no {config.NAME} here; say which database: --config, --data or --store")
        found = config.load(path)
    return found.store_url, options.keep or found.store.retention_days * 86_400.0


def _upgrade(url: str, progress: Progress) -> list[str]:
    import asyncio

    from skypact.store import Store

    progress.phase("upgrading")

    async def work() -> list[str]:
        store = await Store.open(url, upgrade=True)
        try:
            region = await store.read(lambda tx: tx.region)
            return [f"{store.dialect}: the tables are of this version; region {region.hex()}"]
        finally:
            await store.close()

    return asyncio.run(work())


def _check(url: str, progress: Progress) -> tuple[list[str], list[str], list[str]]:
    import asyncio

    from skypact.store import Store
    from skypact.store.examine import examine

    async def work() -> tuple[list[str], list[str], list[str]]:
        store = await Store.open(url)
        try:
            found = await store.read(lambda tx: examine(tx.connection, progress.step))
        finally:
            await store.close()
        end = "" if found.faults else "No fault was found."
        return [*found.facts, *([end] if end else [])], found.faults, found.remarks

    return asyncio.run(work())


def _prune(url: str, keep_s: float, now_us: int, progress: Progress) -> list[str]:
    import asyncio

    from skypact.store import Store
    from skypact.store.prune import prune

    async def work() -> list[str]:
        store = await Store.open(url)
        try:
            sections = _sections(store)
            gone = await prune(
                store,
                sections,
                now_us=now_us,
                keep_us=int(keep_s * 1_000_000),
                tell=lambda name, count: progress.step(f"pruning {name}: {count} removed"),
            )
        finally:
            await store.close()
        return [f"{gone[section.name]} removed: {section.what}" for section in sections]

    return asyncio.run(work())


def _sections(store: Store) -> list[Prunable]:
    """What can be pruned: by age alone, and by rules of the discovery service."""
    from skypact.desk.dss import DssDesk
    from skypact.store import node as kept
    from skypact.store import watchful
    from skypact.store.prune import SECTIONS, Prunable

    desk = DssDesk(store)

    async def claims(_store: Store, now_us: int, keep_us: int, limit: int) -> int:
        return await desk.prune(now_us, keep_us, limit)

    return [
        *SECTIONS,
        *watchful.SECTIONS,
        *kept.SECTIONS,
        Prunable("claims", "claims of the discovery service, and versions of them", claims),
    ]


def _backup(url: str, folder: Path, now_us: int, progress: Progress) -> list[str]:
    from skypact.store.backup import backup

    made = backup(url, folder, now_us=now_us, tell=progress.step)
    return [
        f"{folder}: region {made.region} at write {made.seq}, {made.leaves} leaves, {made.bytes} bytes",
        f"root of the ledger: {made.root}",
    ]


def _restore(url: str, folder: Path, progress: Progress) -> list[str]:
    from skypact.store.backup import SKIP, restore

    made = restore(url, folder, tell=progress.step)
    return [
        f"restored: region {made.region} as it was at {made.taken} (write {made.seq}, {made.leaves} leaves)",
        f"its counters go on {SKIP} further, so that no number is told twice; see docs/store.md",
    ]
