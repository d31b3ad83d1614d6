"""``skypact notify`` with a node: filings filed, listed, shown, amended, begun, ended, cancelled, imported.

Law: who asks is a person's account (``--as``), and the node says what he may. A line a filing, within 80
columns; that it is stale, unread, unchecked or in conflict stands in it. Every fault of a list is told.
"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from skypact.cli import FOUND, OK, complain, visible
from skypact.cli.calling import Refusal, ask, instant
from skypact.cli.output import standard_output
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

ACTIONS: Final = {
    "file": ("FILE",),
    "import": ("FILE",),
    "list": (),
    "show": ("REF",),
    "amend": ("REF", "FILE"),
    "begin": ("REF",),
    "end": ("REF",),
    "cancel": ("REF",),
}
"""What can be asked of a node, and what each takes."""
SCOPE: Final = "skypact.people"
LARGEST: Final = 16 * 1024 * 1024
"""A larger file is no filing and no list."""
_PATH: Final = "/api/v1/filings"
_WIDTH: Final = 80
_NAME: Final = 20
_MEETS_MAX: Final = 20
"""Findings that are listed; ``--json`` has all that are kept."""


def run(given: argparse.Namespace) -> int:
    """Do it; 1 where a check found conflicts in what was filed."""
    takes = ACTIONS[given.action]
    if len(given.what) != len(takes):
        raise UsageError(f"'skypact notify {given.action}' takes {' '.join(takes) or 'no argument'}")
    if given.action == "list":
        return _list(given)
    if given.action == "import":
        return _import(given)
    if given.action == "show":
        answer = ask(given, "GET", _place(given, given.what[0]), scope=SCOPE)[1]
        return _say(given, answer, shown(answer), OK)
    query = {name: "true" for name in ("dry", "draft") if getattr(given, name)}
    if given.action == "file":
        answer = ask(given, "POST", _PATH, scope=SCOPE, query=query, body=_bytes(given.what[0]))[1]
    elif given.action == "amend":
        place = _place(given, given.what[0])
        answer = ask(given, "PUT", place, scope=SCOPE, query=query, body=_bytes(given.what[1]))[1]
    else:
        answer = ask(given, "POST", f"{_place(given, given.what[0])}/{given.action}", scope=SCOPE)[1]
        return _say(given, answer, shown(answer), OK)
    return _came(given, answer)


def _came(given: argparse.Namespace, answer: dict[str, Any]) -> int:
    """What came of a filing: filed, checked only, or kept as a draft."""
    if "findings" in answer:
        found = sum(each.get("found", 0) for each in answer["findings"])
        return _say(given, answer, checked(answer), FOUND if found else OK)
    if "versions" not in answer:
        return _say(given, answer, iter([f"draft  {answer['id']}  nobody was told"]), OK)
    return _say(given, answer, shown(answer), FOUND if answer.get("found") else OK)


def _list(given: argparse.Namespace) -> int:
    query = {"limit": "1000", "live": str(not given.ended).lower(), "stale": str(given.stale).lower()}
    query |= {
        name: value
        for name, value in (("class", given.kind), ("filer", given.filer), ("state", given.state))
        if value is not None
    }
    found: list[dict[str, Any]] = []
    warning = None
    while True:
        page = ask(given, "GET", _PATH, scope=SCOPE, query=query)[1]
        found += page["filings"]
        warning = warning or page.get("warning")
        if "next" not in page:
            break
        query["after"] = page["next"]
    whole = {"filings": found, "meaning": page["meaning"]} | ({"warning": warning} if warning else {})
    return _say(given, whole, table(whole), OK)


def _import(given: argparse.Namespace) -> int:
    query = {"dry": "true"} if given.dry else {}
    try:
        answer = ask(given, "POST", f"{_PATH}/import", scope=SCOPE, query=query, body=_bytes(given.what[0]))[
            1
        ]
    except Refusal as refusal:
        for fault in refusal.problem.get("errors", ()):
            complain(f"error: {fault}")
        raise
    if "findings" in answer:
        return _came(given, answer)
    conflicts = any(each.get("found") for each in answer["filings"])
    return _say(given, answer, table(answer), FOUND if conflicts else OK)


def _place(given: argparse.Namespace, ref: str) -> str:
    """The path of a filing; a number alone is one of the party's own."""
    filer, slash, serial = ref.rpartition("/")
    if not slash:
        filer = ask(given, "GET", "/api/v1/me", scope=SCOPE)[1]["party"]
    if not serial.isascii() or not serial.isdigit():
        raise UsageError(f"no filing is called {ref[:60]!r}; expected like 'office/12', or '12' of one's own")
    return f"{_PATH}/{quote(filer, safe='')}/{serial}"


def _bytes(path: str) -> bytes:
    from pathlib import Path

    file: Path = Path(path)
    if file.is_dir():
        raise UsageError(f"{path}: is a folder; name a file")
    if file.stat().st_size > LARGEST:
        raise UsageError(f"{path}: larger than {LARGEST // 2**20} MiB; no filing and no list is")
    return file.read_bytes()


