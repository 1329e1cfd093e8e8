"""Which addresses a source may call: never those that only a machine's own host should reach, private ones by permission."""

from __future__ import annotations

import fnmatch
import ipaddress
import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit, urlunsplit

from mtf.errors import EndpointError, SpecError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
"""Host and port to addresses, in the order to try them."""

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
"""Where cloud providers hand out credentials to whoever asks from the machine."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver. Raises EndpointError for an unknown name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise EndpointError(
            f"the host `{host[:100]}` has no address", field="dataset.source.url", found=str(error), fix="check the host's name"
        ) from None
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def permitted(host: str, port: int, allow: Sequence[str], resolver: Resolver = resolve) -> list[str]:
    """The addresses of `host` that may be called. Connect to these very addresses: a second lookup may give others.

    Raises SpecError where even one address is not allowed, because a name that also points inside is made to get inside.
    """
    addresses = resolver(host, port)
    for text in addresses:
        reason = refusal(host, ipaddress.ip_address(text), allow)
        if reason is not None:
            raise SpecError(f"`{host[:100]}` points at {reason}", field="dataset.source.url", found=text, fix=_fix(reason))
    return addresses


def refusal(host: str, address: Address, allow: Sequence[str]) -> str | None:
    """Why an address may not be called, or None."""
    address = _inner(address)
    if address in _METADATA:
        return "a metadata address, which is never called"
    if address.is_link_local:
        return "a link-local address, which is never called"
    if address.is_unspecified or address.is_multicast:
        return "an address that belongs to no machine"
    named = any(
        fnmatch.fnmatchcase(host.lower().rstrip("."), pattern.lower()) for pattern in allow if pattern not in {"loopback", "private"}
    )
    if address.is_loopback:
        return None if named or "loopback" in allow else "a loopback address"
    if address.is_global and address not in _SHARED:
        return None
    return None if named or "private" in allow else "a private address"


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, which is where the packets go."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or address


def _fix(reason: str) -> str:
    if "never" in reason or "no machine" in reason:
        return "give the address of a server that holds data"
    return "an operator can allow it: name the host, `loopback` or `private` in MTF_HTTP_ALLOW"


def public_address(url: str) -> str:
    """An address as it may be shown: a user part is dropped and a query, which often carries a key, is `…`."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))
