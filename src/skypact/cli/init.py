"""``skypact init``: a commented configuration and a key, to begin from.

Law: nothing that is there is overwritten. The secret key is readable by its owner alone; the public one
lies beside it, to be given to others.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from skypact.cli import OK, visible
from skypact.cli.parsing import Parser
from skypact.errors import UsageError

if TYPE_CHECKING:
    import argparse

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
    text = template(options.party)
    parse(text, folder=folder)  # what it writes can be read
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = make_key(folder / "key.pem", options.key)
    _write(folder / "key.pub.pem", key.public.pem())
    _write(folder / NAME, text.encode())
    for line in (
        f"{folder / NAME}: the configuration; every key has a comment",
        f"{folder / 'key.pem'}: the secret key ({options.key}), readable by its owner alone",
        f"{folder / 'key.pub.pem'}: the public key, for those who are to accept this node's tokens",
        f"  fingerprint {key.public.fingerprint}",
        f"Next: skypact up --config {folder / NAME}",
    ):
        sys.stdout.write(visible(line) + "\n")
    return OK


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        file.write(data)
