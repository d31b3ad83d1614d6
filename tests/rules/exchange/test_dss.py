"""The rules of the discovery service: tables, limits, versions, the key."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.airspace import Altitude, AltitudeReference, Circle, Labels, Polygon, Volume4D, Volumes
from skypact.airspace.labels import DataMode, Kind
from skypact.errors import InputError, Reason, Refused
from skypact.exchange.dss import (
    ARBITRATION,
    CONFORMANCE,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    FOLLOWS,
    PARTY_CHARS,
    STRATEGIC,
    WRITERS,
    Availability,
    Bounds,
    Known,
    Limits,
    State,
    base_url,
    fresh_ovn,
    may_while_down,
    may_write,
    missing,
    not_over,
    own,
    party_name,
    requested_ovn,
    same_ovn,
    window_of_subscription,
    within_area,
    within_count,
    within_duration,
    within_horizon,
)
from skypact.instants import DAY_US, EVER, FOREVER, HOUR_US, SECOND_US
from skypact.notify.extents import closed_in_altitude, closed_in_time
from skypact.record.ledger import REF_CHARS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW = 1_800_000_000 * SECOND_US
SCOPES = (STRATEGIC, CONFORMANCE, CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING, ARBITRATION)
LIMITS = Limits()
ACCEPTED, ACTIVATED, NONCONFORMING, CONTINGENT = State


def volumes(*parts: Volume4D) -> Volumes:
    """Volumes of one thing."""
    labels = Labels.of(["x"] * len(parts), party="p", kind=Kind.UNCREWED, data_mode=DataMode.EXERCISE)
    return Volumes.of(labels, list(parts))


def circle(radius_m: float, **more: int) -> Volume4D:
    """A circle that has all limits."""
    given: dict[str, int] = {"start_us": NOW, "end_us": NOW + HOUR_US, **more}
    floor, ceiling = (Altitude(metres, AltitudeReference.W84) for metres in (0.0, 100.0))
    return Volume4D(Circle(50.0, 5.0, radius_m), floor, ceiling, **given)


def granted(function: Callable[[], object]) -> bool:
    """Whether it refuses nothing; raises otherwise."""
    function()
    return True


def refusal(function: Callable[[], object]) -> Refused:
    """What it refuses with."""
    with pytest.raises(Refused) as caught:
        function()
    return caught.value


WRITES: dict[State, set[str]] = {
    ACCEPTED: {STRATEGIC},
    ACTIVATED: {STRATEGIC, CONFORMANCE},
    NONCONFORMING: {CONFORMANCE},
    CONTINGENT: {CONFORMANCE},
}
NEVER = {
    (NONCONFORMING, ACCEPTED),
    (CONTINGENT, ACCEPTED),
    (CONTINGENT, ACTIVATED),
    (CONTINGENT, NONCONFORMING),
}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("before", [None, *State])
@pytest.mark.parametrize("state", list(State))
def test_every_state_after_every_other_with_every_scope(
    state: State, before: State | None, scope: str
) -> None:
    """A write is permitted exactly where the scope permits the state, and the state may follow."""
    if scope not in WRITES[state]:
        refused = refusal(lambda: may_write(state, before, {scope}, where="$.state"))
        assert refused.reason is Reason.FORBIDDEN
        assert all(permitted in str(refused) for permitted in WRITES[state])
    elif (before, state) in NEVER:
        refused = refusal(lambda: may_write(state, before, [scope], where="$.state"))
        assert refused.reason is Reason.INVALID
        assert f"{state.value} may not follow" in str(refused)
    else:
        assert granted(lambda: may_write(state, before, {scope, ARBITRATION}, where="$.state"))


def test_the_tables_are_whole() -> None:
    """Every state has its writers and its followers, and nothing else is in the tables."""
    assert set(WRITERS) == set(State)
    assert set(FOLLOWS) == {None, *State}
    assert {state for state in State if state.nominal} == {ACCEPTED, ACTIVATED}


def test_nothing_may_be_written_without_a_scope() -> None:
    """No scope, no state."""
    assert refusal(lambda: may_write(ACCEPTED, None, (), where="$")).reason is Reason.FORBIDDEN


@pytest.mark.parametrize("availability", list(Availability))
@pytest.mark.parametrize("state", [None, *State])
def test_a_party_that_is_down_may_only_write_what_is_off_nominal(
    state: State | None, availability: Availability
) -> None:
    """Down: no planning, no activation, no deletion; everybody else may."""
    if availability is Availability.DOWN and state in {None, ACCEPTED, ACTIVATED}:
        refused = refusal(lambda: may_while_down(availability, state))
        assert refused.reason is Reason.NOT_NOW
        assert ("delete" in str(refused)) == (state is None)
    else:
        assert granted(lambda: may_while_down(availability, state))


@pytest.mark.parametrize("availability", list(Availability))
@pytest.mark.parametrize("state", [None, *State])
def test_only_what_is_accepted_of_a_party_that_is_down_needs_no_ovn(
    state: State | None, availability: Availability
) -> None:
    """The one exception to the key rule, in full; constraints (no state) have none."""
    entity = Known(b"a", "ovn-of-a", state, availability)
    excused = state is ACCEPTED and availability is Availability.DOWN
    assert missing([entity], ()) == ([] if excused else [entity])
    assert missing([entity], ["ovn-of-a", "another"]) == []


@given(st.sets(st.integers(0, 6_000)), st.sets(st.integers(0, 6_000)))
def test_the_key_is_complete_at_any_size(relevant: set[int], shown: set[int]) -> None:
    """Exactly those are missing that the key does not hold; superfluous ones do no harm."""
    entities = [Known(b"%d" % k, f"ovn-{k}", ACCEPTED, Availability.UNKNOWN) for k in sorted(relevant)]
    lacking = missing(iter(entities), frozenset(f"ovn-{k}" for k in shown))
    assert [e.ovn for e in lacking] == [f"ovn-{k}" for k in sorted(relevant - shown)]


def test_a_key_of_five_thousand() -> None:
    """One missing among 5,000 is named."""
    entities = [Known(b"%d" % k, f"ovn-{k}", ACTIVATED, Availability.NORMAL) for k in range(5_000)]
    key = [f"ovn-{k}" for k in range(5_000) if k != 4_321]
    assert [e.ovn for e in missing(entities, key)] == ["ovn-4321"]


def test_areas_are_summed_and_circles_count() -> None:
    """Two circles of 2,000 km2 are more than 2,500 km2, one is not."""
    one = circle(25_231.0)
    assert granted(lambda: within_area(volumes(one), 2_500.0, "intent_area", where="$"))
    refused = refusal(lambda: within_area(volumes(one, one), 2_500.0, "intent_area", where="$"))
    assert refused.reason is Reason.TOO_LARGE
    assert "intent_area" in str(refused)
    assert "over 2 volumes" in str(refused)
    assert "1 volume'" in str(refusal(lambda: within_area(volumes(one), 100.0, "search_area", where="$")))


def test_area_of_a_polygon_of_either_winding() -> None:
    """A degree by a degree is too large a search, whichever way it is written."""
    corners = ((37.0, 5.0), (37.0, 6.0), (38.0, 6.0), (38.0, 5.0))
    for vertices in (corners, corners[::-1]):
        area = volumes(Volume4D(Polygon(vertices)))
        refused = refusal(lambda area=area: within_area(area, 2_500.0, "search_area", where="$"))  # type: ignore[misc]
        assert refused.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(("n", "vertices", "name"), [(1_001, 3, "volumes"), (1, 20_001, "vertices")])
def test_counts_are_refused_before_anything_is_computed(n: int, vertices: int, name: str) -> None:
    """Too many volumes or vertices are TOO_LARGE, and the limit is named."""
    refused = refusal(lambda: within_count(n, vertices, LIMITS, where="$.extents"))
    assert refused.reason is Reason.TOO_LARGE
    assert f"({name})" in str(refused)
    assert granted(lambda: within_count(1_000, 20_000, LIMITS, where="$.extents"))


def test_bounds_are_the_outermost() -> None:
    """First start, last end, lowest floor, highest ceiling."""
    both = volumes(circle(10.0), circle(10.0, start_us=NOW - 5, end_us=NOW + 5))
    assert Bounds.of(both) == Bounds(NOW - 5, NOW + HOUR_US, 0.0, 100.0)


def test_open_ends_are_refused_by_name() -> None:
    """The volume and the member that is absent are named."""
    whole = circle(10.0)
    assert granted(lambda: closed_in_time(volumes(whole), where="$.extents"))
    assert granted(lambda: closed_in_altitude(volumes(whole), where="$.extents"))
    cases: list[tuple[Volume4D, Callable[..., None], str]] = [
        (circle(10.0, start_us=EVER), closed_in_time, "$.extents[1].time_start"),
        (circle(10.0, end_us=FOREVER), closed_in_time, "$.extents[1].time_end"),
        (Volume4D(whole.outline, None, whole.upper), closed_in_altitude, "$.extents[1].volume.altitude_low"),
        (Volume4D(whole.outline, whole.lower, None), closed_in_altitude, "$.extents[1].volume.altitude_upp"),
    ]
    for part, rule, where in cases:
        refused = refusal(lambda part=part, rule=rule: rule(volumes(whole, part), where="$.extents"))  # type: ignore[misc]
        assert refused.reason is Reason.INVALID
        assert refused.where.startswith(where)


def test_the_end_must_lie_ahead_but_not_too_far() -> None:
    """Now is over; a microsecond on is not; the horizon itself is allowed."""
    assert refusal(lambda: not_over(NOW, NOW, where="$")).reason is Reason.INVALID
    assert granted(lambda: not_over(NOW + 1, NOW, where="$"))
    horizon = LIMITS.intent_horizon_us
    assert granted(lambda: within_horizon(NOW + horizon, NOW, horizon, "intent_horizon", where="$"))
    refused = refusal(lambda: within_horizon(NOW + horizon + 1, NOW, horizon, "intent_horizon", where="$"))
    assert "30 days ahead (intent_horizon)" in str(refused)


def test_durations() -> None:
    """24 hours are allowed, a microsecond more is not."""
    assert granted(lambda: within_duration(NOW, NOW + DAY_US, DAY_US, "constraint_duration", where="$"))
    refused = refusal(
        lambda: within_duration(NOW, NOW + DAY_US + 1, DAY_US, "constraint_duration", where="$")
    )
    assert "24 h (constraint_duration)" in str(refused)


@pytest.mark.parametrize(
    "text",
    [
        "https://uss.example/utm",
        "https://testdummy.interuss.org/x/mutated",
        "https://uss.example?correct-ovn-mutation=true",
        "https://127.0.0.1:8650",
        "https://[::1]:8650/utm",
    ],
)
def test_base_urls_that_are_taken(text: str) -> None:
    """What may be called is echoed as it is."""
    assert base_url(text, LIMITS, where="$.uss_base_url") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uss.example/utm",
        "http://uss.example/utm",
        "ftp://uss.example/utm",
        "https://",
        "https:///utm",
        "https://uss.example/utm/",
        "https://user:secret@uss.example/utm",
        "https://uss.example/utm#there",
        "https://uss.example/a b",
        "https://uss.example/ä",
        "https://uss.example/\x00",
        "https://uss.example/<script>",
        "HTTPS://uss.example",
        "https://uss.example:",
        "https://uss.example:0",
        "https://uss.example:99999",
        "https://uss.example:0443",
        "https://uss.example:https",
        "https://uss.example:443:443",
        "https://[::1",
        "https://[::1]x",
        "https://[fe80::1%25eth0]",
        "https://[127.0.0.1]",
        "https://1.2.3.256",
        "https://1.2.3",
        "https://uss..example",
        "https://-uss.example",
        "https://%31",
        "https://uss;example",
        "https://uss.example/a/../b",
        "https://uss.example/..",
        "https://uss.example/a/./b",
        "https://uss.example/%2E%2e/b",
        "https://uss.example/..;/b",
        "https://" + "a" * 64 + ".example",
    ],
)
def test_base_urls_that_are_not(text: str) -> None:
    """No scheme, no host, credentials, a fragment, a last slash, or characters that no URL has."""
    assert refusal(lambda: base_url(text, LIMITS, where="$.uss_base_url")).reason is Reason.INVALID


@pytest.mark.parametrize(
    "text",
    [
        "https://uss.example",
        "https://uss-1.example:8443/utm/v1",
        "https://host.docker.internal:65535",
        "https://uss_1/a..b/...",
        "https://192.0.2.1/utm",
        "https://[2001:db8::1]:8443/utm",
        "https://uss.example/utm?correct-ovn-mutation=true",
    ],
)
def test_base_urls_that_can_be_called_or_are_of_the_suite(text: str) -> None:
    """Names and addresses with and without ports; a query, which the public suite sends, is taken."""
    assert base_url(text, LIMITS, where="$.uss_base_url") == text


def test_the_longest_name_of_a_party_is_told_and_can_be_kept() -> None:
    """The refusal names the limit, which is no longer than a reference of the ledger may be."""
    said = refusal(lambda: party_name("a" * (PARTY_CHARS + 1), where="uss_id"))
    assert f"1 to {PARTY_CHARS} printable" in str(said)
    assert PARTY_CHARS <= REF_CHARS


def test_plain_http_only_where_it_is_configured() -> None:
    """A deployment may permit it."""
    plain = Limits(plain_http=True)
    assert base_url("http://uss.example/utm", plain, where="$") == "http://uss.example/utm"
    assert "http://" in str(refusal(lambda: base_url("x", plain, where="$")))


@pytest.mark.parametrize("text", ["uss1", "ThisIdShouldNotExistOnTheDSS", "ü", "a" * PARTY_CHARS, "a/b c"])
def test_names_of_parties(text: str) -> None:
    """Any printable name will do."""
    assert party_name(text, where="uss_id") == text


@pytest.mark.parametrize("text", ["", "a" * (PARTY_CHARS + 1), "a\x00b", "\n", "\udcff"])
def test_what_is_no_name_of_a_party(text: str) -> None:
    """What no database could keep, or nobody could read, is refused."""
    assert refusal(lambda: party_name(text, where="uss_id")).reason is Reason.INVALID


def test_fresh_ovns_are_what_the_standard_wants() -> None:
    """16 to 128 characters, of the alphabet of a URL's path; from 24 bytes, none alike."""
    ovn = fresh_ovn(bytes(range(232, 256)))
    assert len(ovn) == 32
    assert set(ovn) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert fresh_ovn(bytes(24)) != ovn


