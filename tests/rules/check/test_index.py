"""The live index answers what ``conflicts`` would, whatever came and went before."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from awkward import BASE_US, box, rng, track
from awkward_volumes import S, Shape, go_one, star
from skypact.airspace import (
    EN_ROUTE,
    Altitude,
    AltitudeReference,
    Circle,
    DataMode,
    Kind,
    Labels,
    Minima,
    Proximity,
    Rule,
    Separation,
    Trajectories,
    Volume4D,
    Volumes,
)
from skypact.check import Findings, Index, Reason, conflicts
from skypact.check._claims import MEETING
from skypact.check._index import LONGEST_US
from skypact.errors import InputError, ModeError
from skypact.instants import EVER, FOREVER

AMSL, STD, W84 = AltitudeReference.AMSL, AltitudeReference.STD, AltitudeReference.W84
SQUARE = box(34.0, 38.0, 34.2, 38.2)
BY_KIND = Separation(
    (
        Rule("drones", ("uncrewed", "uncrewed"), Minima(300.0, 50.0)),
        Rule("crewed", ("crewed", "crewed"), Minima(3000.0, 300.0)),
        Rule("v7 keeps off", ("v7", "any"), Minima(1000.0, 0.0)),
        Rule("red and blue", ("red", "blue"), Minima(500.0, 100.0)),
    ),
    (Proximity(("v1", "v2")),),
)


def some_volumes(random: np.random.Generator, n: int, first: int) -> Volumes:
    """Volumes about one town, of all kinds, parties and references, some of one body, one of them huge."""
    solid = []
    for _ in range(n):
        lat, lng = float(random.uniform(33.9, 34.1)), float(random.uniform(37.9, 38.1))
        size = float(random.choice([200.0, 2_000.0, 8_000.0]))
        shape: Shape = star(random, lat, lng, size, 5) if random.random() < 0.7 else Circle(lat, lng, size)
        if random.random() < 0.05:
            shape = Circle(lat, lng, 400_000.0)
        low = float(random.uniform(0.0, 2000.0))
        ref = [AltitudeReference(int(r)) for r in random.choice([0, 1, 1, 1, 2], 2)]
        start = BASE_US + int(random.integers(0, 3000)) * S
        window = (start, start + int(random.choice([60, 600, 3000])) * S)
        if random.random() < 0.1:
            window = (EVER, FOREVER)
        lower = Altitude(low, ref[0]) if random.random() < 0.9 else None
        upper = Altitude(low + 1500.0, ref[1]) if random.random() < 0.9 else None
        solid.append(Volume4D(shape, lower, upper, *window))
    names = [f"v{(first + k) % 40}" for k in range(n)]
    return Volumes.of(labels(random, names), solid)


def some_tracks(random: np.random.Generator, n: int, first: int) -> Trajectories:
    """Planned trajectories of one to five samples there, some known badly, some of unknown altitude."""
    sizes = random.integers(1, 6, n)
    m = int(sizes.sum())
    cuts = np.concatenate([[0], np.cumsum(sizes)])
    times = np.concatenate([np.sort(random.integers(0, 4000, size)) for size in sizes])
    return Trajectories.of(
        labels(random, [f"t{(first + k) % 40}" for k in range(n)]),
        cuts,
        BASE_US + times.astype(np.int64) * S,
        random.uniform(33.8, 34.2, m),
        random.uniform(37.8, 38.2, m),
        np.where(random.random(m) < 0.05, np.nan, random.uniform(0.0, 3000.0, m)),
        reference=random.choice([0, 1, 1, 1, 2], n).astype(np.int8),
        horizontal_uncertainty_m=random.choice([0.0, 0.0, 200.0], n),
        vertical_uncertainty_m=random.choice([0.0, 0.0, 20.0], n),
    )


def labels(random: np.random.Generator, names: list[str]) -> Labels:
    """Labels of random party, kind and now and then a body that several share."""
    n = len(names)
    return Labels.of(
        names,
        party=random.choice(["red", "blue", ""], n).tolist(),
        kind=random.choice([0, 0, 1, 1, 2, 3], n).astype(np.int8),
        source="made",
        body=[name if random.random() < 0.8 else "shared" for name in names],
    )


Row = tuple[Any, ...]


def rows_of(found: Findings, key_b: list[int]) -> list[Row]:
    """Findings as comparable rows; instants and metres rounded to what the clock's base may cost."""
    return sorted(
        (
            row.a,
            key_b[row.b],
            round(row.start_us / 4),
            round(row.end_us / 4),
            round(row.horizontal_m, 2),
            -1.0 if np.isnan(row.vertical_m) else round(row.vertical_m, 2),
            row.rule,
            row.agreed,
        )
        for row in found
    )


