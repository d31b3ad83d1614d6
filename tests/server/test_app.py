"""The gate, in its order: path, token, rate, body, operation, answer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from server.gate import NOW_US, READ, app_of, ask, ask_one, echo, operation
from skypact.errors import FormatError, Reason, Refused
from skypact.server.app import Gate, Settings
from skypact.server.limits import Limits
from skypact.server.operation import Answer, Call, Style
from skypact.server.refusals import STATUS, TITLES

if TYPE_CHECKING:
    from starlette.routing import Router
    from starlette.types import ASGIApp


def raising(error: Exception) -> Any:
    """A handler that raises."""

    async def handle(_call: Call) -> Answer:
        raise error

    return handle


async def called(app: ASGIApp, scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Call an application as a server does."""
    await app(scope, receive, send)


def test_a_call_carries_what_the_request_said() -> None:
    """Party, parameters, query, typed body, raw bytes and the clock reach the handler."""
    app = app_of([operation(echo, method="PUT", path="/f/v1/things/{id}/{ovn}")])
    answer = ask_one(app, "PUT", "/f/v1/things/a%20b/x?q=1&e=", content=b'{"name": "n", "other": 1}')
    assert answer.status_code == 200
    told = answer.json()
    assert told["party"] == "alpha"
    assert told["params"] == {"id": "a b", "ovn": "x"}
    assert told["query"] == {"q": "1", "e": ""}
    assert told["body"] == {"name": "n", "points": [], "note": None}
    assert (told["bytes"], told["now_us"]) == (25, NOW_US)
    assert answer.headers["x-request-id"] == told["correlation"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("given", ["abc-1.2_3:4", "A" * 64])
def test_a_correlation_id_that_is_sane_is_kept(given: str) -> None:
    """The client's id comes back in the header and reaches the handler."""
    answer = ask_one(
        app_of([operation(echo, body=None)]), "POST", "/f/v1/things", headers={"x-request-id": given}
    )
    assert answer.headers["x-request-id"] == given == answer.json()["correlation"]


@pytest.mark.parametrize("given", ["", " ", "a b", 'x"y', "A" * 65, "é", "a\tb", "-a"])
def test_a_correlation_id_that_is_not_is_replaced(given: str) -> None:
    """What could be mistaken in a log is not taken over."""
    answer = ask_one(
        app_of([operation(echo, body=None)]),
        "POST",
        "/f/v1/things",
        headers={"x-request-id": given.encode("utf-8")},
    )
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


def test_nothing_there_is_404_in_the_style_of_its_neighbours() -> None:
    """Beside the standard's operations it is the standard's error object, elsewhere a problem."""
    app = app_of([operation(echo)])
    standard, problem = ask(app, ("GET", "/f/v1/nothing", {}), ("GET", "/nothing", {}))
    assert standard.status_code == problem.status_code == 404
    assert set(standard.json()) == {"message", "correlation"}
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["title"] == TITLES[404]
    assert problem.json()["correlation"] == problem.headers["x-request-id"]


def test_another_method_is_405_with_what_is_allowed() -> None:
    """The header names the methods, HEAD and OPTIONS among them."""
    app = app_of([operation(echo, method="GET", body=None), operation(echo, method="PUT")])
    answer = ask_one(app, "DELETE", "/f/v1/things")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert "DELETE" in answer.json()["message"]


def test_options_needs_no_token_and_says_what_is_allowed() -> None:
    """It answers 204 without a body."""
    answer = ask_one(app_of([operation(echo)]), "OPTIONS", "/f/v1/things", headers={"authorization": ""})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "OPTIONS, POST"


def test_head_is_get_without_its_body() -> None:
    """The length is that of the body that GET would send."""
    app = app_of([operation(echo, method="GET", body=None)])
    got, head = ask(
        app,
        ("GET", "/f/v1/things", {"headers": {"x-request-id": "one"}}),
        ("HEAD", "/f/v1/things", {"headers": {"x-request-id": "one"}}),
    )
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "alpha:read", "Bearernobody"])
def test_no_token_is_401(header: str) -> None:
    """Without a bearer token nobody is asked further, and no fault of a token is claimed."""
    answer = ask_one(
        app_of([operation(echo)]),
        "POST",
        "/f/v1/things",
        content=b"not read",
        headers={"authorization": header},
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="skypact"')
    assert "bearer token" in answer.json()["message"]


def test_a_token_of_nobody_is_401() -> None:
    """The header says that the token is at fault."""
    answer = ask_one(
        app_of([operation(echo)]), "POST", "/f/v1/things", headers={"authorization": "bearer nobody:read"}
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="skypact", error="invalid_token"'


def test_a_scope_too_few_is_403_and_named() -> None:
    """Any of the sets suffices, each whole; the refusal names them all."""
    app = app_of([operation(echo, scopes=(READ | {"write"}, frozenset({"all"})), body=None)])
    few, enough, other = ask(
        app,
        *[
            ("POST", "/f/v1/things", {"headers": {"authorization": f"Bearer alpha:{scopes}"}})
            for scopes in ("read", "read,write,more", "all")
        ],
    )
    assert few.status_code == 403
    assert "expected read with write or all" in few.json()["message"]
    assert "insufficient_scope" in few.headers["www-authenticate"]
    assert (enough.status_code, other.status_code) == (200, 200)


def test_who_asks_is_settled_before_the_body_is_read() -> None:
    """A stranger's body is not received at all."""
    received = 0

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"{}", "more_body": False}

    statuses = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/f/v1/things",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer nobody:read")],
    }
    asyncio.run(called(app_of([operation(echo)]), scope, receive, send))
    assert (statuses[0], received) == (401, 0)


