"""An extract of a party's record: read strictly, with what lies beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from skypact.airspace import DataMode
from skypact.errors import InputError, ModeError
from skypact.formats import incident_record
from skypact.formats.incident_record import read_record, write_record
from skypact.incident.logbook import Clock, Logbook, Logged, Position
from skypact.incident.values import Period
from skypact.instants import EVER, FOREVER, parse_instant
from skypact.pact import Stance

if TYPE_CHECKING:
    from pathlib import Path

PACT = """
[pact]
id = "p"
data_mode = "test"
effective = 2017-05-01T00:00:00Z
[[party]]
id = "north"
[[party]]
id = "south"
[[party]]
id = "east"
[[zone]]
id = "base"
circle = { center = [33.5, 38.6], radius = "55 km" }
floor = "surface"
ceiling = "unlimited"
declared_by = "north"
recognised_by = ["north"]
rejected_by = ["south"]
"""
TRACK = "time,id,party,kind,data_mode,lat,lng\n2017-06-08T06:00:00Z,x,,ground,test,33.5,38.6\n"
MESSAGE = {
    "ref": "m-1",
    "kind": "notify",
    "sender": "north",
    "receiver": "south",
    "channel": "hotline",
    "sent": "2017-06-08T06:00:00Z",
}


def at(after_s: int) -> Period:
    """So long after six o'clock."""
    instant_us = parse_instant("2017-06-08T06:00:00Z") + after_s * 1_000_000
    return Period("", instant_us, instant_us)


def extract(folder: Path, **changes: Any) -> Path:
    """An extract in a file, with these members changed, or left out where they are None."""
    said = {
        "format": "skypact record extract 1",
        "data_mode": "test",
        "holder": "north",
        "event": "2017-06-08T06:10:00Z",
        "messages": [MESSAGE],
    }
    path = folder / "record.json"
    path.write_text(json.dumps({k: v for k, v in (said | changes).items() if v is not None}))
    return path


def test_an_extract_says_everything_that_a_record_can(tmp_path: Path) -> None:
    """Messages with their clocks, stances of the pact and after it, tracks, zones."""
    (tmp_path / "pact.toml").write_text(PACT)
    (tmp_path / "track.csv").write_text(TRACK)
    whole = MESSAGE | {
        "delivered": "2017-06-08T06:00:01Z",
        "opened": "2017-06-08T06:00:09Z",
        "about": ["x"],
        "scope": "Not mine",
        "clock": {"offset_s": 0.4, "bound_s": 0.2},
        "proof": "m-1.tlog-proof",
    }
    stance = {
        "ref": "z-1",
        "party": "east",
        "zone": "base",
        "stance": "reserved",
        "at": "2017-06-01T00:00:00Z",
    }
    book = read_record(
        extract(
            tmp_path,
            clock={"offset_s": 0, "bound_s": 1},
            messages=[whole, MESSAGE],
            positions=[stance, stance | {"words": "by letter", "proof": "z-1.tlog-proof"}],
            tracks=["track.csv"],
            pact="pact.toml",
            max_gap_s=90,
        ),
        DataMode.TEST,
    )
    first, second = book.messages
    assert first == Logged(
        "m-1", "notify", "north", "south", "hotline", at(0), at(1), at(9), ("x",), "not mine",
        Clock(400_000, 200_000), "m-1.tlog-proof",
    )  # fmt: skip
    assert (second.delivered, second.clock) == (None, Clock(0, 1_000_000))
    since = parse_instant("2017-05-01T00:00:00Z")
    assert book.positions[:2] == (
        Position("pact p", "north", "base", Stance.RECOGNISED, since),
        Position("pact p", "south", "base", Stance.REJECTED, since),
    )
    assert [(each.words, each.proof) for each in book.positions[2:]] == [
        ("", ""),
        ("by letter", "z-1.tlog-proof"),
    ]
    assert book.tracks is not None
    assert book.zones is not None
    assert (len(book.tracks), len(book.zones), book.max_gap_s, book.holder) == (1, 1, 90.0, "north")


