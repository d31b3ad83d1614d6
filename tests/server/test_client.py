"""Outgoing calls: which addresses they reach, what is believed of an answer, what is known of a failure."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import pytest

from server.peer import answer, answering, listening, request_of
from server.running import certificate
from skypact.courier.addresses import Addresses, network
from skypact.courier.client import CallFailed, Client, host_of, target_of
from skypact.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from server.peer import Act

HERE = Addresses([network("127.0.0.0/8")])

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104  # as a place to connect to: this machine
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.2.3",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "::2",
    "4000::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "not an address",
    "",
]


@pytest.mark.parametrize("text", INSIDE)
def test_what_is_not_the_public_internet_is_not_reached(text: str) -> None:
    """In whatever clothes an address comes."""
    assert not Addresses().permits_text(text)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_the_public_internet_is_reached(text: str) -> None:
    """Without being named."""
    assert Addresses().permits_text(text)
    assert not Addresses().named(ipaddress.ip_address(text))


def test_a_network_that_is_named_is_reached_and_no_other() -> None:
    """Also by the IPv6 spelling of its addresses."""
    addresses = Addresses([network("10.0.0.0/8"), network("::1")])
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "::1"):
        assert addresses.permits_text(text)
    for text in ("127.0.0.1", "192.168.1.1", "fe80::1", "::2"):
        assert not addresses.permits_text(text)


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "localhost", "10.0.0", "a/b"])
def test_what_is_no_network_is_refused(text: str) -> None:
    """The refusal says how one is written."""
    with pytest.raises(InputError, match="CIDR"):
        network(text, where="network.allow_private[0]")


def call(act: Act, url: str = "http://localhost:{port}/x", addresses: Addresses = HERE, **more: Any) -> Any:
    """Have a client call a peer once; what came back, or how it failed."""

    async def run() -> Any:
        async with listening(act, more.pop("tls", None)) as port:
            client = Client(addresses, more.pop("tokens", None), trust=more.pop("trust", None))
            try:
                return await client.send(more.pop("method", "GET"), url.format(port=port), **more)
            except CallFailed as failed:
                return failed
            finally:
                await client.close()

    return asyncio.run(run())


def test_an_answer_comes_back_as_it_is() -> None:
    """Status, headers in lower case, body; and the request is plain and says what it must."""
    seen: list[Any] = []
    got = call(
        answering(answer(b'{"a": 1}', "201 Created", "X-Thing: y"), seen),
        "http://localhost:{port}/a%20b?q=1",
        method="PUT",
        body=b"{}",
    )
    assert (got.status, got.body, got.headers["x-thing"]) == (201, b'{"a": 1}', "y")
    assert 0.0 < got.took_s < 10.0
    line, headers, body = seen[0]
    assert (line, body) == ("PUT /a%20b?q=1 HTTP/1.1", b"{}")
    assert headers["host"].startswith("localhost:")
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert "authorization" not in headers


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"])
def test_a_name_that_leads_inside_is_not_followed(host: str) -> None:
    """The address that the name has decides, and the peer never hears of it."""
    seen: list[Any] = []
    got = call(answering(answer(b""), seen), f"http://{host}:{{port}}/", Addresses())
    assert isinstance(got, CallFailed)
    assert not got.arrived
    assert "may not be reached from here" in str(got)
    assert seen == []


def test_a_name_is_resolved_once_and_that_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means another address at every look gains nothing by it."""
    looked = []

    async def rebinding(_self: Any, host: str, port: int, **_: Any) -> list[Any]:
        looked.append(host)
        address = "127.0.0.1" if len(looked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", rebinding)

    async def run() -> tuple[int, str]:
        async with listening(answering(answer(b""))) as port:
            looked.clear()
            client = Client(HERE)
            first = await client.send("GET", f"http://peer.example:{port}/")
            await client.close()
            again = Client(HERE)
            with pytest.raises(CallFailed) as caught:
                await again.send("GET", f"http://peer.example:{port}/")
            await again.close()
            return first.status, str(caught.value)

    status, text = asyncio.run(run())
    assert status == 200
    assert "169.254.169.254" in text
    assert "peer.example" in looked


def test_a_name_with_addresses_of_both_kinds_is_reached_by_the_permitted_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that are not permitted are passed over."""

    async def both(_self: Any, _host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("10.0.0.1", "127.0.0.1")
        ]

    async def run() -> int:
        async with listening(answering(answer(b""))) as port:
            monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", both)
            client = Client(HERE)
            try:
                return (await client.send("GET", f"http://peer.example:{port}/")).status
            finally:
                await client.close()

    assert asyncio.run(run()) == 200


def test_plain_http_goes_only_where_the_configuration_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public address is called by https, or not at all: no byte of the request goes out."""
    seen: list[Any] = []
    monkeypatch.setattr(Addresses, "permits", lambda _self, _address: True)  # as if this machine were public
    got = call(answering(answer(b""), seen), addresses=Addresses())
    assert isinstance(got, CallFailed)
    assert not got.arrived
    assert "https only" in str(got)
    assert seen == []


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """Whatever it points to."""
    seen: list[Any] = []
    got = call(answering(answer(b"", "302 Found", "location: http://169.254.169.254/"), seen))
    assert (got.status, got.headers["location"]) == (302, "http://169.254.169.254/")
    assert len(seen) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token goes to its audience and to nobody between."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert call(answering(answer(b"direct"))).body == b"direct"


def test_an_answer_that_is_too_long_is_not_taken() -> None:
    """Whether it says its length or not; the request has arrived."""
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000
    for data in (answer(b"x" * 1001), endless):
        got = call(answering(data), body_max=1000)
        assert isinstance(got, CallFailed)
        assert got.arrived
        assert "longer than 1000 bytes" in str(got)


def test_a_compressed_answer_is_not_taken() -> None:
    """Nothing is unpacked that was not asked for."""
    got = call(answering(answer(b"x", "200 OK", "content-encoding: gzip")))
    assert isinstance(got, CallFailed)
    assert "compressed" in str(got)


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort", b"HTTP/9.9 x\r\n\r\n"],
)
def test_what_is_no_answer_fails_and_may_have_arrived(data: bytes) -> None:
    """The request went out: only a repeat that finds what it did is safe."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(data)
        await writer.drain()

    got = call(act)
    assert isinstance(got, CallFailed)
    assert got.arrived


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 200 OK\r\na: ", b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"]
)
def test_a_peer_that_trickles_has_one_deadline(first: bytes) -> None:
    """Headers and body together, however slowly either comes."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(first)
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    got = call(act, timeout_s=0.3)
    assert isinstance(got, CallFailed)
    assert got.arrived
    assert str(got) == "no answer within 0.3 s"


