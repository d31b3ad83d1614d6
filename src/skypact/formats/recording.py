"""From points to tracks: who flew, where one flight ends and the next begins, what is a point twice.

Law: every track format ends here, so that the same recording gives the same tracks whatever file it came in.
A reader hands over points in batches, each with a number for *who* (:meth:`Recording.who`);
:meth:`Recording.finish` sorts them, takes out repeated points, and cuts them into tracks.

*Cutting.* The points of one body are laid out in time; a gap of more than :data:`FLIGHT_GAP_S` ends a flight.
Within a flight each name (callsign) has a track of its own. Points without a name take the next name of the
same flight, or the last. Where a body changes its name without such a gap, the first point under the new name
also ends the track under the old one, so that the way between the two is checked. The second track of a name
is called ``NAME/2``, and so on. Where the file numbers its tracks itself (``trajectory``), they are taken as
written: sorted by time, but nothing is cut, joined or taken out.

*Repeated points.* Points of one track that agree in time, place and altitude are one point. Where the time is
that of the position (``lastposupdate``), points that agree in time and place are one: the receiver repeated
the position.

Memory: 36 bytes a point while reading, 24 more with velocities, 8 more for each column of uncertainties;
about as much again while sorting; and some 600 bytes a track. ``docs/formats.md`` has the measured
figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace.altitude import ALTITUDE_LIMIT_M, AltitudeReference
from skypact.airspace.labels import DataMode, Kind, Labels
from skypact.airspace.moving import SPEED_LIMIT_M_S, States, Trajectories
from skypact.errors import FormatError, ModeError
from skypact.formats.contents import Contents
from skypact.instants import EVER, FOREVER, SECOND_US, format_instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from skypact.formats.contents import Defaults

    Place = Callable[[int, str], str]
    """Says where row i of a batch stands in the file, and in which column."""

FLIGHT_GAP_S: Final = 600
"""After a gap of more than this a body flies again, and its track has a number."""
POINTS_LIMIT: Final = 100_000_000
"""The most points that are read from one file."""
NAMES_LIMIT: Final = 1_000_000
"""The most different names in one file; more than that are data of another kind in the place of names."""
LABEL_MAX: Final = 200
"""The longest name of a track or a party, in characters."""
BODY_MAX: Final = 5_000
"""The longest name of a body, which may hold the path of a file."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the file states of a track; None where it does not."""

    party: str | None = None
    kind: Kind | None = None
    data_mode: DataMode | None = None
    reference: AltitudeReference | None = None


_TOO_FAST_M_S: Final = 1_000.0
"""Faster than anything a pact is about: more likely two things under one name."""


@dataclass(slots=True)
class _Scope:
    """What has been stated so far of one body, or of one numbered track."""

    party: str | None = None
    kind: Kind | None = None
    reference: AltitudeReference | None = None


@dataclass(frozen=True, slots=True)
class _Who:
    name: str
    named: bool
    body: str
    group: int
    scope: _Scope


def _word(value: str | Kind | AltitudeReference) -> str:
    if isinstance(value, Kind):
        return value.word
    return value.name if isinstance(value, AltitudeReference) else value


def plural(count: int, one: str, many: str) -> str:
    """``1 row``, ``2 rows``, ``12,000 rows``."""
    return f"{count:,} {one if count == 1 else many}"


