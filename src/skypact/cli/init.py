"""``skypact init``: a commented configuration and a key, to begin from.

Law: nothing that is there is overwritten. The secret key is readable by its owner alone; the public one
lies beside it, to be given to others. A second node on one machine (``--beside``) uses the key of the first,
which is named and not copied.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skypact.cli import OK, visible
from skypact.cli.parsing import Parser
from skypact.errors import InputError, UsageError

if TYPE_CHECKING:
    import argparse

    from skypact.node.config import Config

PORTS: Final = 50
"""How many ports above the first node's are tried for one beside it."""

_DESCRIPTION = "Write a commented configuration and keys into a folder."
_EPILOG = """\
Writes skypact.toml, key.pem (secret, mode 0600) and key.pub.pem; overwrites
nothing. Then: skypact up --config DIR/skypact.toml"""


def parser() -> argparse.ArgumentParser:
    """The options of ``skypact init``."""
    p = Parser("init", _DESCRIPTION, epilog=_EPILOG)
    p.add_argument("folder", metavar="DIR", type=Path, help="the folder; made where it is not there")
    p.add_argument("--party", metavar="NAME", default="skypact", help="who the node is (skypact)")
    p.add_argument(
        "--beside",
        metavar="DIR",
        type=Path,
        help="make it a second party on this machine, beside the node whose folder this is",
    )
    p.add_argument(
        "--key",
        choices=("EdDSA", "ES256", "RS256"),
        default="EdDSA",
        help="the kind of key: Ed25519, P-256 or RSA (EdDSA)",
    )
    return p


def run(options: argparse.Namespace) -> int:
    """Write them."""
    from skypact.node.config import NAME, parse, template
    from skypact.node.keys import make_key

    folder: Path = options.folder
    names = (NAME, "key.pem", "key.pub.pem")
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise UsageError(f"{folder}: {', '.join(there)} is there already; nothing was written")
    if options.beside is not None:
        _say(*begin_beside(folder, options.beside, party=options.party))
        _say(f"Next: skypact up --data {folder}")
        return OK
    text = template(options.party)
    parse(text, folder=folder)  # what it writes can be read
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = make_key(folder / "key.pem", options.key)
    _write(folder / "key.pub.pem", key.public.pem())
    _write(folder / NAME, text.encode())
    _say(
        f"{folder / NAME}: the configuration; every key has a comment",
        f"{folder / 'key.pem'}: the secret key ({options.key}), readable by its owner alone",
        f"{folder / 'key.pub.pem'}: the public key, for those who are to accept this node's tokens",
        f"  fingerprint {key.public.fingerprint}",
        f"Next: skypact up --config {folder / NAME}",
    )
    return OK


def begin_beside(folder: Path, beside: Path, *, party: str) -> tuple[str, ...]:
    """Write the configuration of a second node beside a first one; what was done, in lines.

    Parameters
    ----------
    beside
        The folder of the first node: its data directory, or where its ``skypact.toml`` is.

    Raises
    ------
    InputError, UsageError
        There is no node, or none for development; or no port is free.
    """
    from skypact.node.config import NAME, embedded, load, parse, template
    from skypact.node.config import beside as values
    from skypact.node.keys import own_key

    first = load(beside / NAME) if (beside / NAME).is_file() else embedded(beside)
    try:
        own_key(first)
    except InputError as error:
        raise UsageError(f"--beside {beside}: no node began there ({error})") from None
    if party == first.node.party:
        raise UsageError(f"--party: the node beside is {party!r} already; this one needs another name")
    listen = _free_above(first)
    key = os.path.relpath(first.path(first.node.key).resolve(), folder.resolve())
    text = template(party, values(first, listen=listen, key=key))
    parse(text, folder=folder)  # what it writes can be read
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / NAME, text.encode())
    return (
        f"{folder / NAME}: the configuration of {party}, beside {first.node.party}",
        f"  {first.path(first.node.key)} signs for both: for development, on one machine",
    )


def _free_above(first: Config) -> str:
    """An address on which nobody listens yet."""
    from skypact.node.config import address

    host, port = address(first.node.listen, where="node.listen")
    for other in range(port + 1, min(port + PORTS, 65_535) + 1):
        try:
            with socket.create_server((host, other), family=_family(host)):
                return f"[{host}]:{other}" if ":" in host else f"{host}:{other}"
        except OSError:
            continue
    raise UsageError(f"no port is free above {first.node.listen}; write node.listen yourself")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(visible(line) + "\n")


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        file.write(data)