def _say(given: argparse.Namespace, answer: Any, lines: Iterator[str], status: int) -> int:
    with standard_output():
        if given.json:
            import msgspec

            sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
        else:
            for line in lines:
                sys.stdout.write(visible(line) + "\n")
    return status


# -- for people ---------------------------------------------------------------------------------------------


def table(answer: dict[str, Any]) -> Iterator[str]:
    """Filings as lines of at most 80 columns, and what none of it means."""
    from skypact.cli.table import elided, padded

    if not answer["filings"]:
        yield "no filings"
    else:
        yield f"{'filing':<12}  {'class':<8}  {'state':<9}  {'from':<11}  {'name':<{_NAME}}  found"
    for filing in answer["filings"]:
        name = padded(elided(visible(filing["name"]), _NAME), _NAME)
        ident = padded(elided(visible(filing["id"]), 12), 12)
        yield (
            f"{ident}  {filing['class']:<8}  {filing['state']:<9}  "
            f"{instant(filing['opens'])[:11]}  {name}  {_word(filing)}"
        ).rstrip()
    yield from _meaning(answer)


def _word(filing: dict[str, Any]) -> str:
    """What stands out of a filing, in a word."""
    if filing["here"] == "notice":
        return "notice only"
    if filing["here"] == "bytes":
        return "unreadable"
    found = filing.get("found")
    text = "unchecked" if found is None else str(found)
    return f"{text} STALE" if filing.get("stale") else text


def shown(filing: dict[str, Any]) -> Iterator[str]:
    """One filing, for a terminal of 80 columns."""
    until = f"to {filing['closes']}" if "closes" in filing else "without an end"
    yield from _wrapped(
        f"{filing['class']}  {filing['id']} {filing['name']}".rstrip() + f"  {filing['state']}", "", "  "
    )
    yield f"  {filing['data_mode'].upper()} DATA, version {filing['version']}"
    yield from _wrapped(f"{filing['opens']} {until}", "  ", "  ")
    if filing.get("stale"):
        yield from _wrapped(
            f"STALE: to be confirmed by {filing['reconfirm_by']}; it holds, and is no less protected",
            "  ",
            "  ",
        )
    if filing.get("notice"):
        yield from _wrapped(filing["notice"], "  ", "  ")
    if filing.get("fault"):
        yield from _wrapped(f"FAULT: {filing['fault']}", "  ", "  ")
    for told in filing.get("told", ()):
        what = "told that it holds no longer" if told["over"] else f"told version {told['version']}"
        yield from _wrapped(f"{told['party']}: {what}", "  ", "    ")
    for move in filing.get("moves", ()):
        by = move.get("by") or ("the clock" if move["move"] == "expire" else filing["filer"])
        yield from _wrapped(f"{instant(move['at'])}  {move['move']} by {by}", "  ", "    ")
    for version in filing.get("versions", ()):
        if version.get("fetching"):
            yield from _wrapped(
                f"version {version['version']} is to be fetched: {version['fetching']}", "  ", "    "
            )
        if version["version"] == filing["version"]:
            yield from _findings(version.get("checks", []))
    yield from _meaning(filing)


def checked(answer: dict[str, Any]) -> Iterator[str]:
    """What a check found of what was not filed."""
    yield "nothing was filed, and nobody was told"
    for findings in answer["findings"]:
        yield from _wrapped(str(findings.get("notice", "")), "  ", "  ")
        yield from _of_check(findings)
    yield from _meaning(answer)


def _findings(checks: list[dict[str, Any]]) -> Iterator[str]:
    if not checks:
        yield "  not checked yet"
        return
    yield f"  checked {instant(checks[-1]['checked'])}:"
    yield from _of_check(checks[-1]["findings"])


def _of_check(findings: dict[str, Any]) -> Iterator[str]:
    if "fault" in findings:
        yield from _wrapped(f"could not be checked: {findings['fault']}", "    ", "    ")
        return
    meets = findings["meets"]
    for row in meets[:_MEETS_MAX]:
        who = " and ".join(f"{row[side]['id']} ({row[side]['party']})" for side in ("a", "b"))
        yield from _wrapped(f"- {who}, {row['start']} to {row['end']}", "    ", "      ")
    if len(meets) > _MEETS_MAX:
        yield f"    and {findings['found'] - _MEETS_MAX} more; --json has them"
    if not meets:
        yield "    no conflict found"
    for remark in findings["remarks"]:
        yield from _wrapped(f"{remark['severity']}: {remark['place']}: {remark['text']}", "    ", "      ")
    for ref in findings["not_read"]:
        yield from _wrapped(f"not held against {ref}: nothing of it can be read", "    ", "      ")
    if findings["unchecked"]:
        yield f"    {len(findings['unchecked'])} pairs were not decided; --json has them"


def _meaning(answer: dict[str, Any]) -> Iterator[str]:
    if answer.get("warning"):
        yield from _wrapped(answer["warning"], "", "  ")
    yield from _wrapped(answer["meaning"], "", "  ")


def _wrapped(text: str, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        visible(text), _WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )
