"""Every operation of a node with both roles, knocked at with what its own description makes up.

Schemathesis draws requests from ``/openapi.json``: such as the description permits, and such as it does not.
What it permits is sent twice: as it was drawn, which mostly ends at the first field that is no place, instant
or id; and mended there, so that it comes as far as the rules and the database. The same requests every time.
"""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import response_schema_conformance, status_code_conformance
from schemathesis.core.result import Ok

from pact_keys import KEYS
from server.running import node
from shell import skypact
from skypact import seal
from skypact.instants import SECOND_US, format_instant
from skypact.pact.keys import key_text, public_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = 2
"""Of each kind, for each operation."""
NOT_DONE = "/aux/v1/"
"""Operations of the pool interface that mean nothing here answer 501."""
_LIMITED = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SPOKEN = ("/hotline/messages", "/filing")
"""Where a person who may speak asks, and not the party itself, who may not."""
SAID: list[tuple[str, dict[str, Any]]] = [
    ("CHECK-IN", {}),
    ("QUERY", {"urgent": True}),
    ("STOP", {"points": [{"lat": "47.5", "lng": "8.5"}], "start": "2026-06-01T10:00:00Z"}),
]
"""Kinds and bodies that can be said."""
_PACT = """
[pact]
id = "knocked"
version = 1
data_mode = "test"
[[party]]
id = "skypact"
[[party.key]]
public = "{own}"
[[party]]
id = "south"
[[party.key]]
public = "{other}"
"""
KNOWN = [str(uuid.UUID(int=n, version=4)) for n in range(2)]
"""Few ids, so that entities are changed and ended, not only made."""


class Knocking:
    """A node, its description, and a token that may everything."""

    def __init__(self, url: str, document: Any, token: str, spoken: str) -> None:
        self.document = document
        self.schema = schemathesis.openapi.from_dict(document)
        self.url = url
        self.session = requests.Session()
        self.headers = {"authorization": f"Bearer {token}"}
        self.spoken = {"authorization": f"Bearer {spoken}"}
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.faults: list[str] = []
        self.chance = random.Random(8650)  # noqa: S311 -- the same requests every time

    def knock(self, case: Any) -> None:
        """Send one request; note what is wrong with the answer."""
        label = case.operation.label
        headers = self.spoken if any(place in label for place in SPOKEN) else self.headers
        try:
            answer = case.call(base_url=self.url, headers=headers, session=self.session, timeout=30.0)
        except requests.exceptions.InvalidHeader:
            return  # no client can send it
        self.statuses[label, answer.status_code] += 1
        may = answer.status_code == 501 and NOT_DONE in label
        if answer.status_code >= 500 and not may:
            self.faults.append(
                f"{label}: {answer.status_code} {answer.text[:300]} to {case.as_curl_command()}"
            )
        try:
            case.validate_response(answer, checks=[status_code_conformance, response_schema_conformance])
        except AssertionError as error:
            self.faults.append(f"{label}: {answer.status_code}: {str(error)[:600]}")

    def knock_all(self, operation: Any, mode: GenerationMode) -> None:
        """Send the requests to one operation that are drawn in one way."""

        @_LIMITED
        @given(case=operation.as_strategy(generation_mode=mode))
        def some(case: Any) -> None:
            self.knock(case)
            if mode is GenerationMode.POSITIVE:
                case.path_parameters = self.mended(case.path_parameters)
                case.body = self.mended(case.body)
                self.knock(case)

        some()

    def mended(self, value: Any, name: str = "") -> Any:
        """The same with places, instants, ids and addresses that can be."""
        if isinstance(value, dict):
            if "format" in value and "value" in value:
                ahead_s = {"time_start": 60, "time_end": 1_800}.get(name, -1)
                return {"value": format_instant(_now_us() + ahead_s * SECOND_US), "format": "RFC3339"}
            if name == "volume":
                lat, low = 47.0 + self.chance.random(), float(self.chance.randrange(100, 2_000))
                corners = ((lat, 8.0), (lat, 8.01), (lat + 0.01, 8.01), (lat + 0.01, 8.0))
                return {
                    "outline_polygon": {"vertices": [{"lat": a, "lng": b} for a, b in corners]},
                    "altitude_lower": {"value": low, "reference": "W84", "units": "M"},
                    "altitude_upper": {"value": low + 50.0, "reference": "W84", "units": "M"},
                }
            if "kind" in value and "entityid" not in value and not name:
                kind, body = self.chance.choice(SAID)
                return {
                    "kind": kind,
                    "to": "south",
                    "body": body,
                    "text": {"language": "en", "words": "Well?"},
                }
            return {key: self.mended(part, key) for key, part in value.items()}
        if isinstance(value, list):
            return [self.mended(part, name) for part in value]
        if name.endswith(("id", "_ids")) and isinstance(value, str):
            return self.chance.choice(KNOWN)
        if name == "uss_base_url":
            return "http://127.0.0.1:9"
        return 7 if name == "priority" else value


def _now_us() -> int:
    return time.time_ns() // 1_000


@pytest.fixture(scope="module")
def knocking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knocking]:
    """A node with both roles, and with a pact, so that it has a hotline and filings too."""
    folder = tmp_path_factory.mktemp("node") / "data"
    assert skypact("init", folder).status == 0
    key = seal.signing_key((folder / "key.pem").read_bytes())
    own = key_text(public_bytes(key.public))
    (folder / "pact.toml").write_text(_PACT.format(own=own, other=KEYS[0].text))
    config = folder / "skypact.toml"
    config.write_text(config.read_text().replace("# files = []", 'files = ["pact.toml"]'))
    with node("--data", folder, "--listen", "127.0.0.1:0") as made:
        made.await_listening()
        made.await_ready()
        document = made.ask("GET", "/openapi.json")[1]
        scopes = {
            scope
            for methods in document["paths"].values()
            for operation in methods.values()
            for security in operation.get("security", ())
            for listed in security.values()
            for scope in listed
        }
        now_s = _now_us() // SECOND_US
        place = ("--data", folder, "--url", f"http://127.0.0.1:{made.port}")
        assert skypact("account", "add", "kim", "--role", "duty-officer", *place).status == 0

        def token(sub: str) -> str:
            return seal.access_token(
                key,
                issuer="urn:skypact:skypact",
                party=sub,
                audience="127.0.0.1",
                scope=" ".join(sorted(scopes)),
                now_s=now_s,
                end_s=now_s + 1_800,
                ident=f"schemathesis {sub}",
            )

        yield Knocking(f"http://127.0.0.1:{made.port}", document, token("skypact"), token("kim"))
        assert made.stop() == 0
        faults = [line for line in made.log() if line["level"] == "error"]
        assert faults == []


def test_no_request_that_can_be_made_up_breaks_an_operation(knocking: Knocking) -> None:
    """No 5xx but the 501 of the pool interface; each answer has a status and a shape that are described."""
    operations = [result.ok() for result in knocking.schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == sum(map(len, knocking.document["paths"].values())) >= 60
    for operation in operations:
        knocking.knock_all(operation, GenerationMode.POSITIVE)
        with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a plain GET
            knocking.knock_all(operation, GenerationMode.NEGATIVE)
    assert knocking.faults == []
    seen = {label for label, _ in knocking.statuses}
    assert seen == {operation.label for operation in operations}
    done = {label for label, status in knocking.statuses if 200 <= status < 300}
    assert len(done) >= 20, sorted(seen - done)  # it comes as far as the rules
    assert "POST /api/v1/hotline/messages" in done
