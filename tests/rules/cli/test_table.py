"""The table: 80 columns, towards danger, and nothing left out."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sample_report import MINUTE_US, NOON_US, answer, findings, full, labels, report
from skypact.airspace.labels import Kind
from skypact.check.findings import FindingKind
from skypact.cli import visible
from skypact.cli.table import SHOWN, elided, write_table
from skypact.formats.report import Report, Stale

WHOLE = """\
SIMULATED DATA
Read 1 file: 3 tracks, 12 points. All times are UTC, 2017-06-08.
  Note on day.csv: 2 rows without a time

PREDICTED, soonest first (1)
  1 12:03:00  red-1 (red)                            0.26 NM    164 ft
    in 3m00s  blue-2 (blue)                      of     5 NM   1000 ft

SEPARATION, least of the minima left first (2)
  2 12:00:00  red-1 (red)                            0.53 NM    328 ft
    12:02:00  blue-2 (blue)                      of     5 NM   1000 ft
  3 12:05:00  red-1 (red)                            4.99 NM      0 ft
    12:07:00  red-3 (red)                        of     5 NM   1000 ft  marginal

ZONES, in order of time (1)
  4 12:03:00  red-3 (red)                        inside
    12:05:00  zone-x (zone)                      for 2 min
    zone zone-x: entry by notice (declared by zone)

OUTSIDE OWN VOLUMES, furthest out first (1)
  5 12:04:00  blue-2 (blue)                      out by 121 m       3 m
    12:06:00  red-3 (red)                        for 2 min

AGREED PROXIMITY, shown and not alarmed (1)
  6 12:09:00  blue-2 (blue)                          0.02 NM     32 ft
    12:11:00  red-3 (red)                        of     5 NM   1000 ft

NOT DECIDED: 18 pairs
  a question, 17 pairs: no separation rule covers this pair
    red-1 (red) and lone, 2017-06-08 12:00:00 to 2017-06-08 12:01:00
    … and 16 more (use --format json)
  a question, 1 pair: near horizontally, but an altitude is not known
    blue-2 (blue) and lone, time open

NOT OBSERVED: 1 stretch of time
  1 gap between samples in 1 track, 10 min in all; the longest:
    red-1 (red), 2017-06-08 12:00:00 to 2017-06-08 12:10:00 (10 min)

ASSUMPTIONS
  minima: as told

5 conflicts found: 2 losses of separation, 1 zone entry, 1 stretch outside own
  volumes, 1 predicted loss of separation; 1 more under an agreed proximity.
