"""The gate: what every request passes before an operation sees it, and every answer on its way out.

Law: in this order, and each once. The path and method name an operation (404, 405). A bearer token says who
asks (401) and what he may (403), before a byte of the body is read. His bucket has a token left (429). The
body is within its size (413) and time (408), plain (415), and of the shape that the operation takes (400).
Then the operation is called, with the one reading of the clock that the request gets. Whatever it raises
that is not a refusal is 500: the traceback is in the log, the correlation id in both.

**A request that was begun is not abandoned.** An operation that is not done in time is answered 503 and
goes on to its end in the background; a client that goes away changes nothing. So what answers 5xx has
either done nothing, or a repeat finds what it did. At a stop, :meth:`Gate.drain` waits for those that are
left.

How it works. The ASGI application is Starlette's router, for the life of the process, with the gate as its
default: requests go by :class:`~skypact.server.routes.Routes` (docs/decisions/0007).

Known limits: a HEAD is a GET whose body is not sent. The ``Content-Type`` of a body is not looked at: it is
JSON, or it is refused as not being JSON.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec
from starlette.routing import Router

from skypact.desk.clock import now_us
from skypact.errors import FormatError, InputError, Reason, Refused
from skypact.formats.plain import controls
from skypact.server.body import decode
from skypact.server.limits import Buckets, Limits, retry_after
from skypact.server.metrics import Metrics
from skypact.server.operation import CORRELATION, Answer, Call, Operation, Style
from skypact.server.refusals import refusal, status_of
from skypact.server.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from starlette.applications import Starlette
    from starlette.types import Message, Receive, Scope, Send

_LOG = logging.getLogger("skypact.server")
_ACCESS = logging.getLogger("skypact.access")

_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
ADMITTED: Final = "skypact.admitted"
"""Set in the scope of a request that names an operation and whose party may ask for it: no stranger's."""
_QUERY_MAX: Final = 64
_LARGE_BYTES: Final = 64 * 1024
"""Bodies beyond this are decoded in a thread, so that other requests are not kept waiting."""
_ABSENT: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as his token says.

    Attributes
    ----------
    party
        ``sub`` of the token.
    scopes
        What he may.
    """

    party: str
    scopes: frozenset[str]


class Verifier(Protocol):
    """Who tells by a token who asks; ``skypact.server.auth`` is one."""

    def identify(self, token: str, now_us: int) -> Identity:
        """Whose token it is.

        Raises
        ------
        Refused
            ``UNAUTHENTICATED``: nobody's that is known here.
        """


class Tracer(Protocol):
    """What records a span a request; OpenTelemetry's tracer, or nothing."""

    def span(self, operation: str, correlation: str, traceparent: str) -> AbstractContextManager[Any]:
        """A span that lasts as long as the block."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the gate is told.

    Attributes
    ----------
    limits
        Of a request and of a party.
    headers
        Put on every answer: the data mode, for instance.
    metrics
        Where requests are counted.
    tracer
        Where spans go; None: nowhere.
    clock
        Microseconds since 1970 UTC; tests give their own.
    """

    limits: Limits = field(default_factory=Limits)
    headers: Mapping[str, str] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    tracer: Tracer | None = None
    clock: Callable[[], int] = now_us


def application(
    operations: Iterable[Operation],
    verifier: Verifier,
    settings: Settings | None = None,
    *,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None,
) -> Router:
    """The ASGI application that answers these operations.

    Parameters
    ----------
    operations
        The rows of all roles.
    verifier
        Tells by a token who asks.
    settings
        Limits and the rest.
    lifespan
        Entered before the first request, left after the last.

    Raises
    ------
    ValueError
        Two operations answer one request, or a path is no template.
    """
    return Router(
        redirect_slashes=False,
        default=Gate(Routes(operations), verifier, settings or Settings()),
        lifespan=lifespan,
    )


class _Gone(Exception):  # noqa: N818  # not an error of anybody's
    """The client went away before its request was whole."""


