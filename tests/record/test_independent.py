"""What we wrote, verified by an implementation that is not ours."""

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
from skypact import seal
from skypact.desk.archive import export
from skypact.record import note
from skypact.record.checkpoint import Policy
from skypact.store import Store

if TYPE_CHECKING:
    from skypact.desk.record import Record

PROGRAM = Path(__file__).parent / "independent"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier, built; skips, loudly, where that cannot be."""
    go = shutil.which("go")
    built = tmp_path_factory.mktemp("independent") / "independent"
    why = "go is not installed"
    if go is not None:
        environment = os.environ | {"GOFLAGS": "-mod=readonly"}
        done = subprocess.run(
            [go, "build", "-o", built, "."],
            cwd=PROGRAM,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if done.returncode == 0:
            return built
        why = done.stderr.strip().splitlines()[-1]
    text = f"THE RECORD IS NOT VERIFIED BY ANOTHER IMPLEMENTATION ({why})"
    if os.environ.get("SKYPACT_NEED_GO"):
        pytest.fail(text)
    pytest.skip(text)


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
