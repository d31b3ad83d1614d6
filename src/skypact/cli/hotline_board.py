"""The hotline of the node that runs here, as a tired duty officer wants it at three in the morning.

Law: **most urgent first**: an alarm that no person has opened; what this party owes and is late with; what
others are late with; an alarm that stands; what did not go through; what is due, the soonest first; what
holds. What is quiet is counted, and shown when it is asked for. A line that does not answer, and a clock that
is apart, stand above everything; so does that nothing here is real, or that the pact is a draft.

Lists are made of what the node says. One thread is made of its signed messages, verified here with the keys
of the pact that it is under.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from skypact.cli import FOUND, OK, complain
from skypact.cli.calling import ask
from skypact.cli.output import standard_output
from skypact.cli.saying import SCOPE, SHORT, asked, language_of, law, message_of, show
from skypact.errors import UsageError
from skypact.exchange.hotline.messages import Kind
from skypact.exchange.hotline.table import Phase, Timer
from skypact.instants import FOREVER, SECOND_US, parse_instant
from skypact.pact.terms import Level

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

    from skypact.exchange.hotline.messages import Message
    from skypact.formats.hotline_words import Language

Thread = dict[str, Any]
_ALARMS: Final = frozenset({Kind.STOP.value, Kind.HAZARD.value})
_POINTS: Final = 3
"""So many positions are shown in a list."""
_QUIET: Final = 7
"""The urgency of a thread of which nothing is due."""

_OPENED: Final = "ack {id} --level 2"
OWED: Final[Mapping[Timer, str]] = {
    Timer.RECEIPT: _OPENED,
    Timer.PHONE: _OPENED,
    Timer.STOP_RECEIPT: _OPENED,
    Timer.QUERY: "answer {id} WORDS",
    Timer.URGENT_QUERY: "answer {id} WORDS",
    Timer.INCIDENT_REPORT: "hotline report {id} WORDS",
}
"""What to type for what this party owes."""
_READ_BACK: Final = "readback {id} --point POSITION --from TIME --until TIME"
STEPS: Final = {
    0: _OPENED,
    1: _OPENED,
    2: _READ_BACK,
    3: "ack {id} --level 4 --to-whom TEXT",
    4: "ack {id} --level 5 --to-whom TEXT",
}
"""The same for the level that the pact wants of a notice, by the level that it has."""


def run(given: argparse.Namespace) -> int:
    """Ask the node, and show it."""
    found: int = ACTIONS[given.action](given)
    return found


# -- lists --------------------------------------------------------------------------------------------------


def _threads(given: argparse.Namespace) -> int:
    late_only = given.action == "late"
    pact = asked(given, "/api/v1/pact")
    words = language_of(given, pact)
    peers = asked(given, "/api/v1/hotline/peers")["peers"]
    threads = [each for each in _every(given, every=given.all or late_only) if not late_only or _late(each)]
    now_us = time.time_ns() // 1_000  # the clock enters here
    threads.sort(key=lambda thread: urgency(thread, pact["party"], now_us))
    with standard_output():
        if given.json:
            _json(threads)
        else:
            empty = words.text("line", "on_time" if late_only else "none")
            every = given.all or late_only
            show(list(board(threads, pact, peers, words, now_us, every=every, empty=empty)))
    return FOUND if late_only and threads else OK


def _every(given: argparse.Namespace, *, every: bool) -> list[Thread]:
    """Threads page by page: all of them, or those that are open."""
    found: dict[str, Thread] = {}
    query = {} if every else {"open": "true"}
    while True:
        page = ask(given, "GET", "/api/v1/hotline/threads", scope=SCOPE, query=query)[1]
        found |= {thread["id"]: thread for thread in page["threads"]}
        if "next" not in page:
            return list(found.values())
        query["before"] = page["next"]


def urgency(thread: Thread, party: str, now_us: int) -> tuple[int, int, str]:
    """How soon somebody has to look at a thread: the least first.

    Parameters
    ----------
    party
        Whose node it is.
    """
    owed = [due for due in thread["due"] if "met" not in due]
    late = [due for due in owed if due["late"]]
    alarm = _alarm(thread)
    first_us = min((parse_instant(due["due"]) for due in late or owed), default=FOREVER)
    checks = (
        alarm and thread["level"] < Level.OPENED,
        any(due["owed_by"] == party for due in late),
        bool(late),
        alarm,
        any(_stuck(out) for out in thread["messages"]),
        bool(owed),
        _holds(thread, now_us),
    )
    rank = next((place for place, holds in enumerate(checks) if holds), _QUIET)
    return rank, first_us, thread["id"]


def _alarm(thread: Thread) -> bool:
    """Whether it is an alarm that stands."""
    return thread["kind"] in _ALARMS and thread["phase"] == Phase.OPEN.value


def _late(thread: Thread) -> bool:
    return any(due["late"] and "met" not in due for due in thread["due"])


def _stuck(out: Mapping[str, Any]) -> bool:
    """Whether a message did not get through, or waits here for what it answers."""
    return bool(out["state"] == "refused") or (out["way"] == "in" and out["state"] == "waiting")


def _holds(thread: Thread, now_us: int) -> bool:
    """Whether what a thread is about is not over: a suspension, or a notice that has not ended."""
    if thread["phase"] == Phase.ENDED.value:
        return False
    if thread["kind"] == Kind.SUSPEND.value:
        return True
    current = next((out for out in thread["messages"] if out["id"] == thread["current"]), None)
    body = {} if current is None else current["message"].get("body", {})
    if "filing" not in body:
        return False
    return body.get("end") is None or parse_instant(body["end"]) > now_us


def board(
    threads: list[Thread],
    pact: Mapping[str, Any],
    peers: list[dict[str, Any]],
    words: Language,
    now_us: int,
    *,
    every: bool,
    empty: str,
) -> Iterator[str]:
    """Threads in their order, below how the lines are.

    Parameters
    ----------
    every
        Those of which nothing is due too.
    empty
        What is said where there is no thread.
    """
    yield from head(pact, words, now_us)
    for peer in peers:
        yield from trouble(peer, words)
    party = pact["party"]
    shown = [each for each in threads if every or urgency(each, party, now_us)[0] < _QUIET]
    for thread in shown:
        yield ""
        yield from block(thread, party, words, now_us)
    yield ""
    if not threads:
        yield empty
    if len(shown) < len(threads):
        yield words.text("line", "quiet", count=len(threads) - len(shown))
    yield from law(words)


def head(pact: Mapping[str, Any], words: Language, now_us: int) -> Iterator[str]:
    """What stands above everything: the data mode, a draft's mark, whose node this is, and the instant."""
    from skypact.airspace.labels import DataMode

    mark = f"{pact['mark']}  " if pact.get("mark") else ""
    yield f"{mark}{words.mode(DataMode(pact['data_mode']))}"
    named = words.text("line", "head", party=pact["party"], pact=pact["id"], version=pact["version"])
    yield f"{named}  {words.instant(now_us // SECOND_US * SECOND_US)}"


