"""The log that F3548-21 asks for: what was said, told, entered, tried and flown, and who was behind it.

Law: what is state is logged in the transaction that makes it so (notices, planning attempts, positions,
versions, notifications in and out); the log of messages holds every exchange besides: who said what to whom,
when, and what came back, those without an answer too. No bearer token is kept: an Authorization header is
logged as its scheme and the SHA-256 of the rest (:func:`redacted`), which tells two tokens apart and lets
nobody in.

A *log set* is asked for by its id (:func:`parse_set`): a flight's or constraint's UUID, a span of time
``START--END`` in RFC 3339, or ``UUID@START--END``: a part of what there is of one thing. It is for this
party's own people and for arbiters, not for peers: a log holds what others said in confidence. More than
:data:`RECORDS` records of one kind are refused, never cut short: such a set is read in parts. Of what is
asked of us only that of known parties that ask for what there is is logged
(:mod:`skypact.server.journalled`).

Known limits: messages wait in memory for :data:`FLUSH_S` at most before they are written, many in one
transaction; a kill loses those. What they did is in the ledger, in the transaction of what it changed. The
ids of triggering events (:data:`TRIGGERS`) are our reading: the definition lists them without a text.

Source: ASTM F3548-21, logging requirements; USSLogSet of its OpenAPI definition.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from skypact.errors import InputError, Reason, Refused
from skypact.exchange.intent import Phase
from skypact.formats import f3548_wire as wire
from skypact.instants import DAY_US, parse_instant
from skypact.store import node as kept
from skypact.store import watchful

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.store import Store
    from skypact.store.tx import Tx

T = TypeVar("T")

MESSAGE: Final = "message"
INPUT: Final = "input"
PLANNING: Final = "planning"
RECORDS: Final = 10_000
"""Records of one kind in a log set; a span that has more is refused, and must be asked for in parts."""
FLUSH_S: Final = 0.5
WAITING: Final = 10_000
"""Messages that wait to be written at most; beyond that the oldest are dropped, and that is logged."""
BODY: Final = 256 * 1024
"""Bytes of a body that are logged; of a longer one the first, and ``problem`` says so."""
URL: Final = 2_048
"""Characters of a URL that are logged; the same."""

TRIGGERS: Final[Mapping[str, str]] = {
    "conflict": "SCD0095",
    "constraint": "CSTP0010",
    "constraint gone": "CSTP0020",
    "nonconforming": "CMSA0115",
    "contingent": "CMSA0115",
    "conforming": "CMSA0115",
    "undeclared": "CMSA0115",
    "conformance": "ACM0010",
    "lost": "GEN0405",
    "found": "GEN0405",
    "undelivered": "GEN0400",
}
"""The event that a notice of each kind is logged under. A conflict that the operator's own filing made is
``SCD0090``.
"""

INPUTS: Final[Mapping[Phase, str]] = {
    Phase.ACCEPTED: "OPIN0040",
    Phase.ACTIVATED: "OPIN0040",
    Phase.NONCONFORMING: "CMSA0100",
    Phase.CONTINGENT: "CMSA0105",
    Phase.ENDED: "OPIN0040",
}
"""The event that what an operator enters is logged under, by the phase that it is to lead to."""

_LOG = logging.getLogger("skypact.messages")


def redacted(header: str) -> str:
    """An Authorization header that may be kept: the scheme, and the SHA-256 of what follows."""
    scheme, _, secret = header.strip().partition(" ")
    if not secret:
        return f"Authorization: SHA-256={hashlib.sha256(scheme.encode()).hexdigest()}" if scheme else ""
    digest = hashlib.sha256(secret.strip().encode()).hexdigest()
    return f"Authorization: {scheme} SHA-256={digest}"


@dataclass(frozen=True, slots=True)
class Heard:
    """One exchange, ours or of a peer.

    Attributes
    ----------
    server
        Whether it was asked of us.
    authorization
        The header as it went; it is redacted before it is kept.
    status
        0: no answer came.
    problem
        What was wrong with it; empty: nothing.
    source
        Where the request came from: an address, or our own base URL.
    """

    server: bool
    method: str
    url: str
    authorization: str
    request: bytes
    request_us: int
    response: bytes
    response_us: int
    status: int
    problem: str = ""
    source: str = ""

    def row(self) -> tuple[str, str, int, bytes]:
        """As the log keeps it."""
        problem = self.problem
        if max(len(self.request), len(self.response)) > BODY:
            problem = f"{problem}; of a body only the first {BODY} bytes are kept".lstrip("; ")
        if len(self.url) > URL:
            problem = f"{problem}; of the URL only the first {URL} characters are kept".lstrip("; ")
        header = redacted(self.authorization)
        record = wire.ExchangeRecord(
            url=self.url[:URL],
            method=self.method,
            recorder_role="Server" if self.server else "Client",
            request_time=wire.time(self.request_us),
            request_source=self.source,
            headers=[header] if header else None,
            request_body=base64.b64encode(self.request[:BODY]).decode() or None,
            response_time=wire.time(self.response_us) if self.status else None,
            response_body=(base64.b64encode(self.response[:BODY]).decode() or None) if self.status else None,
            response_code=self.status or None,
            problem=problem or (None if self.status else "no answer"),
        )
        return MESSAGE, _about(self.url[:URL]), self.request_us, wire.encode(record)


def _about(url: str) -> str:
    """The entity that a URL names; empty: none."""
    for part in url.partition("?")[0].split("/"):
        with contextlib.suppress(InputError):
            return wire.id_text(wire.entity_id(part, where=""))
    return ""


class Journal:
    """Writes messages to the log, many in one transaction, off everybody's path."""

    def __init__(self, store: Store, *, flush_s: float = FLUSH_S) -> None:
        self._store = store
        self._flush_s = flush_s
        self._rows: list[tuple[str, str, int, bytes]] = []
        self._dropped = 0
        self._some = asyncio.Event()
        self._ending = asyncio.Event()

    def note(self, heard: Heard) -> None:
        """An exchange has ended."""
        if len(self._rows) >= WAITING:
            del self._rows[0]
            self._dropped += 1
        self._rows.append(heard.row())
        self._some.set()

    async def run(self) -> None:
        """Write until :meth:`stop`, or until the task is cancelled: what waits then is still written."""
        try:
            while not self._ending.is_set():
                await self._some.wait()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), self._flush_s)
                await self.flush()
        finally:
            await self.flush()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._ending.set()
        self._some.set()

    async def flush(self) -> int:
        """Write what waits; returns how many."""
        self._some.clear()
        rows, self._rows = self._rows, []
        if self._dropped:
            _LOG.error("messages were not logged", extra={"dropped": self._dropped})
            self._dropped = 0
        for start in range(0, len(rows), 500):
            block = rows[start : start + 500]
            try:
                await self._store.write(lambda tx, b=block: watchful.add_logs(tx, b))  # type: ignore[misc]
            except Refused as error:  # the database is away: they wait
                _LOG.warning("messages cannot be logged: %s", error)
                self._rows = rows[start:] + self._rows
                return start
        return len(rows)


