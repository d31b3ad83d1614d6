"""What calls go out through, as the configuration tells it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from skypact.courier.addresses import Addresses
from skypact.courier.client import Client
from skypact.errors import InputError

if TYPE_CHECKING:
    from skypact.node.config import Config


def calling(config: Config) -> Client:
    """A client without tokens yet.

    Raises
    ------
    InputError
        ``outgoing.trust_file`` has no certificates.
    """
    told = config.outgoing
    trust = str(config.path(told.trust_file)) if told.trust_file else None
    try:
        return Client(Addresses(config.networks), trust=trust)
    except (OSError, ssl.SSLError):
        raise InputError("no certificates in PEM", where="outgoing.trust_file", found=trust) from None
