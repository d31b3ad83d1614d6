"""Two parties that witness each other: what is cosigned, what is refused, and a backup that comes back."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from record_world import SECOND, T0, fill, harm, quiet
from skypact import seal
from skypact.courier.client import CallFailed, Response
from skypact.courier.witnesses import PATIENCE_S, Witnesses
from skypact.desk.audit import audit
from skypact.desk.record import CONTINUED, Record
from skypact.desk.witness import FORK, Witness
from skypact.errors import FormatError, InputError
from skypact.record import checkpoint, note, tree
from skypact.record.checkpoint import Checkpoint, Policy
from skypact.record.receipt import Leaf
from skypact.record.witness import Request
from skypact.store import Store
from skypact.store import ledger as kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

KEYS = {name: seal.generate() for name in ("alpha", "bravo", "carol")}
URL = "https://witness.example/record/witness"


@dataclass
class Party:
    """A party with a ledger, which is a witness of another's too."""

    name: str
    store: Store
    record: Record
    witness: Witness


@dataclass
class Way:
    """The way from a party to its witness: the courier's client, without sockets."""

    witness: Witness
    now_us: int = T0
    down: bool = False
    twist: Callable[[str, Response], Response] | None = None
    calls: list[str] = field(default_factory=list)

    def clock(self) -> int:
        """Now, for whoever is at either end."""
        return self.now_us

    async def send(self, method: str, url: str, *, body: bytes | None = None, **_more: Any) -> Response:
        """What the witness answers, unless the way is cut or somebody sits on it."""
        if self.down:
            raise CallFailed("no answer", arrived=False)
        parts = urlsplit(url)
        headers: Mapping[str, str] = {"content-type": "text/plain"}
        if method == "GET":
            held = await self.witness.holds(parse_qs(parts.query)["origin"][0])
            answer = Response(404 if held is None else 200, headers, held or b"", 0.0)
        else:
            said = await self.witness.add_checkpoint(body or b"", self.now_us)
            answer = Response(said.status, {"content-type": said.media_type}, said.body, 0.0)
        self.calls.append(f"{method} {answer.status}")
        return answer if self.twist is None else self.twist(method, answer)


async def opened(folder: Path, name: str, *logs: note.VerifierKey) -> Party:
    """A party's own ledger, in a file of its own."""
    store = await Store.open(f"sqlite:///{folder / name}.db", upgrade=True)
    record = Record(store, KEYS[name], f"{name}.example/log")
    return Party(name, store, record, Witness(store, KEYS[name], logs, f"{name}.example/log"))


def told(folder: Path, story: Callable[[Party, Party, Way, Witnesses], Awaitable[None]]) -> None:
    """Alpha keeps a ledger; bravo witnesses it."""

    async def run() -> None:
        alpha = await opened(folder, "alpha")
        bravo = await opened(folder, "bravo", await alpha.record.log_key())
        way = Way(bravo.witness)
        try:
            await story(alpha, bravo, way, await asks(alpha, bravo, way))
        finally:
            await alpha.store.close()
            await bravo.store.close()

    asyncio.run(run())


async def asks(alpha: Party, bravo: Party, way: Way) -> Witnesses:
    """What has alpha's checkpoints cosigned by bravo, as after a start."""
    return Witnesses(alpha.record, way, [(await bravo.witness.witness_key(), URL)], way.clock)  # type: ignore[arg-type]


async def policy(alpha: Party, bravo: Party) -> Policy:
    """Whom a stranger believes: alpha's log, where bravo has cosigned."""
    return Policy(await alpha.record.log_key(), (await bravo.witness.witness_key(),), 1)


