"""The order of a report, its counts and its words."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_report import MINUTE_US, NOON_US, answer, findings, full, labels, report
from skypact.check.findings import FindingKind, Reason, Unchecked, Unobserved
from skypact.formats import findings_csv, findings_geojson, findings_json
from skypact.formats.report import _AT_ONCE, counted, instant, is_report, numbers, plain
from skypact.instants import EVER, FOREVER
from skypact.pact import Pact

if TYPE_CHECKING:
    from types import ModuleType

WHO = labels("red-1", "blue-2", "red-3")


def test_predictions_come_first_then_separation_zones_outside_and_agreed() -> None:
    """The groups stand in the order of urgency, whatever the order of the questions."""
    made = full()
    assert made.order[:, 2].tolist() == sorted(made.order[:, 2].tolist())
    kinds = [a.findings[row].kind for a, row in made.rows()]
    assert kinds == [
        FindingKind.ENCOUNTER,
        FindingKind.LOSS,
        FindingKind.LOSS,
        FindingKind.ENTRY,
        FindingKind.OUTSIDE,
        FindingKind.LOSS,
    ]


def test_the_least_of_the_minima_left_is_the_most_urgent() -> None:
    """Among losses the larger part left decides, then the smaller one, then time."""
    rows = [
        (0, 1, 0, 9000.0, 10.0),  # 97 % of the horizontal minimum left
        (0, 2, 1, 4630.0, 152.4),  # 50 % and 50 %
        (1, 2, 2, 926.0, 152.4),  # 50 % and 10 %
        (0, 1, 3, 926.0, 152.4),  # the same, later
    ]
    made = report(answer(findings(WHO, rows)))
    assert [row for _, row in made.rows()] == [2, 3, 1, 0]


def test_a_distance_that_is_not_known_counts_as_none_left() -> None:
    """NaN never makes a finding look harmless."""
    made = answer(findings(WHO, [(0, 1, 0, np.nan, np.nan), (0, 2, 0, 100.0, 100.0)]))
    assert made.left()[0].tolist() == [0.0, 0.0]
    assert [row for _, row in report(made).rows()] == [0, 1]


def test_rules_without_minima_leave_nothing() -> None:
    """Volumes that touch have no part of any minima left."""
    made = answer(findings(WHO, [(0, 1, 0, 0.0, 0.0)]), minima=(0.0, 0.0))
    assert made.left().tolist() == [[0.0, 0.0]]
    assert replace(made, horizontal_m=np.zeros(0), vertical_m=np.zeros(0)).left().tolist() == [[0.0, 0.0]]


def test_predictions_go_by_time_and_outside_by_distance() -> None:
    """The soonest prediction and the furthest stray lead their groups."""
    ahead = answer(findings(WHO, [(0, 1, 9, 1.0, 1.0), (0, 2, 1, 9000.0, 1.0)]), basis="predicted")
    assert [row for _, row in report(ahead).rows()] == [1, 0]
    strays = answer(findings(WHO, [(0, 1, 0, 5.0, 0.0), (0, 2, 9, 0.0, 80.0)], kind=FindingKind.OUTSIDE))
    assert [row for _, row in report(strays).rows()] == [1, 0]


@given(st.lists(st.tuples(st.floats(0, 9259), st.floats(0, 304), st.integers(0, 100)), max_size=30))
def test_every_finding_is_in_the_order_once(rows: list[tuple[float, float, int]]) -> None:
    """No row is lost or doubled, and the larger part left never falls."""
    made = answer(findings(WHO, [(0, 1, at, h, v) for h, v, at in rows]))
    order = [row for _, row in report(made).rows()]
    assert sorted(order) == list(range(len(rows)))
    left = made.left()[order, 0]
    assert (np.diff(left) >= 0).all()


def test_an_agreed_finding_is_shown_and_not_counted() -> None:
    """The exit status rests on what no agreed proximity covers."""
    made = report(answer(findings(WHO, [(0, 1, 0, 1.0, 1.0)], agreed=np.array([True]))))
    assert (made.found, made.agreed, made.order.shape[0]) == (0, 1, 1)
    assert made.statement == "No conflict found under these assumptions; 1 more under an agreed proximity."


def test_counts_of_everything() -> None:
    """Findings, marks, undecided pairs and gaps are counted as they are."""
    made = full()
    assert (made.found, made.agreed, made.marginal) == (5, 1, 1)
    assert made.counts() == {"loss": 2, "entry": 1, "outside": 1, "encounter": 1}
    assert made.unchecked == 18  # 17 without a rule, of which one is listed, and one altitude
    assert made.unobserved == 1
    assert made.statement.startswith("5 conflicts found: 2 losses of separation, 1 zone entry,")


def test_nothing_found_is_never_called_clear() -> None:
    """No statement has a word that promises safety."""
    nothing = report(answer(findings(WHO, [])))
    alone = report(answer(findings(labels("lone"), [])))
    assert nothing.statement == "No conflict found under these assumptions."
    assert alone.statement == "No conflict found, and nothing was there to be compared."
    for made in (nothing, alone, report(), full()):
        assert not {"clear", "safe", "ok", "fine"} & set(made.statement.lower().split())


def test_a_gap_is_told_once_though_two_questions_see_it() -> None:
    """Losses and entries both list the gaps of one track."""
    gaps = Unobserved(np.array([0]), np.array([NOON_US]), np.array([NOON_US + MINUTE_US]))
    one = answer(findings(WHO, [], unobserved=gaps))
    assert report(one, one).unobserved == 1
    assert len(list(report(one, one).unobserved_records())) == 1


def test_pairs_without_a_rule_are_all_counted_even_if_not_listed() -> None:
    """The number of pairs stands even where only some are listed, and never falls below what is listed."""
    one = np.array([0])
    for told, expected in ((5000, 5000), (0, 1)):
        left = Unchecked(one, one, one, one, np.array([Reason.NO_RULE], np.int8), told)
        assert report(answer(findings(WHO, [], unchecked=left))).unchecked == expected


@pytest.mark.parametrize(
    ("value", "written"),
    [(float("nan"), None), (float("inf"), None), (1.23456, 1.235), (-0.0, 0.0), (-0.0001, 0.0)],
)
def test_numbers_are_rounded_and_never_endless(value: float, written: float | None) -> None:
    """Millimetres, no negative zero, and null for what is no number."""
    assert numbers(np.array([value])) == [written]
    assert str(numbers(np.array([value]))[0]) != "-0.0"


@pytest.mark.parametrize("writer", [findings_json, findings_geojson, findings_csv])
def test_what_was_written_is_known_as_a_report(writer: ModuleType) -> None:
    """Our own results are told by their beginning, and other files are not taken for them."""
    stream = io.BytesIO()
    writer.write_findings(full(), stream)
    assert is_report(stream.getvalue()[:64])
    for other in (b"", b'{"type": "FeatureCollection"', b"time,id,lat,lng", b'{"skypactx": 1}'):
        assert not is_report(other)


def test_the_pact_is_named_in_the_heading() -> None:
    """Whose minima and zones were used, and where they came from."""
    made = report(pact=Pact("p-1", "A title"), pact_path="p.toml")
    assert made.heading()["pact"] == {"id": "p-1", "title": "A title", "path": "p.toml"}
    assert report().heading()["pact"] is None


def test_records_of_many_rows_keep_the_order() -> None:
    """More findings than are made at once, of two answers, come in the one order of urgency."""
    many = [(0, 1, k, 9000.0 - k % 97, 10.0) for k in range(_AT_ONCE + 50)]
    made = report(answer(findings(WHO, many)), answer(findings(WHO, [(1, 2, 5, 8950.5, 10.0)])))
    written = [row["closest"]["horizontal_m"] for row in made.records()]
    assert len(written) == _AT_ONCE + 51
    assert written == sorted(written)
    assert written.count(8950.5) == 1


def test_open_ends_have_no_instant() -> None:
    """EVER and FOREVER are no dates."""
    assert instant(EVER) is None
    assert instant(FOREVER) is None
    assert instant(NOON_US) == "2017-06-08T12:00:00Z"


def test_names_that_are_not_utf8_can_be_written() -> None:
    """A file name with a stray byte becomes text that every writer can write."""
    assert plain("caf\udce9.csv") == "caf\ufffd.csv"
    assert plain("日本.csv") == "日本.csv"


def test_counted_nouns() -> None:
    """One is singular, thousands have separators, odd plurals are given."""
    assert [counted(1, "track"), counted(1244, "track"), counted(0, "entry", "entries")] == [
        "1 track",
        "1,244 tracks",
        "0 entries",
    ]


def test_texts_that_are_no_utf_8_are_shown_as_they_can_be() -> None:
    """A file name's odd bytes become what they stand for or U+FFFD, and so does half a pair of surrogates."""
    assert plain("a.csv") == "a.csv"
    assert plain("Z\udcc3\udcbcrich") == "Zürich"
    assert plain("Z\udcfcrich") == "Z\ufffdrich"
    assert plain("\ud800\udfff \U0001f681") == "\ufffd\ufffd \U0001f681"
