"""A party's own flights: filed, checked among the others, shared, and told to those whom they concern.

Law: what others can see is committed here before it is sent, and what was answered is committed before
anybody is told. State, ledger and outgoing notifications of one version are one transaction. A flight changes
by one attempt at a time, in whatever process; nothing that was sent is forgotten, and :meth:`Flights.recover`
takes up what a kill left. Questions leave no trace with others and are not committed: a kill while asking
leaves the flight as it was, and nobody knows of the attempt.

How it works. :mod:`skypact.exchange.planning` says what comes next; here it is done. Details of others come
from the cache where their version is what the DSS has (a notification fills it), else from their managers,
side by side. A peer that is a moment behind its own write is asked again (:data:`BEHIND_S`).

Known limits: a flight that begins as activated is accepted first, in a write of its own; where the second is
refused, the flight stays accepted, and the answer says so.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skypact.airspace.labels import DataMode
from skypact.desk import leases, said
from skypact.desk.logs import planned
from skypact.desk.outside import Exchange, NoAnswer, Outside, Rubbish, Turned
from skypact.desk.turns import Turns
from skypact.errors import InputError, Reason, Refused
from skypact.exchange import intent as life
from skypact.exchange import planning as plan
from skypact.exchange.dss import STRATEGIC, Availability, State
from skypact.exchange.intent import Act, Phase
from skypact.exchange.planning import Ending, Meeting, Other, Rules
from skypact.formats import f3548_wire as wire
from skypact.instants import HOUR_US, SECOND_US
from skypact.notify.flight import FilingLimits, admissible
from skypact.store import node as kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from skypact.airspace.volumes import Volumes
    from skypact.store import Store
    from skypact.store.tx import Tx

_LOG: Final = logging.getLogger("skypact.flights")

BEHIND_S: Final = (0.05, 0.2)
"""How long to wait before a peer that is behind its own write is asked again."""
TOLD_US: Final = HOUR_US
"""How long after its end a flight is still told to those who were not reached."""
SKEW_US: Final = 5 * SECOND_US
"""How far the clocks of two processes of this node may differ: ``TimeSyncMaxDifferentialSeconds``."""
COMING: Final = 256
"""How many flights that are on their way are kept made."""
_LATE: Final = "it came while this flight was on its way to the discovery service"
INTENT: Final = "intent"
CONSTRAINT: Final = "constraint"
_NOTIFY: Final = "/uss/v1/operational_intents"
_REPORTS: Final = "/uss/v1/reports"
_Answer = wire.OperationalIntent | wire.Constraint
_REPORT_SPACE: Final = uuid.UUID("5b3d5f4e-6a1c-4b7e-9d0e-1f7b7f3a2c11")


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What a deployment chooses.

    Attributes
    ----------
    party
        Who this node is: ``sub`` of its tokens.
    base_url
        Where peers reach it.
    mode
        The data mode of everything in this node.
    rules
        What the regulator and the pact leave open.
    filing
        What a flight may be at most.
    constraints
        Whether constraints are processed: asked for, fetched, and obeyed as the rules say.
    plan_s
        Seconds for a whole plan.
    dss_s, peer_s
        Seconds for one call of the discovery service, and of a peer.
    at_once
        How many peers' answers are waited for at once.
    wake
        Called when something was put into the outbox.
    """

    party: str
    base_url: str
    mode: DataMode = DataMode.EXERCISE
    rules: Rules = field(default_factory=Rules)
    filing: FilingLimits = field(default_factory=FilingLimits)
    constraints: bool = False
    plan_s: float = 5.0
    dss_s: float = 3.0
    peer_s: float = 2.0
    at_once: int = 16
    wake: Callable[[], None] = lambda: None


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """A flight as its party files it.

    Attributes
    ----------
    phase
        What it is to be: a word of :class:`~skypact.exchange.intent.Phase`.
    name
        What the party calls it; at most one flight that is not over has a name. Empty: none.
    operator
        Who is told of what concerns it.
    """

    phase: str
    volumes: list[wire.Volume4D] = []
    off_nominal_volumes: list[wire.Volume4D] = []
    priority: int = 0
    name: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a filing.

    Attributes
    ----------
    ident
        The flight's id, lower case.
    done
        Whether it is as it was to be.
    phase
        What it is now.
    ending
        How the attempt ended: UNSETTLED means that it was sent and is being found out.
    why
        Where it was not done: the reason. Where it was, and would not be now: what it is in the way of.
    refused, permitted
        What stands in the way; what it meets all the same. A flight of which the answer was lost is with the
        discovery service, whatever came before it was found there: then both may be so of one that is done.
    """

    ident: str
    done: bool
    phase: Phase
    ending: Ending
    why: str = ""
    refused: tuple[Meeting, ...] = ()
    permitted: tuple[Meeting, ...] = ()


@dataclass(slots=True, eq=False)
class _Job:
    """One attempt under way, with what it has learned and not yet kept.

    ``silent`` are base URLs that did not answer, and why: nobody is waited for twice.
    """

    ident: bytes
    act: Act
    filing: Filing
    before: kept.Flight | None
    planning: plan.Planning
    clock: leases.Clock
    learned: dict[tuple[str, bytes], kept.KnownEntity] = field(default_factory=dict)
    exchanges: dict[plan.Name, Exchange] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    missed: tuple[plan.Reference, ...] = ()
    saved: bool = False

    @property
    def text(self) -> str:
        """The id as text."""
        return wire.id_text(self.ident)


class Flights:
    """The flights of one party, on a store, among others."""

    def __init__(self, store: Store, outside: Outside, settings: NodeSettings) -> None:
        self.settings = settings
        self._store = store
        self._outside = outside
        self._volumed = said.Volumed(settings.mode)
        self._turns = Turns[bytes]()
        self._holder = secrets.token_bytes(16)
        self._made: OrderedDict[bytes, plan.Details] = OrderedDict()
        self._coming: OrderedDict[bytes, kept.Flight | None] = OrderedDict()

    @property
    def volumed(self) -> said.Volumed:
        """Volumes that were made once."""
        return self._volumed

    # -- filing ---------------------------------------------------------------------------------------------

    async def file(self, filing: Filing, now_us: int, *, ident: str | None = None) -> Result:
        """File a flight, or change the one of this id, towards ``filing.phase``; answers what came of it.

        Raises
        ------
        Refused
            It could not be filed whatever others do: INVALID, TOO_LARGE; the phase cannot be reached from
            where it is: NOT_NOW; what was sent before is not settled: UNAVAILABLE.
        InputError
            A volume is none.
        """
        wanted = _phase(filing.phase)
        if wanted is Phase.ENDED:
            if ident is None:
                raise Refused(Reason.INVALID, "which flight is to end?", where="$.id")
            return await self.end(ident, now_us)
        flight = wire.new_id() if ident is None else wire.entity_id(ident, where="$.id")
        self._admit(filing, wanted, now_us)
        async with self._turns.of(flight):
            before = await self._settled(flight, now_us)
            phase = Phase.NONE if before is None else Phase(before.state)
            if phase is Phase.ENDED:
                phase, before = Phase.NONE, None
            if phase is Phase.NONE and wanted is Phase.ACTIVATED:
                first = msgspec.structs.replace(filing, phase=Phase.ACCEPTED.value)
                accepted = await self._attempt(flight, Act.PLAN, first, None, now_us)
                if not accepted.done:
                    return accepted
                before = await self._store.read(lambda tx: kept.flight(tx, flight))
                phase = Phase.ACCEPTED
            return await self._attempt(flight, life.act_towards(phase, wanted), filing, before, now_us)

    async def check(self, filing: Filing, now_us: int, *, ident: str | None = None) -> plan.Outcome:
        """What would come of a filing now: asks as filing does, sends nothing and keeps nothing.

        Raises
        ------
        Refused, InputError
            As :meth:`file`.
        """
        wanted = _phase(filing.phase)
        flight = wire.new_id() if ident is None else wire.entity_id(ident, where="$.id")
        self._admit(filing, wanted, now_us)
        before = await self._store.read(lambda tx: kept.flight(tx, flight))
        if before is not None and not Phase(before.state).shared:
            before = None
        phase = Phase.NONE if before is None else Phase(before.state)
        activated = phase is Phase.NONE and wanted is Phase.ACTIVATED
        act = Act.PLAN if activated else life.act_towards(phase, wanted)
        attempt = plan.Attempt(ident=wire.id_text(flight), begun_us=now_us)
        planning = plan.begin(attempt, self._goal(flight, filing, before), self.settings.rules)
        job = _Job(flight, act, filing, before, planning, leases.Clock(now_us))
        while True:
            match job.planning.step():
                case plan.Settled(outcome=outcome):
                    return outcome
                case plan.Look():
                    job.planning = job.planning.looked(await self._look(job))
                case plan.Fetch(wanted=needed):
                    job.planning = job.planning.fetched(await self._fetch(job, needed))
                case _:
                    return plan.Outcome(Ending.DONE, verdict=job.planning.verdict)

    async def end(self, ident: str, now_us: int) -> Result:
        """End a flight. One that is over already is over.

        Raises
        ------
        Refused
            UNKNOWN: it is none of ours; UNAVAILABLE: what was sent before is not settled.
        """
        flight = wire.entity_id(ident, where="$.id")
        async with self._turns.of(flight):
            before = await self._settled(flight, now_us)
            if before is None:
                raise Refused(Reason.UNKNOWN, "no flight of ours has this id", where="$.id", found=ident)
            if Phase(before.state) is Phase.ENDED:
                return Result(wire.id_text(flight), True, Phase.ENDED, Ending.DONE)
            details = wire.decode(before.details, wire.OperationalIntentDetails)
            filing = Filing(
                phase=Phase.ENDED.value,
                volumes=details.volumes or [],
                off_nominal_volumes=details.off_nominal_volumes or [],
                priority=before.priority,
                name=before.name,
                operator=before.operator,
            )
            return await self._attempt(flight, Act.END, filing, before, now_us)

    def _admit(self, filing: Filing, wanted: Phase, now_us: int) -> None:
        state = wanted.state
        parts = []
        for listed, where in (
            (filing.volumes, "$.volumes"),
            (filing.off_nominal_volumes, "$.off_nominal_volumes"),
        ):
            parts.append(
                self._volumed.of(listed, ident="", party=self.settings.party, where=where) if listed else None
            )
        admissible(
            *parts,
            nominal=state is not None and state.nominal,
            priority=filing.priority,
            now_us=now_us,
            limits=self.settings.filing,
        )

    async def _settled(self, flight: bytes, now_us: int) -> kept.Flight | None:
        """The flight, once nothing that was sent before is open."""
        row, under_way = await self._store.read(
            lambda tx: (kept.flight(tx, flight), kept.pending(tx, flight))
        )
        if under_way is None:
            return row
        if under_way.holder != self._holder and under_way.leased_us > now_us:
            raise Refused(
                Reason.UNAVAILABLE, "this flight is being changed", found=under_way.act, expected="a moment"
            )
        result = await self._take_up(under_way, now_us)
        if result is not None and result.ending is Ending.UNSETTLED:
            raise Refused(
                Reason.UNAVAILABLE,
                f"it is not known yet whether the last change ({under_way.act}) arrived: {result.why}",
                expected="to ask again in a moment",
            )
        return await self._store.read(lambda tx: kept.flight(tx, flight))

    # -- an attempt -----------------------------------------------------------------------------------------

    def _goal(self, ident: bytes, filing: Filing, before: kept.Flight | None) -> plan.Goal:
        text, party = wire.id_text(ident), self.settings.party
        listed = [*filing.volumes, *filing.off_nominal_volumes]
        state = _phase(filing.phase).state
        old: Volumes | None = None
        if before is not None:
            details = wire.decode(before.details, wire.OperationalIntentDetails)
            old = self._volumed.of(
                [*(details.volumes or ()), *(details.off_nominal_volumes or ())], ident=text, party=party
            )
        return plan.Goal(
            ident=text,
            state=state,
            priority=filing.priority,
            volumes=None if state is None else self._volumed.of(listed, ident=text, party=party),
            before_state=None if before is None else Phase(before.state).state,
            before_volumes=old,
        )

    async def _attempt(
        self, ident: bytes, act: Act, filing: Filing, before: kept.Flight | None, now_us: int
    ) -> Result:
        attempt = plan.Attempt(
            ident=wire.id_text(ident), begun_us=now_us, base_ovn="" if before is None else before.ovn
        )
        planning = plan.begin(attempt, self._goal(ident, filing, before), self.settings.rules)
        return await self._run(_Job(ident, act, filing, before, planning, leases.Clock(now_us)))

    async def _take_up(self, row: kept.Pending, now_us: int) -> Result | None:
        """Go on with what a kill left, or what was not settled; None where another has it."""
        taken = row._replace(holder=self._holder, leased_us=now_us + leases.HELD_US)

        def take(tx: Tx) -> tuple[bool, kept.Flight | None]:
            current = kept.pending(tx, row.flight)
            if current is None or (current.holder, current.leased_us) != (row.holder, row.leased_us):
                return False, None
            kept.put_pending(tx, taken)
            return True, kept.flight(tx, row.flight)

        mine, before = await self._store.write(take)
        if not mine:
            return None
        filing = msgspec.json.decode(row.filing, type=Filing)
        attempt = msgspec.json.decode(row.attempt, type=plan.Attempt)
        if before is not None and Phase(before.state) is Phase.ENDED:
            before = None
        planning = plan.resume(attempt, self._goal(row.flight, filing, before), self.settings.rules)
        job = _Job(row.flight, Act(row.act), filing, before, planning, leases.Clock(now_us), saved=True)
        return await self._run(job)

    async def recover(self, now_us: int) -> int:
        """Take up every attempt that nobody is at; returns how many are settled. For start-up and ticker.

        One that fails is logged and tried again the next time; it keeps no other from being settled.
        """
        rows = await self._store.read(lambda tx: kept.pendings(tx, now_us))
        settled = 0
        for row in rows:
            try:
                async with self._turns.of(row.flight):
                    result = await self._take_up(row, now_us)
            except Exception:  # noqa: BLE001 -- whatever it is with this one: the others are settled
                _LOG.exception("flight %s could not be taken up", wire.id_text(row.flight))
                continue
            settled += result is not None and result.ending is not Ending.UNSETTLED
        return settled

    async def expire(self, now_us: int, *, grace_us: int = 60 * SECOND_US, limit: int = 100) -> int:
        """Close our flights whose time has passed; for the ticker. Returns how many.

        The discovery service has forgotten them or will; one that it still has is ended there.
        """
        rows = await self._store.read(lambda tx: kept.over(tx, now_us - grace_us, limit))
        closed = 0
        for row in rows:
            try:
                closed += (await self.end(wire.id_text(row.id), now_us)).done
            except Refused:
                continue
            except Exception:  # noqa: BLE001 -- whatever it is with this one: the others are closed
                _LOG.exception("flight %s could not be closed", wire.id_text(row.id))
                continue
        return closed

    async def _run(self, job: _Job) -> Result:
        def hold(tx: Tx) -> None:
            current = kept.pending(tx, job.ident)
            if current is not None and current.holder == self._holder:
                kept.put_pending(tx, current._replace(leased_us=job.clock.held_us))

        async with leases.holding(self._store, hold, when=lambda: job.saved):
            return await self._steps(job)

    def _still_ours(self, tx: Tx, job: _Job) -> None:
        if job.saved:
            current = kept.pending(tx, job.ident)
            leases.still_held(None if current is None else current.holder, self._holder)

    async def _steps(self, job: _Job) -> Result:
        while True:
            planning = job.planning
            match planning.step():
                case plan.Settled(outcome=outcome):
                    return await self._close(job, outcome)
                case plan.Look():
                    job.planning = planning.looked(await self._look(job))
                case plan.Fetch(wanted=wanted):
                    told = await self._fetch(job, wanted)
                    # the engine may take long over large volumes: not while others wait for an answer
                    job.planning = await asyncio.to_thread(planning.fetched, told)
                case plan.Send(attempt=attempt):
                    if not attempt.body:
                        planning = planning.made(*self._request(job, attempt))
                    job.planning = planning
                    await self._save(job)
                    answer = await self._send(job)
                    if isinstance(answer, plan.Missing):
                        job.missed += answer.references
                    job.planning = planning.sent(answer, job.clock.now_us)
                case plan.Ask(pause_s=pause_s):
                    await asyncio.sleep(pause_s)
                    job.planning = planning.asked(await self._ask(job), job.clock.now_us)

    def _time(self, job: _Job, most_s: float, least_s: float = 0.25) -> float:
        return max(least_s, min(most_s, job.clock.left_s(self.settings.plan_s)))

    # -- what the machine asks for --------------------------------------------------------------------------

    async def _look(self, job: _Job) -> list[plan.Reference] | plan.Silence | plan.Denied:
        areas = said.areas_of([*job.filing.volumes, *job.filing.off_nominal_volumes])
        wait_s = self._time(job, self.settings.dss_s)
        try:
            answers = await asyncio.gather(*(self._outside.intents_in(area, wait_s) for area in areas))
            found = {r.name: r for answer in answers for r in map(said.reference_of, answer)}
            if self.settings.constraints:
                constrained = await asyncio.gather(
                    *(self._outside.constraints_in(area, wait_s) for area in areas)
                )
                found |= {r.name: r for rows in constrained for r in map(said.constraint_reference_of, rows)}
        except NoAnswer as error:
            return plan.Silence(error.why)
        except Turned as error:
            return plan.Denied(str(error))
        except (Rubbish, InputError) as error:
            return plan.Denied(f"its answer cannot be read: {error}")
        return list(found.values())

    async def _fetch(self, job: _Job, wanted: Sequence[plan.Wanted]) -> dict[plan.Name, plan.Told]:
        told: dict[plan.Name, plan.Told] = {}
        idents = {w.reference.ident: wire.entity_id(w.reference.ident, where="id") for w in wanted}
        rows, own = await self._store.read(
            lambda tx: (kept.known_of(tx, list(idents.values())), kept.flights_of(tx, list(idents.values())))
        )
        away: list[plan.Wanted] = []
        for item in wanted:
            reference = item.reference
            if reference.manager == self.settings.party and reference.state is not None:
                flight = own.get(idents[reference.ident])
                if flight is not None and flight.version >= reference.version:
                    told[reference.name] = self._own(flight)
                else:
                    away.append(item)
                continue
            kind = CONSTRAINT if reference.state is None else INTENT
            row = rows.get((kind, idents[reference.ident], reference.manager))
            remembered = None if item.fresh or row is None else self._remembered(reference, row)
            if remembered is not None:
                told[reference.name] = remembered
            elif item.cached:
                told[reference.name] = plan.Unreachable("it is declared down")
            else:
                away.append(item)
        gate = asyncio.Semaphore(self.settings.at_once)

        answers: dict[plan.Name, tuple[_Answer, Exchange]] = {}

        async def one(item: plan.Wanted) -> None:
            async with gate:
                answer = await self._ask_manager(job, item.reference)
            if isinstance(answer, tuple):
                answers[item.reference.name] = answer
            else:
                told[item.reference.name] = answer

        await asyncio.gather(*(one(item) for item in away))
        self._volumed.prepare(answer for answer, _ in answers.values())
        for item in away:
            if item.reference.name in answers:
                told[item.reference.name] = self._understood(
                    job, item.reference, *answers[item.reference.name]
                )
        return told

    def _own(self, flight: kept.Flight) -> plan.Details:
        return self._volumed.intent(
            wire.OperationalIntent(
                reference=wire.decode(flight.reference, wire.OperationalIntentReference),
                details=wire.decode(flight.details, wire.OperationalIntentDetails),
            )
        )

    def _remembered(self, reference: plan.Reference, row: kept.KnownEntity) -> plan.Details | None:
        if row.content is None or row.version != reference.version:
            return None  # also where it is newer: the manager says what it is now
        details = self.details_of(row)
        return None if plan.fault(reference, details) else details

    def details_of(self, row: kept.KnownEntity) -> plan.Details:
        """What a peer said, as it is kept.

        Raises
        ------
        InputError
            It is kept only that it is gone.
        """
        if row.content is None:
            raise InputError("it is gone", where=wire.id_text(row.id))
        made = self._made.get(row.digest)
        if made is None:
            made = (
                self._volumed.constraint(wire.decode(row.content, wire.Constraint))
                if row.kind == CONSTRAINT
                else self._volumed.intent(wire.decode(row.content, wire.OperationalIntent))
            )
            self._made[row.digest] = made
            if len(self._made) > said.KEPT:
                self._made.popitem(last=False)
        return made

    async def _ask_manager(
        self, job: _Job, reference: plan.Reference
    ) -> plan.Told | tuple[_Answer, Exchange]:
        """What their manager answers; one that is behind its own write is asked again."""
        told: plan.Told | tuple[_Answer, Exchange] = plan.Unreachable("there was no time left to ask")
        for pause_s in (*BEHIND_S, None):
            if job.clock.left_s(self.settings.plan_s) <= 0.0:
                return told
            if reference.base_url in job.silent:
                return plan.Unreachable(job.silent[reference.base_url])
            if reference.manager == self.settings.party and reference.state is not None:
                ident = wire.entity_id(reference.ident, where="id")
                flight = await self._store.read(partial(_flight, ident=ident))
                behind = flight is None or flight.version < reference.version
                if flight is not None and not behind:
                    return self._own(flight)
                told = plan.Unreachable("it is our own, and this version of it is not known here")
            else:
                told, behind = await self._asked(job, reference)
            if not behind or pause_s is None:
                return told
            await asyncio.sleep(pause_s)
        return told

    async def _asked(
        self, job: _Job, reference: plan.Reference
    ) -> tuple[plan.Told | tuple[_Answer, Exchange], bool]:
        """One answer, and whether its manager is behind its own write."""
        wait_s = self._time(job, self.settings.peer_s)
        ident, base = reference.ident, reference.base_url
        answer: _Answer
        try:
            if reference.state is None:
                answer, exchange = await self._outside.constraint_details(base, ident, wait_s)
            else:
                answer, exchange = await self._outside.intent_details(base, ident, wait_s)
        except NoAnswer as error:
            if error.exchange is not None:
                job.exchanges[reference.name] = error.exchange
            if error.exchange is None or not error.exchange.status:
                job.silent[base] = error.why
            return plan.Unreachable(error.why), False
        except Turned as error:
            job.exchanges[reference.name] = error.exchange
            return plan.Unreachable(f"it answers {error}"), error.status == 404
        except Rubbish as error:
            job.exchanges[reference.name] = error.exchange
            return plan.Invalid(error.why), False
        return (answer, exchange), answer.reference.version < reference.version

    def _understood(
        self, job: _Job, reference: plan.Reference, answer: _Answer, exchange: Exchange
    ) -> plan.Told:
        """What an answer says; kept where it agrees with the discovery service."""
        job.exchanges[reference.name] = exchange
        try:
            if isinstance(answer, wire.Constraint):
                details = self._volumed.constraint(answer)
            else:
                details = self._volumed.intent(answer)
        except InputError as error:
            return plan.Invalid(str(error))
        if not plan.fault(reference, details):
            kind = CONSTRAINT if reference.state is None else INTENT
            row = known_row(kind, answer, details, source="asked", now_us=job.clock.now_us)
            job.learned[kind, row.id] = row
        return details

    def _request(self, job: _Job, attempt: plan.Attempt) -> tuple[bytes, str]:
        """The bytes of a write, and the OVN that it asks for."""
        state = job.planning.goal.state
        if state is None:
            return b"DELETE", ""
        suffix = said.ovn_suffix(job.clock.now_us, secrets.token_bytes(10))
        base = self.settings.base_url
        body = wire.PutOperationalIntentReferenceParameters(
            extents=[*job.filing.volumes, *job.filing.off_nominal_volumes],
            state=state.value,
            uss_base_url=base,
            key=list(attempt.key) if state.nominal else None,
            new_subscription=wire.ImplicitSubscriptionParameters(
                uss_base_url=base, notify_for_constraints=self.settings.constraints
            ),
            requested_ovn_suffix=suffix,
        )
        return wire.encode(body), f"{job.text}_{suffix}"

    async def _save(self, job: _Job) -> None:
        """Commit what is about to be sent."""
        now_us = job.clock.now_us
        named = (
            ""
            if job.act is Act.END or (job.before and job.before.name == job.filing.name)
            else job.filing.name
        )
        row = kept.Pending(
            flight=job.ident,
            name=named,
            act=job.act.value,
            filing=msgspec.json.encode(job.filing),
            attempt=msgspec.json.encode(job.planning.attempt),
            holder=self._holder,
            leased_us=now_us + leases.HELD_US,
            begun_us=job.planning.attempt.begun_us,
        )
        first, learned = not job.saved, list(job.learned.values())

        def work(tx: Tx) -> None:
            current = kept.pending(tx, job.ident)
            if current is not None and (first or current.holder != self._holder):
                raise Refused(Reason.UNAVAILABLE, "this flight is being changed", found=current.act)
            if named:
                _unused(tx, named, job.ident)
            learn(tx, learned)
            kept.put_pending(tx, row)

        await self._store.write(work)
        job.saved = True
        job.learned.clear()

    async def _send(self, job: _Job) -> plan.Granted | plan.Missing | plan.Stale | plan.Denied | plan.Silence:
        attempt, state = job.planning.attempt, job.planning.goal.state
        wait_s = self._time(job, self.settings.dss_s, 1.0)
        try:
            if state is None:
                answer = await self._outside.delete_intent(job.text, attempt.base_ovn, wait_s)
            else:
                answer = await self._outside.put_intent(
                    job.text,
                    attempt.base_ovn,
                    attempt.body,
                    conformance=not state.nominal,
                    timeout_s=wait_s,
                    constraints=self.settings.constraints,
                )
        except NoAnswer as error:
            return plan.Silence(error.why)
        except Rubbish as error:
            return plan.Silence(f"its answer cannot be read: {error.why}")
        except Turned as error:
            return self._turned(error)
        reference = answer.operational_intent_reference
        return plan.Granted(reference.version, said.shown_ovn(reference.ovn), answer)

    def _turned(self, error: Turned) -> plan.Missing | plan.Stale | plan.Denied | plan.Silence:
        """What a refusal of the discovery service means."""
        if error.status in {404, 409}:
            named = error.conflict
            if named is None:
                return plan.Stale()
            try:
                missing = (
                    *map(said.reference_of, named.missing_operational_intents or ()),
                    *map(said.constraint_reference_of, named.missing_constraints or ()),
                )
            except InputError as wrong:
                return plan.Denied(f"what the discovery service misses cannot be read: {wrong}")
            return plan.Missing(missing) if missing else plan.Stale()
        if error.status >= 500 or error.status in {408, 425, 429}:
            return plan.Silence(str(error))
        return plan.Denied(f"the discovery service refused it: {error}")

    async def _ask(self, job: _Job) -> plan.Found | plan.Absent | plan.Silence | plan.Denied:
        try:
            found = await self._outside.get_intent(job.text, self._time(job, self.settings.dss_s, 0.5))
        except NoAnswer as error:
            return plan.Silence(error.why)
        except (Turned, Rubbish) as error:
            return plan.Denied(str(error))
        if found is None:
            return plan.Absent()
        return plan.Found(
            found.manager == self.settings.party, found.version, said.shown_ovn(found.ovn), found
        )

    # -- the end of an attempt ------------------------------------------------------------------------------

    async def _close(self, job: _Job, outcome: plan.Outcome) -> Result:
        """Commit what came of it, with everything that follows."""
        now_us = job.clock.now_us
        was = Phase.NONE if job.before is None else Phase(job.before.state)
        if outcome.ending is Ending.DONE:
            phase = life.after(was, job.act) if was is not Phase.ENDED else Phase.ENDED
            own, told = self._own_meetings(job), self._told_meetings(job)
            # computed here as far as it goes: the transaction reads again, and computes what came meanwhile
            await self._store.read(lambda tx: (own.read(tx), told.read(tx)))

            def done(tx: Tx) -> list[Meeting]:
                self._still_ours(tx, job)
                return self._write_done(tx, job, outcome, phase, own.read(tx), told.read(tx), now_us)

            late = await self._store.write(done)
            self.settings.wake()
            permitted = _joined(outcome.verdict.permitted, late)
            refused = outcome.verdict.refused
            why = _why(outcome.why, refused)
            return Result(job.text, True, phase, Ending.DONE, why, refused, permitted)
        phase = Phase.ENDED if outcome.ending is Ending.GONE else was

        def not_done(tx: Tx) -> None:
            self._still_ours(tx, job)
            self._write_not_done(tx, job, outcome, phase, now_us)

        await self._store.write(not_done)
        self.settings.wake()
        verdict = outcome.verdict
        return Result(job.text, False, phase, outcome.ending, outcome.why, verdict.refused, verdict.permitted)

    def _own_meetings(self, job: _Job) -> OurMeetings:
        """Those of our other flights that this one meets; none for one that ends."""
        volumes = job.planning.goal.volumes
        if volumes is None:
            return OurMeetings(self, None)
        other = Other(_as_reference(job, volumes), None)
        return OurMeetings(self, other, volumes, job.filing.priority, skip=job.ident, coming=False)

    def _told_meetings(self, job: _Job) -> _ToldMeetings:
        """What this flight meets of what peers have said since it was begun."""
        return _ToldMeetings(self, job)

    def under_way(self, tx: Tx) -> list[kept.Flight]:
        """The flights that are on their way to the discovery service, as they will be; ``filed`` is 0."""
        coming: list[kept.Flight] = []
        for row in kept.under_way(tx):
            flight = self._coming.get(row.filing)
            if flight is None:
                try:
                    flight = self._flight_of(row)
                except (InputError, Refused, msgspec.MsgspecError):
                    continue  # nothing that could have been sent
                self._coming[row.filing] = flight
                if len(self._coming) > COMING:
                    self._coming.popitem(last=False)
            if flight is not None:
                coming.append(flight._replace(id=row.flight))
        return coming

    def _flight_of(self, row: kept.Pending) -> kept.Flight | None:
        """What is under way as the flight that it will be; None for an end."""
        filing = msgspec.json.decode(row.filing, type=Filing)
        phase = _phase(filing.phase)
        listed = [*filing.volumes, *filing.off_nominal_volumes]
        if phase is Phase.ENDED or not listed:
            return None
        volumes = self._volumed.of(listed, ident=wire.id_text(row.flight), party=self.settings.party)
        return _filed(row.flight, filing, volumes, row.begun_us)

    def meeting_ours(
        self,
        near: Iterable[kept.Flight],
        other: Other,
        volumes: Volumes,
        priority: int,
        *,
        skip: bytes = b"",
    ) -> list[tuple[kept.Flight, Meeting]]:
        """Of these flights of ours, those that meet the volumes."""
        reference = other.reference
        found: list[tuple[kept.Flight, Meeting]] = []
        details = plan.Details(
            ident=reference.ident,
            manager=reference.manager,
            version=reference.version,
            state=reference.state,
            ovn=reference.ovn,
            priority=priority,
            start_us=reference.start_us,
            end_us=reference.end_us,
            volumes=volumes,
        )
        for flight in near:
            if flight.id == skip or (False, wire.id_text(flight.id)) == reference.name:
                continue
            ours = self._claimed(flight)
            met = plan.meetings(ours, [Other(reference, details)], self.settings.rules)
            if reference.name in met:
                found.append((flight, met[reference.name]))
        return found

    def _claimed(self, flight: kept.Flight) -> Volumes:
        """All volumes of a flight of ours, off-nominal ones too."""
        details = wire.decode(flight.details, wire.OperationalIntentDetails)
        listed = [*(details.volumes or ()), *(details.off_nominal_volumes or ())]
        return self._volumed.of(listed, ident=wire.id_text(flight.id), party=self.settings.party)

    def _write_done(
        self,
        tx: Tx,
        job: _Job,
        outcome: plan.Outcome,
        phase: Phase,
        met: list[tuple[kept.Flight, Meeting]],
        late: list[tuple[kept.KnownEntity, Meeting]],
        now_us: int,
    ) -> list[Meeting]:
        """Write that it is done; ``late`` is what came while it was on its way. Returns those of it."""
        reference, subscribers = _as_written(job, outcome)
        old = kept.flight(tx, job.ident)
        filed = 1 if old is None else old.filed + 1
        details = _details_of(job.filing)
        came = [replace(meeting, why=_LATE) for _, meeting in late]
        leaf = tx.append(
            "flight.version",
            job.text,
            msgspec.json.encode(
                {
                    "act": job.act.value,
                    "filed": filed,
                    "phase": phase.value,
                    "operator": job.filing.operator,
                    "name": job.filing.name,
                    "reference": reference,
                    "details": details,
                    "key": job.planning.attempt.key,
                    "meets": [m.sentence for m in _joined(outcome.verdict.permitted, came)],
                    "stands_in_the_way": [m.sentence for m in outcome.verdict.refused],
                    "begun_us": job.planning.attempt.begun_us,
                    "at_us": now_us,
                }
            ),
        )
        self._log(tx, job, now_us)
        row = self._row(job, old, reference, subscribers, phase, filed, now_us)
        kept.put_flight(tx, row)
        content = msgspec.json.encode({"reference": reference, "details": details, "phase": phase.value})
        kept.add_version(tx, job.ident, filed, job.act.value, content, leaf, now_us)
        self._tell_subscribers(tx, job, row, reference, details, subscribers, now_us)
        untold = [replace(meeting, why=_LATE) for meeting in _untold(tx, job.ident, late)]
        self._tell_operators(tx, row, outcome, met, untold, job.planning.attempt.begun_us, leaf, now_us)
        self._after(tx, job, outcome, now_us)
        kept.drop_pending(tx, job.ident)
        return came

    @staticmethod
    def _row(
        job: _Job,
        old: kept.Flight | None,
        reference: wire.OperationalIntentReference,
        subscribers: Sequence[wire.SubscriberToNotify],
        phase: Phase,
        filed: int,
        now_us: int,
    ) -> kept.Flight:
        if phase is Phase.ENDED and old is not None:
            return old._replace(
                state=phase.value, filed=filed, subscribers=wire.encode(list(subscribers)), written_us=now_us
            )
        volumes = job.planning.goal.volumes
        assert volumes is not None  # noqa: S101 -- only the end has none
        return _filed(job.ident, job.filing, volumes, now_us)._replace(
            state=phase.value,
            filed=filed,
            version=reference.version,
            ovn=reference.ovn or "",
            reference=wire.encode(reference),
            subscribers=wire.encode(list(subscribers)),
        )

    def _tell_subscribers(
        self,
        tx: Tx,
        job: _Job,
        row: kept.Flight,
        reference: wire.OperationalIntentReference,
        details: wire.OperationalIntentDetails,
        subscribers: Sequence[wire.SubscriberToNotify],
        now_us: int,
    ) -> None:
        ended = row.state == Phase.ENDED.value
        last_us = max(row.end_us, 0 if job.before is None else job.before.end_us) + TOLD_US
        for subscriber in subscribers:
            base = subscriber.uss_base_url
            if base == self.settings.base_url:
                continue  # what concerns our own flights is told in this transaction
            message = wire.PutOperationalIntentDetailsParameters(
                operational_intent_id=job.text,
                subscriptions=subscriber.subscriptions,
                operational_intent=None
                if ended
                else wire.OperationalIntent(reference=reference, details=details),
            )
            tx.out(
                party=base,
                to=base + _NOTIFY,
                method="POST",
                scope=STRATEGIC,
                body=wire.encode(message),
                topic="flight",
                ref=job.text,
                order_key=f"notify {base}",
                now_us=now_us,
                not_after_us=max(last_us, now_us + 60 * SECOND_US),
            )

    def _tell_operators(
        self,
        tx: Tx,
        row: kept.Flight,
        outcome: plan.Outcome,
        met: list[tuple[kept.Flight, Meeting]],
        untold: list[Meeting],
        begun_us: int,
        leaf: int,
        now_us: int,
    ) -> None:
        """Those whose flights meet: ours that was filed, and others of ours."""
        if row.state == Phase.ENDED.value:
            return
        known = [m for m in outcome.verdict.permitted if m.horizontal_m is not None]
        if outcome.verdict.refused:
            heard = told_since(tx, row.id, begun_us)
            known += [m for m in outcome.verdict.refused if (m.ident, m.manager) not in heard]
        seen = {(m.ident, m.manager): m for m in _joined(known, untold)}
        for flight, meeting in met:
            seen.setdefault(
                (wire.id_text(flight.id), self.settings.party),
                replace(
                    meeting,
                    ident=wire.id_text(flight.id),
                    manager=self.settings.party,
                    state=flight.state,
                    priority=flight.priority,
                    why="the two are ours",
                ),
            )
        if seen:
            add_notice(tx, row, list(seen.values()), caused_us=now_us, leaf=leaf, now_us=now_us)
        for flight, meeting in met:
            told = replace(meeting, manager=self.settings.party, why="it was filed now")
            add_notice(tx, flight, [told], caused_us=now_us, leaf=leaf, now_us=now_us)

    def _write_not_done(self, tx: Tx, job: _Job, outcome: plan.Outcome, phase: Phase, now_us: int) -> None:
        verdict = outcome.verdict
        leaf = tx.append(
            "flight.refused",
            job.text,
            msgspec.json.encode(
                {
                    "act": job.act.value,
                    "ending": outcome.ending.value,
                    "why": outcome.why,
                    "filing": job.filing,
                    "key": job.planning.attempt.key,
                    "refused": [m.sentence for m in verdict.refused],
                    "permitted": [m.sentence for m in verdict.permitted],
                    "begun_us": job.planning.attempt.begun_us,
                    "at_us": now_us,
                }
            ),
        )
        self._log(tx, job, now_us, outcome.why)
        self._after(tx, job, outcome, now_us)
        if outcome.ending is Ending.UNSETTLED:
            current = kept.pending(tx, job.ident)
            if current is not None:
                attempt = msgspec.json.encode(job.planning.attempt)
                kept.put_pending(tx, current._replace(attempt=attempt, leased_us=now_us + leases.AGAIN_US))
            return
        kept.drop_pending(tx, job.ident)
        old = kept.flight(tx, job.ident)
        if phase is Phase.ENDED and old is not None:
            ended = old._replace(state=phase.value, filed=old.filed + 1, written_us=now_us)
            kept.put_flight(tx, ended)
            content = msgspec.json.encode({"phase": phase.value, "why": outcome.why})
            kept.add_version(tx, job.ident, ended.filed, "lost", content, leaf, now_us)

    def _log(self, tx: Tx, job: _Job, now_us: int, problem: str = "") -> None:
        """The attempt, as the standard wants it logged."""
        missed = sorted({(r.state is None, r.ident) for r in job.missed})
        planned(
            tx,
            job.text,
            ovns=job.planning.attempt.key,
            now_us=now_us,
            missing=([i for other, i in missed if not other], [i for other, i in missed if other]),
            problem=problem,
        )

    def _after(self, tx: Tx, job: _Job, outcome: plan.Outcome, now_us: int) -> None:
        """What was learned, and what others must be told of their answers."""
        learn(tx, list(job.learned.values()))
        for reference, why in outcome.faults:
            exchange = job.exchanges.get(reference.name)
            self.report(tx, reference.base_url + _REPORTS, reference, why, exchange, now_us, fault=why)
        unreachable = [
            (other.reference, other.told.why)
            for other in job.planning.picture.values()
            if isinstance(other.told, plan.Unreachable) and other.reference.name in job.exchanges
        ]
        for reference, why in unreachable:
            self.report(tx, self._outside.reports_url, reference, why, job.exchanges[reference.name], now_us)

    def report(
        self,
        tx: Tx,
        to: str,
        reference: plan.Reference,
        why: str,
        exchange: Exchange | None,
        now_us: int,
        *,
        fault: str = "",
    ) -> None:
        """Report a fault in an exchange, once for each ``fault`` of each version of an entity."""
        about = "\n".join((to, reference.ident, str(reference.version), fault))
        ident = str(uuid.uuid5(_REPORT_SPACE, about))
        if kept.has_report(tx, ident):
            return
        problem = f"{reference.noun} {reference.ident}, version {reference.version}: {why}"
        record = record_of(exchange, reference, problem, now_us)
        body = wire.encode(wire.ErrorReport(exchange=record))
        kept.add_report(tx, ident, "made", reference.manager, body, now_us)
        tx.append("report.made", ident, body)
        tx.out(
            party=reference.manager,
            to=to,
            method="POST",
            scope=STRATEGIC,
            body=body,
            topic="report",
            ref=reference.ident,
            order_key=f"report {to}",
            now_us=now_us,
            not_after_us=now_us + TOLD_US,
        )


# -- who meets whom, within a transaction -------------------------------------------------------------------


class OurMeetings:
    """Our flights that meet one entity, each meeting computed once.

    Those that are on their way too, unless ``coming`` is false: of two flights of ours, the one that is
    written later sees the other.

    :meth:`read` may be called before a transaction, so that the work is done, and is called again within the
    one that decides by it: what has changed meanwhile is computed there, and nothing is missed.
    """

    def __init__(
        self,
        flights: Flights,
        other: Other | None,
        volumes: Volumes | None = None,
        priority: int = 0,
        *,
        skip: bytes = b"",
        coming: bool = True,
    ) -> None:
        self._flights = flights
        self._coming = coming
        self._other = other
        self._volumes = volumes
        self._priority = priority
        self._skip = skip
        self._box = None if volumes is None else said.box_of(volumes)
        self._found: dict[tuple[bytes, bytes], Meeting | None] = {}

    def read(self, tx: Tx) -> list[tuple[kept.Flight, Meeting]]:
        """Each flight once: as it is, or, where only what is on its way meets, as it will be."""
        volumes, box, other = self._volumes, self._box, self._other
        if volumes is None or box is None or other is None:
            return []
        start, end = int(volumes.start_us.min()), int(volumes.end_us.max())
        near = kept.flights_near(tx, box, start, end)
        if self._coming:
            near += [f for f in self._flights.under_way(tx) if f.end_us > start and f.start_us < end]
        met: dict[bytes, tuple[kept.Flight, Meeting]] = {}
        for flight in near:
            name = flight.id, flight.details
            if name not in self._found:
                found = self._flights.meeting_ours([flight], other, volumes, self._priority, skip=self._skip)
                self._found[name] = found[0][1] if found else None
            meeting = self._found[name]
            if meeting is not None:
                met.setdefault(flight.id, (flight, meeting))
        return list(met.values())


class _ToldMeetings:
    """What one of our flights meets of what peers have said since it was begun; computed once each.

    What was decided on is not among it. After a kill nobody knows what was decided on: then it is all that
    was heard since, asked for or told.
    """

    def __init__(self, flights: Flights, job: _Job) -> None:
        self._flights = flights
        self._volumes = job.planning.goal.volumes
        self._since_us = job.planning.attempt.begun_us - SKEW_US
        self._seen = {
            (
                CONSTRAINT if o.reference.state is None else INTENT,
                wire.entity_id(o.reference.ident, where="id"),
                o.reference.manager,
                o.told.ovn,
            )
            for o in job.planning.picture.values()
            if isinstance(o.told, plan.Details)
        }
        self._all = not job.planning.picture
        self._party = flights.settings.party
        self._found: dict[bytes, Meeting | None] = {}

    def read(self, tx: Tx) -> list[tuple[kept.KnownEntity, Meeting]]:
        """Each entity with its meeting."""
        volumes = self._volumes
        if volumes is None:
            return []
        start, end = int(volumes.start_us.min()), int(volumes.end_us.max())
        met: list[tuple[kept.KnownEntity, Meeting]] = []
        for row in kept.known_since(tx, self._since_us, start, end):
            seen = (row.kind, row.id, row.manager, row.ovn) in self._seen
            if seen or not (self._all or row.source == "told"):
                continue
            if row.digest not in self._found:
                self._found[row.digest] = self._meeting(row)
            meeting = self._found[row.digest]
            if meeting is not None:
                met.append((row, meeting))
        return met

    def _meeting(self, row: kept.KnownEntity) -> Meeting | None:
        assert self._volumes is not None  # noqa: S101 -- read() has asked
        details = self._flights.details_of(row)
        reference = plan.Reference(
            details.ident,
            details.manager,
            details.version,
            details.state,
            Availability.UNKNOWN,
            details.start_us,
            details.end_us,
            "",
        )
        met = plan.meetings(self._volumes, [Other(reference, details)], self._flights.settings.rules)
        return next(iter(met.values()), None)


def _untold(tx: Tx, ident: bytes, late: Sequence[tuple[kept.KnownEntity, Meeting]]) -> list[Meeting]:
    """Those of which the operator has not been told since they were heard."""
    if not late:
        return []
    told = told_since(tx, ident, min(row.heard_us for row, _ in late))
    return [meeting for row, meeting in late if told.get((meeting.ident, meeting.manager), -1) < row.heard_us]


def told_since(tx: Tx, ident: bytes, since_us: int) -> dict[tuple[str, str], int]:
    """What the operator of a flight was told since an instant that it meets: ids, of whom, and when last."""
    return {
        (met["ident"], met["manager"]): notice.at_us
        for notice in kept.notices_of(tx, ident, since_us)
        for met in msgspec.json.decode(notice.content).get("meets", ())
    }


def _why(why: str, refused: Sequence[Meeting]) -> str:
    """The reason of one that is done; loud where it stands in conflict."""
    if not refused:
        return why
    met = "; ".join(meeting.sentence for meeting in refused)
    conflict = f"IT IS FILED AND IN CONFLICT: the discovery service had it before this was known: {met}"
    return f"{why}; {conflict}" if why else conflict


def _joined(known: Iterable[Meeting], late: Iterable[Meeting]) -> tuple[Meeting, ...]:
    """Both, each entity as it was heard last."""
    return tuple({(m.state == plan.CONSTRAINT, m.ident, m.manager): m for m in (*known, *late)}.values())


# -- pieces that others use too -----------------------------------------------------------------------------


def known_row(
    kind: str,
    answer: wire.OperationalIntent | wire.Constraint,
    details: plan.Details,
    *,
    source: str,
    now_us: int,
) -> kept.KnownEntity:
    """What a peer said, as it is kept."""
    return kept.KnownEntity(
        kind=kind,
        id=wire.entity_id(details.ident, where="id"),
        manager=details.manager,
        version=details.version,
        ovn=details.ovn,
        digest=said.digest_of(answer),
        content=wire.encode(answer),
        source=source,
        start_us=details.start_us,
        end_us=details.end_us,
        heard_us=now_us,
    )


def learn(tx: Tx, rows: Sequence[kept.KnownEntity]) -> None:
    """Keep what peers said when asked, unless something newer is known."""
    if not rows:
        return
    current = kept.known_of(tx, [row.id for row in rows])

    def newer(row: kept.KnownEntity) -> bool:
        before = current.get((row.kind, row.id, row.manager))
        return (
            before is None
            or before.version < row.version
            or (before.version == row.version and before.digest != row.digest)
        )

    kept.put_all_known(tx, [row for row in rows if newer(row)])


def add_notice(
    tx: Tx, flight: kept.Flight, met: Sequence[Meeting], *, caused_us: int, leaf: int, now_us: int
) -> int:
    """Tell the operator of a flight what it meets."""
    flights = [m for m in met if m.state != plan.CONSTRAINT]
    kind = "conflict" if flights else "constraint"
    name = flight.name or wire.id_text(flight.id)
    text = f"flight {name} meets {'; '.join(m.sentence for m in met)}"
    content: dict[str, Any] = {
        "flight": wire.id_text(flight.id),
        "meets": [msgspec.to_builtins(m) for m in met],
    }
    return kept.add_notice(
        tx,
        kind=kind,
        flight=flight.id,
        operator=flight.operator,
        conflicts=len(flights),
        text=text,
        content=msgspec.json.encode(content),
        caused_us=caused_us,
        leaf=leaf,
        now_us=now_us,
    )


def record_of(
    exchange: Exchange | None, reference: plan.Reference, problem: str, now_us: int
) -> wire.ExchangeRecord:
    """An exchange as a report has it."""
    if exchange is None:
        return wire.ExchangeRecord(
            url=reference.base_url,
            method="GET",
            recorder_role="Client",
            request_time=wire.time(now_us),
            problem=problem,
        )
    return wire.ExchangeRecord(
        url=exchange.url,
        method=exchange.method,
        recorder_role="Client",
        request_time=wire.time(exchange.request_us),
        request_body=None if exchange.request is None else base64.b64encode(exchange.request).decode(),
        response_time=wire.time(exchange.response_us) if exchange.status else None,
        response_body=base64.b64encode(exchange.response).decode() if exchange.status else None,
        response_code=exchange.status or None,
        problem=problem,
    )


def _unused(tx: Tx, name: str, ident: bytes) -> None:
    """Refuse a name that another flight has, or is about to have."""
    flight, coming = kept.flight_named(tx, name), kept.pending_named(tx, name)
    taken = flight.id if flight is not None and Phase(flight.state).shared else None
    if coming is not None and coming.flight != ident:
        taken = coming.flight
    if taken is not None and taken != ident:
        raise Refused(
            Reason.CONFLICT,
            "another flight has this name",
            where="$.name",
            found=name,
            expected=f"the id of that flight, {wire.id_text(taken)}, to change it",
        )


def _flight(tx: Tx, ident: bytes) -> kept.Flight | None:
    return kept.flight(tx, ident)


def _details_of(filing: Filing) -> wire.OperationalIntentDetails:
    return wire.OperationalIntentDetails(
        volumes=filing.volumes or None,
        off_nominal_volumes=filing.off_nominal_volumes or None,
        priority=filing.priority,
    )


def _filed(ident: bytes, filing: Filing, volumes: Volumes, written_us: int) -> kept.Flight:
    """The row of a flight as it is filed, before the discovery service has answered anything."""
    box = said.box_of(volumes)
    return kept.Flight(
        id=ident,
        name=filing.name,
        operator=filing.operator,
        state=filing.phase,
        filed=0,
        priority=filing.priority,
        version=0,
        ovn="",
        reference=b"",
        details=wire.encode(_details_of(filing)),
        subscribers=b"",
        start_us=int(volumes.start_us.min()),
        end_us=int(volumes.end_us.max()),
        south=box.south,
        north=box.north,
        west=box.west,
        east=box.east,
        written_us=written_us,
    )


def _phase(word: str) -> Phase:
    try:
        phase = Phase(word)
    except ValueError:
        phase = Phase.NONE
    if phase is Phase.NONE:
        raise Refused(
            Reason.INVALID,
            "not what a flight can be",
            where="$.phase",
            found=word,
            expected=", ".join(p.value for p in Phase if p is not Phase.NONE),
        )
    return phase


def _as_written(
    job: _Job, outcome: plan.Outcome
) -> tuple[wire.OperationalIntentReference, Sequence[wire.SubscriberToNotify]]:
    """What the DSS has now, and whom it named; those named the last time where the answer was lost."""
    if outcome.granted is not None:
        answer = outcome.granted.answer
        assert isinstance(answer, wire.ChangeOperationalIntentReferenceResponse)  # noqa: S101 -- made in _send
        return answer.operational_intent_reference, answer.subscribers
    named: list[wire.SubscriberToNotify] = []
    if job.before is not None:
        named = msgspec.json.decode(job.before.subscribers, type=list[wire.SubscriberToNotify])
    if outcome.landed is not None:
        found = outcome.landed.answer
        assert isinstance(found, wire.OperationalIntentReference)  # noqa: S101 -- made in _ask
        return found, named
    assert job.before is not None  # noqa: S101 -- only the end of what was there is done without an answer
    return wire.decode(job.before.reference, wire.OperationalIntentReference), named


def _as_reference(job: _Job, volumes: Volumes) -> plan.Reference:
    return plan.Reference(
        ident=job.text,
        manager="",
        version=0,
        state=job.planning.goal.state or State.ACCEPTED,
        availability=Availability.NORMAL,
        start_us=int(volumes.start_us.min()),
        end_us=int(volumes.end_us.max()),
        base_url="",
    )
