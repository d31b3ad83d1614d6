"""``skypact incident``: an incident as one append-only file, each party's account beside the others'.

Law: a file is read and verified whole before anything is done with it, and written whole or not at all.
What a text proposes (``draft``) goes no further than a person takes it. Who writes an entry is said with it,
and a withdrawal is its party's. No output says who is right.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skypact.cli import FOUND, OK, calling, visible
from skypact.cli.output import binary, standard_output
from skypact.cli.parsing import MODES, Parser
from skypact.errors import InputError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from skypact.formats.incident_file import Kept
    from skypact.incident.entries import Entry

ON_FILES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "new": ("FILE", ("title", "parties", "mode", "window", "area", "instrument", "name", "by", "post", "at")),
    "add": ("FILE KIND [NAME=VALUE...]", ("from_", "by", "post", "at")),
    "withdraw": ("FILE ACCOUNT", ("why", "by", "post", "at")),
    "assess": ("FILE [NAME=VALUE...]", ("by", "post", "at")),
    "sign": ("FILE", ("pact", "key", "at")),
    "verify": ("FILE", ("pact", "format")),
    "show": ("FILE", ("format", "record", "pact")),
    "report": ("FILE", ("output", "format", "record", "pact")),
    "extract": (
        "no FILE",
        ("export", "bodies", "log", "witness", "quorum", "other_log", "pact", "event", "track", "output"),
    ),
    "draft": ("FILE|-", ("format",)),
}
"""What can be done with files, what it takes, and the options that belong to it."""
ON_NODE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "list": ("no NAME", ("format",)),
    "new": ("NAME", ("title", "parties", "window", "area", "instrument")),
    "add": ("NAME KIND [NAME=VALUE...]", ("from_",)),
    "withdraw": ("NAME ACCOUNT", ("why",)),
    "assess": ("NAME [NAME=VALUE...]", ()),
    "show": ("NAME", ("format", "event")),
    "report": ("NAME", ("output", "format", "event")),
    "export": ("NAME", ("output",)),
    "take": ("FILE", ()),
    "extract": ("no NAME", ("since", "until", "pact", "event", "track", "output")),
}
"""The same of the incidents that a node keeps."""
ACTIONS: Final = tuple(dict.fromkeys((*ON_FILES, *ON_NODE)))
_NAMED: Final = (
    "title", "parties", "mode", "window", "area", "instrument", "name", "from_", "why", "by", "post", "at",
    "format", "record", "output", "pact", "key", "event", "track", "export", "bodies", "log", "witness",
    "quorum", "other_log", "since", "until",
)  # fmt: skip
_FLAGS: Final = {"from_": "from", "other_log": "other-log"}
_ALONE: Final = ("list", "extract")
"""What takes no name and no file."""

_DESCRIPTION = """\
An incident as one append-only file: each party's account beside the others',
claim by claim, and what records can say of them. It never says who is right.

  new FILE           open an incident
  add FILE KIND ...  add an account, claim, relation, evidence, custody, link
                     or status, as NAME=VALUE; or what a JSON file has
  withdraw FILE ID   a party takes an account of its own back; it stays visible
  assess FILE ...    add an assessment (degree A to E), as NAME=VALUE
  sign FILE          sign every line that is there with a party's key, beside
                     the file; what the pact gives the key to is who signs
  verify FILE        say which lines are signed by who wrote them, and what was
                     changed since
  show FILE          verify every line, and say where the parties stand
  report FILE        the report, side by side, as one HTML file or as JSON
  extract            what a party's ledger says of its hotline, for --record:
                     from an export of it, or with --node from a node's own
  draft FILE|-       propose incidents and statements from an English news
                     text, for a person to accept; nothing is written

With --node the incidents are those that a running node keeps, NAME in place of
FILE, and each line is written by the account that asks (--as):
list, new, add, withdraw, assess, show, report, extract, and
  export NAME        write its file, and its signatures beside it
  take FILE          take another's file, with its signatures, as it came"""
