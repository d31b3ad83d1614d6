"""The machine of planning, driven through answers, losses and kills; and the decision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.separation import Minima
from skypact.airspace.volumes import Circle, Polygon, Volume4D, Volumes
from skypact.exchange import planning as plan
from skypact.exchange.dss import Availability, State
from skypact.exchange.planning import (
    Attempt,
    Details,
    Ending,
    Goal,
    Invalid,
    Other,
    Planning,
    Reference,
    Rules,
    Unreachable,
    Wanted,
)
from skypact.instants import HOUR_US, SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

US = "alpha"
MINE = "00000000-0000-4000-8000-00000000000a"
PLAIN = Rules()


def volumes(
    south: float = 0.0,
    west: float = 0.0,
    *,
    size: float = 0.01,
    low: float = 100.0,
    high: float = 200.0,
    start: int = 0,
    end: int = HOUR_US,
    ident: str = "x",
) -> Volumes:
    """A square of so many degrees, north of 47 and east of 8."""
    s, w = 47.0 + south, 8.0 + west
    outline = Polygon(((s, w), (s, w + size), (s + size, w + size), (s + size, w)))
    bands = (Altitude(low, AltitudeReference.W84), Altitude(high, AltitudeReference.W84))
    labels = Labels.of([ident], party="p", kind=Kind.UNCREWED, data_mode=DataMode.TEST)
    return Volumes.of(labels, [Volume4D(outline, *bands, start, end)])


def ident_of(n: int) -> str:
    """The id of another's flight."""
    return f"00000000-0000-4000-8000-{n:012d}"


def reference(n: int, *, state: State | None = State.ACCEPTED, version: int = 1, **more: object) -> Reference:
    """Another's flight as the DSS shows it."""
    made = Reference(
        ident_of(n), "beta", version, state, Availability.UNKNOWN, 0, HOUR_US, "https://beta.example"
    )
    return replace(made, **more)  # type: ignore[arg-type]


def details(of: Reference, *, priority: int = 0, at: Volumes | None = None, **more: object) -> Details:
    """What its manager says of it."""
    made = Details(
        of.ident,
        of.manager,
        of.version,
        of.state,
        f"ovn-of-{of.ident}-{of.version}",
        priority,
        of.start_us,
        of.end_us,
        volumes(ident=of.ident) if at is None else at,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def goal(state: State | None = State.ACCEPTED, **more: object) -> Goal:
    """What our flight is to become."""
    made = Goal(MINE, state, 0, None if state is None else volumes(ident=MINE))
    return replace(made, **more)  # type: ignore[arg-type]


def other(of: Reference, told: object = None, **more: object) -> Other:
    """A relevant flight."""
    return Other(of, details(of, **more) if told is None else told)  # type: ignore[arg-type]


# -- the decision -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "rules", "allowed"),
    [
        (0, 0, PLAIN, False),
        (0, 1, PLAIN, False),
        (1, 0, PLAIN, True),
        (0, 0, Rules(equal_priority=True), True),
        (0, 1, Rules(equal_priority=True), False),
    ],
)
@pytest.mark.parametrize("state", [State.ACCEPTED, State.ACTIVATED])
def test_priority_decides_who_yields(
    mine: int, theirs: int, rules: Rules, allowed: bool, state: State
) -> None:
    """The higher priority passes, the lower yields, and equals do as the rules say."""
    verdict = plan.decide(goal(state, priority=mine), [other(reference(1), priority=theirs)], rules)
    assert bool(verdict.refused) is not allowed
    assert bool(verdict.permitted) is allowed
    (met,) = verdict.refused or verdict.permitted
    assert (met.start_us, met.end_us) == (0, HOUR_US)
    assert met.sentence


@pytest.mark.parametrize("state", [State.NONCONFORMING, State.CONTINGENT])
def test_off_nominal_flights_are_never_refused(state: State) -> None:
    """An off-nominal flight may be anywhere, whoever is there and whoever cannot be asked."""
    there = [
        other(reference(1), priority=100),
        other(reference(2), Unreachable("silent")),
        other(reference(3), Invalid("nonsense")),
        other(reference(4, state=None)),
    ]
    assert plan.decide(goal(state), there, PLAIN).refused == ()


