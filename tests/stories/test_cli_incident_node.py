"""Incidents of a running node from the terminal: opened, told, exported, taken, extracted, reported."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from server.running import Node, node
from shell import Ended, skypact
from skypact.cli.incident_node import listed
from skypact.formats.incident_file import load

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "incidents.md"
TELL = ("standing=official", "said=2026-06-08Z", "source=a statement", "language=en", "speaker=spokesman")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    """A node of this machine with an investigator, and its data directory."""
    folder = tmp_path_factory.mktemp("node") / "data"
    with node("--data", folder, "--listen", "127.0.0.1:0") as made:
        made.await_listening()
        url = f"http://127.0.0.1:{made.port}"
        kim = ("account", "add", "kim", "--role", "investigator", "--url", url, "--data", folder)
        assert skypact(*kim).status == 0
        yield made, folder


def run(running: tuple[Node, Path], *arguments: str | Path) -> Ended:
    """``skypact incident ... --node --as kim``, against that node."""
    made, folder = running
    url = f"http://127.0.0.1:{made.port}"
    return skypact("incident", *arguments, "--node", "--as", "kim", "--url", url, "--data", folder)


def test_an_incident_of_a_node_from_its_opening_to_its_report(
    running: tuple[Node, Path], tmp_path: Path
) -> None:
    """Every verb that files have, on the node's own, each line with its leaf and who wrote it."""
    assert run(running, "list").out == "no incidents\n"
    made = run(running, "new", "case", "--title", "A case", "--parties", "skypact:We,south")
    assert (made.status, made.out.startswith("incident: line 1, leaf ")) == (0, True), made.err
    told = run(running, "add", "case", "account", "party=skypact", *TELL)
    assert (told.status, told.out.startswith("account A1: line 2, leaf ")) == (0, True), told.err
    entries = tmp_path / "more.json"
    claim = {"entry": "claim", "account": "A1", "predicate": "how_many", "subject": "people"}
    claim |= {"value": "5", "modality": "asserted", "quote": "five"}
    entries.write_text(json.dumps([claim]))
    assert run(running, "add", "case", "--from", entries).out.startswith("claim C1: line 3")
    assert run(running, "assess", "case", "author=a", "method=m", "degree=D", "finding=f").status == 0
    shown = run(running, "show", "case", "--event", "2026-06-08T06:00:00Z")
    assert (shown.status, "skypact: C1 5" in shown.out) == (0, True), shown.err
    assert run(running, "show", "case", "--format", "json").json["incident"]["status"] == "assessed"
    gone = run(running, "withdraw", "case", "A1", "--why", "a slip")
    assert (gone.status, "withdrawal: line 5" in gone.out) == (0, True)
    page = tmp_path / "r.html"
    assert run(running, "report", "case", "--output", page).status == 0
    assert "withdrawn: a slip" in page.read_text()
    assert run(running, "report", "case", "--format", "json").json["accounts"][0]["withdrawn"] == "a slip"
    rows = run(running, "list", "--format", "json").json["incidents"]
    assert [each["name"] for each in rows] == ["case"]
    assert all(len(line) <= 80 for line in run(running, "list").out.splitlines())


def test_a_file_goes_out_and_comes_back(running: tuple[Node, Path], tmp_path: Path) -> None:
    """What is exported is known when it is taken; what another went on with is taken, or kept beside."""
    assert run(running, "new", "there", "--title", "T", "--parties", "skypact,south").status == 0
    file = tmp_path / "there.jsonl"
    assert run(running, "export", "there", "--output", file).status == 0
    assert "known already" in run(running, "take", file).out
    who = ("--by", "south", "--post", "duty officer")
    assert skypact("incident", "add", file, "account", "party=south", *TELL, *who).status == 0
    taken = run(running, "take", file)
    assert (taken.status, taken.out) == (0, "there: 1 entries more\n"), taken.err
    bare = tmp_path / "other.jsonl"
    assert skypact("incident", "new", bare, "--title", "T", "--name", "there", "--parties", "skypact,south",
                   "--mode", "simulated", *who).status == 0  # fmt: skip
    mode = running[0].ask("GET", "/healthz")[2].get("skypact-data-mode", "")
    refused = run(running, "take", bare)
    assert (refused.status, mode in refused.err) == (2, True)
    assert load(file).case.accounts[0].party == "south"


def test_the_record_of_a_node_is_extracted(running: tuple[Node, Path], tmp_path: Path) -> None:
    """A node without a hotline has said nothing; what may not be asked is refused in a line."""
    output = tmp_path / "extract.json"
    done = run(running, "extract", "--output", output, "--since", "2026-01-01T00:00:00Z")
    assert (done.status, "0 messages of the record of skypact" in done.out) == (0, True), done.err
    assert json.loads(output.read_text())["holder"] == "skypact"
    refused = run(running, "show", "nothing")
    assert (refused.status, "no incident of this name" in refused.err) == (2, True)
    assert list(listed([])) == ["no incidents"]


def test_the_document_s_commands_on_a_node_run(running: tuple[Node, Path], tmp_path: Path) -> None:
    """Those of docs/incidents.md, in their order, each with 0."""
    section = DOCUMENT.read_text(encoding="utf-8").split("## On a node", 1)[1]
    block = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0]
    lines = [shlex.split(line, comments=True)[1:] for line in block.replace("\\\n", " ").splitlines()]
    made, folder = running
    where = ("--url", f"http://127.0.0.1:{made.port}", "--data", str(folder))
    for words in lines[1:]:  # kim is there already
        named = [str(tmp_path / word) if word.endswith(".jsonl") else word for word in words]
        named = ["of-the-document" if word == "case" else word for word in named]
        ended = skypact(*named, *where)
        assert ended.status == 0, (words, ended.err)
    assert lines[0] == ["account", "add", "kim", "--role", "investigator"]
