"""A news text: what is proposed is in it, has a speaker or a date, and is less rather than wrong."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.errors import FormatError
from skypact.formats import incident_press
from skypact.formats.incident_press import Draft, as_json, draft
from skypact.incident.claims import QUESTIONS, Modality, Predicate

if TYPE_CHECKING:
    from pathlib import Path

CONVOY = """GENEVA, March 4, 2024 — A relief convoy was hit. On 2 March, an aircraft struck a convoy near
Northtown.

“We had notified both sides by radio two hours before,” spokeswoman Anna Vale said. She said that no drivers
were killed. Vale denied that the convoy had entered the exclusion zone. According to her, more than 12 trucks
were there.

A local official told Newswire on Sunday that the south does not recognise the exclusion zone.
"""
"""Invented."""


def said(text: str) -> list[tuple[str, str]]:
    """Speakers and verbs."""
    return [(each.speaker, each.verb) for each in draft(text).statements]


def claims(text: str) -> list[tuple[str, str, str, str]]:
    """Predicates, subjects, values and modalities of all statements."""
    return [
        (each.predicate, each.subject, each.value, each.modality)
        for one in draft(text).statements
        for each in one.claims
    ]


def test_the_article_of_9_june_2017_gives_its_incidents_statements_and_claims(shared: Path) -> None:
    """The three days; the General Staff, the Pentagon, a Syrian source, each with what it claims."""
    text = (shared / "seed" / "article.txt").read_text(encoding="utf-8")
    found = draft(text)
    assert found.dated == date(2017, 6, 9)
    assert sorted(each.day for each in found.incidents) == [
        date(2017, 5, 18),
        date(2017, 6, 6),
        date(2017, 6, 8),
    ]
    assert [each.place for each in found.incidents if each.day != date(2017, 6, 6)] == ["al-Tanf", "al-Tanf"]
    speakers = {each.speaker for each in found.statements}
    staff = {each for each in speakers if "General Staff" in each}
    assert staff == {
        "The Russian General Staff",
        "chief of the Russian General Staff's Main Operational Directorate Col. Gen. Sergei Rudskoy",
    }
    assert speakers - staff == {"Russia", "the Pentagon", "A Syrian source"}
    by_speaker = {each.speaker: each for each in found.statements}
    assert by_speaker["Russia"].about == date(2017, 5, 18)
    pentagon = by_speaker["the Pentagon"]
    assert (pentagon.said, pentagon.about) == (date(2017, 6, 6), date(2017, 6, 6))
    assert {(each.predicate, each.value) for each in pentagon.claims} == {
        ("inside_zone", "the de-confliction zone"),
        ("who", "the coalition"),
    }
    source = by_speaker["A Syrian source"]
    assert (source.said, source.about) == (date(2017, 6, 6), date(2017, 6, 6))
    assert [(each.subject, each.value) for each in source.claims] == [
        ("Syrian servicemen killed", "at least 2"),
        ("injured", "more than 15"),
    ]
    assert len(found.statements) == 10
    assert [each.text.split()[0] for each in found.unattributed] == ['"While', "The"]


def test_what_is_proposed_is_in_the_text() -> None:
    """Each quotation is the text's own characters at its offset, typographic marks and all."""
    found = draft(CONVOY)
    spans = [each.quote for each in found.incidents] + [each.quote for each in found.statements]
    spans += [each.quote for one in found.statements for each in one.claims] + list(found.unattributed)
    assert len(spans) > 8
    assert all(CONVOY[each.start : each.start + len(each.text)] == each.text for each in spans)
    assert found.statements[0].quote.text.startswith("“We had notified")


