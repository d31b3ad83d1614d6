"""What a refusal looks like from outside: one table of statuses, two ways to write.

Law: whoever is refused learns what was wrong, where, what was found, what was expected, and an id that is in
the log too. Nothing of ours is in it: no path, no type, no stack.

Sources: the error object is F3548-21's ``ErrorResponse``; the other is RFC 9457.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skypact.errors import InputError, Reason, Refused
from skypact.server.operation import Answer, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS: Final[Mapping[Reason, int]] = {
    Reason.INVALID: 400,
    Reason.UNAUTHENTICATED: 401,
    Reason.FORBIDDEN: 403,
    Reason.UNKNOWN: 404,
    Reason.CONFLICT: 409,
    Reason.NOT_NOW: 412,
    Reason.TOO_LARGE: 413,
    Reason.TOO_MANY: 429,
    Reason.UNAVAILABLE: 503,
}
"""The status of every reason; there is no other way from a refusal to a status."""

TITLES: Final[Mapping[int, str]] = {
    400: "The request says something that is not so, or not allowed",
    401: "Who asks is not known",
    403: "Who asks is known, and may not",
    404: "There is no such thing, or not for who asks",
    405: "This place has no such method",
    408: "The request did not arrive in time",
    409: "It does not fit what is already there",
    412: "The state of things does not permit it now",
    413: "More than the limit",
    415: "The body comes in a way that is not read here",
    429: "More requests than the limit",
    500: "A fault of this server",
    501: "Not done by this server",
    503: "Not done; it may be asked again without harm",
}
"""What each status means here: titles of problems, and the words of the OpenAPI document."""

_LONGEST_FOUND = 200


def refusal(
    status: int,
    error: Refused | InputError,
    *,
    style: Style,
    correlation: str,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer that tells of a refusal, in the style of its operation."""
    extra = error.extra if isinstance(error, Refused) else {}
    body: dict[str, Any]
    if style is Style.F3548:
        body = {"message": str(error), **extra, "correlation": correlation}
        return Answer(status, body, headers or {})
    body = {"type": f"/docs#status-{status}", "title": TITLES[status], "status": status, "detail": str(error)}
    if error.where:
        body["where"] = error.where
    if error.found is not None:
        body["found"] = str(error.found)[:_LONGEST_FOUND]
    if error.expected is not None:
        body["expected"] = str(error.expected)
    return Answer(
        status, {**body, **extra, "correlation": correlation}, headers or {}, "application/problem+json"
    )


def status_of(error: Refused | InputError) -> int:
    """The status of a refusal; input that cannot be used is 400."""
    return STATUS[error.reason] if isinstance(error, Refused) else 400
