"""Looking, pruning, backing up and restoring: what is damaged is seen, what returns is whole."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

import skypact.store.backup
from databases import PASSWORD
from skypact.errors import InputError, UsageError
from skypact.store import Store, Tx, outbox
from skypact.store.backup import SKIP, backup, read_manifest, restore
from skypact.store.examine import Examination, examine
from skypact.store.prune import BATCH, SECTIONS, prune
from store_world import add, inside, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from databases import Server

SECOND = 1_000_000
T0 = 1_500_000_000 * SECOND


def _quiet(_text: str) -> None:
    """Nobody waits."""


def _message(n: int, *, lane: str = "lane") -> Callable[[Tx], int]:
    return lambda tx: tx.out(
        party="uss2",
        to="https://uss2.example/",
        method="POST",
        scope="s",
        body=b"{}",
        topic="notification",
        ref=lane,
        order_key=lane,
        now_us=T0 + n,
        not_after_us=T0 + 3_600 * SECOND,
    )


async def _fill(store: Store, many: int = 30) -> None:
    await asyncio.gather(*(store.write(add(f"w{n}")) for n in range(many)))
    for n in range(3):
        await store.write(_message(n))
    await store.write(Tx.next_index)


def _looked(url: str) -> Examination:
    async def story(store: Store) -> Examination:
        return await store.read(lambda tx: examine(tx.connection, _quiet))

    return inside(url, story, make=False)


@pytest.fixture
def url(store_url: str) -> str:
    """A database with something in it."""
    inside(store_url, _fill)
    return store_url


def test_a_sound_database_has_no_fault(url: str) -> None:
    """What Skypact wrote is found sound, and what there is is told."""
    found = _looked(url)
    assert found.faults == []
    facts = "\n".join(found.facts)
    assert "ledger: 30 leaves, root " in facts
    assert "outbox: 3 messages wait" in facts
    assert "1 of 2147483647" in facts


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE leaf SET content = salt WHERE position = 7", "leaf 7 (test.thing) does not have the hash"),
        ("UPDATE leaf SET ref = 'other' WHERE position = 0", "leaf 0 (test.thing) does not have the hash"),
        ("UPDATE leaf SET kind = 'No Kind' WHERE position = 3", "leaf 3: kind: not a kind"),
        ("DELETE FROM leaf WHERE position IN (4, 5)", "leaves 4 to 5 are missing"),
        ("DELETE FROM leaf WHERE position = 29", "leaves 29 to 29 are missing at the end"),
        ("UPDATE leaf SET seq = 1 WHERE position = 9", "leaf 9 is of write 1, after one of write"),
        ("UPDATE leaf SET seq = 999 WHERE position = 29", "leaf is of write 999"),
        ("UPDATE region SET leaves = 10", "leaf goes up to 29, and the region counts to 9"),
        ("UPDATE region SET messages = 1", "outbox goes up to 3, and the region counts to 1"),
        ("UPDATE region SET seq = 3", "the region counts"),
        ("DELETE FROM waiting WHERE message = 2", "message 2 waits in no lane"),
        (
            "UPDATE outbox SET state = 'delivered', ended_us = 1 WHERE id = 3",
            "message 3 has ended, and waits",
        ),
        ("DELETE FROM lane", "lane 'lane' has messages, and is not known"),
    ],
)
def test_each_damage_is_seen_and_named(url: str, damage: str, says: str) -> None:
    """A leaf that was changed, moved or taken away, a counter behind, a message that is lost: all told."""
    found = _damaged(url, damage)
    assert any(says in fault for fault in found.faults), found.faults


def _damaged(url: str, damage: str) -> Examination:
    """Do something that no store does, behind its back, and look."""
    from skypact.store.batch import allow_commit
    from skypact.store.databases import connect

    async def harm() -> None:
        database = await connect(url)

        def work(connection: Any) -> None:
            with allow_commit(connection), connection.begin():
                connection.execute(text(damage))

        await database.write(work)
        await database.close()

    asyncio.run(harm())
    return _looked(url)


def test_a_redacted_leaf_is_no_fault_and_changes_no_root(url: str) -> None:
    """Without content and salt a leaf keeps its hash, the root stays, and they are counted."""
    before = next(fact for fact in _looked(url).facts if fact.startswith("ledger")).split("root ")[1]
    found = _damaged(url, "UPDATE leaf SET content = NULL, salt = NULL WHERE position IN (1, 2)")
    assert found.faults == []
    assert f"ledger: 30 leaves, 2 redacted, root {before}" in found.facts


def test_a_torn_file_of_sqlite_is_seen(sqlite_url: str, tmp_path: Path) -> None:
    """A page that the disk has lost is found by the database's own check."""
    inside(sqlite_url, lambda store: _fill(store, 300))
    path = tmp_path / "skypact.db"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 16] = b"\xa5" * 16
    path.write_bytes(data)
    found = _looked(sqlite_url)
    assert found.faults
    assert all(("SQLite: " in fault) or ("malformed" in fault) for fault in found.faults)


