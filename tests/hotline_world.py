"""A hotline for tests: a pact of three parties, and messages made in one line."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pact_keys import KEYS
from skypact.airspace.labels import DataMode
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Alarm,
    Call,
    Carried,
    Intent,
    Kind,
    Message,
    Notice,
    Plain,
    Position,
    Post,
    Question,
    Received,
    Released,
    Repeated,
    Replied,
    Scope,
    Text,
)
from skypact.exchange.hotline.table import BODIES
from skypact.instants import HOUR_US, SECOND_US, parse_instant
from skypact.pact import Contact, Filing, Hours, Intermediary, Level, Pact, Party

if TYPE_CHECKING:
    from skypact.exchange.hotline.messages import Body

NOW: Final = parse_instant("2026-06-01T06:00:00Z")
"""A Monday morning, when the stories begin."""
START: Final = NOW + 72 * HOUR_US
END: Final = START + 2 * HOUR_US
WHERE: Final = (Position(33_5061000, 38_6178000), Position(33_6000000, 38_7000000))
DIGEST: Final = f"sha256:{'7' * 64}"

_ROUND_THE_CLOCK = (Hours(),)
PACT: Final = Pact(
    "hotline-tests",
    data_mode=DataMode.TEST,
    parties=(
        Party(
            "north",
            languages=("en",),
            keys=(KEYS[0],),
            contacts=(Contact("watch-keeper", _ROUND_THE_CLOCK, ("phone +000 0001",)),),
        ),
        Party(
            "south",
            languages=("ru",),
            keys=(KEYS[1],),
            contacts=(
                Contact("duty officer", (Hours(start_min=360, length_min=720),), ("phone +000 0011",)),
                Contact("watch-keeper", _ROUND_THE_CLOCK, ("phone +000 0012",)),
            ),
        ),
        Party("office", languages=("en",), keys=(KEYS[2],)),
    ),
    intermediaries=(Intermediary("office", ("any",), ("north", "south")),),
)
WORDS: Final = Text("en", "as spoken")
BODY: Final[dict[type, Any]] = {
    Plain: Plain(),
    Notice: Notice(Filing.MOVEMENT, "convoy-1", 1, WHERE, START, END),
    Repeated: Repeated(WHERE, START, END),
    Received: Received(NOW + SECOND_US),
    Acknowledged: Acknowledged(Level.OPENED),
    Replied: Replied(Scope.NOT_MINE, Intent.NOTED),
    Alarm: Alarm(WHERE[:1], NOW),
    Question: Question(),
    Call: Call("north", "south", NOW, NOW + 300 * SECOND_US),
    Released: Released(("ngo",)),
    Carried: Carried("charity", "e30.e30.e30"),
}
"""A body of each type."""


class Line:
    """One hotline; it numbers what is said, and gives each message an id."""

    def __init__(self) -> None:
        self._serials: dict[tuple[str, str], itertools.count[int]] = {}

    def say(
        self,
        kind: Kind,
        sender: str,
        to: str,
        re: Message | None = None,
        body: Body | None = None,
        *,
        after_s: float = 0.0,
        **more: Any,
    ) -> Message:
        """A message, said so many seconds after :data:`NOW`; ``re`` is what it answers."""
        serial = next(self._serials.setdefault((sender, to), itertools.count(1)))
        made = Message(
            "",
            kind,
            sender,
            to,
            DIGEST,
            serial,
            "" if re is None else re.thread,
            "" if re is None else re.id,
            NOW + round(after_s * SECOND_US),
            DataMode.TEST,
            Post.DUTY_OFFICER,
            BODY[BODIES[kind]] if body is None else body,
            WORDS,
        )
        made = replace(made, **more)
        ident = hashlib.sha256(repr(made).encode()).hexdigest()
        return replace(made, id=ident, thread=made.thread or ident)

    def north(self, kind: Kind, re: Message | None = None, body: Body | None = None, **more: Any) -> Message:
        """North says to south."""
        return self.say(kind, "north", "south", re, body, **more)

    def south(self, kind: Kind, re: Message | None = None, body: Body | None = None, **more: Any) -> Message:
        """South says to north."""
        return self.say(kind, "south", "north", re, body, **more)
