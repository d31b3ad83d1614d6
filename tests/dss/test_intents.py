"""Operational intents at the desk, on both databases: the key, versions, states, relevance, repeats."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from dss_world import (
    HOURS,
    NOW,
    URL,
    World,
    index_of,
    inside,
    moment,
    new_id,
    ovn_of,
    reason,
    refused,
    sizes,
    square,
    told,
    volume,
)
from skypact.desk.dss import NO_SUBSCRIPTION
from skypact.errors import FormatError, Reason
from skypact.exchange.dss import CONFORMANCE, STRATEGIC, Limits
from skypact.formats import f3548_wire as wire
from skypact.instants import DAY_US, SECOND_US

if TYPE_CHECKING:
    from skypact.errors import Refused


def written(answer: wire.ChangeOperationalIntentReferenceResponse) -> None:
    """It was accepted, as a version."""
    assert answer.operational_intent_reference.version >= 1


def missing_of(refusal: Refused) -> set[str]:
    """Ids of the intents that a refusal names as missing."""
    assert refusal.reason is Reason.CONFLICT
    return {reference.id for reference in refusal.extra["missing_operational_intents"]}


def test_what_is_created_is_shown_to_all_and_its_ovn_to_its_manager(store_url: str) -> None:
    """GET and query show what was written, microseconds and all; the OVN only to the manager."""

    async def story(world: World) -> None:
        ident = new_id()
        answer = await world.a.intent(ident.upper(), volume(-10.123456, 3600.000001))
        reference = answer.operational_intent_reference
        assert reference.id == ident
        assert reference.manager == "alpha"
        assert reference.version == 1
        assert reference.uss_base_url == URL.format("alpha")
        assert reference.time_start.value == moment(NOW - 10_123_456)["value"]
        assert reference.time_end.value == moment(NOW + 3_600_000_001)["value"]
        assert 16 <= len(ovn_of(answer)) <= 128
        assert await world.a.get_intent(ident) == reference
        others = await world.b.get_intent(ident)
        assert others.ovn is None
        reference.ovn = None
        assert others == reference
        assert await world.b.intents() == [ident]
        assert await reason(world.a.get_intent(new_id())) is Reason.UNKNOWN
        assert await reason(world.a.get_intent("no-id")) is Reason.INVALID

    inside(store_url, story)


def test_the_key_must_hold_what_is_relevant(store_url: str) -> None:
    """Creates and updates of nominal states; all that is missing is named, and nothing else."""

    async def story(world: World) -> None:
        one, two, third = new_id(), new_id(), new_id()
        first = await world.a.intent(one, volume(0, 1200))
        second = await world.b.intent(two, volume(4800, 6000))
        both = volume(0, 6000)
        put = world.c.intent
        refusal = await world.unchanged_by(lambda: put(third, both))
        assert missing_of(refusal) == {one, two}
        assert refusal.extra["missing_constraints"] == []
        assert missing_of(await refused(put(third, volume(600, 700)))) == {one}
        assert missing_of(await refused(put(third, volume(4000, 5000)))) == {two}
        assert missing_of(await refused(put(third, both, key=[ovn_of(first)]))) == {two}
        key = [ovn_of(first), ovn_of(second), "a-superfluous-ovn"]
        made = await put(third, both, key=key)
        ovn = ovn_of(made)
        for key_now, lacking in (([], {one, two}), (key[1:2], {one})):
            refusal = await world.unchanged_by(lambda k=key_now: put(third, both, ovn=ovn, key=k))  # type: ignore[misc]
            assert missing_of(refusal) == lacking
        assert missing_of(await refused(put(third, volume(0, 1200), ovn=ovn, state="Activated"))) == {one}
        changed = await put(third, both, ovn=ovn, key=key, state="Activated")
        assert ovn_of(changed) != ovn
        assert changed.operational_intent_reference.version == 2
        old = [ovn]
        assert missing_of(await refused(world.a.intent(new_id(), volume(2000, 2100), key=old))) == {third}

    inside(store_url, story)


def test_own_other_intents_count(store_url: str) -> None:
    """A party shows that it knows its own other intents as well."""

    async def story(world: World) -> None:
        one = new_id()
        answer = await world.a.intent(one)
        assert missing_of(await refused(world.a.intent(new_id()))) == {one}
        written(await world.a.intent(new_id(), key=[ovn_of(answer)]))

    inside(store_url, story)


@pytest.mark.parametrize("state", ["Nonconforming", "Contingent"])
def test_off_nominal_states_need_no_key(store_url: str, state: str) -> None:
    """They are as flown; but others must show their OVN."""

    async def story(world: World) -> None:
        await world.a.intent(new_id())
        ident = new_id()
        answer = await world.b.intent(ident, state=state)
        assert answer.operational_intent_reference.state == state
        assert ident in missing_of(await refused(world.c.intent(new_id())))

    inside(store_url, story)


def test_times_altitudes_and_places_that_do_not_meet_are_not_relevant(store_url: str) -> None:
    """Windows are half-open, altitudes closed, boxes closed; the neighbour's box counts, beyond does not."""

    async def story(world: World) -> None:
        here = new_id()
        await world.a.intent(here, volume(0, 3600, low=0, high=100))
        apart: list[dict[str, Any]] = [
            volume(3600, 7200),
            volume(-3600, 0),
            volume(low=100.001, high=200),
            volume(low=-50, high=-0.001),
            volume(lat=50.02),
            volume(lng=5.03),
            volume(lat=-50.0),
            volume(lng=-175.0),
        ]
        for there in apart:
            if there["time_end"] == moment(NOW):
                continue
            other = await world.b.intent(new_id(), there, new_subscription=None)
            await world.desk.delete_intent(
                world.b.asker, other.operational_intent_reference.id, ovn_of(other)
            )
        meeting = [
            volume(3599.999999, 7200),
            volume(-3600, 0.000001),
            volume(low=100, high=200),
            volume(lat=50.01),
            volume(lat=50.005, lng=5.005),
        ]
        for there in meeting:
            assert missing_of(await refused(world.b.intent(new_id(), there))) == {here}

    inside(store_url, story)


