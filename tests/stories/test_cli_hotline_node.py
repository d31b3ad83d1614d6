"""The hotline from the terminal, with two nodes that run under one pact and bring each other what is said."""

from __future__ import annotations

import json
import re
import shlex
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pact_keys import KEYS, SECRETS
from server.running import Node, node
from skypact import cli
from skypact.cli.hotline_board import OWED, STEPS, urgency
from skypact.cli.saying import MORE, VERBS, Said, points
from skypact.exchange.hotline.messages import Intent, Kind, Scope
from skypact.exchange.hotline.table import TABLE, Timer
from skypact.instants import SECOND_US, format_instant, parse_instant
from skypact.pact.terms import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAW: Final = "Acknowledged is not agreed, not permission, not a guarantee.\nNot listed is not unprotected."
ROOT: Final = Path(__file__).resolve().parents[2]
START, END = "2126-06-03T06:00:00Z", "2126-06-03T10:00:00Z"
PARTIES: Final = {"north": ("a", "en", "kim"), "south": ("b", "ru", "lee")}
"""Each party's key, language, and duty officer."""
_PARTY = """
[[party]]
id = "{name}"
languages = ["{language}"]
[[party.key]]
public = "{key}"
[[party.contact]]
role = "watch of {name}"
hours = "24/7"
reach = ["phone +000 0001"]
"""
_PACT = """
[pact]
id = "line"
version = 1
data_mode = "exercise"
{parties}
[timers]
urgent_query = "1 s"
phone = "1 min"

[acknowledgement]
movement = 4
"""
_NODE = """
[node]
party = "{name}"
listen = "127.0.0.1:{port}"
data_mode = "exercise"
[auth]
audience = ["127.0.0.1"]
[network]
allow_private = ["127.0.0.0/8"]
[dss]
plain_http = true
[pact]
files = ["pact.toml"]
peers = ["{other} http://127.0.0.1:{other_port}"]
call_command = {command}
"""
_RING = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read() + b'\\n')"


class Desk:
    """The terminal beside one party's node; all that it prints."""

    def __init__(self, party: str, made: Node, folder: Path) -> None:
        self.party, self.node, self.folder = party, made, folder
        self.who = PARTIES[party][2]
        self.capsys: pytest.CaptureFixture[str] | None = None

    def run(self, *words: str, status: int = 0, who: str | None = None) -> str:
        """What a command prints, or complains of, that is to end with a status."""
        assert self.capsys is not None
        self.capsys.readouterr()
        name = self.who if who is None else who
        ended = cli.main(
            [*words, "--config", str(self.folder / "skypact.toml"), *(["--as", name] if name else [])]
        )
        out, err = self.capsys.readouterr()
        assert ended == status, (ended, out, err)
        narrow = "--json" not in words and "token" not in words
        assert not narrow or all(len(line) <= 80 for line in out.splitlines()), out
        return out or err

    def json(self, *words: str, **more: Any) -> Any:
        """The same, of what prints JSON."""
        return json.loads(self.run(*words, "--json", **more))

    def say(self, kind: str, **more: Any) -> str:
        """Something said over the API; its id."""
        token = self.run("account", "token", self.who, who="").strip()
        body = {"kind": kind, **more}
        status, thread, _ = self.node.ask(
            "POST", "/api/v1/hotline/messages", body, authorization=f"Bearer {token}"
        )
        assert status == 201, thread
        return str(thread["said"])

    def here(self, ident: str) -> None:
        """Wait until a message is here."""
        until(lambda: cli.main(self.asking(ident)) == 0)

    def asking(self, ident: str) -> list[str]:
        """The words that ask for a thread."""
        place = ["--config", str(self.folder / "skypact.toml"), "--as", self.who]
        return ["hotline", "thread", ident, *place]