def test_nobody_there_certainly_did_not_arrive() -> None:
    """Neither at a port where nothing listens nor at a name that there is not."""

    async def run() -> list[CallFailed]:
        client = Client(HERE)
        failures = []
        for url in ("http://127.0.0.1:9/", "http://nothing.invalid/"):
            with pytest.raises(CallFailed) as caught:
                await client.send("GET", url)
            failures.append(caught.value)
        await client.close()
        return failures

    assert [failed.arrived for failed in asyncio.run(run())] == [False, False]


def test_a_certificate_is_verified_always(tmp_path: Path) -> None:
    """A trusted authority's is taken; a stranger's and another host's are not, and nothing is sent."""
    tls, file = certificate("localhost", tmp_path)
    seen: list[Any] = []
    act = answering(answer(b"ok"), seen)
    url = "https://localhost:{port}/"
    assert call(act, url, tls=tls, trust=file).body == b"ok"
    other, other_file = certificate("other.example", tmp_path)
    seen.clear()
    for got in (call(act, url, tls=other), call(act, url, tls=other, trust=other_file)):
        assert isinstance(got, CallFailed)
        assert not got.arrived
        assert "certificate" in str(got).lower()
    assert seen == []


class Counting:
    """Gives tokens that name what they are for."""

    async def token(self, audience: str, scope: str) -> str:
        """A text."""
        return f"{audience}/{scope}"


def test_a_scope_brings_a_token_for_the_host() -> None:
    """The audience is the URL's host without a port, or the one that was said."""
    seen: list[Any] = []
    act = answering(answer(b""), seen)
    call(act, scope="a b", tokens=Counting())
    call(act, scope="a", audience="core-service", tokens=Counting())
    assert [headers["authorization"] for _, headers, _ in seen] == [
        "Bearer localhost/a b",
        "Bearer core-service/a",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://user:secret@a.example/",
        "http://a.example/#x",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http://a b/",
        "http://a.example/\r\nx: y",
        "http://a.example\\@b.example/",
        "http://[::1/",
        "http://é.example/",
    ],
)
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    """Before anything is resolved; the refusal says what would do."""
    with pytest.raises(InputError, match="URL"):
        target_of(url, where="uss_base_url")


