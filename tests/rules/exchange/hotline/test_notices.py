"""From a filing to what is said of it: the notice repeats it, and whoever was told is told on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filings import activity, movement, site, zone
from skypact.errors import Reason, Refused
from skypact.exchange.hotline.messages import Kind
from skypact.exchange.hotline.notices import POINTS_MAX, Last, Word, notice_of, off, serial_of, words
from skypact.formats import hotline_json
from skypact.formats.coordinates import read_position
from skypact.instants import FOREVER
from skypact.notify.filing import Disc, Outline
from skypact.notify.positions import Notation, Position
from skypact.pact import Filing as FilingClass

PARTIES = st.sampled_from(["north", "south", "office", "charity"])
TOLD = st.dictionaries(
    PARTIES, st.builds(Last, st.text("0123456789abcdef", min_size=4, max_size=4), st.booleans())
)


def test_a_notice_has_the_positions_in_their_order_and_the_window_as_planned() -> None:
    """A movement's stops, to 10⁻⁷ degrees, without a radius, under its name, version and digest."""
    convoy = movement(serial=7, emergency="the hospital has no fuel", floor="surface", ceiling="1000 ft AGL")
    made = notice_of(convoy, 3, 2, "ab" * 32)
    assert (made.ref, made.version, made.sha256, made.filing) == (
        "office/3",
        2,
        "ab" * 32,
        FilingClass.MOVEMENT,
    )
    assert [(p.lat_e7, p.lng_e7) for p in made.points] == [
        (335000000, 386000000),
        (336000000, 386000000),
        (336000000, 388000000),
    ]
    assert (made.start_us, made.end_us) == (convoy.window.start_us, convoy.window.end_us)
    assert (made.radius_m, made.floor, made.ceiling) == (None, "surface", "1000 ft AGL")
    assert made.emergency


@pytest.mark.parametrize(("radius_mm", "radius_m"), [(100_000, 100), (100_001, 101), (1, 1)])
def test_a_radius_is_told_to_the_metre_above(radius_mm: int, radius_m: int) -> None:
    """Nobody is told of less than was filed: a site's radius, and that of a circle, is rounded up."""
    assert notice_of(site(radius_mm=radius_mm), 1, 1, "").radius_m == radius_m
    declared = zone()
    disc = Disc(read_position("33.55000, 38.65000"), radius_mm)
    subject = replace(declared.subject, area=disc)  # type: ignore[arg-type]
    assert notice_of(replace(declared, subject=subject), 1, 1, "").radius_m == radius_m


def test_an_outline_is_told_by_its_corners_and_an_open_end_stays_open() -> None:
    """A polygon has its corners and no radius; what has no end is told so; no reason, no emergency."""
    made = notice_of(activity(), 1, 1, "")
    assert (len(made.points), made.radius_m, made.emergency) == (4, None, False)
    assert notice_of(site(), 1, 1, "").end_us == FOREVER


def test_what_cannot_be_read_back_is_refused_with_the_number() -> None:
    """Two hundred positions are one notice, one more is refused: the limit of the message's form."""
    corner = read_position("33.50000, 38.60000")
    drawn = activity()
    full = replace(drawn.subject, area=Outline((corner,) * POINTS_MAX))  # type: ignore[arg-type]
    assert len(notice_of(replace(drawn, subject=full), 1, 1, "").points) == POINTS_MAX
    over = replace(drawn.subject, area=Outline((corner,) * (POINTS_MAX + 1)))  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        notice_of(replace(drawn, subject=over), 1, 1, "")
    assert (refused.value.reason, refused.value.found) == (Reason.TOO_LARGE, POINTS_MAX + 1)
    assert hotline_json.POINTS_MAX == POINTS_MAX


@given(st.integers(-90_000_000_000, 90_000_000_000), st.integers(-180_000_000_000, 180_000_000_000))
def test_a_position_moves_by_no_more_than_half_a_unit(lat_ndeg: int, lng_ndeg: int) -> None:
    """What is told is the nearest 10⁻⁷ degree of what was filed, in all four quarters of the earth."""
    place = Position("as written", Notation.DEGREES, lat_ndeg, lng_ndeg, 0)
    hospital = site()
    at = replace(hospital, subject=replace(hospital.subject, position=place))  # type: ignore[arg-type]
    (point,) = notice_of(at, 1, 1, "").points
    assert abs(point.lat_e7 * 100 - lat_ndeg) <= 50
    assert abs(point.lng_e7 * 100 - lng_ndeg) <= 50


def test_who_knows_is_amended_and_who_does_not_is_notified() -> None:
    """A new version: AMEND where one is known, NOTIFY where none holds, CANCEL to who may not see it now."""
    told = {
        "north": Last("n1"),
        "south": Last("s1", over=True),
        "charity": Last("c1"),
        "gone": Last("g1", True),
    }
    assert list(words(FilingClass.SITE, ("north", "south", "office"), told)) == [
        Word(Kind.AMEND, "north", "n1"),
        Word(Kind.NOTIFY, "south"),
        Word(Kind.NOTIFY, "office"),
        Word(Kind.CANCEL, "charity", "c1"),
    ]


def test_a_zone_is_declared_anew_before_the_old_one_is_called_off() -> None:
    """There is no moment without the zone, and no stance to the old outline is one to the new."""
    told = {"north": Last("n1"), "south": Last("s1", over=True)}
    assert list(words(FilingClass.ZONE, ("north", "south"), told)) == [
        Word(Kind.ZONE_DECLARE, "north"),
        Word(Kind.CANCEL, "north", "n1"),
        Word(Kind.ZONE_DECLARE, "south"),
    ]


@given(st.sampled_from(list(FilingClass)), st.lists(PARTIES, unique=True), TOLD)
def test_nobody_is_left_with_what_holds_no_longer(
    of: FilingClass, audience: list[str], told: dict[str, Last]
) -> None:
    """Whoever is released to gets the version once; whoever knew an older one is told; nobody else is."""
    said = list(words(of, audience, told))
    carrying = [word.to for word in said if word.kind is not Kind.CANCEL]
    assert carrying == audience
    knows = {party for party, last in told.items() if not last.over}
    answered = {word.to for word in said if word.re}
    assert answered == knows
    assert all(told[word.to].message == word.re for word in said if word.re)
    assert {word.to for word in said} == {*audience, *knows}


@given(TOLD)
def test_what_ends_is_told_to_all_who_know_it_and_once(told: dict[str, Last]) -> None:
    """CANCEL goes to each party that has not been told that it is off, in answer to what it knows."""
    assert list(off(told)) == [
        Word(Kind.CANCEL, party, last.message) for party, last in told.items() if not last.over
    ]


@pytest.mark.parametrize(
    ("filer", "ref", "serial"),
    [
        ("office", "office/12", 12),
        ("a/b", "a/b/1", 1),
        ("office", "north/12", None),
        ("office", "office/012", None),
        ("office", "office/0", None),
        ("office", "office/-1", None),
        ("office", "office/", None),
        ("office", "convoy-1", None),
        ("", "12", None),
        ("office", "office/1\u0662", None),
        ("office", "office/1\u00b2", None),
        ("office", "office/" + "9" * 15, 10**15 - 1),
        ("office", "office/" + "9" * 16, None),
    ],
)
def test_a_reference_names_a_filing_of_its_sender_or_none(filer: str, ref: str, serial: int | None) -> None:
    """The sender's own name with a number in one spelling is a filing; anything else is a message alone."""
    assert serial_of(filer, ref) == serial
