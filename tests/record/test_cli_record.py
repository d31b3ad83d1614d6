"""``skypact record``, as a person at a terminal has it: a party's ledger, and a stranger who verifies it."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import pytest

from record_world import fill
from shell import Ended, skypact
from skypact import seal
from skypact.node.keys import make_key
from skypact.record import checkpoint, note
from skypact.store import Store

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "record.md"


@pytest.fixture(scope="session")
def party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a node with 25 leaves about ten things."""
    folder = tmp_path_factory.mktemp("party")
    make_key(folder / "key.pem", "EdDSA")

    async def make() -> None:
        store = await Store.open(f"sqlite:///{folder / 'skypact.db'}", upgrade=True)
        await fill(store, 25)
        await store.close()

    asyncio.run(make())
    return folder


@pytest.fixture(scope="session")
def key(party: Path) -> str:
    """The key that the party hands on."""
    ended = skypact("record", "key", "--data", party)
    assert ended.status == 0, ended
    return ended.out.strip()


@pytest.fixture(scope="session")
def made(party: Path, key: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the party gave away: an export, and three receipts."""
    out = tmp_path_factory.mktemp("given")
    for arguments in (
        ("export", out / "log", "--bodies", out / "bodies"),
        ("prove", "7", "--output", out / "seven"),
        ("prove", "7", "--output", out / "hidden", "--without-content"),
        ("prove", "8", "--output", out / "eight"),
    ):
        ended = skypact("record", *arguments, "--data", party)
        assert (ended.status, ended.err) == (0, ""), ended
    assert note.verifier_key(key).text == key
    return out


def test_a_stranger_verifies_a_receipt_with_the_key_alone(made: Path, key: str, tmp_path: Path) -> None:
    """In another folder, without a database or configuration: what it says, and what it does not prove."""
    ended = skypact("record", "verify", made / "seven", "--key", key, cwd=tmp_path)
    assert ended.status == 0, ended
    for words in ("leaf 7 of the log", "test.thing", "thing/7", "8 bytes", "25 leaves", "witness   none"):
        assert words in ended.out
    assert ended.out.endswith("That it was recorded is proven; that it is true is not.\n")
    told = skypact("record", "verify", made / "seven", "--key", key, "--json").json
    assert (told["proven"], told["position"], told["content"]) == (True, 7, {"n": 7})
    assert skypact("record", "verify", made / "seven", "--key", key, "--output", "-").out == '{"n": 7}'
    assert list(tmp_path.iterdir()) == []


def test_a_content_that_is_kept_back_is_not_there(made: Path, key: str) -> None:
    """Its digest is; and there is nothing to write."""
    ended = skypact("record", "verify", made / "hidden", "--key", key)
    assert (ended.status, "kept back, SHA-256" in ended.out) == (0, True)
    ended = skypact("record", "verify", made / "hidden", "--key", key, "--output", "-")
    assert (ended.status, ended.out) == (2, "")
    assert "there is no content in this receipt" in ended.err


def test_what_is_not_proven_is_status_1_and_says_why(made: Path, key: str, tmp_path: Path) -> None:
    """A receipt cut short, changed, or of another log; in words and in JSON."""
    data = (made / "seven").read_bytes()
    (tmp_path / "cut").write_bytes(data[:-1])
    (tmp_path / "changed").write_bytes(data.replace(b"index 7", b"index 6"))
    stranger = note.key_of(key.partition("+")[0], note.LOG, seal.generate().public).text
    other = note.key_of("log.example/2", note.LOG, seal.generate().public).text
    for name, given, says in (
        (tmp_path / "cut", key, "cut: checkpoint: not a signed note"),
        (tmp_path / "changed", key, "changed: proof: the proof leads to another root"),
        (made / "seven", stranger, "not signed by the log"),
        (made / "seven", other, "a checkpoint of another log"),
    ):
        ended = skypact("record", "verify", name, "--key", given)
        assert (ended.status, ended.out) == (1, ""), ended
        assert ended.err.startswith("skypact: not proven: ")
        assert says in ended.err
    told = skypact("record", "verify", tmp_path / "cut", "--key", key, "--json")
    assert told.json["proven"] is False
    assert told.status == 1


def test_witnesses_have_to_have_cosigned(made: Path, key: str, tmp_path: Path) -> None:
    """All that are named, unless a quorum says how many; each is told with its time."""
    witness = seal.generate()
    data = (made / "seven").read_bytes().decode()
    text = data.partition("\n\n")[2].partition("\n\n")[0] + "\n"
    line = note.cosign(text, "w.example", witness, 1_700_000_000).line
    (tmp_path / "cosigned").write_text(data + line, encoding="utf-8")
    w1 = note.key_of("w.example", note.WITNESS, witness.public).text
    w2 = note.key_of("other.example", note.WITNESS, seal.generate().public).text
    ended = skypact("record", "verify", tmp_path / "cosigned", "--key", key, "--witness", w1)
    assert (ended.status, "w.example at 2023-11-14T22:13:20Z" in ended.out) == (0, True), ended
    both = ("record", "verify", tmp_path / "cosigned", "--key", key, "--witness", w1, "--witness", w2)
    ended = skypact(*both)
    assert ended.status == 1
    assert "too few witnesses; found 'w.example'; expected 2 of w.example, other.example" in ended.err
    assert skypact(*both, "--quorum", "1").status == 0
    ended = skypact("record", "verify", tmp_path / "cosigned", "--key", key)
    assert "passed    signatures of w.example: no key was given" in ended.out


def test_an_export_is_verified_by_a_stranger(made: Path, key: str) -> None:
    """With its contents or without; a file that was changed is named."""
    ended = skypact("record", "verify", made / "log", "--key", key, "--bodies", made / "bodies")
    assert ended.status == 0, ended
    assert "all 25 entries" in ended.out
    assert "25 are what the entries commit to; 0 said erased" in ended.out
    path = made / "log" / "tile" / "0" / "000.p" / "25"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    ended = skypact("record", "verify", made / "log", "--key", key)
    path.write_bytes(whole)
    assert (ended.status, ended.out) == (1, "")
    assert "000.p/25: not the hashes of what is below it" in ended.err


def test_a_person_erases_and_everything_still_verifies(tmp_path: Path) -> None:
    """The whole way: erase, verify the database, prove that there was a leaf, see it as it was not known."""
    make_key(tmp_path / "key.pem", "EdDSA")

    async def make() -> None:
        store = await Store.open(f"sqlite:///{tmp_path / 'skypact.db'}", upgrade=True)
        await fill(store, 12)
        await store.close()

    def record(*arguments: str | Path) -> Ended:
        ended = skypact("record", *arguments, "--data", tmp_path)
        assert ended.status == 0, ended
        return ended

    asyncio.run(make())
    vkey = record("key").out.strip()
    record("prove", "3", "--output", tmp_path / "before")
    assert "leaf 12 says so" in record("erase", "3", "--reason", "asked for by its sender").out
    record("prove", "3", "--output", tmp_path / "after")
    for name, words in (("before", "8 bytes"), ("after", "erased")):
        ended = skypact("record", "verify", tmp_path / name, "--key", vkey)
        assert (ended.status, words in ended.out) == (0, True), ended
    ended = record("verify")
    assert "13 leaves, 1 erased" in ended.out
    assert "No fault was found." in ended.out
    told = record("as-of", "2100-01-01T00:00:00Z", "--json").json
    assert told["size"] == 12
    assert {row["ref"]: row["content"] for row in told["known"]}["thing/3"] is None
    assert {row["ref"]: row["content"] for row in told["known"]}["thing/1"] == {"n": 11}
    listed = record("as-of", "2100-01-01T00:00:00Z").out
    assert "1 more came since; when exactly is not known." in listed
    assert "thing/3 (erased)" in listed
    assert "No checkpoint had been made." in record("as-of", "2001-01-01T00:00:00Z").out
    told = record("verify", "--json").json
    assert (told["sound"], told["leaves"], told["erased"]) == (True, 13, 1)


def test_a_damaged_database_is_status_1(tmp_path: Path) -> None:
    """The leaf is named, on standard error."""
    import sqlite3

    make_key(tmp_path / "key.pem", "EdDSA")

    async def make() -> None:
        store = await Store.open(f"sqlite:///{tmp_path / 'skypact.db'}", upgrade=True)
        await fill(store, 30)
        await store.close()

    asyncio.run(make())
    with sqlite3.connect(tmp_path / "skypact.db") as hand:
        hand.execute("UPDATE leaf SET content = CAST('as it never was' AS BLOB)")
    hand.close()
    ended = skypact("record", "verify", "--data", tmp_path)
    assert ended.status == 1
    assert "skypact: fault: leaf 0 (test.thing) does not have the hash that it was given" in ended.err
    assert "skypact: fault: and 10 more" in ended.err
    assert "No fault" not in ended.out


def test_two_checkpoints_stand_to_each_other_as_it_is_proven(made: Path, party: Path, key: str) -> None:
    """Same, unproven without a proof, grown with it, forked where the log signed both: a status each."""
    from skypact.node.config import embedded
    from skypact.node.keys import own_key

    secret = own_key(embedded(party))
    name = note.verifier_key(key).name

    def signed(path: Path, size: int, root: bytes) -> Path:
        head = checkpoint.Checkpoint(name, size, root)
        path.write_bytes(checkpoint.signed(head, note.sign(head.text, name, secret)).encode())
        return path

    from skypact.desk.archive import subtrees
    from skypact.record import tree

    log = made / "log"
    _, read = subtrees(log, checkpoint.Policy(note.verifier_key(key)))
    older = signed(made / "older", 11, tree.root(11, read))
    lied = signed(made / "lied", 11, bytes(32))
    forged = signed(made / "forged", 25, bytes(32))
    for one, other, more, status, word in (
        (made / "seven", log / "checkpoint", (), 0, "Same: "),
        (made / "seven", made / "eight", (), 0, "Same: "),
        (older, made / "seven", (), 3, "Unproven: "),
        (made / "seven", older, ("--tiles", log), 0, "Grown: the tree of 25 leaves begins with that of 11."),
        (lied, made / "seven", ("--tiles", log), 3, "Unproven: "),
        (forged, made / "seven", (), 1, "Forked: "),
        (lied, older, (), 1, "Forked: "),
    ):
        ended = skypact("record", "compare", one, other, "--key", key, *more)
        assert (ended.status, ended.out.startswith(word)) == (status, True), (one, other, ended)
    told = skypact("record", "compare", forged, made / "seven", "--key", key, "--json")
    assert (told.status, told.json["relation"]) == (1, "forked")
    ended = skypact("record", "compare", made / "bodies", made / "seven", "--key", key)
    assert (ended.status, ended.out) == (2, "")
    assert "not comparable: " in ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("key", "x"), "takes no argument"),
        (("export",), "takes one argument"),
        (("compare", "a"), "takes two arguments"),
        (("verify", "a", "b"), "takes one argument at most"),
        (("look",), "invalid choice: 'look'"),
        (("verify", "nothing"), "needs the log's one --key"),
        (("verify", "nothing", "--key", "KEY", "--key", "KEY"), "needs the log's one --key"),
        (("verify", "nothing", "--key", "x"), "--key: not a verifier key"),
        (("verify", "nothing", "--key", "KEY"), "nothing: cannot be read"),
        (("verify", "nothing", "--key", "KEY", "--witness", "KEY"), "witness[0]: a key of the other kind"),
        (("verify", "nothing", "--key", "KEY", "--quorum", "1"), "quorum: not a number of these witnesses"),
        (("verify", "--witness", "KEY"), "to verify a FILE or a DIR"),
        (("export", "DIR", "--reason", "x"), "--reason is an option of erase, not of 'export'"),
        (("export", "DIR", "--bodies", "DIR/b"), "contents do not belong into a folder"),
        (("erase", "x", "--reason", "x"), "erase takes the position of a leaf"),
        (("erase", "3"), "needs a --reason"),
        (("as-of", "yesterday"), "TIME: not an instant"),
        (("prove", "3", "--data", "."), "node.key: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    tmp_path: Path, key: str, arguments: tuple[str, ...], says: str
) -> None:
    """Bad usage, keys that are none, and files that are not there; nothing is made."""
    ended = skypact("record", *(key if word == "KEY" else word for word in arguments), cwd=tmp_path)
    assert (ended.status, ended.out) == (2, ""), ended
    assert ended.err.startswith("skypact: error: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("prove", "25"), "no such leaf; found 25; expected from 0, below 25"),
        (("prove", "thing/7"), "2 leaves are about it; name one by its position: 7 (test.thing), 17"),
        (("prove", "thing/77"), "no leaf is about it"),
        (("erase", "25", "--reason", "x"), "no such leaf"),
    ],
)
def test_a_leaf_that_is_not_meant_is_told(party: Path, arguments: tuple[str, ...], says: str) -> None:
    """Beyond the end, of several, or of none: which there are is said."""
    ended = skypact("record", *arguments, "--data", party)
    assert (ended.status, ended.out) == (2, ""), ended
    assert says in ended.err


def test_a_key_that_is_not_ed25519_needs_another_for_the_record(tmp_path: Path) -> None:
    """The refusal names the setting; with a key of its own the record is signed."""
    make_key(tmp_path / "key.pem", "ES256")
    (tmp_path / "skypact.toml").write_text("", encoding="ascii")
    assert skypact("db", "upgrade", "--data", tmp_path).status == 0
    ended = skypact("record", "key", "--data", tmp_path)
    assert ended.status == 2
    assert "record.key: the record is signed with Ed25519; found 'key.pem: ES256'" in ended.err
    make_key(tmp_path / "record.pem", "EdDSA")
    text = '[record]\nkey = "record.pem"\norigin = "log.example/alpha"\n'
    (tmp_path / "skypact.toml").write_text(text, encoding="ascii")
    ended = skypact("record", "key", "--data", tmp_path)
    assert (ended.status, ended.out.startswith("log.example/alpha+")) == (0, True), ended


def test_a_ledger_that_had_another_key_is_verified_with_it(tmp_path: Path) -> None:
    """After a change of key its old checkpoints are faults until the old key is named."""

    async def make() -> None:
        store = await Store.open(f"sqlite:///{tmp_path / 'skypact.db'}", upgrade=True)
        await fill(store, 5)
        await store.close()

    asyncio.run(make())
    old = make_key(tmp_path / "key.pem", "EdDSA")
    assert skypact("record", "export", tmp_path / "out", "--data", tmp_path).status == 0
    before = skypact("record", "key", "--data", tmp_path).out.strip()
    assert note.verifier_key(before).key == old.public
    (tmp_path / "key.pem").unlink()
    make_key(tmp_path / "key.pem", "EdDSA")
    assert skypact("record", "prove", "0", "--data", tmp_path).status == 0
    ended = skypact("record", "verify", "--data", tmp_path)
    assert (ended.status, ended.err.count("fault")) == (1, 1), ended
    assert "the checkpoint of 5 leaves: not signed by a key that is known here" in ended.err
    ended = skypact("record", "verify", "--data", tmp_path, "--key", before)
    assert (ended.status, "2 checkpoints" in ended.out) == (0, True), ended


def test_the_commands_of_the_document_run(party: Path, key: str, tmp_path: Path) -> None:
    """Each line of its first block, in order, ends as the document says."""
    block = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[0]
    lines = [line.partition("#")[0].strip() for line in block.splitlines()]
    lines = [line for line in lines if line]
    assert len(lines) >= 6
    for line in lines:
        words = shlex.split(line.replace("$KEY", key))
        assert words[:2] == ["skypact", "record"]
        ours = () if "--key" in words else ("--data", party)
        ended = skypact(*words[1:], *ours, cwd=tmp_path)
        assert ended.status == 0, (line, ended)
