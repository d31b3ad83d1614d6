"""Every call that goes out, over HTTP.

Law: a peer is not trusted. Its certificate is verified, always. Only permitted addresses are connected to
(:mod:`skypact.courier.addresses`); a redirect is an answer like any other and is not followed; proxies that
the environment names are not used. An answer is bounded in size and in time, headers and body together, and
comes unpacked. Plain HTTP goes only to addresses that the configuration names: a token on the open internet
would be anybody's.

A call that fails says whether it can have arrived: what certainly did not may be sent again without a
thought.

How it works. HTTP/1.1, on connections that are kept, sixteen to a host at most
(:mod:`skypact.courier.connections`).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from skypact import __version__
from skypact.courier.addresses import Addresses, NotPermitted, NotReached, connect
from skypact.courier.connections import Broken, Connection, Connections
from skypact.errors import InputError, SkypactError

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY_MAX: Final = 16 * 1024 * 1024
"""Bytes of an answer's body; more is not read."""
TIMEOUT_S: Final = 10.0


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
        self._tls = context
        self._connections = Connections()

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
        except (NotReached, Broken) as error:
            raise CallFailed(str(error), arrived=begun.sent) from None
        return Response(status, got, data, time.monotonic() - started_s)

    async def _headers(
        self, scope: str, audience: str, body: bytes | None, more: Mapping[str, str]
    ) -> dict[str, str]:
        headers = {"accept-encoding": "identity", "user-agent": f"skypact/{__version__}"}
        if body is not None:
            headers["content-type"] = "application/json"
        headers.update({name.lower(): value for name, value in more.items()})
        if scope:
            if self.tokens is None:
                raise RuntimeError("a call with a scope, and nothing that gives tokens")
            headers["authorization"] = f"Bearer {await self.tokens.token(audience, scope)}"
        return headers

    async def _exchange(
        self,
        method: str,
        target: Target,
        headers: dict[str, str],
        body: bytes | None,
        body_max: int,
        begun: _Begun,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send and receive."""
        tls = self._tls if target.scheme == "https" else None
        got = await self._connections.exchange(
            (target.scheme, target.host, target.port),
            partial(connect, self._addresses, target.host, target.port, Connection, tls=tls),
            _request(method, target, headers, body),
            again=method == "GET",
            body_max=body_max,
            begun=begun.now,
        )
        return got.status, got.headers, bytes(got.body)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()


@dataclass(slots=True)
class _Begun:
    """Whether a byte of the request has gone out."""

    sent: bool = False

    def now(self) -> None:
        """It goes out now."""
        self.sent = True


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that can be called, in its parts; the host in ASCII, the path with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(maxsize=1_024)
def target_of(url: str, *, where: str = "") -> Target:
    """A URL that can be called.

    Raises
    ------
    InputError
        It is not ``http`` or ``https``, has no host, or carries credentials or what is no URL; or it was made
        of a base URL with a query, so that its path has become part of that.
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
    if "/uss/v1/" in parts.query or "/dss/v1/" in parts.query:
        raise InputError(
            "a base URL with a query cannot be called",
            where=where,
            found=url[:200],
            expected="no query in it",
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, ascii_host, _PORTS[parts.scheme] if port is None else port, path)


def host_of(url: str) -> str:
    """The host of a URL, without a port: the audience of tokens for it.

    Raises
    ------
    InputError
        The URL cannot be called.
    """
    return target_of(url).host


def _request(method: str, target: Target, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The bytes of a request.

    Raises
    ------
    InputError
        A header would be more than one line.
    """
    lines = [f"{method} {target.path} HTTP/1.1", f"host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None or method not in {"GET", "DELETE"}:
        lines.append(f"content-length: {len(body or b'')}")
    if not all(line.isprintable() for line in lines):
        raise InputError("a header that cannot be sent", where="headers")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")