def until(what: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Desk]]:
    """Two nodes, each with its key of the pact, that know each other's address."""
    ports = {name: free() for name in PARTIES}
    keys = dict(zip("ab", KEYS, strict=False))
    parties = "".join(
        _PARTY.format(name=name, language=language, key=keys[letter].text)
        for name, (letter, language, _) in PARTIES.items()
    )
    with ExitStack() as stack:
        desks = {}
        for name, (letter, _, _) in PARTIES.items():
            folder = tmp_path_factory.mktemp(name)
            (other,) = set(PARTIES) - {name}
            ring = [sys.executable, "-c", _RING, str(folder / "rung")]
            (folder / "pact.toml").write_text(_PACT.format(parties=parties))
            (folder / "key.pem").write_bytes(SECRETS[letter].pem())
            (folder / "key.pem").chmod(0o600)
            (folder / "skypact.toml").write_text(
                _NODE.format(
                    name=name,
                    port=ports[name],
                    other=other,
                    other_port=ports[other],
                    command=json.dumps(ring),
                )
            )
            made = stack.enter_context(node("--config", folder / "skypact.toml"))
            desks[name] = Desk(name, made, folder)
        for name, desk in desks.items():
            desk.node.await_listening()
            place = ["--config", str(desk.folder / "skypact.toml")]
            assert cli.main(["account", "add", PARTIES[name][2], "--role", "duty-officer", *place]) == 0
        yield desks


@pytest.fixture
def north(nodes: dict[str, Desk], capsys: pytest.CaptureFixture[str]) -> Desk:
    """The north's terminal."""
    nodes["north"].capsys = nodes["south"].capsys = capsys
    return nodes["north"]


@pytest.fixture
def south(nodes: dict[str, Desk], north: Desk) -> Desk:
    """The south's terminal."""
    assert north.party == "north"
    return nodes["south"]


def notice(ref: str, **more: Any) -> dict[str, Any]:
    """The body of a notice."""
    points = [{"lat": "33.5061", "lng": "38.6178"}]
    return {
        "filing": "movement",
        "ref": ref,
        "version": 1,
        "points": points,
        "start": START,
        "end": END,
    } | more


TIMES: Final = ("--from", START, "--until", END)


def test_a_notice_from_delivered_to_the_executing_unit(north: Desk, south: Desk) -> None:
    """Read back wrong it is refused with the distance; right it is level 3, then 4, then 5, and no sooner."""
    ident = north.say("NOTIFY", to="south", body=notice("north/1"))
    south.here(ident)
    short = ident[:8]
    board = south.run("hotline", "threads", "--language", "en")
    assert f"{short}  " in board
    assert "The pact asks for: 4 passed" in board
    assert f"    skypact ack {short} --level 2" in board
    said = south.run("ack", short, "--level", "2")
    assert "Level 2: opened by a person." in said
    assert said.endswith(f"{LAW}\n")
    assert f"skypact readback {short}" in south.run("hotline", "threads", "--language", "en")
    wrong = south.run("readback", short, "--point", "33.5872 38.6178", *TIMES, status=1)
    assert "position 1: 8,995.1 m, start +0 s, end +0 s" in wrong
    assert "at most 100 m and 60 s" in wrong
    swapped = south.run("readback", short, "--point", "38.6178 33.5061", *TIMES, status=1)
    assert "latitude and longitude exchanged?" in swapped
    unproven = south.run("ack", short, "--level", "4", "--to-whom", "sector west", status=1)
    assert "level 4 without the proof of level 3" in unproven
    right = south.run("readback", short, "--point", "33°30'21.96\"N 38°37'04.08\"E", *TIMES)
    assert "Position 1: 33.5061° north, 38.6178° east" in right
    assert f"NOTICE {short}: Level reached: 3 read back correctly." in right
    assert "Level reached: 4" in south.run("ack", short, "--level", "4", "--to-whom", "sector west")
    last = south.json("ack", short, "--level", "5", "--to-whom", "battery 2")
    assert (last["level"], last["required"], last["messages"][0]["level"]) == (5, 4, 5)
    north.here(last["said"])
    whole = north.run("hotline", "thread", ident)
    assert "Difference from what was said: position 1: 0.0 m" in whole
    assert "Level reached: 5 the executing unit confirms that it has it." in whole
    assert "UNSIGNED DRAFT" in whole
    assert "EXERCISE. Not real." in whole


