"""OpenAir: every line that shapes a zone counts, and no zone comes out smaller than written."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from skypact.airspace import AltitudeReference, DataMode, Kind, Zones
from skypact.errors import InputError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.openair import read_openair
from skypact.instants import EVER, FOREVER, parse_instant
from skypact.units import FT_M, NM_M

GEOD = Geod(ellps="WGS84")
SQUARE = """DP 50:00:00 N 005:00:00 E
DP 50:00:00 N 005:10:00 E
DP 50:10:00 N 005:10:00 E
DP 50:10:00 N 005:00:00 E
"""
CENTRE = "V X=50:00:00 N 005:00:00 E\n"
HEAD = "AC R\nAN EX-R1\nAL 1000ft AMSL\nAH FL065\n"


def read(text: str, defaults: Defaults | None = None) -> Contents:
    """Read this text."""
    return read_openair(text.encode(), "x.txt", defaults or Defaults())


def zones(text: str) -> Zones:
    """The zones of this text."""
    found = read(text).zones
    assert found is not None
    return found


def refused(text: str) -> str:
    """The text of the error that this gives."""
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value)


def distances_m(found: Zones, lat: float, lng: float) -> tuple[float, float]:
    """The least and the greatest distance of a zone's outline from a place, along its edges."""
    lats, lngs = found.volumes.lat_deg, found.volumes.lng_deg
    least, most = np.inf, 0.0
    for k in range(lats.shape[0]):
        a, b = (lats[k - 1], lngs[k - 1]), (lats[k], lngs[k])
        azimuth, _, length = GEOD.inv(a[1], a[0], b[1], b[0])
        on_lng, on_lat, _ = GEOD.fwd(
            np.full(9, a[1]), np.full(9, a[0]), np.full(9, azimuth), np.linspace(0, length, 9)
        )
        metres = GEOD.inv(np.full(9, lng), np.full(9, lat), on_lng, on_lat)[2]
        least, most = min(least, float(np.min(metres))), max(most, float(np.max(metres)))
    return least, most


def test_a_polygon_is_a_zone_for_everything_that_flies() -> None:
    """Its id is its name, its effect the class as written; party and mode come from the defaults."""
    contents = read(HEAD + SQUARE, Defaults(party="caa", data_mode=DataMode.EXERCISE))
    found = contents.zones
    assert found is not None
    volumes = found.volumes
    assert (list(volumes.labels.ids), found.effect) == (["EX-R1"], ("class R",))
    assert (volumes.labels.party_of(0), volumes.labels.data_mode) == ("caa", DataMode.EXERCISE)
    assert (volumes.labels.kind[0], volumes.labels.source_of(0)) == (Kind.STATIC, "x.txt")
    assert found.applies.tolist() == [[True, True, False, False]]
    assert (volumes.lower_m[0], volumes.lower_reference[0]) == (
        pytest.approx(1000 * FT_M),
        AltitudeReference.AMSL,
    )
    assert (volumes.upper_m[0], volumes.upper_reference[0]) == (
        pytest.approx(6500 * FT_M),
        AltitudeReference.STD,
    )
    assert volumes.lat_deg.tolist() == pytest.approx([50.0, 50.0, 50 + 1 / 6, 50 + 1 / 6])
    assert (volumes.start_us[0], volumes.end_us[0]) == (EVER, FOREVER)
    assert (contents.format, contents.counts, contents.ignored) == (
        "openair",
        {"zones": 1, "outlines": 1},
        (),
    )


@pytest.mark.parametrize(
    ("text", "lat", "lng"),
    [
        ("47:52:20 N 002:01:57 E", 47 + 52 / 60 + 20 / 3600, 2 + 1 / 60 + 57 / 3600),
        ("47:52:20.5N 2:1:57W", 47 + 52 / 60 + 20.5 / 3600, -(2 + 1 / 60 + 57 / 3600)),
        ("45:15.531N 014:18.333E", 45 + 15.531 / 60, 14 + 18.333 / 60),
        ("29 : 58.917 S  ,  081 : 59.533 w", -(29 + 58.917 / 60), -(81 + 59.533 / 60)),
        ("50.3450012 N 033.9560013 E", 50.3450012, 33.9560013),
        ("42:60:60 N 000:00:00 E", 43 + 1 / 60, 0.0),
    ],
)
def test_positions_are_read_as_files_write_them(text: str, lat: float, lng: float) -> None:
    """Seconds, decimal minutes, decimal degrees; with and without spaces."""
    found = zones(HEAD + f"V X={text}\nDC 1\n")
    assert (found.volumes.lat_deg[0], found.volumes.lng_deg[0]) == (pytest.approx(lat), pytest.approx(lng))