_EPILOG = """\
  skypact incident new case.jsonl --title "The drone of 8 June" \\
      --parties "north:The north,south" --by office --post investigator
  skypact incident add case.jsonl account party=north speaker=spokesman \\
      standing=official said=2017-06-08Z source="a statement" language=en \\
      --by north --post "duty officer"

Exit status: 0 done, or nothing disputed; 1 'show' found claims that
contradict each other, 'verify' found lines that are not signed, 'draft' found
nothing to propose; 2 bad usage or input, a file that was changed, or an entry
that the incident does not allow."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact incident``."""
    p = Parser("incident", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="ACTION", choices=ACTIONS, help="one of the above")
    p.add_argument("file", metavar="FILE", type=Path, nargs="?", help="the incident's file, or a news text")
    p.add_argument("what", metavar="ARGUMENT", nargs="*", help="as above")
    p.add_argument("--title", metavar="TEXT", help="of new: what people call it")
    p.add_argument("--name", metavar="NAME", help="of new: its short name (the file's)")
    p.add_argument("--parties", metavar="LIST", help='of new: "ID:NAME,ID:NAME", in the order of columns')
    p.add_argument("--mode", metavar="MODE", choices=MODES, help="of new: real, exercise, simulated, test")
    p.add_argument("--window", metavar="PERIOD", help="of new: when it was, widely")
    p.add_argument("--area", metavar="PLACE", help='of new: where it was, widely: "33.5, 38.6 ± 90 km"')
    p.add_argument("--instrument", metavar="TEXT", action="append", help="of new: an agreement invoked")
    p.add_argument(
        "--from", dest="from_", metavar="FILE", help="of add: entries as a JSON array (- is stdin)"
    )
    p.add_argument("--why", metavar="TEXT", help="of withdraw: why; it stays visible")
    p.add_argument("--by", metavar="PARTY", help="for whom an entry is written: a party or an office")
    p.add_argument("--post", metavar="POST", help="which post wrote it: duty officer, investigator")
    p.add_argument("--at", metavar="TIME", help="when it was written (now)")
    p.add_argument(
        "--record",
        metavar="FILE",
        type=Path,
        action="append",
        help="of show and report: an extract of a party's record",
    )
    p.add_argument(
        "--pact",
        metavar="FILE",
        type=Path,
        help="of sign, verify, show, report and extract: the agreement, with the parties' keys",
    )
    p.add_argument(
        "--key", metavar="FILE", type=Path, help="of sign: the party's secret key (PEM, mode 0600)"
    )
    p.add_argument("--output", metavar="FILE", type=Path, help="of report, extract and export: where it goes")
    p.add_argument("--event", metavar="PERIOD", help="of extract, and with --node: when the event was")
    p.add_argument(
        "--track",
        metavar="FILE",
        type=Path,
        action="append",
        help="of extract: a file of tracks, to be named in it",
    )
    p.add_argument("--export", metavar="DIR", type=Path, help="of extract: an export of the party's ledger")
    p.add_argument("--bodies", metavar="FILE", type=Path, help="of extract: the contents of that export")
    p.add_argument("--log", metavar="VKEY", help="of extract: the ledger's key, as it was handed on")
    p.add_argument(
        "--witness", metavar="VKEY", action="append", help="of extract: a witness's key; as many as there are"
    )
    p.add_argument(
        "--quorum", metavar="K", type=int, help="of extract: how many witnesses have to have cosigned (all)"
    )
    p.add_argument(
        "--other-log",
        metavar="VKEY",
        action="append",
        help="of extract: the key of a log that the holder may have found to contradict itself",
    )
    p.add_argument("--since", metavar="TIME", help="of extract --node: of what was written after it")
    p.add_argument("--until", metavar="TIME", help="of extract --node: and not after this")
    p.add_argument("--node", action="store_true", help="the incidents of a running node")
    p.add_argument("--format", metavar="FORMAT", choices=("html", "table", "json"), help="html, table, json")
    calling.options(p)
    return p


