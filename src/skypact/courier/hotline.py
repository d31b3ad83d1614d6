"""Signed messages brought to the other parties, and what is missing asked for.

Law: everything that waits for a party is brought to it, in the order of its numbers, alarms first, as many
in one call as fit; what is not answered is brought again, ever more slowly, for as long as it takes: a week
is nothing. An alarm waits for no pause. Before the first message after a start the party is asked how far
ours have come there, so that a database that has lost what it said says nothing under a number that was
used. One party that hangs keeps no other waiting.

What an answer says is believed only as far as it is signed: a verdict ends the message that it is about, a
receipt is verified like any message.

Known limits: two processes of one node may bring the same messages; that is harmless, and wasteful.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from skypact.courier.client import CallFailed
from skypact.desk.clock import now_us
from skypact.desk.hotline import Verdict
from skypact.desk.lines import Tries
from skypact.errors import FormatError, InputError, Refused, SkypactError
from skypact.exchange.hotline.table import ALARMS
from skypact.strict_json import refuse_repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skypact.courier.peers import Sender
    from skypact.desk.hotline import HotlineDesk
    from skypact.desk.lines import Lines, Missing
    from skypact.store.hotline import MessageRow

SCOPE: Final = "skypact.hotline"
CALL_S: Final = 20.0
"""Seconds that one call may last: a batch is judged in it."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 60.0
MANY: Final = 128
"""Messages in one call: few enough that one batch is judged there while another is written down here."""
ALARM_PAUSE_S: Final = 2.0
"""The longest pause while an alarm waits."""
ASK_MAX_S: Final = 600.0
"""How often at least what stays missing is asked for."""
_WHY_MAX: Final = 500
_ALARMS: Final = frozenset(kind.value for kind in ALARMS)
LOOK_S: Final = 5.0
"""How often a line is looked at where nobody has said anything."""

_T = TypeVar("_T")
_LOG = logging.getLogger("skypact.hotline")


class _Judged(msgspec.Struct):
    id: str
    what: str
    why: str = ""
    receipt: str = ""


class _Answer(msgspec.Struct):
    messages: list[_Judged]


class _Line(msgspec.Struct):
    serial: int
    whole: int
    id: str
    said: int = 0


class _Envelopes(msgspec.Struct):
    envelopes: list[str]
    next: int | None = None


class NoLine(SkypactError):  # noqa: N818 -- an outcome, of which the courier makes what it must
    """A party's node did not answer, or not as it has to."""