def test_a_party_that_asks_too_often_is_429_and_others_are_not() -> None:
    """The refusal says how long to wait, and counts the parties apart."""
    settings = Settings(limits=Limits(party_per_s=0.01, party_burst=2))
    app = app_of([operation(echo, body=None)], settings)
    mine: list[tuple[str, str, dict[str, Any]]] = [("POST", "/f/v1/things", {}) for _ in range(3)]
    theirs = ("POST", "/f/v1/things", {"headers": {"authorization": "Bearer beta:read"}})
    answers = ask(app, *mine, theirs)
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert 90 <= int(answers[2].headers["retry-after"]) <= 100
    assert "at most 0.01 a second, 2 at once" in answers[2].json()["message"]


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("style", list(Style))
def test_every_reason_has_its_status(reason: Reason, style: Style) -> None:
    """A refusal comes out with its status, its extra members and its correlation id, in either style."""
    error = Refused(reason, "it is so", where="$.x", found=1, expected="two", extra={"missing": [1]})
    answer = ask_one(app_of([operation(raising(error), body=None, style=style)]), "POST", "/f/v1/things")
    told = answer.json()
    assert answer.status_code == STATUS[reason]
    assert told["missing"] == [1]
    assert told["correlation"] == answer.headers["x-request-id"]
    if style is Style.F3548:
        assert told["message"] == "$.x: it is so; found 1; expected two"
        assert answer.headers["content-type"] == "application/json"
    else:
        assert (told["where"], told["found"], told["expected"]) == ("$.x", "1", "two")
        assert told["status"] == answer.status_code
        assert told["title"] == TITLES[answer.status_code]
    assert ("retry-after" in answer.headers) == (answer.status_code in {429, 503})


def test_input_that_cannot_be_used_is_400() -> None:
    """Whatever of the error tree an operation raises about its input is the asker's to mend."""
    app = app_of([operation(raising(FormatError("bad", where="$.a")), body=None)])
    answer = ask_one(app, "POST", "/f/v1/things")
    assert (answer.status_code, answer.json()["message"]) == (400, "$.a: bad")


def test_anything_else_is_500_and_only_the_log_has_why(caplog: pytest.LogCaptureFixture) -> None:
    """The answer has the id under which the log has the traceback, and nothing of the fault."""
    app = app_of([operation(raising(ZeroDivisionError("inner secret")), body=None)])
    with caplog.at_level(logging.ERROR, "skypact.server"):
        answer = ask_one(app, "POST", "/f/v1/things")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "division" not in answer.text.lower()
    assert caplog.records[0].exc_info is not None
    assert answer.json()["correlation"] == answer.headers["x-request-id"]


def test_an_answer_that_cannot_be_written_is_500(caplog: pytest.LogCaptureFixture) -> None:
    """What no JSON can be made of is a fault of ours, not half an answer."""

    async def handle(_call: Call) -> Answer:
        return Answer(200, {"x": object()})

    with caplog.at_level(logging.ERROR, "skypact.server"):
        answer = ask_one(app_of([operation(handle, body=None)]), "POST", "/f/v1/things")
    assert answer.status_code == 500
    assert "an answer could not be written" in caplog.text


@pytest.mark.parametrize(
    ("answer", "content", "media"),
    [
        (Answer(201, {"a": 1}), b'{"a":1}', "application/json"),
        (Answer(200, b"plain", media_type="text/plain"), b"plain", "text/plain"),
        (Answer(204), b"", None),
        (Answer(200), b"", None),
    ],
)
def test_answers_go_out_as_they_are(answer: Answer, content: bytes, media: str | None) -> None:
    """JSON of what msgspec can write, bytes as they are, or nothing."""

    async def handle(_call: Call) -> Answer:
        return answer

    got = ask_one(app_of([operation(handle, body=None)]), "POST", "/f/v1/things")
    assert (got.status_code, got.content, got.headers.get("content-type")) == (answer.status, content, media)
    assert got.headers.get("content-length") == (None if answer.status == 204 else str(len(content)))


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("a=1&a=2", "query.a"),
        ("a=%ff", "query"),
        ("&".join(f"a{n}=1" for n in range(65)), "query"),
        ("b=1", "query.a"),
        ("a=", "query.a"),
    ],
)
def test_a_query_that_could_be_read_in_two_ways_is_refused(query: str, where: str) -> None:
    """Repeated, undecodable, too many or missing parameters are named."""
    app = app_of([operation(echo, method="GET", body=None, query={"a*": "what it is", "c": "more"})])
    answer = ask_one(app, "GET", f"/f/v1/things?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{where}: ")


