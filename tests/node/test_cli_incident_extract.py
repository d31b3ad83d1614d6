"""``skypact incident extract`` on an export: both sides' ledgers beside one incident, offline."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from extract_world import exported, story, told
from incident_world import claim as claimed
from pact_keys import vkey
from skypact import cli
from skypact.airspace import DataMode
from skypact.formats.incident_record import read_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.desk.record import Record
    from skypact.store import Store

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "incidents.md"
WHO = ("--by", "office", "--post", "investigator", "--at", "2026-06-02T08:00:00Z")
TRACK = "time,id,party,kind,data_mode,lat,lng\n2026-06-01T06:00:00Z,x,,ground,test,33.5,38.6\n"


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """An export of each side's ledger, in a folder of its own; runs the command beside them."""
    for party in ("north", "south"):
        folder = tmp_path / party
        folder.mkdir()

        async def tale(store: Store, record: Record, folder: Path = folder) -> None:
            await exported(store, record, folder)

        told(f"sqlite:///{folder / 'skypact.db'}", party, tale)
    (tmp_path / "track.csv").write_text(TRACK)
    monkeypatch.chdir(tmp_path)
    return lambda *words: cli.main(["incident", *words])


def of(folder: Path, party: str, *more: str) -> tuple[str, ...]:
    """An extract of a party's export."""
    key = (folder / party / "key").read_text(encoding="ascii")
    where = ("--export", f"{party}/out", "--bodies", f"{party}/bodies", "--pact", f"{party}/pact.toml")
    return ("extract", *where, "--log", key, *more)


def test_both_ledgers_stand_beside_one_claim(
    sides: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each by its own clock, each leaf proven, the clocks' offset said, and nobody is right."""
    event = ("--event", "2026-06-01T06:04:11Z ± 1 s", "--track", "track.csv")
    for party in ("north", "south"):
        assert sides(*of(tmp_path, party, *event, "--output", f"{party}/extract.json")) == 0
    out = capsys.readouterr().out
    assert "north/extract.json: 6 messages of the record of north" in out
    assert "cosigned by no witness that was asked for" in out
    said = json.loads((tmp_path / "south" / "extract.json").read_text())
    assert (said["tracks"], said["pact"]) == (["../track.csv"], "pact.toml")
    assert read_record(tmp_path / "south" / "extract.json", DataMode.TEST).tracks is not None
    notice = story()[0].envelope.message
    assert (
        sides("new", "case.jsonl", "--title", "A case", "--parties", "north,south", "--mode", "test", *WHO)
        == 0
    )
    telling = ("speaker=x", "standing=official", "said=2026-06-01Z", "source=s", "language=en")
    assert sides("add", "case.jsonl", "account", "party=north", *telling, *WHO) == 0
    value = claimed("warned", "hotline, 20 min before").value
    assert value is not None
    warned = ("subject=the warning", f"value={value.text}", "modality=asserted", "quote=we told them")
    assert (
        sides(
            "add",
            "case.jsonl",
            "claim",
            "account=A1",
            "predicate=warned",
            f"thing={notice.id}",
            *warned,
            *WHO,
        )
        == 0
    )
    records = ("--record", "north/extract.json", "--record", "south/extract.json")
    assert sides("show", "case.jsonl", *records) == 0
    shown = capsys.readouterr().out
    north, south = (line for line in shown.splitlines() if "record of" in line and "contradicted" in line)
    assert f"this record has {notice.id} sent 4 min 11 s before, delivered between 4 min 11 s before" in north
    assert "delivered 4 min before, opened 3 min 1 s before" in south
    assert south.endswith("offset of clocks -10 s ± 1 s")
    assert sides("report", "case.jsonl", *records, "--format", "json") == 0
    data = json.loads(capsys.readouterr().out)
    (north_says, south_says) = data["claims"][0]["records"]
    assert north_says["entries"] == [f"{notice.id} (leaf 1 of 7, proven)"]
    assert south_says["verdict"] == "contradicted"
    assert sides("report", "case.jsonl", *records, "--output", "r.html") == 0
    assert "log skypact.invalid/" in (tmp_path / "r.html").read_text()


def test_what_is_left_out_is_told_and_the_rest_goes_to_standard_output(
    sides: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pact that the messages were not said under leaves them out, one by one."""
    (tmp_path / "south" / "pact.toml").write_text('[pact]\nid = "q"\ndata_mode = "test"\n')
    assert sides(*of(tmp_path, "south")) == 0
    ended = capsys.readouterr()
    said = json.loads(ended.out)
    assert (said["messages"], said["pact"]) == ([], "south/pact.toml")
    assert ended.err.count("left out: leaf ") == 6


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--quorum", "1"), "quorum"),
        (("--witness", vkey("w")), "too few witnesses"),
        (("--event", "noon"), "--event"),
        (("--other-log", "x"), "--other-log"),
        (("--node",), "--export is not an option of 'skypact incident extract --node'"),
        (("--since", "2026-06-01T00:00:00Z"), "--since is not an option"),
        (("--as", "kim"), "--as is for a node: add --node"),
    ],
)
def test_what_cannot_be_extracted_is_refused(
    sides: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    message: str,
) -> None:
    """Too few witnesses, a time that is none, options of another kind."""
    assert sides(*of(tmp_path, "south", *more)) == 2
    assert message in capsys.readouterr().err


def test_verbs_of_files_and_of_nodes_are_told_apart(
    sides: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is of the one is refused with the other, with what to do."""
    for words, message in (
        (("list",), "is of the incidents of a node: add --node"),
        (("sign", "f", "--node"), "is of files: leave --node out"),
        (("show",), "takes FILE"),
        (("list", "f", "--node"), "takes no NAME"),
        (("extract",), "needs --export DIR"),
        (("report", "f", "--node", "--format", "table"), "is HTML or JSON"),
        (("report", "f", "--node"), "needs --output FILE"),
        (("show", "f", "--node", "--format", "html"), "is a table or JSON"),
        (("list", "--node", "--format", "html"), "is a table or JSON"),
        (("export", "f", "--node"), "needs --output FILE"),
        (("new", "f", "--node"), "needs --title TEXT"),
        (("withdraw", "f", "A1", "--node"), "needs a --why"),
        (("add", "f", "account", "--node", "--from", "x"), "from that file alone"),
        (("take", "missing", "--node"), "cannot be read"),
        (("new", "f", "--node", "--title", "\udc80", "--parties", "a,b"), "not Unicode text"),
    ):
        assert sides(*words) == 2
        assert message in capsys.readouterr().err, words


def test_the_document_s_command_on_an_export_runs(sides: Callable[..., int], tmp_path: Path) -> None:
    """That of docs/incidents.md, with the files that are here."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (each for each in blocks if "incident extract --export" in each)
    lines = [shlex.split(line, comments=True)[1:] for line in block.replace("\\\n", " ").splitlines()]
    (words,) = (line for line in lines if "--export" in line)
    key = (tmp_path / "north" / "key").read_text(encoding="ascii")
    here = {"north": "north/out", "north.bodies": "north/bodies", "VKEY": key, "pact.toml": "north/pact.toml"}
    here |= {"column.geojson": "track.csv"}
    assert sides(*(here.get(word, word) for word in words[1:])) == 0
    assert (tmp_path / "north.json").exists()