def run(options: argparse.Namespace) -> int:
    """Do it."""
    action: str = options.action
    table = ON_NODE if options.node else ON_FILES
    said = f"skypact incident {action}" + (" --node" if options.node else "")
    if action not in table:
        raise UsageError(
            f"'skypact incident {action}' is of files: leave --node out"
            if options.node
            else f"'skypact incident {action}' is of the incidents of a node: add --node"
        )
    takes, allowed = table[action]
    for name in _NAMED:
        if getattr(options, name) is not None and name not in allowed:
            raise UsageError(f"--{_FLAGS.get(name, name)} is not an option of '{said}'")
    for name in ("url", "token", "account"):
        if not options.node and getattr(options, name) is not None:
            raise UsageError(f"--{'as' if name == 'account' else name} is for a node: add --node")
    few = {"add": 0 if options.from_ else 1, "withdraw": 1}.get(action, 0)
    most = {"add": 1000, "assess": 1000, "withdraw": 1}.get(action, 0)
    if (options.file is None) is not (action in _ALONE) or not few <= len(options.what) <= most:
        raise UsageError(f"'{said}' takes {takes}")
    if options.node:
        from skypact.cli import incident_node

        return incident_node.run(options)
    if "by" in allowed and not (options.by and options.post):
        raise UsageError(
            f"'skypact incident {action}' needs --by PARTY and --post POST: who writes the entry"
        )
    return _DO[action](options)


def _written(options: argparse.Namespace, what: Any) -> Entry:
    from skypact.incident.entries import Entry

    return Entry(_at_us(options), options.by, options.post, what)


def _at_us(options: argparse.Namespace) -> int:
    from skypact.instants import parse_instant

    now_us = time.time_ns() // 1_000_000 * 1_000  # the terminal is one of the places where the clock enters
    return now_us if options.at is None else parse_instant(options.at, where="--at")


def _new(options: argparse.Namespace) -> int:
    from skypact.formats.incident_file import KINDS, start, started, what_of
    from skypact.formats.jsonpath import Node

    if not (options.title and options.parties):
        raise UsageError("'skypact incident new' needs --title TEXT and --parties LIST")
    members = KINDS["incident"][1]
    said = {
        "name": options.name or options.file.name.partition(".")[0].lower(),
        "title": options.title,
        "data_mode": options.mode or "real",
        "parties": members["parties"].typed(options.parties),
        "window": options.window,
        "area": options.area,
        "instruments": options.instrument,
    }
    what = what_of(Node({name: value for name, value in said.items() if value is not None}, ""), "incident")
    kept = started(_written(options, what))
    start(options.file, kept)
    say([f"{options.file}: opened, head {kept.head}"])
    return OK


def _add(options: argparse.Namespace) -> int:
    if options.from_ is None:
        kind, *pairs = options.what
        return _append(options, [(kind, typed(kind, pairs), f"'{kind}'")])
    if options.what:
        raise UsageError("'skypact incident add --from' takes its entries from that file alone")
    return _append(options, list(of_json(options.from_)))


def _assess(options: argparse.Namespace) -> int:
    return _append(options, [("assessment", typed("assessment", options.what), "'assessment'")])


def _withdraw(options: argparse.Namespace) -> int:
    if not options.why:
        raise UsageError("'skypact incident withdraw' needs a --why: it stays visible")
    said = {"account": options.what[0], "why": options.why}
    return _append(options, [("withdrawal", said, "'withdrawal'")])


def typed(kind: str, pairs: list[str]) -> dict[str, Any]:
    """What a person typed as NAME=VALUE, as JSON has it."""
    from skypact.formats.incident_file import KINDS

    kinds = [name for name in KINDS if name != "incident"]
    if kind not in kinds:
        raise UsageError(f"{kind[:60]!r} is no kind of entry; expected {', '.join(kinds)}")
    members = KINDS[kind][1]
    said: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in members:
            raise UsageError(f"{pair[:60]!r}: expected NAME=VALUE, with one of {', '.join(members)}")
        if name in said:
            raise UsageError(f"{name}= is there twice")
        said[name] = members[name].typed(text)
    return said


