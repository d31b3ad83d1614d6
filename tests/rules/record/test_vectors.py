"""What others published: trees, notes, checkpoints and cosignatures that are not ours."""

from __future__ import annotations

import pytest

from record_oracle import Grown, sha, tree_hash
from skypact.errors import FormatError
from skypact.record import checkpoint, note, tree
from skypact.record.tiles import tiles_of

# Source: the reference tree of Certificate Transparency, of transparency-dev/merkle (testonly).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Consistency: (old, new, proof), from the same place.
CONSISTENT = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
# Inclusion: (index, size, proof), from the same place.
INCLUDED = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]

# Source: C2SP signed-note v1.0.0, its example.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = """\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
# Source: golang.org/x/mod, sumdb/note, its example.
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""
# Source: a checkpoint of the public staging log arche2025h1 with the cosignatures of public witnesses.
ARCHE_KEY = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REMORA_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
STAGEMOLE_KEY = "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"
ARCHE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501 -- lines of a note cannot be broken


def _hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def test_the_reference_tree_has_its_published_roots() -> None:
    """Every size from nothing to eight, by our way and by the definition."""
    for size, known in enumerate(ROOTS):
        assert tree.root(size, Grown(LEAVES[:size])).hex() == tree_hash(LEAVES[:size]).hex() == known


@pytest.mark.parametrize(("index", "size", "path"), INCLUDED)
def test_published_inclusion_proofs_are_ours(index: int, size: int, path: list[str]) -> None:
    """The same hashes are made, and they check out."""
    assert tree.inclusion(index, size, Grown(LEAVES[:size])) == _hashes(path)
    leaf, top = sha(b"\x00" + LEAVES[index]), bytes.fromhex(ROOTS[size])
    tree.check_inclusion(leaf, index, size, _hashes(path), top)


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENT)
def test_published_consistency_proofs_are_ours(old: int, new: int, path: list[str]) -> None:
    """They are made the same, and check out."""
    assert tree.consistency(old, new, Grown(LEAVES[:new])) == _hashes(path)
    roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    tree.check_consistency(old, roots[0], new, roots[1], _hashes(path))


@pytest.mark.parametrize(("key", "text"), [(EXAMPLE_KEY, EXAMPLE), (NEUMANN_KEY, NEUMANN)])
def test_published_notes_open_with_their_keys(key: str, text: str) -> None:
    """The signature is the key's, the key and the note are written back to the byte."""
    known = note.verifier_key(key)
    assert known.text == key
    read = note.parse(text.encode())
    assert read.encode() == text.encode()
    assert [each.key for each in note.opened(read, [known]).signed] == [known]
    with pytest.raises(FormatError, match="not the signature"):
        note.opened(note.Note(read.text.upper(), read.signatures), [known])


def test_a_public_log_s_checkpoint_is_trusted_with_its_witnesses() -> None:
    """Two of two witnesses, at the second they said; a signature of another algorithm is passed over."""
    witnesses = note.verifier_key(REMORA_KEY), note.verifier_key(STAGEMOLE_KEY)
    policy = checkpoint.Policy(note.verifier_key(ARCHE_KEY), witnesses, 2)
    found = policy.trust(note.parse(ARCHE.encode()))
    assert found.checkpoint.size == 1_432_088_532
    assert found.checkpoint.text == ARCHE.partition("\n\n")[0] + "\n"
    assert [(each.key.name, each.time_s) for each in found.witnesses] == [
        ("remora.n621.de", 0x6A122120),
        ("witness.stagemole.eu", 0x6A122120),
    ]
    assert len(found.others) == 3


def test_the_tiles_of_the_specification_s_example() -> None:
    """70,000 leaves have the tiles that C2SP tlog-tiles counts; 256 have one full and one of width 1."""
    names = [tile.path for tile in tiles_of(70_000) if tile.level >= 0]
    assert len(names) == 273 + 1 + 1 + 1 + 1
    assert {"tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} <= set(names)
    assert [tile.path for tile in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
