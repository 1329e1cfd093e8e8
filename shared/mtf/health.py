"""Health check for containers without curl: `python -m mtf.health URL` leaves with 0 when URL answers 2xx within 3 s.

Standard library alone, because it runs every few seconds; proxies of the environment are not asked, because the address is our own.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

TIMEOUT = 3.0


def check(url: str, timeout: float = TIMEOUT) -> str | None:
    """None when `url` answers 2xx in time, else what was found instead."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        return f"not an http address: {url}"
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return None if response.status // 100 == 2 else f"{response.status} {body}"  # noqa: PLR2004 - 2xx


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 healthy, 1 not, 2 called wrongly."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        sys.stderr.write("usage: python -m mtf.health URL\n")
        return 2
    trouble = check(given[0])
    if trouble is not None:
        sys.stderr.write(f"{trouble}\n")
    return int(trouble is not None)


if __name__ == "__main__":
    sys.exit(main())
