"""The text of a pact: what is read, what is refused and where, and that lint and reading agree."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pact_keys import KEYS
from skypact.airspace import Altitude, AltitudeReference, Circle, DataMode, Kind, Polygon
from skypact.airspace.separation import Minima
from skypact.errors import InputError
from skypact.formats import pact_terms, pact_toml
from skypact.formats.contents import Defaults
from skypact.formats.pact_table import ERRORS_MAX
from skypact.formats.pact_toml import SIZE_MAX, lint, read_pact
from skypact.instants import EVER, FOREVER, parse_instant
from skypact.pact import APPLIES_BY_DEFAULT, Pact, Severity
from skypact.units import FT_M

WHOLE = """
[pact]
id = "al-tanf-2017"
title = "Flight safety around al-Tanf"
data_mode = "simulated"
effective = 2017-05-01T00:00:00Z

[[party]]
id = "coalition"
name = "US-led coalition"

[[separation]]                      # first match wins
between = ["crewed", "uncrewed"]
horizontal = "5 NM"
vertical = "1000 ft"
lookahead = "5 min"

[[proximity]]                       # agreed: shown, not alarmed
between = ["tanker-1", "tanker-2"]
until = 2017-06-08T18:00:00Z

[[zone]]
id = "al-tanf-55km"
circle = { center = [33.5046, 38.6180], radius = "55 km" }
floor = "surface"
ceiling = "unlimited"
applies_to = ["crewed", "uncrewed", "ground"]
effect = "entry by notice"
declared_by = "coalition"
recognised_by = ["coalition"]       # recognition is per party, never a bare "agreed"
"""
HEAD = '[pact]\nid = "p"\ndata_mode = "test"\neffective = 2017-01-01T00:00:00Z\n'
RULE = '[[separation]]\nbetween = ["any", "any"]\nhorizontal = "5 NM"\nvertical = "1000 ft"\n'
ZONE = '[[zone]]\nid = "z"\n'
CIRCLE = 'circle = { center = [33.5, 38.6], radius = "55 km" }\n'


def pact_of(text: str, defaults: Defaults | None = None) -> Pact:
    """The pact that a text gives."""
    read = read_pact(text.encode(), "p.toml", defaults or Defaults()).pact
    assert read is not None
    return read


def errors_of(text: str | bytes) -> list[str]:
    """The errors that lint finds, as ``place: text``; reading must refuse the same text."""
    data = text.encode() if isinstance(text, str) else text
    found = lint(data, "p.toml")
    assert all(remark.severity is Severity.ERROR for remark in found)
    with pytest.raises(InputError) as refused:
        read_pact(data, "p.toml")
    assert str(refused.value).startswith("p.toml")
    assert found[0].text.split(";")[0] in str(refused.value)
    return [f"{remark.place}: {remark.text}" if remark.place else remark.text for remark in found]


# -- what is read -----------------------------------------------------------------------------------------


def test_the_pact_of_the_handbook_is_read() -> None:
    """Every value of a whole pact arrives with its unit, its window and its stance."""
    contents = read_pact(WHOLE.encode(), "al-tanf.toml")
    pact = contents.pact
    assert pact is not None
    assert (contents.path, contents.format) == ("al-tanf.toml", "pact")
    assert contents.counts == {"parties": 1, "separation rules": 1, "agreed proximities": 1, "zones": 1}
    assert contents.ignored == ()
    assert contents.zones is None
    assert (pact.id, pact.title, pact.data_mode) == (
        "al-tanf-2017",
        "Flight safety around al-Tanf",
        DataMode.SIMULATED,
    )
    assert (pact.effective_us, pact.until_us) == (parse_instant("2017-05-01T00:00:00Z"), FOREVER)
    assert pact.parties[0].name == "US-led coalition"
    (rule,) = pact.separation.rules
    assert rule.name == "crewed/uncrewed 5 NM / 1000 ft"
    assert rule.between == ("crewed", "uncrewed")
    assert rule.minima == Minima(9260.0, 1000 * FT_M, 300.0)
    (proximity,) = pact.separation.proximities
    assert proximity.between == ("tanker-1", "tanker-2")
    assert proximity.until_us == parse_instant("2017-06-08T18:00:00Z")
    (zone,) = pact.zones
    assert zone.volume.outline == Circle(33.5046, 38.6180, 55_000.0)
    assert (zone.volume.lower, zone.volume.upper) == (None, None)
    assert (zone.volume.start_us, zone.volume.end_us) == (EVER, FOREVER)
    assert zone.applies_to == (Kind.CREWED, Kind.UNCREWED, Kind.GROUND)
    assert (zone.effect, zone.declared_by, zone.recognised_by) == (
        "entry by notice",
        "coalition",
        ("coalition",),
    )


def test_every_other_key_is_read() -> None:
    """Names, notes, an end, a polygon, altitudes, a window and all three stances."""
    pact = pact_of(
        HEAD
        + 'until = 2018-01-01T00:00:00Z\nnote = """two\nlines"""\n'
        + '[[party]]\nid = "a"\nnote = "n"\n[[party]]\nid = "b"\n[[party]]\nid = "c"\n'
        + RULE.replace("between", 'name = "the rule"\nlookahead = "90 s"\nbetween')
        + '[[proximity]]\nbetween = ["t", "u"]\nnote = "formation"\n'
        + ZONE
        + "polygon = [[33, 38], [33, 39.5], [34, 39]]\n"
        + 'name = "Zone"\nfloor = "1500 ft AMSL"\nceiling = "FL350"\nnote = "why"\n'
        + 'from = "2017-02-01T00:00:00+03:00"\nuntil = 2017-03-01T00:00:00+03:00\n'
        + 'applies_to = ["ground", "ground"]\n'
        + 'recognised_by = ["a"]\nreserved_by = ["b"]\nrejected_by = ["c"]\n'
    )
    assert (pact.note, pact.until_us) == ("two\nlines", parse_instant("2018-01-01T00:00:00Z"))
    assert pact.parties[0].note == "n"
    assert pact.separation.rules[0].name == "the rule"
    assert pact.separation.rules[0].minima.lookahead_s == 90.0
    (proximity,) = pact.separation.proximities
    assert (proximity.until_us, proximity.note) == (pact.until_us, "formation")
    (zone,) = pact.zones
    assert zone.volume.outline == Polygon(((33.0, 38.0), (33.0, 39.5), (34.0, 39.0)))
    assert zone.volume.lower == Altitude(1500 * FT_M, AltitudeReference.AMSL)
    assert zone.volume.upper == Altitude(35_000 * FT_M, AltitudeReference.STD)
    assert zone.volume.start_us == parse_instant("2017-01-31T21:00:00Z")
    assert zone.volume.end_us == parse_instant("2017-02-28T21:00:00Z")
    assert zone.applies_to == (Kind.GROUND,)
    assert (zone.recognised_by, zone.reserved_by, zone.rejected_by) == (("a",), ("b",), ("c",))
    assert (zone.name, zone.note) == ("Zone", "why")


def test_what_is_left_out_is_open_and_nobody_is_taken_to_agree() -> None:
    """A bare pact is in force since ever; a bare zone begins at the surface, and nobody stands behind it."""
    pact = pact_of('[pact]\nid = "p"\ndata_mode = "test"\n' + ZONE + CIRCLE)
    assert (pact.effective_us, pact.until_us, pact.separation.rules) == (EVER, FOREVER, ())
    (zone,) = pact.zones
    assert (zone.volume.lower, zone.volume.upper) == (None, None)
    assert zone.applies_to == APPLIES_BY_DEFAULT
    assert (zone.declared_by, zone.recognised_by, zone.reserved_by, zone.rejected_by) == ("", (), (), ())


def test_a_missing_data_mode_is_taken_for_real_and_said() -> None:
    """The caller's mode, or real, stands in for a missing one; the reading says so and lint warns."""
    text = HEAD.replace('data_mode = "test"\n', "") + RULE
    contents = read_pact(text.encode(), "p.toml")
    assert contents.pact is not None
    assert contents.pact.data_mode is DataMode.REAL
    assert contents.ignored == ("data_mode is missing; taken to be real",)
    assert pact_of(text, Defaults(data_mode=DataMode.EXERCISE)).data_mode is DataMode.EXERCISE
    assert "warning: pact: data_mode is missing; taken to be real" in map(str, lint(text.encode(), "p.toml"))


