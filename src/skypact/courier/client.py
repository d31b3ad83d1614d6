"""Every call that goes out, over HTTP.

Law: a peer is not trusted. Its certificate is verified, always. Only permitted addresses are connected to
(:mod:`skypact.courier.addresses`); a redirect is an answer like any other and is not followed; proxies that
the environment names are not used. An answer is bounded in size and in time, headers and body together, and
comes unpacked. Plain HTTP goes only to addresses that the configuration names: a token on the open internet
would be anybody's.

A call that fails says whether it can have arrived: what certainly did not may be sent again without a
thought.

Known limits: HTTP/1.1. One pool of connections in a process; an idle one is dropped after 4 s, before the
servers that drop theirs after 5.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import httpcore

from skypact import __version__
from skypact.courier.addresses import Addresses, CheckedBackend, NotPermitted
from skypact.errors import InputError, SkypactError

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY_MAX: Final = 16 * 1024 * 1024
"""Bytes of an answer's body; more is not read."""
TIMEOUT_S: Final = 10.0
_IDLE_S: Final = 4.0
_CONNECTIONS_MAX: Final = 128


class TokenSource(Protocol):
    """What gives bearer tokens."""

    async def token(self, audience: str, scope: str) -> str:
        """A token for this audience and these scopes, good for at least some seconds more."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.

    Attributes
    ----------
    status
        Of HTTP; a redirect is one of them.
    headers
        Names in lower case.
    body
        Its bytes.
    took_s
        Seconds, with connecting.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    took_s: float


class CallFailed(SkypactError):  # noqa: N818  # an outcome, of which the caller makes what he must
    """A call that got no answer.

    Attributes
    ----------
    arrived
        Whether the peer may have seen the request. False: certainly not.
    """

    def __init__(self, message: str, *, arrived: bool) -> None:
        self.arrived = arrived
        super().__init__(message)


class Client:
    """What calls go out through; one for a process.

    Parameters
    ----------
    addresses
        Which addresses may be reached.
    tokens
        Gives bearer tokens; None: calls with a scope are a fault of the programmer.
    trust
        A file of certificates of authorities to trust beside those of the system; for a private authority.
    """

    def __init__(
        self, addresses: Addresses, tokens: TokenSource | None = None, *, trust: str | None = None
    ) -> None:
        self.tokens = tokens
        self._addresses = addresses
        context = ssl.create_default_context()
        if trust is not None:
            context.load_verify_locations(cafile=trust)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_CONNECTIONS_MAX,
            max_keepalive_connections=_CONNECTIONS_MAX,
            keepalive_expiry=_IDLE_S,
            network_backend=CheckedBackend(addresses),
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        audience: str | None = None,
        body: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        headers: Mapping[str, str] | None = None,
        body_max: int = BODY_MAX,
    ) -> Response:
        """Make one call.

        Parameters
        ----------
        method, url
            ``http`` or ``https``, with a host, without credentials.
        scope
            Scopes of the token; empty: without a token.
        audience
            Of the token; the URL's host where it is not given.
        body
            JSON, unless a header says otherwise.
        timeout_s
            Seconds for all of it, the token too.
        headers
            Further ones.
        body_max
            Bytes of the answer's body.

        Raises
        ------
        CallFailed
            There was no answer, or none that may be taken.
        InputError
            The URL cannot be called.
        """
        target = target_of(url)
        begun = _Begun()
        started_s = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                sent = await self._headers(scope, audience or host_of(url), body, headers or {})
                status, got, data = await self._exchange(method, target, sent, body, body_max, begun)
        except TimeoutError:
            raise CallFailed(f"no answer within {timeout_s:g} s", arrived=begun.sent) from None
        except NotPermitted as error:
            raise CallFailed(str(error), arrived=False) from None
        except httpcore.NetworkError as error:
            raise CallFailed(_plainly(error, "the connection failed"), arrived=begun.sent) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise CallFailed(_plainly(error, "not HTTP"), arrived=begun.sent) from None
        except (httpcore.TimeoutException, ssl.SSLError, OSError) as error:
            raise CallFailed(_plainly(error, "the connection failed"), arrived=begun.sent) from None
        return Response(status, got, data, time.monotonic() - started_s)

    async def _headers(
        self, scope: str, audience: str, body: bytes | None, more: Mapping[str, str]
    ) -> list[tuple[bytes, bytes]]:
        headers = {"accept-encoding": "identity", "user-agent": f"skypact/{__version__}"}
        if body is not None:
            headers["content-type"] = "application/json"
        headers.update({name.lower(): value for name, value in more.items()})
        if scope:
            if self.tokens is None:
                raise RuntimeError("a call with a scope, and nothing that gives tokens")
            headers["authorization"] = f"Bearer {await self.tokens.token(audience, scope)}"
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]

    async def _exchange(
        self,
        method: str,
        target: httpcore.URL,
        headers: list[tuple[bytes, bytes]],
        body: bytes | None,
        body_max: int,
        begun: _Begun,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send and receive; httpcore's trace tells when the first byte goes out."""
        request = httpcore.Request(
            method,
            target,
            headers=[(b"host", _host_header(target)), *headers, *_length(method, body)],
            content=body or b"",
            extensions={"trace": self._trace(target, begun)},
        )
        response = await self._pool.handle_async_request(request)
        try:
            got = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            if got.get("content-encoding", "identity").lower() != "identity":
                raise CallFailed("the answer is compressed, which was not asked for", arrived=True)
            data = bytearray()
            async for piece in response.aiter_stream():
                data += piece
                if len(data) > body_max:
                    raise CallFailed(f"the answer is longer than {body_max} bytes", arrived=True)
            return response.status, got, bytes(data)
        finally:
            await response.aclose()

    def _trace(self, target: httpcore.URL, begun: _Begun) -> _Trace:
        return _Trace(begun, self._addresses if target.scheme == b"http" else None)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


