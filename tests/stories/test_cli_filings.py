"""Filings from the terminal, with two nodes that run under one pact and reach each other."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from filings import activity, site
from filings_world import text
from pact_keys import pem
from server.running import Node, node
from shell import Ended, skypact
from skypact.formats.filing_lists_templates import template
from skypact.formats.filings_json import write_filing
from skypact.instants import DAY_US, HOUR_US
from skypact.notify.filing import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from skypact.notify.filing import Filing

LETTERS = {"north": "a", "office": "c"}


class Party:
    """One party's node, asked from the terminal as one of its people."""

    def __init__(self, made: Node, folder: Path) -> None:
        self.node, self.folder = made, folder

    def __call__(self, *words: str | Path, who: str = "rana") -> Ended:
        """``skypact notify``, against this node."""
        return skypact("notify", *words, "--config", self.folder / "skypact.toml", "--as", who)

    def await_(self, what: Callable[[], bool]) -> None:
        """Wait until it is so."""
        until = time.monotonic() + 60.0
        while not what():
            assert time.monotonic() < until, self.node.logged[-5:]
            time.sleep(0.2)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Party]]:
    """Two nodes, each with a key that the pact names, and people who watch."""
    ports = {party: _free() for party in LETTERS}
    pact = text().replace(b"until = 2027-03-01", b"until = 2099-03-01")
    found: dict[str, Party] = {}
    with ExitStack() as stack:
        for party, letter in LETTERS.items():
            folder = tmp_path_factory.mktemp(party)
            (folder / "pact.toml").write_bytes(pact)
            key = folder / "key.pem"
            key.write_bytes(pem(letter))
            key.chmod(0o600)
            peers = ", ".join(
                f'"{other} http://127.0.0.1:{port}"' for other, port in ports.items() if other != party
            )
            (folder / "skypact.toml").write_text(
                f'[node]\nparty = "{party}"\nlisten = "127.0.0.1:{ports[party]}"\ndata_mode = "exercise"\n'
                f'[pact]\nfiles = ["pact.toml"]\npeers = [{peers}]\n'
                '[network]\nallow_private = ["127.0.0.0/8"]\n',
                encoding="utf-8",
            )
            made = stack.enter_context(node("--config", folder / "skypact.toml"))
            found[party] = Party(made, folder)
        for one in found.values():
            one.node.await_listening()
            one.node.await_ready()
            for name, role in (("rana", "watch-keeper"), ("omar", "observer")):
                config = one.folder / "skypact.toml"
                assert skypact("account", "add", name, "--role", role, "--config", config).status == 0
        yield found


def _ahead(made: Filing, **more: object) -> Filing:
    """A filing of tomorrow, as the clock of the machine has it."""
    start = time.time_ns() // 1_000 + DAY_US
    return replace(made, window=Window(start, start + 2 * HOUR_US), **more)  # type: ignore[arg-type]


def _saved(folder: Path, name: str, made: Filing) -> Path:
    path = folder / name
    path.write_bytes(write_filing(made))
    return path


def _narrow(ended: Ended) -> bool:
    return all(len(line) <= 80 for line in (ended.out + ended.err).splitlines())


def test_a_filing_goes_from_one_terminal_to_the_other(parties: dict[str, Party], tmp_path: Path) -> None:
    """Filed with one node, told, fetched and shown with the other, amended, cancelled; in 80 columns."""
    office, north = parties["office"], parties["north"]
    there = _saved(tmp_path, "practice.json", _ahead(activity(), filer="north", name="Range practice"))
    filed = north("file", there)
    assert (filed.status, filed.err) == (0, "")
    assert "activity  north/1 Range practice  filed" in filed.out
    assert "office: told version 1" in filed.out
    office.await_(lambda: "Range practice" in office("list").out)
    convoy = _saved(tmp_path, "hospital.json", site(name="City hospital"))
    dry = office("file", convoy, "--dry")
    assert dry.status in {0, 1}
    assert "nothing was filed, and nobody was told" in dry.out
    filed = office("file", convoy)
    assert "site  office/1 City hospital  filed" in filed.out
    assert "rana" in filed.out
    north.await_(
        lambda: any(
            f["here"] == "filing" for f in north("list", "--json", "--filer", "office").json["filings"]
        )
    )
    (line,) = [row for row in north("list").out.splitlines() if row.startswith("office/1")]
    assert "City hospital" in line
    shown = north("show", "office/1")
    assert shown.status == 0
    assert "No conflict found is not clear." in " ".join(shown.out.split())
    renamed = _saved(tmp_path, "renamed.json", site(name="Old hospital"))
    amended = office("amend", "1", renamed, "--json")
    assert (amended.json["version"], amended.json["state"]) == (2, "amended")
    north.await_(lambda: "Old hospital" in north("list").out)
    cancelled = office("cancel", "office/1")
    assert (cancelled.status, "cancelled" in cancelled.out) == (0, True)
    north.await_(lambda: "office/1" not in north("list").out)
    over = north("list", "--ended", "--state", "cancelled", "--json")
    assert [f["id"] for f in over.json["filings"]] == ["office/1"]
    assert all(_narrow(each) for each in (filed, dry, shown, cancelled, office("list")))


def test_a_list_goes_in_from_the_terminal_or_not_at_all(parties: dict[str, Party], tmp_path: Path) -> None:
    """Every fault is a line of its own and nothing is filed; without one, each row is a filing."""
    office = parties["office"]
    rows = template("sites")
    bad = tmp_path / "bad.csv"
    bad.write_text(rows.replace(",hospital,", ",,").replace(",well,", ",,"), encoding="utf-8")
    refused = office("import", bad)
    assert (refused.status, refused.out) == (2, "")
    assert [line for line in refused.err.splitlines() if "line 2, what" in line or "line 3, what" in line]
    good = tmp_path / "sites.csv"
    good.write_text(rows, encoding="utf-8")
    assert office("import", good, "--dry").status in {0, 1}
    taken = office("import", good)
    assert "City hospital" in taken.out
    assert "notified places have been hit" in " ".join(taken.out.split())
    listed = office("list", "--class", "site", "--json").json["filings"]
    assert {"City hospital", "East well"} <= {f["name"] for f in listed}
    stale = office("list", "--stale")
    assert stale.status == 0


def test_what_a_person_may_not_and_what_is_no_filing_is_one_line(
    parties: dict[str, Party], tmp_path: Path
) -> None:
    """An observer files nothing; a reference that is none, a folder, a missing argument are said as such."""
    office = parties["office"]
    path = _saved(tmp_path, "range.json", _ahead(activity()))
    for words, who, said in (
        (("file", path), "omar", "omar may not file here"),
        (("show", "office/99"), "rana", "no such filing"),
        (("show", "99x"), "rana", "no filing is called"),
        (("cancel", "north/1"), "rana", "only who files"),
        (("file", tmp_path), "rana", "is a folder"),
        (("file",), "rana", "takes FILE"),
        (("list", "x"), "rana", "takes no argument"),
        (("show", "1", "--dry"), "rana", "--dry is not an option"),
        (("list", "--class", "site", "--draft"), "rana", "--draft is not an option"),
    ):
        ended = office(*words, who=who)
        assert (ended.status, ended.out) == (2, ""), words
        assert said in ended.err, ended.err
        assert len(ended.err.splitlines()) == 1
    draft = office("file", path, "--draft")
    assert (draft.status, draft.out.startswith("draft  ")) == (0, True)
    assert (
        json.loads(office("list", "--json", "--class", "activity", "--filer", "office").out)["filings"] == []
    )
