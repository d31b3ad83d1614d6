"""The discovery and synchronization service at work: ask the rules, then one transaction.

Law: each method is one operation of the standard's DSS interface. It checks what needs no database, then
reads and writes in one transaction of the store, whose writers come one after the other in the whole region:
what a write saw is what there was. A refusal leaves nothing behind. Every version that is written is in the
history and in the ledger in the same transaction.

How it works. Relevance is that of boxes: each volume's box of latitude and longitude, its altitudes, its
window, volume by volume (decision 0011). The notification index is one counter for the region (decision
0010): all subscriptions that one write concerns are given the same number, and no row of theirs is touched.

A create that is sent again byte for byte by the same party, while the entity is as it was created, is
answered again as it was the first time; so a party whose connection broke may simply ask again.

Known limits: the notification index is the region's, so a subscriber sees gaps and reconciles by a query. A
create that is sent again with a requested OVN later than ``ovn_clock`` is refused for the time in it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from skypact.airspace.boxes import boxes
from skypact.airspace.labels import DataMode
from skypact.errors import Reason, Refused
from skypact.exchange import dss as rules
from skypact.exchange.dss import Availability, Known, Limits, State
from skypact.formats import f3548_wire as wire
from skypact.notify.extents import closed_in_altitude, closed_in_time
from skypact.store import dss as kept
from skypact.store.dss import CONSTRAINT, INTENT, SUBSCRIPTION, Entity, Part, Shape, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skypact.airspace.volumes import Volumes
    from skypact.store import Store
    from skypact.store.tx import Tx

NO_SUBSCRIPTION: Final = "00000000-0000-4000-8000-000000000000"
"""Stands where the standard requires the id of a subscription and there is none."""
_DECLARED_NEVER: Final = ("Unknown", "")
_KINDS: Final = (INTENT, CONSTRAINT, SUBSCRIPTION)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment chooses.

    Attributes
    ----------
    mode
        The data mode of everything in this service.
    limits
        What it takes at most.
    """

    mode: DataMode = DataMode.EXERCISE
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, with what scopes, and when the request came (microseconds since 1970 UTC)."""

    party: str
    scopes: frozenset[str]
    now_us: int


@dataclass(frozen=True, slots=True)
class _Extents:
    """Extents that were checked, and as they are kept."""

    volumes: Volumes
    shape: Shape
    bounds: rules.Bounds


@dataclass(frozen=True, slots=True)
class _Attachment:
    """The subscription of an intent; its extents where this write makes or changes it; what it was."""

    entity: Entity | None = None
    written: _Extents | None = None
    was: Entity | None = None

    @property
    def new(self) -> bool:
        """Whether this write makes the subscription."""
        return self.written is not None and self.was is None


class DssDesk:
    """The operations of the DSS interface, on a store."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        self._store = store
        self._settings = settings or Settings()

    @property
    def limits(self) -> Limits:
        """What this service takes at most."""
        return self._settings.limits

    # -- operational intents --------------------------------------------------------------------------------

    async def query_intents(
        self, asker: Asker, query: wire.QueryParameters
    ) -> wire.QueryOperationalIntentReferenceResponse:
        """Intents in an area."""
        extents = self._area(query, asker)

        def work(tx: Tx) -> list[wire.OperationalIntentReference]:
            found = kept.near(tx, INTENT, extents.shape.parts, asker.now_us)
            return _intents(found, asker.party, kept.availability(tx))

        return wire.QueryOperationalIntentReferenceResponse(
            operational_intent_references=await self._store.read(work)
        )

    async def get_intent(self, asker: Asker, entityid: str) -> wire.GetOperationalIntentReferenceResponse:
        """One intent's reference."""
        ident = wire.entity_id(entityid, where="entityid")

        def work(tx: Tx) -> wire.OperationalIntentReference:
            entity = _existing(kept.get(tx, INTENT, ident), "operational intent", entityid)
            return _intent(entity, asker.party, kept.availability(tx))

        return wire.GetOperationalIntentReferenceResponse(
            operational_intent_reference=await self._store.read(work)
        )

    async def put_intent(
        self,
        asker: Asker,
        entityid: str,
        ovn: str | None,
        request: wire.PutOperationalIntentReferenceParameters,
        raw: bytes,
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """Create an intent (``ovn`` None), or change the version that the OVN names."""
        ident = wire.entity_id(entityid, where="entityid")
        entityid = wire.id_text(ident)
        limits = self._settings.limits
        state = State(request.state)
        rules.base_url(request.uss_base_url, limits, where="$.uss_base_url")
        rules.may_write(state, None, asker.scopes, where="$.state")  # the order of states is looked at below
        wanted_subscription = self._wanted_subscription(asker, request, state)
        extents = self._extents(request.extents, asker)
        closed_in_time(extents.volumes, where="$.extents")
        closed_in_altitude(extents.volumes, where="$.extents")
        end_us = extents.bounds.end_us
        rules.not_over(end_us, asker.now_us, where="$.extents")
        rules.within_horizon(
            end_us, asker.now_us, limits.intent_horizon_us, "intent_horizon", where="$.extents"
        )
        rules.within_area(extents.volumes, limits.intent_area_km2, "intent_area", where="$.extents")
        new_ovn = rules.fresh_ovn(secrets.token_bytes(24))
        if request.requested_ovn_suffix is not None:
            new_ovn = rules.requested_ovn(
                entityid, request.requested_ovn_suffix, asker.now_us, limits, where="$.requested_ovn_suffix"
            )
        digest = _request_digest(asker.party, raw)
        key = frozenset(request.key or ())

        def work(tx: Tx) -> wire.ChangeOperationalIntentReferenceResponse:
            declared = kept.availability(tx)
            before = kept.get(tx, INTENT, ident)
            if ovn is None:
                again = self._again(tx, before, asker, digest)
                if again is not None:
                    told, entity = again
                    return wire.ChangeOperationalIntentReferenceResponse(
                        subscribers=told, operational_intent_reference=_intent(entity, asker.party, declared)
                    )
                before = _replaceable(before, asker, "operational intent")
            else:
                before = _current(before, asker, entityid, ovn, "operational intent")
            current = None if ovn is None or before is None else State(before.state)
            rules.may_write(state, current, asker.scopes, where="$.state")
            rules.may_while_down(_availability(declared, asker.party), state)
            if request.requested_ovn_suffix is not None and kept.was_named(tx, INTENT, ident, new_ovn):
                raise Refused(
                    Reason.INVALID,
                    "this OVN named another version of this operational intent",
                    where="$.requested_ovn_suffix",
                    found=request.requested_ovn_suffix,
                    expected="a new UUID of version 7",
                )
            attachment = self._subscription(tx, asker, ident, before, wanted_subscription, extents)
            attached = attachment.entity
            if state.nominal:
                self._require_key(tx, asker, ident, extents, key, attached, declared)
            entity = _next(tx, asker, INTENT, ident, before, new_ovn, request.uss_base_url, extents)._replace(
                state=state.value, subscription=None if attached is None else attached.id
            )
            concerned = _also(
                kept.concerned(tx, INTENT, extents.shape.parts, asker.now_us),
                self._concerned_before(tx, before, asker),
            )
            if attached is not None and attachment.written is not None:
                concerned = [
                    *(s for s in concerned if s.id != attached.id),
                    Told(attached.id, attached.base_url),
                ]
            index = tx.next_index()
            reference = _intent(entity, asker.party, declared)
            act = "create" if ovn is None else "update"
            content = _content(reference, extents.shape.json, digest)
            kept.put(tx, entity, extents.shape, new=before is None)
            self._keep_subscription(tx, attachment, asker.now_us, index)
            kept.add_versions(tx, [(entity, act, content)], asker.now_us)
            if before is not None:
                kept.forget_created(tx, INTENT, ident)
                gone = self._release(tx, before, attached, asker, index)
                concerned = [s for s in concerned if s.id not in gone]
                kept.drop_shape(tx, before.shape)
            if ovn is None:
                named = b"".join(s.id for s in concerned)
                kept.add_created(tx, INTENT, ident, digest, named, index)
            return wire.ChangeOperationalIntentReferenceResponse(
                subscribers=_subscribers(concerned, index),
                operational_intent_reference=reference,
            )

        return await self._store.write(work)

    async def delete_intent(
        self, asker: Asker, entityid: str, ovn: str
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """End an intent."""
        ident = wire.entity_id(entityid, where="entityid")

        def work(tx: Tx) -> wire.ChangeOperationalIntentReferenceResponse:
            declared = kept.availability(tx)
            entity = _current(kept.get(tx, INTENT, ident), asker, entityid, ovn, "operational intent")
            rules.may_while_down(_availability(declared, asker.party), None)
            reference = _intent(entity, asker.party, declared)
            concerned, index = self._remove(tx, entity, asker, reference)
            return wire.ChangeOperationalIntentReferenceResponse(
                subscribers=_subscribers(concerned, index), operational_intent_reference=reference
            )

        return await self._store.write(work)

    # -- constraints ----------------------------------------------------------------------------------------

    async def query_constraints(
        self, asker: Asker, query: wire.QueryParameters
    ) -> wire.QueryConstraintReferencesResponse:
        """Constraints in an area."""
        extents = self._area(query, asker)

        def work(tx: Tx) -> list[wire.ConstraintReference]:
            found = kept.near(tx, CONSTRAINT, extents.shape.parts, asker.now_us)
            return _constraints(found, asker.party, kept.availability(tx))

        return wire.QueryConstraintReferencesResponse(constraint_references=await self._store.read(work))

    async def get_constraint(self, asker: Asker, entityid: str) -> wire.GetConstraintReferenceResponse:
        """One constraint's reference."""
        ident = wire.entity_id(entityid, where="entityid")

        def work(tx: Tx) -> wire.ConstraintReference:
            entity = _existing(kept.get(tx, CONSTRAINT, ident), "constraint", entityid)
            return _constraint(entity, asker.party, kept.availability(tx))

        return wire.GetConstraintReferenceResponse(constraint_reference=await self._store.read(work))

    async def put_constraint(
        self,
        asker: Asker,
        entityid: str,
        ovn: str | None,
        request: wire.PutConstraintReferenceParameters,
        raw: bytes,
    ) -> wire.ChangeConstraintReferenceResponse:
        """Create a constraint (``ovn`` None), or change the version that the OVN names."""
        ident = wire.entity_id(entityid, where="entityid")
        limits = self._settings.limits
        rules.base_url(request.uss_base_url, limits, where="$.uss_base_url")
        extents = self._extents(request.extents, asker)
        closed_in_time(extents.volumes, where="$.extents")
        start_us, end_us = extents.bounds.start_us, extents.bounds.end_us
        where = "$.extents"
        rules.not_over(end_us, asker.now_us, where=where)
        rules.within_horizon(
            end_us, asker.now_us, limits.constraint_horizon_us, "constraint_horizon", where=where
        )
        rules.within_duration(
            start_us, end_us, limits.constraint_duration_us, "constraint_duration", where=where
        )
        rules.within_area(extents.volumes, limits.constraint_area_km2, "constraint_area", where=where)
        digest = _request_digest(asker.party, raw)
        new_ovn = rules.fresh_ovn(secrets.token_bytes(24))

        def work(tx: Tx) -> wire.ChangeConstraintReferenceResponse:
            declared = kept.availability(tx)
            before = kept.get(tx, CONSTRAINT, ident)
            if ovn is None:
                again = self._again(tx, before, asker, digest)
                if again is not None:
                    told, entity = again
                    return wire.ChangeConstraintReferenceResponse(
                        subscribers=told, constraint_reference=_constraint(entity, asker.party, declared)
                    )
                before = _replaceable(before, asker, "constraint")
            else:
                before = _current(before, asker, entityid, ovn, "constraint")
            entity = _next(tx, asker, CONSTRAINT, ident, before, new_ovn, request.uss_base_url, extents)
            concerned = _also(
                kept.concerned(tx, CONSTRAINT, extents.shape.parts, asker.now_us),
                self._concerned_before(tx, before, asker),
            )
            index = tx.next_index()
            kept.put(tx, entity, extents.shape, new=before is None)
            reference = _constraint(entity, asker.party, declared)
            act = "create" if ovn is None else "update"
            kept.add_versions(
                tx, [(entity, act, _content(reference, extents.shape.json, digest))], asker.now_us
            )
            if before is not None:
                kept.forget_created(tx, CONSTRAINT, ident)
                kept.drop_shape(tx, before.shape)
            if ovn is None:
                named = b"".join(s.id for s in concerned)
                kept.add_created(tx, CONSTRAINT, ident, digest, named, index)
            return wire.ChangeConstraintReferenceResponse(
                subscribers=_subscribers(concerned, index),
                constraint_reference=reference,
            )

        return await self._store.write(work)

    async def delete_constraint(
        self, asker: Asker, entityid: str, ovn: str
    ) -> wire.ChangeConstraintReferenceResponse:
        """End a constraint."""
        ident = wire.entity_id(entityid, where="entityid")

        def work(tx: Tx) -> wire.ChangeConstraintReferenceResponse:
            entity = _current(kept.get(tx, CONSTRAINT, ident), asker, entityid, ovn, "constraint")
            reference = _constraint(entity, asker.party, kept.availability(tx))
            concerned, index = self._remove(tx, entity, asker, reference)
            return wire.ChangeConstraintReferenceResponse(
                subscribers=_subscribers(concerned, index), constraint_reference=reference
            )

        return await self._store.write(work)

    # -- subscriptions --------------------------------------------------------------------------------------

    async def query_subscriptions(
        self, asker: Asker, query: wire.QueryParameters
    ) -> wire.QuerySubscriptionsResponse:
        """The asker's own subscriptions in an area."""
        extents = self._area(query, asker)

        def work(tx: Tx) -> list[wire.Subscription]:
            found = kept.near(tx, SUBSCRIPTION, extents.shape.parts, asker.now_us)
            mine = sorted((s for s in found if s.party == asker.party), key=kept.by_id)
            users = kept.dependents_of(tx, [s.id for s in mine])
            return [_subscription_of(s, users.get(s.id, []), tx.notifications) for s in mine]

        return wire.QuerySubscriptionsResponse(subscriptions=await self._store.read(work))

    async def get_subscription(self, asker: Asker, subscriptionid: str) -> wire.GetSubscriptionResponse:
        """One of the asker's subscriptions."""
        ident = wire.entity_id(subscriptionid, where="subscriptionid")

        def work(tx: Tx) -> wire.Subscription:
            entity = _alive(kept.get(tx, SUBSCRIPTION, ident), asker, subscriptionid)
            users = [intent.id for intent in kept.dependents(tx, ident)]
            return _subscription_of(entity, users, tx.notifications)

        return wire.GetSubscriptionResponse(subscription=await self._store.read(work))

    async def put_subscription(
        self,
        asker: Asker,
        subscriptionid: str,
        version: str | None,
        request: wire.PutSubscriptionParameters,
        raw: bytes,
    ) -> wire.PutSubscriptionResponse:
        """Create a subscription (``version`` None), or change the version named."""
        ident = wire.entity_id(subscriptionid, where="subscriptionid")
        limits = self._settings.limits
        for_intents = bool(request.notify_for_operational_intents)
        for_constraints = bool(request.notify_for_constraints)
        if not (for_intents or for_constraints):
            raise Refused(
                Reason.INVALID,
                "a subscription to nothing",
                where="$",
                expected="notify_for_operational_intents or notify_for_constraints to be true",
            )
        for wanted, scope, name in (
            (for_intents, rules.STRATEGIC, "notify_for_operational_intents"),
            (for_constraints, rules.CONSTRAINT_PROCESSING, "notify_for_constraints"),
        ):
            if wanted and scope not in asker.scopes:
                raise Refused(
                    Reason.FORBIDDEN,
                    "these notifications may not be asked for with these scopes",
                    where=f"$.{name}",
                    found=" ".join(sorted(asker.scopes)),
                    expected=scope,
                )
        rules.base_url(request.uss_base_url, limits, where="$.uss_base_url")
        checked = self._extents([request.extents], asker, where="$.extents")
        rules.within_area(
            checked.volumes, limits.subscription_area_km2, "subscription_area", where="$.extents"
        )
        start_us, end_us = rules.window_of_subscription(
            checked.bounds.start_us, checked.bounds.end_us, asker.now_us, limits
        )
        extents = self._extents(
            [
                wire.Volume4D(
                    volume=request.extents.volume, time_start=wire.time(start_us), time_end=wire.time(end_us)
                )
            ],
            asker,
            where="$.extents",
        )
        digest = _request_digest(asker.party, raw)

        def work(tx: Tx) -> wire.PutSubscriptionResponse:
            before = kept.get(tx, SUBSCRIPTION, ident)
            users = [] if before is None else kept.dependents(tx, ident)
            if version is None:
                if before is not None and before.end_us > asker.now_us:
                    first = kept.created(tx, SUBSCRIPTION, ident)
                    if first is None or first[0] != digest:
                        raise Refused(
                            Reason.CONFLICT,
                            "a subscription with this id exists",
                            where="subscriptionid",
                            found=subscriptionid,
                            expected="a new id, or its version in the path to change it",
                        )
                    return self._subscribed(tx, before, users, asker)
                if before is not None:
                    rules.own(before.party, asker.party, "subscription")
                rules.within_subscriptions(kept.subscriptions_of(tx, asker.party, asker.now_us), limits)
            else:
                before = _alive(before, asker, subscriptionid)
                rules.same_ovn(version, before.ovn)
            new = rules.fresh_ovn(secrets.token_bytes(24))
            entity = _next(
                tx, asker, SUBSCRIPTION, ident, before, new, request.uss_base_url, extents
            )._replace(for_intents=for_intents, for_constraints=for_constraints)
            self._serves(tx, entity, extents, [user for user in users if user.end_us > asker.now_us])
            kept.put(tx, entity, extents.shape, new=before is None)
            shown = _subscription_of(entity, [u.id for u in users], tx.notifications)
            act = "create" if version is None else "update"
            kept.add_versions(tx, [(entity, act, _content(shown, extents.shape.json, digest))], asker.now_us)
            if before is not None:
                kept.forget_created(tx, SUBSCRIPTION, ident)
                kept.drop_shape(tx, before.shape)
            if version is None:
                kept.add_created(tx, SUBSCRIPTION, ident, digest, b"", 0)
            return self._subscribed(tx, entity, users, asker)

        return await self._store.write(work)

    async def delete_subscription(
        self, asker: Asker, subscriptionid: str, version: str
    ) -> wire.DeleteSubscriptionResponse:
        """End a subscription on which no intent depends."""
        ident = wire.entity_id(subscriptionid, where="subscriptionid")

        def work(tx: Tx) -> wire.DeleteSubscriptionResponse:
            entity = _alive(kept.get(tx, SUBSCRIPTION, ident), asker, subscriptionid)
            rules.same_ovn(version, entity.ovn)
            users = kept.dependents(tx, ident)
            if users:
                raise Refused(
                    Reason.INVALID,
                    "operational intents depend on this subscription",
                    where="subscriptionid",
                    found=", ".join(wire.id_text(u.id) for u in users[:5])
                    + (", …" if len(users) > 5 else ""),
                    expected="no intent to name it: give them another subscription first, or end them",
                )
            shown = _subscription_of(entity, [], tx.notifications)
            self._forget(tx, entity, "delete", _content(shown, kept.shape(tx, entity.shape)), asker.now_us)
            return wire.DeleteSubscriptionResponse(subscription=shown)

        return await self._store.write(work)

    # -- availability, reports, history ---------------------------------------------------------------------

    async def get_availability(self, uss_id: str) -> wire.UssAvailabilityStatusResponse:
        """What was declared of a party; Unknown with an empty version where nothing was."""
        rules.party_name(uss_id, where="uss_id")

        def work(tx: Tx) -> tuple[str, str]:
            return kept.availability(tx).get(uss_id, _DECLARED_NEVER)

        return _status(uss_id, *await self._store.read(work))

    async def set_availability(
        self, asker: Asker, uss_id: str, request: wire.SetUssAvailabilityStatusParameters
    ) -> wire.UssAvailabilityStatusResponse:
        """Declare whether a party answers."""
        rules.party_name(uss_id, where="uss_id")
        version = rules.fresh_ovn(secrets.token_bytes(24))

        def work(tx: Tx) -> wire.UssAvailabilityStatusResponse:
            _, current = kept.availability(tx).get(uss_id, _DECLARED_NEVER)
            if request.old_version != current:
                raise Refused(
                    Reason.CONFLICT,
                    "not the current version of this party's availability",
                    where="$.old_version",
                    found=request.old_version,
                    expected="the version that GET answers",
                )
            shown = _status(uss_id, request.availability, version)
            kept.set_availability(
                tx,
                uss_id,
                request.availability,
                version,
                asker.party,
                wire.encode(shown)[:-1] + b',"arbiter":' + wire.encode(asker.party) + b"}",
                asker.now_us,
            )
            return shown

        return await self._store.write(work)

    async def report(self, asker: Asker, report: wire.ErrorReport) -> wire.ErrorReport:
        """Archive a report of a fault."""
        ident = wire.id_text(wire.new_id())
        archived = wire.ErrorReport(exchange=report.exchange, report_id=ident)
        content = wire.encode(archived)
        await self._store.write(lambda tx: kept.add_report(tx, ident, asker.party, content, asker.now_us))
        return archived

    async def history(self, kind: str, entityid: str) -> list[tuple[int, int, str, str, bytes, int]]:
        """Seq, version, act, party, content (JSON) and instant of every version kept, oldest first."""
        if kind not in _KINDS:
            raise Refused(
                Reason.UNKNOWN, "no such kind", where="kind", found=kind, expected=" or ".join(_KINDS)
            )
        ident = wire.entity_id(entityid, where="entityid")
        return await self._store.read(lambda tx: kept.versions(tx, kind, ident))

    async def prune(self, now_us: int, retention_us: int, many: int = 200) -> int:
        """Remove a batch of what is over; how many things went, 0: there is nothing more to remove.

        A subscription that nothing depends on goes as soon as it is over; intents and constraints, versions
        of what is gone, and reports, when they are older than the retention.
        """
        before_us = now_us - retention_us

        def work(tx: Tx) -> int:
            gone = kept.expired(tx, before_us, many, kinds=(INTENT, CONSTRAINT))
            gone += kept.expired(tx, now_us, many, kinds=(SUBSCRIPTION,))
            for entity in gone:
                content = b'{"expired":' + wire.encode(wire.time(entity.end_us)) + b"}"
                self._forget(tx, entity, "expire", content, now_us)
            return len(gone) + kept.prune_versions(tx, before_us, many)

        return await self._store.write(work)

    async def look(self, now_us: int) -> None:
        """Take the picture of what is alive, so that the first who asks need not wait for it."""
        await self._store.read(lambda tx: kept.near(tx, INTENT, (), now_us))

    async def counts(self) -> Mapping[str, int]:
        """How many entities of each kind are kept."""
        return await self._store.read(kept.counts)

    # -- inside ---------------------------------------------------------------------------------------------

    def _area(self, query: wire.QueryParameters, asker: Asker) -> _Extents:
        if query.area_of_interest is None:
            raise Refused(Reason.INVALID, "an area is needed", where="$.area_of_interest", found="none")
        where = "$.area_of_interest"
        asked = query.area_of_interest
        extents = self._extents([asked], asker, where=where)
        if asked.time_start is None:  # who does not ask for the past is asking from now on
            parts = (part._replace(start_us=min(asker.now_us, part.end_us)) for part in extents.shape.parts)
            extents = replace(extents, shape=extents.shape._replace(parts=tuple(parts)))
        rules.within_area(extents.volumes, self._settings.limits.search_area_km2, "search_area", where=where)
        return extents

    def _extents(self, volumes: Sequence[wire.Volume4D], asker: Asker, where: str = "") -> _Extents:
        at = where or "$.extents"
        count = sum(
            len(v.volume.outline_polygon.vertices) if v.volume.outline_polygon is not None else 1
            for v in volumes
        )
        rules.within_count(len(volumes), count, self._settings.limits, where=at)
        checked = wire.domain_volumes(
            volumes,
            ident="extents",
            party=asker.party,
            mode=self._settings.mode,
            where=at,
            single=bool(where),
        )
        text = wire.encode(volumes)
        columns = (checked.start_us, checked.end_us, checked.lower_m, checked.upper_m)
        parts = tuple(
            Part(*window, *box)
            for *window, box in zip(*(column.tolist() for column in columns), boxes(checked), strict=True)
        )
        return _Extents(checked, Shape(hashlib.sha256(text).digest(), text, parts), rules.Bounds.of(checked))

    @staticmethod
    def _wanted_subscription(
        asker: Asker, request: wire.PutOperationalIntentReferenceParameters, state: State
    ) -> bytes | wire.ImplicitSubscriptionParameters | None:
        if request.subscription_id is not None and request.subscription_id != NO_SUBSCRIPTION:
            return wire.entity_id(request.subscription_id, where="$.subscription_id")
        wanted = request.new_subscription
        if wanted is None:
            if state is not State.ACCEPTED:
                raise Refused(
                    Reason.INVALID,
                    f"an intent that is {state.value} needs a subscription",
                    where="$",
                    found="neither",
                    expected="subscription_id or new_subscription",
                )
            return None
        if wanted.notify_for_constraints and rules.CONSTRAINT_PROCESSING not in asker.scopes:
            raise Refused(
                Reason.FORBIDDEN,
                "these notifications may not be asked for with these scopes",
                where="$.new_subscription.notify_for_constraints",
                found=" ".join(sorted(asker.scopes)),
                expected=rules.CONSTRAINT_PROCESSING,
            )
        return wanted

    def _subscription(
        self,
        tx: Tx,
        asker: Asker,
        ident: bytes,
        before: Entity | None,
        wanted: bytes | wire.ImplicitSubscriptionParameters | None,
        extents: _Extents,
    ) -> _Attachment:
        """The subscription that the intent gets; made, or fitted to the intent, where it is implicit."""
        if wanted is None:
            return _Attachment()
        if isinstance(wanted, bytes):
            named = kept.get(tx, SUBSCRIPTION, wanted)
            where = "$.subscription_id"
            if named is None or named.end_us <= asker.now_us:
                raise Refused(Reason.INVALID, "no such subscription", where=where, found=wire.id_text(wanted))
            rules.own(named.party, asker.party, "subscription")
            if not named.for_intents:
                raise Refused(
                    Reason.INVALID,
                    "this subscription does not notify of operational intents",
                    where=where,
                    found=wire.id_text(wanted),
                    expected="one with notify_for_operational_intents",
                )
            if named.implicit:
                others = [u for u in kept.dependents(tx, wanted) if u.id != ident]
                over = self._together(tx, others, extents, asker)
                return self._implicit(tx, asker, named, named.base_url, named.for_constraints, over)
            bounds = extents.bounds
            held = kept.parts(tx, named.shape)
            _covers(named, held, extents.shape.parts, (bounds.start_us, bounds.end_us), where=where)
            return _Attachment(named)
        own = None
        if before is not None and before.subscription is not None:
            attached = kept.get(tx, SUBSCRIPTION, before.subscription)
            if attached is not None and attached.implicit and len(kept.dependents(tx, attached.id)) == 1:
                own = attached
        url = rules.base_url(
            wanted.uss_base_url, self._settings.limits, where="$.new_subscription.uss_base_url"
        )
        return self._implicit(tx, asker, own, url, bool(wanted.notify_for_constraints), extents)

    def _together(self, tx: Tx, users: Sequence[Entity], extents: _Extents | None, asker: Asker) -> _Extents:
        """The extents of several intents, and of one more, as one."""
        if not users and extents is not None:
            return extents
        texts = [] if extents is None else [extents.shape.json]
        for shape in dict.fromkeys(user.shape for user in users):
            text = kept.shape(tx, shape)
            if text not in texts:
                texts.append(text)
        volumes = [volume for text in texts for volume in wire.decode(text, list[wire.Volume4D])]
        return self._extents(volumes, asker)

    @staticmethod
    def _implicit(
        tx: Tx, asker: Asker, own: Entity | None, url: str, for_constraints: bool, extents: _Extents
    ) -> _Attachment:
        """An implicit subscription with exactly the extents of its intents."""
        wanted = (extents.shape.digest, url, for_constraints)
        if own is not None and (own.shape, own.base_url, own.for_constraints) == wanted:
            return _Attachment(own)
        ident = wire.id_from(tx.chance(16)) if own is None else own.id
        new = rules.fresh_ovn(tx.chance(24))
        made = _next(tx, asker, SUBSCRIPTION, ident, own, new, url, extents)._replace(
            for_intents=True, for_constraints=for_constraints, implicit=True
        )
        return _Attachment(made, extents, own)

    @staticmethod
    def _require_key(
        tx: Tx,
        asker: Asker,
        ident: bytes,
        extents: _Extents,
        key: frozenset[str],
        attached: Entity | None,
        declared: Mapping[str, tuple[str, str]],
    ) -> None:
        """Refuse a nominal write whose key does not show all that is relevant."""
        here = kept.near(tx, INTENT, extents.shape.parts, asker.now_us)
        relevant = [e for e in here if e.ovn not in key and e.id != ident]
        if attached is not None and attached.for_constraints:
            relevant += kept.near(tx, CONSTRAINT, extents.shape.parts, asker.now_us)
        if not relevant:
            return
        lacking = {
            (known.ident, known.state is None)
            for known in rules.missing(
                (
                    Known(e.id, e.ovn, State(e.state) if e.state else None, _availability(declared, e.party))
                    for e in relevant
                ),
                key,
            )
        }
        if lacking:
            intents = [e for e in relevant if e.kind == INTENT and (e.id, False) in lacking]
            constraints = [e for e in relevant if e.kind == CONSTRAINT and (e.id, True) in lacking]
            raise Refused(
                Reason.CONFLICT,
                f"the key does not show {len(intents)} operational intent(s) and {len(constraints)} "
                "constraint(s) here: ask their managers for the details, which hold the OVNs",
                where="$.key",
                extra={
                    "missing_operational_intents": _intents(intents, asker.party, declared),
                    "missing_constraints": _constraints(constraints, asker.party, declared),
                },
            )

    @staticmethod
    def _concerned_before(tx: Tx, before: Entity | None, asker: Asker) -> list[Told]:
        """Subscriptions that meet what an entity was: they must hear that it is there no more."""
        if before is None:
            return []
        return kept.concerned(tx, before.kind, kept.parts(tx, before.shape), asker.now_us)

    def _remove(
        self,
        tx: Tx,
        entity: Entity,
        asker: Asker,
        reference: wire.OperationalIntentReference | wire.ConstraintReference,
    ) -> tuple[list[Told], int]:
        extents = kept.shape(tx, entity.shape)
        concerned = self._concerned_before(tx, entity, asker)
        index = tx.next_index()
        self._forget(tx, entity, "delete", _content(reference, extents), asker.now_us)
        gone = self._release(tx, entity, None, asker, index)
        return [s for s in concerned if s.id not in gone], index

    def _release(
        self, tx: Tx, before: Entity, attached: Entity | None, asker: Asker, index: int
    ) -> frozenset[bytes]:
        """Let go of the implicit subscription that an intent had, if it has another one now, or none.

        With its last user it goes; while there are others it shrinks to what they need. The intent itself
        must have been written, or removed, before. Returns the ids of subscriptions that went.
        """
        had = before.subscription
        if had is None or (attached is not None and attached.id == had):
            return frozenset()
        subscription = kept.get(tx, SUBSCRIPTION, had)
        if subscription is None or not subscription.implicit:
            return frozenset()
        users = kept.dependents(tx, had)
        if not users:
            content = _content(_subscription_of(subscription, [], index), kept.shape(tx, subscription.shape))
            self._forget(tx, subscription, "delete", content, asker.now_us)
            return frozenset({had})
        extents = self._together(tx, users, None, asker)
        attachment = self._implicit(
            tx, asker, subscription, subscription.base_url, subscription.for_constraints, extents
        )
        self._keep_subscription(tx, attachment, asker.now_us, index)
        return frozenset()

    @staticmethod
    def _keep_subscription(tx: Tx, attachment: _Attachment, now_us: int, index: int) -> None:
        """Write the subscription, if this write made or changed it; its intents must have been written."""
        entity, extents, was = attachment.entity, attachment.written, attachment.was
        if entity is None or extents is None:
            return
        kept.put(tx, entity, extents.shape, new=was is None)
        shown = _subscription_of(entity, [u.id for u in kept.dependents(tx, entity.id)], index)
        act = "create" if was is None else "update"
        kept.add_versions(tx, [(entity, act, _content(shown, extents.shape.json))], now_us)
        if was is not None:
            kept.drop_shape(tx, was.shape)

    @staticmethod
    def _forget(tx: Tx, entity: Entity, act: str, content: bytes, now_us: int) -> None:
        kept.remove(tx, entity.kind, entity.id)
        kept.forget_created(tx, entity.kind, entity.id)
        kept.add_versions(tx, [(entity, act, content)], now_us)
        kept.drop_shape(tx, entity.shape)

    @staticmethod
    def _again(
        tx: Tx, before: Entity | None, asker: Asker, digest: bytes
    ) -> tuple[list[wire.SubscriberToNotify], Entity] | None:
        """The first answer, if this is the same create again and the entity is as it was created."""
        if before is None or before.party != asker.party:
            return None
        first = kept.created(tx, before.kind, before.id)
        if first is None or first[0] != digest:
            return None
        _, told, index = first
        ids = [told[k : k + 16] for k in range(0, len(told), 16)]
        urls = kept.base_urls(tx, ids, before.seq)
        return _subscribers([Told(i, urls[i]) for i in ids if i in urls], index), before

    @staticmethod
    def _serves(tx: Tx, entity: Entity, extents: _Extents, users: Sequence[Entity]) -> None:
        """Refuse a subscription that does not serve the intents that depend on it."""
        if users and not entity.for_intents:
            raise Refused(
                Reason.INVALID,
                "operational intents depend on this subscription",
                where="$.notify_for_operational_intents",
                found="false",
                expected="true",
            )
        for user in users:
            needed = kept.parts(tx, user.shape)
            _covers(entity, extents.shape.parts, needed, (user.start_us, user.end_us), where="$.extents")

    @staticmethod
    def _subscribed(
        tx: Tx, entity: Entity, users: Sequence[Entity], asker: Asker
    ) -> wire.PutSubscriptionResponse:
        here = kept.parts(tx, entity.shape)
        declared = kept.availability(tx)
        return wire.PutSubscriptionResponse(
            subscription=_subscription_of(entity, [u.id for u in users], tx.notifications),
            operational_intent_references=(
                _intents(kept.near(tx, INTENT, here, asker.now_us), asker.party, declared)
                if entity.for_intents
                else None
            ),
            constraint_references=(
                _constraints(kept.near(tx, CONSTRAINT, here, asker.now_us), asker.party, declared)
                if entity.for_constraints
                else None
            ),
        )


# -- as the standard shows it -------------------------------------------------------------------------------


def _availability(declared: Mapping[str, tuple[str, str]], party: str) -> Availability:
    return Availability(declared.get(party, _DECLARED_NEVER)[0])


def _intent(
    entity: Entity, asker: str, declared: Mapping[str, tuple[str, str]]
) -> wire.OperationalIntentReference:
    return wire.OperationalIntentReference(
        id=wire.id_text(entity.id),
        manager=entity.party,
        uss_availability=declared.get(entity.party, _DECLARED_NEVER)[0],  # type: ignore[arg-type]  # the table's CHECK holds it to the words of the standard
        version=entity.version,
        state=entity.state,  # type: ignore[arg-type]  # likewise
        time_start=wire.time(entity.start_us),
        time_end=wire.time(entity.end_us),
        uss_base_url=entity.base_url,
        subscription_id=NO_SUBSCRIPTION if entity.subscription is None else wire.id_text(entity.subscription),
        ovn=entity.ovn if entity.party == asker else None,
    )


def _intents(
    entities: Iterable[Entity], asker: str, declared: Mapping[str, tuple[str, str]]
) -> list[wire.OperationalIntentReference]:
    return [_intent(entity, asker, declared) for entity in sorted(entities, key=kept.by_id)]


def _constraint(
    entity: Entity, asker: str, declared: Mapping[str, tuple[str, str]]
) -> wire.ConstraintReference:
    return wire.ConstraintReference(
        id=wire.id_text(entity.id),
        manager=entity.party,
        uss_availability=declared.get(entity.party, _DECLARED_NEVER)[0],  # type: ignore[arg-type]  # likewise
        version=entity.version,
        time_start=wire.time(entity.start_us),
        time_end=wire.time(entity.end_us),
        uss_base_url=entity.base_url,
        ovn=entity.ovn if entity.party == asker else None,
    )


def _constraints(
    entities: Iterable[Entity], asker: str, declared: Mapping[str, tuple[str, str]]
) -> list[wire.ConstraintReference]:
    return [_constraint(entity, asker, declared) for entity in sorted(entities, key=kept.by_id)]


def _subscription_of(entity: Entity, users: Iterable[bytes], index: int) -> wire.Subscription:
    return wire.Subscription(
        id=wire.id_text(entity.id),
        version=entity.ovn,
        notification_index=index,
        uss_base_url=entity.base_url,
        time_start=wire.time(entity.start_us),
        time_end=wire.time(entity.end_us),
        notify_for_operational_intents=entity.for_intents,
        notify_for_constraints=entity.for_constraints,
        implicit_subscription=entity.implicit,
        dependent_operational_intents=[wire.id_text(u) for u in users],
    )


def _subscribers(subscriptions: Iterable[Told], index: int) -> list[wire.SubscriberToNotify]:
    """Each base URL once, with all its subscriptions."""
    grouped: dict[str, list[wire.SubscriptionState]] = {}
    for ident, url in subscriptions:
        state = wire.SubscriptionState(subscription_id=wire.id_text(ident), notification_index=index)
        grouped.setdefault(url, []).append(state)
    return [
        wire.SubscriberToNotify(subscriptions=states, uss_base_url=url) for url, states in grouped.items()
    ]


def _status(party: str, state: str, version: str) -> wire.UssAvailabilityStatusResponse:
    return wire.UssAvailabilityStatusResponse(
        version=version,
        status=wire.UssAvailabilityStatus(uss=party, availability=state),  # type: ignore[arg-type]  # likewise
    )


def _content(reference: object, extents: bytes, request: bytes | None = None) -> bytes:
    """What history and ledger keep of a version."""
    tail = b"" if request is None else b',"request_sha256":"' + request.hex().encode() + b'"'
    return b'{"reference":' + wire.encode(reference) + b',"extents":' + extents + tail + b"}"


def _request_digest(party: str, raw: bytes) -> bytes:
    return hashlib.sha256(party.encode() + b"\0" + raw).digest()


# -- small rules on what is kept ----------------------------------------------------------------------------


def _next(
    tx: Tx,
    asker: Asker,
    kind: str,
    ident: bytes,
    before: Entity | None,
    ovn: str,
    base_url: str,
    extents: _Extents,
) -> Entity:
    """The next version of an entity, or its first, over the extents; what only its kind has is left out."""
    return Entity(
        kind=kind,
        id=ident,
        party=asker.party,
        version=1 if before is None else before.version + 1,
        seq=tx.seq,
        ovn=ovn,
        state=None,
        base_url=base_url,
        start_us=extents.bounds.start_us,
        end_us=extents.bounds.end_us,
        shape=extents.shape.digest,
        subscription=None,
        for_intents=False,
        for_constraints=False,
        implicit=False,
        written_us=asker.now_us,
    )


def _existing(entity: Entity | None, noun: str, ident: str) -> Entity:
    if entity is None:
        raise Refused(Reason.UNKNOWN, f"no such {noun}", where="the path", found=ident)
    return entity


def _current(entity: Entity | None, asker: Asker, ident: str, ovn: str, noun: str) -> Entity:
    """The asker's own entity, in the version that it names."""
    entity = _existing(entity, noun, ident)
    rules.own(entity.party, asker.party, noun)
    rules.same_ovn(ovn, entity.ovn)
    return entity


def _alive(entity: Entity | None, asker: Asker, ident: str) -> Entity:
    """A subscription of the asker's own that is not over."""
    if entity is None or entity.end_us <= asker.now_us:
        raise Refused(Reason.UNKNOWN, "no such subscription", where="the path", found=ident)
    rules.own(entity.party, asker.party, "subscription")
    return entity


def _replaceable(before: Entity | None, asker: Asker, noun: str) -> Entity | None:
    """What a create finds under its id: nothing, or something of its own that is over."""
    if before is None:
        return None
    if before.end_us > asker.now_us:
        raise Refused(
            Reason.CONFLICT,
            f"this {noun} exists",
            where="the path",
            found=wire.id_text(before.id),
            expected="a new id, or its OVN in the path to change it",
        )
    rules.own(before.party, asker.party, noun)
    return before


def _also(first: list[Told], more: Sequence[Told]) -> list[Told]:
    """Both, each subscription once."""
    if not more:
        return first
    return list({told.id: told for told in (*first, *more)}.values())


def _covers(
    subscription: Entity,
    held: Sequence[Part],
    needed: Sequence[Part],
    window: tuple[int, int],
    *,
    where: str,
) -> None:
    """Refuse a subscription that would miss something that concerns the intent.

    It is compared by boxes, as relevance is: every box of the intent must lie in one of the subscription.
    """
    start_us, end_us = window
    if start_us < subscription.start_us or end_us > subscription.end_us:
        raise Refused(
            Reason.INVALID,
            "the subscription does not last as long as the operational intent",
            where=where,
            found=f"{wire.time(subscription.start_us).value} to {wire.time(subscription.end_us).value}",
            expected=f"at least {wire.time(start_us).value} to {wire.time(end_us).value}",
        )
    for number, part in enumerate(needed):
        if not any(outer.holds(part) for outer in held):
            raise Refused(
                Reason.INVALID,
                "the subscription does not cover the operational intent",
                where=where,
                found=f"volume {number} of the intent reaches out of it",
                expected="a subscription over at least the area and altitudes of the intent",
            )
