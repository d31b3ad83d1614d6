"""``skypact notify``: filings read, judged and held against others, without a node.

Law: **acknowledged is not agreed; not listed is not unprotected; no conflict found is not clear**, and every
answer ends with it. A list or filing that cannot be read whole ends the command with every fault in it, and
nothing was checked. What is late, stale or doubtful is said and refuses nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from skypact.cli import FOUND, OK
from skypact.cli.parsing import MODES, Parser, instant_us
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

ACTIONS: Final = {
    "check": ("against", "pact", "party", "mode", "filed", "format"),
    "template": (),
}
"""What can be done, and the options of each."""

_DESCRIPTION = """\
Filings beyond flights: movements, sites, activities, zones. It needs no node.

  check FILE...   read lists (CSV, XLSX) and filings (JSON), say what is late,
                  stale or doubtful in them, and find what they meet: each
                  other, the pact's zones, and what --against names
  template KIND   print a list to begin with: sites or movements

Acknowledged is not agreed. Not listed is not unprotected. No conflict found
is not clear."""
_EPILOG = """\
  skypact notify template sites > sites.csv
  skypact notify check sites.csv convoy.csv --pact pact.toml --against day.csv

Exit status: 0 nothing found (read what was remarked on), 1 conflicts found,
2 bad usage or input: nothing was checked."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact notify``."""
    p = Parser("notify", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="ACTION", choices=ACTIONS, help="one of the above")
    p.add_argument("what", metavar="FILE", nargs="+", help="lists or filings; of template: the kind")
    p.add_argument(
        "--against",
        metavar="PATH",
        action="append",
        help="also find what they meet in this file: filings, tracks, plans, volumes, zones. May be repeated",
    )
    p.add_argument("--pact", metavar="FILE", help="the agreement: its minima, zones, notice periods, parties")
    p.add_argument("--party", metavar="NAME", help="whose filings a list has that does not say so itself")
    p.add_argument("--mode", choices=MODES, help="the data mode of lists that do not say it themselves")
    p.add_argument(
        "--filed", metavar="TIME", type=instant_us, help="when they were or will be filed (default now)"
    )
    p.add_argument("--format", choices=("table", "json"), help="of the answer (table)")
    return p


def run(given: argparse.Namespace) -> int:
    """Do it; 1 where conflicts were found."""
    action: str = given.action
    for name in ACTIONS["check"]:
        if getattr(given, name) is not None and name not in ACTIONS[action]:
            raise UsageError(f"--{name} is not an option of 'skypact notify {action}'")
    if action == "template":
        return _template(given.what)
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
