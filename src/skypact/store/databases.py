"""The two databases: how each is opened, what of it is refused, how a function runs on it.

Law: what is answered as written is on the disk. Open refuses a database that would not keep that promise, and
says which setting to mend; each new connection is looked at again, because settings change under a running
program. Both classes do the same three things (:class:`Database`); no other module knows which one it has.

SQLite: write-ahead log, ``synchronous=FULL``, one thread that writes (``BEGIN IMMEDIATE``) and a few that
read on connections of their own, which refuse writes. Its file must be on a local disk: the log needs shared
memory. Several processes may use one file; then they wait for each other by polling.

PostgreSQL 15 or newer through asyncpg: READ COMMITTED for writes, which begin by locking the region's row,
and REPEATABLE READ, READ ONLY for readings. A writer that hangs in a transaction is ended by the server
(:data:`IDLE_MS`), so that one frozen process does not stop all. No pooler between that shares sessions.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from skypact.errors import InputError, Reason, Refused
from skypact.store.batch import note_change, refuse_foreign_commit, transient

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

READERS: Final = 4
"""Readings at once, of one process; more wait."""
BUSY_S: Final = 2.0
"""How long SQLite waits for a writer in another process."""
LOCK_MS: Final = 4_000
"""How long PostgreSQL waits for the region's row."""
IDLE_MS: Final = 15_000
"""A transaction that does nothing for this long is ended by PostgreSQL."""
COMMAND_S: Final = 20.0
"""A statement that is not answered for this long counts as a lost connection."""
OLDEST: Final = 150_000
"""PostgreSQL 15, as ``server_version_num`` has it."""

_FORMS: Final = "sqlite:////absolute/path/skypact.db or postgresql://user:password@host:5432/database"


class NotDurable(InputError):  # noqa: N818 -- what the database is, not what went wrong
    """A setting under which an answered write may be lost, or nothing can be written at all."""


class Database(Protocol):
    """What the store needs of a database."""

    name: str
    """``sqlite`` or ``postgresql``."""

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Run on the writing connection. The function begins and commits."""

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run inside a transaction that sees one consistent state and cannot write."""

    async def close(self) -> None:
        """Wait for what runs, and let go of everything."""