def planned(
    tx: Tx,
    ident: str,
    *,
    ovns: Sequence[str],
    now_us: int,
    missing: tuple[Sequence[str], Sequence[str]] = ((), ()),
    problem: str = "",
) -> None:
    """Log an attempt to plan, in the transaction that ends it.

    Parameters
    ----------
    ovns
        What was known.
    missing
        Ids of intents and of constraints that the discovery service missed.
    problem
        Why it was not done.
    """
    record = wire.PlanningRecord(
        time=wire.time(now_us),
        ovns=list(ovns),
        missing_operational_intents=list(missing[0]) or None,
        missing_constraints=list(missing[1]) or None,
        operational_intent_id=ident,
        problem=problem or None,
    )
    watchful.add_logs(tx, [(PLANNING, ident, now_us, wire.encode(record))])


def entered(tx: Tx, ident: str, phase: Phase, who: str, text: str, now_us: int) -> None:
    """Log what an operator entered, before it is acted on."""
    record = wire.UserInputRecord(
        triggering_event_time=wire.time(now_us),
        operational_intent_id=ident,
        input_triggering_event=INPUTS[phase],
        input_details=f"{who}: {text}",
    )
    watchful.add_logs(tx, [(INPUT, ident, now_us, wire.encode(record))])


# -- log sets -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What a log set is of: one entity, a span of time (its end is not in it), or one entity in a span."""

    ident: str = ""
    start_us: int = 0
    end_us: int = 2**62


def parse_set(text: str) -> Asked:
    """Read the id of a log set.

    Raises
    ------
    InputError
        It is neither a UUID nor a span, nor the one in the other.
    """
    named, at, rest = text.partition("@")
    if at:
        one, part = parse_set(named), parse_set(rest)
        if not one.ident or part.ident:
            raise _none_such(text)
        return Asked(one.ident, part.start_us, part.end_us)
    start, dashes, end = text.partition("--")
    if dashes:
        span = Asked("", parse_instant(start, where="log_set_id"), parse_instant(end, where="log_set_id"))
        if span.start_us >= span.end_us:
            raise InputError("a span that ends before it begins", where="log_set_id", found=text)
        return span
    try:
        return Asked(wire.id_text(wire.entity_id(text, where="log_set_id")))
    except InputError:
        raise _none_such(text) from None


def _none_such(text: str) -> InputError:
    return InputError(
        "no log set is called so",
        where="log_set_id",
        found=text[:200],
        expected="the id of a flight or constraint, START--END in RFC 3339, or ID@START--END",
    )