def same(one: list[Row], two: list[Row]) -> bool:
    """Whether two lists of rows agree but for rounding at a rounding's edge."""
    if len(one) != len(two):
        return False
    for p, q in zip(one, two, strict=True):
        if p[:2] != q[:2] or p[6:] != q[6:]:
            return False
        if any(abs(x - y) > 2.0 for x, y in zip(p[2:4], q[2:4], strict=True)):
            return False
        if any(abs(x - y) > 0.02 for x, y in zip(p[4:6], q[4:6], strict=True)):
            return False
    return True


def undecided_of(found: Findings, key_b: list[int]) -> list[Row]:
    """What was left open: pairs, windows, reasons."""
    u = found.unchecked
    return sorted(
        (
            int(u.a[k]),
            key_b[int(u.b[k])],
            round(int(u.start_us[k]) / 4),
            round(int(u.end_us[k]) / 4),
            int(u.reason[k]),
        )
        for k in range(len(u))
    )


def same_undecided(one: list[Row], two: list[Row]) -> bool:
    """The same of what was left open."""
    return len(one) == len(two) and all(
        p[:2] == q[:2] and p[4] == q[4] and abs(p[2] - q[2]) <= 2 and abs(p[3] - q[3]) <= 2
        for p, q in zip(one, two, strict=True)
    )


class LivingIndex(RuleBasedStateMachine):
    """An index, and beside it a list of what it should hold."""

    handles = Bundle("handles")
    separation: Separation | Minima | None = None

    def __init__(self) -> None:
        super().__init__()
        self.index = Index(self.separation)
        self.held: dict[int, Volumes | Trajectories] = {}
        self.ever = 0

    @rule(target=handles, seed=st.integers(0, 2**32), n=st.integers(1, 12), flying=st.booleans())
    def insert(self, seed: int, n: int, flying: bool) -> Any:
        """Put some in; handles never repeat."""
        claims = (some_tracks if flying else some_volumes)(rng(seed), n, self.ever)
        got = self.index.insert(claims)
        assert got.tolist() == list(range(self.ever, self.ever + n))
        self.ever += n
        for k, handle in enumerate(got.tolist()):
            self.held[handle] = claims.take(np.array([k]))
        return multiple(*got.tolist())

    @rule(chosen=st.lists(consumes(handles), min_size=1, max_size=12, unique=True))
    def remove(self, chosen: list[int]) -> None:
        """Take some out, in any order."""
        self.index.remove(np.array(chosen))
        for handle in chosen:
            del self.held[handle]

    @rule(seed=st.integers(0, 2**32), n=st.integers(1, 6), flying=st.booleans())
    def query(self, seed: int, n: int, flying: bool) -> None:
        """Ask; nothing changes, and the answer is that of ``conflicts``."""
        claims = (some_tracks if flying else some_volumes)(rng(seed), n, 100)
        found, handles = self.index.query(claims)
        if not self.held:
            assert len(found) == len(handles) == 0
            return
        order = [h for h in self.held if isinstance(self.held[h], Volumes)]
        order += [h for h in self.held if isinstance(self.held[h], Trajectories)]
        expected = conflicts(claims, [self.held[h] for h in order], separation=self.separation)
        key = handles.tolist()
        assert same(rows_of(found, key), rows_of(expected, order))
        got, want = undecided_of(found, key), undecided_of(expected, order)
        assert same_undecided(got, want), (got, want)
        assert found.unchecked.no_rule_pairs == expected.unchecked.no_rule_pairs
        names = [found.labels_b.ids[b] for b in range(len(handles))]
        assert names == [self.held[h].labels.ids[0] for h in key]
        assert [found.labels_b.party_of(b) for b in range(len(key))] == [
            self.held[h].labels.party_of(0) for h in key
        ]

    @rule(handle=st.one_of(st.integers(-5, 200)))
    def remove_unknown(self, handle: int) -> None:
        """What is not there cannot go, and nothing else goes with it."""
        if handle not in self.held:
            with pytest.raises(InputError, match="not a handle"):
                self.index.remove(np.array([*self.held, handle]))

    @invariant()
    def counts(self) -> None:
        """It knows how many it holds."""
        assert len(self.index) == len(self.held)


