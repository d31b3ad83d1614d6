"""How far two parties' clocks are apart, from four timestamps of one message and its receipt.

Law: an offset is never said without its uncertainty, and a message that waited anywhere yields none, since
what it waited would be taken for an offset. Arithmetic is in whole microseconds.

How it works. A message leaves at ``sent`` and comes back, as a receipt, at ``back``, by the sender's clock;
it comes in at ``received`` and its receipt leaves at ``answered``, by the other's. The offset of the other's
clock is ``((received - sent) + (answered - back)) / 2``, and it is off by at most half the round trip,
however the way there and the way back share it.

Source: RFC 5905 (NTP), section 8.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offset:
    """The other's clock less one's own, in microseconds, and how far that may be off.

    Attributes
    ----------
    offset_us
        Positive where the other's clock is ahead.
    bound_us
        Half the round trip, rounded up.
    """

    offset_us: int
    bound_us: int

    def large(self, allowed_us: int) -> bool:
        """Whether the clocks are certainly further apart than that."""
        return abs(self.offset_us) - self.bound_us > allowed_us

    @property
    def text(self) -> str:
        """In seconds, with its uncertainty."""
        return f"{self.offset_us / 1e6:+.3f} ± {self.bound_us / 1e6:.3f} s"


def offset(sent_us: int, received_us: int, answered_us: int, back_us: int, *, waited: bool) -> Offset | None:
    """The offset of the other's clock; None where these four say nothing of it.

    Parameters
    ----------
    sent_us, back_us
        When the message left and its receipt came, by one's own clock.
    received_us, answered_us
        When it came in and the receipt left, by the other's.
    waited
        The message or its receipt lay in an outbox, or was tried more than once.
    """
    there = answered_us - received_us
    round_trip = back_us - sent_us - there
    if waited or there < 0 or round_trip < 0:  # a clock was set in between, or one of them is not that
        return None
    # rounded towards zero, and the bound up by as much as that can hide
    doubled = (received_us - sent_us) + (answered_us - back_us)
    return Offset(doubled // 2, (round_trip + 1) // 2 + doubled % 2)
