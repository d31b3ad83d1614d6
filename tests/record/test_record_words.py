"""What a party knew at an instant, in words: messages, filings, incidents, accounts, by the ledger alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from extract_world import sealed, story, told
from hotline_world import Line
from skypact.cli.record_words import WORDS_MAX, message_of, words
from skypact.exchange.hotline.messages import Kind

if TYPE_CHECKING:
    from skypact.desk.record import AsOf, Record
    from skypact.store import Store


def data(**members: object) -> bytes:
    """A content."""
    return json.dumps(members).encode()


LINE = json.dumps({"entry": "account", "id": "A1", "by": "north", "post": "investigator"})


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("filing.version", data(**{"class": "site", "name": "a hospital"}), "site “a hospital”"),
        ("filing.version", data(**{"class": "movement"}), "movement"),
        (
            "filing.move",
            data(move="cancel", state="cancelled", version=2, by="kim"),
            "cancel: cancelled, version 2, by kim",
        ),
        ("filing.move", data(move="expire", state="expired", version=2, by=""), "expire: expired, version 2"),
        (
            "incident.entry",
            data(n=1, way="written", account="kim", line=LINE),
            "line 2: account A1, for north (investigator); written by kim",
        ),
        (
            "incident.entry",
            data(n=0, way="taken", account="kim", line=LINE.replace("id", "x")),
            "line 1: account, for north (investigator); taken by kim",
        ),
        ("account.made", data(name="kim", role="observer", by="adm"), "observer, by adm"),
        ("witness.fork", data(origin="log"), "two checkpoints of the log log that contradict each other"),
        ("hotline.refused", b"a number\n that was passed", "a number that was passed"),
        ("hotline.refused", b"\xff", ""),
        ("hotline.sent", b"x", ""),
        ("filing.version", b"[]", ""),
        ("filing.version", b"{}", ""),
        ("filing.version", b"{", ""),
        ("filing.version", None, ""),
        ("pact.run", b"x", ""),
    ],
)
def test_a_leaf_says_in_a_line_what_it_has(kind: str, content: bytes | None, expected: str) -> None:
    """What is of another kind, erased or unreadable is left to its bytes."""
    assert words(kind, content) == expected


def test_what_is_long_is_cut() -> None:
    """A line stays a line."""
    assert len(words("hotline.refused", b"x" * 999)) == WORDS_MAX


def test_messages_are_told_by_whom_to_whom_and_about_what(sqlite_url: str) -> None:
    """From the ledger as it was at an instant; what was signed is there to be read."""

    async def tale(_store: Store, record: Record) -> AsOf:
        await record.checkpoint(1_000)
        return await record.as_of(2_000)

    found = told(sqlite_url, "north", tale)
    by_ref = {each.leaf.ref: each.leaf for each in found.known}
    notice, receipt, reply = (came.envelope.message for came in story()[:3])
    leaf = by_ref[notice.id]
    assert words(leaf.kind, leaf.content) == (
        "NOTIFY 1 movement convoy-1, version 1, north to south, said 2026-06-01T06:00:00Z: “as spoken”"
    )
    leaf = by_ref[reply.id]
    said = words(leaf.kind, leaf.content)
    assert said.startswith(
        f"REPLY 2 mine, noted, south to north, said 2026-06-01T06:01:10Z, answers {notice.id[:8]}"
    )
    message = message_of(leaf.kind, leaf.content)
    assert message is not None
    assert message["kind"] == "REPLY"
    assert words("hotline.received", by_ref[receipt.id].content).startswith("RECEIPT 1, south to north")
    assert (
        message_of("pact.run", b"x")
        is message_of("hotline.sent", None)
        is message_of("hotline.sent", b"\xff")
    )


def test_an_acknowledgement_is_told_with_its_level() -> None:
    """As a number, as it was signed."""
    line = Line()
    ack = sealed(line.south(Kind.ACK), re=sealed(line.north(Kind.NOTIFY)))
    assert words("hotline.sent", ack.text.encode()).startswith("ACK 1 level 2, south to north")
