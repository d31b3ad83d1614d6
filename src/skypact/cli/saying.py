"""What a person says on the hotline, given to the node that runs here; and what was said, shown back.

Law: **what is said names in full what it answers.** An id is short on the screen and may be short on the
command line; the node says whose it is, and the whole of it goes into what is signed. Nothing is filled in
that a person vouches for: a level, a position, an instant, words. What the node does not allow is said with
its reason, and nothing was said: status 1.

:data:`VERBS` is the table of what can be said at the terminal, and of what each verb takes.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from skypact.cli import FOUND, OK, complain, visible
from skypact.cli.calling import Refusal, ask, options
from skypact.cli.output import standard_output
from skypact.cli.parsing import Parser, ahead_us
from skypact.errors import InputError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from skypact.exchange.hotline.messages import Message
    from skypact.formats.hotline_words import Language

SCOPE: Final = "skypact.people"
SHORT: Final = 8
"""So many digits of an id are shown."""
WIDTH: Final = 80
REFUSED: Final = frozenset({400, 403, 404, 409, 412, 413, 429})
"""Statuses with which a node says no, and why."""
FORBIDDEN: Final = 403
LEVELS: Final = ("2", "4", "5")
SCOPES: Final = ("mine", "not mine", "unknown", "not answering for")
INTENTS: Final = ("will avoid", "cannot avoid", "noted")
ENDLESS: Final = "endless"


class Draft(NamedTuple):
    """Something to be said; of what opens a thread, ``re`` is ""."""

    kind: str
    to: str
    body: dict[str, Any]
    re: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that can be said at the terminal.

    Attributes
    ----------
    takes
        Its arguments, in their order; one in brackets may be left out.
    needs, may
        The options that it needs, and those that it may have, as :func:`said_options` names them.
    about
        What it says.
    drafts
        Makes of what was typed what is to be said.
    """

    takes: tuple[str, ...]
    needs: tuple[str, ...]
    may: tuple[str, ...]
    about: str
    drafts: Callable[[argparse.Namespace], Iterator[Draft]]


# -- what was typed, as what is to be said ------------------------------------------------------------------


def _answer(kind: str) -> Callable[[argparse.Namespace], Iterator[Draft]]:
    """Words in answer to a message."""

    def drafts(given: argparse.Namespace) -> Iterator[Draft]:
        yield Draft(kind, "", {}, whole(given, given.what[0]), _words(given, 1))

    return drafts


def _opening(kind: str) -> Callable[[argparse.Namespace], Iterator[Draft]]:
    """Words to a party."""

    def drafts(given: argparse.Namespace) -> Iterator[Draft]:
        yield Draft(kind, given.what[0], {}, words=_words(given, 1))

    return drafts


def _ack(given: argparse.Namespace) -> Iterator[Draft]:
    level = int(given.level)
    if (level > 2) is not bool(given.to_whom):
        raise UsageError(
            "--to-whom: levels 4 and 5 say to whom it was passed down, or which unit confirms; 2 says nothing"
        )
    body = {"level": level} | ({"to_whom": given.to_whom} if given.to_whom else {})
    yield Draft("ACK", "", body, whole(given, given.what[0]), _words(given, 1))


def _readback(given: argparse.Namespace) -> Iterator[Draft]:
    body = {"points": points(given.point), "start": _instant(given.start), "end": _end(given.until)}
    yield Draft("READBACK", "", body, whole(given, given.what[0]), _words(given, 1))


def _reply(given: argparse.Namespace) -> Iterator[Draft]:
    body = {"scope": given.reach, "intent": given.intent}
    more = {"not_for": given.not_for} if given.not_for else {}
    yield Draft("REPLY", "", body | more, whole(given, given.what[0]), _words(given, 1))


def _query(given: argparse.Namespace) -> Iterator[Draft]:
    body = {"urgent": True} if given.urgent else {}
    re = "" if given.again is None else whole(given, given.again)
    yield Draft("SECOND QUERY" if re else "QUERY", given.what[0], body, re, given.what[1])


