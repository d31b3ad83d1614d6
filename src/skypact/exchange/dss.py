"""The discovery and synchronization service: what it accepts, and whom it names; rules without a database.

Law: the service never says whether two intents conflict. It says that the writer of one has shown that it
knew the other. Of any two accepted intents that overlap, the later one's key held the other's OVN, wherever
the standard asks for a key; :func:`missing` is that rule, and there is no second one.

How it works. Who may write which state is :data:`WRITERS`, which state may follow which is :data:`FOLLOWS`:
two literal tables. Limits are one value, :class:`Limits`; each refusal names the limit. Everything here takes
``now_us`` as an argument.

Known limits: the service does not see priorities or details; two parties that both show each other's OVN may
still plan into each other, and it is theirs to decide.

Source: ASTM F3548-21, the sections on the DSS, its OpenAPI definition, and the constants of its annex
(``OiMaxPlanHorizon``, ``CstrMaxPlanHorizon``, ``CstrMaxArea``, ``DSSMaxSubscriptionDuration``).
"""

from __future__ import annotations

import base64
import enum
import ipaddress
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from skypact.errors import InputError, Reason, Refused
from skypact.instants import DAY_US, EVER, FOREVER, HOUR_US, SECOND_US, format_instant
from skypact.notify.extents import at_most

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from skypact.airspace.volumes import Volumes

KM2: Final = 1e6

# -- scopes -------------------------------------------------------------------------------------------------

STRATEGIC: Final = "utm.strategic_coordination"
CONFORMANCE: Final = "utm.conformance_monitoring_sa"
CONSTRAINT_MANAGEMENT: Final = "utm.constraint_management"
CONSTRAINT_PROCESSING: Final = "utm.constraint_processing"
ARBITRATION: Final = "utm.availability_arbitration"


class State(enum.Enum):
    """The states of an operational intent that the service knows; ended is: gone."""

    ACCEPTED = "Accepted"
    ACTIVATED = "Activated"
    NONCONFORMING = "Nonconforming"
    CONTINGENT = "Contingent"

    @property
    def nominal(self) -> bool:
        """Whether the intent is flown as planned: such a write needs a key."""
        return self in (State.ACCEPTED, State.ACTIVATED)


FOLLOWS: Final[Mapping[State | None, frozenset[State]]] = {
    None: frozenset({State.ACCEPTED, State.ACTIVATED, State.NONCONFORMING, State.CONTINGENT}),
    State.ACCEPTED: frozenset(State),
    State.ACTIVATED: frozenset(State),
    State.NONCONFORMING: frozenset({State.ACTIVATED, State.NONCONFORMING, State.CONTINGENT}),
    State.CONTINGENT: frozenset({State.CONTINGENT}),
}
"""Which state may follow which; None: the intent does not exist yet. Whatever the state, it may end."""

WRITERS: Final[Mapping[State, frozenset[str]]] = {
    State.ACCEPTED: frozenset({STRATEGIC}),
    State.ACTIVATED: frozenset({STRATEGIC, CONFORMANCE}),
    State.NONCONFORMING: frozenset({CONFORMANCE}),
    State.CONTINGENT: frozenset({CONFORMANCE}),
}
"""The scopes, any of which permits to write a state. Conformance monitoring may bring a flight back."""


class Availability(enum.Enum):
    """Whether a party answers, as an arbiter declared it; never declared is unknown."""

    UNKNOWN = "Unknown"
    NORMAL = "Normal"
    DOWN = "Down"


