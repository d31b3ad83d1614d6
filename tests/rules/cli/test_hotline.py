"""``skypact hotline``: messages signed, shown and read back, from files alone."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pact_keys import KEYS, SECRETS
from skypact import cli
from skypact.formats.hotline_json import decode
from skypact.formats.hotline_jws import read_envelopes, signed

NAMES = ("north", "south", "office")
NOTICE: dict[str, Any] = {
    "kind": "NOTIFY",
    "to": "south",
    "serial": 1,
    "post": "watch-keeper",
    "text": {"language": "en", "words": "Eleven lorries."},
    "body": {
        "filing": "movement",
        "ref": "convoy-7",
        "version": 1,
        "points": [{"lat": "33.5061", "lng": "38.6178"}],
        "start": "2026-06-03T06:00:00Z",
        "end": "2026-06-03T10:00:00Z",
    },
}
READBACK: dict[str, Any] = {
    "kind": "READBACK",
    "serial": 1,
    "post": "watch-keeper",
    "body": {name: NOTICE["body"][name] for name in ("points", "start", "end")},
}
PACT = """
[pact]
id = "hotline"
data_mode = "exercise"
{parties}
[acknowledgement]
movement = 3

[[intermediary]]
party = "office"
on_behalf_of = ["any"]
to = ["north", "south"]
"""
PARTY = """
[[party]]
id = "{name}"
languages = ["{language}"]
[[party.key]]
public = "{key}"
[[party.contact]]
role = "{role}"
hours = "24/7"
reach = ["phone +000 00{number}"]
"""


@dataclass(frozen=True)
class Desk:
    """A folder with a pact and keys, and what the command says there."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str | Path, status: int = 0) -> tuple[str, str]:
        """Run ``skypact hotline``; its two streams."""
        assert cli.main(["hotline", *map(str, words)]) == status
        out, err = self.capsys.readouterr()
        return out, err

    def sign(
        self, name: str, by: str, what: dict[str, Any], at: str, *more: str | Path, status: int = 0
    ) -> Path:
        """Sign a message as a party, at a time of the first of June 2026."""
        draft, out = self.folder / f"{name}.json", self.folder / f"{name}.jws"
        draft.write_text(json.dumps(what), encoding="utf-8")
        words = ("--key", self.folder / f"{by}.pem", "--pact", self.pact, "--out", out)
        self.run("sign", draft, *words, "--now", f"2026-06-01T{at}Z", *more, status=status)
        return out

    @property
    def pact(self) -> Path:
        """The pact."""
        return self.folder / "pact.toml"

    def show(self, *files: Path, at: str = "05:10:00", status: int = 0, more: tuple[str, ...] = ()) -> str:
        """Show files, at a time of the first of June 2026."""
        return self.run(
            "show", *files, "--pact", self.pact, "--now", f"2026-06-01T{at}Z", *more, status=status
        )[0]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """The desk of three parties."""
    parties = ""
    for number, (name, letter) in enumerate(zip(NAMES, "abc", strict=True)):
        key = tmp_path / f"{name}.pem"
        key.write_bytes(SECRETS[letter].pem())
        key.chmod(0o600)
        parties += PARTY.format(
            name=name,
            key=KEYS[number].text,
            role=f"{name} duty",
            number=number,
            language="ru" if name == "south" else "en",
        )
    (tmp_path / "pact.toml").write_text(PACT.format(parties=parties), encoding="utf-8")
    return Desk(tmp_path, capsys)


def test_a_notice_is_signed_shown_read_back_and_shown_again(desk: Desk) -> None:
    """From level 0 with three timers running to level 3, each time with the law under it."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    shown = desk.show(notice)
    assert "UNSIGNED DRAFT" in shown
    assert "Level reached: 0 sent. The pact asks for: 3 read back correctly" in shown
    assert "Due from south, by Monday 2026-06-01 05:15:00Z: receipt, for NOTICE 1" in shown
    assert shown.splitlines()[0] == "EXERCISE. Not real."
    assert "not permission" in shown.splitlines()[-1]
    back = desk.sign("back", "south", READBACK, "05:05:00", "--answers", notice)
    both = desk.show(back, notice)
    assert "Level reached: 3 read back correctly." in both
    assert "Difference from what was said: position 1: 0.0 m; start +0 s, end +0 s" in both
    assert "for NOTICE 1" not in both


def test_what_is_late_is_said_with_whom_to_call(desk: Desk) -> None:
    """After 90 minutes the other side's contact is named; the status is 1."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    late = desk.show(notice, at="06:31:00", status=1)
    assert "LATE by 1 min. Due from south: receipt, else the telephone, for NOTICE 1" in late
    assert "Call now: south duty, phone +000 001" in late
    answered = desk.sign("back", "south", READBACK, "07:00:00", "--answers", notice)
    assert "Done 30 min late, by south" in desk.show(notice, answered, at="07:01:00")


