"""Accounts from the terminal: made, listed, changed, ended, acted with; and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from server.running import Node, node
from shell import Ended, skypact
from skypact.cli import command
from skypact.cli.account import ACTIONS, ROLES, table
from skypact.desk.accounts import NAME_MAX, SCOPE, Role
from skypact.seal import take_apart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    """A node of this machine, and its data directory."""
    folder = tmp_path_factory.mktemp("node") / "data"
    with node("--data", folder, "--listen", "127.0.0.1:0") as made:
        made.await_listening()
        yield made, folder


def run(running: tuple[Node, Path], *arguments: str) -> Ended:
    """``skypact account``, against that node."""
    made, folder = running
    return skypact("account", *arguments, "--url", f"http://127.0.0.1:{made.port}", "--data", folder)


def token(running: tuple[Node, Path], name: str, *more: str) -> str:
    """A token for an account."""
    ended = skypact("account", "token", name, *more, "--data", running[1])
    assert (ended.status, ended.err) == (0, "")
    return ended.out.strip()


def test_an_account_from_its_making_to_its_end(running: tuple[Node, Path]) -> None:
    """The token of a person says who acts; when the account is ended it opens nothing any more."""
    made = run(running, "add", "Rana H.", "--role", "watch-keeper", "--display", "R. Haddad, watch A")
    assert (made.status, made.err) == (0, "")
    assert made.out.startswith("made   Rana H.  watch-keeper  (leaf ")
    bearer = f"Bearer {token(running, 'Rana H.')}"
    status, me, _ = running[0].ask("GET", "/api/v1/me", authorization=bearer)
    assert (status, me["role"], me["may"]) == (200, "watch-keeper", ["read", "say", "file"])
    assert run(running, "role", "Rana H.", "duty-officer").out.startswith("now    Rana H.  duty-officer")
    assert running[0].ask("GET", "/api/v1/me", authorization=bearer)[1]["post"] == "duty-officer"
    ended = run(running, "end", "Rana H.")
    assert (ended.status, ended.out.split()[0]) == (0, "ended")
    status, problem, _ = running[0].ask("GET", "/api/v1/me", authorization=bearer)
    assert (status, "was ended at" in problem["detail"]) == (403, True)
    again = run(running, "add", "rana h.", "--role", "observer")
    assert (again.status, "a name is never given twice" in again.err) == (2, True)
    (row,) = [row for row in run(running, "list", "--json").json["accounts"] if row["name"] == "Rana H."]
    assert (row["role"], "ended" in row, row["created_by"]) == ("duty-officer", True, "skypact")
    listed = run(running, "list")
    assert "R. Haddad, watch A" in listed.out
    assert all(len(line) <= 80 for line in listed.out.splitlines())


def test_an_administrator_acts_under_his_own_name(running: tuple[Node, Path]) -> None:
    """``--as`` asks for an account; what it may not do is refused, and his own account is not his to end."""
    assert run(running, "add", "adm", "--role", "administrator", "--json").json["created_by"] == "skypact"
    made = run(running, "add", "obs", "--role", "observer", "--json", "--as", "adm")
    assert (made.status, made.json["created_by"]) == (0, "adm")
    own = run(running, "end", "adm", "--as", "adm")
    assert (own.status, "nobody changes or ends his own account" in own.err) == (2, True)
    may_not = run(running, "list", "--as", "obs")
    assert (may_not.status, "obs may not administer here" in may_not.err) == (2, True)
    nobody = run(running, "list", "--as", "nobody")
    assert (nobody.status, "nobody has no account here" in nobody.err) == (2, True)


def test_a_token_of_an_account_is_for_people_alone_and_short(running: tuple[Node, Path]) -> None:
    """A quarter of an hour where nothing is said, an hour at most."""
    for more, life_s in (((), 900), (("--expires", "1h"), 3_600)):
        claims = take_apart(token(running, "rana", *more)).claims
        assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("rana", SCOPE, life_s)
    longer = skypact("account", "token", "rana", "--expires", "2h", "--data", running[1])
    assert (longer.status, "an hour at most" in longer.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("add", "x"), "'skypact account add' takes NAME --role ROLE"),
        (("add", "--role", "observer"), "'skypact account add' takes NAME --role ROLE"),
        (("add", "x", "--role", "king"), "invalid choice: 'king'"),
        (("list", "x"), "'skypact account list' takes no argument"),
        (("role", "x"), "'skypact account role' takes NAME ROLE"),
        (("role", "x", "king"), "no such role; found 'king', expected observer, watch-keeper"),
        (("end",), "'skypact account end' takes NAME"),
        (("end", "x", "--role", "observer"), "--role is an option of add, not of 'end'"),
        (("list", "--expires", "5min"), "--expires is an option of token, not of 'list'"),
        (("list", "--as", "a\nb"), "--as: 1 to 100 printable characters"),
        (("list", "--as", ""), "--as: 1 to 100 printable characters"),
        (("list", "--as", "x" * 101), "--as: 1 to 100 printable characters"),
        (("list", "--as", "x", "--token", "y"), "--as: a token says itself who asks"),
        (("token", "x", "--as", "y"), "signs with the node's own key: no --token, --as or --url"),
        (("token", "x", "--json"), "--json is an option of add, list, role, end, not of 'token'"),
        (("king",), "invalid choice: 'king'"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_a_node_is_asked(
    arguments: tuple[str, ...], text: str, running: tuple[Node, Path]
) -> None:
    """Status 2, one line that says what was wrong, and no traceback."""
    ended = skypact("account", *arguments, "--data", running[1])
    assert (ended.status, ended.out) == (2, "")
    assert text in ended.err
    assert len(ended.err.splitlines()) == 1


def test_the_terminal_has_the_roles_and_bounds_that_the_node_has() -> None:
    """The words are spelt out here, and are the desk's."""
    assert tuple(role.value for role in Role) == ROLES
    assert all(f"  {name} " in command("account").parser().format_help() for name in ACTIONS)
    assert NAME_MAX == 100


def test_a_list_fits_eighty_columns_whatever_the_names() -> None:
    """Long and wide names are shortened, and what could steer a terminal is written out."""
    rows = [
        {"name": "名" * 100, "role": "watch-keeper", "display": "d" * 200, "created": "2026-06-01T10:00:00Z"},
        {
            "name": "a",
            "role": "observer",
            "display": "",
            "created": "2026-06-01T10:00:00.5Z",
            "ended": "2027-06-01T10:00:00Z",
        },
        {"name": "e\u202ee", "role": "observer", "display": "", "created": "2026-06-01T10:00:00Z"},
    ]
    lines = list(table(rows))
    assert max(map(len, lines)) <= 80
    assert lines[3] == f"{'a':<24}  observer       2026-06-01 10:00  2027-06-01 10:00"
    assert "\\u202e" in lines[4]
    assert list(table([])) == ["no accounts"]
    assert json.dumps(rows)
