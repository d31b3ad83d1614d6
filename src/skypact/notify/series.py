"""The filings of each party in their order: what is missing, what replaces what.

Law: a party numbers what it files from 1, without a gap. A serial is one filing's for ever; two different
filings with one serial are refused, the same twice is once. A version replaces one earlier one of the same
filer, class and data mode, and no other does. What is missing is named, and is no part of any answer.

Source: FAA Order 7930.2, chapter 3: a missing number is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skypact.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skypact.notify.filing import Filing


@dataclass(frozen=True, slots=True)
class Gap:
    """Serials of one filer that are not there, from the first to the last of them."""

    filer: str
    first: int
    last: int

    def __str__(self) -> str:
        what = f"{self.first} is" if self.first == self.last else f"{self.first} to {self.last} are"
        return f"{self.filer}: {what} not here, and no part of this"


@dataclass(frozen=True, slots=True)
class Series:
    """What holds of some filings, and what is missing among them.

    Attributes
    ----------
    current
        The filings that no other of them replaces, by filer and serial.
    gaps
        What is missing up to the last serial of each filer.
    """

    current: tuple[Filing, ...]
    gaps: tuple[Gap, ...]


def series(filings: Iterable[Filing]) -> Series:
    """Put filings in their order.

    Raises
    ------
    InputError
        Two filings have one serial, two replace one, or one replaces what is something else; the place is the
        filing's reference.
    """
    by_ref: dict[tuple[str, int], Filing] = {}
    for filing in filings:
        known = by_ref.setdefault((filing.filer, filing.serial), filing)
        if known != filing:
            raise InputError(
                "two filings with one serial",
                where=filing.ref,
                found=f"{known.title!r} and {filing.title!r}",
                expected="a serial for each",
            )
    ordered = [by_ref[key] for key in sorted(by_ref)]
    replaced: dict[tuple[str, int], Filing] = {}
    for filing in ordered:
        if filing.supersedes is None:
            continue
        key = (filing.filer, filing.supersedes)
        other = replaced.setdefault(key, filing)
        if other is not filing:
            raise InputError(
                "two versions replace one",
                where=filing.ref,
                found=f"{other.ref} replaces {filing.filer}/{filing.supersedes} too",
                expected="each version to replace the one before it",
            )
        before = by_ref.get(key)
        if before is not None and (before.filing, before.data_mode) != (filing.filing, filing.data_mode):
            raise InputError(
                "replaces something else",
                where=filing.ref,
                found=f"{before.data_mode.value} {before.filing.value} {before.ref}",
                expected=f"a {filing.filing.value} of the mode {filing.data_mode.value}",
            )
    gaps: list[Gap] = []
    last: dict[str, int] = {}
    for filing in ordered:
        after = last.get(filing.filer, 0)
        if filing.serial > after + 1:
            gaps.append(Gap(filing.filer, after + 1, filing.serial - 1))
        last[filing.filer] = filing.serial
    return Series(
        tuple(filing for filing in ordered if (filing.filer, filing.serial) not in replaced), tuple(gaps)
    )
