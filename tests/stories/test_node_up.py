"""A node from nothing to its end: as a newcomer starts it, and as an operator stops it."""

from __future__ import annotations

import asyncio
import functools
import http.server
import json
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from server.running import Node, certificate, node, token
from shell import skypact
from skypact import seal
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUBSCRIPTION = "/dss/v1/subscriptions/2f8343be-6482-4d1b-a474-16847e01af1e"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    """A node that was started without any configuration, and its data directory."""
    folder = tmp_path_factory.mktemp("node") / "data"
    with node("--data", folder, "--listen", "127.0.0.1:0") as made:
        made.await_listening()
        made.await_ready()
        yield made, folder


def test_it_says_where_it_listens_what_it_is_and_what_to_do_next(running: tuple[Node, Path]) -> None:
    """The address, the roles, the data mode in capitals, the store, and three commands."""
    made, folder = running
    text = "\n".join(made.said)
    assert f"listens on 127.0.0.1:{made.port}" in text
    assert "roles      dss" in text
    assert "data mode  TEST" in text
    assert f"sqlite:///{folder.resolve()}/skypact.db" in text
    assert f"curl http://127.0.0.1:{made.port}/readyz" in text
    assert "skypact token" in text
    assert "TESTING IS ON" not in text


async def opened(url: str) -> None:
    """Make the tables of a database."""
    await (await Store.open(url, upgrade=True)).close()


def test_a_start_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    """A node on SQLite loads no migrations, no asynchronous driver, and of the engine what plans ask.

    What was loaded is set aside from the collection of garbage, which goes on.
    """
    url = f"sqlite:///{tmp_path}/skypact.db"
    asyncio.run(opened(url))
    code = (
        "import asyncio, gc, sys\n"
        "gc.disable()\n"
        "import skypact.node.up as up\n"
        "from skypact.store import Store\n"
        f"store = asyncio.run(Store.open({url!r}, upgrade=True))\n"
        "up._settle()\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 100_000)\n"
        "heavy = {'alembic', 'asyncpg', 'skypact.check._well_clear', 'skypact.check._index',\n"
        "         'sqlalchemy.orm', 'pyarrow', 'shapely', 'rich', 'httpx', 'opentelemetry.sdk'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True True", "[]"]


def test_its_data_are_its_owners(running: tuple[Node, Path]) -> None:
    """The folder and the key cannot be read by others."""
    _, folder = running
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert seal.signing_key((folder / "key.pem").read_bytes()).public.algorithm == "EdDSA"


