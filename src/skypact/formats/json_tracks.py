"""Tracks in JSON: a list of records or JSON Lines, a record a point, keys as in :mod:`.columns`.

Law: the text is read in chunks of :data:`CHUNK_BYTES` that end between two records, so that memory is that of
the points kept and not of the text. A record is an object; values inside other objects or arrays are not
looked at. Times are numbers since 1970 or RFC 3339 texts.

How it works. Each chunk is decoded at once into records that have exactly the keys of the first chunk. A key
that is new later on is an error to the decoder; then the keys are gathered afresh and the chunk is decoded
again, so that no column is overlooked and files of one shape, nearly all, are read at full speed.

Known limits: a record has at most :data:`CHUNK_BYTES`; at most :data:`KEYS_MAX` different keys. JSON has
no NaN; a missing value is null or left out.
"""

from __future__ import annotations

import math
import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from skypact.errors import FormatError
from skypact.formats.columns import VOCABULARY, Feed, Layout, Texts
from skypact.formats.jsonpath import described
from skypact.formats.output import replacing
from skypact.formats.records import record_batches, written_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from skypact.airspace.moving import Trajectories
    from skypact.formats.columns import Clock
    from skypact.formats.contents import Contents, Defaults
    from skypact.formats.recording import Place
    from skypact.formats.source import Source

CHUNK_BYTES: Final = 4 * 1024 * 1024
"""How much text is decoded at once."""
KEYS_MAX: Final = 1_000
"""The most different keys in one file."""

_FIRST_BYTES: Final = 256 * 1024
_BLANK: Final = b" \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_ODD_KEY = re.compile(r'["\\\x00-\x1f]')
_AT = re.compile(r"^(.*?)(?: - at `\$(?:\[(\d+)\])?(?:\.(.*))?`)?$", re.DOTALL)
_BYTE = re.compile(r" \(byte (\d+)\)", re.ASCII)
_LONGEST_MESSAGE = 200
_DEPTH = np.zeros(256, np.int8)
_DEPTH[[ord("{"), ord("[")]] = 1
_DEPTH[[ord("}"), ord("]")]] = -1
_QUOTE: Final = ord('"')


class _NewKeys(Exception):  # noqa: N818 -- a turn in the reading, caught in this file; not an error
    """A key that means something appeared after the first chunk."""


def read_json(source: Source, defaults: Defaults) -> Contents:
    """Read the tracks of a list of records, or of JSON Lines.

    Raises
    ------
    FormatError
        It is no JSON; a time, a latitude or a longitude is missing; keys contradict each other; a value
        cannot be. The text names the record (``FILE[17].latitude``, counted from 0; in JSON Lines the line).
    """
    listed = source.head.removeprefix(_BOM).lstrip(_BLANK).startswith(b"[")
    reader = _Reader(source.name, defaults, listed=listed)
    try:
        for offset, chunk in reader.chunks(source):
            reader.take(offset, chunk)
    except _NewKeys:
        keys: dict[str, None] = {}
        for offset, chunk in reader.chunks(source):
            reader.gather(offset, chunk, keys)
        reader = _Reader(source.name, defaults, listed=listed, keys=keys)
        for offset, chunk in reader.chunks(source):
            reader.take(offset, chunk)
    return reader.finish()


