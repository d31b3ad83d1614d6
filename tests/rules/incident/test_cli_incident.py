"""``skypact incident``: what a person types, what is written, and how it ends."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pact_keys import SECRETS
from skypact import cli
from skypact.formats.incident_file import KINDS, load
from skypact.incident.case import MOVES
from skypact.incident.claims import Predicate
from skypact.incident.values import UNITS
from skypact.pact.keys import key_text

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "incidents.md").read_text(encoding="utf-8")

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "al-tanf" / "incidents"
WHO = ("--by", "north", "--post", "duty officer", "--at", "2017-06-10T08:00:00Z")
TELL = (
    "standing=official",
    "said=2017-06-08Z",
    "source=a statement",
    "language=en",
    "received=2017-06-09T00:00:00Z",
)


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: cli.main(["incident", *words])


@pytest.fixture
def case(typed: Callable[..., int]) -> Path:
    """An incident with an account of each side."""
    assert (
        typed(
            "new",
            "case.jsonl",
            "--title",
            "A case",
            "--parties",
            "north:The north,south",
            "--mode",
            "test",
            *WHO,
        )
        == 0
    )
    for party in ("north", "south"):
        assert (
            typed(
                "add",
                "case.jsonl",
                "account",
                f"party={party}",
                f"speaker=spokesman of the {party}",
                *TELL,
                *WHO,
            )
            == 0
        )
    return Path("case.jsonl")


def claim(account: str, value: str, **more: str) -> list[str]:
    """A claim as it is typed."""
    said = {
        "account": account,
        "predicate": "how_many",
        "subject": "people",
        "modality": "asserted",
        "quote": "so many",
    }
    return ["claim", f"value={value}", *(f"{name}={text}" for name, text in (said | more).items())]


def test_an_incident_is_written_line_by_line(
    typed: Callable[..., int], case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Accounts, claims, evidence, an assessment, a withdrawal; what is shown is where it stands."""
    add = ("add", str(case))
    assert typed(*add, *claim("A1", "5"), *WHO) == 0
    assert typed("show", str(case)) == 0
    assert typed(*add, *claim("A2", "at least 7"), *WHO) == 0
    assert typed("show", str(case)) == 1
    shown = capsys.readouterr().out
    assert "C1 contradicts C2: at least 2 apart" in shown
    told = ("media_type=image/png", "title=a picture", "source=a camera", "collected_by=duty officer")
    kept = (f"sha256={'0' * 64}", "collected=2017-06-08T00:00:00Z", "working=true")
    assert typed(*add, "evidence", *told, *kept, *WHO) == 0
    assert (
        typed(*add, "custody", "evidence=E1", "handling=sealed", "happened=2017-06-09T00:00:00Z", *WHO) == 0
    )
    assert typed("assess", str(case), "author=the board", "method=reading", "degree=D", "finding=not known",
                 "claims=C1,C2", *WHO) == 0  # fmt: skip
    assert "assessed; 8 entries, head" in capsys.readouterr().out
    assert typed("withdraw", str(case), "A1", "--why", "a mistake", *WHO) == 0
    assert typed("show", str(case)) == 0
    assert "C1 5 (“so many”) (withdrawn: a mistake)" in capsys.readouterr().out
    assert load(case).case.assessments[0].claims == ("C1", "C2")


