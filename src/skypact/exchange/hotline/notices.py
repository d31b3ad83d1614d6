"""From a filing to what is said of it on the hotline: the notice, and which message goes to whom.

Law: a notice repeats the filing and adds nothing: positions to 10⁻⁷ degrees, radii to the metre above, the
window as planned, the texts of floor and ceiling, and the digest of the very bytes that are stored. **Whoever
was told of a version is told of the next one, or that what he knows holds no longer.** Nobody else learns
anything. A zone is declared anew when it changes, since a stance to the old outline is none to the new one.

What begins is not said (no message is for it); what ends and what is cancelled is: it holds no longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import Reason, Refused
from skypact.exchange.hotline.messages import Kind, Notice, Position
from skypact.notify.filing import Disc, Movement, Site
from skypact.pact.terms import Filing as FilingClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from skypact.notify.filing import Filing

POINTS_MAX: Final = 200
"""Positions that one notice can have; a filing with more is filed in parts."""
_NDEG_IN_E7: Final = 100
_MM_IN_M: Final = 1_000


@dataclass(frozen=True, slots=True)
class Last:
    """What a party was told last of a filing: the id of the message, and whether that said that it is off."""

    message: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One message that is due: its kind, to whom, and the id of the message that it answers ("": none)."""

    kind: Kind
    to: str
    re: str = ""


def notice_of(filing: Filing, serial: int, version: int, sha256: str) -> Notice:
    """What is notified of one version of a filing.

    Parameters
    ----------
    serial
        The serial of its first version: with the filer, its name in every message.
    version
        Its number among its versions, from 1.
    sha256
        Of its stored bytes, in hexadecimal.

    Raises
    ------
    Refused
        TOO_LARGE: it has more positions than can be read back.
    """
    points = tuple(
        Position(_e7(position.lat_ndeg), _e7(position.lng_ndeg)) for _, position in filing.positions()
    )
    if len(points) > POINTS_MAX:
        raise Refused(
            Reason.TOO_LARGE,
            "more positions than a notice can have",
            where=".subject",
            found=len(points),
            expected=f"at most {POINTS_MAX}; file it in parts",
        )
    return Notice(
        filing.filing,
        f"{filing.filer}/{serial}",
        version,
        points,
        filing.window.start_us,
        filing.window.end_us,
        sha256,
        _radius_m(filing),
        filing.floor,
        filing.ceiling,
        bool(filing.emergency),
    )


def words(of: FilingClass, audience: Iterable[str], told: Mapping[str, Last]) -> Iterator[Word]:
    """The messages that a new version asks for, in the order in which they are said.

    Parameters
    ----------
    of
        The class of the filing.
    audience
        The parties to whom the new version is released.
    told
        What each party was told last of the versions before.
    """
    released = tuple(audience)
    for party in released:
        last = told.get(party)
        knows = last is not None and not last.over
        if of is FilingClass.ZONE:
            yield Word(Kind.ZONE_DECLARE, party)
            if last is not None and knows:
                yield Word(Kind.CANCEL, party, last.message)
        elif last is not None and knows:
            yield Word(Kind.AMEND, party, last.message)
        else:
            yield Word(Kind.NOTIFY, party)
    yield from off({party: last for party, last in told.items() if party not in released})


def off(told: Mapping[str, Last]) -> Iterator[Word]:
    """The messages that say that what each party knows holds no longer."""
    return (Word(Kind.CANCEL, party, last.message) for party, last in told.items() if not last.over)


def serial_of(filer: str, ref: str) -> int | None:
    """The serial that a notice's ``ref`` names as its filer's own, ``office/12``; None where it does not."""
    name, slash, digits = ref.rpartition("/")
    good = slash and name == filer and digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS
    if not good or digits[0] == "0":
        return None
    return int(digits)


_DIGITS: Final = 15


def _radius_m(filing: Filing) -> int | None:
    subject = filing.subject
    if isinstance(subject, Movement):
        return None
    if isinstance(subject, Site):
        return -(-subject.radius_mm // _MM_IN_M)
    return -(-subject.area.radius_mm // _MM_IN_M) if isinstance(subject.area, Disc) else None


def _e7(ndeg: int) -> int:
    """Nanodegrees in units of 10⁻⁷ degrees, the nearer one."""
    return (ndeg + _NDEG_IN_E7 // 2) // _NDEG_IN_E7