def test_notification_indices_that_run_out_are_remarked_in_time(url: str) -> None:
    """From four fifths of the indices on it is a remark, and no fault."""
    found = _damaged(url, "UPDATE region SET notifications = 1800000000")
    assert found.faults == []
    assert any("84% of the notification indices" in remark for remark in found.remarks)


def test_pruning_removes_what_ended_before_and_nothing_else(store_url: str) -> None:
    """Messages that ended longer ago than they are kept go, with their attempts; others stay."""

    async def story(store: Store) -> None:
        many = BATCH + 50

        def crowd(tx: Tx) -> None:
            for n in range(many):
                _message(0, lane=f"lane{n}")(tx)
            for message in outbox.take(tx, now_us=T0, lease_us=SECOND, limit=many - 5):
                outbox.delivered(tx, message, now_us=T0 + message.id, took_us=1, status=204)

        await store.write(crowd)
        told: list[tuple[str, int]] = []
        gone = await prune(
            store,
            SECTIONS,
            now_us=T0 + 60 * SECOND + many - 10,
            keep_us=60 * SECOND,
            tell=lambda name, count: told.append((name, count)),
        )
        assert gone["messages"] > BATCH
        assert [count for name, count in told if name == "messages"][:2] == [BATCH, gone["messages"]]
        assert gone["positions"] == gone["reports"] == 0
        left = await store.read(
            lambda tx: tx.connection.execute(text("SELECT state, ended_us FROM outbox")).all()
        )
        assert len(left) == many - gone["messages"]
        assert sum(row.state == "waiting" for row in left) == 5
        assert all(row.state == "waiting" or row.ended_us >= T0 + many - 10 for row in left)
        count = text("SELECT COUNT(*) FROM attempt WHERE message NOT IN (SELECT id FROM outbox)")
        assert await store.read(lambda tx: tx.connection.execute(count).scalar()) == 0
        assert (await store.read(lambda tx: examine(tx.connection, _quiet))).faults == []

    inside(store_url, story)


def _empty(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> str:
    if url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'restored.db'}"
    server: Server = request.getfixturevalue("postgres_server")
    return server.create()


