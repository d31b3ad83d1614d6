"""Opening: what would lose an answered write, or is no database of this version, is refused by name."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from databases import END_SESSIONS, PASSWORD
from skypact.errors import InputError, Reason, Refused
from skypact.store import Store
from store_world import add, inside, whole

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Server


def _open(url: str, *, upgrade: bool = False) -> None:
    async def run() -> None:
        store = await Store.open(url, upgrade=upgrade)
        await store.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not the URL of a database"),
        ("no url at all", "not the URL of a database"),
        ("mysql://host/db", "no database of this kind"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///file::memory:?cache=shared", "in memory"),
        ("sqlite:///relative.db", "not an absolute path"),
        ("sqlite:////tmp/x.db?synchronous=NORMAL", "not durable"),
        ("sqlite:////tmp/x.db?synchronous=0", "not durable"),
        ("sqlite:////tmp/x.db?journal_mode=off", "journal_mode"),
        ("sqlite:////no/such/folder/x.db", "cannot be opened"),
        ("postgresql://user:hush@host", "no database is named"),
    ],
)
def test_urls_that_cannot_hold_are_refused(url: str, says: str) -> None:
    """A URL that is none, keeps nothing or is not durable is refused in words, and no password is in them."""
    with pytest.raises(InputError, match=says) as caught:
        _open(url, upgrade=True)
    assert "hush" not in str(caught.value)


def test_full_and_extra_are_durable(sqlite_url: str) -> None:
    """SQLite may be asked for more than the default durability."""
    assert inside(f"{sqlite_url}?synchronous=EXTRA", lambda store: store.write(add("a"))) == 1


def test_a_file_of_sqlite_is_made_for_its_owner_only(sqlite_url: str, tmp_path: Path) -> None:
    """What parties file is not for everybody on the machine to read."""
    inside(sqlite_url, lambda store: store.write(add("a")))
    assert (tmp_path / "skypact.db").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Some other file is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to look at" * 100, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(InputError, match="not a database of SQLite"):
        _open(f"sqlite:///{path}", upgrade=True)
    assert path.read_bytes() == before


def test_without_tables_it_says_what_to_run(empty_url: str) -> None:
    """A database without tables is refused unless it may be upgraded."""
    with pytest.raises(InputError, match="skypact db upgrade"):
        _open(empty_url)
    _open(empty_url, upgrade=True)
    _open(empty_url)


def test_somebody_elses_tables_are_left_alone(tmp_path: Path) -> None:
    """A database with other tables is refused, and gets none of ours."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE customers (id INTEGER)")
    other.close()
    with pytest.raises(InputError, match="not a database of Skypact"):
        _open(f"sqlite:///{path}", upgrade=True)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [
            ("customers",)
        ]
    other.close()


def test_a_database_of_a_newer_version_is_refused(empty_url: str) -> None:
    """What a newer Skypact made is neither opened nor upgraded."""

    async def mark(store: Store) -> None:
        def newer(tx: object) -> None:
            connection = tx.connection  # type: ignore[attr-defined]
            connection.execute(
                text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)")
            )
            connection.execute(text("DELETE FROM alembic_version"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))

        await store.write(newer)

    inside(empty_url, mark)
    for upgrade in (False, True):
        with pytest.raises(InputError, match="newer Skypact"):
            _open(empty_url, upgrade=upgrade)


def test_opening_twice_at_once_makes_one_region(empty_url: str) -> None:
    """Two that make the tables of a new database at the same time agree, and both open it."""

    async def run() -> set[bytes]:
        stores = await asyncio.gather(*(Store.open(empty_url, upgrade=True) for _ in range(4)))
        regions = {await store.read(lambda tx: tx.region) for store in stores}
        for store in stores:
            await store.close()
        return regions

    assert len(asyncio.run(run())) == 1


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_commits_is_refused(
    postgres_server: Server, postgres_url: str, setting: str
) -> None:
    """PostgreSQL with ``fsync`` or ``full_page_writes`` off is refused, and the text names the setting."""
    _open(postgres_url, upgrade=True)
    postgres_server.execute(f"ALTER SYSTEM SET {setting} = off")
    try:
        _reload(postgres_server, setting, "off")
        with pytest.raises(InputError, match=f"not durable.*|{setting}") as caught:
            _open(postgres_url)
        assert setting in str(caught.value)
        assert PASSWORD not in str(caught.value)
    finally:
        postgres_server.execute(f"ALTER SYSTEM RESET {setting}")
        _reload(postgres_server, setting, "on")
    _open(postgres_url)


def test_a_database_that_commits_without_waiting_is_refused(
    postgres_server: Server, postgres_url: str
) -> None:
    """``synchronous_commit`` off is refused wherever it is set, be it for the one database or in the URL."""
    _open(postgres_url, upgrade=True)
    name = postgres_url.rpartition("/")[2]
    postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(InputError, match="synchronous_commit"):
        _open(postgres_url)
    postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = local")
    _open(postgres_url)


def test_a_server_that_turns_undurable_is_noticed_by_the_next_connection(
    postgres_server: Server, postgres_url: str
) -> None:
    """A setting that changes under an open store refuses writes once a connection is made anew."""
    name = postgres_url.rpartition("/")[2]

    async def story(store: Store) -> None:
        await store.write(add("a"))
        await asyncio.to_thread(
            postgres_server.execute, f"ALTER DATABASE {name} SET synchronous_commit = off"
        )
        await asyncio.to_thread(
            postgres_server.execute,
            END_SESSIONS,
            database=name,
        )
        for refused in (store.write(add("b")), store.read(whole)):
            with pytest.raises(Refused, match="synchronous_commit") as caught:
                await refused
            assert caught.value.reason is Reason.UNAVAILABLE
        await asyncio.to_thread(postgres_server.execute, f"ALTER DATABASE {name} RESET synchronous_commit")
        assert await store.write(add("c")) == 2
        assert await store.read(whole) == 2

    inside(postgres_url, story)


def test_a_server_that_is_not_there_may_come(postgres_url: str) -> None:
    """Where nobody listens, or no database of the name is, it is UNAVAILABLE, told without the password."""
    for url in (postgres_url + "_not", postgres_url.replace(postgres_url.rsplit(":", 1)[1], "1/x")):
        with pytest.raises(Refused, match="cannot be reached") as caught:
            _open(url)
        assert caught.value.reason is Reason.UNAVAILABLE
        assert PASSWORD not in str(caught.value)


def test_a_wrong_password_is_told_without_it(postgres_url: str) -> None:
    """A login that fails names the address and never the password."""
    with pytest.raises((InputError, Refused), match="store") as caught:
        _open(postgres_url.replace(PASSWORD, "hush-hush"))
    assert "hush-hush" not in str(caught.value)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    """A read-only file is refused at once, not at the first write."""
    _open(sqlite_url, upgrade=True)
    (tmp_path / "skypact.db").chmod(0o400)
    with pytest.raises(InputError, match="cannot be opened"):
        _open(sqlite_url)


def _reload(server: Server, setting: str, value: str) -> None:
    server.execute("SELECT pg_reload_conf()")
    until = time.monotonic() + 10
    while server.execute(f"SHOW {setting}")[0][0] != value:
        assert time.monotonic() < until
        time.sleep(0.02)