def test_matching_is_by_boxes_not_by_outlines(store_url: str) -> None:
    """Two triangles in opposite corners of one box are relevant to each other."""

    async def story(world: World) -> None:
        def triangle(*corners: tuple[float, float]) -> dict[str, Any]:
            vertices = [{"lat": 50.0 + a, "lng": 5.0 + b} for a, b in corners]
            return volume(outline={"outline_polygon": {"vertices": vertices}})

        here, there = (
            triangle((0, 0), (0, 0.02), (0.02, 0)),
            triangle((0.02, 0.02), (0.005, 0.02), (0.02, 0.01)),
        )
        ident = new_id()
        first = await world.a.intent(ident, here)
        assert await world.b.intents(there) == [ident]
        assert missing_of(await refused(world.b.intent(new_id(), there))) == {ident}
        answer = await world.b.intent(new_id(), there, key=[ovn_of(first)])
        assert URL.format("alpha") in told(answer)

    inside(store_url, story)


def test_relevance_is_per_volume(store_url: str) -> None:
    """A flight along a corridor is relevant where it is when it is there, in one query or in many volumes."""

    async def story(world: World) -> None:
        corridor = [
            volume(600.0 * k, 600.0 * (k + 1), lat=50.0 + 0.01 * k, low=50.0 * k, high=50.0 * k + 60.0)
            for k in range(40)
        ]
        ident = new_id()
        answer = await world.a.intent(ident, *corridor)
        assert (await world.a.get_intent(ident)).time_end.value == moment(NOW + 24_000 * SECOND_US)["value"]
        at_start_but_late = volume(3000, 24_000, lat=49.995, size=0.01, low=0, high=3000)
        assert await world.b.intents(at_start_but_late) == []
        late = [ovn_of(await world.b.intent(new_id(), at_start_but_late, new_subscription=None))]
        at_start = volume(0, 100, lat=49.995, low=0, high=3000)
        assert await world.b.intents(at_start) == [ident]
        below_its_end = volume(0, 24_000, lat=50.395, low=0, high=1900)
        assert await world.b.intents(below_its_end) == []
        for crossing in ([corridor[17]], [volume(lat=20.0), corridor[39]], corridor[5:30]):
            assert missing_of(await refused(world.b.intent(new_id(), *crossing, key=late))) == {ident}
        missed = [volume(0, 24_000, lat=20.0), volume(20_000, 24_000, lat=49.99, size=0.01)]
        written(await world.b.intent(new_id(), *missed, key=late, new_subscription=None))
        many = [volume(600.0 * k, 600.0 * k + 1, lat=-50.0 + 0.001 * k, size=0.001) for k in range(300)]
        many.append(corridor[20])
        assert missing_of(await refused(world.b.intent(new_id(), *many))) == {ident}
        gone = await world.desk.delete_intent(world.a.asker, ident, ovn_of(answer))
        assert gone.subscribers == []

    inside(store_url, story)