class Buffered(LivingIndex):
    """The same with one buffer for all."""

    separation = Minima(800.0, 100.0)


class Ruled(LivingIndex):
    """The same under rules by kind, party and id, which leave pairs uncovered, and an agreed proximity."""

    separation = BY_KIND


QUICK = settings(max_examples=12, stateful_step_count=14, deadline=None)
TestWithoutRules = LivingIndex.TestCase
TestWithoutRules.settings = QUICK
TestBuffered = Buffered.TestCase
TestBuffered.settings = QUICK
TestRuled = Ruled.TestCase
TestRuled.settings = QUICK


# -- cases --------------------------------------------------------------------------------------------------


def square(n: int = 1, **more: Any) -> Volumes:
    """The same volume n times."""
    return Volumes.of(Labels.of([f"v{k}" for k in range(n)], **more), [Volume4D(SQUARE)] * n)


def test_an_empty_index_finds_nothing_and_says_how_it_looked() -> None:
    """No rows, no handles; assumptions and the asker's data mode are there."""
    index = Index()
    claims = square(2, data_mode=DataMode.TEST)
    found, handles = index.query(claims)
    assert len(found) == len(handles) == len(index) == 0
    assert found.labels_a is claims.labels
    assert found.labels_b.data_mode is DataMode.TEST
    assert "touching is meeting" in found.assumptions["volumes"]
    assert found.rules[0] == MEETING
    assert index.insert(square(0)).tolist() == []
    assert len(index.query(square(0))[0]) == 0


def test_handles_name_what_was_found() -> None:
    """``b`` numbers only what occurs; handles lead back to it, also after others went."""
    index = Index()
    first = index.insert(square(3))
    flown = index.insert(track("t", [0, 60], [34.1, 34.1], [38.0, 38.2]))
    last = index.insert(Volumes.of(Labels.of(["far"]), [Volume4D(Circle(0.0, 0.0, 1.0))]))
    index.remove(first[:1])
    found, handles = index.query(Volumes.of(Labels.of(["new"]), [Volume4D(SQUARE)]))
    assert sorted(handles.tolist()) == sorted([*first[1:].tolist(), *flown.tolist()])
    assert set(found.b.tolist()) == {0, 1, 2}
    assert sorted(found.labels_b.ids) == ["t", "v1", "v2"]
    assert last[0] not in handles
    assert len(index) == 4


@pytest.mark.parametrize(
    ("handles", "found"),
    [([0, 0], "a handle twice"), ([99], "99"), ([-1], "-1"), ([0, 1, 2, 3, 99], "99"), ([0.5], "float64")],
)
def test_unknown_handles_change_nothing(handles: list[float], found: str) -> None:
    """Unknown, removed, twice, or no handles at all: an error, and all stay."""
    index = Index()
    index.insert(square(4))
    with pytest.raises(InputError, match=r"handles: not .*handle") as caught:
        index.remove(np.array(handles))
    assert found in str(caught.value)
    assert len(index) == 4
    assert len(index.query(square(1, body=["other"]))[1]) == 4


