"""What a map shows, laid out for the page: the report's things and findings as columns of numbers and text.

Law: this file decides what is on the map and in its lists, and in which words; not how it looks. Every text
is cleaned for the screen here, once (:func:`shown`). What is left out for want of room is counted and said.

How it works. Numbers are columns of variable-length integers in base64: degrees to 1e-5 for what moves and
1e-6 for outlines, time to 10 ms, altitude to 0.1 m, each the difference to the one before. Instants are
milliseconds since the page's ``base``, itself milliseconds since 1970 UTC. A finding names its two sides;
where they are on the map it also says which (``is``): a sort and a number there.
"""

from __future__ import annotations

import base64
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from skypact.airspace import earth
from skypact.airspace.labels import DataMode, Kind
from skypact.airspace.moving import Trajectories
from skypact.check.findings import FindingKind, Reason
from skypact.formats import html_world
from skypact.formats.html_thin import SPHERE_M, thin, unit_vectors
from skypact.formats.report import PREDICTED
from skypact.instants import DAY_US, EVER, FOREVER
from skypact.pact import Stance
from skypact.units import FT_M

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from skypact.airspace.labels import Labels
    from skypact.airspace.moving import States
    from skypact.airspace.volumes import Volumes, Zones
    from skypact.check.findings import Conflict
    from skypact.formats.report import Answer, Report
    from skypact.pact import Pact

    # one finding: the answer it belongs to, itself, and its row there
    _Row = tuple[Answer, Conflict, int]

LIMITS: Final = {
    "things": 60_000,
    "samples": 250_000,
    "vertices": 200_000,
    "findings": 5_000,
    "undecided": 2_000,
    "unobserved": 2_000,
}
"""The most of each that a page draws or lists."""

_LONG_LEG_M: Final = 50_000.0
_LONG_EDGE_M: Final = 25_000.0
_AROUND_US: Final = 120_000_000
_NO_ALTITUDE: Final = -20_000_001
_RECORDED, _PLANNED, _PREDICTED = range(3)
_MODE_TEXT: Final = {
    DataMode.REAL.value: "Records of real traffic and real notices.",
    DataMode.EXERCISE.value: "Traffic of an exercise. Not for use outside it.",
    DataMode.SIMULATED.value: "Made-up traffic. None of it was flown.",
    DataMode.TEST.value: "A test of the system. Not for operations.",
}
_LONGEST_TEXT: Final = 300


def shown(text: str) -> str:
    """Text as it may stand on screen.

    It is one line, has no control characters, none that turn the direction of writing, and it ends.
    """
    text = " ".join(text.split())
    text = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
    return "".join("\ufffd" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in text)


def _varint(values: NDArray[np.int64]) -> str:
    """Base64 of zigzag variable-length integers, seven bits a byte, least first."""
    zigzag = (values << 1 ^ values >> 63).astype(np.uint64)
    size = np.ones(zigzag.shape[0], np.int64)
    for k in range(1, 10):
        size += zigzag >= np.uint64(1) << np.uint64(7 * k)
    ends = np.cumsum(size)
    out = np.zeros(int(ends[-1]) if ends.shape[0] else 0, np.uint8)
    for k in range(int(size.max(initial=0))):
        rows = np.nonzero(size > k)[0]
        seven = (zigzag[rows] >> np.uint64(7 * k) & np.uint64(127)).astype(np.uint8)
        out[ends[rows] - size[rows] + k] = seven | np.where(size[rows] > k + 1, 128, 0).astype(np.uint8)
    return base64.b64encode(out.tobytes()).decode()


def _running(values: NDArray[np.int64]) -> str:
    """Base64 of the differences of whole numbers."""
    return _varint(np.diff(values, prepend=np.int64(0)))


def _steps(values: NDArray[np.float64], step: float) -> str:
    return _running(np.round(values / step).astype(np.int64))


def _lines(lines: Sequence[NDArray[np.int64]]) -> dict[str, str]:
    points = np.concatenate(lines) if lines else np.zeros((0, 2), np.int64)
    return {
        "counts": _varint(np.array([line.shape[0] for line in lines], np.int64)),
        "east": _running(points[:, 0]),
        "north": _running(points[:, 1]),
    }


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


# -- what is shown ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Rows of one sort from one file, the number of the first of them on the page, and when each is there."""

    labels: Labels
    first: int
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]


