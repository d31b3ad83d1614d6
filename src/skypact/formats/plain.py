"""Text from outside is plain: what a database, a log or a terminal could stumble over does not come in.

Law: no string of a message, and no name of a member, has a control character, C1 and DEL included, but for
tabs and line ends in what people write. What names a thing (:data:`ONE_LINE`) has none of those either, nor
what turns the direction of the text after it or begins a line: on a screen one name could pass for another.
Lone surrogates are no UTF-8, which the JSON parser refuses.

How it works. In JSON a control character is an escape, but for DEL and C1: where one pass finds no escape
that could be one, there is nothing to look at.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from skypact.errors import FormatError

ONE_LINE: Final = frozenset(
    {
        "base_url",
        "constraint_id",
        "flight_id",
        "id",
        "key",
        "manager",
        "name",
        "old_version",
        "operational_intent_id",
        "operator",
        "ovn",
        "provider",
        "requested_ovn_suffix",
        "request_id",
        "subscription_id",
        "type",
        "uss_base_url",
        "version",
    }
)
"""Members whose text is a name of something."""
_SUSPECT: Final = re.compile(rb"\\[bfnrtu]|\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ANY_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def controls(text: str) -> str:
    """The first control character of a text that may have none, for people; empty: there is none."""
    found = _ANY_CONTROL.search(text)
    return "" if found is None else f"U+{ord(found[0]):04X}"


def refuse_controls(data: bytes) -> None:
    """Look through a JSON text that can be read.

    Raises
    ------
    FormatError
        There is a control character in it; names the JSON path.
    """
    if _SUSPECT.search(data) is None:
        return
    waiting: list[tuple[str, str, Any]] = [("$", "", msgspec.json.decode(data))]
    while waiting:
        path, name, value = waiting.pop()
        if isinstance(value, str):
            _plain(value, path, one_line=name in ONE_LINE)
        elif isinstance(value, list):
            waiting += [(f"{path}[{at}]", name, one) for at, one in enumerate(value)]
        elif isinstance(value, dict):
            for member, one in value.items():
                _plain(member, path, one_line=False)
                waiting.append((f"{path}.{member}", member, one))


def _plain(text: str, path: str, *, one_line: bool) -> None:
    found = (_ANY_CONTROL if one_line else _CONTROL).search(text)
    if found is not None:
        raise FormatError(
            "a control character in a text",
            where=path,
            found=f"U+{ord(found[0]):04X}",
            expected="text that can be printed",
        )
