"""What one ``skypact check`` asks of the engine, given everything that was read.

Law: every two things that could meet are put to the engine once, and what cannot be asked is said, never
passed over.

| of | against | question |
|---|---|---|
| recorded tracks | each other | losses of separation |
| volumes and plans | each other | conflicts |
| volumes and plans | recorded tracks | conflicts |
| recorded tracks, plans | zones | entries |
| volumes | zones | conflicts |
| recorded tracks | the volumes of the same body | stretches outside |
| live states | each other, with a look-ahead | encounters |
| live states | zones, with a look-ahead | predicted entries |

A recorded track is cut at its unobserved gaps before it is held against plans and volumes, so that nothing
is claimed of where it was in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact.airspace.labels import Kind, Labels
from skypact.airspace.moving import States, Trajectories
from skypact.airspace.separation import EN_ROUTE, Separation
from skypact.airspace.volumes import Volumes
from skypact.check.findings import Findings, Reason, Unchecked, Unobserved
from skypact.formats.report import PLANNED, PREDICTED, RECORDED, Answer, Stale, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from skypact.airspace.separation import Minima
    from skypact.airspace.volumes import Zones
    from skypact.formats.contents import Contents

SECOND_US: Final = 1_000_000


@dataclass(frozen=True, eq=False)
class Things:
    """Everything that was read, by what it is; None or empty where there is nothing of a sort."""

    tracks: Trajectories | None = None
    plans: Trajectories | None = None
    states: States | None = None
    volumes: Sequence[Volumes] = ()
    zones: Sequence[Zones] = ()

    @classmethod
    def of(cls, contents: Iterable[Contents], zones: Iterable[Zones], *, predict: bool) -> Things:
        """Put together what files hold.

        Parameters
        ----------
        contents
            What was read.
        zones
            Zones from elsewhere, the pact's.
        predict
            Take the live states of every file that has them; otherwise only of files that are nothing but
            states.

        Raises
        ------
        ModeError
            They are of different data modes.
        """
        contents = list(contents)
        live = [nothing_but_states(c) for c in contents]
        tracks = [
            c.tracks
            for c, only in zip(contents, live, strict=True)
            if c.tracks is not None and len(c.tracks) and not only
        ]
        plans = [c.plans for c in contents if c.plans is not None and len(c.plans)]
        states = [
            c.states
            for c, only in zip(contents, live, strict=True)
            if c.states is not None and len(c.states) and (predict or only)
        ]
        return cls(
            Trajectories.concat(tracks) if tracks else None,
            Trajectories.concat(plans) if plans else None,
            _joined(states) if states else None,
            [c.volumes for c in contents if c.volumes is not None and len(c.volumes)],
            [z for z in [*(c.zones for c in contents), *zones] if z is not None and len(z)],
        )

    @property
    def moving_or_claimed(self) -> int:
        """How many things there are that could meet something; zones alone meet nobody."""
        return sum(
            len(part) for part in (self.tracks, self.plans, self.states, *self.volumes) if part is not None
        )


def nothing_but_states(contents: Contents) -> bool:
    """Whether a file is a picture of one moment: a single sample with its velocity of each thing that moves.

    Such samples are predicted from, and not held against each other as recordings of an instant each.
    """
    tracks, states = contents.tracks, contents.states
    if states is None or not len(states):
        return False
    return tracks is None or len(tracks) == int(tracks.offsets[-1]) == len(states)


def _joined(sets: Sequence[States]) -> States:
    if len(sets) == 1:
        return sets[0]
    columns = [name for name in States.__dataclass_fields__ if name != "labels"]
    return States(
        Labels.concat([s.labels for s in sets]),
        *(np.concatenate([getattr(s, name) for s in sets]) for name in columns),
    )


def fresh(states: States, max_age_s: float) -> tuple[States, list[Stale], int]:
    """The states to predict from, those too old for it, and the instant to predict from: the latest of any.

    A state older than ``max_age_s`` says nothing of where its owner is now.
    """
    now = int(states.time_us.max())
    young = now - states.time_us <= round(max_age_s * SECOND_US)
    labels = states.labels
    old = [
        Stale(
            labels.ids[row],
            labels.party_of(row),
            labels.source_of(row),
            Kind(int(labels.kind[row])),
            int(states.time_us[row]),
            now,
        )
        for row in np.nonzero(~young)[0].tolist()
    ]
    rows = np.nonzero(young)[0]
    columns = [name for name in States.__dataclass_fields__ if name != "labels"]
    return (
        (states, old, now)
        if not old
        else (States(labels.take(rows), *(getattr(states, name)[rows] for name in columns)), old, now)
    )


def cut_at_gaps(tracks: Trajectories, max_gap_s: float) -> Trajectories:
    """The same tracks without their unobserved gaps: a track with k gaps becomes k + 1 rows of one body."""
    wide = np.diff(tracks.time_us) > round(max_gap_s * SECOND_US)
    first = np.zeros(tracks.time_us.shape[0], np.bool_)
    first[1:] = wide
    first[tracks.offsets[:-1]] = True
    starts = np.nonzero(first)[0]
    if starts.shape[0] == len(tracks):
        return tracks
    owner = np.searchsorted(tracks.offsets, starts, side="right") - 1
    return Trajectories(
        tracks.labels.take(owner),
        np.concatenate([starts, tracks.offsets[-1:]]),
        tracks.time_us,
        tracks.lat_deg,
        tracks.lng_deg,
        tracks.altitude_m,
        tracks.reference[owner],
        tracks.horizontal_uncertainty_m[owner],
        tracks.vertical_uncertainty_m[owner],
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask.

    Attributes
    ----------
    separation
        The rules; None where neither a pact nor an option names any: moving things at 5 NM / 1,000 ft,
        volumes where they meet.
    max_gap_s
        Samples further apart are unobserved.
    lookahead_s
        How far ahead to predict; None: as far as each rule says.
    phase
        Told what is being done.
    standing
        What each party says of a zone of the pact, by the zone's source and id.
    """

    separation: Separation | None
    max_gap_s: float
    lookahead_s: float | None
    phase: Callable[[str], None]
    standing: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def _standing(self, labels: Labels) -> list[str]:
        return [self.standing.get((labels.source_of(row), name), "") for row, name in enumerate(labels.ids)]

    def answer(
        self,
        question: str,
        basis: str,
        findings: Findings,
        *,
        reference: NDArray[np.int8] | None = None,
        zones: Zones | None = None,
    ) -> Answer:
        """The engine's findings with what a reader needs to judge them."""
        rules = (Separation.uniform(EN_ROUTE) if self.separation is None else self.separation).rules
        names = [rule.name for rule in rules]
        own: list[Minima | None] = [rule.minima for rule in rules]
        if list(findings.rules[: len(names)]) == names:
            own += [None] * (len(findings.rules) - len(names))  # the engine's own rule behind them: touching
        else:
            named = dict(zip(names, own, strict=True))
            own = [named.get(name) for name in findings.rules]
        return Answer(
            question,
            basis,
            findings,
            np.array([0.0 if m is None else m.horizontal_m for m in own]),
            np.array([0.0 if m is None else m.vertical_m for m in own]),
            None if zones is None else zones.effect,
            None if zones is None else self._standing(zones.volumes.labels),
            reference,
        )