class _Pool:
    """Things of one sort, numbered through; finds those that a finding's labels mean.

    A check puts several files together, so its labels are seldom the very object of a file. A row is then
    found by id and source, or by id where no source fits. Of several, it is the one in the same place among
    them, if there are as many here as there; else one that is there at the time asked for.
    """

    def __init__(self, groups: Iterable[_Group]) -> None:
        self.groups = list(groups)
        self._own = {id(group.labels): group for group in self.groups}
        self._here: dict[tuple[str, str], list[tuple[_Group, int]]] | None = None
        self._there: dict[int, dict[tuple[str, str], list[int]]] = {}

    def find(self, labels: Labels, row: int, when_us: int) -> int | None:
        """The number of the thing, None if it is not here."""
        own = self._own.get(id(labels))
        if own is not None:
            return own.first + row
        if self._here is None:
            self._here = defaultdict(list)
            for group in self.groups:
                for name, k in _rows_by_name(group.labels):
                    self._here[name].append((group, k))
                    if name[1]:
                        self._here[name[0], ""].append((group, k))
        name = (labels.ids[row], labels.source_of(row))
        found = self._here.get(name) or self._here.get((name[0], ""))
        if not found:
            return None
        if len(found) > 1:
            there = self._there.get(id(labels))
            if there is None:
                there = self._there[id(labels)] = defaultdict(list)
                for other, k in _rows_by_name(labels):
                    there[other].append(k)
            if len(there[name]) == len(found):
                found = [found[there[name].index(row)]]
        for group, k in found:
            if group.start_us[k] <= when_us <= group.end_us[k]:
                return group.first + k
        return found[0][0].first + found[0][1]


def _rows_by_name(labels: Labels) -> Iterator[tuple[tuple[str, str], int]]:
    return (((name, labels.source_of(k)), k) for k, name in enumerate(labels.ids))


