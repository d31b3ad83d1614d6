"""A witness: each answer of the protocol, and no order of requests that makes it cosign two histories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from record_oracle import Grown, tree_hash
from skypact import seal
from skypact.errors import FormatError
from skypact.record import checkpoint, note, tree, witness
from skypact.record.checkpoint import Checkpoint
from skypact.record.witness import STATUS, Decision, Request, decide, origin_of, parse

ORIGIN = "log.example/1"
LOG = seal.generate()
KEYS = [note.key_of(ORIGIN, note.LOG, LOG.public)]
HISTORIES = [
    [bytes([n]) for n in range(30)],
    [bytes([n]) if n < 12 else bytes([n, n]) for n in range(30)],
]
"""Two histories of one log, the same up to 12 leaves."""


def at(size: int, history: int = 0, origin: str = ORIGIN) -> Checkpoint:
    """The log at a size."""
    return Checkpoint(origin, size, tree_hash(HISTORIES[history][:size]))


def asked(old: int, new: int, history: int = 0, key: seal.SigningKey = LOG) -> Request:
    """An honest request, of one of the histories."""
    head = at(new, history)
    path = tree.consistency(old, new, Grown(HISTORIES[history][:new])) if old <= new else []
    return Request(old, tuple(path), checkpoint.signed(head, note.sign(head.text, ORIGIN, key)))


def test_each_decision_has_its_status() -> None:
    """The table has every decision there is, with the protocol's statuses."""
    assert set(STATUS) == set(Decision)
    assert sorted(STATUS.values()) == [200, 400, 403, 404, 409, 409, 422]


@pytest.mark.parametrize(
    ("request_", "last", "decision"),
    [
        (asked(0, 5), None, Decision.COSIGN),
        (asked(0, 0), None, Decision.COSIGN),
        (asked(5, 5), at(5), Decision.COSIGN),
        (asked(5, 20), at(5), Decision.COSIGN),
        (asked(5, 20), None, Decision.ELSEWHERE),
        (asked(0, 20), at(5), Decision.ELSEWHERE),
        (asked(4, 20), at(5), Decision.ELSEWHERE),
        (asked(20, 5), at(20), Decision.BACKWARD),
        (asked(20, 5), at(5), Decision.BACKWARD),
        (asked(20, 20, 1), at(20), Decision.FORKED),
        (asked(20, 25, 1), at(20), Decision.UNPROVEN),
        (asked(12, 25, 1), at(12), Decision.COSIGN),
        (Request(5, (), asked(5, 20).note), at(5), Decision.UNPROVEN),
        (Request(5, (bytes(32),), asked(5, 5).note), at(5), Decision.UNPROVEN),
        (Request(0, (bytes(32),), asked(0, 5).note), None, Decision.UNPROVEN),
        (asked(0, 5, key=seal.generate()), None, Decision.NOT_SIGNED),
    ],
)
def test_a_request_is_answered_by_what_was_cosigned_last(
    request_: Request, last: Checkpoint | None, decision: Decision
) -> None:
    """Growth from there, and only with its proof, is cosigned."""
    found, head = decide(request_, last, KEYS)
    assert found is decision
    assert (head is None) == (decision is Decision.NOT_SIGNED)


def test_a_log_that_nobody_asked_about_is_unknown() -> None:
    """Another origin, and a witness that looks at none."""
    assert decide(asked(0, 5), None, []) == (Decision.UNKNOWN_LOG, None)
    other = note.key_of("log.example/2", note.LOG, LOG.public)
    assert decide(asked(0, 5), None, [other])[0] is Decision.UNKNOWN_LOG


def test_strangers_signatures_are_passed_over_and_false_ones_are_not() -> None:
    """A cosignature beside the log's is nothing to a witness; a forged line of the log refuses the note."""
    request = asked(0, 5)
    text = request.note.text
    more = note.cosign(text, "w.example", seal.generate(), 1)
    beside = Request(0, (), note.Note(text, (*request.note.signatures, more)))
    assert decide(beside, None, KEYS)[0] is Decision.COSIGN
    line = request.note.signatures[0]
    forged = Request(0, (), note.Note(text, (note.Signature(line.name, line.key_id, bytes(64)),)))
    assert decide(forged, None, KEYS)[0] is Decision.NOT_SIGNED


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 1)), max_size=40))
def test_whatever_is_asked_in_whatever_order_one_history_is_cosigned(
    requests: list[tuple[int, int, int]],
) -> None:
    """All that a witness has cosigned is of one history, and never smaller than what it cosigned before."""
    last: Checkpoint | None = None
    cosigned: list[Checkpoint] = []
    for old, new, history in requests:
        guess = last.size if last is not None and old % 2 else old
        decision, head = decide(asked(guess, new, history), last, KEYS)
        if decision is Decision.COSIGN:
            assert head is not None
            assert last is None or head.size >= last.size
            last = head
            cosigned.append(head)
    assert any(all(head == at(head.size, history) for head in cosigned) for history in (0, 1))


@given(st.integers(0, 30), st.integers(0, 30), st.data())
def test_a_request_is_read_as_it_was_sent(one: int, other: int, data: st.DataObject) -> None:
    """To the byte; whatever else comes is refused, or reads back as itself."""
    request = asked(min(one, other), max(one, other))
    whole = request.encode()
    assert parse(whole) == request
    assert origin_of(request) == ORIGIN
    low = data.draw(st.integers(0, len(whole)))
    wrong = whole[:low] + data.draw(st.binary(max_size=4)) + whole[low + data.draw(st.integers(0, 4)) :]
    try:
        read = parse(wrong)
    except FormatError:
        return
    assert read.encode() == wrong


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "body:1: not a request to a witness"),
        (b"old 5\n", "body:1: not a request to a witness"),
        (b"old 05\n\n", "body:1: not a request to a witness"),
        (b"new 5\n\n", "body:1: not a request to a witness"),
        (b"old 5\nAAAA\n\n", "body:2: not a hash"),
        (b"old 5\n" + (b"A" * 43 + b"=\n") * 64 + b"\n", "too long a proof; found '64 lines'"),
        (b"old 5\n\nwords\n", "body: checkpoint: not a signed note"),
        (bytes(witness.REQUEST_BYTES + 1), "too large"),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, says: str) -> None:
    """With the line, and what should stand there."""
    with pytest.raises(FormatError) as caught:
        parse(data)
    assert says in str(caught.value)


def test_a_note_that_is_no_checkpoint_is_refused() -> None:
    """Words under a signature are none."""
    text = f"{ORIGIN}\nwords\n"
    with pytest.raises(FormatError, match="not a checkpoint"):
        decide(Request(0, (), note.Note(text, (note.sign(text, ORIGIN, LOG),))), None, KEYS)
