"""The log: one JSON object a line, and no secret in any of it."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gate import app_of, ask, echo, operation
from skypact import seal
from skypact.errors import Reason, Refused
from skypact.node import logs
from skypact.server.operation import CORRELATION, Answer, Call

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = seal.generate("RS256")
TOKEN = KEY.token({"sub": "uss1", "exp": 1})


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; the root logger is put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    made = io.StringIO()
    logs.set_up("info", made)
    yield made
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines as objects."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_object_with_what_was_named(stream: io.StringIO) -> None:
    """Time, level, logger, message, correlation, and the members of whoever wrote it."""
    CORRELATION.set("abc")
    logging.getLogger("skypact.x").warning("it %s", "is\nso", extra={"party": "p", "status": 3})
    CORRELATION.set("")
    (line,) = lines(stream)
    assert line["at"].endswith("Z")
    assert {
        name: line[name] for name in ("level", "logger", "message", "correlation", "party", "status")
    } == {
        "level": "warning",
        "logger": "skypact.x",
        "message": "it is\nso",
        "correlation": "abc",
        "party": "p",
        "status": 3,
    }


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        f"x={TOKEN}&y",
        TOKEN.rsplit(".", 1)[0] + ".",
        KEY.pem().decode(),
        KEY.pem().decode()[:200],
        "postgresql://user:hunter2hunter2@host/db",
        "authorization: Basic dXNlcjpodW50ZXIyaHVudGVyMg==",
    ],
)
def test_what_must_stay_secret_is_cut_out(stream: io.StringIO, text: str) -> None:
    """Of the message, of members, and of tracebacks."""
    log = logging.getLogger("skypact.x")
    log.error("got %s", text)
    log.error("m", extra={"refused": text, "inner": {"deep": [text]}})
    try:
        raise ValueError(text)  # noqa: TRY301  # a traceback is wanted
    except ValueError:
        log.exception("failed")
    out = stream.getvalue()
    assert out.count("[secret]") >= 3
    for secret in (TOKEN.split(".")[1], KEY.pem().decode().splitlines()[2], "hunter2", "dXNlcj"):
        assert secret not in out


def test_no_request_leaves_its_token_in_the_log(stream: io.StringIO) -> None:
    """Wherever a client puts it: header, path, query, body, correlation id; accepted, refused and failing."""

    async def fail(_call: Call) -> Answer:
        raise RuntimeError(TOKEN)

    async def refuse(call: Call) -> Answer:
        raise Refused(Reason.INVALID, "no", found=call.raw.decode())

    app = app_of(
        [
            operation(echo, method="GET", path="/f/{x}", body=None),
            operation(fail, path="/fail", body=None),
            operation(refuse, path="/refuse"),
        ]
    )
    for header in (f"Bearer {TOKEN}", f"Basic {TOKEN}", f"Bearer nobody:{TOKEN}", "Bearer a:read"):
        more = {"headers": {"authorization": header, "x-request-id": TOKEN[:64]}}
        ask(
            app,
            ("GET", f"/f/{TOKEN}?t={TOKEN}", dict(more)),
            ("POST", "/fail", dict(more)),
            ("POST", "/refuse", {**more, "content": json.dumps({"name": TOKEN}).encode()}),
            ("GET", f"/{TOKEN}", dict(more)),
        )
    out = stream.getvalue()
    assert len(lines(stream)) > 16
    assert TOKEN.split(".")[1][:20] not in out
    assert TOKEN.split(".")[2][:20] not in out


@given(st.text(max_size=50), st.recursive(st.text() | st.floats() | st.binary(), st.lists, max_leaves=5))
def test_any_member_makes_one_line_of_json(text: str, value: Any) -> None:
    """Line ends, lone surrogates, NaN, bytes, objects of any kind."""
    record = logging.LogRecord("x", logging.INFO, "", 0, text, None, None)
    record.__dict__["more"] = value
    record.__dict__["odd"] = object()
    line = logs.JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["logger"] in {"x", "'x'"}
