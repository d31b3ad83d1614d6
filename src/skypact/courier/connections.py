"""Connections to others: HTTP/1.1, kept open, a few for each host; one request at a time on each.

Law: an answer is read whole or not at all: bounded in its head and its body, strictly parsed (llhttp, by
httptools, without its leniencies), never unpacked. A connection on which anything came that was not asked
for, or whose exchange did not end well, is not used again.

How it works. A connection is a protocol of the event loop: what comes is fed to the parser where it arrives,
and whoever waits is woken once, with the whole answer. Idle ones wait in a stack for each host. A server may
drop an idle connection at the moment at which a request goes out on it; so one that has been idle for long
carries only what may be repeated (GET), and such a request is sent again on a new connection, once.

Sources: RFC 9112; RFC 9110 §9.2.2 (what may be repeated).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

import httptools

from skypact.errors import SkypactError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HEAD_MAX: Final = 64 * 1024
"""Bytes of an answer's head."""
INTERIM_MAX: Final = 8
"""Interim answers (1xx) before the answer itself."""
IDLE_S: Final = 4.0
"""How long a connection may have been idle for a request that must not be repeated: servers drop after 5."""
KEPT_S: Final = 60.0
"""How long an idle connection is kept."""
PER_HOST: Final = 16
"""Connections to one host at once."""
ALL: Final = 128
"""Connections at once."""


class Broken(SkypactError):  # noqa: N818  # an outcome
    """The exchange came to no whole answer."""


class Dropped(Broken):
    """The connection ended before anything of an answer came."""


@dataclass(slots=True)
class Received:
    """An answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.idle_since_s = 0.0
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Received] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._got = Received()
        self._body_max = 0
        self._size = 0
        self._interim = 0
        self._some = False
        self._in_body = False
        self._to_the_end = False
        self._over = False
        self._odd = False

    @property
    def open(self) -> bool:
        """Whether another request may go out on it."""
        return self._transport is not None and not self._transport.is_closing() and not self._odd

    @property
    def peer(self) -> str:
        """The address that it is connected to; empty where that is not known."""
        named = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(named[0]) if named else ""

    async def exchange(self, request: bytes, body_max: int, begun: Callable[[], None]) -> Received:
        """Send one request, and wait for its answer.

        Raises
        ------
        Dropped
            The connection ended first.
        Broken
            What came is no answer that may be taken.
        """
        if self._transport is None or not self.open:
            raise Dropped("the connection had ended")
        waiter: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        self._waiter = waiter
        self._parser = httptools.HttpResponseParser(self)
        self._got, self._body_max, self._size = Received(), body_max, 0
        self._interim = 0
        self._some = self._in_body = self._to_the_end = self._over = False
        begun()
        self._transport.write(request)
        try:
            got = await waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = self._parser = None
        return got

    def abort(self) -> None:
        """End it at once."""
        self._odd = True
        if self._transport is not None:
            self._transport.abort()

    # -- what the loop tells --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, and not by its class

    def data_received(self, data: bytes) -> None:
        """Some of the answer."""
        if self._parser is None or self._waiter is None or self._waiter.done():
            self.abort()  # nobody asked
            return
        self._some = True
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("it speaks another protocol now")
        except httptools.HttpParserError as error:
            self._fail(f"not HTTP ({error})")
        if not self._in_body and self._size > HEAD_MAX:
            self._fail(f"the answer's head is longer than {HEAD_MAX} bytes")
        elif self._size > HEAD_MAX + 2 * self._body_max + HEAD_MAX:
            self._fail("the answer is more packing than content")

    def eof_received(self) -> None:
        """The other side has said all that it will."""
        if self._in_body and self._to_the_end and not self._over:
            self._odd = True
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._odd = True
        if self._waiter is not None and not self._waiter.done():
            why = " ".join(str(exc or "").split())[:200] or "the connection ended before the answer did"
            self._waiter.set_exception(Broken(why) if self._some else Dropped(why))

    # -- what the parser tells ------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; one too many is not read."""
        if self._over:
            self._odd = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if not self._over and not self._in_body:  # what trails a body is not looked at
            self._got.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._over or self._parser is None:
            return
        got = self._got
        got.status = self._parser.get_status_code()
        if got.status < 200:  # an interim answer
            self._interim += 1
            if self._interim > INTERIM_MAX:
                self._fail(f"more than {INTERIM_MAX} interim answers before the answer")
            return
        self._in_body = True
        self._to_the_end = "content-length" not in got.headers and "transfer-encoding" not in got.headers
        if got.headers.get("content-encoding", "identity").lower() != "identity":
            self._fail("the answer is compressed, which was not asked for")
        if not self._parser.should_keep_alive():
            self._odd = True

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if self._over:
            return
        self._got.body += body
        if len(self._got.body) > self._body_max:
            self._fail(f"the answer is longer than {self._body_max} bytes")

    def on_message_complete(self) -> None:
        """The answer is whole, or was an interim one."""
        if self._over:
            return
        if self._in_body:
            self._end()
        else:
            self._got = Received()

    def _end(self) -> None:
        self._over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._got)
        if self._odd and self._transport is not None:
            self._transport.close()

    def _fail(self, why: str) -> None:
        self._over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Broken(why))
        self.abort()


