"""An incident as a file: JSON lines, one an entry, each naming the one before it by its digest.

Law: a file is read whole or refused, with the line that is wrong. Every line is parsed strictly, has the
members that its kind has and no others, names the SHA-256 of the bytes of the line before it, and is a legal
entry after those above it (:mod:`skypact.incident.case`). So a line that was changed, taken out, put in or
moved is found, unless every line after it was made anew; who keeps the digest of the last line sees that too.
Nothing is ever half written: the file with its further lines takes the place of the old one in one step, and
a writer that another came before is told so.

What a member holds is written as a person writes it: an instant as RFC 3339, a value as
:mod:`skypact.incident.values` reads it. :data:`KINDS` is the whole of the format.

Known limits: the file alone does not say who wrote it. Signatures lie beside it
(:mod:`skypact.formats.incident_signatures`); who wrote a line without one is what the line says.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from skypact.airspace.labels import DataMode
from skypact.errors import FormatError, InputError, Reason, Refused
from skypact.formats.jsonpath import Node, joined, parse
from skypact.formats.output import replacing
from skypact.incident import values
from skypact.incident.case import Case, opened
from skypact.incident.claims import QUESTIONS, Claim, Finer, Modality, Predicate, Quote, Relation
from skypact.incident.entries import (
    Account,
    Assessment,
    Bearing,
    Custody,
    Degree,
    Entry,
    Evidence,
    Handling,
    Linked,
    Move,
    Opening,
    Related,
    Standing,
    Stated,
    Step,
    What,
    Withdrawal,
)
from skypact.instants import format_instant

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

TITLE: Final = "skypact incident 1"
"""What the first line says of the file's format."""
SIZE_MAX: Final = 64 * 1024 * 1024
"""A larger file is refused, in bytes."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a line: how it is read, how it is written, and how a person's text becomes its JSON."""

    read: Callable[[Node], Any]
    write: Callable[[Any], Any]
    typed: Callable[[str], Any] = str


def _line_of_text(node: Node) -> str:
    text = node.text()
    if not text.isprintable():
        raise node.error("not one line of text", "printable characters")
    return text


def _prose(node: Node) -> str:
    text = node.text()
    if not text.replace("\n", "").replace("\t", "").isprintable():
        raise node.error("not a text", "printable characters and ends of lines")
    return text


def _choice(kind: type[enum.Enum]) -> Member:
    return Member(lambda node: kind(node.one_of([one.value for one in kind])), lambda one: one.value)


def _parsed(read: Callable[..., Any]) -> Member:
    return Member(lambda node: read(node.text(), where=node.path), lambda value: value.text)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError("not a whole number", found=text, expected="digits") from None


_TEXT: Final = Member(_line_of_text, str)
_PROSE: Final = Member(_prose, str)
_INSTANT: Final = Member(lambda node: node.instant(), format_instant)
_PERIOD: Final = _parsed(values.period)
_LIST: Final = Member(lambda node: tuple(_line_of_text(each) for each in node.elements()), list, _split)
_FLAG: Final = Member(
    lambda node: node.flag(), bool, lambda text: {"true": True, "false": False}.get(text, text)
)


def _parties(node: Node) -> tuple[tuple[str, str], ...]:
    return tuple((party, _line_of_text(node.need(party))) for party in node.object().value)


def _named_parties(text: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in _split(text))
    return {party.strip(): name.strip() for party, _, name in pairs}