def test_lint_of_a_usable_pact_is_what_a_reader_would_remark() -> None:
    """Warnings and notes of the text reach the reader, and the present is held against a real pact."""
    found = [str(remark) for remark in lint(WHOLE.encode(), "p.toml")]
    assert found == [
        (
            "warning: separation: no rule covers crewed/crewed, crewed/ground, uncrewed/uncrewed, "
            "uncrewed/ground, ground/ground; such pairs are listed as unchecked, never checked"
        ),
        'note: zone[0] "al-tanf-55km": is recognised by its declarer alone (coalition)',
    ]
    real = (
        HEAD.replace("test", "real")
        + "until = 2017-02-01T00:00:00Z\n"
        + '[[party]]\nid = "a"\n'
        + f'[[party.key]]\npublic = "{KEYS[0].text}"\n'
        + '[[party.contact]]\nrole = "duty officer"\nhours = "24/7"\nreach = ["phone 1"]\n'
        + RULE
    ).encode()
    assert lint(real, "p.toml") == []
    late = lint(real, "p.toml", now_us=parse_instant("2026-01-01T00:00:00Z"))
    assert [str(remark) for remark in late] == ["warning: pact, until: expired on 2017-02-01T00:00:00Z"]


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("ending", [b"\r\n", b"\n"])
def test_a_byte_order_mark_and_windows_line_endings_are_read(mark: bytes, ending: bytes) -> None:
    """What a common editor adds does not change the pact."""
    data = mark + WHOLE.encode().replace(b"\n", ending)
    assert read_pact(data, "p.toml").pact == pact_of(WHOLE)


