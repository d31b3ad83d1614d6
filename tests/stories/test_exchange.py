"""Parties that share a sky, as real processes: planning into each other, and what is done when one fails.

A discovery service and two nodes, each with a key and a database of its own, first on SQLite, then on
PostgreSQL; and a third party, played by the test, that dies, lies, is slow, or has its clock an hour off.
"""

from __future__ import annotations

import base64
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from databases import binaries
from exchange_world import (
    STRATEGIC,
    Answered,
    Asked,
    Left,
    Process,
    Region,
    always,
    near,
    new_id,
    shown,
    until,
    volumes,
)
from node_services import fix
from node_world import MINUTE_US, SECOND_US, now_us
from shell import Ended, skypact
from skypact.formats import f3548_wire as wire
from skypact.instants import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from databases import Server

HOUR_S = 3_600
HOUR_US = 60 * MINUTE_US


@pytest.fixture(scope="module")
def regions(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Region]]:
    """The processes on databases of each kind there is, all of them started at once."""
    folders = {kind: tmp_path_factory.mktemp(f"region-{kind}") for kind in ("sqlite", "postgresql")}
    made = {"sqlite": Region(folders["sqlite"], lambda name: f"sqlite:///{folders['sqlite'] / name}.db")}
    if binaries() is not None:
        server: Server = request.getfixturevalue("postgres_server")
        made["postgresql"] = Region(folders["postgresql"], lambda _name: server.create())
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        list(threads.map(lambda region: stack.enter_context(region.lives()), made.values()))
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, regions: dict[str, Region]) -> Region:
    """The processes, on databases of each kind in turn."""
    if request.param not in regions:
        request.getfixturevalue("postgres_server")  # skips, loudly
    return regions[request.param]


def test_two_parties_plan_into_each_other(region: Region) -> None:
    """The second is refused with what, when and how close; above, it is accepted and the first is told."""
    alpha, bravo = region.alpha, region.bravo
    start_us = now_us() + 5 * MINUTE_US
    status, first = alpha.file(near(0, 0, 0, 4, 4, start_us=start_us), name="survey")
    assert (status, first["phase"]) == (201, "Accepted")

    status, refused = bravo.file(near(0, 3, 3, 6, 6, start_us=start_us + MINUTE_US), name="late")
    assert status == 409
    (met,) = refused["stands_in_the_way"]
    assert (met["id"], met["manager"], met["state"], met["priority"]) == (
        first["id"],
        "alpha",
        "Accepted",
        0,
    )
    assert parse_instant(met["start"]) == start_us + MINUTE_US
    assert parse_instant(met["end"]) == start_us + 30 * MINUTE_US
    assert (met["horizontal_m"], met["vertical_m"]) == (0.0, 0.0)
    # an edge along a parallel is a geodesic, and bulges
    assert met["lat"] == pytest.approx(47.035, abs=0.0051)
    assert met["lng"] == pytest.approx(8.035, abs=0.0051)
    assert "the volumes overlap near" in met["text"]
    assert bravo.flights() == {}
    assert region.intents("bravo", near(0, 0, 0, 9, 9)) == {}

    above = near(0, 0, 0, 4, 4, start_us=start_us, low=200.5, high=300.0)  # half a metre above alpha's
    status, second = bravo.file(above, name="above")
    assert (status, second["meets"]) == (201, [])
    assert bravo.flight(second["id"])["told"] == []  # it concerns nobody
    assert alpha.notices() == []

    status, third = alpha.file(near(0, 2, 2, 3, 3, start_us=start_us, low=190.0, high=220.0))
    assert status == 409
    assert {m["manager"] for m in third["stands_in_the_way"]} == {"alpha", "bravo"}


