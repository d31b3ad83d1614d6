"""Formats: bytes to the domain and back. The front door.

Law: :func:`read` tells the format by content (:func:`detect`), reads the file with the one reader that is
listed for it in :data:`FORMATS`, and gives :class:`Contents`: columns of the domain, what was counted, and
what was left out. Whatever is in the file, what comes out is that or an :class:`~skypact.errors.InputError`
that begins with the file's name. :func:`write_tracks` writes what the track readers read.

How it works. Readers are named by module and function and imported when used, so that ``skypact --help``
pays for none. Readers of documents get all bytes; readers of tracks get a :class:`Source` and stream.
``docs/formats.md`` says for each format what is read and what is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from skypact.errors import FormatError, InputError, UsageError
from skypact.formats.contents import Contents, Defaults
from skypact.formats.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skypact.airspace.moving import Trajectories

__all__ = [
    "FORMATS",
    "TRACK_FORMATS",
    "Contents",
    "Defaults",
    "Format",
    "Source",
    "detect",
    "read",
    "write_tracks",
]


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is read.

    Attributes
    ----------
    name, title
        The short name, and what people call it.
    module, reader
        Where its reader is: a module of this package and a function in it.
    streams
        The reader takes a :class:`Source`; else the bytes of the document and its name.
    """

    name: str
    title: str
    module: str
    reader: str
    streams: bool = False

    def load(self) -> Callable[..., Contents]:
        """The reader itself."""
        return cast(
            "Callable[..., Contents]", getattr(import_module(f"{__name__}.{self.module}"), self.reader)
        )


FORMATS: Final[dict[str, Format]] = {
    item.name: item
    for item in (
        Format("geojson", "GeoJSON", "geojson", "read_geojson"),
        Format("f3548", "F3548-21 volumes JSON", "f3548", "read_f3548"),
        Format("plan", "QGroundControl .plan", "plan", "read_plan"),
        Format("kml", "KML", "kml", "read_kml", streams=True),
        Format("gpx", "GPX", "gpx", "read_gpx", streams=True),
        Format("csv", "CSV tracks", "csv_tracks", "read_csv", streams=True),
        Format("parquet", "Parquet tracks", "parquet_tracks", "read_parquet", streams=True),
        Format("json", "JSON track records", "json_tracks", "read_json", streams=True),
        Format("openair", "OpenAir", "openair", "read_openair"),
        Format("ed269", "ED-269 geozones", "ed269", "read_ed269"),
        Format("pact", "pact TOML", "pact_toml", "read_pact"),
    )
}
"""Every format that is read, by its short name."""

TRACK_FORMATS: Final = {
    "csv": ("csv_tracks", "write_csv"),
    "parquet": ("parquet_tracks", "write_parquet"),
    "json": ("json_tracks", "write_json"),
    "geojson": ("geojson_tracks", "write_geojson"),
}
"""The formats that tracks are written in: module and function."""

_BOM: Final = b"\xef\xbb\xbf"


def detect(path: str | Path | Source) -> str:
    """The short name of a file's format, told by its content.

    Raises
    ------
    InputError
        The file cannot be read.
    FormatError
        It is of no format that is known; the text lists those, and says what was seen.
    """
    from skypact.formats import detection

    if not isinstance(path, Source):
        with Source(path) as source:
            return detect(source)
    return detection.detect(path, {name: item.title for name, item in FORMATS.items()})


def read(path: str | Path, defaults: Defaults | None = None, *, format: str | None = None) -> Contents:  # noqa: A002 -- the word of the command line
    """Read a file of any format that is known, gzip or not; ``-`` is standard input.

    Parameters
    ----------
    defaults
        What is taken where the file itself does not say.
    format
        The format's short name, where it shall not be told by content.

    Raises
    ------
    InputError
        The file cannot be read, or is not what its format says; the text begins with the file's name and then
        the place.
    UsageError
        ``format`` is none of :data:`FORMATS`.
    """
    if format is not None and format not in FORMATS:
        raise UsageError(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
    with Source(path) as source:
        try:
            chosen = FORMATS[detect(source) if format is None else format]
            reader = chosen.load()
            if chosen.streams:
                return reader(source, defaults or Defaults())
            return reader(source.read_bytes().removeprefix(_BOM), source.name, defaults or Defaults())
        except InputError as error:
            if error.where.startswith(source.name):
                raise
            raise error.at(source.name) from None
        except RecursionError:
            raise FormatError(
                "nested too deeply", where=source.name, expected="a document of a format that is known"
            ) from None


def write_tracks(path: str | Path, tracks: Trajectories, *, format: str) -> None:  # noqa: A002 -- the word of the command line
    """Write tracks in a format of :data:`TRACK_FORMATS`, whole or not at all; ``.gz`` names are packed.

    Names, bodies, parties, kinds, data mode, times, positions, altitudes with their reference and
    uncertainties are written, and :func:`read` gives them back equal.

    Raises
    ------
    InputError
        The file cannot be written.
    UsageError
        ``format`` is not one that tracks are written in.
    """
    if format not in TRACK_FORMATS:
        raise UsageError(f"tracks are not written as {format!r}; choose one of {', '.join(TRACK_FORMATS)}")
    module, writer = TRACK_FORMATS[format]
    getattr(import_module(f"{__name__}.{module}"), writer)(path, tracks)
