"""``skypact pact`` as a person has it: signing, verifying, fingerprints, differences, the page."""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pact_keys import SECRETS
from skypact import cli
from skypact.formats.pact_signatures import TITLE
from skypact.seal import generate

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
CORRIDOR = ROOT / "examples" / "relief-corridor"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


@pytest.fixture
def skypact(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command in this process."""

    def run(*words: str | Path) -> Ended:
        status = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


def key_file(folder: Path, letter: str) -> Path:
    """The secret key of a letter in a file that its owner alone can read."""
    path = folder / f"{letter}.pem"
    path.touch(mode=0o600)
    path.write_bytes(SECRETS[letter].pem())
    return path


def text_of(mode: str = "real", **more: str) -> str:
    """A pact of two parties, whose keys are those of a and b."""
    return "".join(
        (
            f'[pact]\nid = "p"\ndata_mode = "{mode}"\neffective = 2026-01-01T00:00:00Z\n',
            more.get("head", ""),
            *(
                f'[[party]]\nid = "{name}"\n[[party.key]]\n'
                f'public = "{SECRETS[letter].public.pem().decode().splitlines()[1]}"\n'
                for name, letter in (("north", more.get("north", "a")), ("south", more.get("south", "b")))
            ),
        )
    )


@pytest.fixture
def pact(tmp_path: Path) -> Path:
    """A pact about the real world that nobody has signed, with the keys of a to c beside it."""
    for letter in "abc":
        key_file(tmp_path, letter)
    path = tmp_path / "pact.toml"
    path.write_text(text_of(), encoding="utf-8")
    return path


def test_two_parties_sign_and_the_pact_is_complete(pact: Path, skypact: Callable[..., Ended]) -> None:
    """Unsigned 1, half signed 1 with the one who is missing, signed 0; who signs twice changes nothing."""
    bare = skypact("pact", "verify", pact)
    assert bare.status == 1
    heading = "UNSIGNED DRAFT  p, version 1: untitled (real)\n"
    assert bare.out.startswith(f"{heading}  from 2026-01-01T00:00:00Z until further notice\n  text sha256:")
    assert bare.out.endswith("missing: north, south. No node runs under it.\n")
    one = skypact("pact", "sign", pact, "--key", pact.with_name("a.pem"), "--party", "north")
    assert one.status == 0
    assert one.out.startswith(f"{pact}.sigs: signed for north\n  key ")
    assert "missing: south." in one.out
    half = skypact("pact", "verify", pact)
    assert half.status == 1
    assert "  missing south: is a party\n" in half.out
    two = skypact("pact", "sign", pact, "--key", pact.with_name("b.pem"), "--party", "south")
    assert two.out.splitlines()[-1].startswith("Complete: 2 of 2 parties have signed, 2 must.")
    whole = skypact("pact", "verify", pact)
    assert (whole.status, whole.err) == (0, "")
    assert "UNSIGNED" not in whole.out
    before = Path(f"{pact}.sigs").read_bytes()
    again = skypact("pact", "sign", pact, "--key", pact.with_name("a.pem"), "--party", "north")
    assert again.status == 0
    assert "north has signed with this key already; nothing was written" in again.out
    assert Path(f"{pact}.sigs").read_bytes() == before
    found = skypact("pact", "verify", pact, "--format", "json").json
    assert (found["complete"], found["mark"], found["faults"], found["lacks"]) == (True, "", [], [])
    assert [each["party"] for each in found["signed"]] == ["north", "south"]


def test_a_signature_that_is_dated_ahead_is_told(
    pact: Path, skypact: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is wrong, here or there, is shown beside the signature, which holds all the same."""
    skypact("pact", "sign", pact, "--key", pact.with_name("a.pem"), "--party", "north")
    assert "ahead of the clock here" not in skypact("pact", "verify", pact).out
    now_ns = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now_ns - 3_600_000_000_000)
    assert "Z, ahead of the clock here\n" in skypact("pact", "verify", pact).out


def test_a_text_that_was_changed_is_refused_by_name(pact: Path, skypact: Callable[..., Ended]) -> None:
    """One byte more: status 2, whose signature it was and of which text; and nobody signs below it."""
    skypact("pact", "sign", pact, "--key", pact.with_name("a.pem"), "--party", "north")
    with pact.open("a", encoding="utf-8") as file:
        file.write(" ")
    ended = skypact("pact", "verify", pact)
    assert ended.status == 2
    assert re.search(
        r"^skypact: error: signature of north at \S+Z: is of another text: this one has been changed since, "
        r"or was never what was signed; found 'sha256:[0-9a-f]{64}'; expected sha256:[0-9a-f]{64}$",
        ended.err,
        re.MULTILINE,
    )
    refused = skypact("pact", "sign", pact, "--key", pact.with_name("b.pem"), "--party", "south")
    assert refused.status == 2
    assert "the text has changed since north signed it" in refused.err
    assert len(Path(f"{pact}.sigs").read_text(encoding="ascii").splitlines()) == 2


