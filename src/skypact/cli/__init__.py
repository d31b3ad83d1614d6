"""The terminal: one command with a few verbs, and what each exit status means.

Law: this package is where a person's words become the engine's questions and its findings become a person's
words; it decides nothing about distance. It is the only place of the library that knows the standard
streams, exit statuses and the interrupt key. No traceback reaches a person.

Exit statuses: 0 nothing found; 1 conflicts found (for ``pact lint``: errors); 2 bad usage or input; 70 an
internal error; 130 interrupted. The parser is the standard library's, and each verb's modules are imported
when it is used: ``docs/decisions/0006-command-line-parser.md`` has the measurements.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
import unicodedata
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, cast

from skypact import __version__
from skypact.errors import SkypactError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

OK: Final = 0
FOUND: Final = 1
BAD: Final = 2
INTERNAL: Final = 70
"""EX_SOFTWARE of sysexits.h."""
INTERRUPTED: Final = 130
"""128 + SIGINT, as shells report it."""

COMMANDS: Final = {
    "check": "find conflicts in tracks, plans, volumes and zones",
    "convert": "write tracks or volumes in another format",
    "pact": "lint, sign and verify an agreement, and say what changed in it",
    "notify": "check, file and show movements, sites, activities and zones",
    "db": "care for a node's database: upgrade, check, prune, backup, restore",
    "formats": "list the formats that can be read and written",
    "up": "run a node: the discovery service, a party's node, or both",
    "init": "write a commented configuration and keys for a node",
    "token": "print a token of a node's own key, for development",
    "account": "the accounts of a party's people, who act for it",
    "file": "file a flight with the node that runs here",
    "flights": "list the flights of the node that runs here",
    "end": "end a flight of the node that runs here",
    "hotline": "what is said between parties: threads, what is due, signed messages",
    "ack": "acknowledge a message: opened, passed down, the unit has it",
    "readback": "read a position and its times back as they were understood",
    "reply": "for whom we speak, and what we mean to do",
    "query": "ask another party something",
    "answer": "answer a query",
    "stop": "have another party stop, or tell it of a danger",
    "checkin": "ask whether the line to a party is alive",
    "zone": "recognise a zone, reject it, or reserve our position",
    "record": "prove, verify and export a party's ledger, and erase from it",
    "incident": "each party's account of an incident beside the others'",
    "logs": "export the logs that F3548-21 asks for",
}
"""The verbs, each a module of this package with ``parser()`` and ``run()``, and what each is for."""
_SAID: Final = frozenset({"ack", "readback", "reply", "query", "answer", "stop", "checkin", "zone"})
"""Those that say something on the hotline: one module has them all."""

_HELP = """\
usage: skypact COMMAND ...

Flight-safety deconfliction for parties that share a sky but not a commander.

commands:
{commands}

options:
  -h, --help  show this help
  --version   show the version

'skypact COMMAND --help' says more. Try: skypact check examples/al-tanf
Exit status: 0 nothing found, 1 conflicts found, 2 bad usage or input.
"""


class Command(Protocol):
    """What a verb's module gives."""

    def parser(self) -> argparse.ArgumentParser:
        """The verb's options."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; returns the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; never lets an exception out."""
    _readable(sys.stdout)
    _readable(sys.stderr)
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except SkypactError as error:
        complain(f"error: {error}")
        return BAD
    except KeyboardInterrupt:
        _leave_interrupted()
    except OSError as error:
        complain(f"error: {_of_os(error)}")
        return BAD
    except SystemExit as stop:  # argparse, after --help or --version
        return OK if stop.code is None else int(cast("int", stop.code))
    except BaseException as error:
        if os.environ.get("SKYPACT_DEBUG"):  # for maintainers
            raise
        complain(f"internal error: {_of_bug(error)}")
        complain("this is a fault in Skypact; please report it with the command and, if you may, its input")
        return INTERNAL


def command(name: str) -> Command:
    """The module of one verb, or what stands for it."""
    if name in _SAID:
        return cast("Command", importlib.import_module("skypact.cli.saying").Said(name))
    return cast("Command", importlib.import_module(f"skypact.cli.{name}"))


def _run(argv: list[str]) -> int:
    if sys.stdout is None:
        raise UsageError("standard output is closed; send it to a file or to /dev/null")
    if not argv or argv[0] in {"-h", "--help", "help"}:
        width = max(map(len, COMMANDS)) + 2
        listed = "\n".join(f"  {name:<{width}}{text}" for name, text in COMMANDS.items())
        stream = sys.stdout if argv else sys.stderr
        stream.write(_HELP.format(commands=listed))
        return OK if argv else BAD
    if argv[0] == "--version":
        sys.stdout.write(f"skypact {__version__}\n")
        return OK
    if argv[0] not in COMMANDS:
        close = difflib.get_close_matches(argv[0][:40], COMMANDS, 1)
        hint = f"did you mean 'skypact {close[0]}'?" if close else f"commands: {', '.join(COMMANDS)}"
        what = "option" if argv[0].startswith("-") else "command"
        raise UsageError(f"{argv[0][:60]!r} is no {what}; {hint}")
    verb = command(argv[0])
    return verb.run(verb.parser().parse_intermixed_args(argv[1:]))


def complain(text: str) -> None:
    """One line on standard error; nothing in it can move the cursor or colour the screen."""
    if sys.stderr is None:  # closed: the exit status still tells
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"skypact: {visible(text)}\n")
        sys.stderr.flush()


def visible(text: str) -> str:
    """The text with what could steer a terminal written out: control, format and unpaired characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp", "Co"} else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(
        char, f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    )


def _readable(stream: object) -> None:
    """Have a stream write what it can in its own encoding, rather than fail on a character that it lacks."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _of_os(error: OSError) -> str:
    name = error.filename if error.filename is not None else ""
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    text = error.strerror or str(error) or type(error).__name__
    return f"{name}: {text.lower()}" if name else text.lower()


def _of_bug(error: BaseException) -> str:
    place = ""
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if f"{os.sep}skypact{os.sep}" in path:
            place = f" at {path.rsplit(f'{os.sep}skypact{os.sep}', 1)[1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    text = "out of memory" if isinstance(error, MemoryError) else str(error).splitlines()[:1]
    return f"{type(error).__name__}{place}" + (
        f": {text if isinstance(text, str) else text[0]}" if text else ""
    )


def _leave_interrupted() -> NoReturn:
    """End now: a kernel in another thread cannot be stopped, so nothing waits for it."""
    complain("interrupted")
    os._exit(INTERRUPTED)