class _Elsewise(Exception):  # noqa: N818  # an answer, not an error
    """An answer that no reason stands for: 405, 408, 415, and OPTIONS."""

    def __init__(self, status: int, error: Refused | None = None, **headers: str) -> None:
        self.status = status
        self.error = error
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(status)


class Gate:
    """The ASGI application behind the router."""

    def __init__(self, routes: Routes, verifier: Verifier, settings: Settings) -> None:
        self.routes = routes
        self._verifier = verifier
        self._limits = settings.limits
        self._metrics = settings.metrics
        self._tracer = settings.tracer
        self._clock = settings.clock
        self._buckets = Buckets(settings.limits.party_per_s, settings.limits.party_burst)
        self._running: set[asyncio.Task[Answer]] = set()
        self._constant = tuple(
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in {
                "cache-control": "no-store",
                "x-content-type-options": "nosniff",
                **settings.headers,
            }.items()
        )

    async def drain(self, timeout_s: float) -> int:
        """Wait for operations that outlived their request; returns how many are still not done."""
        if not self._running:
            return 0
        _, left = await asyncio.wait(self._running, timeout=timeout_s)
        return len(left)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # a websocket: there is none
            await send({"type": "websocket.close", "code": 1000})
            return
        started_s = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        correlation = given.decode() if _ID.fullmatch(given) else secrets.token_hex(16)
        CORRELATION.set(correlation)
        request = _Request(scope, headers, receive, correlation)
        try:
            if self._tracer is None:
                answer = await self._answer(request)
            else:
                found = self.routes.find(request.method, request.path)[0]
                parent = headers.get(b"traceparent", b"").decode("latin-1")
                with self._tracer.span(found.name if found else "-", correlation, parent):
                    answer = await self._answer(request)
        except _Gone:
            self._note(request, 499, started_s)
            return
        try:
            data = _encoded(answer.body)
        except Exception:  # noqa: BLE001  # the one place where any fault becomes an answer
            _LOG.exception("an answer could not be written", extra={"operation": request.name})
            answer = self._fault(request)
            data = _encoded(answer.body)
        await self._send(request, answer, data, send)
        self._note(request, answer.status, started_s)

    async def _answer(self, request: _Request) -> Answer:
        try:
            return await self._passed(request)
        except (Refused, InputError) as error:
            return self._refuse(request, error)
        except _Elsewise as other:
            if other.error is None:
                return Answer(other.status, headers=other.headers)
            request.refused = str(other.error)
            return self._told(request, other.status, other.error, other.headers)
        except _Gone:
            raise
        except Exception:  # noqa: BLE001  # the same
            _LOG.exception("an operation failed", extra={"operation": request.name, "party": request.party})
            return self._fault(request)

    async def _passed(self, request: _Request) -> Answer:
        """The order of the law."""
        operation, params, methods = self.routes.find(request.method, request.path)
        request.style = operation.style if operation else self.routes.style(request.path)
        if operation is None:
            _not_here(request, methods)
        else:
            request.operation = operation
        assert operation is not None  # noqa: S101  # _not_here always raises
        now_us = self._clock()
        scopes = self._admit(request, operation, now_us) if operation.scopes else frozenset[str]()
        for name, value in params.items():
            _printable(value, name)
        query = (
            _query(request.query_string, operation) if request.query_string or operation.query else _ABSENT
        )
        body, raw = None, b""
        if operation.body is not None:
            raw = await self._read(request)
            body = raw if operation.body is bytes else await self._decoded(raw, operation.body)
        call = Call(request.party, scopes, params, query, body, raw, now_us, request.correlation)
        return await self._done(request, operation, call)

    def _admit(self, request: _Request, operation: Operation, now_us: int) -> frozenset[str]:
        """Who asks, whether he may, and whether he asks too often."""
        if sum(name == b"authorization" for name, _ in request.scope["headers"]) > 1:
            raise Refused(
                Reason.INVALID, "two Authorization headers", where="Authorization", expected="one, or none"
            )
        kind, _, token = request.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Refused(
                Reason.UNAUTHENTICATED,
                "there is no bearer token",
                where="Authorization",
                expected="'Bearer ' and a token",
            )
        identity = self._verifier.identify(token.strip(), now_us)
        request.party = identity.party
        if not any(needed <= identity.scopes for needed in operation.scopes):
            listed = " or ".join(" with ".join(sorted(needed)) for needed in operation.scopes)
            raise Refused(
                Reason.FORBIDDEN,
                "the token lacks the scope",
                where="scope",
                found=" ".join(sorted(identity.scopes)) or "none",
                expected=listed,
            )
        wait_s = self._buckets.wait_s(identity.party, time.monotonic())
        if wait_s:
            raise Refused(
                Reason.TOO_MANY,
                "requests of this party",
                expected=f"at most {self._limits.party_per_s:g} a second, "
                f"{self._limits.party_burst:g} at once",
                extra={"retry_after_s": wait_s},
            )
        request.scope[ADMITTED] = True
        return identity.scopes

    async def _read(self, request: _Request) -> bytes:
        """The whole body, within its size and time."""
        most = self._limits.body_bytes
        if request.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise _Elsewise(
                415,
                Refused(
                    Reason.INVALID, "a body that is compressed", where="Content-Encoding", expected="identity"
                ),
                connection="close",
            )
        length = request.headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > most:
            raise _too_large(most)
        deadline_s = time.monotonic() + self._limits.body_s
        message = await _received(request, self._limits.body_s)
        data: bytes = message.get("body", b"")
        if message.get("more_body"):
            parts, size = [data], len(data)
            while message.get("more_body"):
                message = await _received(request, deadline_s - time.monotonic())
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > most:
                    raise _too_large(most)
            data = b"".join(parts)
        if len(data) > most:
            raise _too_large(most)
        return data

    async def _decoded(self, raw: bytes, kind: type) -> Any:
        read = functools.partial(decode, raw, kind, nesting_max=self._limits.nesting)
        return read() if len(raw) <= _LARGE_BYTES else await asyncio.to_thread(read)

    async def _done(self, request: _Request, operation: Operation, call: Call) -> Answer:
        """Call the operation; one that takes too long goes on alone."""
        task = asyncio.ensure_future(operation.handle(call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait((task,), timeout=self._limits.answer_s)
        if done:
            return task.result()
        task.add_done_callback(functools.partial(_late, operation.name, request.correlation))
        raise Refused(
            Reason.UNAVAILABLE,
            f"not done within {self._limits.answer_s:g} s; it may still be done, "
            "and a repeat finds what it did",
        )

    def _refuse(self, request: _Request, error: Refused | InputError) -> Answer:
        status = status_of(error)
        headers: dict[str, str] = {}
        if status == 401:
            self._metrics.unauthenticated(error.message)
            token = b"authorization" in request.headers
            headers["www-authenticate"] = (
                f'Bearer realm="skypact"{", error=" + chr(34) + "invalid_token" + chr(34) if token else ""}'
            )
        elif status == 403 and error.where == "scope":
            headers["www-authenticate"] = 'Bearer realm="skypact", error="insufficient_scope"'
        elif status == 429:
            wait_s = error.extra.get("retry_after_s", 1.0) if isinstance(error, Refused) else 1.0
            headers.update(retry_after(float(wait_s)))
        elif status == 503:
            headers.update(retry_after(1.0))
        request.refused = str(error)
        return self._told(request, status, error, headers)

    def _told(
        self, request: _Request, status: int, error: Refused | InputError, headers: Mapping[str, str]
    ) -> Answer:
        return refusal(status, error, style=request.style, correlation=request.correlation, headers=headers)

    def _fault(self, request: _Request) -> Answer:
        error = Refused(Reason.UNAVAILABLE, "a fault of this server; its log has it under the correlation id")
        return self._told(request, 500, error, {})

    async def _send(self, request: _Request, answer: Answer, data: bytes, send: Send) -> None:
        said = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ]
        own = {name for name, _ in said}  # what an operation says itself stands in place of the constant
        headers = [pair for pair in self._constant if pair[0] not in own] if own else [*self._constant]
        headers.append((b"x-request-id", request.correlation.encode()))
        if data:
            headers.append((b"content-type", answer.media_type.encode("latin-1")))
        if answer.status != 204:
            headers.append((b"content-length", str(len(data)).encode()))
        headers += said
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else data})

    def _note(self, request: _Request, status: int, started_s: float) -> None:
        took_s = time.perf_counter() - started_s
        self._metrics.request(request.name, status, took_s)
        quiet = request.operation is not None and request.operation.quiet and status < 400
        if quiet or not _ACCESS.isEnabledFor(logging.INFO):
            return
        _ACCESS.info(
            "request",
            extra={
                "operation": request.name,
                "method": request.method,
                "path": request.path[:256],
                "party": request.party,
                "status": status,
                "took_ms": round(took_s * 1000, 2),
                **({"refused": request.refused} if request.refused else {}),
            },
        )


