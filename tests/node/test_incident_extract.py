"""What a ledger says of its hotline: from the node that keeps it, and from an export of the other side's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from extract_world import DIGEST, TEXT, Came, exported, pacts, sealed, story, told, us, write
from hotline_world import Line
from pact_keys import SECRETS
from record_world import quiet
from skypact.desk import extract
from skypact.desk.archive import CHECKPOINT
from skypact.desk.hotline import row_of
from skypact.errors import FormatError, InputError
from skypact.exchange.hotline.messages import Carried, Kind
from skypact.incident.logbook import Clock
from skypact.incident.values import Period
from skypact.pact import Stance
from skypact.record import note as notes
from skypact.record.checkpoint import Checkpoint, Policy
from skypact.store import hotline as kept
from skypact.store import ledger

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.desk.extract import Extract
    from skypact.desk.record import Record
    from skypact.store import Store, Tx

LOG = notes.key_of("log", notes.LOG, SECRETS["d"].public)


def test_a_node_s_own_record_is_extracted_with_each_leaf_proven(store_url: str) -> None:
    """Delivered, opened, what clocks leave possible, the zone's stance; each with its leaf."""

    async def tale(store: Store, record: Record) -> Extract:
        await store.write(
            lambda tx: kept.put_clock(
                tx,
                kept.ClockRow(
                    bytes.fromhex(story()[0].envelope.message.id), "south", 10_000_000, 200_000, us(2)
                ),
            )
        )
        return await extract.of_node(store, record, "north", us(100))

    found: Extract = told(store_url, "north", tale)
    notice = found.book.messages[0]
    assert notice.other == Clock(10_000_000, 200_000)
    assert notice.delivered is not None
    assert (notice.delivered.earliest_us, notice.delivered.latest_us) == (us(0.8), us(1.2))
    assert notice.proof == "leaf 1 of 7, proven"
    assert [each.kind for each in found.book.messages if each.scope] == ["reply"]
    (stance,) = found.book.positions
    assert (stance.party, stance.stance, stance.proof) == ("south", Stance.REJECTED, "leaf 6 of 7, proven")
    assert found.book.ledger.startswith("log skypact.invalid/")
    assert found.book.ledger.endswith("cosigned by no witness that was asked for")
    assert (found.left_out, found.book.forks) == ((), ())


def test_a_window_of_time_takes_what_came_in_it(sqlite_url: str) -> None:
    """By this node's clock; nothing came: nothing is said, and no log is named."""

    async def tale(store: Store, record: Record) -> tuple[Extract, Extract]:
        some = await extract.of_node(store, record, "north", us(100), since_us=us(1), until_us=us(65))
        none = await extract.of_node(store, record, "north", us(100), since_us=us(90))
        return some, none

    some, none = told(sqlite_url, "north", tale)
    assert sorted(each.kind for each in some.book.messages) == ["receipt", "receipt", "reply"]
    assert (none.book.messages, none.book.ledger) == ((), "")


def test_what_was_refused_or_carried_is_not_taken_twice(sqlite_url: str) -> None:
    """A carried message is opened from the one that brought it, and verified with its sender's key."""
    line = Line()
    inner = sealed(line.say(Kind.NOTIFY, "south", "north", after_s=200))
    carried = Came(
        sealed(line.say(Kind.FORWARD, "office", "north", None, Carried("south", inner.text))), 201, 0
    )
    refused = Came(sealed(line.south(Kind.CHECK_IN, after_s=90)), 91, 90)

    async def tale(store: Store, record: Record) -> Extract:
        def work(tx: Tx) -> None:
            write(tx, "north", carried)
            write(tx, "north", Came(inner, 201, 0), carrier="office")
            write(tx, "north", refused, state="refused")

        await store.write(work)
        return await extract.of_node(store, record, "north", us(300))

    found: Extract = told(sqlite_url, "north", tale)
    refs = [each.ref for each in found.book.messages]
    assert refs.count(inner.message.id) == 1
    assert carried.envelope.message.id in refs
    assert refused.envelope.message.id not in refs
    assert next(e for e in found.book.messages if e.ref == inner.message.id).proof == "leaf 7 of 10, proven"