def test_what_was_amended_is_not_acknowledged_unseen(north: Desk, south: Desk) -> None:
    """Who acknowledges a version that no longer holds is told which one does."""
    first = north.say("NOTIFY", to="south", body=notice("north/2"))
    second = north.say("AMEND", re=first, body=notice("north/2", version=2, end="2126-06-03T12:00:00Z"))
    south.here(second)
    said = south.run("ack", first[:8], "--level", "2")
    assert f"It was changed since: {second[:8]} holds now." in said
    assert f"{second[:8]}  " in south.run("hotline", "threads", "--language", "en")
    reply = ("reply", second[:8], "--scope", "not mine", "--intent", "cannot avoid", "--not-for", "militia")
    assert "Intent: CANNOT avoid." in south.run(*reply)
    replied = south.json(*reply, "Чужое.", "--language", "ru")["messages"][-1]["message"]
    assert replied["body"] == {"scope": "not mine", "intent": "cannot avoid", "not_for": ["militia"]}
    assert replied["text"] == {"language": "ru", "words": "Чужое."}


def test_a_stop_is_above_everything_until_it_is_cancelled(north: Desk, south: Desk) -> None:
    """It stands first, with its place, its receipt and what is owed; a first report meets what is owed."""
    stop = north.json("stop", "south", "Cease fire.", "--at", "33.5061", "38.6178", "--incident")
    north.json("stop", "--all", "Mines.", "--hazard", "--about", stop["said"][:8])
    ident = stop["said"]
    south.here(ident)
    board = south.run("hotline", "threads", "--language", "en")
    first = board.split("\n\n")[1]
    assert first.startswith(f"{ident[:8]}  ")
    assert "Position 1: 33.5061° north, 38.6178° east" in first
    assert f"skypact hotline report {ident[:8]} WORDS" in first
    assert f"skypact ack {ident[:8]} --level 2" in first
    opened = south.json("ack", ident[:8], "--level", "2")
    assert [(out["kind"], out["level"]) for out in (opened,)] == [("STOP", 2)]
    reported = south.json("hotline", "report", ident[:8], "One lorry is hit.")
    owed = {due["owed_by"]: "met" in due for due in reported["due"] if due["timer"] == "incident report"}
    assert owed == {"north": False, "south": True}
    hazard = next(t for t in south.json("hotline", "threads") if t["kind"] == "HAZARD")
    assert hazard["messages"][0]["message"]["body"]["about"] == ident
    assert north.json("hotline", "cancel", ident[:8], "All clear.")["phase"] == "ended"
    assert ident not in {thread["id"] for thread in north.json("hotline", "threads")}
    assert ident in {thread["id"] for thread in north.json("hotline", "threads", "--all")}


def test_a_query_that_is_late_has_somebody_called(north: Desk, south: Desk) -> None:
    """It is late after the pact's term, and whose it is is rung; an answer ends that, and may be doubted."""
    assert "Nothing is late." in north.run("hotline", "late")
    ident = north.json("query", "south", "Whose aircraft is it?", "--urgent")["said"]
    until((north.folder / "rung").exists, within_s=30.0)
    rung = json.loads((north.folder / "rung").read_text().splitlines()[0])
    assert (rung["message"], rung["contact"], rung["timer"]) == (ident, "watch of south", "urgent answer")

    def called() -> list[dict[str, Any]]:
        late = north.json("hotline", "late", status=1)
        return [each for thread in late for each in thread.get("calls", ())]

    until(lambda: any(each["outcome"] for each in called()))
    late = north.run("hotline", "late", status=1)
    assert re.search(r"LATE by \d+ s\. Due from south: urgent answer, for QUERY \d+", late)
    assert "watch of south of south, for urgent answer: the" in " ".join(late.split())
    theirs = south.run("hotline", "late", "--language", "en", status=1)
    assert "OURS. LATE by" in theirs
    assert f"skypact answer {ident[:8]} WORDS" in theirs
    answered = south.json("answer", ident[:8], "Not ours.")["said"]
    north.here(answered)
    assert north.json("hotline", "late") == []
    again = north.json("query", "south", "Whose, then?", "--again", answered[:8])
    assert (again["phase"], again["messages"][-1]["message"]["kind"]) == ("asked twice", "SECOND QUERY")
    assert "We ask once more" in north.run("hotline", "thread", ident)


