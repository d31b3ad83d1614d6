"""What others wrote, in our terms: references, details and boxes for the rules of planning.

Law: pure functions of messages. Volumes that were made once are kept, under the digest of the bytes they were
made of: the same bytes give the same volumes, whoever sent them, so that what is kept can never be wrong.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace.boxes import boxes
from skypact.airspace.labels import Kind, Labels
from skypact.airspace.volumes import Volumes
from skypact.errors import InputError
from skypact.exchange import planning as plan
from skypact.exchange.dss import Availability, State
from skypact.formats import f3548_wire as wire
from skypact.instants import EVER, FOREVER
from skypact.store.node import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skypact.airspace.labels import DataMode

KEPT: Final = 4_096
"""How many sets of volumes are kept made; some 10 KB each."""
VOLUMES_MAX: Final = 1_000
"""Volumes of one entity that are taken from others."""
VERTICES_MAX: Final = 10_000
"""Vertices of all of them together: the standard's ``OiMaxVertices``."""
AREAS_MAX: Final = 16
"""Into how many boxes the search around one flight is cut at most."""


def reference_of(said: wire.OperationalIntentReference) -> plan.Reference:
    """An intent as the DSS shows it.

    Raises
    ------
    InputError
        One of its members is not what it should be.
    """
    return _reference(said, State(said.state))


def constraint_reference_of(said: wire.ConstraintReference) -> plan.Reference:
    """A constraint as the DSS shows it.

    Raises
    ------
    InputError
        One of its members is not what it should be.
    """
    return _reference(said, None)


def _reference(
    said: wire.OperationalIntentReference | wire.ConstraintReference, state: State | None
) -> plan.Reference:
    return plan.Reference(
        ident=said.id.lower(),
        manager=said.manager,
        version=said.version,
        state=state,
        availability=Availability(said.uss_availability),
        start_us=wire.instant(said.time_start, where="time_start"),
        end_us=wire.instant(said.time_end, where="time_end"),
        base_url=said.uss_base_url,
        ovn=shown_ovn(said.ovn),
    )


def shown_ovn(ovn: str | None) -> str:
    """An OVN, empty where it is hidden: no OVN has a space, and what stands for a hidden one has."""
    return "" if ovn is None or " " in ovn else ovn