def test_what_an_intermediary_carries_for_a_stranger_is_left_to_its_envelope(sqlite_url: str) -> None:
    """A party that the pact does not know has no key, and no line in the extract."""
    line = Line()
    stranger = sealed(line.say(Kind.NOTIFY, "south", "north")).text
    body = Carried("charity", stranger)

    async def tale(store: Store, record: Record) -> Extract:
        await store.write(
            lambda tx: write(
                tx, "north", Came(sealed(line.say(Kind.FORWARD, "office", "north", None, body)), 9, 9)
            )
        )
        return await extract.of_node(store, record, "north", us(300))

    found: Extract = told(sqlite_url, "north", tale)
    (why,) = found.left_out
    assert "of somebody else than it says" in why


def test_a_row_that_is_not_what_its_leaf_says_is_refused(sqlite_url: str) -> None:
    """Somebody changed the table behind the ledger's back."""
    line = Line()
    one, other = (sealed(line.south(Kind.CHECK_IN, after_s=s)) for s in (90, 91))

    async def tale(store: Store, record: Record) -> None:
        def work(tx: Tx) -> None:
            leaf = tx.append("hotline.received", one.message.id, other.text.encode())
            kept.add(tx, row_of(one.message, one.text, "in", "taken", "", "", us(90), us(90), leaf))

        await store.write(work)
        with pytest.raises(InputError, match="a message that is not what the ledger says"):
            await extract.of_node(store, record, "north", us(300))

    told(sqlite_url, "north", tale)


@pytest.fixture
def south(tmp_path: Path, sqlite_url: str) -> tuple[Path, Policy]:
    """An export of the south's ledger, with its contents; one leaf of another kind is erased."""

    async def tale(store: Store, record: Record) -> Policy:
        await store.write(lambda tx: tx.append("account.made", "x", b"{}"))
        await record.checkpoint(us(99))
        await record.erase(7, "asked for", us(99))
        return await exported(store, record, tmp_path)

    return tmp_path, told(sqlite_url, "south", tale)


def test_the_other_side_s_ledger_is_extracted_from_its_export(south: tuple[Path, Policy]) -> None:
    """With its log's key and the pact alone: whose it is, what it says, each leaf that is used proven."""
    folder, policy = south
    said: list[str] = []
    found = extract.of_export(folder / "out", folder / "bodies", policy, pacts(), tell=said.append)
    assert found.book.holder == "south"
    notice = found.book.messages[0]
    assert (notice.sender, notice.delivered, notice.opened) == (
        "north",
        extract_instant(11),
        extract_instant(70),
    )
    assert notice.other is not None
    assert abs(notice.other.offset_us + 10_000_000) <= notice.other.bound_us
    assert notice.proof == "leaf 1 of 9, proven"
    assert found.left_out == ("leaf 7: erased; what it was is not known any more",)
    assert said == ["reading: 0 of 9 leaves"]


def extract_instant(seconds: float) -> Period:
    """Then, and nothing else."""
    return Period("", us(seconds), us(seconds))


def test_contents_that_the_log_did_not_sign_are_refused(south: tuple[Path, Policy]) -> None:
    """A content changed, a leaf beyond the tree, another key, files missing."""
    folder, policy = south

    def asked(**changes: Policy) -> None:
        extract.of_export(
            folder / "out", folder / "bodies", changes.get("policy", policy), pacts(), tell=quiet
        )

    lines = (folder / "bodies").read_text().splitlines(keepends=True)
    second = json.loads(lines[1])
    for change in ({"ref": "another"}, {"position": 99}):
        (folder / "bodies").write_text(json.dumps(second | change) + "\n")
        with pytest.raises(InputError, match=f"leaf {change.get('position', 1)}"):
            asked()
    (folder / "bodies").write_text(lines[0])
    with pytest.raises(InputError, match=r"whose ledger it is cannot be told .* found 'no message'"):
        asked()
    with pytest.raises(FormatError):
        asked(policy=Policy(LOG))
    (folder / "out" / CHECKPOINT).unlink()
    with pytest.raises(InputError):
        asked()


