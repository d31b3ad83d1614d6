"""``skypact notify``: filings checked without a node, and filed, listed and moved with one.

Law: **acknowledged is not agreed; not listed is not unprotected; no conflict found is not clear**, and every
answer ends with it. A list or filing that cannot be read whole ends the command with every fault in it, and
nothing was checked. What is late, stale or doubtful is said and refuses nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from skypact.cli import FOUND, OK
from skypact.cli.calling import options
from skypact.cli.parsing import MODES, Parser, instant_us
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

_ASKING: Final = ("json", "url", "token", "account", "config")
ACTIONS: Final = {
    "check": ("against", "pact", "party", "mode", "filed", "format"),
    "template": (),
    "file": ("dry", "draft", *_ASKING),
    "import": ("dry", *_ASKING),
    "list": ("kind", "state", "filer", "ended", "stale", *_ASKING),
    "show": _ASKING,
    "amend": ("dry", *_ASKING),
    "begin": _ASKING,
    "end": _ASKING,
    "cancel": _ASKING,
}
"""What can be done, and the options of each."""
_OPTIONS: Final = {name: name for names in ACTIONS.values() for name in names} | {
    "kind": "class",
    "account": "as",
}
"""Every option by the attribute that it is parsed into."""

_DESCRIPTION = """\
Filings beyond flights: movements, sites, activities, zones.

Without a node:
  check FILE...   read lists (CSV, XLSX) and filings (JSON), say what is late,
                  stale or doubtful in them, and find what they meet: each
                  other, the pact's zones, and what --against names
  template KIND   print a list to begin with: sites or movements

With the node that runs here, as a person (--as NAME):
  file FILE       file one; who it is released to is told
  import FILE     file a list or an array: all of it or nothing
  list            those that hold, of this party and of others
  show REF        one: versions, findings, who was told; REF is like office/12
  amend REF FILE  file a new version
  begin, end, cancel REF
                  what it is now; who knows of it is told when it is off

Acknowledged is not agreed. Not listed is not unprotected. No conflict found
is not clear."""
_EPILOG = """\
  skypact notify template sites > sites.csv
  skypact notify check sites.csv convoy.csv --pact pact.toml --against day.csv
  skypact notify import sites.csv --as rana

Exit status: 0 nothing found, or done (read what was remarked on), 1 conflicts
found, 2 bad usage or input: nothing was checked, or filed."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact notify``."""
    p = Parser("notify", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="ACTION", choices=ACTIONS, help="one of the above")
    p.add_argument("what", metavar="ARGUMENT", nargs="*", help="lists, filings or a reference, as above")
    p.add_argument(
        "--against",
        metavar="PATH",
        action="append",
        help="of check: also find what they meet in this file. May be repeated",
    )
    p.add_argument("--pact", metavar="FILE", help="of check: the agreement")
    p.add_argument("--party", metavar="NAME", help="of check: whose filings a list has that does not say it")
    p.add_argument("--mode", choices=MODES, help="of check: the data mode of lists that do not say it")
    p.add_argument(
        "--filed", metavar="TIME", type=instant_us, help="of check: when they were filed (default now)"
    )
    p.add_argument("--format", choices=("table", "json"), help="of check: of the answer (table)")
    p.add_argument("--dry", action="store_true", help="of file, import, amend: check, and file nothing")
    p.add_argument("--draft", action="store_true", help="of file: keep it as a draft, and tell nobody")
    p.add_argument(
        "--class",
        dest="kind",
        choices=("movement", "site", "activity", "zone"),
        help="of list: only these",
    )
    p.add_argument("--state", metavar="STATE", help="of list: only those in this state (with --ended)")
    p.add_argument("--filer", metavar="PARTY", help="of list: only this party's")
    p.add_argument("--ended", action="store_true", help="of list: those that are over too")
    p.add_argument("--stale", action="store_true", help="of list: only sites that are stale")
    p.add_argument("--json", action="store_true", help="print the node's answer as JSON")
    options(p)
    return p


def run(given: argparse.Namespace) -> int:
    """Do it; 1 where conflicts were found."""
    action: str = given.action
    for name, option in _OPTIONS.items():
        if (getattr(given, name) or None) is not None and name not in ACTIONS[action]:
            raise UsageError(f"--{option} is not an option of 'skypact notify {action}'")
    if action == "template":
        return _template(given.what)
    if action != "check":
        from skypact.cli import notify_node

        return notify_node.run(given)
    if not given.what:
        raise UsageError("'skypact notify check' takes at least one list or filing")
    from skypact.airspace.jit import on_compile
    from skypact.cli import notify_check, notify_show
    from skypact.cli.progress import Progress

    asked = notify_check.Asked.of(given)
    progress = Progress()
    on_compile(progress.compiling)
    answer = progress.run(lambda: notify_check.check(asked, progress.phase))
    if given.format == "json":
        notify_show.write_json(answer)
    else:
        notify_show.write_table(answer)
    return FOUND if answer.report.found else OK


def _template(kinds: list[str]) -> int:
    from skypact.cli.output import standard_output
    from skypact.formats.filing_lists import COLUMNS
    from skypact.formats.filing_lists_templates import template

    if len(kinds) != 1 or kinds[0] not in COLUMNS:
        raise UsageError(
            f"'skypact notify template' takes one of {', '.join(COLUMNS)}; found {' '.join(kinds)[:60]!r}"
        )
    with standard_output():
        sys.stdout.write(template(kinds[0]))
    return OK
