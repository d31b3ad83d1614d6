"""An incident's file: read whole or refused with the line, and never half written."""

from __future__ import annotations

import fcntl
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_world import DAY, NOON_US, account, claim, entry, evidence, opening
from skypact.errors import InputError, Refused
from skypact.formats import incident_file
from skypact.formats.incident_file import KINDS, Kept, extend, load, read_incident, start, started
from skypact.formats.output import replacing
from skypact.incident import values
from skypact.incident.claims import Finer, Modality, Quote, Relation
from skypact.incident.entries import (
    Account,
    Assessment,
    Bearing,
    Custody,
    Degree,
    Entry,
    Handling,
    Linked,
    Move,
    Related,
    Stated,
    Step,
    Withdrawal,
)

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "They came at noon.\n\tSo we say; «нет», 57 % ± 5."


def full() -> Kept:
    """An incident with an entry of every kind, and every member of each said."""
    whats: list[Any] = [
        account("A1", "north", text=TEXT, translation="no", channel="hotline", source_sha256="0" * 64),
        account("A2", "south"),
        account("A3", "south", supersedes="A2"),
        Stated(
            claim(
                "inside_zone",
                "the base's zone",
                quote=Quote("They", 0),
                modality=Modality.CONDITIONAL,
                condition="if it was theirs",
                attributed_to="a pilot",
                during=values.period("2017-06-08T06:00:00Z ± 5 min"),
                thing="drone-1",
                zone="base-55",
            )
        ),
        Stated(claim("how_many", None, ident="C2", of="A3", modality=Modality.UNKNOWN)),
        Stated(claim("where", "33.5, 38.6 ± 5 km", ident="C3", of="A3", quote=Quote("there\nhere", 7))),
        Related("C1", "C2", Relation.REFINES, "as they\nsay", Finer.SECOND),
        evidence(tool="a camera", working=True),
        Custody("E1", Handling.HANDED_OVER, NOON_US - 1, "the board", "in a bag"),
        Linked("E1", "C1", Bearing.NEUTRAL, "nothing is to be seen"),
        Assessment("J1", "the board", "reading", Degree.D, "not known", ("C1", "C2"), "one says C"),
        Withdrawal("A1", "a mistake"),
        Move(Step.DISPUTE, "no"),
    ]
    area = values.place("33.5, 38.6 ± 90 km")
    kept = started(entry(opening(window=DAY, area=area, instruments=("al-tanf-2017", "the memorandum"))))
    for k, what in enumerate(whats):
        kept = kept.with_entry(entry(what, by="north", after_s=k))
    return kept


def lines(kept: Kept) -> list[dict[str, Any]]:
    """The lines as objects."""
    return [json.loads(line) for line in kept.data.splitlines()]


def rechained(objects: list[dict[str, Any]]) -> bytes:
    """Objects as a file whose lines name each other rightly, whatever else is in them."""
    data, after = b"", ""
    for number, one in enumerate(objects):
        line = json.dumps(one | {"n": number, "after": after}).encode()
        after = hashlib.sha256(line).hexdigest()
        data += line + b"\n"
    return data


def test_a_file_gives_back_what_was_written() -> None:
    """Every kind of entry, every member; and the bytes of what was read are its bytes."""
    kept = full()
    again = read_incident(kept.data, "x.jsonl")
    assert again == kept
    assert {one["entry"] for one in lines(kept)} == set(KINDS)
    said = {(one["entry"], name) for one in lines(kept) for name in one}
    assert {(kind, name) for kind, (_, members) in KINDS.items() for name in members} <= said
    assert again.head == hashlib.sha256(kept.data.splitlines()[-1]).hexdigest()
    assert again.case.claims[0].quote.start == 0


def test_an_instant_a_value_and_a_quotation_stand_as_a_person_writes_them() -> None:
    """No numbers of microseconds, no digests in the place of words."""
    written = lines(full())
    assert written[0]["format"] == "skypact incident 1"
    assert written[1]["received"] == "2017-06-08T12:00:00Z"
    assert written[6] | {"value": "33.5, 38.6 ± 5 km", "quote": "there\nhere"} == written[6]


