"""What a door is: an operation, the call that came through it, and the answer that goes back.

Law: everything the server does for every request (who asks, may he, how large, what shape, what is said when
it is refused) is drawn from one :class:`Operation` row, and the handler is left with the matter itself. The
same rows draw the OpenAPI document.
"""

from __future__ import annotations

import contextvars
import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

CORRELATION: contextvars.ContextVar[str] = contextvars.ContextVar("skypact_correlation", default="")
"""The correlation id of the request that is being answered, for whoever writes a line of the log below."""


class Style(enum.Enum):
    """How a refusal is written."""

    F3548 = "f3548"
    """The standard's error object: ``{"message": …}`` and what the reason adds."""
    PROBLEM = "problem"
    """RFC 9457 problem details."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed the gate.

    Attributes
    ----------
    party
        ``sub`` of its token; empty where the operation asks for no token.
    scopes
        The scopes of its token.
    params, query
        From the path's template and the query string.
    body
        The decoded body, of the type of the operation; None where it has none.
    raw
        The bytes of the body as they came.
    now_us
        When it came, in microseconds since 1970 UTC: the only clock the handler knows.
    correlation
        An id that is in the answer's headers and in every line of the log about this request.
    """

    party: str
    scopes: frozenset[str]
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    raw: bytes
    now_us: int
    correlation: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, and a body: what msgspec can write as JSON, bytes as they are, or nothing."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


def any_of(*scopes: str) -> tuple[frozenset[str], ...]:
    """For :attr:`Operation.scopes`: each of these scopes suffices alone."""
    return tuple(frozenset({scope}) for scope in scopes)


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table of operations.

    Attributes
    ----------
    name
        The operationId of the interface's definition.
    method, path
        ``PUT``, ``/dss/v1/operational_intent_references/{entityid}``.
    scopes
        Sets of scopes, any one of which suffices, each whole; empty: no token is asked for.
    handle
        What is done.
    body
        The type that the JSON body is decoded into; ``bytes``: it comes as it is, of any kind; None: no
        body is expected, and one that comes is not read.
    statuses
        Status and what it means, for the OpenAPI document; those of every operation are added by the server.
    style
        How a refusal is written.
    summary, tag
        For the document.
    answer
        The type of a successful answer's body, for the document.
    query
        The query parameters that it reads, and what each means, for the document; a name that ends in ``*``
        is one that must be there, and the server sees to it.
    quiet
        Not a line of the log for each success: what a machine asks every few seconds.
    """

    name: str
    method: str
    path: str
    scopes: tuple[frozenset[str], ...]
    handle: Callable[[Call], Awaitable[Answer]]
    body: type | None = None
    statuses: Mapping[int, str] = field(default_factory=dict)
    style: Style = Style.F3548
    summary: str = ""
    tag: str = ""
    answer: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """What operations beside each other have in common: a scope, a chapter, how paths begin.

    Attributes
    ----------
    scope
        What a token has to have.
    tag
        Their chapter of the document.
    prefix
        How their paths begin.
    quiet
        As for :class:`Operation`.
    """

    scope: str
    tag: str
    prefix: str = ""
    quiet: bool = False

    def row(
        self,
        name: str,
        method: str,
        path: str,
        handle: Callable[[Call], Awaitable[Answer]],
        summary: str,
        *,
        body: type | None = None,
        answer: Any = None,
        statuses: Mapping[int, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Operation:
        """One of them; its refusals are problem details."""
        return Operation(
            name,
            method,
            self.prefix + path,
            any_of(self.scope),
            handle,
            body=body,
            statuses=statuses or {},
            style=Style.PROBLEM,
            summary=summary,
            tag=self.tag,
            answer=answer,
            query=query or {},
            quiet=self.quiet,
        )
