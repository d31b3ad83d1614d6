"""``skypact check``: read, ask, write; nothing here decides what a conflict is.

Law: one check has one source of minima (a pact, or the options, or the default that is printed with the
answer) and one data mode. Every file named is read whole or the command ends with what is wrong with it: an
answer about half of the input is no answer. The work runs beside the main thread
(:mod:`skypact.cli.progress`); the results are written by the main thread.
"""

from __future__ import annotations

import difflib
import gc
import importlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from skypact import __version__
from skypact.cli import FOUND, OK
from skypact.cli.parsing import MODES, Parser, duration_s, instant_us, length_m
from skypact.cli.progress import Progress
from skypact.errors import FormatError, InputError, ModeError, PactError, UsageError
from skypact.instants import EVER, FOREVER, format_instant

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from skypact.airspace.labels import DataMode, Labels
    from skypact.airspace.separation import Separation
    from skypact.cli.questions import Things
    from skypact.formats.contents import Contents
    from skypact.formats.report import Answer, Report
    from skypact.pact import Pact

FORMATS: Final = ("table", "json", "geojson", "csv")
MAX_GAP_S: Final = 60.0

_DESCRIPTION = """\
Find conflicts: every two things in the files that come inside minima, meet in
space and time, or enter a zone. PATH is a file or a folder, of which every file
of a known format is read ('skypact formats' lists them); a pact found in a
folder is used. '-' is standard input."""

_EPILOG = """\
Lengths take NM, km, m, ft or mi; durations s, min, h or d.
Exit status: 0 nothing found, 1 conflicts found (an agreed proximity does not
count), 2 bad usage or input, 70 internal error, 130 interrupted.

  skypact check examples/al-tanf
  skypact check day.csv.gz --horizontal 5NM --vertical 1000ft --format json
  skypact check survey.plan traffic.csv --start 2017-06-08T12:00:00Z"""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact check``."""
    p = Parser("check", _DESCRIPTION, epilog=_EPILOG)
    add = p.add_argument
    add("paths", metavar="PATH", nargs="+", help="file or folder to read")
    add(
        "--pact",
        metavar="FILE",
        type=Path,
        help="the agreement whose minima, zones and agreed proximities hold",
    )
    add(
        "--horizontal",
        metavar="LENGTH",
        type=length_m,
        help="horizontal minimum for every pair (default 5NM)",
    )
    add(
        "--vertical", metavar="LENGTH", type=length_m, help="vertical minimum for every pair (default 1000ft)"
    )
    add(
        "--lookahead",
        metavar="DURATION",
        type=duration_s,
        help="also predict this far ahead from the last state of each track",
    )
    add(
        "--max-gap",
        metavar="DURATION",
        type=duration_s,
        default=MAX_GAP_S,
        help="samples further apart than this are unobserved in between (default 60s)",
    )
    add(
        "--start",
        metavar="TIME",
        type=instant_us,
        help="when a plan without times begins, like 2017-06-08T12:00:00Z",
    )
    add("--mode", choices=MODES, help="the data mode of records whose file states none (default real)")
    add(
        "--only",
        metavar="ID",
        action="append",
        default=[],
        help="show only what concerns this id; may be repeated",
    )
    add("--between", metavar="PARTY", nargs=2, help="show only what is between these two parties")
    add(
        "--format",
        choices=FORMATS,
        help="how to write what was found (default table, or by the suffix of --output)",
    )
    add("--output", metavar="FILE", type=Path, help="write to this file instead of standard output")
    add("--map", metavar="FILE.html", type=Path, help="also write a map that opens offline")
    add("--quiet", action="store_true", help="no progress and no notes on standard error")
    add("--no-color", action="store_true", help="no colour, even on a terminal (NO_COLOR does the same)")
    return p


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one check, in the engine's units."""

    paths: tuple[str, ...]
    pact: Path | None
    horizontal: float | None
    vertical: float | None
    lookahead: float | None
    max_gap: float
    start: int | None
    mode: str | None
    only: tuple[str, ...]
    between: tuple[str, str] | None
    format: str
    output: Path | None
    map: Path | None
    quiet: bool
    no_color: bool

    @classmethod
    def of(cls, given: argparse.Namespace) -> Options:
        """The parsed options, with what follows from their combination.

        Raises
        ------
        UsageError
            They contradict each other.
        """
        values = vars(given)
        values["paths"] = tuple(values["paths"])
        values["only"] = tuple(values["only"])
        if values["between"] is not None:
            values["between"] = tuple(values["between"])
        if values["output"] == Path("-"):
            values["output"] = None
        output: Path | None = values["output"]
        if values["format"] is None:
            suffix = "" if output is None else output.suffix.lower().lstrip(".")
            values["format"] = suffix if suffix in FORMATS else "table"
        options = cls(**values)
        if options.output is not None and options.map is not None and _same(options.output, options.map):
            raise UsageError(f"--output and --map name the same file, {options.map}")
        for name, path in (("--output", options.output), ("--map", options.map)):
            if path is not None and any(_same(path, Path(one)) for one in options.paths):
                raise UsageError(f"{name} {path} would overwrite an input; name another file")
        return options