def test_its_own_token_opens_it_and_nothing_else_does(running: tuple[Node, Path]) -> None:
    """A token of its key is let in; none, another key's, another audience's is 401; a scope short is 403."""
    made, folder = running
    good = token(folder, "utm.strategic_coordination")
    assert made.ask("GET", SUBSCRIPTION, authorization=f"Bearer {good}")[0] == 404
    assert made.ask("GET", SUBSCRIPTION)[0] == 401
    key = seal.signing_key((folder / "key.pem").read_bytes())
    claims = seal.take_apart(good).claims
    for text in (
        seal.generate().token(claims),
        key.token({**claims, "aud": "other.example"}),
        key.token({**claims, "exp": int(time.time_ns() // 10**9) - 1}),
        key.token({**claims, "iss": "urn:other"}),
        good[:-2],
    ):
        status, body, headers = made.ask("GET", SUBSCRIPTION, authorization=f"Bearer {text}")
        assert status == 401
        assert body["correlation"] == headers["x-request-id"]
        assert "invalid_token" in headers["www-authenticate"]
    none = token(folder, "other.scope")
    assert made.ask("GET", SUBSCRIPTION, authorization=f"Bearer {none}")[0] == 403


def test_it_answers_for_itself(running: tuple[Node, Path]) -> None:
    """Alive, ready with every part named, figures, version, pool, documents; its data mode on each answer."""
    made, folder = running
    status, body, headers = made.ask("GET", "/readyz")
    parts = dict.fromkeys(("store", "kernels", "keys", "region"), "ready")
    assert (status, body["parts"]) == (200, parts)
    assert headers["skypact-data-mode"] == "test"
    assert made.ask("GET", "/healthz")[1] == {"status": "alive"}
    assert b"skypact_store_commits" in made.ask("GET", "/metrics")[1]
    assert made.ask("GET", "/aux/v1/version")[1]["version"].startswith("skypact/v")
    pool = made.ask(
        "GET", "/aux/v1/pool", authorization=f"Bearer {token(folder, 'interuss.pool_status.read')}"
    )
    assert len(pool[1]["dar_id"]) == 32
    assert (
        SUBSCRIPTION.rpartition("/")[0] + "/{subscriptionid}" in made.ask("GET", "/openapi.json")[1]["paths"]
    )
    assert b"queryOperationalIntentReferences" in made.ask("GET", "/docs")[1]
    assert made.ask("GET", "/token?sub=a&scope=b&intended_audience=c")[0] == 404


def raw(port: int, data: bytes, pause_s: float = 0.0, pieces: int = 1) -> bytes:
    """What comes back on a connection for bytes sent in pieces; empty where it was cut off."""
    with socket.create_connection(("127.0.0.1", port), timeout=40) as wire:
        size = max(1, len(data) // pieces)
        got = b""
        try:
            for at in range(0, len(data), size):
                wire.sendall(data[at : at + size])
                time.sleep(pause_s)
            while chunk := wire.recv(65536):
                got += chunk
        except OSError:
            pass
        return got


def test_hostile_heads_are_refused(running: tuple[Node, Path]) -> None:
    """Nonsense and heads without end get 400 and the connection's end; the node goes on."""
    made, _ = running
    assert raw(made.port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    long = b"GET /healthz HTTP/1.1\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 900) for n in range(100))
    assert raw(made.port, long).startswith(b"HTTP/1.1 400")
    assert raw(made.port, b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert made.ask("GET", "/healthz")[0] == 200


def test_slow_requests_have_a_deadline(running: tuple[Node, Path]) -> None:
    """A head that trickles or never ends, and a body that never comes, end their connection and no other."""
    made, folder = running
    good = token(folder, "utm.strategic_coordination").encode()
    post = (
        b"POST /dss/v1/subscriptions/query HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
        b"authorization: Bearer " + good + b"\r\n\r\n{"
    )
    cases = {
        "silent": (b"", 0.0, 1),
        "head": (b"GET /healthz HTTP/1.1\r\nhost: ", 0.0, 1),
        "trickle": (b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 100, 0.3, 100),
        "body": (post, 0.0, 1),
    }
    took: dict[str, tuple[float, bytes]] = {}

    def try_(name: str) -> None:
        started = time.monotonic()
        answer = raw(made.port, *cases[name])
        took[name] = time.monotonic() - started, answer

    threads = [threading.Thread(target=try_, args=(name,)) for name in cases]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    assert made.ask("GET", "/healthz")[0] == 200
    for thread in threads:
        thread.join()
    assert took["body"][1].startswith(b"HTTP/1.1 408")
    assert [took[name][1] for name in ("silent", "head", "trickle")] == [b"", b"", b""]
    assert all(5.0 < seconds < 40.0 for seconds, _ in took.values()), took


def test_its_log_is_json_without_a_token(running: tuple[Node, Path]) -> None:
    """Every line is an object; no part of any token that was sent is in it."""
    made, folder = running
    secret = token(folder, "utm.strategic_coordination")
    made.ask("GET", SUBSCRIPTION, authorization=f"Bearer {secret}")
    made.ask("GET", f"/{secret}?t={secret}")
    made.ask("POST", "/dss/v1/subscriptions/query", {"t": secret}, authorization=f"Bearer {secret}")
    made.await_(lambda: made.log()[-1].get("operation") == "querySubscriptions")
    assert {line["level"] for line in made.log()} <= {"info", "warning"}
    for part in secret.split(".")[1:]:
        assert part[:20] not in "\n".join(made.logged)


def refused(port: int) -> bool:
    """Whether nobody listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stop_lets_what_is_in_flight_finish(tmp_path: Path) -> None:
    """New connections are not taken, the half-sent request is answered, and the exit status is 0."""
    with node("--data", tmp_path, "--listen", "127.0.0.1:0") as made:
        made.await_listening()
        body = b'{"area_of_interest": null}'
        good = token(tmp_path, "utm.strategic_coordination").encode()
        head = b"POST /dss/v1/subscriptions/query HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(body)
        with socket.create_connection(("127.0.0.1", made.port), timeout=30) as wire:
            wire.sendall(head + b"authorization: Bearer " + good + b"\r\n\r\n" + body[:5])
            time.sleep(0.3)
            made.process.send_signal(signal.SIGTERM)
            made.await_(lambda: any("asked to stop" in line for line in made.logged))
            made.await_(lambda: refused(made.port))
            wire.sendall(body[5:])
            assert wire.recv(65536).startswith(b"HTTP/1.1 400")
        assert made.process.wait(timeout=60) == 0
        assert made.log()[-1]["message"] == "stopped"
    with sqlite3.connect(tmp_path / "skypact.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_a_new_folder_begins_a_node_with_a_configuration(tmp_path: Path) -> None:
    """``init`` writes what ``up`` reads; nothing is overwritten; testing, once on, is said loudly."""
    folder = tmp_path / "alpha"
    made = skypact("init", folder, "--party", "alpha", "--key", "RS256")
    assert made.status == 0
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    again = skypact("init", folder)
    assert again.status == 2
    assert "nothing was written" in again.err
    file = folder / "skypact.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("# enabled = false", "enabled = true"), "utf-8")
    with node("--config", file, "--listen", "127.0.0.1:0") as started:
        started.await_listening()
        text = "\n".join(started.said)
        assert "party      alpha" in text
        assert "WARNING: TESTING IS ON" in text
        status, body, _ = started.ask(
            "GET", "/token?sub=a&scope=utm.strategic_coordination&intended_audience=127.0.0.1"
        )
        assert status == 200
        opened = started.ask("GET", SUBSCRIPTION, authorization=f"Bearer {body['access_token']}")
        assert opened[0] == 404
        assert started.stop(signal.SIGINT) == 0


def test_a_node_with_a_certificate_speaks_https_and_nothing_else(tmp_path: Path) -> None:
    """Who trusts its authority reaches it; plain http gets no answer."""
    assert skypact("init", tmp_path / "n").status == 0
    _, file = certificate("localhost", tmp_path / "n")
    config = tmp_path / "n" / "skypact.toml"
    text = config.read_text(encoding="utf-8")
    text = text.replace('# tls_certificate = ""', 'tls_certificate = "cert.pem"')
    config.write_text(text.replace('# tls_key = ""', 'tls_key = "cert-key.pem"'), "utf-8")
    with node("--config", config, "--listen", "127.0.0.1:0") as made:
        made.await_listening()
        assert "reach it at https://" in made.said[0]
        context = ssl.create_default_context(cafile=file)
        with (
            socket.create_connection(("127.0.0.1", made.port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wire,
        ):
            wire.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            assert wire.recv(65536).startswith(b"HTTP/1.1 200")
        assert not raw(made.port, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").startswith(b"HTTP")
        assert made.stop() == 0


def test_without_an_issuers_keys_it_is_not_ready_and_with_them_it_is(tmp_path: Path) -> None:
    """The keys are fetched in the background, again and again until they are there."""
    key = seal.generate("ES256")
    (tmp_path / "web").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        assert skypact("init", tmp_path / "n").status == 0
        config = tmp_path / "n" / "skypact.toml"
        with config.open("a", encoding="utf-8") as file:
            file.write("[[auth.issuer]]\nname = 'authority'\niss = 'https://auth.example'\n")
            file.write(f"jwks_url = 'http://127.0.0.1:{web.server_address[1]}/jwks.json'\n")
        now_s = time.time_ns() // 10**9
        text = seal.access_token(
            key,
            issuer="https://auth.example",
            party="uss1",
            audience="127.0.0.1",
            scope="utm.strategic_coordination",
            now_s=now_s,
            end_s=now_s + 600,
            ident="x",
        )
        with node("--config", config, "--listen", "127.0.0.1:0") as made:
            made.await_listening()
            made.await_(lambda: any("keys were not fetched" in line for line in made.logged))
            status, body, _ = made.ask("GET", "/readyz")
            assert status == 503
            assert body["parts"]["keys"] == "not there, or too old: authority"
            assert made.ask("GET", SUBSCRIPTION, authorization=f"Bearer {text}")[0] == 503
            listed = {"keys": [key.public.jwk()]}
            (tmp_path / "web" / "jwks.json").write_text(json.dumps(listed), encoding="utf-8")
            made.await_ready()
            assert made.ask("GET", SUBSCRIPTION, authorization=f"Bearer {text}")[0] == 404
            assert made.stop() == 0
        web.shutdown()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('party = "alpha"', "parti = 1"), "skypact.toml: node.parti: no such key; expected party"),
        (('key = "key.pem"', 'key = "none.pem"'), "node.key: cannot be read (No such file or directory)"),
        (("# audience = []", 'audience = [""]'), "auth.audience: empty"),
        (('listen = "127.0.0.1:8650"', 'listen = "192.0.2.1:1"'), "node.listen: cannot be listened on"),
        (('# tls_key = ""', 'tls_key = "k"\ntls_certificate = "c"'), "node.tls_certificate: cannot be used"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_starts(
    change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    """The key is named; there is no traceback; the exit status is 2."""
    assert skypact("init", tmp_path / "n", "--party", "alpha").status == 0
    file = tmp_path / "n" / "skypact.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(*change), "utf-8")
    ended = skypact("up", "--config", file)
    assert ended.status == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_a_secret_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    """The refusal names the file and the mode."""
    assert skypact("init", tmp_path / "n").status == 0
    (tmp_path / "n" / "key.pem").chmod(0o644)
    ended = skypact("up", "--config", tmp_path / "n" / "skypact.toml")
    assert ended.status == 2
    assert "mode 0644'; expected mode 0600" in ended.err