@pytest.mark.parametrize(
    ("low", "high", "lower", "upper"),
    [
        ("GND", "UNL", None, None),
        ("SFC", "UNLIMITED", None, None),
        ("0ft AGL", "500 FT AGL", None, (500 * FT_M, AltitudeReference.AGL)),
        ("2000", "3500 MSL", (2000 * FT_M, AltitudeReference.AMSL), (3500 * FT_M, AltitudeReference.AMSL)),
        ("3000m AMSL", "FL 195", (3000.0, AltitudeReference.AMSL), (19_500 * FT_M, AltitudeReference.STD)),
    ],
)
def test_limits_are_read_as_files_write_them(
    low: str,
    high: str,
    lower: tuple[float, AltitudeReference] | None,
    upper: tuple[float, AltitudeReference] | None,
) -> None:
    """The ground and no limit are open; a bare number is feet above mean sea level."""
    volumes = zones(f"AC D\nAN x\nAL {low}\nAH {high}\n{SQUARE}").volumes
    assert volumes.lower_m[0] == (-np.inf if lower is None else pytest.approx(lower[0]))
    assert volumes.upper_m[0] == (np.inf if upper is None else pytest.approx(upper[0]))
    if lower is not None:
        assert volumes.lower_reference[0] == lower[1]
    if upper is not None:
        assert volumes.upper_reference[0] == upper[1]


def test_a_circle_stays_one() -> None:
    """DC is exact, and so is an arc all the way round."""
    found = zones(HEAD + CENTRE + "DC 2.5\n" + HEAD + CENTRE + "DA 3,0,360\n")
    assert found.volumes.radius_m.tolist() == pytest.approx([2.5 * NM_M, 3 * NM_M])
    assert list(found.volumes.labels.ids) == ["EX-R1", "EX-R1 (2)"]


@pytest.mark.parametrize("direction", ["+", "-"])
def test_an_arc_that_bulges_out_is_followed_from_outside(direction: str) -> None:
    """A half circle closed by its chord never comes nearer to the centre than the radius, on the arc."""
    west, east = "50:00:00 N 004:46:00 E", "50:00:00 N 005:14:00 E"
    ends = f"{west},{east}" if direction == "+" else f"{east},{west}"
    found = zones(HEAD + CENTRE + f"V D={direction}\nDB {ends}\n")
    _, _, radius = GEOD.inv(5.0, 50.0, 5.0 + 14 / 60, 50.0)
    north = found.volumes.lat_deg > 50.0005
    metres = GEOD.inv(
        np.full(north.sum(), 5.0),
        np.full(north.sum(), 50.0),
        found.volumes.lng_deg[north],
        found.volumes.lat_deg[north],
    )[2]
    assert np.min(metres) >= radius
    assert np.max(metres) <= radius + 2.0
    assert north.sum() > 40


def test_an_arc_that_bites_in_is_followed_from_inside() -> None:
    """A bay cut out of a zone comes out smaller, so the zone is larger."""
    # a square whose eastern side is a bay about a place beyond it
    bay = (
        "DP 49:50:00 N 004:30:00 E\nDP 49:50:00 N 005:00:00 E\nV X=50:00:00 N 005:00:00 E\nV D=+\n"
        "DB 49:50:00 N 005:00:00 E, 50:10:00 N 005:00:00 E\nDP 50:10:00 N 004:30:00 E\n"
    )
    found = zones(HEAD + bay)
    _, _, radius = GEOD.inv(5.0, 50.0, 5.0, 50.0 - 10 / 60)
    _, most = distances_m(zones(HEAD + bay), 50.0, 5.0)
    inside = (found.volumes.lng_deg < 5.0) & (found.volumes.lng_deg > 4.7)
    metres = GEOD.inv(
        np.full(inside.sum(), 5.0),
        np.full(inside.sum(), 50.0),
        found.volumes.lng_deg[inside],
        found.volumes.lat_deg[inside],
    )[2]
    assert np.max(metres) <= radius + 16.0  # the other end is a little further away, the nearer counts
    assert np.max(metres) >= radius - 16.0
    assert most > radius


