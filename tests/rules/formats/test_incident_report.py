"""The report of an incident: everything that was written, side by side, as JSON and as a page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from incident_world import DAY, NOON_US, account, claim, entry, evidence, opening
from skypact.airspace import DataMode
from skypact.formats.incident_file import Kept, load, started
from skypact.formats.incident_html import page
from skypact.formats.incident_record import read_record
from skypact.formats.incident_report import STATEMENT, report
from skypact.incident import values
from skypact.incident.claims import Finer, Modality, Quote, Relation
from skypact.incident.entries import (
    Assessment,
    Bearing,
    Custody,
    Degree,
    Handling,
    Linked,
    Move,
    Related,
    Stated,
    Step,
    Withdrawal,
)
from skypact.incident.logbook import Clock, Logbook, Logged

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "al-tanf" / "incidents"
HOSTILE = [
    "</style><script>window.struck = 1</script>",
    "<img src=x onerror='window.struck = 1'>",
    "\u202eturned\u202c",
    "'\"><b>bold</b>",
    "&lt;b&gt;",
]


def everything(text: str = "words") -> Kept:
    """An incident in which everything that is shown occurs, with a text wherever one is free."""
    area = values.place("33.5, 38.6 ± 90 km")
    parties = (("north", text), ("south", ""), ("east", ""))
    kept = started(entry(opening(title=text, parties=parties, window=DAY, area=area, instruments=(text,))))
    said: list[Any] = [
        account(
            "A1", "north", speaker=text, source=text, channel=text, text=f"{text} as told", translation=text
        ),
        account("A2", "south"),
        account("A3", "east"),
        Stated(claim("how_many", "5", subject=text, quote=Quote(text))),
        Stated(claim("how_many", "at least 5", ident="C2", of="A2", subject=text)),
        Stated(claim("who", text, ident="C3")),
        Stated(claim("who", "others", ident="C4", of="A2")),
        Stated(claim("when", "2017-06-08T06:00:00Z", ident="C5", modality=Modality.DENIED)),
        Stated(claim("where", "33.5, 38.6 ± 5 km", ident="C6", modality=Modality.DENIED)),
        Stated(claim("where", "33.9, 38.0 ± 5 km", ident="C7", of="A2")),
        Stated(claim("inside_zone", text, ident="C8", during=DAY, attributed_to=text, thing=text, zone=text)),
        Stated(claim("harm", text, ident="C9", modality=Modality.CONDITIONAL, condition=text)),
        Stated(claim("harm", None, ident="C10", of="A2", modality=Modality.UNKNOWN)),
        Stated(claim("how_many", "7", ident="C11", subject=text)),
        Stated(claim("purpose", text, ident="C12", of="A3")),
        Related("C3", "C4", Relation.REFINES, text, Finer.SECOND),
        Stated(claim("first_action", "we", ident="C13", subject="b", of="A1")),
        Stated(claim("first_action", "they", ident="C14", subject="b", of="A3")),
        Related("C13", "C14", Relation.AGREES, text),
        evidence(title=text, source=text, collected_by=text, tool=text, working=True),
        Custody("E1", Handling.HANDED_OVER, NOON_US, text, text),
        Custody("E1", Handling.SEALED, NOON_US),
        Linked("E1", "C1", Bearing.SUPPORTS, text),
        evidence("E2"),
        Assessment("J1", text, text, Degree.D, text, ("C1",), text),
        Assessment("J2", text, text, Degree.B, text),
        account("A4", "south", supersedes="A2"),
        Withdrawal("A3", text),
        Move(Step.DISPUTE, text),
    ]
    for k, what in enumerate(said):
        kept = kept.with_entry(
            entry(what, by="east" if isinstance(what, Withdrawal) else "north", post=text, after_s=k)
        )
    return kept


def at(after_us: int) -> values.Period:
    """So long after noon."""
    return values.Period("", NOON_US + after_us, NOON_US + after_us)


def book(text: str = "m-1") -> Logbook:
    """A record with one message of a clock that is known and one of one that is not."""
    message = Logged(
        text, text, text, text, text, at(0), at(1), None, (text,), "", Clock(5, 3), text, Clock(1, 2)
    )
    other = Logged(text, text, text, text, text, at(0))
    return Logbook("north", (message, other), event=at(0), ledger=text, forks=(text,))


def test_the_report_has_everything_that_was_written() -> None:
    """Withdrawn or put right, marked; every line with its digest; and the digest of the whole."""
    kept = everything()
    data = report(kept, [book()])
    assert json.loads(json.dumps(data)) == data
    assert [one["n"] for one in data["log"]] == list(range(len(kept.digests)))
    assert [one["sha256"] for one in data["log"]] == list(kept.digests)
    assert data["file"] == {"entries": len(kept.digests), "head": kept.head}
    assert [one["id"] for one in data["claims"]] == [f"C{k}" for k in range(1, 15)]
    by_id = {one["id"]: one for one in data["claims"]}
    assert by_id["C2"]["superseded_by"] == "A4"
    assert by_id["C12"]["withdrawn"] == "words"
    assert by_id["C1"]["withdrawn"] is None
    assert [one["withdrawn"] for one in data["accounts"]] == [None, None, "words", None]
    assert data["statement"] == STATEMENT
    assert data["incident"]["disputed_by"] == ["north"]
    assert [len(one["custody"]) for one in data["evidence"]] == [2, 0]
    assert data["evidence"][0]["links"][0]["bearing"] == "supports"
    assert data["assessments"][0]["degree_means"] == Degree.D.words


def test_rows_and_records_are_counted() -> None:
    """As they stand, without what was withdrawn; a record's words for every claim."""
    data = report(everything(), [book()])
    standing = {row["predicate"]: row["agreement"] for row in data["sides"]}
    assert standing["purpose"] == "nobody"
    assert standing["how_many"] == "one side"
    assert data["sides"][0]["within"][0]["relation"] == "contradicts"
    assert sum(data["counts"]["sides"].values()) == len(data["sides"])
    assert sum(data["counts"]["records"].values()) == len(data["claims"])
    assert report(everything())["counts"]["records"] is None


