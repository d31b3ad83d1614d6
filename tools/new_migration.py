"""Write the next migration: what leads from the newest step to the tables of ``store/schema.py``.

    make migration NAME="what changes, in a few words"

Law: a step that was released is never changed; until then, delete it and make it anew. What is written is a
draft for a person: alembic sees tables, columns, types, indices and named constraints, but neither a renaming
(it drops and adds: rewrite it, or the data is gone) nor a changed CHECK or WHERE of an index (add those by
hand). ``tests/store/test_schema.py`` compares the result with the metadata on both databases, to the last
constraint.
"""

# ruff: noqa: INP001 -- a program, not a package
from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Final

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from skypact.store import upgrade
from skypact.store.schema import metadata

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = '''\
"""{title}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From {before} to {revision}."""
    {body}
'''


def write(name: str, folder: Path) -> Path | None:
    """Write the next step into a folder of steps; returns its path, or None where nothing changed."""
    steps = upgrade.script(folder)
    head = steps.get_current_head()
    with tempfile.TemporaryDirectory() as scratch:
        engine = create_engine(f"sqlite:///{scratch}/scratch.db", connect_args={"isolation_level": None})
        try:
            with engine.connect() as connection:
                if head is not None:
                    upgrade.upgrade(connection, folder)
                context = MigrationContext.configure(connection, opts={"compare_type": True})
                found = produce_migrations(context, metadata).upgrade_ops
        finally:
            engine.dispose()
    if not isinstance(found, UpgradeOps) or found.is_empty():
        return None
    body = render_python_code(found, sqlalchemy_module_prefix="sa.", render_as_batch=head is not None)
    body = re.sub(r"^    # .*\n?", "", body, flags=re.MULTILINE).strip()
    revision = f"{int(head or 0) + 1:04d}"
    path = folder / "versions" / f"v{revision}_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        _HEAD.format(
            title=name.rstrip(".").capitalize(),
            revision=revision,
            down=repr(head).replace("'", '"'),
            before=head or "nothing",
            body=body,
        ),
        encoding="utf-8",
    )
    ruff = [sys.executable, "-m", "ruff", "format", "--quiet", str(path)]
    subprocess.run(ruff, check=True)  # noqa: S603 -- our own tool
    return path


def main() -> int:
    """Write it beside the others."""
    name = " ".join(sys.argv[1:]).strip()
    if not name:
        sys.stderr.write('say what changes: make migration NAME="what changes, in a few words"\n')
        return 2
    path = write(name, upgrade.FOLDER)
    sys.stdout.write(f"{path}\n" if path is not None else "nothing changed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
