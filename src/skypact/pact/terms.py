"""What parties agree on beside distance and zones: notice, timers, levels, read-back, release, amendment.

Law: every term has a value, stated or by default, and a default is either the value that a source gives or
the one that promises least. The terms are plain data; what makes them contradict each other is in
``contradictions.py``, and who may see what is decided in ``visible.py``.

Sources of the defaults: FAA Order 7930.2, appendix D (a receipt within 15 minutes, the supervisor by phone
after 90); the standard operating procedure of OCHA's humanitarian notification system in Yemen, 2021
(movements 48 hours ahead, emergencies 24); a border agreement's right to an answer in 7 days, 2 if urgent;
Regulation (EU) 376/2014, article 4 (an occurrence reported within 72 hours). That a STOP is receipted within
a minute, that 100 m and 60 s are read back as the same, and that a notice is delivered at least, are ours.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE_S: Final = 60.0
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0


class Filing(enum.Enum):
    """The classes of what a party files."""

    FLIGHT = "flight"
    MOVEMENT = "movement"
    SITE = "site"
    ACTIVITY = "activity"
    ZONE = "zone"


class Level(enum.IntEnum):
    """How far a notice has come on the other side. None of them means agreed, permitted or guaranteed."""

    SENT = 0
    DELIVERED = 1
    OPENED = 2
    READ_BACK = 3
    PASSED_DOWN = 4
    EXECUTING_UNIT = 5

    @property
    def text(self) -> str:
        """The level in words."""
        return _LEVELS[self]


_LEVELS: Final = {
    Level.SENT: "sent",
    Level.DELIVERED: "delivered",
    Level.OPENED: "opened by a person",
    Level.READ_BACK: "read back correctly",
    Level.PASSED_DOWN: "passed down",
    Level.EXECUTING_UNIT: "confirmed by the executing unit",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """How long before its beginning something is notified, in seconds; None: the pact asks for no period."""

    normal_s: float | None = None
    emergency_s: float | None = None


@dataclass(frozen=True, slots=True)
class Notices:
    """The notice periods of each class of filing. A zone is declared and recognised; it has no period."""

    flight: Notice = Notice()
    movement: Notice = Notice(48 * HOUR_S, 24 * HOUR_S)
    site: Notice = Notice()
    activity: Notice = Notice()


@dataclass(frozen=True, slots=True)
class Timers:
    """How long each side has, in seconds.

    Attributes
    ----------
    receipt_s
        For the machine's receipt of a message.
    phone_s
        After which, without a receipt, the other side is rung up.
    query_s, urgent_query_s
        For the answer to a query.
    incident_report_s
        For the first report of an incident.
    stop_receipt_s
        For the receipt of a STOP.
    """

    receipt_s: float = 15 * MINUTE_S
    phone_s: float = 90 * MINUTE_S
    query_s: float = 7 * DAY_S
    urgent_query_s: float = 2 * DAY_S
    incident_report_s: float = 72 * HOUR_S
    stop_receipt_s: float = MINUTE_S


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The level that a notice of each class has to reach."""

    flight: Level = Level.DELIVERED
    movement: Level = Level.DELIVERED
    site: Level = Level.DELIVERED
    activity: Level = Level.DELIVERED
    zone: Level = Level.DELIVERED


@dataclass(frozen=True, slots=True)
class Readback:
    """How far what is read back may be from what was said, in metres and seconds."""

    position_m: float = 100.0
    time_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Release:
    """To whom a party's filings are released where they do not say so themselves.

    Attributes
    ----------
    of
        The party that files, or ``any``.
    to
        The parties that see it; ``any`` is every party of the pact.
    filings
        The classes that the rule is for.
    onward
        For a party that sees it, to whom it may pass it on. Nobody else may, and nobody beyond them.
    """

    of: str
    to: tuple[str, ...]
    filings: tuple[Filing, ...] = tuple(Filing)
    onward: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Intermediary:
    """A party that may forward what others have signed, unopened.

    Attributes
    ----------
    party
        Its id.
    on_behalf_of
        Whose messages it may forward; ``any`` is anybody's.
    to
        To which parties.
    """

    party: str
    on_behalf_of: tuple[str, ...]
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who cosigns the parties' ledgers: verifier keys (C2SP ``signed-note``), and how many must have."""

    vkeys: tuple[str, ...] = ()
    quorum: int = 0


@dataclass(frozen=True, slots=True)
class Amendment:
    """Whose signatures bring the next version into force.

    Attributes
    ----------
    required
        Parties that must have signed it.
    at_least
        How many parties must have signed it, the required ones among them; None: those that are required,
        or all where none is named.
    """

    required: tuple[str, ...] = ()
    at_least: int | None = None

    def needed(self, parties: int) -> int:
        """How many of so many parties must have signed."""
        return self.at_least or len(self.required) or parties


def stated(terms: Notices | Timers | Acknowledgement) -> Iterator[tuple[str, Any]]:
    """Each term of a table, by name, in the order of its fields."""
    return ((field.name, getattr(terms, field.name)) for field in fields(terms))
