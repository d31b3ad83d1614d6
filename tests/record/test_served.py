"""Two nodes as processes: each serves its record and cosigns the other's, and a stranger verifies it."""

from __future__ import annotations

import asyncio
import http.client
import sqlite3
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from record_world import fill, quiet
from server.running import Node, node
from shell import skypact
from skypact.desk.archive import verify
from skypact.node.keys import make_key
from skypact.record import note, receipt
from skypact.record.checkpoint import Policy
from skypact.record.tiles import tiles_of
from skypact.record.witness import Request
from skypact.store import Store

if TYPE_CHECKING:
    from pathlib import Path

WITNESS = "/record/witness/add-checkpoint"


def posted(to: Node, body: bytes) -> tuple[int, str, bytes]:
    """Status, type and body of a witness's answer."""
    connection = http.client.HTTPConnection("127.0.0.1", to.port, timeout=30)
    connection.request("POST", WITNESS, body, {"content-type": "text/plain"})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.headers["content-type"], data


@pytest.fixture(scope="session")
def parties(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of two parties that were told of each other's keys; alpha's witness is bravo."""
    folder = tmp_path_factory.mktemp("parties")
    alpha, bravo = folder / "alpha", folder / "bravo"
    for path in (alpha, bravo):
        assert skypact("init", path, "--party", path.name).status == 0
        assert skypact("db", "upgrade", "--data", path).status == 0
    return alpha, bravo


def configured(folder: Path, **values: str) -> None:
    """Set keys of the configuration, and let it take any port."""
    path = folder / "skypact.toml"
    text = path.read_text(encoding="utf-8").replace('listen = "127.0.0.1:8650"', 'listen = "127.0.0.1:0"')
    for name, value in values.items():
        text = text.replace(f"# {name} = []", f"{name} = {value}")
    path.write_text(text, encoding="utf-8")


def recorded(folder: Path, many: int) -> None:
    """Leaves, by another process than the node."""

    async def run() -> None:
        store = await Store.open(f"sqlite:///{folder / 'skypact.db'}")
        await fill(store, many)
        await store.close()

    asyncio.run(run())


def test_two_nodes_cosign_and_a_stranger_verifies(parties: tuple[Path, Path], tmp_path: Path) -> None:
    """Checkpoints come while leaves do, with the witness's line; the files prove it; refusals as they are."""
    alpha, bravo = parties
    key = skypact("record", "key", "--data", alpha).out.strip()
    configured(bravo, logs=f'["{key}"]')
    with node("--data", bravo) as two:
        two.await_listening()
        status, data, _ = two.ask("GET", "/record/keys")
        witness = data.decode().splitlines()[1]
        assert status == 200
        assert skypact("record", "witness-key", "--data", bravo).out.strip() == witness
        assert posted(two, b"words")[:2] == (400, "application/problem+json")
        configured(alpha, witnesses=f'["{witness} http://127.0.0.1:{two.port}/record/witness"]')
        with node("--data", alpha) as one:
            one.await_listening()
            one.await_ready()
            recorded(alpha, 300)
            policy = Policy(note.verifier_key(key), (note.verifier_key(witness),), 1)

            def cosigned() -> bool:
                got, text, _ = one.ask("GET", "/record/checkpoint")
                return got == 200 and b"\n300\n" in text and len(note.parse(text).signatures) == 2

            one.await_(cosigned, 20.0)
            status, data, headers = one.ask("GET", "/record/checkpoint")
            assert headers["content-type"] == "text/plain; charset=utf-8"
            assert headers["cache-control"] == "max-age=1"
            trusted = policy.trust(note.parse(data))
            folder = tmp_path / "copy"
            folder.mkdir()
            (folder / "checkpoint").write_bytes(data)
            for tile in tiles_of(trusted.checkpoint.size):
                status, data, headers = one.ask("GET", f"/record/{tile.path}")
                assert (status, headers["content-type"]) == (200, "application/octet-stream")
                assert "immutable" in headers["cache-control"]
                (folder / tile.path).parent.mkdir(parents=True, exist_ok=True)
                (folder / tile.path).write_bytes(data)
            assert verify(folder, policy, tell=quiet).trusted.checkpoint == trusted.checkpoint
            for path in ("tile/0/001", "tile/0/001.p/45", "tile/8/000", "tile/0/0", "tile/entries/000.p/0"):
                assert one.ask("GET", f"/record/{path}")[0] == 404, path
            ended = skypact("record", "prove", "0", "--data", alpha, "--output", tmp_path / "first")
            assert ended.status == 0, ended
            proven = receipt.parse((tmp_path / "first").read_bytes()).verify(policy)
            assert [each.key.text for each in proven.trusted.witnesses] == [witness]
            log = urllib.parse.quote(policy.log.name, safe="")
            status, held, _ = two.ask("GET", f"/record/witness/checkpoint?origin={log}")
            assert (status, Policy(policy.log).trust(note.parse(held)).checkpoint) == (
                200,
                trusted.checkpoint,
            )
            size = trusted.checkpoint.size
            again = Request(size, (), note.parse(held)).encode()
            assert posted(two, again)[0] == 200
            assert posted(two, Request(0, (), note.parse(held)).encode()) == (
                409,
                "text/x.tlog.size",
                f"{size}\n".encode(),
            )
            assert posted(two, Request(size + 1, (), note.parse(held)).encode())[0] == 400
            assert posted(one, again)[0] == 404
            assert two.ask("GET", "/record/witness/checkpoint?origin=nobody")[0] == 404
            assert two.ask("GET", "/record/witness/checkpoint")[0] == 400
            assert one.stop() == 0
        assert two.stop() == 0
    ended = skypact("record", "verify", "--data", alpha)
    assert (ended.status, "No fault was found." in ended.out) == (0, True), ended


def test_a_node_whose_key_is_not_ed25519_runs_without_a_record(tmp_path: Path) -> None:
    """It says so in its log, and serves no checkpoint."""
    make_key(tmp_path / "key.pem", "ES256")
    with node("--data", tmp_path, "--listen", "127.0.0.1:0") as alone:
        alone.await_listening()
        assert alone.ask("GET", "/record/checkpoint")[0] == 404
        assert alone.stop() == 0
    assert any("the record is not signed" in line["message"] for line in alone.log())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('witnesses = ["words"]', "record.witnesses[0]: not a verifier key"),
        ('witnesses = ["LOG https://w.example"]', "record.witnesses[0]: not a witness"),
        ('witnesses = ["WITNESS"]', "record.witnesses[0]: not a witness"),
        ('witnesses = ["WITNESS ftp://w.example"]', "record.witnesses[0]"),
        ('logs = ["words"]', "record.logs[0]: not a verifier key"),
        ('logs = ["WITNESS"]', "record.logs[0]: not a log that can be witnessed here"),
        ('origin = "two words"', "record.origin: not a name of a log"),
    ],
)
def test_a_record_that_cannot_be_is_refused_at_the_start(tmp_path: Path, line: str, says: str) -> None:
    """The message names the key of the configuration, what was found and what was expected."""
    from skypact import seal

    key = seal.generate().public
    for word, kind in (("LOG", note.LOG), ("WITNESS", note.WITNESS)):
        line = line.replace(word, note.key_of("x.example", kind, key).text)
    make_key(tmp_path / "key.pem", "EdDSA")
    text = f'[node]\nlisten = "127.0.0.1:0"\n[dss]\nplain_http = true\n[record]\n{line}\n'
    (tmp_path / "skypact.toml").write_text(text, encoding="utf-8")
    ended = skypact("up", "--data", tmp_path)
    assert (ended.status, says in ended.err) == (2, True), ended


