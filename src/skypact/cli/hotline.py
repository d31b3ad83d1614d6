"""``skypact hotline``: signed messages as files; and what the node that runs here has of the hotline.

Law: with files it needs no node. What is shown of a thread was verified with the keys of the pact, or is said
not to have been; what was not is in no thread. A message is signed as it is written: what was left out is
filled in first, and nothing that is there is changed. Acknowledged is not agreed: that stands under
everything.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skypact.cli import FOUND, OK, complain, visible
from skypact.cli.calling import options as node_options
from skypact.cli.parsing import Parser, instant_us
from skypact.cli.saying import MORE, flag, said_options
from skypact.cli.saying import run as say
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from skypact.formats.hotline_jws import Envelope
    from skypact.formats.hotline_words import Language
    from skypact.pact.agreement import Pact
    from skypact.seal import SigningKey

ACTIONS: Final = {
    "show": ("FILE...", ("pact",), ("party", "language", "now", "format")),
    "sign": ("MESSAGE.json", ("pact", "key"), ("answers", "out", "now")),
    "script": ("FILE", (), ("pact", "party", "language")),
}
"""What can be done with files: those that it takes, the options that it needs, and those that it may have."""
ASKED: Final = {
    "threads": ((), ("all", "language", "json")),
    "late": ((), ("language", "json")),
    "thread": (("ID",), ("language", "json")),
    "peers": ((), ("language", "json")),
}
"""What can be asked of the node that runs here: what it takes, and the options that it may have."""

_SAID: Final = tuple(dict.fromkeys(name for verb in MORE.values() for name in (*verb.needs, *verb.may)))
_OPTIONS: Final = ("pact", "key", "answers", "out", "party", "now", "format")
_NODE: Final = ("url", "token", "account", "config")
_DESCRIPTION = """\
What is said between parties, each message a line that a party's key signed.

of the node that runs here:
  threads            what was said, most urgent first: the level that is
                     proven, what is due and by whom, who was called
  thread ID          all of one thread, each message verified, in your language
  late               what is late; status 1 if something is
  peers              how the line to each party is, and its clock
  report ID WORDS    first report of what has happened, after a STOP
  cancel ID          what we said there holds no longer
  call PARTY         record a voice call: --from, --until, --answered-by, ...
  suspend PARTY, resume ID, release ID PARTY..., forward PARTY FILE

of files, without a node:
  show FILE...       each message verified and in your language; the level that
                     is proven, what is due, who is late and whom to call
  sign MESSAGE.json  sign a message: what it leaves out of pact, sender, mode,
                     time, and of what it answers, is filled in
  script FILE        what to say to read a message back over a telephone

An id is given by its first 8 digits or more."""
_EPILOG = """\
Acknowledged is not agreed, not permission, not a guarantee.

Exit status: 0 done, and nothing is late; 1 something is late, was refused or
waits; 2 bad usage or input, a signature that does not fit, or no node."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact hotline``."""
    p = Parser("hotline", _DESCRIPTION, epilog=_EPILOG)
    actions = (*ACTIONS, *ASKED, *MORE)
    p.add_argument("action", metavar="ACTION", choices=actions, help="one of the above")
    p.add_argument("what", metavar="ARGUMENT", nargs="*", help="as above")
    p.add_argument("--pact", metavar="FILE", type=Path, help="the agreement, with the keys of its parties")
    p.add_argument(
        "--key", metavar="FILE", type=Path, help="of sign: the party's secret key (PEM, mode 0600)"
    )
    p.add_argument(
        "--answers", metavar="FILE", type=Path, help="of sign: whose last message it answers; else it opens"
    )
    p.add_argument("--out", metavar="FILE", type=Path, help="of sign: where it goes (standard output)")
    p.add_argument(
        "--party", metavar="NAME", help="who reads it: in the first of its languages that there is"
    )
    p.add_argument("--language", metavar="TAG", help="or in this one: en or ru (en); of words: theirs")
    p.add_argument("--now", metavar="TIME", type=instant_us, help="as if it were then")
    p.add_argument("--format", choices=("table", "json"), help="of show (table)")
    p.add_argument("--all", action="store_true", help="of threads: those too of which nothing is due")
    p.add_argument("--json", action="store_true", help="of a node: its answer as JSON")
    said_options(p, _SAID)
    node_options(p)
    return p


def run(options: argparse.Namespace) -> int:
    """Do it."""
    action: str = options.action
    _demand(options, action)
    if action in MORE:
        return say(options, f"hotline {action}", MORE[action])
    if action in ASKED:
        from skypact.cli import hotline_board

        return hotline_board.run(options)
    options.files = [Path(name) for name in options.what]
    now_us = time.time_ns() // 1000 if options.now is None else options.now  # the clock enters here
    if action == "sign":
        return _sign(options, now_us)
    if action == "script":
        return _script(options)
    return _show(options, now_us)


def _demand(options: argparse.Namespace, action: str) -> None:
    """Refuse what does not belong to the action."""
    needed: tuple[str, ...] = ()
    if action in ACTIONS:
        files, needed, allowed = ACTIONS[action]
        if not options.what or (not files.endswith("...") and len(options.what) != 1):
            raise UsageError(
                f"'skypact hotline {action}' takes {'' if files.endswith('...') else 'one '}{files};"
                f" found {len(options.what)} files"
            )
    elif action in ASKED:
        takes, allowed = ASKED[action]
        if len(options.what) != len(takes):
            raise UsageError(f"'skypact hotline {action}' takes {' '.join(takes) or 'no argument'}")
    else:
        allowed = (*MORE[action].needs, *MORE[action].may, "language", "json")
    for name in (*_OPTIONS, *_SAID, "language", "all", "json"):
        value = getattr(options, name)
        given = value is not None and value is not False
        if given and name not in {*needed, *allowed}:
            raise UsageError(f"{_flag(name)} is not an option of 'skypact hotline {action}'")
        if name in needed and not given:
            raise UsageError(f"'skypact hotline {action}' needs {_flag(name)}")
    if action in ACTIONS:
        for name in _NODE:
            if getattr(options, name) is not None:
                raise UsageError(f"'skypact hotline {action}' asks no node")