def test_a_zone_is_recognised_by_nobody_but_who_says_so(north: Desk, south: Desk) -> None:
    """A stance is its party's alone; silence is shown in the thread and is none."""
    zone = notice("north/3", filing="zone", radius_m=5000, end=None)
    ident = north.say("ZONE DECLARE", to="south", body=zone)
    south.here(ident)
    assert south.json("zone", "reject", ident[:8], "Not agreed with us.")["stances"] == {
        "south": "ZONE REJECT"
    }
    assert south.json("zone", "reserve", ident[:8], "We look at it.")["stances"] == {"south": "ZONE RESERVE"}
    assert "no stance" in south.run("zone", "like", ident[:8], status=2)
    assert "silent, which is not consent" in south.run("hotline", "thread", ident, "--language", "en")
    allowed = north.json("hotline", "release", ident[:8], "office", "east")
    assert allowed["messages"][-1]["message"]["body"] == {"onward": ["office", "east"]}


def test_a_call_is_what_each_side_wrote_of_it(north: Desk, south: Desk) -> None:
    """Both records are in one thread, and where they differ is said."""
    times = ("--from", "2026-06-01T10:00:00Z", "--until", "2026-06-01T10:05:00Z")
    held = ("--held", "2026-06-01T10:01:00Z", "2026-06-01T10:02:00Z")
    words = ("--spoken", "Hold your fire.", "--translation", "ru", "Прекратить огонь.")
    made = north.json("hotline", "call", "south", *times, *held, *words, "--answered-by", "watch-keeper")
    body = made["messages"][0]["message"]["body"]
    assert (body["caller"], body["called"], len(body["holds"])) == ("north", "south", 1)
    assert body["translation"] == {"language": "ru", "words": "Прекратить огонь."}
    south.here(made["said"])
    theirs = ("hotline", "call", "north", *times, "--by-them", "--answered-by", "watch-keeper")
    south.run(*theirs, "--again", made["said"][:8])
    shown = south.run("hotline", "thread", made["said"], "--language", "en")
    assert "The two records differ: start +0 s, end +0 s, held -60 s" in shown


def test_a_suspended_channel_is_shown_and_carries_what_is_said(north: Desk, south: Desk) -> None:
    """A CHECK-IN goes through it, and only who suspended it opens it again."""
    suspended = north.json("hotline", "suspend", "south", "By order.")["said"]
    south.here(suspended)
    assert "The channel is suspended by north." in south.run("hotline", "threads", "--language", "en")
    assert "Is this line alive" in south.run("checkin", "north")
    assert south.run("hotline", "resume", suspended[:8], status=1).startswith("skypact: not said: ")
    assert north.json("hotline", "resume", suspended[:8])["phase"] == "ended"


def test_lines_say_how_they_are_in_the_readers_language(north: Desk, south: Desk) -> None:
    """Address, numbers and the offset of clocks; Russian for who reads it, and that nobody reviewed it."""
    north.here(south.json("checkin", "north")["said"])
    (line,) = north.json("hotline", "peers")
    assert (line["party"], "fault" in line, "apart" in line) == ("south", False, False)
    assert "said, " in north.run("hotline", "peers")
    assert "не проверены носителем языка" in " ".join(south.run("hotline", "threads").split())
    assert "no words in that language" in south.run("hotline", "threads", "--language", "xx", status=2)