def run(given: argparse.Namespace) -> int:
    """Check, write, and return 1 if anything was found that no agreed proximity covers, else 0."""
    options = Options.of(given)
    progress = Progress(quiet=options.quiet)
    report = progress.run(lambda: check(options, progress))
    if options.map is not None:
        from skypact.formats.html_map import write_report_map

        with progress.during(f"writing {options.map}"):
            write_report_map(options.map, report, title=_title(report))
    if options.output is not None:
        with progress.during(f"writing {options.output}"):
            _write(report, options)
    else:
        _write(report, options)
    if options.output is not None:
        progress.note(f"{report.statement} Written to {options.output}")
    if options.map is not None:
        progress.note(f"map written to {options.map}")
    return FOUND if report.found else OK


def _title(report: Report) -> str:
    if report.pact is not None:
        return report.pact.title or report.pact.id
    names = [Path(c.path).name for c in report.inputs]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _write(report: Report, options: Options) -> None:
    from skypact.cli.output import binary, standard_output

    if options.format == "table":
        from skypact.cli.table import write_table

        if options.output is None:
            with standard_output():
                write_table(report, sys.stdout, colour=False if options.no_color else None)
            return
        with binary(options.output) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", write_through=True)
            write_table(report, text, colour=False)
            text.detach()
        return
    with binary(options.output) as stream:
        _writer(options.format)(report, stream)


def _writer(name: str) -> Callable[[Report, IO[bytes]], None]:
    if name == "json":
        from skypact.formats import findings_json

        return findings_json.write_findings
    if name == "geojson":
        from skypact.formats import findings_geojson

        return findings_geojson.write_findings
    from skypact.formats import findings_csv

    return findings_csv.write_findings


# -- the work, beside the main thread --------------------------------------------------------------------


def check(options: Options, progress: Progress) -> Report:
    """Read everything, ask everything, and put the answers together."""
    for path in (*options.paths, *([str(options.pact)] if options.pact is not None else [])):
        if path != "-" and not os.path.lexists(path):  # said before anything slow begins
            raise InputError("cannot be read", where=path, found="no such file", expected="a file or folder")
    progress.phase("starting the engine")
    _load_engine()
    from skypact.airspace.jit import on_compile
    from skypact.cli.questions import Asking, Things, among, ask
    from skypact.formats.report import Report

    on_compile(progress.compiling)
    files, notes = gather(options)
    contents = [_read(path, options, progress) for path in files]
    contents, pact, pact_path, more = the_pact(contents, options, progress)
    notes += more
    mode = one_mode(contents, pact, pact_path)

    separation, assumptions = minima(options, pact)
    zones = pact.zones_in_force(source=pact_path) if pact is not None else None
    things = Things.of(contents, [zones] if zones is not None else [], predict=options.lookahead is not None)
    _anything_to_check(things, options)
    if pact is not None:
        notes += _out_of_force(things, pact)
    standing = {(pact_path, zone.id): zone.standing for zone in pact.zones} if pact is not None else {}
    asking = Asking(separation, options.max_gap, options.lookahead, progress.phase, standing)
    answers, stale = ask(things, asking)
    if options.only or options.between:
        answers = _chosen(answers, options, among, [p.id for p in pact.parties] if pact is not None else [])
        stale = [s for s in stale if not options.only or s.id in options.only]
        stale = [s for s in stale if options.between is None or s.party in options.between]
    assumptions = _assumptions(answers, options, assumptions)
    return Report(__version__, mode, contents, answers, assumptions, pact, pact_path, stale, notes)


