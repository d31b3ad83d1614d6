"""Statements as text, straight to the driver: for what is done so often that each layer between counts.

Law: a statement is written once for both databases, as PostgreSQL numbers its parameters, and run through a
:class:`~skypact.store.tx.Tx`, which is told before anything is changed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skypact.store.tx import Tx


class Sql:
    """One statement as each driver wants it.

    A list, ``= ANY($1::type[])``, becomes ``IN (?, …)`` for SQLite; its marks are a power of two, so that
    there are few different texts, and the last value stands in the places that are too many. ``{values 3}``
    is three parameters. ``local`` is the text for SQLite where it must be another.
    """

    def __init__(self, text: str, *, local: str = "") -> None:
        text = _VALUES.sub(lambda m: ", ".join(f"${k + 1}" for k in range(int(m[1]))), text)
        self.text = text
        self._changes = not text.lstrip().startswith("SELECT")
        self._local = local or text
        self._lists = tuple(int(number) for number in _LIST.findall(self._local))
        order = tuple(int(number) - 1 for number in _MARK.findall(self._local))
        self._order = None if order == tuple(range(len(order))) else order
        self._plain = _MARK.sub("?", self._local)
        self._fitted = cache(self._fit)

    def rows(self, tx: Tx, *values: Any) -> list[Any]:
        """Run it, and return all its rows."""
        if self._changes:
            tx.changes()
        driver = tx.driver
        if tx.remote:
            text = self.text
            fetched: list[Any] = driver.run_async(lambda connection: connection.fetch(text, *values))
            return fetched
        if self._lists:
            sizes = tuple(marks(len(values[number - 1])) for number in self._lists)
            text, order = self._fitted(sizes)
            flat: list[Any] = []
            for place in order:
                if place + 1 in self._lists:
                    given = values[place]
                    flat += given
                    flat += [given[-1] if given else None] * (marks(len(given)) - len(given))
                else:
                    flat.append(values[place])
            return list(driver.execute(text, flat).fetchall())
        if self._order is not None:
            values = tuple(values[place] for place in self._order)
        return list(driver.execute(self._plain, values).fetchall())

    def run(self, tx: Tx, *values: Any) -> None:
        """Run it; it has no rows."""
        self.rows(tx, *values)

    def many(self, tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it once for each row of values."""
        if not rows:
            return
        tx.changes()
        driver = tx.driver
        if tx.remote:
            text = self.text
            driver.run_async(lambda connection: connection.executemany(text, rows))
        else:
            driver.executemany(self._plain, rows)

    def _fit(self, sizes: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """The text for lists of so many marks, and the order of values in it."""
        wide = dict(zip(self._lists, sizes, strict=True))
        text = _LIST.sub(lambda m: f"IN (${m[1]}" + ", ?" * (wide[int(m[1])] - 1) + ")", self._local)
        order = tuple(int(number) - 1 for number in _MARK.findall(text))
        return _MARK.sub("?", text), order


_MARK: Final = re.compile(r"\$(\d+)")
_LIST: Final = re.compile(r"= ANY\(\$(\d+)::\w+\[\]\)")
_VALUES: Final = re.compile(r"\{values (\d+)\}")


def marks(size: int) -> int:
    """The power of two that is enough for a list of this size."""
    return 1 << max(size - 1, 0).bit_length()
