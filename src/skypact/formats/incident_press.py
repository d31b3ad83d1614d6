"""An English news text, read for incidents with a date and statements with a speaker: proposals, no more.

Law: what is proposed is in the text, and each proposal names the stretch of it that it came from. A statement
has a speaker whom the text names beside a verb of saying, or by *according to*; an incident has a date and a
verb of what happened. Where either is in doubt nothing is proposed: less rather than wrong. Nothing here
knows whether a statement is true, and nothing is written anywhere: a person accepts, corrects or drops.

How it works. Patterns over sentences, with quotations masked; no model, no network, the same answer each
time. Offsets count characters of the text. A date without a year is the last such day by the date that the
text itself bears; without one it is nothing. Weapons, targets and threats are not asked for; where a text
speaks of them, that stays a quotation.

Known limits: English alone; one speaker a sentence; passive reports (*it was said*) have none; *he* is the
last speaker who was named as a person, *they* is nobody.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from skypact.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

TITLE: Final = "skypact incident draft 1"
TEXT_MAX: Final = 1_000_000
"""So many characters are read at most."""

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ABBREVIATED: Final = frozenset(
    {
        "Col", "Gen", "Lt", "Maj", "Capt", "Sgt", "Adm", "Brig", "Cmdr", "Mr", "Mrs", "Ms", "Dr", "Prof",
        "Pres", "Gov", "Sen", "Rep", "St", "No", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep",
        "Sept", "Oct", "Nov", "Dec", "U.S", "U.K", "U.N", "a.m", "p.m", "vs", "approx",
    }
)  # fmt: skip
_MONTH: Final = "|".join(_MONTHS)
_DATED: Final = re.compile(
    rf"\b(?:(\d{{4}})-(\d\d)-(\d\d)|({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?\b"
    rf"|(\d{{1,2}}) ({_MONTH})(?: (\d{{4}}))?\b)"
)
_WEEKDAY: Final = re.compile(rf"\bon ({'|'.join(_DAYS)})\b")
_PLAINER: Final = str.maketrans("\u201c\u201d\u2018\u2019\xa0", "\"\"'' ")
"""Typographic quotation marks as plain ones."""
_WRAPPED: Final = re.compile(r"\r|(?<![.!?\":\s])\n(?=[^\s])")
"""An end of a line that ends no sentence, and so no paragraph."""
_HEAD: Final = 160
"""The date of a text itself stands within so many characters of its start."""

"""The date of a text itself stands within so many characters of its start."""

_SAID: Final = (
    "said|told|announced|stated|claimed|confirmed|denied|reported|added|noted|stressed|insisted|explained|alleged|"
    "argued|warned|urged|slammed|condemned|accused|acknowledged"
)
_SAYING: Final = re.compile(rf"\b({_SAID})\b")
_ACCORDING: Final = re.compile(
    r"\b[Aa]ccording to ((?:him|her|(?:the |an? )?[A-Za-z'-]+(?: [A-Za-z'.-]+){0,8}?))(?=,|\.?$)"
)
_BREAK: Final = re.compile(r"[,;:\x00]| and | but | that | as | while | when | after ")
_OPENERS: Final = re.compile(r"^(?:But|And|As|However|Meanwhile|Later|Earlier|Also|Still|Then)\s+")
_SOURCES: Final = re.compile(
    r"\b(?:source|sources|official|officials|spokesman|spokeswoman|spokesperson|ministry|witness|witnesses|"
    r"resident|residents|activists|statement|army|navy|air force|military|police|government|command|"
    r"coalition|office|agency|council|operator|airline)\b"
)
_NOT_A_NAME: Final = re.compile(
    r"\b(?:is|are|was|were|be|been|being|has|have|had|which|who|whom|where|what|how|why|if|it|they|there|this|"
    r"these|those|not|no|nobody|none|neither|few|everybody|everyone|somebody|someone|anybody|anyone)\b|\d",
    re.IGNORECASE,
)
_PERSON: Final = re.compile(
    r"(?:(?:Col|Gen|Lt|Maj|Capt|Sgt|Adm|Brig|Cmdr|Mr|Mrs|Ms|Dr)\. ?)+(?:[A-Z](?:[\w'-]+|[.]) ?)+$"
    r"|(?:minister|president|spokesman|spokeswoman|spokesperson|secretary|chief|commander|director|ambassador|"
    r"general|colonel|officer|[Mm]inister|[Pp]resident) (?:[A-Z][\w'-]+ ?){2,3}$"
)
_PRONOUNS: Final = frozenset({"he", "she", "him", "her"})

_HAPPENED: Final = re.compile(
    r"\b(?:struck|bombed|attacked|shelled|shot down|downed|intercepted|collided|crashed|exploded|opened fire|"
    r"(?:conducted|carried out|launched|made) (?:an? |the |new |several |\w+ ){0,3}"
    r"(?:strikes?|attacks?|raids?))\b"
)
_DOUBTED: Final = re.compile(
    r"\b(?:would|could|may|might|will|plans?|planned|threatened|if|whether|deny|denies|denied|never|not|no)\b"
)
_PLACE: Final = re.compile(
    r"\b(near|outside|over|around|at|in) (?:the (?:town|city|village|base|port|airport|province) of )?"
    r"((?:[a-z]{2,3}-)?[A-Z][\w'-]+(?: (?:[a-z]{2}-)?[A-Z][\w'-]+)*)"
)
_COUNTS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_BOUNDS: Final = {
    "at least": "at least",
    "no fewer than": "at least",
    "no less than": "at least",
    "more than": "more than",
    "over": "more than",
    "up to": "at most",
    "at most": "at most",
    "no more than": "at most",
    "fewer than": "less than",
    "less than": "less than",
    "about": "about",
    "around": "about",
    "some": "about",
    "nearly": "about",
    "almost": "about",
    "approximately": "about",
}
_NUMBER: Final = (
    rf"(?:({'|'.join(sorted(_BOUNDS, key=len, reverse=True))}) )?"
    rf"(\d{{1,3}}(?:,\d{{3}})+|\d+|{'|'.join(sorted(_COUNTS, key=len, reverse=True))})"
)
_PEOPLE: Final = (
    "soldiers|troops|servicemen|servicewomen|fighters|militants|people|civilians|personnel|pilots|crew|trucks|"
    "vehicles|cars|buses|ambulances|aircraft|jets|planes|airliners|drones|helicopters|ships|boats"
)
_HARM: Final = re.compile(
    rf"\b{_NUMBER} ((?:(?!(?:were|was|are|is|have|had|not|been|be) )[A-Za-z-]+ ){{0,3}}?)"
    r"(?:(?:were|was|have been|had been) )?(killed|injured|wounded)\b",
    re.IGNORECASE,
)
_HARMED: Final = re.compile(r" (?:(?:were|was|have been|had been) )?(?:killed|injured|wounded)")
_MANY: Final = re.compile(rf"\b{_NUMBER} ((?:[a-z-]+ ){{0,2}}(?:{_PEOPLE}))\b", re.IGNORECASE)
_ZONE: Final = r"((?:the |an? )?(?:[A-Za-z0-9-]+ ){0,3}?(?:de-?confliction|exclusion|no-fly|buffer) zones?)"
_INSIDE: Final = re.compile(rf"\b(?:entered|inside|within|well inside|outside(?: of)?) {_ZONE}")
_RECOGNISED: Final = re.compile(
    rf"\b((?:do|does|did|could|can) not|cannot|never|don't|doesn't)? ?recogni[sz]ed?s? {_ZONE}"
)
_LEAD: Final = re.compile(
    rf"\b(?:warned|notified|informed|alerted|told)\b[^.;]*?\b{_NUMBER} (second|minute|hour)s? "
    r"(?:before|earlier|beforehand|in advance)"
)
_CHANNEL: Final = re.compile(r"\b(hotline|radio|telephone|phone|e-mail|deconfliction line)\b")
_PURPOSE: Final = re.compile(r"\b(?:as a pretext to|in order to) [^,.;\x00]+")
_WHO: Final = re.compile(
    rf"((?:the |an? )?(?:[A-Za-z][\w'-]* ){{1,4}}?)({_HAPPENED.pattern}[^,.;\x00]*?)"
    r"(?= as | where | following |[,.;\x00]|$)"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text: its characters, and how many stand before it."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Proposed:
    """A claim that a statement seems to make: an answer for a person to accept, correct or drop."""

    predicate: str
    subject: str
    value: str
    modality: str
    quote: Span


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody said.

    Attributes
    ----------
    speaker
        As the text names him or it, at its fullest.
    verb
        The verb of saying, or ``according to``.
    said
        The day on which it was said, where the text has one.
    about
        The day of the incident that it seems to be about.
    quote
        The sentence.
    claims
        What it seems to claim.
    """

    speaker: str
    verb: str
    said: date | None
    about: date | None
    quote: Span
    claims: tuple[Proposed, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """An incident with a date.

    Attributes
    ----------
    day, place
        When, and near what; "" where the sentence has no place.
    quote
        The sentence.
    announced
        The date stands with the saying of it; it may have been before.
    """

    day: date
    place: str
    quote: Span
    announced: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What a text proposes.

    Attributes
    ----------
    dated
        The date that the text bears; None where it bears none.
    incidents, statements
        In the order of the text.
    unattributed
        Quotations without a speaker, and numbers that nobody is named for.
    digest
        SHA-256 of the text in UTF-8, in hexadecimal.
    """

    dated: date | None
    incidents: tuple[Happening, ...]
    statements: tuple[Statement, ...]
    unattributed: tuple[Span, ...]
    digest: str


def draft(text: str) -> Draft:
    """What a news text proposes; raises :class:`~skypact.errors.FormatError` where it is too long."""
    if len(text) > TEXT_MAX:
        raise FormatError(
            "too long for a news text", found=len(text), expected=f"at most {TEXT_MAX} characters"
        )
    return _Reader(text).read()


class _Reader:
    """One reading of one text, from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        # one character for one, so that offsets stay
        self.plain = _WRAPPED.sub(" ", text.translate(_PLAINER))
        self.dated, self.dateline = self._dateline()
        self.person = ""
        self.incidents: list[Happening] = []
        self.statements: list[Statement] = []
        self.unattributed: list[Span] = []

    def read(self) -> Draft:
        for paragraph in re.finditer(r"[^\n]+", self.plain):
            about: date | None = None
            for begin, end in _sentences(self.plain, paragraph.start(), paragraph.end()):
                start = self._after_dateline(begin, end)
                masked = self._masked(start, end)
                happening = self._happening(masked, start, end)
                if happening is not None:
                    about = happening.day
                    if all(each.day != happening.day for each in self.incidents):
                        self.incidents.append(happening)
                if not self._statement(masked, start, end, about):
                    self._leave(masked, start, end)
        return Draft(
            self.dated,
            tuple(self.incidents),
            tuple(self.statements),
            tuple(self.unattributed),
            hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest(),
        )

    def _span(self, start: int, end: int) -> Span:
        return Span(self.text[start:end], start)

    def _dateline(self) -> tuple[date | None, tuple[int, int]]:
        """The date that the text bears at its head, with its year, and where that stands."""
        for match in _DATED.finditer(self.plain, 0, _HEAD):
            sentence = re.search(r"[.!?]\s", self.plain[: match.start()])
            day = _day(match, None)
            on = self.plain[: match.start()].endswith("On ")
            if day is not None and sentence is None and not on:
                begin = self.plain.rfind("date ", 0, match.start())
                return day, (match.start() if begin < 0 else begin, match.end())
        return None, (0, 0)

    def _masked(self, start: int, end: int) -> str:
        """A sentence in which quotations and the text's own date cannot be mistaken for its words."""
        out = list(self.plain[start:end])
        inside = False
        for k, char in enumerate(out):
            if char == '"':
                inside = not inside
                out[k] = "\x00"
            elif inside or self.dateline[0] <= start + k < self.dateline[1]:
                out[k] = "\x00"
        return "".join(out)

    def _after_dateline(self, start: int, end: int) -> int:
        """Where a sentence begins that the text's own date stands before."""
        if start != self.dateline[0]:
            return start
        return (
            self.dateline[1]
            + len(self.plain[self.dateline[1] : end])
            - len(self.plain[self.dateline[1] : end].lstrip())
        )

    # -- incidents

    def _happening(self, masked: str, start: int, end: int) -> Happening | None:
        happened = _HAPPENED.search(masked)
        when = _DATED.search(masked)
        if happened is None or when is None or _DOUBTED.search(masked, 0, happened.start()):
            return None
        day = _day(when, self.dated)
        saying = _SAYING.search(masked)
        first = re.match(r"[\x00\s]*[Oo]n $", masked[: when.start()]) is not None
        on = re.search(r"\b[Oo]n $", masked[: when.start()]) is not None
        if day is None or not (first or (on and (saying is None or when.start() < saying.start()))):
            return None
        near = [each for each in _PLACE.finditer(masked) if each[2].split()[0] not in _MONTHS]
        near.sort(key=lambda each: each[1] != "near")
        announced = saying is not None and saying.start() < happened.start()
        return Happening(day, near[0][2] if near else "", self._span(start, end), announced)

    # -- statements

    def _statement(self, masked: str, start: int, end: int, about: date | None) -> bool:
        found = self._said_by(masked) or self._according(masked)
        if found is None:
            return False
        speaker, verb, begin = found
        self.statements.append(
            Statement(
                speaker,
                verb,
                self._said_on(masked),
                about,
                self._span(start, end),
                tuple(self._claims(start, end, begin, verb)),
            )
        )
        return True

    def _said_by(self, masked: str) -> tuple[str, str, int] | None:
        """Who is named before the first verb of saying, the verb, and where what he said begins."""
        verb = _SAYING.search(masked)
        if verb is None:
            return None
        before = masked[: verb.start()]
        breaks = [each.end() for each in _BREAK.finditer(before)]
        name = _OPENERS.sub("", before[breaks[-1] if breaks else 0 :].strip())
        speaker = self._named(name)
        if speaker is None:
            return None
        quoted = "\x00" in before[: -len(name) or None]
        return speaker, verb[1], 0 if quoted else verb.end()

    def _according(self, masked: str) -> tuple[str, str, int] | None:
        found = _ACCORDING.search(masked)
        if found is None:
            return None
        speaker = self._named(found[1].strip())
        return None if speaker is None else (speaker, "according to", 0)

    def _named(self, name: str) -> str | None:
        """A speaker at his fullest; None where this is no name of one."""
        if name.lower() in _PRONOUNS:
            return self.person or None
        words = name.split()
        if not 1 <= len(words) <= 16 or _NOT_A_NAME.search(name):
            return None
        own = [
            word
            for word in words
            if word[0].isupper() and word not in {"The", "A", "An", "In", "At", "He", "She"}
        ]
        if not own and not _SOURCES.search(name):
            return None
        if len(words) == 1 and self.person.endswith(f" {name}"):
            return self.person
        if _PERSON.search(name):
            self.person = name
        return name

    def _said_on(self, masked: str) -> date | None:
        """The day that stands at the head of the sentence, or with the verb of saying."""
        verb = _SAYING.search(masked)
        until = masked.find(" that ", verb.end()) if verb else -1
        head = masked[: until if until >= 0 else verb.end() if verb else 0]
        dated = _DATED.search(head)
        if dated is not None:
            return _day(dated, self.dated)
        weekday = _WEEKDAY.search(head)
        if weekday is None or self.dated is None:
            return None
        back = (self.dated.weekday() - _DAYS.index(weekday[1])) % 7
        return self.dated - timedelta(days=back)

    # -- claims

    def _claims(self, start: int, end: int, begin: int, verb: str) -> Iterator[Proposed]:
        """What a statement seems to claim, from the words that are its speaker's.

        What a speaker denied is denied; what he demanded, or is said under a doubt, is not proposed.
        """
        at = start + begin
        said = self.plain[at:end]
        if verb == "urged":
            return
        for predicate, subject, value, modality, match in _answers(said):
            clause = max(said.rfind(mark, 0, match.start()) for mark in ",;")
            if _DOUBTED.search(said, clause + 1, match.start()) or (
                verb == "denied" and modality == "denied"
            ):
                continue
            quote = self._span(at + match.start(), at + match.end())
            yield Proposed(predicate, subject, value, "denied" if verb == "denied" else modality, quote)

    def _leave(self, masked: str, start: int, end: int) -> None:
        """Remember what nobody is named for, so that a person sees that it was not proposed."""
        quotation = masked.count("\x00") > 0.6 * len(masked) and start >= self.dateline[1]
        if quotation or _HARM.search(masked) or _MANY.search(masked):
            self.unattributed.append(self._span(start, end))


def _answers(said: str) -> Iterator[tuple[str, str, str, str, re.Match[str]]]:
    """What words seem to answer: the question, its subject, the answer, how it is said, and the words."""
    for match in _HARM.finditer(said):
        subject = f"{match[3].strip()} {match[4]}".strip()
        yield "harm", subject, _quantity(match[1], match[2]), "asserted", match
    for match in _MANY.finditer(said):
        if not _HARMED.match(said, match.end()):
            yield "how_many", match[3], _quantity(match[1], match[2]), "asserted", match
    for match in _INSIDE.finditer(said):
        modality = "denied" if match[0].startswith("outside") else "asserted"
        yield "inside_zone", "who or what it was", match[1], modality, match
    for match in _RECOGNISED.finditer(said):
        yield "zone_recognised", match[2], match[2], "denied" if match[1] else "asserted", match
    for match in _LEAD.finditer(said):
        channel = _CHANNEL.search(match[0])
        unit = {"second": "s", "minute": "min", "hour": "h"}[match[3]]
        lead = f"{_quantity(match[1], match[2])} {unit} before"
        yield "warned", "the warning", f"{channel[1]}, {lead}" if channel else lead, "asserted", match
    for match in _PURPOSE.finditer(said):
        yield "purpose", "what was done", match[0].strip(), "asserted", match
    for match in _WHO.finditer(said):
        if not _DOUBTED.search(match[1]):
            yield "who", "what was done", match[1].strip().removeprefix("that "), "asserted", match
    for match in _PLACE.finditer(said):
        if match[1] in {"near", "outside", "over", "around"}:
            yield "where", "what happened", match[0], "asserted", match


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of a paragraph: from, to. One never ends within a quotation that goes on."""
    begin, inside = start, False
    for k in range(start, end):
        char = text[k]
        if char == '"':
            inside = not inside
        last = k + 2 if inside else k + 1
        if (
            char not in ".!?"
            or (inside and text[k + 1 : k + 2] != '"')
            or not _ends(text, begin, k, last, end)
        ):
            continue
        yield from _trimmed(text, begin, last)
        begin = last
    yield from _trimmed(text, begin, end)


def _ends(text: str, begin: int, stop: int, last: int, end: int) -> bool:
    """Whether a full stop ends its sentence: no abbreviation, and what follows could begin one."""
    word = text[begin:stop].rpartition(" ")[2].lstrip("(\"'")
    if text[stop] == "." and (word in _ABBREVIATED or len(word) == 1):
        return False
    follows = text[last:end].lstrip()
    return not follows or (text[last] == " " and (follows[0].isupper() or follows[0] in "\"'("))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def _day(match: re.Match[str], by: date | None) -> date | None:
    """The day of a date; without a year the last such day by then; None where it is none."""
    if match[1]:
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    else:
        month = _MONTHS.index(match[4] or match[8]) + 1
        day = int(match[5] or match[7])
        written = match[6] or match[9]
        if not written and by is None:
            return None
        year = int(written) if written else by.year if by is not None else 0
        if not written and by is not None and (month, day) > (by.month, by.day):
            year -= 1
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _quantity(bound: str | None, number: str) -> str:
    """A number as :func:`skypact.incident.values.quantity` reads it."""
    word = number.lower()
    count = _COUNTS.index(word) if word in _COUNTS else int(word.replace(",", ""))
    return f"{_BOUNDS[bound.lower()]} {count}" if bound else str(count)


# -- for a person -------------------------------------------------------------------------------------------


def as_json(found: Draft) -> dict[str, Any]:
    """A draft ready for JSON.

    ``account`` and ``claims`` of a statement have the members of those entries, but for what only a person
    can say: the party, the source, the offset of a day, and to which account a claim belongs.
    """

    def span(one: Span) -> dict[str, Any]:
        return {"quote": one.text, "quote_start": one.start, "quote_end": one.start + len(one.text)}

    def day(one: date | None) -> str | None:
        return None if one is None else one.isoformat()

    return {
        "format": TITLE,
        "statement": STATEMENT,
        "source_sha256": found.digest,
        "dated": day(found.dated),
        "incidents": [
            {"day": day(one.day), "place": one.place or None, "day_is_of_the_announcement": one.announced}
            | span(one.quote)
            for one in found.incidents
        ],
        "statements": [
            {
                "speaker": one.speaker,
                "verb": one.verb,
                "said": day(one.said),
                "about": day(one.about),
                **span(one.quote),
                "account": {
                    "entry": "account",
                    "speaker": one.speaker,
                    "standing": "press",
                    "said": day(one.said or found.dated),
                    "language": "en",
                    "source_sha256": found.digest,
                },
                "claims": [
                    {
                        "entry": "claim",
                        "predicate": each.predicate,
                        "subject": each.subject,
                        "value": each.value,
                        "modality": each.modality,
                        "quote": each.quote.text,
                        "quote_start": each.quote.start,
                    }
                    for each in one.claims
                ],
            }
            for one in found.statements
        ],
        "unattributed": [span(one) for one in found.unattributed],
    }


STATEMENT: Final = (
    "Proposals from a text, found by patterns: incomplete, and for a person to accept, correct or drop. "
    "Nothing was written to any incident. That a text says so does not make it so, and what is not proposed "
    "may still be in the text."
)
