"""What a party's record says, as a JSON file for the report: its messages, its stances, its tracks.

Law: an extract is one party's, says whose, and is held against claims, never against the other party. What it
does not say is not recorded. Tracks and the pact with its zones are files beside it, read by their own
readers; the stances that the pact has count from when it took effect.

``docs/incidents.md`` has the members. Instants are those of the holder's clock, whose offset is a member of
the message or of the whole extract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skypact.airspace.moving import Trajectories
from skypact.errors import FormatError, InputError, ModeError
from skypact.formats.jsonpath import Node, joined, parse
from skypact.incident import values
from skypact.incident.logbook import Clock, Logbook, Logged, Position
from skypact.incident.values import Period
from skypact.instants import DAY_US, EVER, FOREVER, SECOND_US, format_instant
from skypact.pact import Stance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skypact.airspace import DataMode
    from skypact.formats.contents import Contents
    from skypact.pact import Pact

TITLE: Final = "skypact record extract 1"
SIZE_MAX: Final = 64 * 1024 * 1024
"""A larger extract is refused, in bytes."""
OFFSET_MAX_US: Final = 366 * DAY_US
"""A clock further off is no clock."""
_MEMBERS: Final = (
    "format", "data_mode", "holder", "event", "clock", "messages", "positions", "tracks", "pact", "max_gap_s",
    "ledger", "forks",
)  # fmt: skip
_OF_MESSAGE: Final = (
    "ref", "kind", "sender", "receiver", "channel", "sent", "delivered", "opened", "about", "scope", "clock",
    "other_clock", "proof",
)  # fmt: skip
_OPEN: Final = "open"
"""What stands for an end that is not known."""
_OF_POSITION: Final = ("ref", "party", "zone", "stance", "at", "words", "proof")


def write_record(book: Logbook, mode: DataMode) -> dict[str, Any]:
    """The members of an extract, ready for JSON: messages and stances.

    The event, and the files of tracks and of the pact, are for whoever writes it to a place to name.
    """
    said: dict[str, Any] = {"format": TITLE, "data_mode": mode.value, "holder": book.holder}
    said |= {"ledger": book.ledger, "forks": list(book.forks)}
    said |= {"messages": [_written(each) for each in book.messages]}
    said |= {"positions": [_stance_written(each) for each in book.positions]}
    return {name: value for name, value in said.items() if value or name == "messages"}


def _written(message: Logged) -> dict[str, Any]:
    said: dict[str, Any] = {
        "ref": message.ref,
        "kind": message.kind,
        "sender": message.sender,
        "receiver": message.receiver,
        "channel": message.channel,
        "sent": _instants(message.sent),
        "delivered": None if message.delivered is None else _instants(message.delivered),
        "opened": None if message.opened is None else _instants(message.opened),
        "about": list(message.about),
        "scope": message.scope,
        "clock": _clock_written(message.clock),
        "other_clock": _clock_written(message.other),
        "proof": message.proof,
    }
    return {name: value for name, value in said.items() if value}


def _stance_written(position: Position) -> dict[str, Any]:
    said = {
        "ref": position.ref,
        "party": position.party,
        "zone": position.zone,
        "stance": position.stance.value,
        "at": format_instant(position.at_us),
        "words": position.words,
        "proof": position.proof,
    }
    return {name: value for name, value in said.items() if value}


def _instants(when: Period) -> str:
    ends = dict.fromkeys((when.earliest_us, when.latest_us))
    return "/".join(map(format_instant, ends))


def _clock_written(clock: Clock | None) -> dict[str, float] | None:
    if clock is None:
        return None
    return {"offset_s": clock.offset_us / SECOND_US, "bound_s": clock.bound_us / SECOND_US}


def read_record(path: Path, mode: DataMode) -> Logbook:
    """The extract of a file.

    Parameters
    ----------
    mode
        The data mode of the incident; an extract, a track or a pact of another one is refused.

    Raises
    ------
    InputError
        The file, or one that it names, cannot be read or is not what it should be; file and path are named.
    """
    try:
        if path.stat().st_size > SIZE_MAX:
            raise FormatError(
                "too long for an extract", where=str(path), expected=f"at most {SIZE_MAX} bytes"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            "cannot be read", where=str(path), found=error.strerror, expected="an extract of a record"
        ) from None
    try:
        return _logbook(parse(data), path, mode)
    except InputError as error:
        raise (error if error.where.startswith(str(path.parent)) else error.at(str(path))) from None


def _only(node: Node, names: tuple[str, ...]) -> None:
    for name in node.object().value:
        if name not in names:
            raise FormatError(
                "no member of an extract", where=joined(node.path, name), expected=", ".join(names)
            )


def _logbook(node: Node, path: Path, mode: DataMode) -> Logbook:
    _only(node, _MEMBERS)
    node.need("format").one_of([TITLE])
    found = node.need("data_mode").text()
    if found != mode.value:
        raise ModeError("of another data mode", where="data_mode", found=found, expected=mode.value)
    clock = _clock(node)
    contents = [_beside(each, path, mode) for each in _listed(node, "tracks")]
    pacts = [_beside(node.need("pact"), path, mode).pact] if "pact" in node else []
    pact = pacts[0] if pacts else None
    if "pact" in node and pact is None:
        raise node.need("pact").error("not a pact", "a pact in TOML")
    positions = [*(stances(pact) if pact else ()), *(_position(each) for each in _listed(node, "positions"))]
    tracks = [each.tracks for each in contents if each.tracks is not None and len(each.tracks)]
    modes = {each.labels.data_mode for each in tracks} | ({pact.data_mode} if pact else set())
    for other in modes - {mode}:
        raise ModeError("a track or a pact of another data mode", found=other.value, expected=mode.value)
    event = node.get("event")
    gap = node.get("max_gap_s")
    return Logbook(
        node.need("holder").label(),
        tuple(_message(each, clock) for each in _listed(node, "messages")),
        tuple(positions),
        Trajectories.concat(tracks) if tracks else None,
        pact.zones_in_force() if pact else None,
        None if event is None else values.period(event.text(), where=event.path),
        60.0 if gap is None else gap.number(),
        node.need("ledger").note() if "ledger" in node else "",
        tuple(each.note() for each in _listed(node, "forks")),
    )


def _listed(node: Node, name: str) -> Iterator[Node]:
    return node.need(name).elements() if name in node else iter(())


def _beside(node: Node, path: Path, mode: DataMode) -> Contents:
    from skypact.formats import Defaults, read

    return read(path.parent / node.text(), Defaults(data_mode=mode))


def _clock(node: Node, name: str = "clock") -> Clock | None:
    given = node.get(name)
    if given is None:
        return None
    _only(given, ("offset_s", "bound_s"))
    offset, bound = (round(given.need(name).number() * SECOND_US) for name in ("offset_s", "bound_s"))
    if not (0 <= bound <= OFFSET_MAX_US and abs(offset) <= OFFSET_MAX_US):
        raise given.error("not an offset of a clock", "seconds, a bound of 0 or more, neither beyond a year")
    return Clock(offset, bound)


def _message(node: Node, clock: Clock | None) -> Logged:
    _only(node, _OF_MESSAGE)
    scope = node.get("scope")
    return Logged(
        node.need("ref").label(),
        node.need("kind").label(),
        node.need("sender").label(),
        node.need("receiver").label(),
        node.need("channel").label(),
        _when(node.need("sent")),
        _when(node.need("delivered")) if "delivered" in node else None,
        _when(node.need("opened")) if "opened" in node else None,
        tuple(each.label() for each in _listed(node, "about")),
        "" if scope is None else values.scope(scope.text(), where=scope.path).text,
        _clock(node) or clock,
        node.need("proof").label() if "proof" in node else "",
        _clock(node, "other_clock"),
    )


def _when(node: Node) -> Period:
    """An instant, or two with ``/`` between where no more is known; either may be ``open``."""
    first, between, last = node.text().partition("/")
    ends = EVER if first == _OPEN and between else None, FOREVER if last == _OPEN else None
    try:
        if ends == (None, None):
            return values.period(node.text(), where=node.path)
        one, other = (
            values.period(text, where=node.path) if end is None else Period("", end, end)
            for text, end in zip((first, last), ends, strict=True)
        )
        return Period("", one.earliest_us, other.latest_us)
    except InputError as error:
        raise FormatError(
            error.message, where=error.where, found=error.found, expected=error.expected
        ) from None


def _position(node: Node) -> Position:
    _only(node, _OF_POSITION)
    words, proof = node.get("words"), node.get("proof")
    return Position(
        node.need("ref").label(),
        node.need("party").label(),
        node.need("zone").label(),
        Stance(node.need("stance").one_of([one.value for one in Stance])),
        node.need("at").instant(),
        "" if words is None else words.note(),
        "" if proof is None else proof.label(),
    )


def stances(pact: Pact) -> Iterator[Position]:
    """What each party says of each zone in the pact, silence left out."""
    for zone in pact.zones:
        under = dict(zone.reservations)
        for party in pact.parties:
            stance = zone.stance(party.id)
            if stance is not Stance.SILENT:
                yield Position(
                    f"pact {pact.id}", party.id, zone.id, stance, pact.effective_us, under.get(party.id, "")
                )