@pytest.mark.parametrize("state", [State.NONCONFORMING, State.CONTINGENT])
def test_nobody_plans_into_an_off_nominal_flight_unless_the_rules_say_so(state: State) -> None:
    """An off-nominal flight is not overflown by priority, except where the rules let it."""
    there = [other(reference(1, state=state))]
    assert plan.decide(goal(priority=100), there, PLAIN).refused
    assert plan.decide(goal(priority=100), there, Rules(over_off_nominal=True)).permitted


@pytest.mark.parametrize(
    ("state", "known", "allowed"),
    [
        (State.ACCEPTED, False, True),
        (State.ACCEPTED, True, True),
        (State.ACTIVATED, False, False),
        (State.ACTIVATED, True, False),
        (State.NONCONFORMING, False, False),
        (State.CONTINGENT, False, False),
    ],
)
def test_a_party_that_is_down_yields_what_it_plans_and_keeps_what_it_flies(
    state: State, known: bool, allowed: bool
) -> None:
    """Of a party that is down, planned flights may be met, and flights in use have the highest priority."""
    away = reference(1, state=state, availability=Availability.DOWN)
    told = details(away) if known else Unreachable("down")
    verdict = plan.decide(goal(priority=100), [Other(away, told)], PLAIN)
    assert bool(verdict.refused) is not allowed
    (met,) = verdict.refused or verdict.permitted
    assert (met.horizontal_m is None) is not known


def test_who_cannot_be_asked_and_who_answers_nonsense_stop_a_plan() -> None:
    """A plan is refused, with the name of the party, where a relevant flight is not known."""
    there = [
        other(reference(1), Unreachable("timed out")),
        other(reference(2), Invalid("no OVN")),
        Other(reference(3)),
    ]
    verdict = plan.decide(goal(priority=100), there, PLAIN)
    assert [m.ident for m in verdict.refused] == [ident_of(n) for n in (1, 2, 3)]
    assert "beta could not be asked" in verdict.refused[0].sentence
    assert "cannot be: no OVN" in verdict.refused[1].sentence


def test_constraints_are_obeyed_unless_the_rules_only_want_them_told() -> None:
    """A plan through a constraint is refused, or permitted and named, as the rules say."""
    there = [other(reference(1, state=None))]
    assert plan.decide(goal(priority=100), there, PLAIN).refused[0].state == plan.CONSTRAINT
    assert plan.decide(goal(), there, Rules(through_constraints=True)).permitted


def test_our_own_flight_is_no_obstacle_to_itself() -> None:
    """The flight that is changed is not among the others."""
    assert plan.decide(goal(), [other(reference(1, ident=MINE))], PLAIN) == plan.Verdict((), ())


def test_a_buffer_of_the_pact_makes_near_flights_meet() -> None:
    """Two flights 100 m apart do not meet; within a buffer of 500 m they do, and it says how far."""
    near = other(reference(1), at=volumes(0.0109))
    assert not plan.decide(goal(), [near], PLAIN).refused
    verdict = plan.decide(goal(), [near], Rules(separation=Minima(500.0, 100.0)))
    (met,) = verdict.refused
    assert met.horizontal_m is not None
    assert 90.0 < met.horizontal_m < 110.0
    assert "m horizontally" in met.sentence


@given(
    old=st.floats(-0.012, 0.012),
    new=st.floats(-0.012, 0.012),
    old_high=st.floats(101.0, 300.0),
    new_high=st.floats(101.0, 300.0),
)
def test_a_conflict_in_use_never_grows(old: float, new: float, old_high: float, new_high: float) -> None:
    """A change in use that shares more space with another than before is refused; less is not."""
    before, now = volumes(old, high=old_high, ident=MINE), volumes(new, high=new_high, ident=MINE)
    there = other(reference(1, state=State.ACTIVATED), priority=100)

    def space(at: float, high: float) -> float:
        return max(0.0, 0.01 - abs(at)) * max(0.0, min(high, 200.0) - 100.0)

    changed = goal(State.ACTIVATED, volumes=now, before_state=State.ACTIVATED, before_volumes=before)
    verdict = plan.decide(changed, [there], PLAIN)
    was, becomes = space(old, old_high), space(new, new_high)
    if becomes > was * 1.001 + 1e-9:
        assert verdict.refused
    elif 0.0 < becomes < was * 0.999 - 1e-9:
        assert verdict.permitted


