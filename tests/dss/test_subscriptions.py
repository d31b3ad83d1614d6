"""Subscriptions, constraints and availability at the desk, on both databases."""

from __future__ import annotations

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
    told,
    volume,
)
from skypact.desk.dss import NO_SUBSCRIPTION
from skypact.errors import Reason
from skypact.exchange.dss import ARBITRATION, CONSTRAINT_PROCESSING, STRATEGIC, Limits
from skypact.instants import SECOND_US

if TYPE_CHECKING:
    from dss_world import Party
    from skypact.formats import f3548_wire as wire

CONSTRAINTS_ONLY: dict[str, Any] = {"notify_for_operational_intents": False, "notify_for_constraints": True}
PROCESSES_CONSTRAINTS: dict[str, Any] = {
    "new_subscription": {"uss_base_url": URL.format("bravo"), "notify_for_constraints": True}
}
WIDE: dict[str, Any] = {"size": 0.02, "lat": 49.995, "lng": 4.995}
"""Some hundred metres around the default volume on every side."""
WIDER: dict[str, Any] = {"size": 0.03, "lat": 49.99, "lng": 4.99}
T0, T1, T2, T3 = 0.0, 20 * HOURS, 21 * HOURS, 22 * HOURS


async def window(party: Party, ident: str) -> tuple[str, str]:
    """From when to when a subscription lasts."""
    shown = await party.get_subscription(ident)
    assert shown.time_start is not None
    assert shown.time_end is not None
    return shown.time_start.value, shown.time_end.value


def lasting(start_s: float, end_s: float) -> tuple[str, str]:
    """A window as it is shown."""
    return tuple(moment(NOW + round(s * SECOND_US))["value"] for s in (start_s, end_s))  # type: ignore[return-value]


def attached(answer: wire.ChangeOperationalIntentReferenceResponse) -> str:
    """The subscription of an intent."""
    ident = answer.operational_intent_reference.subscription_id
    assert ident is not None
    return ident


def test_a_party_has_so_many_subscriptions_and_no_more(store_url: str) -> None:
    """One more is refused by the name of the limit; a repeat, a change, others and implicit ones are not."""

    async def story(world: World) -> None:
        first = new_id()
        made = await world.a.subscription(first)
        await world.a.intent(new_id(), volume(T0, T1))
        await world.a.subscription(new_id())
        refusal = await world.unchanged_by(lambda: world.a.subscription(new_id()))
        assert refusal.reason is Reason.TOO_MANY
        assert "at most 2 (subscriptions)" in str(refusal)
        assert (await world.a.subscription(first)).subscription.version == made.subscription.version
        await world.a.subscription(first, version=made.subscription.version, notify_for_constraints=False)
        await world.b.subscription(new_id())
        later = world.a.at(25 * HOURS)
        await later.subscription(new_id(), volume(25.5 * HOURS, 26 * HOURS))

    inside(store_url, story, limits=Limits(subscriptions=2))


def test_an_implicit_subscription_lives_as_its_intent_does(store_url: str) -> None:
    """It has the extents of the intent after every write, and goes with it."""

    async def story(world: World) -> None:
        ident = new_id()
        made = await world.a.intent(ident, volume(T0, T1))
        sub = attached(made)
        shown = await world.a.get_subscription(sub)
        assert shown.implicit_subscription is True
        assert shown.notify_for_operational_intents is True
        assert shown.notify_for_constraints is False
        assert shown.dependent_operational_intents == [ident]
        assert told(made) == {URL.format("alpha"): [sub]}
        assert await window(world.a, sub) == lasting(T0, T1)
        longer = await world.a.intent(ident, volume(T0, T3), ovn=ovn_of(made))
        assert attached(longer) == sub
        assert told(longer) == {URL.format("alpha"): [sub]}
        assert await window(world.a, sub) == lasting(T0, T3)
        assert (await world.a.get_subscription(sub)).version != shown.version
        shorter = await world.a.intent(ident, volume(T0, T1), ovn=ovn_of(longer))
        assert await window(world.a, sub) == lasting(T0, T1)
        assert await world.a.subscriptions(volume(T2, T3, low=None, high=None)) == []
        alone = await world.b.intent(new_id(), volume(T2, T3), new_subscription=None)
        assert told(alone) == {}
        before = (await world.a.get_subscription(sub)).version
        same = await world.a.intent(ident, volume(T0, T1), ovn=ovn_of(shorter), state="Activated")
        assert (await world.a.get_subscription(sub)).version == before
        gone = await world.desk.delete_intent(world.a.asker, ident, ovn_of(same))
        assert told(gone) == {}
        assert await reason(world.a.get_subscription(sub)) is Reason.UNKNOWN
        assert await world.a.subscriptions() == []

    inside(store_url, story)