def test_a_forwarded_message_is_passed_on_as_it_came(north: Desk, tmp_path: Path) -> None:
    """Who is no intermediary by the pact may not; whose it is is taken from the envelope."""
    envelope = north.json("hotline", "thread", north.json("checkin", "south")["said"])["messages"][0][
        "envelope"
    ]
    (tmp_path / "line.jws").write_text(f"{envelope}\n")
    refused = north.run("hotline", "forward", "south", str(tmp_path / "line.jws"), status=1)
    assert "forward" in refused.lower()


def test_who_may_not_and_what_is_not_there(north: Desk) -> None:
    """The party's own key says nothing; an unknown id, a digit too few and a party of no pact are told."""
    assert "--as NAME says it as one of the party's people" in north.run("checkin", "south", who="", status=1)
    assert "no message here begins like that" in north.run("answer", "0" * 8, "No.", status=1)
    assert "not the id of a message" in north.run("answer", "abc", "No.", status=1)
    assert "not a party of the pact" in north.run("checkin", "west", status=1)
    assert "no node answers" in north.run("checkin", "south", "--url", f"http://127.0.0.1:{free()}", status=2)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["ack", "4f2a91c3"], "'skypact ack' needs --level"),
        (["ack", "4f2a91c3", "--level", "4"], "--to-whom: levels 4 and 5"),
        (["ack", "4f2a91c3", "--level", "2", "--to-whom", "x"], "--to-whom: levels 4 and 5"),
        (["ack", "--level", "3", "4f2a91c3"], "invalid choice: '3'"),
        (["answer", "4f2a91c3"], "'skypact answer' takes ID WORDS; found 1"),
        (["stop", "Halt"], "takes a party and words; or --all and words"),
        (["stop", "south", "Halt", "--all"], "takes a party and words; or --all and words"),
        (["stop", "south", "Halt", "--at", "91", "0"], "latitude"),
        (["zone", "like", "4f2a91c3"], "no stance to a zone; found 'like'"),
        (["hotline", "release", "4f2a91c3"], "takes ID PARTY...; found 1"),
        (["hotline", "threads", "x"], "takes no argument"),
        (["hotline", "threads", "--again", "x"], "--again is not an option of 'skypact hotline threads'"),
        (["hotline", "call", "south"], "'skypact hotline call' needs --from"),
        (["hotline", "show"], "takes FILE...; found 0 files"),
        (["hotline", "show", "x.jws", "--pact", "y", "--as", "kim"], "asks no node"),
        (["readback", "4f2a91c3", "--point", "33.5 38.6", "--from", START], "needs --until"),
    ],
)
def test_what_is_mistyped_is_said_before_a_node_is_asked(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, status 2."""
    assert cli.main(words) == 2
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1


def test_every_kind_that_a_person_says_has_its_verb() -> None:
    """All but what filings and machines say; and what is typed for what is owed is a command of ours."""
    said = {"ACK", "READBACK", "REPLY", "QUERY", "SECOND QUERY", "ANSWER", "STOP", "HAZARD", "CHECK-IN"}
    said |= {"ZONE RECOGNISE", "ZONE REJECT", "ZONE RESERVE", "REPORT", "CANCEL", "CALL RECORD", "SUSPEND"}
    said |= {"RESUME", "RELEASE", "FORWARD"}
    by_others = {Kind.NOTIFY.value, Kind.AMEND.value, Kind.ZONE_DECLARE.value, Kind.RECEIPT.value}
    assert said == {row.kind.value for row in TABLE} - by_others
    assert set(VERBS) <= set(cli.COMMANDS)
    assert set(OWED) == set(Timer) - {Timer.LEVEL}
    assert set(STEPS) == {level.value for level in Level} - {Level.EXECUTING_UNIT.value}
    for typed in (*OWED.values(), *STEPS.values()):
        first, second, *_ = typed.split()
        assert first in VERBS or (first == "hotline" and second in MORE)


def test_choices_are_the_words_of_the_messages() -> None:
    """Scopes, intents and levels as the rules have them, though they are spelt out for speed."""
    of = {action.dest: action.choices for name in ("reply", "ack") for action in Said(name).parser()._actions}
    assert of["reach"] == tuple(each.value for each in Scope)
    assert of["intent"] == tuple(each.value for each in Intent)
    assert of["level"] == ("2", "4", "5")


@pytest.mark.parametrize(
    ("text", "lat", "lng"),
    [
        ("33.5061 38.6178", "33.5061", "38.6178"),
        ("33.50610005, -38.6178", "33.5061", "-38.6178"),
        ("33.50610015, 38.6178", "33.5061002", "38.6178"),
        ("33°30'21.96\"N 38°37'04.08\"W", "33.5061", "-38.6178"),
    ],
)
def test_positions_are_read_as_people_write_them(text: str, lat: str, lng: str) -> None:
    """To the nearest 10⁻⁷ degree, half to even."""
    assert points([text]) == [{"lat": lat, "lng": lng}]


NOW_US = parse_instant("2026-06-01T06:00:00Z")


def thread(kind: str = "NOTIFY", *, level: int = 1, phase: str = "open", **more: Any) -> dict[str, Any]:
    """A thread, as far as its urgency goes."""
    made = {
        "id": "1",
        "kind": kind,
        "level": level,
        "phase": phase,
        "due": [],
        "messages": [],
        "current": "1",
    }
    return made | more


def due(owed_by: str, in_s: int, **more: str) -> dict[str, Any]:
    """Something owed."""
    at = format_instant(NOW_US + in_s * SECOND_US)
    return {"owed_by": owed_by, "due": at, "late": in_s < 0, "timer": "answer"} | more


def message(**more: Any) -> dict[str, Any]:
    """A message, as far as it matters."""
    return {"id": "1", "state": "taken", "way": "in", "message": {"body": {}}} | more


def test_urgency_in_its_order() -> None:
    """Each thing is above the next; within one, what has been late longer."""
    ends = {"filing": "movement", "end": "2026-06-01T07:00:00Z"}
    ordered = [
        thread("STOP"),
        thread(due=[due("us", -60)]),
        thread(due=[due("us", -30), due("them", -90, met="x")]),
        thread(due=[due("them", -90)]),
        thread("HAZARD", level=2),
        thread(messages=[message(state="refused")]),
        thread(messages=[message(state="waiting")]),
        thread(due=[due("us", 60)]),
        thread("SUSPEND"),
        thread(messages=[message(message={"body": ends})]),
        thread(messages=[message(message={"body": {"filing": "zone", "end": None}})]),
        thread("SUSPEND", phase="ended"),
        thread("STOP", phase="ended"),
        thread(messages=[message(message={"body": ends | {"end": "2026-06-01T05:00:00Z"}})]),
        thread(messages=[message(way="out", state="waiting")]),
    ]
    ranks = [urgency(each, "us", NOW_US)[:2] for each in ordered]
    assert [rank for rank, _ in ranks] == [0, 1, 1, 2, 3, 4, 4, 5, 6, 6, 6, 7, 7, 7, 7]
    assert ranks == sorted(ranks)


def test_the_commands_of_the_document_are_commands() -> None:
    """Each line that ``docs/hotline.md`` shows between two nodes is parsed, with nothing unknown in it."""
    text = (ROOT / "docs" / "hotline.md").read_text(encoding="utf-8").split("## Between two nodes\n", 1)[1]
    lines = [line for line in text.split("```sh\n", 1)[1].split("```", 1)[0].splitlines() if line]
    assert len(lines) >= 8
    for line in lines:
        _, name, *words = shlex.split(line, comments=True)
        given = cli.command(name).parser().parse_intermixed_args(words)
        assert given.account in {None, "kim", "lee"}
