"""``skypact account``: the accounts of a party's people, of the node that runs here.

Law: what is done to an account the node does, and writes down by whom; here nothing is decided. A token is
signed here, with the key of the node's own data directory: whoever can read that key can act as anybody.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from skypact.cli import OK, visible
from skypact.cli.calling import ask, made, options
from skypact.cli.output import standard_output
from skypact.cli.parsing import Parser, duration_s
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

SCOPE: Final = "skypact.people"
ROLES: Final = ("observer", "watch-keeper", "duty-officer", "investigator", "administrator")
"""The roles, spelt out: importing the desk would cost the database before any option is read."""
LIFE_S: Final = 900.0
"""How long a token lives, where nothing else is said."""
LONGEST_S: Final = 3_600.0
_PATH: Final = "/api/v1/accounts"
_NAME: Final = 24
_MINUTE: Final = len("2026-06-01 10:00")

ACTIONS: Final = {
    "add": ("NAME", "--role ROLE"),
    "list": (),
    "role": ("NAME", "ROLE"),
    "end": ("NAME",),
    "token": ("NAME",),
}
"""What there is to do, and what each takes."""
_OPTIONS: Final = {
    "role": ("add",),
    "display": ("add",),
    "expires": ("token",),
    "json": ("add", "list", "role", "end"),
}
"""Which options belong to which actions."""

_DESCRIPTION = """\
The accounts of a party's people, of the node that runs here.

  add NAME --role ROLE  make an account; a name is one person's for ever
  list                  list them, those that were ended too
  role NAME ROLE        give an account another role, from its next act on
  end NAME              end it, at once and for ever
  token NAME            print a token for it, signed by the node's own key

Roles: observer, watch-keeper, duty-officer, investigator, administrator."""
_EPILOG = """\
  skypact account add rana --role watch-keeper --display "R. Haddad, watch A"
  TOKEN=$(skypact account token rana)

Exit status: 0 done, 2 bad usage, the node refused, or no node answers."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact account``."""
    p = Parser("account", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("action", metavar="ACTION", choices=tuple(ACTIONS), help="one of the above")
    p.add_argument("what", metavar="ARGUMENT", nargs="*", help="as above")
    p.add_argument("--role", metavar="ROLE", choices=ROLES, help="of add: as what the person acts")
    p.add_argument("--display", metavar="TEXT", help="of add: what is shown beside the name")
    p.add_argument(
        "--expires",
        metavar="DURATION",
        type=duration_s,
        help="of token: how long it lives (15min; 1h at most)",
    )
    p.add_argument("--json", action="store_true", help="print the node's answer as JSON")
    options(p)
    return p


def run(given: argparse.Namespace) -> int:
    """Do it."""
    _demand(given)
    if given.action == "token":
        return _token(given)
    with standard_output():
        if given.action == "list":
            answer = ask(given, "GET", _PATH, scope=SCOPE)[1]
            _say(given, answer, table(answer["accounts"]))
            return OK
        account = _done(given)
        _say(given, account, _told(given.action, account))
    return OK


def _demand(given: argparse.Namespace) -> None:
    """Refuse what does not belong to the action, before a node is asked."""
    takes = ACTIONS[given.action]
    names = [name for name in takes if not name.startswith("-")]
    if len(given.what) != len(names) or (given.action == "add" and given.role is None):
        raise UsageError(f"'skypact account {given.action}' takes {' '.join(takes) or 'no argument'}")
    for name, actions in _OPTIONS.items():
        if getattr(given, name) and given.action not in actions:
            raise UsageError(f"--{name} is an option of {', '.join(actions)}, not of '{given.action}'")
    if given.action == "role" and given.what[1] not in ROLES:
        raise UsageError(f"no such role; found {given.what[1][:60]!r}, expected {', '.join(ROLES)}")


def _done(given: argparse.Namespace) -> dict[str, Any]:
    """What the node has done with one account."""
    name = given.what[0]
    place = f"{_PATH}/{quote(name, safe='')}"
    if given.action == "add":
        body = {"name": name, "role": given.role, "display": given.display or ""}
        return dict(ask(given, "POST", _PATH, scope=SCOPE, body=_json(body))[1])
    if given.action == "role":
        return dict(ask(given, "PUT", place, scope=SCOPE, body=_json({"role": given.what[1]}))[1])
    return dict(ask(given, "POST", f"{place}/end", scope=SCOPE)[1])


def _token(given: argparse.Namespace) -> int:
    """Print a token for a person."""
    if given.token or given.account or given.url:
        raise UsageError("'skypact account token' signs with the node's own key: no --token, --as or --url")
    life_s = LIFE_S if given.expires is None else given.expires
    if life_s > LONGEST_S:
        raise UsageError(f"--expires: a token lives an hour at most; found {life_s:g} s")
    given.account = given.what[0]
    sys.stdout.write(made(given, SCOPE, life_s=max(1, int(life_s))) + "\n")
    return OK


def table(accounts: list[dict[str, Any]]) -> Iterator[str]:
    """Accounts as lines of at most 80 columns; instants are UTC."""
    from skypact.cli.table import elided, padded

    if not accounts:
        yield "no accounts"
        return
    yield f"{'name':<{_NAME}}  {'role':<13}  {'since':<{_MINUTE}}  ended"
    for account in accounts:
        name = padded(elided(visible(account["name"]), _NAME), _NAME)
        since, ended = (_minute(account.get(key, "")) for key in ("created", "ended"))
        yield f"{name}  {account['role']:<13}  {since}  {ended}".rstrip()
        if account["display"]:
            yield f"  {elided(visible(account['display']), 78)}"


def _minute(text: str) -> str:
    """``2026-06-01T10:00:00Z`` as ``2026-06-01 10:00``."""
    return text[:_MINUTE].replace("T", " ")


def _told(action: str, account: dict[str, Any]) -> Iterator[str]:
    word = {"add": "made ", "role": "now  ", "end": "ended"}[action]
    yield f"{word}  {visible(account['name'])}  {account['role']}  (leaf {account['leaf']})"


def _say(given: argparse.Namespace, answer: dict[str, Any], lines: Iterator[str]) -> None:
    if given.json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
        return
    for line in lines:
        sys.stdout.write(line + "\n")


def _json(value: dict[str, Any]) -> bytes:
    import msgspec

    return msgspec.json.encode(value)