def test_naming_ones_own_implicit_subscription_makes_it_grow(store_url: str) -> None:
    """With its id in a longer update it stays, and covers the longer intent."""

    async def story(world: World) -> None:
        ident = new_id()
        made = await world.a.intent(ident, volume(T0, T1))
        sub = attached(made)
        named = {"subscription_id": sub, "new_subscription": None}
        longer = await world.a.intent(ident, volume(T0, T2), ovn=ovn_of(made), **named)
        assert attached(longer) == sub
        assert await window(world.a, sub) == lasting(T0, T2)
        assert told(longer) == {URL.format("alpha"): [sub]}

    inside(store_url, story)


def test_a_shared_implicit_subscription_grows_shrinks_and_dies_with_the_last(store_url: str) -> None:
    """Two intents use one; it covers both, then the one that is left, then it is gone."""

    async def story(world: World) -> None:
        one, two, three = new_id(), new_id(), new_id()
        first = await world.a.intent(one, volume(T0, T1))
        sub = attached(first)
        named = {"subscription_id": sub, "new_subscription": None}
        second = await world.a.intent(two, volume(T1, T2, lat=50.1), **named)
        assert attached(second) == sub
        assert await window(world.a, sub) == lasting(T0, T2)
        shown = await world.a.get_subscription(sub)
        assert sorted(shown.dependent_operational_intents or []) == sorted([one, two])
        for there in (volume(T0, T1), volume(T1, T2, lat=50.1)):
            assert await world.a.subscriptions(there) == [sub]
        for there in (volume(T1, T2), volume(T0, T1, lat=50.1)):  # each where and when it is, not the union
            assert await world.a.subscriptions(there) == []
        third = await world.a.intent(three, volume(T2, T3, lat=50.2), **named)
        moved = await world.a.intent(three, volume(T2, T3, lat=50.2), ovn=ovn_of(third))
        assert attached(moved) != sub
        assert await window(world.a, sub) == lasting(T0, T2)
        assert await reason(world.b.intent(new_id(), volume(lat=60.0), **named)) is Reason.FORBIDDEN
        await world.desk.delete_intent(world.a.asker, one, ovn_of(first))
        assert await window(world.a, sub) == lasting(T1, T2)
        assert (await world.a.get_subscription(sub)).dependent_operational_intents == [two]
        await world.desk.delete_intent(world.a.asker, two, ovn_of(second))
        assert await reason(world.a.get_subscription(sub)) is Reason.UNKNOWN

    inside(store_url, story)


def test_detaching_ends_an_implicit_subscription_and_leaves_an_explicit_one(store_url: str) -> None:
    """An update that names none gives up what the intent had."""

    async def story(world: World) -> None:
        ident, sub = new_id(), new_id()
        made = await world.a.intent(ident)
        implicit = attached(made)
        detached = await world.a.intent(ident, ovn=ovn_of(made), new_subscription=None)
        assert attached(detached) == NO_SUBSCRIPTION
        assert await reason(world.a.get_subscription(implicit)) is Reason.UNKNOWN
        version = (await world.a.subscription(sub)).subscription.version
        with_it = await world.a.intent(
            ident, ovn=ovn_of(detached), new_subscription=None, subscription_id=sub.upper()
        )
        assert attached(with_it) == sub
        without = await world.a.intent(ident, ovn=ovn_of(with_it), new_subscription=None)
        assert told(without) == {URL.format("alpha"): [sub]}
        shown = await world.a.get_subscription(sub)
        assert shown.version == version
        assert shown.dependent_operational_intents == []
        swapped = await world.a.intent(ident, ovn=ovn_of(without), new_subscription=None, subscription_id=sub)
        again = await world.a.intent(ident, ovn=ovn_of(swapped))
        assert (await world.a.get_subscription(attached(again))).implicit_subscription is True
        assert (await world.desk.delete_subscription(world.a.asker, sub, version)).subscription.id == sub

    inside(store_url, story)


