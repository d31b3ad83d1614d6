"""What the columns of a track file mean: their names, their units, and which do not go together.

Law: CSV, Parquet and JSON records share this vocabulary, so a name means one thing in all three. Three
dialects are known. *OpenSky* state vectors are SI (``baroaltitude``, ``velocity``, ``vertrate``); the columns
of *traffic* are ft, kt and ft/min (``altitude``, ``groundspeed``, ``vertical_rate``); *explicit* names carry
their unit (``altitude_m``). A file that mixes the first two is refused, and so is a bare name whose unit the
other columns do not tell, for a wrong guess is a factor of three in height.

How it works. :meth:`Layout.of` gives each name its meaning once; a reader turns its bytes into numpy columns
and codes (:class:`Texts`) under those names, and :class:`Feed` converts a batch at a time and hands it to the
recording. No Python object is made for a point.

Times that are numbers count from 1970 in the unit that their size tells: below 1e11 seconds (to the year
5138), below 1e14 milliseconds (from 1973), below 1e17 microseconds, else nanoseconds. All times of a column
are in one unit.

Sources: OpenSky Network, "state vectors" (trino and CSV dumps); the column names of the traffic library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace.altitude import AltitudeReference
from skypact.airspace.labels import DataMode, Kind
from skypact.errors import FormatError, InputError
from skypact.formats.recording import Attributes, Recording
from skypact.formats.rows import own_body
from skypact.instants import parse_instant
from skypact.units import FPM_M_S, FT_M, KT_M_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from skypact.formats.contents import Contents, Defaults
    from skypact.formats.recording import Place

_US: Final = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0}
_UNIT_WORDS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ENDLESS_US = 9.2e18
"""Beyond this a time does not fit 64 bits; it is refused later, by its value."""

_POSITION_TIMES = ("lastposupdate", "last_position")
_TIMES: Final[dict[str, str | None]] = {
    "lastposupdate": None,
    "last_position": None,
    "time": None,
    "timestamp": None,
    **{f"{name}_{unit}": unit for name in ("time", "timestamp") for unit in ("s", "ms", "us", "ns")},
}
_LATITUDES = ("lat", "latitude", "lat_deg")
_LONGITUDES = ("lng", "lon", "long", "longitude", "lng_deg", "lon_deg")
_STD, _W84 = AltitudeReference.STD, AltitudeReference.W84
_ALTITUDES: Final = {
    "altitude": (FT_M, _STD),
    "baroaltitude": (1.0, _STD),
    "altitude_m": (1.0, _STD),
    "altitude_ft": (FT_M, _STD),
    "baroaltitude_m": (1.0, _STD),
    "baroaltitude_ft": (FT_M, _STD),
}
_GEO_ALTITUDES: Final = {
    "geoaltitude": (1.0, _W84),
    "geoaltitude_m": (1.0, _W84),
    "geoaltitude_ft": (FT_M, _W84),
}
_SPEEDS: Final = {
    "groundspeed": KT_M_S,
    "velocity": 1.0,
    "groundspeed_m_s": 1.0,
    "groundspeed_kt": KT_M_S,
    "ground_speed_m_s": 1.0,
    "ground_speed_kt": KT_M_S,
}
_TRACKS = ("track", "track_deg", "heading")
_RATES: Final = {
    "vertical_rate": FPM_M_S,
    "vertrate": 1.0,
    "vertical_rate_m_s": 1.0,
    "vertical_rate_ft_min": FPM_M_S,
}
_BLURS: Final = {"blur_h": "horizontal_uncertainty_m", "blur_v": "vertical_uncertainty_m"}
_ON_GROUND = ("onground", "on_ground")
_WHO = ("icao24", "callsign", "id", "body", "trajectory")
_STATED = ("party", "kind", "data_mode", "altitude_reference")

_METRIC = ("baroaltitude", "velocity", "vertrate")
_IMPERIAL = ("altitude", "groundspeed", "vertical_rate")
_OPENSKY = (*_METRIC, "lastposupdate", "lon")
_TRAFFIC = ("groundspeed", "vertical_rate", "latitude", "longitude")

VOCABULARY: Final = frozenset(
    (
        *_TIMES,
        *_LATITUDES,
        *_LONGITUDES,
        *_ALTITUDES,
        *_GEO_ALTITUDES,
        *_SPEEDS,
        *_TRACKS,
        *_RATES,
        *_BLURS.values(),
        *_ON_GROUND,
        *_WHO,
        *_STATED,
    )
)
"""Every column name that means something, in lower case."""


def looks_like_points(names: Iterable[str]) -> bool:
    """Whether the names have a time, a latitude and a longitude."""
    known = {name.strip().lower() for name in names}
    return all(known.intersection(group) for group in (_TIMES, _LATITUDES, _LONGITUDES))


def plain_text(text: str) -> str:
    """A name as it is shown: control characters and line breaks are spaces, none at the ends."""
    return _CONTROL.sub(" ", text).strip()


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of few different texts: n codes into ``values``, -1 where missing."""

    codes: NDArray[np.int32]
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """What each column of one file means. Columns are named as the file names them.

    Attributes
    ----------
    time, time_unit
        The time column, and its unit where the name says it.
    position_time
        The time is that of the position, which rows may repeat.
    lat, lng
        Degrees.
    altitude, altitude_factor, reference
        The altitude column ("" if none), metres per unit, and the reference where no column states one.
    speed, speed_factor, track, rate, rate_factor
        Ground speed, direction and vertical rate; "" if none.
    blurs
        ``blur_h``, ``blur_v`` to their columns.
    on_ground
        The column that tells points on the ground; "" if none.
    texts
        Names of bodies and what is stated of them: meaning to column.
    notes
        Sentences for ``ignored``.
    """

    time: str
    time_unit: str | None
    position_time: bool
    lat: str
    lng: str
    altitude: str
    altitude_factor: float
    reference: AltitudeReference
    speed: str
    speed_factor: float
    track: str
    rate: str
    rate_factor: float
    blurs: dict[str, str]
    on_ground: str
    texts: dict[str, str]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], where: str) -> Layout:
        """Give each column its meaning.

        Raises
        ------
        FormatError
            A time, a latitude or a longitude is missing; two columns mean the same; units are mixed or cannot
            be told.
        """
        there: dict[str, str] = {}
        for name in names:
            plain = name.strip().lower()
            if plain in VOCABULARY and plain in there:
                raise FormatError(
                    "a column occurs twice", where=where, found=name, expected="each column once"
                )
            there.setdefault(plain, name)

        def only(group: Iterable[str], what: str, *, needed: bool = False) -> str:
            found = [name for name in group if name in there]
            if len(found) > 1:
                raise FormatError(
                    f"two columns for {what}",
                    where=where,
                    found=f"{found[0]} and {found[1]}",
                    expected="one of them; remove or rename the other",
                )
            if not found and needed:
                raise FormatError(
                    f"no column for {what}",
                    where=where,
                    found=", ".join(names),
                    expected=" or ".join(group),
                )
            return found[0] if found else ""

        for metric in _METRIC:
            for imperial in _IMPERIAL:
                if metric in there and imperial in there:
                    raise FormatError(
                        f"units are mixed: {metric} is metric (OpenSky), {imperial} is in "
                        f"{_UNIT_OF[imperial]} (traffic)",
                        where=where,
                        found=f"{metric} and {imperial}",
                        expected="columns of one kind, or names with units such as altitude_m, altitude_ft, "
                        "groundspeed_kt",
                    )
        position_time = only(_POSITION_TIMES, "the time of a position")
        other_time = only([n for n in _TIMES if n not in _POSITION_TIMES], "time", needed=not position_time)
        lat = only(_LATITUDES, "latitude", needed=True)
        lng = only(_LONGITUDES, "longitude", needed=True)
        altitude, factor, reference, notes = _altitude(there, only, where)
        speed = only(_SPEEDS, "ground speed")
        headed = ("track", "track_deg") if "track" in there or "track_deg" in there else _TRACKS
        track = only(headed, "direction")
        if track == "heading" and not any(name in there for name in _OPENSKY):
            # Elsewhere a heading is where the nose points (often magnetic); in OpenSky's tables it is the
            # track.
            track = ""
        rate = only(_RATES, "vertical rate")
        blurs = {name: there[column] for name, column in _BLURS.items() if column in there}
        on_ground = only(_ON_GROUND, "on the ground")
        used = {position_time or other_time, lat, lng, altitude, on_ground, *_BLURS.values(), *_WHO, *_STATED}
        if speed and track:
            used |= {speed, track, rate}
        unused = [name for plain, name in there.items() if plain not in used]
        if unused:
            listed = ", ".join(plain_text(name)[:40] for name in unused[:12])
            more = f" and {len(unused) - 12:,} more" if len(unused) > 12 else ""
            notes.append(f"columns not used: {listed}{more}")
        moving = bool(speed and track)
        return cls(
            there[position_time or other_time],
            None if position_time else _TIMES[other_time],
            bool(position_time),
            there[lat],
            there[lng],
            there.get(altitude, ""),
            factor,
            reference,
            there[speed] if moving else "",
            _SPEEDS.get(speed, 1.0),
            there[track] if moving else "",
            there.get(rate, "") if moving else "",
            _RATES.get(rate, 1.0),
            blurs,
            there.get(on_ground, ""),
            {name: there[name] for name in (*_WHO, *_STATED) if name in there},
            tuple(notes),
        )

    @property
    def numbers(self) -> list[str]:
        """The columns that hold numbers, the time aside."""
        columns = [self.lat, self.lng, self.altitude, self.speed, self.track, self.rate, *self.blurs.values()]
        return [name for name in columns if name]

    @property
    def labels(self) -> list[str]:
        """The columns that hold texts of few different values."""
        return [*self.texts.values(), *([self.on_ground] if self.on_ground else [])]