def _load_engine() -> None:
    """Import what every check needs with the cycle collector off, which would pass over it many times.

    What was imported stays for the life of the process and is not looked at again: a fifth of a second less.
    """
    gc.disable()
    try:
        importlib.import_module("skypact.check")
    finally:
        gc.freeze()
        gc.enable()


def gather(options: Options) -> tuple[list[str], list[str]]:
    """The files to read, folders opened up, each once; and notes on what was passed over.

    Raises
    ------
    InputError
        A file of a folder has the name of a data file and is of no format that is known.
    UsageError
        A folder has nothing to read.
    """
    files: dict[Path, str] = {}
    notes = []
    for path in options.paths:
        folder = Path(path)
        if path == "-" or not folder.is_dir():
            key = folder if path == "-" else _resolved(folder)
            if key in files:
                notes.append(f"Read once, though named twice: {path}")
            files.setdefault(key, path)
            continue
        entries = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
        known = [entry for entry in entries if _is_input(entry, options)]
        if not known:
            raise UsageError(
                f"{path}: nothing of a known format in this folder ('skypact formats' lists them)"
            )
        for entry in known:
            files.setdefault(_resolved(entry), str(entry))
        passed = [entry.name + ("/" if entry.is_dir() else "") for entry in entries if entry not in known]
        if passed:
            notes.append(f"Passed over in {path}: {', '.join(passed)}")
    return list(files.values()), notes


_DATA_SUFFIXES: Final = frozenset(
    {".csv", ".geojson", ".gpx", ".json", ".jsonl", ".kml", ".ndjson", ".parquet", ".plan", ".toml"}
)
"""Names that promise data: such a file of a folder that is of no known format is an error."""


def _is_input(entry: Path, options: Options) -> bool:
    """Whether a file of a folder is to be read: not a folder, not our own results, and of a known format."""
    from skypact.formats import Source, detect
    from skypact.formats.report import is_report

    if not entry.is_file():
        return False
    written = any(out is not None and _same(out, entry) for out in (options.output, options.map))
    with Source(entry) as source:
        if is_report(source.head):
            return False
        try:
            detect(source)
        except FormatError as error:
            if written:
                return False
            suffix = Path(entry.stem).suffix if entry.suffix == ".gz" else entry.suffix
            if suffix.lower() in _DATA_SUFFIXES:
                raise FormatError(
                    error.message,
                    where=error.where,
                    found=error.found,
                    expected=f"{error.expected}; to leave it out, name the files instead of the folder",
                ) from None
            return False
    if written:
        raise UsageError(f"{entry} would be overwritten, and is an input of the folder; name another file")
    return True


def _read(path: str, options: Options, progress: Progress) -> Contents:
    # a pipe that nobody writes into is waited for until somebody does
    doing = "waiting for" if Path(path).is_fifo() else "reading"
    progress.phase(f"{doing} {Path(path).name if path != '-' else 'standard input'}")
    from skypact.airspace.labels import DataMode
    from skypact.formats import Defaults, read

    mode = None if options.mode is None else DataMode(options.mode)
    return read(path, Defaults(start_us=options.start, data_mode=mode))


