"""What may be filed as a flight."""

from __future__ import annotations

from typing import Any

import pytest

from skypact.airspace.altitude import Altitude, AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.volumes import Polygon, Volume4D, Volumes
from skypact.errors import Reason, Refused
from skypact.instants import DAY_US, EVER, FOREVER
from skypact.notify.flight import FilingLimits, admissible

NOW = 1_000 * DAY_US
SQUARE = Polygon(((47.0, 8.0), (47.0, 8.01), (47.01, 8.01), (47.01, 8.0)))
LIMITS = FilingLimits()


def volumes(n: int = 1, **more: Any) -> Volumes:
    """So many equal volumes of a day from now."""
    low, high = Altitude(100.0, AltitudeReference.W84), Altitude(200.0, AltitudeReference.W84)
    window = {"start_us": NOW, "end_us": NOW + DAY_US}
    fields: dict[str, Any] = {"outline": SQUARE, "lower": low, "upper": high} | window | more
    labels = Labels.of(["x"] * n, kind=Kind.UNCREWED, data_mode=DataMode.TEST)
    return Volumes.of(labels, [Volume4D(**fields)] * n)


def refusal(
    planned: Volumes | None, beyond: Volumes | None = None, *, nominal: bool = True, priority: int = 0
) -> Refused:
    """Why it is refused."""
    with pytest.raises(Refused) as caught:
        admissible(planned, beyond, nominal=nominal, priority=priority, now_us=NOW, limits=LIMITS)
    return caught.value


def test_a_flight_within_all_limits_is_admissible_up_to_each_limit() -> None:
    """A flight that just keeps every limit is not refused."""
    at_most = volumes(1_000, end_us=NOW + LIMITS.horizon_us, start_us=NOW - DAY_US)
    admissible(at_most, None, nominal=True, priority=100, now_us=NOW, limits=LIMITS)
    admissible(None, volumes(), nominal=False, priority=0, now_us=NOW, limits=LIMITS)
    admissible(volumes(), volumes(), nominal=False, priority=0, now_us=NOW, limits=LIMITS)
    assert len(at_most) == LIMITS.volumes


@pytest.mark.parametrize(
    ("more", "name", "reason"),
    [
        ({"end_us": NOW}, "over before", Reason.INVALID),
        ({"end_us": NOW + LIMITS.horizon_us + 1}, "horizon", Reason.INVALID),
        ({"start_us": EVER}, "time_start", Reason.INVALID),
        ({"end_us": FOREVER}, "time_end", Reason.INVALID),
        ({"lower": None}, "altitude_lower", Reason.INVALID),
        ({"upper": None}, "altitude_upper", Reason.INVALID),
        ({"n": 1_001}, "volumes", Reason.TOO_LARGE),
    ],
)
def test_each_limit_is_named_when_it_is_passed(more: dict[str, Any], name: str, reason: Reason) -> None:
    """A flight beyond a limit is refused, and the refusal names it."""
    if "start_us" not in more and more.get("end_us") == NOW:
        more = more | {"start_us": NOW - 1}
    refused = refusal(volumes(**more))
    assert refused.reason is reason
    assert name in str(refused)


def test_vertices_are_counted_over_all_volumes() -> None:
    """Ten thousand vertices in all are admissible, and one more is not."""
    ring = tuple((47.0, 8.0 + k * 1e-5) for k in range(2_500)) + tuple(
        (47.01, 8.0 + k * 1e-5) for k in range(2_499, -1, -1)
    )
    wide = volumes(2, outline=Polygon(ring))
    admissible(wide, None, nominal=True, priority=0, now_us=NOW, limits=LIMITS)
    assert "10,004" in str(refusal(Volumes.concat([wide, volumes()])))


def test_off_nominal_volumes_belong_to_off_nominal_flights() -> None:
    """A nominal flight has volumes and no off-nominal ones; an off-nominal flight has one of the two."""
    assert "needs a volume" in str(refusal(None))
    assert "no off-nominal volumes" in str(refusal(volumes(), volumes()))
    assert "needs a volume" in str(refusal(None, None, nominal=False))


@pytest.mark.parametrize("priority", [-1, 101])
def test_a_priority_that_nobody_gave_is_refused(priority: int) -> None:
    """A priority outside the regulator's range is refused, with the range."""
    assert "0 to 100" in str(refusal(volumes(), priority=priority))