def test_what_is_backed_up_comes_back(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> None:
    """A restored database has every row and leaf of the backup, goes on writing, and repeats no number."""
    folder, other = tmp_path / "backup", _empty(request, url, tmp_path)
    made = backup(url, folder, now_us=T0, tell=_quiet)
    assert made == read_manifest(folder)
    assert (made.leaves, made.notifications, made.taken) == (30, 1, "2017-07-14T02:40:00Z")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    inside(url, lambda store: store.write(add("later")), make=False)  # the backup is of before

    assert restore(other, folder, tell=_quiet) == made

    async def story(store: Store) -> None:
        assert await store.read(whole) == 30
        assert (await store.read(lambda tx: tx.region)).hex() == made.region
        assert await store.read(lambda tx: tx.seq) == made.seq + SKIP
        assert await store.write(Tx.next_index) == made.notifications + SKIP + 1
        assert await store.write(add("again")) == 31
        found = await store.read(lambda tx: examine(tx.connection, _quiet))
        assert found.faults == []
        taken = await store.write(lambda tx: outbox.take(tx, now_us=T0 + 9, lease_us=SECOND, limit=9))
        assert [message.id for message in taken] == [1]

    inside(other, story, make=False)


def test_a_backup_under_load_is_of_one_instant(
    request: pytest.FixtureRequest, url: str, tmp_path: Path
) -> None:
    """A backup taken while others write is whole, and they do not fail."""
    folder, other = tmp_path / "backup", _empty(request, url, tmp_path)

    async def story(store: Store) -> None:
        copying = asyncio.create_task(asyncio.to_thread(backup, url, folder, now_us=T0, tell=_quiet))
        while not copying.done():
            await asyncio.gather(*(store.write(add("busy")) for _ in range(5)))
        await copying

    inside(url, story, make=False)
    restore(other, folder, tell=_quiet)
    count = inside(other, lambda store: store.read(whole), make=False)
    assert count == read_manifest(folder).leaves >= 30


def test_a_backup_that_was_changed_is_not_restored(
    request: pytest.FixtureRequest, url: str, tmp_path: Path
) -> None:
    """One bit that flipped, a file that was cut, a manifest that lies: refused, and nothing made."""
    folder, other = tmp_path / "backup", _empty(request, url, tmp_path)
    made = backup(url, folder, now_us=T0, tell=_quiet)
    file = folder / made.file
    sound = file.read_bytes()
    flipped = bytearray(sound)
    flipped[len(flipped) // 2] ^= 1
    for damaged in (bytes(flipped), sound[:-1], b""):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match="not whole"):
            restore(other, folder, tell=_quiet)
    file.unlink()
    with pytest.raises(InputError, match="not whole"):
        restore(other, folder, tell=_quiet)
    file.write_bytes(sound)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": "another 9"}), encoding="utf-8")
    with pytest.raises(InputError, match="not a backup that is known"):
        restore(other, folder, tell=_quiet)
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not a backup of Skypact"):
        restore(other, folder, tell=_quiet)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    restore(other, folder, tell=_quiet)
    assert inside(other, lambda store: store.read(whole), make=False) == 30


def test_nothing_that_is_there_is_overwritten(url: str, tmp_path: Path) -> None:
    """A backup does not go into a folder that exists, a restore not into a database that has tables."""
    folder = tmp_path / "backup"
    backup(url, folder, now_us=T0, tell=_quiet)
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    with pytest.raises(UsageError, match="is there already"):
        backup(url, folder, now_us=T0, tell=_quiet)
    with pytest.raises(UsageError, match="where there is nothing"):
        restore(url, folder, tell=_quiet)
    assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before
    assert inside(url, lambda store: store.read(whole), make=False) == 30


def test_a_stale_log_beside_the_target_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    """A write-ahead log that was left behind would be read into the restored file: refused."""
    inside(sqlite_url, _fill)
    backup(sqlite_url, tmp_path / "backup", now_us=T0, tell=_quiet)
    (tmp_path / "new.db-wal").write_bytes(b"left behind")
    with pytest.raises(UsageError, match=r"new\.db-wal"):
        restore(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "backup", tell=_quiet)
    assert not (tmp_path / "new.db").exists()


def test_a_backup_of_the_other_kind_is_refused(postgres_url: str, sqlite_url: str, tmp_path: Path) -> None:
    """A backup of SQLite cannot become a database of PostgreSQL, and the text says so."""
    inside(sqlite_url, _fill)
    backup(sqlite_url, tmp_path / "backup", now_us=T0, tell=_quiet)
    with pytest.raises(UsageError, match="of sqlite"):
        restore(postgres_url, tmp_path / "backup", tell=_quiet)


def test_a_backup_that_fails_leaves_nothing(
    postgres_server: Server, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pg_dump, or when it fails, it is said, without the password, and nothing appears."""
    inside(postgres_url, _fill)
    assert postgres_server.port
    empty = tmp_path / "none"
    empty.mkdir()
    monkeypatch.setattr(skypact.store.backup, "_found", lambda _program: str(empty / "pg_dump"))
    with pytest.raises(InputError, match="cannot be run") as caught:
        backup(postgres_url, tmp_path / "backup", now_us=T0, tell=_quiet)
    assert PASSWORD not in str(caught.value)
    (empty / "pg_dump").write_text("#!/bin/sh\necho 'the server is on fire' >&2\nexit 1\n", encoding="utf-8")
    (empty / "pg_dump").chmod(0o755)
    with pytest.raises(InputError, match="on fire") as caught:
        backup(postgres_url, tmp_path / "backup", now_us=T0, tell=_quiet)
    assert PASSWORD not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["none"]
