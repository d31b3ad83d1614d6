"""Tokens for outgoing calls.

Law: a token is asked for once and used until shortly before it expires; a hundred calls that need the same
one at the same time wait for one request. A token never appears in a message, an error or the log.

Three sources: a key of our own (development, and parties that agreed on it), a token endpoint in the style
of the InterUSS stand-in (``GET /token?…``), and OAuth 2 client credentials (RFC 6749 §4.4, what F3548-21
assumes).
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote_plus, urlencode

import msgspec

from skypact.courier.client import CallFailed
from skypact.errors import FormatError
from skypact.seal import LIFE_S, access_token, take_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.courier.client import Client
    from skypact.seal import SigningKey

SPARE_S: Final = 60.0
"""A token is replaced this long before it expires, or when a tenth of its life is left where that is less."""
KEPT_MAX: Final = 2_000
"""Tokens for different audiences and scopes."""
_ANSWER_MAX: Final = 64 * 1024


class Grant(Protocol):
    """How a new token is got."""

    async def new(self, audience: str, scope: str, now_s: float) -> tuple[str, float]:
        """A token, and until when it is good (seconds since 1970)."""


def _now_s() -> float:
    return time.time_ns() / 1e9


class Tokens:
    """Tokens as they are needed.

    Parameters
    ----------
    grant
        How a new one is got.
    clock
        Seconds since 1970 UTC; tests give their own.
    """

    def __init__(self, grant: Grant, *, clock: Callable[[], float] = _now_s) -> None:
        self._grant = grant
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._asked: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def token(self, audience: str, scope: str) -> str:
        """A token for this audience and these scopes.

        Raises
        ------
        CallFailed
            The endpoint gave none.
        """
        wanted = audience, " ".join(sorted(scope.split()))
        kept = self._kept.get(wanted)
        if kept is not None and self._clock() < kept[1]:
            return kept[0]
        task = self._asked.get(wanted)
        if task is None:
            task = self._asked[wanted] = asyncio.ensure_future(self._new(wanted))
            task.add_done_callback(lambda done: self._ended(wanted, done))
        # a caller that is given up on must not take the others' token with it
        return await asyncio.shield(task)

    def _ended(self, wanted: tuple[str, str], task: asyncio.Task[str]) -> None:
        self._asked.pop(wanted, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it

    async def _new(self, wanted: tuple[str, str]) -> str:
        now_s = self._clock()
        token, end_s = await self._grant.new(*wanted, now_s)
        self._kept[wanted] = token, end_s - min(SPARE_S, (end_s - now_s) / 10)
        self._kept.move_to_end(wanted)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return token


class OwnKey:
    """Tokens signed by a key of this node.

    Parameters
    ----------
    key
        What signs.
    issuer, party
        ``iss`` and ``sub``.
    """

    def __init__(self, key: SigningKey, *, issuer: str, party: str, life_s: int = LIFE_S) -> None:
        self._key = key
        self._issuer = issuer
        self._party = party
        self._life_s = life_s

    async def new(self, audience: str, scope: str, now_s: float) -> tuple[str, float]:
        """Sign one."""
        end_s = int(now_s) + self._life_s
        token = access_token(
            self._key,
            issuer=self._issuer,
            party=self._party,
            audience=audience,
            scope=scope,
            now_s=int(now_s),
            end_s=end_s,
            ident=uuid.uuid4().hex,
        )
        return token, float(end_s)


class TokenEndpoint:
    """Tokens of an endpoint that is asked with GET, as the InterUSS stand-in is."""

    def __init__(self, client: Client, url: str, *, party: str, issuer: str = "") -> None:
        self._client = client
        self._url = url
        self._party = party
        self._issuer = issuer

    async def new(self, audience: str, scope: str, now_s: float) -> tuple[str, float]:
        """Ask for one."""
        asked = {"intended_audience": audience, "scope": scope, "sub": self._party}
        if self._issuer:
            asked["issuer"] = self._issuer
        joint = "&" if "?" in self._url else "?"
        answer = await self._client.send("GET", f"{self._url}{joint}{urlencode(asked)}", body_max=_ANSWER_MAX)
        return _granted(answer.status, answer.body, now_s)


class ClientCredentials:
    """Tokens of an OAuth 2 endpoint, for an id and a secret (RFC 6749 §4.4 and §2.3.1)."""

    def __init__(self, client: Client, url: str, *, client_id: str, secret: str) -> None:
        self._client = client
        self._url = url
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
        self._basic = f"Basic {base64.b64encode(pair).decode('ascii')}"

    async def new(self, audience: str, scope: str, now_s: float) -> tuple[str, float]:
        """Ask for one."""
        answer = await self._client.send(
            "POST",
            self._url,
            body=urlencode(
                {
                    "grant_type": "client_credentials",
                    "scope": scope,
                    "audience": audience,
                    "resource": audience,
                }
            ).encode("ascii"),
            headers={"content-type": "application/x-www-form-urlencoded", "authorization": self._basic},
            body_max=_ANSWER_MAX,
        )
        return _granted(answer.status, answer.body, now_s)


def _granted(status: int, body: bytes, now_s: float) -> tuple[str, float]:
    """The token of an endpoint's answer, and its end: of its own ``exp`` where it has one."""
    if status != 200:
        raise CallFailed(f"the token endpoint answered {status}", arrived=False)
    try:
        told: Any = msgspec.json.decode(body)
        token = told["access_token"]
        life_s = float(told.get("expires_in", 0.0))
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError, ValueError, AttributeError):
        raise CallFailed("the token endpoint's answer is no token", arrived=False) from None
    if (
        not isinstance(token, str)
        or not token
        or not token.isascii()
        or not token.isprintable()
        or " " in token
    ):
        raise CallFailed("the token endpoint's answer is no token", arrived=False)
    try:
        end = take_apart(token).claims.get("exp")
    except FormatError:  # an opaque token: the endpoint's word must do
        end = None
    if isinstance(end, int | float) and not isinstance(end, bool):
        return token, float(end)
    return token, now_s + (life_s if life_s > 0 else SPARE_S)
