"""Calls to addresses that a user named: never those that only a machine's own host should reach, all others by permission.

Every request passes the transport below, also those that follow a redirect. It looks the host up itself, checks what it finds, and connects to
that very address, with the host's name kept for TLS and for the `Host` header: no second lookup can answer differently (DNS rebinding).
"""

from __future__ import annotations

import fnmatch
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence

import httpx2

from mtf.errors import EndpointError, SpecError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
"""Host and port to addresses, in the order to try them. Raises OSError."""

PORTS = {"http": 80, "https": 443}
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
"""Where cloud providers hand out credentials to whoever asks from the machine."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_RANGES = frozenset({"loopback", "private", "public"})


class GuardedTransport(httpx2.BaseTransport):
    """Calls permitted addresses only. Proxies of the environment are ignored, because a proxy would do the lookup.

    Args:
        allow: Host patterns, `loopback`, `private` and `public` (`SourceContext.http_allow`); without any nothing is called.
        field: What an error names as the wrong field, for example `model.source.url`.
        resolver: The system's by default.
        verify: How TLS certificates are checked.
    """

    def __init__(self, allow: Sequence[str], *, field: str, resolver: Resolver | None = None, verify: ssl.SSLContext | bool = True) -> None:
        self._allow, self._field, self._resolver = tuple(allow), field, resolver or look_up
        self._inner = httpx2.HTTPTransport(verify=verify, trust_env=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises SpecError for an address that may not be called, EndpointError for a host without one."""
        scheme, host = request.url.scheme, request.url.host
        if scheme not in PORTS:
            raise SpecError("only http and https addresses are called", field=self._field, found=scheme, fix="give an http(s) address")
        addresses = permitted(host, request.url.port or PORTS[scheme], self._allow, field=self._field, resolver=self._resolver)
        for place, address in enumerate(addresses):
            pinned = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return self._inner.handle_request(pinned)
            except httpx2.ConnectError:
                if place == len(addresses) - 1:
                    raise
        raise EndpointError(f"the host `{host[:100]}` has no address", field=self._field)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def permitted(host: str, port: int, allow: Sequence[str], *, field: str, resolver: Resolver = look_up) -> list[str]:
    """The addresses of `host` that may be called. Connect to these very addresses: a second lookup may give others.

    Raises EndpointError for a name without an address, and SpecError where even one address is not allowed, because a name that also points
    inside is made to get inside.
    """
    try:
        addresses = resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise EndpointError(f"the host `{host[:100]}` has no address", field=field, found=str(error), fix="check the host's name") from None
    for text in addresses:
        reason = refusal(host, ipaddress.ip_address(text), allow)
        if reason is not None:
            raise SpecError(f"`{host[:100]}` points at {reason}", field=field, found=text, fix=_fix(reason))
    return addresses


def refusal(host: str, address: Address, allow: Sequence[str]) -> str | None:
    """Why an address may not be called, or None."""
    address = _inner(address)
    if address in METADATA:
        return "a metadata address, which is never called"
    if address.is_link_local:
        return "a link-local address, which is never called"
    if address.is_unspecified or address.is_multicast:
        return "an address that belongs to no machine"
    named = any(fnmatch.fnmatchcase(host.lower().rstrip("."), pattern.lower()) for pattern in allow if pattern not in _RANGES)
    if address.is_loopback:
        return None if named or "loopback" in allow else "a loopback address"
    if address.is_global and address not in _SHARED:
        return None if named or "public" in allow else "a public address that nobody allowed"
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
        return "give the address of a server that may be called"
    return "an operator can allow it: name the host, `loopback`, `private` or `public` in MTF_HTTP_ALLOW"