def _stop(given: argparse.Namespace) -> Iterator[Draft]:
    *named, words = given.what
    if bool(named) is given.all or len(named) > 1:
        raise UsageError("'skypact stop' takes a party and words; or --all and words")
    # the clock enters here; to the second, as it is read out
    start_us = time.time_ns() // 10**9 * 10**6 if given.start is None else given.start
    body: dict[str, Any] = {
        "points": points([f"{lat}, {lng}" for lat, lng in given.at or ()]),
        "start": _instant(start_us),
    }
    if given.about:
        body["about"] = whole(given, given.about)
    if given.incident:
        body["incident"] = True
    others = named or [each["party"] for each in asked(given, "/api/v1/hotline/peers")["peers"]]
    for party in others:
        yield Draft("HAZARD" if given.hazard else "STOP", party, body, words=words)


def _zone(given: argparse.Namespace) -> Iterator[Draft]:
    stance = given.what[0]
    if stance not in STANCES:
        raise UsageError(f"no stance to a zone; found {stance[:60]!r}, expected {', '.join(STANCES)}")
    yield Draft(STANCES[stance], "", {}, whole(given, given.what[1]), _words(given, 2))


def _release(given: argparse.Namespace) -> Iterator[Draft]:
    ident, *onward = given.what
    if not onward:
        raise UsageError("'skypact hotline release' takes an id, and the parties to whom it may be passed on")
    yield Draft("RELEASE", "", {"onward": onward}, whole(given, ident))


def _forward(given: argparse.Namespace) -> Iterator[Draft]:
    from skypact.formats.hotline_jws import FILE_MAX, read_envelopes
    from skypact.formats.source import Source

    party, name = given.what
    with Source(Path(name)) as source:
        found = read_envelopes(source.read_bytes(FILE_MAX), name)
    for envelope in found:
        behalf = given.behalf or envelope.message.sender
        yield Draft("FORWARD", party, {"on_behalf_of": behalf, "envelope": envelope.text})


def _call(given: argparse.Namespace) -> Iterator[Draft]:
    own, other = asked(given, "/api/v1/pact")["party"], given.what[0]
    body: dict[str, Any] = {
        "caller": other if given.by_them else own,
        "called": own if given.by_them else other,
        "start": _instant(given.start),
        "end": _end(given.until),
    }
    if given.answered_by:
        body["answered_by"] = given.answered_by
    if given.held:
        body["holds"] = [
            {"start": _instant(ahead_us(start)), "end": _instant(ahead_us(end))} for start, end in given.held
        ]
    if given.spoken:
        body["spoken"] = {"language": given.language or "en", "words": given.spoken}
    if given.translation:
        tag, words = given.translation
        body["translation"] = {"language": tag, "words": words}
    re = "" if given.again is None else whole(given, given.again)
    yield Draft("CALL RECORD", other, body, re)


STANCES: Final[Mapping[str, str]] = {
    "recognise": "ZONE RECOGNISE",
    "reject": "ZONE REJECT",
    "reserve": "ZONE RESERVE",
}
VERBS: Final[Mapping[str, Verb]] = {
    "ack": Verb(
        ("ID", "[WORDS]"), ("level",), ("to_whom",), "a person here vouches for a level of a message", _ack
    ),
    "readback": Verb(
        ("ID", "[WORDS]"),
        ("point", "start", "until"),
        (),
        "repeat where and when, as it was understood; what is wrong is not said",
        _readback,
    ),
    "reply": Verb(
        ("ID", "[WORDS]"),
        ("reach", "intent"),
        ("not_for",),
        "for whom we speak, and what we mean to do",
        _reply,
    ),
    "query": Verb(("PARTY", "WORDS"), (), ("urgent", "again"), "ask another party something", _query),
    "answer": Verb(("ID", "WORDS"), (), (), "answer a query", _answer("ANSWER")),
    "stop": Verb(
        ("[PARTY]", "WORDS"),
        (),
        ("all", "at", "start", "about", "incident", "hazard"),
        "have another party stop, or tell it of a danger: now, there",
        _stop,
    ),
    "checkin": Verb(
        ("PARTY", "[WORDS]"), (), (), "ask whether a line is alive, and who is on it", _opening("CHECK-IN")
    ),
    "zone": Verb(
        ("STANCE", "ID", "[WORDS]"), (), (), "recognise a zone, reject it, or reserve our position", _zone
    ),
}
"""What can be said by a command of its own."""
MORE: Final[Mapping[str, Verb]] = {
    "report": Verb(("ID", "WORDS"), (), (), "first report of what has happened", _answer("REPORT")),
    "cancel": Verb(("ID", "[WORDS]"), (), (), "what we said there holds no longer", _answer("CANCEL")),
    "call": Verb(
        ("PARTY",),
        ("start", "until"),
        ("by_them", "answered_by", "held", "spoken", "translation", "again"),
        "record a voice call: who rang whom, when, and what was said",
        _call,
    ),
    "suspend": Verb(("PARTY", "[WORDS]"), (), (), "suspend the channel", _opening("SUSPEND")),
    "resume": Verb(
        ("ID", "[WORDS]"), (), (), "open it again: the id of what suspended it", _answer("RESUME")
    ),
    "release": Verb(("ID", "PARTY..."), (), (), "let it be passed on, to these", _release),
    "forward": Verb(("PARTY", "FILE"), (), ("behalf",), "pass on what another has signed", _forward),
}
"""What is said as an action of ``skypact hotline``."""


