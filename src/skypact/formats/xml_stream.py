"""XML as a stream of elements: no tree, no entities, no surprises.

Law: every XML format is read through :func:`elements_of`. The parser is defusedxml's, which refuses a
document type declaration, entities and anything outside the file; beyond that the depth is at most
:data:`DEPTH_MAX` and the text of one element at most :data:`TEXT_MAX`, so that memory is bounded by what the
handler keeps. Errors name the line.

Names are local names: ``gx:Track`` and ``Track`` are one, whatever prefix a file chose.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final
from xml.sax.handler import ContentHandler

from skypact.errors import FormatError
from skypact.formats.source import DOCUMENT_LIMIT, too_large

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.formats.source import Source

DEPTH_MAX: Final = 100
"""How deep elements may be nested."""
TEXT_MAX: Final = 64 * 1024 * 1024
"""The longest text of one element, in characters."""
_CHUNK = 256 * 1024
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.]\d*)?|[.]\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


class Elements(ABC):
    """What a format does with elements; ``stack`` has the local names from the root to the current one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[str] = []
        self.line = 1

    @abstractmethod
    def start(self, element: str, attributes: Mapping[str, str]) -> bool:
        """An element begins; the answer says whether its text is wanted in :meth:`end`."""

    @abstractmethod
    def end(self, element: str, text: str) -> None:
        """An element ends; ``stack`` no longer has it."""

    @property
    def parent(self) -> str:
        """The element around the current one, after :meth:`end` has taken that off the stack."""
        return self.stack[-1] if self.stack else ""

    @property
    def where(self) -> str:
        """The file and line, for errors."""
        return f"{self.name}:{self.line}"

    def number(self, text: str, what: str, limit: float) -> float:
        """A number within ``-limit`` to ``limit``, or an error that names the line."""
        bare = text.strip()
        value = float(bare) if _NUMBER.fullmatch(bare) is not None else math.nan
        if not abs(value) <= limit:
            raise FormatError(
                f"not {what}",
                where=self.where,
                found=text,
                expected=f"a number from {-limit:,.0f} to {limit:,.0f}",
            )
        return value


class _Handler(ContentHandler):
    def __init__(self, elements: Elements, parser: Any) -> None:
        super().__init__()
        self._elements = elements
        self._parser = parser
        self._text: list[str] | None = None
        self._length = 0

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 -- SAX's name
        elements = self._elements
        elements.line = self._parser.getLineNumber() or 1
        if len(elements.stack) >= DEPTH_MAX:
            raise FormatError(
                "nested too deeply", where=elements.where, expected=f"at most {DEPTH_MAX} elements in another"
            )
        local = name.rpartition(":")[2]
        elements.stack.append(local)
        self._text = [] if elements.start(local, attrs) else None
        self._length = 0

    def endElement(self, name: str) -> None:  # noqa: N802 -- SAX's name
        elements = self._elements
        elements.line = self._parser.getLineNumber() or 1
        elements.stack.pop()
        text = "".join(self._text) if self._text is not None else ""
        self._text = None
        elements.end(name.rpartition(":")[2], text)

    def characters(self, content: str) -> None:
        if self._text is not None:
            self._text.append(content)
            self._length += len(content)
            if self._length > TEXT_MAX:
                raise FormatError(
                    "a text is too long",
                    where=self._elements.where,
                    found=f"over {TEXT_MAX:,} characters",
                    expected="less in one element",
                )


def elements_of(source: Source, elements: Elements) -> None:
    """Parse the file and tell ``elements`` of each one.

    Raises
    ------
    FormatError
        It is no well-formed XML, declares a document type or entities, is nested too deeply, or is larger
        than a document may be.
    """
    from xml.sax import SAXParseException

    from defusedxml import DefusedXmlException
    from defusedxml.expatreader import create_parser

    parser: Any = create_parser(forbid_dtd=True)
    parser.setContentHandler(_Handler(elements, parser))
    taken = 0
    try:
        with source.open() as stream:
            while chunk := stream.read(_CHUNK):
                taken += len(chunk)
                if taken > DOCUMENT_LIMIT:
                    raise too_large(source.name, DOCUMENT_LIMIT)
                parser.feed(chunk)
        parser.close()
    except SAXParseException as error:
        raise FormatError(
            f"not well-formed XML ({error.getMessage()})",
            where=f"{source.name}:{error.getLineNumber() or 1}",
            expected="a complete XML document",
        ) from None
    except DefusedXmlException as error:
        raise FormatError(
            "XML with declarations of its own is not read",
            where=source.name,
            found=type(error).__name__,
            expected="no document type declaration and no entities",
        ) from None
    except (LookupError, UnicodeError, ValueError) as error:
        raise FormatError(
            "the encoding cannot be read", where=source.name, found=str(error)[:100], expected="UTF-8"
        ) from None
