"""Fingerprints to be read aloud over a bad line, by people who share no language.

Law: two keys (or two texts) with one fingerprint cannot be found, and a group that was misheard shows by
itself. It is digits alone, which every language has words for and no two alphabets confuse.

How it works. A SHA-256 of what is compared is taken as a number modulo p⁸, where p = 99,991 is the largest
prime of five digits, and written in base p: eight groups of five digits, 132 bits. The ninth group is the sum
of the others, each times its place, modulo p. Because p is a prime, the ninth shows every change of one group
and every exchange of two, and any other mistake but for one in 99,991. So three things that sound alike are
told apart: heard and the same; heard and another key; not heard.

Sources: the words in English are those of ICAO Annex 10, volume II, 5.2.1.4.3; in Russian, the numerals.
"""

from __future__ import annotations

import enum
import hashlib
import re
from typing import Final

from skypact.errors import FormatError

PRIME: Final = 99_991
GROUPS: Final = 9
"""Groups of five digits; the last is the check."""

WORDS: Final = {
    "en": ("zero", "wun", "too", "tree", "fower", "fife", "six", "seven", "ait", "niner"),
    "ru": ("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"),
}
"""How the digits 0 to 9 are said."""


class Heard(enum.Enum):
    """What a fingerprint that was read out is, held against one that is here."""

    SAME = "the same"
    OTHER = "heard well, and of another"
    MISHEARD = "misheard"


def of_key(public: bytes) -> tuple[int, ...]:
    """The nine groups of a key (the 32 bytes of Ed25519)."""
    return _groups(b"skypact key 1\n" + public)


def of_text(text: bytes) -> tuple[int, ...]:
    """The nine groups of a text, to the byte."""
    return _groups(b"skypact text 1\n" + text)


def written(groups: tuple[int, ...]) -> str:
    """Groups as they are printed: five digits each."""
    return " ".join(f"{group:05d}" for group in groups)


def spoken(group: int, language: str) -> str:
    """One group as it is said, digit by digit."""
    return " ".join(WORDS[language][int(digit)] for digit in f"{group:05d}")


def read(text: str) -> tuple[int, ...]:
    """The groups of a fingerprint that somebody wrote down, however he set them apart.

    Raises
    ------
    FormatError
        It is not 45 digits.
    """
    digits = re.sub(r"[\s.,;:/_-]", "", text)
    if len(digits) != 5 * GROUPS or not (digits.isascii() and digits.isdigit()):
        raise FormatError("not a fingerprint", found=text, expected="nine groups of five digits")
    return tuple(int(digits[at : at + 5]) for at in range(0, len(digits), 5))


def heard(groups: tuple[int, ...], here: tuple[int, ...]) -> Heard:
    """What groups that were read out are, held against those of what is here."""
    if groups == here:
        return Heard.SAME
    whole = all(group < PRIME for group in groups) and _check(groups[:-1]) == groups[-1]
    return Heard.OTHER if whole else Heard.MISHEARD


def _groups(data: bytes) -> tuple[int, ...]:
    rest = int.from_bytes(hashlib.sha256(data).digest(), "big")
    groups = []
    for _ in range(GROUPS - 1):
        rest, group = divmod(rest, PRIME)
        groups.append(group)
    return (*groups, _check(groups))


def _check(groups: list[int] | tuple[int, ...]) -> int:
    return sum(place * group for place, group in enumerate(groups, 1)) % PRIME
