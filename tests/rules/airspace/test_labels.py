"""Labels: names and classes as columns, put together and taken apart without a mix-up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.airspace import DataMode, Kind, Labels
from skypact.errors import InputError, ModeError

names = st.text(alphabet="abc/-", min_size=0, max_size=4)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_reads_its_own_word(kind: Kind) -> None:
    """What a kind is written as is what it is read from, in any case and with spaces round it."""
    assert Kind.parse(f" {kind.word.upper()} ") is kind
    assert kind.word == kind.word.lower()


@pytest.mark.parametrize("mode", list(DataMode))
def test_a_data_mode_reads_its_own_word(mode: DataMode) -> None:
    """A data mode is read in any case and with spaces round it."""
    assert DataMode.parse(f" {mode.value.upper()} ") is mode


@pytest.mark.parametrize("text", ["", "hostile", "crewed uncrewed", "0", "Ünmanned"])
def test_other_words_are_no_kind(text: str) -> None:
    """A word that is none of the four is refused, with the place, the word and the four."""
    with pytest.raises(
        InputError, match=r"zone 3: not a kind; found .*; expected crewed, uncrewed, ground, static"
    ):
        Kind.parse(text, where="zone 3")


def test_other_words_are_no_data_mode() -> None:
    """A word that is no data mode is refused, with the place and the four."""
    with pytest.raises(
        InputError, match=r"pact\.data_mode: not a data mode; found 'live'; expected real, exercise"
    ):
        DataMode.parse("live", where="pact.data_mode")


def test_one_value_stands_for_every_row() -> None:
    """A single party, kind or source holds for all rows; each row is its own body."""
    labels = Labels.of(["a", "b"], party="north", kind=Kind.GROUND, source="feed")
    assert len(labels) == 2
    assert [labels.party_of(k) for k in range(2)] == ["north", "north"]
    assert [labels.source_of(k) for k in range(2)] == ["feed", "feed"]
    assert [labels.body_of(k) for k in range(2)] == ["a", "b"]
    assert labels.kind.tolist() == [Kind.GROUND, Kind.GROUND]
    assert labels.data_mode is DataMode.REAL


def test_no_rows_are_labels_too() -> None:
    """Nothing can be labelled, and stays nothing when put together."""
    none = Labels.of([])
    assert len(none) == 0
    assert len(Labels.concat([none, none])) == 0
    assert Labels.concat([none, Labels.of(["a"], party="x")]).party_of(0) == "x"


@pytest.mark.parametrize(
    ("columns", "place"),
    [
        ({"party": ["x"]}, "party"),
        ({"source": ["x", "y", "z"]}, "source"),
        ({"body": ["x"]}, "body"),
        ({"kind": [0, 1, 2]}, "kind"),
    ],
)
def test_a_column_of_another_length_is_refused(columns: dict[str, list[str]], place: str) -> None:
    """One value a row, or one for all: anything else names the column and both lengths."""
    with pytest.raises(InputError, match=f"{place}: one value a row is needed; found .*; expected .*2"):
        Labels.of(["a", "b"], **columns)  # type: ignore[arg-type]  # each case is wrong on purpose


@pytest.mark.parametrize("kind", [4, -1])
def test_a_number_that_is_no_kind_is_refused(kind: int) -> None:
    """Only the numbers of the four kinds are kinds."""
    with pytest.raises(InputError, match="not a kind"):
        Labels.of(["a", "b"], kind=[0, kind])


def test_sets_of_different_modes_never_meet() -> None:
    """Real and exercise records are not put together, in either order."""
    real, exercise = Labels.of(["a"]), Labels.of(["b"], data_mode=DataMode.EXERCISE)
    for sets in ([real, exercise], [exercise, real]):
        with pytest.raises(
            ModeError, match=r"data modes would be mixed; found '(real and exercise|exercise and real)'"
        ):
            Labels.concat(sets)
    assert Labels.concat([exercise, exercise]).data_mode is DataMode.EXERCISE


def test_nothing_cannot_be_put_together() -> None:
    """A concatenation of no sets has no data mode, so it is refused."""
    with pytest.raises(InputError, match="nothing to put together"):
        Labels.concat([])


@given(
    st.lists(st.lists(st.tuples(names, names, names, st.integers(0, 3)), max_size=5), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_taking_and_joining_keep_every_row(
    rows: list[list[tuple[str, str, str, int]]], random: object
) -> None:
    """Every row keeps id, party, body and kind through a concatenation and a shuffle."""
    sets = [
        Labels.of(
            [r[0] for r in part],
            party=[r[1] for r in part],
            body=[r[2] for r in part],
            kind=np.array([r[3] for r in part], np.int8),
        )
        for part in rows
    ]
    joined = Labels.concat(sets)
    flat = [r for part in rows for r in part]
    order = list(range(len(flat)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    taken = joined.take(np.array(order, np.intp))
    assert len(taken) == len(flat)
    for k, at in enumerate(order):
        found = (taken.ids[k], taken.party_of(k), taken.body_of(k), int(taken.kind[k]))
        assert found == flat[at]
    same = {(p, q) for p in range(len(flat)) for q in range(len(flat)) if flat[p][2] == flat[q][2]}
    assert {
        (p, q) for p in range(len(flat)) for q in range(len(flat)) if joined.body[p] == joined.body[q]
    } == same
