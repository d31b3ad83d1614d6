"""What a check answers: findings in columns, and everything that was not decided.

Law: a verdict is never a bool. :class:`Findings` holds what was found; beside it stand what could not be
compared (:class:`Unchecked`), what was not observed (:class:`Unobserved`) and the assumptions under which
nothing *else* was found. An empty ``Findings`` is not a clearance, and nothing here reads so.

Rows are ordered by ``start_us``, then ``a``, then ``b``: the same question gives the same answer, byte for
byte.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from skypact.airspace.labels import Labels


class FindingKind(enum.IntEnum):
    """What kind of meeting a finding is."""

    LOSS = 0
    """Recorded or planned trajectories inside minima."""
    ENCOUNTER = 1
    """Live states predicted to come inside minima."""
    CONFLICT = 2
    """A volume that meets another volume or a trajectory."""
    ENTRY = 3
    """A trajectory or state inside a zone, or predicted to be."""
    OUTSIDE = 4
    """A trajectory outside its own volumes."""

    @property
    def word(self) -> str:
        """The kind in lower case, as ``--format json`` writes it."""
        return self.name.lower()


class Reason(enum.IntEnum):
    """Why a pair was not decided."""

    NO_RULE = 0
    """No separation rule covers the pair."""
    ALTITUDE_UNKNOWN = 1
    """They come near horizontally, and at least one altitude is not known there."""
    ALTITUDE_INCOMPARABLE = 2
    """They come near horizontally; their altitude references do not compare without QNH or terrain."""

    @property
    def text(self) -> str:
        """The reason for a reader."""
        return _REASONS[self]


_REASONS = {
    Reason.NO_RULE: "no separation rule covers this pair",
    Reason.ALTITUDE_UNKNOWN: "near horizontally, but an altitude is not known",
    Reason.ALTITUDE_INCOMPARABLE: (
        "near horizontally, but the altitude references cannot be compared without QNH or terrain"
    ),
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """One row of :class:`Findings`, in the units of the columns; ``a`` and ``b`` number the labels."""

    kind: FindingKind
    a: int
    b: int
    start_us: int
    end_us: int
    closest_us: int
    horizontal_m: float
    vertical_m: float
    lat_deg: float
    lng_deg: float
    altitude_m: float
    margin_m: float
    marginal: bool
    rule: str
    agreed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Unchecked:
    """Pairs that were not decided, k rows: who, when (open where unknown), and the :class:`Reason` (int8).

    A pair of classes that no rule covers can be millions of pairs of things; for :attr:`Reason.NO_RULE` the
    rows are those pairs that were present at the same time, at most :data:`LISTED`, and ``no_rule_pairs``
    counts all of them.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    reason: NDArray[np.int8]
    no_rule_pairs: int = 0

    @classmethod
    def none(cls) -> Unchecked:
        """Nothing was left undecided."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty, empty, np.zeros(0, np.int8))

    def __len__(self) -> int:
        return len(self.a)


LISTED = 1000
"""How many pairs without a rule are listed by name; all are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Unobserved:
    """Stretches of a trajectory with no sample for longer than ``max_gap``, k rows: who, from, to."""

    who: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]

    @classmethod
    def none(cls) -> Unobserved:
        """Everything was observed, or the question has no gaps."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty)

    def __len__(self) -> int:
        return len(self.who)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """k findings in columns, each of shape (k,).

    Attributes
    ----------
    kind
        What was asked; one for all rows.
    labels_a, labels_b
        Whom ``a`` and ``b`` number; the same object when a set was checked against itself.
    a, b
        Positions in the labels, int64. In a self-check ``a < b``.
    start_us, end_us
        First and last instant inside minima (for a volume's half-open window: its end), microseconds since
        1970 UTC.
    closest_us, horizontal_m, vertical_m
        The closest point of approach within that window: of all its instants the one with the least
        horizontal distance, the earliest if several; the distances then. Geodesic metres on WGS 84; vertical
        metres in the common reference.
    lat_deg, lng_deg, altitude_m
        Where ``a`` is then; the altitude in ``a``'s own reference, NaN if it has none.
    margin_m
        ``max(horizontal - its minimum, vertical - its minimum)`` then: below zero by as much as the pair
        would have to be moved to be separated.
    marginal
        The finding owes itself to the error bound: without it, it would not be one.
    rule
        Index into ``rules`` of the minima that were broken.
    agreed
        Covered by an agreed proximity for the whole window: to be shown, not alarmed.
    rules
        The rules' names.
    unchecked, unobserved
        What was not decided and what was not seen.
    assumptions
        Under what this answer holds: name to text, for people.
    now_us
        For predictions, the instant they were made from; None otherwise.
    """

    kind: FindingKind
    labels_a: Labels
    labels_b: Labels
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    closest_us: NDArray[np.int64]
    horizontal_m: NDArray[np.float64]
    vertical_m: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    lng_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    margin_m: NDArray[np.float64]
    marginal: NDArray[np.bool_]
    rule: NDArray[np.int32]
    agreed: NDArray[np.bool_]
    rules: Sequence[str]
    unchecked: Unchecked
    unobserved: Unobserved
    assumptions: Mapping[str, str]
    now_us: int | None = None

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, row: int) -> Conflict:
        """One row as a :class:`Conflict`."""
        row = range(len(self))[row]
        return Conflict(
            self.kind,
            int(self.a[row]),
            int(self.b[row]),
            int(self.start_us[row]),
            int(self.end_us[row]),
            int(self.closest_us[row]),
            float(self.horizontal_m[row]),
            float(self.vertical_m[row]),
            float(self.lat_deg[row]),
            float(self.lng_deg[row]),
            float(self.altitude_m[row]),
            float(self.margin_m[row]),
            bool(self.marginal[row]),
            self.rules[self.rule[row]],
            bool(self.agreed[row]),
        )

    def __iter__(self) -> Iterator[Conflict]:
        return (self[row] for row in range(len(self)))

    @property
    def duration_s(self) -> NDArray[np.float64]:
        """How long each window lasts, in seconds; shape (k,)."""
        return np.asarray((self.end_us - self.start_us) * 1e-6, np.float64)

    @property
    def time_to_s(self) -> NDArray[np.float64]:
        """For predictions, seconds from ``now_us`` to each window's start, 0 if it has begun; shape (k,)."""
        since = self.start_us if self.now_us is None else self.now_us
        return np.asarray((self.start_us - since) * 1e-6, np.float64)

    @property
    def pairs(self) -> int:
        """How many different pairs were found; a pair that meets twice is one pair and two rows."""
        return int(np.unique(self.a * max(1, len(self.labels_b)) + self.b).shape[0])
