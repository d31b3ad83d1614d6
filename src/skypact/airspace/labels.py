"""Who and what: the labels of things in one check, as columns.

Law: a check pairs things by number; this file holds the names, and the few facts about a thing that decide
which minima apply and whether a pair is a pair at all: its kind, its party, whether two rows are the same
aircraft, and the data mode. Nothing here says whose side a thing is on, because nothing may.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skypact.errors import InputError, ModeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


class Kind(enum.IntEnum):
    """What a thing is, as far as separation cares."""

    CREWED = 0
    UNCREWED = 1
    GROUND = 2
    STATIC = 3

    @classmethod
    def parse(cls, text: str, *, where: str = "") -> Kind:
        """Read ``crewed``, ``uncrewed``, ``ground`` or ``static``.

        Raises
        ------
        InputError
            It is none of these.
        """
        try:
            return cls[text.strip().upper()]
        except KeyError:
            raise InputError(
                "not a kind", where=where, found=text, expected=", ".join(k.word for k in cls)
            ) from None

    @property
    def word(self) -> str:
        """The kind in lower case, as files and pacts write it."""
        return self.name.lower()


class DataMode(enum.Enum):
    """Whether a record is about the world, or about an exercise, a simulation or a test of the system."""

    REAL = "real"
    EXERCISE = "exercise"
    SIMULATED = "simulated"
    TEST = "test"

    @classmethod
    def parse(cls, text: str, *, where: str = "") -> DataMode:
        """Read ``real``, ``exercise``, ``simulated`` or ``test``.

        Raises
        ------
        InputError
            It is none of these.
        """
        try:
            return cls(text.strip().lower())
        except ValueError:
            raise InputError(
                "not a data mode", where=where, found=text, expected=", ".join(mode.value for mode in cls)
            ) from None


def _coded(values: str | Sequence[str], n: int, what: str) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    if isinstance(values, str):
        return (values,), np.zeros(n, np.int32)
    if len(values) != n:
        raise InputError(
            "one value a row is needed", where=what, found=f"{len(values)} values", expected=f"{n}"
        )
    codes: dict[str, int] = {}
    column = np.fromiter((codes.setdefault(value, len(codes)) for value in values), np.int32, n)
    return tuple(codes), column


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Names and classes of n things, as columns; made by :meth:`of`.

    Attributes
    ----------
    ids
        One identifier a row, as people know it. Rows may share one (the volumes of one operational intent).
    parties, party
        The party names that occur, and each row's index into them, shape (n,). "" is *not stated*.
    sources, source
        Where each row came from (a file, a feed), coded likewise.
    kind
        :class:`Kind` of each row, int8, shape (n,).
    bodies, body
        Names of physical bodies, and each row's index, coded likewise. Two rows of one body are never paired:
        an aircraft does not conflict with itself, nor a flight's volumes with each other.
    data_mode
        One mode for all rows; sets of different modes never meet in a check.
    """

    ids: Sequence[str]
    parties: tuple[str, ...]
    party: NDArray[np.int32]
    sources: tuple[str, ...]
    source: NDArray[np.int32]
    kind: NDArray[np.int8]
    bodies: Sequence[str]
    body: NDArray[np.int32]
    data_mode: DataMode

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        *,
        party: str | Sequence[str] = "",
        kind: Kind | ArrayLike = Kind.CREWED,
        source: str | Sequence[str] = "",
        body: Sequence[str] | None = None,
        data_mode: DataMode = DataMode.REAL,
    ) -> Labels:
        """Label ``len(ids)`` rows; a single value stands for all of them. ``body`` defaults to ``ids``.

        Raises
        ------
        InputError
            A column has another length than ``ids``.
        """
        n = len(ids)
        kinds = (
            np.broadcast_to(np.asarray(kind, dtype=np.int8), (n,))
            if np.ndim(kind) == 0
            else np.asarray(kind, np.int8)
        )
        if kinds.shape != (n,):
            raise InputError(
                "one value a row is needed", where="kind", found=f"shape {kinds.shape}", expected=f"({n},)"
            )
        if n and not (int(kinds.min()) >= 0 and int(kinds.max()) < len(Kind)):
            raise InputError("not a kind", where="kind", found=int(kinds.max()), expected="0 to 3")
        parties, party_code = _coded(party, n, "party")
        sources, source_code = _coded(source, n, "source")
        bodies, body_code = _coded(ids if body is None else body, n, "body")
        return cls(ids, parties, party_code, sources, source_code, kinds, bodies, body_code, data_mode)

    def __len__(self) -> int:
        return len(self.ids)

    def party_of(self, row: int) -> str:
        """The party's name of one row."""
        return self.parties[int(self.party[row])]

    def source_of(self, row: int) -> str:
        """Where one row came from."""
        return self.sources[int(self.source[row])]

    def body_of(self, row: int) -> str:
        """The physical body of one row."""
        return self.bodies[int(self.body[row])]

    def take(self, rows: NDArray[np.intp]) -> Labels:
        """The labels of some rows, in the order given."""
        bodies, body = self.bodies, self.body[rows]
        if len(rows) < len(bodies):  # a few rows need not carry the names of all
            present, renamed = np.unique(body, return_inverse=True)
            bodies, body = tuple(bodies[code] for code in present.tolist()), renamed.astype(np.int32)
        return Labels(
            [self.ids[row] for row in rows.tolist()],
            self.parties,
            self.party[rows],
            self.sources,
            self.source[rows],
            self.kind[rows],
            bodies,
            body,
            self.data_mode,
        )

    @classmethod
    def concat(cls, sets: Sequence[Labels]) -> Labels:
        """Several sets one after another.

        Raises
        ------
        ModeError
            They are of different data modes.
        InputError
            There is none.
        """
        if not sets:
            raise InputError("nothing to put together", where="sets", found="0 sets", expected="at least one")
        mode = sets[0].data_mode
        for other in sets[1:]:
            if other.data_mode is not mode:
                raise ModeError(
                    "data modes would be mixed",
                    found=f"{mode.value} and {other.data_mode.value}",
                    expected="one data mode in one check",
                )

        def merged(
            names: Sequence[Sequence[str]], codes: Sequence[NDArray[Any]]
        ) -> tuple[tuple[str, ...], NDArray[np.int32]]:
            table: dict[str, int] = {}
            parts = []
            for own, code in zip(names, codes, strict=True):
                translate = np.array([table.setdefault(name, len(table)) for name in own] or [0], np.int32)
                parts.append(translate[code])
            return tuple(table), np.concatenate(parts)

        parties, party = merged([s.parties for s in sets], [s.party for s in sets])
        sources, source = merged([s.sources for s in sets], [s.source for s in sets])
        bodies, body = merged([s.bodies for s in sets], [s.body for s in sets])
        ids = [name for s in sets for name in s.ids]
        return cls(
            ids, parties, party, sources, source, np.concatenate([s.kind for s in sets]), bodies, body, mode
        )
