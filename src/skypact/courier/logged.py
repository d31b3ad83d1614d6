"""Calls as they go out, each noted for the log when it has ended: with an answer, or without one.

Law: this changes nothing of a call. What is noted is what was sent and what came back, with the bearer token
redacted by who keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skypact.courier.client import CallFailed
from skypact.desk.clock import now_us
from skypact.desk.logs import Heard
from skypact.errors import SkypactError

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.courier.client import Response, TokenSource
    from skypact.courier.peers import Sender


class Logged:
    """What makes calls, with every call noted.

    Parameters
    ----------
    inner
        Makes them: :class:`skypact.courier.client.Client`.
    note
        Takes each exchange: :meth:`skypact.desk.logs.Journal.note`.
    tokens
        Where ``inner`` has its tokens from, so that the log can tell which was used; None: unknown.
    source
        Our own base URL.
    """

    def __init__(
        self,
        inner: Sender,
        note: Callable[[Heard], None],
        *,
        tokens: TokenSource | None = None,
        source: str = "",
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._inner = inner
        self._note = note
        self._tokens = tokens
        self._source = source
        self._clock = clock

    async def send(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        body: bytes | None = None,
        timeout_s: float = 10.0,
    ) -> Response:
        """Make one call; as the inner one."""
        sent_us = self._clock()
        status, answer, problem = 0, b"", ""
        try:
            response = await self._inner.send(method, url, scope=scope, body=body, timeout_s=timeout_s)
            status, answer = response.status, response.body
        except CallFailed as error:
            problem = f"no answer: {error}"
            raise
        except SkypactError as error:
            problem = f"not sent: {error}"
            raise
        finally:
            self._note(
                Heard(
                    False,
                    method,
                    url,
                    await self._authorization(url, scope, sent=not problem.startswith("not sent")),
                    body or b"",
                    sent_us,
                    answer,
                    self._clock(),
                    status,
                    problem,
                    self._source,
                )
            )
        return response

    async def _authorization(self, url: str, scope: str, *, sent: bool) -> str:
        """The header that the call carried: the token is still the one that was kept for it."""
        if self._tokens is None or not scope or not sent:
            return "Bearer" if scope else ""
        try:
            return f"Bearer {await self._tokens.token(urlsplit(url).hostname or '', scope)}"
        except SkypactError:
            return "Bearer"
