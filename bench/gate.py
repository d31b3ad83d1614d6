"""What the gate costs: routing, a token from the cache, a body of 2 kB decoded, an answer of 400 bytes.

Run: ``.venv/bin/python bench/gate.py``. Prints the processor time of one request in microseconds: of each
part, of the whole through ASGI, and of the whole server process with a socket (uvicorn, httptools, uvloop),
with the log off and on.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import json
import logging
import multiprocessing
import resource
import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import uvloop
from msgspec import Meta, Struct

from skypact import seal
from skypact.node import logs
from skypact.seal import FixedKeys
from skypact.server.app import Settings, application
from skypact.server.auth import Bearers, Issuer
from skypact.server.body import decode
from skypact.server.limits import Limits
from skypact.server.listener import bound, listener, place_of
from skypact.server.operation import Answer, Call, Operation
from skypact.server.routes import Routes

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp

SCOPE = "utm.strategic_coordination"
PATH = "/dss/v1/operational_intent_references/2f8343be-6482-4d1b-a474-16847e01af1e"
ROUNDS = 2_000


class Point(Struct):
    """A vertex."""

    lat: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lng: Annotated[float, Meta(ge=-180.0, le=180.0)]


class Height(Struct):
    """An altitude."""

    value: float
    reference: str
    units: str


class Outline(Struct):
    """A polygon."""

    vertices: list[Point]


class Volume(Struct):
    """A volume."""

    outline_polygon: Outline
    altitude_lower: Height
    altitude_upper: Height


class Moment(Struct):
    """An instant."""

    value: str
    format: str


class Extent(Struct):
    """A volume in time."""

    volume: Volume
    time_start: Moment
    time_end: Moment


class Put(Struct):
    """What an operational intent is written with."""

    extents: list[Extent]
    key: list[str]
    state: str
    uss_base_url: str


def body() -> bytes:
    """A body of 2 kB: one volume of twelve vertices, a key of twenty."""
    height = {"value": 100.0, "reference": "W84", "units": "M"}
    moment = {"value": "2026-01-01T00:00:00Z", "format": "RFC3339"}
    vertices = [{"lat": 46.1 + n / 777, "lng": 7.1 + n / 555} for n in range(12)]
    return json.dumps(
        {
            "extents": [
                {
                    "volume": {
                        "outline_polygon": {"vertices": vertices},
                        "altitude_lower": height,
                        "altitude_upper": height,
                    },
                    "time_start": moment,
                    "time_end": moment,
                }
            ],
            "key": [f"{n:040d}" for n in range(20)],
            "state": "Accepted",
            "uss_base_url": "https://uss.example.com/f3548",
        }
    ).encode()


ANSWER = {"operational_intent_reference": {f"member_{n}": "x" * 20 for n in range(10)}}


async def handle(_call: Call) -> Answer:
    """Nothing but the answer."""
    return Answer(201, ANSWER)


def rows() -> tuple[Operation, ...]:
    """As many as a node has, one of them ours."""
    others = tuple(
        Operation(f"other{n}", "GET", f"/dss/v1/other{n}/{{a}}/x/{{b}}", (), handle) for n in range(60)
    )
    path = PATH.rpartition("/")[0] + "/{entityid}"
    return (*others, Operation("put", "PUT", path, (frozenset({SCOPE}),), handle, body=Put))


def made(key: seal.SigningKey) -> tuple[ASGIApp, str]:
    """The application, and a token for it."""
    now_s = time.time_ns() // 10**9
    token = seal.access_token(
        key, issuer="i", party="p", audience="a", scope=SCOPE, now_s=now_s, end_s=now_s + 3_600, ident="x"
    )
    limits = Limits(party_per_s=1e9, party_burst=1e9)
    bearers = Bearers([Issuer("i", FixedKeys((key.public,)), "i")], ["a"])
    return application(rows(), bearers, Settings(limits=limits)), token


def us(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Processor time of one call in microseconds: the least of five rounds."""
    least = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(rounds):
            work()
        least = min(least, (time.process_time() - started) / rounds * 1e6)
    return least