def test_the_timeline_is_in_order_and_has_what_has_a_time() -> None:
    """Claims that stand, accounts, the event, messages corrected by their clock."""
    line = report(everything(), [book()])["timeline"]
    assert [one["from"] for one in line] == sorted(one["from"] for one in line)
    assert {one["sort"] for one in line} == {"claimed", "said", "event", "recorded"}
    sent = [one for one in line if "sent" in one["what"]]
    assert sent[0]["from"] == "2017-06-08T11:59:59.999992Z"
    assert "C5 denied: the drone" in [one["what"] for one in line]
    assert not any("C12" in one["what"] for one in line)


def test_a_page_says_the_data_mode_first_and_runs_nothing() -> None:
    """No script, no address, a policy that allows neither; and the statement at its head."""
    kept = everything()
    made = page(kept, [book()], report(kept, [book()])).decode()
    body = made.split("<body>", 1)[1]
    assert body.lstrip().startswith('<p id="mode" role="note">TEST of the system')
    assert "<script" not in made
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["'](?!data:)""", made)
    assert "default-src 'none'" in made
    assert html.escape(STATEMENT) in made
    for name in ("sides", "map", "records", "timeline", "accounts", "evidence", "assessments", "log"):
        assert f'<section id="{name}">' in made, name


def test_how_two_claims_stand_is_said_in_words() -> None:
    """Which is finer, whichever was written first; who said so; and that a thing was not compared."""
    kept = started(entry(opening())).with_entry(entry(account("A1", "north")))
    kept = kept.with_entry(entry(account("A2", "south")))
    pairs = [
        ("how_many", "5", "at least 5"),
        ("how_many", "at most 9", "5"),
        ("who", "we", "they"),
        ("harm", "a", "b"),
        ("how_many", "5", "5"),
    ]
    for k, (predicate, first, second) in enumerate(pairs):
        for of, text in (("A1", first), ("A2", second)):
            ident = kept.case.next_id("C")
            said = claim(predicate, text, ident=ident, of=of, subject=f"thing {k}")
            kept = kept.with_entry(entry(Stated(said)))
    data = report(kept, [Logbook("north", book().messages)])
    assert not any(each["sort"] == "event" for each in data["timeline"])
    kept = kept.with_entry(entry(Related("C7", "C8", Relation.AGREES, "the same harm")))
    made = page(kept, [], report(kept)).decode()
    for words in (
        "C1 says all that C2 does, and more",
        "C4 says all that C3 does, and more",
        "C5 and C6 are not compared: what they say is for people to compare",
        "C7 and C8 can both be true: the same harm (said by the investigator, office)",
    ):
        assert words in made