@dataclass(slots=True)
class _Begun:
    """Whether a byte of the request has gone out."""

    sent: bool = False


@dataclass(slots=True)
class _Trace:
    """Listens to httpcore: when a request begins to be sent, and over what."""

    begun: _Begun
    named_only: Addresses | None

    async def __call__(self, event: str, info: Mapping[str, object]) -> None:
        """One event."""
        if event == "http11.send_request_headers.started":
            self.begun.sent = True
        elif event == "connection.connect_tcp.complete" and self.named_only is not None:
            stream = info["return_value"]
            assert isinstance(stream, httpcore.AsyncNetworkStream)  # noqa: S101  # httpcore's contract
            peer = str(stream.get_extra_info("server_addr")[0])
            if not _named(self.named_only, peer):
                await stream.aclose()
                raise NotPermitted(
                    f"{peer} is reached by https only; network.allow_private names where plain http may go"
                )


def _named(addresses: Addresses, text: str) -> bool:
    return addresses.named(ipaddress.ip_address(text.partition("%")[0]))


def target_of(url: str, *, where: str = "") -> httpcore.URL:
    """A URL that can be called.

    Raises
    ------
    InputError
        It is not ``http`` or ``https``, has no host, or carries credentials or what is no URL.
    """
    expected = "an http or https URL with a host, without user, password or fragment"
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        ascii_host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except (ValueError, UnicodeError):
        raise InputError("not a URL", where=where, found=url[:200], expected=expected) from None
    odd = not url.isascii() or not url.isprintable() or " " in url or "\\" in url
    if (
        odd
        or parts.scheme not in {"http", "https"}
        or not ascii_host
        or "@" in parts.netloc
        or parts.fragment
    ):
        raise InputError("a URL that cannot be called", where=where, found=url[:200], expected=expected)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return httpcore.URL(
        scheme=parts.scheme.encode(),
        host=ascii_host.encode("ascii"),
        port=port,
        target=path.encode("ascii"),
    )


def host_of(url: str) -> str:
    """The host of a URL, without a port: the audience of tokens for it.

    Raises
    ------
    InputError
        The URL cannot be called.
    """
    return target_of(url).host.decode("ascii")


def _host_header(target: httpcore.URL) -> bytes:
    host = b"[" + target.host + b"]" if b":" in target.host else target.host
    default = {b"http": 80, b"https": 443}[target.scheme]
    return host if target.port in {None, default} else host + b":" + str(target.port).encode()


def _length(method: str, body: bytes | None) -> list[tuple[bytes, bytes]]:
    if body is None and method in {"GET", "HEAD", "DELETE"}:
        return []
    return [(b"content-length", str(len(body or b"")).encode())]


def _plainly(error: Exception, otherwise: str) -> str:
    text = " ".join(str(error).split())[:200]
    return text or f"{otherwise} ({type(error).__name__})"
