"""The arithmetic of the ledger: what a leaf binds, what it hides, and the tree's root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from record_oracle import sha, tree_hash
from skypact.errors import InputError
from skypact.record.ledger import CONTENT_BYTES, Frontier, entry_hash, entry_of, leaf_hash

SALT = bytes(range(32))


def test_a_leaf_is_what_the_law_says_to_the_byte() -> None:
    """The hash is RFC 6962's over an entry, which frames salt, kind, ref and the digest of the content."""
    framed = b"skypact leaf 1\n" + SALT + b"\x00\x00\x00\x06filing\x00\x00\x00\x03\xc3\xa9/" + sha(b"content")
    assert entry_of("filing", "é/", sha(b"content"), SALT) == sha(framed)
    assert leaf_hash("filing", "é/", b"content", SALT) == sha(b"\x00" + sha(framed))


def test_an_entry_is_one_of_rfc_6962() -> None:
    """A tree of one leaf has the leaf's hash for its root, as the RFC's own function gives it."""
    entry = entry_of("k", "", sha(b"c"), SALT)
    assert leaf_hash("k", "", b"c", SALT) == entry_hash(entry) == tree_hash([entry])


def test_an_entry_tells_nothing_of_equal_contents() -> None:
    """Two leaves of the same words have entries that nobody can see to be of the same words."""
    entries = {entry_of("k", "r", sha(b"c"), bytes([n]) * 32) for n in range(50)}
    assert len(entries) == 50
    assert sha(b"c") not in entries


@given(
    st.tuples(st.sampled_from(["a", "ab", "a.b"]), st.text("ab", max_size=3), st.binary(max_size=3)),
    st.tuples(st.sampled_from(["a", "ab", "a.b"]), st.text("ab", max_size=3), st.binary(max_size=3)),
)
def test_different_leaves_have_different_hashes(
    one: tuple[str, str, bytes], other: tuple[str, str, bytes]
) -> None:
    """Nothing moves from kind to reference to content without changing the hash."""
    assert (leaf_hash(*one, SALT) == leaf_hash(*other, SALT)) == (one == other)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_salt_hides(one: bytes, other: bytes) -> None:
    """The same leaf under two salts has two hashes."""
    assert (leaf_hash("k", "r", b"c", one) == leaf_hash("k", "r", b"c", other)) == (one == other)


@pytest.mark.parametrize(
    ("kind", "ref", "content", "salt", "where"),
    [
        ("", "", b"", SALT, "kind"),
        ("Filing", "", b"", SALT, "kind"),
        ("a b", "", b"", SALT, "kind"),
        ("a.", "", b"", SALT, "kind"),
        ("a" * 65, "", b"", SALT, "kind"),
        ("a", "r" * 257, b"", SALT, "ref"),
        ("a", "line\nbreak", b"", SALT, "ref"),
        ("a", "nul\x00", b"", SALT, "ref"),
        ("a", "half \ud800", b"", SALT, "ref"),
        ("a", "", bytes(CONTENT_BYTES + 1), SALT, "content"),
        ("a", "", b"", SALT[:31], "salt"),
        ("a", "", b"", SALT + b"x", "salt"),
    ],
)
def test_what_is_no_leaf_is_refused_by_name(
    kind: str, ref: str, content: bytes, salt: bytes, where: str
) -> None:
    """A kind, reference, content or salt out of bounds is refused, and the text names which."""
    with pytest.raises(InputError) as caught:
        leaf_hash(kind, ref, content, salt)
    assert caught.value.where == where


def test_a_digest_is_32_bytes() -> None:
    """What is given as the digest of a content and is none is refused."""
    with pytest.raises(InputError, match="not a digest"):
        entry_of("a", "", b"content", SALT)


@pytest.mark.parametrize("size", range(70))
def test_the_frontier_has_the_root_of_the_whole_tree(size: int) -> None:
    """Leaf by leaf, the frontier's root is the root by definition, and it keeps a peak for each 1 bit."""
    entries = [bytes([i]) * (i % 5) for i in range(size)]
    frontier = Frontier()
    for entry in entries:
        frontier.add(sha(b"\x00" + entry))
    assert frontier.root() == tree_hash(entries)
    assert frontier.size == size
    assert len(frontier._peaks) == size.bit_count()


def test_roots_agree_with_those_of_certificate_transparency() -> None:
    """The tree over the eight entries of the reference tests of RFC 6962 has the root known from there."""
    entries = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    known = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    frontier = Frontier()
    roots = {0: frontier.root().hex()}
    for entry in entries:
        frontier.add(sha(b"\x00" + bytes.fromhex(entry)))
        roots[frontier.size] = frontier.root().hex()
    assert {size: roots[size] for size in known} == known