# -- options ------------------------------------------------------------------------------------------------

_OPTIONS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "level": (
        "--level",
        {"metavar": "LEVEL", "choices": LEVELS, "help": "2 opened, 4 passed down, 5 the unit has it"},
    ),
    "to_whom": ("--to-whom", {"metavar": "TEXT", "help": "of 4 and 5: to whom, or which unit confirms"}),
    "point": (
        "--point",
        {"metavar": "POSITION", "action": "append", "help": "what was understood, in its order; one each"},
    ),
    "start": ("--from", {"metavar": "TIME", "type": ahead_us, "help": "from when on"}),
    "until": ("--until", {"metavar": "TIME", "help": f"until when; '{ENDLESS}': no end was said"}),
    "reach": ("--scope", {"metavar": "SCOPE", "choices": SCOPES, "help": ", ".join(SCOPES)}),
    "intent": ("--intent", {"metavar": "INTENT", "choices": INTENTS, "help": ", ".join(INTENTS)}),
    "not_for": (
        "--not-for",
        {"metavar": "NAME", "action": "append", "help": "for whom we do not answer; may be repeated"},
    ),
    "urgent": ("--urgent", {"action": "store_true", "help": "claim the pact's shorter term"}),
    "again": (
        "--again",
        {"metavar": "ID", "help": "of query: once more; of call: their record of the same call"},
    ),
    "all": ("--all", {"action": "store_true", "help": "to every other party of the pact"}),
    "at": (
        "--at",
        {"metavar": ("LAT", "LNG"), "nargs": 2, "action": "append", "help": "where; everywhere if left out"},
    ),
    "about": ("--about", {"metavar": "ID", "help": "the message that it is about"}),
    "incident": ("--incident", {"action": "store_true", "help": "something has happened: reports are due"}),
    "hazard": ("--hazard", {"action": "store_true", "help": "a danger, and not a demand to stop"}),
    "behalf": ("--on-behalf-of", {"metavar": "NAME", "help": "whose it is, if not whose key signed it"}),
    "by_them": ("--by-them", {"action": "store_true", "help": "they rang, and not we"}),
    "answered_by": (
        "--answered-by",
        {"metavar": "POST", "help": "the post that took it; nobody if left out"},
    ),
    "held": (
        "--held",
        {"metavar": ("START", "END"), "nargs": 2, "action": "append", "help": "the line was held"},
    ),
    "spoken": ("--spoken", {"metavar": "WORDS", "help": "what was said, as spoken"}),
    "translation": (
        "--translation",
        {"metavar": ("TAG", "WORDS"), "nargs": 2, "help": "and in another language"},
    ),
}