KINDS: Final[dict[str, tuple[type, dict[str, Member]]]] = {
    Opening.kind: (
        Opening,
        {
            "name": _TEXT,
            "title": _TEXT,
            "data_mode": _choice(DataMode),
            "parties": Member(_parties, dict, _named_parties),
            "window": _PERIOD,
            "area": _parsed(values.place),
            "instruments": _LIST,
        },
    ),
    Account.kind: (
        Account,
        {
            "id": _TEXT,
            "party": _TEXT,
            "speaker": _TEXT,
            "standing": _choice(Standing),
            "said": _PERIOD,
            "received": _INSTANT,
            "source": _TEXT,
            "language": _TEXT,
            "channel": _TEXT,
            "text": _PROSE,
            "translation": _PROSE,
            "source_sha256": _TEXT,
            "supersedes": _TEXT,
        },
    ),
    Stated.kind: (
        Claim,
        {
            "id": _TEXT,
            "account": _TEXT,
            "predicate": _choice(Predicate),
            "subject": _TEXT,
            "value": _TEXT,
            "modality": _choice(Modality),
            "quote": _PROSE,
            "quote_start": Member(lambda node: node.whole(), int, _number),
            "attributed_to": _TEXT,
            "condition": _TEXT,
            "during": _PERIOD,
            "thing": _TEXT,
            "zone": _TEXT,
        },
    ),
    Related.kind: (
        Related,
        {
            "first": _TEXT,
            "second": _TEXT,
            "relation": _choice(Relation),
            "why": _PROSE,
            "finer": _choice(Finer),
        },
    ),
    Evidence.kind: (
        Evidence,
        {
            "id": _TEXT,
            "sha256": _TEXT,
            "media_type": _TEXT,
            "title": _TEXT,
            "source": _TEXT,
            "collected": _INSTANT,
            "collected_by": _TEXT,
            "tool": _TEXT,
            "working": _FLAG,
        },
    ),
    Custody.kind: (
        Custody,
        {
            "evidence": _TEXT,
            "handling": _choice(Handling),
            "happened": _INSTANT,
            "to": _TEXT,
            "note": _PROSE,
        },
    ),
    Linked.kind: (
        Linked,
        {"evidence": _TEXT, "claim": _TEXT, "bearing": _choice(Bearing), "why": _PROSE},
    ),
    Assessment.kind: (
        Assessment,
        {
            "id": _TEXT,
            "author": _TEXT,
            "method": _PROSE,
            "degree": _choice(Degree),
            "finding": _PROSE,
            "claims": _LIST,
            "dissent": _PROSE,
        },
    ),
    Withdrawal.kind: (Withdrawal, {"account": _TEXT, "why": _PROSE}),
    Move.kind: (Move, {"step": _choice(Step), "why": _PROSE}),
}
"""Every kind of line, what it makes, and its members besides those that all lines have."""
LETTERS: Final = {Account.kind: "A", Stated.kind: "C", Evidence.kind: "E", Assessment.kind: "J"}
"""The kinds that have ids, and the letter that theirs begin with."""
_ENVELOPE: Final = ("n", "after", "entry", "at", "by", "post")
_SUFFIX: Final = "_us"
"""Fields that are instants have it, members do not."""


# -- entries and objects ------------------------------------------------------------------------------------


def what_of(node: Node, kind: str, *, ignoring: Sequence[str] = ()) -> What:
    """What an object's members say, for an entry of a kind.

    Parameters
    ----------
    ignoring
        Members that belong to the line.

    Raises
    ------
    InputError
        A member is missing, unknown, or not what it should be; its path is named.
    """
    made, members = KINDS[kind]
    for name in node.object().value:
        if name not in members and name not in ignoring:
            raise FormatError(
                f"no member of {kind!r}",
                where=joined(node.path, name),
                expected=", ".join(members),
            )
    if made is Claim:
        return Stated(_claim(node, members))
    known = {}
    for field in fields(made):
        name = field.name.removesuffix(_SUFFIX)
        if field.default is MISSING or name in node:
            known[field.name] = members[name].read(node.need(name))
    what: What = made(**known)
    return what