def test_only_a_party_withdraws_and_what_is_refused_writes_nothing(
    typed: Callable[..., int], case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, a line that says why, and the file as it was."""
    before = case.read_bytes()
    assert typed("withdraw", str(case), "A2", "--why", "a mistake", *WHO) == 2
    assert "only a party withdraws its own account; found 'north'; expected south" in capsys.readouterr().err
    for words in (
        ("add", str(case), *claim("A9", "5"), *WHO),
        ("add", str(case), *claim("A1", "many"), *WHO),
        ("add", str(case), "claim", "weapon=none", *WHO),
        ("add", str(case), "claim", "value=5", "value=6", *WHO),
        ("add", str(case), "message", *WHO),
        ("add", str(case), *WHO),
        ("add", str(case), *claim("A1", "5")),
        ("withdraw", str(case), "A1", *WHO),
        ("show", str(case), "more"),
        ("show", str(case), "--why", "so"),
        ("show", str(case), "--format", "html"),
        ("report", str(case)),
        ("report", str(case), "--format", "table"),
        ("new", "case.jsonl", "--title", "A", "--parties", "north,south", *WHO),
        ("new", "other.jsonl", "--title", "A", *WHO),
        ("show", "none.jsonl"),
    ):
        assert typed(*words) == 2, words
        assert "Traceback" not in capsys.readouterr().err
    assert case.read_bytes() == before


def test_entries_come_from_a_json_file_all_or_none(
    typed: Callable[..., int], case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An array; one that is wrong is named, and none of them is written."""
    good = {"entry": "claim", "account": "A1", "predicate": "who", "subject": "they", "value": "a militia",
            "modality": "asserted", "quote": "a militia"}  # fmt: skip
    Path("more.json").write_text(
        json.dumps([good, good | {"account": "A2", "value": "others"}]), encoding="utf-8"
    )
    assert typed("add", str(case), "--from", "more.json", *WHO) == 0
    assert [each.id for each in load(case).case.claims] == ["C1", "C2"]
    before = case.read_bytes()
    Path("more.json").write_text(json.dumps([good, good | {"predicate": "weapon"}]), encoding="utf-8")
    assert typed("add", str(case), "--from", "more.json", *WHO) == 2
    assert "[1]: predicate" in capsys.readouterr().err
    assert typed("add", str(case), "claim", "--from", "more.json", *WHO) == 2
    Path("more.json").write_text("{}", encoding="utf-8")
    assert typed("add", str(case), "--from", "more.json", *WHO) == 2
    assert case.read_bytes() == before


def test_a_changed_file_is_refused(
    typed: Callable[..., int], case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the line after the one that was changed."""
    case.write_bytes(case.read_bytes().replace(b"spokesman of the north", b"spokesman of the south"))
    assert typed("show", str(case)) == 2
    assert "case.jsonl:3: after: not the digest of the line before" in capsys.readouterr().err


def test_the_report_is_a_page_or_json(typed: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """The page in a file; the JSON there or on standard output, and the same as show has it."""
    told = (str(EXAMPLES / "simulated-column.jsonl"), "--record", str(EXAMPLES / "simulated-record.json"))
    assert typed("report", *told, "--output", "report.html") == 0
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    capsys.readouterr()
    assert typed("report", *told, "--format", "json", "--output", "report.json") == 0
    assert typed("show", *told, "--format", "json") == 1
    assert json.loads(capsys.readouterr().out) == json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert typed("show", *told) == 1
    assert "record of coalition: contradicted; claimed hotline, 20 min before" in capsys.readouterr().out


def test_help_says_who_decides(typed: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody here does, and it says so."""
    assert typed("--help") == 0
    assert "It never says who is right." in capsys.readouterr().out


def test_a_draft_proposes_and_writes_nothing(
    typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A table or JSON, with the stretch that each came from; 1 where there is nothing to propose."""
    text = (
        "On 2 March 2024 an aircraft struck a convoy near Northtown. The army said that 3 people were killed."
    )
    Path("news.txt").write_text(f"{text} Two people were injured.", encoding="utf-8")
    assert typed("draft", "news.txt") == 0
    shown = capsys.readouterr().out
    assert "incident 1: 2024-03-02, Northtown" in shown
    assert "statement 1: The army (said, about 2024-03-02)" in shown
    assert "claim harm: people killed: 3" in shown
    assert "nobody is named for this" in shown
    assert typed("draft", "news.txt", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["statements"][0]["claims"][0]["value"] == "3"
    assert [path.name for path in Path().iterdir()] == ["news.txt"]
    Path("news.txt").write_text("It rained.", encoding="utf-8")
    assert typed("draft", "news.txt") == 1
    Path("news.txt").write_bytes(b"caf\xe9")
    assert typed("draft", "news.txt") == 2
    assert typed("draft", "news.txt", "--format", "html") == 2
    assert typed("draft", "none.txt") == 2


def test_the_document_s_commands_run(typed: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those on the example, those that write an incident, and those that sign it, in their order."""
    reading, writing, signing = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)[:3]
    ended = [typed(*shlex.split(line)[2:]) for line in writing.replace("\\\n", " ").splitlines()]
    assert ended == [0, 0, 0, 0, 0]
    pact_in(Path(), "exercise")
    ended = [typed(*shlex.split(line, comments=True)[2:]) for line in signing.splitlines()]
    assert ended == [0, 1]
    assert typed("show", "case.jsonl") == 0
    Path("news.txt").write_text("The army said so.", encoding="utf-8")
    news, output = str(Path("news.txt").resolve()), str(Path("report.html").resolve())
    monkeypatch.chdir(EXAMPLES)
    ended = []
    for line in reading.splitlines()[1:]:
        words = shlex.split(line, comments=True)[2:]
        ended.append(typed(*({"news.txt": news, "report.html": output}.get(word, word) for word in words)))
    assert ended == [1, 1, 0, 0]


def test_the_document_names_every_member_predicate_unit_and_move() -> None:
    """Of the format and the tables as they are."""
    for kind, (_, members) in KINDS.items():
        row = next((each for each in DOCUMENT.splitlines() if each.startswith(f"| `{kind}` |")), "")
        assert kind == "incident" or all(f"`{name}`" in row for name in members if name != "id"), kind
    assert all(f"`{one.value}`" in DOCUMENT for one in Predicate)
    assert all(f"`{unit}`" in DOCUMENT for unit in UNITS if unit)
    for status in {before for before, _ in MOVES}:
        (row,) = (each for each in DOCUMENT.splitlines() if each.startswith(f"| {status.value} | "))
        steps = [step.value for before, step in MOVES if before is status]
        assert all(step in row or (step == "assess" and "assessment" in row) for step in steps), row


def test_the_document_s_extract_is_one(tmp_path: Path) -> None:
    """The members that it shows are read."""
    from skypact.airspace import DataMode
    from skypact.formats.incident_record import read_record

    (shown,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    shown = shown.replace("../", f"{EXAMPLES.parent}/")
    (tmp_path / "record.json").write_text(shown, encoding="utf-8")
    assert read_record(tmp_path / "record.json", DataMode.SIMULATED).holder == "coalition"


def test_a_person_accepts_a_proposal_by_saying_what_only_a_person_can(
    typed: Callable[..., int], case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it was proposed it is refused; with party, source, offset and account it is added."""
    Path("news.txt").write_text(
        "NORTHTOWN, June 9, 2017. The army said that at least two people were injured.", encoding="utf-8"
    )
    capsys.readouterr()
    assert typed("draft", "news.txt", "--format", "json") == 0
    (statement,) = json.loads(capsys.readouterr().out)["statements"]
    entries = [statement["account"], *statement["claims"]]
    Path("taken.json").write_text(json.dumps(entries), encoding="utf-8")
    assert typed("add", str(case), "--from", "taken.json", *WHO) == 2
    entries[0] |= {"party": "north", "source": "a newspaper", "said": f"{entries[0]['said']}+03:00"}
    entries[1] |= {"account": "A3"}
    Path("taken.json").write_text(json.dumps(entries), encoding="utf-8")
    assert typed("add", str(case), "--from", "taken.json", *WHO) == 0
    (claimed,) = load(case).case.claims
    assert (claimed.subject, claimed.quote.text) == ("people injured", "at least two people were injured")


PACT = """
[pact]
id = "p"
data_mode = "{mode}"
effective = 2017-05-01T00:00:00Z
[[party]]
id = "north"
[[party.key]]
public = "{north}"
[[party]]
id = "south"
[[party.key]]
public = "{south}"
"""


@pytest.fixture
def pact(case: Path) -> Path:
    """A pact with a key of each side, whose secret halves lie beside it."""
    return pact_in(case.parent, "test")


def pact_in(folder: Path, mode: str) -> Path:
    """That pact in a folder, with its keys."""
    for name, letter in (("north", "a"), ("south", "b")):
        path = folder / f"{name}.pem"
        path.write_bytes(SECRETS[letter].pem())
        path.chmod(0o600)
    lines = {
        name: key_text(SECRETS[letter].public.ed25519) for name, letter in (("north", "a"), ("south", "b"))
    }
    (folder / "pact.toml").write_text(PACT.format(**lines, mode=mode))
    return folder / "pact.toml"


def test_lines_are_signed_and_what_is_not_is_marked(
    typed: Callable[..., int], case: Path, pact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unsigned stays usable and is marked; what was signed shows in table, JSON and report."""
    under = ("--pact", str(pact))
    assert typed("verify", str(case), *under) == 1
    assert "UNSIGNED: 3 of 3 lines are not signed" in capsys.readouterr().out
    assert typed("add", str(case), *claim("A1", "5"), *WHO, "--by", "south") == 0
    when = ("--at", "2017-06-10T08:00:00Z")
    assert typed("sign", str(case), *under, "--key", "north.pem", *when) == 0
    assert "north signed up to line 4, head" in capsys.readouterr().out
    assert typed("sign", str(case), *under, "--key", "north.pem", *when) == 0
    assert "signed this line already; nothing was written" in capsys.readouterr().out
    assert typed("show", str(case), *under) == 0
    assert "UNSIGNED: 1 lines" in capsys.readouterr().out
    assert typed("sign", str(case), *under, "--key", "south.pem", *when) == 0
    assert typed("verify", str(case), *under, "--format", "json") == 0
    data = json.loads(capsys.readouterr().out.split("\n", 1)[1])
    assert (data["mark"], {each["mark"] for each in data["lines"]}) == ("", {"signed"})
    assert typed("verify", str(case), *under) == 0
    assert "That says nothing of who is right" in capsys.readouterr().out
    assert typed("show", str(case), *under) == 0
    assert "each line is signed by the party that it was written for" in capsys.readouterr().out
    assert typed("report", str(case), *under, "--output", "r.html") == 0
    assert "each line is signed by the party" in Path("r.html").read_text()
    assert typed("report", str(case), "--output", "r.html") == 0
    assert "not looked at: no pact was given" in Path("r.html").read_text()


def test_what_was_changed_after_it_was_signed_is_a_fault(
    typed: Callable[..., int], case: Path, pact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of other lines under the same signatures ends with 2, and nobody signs beside them."""
    under = ("--pact", str(pact))
    assert typed("sign", str(case), *under, "--key", "north.pem", "--at", "2017-06-10T08:00:00Z") == 0
    whole = load(case)
    case.write_bytes(b"".join(line + b"\n" for line in whole.lines[:2]))
    assert typed("add", str(case), *claim("A1", "6"), *WHO) == 0
    assert typed("verify", str(case), *under) == 2
    assert "changed after it was signed" in capsys.readouterr().err
    assert typed("sign", str(case), *under, "--key", "south.pem") == 2
    assert typed("report", str(case), *under, "--output", "r.html") == 0
    assert "FAULT: signature of north under line 3" in Path("r.html").read_text()
    assert typed("verify", str(case)) == 2
    assert typed("verify", str(case), *under, "--format", "html") == 2
    assert typed("sign", str(case), *under) == 2
    assert "needs --pact FILE and --key FILE" in capsys.readouterr().err