def test_names_in_other_scripts_are_read() -> None:
    """Persian with its joiner, Arabic and Japanese names are text like any other."""
    for name in (
        "\u0646\u06cc\u0645\u200c\u0641\u0627\u0635\u0644\u0647",
        "\u0633\u0644\u0627\u0645",
        "航空",
    ):
        assert pact_of(HEAD + f'[[party]]\nid = "a"\nname = {json.dumps(name)}\n').parties[0].name == name


# -- what is refused, and where ---------------------------------------------------------------------------

REFUSED = [
    # text, place and message
    ("", "pact: no [pact] table; expected [pact] with its id"),
    ("pact = 3", "pact: [pact] must be one table"),
    ("[[pact]]\nid = 'p'", "pact: [pact] must be one table"),
    ("[pact]\n", "pact, id: missing; expected a text"),
    ("[pact]\nid = ''", "pact, id: empty"),
    ("[pact]\nid = 7", "pact, id: not a text; found 7; expected a text in quotes"),
    ("[pact]\nid = ' p'", "pact \" p\", id: blanks at an end of the text; found ' p'; expected none"),
    (HEAD.replace("test", "play"), "pact \"p\", data_mode: not a data mode; found 'play'; expected real, "),
    (HEAD.replace('"test"', "true"), 'pact "p", data_mode: not a text; found true; expected a text'),
    (
        HEAD.replace("00:00:00Z", "00:00:00"),
        "pact \"p\", effective: a time without an offset; found '2017-01-01T00:00:00'; expected an instant",
    ),
    (
        HEAD.replace("T00:00:00Z", ""),
        'pact "p", effective: a date or a time alone; found 2017-01-01; expected an',
    ),
    (
        HEAD.replace("2017-01-01T00:00:00Z", "12:00:00"),
        'pact "p", effective: a date or a time alone; found 12:',
    ),
    (
        HEAD.replace("2017-01-01T00:00:00Z", "1.5e9"),
        'pact "p", effective: not an instant; found 1500000000.0;',
    ),
    (HEAD.replace("2017-01-01T00:00:00Z", "'noon'"), "pact \"p\", effective: not an instant; found 'noon'"),
    (HEAD + "until = 2016-01-01T00:00:00Z", "pact, until: the pact ends before it begins"),
    (HEAD + "agreed = true", "pact \"p\": unknown key; found 'agreed'; expected id, title, version, "),
    (
        HEAD + "[[zones]]\n",
        "unknown table; did you mean 'zone'?; found 'zones'; expected pact, party, separation",
    ),
    (HEAD + "[zone]\nid = 'z'\n" + CIRCLE, "zone: one table where there may be several; expected [[zone]]"),
    (HEAD.replace("[pact]", "party = 'coalition'\n[pact]"), "party: not a table; found 'coalition'"),
    (HEAD.replace("[pact]", "party = ['coalition']\n[pact]"), "party[0]: not a table; found 'coalition'"),
    (HEAD + "[[party]]\nname = 'x'", 'party[0] "x", id: missing'),
    (HEAD + "[[party]]\nid = 'any'", 'party[0] "any", id: a party cannot have the name of a kind'),
    (
        HEAD + '[[party]]\nid = "\\u202e"',
        "party[0] \"\u202e\", id: a character that cannot be seen; found 'U+202E'",
    ),
    (
        HEAD + '[[party]]\nid = "a"\nname = "x\\ny"',
        'party[0] "a", name: a character that cannot be seen; found',
    ),
    (
        HEAD + '[[party]]\nid = "a"\nnote = "\\u0007"',
        'party[0] "a", note: a character that cannot be seen; found',
    ),
    # separation
    (
        HEAD + RULE.replace('between = ["any", "any"]\n', ""),
        "separation[0], between: missing; expected two texts",
    ),
    (HEAD + RULE.replace('"any", "any"', '"any"'), 'separation[0], between: not two sides; found ["any"]'),
    (
        HEAD + RULE.replace('"any", "any"', ""),
        "separation[0], between: not two sides; found []; expected two",
    ),
    (
        HEAD + RULE.replace('"any", "any"', '"a", 3'),
        'separation[0], between: not a list of texts; found ["a", 3]',
    ),
    (HEAD + RULE.replace('"any", "any"', '"a", ""'), "separation[0], between: empty"),
    (
        HEAD + RULE.replace('["any", "any"]', '"crewed"'),
        "separation[0], between: not a list of texts; found 'crewed'; expected a list like [\"coalition\"]",
    ),
    (
        HEAD + RULE.replace('"5 NM"', "5"),
        "separation[0], horizontal: a number without its unit; found 5; expected",
    ),
    (
        HEAD + RULE.replace('"5 NM"', "[5]"),
        "separation[0], horizontal: not a text; found [5]; expected a length",
    ),
    (
        HEAD + RULE.replace('"5 NM"', "[1, 2, 3, 4, 5]"),
        "separation[0], horizontal: not a text; found a list of 5; expected",
    ),
    (
        HEAD + RULE.replace('"5 NM"', "{ nm = 5 }"),
        "separation[0], horizontal: not a text; found a table; expected",
    ),
    (
        HEAD + RULE.replace('"5 NM"', '"5"'),
        "separation[0], horizontal: a length is a number with a unit (ft, km, ",
    ),
    (
        HEAD + RULE.replace("5 NM", "5 parsec"),
        "separation[0], horizontal: unit 'parsec' is not one of ft, km, m,",
    ),
    (
        HEAD + RULE.replace("5 NM", "-5 NM"),
        "separation[0], horizontal: a length cannot be negative or endless;",
    ),
    (
        HEAD + RULE.replace("5 NM", "600 km"),
        "separation[0], horizontal: not a minimum; found '600000.0 m'; expected",
    ),
    (
        HEAD + RULE + 'lookahead = "2 d"',
        "separation[0], lookahead: not a minimum; found '172800.0 s'; expected",
    ),
    (
        HEAD + RULE.replace('vertical = "1000 ft"', ""),
        "separation[0], vertical: missing; expected a length with",
    ),
    (
        HEAD + RULE + "lookahead = 300",
        "separation[0], lookahead: a number without its unit; found 300; expected a d",
    ),
    (
        HEAD + RULE + "speed = 3",
        "separation[0]: unknown key; found 'speed'; expected name, between, horizontal, ",
    ),
    # proximity
    (
        HEAD + "[[proximity]]\nbetween = ['t', 't']",
        "proximity[0], between: a thing is never near itself; found 't'",
    ),
    (
        HEAD + "[[proximity]]\nbetween = ['t', 'any']",
        "proximity[0], between: agreed proximity is between two things",
    ),
    (
        HEAD + "[[proximity]]\nbetween = ['t', 'u']\nexpires = 1",
        "proximity[0]: unknown key; did you mean 'until'?; found 'expires'",
    ),
    # zones
    (HEAD + ZONE, 'zone[0] "z": no outline; expected circle or polygon'),
    (
        HEAD + ZONE + CIRCLE + "polygon = []",
        'zone[0] "z", polygon: a zone has one outline; found []; expected circle',
    ),
    (
        HEAD + ZONE + "circle = 55",
        'zone[0] "z", circle: not a table; found 55; expected { center = [33.5046, ',
    ),
    (
        HEAD + ZONE + 'circle = { center = [1, 2], centre = [1, 2], radius = "1 m" }',
        'zone[0] "z", circle: unknown key; did you mean',
    ),
    (
        HEAD + ZONE + 'circle = { radius = "1 m" }',
        'zone[0] "z", circle.center: missing; expected [latitude, longi',
    ),
    (HEAD + ZONE + "circle = { center = [1, 2] }", 'zone[0] "z", circle.radius: missing; expected a length'),
    (
        HEAD + ZONE + "circle = { center = [1, 2], radius = 55000 }",
        'zone[0] "z", circle.radius: not a text; found 55000',
    ),
    (
        HEAD + ZONE + 'circle = { center = [1, 2], radius = "55" }',
        'zone[0] "z", circle.radius: a length is a number with a unit',
    ),
    (
        HEAD + ZONE + 'circle = { center = [1, 2], radius = "0 km" }',
        "zone[0] \"z\", circle.radius: not a radius; found '0 m'; expected more than 0",
    ),
    (
        HEAD + ZONE + 'circle = { center = [133.5, 38.6], radius = "1 km" }',
        'zone[0] "z", circle.center: not a position; found [133.5, 38.6]; expected [latitude, longitude]',
    ),
    (
        HEAD + ZONE + 'circle = { center = [nan, 38.6], radius = "1 km" }',
        'zone[0] "z", circle.center: not a position; found [NaN, 38.6]',
    ),
    (
        HEAD + ZONE + 'circle = { center = [true, 38.6], radius = "1 km" }',
        'zone[0] "z", circle.center: not a position; found [true, 38.6]',
    ),
    (HEAD + ZONE + "polygon = 5", 'zone[0] "z", polygon: not a list; found 5; expected a list of [latitude'),
    (
        HEAD + ZONE + "polygon = [[1, 2], [3, 4]]",
        'zone[0] "z", polygon: an outline needs three distinct points',
    ),
    (
        HEAD + ZONE + "polygon = [[1, 2], [3], [4, 5]]",
        'zone[0] "z", polygon[1]: not a position; found [3]; expected',
    ),
    (
        HEAD + ZONE + "polygon = [[0, 0], [1, 1], [0, 1], [1, 0]]",
        'zone[0] "z", edges from vertex 0 and from vertex 2',
    ),
    (HEAD + ZONE + "polygon = [1, 2, 3, 4, 5]", 'zone[0] "z", polygon[0]: not a position; found 1; expected'),
    (HEAD + ZONE + CIRCLE + 'floor = "FL"', "zone[0] \"z\", floor: not an altitude; found 'FL'"),
    (
        HEAD + ZONE + CIRCLE + "floor = 500",
        'zone[0] "z", floor: a number without its unit; found 500; expected a text',
    ),
    (HEAD + ZONE + CIRCLE + 'floor = "unlimited"', 'zone[0] "z", floor: a floor cannot be unlimited'),
    (HEAD + ZONE + CIRCLE + 'ceiling = "surface"', 'zone[0] "z", ceiling: a ceiling cannot be the surface'),
    (
        HEAD + ZONE + CIRCLE + 'floor = "FL200"\nceiling = "FL100"',
        'zone[0] "z", ceiling: the ceiling is below the floor; found \'',
    ),
    (
        HEAD + ZONE + CIRCLE + "from = 2018-01-01T00:00:00Z\nuntil = 2017-01-01T00:00:00Z",
        'zone[0] "z", until: the zone ends before it begins',
    ),
    (
        HEAD + ZONE + CIRCLE + 'applies_to = ["boats"]',
        "zone[0] \"z\", applies_to: not a kind; found 'boats'; expected",
    ),
    (HEAD + ZONE + CIRCLE + "applies_to = []", 'zone[0] "z", applies_to: a zone that applies to nothing'),
    (
        HEAD + ZONE + CIRCLE + "agreed = true",
        "zone[0] \"z\": unknown key; did you mean 'recognised_by'?; found 'agreed'",
    ),
    (
        HEAD + ZONE + CIRCLE + 'recognised_by = "a"',
        "zone[0] \"z\", recognised_by: not a list of texts; found 'a'",
    ),
    (HEAD + (ZONE + CIRCLE) * 2, 'zone[1] "z", id: this id is taken by zone[0]'),
    # syntax
    ("[pact\nid = 'p'", "p.toml:1:6: not TOML: "),
    ("[pact]\nid = ", "p.toml:2:6: not TOML: "),
    ("[pact]\nid = 'p'\nid = 'q'", "p.toml:3:9: not TOML: "),
    (b"[pact]\nid = '\xff'", "p.toml:2:7: not text in UTF-8; found 'byte 0xff'"),
    ("[pact]\nid = 'p'".encode("utf-16"), "p.toml:1:1: not text in UTF-8"),
    (b"[pact]\nid = 'p'\x00", "p.toml:2:9: not TOML: "),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=range(len(REFUSED)))