def test_a_hostile_text_is_text() -> None:
    """Wherever a text is free: escaped to the letter, and what would turn or hide it is shown as a mark."""
    for text in HOSTILE:
        plain = text if text.isprintable() else text.replace("\u202e", "").replace("\u202c", "")
        kept = everything(plain)
        made = page(kept, [book(plain)], report(kept, [book(plain)])).decode()
        body = made.split("<body>", 1)[1]
        assert "<script" not in body
        assert "<img" not in body
        assert "<b>bold" not in body
        assert html.escape(plain) in body
    record = book("\u202eturned\u202c\x1b[2J")
    kept = everything()
    made = page(kept, [record], report(kept, [record])).decode()
    assert "\ufffdturned\ufffd\ufffd[2J" in made
    assert not {"\u202e", "\u202c", "\x1b"} & set(made)


def test_a_new_incident_has_a_page_too() -> None:
    """Without accounts, claims, places or records: it says so, and leaves out what is empty."""
    kept = started(entry(opening()))
    made = page(kept, [], report(kept)).decode()
    assert "No claim has been written yet." in made
    assert "No account has been written yet." in made
    for name in ("map", "records", "timeline", "evidence", "assessments"):
        assert f'<section id="{name}">' not in made, name


def test_a_map_has_a_centre_wherever_things_are() -> None:
    """Across the antimeridian, and on both sides of the earth."""
    for first, second in (
        ("10.0, 179.9 ± 5 km", "10.0, -179.9 ± 5 km"),
        ("0.0, 0.0 ± 1 km", "0.0, 180.0 ± 1 km"),
    ):
        kept = started(entry(opening())).with_entry(entry(account()))
        kept = kept.with_entry(entry(Stated(claim("where", first))))
        kept = kept.with_entry(entry(Stated(claim("where", second, ident="C2"))))
        made = page(kept, [], report(kept)).decode()
        drawn = re.findall(r'<path class="disc[^"]*" d="([^"]*)"', made)
        assert len(drawn) == 2
        numbers = [float(number) for path in drawn for number in re.findall(r"-?\d+\.\d", path)]
        assert all(abs(number) < 330.0 for number in numbers)


@pytest.mark.parametrize("name", ["al-tanf-2017-05-18", "al-tanf-2017-06-06", "al-tanf-2017-06-08"])
def test_the_three_incidents_of_2017_open_and_quote_with_source(name: str) -> None:
    """Real, verified line by line; every quotation is short and has its source; no file is a judge."""
    kept = load(EXAMPLES / f"{name}.jsonl")
    assert kept.case.opening.data_mode is DataMode.REAL
    data = report(kept)
    assert all(claim["source"] and 0 < len(claim["quote"].split()) <= 12 for claim in data["claims"])
    assert page(kept, [], data)


def test_the_invented_incident_has_claims_that_its_record_answers() -> None:
    """Every row is disputed; the record contradicts a claim of each party, and prefers none."""
    kept = load(EXAMPLES / "simulated-column.jsonl")
    record = read_record(EXAMPLES / "simulated-record.json", DataMode.SIMULATED)
    data = report(kept, [record])
    assert data["counts"]["sides"]["disputed"] == len(data["sides"]) == 5
    against = {one["party"] for one in data["claims"] if one["records"][0]["verdict"] == "contradicted"}
    assert against == {"coalition", "russia"}
    assert (
        "delivered 4 min 10 s before, opened 3 min 2 s before; offset of clocks 0.4 s ± 0.2 s"
        in (data["claims"][2]["records"][0]["margin"])
    )
    made = page(kept, [record], data).decode()
    assert 'class="zone ' in made
    assert 'class="track"' in made


def test_the_files_of_the_example_are_what_its_script_makes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same bytes each time."""
    import runpy

    made = runpy.run_path(str(EXAMPLES / "make_incidents.py"))
    monkeypatch.setitem(made["main"].__globals__, "FOLDER", tmp_path)
    made["main"]()
    names = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in {".json", ".jsonl"})
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert all((tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes() for name in names)
