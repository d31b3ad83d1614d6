"""Constraints that this party manages: filed, written to the discovery service, kept, told, ended.

Law: as for flights. What is about to be sent is committed before it is sent, and what was answered is
committed, with everything that follows from it (version, ledger, messages to subscribers, what our own
operators must know), before anybody is told. A constraint changes by one attempt at a time; what a kill left
is taken up by :meth:`ConstraintDesk.recover`. Whether a request that was not answered has arrived is asked,
never guessed: only this party can have written a newer version, and the same content is written over it,
because only the answer to a write says who must be told.

Whom a change concerns is known by base URL only (a discovery service names no parties); :meth:`told` says of
each whether it was reached, and who is likely behind it. What could not be delivered within
:data:`UNDELIVERED_US` is told to the provider of the constraint.

Known limits: a peer is told by notification; that a person there has read it, no interface says.

Source: ASTM F3548-21, constraint management; ``CstrMaxVertices``, ``UnableToDeliverConstraintDetails``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from skypact.desk import leases, said
from skypact.desk.flights import CONSTRAINT, TOLD_US, Flights, OurMeetings, add_notice, known_row
from skypact.desk.outside import NoAnswer, Rubbish, Turned
from skypact.desk.turns import Turns
from skypact.errors import Reason, Refused
from skypact.exchange import planning as plan
from skypact.exchange.dss import CONSTRAINT_MANAGEMENT, Availability
from skypact.formats import f3548_wire as wire
from skypact.instants import DAY_US, EVER, FOREVER, SECOND_US, format_instant
from skypact.notify.extents import at_most
from skypact.store import node as kept
from skypact.store import watchful

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.airspace.volumes import Volumes
    from skypact.exchange.planning import Meeting
    from skypact.store import Store
    from skypact.store.tx import Tx

_LOG: Final = logging.getLogger("skypact.constraints")

HORIZON_US: Final = 56 * DAY_US
"""How far ahead a constraint may end."""
VERTICES: Final = 1_000
"""Vertices of all volumes of one constraint (``CstrMaxVertices``); a circle counts as one."""
LASTING_US: Final = DAY_US
"""How long a constraint may last."""
UNDELIVERED_US: Final = 5 * SECOND_US
"""A message that waits longer than this is told to the provider."""
ROUNDS: Final = 6
"""How often one attempt asks and sends before it leaves that to later."""
PAUSE_S: Final = 0.1
_NOTIFY: Final = "/uss/v1/constraints"

CREATE: Final = "create"
CHANGE: Final = "change"
END: Final = "end"


class ConstraintFiling(msgspec.Struct, frozen=True, kw_only=True):
    """A constraint as its provider files it.

    Attributes
    ----------
    type
        A word of the deployment's own, in reverse domain order.
    geozone
        The zone as ED-269 describes it.
    name
        What the party calls it.
    provider
        Who is authorised to declare it.
    """

    volumes: list[wire.Volume4D]
    type: str | None = None
    geozone: dict[str, Any] | None = None
    name: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class ConstraintResult:
    """What came of it.

    Attributes
    ----------
    state
        ``Valid``, ``Ended``, or empty: there is none.
    settled
        False: it was sent, and whether it arrived is being found out.
    why
        Where it was not done: the reason.
    """

    ident: str
    done: bool
    state: str
    settled: bool = True
    why: str = ""


class Keeper(Protocol):
    """What a discovery service does for constraints; raises as :class:`~skypact.desk.outside.Outside`."""

    async def put_constraint(
        self, ident: str, ovn: str, body: bytes, timeout_s: float
    ) -> wire.ChangeConstraintReferenceResponse:
        """Create a constraint (no OVN) or change it."""

    async def delete_constraint(
        self, ident: str, ovn: str, timeout_s: float
    ) -> wire.ChangeConstraintReferenceResponse:
        """End it."""

    async def get_constraint(self, ident: str, timeout_s: float) -> wire.ConstraintReference | None:
        """What it has of it; None: nothing."""


def shown(row: watchful.ConstraintRow | None) -> watchful.ConstraintRow:
    """A constraint of ours as any party that processes constraints may see it.

    Raises
    ------
    Refused
        UNKNOWN: the discovery service has accepted none, or it is over.
    """
    if row is None or row.state != watchful.VALID:
        raise Refused(Reason.UNKNOWN, "no such constraint here", where="entityid")
    return row


class ConstraintDesk:
    """The constraints of one party, on a store, beside its flights."""

    def __init__(self, store: Store, keeper: Keeper, flights: Flights) -> None:
        self.settings = flights.settings
        self._store = store
        self._keeper = keeper
        self._flights = flights
        self._turns = Turns[bytes]()
        self._holder = secrets.token_bytes(16)

    # -- what peers ask -------------------------------------------------------------------------------------

    async def details(self, entityid: str) -> bytes:
        """``GetConstraintDetailsResponse`` of a constraint of ours, as JSON; UNKNOWN where there is none."""
        ident = wire.entity_id(entityid, where="entityid")
        row = shown(await self._store.read(lambda tx: watchful.constraint(tx, ident)))
        return b'{"constraint":{"reference":' + row.reference + b',"details":' + row.details + b"}}"

    # -- our own people -------------------------------------------------------------------------------------

    async def file(
        self, filing: ConstraintFiling, now_us: int, *, ident: str | None = None
    ) -> ConstraintResult:
        """File a constraint, or change the one of this id.

        Raises
        ------
        Refused
            INVALID, TOO_LARGE: it could not be filed at all; UNAVAILABLE: what was sent before is not
            settled.
        InputError
            A volume is none.
        """
        constraint = wire.new_id() if ident is None else wire.entity_id(ident, where="$.id")
        admissible(self._volumes(filing, ""), now_us)
        async with self._turns.of(constraint):
            before = await self._settled(constraint, now_us)
            valid = before is not None and before.state == watchful.VALID
            base = before.ovn if before is not None and valid else ""
            return await self._perform(constraint, CHANGE if valid else CREATE, filing, base, now_us)

    async def end(self, ident: str, now_us: int) -> ConstraintResult:
        """End a constraint. One that is over already is over.

        Raises
        ------
        Refused
            UNKNOWN: it is none of ours; UNAVAILABLE: what was sent before is not settled.
        """
        constraint = wire.entity_id(ident, where="$.id")
        async with self._turns.of(constraint):
            before = await self._settled(constraint, now_us)
            if before is None:
                raise Refused(Reason.UNKNOWN, "no constraint of ours has this id", where="id", found=ident)
            if before.state == watchful.ENDED:
                return ConstraintResult(ident.lower(), True, watchful.ENDED)
            return await self._perform(constraint, END, _filing_of(before), before.ovn, now_us)

    async def get(self, ident: str) -> watchful.ConstraintRow:
        """One of ours, ended or not.

        Raises
        ------
        Refused
            UNKNOWN.
        """
        constraint = wire.entity_id(ident, where="id")
        row = await self._store.read(lambda tx: watchful.constraint(tx, constraint))
        if row is None:
            raise Refused(Reason.UNKNOWN, "no constraint of ours has this id", where="id", found=ident)
        return row

    async def listed(
        self, *, ended: bool = False, limit: int = 1_000, after: bytes = b""
    ) -> list[watchful.ConstraintRow]:
        """Ours, by id."""
        return await self._store.read(
            lambda tx: watchful.constraints(tx, ended=ended, limit=limit, after=after)
        )

    async def told(self, ident: str) -> tuple[list[watchful.Told], dict[str, set[str]]]:
        """Every message about a constraint and what came of it, and who is likely behind each base URL."""
        text = wire.id_text(wire.entity_id(ident, where="id"))
        return await self._store.read(lambda tx: (watchful.told_of(tx, text), watchful.managers(tx)))

    # -- the ticker -----------------------------------------------------------------------------------------

    async def recover(self, now_us: int) -> int:
        """Take up every attempt that nobody is at; returns how many are settled.

        One that fails is logged and tried again the next time; it keeps no other from being settled.
        """
        rows = await self._store.read(lambda tx: watchful.constraint_works(tx, now_us))
        settled = 0
        for row in rows:
            try:
                async with self._turns.of(row.constraint):
                    result = await self._take_up(row, now_us)
            except Exception:  # noqa: BLE001 -- whatever it is with this one: the others are settled
                _LOG.exception("constraint %s could not be taken up", wire.id_text(row.constraint))
                continue
            settled += result is not None and result.settled
        return settled

    async def expire(self, now_us: int, *, grace_us: int = 60 * SECOND_US, limit: int = 100) -> int:
        """End constraints whose time has passed; returns how many."""
        rows = await self._store.read(lambda tx: watchful.constraints_over(tx, now_us - grace_us, limit))
        ended = 0
        for row in rows:
            try:
                ended += (await self.end(wire.id_text(row.id), now_us)).done
            except Refused:
                continue
        return ended

    async def undelivered(self, now_us: int) -> int:
        """Tell providers of messages about their constraints that could not be delivered; returns how many.

        Each message is told once.
        """
        late = await self._store.read(lambda tx: watchful.late(tx, CONSTRAINT, now_us - UNDELIVERED_US))
        count = 0
        for ref in sorted(late):
            count += await self._store.write(partial(_tell_provider, ref=ref, now_us=now_us))
        return count

    # -- an attempt -----------------------------------------------------------------------------------------

    def _volumes(self, filing: ConstraintFiling, ident: str) -> Volumes:
        if not filing.volumes:
            raise Refused(Reason.INVALID, "a constraint needs a volume", where="$.volumes", found="none")
        return self._flights.volumed.of(filing.volumes, ident=ident, party=self.settings.party)

    async def _settled(self, constraint: bytes, now_us: int) -> watchful.ConstraintRow | None:
        row, work = await self._store.read(
            lambda tx: (watchful.constraint(tx, constraint), watchful.constraint_work(tx, constraint))
        )
        if work is None:
            return row
        if work.holder != self._holder and work.leased_us > now_us:
            raise Refused(Reason.UNAVAILABLE, "this constraint is being changed", found=work.act)
        result = await self._take_up(work, now_us)
        if result is not None and not result.settled:
            raise Refused(
                Reason.UNAVAILABLE,
                f"it is not known yet whether the last change ({work.act}) arrived: {result.why}",
                expected="to ask again in a moment",
            )
        return await self._store.read(lambda tx: watchful.constraint(tx, constraint))

    async def _take_up(self, work: watchful.ConstraintWork, now_us: int) -> ConstraintResult | None:
        taken = work._replace(holder=self._holder, leased_us=now_us + leases.HELD_US)

        def take(tx: Tx) -> bool:
            current = watchful.constraint_work(tx, work.constraint)
            if current is None or (current.holder, current.leased_us) != (work.holder, work.leased_us):
                return False
            watchful.put_constraint_work(tx, taken)
            return True

        if not await self._store.write(take):
            return None
        filing = msgspec.json.decode(work.filing, type=ConstraintFiling)
        return await self._held(taken, filing, now_us, doubtful=True)

    async def _perform(
        self, constraint: bytes, act: str, filing: ConstraintFiling, base_ovn: str, now_us: int
    ) -> ConstraintResult:
        work = watchful.ConstraintWork(
            constraint=constraint,
            act=act,
            filing=msgspec.json.encode(filing),
            base_ovn=base_ovn,
            holder=self._holder,
            leased_us=now_us + leases.HELD_US,
            begun_us=now_us,
        )

        def begin(tx: Tx) -> None:
            current = watchful.constraint_work(tx, constraint)
            if current is not None:
                raise Refused(Reason.UNAVAILABLE, "this constraint is being changed", found=current.act)
            watchful.put_constraint_work(tx, work)

        await self._store.write(begin)
        return await self._held(work, filing, now_us, doubtful=False)

    async def _held(
        self, work: watchful.ConstraintWork, filing: ConstraintFiling, now_us: int, *, doubtful: bool
    ) -> ConstraintResult:
        clock = leases.Clock(now_us)

        def hold(tx: Tx) -> None:
            current = watchful.constraint_work(tx, work.constraint)
            if current is not None and current.holder == self._holder:
                watchful.put_constraint_work(tx, current._replace(leased_us=clock.held_us))

        async with leases.holding(self._store, hold, when=lambda: True):
            return await self._run(work, filing, now_us, doubtful=doubtful)

    def _still_ours(self, tx: Tx, work: watchful.ConstraintWork) -> None:
        current = watchful.constraint_work(tx, work.constraint)
        leases.still_held(None if current is None else current.holder, self._holder)

    async def _run(
        self, work: watchful.ConstraintWork, filing: ConstraintFiling, now_us: int, *, doubtful: bool
    ) -> ConstraintResult:
        """Ask and send until it is settled.

        ``base`` is the version that is written over; where the service has another one of ours, an earlier
        request of this attempt has arrived, and that one is written over, to hear who must be told.
        """
        ident, base, why = wire.id_text(work.constraint), work.base_ovn, "it was not answered"
        ask = doubtful
        landed: wire.ConstraintReference | None = None
        for turn in range(ROUNDS):
            if ask:
                if turn:
                    await asyncio.sleep(PAUSE_S * 2.0 ** (turn - 1))
                try:
                    found = await self._keeper.get_constraint(ident, self.settings.dss_s)
                except (NoAnswer, Turned, Rubbish) as error:
                    why = f"the discovery service does not say what it has: {error}"
                    continue
                if found is None and (work.act == END or base != ""):
                    return await self._close(work, filing, None, (), now_us)
                if found is not None and found.manager != self.settings.party:
                    return await self._fail(work, "the id is another party's", now_us)
                base = "" if found is None else said.shown_ovn(found.ovn)
                landed = found if base != work.base_ovn and work.act != END else None
            try:
                answer = await self._send(work.act, ident, base, filing)
            except NoAnswer as error:
                why, ask = error.why, True
            except Rubbish as error:
                why, ask = f"its answer cannot be read: {error.why}", True
            except Turned as error:
                if error.status in {404, 409} or error.status in {408, 425, 429}:
                    why, ask = str(error), True
                    continue
                if landed is not None:  # it is there already; whom it concerns was named the last time
                    return await self._close(work, filing, landed, (), now_us)
                return await self._fail(work, f"the discovery service refused it: {error}", now_us)
            else:
                reference = None if work.act == END else answer.constraint_reference
                return await self._close(work, filing, reference, answer.subscribers, now_us)

        def leave(tx: Tx) -> None:
            self._still_ours(tx, work)
            watchful.put_constraint_work(tx, work._replace(leased_us=now_us + leases.AGAIN_US))

        await self._store.write(leave)
        row = await self._store.read(lambda tx: watchful.constraint(tx, work.constraint))
        return ConstraintResult(ident, False, "" if row is None else row.state, False, why)

    async def _send(
        self, act: str, ident: str, base: str, filing: ConstraintFiling
    ) -> wire.ChangeConstraintReferenceResponse:
        if act == END:
            return await self._keeper.delete_constraint(ident, base, self.settings.dss_s)
        body = wire.encode(
            wire.PutConstraintReferenceParameters(extents=filing.volumes, uss_base_url=self.settings.base_url)
        )
        return await self._keeper.put_constraint(ident, base, body, self.settings.dss_s)

    # -- the end of an attempt ------------------------------------------------------------------------------

    async def _fail(self, work: watchful.ConstraintWork, why: str, now_us: int) -> ConstraintResult:
        ident = wire.id_text(work.constraint)

        def close(tx: Tx) -> str:
            self._still_ours(tx, work)
            content = {"act": work.act, "why": why, "begun_us": work.begun_us, "at_us": now_us}
            tx.append("constraint.refused", ident, msgspec.json.encode(content))
            watchful.drop_constraint_work(tx, work.constraint)
            row = watchful.constraint(tx, work.constraint)
            return "" if row is None else row.state

        return ConstraintResult(ident, False, await self._store.write(close), why=why)

    async def _close(
        self,
        work: watchful.ConstraintWork,
        filing: ConstraintFiling,
        reference: wire.ConstraintReference | None,
        subscribers: Sequence[wire.SubscriberToNotify],
        now_us: int,
    ) -> ConstraintResult:
        """Commit what came of it; without a reference it is gone."""
        ident = wire.id_text(work.constraint)
        volumes = self._volumes(filing, ident)
        stub = plan.Reference(
            ident,
            self.settings.party,
            0 if reference is None else reference.version,
            None,
            Availability.NORMAL,
            int(volumes.start_us.min()),
            int(volumes.end_us.max()),
            self.settings.base_url,
        )
        meetings = OurMeetings(self._flights, plan.Other(stub), volumes)
        await self._store.read(meetings.read)  # computed here; the transaction reads again
        lost = reference is None and work.act != END

        def close(tx: Tx) -> str:
            self._still_ours(tx, work)
            met = meetings.read(tx)
            left = left_behind(tx, self._flights, work.constraint, self.settings.party, met)
            before = watchful.constraint(tx, work.constraint)
            details = wire.ConstraintDetails(volumes=filing.volumes, type=filing.type, geozone=filing.geozone)
            if reference is None:
                row = self._ended(tx, before, work, subscribers, now_us)
            else:
                row = _valid(
                    before, filing, reference, details, subscribers, volumes, work.constraint, now_us
                )
            if row is not None:
                leaf = self._keep(tx, row, work, details, now_us)
                if reference is not None:
                    answer = wire.Constraint(reference=reference, details=details)
                    known = self._flights.volumed.constraint(answer)
                    kept.put_known(tx, known_row(CONSTRAINT, answer, known, source="told", now_us=now_us))
                named = subscribers or (
                    []
                    if before is None
                    else msgspec.json.decode(before.subscribers, type=list[wire.SubscriberToNotify])
                )
                self._tell(tx, row, details, named, now_us)
                tell_operators(
                    tx,
                    [] if reference is None else met,
                    left if reference is not None else [*left, *met],
                    manager=self.settings.party,
                    gone=reference is None,
                    caused_us=work.begun_us,
                    leaf=leaf,
                    now_us=now_us,
                )
            watchful.drop_constraint_work(tx, work.constraint)
            return "" if row is None else row.state

        state = await self._store.write(close)
        self.settings.wake()
        why = "the discovery service has it no more" if lost else ""
        return ConstraintResult(ident, not lost, state, why=why)

    def _ended(
        self,
        tx: Tx,
        before: watchful.ConstraintRow | None,
        work: watchful.ConstraintWork,
        subscribers: Sequence[wire.SubscriberToNotify],
        now_us: int,
    ) -> watchful.ConstraintRow | None:
        if before is None:
            return None
        known = kept.known(tx, CONSTRAINT, work.constraint, self.settings.party)
        if known is not None:
            kept.put_known(tx, known._replace(content=None, heard_us=now_us))
        named = wire.encode(list(subscribers)) if subscribers else before.subscribers
        return before._replace(
            state=watchful.ENDED, filed=before.filed + 1, subscribers=named, written_us=now_us
        )

    def _keep(
        self,
        tx: Tx,
        row: watchful.ConstraintRow,
        work: watchful.ConstraintWork,
        details: wire.ConstraintDetails,
        now_us: int,
    ) -> int:
        content = msgspec.json.encode(
            {
                "act": work.act,
                "filed": row.filed,
                "state": row.state,
                "provider": row.provider,
                "name": row.name,
                "reference": msgspec.Raw(row.reference),
                "details": details,
                "begun_us": work.begun_us,
                "at_us": now_us,
            }
        )
        leaf = tx.append("constraint.version", wire.id_text(row.id), content)
        watchful.put_constraint(tx, row)
        watchful.add_constraint_version(tx, row.id, row.filed, work.act, content, leaf, now_us)
        return leaf

    def _tell(
        self,
        tx: Tx,
        row: watchful.ConstraintRow,
        details: wire.ConstraintDetails,
        subscribers: Sequence[wire.SubscriberToNotify],
        now_us: int,
    ) -> None:
        ident = wire.id_text(row.id)
        ended = row.state == watchful.ENDED
        reference = wire.decode(row.reference, wire.ConstraintReference)
        for subscriber in subscribers:
            base = subscriber.uss_base_url
            if base == self.settings.base_url:
                continue  # what concerns our own flights is told in this transaction
            message = wire.PutConstraintDetailsParameters(
                constraint_id=ident,
                subscriptions=subscriber.subscriptions,
                constraint=None if ended else wire.Constraint(reference=reference, details=details),
            )
            tx.out(
                party=base,
                to=base + _NOTIFY,
                method="POST",
                scope=CONSTRAINT_MANAGEMENT,
                body=wire.encode(message),
                topic=CONSTRAINT,
                ref=ident,
                order_key=f"notify {base}",
                now_us=now_us,
                not_after_us=max(row.end_us, now_us) + TOLD_US,
            )


# -- pieces that others use too -----------------------------------------------------------------------------


def admissible(volumes: Volumes, now_us: int) -> None:
    """Refuse a constraint that no discovery service would take.

    Raises
    ------
    Refused
        INVALID or TOO_LARGE, with the limit.
    """
    where = "$.volumes"
    for row in range(len(volumes)):
        for missing, name in (
            (int(volumes.start_us[row]) == EVER, "time_start"),
            (int(volumes.end_us[row]) == FOREVER, "time_end"),
        ):
            if missing:
                raise Refused(
                    Reason.INVALID, "a time is needed", where=f"{where}[{row}].{name}", found="none"
                )
    at_most(len(volumes.lat_deg), VERTICES, "vertices", where=where)
    start_us, end_us = int(volumes.start_us.min()), int(volumes.end_us.max())
    if end_us <= now_us:
        raise Refused(
            Reason.INVALID,
            "the constraint is over before it is filed",
            where=where,
            found=format_instant(end_us),
            expected=f"an end after {format_instant(now_us)}, the time here",
        )
    if end_us > now_us + HORIZON_US:
        raise Refused(
            Reason.INVALID,
            "too far ahead",
            where=where,
            found=format_instant(end_us),
            expected=f"an end at most {HORIZON_US // DAY_US} days ahead (horizon)",
        )
    if end_us - start_us > LASTING_US:
        raise Refused(
            Reason.INVALID,
            "lasts too long",
            where=where,
            found=f"{(end_us - start_us) / 3_600e6:.2f} h",
            expected=f"at most {LASTING_US // 3_600_000_000} h (duration)",
        )


def left_behind(
    tx: Tx, flights: Flights, ident: bytes, manager: str, met: Sequence[tuple[kept.Flight, Meeting]]
) -> list[tuple[kept.Flight, Meeting]]:
    """Our flights that met a constraint of a party as it was known before, and do not as it is now."""
    row = kept.known(tx, CONSTRAINT, ident, manager)
    if row is None or row.content is None:
        return []
    constraint = wire.decode(row.content, wire.Constraint)
    details = flights.volumed.constraint(constraint)
    other = plan.Other(said.constraint_reference_of(constraint.reference))
    before = OurMeetings(flights, other, details.volumes).read(tx)
    still = {flight.id for flight, _ in met}
    return [(flight, meeting) for flight, meeting in before if flight.id not in still]


def tell_operators(
    tx: Tx,
    met: Sequence[tuple[kept.Flight, Meeting]],
    left: Sequence[tuple[kept.Flight, Meeting]],
    *,
    manager: str,
    gone: bool,
    caused_us: int,
    leaf: int,
    now_us: int,
) -> None:
    """Tell operators of our flights that meet an entity, and of those that met it and do so no more.

    Both were read in this transaction.
    """
    for flight, meeting in met:
        why = f"{manager} says so"
        if not flight.filed:
            why += "; this flight is on its way and not yet accepted"
        add_notice(
            tx,
            flight,
            [replace(meeting, manager=manager, why=why)],
            caused_us=caused_us,
            leaf=leaf,
            now_us=now_us,
        )
    word = "is gone" if gone else "was changed and meets it no more"
    for ours, meeting in {flight.id: (flight, meeting) for flight, meeting in left}.values():
        name = ours.name or wire.id_text(ours.id)
        kept.add_notice(
            tx,
            kind="constraint gone",
            flight=ours.id,
            operator=ours.operator,
            conflicts=0,
            text=f"flight {name}: constraint {meeting.ident} of {manager} {word}",
            content=msgspec.json.encode({"flight": wire.id_text(ours.id), "constraint": meeting.ident}),
            caused_us=caused_us,
            leaf=leaf,
            now_us=now_us,
        )


def _filing_of(row: watchful.ConstraintRow) -> ConstraintFiling:
    details = wire.decode(row.details, wire.ConstraintDetails)
    return ConstraintFiling(
        volumes=details.volumes,
        type=details.type,
        geozone=details.geozone,
        name=row.name,
        provider=row.provider,
    )


def _valid(
    before: watchful.ConstraintRow | None,
    filing: ConstraintFiling,
    reference: wire.ConstraintReference,
    details: wire.ConstraintDetails,
    subscribers: Sequence[wire.SubscriberToNotify],
    volumes: Volumes,
    ident: bytes,
    now_us: int,
) -> watchful.ConstraintRow:
    return watchful.ConstraintRow(
        id=ident,
        name=filing.name,
        provider=filing.provider,
        state=watchful.VALID,
        filed=1 if before is None else before.filed + 1,
        version=reference.version,
        ovn=reference.ovn or "",
        reference=wire.encode(reference),
        details=wire.encode(details),
        subscribers=wire.encode(list(subscribers)),
        start_us=int(volumes.start_us.min()),
        end_us=int(volumes.end_us.max()),
        written_us=now_us,
    )


def _tell_provider(tx: Tx, ref: str, now_us: int) -> int:
    row = watchful.constraint(tx, wire.entity_id(ref, where="ref"))
    if row is None:
        return 0
    ident = ref
    late = [
        told
        for told in watchful.told_of(tx, ident)
        if told.topic == CONSTRAINT
        and (
            (told.state == "waiting" and told.made_us <= now_us - UNDELIVERED_US)
            or told.state in {"refused", "expired"}
        )
    ]
    if not late:
        return 0
    before = {
        (content.party, content.made_us)
        for content in (
            msgspec.json.decode(notice.content, type=_Undelivered)
            for notice in watchful.notices_of(tx, row.id)
            if notice.kind == "undelivered"
        )
    }
    fresh = [told for told in late if (told.party, told.made_us) not in before]
    for told in fresh:
        why = told.fault or (f"status {told.status}" if told.status else "no answer yet")
        kept.add_notice(
            tx,
            kind="undelivered",
            flight=row.id,
            operator=row.provider,
            conflicts=0,
            text=f"constraint {row.name or ident} has not reached {told.party}: {why}",
            content=msgspec.json.encode(_Undelivered(told.party, told.made_us, ident)),
            caused_us=told.made_us,
            leaf=-1,
            now_us=now_us,
        )
    return len(fresh)


class _Undelivered(msgspec.Struct):
    party: str
    made_us: int
    constraint: str