def test_a_higher_priority_goes_first_and_the_lower_is_told(region: Region) -> None:
    """It is accepted over the other, whose operator is told once; the lower cannot begin before its end."""
    alpha, bravo = region.alpha, region.bravo
    volume = near(1, 0, 0, 4, 4)
    status, low = alpha.file(volume, name="mapping", operator="alice")
    assert status == 201
    status, high = bravo.file(near(1, 2, 2, 6, 6), name="ambulance", priority=50)
    assert status == 201
    assert [(m["id"], m["manager"]) for m in high["meets"]] == [(low["id"], "alpha")]
    (notice,) = until(lambda: [n for n in alpha.notices() if n["subject"] == low["id"]])
    assert (notice["kind"], notice["operator"], notice["conflicts"]) == ("conflict", "alice", 1)
    assert high["id"] in notice["text"]
    assert "bravo" in notice["text"]

    status, refused = alpha.ask("POST", f"/api/v1/flights/{low['id']}/activate")
    assert (status, refused["phase"]) == (409, "Accepted")
    assert [m["priority"] for m in refused["stands_in_the_way"]] == [50]
    assert bravo.ask("POST", f"/api/v1/flights/{high['id']}/activate")[0] == 200
    status, ended = bravo.ask("POST", f"/api/v1/flights/{high['id']}/end")
    assert (status, ended["phase"]) == (200, "Ended")
    status, active = alpha.ask("POST", f"/api/v1/flights/{low['id']}/activate")
    assert (status, active["phase"]) == (200, "Activated")
    status, peers = bravo.ask("GET", "/api/v1/peers")
    reached = next(one for one in peers["peers"] if one["to"] == alpha.url)
    assert (reached["parties"], reached["waiting"], reached["failures"]) == (["alpha"], 0, 0)