def test_an_explicit_subscription_must_cover_the_intent(store_url: str) -> None:
    """In time, place and altitude, on create and on update; what was attached stays as it was."""

    async def story(world: World) -> None:
        short, area, low = new_id(), new_id(), new_id()
        await world.a.subscription(short, volume(T0, T1 - 1, low=None, high=None, **WIDE))
        await world.a.subscription(area, volume(T0, T1, low=None, high=None, size=0.005))
        await world.a.subscription(low, volume(T0, T1, high=50, **WIDE))
        ident = new_id()
        made = await world.a.intent(ident, volume(T0, T1))
        for sub, says in ((short, "does not last"), (area, "does not cover"), (low, "does not cover")):
            named: dict[str, Any] = {"subscription_id": sub, "new_subscription": None}
            for who, ovn in ((new_id(), None), (ident, ovn_of(made))):
                refusal = await world.unchanged_by(
                    lambda w=who, o=ovn, n=named: world.a.intent(  # type: ignore[misc]
                        w, volume(T0, T1), ovn=o, key=[ovn_of(made)], **n
                    )
                )
                assert refusal.reason is Reason.INVALID
                assert says in str(refusal)
        enough = new_id()
        await world.a.subscription(enough, volume(T0, T2, low=None, high=None, **WIDE))
        good = await world.a.intent(
            ident, volume(T0, T1), ovn=ovn_of(made), subscription_id=enough, new_subscription=None
        )
        assert attached(good) == enough
        assert (await world.a.get_intent(ident)).subscription_id == enough

    inside(store_url, story)


def test_a_subscription_must_go_on_serving_its_intents(store_url: str) -> None:
    """It cannot be shrunk, turned off or ended under an intent that depends on it."""

    async def story(world: World) -> None:
        sub, ident = new_id(), new_id()
        around = volume(T0, T2, low=None, high=None, **WIDE)
        version = (await world.a.subscription(sub, around)).subscription.version
        made = await world.a.intent(ident, volume(T0, T1), subscription_id=sub, new_subscription=None)
        shorter = volume(T0, T1 - 1, low=None, high=None, **WIDE)
        off: dict[str, Any] = CONSTRAINTS_ONLY
        refusals = [
            await world.unchanged_by(lambda: world.a.subscription(sub, shorter, version=version)),
            await world.unchanged_by(lambda: world.a.subscription(sub, around, version=version, **off)),
            await world.unchanged_by(lambda: world.desk.delete_subscription(world.a.asker, sub, version)),
        ]
        assert {refusal.reason for refusal in refusals} == {Reason.INVALID}
        assert ident in str(refusals[2])
        changed = await world.a.subscription(sub, volume(T0, T1, **WIDER), version=version)
        assert changed.subscription.dependent_operational_intents == [ident]
        await world.desk.delete_intent(world.a.asker, ident, ovn_of(made))
        await world.desk.delete_subscription(world.a.asker, sub, changed.subscription.version)
        assert await world.desk.counts() == {}

    inside(store_url, story)


def test_an_implicit_subscription_that_is_put_becomes_the_partys_own(store_url: str) -> None:
    """What a party asked for by name is neither shrunk nor ended behind its back."""

    async def story(world: World) -> None:
        ident = new_id()
        made = await world.a.intent(ident, volume(T0, T1))
        sub = attached(made)
        version = (await world.a.get_subscription(sub)).version
        around = volume(T0, T2, low=None, high=None, **WIDE)
        put = (await world.a.subscription(sub, around, version=version)).subscription
        assert put.implicit_subscription is False
        again = await world.a.intent(ident, volume(T0, T1), ovn=ovn_of(made))
        assert attached(again) != sub
        assert (await world.a.get_subscription(sub)).version == put.version

    inside(store_url, story)


