"""ASTM F3548-21 messages, both ways: the standard's JSON as typed structs, and what they are in our terms.

Law: names and shapes are those of the standard's definition (``utm.yaml`` 1.0.0); one member is added that
other services understand or ignore (``requested_ovn_suffix``). Unknown members are ignored, null is absent,
as the definition says. What a field may hold is checked here, by its type; what it may hold *together with
others* is a rule, and rules are in :mod:`skypact.exchange`. A fault is an
:class:`~skypact.errors.InputError` that names the JSON path.

An answer is encoded with :func:`encode`; members that are absent are left out. Instants are written with
microseconds where they have any, always in UTC (``Z``), since two parties must read one instant alike.

Source: ASTM F3548-21 as OpenAPI; vertices and altitudes as its ``OiMaxVertices`` and ``Altitude``.
"""

from __future__ import annotations

import re
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from skypact.airspace.altitude import Altitude as DomainAltitude
from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.volumes import Circle as DomainCircle
from skypact.airspace.volumes import Polygon as DomainPolygon
from skypact.airspace.volumes import Volume4D as DomainVolume
from skypact.airspace.volumes import Volumes
from skypact.errors import FormatError, InputError
from skypact.instants import EVER, FOREVER, format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

VERTICES_MAX: Final = 10_000
"""Vertices of one polygon: the standard's ``OiMaxVertices``."""

_UUID4 = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}", re.ASCII
)

# -- what everything is made of -----------------------------------------------------------------------------


class Wire(Struct, omit_defaults=True, kw_only=True):
    """A JSON object of the standard; what is absent is None and is not written."""


