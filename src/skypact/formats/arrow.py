"""Arrow's columns as numpy columns: numbers, few different texts, instants.

Law: what CSV and Parquet share beyond the vocabulary. Arrow converts whole columns; only when that fails
is the column searched, by halves, for the value to name in the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from skypact.errors import FormatError
from skypact.formats.columns import Texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from skypact.formats.columns import Clock
    from skypact.formats.recording import Place

Array: TypeAlias = "Any"
"""An Arrow array; its stubs give most compute functions no type that can be used."""


def _compute() -> Any:
    from pyarrow import compute

    return compute


def _decoded(array: Array) -> Array:
    import pyarrow as pa

    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


def _is_text(array: Array) -> bool:
    import pyarrow as pa

    kind = array.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _converts(array: Array, to: Any) -> Array | None:
    import pyarrow as pa

    pc = _compute()
    try:
        return pc.cast(array, to)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _trimmed(array: Array) -> Array:
    """The texts without blanks around them; empty ones are missing."""
    pc = _compute()
    bare = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.equal(bare, ""), None, bare)


def _first_bad(array: Array, converts: Callable[[Array], bool]) -> int:
    """The first row of a column that does not convert, found by halves."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        if converts(array.slice(low, middle - low)):
            low = middle
        else:
            high = middle
    return low


def numbers(array: Array, column: str, place: Place) -> NDArray[np.float64]:
    """A column as float64, NaN where missing.

    Raises
    ------
    FormatError
        A value is not a number.
    """
    import pyarrow as pa

    pc = _compute()
    array = _decoded(array)
    kind = array.type
    if _is_text(array):
        converted = _converts(array, pa.float64())
        if converted is None:
            array = _trimmed(array)
            converted = _converts(array, pa.float64())
        if converted is None:
            row = _first_bad(array, lambda part: _converts(part, pa.float64()) is not None)
            raise FormatError(
                "not a number", where=place(row, column), found=str(array[row].as_py()), expected="a number"
            )
    elif (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        converted = pc.cast(array, pa.float64(), safe=False)
    else:
        raise FormatError("not a column of numbers", where=place(0, column), found=kind, expected="numbers")
    result: NDArray[np.float64] = converted.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return result


def texts(array: Array, column: str, place: Place) -> Texts:
    """A column of few different texts; numbers and truth values become their text.

    Raises
    ------
    FormatError
        The column holds something else.
    """
    import pyarrow as pa

    pc = _compute()
    if not isinstance(array, pa.DictionaryArray):
        if pa.types.is_null(array.type):
            return Texts(np.full(len(array), -1, np.int32), [])
        coded = None if pa.types.is_nested(array.type) else _encoded(array)
        if coded is None:
            raise FormatError(
                "not a column of texts", where=place(0, column), found=array.type, expected="texts"
            )
        array = coded
    codes = pc.fill_null(pc.cast(array.indices, pa.int32()), -1)
    values = _converts(array.dictionary, pa.string())
    if values is None:
        raise FormatError("not a column of texts", where=place(0, column), found=array.type, expected="texts")
    words = values.to_pylist()
    result = codes.to_numpy(zero_copy_only=False)
    if None in words:  # a dictionary may hold a null of its own
        result = np.where(np.array([word is None for word in [*words, None]])[result], -1, result)
    return Texts(result.astype(np.int32, copy=False), [word or "" for word in words])


def _encoded(array: Array) -> Array | None:
    import pyarrow as pa

    try:
        return array.dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def times(array: Array, clock: Clock, place: Place) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """A column of times as microseconds since 1970 UTC, and which rows have one.

    Raises
    ------
    FormatError
        A value is no instant, or the column has no time zone.
    """
    import pyarrow as pa

    array = _decoded(array)
    kind = array.type
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            raise FormatError(
                "times without a time zone",
                where=place(0, clock.column),
                found=kind,
                expected="timestamps in UTC; in pandas: .dt.tz_localize('UTC')",
            )
        return _instants(array)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        return _counted(array, clock, place)
    if not _is_text(array):
        raise FormatError(
            "not a column of times",
            where=place(0, clock.column),
            found=kind,
            expected="timestamps, numbers since 1970, or RFC 3339 texts",
        )
    for text in (array, _trimmed(array)):
        for to in (pa.int64(), pa.float64()):
            count = _converts(text, to)
            if count is not None:
                return _counted(count, clock, place)
        for unit in ("us", "ns"):
            moments = _converts(text, pa.timestamp(unit, "UTC"))
            if moments is not None:
                return _instants(moments)
    first = next((value for value in array.to_pylist() if value), "")
    if _converts(pa.array([first.strip()]), pa.float64()) is not None:
        bare = _trimmed(array)
        row = _first_bad(bare, lambda part: _converts(part, pa.float64()) is not None)
        raise FormatError(
            "not a time like the others",
            where=place(row, clock.column),
            found=str(array[row].as_py()),
            expected="a number since 1970",
        )
    return clock.of_texts(array.to_pylist(), place)


def _instants(array: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    import pyarrow as pa

    pc = _compute()
    there = pc.is_valid(array).to_numpy(zero_copy_only=False)
    moments = pc.cast(array, pa.timestamp("us", array.type.tz), safe=False)
    return pc.fill_null(pc.cast(moments, pa.int64()), 0).to_numpy(zero_copy_only=False), there


def _counted(array: Array, clock: Clock, place: Place) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    import pyarrow as pa

    pc = _compute()
    there = pc.is_valid(array).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(array.type):
        values = pc.fill_null(pc.cast(array, pa.float64()), np.nan).to_numpy(zero_copy_only=False)
        there = there & ~np.isnan(values)
        return clock.of_numbers(values, there, place), there
    counts = pc.fill_null(pc.cast(array, pa.int64(), safe=False), 0).to_numpy(zero_copy_only=False)
    return clock.of_numbers(counts, there, place), there
