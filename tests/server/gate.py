"""A gate to knock at: operations that do what a test wants, behind the real application, without a socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import httpx
from msgspec import Meta, Struct

from skypact.errors import Reason, Refused
from skypact.server.app import Identity, Settings, application
from skypact.server.operation import Answer, Call, Operation, Style

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import ASGIApp

READ = frozenset({"read"})
NOW_US = 1_700_000_000_000_000


class Names:
    """A verifier for tests of everything but tokens: ``PARTY:scope,scope`` is a token."""

    def identify(self, token: str, now_us: int) -> Identity:
        """Whose token it is."""
        party, _, scopes = token.partition(":")
        if party == "nobody":
            raise Refused(Reason.UNAUTHENTICATED, f"not signed by anybody ({now_us})")
        return Identity(party, frozenset(scopes.split(",")))


class Point(Struct):
    """A position in a body."""

    lat: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lng: float


class Filed(Struct):
    """A body."""

    name: str
    points: list[Point] = []
    note: str | None = None


def operation(
    handle: Callable[[Call], Awaitable[Answer]],
    *,
    method: str = "POST",
    path: str = "/f/v1/things",
    body: Any = Filed,
    style: Style = Style.F3548,
    scopes: tuple[frozenset[str], ...] = (READ,),
    **more: Any,
) -> Operation:
    """One row."""
    return Operation(
        name=more.pop("name", f"{method} {path}"),
        method=method,
        path=path,
        scopes=scopes,
        handle=handle,
        body=body,
        style=style,
        **more,
    )


async def echo(call: Call) -> Answer:
    """What came through the gate."""
    return Answer(
        200,
        {
            "party": call.party,
            "params": dict(call.params),
            "query": dict(call.query),
            "body": call.body,
            "bytes": len(call.raw),
            "now_us": call.now_us,
            "correlation": call.correlation,
        },
    )


def app_of(operations: Iterable[Operation], settings: Settings | None = None) -> ASGIApp:
    """The application behind the verifier for tests."""
    return application(operations, Names(), settings or Settings(clock=lambda: NOW_US))


def ask(app: ASGIApp, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    """Send requests one after the other, as the party ``alpha`` unless a header says otherwise."""

    async def sent() -> list[httpx.Response]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://node.example"
        ) as client:
            answers = []
            for method, path, more in requests:
                headers = {"authorization": "Bearer alpha:read"} | more.pop("headers", {})
                answers.append(await client.request(method, path, headers=headers, **more))
            return answers

    return asyncio.run(sent())


def ask_one(app: ASGIApp, method: str, path: str, **more: Any) -> httpx.Response:
    """Send one request."""
    return ask(app, (method, path, more))[0]
