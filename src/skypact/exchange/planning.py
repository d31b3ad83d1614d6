"""Planning a flight among others: what to ask, what to decide, what to say; a machine without I/O.

Law: nothing is put to the discovery service (DSS) that was not decided on the details of every relevant
intent; what could not be had is a reason to refuse, never to go on. What was sent and not answered is asked
about, never guessed. The whole state of an attempt is one value, :class:`Attempt`, that the desk commits
before each thing that others could see, so that a kill at any point loses nothing and does nothing twice.

How it works. A :class:`Planning` is a value. :meth:`Planning.step` says what to do next, and the answer is
given to the method of that step, which returns the next value::

    LOOK    ask the DSS what is relevant            looked
    FETCH   get the details that are not known      fetched, then the decision
    SEND    put or delete, with the key             sent
    ASK     get our reference: did it arrive?       asked
    OVER    nothing more                            step().outcome

- The *key* holds the OVN of every relevant entity whose details are known. An answer that names missing ones
  leads back to FETCH, at most :data:`ROUNDS` times.
- Each attempt asks for its own OVN (``requested_ovn_suffix``), so that it knows what it would be called. When
  a SEND is not answered, ASK tells: the DSS has what it had, and the same bytes are sent again; or it has
  something newer, which only this party can have written (*landed*), and the same content is written over
  it, because only the answer to a write says who must be told.
- A flight that has landed is not refused any more: the DSS has accepted it, with a key that showed all
  others. One that is refused while a copy of it may still arrive is watched until none can.
- An off-nominal flight, and the end of one, ask nobody: they are sent at once, without a key.

The decision (:func:`decide`). Two flights conflict where their volumes meet (:mod:`skypact.check`; a buffer
only where the pact gives one). A conflict is permitted

- with a flight of lower priority; of equal priority only where the regulator says so (:class:`Rules`);
- where our flight is off-nominal: it is where it is;
- with an accepted flight of a party that is declared down: it is not in use and nobody answers for it;
- where our flight is in use and stays so, it was in conflict with that same flight before, and the change
  does not make it worse: neither the space that both share at one instant nor the product of space and time
  grows (:mod:`skypact.airspace.overlap`; by more than :data:`GROWTH`, a rounding).

Any other is refused. So is a flight that meets an off-nominal one, whatever the priorities, unless the rules
say else: where that aircraft goes is not what it filed. Of a party that is down, a flight in use counts with
the highest priority; where its details are not known it is everywhere that the DSS finds it relevant.

Known limits: the DSS does not show others' extents, so what a peer says of where its flight is can be held
against the DSS in time and version only.

Source: ASTM F3548-21, strategic coordination; ``docs/decisions`` for what it leaves open.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from skypact import check
from skypact.airspace.overlap import shared
from skypact.exchange.dss import Availability, State
from skypact.instants import SECOND_US, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skypact.airspace.separation import Minima, Separation
    from skypact.airspace.volumes import Volumes

ROUNDS: Final = 8
"""How often an attempt is put with a new key: each time somebody else was quicker."""
ASKS: Final = 4
"""How often an attempt asks whether it has arrived, before it leaves that to later."""
LATE_US: Final = 30 * SECOND_US
"""A request that has not arrived so long after it was sent will not: longer than any connection is kept."""
TOLERANCE_US: Final = 1_000
"""Two parties may write one instant a millisecond apart."""
GROWTH: Final = 1e-6
"""A conflict that grew by less than this fraction did not: rounding."""

# -- what is known of others --------------------------------------------------------------------------------


Name = tuple[bool, str]
"""An entity among all: whether it is a constraint, and its id. An intent and a constraint may share an id."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An intent or constraint as the DSS shows it.

    Attributes
    ----------
    state
        None for a constraint.
    availability
        Of its manager, as the DSS says.
    ovn
        Empty where the DSS hides it: it shows only our own.
    """

    ident: str
    manager: str
    version: int
    state: State | None
    availability: Availability
    start_us: int
    end_us: int
    base_url: str
    ovn: str = ""

    @property
    def name(self) -> Name:
        """Which entity it is."""
        return self.state is None, self.ident

    @property
    def noun(self) -> str:
        """What it is, for a reader."""
        return "constraint" if self.state is None else "operational intent"


@dataclass(frozen=True, slots=True, eq=False)
class Details:
    """An intent or constraint as its manager shows it.

    Attributes
    ----------
    volumes
        All of them, off-nominal ones too.
    off_nominal
        Whether it named off-nominal volumes.
    """

    ident: str
    manager: str
    version: int
    state: State | None
    ovn: str
    priority: int
    start_us: int
    end_us: int
    volumes: Volumes
    off_nominal: bool = False


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Its manager was asked for it and did not answer; why, in one clause."""

    why: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """Its manager answered what cannot be; what is wrong, in one clause."""

    why: str


