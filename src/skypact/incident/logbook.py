"""A claim beside what a record holds: supported, contradicted or not recorded, the entries, the margin.

Law: a record is one party's, and says what was put into it; that it contradicts a claim does not say that
the claim is untrue, and **nothing here says which party is right**. A claim is supported where all that the
record leaves possible is what the claim allows, contradicted where none of it is, and otherwise not recorded:
that a record has no entry shows nothing, and neither does one that is not precise enough. The offset of
clocks and its bound are taken into account wherever an instant of a message is compared, and said.

How it works. A record's instant is a set too: as wide as it is known, corrected by the offset of the holder's
clock and as much wider as that one's bound (:data:`VERDICTS` has the whole of the logic). Where things were
is asked of :mod:`skypact.check`, with its bounds; an unobserved stretch or an unknown altitude leaves a
question not recorded.

A warning counts from when it was delivered; that it was sent is shown.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from skypact import check
from skypact.airspace import Circle, Kind, Labels, Minima, Polygon, Volume4D, Volumes
from skypact.incident import values
from skypact.incident.claims import Claim, Modality, Predicate
from skypact.incident.values import Meeting, Period, Place, Quantity, Scope, Warned
from skypact.instants import EVER, FOREVER, SECOND_US, format_instant
from skypact.pact import Stance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from skypact.airspace import Trajectories, Zones
    from skypact.check import Findings
    from skypact.incident.values import Value

REACH_M: Final = 500_000.0
"""Further than this from a place it is not said how far."""
POINT_M: Final = 1.0
"""A place is asked about with an accuracy of so much at least."""
NO_WARNING: Final = frozenset(
    {
        "cancel", "receipt", "readback", "ack", "reply", "report", "query", "answer", "second query",
        "check-in", "zone recognise", "zone reject", "zone reserve", "suspend", "resume", "release",
        "forward",
    }
)  # fmt: skip
"""Kinds of messages that warn nobody of anything: they answer, ask, or carry."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How far a clock was ahead of UTC, and within what bound that is known; microseconds."""

    offset_us: int
    bound_us: int

    def corrected(self, instant_us: int) -> Period:
        """In UTC, an instant that this clock showed."""
        middle = instant_us - self.offset_us
        return Period("", middle - self.bound_us, middle + self.bound_us)

    def of(self, when: Period) -> Period:
        """In UTC, what this clock showed as lying between two instants; an open end stays open."""
        first, last = self.corrected(when.earliest_us), self.corrected(when.latest_us)
        return Period(
            "",
            EVER if when.earliest_us == EVER else first.earliest_us,
            FOREVER if when.latest_us == FOREVER else last.latest_us,
        )

    @property
    def words(self) -> str:
        """The offset and its bound, for people."""
        offset, bound = self.offset_us / SECOND_US, values.duration_words(self.bound_us)
        return f"offset of clocks {offset:.3g} s ± {bound}"


@dataclass(frozen=True, slots=True)
class Logged:
    """A message or a call as a record has it.

    Attributes
    ----------
    ref, kind
        Its id everywhere, and what it is: ``notify``, ``reply``, ``call``.
    sender, receiver, channel
        From whom, to whom, by what: parties' ids, ``hotline``.
    sent, delivered, opened
        When, by the clock of the record's holder, as far as it is known; None where that is not recorded. A
        call is delivered when it is answered.
    about
        The ids of what it is about: a filing, a track, another message.
    scope
        Of a reply, what it answered for; "" otherwise.
    clock
        The holder's clock then, against UTC; None where its offset is not known, and none is taken off.
    other
        The other side's clock against the holder's, where instants here were told by it and are corrected.
    proof
        Where its proof is: a receipt's file, a position in the ledger.
    """

    ref: str
    kind: str
    sender: str
    receiver: str
    channel: str
    sent: Period
    delivered: Period | None = None
    opened: Period | None = None
    about: tuple[str, ...] = ()
    scope: str = ""
    clock: Clock | None = None
    proof: str = ""
    other: Clock | None = None

    @property
    def stages(self) -> tuple[tuple[str, Period], ...]:
        """What is recorded of its way, by name, as far as it is known, in UTC."""
        recorded = (("sent", self.sent), ("delivered", self.delivered), ("opened", self.opened))
        clock = self.clock or Clock(0, 0)
        return tuple((name, clock.of(when)) for name, when in recorded if when is not None)