def ask(things: Things, how: Asking) -> tuple[list[Answer], list[Stale]]:
    """Put every question that the things raise: the answers, and the states too old to predict from."""
    from skypact import check

    answers: list[Answer] = []
    stale: list[Stale] = []
    tracks, plans, volumes = things.tracks, things.plans, things.volumes

    if tracks is not None:
        how.phase(f"checking {counted(len(tracks), 'track')} against each other")
        found = check.losses(tracks, separation=how.separation, max_gap_s=how.max_gap_s)
        answers.append(
            how.answer("recorded tracks against each other", RECORDED, found, reference=tracks.reference)
        )
    claims: list[Volumes | Trajectories] = [*volumes, *([plans] if plans is not None else [])]
    if claims:
        what = " and ".join(
            name for name, there in (("volumes", bool(volumes)), ("plans", plans is not None)) if there
        )
        reference = np.concatenate(
            [c.reference if isinstance(c, Trajectories) else np.full(len(c), -1, np.int8) for c in claims]
        )
        how.phase(f"checking {what} against each other")
        found = check.conflicts(claims, separation=how.separation)
        answers.append(how.answer(f"{what} against each other", PLANNED, found, reference=reference))
        if tracks is not None:
            how.phase(f"checking {what} against recorded tracks")
            found = check.conflicts(claims, cut_at_gaps(tracks, how.max_gap_s), separation=how.separation)
            answers.append(how.answer(f"{what} against recorded tracks", PLANNED, found, reference=reference))
    for zones in things.zones:
        answers += _of_zones(things, zones, how)
    if tracks is not None and volumes:
        own = Volumes.concat(volumes) if len(volumes) > 1 else volumes[0]
        if np.isin(_bodies(own.labels), _bodies(tracks.labels)).any():
            how.phase("checking tracks against their own volumes")
            found = check.inside(tracks, own, max_gap_s=how.max_gap_s)
            question = "recorded tracks against their own volumes"
            answers.append(how.answer(question, RECORDED, found, reference=tracks.reference))
    if things.states is not None:
        states, stale, now = fresh(things.states, how.max_gap_s)
        how.phase(f"predicting from {counted(len(states), 'state')}")
        rules = how.separation
        if rules is None and how.lookahead_s is not None:
            rules = Separation.uniform(replace(EN_ROUTE, lookahead_s=how.lookahead_s))
        found = check.encounters(states, separation=rules, lookahead_s=how.lookahead_s, now_us=now)
        answers.append(
            how.answer("live states against each other", PREDICTED, found, reference=states.reference)
        )
        for zones in things.zones:
            found = check.entries(states, zones, lookahead_s=how.lookahead_s, now_us=now)
            answers.append(
                how.answer(
                    "live states against zones", PREDICTED, found, reference=states.reference, zones=zones
                )
            )
    return answers, stale