@pytest.mark.parametrize("before", [None, State.ACCEPTED])
def test_only_a_flight_in_use_may_keep_a_conflict(before: State | None) -> None:
    """A conflict that a planned flight has does not let it begin, or be changed."""
    was = None if before is None else volumes(ident=MINE)
    there = [other(reference(1), priority=100)]
    for state in (State.ACCEPTED, State.ACTIVATED):
        assert plan.decide(goal(state, before_state=before, before_volumes=was), there, PLAIN).refused


def test_a_new_conflict_in_use_is_refused() -> None:
    """A flight in use may not be moved into a flight that it did not meet before."""
    moved = goal(State.ACTIVATED, before_state=State.ACTIVATED, before_volumes=volumes(1.0, ident=MINE))
    (met,) = plan.decide(moved, [other(reference(1), priority=5)], PLAIN).refused
    assert "did not meet before" in met.why


# -- what a peer may say ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"ident": ident_of(9)}, "answers with"),
        ({"manager": "gamma"}, "as the manager"),
        ({"version": 1}, "shows version 1"),
        ({"ovn": ""}, "no OVN"),
        ({"state": State.ACTIVATED}, "says Activated"),
        ({"state": None}, "constraint to the other"),
        ({"end_us": 2 * HOUR_US}, "the DSS"),
        ({"volumes": volumes(end=2 * HOUR_US)}, "outside its own"),
        ({"volumes": volumes(start=-HOUR_US, end=-1)}, "outside its own"),
        ({"off_nominal": True}, "off-nominal volumes"),
    ],
)
def test_what_a_peer_says_is_held_against_the_reference(lie: dict[str, Any], words: str) -> None:
    """Details that do not agree with the discovery service are no details."""
    of = reference(1, version=2)
    assert plan.fault(of, details(of)) == ""
    assert words in plan.fault(of, details(of, **lie))


def test_newer_details_than_the_reference_are_no_lie() -> None:
    """A peer that has changed its flight since the search may show that."""
    of = reference(1, version=2)
    assert plan.fault(of, details(of, version=3, state=State.ACTIVATED, ovn="another-ovn-of-it")) == ""


def test_our_own_reference_shows_its_ovn_and_it_must_agree() -> None:
    """Where the discovery service shows an OVN, another one is a fault."""
    of = reference(1, ovn="ovn-that-the-dss-has")
    assert "another OVN" in plan.fault(of, details(of))


# -- the machine against a model of the discovery service ---------------------------------------------------


@dataclass
class Model:
    """A discovery service with our flight and the others, and messages that may come late."""

    ours: tuple[str, int, str] | None = None
    others: dict[str, int] = field(default_factory=dict)
    first: tuple[bytes, tuple[str, int, str]] | None = None
    late: list[tuple[str, bytes]] = field(default_factory=list)
    names: bool = True
    writes: list[tuple[bytes, frozenset[str]]] = field(default_factory=list)
    down: bool = False

    def reference(self, n: int) -> Reference:
        """One of the others as it is now."""
        return reference(n, version=self.others[ident_of(n)])

    def references(self) -> list[Reference]:
        """All others."""
        return [reference(int(i[-12:]), version=v) for i, v in self.others.items()]

    def write(self, base: str, body: bytes) -> object:
        """A PUT, or a DELETE, as a discovery service does it."""
        if body == b"DELETE":
            if self.ours is None or self.ours[0] != base:
                return plan.Stale()
            gone, self.ours = self.ours, None
            return plan.Granted(gone[1], gone[0])
        sent = msgspec.json.decode(body)
        if not base and self.ours is not None:
            if self.first is not None and self.first == (body, self.ours):
                return plan.Granted(self.ours[1], self.ours[0])
            return plan.Stale()
        if base and (self.ours is None or self.ours[0] != base):
            return plan.Stale()
        if sent["state"] in {"Accepted", "Activated"}:
            key = set(sent["key"])
            lacking = [r for r in self.references() if details(r).ovn not in key]
            if lacking:
                return plan.Missing(tuple(lacking))
        ovn = sent["ovn"] if self.names else f"an-ovn-of-the-dss-{len(self.writes)}"
        self.ours = (ovn, 1 if self.ours is None else self.ours[1] + 1, sent["state"])
        self.writes.append((body, frozenset(details(r).ovn for r in self.references())))
        if not base:
            self.first = (body, self.ours)
        return plan.Granted(self.ours[1], self.ours[0])