def of_json(name: str) -> list[tuple[str, dict[str, Any], str]]:
    """The entries of a JSON array, each an object whose member ``entry`` is its kind."""
    from skypact.formats.incident_file import KINDS
    from skypact.formats.jsonpath import parse
    from skypact.formats.source import Source

    with Source(Path(name)) as source:
        data = source.read_bytes(16 * 1024 * 1024)
    found = []
    try:
        for node in parse(data).elements("an array of entries"):
            kind = node.need("entry").one_of([each for each in KINDS if each != "incident"])
            said = {member: value for member, value in node.value.items() if member != "entry"}
            found.append((kind, said, node.path))
    except InputError as error:
        raise error.at(name) from None
    return found


def _append(options: argparse.Namespace, entries: list[tuple[str, dict[str, Any], str]]) -> int:
    """Add entries, all or none of them."""
    from skypact.formats.incident_file import extend, load, written

    before = after = load(options.file)
    added = []
    for kind, said, where in entries:
        try:
            entry = written(after.case, kind, said, _at_us(options), options.by, options.post)
        except InputError as error:
            raise error.at(where) from None
        after = after.with_entry(entry)
        ident = getattr(entry.what, "id", "") or getattr(getattr(entry.what, "claim", None), "id", "")
        added.append(f"{kind} {ident}".rstrip())
    extend(options.file, before, after)
    say([f"{options.file}: {', '.join(added) or 'nothing added'}"])
    say([f"{after.case.status.value}; {len(after.digests)} entries, head {after.head}"])
    return OK


def _sign(options: argparse.Namespace) -> int:
    from skypact.cli import incident_signing

    return incident_signing.sign(options, _at_us(options))


def _verify(options: argparse.Namespace) -> int:
    from skypact.cli import incident_signing

    return incident_signing.verify(options)


def _extract(options: argparse.Namespace) -> int:
    from skypact.cli import incident_extract

    return incident_extract.of_export(options)


# -- what there is ------------------------------------------------------------------------------------------


def _report_of(options: argparse.Namespace) -> tuple[Kept, list[Any], dict[str, Any]]:
    from skypact.cli.incident_signing import standing
    from skypact.formats.incident_file import load
    from skypact.formats.incident_record import read_record
    from skypact.formats.incident_report import report

    kept = load(options.file)
    books = [read_record(path, kept.case.opening.data_mode) for path in options.record or ()]
    return kept, books, report(kept, books, standing(options, kept))


def _show(options: argparse.Namespace) -> int:
    if options.format == "html":
        raise UsageError("'skypact incident show' is a table or JSON; the page is 'skypact incident report'")
    _, _, data = _report_of(options)
    if options.format == "json":
        print_json(data)
    else:
        say(list(table(data)))
    return FOUND if data["counts"]["sides"]["disputed"] else OK


def table(data: dict[str, Any]) -> list[str]:
    """Where the parties stand, for a terminal."""
    incident, file = data["incident"], data["file"]
    lines = [
        f"{incident['data_mode'].upper()}  {incident['title']} ({incident['name']}): {incident['status']}",
        f"{file['entries']} entries verified, head {file['head']}",
        *([_told(data["signatures"])] if data["signatures"] else []),
        data["statement"],
    ]
    claims = {claim["id"]: claim for claim in data["claims"]}
    for row in data["sides"]:
        lines += ["", f"{row['question']}: {row['subject']}  [{row['agreement']}]"]
        for party, idents in row["cells"].items():
            if not idents:
                lines.append(f"  {party}: silent")
            for claim in (claims[ident] for ident in idents):
                gone = "" if claim["withdrawn"] is None else f" (withdrawn: {claim['withdrawn']})"
                gone = gone or (f" (put right by {claim['superseded_by']})" if claim["superseded_by"] else "")
                said = "" if claim["modality"] == "asserted" else f"{claim['modality']}: "
                value = claim["value"] or "no value"
                lines.append(f"  {party}: {claim['id']} {said}{value} (“{claim['quote']}”){gone}")
                lines += [
                    f"    record of {r['holder']}: {r['verdict']}; {r['margin']}" for r in claim["records"]
                ]
        lines += [
            f"  {each['first']} {each['relation']} {each['second']}"
            + (f": {each['why']}" if each["why"] else "")
            for each in row["between"]
        ]
    return lines


