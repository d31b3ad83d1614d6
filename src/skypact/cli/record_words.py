"""What a leaf of the ledger says, in a line for people: messages, filings, incidents, accounts.

Law: a leaf is shown as it can be read, and nothing of it is judged; one of a kind that is not here, or that
cannot be read, is left to its bytes. A signature is not verified here: that a message is in the ledger shows
that it was said to this node, or by it, and the export's reader verifies whose it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from skypact.errors import InputError
from skypact.instants import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORDS_MAX: Final = 200
"""Longer ones are cut."""


def message_of(kind: str, content: bytes | None) -> dict[str, Any] | None:
    """The message that a leaf of the hotline has, as it was signed; None: it has none that can be read."""
    from skypact.formats.hotline_jws import read_envelope

    if content is None or kind not in {"hotline.sent", "hotline.received"}:
        return None
    try:
        payload = read_envelope(content.decode("ascii")).payload
    except (InputError, UnicodeDecodeError):
        return None
    found: dict[str, Any] = json.loads(payload)
    return found


def words(kind: str, content: bytes | None) -> str:
    """What a leaf says, in a line; "" where nothing can be said of it here."""
    if content is None:
        return ""
    try:
        said = _SAYS[kind](content) if kind in _SAYS else ""
    except (InputError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    line = " ".join(said.split())
    return line if len(line) <= WORDS_MAX else f"{line[: WORDS_MAX - 1]}…"


def _message(content: bytes) -> str:
    from skypact.exchange.hotline.messages import Acknowledged, Notice, Replied
    from skypact.formats.hotline_jws import read_envelope

    said = read_envelope(content.decode("ascii")).message
    about = ""
    if isinstance(said.body, Notice):
        about = f" {said.body.filing.value} {said.body.ref}, version {said.body.version}"
    elif isinstance(said.body, Acknowledged):
        about = f" level {said.body.level.value}"
    elif isinstance(said.body, Replied):
        about = f" {said.body.scope.value}, {said.body.intent.value}"
    text = "" if said.text is None else f": “{said.text.words}”"
    answers = f", answers {said.re[:8]}" if said.re else ""
    return (
        f"{said.kind.value} {said.serial}{about}, {said.sender} to {said.to}, "
        f"said {format_instant(said.said_us)}{answers}{text}"
    )


def _filing(content: bytes) -> str:
    said = _json(content)
    name = f" “{said['name']}”" if said.get("name") else ""
    return f"{said['class']}{name}"


def _move(content: bytes) -> str:
    said = _json(content)
    by = f", by {said['by']}" if said.get("by") else ""
    return f"{said['move']}: {said['state']}, version {said['version']}{by}"


def _entry(content: bytes) -> str:
    said = _json(content)
    line = json.loads(said["line"])
    ident = f" {line['id']}" if "id" in line else ""
    return (
        f"line {said['n'] + 1}: {line['entry']}{ident}, for {line['by']} ({line['post']}); "
        f"{said['way']} by {said['account']}"
    )


def _account(content: bytes) -> str:
    said = _json(content)
    return f"{said['role']}, by {said['by']}"


def _fork(content: bytes) -> str:
    return f"two checkpoints of the log {_json(content)['origin']} that contradict each other"


def _json(content: bytes) -> Mapping[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


_SAYS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "hotline.sent": _message,
    "hotline.received": _message,
    "hotline.refused": lambda content: content.decode("utf-8"),
    "filing.version": _filing,
    "filing.move": _move,
    "incident.entry": _entry,
    "account.made": _account,
    "account.changed": _account,
    "account.ended": _account,
    "witness.fork": _fork,
}
"""The kinds of leaves of which something can be said, and what says it."""