def test_a_new_key_comes_by_a_version_that_the_old_one_signed(
    pact: Path, skypact: Callable[..., Ended]
) -> None:
    """The version before is found beside by its digest, or where it is said to be; without it none holds."""
    for letter, party in (("a", "north"), ("b", "south")):
        skypact("pact", "sign", pact, "--key", pact.with_name(f"{letter}.pem"), "--party", party)
    digest = skypact("pact", "verify", pact, "--format", "json").json["text"]
    second = pact.with_name("pact-2.toml")
    second.write_text(text_of(head=f'version = 2\nsupersedes = "{digest}"\n', south="c"), encoding="utf-8")
    pact.with_name("a-folder.toml").mkdir()
    new = skypact("pact", "sign", second, "--key", pact.with_name("c.pem"), "--party", "south")
    assert new.status == 2
    assert "a key that this version brings in cannot sign it" in new.err
    for letter, party in (("a", "north"), ("b", "south")):
        done = skypact("pact", "sign", second, "--key", pact.with_name(f"{letter}.pem"), "--party", party)
        assert done.status == 0
    assert skypact("pact", "verify", second).status == 0
    elsewhere = pact.parent / "archive" / "old.toml"
    elsewhere.parent.mkdir()
    shutil.move(pact, elsewhere)
    alone = skypact("pact", "verify", second)
    assert alone.status == 1
    assert "the version that it supersedes is not at hand" in alone.out
    assert "signed by" not in alone.out
    unsigned = skypact("pact", "verify", second, "--previous", elsewhere)
    assert unsigned.status == 1
    assert "has not the signatures that it asks for" in unsigned.out
    shutil.move(f"{pact}.sigs", f"{elsewhere}.sigs")
    assert skypact("pact", "verify", second, "--previous", second, "--previous", elsewhere).status == 0


def test_what_is_signed_says_its_data_mode(pact: Path, skypact: Callable[..., Ended]) -> None:
    """A text that leaves it to its reader is not signed."""
    pact.write_text(text_of().replace('data_mode = "real"\n', ""), encoding="utf-8")
    ended = skypact("pact", "sign", pact, "--key", pact.with_name("a.pem"), "--party", "north")
    assert ended.status == 2
    assert "what is signed says its data mode" in ended.err
    assert not Path(f"{pact}.sigs").exists()


def test_an_exercise_may_be_tried_unsigned_and_is_marked(pact: Path, skypact: Callable[..., Ended]) -> None:
    """The answer says how its use is marked."""
    pact.write_text(text_of("exercise"), encoding="utf-8")
    ended = skypact("pact", "verify", pact)
    assert ended.status == 1
    assert ended.out.endswith("Its use is marked UNSIGNED DRAFT.\n")


