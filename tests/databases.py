"""Databases for tests: a file of SQLite, and a PostgreSQL of our own that lives as long as the test run.

Fixtures, for every suite: ``postgres_server`` (a :class:`Server`, one a worker), ``postgres_url`` and
``sqlite_url`` (a fresh, empty database), ``empty_url`` (each test twice: empty ones of both kinds),
``store_url`` (the same with the tables made: a copy of a database that the product made once, for a tenth of
what making the tables costs). Without PostgreSQL its tests are skipped, and the run says so; with
``SKYPACT_NEED_POSTGRES=1`` they fail instead.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "skypact"
PASSWORD = "skypact-of-tests"  # noqa: S105 -- of a database that lives for a test run, on loopback
END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
"""A statement that ends every other session of the database that it is run in."""
_ROOM_BYTES = 4 * 2**30
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def binaries() -> Path | None:
    """Where the newest PostgreSQL server on this machine is, 15 or later; None where there is none."""
    found = [
        (int(folder.parent.name), folder)
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if folder.parent.name.isdecimal() and int(folder.parent.name) >= 15 and (folder / "initdb").exists()
    ]
    if found:
        return max(found)[1]
    beside = shutil.which("initdb")
    return Path(beside).resolve().parent if beside else None


class Server:
    """A PostgreSQL cluster in a folder of its own, on a free port of loopback; durable, as it comes."""

    def __init__(self, folder: Path) -> None:
        found = binaries()
        if found is None:
            raise RuntimeError("there is no PostgreSQL here")
        self._binaries = found
        self._folder = folder
        self._data = folder / "data"
        self._made = ""
        self._who: dict[str, Any] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            try:
                entry = pwd.getpwnam("postgres")
            except KeyError:
                entry = pwd.getpwnam("nobody")
            self._who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        subprocess.run(
            [
                found / "initdb",
                "--pgdata",
                self._data,
                "--username",
                USER,
                "--pwfile",
                secret,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **self._who,
        )
        self.start()

    def url(self, database: str) -> str:
        """What ``Store.open`` takes."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [
                self._binaries / "postgres",
                "-D",
                self._data,
                "-k",
                self._folder,
                "-p",
                str(self.port),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "shared_buffers=32MB",
                "-c",
                "max_connections=80",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self._folder,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 -- one call into libc, so that none outlives a killed run
            **self._who,
        )
        log.close()
        until = time.monotonic() + 60.0
        while True:
            try:
                self.execute("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if time.monotonic() > until or self._process.poll() is not None:
                    text = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"PostgreSQL does not start:\n{text[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends all sessions, SIGQUIT is as if the power failed."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def execute(self, statement: str, *, database: str = "postgres") -> list[Any]:
        """Run one statement in a session of its own; returns its rows. Must not be called inside a loop."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.url(database), timeout=10)
            try:
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        return asyncio.run(run())

    def create(self, *, tables: bool = False) -> str:
        """A new database, empty or with the tables of the store; returns its URL."""
        name = f"test_{secrets.token_hex(6)}"
        if tables and not self._made:
            made = self.create()
            asyncio.run(_make_tables(made))
            self._made = made.rpartition("/")[2]
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {self._made}" if tables else ""))
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")


async def _make_tables(url: str) -> None:
    """Make the tables, as the product does."""
    await (await Store.open(url, upgrade=True)).close()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, int(signal.SIGINT))


def _room() -> Path | None:
    """Memory for the cluster, where there is enough: processes die in tests, the machine does not.

    A database is made in a third of the time that it takes on a disk that has to be waited for.
    """
    memory = Path("/dev/shm")  # noqa: S108 -- what a folder of its own is made in
    try:
        return memory if shutil.disk_usage(memory).free > _ROOM_BYTES else None
    except OSError:
        return None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The PostgreSQL of this run; skips, loudly, where none is installed."""
    if binaries() is None:
        text = (
            "NO POSTGRESQL 15+ ON THIS MACHINE: half of the store is not tested (apt-get install postgresql)"
        )
        if os.environ.get("SKYPACT_NEED_POSTGRES"):
            pytest.fail(text)
        pytest.skip(text)
    folder = Path(tempfile.mkdtemp(prefix="skypact-pg-", dir=_room()))
    try:
        server = Server(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite database, whose file is not there yet."""
    return f"sqlite:///{tmp_path / 'skypact.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database, of each kind in turn."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture(scope="session")
def _sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a database whose tables are made."""
    path = tmp_path_factory.mktemp("tables") / "skypact.db"
    asyncio.run(_make_tables(f"sqlite:///{path}"))
    return path.read_bytes()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database whose tables are made, of each kind in turn."""
    if request.param == "sqlite":
        path = tmp_path / "skypact.db"
        path.write_bytes(request.getfixturevalue("_sqlite_with_tables"))
        yield f"sqlite:///{path}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    url = server.create(tables=True)
    yield url
    server.drop(url)