@dataclass(frozen=True, slots=True)
class Position:
    """What a party said of a zone, from an instant on: the entry's id, the party, the zone, its stance."""

    ref: str
    party: str
    zone: str
    stance: Stance
    at_us: int
    words: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Logbook:
    """What one party's record can say.

    Attributes
    ----------
    holder
        Whose record it is.
    messages, positions
        Messages and calls; what was said of zones.
    tracks, zones
        Recorded tracks, and zones by their ids; None where there are none.
    event
        When the incident's event was, in UTC: what *before* is counted from; None where that is not settled.
    max_gap_s
        Samples of a track further apart leave the stretch between unobserved.
    ledger
        Which log its entries were proven against, and who vouches for that log; "" where they were not.
    forks
        In words, the logs that its holder can prove to have contradicted themselves.
    """

    holder: str
    messages: Sequence[Logged] = ()
    positions: Sequence[Position] = ()
    tracks: Trajectories | None = None
    zones: Zones | None = None
    event: Period | None = None
    max_gap_s: float = 60.0
    ledger: str = ""
    forks: tuple[str, ...] = ()


class Verdict(enum.Enum):
    """What a record says of a claim; never who is right."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim beside a record.

    Attributes
    ----------
    claim, holder
        The claim's id, and whose record it is.
    verdict
        What the record says.
    entries
        The ids of the entries and tracks that say so, each with its proof where there is one.
    margin
        In words: what was claimed, what the record has, by how much they differ, and how well that is known.
    """

    claim: str
    holder: str
    verdict: Verdict
    entries: tuple[str, ...]
    margin: str


_YES, _NO, _SILENT = Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.NOT_RECORDED

VERDICTS: Final[dict[tuple[Modality, Meeting], Verdict]] = {
    (Modality.ASSERTED, Meeting.SAME): _YES,
    (Modality.ASSERTED, Meeting.AROUND): _YES,
    (Modality.ASSERTED, Meeting.WITHIN): _SILENT,
    (Modality.ASSERTED, Meeting.OVERLAP): _SILENT,
    (Modality.ASSERTED, Meeting.APART): _NO,
    (Modality.DENIED, Meeting.SAME): _NO,
    (Modality.DENIED, Meeting.AROUND): _NO,
    (Modality.DENIED, Meeting.WITHIN): _SILENT,
    (Modality.DENIED, Meeting.OVERLAP): _SILENT,
    (Modality.DENIED, Meeting.APART): _YES,
}
"""How a thing was said, and how its value meets what the record leaves possible: what the record says."""


def against(claim: Claim, book: Logbook) -> Finding:
    """What a record can say of a claim."""
    ask = _ASKED.get(claim.predicate)
    if claim.value is None or claim.modality in {Modality.UNKNOWN, Modality.CONDITIONAL}:
        return _silent(claim, book, f"what is {claim.modality.value} is not held against a record")
    if ask is None:
        return _silent(claim, book, "no record that Skypact reads answers this question")
    return ask(claim, book)


def _silent(claim: Claim, book: Logbook, why: str, entries: Iterable[str] = ()) -> Finding:
    return Finding(claim.id, book.holder, Verdict.NOT_RECORDED, tuple(entries), why)


def _claimed(claim: Claim) -> str:
    assert claim.value is not None  # noqa: S101  # against() looked
    return f"{'denied' if claim.modality is Modality.DENIED else 'claimed'} {claim.value.text}"


def _weighed(modality: Modality, value: Value, recorded: Value) -> Verdict:
    met = values.meeting(value, recorded)
    return Verdict.NOT_RECORDED if met is None else VERDICTS[modality, met]


def _joined(modality: Modality, verdicts: Sequence[Verdict]) -> Verdict:
    """What several entries say, of which one is enough to make true what is asserted."""
    enough, against_all = (_YES, _NO) if modality is Modality.ASSERTED else (_NO, _YES)
    if enough in verdicts:
        return enough
    return against_all if verdicts and set(verdicts) == {against_all} else _SILENT


def _cited(ref: str, proof: str) -> str:
    return f"{ref} ({proof})" if proof else ref


# -- messages -----------------------------------------------------------------------------------------------


