"""``skypact incident ... --node``: the incidents that a running node keeps, by the verbs of the terminal.

Law: nothing is decided here; the node refuses what is not allowed, and writes down who did it. A file that is
taken is sent as it is, with what signs it; a file that is exported is written as the node has it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from skypact.cli import FOUND, OK
from skypact.cli.calling import ask, fetch, instant
from skypact.cli.incident import of_json, print_json, say, table, typed
from skypact.cli.output import binary
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

SCOPE: Final = "skypact.people"
_PATH: Final = "/api/v1/incidents"
_NAME: Final = 28


def run(options: argparse.Namespace) -> int:
    """Do it."""
    return _DO[options.action](options)


def _list(options: argparse.Namespace) -> int:
    if options.format == "html":
        raise UsageError("'skypact incident list' is a table or JSON")
    answer = ask(options, "GET", _PATH, scope=SCOPE)[1]
    if options.format == "json":
        print_json(answer)
    else:
        say(list(listed(answer["incidents"])))
    return OK


def listed(incidents: list[dict[str, Any]]) -> Iterator[str]:
    """Incidents as lines of at most 80 columns; instants are UTC."""
    from skypact.cli.table import elided, padded

    if not incidents:
        yield "no incidents"
        return
    yield f"{'name':<{_NAME}}  {'status':<11}  entries  {'changed':<14}  head"
    for one in incidents:
        name = padded(elided(one["name"], _NAME), _NAME)
        changed, head = instant(one["changed"])[:14], one["head"][:8]
        yield f"{name}  {one['status']:<11}  {one['entries']:>7}  {changed}  {head}"


def _new(options: argparse.Namespace) -> int:
    from skypact.formats.incident_file import KINDS

    if not (options.title and options.parties):
        raise UsageError("'skypact incident new' needs --title TEXT and --parties LIST")
    said = {
        "name": str(options.file),
        "title": options.title,
        "parties": KINDS["incident"][1]["parties"].typed(options.parties),
        "window": options.window,
        "area": options.area,
        "instruments": options.instrument,
    }
    body = {name: value for name, value in said.items() if value is not None}
    return _written(options, ask(options, "POST", _PATH, scope=SCOPE, body=_bytes(body))[1], 0)


def _add(options: argparse.Namespace) -> int:
    if options.from_ is None:
        kind, *pairs = options.what
        entries = [{"entry": kind, **typed(kind, pairs)}]
    elif options.what:
        raise UsageError("'skypact incident add --from' takes its entries from that file alone")
    else:
        entries = [{"entry": kind, **said} for kind, said, _ in of_json(options.from_)]
    return _more(options, "entries", {"entries": entries}, len(entries))


def _withdraw(options: argparse.Namespace) -> int:
    if not options.why:
        raise UsageError("'skypact incident withdraw' needs a --why: it stays visible")
    return _more(options, "withdrawals", {"account": options.what[0], "why": options.why}, 1)


def _assess(options: argparse.Namespace) -> int:
    return _more(options, "assessments", typed("assessment", options.what), 1)


def _more(options: argparse.Namespace, what: str, body: Mapping[str, Any], many: int) -> int:
    answer = ask(options, "POST", f"{_one(options)}/{what}", scope=SCOPE, body=_bytes(body))[1]
    return _written(options, answer, many)


def _written(options: argparse.Namespace, whole: dict[str, Any], many: int) -> int:
    added = whole["lines"][len(whole["lines"]) - many :] if many else whole["lines"][:1]
    for each in added:
        line = each["line"]
        mark = f", {each['signed']}" if each["signed"] else ""
        ident = f" {line['id']}" if "id" in line else ""
        say([f"{line['entry']}{ident}: line {each['n'] + 1}, leaf {each['leaf']}{mark}"])
    say([f"{options.file}: {whole['status']}; {whole['entries']} entries, head {whole['head']}"])
    return OK


def _show(options: argparse.Namespace) -> int:
    if options.format == "html":
        raise UsageError("'skypact incident show' is a table or JSON; the page is 'skypact incident report'")
    data = ask(options, "GET", f"{_one(options)}/report", scope=SCOPE, query=_event(options))[1]
    if options.format == "json":
        print_json(data)
    else:
        say(list(table(data)))
    return FOUND if data["counts"]["sides"]["disputed"] else OK


def _report(options: argparse.Namespace) -> int:
    if options.format == "table":
        raise UsageError("'skypact incident report' is HTML or JSON; the table is 'skypact incident show'")
    how = options.format or "html"
    if options.output is None and how != "json":
        raise UsageError("'skypact incident report' needs --output FILE for the page, or --format json")
    query = {"format": how, **_event(options)}
    data = fetch(options, "GET", f"{_one(options)}/report", scope=SCOPE, query=query)[1]
    if how == "json":
        data = json.dumps(json.loads(data), indent=2, ensure_ascii=False).encode() + b"\n"
    with binary(options.output) as stream:
        stream.write(data)
    if how == "html":
        say([f"{options.output}: the report; it opens offline and prints"])
    return OK


def _export(options: argparse.Namespace) -> int:
    from skypact.formats.incident_signatures import SUFFIX

    if options.output is None:
        raise UsageError("'skypact incident export' needs --output FILE; signatures go beside it")
    data = fetch(options, "GET", f"{_one(options)}/file", scope=SCOPE)[1]
    signatures = fetch(options, "GET", f"{_one(options)}/signatures", scope=SCOPE)[1]
    beside = options.output.with_name(options.output.name + SUFFIX)
    for path, content in ((options.output, data), (beside, signatures)):
        with binary(path) as stream:
            stream.write(content)
    say([f"{options.output}: {data.count(10)} entries; {beside}: {signatures.count(10) - 1} signatures"])
    return OK


def _take(options: argparse.Namespace) -> int:
    from skypact.formats.incident_file import load
    from skypact.formats.incident_signatures import SIZE_MAX, SUFFIX
    from skypact.formats.source import Source

    kept = load(options.file)
    beside = options.file.with_name(options.file.name + SUFFIX)
    signatures = b""
    if beside.exists():
        with Source(beside) as source:
            signatures = source.read_bytes(SIZE_MAX)
    body = {"file": kept.data.decode(), "signatures": signatures.decode("ascii", errors="replace")}
    found = ask(options, "POST", "/api/v1/incident-files", scope=SCOPE, body=_bytes(body))[1]
    name, lines = found["incident"]["name"], found["lines"]
    words = {
        "new": f"new, {lines} entries",
        "extended": f"{lines} entries more",
        "known": "known already; signatures that were new are kept",
        "beside": f"it went on otherwise from line {lines} on: kept beside ours, and nothing was mixed",
    }
    say([f"{name}: {words[found['what']]}"])
    return FOUND if found["what"] == "beside" else OK


def _extract(options: argparse.Namespace) -> int:
    from skypact.cli.incident_extract import finish

    query = {name: getattr(options, name) for name in ("since", "until")}
    given = {name: value for name, value in query.items() if value is not None}
    found = ask(options, "GET", "/api/v1/record-extract", scope=SCOPE, query=given)[1]
    return finish(options, found["extract"], found["left_out"])


def _one(options: argparse.Namespace) -> str:
    return f"{_PATH}/{quote(str(options.file), safe='')}"


def _event(options: argparse.Namespace) -> dict[str, str]:
    return {} if options.event is None else {"event": options.event}


def _bytes(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UsageError("an argument is not Unicode text") from None


_DO: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "list": _list,
    "new": _new,
    "add": _add,
    "withdraw": _withdraw,
    "assess": _assess,
    "show": _show,
    "report": _report,
    "export": _export,
    "take": _take,
    "extract": _extract,
}