async def through_asgi(app: ASGIApp, token: str, data: bytes) -> float:
    """Processor time of one request without a socket, in microseconds."""
    head = [(b"authorization", b"Bearer " + token.encode()), (b"content-length", str(len(data)).encode())]
    statuses = set()

    async def receive() -> Any:
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.add(message["status"])

    least = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(ROUNDS):
            scope = {
                "type": "http",
                "method": "PUT",
                "path": PATH,
                "query_string": b"",
                "headers": list(head),
            }
            await app(scope, receive, send)
        least = min(least, (time.process_time() - started) / ROUNDS * 1e6)
    assert statuses == {201}
    return least


def serve(door: socket.socket, pipe: Any, key_pem: bytes, logging_on: bool) -> None:
    """Serve until told to stop; then tell the processor time used since told to begin."""
    if logging_on:
        logs.set_up("info", io.StringIO())
    else:
        logging.disable(logging.CRITICAL)

    async def run() -> None:
        app, _ = made(seal.signing_key(key_pem))
        server = listener(app, Limits(), stop_s=1.0)
        task = asyncio.create_task(server.serve([door]))
        await server.listening.wait()
        pipe.send("listening")
        used = 0.0
        while (word := await asyncio.to_thread(pipe.recv)) != "stop":
            now = resource.getrusage(resource.RUSAGE_SELF)
            if word == "begin":
                used = now.ru_utime + now.ru_stime
            else:
                pipe.send(now.ru_utime + now.ru_stime - used)
        server.stop()
        await task

    uvloop.run(run())


def through_socket(key: seal.SigningKey, token: str, data: bytes, logging_on: bool) -> tuple[float, float]:
    """Processor time of one request in the server process (us), and requests a second (8 connections)."""
    context = multiprocessing.get_context("spawn")
    door = bound("127.0.0.1", 0)
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(door, theirs, key.pem(), logging_on))
    process.start()
    assert ours.recv() == "listening"
    request = (
        f"PUT {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
        f"content-length: {len(data)}\r\n\r\n"
    ).encode() + data

    async def client(count: int) -> None:
        reader, writer = await asyncio.open_connection(*place_of(door))
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 201"), head
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    async def load(count: int) -> None:
        await asyncio.gather(*(client(count // 8) for _ in range(8)))

    uvloop.run(load(800))
    ours.send("begin")
    started = time.perf_counter()
    uvloop.run(load(8_000))
    took = time.perf_counter() - started
    ours.send("end")
    used = ours.recv()
    ours.send("stop")
    process.join()
    door.close()
    return used / 8_000 * 1e6, 8_000 / took


def main() -> None:
    """Measure and print."""
    key = seal.generate("RS256")
    app, token = made(key)
    data = body()
    routes = Routes(rows())
    bearers = Bearers([Issuer("i", FixedKeys((key.public,)), "i")], ["a"])
    now_us = time.time_ns() // 1000
    bearers.identify(token, now_us)
    print(f"body {len(data)} bytes, answer {len(msgspec.json.encode(ANSWER))} bytes, 61 operations")
    print(f"routing                       {us(lambda: routes.find('PUT', PATH)):8.1f} us")
    print(f"token, remembered             {us(lambda: bearers.identify(token, now_us)):8.1f} us")
    for name in seal.ALGORITHMS:
        other = seal.generate(name)
        _, fresh = made(other)
        signed = functools.partial(seal.signer, seal.take_apart(fresh), (other.public,))
        print(f"token, verified, {name:<6}       {us(signed, 200):8.1f} us")
    print(f"body, msgspec alone           {us(lambda: msgspec.json.decode(data, type=Put)):8.1f} us")
    print(f"body, strict                  {us(lambda: decode(data, Put)):8.1f} us")
    logging.disable(logging.CRITICAL)
    print(f"whole, ASGI, log off          {uvloop.run(through_asgi(app, token, data)):8.1f} us")
    logging.disable(logging.NOTSET)
    logs.set_up("info", io.StringIO())
    print(f"whole, ASGI, log on           {uvloop.run(through_asgi(app, token, data)):8.1f} us")
    for logging_on in (False, True):
        used, rate = through_socket(key, token, data, logging_on)
        word = "on " if logging_on else "off"
        print(f"whole, socket, log {word}        {used:8.1f} us  ({rate:,.0f} requests/s)")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
