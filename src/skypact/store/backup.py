"""Backup and restore: one consistent state in a folder, with what it takes to know that it is whole.

Law: a backup is of one instant, taken while others write, and does not make them wait. The folder appears
when it is complete, or not at all, and is for its owner only. A restore goes into nothing else than an empty
database, and is checked against the manifest before it counts.

A folder holds ``manifest.json`` and ``database.sqlite`` (SQLite's own backup: a file that any SQLite opens)
or ``database.dump`` (``pg_dump --format=custom``). The manifest has the checksum of that file, the version of
the tables, the region, how far its counters had come, and the root of the ledger.

A restored region is the same region at an earlier time. What it told others after the backup it does not
know; so that it never tells two things under one number, its write counter and its notification index go on
:data:`SKIP` further than the backup had come, and its ledger goes on under another origin.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import func, insert, inspect, select, text, update
from sqlalchemy.engine import URL, make_url

import skypact
from skypact.errors import InputError, UsageError
from skypact.instants import format_instant, parse_instant
from skypact.store.batch import allow_commit
from skypact.store.databases import connect
from skypact.store.examine import root
from skypact.store.schema import ledger_epoch, region
from skypact.store.tx import LAST_INDEX, STAMP_BYTES
from skypact.store.upgrade import version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

T = TypeVar("T")

FORMAT: Final = "skypact backup 1"
MANIFEST: Final = "manifest.json"
SKIP: Final = 2**20
"""How far a restored region's counters go on from where the backup had come."""
_PAGES: Final = 4096
_PARTS: Final = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
_ENVIRONMENT: Final = {"sslmode": "PGSSLMODE", "ssl": "PGSSLMODE", "host": "PGHOST", "port": "PGPORT"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Attributes
    ----------
    format, made_by, taken
        ``skypact backup 1``; the version of Skypact; when, RFC 3339.
    database, file, bytes, sha256
        ``sqlite`` or ``postgresql``; the file beside this one, its size and its checksum.
    tables
        The version of the tables.
    region, seq, leaves, notifications, root
        The region's id, its counters, and the root of its ledger (hexadecimal).
    """

    format: str
    made_by: str
    taken: str
    database: str
    file: str
    bytes: int
    sha256: str
    tables: str
    region: str
    seq: int
    leaves: int
    notifications: int
    root: str


def backup(url: str, folder: Path, *, now_us: int, tell: Callable[[str], None]) -> Manifest:
    """Write a backup of the database into a new folder.

    Raises
    ------
    UsageError
        The folder is there already, or a program that is needed is not.
    InputError
        The database is not one of Skypact, or the folder cannot be written.
    Refused
        UNAVAILABLE: the database cannot be reached.
    """
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder}: is there already; a backup goes into a folder of its own")
    part = folder.parent / f".{folder.name}.part"
    address = make_url(url)
    kind = _reading(url, _demand_region)
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(mode=0o700)
        file = part / _PARTS[kind]
        if kind == "sqlite":
            facts = _copy_sqlite(Path(address.database or ""), file, tell)
        else:
            facts = _reading(url, partial(_dump_postgresql, url=address, file=file, tell=tell))
        tell("reading the backup")
        manifest = Manifest(
            format=FORMAT,
            made_by=skypact.__version__,
            taken=format_instant(now_us),
            database=kind,
            file=file.name,
            bytes=file.stat().st_size,
            sha256=_digest(file),
            **facts,
        )
        _write(part / MANIFEST, json.dumps(asdict(manifest), indent=2).encode() + b"\n")
        _settle(file)
        _settle(part)
        part.rename(folder)
        _settle(folder.parent)
    except OSError as error:
        raise InputError("cannot be written", where=str(folder), found=error.strerror) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def restore(url: str, folder: Path, *, tell: Callable[[str], None]) -> Manifest:
    """Make an empty database what the backup was; returns the backup's manifest.

    Raises
    ------
    UsageError
        The database is not empty, is of the other kind, or a program that is needed is not there.
    InputError
        The folder holds no backup, or one that is not whole.
    Refused
        UNAVAILABLE: the database cannot be reached.
    """
    manifest = read_manifest(folder)
    file = folder / manifest.file
    tell("checking the backup")
    if not file.is_file() or file.stat().st_size != manifest.bytes or _digest(file) != manifest.sha256:
        raise InputError(
            "the backup is not whole",
            where=str(file),
            found="another size or checksum than its manifest says, or no file",
            expected=f"{manifest.bytes} bytes, SHA-256 {manifest.sha256}",
        )
    target = make_url(url)
    kind = "sqlite" if target.get_backend_name() == "sqlite" else "postgresql"
    if kind != manifest.database:
        raise UsageError(f"this backup is of {manifest.database}; it cannot be restored into {kind}")
    if kind == "sqlite":
        _restore_sqlite(Path(target.database or ""), file, manifest, tell)
    else:
        _restore_postgresql(url, file, manifest, tell)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """What a backup says of itself.

    Raises
    ------
    InputError
        There is no manifest, or it is not one.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            "not a backup of Skypact", where=str(path), found=error, expected="a folder with a manifest"
        ) from None
    if manifest.format != FORMAT or manifest.file not in _PARTS.values():
        raise InputError(
            "not a backup that is known", where=str(path), found=manifest.format, expected=FORMAT
        )
    return manifest


