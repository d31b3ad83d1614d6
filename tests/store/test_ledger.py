"""The ledger kept as a tree: proofs out of rows, checkpoints that agree, and leaves that were erased."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from record_oracle import tree_hash
from record_world import KEY, SECOND, T0, fill, harm, quiet, told
from skypact import seal
from skypact.desk.audit import Audit, audit
from skypact.desk.record import CONTINUED, ERASED, Record, origin_of
from skypact.errors import InputError, Refused
from skypact.record import checkpoint, note, tree
from skypact.record.checkpoint import Policy, Relation
from skypact.record.ledger import Frontier
from skypact.record.receipt import Erased, Leaf
from skypact.record.tiles import Tile
from skypact.store import Store
from skypact.store import ledger as kept
from skypact.store.examine import root

if TYPE_CHECKING:
    from skypact.store import Tx


def looked(url: str, *keys: note.VerifierKey, key: seal.SigningKey = KEY) -> Audit:
    """The whole record, looked at."""

    async def story(store: Store, record: Record) -> Audit:
        return await audit(store, [await record.log_key(), *keys], quiet)

    return told(url, story, key=key)


def grown(tx: Tx, was: int, size: int) -> list[bytes]:
    """The proof that the ledger of one size grew from itself at another."""
    return tree.consistency(was, size, kept.subtrees(tx, size))


def zeroed(url: str, statement: str) -> str:
    """A statement with 32 bytes of nothing for the word ZERO, as each database writes them."""
    digits = "00" * 32
    return statement.replace("ZERO", f"x'{digits}'" if url.startswith("sqlite") else f"'\\x{digits}'::bytea")


@pytest.mark.parametrize("sizes", [(1, 255, 256, 257, 600), (600,), (65_536, 65_793)])
def test_the_kept_tree_is_the_tree_of_the_leaves(store_url: str, sizes: tuple[int, ...]) -> None:
    """However it grew, each checkpoint has the root of all hashes in order, and grows from each before it."""

    async def story(store: Store, record: Record) -> None:
        key = await record.log_key()
        heads: list[checkpoint.Trusted] = []
        done = 0
        for size in sizes:
            await fill(store, size - done, first=done)
            done = size
            row = await record.checkpoint(T0 + size)
            assert (row.size, row.made_us, row.origin) == (size, T0 + size, key.name)
            assert row.root == await store.read(lambda tx: root(tx.connection, quiet))
            heads.append(Policy(key).trust(note.parse(row.note)))
            for old in heads[:-1]:
                was = old.checkpoint.size
                path = await store.read(partial(grown, was=was, size=size))
                assert checkpoint.relation(old, heads[-1], path) is Relation.GROWN

    told(store_url, story)
    found = looked(store_url)
    assert (found.faults, found.leaves, found.checkpoints) == ([], sizes[-1], len(sizes))


def test_an_empty_ledger_has_a_checkpoint_too(store_url: str) -> None:
    """Of no leaves, with the root of nothing, and the first leaf is not in it."""

    async def story(store: Store, record: Record) -> None:
        row = await record.checkpoint(T0)
        assert (row.size, row.root) == (0, tree_hash([]))
        with pytest.raises(Refused, match="no such leaf"):
            await record.prove(0, T0)
        await fill(store, 1)
        assert (await record.prove(0, T0)).index == 0

    told(store_url, story)
    found = looked(store_url)
    assert (found.faults, found.checkpoints) == ([], 2)


def test_a_checkpoint_is_made_once_for_a_size(store_url: str) -> None:
    """Asked again, or by several at once, it is the same note, with the time of the first."""

    async def story(store: Store, record: Record) -> None:
        await fill(store, 300)
        first = await record.checkpoint(T0)
        again = await asyncio.gather(*(record.checkpoint(T0 + n) for n in range(1, 5)))
        assert {row.note for row in (first, *again)} == {first.note}
        assert {row.made_us for row in again} == {T0}

    told(store_url, story)


def test_receipts_come_out_of_the_store(store_url: str) -> None:
    """Of each leaf, with content or its digest, under one checkpoint for as long as that has it."""

    async def story(store: Store, record: Record) -> None:
        await fill(store, 520)
        policy = Policy(await record.log_key())
        for position in (0, 255, 256, 519):
            proven = (await record.prove(position, T0)).verify(policy)
            assert isinstance(proven.statement, Leaf)
            assert proven.statement.ref == f"thing/{position % 10}"
            assert json.loads(proven.statement.content or b"") == {"n": position}
            assert proven.trusted.checkpoint.size == 520
        hidden = (await record.prove(7, T0, content=False)).statement
        assert isinstance(hidden, Leaf)
        assert hidden.content is None
        await fill(store, 1, first=520)
        assert (await record.prove(519, T0)).verify(policy).trusted.checkpoint.size == 520
        assert (await record.prove(520, T0)).verify(policy).trusted.checkpoint.size == 521
        assert await record.about("thing/9") == [(n, "test.thing") for n in range(9, 520, 10)]
        for wrong in (-1, 521):
            with pytest.raises(Refused, match=f"no such leaf; found {wrong}"):
                await record.prove(wrong, T0)

    told(store_url, story)


def test_what_was_erased_is_gone_and_every_proof_stands(store_url: str) -> None:
    """Content and salt are gone, the receipt of before still verifies, and a leaf says so."""

    async def story(store: Store, record: Record) -> None:
        await fill(store, 300)
        policy = Policy(await record.log_key())
        before = await record.prove(7, T0)
        at = await record.erase(7, "asked for by its sender", T0 + 5)
        assert at == 300
        after = await record.prove(7, T0)
        assert isinstance(after.statement, Erased)
        assert after.statement.entry == before.statement.entry
        assert before.verify(policy).statement.entry == after.verify(policy).statement.entry
        said = (await record.prove(300, T0)).statement
        assert isinstance(said, Leaf)
        assert (said.kind, said.ref) == (ERASED, "7")
        assert json.loads(said.content or b"")["reason"] == "asked for by its sender"
        (row,) = await store.read(lambda tx: kept.leaves(tx, 7, 8))
        assert (row.salt, row.content) == (None, None)
        for position, says in ((7, "erased already"), (300, "that something was erased stays")):
            with pytest.raises(Refused, match=says):
                await record.erase(position, "again", T0)
        with pytest.raises(Refused, match="no such leaf"):
            await record.erase(301, "why not", T0)
        for reason in ("", "  ", "two\nlines", "x" * 1001):
            with pytest.raises(InputError, match="not a reason"):
                await record.erase(8, reason, T0)

    told(store_url, story)
    found = looked(store_url)
    assert (found.faults, found.erased, found.leaves) == ([], 1, 301)


def test_erased_content_is_overwritten_in_the_file(sqlite_url: str) -> None:
    """Once the log of SQLite is emptied into its file, nothing of the content is left in either."""
    secret = b"the place that must not be named" * 40

    async def make() -> None:
        await (await Store.open(sqlite_url, upgrade=True)).close()

    async def story(store: Store, record: Record) -> None:
        await store.write(lambda tx: tx.append("test.thing", "thing", secret))
        await fill(store, 50)
        await record.erase(0, "asked for", T0)

    asyncio.run(make())
    told(sqlite_url, story)
    path = sqlite_url.removeprefix("sqlite:///")
    with open(path, "rb") as file:  # noqa: PTH123 -- the bytes on the disk, whoever wrote them
        assert secret not in file.read()


def test_as_of_an_instant_is_what_its_checkpoint_has(store_url: str) -> None:
    """The last leaf about each thing then, by when it was on record, and how many are not sure."""

    async def story(store: Store, record: Record) -> None:
        nothing = await record.as_of(T0)
        assert (nothing.checkpoint, nothing.known, nothing.later, nothing.next_us) == (None, (), 0, None)
        await fill(store, 5)
        await record.checkpoint(T0)
        await fill(store, 13, first=5)
        await record.checkpoint(T0 + 2 * SECOND)
        await fill(store, 2, first=18)
        early = await record.as_of(T0 + SECOND)
        assert early.checkpoint is not None
        assert early.checkpoint.size == 5
        assert [(each.leaf.ref, each.leaf.position, each.by_us) for each in early.known] == [
            (f"thing/{n}", n, T0) for n in range(5)
        ]
        assert (early.later, early.next_us) == (13, T0 + 2 * SECOND)
        late = await record.as_of(T0 + 9 * SECOND)
        assert [each.leaf.position for each in late.known] == [10, 11, 12, 13, 14, 15, 16, 17, 8, 9]
        assert {each.by_us for each in late.known} == {T0 + 2 * SECOND}
        assert (late.later, late.next_us) == (2, None)
        before = await record.as_of(T0 - 1)
        assert (before.checkpoint, before.later, before.next_us) == (None, 5, T0)

    told(store_url, story)


def test_the_origin_says_nothing_and_is_the_region_s(store_url: str) -> None:
    """It follows from the region's id, is the same whoever asks, and another where it is configured."""

    async def story(store: Store, record: Record) -> None:
        region = await store.read(lambda tx: tx.region)
        assert (await record.log_key()).name == origin_of(region)
        assert region.hex() not in origin_of(region)
        named = Record(store, KEY, "log.example/alpha")
        assert (await named.log_key()).name == "log.example/alpha"
        for wrong in (Record(store, KEY, "two words"), Record(store, seal.generate("ES256"))):
            with pytest.raises(InputError):
                await wrong.checkpoint(T0)

    told(store_url, story)