def said_options(p: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Options of what is said, by their names in the table above."""
    for name in names:
        flag, more = _OPTIONS[name]
        p.add_argument(flag, dest=name, **more)


def flag(name: str) -> str:
    """The option of that name, as it is typed."""
    return _OPTIONS[name][0]


class Said:
    """One of :data:`VERBS` as a command.

    Parameters
    ----------
    name
        The command.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._verb = VERBS[name]

    def parser(self) -> argparse.ArgumentParser:
        """Its options."""
        verb = self._verb
        about = verb.about[0].upper() + verb.about[1:] + "."
        p = Parser(self._name, f"{about}\n{_LAW}", epilog=_EPILOG[self._name] + _STATUSES)
        p.usage = f"skypact {self._name} {' '.join(verb.takes)} [options]"
        p.add_argument("what", metavar="ARGUMENT", nargs="*", help="as above; an id by its first 8 digits")
        said_options(p, (*verb.needs, *verb.may))
        p.add_argument("--language", metavar="TAG", help="of the words (en)")
        p.add_argument("--json", action="store_true", help="print the node's answer as JSON")
        options(p)
        return p

    def run(self, given: argparse.Namespace) -> int:
        """Say it."""
        return run(given, self._name, self._verb)


_LAW: Final = "Acknowledged is not agreed, not permission, not a guarantee."
_STATUSES: Final = """

Exit status: 0 said, 1 refused by the rules, and why, 2 bad usage, or no node
answers."""
_EPILOG: Final[Mapping[str, str]] = {
    "ack": """\
  skypact ack 4f2a91c3 --level 2
  skypact ack 4f2a91c3 --level 4 --to-whom "air defence, sector west\"""",
    "readback": """\
  skypact readback 4f2a91c3 --point "33.5061 38.6178" \\
    --from 2026-06-03T06:00:00Z --until 2026-06-03T10:00:00Z""",
    "reply": """\
  skypact reply 4f2a91c3 --scope mine --intent "will avoid" --not-for militia""",
    "query": """\
  skypact query south "Whose aircraft is over the crossing?" --urgent
  skypact query south "And at ten past?" --again 4f2a91c3""",
    "answer": """\
  skypact answer 4f2a91c3 "Not ours.\"""",
    "stop": """\
  skypact stop south "Cease fire on the convoy." --at 33.5061 38.6178
  skypact stop --all "All aircraft out of the corridor." --incident""",
    "checkin": """\
  skypact checkin south""",
    "zone": """\
  skypact zone reject 4f2a91c3 "Not agreed with us."

A zone is declared with 'skypact notify file'.""",
}


# -- saying it ----------------------------------------------------------------------------------------------


def run(given: argparse.Namespace, name: str, verb: Verb) -> int:
    """Say what a verb was given; returns the exit status."""
    _demand(given, name, verb)
    try:
        return _said(given, verb)
    except Refusal as error:
        if error.status not in REFUSED:
            raise
        who = "" if given.account or given.token else "; --as NAME says it as one of the party's people"
        complain(f"not said: {error}{who if error.status == FORBIDDEN else ''}")
        return FOUND


def _demand(given: argparse.Namespace, name: str, verb: Verb) -> None:
    """Refuse what does not belong to the verb, before a node is asked."""
    takes = verb.takes
    least = sum(not each.startswith("[") for each in takes)
    most = 1000 if takes[-1].endswith("...") else len(takes)
    if not least <= len(given.what) <= most:
        raise UsageError(f"'skypact {name}' takes {' '.join(takes)}; found {len(given.what)}")
    for option in verb.needs:
        if getattr(given, option) is None:
            raise UsageError(f"'skypact {name}' needs {flag(option)}")


def _said(given: argparse.Namespace, verb: Verb) -> int:
    """Say each draft; one that is refused keeps no other from being said."""
    drafts = list(verb.drafts(given))
    said, refused = [], []
    for draft in drafts:
        try:
            said.append(_say(given, draft))
        except Refusal as error:
            if error.status not in REFUSED or len(drafts) == 1:
                raise
            refused.append({"to": draft.to, "why": str(error)})
            complain(f"not said to {draft.to}: {error}")
    with standard_output():
        if given.json:
            whole_answer = said[0] if len(drafts) == 1 else {"said": said, "refused": refused}
            sys.stdout.write(json.dumps(whole_answer, indent=2, ensure_ascii=False) + "\n")
        else:
            words = reading(given.language)
            lines = [line for thread in said for line in told(thread, words)]
            show([*lines, *law(words)] if said else [])
    return FOUND if refused else OK


def _say(given: argparse.Namespace, draft: Draft) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": draft.kind, "body": draft.body}
    if draft.to:
        body["to"] = draft.to
    if draft.re:
        body["re"] = draft.re
    if draft.words:
        body["text"] = {"language": given.language or "en", "words": draft.words}
    encoded = json.dumps(body, ensure_ascii=False).encode()
    return dict(ask(given, "POST", "/api/v1/hotline/messages", scope=SCOPE, body=encoded)[1])


def asked(given: argparse.Namespace, path: str) -> dict[str, Any]:
    """What the node says at a path."""
    return dict(ask(given, "GET", path, scope=SCOPE)[1])


def whole(given: argparse.Namespace, digits: str) -> str:
    """The id that begins with these digits."""
    return str(asked(given, f"/api/v1/hotline/messages/{quote(digits.lower(), safe='')}")["id"])


def points(texts: Sequence[str]) -> list[dict[str, str]]:
    """Positions as people write them, to 10⁻⁷ degrees.

    Raises
    ------
    GeometryError
        One of them is none, or could be two.
    """
    from skypact.formats.coordinates import read_position
    from skypact.formats.hotline_json import degrees_text

    found = [read_position(text, where="position") for text in texts]
    return [
        {
            "lat": degrees_text(round(each.lat_ndeg, -2) // 100),
            "lng": degrees_text(round(each.lng_ndeg, -2) // 100),
        }
        for each in found
    ]


def _words(given: argparse.Namespace, place: int) -> str:
    return given.what[place] if len(given.what) > place else ""


def _instant(instant_us: int) -> str:
    from skypact.instants import format_instant

    return format_instant(instant_us)


def _end(text: str) -> str | None:
    """An end as a message has it: None for none."""
    import argparse

    if text == ENDLESS:
        return None
    try:
        return _instant(ahead_us(text))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"--until: {error}") from None


# -- showing it ---------------------------------------------------------------------------------------------


def reading(tag: str | None) -> Language:
    """The words to show something in: those of a language, or English where there are none."""
    from skypact.formats.hotline_words import preferred

    return preferred(() if tag is None else (tag,))


def message_of(out: Mapping[str, Any]) -> Message:
    """A message as the node shows it."""
    from skypact.formats.hotline_json import decode

    found = decode(json.dumps(out["message"]).encode())
    made = replace(found, id=out["id"], carrier=out.get("carrier", ""))
    return made if made.re else replace(made, thread=made.id)


def told(thread: Mapping[str, Any], words: Language) -> Iterator[str]:
    """What was said just now, to whom, under which id, and how far what it answers has come."""
    from skypact.airspace.labels import DataMode
    from skypact.pact.terms import Level

    outs = {out["id"]: out for out in thread["messages"]}
    out = outs[thread["said"]]
    message = message_of(out)
    about = message_of(outs[message.re]) if message.re else None
    mark = f"{thread['mark']}  " if thread.get("mark") else ""
    yield f"{mark}{words.mode(DataMode(thread['data_mode']))}"
    first, *rest = words.message(message, about)
    yield first
    yield from (f"  {line}" for line in rest)
    yield f"  id {message.id}"
    if about is not None and outs[about.id].get("level") is not None:
        level = outs[about.id]["level"]
        reached = words.text("thread", "reached", level=level, level_text=words.level(Level(level)))
        yield f"{words.kind(about.kind)} {about.id[:SHORT]}: {reached}"
    current = thread["current"]
    if about is not None and about.kind.value in {"NOTIFY", "AMEND"} and about.id != current:
        yield words.text("line", "amended", id=current[:SHORT])


def law(words: Language) -> Iterator[str]:
    """What stands under everything, a sentence a line."""
    for note in words.notes:
        yield from re.split(r"(?<=[.]) ", note)


def show(lines: Sequence[str]) -> None:
    """Lines for a terminal of 80 columns; what goes on is indented as its line is, and two more."""
    for line in lines:
        plain = visible(line)
        if len(plain) <= WIDTH:
            sys.stdout.write(f"{plain}\n")
            continue
        indent = " " * (len(plain) - len(plain.lstrip()) + 2)
        for part in textwrap.wrap(plain, WIDTH, subsequent_indent=indent, break_on_hyphens=False):
            sys.stdout.write(f"{part}\n")


def language_of(given: argparse.Namespace, pact: Mapping[str, Any]) -> Language:
    """The language asked for, or the first of the party's own that there are words in.

    Raises
    ------
    UsageError
        There are no words in that language.
    """
    from skypact.formats.hotline_words import language, preferred

    if given.language is None:
        return preferred(pact["languages"])
    try:
        return language(given.language)
    except InputError as error:
        raise UsageError(f"--language: {error}") from None