class Logs:
    """Reads the log."""

    def __init__(self, store: Store, *, clock_most_us: int = 31 * DAY_US) -> None:
        self._store = store
        self._longest_us = clock_most_us

    async def log_set(self, text: str) -> wire.USSLogSet:
        """One log set.

        Raises
        ------
        InputError
            No log set is called so.
        Refused
            TOO_LARGE: it has more than :data:`RECORDS` of one kind, or spans more than a month.
        """
        asked = parse_set(text)
        if not asked.ident and asked.end_us - asked.start_us > self._longest_us:
            raise Refused(
                Reason.TOO_LARGE,
                "the span is too long",
                where="log_set_id",
                expected=f"at most {self._longest_us // DAY_US} days; ask for parts",
            )
        return await self._store.read(partial(_log_set, asked=asked))


def _log_set(tx: Tx, asked: Asked) -> wire.USSLogSet:
    flights, constraints = _things(tx, asked)
    notices = _notices(tx, asked)
    return wire.USSLogSet(
        messages=_records(tx, MESSAGE, asked, wire.ExchangeRecord),
        operator_notifications=[_notification(tx, notice) for notice in notices],
        operator_inputs=_records(tx, INPUT, asked, wire.UserInputRecord),
        operator_associations=[
            wire.OperatorAssociation(operational_intent_id=wire.id_text(f.id), operator_id=f.operator)
            for f in flights
        ],
        planning_attempts=_records(tx, PLANNING, asked, wire.PlanningRecord),
        operational_intent_positions=_positions(tx, asked),
        constraint_provider_associations=[
            wire.ConstraintProviderAssociation(
                constraint_id=wire.id_text(c.id), constraint_provider_id=c.provider
            )
            for c in constraints
        ],
    )


def _within(found: Sequence[object], what: str) -> None:
    if len(found) > RECORDS:
        raise Refused(
            Reason.TOO_LARGE,
            f"too many {what} for one log set",
            where="log_set_id",
            expected=f"a span with at most {RECORDS:,}: START--END, or ID@START--END",
        )


def _records(tx: Tx, kind: str, asked: Asked, shape: type[T]) -> list[T]:
    rows = watchful.logs(
        tx,
        kind,
        after_us=asked.start_us,
        before_us=asked.end_us,
        ref=asked.ident or None,
        limit=RECORDS + 1,
    )
    _within(rows, f"records ({kind})")
    return [msgspec.json.decode(row.content, type=shape) for row in rows]


def _things(tx: Tx, asked: Asked) -> tuple[list[kept.Flight], list[watchful.ConstraintRow]]:
    """The flights and constraints that a log set concerns."""
    if asked.ident:
        ident = wire.entity_id(asked.ident, where="log_set_id")
        flight, constraint = kept.flight(tx, ident), watchful.constraint(tx, ident)
        return [flight] if flight else [], [constraint] if constraint else []
    flights = watchful.flights_between(tx, asked.start_us, asked.end_us, RECORDS + 1)
    constraints = watchful.constraints_between(tx, asked.start_us, asked.end_us, RECORDS + 1)
    _within(flights, "flights")
    _within(constraints, "constraints")
    return flights, constraints


def _notices(tx: Tx, asked: Asked) -> list[kept.Notice]:
    if asked.ident:
        ident = wire.entity_id(asked.ident, where="log_set_id")
        found = watchful.notices_of(
            tx, ident, limit=RECORDS + 1, after_us=asked.start_us, before_us=asked.end_us
        )
    else:
        found = kept.notices(tx, asked.start_us, asked.end_us - 1, limit=RECORDS + 1)
    _within(found, "notices")
    return found


def _notification(tx: Tx, notice: kept.Notice) -> wire.UserNotificationRecord:
    event = TRIGGERS.get(notice.kind, "GEN0405")
    if notice.kind == "conflict" and watchful.leaf_ref(tx, notice.leaf) == (
        "flight.version",
        wire.id_text(notice.flight),
    ):
        event = "SCD0090"
    return wire.UserNotificationRecord(
        triggering_event_time=wire.time(notice.caused_us),
        notification_time=wire.time(notice.at_us),
        notification_triggering_event=event,
        notification_details=f"{notice.operator}: {notice.text}",
    )


def _positions(tx: Tx, asked: Asked) -> list[wire.OperationalIntentPositions]:
    rows: list[tuple[bytes, int, int, bytes]]
    if asked.ident:
        ident = wire.entity_id(asked.ident, where="log_set_id")
        rows = [
            (ident, *row)
            for row in watchful.positions(
                tx, ident, after_us=asked.start_us, before_us=asked.end_us - 1, limit=RECORDS + 1
            )
        ]
    else:
        rows = watchful.positions_between(tx, asked.start_us, asked.end_us, RECORDS + 1)
    _within(rows, "positions")
    by_flight: dict[bytes, list[wire.PositionRecord]] = {}
    for flight, _, received_us, content in rows:
        record = wire.PositionRecord(
            time_received=wire.time(received_us), telemetry=wire.decode(content, wire.VehicleTelemetry)
        )
        by_flight.setdefault(flight, []).append(record)
    return [
        wire.OperationalIntentPositions(operational_intent_id=wire.id_text(flight), positions=records)
        for flight, records in by_flight.items()
    ]