@pytest.mark.parametrize(
    ("asked", "window_of"),
    [
        ((None, None), (0, 24 * HOURS)),
        ((None, 3600), (0, 3600)),
        ((-10, None), (-10, 24 * HOURS - 10)),
        ((-60, 24 * HOURS - 60), (-60, 24 * HOURS - 60)),
        ((0.000001, 1.000001), (0.000001, 1.000001)),
    ],
)
def test_windows_of_subscriptions_are_kept_to_the_microsecond(
    sqlite_url: str, asked: tuple[float | None, float | None], window_of: tuple[float, float]
) -> None:
    """What is given is echoed, what is not is from now on and for a day."""

    async def story(world: World) -> None:
        sub = new_id()
        answer = await world.a.subscription(sub, volume(*asked, low=None, high=None))
        shown = answer.subscription
        assert shown.time_start is not None
        assert shown.time_end is not None
        assert (shown.time_start.value, shown.time_end.value) == lasting(*window_of)
        assert shown.implicit_subscription is False
        assert shown.notification_index >= 0
        assert await world.a.get_subscription(sub) == shown

    inside(sqlite_url, story)


def test_subscriptions_have_versions(store_url: str) -> None:
    """Update and delete name the current one; it changes by its own PUT and by nothing else."""

    async def story(world: World) -> None:
        sub = new_id()
        made = (await world.a.subscription(sub)).subscription
        await world.b.intent(new_id())
        shown = await world.a.get_subscription(sub)
        assert shown.version == made.version
        assert shown.notification_index > made.notification_index
        for version, expected in (("", Reason.INVALID), ("ThisIsAnIncorrectVersion", Reason.CONFLICT)):
            put = await world.unchanged_by(lambda v=version: world.a.subscription(sub, version=v))  # type: ignore[misc]
            gone = await world.unchanged_by(
                lambda v=version: world.desk.delete_subscription(world.a.asker, sub, v)  # type: ignore[misc]
            )
            assert (put.reason, gone.reason) == (expected, expected)
        stranger = await refused(world.desk.delete_subscription(world.b.asker, sub, made.version))
        assert stranger.reason is Reason.FORBIDDEN
        assert await reason(world.b.get_subscription(sub)) is Reason.FORBIDDEN
        assert await reason(world.b.subscription(sub, version=made.version)) is Reason.FORBIDDEN
        moved = volume(10, 3610, lat=50.001, low=None, high=None)
        changed = (await world.a.subscription(sub, moved, version=made.version)).subscription
        assert changed.version != made.version
        ended = (await world.desk.delete_subscription(world.a.asker, sub, changed.version)).subscription
        assert ended.version == changed.version
        assert await reason(world.a.get_subscription(sub)) is Reason.UNKNOWN
        assert await reason(world.a.subscription(sub, version=changed.version)) is Reason.UNKNOWN

    inside(store_url, story)


def test_a_subscription_that_is_sent_again(store_url: str) -> None:
    """The same bytes get the same subscription, with what depends on it now; others a conflict."""

    async def story(world: World) -> None:
        sub, ident = new_id(), new_id()
        around = volume(T0, T1, low=None, high=None, **WIDE)
        made = (await world.a.subscription(sub, around)).subscription
        await world.a.intent(ident, volume(T0, T1), subscription_id=sub, new_subscription=None)
        again = await world.a.at(5).subscription(sub, around)
        assert again.subscription.version == made.version
        assert again.subscription.dependent_operational_intents == [ident]
        assert [i.id for i in again.operational_intent_references or []] == [ident]
        assert await reason(world.a.subscription(sub)) is Reason.CONFLICT
        assert await reason(world.b.subscription(sub, around)) is Reason.CONFLICT

    inside(store_url, story)


def test_a_subscription_without_times_that_is_sent_again_keeps_its_window(store_url: str) -> None:
    """Its window is that of the first time, however much later it is sent again."""

    async def story(world: World) -> None:
        sub = new_id()
        open_ended = volume(None, None, low=None, high=None)
        first = await world.a.subscription(sub, open_ended)
        again = await world.a.at(3600).subscription(sub, open_ended)
        assert again == first

    inside(store_url, story)


def test_an_expired_subscription_is_as_if_it_were_not_there(store_url: str) -> None:
    """Not in a search of its own life, not told, not found; its id may be used again."""

    async def story(world: World) -> None:
        sub = new_id()
        made = (await world.a.subscription(sub, volume(0, 5, low=None, high=None))).subscription
        later = world.a.at(7)
        assert await later.subscriptions(volume(-10, 60, low=None, high=None)) == []
        assert await reason(later.get_subscription(sub)) is Reason.UNKNOWN
        assert await reason(later.subscription(sub, version=made.version)) is Reason.UNKNOWN
        assert told(await world.b.at(7).intent(new_id(), volume(0, 60), new_subscription=None)) == {}
        anew = (await later.subscription(sub, volume(None, 600, low=None, high=None))).subscription
        assert anew.version != made.version
        assert await later.subscriptions() == [sub]
        assert await world.desk.prune(NOW + 600 * SECOND_US, 10**15) == 0
        assert await world.desk.prune(NOW + 601 * SECOND_US, 10**15) == 1
        assert await world.desk.counts() == {"intent": 1}

    inside(store_url, story)