def test_a_wrong_text_is_refused_with_its_place(text: str | bytes, expected: str) -> None:
    """One error, which names the place, what stands there and what should; by lint and by reading alike."""
    found = errors_of(text)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_everything_wrong_is_found_at_once() -> None:
    """Errors in different tables and keys are all reported, each in its place; reading says how many."""
    text = (
        "[pact]\nid = 3\n"
        "[[party]]\nid = 'any'\n[[party]]\nname = 'b'\n"
        "[[separation]]\nbetween = ['a']\nhorizontal = 5\n"
        "[[zone]]\nid = 'z'\nfloor = 'low'\nceiling = 'high'\n"
        "[[zone]]\nid = 'y'\n" + CIRCLE + "rejected_by = ['b', 'c']\nrecognised_by = ['b', 'c']\n"
    )
    places = [error.split(": ")[0] for error in errors_of(text)]
    assert places == [
        "pact, id",
        'party[1] "b", id',
        "separation[0], between",
        "separation[0], horizontal",
        "separation[0], vertical",
        'zone[0] "z"',
        'zone[0] "z", floor',
        'zone[0] "z", ceiling',
        'party[0] "any", id',
        'zone[1] "y", rejected_by',
        'zone[1] "y", rejected_by',
    ]
    with pytest.raises(InputError, match=r"the first of 11 errors; skypact pact lint lists them"):
        read_pact(text.encode(), "p.toml")


