"""On which line of a pact's text a place is: the reader of TOML keeps no lines, and a person has to find it.

Law: this finds lines and nothing else; what the text says is read by the standard library alone. A place that
is not found, or found wrongly in a text of some odd layout, costs its reader a search, and changes no value.

How it works. Strings and comments are blanked, line ends kept; then headers and the keys at the beginnings of
lines are noted, outside of lists that go over several lines. ``zone[0] "base", circle.radius`` is looked for
as ``zone[0].circle.radius``, and where that has no line of its own, as ``zone[0].circle`` and ``zone[0]``.
"""

from __future__ import annotations

import re
from collections import Counter

_STRINGS_AND_COMMENTS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{0,5}+'
    r"|'''(?:[^']|'(?!''))*+'{0,5}+"
    r'|"(?:[^"\\\n]|\\.)*+"?+'
    r"|'[^'\n]*+'?+"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_HEADER = re.compile(r"[ \t]*+(\[\[?)[ \t]*+([\w.-]++)[ \t]*+\]", re.ASCII)
_KEY = re.compile(r"[ \t]*+([\w-]++)[ \t]*+[.=]", re.ASCII)
_PLACE = re.compile(r'(\w++(?:\[\d++\])?+)(?: "(?:[^"\\]|\\.)*+")?+(?:, (.*))?+', re.DOTALL)


def lines_of(text: str) -> dict[str, int]:
    """The line, from 1, of tables and keys: ``zone[0]``, ``zone[0].circle``, ``party[1].key[0].public``."""
    found: dict[str, int] = {}
    counts: Counter[str] = Counter()
    table, depth = "", 0
    for number, line in enumerate(_STRINGS_AND_COMMENTS.sub(_blank, text).split("\n"), 1):
        header = _HEADER.match(line) if depth == 0 else None
        if header is not None:
            table = _table(header[2], counts, several=header[1] == "[[")
            found.setdefault(table, number)
            continue
        key = _KEY.match(line) if depth == 0 else None
        if key is not None:
            found.setdefault(f"{table}.{key[1]}" if table else key[1], number)
        depth = max(0, depth + sum(map(line.count, "[{")) - sum(map(line.count, "]}")))
    return found


def line_of(place: str, lines: dict[str, int]) -> int:
    """The line of a place as errors and remarks name it; 0 where it is not known."""
    match = _PLACE.fullmatch(place)
    if match is None:
        return 0
    parts = [match[1], *(match[2].split(".") if match[2] else ())]
    while parts:
        line = lines.get(".".join(parts))
        if line is None and parts[-1].endswith("]"):  # polygon[3] stands on the line of polygon
            line = lines.get(".".join((*parts[:-1], parts[-1].partition("[")[0])))
        if line is not None:
            return line
        parts.pop()
    return 0


def _table(name: str, counts: Counter[str], *, several: bool) -> str:
    """A header's table with the numbers of its rows: ``party.key`` is the last party's next key."""
    path = ""
    *outer, last = name.split(".")
    for part in outer:
        path += ("." if path else "") + part
        if counts[path]:
            path += f"[{counts[path] - 1}]"
    path += ("." if path else "") + last
    if not several:
        return path
    counts[path] += 1
    return f"{path}[{counts[path] - 1}]"


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")
