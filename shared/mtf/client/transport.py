"""One HTTP conversation with a gateway: time-outs, bounded retries, and every failure as an error of ours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
from pydantic import ValidationError

from mtf.contracts.problem import Problem
from mtf.errors import PlatformError, ProblemError, UnavailableError, UsageError

ATTEMPTS = 4
BUSY = (429, 502, 503, 504)
"""Answers after which the same request may be sent again."""
LONGEST_PAUSE = 10.0
"""Seconds; a gateway that wants a longer pause is believed to mean it, and its answer is raised."""
CONNECT_TIMEOUT = 5.0
ERROR = 400


class Transport:
    """Requests to one gateway. `transport` replaces the network, for tests."""

    def __init__(self, url: str, token: str | None, *, timeout: float = 60.0, transport: httpx2.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError("a gateway's address begins with http:// or https://", field="url", found=url, fix="http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
        limits = httpx2.Timeout(timeout, connect=CONNECT_TIMEOUT)
        self._http = httpx2.Client(base_url=self.url, headers=headers, timeout=limits, transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, method: str, path: str, *, again: bool = True, **options: Any) -> httpx2.Response:
        """Send a request and return an answer below 400. `again` allows to repeat it when the gateway is away or busy.

        Raises ProblemError with what the gateway said, UnavailableError when it does not answer.
        """
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS or not again
            pause = 0.2 * 2**attempt
            try:
                response = self._http.request(method, path, **options)
            except httpx2.TransportError as error:
                if last:
                    raise self.away(error) from None
            else:
                if response.status_code < ERROR:
                    return response
                pause = max(pause, _retry_after(response))
                if last or response.status_code not in BUSY or pause > LONGEST_PAUSE:
                    raise _problem(response)
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def json(self, method: str, path: str, *, again: bool = True, **options: Any) -> Any:
        """The JSON document of an answer."""
        return self.request(method, path, again=again, **options).json()

    @contextmanager
    def stream(self, path: str, *, headers: Mapping[str, str], timeout: float) -> Iterator[Iterator[str]]:
        """The lines of a long answer. Raises ProblemError and UnavailableError."""
        limits = httpx2.Timeout(timeout, connect=CONNECT_TIMEOUT)
        try:
            with self._http.stream("GET", path, headers=dict(headers), timeout=limits) as response:
                if response.status_code >= ERROR:
                    response.read()
                    raise _problem(response)
                yield response.iter_lines()
        except httpx2.TransportError as error:
            raise self.away(error) from None

    def away(self, error: Exception) -> UnavailableError:
        """The error for a gateway that does not answer."""
        said = str(error) or type(error).__name__
        return UnavailableError(
            f"the gateway at {self.url} does not answer: {said}", field="url", found=self.url, fix="see whether it runs: GET /healthz"
        )


def _retry_after(response: httpx2.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0


def _problem(response: httpx2.Response) -> Exception:
    """What the gateway said; an answer that is no problem document came from something in between."""
    try:
        return ProblemError(Problem.model_validate(response.json()))
    except (json.JSONDecodeError, ValidationError, UnicodeDecodeError):
        start = " ".join(response.text[:200].split())
        kind = UnavailableError if response.status_code in BUSY else PlatformError
        return kind(
            f"HTTP {response.status_code} that no gateway sends: {start}",
            field="url",
            found=str(response.url),
            fix="is this the address of a gateway?",
        )