def test_what_is_removed_is_gone_and_cannot_go_again() -> None:
    """Also of trajectories, and when nothing is left."""
    index = Index()
    handles = np.concatenate(
        [index.insert(square(2)), index.insert(track("t", [0, 9], [34.1] * 2, [38.1] * 2))]
    )
    index.remove(handles)
    assert len(index) == 0
    assert len(index.query(square(1, body=["x"]))[0]) == 0
    for handle in handles:
        with pytest.raises(InputError):
            index.remove(np.array([handle]))
    index.remove(np.zeros(0, np.int64))


def test_nothing_meets_its_own_body_in_the_index() -> None:
    """A new version of a flight's volume is not in conflict with the one it replaces."""
    index = Index()
    index.insert(square(1))
    assert len(index.query(square(1))[0]) == 0
    assert len(index.query(track("v0", [0, 9], [34.1] * 2, [38.1] * 2))[0]) == 0
    index.insert(track("v0", [0, 9], [34.1] * 2, [38.1] * 2))
    assert len(index.query(square(1))[0]) == 0


def test_data_modes_do_not_mix() -> None:
    """An index is of one data mode, from the first that is put in."""
    index = Index()
    index.insert(square(1, data_mode=DataMode.SIMULATED))
    for call in (index.insert, index.query):
        with pytest.raises(ModeError, match="real against an index of simulated"):
            call(square(1))
    found, _ = index.query(square(1, data_mode=DataMode.SIMULATED, body=["x"]))
    assert found.labels_b.data_mode is DataMode.SIMULATED


def test_pairs_without_a_rule_are_listed_by_their_handles() -> None:
    """Two trajectories that no rule covers are unchecked, not passed over; volumes need no rule."""
    index = Index(BY_KIND)
    ground = Labels.of(["g"], kind=Kind.GROUND)
    held = index.insert(
        Trajectories.one("g", [BASE_US, BASE_US + 60 * S], [10.0] * 2, [10.0] * 2, 0.0, labels=ground)
    )
    later = index.insert(track("late", [100, 160], [10.0] * 2, [10.0] * 2))
    found, handles = index.query(track("t", [0, 30], [50.0] * 2, [50.0] * 2))
    assert len(found) == 0
    assert found.unchecked.no_rule_pairs == 1
    assert found.unchecked.reason.tolist() == [Reason.NO_RULE]
    assert handles[found.unchecked.b].tolist() == held.tolist()
    assert found.unchecked.end_us.tolist() == [BASE_US + 30 * S]
    assert later[0] not in handles
    assert Index(Separation(())).query(track("t", [0], [0.0], [0.0]))[0].unchecked.no_rule_pairs == 0
    bare = Index(Separation(()))
    bare.insert(track("u", [0], [0.0], [0.0]))
    assert bare.query(track("t", [0], [0.0], [0.0]))[0].unchecked.no_rule_pairs == 1


def test_thousands_of_pairs_without_a_rule_are_counted_and_the_first_listed() -> None:
    """1,500 trajectories there at once, 1,000 of them by name."""
    index = Index(Separation(()))
    n = 1_500
    many = Trajectories.of(
        Labels.of([f"t{k}" for k in range(n)]),
        np.arange(n + 1),
        np.full(n, BASE_US),
        np.zeros(n),
        np.zeros(n),
        0.0,
    )
    index.insert(many)
    found, handles = index.query(track("a", [0], [0.0], [0.0]))
    assert found.unchecked.no_rule_pairs == n
    assert len(found.unchecked) == len(handles) == 1000
    both = Trajectories.concat([track("a", [0], [0.0], [0.0]), track("b", [0], [0.0], [0.0])])
    found, _ = index.query(both)
    assert found.unchecked.no_rule_pairs == 2 * n
    assert len(found.unchecked) == 1000


def test_plans_of_more_than_a_year_are_refused() -> None:
    """They would be cut into pieces without end; the error names the plan."""
    index = Index()
    long = Trajectories.one("t", [BASE_US, BASE_US + LONGEST_US + 1], [34.1] * 2, [38.1] * 2, 0.0)
    for call in (index.insert, index.query):
        with pytest.raises(InputError, match=r"trajectory 't': too long a plan.*found '366 days'"):
            call(long)
    year = Trajectories.one("t", [BASE_US, BASE_US + LONGEST_US], [34.1] * 2, [38.1] * 2, 0.0)
    index.insert(year)
    found, _ = index.query(Volumes.of(Labels.of(["v"]), [Volume4D(SQUARE, None, None, BASE_US, BASE_US + S)]))
    assert found.duration_s.tolist() == [1.0]