def test_another_key_or_origin_goes_on_where_the_last_one_ended(store_url: str) -> None:
    """The first leaf under it names the last checkpoint, and receipts are under the new one from then on."""
    other = seal.generate()

    async def story(store: Store, record: Record) -> None:
        await fill(store, 10)
        old = await record.checkpoint(T0)
        changed = Record(store, other, "log.example/beta")
        row = await changed.checkpoint(T0 + 1)
        assert (row.size, row.origin) == (11, "log.example/beta")
        assert await changed.checkpoint(T0 + 2) == row
        policy = Policy(await changed.log_key())
        said = (await changed.prove(10, T0)).verify(policy).statement
        assert isinstance(said, Leaf)
        assert (said.kind, said.ref) == (CONTINUED, "log.example/beta")
        assert json.loads(said.content or b"")["before"] == old.note.decode()
        assert (await changed.prove(3, T0)).verify(policy).trusted.checkpoint.size == 11

    told(store_url, story)
    key = note.key_of("log.example/beta", note.LOG, other.public)
    assert looked(store_url, key).faults == []
    assert looked(store_url).faults == ["the checkpoint of 11 leaves: not signed by a key that is known here"]


def test_nothing_is_signed_that_contradicts_what_was(store_url: str) -> None:
    """Where the ledger does not begin with its last checkpoint any more, the next one is refused."""

    async def begin(store: Store, record: Record) -> None:
        await fill(store, 20)
        await record.checkpoint(T0)
        await fill(store, 20)

    async def go_on(_store: Store, record: Record) -> None:
        with pytest.raises(Refused, match="not what was signed of it; nothing is signed any more"):
            await record.checkpoint(T0)

    told(store_url, begin)
    harm(store_url, zeroed(store_url, "UPDATE leaf SET hash = ZERO WHERE position = 3"))
    told(store_url, go_on)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE leaf SET content = salt WHERE position = 7", "leaf 7 (test.thing) does not have the hash"),
        ("UPDATE leaf SET ref = 'other' WHERE position = 0", "leaf 0 (test.thing) does not have the hash"),
        ("UPDATE leaf SET kind = 'No Kind' WHERE position = 3", "leaf 3: kind: not a kind"),
        ("UPDATE leaf SET hash = ZERO WHERE position = 3", "the checkpoint of 300 leaves has another root"),
        ("UPDATE leaf SET hash = ZERO WHERE position = 3", "the subtrees that are kept are not those"),
        ("UPDATE leaf SET salt = NULL, content = NULL WHERE position = 3", "erased without its entry"),
        ("DELETE FROM leaf WHERE position IN (4, 5)", "leaves are missing from 0 on, of 310"),
        ("DELETE FROM leaf WHERE position >= 280", "there is a checkpoint of 300 leaves, and there are 280"),
        ("UPDATE ledger_subtree SET hash = ZERO", "the subtrees that are kept are not those of the leaves"),
        ("UPDATE ledger_checkpoint SET root = ZERO", "another root than they have"),
        ("UPDATE ledger_checkpoint SET root = ZERO", "was signed with other words"),
        ("UPDATE ledger_checkpoint SET origin = 'x'", "was signed with other words"),
        ("UPDATE ledger_checkpoint SET size = 301", "was signed with other words"),
        ("UPDATE ledger_checkpoint SET note = root", "the checkpoint of 300 leaves: note: "),
        ("UPDATE ledger_erased SET entry = ZERO", "leaf 9 (test.thing) does not have the hash"),
        ("UPDATE ledger_cosignature SET witness = 'nobody'", "a witness: not a verifier key"),
        (
            "UPDATE ledger_cosignature SET line = 'words'",
            "w.example under the checkpoint of 300 leaves: note",
        ),
        (
            "UPDATE ledger_cosignature SET line = REPLACE(line, 'w.example', 'x.example')",
            "w.example under the checkpoint of 300 leaves: not signed by a key that is known here",
        ),
    ],
)
def test_each_damage_of_the_record_is_seen_and_named(store_url: str, damage: str, says: str) -> None:
    """What a disk, a bug or a hand did to leaves, subtrees, checkpoints and what was erased."""

    async def story(store: Store, record: Record) -> None:
        await fill(store, 299)
        await record.erase(9, "asked for", T0)
        row = await record.checkpoint(T0)
        witness = seal.generate()
        key = note.key_of("w.example", note.WITNESS, witness.public)
        line = note.cosign(note.parse(row.note).text, "w.example", witness, 1)
        await record.keep_cosignature(row, key, line)
        await fill(store, 10)

    told(store_url, story)
    found = looked(store_url)
    assert (found.faults, found.cosignatures) == ([], 1)
    harm(store_url, zeroed(store_url, damage))
    faults = looked(store_url).faults
    assert any(says in fault for fault in faults), faults