Told = Details | Unreachable | Invalid
"""What came of asking a manager."""


@dataclass(frozen=True, slots=True, eq=False)
class Other:
    """What is known of one relevant entity.

    Attributes
    ----------
    told
        What its manager says; None: not asked yet.
    doubted
        The DSS did not take the OVN that its details name: they must come from the manager, not a cache.
    """

    reference: Reference
    told: Told | None = None
    doubted: bool = False


def fault(reference: Reference, details: Details) -> str:
    """What is wrong with details, held against the reference; empty where nothing is.

    Details of a newer version than the reference are not wrong: the manager has changed it since, and the DSS
    will say so.
    """
    if details.ident.lower() != reference.ident.lower():
        return f"it answers with {details.ident}"
    if details.manager != reference.manager:
        return f"it names {details.manager!r} as the manager, the DSS {reference.manager!r}"
    if details.version < reference.version:
        return f"it shows version {details.version}, the DSS has {reference.version}"
    if not details.ovn:
        return "it shows no OVN"
    if (details.state is None) != (reference.state is None):
        return "it is an intent to one and a constraint to the other"
    if not len(details.volumes):
        return "it has no volumes"
    if details.off_nominal and details.state is not None and details.state.nominal:
        return f"it is {details.state.value} and has off-nominal volumes"
    start, end = int(details.volumes.start_us.min()), int(details.volumes.end_us.max())
    if start < details.start_us - TOLERANCE_US or end > details.end_us + TOLERANCE_US:
        return (
            f"its volumes reach from {format_instant(start)} to {format_instant(end)}, "
            f"outside its own {format_instant(details.start_us)} to {format_instant(details.end_us)}"
        )
    if details.version > reference.version:
        return ""
    if reference.ovn and details.ovn != reference.ovn:
        return "it shows another OVN than the DSS"
    if details.state is not reference.state:
        return (
            f"it says {details.state.value if details.state else None}, "
            f"the DSS {reference.state.value if reference.state else None}"
        )
    if (
        abs(details.start_us - reference.start_us) > TOLERANCE_US
        or abs(details.end_us - reference.end_us) > TOLERANCE_US
    ):
        return (
            f"it says {format_instant(details.start_us)} to {format_instant(details.end_us)}, the DSS "
            f"{format_instant(reference.start_us)} to {format_instant(reference.end_us)}"
        )
    return ""


# -- the decision -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rules:
    """What the regulator and the pact leave open.

    Attributes
    ----------
    equal_priority
        Flights of equal priority may conflict.
    over_off_nominal
        A flight of higher priority may be planned over one that is off-nominal.
    through_constraints
        A flight may meet a constraint; its operator is told.
    separation
        Buffers that the pact gives; None: touching is meeting.
    """

    equal_priority: bool = False
    over_off_nominal: bool = False
    through_constraints: bool = False
    separation: Separation | Minima | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """What a flight is to become, and what it is.

    Attributes
    ----------
    state
        The state it is to have; None: it is to end.
    volumes
        All it is to claim, off-nominal ones too; None where it is to end.
    before_state, before_volumes
        What the DSS has of it now; None where it has nothing.
    """

    ident: str
    state: State | None
    priority: int
    volumes: Volumes | None
    before_state: State | None = None
    before_volumes: Volumes | None = None

    @property
    def asks(self) -> bool:
        """Whether others have a say in it."""
        return self.state is not None and self.state.nominal


