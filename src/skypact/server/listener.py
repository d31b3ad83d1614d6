"""The socket's side: uvicorn, with what it leaves open closed.

Law: a request's head has its deadline and its size, and so has its whole, whether anybody reads it or not.
A stop is asked for once and is orderly: no new connections, requests in flight get their time, then the
end.

How it works. uvicorn with httptools. Its protocol has no bound on how long a head may take nor on how long
it may be; the class here adds both. Its server takes signals for itself and sends them on when it has
ended, which would end the process before the store is closed; here the node has the signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from skypact.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from skypact.server.limits import Limits


class _Overlong(Exception):  # noqa: N818  # httptools turns it into a 400
    """The head is longer than it may be."""


def _protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """The protocol of uvicorn, with deadlines and a bound on the head."""

    class Bounded(HttpToolsProtocol):
        """One connection."""

        _deadline: asyncio.TimerHandle | None = None
        _head_bytes = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
            """The first head is due."""
            super().connection_made(transport)
            self._due(limits.body_s)

        def connection_lost(self, exc: Exception | None) -> None:
            """Nothing is due any more."""
            self._due(None)
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            """A head is due."""
            self._head_bytes = 0
            self._due(limits.body_s)
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            """Some of the request line."""
            self._count(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            """One header."""
            self._count(len(name) + len(value) + 4)
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            """The rest is due; a second before this ends the connection, the gate refuses it with 408."""
            self._due(limits.body_s + 1.0)
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            """All of it is here."""
            self._due(None)
            super().on_message_complete()

        def _count(self, size: int) -> None:
            self._head_bytes += size
            if self._head_bytes > limits.header_bytes:
                raise _Overlong

        def _due(self, within_s: float | None) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            if within_s is not None:
                self._deadline = self.loop.call_later(within_s, self._late)

        def _late(self) -> None:
            if not self.transport.is_closing():
                self.transport.abort()

    return Bounded


class Listener(uvicorn.Server):
    """A server that leaves signals to the node.

    Attributes
    ----------
    listening
        Set once connections are taken.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield

    def stop(self) -> None:
        """Ask for the end; asked twice, requests in flight are not waited for."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def listener(
    app: ASGIApp,
    limits: Limits,
    *,
    stop_s: float,
    certificate: Path | None = None,
    certificate_key: Path | None = None,
) -> Listener:
    """The server of an application; it listens once it is given sockets."""
    return Listener(
        uvicorn.Config(
            app,
            loop="none",
            http=_protocol(limits),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=2048,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=max(1, round(stop_s)),
            limit_concurrency=limits.connections,
            ssl_certfile=str(certificate) if certificate else None,
            ssl_keyfile=str(certificate_key) if certificate_key else None,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound; port 0 takes any.

    Raises
    ------
    InputError
        It cannot be listened on.
    """
    try:
        family, kind, proto, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, proto)
    except OSError as error:
        raise _cannot(host, port, error) from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.set_inheritable(False)
    except OSError as error:
        made.close()
        raise _cannot(host, port, error) from None
    return made


def _cannot(host: str, port: int, error: OSError) -> InputError:
    return InputError(
        f"cannot be listened on ({error.strerror or error})", where="node.listen", found=f"{host}:{port}"
    )


def place_of(made: socket.socket) -> tuple[str, int]:
    """Address and port of a bound socket."""
    name: Any = made.getsockname()
    return str(name[0]), int(name[1])