def test_a_checkpoint_of_another_key_is_a_fault(store_url: str) -> None:
    """It was signed, and not by this log."""

    async def story(store: Store, record: Record) -> None:
        await fill(store, 3)
        await record.checkpoint(T0)

    told(store_url, story)
    assert looked(store_url, key=seal.generate()).faults == [
        "the checkpoint of 3 leaves: not signed by a key that is known here"
    ]


def test_many_faults_are_counted_and_the_first_told(store_url: str) -> None:
    """Twenty are named, the others counted."""
    told(store_url, lambda store, _record: fill(store, 100))
    harm(store_url, "UPDATE leaf SET ref = 'other'")
    found = looked(store_url)
    assert (len(found.faults), found.untold) == (20, 80)


def test_a_checkpoint_for_every_leaf_is_held_against_the_tree(store_url: str) -> None:
    """Six hundred of them, each with the root of its size; one that lies among them is named."""

    async def story(store: Store, record: Record) -> None:
        await fill(store, 600)
        await record.checkpoint(T0)
        key = await record.log_key()
        frontier = Frontier()
        rows = []
        for leaf in await store.read(lambda tx: kept.leaves(tx, 0, 599)):
            frontier.add(leaf.hash)
            root = bytes(32) if frontier.size == 300 else frontier.root()
            rows.append(record._signed(key, frontier.size, root, T0))

        def add(tx: Tx) -> None:
            for row in rows:
                kept.add_checkpoint(tx, row)

        await store.write(add)

    told(store_url, story)
    found = looked(store_url)
    assert found.checkpoints == 600
    assert found.faults == ["the checkpoint of 300 leaves has another root than they have"]