def test_compaction_keeps_what_lives() -> None:
    """Thousands come and go; the rest still answer, by the handles they always had."""
    random = rng(5)
    index = Index()
    volumes, tracks = some_volumes(random, 30, 0), some_tracks(random, 30, 0)
    index.insert(square(1_500, body=["crowd"] * 1_500))
    kept = np.concatenate([index.insert(volumes), index.insert(tracks)])
    n = 2_000
    crowd = Trajectories.of(
        Labels.of([f"c{k}" for k in range(n)]),
        np.arange(n + 1),
        np.full(n, BASE_US),
        np.zeros(n),
        np.zeros(n),
        0.0,
    )
    flown = index.insert(crowd)
    before = index.query(tracks)
    index.remove(np.arange(1_500))
    index.remove(flown[::-1])
    assert len(index) == 60
    after = index.query(tracks)
    expected = conflicts(tracks, [volumes, tracks])
    key = {int(h): k for k, h in enumerate(kept.tolist())}
    for found, handles in (before, after):
        mine = [row for row in rows_of(found, [key.get(int(h), -1) for h in handles]) if row[1] >= 0]
        assert same(mine, rows_of(expected, list(range(60))))
    # slots are given out anew, and still lead to the right rows
    again = index.insert(square(1_000, body=["new"] * 1_000))
    found, handles = index.query(square(1, body=["asks"]))
    assert set(again.tolist()) <= set(handles.tolist())
    # all trajectories go, by the thousand, and others come
    index.remove(np.concatenate([index.insert(crowd), kept[30:]]))
    last = index.insert(tracks)
    found, handles = index.query(tracks)
    assert set(handles[found.b].tolist()) <= {*kept[:30].tolist(), *again.tolist(), *last.tolist()}
    assert len(index) == 1_060
    index.remove(np.concatenate([kept[:30], again, last]))
    assert len(index) == 0
    assert len(index.query(square(1))[0]) == 0


def test_windows_of_one_pair_are_joined_over_many_volumes() -> None:
    """A flight of an hour through large volumes is one window each, though it is stored in pieces."""
    index = Index()
    flight = Trajectories.concat(
        [track(f"t{k}", [0, 3600], [34.0, 34.0], [37.0 + 0.01 * k, 39.0]) for k in range(6)]
    )
    index.insert(flight)
    held = Volumes.of(
        Labels.of([f"v{k}" for k in range(6)]),
        [Volume4D(Circle(34.0, 38.0, 40_000.0 + 1000.0 * k)) for k in range(6)],
    )
    found, handles = index.query(held)
    expected = conflicts(held, flight)
    assert len(found) == len(expected) == 36
    assert same(rows_of(found, handles.tolist()), rows_of(expected, list(range(6))))


def test_microseconds_count_far_from_1970() -> None:
    """Windows that touch do not meet, a microsecond over one another they do: also in the year 2300."""
    far = 330 * 31_557_600 * S
    index = Index()
    index.insert(Volumes.of(Labels.of(["v"]), [Volume4D(SQUARE, None, None, far, far + 10)]))
    for start, expected in ((far + 10, 0), (far + 9, 1)):
        found, _ = index.query(Volumes.of(Labels.of(["w"]), [Volume4D(SQUARE, None, None, start, FOREVER)]))
        assert len(found) == expected