def _warned(claim: Claim, book: Logbook) -> Finding:
    value = claim.value
    assert isinstance(value, Warned)  # noqa: S101  # the question takes no other
    found = [m for m in book.messages if _is_meant(claim, m) and not m.scope and m.kind not in NO_WARNING]
    if value.channel is not None:
        found = [m for m in found if values.plain(m.channel) == value.channel]
    if not found:
        return _silent(
            claim, book, "no such message is in this record, which does not show that there was none"
        )
    if value.before is not None and book.event is None:
        return _silent(
            claim, book, "before what is not known: the event has no time here", (m.ref for m in found)
        )
    verdicts, said = [], []
    for message in found:
        stages = message.stages
        said.append(f"{message.ref} {_stage_words(stages, book.event)}; {_clock_words(message)}")
        told = [when for name, when in stages if name != "sent"]
        verdicts += [_of_stage(claim.modality, value, when, book.event) for when in told] or [_SILENT]
    return Finding(
        claim.id,
        book.holder,
        _joined(claim.modality, verdicts),
        tuple(_cited(m.ref, m.proof) for m in found),
        f"{_claimed(claim)}; this record has {' and '.join(said)}",
    )


def _is_meant(claim: Claim, message: Logged) -> bool:
    return not claim.thing or claim.thing == message.ref or claim.thing in message.about


def _of_stage(modality: Modality, value: Warned, when: Period, event: Period | None) -> Verdict:
    if value.at is not None:
        return _weighed(modality, value.at, when)
    if value.before is not None and event is not None:
        return _weighed(modality, value.before, _lead(when, event))
    return _YES if modality is Modality.ASSERTED else _NO


def _lead(when: Period, event: Period) -> Quantity:
    """How long before the event something was, as far as both are known."""
    low, high = event.earliest_us - when.latest_us, event.latest_us - when.earliest_us
    return Quantity("", "s", Fraction(low, SECOND_US), Fraction(high, SECOND_US))


def _stage_words(stages: Sequence[tuple[str, Period]], event: Period | None) -> str:
    said = [f"{name} {_told(when, event)}" for name, when in stages]
    if len(stages) == 1:
        said.append("and no delivery is recorded")
    return ", ".join(said)