class Choices:
    """Every way through a story of choices, one after the other: a story asks, and is told once each way."""

    def __init__(self) -> None:
        self._taken: list[tuple[int, int]] = []
        self._at = 0

    def pick(self, n: int) -> int:
        """A number below n; another one each time the story is told."""
        if self._at == len(self._taken):
            self._taken.append((0, n))
        choice = self._taken[self._at][0]
        self._at += 1
        return choice

    def tellings(self) -> Iterator[None]:
        """Once for each way."""
        while True:
            self._at = 0
            yield
            while self._taken and self._taken[-1][0] + 1 >= self._taken[-1][1]:
                self._taken.pop()
            if not self._taken:
                return
            choice, n = self._taken[-1]
            self._taken[-1] = (choice + 1, n)


@dataclass
class Driver:
    """A desk without a store: what is saved survives a kill, everything else does not."""

    model: Model
    wanted: Goal
    choose: Callable[[int], int]
    faults: int
    saved: bytes = b""
    now_us: int = HOUR_US
    made: int = 0
    kills: int = 0
    told: list[Attempt] = field(default_factory=list)

    def fault(self, n: int) -> int:
        """Which of n faults happens here, 0 for none; there are only so many in a story."""
        if not self.faults:
            return 0
        choice = self.choose(n + 1)
        self.faults -= choice > 0
        return choice

    def begin(self, base: str = "") -> plan.Outcome | None:
        """A whole attempt; None: killed before anything was saved."""
        attempt = Attempt(ident=MINE, begun_us=self.now_us, base_ovn=base)
        return self.run(plan.begin(attempt, self.wanted, PLAIN))

    def again(self) -> plan.Outcome | None:
        """What is done after a kill, or later with what was not settled."""
        self.now_us += plan.LATE_US + 1
        for base, body in self.model.late:
            self.model.write(base, body)
        self.model.late.clear()
        attempt = msgspec.json.decode(self.saved, type=Attempt)
        return self.run(plan.resume(attempt, self.wanted, PLAIN))

    def run(self, planning: Planning) -> plan.Outcome | None:
        """Drive it to its end, or a kill."""
        for _ in range(200):
            match planning.step():
                case plan.Settled(outcome=outcome):
                    if outcome.ending is Ending.UNSETTLED:
                        self.saved = msgspec.json.encode(planning.attempt)
                    return outcome
                case plan.Look():
                    if self.fault(1):
                        planning = planning.looked(plan.Silence("lost"))
                    else:
                        planning = planning.looked(self.model.references())
                case plan.Fetch(wanted=wanted):
                    planning = planning.fetched(self.fetch(wanted))
                case plan.Send(attempt=attempt):
                    if not attempt.body:
                        planning = planning.made(*self.make(attempt))
                    self.saved = msgspec.json.encode(planning.attempt)
                    answer = self.send(planning.attempt)
                    if answer is None:
                        return None
                    planning = planning.sent(answer, self.now_us)  # type: ignore[arg-type]
                case plan.Ask():
                    answer = self.ask()
                    if answer is None:
                        return None
                    planning = planning.asked(answer, self.now_us)  # type: ignore[arg-type]
            self.now_us += SECOND_US
        raise AssertionError("it does not end")

    def make(self, attempt: Attempt) -> tuple[bytes, str]:
        """The bytes of a write."""
        if self.wanted.state is None:
            return b"DELETE", ""
        self.made += 1
        ovn = f"{MINE}_{self.made}"
        body = {"state": self.wanted.state.value, "key": attempt.key, "ovn": ovn}
        return msgspec.json.encode(body), ovn

    def fetch(self, wanted: tuple[Wanted, ...]) -> dict[plan.Name, plan.Told]:
        """Others answer as they are."""
        return {w.reference.name: details(self.model.reference(int(w.reference.ident[-12:]))) for w in wanted}

    def send(self, attempt: Attempt) -> object:
        """A write: done, lost there or back, late, killed before or after it, or somebody was quicker."""
        match self.fault(6):
            case 1:
                return plan.Silence("lost on the way there")
            case 2:
                self.model.write(attempt.base_ovn, attempt.body)
                return plan.Silence("lost on the way back")
            case 3:
                self.model.late.append((attempt.base_ovn, attempt.body))
                return plan.Silence("slow")
            case 4:
                return None
            case 5:
                self.model.write(attempt.base_ovn, attempt.body)
                return None
            case 6:
                self.model.others[ident_of(len(self.model.others) + 1)] = 1
        return self.model.write(attempt.base_ovn, attempt.body)

    def ask(self) -> object:
        """Our reference, or no answer, or a kill; what was slow has come by now."""
        for base, body in self.model.late:
            self.model.write(base, body)
        self.model.late.clear()
        match self.fault(2):
            case 1:
                return plan.Silence("lost")
            case 2:
                return None
        if self.model.ours is None:
            return plan.Absent()
        ovn, version, _ = self.model.ours
        return plan.Found(True, version, ovn)