@pytest.mark.parametrize("place", [(90.0, 0.0), (-89.99, 55.0), (10.0, 180.0), (0.0, -180.0), (75.0, 179.99)])
def test_relevance_at_poles_and_across_the_antimeridian(store_url: str, place: tuple[float, float]) -> None:
    """A circle there is found by a circle beside it, whichever way its longitude is written."""

    async def story(world: World) -> None:
        def circle(lat: float, lng: float, radius: float) -> dict[str, Any]:
            centre = {"lat": lat, "lng": lng}
            outline = {"outline_circle": {"center": centre, "radius": {"value": radius, "units": "M"}}}
            return volume(outline=outline)

        lat, lng = place
        ident = new_id()
        await world.a.intent(ident, circle(lat, lng, 2_000.0))
        for other in (lng, -lng, max(lng - 0.01, -180.0), min(-lng + 0.01, 180.0)):
            if abs(lat) < 89.0 and abs(other) < 179.9 and abs(lng) != 0.0:
                continue
            assert await world.b.intents(circle(lat, other, 500.0)) == [ident]
            assert missing_of(await refused(world.b.intent(new_id(), circle(lat, other, 1.0)))) == {ident}
        assert await world.b.intents(circle(lat / 2 + 1, 90.0, 1_000.0)) == []

    inside(store_url, story)


def test_no_limit_on_how_many_are_relevant(store_url: str) -> None:
    """A key of 5,000 OVNs, 600 of which are needed: every one of these counts."""

    async def story(world: World) -> None:
        ovns: list[str] = []
        for k in range(600):
            there = volume(lat=50.0 + k * 1e-6)
            ovns.append(ovn_of(await world.a.intent(new_id(), there, key=ovns, new_subscription=None)))
        others = [f"some-superfluous-ovn-{k}" for k in range(4_400)]
        began = time.process_time()
        assert len(missing_of(await refused(world.b.intent(new_id(), key=others)))) == 600
        for left_out in (0, 301, 599):
            key = [*others, *ovns[:left_out], *ovns[left_out + 1 :]]
            assert len(missing_of(await refused(world.b.intent(new_id(), key=key)))) == 1
        assert len(told(await world.b.intent(new_id(), key=[*ovns, *others]))) == 1
        assert len(await world.b.intents()) == 601
        assert time.process_time() - began < 5.0

    inside(store_url, story)


def test_a_create_that_is_sent_again_gets_the_first_answer(store_url: str) -> None:
    """Byte for byte, by the same party, while it is unchanged; anything else is a conflict."""

    async def story(world: World) -> None:
        await world.b.subscription(new_id())
        ident = new_id()
        first = await world.a.intent(ident)
        before = await world.tables()
        assert await world.a.at(30).intent(ident) == first
        later = await world.b.intent(new_id(), key=[ovn_of(first)])
        assert index_of(later) > index_of(first)
        assert await world.a.at(31).intent(ident) == first
        assert sizes(await world.tables(), ["dss_created"])["dss_created"] == len(before["dss_created"]) + 1
        different = await world.unchanged_by(lambda: world.a.intent(ident, key=["another-ovn-of-mine"]))
        assert different.reason is Reason.CONFLICT
        assert await reason(world.b.intent(ident)) is Reason.CONFLICT
        changed = await world.a.intent(ident, ovn=ovn_of(first), key=[ovn_of(later)])
        assert await reason(world.a.intent(ident)) is Reason.CONFLICT
        await world.desk.delete_intent(world.a.asker, ident, ovn_of(changed))
        anew = await world.a.intent(ident, key=[ovn_of(later)])
        assert ovn_of(anew) not in {ovn_of(first), ovn_of(changed)}
        assert anew.operational_intent_reference.version == 1

    inside(store_url, story)