def test_russian_says_the_same_and_that_nobody_reviewed_it(desk: Desk) -> None:
    """The words change, the digits do not, and a person's words stay untranslated."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    shown = desk.show(notice, more=("--language", "ru"))
    assert "33.5061° северной широты, 38.6178° восточной долготы" in shown
    assert "без перевода: «Eleven lorries.»" in shown
    assert "не проверены носителем языка" in shown.splitlines()[-1]


def test_a_party_reads_it_in_its_language(desk: Desk) -> None:
    """The pact says what south reads; a party that it has not, or both options, is bad usage."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    assert desk.show(notice, more=("--party", "south")).startswith("УЧЕНИЕ")
    assert desk.run("script", notice, "--pact", desk.pact, "--party", "north")[0].startswith("EXERCISE")
    for words in (["--party", "east", "--pact", desk.pact], ["--party", "south"]):
        assert "and that party in it" in desk.run("script", notice, *words, status=2)[1]
    both = ("--pact", desk.pact, "--party", "south", "--language", "ru")
    assert "not both" in desk.run("show", notice, *both, status=2)[1]


def test_a_wrong_read_back_is_not_signed(desk: Desk) -> None:
    """Nine kilometres off: the distance and what is allowed are said, and nothing is written."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    points = [{"lat": "33.5872", "lng": "38.6178"}]
    wrong = READBACK | {"body": READBACK["body"] | {"points": points}}
    draft = desk.folder / "wrong.json"
    draft.write_text(json.dumps(wrong), encoding="utf-8")
    words = ("--key", desk.folder / "south.pem", "--pact", desk.pact, "--answers", notice)
    out, err = desk.run("sign", draft, *words, status=2)
    assert out == ""
    assert "position 1: 8,995.1 m" in err
    assert "at most 100 m and 60 s" in err


def test_a_draft_that_says_all_is_signed_byte_for_byte(desk: Desk) -> None:
    """Nothing that is there is written anew, spaces and all."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    whole = json.loads(desk.show(notice, more=("--format", "json")))["threads"][0]["messages"][0]["signed"]
    text = json.dumps(whole, indent=3)
    draft = desk.folder / "whole.json"
    draft.write_text(text, encoding="utf-8")
    out, err = desk.run("sign", draft, "--key", desk.folder / "north.pem", "--pact", desk.pact)
    middle = out.split(".")[1]
    assert base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)) == text.encode()
    assert hashlib.sha256(text.encode()).hexdigest() in err


def test_as_json_it_says_what_the_table_says(desk: Desk) -> None:
    """Level, timers, whom to call, the difference of a read-back, and what was signed."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    back = desk.sign("back", "south", READBACK, "05:05:00", "--answers", notice)
    said = json.loads(desk.show(notice, back, at="08:00:00", status=1, more=("--format", "json")))
    (thread,) = said["threads"]
    assert (thread["level"], thread["level_required"], thread["lead"]["short"]) == (3, 3, False)
    assert thread["messages"][1]["difference"] == {"points_m": [0.0], "start_s": 0.0, "end_s": 0.0}
    assert thread["messages"][0]["signed"]["body"] == NOTICE["body"]
    late = [due for due in thread["due"] if due["late"] and due["met"] is None]
    assert {due["owed_by"] for due in late} == {"north"}
    assert any(call["role"] == "north duty" for due in late for call in due["call"])
    assert said["notes"][0].startswith("Acknowledged is not agreed")
    assert (said["refused"], said["waiting"], said["faults"], said["unverified"]) == ([], [], [], [])


def test_an_answer_without_what_it_answers_waits(desk: Desk) -> None:
    """It is shown as waiting; signed without its thread, it says that the rules were not asked."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    back = desk.sign("back", "south", READBACK, "05:05:00", "--answers", notice)
    assert "WAITING, READ-BACK 1 of south" in desk.show(back, status=1)
    receipt = {
        "kind": "RECEIPT",
        "serial": 2,
        "post": "machine",
        "body": {"received_at": "2026-06-01T05:06:00Z"},
    }
    desk.sign("receipt", "north", receipt, "05:06:00", "--answers", back, status=1)