@dataclass(frozen=True, slots=True)
class Meeting:
    """A flight or constraint that ours meets, or may meet: what, when, how close.

    Attributes
    ----------
    state
        Its state in words; ``constraint`` for one.
    priority
        None where it is not known.
    start_us, end_us
        The first and last instant at which the two meet.
    horizontal_m, vertical_m
        Between outlines and between bands, 0 where they overlap; None where its volumes are not known.
    lat_deg, lng_deg, altitude_m
        A point of both, or the nearest of ours; None where its volumes are not known.
    why
        Why it is refused, or why it is permitted.
    """

    ident: str
    manager: str
    state: str
    priority: int | None
    start_us: int
    end_us: int
    horizontal_m: float | None
    vertical_m: float | None
    lat_deg: float | None
    lng_deg: float | None
    altitude_m: float | None
    why: str

    @property
    def sentence(self) -> str:
        """The meeting for a reader."""
        what = "constraint" if self.state == CONSTRAINT else f"{self.state} operational intent"
        rank = "" if self.priority is None else f", priority {self.priority}"
        when = f"from {format_instant(self.start_us)} to {format_instant(self.end_us)}"
        if self.horizontal_m is None or self.vertical_m is None:
            where = "where it is, is not known"
        elif self.horizontal_m <= 0.0 and self.vertical_m <= 0.0:
            where = f"the volumes overlap near {self.lat_deg:.6f}, {self.lng_deg:.6f}"
        else:
            where = (
                f"{self.horizontal_m:.1f} m horizontally and {self.vertical_m:.1f} m vertically "
                f"from it near {self.lat_deg:.6f}, {self.lng_deg:.6f}"
            )
        return f"{what} {self.ident} of {self.manager}{rank}, {when}: {where}; {self.why}"


