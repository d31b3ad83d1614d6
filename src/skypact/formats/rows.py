"""What a document reader collects: volumes or zones, row by row, and what it left out, in sentences.

Law: every reader of volumes, plans and zones ends here, so that the same volume means the same whatever
format it came in. A row keeps its place in the document until the geometry has been checked, so that an error
names it. One file has one data mode. Limits are read here too: a number of metres or feet above a named
surface, a text, or an object.

*Bodies.* Rows of one id in one file are one thing and are never checked against each other. Across files an
id says nothing: two files may both call something ``1``, and taking them for one would hide a conflict. So a
row's body is its id in its file, unless the file itself states a body (an aircraft's registration or
address), or its ids are UUIDs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace import rings
from skypact.airspace.altitude import Altitude, AltitudeReference, parse_ceiling, parse_floor
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import first_bad_position
from skypact.airspace.volumes import Polygon, Volume4D, Volumes, Zones
from skypact.errors import FormatError, GeometryError, InputError, ModeError
from skypact.formats.jsonpath import joined
from skypact.units import FT_M

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from skypact.formats.contents import Defaults
    from skypact.formats.jsonpath import Node

ROWS_MAX: Final = 2_000_000
"""More volumes than this in one document are refused."""

_UNITS: Final = {"M": 1.0, "METERS": 1.0, "METRES": 1.0, "FT": FT_M, "F": FT_M, "FEET": FT_M}


def own_body(ident: str, name: str) -> str:
    """The body of a thing that is known by its id in one file only."""
    return f"{ident} in {name}"


class Remarks:
    """What a reader ignored or assumed: sentences, each with its number."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, one: str, many: str = "", n: int = 1) -> None:
        """Count something; ``many`` is the sentence for several, in which ``{n}`` is their number."""
        if n:
            key = (one, many or one)
            self._counts[key] = self._counts.get(key, 0) + n

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences, in the order in which they first came up."""
        return tuple(
            one if n == 1 else many.replace("{n}", f"{n:,}") for (one, many), n in self._counts.items()
        )


class OneMode:
    """The one data mode of a file."""

    def __init__(self, defaults: Defaults) -> None:
        self._silent = defaults.data_mode or DataMode.REAL
        self._mode: DataMode | None = None
        self._since = ""

    def take(self, stated: DataMode | None, where: str) -> None:
        """Note the mode of one record; None where it states none.

        Raises
        ------
        ModeError
            An earlier record is of another mode.
        """
        mode = stated or self._silent
        if self._mode is None:
            self._mode, self._since = mode, where
        elif mode is not self._mode:
            raise ModeError(
                "data modes would be mixed",
                where=where,
                found=f"{mode.value}, and {self._mode.value} at {self._since}",
                expected="one data mode in a file; a record that states none is taken as "
                f"{self._silent.value}",
            )

    @property
    def mode(self) -> DataMode:
        """The mode."""
        return self._mode or self._silent


class Rows:
    """Volumes of one file as they are read, laid out at the end.

    Parameters
    ----------
    name
        The file's name, the source of every row.
    mode
        The file's data mode; asked at the end.
    """

    def __init__(self, name: str, mode: OneMode) -> None:
        self._name = name
        self._mode = mode
        self._ids: list[str] = []
        self._party: list[str] = []
        self._kind: list[Kind] = []
        self._body: list[str] = []
        self._where: list[str] = []
        self._volumes: list[Volume4D] = []
        self._plain: list[Polygon | None] = []
        self._applies: list[Collection[Kind]] = []
        self._effect: list[str] = []

    def __len__(self) -> int:
        return len(self._ids)

    def add(
        self,
        ident: str,
        volume: Volume4D,
        *,
        where: str,
        party: str,
        kind: Kind,
        body: str | None = None,
        plain: Polygon | None = None,
        applies: Collection[Kind] = (),
        effect: str = "",
    ) -> None:
        """Take one row.

        ``plain`` is the polygon with the vertices as the document has them, where the volume's has others: an
        error is looked for there first, so that it names a vertex that the reader of the message can find.
        """
        if len(self._ids) >= ROWS_MAX:
            raise FormatError("too many volumes", where=where, expected=f"at most {ROWS_MAX:,} in one file")
        self._ids.append(ident)
        self._party.append(party)
        self._kind.append(kind)
        self._body.append(own_body(ident, self._name) if body is None else body)
        self._where.append(where)
        self._volumes.append(volume)
        self._plain.append(plain)
        self._applies.append(applies)
        self._effect.append(effect)

    def volumes(self) -> Volumes | None:
        """The rows as volumes; None if there are none.

        Raises
        ------
        GeometryError
            A row is no volume; it names the row's place.
        """
        if not self._ids:
            return None
        labels = Labels.of(
            self._ids,
            party=self._party,
            kind=np.array(self._kind, np.int8),
            source=self._name,
            body=self._body,
            data_mode=self._mode.mode,
        )
        try:
            return Volumes.of(labels, self._volumes, where=self._where)
        except GeometryError:
            plain = [
                volume if polygon is None else replace(volume, outline=polygon)
                for volume, polygon in zip(self._volumes, self._plain, strict=True)
            ]
            Volumes.of(labels, plain, where=self._where)
            raise

    def zones(self, *, mending: Remarks | None = None) -> Zones | None:
        """The rows as zones; None if there are none.

        With ``mending``, an outline that crosses itself is replaced by its convex hull, which is noted there;
        published airspace has such outlines, and a zone left out could be entered unseen. Raises as
        :meth:`volumes` does.
        """
        try:
            volumes = self.volumes()
        except GeometryError:
            if mending is None:
                raise
            self._mend(mending)
            volumes = self.volumes()
        if volumes is None:
            return None
        return Zones.of(volumes, applies_to=self._applies, effect=self._effect)

    def _mend(self, remarks: Remarks) -> None:
        """Replace each polygon that is no outline by its hull, where that is one."""
        mended: set[str] = set()
        for row, volume in enumerate(self._volumes):
            labels, where = Labels.of([self._ids[row]]), [self._where[row]]
            try:
                Volumes.of(labels, [volume], where=where)
            except GeometryError:
                if not isinstance(volume.outline, Polygon) or not self._mend_row(row):
                    raise
                if self._ids[row] not in mended:
                    mended.add(self._ids[row])
                    remarks.add(
                        f"the outline of {self._ids[row]!r} crosses itself and was replaced by its convex "
                        f"hull, which contains it ({self._where[row]})"
                    )

    def _mend_row(self, row: int) -> bool:
        """Put the hull in the place of an outline; whether that makes the row a volume."""
        volume = self._volumes[row]
        assert isinstance(volume.outline, Polygon)  # noqa: S101  # the caller has looked
        try:
            hull = polygon_of(rings.hull(np.array(volume.outline.vertices)))
            mended = replace(volume, outline=hull)
            Volumes.of(Labels.of([self._ids[row]]), [mended])
        except GeometryError:
            return False
        self._volumes[row] = mended
        return True


def polygon_of(ring: NDArray[np.float64] | Sequence[Sequence[float]]) -> Polygon:
    """A polygon of (latitude, longitude) rows."""
    rows = ring.tolist() if isinstance(ring, np.ndarray) else ring
    return Polygon(tuple((row[0], row[1]) for row in rows))


def checked_position(position: Sequence[float], where: str) -> tuple[float, float]:
    """Latitude and longitude of a [longitude, latitude, ...], which must lie on earth.

    Longitudes may run on to +-360, as some files have them that cross the antimeridian.
    """
    lng, lat = position[0], position[1]
    if not abs(lat) <= 90.0:
        swapped = " (longitude comes first)" if abs(lng) <= 90.0 else ""
        raise GeometryError(
            "not a latitude", where=f"{where}[1]", found=lat, expected=f"degrees, -90 to 90{swapped}"
        )
    if not abs(lng) <= 360.0:
        raise GeometryError(
            "not a longitude", where=f"{where}[0]", found=lng, expected="degrees, -180 to 180"
        )
    return lat, lng


def checked_positions(positions: Sequence[Sequence[float]], path: str) -> NDArray[np.float64]:
    """(latitude, longitude, height) rows of many positions, checked as one; NaN where there is no height."""
    rows = np.full((len(positions), 3), np.nan)
    rows[:, :2] = np.array([position[:2] for position in positions], np.float64).reshape(-1, 2)[:, ::-1]
    rows[:, 2] = [position[2] if len(position) > 2 else np.nan for position in positions]
    bad = first_bad_position(rows[:, 0], rows[:, 1])
    if bad is not None:
        checked_position(positions[bad[0]], joined(path, bad[0]))
    return rows


# -- limits ---------------------------------------------------------------------------------------------


def reference_of(node: Node) -> AltitudeReference:
    """The altitude reference that a value names."""
    try:
        return AltitudeReference.parse(node.text(), where=node.path)
    except GeometryError as error:
        raise as_format_error(error) from None


def unit_of(node: Node) -> float:
    """Metres in the unit that a value names: M or FT, in any case."""
    factor = _UNITS.get(node.text().strip().upper())
    if factor is None:
        raise node.error("not a unit of length for altitudes", "M or FT")
    return factor


def limit_of_text(node: Node, *, floor: bool, default: AltitudeReference | None) -> Altitude | None:
    """A limit written as people do (``FL100``, ``120 m AGL``, ``surface``); None is open."""
    read = parse_floor if floor else parse_ceiling
    try:
        return read(node.text(), where=node.path, default=default)
    except GeometryError as error:
        raise as_format_error(error) from None


def limit_of_metres(metres: float, reference: AltitudeReference, *, floor: bool) -> Altitude | None:
    """A limit in metres; a floor at the ground is open, since nothing is below it."""
    if floor and reference is AltitudeReference.AGL and metres == 0.0:
        return None
    return Altitude(metres, reference)


def as_format_error(error: InputError) -> FormatError:
    """The same error as one of the format's."""
    return FormatError(error.message, where=error.where, found=error.found, expected=error.expected)