@settings(max_examples=150)
@given(st.data())
def test_a_line_changed_taken_out_or_moved_is_found(data: st.DataObject) -> None:
    """Wherever it is, unless it is the last one that is missing, which the head's digest shows."""
    kept = full()
    rows = kept.data.splitlines(keepends=True)
    k = data.draw(st.integers(0, len(rows) - 2))
    how = data.draw(st.sampled_from(["change", "drop", "double", "swap"]))
    if how == "change":
        at = data.draw(st.integers(0, len(rows[k]) - 2))
        rows[k] = rows[k][:at] + bytes([rows[k][at] ^ data.draw(st.integers(1, 127))]) + rows[k][at + 1 :]
    elif how == "drop":
        del rows[k]
    elif how == "double":
        rows.insert(k, rows[k])
    else:
        rows[k], rows[k + 1] = rows[k + 1], rows[k]
    with pytest.raises(InputError):
        read_incident(b"".join(rows), "x.jsonl")


@pytest.mark.parametrize(
    ("row", "changes", "place"),
    [
        (0, {"format": "another"}, "x.jsonl:1: format"),
        (0, {"format": None}, "x.jsonl:1: format"),
        (0, {"data_mode": "perhaps"}, "x.jsonl:1: data_mode"),
        (0, {"parties": {"north": ""}}, "x.jsonl:1: parties"),
        (1, {"entry": "message"}, "x.jsonl:2: entry"),
        (1, {"weapon": "none"}, "x.jsonl:2: weapon"),
        (1, {"said": "yesterday"}, "x.jsonl:2: said"),
        (1, {"speaker": None}, "x.jsonl:2"),
        (1, {"speaker": "a\nb"}, "x.jsonl:2: speaker"),
        (1, {"text": "a\x1b[2J"}, "x.jsonl:2: text"),
        (1, {"party": "west"}, "x.jsonl:2: party"),
        (2, {"at": "2017-06-08T11:00:00Z"}, "x.jsonl:3: at"),
        (3, {"supersedes": "A1"}, "x.jsonl:4: supersedes"),
        (6, {"value": "95.0, 38.6"}, "x.jsonl:7: value"),
        (6, {"value": 5}, "x.jsonl:7: value"),
        (8, {"working": "yes"}, "x.jsonl:9: working"),
        (11, {"claims": "C1"}, "x.jsonl:12: claims"),
        (12, {"by": "south"}, "x.jsonl:13: by"),
    ],
)
def test_a_line_that_is_wrong_is_named(row: int, changes: dict[str, Any], place: str) -> None:
    """With the file, the line and the member, though the lines name each other rightly."""
    objects = lines(full())
    objects[row] |= changes
    with pytest.raises(InputError) as caught:
        read_incident(rechained(objects), "x.jsonl")
    assert caught.value.where == place