CONSTRAINT: Final = "constraint"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided.

    Attributes
    ----------
    refused
        What stands in the way; empty: nothing does that is known.
    permitted
        What it meets all the same.
    """

    refused: tuple[Meeting, ...]
    permitted: tuple[Meeting, ...]


def decide(goal: Goal, others: Iterable[Other], rules: Rules) -> Verdict:
    """Decide whether a flight may become what it is to be, among the others that are relevant to it.

    The order of both lists is by start, then id: the same question gets the same answer.
    """
    refused: list[Meeting] = []
    permitted: list[Meeting] = []
    known = [o for o in others if o.reference.name != (False, goal.ident)]
    told = [o for o in known if isinstance(o.told, Details)]
    met = meetings(goal.volumes, told, rules) if goal.volumes is not None else {}
    for other in known:
        name = other.reference.name
        if isinstance(other.told, Details):
            if name in met:
                why, allowed = _judged(goal, other.reference, other.told, rules)
                (permitted if allowed else refused).append(replace(met[name], why=why))
            continue
        meeting, allowed = _unseen(goal, other)
        if meeting is not None:
            (permitted if allowed else refused).append(meeting)

    def order(meeting: Meeting) -> tuple[int, str]:
        return meeting.start_us, meeting.ident

    return Verdict(tuple(sorted(refused, key=order)), tuple(sorted(permitted, key=order)))


def meetings(volumes: Volumes, others: Sequence[Other], rules: Rules) -> dict[Name, Meeting]:
    """Those others whose details are known and whose volumes meet these; by name, ``why`` empty."""
    told = [(o.reference, o.told) for o in others if isinstance(o.told, Details)]
    if not told:
        return {}
    rows = np.repeat(np.arange(len(told)), [len(details.volumes) for _, details in told])
    found = check.conflicts(volumes, [details.volumes for _, details in told], separation=rules.separation)
    met: dict[Name, Meeting] = {}
    nearest: dict[Name, float] = {}
    for row in found:
        reference, details = told[int(rows[row.b])]
        away = max(row.horizontal_m, row.vertical_m)
        before = met.get(reference.name)
        start, end = row.start_us, row.end_us
        if before is not None:
            start, end = min(before.start_us, start), max(before.end_us, end)
            if away >= nearest[reference.name]:
                met[reference.name] = replace(before, start_us=start, end_us=end)
                continue
        nearest[reference.name] = away
        met[reference.name] = Meeting(
            reference.ident,
            reference.manager,
            CONSTRAINT if details.state is None else details.state.value,
            None if details.state is None else details.priority,
            start,
            end,
            row.horizontal_m,
            row.vertical_m,
            row.lat_deg,
            row.lng_deg,
            row.altitude_m,
            "",
        )
    for k in range(len(found.unchecked)):
        reference, details = told[int(rows[int(found.unchecked.b[k])])]
        if reference.name not in met:
            reason = check.Reason(int(found.unchecked.reason[k])).text
            met[reference.name] = replace(_nowhere(reference, details.priority), why=reason)
    return met


def _judged(goal: Goal, reference: Reference, details: Details, rules: Rules) -> tuple[str, bool]:
    """Why a meeting is permitted or not, and whether it is."""
    state = details.state
    if goal.state is None or not goal.state.nominal:
        return "an off-nominal flight is where it is", True
    if state is None:
        return (
            ("the rules let flights meet constraints", True)
            if rules.through_constraints
            else ("a constraint holds there", False)
        )
    if reference.availability is Availability.DOWN:
        if state is State.ACCEPTED:
            return "its party is down and it is not in use", True
        why = "its party is down and it is in use: it has the highest priority"
    elif not state.nominal and not rules.over_off_nominal:
        why = "it is off-nominal, whatever its priority"
    elif goal.priority > details.priority:
        return "it has a lower priority", True
    elif goal.priority == details.priority:
        if rules.equal_priority:
            return "the rules let flights of equal priority meet", True
        why = "it has the same priority"
    else:
        why = "it has a higher priority"
    if goal.state is State.ACTIVATED and goal.before_state in {State.ACTIVATED, State.NONCONFORMING}:
        grown = _grown(goal, details, rules)
        if not grown:
            return f"{why}, but the two met before and the change makes it no worse", True
        why = f"{why}, and {grown}"
    return why, False


def _grown(goal: Goal, details: Details, rules: Rules) -> str:
    """How a meeting is worse than the one before; empty where it is not."""
    if goal.before_volumes is None or goal.volumes is None:
        return "the two did not meet before"
    if not len(check.conflicts(goal.before_volumes, details.volumes, separation=rules.separation)):
        return "the two did not meet before"
    was, becomes = shared(goal.before_volumes, details.volumes), shared(goal.volumes, details.volumes)
    if becomes.space_m3 > was.space_m3 * (1.0 + GROWTH):
        return f"the space they share grows from {was.space_m3:.0f} to {becomes.space_m3:.0f} m3"
    if becomes.space_time_m3s > was.space_time_m3s * (1.0 + GROWTH):
        return (
            "the space they share, times its duration, grows from "
            f"{was.space_time_m3s:.4g} to {becomes.space_time_m3s:.4g} m3 s"
        )
    return ""


def _unseen(goal: Goal, other: Other) -> tuple[Meeting | None, bool]:
    """What stands for a flight whose details are not known, and whether it may be met."""
    reference = other.reference
    meeting = _nowhere(reference, None)
    if goal.state is None or not goal.state.nominal:
        return None, True
    if reference.availability is Availability.DOWN and not isinstance(other.told, Invalid):
        if reference.state is State.ACCEPTED:
            return replace(meeting, why="its party is down and it is not in use"), True
        return replace(
            meeting, why="its party is down and it is in use: it has the highest priority, everywhere"
        ), False
    if isinstance(other.told, Invalid):
        return replace(meeting, why=f"what {reference.manager} says of it cannot be: {other.told.why}"), False
    why = other.told.why if isinstance(other.told, Unreachable) else "it was not asked"
    return replace(meeting, why=f"{reference.manager} could not be asked about it: {why}"), False


def _nowhere(reference: Reference, priority: int | None) -> Meeting:
    return Meeting(
        reference.ident,
        reference.manager,
        CONSTRAINT if reference.state is None else reference.state.value,
        priority,
        reference.start_us,
        reference.end_us,
        None,
        None,
        None,
        None,
        None,
        "",
    )


# -- the attempt --------------------------------------------------------------------------------------------


class Stage(enum.Enum):
    """What an attempt waits for."""

    LOOK = "look"
    FETCH = "fetch"
    SEND = "send"
    ASK = "ask"
    OVER = "over"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as it is stored: everything that must not be lost.

    Attributes
    ----------
    base_ovn
        The version that is written over; empty: the intent is created.
    key
        OVNs shown.
    body
        The bytes of the request, once the desk has made them: what is sent again is the same.
    expected
        OVNs that the attempt may have, by what it asked for.
    landed
        The OVN of ours that the DSS was found to have.
    sent_us
        When it was last sent; 0: never.
    doubtful
        A request went without an answer.
    giving_up
        Why it is refused, while a copy of it may still arrive.
    """

    ident: str
    begun_us: int
    base_ovn: str = ""
    stage: Stage = Stage.LOOK
    key: tuple[str, ...] = ()
    body: bytes = b""
    expected: tuple[str, ...] = ()
    landed: str = ""
    rounds: int = 0
    asks: int = 0
    sent_us: int = 0
    doubtful: bool = False
    giving_up: str = ""


