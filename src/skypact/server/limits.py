"""How much one party may ask, and how large, deep and slow one request may be.

Law: every limit is named in the refusal that it causes, and every limit can be set. Buckets are of one
process: a party behind four processes may ask four times as much.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from skypact.server.body import NESTING_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may be, and one party may ask.

    Attributes
    ----------
    body_bytes
        Bytes of a body: a key of 50,000 OVNs and more than 100,000 vertices fit.
    nesting
        Levels of arrays and objects.
    body_s
        Seconds from the first byte of a request to the last.
    answer_s
        Seconds until an operation is answered with 503; it goes on to its end all the same.
    header_bytes
        Bytes of the request line and all headers.
    party_per_s, party_burst
        Requests a second of one party in the long run, and at once.
    connections
        Connections open at once in this process; more get 503.
    """

    body_bytes: int = 8 * 1024 * 1024
    nesting: int = NESTING_MAX
    body_s: float = 10.0
    answer_s: float = 30.0
    header_bytes: int = 64 * 1024
    party_per_s: float = 2_000.0
    party_burst: float = 4_000.0
    connections: int = 2_000


PARTIES_MAX: Final = 10_000
"""Parties whose buckets are remembered; whoever has not asked for longest is forgotten."""


@dataclass(slots=True)
class Buckets:
    """A bucket of tokens for each party (token bucket: one token a request, filled at a steady rate)."""

    per_s: float
    burst: float
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait_s(self, party: str, now_s: float) -> float:
        """Take a token: 0.0 where there was one, else the seconds until there will be.

        Parameters
        ----------
        party
            Who asks.
        now_s
            Seconds of a clock that never goes back.
        """
        tokens, since_s = self._left.pop(party, (self.burst, now_s))
        tokens = min(self.burst, tokens + (now_s - since_s) * self.per_s)
        if tokens < 1.0:
            self._left[party] = tokens, now_s
            return (1.0 - tokens) / self.per_s
        self._left[party] = tokens - 1.0, now_s
        if len(self._left) > PARTIES_MAX:
            self._left.popitem(last=False)
        return 0.0


def retry_after(wait_s: float) -> Mapping[str, str]:
    """The header that says when to ask again: whole seconds, at least one."""
    return {"retry-after": str(max(1, math.ceil(wait_s)))}