def _flag(name: str) -> str:
    return flag(name) if name in _SAID else f"--{name}"


def pact_of(path: Path) -> tuple[Pact, str, str]:
    """A pact, the digest of its text, and the mark of one that lacks signatures."""
    from skypact.cli.pact_signing import chain_of
    from skypact.pact import signatures

    known = signatures.standing(chain_of(path, []))
    return known.pact, known.digest, known.mark


def envelopes(paths: Iterable[Path]) -> list[Envelope]:
    """The signed messages of files, in their order; nothing is verified."""
    from skypact.formats.hotline_jws import FILE_MAX, read_envelopes

    return [each for path in paths for each in read_envelopes(_bytes(path, FILE_MAX), str(path))]


def _show(options: argparse.Namespace, now_us: int) -> int:
    from skypact.cli import hotline_show

    pact, digest, mark = pact_of(options.pact)
    words = _words(options, pact)
    known = hotline_show.known(envelopes(options.files), pact, digest, now_us)
    if options.format == "json":
        _say([json.dumps(hotline_show.as_json(known, mark, words), indent=2, ensure_ascii=False)], raw=True)
    else:
        _say(hotline_show.as_table(known, mark, words))
    for fault in known.faults:
        complain(f"error: {fault}")
    return known.status


def _script(options: argparse.Namespace) -> int:
    from skypact.formats.hotline_jws import verified

    (path,) = options.files
    known = None if options.pact is None else pact_of(options.pact)
    words = _words(options, None if known is None else known[0])
    lines = []
    for envelope in envelopes([path]):
        message = envelope.message
        if known is None:
            lines.append(words.text("script", "unverified"))
        else:
            message = verified(envelope, known[0], known[1])
        lines += [words.mode(message.data_mode), *words.script(message), ""]
    _say([*lines, *words.notes])
    return OK


def _words(options: argparse.Namespace, pact: Pact | None) -> Language:
    """The language asked for: by its tag, or as the pact says what a party reads."""
    from skypact.formats.hotline_words import language, preferred

    if options.party is None:
        return language(options.language or "en")
    party = None if pact is None else pact.party(options.party)
    if options.language is not None or party is None:
        why = "or --language, not both" if options.language is not None else "and that party in it"
        raise UsageError(f"--party {options.party} needs --pact, {why}")
    return preferred(party.languages)


def _sign(options: argparse.Namespace, now_us: int) -> int:
    from skypact.cli.output import binary
    from skypact.errors import FormatError, InputError
    from skypact.exchange.hotline.thread import fold, opened
    from skypact.formats.hotline_json import PAYLOAD_MAX, load
    from skypact.formats.hotline_jws import signed, verified
    from skypact.node.keys import secret_key

    (path,) = options.files
    pact, digest, mark = pact_of(options.pact)
    key = secret_key(options.key, "--key")
    before = envelopes([options.answers]) if options.answers is not None else []
    payload = _bytes(path, PAYLOAD_MAX)
    try:
        draft = load(payload)
        filled = _filled(draft, pact, digest, key, before, now_us)
        if filled != draft:
            payload = json.dumps(filled, separators=(",", ":"), ensure_ascii=False).encode()
        made = signed(key, payload)
    except FormatError as error:
        raise error.at(str(path)) from None
    message = verified(made, pact, digest)
    waits = False
    if before:
        folded = fold([*(verified(each, pact, digest) for each in before), message], pact)
        for refused, why in folded.refused:
            if refused.id == message.id:
                raise why
        waits = message in folded.waiting
    elif message.re:
        raise InputError("answers a message that was not given", where=str(path), expected="--answers FILE")
    else:
        opened(message, pact)
    with binary(options.out) as stream:
        stream.write(f"{made.text}\n".encode())
    complain(
        f"{mark + '  ' if mark else ''}signed for {message.sender}: {message.kind.value}, id {message.id}"
    )
    if waits:
        complain("what came before it in its thread is not here: the rules of the thread were not asked")
    return FOUND if waits else OK


def _filled(
    draft: dict[str, Any],
    pact: Pact,
    digest: str,
    key: SigningKey,
    before: Sequence[Envelope],
    now_us: int,
) -> dict[str, Any]:
    """The draft with what it leaves out; what it says itself stands."""
    from skypact.instants import format_instant
    from skypact.pact.keys import public_bytes

    public = public_bytes(key.public)
    owner = next((p.id for p in pact.parties if any(k.public == public for k in p.keys)), None)
    if owner is None:
        raise UsageError(f"--key: the pact {pact.id} gives this key to no party")
    more: dict[str, Any] = {
        "sender": owner,
        "pact": digest,
        "said_at": format_instant(now_us),
        "data_mode": pact.data_mode.value,
    }
    if before:
        about = before[-1].message
        more |= {"thread": about.thread, "re": about.id}
        more["to"] = about.to if about.sender == owner else about.sender
    return draft | {name: value for name, value in more.items() if name not in draft}


def _bytes(path: Path, limit: int) -> bytes:
    from skypact.formats.source import Source

    with Source(path) as source:
        return source.read_bytes(limit)


def _say(lines: Iterable[str], *, raw: bool = False) -> None:
    from skypact.cli.output import standard_output

    with standard_output():
        sys.stdout.writelines(f"{line if raw else visible(line)}\n" for line in lines)