def test_touching_an_edge_is_not_lost_to_the_clock() -> None:
    """Seconds since 1970 are rounded to a quarter of a microsecond: a track that just touches still meets."""
    lat, lng, out = go_one(52.0, 5.0, 70.0, 10_000.0)
    here, there = go_one(lat, lng, out + 90.0, 9_000.0), go_one(lat, lng, out - 90.0, 9_000.0)
    index = Index()
    index.insert(Volumes.of(Labels.of(["v"]), [Volume4D(Circle(52.0, 5.0, 10_000.0))]))
    for second in (0.0, 1e-6, 0.123457, 59.999999):
        path = track("t", [second, second + 60.0], [here[0], there[0]], [here[1], there[1]])
        assert (
            len(conflicts(path, Volumes.of(Labels.of(["v"]), [Volume4D(Circle(52.0, 5.0, 10_000.0))]))) == 1
        )
        assert len(index.query(path)[0]) == 1


def test_removing_one_by_one_is_quick() -> None:
    """Single removals do not pay for all that is there."""
    n = 50_000
    random = rng(6)
    lat, lng = random.uniform(40.0, 60.0, n), random.uniform(-10.0, 30.0, n)
    many = Volumes.from_columns(
        Labels.of([f"v{k}" for k in range(n)]),
        np.arange(n + 1),
        lat,
        lng,
        100.0,
        *(-np.inf, 0, np.inf, 0, EVER, FOREVER),
    )
    index = Index()
    handles = index.insert(many)
    flights = index.insert(
        Trajectories.of(
            Labels.of([f"t{k}" for k in range(20_000)]), np.arange(20_001), np.full(20_000, BASE_US),
            lat[:20_000], lng[:20_000], 0.0,
        )
    )  # fmt: skip
    index.remove(np.array([handles[-1], flights[-1]]))
    begin = time.process_time()
    for k in range(500):
        index.remove(handles[k : k + 1])
        index.remove(flights[k : k + 1])
    assert time.process_time() - begin < 2.0
    assert len(index) == n + 20_000 - 1_002


def test_rules_name_themselves_in_the_index_as_in_conflicts() -> None:
    """A pair that no rule fits is under none of the pact's, however many rules there are."""
    index = Index(BY_KIND)
    index.insert(Volumes.of(Labels.of(["a"], kind=Kind.STATIC), [Volume4D(SQUARE)]))
    found, _ = index.query(Volumes.of(Labels.of(["b"], kind=Kind.CREWED), [Volume4D(SQUARE)]))
    assert [row.rule for row in found] == [MEETING]
    found, _ = index.query(Volumes.of(Labels.of(["v7"], kind=Kind.CREWED), [Volume4D(SQUARE)]))
    assert [row.rule for row in found] == ["v7 keeps off"]
    assert Index(EN_ROUTE).query(square(1))[0].rules == ("5 NM / 1000 ft", MEETING)


@pytest.mark.parametrize("n", [1, 5, 64, 65, 200])
def test_few_meetings_and_many_are_told_alike(n: int) -> None:
    """However many volumes a query meets, every column is what a check of both sets says."""
    starts = rng(n).integers(0, 50, n) * S
    theirs = Volumes.of(
        Labels.of([f"v{k}" for k in range(n)], party=[f"p{k % 3}" for k in range(n)]),
        [Volume4D(SQUARE, start_us=int(start), end_us=int(start) + 100 * S) for start in starts],
    )
    mine = Volumes.of(Labels.of(["new"]), [Volume4D(SQUARE, start_us=20 * S, end_us=70 * S)])
    index = Index()
    handles = index.insert(theirs)
    found, hit = index.query(mine)
    told = conflicts(mine, theirs)
    assert [found.labels_b.ids[k] for k in found.b] == [theirs.labels.ids[k] for k in told.b]
    assert [found.labels_b.party_of(k) for k in found.b] == [theirs.labels.party_of(k) for k in told.b]
    assert handles[told.b].tolist() == hit[found.b].tolist()
    moments, places = (
        "a start_us end_us closest_us agreed marginal",
        "horizontal_m vertical_m lat_deg lng_deg",
    )
    for column in f"{moments} {places} altitude_m margin_m".split():
        assert np.array_equal(getattr(found, column), getattr(told, column), equal_nan=True), column
    assert [found.rules[k] for k in found.rule] == [told.rules[k] for k in told.rule]
