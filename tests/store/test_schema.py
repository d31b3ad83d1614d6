"""The tables: the steps lead to exactly what ``schema.py`` says, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, text

from skypact.store import Store
from skypact.store.batch import allow_commit
from skypact.store.databases import connect
from skypact.store.schema import metadata
from skypact.store.upgrade import newest, script, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest
    from sqlalchemy import Connection

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def _on(url: str, *functions: Callable[[Connection], Any]) -> list[Any]:
    async def run() -> list[Any]:
        database = await connect(url, create=True)
        try:
            return [await database.write(function) for function in functions]
        finally:
            await database.close()

    return asyncio.run(run())


@contextlib.contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    with allow_commit(connection), connection.begin():
        yield


def _create_all(connection: Connection) -> None:
    with _transaction(connection):
        metadata.create_all(connection)


def _drop_all(connection: Connection) -> None:
    with _transaction(connection):
        metadata.drop_all(connection)


def _catalogue(connection: Connection) -> set[tuple[str, ...]]:
    """Everything that the database itself knows of its tables, columns, constraints and indices."""
    with _transaction(connection):
        if connection.dialect.name == "sqlite":
            rows = connection.execute(
                text("SELECT tbl_name, type, sql FROM sqlite_master WHERE sql IS NOT NULL")
            )
            found: set[tuple[str, ...]] = {
                (str(table), str(sort), line.strip().rstrip(","))
                for table, sort, sql in rows
                for line in sql.splitlines()
            }
        else:
            found = {
                tuple(map(str, row))
                for query in (_COLUMNS, _CONSTRAINTS, _INDICES)
                for row in connection.execute(text(query))
            }
    return {row for row in found if row[0] != "alembic_version"}


_COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default "
    "FROM information_schema.columns WHERE table_schema = 'public'"
)
_CONSTRAINTS = (
    "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace"
)
_INDICES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"


def test_the_steps_lead_to_the_metadata(empty_url: str) -> None:
    """A database made by opening it has the tables, constraints and indices of the metadata, and no other."""
    stepped, _, created = _on(empty_url, _stepped, _drop_all, _created)
    assert stepped == created
    assert len(created) > 100


def _stepped(connection: Connection) -> set[tuple[str, ...]]:
    upgrade(connection)
    return _catalogue(connection)


def _created(connection: Connection) -> set[tuple[str, ...]]:
    _create_all(connection)
    return _catalogue(connection)


def test_a_generated_step_makes_the_same(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tool writes from the metadata makes the metadata's tables, and nothing is left to do."""
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.delitem(sys.modules, "new_migration", raising=False)
    new_migration: Any = importlib.import_module("new_migration")

    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    first = new_migration.write("the first tables", folder)
    assert first is not None
    assert first.name == "v0001_the_first_tables.py"
    assert new_migration.write("once more", folder) is None
    assert newest(folder) == script(folder).get_current_head() == "0001"

    def generated(connection: Connection) -> set[tuple[str, ...]]:
        upgrade(connection, folder)
        return _catalogue(connection)

    stepped, _, created = _on(empty_url, generated, _drop_all, _created)
    assert stepped == created


def test_the_newest_step_is_what_alembic_takes_for_the_head() -> None:
    """The number of the last file is the head of the one line of steps."""
    steps = script()
    assert steps.get_heads() == ([] if newest() is None else [newest()])
    assert newest() == steps.get_current_head()


def test_an_upgrade_that_fails_leaves_the_older_tables(empty_url: str, tmp_path: Path) -> None:
    """A step that fails half way is undone as a whole, and the database is still what it was."""
    folder = tmp_path / "migrations"
    versions = folder / "versions"
    versions.mkdir(parents=True)
    first = _step("'0001'", "None", "CREATE TABLE region (one INT)")
    broken = _step("'0002'", "'0001'", "CREATE TABLE half (a INT)")
    (versions / "v0001.py").write_text(first + "    raise OSError('power')\n", encoding="utf-8")

    def tables(connection: Connection) -> list[str]:
        with _transaction(connection):
            return inspect(connection).get_table_names()

    def fails(connection: Connection) -> str:
        try:
            upgrade(connection, folder)
        except OSError as error:
            return str(error)
        return "did not fail"

    assert _on(empty_url, fails, tables) == ["power", []]
    (versions / "v0001.py").write_text(first, encoding="utf-8")
    (versions / "v0002.py").write_text(broken + "    raise OSError('again')\n", encoding="utf-8")
    assert _on(empty_url, fails, tables) == ["again", []]


def _step(revision: str, down: str, statement: str) -> str:
    return (
        f'"""A step."""\nfrom alembic import op\nrevision, down_revision = {revision}, {down}\n'
        f"def upgrade():\n    op.execute({statement!r})\n"
    )


def test_opening_does_not_upgrade_unasked(empty_url: str) -> None:
    """A database that is of this version is opened as it is, with ``upgrade`` or without."""

    async def run() -> tuple[bytes, bytes]:
        regions = []
        for upgraded in (True, False, True):
            store = await Store.open(empty_url, upgrade=upgraded)
            regions.append(await store.read(lambda tx: tx.region))
            await store.close()
        return regions[0], regions[-1]

    first, last = asyncio.run(run())
    assert first == last