def the_pact(
    contents: list[Contents], options: Options, progress: Progress
) -> tuple[list[Contents], Pact | None, str, list[str]]:
    """The contents, the pact's file among them; the pact to check under, its path, and what to say of it."""
    found = [c for c in contents if c.pact is not None]
    notes: list[str] = []
    if options.pact is not None:
        own = next((c for c in found if _same(Path(c.path), options.pact)), None)
        if own is None:
            own = _read(str(options.pact), options, progress)
            contents = [own, *contents]
        if own.pact is None:
            raise PactError(
                "not a pact", where=str(options.pact), found=own.format, expected="a pact, in TOML"
            )
        notes += [
            f"Not used: the pact in {c.path}, since --pact names another" for c in found if c is not own
        ]
    elif not found:
        return contents, None, "", notes
    else:
        if len(found) > 1:
            raise UsageError(
                f"two pacts, {found[0].path} and {found[1].path}; say which one holds: --pact {found[0].path}"
            )
        own = found[0]
        notes.append(f"Pact used: {own.path}")
    return contents, own.pact, own.path, notes


def one_mode(contents: Sequence[Contents], pact: Pact | None, pact_path: str) -> str:
    """The one data mode of everything that was read.

    Raises
    ------
    ModeError
        There are two; the text names a file of each and how to say what a file is that does not say.
    """
    modes: dict[DataMode, str] = {}
    if pact is not None:
        modes[pact.data_mode] = pact_path
    for c in contents:
        for labels in _labels_of(c):
            modes.setdefault(labels.data_mode, c.path)
    if len(modes) > 1:
        (one, where), (two, there), *_ = modes.items()
        raise ModeError(
            f"data modes would be mixed: {two.value} here, {one.value} in {where}",
            where=there,
            expected=f"one data mode in one check; for files that state none: --mode {one.value}",
        )
    return next(iter(modes)).value if modes else "real"


def _labels_of(c: Contents) -> list[Labels]:
    parts = [c.tracks, c.plans, c.states, c.volumes, None if c.zones is None else c.zones.volumes]
    return [part.labels for part in parts if part is not None and len(part)]


def minima(options: Options, pact: Pact | None) -> tuple[Separation | None, dict[str, str]]:
    """The separation rules of the check, None for the engine's own; and what to say of where they come from.

    Raises
    ------
    UsageError
        Both a pact and an option name minima: two sources of minima are how accidents happen.
    """
    from skypact.airspace.separation import EN_ROUTE, Minima, Separation

    proximities = () if pact is None else pact.separation.proximities
    asked = [name for name in ("horizontal", "vertical") if getattr(options, name) is not None]
    if pact is not None and pact.separation.rules and asked:
        raise UsageError(
            f"--{asked[0]} and the pact {pact.id!r} both name minima, and a check has one source of them; "
            "leave out one"
        )
    if asked:
        try:
            given = Minima(
                EN_ROUTE.horizontal_m if options.horizontal is None else options.horizontal,
                EN_ROUTE.vertical_m if options.vertical is None else options.vertical,
                EN_ROUTE.lookahead_s if options.lookahead is None else options.lookahead,
            )
        except PactError as error:
            name, _, unit = error.where.partition("_")
            raise UsageError(
                f"--{name}: {error.message}; found {error.found:g} {unit}; expected {error.expected} {unit}"
            ) from None
        rules = Separation.uniform(given).rules
        return Separation(rules, proximities), {
            "source of minima": "--horizontal and --vertical, for every pair"
        }
    if pact is not None:
        return pact.separation, {"source of minima": f"pact {pact.id}, first rule that fits"}
    text = "none given: 5 NM and 1000 ft between things that move, volumes where they meet"
    return None, {"source of minima": text}


def _anything_to_check(things: Things, options: Options) -> None:
    if not things.moving_or_claimed:
        held = f"{sum(map(len, things.zones))} zones, and " if things.zones else ""
        raise UsageError(
            f"nothing to check in {', '.join(options.paths)[:200]}: {held}no track, plan, state or volume"
        )
    if options.lookahead is not None and things.states is None:
        raise UsageError(
            "--lookahead predicts from live states, and no input has any (tracks with ground speed and "
            "direction); leave it out"
        )