def test_a_receipt_has_the_witness_s_signature_and_time(tmp_path: Path) -> None:
    """Each turn with something new is cosigned, one without asks nobody, and a stranger sees it offline."""

    async def story(alpha: Party, bravo: Party, way: Way, asked: Witnesses) -> None:
        believed = await policy(alpha, bravo)
        for turn in range(1, 4):
            await fill(alpha.store, 100)
            way.now_us = T0 + turn * SECOND
            await asked.turn()
            proven = (await alpha.record.prove(turn * 100 - 1, way.now_us)).verify(believed)
            assert proven.trusted.checkpoint.size == turn * 100
            assert [each.time_s for each in proven.trusted.witnesses] == [way.now_us // SECOND]
        before = len(way.calls)
        await asked.turn()
        assert len(way.calls) == before
        last = await alpha.record.last()
        assert last is not None
        assert believed.trust(note.parse(last.note)).checkpoint.size == 300
        assert await bravo.witness.holds(believed.log.name) == last.note.partition("— bravo".encode())[0]

    told(tmp_path, story)


def test_a_witness_that_does_not_answer_holds_up_nobody(tmp_path: Path) -> None:
    """Checkpoints go on without it, it is asked again later, and then it catches up in one step."""

    async def story(alpha: Party, bravo: Party, way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 10)
        await asked.turn()
        way.down = True
        for _ in range(3):
            await fill(alpha.store, 10)
            way.now_us += 100 * SECOND
            await asked.turn()
        last = await alpha.record.last()
        assert last is not None
        assert last.size == 40
        receipt = await alpha.record.prove(5, T0)
        assert receipt.verify(await policy(alpha, bravo)).trusted.checkpoint.size == 10
        way.down = False
        calls = len(way.calls)
        await asked.turn()  # it failed a moment ago: it is left alone
        assert len(way.calls) == calls
        way.now_us += 100 * SECOND
        await asked.turn()
        assert way.calls[calls:] == ["POST 200"]
        receipt = await alpha.record.prove(35, T0)
        assert receipt.verify(await policy(alpha, bravo)).trusted.checkpoint.size == 40

    told(tmp_path, story)


def test_nothing_new_is_signed_before_the_witness_was_heard(tmp_path: Path) -> None:
    """After a start the last signature is shown first; of two witnesses one is waited for, not for ever."""

    async def story(alpha: Party, bravo: Party, way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 10)
        await asked.turn()
        await fill(alpha.store, 10)
        carol = await opened(tmp_path, "carol", await alpha.record.log_key())
        dead = Way(carol.witness, down=True)
        keys = [(await party.witness.witness_key(), party.name) for party in (bravo, carol)]

        class Both:
            async def send(self, method: str, url: str, **more: Any) -> Response:
                return await (dead if url.startswith("carol") else way).send(method, url, **more)

        again = Witnesses(alpha.record, Both(), keys, way.clock)  # type: ignore[arg-type]
        await again.turn()
        last = await alpha.record.last()
        assert last is not None
        assert last.size == 10
        way.now_us += int(PATIENCE_S * SECOND)
        await again.turn()
        last = await alpha.record.last()
        assert last is not None
        assert last.size == 20
        await carol.store.close()

    told(tmp_path, story)


def test_a_witness_that_is_slow_delays_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is being asked the next ones are made; it is asked once at a time, and left at the end."""
    import skypact.courier.witnesses

    monkeypatch.setattr(skypact.courier.witnesses, "EACH_S", 0.02)

    async def story(alpha: Party, _bravo: Party, way: Way, asked: Witnesses) -> None:
        await asked.turn()
        gate, waiting = asyncio.Event(), 0
        send = way.send

        async def slow(method: str, url: str, **more: Any) -> Response:
            nonlocal waiting
            waiting += 1
            await gate.wait()
            return await send(method, url, **more)

        way.send = slow  # type: ignore[method-assign]
        running = asyncio.create_task(asked.run())
        for size in (10, 20, 30):
            await fill(alpha.store, 10)
            for _ in range(2_000):
                if (await alpha.record.newest()).size == size:
                    break
                await asyncio.sleep(0.01)
            assert (await alpha.record.newest()).size == size
        assert waiting == 1
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.sleep(0.02)
        assert all(each.asking is None or each.asking.cancelled() for each in asked._asked)

    told(tmp_path, story)


def test_two_that_witness_each_other_come_to_rest(tmp_path: Path) -> None:
    """A cosignature is no leaf: after one turn each there is nothing new to sign on either side."""

    async def story(alpha: Party, bravo: Party, way: Way, asked: Witnesses) -> None:
        mutual = Witness(alpha.store, KEYS["alpha"], [await bravo.record.log_key()], "alpha.example/log")
        back = Way(mutual)
        keys = [(await mutual.witness_key(), URL)]
        other = Witnesses(bravo.record, back, keys, way.clock)  # type: ignore[arg-type]
        await fill(alpha.store, 10)
        await fill(bravo.store, 20)
        for _ in range(5):
            await asked.turn()
            await other.turn()
        assert [(await party.record.newest()).size for party in (alpha, bravo)] == [10, 20]
        assert (len(way.calls), len(back.calls)) == (2, 2)  # one to hear what it knows, one to cosign

    told(tmp_path, story)


def test_a_witness_that_forgot_or_knows_better_is_asked_from_where_it_is(tmp_path: Path) -> None:
    """It says what it cosigned last, and the proof begins there."""

    async def story(alpha: Party, bravo: Party, way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 10)
        await asked.turn()
        row = await alpha.record.last()
        assert row is not None
        await fill(alpha.store, 10)
        await asked.turn()
        await alpha.store.write(
            lambda tx: tx.connection.exec_driver_sql("DELETE FROM ledger_cosignature WHERE size = 20")
        )
        await fill(alpha.store, 10)
        calls = len(way.calls)
        await asked.turn()
        assert way.calls[calls:] == ["POST 409", "POST 200"]
        receipt = await alpha.record.prove(25, T0)
        assert receipt.verify(await policy(alpha, bravo)).trusted.checkpoint.size == 30

    told(tmp_path, story)


@pytest.mark.parametrize(
    "twist",
    [
        lambda _method, answer: Response(200, answer.headers, b"", 0.0),
        lambda _method, answer: Response(200, answer.headers, b"words\n", 0.0),
        lambda _method, answer: Response(503, answer.headers, b"", 0.0),
        lambda _method, answer: Response(403, answer.headers, b"no\n", 0.0),
        lambda _method, _answer: Response(409, {"content-type": "text/x.tlog.size"}, b"many\n", 0.0),
        lambda _method, _answer: Response(409, {"content-type": "text/plain"}, b"5000\n", 0.0),
        lambda _method, answer: Response(200, answer.headers, answer.body.replace(b"A", b"B"), 0.0),
        lambda _method, answer: Response(
            200, answer.headers, note.cosign("x\n", "bravo.example/log", KEYS["bravo"], 1).line.encode(), 0.0
        ),
        lambda _method, answer: Response(
            200, answer.headers, note.cosign("x\n", "w.example", seal.generate(), 1).line.encode(), 0.0
        ),
    ],
)
def test_what_a_witness_answers_wrong_is_not_kept(
    tmp_path: Path, twist: Callable[[str, Response], Response]
) -> None:
    """Nothing, words, no, sizes that are none, a stranger's signature, or its own of something else."""

    async def story(alpha: Party, _bravo: Party, way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 10)
        await asked.turn()
        first = await alpha.record.last()
        await fill(alpha.store, 10)
        way.twist = twist
        await asked.turn()
        last = await alpha.record.last()
        assert first is not None
        assert last is not None
        assert (last.size, last.origin) == (20, first.origin)
        assert [line.name for line in note.parse(last.note).signatures] == [first.origin]

    told(tmp_path, story)


@pytest.mark.parametrize("later", [5, 40])
def test_yesterday_s_backup_restored_goes_on_as_another_log(tmp_path: Path, later: int) -> None:
    """The file of a database put back: nothing is signed twice, the first leaf names what was witnessed."""

    async def before(alpha: Party, _bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 20)
        await asked.turn()

    async def after(alpha: Party, _bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 30)
        await asked.turn()

    async def restored(alpha: Party, bravo: Party, way: Way, asked: Witnesses) -> None:
        old = await alpha.record.log_key()
        held = await bravo.witness.holds(old.name)
        assert held is not None
        await fill(alpha.store, later)  # what came since the restore, before anybody noticed
        for _ in range(3):
            way.now_us += SECOND
            await asked.turn()
        key = await alpha.record.log_key()
        assert key.name == f"{old.name}/1"
        last = await alpha.record.last()
        assert last is not None
        assert (last.origin, last.size) == (key.name, 20 + later + 1)
        proven = (await alpha.record.prove(20 + later, T0)).verify(
            Policy(key, (await bravo.witness.witness_key(),), 1)
        )
        assert isinstance(proven.statement, Leaf)
        assert proven.statement.kind == CONTINUED
        said = json.loads(proven.statement.content or b"")
        assert said["witnessed"] == held.decode()
        assert "has cosigned 50 leaves of this log; this database signed 20 last" in said["why"]
        assert await bravo.witness.holds(old.name) == held
        found = await audit(alpha.store, [key], quiet)
        assert found.faults == []
        signed = await alpha.store.read(lambda tx: kept.checkpoints(tx, -1))
        assert [(row.origin, row.size) for row in signed] == [(old.name, 20), (key.name, 20 + later + 1)]

    told(tmp_path, before)
    shutil.copy(tmp_path / "alpha.db", tmp_path / "backup")
    told(tmp_path, after)
    for end in ("-wal", "-shm"):
        (tmp_path / f"alpha.db{end}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup", tmp_path / "alpha.db")
    told(tmp_path, restored)


def test_a_backup_that_grew_to_the_same_size_goes_on_as_another_log_too(tmp_path: Path) -> None:
    """As many leaves as the witness has cosigned, and others: its no to the same size says so."""

    async def before(alpha: Party, _bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 20)
        await asked.turn()

    async def after(alpha: Party, _bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 30)
        await asked.turn()

    async def restored(alpha: Party, _bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 30)
        await alpha.record.checkpoint(T0)  # by a person at the terminal, who asks no witness
        await asked.turn()
        assert (await alpha.record.log_key()).name == "alpha.example/log/1"

    told(tmp_path, before)
    shutil.copy(tmp_path / "alpha.db", tmp_path / "backup")
    told(tmp_path, after)
    shutil.copy(tmp_path / "backup", tmp_path / "alpha.db")
    told(tmp_path, restored)


def test_a_fork_of_the_same_size_is_seen_and_kept_as_proof(tmp_path: Path) -> None:
    """A log that shows its witness a second root: refused, and both notes are a leaf of the witness, once."""

    async def story(alpha: Party, bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 20)
        await asked.turn()
        key = await alpha.record.log_key()
        head = Checkpoint(key.name, 20, bytes(32))
        lie = checkpoint.signed(head, note.sign(head.text, key.name, KEYS["alpha"]))
        for _ in range(3):
            said = await bravo.witness.add_checkpoint(Request(20, (), lie).encode(), T0)
            assert (said.status, said.body) == (409, b"forked\n")
            assert said.media_type == "text/plain; charset=utf-8"
        assert await bravo.record.about(key.name) == [(0, FORK)]
        kept_proof = (await bravo.record.prove(0, T0)).statement
        assert isinstance(kept_proof, Leaf)
        said_ = json.loads(kept_proof.content or b"")
        notes = [Policy(key).trust(note.parse(said_[name].encode())) for name in ("one", "other")]
        assert checkpoint.relation(notes[0], notes[1]) is checkpoint.Relation.FORKED

    told(tmp_path, story)


def test_no_is_said_in_a_word(tmp_path: Path) -> None:
    """Of a log that nobody asked about, signed by a stranger, backward, or without its proof."""

    async def story(alpha: Party, bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 20)
        await asked.turn()
        key = await alpha.record.log_key()
        row = await alpha.record.newest()
        text = note.parse(row.note).text
        stranger = note.Note(text, (note.sign(text, key.name, seal.generate()),))
        unknown = text.replace("alpha", "delta")
        elsewhere = note.Note(unknown, (note.sign(unknown, "delta.example/log", KEYS["carol"]),))
        longer = text.replace("\n20\n", "\n25\n")
        unproven = note.Note(longer, (note.sign(longer, key.name, KEYS["alpha"]),))
        for old, said, status, word in (
            (20, elsewhere, 404, b"unknown log\n"),
            (20, stranger, 403, b"not signed\n"),
            (21, note.parse(row.note), 400, b"backward\n"),
            (20, unproven, 422, b"unproven\n"),
        ):
            answer = await bravo.witness.add_checkpoint(Request(old, (), said).encode(), T0)
            assert (answer.status, answer.body) == (status, word)

    told(tmp_path, story)


def test_requests_at_once_are_decided_one_after_the_other(tmp_path: Path) -> None:
    """Of many requests from one size, those that came late are told the size, and nothing is rolled back."""

    async def story(alpha: Party, bravo: Party, _way: Way, _asked: Witnesses) -> None:
        rows = []
        for _ in range(6):
            await fill(alpha.store, 10)
            rows.append(await alpha.record.checkpoint(T0))
        requests = [Request(0, (), note.parse(row.note)).encode() for row in rows]
        said = await asyncio.gather(*(bravo.witness.add_checkpoint(each, T0) for each in requests))
        assert sorted(each.status for each in said) == [200, 409, 409, 409, 409, 409]
        won = next(at for at, each in enumerate(said) if each.status == 200)
        assert await bravo.witness.holds(rows[0].origin) == rows[won].note
        assert {each.body for each in said if each.status == 409} == {b"%d\n" % rows[won].size}

    told(tmp_path, story)


def test_another_process_of_ours_is_no_witness_of_a_lost_past(tmp_path: Path) -> None:
    """Where a second node on the same database has signed more meanwhile, the log goes on as it is."""

    async def story(alpha: Party, bravo: Party, way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 10)
        await asked.turn()
        other = await asks(alpha, bravo, way)
        late = await alpha.record.newest()
        await fill(alpha.store, 10)
        await other.turn()
        await other.turn()
        each = asked._asked[0]
        await asked._cosigned(each, late, 10)
        assert (await alpha.record.log_key()).name == "alpha.example/log"
        await fill(alpha.store, 10)
        await asked.turn()
        receipt = await alpha.record.prove(25, T0)
        assert receipt.verify(await policy(alpha, bravo)).trusted.checkpoint.size == 30

    told(tmp_path, story)


def test_a_witness_cannot_have_the_log_begun_anew_at_every_turn(tmp_path: Path) -> None:
    """Once an hour at most, whatever it says that it has cosigned."""

    async def story(alpha: Party, _bravo: Party, way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 10)
        await asked.turn()
        way.twist = lambda _method, _answer: Response(
            409, {"content-type": "text/x.tlog.size"}, b"999999\n", 0.0
        )
        for _ in range(10):
            await fill(alpha.store, 1)
            way.now_us += 100 * SECOND
            await asked.turn()
        assert (await alpha.record.log_key()).name == "alpha.example/log/1"

    told(tmp_path, story)


def test_what_can_not_be_witnessed_is_refused(tmp_path: Path) -> None:
    """A log with the witness's own key, a witness's key for a log's; and a body that is no request."""

    async def story(alpha: Party, bravo: Party, _way: Way, _asked: Witnesses) -> None:
        own = await bravo.record.log_key()
        for wrong in (own, await alpha.witness.witness_key()):
            with pytest.raises(InputError, match=r"record[.]logs\[0\]: not a log that can be witnessed here"):
                Witness(bravo.store, KEYS["bravo"], [wrong])
        with pytest.raises(FormatError, match="not a request to a witness"):
            await bravo.witness.add_checkpoint(b"words", T0)
        row = await alpha.record.checkpoint(T0)
        key = await bravo.witness.witness_key()
        with pytest.raises(InputError, match="not the witness's signature of this checkpoint"):
            await alpha.record.keep_cosignature(row, key, note.parse(row.note).signatures[0])

    told(tmp_path, story)


def test_tiles_are_given_of_what_was_signed(tmp_path: Path) -> None:
    """Those of the last checkpoint, whole or in part; none beyond it."""
    from skypact.record.tiles import Tile, Tiles

    async def story(alpha: Party, _bravo: Party, _way: Way, _asked: Witnesses) -> None:
        assert await alpha.record.tile(Tile(0, 0, 1)) is None
        await fill(alpha.store, 300)
        row = await alpha.record.checkpoint(T0)
        await fill(alpha.store, 300)
        files = {
            tile: await alpha.record.tile(tile) for tile in (Tile(0, 0, 256), Tile(0, 1, 44), Tile(1, 0, 1))
        }
        assert tree.root(300, Tiles(300, lambda tile: files[tile] or b"")) == row.root
        assert len(await alpha.record.tile(Tile(-1, 1, 44)) or b"") == 44 * 34
        for beyond in (Tile(0, 1, 45), Tile(0, 2, 1), Tile(1, 0, 2), Tile(-1, 1, 256), Tile(7, 0, 1)):
            assert await alpha.record.tile(beyond) is None

    told(tmp_path, story)


def test_a_ledger_changed_by_hand_is_signed_no_more(tmp_path: Path) -> None:
    """The turn says so and goes on without a checkpoint."""

    async def begin(alpha: Party, _bravo: Party, _way: Way, asked: Witnesses) -> None:
        await fill(alpha.store, 20)
        await asked.turn()
        await fill(alpha.store, 20)

    async def go_on(alpha: Party, _bravo: Party, _way: Way, asked: Witnesses) -> None:
        await asked.turn()
        last = await alpha.record.last()
        assert last is not None
        assert last.size == 20

    told(tmp_path, begin)
    harm(f"sqlite:///{tmp_path / 'alpha.db'}", "UPDATE leaf SET hash = randomblob(32) WHERE position = 3")
    told(tmp_path, go_on)