class Volumed:
    """Volumes that were made of wire volumes, kept by what they were made of; for any thread."""

    def __init__(self, mode: DataMode) -> None:
        self._mode = mode
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, Volumes] = OrderedDict()

    def of(
        self, volumes: Sequence[wire.Volume4D], *, ident: str, party: str, where: str = "$.volumes"
    ) -> Volumes:
        """The volumes of one entity; there is at least one.

        Raises
        ------
        InputError
            One of them is none; names its JSON path.
        """
        name = _name(volumes, ident, party)
        with self._lock:
            made = self._kept.get(name)
            if made is not None:
                self._kept.move_to_end(name)
                return made
        made = wire.domain_volumes(volumes, ident=ident, party=party, mode=self._mode, where=where)
        self._keep(name, made)
        return made

    def prepare(self, entities: Iterable[wire.OperationalIntent | wire.Constraint]) -> None:
        """Make the volumes of many entities in one go, a tenth of the work of one by one.

        Where one of them is none, nothing is made: whoever asks for it is told what is wrong.
        """
        new: dict[bytes, tuple[list[wire.Volume4D], str, str]] = {}
        for entity in entities:
            listed, reference = listed_of(entity), entity.reference
            ident = _body(entity)
            name = _name(listed, ident, reference.manager)
            if listed and name not in self._kept and _excess(listed) is None:
                new[name] = (listed, ident, reference.manager)
        if len(new) < 2:
            return
        try:
            parts = [wire.domain_volume(v, where="$") for listed, _, _ in new.values() for v in listed]
            labels = Labels.of(
                [ident for listed, ident, _ in new.values() for _ in listed],
                party=[party for listed, _, party in new.values() for _ in listed],
                kind=Kind.UNCREWED,
                data_mode=self._mode,
            )
            together = Volumes.of(labels, parts)
        except InputError:
            return
        at = 0
        for name, (listed, _, _) in new.items():
            self._keep(name, together.take(np.arange(at, at + len(listed))))
            at += len(listed)

    def _keep(self, name: bytes, made: Volumes) -> None:
        with self._lock:
            self._kept[name] = made
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def intent(self, said: wire.OperationalIntent) -> plan.Details:
        """What a peer says of an intent.

        Raises
        ------
        InputError
            It cannot be: no volumes, volumes that are none, no OVN, no instants.
        """
        reference, details = said.reference, said.details
        listed = listed_of(said)
        if not listed:
            raise InputError("an intent without volumes", where="$.details.volumes")
        _within(listed, where="$.details.volumes")
        ident = reference.id.lower()
        return plan.Details(
            ident=ident,
            manager=reference.manager,
            version=reference.version,
            state=State(reference.state),
            ovn=_own_ovn(reference.ovn),
            priority=details.priority,
            start_us=wire.instant(reference.time_start, where="$.reference.time_start"),
            end_us=wire.instant(reference.time_end, where="$.reference.time_end"),
            volumes=self.of(listed, ident=ident, party=reference.manager, where="$.details.volumes"),
            off_nominal=bool(details.off_nominal_volumes),
        )

    def constraint(self, said: wire.Constraint) -> plan.Details:
        """What a peer says of a constraint.

        Raises
        ------
        InputError
            It cannot be.
        """
        reference = said.reference
        ident = reference.id.lower()
        _within(said.details.volumes, where="$.details.volumes")
        return plan.Details(
            ident=ident,
            manager=reference.manager,
            version=reference.version,
            state=None,
            ovn=_own_ovn(reference.ovn),
            priority=0,
            start_us=wire.instant(reference.time_start, where="$.reference.time_start"),
            end_us=wire.instant(reference.time_end, where="$.reference.time_end"),
            volumes=self.of(
                said.details.volumes, ident=_body(said), party=reference.manager, where="$.details.volumes"
            ),
        )


def _body(said: wire.OperationalIntent | wire.Constraint) -> str:
    """What its volumes are called: those of one name are one body, and never meet (:mod:`skypact.check`)."""
    ident = said.reference.id.lower()
    return ident if isinstance(said, wire.OperationalIntent) else f"constraint {ident}"


def listed_of(said: wire.OperationalIntent | wire.Constraint) -> list[wire.Volume4D]:
    """All volumes of an entity, off-nominal ones last."""
    details = said.details
    if isinstance(details, wire.OperationalIntentDetails):
        return [*(details.volumes or ()), *(details.off_nominal_volumes or ())]
    return list(details.volumes)


def _name(volumes: Sequence[wire.Volume4D], ident: str, party: str) -> bytes:
    return hashlib.sha256(b"\0".join((ident.encode(), party.encode(), wire.encode(list(volumes))))).digest()


def _excess(volumes: Sequence[wire.Volume4D]) -> tuple[str, int, int] | None:
    """What there is more of than one entity may have: its name, how many, and how many at most."""
    corners = sum(len(v.volume.outline_polygon.vertices) if v.volume.outline_polygon else 1 for v in volumes)
    counts = (("volumes", len(volumes), VOLUMES_MAX), ("vertices", corners, VERTICES_MAX))
    return next((count for count in counts if count[1] > count[2]), None)


def _within(volumes: Sequence[wire.Volume4D], *, where: str) -> None:
    """Refuse more than one entity may have, before anything is computed with it."""
    excess = _excess(volumes)
    if excess is not None:
        name, found, most = excess
        raise InputError(
            f"more {name} than an entity may have",
            where=where,
            found=f"{found:,}",
            expected=f"at most {most:,}",
        )