def test_versions_must_be_named_and_current(store_url: str) -> None:
    """None is INVALID, another CONFLICT, a stranger FORBIDDEN first, an id that is not there UNKNOWN."""

    async def story(world: World) -> None:
        ident = new_id()
        answer = await world.a.intent(ident)
        right = ovn_of(answer)
        delete = world.desk.delete_intent
        cases: list[tuple[Any, str, Reason]] = [
            (world.a, "", Reason.INVALID),
            (world.a, "ThisIsAnIncorrectOVN", Reason.CONFLICT),
            (world.b, right, Reason.FORBIDDEN),
            (world.b, "ThisIsAnIncorrectOVN", Reason.FORBIDDEN),
        ]
        for party, ovn, expected in cases:
            put = await world.unchanged_by(lambda p=party, o=ovn: p.intent(ident, ovn=o, key=[right]))  # type: ignore[misc]
            gone = await world.unchanged_by(lambda p=party, o=ovn: delete(p.asker, ident, o))  # type: ignore[misc]
            assert (put.reason, gone.reason) == (expected, expected)
        assert await world.a.get_intent(ident) == answer.operational_intent_reference
        assert await reason(world.a.intent(new_id(), ovn=right)) is Reason.UNKNOWN
        assert await reason(delete(world.a.asker, new_id(), right)) is Reason.UNKNOWN
        changed = await world.a.intent(ident, ovn=right)
        assert ovn_of(changed) != right
        assert await reason(world.a.intent(ident, ovn=right)) is Reason.CONFLICT
        ended = await delete(world.a.asker, ident, ovn_of(changed))
        assert ended.operational_intent_reference == changed.operational_intent_reference
        assert await reason(world.a.get_intent(ident)) is Reason.UNKNOWN
        assert await world.a.intents() == []

    inside(store_url, story)


def test_states_and_their_scopes(store_url: str) -> None:
    """Off-nominal states want the other scope; what is contingent may only stay so or end."""

    async def story(world: World) -> None:
        planner = world.a.only(STRATEGIC)
        monitor = world.a.only(CONFORMANCE)
        for state in ("Nonconforming", "Contingent"):
            assert await reason(planner.intent(new_id(), state=state)) is Reason.FORBIDDEN
        assert await reason(monitor.intent(new_id())) is Reason.FORBIDDEN
        ident = new_id()
        ovn = ovn_of(await planner.intent(ident, volume(75_600, 79_200)))
        ovn = ovn_of(await planner.intent(ident, volume(75_600, 79_200), state="Activated", ovn=ovn))
        ovn = ovn_of(await planner.intent(ident, state="Activated", ovn=ovn))
        assert await reason(planner.intent(ident, state="Contingent", ovn=ovn)) is Reason.FORBIDDEN
        ovn = ovn_of(await monitor.intent(ident, state="Nonconforming", ovn=ovn))
        assert await reason(planner.intent(ident, ovn=ovn)) is Reason.INVALID
        ovn = ovn_of(await monitor.intent(ident, state="Activated", ovn=ovn))
        ovn = ovn_of(await monitor.intent(ident, state="Contingent", ovn=ovn))
        for state in ("Accepted", "Activated", "Nonconforming"):
            assert await reason(world.a.intent(ident, state=state, ovn=ovn)) is Reason.INVALID
        ovn = ovn_of(await world.a.intent(ident, state="Contingent", ovn=ovn))
        written(await world.desk.delete_intent(world.a.asker, ident, ovn))

    inside(store_url, story)


def test_a_requested_ovn_is_given_once(store_url: str) -> None:
    """The suffix is taken as it is, refused if it is none even where the id exists, and never used twice."""

    async def story(world: World) -> None:
        def suffix(k: int) -> str:
            text = f"{(NOW // 1000) + k:012x}7abc8def0123456789ab"
            return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

        ident = new_id()
        first = await world.a.intent(ident, requested_ovn_suffix=suffix(0))
        assert ovn_of(first) == f"{ident}_{suffix(0)}"
        for bad in ("abc", "", suffix(0).replace("-7", "-6"), suffix(-(10**9))):
            assert await reason(world.a.intent(ident, requested_ovn_suffix=bad)) is Reason.INVALID
        second = await world.a.intent(ident, requested_ovn_suffix=suffix(1), ovn=ovn_of(first))
        assert ovn_of(second) == f"{ident}_{suffix(1)}"
        for used in (0, 1):
            put = world.a.intent(ident, requested_ovn_suffix=suffix(used), ovn=ovn_of(second))
            assert await reason(put) is Reason.INVALID
        await world.desk.delete_intent(world.a.asker, ident, ovn_of(second))
        assert await reason(world.a.intent(ident, requested_ovn_suffix=suffix(1))) is Reason.INVALID

    inside(store_url, story)