_UNIT_OF: Final = {"altitude": "ft", "groundspeed": "kt", "vertical_rate": "ft/min"}


def _altitude(
    there: Mapping[str, str], only: Callable[[Iterable[str], str], str], where: str
) -> tuple[str, float, AltitudeReference, list[str]]:
    """The altitude column, metres a unit, its reference, and what to say about it."""
    name = only(_ALTITUDES, "altitude")
    geo = only(_GEO_ALTITUDES, "geometric altitude")
    if not name and not geo:
        return "", 1.0, _STD, ["no altitude column: every altitude is unknown"]
    if not name:
        factor, reference = _GEO_ALTITUDES[geo]
        if geo == "geoaltitude":
            metric = any(n in there for n in _OPENSKY)
            imperial = any(n in there for n in (*_IMPERIAL, *_TRAFFIC))
            if metric == imperial:
                raise _unit_unknown(geo, "metres in OpenSky's columns, feet in traffic's", where)
            factor = 1.0 if metric else FT_M
        return geo, factor, reference, []
    if name == "altitude":
        told = [n for n in _TRAFFIC if n in there]
        against = [n for n in _OPENSKY if n in there]
        if not told or (against and not {"groundspeed", "vertical_rate"}.intersection(told)):
            raise _unit_unknown(
                name, "feet in traffic's columns, but the other columns are not traffic's", where
            )
    factor, reference = _ALTITUDES[name]
    if name in {"altitude_m", "altitude_ft"} and "altitude_reference" not in there:
        return (
            name,
            factor,
            reference,
            [f"{name} without a column altitude_reference is taken as pressure altitude (STD)"],
        )
    return name, factor, reference, []