def test_the_host_of_a_url_is_its_audience() -> None:
    """Lower case, without the port."""
    assert host_of("https://Node.Example:8443/uss/v1") == "node.example"
    assert host_of("http://[::1]:80/") == "::1"


def conversation(act: Act, *calls: tuple[str, bytes | None], at_once: bool = False) -> list[Any]:
    """What comes of several calls of one client to one peer: answers, or how they failed."""

    async def run() -> list[Any]:
        async with listening(act) as port:
            client = Client(HERE)

            async def one(method: str, body: bytes | None) -> Any:
                try:
                    return await client.send(method, f"http://127.0.0.1:{port}/", body=body)
                except CallFailed as failed:
                    return failed

            try:
                if at_once:
                    return list(await asyncio.gather(*(one(*call) for call in calls)))
                got = []
                for named in calls:
                    got.append(await one(*named))
                    await asyncio.sleep(0.05)  # the loop hears what else the peer did
                return got
            finally:
                await client.close()

    return asyncio.run(run())


def test_a_connection_is_used_again_and_never_more_than_sixteen_are_open() -> None:
    """One after the other go over one connection; forty at once over sixteen."""
    opened: list[int] = []
    open_now = [0]

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now[0] += 1
        opened.append(open_now[0])
        try:
            while True:
                await request_of(reader)
                await asyncio.sleep(0.01)
                writer.write(answer(b"ok"))
        except asyncio.IncompleteReadError:
            open_now[0] -= 1

    assert [got.body for got in conversation(act, *[("GET", None)] * 5)] == [b"ok"] * 5
    assert opened == [1]
    opened.clear()
    open_now[0] = 0
    got = conversation(act, *[("POST", b"{}")] * 40, at_once=True)
    assert [one.body for one in got] == [b"ok"] * 40
    assert max(opened) == 16


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", b"{}")])
def test_only_what_may_be_repeated_is_repeated(method: str, body: bytes | None) -> None:
    """A peer that drops a kept connection under a request: GET is sent again, a write fails as doubtful."""
    seen: list[str] = []

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await request_of(reader))[0])
        writer.write(answer(b"ok"))
        with contextlib.suppress(asyncio.IncompleteReadError):
            seen.append((await request_of(reader))[0])

    first, second = conversation(act, ("GET", None), (method, body))
    assert first.body == b"ok"
    if method == "GET":
        assert second.body == b"ok"
        assert len(seen) == 3
    else:
        assert isinstance(second, CallFailed)
        assert second.arrived
        assert len(seen) == 2


@pytest.mark.parametrize("more", [answer(b"forged"), b"x"])
def test_what_nobody_asked_for_is_the_answer_to_nothing(more: bytes) -> None:
    """Bytes after an answer end the connection; the next request gets its own answer on another."""
    connections: list[int] = []

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await request_of(reader)
        writer.write(answer(b"%d" % len(connections)) + more)
        await reader.read()

    first, second = conversation(act, ("GET", None), ("PUT", b"{}"))
    assert (first.body, second.body) == (b"1", b"2")


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nlate: y\r\n\r\n",
            b"abc",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 8 + b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nk", b"k"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", b"to the end"),
    ],
)
def test_every_way_to_say_where_an_answer_ends_is_understood(data: bytes, body: bytes) -> None:
    """In pieces, after an interim answer, without a body, and to the end of the connection."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for piece in (data[:20], data[20:]):
            writer.write(piece)
            await asyncio.sleep(0.01)

    got = call(act)
    assert got.body == body
    assert "late" not in got.headers


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1;" + b"e" * 200_000 + b"\r\nx\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9,
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ],
)
def test_an_answer_that_is_no_honest_one_is_not_taken(data: bytes) -> None:
    """A head without end, two lengths at once, more packing than content, another protocol, no end of 103."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(data)
        await writer.drain()
        await reader.read()

    got = call(act, timeout_s=2.0, body_max=1_000)
    assert isinstance(got, CallFailed)
    assert got.arrived
    assert "no answer within" not in str(got)


@pytest.mark.parametrize(
    "base", ["https://uss.example/utm?correct-ovn-mutation=true", "https://uss.example?x=/a", "https://a?"]
)
def test_a_base_url_with_a_query_is_not_called(base: str) -> None:
    """Such a URL would be called at another place than it names, and is refused with the word why."""
    with pytest.raises(InputError, match="a base URL with a query cannot be called"):
        target_of(f"{base}/uss/v1/operational_intents")
    assert target_of("https://uss.example/token?scope=a%20b&x=1").path == "/token?scope=a%20b&x=1"
