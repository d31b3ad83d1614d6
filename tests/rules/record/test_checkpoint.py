"""Checkpoints: what they say, who has to have signed, and when a log contradicts itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from record_oracle import Grown, tree_hash
from skypact import seal
from skypact.errors import FormatError, InputError
from skypact.record import checkpoint, note, tree
from skypact.record.checkpoint import Checkpoint, Policy, Relation, relation

ORIGIN = "log.example/1"
LOG = seal.generate()
LOG_KEY = note.key_of(ORIGIN, note.LOG, LOG.public)
NAMES = ("w1.example", "w2.example", "w3.example")
WITNESSES = [seal.generate() for _ in NAMES]
KEYS = tuple(note.key_of(name, note.WITNESS, key.public) for name, key in zip(NAMES, WITNESSES, strict=True))
ENTRIES = [bytes([n]) for n in range(40)]


def cosigned(found: Checkpoint, *who: int, log: seal.SigningKey = LOG) -> note.Note:
    """A checkpoint signed by the log and by some witnesses."""
    lines = [note.sign(found.text, ORIGIN, log)]
    lines += [note.cosign(found.text, NAMES[n], WITNESSES[n], 1_700_000_000 + n) for n in who]
    return checkpoint.signed(found, *lines)


def at(size: int, root: bytes | None = None) -> Checkpoint:
    """The log at a size, or what it says that it is."""
    return Checkpoint(ORIGIN, size, tree_hash(ENTRIES[:size]) if root is None else root)


def trusted(found: Checkpoint) -> checkpoint.Trusted:
    """A checkpoint that the log signed."""
    return Policy(LOG_KEY).trust(cosigned(found))


@given(
    st.from_regex(r"[a-z./0-9é]{1,20}", fullmatch=True),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.from_regex(r"[a-z ]{1,9}", fullmatch=True), max_size=3),
)
def test_a_checkpoint_is_read_as_it_was_written(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    """Origin, size, root and whatever else stands there."""
    said = Checkpoint(origin, size, root, tuple(extensions))
    assert checkpoint.parse(said.text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n1\n",
        "o\n1\n" + "A" * 43 + "=",
        "\n1\n" + "A" * 43 + "=\n",
        "o\n01\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n\u0661\n" + "A" * 43 + "=\n",
        f"o\n{2**63}\n" + "A" * 43 + "=\n",
        "o\n1\n" + "A" * 42 + "B=\n",
        "o\n1\nAAAA\n",
        "o\n1\n" + "A" * 43 + "=\n\nmore\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Lines that are missing or empty, sizes and hashes that are none."""
    with pytest.raises(FormatError, match="not a checkpoint"):
        checkpoint.parse(text)


@given(st.sets(st.integers(0, 2)), st.integers(0, 3))
def test_k_of_n_witnesses_are_enough(who: set[int], quorum: int) -> None:
    """Exactly where as many have cosigned as the quorum says."""
    policy = Policy(LOG_KEY, KEYS, quorum)
    signed = cosigned(at(5), *sorted(who))
    if len(who) >= quorum:
        found = policy.trust(signed)
        assert [each.key.name for each in found.witnesses] == [NAMES[n] for n in sorted(who)]
        assert [each.time_s for each in found.witnesses] == [1_700_000_000 + n for n in sorted(who)]
    else:
        with pytest.raises(FormatError, match=f"too few witnesses; .*expected {quorum} of w1.example"):
            policy.trust(signed)


def test_only_the_log_speaks_for_itself() -> None:
    """Another origin, another key, and witnesses alone are refused."""
    policy = Policy(LOG_KEY, KEYS)
    with pytest.raises(FormatError, match=r"a checkpoint of another log; found 'log[.]example/2'"):
        policy.trust(cosigned(replace(at(5), origin="log.example/2")))
    with pytest.raises(FormatError, match="not signed by the log"):
        policy.trust(cosigned(at(5), 0, 1, log=seal.generate()))
    with pytest.raises(FormatError, match="not a checkpoint"):
        policy.trust(note.Note("words\n", (note.sign("words\n", ORIGIN, LOG),)))


def test_strangers_under_a_checkpoint_are_told() -> None:
    """Who cosigned and is not asked about is named, and proves nothing."""
    found = Policy(LOG_KEY, KEYS[:1], 1).trust(cosigned(at(5), 0, 2))
    assert found.others == ("w3.example",)
    assert [each.key for each in found.witnesses] == [KEYS[0]]


@pytest.mark.parametrize(
    ("witnesses", "quorum", "says"),
    [
        ((KEYS[0], KEYS[0]), 0, "witness[1]: the key of another here"),
        (
            (note.key_of("other.name", note.WITNESS, WITNESSES[0].public), KEYS[0]),
            0,
            "witness[1]: the key of another here",
        ),
        ((note.key_of("w", note.WITNESS, LOG.public),), 0, "witness[0]: the key of another here"),
        ((LOG_KEY,), 0, "witness[0]: a key of the other kind"),
        (KEYS, 4, "quorum: not a number of these witnesses; found 4; expected 0 to 3"),
        (KEYS, -1, "quorum: not a number of these witnesses"),
    ],
)
def test_a_witness_counts_once_and_is_not_the_log(
    witnesses: tuple[note.VerifierKey, ...], quorum: int, says: str
) -> None:
    """One key under two names, the log's own key, a log's kind of key, and too large a quorum are refused."""
    with pytest.raises(InputError) as caught:
        Policy(LOG_KEY, witnesses, quorum)
    assert says in str(caught.value)


def test_the_log_s_key_is_of_its_kind() -> None:
    """A witness's key is not one that a log signs with."""
    with pytest.raises(InputError, match="log: a key of the other kind"):
        Policy(KEYS[0])


@given(st.integers(0, 40), st.integers(0, 40))
def test_growth_is_proven_or_unproven_and_never_guilt(one: int, other: int) -> None:
    """With the proof it is grown, without it or with another it is unproven, in either order."""
    first, second = trusted(at(one)), trusted(at(other))
    old, new = min(one, other), max(one, other)
    path = tree.consistency(old, new, Grown(ENTRIES[:new]))
    for pair in ((first, second), (second, first)):
        if one == other:
            assert relation(*pair) is Relation.SAME
            continue
        assert relation(*pair, path) is Relation.GROWN
        assert relation(*pair) is Relation.UNPROVEN
        assert relation(*pair, [*path, bytes(32)]) is Relation.UNPROVEN
        rewritten = trusted(at(old, bytes(32)))
        assert relation(rewritten, trusted(at(new)), path) is Relation.UNPROVEN


def test_two_roots_of_one_size_are_a_proof_of_misbehaviour() -> None:
    """Both under the log's signature: forked, whoever holds which, and with whatever proof beside it."""
    one, other = trusted(at(7)), trusted(at(7, bytes(32)))
    assert relation(one, other) is relation(other, one, []) is Relation.FORKED


def test_two_logs_have_nothing_to_do_with_each_other() -> None:
    """Their checkpoints are not compared."""
    key = note.key_of("log.example/2", note.LOG, LOG.public)
    other = replace(at(7), origin="log.example/2")
    signed = checkpoint.signed(other, note.sign(other.text, "log.example/2", LOG))
    with pytest.raises(InputError, match="checkpoints of two logs"):
        relation(trusted(at(7)), Policy(key).trust(signed))