def _own_ovn(ovn: str | None) -> str:
    if ovn is None or not 16 <= len(ovn) <= 128 or " " in ovn:
        raise InputError(
            "no OVN that anybody could show",
            where="$.reference.ovn",
            found=ovn,
            expected="16 to 128 characters, without a space",
        )
    return ovn


def digest_of(said: wire.OperationalIntent | wire.Constraint) -> bytes:
    """What must not differ between two tellings of one version: all but what the DSS may change meanwhile."""
    reference = said.reference
    parts = [
        reference.id.lower(),
        reference.manager,
        str(reference.version),
        reference.ovn or "",
        reference.state if isinstance(reference, wire.OperationalIntentReference) else "",
        str(wire.instant(reference.time_start, where="$.reference.time_start")),
        str(wire.instant(reference.time_end, where="$.reference.time_end")),
    ]
    details = said.details
    content: object = details
    if isinstance(details, wire.OperationalIntentDetails):  # none and an empty list are the same
        content = [details.volumes or [], details.off_nominal_volumes or [], details.priority]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + wire.encode(content)).digest()


# -- where things are ---------------------------------------------------------------------------------------


def box_of(volumes: Volumes) -> Box:
    """The box around all of them, never too small."""
    parts = boxes(volumes)
    first = parts[0]
    west, east = first.west, first.east
    for part in parts[1:]:
        turn = min((-360.0, 0.0, 360.0), key=lambda t, p=part: abs(p.west + t - west))  # type: ignore[misc]
        west, east = min(west, part.west + turn), max(east, part.east + turn)
    if east - west >= 360.0:
        west, east = -180.0, 180.0
    elif west < -180.0:
        west, east = west + 360.0, east + 360.0
    return Box(min(p.south for p in parts), max(p.north for p in parts), west, east)


def areas_of(volumes: Sequence[wire.Volume4D]) -> list[wire.Volume4D]:
    """Where to look for what is relevant: the box of each volume; neighbours share one where there are many.

    A volume whose box would reach over the 180th meridian, and a circle, is looked for as it is.
    """
    size = -(-len(volumes) // AREAS_MAX)
    areas: list[wire.Volume4D] = []
    for start in range(0, len(volumes), size):
        group = volumes[start : start + size]
        boxed = _boxed(group)
        areas += [boxed] if boxed is not None else list(group)
    return areas


def _boxed(group: Sequence[wire.Volume4D]) -> wire.Volume4D | None:
    lats: list[float] = []
    lngs: list[float] = []
    for volume in group:
        shape = volume.volume.outline_polygon
        if shape is None:
            return None
        lats += [p.lat for p in shape.vertices]
        lngs += [p.lng for p in shape.vertices]
    south, north, west, east = min(lats), max(lats), min(lngs), max(lngs)
    if east - west >= 90.0 or north - south <= 0.0:
        return None
    parts = [wire.domain_volume(volume, where="$") for volume in group]
    lows = [v.volume.altitude_lower for v in group]
    highs = [v.volume.altitude_upper for v in group]
    corners = ((south, west), (south, east), (north, east), (north, west))
    start, end = min(p.start_us for p in parts), max(p.end_us for p in parts)
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_polygon=wire.Polygon(vertices=[wire.LatLngPoint(lat=a, lng=b) for a, b in corners]),
            altitude_lower=None if None in lows else min((x for x in lows if x), key=lambda x: x.value),
            altitude_upper=None if None in highs else max((x for x in highs if x), key=lambda x: x.value),
        ),
        time_start=None if start == EVER else wire.time(start),
        time_end=None if end == FOREVER else wire.time(end),
    )


def ovn_suffix(now_us: int, chance: bytes) -> str:
    """A UUID of version 7 of an instant and ten random bytes."""
    number = (now_us // 1_000) << 80 | int.from_bytes(chance[:10], "big")
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=number))