def uuid7(at_us: int, version: int = 7) -> str:
    """A UUID of a version with a time in it."""
    number = (at_us // 1_000) << 80 | version << 76 | 0x123 << 64 | 0b10 << 62 | 0x1234_5678_9ABC
    return str(uuid.UUID(int=number))


def test_a_requested_ovn() -> None:
    """Id, an underscore, and the suffix as it was asked for, also in capitals."""
    suffix = uuid7(NOW)
    for asked in (suffix, suffix.upper()):
        assert requested_ovn("id", asked, NOW, LIMITS, where="$") == f"id_{asked}"
    for off_us in (-LIMITS.ovn_clock_us, LIMITS.ovn_clock_us):
        assert requested_ovn("id", uuid7(NOW + off_us), NOW, LIMITS, where="$")


@pytest.mark.parametrize(
    "suffix",
    [
        "",
        "abc",
        uuid7(NOW, version=6),
        uuid7(NOW).replace("-", ""),
        "{" + uuid7(NOW) + "}",
        uuid7(1_728_000_000 * SECOND_US),
        uuid7(NOW + LIMITS.ovn_clock_us + 1_000_000),
        uuid7(NOW - LIMITS.ovn_clock_us - 1_000_000),
    ],
)
def test_what_is_no_suffix_of_an_ovn(suffix: str) -> None:
    """Empty, another version, another form of writing, or a time that is not now: INVALID."""
    refused = refusal(lambda: requested_ovn("id", suffix, NOW, LIMITS, where="$.requested_ovn_suffix"))
    assert refused.reason is Reason.INVALID


def test_versions_are_named() -> None:
    """None is INVALID, another is CONFLICT, and the current OVN is not told."""
    assert granted(lambda: same_ovn("current", "current"))
    assert refusal(lambda: same_ovn("", "current")).reason is Reason.INVALID
    refused = refusal(lambda: same_ovn("old", "secret-ovn"))
    assert refused.reason is Reason.CONFLICT
    assert "secret-ovn" not in str(refused)


def test_what_is_anothers() -> None:
    """Only its manager may write."""
    assert granted(lambda: own("a", "a", "constraint"))
    assert refusal(lambda: own("a", "b", "constraint")).reason is Reason.FORBIDDEN


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        (EVER, FOREVER, (0, DAY_US)),
        (EVER, HOUR_US, (0, HOUR_US)),
        (-HOUR_US, FOREVER, (-HOUR_US, DAY_US - HOUR_US)),
        (HOUR_US, FOREVER, (HOUR_US, HOUR_US + DAY_US)),
        (-10, DAY_US - 10, (-10, DAY_US - 10)),
    ],
)
def test_windows_of_subscriptions(start: int, end: int, window: tuple[int, int]) -> None:
    """What is not said is from now on, for a day from its start; what is said is kept, past or not."""
    asked = [instant if instant in {EVER, FOREVER} else NOW + instant for instant in (start, end)]
    expected = tuple(NOW + instant for instant in window)
    assert window_of_subscription(asked[0], asked[1], NOW, LIMITS) == expected


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (EVER, NOW, "in the past"),
        (NOW - 2 * DAY_US, FOREVER, "in the past"),
        (NOW + 5, NOW + 5, "not after the start"),
        (NOW, NOW + DAY_US + 1, "subscription_duration"),
        (EVER, NOW + DAY_US + 1, "subscription_duration"),
    ],
)
def test_windows_that_are_refused(start: int, end: int, says: str) -> None:
    """Over, empty, or longer than a day."""
    with pytest.raises((Refused, InputError), match=says):
        window_of_subscription(start, end, NOW, LIMITS)


def test_limits_are_those_of_the_standard() -> None:
    """30 days for intents, 56 for constraints, 24 hours for subscriptions and constraints; areas in km2."""
    days: Sequence[float] = [
        LIMITS.intent_horizon_us / DAY_US,
        LIMITS.constraint_horizon_us / DAY_US,
        LIMITS.subscription_duration_us / DAY_US,
        LIMITS.constraint_duration_us / DAY_US,
    ]
    assert days == [30.0, 56.0, 1.0, 1.0]
    areas = LIMITS.search_area_km2, LIMITS.intent_area_km2, LIMITS.subscription_area_km2
    assert areas == (2_500.0, 2_500.0, 2_500.0)
    assert LIMITS.constraint_area_km2 == 10_000.0
