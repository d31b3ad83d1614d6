"""The hotline in the reader's language."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline_world import BODY, END, START, WHERE, Line
from skypact.airspace.labels import DataMode
from skypact.errors import InputError
from skypact.exchange.hotline.messages import (
    Acknowledged,
    Alarm,
    Call,
    Intent,
    Kind,
    Notice,
    Position,
    Post,
    Question,
    Replied,
    Scope,
    Text,
)
from skypact.exchange.hotline.table import Timer
from skypact.formats.hotline_words import Language, language, languages, preferred
from skypact.instants import DAY_US, FOREVER, HOUR_US, SECOND_US, parse_instant
from skypact.pact import Filing, Level

EN, RU = language("en"), language("ru")
BOTH = pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])


def shape(value: Any) -> Any:
    """Of a table of templates, their names and the words in braces."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return len(value)
    return sorted({name for _, name, _, _ in string.Formatter().parse(value) if name is not None})


@pytest.mark.parametrize("tag", languages())
def test_every_language_has_every_template_with_its_words(tag: str) -> None:
    """Each file has what the English one has, name by name and brace by brace, and says its own tag."""
    words = language(tag)
    assert words.tag == tag
    assert shape(words.table) == shape(EN.table)
    assert all(
        text.strip() for section in words.table.values() for text in section.values() if type(text) is str
    )


@BOTH
def test_every_value_has_its_words(words: Language) -> None:
    """No kind, level, timer, post, scope, intent, mode or class of filing is without."""
    assert all(words.kind(kind) for kind in Kind)
    assert all(words.level(level) for level in Level)
    assert all(words.timer(timer) for timer in Timer)
    assert all(words.mode(mode) for mode in DataMode)
    for section, values in (("posts", [post.word for post in Post]), ("scopes", [s.value for s in Scope])):
        assert set(words.table[section]) == set(values)
    assert set(words.table["intents"]) == {intent.value for intent in Intent}
    assert set(words.table["filings"]) == {filing.value for filing in Filing}


def test_the_law_stands_under_everything_and_russian_says_that_nobody_reviewed_it() -> None:
    """Acknowledged is not agreed, in both; the language that no native speaker has reviewed says so."""
    assert EN.notes == (
        "Acknowledged is not agreed, not permission, not a guarantee. Not listed is not unprotected.",
    )
    assert len(RU.notes) == 2
    assert "не проверены носителем языка" in RU.notes[1]
    assert (EN.reviewed, RU.reviewed) == (True, False)


@pytest.mark.parametrize(
    ("position", "english", "russian"),
    [
        (
            Position(33_5061000, 38_6178000),
            "33.5061° north, 38.6178° east",
            "33.5061° северной широты, 38.6178° восточной долготы",
        ),
        (
            Position(-1, -179_0000000),
            "0.0000001° south, 179° west",
            "0.0000001° южной широты, 179° западной долготы",
        ),
    ],
)
def test_a_position_has_its_hemispheres_in_words(position: Position, english: str, russian: str) -> None:
    """The digits are the same in both languages, and no sign has to be understood."""
    assert (EN.position(position), RU.position(position)) == (english, russian)


def test_an_instant_has_its_weekday_and_its_z() -> None:
    """In both languages the date is written in one way, with UTC marked."""
    at = parse_instant("2017-06-08T14:00:00.5Z")
    assert EN.instant(at) == "Thursday 2017-06-08 14:00:00.500Z"
    assert RU.instant(at) == "четверг 2017-06-08 14:00:00.500Z"


@given(st.integers(0, 10**17))
def test_a_weekday_is_that_of_the_calendar(at: int) -> None:
    """As the standard library's calendar has it."""
    from datetime import UTC, datetime, timedelta

    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    if day.year > 9999:
        return
    assert EN.instant(at).split()[0] == f"{day:%A}"


@pytest.mark.parametrize(
    ("length_us", "text"),
    [
        (0, "0 s"),
        (59 * SECOND_US, "59 s"),
        (-90 * SECOND_US, "1 min 30 s"),
        (26 * HOUR_US + 5 * SECOND_US, "1 d 2 h"),
        (7 * DAY_US, "7 d"),
    ],
)
def test_a_length_of_time_in_its_two_largest_units(length_us: int, text: str) -> None:
    """Without its sign, rounded down."""
    assert EN.duration(length_us) == text