def holds(driver: Driver, outcome: plan.Outcome, base: tuple[str, int, str] | None) -> None:
    """What must be so when an attempt has ended."""
    ours = driver.model.ours
    wanted = driver.wanted.state
    if outcome.ending is Ending.DONE:
        if wanted is None:
            assert ours is None
        else:
            assert ours is not None
            assert ours[2] == wanted.value
            ovn = outcome.granted.ovn if outcome.granted else outcome.landed.ovn if outcome.landed else ""
            assert ovn == ours[0]
    elif outcome.ending is Ending.REFUSED:
        assert ours == base
    for body, others in driver.model.writes:
        sent = msgspec.json.decode(body)
        assert sent["state"] not in {"Accepted", "Activated"} or others <= set(sent["key"])


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("faults", [0, 1, 2])
@pytest.mark.parametrize(
    ("state", "base"),
    [
        (State.ACCEPTED, None),
        (State.ACTIVATED, ("base-ovn", 1, "Accepted")),
        (State.NONCONFORMING, ("base-ovn", 1, "Activated")),
        (State.NONCONFORMING, None),
        (None, ("base-ovn", 1, "Activated")),
    ],
)
def test_every_way_through_losses_and_kills_ends_with_both_sides_agreed(
    state: State | None, base: tuple[str, int, str] | None, faults: int, names: bool
) -> None:
    """Whatever is lost, late or killed, the party ends up knowing what the discovery service has.

    Also where the service gives OVNs of its own, not those that are asked for.
    """
    choices = Choices()
    ways = 0
    for _ in choices.tellings():
        ways += 1
        model = Model(ours=base, others={ident_of(n): 1 for n in (1, 2)}, names=names)
        at = volumes(1.0, ident=MINE)
        driver = Driver(model, goal(state, volumes=None if state is None else at), choices.pick, faults)
        outcome = driver.begin(base[0] if base else "")
        for _ in range(20):
            if outcome is not None and outcome.ending is not Ending.UNSETTLED:
                break
            assert driver.saved
            outcome = driver.again()
        assert outcome is not None
        assert outcome.ending is not Ending.UNSETTLED
        holds(driver, outcome, base)
        if not faults:
            assert outcome.ending is Ending.DONE
    assert ways >= 4**faults


