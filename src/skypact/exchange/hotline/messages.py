"""What is said on the hotline: one message, of one kind, from one party to one other.

Law: a message is plain data and is never changed. Its id is the SHA-256 of the bytes that were signed, so it
is the same everywhere, names exactly one text, and whoever answers it says what he has read. Numbers are
whole: instants in microseconds since 1970 UTC, positions in 10⁻⁷ degrees (11 mm or less), radii in metres.

A message to two parties is two messages: each has its own recipient and its own serial, so that each
recipient sees by itself that nothing is missing, and nothing that was said to one can be replayed to another.

Sources: the messages of ad-hoc hotlines, of incidents-at-sea agreements and of humanitarian notification, as
``docs/hotline.md`` lists them; the receipt is that of FAA Order 7930.2, appendix D.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.airspace.labels import DataMode
    from skypact.pact.terms import Filing, Level

DEGREE_E7: Final = 10**7
"""Units of a position in one degree."""


class Kind(enum.Enum):
    """What a message does."""

    NOTIFY = "NOTIFY"
    AMEND = "AMEND"
    CANCEL = "CANCEL"
    RECEIPT = "RECEIPT"
    READBACK = "READBACK"
    ACK = "ACK"
    REPLY = "REPLY"
    STOP = "STOP"
    HAZARD = "HAZARD"
    REPORT = "REPORT"
    QUERY = "QUERY"
    ANSWER = "ANSWER"
    SECOND_QUERY = "SECOND QUERY"
    CHECK_IN = "CHECK-IN"
    ZONE_DECLARE = "ZONE DECLARE"
    ZONE_RECOGNISE = "ZONE RECOGNISE"
    ZONE_REJECT = "ZONE REJECT"
    ZONE_RESERVE = "ZONE RESERVE"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    CALL_RECORD = "CALL RECORD"
    RELEASE = "RELEASE"
    FORWARD = "FORWARD"


class Post(enum.IntEnum):
    """Who spoke for the party, by his post; whoever holds a higher one may do what a lower one may."""

    MACHINE = 0
    WATCH_KEEPER = 1
    DUTY_OFFICER = 2

    @property
    def word(self) -> str:
        """The post as it is written."""
        return self.name.lower().replace("_", "-")


class Scope(enum.Enum):
    """For whom a reply speaks. Silence about the rest of the sky is no statement about it."""

    MINE = "mine"
    NOT_MINE = "not mine"
    UNKNOWN = "unknown"
    NOT_ANSWERING_FOR = "not answering for"


class Intent(enum.Enum):
    """What who replies means to do."""

    WILL_AVOID = "will avoid"
    CANNOT_AVOID = "cannot avoid"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Text:
    """Words of a person, as he put them, and the language that they are in (a tag of BCP 47)."""

    language: str
    words: str


@dataclass(frozen=True, slots=True)
class Position:
    """A position on WGS 84, in 10⁻⁷ degrees; north and east are positive."""

    lat_e7: int
    lng_e7: int

    @property
    def lat_deg(self) -> float:
        """The latitude in degrees."""
        return self.lat_e7 / DEGREE_E7

    @property
    def lng_deg(self) -> float:
        """The longitude in degrees."""
        return self.lng_e7 / DEGREE_E7


# -- what the kinds have beside -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plain:
    """Nothing but words, if any: CANCEL, ANSWER, CHECK-IN, the stances to a zone, SUSPEND, RESUME, REPORT."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is notified: enough to be read back over a telephone. The filing itself has all of it.

    Attributes
    ----------
    filing
        Its class.
    ref, version, sha256
        The filing's id, its version from 1, and the digest of its stored bytes in hexadecimal; "" where there
        is no filing beside.
    points
        Where, in the order in which it is read out: a site's one position, a route's legs, an outline.
    start_us, end_us
        When, half-open.
    radius_m
        Around the one point; None where there is none.
    floor, ceiling
        As the sender puts them (``surface``, ``FL100``); "" where nothing is said.
    emergency
        The pact's shorter notice period is claimed.
    """

    filing: Filing
    ref: str
    version: int
    points: tuple[Position, ...]
    start_us: int
    end_us: int
    sha256: str = ""
    radius_m: int | None = None
    floor: str = ""
    ceiling: str = ""
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Repeated:
    """What was heard, read back: every position in its order, and both instants."""

    points: tuple[Position, ...]
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Received:
    """When a machine took a message in, by its own clock; a RECEIPT's ``said_us`` is when it answered."""

    received_us: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A level that a person vouches for, 2, 4 or 5, and to whom it was passed down or which unit confirms."""

    level: Level
    to_whom: str = ""


@dataclass(frozen=True, slots=True)
class Replied:
    """For whom a reply speaks, for whom it does not, and what is meant to be done."""

    scope: Scope
    intent: Intent
    not_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """A STOP or HAZARD.

    Attributes
    ----------
    points
        Where; empty: everywhere that the other side acts.
    start_us
        From when on.
    about
        The id of the message that it is about; "" for none.
    incident
        Something has happened already: both sides owe a first report.
    """

    points: tuple[Position, ...]
    start_us: int
    about: str = ""
    incident: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Whether the shorter term for an answer is claimed."""

    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A voice call, as one side has it.

    Attributes
    ----------
    caller, called
        The parties.
    answered_by
        The post of who took it; "" where nobody did.
    start_us, end_us
        From ringing to hanging up.
    holds
        When the line was held, half-open spans within the call.
    spoken, translation
        What was said, as spoken, and in the other language.
    """

    caller: str
    called: str
    start_us: int
    end_us: int
    answered_by: str = ""
    holds: tuple[tuple[int, int], ...] = ()
    spoken: Text | None = None
    translation: Text | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """To whom the recipient may pass on what it answers."""

    onward: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """What another has signed, unopened: whose it says it is, and its envelope as it came."""

    on_behalf_of: str
    envelope: str


Body = (
    Plain
    | Notice
    | Repeated
    | Received
    | Acknowledged
    | Replied
    | Alarm
    | Question
    | Call
    | Released
    | Carried
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes
    ----------
    id
        The SHA-256 of its signed bytes, in hexadecimal.
    kind, body
        What it does, and with what.
    sender, to
        The parties.
    pact
        The digest of the pact under which it was said (``sha256:`` and 64 digits).
    serial
        Its number among the sender's messages to this recipient, from 1, without gaps.
    thread, re
        The id of the message that opened its thread, and of the one that it answers; of a message that opens
        one, its own id and "".
    said_us
        When it was signed, by the sender's clock.
    data_mode, post
        The data mode; by whom it was said.
    text
        Words of a person beside it.
    carrier
        The intermediary that brought it; "" where it came straight.
    """

    id: str
    kind: Kind
    sender: str
    to: str
    pact: str
    serial: int
    thread: str
    re: str
    said_us: int
    data_mode: DataMode
    post: Post
    body: Body
    text: Text | None = None
    carrier: str = field(default="", compare=False)  # one message, on whichever way it came

    # what :func:`skypact.pact.visible` asks of a thing: a message is its sender's, and for its recipient

    @property
    def filer(self) -> str:
        """Whose it is."""
        return self.sender

    @property
    def filing(self) -> Filing | None:
        """None: no release rule of the pact fits a message."""
        return None

    @property
    def releasable_to(self) -> tuple[str, ...]:
        """Its recipient, and nobody else."""
        return (self.to,)

    @property
    def onward(self) -> Mapping[str, tuple[str, ...]] | None:
        """None: to whom a notice may be passed on is said by a RELEASE beside it (``Thread.onward``)."""
        return None
