"""Routes, limits, figures, health, the pool, tokens for test suites, the document drawn from the table."""

from __future__ import annotations

import asyncio
import html.parser
import json
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gate import NOW_US, app_of, ask, ask_one, echo, operation
from skypact import seal
from skypact.seal import FixedKeys
from skypact.server import aux, openapi
from skypact.server.auth import Bearers, Issuer
from skypact.server.limits import PARTIES_MAX, Buckets
from skypact.server.metrics import Metrics
from skypact.server.operation import Style
from skypact.server.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Mapping

PATHS = ["/a", "/a/{x}", "/a/b", "/a/{x}/c", "/a/b/{y}", "/{z}", "/a/{x}/{y}/d", "/"]


def obvious(path: str) -> str | None:
    """The template that a path falls under, by trying all: a literal before a parameter, from the left."""
    fitting = []
    for template in PATHS:
        given_, wanted = path.split("/")[1:], template.split("/")[1:]
        if len(given_) == len(wanted) and all(
            want.startswith("{") or want == part for part, want in zip(given_, wanted, strict=True)
        ):
            fitting.append(([part.startswith("{") for part in wanted], template))
    return min(fitting)[1] if fitting else None


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "", "é", "{x}"]), min_size=1, max_size=5))
def test_a_path_finds_the_operation_that_trying_all_would(segments: list[str]) -> None:
    """The tree and the obvious way agree, and the parameters are the segments in their places."""
    routes = Routes([operation(echo, method="GET", path=path, body=None) for path in PATHS])
    path = "/" + "/".join(segments)
    found, params, methods = routes.find("GET", path)
    template = obvious(path)
    assert (found.path if found else None) == template
    assert methods == ()
    if template is not None:
        shown = template
        for name, value in params.items():
            shown = shown.replace("{" + name + "}", value, 1)
        assert shown.split("/") == path.split("/") or "{" in path