def test_an_expired_subscription_with_a_dependent_may_be_made_anew(store_url: str) -> None:
    """The intent that is over as well stays with it, and does not keep it from another place."""

    async def story(world: World) -> None:
        sub, ident = new_id(), new_id()
        around = volume(0, 60, low=None, high=None, **WIDE)
        await world.a.subscription(sub, around)
        made = await world.a.intent(ident, volume(0, 60), subscription_id=sub, new_subscription=None)
        elsewhere = volume(60, 600, lat=20.0, low=None, high=None)
        anew = await world.a.at(61).subscription(sub, elsewhere)
        assert anew.subscription.dependent_operational_intents == [ident]
        await world.desk.delete_intent(world.a.at(62).asker, ident, ovn_of(made))
        assert (await world.a.at(62).get_subscription(sub)).dependent_operational_intents == []

    inside(store_url, story)


def test_who_is_told_and_with_which_number(store_url: str) -> None:
    """Subscriptions that meet what an intent is or was, by URL, all with the number of the write."""

    async def story(world: World) -> None:
        here, there, high, past = (new_id() for _ in range(4))
        await world.b.subscription(here)
        await world.c.subscription(there, volume(lat=51.0, low=None, high=None))
        await world.c.subscription(high, volume(low=500, high=None))
        await world.c.subscription(past, volume(0, 5, low=None, high=None))
        only_constraints: dict[str, Any] = {
            "notify_for_operational_intents": False,
            "notify_for_constraints": True,
        }
        await world.c.subscription(new_id(), **only_constraints)
        ident = new_id()
        made = await world.a.at(6).intent(ident)
        assert told(made) == {URL.format("bravo"): [here], URL.format("alpha"): [attached(made)]}
        moved = await world.a.at(6).intent(ident, volume(lat=51.0), ovn=ovn_of(made))
        assert told(moved) == {
            URL.format("bravo"): [here],
            URL.format("charlie"): [there],
            URL.format("alpha"): [attached(moved)],
        }
        gone = await world.desk.delete_intent(world.a.at(6).asker, ident, ovn_of(moved))
        assert told(gone) == {URL.format("charlie"): [there]}
        assert index_of(made) < index_of(moved) < index_of(gone)
        shown = await world.b.get_subscription(here)
        assert shown.notification_index == index_of(gone)

    inside(store_url, story)


def test_subscriptions_of_one_url_are_listed_together(store_url: str) -> None:
    """A base URL is named once, with all its subscriptions, whatever party they are of."""

    async def story(world: World) -> None:
        subs = sorted(new_id() for _ in range(5))
        for sub in subs[:4]:
            await world.b.subscription(sub, uss_base_url="https://hub.example/utm")
        await world.c.subscription(subs[4], uss_base_url="https://hub.example/utm")
        answer = await world.a.intent(new_id(), new_subscription=None)
        assert [who.uss_base_url for who in answer.subscribers] == ["https://hub.example/utm"]
        assert sorted(told(answer)["https://hub.example/utm"]) == subs

    inside(store_url, story)


def test_what_a_new_subscription_concerns(store_url: str) -> None:
    """All intents and constraints there, of whatever manager, where it asks for them."""

    async def story(world: World) -> None:
        intent, constraint = new_id(), new_id()
        await world.a.intent(intent)
        await world.b.constraint(constraint)
        await world.a.intent(new_id(), volume(lat=51.0))
        both = await world.c.subscription(new_id(), notify_for_constraints=True)
        assert [i.id for i in both.operational_intent_references or []] == [intent]
        assert [i.ovn for i in both.operational_intent_references or []] == [None]
        assert [i.id for i in both.constraint_references or []] == [constraint]
        one = await world.c.subscription(new_id())
        assert one.constraint_references is None
        other: dict[str, Any] = CONSTRAINTS_ONLY
        assert (await world.c.subscription(new_id(), **other)).operational_intent_references is None

    inside(store_url, story)


