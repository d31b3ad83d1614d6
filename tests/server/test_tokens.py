"""Tokens for outgoing calls, and issuers' keys by URL."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from server.peer import answer, answering, listening, request_of
from skypact import seal
from skypact.courier.addresses import Addresses, network
from skypact.courier.client import CallFailed, Client
from skypact.courier.jwks import RemoteKeys
from skypact.courier.tokens import ClientCredentials, OwnKey, TokenEndpoint, Tokens
from skypact.seal import FixedKeys
from skypact.server.auth import Bearers, Issuer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = seal.generate("EdDSA")
NOW_S = 1_700_000_000.0
NOW_US = int(NOW_S * 1e6)


class Counted:
    """A grant that counts how often it is asked, and lasts a given time."""

    def __init__(self, life_s: float, fails: int = 0) -> None:
        self.asked = 0
        self.life_s = life_s
        self.fails = fails

    async def new(self, audience: str, scope: str, now_s: float) -> tuple[str, float]:
        """A token that says which one it is."""
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0.01)
        if number <= self.fails:
            raise CallFailed("no", arrived=False)
        return f"{audience}|{scope}|{number}", now_s + self.life_s


def test_a_token_of_our_own_is_accepted_by_our_own_rules() -> None:
    """What one node signs, another that knows the key accepts."""
    tokens = Tokens(OwnKey(KEY, issuer="https://node.example", party="uss1"), clock=lambda: NOW_S)
    text = asyncio.run(tokens.token("peer.example", "b a"))
    bearers = Bearers([Issuer("peer", FixedKeys((KEY.public,)), "https://node.example")], ["peer.example"])
    identity = bearers.identify(text, NOW_US)
    assert (identity.party, identity.scopes) == ("uss1", frozenset({"a", "b"}))


def test_a_token_is_asked_for_once_and_replaced_before_it_expires() -> None:
    """A hundred callers share one request; scopes in another order are the same scopes."""
    now = [NOW_S]
    grant = Counted(3600.0)
    tokens = Tokens(grant, clock=lambda: now[0])

    async def run() -> list[str]:
        got = await asyncio.gather(*(tokens.token("a", "x y" if n % 2 else "y x") for n in range(100)))
        assert len(set(got)) == 1
        now[0] += 3539.0
        before = await tokens.token("a", "x y")
        now[0] += 1.5
        return [got[0], before, await tokens.token("a", "x y"), await tokens.token("b", "x y")]

    assert asyncio.run(run()) == ["a|x y|1", "a|x y|1", "a|x y|2", "b|x y|3"]
    assert grant.asked == 3


def test_a_failure_is_everybodys_who_waits_and_is_not_kept() -> None:
    """The next caller asks again."""
    tokens = Tokens(Counted(60.0, fails=1), clock=lambda: NOW_S)

    async def run() -> list[Any]:
        first = await asyncio.gather(*(tokens.token("a", "x") for _ in range(3)), return_exceptions=True)
        return [*(type(item) for item in first), await tokens.token("a", "x")]

    assert asyncio.run(run()) == [CallFailed] * 3 + ["a|x|2"]


def test_a_caller_that_gives_up_does_not_take_the_others_with_it() -> None:
    """One is cancelled; the other has the token."""
    tokens = Tokens(Counted(60.0), clock=lambda: NOW_S)

    async def run() -> str:
        one = asyncio.create_task(tokens.token("a", "x"))
        two = asyncio.create_task(tokens.token("a", "x"))
        await asyncio.sleep(0)
        one.cancel()
        return await two

    assert asyncio.run(run()) == "a|x|1"


def granted(grant_of: Callable[[Client, str], Any], data: bytes) -> tuple[Any, list[Any]]:
    """What a grant makes of an endpoint's answer, and what the endpoint was asked."""
    seen: list[Any] = []

    async def run() -> Any:
        async with listening(answering(data, seen)) as port:
            client = Client(Addresses([network("127.0.0.0/8")]))
            try:
                return await grant_of(client, f"http://localhost:{port}/token").new(
                    "peer.example", "a b", NOW_S
                )
            except CallFailed as failed:
                return failed
            finally:
                await client.close()

    return asyncio.run(run()), seen


def endpoint(client: Client, url: str) -> TokenEndpoint:
    """The stand-in's way."""
    return TokenEndpoint(client, url, party="uss 1", issuer="me")


def test_an_endpoint_is_asked_as_the_stand_in_wants() -> None:
    """With GET, and the token's own end is believed."""
    token = KEY.token({"exp": int(NOW_S) + 100})
    got, seen = granted(endpoint, answer(json.dumps({"access_token": token}).encode()))
    assert got == (token, NOW_S + 100)
    assert seen[0][0] == "GET /token?intended_audience=peer.example&scope=a+b&sub=uss+1&issuer=me HTTP/1.1"


