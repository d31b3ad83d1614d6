"""What we write and serve, held against implementations that are not ours."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from record_world import T0, fill, quiet, told
from server.running import node
from shell import skypact
from skypact import seal
from skypact.desk.archive import export
from skypact.record import note
from skypact.record.checkpoint import Policy
from skypact.store import Store

if TYPE_CHECKING:
    from skypact.desk.record import Record

PROGRAM = Path(__file__).parent / "independent"


def built(source: Path, folder: Path) -> Path:
    """A program of Go, built; skips, loudly, where that cannot be."""
    go = shutil.which("go")
    why = "go is not installed"
    if go is not None:
        environment = os.environ | {"GOFLAGS": "-mod=readonly"}
        done = subprocess.run(
            [go, "build", "-o", folder / "program", "."],
            cwd=source,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if done.returncode == 0:
            return folder / "program"
        why = done.stderr.strip().splitlines()[-1]
    text = f"THE RECORD IS NOT HELD AGAINST ANOTHER IMPLEMENTATION ({why})"
    if os.environ.get("SKYPACT_NEED_GO"):
        pytest.fail(text)
    pytest.skip(text)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verifier of logs that is not ours."""
    return built(PROGRAM, tmp_path_factory.mktemp("independent"))


@pytest.fixture(scope="session")
def omniwitness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A witness, and a log that asks one, that are not ours."""
    return built(PROGRAM / "omniwitness", tmp_path_factory.mktemp("omniwitness"))


def test_go_s_packages_verify_our_export_receipt_and_cosignature(
    program: Path, sqlite_url: str, tmp_path: Path
) -> None:
    """Every entry from its tile, growth from an earlier checkpoint, a receipt with a witness; and no lie."""
    witness = seal.generate()

    async def make() -> None:
        await (await Store.open(sqlite_url, upgrade=True)).close()

    async def story(store: Store, record: Record) -> str:
        key = await record.log_key()
        await fill(store, 100)
        older = await record.checkpoint(T0)
        (tmp_path / "older").write_bytes(older.note)
        await fill(store, 500, first=100)
        await record.erase(333, "asked for", T0)
        await export(
            store, await record.checkpoint(T0), tmp_path / "out", Policy(key), bodies=None, tell=quiet
        )
        receipt = await record.prove(333, T0)
        line = note.cosign(receipt.note.text, "w.example", witness, 1_700_000_000)
        cosigned = note.Note(receipt.note.text, (*receipt.note.signatures, line))
        (tmp_path / "receipt").write_bytes(replace(receipt, note=cosigned).encode())
        return key.text

    asyncio.run(make())
    vkey = told(sqlite_url, story)
    wkey = note.key_of("w.example", note.WITNESS, witness.public).text

    def verified() -> subprocess.CompletedProcess[str]:
        arguments = (vkey, wkey, tmp_path / "out", tmp_path / "receipt", tmp_path / "older")
        return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)

    done = verified()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "601 entries, grown from 100; receipt of leaf 333 of 601\n"
    for name in ("receipt", "older", "out/checkpoint", "out/tile/0/001", "out/tile/entries/000"):
        whole = (tmp_path / name).read_bytes()
        at = len(whole) // 2
        (tmp_path / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verified().returncode == 1, name
        (tmp_path / name).write_bytes(whole)


def test_a_witness_that_is_not_ours_cosigns_and_a_log_that_is_not_ours_is_cosigned(
    omniwitness: Path, tmp_path: Path
) -> None:
    """A node asks the witness of transparency-dev, and answers its client, refusals and all."""
    folder = tmp_path / "node"
    assert skypact("init", folder).status == 0
    assert skypact("db", "upgrade", "--data", folder).status == 0
    key = skypact("record", "key", "--data", folder).out.strip()
    own = skypact("record", "witness-key", "--data", folder).out.strip()
    pair = subprocess.run([omniwitness, "key"], capture_output=True, text=True, timeout=60, check=True)
    secret, public = pair.stdout.split()
    with subprocess.Popen([omniwitness, "serve", key], stdout=subprocess.PIPE, text=True) as witness:
        try:
            assert witness.stdout is not None
            told_of = witness.stdout.readline().strip()
            path = folder / "skypact.toml"
            text = path.read_text(encoding="utf-8")
            text = text.replace("127.0.0.1:8650", "127.0.0.1:0")
            text = text.replace("# witnesses = []", f'witnesses = ["{told_of}"]')
            path.write_text(text.replace("# logs = []", f'logs = ["{public}"]'), encoding="utf-8")
            with node("--data", folder) as running:
                running.await_listening()
                asyncio.run(_record(folder, 300))
                policy = Policy(note.verifier_key(key), (note.verifier_key(told_of.split()[0]),), 1)

                def cosigned() -> bool:
                    status, data, _ = running.ask("GET", "/record/checkpoint")
                    return status == 200 and b"\n300\n" in data and data.count("—".encode()) == 2

                running.await_(cosigned, 30.0)
                _, data, _ = running.ask("GET", "/record/checkpoint")
                assert policy.trust(note.parse(data)).checkpoint.size == 300
                asked = subprocess.run(
                    [omniwitness, "ask", secret, own, f"http://127.0.0.1:{running.port}/record/witness"],
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                assert (asked.returncode, asked.stdout, asked.stderr) == (0, "cosigned up to 70000\n", "")
                assert running.stop() == 0
        finally:
            witness.kill()


async def _record(folder: Path, many: int) -> None:
    store = await Store.open(f"sqlite:///{folder / 'skypact.db'}")
    await fill(store, many)
    await store.close()
