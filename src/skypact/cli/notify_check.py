"""What one ``skypact notify check`` reads and asks.

Law: every two things that could meet are put to the engine once, and what is not asked is said. Filings
that others of the same check replace are left out, and so is nothing else. A pair is one finding for each
window in which it meets, however many volumes it takes.

| of | against | question |
|---|---|---|
| filings | filings, of classes that :data:`skypact.notify.claimed.NOT_ASKED` does not name | conflicts |
| filings that are no zones | zones: declared in filings, of the pact, of files | conflicts |
| filings that are no zones | tracks, cut at their unobserved gaps; plans; volumes | conflicts |
| tracks, plans | zones that filings declare | entries |
| volumes | zones that filings declare | conflicts |
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from skypact import __version__
from skypact.airspace.labels import DataMode
from skypact.airspace.volumes import Zones
from skypact.cli import complain
from skypact.cli.check import assumptions_of
from skypact.cli.questions import Asking, cut_at_gaps
from skypact.errors import InputError, ModeError, PactError, UsageError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.report import PLANNED, Answer, Report, counted
from skypact.formats.source import Source
from skypact.notify.claimed import asked, volumes_of, zones_of
from skypact.notify.notice import lead
from skypact.notify.remarks import remarks
from skypact.notify.series import series
from skypact.pact import Filing as FilingClass

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from skypact.airspace.volumes import Volumes
    from skypact.notify.filing import Filing
    from skypact.notify.series import Gap, Series
    from skypact.pact import Pact, Remark

LIMIT_BYTES: Final = 16 * 1024 * 1024
"""A larger file is no list and no filing."""
MAX_GAP_S: Final = 60.0
MEANING: Final = "Acknowledged is not agreed. Not listed is not unprotected. No conflict found is not clear."
"""The sentence that every answer ends with."""
_NAMES: Final = {
    FilingClass.MOVEMENT: "movements",
    FilingClass.SITE: "sites",
    FilingClass.ACTIVITY: "activities",
    FilingClass.ZONE: "declared zones",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of one check."""

    files: tuple[str, ...]
    against: tuple[str, ...]
    pact: str | None
    party: str
    mode: DataMode | None
    filed_us: int

    @classmethod
    def of(cls, given: argparse.Namespace) -> Asked:
        """The parsed options; the terminal is one of the places where the clock enters."""
        now_us = time.time_ns() // 1_000
        return cls(
            tuple(given.what),
            tuple(given.against or ()),
            given.pact,
            given.party or "",
            None if given.mode is None else DataMode(given.mode),
            now_us if given.filed is None else given.filed,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """A filing, where it came from, and what is said of when it came."""

    filing: Filing
    source: str
    notice: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that one check has to say."""

    held: tuple[Held, ...]
    remarks: tuple[Remark, ...]
    gaps: tuple[Gap, ...]
    replaced: tuple[str, ...]
    report: Report


@dataclass
class _Read:
    """What was read so far: filings with their files, the other files' contents, every fault."""

    filings: list[tuple[Filing, str]] = field(default_factory=list)
    contents: list[Contents] = field(default_factory=list)
    faults: list[InputError] = field(default_factory=list)


def check(options: Asked, phase: Callable[[str], None]) -> Checked:
    """Read everything, judge each filing, and ask the engine.

    Parameters
    ----------
    options
        What was asked.
    phase
        Told what is being done.

    Raises
    ------
    InputError
        Something cannot be read; all faults but the last have been told on standard error.
    UsageError
        There is nothing to check, or --pact names no pact.
    """
    phase("reading")
    mine, other = _Read(), _Read()
    for path in options.files:
        _take(path, options, mine, filings_only=True)
    for path in options.against:
        _take(path, options, other, filings_only=False)
    _end_with(mine.faults + other.faults)
    pact, pact_contents = _pact(options)
    mode = _one_mode(mine, other, pact, options)

    ordered = _series(mine.filings + other.filings)
    current = {filing.ref for filing in ordered.current}
    seen = {filing.ref: (filing, path) for filing, path in reversed(mine.filings)}
    own = [(filing, path) for ref, (filing, path) in sorted(seen.items()) if ref in current]
    own.sort(key=lambda pair: (pair[0].filer, pair[0].serial))
    theirs = {
        filing.ref: (filing, path)
        for filing, path in other.filings
        if filing.ref in current and filing.ref not in seen
    }
    replaced = sorted(set(seen) - current)
    phase(f"reading {counted(len(own), 'filing')} as a careful reader would")
    found = remarks((filing for filing, _ in own), filed_us=options.filed_us, pact=pact)
    held = [
        Held(filing, path, "" if pact is None else lead(filing, pact.notices, options.filed_us).text)
        for filing, path in own
    ]

    zones = None if pact is None else pact.zones_in_force(source=options.pact or "")
    standing = {} if pact is None else {(options.pact or "", zone.id): zone.standing for zone in pact.zones}
    how = Asking(None if pact is None else pact.separation, MAX_GAP_S, None, phase, standing)
    answers = list(_answers(_by_class(own), _by_class(theirs.values()), other.contents, zones, how))
    assumptions = assumptions_of(answers) | _assumptions(pact)
    notes = [str(gap) for gap in ordered.gaps]
    notes += [f"{ref} is replaced by a later version, and was not checked" for ref in replaced]
    report = Report(
        __version__,
        mode.value,
        [*mine.contents, *other.contents, *pact_contents],
        answers,
        assumptions,
        pact,
        options.pact or "",
        (),
        notes,
    )
    return Checked(tuple(held), tuple(found), ordered.gaps, tuple(replaced), report)


# -- reading ------------------------------------------------------------------------------------------------


def _take(path: str, options: Asked, into: _Read, *, filings_only: bool) -> None:
    """Read one file into what was read; its faults are kept."""
    try:
        with Source(path) as source:
            filings = _filings(source, path, options, into, needed=filings_only)
        if filings is None:
            into.contents.append(_others(path, options))
            return
    except InputError as error:
        into.faults.append(error)
        return
    into.filings += [(filing, path) for filing in filings]
    into.contents.append(Contents(path, "filings", counts={"filings": len(filings)}))


def _filings(
    source: Source, path: str, options: Asked, into: _Read, *, needed: bool
) -> Sequence[Filing] | None:
    """The filings of a file; None where it holds none and need not."""
    from skypact.formats.filing_lists import ListDefaults, looks_like_a_list, read_list
    from skypact.formats.filings_json import is_filing, read_filings

    if is_filing(source.head) or (needed and source.head.lstrip()[:1] in {b"{", b"["}):
        return read_filings(source.read_bytes(LIMIT_BYTES), path)
    if not needed and not looks_like_a_list(source.head):
        return None
    read = read_list(source.read_bytes(LIMIT_BYTES), path, ListDefaults(options.party, options.mode))
    into.faults += read.errors
    return read.filings


def _others(path: str, options: Asked) -> Contents:
    from skypact.formats import read

    contents = read(path, Defaults(data_mode=options.mode))
    if contents.pact is not None:
        raise UsageError(f"--against {path}: is a pact; name it with --pact")
    return contents


def _end_with(faults: Sequence[InputError]) -> None:
    """Tell every fault, the last one as the command's own."""
    if not faults:
        return
    for fault in faults[:-1]:
        complain(f"error: {fault}")
    if len(faults) > 1:
        complain(f"{counted(len(faults), 'fault')}; nothing was taken, and nothing was checked. The last:")
    raise faults[-1]


def _pact(options: Asked) -> tuple[Pact | None, list[Contents]]:
    if options.pact is None:
        return None, []
    from skypact.formats import read

    contents = read(options.pact)
    if contents.pact is None:
        raise PactError("not a pact", where=options.pact, found=contents.format, expected="a pact, in TOML")
    return contents.pact, [contents]


def _one_mode(mine: _Read, other: _Read, pact: Pact | None, options: Asked) -> DataMode:
    """The one data mode of everything.

    Raises
    ------
    ModeError
        There are two; the text names a place of each.
    """
    modes: dict[DataMode, str] = {}
    for filing, path in mine.filings + other.filings:
        modes.setdefault(filing.data_mode, f"{path}, {filing.ref}")
    for contents in other.contents:
        zones = None if contents.zones is None else contents.zones.volumes
        for part in (contents.tracks, contents.plans, contents.volumes, zones):
            if part is not None and len(part):
                modes.setdefault(part.labels.data_mode, contents.path)
    if pact is not None:
        modes.setdefault(pact.data_mode, options.pact or "")
    if len(modes) > 1:
        (one, where), (two, there), *_ = modes.items()
        raise ModeError(
            f"data modes would be mixed: {two.value} here, {one.value} in {where}",
            where=there,
            expected="one data mode in one check",
        )
    return next(iter(modes))


def _series(filings: Sequence[tuple[Filing, str]]) -> Series:
    """The filings in their order; an error names the files of the filing that it is about."""
    try:
        return series([filing for filing, _ in filings])
    except InputError as error:
        paths = dict.fromkeys(path for filing, path in filings if filing.ref == error.where)
        raise error.at(" and ".join(paths)) from None


# -- asking -------------------------------------------------------------------------------------------------

Sides = dict[FilingClass, "Volumes | Zones"]


def _by_class(filings: Iterable[tuple[Filing, str]]) -> Sides:
    """What the filings of each class claim."""
    groups: dict[FilingClass, list[tuple[Filing, str]]] = {}
    for filing, path in filings:
        groups.setdefault(filing.filing, []).append((filing, path))
    sides: Sides = {}
    for of in _NAMES:
        if of in groups:
            made, paths = zip(*groups[of], strict=True)
            lay_out = zones_of if of is FilingClass.ZONE else volumes_of
            sides[of] = lay_out(made, source=paths)
    return sides


def _answers(
    mine: Sides, theirs: Sides, contents: Sequence[Contents], pact_zones: Zones | None, how: Asking
) -> Iterator[Answer]:
    """The answers to every question that the filings raise."""
    classes = list(_NAMES)
    for k, one in enumerate(classes):
        for two in classes[k:]:
            if asked(one, two) and one in mine and two in mine:
                yield from _meeting(one, mine[one], two, None if one is two else mine[two], how)
    for one in classes:
        for two in classes:
            if asked(one, two) and one in mine and two in theirs:
                yield from _meeting(one, mine[one], two, theirs[two], how, other=" of others")
    zones = [pact_zones, *(c.zones for c in contents)]
    for one, claims in mine.items():
        if not isinstance(claims, Zones):
            for each in zones:
                if each is not None and len(each):
                    yield _zoned(f"{_NAMES[one]} against zones", claims, each, how)
            yield from _of_files(one, claims, contents, how)
    declared = mine.get(FilingClass.ZONE)
    if isinstance(declared, Zones):
        yield from _entering(declared, contents, how)


def _meeting(
    one: FilingClass,
    a: Volumes | Zones,
    two: FilingClass,
    b: Volumes | Zones | None,
    how: Asking,
    *,
    other: str = "",
) -> Iterator[Answer]:
    from skypact import check

    question = f"{_NAMES[one]} against {_NAMES[two]}{other}"
    how.phase(f"checking {question}")
    if isinstance(a, Zones):
        if b is not None and not isinstance(b, Zones):
            yield _zoned(question, b, a, how)
    elif isinstance(b, Zones):
        yield _zoned(question, a, b, how)
    else:
        question = question if b is not None else f"{_NAMES[one]} against each other"
        yield how.answer(question, PLANNED, check.meetings(check.conflicts(a, b, separation=how.separation)))


def _zoned(question: str, claims: Volumes, zones: Zones, how: Asking) -> Answer:
    from skypact import check

    return how.answer(question, PLANNED, check.meetings(check.conflicts(claims, zones)), zones=zones)


def _of_files(
    of: FilingClass, claims: Volumes, contents: Sequence[Contents], how: Asking
) -> Iterator[Answer]:
    from skypact import check

    for c in contents:
        for name, part in (
            ("recorded tracks", None if c.tracks is None else cut_at_gaps(c.tracks, MAX_GAP_S)),
            ("plans", c.plans),
            ("volumes", c.volumes),
        ):
            if part is not None and len(part):
                found = check.meetings(check.conflicts(claims, part, separation=how.separation))
                yield how.answer(f"{_NAMES[of]} against {name}", PLANNED, found)


def _entering(zones: Zones, contents: Sequence[Contents], how: Asking) -> Iterator[Answer]:
    from skypact import check

    for c in contents:
        for name, moving, gap_s in (("recorded tracks", c.tracks, MAX_GAP_S), ("plans", c.plans, None)):
            if moving is not None and len(moving):
                found = check.meetings(check.entries(moving, zones, max_gap_s=gap_s))
                yield how.answer(
                    f"{name} against declared zones",
                    PLANNED,
                    found,
                    reference=moving.reference,
                    zones=zones,
                )
        if c.volumes is not None and len(c.volumes):
            yield _zoned("volumes against declared zones", c.volumes, zones, how)


def _assumptions(pact: Pact | None) -> dict[str, str]:
    source = (
        "none given: filings are found where they meet, without a distance"
        if pact is None
        else f"pact {pact.id}, first rule that fits; where none does, filings are found where they meet"
    )
    return {
        "source of minima": source,
        "what is claimed": "filings with their accuracy, the coarseness of their text and their "
        "tolerance; what has no ceiling is open upwards",
        "not asked": "two sites, a movement and a site, and two zones are not held against each other",
    }
