"""Where outgoing calls may reach: the address that is connected to, not the name that was given.

Law: a peer tells us URLs, and a name in a URL can mean any address, another one at every look. So a name is
resolved once, every address is judged, and the connection is made to a literal address that passed; nothing
resolves it again. Only addresses of the public internet pass. Loopback, private, link-local (where clouds
keep their secrets), carrier-grade, multicast, unspecified, documentation and reserved ones pass only inside
the networks that the configuration names. An IPv4 address in the clothes of IPv6 (mapped, 6to4, Teredo,
NAT64) is judged as what it is.

Sources: IANA's special-purpose registries, by way of :mod:`ipaddress`; RFC 6052, 3056, 4380.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING, Final, TypeVar

from skypact.errors import InputError, SkypactError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

P = TypeVar("P", bound=asyncio.Protocol)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_CONNECT_S: Final = 3.0
"""Seconds for one address, so that a name's other addresses still get their turn."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out of IPv6 for public use; the rest is not assigned."""
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


def network(text: str, *, where: str = "") -> Network:
    """A network in CIDR notation, or one address.

    Raises
    ------
    InputError
        It is none.
    """
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InputError(
            "not a network", where=where, found=text, expected="CIDR notation, like 10.0.0.0/8 or ::1/128"
        ) from None


def plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries in itself; any other address as it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    inside = address in _NAT64 or address in _NAT64_LOCAL
    if inside or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


class Addresses:
    """Which addresses may be connected to.

    Parameters
    ----------
    allowed
        Networks that may be reached although they are not of the public internet.
    """

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        self.allowed = tuple(allowed)

    def named(self, address: Address) -> bool:
        """Whether the address is in a network that the configuration names."""
        real = plain(address)
        return any(real in item for item in self.allowed if item.version == real.version)

    def permits(self, address: Address) -> bool:
        """Whether the address may be connected to."""
        real = plain(address)
        public = real.is_global and not real.is_multicast and (real.version == 4 or real in _UNICAST)
        return public or self.named(real)

    def permits_text(self, text: str) -> bool:
        """The same of an address as text, with or without a zone; what is no address is not permitted."""
        try:
            return self.permits(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return False

    def named_text(self, text: str) -> bool:
        """Whether an address as text is in a network that the configuration names."""
        try:
            return self.named(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return False


class NotPermitted(SkypactError):  # noqa: N818  # a judgement, not a fault of the network
    """None of the addresses of a name may be connected to."""


class NotReached(SkypactError):  # noqa: N818  # an outcome
    """A name is not known, or nothing answers at its addresses."""


async def connect(
    addresses: Addresses,
    host: str,
    port: int,
    make: Callable[[], P],
    *,
    tls: ssl.SSLContext | None,
) -> P:
    """Connect to the first address of a name that may be connected to and answers.

    Parameters
    ----------
    addresses
        Which may be connected to.
    make
        Makes the connection's protocol.
    tls
        What verifies the certificate, which must be of ``host``; None: plain, and only where it is named.

    Raises
    ------
    NotPermitted
        None of its addresses may be connected to, or not without TLS.
    NotReached
        The name is not known, nothing answers, or the certificate does not hold.
    """
    listed = await _resolved(host, port)
    permitted = [address for address in listed if addresses.permits_text(address)]
    if not permitted:
        raise NotPermitted(f"{host} is {', '.join(listed) or 'nowhere'}, which may not be reached from here")
    if tls is None:
        plainly = [text for text in permitted if addresses.named_text(text)]
        if not plainly:
            raise NotPermitted(
                f"{permitted[0]} is reached by https only;"
                " network.allow_private names where plain http may go"
            )
        permitted = plainly
    loop = asyncio.get_running_loop()
    failed = ""
    for address in permitted:
        try:
            async with asyncio.timeout(_CONNECT_S):
                transport, protocol = await loop.create_connection(
                    make, address, port, ssl=tls, server_hostname=None if tls is None else host
                )
        except TimeoutError:
            failed = f"{address} does not answer within {_CONNECT_S:g} s"
            continue
        except ssl.SSLError as error:
            raise NotReached(_plainly(error)) from None
        except OSError as error:
            failed = _plainly(error)
            continue
        peer = transport.get_extra_info("peername")
        if peer is None or not addresses.permits_text(str(peer[0])):
            transport.abort()
            raise NotPermitted(f"{host} was connected to {peer}, which may not be reached from here")
        return protocol
    raise NotReached(failed)


def _plainly(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return text or f"the connection failed ({type(error).__name__})"


async def _resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, each once, in the order in which the system gives them."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotReached(f"{host} cannot be resolved ({error})") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
