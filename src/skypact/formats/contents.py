"""What a file holds, once read: columns of the domain, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skypact.airspace.labels import DataMode, Kind
    from skypact.airspace.moving import States, Trajectories
    from skypact.airspace.volumes import Volumes, Zones
    from skypact.pact import Pact


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a reader takes where the file itself does not say.

    Attributes
    ----------
    start_us
        When a plan without times of its own begins (``--start``), microseconds since 1970 UTC; None: such a
        plan is refused.
    party
        The party of things whose file names none; "" is not stated.
    kind
        The kind of things whose file names none; None: the format's own usual kind (a ``.plan`` is uncrewed,
        else crewed).
    data_mode
        The mode of records whose file names none; None: ``real``.
    """

    start_us: int | None = None
    party: str = ""
    kind: Kind | None = None
    data_mode: DataMode | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """The contents of one file.

    Attributes
    ----------
    path, format
        Where it came from; the format's short name (``geojson``, ``csv``, ``openair``, ...).
    tracks
        Recorded trajectories, in which gaps are unobserved.
    plans
        Planned trajectories, which have no gaps.
    states
        The last sample of each recorded track with its velocity, where the format has velocities; what a
        prediction starts from.
    volumes
        4D volumes that somebody claims or intends to use.
    zones
        Zones: airspace, geozones, restrictions.
    pact
        An agreement.
    counts
        How much was read: plural noun to number (``points``, ``tracks``, ``volumes``, ``zones``,
        ``parties``).
    ignored
        What the reader left out and why, a sentence each, with the number where there are several.
    """

    path: str
    format: str
    tracks: Trajectories | None = None
    plans: Trajectories | None = None
    states: States | None = None
    volumes: Volumes | None = None
    zones: Zones | None = None
    pact: Pact | None = None
    counts: dict[str, int] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
