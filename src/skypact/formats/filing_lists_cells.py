"""The cells of a list: a CSV file or an XLSX workbook as rows of texts, each with its place.

Law: **nothing is computed and nothing is passed over.** A cell that is a formula or an error of the
spreadsheet is refused by its name, since what it showed to its author is not what stands in it. Everything is
read as the text that stands there; a number of a spreadsheet has lost the zeros at its end, and a date its
offset, and both come out so. Every row is read, and every fault is told.

How it works. CSV is read by the standard library, comma, semicolon or tab by its header, UTF-8 only. XLSX is
read by openpyxl, a row at a time, with defusedxml under it; what its parts would be unpacked is looked at
first. Rows beyond :data:`ROWS_MAX`, columns beyond :data:`COLUMNS_MAX` and cells beyond :data:`CELL_MAX`
characters are refused.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from skypact.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_MAX: Final = 20_000
COLUMNS_MAX: Final = 100
CELL_MAX: Final = 2_000
UNPACKED_MAX: Final = 128 * 1024 * 1024
"""Bytes of all parts of a workbook together, unpacked."""
ZIP_MAGIC: Final = b"PK\x03\x04"
_OLD_MAGIC: Final = b"\xd0\xcf\x11\xe0"

_SEPARATORS: Final = ",;\t"
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
)
"""What openpyxl and what is under it raise for a workbook that is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it is, its texts by column number, and the columns whose cell could not be read.

    Cells that are empty are in neither.
    """

    place: str
    cells: dict[int, str]
    spoiled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One list: where it is, its header by column number, its rows, and what was wrong with single cells."""

    place: str
    header: dict[int, str]
    rows: tuple[Row, ...]
    errors: tuple[InputError, ...]


def read_sheets(data: bytes, name: str) -> list[Sheet]:
    """The sheets of a workbook that have anything in them, or the one of a CSV file.

    Raises
    ------
    FormatError
        It is neither, or larger than a list is; names the file.
    """
    if data.startswith(_OLD_MAGIC):
        raise FormatError(
            "a workbook of before 2007", where=name, found="XLS", expected="the same saved as XLSX or CSV"
        )
    sheets = _workbook(data, name) if data.startswith(ZIP_MAGIC) else iter([_csv(data, name)])
    return [sheet for sheet in sheets if sheet.header]


@dataclass
class _Reading:
    """A sheet while it is read."""

    place: str
    header: dict[int, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)

    def take(self, place: str, given: dict[int, str | None]) -> None:
        """Take the first row as the header, the others as rows; empty ones are none.

        None stands for a cell that could not be read.
        """
        cells = {column: text for column, text in given.items() if text}
        spoiled = frozenset(column for column, text in given.items() if text is None)
        last = max([*cells, *spoiled], default=-1)
        if last < 0:
            return
        if last >= COLUMNS_MAX:
            raise FormatError(
                "too many columns", where=place, found=last + 1, expected=f"at most {COLUMNS_MAX}"
            )
        if not self.header:
            self.header = cells
            return
        if len(self.rows) >= ROWS_MAX:
            raise FormatError("too many rows", where=place, expected=f"at most {ROWS_MAX:,} in one list")
        self.rows.append(Row(place, cells, spoiled))

    def text(self, place: str, text: str) -> str | None:
        """A text that may stand in a list; None after its error where it may not."""
        if len(text) > CELL_MAX:
            found = f"{len(text):,} characters"
            self.errors.append(
                FormatError("too long a cell", where=place, found=found, expected=f"at most {CELL_MAX:,}")
            )
            return None
        if text.startswith("="):
            self.errors.append(_formula(place, text))
            return None
        return text

    def done(self) -> Sheet:
        """The sheet."""
        return Sheet(self.place, self.header, tuple(self.rows), tuple(self.errors))


def _formula(place: str, text: str) -> FormatError:
    return FormatError("a formula", where=place, found=text, expected="what it gives, as a value")


# -- CSV ----------------------------------------------------------------------------------------------------


def _csv(data: bytes, name: str) -> Sheet:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(
            "not UTF-8",
            where=f"{name}, line {line}",
            found=f"byte 0x{data[error.start]:02x}",
            expected="a CSV file in UTF-8",
        ) from None
    first = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count)
    reading = _Reading(name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for values in reader:
            place = f"{name}, line {line}"
            line = reader.line_num + 1
            cells = {
                column: reading.text(f"{place}, column {column + 1}", value.strip())
                for column, value in enumerate(values)
            }
            reading.take(place, cells)
    except csv.Error as error:
        raise FormatError(
            f"not CSV ({error})", where=f"{name}, line {line}", expected="quotes that are closed"
        ) from None
    return reading.done()


# -- XLSX ---------------------------------------------------------------------------------------------------


def _workbook(data: bytes, name: str) -> Iterator[Sheet]:
    from openpyxl import load_workbook

    _refuse_bomb(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts that a list does not need: validation, styles
            book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            for sheet in book.worksheets:
                yield _sheet(sheet, f"{name}, sheet {sheet.title!r}")
    except InputError:
        raise
    except _DAMAGED as error:
        raise FormatError(
            "not a workbook", where=name, found=f"{type(error).__name__}", expected="an XLSX file, undamaged"
        ) from None


def _refuse_bomb(data: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except _DAMAGED as error:
        raise FormatError(
            "not a workbook", where=name, found=type(error).__name__, expected="an XLSX file, undamaged"
        ) from None
    if size > UNPACKED_MAX:
        raise FormatError(
            "a workbook too large",
            where=name,
            found=f"{size / 1024**2:,.0f} MiB unpacked",
            expected=f"at most {UNPACKED_MAX // 1024**2} MiB",
        )


def _sheet(sheet: Any, place: str) -> Sheet:
    reading = _Reading(place)
    sheet.reset_dimensions()  # what the file says of its size is not what is in it
    empty = 0
    for number, values in enumerate(sheet.iter_rows(), start=1):
        if not values:
            empty += 1
            if empty > ROWS_MAX:
                raise FormatError("too many rows", where=place, expected=f"at most {ROWS_MAX:,} in one list")
            continue
        cells = {
            column: _text(cell, f"{place}, cell {_letters(column)}{number}", reading)
            for column, cell in enumerate(values)
            if cell.value is not None
        }
        reading.take(f"{place}, row {number}", cells)
    return reading.done()


def _text(cell: Any, where: str, reading: _Reading) -> str | None:
    """What stands in a cell, as text; None after its error where that is nothing that can be read."""
    value = cell.value
    if cell.data_type == "f":
        reading.errors.append(_formula(where, str(getattr(value, "text", value))))
        return None
    if cell.data_type == "e":
        reading.errors.append(
            FormatError("an error of the spreadsheet", where=where, found=str(value), expected="a value")
        )
        return None
    if isinstance(value, bool):
        text = str(value).upper()
    elif isinstance(value, float):
        text = str(int(value)) if value.is_integer() else repr(value)
    elif isinstance(value, datetime):
        text = value.isoformat(" ")
    else:
        text = str(value).strip()
    return reading.text(where, text)


def _letters(column: int) -> str:
    """``A``, ``Z``, ``AA`` of 0, 25, 26."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def written(rows: list[list[str]]) -> str:
    """Rows as CSV, each as long as the longest."""
    out = io.StringIO()
    columns = zip_longest(*rows, fillvalue="")
    csv.writer(out, lineterminator="\n").writerows(zip(*columns, strict=True))
    return out.getvalue()