def written(case: Case, kind: str, said: Mapping[str, Any], at_us: int, by: str, post: str) -> Entry:
    """An entry that a person writes now: the id that comes next is its own, and what is now need not be said.

    Parameters
    ----------
    kind, said
        The kind of the entry, and its members as JSON has them.
    at_us, by, post
        When it is written, for whom, and by which post.

    Raises
    ------
    InputError
        As :func:`what_of`.
    """
    if kind not in KINDS:
        kinds = ", ".join(each for each in KINDS if each != Opening.kind)
        raise InputError("no kind of entry", where="entry", found=kind, expected=kinds)
    now = {Account.kind: "received", Custody.kind: "happened"}
    whole = {now[kind]: format_instant(at_us)} if kind in now else {}
    whole |= {"id": case.next_id(LETTERS[kind])} if kind in LETTERS else {}
    return Entry(at_us, by, post, what_of(Node(whole | dict(said), ""), kind))


def _claim(node: Node, members: Mapping[str, Member]) -> Claim:
    def read(name: str, default: Any = "") -> Any:
        return members[name].read(node.need(name)) if name in node else default

    def must(name: str) -> Any:
        return members[name].read(node.need(name))

    predicate: Predicate = must("predicate")
    value = node.get("value")
    return Claim(
        must("id"),
        must("account"),
        predicate,
        must("subject"),
        None if value is None else QUESTIONS[predicate].read(_line_of_text(value), where=value.path),
        must("modality"),
        Quote(must("quote"), read("quote_start", None)),
        read("attributed_to"),
        read("condition"),
        read("during", None),
        read("thing"),
        read("zone"),
    )


def members_of(what: What) -> dict[str, Any]:
    """An entry's members, as its line has them; what is not said is left out."""
    _, members = KINDS[what.kind]
    source: Any = what
    said: dict[str, Any] = {}
    if isinstance(what, Stated):
        source = what.claim
        said = {"quote": source.quote.text, "quote_start": source.quote.start}
        said["value"] = None if source.value is None else source.value.text
    for field in fields(source):
        name = field.name.removesuffix(_SUFFIX)
        if name not in said:
            value = getattr(source, field.name)
            said[name] = None if value is None else members[name].write(value)
    return {name: said[name] for name in members if said[name] or type(said[name]) is int}