def test_a_body_over_the_limit_is_413_whatever_it_says_of_itself() -> None:
    """A declared length is refused unread; an undeclared one as soon as it is too long."""
    app = app_of([operation(echo)], Settings(limits=Limits(body_bytes=1000)))

    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 100

    declared, streamed = ask(
        app,
        ("POST", "/f/v1/things", {"content": b" " * 1001}),
        ("POST", "/f/v1/things", {"content": pieces()}),
    )
    for answer in (declared, streamed):
        assert answer.status_code == 413
        assert "at most 1000 bytes" in answer.json()["message"]
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30])
def test_a_length_that_is_none_is_413(length: str) -> None:
    """A length that cannot be right is not read."""
    answer = ask_one(app_of([operation(echo)]), "POST", "/f/v1/things", headers={"content-length": length})
    assert answer.status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_415(encoding: str) -> None:
    """Nothing is unpacked: a bomb stays packed."""
    answer = ask_one(
        app_of([operation(echo)]),
        "POST",
        "/f/v1/things",
        content=b"x",
        headers={"content-encoding": encoding},
    )
    assert answer.status_code == 415
    assert "Content-Encoding" in answer.json()["message"]


def test_a_body_that_does_not_arrive_is_408() -> None:
    """The whole body has one deadline, however it trickles."""
    app = app_of([operation(echo)], Settings(limits=Limits(body_s=0.2)))

    async def trickle() -> Any:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    answer = ask_one(app, "POST", "/f/v1/things", content=trickle())
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"


def test_a_client_that_goes_away_has_done_nothing() -> None:
    """An incomplete body never reaches the operation, and nothing is answered."""
    calls = []

    async def handle(call: Call) -> Answer:
        calls.append(call)
        return Answer()

    messages = iter(
        [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/f/v1/things",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer a:read")],
    }
    asyncio.run(called(app_of([operation(handle)]), scope, receive, send))
    assert (calls, sent) == ([], [])


def test_a_slow_operation_is_answered_503_and_goes_on_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """The answer says that it may still be done; it is, and the log says how it ended."""
    ended = []
    answered = asyncio.Event()

    async def handle(_call: Call) -> Answer:
        await answered.wait()
        ended.append(True)
        return Answer(201)

    async def run() -> tuple[httpx.Response, int, int]:
        app: Router = app_of(  # type: ignore[assignment]
            [operation(handle, body=None)], Settings(limits=Limits(answer_s=0.05))
        )
        gate = app.default
        assert isinstance(gate, Gate)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://n") as client:
            answer = await client.post("/f/v1/things", headers={"authorization": "Bearer a:read"})
        before = len(ended)
        answered.set()
        left = await gate.drain(5.0)
        await asyncio.sleep(0)
        return answer, before, left

    with caplog.at_level(logging.WARNING, "skypact.server"):
        answer, before, left = asyncio.run(run())
    assert answer.status_code == 503
    assert "a repeat finds what it did" in answer.json()["message"]
    assert answer.headers["retry-after"] == "1"
    assert (before, left, ended) == (0, 0, [True])
    assert "an operation outlived its request" in caplog.text


def test_a_large_body_is_decoded_all_the_same() -> None:
    """What goes through a thread comes out as what does not."""
    content = msgspec.json.encode({"name": "n", "note": "x" * 200_000})
    answer = ask_one(app_of([operation(echo)]), "POST", "/f/v1/things", content=content)
    assert answer.status_code == 200
    assert len(answer.json()["body"]["note"]) == 200_000


def test_bytes_come_as_they_are() -> None:
    """An operation that takes bytes gets them undecoded."""

    async def handle(call: Call) -> Answer:
        return Answer(200, call.body, media_type="application/octet-stream")

    answer = ask_one(app_of([operation(handle, body=bytes)]), "POST", "/f/v1/things", content=b"\xff{")
    assert answer.content == b"\xff{"


def test_quiet_operations_are_logged_only_when_they_fail(caplog: pytest.LogCaptureFixture) -> None:
    """A health check every few seconds does not fill the log."""
    app = app_of([operation(echo, method="GET", body=None, scopes=(), quiet=True, query={"a*": "x"})])
    with caplog.at_level(logging.INFO, "skypact.access"):
        ask(app, ("GET", "/f/v1/things?a=1", {}), ("GET", "/f/v1/things", {}))
    assert [record.__dict__["status"] for record in caplog.records] == [400]


def test_a_websocket_is_closed() -> None:
    """There is none, and no fault in asking."""
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    asyncio.run(called(app_of([]), {"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1000}]