def _told(signatures: dict[str, Any]) -> str:
    """What is known of the signatures, for a terminal."""
    faults = "".join(f"; FAULT: {fault}" for fault in signatures["faults"])
    if not signatures["mark"]:
        return f"each line is signed by the party that it was written for{faults}"
    return f"{signatures['mark']}: {len(signatures['unsigned'])} lines{faults}"


def _report(options: argparse.Namespace) -> int:
    if options.format == "table":
        raise UsageError("'skypact incident report' is HTML or JSON; the table is 'skypact incident show'")
    if options.output is None and options.format != "json":
        raise UsageError("'skypact incident report' needs --output FILE for the page, or --format json")
    kept, books, data = _report_of(options)
    if options.format == "json":
        with binary(options.output) as stream:
            stream.write(json.dumps(data, indent=2, ensure_ascii=False).encode() + b"\n")
        return OK
    from skypact.formats.incident_html import page

    made = page(kept, books, data)
    with binary(options.output) as stream:
        stream.write(made)
    say([f"{options.output}: the report; it opens offline and prints"])
    return OK


def _draft(options: argparse.Namespace) -> int:
    from skypact.formats.incident_press import TEXT_MAX, as_json, draft
    from skypact.formats.source import Source

    if options.format == "html":
        raise UsageError("'skypact incident draft' is a table or JSON")
    with Source(options.file) as source:
        data = source.read_bytes(4 * TEXT_MAX)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "not UTF-8", where=str(options.file), found=f"byte 0x{data[error.start]:02x}", expected="a text"
        ) from None
    try:
        found = draft(text)
    except InputError as error:
        raise error.at(str(options.file)) from None
    if options.format == "json":
        print_json(as_json(found))
    else:
        say(list(_proposals(as_json(found))))
    return OK if found.incidents or found.statements else FOUND


def _proposals(found: dict[str, Any]) -> Iterator[str]:
    """What a text proposes, for a terminal."""
    yield found["statement"]
    yield f"The text is dated {found['dated'] or 'by nobody'}; SHA-256 {found['source_sha256']}"
    for k, one in enumerate(found["incidents"], 1):
        near = f", {one['place']}" if one["place"] else ""
        note = " (the day is that of an announcement)" if one["day_is_of_the_announcement"] else ""
        yield f"incident {k}: {one['day']}{near}{note}"
        yield f"  {one['quote_start']}-{one['quote_end']}  {one['quote']}"
    for k, one in enumerate(found["statements"], 1):
        said = f", {one['said']}" if one["said"] else ""
        about = f", about {one['about']}" if one["about"] else ""
        yield f"statement {k}: {one['speaker']} ({one['verb']}{said}{about})"
        yield f"  {one['quote_start']}-{one['quote_end']}  {one['quote']}"
        for claim in one["claims"]:
            denied = "" if claim["modality"] == "asserted" else f"{claim['modality']}: "
            yield f"  claim {claim['predicate']}: {claim['subject']}: {denied}{claim['value']}"
    for one in found["unattributed"]:
        yield "nobody is named for this, so it is not proposed:"
        yield f"  {one['quote_start']}-{one['quote_end']}  {one['quote']}"


def print_json(value: object) -> None:
    """A value as JSON on standard output."""
    with standard_output():
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def say(lines: list[str]) -> None:
    """Lines on standard output."""
    with standard_output():
        sys.stdout.writelines(f"{visible(line)}\n" for line in lines)


_DO: Final = {
    "new": _new,
    "add": _add,
    "withdraw": _withdraw,
    "assess": _assess,
    "sign": _sign,
    "verify": _verify,
    "show": _show,
    "report": _report,
    "extract": _extract,
    "draft": _draft,
}