def test_what_is_no_file_of_an_incident_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing, a line cut off, JSON of another kind, too much of it."""
    for data in (b"", full().data[:-1], b"{}\n", b"[]\n", b"x\n", b'{"n":0,"n":0}\n'):
        with pytest.raises(InputError, match=r"x\.jsonl"):
            read_incident(data, "x.jsonl")
    monkeypatch.setattr(incident_file, "SIZE_MAX", 5)
    with pytest.raises(InputError, match="too long"):
        read_incident(full().data, "x.jsonl")


def test_a_file_is_started_once_and_extended_whole(tmp_path: Path) -> None:
    """A second start is refused and changes nothing; nothing else is left in the folder."""
    path = tmp_path / "case.jsonl"
    first = started(entry(opening()))
    start(path, first)
    with pytest.raises(InputError, match="is there already"):
        start(path, full())
    assert load(path) == first
    more = first.with_entry(entry(account()))
    extend(path, first, more)
    assert load(path) == more
    assert [each.name for each in tmp_path.iterdir()] == ["case.jsonl"]
    with pytest.raises(InputError, match="cannot be made"):
        start(tmp_path / "none" / "case.jsonl", first)
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "other.jsonl")


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file system has no links, say: the reason is told, and the folder is as it was."""

    def no_links(_old: object, _new: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    with pytest.raises(InputError, match="Operation not permitted"):
        start(tmp_path / "case.jsonl", full())
    assert list(tmp_path.iterdir()) == []


def test_who_comes_second_is_told_and_overwrites_nothing(tmp_path: Path) -> None:
    """Two read the same file and add to it: one is there, the other is told to look again."""
    path = tmp_path / "case.jsonl"
    before = started(entry(opening()))
    start(path, before)
    one, two = (
        before.with_entry(entry(account("A1", "north"))),
        before.with_entry(entry(account("A1", "south"))),
    )
    extend(path, before, one)
    with pytest.raises(Refused, match="somebody else has written"):
        extend(path, before, two)
    assert load(path) == one


def test_a_writer_waits_for_another_and_sees_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was replaced while one waited for its lock is opened anew."""
    path = tmp_path / "case.jsonl"
    before = started(entry(opening()))
    start(path, before)
    after = before.with_entry(entry(account()))
    real = fcntl.flock
    waited: list[int] = []

    def slow(file: Any, how: int) -> None:
        if not waited:
            waited.append(1)
            with replacing(path) as stream:
                stream.write(after.data)
        real(file, how)

    monkeypatch.setattr("fcntl.flock", slow)
    with pytest.raises(Refused, match="somebody else"):
        extend(path, before, before.with_entry(entry(account("A1", "south"))))
    assert load(path) == after


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, whatever fails on the way."""
    path = tmp_path / "case.jsonl"
    before = started(entry(opening()))
    start(path, before)

    def full_disk(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(InputError, match="cannot be written"):
        extend(path, before, before.with_entry(entry(account())))
    monkeypatch.undo()
    assert load(path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["case.jsonl"]


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its size, which the file system knows."""
    path = tmp_path / "case.jsonl"
    start(path, started(entry(opening())))
    monkeypatch.setattr(incident_file, "SIZE_MAX", 5)
    with pytest.raises(InputError, match="too long"):
        load(path)


def test_members_are_typed_as_a_person_types_them() -> None:
    """Lists with commas, parties with their names, numbers in digits, true and false."""
    members = {name: member for _, own in KINDS.values() for name, member in own.items()}
    assert members["claims"].typed("C1, C2,") == ["C1", "C2"]
    assert members["parties"].typed("north:The north,south") == {"north": "The north", "south": ""}
    assert members["quote_start"].typed("5") == 5
    assert members["working"].typed("true") is True
    assert members["working"].typed("yes") == "yes"
    with pytest.raises(InputError, match="not a whole number"):
        members["quote_start"].typed("five")


def test_the_first_line_alone_opens(tmp_path: Path) -> None:
    """A file that begins with something else is refused; an entry is no opening."""
    with pytest.raises(InputError, match="not opened yet"):
        started(Entry(NOON_US, "office", "investigator", account()))
    objects = lines(full())[1:]
    objects[0]["format"] = "skypact incident 1"
    path = tmp_path / "case.jsonl"
    path.write_bytes(rechained(objects))
    with pytest.raises(InputError, match="not opened yet"):
        load(path)


@settings(max_examples=200)
@given(st.data())
def test_whatever_a_line_says_it_is_read_or_refused(data: st.DataObject) -> None:
    """Any JSON in the place of any member: an error that a person can mend, or an incident."""
    objects = lines(full())
    row = data.draw(st.integers(0, len(objects) - 1))
    name = data.draw(st.sampled_from(sorted(objects[row])))
    simple = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    objects[row][name] = data.draw(
        simple | st.lists(simple, max_size=2) | st.dictionaries(st.text(max_size=3), simple)
    )
    try:
        said = f"x.jsonl:{len(read_incident(rechained(objects), 'x.jsonl').digests)}"
    except InputError as error:
        said = str(error)
    assert said.startswith("x.jsonl:")


def test_an_entry_that_a_person_writes_has_the_next_id_and_is_received_now() -> None:
    """What is said stands; a kind that there is not is refused with those that there are."""
    kept = started(entry(opening()))
    said = {"party": "north", "speaker": "x", "standing": "press", "said": "2017-06-08Z", "source": "s"}
    made = incident_file.written(kept.case, "account", said | {"language": "en"}, NOON_US, "north", "clerk")
    assert isinstance(made.what, Account)
    assert (made.what.id, made.what.received_us, made.post) == ("A1", NOON_US, "clerk")
    again = incident_file.kept_of(kept.with_entry(made).lines, "f")
    assert again.data == kept.with_entry(made).data
    with pytest.raises(InputError, match="no kind of entry; found 'story'; expected account, claim"):
        incident_file.written(kept.case, "story", {}, NOON_US, "north", "clerk")
