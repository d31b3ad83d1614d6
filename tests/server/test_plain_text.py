"""Text from outside is plain: the same answer on both databases to what one of them cannot keep."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dss_world import NOW, new_id, volume
from server.gate import Names
from skypact.courier.client import Response
from skypact.courier.peers import Peers
from skypact.desk.dss import DssDesk
from skypact.desk.outside import Rubbish
from skypact.errors import FormatError
from skypact.exchange.dss import STRATEGIC
from skypact.formats.plain import refuse_controls
from skypact.server.app import Settings, application
from skypact.server.f3548_dss import operations
from skypact.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCES = "/dss/v1/operational_intent_references"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (r'{"a": [{"b": "x\u0000"}]}', "$.a[0].b"),
        (r'{"a": "\u001B"}', "$.a"),
        (r'{"a": "\b"}', "$.a"),
        ('{"a": "\x7f"}', "$.a"),
        ('{"a": "\x85"}', "$.a"),
        (r'{"a": "\u009f"}', "$.a"),
        (r'{"\u0000": 1}', "$"),
        (r'{"ovn": "0123456789abcdef\n"}', "$.ovn"),
        (r'{"key": ["fine", "x\ty"]}', "$.key[1]"),
        (r'{"reference": {"manager": "a\nb"}}', "$.reference.manager"),
        ('{"name": "alpha\u202etset"}', "$.name"),
        (r'{"operator": "a\u2066b"}', "$.operator"),
        ('{"manager": "a\u2028b"}', "$.manager"),
    ],
)
def test_a_control_character_is_refused_where_it_stands(data: str, where: str) -> None:
    """However it is written: as an escape or as itself, in a text, in a name or in the name of a thing."""
    with pytest.raises(FormatError) as refused:
        refuse_controls(data.encode())
    assert refused.value.where == where


@pytest.mark.parametrize(
    "data", [r'{"problem": "one\ntwo\tthree\r\n"}', r'{"a": "\\u0000 \\b \/ \u00e9"}', '{"a": "é € \u202b"}']
)
def test_what_people_write_is_taken(data: str) -> None:
    """Line ends and tabs in a text, escapes of an escape, and letters of all languages are no fault."""
    assert refuse_controls(data.encode()) is None  # type: ignore[func-returns-value]


def _intent(**more: Any) -> dict[str, Any]:
    return {
        "extents": [volume()],
        "key": [],
        "state": "Accepted",
        "uss_base_url": "https://alpha.example/utm",
        "new_subscription": {"uss_base_url": "https://alpha.example/utm"},
        **more,
    }


def _version(client: httpx.AsyncClient, headers: dict[str, str]) -> Any:
    return client.put(f"{REFERENCES}/{new_id()}/%00aaaaaaaaaaaaaaaaaaaa", json=_intent(), headers=headers)


def _key(client: httpx.AsyncClient, headers: dict[str, str]) -> Any:
    return client.put(f"{REFERENCES}/{new_id()}", json=_intent(key=["\x00" * 20]), headers=headers)


def _base_url(client: httpx.AsyncClient, headers: dict[str, str]) -> Any:
    body = _intent(uss_base_url="https://alpha.example/\x00")
    return client.put(f"{REFERENCES}/{new_id()}", json=body, headers=headers)


def _id(client: httpx.AsyncClient, headers: dict[str, str]) -> Any:
    return client.get(f"{REFERENCES}/%00", headers=headers)


def _query(client: httpx.AsyncClient, headers: dict[str, str]) -> Any:
    return client.get(f"{REFERENCES}/{new_id()}?after=%00", headers=headers)


@pytest.mark.parametrize("ask", [_version, _key, _base_url, _id, _query])
def test_a_nul_is_refused_alike_on_both_databases(
    store_url: str, ask: Callable[[httpx.AsyncClient, dict[str, str]], Any]
) -> None:
    """In an OVN in the path, a key, a base URL, an id or a query a NUL is 400, and never a fault of ours."""

    async def run() -> httpx.Response:
        store = await Store.open(store_url, upgrade=True)
        app = application(operations(DssDesk(store)), Names(), Settings(clock=lambda: NOW))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://dss.example") as client:
            answer: httpx.Response = await ask(client, {"authorization": f"Bearer alpha:{STRATEGIC}"})
        await store.close()
        return answer

    answer = asyncio.run(run())
    assert answer.status_code == 400, answer.text
    assert "control character" in answer.json()["message"]


def test_a_peer_that_answers_with_a_nul_says_rubbish() -> None:
    """An OVN with a NUL in a peer's answer is no answer, so that nothing of it is kept."""
    reference = {
        "id": new_id(),
        "manager": "bravo",
        "uss_availability": "Normal",
        "version": 1,
        "state": "Accepted",
        "ovn": "\x00" * 20,
        "time_start": {"value": "2026-01-01T00:00:00Z", "format": "RFC3339"},
        "time_end": {"value": "2026-01-01T01:00:00Z", "format": "RFC3339"},
        "uss_base_url": "https://bravo.example",
        "subscription_id": new_id(),
    }
    details = {"volumes": [volume()], "priority": 0}
    told = {"operational_intent": {"reference": reference, "details": details}}

    class Lying:
        """A peer."""

        async def send(self, method: str, url: str, **more: Any) -> Response:
            """Its answer."""
            assert (method, url.startswith("https://bravo.example"), "scope" in more) == ("GET", True, True)
            return Response(200, {}, json.dumps(told).encode(), 0.0)

    with pytest.raises(Rubbish) as rubbish:
        asyncio.run(
            Peers(Lying(), "https://dss.example").intent_details(
                "https://bravo.example", str(reference["id"]), 1.0
            )
        )
    assert "control character" in str(rubbish.value)