def test_the_reading_ends_after_many_errors() -> None:
    """A file of nonsense gives a bounded list, which says that it is not the whole."""
    found = lint((HEAD + "".join(f"k{k} = 1\n" for k in range(ERRORS_MAX * 3))).encode(), "p.toml")
    assert len(found) == ERRORS_MAX + 1
    assert str(found[-1]) == f"error: p.toml: the reading ended after {ERRORS_MAX} errors"
    with pytest.raises(InputError, match=f"the first of {ERRORS_MAX} errors or more"):
        read_pact((HEAD + "".join(f"k{k} = 1\n" for k in range(ERRORS_MAX * 3))).encode(), "p.toml")


HOSTILE = {
    "too long": b"# " + b"x" * 10_000_000,
    "nested arrays": b"a = " + b"[" * 300_000,
    "nested tables": b"a = " + b"{a=" * 300_000,
    "dotted key": b"[pact]\n" + b"a." * 800_000 + b"a = 1",
    "dotted quoted key": b"[" + b'"a" . ' * 300_000 + b"a]",
    "digits": b"[pact]\nid = " + b"9" * 500_000,
    "hexadecimal digits": b"[pact]\nid = 0x" + b"f" * 1_000_000,
    "hexadecimal digits in a list": b"[pact]\nid = [0x" + b"f" * 1_000_000 + b"]",
    "hexadecimal position": (HEAD + ZONE).encode() + b"polygon = [[0x" + b"f" * 100_000 + b", 1]]",
    "unknown key": b"[pact]\n" + b"k" * 2_000_000 + b" = 1",
    "unknown keys": b"[pact]\n" + b"".join(b"k%d = 1\n" % k for k in range(50_000)),
    "tables": b"[[zone]]\n" * 100_000,
    "parties": HEAD.encode() + b"".join(b"[[party]]\nid='p%d'\n" % k for k in range(20_000)),
    "rules": HEAD.encode() + RULE.encode() * 5_000,
    "strangers": (HEAD + "".join(f"[[party]]\nid='p{k}'\n" for k in range(190)) + ZONE + CIRCLE).encode()
    + b"rejected_by = ["
    + b"".join(b"'q%d'," % k for k in range(100_000))
    + b"]",
    "strange rules": HEAD.encode()
    + b"".join(b"[[party]]\nid='p%d'\n" % k for k in range(20))
    + b"".join(RULE.replace('["any", "any"]', f'["q{k}", "p{k}"]').encode() for k in range(1_000)),
    "vertices": (HEAD + ZONE).encode() + b"polygon = [" + b"[1.2,2.5]," * 50_000 + b"]",
    "crossing": (HEAD + ZONE).encode()
    + b"polygon = ["
    + b"".join(b"[%d,%d]," % (k * 7919 % 89, k * 104729 % 179) for k in range(9_999))
    + b"]",
    "letters": b"a" * SIZE_MAX,
    "quotes": b'"' * SIZE_MAX,
    "dots": b"." * SIZE_MAX,
    "bytes": bytes(range(256)) * 100,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_answered_quickly(data: bytes) -> None:
    """Nothing in a text makes the reading slow, deep or unclean: it gives remarks within seconds."""
    before = time.process_time()
    found = lint(data, "p.toml")
    assert time.process_time() - before < 30.0  # a quadratic reader takes hours
    assert found
    assert all(len(str(remark)) < 1_000 for remark in found)


# -- the handbook -----------------------------------------------------------------------------------------


def told() -> list[tuple[str, list[str] | None]]:
    """The TOML blocks of ``docs/pact.md``, each with the lines that are said to be remarked on it."""
    page = (Path(__file__).parents[3] / "docs" / "pact.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    pairs = zip(blocks, [*blocks[1:], ("", "")], strict=True)
    return [
        (text, after.splitlines() if follows == "text" else None)
        for (language, text), (follows, after) in pairs
        if language == "toml"
    ]


@pytest.mark.parametrize(("text", "lines"), told(), ids=range(len(told())))
def test_what_the_handbook_shows_is_what_lint_says(text: str, lines: list[str] | None) -> None:
    """Every pact on the page lints as the page says; a table that stands alone is put into a pact first."""
    whole = text if "[pact]" in text else HEAD + text
    found = [str(remark) for remark in lint(whole.encode(), "pact.toml")]
    assert lines is not None
    if whole == text:
        assert found == lines
    else:
        assert set(lines) <= set(found)


def test_the_handbook_has_every_key() -> None:
    """No key that is read is missing from the page."""
    page = (Path(__file__).parents[3] / "docs" / "pact.md").read_text(encoding="utf-8")
    assert len(told()) == 4
    keys: set[str] = set()
    for table in ("_TABLES", "_PACT", "_SEPARATION", "_PROXIMITY", "_ZONE", "_CIRCLE"):
        keys.update(getattr(pact_toml, table))
    for name, table_of_terms in vars(pact_terms).items():
        if name.isupper() and not name.startswith("_") and isinstance(table_of_terms, tuple):
            keys.update(table_of_terms)
    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()


# -- laws -------------------------------------------------------------------------------------------------

_VALUES = [
    "3",
    "-1.5",
    "nan",
    "true",
    "''",
    "'x'",
    "[]",
    "['a', 'b']",
    "[[0, 0], [0, 1], [1, 1]]",
    "{ x = 1 }",
]
_VALUES += [
    "2017-06-08T18:00:00Z",
    "2017-06-08T18:00:00",
    "'5 NM'",
    "'FL350'",
    "'surface'",
    "['crewed', 'any']",
]
_VALUES += [
    "{ center = [33.5, 38.6], radius = '55 km' }",
    "'simulated'",
    "['ground']",
    "2016-01-01T00:00:00Z",
]
_KEYS = ["id", "name", "note", "title", "data_mode", "effective", "until", "from", "between", "horizontal"]
_KEYS += ["vertical", "lookahead", "circle", "polygon", "floor", "ceiling", "applies_to", "effect"]
_KEYS += ["declared_by", "recognised_by", "reserved_by", "rejected_by", "agreed"]
_KEYS += ["version", "supersedes", "languages", "key", "contact", "reservations"]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A whole pact with some lines left out, some values changed and some keys added."""
    lines = WHOLE.splitlines()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        key = lines[at].partition(" = ")[0]
        match draw(st.sampled_from(["drop", "change", "add", "cut"])):
            case "drop":
                del lines[at]
            case "change" if " = " in lines[at]:
                lines[at] = f"{key} = {draw(st.sampled_from(_VALUES))}"
            case "add":
                lines.insert(at, f"{draw(st.sampled_from(_KEYS))} = {draw(st.sampled_from(_VALUES))}")
            case _:
                lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
    return "\n".join(lines)


@settings(max_examples=300)
@given(mutated())
def test_a_pact_lints_without_an_error_if_and_only_if_it_can_be_read(text: str) -> None:
    """Lint and reading agree on every text, and what can be read can be given to the engine."""
    data = text.encode()
    wrong = any(remark.severity is Severity.ERROR for remark in lint(data, "p.toml"))
    if wrong:
        with pytest.raises(InputError, match=r"\Ap[.]toml"):
            read_pact(data, "p.toml")
        return
    pact = read_pact(data, "p.toml").pact
    assert pact is not None
    zones = pact.zones_in_force()
    assert zones is None or len(zones) <= len(pact.zones)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reading_fail_uncleanly(data: bytes) -> None:
    """Any bytes give remarks, and an error or a pact."""
    assert lint(data, "p.toml")
    with pytest.raises(InputError):
        read_pact(data, "p.toml")


@given(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),  # noqa: DTZ001 -- hypothesis wants naive bounds
    st.integers(-1439, 1439),
)
def test_a_date_of_toml_and_its_text_are_the_same_instant(moment: datetime, minutes: int) -> None:
    """A native date with any offset, and the same in quotes, are one instant."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    native = pact_of(f'[pact]\nid = "p"\nuntil = {aware.isoformat()}')
    quoted = pact_of(f'[pact]\nid = "p"\nuntil = "{aware.isoformat()}"')
    assert native.until_us == quoted.until_us
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    assert native.until_us == since // timedelta(microseconds=1)
