"""The pact's files, as the configuration names them: each text with the signatures beside it.

Law: nothing is decided here; a file that cannot be read ends the start, by name. The signatures of
``pact-1.toml`` are in ``pact-1.toml.sigs``, where there are any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skypact.errors import InputError
from skypact.formats.pact_signatures import SUFFIX, read_signatures
from skypact.formats.pact_toml import read_pact
from skypact.pact.signatures import Edition

if TYPE_CHECKING:
    from pathlib import Path

    from skypact.node.config import Config


def editions(config: Config) -> tuple[Edition, ...]:
    """The versions of the pact, from the first one on.

    Raises
    ------
    InputError
        A file cannot be read, or is no pact or no signatures.
    """
    return tuple(
        _edition(config.path(name), f"pact.files[{at}]") for at, name in enumerate(config.pact.files)
    )


def _edition(path: Path, where: str) -> Edition:
    text = _bytes(path, where)
    pact = read_pact(text, str(path)).pact
    assert pact is not None  # noqa: S101  # read_pact gives one or raises
    beside = path.with_name(path.name + SUFFIX)
    signatures = read_signatures(_bytes(beside, where), str(beside)) if beside.exists() else ()
    return Edition(pact, text, signatures)


def _bytes(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=where, found=str(path)) from None