def _out_of_force(things: Things, pact: Pact) -> list[str]:
    spans = [
        (int(part.time_us.min()), int(part.time_us.max()))
        for part in (things.tracks, things.plans, things.states)
        if part is not None
    ]
    if not spans:
        return []
    first, last = min(a for a, _ in spans), max(b for _, b in spans)
    if pact.effective_us <= first and last < pact.until_us:
        return []
    begins = f" from {format_instant(pact.effective_us)}" if pact.effective_us != EVER else ""
    ends = f" until {format_instant(pact.until_us)}" if pact.until_us != FOREVER else ""
    reach = f"{format_instant(first)} to {format_instant(last)}"
    note = (
        f"The pact is in force{begins}{ends}, and the records reach from {reach}. "
        "Its minima were used for all of them, its zones only while they are in force."
    )
    return [note]


def _chosen(
    answers: list[Answer],
    options: Options,
    among: Callable[..., list[Answer]],
    defined: Sequence[str],
) -> list[Answer]:
    """The answers as ``--only`` and ``--between`` ask for them; ``defined`` are the parties of the pact."""
    import numpy as np

    def by_id(labels: Labels) -> NDArray[np.bool_]:
        ids = np.fromiter((name in options.only for name in labels.ids), np.bool_, len(labels))
        bodies: NDArray[np.bool_] = np.array([name in options.only for name in labels.bodies] or [False])
        return ids | bodies[labels.body]

    def of_party(name: str) -> Callable[[Labels], NDArray[np.bool_]]:
        def mask(labels: Labels) -> NDArray[np.bool_]:
            chosen: NDArray[np.bool_] = np.array([party == name for party in labels.parties] or [False])
            return chosen[labels.party]

        return mask

    everyone = [labels for a in answers for labels in (a.findings.labels_a, a.findings.labels_b)]
    if options.only:
        ids = {name for labels in everyone for name in (*labels.ids, *labels.bodies)}
        for name in options.only:
            _known(name, ids, "--only", "id")
        answers = among(answers, by_id)
    if options.between is not None:
        parties = {name for labels in everyone for name in labels.parties if name}.union(defined)
        for name in options.between:
            _known(name, parties, "--between", "party")
        one, two = options.between
        answers = among(answers, of_party(one), of_party(two))
    return answers


def _known(name: str, names: set[str], option: str, what: str) -> None:
    if name in names:
        return
    close = difflib.get_close_matches(name[:80], sorted(names)[:20_000], 3, 0.5)
    if not close and len(names) <= 8:
        close = sorted(names)
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    there = hint or (f"; the input names no {what}" if not names else f"; there are {len(names):,} others")
    raise UsageError(f"{option}: no {what} {name!r} in the input{there}")


def assumptions_of(answers: Sequence[Answer]) -> dict[str, str]:
    """The engine's assumptions of all questions, each once; those that differ, with their question."""
    merged: dict[str, str] = {}
    said: dict[str, dict[str, list[str]]] = {}
    for answer in answers:
        for name, text in answer.findings.assumptions.items():
            said.setdefault(name, {}).setdefault(text, []).append(answer.question)
    for name, texts in said.items():
        if len(texts) == 1:
            merged[name] = next(iter(texts))
        else:
            merged |= {f"{name} ({', '.join(asked)})": text for text, asked in texts.items()}
    return merged


def _assumptions(answers: Sequence[Answer], options: Options, first: dict[str, str]) -> dict[str, str]:
    """Under what the answers hold: the engine's assumptions, and what the options say."""
    merged = first | assumptions_of(answers)
    if options.lookahead is not None:
        merged["asked look-ahead"] = f"{options.lookahead:g} s, and no further than a pact's rule says"
    if options.mode is not None:
        merged["data mode"] = f"{options.mode} where a file states none"
    if options.only:
        merged["shown only"] = f"what concerns {', '.join(options.only)}"
    if options.between is not None:
        merged["shown between"] = " and ".join(options.between)
    return merged


def _resolved(path: Path) -> Path:
    """Where a path leads; the path itself where its links lead round in a loop, which reading it will say."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def _same(one: Path, two: Path) -> bool:
    return _resolved(one) == _resolved(two)