def test_what_was_changed_on_its_way_is_in_no_thread(desk: Desk) -> None:
    """Another signature is named as a fault, with status 2, and the rest is shown."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    stop = {"kind": "STOP", "to": "south", "serial": 2, "post": "watch-keeper", "text": NOTICE["text"]}
    other = desk.sign(
        "stop", "north", stop | {"body": {"points": [], "start": "2026-06-01T05:00:00Z"}}, "05:00:00"
    )
    head, _, last = notice.read_text(encoding="ascii").split(".")
    body = other.read_text(encoding="ascii").split(".")[1]
    forged = desk.folder / "forged.jws"
    forged.write_text(f"{head}.{body}.{last}", encoding="ascii")
    out, err = desk.run(
        "show", notice, forged, "--pact", desk.pact, "--now", "2026-06-01T05:01:00Z", status=2
    )
    assert "the signature does not fit" in err
    assert "STOP" not in out


def test_what_the_rules_refuse_is_shown_as_refused(desk: Desk) -> None:
    """Level 4 without a read-back, signed by other means, is refused with its reason."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    down = {"kind": "ACK", "serial": 1, "post": "watch-keeper", "body": {"level": 4, "to_whom": "sector 4"}}
    desk.sign("down", "south", down, "05:05:00", "--answers", notice, status=2)
    said = read_envelopes(notice.read_bytes(), "notice")[0].message
    whole = down | {
        "sender": "south",
        "to": "north",
        "pact": said.pact,
        "thread": said.id,
        "re": said.id,
        "said_at": "2026-06-01T05:05:00Z",
        "data_mode": "exercise",
    }
    made = desk.folder / "made.jws"
    made.write_text(signed(SECRETS["b"], json.dumps(whole).encode()).text, encoding="ascii")
    shown = desk.show(notice, made, status=1)
    assert "REFUSED, ACKNOWLEDGEMENT 1 of south" in shown
    assert "without the proof of level 3" in shown