def _unit_unknown(name: str, why: str, where: str) -> FormatError:
    return FormatError(
        f"the unit of {name} cannot be told ({why})",
        where=where,
        found=name,
        expected=f"the column named {name}_m or {name}_ft",
    )


@dataclass(slots=True)
class Clock:
    """Times of one column, in microseconds since 1970 UTC; numbers in the unit that their size tells."""

    column: str
    unit: str | None = None

    def of_numbers(
        self, values: NDArray[np.int64] | NDArray[np.float64], there: NDArray[np.bool_], place: Place
    ) -> NDArray[np.int64]:
        """Numbers as instants; rows that are not ``there`` give 0.

        Raises
        ------
        FormatError
            A time has another unit than the ones before it.
        """
        known = np.where(there, values, 0)
        if not there.any():
            return np.zeros(values.shape[0], np.int64)
        if self.unit is None or self.column.strip().lower() in _GUESSED:
            size = np.abs(known.astype(np.float64))
            kinds = np.searchsorted([1e11, 1e14, 1e17], size, side="right")
            if self.unit is None:
                self.unit = list(_US)[int(kinds[there][0])]
            bad = np.nonzero(there & (kinds != list(_US).index(self.unit)))[0]
            if bad.shape[0]:
                row = int(bad[0])
                raise FormatError(
                    "not a time in the unit of the others",
                    where=place(row, self.column),
                    found=values[row],
                    expected=f"{_UNIT_WORDS[self.unit]} since 1970 as before",
                )
        factor = _US[self.unit]
        if known.dtype.kind == "f":
            scaled = known / 1000.0 if not factor else known * float(factor)
            return np.rint(np.clip(scaled, -_ENDLESS_US, _ENDLESS_US)).astype(np.int64)
        if not factor:
            return (known // 1000).astype(np.int64)
        room = int(_ENDLESS_US) // factor
        return (np.clip(known, -room, room) * factor).astype(np.int64)

    def of_texts(
        self, texts: Sequence[str | None], place: Place
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """RFC 3339 texts as instants, and which are there.

        Raises
        ------
        FormatError
            A text is not RFC 3339 or has no offset.
        """
        times = np.zeros(len(texts), np.int64)
        there = np.ones(len(texts), np.bool_)
        for row, text in enumerate(texts):
            if text is None or not text.strip():
                there[row] = False
                continue
            times[row] = self._instant(text, row, place)
        return times, there

    def _instant(self, text: str, row: int, place: Place) -> int:
        if _USUAL_INSTANT.fullmatch(text) is not None:  # the standard library's parser is four times as fast
            try:
                return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
            except ValueError:
                pass
        try:
            return parse_instant(text)
        except InputError as error:
            raise FormatError(
                error.message, where=place(row, self.column), found=error.found, expected=error.expected
            ) from None


_GUESSED: Final = frozenset(name for name, unit in _TIMES.items() if unit is None)
_USUAL_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:[0-5]\d(?:[.]\d{3}(?:\d{3})?)?(?:Z|[+]00:00)", re.ASCII
)


@dataclass(slots=True)
class Feed:
    """Batches of columns on their way into a recording.

    Parameters
    ----------
    layout
        What the columns mean.
    path, form, defaults
        As for :class:`~skypact.formats.recording.Recording`.
    """

    layout: Layout
    path: str
    form: str
    defaults: Defaults
    clock: Clock = field(init=False)
    _recording: Recording = field(init=False)
    _known: dict[tuple[str | None, ...], int] = field(default_factory=dict)
    _on_ground: int = 0
    _placeless: int = 0
    _timeless: int = 0
    _nameless: int = 0

    def __post_init__(self) -> None:
        self.clock = Clock(self.layout.time, self.layout.time_unit)
        self._recording = Recording(
            self.path,
            self.form,
            self.defaults,
            reference=self.layout.reference,
            numbered="trajectory" in self.layout.texts,
            position_time=self.layout.position_time,
            velocities=bool(self.layout.speed),
            uncertainties=("blur_h" in self.layout.blurs, "blur_v" in self.layout.blurs),
        )

    def add(
        self,
        time_us: NDArray[np.int64],
        timed: NDArray[np.bool_],
        numbers: Mapping[str, NDArray[np.float64]],
        texts: Mapping[str, Texts],
        place: Place,
    ) -> None:
        """Take a batch of rows.

        Parameters
        ----------
        time_us, timed
            The instant of each row, and which rows have one.
        numbers
            The columns of :attr:`Layout.numbers`, in the file's units, NaN where missing.
        texts
            The columns of :attr:`Layout.labels`.
        place
            Names row i and a column in errors.
        """
        layout = self.layout
        n = time_us.shape[0]
        nan = np.full(n, np.nan)
        columns = {"lat": numbers[layout.lat], "lng": numbers[layout.lng]}
        columns["altitude"] = numbers[layout.altitude] * layout.altitude_factor if layout.altitude else nan
        if layout.speed:
            columns["speed"] = numbers[layout.speed] * layout.speed_factor
            columns["track"] = numbers[layout.track]
            columns["climb"] = numbers[layout.rate] * layout.rate_factor if layout.rate else nan
        for name, source in layout.blurs.items():
            columns[name] = numbers[source]

        def at(row: int, field_name: str) -> str:
            return place(int(rows[row]), self._column_of(field_name))

        rows = np.arange(n)
        empty = np.isnan(columns["lat"]) & np.isnan(columns["lng"]) & ~timed
        for column in texts.values():  # a blank line says nothing at all
            empty &= column.codes < 0
        keep = ~np.isnan(columns["lat"]) & ~np.isnan(columns["lng"])
        self._placeless += int(np.count_nonzero(~keep & ~empty))
        self._timeless += int(np.count_nonzero(keep & ~timed))
        keep &= timed
        if layout.on_ground:
            down = _truths(texts[layout.on_ground], lambda row: place(row, layout.on_ground))
            self._on_ground += int(np.count_nonzero(keep & down))
            keep &= ~down
        who = self._who(texts, keep, place)
        self._nameless += int(np.count_nonzero(keep & (who < 0)))
        keep &= who >= 0
        if not keep.all():
            rows = np.nonzero(keep)[0]
            time_us, who = time_us[rows], who[rows]
            columns = {name: column[rows] for name, column in columns.items()}
        self._recording.add(time_us, who, columns, at)

    def _column_of(self, name: str) -> str:
        layout = self.layout
        return {
            "time": layout.time,
            "lat": layout.lat,
            "lng": layout.lng,
            "altitude": layout.altitude,
            "speed": layout.speed,
            "track": layout.track,
            "climb": layout.rate,
            **layout.blurs,
        }[name]

    def _who(self, texts: Mapping[str, Texts], keep: NDArray[np.bool_], place: Place) -> NDArray[np.int32]:
        """The recording's number of each row's body; -1 where the row names none."""
        n = keep.shape[0]
        columns = [texts[column] for column in self.layout.texts.values()]
        joint = np.zeros(n, np.int64)
        span = 1
        for column in columns:
            width = len(column.values) + 1
            if span * width > 2**62:
                _, joint = np.unique(joint, return_inverse=True)
                span = int(joint.max(initial=0)) + 1
            joint = joint * width + (column.codes.astype(np.int64) + 1)
            span *= width
        rows = np.nonzero(keep)[0]
        result = np.full(n, -1, np.int32)
        _, first, which = np.unique(joint[rows], return_index=True, return_inverse=True)
        numbers = np.empty(first.shape[0], np.int32)
        # In the order of the file, so that the tracks come out in it.
        for index in np.argsort(first).tolist():
            row = int(rows[first[index]])
            said = tuple(
                column.values[column.codes[row]] if column.codes[row] >= 0 else None for column in columns
            )
            number = self._known.get(said)
            if number is None:
                number = self._known[said] = self._meet(
                    dict(zip(self.layout.texts, said, strict=True)), row, place
                )
            numbers[index] = number
        result[rows] = numbers[which]
        return result

    def _meet(self, said: dict[str, str | None], row: int, place: Place) -> int:
        number = said.get("trajectory")
        if "trajectory" in said:
            if number is None:
                return -1
            name = said.get("id") or ""
            body = said.get("body")
            named = True
            body = name if body is None else body
        else:
            icao24 = plain_text(said.get("icao24") or "").lower()
            callsign = plain_text(said.get("callsign") or "")
            other = plain_text(said.get("id") or "")
            if not (icao24 or callsign or other):
                if {"icao24", "callsign", "id"}.intersection(said):
                    return -1
                other = Path(self.path).name.split(".")[0] or self.path
                self._recording.nameless = not said.get("body")
            body = plain_text(said.get("body") or "") or icao24 or callsign
            if not body:
                # An id says nothing outside its file, unless it is a UUID: two files may both have a drone
                # "1".
                known = _UUID.fullmatch(other) is not None
                body = other.lower() if known else own_body(other, self.path)
            name = f"{icao24}/{callsign}" if icao24 and callsign else icao24 or callsign or other
            named = bool(callsign or not icao24) or "callsign" not in said
        party = said.get("party") or ""
        stated = Attributes(
            (party if "trajectory" in said else plain_text(party)) or None,
            self._parsed(Kind.parse, said, "kind", row, place),
            self._parsed(DataMode.parse, said, "data_mode", row, place),
            self._parsed(_reference, said, "altitude_reference", row, place),
        )
        return self._recording.who(body, name, stated, place(row, ""), named=named, number=number or "")

    def _parsed(
        self,
        parse: Callable[[str], Any],
        said: Mapping[str, str | None],
        meaning: str,
        row: int,
        place: Place,
    ) -> Any:
        text = said.get(meaning)
        if text is None or not text.strip():
            return None
        try:
            return parse(text)
        except InputError as error:
            raise FormatError(
                error.message,
                where=place(row, self.layout.texts[meaning]),
                found=text,
                expected=error.expected,
            ) from None

    def finish(self) -> Contents:
        """What was read, with what was left out."""
        leave_out = self._recording.leave_out
        self._recording.ignored.extend(self.layout.notes)
        leave_out(self._placeless, "row", "rows", "without a position")
        leave_out(
            self._timeless,
            "row",
            "rows",
            f"without a time ({plain_text(self.layout.time)})",
        )
        leave_out(self._on_ground, "row", "rows", "on the ground: airborne minima do not apply there")
        leave_out(self._nameless, "row", "rows", "without icao24, callsign or id")
        return self._recording.finish()


def _reference(text: str) -> AltitudeReference:
    try:
        return AltitudeReference[text.strip().upper()]
    except KeyError:
        raise InputError(
            "not an altitude reference", found=text, expected=", ".join(r.name for r in AltitudeReference)
        ) from None


_TRUE = frozenset({"true", "t", "1", "1.0", "yes"})
_FALSE = frozenset({"false", "f", "0", "0.0", "no", ""})


def _truths(column: Texts, place: Callable[[int], str]) -> NDArray[np.bool_]:
    """A column of true and false; missing is false."""
    truth = np.zeros(len(column.values) + 1, np.bool_)
    for code in np.unique(column.codes[column.codes >= 0]).tolist():
        text = column.values[code]
        word = text.strip().lower()
        if word not in _TRUE and word not in _FALSE:
            row = int(np.nonzero(column.codes == code)[0][0])
            raise FormatError("not true or false", where=place(row), found=text, expected="true or false")
        truth[code] = word in _TRUE
    result: NDArray[np.bool_] = truth[column.codes]  # -1 is the last, which is false
    return result