def test_large_contents_are_read_a_few_at_a_time(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of leaves hold no more bytes than they may, or one leaf, and are all there is, in order."""
    monkeypatch.setattr(kept, "RUN_BYTES", 1_000)
    sizes = [0, 10, 990, 1, 1_001, 5_000, 400, 400, 400, *([7] * 200), 999]

    async def story(store: Store, record: Record) -> None:
        def work(tx: Tx) -> None:
            for size in sizes:
                tx.append("test.thing", "thing", bytes(size))

        await store.write(work)
        runs = await store.read(lambda tx: list(kept.runs(tx, 0, len(sizes))))
        assert [n for low, high in runs for n in range(low, high)] == list(range(len(sizes)))
        assert all(sum(sizes[low:high]) <= 1_000 or high - low == 1 for low, high in runs)
        assert await store.read(lambda tx: list(kept.runs(tx, 5, 5))) == []
        await record.checkpoint(T0)
        assert len(await record.tile(Tile(-1, 0, len(sizes))) or b"") == 34 * len(sizes)

    told(store_url, story)
    assert looked(store_url).faults == []


def test_what_witnesses_say_is_kept_on_either_database(store_url: str) -> None:
    """Cosignatures under a checkpoint, the last one cosigned of another's log, a fork, and the epochs."""
    witness = seal.generate()
    key = note.key_of("w.example", note.WITNESS, witness.public)

    async def story(store: Store, record: Record) -> None:
        await fill(store, 10)
        row = await record.checkpoint(T0)
        assert await record.cosigned(key) == 0
        line = note.cosign(note.parse(row.note).text, "w.example", witness, 1_700_000_000)
        for _ in range(2):
            await record.keep_cosignature(row, key, line)
        assert await record.cosigned(key) == 10
        last = await record.last()
        assert last is not None
        assert last.note == row.note + line.line.encode()
        await fill(store, 10)
        await record.checkpoint(T0)
        policy = Policy(await record.log_key(), (key,), 1)
        assert (await record.prove(5, T0)).verify(policy).trusted.checkpoint.size == 10
        assert (await record.prove(15, T0)).note.signatures[1:] == ()

        other = kept.CheckpointRow(5, "other.example/log", bytes(32), T0, b"note")
        assert await store.read(lambda tx: kept.witnessed(tx, "other.example/log")) is None
        for size in (5, 7):
            await store.write(lambda tx, size=size: kept.put_witnessed(tx, other._replace(size=size)))  # type: ignore[misc]
        assert await store.read(lambda tx: kept.witnessed(tx, "other.example/log")) == other._replace(size=7)
        assert not await store.read(lambda tx: kept.has_forked(tx, "other.example/log"))
        await store.write(lambda tx: kept.put_fork(tx, "other.example/log", 3))
        assert await store.read(lambda tx: kept.has_forked(tx, "other.example/log"))

        name = (await record.log_key()).name
        for number in (1, 2):
            await record.renew(T0 + number, f"reason {number}", b"held")
            assert (await record.log_key()).name == f"{name}/{number}"
        assert await record.cosigned(key) == 0
        assert (await record.newest()).size == 0
        assert (await record.checkpoint(T0)).size == 21
        (leaf,) = await store.read(lambda tx: kept.leaves(tx, 20, 21))
        said = json.loads(leaf.content or b"")
        assert (leaf.kind, said["why"], said["witnessed"]) == (CONTINUED, "reason 2", "held")

    told(store_url, story)


def test_a_reading_changes_nothing_of_the_record(store_url: str) -> None:
    """Looking at everything leaves the counters where they were."""

    def counters(tx: Tx) -> tuple[int, int]:
        row = tx.connection.execute(text("SELECT seq, leaves FROM region")).one()
        return int(row[0]), int(row[1])

    async def story(store: Store, record: Record) -> None:
        await fill(store, 5)
        await record.checkpoint(T0)
        before = await store.read(counters)
        await audit(store, [await record.log_key()], quiet)
        await record.as_of(T0)
        assert await store.read(counters) == before

    told(store_url, story)
