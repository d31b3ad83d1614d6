"""From no tables, or older ones, to those of this version.

Law: every database is made by the same steps, those of ``migrations/versions``, in one transaction, by one
process at a time. There is no way back: a downgrade would have to forget what the newer tables know; restore
a backup instead. What is opened without ``upgrade`` is exactly of this version, or refused.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import insert, inspect, text

from skypact.errors import InputError
from skypact.store.batch import allow_commit
from skypact.store.schema import metadata, region

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER: Final = Path(__file__).parent / "migrations"
"""Where the steps are."""
_LOCK: Final = 0x736B7970616374
"""PostgreSQL's advisory lock of those who upgrade: "skypact", in ASCII."""


def script(folder: Path = FOLDER) -> ScriptDirectory:
    """The steps there are."""
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def upgrade(connection: Connection, folder: Path = FOLDER) -> None:
    """Bring the tables up to this version; makes the region where there is none. Commits.

    Raises
    ------
    InputError
        The database was made by a newer version, or holds tables of something else.
    """
    with allow_commit(connection), connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        steps = script(folder)
        head = steps.get_current_head()
        found = version(connection)
        if found is None:
            strangers = sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})
            if strangers and "region" not in strangers:
                raise InputError(
                    "not a database of Skypact",
                    where="store.url",
                    found=f"tables {', '.join(strangers[:5])}",
                    expected="an empty database, or one that Skypact made",
                )
        if head is None:
            metadata.create_all(connection)
        else:
            _known(steps, found)
            _run(connection, steps)
        if connection.execute(region.select()).first() is None:
            connection.execute(
                insert(region),
                {
                    "one": 1,
                    "id": secrets.token_bytes(16),
                    "seq": 0,
                    "leaves": 0,
                    "messages": 0,
                    "notifications": 0,
                },
            )


def demand(connection: Connection, *, name: str) -> None:
    """Check that the tables are exactly those of this version.

    Raises
    ------
    InputError
        They are older, newer, or there are none; the text says what to do.
    """
    steps = script()
    head = steps.get_current_head()
    found = version(connection)
    if found != head:
        _known(steps, found)
        raise InputError(
            "the tables are not of this version: run 'skypact db upgrade'",
            where=f"store.url ({name})",
            found=found or "no tables",
            expected=head,
        )
    if not inspect(connection).has_table("region"):
        raise InputError(
            "there are no tables yet: run 'skypact db upgrade'",
            where=f"store.url ({name})",
            found="no tables",
        )


def version(connection: Connection) -> str | None:
    """The step that the database is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def _known(steps: ScriptDirectory, found: str | None) -> None:
    if found is None:
        return
    try:
        steps.get_revision(found)
    except CommandError:
        raise InputError(
            "the database was made by a newer Skypact",
            where="store.url",
            found=found,
            expected=f"at most {steps.get_current_head()}; use that Skypact, or restore a backup",
        ) from None


def _run(connection: Connection, steps: ScriptDirectory) -> None:
    def to_head(found: Any, _context: MigrationContext) -> Any:
        return steps._upgrade_revs("head", found)  # noqa: SLF001 -- what alembic.command.upgrade itself calls

    from alembic.config import Config

    with EnvironmentContext(Config(), steps, fn=to_head) as environment:
        environment.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        environment.run_migrations()