def _told(when: Period, event: Period | None) -> str:
    """When something was, from the event's middle on; between two where it is not known to a second."""
    wide = when.latest_us - when.earliest_us > SECOND_US
    ends = [when.earliest_us, when.latest_us] if wide else [(when.earliest_us + when.latest_us) // 2]
    if event is None:
        told = [format_instant(each) for each in ends]
    else:
        middle_us = (event.earliest_us + event.latest_us) // 2
        leads = [middle_us - each for each in ends]
        told = [f"{values.duration_words(abs(lead))} {'before' if lead >= 0 else 'after'}" for lead in leads]
    if when.latest_us == FOREVER:
        return "at a time that is not known" if when.earliest_us == EVER else f"no sooner than {told[0]}"
    if when.earliest_us == EVER:
        return f"no later than {told[1]}"
    if wide:
        return f"between {' and '.join(told)}"
    return told[0] if event is not None else f"at {told[0]}"


def _clock_words(message: Logged) -> str:
    clock = message.other or message.clock
    return "offset of clocks not known" if clock is None else clock.words


def _reply_scope(claim: Claim, book: Logbook) -> Finding:
    found = [m for m in book.messages if m.scope and _is_meant(claim, m)]
    if not found:
        return _silent(
            claim, book, "no such reply is in this record, which does not show that there was none"
        )
    assert isinstance(claim.value, Scope)  # noqa: S101  # the question takes no other
    verdicts = [_weighed(claim.modality, claim.value, values.scope(m.scope)) for m in found]
    said = " and ".join(f"{m.ref} {m.scope!r}" for m in found)
    return Finding(
        claim.id,
        book.holder,
        _joined(claim.modality, verdicts),
        tuple(_cited(m.ref, m.proof) for m in found),
        f"{_claimed(claim)}; this record has {said}",
    )


# -- zones, by what parties said of them --------------------------------------------------------------------

_RECOGNISED: Final = {
    (Modality.ASSERTED, Stance.RECOGNISED): _YES,
    (Modality.ASSERTED, Stance.REJECTED): _NO,
    (Modality.DENIED, Stance.RECOGNISED): _NO,
    (Modality.DENIED, Stance.REJECTED): _YES,
}
"""A reserved position and silence are neither."""


def _zone_recognised(claim: Claim, book: Logbook) -> Finding:
    if not claim.thing:
        return _silent(claim, book, "recognition is each party's own, and the claim does not say whose")
    until = claim.during or book.event
    found = [p for p in book.positions if p.zone == _zone_id(claim) and p.party == claim.thing]
    if until is not None:
        found = [p for p in found if p.at_us <= until.latest_us]
    if not found:
        return _silent(claim, book, f"{claim.thing} is silent on this zone in this record")
    last = max(found, key=lambda position: position.at_us)
    said = f" ({last.words})" if last.words else ""
    return Finding(
        claim.id,
        book.holder,
        _RECOGNISED.get((claim.modality, last.stance), _SILENT),
        (_cited(last.ref, last.proof),),
        f"{_claimed(claim)}; this record has {last.stance.value!r} of {last.party} since "
        f"{format_instant(last.at_us)}{said}",
    )


def _zone_id(claim: Claim) -> str:
    assert claim.value is not None  # noqa: S101  # against() looked
    return claim.zone or claim.value.text


# -- tracks -------------------------------------------------------------------------------------------------


def _tracks_of(claim: Claim, book: Logbook) -> Trajectories | None:
    if book.tracks is None or not claim.thing:
        return None
    labels = book.tracks.labels
    meant = [k for k, name in enumerate(labels.ids) if claim.thing in {name, labels.body_of(k)}]
    return book.tracks.take(np.array(meant, np.intp)) if meant else None


def _zone_of(ident: str, book: Logbook) -> Volumes | None:
    if book.zones is None:
        return None
    rows = [k for k, name in enumerate(book.zones.volumes.labels.ids) if name == ident]
    return book.zones.volumes.take(np.array(rows, np.intp)) if rows else None


def _asked_when(claim: Claim, book: Logbook, tracks: Trajectories) -> Period:
    """For what time a claim is held against tracks: its own, else the event's, else all that they have."""
    return claim.during or book.event or Period("", int(tracks.time_us.min()), int(tracks.time_us.max()))


def _inside_zone(claim: Claim, book: Logbook) -> Finding:
    tracks, zone = _tracks_of(claim, book), _zone_of(_zone_id(claim), book)
    if tracks is None or zone is None:
        return _silent(claim, book, "this record has no track of it, or not this zone")
    when = _asked_when(claim, book, tracks)
    found = check.entries(tracks, zone, max_gap_s=book.max_gap_s)
    stays = [
        (max(stay.start_us, when.earliest_us), min(stay.end_us, when.latest_us))
        for stay in found
        if stay.start_us <= when.latest_us and stay.end_us >= when.earliest_us
    ]
    asked = f"{_claimed(claim)}, {values.instant_words(when)}"
    cited = (claim.thing,)
    if stays:
        whole = any(start <= when.earliest_us and end >= when.latest_us for start, end in stays)
        said = " and ".join(values.instant_words(Period("", *stay)) for stay in stays)
        verdict = _NO if claim.modality is Modality.DENIED else _YES if whole else _SILENT
        part = "" if whole else ", which is a part of that time"
        return Finding(claim.id, book.holder, verdict, cited, f"{asked}; the track is inside it {said}{part}")
    if not _seen(tracks, found, when):
        return _silent(claim, book, f"{asked}; the track was not observed all that time", cited)
    verdict = _YES if claim.modality is Modality.DENIED else _NO
    near = _nearest(tracks, zone, when, book.max_gap_s)
    return Finding(claim.id, book.holder, verdict, cited, f"{asked}; the track is outside it, {near}")


def _where(claim: Claim, book: Logbook) -> Finding:
    tracks = _tracks_of(claim, book)
    if tracks is None:
        return _silent(claim, book, "this record has no track of it")
    if not isinstance(claim.value, Place):
        return _silent(claim, book, "a place by its name is for people to compare")
    when, place = _asked_when(claim, book, tracks), claim.value
    outline = Circle(place.lat_deg, place.lng_deg, max(place.accuracy_m, POINT_M))
    volumes = Volumes.of(
        Labels.of(["claimed"], kind=Kind.STATIC, data_mode=tracks.labels.data_mode), [Volume4D(outline)]
    )
    found = check.entries(tracks, volumes, max_gap_s=book.max_gap_s)
    asked, cited = f"{_claimed(claim)}, {values.instant_words(when)}", (claim.thing,)
    if any(stay.start_us <= when.latest_us and stay.end_us >= when.earliest_us for stay in found):
        verdict = _NO if claim.modality is Modality.DENIED else _YES
        return Finding(claim.id, book.holder, verdict, cited, f"{asked}; the track is there in that time")
    if not _seen(tracks, found, when):
        return _silent(claim, book, f"{asked}; the track was not observed all that time", cited)
    verdict = _YES if claim.modality is Modality.DENIED else _NO
    near = _nearest(tracks, volumes, when, book.max_gap_s)
    return Finding(claim.id, book.holder, verdict, cited, f"{asked}; the track is not there, {near}")


def _seen(tracks: Trajectories, found: Findings, when: Period) -> bool:
    """Whether one of the tracks was observed all the time, and all of it was decided."""
    if any(int(start) <= when.latest_us for start in found.unchecked.start_us):
        return False
    gaps = found.unobserved
    for row in range(len(tracks)):
        samples = tracks.time_us[tracks.offsets[row] : tracks.offsets[row + 1]]
        holes = (gaps.who == row) & (gaps.start_us < when.latest_us) & (gaps.end_us > when.earliest_us)
        if samples[0] <= when.earliest_us and samples[-1] >= when.latest_us and not holes.any():
            return True
    return False


def _nearest(tracks: Trajectories, volumes: Volumes, when: Period, max_gap_s: float) -> str:
    """In words, how near tracks came to an outline in a time, whatever their height."""
    outlines = [
        Volume4D(_outline(volumes, row), None, None, when.earliest_us, when.latest_us + 1)
        for row in range(len(volumes))
    ]
    asked = Volumes.of(
        Labels.of(list(volumes.labels.ids), kind=Kind.STATIC, data_mode=volumes.labels.data_mode), outlines
    )
    found = check.conflicts(tracks, asked, separation=Minima(REACH_M, 1.0), max_gap_s=max_gap_s)
    if not len(found):
        return f"{values.length_words(REACH_M)} away or more"
    row = int(np.argmin(found.horizontal_m))
    away, at_us = float(found.horizontal_m[row]), int(found.closest_us[row])
    return f"{values.length_words(away)} from its edge at the nearest, at {_second(at_us)}"


def _outline(volumes: Volumes, row: int) -> Circle | Polygon:
    part = slice(int(volumes.offsets[row]), int(volumes.offsets[row + 1]))
    lat, lng = volumes.lat_deg[part], volumes.lng_deg[part]
    radius_m = float(volumes.radius_m[row])
    if radius_m:
        return Circle(float(lat[0]), float(lng[0]), radius_m)
    return Polygon(tuple(zip(lat.tolist(), lng.tolist(), strict=True)))


def _second(instant_us: int) -> str:
    """An instant of a track to the second: what a track says between its samples is no better."""
    return format_instant(round(instant_us / SECOND_US) * SECOND_US)


def _when(claim: Claim, book: Logbook) -> Finding:
    if not claim.zone:
        return _silent(claim, book, "when is asked of entries into a zone, and the claim names none")
    tracks, zone = _tracks_of(claim, book), _zone_of(claim.zone, book)
    if tracks is None or zone is None:
        return _silent(claim, book, "this record has no track of it, or not this zone")
    assert isinstance(claim.value, Period)  # noqa: S101  # the question takes no other
    found = check.entries(tracks, zone, max_gap_s=book.max_gap_s)
    begun = {int(tracks.time_us[k]) for k in tracks.offsets[:-1]} | set(found.unobserved.end_us.tolist())
    entries = [stay.start_us for stay in found if stay.start_us not in begun]
    if not entries:
        return _silent(claim, book, "no entry was observed, which does not show that there was none")
    at = [Period("", entry, entry) for entry in entries]
    verdicts = [_weighed(claim.modality, claim.value, each) for each in at]
    said = " and ".join(map(_second, entries))
    verdict = _joined(claim.modality, verdicts)
    apart = ""
    if verdict is _NO and claim.modality is Modality.ASSERTED:
        apart = f", {min(_off(claim.value, each) for each in at)[1]} off"
    return Finding(
        claim.id,
        book.holder,
        verdict,
        (claim.thing,),
        f"{_claimed(claim)}; the track enters at {said}{apart}",
    )


def _off(claimed: Period, entry: Period) -> tuple[int, str]:
    """By how much an entry is not when it was claimed to be: microseconds, and words."""
    by_us = max(entry.earliest_us - claimed.latest_us, claimed.earliest_us - entry.latest_us)
    return by_us, values.duration_words(by_us)


_ASKED: Final[dict[Predicate, Callable[[Claim, Logbook], Finding]]] = {
    Predicate.WARNED: _warned,
    Predicate.REPLY_SCOPE: _reply_scope,
    Predicate.ZONE_RECOGNISED: _zone_recognised,
    Predicate.INSIDE_ZONE: _inside_zone,
    Predicate.WHERE: _where,
    Predicate.WHEN: _when,
}
"""The questions that a record can answer; the others are for people."""
