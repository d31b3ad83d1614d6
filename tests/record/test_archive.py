"""The record as a folder: static files that prove it, say nothing, and cannot be changed unseen."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from record_world import KEY, T0, fill, quiet, told
from skypact import seal
from skypact.desk.archive import CHECKPOINT, Verified, export, subtrees, verify
from skypact.errors import InputError
from skypact.record import checkpoint, note, tree
from skypact.record.checkpoint import Policy, Relation
from skypact.store import Store

if TYPE_CHECKING:
    from skypact.desk.record import Record

SIZE = 66_000


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with 600 leaves of which one is erased, its export, its contents and its key."""
    folder = tmp_path_factory.mktemp("exported")
    url = f"sqlite:///{folder / 'skypact.db'}"

    async def make() -> None:
        await (await Store.open(url, upgrade=True)).close()

    async def story(store: Store, record: Record) -> None:
        await fill(store, 599)
        await record.erase(42, "asked for", T0)
        row, key = await record.checkpoint(T0), await record.log_key()
        (folder / "key").write_text(key.text, encoding="ascii")
        many = await export(store, row, folder / "out", Policy(key), bodies=folder / "bodies", tell=quiet)
        assert many == 8

    asyncio.run(make())
    told(url, story)
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def policy_of(folder: Path) -> Policy:
    """Whom the one who verifies it believes."""
    return Policy(note.verifier_key((folder / "key").read_text(encoding="ascii")))


def looked(folder: Path) -> Verified:
    """The export, verified with its contents."""
    return verify(folder / "out", policy_of(folder), bodies=folder / "bodies", tell=quiet)


def test_an_export_is_verified_from_its_files_alone(exported: Path) -> None:
    """Every entry, the tree and the signature; and the contents, where they are given."""
    found = looked(exported)
    assert (found.trusted.checkpoint.size, found.bodies, found.erased) == (600, 599, 1)
    bare = verify(exported / "out", policy_of(exported), tell=quiet)
    assert (bare.bodies, bare.erased) == (0, 0)


def test_the_files_are_those_of_tlog_tiles_and_say_nothing(exported: Path) -> None:
    """Their names are the specification's, and no word of a leaf is in any of them."""
    out = exported / "out"
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ]
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"thing" not in everything
    assert (exported / "bodies").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "name",
    ["checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "bodies"],
)
def test_a_change_of_any_file_is_seen(folder: Path, name: str) -> None:
    """A byte changed, cut off or added, and a file that is gone: each is a fault that names the file."""
    path = folder / name if name == "bodies" else folder / "out" / name
    whole = path.read_bytes()
    place = str(Path(name).name)
    at = len(whole) // 2
    for wrong in (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[:-1], whole + b"x", b""):
        path.write_bytes(wrong)
        with pytest.raises(InputError) as caught:
            looked(folder)
        assert place in str(caught.value)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read; found 'No such file or directory'"):
        looked(folder)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"position": 7, "erased": True, "kind": "x"}, None),
        ({"position": 8}, "bodies:8: not the contents of the next leaf; found 8; expected position 7"),
        ({"position": 7}, "bodies:8: kind: not a kind of leaf"),
        ({"position": 7, "more": 1}, "bodies:8: not the contents of a leaf"),
        ({"position": "7"}, "bodies:8: not the contents of a leaf"),
    ],
)
def test_contents_that_are_not_of_the_leaf_are_refused(
    folder: Path, line: dict[str, object], says: str | None
) -> None:
    """The line is named; one that says that it was erased claims nothing, and is counted as such."""
    lines = (folder / "bodies").read_text(encoding="utf-8").splitlines()
    lines[7] = json.dumps(line)
    (folder / "bodies").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if says is None:
        assert looked(folder).erased == 2
        return
    with pytest.raises(InputError) as caught:
        looked(folder)
    assert says in str(caught.value)


def test_contents_of_another_leaf_are_refused(folder: Path) -> None:
    """Words changed, salt kept: the entry is of others."""
    text = (folder / "bodies").read_text(encoding="utf-8")
    (folder / "bodies").write_text(text.replace('"thing/3"', '"thing/4"', 1), encoding="utf-8")
    with pytest.raises(InputError, match="bodies:4: not what the entry commits to"):
        looked(folder)


def test_entries_of_another_log_do_not_fit_under_a_checkpoint(folder: Path) -> None:
    """Files that agree with each other and not with what was signed are refused at the root."""
    head = checkpoint.Checkpoint(policy_of(folder).log.name, 600, bytes(32))
    signed = checkpoint.signed(head, note.sign(head.text, head.origin, KEY))
    (folder / "out" / CHECKPOINT).write_bytes(signed.encode())
    with pytest.raises(InputError, match="the entries have another root than the checkpoint"):
        looked(folder)


