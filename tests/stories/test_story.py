"""The stories of ``examples/stories``, told to their ends by real processes: levels, refusals, proofs."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from telling import MARK, Ended, fresh

from shell import environment, skypact
from skypact.formats.hotline_jws import read_envelope

STORIES = Path(__file__).resolve().parent.parent.parent / "examples" / "stories"
TOLD_S = 400
"""Long enough for a busy machine; a quiet one needs less than a minute for both."""


@dataclass(frozen=True)
class Told:
    """A story that was told: its folder, how it ended, and what it printed, spaces made one."""

    folder: Path
    status: int
    text: str


def begun(name: str, folder: Path) -> subprocess.Popen[bytes]:
    """A story that begins; what it prints goes beside its folder."""
    with folder.with_suffix(".txt").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, str(STORIES / f"{name}.py"), "--out", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment(),
        )


def printed(folder: Path) -> str:
    """What a story has printed up to now."""
    return " ".join(folder.with_suffix(".txt").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Both stories, told at once."""
    folders = {name: tmp_path_factory.mktemp("stories") / name for name in ("al_tanf", "relief")}
    running = {name: begun(name, folder) for name, folder in folders.items()}
    try:
        for process in running.values():
            process.wait(TOLD_S)
    finally:
        for process in running.values():
            process.terminate()
            process.wait(60)
    return {name: Told(at, running[name].returncode, printed(at)) for name, at in folders.items()}


@pytest.fixture
def al_tanf(both: dict[str, Told]) -> Told:
    """The first one."""
    return both["al_tanf"]


@pytest.fixture
def relief(both: dict[str, Told]) -> Told:
    """The second one."""
    return both["relief"]


def messages(told: Told, party: str) -> list[dict[str, Any]]:
    """What a party's exported ledger has of the hotline, in its order, as it was signed."""
    found = []
    for line in (told.folder / party / "private.jsonl").read_text(encoding="utf-8").splitlines():
        leaf = json.loads(line)
        if leaf.get("kind") in {"hotline.sent", "hotline.received"}:
            found.append(json.loads(read_envelope(b64decode(leaf["content"]).decode("ascii")).payload))
    return found


def listens(told: Told) -> bool:
    """Whether anybody listens where one of its nodes did."""
    ports = [
        re.findall(r'^listen = ".*:(\d+)"', path.read_text(encoding="utf-8"), re.MULTILINE)[0]
        for path in told.folder.glob("*/skypact-data/skypact.toml")
    ]
    with_answer = []
    for port in ports:
        with socket.socket() as probe:
            with_answer.append(probe.connect_ex(("127.0.0.1", int(port))) == 0)
    return any(with_answer)


def test_both_stories_come_to_their_ends_and_leave_no_process(both: dict[str, Told]) -> None:
    """Each ends with status 0, its last line names a file that is there, and nobody listens any more."""
    for told in both.values():
        assert told.status == 0, told.text[-3000:]
        assert not listens(told)
    assert (both["al_tanf"].folder / "report.html").stat().st_size > 10_000
    assert (both["relief"].folder / "south" / "forward.tlog-proof").is_file()


def test_al_tanf_a_read_back_nine_kilometres_off_is_refused_and_never_said(al_tanf: Told) -> None:
    """The distance is told, no ledger has the wrong one, and the right one proves level 3."""
    assert re.search(r"not said: READBACK .* position 2: 9,\d{3}\.\d m.*expected at most 100 m", al_tanf.text)
    for party in ("coalition", "russia"):
        (heard,) = [said for said in messages(al_tanf, party) if said["kind"] == "READBACK"]
        assert heard["body"]["points"][1]["lng"] == "38.18599"
    assert "Level reached: 3 read back correctly." in al_tanf.text


def test_al_tanf_level_5_is_asked_for_and_never_reached(al_tanf: Told) -> None:
    """Passed down and not confirmed: the timer of the level expires, and each node has one call made."""
    levels = [s["body"]["level"] for s in messages(al_tanf, "russia") if s["kind"] == "ACK"]
    assert levels == [4]
    assert "Level reached: 4 passed down. The pact asks for: 5 the executing unit confirms" in al_tanf.text
    assert re.search(r"LATE by .* Due from coalition: the level", al_tanf.text)
    for party in ("coalition", "russia"):
        calls = (al_tanf.folder / party / "calls.txt").read_text(encoding="utf-8").splitlines()
        assert calls == ["call watch-keeper of coalition, phone +000 0001: NOTIFY, timer level"]


def test_al_tanf_the_zone_is_declared_entered_and_not_recognised(al_tanf: Told) -> None:
    """Both ledgers have the declaration and the rejection, and the check finds the entry."""
    for party in ("coalition", "russia"):
        kinds = [said["kind"] for said in messages(al_tanf, party)]
        assert kinds.index("ZONE DECLARE") < kinds.index("ZONE REJECT") < kinds.index("STOP")
    assert "1 conflict found: 1 zone entry." in al_tanf.text