def test_a_message_under_a_pact_that_is_not_at_hand_is_left_out(south: tuple[Path, Policy]) -> None:
    """It is told, leaf by leaf; whose ledger it is does not need the pact."""
    folder, policy = south
    found = extract.of_export(folder / "out", folder / "bodies", policy, {}, tell=quiet)
    assert found.book.messages == ()
    assert sum("said under a pact whose text is not at hand" in each for each in found.left_out) == 6
    assert DIGEST in found.left_out[-1]


def test_a_ledger_of_two_parties_is_nobody_s(tmp_path: Path, sqlite_url: str) -> None:
    """What north received and south received are not in one ledger; what is no message says nothing."""

    async def tale(store: Store, record: Record) -> Policy:
        def work(tx: Tx) -> None:
            tx.append("hotline.received", "x", b"\xff no message")
            write(tx, "south", Came(sealed(Line().say(Kind.CHECK_IN, "north", "office", after_s=300)), 0, 0))

        await store.write(work)
        return await exported(store, record, tmp_path)

    policy = told(sqlite_url, "south", tale)
    with pytest.raises(InputError, match=r"south \(leaf 1\), office \(leaf 8\)"):
        extract.of_export(tmp_path / "out", tmp_path / "bodies", policy, pacts(), tell=quiet)


# -- a log that contradicts itself


def fork(*, size: int = 5, roots: tuple[bytes, bytes] = (b"1" * 32, b"2" * 32), letter: str = "d") -> bytes:
    """What a witness keeps of a log that signed two roots for one size."""
    pair = []
    for k, root in enumerate(roots):
        text = Checkpoint("log", size + k * (size == 6), root).text
        pair.append(notes.Note(text, (notes.sign(text, "log", SECRETS[letter]),)).encode().decode())
    return json.dumps({"origin": "log", "one": pair[0], "other": pair[1]}).encode()


@pytest.mark.parametrize(
    ("content", "logs", "expected"),
    [
        (
            fork(),
            (LOG,),
            "Proven: the log log signed two roots for one size of 5 leaves, 3131313131313131… and",
        ),
        (fork(), (), "not verified: no key of that log was given"),
        (fork(letter="e"), (LOG,), "not verified: no key of that log was given"),
        (
            fork(roots=(b"1" * 32, b"1" * 32)),
            (LOG,),
            "shows nothing: its two checkpoints are not of one size",
        ),
        (fork(size=6), (LOG,), "shows nothing: its two checkpoints are not of one size"),
        (fork().replace(b"MTEx", b"MTEy", 1), (LOG,), "shows nothing: "),
        (b"[]", (LOG,), "cannot be read"),
        (b'{"one": 5, "other": 6}', (LOG,), "cannot be read"),
        (b"\xff", (LOG,), "cannot be read"),
    ],
)
def test_that_a_log_contradicted_itself_is_proven_with_its_key_alone(
    content: bytes, logs: tuple[notes.VerifierKey, ...], expected: str
) -> None:
    """Two roots for one size under one key; without the key it is told as said, and no more."""
    assert expected in extract.fork_words(content, 3, logs)
    assert "leaf 3" in extract.fork_words(content, 3, logs)


def test_a_fork_that_the_holder_witnessed_is_told(tmp_path: Path, sqlite_url: str) -> None:
    """From the node that keeps it, and from its export."""

    async def tale(store: Store, record: Record) -> tuple[Extract, Policy]:
        def work(tx: Tx) -> None:
            ledger.put_witnessed(tx, ledger.CheckpointRow(5, "log", b"1" * 32, us(0), b"x"))
            ledger.put_fork(tx, "log", tx.append("witness.fork", "log", fork()))

        await store.write(work)
        found = await extract.of_node(store, record, "south", us(100), logs=(LOG,))
        return found, await exported(store, record, tmp_path)

    found, policy = told(sqlite_url, "south", tale)
    (words,) = found.book.forks
    assert words.startswith("Proven: the log log signed two roots")
    from_export = extract.of_export(
        tmp_path / "out", tmp_path / "bodies", policy, pacts(), logs=(LOG,), tell=quiet
    )
    assert from_export.book.forks == (words,)
    assert TEXT.startswith(b"[pact]")