def test_a_database_that_was_restored_is_another_log(tmp_path: Path) -> None:
    """``skypact db restore`` begins another origin, whose first leaf says why; nothing is signed twice."""
    first, second = tmp_path / "first", tmp_path / "second"
    assert skypact("init", first).status == 0
    assert skypact("db", "upgrade", "--data", first).status == 0
    with sqlite3.connect(first / "skypact.db") as hand:
        assert hand.execute("SELECT COUNT(*) FROM ledger_epoch").fetchone() == (0,)
    hand.close()
    one = skypact("record", "key", "--data", first).out.strip()
    assert skypact("record", "export", tmp_path / "out", "--data", first).status == 0
    config = first / "skypact.toml"
    assert skypact("db", "backup", tmp_path / "backup", "--config", config).status == 0
    second.mkdir()
    for name in ("skypact.toml", "key.pem"):
        (second / name).write_bytes((first / name).read_bytes())
    (second / "key.pem").chmod(0o600)
    ended = skypact("db", "restore", tmp_path / "backup", "--config", second / "skypact.toml")
    assert ended.status == 0, ended
    two = skypact("record", "key", "--data", second).out.strip()
    assert two.partition("+")[0] == f"{one.partition('+')[0]}/1"
    ended = skypact("record", "export", tmp_path / "other", "--data", second)
    assert (ended.status, "1 entries" in ended.out) == (0, True), ended
    ended = skypact("record", "prove", "0", "--data", second, "--output", tmp_path / "receipt")
    assert ended.status == 0, ended
    told = skypact("record", "verify", tmp_path / "receipt", "--key", two, "--json").json
    assert told["kind"] == "record.continued"
    ended = skypact("record", "verify", "--data", second)
    assert (ended.status, "2 checkpoints" in ended.out) == (0, True), ended
    assert told["content"]["why"].startswith("restored from a backup of ")