@pytest.mark.parametrize(
    "paths",
    [["/a", "/a"], ["/a/{x}", "/a/{y}"], ["a"], ["/a/"], ["/a b"], ["/{x}/{x}"], ["/{x"], ["/a{x}"], [""]],
)
def test_a_table_that_means_two_things_is_a_fault_at_once(paths: list[str]) -> None:
    """Not at the first request."""
    with pytest.raises(ValueError, match=r"answer|template|twice"):
        Routes([operation(echo, path=path) for path in paths])


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    """To the token, whatever the pauses; parties apart."""
    buckets = Buckets(per_s=10.0, burst=3.0)
    assert [buckets.wait_s("a", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.wait_s("a", 0.0) == pytest.approx(0.1)
    assert buckets.wait_s("b", 0.0) == 0.0
    assert buckets.wait_s("a", 0.05) == pytest.approx(0.05)
    assert buckets.wait_s("a", 0.1001) == 0.0
    assert sum(buckets.wait_s("a", 100.0 + n * 0.01) == 0.0 for n in range(101)) == 13


def test_the_parties_remembered_are_bounded() -> None:
    """Who has not asked for longest is forgotten."""
    buckets = Buckets(per_s=0.001, burst=1.0)
    for number in range(PARTIES_MAX + 10):
        buckets.wait_s(f"party-{number}", 0.0)
    assert len(buckets._left) == PARTIES_MAX
    assert buckets.wait_s(f"party-{PARTIES_MAX}", 1.0) > 0.0
    assert buckets.wait_s("party-0", 1.0) == 0.0


def test_figures_are_counted_by_operation_and_status() -> None:
    """And whatever else is told or asked."""
    metrics = Metrics()
    for _ in range(3):
        metrics.request("getThing", 200, 0.004)
    metrics.request("getThing", 503, 0.2)
    metrics.unauthenticated("a token that has expired")
    metrics.batch(7)
    metrics.gauge("skypact_outbox_depth", "Messages that wait.", lambda: 5)
    text = metrics.text().decode()
    for line in (
        'skypact_requests_total{operation="getThing",status="200"} 3.0',
        'skypact_requests_total{operation="getThing",status="503"} 1.0',
        'skypact_request_seconds_bucket{le="0.005",operation="getThing"} 3.0',
        'skypact_unauthenticated_total{cause="a token that has expired"} 1.0',
        'skypact_store_batch_writes_bucket{le="8.0"} 1.0',
        "skypact_outbox_depth 5.0",
    ):
        assert line in text


def test_readiness_says_which_part_is_not() -> None:
    """200 when all are, 503 with the names and reasons when one is not; being alive is another question."""
    parts = {"store": "", "kernels": "kernels are being loaded"}

    async def ready(now_us: int) -> Mapping[str, str]:
        assert now_us == NOW_US
        return parts

    app = app_of(aux.health(Metrics(), ready))
    alive, unready = ask(app, ("GET", "/healthz", {}), ("GET", "/readyz", {}))
    assert (alive.status_code, unready.status_code) == (200, 503)
    assert unready.json() == {
        "status": "not ready",
        "parts": {"store": "ready", "kernels": "kernels are being loaded"},
    }
    parts["kernels"] = ""
    ready_now, figures = ask(app, ("GET", "/readyz", {}), ("GET", "/metrics", {}))
    assert (ready_now.status_code, ready_now.json()["status"]) == (200, "ready")
    assert figures.headers["content-type"].startswith("text/plain")


async def region() -> str:
    """An id."""
    return "00ff"


def test_the_pool_answers_what_it_knows_and_501_to_the_rest() -> None:
    """Never a made-up value; a version without a token."""
    app = app_of(aux.pool(region))
    pool = {"headers": {"authorization": f"Bearer a:{aux.POOL_READ},{aux.HEARTBEAT}"}}
    version, whole, *others = ask(
        app,
        ("GET", "/aux/v1/version", {"headers": {"authorization": ""}}),
        ("GET", "/aux/v1/pool", dict(pool)),
        ("GET", "/aux/v1/pool/dss_instances", dict(pool)),
        ("PUT", "/aux/v1/pool/dss_instances/heartbeat", dict(pool)),
        ("GET", "/aux/v1/configuration/accepted_ca_certs", {}),
        ("GET", "/aux/v1/configuration/ca_certs", {}),
        ("GET", "/aux/v1/configuration/global_options", dict(pool)),
    )
    assert version.json() == {"version": aux.VERSION}
    assert whole.json() == {"dar_id": "00ff"}
    assert [other.status_code for other in others] == [501] * 5
    assert all("not done by this server: " in other.json()["message"] for other in others)


def test_a_token_can_be_tried() -> None:
    """Its owner is the one named, or it is refused."""
    app = app_of(aux.pool(region))
    header = {"authorization": "Bearer uss1:utm.strategic_coordination"}
    path = "/aux/v1/validate_oauth"
    good, other, missing = ask(
        app,
        *[("GET", path + query, {"headers": dict(header)}) for query in ("?owner=uss1", "?owner=uss2", "")],
    )
    assert [answer.status_code for answer in (good, other, missing)] == [200, 403, 400]


def test_a_token_for_a_test_suite_is_as_it_was_asked_for() -> None:
    """Its claims are those of the query; a node that knows the key accepts it."""
    key = seal.generate("ES256")
    app = app_of(aux.testing(key, "urn:node"))
    asked = {"intended_audience": "node.example", "scope": "a b", "sub": "uss1"}
    good, other, wrong, missing = ask(
        app,
        ("GET", "/token", {"params": asked}),
        ("GET", "/token", {"params": asked | {"issuer": "me", "expire": "1700000060"}}),
        ("GET", "/token", {"params": asked | {"expire": "soon"}}),
        ("GET", "/token", {"params": {"sub": "x"}}),
    )
    bearers = Bearers([Issuer("own", FixedKeys((key.public,)), "urn:node")], ["node.example"])
    identity = bearers.identify(good.json()["access_token"], NOW_US)
    assert (identity.party, identity.scopes) == ("uss1", frozenset({"a", "b"}))
    claims = seal.take_apart(other.json()["access_token"]).claims
    assert (claims["iss"], claims["exp"]) == ("me", 1_700_000_060)
    assert (wrong.status_code, missing.status_code) == (400, 400)
    assert "query.expire" in wrong.json()["message"]


def test_versions_are_told_to_who_may_read_them() -> None:
    """By whatever name the system is asked for."""
    app = app_of(aux.testing(seal.generate(), "urn:node"))
    header = {"authorization": f"Bearer a:{aux.READ_VERSIONS}"}
    path = "/versioning/versions/gov.example.v1"
    told, refused = ask(app, ("GET", path, {"headers": header}), ("GET", path, {}))
    assert told.json()["system_identity"] == "gov.example.v1"
    assert told.json()["system_version"].startswith("v")
    assert refused.status_code == 403


class Shape(msgspec.Struct):
    """A body <b>with</b> markup in its words."""

    name: str


ROWS = (
    operation(
        echo,
        name="putShape",
        method="PUT",
        path="/f/v1/shapes/{id}",
        body=Shape,
        answer=Shape,
        statuses={201: "Made.", 409: "It is there."},
        tag="Shapes <i>",
        summary="Put & keep",
        query={"mode*": "which <one>", "more": "whatever"},
    ),
    operation(
        echo, name="getAll", method="GET", path="/api/v1/all", body=None, style=Style.PROBLEM, scopes=()
    ),
    operation(echo, name="putRaw", method="PUT", path="/api/v1/raw", body=bytes, style=Style.PROBLEM),
)


def test_the_document_says_what_the_table_says() -> None:
    """Paths, parameters, types, scopes and statuses, and both of its own operations."""
    app = app_of((*ROWS, *openapi.operations(ROWS, title="T", servers=("http://n",))))
    told = ask_one(app, "GET", "/openapi.json", headers={"authorization": ""}).json()
    assert told["openapi"] == "3.1.0"
    assert set(told["paths"]) == {*(row.path for row in ROWS), "/openapi.json", "/docs"}
    made = told["paths"]["/f/v1/shapes/{id}"]["put"]
    assert [(item["in"], item["name"], item["required"]) for item in made["parameters"]] == [
        ("path", "id", True),
        ("query", "mode", True),
        ("query", "more", False),
    ]
    assert made["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Shape"
    }
    assert made["security"] == [{"bearer": ["read"]}]
    assert list(map(int, made["responses"])) == [201, 400, 401, 403, 408, 409, 413, 415, 429, 500, 503]
    assert set(told["paths"]["/api/v1/all"]["get"]["responses"]) == {"200", "500", "503"}
    assert told["paths"]["/api/v1/all"]["get"]["security"] == []


def test_every_reference_of_the_document_leads_somewhere() -> None:
    """No type is named that is not described."""
    text = json.dumps(openapi.document(ROWS, title="T"))
    told = json.loads(text)
    names = {part.split('"', 1)[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names == {"Shape", "ErrorObject", "Problem"}
    assert names <= set(told["components"]["schemas"])


class Reader(html.parser.HTMLParser):
    """What a page has: its tags and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "action"}]


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """No script, no image, no address but places in itself; markup in words is shown, not obeyed."""
    app = app_of((*ROWS, *openapi.operations(ROWS, title="T <script>")))
    answer = ask_one(app, "GET", "/docs", headers={"authorization": ""})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    reader = Reader()
    reader.feed(answer.text)
    assert not reader.tags & {"script", "img", "link", "iframe", "i", "form"}
    assert all(place.startswith(("#", "/openapi.json")) for place in reader.loads)
    for text in ("putShape", "Put &amp; keep", "which &lt;one&gt;", "read", "It is there."):
        assert text in answer.text


def test_a_fault_in_one_request_is_not_anothers() -> None:
    """A thousand requests at once get a thousand answers, each with its own correlation id."""

    async def run() -> list[str]:
        import httpx

        app = app_of([operation(echo, method="GET", path="/f/v1/things/{n}", body=None)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://n") as client:
            answers = await asyncio.gather(
                *(
                    client.get(
                        f"/f/v1/things/{n}",
                        headers={"authorization": "Bearer a:read", "x-request-id": f"id-{n}"},
                    )
                    for n in range(1000)
                )
            )
        assert {answer.status_code for answer in answers} == {200}
        return [f"{answer.json()['params']['n']} {answer.headers['x-request-id']}" for answer in answers]

    got: Any = asyncio.run(run())
    assert got == [f"{n} id-{n}" for n in range(1000)]


def test_two_authorization_headers_are_refused() -> None:
    """Whichever counted, somebody between could have meant the other: 400, whatever they say."""
    app = app_of([operation(echo, method="GET", body=None)])
    two = [("authorization", "Bearer alpha:read"), ("authorization", "Bearer alpha:read")]

    async def asked(headers: list[tuple[str, str]]) -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
            return (await client.get("/f/v1/things", headers=headers)).status_code

    assert asyncio.run(asked(two)) == 400
    assert asyncio.run(asked(two[:1])) == 200