def test_client_credentials_are_sent_as_oauth_has_it() -> None:
    """In the header, quoted as RFC 6749 has it; an opaque token lasts as long as the answer says."""
    data = answer(json.dumps({"access_token": "opaque", "expires_in": 120}).encode())
    got, seen = granted(
        lambda client, url: ClientCredentials(client, url, client_id="i:d", secret="s é"),  # noqa: S106  # a test's
        data,
    )
    assert got == ("opaque", NOW_S + 120)
    _, headers, body = seen[0]
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == "i%3Ad:s+%C3%A9"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"grant_type=client_credentials&scope=a+b&audience=peer.example" in body


@pytest.mark.parametrize(
    "data",
    [
        answer(b"", "500 Internal Server Error"),
        answer(b"{}"),
        answer(b"[]"),
        answer(b"x"),
        answer(b'{"access_token": 5}'),
        answer(b'{"access_token": ""}'),
        answer(b'{"access_token": "a b"}'),
        answer(b'{"access_token": "a\\r\\nx: y"}'),
        answer(b'{"access_token": "a", "expires_in": "x"}'),
    ],
)
def test_an_endpoint_that_gives_no_token_is_a_failed_call(data: bytes) -> None:
    """And what it said is not repeated."""
    got, _ = granted(endpoint, data)
    assert isinstance(got, CallFailed)
    assert str(got).startswith("the token endpoint")


def jwks(*keys: seal.SigningKey) -> bytes:
    """A set."""
    return json.dumps({"keys": [key.public.jwk() for key in keys]}).encode()


def remote(
    data: list[bytes], act: Callable[[RemoteKeys, list[int]], Awaitable[Any]], **more: Any
) -> tuple[Any, int]:
    """Act on keys by URL, the peer giving its answers in turn; also how often it was asked."""
    asked: list[int] = []
    clock = [NOW_US]

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                await request_of(reader)
            except asyncio.IncompleteReadError:
                return
            writer.write(answer(data[min(len(asked), len(data) - 1)]))
            asked.append(1)
            await writer.drain()

    async def run() -> Any:
        async with listening(peer) as port:
            client = Client(Addresses([network("127.0.0.0/8")]))
            keys = RemoteKeys("auth", f"http://localhost:{port}/jwks", client, clock=lambda: clock[0], **more)
            try:
                return await act(keys, clock)
            finally:
                await client.close()

    return asyncio.run(run()), len(asked)


async def until(what: Callable[[], bool]) -> None:
    """Let others work until it is so; half of an interval at most."""
    async with asyncio.timeout(30.0):
        while not what():  # noqa: ASYNC110 -- the code under test has no event to give
            await asyncio.sleep(0.01)


def test_keys_are_used_until_they_are_stale() -> None:
    """Before the first fetch there are none; the same keys stay the same tuple; old ones are not used."""

    async def act(keys: RemoteKeys, clock: list[int]) -> None:
        assert keys.current(clock[0]) is None
        assert await keys.fetch()
        first = keys.current(NOW_US)
        assert first is not None
        assert first[0].thumbprint == KEY.public.thumbprint
        clock[0] += 60_000_000
        assert await keys.fetch()
        assert keys.current(clock[0] + 3_600_000_000) is first
        assert keys.current(clock[0] + 3_600_000_001) is None

    _, asked = remote([jwks(KEY)], act)
    assert asked == 2


def test_an_answer_that_is_no_set_leaves_the_old_keys(caplog: pytest.LogCaptureFixture) -> None:
    """The log says why; the keys age."""

    async def act(keys: RemoteKeys, clock: list[int]) -> tuple[bool, bool, bool]:
        one = await keys.fetch()
        clock[0] += 10
        two = await keys.fetch()
        return one, two, keys.current(NOW_US + 3_600_000_001) is None

    got, _ = remote([jwks(KEY), b'{"keys": []}'], act)
    assert got == (True, False, True)
    assert "keys were not fetched" in caplog.text


def test_unknown_key_ids_bring_one_fetch_forward_and_no_more() -> None:
    """A thousand invented ids cause one call, after the pause."""
    other = seal.generate("ES256")

    async def act(keys: RemoteKeys, clock: list[int]) -> list[str]:
        running = asyncio.create_task(keys.run())
        await until(lambda: keys.current(clock[0]) is not None)
        first = keys.current(clock[0])
        for number in range(1000):
            keys.wanted(f"invented-{number}")
        await until(lambda: keys.current(clock[0]) is not first)
        await asyncio.sleep(0.45)  # in which a third would come, were it brought forward
        running.cancel()
        return [key.thumbprint for key in keys.current(clock[0]) or ()]

    got, asked = remote([jwks(KEY), jwks(KEY, other)], act, refresh_s=60.0, early_s=0.3)
    assert asked == 2
    assert got == [KEY.public.thumbprint, other.public.thumbprint]


def test_a_failed_fetch_is_repeated_soon() -> None:
    """Not only after the whole interval."""

    async def act(keys: RemoteKeys, clock: list[int]) -> bool:
        running = asyncio.create_task(keys.run())
        await until(lambda: keys.current(clock[0]) is not None)
        running.cancel()
        return keys.current(clock[0]) is not None

    got, asked = remote([b"x", b"x", jwks(KEY)], act, refresh_s=60.0, early_s=0.1)
    assert got
    assert asked == 3
