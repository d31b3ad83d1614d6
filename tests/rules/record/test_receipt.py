"""Receipts: one file that proves a leaf to a stranger, and of which no byte can change."""

from __future__ import annotations

import base64
import functools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from record_oracle import Grown, sha, tree_hash
from skypact import seal
from skypact.errors import FormatError, InputError
from skypact.record import checkpoint, note, receipt, tree
from skypact.record.checkpoint import Checkpoint, Policy
from skypact.record.receipt import Erased, Leaf, Receipt

ORIGIN = "log.example/1"
LOG, WITNESS = seal.generate(), seal.generate()
POLICY = Policy(
    note.key_of(ORIGIN, note.LOG, LOG.public),
    (note.key_of("w.example", note.WITNESS, WITNESS.public),),
    1,
)
LEAVES = [Leaf.of("flight.version", f"flight {n}", sha(bytes([n])), b"content\n\n%d" % n) for n in range(11)]
FORMS = ("content", "kept back", "erased")


@functools.cache
def made(index: int, size: int = 11, form: str = "content") -> Receipt:
    """The receipt of one of the leaves."""
    entries = [leaf.entry for leaf in LEAVES[:size]]
    head = Checkpoint(ORIGIN, size, tree_hash(entries))
    signed = checkpoint.signed(
        head, note.sign(head.text, ORIGIN, LOG), note.cosign(head.text, "w.example", WITNESS, 1_700_000_000)
    )
    leaf = LEAVES[index]
    said: Leaf | Erased = leaf if form == "content" else leaf.without_content()
    if form == "erased":
        said = Erased(leaf.entry)
    return Receipt(said, index, tuple(tree.inclusion(index, size, Grown(entries))), signed)


def proves(data: bytes) -> bool:
    """Whether a file proves anything to somebody with the keys."""
    try:
        receipt.parse(data).verify(POLICY)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 11), (5, 11), (10, 11), (7, 8)])
def test_a_receipt_proves_its_leaf_to_a_stranger(index: int, size: int, form: str) -> None:
    """From its bytes and the keys alone: what, where, in which tree, and who saw it when."""
    data = made(index, size, form).encode()
    proven = receipt.parse(data).verify(POLICY)
    assert proven.index == index
    assert proven.statement == made(index, size, form).statement
    assert proven.statement.entry == LEAVES[index].entry
    assert proven.trusted.checkpoint.size == size
    assert [each.time_s for each in proven.trusted.witnesses] == [1_700_000_000]


@pytest.mark.unmeasured
@pytest.mark.parametrize("form", FORMS)
def test_no_byte_of_a_receipt_can_change(form: str) -> None:
    """Each byte, changed to several others, left out or doubled: the file proves nothing."""
    data = made(5, form=form).encode()
    assert proves(data)
    for at in range(len(data)):
        for other in {data[at] ^ 1, data[at] ^ 0x20, 0x0A, 0x20, 0x41, 0x3D} - {data[at]}:
            assert not proves(data[:at] + bytes([other]) + data[at + 1 :]), (at, other)
        assert not proves(data[:at] + data[at + 1 :]), at
        assert not proves(data[:at] + data[at : at + 1] + data[at:]), at


@pytest.mark.parametrize("form", FORMS)
def test_no_part_of_a_receipt_is_enough(form: str) -> None:
    """Cut off anywhere, or with anything behind it, it proves nothing."""
    data = made(5, form=form).encode()
    assert not any(proves(data[:length]) for length in range(len(data)))
    assert not any(proves(data + more) for more in (b"\n", b" ", b"x", data))


@given(st.data())
def test_any_bytes_are_a_receipt_in_its_one_spelling_or_refused(data: st.DataObject) -> None:
    """No other error comes out of bytes, spliced in anywhere; what is read is written back to the byte."""
    whole = made(5).encode()
    low = data.draw(st.integers(0, len(whole)))
    high = data.draw(st.integers(low, min(low + 40, len(whole))))
    wrong = whole[:low] + data.draw(st.binary(max_size=40)) + whole[high:]
    try:
        read = receipt.parse(wrong)
    except FormatError:
        return
    assert read.encode() == wrong


def with_statement(data: bytes) -> bytes:
    """A receipt whose statement is something else."""
    lines = made(5).encode().split(b"\n")
    lines[1] = b"extra " + base64.b64encode(data)
    return b"\n".join(lines)


