"""A node as a real process of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shell import COMMAND, environment, skypact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_S = 120.0
"""Long enough for a busy machine and kernels that are not compiled yet."""


class Node:
    """A node that runs: what it said, where it listens, and how to ask it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self.logged: list[str] = []
        self.port = 0
        threading.Thread(target=self._hear, args=(process.stderr, self.logged), daemon=True).start()
        self._saying = threading.Thread(target=self._hear, args=(process.stdout, self.said), daemon=True)
        self._saying.start()

    @staticmethod
    def _hear(stream: Any, into: list[str]) -> None:
        into.extend(line.rstrip("\n") for line in stream)  # as they come

    def await_(self, what: Any, within_s: float = START_S) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < deadline, (self.said, self.logged[-20:])
            assert self.process.poll() is None, (self.said, self.logged[-20:])
            time.sleep(0.02)

    def await_listening(self) -> None:
        """Wait until it says where it listens."""
        self.await_(lambda: any(line.startswith("Next:") for line in self.said))
        found = re.search(r"listens on .*:(\d+);", self.said[0])
        assert found is not None
        self.port = int(found[1])

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON where it is) and headers of one answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # the same
                status, data, got = answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            status, data, got = error.code, error.read(), dict(error.headers)
        kind = got.get("content-type", "")
        return status, json.loads(data) if "json" in kind else data, {k.lower(): v for k, v in got.items()}

    def await_ready(self) -> None:
        """Wait until it is ready."""
        self.await_(lambda: self.ask("GET", "/readyz")[0] == 200)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop, and its exit status."""
        os.kill(self.process.pid, number)
        return self.process.wait(timeout=60)

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [cast("dict[str, Any]", json.loads(line)) for line in self.logged]


@contextlib.contextmanager
def node(*arguments: str | Path, cwd: Path | None = None) -> Iterator[Node]:
    """A node that runs with these arguments, killed at the end if need be."""
    process = subprocess.Popen(
        [*COMMAND, "up", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment(),
    )
    made = Node(process)
    try:
        yield made
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def token(folder: Path, scope: str, sub: str = "uss1") -> str:
    """A token of the node whose data are in a folder."""
    ended = skypact("token", "--data", folder, "--sub", sub, "--scope", scope)
    assert ended.status == 0, ended.err
    return ended.out.strip()


def certificate(host: str, folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context with a certificate of its own making, and the file of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)  # noqa: TID251  # a certificate has to be good now
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "cert.pem", folder / "cert-key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return context, str(file)