class Time(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An RFC 3339 instant in UTC."""

    value: str
    format: Literal["RFC3339"]


class Altitude(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Metres above the WGS 84 ellipsoid."""

    value: Annotated[float, Meta(ge=-8_000.0, le=100_000.0)]
    reference: Literal["W84"]
    units: Literal["M"]


class Radius(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Metres along the ellipsoid."""

    value: Annotated[float, Meta(gt=0.0)]
    units: Literal["M"]


class LatLngPoint(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """WGS 84 degrees."""

    lat: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lng: Annotated[float, Meta(ge=-180.0, le=180.0)]


class Circle(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Centre and radius."""

    center: LatLngPoint
    radius: Radius


class Polygon(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Vertices joined by shortest paths; the last is joined to the first."""

    vertices: Annotated[list[LatLngPoint], Meta(min_length=3, max_length=VERTICES_MAX)]


class Volume3D(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Exactly one outline, and limits of altitude."""

    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A block of spacetime."""

    volume: Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


Text = Annotated[str, Meta(max_length=2_048)]
Ovn = Annotated[str, Meta(min_length=16, max_length=128)]
Index = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Priority = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
State = Literal["Accepted", "Activated", "Nonconforming", "Contingent"]
AvailabilityState = Literal["Unknown", "Normal", "Down"]


class ErrorResponse(Wire):
    """Why a request was refused."""

    message: str | None = None


# -- subscriptions ------------------------------------------------------------------------------------------


class SubscriptionState(Wire):
    """Which subscription prompts a notification, and its number."""

    subscription_id: str
    notification_index: Index


class SubscriberToNotify(Wire):
    """Whom the writer has to tell."""

    subscriptions: Annotated[list[SubscriptionState], Meta(min_length=1)]
    uss_base_url: Text


class Subscription(Wire):
    """A subscription as the DSS shows it."""

    id: str
    version: str
    notification_index: Index
    uss_base_url: Text
    time_start: Time | None = None
    time_end: Time | None = None
    notify_for_operational_intents: bool | None = None
    notify_for_constraints: bool | None = None
    implicit_subscription: bool | None = None
    dependent_operational_intents: list[str] | None = None


class QueryParameters(Wire):
    """An area of interest; the same for intents, constraints and subscriptions."""

    area_of_interest: Volume4D | None = None


class PutSubscriptionParameters(Wire):
    """To create or change a subscription."""

    extents: Volume4D
    uss_base_url: Text
    notify_for_operational_intents: bool | None = None
    notify_for_constraints: bool | None = None


class OperationalIntentReference(Wire):
    """What the DSS knows and shows of an intent."""

    id: str
    manager: Text
    uss_availability: AvailabilityState
    version: Version
    state: State
    time_start: Time
    time_end: Time
    uss_base_url: Text
    subscription_id: str | None = None
    ovn: Text | None = None


class ConstraintReference(Wire):
    """What the DSS knows and shows of a constraint."""

    id: str
    manager: Text
    uss_availability: AvailabilityState
    version: Version
    time_start: Time
    time_end: Time
    uss_base_url: Text
    ovn: Text | None = None


class QuerySubscriptionsResponse(Wire):
    """Subscriptions of the asker."""

    subscriptions: list[Subscription]


class GetSubscriptionResponse(Wire):
    """One subscription."""

    subscription: Subscription


class PutSubscriptionResponse(Wire):
    """The subscription, and what it concerns now."""

    subscription: Subscription
    operational_intent_references: list[OperationalIntentReference] | None = None
    constraint_references: list[ConstraintReference] | None = None


class DeleteSubscriptionResponse(Wire):
    """The subscription that was removed."""

    subscription: Subscription


# -- operational intents ------------------------------------------------------------------------------------


class ImplicitSubscriptionParameters(Wire):
    """What an implicit subscription needs."""

    uss_base_url: Text
    notify_for_constraints: bool | None = None


class PutOperationalIntentReferenceParameters(Wire):
    """To create or change an operational intent reference."""

    extents: Annotated[list[Volume4D], Meta(min_length=1)]
    state: State
    uss_base_url: Text
    key: list[Ovn] | None = None
    subscription_id: str | None = None
    new_subscription: ImplicitSubscriptionParameters | None = None
    requested_ovn_suffix: Annotated[str, Meta(max_length=128)] | None = None


class GetOperationalIntentReferenceResponse(Wire):
    """One reference."""

    operational_intent_reference: OperationalIntentReference


class ChangeOperationalIntentReferenceResponse(Wire):
    """What was written, and whom the writer has to tell."""

    subscribers: list[SubscriberToNotify]
    operational_intent_reference: OperationalIntentReference


class QueryOperationalIntentReferenceResponse(Wire):
    """References in an area."""

    operational_intent_references: list[OperationalIntentReference]


# -- constraints --------------------------------------------------------------------------------------------


class PutConstraintReferenceParameters(Wire):
    """To create or change a constraint reference."""

    extents: Annotated[list[Volume4D], Meta(min_length=1)]
    uss_base_url: Text


class GetConstraintReferenceResponse(Wire):
    """One reference."""

    constraint_reference: ConstraintReference


class ChangeConstraintReferenceResponse(Wire):
    """What was written, and whom the writer has to tell."""

    subscribers: list[SubscriberToNotify]
    constraint_reference: ConstraintReference


class QueryConstraintReferencesResponse(Wire):
    """References in an area."""

    constraint_references: list[ConstraintReference]


class AirspaceConflictResponse(Wire):
    """What the writer did not show that it knew."""

    message: str | None = None
    missing_operational_intents: list[OperationalIntentReference] | None = None
    missing_constraints: list[ConstraintReference] | None = None


# -- availability, reports ----------------------------------------------------------------------------------


class UssAvailabilityStatus(Wire):
    """Whether a party answers."""

    uss: str
    availability: AvailabilityState


class SetUssAvailabilityStatusParameters(Wire):
    """To change it; the version that the asker saw."""

    old_version: str
    availability: AvailabilityState


class UssAvailabilityStatusResponse(Wire):
    """It, and its version."""

    version: str
    status: UssAvailabilityStatus


class ExchangeRecord(Wire):
    """One request and its answer, as one of the two logged it; bodies in base 64."""

    url: str
    method: str
    recorder_role: Literal["Client", "Server"]
    request_time: Time
    request_source: str | None = None
    headers: list[str] | None = None
    request_body: str | None = None
    response_time: Time | None = None
    response_body: str | None = None
    response_code: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    problem: str | None = None


class ErrorReport(Wire):
    """A report of a fault in an exchange."""

    exchange: ExchangeRecord
    report_id: Annotated[str, Meta(max_length=128)] | None = None


# -- between services ---------------------------------------------------------------------------------------


class OperationalIntentDetails(Wire):
    """What only the services themselves hold of an intent."""

    volumes: list[Volume4D] | None = None
    off_nominal_volumes: list[Volume4D] | None = None
    priority: Priority = 0


class OperationalIntent(Wire):
    """Reference and details."""

    reference: OperationalIntentReference
    details: OperationalIntentDetails


class GetOperationalIntentDetailsResponse(Wire):
    """One intent, whole."""

    operational_intent: OperationalIntent


class PutOperationalIntentDetailsParameters(Wire):
    """A notification; without the intent it says that the intent is gone."""

    operational_intent_id: str
    subscriptions: Annotated[list[SubscriptionState], Meta(min_length=1)]
    operational_intent: OperationalIntent | None = None


class ConstraintDetails(Wire):
    """What only the services themselves hold of a constraint."""

    volumes: Annotated[list[Volume4D], Meta(min_length=1)]
    type: Text | None = None
    geozone: dict[str, Any] | None = None


class Constraint(Wire):
    """Reference and details."""

    reference: ConstraintReference
    details: ConstraintDetails


class GetConstraintDetailsResponse(Wire):
    """One constraint, whole."""

    constraint: Constraint


class PutConstraintDetailsParameters(Wire):
    """A notification; without the constraint it says that the constraint is gone."""

    constraint_id: str
    subscriptions: Annotated[list[SubscriptionState], Meta(min_length=1)]
    constraint: Constraint | None = None


AccuracyVertical = Literal["VAUnknown", "VA150mPlus", "VA150m", "VA45m", "VA25m", "VA10m", "VA3m", "VA1m"]
AccuracyHorizontal = Literal[
    "HAUnknown", "HA10NMPlus", "HA10NM", "HA4NM", "HA2NM", "HA1NM", "HA05NM", "HA03NM", "HA01NM",
    "HA005NM", "HA30m", "HA10m", "HA3m", "HA1m",
]  # fmt: skip


class Position(Wire):
    """Where an aircraft is."""

    longitude: Annotated[float, Meta(ge=-180.0, le=180.0)] | None = None
    latitude: Annotated[float, Meta(ge=-90.0, le=90.0)] | None = None
    accuracy_h: AccuracyHorizontal | None = None
    accuracy_v: AccuracyVertical | None = None
    extrapolated: bool | None = None
    altitude: Altitude | None = None


class Velocity(Wire):
    """Metres a second over ground; degrees from true north, 360 is not known."""

    speed: float
    units_speed: Literal["MetersPerSecond"]
    track: float | None = None


class VehicleTelemetry(Wire):
    """Where an aircraft is, when, and how it moves."""

    time_measured: Time
    position: Position | None = None
    velocity: Velocity | None = None


class GetOperationalIntentTelemetryResponse(Wire):
    """The last telemetry of an off-nominal intent."""

    operational_intent_id: str
    telemetry: VehicleTelemetry | None = None
    next_telemetry_opportunity: Time | None = None


# -- logs ---------------------------------------------------------------------------------------------------


class PositionRecord(Wire):
    """Telemetry, and when it was received."""

    time_received: Time
    telemetry: VehicleTelemetry


class OperationalIntentPositions(Wire):
    """All positions of one intent."""

    operational_intent_id: str
    positions: list[PositionRecord] | None = None


class PlanningRecord(Wire):
    """One attempt to plan."""

    time: Time
    ovns: list[str]
    missing_operational_intents: list[str] | None = None
    missing_constraints: list[str] | None = None
    operational_intent_id: str | None = None
    problem: str | None = None


class UserNotificationRecord(Wire):
    """What a person was told, when, and why."""

    triggering_event_time: Time
    notification_time: Time
    notification_triggering_event: str
    notification_details: str | None = None


class UserInputRecord(Wire):
    """What a person entered."""

    triggering_event_time: Time
    operational_intent_id: str
    input_triggering_event: str
    input_details: str | None = None


class OperatorAssociation(Wire):
    """Who operates an intent."""

    operational_intent_id: str
    operator_id: str


class ConstraintProviderAssociation(Wire):
    """Who is behind a constraint."""

    constraint_id: str
    constraint_provider_id: str


class USSLogSet(Wire):
    """The logs that the standard asks for."""

    messages: list[ExchangeRecord] | None = None
    operator_notifications: list[UserNotificationRecord] | None = None
    operator_inputs: list[UserInputRecord] | None = None
    operator_associations: list[OperatorAssociation] | None = None
    planning_attempts: list[PlanningRecord] | None = None
    operational_intent_positions: list[OperationalIntentPositions] | None = None
    constraint_provider_associations: list[ConstraintProviderAssociation] | None = None


# -- in and out ---------------------------------------------------------------------------------------------

_encoder = msgspec.json.Encoder()
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?$", re.DOTALL)


def encode(message: object) -> bytes:
    """A message as JSON."""
    return _encoder.encode(message)


def decode(data: bytes, kind: type[T]) -> T:
    """JSON as a message.

    Raises
    ------
    FormatError
        It is no JSON, or not of this shape; names the JSON path.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        match = _PATH.match(str(error))
        what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
        raise FormatError(what[:1].lower() + what[1:], where=path) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"not JSON ({error})", where="$", expected="one JSON object in UTF-8") from None


def entity_id(text: str, *, where: str) -> bytes:
    """The 16 bytes of a UUID, version 4.

    Raises
    ------
    InputError
        It is none.
    """
    if _UUID4.fullmatch(text) is None:
        raise InputError("not an id", where=where, found=text, expected="a UUID of version 4")
    return bytes.fromhex(text.replace("-", ""))


def id_text(ident: bytes) -> str:
    """16 bytes as the text of a UUID."""
    text = ident.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_id() -> bytes:
    """A new id: a random UUID, version 4."""
    return uuid.uuid4().bytes


def id_from(chance: bytes) -> bytes:
    """16 random bytes as those of a UUID, version 4."""
    return uuid.UUID(bytes=chance, version=4).bytes


@lru_cache(maxsize=4_096)
def time(instant_us: int) -> Time:
    """An instant as the standard writes it; those written lately are at hand, as many share one."""
    return Time(value=format_instant(instant_us), format="RFC3339")


def instant(moment: Time, *, where: str) -> int:
    """Microseconds since 1970 UTC.

    Raises
    ------
    InputError
        It is no RFC 3339 instant, or not in UTC: the standard wants ``Z``.
    """
    if not moment.value.endswith(("Z", "z")):
        raise InputError(
            "not an instant of F3548-21",
            where=f"{where}.value",
            found=moment.value,
            expected="RFC 3339 in UTC, with Z",
        )
    return parse_instant(moment.value, where=f"{where}.value")


def domain_volume(volume: Volume4D, *, where: str) -> DomainVolume:
    """A volume in our terms; what is open in the message is open in ours.

    Raises
    ------
    InputError
        It has not exactly one outline, or a time that is none.
    """
    shape = volume.volume
    at = f"{where}.volume"
    outline: DomainCircle | DomainPolygon
    if shape.outline_circle is not None and shape.outline_polygon is None:
        circle = shape.outline_circle
        outline = DomainCircle(circle.center.lat, circle.center.lng, circle.radius.value)
    elif shape.outline_polygon is not None and shape.outline_circle is None:
        outline = DomainPolygon(tuple((p.lat, p.lng) for p in shape.outline_polygon.vertices))
    else:
        raise InputError(
            "exactly one outline is needed",
            where=at,
            found="none" if shape.outline_circle is None else "a circle and a polygon",
            expected="outline_circle or outline_polygon",
        )
    low, high = shape.altitude_lower, shape.altitude_upper
    return DomainVolume(
        outline,
        None if low is None else DomainAltitude(low.value, AltitudeReference.W84),
        None if high is None else DomainAltitude(high.value, AltitudeReference.W84),
        EVER if volume.time_start is None else instant(volume.time_start, where=f"{where}.time_start"),
        FOREVER if volume.time_end is None else instant(volume.time_end, where=f"{where}.time_end"),
    )


def domain_volumes(
    volumes: Sequence[Volume4D],
    *,
    ident: str,
    party: str,
    mode: DataMode,
    where: str,
    single: bool = False,
) -> Volumes:
    """The volumes of one thing in our terms; they share id and body.

    ``single``: the path leads to the one volume itself, not to an array of them.

    Raises
    ------
    InputError
        One of them is no volume; names its JSON path.
    """
    paths = [where] if single else [f"{where}[{k}]" for k in range(len(volumes))]
    parts = [domain_volume(v, where=path) for v, path in zip(volumes, paths, strict=True)]
    n = len(parts)
    labels = Labels.of([ident] * n, party=party, kind=Kind.UNCREWED, data_mode=mode)
    return Volumes.of(labels, parts, where=paths)


def wire_volume(volume: DomainVolume) -> Volume4D:
    """A volume of ours as the standard writes it.

    Raises
    ------
    InputError
        An altitude is not above the ellipsoid; it must be converted before.
    """
    outline = volume.outline
    for name, altitude in (("lower", volume.lower), ("upper", volume.upper)):
        if altitude is not None and altitude.reference is not AltitudeReference.W84:
            raise InputError(
                "an altitude that F3548-21 cannot say",
                where=name,
                found=altitude.reference.name,
                expected="metres above the WGS 84 ellipsoid (W84)",
            )
    shape = Volume3D(
        outline_circle=(
            Circle(
                center=LatLngPoint(lat=outline.lat_deg, lng=outline.lng_deg),
                radius=Radius(value=outline.radius_m, units="M"),
            )
            if isinstance(outline, DomainCircle)
            else None
        ),
        outline_polygon=(
            Polygon(vertices=[LatLngPoint(lat=lat, lng=lng) for lat, lng in outline.vertices])
            if isinstance(outline, DomainPolygon)
            else None
        ),
        altitude_lower=None if volume.lower is None else _wire_altitude(volume.lower),
        altitude_upper=None if volume.upper is None else _wire_altitude(volume.upper),
    )
    return Volume4D(
        volume=shape,
        time_start=None if volume.start_us == EVER else time(volume.start_us),
        time_end=None if volume.end_us == FOREVER else time(volume.end_us),
    )


def _wire_altitude(altitude: DomainAltitude) -> Altitude:
    return Altitude(value=altitude.metres, reference="W84", units="M")