class Hotline:
    """Delivers what one party says.

    Parameters
    ----------
    urls
        The base URLs of the other parties' nodes, by party. What is said to a party that is not there waits.
    """

    def __init__(
        self,
        desk: HotlineDesk,
        lines: Lines,
        client: Sender,
        urls: Mapping[str, str],
        *,
        clock: Callable[[], int] = now_us,
        first_pause_s: float = FIRST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._desk = desk
        self._lines = lines
        self._client = client
        self._clock = clock
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._posts = {party: _Post(party, url) for party, url in urls.items()}
        for party, url in urls.items():
            lines.tries[party] = Tries(url)
        desk.wake = self.wake
        desk.behind = self.behind
        desk.unknown.update(urls)

    def wake(self, urgent: bool = False) -> None:
        """Something may wait; ``urgent``: an alarm, for which no pause is kept."""
        for post in self._posts.values():
            post.woken.set()
            if urgent:
                post.urgent.set()

    def behind(self, party: str) -> None:
        """A party has messages of ours that this database has not: it is asked before anything is said."""
        post = self._posts.get(party)
        if post is not None:
            self._desk.unknown.add(party)
            post.woken.set()

    async def run(self) -> None:
        """Deliver for ever."""
        async with asyncio.TaskGroup() as group:
            for post in self._posts.values():
                group.create_task(self._serve(post), name=f"hotline to {post.party}")
            await asyncio.Event().wait()  # also where there is nobody to deliver to

    async def turn(self) -> None:
        """Bring everything that waits now, to each party in turn; for tests and tools."""
        for post in self._posts.values():
            with contextlib.suppress(NoLine):
                await self._bring_all(post)

    async def _serve(self, post: _Post) -> None:
        while True:
            post.woken.clear()
            post.urgent.clear()
            try:
                await self._bring_all(post)
                post.failures = 0
                pause_s, event = LOOK_S, post.woken
            except Exception as error:  # noqa: BLE001 -- one line's trouble ends no other's
                if not post.failures:
                    known = isinstance(error, NoLine | Refused)
                    told = _LOG.warning if known else _LOG.exception
                    told("a party is not reached: %s", error, extra={"party": post.party})
                post.failures += 1
                pause_s, event = await self._pause(post), post.urgent
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), pause_s)

    async def _pause(self, post: _Post) -> float:
        """How long to wait after a failure; not long while an alarm waits."""
        pause_s = self._pause_s(post.failures)
        with contextlib.suppress(Refused):
            first = await self._desk.outgoing(post.party, most=1)
            if first and first[0].kind in _ALARMS:
                pause_s = min(pause_s, ALARM_PAUSE_S)
        return pause_s

    async def _bring_all(self, post: _Post) -> None:
        """Everything that waits, batch by batch, and what is missing."""
        if post.party in self._desk.unknown:
            await self._know(post)
        post.later.clear()
        try:
            while await self._bring(post):
                pass
        finally:
            await post.rest()
        if post.later:
            raise self._failed(post, post.why or "it took none of what waits")
        missing = await self._lines.missing(post.party)
        now_s = asyncio.get_running_loop().time()
        # what is on its way may just be late: what was missing at the last look too is asked for
        if missing and missing == post.missing and now_s >= post.asked_s:
            post.asks += 1
            post.asked_s = now_s + min(ASK_MAX_S, self._pause_s(4) * 2.0 ** min(post.asks, 10))
            await self._fetch(post, missing)
        elif missing != post.missing:
            post.asks = 0
        post.missing = missing

    async def _know(self, post: _Post) -> None:
        """How far messages of both have come there; what we do not have of them is fetched."""
        line = await self._ask(post, "GET", "/hotline/v1/line", None, _Line)
        missing = await self._lines.missing(post.party, theirs=line.serial, given=line.said)
        if any(each.sender == self._desk.party for each in missing):
            _LOG.warning("this database has lost messages; they are fetched", extra={"party": post.party})
            await self._lines.skip_to(post.party, line.serial)
        await self._fetch(post, missing)
        self._desk.unknown.discard(post.party)

    async def _fetch(self, post: _Post, missing: list[Missing]) -> None:
        for each in missing:
            first: int | None = each.first
            while first is not None and first <= each.last:
                path = f"/hotline/v1/messages?sender={each.sender}&first={first}&last={each.last}"
                found = await self._ask(post, "GET", path, None, _Envelopes)
                fresh = await self._lines.fetched(found.envelopes, each, post.party, self._clock())
                # pages that bring nothing new are not gone on with, whatever they say
                onward = found.next is not None and found.next > first and fresh > 0
                first = found.next if onward else None

    async def _bring(self, post: _Post) -> bool:
        """One batch; False where nothing waits.

        While what was answered is being written here, the next batch is on its way.
        """
        rows = await self._desk.outgoing(post.party, but=post.flying | post.later, most=MANY)
        if not rows:
            flying = bool(post.flying)
            await post.landed()
            return flying
        post.flying |= {row.id for row in rows}
        heard = await self._lines.heard(post.party)
        body = msgspec.json.encode({"envelopes": [row.envelope for row in rows], "heard": heard})
        sent_us = self._clock()
        try:
            answer = await self._ask(post, "POST", "/hotline/v1/messages", body, _Answer)
        except NoLine:
            await self._desk.unanswered(rows)
            raise
        back_us = self._clock()
        await post.landed()
        post.settling = asyncio.create_task(self._settle(post, rows, answer, sent_us, back_us))
        return True

    async def _settle(
        self, post: _Post, rows: list[MessageRow], answer: _Answer, sent_us: int, back_us: int
    ) -> None:
        """Write down what was answered to a batch."""
        verdicts = [Verdict(each.id, each.what, _plain(each.why), each.receipt) for each in answer.messages]
        ended = await self._desk.answered(post.party, rows, verdicts, sent_us=sent_us, back_us=back_us)
        post.flying -= {row.id for row in rows}
        # what has to wait holds up nothing behind it
        post.later |= {row.id for row in rows if row.id not in ended}
        if len(ended) < len(rows):
            post.why = next((each.why for each in verdicts if each.what == "later"), "it judged none of them")

    async def _ask(self, post: _Post, method: str, path: str, body: bytes | None, kind: type[_T]) -> _T:
        tries = self._lines.tries[post.party]
        tries.tried_us = self._clock()
        try:
            answer = await self._client.send(
                method, post.url + path, scope=SCOPE, body=body, timeout_s=CALL_S
            )
        except (CallFailed, InputError) as error:
            raise self._failed(post, str(error)) from None
        if answer.status != 200:
            said = answer.body[:300].decode("utf-8", "replace")
            raise self._failed(post, f"status {answer.status}: {said}")
        try:
            found = msgspec.json.decode(answer.body, type=kind)
            refuse_repeated(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, FormatError) as error:
            raise self._failed(post, f"not an answer of a hotline: {error}") from None
        tries.fault = ""
        return found

    def _failed(self, post: _Post, why: str) -> NoLine:
        self._lines.tries[post.party].fault = why
        return NoLine(why)

    def _pause_s(self, failures: int) -> float:
        pause_s = min(self._longest_pause_s, self._first_pause_s * 2.0 ** min(failures - 1, 30))
        return pause_s * (0.5 + random.random())  # noqa: S311 -- no secret


def _plain(text: str) -> str:
    """A peer's words as they are kept: one line of them, and no controls."""
    return "".join(char if char.isprintable() else " " for char in text[:_WHY_MAX])


class _Post:
    """The line to one party."""

    def __init__(self, party: str, url: str) -> None:
        self.party = party
        self.url = url
        self.woken = asyncio.Event()
        self.urgent = asyncio.Event()
        self.failures = 0
        self.missing: list[Missing] = []
        self.asked_s = 0.0
        self.asks = 0
        self.later: set[bytes] = set()
        self.why = ""
        self.flying: set[bytes] = set()
        self.settling: asyncio.Task[None] | None = None

    async def landed(self) -> None:
        """Wait until the last answer is written down; raises what came of that."""
        settling, self.settling = self.settling, None
        if settling is not None:
            await settling

    async def rest(self) -> None:
        """Nothing is on its way any more, however it has ended."""
        settling, self.settling = self.settling, None
        if settling is not None:
            with contextlib.suppress(NoLine, Refused):
                await settling
        self.flying.clear()
