"""Whether a filing came in time: said, never refused.

Law: **late is said and never silent, and it refuses nothing**: a convoy that was told late is still on the
road. The period is the pact's for the class, the emergency's where the filing gives its reason. It is
counted to the planned beginning, without its tolerance.

Source of the periods: :mod:`skypact.pact.terms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skypact.instants import SECOND_US
from skypact.pact import Filing as FilingClass
from skypact.pact import Notice

if TYPE_CHECKING:
    from skypact.notify.filing import Filing
    from skypact.pact import Notices


@dataclass(frozen=True, slots=True)
class Lead:
    """How long before its beginning something was filed, and what the pact asks for.

    Attributes
    ----------
    lead_us
        From the filing to the planned beginning, microseconds; below zero where it had begun.
    asked_us
        What the pact asks for; None: it asks for no period.
    emergency
        Whether that is the period of an emergency.
    """

    lead_us: int
    asked_us: int | None
    emergency: bool

    @property
    def late_us(self) -> int:
        """By how much it is late, microseconds; 0 where it is in time, or no period is asked for."""
        return 0 if self.asked_us is None else max(0, self.asked_us - self.lead_us)

    @property
    def text(self) -> str:
        """The finding for people."""
        when = (
            f"filed {duration(self.lead_us)} before it begins"
            if self.lead_us >= 0
            else f"filed {duration(-self.lead_us)} after it began"
        )
        if self.asked_us is None:
            return f"{when}; the pact asks for no period"
        what = "in an emergency" if self.emergency else "normally"
        asked = f"{when}; the pact asks for {duration(self.asked_us)} {what}"
        return f"{asked}: late by {duration(self.late_us)}" if self.late_us else asked


def lead(filing: Filing, notices: Notices, filed_us: int) -> Lead:
    """Hold a filing against the pact's notice periods.

    Parameters
    ----------
    filing
        What was filed.
    notices
        The pact's periods.
    filed_us
        When, microseconds since 1970 UTC: by the clock of who judges, not of who filed.
    """
    return lead_of(filing.filing, filing.window.start_us, bool(filing.emergency), notices, filed_us)


def lead_of(
    filing: FilingClass, start_us: int, emergency_claimed: bool, notices: Notices, filed_us: int
) -> Lead:
    """The same of a class and a planned beginning. An emergency is one where the pact has a period for it."""
    periods: Notice = Notice() if filing is FilingClass.ZONE else getattr(notices, filing.value)
    emergency = emergency_claimed and periods.emergency_s is not None
    asked_s = periods.emergency_s if emergency else periods.normal_s
    asked_us = None if asked_s is None else round(asked_s * SECOND_US)
    return Lead(start_us - filed_us, asked_us, emergency)


def duration(length_us: int) -> str:
    """A length of time for people, its two largest units, rounded down: ``2 d 3 h``, ``5 min 10 s``."""
    rest = abs(length_us) // SECOND_US
    parts: list[str] = []
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, seconds)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
