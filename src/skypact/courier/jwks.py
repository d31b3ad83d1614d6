"""An issuer's keys by URL: fetched in the background, never while a request waits.

Law: keys are taken whole or not at all; an answer that is no set of keys leaves the old ones. Keys older than
``stale_s`` are not used: an issuer that cannot be reached may have withdrawn them. An unknown key id brings
the next fetch forward, once in ``early_s`` at most, so that a stranger with invented ids cannot make us
call.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from skypact.courier.client import CallFailed
from skypact.desk.clock import now_us
from skypact.errors import SkypactError
from skypact.seal import public_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.courier.client import Client
    from skypact.seal import PublicKey

_LOG = logging.getLogger("skypact.courier")

REFRESH_S: Final = 300.0
STALE_S: Final = 3_600.0
EARLY_S: Final = 10.0
_ANSWER_MAX: Final = 1024 * 1024


class RemoteKeys:
    """The keys at a URL; :meth:`run` keeps them fresh.

    Parameters
    ----------
    name
        Of the issuer, for the log.
    url
        Of its JWK set.
    refresh_s, stale_s
        How often they are fetched, and how old they may be to be used.
    early_s
        How soon after a fetch an unknown key id may cause another; failures are repeated at this pace too.
    """

    def __init__(
        self,
        name: str,
        url: str,
        client: Client,
        *,
        refresh_s: float = REFRESH_S,
        stale_s: float = STALE_S,
        early_s: float = EARLY_S,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self.name = name
        self.url = url
        self._client = client
        self._refresh_s = refresh_s
        self._stale_us = int(stale_s * 1e6)
        self._early_s = early_s
        self._clock = clock
        self._keys: tuple[PublicKey, ...] | None = None
        self._fetched_us = 0
        self._sooner = asyncio.Event()

    def current(self, now_us: int) -> tuple[PublicKey, ...] | None:
        """The keys, where they were fetched and are fresh enough."""
        return self._keys if now_us - self._fetched_us <= self._stale_us else None

    def wanted(self, kid: str) -> None:  # noqa: ARG002  # which one does not matter: all are fetched
        """Fetch sooner."""
        self._sooner.set()

    async def fetch(self) -> bool:
        """Fetch them now; False, and a line in the log, where that failed."""
        try:
            answer = await self._client.send("GET", self.url, body_max=_ANSWER_MAX)
            if answer.status != 200:
                raise CallFailed(f"answered {answer.status}", arrived=True)
            keys = public_keys(answer.body, where=self.url)
        except SkypactError as error:
            _LOG.warning("keys were not fetched", extra={"issuer": self.name, "cause": str(error)})
            return False
        if keys != self._keys:
            thumbprints = [key.thumbprint for key in keys]
            _LOG.info("keys have changed", extra={"issuer": self.name, "thumbprints": thumbprints})
            self._keys = keys
        self._fetched_us = self._clock()
        return True

    async def run(self) -> None:
        """Fetch them for as long as the process lives."""
        while True:
            self._sooner.clear()
            fetched = await self.fetch()
            await asyncio.sleep(self._early_s)
            if fetched:
                try:
                    async with asyncio.timeout(max(0.0, self._refresh_s - self._early_s)):
                        await self._sooner.wait()
                except TimeoutError:
                    pass
