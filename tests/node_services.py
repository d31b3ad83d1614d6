"""A node with all its services: constraints, monitor, log, its own interface; beside ``node_world``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node_world import DSS, MINUTE_US, Node, Sender, World, box, node, now_us
from skypact.courier.logged import Logged
from skypact.courier.peers import Peers
from skypact.desk.conformance import Monitor
from skypact.desk.constraints import ConstraintDesk, ConstraintFiling
from skypact.desk.logs import Journal, Logs
from skypact.desk.neighbours import Neighbours
from skypact.formats import f3548_wire as wire
from skypact.server import f3548_constraints, f3548_uss, native
from skypact.server.journalled import Journalled

if TYPE_CHECKING:
    from skypact.courier.client import Response
    from skypact.desk.constraints import ConstraintResult

SECOND_US = 1_000_000


@dataclass
class Serving:
    """One party's node, and what serves its people."""

    node: Node
    constraints: ConstraintDesk
    monitor: Monitor
    journal: Journal

    async def api(
        self, method: str, path: str, body: Any = None, *, who: str = "", scope: str = "skypact.flights"
    ) -> Response:
        """Ask the party's own interface, as the party or one of its people."""
        sender = Sender(self.node.sender.world, who or self.node.party)
        raw = body if isinstance(body, bytes | None) else wire.encode(body)
        url = f"{self.node.base_url}/api/v1{path}"  # long enough for kernels that are not compiled yet
        return await sender.send(method, url, scope=scope, body=raw, timeout_s=240.0)

    async def restrict(self, *volumes: wire.Volume4D, ident: str | None = None) -> ConstraintResult:
        """File a constraint."""
        filing = ConstraintFiling(
            volumes=list(volumes), type="com.example.fire", name="fire", provider="fire service"
        )
        return await self.constraints.file(filing, now_us(), ident=ident)

    async def notices(self) -> list[tuple[str, str, str]]:
        """What operators were told: kind, operator, text."""
        return [(n.kind, n.operator, n.text) for n in await self.node.desk.notices(0, 2**62)]


async def serving(world: World, party: str, **more: Any) -> Serving:
    """A node of a party with its services."""
    made = await node(world, party, constraints=True, **more)
    journal = Journal(made.desk.store)
    peers = Peers(Logged(made.sender, journal.note, source=made.base_url), DSS)
    constraints = ConstraintDesk(made.desk.store, peers, made.desk.flights)
    monitor = Monitor(made.desk.store, made.desk.flights)
    host = f"{party}.example"
    world.serve(
        host,
        (
            *f3548_uss.operations(made.desk),
            *f3548_constraints.operations(constraints, Logs(made.desk.store)),
            *native.operations(
                made.desk,
                monitor=monitor,
                constraints=constraints,
                arbiter=peers,
                neighbours=Neighbours(made.desk.store, peers, made.desk.flights),
            ),
        ),
    )
    world.apps[host] = Journalled(world.apps[host], journal.note, base_url=made.base_url)
    return Serving(made, constraints, monitor, journal)


def fix(
    lat: float,
    lng: float,
    at_us: int,
    *,
    altitude_m: float | None = 150.0,
    speed_m_s: float = 20.0,
) -> wire.VehicleTelemetry:
    """A position in hundredths of a degree from the field of :func:`node_world.box`."""
    return wire.VehicleTelemetry(
        time_measured=wire.time(at_us),
        position=wire.Position(
            latitude=47.0 + lat / 100.0,
            longitude=8.0 + lng / 100.0,
            accuracy_h="HA3m",
            accuracy_v="VA10m",
            altitude=None
            if altitude_m is None
            else wire.Altitude(value=altitude_m, reference="W84", units="M"),
        ),
        velocity=wire.Velocity(speed=speed_m_s, units_speed="MetersPerSecond", track=90.0),
    )


async def ask(world: World, url: str, scope: str, *, party: str = "judge") -> Response:
    """GET as some party."""
    return await Sender(world, party).send("GET", url, scope=scope)


def said(answer: Response) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.body)


__all__ = ["MINUTE_US", "SECOND_US", "Serving", "ask", "box", "fix", "said", "serving"]