def test_a_convoy_s_story_gives_its_speaker_her_claims_and_the_day() -> None:
    """A quotation, she, a surname, according to her, an official; a denial; a lead with its channel."""
    found = draft(CONVOY)
    assert [(each.day, each.place, each.announced) for each in found.incidents] == [
        (date(2024, 3, 2), "Northtown", False)
    ]
    assert said(CONVOY) == [
        ("spokeswoman Anna Vale", "said"),
        ("spokeswoman Anna Vale", "said"),
        ("spokeswoman Anna Vale", "denied"),
        ("spokeswoman Anna Vale", "according to"),
        ("A local official", "told"),
    ]
    assert claims(CONVOY) == [
        ("warned", "the warning", "radio, 2 h before", "asserted"),
        ("harm", "drivers killed", "0", "asserted"),
        ("inside_zone", "who or what it was", "the exclusion zone", "denied"),
        ("how_many", "trucks", "more than 12", "asserted"),
        ("zone_recognised", "the exclusion zone", "the exclusion zone", "denied"),
    ]
    assert found.statements[-1].said == date(2024, 3, 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The weather was fine. Nothing happened.",
        "Nobody said the army attacked the town.",
        "No official said that 20 people were killed.",
        "It was said that 40 soldiers were killed.",
        "They said that 40 soldiers were killed.",
        "The rain said that it was cold. then it stopped.",
        "He said that 40 soldiers were killed.",
        "Who said the army struck first?",
        "If the Pentagon said so, it was wrong.",
        "The soldiers had been told that it was over.",
        "According to 3 of them, it rained.",
        "On 2 March an aircraft struck a convoy.",
        "On 31 February 2024 an aircraft struck a convoy.",
        "On 2 March 2024 an aircraft could have struck a convoy.",
        "The army struck a convoy. That was 2 March 2024.",
        '"We were there all day."',
        "In October 2015 they signed a memorandum.",
    ],
)
def test_a_text_without_speakers_and_days_proposes_nothing(text: str) -> None:
    """Nor one with a verb of saying and nobody who says, nor a day that is none or has no year."""
    found = draft(text)
    assert (found.incidents, found.statements) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        "The ministry said it would investigate if more than 20 people were killed.",
        "The ministry said that its troops never entered the exclusion zone.",
        "The ministry said that nobody could have attacked the convoy.",
        "The ministry said no army attacked the convoy.",
        "The ministry urged the south to say whether 20 people were killed.",
        "The ministry denied that its drone was outside the exclusion zone.",
        "The ministry said that two soldiers were not killed.",
    ],
)
def test_what_is_doubted_demanded_or_denied_twice_is_no_claim(text: str) -> None:
    """The statement is proposed, and no answer to any question."""
    assert said(text)[0][0] == "The ministry"
    assert [each for each in claims(text) if each[0] in {"harm", "inside_zone", "who"}] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fewer than 1,200 people were injured", ("harm", "people injured", "less than 1200", "asserted")),
        ("about five soldiers came", ("how_many", "soldiers", "about 5", "asserted")),
        (
            "the drone was outside the 55 km deconfliction zone",
            ("inside_zone", "who or what it was", "the 55 km deconfliction zone", "denied"),
        ),
        (
            "it recognised the buffer zone",
            ("zone_recognised", "the buffer zone", "the buffer zone", "asserted"),
        ),
        (
            "the south was warned less than one minute before",
            ("warned", "the warning", "less than 1 min before", "asserted"),
        ),
        (
            "a jet intercepted a drone near Northtown",
            ("who", "what was done", "a jet", "asserted"),
        ),
        ("it happened near Northtown", ("where", "what happened", "near Northtown", "asserted")),
    ],
)
def test_answers_are_read_as_the_model_has_them(text: str, expected: tuple[str, ...]) -> None:
    """A question of the closed list, and a value that it takes."""
    text = f"The army said that {text}."
    assert expected in claims(text)
    for predicate, _, value, modality in claims(text):
        QUESTIONS[Predicate(predicate)].read(value)
        assert modality in {one.value for one in Modality}


def test_days_are_the_last_by_the_text_s_own() -> None:
    """Without a year: last year's where this year's is still to come; a text without a day has none."""
    text = "date 2024-01-05 Smoke was seen. On 30 December, an aircraft struck a convoy."
    assert [each.day for each in draft(text).incidents] == [date(2023, 12, 30)]
    assert draft("On March 2, 2024 an aircraft struck a convoy.").incidents[0].day == date(2024, 3, 2)
    told = "The army announced on 3 March 2024 that it struck a convoy."
    assert draft(told).incidents == ()
    twice = "On 2 March 2024 an aircraft struck a convoy. On 2 March 2024 a jet attacked it."
    assert len(draft(twice).incidents) == 1
    assert draft("The army said on Monday that it rained.").statements[0].said is None


def test_sentences_end_where_they_do() -> None:
    """Not after a rank, an initial or within a quotation that goes on."""
    text = (
        'Lt. Gen. John A. Smith said: "It rained. It was cold." Then it was 3.5 degrees. Smith added nothing.'
    )
    assert [each.quote.text for each in draft(text).statements] == [
        'Lt. Gen. John A. Smith said: "It rained. It was cold."',
        "Smith added nothing.",
    ]
    assert said(text)[1][0] == "Lt. Gen. John A. Smith"
    lower = "The army said it rained. then it stopped."
    assert [each.quote.text for each in draft(lower).statements] == [lower]


def test_only_what_is_near_something_is_where() -> None:
    """In a town is where somebody speaks as often as where something was; blanks change nothing."""
    assert claims("The army said it rained in Northtown.  \n  It was cold  ") == []


def test_what_nobody_is_named_for_is_listed_apart() -> None:
    """Numbers and quotations, so that a person sees that they were not proposed."""
    text = 'Five people were injured. "We were there all day." It rained.'
    assert [each.text for each in draft(text).unattributed] == [
        "Five people were injured.",
        '"We were there all day."',
    ]


def test_json_has_the_members_of_a_claim_and_where_each_is_from() -> None:
    """For a person to copy into an incident; and says that nothing was written."""
    found = as_json(draft(CONVOY))
    assert "Nothing was written" in found["statement"]
    claim = found["statements"][0]["claims"][0]
    assert set(claim) == {"entry", "predicate", "subject", "value", "modality", "quote", "quote_start"}
    start = found["incidents"][0]["quote_start"]
    assert CONVOY[start : found["incidents"][0]["quote_end"]] == found["incidents"][0]["quote"]
    assert as_json(draft("The army said so."))["dated"] is None


def test_a_text_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than read for minutes."""
    monkeypatch.setattr(incident_press, "TEXT_MAX", 5)
    with pytest.raises(FormatError, match="too long"):
        draft("longer than that")


words = st.sampled_from(
    [
        *CONVOY.split(" "),
        "said",
        "that",
        "On",
        "2",
        "March",
        "2024",
        "struck",
        '"',
        "near",
        "no",
        "\n\n",
        "He",
        "…",
        "\ud7ff",
    ]
)


@given(st.lists(words, max_size=60).map(" ".join))
def test_any_text_is_read_the_same_way_twice_and_quoted_rightly(text: str) -> None:
    """No text makes it fail; every proposal has its words, and every value can be read."""
    found: Draft = draft(text)
    assert draft(text) == found
    for one in found.statements:
        assert text[one.quote.start :].startswith(one.quote.text)
        for each in one.claims:
            assert text[each.quote.start :].startswith(each.quote.text)
            QUESTIONS[Predicate(each.predicate)].read(each.value)
