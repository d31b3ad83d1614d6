"""What the hotline said is looked at with the record: each message signed by its sender, under its pact."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotline_world import NOW
from pact_keys import SECRETS
from skypact.desk.audit import audit
from skypact.desk.record import Record
from skypact.desk.signatures import FEW, Messages, checked
from skypact.exchange.hotline.messages import Kind
from skypact.formats.hotline_json import encode
from skypact.formats.hotline_jws import signed
from two_desks import TEXT, Pair, told

if TYPE_CHECKING:
    from pathlib import Path


def test_every_message_is_verified_with_its_senders_key(sqlite_url: str, tmp_path: Path) -> None:
    """Sent, received and receipts count and are sound; a stranger's signature is a fault, by its place."""

    async def story(pair: Pair) -> None:
        notice = await pair.north.say(Kind.NOTIFY)
        await pair.exchange("north")
        record = Record(pair.north.store, SECRETS["g"])
        await record.checkpoint(NOW)
        keys = [await record.log_key()]
        found = await audit(pair.north.store, keys, lambda _text: None)
        assert (found.faults, found.messages, found.checkpoints) == ([], 2, 1)
        forged = signed(SECRETS["d"], encode(replace(notice, serial=7, thread=""))).text.encode()
        place = await pair.north.store.write(lambda tx: tx.append("hotline.received", notice.id, forged))
        unknown = signed(SECRETS["a"], encode(replace(notice, pact=f"sha256:{'0' * 64}", thread="")))
        await pair.north.store.write(
            lambda tx: tx.append("hotline.received", notice.id, unknown.text.encode())
        )
        found = await audit(pair.north.store, keys, lambda _text: None)
        assert found.messages == 4
        assert [fault.split(":")[0] for fault in found.faults] == [f"leaf {place}", f"leaf {place + 1}"]
        assert "a key that the pact does not give to north" in found.faults[0]
        assert "said under a pact that is not kept here" in found.faults[1]

    told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")


def test_many_messages_are_checked_by_several_processes(sqlite_url: str, tmp_path: Path) -> None:
    """Beyond a few thousand, processes share them; those that are forged are named all the same."""

    async def story(pair: Pair) -> tuple[bytes, bytes]:
        notice = await pair.north.say(Kind.NOTIFY)
        (row,) = await pair.north.desk.outgoing("south")
        forged = signed(SECRETS["d"], encode(replace(notice, thread=""))).text
        return row.envelope.encode(), forged.encode()

    good, forged = told(story, sqlite_url, f"sqlite:///{tmp_path / 'south.db'}")
    rows = [(at, forged if at in {3, FEW + 900} else good) for at in range(FEW + 1_000)]
    batches = [rows[low : low + 500] for low in range(0, len(rows), 500)]
    assert sorted(at for at, _ in checked(batches, Messages((TEXT,)))) == [3, FEW + 900]
