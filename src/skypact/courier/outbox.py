"""What was decided to be told is told: message by message, in order, until it has arrived or is moot.

Law: of one lane, the second message goes after the first has ended; lanes do not wait for each other, and a
host that hangs keeps no other host waiting. Every
attempt is recorded before the next. What a receiver refuses for good (:data:`FOR_GOOD`) is not sent again and
is shown as refused; everything else is tried again, ever more slowly, until it is moot (``not_after_us``).

How it works. Messages are taken from the store under a lease longer than a call may last, so that a courier
that dies loses them to the next. A wake-up brings it to work at once; without one it looks when the earliest
lane is due, and every :data:`LOOK_S` seconds for what other processes have put there. One host (name and
port) gets :data:`PER_HOST` calls at once, one that hangs a single one, of :data:`SHORT_S` but for every
fourth; hosts whose last call brought no answer, or that were never called, have :data:`UNPROVEN` of the
:data:`AT_ONCE` places together. Lanes that have not failed go first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from skypact.courier.client import CallFailed, target_of
from skypact.desk.clock import now_us
from skypact.errors import InputError, Refused, SkypactError
from skypact.instants import SECOND_US
from skypact.store import outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.courier.peers import Sender
    from skypact.store import Store, Tx

CALL_S: Final = 5.0
"""Seconds that one call may last."""
LEASE_US: Final = 15 * SECOND_US
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 60.0
LOOK_S: Final = 1.0
AT_ONCE: Final = 64
"""Lanes that are served at once."""
UNPROVEN: Final = 32
"""Of those, lanes to hosts that did not answer when last called, or were never called."""
PER_HOST: Final = 4
"""Calls to one host at once."""
SHORT_S: Final = 1.5
"""Seconds of a call to a host that hung; every fourth gets the whole time, for one that is only slow."""
SEEN: Final = 2_048
"""Lanes that are due and are looked at, to choose from."""
HOSTS: Final = 4_096
"""Hosts that are remembered."""
FOR_GOOD: Final = frozenset({400, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 501})
"""Statuses after which the same again would be refused again."""

_LOG = logging.getLogger("skypact.outbox")


@dataclass(slots=True)
class _Host:
    """How a host has answered: calls on their way, how many hung one after the other, and the last's end."""

    calls: int = 0
    hung: int = 0
    proven: bool = False

    @property
    def most(self) -> int:
        """How many calls it gets at once."""
        return 1 if self.hung else PER_HOST

    def time_s(self, call_s: float) -> float:
        """How long the next call may last."""
        return min(call_s, SHORT_S) if self.hung % 4 else call_s


def _place(url: str) -> str:
    """The host and port of a URL; of one that is none, the URL itself."""
    try:
        target = target_of(url)
    except SkypactError:
        return url
    return f"{target.host}:{target.port}"