class Scene:
    """Everything of a report that is drawn or listed, gathered once."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.left_out: list[list[str]] = []
        self.parties: dict[str, int] = {}
        self.sources: dict[str, int] = {}
        self.volumes = [c.volumes for c in report.inputs if c.volumes is not None and len(c.volumes)]
        self.zones: list[tuple[Zones, Pact | None]] = []
        self.pacts = [c.pact for c in report.inputs if c.pact is not None]
        for c in report.inputs:
            own = c.zones if c.zones is not None or c.pact is None else c.pact.zones_in_force()
            if own is not None and len(own):
                self.zones.append((own, c.pact))
        if report.pact is not None and not any(pact is report.pact for pact in self.pacts):
            self.pacts.append(report.pact)
            own = report.pact.zones_in_force()
            if own is not None and len(own):
                self.zones.append((own, report.pact))
        predicted = any(answer.basis == PREDICTED for answer in report.answers)
        self.horizon_us = self._horizon_us()
        self.moving: list[tuple[Trajectories, int]] = []
        for c in report.inputs:
            if c.tracks is not None and len(c.tracks):
                self.moving.append((c.tracks, _RECORDED))
            if c.plans is not None and len(c.plans):
                self.moving.append((c.plans, _PLANNED))
            if c.states is not None and len(c.states) and (predicted or c.tracks is None):
                self.moving.append((self._ahead(c.states), _PREDICTED))
        forms: list[list[_Group]] = [[], [], []]
        first = 0
        for moving, form in self.moving:
            starts, ends = moving.time_us[moving.offsets[:-1]], moving.time_us[moving.offsets[1:] - 1]
            forms[form].append(_Group(moving.labels, first, starts, ends))
            first += len(moving)
        recorded, planned, ahead = (("moving", _Pool(groups)) for groups in forms)
        outlines = ("volume", _Pool(_groups(self.volumes)))
        areas = ("zone", _Pool(_groups([zones.volumes for zones, _ in self.zones])))
        self.recorded = recorded[1]
        self.pools: dict[
            tuple[FindingKind, bool], tuple[list[tuple[str, _Pool]], list[tuple[str, _Pool]]]
        ] = {
            (FindingKind.LOSS, False): ([recorded, planned], [recorded, planned]),
            (FindingKind.ENCOUNTER, True): ([ahead, recorded], [ahead, recorded]),
            (FindingKind.CONFLICT, False): (
                [outlines, planned, recorded],
                [areas, outlines, planned, recorded],
            ),
            (FindingKind.ENTRY, False): ([recorded, planned], [areas]),
            (FindingKind.ENTRY, True): ([ahead, recorded], [areas]),
            (FindingKind.OUTSIDE, False): ([recorded, planned], [outlines]),
        }

    def _horizon_us(self) -> int:
        """How far ahead predictions are drawn: to the last predicted finding, in five minutes to an hour."""
        ahead = [300_000_000]
        for answer in self.report.answers:
            f = answer.findings
            if f.now_us is not None and len(f):
                ahead.append(int(f.end_us.max()) - f.now_us)
        return min(max(ahead), 3_600_000_000)

    def _ahead(self, states: States) -> Trajectories:
        """States as what they are taken to do next: straight on, along the geodesic, each from its time."""
        steps = 1 + np.ceil(states.ground_speed_m_s * self.horizon_us * 1e-6 / (0.5 * _LONG_LEG_M)).astype(
            np.int64
        )
        offsets = np.concatenate([[0], np.cumsum(steps + 1)])
        row = np.repeat(np.arange(len(states)), steps + 1)
        part = (np.arange(row.shape[0]) - offsets[row]) / steps[row]
        seconds = part * self.horizon_us * 1e-6
        lng, lat, _ = earth.geod().fwd(
            states.lng_deg[row],
            states.lat_deg[row],
            np.degrees(states.track_rad[row]),
            states.ground_speed_m_s[row] * seconds,
        )
        return Trajectories(
            states.labels,
            offsets,
            states.time_us[row] + np.round(seconds * 1e6).astype(np.int64),
            np.asarray(lat),
            np.asarray(lng),
            states.altitude_m[row] + states.vertical_rate_m_s[row] * seconds,
            states.reference,
            states.horizontal_uncertainty_m,
            states.vertical_uncertainty_m,
        )

    def _party(self, name: str) -> int:
        """The number of a party on the page, -1 where none is stated."""
        return -1 if not name else self.parties.setdefault(name, len(self.parties))

    def _source(self, name: str) -> int:
        return self.sources.setdefault(name, len(self.sources))

    def _link(
        self, answer: Answer, labels: Labels, row: int, when_us: int, side: int
    ) -> tuple[str, int] | None:
        """What on the page one side of a finding is: a sort and a number."""
        pools = self.pools.get((answer.findings.kind, answer.basis == PREDICTED), ([], []))
        for sort, pool in pools[side]:
            number = pool.find(labels, row, when_us)
            if number is not None:
                return sort, number
        return None

    # -- one part of the page each

    def data(self, title: str) -> dict[str, Any]:
        """The page's data, ready for JSON."""
        report = self.report
        rows = [(a, a.findings[row], row) for a, row in report.rows(LIMITS["findings"])]
        total = sum(len(a.findings) for a in report.answers)
        self._omit("findings", total, len(rows), "findings are listed, the most urgent")
        links = [
            tuple(
                self._link(a, labels, one, c.closest_us, side)
                for side, (labels, one) in enumerate(((a.findings.labels_a, c.a), (a.findings.labels_b, c.b)))
            )
            for a, c, _ in rows
        ]
        gaps = self._gaps()
        base = self._base_us(rows)
        moving, numbers, extent, thinned = self._moving(links, rows, gaps, base)
        shapes: dict[str, dict[str, Any]] = {}
        for sort, sets in (("volume", self.volumes), ("zone", [z.volumes for z, _ in self.zones])):
            used = [link[1] for pair in links for link in pair if link is not None and link[0] == sort]
            shapes[sort], numbers[sort] = self._shapes(sort, sets, used, base)
        for fact, row in zip(shapes["zone"]["facts"], numbers["zone"], strict=True):
            fact.update(self._recognition(row))
        found = [
            self._finding(a, c, int(a.findings.rule[row]), pair, numbers, base)
            for (a, c, row), pair in zip(rows, links, strict=True)
        ]
        centre, reach, fit = self._frame(extent, rows)
        levels = html_world.windows(reach)
        span = self._span_us(rows)
        opening = next((c.closest_us for _, c, _ in rows if _dated(c.closest_us)), None)
        if opening is None:
            opening = min((int(t.time_us.min()) for t, _ in self.moving), default=base)
        return {
            "title": shown(title),
            "mode": report.data_mode or "none",
            "modeText": _MODE_TEXT.get(report.data_mode, "No record that has a data mode."),
            "statement": report.statement,
            "version": report.version,
            "centre": centre,
            "fit": fit,
            "base": base / 1000,
            "range": None if span is None else [(t - base) / 1000 for t in span],
            "opening": (opening - base) / 1000,
            "days": 0 if span is None else span[1] // DAY_US - span[0] // DAY_US + 1,
            "metric": self._metric(),
            "moving": moving,
            "volumes": shapes["volume"],
            "zones": shapes["zone"],
            "findings": found,
            "findingsTotal": total,
            "unchecked": self._unchecked(base),
            "uncheckedTotal": report.unchecked,
            "unobserved": self._unobserved(gaps, numbers["moving"], base),
            "unobservedTotal": report.unobserved,
            "assumptions": [[shown(name), shown(text)] for name, text in report.assumptions.items()],
            "inputs": [
                {
                    "path": shown(c.path),
                    "format": shown(c.format),
                    "counts": [[shown(noun), number] for noun, number in c.counts.items()],
                    "ignored": [shown(text) for text in c.ignored],
                }
                for c in report.inputs
            ],
            "notes": [shown(text) for text in report.notes],
            "pacts": [f"{shown(p.id)}: {shown(p.title)}" for p in self.pacts],
            "drawing": thinned,
            "leftOut": self.left_out,
            "world": {
                "layers": [
                    {
                        "half": layer["half"],
                        "step": layer["step"],
                        **{part: _lines(layer[part]) for part in ("land", "coast", "border")},
                    }
                    for layer in (html_world.layer(name, centre, half) for name, half in levels)
                ],
                "names": html_world.names(centre, levels[min(1, len(levels) - 1)][1]),
            },
            # last, since everything above may still add to them
            "parties": [shown(self._party_name(name)) for name in self.parties],
            "sources": [shown(name) for name in self.sources],
        }

    def _omit(self, what: str, total: int, kept: int, text: str) -> None:
        if kept < total:
            self.left_out.append([what, f"{kept:,} of {total:,} {text}; the page has no room for all."])

    def _party_name(self, party: str) -> str:
        for pact in self.pacts:
            for one in pact.parties:
                if one.id == party and one.name and one.name != party:
                    return f"{one.name} ({party})"
        return party

    def _metric(self) -> bool:
        """Whether the page opens in metres: where nothing crewed moves."""
        kinds = [t.labels.kind for t, _ in self.moving] + [v.labels.kind for v in self.volumes]
        return bool(kinds) and not any(bool((k == Kind.CREWED).any()) for k in kinds)

    def _gaps(self) -> list[tuple[Labels, int, int, int, int | None]]:
        """Every unobserved stretch once, with the number of its thing."""
        return [
            (labels, row, start, end, self.recorded.find(labels, row, start))
            for labels, row, start, end in self.report.gaps()
        ]

    def _base_us(self, rows: Sequence[_Row]) -> int:
        """The instant that the page counts from: not later than anything, and whole seconds."""
        times = [int(t.time_us.min()) for t, _ in self.moving]
        times += [t for _, c, _ in rows for t in (c.start_us, c.closest_us) if _dated(t)]
        for v in self._outlines():
            times += [t for t in (*v.start_us.tolist(), *v.end_us.tolist()) if _dated(t)]
        return min(times, default=0) // 1_000_000 * 1_000_000

    def _outlines(self) -> list[Volumes]:
        return [*self.volumes, *(zones.volumes for zones, _ in self.zones)]

    def _span_us(self, rows: Sequence[_Row]) -> tuple[int, int] | None:
        """From when to when the time slider goes.

        It covers what moves and what was found, and windows that lie near; windows alone where nothing moves.
        """
        times = [
            t for moving, _ in self.moving for t in (int(moving.time_us.min()), int(moving.time_us.max()))
        ]
        times += [t for _, c, _ in rows for t in (c.start_us, c.end_us) if _dated(t)]
        edges = [
            t
            for v in (self.volumes or self._outlines())
            for t in (*v.start_us.tolist(), *v.end_us.tolist())
            if _dated(t)
        ]
        if times:
            low, high = min(times), max(times)
            room = max(high - low, 3 * 3_600_000_000)
            edges = [t for t in edges if low - room <= t <= high + room]
        times += edges
        if not times or min(times) == max(times):
            return None
        return min(times), max(times)

    def _moving(
        self,
        links: Sequence[tuple[tuple[str, int] | None, ...]],
        rows: Sequence[_Row],
        gaps: Sequence[tuple[Labels, int, int, int, int | None]],
        base: int,
    ) -> tuple[dict[str, Any], dict[str, dict[int, int]], NDArray[np.float64], list[str]]:
        """What moves, in columns; its numbers on the page; its positions; what to say of how it is drawn."""
        total = sum(len(t) for t, _ in self.moving)
        used = [link[1] for pair in links for link in pair if link is not None and link[0] == "moving"]
        chosen = _chosen(total, used, LIMITS["things"])
        self._omit("tracks", total, chosen.shape[0], "tracks are drawn, those with findings first")
        numbers = {int(old): new for new, old in enumerate(chosen.tolist())}
        near: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for pair, (_, c, _) in zip(links, rows, strict=True):
            for link in pair:
                if link is not None and link[0] == "moving":
                    near[link[1]].append((c.start_us - _AROUND_US, c.end_us + _AROUND_US))
        holes: dict[int, list[int]] = defaultdict(list)
        for _, _, start, _, number in gaps:
            if number is not None:
                holes[number].append(start)
        parts: list[_Columns] = []
        first = 0
        for tracks, form in self.moving:
            own = chosen[(chosen >= first) & (chosen < first + len(tracks))] - first
            if own.shape[0]:
                parts.append(_Columns.of(tracks, own, form, first, near, holes))
            first += len(tracks)
        columns = _Columns.joined(parts)
        whole = int(columns.must.sum()) <= LIMITS["samples"] // 2
        thinned = thin(
            columns.offsets,
            columns.time_us,
            columns.lat,
            columns.lng,
            columns.altitude,
            columns.must if whole else np.zeros_like(columns.must),
            budget=LIMITS["samples"],
        )
        keep = thinned.keep
        said = []
        if not keep.all():
            said.append(
                f"Tracks are thinned for drawing: {int(keep.sum()):,} of {keep.shape[0]:,} points are in "
                f"this page. What is drawn is within {max(1, round(thinned.horizontal_m)):,} m and "
                f"{max(1, round(thinned.vertical_m / FT_M)):,} ft of every point left out."
                + (" Near a finding none is left out." if whole else "")
            )
        kept = np.nonzero(keep)[0]
        # a leg that passes over any unobserved stretch is itself not observed
        hole = np.logical_or.reduceat(columns.hole, kept) if parts else columns.hole
        counts = (
            np.add.reduceat(keep.astype(np.int64), columns.offsets[:-1]) if parts else np.zeros(0, np.int64)
        )
        altitude = np.nan_to_num(np.round(columns.altitude[keep] * 10.0), nan=float(_NO_ALTITUDE))
        labels = [(tracks.labels, int(k)) for tracks, k in columns.rows]
        data = {
            "counts": _varint(counts),
            "lat": _steps(columns.lat[keep], 1e-5),
            "lng": _steps(columns.lng[keep], 1e-5),
            "time": _running((columns.time_us[keep] - base) // 10_000),
            "altitude": _running(altitude.astype(np.int64)),
            "gaps": _running(np.nonzero(hole)[0]),
            "id": [shown(own.ids[k]) for own, k in labels],
            "party": [self._party(own.party_of(k)) for own, k in labels],
            "kind": [int(own.kind[k]) for own, k in labels],
            "form": columns.form,
            "reference": [int(tracks.reference[k]) for tracks, k in columns.rows],
            "source": [self._source(own.source_of(k)) for own, k in labels],
        }
        return data, {"moving": numbers}, np.column_stack([columns.lat, columns.lng]), said

    def _shapes(
        self, sort: str, sets: Sequence[Volumes], used: Sequence[int], base: int
    ) -> tuple[dict[str, Any], dict[int, int]]:
        """Outlines in columns, and the numbers on the page of those drawn."""
        sizes = np.concatenate([np.diff(v.offsets) for v in sets]) if sets else np.zeros(0, np.int64)
        order = _chosen(sizes.shape[0], used, sizes.shape[0], used_first=True)
        fits = np.cumsum(sizes[order]) <= LIMITS["vertices"]
        chosen = np.sort(order[fits])
        self._omit(
            f"{sort}s", sizes.shape[0], chosen.shape[0], f"{sort}s are drawn, those with findings first"
        )
        lat, lng, counts, facts = [], [], [], []
        first = 0
        for v in sets:
            for row in chosen[(chosen >= first) & (chosen < first + len(v))] - first:
                ring = _bent(v, int(row))
                counts.append(ring.shape[0])
                lat.append(ring[:, 0])
                lng.append(ring[:, 1])
                facts.append(self._fact(v, int(row), base))
            first += len(v)
        return {
            "counts": _varint(np.array(counts, np.int64)),
            "lat": _steps(np.concatenate(lat) if lat else np.zeros(0), 1e-6),
            "lng": _steps(np.concatenate(lng) if lng else np.zeros(0), 1e-6),
            "facts": facts,
        }, {int(old): new for new, old in enumerate(chosen.tolist())}

    def _fact(self, v: Volumes, row: int, base: int) -> dict[str, Any]:
        fact: dict[str, Any] = {
            "id": shown(v.labels.ids[row]),
            "party": self._party(v.labels.party_of(row)),
            "kind": int(v.labels.kind[row]),
            "source": self._source(v.labels.source_of(row)),
            "lower": _or_none(float(v.lower_m[row])),
            "lowerReference": int(v.lower_reference[row]),
            "upper": _or_none(float(v.upper_m[row])),
            "upperReference": int(v.upper_reference[row]),
            "start": _since(int(v.start_us[row]), base),
            "end": _since(int(v.end_us[row]), base),
        }
        if v.radius_m[row] > 0.0:
            fact["radius"] = float(v.radius_m[row])
        return fact

    def _recognition(self, number: int) -> dict[str, Any]:
        """What entry into a zone means, who declared it, who recognises it and who does not."""
        which = 0
        while number >= len(self.zones[which][0]):
            number -= len(self.zones[which][0])
            which += 1
        zones, pact = self.zones[which]
        out: dict[str, Any] = {
            "effect": shown(zones.effect[number]),
            "applies": [kind.word for kind in Kind if zones.applies[number, kind]],
        }
        zone = None if pact is None else pact.zone(zones.volumes.labels.ids[number])
        if pact is not None and zone is not None:
            out["declared"] = shown(self._party_name(zone.declared_by))
            out["stances"] = {stance.value: [] for stance in Stance}
            for party in pact.parties:
                own = out["stances"][zone.stance(party.id).value]
                own.append(shown(self._party_name(party.id)))
            if zone.name and zone.name != zone.id:
                out["name"] = shown(zone.name)
            if zone.note:
                out["note"] = shown(zone.note)
        return out

    def _finding(
        self,
        answer: Answer,
        c: Conflict,
        rule: int,
        pair: tuple[tuple[str, int] | None, ...],
        numbers: Mapping[str, Mapping[int, int]],
        base: int,
    ) -> dict[str, Any]:
        f = answer.findings
        out: dict[str, Any] = {
            "kind": c.kind.word,
            "basis": answer.basis,
            "start": _since(c.start_us, base),
            "end": _since(c.end_us, base),
            "closest": _since(c.closest_us, base),
            "horizontal": _or_none(c.horizontal_m),
            "vertical": _or_none(c.vertical_m),
            "margin": _or_none(c.margin_m),
            "rule": shown(c.rule),
            "minima": [float(answer.horizontal_m[rule]), float(answer.vertical_m[rule])],
        }
        for name, value in (("marginal", c.marginal), ("agreed", c.agreed)):
            if value:
                out[name] = True
        for name, texts in (("effect", answer.effect), ("standing", answer.standing)):
            if texts is not None and texts[c.b]:
                out[name] = shown(texts[c.b])
        for side, labels, row, link in (("a", f.labels_a, c.a, pair[0]), ("b", f.labels_b, c.b, pair[1])):
            out[side] = self._who(labels, row)
            if link is not None and link[1] in numbers[link[0]]:
                out[side]["is"] = [link[0], numbers[link[0]][link[1]]]
            if link is not None and link[0] == "moving":
                at = self._place(link[1], c.closest_us)
                if at is not None:
                    out[side] |= {"at": at[:2], "altitude": at[2], "reference": at[3]}
        if np.isfinite(c.lat_deg) and np.isfinite(c.lng_deg):
            out["a"]["at"] = _degrees(c.lat_deg, c.lng_deg)
            if np.isfinite(c.altitude_m):
                out["a"]["altitude"] = round(c.altitude_m, 2)
        return out

    def _who(self, labels: Labels, row: int) -> dict[str, Any]:
        return {
            "id": shown(labels.ids[row]),
            "party": self._party(labels.party_of(row)),
            "kind": int(labels.kind[row]),
            "source": self._source(labels.source_of(row)),
        }

    def _place(self, number: int, when_us: int) -> tuple[float, float, float | None, int] | None:
        """Where a moving thing is at an instant, on its geodesic: degrees, altitude, reference."""
        which = 0
        while number >= len(self.moving[which][0]):
            number -= len(self.moving[which][0])
            which += 1
        tracks = self.moving[which][0]
        first, last = int(tracks.offsets[number]), int(tracks.offsets[number + 1])
        times = tracks.time_us[first:last]
        if not times[0] <= when_us <= times[-1]:
            return None
        k = first + int(np.searchsorted(times, when_us, side="right")) - 1
        after = min(k + 1, last - 1)
        span = int(tracks.time_us[after] - tracks.time_us[k])
        part = (when_us - int(tracks.time_us[k])) / span if span else 0.0
        lat, lng = float(tracks.lat_deg[k]), float(tracks.lng_deg[k])
        altitude = float(tracks.altitude_m[k])
        if part:
            bearing, _, length = earth.geod().inv(lng, lat, tracks.lng_deg[after], tracks.lat_deg[after])
            lng, lat, _ = earth.geod().fwd(lng, lat, bearing, part * length)
            altitude += part * (float(tracks.altitude_m[after]) - altitude)
        height = _or_none(altitude)
        reference = int(tracks.reference[number])
        return (*_degrees(lat, lng), None if height is None else round(height, 2), reference)

    def _frame(
        self, extent: NDArray[np.float64], rows: Sequence[_Row]
    ) -> tuple[tuple[float, float], float, list[float]]:
        """The centre of the plane, how far the data reaches, and the box shown first, in metres.

        What moves and what was found decides; then volumes; zones only where they lie near, since one file
        may hold a continent's.
        """
        found = [
            (c.lat_deg, c.lng_deg) for _, c, _ in rows if np.isfinite(c.lat_deg) and np.isfinite(c.lng_deg)
        ]
        sources = [np.concatenate([extent.reshape(-1, 2), np.array(found).reshape(-1, 2)])]
        sources += [
            np.concatenate([np.zeros((0, 2)), *(_outer(v) for v in sets)])
            for sets in (self.volumes, [z.volumes for z, _ in self.zones])
        ]
        leading = next((p for p in sources[:2] if p.shape[0]), sources[2])
        if not leading.shape[0]:
            return (0.0, 0.0), 5_000_000.0, [-5e6, -5e6, 5e6, 5e6]
        centre = _middle(leading)
        boxes = []
        for points in sources:
            x, y = html_world.project(centre, points[:, 0], points[:, 1])
            boxes.append(np.column_stack([x, y]))
        inside = np.concatenate(boxes[:2])
        reach = float(np.abs(inside if inside.shape[0] else boxes[2]).max())
        near = boxes[2][np.abs(boxes[2]).max(axis=1, initial=0.0) <= max(2.0 * reach, 20_000.0)]
        first = np.concatenate([inside, near]) if inside.shape[0] else boxes[2]
        low, high = first.min(axis=0), first.max(axis=0)
        pad = max(float((high - low).max()) * 0.06, 300.0)
        fit = [float(v) for v in (*(low - pad), *(high + pad))]
        return centre, float(np.abs(fit).max()), [round(v, 1) for v in fit]

    def _unchecked(self, base: int) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for answer in self.report.answers:
            f, left = answer.findings, answer.findings.unchecked
            out.extend(
                {
                    "a": self._who(f.labels_a, int(left.a[k])),
                    "b": self._who(f.labels_b, int(left.b[k])),
                    "start": _since(int(left.start_us[k]), base),
                    "end": _since(int(left.end_us[k]), base),
                    "reason": Reason(int(left.reason[k])).text,
                }
                for k in range(min(len(left), LIMITS["undecided"] - len(out)))
            )
        self._omit("unchecked", self.report.unchecked, len(out), "pairs that were not decided are listed")
        return out

    def _unobserved(
        self,
        gaps: Sequence[tuple[Labels, int, int, int, int | None]],
        numbers: Mapping[int, int],
        base: int,
    ) -> list[dict[str, Any]]:
        out = []
        for labels, row, start, end, number in gaps[: LIMITS["unobserved"]]:
            who = self._who(labels, row)
            if number is not None and number in numbers:
                who["is"] = ["moving", numbers[number]]
            out.append({"who": who, "start": _since(start, base), "end": _since(end, base)})
        out.extend(
            {
                "who": {
                    "id": shown(stale.id),
                    "party": self._party(stale.party),
                    "kind": int(stale.kind),
                    "source": self._source(stale.source),
                },
                "start": _since(stale.last_us, base),
                "end": _since(stale.now_us, base),
                "stale": True,
            }
            for stale in self.report.stale[: LIMITS["unobserved"] - len(out)]
        )
        self._omit("unobserved", self.report.unobserved, len(out), "unobserved stretches are listed")
        return out


def _middle(positions: NDArray[np.float64]) -> tuple[float, float]:
    """About the middle of the smallest cap around positions, degrees (Badoiu and Clarkson, SODA 2003)."""
    every = max(1, positions.shape[0] // 20_000)
    unit = unit_vectors(positions[::every, 0], positions[::every, 1])
    middle = unit.mean(axis=0)
    for step in range(2, 80):
        middle = middle + (unit[np.argmin(unit @ middle)] - middle) / step
    if np.linalg.norm(middle) < 1e-6:  # all around the earth: any centre is as good
        middle = unit[0]
    lat = np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1])))
    return round(float(lat), 6), round(float(np.degrees(np.arctan2(middle[1], middle[0]))), 6)


