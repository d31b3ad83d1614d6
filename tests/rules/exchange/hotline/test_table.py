"""The hotline's one table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skypact.exchange.hotline.messages import Kind, Post
from skypact.exchange.hotline.table import (
    ALARMS,
    BODIES,
    TABLE,
    WORDS_NEEDED,
    Phase,
    Side,
    Timer,
    Whose,
    diagram,
    drawn,
    rows_of,
)
from skypact.exchange.hotline.timers import TERMS
from skypact.pact import Level, Timers


def test_every_kind_has_its_rows_and_its_body() -> None:
    """No kind is left out of the table, and none has a body that the table does not know."""
    assert {row.kind for row in TABLE} == set(Kind) == set(BODIES)
    assert set(Kind) >= WORDS_NEEDED


@pytest.mark.parametrize("kind", list(Kind))
def test_rows_of_one_kind_are_told_apart(kind: Kind) -> None:
    """Two rows of a kind differ in opening a thread or in the level that they prove."""
    marks = [(row.opens, row.level) for row in rows_of(kind)]
    assert len(set(marks)) == len(marks)


def test_what_opens_a_thread_begins_a_half_and_nothing_else_does() -> None:
    """A row that answers nothing leads from nothing said to open; no other row may be first of an opener."""
    for row in TABLE:
        assert row.opens is (row.after == (Phase.NONE,))
        if row.opens:
            assert row.leads is Phase.OPEN
            assert row.side is Side.OPENER


def test_only_the_opener_s_half_has_phases() -> None:
    """What the other side may say moves no phase, so that what crosses on its way is judged alike."""
    for row in TABLE:
        if row.side is not Side.OPENER:
            assert row.leads is None
            assert row.after == tuple(Phase)


def test_each_level_rests_on_a_proof_of_its_own() -> None:
    """Level 3 is proven by a read-back alone, 4 and 5 by an acknowledgement upon the level before."""
    proofs = {level: {row.kind for row in TABLE if row.level is level} for level in Level}
    assert proofs[Level.READ_BACK] == {Kind.READBACK}
    assert proofs[Level.PASSED_DOWN] == proofs[Level.EXECUTING_UNIT] == {Kind.ACK}
    needs = {row.level: row.needs for row in TABLE if row.needs}
    assert needs == {Level.PASSED_DOWN: Level.READ_BACK, Level.EXECUTING_UNIT: Level.PASSED_DOWN}


def test_a_machine_receipts_and_forwards_and_says_nothing_else() -> None:
    """Every other message is a person's; an alarm may be any watch-keeper's."""
    assert {row.kind for row in TABLE if row.post is Post.MACHINE} == {Kind.RECEIPT, Kind.FORWARD}
    assert {row.post for row in TABLE if row.kind in ALARMS} == {Post.WATCH_KEEPER}


def test_every_timer_starts_somewhere_and_can_be_stopped() -> None:
    """Each has a term of the pact, a row that starts it and one that stops it."""
    assert set(TERMS) == set(Timer)
    for timer, term in TERMS.items():
        assert any(timer in row.starts for row in TABLE)
        assert any(timer in row.stops for row in TABLE)
        assert all(hasattr(Timers(), name) for name in (term.gives, term.step) if name)


def test_everything_but_a_receipt_and_a_plain_opening_is_to_be_receipted() -> None:
    """A receipt is not receipted, nor is "opened": two machines would never end."""
    quiet = [(row.kind, row.level) for row in TABLE if not row.starts]
    assert quiet == [(Kind.RECEIPT, Level.DELIVERED), (Kind.ACK, Level.OPENED)]


def test_the_drawing_has_every_row() -> None:
    """The table in Markdown has a line for each row, and names what each answers."""
    lines = list(drawn())
    assert len(lines) == len(TABLE) + 2
    assert all(line.count("|") == 9 for line in lines)
    assert any("all but RECEIPT" in line for line in lines)
    assert {row.whose for row in TABLE} == set(Whose)


def test_the_document_has_the_table_and_the_diagram_as_they_are_drawn() -> None:
    """``docs/hotline.md`` is held to the table: neither can change alone."""
    text = (Path(__file__).parents[4] / "docs" / "hotline.md").read_text(encoding="utf-8")
    assert "\n".join(drawn()) in text
    assert re.search(r"```text\n" + re.escape("\n".join(diagram())) + r"\n```", text)
