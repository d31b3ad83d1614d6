"""The lines of a pact's text: every table and key is found where it stands, whatever stands around it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.errors import InputError
from skypact.formats.pact_lines import line_of, lines_of
from skypact.formats.pact_toml import lint, read_pact

TEXT = [
    "# [[zone]] in a comment",
    "top = 1",
    "[pact]",
    'id = "p" # [not.a.table]',
    'note = """',
    "[[zone]]",
    'id = "no" \\""" still no',
    '"""',
    "title = 'it''s'",
    "literal = '''",
    "[pact.no]",
    "'''",
    "[[party]]",
    'id = "a [[party]]"',
    "  [[ party.key ]]",
    '  public = "x"',
    "  [[party.key]]",
    "  from = 1",
    "[[party]]",
    "[[party.contact]]",
    "reach = [",
    '  "phone", # id = 3',
    '  [ "nested" ],',
    '  { role = "x" }]',
    "[[party.key]]",
    'note = "n"',
    "[notice]",
    'flight = { normal = "1 h" }',
    "zone.odd = 1",
    "[[zone]]",
    "polygon = [[1, 2],",
    "           [3, 4]]",
]


def test_every_table_and_key_has_its_line() -> None:
    """Comments, strings of all kinds and lists over several lines hold nothing that is taken for a key."""
    found = lines_of("\n".join(TEXT))
    expected = {
        "top": "top = 1",
        "pact": "[pact]",
        "pact.id": 'id = "p" # [not.a.table]',
        "pact.note": 'note = """',
        "pact.title": "title = 'it''s'",
        "pact.literal": "literal = '''",
        "party[0]": "[[party]]",
        "party[0].id": 'id = "a [[party]]"',
        "party[0].key[0]": "  [[ party.key ]]",
        "party[0].key[0].public": '  public = "x"',
        "party[0].key[1]": "  [[party.key]]",
        "party[0].key[1].from": "  from = 1",
        "party[1]": "[[party]]",
        "party[1].contact[0]": "[[party.contact]]",
        "party[1].contact[0].reach": "reach = [",
        "party[1].key[0]": "[[party.key]]",
        "party[1].key[0].note": 'note = "n"',
        "notice": "[notice]",
        "notice.flight": 'flight = { normal = "1 h" }',
        "notice.zone": "zone.odd = 1",
        "zone[0]": "[[zone]]",
        "zone[0].polygon": "polygon = [[1, 2],",
    }
    assert {name: TEXT[line - 1] for name, line in found.items()} == expected
    assert found["party[1]"] > found["party[0].key[1].from"]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ('zone[0] "a, \\"b\\"", circle.radius', 3),
        ("zone[0], circle.center", 3),
        ('zone[0] "z", polygon[7]', 4),
        ('zone[0] "z", floor', 2),
        ("zone[0]", 2),
        ("zone[1], floor", 0),
        ("pact, id", 0),
        ("", 0),
        (":3:4", 0),
        ("signature of north", 0),
    ],
)
def test_a_place_without_a_line_of_its_own_has_its_table_s(place: str, line: int) -> None:
    """The longest part of the place that the text has; none at all is 0."""
    assert line_of(place, {"zone[0]": 2, "zone[0].circle": 3, "zone[0].polygon": 4}) == line


def test_errors_and_remarks_have_their_lines() -> None:
    """Reading says file and line in front of the place; lint has the line with each remark."""
    text = '[pact]\nid = "p"\ndata_mode = "test"\n\n[[zone]]\nid = "z"\nfloor = "low"\n'
    with pytest.raises(InputError, match=r'^p\.toml:5: zone\[0\] "z": no outline'):
        read_pact(text.encode(), "p.toml")
    assert [(remark.place, remark.line) for remark in lint(text.encode(), "p.toml")] == [
        ('zone[0] "z"', 5),
        ('zone[0] "z", floor', 7),
    ]
    syntax = lint(b"[pact\n", "p.toml")
    assert [(remark.place, remark.line) for remark in syntax] == [("p.toml:1:6", 0)]
    fine = "\ufeff" + text.replace('floor = "low"', 'circle = { center = [1, 2], radius = "1 km" }')
    assert {remark.place: remark.line for remark in lint(fine.encode(), "p.toml")} == {
        "pact": 1,
        "party": 0,
        "separation": 0,
        'zone[0] "z"': 5,
    }


HOSTILE = ['"' * 500_000, "'" * 500_000, '"""' + "\\" * 500_000, "[" * 500_000, "a." * 250_000, "#" * 500_000]
HOSTILE += [" " * 500_000, "x = '''" * 70_000, '"""""" ' * 70_000, "a=[\n" * 100_000, "[[a." * 100_000]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_makes_the_search_slow(text: str) -> None:
    """Half a megabyte of anything is searched in a moment."""
    before = time.process_time()
    lines_of(text)
    assert time.process_time() - before < 10.0  # a search that goes back takes hours


@given(st.text(alphabet="[]{}\"'#=\n\\ .ab", max_size=200))
def test_any_text_gives_lines_that_it_has(text: str) -> None:
    """Whatever the text, a line that is found is one of its lines, and not an empty one."""
    lines = text.split("\n")
    for line in lines_of(text).values():
        assert lines[line - 1].strip()
