"""Two parties' ledgers of one hotline, as their nodes write them, with clocks 10 s apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hotline_world import NOW, Line
from pact_keys import SECRETS
from skypact.desk.archive import export
from skypact.desk.hotline import row_of
from skypact.desk.record import Record
from skypact.exchange.hotline.messages import Intent, Kind, Received, Replied, Scope
from skypact.formats.hotline_json import encode
from skypact.formats.hotline_jws import signed
from skypact.formats.pact_toml import read_pact
from skypact.instants import SECOND_US
from skypact.pact.keys import key_text
from skypact.pact.signatures import digest_of
from skypact.record.checkpoint import Policy
from skypact.store import Store
from skypact.store import hotline as kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from skypact.exchange.hotline.messages import Message
    from skypact.formats.hotline_jws import Envelope
    from skypact.seal import SigningKey
    from skypact.store import Tx

LETTERS: Final = {"north": "a", "south": "b", "office": "c"}
TEXT: Final = (
    '[pact]\nid = "p"\ndata_mode = "test"\neffective = 2017-05-01T00:00:00Z\n'
    + "".join(
        f'[[party]]\nid = "{name}"\n[[party.key]]\npublic = "{key_text(SECRETS[letter].public.ed25519)}"\n'
        for name, letter in LETTERS.items()
    )
    + '[[intermediary]]\nparty = "office"\non_behalf_of = ["any"]\nto = ["north", "south"]\n'
).encode()
DIGEST: Final = digest_of(TEXT)
AHEAD_S: Final = 10
"""So far the south's clock is ahead of the north's."""


class Came(NamedTuple):
    """A message, and when the north and the south wrote it, each by its own clock, in seconds."""

    envelope: Envelope
    north_s: float
    south_s: float


def sealed(message: Message, *, re: Envelope | None = None) -> Envelope:
    """A message as its sender signs it, under the pact here, answering what was signed before."""
    said = replace(
        message,
        pact=DIGEST,
        thread="" if re is None else re.message.thread,
        re="" if re is None else re.message.id,
    )
    return signed(SECRETS[LETTERS[said.sender]], encode(said))


def story() -> list[Came]:
    """The north's notice at 0, delivered after 1 s, opened and answered after 60 s; two receipts; a zone."""
    line = Line()
    notice = sealed(line.north(Kind.NOTIFY))
    theirs = sealed(
        line.say(
            Kind.RECEIPT, "south", "north", None, Received(us(1 + AHEAD_S)), after_s=1 + AHEAD_S, text=None
        ),
        re=notice,
    )
    reply = sealed(
        line.south(Kind.REPLY, None, Replied(Scope.MINE, Intent.NOTED), after_s=60 + AHEAD_S), re=notice
    )
    ours = sealed(
        line.say(Kind.RECEIPT, "north", "south", None, Received(us(61)), after_s=61, text=None), re=reply
    )
    zone = sealed(line.north(Kind.ZONE_DECLARE, after_s=70))
    no = sealed(line.south(Kind.ZONE_REJECT, None, after_s=80 + AHEAD_S), re=zone)
    return [
        Came(notice, 0, 1 + AHEAD_S),
        Came(theirs, 2, 1 + AHEAD_S),
        Came(reply, 61, 60 + AHEAD_S),
        Came(ours, 61, 62 + AHEAD_S),
        Came(zone, 70, 71 + AHEAD_S),
        Came(no, 81, 80 + AHEAD_S),
    ]


def us(seconds: float) -> int:
    """So many seconds after the story begins."""
    return NOW + round(seconds * SECOND_US)


def write(tx: Tx, party: str, came: Came, *, state: str = "", carrier: str = "") -> int:
    """What a node of a party writes when it says a message, or one comes."""
    message = came.envelope.message
    own = message.sender == party
    at_us = us(came.north_s if party == "north" else came.south_s)
    text = came.envelope.text
    leaf = tx.append("hotline.sent" if own else "hotline.received", message.id, text.encode())
    state = state or ("delivered" if own else "taken")
    way = "out" if own else "in"
    kept.add(tx, row_of(message, text, way, state, "", "", at_us, at_us, leaf, carrier))
    return leaf


def told(
    url: str, party: str, tale: Callable[[Store, Record], Awaitable[Any]], *, key: SigningKey | None = None
) -> Any:
    """The ledger of a party with the story in it, and what is asked of it."""

    async def run() -> Any:
        store = await Store.open(url, upgrade=True)
        try:

            def work(tx: Tx) -> None:
                kept.put_edition(tx, kept.EditionRow(DIGEST, "p", 1, TEXT, b"", "UNSIGNED DRAFT", NOW))
                for came in story():
                    write(tx, party, came)

            await store.write(work)
            return await tale(store, Record(store, key or SECRETS[LETTERS[party]]))
        finally:
            await store.close()

    return asyncio.run(run())


async def exported(store: Store, record: Record, folder: Path) -> Policy:
    """The ledger as files; whom to believe about it."""
    row, key = await record.checkpoint(us(100)), await record.log_key()
    policy = Policy(key)
    await export(store, row, folder / "out", policy, bodies=folder / "bodies", tell=lambda _text: None)
    (folder / "key").write_text(key.text, encoding="ascii")
    (folder / "pact.toml").write_bytes(TEXT)
    return policy


def pacts() -> Any:
    """The pact by its digest."""
    return {DIGEST: read_pact(TEXT, "pact.toml").pact}