def test_an_export_is_gone_on_with_and_never_changed(store_url: str, tmp_path: Path) -> None:
    """What came is added, what was there stays to the byte, and the two checkpoints are of one log."""
    out = tmp_path / "out"

    async def story(store: Store, record: Record) -> None:
        policy = Policy(await record.log_key())
        await fill(store, 300)
        first = await record.checkpoint(T0)
        await export(store, first, out, policy, bodies=None, tell=quiet)
        before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        verify(out, policy, tell=quiet)
        assert await export(store, first, out, policy, bodies=None, tell=quiet) == 1
        await fill(store, 400, first=300)
        second = await record.checkpoint(T0 + 1)
        await export(store, second, out, policy, bodies=None, tell=quiet)
        found = verify(out, policy, tell=quiet)
        assert found.trusted.checkpoint.size == 700
        assert {path for path, data in before.items() if path.read_bytes() != data} == {out / CHECKPOINT}
        size, read = subtrees(out, policy)
        old = policy.trust(note.parse(first.note))
        path = tree.consistency(300, size, read)
        assert checkpoint.relation(old, found.trusted, path) is Relation.GROWN
        with pytest.raises(InputError, match="the folder holds more than there is; found '700 leaves'"):
            await export(store, first, out, policy, bodies=None, tell=quiet)

    told(store_url, story)


def test_an_export_that_was_cut_short_is_gone_on_with(store_url: str, tmp_path: Path) -> None:
    """Without its checkpoint, and with a file that is half there beside its place, it becomes whole."""
    out = tmp_path / "out"

    async def story(store: Store, record: Record) -> None:
        policy = Policy(await record.log_key())
        await fill(store, 300)
        row = await record.checkpoint(T0)
        await export(store, row, out, policy, bodies=None, tell=quiet)
        (out / CHECKPOINT).unlink()
        (out / "tile/0/001.p/44").rename(out / "tile/0/001.p/.44.part")
        assert await export(store, row, out, policy, bodies=None, tell=quiet) == 2
        assert verify(out, policy, tell=quiet).trusted.checkpoint.size == 300

    told(store_url, story)


def test_what_is_somebody_else_s_is_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    """Other files, another log's export, another history, and a file of contents that is there."""

    async def make() -> None:
        await (await Store.open(sqlite_url, upgrade=True)).close()

    async def story(store: Store, record: Record) -> None:
        key = await record.log_key()
        policy = Policy(key)
        await fill(store, 20)
        row = await record.checkpoint(T0)
        other = tmp_path / "other"
        other.mkdir()
        (other / "letter").write_text("dear", encoding="ascii")
        with pytest.raises(InputError, match="the folder holds something else"):
            await export(store, row, other, policy, bodies=None, tell=quiet)
        out = tmp_path / "out"
        await export(store, row, out, policy, bodies=None, tell=quiet)
        stranger = Policy(note.key_of(key.name, note.LOG, seal.generate().public))
        with pytest.raises(InputError, match="not signed by the log"):
            await export(store, row, out, stranger, bodies=None, tell=quiet)
        head = checkpoint.Checkpoint(key.name, 10, bytes(32))
        (out / CHECKPOINT).write_bytes(checkpoint.signed(head, note.sign(head.text, key.name, KEY)).encode())
        with pytest.raises(InputError, match="the folder holds another history"):
            await export(store, row, out, policy, bodies=None, tell=quiet)
        (out / CHECKPOINT).unlink()
        (out / "tile/0/000.p/20").write_bytes(b"x")
        with pytest.raises(InputError, match="there is another file of that name"):
            await export(store, row, out, policy, bodies=None, tell=quiet)
        with pytest.raises(InputError, match="cannot be written; found 'File exists'"):
            await export(store, row, tmp_path / "new", policy, bodies=other / "letter", tell=quiet)
        assert (other / "letter").read_text(encoding="ascii") == "dear"

    asyncio.run(make())
    told(sqlite_url, story)


def test_an_export_of_nothing_is_a_checkpoint_of_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """One file, which verifies, and which later exports go on with."""

    async def make() -> None:
        await (await Store.open(sqlite_url, upgrade=True)).close()

    async def story(store: Store, record: Record) -> None:
        policy = Policy(await record.log_key())
        row = await record.checkpoint(T0)
        assert await export(store, row, tmp_path / "out", policy, bodies=None, tell=quiet) == 1
        assert verify(tmp_path / "out", policy, tell=quiet).trusted.checkpoint.size == 0
        await fill(store, 5)
        row = await record.checkpoint(T0)
        await export(store, row, tmp_path / "out", policy, bodies=None, tell=quiet)
        assert verify(tmp_path / "out", policy, tell=quiet).trusted.checkpoint.size == 5

    asyncio.run(make())
    told(sqlite_url, story)


def test_a_large_export_has_higher_tiles_that_fit(sqlite_url: str, tmp_path: Path) -> None:
    """Of 66,000 leaves there are three levels, and every file of them is held against the entries."""

    async def make() -> None:
        await (await Store.open(sqlite_url, upgrade=True)).close()

    async def story(store: Store, record: Record) -> None:
        policy = Policy(await record.log_key())
        await fill(store, SIZE)
        row = await record.checkpoint(T0)
        await export(store, row, tmp_path / "out", policy, bodies=None, tell=quiet)
        assert verify(tmp_path / "out", policy, tell=quiet).trusted.checkpoint.size == SIZE
        top = tmp_path / "out" / "tile" / "2" / "000.p" / "1"
        top.write_bytes(bytes(32))
        with pytest.raises(InputError, match="not the hashes of what is below it"):
            verify(tmp_path / "out", policy, tell=quiet)

    asyncio.run(make())
    told(sqlite_url, story)