class _Request:
    """What is known of a request while it is answered."""

    __slots__ = (
        "correlation",
        "headers",
        "method",
        "operation",
        "party",
        "path",
        "query_string",
        "receive",
        "refused",
        "scope",
        "style",
    )

    def __init__(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, correlation: str) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.headers = headers
        self.receive = receive
        self.correlation = correlation
        self.operation: Operation | None = None
        self.party = ""
        self.refused = ""
        self.style = Style.PROBLEM

    @property
    def name(self) -> str:
        """The operation's, or ``-``."""
        return self.operation.name if self.operation else "-"


def _not_here(request: _Request, methods: tuple[str, ...]) -> None:
    listed = ", ".join(methods)
    if not methods:
        raise Refused(Reason.UNKNOWN, "there is nothing here", where=request.path[:200])
    if request.method == "OPTIONS":
        raise _Elsewise(204, allow=listed)
    raise _Elsewise(
        405,
        Refused(Reason.INVALID, "this place has no such method", found=request.method[:20], expected=listed),
        allow=listed,
    )


def _query(query_string: bytes, operation: Operation) -> Mapping[str, str]:
    """The query's parameters; a name given twice could be read in two ways, and is refused."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_QUERY_MAX,
        )
    except ValueError as error:
        raise FormatError(f"no query that can be read ({error})", where="query") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        twice = next(name for name in query if sum(name == other for other, _ in pairs) > 1)
        raise FormatError("a parameter is given twice", where=f"query.{twice[:40]}", expected="once")
    for name, value in pairs:
        _printable(name, "query")
        _printable(value, f"query.{name[:40]}")
    for name in operation.query:
        if name.endswith("*") and not query.get(name[:-1]):
            raise FormatError(
                "a parameter is missing", where=f"query.{name[:-1]}", expected=operation.query[name]
            )
    return query


def _printable(text: str, where: str) -> None:
    """Refuse a control character in what the path or the query says."""
    control = controls(text)
    if control:
        raise FormatError(
            "a control character", where=where, found=control, expected="text that can be printed"
        )


async def _received(request: _Request, left_s: float) -> Message:
    """The next piece of the body."""
    try:
        async with asyncio.timeout(left_s):
            message = await request.receive()
    except TimeoutError:
        raise _Elsewise(
            408,
            Refused(Reason.INVALID, "the body did not arrive in time"),
            connection="close",
        ) from None
    if message["type"] == "http.disconnect":
        raise _Gone
    return message


def _too_large(most: int) -> Exception:
    return _Elsewise(
        413,
        Refused(Reason.TOO_LARGE, "the body", where="Content-Length", expected=f"at most {most} bytes"),
        connection="close",
    )


def _encoded(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


def _late(name: str, correlation: str, task: asyncio.Task[Answer]) -> None:
    """Log how an operation ended that outlived its request."""
    more = {"operation": name, "correlation": correlation}
    if task.cancelled():
        _LOG.error("an operation that outlived its request was stopped", extra=more)
    elif task.exception() is not None:
        _LOG.error("an operation that outlived its request failed", exc_info=task.exception(), extra=more)
    else:
        _LOG.warning("an operation outlived its request", extra=more | {"status": task.result().status})
