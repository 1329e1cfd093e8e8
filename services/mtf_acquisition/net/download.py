"""Fetching one address into a file: bounded time, bounded size, three more tries, and an error that says what to do."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2

from mtf.errors import DataError, EndpointError, LimitError, MtfError, SpecError

RETRIES = 3
REDIRECTS = 5
FIELD = "dataset.source.url"
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSED = frozenset({401, 403, 407})
_LONGEST_WAIT = 30.0

T = TypeVar("T")
Transports = Callable[[], httpx2.BaseTransport]
"""Makes the transport of one try."""


@dataclass(frozen=True)
class Call:
    """What to fetch and how patiently. `shown` is the address without secrets."""

    url: str
    shown: str
    secret: str | None
    max_bytes: int
    connect_timeout: float
    read_timeout: float
    backoff: float = 0.5
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Fetched:
    """What arrived."""

    size: int
    etag: str | None
    modified: str | None
    kind: str
    """The media type that the server named."""


class _AgainError(Exception):
    """This try failed in a way that another one may not."""

    def __init__(self, error: MtfError, wait: float | None = None) -> None:
        super().__init__(error.message)
        self.error, self.wait = error, wait


def fetch(call: Call, transport: Transports, path: Path) -> Fetched:
    """Download into `path`. Raises DataError (404 and the like), SpecError, LimitError, or EndpointError after the last try."""
    return _persistently(call, lambda: _download(call, transport, path))


def etag(call: Call, transport: Transports) -> str | None:
    """The strong ETag that the server names now, or None where it names none or does not answer: then the download tells why."""
    try:
        with _answer(call, transport, "HEAD") as response:
            return strong(response.headers.get("etag")) if response.is_success else None
    except (_AgainError, DataError):
        return None


def strong(tag: str | None) -> str | None:
    """An ETag that changes with every byte; a weak one (`W/`) promises less."""
    return tag if tag and not tag.startswith("W/") else None


def _persistently(call: Call, attempt: Callable[[], T]) -> T:
    for number in range(RETRIES + 1):
        try:
            return attempt()
        except _AgainError as again:
            if number == RETRIES:
                raise EndpointError(
                    f"{again.error.message} ({RETRIES + 1} tries)", field=FIELD, found=again.error.found, fix=again.error.fix
                ) from None
            wait = call.backoff * 2**number * (0.5 + random.random())  # noqa: S311 - jitter keeps clients apart, it hides nothing
            call.sleep(min(max(wait, again.wait or 0.0), _LONGEST_WAIT))
    raise AssertionError("the last try returns or raises")


def _download(call: Call, transport: Transports, path: Path) -> Fetched:
    with _answer(call, transport, "GET") as response:
        _check_status(call, response)
        expected = response.headers.get("content-length", "")
        if expected.isdecimal() and int(expected) > call.max_bytes:
            raise _too_large(call, int(expected))
        _check_packing(call, response)
        size = 0
        with path.open("wb") as file:
            for chunk in response.iter_raw(1 << 20):
                size += len(chunk)
                if size > call.max_bytes:
                    raise _too_large(call, size)
                file.write(chunk)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Fetched(size, response.headers.get("etag"), response.headers.get("last-modified"), kind)


@contextmanager
def _answer(call: Call, transport: Transports, method: str) -> Iterator[httpx2.Response]:
    """The answer, with every failure of the line told apart. No message repeats the address's query or a header."""
    timeout = httpx2.Timeout(call.read_timeout, connect=call.connect_timeout)
    headers = {"user-agent": "model-testing-framework", "accept-encoding": "identity", **_authorization(call.secret)}
    try:
        with (
            httpx2.Client(
                transport=transport(), timeout=timeout, follow_redirects=True, max_redirects=REDIRECTS, trust_env=False
            ) as client,
            client.stream(method, call.url, headers=headers) as response,
        ):
            yield response
    except httpx2.ConnectTimeout:
        raise _AgainError(_endpoint(call, f"did not accept a connection within {call.connect_timeout:g} s")) from None
    except httpx2.TimeoutException:
        raise _AgainError(_endpoint(call, f"sent nothing for {call.read_timeout:g} s", "raise `read_timeout`")) from None
    except httpx2.TooManyRedirects:
        raise DataError(f"{call.shown} redirects more than {REDIRECTS} times", field=FIELD, fix="give the final address") from None
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise SpecError(
            f"{call.shown} leads to no http(s) address", field=FIELD, found=str(error)[:100], fix="give an http(s) address"
        ) from None
    except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
        raise _AgainError(_endpoint(call, f"cannot be read: {type(error).__name__}")) from None


def _check_status(call: Call, response: httpx2.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status in _RETRIED:
        raise _AgainError(_endpoint(call, f"answered {status}"), _retry_after(response))
    if status in _REFUSED:
        raise DataError(
            f"{call.shown} refused access with {status}",
            field="dataset.source.credential",
            found=status,
            fix="give `credential: NAME`" if call.secret is None else "check the credential's value",
        )
    raise DataError(f"{call.shown} answered {status}", field=FIELD, found=status, fix="check the address")


def _check_packing(call: Call, response: httpx2.Response) -> None:
    """The bytes are stored as they come; gzip is found out from them. Any other encoding was not asked for."""
    packing = response.headers.get("content-encoding", "identity").lower()
    if packing not in {"", "identity", "gzip", "x-gzip"}:
        raise DataError(f"{call.shown} sent its content encoded", field=FIELD, found=packing, fix="have the server send it as it is")


def _endpoint(
    call: Call, what: str, fix: str = "check that the server runs and can be reached from the acquisition service"
) -> EndpointError:
    return EndpointError(f"{call.shown} {what}", field=FIELD, found=None, fix=fix)


def _too_large(call: Call, size: int) -> LimitError:
    return LimitError(
        f"{call.shown} is larger than {call.max_bytes:,} bytes",
        field="dataset.source.max_bytes",
        found=f"{size:,} bytes",
        fix="raise `max_bytes`",
    )


def _retry_after(response: httpx2.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def _authorization(secret: str | None) -> dict[str, str]:
    """`user:password` makes basic, anything else a bearer token."""
    if secret is None:
        return {}
    if ":" in secret:
        return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
    return {"authorization": f"Bearer {secret}"}