def test_al_tanf_a_stop_is_receipted_and_the_reply_has_its_scope(al_tanf: Told) -> None:
    """The STOP has a machine's receipt, and the reply says for whom it does not answer."""
    said = messages(al_tanf, "coalition")
    place = next(k for k, each in enumerate(said) if each["kind"] == "STOP")
    assert [each["kind"] for each in said[place : place + 2]] == ["STOP", "RECEIPT"]
    (reply,) = [each for each in said if each["kind"] == "REPLY"]
    assert reply["body"]["scope"] == "not answering for"
    assert reply["body"]["not_for"] == ["forces around Damascus"]


def test_al_tanf_both_ledgers_are_proven_offline_with_the_others_cosignature(al_tanf: Told) -> None:
    """Each export and the receipt of the STOP verify with public keys alone, and with no others."""
    assert al_tanf.text.count("Proven: all ") == 2
    assert re.search(r"Proven: this is leaf \d+ of the log\. kind hotline\.received", al_tanf.text)
    assert al_tanf.text.count(": recorded no later") >= 2
    theirs = skypact("record", "key", cwd=al_tanf.folder / "russia").out.strip()
    wrong = skypact("record", "verify", al_tanf.folder / "coalition" / "public", "--key", theirs)
    assert wrong.status == 1


def test_al_tanf_claims_are_held_against_both_ledgers(al_tanf: Told) -> None:
    """Each side has a claim that both records contradict and one that both support: nobody wins."""
    board = al_tanf.folder / "board"
    records = ("--record", "coalition.json", "--record", "russia.json", "--pact", "../pact.toml")
    shown = skypact("incident", "show", "../russia/column.jsonl", *records, cwd=board)
    assert shown.status == 1
    answers: dict[str, set[str]] = {}
    claim = ""
    for line in shown.out.splitlines():
        if found := re.match(r" +\w+: (C\d+) ", line):
            claim = found[1]
        elif found := re.match(r" +record of \w+: ([a-z ]+);", line):
            answers.setdefault(claim, set()).add(found[1])
    assert {claim: answers[claim] for claim in ("C1", "C2", "C3", "C5", "C6", "C7", "C8")} == {
        "C1": {"supported"},
        "C2": {"contradicted"},
        "C3": {"supported"},
        "C5": {"contradicted"},
        "C6": {"supported"},
        "C7": {"contradicted"},
        "C8": {"supported"},
    }
    assert re.search(r"delivered [\d.]+ s before, opened [\d.]+ s before; offset of clocks", shown.out)


def test_relief_what_another_signed_is_forwarded_unopened(relief: Told) -> None:
    """The side sees on whose behalf, who carried it, and that no key of the pact vouches for it."""
    assert relief.text.count("On behalf of: charity.") >= 2
    assert "The keys of charity are not in this pact: its signature was not verified." in relief.text
    proof = (relief.folder / "south" / "forward.tlog-proof").read_text(encoding="utf-8")
    assert proof.startswith("c2sp.org/tlog-proof@v1")


def test_relief_a_list_with_a_fault_is_not_taken_and_then_whole(relief: Told) -> None:
    """The fault has its line and column; afterwards both sides have all three sites, from the office."""
    assert "list, line 4, position: not a position" in relief.text
    assert "nothing of the list was filed" in relief.text
    for party in ("north", "south"):
        listed = relief.text.split(f"{party}$ skypact notify list --as watch")[1]
        assert all(f"office/{serial} site filed" in listed for serial in (1, 2, 3))


def test_relief_the_levels_of_the_two_sides_differ(relief: Told) -> None:
    """One read back, which is level 3; the other opened, which is 2; and two cosign what was received."""
    assert "Level reached: 3 read back correctly." in relief.text
    assert "Level reached: 2 opened by a person." in relief.text
    assert relief.text.count(": recorded no later") == 2


def test_an_interrupted_story_stops_its_nodes(tmp_path: Path) -> None:
    """Ctrl-C while both nodes run: status 130, and nobody listens any more."""
    process = begun("al_tanf", tmp_path / "story")
    until = time.monotonic() + TOLD_S
    while "russia: Skypact" not in printed(tmp_path / "story") and time.monotonic() < until:
        time.sleep(0.1)
    assert listens(Told(tmp_path / "story", 0, ""))
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "the nodes were stopped" in printed(tmp_path / "story")
    assert not listens(Told(tmp_path / "story", 0, ""))


def test_a_folder_that_no_story_made_is_not_touched(tmp_path: Path) -> None:
    """A story makes its folder anew where a story made it, and refuses any other."""
    mine = fresh(tmp_path / "mine")
    (mine / "old").write_text("old")
    assert [path.name for path in fresh(mine).iterdir()] == [MARK]
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").write_text("kept")
    with pytest.raises(Ended, match="no story has made it"):
        fresh(other)
    assert (other / "kept").read_text() == "kept"
