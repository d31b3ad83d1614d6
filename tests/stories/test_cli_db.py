"""``skypact db``: a database from nothing through a backup to another, as a person at a terminal does it."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from databases import PASSWORD
from shell import skypact
from skypact.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Server


def test_a_database_from_nothing_to_another(
    request: pytest.FixtureRequest, store_url: str, tmp_path: Path
) -> None:
    """Upgrade, check, prune, backup, restore, check: each says what it did, and no password."""
    if store_url.startswith("sqlite"):
        other = f"sqlite:///{tmp_path / 'other.db'}"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        other = server.create()
    said = []
    for arguments in (
        ("upgrade", "--store", store_url),
        ("upgrade", "--store", store_url),
        ("check", "--store", store_url),
        ("prune", "--store", store_url, "--keep", "1h"),
        ("backup", tmp_path / "backup", "--store", store_url),
        ("restore", tmp_path / "backup", "--store", other),
        ("check", "--store", other),
    ):
        ended = skypact("db", *arguments)
        assert ended.status == 0, ended
        assert PASSWORD not in ended.out + ended.err
        said.append(ended.out)
    assert said[0] == said[1]
    assert "No fault was found." in said[2]
    assert "0 removed: messages" in said[3]
    region = said[0].split()[-1]
    assert all(region in said[k] for k in (2, 4, 5, 6))


def test_a_fault_is_status_1_and_named(tmp_path: Path) -> None:
    """``check`` of a database that somebody changed names the fault on standard error, with status 1."""
    path = tmp_path / "skypact.db"

    async def make() -> None:
        store = await Store.open(f"sqlite:///{path}", upgrade=True)
        await store.write(lambda tx: tx.append("test.thing", "", b"as it was"))
        await store.close()

    asyncio.run(make())
    with sqlite3.connect(path) as hand:
        hand.execute("UPDATE leaf SET content = CAST('as it never was' AS BLOB)")
    hand.close()
    ended = skypact("db", "check", "--data", tmp_path)
    assert ended.status == 1
    assert "skypact: fault: leaf 0 (test.thing) does not have the hash that it was given" in ended.err
    assert "No fault" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check",), "no skypact.toml here"),
        (("check", "--config", "missing.toml"), "missing.toml: no such file"),
        (("look",), "invalid choice: 'look'"),
        (("backup", "--data", "."), "needs a FOLDER"),
        (("check", "folder", "--data", "."), "takes no FOLDER"),
        (("check", "--data", ".", "--keep", "1h"), "--keep is an option of 'skypact db prune'"),
        (("check", "--data", "."), "run 'skypact db upgrade'"),
        (("check", "--store", "sqlite:///x.db"), "not an absolute path"),
        (("restore", "nothing", "--data", "."), "not a backup of Skypact"),
        (("check", "--data", ".", "--store", "sqlite:////x.db"), "not allowed with"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    """Bad usage, and databases and backups that are not there, are told in one line; nothing is made."""
    ended = skypact("db", *arguments, cwd=tmp_path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("skypact: error: ")
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_says_which_database(tmp_path: Path) -> None:
    """``skypact.toml`` in the current folder names the database; paths in it are seen from there."""
    path = tmp_path / "elsewhere.db"
    (tmp_path / "skypact.toml").write_text(f'[store]\nurl = "sqlite:///{path}"\n', encoding="utf-8")
    ended = skypact("db", "upgrade", cwd=tmp_path)
    assert ended.status == 0, ended
    assert path.exists()
    assert skypact("db", "check", "--quiet", cwd=tmp_path).out == ""
