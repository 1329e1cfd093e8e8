"""An HTTP transport that looks a host up itself, checks what it finds, and connects to that and nothing else.

Every request passes here, also those that follow a redirect. Connecting to the checked address, with the host's name kept for TLS and for the
`Host` header, leaves no second lookup that could answer differently (DNS rebinding).
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import httpx2

from mtf.errors import SpecError
from mtf_acquisition.net.addresses import Resolver, permitted, resolve

_PORTS = {"http": 80, "https": 443}


class GuardedTransport(httpx2.BaseTransport):
    """Calls permitted addresses only. Proxies of the environment are ignored, because a proxy would do the lookup."""

    def __init__(self, allow: Sequence[str], resolver: Resolver = resolve, verify: ssl.SSLContext | bool = True) -> None:
        self._allow, self._resolver = tuple(allow), resolver
        self._inner = httpx2.HTTPTransport(verify=verify, trust_env=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises SpecError for an address that may not be called."""
        scheme, host = request.url.scheme, request.url.host
        if scheme not in _PORTS:
            raise SpecError(
                "only http and https addresses are read", field="dataset.source.url", found=scheme, fix="give an http(s) address"
            )
        addresses = permitted(host, request.url.port or _PORTS[scheme], self._allow, self._resolver)
        for last, address in zip([False] * (len(addresses) - 1) + [True], addresses, strict=True):
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
                if last:
                    raise
        raise AssertionError("a resolver that finds nothing raises")

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