@pytest.mark.parametrize(
    ("more", "scopes", "says", "why"),
    [
        ({"notify_for_operational_intents": False}, None, "to nothing", Reason.INVALID),
        ({"notify_for_constraints": True}, STRATEGIC, "notify_for_constraints", Reason.FORBIDDEN),
        ({}, CONSTRAINT_PROCESSING, "notify_for_operational_intents", Reason.FORBIDDEN),
        ({"uss_base_url": "no url"}, None, "$.uss_base_url", Reason.INVALID),
        ({"extents": volume(0, 24 * HOURS + 600)}, None, "subscription_duration", Reason.INVALID),
        ({"extents": volume(-20, -10)}, None, "in the past", Reason.INVALID),
        ({"extents": volume(size=0.8)}, None, "subscription_area", Reason.TOO_LARGE),
    ],
)
def test_subscriptions_that_are_refused(
    sqlite_url: str, more: dict[str, Any], scopes: str | None, says: str, why: Reason
) -> None:
    """Each refusal names what it is about, and leaves nothing behind."""

    async def story(world: World) -> None:
        party = world.a if scopes is None else world.a.only(scopes)
        asked = {**more}
        extents = asked.pop("extents", None)
        refusal = await world.unchanged_by(lambda: party.subscription(new_id(), extents, **asked))
        assert refusal.reason is why
        assert says in str(refusal)

    inside(sqlite_url, story)


def test_constraints_from_beginning_to_end(store_url: str) -> None:
    """Created, sent again, changed, ended; versions and strangers as for intents; OVN for its manager."""

    async def story(world: World) -> None:
        ident, sub, deaf = new_id(), new_id(), new_id()
        to_constraints: dict[str, Any] = {
            "notify_for_operational_intents": False,
            "notify_for_constraints": True,
        }
        await world.b.subscription(sub, volume(low=50, high=60), **to_constraints)
        await world.b.subscription(deaf, volume(low=200, high=300), **to_constraints)
        await world.b.subscription(new_id())
        made = await world.a.constraint(ident, volume(low=None))
        assert told(made) == {URL.format("bravo"): [sub]}
        reference = made.constraint_reference
        assert (reference.id, reference.manager, reference.version) == (ident, "alpha", 1)
        assert await world.a.at(9).constraint(ident, volume(low=None)) == made
        different = await world.unchanged_by(lambda: world.a.constraint(ident))
        assert different.reason is Reason.CONFLICT
        assert await world.b.constraints() == [ident]
        get = world.desk.get_constraint
        assert (await get(world.a.asker, ident)).constraint_reference == reference
        assert (await get(world.b.asker, ident)).constraint_reference.ovn is None
        assert await reason(get(world.a.asker, new_id())) is Reason.UNKNOWN
        assert reference.ovn is not None
        right = reference.ovn
        delete = world.desk.delete_constraint
        for party, ovn, why in (
            (world.a, "", Reason.INVALID),
            (world.a, "ThisIsAnIncorrectOVN", Reason.CONFLICT),
            (world.b, right, Reason.FORBIDDEN),
        ):
            put = await world.unchanged_by(lambda p=party, o=ovn: p.constraint(ident, ovn=o))  # type: ignore[misc]
            gone = await world.unchanged_by(lambda p=party, o=ovn: delete(p.asker, ident, o))  # type: ignore[misc]
            assert (put.reason, gone.reason) == (why, why)
        changed = await world.a.constraint(ident, volume(lat=51.0, low=200, high=300), ovn=right)
        assert told(changed) == {URL.format("bravo"): [sub]}
        after = changed.constraint_reference
        assert after.version == 2
        assert after.ovn not in {None, right}
        ended = await world.desk.delete_constraint(world.a.asker, ident, str(after.ovn))
        assert told(ended) == {}
        assert ended.constraint_reference == after
        assert await reason(get(world.a.asker, ident)) is Reason.UNKNOWN
        acts = [act for _, _, act, *_ in await world.desk.history("constraint", ident)]
        assert acts == ["create", "update", "delete"]

    inside(store_url, story)


