"""Separation: how near two things may come, by rule.

Law: this is the one place that says which minima hold for a pair. A rule names two sides; the first rule that
fits a pair, either way round, holds. A pair that no rule fits is *unchecked* and is listed as such, never
passed over. **Inside minima** means strictly less than both at once, horizontally and vertically: exactly
1,000 ft is separated.

Agreed proximity (a formation, a tanker and its helicopter) does not change the minima. It marks what is found
as agreed, until its expiry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from skypact.airspace.labels import Kind, Labels
from skypact.errors import PactError
from skypact.instants import FOREVER
from skypact.units import FT_M, NM_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ANY = "any"
"""The side of a rule that fits everything."""
HORIZONTAL_LIMIT_M = 500_000.0
"""Horizontal minima beyond this are refused as a mistake of unit."""
VERTICAL_LIMIT_M = 100_000.0
"""Vertical minima beyond this are refused as a mistake of unit."""


@dataclass(frozen=True, slots=True)
class Minima:
    """How near is too near: horizontally *and* vertically less than these metres; how far to look ahead."""

    horizontal_m: float
    vertical_m: float
    lookahead_s: float = 300.0

    def __post_init__(self) -> None:
        for name, value, limit in (
            ("horizontal_m", self.horizontal_m, HORIZONTAL_LIMIT_M),
            ("vertical_m", self.vertical_m, VERTICAL_LIMIT_M),
            ("lookahead_s", self.lookahead_s, 86_400.0),
        ):
            if not (math.isfinite(value) and 0.0 <= value <= limit):
                raise PactError("not a minimum", where=name, found=value, expected=f"0 to {limit:g}")


EN_ROUTE = Minima(5.0 * NM_M, 1000.0 * FT_M)
"""Radar en-route minima: 5 NM and 1,000 ft, five minutes ahead (ICAO Doc 4444, 8.7.3.1 and 5.3.2)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a pact's separation: a name for messages, two sides, and the minima between them.

    A side is a kind (``crewed``, ``uncrewed``, ``ground``, ``static``), a party's id, one thing's id, or
    ``any``.
    """

    name: str
    between: tuple[str, str]
    minima: Minima


@dataclass(frozen=True, slots=True)
class Proximity:
    """Two things, by id or body, that have agreed to fly close until an instant (us since 1970 UTC)."""

    between: tuple[str, str]
    until_us: int = FOREVER
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Rules resolved for the things of one check.

    Attributes
    ----------
    klass
        The class of each thing, int32, shape (n,); things of one class meet the same rules.
    rule
        Index into ``rules`` for a pair of classes, -1 where none fits; int32, shape (c, c), symmetric.
    horizontal_m, vertical_m, lookahead_s
        The minima for a pair of classes, 0 where no rule fits; shape (c, c).
    """

    klass: NDArray[np.int32]
    rule: NDArray[np.int32]
    horizontal_m: NDArray[np.float64]
    vertical_m: NDArray[np.float64]
    lookahead_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Separation:
    """The separation rules of one agreement, in order, with the agreed proximities."""

    rules: tuple[Rule, ...]
    proximities: tuple[Proximity, ...] = field(default=())

    @classmethod
    def uniform(cls, minima: Minima = EN_ROUTE, *, name: str = "") -> Separation:
        """The same minima for every pair."""
        text = name or f"{minima.horizontal_m / NM_M:g} NM / {minima.vertical_m / FT_M:g} ft"
        return cls((Rule(text, (ANY, ANY), minima),))

    def resolve(self, labels: Labels) -> Matrix:
        """Work out which rule holds between the things labelled.

        Near-linear: things fall into classes by kind, party and, where a rule names it, id; rules are tried
        on classes.
        """
        named = {side for rule in self.rules for side in rule.between} - {ANY} - {kind.word for kind in Kind}
        # a name may be an id and a party at once: each fits, and neither hides the other
        single = {name: k + 1 for k, name in enumerate(sorted(named))}
        n = len(labels)
        own = np.zeros(n, np.int64)
        if single:
            own[:] = np.fromiter((single.get(name, 0) for name in labels.ids), np.int64, n)
        code = (own * max(1, len(labels.parties)) + labels.party) * len(Kind) + labels.kind
        present = np.bincount(code, minlength=1) if n else np.zeros(1, np.int64)
        classes = np.nonzero(present)[0]
        number = np.zeros(present.shape[0], np.int32)
        number[classes] = np.arange(classes.shape[0])
        names = ["", *sorted(single, key=lambda name: single[name])]
        sides = [
            {
                ANY,
                Kind(int(c % len(Kind))).word,
                labels.parties[(c // len(Kind)) % max(1, len(labels.parties))] if labels.parties else "",
                names[c // (len(Kind) * max(1, len(labels.parties)))],
            }
            - {""}  # not stated is no name
            for c in classes.tolist()
        ]
        size = len(sides)
        rule = np.full((size, size), -1, np.int32)
        for i in range(size):
            for j in range(size):
                for k, candidate in enumerate(self.rules):
                    one, two = candidate.between
                    if (one in sides[i] and two in sides[j]) or (one in sides[j] and two in sides[i]):
                        rule[i, j] = k
                        break
        table = np.array(
            [(r.minima.horizontal_m, r.minima.vertical_m, r.minima.lookahead_s) for r in self.rules]
            + [(0.0, 0.0, 0.0)]
        )
        return Matrix(
            number[code] if n else np.zeros(0, np.int32), rule, table[rule, 0], table[rule, 1], table[rule, 2]
        )

    def agreed_until(self, a: Sequence[str], b: Sequence[str]) -> int | None:
        """Until when two things, each known by these names, have agreed to fly close; None: they have not."""
        best: int | None = None
        for proximity in self.proximities:
            one, two = proximity.between
            if ((one in a and two in b) or (one in b and two in a)) and (
                best is None or proximity.until_us > best
            ):
                best = proximity.until_us
        return best