@pytest.mark.parametrize(("behalf", "known"), [("north", True), ("charity", False)])
def test_what_was_forwarded_is_shown_with_who_brought_it(desk: Desk, behalf: str, known: bool) -> None:
    """A party's message is verified in its own thread; a stranger's is shown as not verified."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    envelope = notice.read_text(encoding="ascii").strip()
    if not known:
        payload = read_envelopes(notice.read_bytes(), "notice")[0].payload
        envelope = signed(SECRETS["d"], payload.replace(b'"north"', b'"charity"')).text
    forward = {
        "kind": "FORWARD",
        "to": "south",
        "serial": 1,
        "post": "machine",
        "body": {"on_behalf_of": behalf, "envelope": envelope},
    }
    shown = desk.show(desk.sign("forward", "office", forward, "05:05:00"))
    assert f"Brought by office, unopened, on behalf of {behalf}." in shown
    assert ("The keys of charity are not in this pact" in shown) is not known
    assert shown.count("Level reached") == (2 if known else 1)


def test_a_zone_and_a_suspension_show_each_side(desk: Desk) -> None:
    """Silence is said to be no consent; a suspended channel is said to carry still what matters."""
    zone = NOTICE | {
        "kind": "ZONE DECLARE",
        "post": "duty-officer",
        "body": NOTICE["body"] | {"filing": "zone"},
    }
    declared = desk.sign("zone", "north", zone, "05:00:00")
    reject = {"kind": "ZONE REJECT", "serial": 1, "post": "duty-officer"}
    rejected = desk.sign("reject", "south", reject, "05:01:00", "--answers", declared)
    shown = desk.show(declared, rejected)
    assert "north on the zone: silent, which is not consent" in shown
    assert "south on the zone: ZONE NOT RECOGNISED" in shown
    suspend = {"kind": "SUSPEND", "to": "south", "serial": 2, "post": "duty-officer"}
    assert "The channel is suspended by north." in desk.show(
        desk.sign("suspend", "north", suspend, "05:02:00")
    )
    as_json = json.loads(desk.show(declared, rejected, more=("--format", "json")))
    assert as_json["threads"][0]["stances"] == {"north": None, "south": "ZONE REJECT"}


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ({}, ["Both records are of the same call"]),
        (
            {"caller": "south", "called": "north", "answered_by": "watch-keeper"},
            ["who rang whom", "who took"],
        ),
        ({"start": "2026-06-01T04:01:00Z"}, ["start +60 s, end +0 s"]),
        ({"start": "2026-06-01T06:00:00Z", "end": "2026-06-01T06:05:00Z"}, ["may be of two calls"]),
    ],
)
def test_two_records_of_a_call_are_shown_side_by_side(
    desk: Desk, theirs: dict[str, str], found: list[str]
) -> None:
    """That they agree as far as they can be compared, or in what they differ."""
    call = {
        "caller": "north",
        "called": "south",
        "start": "2026-06-01T04:00:00Z",
        "end": "2026-06-01T04:05:00Z",
    }
    record = {"kind": "CALL RECORD", "serial": 1, "post": "watch-keeper"}
    mine = desk.sign("mine", "north", record | {"to": "south", "body": call}, "05:00:00")
    other = desk.sign("other", "south", record | {"body": call | theirs}, "05:01:00", "--answers", mine)
    shown = desk.show(mine, other)
    assert all(sentence in shown for sentence in found)
    pair = json.loads(desk.show(mine, other, more=("--format", "json")))["threads"][0]["call"]
    assert pair["overlap"] is ("two calls" not in found[0])


@pytest.mark.parametrize(
    ("start", "found"),
    [
        ("2026-06-02T06:00:00Z", "NOTICE TOO SHORT: given 1 d 1 h"),
        ("2026-06-01T04:00:00Z", "it had begun 1 h before"),
    ],
)
def test_a_notice_that_is_too_short_says_so(desk: Desk, start: str, found: str) -> None:
    """A movement is notified 48 hours ahead."""
    notice = NOTICE | {"body": NOTICE["body"] | {"start": start}}
    made = desk.sign("notice", "north", notice, "05:00:00")
    status = 1 if start.startswith("2026-06-01") else 0
    assert found in desk.show(made, at="05:01:00", status=status)


def test_numbers_that_are_missing_or_twice_are_said(desk: Desk) -> None:
    """What is not here is named and no fault; one number for two messages gives status 1."""
    third = desk.sign("third", "north", NOTICE | {"serial": 3}, "05:00:00")
    assert "Not here: numbers 1 to 2 of north to south" in desk.show(third)
    other = desk.sign("other", "north", NOTICE | {"serial": 3}, "05:01:00")
    assert "north gave number 3 to south twice" in desk.show(third, other, status=1)
    said = json.loads(desk.show(third, other, status=1, more=("--format", "json")))
    assert said["missing"] == [{"sender": "north", "to": "south", "first": 1, "last": 2}]
    assert len(said["twins"][0]["ids"]) == 2


def test_a_pact_that_is_not_in_force_is_said_to_be(desk: Desk) -> None:
    """Nothing is refused for it, for a stop must not be; it stands above everything."""
    text = desk.pact.read_text(encoding="utf-8")
    desk.pact.write_text(text.replace('mode = "exercise"', 'mode = "exercise"\nuntil = 2026-06-01T05:05:00Z'))
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    assert "NOT IN FORCE" not in desk.show(notice, at="05:04:59")
    assert desk.show(notice, at="05:05:00").splitlines()[3] == "THIS PACT IS NOT IN FORCE AT THIS INSTANT."


def test_nobody_at_his_post_is_said(desk: Desk) -> None:
    """A stop in the night of a side that is manned by day."""
    text = desk.pact.read_text(encoding="utf-8").replace('"24/7"', '"06:00-18:00 Z"')
    desk.pact.write_text(text, encoding="utf-8")
    stop = {"kind": "STOP", "to": "south", "serial": 1, "post": "watch-keeper", "text": NOTICE["text"]}
    body = {"points": [], "start": "2026-06-01T05:00:00Z"}
    made = desk.sign("stop", "north", stop | {"body": body}, "02:00:00")
    assert "Nobody of south is at a post now." in desk.show(made, at="02:02:00", status=1)


def test_the_script_is_printed_verified_or_marked(desk: Desk) -> None:
    """Without a pact it says that nothing was verified; with one it does not."""
    notice = desk.sign("notice", "north", NOTICE, "05:00:00")
    plain, _ = desk.run("script", notice)
    assert plain.startswith("NOT VERIFIED")
    assert "latitude tree tree decimal fife zero six wun degrees north" in plain
    known, _ = desk.run("script", notice, "--pact", desk.pact, "--language", "ru")
    assert known.startswith("УЧЕНИЕ")
    assert "широта три три точка пять ноль шесть один" in known


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["show", "a"], "needs --pact"),
        (["show", "a", "--pact", "p", "--key", "k"], "--key is not an option of 'skypact hotline show'"),
        (["sign", "a", "b", "--pact", "p", "--key", "k"], "takes one MESSAGE.json; found 2 files"),
        (["script", "a", "--format", "json"], "--format is not an option"),
        (["script", "a", "--language", "xx"], "expected en or ru"),
        (["script", "none.jws"], "none.jws"),
    ],
)
def test_what_is_mistyped_is_said(desk: Desk, words: list[str], found: str) -> None:
    """Usage is refused with what would have been right."""
    assert found in desk.run(*words, status=2)[1]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"kind": "GREET"}, "$.kind"),
        ({"serial": 1.5}, "fraction"),
        ({"to": "nobody"}, "not a party"),
        ({"sender": "south"}, "does not give to south"),
        ({"data_mode": "real"}, "another data mode"),
        ({"re": "f" * 64, "thread": "f" * 64}, "--answers FILE"),
    ],
)
def test_a_draft_that_cannot_be_signed_is_refused(desk: Desk, change: dict[str, Any], found: str) -> None:
    """A fault of form names the file and the path; a rule names itself."""
    draft = desk.folder / "draft.json"
    draft.write_text(json.dumps(NOTICE | change), encoding="utf-8")
    words = ("sign", draft, "--key", desk.folder / "north.pem", "--pact", desk.pact)
    out, err = desk.run(*words, status=2)
    assert out == ""
    assert found in err


def test_a_key_of_no_party_signs_nothing(desk: Desk) -> None:
    """It is refused before anything is signed."""
    key = desk.folder / "stray.pem"
    key.write_bytes(SECRETS["d"].pem())
    key.chmod(0o600)
    draft = desk.folder / "draft.json"
    draft.write_text(json.dumps(NOTICE), encoding="utf-8")
    assert "to no party" in desk.run("sign", draft, "--key", key, "--pact", desk.pact, status=2)[1]


def test_the_commands_of_the_document_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line that ``docs/hotline.md`` shows, one after the other, in a folder with its files."""
    text = (Path(__file__).parents[3] / "docs" / "hotline.md").read_text(encoding="utf-8")
    section = text.split("## At the terminal, without a node\n", 1)[1]
    lines = section.split("```sh\n", 1)[1].split("```", 1)[0].splitlines()
    for name, draft in (("notice.json", NOTICE), ("readback.json", READBACK)):
        ahead = json.dumps(draft).replace("2026-06", "2126-06")  # a century ahead: in time by any clock
        (desk.folder / name).write_text(ahead, encoding="utf-8")
    monkeypatch.chdir(desk.folder)
    assert [cli.main(line.split()[1:]) for line in lines] == [0] * 5
    assert "Level reached: 3" in desk.capsys.readouterr().out


def test_the_example_of_the_document_is_a_message() -> None:
    """The JSON that it shows is read, once its digest is whole."""
    text = (Path(__file__).parents[3] / "docs" / "hotline.md").read_text(encoding="utf-8")
    shown = text.split("```json\n", 1)[1].split("```", 1)[0].replace("f2cd…", "7" * 64)
    assert decode(shown.encode()).serial == 1