@pytest.mark.parametrize(
    ("extents", "says", "why"),
    [
        (volume(0, 25 * HOURS), "constraint_duration", Reason.INVALID),
        (volume(57 * 24 * HOURS, 57 * 24 * HOURS + 60), "constraint_horizon", Reason.INVALID),
        (volume(size=1.2), "constraint_area", Reason.TOO_LARGE),
        (volume(None, 60), "time_start", Reason.INVALID),
        (volume(-60, 0), "in the past", Reason.INVALID),
    ],
)
def test_constraints_that_are_refused(
    sqlite_url: str, extents: dict[str, Any], says: str, why: Reason
) -> None:
    """Each limit names itself; one of 9,000 km2 is allowed."""

    async def story(world: World) -> None:
        refusal = await world.unchanged_by(lambda: world.a.constraint(new_id(), extents))
        assert refusal.reason is why
        assert says in str(refusal)
        allowed = await world.a.constraint(new_id(), volume(size=1.0))
        assert allowed.constraint_reference.version == 1

    inside(sqlite_url, story)


def test_constraints_count_where_the_subscription_wants_them(store_url: str) -> None:
    """The key must hold a constraint's OVN, with its altitudes, only for those who process constraints."""

    async def story(world: World) -> None:
        ident = new_id()
        made = await world.a.constraint(ident, volume(low=0, high=50))
        wants: dict[str, Any] = {
            "new_subscription": {"uss_base_url": URL.format("bravo"), "notify_for_constraints": True}
        }
        refusal = await world.unchanged_by(lambda: world.b.intent(new_id(), **wants))
        assert [c.id for c in refusal.extra["missing_constraints"]] == [ident]
        assert refusal.extra["missing_operational_intents"] == []
        above = await world.b.intent(new_id(), volume(low=51, high=60), **wants)
        aware = await world.b.intent(
            new_id(), key=[str(made.constraint_reference.ovn), ovn_of(above)], **wants
        )
        unaware = await world.c.intent(new_id(), key=[ovn_of(aware), ovn_of(above)])
        assert unaware.operational_intent_reference.version == 1
        changed = await world.a.constraint(ident, volume(low=0, high=40), ovn=made.constraint_reference.ovn)
        assert told(changed) == {URL.format("bravo"): [attached(aware)]}

    inside(store_url, story)


def test_an_intent_and_a_constraint_may_have_one_id(store_url: str) -> None:
    """Names of kinds are apart; a key that shows one does not show the other."""

    async def story(world: World) -> None:
        ident = new_id()
        intent = await world.a.intent(ident)
        await world.a.constraint(ident)
        await world.a.subscription(ident, volume(lat=51.0, low=None, high=None))
        wants: dict[str, Any] = {
            "new_subscription": {"uss_base_url": URL.format("bravo"), "notify_for_constraints": True}
        }
        refusal = await refused(world.b.intent(new_id(), key=[ovn_of(intent)], **wants))
        assert refusal.extra["missing_operational_intents"] == []
        assert [c.id for c in refusal.extra["missing_constraints"]] == [ident]
        assert await world.desk.counts() == {"intent": 1, "constraint": 1, "subscription": 2}

    inside(store_url, story)


def test_availability_has_versions(store_url: str) -> None:
    """Never set it is Unknown with an empty version; then each set wants the version before."""

    async def story(world: World) -> None:
        nobody = await world.desk.get_availability("ThisIdShouldNotExistOnTheDSS")
        assert (nobody.version, nobody.status.availability) == ("", "Unknown")
        arbiter = world.c.only(ARBITRATION)
        version = await arbiter.declare("alpha", "Down", "")
        for old in ("", "a-wrong-version"):
            refusal = await world.unchanged_by(lambda o=old: arbiter.declare("alpha", "Normal", o))  # type: ignore[misc]
            assert refusal.reason is Reason.CONFLICT
        seen = [version]
        for state in ("Normal", "Normal", "Unknown"):
            seen.append(await arbiter.declare("alpha", state, seen[-1]))
            shown = await world.desk.get_availability("alpha")
            assert (shown.version, shown.status.availability, shown.status.uss) == (seen[-1], state, "alpha")
        assert len(set(seen)) == 4
        for name in ("", "a\x00b"):
            assert await reason(arbiter.declare(name, "Down", "")) is Reason.INVALID
            assert await reason(world.desk.get_availability(name)) is Reason.INVALID
        leaves = [row for row in (await world.tables("leaf"))["leaf"] if row[2] == "dss.availability"]
        assert len(leaves) == 4

    inside(store_url, story)