# -- the file -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """An incident as it is kept.

    Attributes
    ----------
    case
        What its lines make.
    data
        Its bytes.
    digests
        The SHA-256 of each line in hexadecimal; the last names the whole file.
    """

    case: Case
    data: bytes
    digests: tuple[str, ...]

    @property
    def head(self) -> str:
        """The digest of the last line: who keeps it sees every change of what is there now."""
        return self.digests[-1]

    @property
    def lines(self) -> list[bytes]:
        """Its lines as they are stored, without their ends."""
        return self.data[:-1].split(b"\n")

    def with_entry(self, entry: Entry) -> Kept:
        """The same with one more line; raises as :meth:`Case.add <skypact.incident.case.Case.add>` does."""
        line = _line(entry, len(self.digests), self.head)
        return Kept(self.case.add(entry), self.data + line + b"\n", (*self.digests, _digest(line)))


def started(entry: Entry) -> Kept:
    """A file of its first line; raises as :func:`~skypact.incident.case.opened` does."""
    case = opened(entry)
    line = _line(entry, 0, "")
    return Kept(case, line + b"\n", (_digest(line),))


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _line(entry: Entry, number: int, after: str) -> bytes:
    head: dict[str, Any] = {"n": number, "after": after, "entry": entry.what.kind}
    if not number:
        head = {"format": TITLE, **head}
    head |= {"at": format_instant(entry.at_us), "by": entry.by, "post": entry.post}
    return json.dumps(head | members_of(entry.what), ensure_ascii=False, allow_nan=False).encode()


def read_incident(data: bytes, name: str) -> Kept:
    """An incident from the bytes of its file.

    Parameters
    ----------
    name
        The file's name, for messages.

    Raises
    ------
    InputError
        A line is not what the format, the line before it or the case allows; file and line are named.
    """
    if len(data) > SIZE_MAX:
        raise FormatError(
            "too long for an incident", where=name, found=len(data), expected=f"at most {SIZE_MAX} bytes"
        )
    if not data.endswith(b"\n"):
        raise FormatError(
            "no incident, or its last line was cut off", where=name, expected=f"lines of {TITLE!r}"
        )
    case: Case | None = None
    digests: list[str] = []
    for number, line in enumerate(data[:-1].split(b"\n")):
        try:
            entry = _entry(parse(line), number, digests[-1] if digests else "")
            case = opened(entry) if case is None else case.add(entry)
        except InputError as error:
            error.where = error.where.removeprefix("the document")
            raise error.at(f"{name}:{number + 1}") from None
        except Refused as error:
            where = f"{name}:{number + 1}" + (f": {error.where}" if error.where else "")
            raise FormatError(
                error.message, where=where, found=error.found, expected=error.expected
            ) from None
        digests.append(_digest(line))
    assert case is not None  # noqa: S101  # there is a first line, or one was refused
    return Kept(case, data, tuple(digests))


def _entry(node: Node, number: int, after: str) -> Entry:
    if not number and node.object().get("format") is None:
        raise FormatError("not an incident", where="format", expected=TITLE)
    if not number:
        node.need("format").one_of([TITLE])
    if node.need("n").value != number:
        raise node.need("n").error("a line is missing, or there twice", number)
    if node.need("after").value != after:
        raise node.need("after").error(
            "not the digest of the line before: that line, or this, was changed", after or "nothing"
        )
    kind = node.need("entry").one_of(list(KINDS))
    what = what_of(node, kind, ignoring=(*_ENVELOPE, *(() if number else ("format",))))
    at_us = node.need("at").instant()
    return Entry(at_us, _line_of_text(node.need("by")), _line_of_text(node.need("post")), what)


def kept_of(lines: Sequence[bytes], name: str) -> Kept:
    """An incident of its lines, as :func:`read_incident` reads them."""
    return read_incident(b"".join(line + b"\n" for line in lines), name)


def load(path: Path) -> Kept:
    """The incident of a file; raises :class:`~skypact.errors.InputError` as :func:`read_incident` does."""
    try:
        if path.stat().st_size > SIZE_MAX:
            raise FormatError(
                "too long for an incident", where=str(path), expected=f"at most {SIZE_MAX} bytes"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            "cannot be read", where=str(path), found=error.strerror, expected="an incident's file"
        ) from None
    return read_incident(data, str(path))


def start(path: Path, kept: Kept) -> None:
    """Make the file of a new incident.

    Raises
    ------
    InputError
        There is a file of that name, or it cannot be made.
    """
    if not path.parent.is_dir():
        raise InputError("cannot be made", where=str(path), expected="a folder that is there")
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(8)}.new")
    try:
        with replacing(unfinished) as stream:
            stream.write(kept.data)
        # a link is made only where there is nothing of that name: of two who start one, one is refused
        os.link(unfinished, path)
    except FileExistsError:
        raise InputError("is there already", where=str(path), expected="a new name") from None
    except OSError as error:
        raise InputError(
            "cannot be made", where=str(path), found=error.strerror, expected="a folder that is writable"
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)


def extend(path: Path, before: Kept, after: Kept) -> None:
    """Put an incident with further entries in the place of what was read.

    Raises
    ------
    Refused
        The file is not what was read any more: somebody else has written to it.
    InputError
        It cannot be written.
    """
    with _locked(path) as data:
        if data != before.data:
            raise Refused(
                Reason.CONFLICT,
                "somebody else has written to it meanwhile; nothing was added",
                where=str(path),
                expected="the same file; look at it, and add again",
            )
        with replacing(path) as stream:
            stream.write(after.data)


@contextmanager
def _locked(path: Path) -> Iterator[bytes]:
    """The bytes of a file that no other writer of ours replaces meanwhile."""
    while True:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # whoever held the lock before may have put another file in this one's place
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                yield file.read()
                return
