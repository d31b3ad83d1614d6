"""The node's own key, in a file.

Law: a secret key is in a file that its owner alone can read, or it is not used. A file that is there is never
overwritten.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from skypact import seal
from skypact.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.node.config import Config
    from skypact.seal import SigningKey


def own_key(config: Config) -> SigningKey:
    """The node's own secret key.

    Raises
    ------
    InputError
        It cannot be read, others may read it too, or it is no key.
    """
    return secret_key(config.path(config.node.key), "node.key")


def record_key(config: Config) -> SigningKey:
    """The secret key that signs the record's checkpoints: ``record.key``, or the node's own.

    Raises
    ------
    InputError
        As :func:`own_key`; or it is no Ed25519 key.
    """
    name = config.record.key or config.node.key
    key = secret_key(config.path(name), "record.key" if config.record.key else "node.key")
    if not key.public.ed25519:
        raise InputError(
            "the record is signed with Ed25519",
            where="record.key",
            found=f"{name}: {key.public.algorithm}",
            expected="the file of an Ed25519 key of its own",
        )
    return key


def secret_key(path: Path, where: str) -> SigningKey:
    """The secret key of a file; ``where`` is the option or key of configuration that names it.

    Raises
    ------
    InputError
        It cannot be read, others may read it too, or it is no key.
    """
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})",
            where=where,
            found=str(path),
            expected="a key; 'skypact init' makes one",
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(
            "others may read the secret key",
            where=where,
            found=f"{path}, mode {mode & 0o777:04o}",
            expected="mode 0600",
        )
    return seal.signing_key(data, where=str(path))


def make_key(path: Path, algorithm: str) -> SigningKey:
    """Make a key and write it to a file of mode 0600; one that is there is never overwritten.

    Raises
    ------
    FileExistsError
        There is a file.
    """
    key = seal.generate(algorithm)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.pem())
        file.flush()
        os.fsync(file.fileno())
    return key


def data_directory(path: Path) -> None:
    """See to the data directory of an embedded node: the folder, mode 0700, and its key."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        make_key(path / "key.pem", "EdDSA")