def _groups(sets: Sequence[Volumes]) -> list[_Group]:
    first = np.cumsum([0, *map(len, sets)]).tolist()
    return [_Group(v.labels, first[k], v.start_us, v.end_us) for k, v in enumerate(sets)]


def _degrees(lat_deg: float, lng_deg: float) -> tuple[float, float]:
    """A position to the centimetre, its longitude from -180 up to 180."""
    return round(float(lat_deg), 7), round((float(lng_deg) + 180.0) % 360.0 - 180.0, 7)


def _dated(time_us: int) -> bool:
    """Whether an instant is a date of the calendar (years 1 to 9999), as opposed to open."""
    return -62_135_596_800_000_000 <= time_us < 253_402_300_800_000_000 and EVER < time_us < FOREVER


def _since(time_us: int, base: int) -> float | None:
    """Milliseconds since the page's base; None for open."""
    return (time_us - base) / 1000 if _dated(time_us) else None


def _chosen(total: int, used: Sequence[int], most: int, *, used_first: bool = False) -> NDArray[np.int64]:
    """At most so many of ``range(total)``, those used first; in rising order unless ``used_first``."""
    is_used = np.zeros(total, np.bool_)
    is_used[list(used)] = True
    order = np.concatenate([np.nonzero(is_used)[0], np.nonzero(~is_used)[0]])[:most]
    return order if used_first else np.sort(order)


