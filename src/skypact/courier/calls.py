"""Somebody reached out of band: a command is run, a webhook is posted to, so that a person rings a person.

Law: a call is made once for each contact and thing, and what came of it is written down. A command gets one
object of JSON on its input, nothing of a message in its arguments, and no shell. What does not end in
:data:`CALL_S` is ended. That a command ended well says that it ended well; that a person was reached, only a
person says, with a message.

Voice stays voice: the JSON has what is to be said, and the number in the pact to ring.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skypact.courier.client import CallFailed
from skypact.errors import InputError, Refused
from skypact.formats.hotline_words import preferred
from skypact.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skypact.courier.peers import Sender
    from skypact.desk.calls import Calls
    from skypact.desk.hotline import HotlineDesk
    from skypact.store.hotline import CallRow

TICK_S: Final = 1.0
CALL_S: Final = 30.0
UNTOLD: Final = "nobody was called: neither pact.call_command nor pact.call_webhook is set"

_LOG = logging.getLogger("skypact.hotline")


class Caller:
    """Looks at what is late, and has people called.

    Parameters
    ----------
    command, webhook
        What is run and where it is posted; empty: not.
    """

    def __init__(
        self,
        desk: HotlineDesk,
        calls: Calls,
        client: Sender,
        *,
        command: Sequence[str] = (),
        webhook: str = "",
        clock: Callable[[], int],
    ) -> None:
        self._desk = desk
        self._calls = calls
        self._client = client
        self._command = tuple(command)
        self._webhook = webhook
        self._clock = clock
        self._making: dict[tuple[bytes, str, str, int], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look each second, for ever: at what is late, and at the calls of which nothing is known yet."""
        try:
            while True:
                try:
                    await self._look()
                except Refused as error:  # the database is away: what is late is late a second later too
                    _LOG.warning("what is late cannot be looked at: %s", error)
                await asyncio.sleep(TICK_S)
        finally:
            for task in self._making.values():
                task.cancel()

    async def turn(self) -> int:
        """Have everybody called who is to be called now, to the end; returns how many."""
        count = await self._look()
        if self._making:
            await asyncio.wait(self._making.values())
        return count

    async def _look(self) -> int:
        """Begin the calls that are to be made, each by itself: one that hangs keeps no other waiting."""
        count = len(await self._calls.tick(self._clock()))
        for call in await self._calls.open():
            key = (call.message, call.timer, call.owed_by, call.step)
            if key not in self._making:
                task = self._making[key] = asyncio.create_task(self._made(call))
                task.add_done_callback(lambda _done, key=key: self._making.pop(key, None))  # type: ignore[misc]
        return count

    async def _made(self, call: CallRow) -> None:
        try:
            await self._make(call)
        except Refused as error:  # it stays open, and is made again
            _LOG.warning("what came of a call cannot be kept: %s", error)

    async def _make(self, call: CallRow) -> None:
        told = await self._told(call)
        body = msgspec.json.encode(told)
        outcomes = []
        if self._command:
            outcomes.append(await self._run(body))
        if self._webhook:
            outcomes.append(await self._post(body))
        outcome = "; ".join(outcomes) or UNTOLD
        await self._calls.called(call, outcome, self._clock())
        _LOG.warning("somebody is to be called", extra={"call": told, "outcome": outcome})

    async def _told(self, call: CallRow) -> dict[str, Any]:
        """What whoever rings has to know."""
        found: dict[str, Any] = {
            "timer": call.timer,
            "owed_by": call.owed_by,
            "contact": call.contact,
            "at": format_instant(call.at_us),
            "message": call.message.hex(),
        }
        told = await self._desk.thread(call.message.hex())
        if told is None:
            return found
        pact = told.running.pact
        party = pact.party(call.owed_by)
        about = told.thread.message(call.message.hex())
        contact = None if party is None or call.step < 0 else party.contacts[call.step]
        spoken = () if contact is None or party is None else contact.languages or party.languages
        own = pact.party(self._desk.party)
        words = preferred(() if own is None else own.languages)
        return found | {
            "thread": told.thread.first.id,
            "kind": "" if about is None else about.kind.value,
            "data_mode": pact.data_mode.value,
            "reach": [] if contact is None else list(contact.reach),
            "languages": list(spoken),
            "script": [] if about is None else list(words.script(about)),
        }

    async def _run(self, body: bytes) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            return f"the command cannot be run ({error.strerror})"
        try:
            async with asyncio.timeout(CALL_S):
                await process.communicate(body)
        except TimeoutError:
            await _ended(process)
            return f"the command did not end within {CALL_S:g} s"
        except asyncio.CancelledError:  # the node stops; the call is made again at its next start
            await _ended(process)
            raise
        code = process.returncode
        return "the command was run" if code == 0 else f"the command ended with status {code}"

    async def _post(self, body: bytes) -> str:
        try:
            answer = await self._client.send("POST", self._webhook, body=body, timeout_s=CALL_S)
        except (CallFailed, InputError) as error:
            return f"the webhook did not answer ({error})"
        good = 200 <= answer.status < 300
        return "the webhook was told" if good else f"the webhook answered with status {answer.status}"


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a command that goes on."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
