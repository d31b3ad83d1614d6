"""Others' flights that are not flown as planned and meet ours: where they are, as their managers say.

Law: a manager is asked when one of our people asks, and what it says is passed on as it said it, with the
instant at which it was measured; nothing of it is judged here, and nothing decided by it. That a manager does
not answer is said, and never read as that nothing is there.

How it works. What a peer has told or answered before says which of its flights are Nonconforming or
Contingent; those that meet a flight of ours are looked for as they are for operators' notices. Their managers
are asked side by side, each for at most ``peer_s``.

Known limits: a flight of which this node was never told, and which no plan of ours asked about, is not here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.desk import said
from skypact.desk.flights import OurMeetings
from skypact.desk.outside import NoAnswer, Rubbish, Turned
from skypact.errors import InputError
from skypact.exchange import planning as plan
from skypact.exchange.dss import State
from skypact.formats import f3548_wire as wire
from skypact.store import node as kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.desk.flights import Flights
    from skypact.desk.outside import Outside
    from skypact.store import Store

AT_ONCE: Final = 64
"""Of so many neighbours the managers are asked; of more, those whose flights end first."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An off-nominal flight of a peer that meets flights of ours.

    Attributes
    ----------
    reference
        The flight, as its manager last said it is.
    heard_us
        When it said so, microseconds since 1970 UTC.
    meets
        Flights of ours that it meets or may meet.
    answer
        What its manager says of where it is; None where it did not say.
    why
        Why it did not; empty where it did.
    """

    reference: wire.OperationalIntentReference
    heard_us: int
    meets: tuple[kept.Flight, ...]
    answer: wire.GetOperationalIntentTelemetryResponse | None
    why: str


class Neighbours:
    """Who flies near our flights otherwise than planned."""

    def __init__(self, store: Store, outside: Outside, flights: Flights) -> None:
        self._store = store
        self._outside = outside
        self._flights = flights

    async def off_nominal(
        self, now_us: int, *, concerns: Callable[[kept.Flight], bool] = lambda _: True
    ) -> list[Neighbour]:
        """The neighbours, by the end of their flights, and what is heard of each now.

        Parameters
        ----------
        concerns
            Which flights of ours count.
        """
        rows = await self._store.read(
            lambda tx: kept.known_in_states(tx, ("Nonconforming", "Contingent"), now_us)
        )
        found: list[tuple[kept.KnownEntity, wire.OperationalIntent, tuple[kept.Flight, ...]]] = []
        for row in rows:
            told = wire.decode(row.content or b"", wire.OperationalIntent)
            if State(told.reference.state).nominal:
                continue
            met = [flight for flight in await self._met(told) if concerns(flight)]
            if met:
                found.append((row, told, tuple(met)))
        return list(await asyncio.gather(*(self._heard(*one) for one in found[:AT_ONCE])))

    async def _met(self, told: wire.OperationalIntent) -> list[kept.Flight]:
        try:
            details = self._flights.volumed.intent(told)
        except InputError:  # it was accepted once; what it is now, nobody can compare
            return []
        other = plan.Other(said.reference_of(told.reference))
        meetings = OurMeetings(self._flights, other, details.volumes, details.priority)
        return [flight for flight, _ in await self._store.read(meetings.read)]

    async def _heard(
        self, row: kept.KnownEntity, told: wire.OperationalIntent, met: tuple[kept.Flight, ...]
    ) -> Neighbour:
        reference, answer, why = told.reference, None, ""
        try:
            answer = await self._outside.telemetry(
                reference.uss_base_url, wire.id_text(row.id), self._flights.settings.peer_s
            )
        except (NoAnswer, Turned, Rubbish) as error:
            why = str(error)
        else:
            if answer.telemetry is None:
                why = "its manager has no position of it"
        return Neighbour(reference, row.heard_us, met, answer, why)