def test_an_extract_of_little_says_little(tmp_path: Path) -> None:
    """Whose it is, and nothing more, is enough."""
    book = read_record(extract(tmp_path, event=None, messages=None), DataMode.TEST)
    assert (book.messages, book.positions, book.tracks, book.zones, book.event) == ((), (), None, None, None)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"format": "another"}, "record.json: format"),
        ({"holder": None}, "record.json"),
        ({"weapons": []}, "record.json: weapons"),
        ({"event": "at noon"}, "record.json: event"),
        ({"clock": {"offset_s": 0}}, "record.json: clock"),
        ({"clock": {"offset_s": 0, "bound_s": -1}}, "record.json: clock"),
        ({"clock": {"offset_s": 1e300, "bound_s": 1}}, "record.json: clock"),
        ({"clock": {"offset_s": 0, "bound_s": 1, "by": "ntp"}}, "record.json: clock.by"),
        ({"messages": [MESSAGE | {"sent": "at noon"}]}, "record.json: messages[0].sent"),
        ({"messages": [MESSAGE | {"scope": "ours"}]}, "record.json: messages[0].scope"),
        ({"messages": [MESSAGE | {"read": "now"}]}, "record.json: messages[0].read"),
        ({"positions": [{"ref": "z"}]}, "record.json: positions[0]"),
        ({"tracks": ["none.csv"]}, "none.csv"),
        ({"pact": "track.csv"}, "record.json: pact"),
    ],
)
def test_an_extract_that_is_none_is_refused(tmp_path: Path, changes: dict[str, Any], place: str) -> None:
    """With the file and the path."""
    (tmp_path / "track.csv").write_text(TRACK)
    with pytest.raises(InputError) as caught:
        read_record(extract(tmp_path, **changes), DataMode.TEST)
    assert caught.value.where.removeprefix(f"{tmp_path}/").startswith(place)


def test_data_modes_are_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the extract's own nor that of a track beside it; and a large file is not read."""
    (tmp_path / "track.csv").write_text(TRACK.replace(",test,", ",real,"))
    with pytest.raises(ModeError):
        read_record(extract(tmp_path), DataMode.REAL)
    with pytest.raises(ModeError):
        read_record(extract(tmp_path, tracks=["track.csv"]), DataMode.TEST)
    with pytest.raises(InputError, match="cannot be read"):
        read_record(tmp_path / "none.json", DataMode.TEST)
    monkeypatch.setattr(incident_record, "SIZE_MAX", 5)
    with pytest.raises(InputError, match="too long"):
        read_record(extract(tmp_path), DataMode.TEST)


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    """Messages known to an instant or not, clocks, stances, the ledger and what it proves of others."""
    book = Logbook(
        "north",
        (
            Logged("m-1", "notify", "north", "south", "hotline", at(0)),
            Logged(
                "m-3",
                "notify",
                "north",
                "south",
                "hotline",
                Period("", EVER, at(1).latest_us),
                Period("", at(1).earliest_us, FOREVER),
                Period("", EVER, FOREVER),
            ),
            Logged(
                "m-2",
                "reply",
                "south",
                "north",
                "hotline",
                at(0),
                Period("", at(1).earliest_us, at(3).latest_us),
                at(4),
                ("m-1", "x"),
                "not answering for others",
                Clock(400_000, 200_000),
                "leaf 7",
                Clock(-10_250_000, 750_000),
            ),
        ),
        (
            Position("z-1", "south", "base", Stance.REJECTED, at(2).earliest_us, "by letter", "leaf 9"),
            Position("z-2", "north", "base", Stance.RESERVED, at(3).earliest_us),
        ),
        ledger="log x, 12 leaves",
        forks=("Proven: the log y signed two roots",),
    )
    path = tmp_path / "extract.json"
    path.write_text(json.dumps(write_record(book, DataMode.TEST)))
    found = read_record(path, DataMode.TEST)
    assert (found.holder, found.ledger, found.forks) == (book.holder, book.ledger, book.forks)
    assert found.messages == book.messages
    assert found.positions == book.positions
    bare = write_record(Logbook("north"), DataMode.TEST)
    assert sorted(bare) == ["data_mode", "format", "holder", "messages"]
    with pytest.raises(InputError, match=r"messages\[0\].sent: "):
        read_record(extract(tmp_path, messages=[MESSAGE | {"sent": "noon"}]), DataMode.TEST)
