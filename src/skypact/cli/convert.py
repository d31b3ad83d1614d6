"""``skypact convert``: tracks or volumes of one file, written in another format.

Law: nothing is lost silently. What the file holds and the new one cannot is named on standard error; if
nothing could be written the command fails. Names, parties, kinds, data mode, times and altitude references go
along.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from skypact.cli import OK
from skypact.cli.parsing import MODES, Parser, instant_us
from skypact.cli.progress import Progress
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from skypact.formats.contents import Contents

WRITTEN: Final = {
    "geojson": ("tracks", "volumes", "zones"),
    "csv": ("tracks",),
    "parquet": ("tracks",),
    "json": ("tracks",),
    "f3548": ("volumes",),
}
"""What each format that is written can hold, one of them in a file."""

_DESCRIPTION = """\
Write the tracks, the volumes or the zones of a file in another format. A name
that ends in .gz is packed. '-' as IN is standard input."""
_EPILOG = """\
  skypact convert day.json.gz day.parquet
  skypact convert intents.json intents.geojson

Exit status: 0 written, 2 bad usage or input."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact convert``."""
    p = Parser("convert", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("source", metavar="IN", help="what to read")
    p.add_argument("target", metavar="OUT", type=Path, help="the file to write; whole or not at all")
    p.add_argument(
        "--to", choices=tuple(WRITTEN), help="the format to write; by default as the suffix of OUT says"
    )
    p.add_argument(
        "--what", choices=("tracks", "volumes", "zones"), help="which of them, where IN has several"
    )
    p.add_argument("--start", metavar="TIME", type=instant_us, help="when a plan without times begins")
    p.add_argument("--mode", choices=MODES, help="the data mode where IN states none (default real)")
    p.add_argument("--quiet", action="store_true", help="no progress and no notes on standard error")
    return p


def run(options: argparse.Namespace) -> int:
    """Read, write, say what was written and what was left out."""
    target: Path = options.target
    to: str = options.to or told_by(target)
    progress = Progress(quiet=options.quiet)
    if target.is_dir():
        raise UsageError(f"{target}: is a folder; give the name of a file to write")
    if options.source != "-" and target.exists() and target.samefile(options.source):
        raise UsageError(f"{target} would overwrite the input; name another file")

    def reading() -> Contents:
        progress.phase(f"reading {options.source}")
        from skypact.airspace.labels import DataMode
        from skypact.formats import Defaults, read

        mode = None if options.mode is None else DataMode(options.mode)
        defaults = Defaults(start_us=options.start, data_mode=mode)
        return read(options.source, defaults)

    contents = progress.run(reading)
    with progress.during(f"writing {target}"):
        said = write(contents, target, to, options.what)
    for text in [*contents.ignored, *said]:
        progress.note(text)
    return OK


def told_by(target: Path) -> str:
    """The format that a name asks for.

    Raises
    ------
    UsageError
        It asks for none that is written.
    """
    suffixes = [suffix.lower().lstrip(".") for suffix in target.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in WRITTEN:
        raise UsageError(f"{target}: say what to write with --to ({', '.join(WRITTEN)})")
    return suffix


def write(contents: Contents, target: Path, to: str, what: str | None) -> list[str]:
    """Write what the format can hold of the contents; returns sentences on what was written and left out.

    Raises
    ------
    UsageError
        The file holds nothing that the format can, or several things of which one must be chosen.
    """
    from skypact.airspace.moving import Trajectories
    from skypact.formats import volume_writers, write_tracks
    from skypact.formats.report import counted

    moving = [part for part in (contents.tracks, contents.plans) if part is not None and len(part)]
    zones = contents.zones
    if zones is None and contents.pact is not None:
        zones = contents.pact.zones_in_force(source=contents.path)
    number = {
        "tracks": sum(map(len, moving)),
        "volumes": 0 if contents.volumes is None else len(contents.volumes),
        "zones": 0 if zones is None else len(zones),
    }
    held = [name for name in WRITTEN[to] if number[name] and what in {None, name}]
    if not held:
        wanted = what if what is not None and what in WRITTEN[to] else " or ".join(WRITTEN[to])
        has = (
            ", ".join(counted(count, name[:-1]) for name, count in number.items() if count)
            or "nothing of the kind"
        )
        raise UsageError(f"{to} is written with {wanted}; {contents.path} has {has}")
    if len(held) > 1:
        raise UsageError(
            f"{contents.path} has {' and '.join(held)}, and a {to} file is written with one of them; "
            f"say which: --what {held[0]}"
        )
    chosen = held[0]
    said = [f"{counted(number[chosen], chosen[:-1])} written to {target}"]
    if chosen == "tracks":
        write_tracks(target, Trajectories.concat(moving), format=to)
        if contents.plans is not None and len(contents.plans):
            said.append(
                "plans were written as recorded tracks, of which legs over a minute are unobserved gaps"
            )
    elif to == "f3548" and contents.volumes is not None:
        volume_writers.write_f3548(target, contents.volumes)
    else:
        rows = contents.volumes if chosen == "volumes" else zones
        assert rows is not None  # noqa: S101 -- for the type checker: their number is not 0
        volume_writers.write_geojson_volumes(target, rows)
    said += [
        f"left out: {counted(count, name[:-1])}" for name, count in number.items() if count and name != chosen
    ]
    if contents.pact is not None:
        said.append("left out: the rest of the pact")
    return said