def test_a_node_is_killed_in_the_middle_of_planning(region: Region) -> None:
    """Many plans are under way, one asks, one is sent and not read: all that was answered is there again."""
    alpha, bravo, dss, mallory = region.alpha, region.bravo, region.dss, region.mallory
    field = near(2, -9, -9, 9, 9, minutes=50)
    status, under = bravo.file(field, name="field")
    assert status == 201
    tried: dict[str, int] = {}

    def filing(lane: int) -> None:
        for at in range(100):
            ident = new_id()
            tried[ident] = 0
            west, south = -9 + lane * 2, -9 + (at % 9) * 2
            low = 100.0 + 2 * (at // 9)  # beside and above each other, all in the field
            volume = near(2, south, west, south + 1.5, west + 1.5, low=low, high=low + 1.0)
            try:
                tried[ident], _ = alpha.file(volume, id=ident, priority=10)
            except OSError:
                return

    asking, sending = new_id(), new_id()
    volume, other = near(3, 0, 0, 2, 2), near(3, 4, 4, 6, 6)
    slow, quick = mallory.claim(volume), mallory.claim(other)
    mallory.acts[slow["id"]] = always(b"{}", after_s=60.0)

    def stopping(_asked: Asked) -> Answered:
        dss.signal(signal.SIGSTOP)  # what alpha sends now lies in the socket of who does not read it
        return Answered(200, shown(quick, other))

    mallory.acts[quick["id"]] = stopping
    lanes = [threading.Thread(target=filing, args=(lane,)) for lane in range(4)]
    last = [
        threading.Thread(target=quietly, args=(lambda: alpha.file(volume, id=asking),)),
        threading.Thread(target=quietly, args=(lambda: alpha.file(other, id=sending, priority=10),)),
    ]
    for thread in lanes:
        thread.start()
    until(lambda: sum(status == 201 for status in tried.values()) >= 12)
    for thread in last:
        thread.start()
    try:
        until(lambda: sending in region.under_way(alpha))
        time.sleep(0.2)  # from the commit to the socket
        alpha.kill()
    finally:
        dss.signal(signal.SIGCONT)
    for thread in (*lanes, *last):
        thread.join()
    mallory.acts.clear()
    mallory.withdraw(slow)
    mallory.withdraw(quick)
    assert set(tried.values()) <= {0, 201}
    alpha.start()
    alpha.await_ready()
    there = alpha.flights()
    assert {ident for ident, status in tried.items() if status == 201} <= set(there)
    assert asking not in there
    assert asking not in region.intents("alpha", near(3, -1, -1, 8, 8))  # a question leaves no trace
    assert alpha.file(volume, id=asking)[0] == 201
    region.left = Left(field, under["id"], tried, sending)


def quietly(what: Callable[[], Any]) -> None:
    """Do it; that nobody answers any more is no surprise."""
    try:
        what()
    except OSError:
        return


def lies(reference: dict[str, Any], volume: Any, other: dict[str, Any]) -> dict[str, tuple[bytes, str]]:
    """What a peer may answer that is not so, and what has to be said of it."""
    start_us, end_us = (parse_instant(reference[name]["value"]) for name in ("time_start", "time_end"))

    def off(by_us: int) -> dict[str, Any]:
        return {
            name: {"value": format_instant(at_us + by_us), "format": "RFC3339"}
            for name, at_us in (("time_start", start_us), ("time_end", end_us))
        }

    hour_ago = msgspec.structs.replace(
        volume, time_start=wire.time(start_us - HOUR_US), time_end=wire.time(end_us - HOUR_US)
    )
    deep = b'{"operational_intent": ' + b'{"reference": ' * 100_000
    return {
        "rubbish": (b"<html>It works!</html>", "JSON"),
        "nested without end": (deep, "JSON"),
        "nothing": (b"{}", "operational_intent"),
        "the OVN of another": (shown(reference, volume, ovn=other["ovn"]), "OVN"),
        "another's intent": (shown(other, volume), other["id"]),
        "another's name": (shown(reference, volume, manager="bravo"), "'bravo' as the manager"),
        "an older version": (shown(reference, volume, version=1), "version 1"),
        "no volumes": (shown(reference), "without volumes"),
        "volumes of an hour ago": (shown(reference, hour_ago), "outside its own"),
        "a clock an hour behind": (shown(reference, hour_ago, **off(-HOUR_US)), "the DSS"),
    }


def test_a_peer_that_lies_stops_a_plan_and_is_told(region: Region) -> None:
    """Whatever a peer answers that cannot be, nothing is filed, he is named, and gets the exchange back."""
    alpha, mallory = region.alpha, region.mallory
    volume = near(4, 0, 0, 4, 4)
    reference = mallory.claim(volume, before=mallory.claim(volume))
    elsewhere = near(4, 0, 10, 4, 14)
    other = mallory.claim(elsewhere)
    wanted = near(4, 3, 3, 5, 5)
    for name, (answer, text) in lies(reference, volume, other).items():
        mallory.posts.clear()
        mallory.acts[reference["id"]] = always(answer)
        status, refused = alpha.file(wanted, priority=10)  # what may be, were the answer true
        assert status == 409, name
        (met,) = refused["stands_in_the_way"] or [{"text": refused["detail"], "manager": "mallory"}]
        assert met["manager"] == "mallory", name
        assert text in met["text"], (name, met["text"])
        (report,) = until(lambda: [post for post in mallory.posts if post.path == "/uss/v1/reports"])
        assert report.sender == "alpha"
        exchange = report.body["exchange"]
        assert exchange["url"] == f"{mallory.url}/uss/v1/operational_intents/{reference['id']}", name
        assert base64.b64decode(exchange["response_body"])[:60] == answer[:60]
        assert reference["id"] in exchange["problem"]
    assert len(alpha.reports("mallory")) == len(lies(reference, volume, other))
    assert region.intents("alpha", near(4, -1, -1, 16, 16)) == {}

    mallory.acts[reference["id"]] = always(shown(reference, volume))
    status, refused = alpha.file(wanted)
    (met,) = refused["stands_in_the_way"]
    assert (status, met["id"], met["horizontal_m"], met["vertical_m"]) == (409, reference["id"], 0.0, 0.0)
    assert alpha.file(wanted, priority=10)[0] == 201


def test_a_peer_that_is_slow_is_not_waited_for(region: Region) -> None:
    """One that answers after ten seconds stops the plan within the time for one, and is named."""
    alpha, mallory = region.alpha, region.mallory
    volume = near(5, 0, 0, 4, 4)
    slow = [mallory.claim(volume), mallory.claim(near(5, 0, 0, 4, 4, low=201.0, high=300.0))]
    for reference in slow:
        mallory.acts[reference["id"]] = always(shown(reference, volume), after_s=10.0)
    begun_s = time.monotonic()
    status, refused = alpha.file(near(5, 3, 3, 5, 5, low=150.0, high=250.0))
    took_s = time.monotonic() - begun_s
    assert status == 409
    assert took_s < 5.5
    texts = [met["text"] for met in refused["stands_in_the_way"]] or [refused["detail"]]
    assert all("mallory" in text for text in texts)
    assert any("no answer within 2 s" in text for text in texts)
    assert region.intents("alpha", near(5, -1, -1, 9, 9)) == {}
    assert alpha.file(near(5, 6, 6, 8, 8))[0] == 201  # who is out of his way does not wait for him


@pytest.mark.parametrize(
    ("off_s", "why"), [(HOUR_S, "iat: a token from the future"), (-HOUR_S, "exp: a token that has expired")]
)
def test_a_peer_whose_clock_is_an_hour_off_is_told_so(region: Region, off_s: int, why: str) -> None:
    """His tokens are refused with the claim that is wrong, and what he says happened then is not taken."""
    alpha, dss = region.alpha, region.dss
    area = {"area_of_interest": volumes(near(6, 0, 0, 4, 4))[0]}
    query = "/dss/v1/operational_intent_references/query"
    for process, path in ((dss, query), (alpha, "/uss/v1/operational_intents")):
        status, answer = process.ask("POST", path, area, scope=STRATEGIC, party="mallory", off_s=off_s)
        assert status == 401
        assert answer["message"].startswith(why)
        here_us = parse_instant(answer["message"].rpartition("the time here is ")[2])
        assert abs(here_us - now_us()) < 5 * SECOND_US

    start_us = now_us() + off_s * SECOND_US
    behind = volumes(near(6, 0, 0, 4, 4, start_us=start_us, minutes=50))
    body: dict[str, Any] = {
        "extents": behind,
        "state": "Accepted",
        "uss_base_url": region.mallory.url,
        "key": [],
    }
    body["new_subscription"] = {"uss_base_url": region.mallory.url}
    path = f"/dss/v1/operational_intent_references/{new_id()}"
    status, answer = dss.ask("PUT", path, body, scope=STRATEGIC, party="mallory")
    if off_s < 0:
        assert status == 400
        assert "the end is in the past" in answer["message"]
        return
    assert status == 201  # nobody can tell an hour ahead from a plan
    status, flight = alpha.file(near(6, 5, 5, 7, 7), phase="Activated")
    assert (status, flight["phase"]) == (201, "Activated")
    where = {"positions": [msgspec.to_builtins(fix(126, 6, now_us() + off_s * SECOND_US))]}
    status, refused = alpha.ask("POST", f"/api/v1/flights/{flight['id']}/positions", where)
    assert (status, refused["where"]) == (400, "$.positions[0].time_measured")


def test_what_a_kill_left_is_found_out(region: Region) -> None:
    """What was sent is accepted once on both sides, and everybody was told once of everything that is there.

    An attempt belongs to the process that began it for half a minute; the tests between were that long.
    """
    alpha, bravo, left = region.alpha, region.bravo, region.left
    assert left is not None
    around = near(3, -1, -1, 8, 8)

    def settled() -> bool:
        theirs = region.intents("alpha", left.field) | region.intents("alpha", around)
        mine = {i: flight for i, flight in alpha.flights().items() if i in left.tried or i == left.sent}
        theirs = {i: one for i, one in theirs.items() if i in left.tried or i == left.sent}
        return {i: one["version"] for i, one in mine.items()} == {
            i: one["version"] for i, one in theirs.items()
        }

    until(lambda: left.sent in alpha.flights() and settled(), within_s=60.0)
    there = alpha.flights()
    mine = {ident for ident in left.tried if ident in there}
    assert {ident for ident, status in left.tried.items() if status == 201} <= mine

    def told() -> list[str]:
        texts = [n["text"] for n in bravo.notices() if n["subject"] == left.under]
        return [ident for text in texts for ident in left.tried if ident in text]

    until(lambda: set(told()) >= mine)
    assert sorted(told()) == sorted(mine)  # of each once, and of nothing that is not there
    for ident in (*mine, left.sent):
        flight = alpha.flight(ident)
        assert flight["phase"] == "Accepted"
        assert [version["act"] for version in flight["versions"]] == ["plan"]
        assert {one["state"] for one in flight["told"]} <= {"delivered"}


def test_what_is_left_is_whole(region: Region) -> None:
    """Each process ends in order, and its database has no fault: every leaf, counter and message."""

    def ended(process: Process) -> tuple[int, Ended]:
        return process.stop(), skypact("db", "check", "--store", region.store_urls[process.name])

    with ThreadPoolExecutor() as threads:
        for status, check in threads.map(ended, region.processes):
            assert status == 0
            assert check.status == 0, check.out + check.err