def test_arcs_of_angles_turn_in_the_direction_in_force() -> None:
    """Clockwise unless V D=- says otherwise; the direction begins anew with each zone."""
    short = zones(HEAD + CENTRE + "DA 10,0,90\nDP 50:00:00 N 005:00:00 E\n")
    long = zones(HEAD + CENTRE + "V D=-\nDA 10,0,90\nDP 50:00:00 N 005:00:00 E\n")
    again = zones(HEAD + "V D=-\n" + SQUARE + HEAD + CENTRE + "DA 10,0,90\nDP 50:00:00 N 005:00:00 E\n")
    assert short.volumes.lng_deg.min() >= 5.0 - 1e-9
    assert long.volumes.lng_deg.min() < 4.8
    assert again.volumes.lng_deg.min() >= 5.0 - 1e-9


def test_an_arc_whose_ends_lie_on_two_circles_takes_the_larger() -> None:
    """Rounded seconds are nothing to tell; a kilometre is."""
    near = HEAD + CENTRE + "DB 50:10:00 N 005:00:00 E,50:00:00 N 005:15:33 E\nDP 50:00:00 N 005:00:00 E\n"
    assert read(near).ignored == ()
    wide = near.replace("005:15:33", "005:30:00")
    assert read(wide).ignored == (
        "1 arc has ends at very different distances from its centre; the larger was taken",
    )
    _, _, radius = GEOD.inv(5.0, 50.0, 5.5, 50.0)
    found = zones(wide).volumes
    metres = np.asarray(
        GEOD.inv(
            np.full(len(found.lat_deg), 5.0), np.full(len(found.lat_deg), 50.0), found.lng_deg, found.lat_deg
        )[2]
    )
    assert np.count_nonzero(metres > radius) > 10


def test_an_airway_is_a_corridor_for_each_leg() -> None:
    """Half the width to each side, and beyond its ends."""
    found = zones(
        HEAD + "V W=4\nDY 44:17:00 N 004:59:00 E\nDY 44:19:30 N 005:05:00 E\nDY 44:25:00 N 005:05:00 E\n"
    )
    assert list(found.volumes.labels.ids) == ["EX-R1", "EX-R1"]
    assert np.diff(found.volumes.offsets).tolist() == [4, 4]
    least, _ = distances_m(found, 44 + 17 / 60, 4 + 59 / 60)
    assert least > 0.0


def test_version_2_tags_are_understood() -> None:
    """The type goes into the effect, activation times make rows, frequencies and codes are ignored."""
    text = HEAD.replace("AC R", "AC D\nAY TMA") + (
        "AF 123.505\nAG Example Radar\nAX 7000\nAI 5f2a\n"
        "AA 2025-01-01T12:00Z/2025-01-01T13:00:30Z\nAA NONE/2025-02-02T24:00Z\nAA 2025-03-03T11:00Z/NONE\n"
    )
    contents = read(text + SQUARE)
    found = contents.zones
    assert found is not None
    assert found.effect == ("class D, type TMA",) * 3
    assert found.volumes.start_us.tolist() == [
        parse_instant("2025-01-01T12:00:00Z"),
        EVER,
        parse_instant("2025-03-03T11:00:00Z"),
    ]
    assert found.volumes.end_us.tolist() == [
        parse_instant("2025-01-01T13:00:30Z"),
        parse_instant("2025-02-03T00:00:00Z"),
        FOREVER,
    ]
    assert contents.counts == {"zones": 1, "outlines": 3}
    assert contents.ignored == (
        "frequencies were ignored (1 line)",
        "station names were ignored (1 line)",
        "transponder codes were ignored (1 line)",
        "identifiers were ignored (1 line)",
    )


def test_a_zone_without_activation_times_counts_as_active() -> None:
    """AA NONE means that nobody knows yet."""
    contents = read(HEAD + "AA NONE\n" + SQUARE)
    assert contents.zones is not None
    assert contents.zones.volumes.start_us[0] == EVER
    assert contents.ignored == (
        "1 zone has no activation times (AA NONE), and counts as active at all times",
    )