def test_a_party_that_is_down(store_url: str) -> None:
    """What it has accepted needs no OVN, what it flies does; itself it may write off-nominal states only."""

    async def story(world: World) -> None:
        accepted, flown = new_id(), new_id()
        first = await world.a.intent(accepted)
        await world.a.intent(flown, state="Activated", key=[ovn_of(first)])
        version = await world.c.declare("alpha", "Down", "")
        assert (await world.b.get_intent(accepted)).uss_availability == "Down"
        refusal = await refused(world.b.intent(new_id()))
        assert missing_of(refusal) == {flown}
        down = await world.unchanged_by(lambda: world.a.intent(new_id(), volume(lat=60.0)))
        assert down.reason is Reason.NOT_NOW
        gone = world.desk.delete_intent(world.a.asker, accepted, ovn_of(first))
        assert await reason(gone) is Reason.NOT_NOW
        written(await world.a.intent(accepted, state="Nonconforming", ovn=ovn_of(first)))
        assert missing_of(await refused(world.b.intent(new_id()))) == {flown, accepted}
        await world.c.declare("alpha", "Normal", version)
        written(await world.a.intent(new_id(), volume(lat=60.0)))

    inside(store_url, story)


def polygon(*corners: int) -> dict[str, Any]:
    """A volume over some corners of the square, in this order."""
    return volume(outline={"outline_polygon": {"vertices": [square()[k] for k in corners]}})


LIMITED: list[tuple[str, dict[str, Any], str, Reason]] = [
    ("horizon", volume(0, 31 * 24 * HOURS), "intent_horizon", Reason.INVALID),
    ("area", volume(size=0.8), "intent_area", Reason.TOO_LARGE),
    ("over", volume(-3600, 0), "in the past", Reason.INVALID),
    ("no start", volume(None, 3600), "time_start", Reason.INVALID),
    ("no end", volume(0, None), "time_end", Reason.INVALID),
    ("no floor", volume(low=None), "altitude_lower", Reason.INVALID),
    ("no ceiling", volume(high=None), "altitude_upper", Reason.INVALID),
    ("upside down", volume(low=100, high=0), "below the floor", Reason.INVALID),
    ("backwards", volume(3600, 0), "before it starts", Reason.INVALID),
    (
        "line",
        volume(outline={"outline_polygon": {"vertices": square()[:2] + square()[:1]}}),
        "",
        Reason.INVALID,
    ),
    ("point", volume(outline={"outline_polygon": {"vertices": square()[:1] * 3}}), "", Reason.INVALID),
    (
        "bow tie",
        volume(outline={"outline_polygon": {"vertices": [square()[k] for k in (0, 2, 1, 3)]}}),
        "crosses itself",
        Reason.INVALID,
    ),
    ("no outline", volume(outline={"altitude_lower": None}), "exactly one outline", Reason.INVALID),
]


@pytest.mark.parametrize(("name", "extents", "says", "why"), LIMITED, ids=[case[0] for case in LIMITED])
def test_what_is_too_much_or_no_volume_is_refused_by_name(
    sqlite_url: str, name: str, extents: dict[str, Any], says: str, why: Reason
) -> None:
    """Each limit names itself, each fault says where it is; nothing is left behind."""

    async def story(world: World) -> None:
        assert name
        refusal = await world.unchanged_by(lambda: world.a.intent(new_id(), extents))
        assert refusal.reason is why
        assert says in str(refusal)

    inside(sqlite_url, story)


def test_counts_of_volumes_and_vertices(sqlite_url: str) -> None:
    """Limits on how much one request may hold are named, and reached quickly."""

    async def story(world: World) -> None:
        many = [volume(lat=40.0 + 0.02 * k) for k in range(11)]
        assert "(volumes)" in str(await refused(world.a.intent(new_id(), *many)))
        assert "(vertices)" in str(await refused(world.a.intent(new_id(), *many[:6])))
        written(await world.a.intent(new_id(), *many[:5]))

    inside(sqlite_url, story, limits=Limits(volumes=10, vertices=20))


