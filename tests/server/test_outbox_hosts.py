"""A host that hangs keeps nobody else waiting: how the courier of the outbox shares its places."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from skypact.courier.addresses import Addresses
from skypact.courier.client import CallFailed, Client, Response
from skypact.courier.outbox import PER_HOST, SHORT_S, UNPROVEN, Outbox
from skypact.store import Store, outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAR_US = 2**60


class Peers:
    """Peers of which some never answer."""

    def __init__(self, hangs: Callable[[str], bool]) -> None:
        self.hangs = hangs
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.asked: list[tuple[str, float]] = []
        self.told: dict[str, asyncio.Event] = {}

    async def send(self, method: str, url: str, **more: Any) -> Response:
        """One call."""
        assert method == "POST"
        host = urlsplit(url).netloc
        self.asked.append((host, more["timeout_s"]))
        for name in (host, "hung" if self.hangs(host) else "well"):
            self.now[name] += 1
            self.most[name] = max(self.most[name], self.now[name])
        try:
            if self.hangs(host):
                await asyncio.sleep(more["timeout_s"])
                raise CallFailed("no answer", arrived=True)
        finally:
            for name in (host, "hung" if self.hangs(host) else "well"):
                self.now[name] -= 1
        self.arrived(url).set()
        return Response(204, {}, b"", 0.0)

    def arrived(self, url: str) -> asyncio.Event:
        """Set when a message has come there."""
        return self.told.setdefault(url, asyncio.Event())


def story(folder: Path, urls: list[str], peers: Peers, *, call_s: float, wait_for: str) -> float:
    """Put a message to each of these on a lane of its own; how long until one of them is told."""

    async def run() -> float:
        store = await Store.open(f"sqlite:///{folder / 'outbox.db'}", upgrade=True)

        def put(tx: Any) -> None:
            for url in urls:
                tx.out(
                    party=url,
                    to=url,
                    method="POST",
                    scope="",
                    body=b"{}",
                    topic="notification",
                    ref=url,
                    order_key=f"notify {url}",
                    now_us=1,
                    not_after_us=FAR_US,
                )

        await store.write(put)
        courier = Outbox(store, peers, call_s=call_s, first_pause_s=30.0)
        began_s = time.monotonic()
        running = asyncio.create_task(courier.run())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(peers.arrived(wait_for).wait(), 20.0)
        took_s = time.monotonic() - began_s
        courier.stop()
        await running
        await store.close()
        return took_s

    return asyncio.run(run())


def test_two_hundred_lanes_to_a_host_that_hangs_keep_no_other_waiting(tmp_path: Path) -> None:
    """Behind 200 lanes to one host that never answers another host is told in well under a call's time."""
    peers = Peers(lambda host: host == "tarpit:9790")
    urls = [f"http://tarpit:9790/{n:04d}" for n in range(200)] + ["http://zulu:9701/uss"]
    took_s = story(tmp_path, urls, peers, call_s=1.0, wait_for=urls[-1])
    assert took_s < 1.0
    assert peers.most["tarpit:9790"] <= PER_HOST


def test_many_hosts_that_hang_leave_places_to_those_that_answer(tmp_path: Path) -> None:
    """Hosts that were never heard of have half of the places, whatever their number."""
    peers = Peers(lambda host: host.startswith("tarpit"))
    urls = [f"http://tarpit-{n:04d}/uss" for n in range(120)] + ["http://zulu:9701/uss"]
    took_s = story(tmp_path, urls, peers, call_s=0.3, wait_for=urls[-1])
    assert peers.most["hung"] == UNPROVEN
    assert took_s < 6.0


def test_a_host_that_hung_gets_one_short_call_at_a_time(tmp_path: Path) -> None:
    """After the first silence a host is called once at a time, for a shorter time; each fourth is whole."""
    peers = Peers(lambda host: host == "tarpit")
    urls = [f"http://tarpit/{n}" for n in range(11)] + ["http://zulu/uss"]

    async def run() -> list[float]:
        store = await Store.open(f"sqlite:///{tmp_path / 'outbox.db'}", upgrade=True)
        courier = Outbox(store, peers, call_s=2.0)
        host = courier._host("tarpit:80")
        times = []
        for hung in range(6):
            host.hung = hung
            times.append(host.time_s(2.0))
        host.hung = 1
        due = [outbox.Due(f"notify {url}", 0, url) for url in urls]
        assert courier._chosen(due, 64) == [f"notify {urls[0]}", f"notify {urls[-1]}"]
        courier._host("zulu:80").proven = True
        assert courier._chosen(due, 64)[0] == f"notify {urls[-1]}"
        await store.close()
        return times

    assert asyncio.run(run()) == [2.0, SHORT_S, SHORT_S, SHORT_S, 2.0, SHORT_S]


def test_lanes_that_have_not_failed_are_taken_first(tmp_path: Path) -> None:
    """Of what is due, a lane that has never failed comes before one that has, however long that waits."""

    async def run() -> list[str]:
        store = await Store.open(f"sqlite:///{tmp_path / 'outbox.db'}", upgrade=True)
        for lane in ("a", "b"):
            await store.write(
                lambda tx, lane=lane: tx.out(  # type: ignore[misc]
                    party=lane,
                    to=f"https://{lane}.example/uss",
                    method="POST",
                    scope="",
                    body=None,
                    topic="t",
                    ref=lane,
                    order_key=lane,
                    now_us=10,
                    not_after_us=FAR_US,
                )
            )
        (first,) = await store.write(
            lambda tx: outbox.take(tx, now_us=20, lease_us=5, limit=9, lanes=["a", "c"])
        )
        await store.write(
            lambda tx: outbox.failed(tx, first, now_us=21, took_us=1, status=None, fault="x", again_us=5)
        )
        assert await store.read(lambda tx: outbox.next_due_us(tx, after_us=9)) == 10
        assert await store.read(lambda tx: outbox.next_due_us(tx, after_us=10)) is None
        found = await store.read(lambda tx: outbox.due(tx, now_us=30, limit=9))
        await store.close()
        assert [lane.url for lane in found] == ["https://b.example/uss", "https://a.example/uss"]
        return [lane.lane for lane in found]

    assert asyncio.run(run()) == ["b", "a"]


def test_what_can_never_be_called_is_refused_once_and_for_good(tmp_path: Path) -> None:
    """A message to a base URL with a query ends as refused, with the reason, and is not tried again."""

    async def run() -> tuple[int, outbox.Reach]:
        url = "https://uss.example?correct-ovn-mutation=true/uss/v1/operational_intents"
        store = await Store.open(f"sqlite:///{tmp_path / 'outbox.db'}", upgrade=True)
        await store.write(
            lambda tx: tx.out(
                party="uss",
                to=url,
                method="POST",
                scope="",
                body=b"{}",
                topic="notification",
                ref="x",
                order_key="notify x",
                now_us=1,
                not_after_us=FAR_US,
            )
        )
        tried = await Outbox(store, Client(Addresses())).drain()
        (reach,) = await store.read(outbox.reach)
        (attempt,) = await store.read(lambda tx: outbox.attempts(tx, 1))
        await store.close()
        assert "a query cannot be called" in attempt.fault
        return tried, reach

    tried, reach = asyncio.run(run())
    assert (tried, reach.refused, reach.waiting) == (1, 1, 0)