async def connect(url: str, *, create: bool = False) -> Database:
    """The database at a URL, opened and found durable; ``create`` makes the file of SQLite.

    Raises
    ------
    InputError
        The URL is not one of the two forms, or the database has a setting that must be mended.
    Refused
        UNAVAILABLE: it cannot be reached now.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # never quoted: it may hold a password
        raise InputError("not the URL of a database", where="store.url", expected=_FORMS) from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        database: Sqlite | Postgres = Sqlite(parsed, create=create)
    elif kind in {"postgresql", "postgres"}:
        database = Postgres(parsed)
    else:
        raise InputError("no database of this kind is known", where="store.url", found=kind, expected=_FORMS)
    try:
        await database.prove()
    except BaseException:
        await database.close()
        raise
    return database


class Sqlite:
    """SQLite in a file."""

    name = "sqlite"

    def __init__(self, url: URL, *, create: bool = False) -> None:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise InputError(
                "a database in memory keeps nothing", where="store.url", found=str(url), expected=_FORMS
            )
        path = Path(url.database)
        if not path.is_absolute():
            raise InputError("not an absolute path", where="store.url", found=str(url), expected=_FORMS)
        options = dict(url.query)
        level = str(options.pop("synchronous", "FULL")).upper()
        if level not in {"FULL", "EXTRA", "2", "3"}:
            raise InputError(
                "not durable", where="store.url: synchronous", found=level, expected="FULL or EXTRA"
            )
        if options:
            raise InputError(
                "an option that SQLite does not have here",
                where="store.url",
                found=", ".join(sorted(options)),
                expected="none but synchronous",
            )
        self.path = path
        self._flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        self._synchronous = level
        address = URL.create("sqlite+pysqlite", database=str(path))
        arguments = {"timeout": BUSY_S, "isolation_level": None, "cached_statements": 512}
        self._writing = create_engine(
            address, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=arguments
        )
        self._reading = create_engine(
            address, poolclass=QueuePool, pool_size=READERS, max_overflow=0, connect_args=arguments
        )
        event.listen(self._writing, "connect", self._set_up)
        event.listen(self._writing, "begin", _begin_immediate)
        event.listen(self._writing, "commit", refuse_foreign_commit)
        event.listen(self._writing, "before_cursor_execute", note_change)
        event.listen(self._reading, "connect", self._set_up_reader)
        event.listen(self._reading, "begin", _begin)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="skypact-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="skypact-read")

    async def prove(self) -> None:
        """Open the file, or make it, readable for its owner only; raises what is not as it must be."""

        def look() -> None:
            try:
                handle = os.open(self.path, self._flags, 0o600)
            except FileNotFoundError as error:
                if self._flags & os.O_CREAT:
                    raise self._cannot_open(error) from None
                raise InputError(
                    "there is no database yet: run 'skypact db upgrade'",
                    where=str(self.path),
                    found="no file",
                ) from None
            except OSError as error:
                raise self._cannot_open(error) from None
            os.close(handle)
            try:
                with self._writing.connect():
                    pass
            except DBAPIError as error:
                if transient(error):
                    raise Refused(
                        Reason.UNAVAILABLE, "the database is busy", where=str(self.path), found=error.orig
                    ) from None
                raise InputError("not a database of SQLite", where=str(self.path), found=error.orig) from None

        await asyncio.get_running_loop().run_in_executor(self._writer, look)

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Run on the writing thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._writer, partial(_on, self._writing, function)
        )

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run on a reading thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._readers, partial(_inside, self._reading, function)
        )

    async def close(self) -> None:
        """End the threads; the last connection moves the log into the file."""

        def end() -> None:
            self._readers.shutdown()
            self._writer.shutdown()
            self._reading.dispose()
            self._writing.dispose()

        await asyncio.to_thread(end)

    def _cannot_open(self, error: OSError) -> InputError:
        return InputError(
            "the database file cannot be opened",
            where=str(self.path),
            found=error.strerror,
            expected="a file that may be read and written, in a directory that is there",
        )

    def _set_up(self, connection: sqlite3.Connection, _record: object) -> None:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise NotDurable(
                "SQLite cannot keep a write-ahead log here", where=str(self.path), found=mode, expected="wal"
            )
        for pragma in (
            f"synchronous={self._synchronous}",
            "fullfsync=ON",
            "checkpoint_fullfsync=ON",
            "foreign_keys=ON",
            "cache_size=-32768",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        level = connection.execute("PRAGMA synchronous").fetchone()[0]
        if level < 2:
            raise NotDurable(
                "not durable", where=f"{self.path}: synchronous", found=level, expected="2 (FULL) or more"
            )

    def _set_up_reader(self, connection: sqlite3.Connection, record: object) -> None:
        self._set_up(connection, record)
        connection.execute("PRAGMA query_only=ON")


class Postgres:
    """PostgreSQL at an address."""

    name = "postgresql"

    def __init__(self, url: URL) -> None:
        if not url.database:
            raise InputError("no database is named", where="store.url", found=str(url), expected=_FORMS)
        from sqlalchemy.ext.asyncio import create_async_engine  # a tenth of a second; SQLite needs none of it

        address = url.set(drivername="postgresql+asyncpg")
        self._where = f"store.url: {url.set(query={})!s}"  # str() hides the password
        settings = {
            "application_name": "skypact",
            "jit": "off",
            "lock_timeout": str(LOCK_MS),
            "idle_in_transaction_session_timeout": str(IDLE_MS),
            "timezone": "UTC",
        }
        arguments = {"timeout": 10.0, "command_timeout": COMMAND_S, "server_settings": settings}
        self._writing = create_async_engine(
            address,
            isolation_level="READ COMMITTED",
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args=arguments,
        )
        self._readers = create_async_engine(
            address,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=READERS,
            max_overflow=0,
            connect_args=arguments,
        )
        self._reading = self._readers.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        for engine in (self._writing, self._readers):
            event.listen(engine.sync_engine, "connect", self._set_up)
        event.listen(self._writing.sync_engine, "commit", refuse_foreign_commit)
        event.listen(self._writing.sync_engine, "before_cursor_execute", note_change)

    async def prove(self) -> None:
        """Connect once; raises what is not as it must be."""
        try:
            async with self._writing.connect():
                pass
        except (DBAPIError, OSError, TimeoutError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise Refused(
                Reason.UNAVAILABLE,
                "the database cannot be reached",
                where=self._where,
                found=str(cause) or type(cause).__name__,
            ) from None
        except Exception as error:
            if type(error).__module__.startswith("asyncpg"):
                raise InputError("the database refuses us", where=self._where, found=str(error)) from None
            raise

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Run on the writing connection; one that is lost is not used again."""
        return await _over(self._writing, function)

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run in a transaction of one of the reading connections."""
        try:
            return await _over(self._reading, partial(_begun, function=function))
        except PoolTimeout:
            raise Refused(Reason.UNAVAILABLE, "too many readings wait for the database") from None

    async def close(self) -> None:
        """Close every connection."""
        await self._writing.dispose()
        await self._readers.dispose()

    def _set_up(self, connection: Any, _record: object) -> None:
        row = connection.run_async(lambda driver: driver.fetchrow(_SETTINGS))
        wrong = [
            (name, row[name], "on")
            for name in ("fsync", "full_page_writes", "synchronous_commit")
            if row[name] == "off"
        ]
        if row["recovery"]:
            wrong.append(("pg_is_in_recovery()", "true", "false: a server that takes writes"))
        if int(row["version"]) < OLDEST:
            wrong.append(("server_version_num", row["version"], f"{OLDEST} or more"))
        if row["encoding"] != "UTF8":
            wrong.append(("server_encoding", row["encoding"], "UTF8"))
        for name, found, expected in wrong:
            raise NotDurable(
                "not durable" if expected == "on" else "not usable",
                where=f"{self._where}: {name}",
                found=found,
                expected=expected,
            )


_SETTINGS: Final = (
    "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes, "
    "current_setting('synchronous_commit') AS synchronous_commit, pg_is_in_recovery() AS recovery, "
    "current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding"
)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _on(engine: Engine, function: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        return function(connection)


def _inside(engine: Engine, function: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        return _begun(connection, function=function)


def _begun(connection: Connection, *, function: Callable[[Connection], T]) -> T:
    with connection.begin() as transaction:
        try:
            return function(connection)
        finally:
            if transaction.is_active:
                transaction.rollback()


async def _over(engine: AsyncEngine, function: Callable[[Connection], T]) -> T:
    async with engine.connect() as connection:
        try:
            return await connection.run_sync(function)
        except BaseException as error:
            if not isinstance(error, Exception) or transient(error):
                await connection.invalidate()
            raise
