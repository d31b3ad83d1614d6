"""``skypact token``: a token signed by this node's own key, for development.

Law: the key is read, never shown. What is printed is the token and a line end, so that it fits in a script.
"""

from __future__ import annotations

import sys
import time
import uuid
from typing import TYPE_CHECKING, Final

from skypact.cli import OK
from skypact.cli.parsing import Parser, duration_s
from skypact.cli.up import places, told
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

LIFE_S: Final = 3_600.0

_DESCRIPTION = """\
Print a bearer token signed by this node's own key, for development.

A node accepts tokens of its own key where auth.own_issuer is on; others
accept them where they were told of the key (key.pub.pem)."""
_EPILOG = """\
Example:
  TOKEN=$(skypact token --sub uss1 --scope utm.strategic_coordination)
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8650/..."""


_SUB_MAX: Final = 255
"""As many characters as every node takes."""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact token``."""
    p = Parser("token", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("--sub", metavar="PARTY", required=True, help="who the token is for")
    p.add_argument("--scope", metavar="SCOPES", required=True, help="what it permits; quote several")
    p.add_argument("--audience", metavar="HOST", help="which node it is for (this one)")
    p.add_argument(
        "--expires",
        metavar="DURATION",
        type=duration_s,
        default=LIFE_S,
        help="how long it lives (1h, the most)",
    )
    places(p)
    return p


def run(options: argparse.Namespace) -> int:
    """Print one."""
    from skypact.node.keys import own_key
    from skypact.seal import access_token

    if options.expires > LIFE_S:
        raise UsageError(f"--expires: a token lives an hour at most; found {options.expires:g} s")
    if not 1 <= len(options.sub) <= _SUB_MAX or not options.sub.isprintable():
        raise UsageError(f"--sub: 1 to {_SUB_MAX} printable characters; found {options.sub!r}")
    if not options.scope.isascii() or not options.scope.isprintable():
        raise UsageError(f"--scope: printable ASCII, spaces between; found {options.scope!r}")
    config = told(options, make=False)
    now_s = time.time_ns() // 1_000_000_000  # the terminal is one of the places where the clock enters
    text = access_token(
        own_key(config),
        issuer=config.issuer,
        party=options.sub,
        audience=options.audience or config.audiences[0],
        scope=" ".join(options.scope.split()),
        now_s=now_s,
        end_s=now_s + max(1, int(options.expires)),
        ident=uuid.uuid4().hex,
    )
    sys.stdout.write(text + "\n")
    return OK