RSA = generate("RS256")
REFUSED = [
    (("sign", "P"), "'skypact pact sign' needs --key FILE and --party NAME"),
    (("sign", "P", "--key", "none.pem", "--party", "north"), "--key: cannot be read"),
    (("sign", "P", "--key", "P", "--party", "north"), "--key: others may read the secret key"),
    (("sign", "P", "--key", "c.pem", "--party", "north"), "party north: not a key that the pact gives"),
    (("sign", "P", "--key", "a.pem", "--party", "west"), "party west: not a party of this pact"),
    (("sign", "P", "--key", "rsa.pem", "--party", "north"), "--key rsa.pem: a party signs with Ed25519"),
    (("verify", "-"), "a pact is signed and verified as a file: its signatures lie beside it"),
    (("lint", "P", "--party", "x"), "--party is not an option of 'skypact pact lint'"),
    (("verify", "P", "P"), "'skypact pact verify' takes FILE; found 2 files"),
    (("diff", "P"), "'skypact pact diff' takes OLD NEW; found 1 files"),
    (("diff", "P", "P", "--party", "west"), "--party: 'west' is a party of neither; expected north, south"),
    (("fingerprint", "a.pem"), "that is a secret key; its fingerprint is that of its public half"),
    (("fingerprint", "P", "--heard", "12345"), "not a fingerprint; found '12345'"),
    (("swear", "P"), "invalid choice: 'swear'"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_done_is_said_in_one_line(
    words: tuple[str, ...],
    message: str,
    pact: Path,
    skypact: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Status 2 and one line on standard error, which names the option, file or party."""
    monkeypatch.chdir(pact.parent)
    pact.chmod(0o644)
    rsa = pact.with_name("rsa.pem")
    rsa.touch(mode=0o600)
    rsa.write_bytes(RSA.pem())
    ended = skypact("pact", *(str(pact) if word == "P" else word for word in words))
    assert ended.status == 2
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1


def test_signatures_that_are_none_are_refused_with_their_line(
    pact: Path, skypact: Callable[..., Ended]
) -> None:
    """A file beside the pact that is something else is not passed over."""
    Path(f"{pact}.sigs").write_text(f"{TITLE}\nsigned, north\n", encoding="ascii")
    ended = skypact("pact", "verify", pact)
    assert ended.status == 2
    assert f"{pact}.sigs:2: signature: not a detached signature" in ended.err


def test_fingerprints_are_told_the_same_from_another_from_misheard(
    pact: Path, skypact: Callable[..., Ended]
) -> None:
    """Of a key's file and of a pact: the same 0; another's, or misheard, 1 and in other words."""
    public = pact.with_name("a.pub.pem")
    public.write_bytes(SECRETS["a"].public.pem())
    groups = skypact("pact", "fingerprint", public, "--format", "json").json[str(public)]["groups"]
    shown = skypact("pact", "fingerprint", public)
    assert groups in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80 + len(str(public))
    same = skypact("pact", "fingerprint", public, "--heard", groups.replace(" ", "-"))
    assert (same.status, same.out) == (0, f"The same: {public}.\n")
    wrong = f"{(int(groups[:5]) + 1) % 99_991:05d}{groups[5:]}"
    misheard = skypact("pact", "fingerprint", public, "--heard", wrong)
    assert (misheard.status, misheard.out.partition(":")[0]) == (1, "Misheard")
    of_pact = skypact("pact", "fingerprint", pact, "--format", "json").json
    assert list(of_pact) == ["text of p, version 1", "key[0] of north", "key[0] of south"]
    assert of_pact["key[0] of north"]["groups"] == groups
    found = skypact("pact", "fingerprint", pact, "--heard", groups)
    assert found.out == "The same: key[0] of north.\n"
    other = of_pact["key[0] of south"]["groups"]
    refused = skypact("pact", "fingerprint", public, "--heard", other)
    assert refused.status == 1
    assert refused.out.startswith(f"Heard well, and not {public}: it is of another key.")
    stranger = pact.with_name("c.pub.pem")
    stranger.write_bytes(SECRETS["c"].public.pem())
    third = skypact("pact", "fingerprint", stranger, "--format", "json").json[str(stranger)]["groups"]
    assert (
        "Heard well, and none of these: text of p"
        in skypact("pact", "fingerprint", pact, "--heard", third).out
    )


def test_differences_are_told_to_a_party_in_its_order(skypact: Callable[..., Ended]) -> None:
    """Table and JSON have the same changes; 1 where there are any, 0 where there are none."""
    old, new = CORRIDOR / "pact-1.toml", CORRIDOR / "pact-2.toml"
    table = skypact("pact", "diff", old, new, "--party", "south")
    assert table.status == 1
    headings = [line for line in table.out.splitlines() if not line.startswith(" ")]
    assert headings == ["What touches south:", "What touches all alike:", "What changed among others:"]
    told = skypact("pact", "diff", old, new, "--format", "json").json
    lines = table.out.splitlines()
    assert all(any(line.strip().startswith(each["text"]) for line in lines) for each in told)
    assert len(told) == len(lines) - len(headings)
    position = next(each for each in told if each["term"] == "position of south")
    assert (position["words_of"], position["touches"]) == (["south"], ["south", "office"])
    plain = skypact("pact", "diff", old, new)
    assert len(plain.out.splitlines()) == len(told)
    same = skypact("pact", "diff", old, old)
    assert (same.status, same.out) == (0, "Nothing that the pact says has changed.\n")


# -- the page ---------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "pact.md").read_text(encoding="utf-8")
# RFC 8032, section 7.1, TEST 1 to 3: the secret keys
RFC_8032 = {
    "north": "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "south": "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "office": "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
}


def shown() -> list[tuple[str, str]]:
    """The commands of the page in their order, each with what it is said to print."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    parts = re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]
    return [(line, out) for line, _, out in (part.partition("\n") for part in parts)]


def masked(text: str) -> str:
    """Without the instants of this run, nor blanks at the ends."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "INSTANT", text).strip()


def test_the_commands_of_the_page_print_what_it_shows(
    tmp_path: Path, skypact: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, on the example and the keys of RFC 8032, to the letter but for the instants."""
    monkeypatch.chdir(tmp_path)
    for path in CORRIDOR.glob("*.toml"):
        shutil.copy(path, tmp_path)
    for name, secret in RFC_8032.items():
        pem = base64.b64encode(bytes.fromhex("302e020100300506032b657004220420" + secret)).decode()
        path = tmp_path / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_text(f"-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n", encoding="ascii")
    commands = shown()
    assert len(commands) >= 6
    for line, expected in commands:
        words = shlex.split(line)
        assert words[:2] == ["skypact", "pact"]
        ended = skypact(*words[1:])
        assert masked(ended.out + ended.err) == masked(expected), line


def test_the_options_of_the_pact_are_on_the_page() -> None:
    """Each action and each option stands on the page of the command line."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.split("## `skypact pact`", 1)[1].split("\n## ", 1)[0]
    for action in cli.command("pact").parser()._actions:
        for word in (*action.option_strings, *(action.choices or ())):
            assert f"`{word}" in section or word in {"-h", "--help"}, word
