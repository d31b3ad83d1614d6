"""Whoever is to be called is called by a command or a webhook, once, and what came of it is written down."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from hotline_world import NOW
from skypact.courier import calls as courier_calls
from skypact.courier.calls import UNTOLD, Caller
from skypact.courier.client import CallFailed, Response
from skypact.exchange.hotline.messages import Kind
from skypact.instants import SECOND_US
from two_desks import Pair, told

if TYPE_CHECKING:
    from pathlib import Path


class _Hook:
    """A webhook that answers with a status, or not at all."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.bodies: list[bytes] = []

    async def send(
        self, method: str, url: str, *, scope: str = "", body: bytes | None = None, timeout_s: float = 10.0
    ) -> Response:
        """Take it."""
        assert (method, url, scope) == ("POST", "https://pager.example/", "")
        assert timeout_s > 0
        self.bodies.append(body or b"")
        if not self.status:
            raise CallFailed("no answer within 30 s", arrived=True)
        return Response(self.status, {}, b"", 0.0)


async def _late(pair: Pair, hook: _Hook, command: tuple[str, ...]) -> tuple[int, list[str], str]:
    stop = await pair.north.say(Kind.STOP)
    webhook = "https://pager.example/" if hook.status >= 0 else ""
    clock = pair.north.now_us + 61 * SECOND_US
    caller = Caller(
        pair.north.desk, pair.north.calls, hook, command=command, webhook=webhook, clock=lambda: clock
    )
    count = await caller.turn()
    assert await caller.turn() == 0
    rows = await pair.north.calls.of([bytes.fromhex(stop.id)])
    return count, [row.outcome for row in rows], stop.id


def test_a_command_is_told_whom_to_ring_and_what_to_say(sqlite_url: str, tmp_path: Path) -> None:
    """It gets one object of JSON: the post, how it is reached, for what, and the script to be read out."""
    out = tmp_path / "told.json"
    command = (sys.executable, "-c", f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())")

    async def story(pair: Pair) -> None:
        count, outcomes, ident = await _late(pair, _Hook(-1), command)
        assert (count, outcomes) == (1, ["the command was run"])
        said = json.loads(out.read_text())
        assert said["message"] == ident
        assert said["timer"] == "receipt of a stop"
        assert (said["owed_by"], said["contact"], said["reach"]) == (
            "south",
            "duty officer",
            ["phone +000 0011"],
        )
        assert said["languages"] == ["ru"]
        assert said["kind"] == "STOP"
        assert said["data_mode"] == "test"
        assert "latitude tree tree decimal fife" in "|".join(said["script"])

    told(story, sqlite_url, names=("north",))


@pytest.mark.parametrize(
    ("status", "code", "outcomes"),
    [
        (204, None, ["the webhook was told"]),
        (500, None, ["the webhook answered with status 500"]),
        (0, None, ["the webhook did not answer (no answer within 30 s)"]),
        (204, "sys.exit(3)", ["the command ended with status 3; the webhook was told"]),
        (-1, "time.sleep(30)", ["the command did not end within 0.3 s"]),
        (-1, None, [UNTOLD]),
    ],
)
def test_what_came_of_a_call_is_written_down(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, status: int, code: str | None, outcomes: list[str]
) -> None:
    """Done, failed, hung, unanswered, or nobody to call with: in words, in the table and ledger."""
    monkeypatch.setattr(courier_calls, "CALL_S", 0.3 if code and "sleep" in code else 20.0)
    command = () if code is None else (sys.executable, "-c", f"import sys, time; {code}")

    async def story(pair: Pair) -> None:
        count, found, ident = await _late(pair, _Hook(status), command)
        assert (count, found) == (1, outcomes)
        leaves = await pair.north.store.read(
            lambda tx: (
                tx.connection.exec_driver_sql(
                    "SELECT kind FROM leaf WHERE kind LIKE 'hotline.call%' ORDER BY position"
                )
                .scalars()
                .all()
            )
        )
        assert list(leaves) == ["hotline.call", "hotline.called"]
        assert ident

    told(story, sqlite_url, names=("north",))


def test_a_command_that_is_not_there_is_said_to_be_so(sqlite_url: str) -> None:
    """A program that cannot be run is an outcome like any other, and no traceback."""

    async def story(pair: Pair) -> None:
        _, outcomes, _ = await _late(pair, _Hook(-1), ("/no/such/program",))
        assert outcomes == ["the command cannot be run (No such file or directory)"]

    told(story, sqlite_url, names=("north",))


def test_where_nobody_is_at_a_post_that_is_written_too(sqlite_url: str) -> None:
    """F3: the office has no contact in this pact: nobody can be called, and the record says so, once."""

    async def story(pair: Pair) -> None:
        stop = await pair.north.say(Kind.STOP, to="office")
        late_us = pair.north.now_us + 61 * SECOND_US
        assert await pair.north.calls.tick(late_us) == []
        assert await pair.north.calls.tick(late_us + 60 * SECOND_US) == []
        (row,) = await pair.north.calls.of([bytes.fromhex(stop.id)])
        assert (row.step, row.contact, row.outcome) == (-1, "", "nobody is at a post")
        assert await pair.north.calls.of([]) == []
        assert late_us > NOW

    told(story, sqlite_url, names=("north",))
