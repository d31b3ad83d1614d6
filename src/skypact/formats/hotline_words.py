"""The hotline's messages in the reader's language, and the script of a read-back to be spoken.

Law: what the software says comes from a template; what a person said is shown as he put it, with its
language, and marked untranslated where the reader's is another. A position has its hemisphere in a word, an
instant its weekday and its Z, and the digits are the same in all languages, so that nothing can be read in
two ways. Every rendering says that acknowledged is not agreed; where no native speaker has reviewed a
language's templates, it says that too.

A language is one file, ``data/hotline/TAG.toml``; a test holds every file to the English one, template by
template and {word} by {word}. What others have written is put into templates and never taken for one.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from skypact.errors import InputError
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Alarm,
    Call,
    Carried,
    Message,
    Notice,
    Position,
    Question,
    Received,
    Released,
    Repeated,
    Replied,
    Text,
)
from skypact.formats.hotline_json import degrees_text
from skypact.instants import DAY_US, FOREVER, HOUR_US, SECOND_US, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skypact.airspace.labels import DataMode
    from skypact.exchange.hotline.messages import Kind
    from skypact.exchange.hotline.readback import Difference
    from skypact.exchange.hotline.table import Timer
    from skypact.pact.terms import Level

FOLDER: Final = ("data", "hotline")
_MONDAY_US: Final = 4 * DAY_US  # 1970-01-05 was a Monday
_MINUTE_US: Final = 60 * SECOND_US
_UNITS: Final = (("days", DAY_US), ("hours", HOUR_US), ("minutes", _MINUTE_US), ("seconds", SECOND_US))


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language.

    Attributes
    ----------
    tag, name
        Its tag of BCP 47, and what its speakers call it.
    reviewed
        A native speaker has reviewed the templates, or they were written in it.
    table
        The templates, as the file has them.
    """

    tag: str
    name: str
    reviewed: bool
    table: dict[str, Any]

    def text(self, section: str, name: str, **values: object) -> str:
        """A template with values put in."""
        template: str = self.table[section][name]
        return template.format_map(values)

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands under everything that is shown."""
        names = ("law",) if self.reviewed else ("law", "unreviewed")
        return tuple(self.text("notes", name) for name in names)

    # -- values --------------------------------------------------------------------------------------------

    def instant(self, instant_us: int) -> str:
        """An instant in UTC, with its weekday."""
        date, _, time = format_instant(instant_us).rstrip("Z").partition("T")
        return self.text("instant", "written", weekday=self._weekday(instant_us), date=date, time=time)

    def position(self, position: Position) -> str:
        """A position, with its hemispheres in words."""
        lat, lng = (degrees_text(abs(e7)) for e7 in (position.lat_e7, position.lng_e7))
        return self.text("position", "written", lat=lat, lng=lng, **self._hemispheres(position))

    def duration(self, length_us: int) -> str:
        """A length of time in its two largest units, rounded down; its sign is not shown."""
        rest, parts = abs(length_us), []
        for name, unit_us in _UNITS:
            count, rest = divmod(rest, unit_us)
            if count:
                parts.append(self.text("duration", name, n=count))
        return " ".join(parts[:2]) or self.text("duration", "seconds", n=0)

    def level(self, level: Level) -> str:
        """A level in words."""
        return self.text("levels", str(level.value))

    def kind(self, kind: Kind) -> str:
        """A kind of message."""
        return self.text("kinds", kind.value)

    def timer(self, timer: Timer) -> str:
        """What a timer waits for."""
        return self.text("timers", timer.value)

    def mode(self, mode: DataMode) -> str:
        """A data mode, to stand above everything."""
        return self.text("modes", mode.value)

    def words(self, text: Text) -> str:
        """What a person said, as he put it."""
        if text.language.split("-")[0] == self.tag:
            return self.text("notes", "own", words=text.words)
        return self.text("notes", "untranslated", language=text.language, words=text.words)

    def difference(self, far: Difference) -> str:
        """How far what was read back is from what was said."""
        points = ", ".join(
            self.text("thread", "point", number=number, metres=f"{metres:.1f}")
            for number, metres in enumerate(far.points_m, 1)
        )
        start, end = f"{far.start_s:+.0f}", f"{far.end_s:+.0f}"
        return self.text("thread", "difference", points=points, start=start, end=end)

    # -- messages ------------------------------------------------------------------------------------------

    def message(self, message: Message, about: Message | None = None) -> tuple[str, ...]:
        """A message, a sentence a line; the first says who said it to whom, and when.

        Parameters
        ----------
        about
            The message that it answers.
        """
        return tuple(self._lines(message, about))

    def script(self, message: Message) -> tuple[str, ...]:
        """What is to be spoken to read a message back: each digit, each hemisphere, the weekday."""
        body = message.body
        if not isinstance(body, Notice | Alarm) or not body.points:
            return (self.text("script", "nothing"),)
        lines = [self.text("script", "title"), self.text("script", "open", **self._names(message))]
        for number, point in enumerate(body.points, 1):
            spoken = self.text(
                "position",
                "spoken",
                lat=self._spoken(degrees_text(abs(point.lat_e7))),
                lng=self._spoken(degrees_text(abs(point.lng_e7))),
                **self._hemispheres(point),
            )
            lines.append(self.text("details", "position", number=number, position=spoken))
        lines.append(self.text("details", "start", at=self._spoken_instant(body.start_us)))
        if isinstance(body, Notice):
            if body.radius_m is not None:
                lines.append(self.text("details", "radius", radius=self._spoken(str(body.radius_m))))
            endless = body.end_us == FOREVER
            lines.append(
                self.text("details", "endless")
                if endless
                else self.text("details", "end", at=self._spoken_instant(body.end_us))
            )
        return (*lines, self.text("script", "ask"), self.text("script", "close"))

    def _lines(self, message: Message, about: Message | None) -> Iterator[str]:
        yield self.text("message", "head", at=self.instant(message.said_us), **self._names(message))
        if message.carrier:
            yield self.text("message", "carried", carrier=message.carrier, sender=message.sender)
        if about is not None:
            yield self.text("message", "answers", **self._names(about))
        yield self.text("says", message.kind.value, **self._values(message))
        yield from self._details(message)
        if message.text is not None:
            yield self.words(message.text)

    def _names(self, message: Message) -> dict[str, object]:
        return {
            "sender": message.sender,
            "to": message.to,
            "serial": message.serial,
            "kind": self.kind(message.kind),
            "post": self.text("posts", message.post.word),
        }

    def _values(self, message: Message) -> dict[str, object]:
        """What the sentence of a kind may name."""
        match message.body:
            case Notice() as notice:
                filing = self.text("filings", notice.filing.value)
                return {"filing": filing, "ref": notice.ref, "version": notice.version}
            case Received(received_us):
                return {"received": self.instant(received_us)}
            case Acknowledged(level, _):
                return {"level": level.value, "level_text": self.level(level)}
            case Replied(scope, intent, _):
                return {
                    "scope": self.text("scopes", scope.value),
                    "intent": self.text("intents", intent.value),
                }
            case Call() as call:
                return {"caller": call.caller, "called": call.called}
            case Released(onward):
                return {"onward": ", ".join(onward)}
            case Carried(on_behalf_of, _):
                return {"on_behalf_of": on_behalf_of}
            case _:
                return {}

    def _details(self, message: Message) -> Iterator[str]:
        match message.body:
            case Notice() as notice:
                yield from self._points(notice.points)
                for name in ("radius_m", "floor", "ceiling"):
                    value = getattr(notice, name)
                    if value:
                        word = name.removesuffix("_m")
                        yield self.text("details", word, **{word: value})
                yield from self._window(notice.start_us, notice.end_us)
                if notice.emergency:
                    yield self.text("details", "emergency")
            case Repeated(points, start_us, end_us):
                yield from self._points(points)
                yield from self._window(start_us, end_us)
            case Alarm(points, start_us, _, incident):
                yield from self._points(points) if points else (self.text("details", "everywhere"),)
                yield self.text("details", "start", at=self.instant(start_us))
                if incident:
                    yield self.text("details", "incident")
            case Acknowledged(_, to_whom) if to_whom:
                yield self.text("details", "to_whom", to_whom=to_whom)
            case Replied(_, _, not_for) if not_for:
                yield self.text("details", "not_for", not_for=", ".join(not_for))
            case Question(urgent) if urgent:
                yield self.text("details", "urgent")
            case Call() as call:
                yield from self._call(call)

    def _call(self, call: Call) -> Iterator[str]:
        yield from self._window(call.start_us, call.end_us)
        if call.answered_by:
            yield self.text("details", "answered_by", answered_by=call.answered_by)
        else:
            yield self.text("details", "unanswered")
        for start_us, end_us in call.holds:
            yield self.text("details", "held", start=self.instant(start_us), end=self.instant(end_us))
        for name, text in (("spoken", call.spoken), ("translation", call.translation)):
            if text is not None:
                yield self.text("details", name)
                yield self.words(text)

    def _points(self, points: tuple[Position, ...]) -> Iterator[str]:
        for number, point in enumerate(points, 1):
            yield self.text("details", "position", number=number, position=self.position(point))

    def _window(self, start_us: int, end_us: int) -> Iterator[str]:
        yield self.text("details", "start", at=self.instant(start_us))
        if end_us == FOREVER:
            yield self.text("details", "endless")
        else:
            yield self.text("details", "end", at=self.instant(end_us))

    def _hemispheres(self, position: Position) -> dict[str, object]:
        return {
            "north_south": self.text("position", "south" if position.lat_e7 < 0 else "north"),
            "east_west": self.text("position", "west" if position.lng_e7 < 0 else "east"),
        }

    def _weekday(self, instant_us: int) -> str:
        names: list[str] = self.table["instant"]["weekdays"]
        return names[(instant_us - _MONDAY_US) // DAY_US % 7]

    def _spoken(self, number: str) -> str:
        """A number digit by digit; a decimal point is a word."""
        digits: list[str] = self.table["position"]["digits"]
        decimal: str = self.table["position"]["decimal"]
        return " ".join(decimal if char == "." else digits[int(char)] for char in number)

    def _spoken_instant(self, instant_us: int) -> str:
        date, _, time = format_instant(instant_us).rstrip("Z").partition("T")
        fields = zip(
            ("year", "month", "day", "hour", "minute", "second"),
            (*date.split("-"), *time.split(":")),
            strict=True,
        )
        spoken = {name: self._spoken(value) for name, value in fields}
        return self.text("instant", "spoken", weekday=self._weekday(instant_us), **spoken)


@cache
def languages() -> tuple[str, ...]:
    """The tags of the languages that there are."""
    folder = resources.files("skypact.formats").joinpath(*FOLDER)
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def language(tag: str) -> Language:
    """The words of a language.

    Raises
    ------
    InputError
        There is no file for it.
    """
    if tag not in languages():
        raise InputError(
            "no words in that language", where="language", found=tag, expected=" or ".join(languages())
        )
    text = resources.files("skypact.formats").joinpath(*FOLDER, f"{tag}.toml").read_text("utf-8")
    table = tomllib.loads(text)
    about = table.pop("language")
    return Language(about["tag"], about["name"], bool(about["review"]), table)


def preferred(tags: Sequence[str]) -> Language:
    """The first of a reader's languages that there are words in; English where there is none."""
    found = (tag.split("-")[0] for tag in tags)
    return language(next((tag for tag in found if tag in languages()), "en"))
