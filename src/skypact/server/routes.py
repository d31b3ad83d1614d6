"""From a method and a path to the operation: a tree of segments, looked up without a regular expression.

Law: a path means one thing. A literal segment goes before a parameter; two operations on one method and one
shape of path are a fault of the programmer and are refused when the table is built. A lookup costs one step a
segment, whatever the number of operations. Segments are compared as they are, after percent-decoding. A
parameter may be empty: its operation says better than a 404 what it lacks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skypact.server.operation import Operation, Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TEMPLATE = re.compile(r"(?:/(?:\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z0-9._~-]+))+|/", re.ASCII)


class _Place:
    """A point of the tree: what may come next, and what is here."""

    __slots__ = ("any", "literal", "methods")

    def __init__(self) -> None:
        self.literal: dict[str, _Place] = {}
        self.any: _Place | None = None
        self.methods: dict[str, tuple[Operation, tuple[str, ...]]] = {}


class Routes:
    """The table of operations, ready to be asked.

    Raises
    ------
    ValueError
        Two operations answer one request, or a path is no template.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Place()
        self._styles: dict[str, Style] = {}
        self.operations = tuple(operations)
        for operation in self.operations:
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        if _TEMPLATE.fullmatch(operation.path) is None:
            raise ValueError(f"{operation.name}: {operation.path!r} is no template of a path")
        place, names = self._root, []
        for segment in operation.path.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                if place.any is None:
                    place.any = _Place()
                place = place.any
            else:
                place = place.literal.setdefault(segment, _Place())
        if operation.method in place.methods:
            other = place.methods[operation.method][0]
            raise ValueError(
                f"{operation.name} and {other.name} both answer {operation.method} {operation.path}"
            )
        if len(set(names)) != len(names):
            raise ValueError(f"{operation.name}: a parameter of {operation.path} is named twice")
        place.methods[operation.method] = operation, tuple(names)
        self._styles.setdefault(operation.path.split("/", 2)[1], operation.style)

    def find(self, method: str, path: str) -> tuple[Operation | None, Mapping[str, str], tuple[str, ...]]:
        """The operation, its path's parameters, and, where there is no operation, the methods that are here.

        HEAD is answered by what answers GET. No operation and no methods: nothing is here.
        """
        segments = path.split("/")[1:]
        values: list[str] = []
        place = self._walk(self._root, segments, 0, values)
        if place is None:
            return None, {}, ()
        found = place.methods.get(method)
        if found is None and method == "HEAD":
            found = place.methods.get("GET")
        if found is None:
            return None, {}, allowed(place.methods)
        operation, names = found
        return operation, dict(zip(names, values, strict=True)), ()

    def _walk(self, place: _Place, segments: list[str], at: int, values: list[str]) -> _Place | None:
        if at == len(segments):
            return place if place.methods else None
        segment = segments[at]
        onward = place.literal.get(segment)
        if onward is not None:
            end = self._walk(onward, segments, at + 1, values)
            if end is not None:
                return end
        if place.any is not None:
            values.append(segment)
            end = self._walk(place.any, segments, at + 1, values)
            if end is not None:
                return end
            values.pop()
        return None

    def style(self, path: str) -> Style:
        """How a refusal is written where there is no operation: as the operations beside it do."""
        segments = path.split("/", 2)
        return self._styles.get(segments[1] if len(segments) > 1 else "", Style.PROBLEM)


def allowed(methods: Iterable[str]) -> tuple[str, ...]:
    """The methods that a place answers, HEAD and OPTIONS included, in order."""
    listed = {*methods, "OPTIONS"}
    return tuple(sorted(listed | {"HEAD"} if "GET" in listed else listed))