GOOD = LEAVES[5].without_content().encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"skypact leaf 1\n",
        b"skypact leaf 2\n" + GOOD.partition(b"\n")[2],
        GOOD + b"\n",
        GOOD[:-1],
        GOOD.replace(b"kind", b"Kind"),
        GOOD.replace(b"ref flight", b"ref\nflight"),
        GOOD.replace(b"ref flight", b"ref \xff"),
        GOOD.replace(b"salt ", b"salt !"),
        GOOD.replace(b"sha256 ", b"sha256 !"),
        GOOD.replace(b"sha256 ", b"sha512 "),
        LEAVES[5].encode().replace(b"content 10", b"content 11"),
        LEAVES[5].encode().replace(b"content 10", b"content 010"),
        LEAVES[5].encode() + b"x",
        b"skypact entry 1\n",
        b"skypact entry 1\nentry AAAA\n",
        b"skypact entry 1\nentry " + base64.b64encode(bytes(32)),
    ],
)
def test_a_statement_has_one_spelling(data: bytes) -> None:
    """Whatever is not written as this program writes it is refused, with the line."""
    with pytest.raises(FormatError, match="receipt:2: not a statement of what a leaf is"):
        receipt.parse(with_statement(data))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a receipt"),
        (b"c2sp.org/tlog-proof@v1\n\n", "not a receipt"),
        (b"c2sp.org/tlog-proof@v2\nextra \nindex 0\n\n", "not a receipt"),
        (b"c2sp.org/tlog-proof@v1\nindex 0\nindex 0\n\n", "receipt:2: no statement"),
        (made(5).encode().replace(b"index 5", b"index 05"), "receipt:3: not an index"),
        (made(5).encode().replace(b"index 5", b"index"), "receipt:3: not an index"),
        (made(5).encode().replace(b"index 5\n", b"index 5\nAAAA\n"), "receipt:4: not a hash"),
        (bytes(receipt.RECEIPT_BYTES + 1), "too large for a receipt"),
        (made(5).encode().replace(b"log.example/1\n11", b"log.example/1\n12"), None),
    ],
)
def test_what_is_no_receipt_is_told_with_its_line(data: bytes, says: str | None) -> None:
    """The place and what should stand there; a file that reads well and is false fails when verified."""
    with pytest.raises(FormatError) as caught:
        receipt.parse(data).verify(POLICY)
    assert (says or "checkpoint: not the signature of this text by its key") in str(caught.value)


def test_a_path_to_another_root_is_refused_by_name() -> None:
    """A true checkpoint and a true leaf that do not belong together prove nothing."""
    false = replace(made(5), index=4)
    with pytest.raises(InputError, match=r"receipt.txt: proof: the proof leads to another root"):
        false.verify(POLICY, where="receipt.txt")


def test_who_kept_the_content_can_see_that_it_is_this() -> None:
    """The digest in a receipt without content is the content's; nothing else of it is there."""
    proven = receipt.parse(made(5, form="kept back").encode()).verify(POLICY)
    assert isinstance(proven.statement, Leaf)
    assert proven.statement.content is None
    assert proven.statement.digest == sha(LEAVES[5].content or b"")
    assert b"content\n\n5" not in base64.b64decode(made(5, form="kept back").encode().split(b"\n")[1][6:])


def test_one_place_with_two_leaves_is_a_proof_of_misbehaviour() -> None:
    """Two receipts under the log's signature, of trees of different sizes, with another leaf at one index."""
    first = made(2, 5).verify(POLICY)
    forged = [*LEAVES[:2], LEAVES[9], *LEAVES[3:7]]
    entries = [leaf.entry for leaf in forged]
    head = Checkpoint(ORIGIN, 7, tree_hash(entries))
    signed = checkpoint.signed(
        head, note.sign(head.text, ORIGIN, LOG), note.cosign(head.text, "w.example", WITNESS, 1)
    )
    second = Receipt(forged[2], 2, tuple(tree.inclusion(2, 7, Grown(entries))), signed).verify(POLICY)
    assert first.contradicts(second)
    assert second.contradicts(first)
    assert not first.contradicts(made(2, 11, "erased").verify(POLICY))
    assert not first.contradicts(made(3, 11).verify(POLICY))


def test_receipts_of_two_logs_are_not_compared() -> None:
    """What one log says of its places is nothing to another."""
    key = note.key_of("log.example/2", note.LOG, LOG.public)
    head = Checkpoint("log.example/2", 1, tree_hash([LEAVES[0].entry]))
    signed = checkpoint.signed(head, note.sign(head.text, "log.example/2", LOG))
    other = Receipt(LEAVES[0], 0, (), signed).verify(Policy(key))
    with pytest.raises(InputError, match="receipts of two logs"):
        other.contradicts(made(0).verify(POLICY))


@pytest.mark.unmeasured
@given(
    st.from_regex(r"[a-z]{1,5}([.][a-z]{1,5})?", fullmatch=True),
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20),
    st.binary(max_size=60),
)
def test_statements_of_any_leaf_come_back(kind: str, ref: str, content: bytes) -> None:
    """Whatever the reference and the content are, line ends and all."""
    leaf = Leaf.of(kind, ref, bytes(32), content)
    for said in (leaf, leaf.without_content(), Erased(leaf.entry)):
        assert receipt.parse(replace(made(0), statement=said).encode()).statement == said