def test_comments_blank_lines_and_lower_case_do_not_matter() -> None:
    """A comment runs from an asterisk to the end of the line."""
    found = zones(
        "* a file\r\n\r\nac R * class\r\nan EX-R1 *CALL*\r\nal GND\r\nah FL65\r\n"
        + SQUARE.lower().replace("\n", "\r\n")
    )
    assert list(found.volumes.labels.ids) == ["EX-R1"]


def test_a_name_may_stand_before_the_class() -> None:
    """Some files begin each zone with AN."""
    text = "AN one\nAC P\nAL GND\nAH 1000 ft\n" + SQUARE + "AN two\nAC Q\nAL GND\nAH 1000 ft\n" + SQUARE
    found = zones(text)
    assert list(found.volumes.labels.ids) == ["one", "two"]
    assert found.effect == ("class P", "class Q")


def test_a_zone_without_a_name_is_known_by_its_line() -> None:
    """Every zone has an id."""
    found = zones("AC W\nAL GND\nAH FL95\n" + SQUARE)
    assert list(found.volumes.labels.ids) == ["W at line 1"]


def test_a_zone_without_a_class_has_no_effect_that_is_known() -> None:
    """Nothing is made up."""
    assert zones("AN x\nAL GND\nAH FL95\n" + SQUARE).effect == ("",)


def test_a_zone_without_limits_is_open_and_said_so() -> None:
    """Which makes it larger."""
    contents = read("AC C\nAN x\n" + SQUARE)
    assert contents.zones is not None
    assert (contents.zones.volumes.lower_m[0], contents.zones.volumes.upper_m[0]) == (-np.inf, np.inf)
    assert contents.ignored == (
        "1 zone has no lower limit (AL), and is open there",
        "1 zone has no upper limit (AH), and is open there",
    )


def test_terrain_labels_and_pens_are_ignored_and_counted() -> None:
    """They shape no zone."""
    text = (
        "TO lake\nDP 50:00:00 N 005:00:00 E\nV Z=100\n"
        + HEAD
        + "SP 0,1,2,3,4\nSB 0,0,0\nAT 50:00:00 N 005:00:00 E\n"
        "V Z=100\nTC in between\n" + SQUARE + "TC lake\nDP 50:00:00 N 005:00:00 E\n"
    )
    contents = read("V Z=50\n" + text)
    assert contents.counts["zones"] == 1
    assert contents.ignored == (
        "3 terrain elements were ignored",
        "pens and brushes were ignored (2 lines)",
        "label positions were ignored (1 line)",
    )


def test_an_outline_that_crosses_itself_is_replaced_by_its_hull() -> None:
    """Published ones do, and a zone left out could be entered unseen."""
    lines = SQUARE.splitlines()
    contents = read(HEAD + "\n".join(lines[k] for k in (0, 2, 1, 3)) + "\n" + HEAD + SQUARE)
    assert contents.zones is not None
    assert np.diff(contents.zones.volumes.offsets).tolist() == [4, 4]
    assert contents.ignored == (
        (
            "the outline of 'EX-R1' crosses itself and was replaced by its convex hull, which contains it "
            "(line 1, zone 'EX-R1')"
        ),
    )