@dataclass(slots=True)
class _Host:
    """The connections to one host."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_HOST))
    idle: list[Connection] = field(default_factory=list)
    users: int = 0


class Connections:
    """All connections that are open, by host.

    Parameters
    ----------
    kept_s
        How long an idle one is kept.
    """

    def __init__(self, *, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._hosts: dict[tuple[str, str, int], _Host] = {}
        self._turns = asyncio.Semaphore(ALL)

    async def exchange(
        self,
        place: tuple[str, str, int],
        connect: Callable[[], Awaitable[Connection]],
        request: bytes,
        *,
        again: bool,
        body_max: int,
        begun: Callable[[], None],
    ) -> Received:
        """Send a request to a place, on a connection that is open or on a new one.

        Parameters
        ----------
        place
            Scheme, host and port.
        connect
            Makes a connection to it.
        again
            Whether the request may be sent twice.
        begun
            Called before a byte of it goes out.

        Raises
        ------
        Broken
            There was no whole answer.
        """
        host = self._hosts.setdefault(place, _Host())
        host.users += 1
        try:
            async with host.turns, self._turns:
                got = None
                connection = self._idle(host, long=again)
                if connection is not None:
                    try:
                        got = await connection.exchange(request, body_max, begun)
                    except Dropped:
                        if not again:
                            raise
                if connection is None or got is None:
                    self._make_room()
                    connection = await connect()
                    got = await connection.exchange(request, body_max, begun)
                self._keep(place, host, connection)
                return got
        finally:
            host.users -= 1
            self._tidy(place, host)

    def _idle(self, host: _Host, *, long: bool) -> Connection | None:
        """An open connection: the one that was used last."""
        now_s = asyncio.get_running_loop().time()
        while host.idle:
            connection = host.idle[-1]
            if not connection.open:
                host.idle.pop()
                continue
            idle_s = now_s - connection.idle_since_s
            return host.idle.pop() if long or idle_s < IDLE_S else None
        return None

    def _keep(self, place: tuple[str, str, int], host: _Host, connection: Connection) -> None:
        if not connection.open:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        since_s = connection.idle_since_s = loop.time()
        host.idle.append(connection)
        loop.call_later(self._kept_s, self._expire, place, connection, since_s)

    def _expire(self, place: tuple[str, str, int], connection: Connection, since_s: float) -> None:
        host = self._hosts.get(place)
        if host is None or connection.idle_since_s != since_s or connection not in host.idle:
            return
        host.idle.remove(connection)
        connection.abort()
        self._tidy(place, host)

    def _tidy(self, place: tuple[str, str, int], host: _Host) -> None:
        if not host.users and not host.idle:
            self._hosts.pop(place, None)

    def _make_room(self) -> None:
        """Where there are many, give up the one that has been idle for longest."""
        idle = [(c.idle_since_s, c, host) for host in self._hosts.values() for c in host.idle]
        if len(idle) >= ALL:
            _, connection, host = min(idle, key=lambda entry: entry[0])
            host.idle.remove(connection)
            connection.abort()

    async def close(self) -> None:
        """End those that are idle."""
        for host in self._hosts.values():
            for connection in host.idle:
                connection.abort()
            host.idle.clear()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # the loop takes their ends