class Recording:
    """The points of one file, on their way to tracks.

    Parameters
    ----------
    path, form
        The file and its format's short name, for :class:`~skypact.formats.contents.Contents`.
    defaults
        What is taken where the file does not say.
    reference
        The altitude reference where none is stated.
    numbered
        The file numbers its tracks; nothing is cut or joined.
    position_time
        Times are those of the position, and rows may repeat it.
    velocities, uncertainties
        Which of the optional columns every batch has.
    """

    def __init__(
        self,
        path: str,
        form: str,
        defaults: Defaults,
        *,
        reference: AltitudeReference,
        numbered: bool = False,
        position_time: bool = False,
        velocities: bool = False,
        uncertainties: tuple[bool, bool] = (False, False),
    ) -> None:
        self.path = path
        self.form = form
        self.ignored: list[str] = []
        self.nameless = False
        """The file has no column that names anybody: its points are taken as one thing."""
        self._defaults = defaults
        self._reference = reference
        self._numbered = numbered
        self._position_time = position_time
        self._people: list[_Who] = []
        self._numbers: dict[tuple[int, str, bool], int] = {}
        self._groups: dict[str, int] = {}
        self._scopes: dict[str, _Scope] = {}
        self._modes: dict[DataMode | None, str] = {}
        self._names = ["lat", "lng", "altitude"]
        self._names += ["speed", "track", "climb"] * velocities
        self._names += [
            name for name, there in zip(("blur_h", "blur_v"), uncertainties, strict=True) if there
        ]
        self._times = _Grown(np.int64)
        self._keys = _Grown(np.int32)
        self._columns = {name: _Grown(np.float64) for name in self._names}
        self._size = 0

    def who(
        self, body: str, name: str, stated: Attributes, where: str, *, named: bool = True, number: str = ""
    ) -> int:
        """Register a body under a name; the number stands for the two in :meth:`add`.

        Parameters
        ----------
        body
            The physical body.
        name
            The track's name; ``named`` is false where it only stands in for a name to come.
        stated
            What this row of the file says of it.
        where
            The place of this row, for errors.
        number
            The track's own number in a file that numbers its tracks.

        Raises
        ------
        FormatError
            Something else was stated of the same body before, or a name is too long.
        ModeError
            Another data mode was stated before.
        """
        for text, longest in ((name, LABEL_MAX), (stated.party or "", LABEL_MAX), (body, BODY_MAX)):
            if len(text) > longest:
                raise FormatError(
                    "too long for a name", where=where, found=text, expected=f"at most {longest:,} characters"
                )
        key = number if self._numbered else body
        scope = self._scopes.setdefault(key, _Scope())
        for field, said, before in (
            ("party", stated.party, scope.party),
            ("kind", stated.kind, scope.kind),
            ("altitude_reference", stated.reference, scope.reference),
        ):
            if said is not None and before is not None and said != before:
                raise FormatError(
                    f"the {field} of {name!r} changes on the way",
                    where=where,
                    found=_word(said),
                    expected=f"{_word(before)} as before",
                )
        scope.party = scope.party if stated.party is None else stated.party
        scope.kind = scope.kind if stated.kind is None else stated.kind
        scope.reference = scope.reference if stated.reference is None else stated.reference
        self._state_mode(stated.data_mode, where)
        group = self._groups.setdefault(key, len(self._groups))
        people = len(self._people)
        index = self._numbers.setdefault((group, "" if self._numbered else name, named), people)
        if index == people:
            if people >= NAMES_LIMIT:
                raise FormatError(
                    "too many different names", where=where, found=name, expected=f"at most {NAMES_LIMIT:,}"
                )
            self._people.append(_Who(name, named, body, group, scope))
        elif (name, body) != (self._people[index].name, self._people[index].body):
            raise FormatError(
                f"trajectory {number} changes its id or body on the way",
                where=where,
                found=name,
                expected=f"{self._people[index].name!r} as before",
            )
        return index

    def _state_mode(self, mode: DataMode | None, where: str) -> None:
        self._modes.setdefault(mode, where)
        if len(self._modes) > 1:
            stated = [m.value if m is not None else "none stated" for m in self._modes]
            raise ModeError(
                "data modes are mixed in one file",
                where=where,
                found=" and ".join(stated),
                expected="one data mode a file",
            )

    def add(
        self,
        time_us: NDArray[np.int64],
        who: NDArray[np.int32],
        columns: dict[str, NDArray[np.float64]],
        place: Place,
    ) -> None:
        """Take a batch of points.

        Parameters
        ----------
        time_us, who
            Instant of each point, and the number of :meth:`who`.
        columns
            ``lat``, ``lng`` in degrees, ``altitude`` in metres (NaN unknown), and with velocities ``speed``
            (m/s), ``track`` (degrees) and ``climb`` (m/s), NaN where missing; with uncertainties ``blur_h``,
            ``blur_v`` in metres, NaN where not stated.
        place
            Names row i and a column in errors.

        Raises
        ------
        FormatError
            A value cannot be, or there are too many points.
        """
        self._size += time_us.shape[0]
        if self._size > POINTS_LIMIT:
            raise FormatError(
                "too many points",
                where=self.path,
                found=f"over {POINTS_LIMIT:,}",
                expected=f"at most {POINTS_LIMIT:,} in one file; split it",
            )
        for name in self._names:
            bad = np.nonzero(~_POSSIBLE[name][0](columns[name]))[0]
            if bad.shape[0]:
                row = int(bad[0])
                raise FormatError(
                    f"not {_POSSIBLE[name][1]}",
                    where=place(row, name),
                    found=float(columns[name][row]),
                    expected=_POSSIBLE[name][2],
                )
        bad = np.nonzero((time_us <= EVER) | (time_us >= FOREVER))[0]
        if bad.shape[0]:
            raise FormatError(
                "not an instant",
                where=place(int(bad[0]), "time"),
                found=int(time_us[bad[0]]),
                expected="a time within 100,000 years",
            )
        self._times.add(time_us)
        self._keys.add(who)
        for name in self._names:
            self._columns[name].add(columns[name])

    def leave_out(self, count: int, one: str, many: str, why: str) -> None:
        """State in ``ignored`` that ``count`` things were left out; nothing where there are none."""
        if count:
            self.ignored.append(f"{plural(count, one, many)} {why}")

    def finish(self) -> Contents:
        """Sort, cut and label what was read.

        Raises
        ------
        FormatError
            There is not one usable point.
        """
        if not self._size:
            raise FormatError(
                "holds no usable point",
                where=self.path,
                found="; ".join(self.ignored) or "no rows",
                expected="at least one point with a time, a latitude and a longitude",
            )
        time, key = self._times.whole(), self._keys.whole()
        column = {name: grown.whole() for name, grown in self._columns.items()}
        group = np.array([who.group for who in self._people], np.int32)[key]
        order = _order(group, time)
        if order is not None:
            time, key, group = time[order], key[order], group[order]
            for name in column:
                column[name] = column[name][order]
            del order
        new = np.ones(time.shape[0], np.bool_)
        new[1:] = group[1:] != group[:-1]
        if not self._numbered:
            new[1:] |= np.diff(time) > FLIGHT_GAP_S * SECOND_US
            key = self._filled(key, new)
        keep = None if self._numbered else self._distinct(group, time, key, column)
        if keep is not None:
            # The first of a run of equal points stays, so the beginning of a flight is never dropped.
            time, key, new = time[keep], key[keep], new[keep]
            for name in column:
                column[name] = column[name][keep]
        del group, keep
        if not self._numbered:
            switch = np.nonzero(~new[1:] & (key[1:] != key[:-1]))[0] + 1
            if switch.shape[0]:
                time, key, new = self._by_name(time, key, new, column, switch)
            self._doubt(time, new, column)
        return self._labelled(time, key, np.nonzero(new)[0], column)

    def _doubt(
        self,
        time: NDArray[np.int64],
        new: NDArray[np.bool_],
        column: dict[str, NDArray[np.float64]],
    ) -> None:
        """Say what looks like two things under one name; refuse it where there is no name at all.

        Two aircraft taken for one are never paired, so a file without a column of names would hide every
        conflict in it.
        """
        lat, lng = column["lat"], column["lng"]
        east = ((np.diff(lng) + 180.0) % 360.0 - 180.0) * np.cos(np.radians(lat[1:]))
        metres = 111_195.0 * np.hypot(np.diff(lat), east)
        jump = ~new[1:] & (metres > 1_000.0) & (metres > _TOO_FAST_M_S * 1e-6 * np.diff(time))
        rows = np.nonzero(jump)[0]
        told = ""
        if rows.shape[0]:
            told = (
                f"{plural(rows.shape[0], 'leg', 'legs')} faster than {_TOO_FAST_M_S:,.0f} m/s, the first at "
                f"{format_instant(int(time[rows[0] + 1]))}"
            )
        if self.nameless and rows.shape[0]:
            raise FormatError(
                "the points name nobody, and cannot be of one thing",
                where=self.path,
                found=told,
                expected="a column id, icao24 or callsign that tells the things apart",
            )
        if self.nameless:
            self.ignored.append(
                "the points name nobody and are taken as one thing; a column id, icao24 or callsign would "
                "tell things apart"
            )
        if told:
            self.ignored.append(f"{told}: two things under one name? They are kept as they are")

    def _filled(self, key: NDArray[np.int32], new: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Keys in which points without a name have that of their flight."""
        named = np.array([who.named for who in self._people], np.bool_)
        bare = np.nonzero(~named[key])[0]
        if not bare.shape[0]:
            return key
        n = key.shape[0]
        flight = np.cumsum(new)
        having = np.nonzero(named[key])[0]
        if not having.shape[0]:
            return key
        at = np.searchsorted(having, bare)
        after = having[np.minimum(at, having.shape[0] - 1)]
        before = having[np.maximum(at - 1, 0)]
        from_after = (after > bare) & (flight[after] == flight[bare])
        from_before = (before < bare) & (flight[before] == flight[bare]) & ~from_after
        source = np.arange(n, dtype=np.int64)
        source[bare[from_after]] = after[from_after]
        source[bare[from_before]] = before[from_before]
        return key[source]

    def _distinct(
        self,
        group: NDArray[np.int32],
        time: NDArray[np.int64],
        key: NDArray[np.int32],
        column: dict[str, NDArray[np.float64]],
    ) -> NDArray[np.bool_] | None:
        """Which points stay; None where all do. Of equal points the first stays."""
        same = (group[1:] == group[:-1]) & (time[1:] == time[:-1])
        rows = np.nonzero(np.append(same, False) | np.append(False, same))[0]
        if not rows.shape[0]:
            return None
        parts: list[NDArray[Any]] = [group[rows], time[rows], column["lat"][rows], column["lng"][rows]]
        if not self._position_time:
            parts += [key[rows], np.nan_to_num(column["altitude"][rows], nan=-np.inf)]
        order = np.lexsort((rows, *parts[::-1]))
        equal = np.ones(rows.shape[0] - 1, np.bool_)
        for part in parts:
            equal &= part[order[1:]] == part[order[:-1]]
        drop = rows[order[1:][equal]]
        if not drop.shape[0]:
            return None
        self.leave_out(
            drop.shape[0],
            "row",
            "rows",
            "repeating a position already read (same time of position and place)"
            if self._position_time
            else "repeating another row of the same track (same time, place and altitude)",
        )
        keep = np.ones(time.shape[0], np.bool_)
        keep[drop] = False
        return keep

    def _by_name(
        self,
        time: NDArray[np.int64],
        key: NDArray[np.int32],
        new: NDArray[np.bool_],
        column: dict[str, NDArray[np.float64]],
        switch: NDArray[np.intp],
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
        """Give each name of a flight a track, which ends at the first point under the next name."""
        ended = key[switch - 1]
        flight = np.insert(np.cumsum(new), switch, np.cumsum(new)[switch])
        time, key = np.insert(time, switch, time[switch]), np.insert(key, switch, ended)
        for name, values in column.items():
            column[name] = np.insert(values, switch, values[switch])
        pair = flight * len(self._people) + key
        _, first, which = np.unique(pair, return_index=True, return_inverse=True)
        rank = np.empty(first.shape[0], np.int64)
        rank[np.argsort(first)] = np.arange(first.shape[0])
        track = rank[which]
        order = np.argsort(track, kind="stable")
        for name in column:
            column[name] = column[name][order]
        track = track[order]
        new = np.ones(track.shape[0], np.bool_)
        new[1:] = track[1:] != track[:-1]
        self.ignored.append(
            f"{plural(switch.shape[0], 'change', 'changes')} of name in flight: the first point under the "
            "new name is also the last of the track under the old one"
        )
        return time[order], key[order], new

    def _labelled(
        self,
        time: NDArray[np.int64],
        key: NDArray[np.int32],
        starts: NDArray[np.intp],
        column: dict[str, NDArray[np.float64]],
    ) -> Contents:
        tracks = [self._people[k] for k in key[starts].tolist()]
        seen: dict[str, int] = {}
        ids = []
        for who in tracks:
            seen[who.name] = number = seen.get(who.name, 0) + 1
            ids.append(who.name if number == 1 or self._numbered else f"{who.name}/{number}")
        usual = self._defaults.kind if self._defaults.kind is not None else Kind.CREWED
        mode = next(iter(self._modes)) or self._defaults.data_mode or DataMode.REAL
        labels = Labels.of(
            ids,
            party=[self._defaults.party if w.scope.party is None else w.scope.party for w in tracks],
            kind=[usual if w.scope.kind is None else w.scope.kind for w in tracks],
            source=self.path,
            body=[w.body for w in tracks],
            data_mode=mode,
        )
        reference = np.array(
            [self._reference if w.scope.reference is None else w.scope.reference for w in tracks], np.int8
        )
        blur = [
            np.maximum.reduceat(np.nan_to_num(column[name], nan=0.0), starts)
            if name in column
            else np.zeros(len(tracks))
            for name in ("blur_h", "blur_v")
        ]
        trajectories = Trajectories.of(
            labels,
            np.append(starts, time.shape[0]),
            time,
            column["lat"],
            column["lng"],
            column["altitude"],
            reference=reference,
            horizontal_uncertainty_m=blur[0],
            vertical_uncertainty_m=blur[1],
        )
        counts = {"points": time.shape[0], "tracks": len(tracks)}
        states = self._states(trajectories, column) if "speed" in column else None
        if states is not None:
            counts["states"] = len(states)
        return Contents(
            self.path,
            self.form,
            tracks=trajectories,
            states=states,
            counts=counts,
            ignored=tuple(self.ignored),
        )

    def _states(self, tracks: Trajectories, column: dict[str, NDArray[np.float64]]) -> States:
        """The last sample of each track that has a velocity there."""
        last = tracks.offsets[1:] - 1
        moving = np.isfinite(column["speed"][last]) & np.isfinite(column["track"][last])
        rows = np.nonzero(moving)[0]
        self.leave_out(
            len(tracks) - rows.shape[0],
            "track",
            "tracks",
            "without speed and direction in the last sample: no state to predict from",
        )
        last = last[rows]
        climb = column["climb"][last]
        level = ~np.isfinite(climb)
        self.leave_out(
            int(np.count_nonzero(level)),
            "state",
            "states",
            "without a vertical rate: a prediction takes it as level flight",
        )
        return States.of(
            tracks.labels.take(rows),
            tracks.time_us[last],
            tracks.lat_deg[last],
            tracks.lng_deg[last],
            tracks.altitude_m[last],
            column["speed"][last],
            np.radians(column["track"][last]),
            np.where(level, 0.0, climb),
            reference=tracks.reference[rows],
            horizontal_uncertainty_m=tracks.horizontal_uncertainty_m[rows],
            vertical_uncertainty_m=tracks.vertical_uncertainty_m[rows],
        )


class _Grown:
    """A column that grows in place: the allocator moves pages, so that no column is ever held twice."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self._array: NDArray[Any] = np.empty(0, dtype)
        self._size = 0

    def add(self, values: NDArray[Any]) -> None:
        needed = self._size + values.shape[0]
        if needed > self._array.shape[0]:
            # No view of the array is ever given out before `whole`, so nothing can point at the old place.
            self._array.resize(max(needed, self._array.shape[0] * 9 // 8), refcheck=False)
        self._array[self._size : needed] = values
        self._size = needed

    def whole(self) -> NDArray[Any]:
        """The column, which is let go of here."""
        array, self._array = self._array, np.empty(0)
        array.resize(self._size, refcheck=False)
        return array


def _order(group: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.intp] | None:
    """The order by group, then time, then in the file; None where that is the order already."""
    step = np.diff(group)
    if not np.any((step < 0) | ((step == 0) & (np.diff(time) < 0))):
        return None
    return np.lexsort((time, group))


def _within(limit: float, *, low: float | None = None) -> Callable[[NDArray[np.float64]], NDArray[np.bool_]]:
    least = -limit if low is None else low

    def possible(values: NDArray[np.float64]) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = (values >= least) & (values <= limit)
        return result

    return possible


def _or_missing(
    possible: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
) -> Callable[[NDArray[np.float64]], NDArray[np.bool_]]:
    return lambda values: possible(values) | np.isnan(values)


_POSSIBLE: Final = {
    "lat": (_within(90.0), "a latitude", "degrees from -90 to 90"),
    "lng": (_within(360.0), "a longitude", "degrees from -180 to 180 (to 360 where they count on)"),
    "altitude": (_or_missing(_within(ALTITUDE_LIMIT_M)), "an altitude", "metres below 1,000 km"),
    "speed": (
        _or_missing(_within(SPEED_LIMIT_M_S, low=0.0)),
        "a ground speed",
        "0 to 12,000 metres a second",
    ),
    "track": (_or_missing(_within(360.0)), "a direction", "degrees from 0 to 360"),
    "climb": (_or_missing(_within(SPEED_LIMIT_M_S)), "a vertical rate", "up to 12,000 metres a second"),
    "blur_h": (
        _or_missing(_within(ALTITUDE_LIMIT_M, low=0.0)),
        "a horizontal uncertainty",
        "metres, 0 or more",
    ),
    "blur_v": (
        _or_missing(_within(ALTITUDE_LIMIT_M, low=0.0)),
        "a vertical uncertainty",
        "metres, 0 or more",
    ),
}
