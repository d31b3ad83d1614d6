"""Separation rules: which minima hold for a pair, and who has agreed to fly close."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.airspace import EN_ROUTE, Kind, Labels, Minima, Proximity, Rule, Separation
from skypact.check.reference import rule_reference
from skypact.errors import PactError
from skypact.instants import FOREVER

WORDS = ["any", "crewed", "uncrewed", "ground", "static", "north", "south", "t0", "t1", "nobody"]


@pytest.mark.parametrize("field", ["horizontal_m", "vertical_m", "lookahead_s"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e9])
def test_minima_are_checked(field: str, value: float) -> None:
    """A minimum that is negative, endless, not a number or absurd is refused by its name."""
    values = {"horizontal_m": 9260.0, "vertical_m": 304.8, "lookahead_s": 300.0} | {field: value}
    with pytest.raises(PactError, match=f"{field}: not a minimum; found .*; expected 0 to"):
        Minima(**values)


def test_en_route_is_five_miles_and_a_thousand_feet() -> None:
    """The minima where nothing is said are the radar en-route ones, to the metre's fraction."""
    assert (EN_ROUTE.horizontal_m, EN_ROUTE.vertical_m, EN_ROUTE.lookahead_s) == (9260.0, 304.8, 300.0)
    assert Separation.uniform().rules[0].name == "5 NM / 1000 ft"
    assert Separation.uniform(EN_ROUTE, name="radar").rules[0].name == "radar"


def test_the_first_rule_that_fits_holds() -> None:
    """Rules are tried in order and either way round; a pair that none fits has none."""
    rules = Separation(
        (
            Rule("tanker", ("t0", "any"), Minima(100.0, 10.0)),
            Rule("mixed", ("uncrewed", "crewed"), Minima(200.0, 20.0, 60.0)),
            Rule("between", ("north", "south"), Minima(300.0, 30.0)),
        )
    )
    labels = Labels.of(
        ["t0", "t1", "t2", "t3"],
        party=["north", "north", "south", "south"],
        kind=[Kind.CREWED, Kind.CREWED, Kind.UNCREWED, Kind.CREWED],
    )
    matrix = rules.resolve(labels)
    found = matrix.rule[np.ix_(matrix.klass, matrix.klass)]
    assert found.tolist() == [[0, 0, 0, 0], [0, -1, 1, 2], [0, 1, -1, 1], [0, 2, 1, -1]]
    pair = matrix.klass[1], matrix.klass[2]
    assert (matrix.horizontal_m[pair], matrix.vertical_m[pair], matrix.lookahead_s[pair]) == (
        200.0,
        20.0,
        60.0,
    )
    none = matrix.klass[1], matrix.klass[1]
    assert matrix.horizontal_m[none] == matrix.vertical_m[none] == matrix.lookahead_s[none] == 0.0


def test_no_things_have_no_classes() -> None:
    """Rules over nobody are a matrix of nothing."""
    matrix = Separation.uniform().resolve(Labels.of([]))
    assert matrix.klass.shape == (0,)
    assert matrix.rule.shape == (0, 0)


def test_things_of_one_class_share_it() -> None:
    """A thousand things of two kinds are two classes, so rules are tried four times and not a million."""
    labels = Labels.of([f"t{k}" for k in range(1000)], kind=np.arange(1000) % 2)
    assert Separation.uniform().resolve(labels).rule.shape == (2, 2)


@given(
    st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), max_size=5),
    st.lists(
        st.tuples(st.sampled_from(["north", "south", ""]), st.sampled_from(list(Kind))),
        min_size=1,
        max_size=6,
    ),
)
def test_resolving_by_class_is_trying_every_rule_on_every_pair(
    rules: list[tuple[str, str]], things: list[tuple[str, Kind]]
) -> None:
    """The matrix over classes gives each pair what a plain reading of the rules gives it, both ways round."""
    separation = Separation(tuple(Rule(str(k), sides, Minima(1.0 + k, 1.0)) for k, sides in enumerate(rules)))
    labels = Labels.of(
        [f"t{k}" for k in range(len(things))],
        party=[party for party, _ in things],
        kind=np.array([kind for _, kind in things], np.int8),
    )
    matrix = separation.resolve(labels)
    for a in range(len(things)):
        for b in range(len(things)):
            expected = rule_reference(separation, labels, a, labels, b)
            assert matrix.rule[matrix.klass[a], matrix.klass[b]] == expected
            assert matrix.rule[matrix.klass[b], matrix.klass[a]] == expected
            assert matrix.horizontal_m[matrix.klass[a], matrix.klass[b]] == (
                expected + 1.0 if expected >= 0 else 0.0
            )


def test_agreed_proximity_lasts_until_its_expiry() -> None:
    """Two things have agreed until the latest expiry that names both, by id or body, either way round."""
    rules = Separation(
        (),
        (
            Proximity(("tanker-1", "tanker-2"), 100),
            Proximity(("tanker-2", "tanker-1"), 200, "extended"),
            Proximity(("tanker-1", "drone"), FOREVER),
        ),
    )
    assert rules.agreed_until(["tanker-1"], ["x", "tanker-2"]) == 200
    assert rules.agreed_until(["tanker-2", "y"], ["tanker-1"]) == 200
    assert rules.agreed_until(["drone"], ["tanker-1"]) == FOREVER
    assert rules.agreed_until(["drone"], ["tanker-2"]) is None
