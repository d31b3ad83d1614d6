"""``skypact formats``: what can be read and written.

Law: the lists are those of the readers and writers themselves; nothing is listed here that is not there.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from skypact.cli import OK
from skypact.cli.parsing import Parser

if TYPE_CHECKING:
    import argparse


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact formats``: none."""
    return Parser("formats", "List the formats that can be read and written. Any of them may be gzip.")


def run(_options: argparse.Namespace) -> int:
    """Print the list."""
    from skypact.cli.convert import WRITTEN
    from skypact.cli.output import standard_output
    from skypact.formats import FORMATS

    width = max(map(len, FORMATS))
    with standard_output():
        sys.stdout.write("Formats are told by content, not by name. Any may be gzip.\n\n")
        for name, item in FORMATS.items():
            written = f"  written: {', '.join(WRITTEN[name])}" if name in WRITTEN else ""
            sys.stdout.write(f"  {name:<{width}}  {item.title:<24}{written}".rstrip() + "\n")
        sys.stdout.write("\nWritten by 'skypact convert'. 'skypact check' writes findings as table, json,\n")
        sys.stdout.write("geojson or csv, and as a map.\n")
    return OK