class Outbox:
    """Delivers what the store has decided to send.

    Parameters
    ----------
    store, client
        Where messages are, and what makes the calls.
    clock
        Microseconds since 1970 UTC.
    first_pause_s, longest_pause_s
        How long to wait after the first failure of a lane, and at most; doubled each time, never in step.
    """

    def __init__(
        self,
        store: Store,
        client: Sender,
        *,
        clock: Callable[[], int] = now_us,
        first_pause_s: float = FIRST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
        call_s: float = CALL_S,
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._call_s = call_s
        self._woken = asyncio.Event()
        self._at_work: set[asyncio.Task[None]] = set()
        self._hosts: dict[str, _Host] = {}
        self._stopping = False

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until :meth:`stop`."""
        while not self._stopping:
            self._woken.clear()
            try:
                pause_s = await self._round()
            except Refused as error:  # the database is away: nothing is lost, it is tried again
                _LOG.warning("the outbox cannot be read: %s", error)
                pause_s = LOOK_S
            if pause_s > 0.0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), pause_s)
        if self._at_work:
            await asyncio.wait(self._at_work)

    def stop(self) -> None:
        """Take nothing new; what is on its way is finished."""
        self._stopping = True
        self._woken.set()

    async def drain(self) -> int:
        """Send everything that is due now, and whatever becomes due by that; returns how many were tried."""
        tried = 0
        while True:
            messages = await self._take(AT_ONCE)
            if not messages:
                return tried
            await asyncio.gather(*(self._deliver(message) for message in messages))
            tried += len(messages)

    async def _round(self) -> float:
        """Take what is due; returns how long there is nothing to do."""
        room = AT_ONCE - len(self._at_work)
        messages = await self._take(room) if room > 0 else []
        for message in messages:
            task = asyncio.create_task(self._deliver(message), name=f"skypact-outbox-{message.id}")
            self._at_work.add(task)
            task.add_done_callback(self._done)
        if messages:
            return 0.0
        now_us = (
            self._clock()
        )  # what is due and was not taken waits for a call to its host to end: it wakes us
        due_us = await self._store.read(lambda tx: outbox.next_due_us(tx, after_us=now_us))
        if due_us is None:
            return LOOK_S
        return min(LOOK_S, max(0.01, (due_us - self._clock()) / SECOND_US))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        self._woken.set()  # the next of its lane may be due
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("a message was lost sight of until its lease ends", exc_info=task.exception())

    async def _take(self, room: int) -> list[outbox.Message]:
        now_us = self._clock()
        lanes = self._chosen(await self._store.read(partial(outbox.due, now_us=now_us, limit=SEEN)), room)
        if not lanes:
            return []
        messages = await self._store.write(
            lambda tx: outbox.take(tx, now_us=now_us, lease_us=LEASE_US, limit=len(lanes), lanes=lanes)
        )
        for message in messages:
            self._host(_place(message.url)).calls += 1
        return messages

    def _chosen(self, due: list[outbox.Due], room: int) -> list[str]:
        """Which lanes are taken: those of hosts that answer first, as many of each host as it may have."""
        calls = {place: host.calls for place, host in self._hosts.items() if host.calls}
        unproven = sum(n for place, n in calls.items() if not self._hosts[place].proven)
        places = [(lane, _place(lane.url)) for lane in due]
        places.sort(key=lambda one: not self._known(one[1]).proven)  # stable: else as they came
        chosen: list[str] = []
        for lane, place in places:
            host = self._known(place)
            if len(chosen) >= room:
                break
            if calls.get(place, 0) >= host.most or (not host.proven and unproven >= UNPROVEN):
                continue
            calls[place] = calls.get(place, 0) + 1
            unproven += not host.proven
            chosen.append(lane.lane)
        return chosen

    def _known(self, place: str) -> _Host:
        return self._hosts.get(place) or _Host()

    def _host(self, place: str) -> _Host:
        """What is remembered of a host, from now on."""
        if place not in self._hosts and len(self._hosts) >= HOSTS:
            self._hosts = {name: host for name, host in self._hosts.items() if host.calls}
        return self._hosts.setdefault(place, _Host())

    async def _deliver(self, message: outbox.Message) -> None:
        started_s = time.monotonic()
        status: int | None = None
        fault, for_good = "", False
        host = self._host(_place(message.url))
        time_s = host.time_s(self._call_s)
        try:
            response = await self._client.send(
                message.method,
                message.url,
                scope=message.scope,
                body=message.body,
                timeout_s=time_s,
            )
            status = response.status
            fault = "" if 200 <= status < 300 else response.body[:200].decode("utf-8", "replace")
        except CallFailed as error:
            fault = str(error)
        except InputError as error:  # no URL that can be called, now or later
            fault, for_good = str(error), True
        except SkypactError as error:
            fault = str(error)
        finally:
            host.calls -= 1
        took_us = int((time.monotonic() - started_s) * SECOND_US)
        host.proven = status is not None
        host.hung = host.hung + 1 if status is None and took_us >= 0.9 * time_s * SECOND_US else 0
        now_us = self._clock()

        def record(tx: Tx) -> None:
            if status is not None and 200 <= status < 300:
                outbox.delivered(tx, message, now_us=now_us, took_us=took_us, status=status)
            elif for_good or status in FOR_GOOD:
                outbox.refused(tx, message, now_us=now_us, took_us=took_us, status=status, fault=fault)
            else:
                again_us = now_us + int(self._pause_s(message.failures) * SECOND_US)
                outbox.failed(
                    tx,
                    message,
                    now_us=now_us,
                    took_us=took_us,
                    status=status,
                    fault=fault,
                    again_us=again_us,
                )

        await self._store.write(record)

    def _pause_s(self, failures: int) -> float:
        """How long to wait after so many failures before this one."""
        pause_s = min(self._longest_pause_s, self._first_pause_s * 2.0 ** min(failures, 30))
        return pause_s * (0.5 + random.random())  # noqa: S311 -- no secret
