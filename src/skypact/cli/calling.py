"""A running node, as the terminal's verbs ask it: with a token, and answers that a person can read.

Law: nothing is asked twice, nothing is followed elsewhere, and the environment is not looked at (no proxy, no
netrc). A refusal of the node becomes one line; what stands in the way of a flight is told in full. A token is
given with ``--token``, or made with the key of the node's own data directory: for the party itself, or with
``--as`` for one of its people.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from skypact.cli.up import places, told
from skypact.errors import SkypactError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

TIMEOUT_S: Final = 30.0
LIFE_S: Final = 300
_NAME_MAX: Final = 100
"""As many characters as a node takes for the name of an account."""


class Refusal(SkypactError):  # noqa: N818 -- an answer, of which each verb makes what it must
    """The node answered, and did not do it.

    Attributes
    ----------
    status
        Of HTTP.
    problem
        Its problem details.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        said = problem.get("detail") or problem.get("message") or problem.get("title") or "without a word"
        correlation = problem.get("correlation")
        super().__init__(f"{said}" + (f" (correlation {correlation})" if correlation else ""))


def options(p: argparse.ArgumentParser) -> None:
    """The options of every verb that asks a node."""
    p.add_argument("--url", metavar="URL", help="the node; by default as it is configured")
    p.add_argument("--token", metavar="TOKEN", help="a bearer token; by default one is made")
    p.add_argument("--as", dest="account", metavar="NAME", help="make it for this account (the party itself)")
    places(p)


def ask(
    given: argparse.Namespace,
    method: str,
    path: str,
    *,
    scope: str,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, Any]:
    """Ask the node; answers the status and the JSON of an answer that is none of refusal.

    Raises
    ------
    Refusal
        The node refused.
    UsageError
        It cannot be reached, or the URL is none.
    """
    status, content = fetch(given, method, path, scope=scope, query=query, body=body)
    return status, _read(content, status)


def fetch(
    given: argparse.Namespace,
    method: str,
    path: str,
    *,
    scope: str,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, bytes]:
    """Ask the node for what is no JSON: its bytes as they came; raises as :func:`ask` does."""
    import httpx

    base = (told(given, make=False).base_url if given.url is None else given.url).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise UsageError(
            f"--url: not the URL of a node; found {given.url!r}, expected like http://127.0.0.1:8650"
        )
    url = base + path + (f"?{urlencode(query)}" if query else "")
    if given.token and given.account:
        raise UsageError("--as: a token says itself who asks; give --token or --as")
    token = given.token or made(given, scope)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("--token: no bearer token; expected one word, as 'skypact token' prints it")
    try:
        with httpx.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT_S) as client:
            answer = client.request(method, url, content=body, headers={"authorization": f"Bearer {token}"})
    except httpx.InvalidURL as error:
        raise UsageError(f"--url: not the URL of a node ({error})") from None
    except httpx.ConnectError as error:
        why = str(error) or type(error).__name__
        raise UsageError(f"no node answers at {base} ({why}); 'skypact up' starts one") from None
    except httpx.TransportError as error:
        why = str(error) or type(error).__name__
        raise UsageError(
            f"{base} gave no answer ({why}); what was asked may be done: 'skypact flights' tells"
        ) from None
    if answer.status_code >= 300:
        content = _read(answer.content, answer.status_code)
        raise Refusal(answer.status_code, content if isinstance(content, dict) else {})
    return answer.status_code, answer.content


def _read(content: bytes, status: int) -> Any:
    """The JSON of an answer."""
    import msgspec

    try:
        return msgspec.json.decode(content) if content else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UsageError(f"what answers there is no node: status {status}") from None


def made(given: argparse.Namespace, scope: str, *, life_s: int = LIFE_S) -> str:
    """A token for this party's own node, signed with the key of its data directory.

    It is the party's own, or that of the account which ``--as`` names.

    Raises
    ------
    UsageError
        No token can have that name.
    """
    from skypact.node.keys import own_key
    from skypact.seal import access_token

    name: str | None = given.account
    if name is not None and (not 1 <= len(name) <= _NAME_MAX or not name.isprintable()):
        raise UsageError(f"--as: 1 to {_NAME_MAX} printable characters; found {name[:60]!r}")
    config = told(given, make=False)
    now_s = time.time_ns() // 1_000_000_000  # the terminal is one of the places where the clock enters
    return access_token(
        own_key(config),
        issuer=config.issuer,
        party=config.node.party if name is None else name,
        audience=config.audiences[0],
        scope=scope,
        now_s=now_s,
        end_s=now_s + life_s,
        ident=uuid.uuid4().hex,
    )


def instant(text: str) -> str:
    """``2026-06-01T10:00:00Z`` as ``06-01 10:00:00``; an open one as it is."""
    return text[5:19].replace("T", " ") if len(text) >= 20 else text
