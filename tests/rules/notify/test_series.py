"""The order of what a party files, and what is missing in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import filings
from skypact.airspace.labels import DataMode
from skypact.errors import InputError
from skypact.notify.series import Gap, series


@given(st.sets(st.tuples(st.sampled_from(["north", "south"]), st.integers(1, 40)), max_size=20), st.randoms())
def test_what_is_there_and_what_is_missing_make_up_all(given: set[tuple[str, int]], order: object) -> None:
    """Up to the last serial of each filer, every serial is either there or in a gap, whatever the order."""
    made = [filings.site(filer=filer, serial=serial) for filer, serial in sorted(given)]
    order.shuffle(made)  # type: ignore[attr-defined] # a Random
    found = series([*made, *made[:3]])
    assert [(f.filer, f.serial) for f in found.current] == sorted(given)
    for filer in ("north", "south"):
        there = {serial for who, serial in given if who == filer}
        missing = {n for gap in found.gaps if gap.filer == filer for n in range(gap.first, gap.last + 1)}
        assert there | missing == set(range(1, max(there, default=0) + 1))
        assert not there & missing


def test_the_last_version_holds() -> None:
    """A version takes the place of the one that it replaces, also where that one is not at hand."""
    one, two = filings.site(), filings.site(serial=2, supersedes=1)
    three, nine = filings.site(serial=3, supersedes=2), filings.site(serial=9, supersedes=5)
    found = series([three, one, nine, two])
    assert found.current == (three, nine)
    assert [str(gap) for gap in found.gaps] == ["office: 4 to 8 are not here, and no part of this"]
    assert str(Gap("north", 4, 4)) == "north: 4 is not here, and no part of this"


def test_a_serial_is_one_filings_and_a_version_replaces_one() -> None:
    """Two with one serial, two versions of one, and a version of another class or mode are refused."""
    one, two = filings.site(), filings.site(serial=2, supersedes=1)
    for wrong, why in (
        ([one, filings.movement()], "two filings with one serial"),
        ([one, two, filings.site(serial=3, supersedes=1)], "two versions replace one"),
        ([one, filings.movement(serial=2, supersedes=1)], "replaces something else"),
        ([one, filings.site(serial=2, supersedes=1, data_mode=DataMode.REAL)], "replaces something else"),
    ):
        with pytest.raises(InputError, match=why) as caught:
            series(wrong)
        assert caught.value.where.startswith("office/")