def _bodies(labels: Labels) -> NDArray[np.str_]:
    return np.array(labels.bodies or [""], dtype=np.str_)[labels.body]


def _of_zones(things: Things, zones: Zones, how: Asking) -> list[Answer]:
    from skypact import check

    answers = []
    how.phase(f"checking against {counted(len(zones), 'zone')}")
    for name, moving, basis, gap in (
        ("recorded tracks", things.tracks, RECORDED, how.max_gap_s),
        ("plans", things.plans, PLANNED, None),
    ):
        if moving is not None:
            found = check.entries(moving, zones, max_gap_s=gap)
            answers.append(
                how.answer(f"{name} against zones", basis, found, reference=moving.reference, zones=zones)
            )
    for volumes in things.volumes:
        found = check.conflicts(volumes, zones)
        answers.append(how.answer("volumes against zones", PLANNED, found, zones=zones))
    return answers


def kept(findings: Findings, rows: NDArray[np.bool_]) -> Findings:
    """The findings with some of the rows; what was not decided and not observed stays whole."""
    if rows.all():
        return findings
    columns = (
        "a",
        "b",
        "start_us",
        "end_us",
        "closest_us",
        "horizontal_m",
        "vertical_m",
        "lat_deg",
        "lng_deg",
        "altitude_m",
        "margin_m",
        "marginal",
        "rule",
        "agreed",
    )
    return replace(findings, **{name: getattr(findings, name)[rows] for name in columns})


def among(
    answers: Iterable[Answer],
    first: Callable[[Labels], NDArray[np.bool_]],
    second: Callable[[Labels], NDArray[np.bool_]] | None = None,
) -> list[Answer]:
    """The answers with only those rows of which one side is of the ``first`` and the other of the ``second``.

    ``second`` None is anything. What was not decided and not observed is kept likewise. Where pairs without
    a rule are more than the listed ones, their number stays that of all: it is then a bound.
    """
    chosen = []
    for answer in answers:
        f = answer.findings
        masks = [
            (first(labels), None if second is None else second(labels)) for labels in (f.labels_a, f.labels_b)
        ]
        rows = _between(masks, f.a, f.b)
        left, gaps = f.unchecked, f.unobserved
        undecided = _between(masks, left.a, left.b)
        one, two = masks[0]
        seen = one[gaps.who] if two is None else one[gaps.who] | two[gaps.who]
        listed = int((left.reason == Reason.NO_RULE).sum())
        findings = replace(
            kept(f, rows),
            unchecked=Unchecked(
                left.a[undecided],
                left.b[undecided],
                left.start_us[undecided],
                left.end_us[undecided],
                left.reason[undecided],
                left.no_rule_pairs
                if left.no_rule_pairs > listed
                else int((left.reason[undecided] == Reason.NO_RULE).sum()),
            ),
            unobserved=Unobserved(gaps.who[seen], gaps.start_us[seen], gaps.end_us[seen]),
        )
        chosen.append(replace(answer, findings=findings))
    return chosen


def _between(
    masks: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_] | None]],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
) -> NDArray[np.bool_]:
    (first_a, second_a), (first_b, second_b) = masks
    if second_a is None or second_b is None:
        return first_a[a] | first_b[b]
    return (first_a[a] & second_b[b]) | (second_a[a] & first_b[b])