def _outer(v: Volumes) -> NDArray[np.float64]:
    """Positions that reach as far as volumes do: vertices, four points of circles; degrees, (k, 2)."""
    vertices = np.column_stack([v.lat_deg, v.lng_deg])
    circles = np.nonzero(v.radius_m > 0.0)[0]
    if not circles.shape[0]:
        return vertices
    at = v.offsets[circles]
    row = np.repeat(np.arange(circles.shape[0]), 4)
    lng, lat, _ = earth.geod().fwd(
        v.lng_deg[at][row],
        v.lat_deg[at][row],
        np.tile([0.0, 90.0, 180.0, 270.0], circles.shape[0]),
        v.radius_m[circles][row],
    )
    return np.concatenate([vertices, np.column_stack([lat, lng])])


def _bent(v: Volumes, row: int) -> NDArray[np.float64]:
    """One outline as drawn, degrees, (k, 2): vertices, points on long edges; or a circle's centre."""
    own = slice(int(v.offsets[row]), int(v.offsets[row + 1]))
    lat, lng = v.lat_deg[own], v.lng_deg[own]
    if lat.shape[0] < 2:
        return np.column_stack([lat, lng])
    unit = unit_vectors(lat, lng)
    long = SPHERE_M * np.linalg.norm(np.roll(unit, -1, axis=0) - unit, axis=1) > _LONG_EDGE_M
    if not long.any():
        return np.column_stack([lat, lng])
    lat2, lng2 = np.roll(lat, -1), np.roll(lng, -1)
    return _along(lat, lng, lat2, lng2, long, _LONG_EDGE_M)[0]