@settings(max_examples=400)
@given(st.lists(st.integers(0, 6), max_size=40), st.integers(3, 12), st.booleans(), st.booleans())
def test_long_runs_of_bad_luck_end_agreed_too(
    luck: list[int], faults: int, creates: bool, names: bool
) -> None:
    """With a dozen faults in one attempt, the two sides still end up agreed."""
    base = None if creates else ("base-ovn", 1, "Accepted")
    numbers = iter(luck)
    driver = Driver(
        Model(ours=base, others={ident_of(1): 1}, names=names),
        goal(volumes=volumes(1.0, ident=MINE)),
        lambda n: min(next(numbers, 0), n - 1),
        faults,
    )
    outcome = driver.begin(base[0] if base else "")
    for _ in range(30):
        if outcome is not None and outcome.ending is not Ending.UNSETTLED:
            break
        outcome = driver.again()
    assert outcome is not None
    assert outcome.ending in {Ending.DONE, Ending.REFUSED}
    holds(driver, outcome, base)


def test_a_conflict_that_appears_while_the_plan_is_sent_refuses_it() -> None:
    """Somebody who was quicker, and is in the way, is seen before anything is written."""
    model = Model()
    planning = plan.begin(Attempt(ident=MINE, begun_us=0), goal(), PLAIN).looked([])
    assert isinstance(planning.step(), plan.Send)
    model.others[ident_of(1)] = 1
    planning = planning.made(b"{}", "ovn").sent(plan.Missing((model.reference(1),)), 1)
    assert isinstance(planning.step(), plan.Fetch)
    planning = planning.fetched({(False, ident_of(1)): details(model.reference(1))})
    step = planning.step()
    assert isinstance(step, plan.Settled)
    assert step.outcome.ending is Ending.REFUSED
    assert step.outcome.verdict.refused[0].ident == ident_of(1)


def test_an_ovn_that_the_discovery_service_does_not_take_is_a_lie() -> None:
    """A peer whose OVN is refused is asked afresh; the same OVN again is a fault, and the plan fails safe."""
    of = reference(1)
    planning = plan.begin(Attempt(ident=MINE, begun_us=0), goal(volumes=volumes(1.0)), PLAIN).looked([of])
    planning = planning.fetched({of.name: details(of)}).made(b"{}", "").sent(plan.Missing((of,)), 1)
    step = planning.step()
    assert step == plan.Fetch((Wanted(of, fresh=True),))
    planning = planning.fetched({of.name: details(of)})
    step = planning.step()
    assert isinstance(step, plan.Settled)
    assert step.outcome.ending is Ending.REFUSED
    assert step.outcome.faults == ((of, "the OVN it shows is not the one that the DSS has"),)


def test_a_busy_place_is_given_up_after_so_many_rounds() -> None:
    """A plan that is always too late ends, and says why."""
    model = Model()
    planning = plan.begin(Attempt(ident=MINE, begun_us=0), goal(volumes=volumes(1.0)), PLAIN).looked([])
    for n in range(1, plan.ROUNDS + 1):
        model.others[ident_of(n)] = 1
        planning = planning.made(b"{}", "").sent(plan.Missing((model.reference(n),)), n)
        if n < plan.ROUNDS:
            planning = planning.fetched({(False, ident_of(n)): details(model.reference(n))})
    step = planning.step()
    assert isinstance(step, plan.Settled)
    assert "others were quicker" in step.outcome.why


def test_the_details_of_a_party_that_is_down_are_not_asked_for() -> None:
    """Of a party that is down, only what is remembered is wanted."""
    away = reference(1, availability=Availability.DOWN)
    planning = plan.begin(Attempt(ident=MINE, begun_us=0), goal(), PLAIN).looked([away])
    assert planning.step() == plan.Fetch((Wanted(away, cached=True),))
    planning = planning.fetched({away.name: Unreachable("down")})
    step = planning.step()
    assert isinstance(step, plan.Send)
    assert step.attempt.key == ()


def test_an_answer_out_of_turn_is_a_fault_of_ours() -> None:
    """A machine that waits for one answer takes no other."""
    planning = plan.begin(Attempt(ident=MINE, begun_us=0), goal(), PLAIN)
    with pytest.raises(RuntimeError, match="look"):
        planning.sent(plan.Stale(), 0)