class _Reader:
    """Chunks of records on their way into a feed."""

    def __init__(
        self, name: str, defaults: Defaults, *, listed: bool, keys: dict[str, None] | None = None
    ) -> None:
        self._name = name
        self._defaults = defaults
        self._listed = listed
        self._keys: dict[str, None] = keys or {}
        self._feed: Feed | None = None
        self._decoder: Any = None
        self._fields: dict[str, str] = {}
        self._base = 0
        self._loose: Any = msgspec.json.Decoder(
            list[dict[str, msgspec.Raw]] if listed else dict[str, msgspec.Raw]
        )
        if keys:
            self._learn()

    def chunks(self, source: Source) -> Iterator[tuple[int, bytes]]:
        """Whole records: where they begin in the text, and their text as a JSON list or as lines."""
        return _listed(source) if self._listed else _lines(source)

    def take(self, offset: int, chunk: bytes) -> None:
        """Read one chunk."""
        records = self._decoded(offset, chunk)
        if not records:
            return
        feed = self._feed
        assert feed is not None  # noqa: S101 -- made with the decoder
        layout = feed.layout
        base = self._base

        def place(row: int, column: str) -> str:
            at = self._at(base + row)
            return f"{at}.{column}" if column else at

        def column(name: str) -> list[Any]:
            return list(map(attrgetter(self._fields[name]), records))

        time_us, timed = _times(column(layout.time), feed.clock, place)
        feed.add(
            time_us,
            timed,
            {name: np.array(column(name), np.float64) for name in layout.numbers},
            {name: _texts(column(name)) for name in layout.labels},
            place,
        )
        self._base += len(records)

    def gather(self, offset: int, chunk: bytes, keys: dict[str, None]) -> None:
        """Add the keys of one chunk to ``keys``."""
        for record in self._decode(self._loose, offset, chunk):
            keys.update(dict.fromkeys(record))
        odd = next((key for key in keys if _ODD_KEY.search(key) is not None), None)
        if odd is not None:
            raise FormatError(
                "not the name of a column",
                where=self._name,
                found=odd,
                expected="keys without quotes, backslashes and control characters",
            )
        if len(keys) > KEYS_MAX:
            raise FormatError(
                "too many different keys",
                where=self._name,
                found=f"{len(keys):,}",
                expected=f"at most {KEYS_MAX:,}",
            )

    def _at(self, record: int) -> str:
        return f"{self._name}[{record}]" if self._listed else f"{self._name}:{record + 1}"

    def _decoded(self, offset: int, chunk: bytes) -> list[Any]:
        """The records of a chunk; new keys are learnt first where there are any."""
        if self._decoder is not None:
            try:
                return self._decode(self._decoder, offset, chunk)
            except msgspec.ValidationError:
                pass  # a new key, or a value of another type: the slow way tells which
        keys = dict(self._keys)
        try:
            self.gather(offset, chunk, keys)
            if self._decoder is not None and any(
                key.strip().lower() in VOCABULARY for key in keys if key not in self._keys
            ):
                raise _NewKeys
            if len(keys) > len(self._keys):
                self._keys = keys
                self._learn()
            if self._decoder is None:  # nothing but empty records so far
                self._base += len(self._decode(self._loose, offset, chunk))
                return []
            return self._decode(self._decoder, offset, chunk)
        except msgspec.ValidationError as error:
            raise self._invalid(offset, chunk, str(error)) from None

    def _decode(self, decoder: Any, offset: int, chunk: bytes) -> list[Any]:
        try:
            decoded: list[Any] = decoder.decode(chunk) if self._listed else decoder.decode_lines(chunk)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError as error:
            raise self._malformed(offset, str(error)) from None
        except UnicodeDecodeError as error:
            raise FormatError(
                "not UTF-8",
                where=f"{self._at(self._base)} or after",
                found=f"byte 0x{error.object[error.start]:02x}",
                expected="text in UTF-8",
            ) from None
        except RecursionError:
            raise FormatError(
                "nested too deeply", where=self._at(self._base), expected="records of plain values"
            ) from None
        return decoded

    def _learn(self) -> None:
        """Make the layout and the decoder for the keys that are known."""
        layout = Layout.of(list(self._keys), self._at(self._base))
        if self._feed is None:
            self._feed = Feed(layout, self._name, "json", self._defaults)
        else:
            self._feed.layout = layout  # the same but for keys that mean nothing
        self._fields = {key: f"f{index}" for index, key in enumerate(self._keys)}
        types: dict[str, Any] = dict.fromkeys(self._keys, msgspec.Raw)
        types |= dict.fromkeys(layout.labels, str | int | float | bool | None)
        types |= dict.fromkeys(layout.numbers, float | None)
        types[layout.time] = int | float | str | None
        record: Any = msgspec.defstruct(
            "Record",
            [(field, types[key], None) for key, field in self._fields.items()],
            rename={field: key for key, field in self._fields.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decoder = msgspec.json.Decoder(list[record] if self._listed else record)

    def _invalid(self, offset: int, chunk: bytes, message: str) -> FormatError:
        """The error of a value that has another type."""
        match = _AT.match(message)
        what, index, key = match.groups() if match is not None else (message, None, None)
        record = self._base + int(index or 0)
        found: object = None
        if index is not None and key is not None:
            values = self._decode(self._loose, offset, chunk)[int(index)]
            raw = values.get(key, b"null")
            try:
                found = described(msgspec.json.decode(raw))
            except msgspec.MsgspecError:  # such as a number that is none of floating point
                found = bytes(raw).decode("utf-8", "replace")
        return FormatError(
            f"not a value that is read here ({what[:_LONGEST_MESSAGE].lower()})",
            where=f"{self._at(record)}.{key}" if key else self._at(record),
            found=found,
            expected="objects whose numbers are JSON numbers, a record a point",
        )

    def _malformed(self, offset: int, message: str) -> FormatError:
        match = _BYTE.search(message)
        byte = f", byte {offset + int(match.group(1)):,} of the text" if match is not None else ""
        reason = _BYTE.sub("", message).removeprefix("JSON is malformed: ")[:_LONGEST_MESSAGE]
        return FormatError(
            f"not JSON ({reason})",
            where=f"{self._name}{byte}",
            expected="a list of records or a record a line, in UTF-8",
        )

    def finish(self) -> Contents:
        """What was read."""
        if self._feed is None:
            raise FormatError(
                "holds no record", where=self._name, found="none", expected="at least one record"
            )
        return self._feed.finish()


def _times(
    values: list[int | float | str | None], clock: Clock, place: Place
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    kinds = set(map(type, values)) - {type(None)}
    there = np.array([value is not None for value in values])
    if kinds <= {int}:
        try:
            counts = np.array([value or 0 for value in values], np.int64)
        except OverflowError:
            row = next(i for i, value in enumerate(values) if abs(value or 0) >= 2**63)  # type: ignore[arg-type]  # whole numbers here
            raise FormatError(
                "not an instant",
                where=place(row, clock.column),
                found="a whole number over 64 bits",
                expected="a time since 1970",
            ) from None
        return clock.of_numbers(counts, there, place), there
    if kinds <= {int, float}:
        return clock.of_numbers(np.array(values, np.float64), there, place), there
    if kinds <= {str}:
        return clock.of_texts(values, place)  # type: ignore[arg-type]  # texts or missing here
    first = type(next(value for value in values if value is not None))
    row = next(i for i, value in enumerate(values) if value is not None and type(value) is not first)
    raise FormatError(
        "not a time like the others",
        where=place(row, clock.column),
        found=values[row],
        expected="times all as numbers or all as texts",
    )


def _texts(values: list[Any]) -> Texts:
    words = dict.fromkeys(values)
    words.pop(None, None)
    table: dict[Any, int] = {word: code for code, word in enumerate(words)}
    table[None] = -1
    codes = np.array([table[value] for value in values], np.int32)
    return Texts(codes, [str(word).lower() if isinstance(word, bool) else str(word) for word in words])


def _too_long(source: Source) -> FormatError:
    return FormatError(
        "a record is too long",
        where=source.name,
        found=f"over {CHUNK_BYTES // 2**20} MiB without an end",
        expected="records of plain values",
    )


def _pieces(source: Source) -> Iterator[bytes]:
    """The text in pieces: a small one, whose keys are gathered, then large ones."""
    size = _FIRST_BYTES
    with source.open() as stream:
        while piece := stream.read(size):
            yield piece
            size = CHUNK_BYTES


def _lines(source: Source) -> Iterator[tuple[int, bytes]]:
    rest, offset = b"", 0
    for piece in _pieces(source):
        text = rest + piece
        if not offset and not rest:
            text = text.removeprefix(_BOM)
        cut = text.rfind(b"\n") + 1
        if cut:
            yield offset, text[:cut]
        elif len(text) > CHUNK_BYTES:
            raise _too_long(source)
        rest, offset = text[cut:], offset + cut
    if rest.strip(_BLANK):
        yield offset, rest


def _listed(source: Source) -> Iterator[tuple[int, bytes]]:
    """Chunks of the elements of a list, each chunk in brackets of its own."""
    rest, offset, opened, first, ended = b"", 0, False, True, False
    for piece in _pieces(source):
        text = rest + piece
        if not opened:
            bare = text.removeprefix(_BOM).lstrip(_BLANK)
            if not bare:
                continue
            offset, text, opened = len(text) - len(bare) + 1, bare[1:], True
        if ended:
            rest = text.lstrip(_BLANK)
            if rest:
                break
            continue
        cut, ended = _last_end(text)
        rest = text[cut + 1 :].lstrip(_BLANK) if ended else text[cut:]
        if not cut and not ended:
            if len(text) > CHUNK_BYTES:
                raise _too_long(source)
            continue
        elements = _without_comma(text[:cut], source, first=first)
        if elements.strip(_BLANK):
            yield offset - 1, b"[" + elements + b"]"
        offset, first = offset + cut, False
        if rest and ended:
            break
    if not ended:
        raise FormatError(
            "the list has no end",
            where=source.name,
            found=rest[-40:].decode("utf-8", "replace"),
            expected="] at the end; copy or download the file again",
        )
    if rest:
        raise FormatError(
            "more text after the end of the list",
            where=source.name,
            found=rest[:40].decode("utf-8", "replace"),
            expected="one list of records",
        )


def _without_comma(elements: bytes, source: Source, *, first: bool) -> bytes:
    """The elements of a chunk; a blank is where the comma after the chunk before was."""
    bare = elements.lstrip(_BLANK)
    if first or not bare:
        return elements
    if not bare.startswith(b","):
        raise FormatError(
            "records are not separated",
            where=source.name,
            found=bare[:40].decode("utf-8", "replace"),
            expected="a comma between two records",
        )
    at = len(elements) - len(bare)
    return elements[:at] + b" " + elements[at + 1 :]


def _last_end(text: bytes) -> tuple[int, bool]:
    """Where the last whole element of a list ends (0: none does); or where the list ends, and true."""
    plain = _ESCAPED.sub(b"__", text) if b"\\" in text else text
    array = np.frombuffer(plain, np.uint8)
    at = np.nonzero((array | 0x26) == 0x7F)[0]  # the four brackets, and a few letters whose step is 0
    quotes = np.nonzero(array == _QUOTE)[0]
    outside = (np.searchsorted(quotes, at) & 1) == 0
    at = at[outside]
    depth = np.cumsum(_DEPTH[array[at]], dtype=np.int64)
    over = np.nonzero(depth < 0)[0]
    if over.shape[0]:
        return int(at[over[0]]), True
    whole = np.nonzero(depth == 0)[0]
    return (int(at[whole[-1]]) + 1 if whole.shape[0] else 0), False


def write_json(path: str | Path, tracks: Trajectories) -> None:
    """Write tracks as a list of records, a line a point; :func:`read_json` reads them back equal.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    encoder = msgspec.json.Encoder()
    record: Any = msgspec.defstruct("Record", written_columns().names, gc=False)
    with replacing(path) as stream:
        between = b"[\n"
        for batch in record_batches(tracks):
            rows = list(map(record, *map(_plain, batch.columns)))
            # No text in JSON has a line break of its own, so this one stands between two records.
            stream.write(between + encoder.encode_lines(rows).rstrip(b"\n").replace(b"}\n{", b"},\n{"))
            between = b",\n"
        stream.write(b"\n]\n" if between == b",\n" else b"[]\n")


def _plain(column: Any) -> list[Any]:
    """A column as Python values; Arrow's own way is ten times as slow."""
    import pyarrow as pa

    if isinstance(column, pa.DictionaryArray):
        words = column.dictionary.to_pylist()
        return [words[code] for code in column.indices.to_numpy().tolist()]
    if pa.types.is_timestamp(column.type):
        moments = column.cast(pa.int64()).to_numpy().astype("datetime64[us]")
        return [f"{text}Z" for text in np.datetime_as_string(moments, unit="us").tolist()]
    values = column.to_numpy(zero_copy_only=False).tolist()
    return [None if math.isnan(value) else value for value in values] if column.null_count else list(values)
