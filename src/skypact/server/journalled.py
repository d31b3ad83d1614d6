"""What peers ask and say, each exchange noted for the log with what was answered, refusals too.

Law: this changes nothing of a request or its answer. Only paths of the interface between services are noted;
what our own people ask is not a message between parties. What strangers send is counted in the metrics, by
status, and not noted: whoever has no token that is good here for what he asks, or asks for what there is not,
writes nothing to this disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.desk.clock import now_us
from skypact.desk.logs import BODY, Heard
from skypact.server.app import ADMITTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BETWEEN: Final = "/uss/v1/"
"""Where the interface between services begins."""
LOG_SETS: Final = "/uss/v1/log_sets/"
"""Not noted: a log that holds its own reading never ends."""


class Journalled:
    """An application whose exchanges with peers are noted.

    Parameters
    ----------
    app
        What answers.
    note
        Takes each exchange: :meth:`skypact.desk.logs.Journal.note`.
    base_url
        How others reach this node, for the full URL of each request.
    """

    def __init__(
        self,
        app: ASGIApp,
        note: Callable[[Heard], None],
        *,
        base_url: str,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._app = app
        self._note = note
        self._base_url = base_url
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and note it."""
        path: str = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(BETWEEN) or path.startswith(LOG_SETS):
            await self._app(scope, receive, send)
            return
        began_us = self._clock()
        asked, told, status = bytearray(), bytearray(), 0

        async def hearing() -> Message:
            message = await receive()
            if message["type"] == "http.request" and len(asked) <= BODY:
                asked.extend(message.get("body", b""))
            return message

        async def telling(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and len(told) <= BODY:
                told.extend(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, hearing, telling)
        finally:
            self._heard(scope, bytes(asked), bytes(told), status, began_us)

    def _heard(self, scope: Scope, asked: bytes, told: bytes, status: int, began_us: int) -> None:
        if scope.get(ADMITTED):
            headers = dict(scope["headers"])
            query = scope["query_string"].decode("latin-1")
            client = scope.get("client")
            self._note(
                Heard(
                    True,
                    scope["method"],
                    f"{self._base_url}{scope['path']}{'?' + query if query else ''}",
                    headers.get(b"authorization", b"").decode("latin-1"),
                    asked,
                    began_us,
                    told,
                    self._clock(),
                    status,
                    "" if status else "the peer went away before it was answered",
                    client[0] if client else "",
                )
            )
