"""What filings claim: never less than what was filed, by their own words and by the engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import filings
from filings import AROUND, NOON
from skypact import check
from skypact.airspace import rings
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.volumes import Circle, Volume4D, Volumes
from skypact.errors import GeometryError, InputError, ModeError
from skypact.formats.coordinates import read_position
from skypact.instants import FOREVER, HOUR_US
from skypact.notify.claimed import asked, uncertainty_m, volumes_of, zones_of
from skypact.notify.filing import Activity, Disc, Filing, Movement, Outline, Stop, Vehicles, Window
from skypact.pact import Filing as FilingClass

SECOND_US = 1_000_000


def meets(filing: Filing, lat: float, lng: float, at_us: int) -> bool:
    """Whether the engine has a speck at a place and an instant meet what the filing claims."""
    speck = Volume4D(Circle(lat, lng, 0.001), start_us=at_us, end_us=at_us + 1)
    labels = Labels.of(["speck"], party="other", data_mode=DataMode.EXERCISE)
    return len(check.conflicts(volumes_of([filing]), Volumes.of(labels, [speck]))) > 0


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 1.0), st.floats(-1.0, 1.0), st.floats(-600.0, 600.0), st.integers(0, 1))
def test_a_convoy_is_found_wherever_it_may_be(along: float, across: float, late_s: float, leg: int) -> None:
    """Anywhere within half its width of a leg, at any instant of the leg with its tolerance, it is met."""
    window = Window(NOON, NOON + 2 * HOUR_US, 600 * SECOND_US, 600 * SECOND_US)
    convoy = filings.movement(window=window)
    one, two = convoy.subject.stops[leg : leg + 2]  # type: ignore[union-attr] # a movement's
    a, b = one.position, two.position
    azimuth, metres = rings.bearing(a.lat_deg, a.lng_deg, b.lat_deg, b.lng_deg)
    lat, lng = rings.at_bearing(a.lat_deg, a.lng_deg, azimuth, along * metres)
    onward, _ = rings.bearing(lat, lng, b.lat_deg, b.lng_deg) if along < 1.0 else (azimuth, 0.0)
    lat, lng = rings.at_bearing(lat, lng, onward + 90.0, across * 499.9)
    start, end = one.last_us or 0, two.first_us or 0
    at = round(start + along * (end - start) + late_s * SECOND_US)
    assert meets(convoy, lat, lng, at)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 360.0), st.floats(0.0, 1.0), st.integers(0, 20_000))
def test_a_site_is_met_wherever_it_may_be_meant(azimuth: float, part: float, accuracy_mm: int) -> None:
    """Its radius, its accuracy and half the diagonal of its square reach out from the centre, and no more."""
    hospital = filings.site(accuracy_mm=accuracy_mm)
    centre = hospital.positions()[0][1]
    reach = 100.0 + accuracy_mm / 1000.0 + 0.708
    assert uncertainty_m(hospital, centre) == pytest.approx(reach - 100.0)
    inside = rings.at_bearing(centre.lat_deg, centre.lng_deg, azimuth, part * reach)
    outside = rings.at_bearing(centre.lat_deg, centre.lng_deg, azimuth, reach + 0.02 + part * 1000.0)
    assert meets(hospital, *inside, NOON)
    assert not meets(hospital, *outside, NOON)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.floats(0.0, 1.0), st.floats(0.0, 360.0), st.floats(0.0, 0.999))
def test_an_outline_is_grown_by_what_its_corners_may_be_off(
    edge: int, along: float, azimuth: float, part: float
) -> None:
    """Within the accuracy of any point of an edge it is met."""
    practice = filings.activity(accuracy_mm=50_000)
    a, b = AROUND[edge], AROUND[(edge + 1) % 4]
    bearing, metres = rings.bearing(a.lat_deg, a.lng_deg, b.lat_deg, b.lng_deg)
    lat, lng = rings.at_bearing(a.lat_deg, a.lng_deg, bearing, along * metres)
    assert meets(practice, *rings.at_bearing(lat, lng, azimuth, part * 50.0), NOON)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-80.0, 80.0),
    st.sampled_from([-179.95, 0.0, 179.95]),
    st.floats(0.0, 360.0),
    st.floats(1.0, 5.7),
    st.floats(0.0, 1.0),
    st.sampled_from([-90.0, 90.0]),
)
def test_long_legs_anywhere_hold_what_is_within_their_width(
    lat: float, lng: float, azimuth: float, size: float, along: float, side: float
) -> None:
    """Legs of 10 m to 500 km, high in the north and over the antimeridian, to their full half-width."""
    length_m = 10.0**size
    end = rings.at_bearing(lat, lng, azimuth, length_m)
    spots = [read_position(f"{at:.9f}, {(on + 180) % 360 - 180:.9f}") for at, on in ((lat, lng), end)]
    start_us = NOON - HOUR_US
    stops = (Stop(spots[0], None, start_us), Stop(spots[1], start_us + 12 * HOUR_US))
    window = Window(start_us, start_us + 12 * HOUR_US)
    convoy = filings.filing(Movement(stops, 5_000_000, (Vehicles(1, "truck"),)), window=window)
    spot = rings.at_bearing(lat, lng, azimuth, along * length_m * 0.999)
    onward, _ = rings.bearing(*spot, *end)
    assert meets(convoy, *rings.at_bearing(*spot, onward + side, 4_999.9), NOON)


def test_windows_are_those_that_were_filed_with_their_tolerance() -> None:
    """A site without an end stays open; strips last from leaving to arriving, stops between."""
    assert int(volumes_of([filings.site()]).end_us[0]) == FOREVER
    convoy = volumes_of([filings.movement()])
    hours = [round((float(us) - NOON) / HOUR_US * 3) for us in convoy.start_us]
    assert hours == [0, 3, 6, 0, 4]
    assert [round((float(us) - NOON) / HOUR_US * 3) for us in convoy.end_us] == [0, 4, 6, 3, 6]
    assert (convoy.end_us > convoy.start_us).all()


def test_what_is_claimed_is_labelled_as_the_engine_needs_it() -> None:
    """A filing is one body; movements are ground, all else is static; party, source and mode are its own."""
    made = volumes_of([filings.movement(), filings.site(serial=2)], source=["a.csv", "b.csv"])
    assert [made.labels.body_of(row) for row in range(6)] == ["office/1"] * 5 + ["office/2"]
    assert made.labels.kind.tolist() == [int(Kind.GROUND)] * 5 + [int(Kind.STATIC)]
    assert [made.labels.source_of(row) for row in (0, 5)] == ["a.csv", "b.csv"]
    assert made.labels.ids[5] == "office/2 City hospital"
    assert made.labels.data_mode is DataMode.EXERCISE
    assert np.isinf(made.upper_m).all()
    with pytest.raises(ModeError):
        volumes_of([filings.site(), filings.site(serial=2, data_mode=DataMode.REAL)])


def test_zones_are_declared_as_zones() -> None:
    """A zone keeps its words and its kinds on every row; what is no zone is refused."""
    area = filings.filing(filings.zone().subject).subject
    wide = filings.zone(accuracy_mm=1_000)
    zones = zones_of([wide])
    assert zones.effect == ("call before entry",)
    assert zones.applies[0].tolist() == [True, True, True, False]
    assert area == wide.subject
    with pytest.raises(InputError, match="declares no zone"):
        zones_of([filings.site()])


def test_an_outline_that_is_none_is_refused_with_its_filing() -> None:
    """The error names whose filing it is."""
    crossed = Outline((AROUND[0], AROUND[2], AROUND[1], AROUND[3]))
    with pytest.raises(GeometryError) as caught:
        volumes_of([filings.filing(Activity("practice", crossed))])
    assert caught.value.where.startswith("office/1")


def test_a_position_on_the_spot_adds_no_strips() -> None:
    """Corners without any doubt give the outline alone."""
    sharp = tuple(
        type(corner)(corner.text, corner.notation, corner.lat_ndeg, corner.lng_ndeg, 0) for corner in AROUND
    )
    assert len(volumes_of([filings.filing(Activity("practice", Outline(sharp)))])) == 1
    assert len(volumes_of([filings.filing(Activity("practice", Outline(AROUND)))])) == 5
    assert len(volumes_of([filings.filing(Activity("practice", Disc(read_position("1, 2"), 5)))])) == 1


def test_what_is_held_against_what() -> None:
    """Two sites, a movement and its site, and two zones are not; every other pair of classes is."""
    pairs = {(a, b) for a in FilingClass for b in FilingClass if not asked(a, b)}
    site, movement, zone = FilingClass.SITE, FilingClass.MOVEMENT, FilingClass.ZONE
    assert pairs == {(site, site), (site, movement), (movement, site), (zone, zone)}