def test_an_id_of_another_party_and_a_flight_that_is_gone_are_said() -> None:
    """Where the discovery service has another's flight under the id, or none, nothing is written."""
    asked = plan.begin(Attempt(ident=MINE, begun_us=0), goal(State.CONTINGENT), PLAIN)
    asked = asked.made(b"{}", "").sent(plan.Stale(), 0)
    step = asked.asked(plan.Found(False, 1, ""), 1).step()
    assert isinstance(step, plan.Settled)
    assert step.outcome.ending is Ending.REFUSED
    based = plan.begin(Attempt(ident=MINE, begun_us=0, base_ovn="base"), goal(State.CONTINGENT), PLAIN)
    step = based.made(b"{}", "").sent(plan.Stale(), 0).asked(plan.Absent(), 1).step()
    assert isinstance(step, plan.Settled)
    assert step.outcome.ending is Ending.GONE


def test_circles_are_measured_like_polygons() -> None:
    """What two circles share is measured as what two squares share: area, height and time."""
    from skypact.airspace.overlap import shared

    labels = Labels.of(["c"], kind=Kind.UNCREWED, data_mode=DataMode.TEST)
    bands = (Altitude(0.0, AltitudeReference.W84), Altitude(100.0, AltitudeReference.W84))
    circle = Volumes.of(labels, [Volume4D(Circle(47.0, 8.0, 100.0), *bands, 0, 10 * SECOND_US)])
    both = shared(circle, circle)
    assert both.space_m3 == pytest.approx(3.1416e6, rel=2e-3)
    assert both.space_time_m3s == pytest.approx(10.0 * both.space_m3)
    assert shared(circle, volumes(1.0)).space_m3 == 0.0


def test_a_second_write_that_a_kill_kept_from_being_sent_is_sent() -> None:
    """Only its answer says who must be told; where none comes, ever, the flight is taken as it is."""
    attempt = plan.Attempt(
        ident=MINE,
        begun_us=HOUR_US,
        base_ovn="got",
        landed="got",
        expected=("got",),
        body=b"{}",
        sent_us=HOUR_US,
    )
    planning = plan.resume(attempt, goal(volumes=volumes(1.0, ident=MINE)), PLAIN)
    sends = 0
    while not isinstance(step := planning.step(), plan.Settled):
        if isinstance(step, plan.Ask):
            planning = planning.asked(plan.Found(True, 1, "got"), HOUR_US)
            continue
        assert isinstance(step, plan.Send)
        sends += 1
        assert step.attempt.base_ovn == "got"
        planning = planning.made(b"{}", f"more{sends}") if not step.attempt.body else planning
        planning = planning.sent(plan.Silence("lost"), HOUR_US)
    assert sends > 1
    assert step.outcome.ending is Ending.DONE
    assert step.outcome.landed is not None
    again = plan.resume(attempt, goal(volumes=volumes(1.0, ident=MINE)), PLAIN)
    told = (
        again.asked(plan.Found(True, 1, "got"), HOUR_US)
        .made(b"{}", "more")
        .sent(plan.Granted(2, "more"), HOUR_US)
    )
    assert isinstance(told.step(), plan.Settled)


def test_a_constraint_with_the_id_of_our_own_flight_or_of_anothers_is_obeyed() -> None:
    """What is known is known by kind and id: neither overwrites the other, and none is taken for ours."""
    ours = reference(1, state=None, ident=MINE)
    planning = plan.begin(Attempt(ident=MINE, begun_us=0), goal(), PLAIN).looked([ours])
    assert planning.step() == plan.Fetch((Wanted(ours),))
    planning = planning.fetched({ours.name: details(ours, at=volumes(ident=f"constraint {MINE}"))})
    assert [m.ident for m in planning.verdict.refused] == [MINE]
    away, limit = reference(1), reference(1, state=None)
    planning = plan.begin(Attempt(ident=MINE, begun_us=0), goal(priority=9), PLAIN).looked([away, limit])
    planning = planning.fetched(
        {away.name: details(away), limit.name: details(limit, ovn="ovn-of-the-limit")}
    )
    assert [m.state for m in planning.verdict.refused] == ["constraint"]
    assert [m.state for m in planning.verdict.permitted] == ["Accepted"]