Not part of this answer: 18 pairs not decided, 1 stretch not observed (above).
"""


def table(made: Report, *, colour: bool = False, width: int | None = None) -> str:
    """The table as text."""
    stream = io.StringIO()
    write_table(made, stream, colour=colour, width=width)
    return stream.getvalue()


def test_the_whole_table() -> None:
    """What the officer sees, line by line."""
    assert table(full()) == WHOLE


def test_eighty_columns_hold_whatever_the_names() -> None:
    """Long names in any script are elided in the middle, and no line runs over."""
    long = labels("red-" + "飛" * 90, "blue-" + "x" * 200)
    text = table(report(answer(findings(long, [(0, 1, 0, 1.0, 1.0)], marginal=np.array([True])))))
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "…" in text
    assert "marginal" in text


def test_forty_rows_then_how_many_more() -> None:
    """The rest is counted and the way to see it is named."""
    rows = [(0, 1, k, 100.0 + k, 10.0) for k in range(SHOWN + 7)]
    text = table(report(answer(findings(labels("a", "b"), rows))))
    assert "… and 7 more (use --format csv)" in text
    assert len(re.findall(r"^ *\d+ \d\d:\d\d:\d\d ", text, re.MULTILINE)) == SHOWN


def test_nearness_is_rounded_down_and_distance_outside_up() -> None:
    """4.999 NM of 5 is shown as 4.99, 999.9 ft as 999; 120.4 m outside as 121 m."""
    near = table(report(answer(findings(labels("a", "b"), [(0, 1, 0, 4.9999 * 1852, 999.9 * 0.3048)]))))
    assert "4.99 NM    999 ft" in near
    assert "out by 121 m       3 m" in table(full())


def test_whole_feet_are_not_rounded_away() -> None:
    """925 ft in metres and back is 925 ft, though binary says 924.9999."""
    text = table(report(answer(findings(labels("a", "b"), [(0, 1, 0, 1852.0, 925 * 0.3048)]))))
    assert "1.00 NM    925 ft" in text


def test_minima_under_a_mile_are_in_metres() -> None:
    """Drones are separated by metres, and told in metres."""
    small = (150.0, 30.0)
    text = table(
        report(answer(findings(labels("a", "b"), [(0, 1, 0, 49.7, 10.2)], minima=small), minima=small))
    )
    assert "49 m      10 m" in text
    assert "of   150 m      30 m" in text


def test_the_date_is_said_once_where_there_is_one() -> None:
    """One day: in the header. Several: month and day in each row. Several years: all of it."""
    day = 24 * 60
    one = table(report(answer(findings(labels("a", "b"), [(0, 1, 0, 1.0, 1.0)]))))
    assert "All times are UTC, 2017-06-08." in one
    two = table(report(answer(findings(labels("a", "b"), [(0, 1, 0, 1.0, 1.0), (0, 1, day, 1.0, 1.0)]))))
    assert "All times are UTC, 2017." in two
    assert "  1 06-08 12:00:00  a " in two
    many = table(
        report(answer(findings(labels("a", "b"), [(0, 1, 0, 1.0, 1.0), (0, 1, 400 * day, 1.0, 1.0)])))
    )
    assert "All times are UTC." in many
    assert "2017-06-08 12:00:00" in many


def test_an_open_window_is_called_open() -> None:
    """A volume without an end has none."""
    text = table(
        report(
            answer(
                findings(labels("a", "b"), [(0, 1, 0, 0.0, 0.0)], end_us=np.array([2**62])), minima=(0.0, 0.0)
            )
        )
    )
    assert "    open      b" in text
    assert "they meet" in text


def test_nothing_found_says_under_what_and_what_was_left_out() -> None:
    """The closing line never stands alone, and never says clear."""
    old = Stale("red-9", "red", "day.csv", Kind.CREWED, NOON_US, NOON_US + 5 * MINUTE_US)
    text = table(report(answer(findings(labels("a", "b"), [])), stale=[old]))
    assert text.index("ASSUMPTIONS") < text.index("No conflict found under these assumptions.")
    assert "1 state too old to predict from" in text
    assert "Not part of this answer: 1 stretch not observed (above)." in text
    assert not re.search(r"\b(clear|safe|all good|no danger)\b", text, re.IGNORECASE)


def test_the_data_mode_leads() -> None:
    """Nobody reads a simulated answer as a real one."""
    assert table(full()).startswith("SIMULATED DATA")


def test_colour_only_where_it_is_wanted() -> None:
    """Escape sequences appear with colour and not without; the words are the same."""
    plain, coloured = table(full()), table(full(), colour=True)
    assert "\x1b[" not in plain
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == [line.rstrip() for line in plain.splitlines()]


@pytest.mark.parametrize("name", ["\x1b[2Jgone", "a\nb", "evil\u202egnp", "x\u2028y", "bell\x07"])
def test_no_file_can_steer_the_terminal(name: str) -> None:
    """Control and direction characters of an id are written out."""
    text = table(report(answer(findings(labels(name, "b"), [(0, 1, 0, 1.0, 1.0)]))))
    assert name not in text
    assert all(char == "\n" or char.isprintable() for char in text)


def test_a_prediction_says_how_soon() -> None:
    """The time to it stands beside the instant; what has begun is now."""
    ahead = findings(
        labels("a", "b"),
        [(0, 1, 0, 1.0, 1.0), (0, 1, 3.5, 1.0, 1.0)],
        kind=FindingKind.ENCOUNTER,
        now_us=NOON_US,
    )
    text = table(report(answer(ahead, basis="predicted")))
    assert "    now " in text
    assert "    in 3m30s" in text


@given(st.text(max_size=60), st.integers(4, 40))
def test_elided_text_fits_and_keeps_its_ends(text: str, width: int) -> None:
    """What fits is untouched; what does not keeps its first character and fits."""
    shown = visible(text)
    cut = elided(shown, width)
    assert cell_len(cut) <= width
    if cell_len(shown) <= width:
        assert cut == shown
    else:
        assert "…" in cut