def test_text_of_another_encoding_is_read() -> None:
    """National files are often in Windows-1252; a byte order mark is dropped."""
    text = HEAD.replace("EX-R1", "Bäle") + SQUARE
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        found = read_openair(text.encode(encoding), "x.txt", Defaults()).zones
        assert found is not None
        assert list(found.volumes.labels.ids) == ["Bäle"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.txt: no zone in it"),
        ("* only comments\n", "no zone in it"),
        ("hello world\n", "line 1: not a line of OpenAir; found 'hello world'"),
        ("DP 50:00:00 N 005:00:00 E\n", "line 1: a command outside a zone"),
        (HEAD, "line 1, zone 'EX-R1': not one outline; found 'none'"),
        (
            HEAD + SQUARE + CENTRE + "DC 2\n",
            "not one outline; found 'several kinds of outline'",
        ),
        (HEAD + CENTRE + "DC 2\nDC 3\n", "line 7: a second circle in one zone"),
        (HEAD + "DC 2\n", "line 5: an arc or a circle without a centre"),
        (HEAD + CENTRE + "DC -2\n", "line 6: not a length; found '-2'"),
        (HEAD + CENTRE + "DC two\n", "line 6: not a number; found 'two'"),
        (HEAD + CENTRE + "DC 1e9\n", "line 6: not a number"),
        (HEAD + CENTRE + "DC 9999\n", "radius: not a radius"),
        (HEAD + CENTRE + "DA 10,0\n", "line 6: not an arc; found 'DA 10,0'"),
        (HEAD + CENTRE + "DB 50:00:00 N 005:00:00 E\n", "line 6: not an arc"),
        (
            HEAD + CENTRE + "DB 50:00:00 N 005:00:00 E,50:10:00 N 005:00:00 E\n",
            "line 6: an arc without a radius",
        ),
        (HEAD + "V X=50 degrees\n", "line 5: not a position"),
        (HEAD + "V D=left\n", "line 5: not a direction; found 'left'"),
        (HEAD + "V Q=1\n", "line 5: not a variable"),
        (HEAD + "V X\n", "line 5: not a variable"),
        (HEAD + "V W=0\n", "line 5: not a length"),
        (HEAD + "DY 50:00:00 N 005:00:00 E\n", "an airway without a width or a leg"),
        (HEAD + "DP 50:61:00 N 005:00:00 E\n", "line 5: not an angle; found '50:61:00'"),
        (HEAD + "DP 91:00:00 N 005:00:00 E\n", "line 5: not a position on earth; found 91.0"),
        (HEAD + "DP 50:00:00 005:00:00\n", "line 5: not a position"),
        (HEAD + "DP 50:00:00 N 005:00:00 E\n" * 3, "an outline needs three distinct points; found 1"),
        (HEAD + "XX 1\n" + SQUARE, "line 5: not a command of OpenAir that is known"),
        (HEAD + "AL 2000ft AMSL\n" + SQUARE, "line 5: said twice, differently; found 'AL 2000ft AMSL'"),
        (
            "AC R\nAN x\nAL FL100\nAH FL065\n" + SQUARE,
            "line 1, zone 'x', upper altitude: the ceiling is below the floor",
        ),
        (
            HEAD + "".join(f"DP 50:0{k}:00 N 005:00:00 E\n" for k in (0, 1, 2, 1)),
            "line 1, zone 'EX-R1', outline: the outline has no area",
        ),
        ("AC R\nAN x\nAL high\n" + SQUARE, "line 3: not an altitude; found 'high'"),
        ("AC R\nAN x\nAL UNL\n" + SQUARE, "line 3: a floor cannot be unlimited"),
        ("AC R\nAN " + "x" * 300 + "\n", "line 2: too long for a name"),
        (HEAD + "AA sometimes\n" + SQUARE, "line 5: not an activation time"),
        (
            HEAD + "AA 2025-01-02T12:00Z/2025-01-01T12:00Z\n" + SQUARE,
            "line 5: the activation ends before it starts",
        ),
        (HEAD + "AA 2025-01-02/2025-01-03\n" + SQUARE, "line 5: not an instant; found '2025-01-02'"),
        (HEAD + "AA 2025-13-02T12:00Z/NONE\n" + SQUARE, "line 5: not an instant"),
        ("AC " + "R" * 20_000, "line 1: too long a line"),
        ("AC R\x00\n", "x.txt: not a text file"),
    ],
)
def test_what_cannot_be_read_names_its_line(text: str, said: str) -> None:
    """The error has the line, what stands there and what should."""
    message = refused(text)
    assert message.startswith("x.txt: ")
    assert said in message


def test_too_many_vertices_are_refused() -> None:
    """The limit of an outline holds after the arcs are drawn."""
    points = "".join(f"DP 50:00:{k / 1000:06.3f} N 005:{k % 50:02d}:00 E\n" for k in range(10_001))
    assert "too many vertices; found 10001" in refused(HEAD + points)


def test_utf_16_is_refused() -> None:
    """A clean error, not garbage."""
    with pytest.raises(InputError, match="not a text file"):
        read_openair((HEAD + SQUARE).encode("utf-16"), "x.txt", Defaults())
