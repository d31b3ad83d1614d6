"""What was read back, held against what was said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from skypact.errors import Refused
from skypact.exchange.hotline.messages import Alarm, Notice, Position, Repeated
from skypact.exchange.hotline.readback import difference
from skypact.instants import SECOND_US
from skypact.pact import Filing, Readback

AT = 1_780_000_000 * SECOND_US
ALLOWED = Readback()
positions = st.builds(Position, st.integers(-90 * 10**7, 90 * 10**7), st.integers(-180 * 10**7, 180 * 10**7))


def notice(*points: Position) -> Notice:
    """A notice of these positions, an hour long."""
    return Notice(Filing.SITE, "clinic", 1, points, AT, AT + 3600 * SECOND_US)


@given(positions, positions)
def test_the_distance_is_the_geodesic(said: Position, heard: Position) -> None:
    """Another implementation of the geodesic gives the same distance to a hundredth of a millimetre."""
    found = difference(notice(said), Repeated((heard,), AT, AT + 3600 * SECOND_US), ALLOWED)
    line = Geodesic.WGS84.Inverse(said.lat_deg, said.lng_deg, heard.lat_deg, heard.lng_deg)
    assert found.points_m[0] == pytest.approx(line["s12"], abs=1e-5)
    assert found.within(replace(ALLOWED, position_m=found.points_m[0]))


@given(st.lists(positions, min_size=1, max_size=5))
def test_what_is_repeated_as_it_was_said_is_the_same(points: list[Position]) -> None:
    """At tolerance nought, the same positions and instants are within it."""
    said = notice(*points)
    found = difference(said, Repeated(said.points, said.start_us, said.end_us), ALLOWED)
    assert found.within(Readback(0.0, 0.0))


@pytest.mark.parametrize(("late_s", "same"), [(0, True), (60, True), (-60, True), (61, False), (-61, False)])
def test_a_minute_is_the_same_time_and_61_seconds_are_not(late_s: int, same: bool) -> None:
    """At the tolerance is within it, early or late, for the start and for the end."""
    said = notice(Position(10**8, 10**8))
    for start, end in ((late_s, 0), (0, late_s)):
        heard = Repeated(said.points, AT + start * SECOND_US, AT + (3600 + end) * SECOND_US)
        assert difference(said, heard, ALLOWED).within(ALLOWED) is same


def test_exchanged_coordinates_are_named() -> None:
    """Latitude and longitude the wrong way round are far off, and what happened is said."""
    said = notice(Position(33_5000000, 38_6000000))
    heard = Repeated((Position(38_6000000, 33_5000000),), AT, AT + 3600 * SECOND_US)
    found = difference(said, heard, ALLOWED)
    assert found.exchanged
    assert "exchanged?" in found.text
    far = Repeated((Position(38_6000000, 133_5000000),), AT, AT + 3600 * SECOND_US)
    assert not difference(said, far, ALLOWED).exchanged


def test_another_number_of_positions_is_refused() -> None:
    """A leg that was not heard is no small difference."""
    said = notice(Position(0, 0), Position(1, 1))
    with pytest.raises(Refused, match="another number of positions"):
        difference(said, Repeated(said.points[:1], AT, AT), ALLOWED)


def test_an_alarm_has_no_end_to_be_repeated() -> None:
    """Whatever end is read back to a stop, only its position and its start are held against it."""
    stop = Alarm((Position(0, 0),), AT)
    found = difference(stop, Repeated(stop.points, AT, AT + 10**15), ALLOWED)
    assert found.within(ALLOWED)
    assert found.text == "position 1: 0.0 m, start +0 s, end +0 s"
