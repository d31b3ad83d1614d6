"""From no tables, or older ones, to those of this version.

Law: every database is made by the same steps, those of ``migrations/versions``, in one transaction, by one
process at a time. There is no way back: a downgrade would have to forget what the newer tables know; restore
a backup instead. What is opened without ``upgrade`` is exactly of this version, or refused.

How it works. Steps are numbered in one line, and a step's number begins its name (``v0001_….py``), so that
one row says whether there is anything to do. Alembic is loaded where there is: it costs a fifth of a second,
which the start of a node whose tables are up to date need not pay.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, column, insert, inspect, table, text

from skypact.errors import InputError
from skypact.store.batch import allow_commit
from skypact.store.schema import metadata, region
from skypact.store.tx import STAMP_BYTES

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory
    from sqlalchemy import Connection

FOLDER: Final = Path(__file__).parent / "migrations"
"""Where the steps are."""
_LOCK: Final = 0x736B7970616374
"""PostgreSQL's advisory lock of those who upgrade: "skypact", in ASCII."""
_VERSION: Final = table("alembic_version", column("version_num", String))
"""Alembic's own table: one row, the step that the database is at."""


def newest(folder: Path = FOLDER) -> str | None:
    """The number of the newest step; None where there is no step yet."""
    return max(
        (path.name[1:5] for path in (folder / "versions").glob("v[0-9][0-9][0-9][0-9]*.py")), default=None
    )


def script(folder: Path = FOLDER) -> ScriptDirectory:
    """The steps there are, as alembic has them."""
    from alembic.script import ScriptDirectory

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
        head = newest(folder)
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
        if found != head:
            steps = script(folder)
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
                    "forgotten": 0,
                    "stamp": secrets.token_bytes(STAMP_BYTES),
                },
            )


def demand(connection: Connection, *, name: str) -> None:
    """Check that the tables are exactly those of this version.

    Raises
    ------
    InputError
        They are older, newer, or there are none; the text says what to do.
    """
    head = newest()
    found = version(connection)
    if found != head:
        _known(script(), found)
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
    if not inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.execute(_VERSION.select()).scalar()
    return found


def _known(steps: ScriptDirectory, found: str | None) -> None:
    if found is None:
        return
    from alembic.util.exc import CommandError

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
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    def to_head(found: Any, _context: Any) -> Any:
        return steps._upgrade_revs("head", found)  # noqa: SLF001 -- what alembic.command.upgrade itself calls

    with EnvironmentContext(Config(), steps, fn=to_head) as environment:
        environment.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        environment.run_migrations()