class Ending(enum.Enum):
    """How an attempt ends."""

    DONE = "done"
    """The DSS has it."""
    REFUSED = "refused"
    """It may not be, or could not be tried; the DSS has what it had."""
    GONE = "gone"
    """The DSS has no such intent any more, though it was to be changed."""
    UNSETTLED = "unsettled"
    """It was sent, and whether it arrived is not known yet."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The DSS has written it, and says who must be told; opaque here."""

    version: int
    ovn: str
    answer: object = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The DSS wants to see that these are known."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """The DSS has another version than the one that was to be written over."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The DSS will not have it; what it says."""

    why: str


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer came that says whether it was done; why, in one clause."""

    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The DSS has this version of our intent."""

    ours: bool
    version: int
    ovn: str
    answer: object = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The DSS has no such intent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Details that are wanted.

    Attributes
    ----------
    fresh
        From the manager itself, not from a cache.
    cached
        From a cache or not at all: the manager is down.
    """

    reference: Reference
    fresh: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How it ended.

    Attributes
    ----------
    why
        Where it was not done: the reason, for a reader.
    verdict
        What was met; for a flight that asked nobody, nothing.
    granted
        What the DSS answered, where it did; None where it was found there (the answer was lost).
    landed
        What the DSS was found to have, where no answer came.
    faults
        Peers that answered what cannot be, and what: they are to be told.
    """

    ending: Ending
    why: str = ""
    verdict: Verdict = Verdict((), ())
    granted: Granted | None = None
    landed: Found | None = None
    faults: tuple[tuple[Reference, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """Ask the DSS for what is relevant in the boxes of the flight's volumes, then :meth:`Planning.looked`."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get details, side by side, then :meth:`Planning.fetched`."""

    wanted: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Send it, then :meth:`Planning.sent`.

    Where the attempt has no body, make one, with an OVN suffix of now (:meth:`Planning.made`). Commit the
    attempt before it is sent. ``base_ovn`` says what is written over; where the goal is the end, it is
    deleted.
    """

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Ask:
    """Wait, get our reference from the DSS, then :meth:`Planning.asked`."""

    pause_s: float


@dataclass(frozen=True, slots=True)
class Settled:
    """It is over."""

    outcome: Outcome


Step = Look | Fetch | Send | Ask | Settled


@dataclass(frozen=True, slots=True, eq=False)
class Planning:
    """One attempt under way; a value. Made by :func:`begin` and :func:`resume`."""

    attempt: Attempt
    goal: Goal
    rules: Rules
    picture: Mapping[Name, Other] = field(default_factory=dict)
    verdict: Verdict = Verdict((), ())
    outcome: Outcome | None = None
    found: Found | None = None

    def step(self) -> Step:
        """What to do next."""
        match self.attempt.stage:
            case Stage.LOOK:
                return Look()
            case Stage.FETCH:
                return Fetch(_wanted(self))
            case Stage.SEND:
                return Send(self.attempt)
            case Stage.ASK:
                return Ask(0.0 if not self.attempt.asks else 0.1 * 2.0 ** (self.attempt.asks - 1))
            case Stage.OVER:
                if self.outcome is None:
                    raise RuntimeError("an attempt that is over has an outcome")
                return Settled(self.outcome)

    def looked(self, answer: Sequence[Reference] | Silence | Denied) -> Planning:
        """What the DSS says is relevant."""
        _expect(self, Stage.LOOK)
        if isinstance(answer, Silence | Denied):
            return _refuse(self, f"the discovery service did not say what is relevant: {answer.why}")
        return _known(self, {r.name: Other(r) for r in answer if r.name != (False, self.goal.ident)})

    def fetched(self, told: Mapping[Name, Told]) -> Planning:
        """What the managers say; one that is not named counts as unreachable."""
        _expect(self, Stage.FETCH)
        picture = dict(self.picture)
        for wanted in _wanted(self):
            reference = wanted.reference
            answer = told.get(reference.name, Unreachable("no answer"))
            if isinstance(answer, Details):
                wrong = fault(reference, answer)
                if not wrong and wanted.fresh and answer.ovn in self.attempt.key:
                    wrong = "the OVN it shows is not the one that the DSS has"
                if wrong:
                    answer = Invalid(wrong)
            picture[reference.name] = replace(picture[reference.name], told=answer)
        return _known(self, picture)

    def made(self, body: bytes, ovn: str) -> Planning:
        """The request has been made: its bytes, and the OVN that it asks for (empty: none)."""
        _expect(self, Stage.SEND)
        expected = (*self.attempt.expected, ovn) if ovn else self.attempt.expected
        return replace(self, attempt=msgspec.structs.replace(self.attempt, body=body, expected=expected))

    def sent(self, answer: Granted | Missing | Stale | Denied | Silence, now_us: int) -> Planning:
        """What the DSS says to the write."""
        _expect(self, Stage.SEND)
        now = _turn(self, sent_us=now_us)
        match answer:
            case Granted():
                return _over(now, Ending.DONE, granted=answer)
            case Silence():
                return _turn(now, Stage.ASK, doubtful=True)
            case Stale():
                return _turn(now, Stage.ASK)
            case Denied():
                return _refuse(now, answer.why)
            case Missing():
                return _lacking(now, answer)

    def asked(self, answer: Found | Absent | Silence | Denied, now_us: int) -> Planning:
        """What the DSS has of our flight."""
        _expect(self, Stage.ASK)
        now = _turn(self, asks=self.attempt.asks + 1)
        last = now.attempt.asks >= ASKS
        match answer:
            case Silence() | Denied():
                why = f"the discovery service does not answer: {answer.why}"
                return _over(now, Ending.UNSETTLED, why) if last else now
            case Absent():
                if self.goal.state is None:
                    return _over(now, Ending.DONE)
                if now.attempt.base_ovn or now.attempt.landed:
                    return _over(now, Ending.GONE, "the discovery service has it no more")
                return _again(now, now_us, last=last)
            case Found():
                if not answer.ours:
                    return _over(now, Ending.REFUSED, "the id is another party's")
                if answer.ovn == now.attempt.base_ovn and not now.attempt.landed:
                    return _again(now, now_us, last=last)
                return _landed(now, answer, last=last)


def begin(attempt: Attempt, goal: Goal, rules: Rules) -> Planning:
    """Begin: ask the DSS what is relevant, or, where nobody has a say, send at once."""
    return _turn(Planning(attempt, goal, rules), Stage.LOOK if goal.asks else Stage.SEND)


def resume(attempt: Attempt, goal: Goal, rules: Rules) -> Planning:
    """Go on after a kill: ask whether it arrived, where it may have been sent; else begin anew."""
    if attempt.sent_us or attempt.body:
        return _turn(Planning(attempt, goal, rules), Stage.ASK, asks=0, doubtful=True)
    return begin(attempt, goal, rules)


def _expect(planning: Planning, stage: Stage) -> None:
    at = planning.attempt.stage
    if at is not stage:
        raise RuntimeError(f"an attempt at {at.value} has no answer for {stage.value}")


def _turn(planning: Planning, stage: Stage | None = None, **changes: object) -> Planning:
    attempt = msgspec.structs.replace(planning.attempt, stage=stage or planning.attempt.stage, **changes)
    return replace(planning, attempt=attempt)


def _over(
    planning: Planning,
    ending: Ending,
    why: str = "",
    *,
    granted: Granted | None = None,
    landed: Found | None = None,
) -> Planning:
    faults = tuple(
        (other.reference, other.told.why)
        for other in planning.picture.values()
        if isinstance(other.told, Invalid)
    )
    outcome = Outcome(ending, why, planning.verdict, granted, landed, faults)
    return replace(_turn(planning, Stage.OVER), outcome=outcome)


def _refuse(planning: Planning, why: str) -> Planning:
    """Refuse; unless it is there already, or may still arrive."""
    if planning.attempt.landed and planning.found is not None:
        return _over(planning, Ending.DONE, why, landed=planning.found)
    if planning.attempt.doubtful:
        return _over(_turn(planning, giving_up=why), Ending.UNSETTLED, why)
    return _over(planning, Ending.REFUSED, why)


def _wanted(planning: Planning) -> tuple[Wanted, ...]:
    return tuple(
        Wanted(
            other.reference,
            fresh=other.doubted,
            cached=other.reference.availability is Availability.DOWN and not other.doubted,
        )
        for other in planning.picture.values()
        if other.told is None
    )


def _known(planning: Planning, picture: Mapping[Name, Other]) -> Planning:
    """Fetch what is not known; where all is, decide."""
    if any(other.told is None for other in picture.values()):
        return replace(_turn(planning, Stage.FETCH), picture=picture)
    verdict = decide(planning.goal, picture.values(), planning.rules)
    now = replace(planning, picture=picture, verdict=verdict)
    if verdict.refused and not planning.attempt.landed:
        return _refuse(now, "; ".join(meeting.sentence for meeting in verdict.refused))
    key = tuple(sorted(o.told.ovn for o in picture.values() if isinstance(o.told, Details)))
    return _turn(now, Stage.SEND, key=key, body=b"")


def _lacking(planning: Planning, answer: Missing) -> Planning:
    """The DSS named what the key does not show: know it, decide again."""
    now = _turn(planning, rounds=planning.attempt.rounds + 1)
    if not planning.goal.asks or not answer.references:
        return _refuse(now, "the discovery service wants a key where none is due")
    if now.attempt.rounds >= ROUNDS:
        return _refuse(now, f"others were quicker {ROUNDS} times; the air there is busy")
    picture = dict(planning.picture)
    for reference in answer.references:
        before = picture.get(reference.name)
        shown = (
            before is not None
            and isinstance(before.told, Details)
            and before.told.version >= reference.version
        )
        picture[reference.name] = Other(reference, doubted=shown)
    return _known(now, picture)


def _again(planning: Planning, now_us: int, *, last: bool) -> Planning:
    """It has not arrived: send it again, leave that to later, or give it up."""
    attempt = planning.attempt
    may_come = attempt.doubtful and now_us - attempt.sent_us < LATE_US
    if attempt.giving_up:
        if may_come:
            return _over(planning, Ending.UNSETTLED, attempt.giving_up)
        return _over(planning, Ending.REFUSED, attempt.giving_up)
    if last:
        if may_come:
            return _over(planning, Ending.UNSETTLED, "it was sent, and has not arrived yet")
        return _over(planning, Ending.REFUSED, "the discovery service did not take it")
    # a request that can no longer arrive is made anew: the time in the OVN that it asked for has passed
    return _turn(planning, Stage.SEND, body=attempt.body if may_come else b"")


def _is_this(attempt: Attempt, ovn: str) -> bool:
    """Whether a version that was not there before is what this attempt wrote.

    A DSS that gives the OVN that is asked for tells it by that. Another gives one of its own; then a write of
    this attempt that was not answered is the only one there can be.
    """
    return ovn in attempt.expected or (attempt.doubtful and not ovn.startswith(f"{attempt.ident}_"))


def _landed(planning: Planning, answer: Found, *, last: bool) -> Planning:
    """It is there: write it once more, to hear who must be told; in the end, take it as it is.

    Also where that second write has not arrived: it may never have been sent, and then nobody was told.
    """
    known = _is_this(planning.attempt, answer.ovn)
    if known and (last or planning.attempt.giving_up):
        return _over(planning, Ending.DONE, landed=answer)
    if last:
        return _over(planning, Ending.UNSETTLED, "the discovery service has a version that is not known here")
    now = replace(planning, found=answer if known else None)
    return _turn(now, Stage.SEND, base_ovn=answer.ovn, landed=answer.ovn if known else "", body=b"")