def _along(
    lat: NDArray[np.float64],
    lng: NDArray[np.float64],
    lat2: NDArray[np.float64],
    lng2: NDArray[np.float64],
    long: NDArray[np.bool_],
    step_m: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Points, and others between on the geodesics of long legs.

    Answers their positions in degrees, (k, 2), the leg of each, and how far along the leg it is.
    """
    at = np.nonzero(long)[0]
    azimuth, _, length = (np.asarray(c) for c in earth.geod().inv(lng[at], lat[at], lng2[at], lat2[at]))
    parts = np.ones(lat.shape[0], np.int64)
    parts[at] = np.ceil(length / step_m).astype(np.int64)
    leg = np.repeat(np.arange(lat.shape[0]), parts)
    part = (np.arange(leg.shape[0]) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[leg]
    out = np.column_stack([lat[leg], lng[leg]])
    new = np.nonzero(part > 0.0)[0]
    which = np.searchsorted(at, leg[new])
    far_lng, far_lat, _ = earth.geod().fwd(
        lng[leg[new]], lat[leg[new]], azimuth[which], part[new] * length[which]
    )
    out[new] = np.column_stack([far_lat, far_lng])
    return out, leg, part


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Samples of some trajectories as they will be thinned and drawn.

    ``must`` marks samples that stay, ``hole`` those after which the thing was not observed, ``rows`` the set
    and row of each trajectory, ``form`` what each is.
    """

    offsets: NDArray[np.int64]
    time_us: NDArray[np.int64]
    lat: NDArray[np.float64]
    lng: NDArray[np.float64]
    altitude: NDArray[np.float64]
    must: NDArray[np.bool_]
    hole: NDArray[np.bool_]
    rows: list[tuple[Trajectories, int]]
    form: list[int]

    @classmethod
    def of(
        cls,
        tracks: Trajectories,
        chosen: NDArray[np.int64],
        form: int,
        first: int,
        near: Mapping[int, Sequence[tuple[int, int]]],
        holes: Mapping[int, Sequence[int]],
    ) -> _Columns:
        """The chosen rows; long legs cut on their geodesics, since the page moves on great circles."""
        own = tracks if chosen.shape[0] == len(tracks) else tracks.take(chosen)
        m = own.time_us.shape[0]
        must, hole = np.zeros(m, np.bool_), np.zeros(m, np.bool_)
        for row, old in enumerate(chosen.tolist()):
            low, high = int(own.offsets[row]), int(own.offsets[row + 1])
            times = own.time_us[low:high]
            for start, end in near.get(first + old, ()):
                span = np.searchsorted(times, start), np.searchsorted(times, end, side="right")
                must[low + span[0] : low + span[1]] = True
            for start in holes.get(first + old, ()):
                k = low + int(np.searchsorted(times, start, side="right")) - 1
                if low <= k < high - 1:
                    must[k] = must[k + 1] = hole[k] = True
        lat2, lng2 = np.roll(own.lat_deg, -1), np.roll(own.lng_deg, -1)
        unit = unit_vectors(own.lat_deg, own.lng_deg)
        step = np.zeros(m)
        step[:-1] = SPHERE_M * np.linalg.norm(np.diff(unit, axis=0), axis=1)
        long = (step > _LONG_LEG_M) & ~hole
        long[own.offsets[1:] - 1] = False
        position, leg, part = _along(own.lat_deg, own.lng_deg, lat2, lng2, long, _LONG_LEG_M)
        after = np.minimum(leg + 1, m - 1)
        time = own.time_us[leg] + np.round(part * (own.time_us[after] - own.time_us[leg])).astype(np.int64)
        altitude = own.altitude_m[leg] + np.where(
            part > 0.0, part * (own.altitude_m[after] - own.altitude_m[leg]), 0.0
        )
        at_sample = part == 0.0
        starts = np.nonzero(at_sample)[0]
        return cls(
            np.append(starts[own.offsets[:-1]], leg.shape[0]),
            time,
            position[:, 0],
            position[:, 1],
            altitude,
            must[leg] & at_sample,
            hole[leg] & at_sample,
            [(tracks, k) for k in chosen.tolist()],
            [form] * chosen.shape[0],
        )

    @classmethod
    def joined(cls, parts: Sequence[_Columns]) -> _Columns:
        """All parts one after another."""
        shifts = np.cumsum([0, *(p.time_us.shape[0] for p in parts)])
        none = np.zeros(0)
        return cls(
            np.concatenate(
                [np.zeros(1, np.int64), *(p.offsets[1:] + s for p, s in zip(parts, shifts[:-1], strict=True))]
            ),
            np.concatenate([none.astype(np.int64), *(p.time_us for p in parts)]),
            np.concatenate([none, *(p.lat for p in parts)]),
            np.concatenate([none, *(p.lng for p in parts)]),
            np.concatenate([none, *(p.altitude for p in parts)]),
            np.concatenate([none.astype(np.bool_), *(p.must for p in parts)]),
            np.concatenate([none.astype(np.bool_), *(p.hole for p in parts)]),
            [row for p in parts for row in p.rows],
            [form for p in parts for form in p.form],
        )