# -- SQLite -------------------------------------------------------------------------------------------------


def _copy_sqlite(source: Path, file: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    _make(file)
    with (
        contextlib.closing(sqlite3.connect(source, isolation_level=None)) as origin,
        contextlib.closing(sqlite3.connect(file, isolation_level=None)) as copy,
    ):
        origin.execute("BEGIN")  # one state, however long it takes and whoever writes meanwhile
        origin.execute("SELECT 1 FROM region").fetchall()

        def step(_status: int, left: int, pages: int) -> None:
            tell(f"copying: {(pages - left) / max(pages, 1):.0%}")

        origin.backup(copy, pages=_PAGES, progress=step)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    from sqlalchemy import create_engine

    engine = create_engine(URL.create("sqlite", database=str(file)))
    try:
        with engine.connect() as connection:
            return _facts(connection, tell)
    finally:
        engine.dispose()


def _restore_sqlite(target: Path, file: Path, manifest: Manifest, tell: Callable[[str], None]) -> None:
    if not target.is_absolute():
        raise UsageError(f"{target}: is not an absolute path")
    for path in (target, *(target.with_name(target.name + end) for end in ("-wal", "-shm", "-journal"))):
        if path.exists():
            raise UsageError(f"{path}: is there already; a backup is restored where there is nothing")
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        tell("copying")
        _make(part)
        shutil.copyfile(file, part)
        _on(str(URL.create("sqlite", database=str(part))), partial(_go_on, manifest=manifest, tell=tell))
        _settle(part)
        try:
            os.link(part, target)  # unlike a rename, this never replaces a file that came meanwhile
        except FileExistsError:
            raise UsageError(f"{target}: is there already") from None
        _settle(target.parent)
    except OSError as error:
        raise InputError("cannot be written", where=str(target), found=error.strerror) from None
    finally:
        for end in ("", "-wal", "-shm"):
            part.with_name(part.name + end).unlink(missing_ok=True)


# -- PostgreSQL ---------------------------------------------------------------------------------------------


def _dump_postgresql(
    connection: Connection, *, url: URL, file: Path, tell: Callable[[str], None]
) -> dict[str, Any]:
    # while pg_dump reads this very state our session has nothing to do, for as long as that takes
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    tell("copying (pg_dump)")
    _make(file)
    command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
    with file.open("wb") as stream:
        _program(command, url, stdout=stream)
    return _facts(connection, tell)


def _restore_postgresql(url: str, file: Path, manifest: Manifest, tell: Callable[[str], None]) -> None:
    tables = _reading(url, lambda connection: inspect(connection).get_table_names())
    if tables:
        raise UsageError(
            f"the database is not empty (it has tables: {', '.join(sorted(tables)[:5])}); "
            "a backup is restored where there is nothing"
        )
    tell("restoring (pg_restore)")
    command = [
        "pg_restore",
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
        f"--dbname={make_url(url).database}",
        str(file),
    ]
    _program(command, make_url(url), stdout=subprocess.DEVNULL)
    _on(url, partial(_go_on, manifest=manifest, tell=tell))


def _program(command: list[str], url: URL, *, stdout: Any) -> None:
    """Run one of PostgreSQL's programs; where to, and the password, go through its environment."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    told: dict[str, str | int | None] = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=10s",
    }
    for name, value in url.query.items():
        if name in _ENVIRONMENT:
            told[_ENVIRONMENT[name]] = value if isinstance(value, str) else value[0]
    environment |= {key: str(value) for key, value in told.items() if value}
    path = _found(command[0])
    try:
        done = subprocess.run(  # noqa: S603 -- PostgreSQL's own program, arguments of ours
            [path, *command[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise InputError("cannot be run", where=path, found=error.strerror) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise InputError(f"{command[0]} failed", where=str(url), found=lines[0])


def _found(program: str) -> str:
    """Where the newest of a program of PostgreSQL is: it must not be older than the server."""
    versions = [
        (int(path.parent.parent.name), str(path))
        for path in Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
        if path.parent.parent.name.isdecimal()
    ]
    path = max(versions)[1] if versions else shutil.which(program)
    if path is None:
        raise UsageError(f"{program} is not installed; on Debian: apt-get install postgresql-client")
    return path


# -- both ---------------------------------------------------------------------------------------------------


def _reading(url: str, function: Callable[[Connection], T]) -> T:
    """Run in one transaction that sees one state."""

    async def run() -> T:
        database = await connect(url)
        try:
            return await database.read(function)
        finally:
            await database.close()

    return asyncio.run(run())


def _on(url: str, function: Callable[[Connection], T]) -> T:
    """Run on a connection that writes."""

    async def run() -> T:
        database = await connect(url)
        try:
            return await database.write(function)
        finally:
            await database.close()

    return asyncio.run(run())


def _demand_region(connection: Connection) -> str:
    """The kind of the database, once there is a region in it."""
    if not inspect(connection).has_table("region"):
        raise InputError("not a database of Skypact", where="store.url", found="no table 'region'")
    return connection.dialect.name


def _facts(connection: Connection, tell: Callable[[str], None]) -> dict[str, Any]:
    row = connection.execute(select(region.c.id, region.c.seq, region.c.leaves, region.c.notifications)).one()
    return {
        "tables": version(connection) or "",
        "region": bytes(row.id).hex(),
        "seq": row.seq,
        "leaves": row.leaves,
        "notifications": row.notifications,
        "root": root(connection, tell).hex(),
    }


def _go_on(connection: Connection, manifest: Manifest, tell: Callable[[str], None]) -> None:
    """Check what was restored against its manifest, and move its counters on."""
    with allow_commit(connection), connection.begin():
        for name, value in _facts(connection, tell).items():
            if value != getattr(manifest, name):
                raise InputError(
                    "the restored database is not what its manifest says",
                    where=f"{MANIFEST}: {name}",
                    found=value,
                    expected=getattr(manifest, name),
                )
        connection.execute(
            update(region).values(
                seq=manifest.seq + SKIP,
                notifications=min(manifest.notifications + SKIP, LAST_INDEX),
                stamp=secrets.token_bytes(STAMP_BYTES),  # the same region, and not the same history
            )
        )
        begun = connection.execute(select(func.coalesce(func.max(ledger_epoch.c.number), 0))).scalar_one()
        connection.execute(
            insert(ledger_epoch).values(
                number=begun + 1,
                begun_us=parse_instant(manifest.taken),
                why=f"restored from a backup of {manifest.taken}",
                witnessed=b"",
            )
        )


def _make(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _write(path: Path, data: bytes) -> None:
    _make(path)
    path.write_bytes(data)
    _settle(path)


def _settle(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in _blocks(stream):
            digest.update(block)
    return digest.hexdigest()


def _blocks(stream: Any) -> Iterator[bytes]:
    while block := stream.read(1 << 20):
        yield block