# -- limits -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service takes at most; every refusal names the limit by its name here.

    Attributes
    ----------
    search_area_km2, intent_area_km2, subscription_area_km2, constraint_area_km2
        Areas, summed over the volumes of a request, circles counted with their own area.
    intent_horizon_us, constraint_horizon_us
        How far ahead the end of an intent or constraint may lie.
    subscription_duration_us, constraint_duration_us
        From start to end.
    ovn_clock_us
        How far the time in a requested OVN may be off the service's own clock.
    volumes, vertices
        Volumes of one request, and vertices of all of them together.
    subscriptions
        Subscriptions that one party may have at once, anywhere; those that come and go with its intents are
        not counted.
    plain_http
        Whether a base URL may be ``http://``: what goes there is read by everybody on the way.
    """

    search_area_km2: float = 2_500.0
    intent_area_km2: float = 2_500.0
    subscription_area_km2: float = 2_500.0
    constraint_area_km2: float = 10_000.0
    intent_horizon_us: int = 30 * DAY_US
    constraint_horizon_us: int = 56 * DAY_US
    subscription_duration_us: int = DAY_US
    constraint_duration_us: int = DAY_US
    ovn_clock_us: int = 5 * 60 * SECOND_US
    volumes: int = 1_000
    vertices: int = 20_000
    subscriptions: int = 1_000
    plain_http: bool = False


def within_area(volumes: Volumes, limit_km2: float, name: str, *, where: str) -> None:
    """Refuse volumes of more area than a limit.

    Raises
    ------
    Refused
        TOO_LARGE, with the area and the limit.
    """
    area_km2 = float(volumes.areas_m2().sum()) / KM2
    if area_km2 > limit_km2:
        raise Refused(
            Reason.TOO_LARGE,
            "the area is too large",
            where=where,
            found=f"{area_km2:,.1f} km2 over {len(volumes)} volume{'s' if len(volumes) > 1 else ''}",
            expected=f"at most {limit_km2:,.0f} km2 ({name})",
        )


def within_subscriptions(there: int, limits: Limits) -> None:
    """Refuse one more subscription of a party that has so many.

    Raises
    ------
    Refused
        TOO_MANY, with the limit.
    """
    if there >= limits.subscriptions:
        raise Refused(
            Reason.TOO_MANY,
            "too many subscriptions of this party",
            found=f"{there:,} that are not over",
            expected=f"at most {limits.subscriptions:,} (subscriptions); those of intents are not counted",
        )


def within_count(volumes: int, vertices: int, limits: Limits, *, where: str) -> None:
    """Refuse a request of too many volumes or vertices, before anything is computed with them.

    Raises
    ------
    Refused
        TOO_LARGE, with the number and the limit.
    """
    at_most(volumes, limits.volumes, "volumes", where=where)
    at_most(vertices, limits.vertices, "vertices", where=where)


@dataclass(frozen=True, slots=True)
class Bounds:
    """First and last instant, and lowest and highest metre, of several volumes; open is infinite."""

    start_us: int
    end_us: int
    low_m: float
    high_m: float

    @classmethod
    def of(cls, volumes: Volumes) -> Bounds:
        """The bounds of volumes, of which there is at least one."""
        return cls(
            int(volumes.start_us.min()),
            int(volumes.end_us.max()),
            float(volumes.lower_m.min()),
            float(volumes.upper_m.max()),
        )


def not_over(end_us: int, now_us: int, *, where: str) -> None:
    """Refuse what ends before now.

    Raises
    ------
    Refused
        INVALID, with both instants.
    """
    if end_us <= now_us:
        raise Refused(
            Reason.INVALID,
            "the end is in the past",
            where=where,
            found=format_instant(end_us),
            expected=f"after {format_instant(now_us)}, the time here",
        )


def within_horizon(end_us: int, now_us: int, horizon_us: int, name: str, *, where: str) -> None:
    """Refuse what ends too far ahead.

    Raises
    ------
    Refused
        INVALID, with the limit.
    """
    if end_us > now_us + horizon_us:
        raise Refused(
            Reason.INVALID,
            "too far ahead",
            where=where,
            found=format_instant(end_us),
            expected=f"at most {horizon_us / DAY_US:g} days ahead ({name})",
        )


def within_duration(start_us: int, end_us: int, limit_us: int, name: str, *, where: str) -> None:
    """Refuse what lasts too long.

    Raises
    ------
    Refused
        INVALID, with the limit.
    """
    if end_us - start_us > limit_us:
        raise Refused(
            Reason.INVALID,
            "lasts too long",
            where=where,
            found=f"{(end_us - start_us) / HOUR_US:.2f} h",
            expected=f"at most {limit_us / HOUR_US:g} h ({name})",
        )


def base_url(text: str, limits: Limits, *, where: str) -> str:
    """A base URL that a peer may be called at.

    A query is taken, since InterUSS's suite sends ``?correct-ovn-mutation=true`` as an intent's base URL, and
    only for that: nobody calls such a URL (:func:`skypact.courier.client.target_of`).

    Raises
    ------
    Refused
        INVALID: no absolute http(s) URL; a host or a port that is none; a fragment, credentials, a last
        slash, or a segment ``.`` or ``..``, however it is written.
    """
    schemes = ("https://", "http://") if limits.plain_http else ("https://",)
    rest = next((text[len(s) :] for s in schemes if text.startswith(s)), "")
    place, _, path = rest.partition("?")[0].partition("/")
    segments = [_DOT.sub(".", part.partition(";")[0]) for part in path.split("/")]
    printable = text.isascii() and text.isprintable() and not set(text) & set(' "<>\\^`{|}#')
    if not _is_place(place) or {".", ".."} & {*segments} or not printable or text.endswith("/"):
        raise Refused(
            Reason.INVALID,
            "not a base URL",
            where=where,
            found=text[:200],
            expected=f"{' or '.join(schemes)} host, port and path, without a last slash, '..' or a fragment",
        )
    return text


_DOT: Final = re.compile("%2e", re.IGNORECASE)
_LABEL: Final = re.compile("[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")


def _is_place(place: str) -> bool:
    """Whether it is a host, by its name or its address, with or without a port."""
    host, bracket, port = place.partition("]") if place.startswith("[") else place.partition(":")
    if bracket == "]":
        host, bracket, port = host[1:], port[:1], port[1:]
        if bracket not in {"", ":"} or not _is_address(host, 6):
            return False
    elif len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        return False
    elif host.rpartition(".")[2].isdigit() and not _is_address(host, 4):
        return False  # what ends in a number is an address
    return not bracket or (_PORT.fullmatch(port) is not None and int(port) <= 65_535)


def _is_address(text: str, version: int) -> bool:
    try:
        return "%" not in text and ipaddress.ip_address(text).version == version
    except ValueError:
        return False


PARTY_CHARS: Final = 255
"""Characters of the name of a party: as many as the ``sub`` of a token may have."""


def party_name(text: str, *, where: str) -> str:
    """The name of a party, as a token's ``sub`` may be.

    Raises
    ------
    Refused
        INVALID: empty, longer than :data:`PARTY_CHARS`, or of characters that cannot be printed.
    """
    if not 0 < len(text) <= PARTY_CHARS or not text.isprintable():
        raise Refused(
            Reason.INVALID,
            "not the name of a party",
            where=where,
            found=text[:300],
            expected=f"1 to {PARTY_CHARS} printable characters",
        )
    return text


# -- what may be written ------------------------------------------------------------------------------------


def may_write(state: State, before: State | None, scopes: Collection[str], *, where: str) -> None:
    """Refuse a state that the scopes do not permit, or that may not follow the one before.

    Raises
    ------
    Refused
        FORBIDDEN for scopes, INVALID for the order of states.
    """
    if not WRITERS[state] & set(scopes):
        raise Refused(
            Reason.FORBIDDEN,
            f"the state {state.value} may not be written with these scopes",
            where=where,
            found=" ".join(sorted(scopes)),
            expected=" or ".join(sorted(WRITERS[state])),
        )
    if state not in FOLLOWS[before]:
        followers = ", ".join(sorted(s.value for s in FOLLOWS[before]))
        raise Refused(
            Reason.INVALID,
            f"{state.value} may not follow {before.value if before else 'nothing'}",
            where=where,
            found=state.value,
            expected=f"{followers}, or the end",
        )


def may_while_down(availability: Availability, state: State | None) -> None:
    """Refuse what a party that is declared down may not do: write a nominal intent, or end one.

    Raises
    ------
    Refused
        NOT_NOW.
    """
    if availability is Availability.DOWN and (state is None or state.nominal):
        raise Refused(
            Reason.NOT_NOW,
            "the asker is declared Down: it may not "
            + ("delete an operational intent" if state is None else f"write the state {state.value}"),
            expected="an arbiter to declare it Normal or Unknown first",
        )


class Known(NamedTuple):
    """An entity that a writer's key must show, as the key rule sees it.

    Attributes
    ----------
    ident
        16 bytes.
    ovn
        What the key must hold.
    state
        Of an intent; None for a constraint.
    availability
        Of its manager.
    """

    ident: bytes
    ovn: str
    state: State | None
    availability: Availability


def missing(relevant: Iterable[Known], key: Collection[str]) -> list[Known]:
    """Those relevant entities whose OVN the key does not hold: THE rule of the service.

    An accepted intent of a party that is declared down needs no OVN: nobody can be asked for it, and it is
    not in use. One that is in use does, and so blocks the air around it until its party is back.
    """
    held = key if isinstance(key, (set, frozenset)) else frozenset(key)
    return [
        entity
        for entity in relevant
        if entity.ovn not in held
        and not (entity.availability is Availability.DOWN and entity.state is State.ACCEPTED)
    ]


# -- versions -----------------------------------------------------------------------------------------------


def fresh_ovn(chance: bytes) -> str:
    """An OVN from 24 random bytes: 32 characters that no one can guess."""
    return base64.urlsafe_b64encode(chance).decode()


def requested_ovn(ident: str, suffix: str, now_us: int, limits: Limits, *, where: str) -> str:
    """The OVN that a writer asks for: ``{id}_{suffix}``, the suffix a UUID of version 7 of about now.

    The time in it keeps one that was used long ago from being used again.

    Raises
    ------
    Refused
        INVALID: no such UUID, or its time is further off than the limit.
    """
    try:
        parsed = uuid.UUID(suffix)
    except ValueError:
        parsed = None
    if parsed is None or parsed.version != 7 or str(parsed) != suffix.lower():
        raise Refused(
            Reason.INVALID, "not an OVN suffix", where=where, found=suffix, expected="a UUID of version 7"
        )
    made_us = (parsed.int >> 80) * 1_000
    if abs(made_us - now_us) > limits.ovn_clock_us:
        raise Refused(
            Reason.INVALID,
            "the time in the OVN suffix is not now",
            where=where,
            found=format_instant(made_us),
            expected=f"within {limits.ovn_clock_us / SECOND_US:g} s of {format_instant(now_us)} (ovn_clock)",
        )
    return f"{ident}_{suffix}"


def same_ovn(given: str, current: str) -> None:
    """Refuse a write that does not name the current version.

    Raises
    ------
    Refused
        INVALID where none is named, CONFLICT where another is.
    """
    if not given:
        raise Refused(Reason.INVALID, "no version is named", where="the path", expected="the current OVN")
    if given != current:
        raise Refused(
            Reason.CONFLICT,
            "not the current version: it was changed since, or never had this one",
            where="the path",
            found=given,
            expected="the current OVN, as its last writer received it",
        )


def own(manager: str, party: str, noun: str) -> None:
    """Refuse a write to what another party manages.

    Raises
    ------
    Refused
        FORBIDDEN.
    """
    if manager != party:
        raise Refused(
            Reason.FORBIDDEN, f"this {noun} is managed by another party", found=party, expected=manager
        )


def window_of_subscription(start_us: int, end_us: int, now_us: int, limits: Limits) -> tuple[int, int]:
    """The window that a subscription gets: from now where it does not say, and for as long as is allowed.

    Raises
    ------
    Refused
        INVALID: it is over, or lasts too long.
    """
    where = "$.extents"
    start = now_us if start_us == EVER else start_us
    end = max(start, now_us) + limits.subscription_duration_us if end_us == FOREVER else end_us
    if end_us == FOREVER:
        end = min(end, start + limits.subscription_duration_us)
    not_over(end, now_us, where=f"{where}.time_end")
    if end <= start:
        raise InputError(
            "the end is not after the start",
            where=f"{where}.time_end",
            found=format_instant(end),
            expected=f"after {format_instant(start)}",
        )
    within_duration(
        start, end, limits.subscription_duration_us, "subscription_duration", where=f"{where}.time_end"
    )
    return start, end