@BOTH
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_rendered(words: Language, kind: Kind) -> None:
    """The first line says who said it to whom and when; what a person said stands as he put it."""
    line = Line()
    about = line.south(Kind.NOTIFY)
    message = line.north(kind, about, text=Text("fr", "Au secours {sender}"), carrier="office")
    shown = words.message(message, about)
    assert shown[0].startswith(words.instant(message.said_us))
    assert all(part in shown[0] for part in ("north", "south", words.kind(kind)))
    assert "office" in shown[1]
    assert "Au secours {sender}" in shown[-1]
    assert "fr" in shown[-1]
    assert not any("{" in sentence for sentence in shown[:-1])


def test_words_in_the_reader_s_language_are_not_marked_untranslated() -> None:
    """Whatever the region of the tag."""
    assert EN.words(Text("en-GB", "Hello")) == "In their words: “Hello”"
    assert "not translated" in EN.words(Text("ru", "Привет"))
    assert "без перевода" in RU.words(Text("en", "Hello"))


@BOTH
def test_details_are_shown_where_they_are(words: Language) -> None:
    """Radius, heights, emergency, urgency, an incident, whom it was passed to, holds, translations."""
    line = Line()
    notice = Notice(
        Filing.SITE,
        "clinic",
        1,
        WHERE[:1],
        START,
        FOREVER,
        radius_m=150,
        floor="surface",
        ceiling="FL100",
        emergency=True,
    )
    shown = "\n".join(words.message(line.north(Kind.NOTIFY, None, notice)))
    assert all(part in shown for part in ("150", "“surface”" if words is EN else "«surface»", "FL100"))
    assert words.text("details", "emergency") in shown
    assert words.text("details", "endless") in shown
    for kind, body, name in (
        (Kind.QUERY, Question(urgent=True), "urgent"),
        (Kind.HAZARD, Alarm((), START, incident=True), "everywhere"),
        (Kind.HAZARD, Alarm(WHERE[:1], START, incident=True), "incident"),
        (Kind.CALL_RECORD, BODY[Call], "unanswered"),
    ):
        assert words.text("details", name) in words.message(line.north(kind, None, body))
    said = line.north(Kind.NOTIFY)
    down = words.message(line.south(Kind.ACK, said, Acknowledged(Level.PASSED_DOWN, "sector 4")))
    assert any("sector 4" in sentence for sentence in down)
    scope = Replied(Scope.NOT_ANSWERING_FOR, Intent.CANNOT_AVOID, ("militia", "guests"))
    assert "militia, guests" in words.message(line.south(Kind.REPLY, said, scope))[-2]
    call = replace(
        BODY[Call],
        answered_by="watch-keeper",
        holds=((START, END),),
        spoken=Text("ru", "Алло"),
        translation=Text("en", "Hello"),
    )
    record = words.message(line.north(Kind.CALL_RECORD, None, call, text=None))
    assert sum("Алло" in sentence or "Hello" in sentence for sentence in record) == 2
    assert any(words.instant(END) in sentence and words.instant(START) in sentence for sentence in record)


def test_the_script_spells_every_digit() -> None:
    """Position by position, with weekday and hemisphere; then what to ask, and what it is not."""
    message = Line().north(Kind.NOTIFY)
    script = EN.script(message)
    assert "This is south." in script[1]
    assert script[2] == (
        "Position 1: latitude tree tree decimal fife zero six wun degrees north; "
        "longitude tree ait decimal six wun seven ait degrees east"
    )
    assert script[4].startswith("Start: Thursday; year too zero too six, month zero six, day zero fower; ")
    assert "not permission" in script[-1]
    assert len(script) == 8


@BOTH
def test_a_script_fits_what_has_no_end_and_what_has_no_position(words: Language) -> None:
    """An alarm has no end to be read; a site none; what has no position has nothing to be read back."""
    line = Line()
    site = Notice(Filing.SITE, "clinic", 1, (Position(-1, -1),), START, FOREVER, radius_m=150)
    script = words.script(line.north(Kind.NOTIFY, None, site))
    assert words.text("details", "endless") in script
    assert any(words.table["position"]["west"] in sentence for sentence in script)
    assert len(words.script(line.north(Kind.STOP))) == 6
    assert words.script(line.north(Kind.STOP, None, Alarm((), START))) == (words.text("script", "nothing"),)
    assert words.script(line.north(Kind.QUERY)) == (words.text("script", "nothing"),)


def test_the_reader_s_first_language_that_there_is() -> None:
    """By its tag, whatever its region; English where there is none; one that is not there is an error."""
    assert preferred(("fr", "ru-RU", "en")) is RU
    assert preferred(()) is EN
    with pytest.raises(InputError, match="en or ru"):
        language("xx")
