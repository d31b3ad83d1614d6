"""Fingerprints read aloud: digits alone, and a check that finds what was misheard."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.errors import FormatError
from skypact.pact import aloud
from skypact.pact.aloud import GROUPS, PRIME, WORDS, Heard, heard, of_key, of_text, read, spoken, written

_groups = st.binary(max_size=40).map(of_key)


def test_the_groups_are_the_digest_in_base_p_and_the_weighted_sum() -> None:
    """Eight groups carry 132 bits of SHA-256, worked out here a second time; the ninth is their check."""
    assert max(n for n in range(99_900, 100_000) if all(n % k for k in range(2, 317))) == PRIME
    assert (PRIME**8).bit_length() == 133
    groups = of_key(b"k" * 32)
    digest = int.from_bytes(hashlib.sha256(b"skypact key 1\n" + b"k" * 32).digest(), "big")
    assert list(groups[:8]) == [digest // PRIME**k % PRIME for k in range(8)]
    assert groups[8] == sum((k + 1) * groups[k] for k in range(8)) % PRIME
    assert of_text(b"k" * 32) != groups


def test_what_is_printed_is_nine_groups_of_five_digits() -> None:
    """Zeros in front are kept, and each digit is one word in either language."""
    text = written((1, 22, 333, 4_444, 55_555, 0, 99_990, 7, 80_808))
    assert text == "00001 00022 00333 04444 55555 00000 99990 00007 80808"
    assert spoken(90_142, "en") == "niner zero wun fower too"
    assert spoken(90_142, "ru") == "девять ноль один четыре два"
    for words in WORDS.values():
        assert len(set(words)) == 10
        assert not any(" " in word for word in words)


@given(_groups)
def test_what_is_printed_is_read_back_however_it_is_set_apart(groups: tuple[int, ...]) -> None:
    """With spaces, dashes, commas, lines or nothing between."""
    assert len(groups) == GROUPS
    for between in (" ", "-", ", ", "\n", ""):
        assert read(written(groups).replace(" ", between)) == groups


@pytest.mark.parametrize("text", ["", "12345", "1" * 44, "1" * 46, "x" * 45, "\u0661" * 45])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    """Too few, too many, letters, or digits of another script."""
    with pytest.raises(FormatError, match=r"not a fingerprint; .*nine groups of five digits"):
        read(text)


@given(_groups, st.integers(0, 8), st.integers(0, 99_999))
def test_one_group_that_was_misheard_is_always_found(groups: tuple[int, ...], at: int, said: int) -> None:
    """Whatever was understood instead of one group, the check does not fit."""
    wrong = (*groups[:at], said, *groups[at + 1 :])
    assert heard(wrong, groups) is (Heard.SAME if said == groups[at] else Heard.MISHEARD)


@given(_groups, st.integers(0, 8), st.integers(0, 8))
def test_two_groups_that_were_exchanged_are_always_found(groups: tuple[int, ...], one: int, two: int) -> None:
    """Any two of the nine, the check among them."""
    wrong = list(groups)
    wrong[one], wrong[two] = wrong[two], wrong[one]
    same = groups[one] == groups[two]
    assert heard(tuple(wrong), groups) is (Heard.SAME if same else Heard.MISHEARD)


@given(_groups, _groups)
def test_another_key_that_was_heard_well_is_told_from_noise(
    one: tuple[int, ...], two: tuple[int, ...]
) -> None:
    """Two fingerprints are the same or another's, never misheard."""
    assert heard(one, two) is (Heard.SAME if one == two else Heard.OTHER)


def test_no_word_of_a_language_is_in_another_alphabet() -> None:
    """English words are in Latin letters, Russian ones in Cyrillic."""
    assert all(re.fullmatch("[a-z]+", word) for word in aloud.WORDS["en"])
    assert all(re.fullmatch(r"[\u0430-\u044f]+", word) for word in aloud.WORDS["ru"])