def test_a_polygon_of_a_hundred_thousand_vertices_is_refused_quickly(sqlite_url: str) -> None:
    """It costs no more than to read it; the largest that is allowed costs under a second."""

    async def story(world: World) -> None:
        ring = [{"lat": 50.0 + k * 1e-6, "lng": 5.0 + (k % 2) * 1e-6} for k in range(100_000)]
        began = time.process_time()
        with pytest.raises(FormatError, match="length"):
            await world.a.intent(new_id(), volume(outline={"outline_polygon": {"vertices": ring}}))
        assert time.process_time() - began < 1.0
        began = time.process_time()
        up = [{"lat": 50.0 + k * 1e-6, "lng": 5.0 + (k % 2) * 1e-7} for k in range(5_000)]
        down = [{"lat": 50.0 + k * 1e-6, "lng": 5.01} for k in reversed(range(5_000))]
        answer = await world.a.intent(new_id(), volume(outline={"outline_polygon": {"vertices": up + down}}))
        assert answer.operational_intent_reference.version == 1
        assert time.process_time() - began < 2.0

    inside(sqlite_url, story)


def test_subscriptions_ids_urls_and_states_are_checked(sqlite_url: str) -> None:
    """Bad URLs, ids, unknown subscriptions, states without a subscription: INVALID, in words."""

    async def story(world: World) -> None:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"uss_base_url": "http://plain.example"}, "$.uss_base_url"),
            ({"uss_base_url": "https://a.example/"}, "$.uss_base_url"),
            ({"new_subscription": {"uss_base_url": "x"}}, "$.new_subscription.uss_base_url"),
            ({"subscription_id": "x"}, "$.subscription_id"),
            ({"subscription_id": new_id()}, "no such subscription"),
            ({"new_subscription": None, "state": "Activated"}, "needs a subscription"),
            ({"new_subscription": None, "state": "Contingent"}, "needs a subscription"),
        ]
        for more, says in cases:
            refusal = await world.unchanged_by(lambda m=more: world.a.intent(new_id(), **m))  # type: ignore[misc]
            assert refusal.reason is Reason.INVALID
            assert says in str(refusal)
        forbidden = world.a.only(STRATEGIC).intent(
            new_id(), new_subscription={"uss_base_url": URL.format("alpha"), "notify_for_constraints": True}
        )
        assert await reason(forbidden) is Reason.FORBIDDEN
        assert await reason(world.a.intent("00000000-0000-1000-8000-000000000000")) is Reason.INVALID

    inside(sqlite_url, story)


def test_searches(store_url: str) -> None:
    """Without times: from now on; with an end in the past: nothing; over a degree: too large; no area: no."""

    async def story(world: World) -> None:
        soon, later = new_id(), new_id()
        first = await world.a.intent(soon, volume(0, 60), volume(600, 660, lat=50.1))
        await world.a.intent(later, volume(1000, 2000))
        assert set(await world.b.intents()) == {soon, later}
        assert await world.b.at(61).intents() == [later]
        assert set(await world.b.at(61).intents(volume(-60, None, low=None, high=None))) == {soon, later}
        assert await world.b.at(61).intents(volume(None, 50, low=None, high=None)) == [soon]
        assert await world.b.at(661).intents(volume(-60, None, low=None, high=None)) == [later]
        assert await world.b.intents(volume(None, -5, low=None, high=None)) == []
        assert await reason(world.b.intents(volume(size=1.0, lat=37.0))) is Reason.TOO_LARGE
        nothing = world.desk.query_intents(world.a.asker, wire.QueryParameters())
        assert await reason(nothing) is Reason.INVALID
        written(await world.a.at(700).intent(soon, volume(700, 800), ovn=ovn_of(first)))

    inside(store_url, story)


def test_an_id_may_be_used_again_once_it_is_over(store_url: str) -> None:
    """By its manager, with the next version; while it lives, and by others, not."""

    async def story(world: World) -> None:
        ident = new_id()
        await world.a.intent(ident, volume(0, 60))
        assert await reason(world.a.at(59).intent(ident, volume(0, 120))) is Reason.CONFLICT
        assert await reason(world.b.at(60).intent(ident, volume(0, 120))) is Reason.FORBIDDEN
        anew = await world.a.at(60).intent(ident, volume(0, 120))
        assert anew.operational_intent_reference.version == 2
        assert (await world.desk.counts()) == {"intent": 1, "subscription": 1}

    inside(store_url, story)