def block(thread: Thread, party: str, words: Language, now_us: int) -> Iterator[str]:
    """One thread in a few lines; ``party`` is whose node it is."""
    outs = {out["id"]: out for out in thread["messages"]}
    current = message_of(outs[thread["current"]])
    level = words.level(Level(thread["level"]))
    at = words.instant(current.said_us // SECOND_US * SECOND_US)
    heading = words.text("message", "head", at=at, **_names(current, words))
    yield f"{current.id[:SHORT]}  {heading}"
    yield from (f"  {line}" for line in _content(current, words))
    yield from (f"  {line}" for line in _last(thread, words))
    reached = {"level": thread["level"], "level_text": level}
    if thread.get("required") is None:
        yield f"  {words.text('thread', 'reached', **reached)}"
    else:
        asked_for = thread["required"]
        text = words.level(Level(asked_for))
        yield f"  {words.text('thread', 'level', required=asked_for, required_text=text, **reached)}"
    for side, stance in thread.get("stances", {}).items():
        yield f"  {words.text('thread', 'stance', party=side, stance=words.kind(Kind(stance)))}"
    if thread["kind"] == Kind.SUSPEND.value and thread["phase"] == Phase.OPEN.value:
        yield f"  {words.text('thread', 'suspended', party=thread['opener'])}"
    if _alarm(thread) and current.to == party and thread["level"] < Level.OPENED:
        yield f"    skypact {_OPENED.format(id=current.id[:SHORT])}"
    for due in sorted(thread["due"], key=lambda due: due["owed_by"] != party):
        if "met" not in due:
            about = outs[due["message"]]["message"]
            yield from (f"  {line}" for line in _due(due, thread, about, party, words, now_us))
    yield from (f"  {line}" for line in _beside(thread, words))


def _content(message: Message, words: Language) -> Iterator[str]:
    """What a message says, below its heading; of many positions, how many they are."""
    points = getattr(message.body, "points", ())
    lines = list(words.message(message)[1:])
    if len(points) > _POINTS:
        lines[1 : 1 + len(points)] = [words.text("line", "positions", count=len(points))]
    yield from lines


def _last(thread: Thread, words: Language) -> Iterator[str]:
    """What a person said last in a thread, whoever it was, if that is not what holds."""
    spoken = [
        out
        for out in thread["messages"]
        if out["message"]["kind"] != Kind.RECEIPT.value and out["state"] != "refused"
    ]
    if not spoken or spoken[-1]["id"] == thread["current"]:
        return
    last = message_of(spoken[-1])
    at = words.instant(last.said_us // SECOND_US * SECOND_US)
    yield words.text("message", "head", at=at, **_names(last, words))
    if last.text is not None:
        yield f"  {words.words(last.text)}"


def _names(message: Message, words: Language) -> dict[str, object]:
    return {
        "sender": message.sender,
        "to": message.to,
        "serial": message.serial,
        "kind": words.kind(message.kind),
        "post": words.text("posts", message.post.word),
    }


def _due(
    due: Mapping[str, Any], thread: Thread, about: Mapping[str, Any], party: str, words: Language, now_us: int
) -> Iterator[str]:
    """What is owed; of what this party owes, what to type."""
    ident, timer = due["message"], Timer(due["timer"])
    named = {
        "party": due["owed_by"],
        "timer": words.timer(timer),
        "kind": words.kind(Kind(about["kind"])),
        "serial": about["serial"],
    }
    due_us = parse_instant(due["due"])
    if due["late"]:
        line = words.text("thread", "late", by=words.duration(now_us - due_us), **named)
    else:
        line = words.text("thread", "due", at=words.instant(due_us // SECOND_US * SECOND_US), **named)
    if due["owed_by"] != party:
        yield line
        return
    yield words.text("line", "ours", line=line)
    typed = STEPS[min(thread["level"], max(STEPS))] if timer is Timer.LEVEL else OWED[timer]
    yield f"  skypact {typed.format(id=ident[:SHORT])}"


def _beside(thread: Thread, words: Language) -> Iterator[str]:
    """What the node knows of a thread beside its messages: their way, and who was called."""
    for out in thread["messages"]:
        said = out["message"]
        named = {
            "kind": words.kind(Kind(said["kind"])),
            "serial": said["serial"],
            "sender": said["sender"],
            "to": said["to"],
        }
        if out["state"] == "refused":
            yield words.text("thread", "refused", why=out.get("why", ""), **named)
        elif out["state"] == "waiting":
            section, name = ("line", "undelivered") if out["way"] == "out" else ("thread", "waiting")
            yield words.text(section, name, **named)
    for call in thread.get("calls", ()):
        yield words.text(
            "line",
            "called",
            at=words.instant(parse_instant(call["at"])),
            role=call["contact"] or "-",
            party=call["owed_by"],
            timer=words.timer(Timer(call["timer"])),
            outcome=call["outcome"] or words.text("line", "calling"),
        )


# -- lines --------------------------------------------------------------------------------------------------


def _peers(given: argparse.Namespace) -> int:
    pact = asked(given, "/api/v1/pact")
    peers = asked(given, "/api/v1/hotline/peers")["peers"]
    words = language_of(given, pact)
    with standard_output():
        if given.json:
            _json(peers)
        else:
            lines = [*head(pact, words, time.time_ns() // 1_000)]  # the clock enters here
            for peer in peers:
                lines += ["", *_line(peer, words)]
            show(lines)
    return OK


def _line(peer: Mapping[str, Any], words: Language) -> Iterator[str]:
    heard = {"said": peer.get("said", 0), "heard": peer.get("heard", 0)}
    yield words.text("line", "heard", party=peer["party"], **heard)
    if peer.get("url"):
        yield f"  {peer['url']}"
    yield from (f"  {line}" for line in trouble(peer, words))
    if peer.get("last_try"):
        yield f"  {words.text('line', 'tried', at=words.instant(parse_instant(peer['last_try'])))}"
    if peer.get("clock") and not peer.get("apart"):
        at = words.instant(parse_instant(peer["clock_at"]))
        yield f"  {words.text('line', 'clock', clock=peer['clock'], at=at)}"


def trouble(peer: Mapping[str, Any], words: Language) -> Iterator[str]:
    """What is wrong with a line; nothing where it is well."""
    party = peer["party"]
    if peer.get("fault"):
        yield words.text("line", "fault", party=party, why=peer["fault"])
    if peer.get("waiting"):
        at = words.instant(parse_instant(peer["oldest"]))
        yield words.text("line", "waiting", count=peer["waiting"], party=party, at=at)
    if not peer.get("url"):
        yield words.text("line", "address", party=party)
    if peer.get("missing"):
        yield words.text("line", "missing", numbers=peer["missing"], party=party)
    if peer.get("apart"):
        yield words.text("line", "apart", party=party, clock=peer["clock"])


# -- one thread ---------------------------------------------------------------------------------------------


def _thread(given: argparse.Namespace) -> int:
    from skypact.cli import hotline_show
    from skypact.formats.hotline_jws import read_envelope
    from skypact.formats.pact_toml import read_pact

    found = asked(given, f"/api/v1/hotline/threads/{quote(given.what[0].lower(), safe='')}")
    text = ask(given, "GET", "/api/v1/pact", scope=SCOPE, query={"digest": found["pact"]})[1]
    pact = read_pact(text["text"].encode(), text["id"]).pact
    if pact is None:  # the node runs under it
        raise UsageError(f"the node's pact {text['id']} cannot be read here: it is of another version")
    envelopes = [read_envelope(out["envelope"]) for out in found["messages"]]
    now_us = time.time_ns() // 1_000  # the clock enters here
    # numbers run through all threads between two parties: of one alone, nothing is missing
    known = replace(hotline_show.known(envelopes, pact, found["pact"], now_us), gaps=())
    words = language_of(given, text)
    with standard_output():
        if given.json:
            _json(found)
        else:
            beside = list(_beside(found, words))
            more = ["", *beside] if beside else []
            show(list(hotline_show.as_table(known, text.get("mark", ""), words, more=more)))
    for fault in known.faults:
        complain(f"error: {fault}")
    return known.status if known.faults else OK


ACTIONS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "threads": _threads,
    "late": _threads,
    "thread": _thread,
    "peers": _peers,
}
"""What can be asked of the node's hotline."""


def _json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