def test_history_keeps_every_version(store_url: str) -> None:
    """Create, update and delete, in order, with their extents; each is a leaf of the ledger too."""

    async def story(world: World) -> None:
        ident = new_id()
        first = await world.a.intent(ident, new_subscription=None)
        second = await world.a.intent(ident, volume(lat=51.0), ovn=ovn_of(first), new_subscription=None)
        await world.desk.delete_intent(world.a.asker, ident, ovn_of(second))
        kept = await world.desk.history("intent", ident)
        assert [(version, act, party) for _, version, act, party, _, _ in kept] == [
            (1, "create", "alpha"),
            (2, "update", "alpha"),
            (2, "delete", "alpha"),
        ]
        assert [seq for seq, *_ in kept] == sorted({seq for seq, *_ in kept})
        contents = [wire.decode(content, dict[str, Any]) for *_, content, _ in kept]
        assert [c["reference"]["ovn"] for c in contents] == [ovn_of(first), ovn_of(second), ovn_of(second)]
        assert contents[1]["extents"][0]["volume"]["outline_polygon"]["vertices"][0]["lat"] == 51.0
        leaves = (await world.tables("leaf"))["leaf"]
        assert sorted(row[5] for row in leaves) == sorted(content for *_, content, _ in kept)
        assert await reason(world.desk.history("region", ident)) is Reason.UNKNOWN
        tables = await world.tables()
        assert sizes(tables, ["dss_entity", "dss_shape", "dss_created"]) == {
            "dss_entity": 0,
            "dss_shape": 0,
            "dss_created": 0,
        }

    inside(store_url, story)


def test_what_is_over_is_pruned_in_small_batches(store_url: str) -> None:
    """Intents after the retention, many of one instant, then their subscriptions, then their versions."""

    async def story(world: World) -> None:
        for k in range(9):
            await world.a.intent(new_id(), volume(0, 60, lat=10.0 + k))
        stays = await world.a.intent(new_id(), volume(0, 600))
        assert await world.desk.prune(NOW + 60 * SECOND_US, DAY_US, many=4) == 0
        after = NOW + 61 * SECOND_US + DAY_US
        batches = []
        while done := await world.desk.prune(after, DAY_US, many=4):
            batches.append(done)
            assert done <= 12
            assert len(batches) < 100
        assert await world.desk.counts() == {"intent": 1, "subscription": 1}
        tables = await world.tables()
        assert sizes(tables, ["dss_shape", "dss_created"]) == {"dss_shape": 1, "dss_created": 1}
        ident = stays.operational_intent_reference.id
        assert len(await world.desk.history("intent", ident)) == 1
        assert len([row for row in tables["dss_version"] if row[4] == "expire"]) == 18
        much_later = after + 2 * DAY_US
        while await world.desk.prune(much_later, DAY_US, many=4):
            pass
        assert sizes(await world.tables(), ["dss_entity", "dss_shape"]) == {"dss_entity": 0, "dss_shape": 0}
        while await world.desk.prune(much_later + DAY_US + 1, DAY_US, many=4):
            pass
        assert sizes(await world.tables(), ["dss_version"]) == {"dss_version": 0}

    inside(store_url, story)


def test_reports_are_archived(store_url: str) -> None:
    """A report gets an id and is kept, in the ledger too; it is pruned after the retention."""

    async def story(world: World) -> None:
        exchange = {
            "url": "https://x.example",
            "method": "GET",
            "recorder_role": "Client",
            "request_time": moment(NOW),
            "response_code": 999,
        }
        report = wire.decode(wire.encode({"exchange": exchange}), wire.ErrorReport)
        answer = await world.desk.report(world.a.asker, report)
        assert answer.report_id
        rows = (await world.tables("dss_report"))["dss_report"]
        assert [(row[0], row[1]) for row in rows] == [(answer.report_id, "alpha")]
        assert await world.desk.prune(NOW + DAY_US + 1, DAY_US) == 1
        assert (await world.tables("dss_report"))["dss_report"] == []

    inside(store_url, story)


def test_no_subscription_is_a_placeholder_that_is_not_there(store_url: str) -> None:
    """An accepted intent may have none; the id that stands for it leads nowhere, and may be sent back."""

    async def story(world: World) -> None:
        ident = new_id()
        first = await world.a.intent(ident, new_subscription=None)
        assert first.operational_intent_reference.subscription_id == NO_SUBSCRIPTION
        assert await reason(world.a.get_subscription(NO_SUBSCRIPTION)) is Reason.UNKNOWN
        again = await world.a.intent(
            ident, ovn=ovn_of(first), new_subscription=None, subscription_id=NO_SUBSCRIPTION
        )
        assert again.operational_intent_reference.subscription_id == NO_SUBSCRIPTION

    inside(store_url, story)
